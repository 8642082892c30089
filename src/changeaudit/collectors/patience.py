"""How long a request is kept up that fails: what may pass, and how long is waited for it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import tenacity

ATTEMPTS = 6
"""Failures of one request after which it is given up."""
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0
LONGEST_ASKED_WAIT_SECONDS = 3900.0
"""An hourly limit asks for an hour at most. Who asks for more is not waited for."""

KEPT = "What was collected so far is kept; run the same command again to go on."
KEPT_UNTIL_THEN = "What was collected so far is kept; run the same command again then."

_NUMBER = re.compile(r"[0-9]{1,12}")

T = TypeVar("T")


class TryAgainError(Exception):
    """A failure that may pass. `wait` is how long the server asked for, in seconds."""

    def __init__(self, why: str, wait: float | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.wait = wait


def kept_up(
    attempt: Callable[[], T],
    *,
    stop: Callable[[tenacity.RetryCallState], bool],
    wait: Callable[[tenacity.RetryCallState], float],
    sleep: Callable[[float], None],
    tell: Callable[[float, str], None],
) -> T:
    """What an attempt gives at last; `tell` hears of each pause, in seconds, and of its cause.

    Raises:
        TryAgainError: the last failure, when `stop` says that it is to be given up.
    """

    def told(state: tenacity.RetryCallState) -> None:
        error = failure(state)
        tell(state.upcoming_sleep, error.why if error else "")

    retrying = tenacity.Retrying(
        stop=stop,
        wait=wait,
        retry=tenacity.retry_if_exception_type(TryAgainError),
        sleep=sleep,
        before_sleep=told,
        reraise=True,
    )
    return retrying(attempt)


def failure(state: tenacity.RetryCallState) -> TryAgainError | None:
    """What ended an attempt, if it may pass."""
    error = state.outcome.exception() if state.outcome else None
    return error if isinstance(error, TryAgainError) else None


def growing() -> Callable[[tenacity.RetryCallState], float]:
    """Pauses in seconds where a server names none: each about twice as long as the last."""
    return tenacity.wait_exponential_jitter(FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS)


def whole_number(value: str) -> float | None:
    """A header that is a whole number, at least 1; `None` if it is anything else."""
    value = value.strip()
    return max(1.0, float(value)) if _NUMBER.fullmatch(value) else None


def asked_wait(value: str, date: str, now: datetime) -> float | None:
    """How long a `Retry-After` asks to wait, in seconds, at least 1; `None` if it does not.

    It is a number of seconds or an instant. An instant is one of the server's own clock, and so
    is counted from `date`, the header of that name; from `now` where that tells nothing.
    """
    seconds = whole_number(value)
    if seconds is not None:
        return seconds
    until = http_date(value)
    return max(1.0, (until - (http_date(date) or now)).total_seconds()) if until else None


def http_date(value: str) -> datetime | None:
    """An instant as headers have it, in UTC; `None` if it is none."""
    try:
        found = parsedate_to_datetime(value)
        return found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None
