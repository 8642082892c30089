"""How rules write instants, counts and citations."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from changeaudit.asof import ReviewAtMerge
from changeaudit.people import name_of
from changeaudit.verdicts import Citation


def instant(at: datetime) -> str:
    """An instant as reports write it: 2026-01-15 12:00:00Z."""
    return f"{at:%Y-%m-%d %H:%M:%S}Z"


def count(number: int, noun: str) -> str:
    """A number with its noun: "1 commit", "3 commits"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(parts: Iterable[str]) -> str:
    """Parts as a sentence: "a", "a and b", "a, b and c"."""
    found = list(parts)
    if len(found) < 2:
        return "".join(found)
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
