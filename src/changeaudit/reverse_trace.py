"""The reverse trace: tickets that were done in the period without any change that names them. Pure.

From a change to its ticket is step 1. The other way round, a ticket that somebody called done may
have been done by a change that bypassed the procedure, or by none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from datetime import datetime
from itertools import product
from typing import Literal

from changeaudit.people import name_of
from changeaudit.policy import Policy
from changeaudit.records import Ticket, Unavailable
from changeaudit.ticket_asof import Value, changes_of, keys_of, projects_at, values_after
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

    Done is who went into a status that the policy lists, or that its Jira calls done, or was
    created in one; what its status or its resolution calls cancelled then is not done. A ticket
    that was done in the period counts, whatever became of it later. A ticket is named by any key
    that it ever bore, unless that is another one's today, and by the name of a ticket beneath it.

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
    traced = _named(known, named)
    own = {name.casefold() for name in tickets.done_statuses}
    for ticket in known:
        is_named = (ticket.source, ticket.id) in traced
        names = own or done.get(ticket.source, frozenset())
        if not names:
            unknown.append(f"which statuses of {ticket.source} mean done is not known")
            continue
        course = _course(ticket, names, policy, since, until)
        if isinstance(course, Unavailable):
            if ticket.created_at < until and not is_named:
                unknown.append(f"{ticket.key}: when it was done could not be read: {course.reason}")
            continue
        entered = {
            state: at
            for state, at in _entries(course, since, until)
            if _is_ours(ticket, at, policy)
        }
        if "done" in entered:
            number += 1
            if not is_named:
                found.append(_untraced(ticket, entered["done"]))
        elif not is_named and (gap := _gap(course, since, until)):
            unknown.append(f"{ticket.key}: {gap}")
        else:
            cancelled += "cancelled" in entered
    return ReverseTrace(
        standing=tickets.reverse_trace,
        projects=policy.jira_projects,
        done=number,
        cancelled=cancelled,
        untraced=tuple(sorted(found, key=lambda each: (each.done_at, each.key))),
        unknown=tuple(dict.fromkeys(unknown)),
    )


State = Literal["open", "done", "cancelled", "unknown"]
"""What a ticket is, as far as its status and its resolution tell."""


def _named(known: Sequence[Ticket], named: Set[str]) -> Set[tuple[str, str]]:
    """The tickets that are named, and all that those stand beneath, by their source and id."""
    current = {ticket.key.casefold() for ticket in known}
    by_key: dict[str, list[Ticket]] = {}
    for ticket in known:
        for key in keys_of(ticket) - (current - {ticket.key.casefold()}):
            by_key.setdefault(key, []).append(ticket)
    traced: set[tuple[str, str]] = set()
    reached = set(named)
    while reached:
        tickets = [ticket for key in reached for ticket in by_key.get(key, ())]
        new = [ticket for ticket in tickets if (ticket.source, ticket.id) not in traced]
        traced |= {(ticket.source, ticket.id) for ticket in new}
        reached = {parent for ticket in new for parent in parents_of(ticket)}
    return traced


def _course(
    ticket: Ticket, names: Set[str], policy: Policy, since: datetime, until: datetime
) -> list[tuple[datetime, State]] | Unavailable:
    """What a ticket was from when on, the oldest first: what each second in which it changed left.

    It begins with the last such second before `since`, which may be that of its creation.
    """
    moves = changes_of(ticket, "status")
    if isinstance(moves, Unavailable):
        return moves
    resolved = changes_of(ticket, "resolution")
    others = () if isinstance(resolved, Unavailable) else resolved
    changed = {c.at for c in (*moves, *others) if ticket.created_at < c.at < until}
    before = max((at for at in changed if at < since), default=ticket.created_at)
    within = sorted(at for at in changed if at > before)
    return [(at, _state(ticket, at, names, policy)) for at in (before, *within)]


def _state(ticket: Ticket, at: datetime, names: Set[str], policy: Policy) -> State:
    """What a ticket was once the second of `at` was over."""
    statuses = values_after(ticket, "status", at)
    if isinstance(statuses, Unavailable):
        return "unknown"
    resolutions = values_after(ticket, "resolution", at)
    if isinstance(resolutions, Unavailable):
        resolutions = ((),)
    over = {name.casefold() for name in policy.tickets.cancelled_statuses}
    found: set[State] = set()
    for status, resolution in product(statuses, resolutions):
        is_cancelled = _among(status, over) or _among(resolution, over)
        done: State = "cancelled" if is_cancelled else "done"
        found.add(done if _among(status, names) else "open")
    return found.pop() if len(found) == 1 else "unknown"


def _entries(
    course: Sequence[tuple[datetime, State]], since: datetime, until: datetime
) -> Iterator[tuple[State, datetime]]:
    """What a ticket became in the period, and when; not where it may have been that before."""
    before: State = "open"
    for at, state in course:
        if state not in (before, "unknown") and before != "unknown" and since <= at < until:
            yield state, at
        before = state


def _gap(course: Sequence[tuple[datetime, State]], since: datetime, until: datetime) -> str:
    """Why it cannot be told whether a ticket was done in the period; "" if it can."""
    ends = [at for at, _ in course[1:]] + [until]
    for (at, state), end in zip(course, ends, strict=True):
        if state == "unknown" and at < until and end >= since:
            return (
                f"its history leaves open whether it was done between {at:%Y-%m-%d %H:%M:%S}Z and"
                f" {min(end, until):%Y-%m-%d %H:%M:%S}Z; look at it in its tracker"
            )
    return ""


def _is_ours(ticket: Ticket, at: datetime, policy: Policy) -> bool:
    """Whether a ticket was in one of the policy's projects at `at`."""
    return not set(projects_at(ticket, at)).isdisjoint(policy.jira_projects)


def _untraced(ticket: Ticket, at: datetime) -> UntracedTicket:
    history = () if isinstance(ticket.history, Unavailable) else ticket.history
    changes = [change for change in history if change.at == at]
    moved = [change for change in changes if change.field == "status"]
    resolved = [change for change in changes if change.field == "resolution"]
    last = next(reversed(moved or resolved), None)
    statuses = values_after(ticket, "status", at)
    status = () if isinstance(statuses, Unavailable) else statuses[0]
    return UntracedTicket(
        key=ticket.key,
        title=ticket.title,
        type=ticket.type,
        status=status[0] if status else ticket.status,
        done_at=at,
        by=name_of(last.actor if last else ticket.author),
        how="moved" if moved else "resolved" if resolved else "created",
        url=ticket.url,
    )


def parents_of(ticket: Ticket) -> set[str]:
    """The keys, in lower case, of all that a ticket is known to have stood beneath."""
    changes = changes_of(ticket, "parent")
    known = () if isinstance(changes, Unavailable) else changes
    keys = [key for change in known for key in (*change.before, *change.after)]
    return {key.casefold() for key in (ticket.parent, *keys) if key}


def _among(value: Value, names: Set[str]) -> bool:
    return any(name.casefold() in names for name in value)
