"""Step 4, first half: does the change call for a security review, and did its author say so?

What triggers a review is the policy's: changed paths, labels of the pull request, labels and
types of its tickets, and the author's own answer in the security checklist.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from changeaudit.change import Change
from changeaudit.globs import first_match
from changeaudit.markdown import Document, Task, plain
from changeaudit.people import name_of
from changeaudit.policy import Policy
from changeaudit.records import Unavailable
from changeaudit.rules.description import cite_description, description_at_merge
from changeaudit.rules.excerpts import NAMED, quoted, some
from changeaudit.rules.remembered import remembered
from changeaudit.rules.step2_template import item_of
from changeaudit.rules.words import count
from changeaudit.verdicts import (
    Citation,
    Finding,
    exception,
    not_applicable,
    passed,
    undetermined,
)

Answer = Literal["yes", "no", "unknown"]

ADVICE = "add security_review.paths or security_review.labels to the policy"


@remembered
def triggered(change: Change, policy: Policy) -> Answer:
    """Whether the change calls for a security review, for 4.2 and 4.3.

    "unknown" where nothing that was read triggers one and something could not be read, or where
    the policy names no trigger.
    """
    looked = _look(change, policy)
    if looked.fired:
        return "yes"
    return "unknown" if looked.unread or not policy.security_review.triggers else "no"


def security_review_triggered(change: Change, policy: Policy) -> Finding:
    """Whether the change touches security controls or sensitive data is told by complete evidence.

    Any of these triggers the review: a changed path that matches one of the policy's globs; a
    label at the merge; a label or the type of a linked ticket, as they are today; a checklist
    item, ticked at the merge, that declares security impact. One that fired is enough. If none
    did, everything must have been read: a list of files that was cut short is undetermined. If
    nothing triggers it, the review is not applicable.
    """
    if not policy.security_review.triggers:
        return undetermined(f"The policy names nothing that triggers a security review; {ADVICE}.")
    looked = _look(change, policy)
    if looked.fired:
        causes = some(trigger.why for trigger in looked.fired)
        return passed(
            f"A security review is required: {causes}.",
            [trigger.citation for trigger in looked.fired],
        )
    seen = f"Nothing triggers a security review in {some(looked.read) or 'what was read'}"
    if looked.unread:
        return undetermined(f"{seen}; not read: {some(looked.unread)}.")
    return not_applicable(f"{seen}.", [_cite_change(change)])


def security_impact_declared(change: Change, policy: Policy) -> Finding:
    """Where a path, a label or a ticket triggers a review, the checklist does not deny it.

    A ticked item that says "no security impact" on such a change is an exception: the impact is
    under-declared. The policy's no_impact_items are those items; without any, there is nothing
    that denies. The checklist is read as it stood at the merge.
    """
    if not policy.security_review.triggers:
        return undetermined(f"The policy names nothing that triggers a security review; {ADVICE}.")
    denials = policy.security_review.no_impact_items
    if not denials:
        return not_applicable(
            "The policy names no checklist item that denies security impact"
            " (security_review.no_impact_items)."
        )
    looked = _look(change, policy)
    shown = [trigger for trigger in looked.fired if not trigger.declared]
    if not looked.fired and not looked.unread:
        return not_applicable("No security review is triggered: see 4.1.", [_cite_change(change)])
    body = description_at_merge(change)
    if isinstance(body, Unavailable):
        return undetermined(
            f"Whether the checklist denies security impact could not be read: {body.reason}.",
            [trigger.citation for trigger in shown],
        )
    ticked = _ticked(body, policy, denials)
    denied = [cite_description(change, f"ticked: {quoted(task.text)}") for task in ticked]
    if denied and looked.fired:
        said = some(quoted(task.text) for task in ticked)
        causes = some(trigger.why for trigger in (shown or looked.fired))
        return exception(
            f"The security impact is under-declared: the checklist says {said}, while {causes}.",
            [*denied, *(trigger.citation for trigger in looked.fired)],
        )
    if denied:
        return undetermined(
            f"The checklist says {some(quoted(task.text) for task in ticked)}; whether that is"
            f" so is not known. Not read: {some(looked.unread)}.",
            denied,
        )
    what = "description: no ticked item denies security impact"
    return passed(
        "The checklist does not deny the change's security impact.",
        [cite_description(change, what), *(trigger.citation for trigger in looked.fired)],
    )


@dataclass(frozen=True, slots=True)
class _Trigger:
    """One thing that calls for a review; `declared` if the author said so in the checklist."""

    why: str
    citation: Citation
    declared: bool = False


@dataclass(frozen=True, slots=True)
class _Looked:
    """What fired, what was read without firing, and what could not be read."""

    fired: tuple[_Trigger, ...]
    read: tuple[str, ...]
    unread: tuple[str, ...]


def _look(change: Change, policy: Policy) -> _Looked:
    looked = list(_everywhere(change, policy))
    return _Looked(
        fired=tuple(trigger for part in looked for trigger in part.fired),
        read=tuple(name for part in looked for name in part.read),
        unread=tuple(reason for part in looked for reason in part.unread),
    )


def _everywhere(change: Change, policy: Policy) -> Iterator[_Looked]:
    asked = policy.security_review
    if asked.paths:
        yield _look_at_paths(change, policy)
    if asked.labels:
        yield _look_at_labels(change, policy)
    if asked.ticket_labels or asked.ticket_types:
        yield _look_at_tickets(change, policy)
    if asked.impact_items:
        yield _look_at_checklist(change, policy)


def _look_at_paths(change: Change, policy: Policy) -> _Looked:
    pull = change.pull
    if isinstance(pull.files, Unavailable):
        return _Looked((), (), (f"the changed files ({pull.files.reason})",))
    matched = [
        (file.path, glob)
        for file in pull.files
        if (glob := first_match(file.path, policy.security_review.paths)) is not None
    ]
    fired = [
        _Trigger(
            f"the changed path {quoted(path)} matches {quoted(glob)}",
            Citation(f"changed path {quoted(path, 200)}", url=f"{pull.url}/files"),
        )
        for path, glob in matched[:NAMED]
    ]
    if len(matched) > NAMED:
        others = f"{len(matched) - NAMED} more changed paths match"
        fired.append(_Trigger(others, Citation(others, url=f"{pull.url}/files")))
    listed_files, counted_files = len(pull.files), count(pull.changed_files, "changed file")
    unread: list[str] = []
    if listed_files < pull.changed_files:
        missing = pull.changed_files - listed_files
        unread.append(f"{missing} of the {counted_files} (the list is cut short)")
    renamed = sum(file.change == "RENAMED" for file in pull.files)
    if renamed:
        were = count(renamed, "renamed file")
        unread.append(f"the former path of {were} (GitHub's list shows the new one alone)")
    read = f"the paths of {count(listed_files, 'changed file')}"
    return _Looked(tuple(fired), (read,), tuple(unread))


def _look_at_labels(change: Change, policy: Policy) -> _Looked:
    labels = change.at_merge.labels
    if isinstance(labels, Unavailable):
        return _Looked((), (), (f"the labels at the merge ({labels.reason})",))
    wanted = {label.casefold() for label in policy.security_review.labels}
    fired: list[_Trigger] = []
    unread: list[str] = []
    for label in labels:
        if label.name.casefold() not in wanted:
            continue
        if isinstance(label.at, Unavailable):
            unread.append(
                f"whether the label {quoted(label.name)} was on at the merge ({label.at.reason})"
            )
        else:
            why = f"the label {quoted(label.name)} was on at the merge"
            what = f"label {quoted(label.name)} applied"
            fired.append(
                _Trigger(why, Citation(what, name_of(label.by), label.at, change.pull.url))
            )
    read = f"{count(len(labels), 'label')} at the merge"
    return _Looked(tuple(fired), (read,), tuple(unread))


def _look_at_tickets(change: Change, policy: Policy) -> _Looked:
    asked = policy.security_review
    labels = {label.casefold() for label in asked.ticket_labels}
    types = {name.casefold() for name in asked.ticket_types}
    fired: list[_Trigger] = []
    unread = [
        f"tickets named in a place that could not be read ({why})" for why in change.unread_places
    ]
    for named in change.tickets:
        ticket = named.found
        if isinstance(ticket, Unavailable):
            unread.append(f"the ticket {named.key} ({ticket.reason})")
            continue
        facts = [f"the label {quoted(x)}" for x in ticket.labels if x.casefold() in labels]
        facts += [f"the type {quoted(ticket.type)}"] if ticket.type.casefold() in types else []
        for fact in facts:
            why = f"the ticket {ticket.key} has {fact} today"
            fired.append(_Trigger(why, Citation(f"ticket {ticket.key}: {fact}", url=ticket.url)))
    tickets = f"{count(len(change.tickets), 'ticket')} as shown today"
    return _Looked(tuple(fired), (tickets,), tuple(unread))


def _look_at_checklist(change: Change, policy: Policy) -> _Looked:
    body = description_at_merge(change)
    if isinstance(body, Unavailable):
        return _Looked((), (), (f"the checklist at the merge ({body.reason})",))
    fired = [
        _Trigger(
            f"the checklist declares {quoted(task.text)}",
            cite_description(change, f"ticked: {quoted(task.text)}"),
            declared=True,
        )
        for task in _ticked(body, policy, policy.security_review.impact_items)
    ]
    return _Looked(tuple(fired), ("the author's answers in the checklist",), ())


def _ticked(body: Document, policy: Policy, items: tuple[str, ...]) -> list[Task]:
    """The ticked boxes of the checklist that read like one of `items`.

    A box belongs to the longest declaration that it begins with, for one that denies impact may
    begin like one that declares it.
    """
    asked = policy.security_review
    declarations = {plain(item) for item in (*asked.impact_items, *asked.no_impact_items)} - {""}
    wanted = {plain(item) for item in items}
    return [
        task
        for section in body.sections(policy.security_checklist.heading)
        for task in section.tasks
        if task.ticked and item_of(task, declarations) in wanted
    ]


def _cite_change(change: Change) -> Citation:
    pull = change.pull
    what = f"pull request with {count(pull.changed_files, 'changed file')}, merged"
    return Citation(what, name_of(pull.merged_by), pull.merged_at, f"{pull.url}/files")
