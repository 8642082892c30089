"""Business days: when a deadline that is counted in them ends. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from changeaudit.records import Record

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LONGEST = 3660
"""Days after which a deadline is given up: a calendar without business days has none."""

_OF_THE_MACHINE = {"localtime", "Factory"}
"""Names among the zones that mean another thing on every machine, or nothing."""


@cache
def zones() -> frozenset[str]:
    """The names of the time zones that this system knows, in IANA's spelling."""
    return frozenset(available_timezones() - _OF_THE_MACHINE) | {"UTC"}


class Workdays(Record, frozen=True):
    """Which days are business days: neither of `weekend` (names of days) nor in `holidays`.

    A day begins and ends at midnight in `zone`, one of `zones()`.
    """

    weekend: tuple[str, ...] = ("saturday", "sunday")
    holidays: tuple[date, ...] = ()
    zone: str = "UTC"

    def are(self, day: date) -> bool:
        """Whether `day` is a business day."""
        return DAYS[day.weekday()] not in self.weekend and day not in self.holidays

    def deadline(self, start: datetime, days: int) -> datetime:
        """The end of the `days`-th business day after the day of `start`, in UTC, not included.

        Args:
            start: an aware instant; its day, whether a business day or not, is not counted.
            days: how many business days, 0 for the end of the day of `start` itself.

        Raises:
            ValueError: the calendar has no such day within ten years.
        """
        # UTC needs no database of zones, which a small system may lack.
        zone: tzinfo = UTC if self.zone == "UTC" else ZoneInfo(self.zone)
        day = start.astimezone(zone).date()
        left = days
        for _ in range(LONGEST):
            if not left:
                ends = datetime.combine(day + timedelta(days=1), time(), zone)
                return ends.astimezone(UTC)
            day += timedelta(days=1)
            left -= self.are(day)
        raise ValueError(f"the calendar has no {days} business days after {start:%Y-%m-%d}")
