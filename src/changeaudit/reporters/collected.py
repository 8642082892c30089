"""What a store holds of some repositories through a period, for the terminal and as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec
from rich.console import Console

from changeaudit.reporters.terminal import Page
from changeaudit.reporters.text import instant

SCHEMA: Final = "changeaudit/collected/1"
"""The version of the JSON's form."""
_HEADS: Final = ("repository", "merged pull requests", "branches followed", "as of")


class Collected(msgspec.Struct, frozen=True):
    """One repository: how many pull requests merged in the period, and as of when that is (UTC).

    `branches` are the production branches whose history is held.
    """

    repository: str
    pull_requests: int
    branches: tuple[str, ...]
    as_of: datetime


class CollectedTickets(msgspec.Struct, frozen=True):
    """The tickets that the pull requests name, of every tracker that the policy counts.

    They are held, or their tracker does not show them (they are hidden, or there are none), or
    they could not be asked for, which --allow-missing-tickets allows.
    """

    held: int
    not_visible: int
    not_asked: int


class Collection(msgspec.Struct, frozen=True):
    """What is held of a period, [since, until), from one source, and of the tickets named in it."""

    schema: str
    source: str
    since: datetime
    until: datetime
    repositories: tuple[Collected, ...]
    tickets: CollectedTickets


def write_table(found: Collection, console: Console) -> None:
    """A line for each repository, as wide as the names ask for, and one for the tickets."""
    page = Page(console)
    page.line(page.text(f"{found.source}, {instant(found.since)} to {instant(found.until)}"))
    page.line()
    lines = [_HEADS, *(_cells(each, page.dash) for each in found.repositories)]
    widths = [max(page.text(line[column]).cell_len for line in lines) for column in range(4)]
    for line in lines:
        texts = []
        for cell, width in zip(line, widths, strict=True):
            text = page.text(cell)
            text.pad_right(width - text.cell_len + 2)
            texts.append(text)
        page.line(*texts)
    page.line()
    page.line(_said(found.tickets))


def _said(tickets: CollectedTickets) -> str:
    """What became of the tickets, in a sentence."""
    if not (tickets.held or tickets.not_visible or tickets.not_asked):
        return "Tickets: the pull requests name none that the policy counts."
    said = f"Tickets that the pull requests name: {tickets.held:,} held"
    if tickets.not_visible:
        said += f", {tickets.not_visible:,} not visible"
    if tickets.not_asked:
        said += f", {tickets.not_asked:,} not asked for"
    return f"{said}."


def _cells(each: Collected, dash: str) -> tuple[str, str, str, str]:
    branches = ", ".join(each.branches) or dash
    return each.repository, f"{each.pull_requests:,}", branches, instant(each.as_of)
