"""The reverse trace: tickets that were done in the period without any change that names them. Pure.

From a change to its ticket is step 1. The other way round, a ticket that somebody called done may
have been done by a change that bypassed the procedure, or by none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from datetime import datetime, timedelta
from functools import partial

from changeaudit.people import name_of
from changeaudit.policy import Policy
from changeaudit.records import Ticket, TicketChange, Unavailable
from changeaudit.ticket_asof import (
    Value,
    alike,
    changes_of,
    keys_of,
    projects_at,
    values_at,
    whether,
)
from changeaudit.verdicts import ReverseTrace, UntracedTicket


def reverse_trace(
    touched: Iterable[Ticket] | Unavailable,
    named: Set[str],
    done: Mapping[str, Set[str]],
    policy: Policy,
    since: datetime,
    until: datetime,
) -> ReverseTrace | None:
    """The tickets of the policy's Jira projects that were done in [since, until) and are not named.

    Done is who went from another status into one that the policy lists, or that its Jira calls
    done, or was created in one. What was cancelled, by its status or its resolution, was not done.
    A ticket is named by any key that it ever bore, and by the name of a ticket beneath it.

    Args:
        touched: the tickets of these projects that changed since then, each with its history.
        named: the keys, in lower case, that changes name: those of the period, and any others.
        done: the names of the done statuses of each Jira, in lower case, by the ticket's source.
        policy: the projects, what is done and cancelled, and what such a ticket is.
        since: the start of the period, included (UTC).
        until: its end, not included (UTC).

    Returns:
        `None` where the policy does not ask for it, or names no project.
    """
    tickets = policy.tickets
    if tickets.reverse_trace == "off" or not policy.jira_projects:
        return None
    found: list[UntracedTicket] = []
    unknown: list[str] = []
    number = cancelled = 0
    if isinstance(touched, Unavailable):
        unknown.append(touched.reason)
        touched = ()
    known = tuple(touched)
    traced = named | {
        parent
        for ticket in known
        if not keys_of(ticket).isdisjoint(named)
        for parent in _parents(ticket)
    }
    own = {name.casefold() for name in tickets.done_statuses}
    for ticket in known:
        names = own or done.get(ticket.source, frozenset())
        if not names:
            unknown.append(f"which statuses of {ticket.source} mean done is not known")
            continue
        at = _done_at(ticket, names, since, until)
        if isinstance(at, Unavailable):
            unknown.append(f"{ticket.key}: {at.reason}")
        elif at is not None:
            instant = at.at if isinstance(at, TicketChange) else at
            if not set(projects_at(ticket, instant)) & set(policy.jira_projects):
                continue
            if _is_cancelled(ticket, instant, policy):
                cancelled += 1
                continue
            number += 1
            if keys_of(ticket).isdisjoint(traced):
                found.append(_untraced(ticket, at))
    return ReverseTrace(
        standing=tickets.reverse_trace,
        projects=policy.jira_projects,
        done=number,
        cancelled=cancelled,
        untraced=tuple(sorted(found, key=lambda each: (each.done_at, each.key))),
        unknown=tuple(dict.fromkeys(unknown)),
    )


def _done_at(
    ticket: Ticket, names: Set[str], since: datetime, until: datetime
) -> TicketChange | datetime | Unavailable | None:
    """The last change in the period by which a ticket was done, or when it was created so."""
    if ticket.created_at >= until:
        return None
    moves = changes_of(ticket, "status")
    if isinstance(moves, Unavailable):
        return Unavailable(f"when it was done could not be read: {moves.reason}")
    is_done = partial(_among, names=names)
    entered = [m for m in moves if is_done(m.after) and not is_done(m.before)]
    within = [m for m in entered if since <= m.at < until]
    if within:
        return within[-1]
    at_first = values_at(ticket, "status", ticket.created_at)
    if not isinstance(at_first, Unavailable) and whether(at_first, is_done):
        return ticket.created_at if ticket.created_at >= since else None
    last = moves[-1] if moves else None
    unrecorded = last is not None and not alike("status", last.after, (ticket.status,))
    if last and unrecorded and is_done((ticket.status,)) and not is_done(last.after):
        return Unavailable("it is done today, and no change shows since when")
    return None


def _is_cancelled(ticket: Ticket, at: datetime, policy: Policy) -> bool:
    """Whether a ticket was cancelled when it was done, by its status or its resolution."""
    names = {name.casefold() for name in policy.tickets.cancelled_statuses}
    for field in ("status", "resolution"):
        values = values_at(ticket, field, at + timedelta(seconds=1))  # as that second left it
        if not isinstance(values, Unavailable) and whether(values, partial(_among, names=names)):
            return True
    return False


def _untraced(ticket: Ticket, at: TicketChange | datetime) -> UntracedTicket:
    by_change = isinstance(at, TicketChange)
    return UntracedTicket(
        key=ticket.key,
        title=ticket.title,
        type=ticket.type,
        status=at.after[0] if isinstance(at, TicketChange) else ticket.status,
        done_at=at.at if isinstance(at, TicketChange) else at,
        by=name_of(at.actor if isinstance(at, TicketChange) else ticket.author),
        how="moved" if by_change else "created",
        url=ticket.url,
    )


def _parents(ticket: Ticket) -> set[str]:
    """The keys, in lower case, of all that a ticket is known to have stood beneath."""
    changes = changes_of(ticket, "parent")
    known = () if isinstance(changes, Unavailable) else changes
    keys = [key for change in known for key in (*change.before, *change.after)]
    return {key.casefold() for key in (ticket.parent, *keys) if key}


def _among(value: Value, names: Set[str]) -> bool:
    return any(name.casefold() in names for name in value)
