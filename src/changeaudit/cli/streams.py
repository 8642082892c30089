"""The standard streams: able to take any text, and let go once nobody reads them."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from changeaudit.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console


def prepare() -> None:
    """Let both streams take every character, and be there even if they were closed."""
    if sys.__stdout__ is None:  # as `>&-` leaves it
        sys.stdout = _nowhere()
    if sys.__stderr__ is None:
        sys.stderr = _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def console(*, stderr: bool = False) -> Console:
    """A console that takes text as it is and leaves a broken pipe to the top level."""
    import rich.console

    class Plain(rich.console.Console):
        def on_broken_pipe(self) -> None:
            # Rich would leave with 1 here, which says that there are exceptions.
            raise

    return Plain(stderr=stderr, highlight=False, markup=False, emoji=False)


@contextmanager
def printing(console: Console, instead: str) -> Iterator[None]:
    """Print a report in the block, to its last byte.

    Args:
        console: where it goes.
        instead: how the report can be had where it cannot be printed.

    Raises:
        UsageError: the standard output cannot be written.
    """
    try:
        yield
        console.file.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        let_go()
        raise UsageError(
            f"The report cannot be written to the standard output: {error.strerror or error}.",
            f"Make room there, or {instead}.",
        ) from None


def let_go() -> None:
    """Send what cannot be written any more to nowhere, or Python complains of it as it ends."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), stream.fileno())


def _nowhere() -> io.TextIOWrapper:
    return io.TextIOWrapper(Path(os.devnull).open("wb"), encoding="utf-8")
