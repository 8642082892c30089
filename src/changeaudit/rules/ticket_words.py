"""How rules and reports tell a ticket's fields, as they were and as they were changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from changeaudit.people import name_of
from changeaudit.records import Ticket, TicketChange
from changeaudit.rules.excerpts import NAMED, quoted, some
from changeaudit.rules.words import folded, instant
from changeaudit.ticket_asof import Value, changed_after


def among(value: Value, names: tuple[str, ...]) -> bool:
    """Whether one of a field's values, or of the names that a status bore, is one of `names`."""
    wanted = folded(names)
    return any(name.casefold() in wanted for name in value)


def bore(status: Value, names: tuple[str, ...]) -> bool | None:
    """Whether a status was called one of `names` then; `None` if it was only called so later.

    What a status is renamed to tells what it means today, and nothing of what it meant.
    """
    return among(status[:1], names) or (None if among(status[1:], names) else False)


def shown(field: str, value: Value) -> str:
    """A field's value in words; a status that was renamed with the name that it has today."""
    if not value:
        return "none"
    if field == "status":
        renamed = [quoted(name) for name in dict.fromkeys(value[1:]) if name != value[0]]
        return quoted(value[0]) + (f" (now called {some(renamed)})" if renamed else "")
    return some(quoted(name) for name in value)


def possibly(field: str, values: Sequence[Value]) -> str:
    """All that a field may have been, in words: one of these."""
    return " or ".join(shown(field, value) for value in values)


def told(change: TicketChange) -> str:
    """A change of a ticket in words: what it was of, and from what to what."""
    before, after = shown(change.field, change.before), shown(change.field, change.after)
    field = "security level" if change.field == "security" else change.field
    return f"{field} changed from {before} to {after}"


def changed_later(ticket: Ticket, fields: Iterable[str], merged_at: datetime) -> str:
    """What became of some fields of a ticket after the merge: a sentence to stand behind another.

    It is "" where nothing did.
    """
    late = changed_after(ticket, fields, merged_at)
    if not late:
        return ""
    said = [f"{told(c)} at {instant(c.at)} by {name_of(c.actor)}" for c in late[:NAMED]]
    if len(late) > NAMED:
        said.append(f"{len(late) - NAMED} changes more")
    return f" Changed after the merge: {'; '.join(said)}."
