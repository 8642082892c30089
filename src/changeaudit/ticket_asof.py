"""A ticket as it stood at an instant, worked out from its history. Pure.

A tracker shows a ticket as it is today. What a field was at an instant is what the last change
before it left, else what the first change after it found, else what it is today. Where that is
not one answer, all that it may have been are given, never one of them:

- changes within one second have no order, and neither have a change and an instant in its second;
- where a change finds something else than the one before it left, or the tracker shows something
  else than the last one left, there was a change that nobody recorded, and when is not known.

Of a time before the ticket was created this tells what it was created with. A ticket always has a
key, a type and a status: where its tracker shows none, which it was is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from changeaudit.records import Ticket, TicketChange, Unavailable

Value = tuple[str, ...]
"""A field's value: none, one, or the set of labels or components; of a status all its names."""

_TODAY: Final[dict[str, Callable[[Ticket], Value]]] = {
    "status": lambda ticket: _one(ticket.status),
    "type": lambda ticket: _one(ticket.type),
    "resolution": lambda ticket: _one(ticket.resolution),
    "key": lambda ticket: _one(ticket.key),
    "parent": lambda ticket: _one(ticket.parent),
    "security": lambda ticket: _one(ticket.security),
    "labels": lambda ticket: ticket.labels,
    "components": lambda ticket: ticket.components,
}

FIELDS: Final = tuple(_TODAY)
"""The fields whose history is told."""

_SETS: Final = ("labels", "components")
_NEVER_EMPTY: Final = ("status", "type", "key")


def changes_of(ticket: Ticket, field: str) -> tuple[TicketChange, ...] | Unavailable:
    """The changes of one field, the oldest first, or why they are not known."""
    if isinstance(ticket.history, Unavailable):
        return ticket.history
    if field in ticket.gaps:
        return ticket.gaps[field]
    found = [change for change in ticket.history if change.field == field]
    return tuple(sorted(found, key=lambda change: change.at))


def values_at(ticket: Ticket, field: str, at: datetime) -> tuple[Value, ...] | Unavailable:
    """What a field of a ticket may have been at `at` (UTC): one value, or all the possible ones.

    Args:
        ticket: the ticket as today's tracker shows it.
        field: one of `FIELDS`.
        at: the instant.

    Returns:
        At least one value, sorted, no two alike; or why it is not known.
    """
    changes = changes_of(ticket, field)
    if isinstance(changes, Unavailable):
        return changes
    today = _TODAY[field](ticket)
    before = [change for change in changes if change.at < at]
    same = [change for change in changes if change.at == at]
    after = [change for change in changes if change.at > at]
    found = _left(before) if before else []
    next_ = same or after
    departs = _found(next_) if next_ else [today]
    left = tuple(found)
    found += [value for value in departs if not any(alike(field, value, one) for one in left)]
    found += [value for change in same for value in (change.before, change.after)]
    if field in _NEVER_EMPTY and () in found:
        return Unavailable(f"its tracker shows no {field} of then")
    if field in _SETS:
        found = [tuple(sorted(set(value))) for value in found]
    return tuple(sorted(set(found)))


def values_after(ticket: Ticket, field: str, at: datetime) -> tuple[Value, ...] | Unavailable:
    """What a field of a ticket may have been once the second of `at` was over: see `values_at`."""
    return values_at(ticket, field, at + timedelta(microseconds=1))


def projects_at(ticket: Ticket, at: datetime) -> tuple[str, ...]:
    """The projects in which a ticket may have been at `at`, as its keys then begin.

    A key that was looked up and that the history never gave the ticket was taken from it in a way
    that is not recorded: by a new key for the whole project, or by a transfer of a GitHub issue.
    When is not known, so that key counts at any time; so it does where there is no history.
    """
    keys = values_at(ticket, "key", at)
    borne = {ticket.key} if isinstance(keys, Unavailable) else {x for key in keys for x in key}
    if ticket.asked.casefold() not in _recorded_keys(ticket):
        borne.add(ticket.asked)
    parted = "#" if "#" in ticket.key else "-"
    return tuple(sorted({key.rpartition(parted)[0] or ticket.project for key in borne}))


def keys_of(ticket: Ticket) -> frozenset[str]:
    """Every key that a ticket is known to have borne, in lower case."""
    return _recorded_keys(ticket) | {ticket.asked.casefold()}


def changed_after(ticket: Ticket, fields: Iterable[str], at: datetime) -> list[TicketChange]:
    """What is known to have changed in some fields of a ticket after `at`, the oldest first."""
    if isinstance(ticket.history, Unavailable):
        return []
    wanted = set(fields)
    late = [c for c in ticket.history if c.at > at and c.field in wanted and c.before != c.after]
    return sorted(late, key=lambda change: change.at)


def whether(values: Sequence[Value], test: Callable[[Value], bool]) -> bool | None:
    """Whether `test` holds of a value that may be any of `values`; `None` if that differs."""
    answers = {test(value) for value in values}
    return answers.pop() if len(answers) == 1 else None


def alike(field: str, one: Value, other: Value) -> bool:
    """Whether two values of a field are the same; two statuses are if they share a name."""
    these, those = _folded(one), _folded(other)
    return bool(these & those) if field == "status" else these == those


def _one(value: str) -> Value:
    return (value,) if value else ()


def _folded(value: Value) -> frozenset[str]:
    return frozenset(name.casefold() for name in value)


def _recorded_keys(ticket: Ticket) -> frozenset[str]:
    changes = changes_of(ticket, "key")
    known = () if isinstance(changes, Unavailable) else changes
    borne = [key for change in known for key in (*change.before, *change.after)]
    return _folded((ticket.key, *borne))


def _left(changes: Sequence[TicketChange]) -> list[Value]:
    """What the last of the changes may have left: within a second, what none of them took away."""
    newest = changes[-1].at
    tied = [change for change in changes if change.at == newest]
    taken = {change.before for change in tied}
    return [change.after for change in tied if change.after not in taken] or [
        change.after for change in tied
    ]


def _found(changes: Sequence[TicketChange]) -> list[Value]:
    """What the first of the changes may have found: within a second, what none of them brought."""
    oldest = changes[0].at
    tied = [change for change in changes if change.at == oldest]
    brought = {change.after for change in tied}
    return [change.before for change in tied if change.before not in brought] or [
        change.before for change in tied
    ]
