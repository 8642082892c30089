"""Whether an audit could run, as a list of checks in the terminal."""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.text import Text

from changeaudit.readiness import Check, Readiness, Status
from changeaudit.reporters.terminal import Page, padded
from changeaudit.reporters.text import instant

STYLES: Final = {
    Status.OK: "green",
    Status.WARNING: "yellow",
    Status.FAILED: "bold red",
    Status.NOT_CHECKED: "dim",
}
SYMBOLS: Final = {
    Status.OK: "✓",
    Status.WARNING: "!",
    Status.FAILED: "✗",
    Status.NOT_CHECKED: "–",
}
LETTERS: Final = {
    Status.OK: "ok  ",
    Status.WARNING: "warn",
    Status.FAILED: "FAIL",
    Status.NOT_CHECKED: "-   ",
}
TITLE: Final = 17
"""Cells of the column of titles; a longer one has a line of its own."""


def render(found: Readiness, console: Console) -> None:
    """Print every check, under what it is about, and what they come to."""
    page = Page(console)
    page.line(
        Text("changeaudit doctor", "bold"),
        page.text(f"{page.dot}{found.tool_version}{page.dot}{instant(found.at)}", "dim"),
    )
    marks = SYMBOLS if page.arrow == "→" else LETTERS
    about = ""
    for check in found.checks:
        if check.about != about:
            about = check.about
            page.line()
            page.line(page.text(about, "bold"))
        _check(page, check, marks[check.status])
    page.line()
    order = (Status.FAILED, Status.WARNING, Status.OK, Status.NOT_CHECKED)
    page.line(Text(", ").join(_count(status, found.count(status)) for status in order))


def _count(status: Status, number: int) -> Text:
    plural = "s" if status is Status.WARNING and number != 1 else ""
    return Text(f"{number} {status}{plural}", STYLES[status] if number else "dim")


def _check(page: Page, check: Check, mark: str) -> None:
    lead = Text(f"  {mark} ", STYLES[check.status])
    title = page.text(check.title)
    if title.cell_len > TITLE:
        page.line(lead, title)
        lead, title = Text(" " * lead.cell_len), Text()
    margin = Text(" " * (lead.cell_len + TITLE + 1))
    page.paragraph(Text.assemble(lead, padded(title, TITLE + 1)), page.text(check.found))
    if check.advice:
        page.paragraph(Text.assemble(margin, f"{page.arrow} "), page.text(check.advice))
