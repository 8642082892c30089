"""Emergency changes: what ENG-PROC-004 asks of them instead of the six steps.

The procedure lets documents follow the change, so what came after the merge counts here up to
its deadline, and no further: the change is read again as it stood at that instant.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import msgspec

from changeaudit.asof import as_of_merge
from changeaudit.change import Change, NamedTicket
from changeaudit.globs import matches
from changeaudit.markdown import visible_text
from changeaudit.people import name_of
from changeaudit.policy import Policy, RoleName
from changeaudit.records import Comment, LabelChanged, PullRequest, Record, Ticket, Unavailable
from changeaudit.rules import approvals, step2_template
from changeaudit.rules.attribute import Attribute
from changeaudit.rules.remembered import remembered
from changeaudit.rules.step1_ticket import allowed, cancelled_at, places_not_read
from changeaudit.rules.ticket_words import among, possibly, told
from changeaudit.rules.words import instant, listed, sentence
from changeaudit.ticket_asof import changes_of, values_after, values_at, whether
from changeaudit.verdicts import (
    Citation,
    Finding,
    Outcome,
    combine,
    exception,
    passed,
    undetermined,
)


def emergency_identified(change: Change, policy: Policy) -> Finding:
    """The critical issue is identified in a ticket, and lead and security were notified.

    The ticket is one that the pull request named at its merge and that counts for 1.2, or is of a
    type by which the policy knows an emergency. That a lead and a member of the
    security team reviewed before the merge shows that they knew; a notice that went another way
    is not visible, so its absence here proves nothing.
    """
    found = [(named.found, _allowed(named, change, policy)) for named in change.tickets]
    tickets = [t for t, f in found if isinstance(t, Ticket) and f.outcome is Outcome.PASS]
    cited = [_cite(ticket) for ticket in tickets]
    early = [ticket for ticket in tickets if ticket.created_at < change.pull.merged_at]
    unread = _unread_tickets(change, policy)
    if not early and unread:
        return undetermined(
            f"Whether an emergency ticket exists could not be read. {' '.join(unread)}", cited
        )
    if not tickets:
        why = "".join(f" {f.reason}" for _, f in found)
        evidence = [citation for _, f in found for citation in f.evidence]
        none = "No ticket that counts identifies the critical issue." if found else ""
        return exception(
            f"{none or 'No ticket is named that identifies the critical issue.'}{why}",
            [_class(change), *evidence],
        )
    if not early and any(ticket.created_at == change.pull.merged_at for ticket in tickets):
        return undetermined("The ticket was created in the very second of the merge.", cited)
    if not early:
        return exception("The ticket was only created after the merge.", cited)
    lead = approvals.approved(change, policy, "lead", 1)
    security = approvals.approved(change, policy, "security", 1)
    if lead.outcome is Outcome.PASS and security.outcome is Outcome.PASS:
        evidence = [*cited, *lead.evidence, *security.evidence]
        return passed(f"{early[0].key} identifies it; lead and security reviewed.", evidence)
    return undetermined(
        f"{early[0].key} identifies it; that lead and security were notified is not visible in"
        " the pull request.",
        cited,
    )


def emergency_approved(change: Change, policy: Policy) -> Finding:
    """A lead and a member of the security team approved, as the emergency ticket documents.

    Approving reviews of the code that merged, before the merge, show it. Approvals that are
    written in the ticket alone are not collected, so with a ticket that counts for E.1 their
    absence in the pull request proves nothing.
    """
    tickets = [
        named for named in change.tickets if _allowed(named, change, policy).outcome is Outcome.PASS
    ]
    unread = _unread_tickets(change, policy)
    found = {
        "an engineering lead": _approved(change, policy, "lead"),
        "the security team": _approved(change, policy, "security"),
    }
    evidence = [citation for finding in found.values() for citation in finding.evidence]
    lacking = [who for who, finding in found.items() if finding.outcome is not Outcome.PASS]
    if not lacking:
        if not tickets and unread:
            return undetermined(
                "They approved; whether an emergency ticket documents it could not be read."
                f" {' '.join(unread)}",
                evidence,
            )
        if not tickets:
            return exception("They approved, but no emergency ticket documents it.", evidence)
        return passed("An engineering lead and the security team approved.", evidence)
    if any(finding.outcome is Outcome.UNDETERMINED for finding in found.values()):
        why = next(f.reason for f in found.values() if f.outcome is Outcome.UNDETERMINED)
        return undetermined(f"Whether both approved cannot be told. {why}", evidence)
    if tickets:
        keys = listed(ticket.key for ticket in tickets)
        return undetermined(
            f"No approval by {listed(lacking)} is in the pull request; whether {keys} documents"
            " one has to be inspected.",
            evidence or [_class(change)],
        )
    if unread:
        return undetermined(
            f"No approval by {listed(lacking)} is in the pull request; whether a ticket documents"
            f" one could not be read. {' '.join(unread)}",
            evidence or [_class(change)],
        )
    return exception(
        f"No approval by {listed(lacking)}, and no ticket that could document one.",
        evidence or [_class(change)],
    )


def emergency_reviewed(change: Change, policy: Policy) -> Finding:
    """A peer and the security team reviewed, at the latest when the documentation was due.

    Their approvals are of the code that merged.
    """
    due = _documentation_due(change, policy)
    later = at_its_review(change, policy)
    roles: dict[str, RoleName] = {"a peer": "peer", "security": "security"}
    by_role = {who: _approved(later, policy, role) for who, role in roles.items()}
    found = by_role.values()
    evidence = [citation for finding in found for citation in finding.evidence]
    outcome = combine(finding.outcome for finding in found)
    if outcome is Outcome.PASS:
        return passed(f"A peer and security approved by {instant(due)}.", evidence)
    why = " ".join(dict.fromkeys(f.reason for f in found if f.outcome is not Outcome.PASS))
    if outcome is Outcome.EXCEPTION and not _over(change, due):
        return undetermined(f"The review is due by {instant(due)}. {why}", evidence)
    if outcome is Outcome.EXCEPTION:
        said = listed(f"{who} {_DID[f.outcome]}" for who, f in by_role.items())
        return exception(f"By {instant(due)}, {said}. {why}", evidence)
    return undetermined(why, evidence)


@remembered
def at_its_review(change: Change, policy: Policy) -> Change:
    """The change as it stood when its documents and review were due, as if it had merged then."""
    pull = msgspec.structs.replace(change.pull, merged_at=_documentation_due(change, policy))
    at_merge = as_of_merge(pull, earlier=change.at_merge)
    return msgspec.structs.replace(change, pull=pull, at_merge=at_merge)


def emergency_deployed(change: Change, policy: Policy) -> Finding:
    """The change was merged into a production branch, which authorises its deployment."""
    pull, base = change.pull, change.at_merge.base
    where = base if isinstance(base, str) else "a branch that could not be read"
    merge = Citation(f"merge into {where}", name_of(pull.merged_by), pull.merged_at, pull.url)
    if isinstance(base, Unavailable) or not any(matches(base, p) for p in change.production):
        return undetermined(f"It merged into {where}, not a production branch's name.", [merge])
    return passed(f"It merged into {base} at {instant(pull.merged_at)}.", [merge])


def emergency_documented(change: Change, policy: Policy) -> Finding:
    """The standard documentation, template and security checklist, was complete in time.

    It is due within the hours that the policy gives, 24 by default, and is read as it stood then.
    """
    due = _documentation_due(change, policy)
    later = at_its_review(change, policy)
    found = [attribute.rule(later, policy) for attribute in step2_template.ATTRIBUTES]
    evidence = [citation for finding in found for citation in finding.evidence]
    outcome = combine(finding.outcome for finding in found)
    # Two of them may find the same: that there is no checklist, or that nothing could be read.
    why = " ".join(dict.fromkeys(f.reason for f in found if f.outcome is outcome))
    if outcome is Outcome.PASS:
        return passed(f"The documentation was complete by {instant(due)}.", evidence)
    if outcome is Outcome.EXCEPTION and _over(change, due):
        return exception(f"Not complete by {instant(due)}: {why}", evidence)
    if outcome is Outcome.EXCEPTION:
        return undetermined(f"The documentation is due by {instant(due)}: {why}", evidence)
    return undetermined(why, evidence)


def emergency_followed_up(change: Change, policy: Policy) -> Finding:
    """A post-mortem was there within the business days that the policy gives, 3 by default.

    The policy says what shows it: a ticket of a type or with a label that the pull request
    names, in a project that counts for 1.2, or a link of a given form in a comment. What was there
    before the merge is no follow-up of it: a link or a label came after it, and a ticket was
    created after it, or, where it had been opened before, done after it (a status of
    tickets.done_statuses or tickets.closed_statuses; a GitHub issue was closed). It still stands
    when it is due: a label that was taken off again by then, a ticket that was cancelled, reopened
    or made something else shows none. What a comment said before it was edited is not collected:
    where that decides, it is undetermined.
    """
    emergency = policy.classes.emergency
    wanted = emergency.post_mortem
    if not (wanted.labels or wanted.ticket_types or wanted.link_pattern):
        return undetermined(
            "The policy does not say what shows a post-mortem: add"
            " classes.emergency.post_mortem.labels, ticket_types or link_pattern.",
            [_class(change)],
        )
    try:
        due = policy.calendar.workdays().deadline(
            change.pull.merged_at, emergency.follow_up_business_days
        )
    except ValueError as error:
        return undetermined(f"The deadline cannot be told: {error}.", [_class(change)])
    found = sorted(_post_mortems(change, policy, due), key=lambda shown: shown.at)
    in_time = [each.citation for each in found if each.at < due and not (each.doubt or each.gone)]
    if in_time:
        return passed(f"The post-mortem was there before {instant(due)}.", in_time)
    late = [each.citation for each in found]
    if isinstance(change.pull.comments, Unavailable) or isinstance(
        change.pull.timeline, Unavailable
    ):
        return undetermined("The comments or labels after the merge could not be read.", late)
    counted = [_of_ours(named, change, policy) for named in change.tickets]
    unread = [f.reason for f in counted if f.outcome is Outcome.UNDETERMINED]
    if unread and (wanted.labels or wanted.ticket_types):
        return undetermined(
            f"Whether a ticket shows a post-mortem could not be read. {' '.join(unread)}", late
        )
    doubts = list(dict.fromkeys(each.doubt for each in found if each.doubt and not each.gone))
    if doubts:
        said = "; ".join(doubts)
        return undetermined(
            f"Whether a post-mortem was there before {instant(due)} cannot be told: {said}.", late
        )
    if not _over(change, due):
        return undetermined(f"The post-mortem is due by {instant(due)}.", [_class(change)])
    if any(not each.gone for each in found):
        return exception(f"The post-mortem came after {instant(due)}.", late)
    if late:
        gone = "; ".join(dict.fromkeys(each.gone for each in found))
        return exception(f"No post-mortem stood at {instant(due)}: {gone}.", late)
    waiting = [
        ticket
        for named, counts in zip(change.tickets, counted, strict=True)
        if isinstance(ticket := named.found, Ticket)
        and counts.outcome is Outcome.PASS
        and (among((ticket.type,), wanted.ticket_types) or among(ticket.labels, wanted.labels))
    ]
    were = "was" if len(waiting) == 1 else "were"
    opened = f" {listed(t.key for t in waiting)} {were} opened before the merge and not done since."
    return exception(
        f"No post-mortem was there by {instant(due)}.{opened if waiting else ''}",
        [_class(change), *map(_cite, waiting)],
    )


class _Shown(Record, frozen=True):
    """What shows a post-mortem, and since when.

    `doubt` is why it is open whether it stood when it was due, `gone` why it stood no longer; both
    are "" for what came later.
    """

    at: datetime
    citation: Citation
    doubt: str = ""
    gone: str = ""


def _allowed(named: NamedTicket, change: Change, policy: Policy) -> Finding:
    """Whether a ticket counts, as for 1.2, where the types of an emergency count besides."""
    tickets = policy.tickets
    more = policy.classes.emergency.ticket_types if tickets.types else ()
    if more:
        tickets = tickets.model_copy(update={"types": (*tickets.types, *more)})
    return allowed(named, change, tickets)


def _unread_tickets(change: Change, policy: Policy) -> list[str]:
    """What may hide a ticket that counts, each as a sentence."""
    found = [_allowed(named, change, policy) for named in change.tickets]
    unread = [f.reason for f in found if f.outcome is Outcome.UNDETERMINED]
    return unread + [sentence(place) for place in places_not_read(change, policy)]


def _of_ours(named: NamedTicket, change: Change, policy: Policy) -> Finding:
    """Whether a ticket is in a project that counts, of whatever type."""
    any_type = policy.tickets.model_copy(update={"types": ()})
    return allowed(named, change, any_type)


def _approved(change: Change, policy: Policy, role: RoleName) -> Finding:
    """Whether somebody in a role approved the code that merged, and none older."""
    found = approvals.approved(change, policy, role, 1)
    if found.outcome is not Outcome.PASS:
        return found
    fresh = approvals.fresh(change, policy, role, 1, see="E.2")
    return found if fresh.outcome is Outcome.PASS else fresh


def _post_mortems(change: Change, policy: Policy, due: datetime) -> Iterator[_Shown]:
    """What shows a post-mortem, in no order."""
    wanted = policy.classes.emergency.post_mortem
    labels = {label.casefold() for label in wanted.labels}
    for named in change.tickets:
        ticket = named.found
        ours = _of_ours(named, change, policy).outcome is Outcome.PASS
        if isinstance(ticket, Ticket) and ours:
            yield from _by_ticket(ticket, change, policy, due)
    timeline, merged = change.pull.timeline, change.pull.merged_at
    for event in () if isinstance(timeline, Unavailable) else timeline:
        if not isinstance(event, LabelChanged) or not event.added or event.at <= merged:
            continue
        if event.label.casefold() in labels:
            cited = Citation(
                f"label {event.label} applied", name_of(event.actor), event.at, change.pull.url
            )
            yield _Shown(event.at, cited, *_taken_off(event, change.pull, due))
    comments = change.pull.comments
    for comment in () if isinstance(comments, Unavailable) else comments:
        # An edited comment shows its link since its newest edit at the latest.
        at = comment.edited_at or comment.at
        link = _link(comment, wanted.link_pattern) if at > merged else ""
        if link:
            since = f"since when the comment of {instant(comment.at)} has its link is not recorded"
            doubt = since if comment.at <= merged or comment.at < due <= at else ""
            cited = Citation(f"link {link}", name_of(comment.author), at, comment.url)
            yield _Shown(at, cited, doubt)


def _taken_off(put_on: LabelChanged, pull: PullRequest, due: datetime) -> tuple[str, str]:
    """Why it is open whether a label was still on when it was due, and why it was not."""
    timeline = () if isinstance(pull.timeline, Unavailable) else pull.timeline
    name = put_on.label.casefold()
    before = [
        event
        for event in timeline
        if isinstance(event, LabelChanged) and event.label.casefold() == name and event.at < due
    ]
    last = max((event.at for event in before), default=put_on.at)
    added = {event.added for event in before if event.at == last}
    what = f"the label {put_on.label} was taken off again at {instant(last)}"
    if put_on.at >= due or added == {True}:
        return "", ""
    return ("", what) if added == {False} else (f"{what}, in the second in which it was put on", "")


def _by_ticket(ticket: Ticket, change: Change, policy: Policy, due: datetime) -> Iterator[_Shown]:
    """When a ticket came to show a post-mortem, and whether it still did when it was due.

    A post-mortem looks back at the incident: its ticket was created after the merge, or done then.
    """
    wanted, merged = policy.classes.emergency.post_mortem, change.pull.merged_at
    for at, what, doubt in _followed(ticket, merged, policy):
        for field, names in (("type", wanted.ticket_types), ("labels", wanted.labels)):
            known = _since(ticket, field, names, at) if names else None
            if known is None:
                continue
            since, open_ = known
            what_it_is = f"ticket {ticket.key} ({possibly('type', ((ticket.type,),))}) {what}"
            who = name_of(ticket.author) if what == "created" else ""
            cited = Citation(what_it_is, who, since, ticket.url)
            if since >= due:
                yield _Shown(since, cited)
                continue
            standing = _standing(ticket, field, names, due, policy, done=what != "created")
            gone = next((why for holds, why in standing if holds is False), "")
            unsure = next((why for holds, why in standing if holds is None), "")
            yield _Shown(
                since, cited, doubt or open_ or (f"whether {unsure}" if unsure else ""), gone
            )


def _standing(
    ticket: Ticket, field: str, names: tuple[str, ...], due: datetime, policy: Policy, *, done: bool
) -> list[tuple[bool | None, str]]:
    """Whether a ticket still showed a post-mortem just before `due`, and what if it did not."""
    by = due - timedelta(microseconds=1)
    which = "label" if field == "labels" else field
    key, cancelled = ticket.key, cancelled_at(ticket, by, policy.tickets)
    found = [
        (_held(ticket, field, names, by), f"{key} had lost that {which} again by then"),
        (None if cancelled is None else not cancelled, f"{key} was cancelled by then"),
    ]
    if done:
        over = _held(ticket, "status", _over_statuses(ticket, policy), by)
        found.append((over, f"{key} was reopened by then"))
    return found


def _held(ticket: Ticket, field: str, names: tuple[str, ...], at: datetime) -> bool | None:
    """Whether a field of a ticket held one of `names` at `at`; `None` if that cannot be told."""
    values = values_at(ticket, field, at)
    return None if isinstance(values, Unavailable) else whether(values, partial(among, names=names))


def _over_statuses(ticket: Ticket, policy: Policy) -> tuple[str, ...]:
    over = (*policy.tickets.done_statuses, *policy.tickets.closed_statuses)
    return ("closed",) if "#" in ticket.key else over


def _followed(
    ticket: Ticket, merged: datetime, policy: Policy
) -> Iterator[tuple[datetime, str, str]]:
    """When a ticket was created or done after the merge, which of them, and what is open of it."""
    if ticket.created_at > merged:
        yield ticket.created_at, "created", ""
        return
    names = _over_statuses(ticket, policy)
    moves = changes_of(ticket, "status")
    if isinstance(moves, Unavailable):
        if among((ticket.status,), names):
            why = f"when ticket {ticket.key} was done could not be read: {moves.reason}"
            yield merged, "created before the merge, done today", why
        return
    for move in moves:
        if move.at > merged and among(move.after, names) and not among(move.before, names):
            yield move.at, f"done: {told(move)}", ""


def _since(
    ticket: Ticket, field: str, names: tuple[str, ...], at: datetime
) -> tuple[datetime, str] | None:
    """Since when, from `at` on, a ticket had one of `names` in a field, and what is open of that.

    `None` if it never did.
    """
    has = partial(among, names=names)
    which = "label" if field == "labels" else field
    values = values_after(ticket, field, at)
    if isinstance(values, Unavailable):
        today = has(ticket.labels if field == "labels" else (ticket.type,))
        why = f"when ticket {ticket.key} was given its {which} could not be read: {values.reason}"
        return (at, why) if today else None
    there = whether(values, has)
    if there is None:
        return at, f"whether ticket {ticket.key} had its {which} then, its history leaves open"
    changes = changes_of(ticket, field)
    later = [c.at for c in (() if isinstance(changes, Unavailable) else changes) if has(c.after)]
    return (at, "") if there else next(((each, "") for each in later if each > at), None)


def _link(comment: Comment, pattern: str | None) -> str:
    words = visible_text(comment.body).split() if pattern else []
    found = (word.strip("()<>[],.;\"'") for word in words if "://" in word)
    return next((word for word in found if pattern and matches(word, pattern)), "")


def _documentation_due(change: Change, policy: Policy) -> datetime:
    hours = policy.classes.emergency.documentation_hours
    return change.pull.merged_at + timedelta(hours=hours)


def _over(change: Change, due: datetime) -> bool:
    """Whether the evidence was collected once the deadline had passed."""
    return change.pull.collected_at >= due


def _cite(ticket: Ticket) -> Citation:
    who = name_of(ticket.author)
    return Citation(f"ticket {ticket.key} ({ticket.type})", who, ticket.created_at, ticket.url)


_DID: Final = {
    Outcome.PASS: "approved",
    Outcome.EXCEPTION: "did not approve",
    Outcome.UNDETERMINED: "cannot be told to have approved",
    Outcome.NOT_APPLICABLE: "did not approve",
}


def _class(change: Change) -> Citation:
    return Citation(f"classed as emergency: {change.class_reason}", url=change.pull.url)


ATTRIBUTES = (
    Attribute(
        "E.1", "The emergency was identified, lead and security notified.", emergency_identified
    ),
    Attribute("E.2", "Lead and security approved the emergency change.", emergency_approved),
    Attribute("E.3", "A peer and security reviewed it in time.", emergency_reviewed),
    Attribute("E.4", "The emergency change was deployed.", emergency_deployed),
    Attribute("E.5", "Its documentation was complete in time.", emergency_documented),
    Attribute("E.6", "A post-mortem followed in time.", emergency_followed_up),
)
