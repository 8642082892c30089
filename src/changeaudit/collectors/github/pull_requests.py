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
PAGE = 43
"""Pull requests a page: with eight lists each, 43 are the most that cost three points."""
FEW = 18
"""Pull requests on the first page of what changed: seldom more, and 18 cost one point."""
SEARCH_LIMIT = 1000
"""GitHub's search never returns more than this, whatever it counts."""
AIM = 800
"""Pull requests in a window where several are needed: merges are never spread evenly."""
LEAST = 500
"""Pull requests in a window at the least, where one is cut for more workers than its two ends.

Each has a last page that is not full, and first finds out what this account may not read.
"""
TOGETHER = 3
"""Windows that are completed together: what their pull requests lack fills fewer requests."""
INDEX_LAG = timedelta(hours=6)
"""The search index lags behind: what changed so shortly before a run is asked for again.

So long, too, the pages of an interrupted run are taken for what would be answered now.
"""

FORWARDS, BACKWARDS = "created-asc", "created-desc"
"""The orders in which a search is read: from both of its ends at once, where there are workers."""

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


class _Window:
    """A window that is being read, from one end or from both: what was seen, and what is not yet.

    `total` is how many the search counts, 0 as long as that is not known; `guess` is how many are
    asked for until then.
    """

    def __init__(self, part: _Part, as_of: datetime, guess: int) -> None:
        self.part = part
        self.as_of = as_of
        self.total = part.count or 0
        self.cursors: dict[str, str] = {}
        self.seen: set[str] = set()
        self.ended = part.count == 0
        self._guess = guess
        self._asked_for = 0
        self._lock = threading.Lock()

    def take(self, most: int) -> int:
        """Take the next page upon oneself: how many to ask for, 0 where nobody need ask more.

        What others have asked for is theirs: from both ends no more pages come than from one.
        """
        with self._lock:
            left = (self.total or self._guess) - len(self.seen) - self._asked_for
            size = 0 if self.ended else min(most, max(0, left))
            self._asked_for += size
            return size

    def add(self, size: int, ids: set[str], total: int, at: datetime) -> tuple[int, int]:
        """Note the page of the `size` that were taken.

        Returns how many of it are new, and how many more there are in all than was known.
        """
        with self._lock:
            self._asked_for -= size
            new, more = len(ids - self.seen), total - self.total
            self.seen |= ids
            self.total, self.as_of = total, min(self.as_of, at)
            self.ended = self.ended or len(self.seen) >= total
            return new, more


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
        self._then: Sequence[Callable[[], object]] = ()
        self._unread = 1
        self._counting = threading.Lock()
        self._tally = _Tally(session, f"pull requests of {repository}")

    def search(
        self, span: Span, changed_since: datetime | None = None, order: str = FORWARDS
    ) -> str:
        """The search that finds what merged in `span`, both ends named to the second."""
        last = span.until - timedelta(seconds=1)
        text = (
            f"repo:{self._repository} is:pr is:merged sort:{order}"
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

    def collect(
        self,
        period: Span,
        count: int | None = None,
        then: Sequence[Callable[[], object]] = (),
    ) -> int:
        """Bring the store up to date for `period`; returns how many pull requests came in.

        Args:
            period: what merged in it is collected.
            count: how many the search over the whole period would find, where that is known.
            then: what can be done once every page is in the store; done while the last pull
                requests are completed.

        Raises:
            CollectError: a page was refused or kept failing. Whole windows stay in the store.
        """
        self._then = then
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
        self._unread = len(groups)
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
        slices = max(slices, min(self._session.workers.number // 2, count // LEAST))
        cuts = span.cut(slices)
        return [_Part(cuts[0], count)] if len(cuts) == 1 else [_Part(each) for each in cuts]

    def _span_of(self, search: str) -> Span | None:
        """The span of a search of ours for all that merged in it; `None` for any other."""
        dates = _DATES.search(search)
        if dates is None:
            return None
        since, last = (datetime.fromisoformat(text) for text in dates.groups())
        span = Span(since, last + timedelta(seconds=1))
        ours = (self.search(span, order=order) for order in (FORWARDS, BACKWARDS))
        return span if search in ours else None

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
        with self._counting:
            self._unread -= 1
            then = () if self._unread else self._then
        last: list[Callable[[], object]] = [partial(self._complete, read, completion), *then]
        self._session.workers.run(last)
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
            except _TooManyError:  # more than when they were counted, or never counted
                self._tally.expect(-(part.count or 0))
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
        window = self._pages(part, completion, (FORWARDS, BACKWARDS))
        if len(window.seen) < window.total:
            # Something moved while it was read, or since an earlier run read the first pages; or
            # what was created in the same second is not in the same order from either end.
            stale = self.search(part.span, part.changed_since)
            self._paid = {asked: id_ for asked, id_ in self._paid.items() if asked[0] != stale}
            self._tally.add(-len(window.seen))
            self._tally.expect(-window.total)
            window = self._pages(part, completion, (FORWARDS,))
        if len(window.seen) < window.total:
            raise _SearchError(
                f"GitHub's search counts {window.total} {self._tally.what} but shows"
                f" {len(window.seen)}.",
            )
        return _Read(part.span, window.as_of, len(window.seen))

    def _pages(self, part: _Part, completion: Completion, orders: Sequence[str]) -> _Window:
        """Read every page of a window, from as many ends as there are `orders`.

        Those that were paid for come first, so that nobody asks for what the other end holds. How
        many there are tells the first page, where it is not known before.
        """
        window = _Window(part, self._session.clock(), FEW if part.changed_since else PAGE)
        for order in orders:
            self._read_on(window, order, completion, paid=True)
        if part.count is None and not window.seen:
            self._read_on(window, FORWARDS, completion, once=True)
        both = len(orders) > 1
        self._session.workers.run(
            partial(self._read_on, window, order, completion, both=both) for order in orders
        )
        return window

    def _read_on(
        self,
        window: _Window,
        order: str,
        completion: Completion,
        *,
        paid: bool = False,
        once: bool = False,
        both: bool = False,
    ) -> None:
        """Read pages of a window from one end, until there are all that the search counts.

        With `paid` only those that the store holds already, with `once` one alone. With `both`
        another may read from the other end: where nothing new comes from here, the two have met.
        """
        search = self.search(window.part.span, window.part.changed_since, order)
        ask = partial(self._ask, "pull_requests", {"search": search})
        while True:
            after = window.cursors.get(order)
            if paid and (search, after) not in self._paid:
                return
            size = window.take(self._portion.size)
            if not size:
                return
            page = self._page((search, after), partial(ask, after), size)
            found = page.data.search
            if found is None:
                raise self._refused(page.errors)
            total = found.issue_count
            if total > SEARCH_LIMIT:
                raise _TooManyError
            pulls = [self._outline(raw, n, page.errors) for n, raw in enumerate(found.nodes)]
            whole = window.part.changed_since is not None
            self._store(page, pulls, completion, whole=whole)
            new, more = window.add(size, {each.outline.id for each in pulls}, total, page.at)
            self._tally.expect(more)
            self._tally.add(new)
            if not found.page_info.has_next_page:
                window.ended = True
                return
            window.cursors[order] = next_cursor(found.page_info, after, self._tally.what)
            if once or (both and not new):
                return

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
        whole_period = [_Read(period, as_of, came)]
        complete = partial(self._complete, whole_period, completion, BY_WALK)
        last: list[Callable[[], object]] = [complete, *self._then]
        self._session.workers.run(last)
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
        """The pages that a run which broke off lately left in the store, by what they answered.

        They also tell whether that run learnt that it may not ask who may write.
        """
        queries = {operation(name).digest for name in ("pull_requests", "walk")}
        since = self._session.clock() - INDEX_LAG
        found: dict[_Asked, int] = {}
        for asked in self._session.store.asked(self._session.source, self._repository, KIND, since):
            request = json.loads(asked.request)
            if request.get("query") in queries:
                variables = request["variables"]
                found[variables.get("search", ""), variables["after"]] = asked.id
                self._with_write_access &= variables["withWriteAccess"]
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
