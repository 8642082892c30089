"""What was packed comes back as it was, one thing at a time."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import fully_approved, make_policy, make_pull
from changeaudit.audit import judge
from changeaudit.packed import Packed
from changeaudit.records import PullRequest, Unavailable
from changeaudit.verdicts import AuditedChange, Citation


class Thing(msgspec.Struct, frozen=True, weakref=True):
    """Something that tells when it is let go of."""

    number: int
    text: str = ""


def things(number: int) -> Iterator[Thing]:
    return (Thing(n, "the same words again and again") for n in range(number))


@given(st.lists(st.builds(Thing, st.integers(), st.text(st.characters(codec=None)))))
def test_whatever_was_packed_comes_back(those: list[Thing]) -> None:
    """Lone surrogates and numbers beyond 64 bits included, which MessagePack does not carry."""
    packed = Packed(Thing, those)
    assert list(packed) == those
    assert len(packed) == len(those)
    assert packed[:] == tuple(those)


def test_records_and_verdicts_come_back_with_every_part_of_them() -> None:
    pulls = [make_pull(), make_pull(commits=Unavailable("no"), merge_commit=None, author=None)]
    assert list(Packed(PullRequest, pulls)) == pulls
    judged = judge(fully_approved(), make_policy())
    assert Packed(AuditedChange, [judged])[0] == judged


def test_an_instant_comes_back_as_that_instant() -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    (back,) = Packed(Citation, [Citation("a review", at=at)])
    assert back.at == at
    assert back.at is not None
    assert back.at.tzinfo == UTC


def test_places_are_those_of_any_sequence() -> None:
    packed = Packed(Thing, things(20))
    assert (packed[3].number, packed[-1].number) == (3, 19)
    assert [each.number for each in packed[17:]] == [17, 18, 19]
    assert [each.number for each in reversed(packed)][:2] == [19, 18]
    assert Thing(7, "the same words again and again") in packed
    with pytest.raises(IndexError):
        packed[20]


def test_a_key_sorts_and_what_has_the_same_keeps_its_order() -> None:
    packed = Packed(Thing, things(20), key=lambda thing: (thing.number % 3,))
    numbers = [each.number for each in packed]
    assert numbers == sorted(range(20), key=lambda number: number % 3)


def test_a_stream_is_taken_thing_by_thing_and_nothing_of_it_is_kept() -> None:
    """However many come, no more of them live at once than the dictionary is made of."""
    alive: weakref.WeakSet[Thing] = weakref.WeakSet()
    most = 0

    def stream() -> Iterator[Thing]:
        nonlocal most
        for thing in things(500):
            alive.add(thing)
            most = max(most, len(alive))
            yield thing

    packed = Packed(Thing, stream())
    assert most <= 12
    assert not [each for each in alive if each.number < 490]
    assert sum(each.number for each in packed) == sum(range(500))


def test_what_is_alike_takes_little() -> None:
    """A thing that repeats what others say takes a tenth of what it says, or less."""
    said = " ".join(f"word {n} of a verdict" for n in range(200))
    packed = Packed(Thing, (Thing(n, said) for n in range(100)))
    rows = [row for row in packed._rows if isinstance(row, bytes)]
    assert len(rows) == 100
    assert sum(map(len, rows)) < 100 * len(said) / 10
