"""A page of a terminal: marks, links and paragraphs that fit the console they are printed on.

Symbols carry the meaning and colour only repeats it, so that a page reads the same on a dark or
a light ground, without colour, and in a file. Text of the evidence is only ever put into
`rich.text.Text`, which takes no markup.
"""

from __future__ import annotations

import re
from typing import Final

from rich.console import Console
from rich.style import Style
from rich.text import Text

from changeaudit.reporters.text import one_line
from changeaudit.verdicts import Outcome

# Narrower consoles get lines of this width all the same: the matrix needs it.
NARROWEST: Final = 80
# More than this of one text, in cells, is for the other formats, which hold all of it.
LONGEST: Final = 800

STYLES: Final = {
    Outcome.PASS: "green",
    Outcome.EXCEPTION: "bold red",
    Outcome.UNDETERMINED: "yellow",
    Outcome.NOT_APPLICABLE: "dim",
}
SYMBOLS: Final = {
    Outcome.PASS: "✓",
    Outcome.EXCEPTION: "✗",
    Outcome.UNDETERMINED: "?",
    Outcome.NOT_APPLICABLE: "–",
}
LETTERS: Final = {
    Outcome.PASS: "P",
    Outcome.EXCEPTION: "E",
    Outcome.UNDETERMINED: "U",
    Outcome.NOT_APPLICABLE: "-",
}

_LINK: Final = re.compile(r"https?://[\x21-\x7e]+")


class Page:
    """What is printed on one console, `width` cells wide."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.width = max(console.width, NARROWEST)
        symbolic = not console.legacy_windows and _carries(console.encoding)
        self.marks = SYMBOLS if symbolic else LETTERS
        self.dash = "–" if symbolic else "-"
        self.dot = " · " if symbolic else " | "
        self.arrow = "→" if symbolic else "->"

    def text(self, text: str, style: str = "", limit: int = LONGEST) -> Text:
        """Text of the evidence on one line of at most `limit` cells."""
        return Text(one_line(text, limit, self.console.encoding), style)

    def link(self, text: Text, url: str) -> Text:
        """`text`, leading to `url` on a terminal that can, if it is an address for a browser."""
        if _LINK.fullmatch(url):
            text.stylize(Style(link=url))
        return text

    def mark(self, outcome: Outcome) -> Text:
        """The sign of an outcome."""
        return Text(self.marks[outcome], STYLES[outcome])

    def line(self, *parts: str | Text) -> None:
        """Print one line, however long: it is wrapped by nobody."""
        line = Text.assemble(*parts)
        line.rstrip()
        self.console.print(line, soft_wrap=True, markup=False, highlight=False, emoji=False)

    def paragraph(self, lead: Text, text: Text) -> None:
        """Print `lead` and `text`, wrapped at the width, its lines under each other."""
        room = self.width - lead.cell_len
        for line in text.wrap(self.console, room, justify="left", overflow="fold"):
            self.line(lead, line)
            lead = Text(" " * lead.cell_len)

    def entry(self, lead: Text, text: Text, tail: Text | None = None) -> None:
        """Print `lead`, `text` and `tail` as an entry of a list.

        On a terminal in one line: `text` is cut if need be, and `tail` is not. Elsewhere nothing
        is cut, but wrapped.
        """
        tail = tail or Text()
        if self.console.is_terminal:
            room = max(self.width - lead.cell_len - tail.cell_len, 0)
            fitted = self.text(text.plain, str(text.style), room)
            self.line(lead, fitted, tail)
        else:
            self.paragraph(lead, Text.assemble(text, tail))

    def heading(self, text: str) -> None:
        """Print a heading, set off from what is before it."""
        self.line()
        self.line(Text(text, "bold"))


def padded(text: Text, width: int) -> Text:
    """`text` in exactly `width` cells: with blanks after it, or cut."""
    fitted = text.copy()
    fitted.truncate(width, pad=True)
    return fitted


def _carries(encoding: str) -> bool:
    try:
        "".join((*SYMBOLS.values(), "…·→")).encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
