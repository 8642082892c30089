"""Does several jobs at a time: whoever asks does them, and helpers as far as there are any."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")

SECONDS_TO_END = 2.0
"""How long an interrupted run waits for its helpers. What they had stored by then is whole."""


class Workers:
    """Up to `number` threads that work at once, the one that asks included.

    Jobs may ask for jobs to be done in their turn: those are helped with by whoever is free, so
    that nobody waits for anybody who waits.

    Args:
        number: how many at once; 1 for none but the asking one.
        stop: is called once a run is interrupted; it ends the jobs that are under way.
    """

    def __init__(self, number: int = 1, stop: Callable[[], None] = lambda: None) -> None:
        self.number = number
        self._stop = stop
        self._free = threading.Semaphore(number - 1)

    def run(self, jobs: Iterable[Callable[[], T]]) -> list[T]:
        """What the jobs return, in their order.

        Raises:
            BaseException: the first that a job raised. The others came to their end before it is
                raised, those that had not begun excepted; at an interruption they are stopped.
        """
        run = _Run(jobs)
        helpers: list[threading.Thread] = []
        try:
            while run.left:
                if len(run.left) > 1 and self._free.acquire(blocking=False):
                    helper = threading.Thread(target=self._help, args=(run,), daemon=True)
                    helpers.append(helper)
                    helper.start()
                    continue
                run.do_next()
            for helper in helpers:
                while helper.is_alive():
                    helper.join(0.1)  # in short steps: some systems hear Ctrl-C only between them
        except BaseException as error:
            run.left.clear()
            if not isinstance(error, Exception):
                self._stop()
            for helper in helpers:
                helper.join(None if isinstance(error, Exception) else SECONDS_TO_END)
            raise
        if run.error is not None:
            raise run.error
        return [run.done[position] for position in range(len(run.done))]

    def _help(self, run: _Run[T]) -> None:
        with run:
            while run.left:
                run.do_next()
        self._free.release()


class _Run(Generic[T]):
    """Some jobs: those that nobody has taken yet, and what came of the others.

    As a context it takes down what went wrong within, to be raised where the jobs were asked for.
    """

    def __init__(self, jobs: Iterable[Callable[[], T]]) -> None:
        self.left = deque(enumerate(jobs))
        self.done: dict[int, T] = {}
        self.error: BaseException | None = None

    def do_next(self) -> None:
        """Do the next job, unless another took the last."""
        try:
            position, job = self.left.popleft()
        except IndexError:
            return
        self.done[position] = job()

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
        return True
