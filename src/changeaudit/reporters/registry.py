"""The formats of a report: what `--format` offers, and the files of an evidence pack.

A new format is a module and an entry of `FORMATS`. A module is imported when it is used.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, BinaryIO, Final, TextIO, cast

import msgspec

from changeaudit.errors import UsageError
from changeaudit.reporters.files import replacing
from changeaudit.verdicts import Audit

if TYPE_CHECKING:
    from rich.console import Console

Writer = Callable[[Audit, TextIO], None]


class FormatName(StrEnum):
    """The names of the formats, as `--format` takes them."""

    TABLE = "table"
    CSV = "csv"
    CSV_CHANGES = "csv-changes"
    JSON = "json"


class Format(msgspec.Struct, frozen=True):
    """A format that can be printed.

    `summary` is a line of help. A `machine` format is UTF-8 for programs, whatever the terminal,
    and neither wrapped nor coloured. `write` prints the audit on the console; the flag says
    whether a long table lists the compliant changes too (a machine format always has them all).
    """

    name: FormatName
    summary: str
    machine: bool
    write: Callable[[Audit, Console, bool], None]


def _table(audit: Audit, console: Console, all_changes: bool) -> None:
    from changeaudit.reporters import table

    table.render(audit, console, all_changes=all_changes)


def _attributes(audit: Audit, stream: TextIO) -> None:
    from changeaudit.reporters import csv

    csv.write_attributes(audit, stream)


def _changes(audit: Audit, stream: TextIO) -> None:
    from changeaudit.reporters import csv

    csv.write_changes(audit, stream)


def _excluded(audit: Audit, stream: TextIO) -> None:
    from changeaudit.reporters import csv

    csv.write_excluded(audit, stream)


def _reconciliation(audit: Audit, stream: TextIO) -> None:
    from changeaudit.reporters import csv

    csv.write_reconciliation(audit, stream)


def _untraced(audit: Audit, stream: TextIO) -> None:
    from changeaudit.reporters import csv

    csv.write_untraced(audit, stream)


def _json(audit: Audit, stream: TextIO) -> None:
    from changeaudit.reporters import json

    json.write(audit, stream)


def _for_programs(writer: Writer, audit: Audit, console: Console, all_changes: bool) -> None:
    _past(console, partial(writer, audit))


def print_json(report: msgspec.Struct, console: Console) -> None:
    """Print any report as JSON, in UTF-8 whatever the terminal, neither wrapped nor coloured."""
    from changeaudit.reporters import json

    _past(console, partial(json.write, report))


def _past(console: Console, write: Callable[[TextIO], None]) -> None:
    """Write past the console's own encoding and line ends, which are the terminal's."""
    stream = cast(TextIO, console.file)
    buffer: BinaryIO | None = getattr(stream, "buffer", None)
    if buffer is None:
        write(stream)
        return
    stream.flush()
    _encoded(write, buffer, "utf-8")


def _encoded(write: Callable[[TextIO], None], stream: BinaryIO, encoding: str) -> None:
    text = io.TextIOWrapper(stream, encoding=encoding, newline="")
    try:
        write(text)
    finally:
        # Flushes, and leaves the stream open for whoever opened it.
        text.detach()


FORMATS: Final[Mapping[FormatName, Format]] = MappingProxyType(
    {
        entry.name: entry
        for entry in (
            Format(FormatName.TABLE, "a report to read in the terminal", False, _table),
            Format(
                FormatName.CSV,
                "a row for every attribute",
                True,
                partial(_for_programs, _attributes),
            ),
            Format(
                FormatName.CSV_CHANGES,
                "a row for every change",
                True,
                partial(_for_programs, _changes),
            ),
            Format(FormatName.JSON, "the whole audit", True, partial(_for_programs, _json)),
        )
    }
)

# Excel takes a CSV file for UTF-8 only if it begins with a byte order mark; programs that read
# from a pipe stumble over one. So the files have it and the standard output has not.
FILES: Final[Mapping[str, tuple[Writer, str]]] = MappingProxyType(
    {
        "audit.json": (_json, "utf-8"),
        "attributes.csv": (_attributes, "utf-8-sig"),
        "changes.csv": (_changes, "utf-8-sig"),
        "excluded.csv": (_excluded, "utf-8-sig"),
        "reconciliation.csv": (_reconciliation, "utf-8-sig"),
        "untraced.csv": (_untraced, "utf-8-sig"),
    }
)


def write_files(audit: Audit, folder: Path) -> tuple[Path, ...]:
    """Write every report as a file in `folder`, which is made if need be: JSON, CSV and HTML.

    Each file takes the place of the one before it only once it is complete. The pages go first:
    they refuse a folder that holds somebody else's, and then nothing has been written.

    Returns:
        The files written: those of `FILES`, then the index and the sheets of the HTML pack.

    Raises:
        UsageError: the folder or a file cannot be written; names it and the cause.
    """
    from changeaudit.reporters.html import pack

    try:
        folder.mkdir(parents=True, exist_ok=True)
        pages = pack.write_pack(audit, folder)
        for name, (writer, encoding) in FILES.items():
            with replacing(folder / name) as stream:
                _encoded(partial(writer, audit), stream, encoding)
    except OSError as error:
        raise UsageError(
            f"the report cannot be written: {error.filename or folder}: {error.strerror or error}",
            "name a folder that you may write to, on a disk with room for it",
        ) from error
    return (*(folder / name for name in FILES), *pages)
