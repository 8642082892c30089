"""The period of an audit, as people write it. Pure: the present instant is an argument."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from changeaudit.errors import UsageError
from changeaudit.verdicts import PeriodInfo

_NAMED = re.compile(r"(\d{4})(?:-(?:Q([1-4])|H([12])|(\d{2})))?", re.I | re.ASCII)
_LAST = re.compile(r"(\d{1,4})([dwmy])", re.I | re.ASCII)
_DAYS = {"d": 1, "w": 7}


def between(since: str, until: str) -> PeriodInfo:
    """The period from two dates or instants.

    A date as `until` is included to its end; an instant as `until` is not itself included.
    Instants without a zone are UTC.

    Raises:
        UsageError: one is no date, or `until` is not after `since`.
    """
    start = _start(since, "--since")
    end = _end(until, "--until")
    if end <= start:
        raise UsageError(
            f"--since {since} is not before --until {until}.",
            "The period is half-open: it needs a start before its end.",
        )
    return PeriodInfo(start, end)


def named(text: str) -> PeriodInfo:
    """A year, half, quarter or month: 2026, 2026-H1, 2026-Q1, 2026-03.

    Raises:
        UsageError: it is none of them.
    """
    match = _NAMED.fullmatch(text)
    if match:
        year, quarter, half, month = match.groups()
        first, months = 1, 12
        if quarter:
            first, months = 3 * int(quarter) - 2, 3
        elif half:
            first, months = 6 * int(half) - 5, 6
        elif month:
            first, months = int(month), 1
        if 1 <= int(year) < 9999 and 1 <= first <= 12:
            start = datetime(int(year), first, 1, tzinfo=UTC)
            return PeriodInfo(start, _months_later(start, months))
    raise UsageError(
        f"--period {text!r} is not a period.", "Write 2026, 2026-H1, 2026-Q1 or 2026-03."
    )


def last(text: str, now: datetime) -> PeriodInfo:
    """The days, weeks, months or years before `now`: 30d, 12w, 6m, 1y.

    Raises:
        UsageError: it is none of them.
    """
    match = _LAST.fullmatch(text)
    if not match or not int(match[1]):
        raise UsageError(f"--last {text!r} is not a span.", "Write 30d, 12w, 6m or 1y.")
    number, unit = int(match[1]), match[2].lower()
    end = now.replace(microsecond=0)
    try:
        if unit in _DAYS:
            return PeriodInfo(end - timedelta(days=number * _DAYS[unit]), end)
        return PeriodInfo(_months_later(end, -number * (12 if unit == "y" else 1)), end)
    except (OverflowError, ValueError):
        raise UsageError(f"--last {text} goes back before the calendar.") from None


def _end(text: str, option: str) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return _start(text, option)
    try:
        after = day + timedelta(days=1)
    except OverflowError:
        raise UsageError(f"{option} {text!r} is the end of the calendar.") from None
    return datetime(after.year, after.month, after.day, tzinfo=UTC)


def _start(text: str, option: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(
            f"{option} {text!r} is not a date.",
            "Write 2026-01-31, or an instant such as 2026-01-31T12:00:00Z.",
        ) from None
    if at.microsecond:
        raise UsageError(f"{option} {text!r}: an instant is to the second.")
    return at


def _months_later(at: datetime, months: int) -> datetime:
    index = at.year * 12 + at.month - 1 + months
    year, month = index // 12, index % 12 + 1
    for day in range(at.day, 27, -1):  # the 31st becomes the last day of a shorter month
        try:
            return at.replace(year=year, month=month, day=day)
        except ValueError:
            continue
    return at.replace(year=year, month=month, day=min(at.day, 28))
