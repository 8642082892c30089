"""Snapshots of teams for the terminal: who is in them, who came and who went since the last."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.console import Console

from changeaudit.records import Unavailable
from changeaudit.reporters.terminal import Page
from changeaudit.reporters.text import day
from changeaudit.roster_history import Standing

NAMED: Final = 10
"""So many of those who came or went are named where more are counted."""

_HEADS: Final = ("group", "members", "joined", "left", "since")


def render(found: Iterable[Standing], console: Console) -> None:
    """Print a table of groups, as wide as their names ask for."""
    page = Page(console)
    lines = [_HEADS, *(_cells(each, page.dash) for each in found)]
    widths = [max(page.text(line[column]).cell_len for line in lines) for column in range(5)]
    for line in lines:
        texts = []
        for cell, width in zip(line, widths, strict=True):
            text = page.text(cell)
            text.pad_right(width - text.cell_len + 2)
            texts.append(text)
        page.line(*texts)


def _cells(each: Standing, dash: str) -> tuple[str, str, str, str, str]:
    since = day(each.before) if each.before else "first snapshot"
    if isinstance(each.members, Unavailable):
        return each.group, f"not read: {each.members.reason}", dash, dash, since
    if each.before is None:
        return each.group, f"{len(each.members)}", dash, dash, since
    return each.group, f"{len(each.members)}", _some(each.joined), _some(each.left), since


def _some(logins: tuple[str, ...]) -> str:
    if len(logins) <= NAMED:
        return ", ".join(logins) or "nobody"
    return f"{', '.join(logins[: NAMED - 1])} and {len(logins) - NAMED + 1} more"
