"""Writes the evidence pack: an index and a sheet for each change, readable without a network."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from changeaudit.errors import UsageError
from changeaudit.reporters.files import replacing
from changeaudit.reporters.html.pages import index_page, sheet_pages
from changeaudit.reporters.html.slugs import sheet_names
from changeaudit.verdicts import Audit

SHEETS = "changes"
_OURS = b'<meta name="generator" content="changeaudit">'


def write_pack(audit: Audit, folder: Path) -> tuple[Path, ...]:
    """Write the pack into `folder`, which is made if need be, over an earlier pack if it holds one.

    The same audit always gives the same bytes. The index goes first and comes back last, so that
    an interrupted run leaves no index to sheets of two runs; each file appears whole or not at
    all. Sheets of an earlier pack that this one does not have are removed; nothing else is.

    Args:
        audit: what to show.
        folder: where `index.html` and `changes/*.html` go.

    Returns:
        The files written, the index first, then the sheets in the order of the changes.

    Raises:
        UsageError: the folder cannot be written, or holds an `index.html` of something else.
    """
    names = sheet_names(audit.changes)
    index = folder / "index.html"
    sheets = folder / SHEETS
    try:
        sheets.mkdir(parents=True, exist_ok=True)
        if index.exists() and not _is_ours(index):
            raise UsageError(
                f"{index} was not written by changeaudit and would be overwritten",
                "name a new or an empty folder for the evidence pack",
            )
        index.unlink(missing_ok=True)
        for old in _left_over(sheets, names):
            old.unlink()
        for name, page in sheet_pages(audit, names):
            with replacing(sheets / name) as stream:
                stream.write(page.encode())
        with replacing(index) as stream:
            index_page(audit, names).dump(stream, encoding="utf-8")
    except OSError as error:
        place = error.filename or folder
        raise UsageError(
            f"the evidence pack cannot be written: {place}: {error.strerror or error}",
            "name a folder that you may write to, on a disk with room for it",
        ) from error
    return (index, *(sheets / name for name in names))


def _left_over(sheets: Path, names: Iterable[str]) -> list[Path]:
    wanted = set(names)
    return [
        path
        for path in sorted(sheets.glob("*.html"))
        if path.name not in wanted and path.is_file() and _is_ours(path)
    ]


def _is_ours(path: Path) -> bool:
    with path.open("rb") as file:
        return _OURS in file.read(1_000)
