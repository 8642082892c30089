"""Business days: which days are, and when a deadline that is counted in them ends."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changeaudit.workdays import DAYS, Workdays, zones

MONDAY = date(2025, 3, 3)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "calendar", "start", "days", "ends"),
    [
        ("from Monday to Thursday", Workdays(), "2025-03-03T09:00", 3, "2025-03-07T00:00"),
        ("over a weekend", Workdays(), "2025-03-06T23:59:59", 3, "2025-03-12T00:00"),
        ("from a Saturday on", Workdays(), "2025-03-08T12:00", 1, "2025-03-11T00:00"),
        ("no days: the day itself", Workdays(), "2025-03-03T00:00", 0, "2025-03-04T00:00"),
        ("no days on a Sunday: that Sunday", Workdays(), "2025-03-09T10:00", 0, "2025-03-10T00:00"),
        (
            "over a holiday",
            Workdays(holidays=(date(2025, 3, 4),)),
            "2025-03-03T09:00",
            1,
            "2025-03-06T00:00",
        ),
        (
            "a holiday at a weekend is no second one",
            Workdays(holidays=(date(2025, 3, 8),)),
            "2025-03-07T09:00",
            1,
            "2025-03-11T00:00",
        ),
        (
            "a weekend of Friday and Saturday",
            Workdays(weekend=("friday", "saturday")),
            "2025-03-06T09:00",
            1,
            "2025-03-10T00:00",
        ),
        ("no weekend", Workdays(weekend=()), "2025-03-07T09:00", 2, "2025-03-10T00:00"),
        ("over a leap day", Workdays(weekend=()), "2024-02-28T09:00", 2, "2024-03-02T00:00"),
        (
            "the day of the start is the zone's: already Tuesday in Tokyo",
            Workdays(zone="Asia/Tokyo"),
            "2025-03-03T15:00",
            1,
            "2025-03-05T15:00",
        ),
        (
            "still Monday in New York",
            Workdays(zone="America/New_York"),
            "2025-03-04T04:59:59",
            1,
            "2025-03-05T05:00",
        ),
        (
            "the hour that spring takes moves the end",
            Workdays(zone="Europe/Berlin"),
            "2025-03-28T12:00",
            1,
            "2025-03-31T22:00",
        ),
        (
            "and the hour that autumn gives",
            Workdays(zone="Europe/Berlin"),
            "2025-10-24T12:00",
            1,
            "2025-10-27T23:00",
        ),
        (
            "where midnight is skipped the day ends as the clocks change",
            Workdays(weekend=(), zone="America/Sao_Paulo"),
            "2018-11-02T12:00",
            1,
            "2018-11-04T03:00",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)
def test_a_deadline_ends(name: str, calendar: Workdays, start: str, days: int, ends: str) -> None:
    assert calendar.deadline(at(start), days) == at(ends)


def test_a_start_in_another_zone_is_the_same_instant() -> None:
    """What counts is the instant, not the offset in which it is written."""
    start = datetime.fromisoformat("2025-03-04T00:30:00+02:00")
    assert Workdays().deadline(start, 1) == at("2025-03-05T00:00")


@pytest.mark.parametrize("day", range(7))
def test_a_day_is_a_business_day_or_not(day: int) -> None:
    """The names of the days begin with Monday's."""
    when = MONDAY + timedelta(days=day)
    assert Workdays().are(when) is (day < 5)
    assert not Workdays(weekend=(DAYS[day],)).are(when)
    assert not Workdays(weekend=(), holidays=(when,)).are(when)


def test_a_calendar_without_business_days_gives_up() -> None:
    """It is said, and not sought forever."""
    with pytest.raises(ValueError, match="no 3 business days after 2025-03-03"):
        Workdays(weekend=DAYS).deadline(at("2025-03-03T00:00"), 3)


@given(
    st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2050, 1, 1)),
    st.integers(0, 60),
    st.sets(st.sampled_from(DAYS), max_size=6),
    st.sets(st.dates(date(2000, 1, 1), date(2050, 12, 31)), max_size=20),
    st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns"]),
)
def test_exactly_so_many_business_days_end(
    start: datetime, days: int, weekend: set[str], holidays: set[date], zone: str
) -> None:
    """Between the day of the start and the deadline lie as many business days as were asked for."""
    calendar = Workdays(tuple(sorted(weekend)), tuple(sorted(holidays)), zone)
    begun = start.replace(tzinfo=UTC)
    ends = calendar.deadline(begun, days)
    assert ends > begun
    from zoneinfo import ZoneInfo

    first = begun.astimezone(ZoneInfo(zone)).date()
    last = (ends - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).date()
    within = [first + timedelta(days=n) for n in range(1, (last - first).days + 1)]
    assert sum(map(calendar.are, within)) == days
    assert not within or calendar.are(last)


def test_the_zones_are_those_of_every_machine() -> None:
    """UTC is among them even where there is no database; what each machine sets is not."""
    assert {"UTC", "Europe/Berlin", "America/New_York"} <= zones()
    assert not {"localtime", "Factory", "posixrules", "Nowhere/Nothing"} & zones()
