"""How rules quote what others wrote: in one line, and not all of what is long."""

from __future__ import annotations

from collections.abc import Iterable

from changeaudit.rules.words import listed

NAMED = 10
"""How many of many things a sentence names before it counts the rest."""


def quoted(text: str, limit: int = 80) -> str:
    """A text in quotation marks, on one line, cut after `limit` characters."""
    line = " ".join(text[: limit * 20].split())
    return f'"{line if len(line) <= limit else line[: limit - 1] + "…"}"'


def some(things: Iterable[str]) -> str:
    """Things as a sentence; of more than `NAMED` the last are counted: "a, b and 12 more"."""
    names = things if isinstance(things, list) else list(things)
    if len(names) > NAMED:
        names = [*names[: NAMED - 1], f"{len(names) - NAMED + 1} more"]
    return listed(names)
