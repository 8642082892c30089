"""QA's sign-off by a ticket: somebody moved it into a status that the policy names.

The ticket's own history tells who did it and when. An account of Jira is no account of GitHub,
whatever the two are called: only the roster tells which person is behind it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from changeaudit.change import Change
from changeaudit.people import Holds, all_hold, name_of, on_github
from changeaudit.policy import Policy
from changeaudit.records import Actor, JiraAccount, Ticket, TicketChange, Unavailable
from changeaudit.rules.approvals import Approval, act, can_write, in_role
from changeaudit.rules.developers import Developers
from changeaudit.rules.excerpts import quoted
from changeaudit.rules.freshness import fresh_sign_off
from changeaudit.rules.step1_ticket import allowed, places_not_read
from changeaudit.rules.ticket_words import among, bore, shown
from changeaudit.rules.words import instant
from changeaudit.ticket_asof import Value, alike, changes_of, values_after, values_at, whether
from changeaudit.verdicts import Citation, Outcome


def by_ticket(change: Change, policy: Policy, made_by: Developers) -> Iterator[Approval | str]:
    """Every move of a linked ticket into one of the statuses, and what could not be read.

    A move stands if the ticket was in one of these statuses from then on until the merge. A status
    that was only renamed to one of them since may have meant anything. The ticket must count for
    1.2.
    """
    wanted = policy.qa.ticket_statuses
    for each in counted_tickets(change, policy):
        if isinstance(each, str):
            yield each
            continue
        ticket, counts = each
        moves = changes_of(ticket, "status")
        if isinstance(moves, Unavailable):
            if counts.answer:
                yield f"the history of {ticket.key} could not be read: {moves.reason}"
            continue
        for move in moves:
            into = among(move.after, wanted) and not alike("status", move.before, move.after)
            if into and move.at <= change.pull.merged_at:
                stood = all_hold(counts, _stood(move, ticket, moves, change, wanted))
                yield _sign_off(change, policy, made_by, ticket, move, stood)


def counted_tickets(change: Change, policy: Policy) -> Iterator[tuple[Ticket, Holds] | str]:
    """The linked tickets, each with whether it counts for 1.2, and what could not be read."""
    for place in places_not_read(change, policy):
        yield f"tickets named in a place that could not be read ({place})"
    for named in change.tickets:
        ticket, counted = named.found, allowed(named, change, policy.tickets)
        if isinstance(ticket, Unavailable) or counted.outcome is Outcome.UNDETERMINED:
            yield _within(counted.reason)
        else:
            yield ticket, Holds(counted.outcome is Outcome.PASS, _within(counted.reason))


def _stood(
    move: TicketChange,
    ticket: Ticket,
    moves: tuple[TicketChange, ...],
    change: Change,
    wanted: tuple[str, ...],
) -> Holds:
    """Whether a ticket stayed in one of the wanted statuses from `move` until the merge."""
    merged = change.pull.merged_at

    def surely(values: tuple[Value, ...] | Unavailable) -> bool:
        return not isinstance(values, Unavailable) and bool(
            whether(values, lambda value: among(value, wanted))
        )

    if move.at == merged:
        return Holds(None, "it was moved in the very second of the merge")
    doubt = _renamed(move, wanted)
    in_at_once = surely(values_after(ticket, "status", move.at))
    stayed_in = [move.after]
    for other in moves:
        if not move.at <= other.at <= merged:
            continue
        at, later = instant(other.at), other.at > move.at
        out = f"it was moved on to {shown('status', other.after)} at {at}"
        match bore(other.after, wanted):
            case True:
                joins = among(other.before, wanted) or any(
                    alike("status", other.before, status) for status in stayed_in
                )
                if later and not joins:
                    doubt = f"how it left that status before {at}, its history does not show"
                stayed_in.append(other.after)
            case None if later:
                doubt = f"{out}; {_renamed(other, wanted)}"
            case False if later and other.at < merged:
                return Holds(False, out)
            case False if later or not in_at_once:
                doubt = f"{out}, in the same second{' as the merge' if later else ''}"
    if not doubt and not surely(values_at(ticket, "status", merged)):
        doubt = "its history does not show that it stayed there until the merge"
    return Holds(None, doubt) if doubt else Holds(True, "it stayed there until the merge")


def _renamed(move: TicketChange, wanted: tuple[str, ...]) -> str:
    """Why a move into a status that was given its name later shows nothing; "" if it was not."""
    if bore(move.after, wanted) is not None:
        return ""
    return (
        f"whether that status meant the same when it was called {quoted(move.after[0])} is not told"
        " (if it did, name it so in qa.ticket_statuses)"
    )


def _sign_off(
    change: Change,
    policy: Policy,
    made_by: Developers,
    ticket: Ticket,
    move: TicketChange,
    stood: Holds,
) -> Approval:
    before, after = shown("status", move.before), shown("status", move.after)
    return of_account(
        change,
        policy,
        made_by,
        ticket=ticket,
        account=move.actor,
        at=move.at,
        what=f"ticket {ticket.key} moved to {after}",
        did=f"ticket {ticket.key} went from {before} to {after}",
        url=ticket.url,
        valid=stood,
    )


def of_account(
    change: Change,
    policy: Policy,
    made_by: Developers,
    *,
    ticket: Ticket,
    account: Actor | JiraAccount | None,
    at: datetime,
    what: str,
    did: str,
    url: str,
    valid: Holds,
) -> Approval:
    """The sign-off of whoever an account of a ticket's tracker is: `did` is what is cited of it."""
    person = _person(ticket, account, policy)
    who = name_of(account)
    if isinstance(person, Actor) and person.login != who:
        who = f"{who} ({person.login} on GitHub)"
    citation = Citation(did, who, at, url)
    fresh = fresh_sign_off(change, at)
    if isinstance(person, Unavailable):
        nobody = Holds(None, person.reason)
        return Approval.of(
            what,
            None,
            at,
            citation,
            valid=all_hold(valid, nobody),
            role=nobody,
            independent=nobody,
            fresh=fresh,
        )
    outside = act(
        policy, made_by, what=what, by=person, at=at, citation=citation, valid=valid, fresh=fresh
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
