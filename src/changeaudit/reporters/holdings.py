"""What an evidence store holds, for the terminal and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec
from rich.console import Console
from rich.text import Text

from changeaudit.reporters.terminal import Page, padded
from changeaudit.reporters.text import day, instant

SCHEMA: Final = "changeaudit/store-info/1"
"""The version of the JSON's form."""
KIND: Final = 29
"""Cells of the column of kinds; a longer one is wrapped."""
_UNITS: Final = ("bytes", "kB", "MB", "GB", "TB")


class Held(msgspec.Struct, frozen=True):
    """One kind of answers about one subject: how many, their bytes, the first and the last."""

    source: str
    subject: str
    kind: str
    answers: int
    bytes: int
    first_at: datetime
    last_at: datetime


class Span(msgspec.Struct, frozen=True):
    """A period, [since, until), through which a subject is held whole, as of an instant."""

    source: str
    subject: str
    kind: str
    since: datetime
    until: datetime
    as_of: datetime


class Holdings(msgspec.Struct, frozen=True):
    """A store: where it is, what it takes on the disk in bytes (0: not a file), what it holds."""

    schema: str
    store: str
    size: int
    held: tuple[Held, ...]
    spans: tuple[Span, ...]


def write_json(found: Holdings, console: Console) -> None:
    """The whole of it, as JSON."""
    text = msgspec.json.format(msgspec.json.encode(found), indent=2).decode()
    console.file.write(text + "\n")


def write_table(found: Holdings, console: Console, kinds: Mapping[str, str]) -> None:
    """What is held about each subject, a line for each kind, and the periods held whole.

    The subjects stand under the host that told of them; `kinds` are the kinds in words.
    """
    named = {kind: said.partition(",")[0] for kind, said in kinds.items()}
    page = Page(console)
    size = f"{page.dot}{_bytes(found.size)}" if found.size else ""
    page.line(Text("Evidence store ", "bold"), page.text(found.store), size)
    if not found.held:
        page.line("It is empty: nothing was collected into it.")
    every: tuple[Held | Span, ...] = (*found.held, *found.spans)
    for source in dict.fromkeys(each.source for each in every):
        page.line()
        page.line(page.text(f"From {source}", "bold"))
        for subject in dict.fromkeys(each.subject for each in every if each.source == source):
            page.line()
            page.line(page.text(subject))
            _subject(page, found, source, subject, named)


def _subject(
    page: Page, found: Holdings, source: str, subject: str, named: Mapping[str, str]
) -> None:
    for row in found.held:
        if (row.source, row.subject) == (source, subject):
            first, last = day(row.first_at), day(row.last_at)
            kind = page.text(named.get(row.kind, row.kind))
            above, *below = kind.wrap(page.console, KIND - 1, overflow="fold")
            page.line(
                Text("  "),
                padded(above, KIND),
                f"{row.answers:>5,} {'answer ' if row.answers == 1 else 'answers'}",
                f"{_bytes(row.bytes):>10}  ",
                first if first == last else f"{first} to {last}",
            )
            for line in below:
                page.line("    ", line)
    spans = [s for s in found.spans if (s.source, s.subject) == (source, subject)]
    # Of a period that was collected again, the last time counts.
    for span in {(s.kind, s.since, s.until): s for s in spans}.values():
        whole = f"from {instant(span.since)} until {instant(span.until)}"
        page.line(f"  held whole {whole},")
        said = named.get(span.kind, span.kind)
        page.line("    ", page.text(f"{said}, as of {instant(span.as_of)}"))


def _bytes(number: int) -> str:
    size = float(number)
    for unit in _UNITS[:-1]:
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} {_UNITS[-1]}"
