"""Collects merged pull requests: by windows of their merge, page by page, each to its end.

A window counts only once all of it is in the store. A page is stored as soon as it is there, so
that what an interrupted run paid for is not asked for again; what its pull requests lack besides is
asked for at the end of some windows, for all of them together.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any

import msgspec

from changeaudit.collectors.github import further, wire
from changeaudit.collectors.github.ask import (
    Portion,
    Session,
    decode,
    digest,
    next_cursor,
    reasons,
)
from changeaudit.collectors.github.completing import Completion, Found
from changeaudit.collectors.github.queries import operation
from changeaudit.collectors.github.stored import opened, shaped
from changeaudit.collectors.github.transport import Reply
from changeaudit.collectors.spans import Covered, Span, coverage
from changeaudit.errors import CollectError
from changeaudit.records import Record
from changeaudit.store import Item, StoredAnswer, Window

KIND = "pull_request"
MORE = further.KIND
PAGE = 38
"""Pull requests a page: with nine lists each, 38 are the most that cost three points."""
FEW = 16
"""Pull requests on the first page of what changed: seldom more, and 16 cost one point."""
SEARCH_LIMIT = 1000
"""GitHub's search never returns more than this, whatever it counts."""
AIM = 800
"""Pull requests in a window where several are needed: merges are never spread evenly."""
LEAST = 500
"""Pull requests in a window at the least, where one is cut for several workers.

Each has a last page that is not full, and first finds out what this account may not read.
"""
TOGETHER = 3
"""Windows that are completed together: what their pull requests lack fills fewer requests."""
INDEX_LAG = timedelta(hours=6)
"""The search index lags behind: what changed so shortly before a run is asked for again.

So long, too, the pages of an interrupted run are taken for what would be answered now.
"""

BY_WALK = " walk"
"""How the note of a window ends whose pull requests were found by the walk."""

_DATES = re.compile(r" merged:(\S+)\.\.(\S+)")


class Enumeration(StrEnum):
    """How the merged pull requests of a period are found."""

    SEARCH = "search"
    """By searches over windows of time."""
    WALK = "walk"
    """By walking all that a repository has, those that changed last first: slow, with no gaps."""


class _TooManyError(Exception):
    """More pull requests than a search shows."""


class _SearchError(CollectError):
    """The search is refused, or does not show all that it counts."""


class _Part(Record, frozen=True):
    """A span to collect with one search, and how many pull requests that is to find, if known.

    With `changed_since` only what changed from then on is asked for: the rest is held.
    """

    span: Span
    count: int | None = None
    changed_since: datetime | None = None


class _Read(Record, frozen=True):
    """A span whose pages were read to the end, as it stood at `as_of`, and how many it has."""

    span: Span
    as_of: datetime
    count: int


class _Page(Record, frozen=True):
    """A page of pull requests: as it was answered just now, or as it lies in the store."""

    data: wire.PullRequestsData[msgspec.Raw]
    errors: tuple[wire.GraphQLError, ...]
    source: Reply | StoredAnswer

    @property
    def at(self) -> datetime:
        """When it was answered."""
        source = self.source
        return source.answer.received_at if isinstance(source, StoredAnswer) else source.received_at


_Asked = tuple[str, str | None]
"""What names a page in the store: the search, "" for the walk, and where the page begins."""


