"""When the next request may be sent: no sooner than a limit allows, and no more than was allowed.

One pace is kept by all that send with one token. A limit that one of them meets holds them all
back, for sending meanwhile would only prolong it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from changeaudit.errors import CollectError

UNKNOWN_POINTS = 5
"""What an operation is taken to cost before it was answered once: none of ours costs more."""


class StoppedError(Exception):
    """The run is ending: what is under way elsewhere goes no further."""


class BudgetError(CollectError):
    """The points that the run may spend are spent."""


class Spent:
    """The points that a request took; an attempt that came to nothing is taken for one."""

    def __init__(self) -> None:
        self.points = 1


class Pace:
    """Holds senders back, counts the points that they spend, and stops them.

    Args:
        most: the GraphQL points that may be spent, `None` for any number. Where the server counts
            none, each request is taken for one.
        sleep: pauses for a number of seconds; `None` for a pause that `stop` ends.
    """

    def __init__(
        self, most: int | None = None, sleep: Callable[[float], None] | None = None
    ) -> None:
        self._most = most
        self.sleep = sleep or self._pause
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._until = 0.0
        self._aside = 0
        self._dearest: dict[str, int] = {}
        self.spent = 0

    def stop(self) -> None:
        """Let nobody send any more."""
        self._stopped.set()

    def ready(self) -> None:
        """Return once a request may be sent.

        Raises:
            StoppedError: none may be any more.
        """
        while (left := self._until - time.monotonic()) > 0 and not self._stopped.is_set():
            self.sleep(left)
        if self._stopped.is_set():
            raise StoppedError

    def hold(self, seconds: float) -> None:
        """Pause, and hold all others back meanwhile."""
        until = time.monotonic() + seconds
        with self._lock:
            self._until = max(self._until, until)
        self.sleep(seconds)
        with self._lock:
            if self._until <= until:
                self._until = 0.0

    @contextmanager
    def spending(self, operation: str) -> Iterator[Spent]:
        """Set points aside for a request that is sent within; what it took is noted in the result.

        Raises:
            BudgetError: it might cost more than is left.
        """
        with self._lock:
            aside = self._dearest.get(operation, UNKNOWN_POINTS)
            if self._most is not None and self.spent + self._aside + aside > self._most:
                raise BudgetError(
                    f"The next request may cost {aside} points, and {self.spent:,} of the"
                    f" {self._most:,} that --max-points allows are spent.",
                    "What was collected so far is kept; run the same command again, now or later,"
                    " to go on where it stopped.",
                )
            self._aside += aside
        spent = Spent()
        try:
            yield spent
        finally:
            with self._lock:
                self._aside -= aside
                self.spent += spent.points
                known = self._dearest.get(operation, 0)
                self._dearest[operation] = max(known, spent.points)

    def _pause(self, seconds: float) -> None:
        """Sleep where Ctrl-C is heard, elsewhere until it is time or the run ends."""
        if threading.current_thread() is threading.main_thread():
            time.sleep(seconds)
        elif self._stopped.wait(seconds):
            raise StoppedError
