"""Periods as people write them: half-open, in UTC, and never silently another one."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changeaudit import period
from changeaudit.errors import UsageError
from changeaudit.verdicts import PeriodInfo

NOW = datetime(2026, 3, 31, 12, 30, 45, tzinfo=UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def spans(since: str, until: str) -> PeriodInfo:
    return PeriodInfo(utc(since), utc(until))


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        # A date as the end is included to its last second.
        ("2026-01-01", "2026-01-31", ("2026-01-01", "2026-02-01")),
        ("2026-01-01", "2026-01-01", ("2026-01-01", "2026-01-02")),
        ("2024-02-28", "2024-02-29", ("2024-02-28", "2024-03-01")),
        # An instant as the end is not included, midnight as little as any other.
        ("2026-01-01", "2026-01-31T00:00:00Z", ("2026-01-01", "2026-01-31")),
        ("2026-01-01T06:00:00", "2026-01-01T06:00:01", ("2026-01-01T06:00", "2026-01-01T06:00:01")),
        ("2026-01-01 06:00", "2026-01-02", ("2026-01-01T06:00", "2026-01-03")),
        # A zone is taken into account, none means UTC.
        ("2026-01-01T00:00:00+05:30", "2026-01-02", ("2025-12-31T18:30", "2026-01-03")),
        ("2026-01-01", "2026-01-02T00:00:00-08:00", ("2026-01-01", "2026-01-02T08:00")),
        # ISO 8601 has other ways to write a day; it is included all the same.
        ("20260101", "20260131", ("2026-01-01", "2026-02-01")),
        ("2026-W01-1", "2026-W01-7", ("2025-12-29", "2026-01-05")),
    ],
)
def test_two_ends(since: str, until: str, expected: tuple[str, str]) -> None:
    assert period.between(since, until) == spans(*expected)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("2026", ("2026-01-01", "2027-01-01")),
        ("2024-02", ("2024-02-01", "2024-03-01")),
        ("2026-12", ("2026-12-01", "2027-01-01")),
        ("2026-Q1", ("2026-01-01", "2026-04-01")),
        ("2026-Q2", ("2026-04-01", "2026-07-01")),
        ("2026-q3", ("2026-07-01", "2026-10-01")),
        ("2026-Q4", ("2026-10-01", "2027-01-01")),
        ("2026-H1", ("2026-01-01", "2026-07-01")),
        ("2026-h2", ("2026-07-01", "2027-01-01")),
        ("9998", ("9998-01-01", "9999-01-01")),
    ],
)
def test_names(name: str, expected: tuple[str, str]) -> None:
    assert period.named(name) == spans(*expected)


@pytest.mark.parametrize(
    ("span", "since"),
    [
        ("1d", "2026-03-30T12:30:45"),
        ("30d", "2026-03-01T12:30:45"),
        ("2w", "2026-03-17T12:30:45"),
        # The 31st becomes the last day of a shorter month.
        ("1m", "2026-02-28T12:30:45"),
        ("4m", "2025-11-30T12:30:45"),
        ("12M", "2025-03-31T12:30:45"),
        ("1y", "2025-03-31T12:30:45"),
        ("2025y", "0001-03-31T12:30:45"),
    ],
)
def test_spans(span: str, since: str) -> None:
    assert period.last(span, NOW) == PeriodInfo(utc(since), NOW)


def test_a_span_from_the_29th_of_february() -> None:
    """A year without that day has its last day of February instead."""
    leap = datetime(2024, 2, 29, tzinfo=UTC)
    assert period.last("1y", leap).since == utc("2023-02-28")
    assert period.last("4y", leap).since == utc("2020-02-29")


def test_a_span_ends_at_a_whole_second() -> None:
    """Fractions of a second are no part of a period, which is printed to the second."""
    assert period.last("1d", NOW.replace(microsecond=999_999)).until == NOW


@pytest.mark.parametrize(
    ("since", "until", "named"),
    [
        ("", "2026-01-01", "--since ''"),
        ("2026-13-01", "2027-01-01", "--since '2026-13-01'"),
        ("2026-02-30", "2026-03-01", "--since '2026-02-30'"),
        ("yesterday", "2026-01-01", "--since 'yesterday'"),
        ("01/02/2026", "2026-03-01", "--since '01/02/2026'"),
        ("2026-1-1", "2026-03-01", "--since '2026-1-1'"),
        ("2026", "2026-03-01", "--since '2026'"),
        ("2026-01-01", "2026-01-31T24:30", "--until '2026-01-31T24:30'"),
        ("2026-01-01", "\x1b[31m", "--until '\\x1b[31m'"),
        ("2026-01-01T00:00:00.5", "2026-01-02", "to the second"),
        ("0001-01-01T00:00:00+14:00", "2026-01-02", "--since '0001-01-01T00:00:00+14:00'"),
        ("9999-12-31", "9999-12-31", "--until '9999-12-31'"),
    ],
)
def test_what_is_no_date_is_named(since: str, until: str, named: str) -> None:
    with pytest.raises(UsageError) as caught:
        period.between(since, until)
    assert named in caught.value.message


@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("2026-01-02", "2026-01-01"),
        ("2026-01-01T00:00:00", "2026-01-01T00:00:00"),
        ("2026-01-01", "2026-01-01T00:00:00Z"),
    ],
)
def test_an_end_that_is_not_after_the_start(since: str, until: str) -> None:
    with pytest.raises(UsageError, match="is not before"):
        period.between(since, until)


@pytest.mark.parametrize(
    "name",
    [
        *("", "26", "2026-Q0", "2026-Q5", "2026-H3", "2026-00", "2026-13", "2026-1", "0000"),
        *("9999", "2026-01-01", "Q1-2026", " 2026", "2026\n", "２０２６"),
    ],
)
def test_what_is_no_period_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="is not a period"):
        period.named(name)


@pytest.mark.parametrize(
    "span", ["", "30", "d", "0d", "-1d", "1.5m", "12345d", "1h", "1 d", "30dd"]
)
def test_what_is_no_span_is_refused(span: str) -> None:
    with pytest.raises(UsageError, match="is not a span"):
        period.last(span, NOW)


@pytest.mark.parametrize("span", ["9999y", "9999w", "2026y"])
def test_a_span_does_not_leave_the_calendar(span: str) -> None:
    early = NOW.replace(year=100) if span == "9999w" else NOW
    with pytest.raises(UsageError, match="before the calendar"):
        period.last(span, early)


days = st.dates(date(1970, 1, 1), date(2200, 1, 1))
instants = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)).map(
    lambda at: at.replace(microsecond=0, tzinfo=UTC)
)


@given(days, st.integers(0, 4000))
def test_days_are_as_many_as_they_are(first: date, more: int) -> None:
    """From a day to a day there are both of them and all between, whatever the years."""
    final = first + timedelta(days=more)
    found = period.between(first.isoformat(), final.isoformat())
    assert found.until - found.since == timedelta(days=more + 1)
    assert found.since.date() == first


@given(instants, instants, st.integers(-14 * 60, 14 * 60))
def test_instants_are_what_they_are_in_any_zone(a: datetime, b: datetime, minutes: int) -> None:
    """A zone changes how an instant is written and not which it is."""
    zone = timezone(timedelta(minutes=minutes))
    since, until = min(a, b), max(a, b) + timedelta(seconds=1)
    found = period.between(since.astimezone(zone).isoformat(), until.astimezone(zone).isoformat())
    assert found == PeriodInfo(since, until)


@given(st.integers(1, 9997))
def test_the_parts_of_a_year_are_the_year(year: int) -> None:
    """Months, quarters and halves follow each other without a gap and without an overlap."""
    for names in (
        [f"{year:04}-{month:02}" for month in range(1, 13)],
        [f"{year:04}-Q{quarter}" for quarter in range(1, 5)],
        [f"{year:04}-H{half}" for half in range(1, 3)],
    ):
        parts = [period.named(name) for name in names]
        whole = period.named(f"{year:04}")
        assert [part.until for part in parts[:-1]] == [part.since for part in parts[1:]]
        assert (parts[0].since, parts[-1].until) == (whole.since, whole.until)


@given(st.integers(1, 1200), instants)
def test_months_back_keep_the_day_where_there_is_one(months: int, now: datetime) -> None:
    """Or else it is the last day of the month; the month is always that many before."""
    since = period.last(f"{months}m", now).since
    assert (now.year - since.year) * 12 + now.month - since.month == months
    assert since.timetz() == now.timetz()
    if since.day != now.day:
        assert (since + timedelta(days=1)).day == 1
        assert since.day < now.day


@given(st.text(), st.text())
def test_any_text_gives_a_period_or_one_message(a: str, b: str) -> None:
    """Nothing else is raised, and a period that comes out has a length."""
    ways = (partial(period.between, a, b), partial(period.named, a), partial(period.last, a, NOW))
    for made in ways:
        with suppress(UsageError):
            found = made()
            assert found.since < found.until


@pytest.mark.parametrize("text", ["2026-01-01", "2026-01-01T00:00:00"])
def test_the_local_zone_is_nobodys_business(text: str, any_zone: str) -> None:
    assert period.between(text, "2026-02-01").since == utc("2026-01-01")
