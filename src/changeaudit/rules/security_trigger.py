"""Step 4, first half: does the change call for a security review, and did its author say so?

What triggers a review is the policy's: changed paths, labels of the pull request, labels, types
and components of its tickets, and the author's own answer in the security checklist.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Final, Literal

from changeaudit.change import Change
from changeaudit.globs import first_match, matching
from changeaudit.markdown import Document, Task, plain
from changeaudit.people import name_of
from changeaudit.policy import Policy
from changeaudit.records import Record, Ticket, Unavailable
from changeaudit.rules.description import cite_description, description_at_merge
from changeaudit.rules.excerpts import NAMED, quoted, some
from changeaudit.rules.remembered import remembered
from changeaudit.rules.step1_ticket import places_not_read
from changeaudit.rules.step2_template import item_of
from changeaudit.rules.ticket_words import among, changed_later
from changeaudit.rules.words import count, folded
from changeaudit.ticket_asof import values_at, whether
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
NONE: Final = "(there were none)"
"""Said instead of a count of nothing."""


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
    label at the merge; a label, a component or the type of a linked ticket at the merge, by its
    history; a checklist item, ticked at the merge, that declares security impact. One that fired
    is enough. If none did, everything must have been read: a list of files that was cut short is
    undetermined, and so is a ticket whose history allows both answers. If nothing triggers it, the
    review is not applicable.
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


class _Trigger(Record, frozen=True):
    """One thing that calls for a review; `declared` if the author said so in the checklist."""

    why: str
    citation: Citation
    declared: bool = False


class _Looked(Record, frozen=True):
    """What fired, what was read without firing, and what could not be read, as it is found."""

    fired: list[_Trigger]
    read: list[str]
    unread: list[str]


@remembered
def _look(change: Change, policy: Policy) -> _Looked:
    asked, looked = policy.security_review, _Looked([], [], [])
    if asked.paths:
        _look_at_paths(change, asked.paths, looked)
    if asked.labels:
        _look_at_labels(change, policy, looked)
    if asked.ticket_labels or asked.ticket_types or asked.ticket_components:
        _look_at_tickets(change, policy, looked)
    if asked.impact_items:
        _look_at_checklist(change, policy, looked)
    return looked


def _look_at_paths(change: Change, patterns: tuple[str, ...], looked: _Looked) -> None:
    pull = change.pull
    if isinstance(pull.files, Unavailable):
        looked.unread.append(f"the changed files ({pull.files.reason})")
        return
    matched = matching([file.path for file in pull.files], patterns)
    looked.fired.extend(
        _Trigger(
            f"the changed path {quoted(path)} matches {quoted(first_match(path, patterns) or '')}",
            Citation(f"changed path {quoted(path, 200)}", url=f"{pull.url}/files"),
        )
        for path in matched[:NAMED]
    )
    if len(matched) > NAMED:
        others = f"{len(matched) - NAMED} more changed paths match"
        looked.fired.append(_Trigger(others, Citation(others, url=f"{pull.url}/files")))
    listed_files = len(pull.files)
    if listed_files < pull.changed_files:
        counted_files = count(pull.changed_files, "changed file")
        missing = pull.changed_files - listed_files
        looked.unread.append(f"{missing} of the {counted_files} (the list is cut short)")
    renamed = [file.change for file in pull.files].count("RENAMED")
    if renamed:
        were = count(renamed, "renamed file")
        looked.unread.append(f"the former path of {were} (GitHub's list shows the new one alone)")
    paths = count(listed_files, "changed file") if listed_files else f"the changed files {NONE}"
    looked.read.append(f"the paths of {paths}")


def _look_at_labels(change: Change, policy: Policy, looked: _Looked) -> None:
    labels = change.at_merge.labels
    if isinstance(labels, Unavailable):
        looked.unread.append(f"the labels at the merge ({labels.reason})")
        return
    wanted = folded(policy.security_review.labels)
    for label in labels:
        if label.name.casefold() not in wanted:
            continue
        if isinstance(label.at, Unavailable):
            looked.unread.append(
                f"whether the label {quoted(label.name)} was on at the merge ({label.at.reason})"
            )
        else:
            why = f"the label {quoted(label.name)} was on at the merge"
            what = f"label {quoted(label.name)} applied"
            looked.fired.append(
                _Trigger(why, Citation(what, name_of(label.by), label.at, change.pull.url))
            )
    on = f"{count(len(labels), 'label')} at the merge"
    looked.read.append(on if labels else f"the labels at the merge {NONE}")


def _look_at_tickets(change: Change, policy: Policy, looked: _Looked) -> None:
    asked, merged = policy.security_review, change.pull.merged_at
    wanted = {
        "labels": asked.ticket_labels,
        "type": asked.ticket_types,
        "components": asked.ticket_components,
    }
    looked.unread.extend(
        f"tickets named in a place that could not be read ({why})"
        for why in places_not_read(change, policy)
    )
    for named in change.tickets:
        ticket = named.found
        if isinstance(ticket, Unavailable):
            looked.unread.append(f"the ticket {named.key} ({ticket.reason})")
            continue
        if ticket.created_at > merged:
            looked.read.append(f"the ticket {ticket.key}, which was only created after the merge")
            continue
        for field, names in wanted.items():
            if names:
                _look_at_field(ticket, field, names, merged, looked)
    linked = f"{count(len(change.tickets), 'ticket')} as of the merge"
    looked.read.append(linked if change.tickets else f"the linked tickets {NONE}")


def _look_at_field(
    ticket: Ticket, field: str, names: tuple[str, ...], merged: datetime, looked: _Looked
) -> None:
    """Whether one of `names` was in a field of a ticket at the merge, and what became of it."""
    values = values_at(ticket, field, merged)
    if isinstance(values, Unavailable):
        looked.unread.append(f"the {field} of the ticket {ticket.key} then ({values.reason})")
        return
    fits = folded(names)
    later = changed_later(ticket, (field,), merged).strip().rstrip(".")
    aside = f" ({later[:1].lower()}{later[1:]})" if later else ""
    seen = dict.fromkeys(x for value in values for x in value if x.casefold() in fits)
    for name in seen:
        what = f"the {_ONE_OF[field]} {quoted(name)}"
        if whether(values, partial(among, names=(name,))):
            cited = Citation(f"ticket {ticket.key}: {what} at the merge", url=ticket.url)
            why = f"the ticket {ticket.key} had {what} at the merge{aside}"
            looked.fired.append(_Trigger(why, cited))
        else:
            looked.unread.append(
                f"whether the ticket {ticket.key} had {what} at the merge, which its history leaves"
                f" open{aside}"
            )
    if aside and not seen:
        looked.read.append(f"the {field} of {ticket.key} at the merge{aside}")


_ONE_OF: Final = {"labels": "label", "type": "type", "components": "component"}


def _look_at_checklist(change: Change, policy: Policy, looked: _Looked) -> None:
    body = description_at_merge(change)
    if isinstance(body, Unavailable):
        looked.unread.append(f"the checklist at the merge ({body.reason})")
        return
    looked.fired.extend(
        _Trigger(
            f"the checklist declares {quoted(task.text)}",
            cite_description(change, f"ticked: {quoted(task.text)}"),
            declared=True,
        )
        for task in _ticked(body, policy, policy.security_review.impact_items)
    )
    looked.read.append("the author's answers in the checklist")


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
