"""Progress on stderr: a moving line in a terminal, plain lines elsewhere, nothing with --quiet."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from changeaudit.reporters.text import one_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

Told = TypeVar("Told")

EVERY_SECONDS = 5.0
"""How often a plain line is written at the most."""


class Silent:
    """Says nothing."""

    def noted(self, text: str) -> None:
        """Nothing is said."""

    def collected(self, what: str, done: int, total: int) -> None:
        """Nothing is said."""

    def rate(self, remaining: int, limit: int) -> None:
        """Nothing is said."""

    def waiting(self, seconds: float, why: str) -> None:
        """Nothing is said."""


class Plain:
    """Lines for a log: at the start, at the end, and now and then between."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._left = ""
        self._last: dict[str, float] = {}

    def collected(self, what: str, done: int, total: int) -> None:
        """A line with what is done of the total, if any, unless one was written just now."""
        now = time.monotonic()
        if not total:
            return
        if done < total and now - self._last.get(what, 0.0) < EVERY_SECONDS:
            return
        self._last[what] = now
        say(self._console, f"{what}: {done:,} of {total:,}{self._left}")

    def noted(self, text: str) -> None:
        """A line of its own."""
        say(self._console, text)

    def rate(self, remaining: int, limit: int) -> None:
        """Remembered for the next line."""
        self._left = f" ({remaining:,} of {limit:,} points left)"

    def waiting(self, seconds: float, why: str) -> None:
        """A line that says how long and why."""
        say_waiting(self._console, seconds, why)


class Moving:
    """A bar for each kind of thing: how many of how many, the points left, the time to go."""

    def __init__(self, console: Console, bars: Progress) -> None:
        self._console = console
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def collected(self, what: str, done: int, total: int) -> None:
        """Move the bar of `what`, once there is any of it."""
        if not total:
            return
        if what not in self._tasks:
            self._tasks[what] = self._bars.add_task(one_line(what), total=total, points="")
        self._bars.update(self._tasks[what], completed=done, total=total)

    def noted(self, text: str) -> None:
        """A line above the bars."""
        say(self._console, text)

    def rate(self, remaining: int, limit: int) -> None:
        """Show the points that are left."""
        for task in self._tasks.values():
            self._bars.update(task, points=f"{remaining:,} points left")

    def waiting(self, seconds: float, why: str) -> None:
        """A line above the bars."""
        say_waiting(self._console, seconds, why)


def elsewhere(progress: Told) -> Told | Plain | Moving:
    """The same progress for what is asked of others than GitHub, whose points do not pay for it."""
    if isinstance(progress, Plain):
        return Plain(progress._console)
    if isinstance(progress, Moving):
        return Moving(progress._console, progress._bars)
    return progress


def say(console: Console, text: str, *, wrap: bool = False) -> None:
    """Print a message on one line; names and causes in it are others' words.

    With `wrap`, a terminal that is narrower shows it on several, parted between words.
    """
    line = one_line(text, encoding=console.encoding)
    whole = not (wrap and console.is_terminal)
    console.print(line, markup=False, highlight=False, emoji=False, soft_wrap=whole)


def say_waiting(console: Console, seconds: float, why: str) -> None:
    """Say that the program waits, how long and why."""
    if seconds >= 1:
        say(console, f"waiting {seconds:.0f} s: {why}")


@contextmanager
def shown(console: Console, quiet: bool) -> Iterator[Silent | Plain | Moving]:
    """The progress that suits `console`, which writes to stderr."""
    if quiet:
        yield Silent()
    elif not console.is_terminal:
        yield Plain(console)
    else:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[points]}", markup=False),
            console=console,
            transient=True,
        )
        with bars:
            yield Moving(console, bars)
