"""Spans of time: which parts of a period the store already holds, and as of when. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise

from changeaudit.records import Record


class Span(Record, frozen=True):
    """A half-open stretch of time, `since` included and `until` not, in UTC."""

    since: datetime
    until: datetime

    def halves(self) -> tuple[Span, Span]:
        """The two halves, cut at a whole second, since no merge happens between two of them."""
        middle = (self.since + (self.until - self.since) / 2).replace(microsecond=0)
        return Span(self.since, middle), Span(middle, self.until)

    def cut(self, parts: int) -> tuple[Span, ...]:
        """`parts` equal parts, cut at whole seconds; fewer where there are not as many seconds."""
        step = (self.until - self.since) / max(1, parts)
        cuts = [(self.since + step * n).replace(microsecond=0) for n in range(1, parts)]
        within = sorted({cut for cut in cuts if self.since < cut < self.until})
        return tuple(Span(*ends) for ends in pairwise((self.since, *within, self.until)))


class Covered(Record, frozen=True):
    """What is known of a period: the spans still missing, and the parts held with their age."""

    missing: tuple[Span, ...]
    held_as_of: datetime | None


def coverage(wanted: Span, held: Iterable[tuple[Span, datetime]]) -> Covered:
    """What of `wanted` is missing, and how old the oldest part that is held is.

    `held` are spans with the instant as of which each was collected. A merge is never in the
    future, so a span collected as of an instant holds nothing from that instant on.
    """
    parts = [
        (max(span.since, wanted.since), min(span.until, wanted.until, as_of), as_of)
        for span, as_of in held
    ]
    parts = [part for part in parts if part[0] < part[1]]
    cuts = sorted({wanted.since, wanted.until, *(p[0] for p in parts), *(p[1] for p in parts)})
    missing: list[Span] = []
    oldest: datetime | None = None
    for start, end in pairwise(cuts):
        ages = [as_of for since, until, as_of in parts if since <= start and end <= until]
        if ages:
            oldest = max(ages) if oldest is None else min(oldest, max(ages))
        else:  # one at most between two parts, since every cut within is the end of a part
            missing.append(Span(start, end))
    return Covered(tuple(missing), oldest)
