"""What of a period is held: exactly what some span covers, and never what lay in the future."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changeaudit.collectors.spans import Span, coverage

START = datetime(2026, 1, 1, tzinfo=UTC)


def hour(n: int) -> datetime:
    return START + timedelta(hours=n)


def span(since: int, until: int) -> Span:
    return Span(hour(since), hour(until))


hours = st.integers(0, 40)
spans = st.tuples(hours, hours).map(lambda ends: span(min(ends), max(ends) + 1))


@given(wanted=spans, held=st.lists(st.tuples(spans, hours.map(hour)), max_size=8))
def test_every_hour_wanted_is_either_missing_or_held_by_a_span_of_its_past(
    wanted: Span, held: list[tuple[Span, datetime]]
) -> None:
    """`missing` and what is held part the period, with no overlap and no gap."""
    known = coverage(wanted, held)
    at = wanted.since
    while at < wanted.until:
        is_held = any(s.since <= at < min(s.until, as_of) for s, as_of in held)
        assert sum(m.since <= at < m.until for m in known.missing) == (0 if is_held else 1)
        at += timedelta(hours=1)


@given(wanted=spans, held=st.lists(st.tuples(spans, hours.map(hour)), max_size=8))
def test_what_is_missing_comes_in_order_apart_and_within_the_period(
    wanted: Span, held: list[tuple[Span, datetime]]
) -> None:
    missing = coverage(wanted, held).missing
    for part in missing:
        assert wanted.since <= part.since < part.until <= wanted.until
    for earlier, later in pairwise(missing):
        assert earlier.until < later.since


@given(wanted=spans, held=st.lists(st.tuples(spans, hours.map(hour)), max_size=8))
def test_the_age_is_that_of_the_oldest_hour_in_its_newest_collection(
    wanted: Span, held: list[tuple[Span, datetime]]
) -> None:
    newest: list[datetime] = []
    at = wanted.since
    while at < wanted.until:
        ages = [as_of for s, as_of in held if s.since <= at < min(s.until, as_of)]
        newest += [max(ages)] if ages else []
        at += timedelta(hours=1)
    assert coverage(wanted, held).held_as_of == min(newest, default=None)


@given(wanted=spans, held=st.lists(st.tuples(spans, hours.map(hour)), max_size=8))
def test_once_the_missing_parts_are_collected_nothing_is_missing(
    wanted: Span, held: list[tuple[Span, datetime]]
) -> None:
    later = [(part, wanted.until) for part in coverage(wanted, held).missing]
    assert coverage(wanted, [*held, *later]).missing == ()


@pytest.mark.parametrize(
    ("held", "missing"),
    [
        ([], [(0, 10)]),
        ([((0, 10), 20)], []),
        ([((2, 4), 20), ((6, 8), 20)], [(0, 2), (4, 6), (8, 10)]),
        ([((0, 6), 20), ((4, 10), 20)], []),
        ([((0, 10), 5)], [(5, 10)]),
        ([((0, 10), 0)], [(0, 10)]),
        ([((10, 12), 20), ((-3, 0), 20)], [(0, 10)]),
    ],
    ids=["nothing", "all", "islands", "overlap", "future", "all future", "touching"],
)
def test_what_is_missing(
    held: list[tuple[tuple[int, int], int]], missing: list[tuple[int, int]]
) -> None:
    known = coverage(span(0, 10), [(span(*ends), hour(as_of)) for ends, as_of in held])
    assert known.missing == tuple(span(*ends) for ends in missing)


@given(seconds=st.integers(1, 10**7))
def test_the_halves_are_the_whole_and_meet_at_a_whole_second(seconds: int) -> None:
    whole = Span(START, START + timedelta(seconds=seconds))
    early, late = whole.halves()
    assert (early.since, late.until) == (whole.since, whole.until)
    assert early.until == late.since
    assert early.until.microsecond == 0
    assert seconds < 2 or early.since < early.until < late.until
