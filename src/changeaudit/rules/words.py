"""How rules write instants, counts and citations."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from functools import lru_cache

from changeaudit.asof import ReviewAtMerge
from changeaudit.people import name_of
from changeaudit.verdicts import Citation

_TWO = tuple(f"{number:02}" for number in range(60))
"""Numbers as a clock shows them."""


def instant(at: datetime) -> str:
    """An instant (UTC) as reports write it: 2026-01-15 12:00:00Z."""
    return f"{_day(at.date())} {_TWO[at.hour]}:{_TWO[at.minute]}:{_TWO[at.second]}Z"


@lru_cache(maxsize=1024)  # what happens to a change happens on few days
def _day(day: date) -> str:
    return day.isoformat()


@lru_cache(maxsize=256)  # a policy has few lists of names, asked of every change
def folded(names: tuple[str, ...]) -> frozenset[str]:
    """Names as they are compared, without case."""
    return frozenset(name.casefold() for name in names)


def count(number: int, noun: str) -> str:
    """A number with its noun: "1 commit", "3 commits"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(parts: Iterable[str]) -> str:
    """Parts as a sentence: "a", "a and b", "a, b and c"."""
    found = parts if isinstance(parts, list) else list(parts)
    if len(found) < 2:
        return found[0] if found else ""
    return f"{', '.join(found[:-1])} and {found[-1]}"


def sentence(text: str) -> str:
    """Words as a sentence of their own: with a capital and a full stop."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def cite_review(review: ReviewAtMerge) -> Citation:
    """A review as evidence."""
    found = review.review
    state = review.state if isinstance(review.state, str) else found.state
    return Citation(
        what=f"review: {state.lower().replace('_', ' ')}",
        who=name_of(found.author),
        at=found.submitted_at,
        url=found.url,
    )
