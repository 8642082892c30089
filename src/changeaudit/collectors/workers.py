"""Does several jobs at a time: whoever asks does them, and helpers as far as there are any."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Generic, TypeVar

T = TypeVar("T")

SECONDS_TO_END = 2.0
"""How long an interrupted run waits for its helpers. What they had stored by then is whole."""


class Workers:
    """Up to `number` threads that work at once, the one that asks included.

    Jobs may ask for jobs to be done in their turn. Whoever is free does the next of those that
    were asked for last, so that nothing waits while somebody could do it. Who waits for jobs that
    others took helps with what was asked for since, and with nothing else: so nobody ever waits
    for anybody who waits for him.

    Args:
        number: how many at once; 1 for none but the asking one.
        stop: is called once a run is interrupted; it ends the jobs that are under way.
    """

    def __init__(self, number: int = 1, stop: Callable[[], None] = lambda: None) -> None:
        self.number = number
        self._stop = stop
        self._free = number - 1
        self._runs: list[_Run[Any]] = []
        self._change = threading.Condition()

    def run(self, jobs: Iterable[Callable[[], T]]) -> list[T]:
        """What the jobs return, in their order.

        Raises:
            BaseException: the first that a job raised. The others came to their end before it is
                raised, those that had not begun excepted; at an interruption they are stopped.
        """
        run = _Run(jobs)
        self._begin(run)
        try:
            while self._do_next(run):
                pass
            self._wait_for(run)
        except BaseException:
            run.left.clear()
            self._stop()
            self._wait_for(run, SECONDS_TO_END)
            raise
        finally:
            with self._change:
                self._runs.remove(run)
        if run.error is not None:
            raise run.error
        return [run.done[position] for position in range(len(run.done))]

    def _begin(self, run: _Run[T]) -> None:
        """Let others see a run, and have as many of them help as it has jobs for."""
        with self._change:
            self._runs.append(run)
            helpers = min(self._free, len(run.left) - 1)
            self._free -= max(0, helpers)
            self._change.notify_all()
        for _ in range(helpers):
            threading.Thread(target=self._help, daemon=True).start()

    def _help(self) -> None:
        """Do what is left of any run, until there is nothing."""
        while True:
            with self._change:
                run = self._newest()
                if run is None:
                    self._free += 1
                    return
            self._do_next(run)

    def _newest(self, since: _Run[Any] | None = None) -> _Run[Any] | None:
        """The last run that has jobs left; with `since` only if it began after that one."""
        run: _Run[Any]
        for run in reversed(self._runs):
            if run is since:
                return None
            if run.left:
                return run
        return None

    def _do_next(self, run: _Run[Any]) -> bool:
        """Do the next job of a run; `False` if none is left."""
        with self._change:
            if not run.left:
                return False
            position, job = run.left.popleft()
            run.under_way += 1
        try:
            with run:
                run.done[position] = job()
        finally:
            with self._change:
                run.under_way -= 1
                self._change.notify_all()
        return True

    def _wait_for(self, run: _Run[Any], seconds: float | None = None) -> None:
        """Return once nobody does a job of a run any more; with `seconds` then at the latest."""
        end = None if seconds is None else time.monotonic() + seconds
        while True:
            with self._change:
                if not run.under_way or (end is not None and time.monotonic() >= end):
                    return
                newer = self._newest(run) if end is None else None
                if newer is None:
                    self._change.wait(0.1)  # in short steps: some systems hear Ctrl-C only then
            if newer is not None:
                self._do_next(newer)


class _Run(Generic[T]):
    """Some jobs: those that nobody has taken yet, how many are being done, what came of the others.

    As a context it takes down what went wrong within, to be raised where the jobs were asked for.
    An interruption goes on besides in the main thread, which it hits and which is to stop; a helper
    that hears of it by a run of its own has nobody to tell.
    """

    def __init__(self, jobs: Iterable[Callable[[], T]]) -> None:
        self.left = deque(enumerate(jobs))
        self.under_way = 0
        self.done: dict[int, T] = {}
        self.error: BaseException | None = None

    def __enter__(self) -> None:
        """Nothing went wrong yet."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        """Take the error down; no further job is begun."""
        if error is not None:
            self.left.clear()
            self.error = self.error or error
        in_main = threading.current_thread() is threading.main_thread()
        return isinstance(error, Exception) or (error is not None and not in_main)