class PullRequests:
    """Collects the merged pull requests of one repository."""

    def __init__(
        self, session: Session, repository: str, enumeration: Enumeration = Enumeration.SEARCH
    ) -> None:
        self._session = session
        self._repository = repository
        self._enumeration = enumeration
        self._portion = Portion(PAGE)
        self._with_write_access = True
        self._paid: dict[_Asked, int] = {}
        self._tally = _Tally(session, f"pull requests of {repository}")

    def search(self, span: Span, changed_since: datetime | None = None) -> str:
        """The search that finds what merged in `span`, both ends named to the second."""
        last = span.until - timedelta(seconds=1)
        text = (
            f"repo:{self._repository} is:pr is:merged sort:created-asc"
            f" merged:{_instant(span.since)}..{_instant(last)}"
        )
        return text if changed_since is None else f"{text} updated:>={_instant(changed_since)}"

    def covered(self, period: Span) -> Covered:
        """What of `period` the store already holds for this version of the query."""
        query = operation("pull_requests").digest
        windows = self._session.store.windows(self._session.source, self._repository, KIND)
        return coverage(
            period,
            ((Span(w.since, w.until), w.as_of) for w in windows if w.note.startswith(query)),
        )

    def collect(self, period: Span, count: int | None = None) -> int:
        """Bring the store up to date for `period`; returns how many pull requests came in.

        `count` is how many the search over the whole period would find, where that is known.

        Raises:
            CollectError: a page was refused or kept failing. Whole windows stay in the store.
        """
        known = self.covered(period)
        since = known.held_as_of and known.held_as_of - INDEX_LAG
        if known.missing:
            self._paid = self._paid_for()
        if self._enumeration is Enumeration.WALK:
            return self._walk(period, known, since)
        try:
            return self._search(period, known, since, count)
        except _SearchError as error:
            self._session.progress.noted(
                f"{error.message} All pull requests of the repository are walked through instead."
            )
            return self._walk(period, self.covered(period), since)

    # --- by searches ---

    def _search(
        self, period: Span, known: Covered, since: datetime | None, count: int | None
    ) -> int:
        missing, held = known.missing, _without(period, known.missing)
        if since and missing and since <= missing[0].since and missing[0].until == period.until:
            missing, held = (), (period,)  # what merged since then has changed since then
        parts = [_Part(span, None, since) for span in held]
        for span in missing:
            parts += self._parts(span, count if span == period else None)
        self._tally.expect(sum(part.count or 0 for part in parts))
        groups = [
            partial(self._together, parts[start : start + TOGETHER])
            for start in range(0, len(parts), TOGETHER)
        ]
        return sum(self._session.workers.run(groups))

    def _parts(self, span: Span, count: int | None) -> list[_Part]:
        """The windows of a span: those that an interrupted run began, and others between them."""
        parts: list[_Part] = []
        start = span.since
        begun = {self._span_of(search) for search, _ in self._paid}
        for each in sorted((s for s in begun if s), key=lambda s: s.since):
            if start <= each.since and each.until <= span.until:
                if start < each.since:
                    parts += self._slices(Span(start, each.since), None)
                parts.append(_Part(each))
                start = each.until
        if start < span.until:
            rest = Span(start, span.until)
            parts += self._slices(rest, count if rest == span else None)
        return parts

    def _slices(self, span: Span, count: int | None) -> list[_Part]:
        """A span cut into windows that the search can show in full, and the workers can share."""
        if count is None:
            count = self._count(span)
        slices = 1 if count <= SEARCH_LIMIT else -(-count // AIM)
        slices = max(slices, min(self._session.workers.number, count // LEAST))
        cuts = span.cut(slices)
        return [_Part(cuts[0], count)] if len(cuts) == 1 else [_Part(each) for each in cuts]

    def _span_of(self, search: str) -> Span | None:
        """The span of a search of ours for all that merged in it; `None` for any other."""
        dates = _DATES.search(search)
        if dates is None:
            return None
        since, last = (datetime.fromisoformat(text) for text in dates.groups())
        span = Span(since, last + timedelta(seconds=1))
        return span if search == self.search(span) else None

    def _count(self, span: Span) -> int:
        about = f"the number of pull requests of {self._repository}"
        reply = self._session.ask(operation("count"), {"search": self.search(span)}, about)
        found = decode(wire.given(reply.data), wire.CountData, about, reply.errors).search
        if found is None:
            raise self._refused(reply.errors)
        return found.issue_count

    def _refused(self, errors: Sequence[wire.GraphQLError]) -> _SearchError:
        said = reasons(errors) or "it gave no reason"
        return _SearchError(f"GitHub refuses to search for {self._tally.what}: {said}.")

    def _together(self, parts: Sequence[_Part]) -> int:
        """Collect some windows to their end and say so in the store."""
        completion = Completion(self._session, self._repository)
        jobs = [partial(self._windows, part, completion) for part in parts]
        read = [each for some in self._session.workers.run(jobs) for each in some]
        self._complete(read, completion)
        return sum(each.count for each in read)

    def _complete(self, read: Sequence[_Read], completion: Completion, how: str = "") -> None:
        completion.ask(with_write_access=self._with_write_access)
        note = f"{operation('pull_requests').digest}{how}"
        with self._session.store.begin() as writer:
            for each in read:
                since, until = each.span.since, each.span.until
                window = Window(
                    self._session.source, self._repository, KIND, since, until, each.as_of, note
                )
                writer.complete(window)

    def _windows(self, part: _Part, completion: Completion) -> list[_Read]:
        """Read a part, cut into windows that the search can show in full."""
        if part.count is None or part.count <= SEARCH_LIMIT:
            try:
                return [self._window(part, completion)]
            except _TooManyError:
                pass  # more than when they were counted, or never counted
        early, late = part.span.halves()
        if early.since == early.until or late.since == late.until:
            raise CollectError(
                f"{self._repository}: more than {SEARCH_LIMIT:,} pull requests merged within one"
                f" second ({_instant(part.span.since)}), and GitHub's search does not show more."
            )
        return [
            read
            for half in (early, late)
            for read in self._windows(_Part(half, None, part.changed_since), completion)
        ]

    def _window(self, part: _Part, completion: Completion) -> _Read:
        """Read one window to its end."""
        search = self.search(part.span, part.changed_since)
        as_of, total, seen = self._pages(part, search, completion)
        if len(seen) < total:
            # Something moved while it was read, or since an earlier run read the first pages.
            self._paid = {asked: id_ for asked, id_ in self._paid.items() if asked[0] != search}
            self._tally.add(-len(seen))
            self._tally.expect(-total)
            as_of, total, seen = self._pages(part, search, completion)
        if len(seen) < total:
            raise _SearchError(
                f"GitHub's search counts {total} {self._tally.what} but shows {len(seen)}.",
            )
        return _Read(part.span, as_of, len(seen))

    def _pages(
        self, part: _Part, search: str, completion: Completion
    ) -> tuple[datetime, int, set[str]]:
        """Every page of a search: as of when it is, how many it counts, and which it showed."""
        as_of = self._session.clock()
        seen: set[str] = set()
        if part.count == 0:
            return as_of, 0, seen
        left = part.count if part.count is not None else FEW if part.changed_since else PAGE
        ask = partial(self._ask, "pull_requests", {"search": search})
        after: str | None = None
        expected = part.count or 0
        while True:
            page = self._page((search, after), partial(ask, after), max(1, left))
            found, total = page.data.search, -1
            if found is None:
                raise self._refused(page.errors)
            total = found.issue_count
            if total > SEARCH_LIMIT:
                self._tally.expect(-expected)
                raise _TooManyError
            pulls = [self._outline(raw, n, page.errors) for n, raw in enumerate(found.nodes)]
            self._store(page, pulls, completion, whole=part.changed_since is not None)
            as_of = min(as_of, page.at)
            new = {each.outline.id for each in pulls} - seen
            seen |= new
            self._tally.expect(total - expected)
            expected = total
            self._tally.add(len(new))
            if not found.page_info.has_next_page:
                return as_of, total, seen
            after = next_cursor(found.page_info, after, self._tally.what)
            left = total - len(seen)

    # --- by the walk ---

    def _walk(self, period: Span, known: Covered, since: datetime | None) -> int:
        """Read what changed last before the rest, down to what changed before the period.

        What merged in it has changed since it began. What changes meanwhile goes to the front and
        may slip past: so the front is read again until nothing there is new.
        """
        missing = (gap.since for gap in known.missing)
        down_to = min((*missing, *(() if since is None else (max(since, period.since),))))
        completion = Completion(self._session, self._repository)
        seen: dict[str, datetime] = {}
        whole = since is not None
        as_of, came = self._down(period, down_to, completion, seen, PAGE, whole=whole)
        again = True
        while again:
            _, new = self._down(period, None, completion, seen, FEW, whole=whole)
            came, again = came + new, new > 0
        self._complete([_Read(period, as_of, came)], completion, BY_WALK)
        return came

    def _down(
        self,
        period: Span,
        down_to: datetime | None,
        completion: Completion,
        seen: dict[str, datetime],
        size: int,
        *,
        whole: bool,
    ) -> tuple[datetime, int]:
        """Read from the front down to what changed before `down_to`, or to what was all `seen`.

        Returns as of when that is, and how many of the period came in.
        """
        owner, _, name = self._repository.partition("/")
        ask = partial(self._ask, "walk", {"owner": owner, "name": name})
        as_of, came = self._session.clock(), 0
        after: str | None = None
        while True:
            # The front is what it is now, whatever an earlier run saw there.
            paid = ("", after) if down_to is not None else ("now", after)
            page = self._page(paid, partial(ask, after), size)
            if page.data.page is None:
                raise CollectError(
                    f"GitHub refuses {self._tally.what}:"
                    f" {reasons(page.errors) or 'it gave no reason'}."
                )
            pulls = [self._outline(raw, n, page.errors) for n, raw in enumerate(page.data.nodes)]
            new = [p for p in pulls if seen.get(p.outline.id) != p.outline.updated_at]
            seen |= {p.outline.id: p.outline.updated_at for p in new}
            inside = [p for p in new if period.since <= p.outline.merged_at < period.until]
            self._store(page, inside, completion, whole=whole)
            as_of, came = min(as_of, page.at), came + len(inside)
            self._tally.expect(len(inside))
            self._tally.add(len(inside))
            info = page.data.page.page_info
            oldest = min((p.outline.updated_at for p in pulls), default=None)
            done = not new if down_to is None else oldest is None or oldest < down_to
            if done or not info.has_next_page:
                return as_of, came
            after = next_cursor(info, after, self._tally.what)

    # --- pages ---

    def _page(self, name: _Asked, ask: Callable[[int], Reply], left: int) -> _Page:
        """A page of at most `left` pull requests: out of the store if it was paid for already."""
        if name in self._paid:
            stored = self._session.store.answer(self._paid[name])
            body = opened(stored)
            data = shaped(body.data, wire.PullRequestsData[msgspec.Raw], stored)
            return _Page(data, body.errors, stored)
        reply = self._portion.ask(ask, left)
        if self._give_up_a_field(reply):
            reply = self._portion.ask(ask, left)
        shape = wire.PullRequestsData[msgspec.Raw]
        data = decode(wire.given(reply.data), shape, self._tally.what, reply.errors)
        return _Page(data, reply.errors, reply)

    def _ask(self, query: str, variables: dict[str, Any], after: str | None, first: int) -> Reply:
        more = {"first": first, "after": after, "withWriteAccess": self._with_write_access}
        return self._session.transport.ask(
            operation(query), {**variables, **more}, self._tally.what, divisible=first > 1
        )

    def _paid_for(self) -> dict[_Asked, int]:
        """The pages that a run which broke off lately left in the store, by what they answered."""
        queries = {operation(name).digest for name in ("pull_requests", "walk")}
        since = self._session.clock() - INDEX_LAG
        found: dict[_Asked, int] = {}
        for asked in self._session.store.asked(self._session.source, self._repository, KIND, since):
            request = json.loads(asked.request)
            if request.get("query") in queries:
                variables = request["variables"]
                found[variables.get("search", ""), variables["after"]] = asked.id
        return found

    def _give_up_a_field(self, reply: Reply) -> bool:
        """Whether a field that this account may not read took others with it: ask without it.

        Several may learn it at once, each from an answer of its own.
        """
        asked = json.loads(reply.request)["variables"]["withWriteAccess"]
        if asked and any("authorCanPushToRepository" in error.path for error in reply.errors):
            self._with_write_access = False
            return True
        return False

    def _outline(
        self, raw: msgspec.Raw, position: int, errors: Sequence[wire.GraphQLError]
    ) -> Found:
        body = bytes(raw)
        if body in (b"null", b"{}"):
            raise CollectError(
                f"GitHub did not show one of the {self._tally.what}:"
                f" {reasons(errors) or 'it gave no reason'}.",
                "The population would be incomplete. Check that the token may read the repository.",
            )
        outline = decode(raw, wire.Outline, f"a pull request of {self._repository}")
        return Found(outline, digest(body), position)

    def _store(
        self, page: _Page, found: Sequence[Found], completion: Completion, *, whole: bool
    ) -> None:
        """Store those pull requests of a page that are new, and note what all of them lack.

        What a period lacks that is held already comes with the rest of its lists, all of it or
        nothing (`whole`): nobody would know that they are missing.
        """
        store, source = self._session.store, self._session.source
        held = store.versions(source, KIND, [each.outline.id for each in found])
        if isinstance(page.source, StoredAnswer):
            # One that has changed since is noted where its newer version stands.
            completion.note(f for f in found if held.get(f.outline.id) == f.version)
            return
        new = [each for each in found if held.get(each.outline.id) != each.version]
        if new:
            rest = completion.rest(new, with_write_access=self._with_write_access) if whole else []
            items = [
                Item(KIND, each.outline.id, each.position, each.version, each.outline.merged_at)
                for each in new
            ]
            with store.begin() as writer:
                writer.put(self._session.answer(page.source, self._repository, KIND), items)
                for answer, parts in rest:
                    writer.put(answer, parts)
        completion.note(found)


class _Tally:
    """How many there are of what, over all windows, for whoever watches."""

    def __init__(self, session: Session, what: str) -> None:
        self.what = what
        self._session = session
        self._lock = threading.Lock()
        self._done = self._total = 0

    def expect(self, more: int) -> None:
        """So many more will come."""
        with self._lock:
            self._total += more

    def add(self, more: int) -> None:
        """So many more are there."""
        with self._lock:
            self._done += more
            self._session.progress.collected(self.what, self._done, self._total)


def _without(span: Span, missing: Sequence[Span]) -> tuple[Span, ...]:
    """`span` less the spans in `missing`, which lie within it."""
    parts: list[Span] = []
    start = span.since
    for gap in sorted(missing, key=lambda s: s.since):
        if start < gap.since:
            parts.append(Span(start, gap.since))
        start = gap.until
    if start < span.until:
        parts.append(Span(start, span.until))
    return tuple(parts)


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
