"""QA's sign-off by a ticket: somebody moved it into a status that the policy names.

The ticket's own history tells who did it and when. An account of Jira is no account of GitHub,
whatever the two are called: only the roster tells which person is behind it.
"""

from __future__ import annotations

from collections.abc import Iterator

from changeaudit.change import Change
from changeaudit.people import Holds, all_hold, name_of, on_github
from changeaudit.policy import Policy
from changeaudit.records import Actor, JiraAccount, StatusChange, Ticket, Unavailable
from changeaudit.rules.approvals import Approval, act, can_write, in_role
from changeaudit.rules.developers import Developers
from changeaudit.rules.excerpts import quoted
from changeaudit.rules.freshness import fresh_sign_off
from changeaudit.rules.step1_ticket import allowed, places_not_read
from changeaudit.rules.words import instant
from changeaudit.verdicts import Citation, Outcome


def by_ticket(change: Change, policy: Policy, made_by: Developers) -> Iterator[Approval | str]:
    """Every move of a linked ticket into one of the statuses, and what could not be read.

    A move stands if the ticket was in one of these statuses from then on until the merge. The
    ticket must count for 1.2.
    """
    wanted = {status.casefold() for status in policy.qa.ticket_statuses}
    for place in places_not_read(change, policy):
        yield f"tickets named in a place that could not be read ({place})"
    for named in change.tickets:
        ticket, counted = named.found, allowed(named, change, policy.tickets)
        if isinstance(ticket, Unavailable) or counted.outcome is Outcome.UNDETERMINED:
            yield _within(counted.reason)
            continue
        counts = Holds(counted.outcome is Outcome.PASS, _within(counted.reason))
        if isinstance(ticket.history, Unavailable):
            if counts.answer:
                why = ticket.history.reason
                yield f"the history of {ticket.key} could not be read: {why}"
            continue
        for move in ticket.history:
            into = move.after.casefold() in wanted and move.after != move.before
            if into and move.at <= change.pull.merged_at:
                stood = all_hold(counts, _stood(move, ticket.history, change, wanted))
                yield _sign_off(change, policy, made_by, ticket, move, stood)


def _stood(
    move: StatusChange, history: tuple[StatusChange, ...], change: Change, wanted: set[str]
) -> Holds:
    """Whether a ticket stayed in one of the wanted statuses from `move` until the merge."""
    merged = change.pull.merged_at
    if move.at == merged:
        return Holds(None, "it was moved in the very second of the merge")
    doubt = ""
    for other in history:
        if other.after.casefold() in wanted or not move.at <= other.at <= merged:
            continue
        out = f"it was moved on to {quoted(other.after)} at {instant(other.at)}"
        if move.at < other.at < merged:
            return Holds(False, out)
        doubt = f"{out}, in the same second{' as the merge' if other.at == merged else ''}"
    return Holds(None, doubt) if doubt else Holds(True, "it stayed there until the merge")


def _sign_off(
    change: Change,
    policy: Policy,
    made_by: Developers,
    ticket: Ticket,
    move: StatusChange,
    stood: Holds,
) -> Approval:
    person = _person(ticket, move.actor, policy)
    who = name_of(move.actor)
    if isinstance(person, Actor) and person.login != who:
        who = f"{who} ({person.login} on GitHub)"
    what = f"ticket {ticket.key} moved to {quoted(move.after)}"
    moved = f"ticket {ticket.key} went from {quoted(move.before)} to {quoted(move.after)}"
    citation = Citation(moved, who, move.at, ticket.url)
    fresh = fresh_sign_off(change, move.at)
    if isinstance(person, Unavailable):
        nobody = Holds(None, person.reason)
        return Approval.of(
            what,
            None,
            move.at,
            citation,
            valid=all_hold(stood, nobody),
            role=nobody,
            independent=nobody,
            fresh=fresh,
        )
    outside = act(
        policy,
        made_by,
        what=what,
        by=person,
        at=move.at,
        citation=citation,
        valid=stood,
        fresh=fresh,
    )
    return in_role(change, policy, "qa", outside, can_write(change, person))


def _person(
    ticket: Ticket, account: Actor | JiraAccount | None, policy: Policy
) -> Actor | Unavailable | None:
    """Who moved a ticket, as an account of GitHub; `None` for an account that is deleted."""
    if isinstance(account, JiraAccount):
        return on_github(account, policy)
    if account and "#" not in ticket.key:
        return Unavailable(f"which account of its tracker {account.login} is was not collected")
    return account


def _within(reason: str) -> str:
    """A sentence as a part of another one."""
    return f"{reason[:1].lower()}{reason[1:].rstrip('.')}"
