"""Collects merged pull requests: by windows of their merge, page by page, each to its end.

A window counts only once all of it is in the store. What a page has no room for is asked for
until there is no more; what one cannot read is left out by name and never for a whole page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec

from changeaudit.collectors.github import wire
from changeaudit.collectors.github.ask import (
    Portion,
    Session,
    decode,
    digest,
    next_cursor,
    reasons,
)
from changeaudit.collectors.github.queries import Operation, compose, operation
from changeaudit.collectors.github.transport import Reply
from changeaudit.collectors.spans import Covered, Span, coverage
from changeaudit.errors import CollectError
from changeaudit.records import Record
from changeaudit.store import Answer, Item, Window

KIND = "pull_request"
MORE = "pull_request.more"
PARENTS = "pull_request.parents"
PAGE = 38
"""Pull requests a page: with nine lists each, 38 are the most that cost three points."""
FEW = 16
"""Pull requests on the first page of what changed: seldom more, and 16 cost one point."""
SEARCH_LIMIT = 1000
"""GitHub's search never returns more than this, whatever it counts."""
INDEX_LAG = timedelta(hours=6)
"""The search index lags behind: what changed so shortly before a run is asked for again."""
PARENTS_AT_ONCE = 900
"""Commits whose parents are asked for in one request, which costs a point a hundred."""
AT_ONCE = 100
"""Pull requests in one such request."""
COMMITS = 100
"""Commits a page of one pull request's list."""

_OPINIONS = ("APPROVED", "CHANGES_REQUESTED", "DISMISSED")
_LISTS = (
    "labels",
    "user_content_edits",
    "reviews",
    "timeline_items",
    "commits",
    "files",
    "closing_issues_references",
)


class _Found(Record, frozen=True):
    """A pull request of a page: what collecting must know of it, and its version."""

    outline: wire.Outline
    version: str
    position: int


class Unread(Record, frozen=True):
    """A pull request whose commits' parents are needed, and how many commits it has."""

    id: str
    version: str
    commits: int
    after: str | None = None
    page: int = 0

    @property
    def first(self) -> int:
        """The commits of the page to ask for."""
        return min(COMMITS, self.commits - self.page * COMMITS)


class _TooManyError(Exception):
    """More pull requests than a search shows."""


class PullRequests:
    """Collects the merged pull requests of one repository."""

    def __init__(self, session: Session, repository: str) -> None:
        self._session = session
        self._repository = repository
        self._portion = Portion(PAGE)
        self._with_write_access = True
        self._unread: dict[str, Unread] = {}

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
            period, ((Span(w.since, w.until), w.as_of) for w in windows if w.note == query)
        )

    def collect(self, period: Span, count: int | None = None) -> int:
        """Bring the store up to date for `period`; returns how many pull requests came in.

        `count` is how many the search over the whole period would find, where that is known.

        Raises:
            CollectError: a page was refused or kept failing. Whole windows stay in the store.
        """
        known = self.covered(period)
        came = 0
        if known.held_as_of is not None:
            since = known.held_as_of - INDEX_LAG
            for span in _without(period, known.missing):
                came += self._windows(span, None, since)
        for span in known.missing:
            counted = count is not None and span == period
            came += self._windows(span, count if counted else self._count(span))
        return came

    def _windows(self, span: Span, count: int | None, changed_since: datetime | None = None) -> int:
        """Collect `span`, cut into windows that the search can show in full."""
        if count is None or count <= SEARCH_LIMIT:
            try:
                return self._window(span, count, changed_since)
            except _TooManyError:
                pass  # more than when they were counted, or never counted
        early, late = span.halves()
        if early.since == early.until or late.since == late.until:
            raise CollectError(
                f"{self._repository}: more than {SEARCH_LIMIT:,} pull requests merged within one"
                f" second ({_instant(span.since)}), and GitHub's search does not show more."
            )
        came = 0
        for half in (early, late):
            known = None if changed_since else self._count(half)
            came += self._windows(half, known, changed_since)
        return came

    def _count(self, span: Span) -> int:
        about = f"the number of pull requests of {self._repository}"
        reply = self._session.ask(operation("count"), {"search": self.search(span)}, about)
        return decode(reply.data, wire.CountData, about, reply.errors).search.issue_count

    def _window(self, span: Span, count: int | None, changed_since: datetime | None) -> int:
        """Collect one window to its end and say so in the store.

        With `changed_since` only what changed from then on is asked for: the rest is held.
        """
        as_of = self._session.clock()
        what = f"pull requests of {self._repository}"
        search = self.search(span, changed_since)
        seen: set[str] = set()
        total = self._pages(search, what, count, seen)
        if len(seen) < total:
            seen.clear()
            total = self._pages(search, what, total, seen)
        if len(seen) < total:
            raise CollectError(
                f"GitHub's search counts {total} {what} but shows {len(seen)}.",
                "Its index may be catching up: run the same command again in a while.",
            )
        self._ask_parents()
        with self._session.store.begin() as writer:
            writer.complete(self._complete(span, as_of))
        return len(seen)

    def _complete(self, span: Span, as_of: datetime) -> Window:
        query = operation("pull_requests").digest
        return Window(
            self._session.source,
            self._repository,
            KIND,
            since=span.since,
            until=span.until,
            as_of=as_of,
            note=query,
        )

    def _pages(self, search: str, what: str, count: int | None, seen: set[str]) -> int:
        """Every page of a search, each stored with what belongs to it. Returns the total.

        `count` is how many there will be, where that is known: a page is no larger than that.
        """
        if count == 0:
            return 0
        after: str | None = None
        left = FEW if count is None else count
        while True:
            reply = self._page(search, after, what, max(1, left))
            page = decode(reply.data, wire.PullRequestsData, what, reply.errors).search
            if page.issue_count > SEARCH_LIMIT:
                raise _TooManyError
            found = [self._outline(raw, position, reply) for position, raw in enumerate(page.nodes)]
            self._store(reply, found)
            seen.update(f.outline.id for f in found)
            self._session.progress.collected(what, len(seen), page.issue_count)
            if not page.page_info.has_next_page:
                return page.issue_count
            after = next_cursor(page.page_info, after, what)
            left = page.issue_count - len(seen)

    def _page(self, search: str, after: str | None, what: str, left: int) -> Reply:
        """One page, as large as the server can bear, of at most `left` pull requests."""

        def send(first: int) -> Reply:
            variables = {
                "search": search,
                "first": first,
                "after": after,
                "withWriteAccess": self._with_write_access,
            }
            return self._session.transport.ask(
                operation("pull_requests"), variables, what, divisible=first > 1
            )

        reply = self._portion.ask(send, left)
        return self._portion.ask(send, left) if self._give_up_a_field(reply) else reply

    def _give_up_a_field(self, reply: Reply) -> bool:
        """Whether a field that this account may not read took others with it: ask without it."""
        for error in reply.errors:
            if "authorCanPushToRepository" in error.path and self._with_write_access:
                self._with_write_access = False
                return True
        return False

    def _outline(self, raw: msgspec.Raw, position: int, reply: Reply) -> _Found:
        body = bytes(raw)
        if body in (b"null", b"{}"):
            raise CollectError(
                f"GitHub did not show one of the pull requests of {self._repository}:"
                f" {reasons(reply.errors) or 'it gave no reason'}.",
                "The population would be incomplete. Check that the token may read the repository.",
            )
        outline = decode(raw, wire.Outline, f"a pull request of {self._repository}")
        return _Found(outline, digest(body), position)

    def _store(self, reply: Reply, found: Sequence[_Found]) -> None:
        """Store a page with the further pages of its lists: all of it, or nothing."""
        source = self._session.source
        held = self._session.store.versions(source, KIND, [f.outline.id for f in found])
        new = [f for f in found if held.get(f.outline.id) != f.version]
        further = [part for f in new for part in self._further(f)]
        with self._session.store.begin() as writer:
            if new:
                writer.put(
                    self._session.answer(reply, self._repository, KIND),
                    [
                        Item(KIND, f.outline.id, f.position, f.version, f.outline.merged_at)
                        for f in new
                    ],
                )
            for answer, item in further:
                writer.put(answer, [item])
        unread = [
            Unread(f.outline.id, f.version, f.outline.commits.total_count)
            for f in found
            if f.outline.commits and approved_before_the_head(f.outline)
        ]
        last = {u.id: f"{u.id}#{(u.commits - 1) // COMMITS}" for u in unread}
        held = self._session.store.versions(source, PARENTS, list(last.values()))
        self._unread |= {u.id: u for u in unread if held.get(last[u.id]) != u.version}

    def _further(self, found: _Found) -> Iterable[tuple[Answer, Item]]:
        """The pages of the inner lists that did not fit, until there are no more."""
        outline = found.outline
        cursors = open_cursors(outline)
        number = 0
        about = f"a pull request of {self._repository}"
        while cursors:
            variables: dict[str, Any] = {
                "id": outline.id,
                "withWriteAccess": self._with_write_access,
            }
            for name in (*_LISTS, "checks"):
                camel = _camel(name)
                variables[camel] = name in cursors
                variables[f"{camel}After"] = cursors.get(name)
            reply = self._session.ask(operation("pull_request_more"), variables, about)
            more = decode(reply.data, wire.MoreData, about, reply.errors).node
            if more is None:
                raise CollectError(
                    f"GitHub did not show the rest of {about}:"
                    f" {reasons(reply.errors) or 'it gave no reason'}."
                )
            answer = self._session.answer(reply, self._repository, MORE)
            yield answer, Item(MORE, f"{outline.id}#{number}", 0, found.version, None)
            asked, cursors = cursors, open_cursors(more)
            for name, page in _goes_on(more):
                next_cursor(page, asked.get(name), f"the {name} of {about}")
            number += 1

    def _ask_parents(self) -> None:
        """Ask for the parents of commits where an approval is of an earlier one.

        Everything that is left goes into as few requests as its commits allow.
        """
        todo = sorted(self._unread.values(), key=lambda u: (u.commits, u.id))
        portion = Portion(PARENTS_AT_ONCE)
        while todo:
            most = sum(u.first + 1 for u in todo[:AT_ONCE])
            todo = portion.ask(partial(self._some_parents, todo), most)
        self._unread.clear()

    def _some_parents(self, todo: Sequence[Unread], size: int) -> list[Unread]:
        """Ask for the parents of about `size` commits; returns what is left to ask for."""
        batch = [todo[0]]
        for unread in todo[1:AT_ONCE]:
            if sum(u.first + 1 for u in batch) + unread.first + 1 > size:
                break
            batch.append(unread)
        about = f"the commits of pull requests of {self._repository}"
        query, variables = parents_of(batch)
        reply = self._session.transport.ask(query, variables, about, divisible=len(batch) > 1)
        found = decode(reply.data, dict[str, msgspec.Raw], about, reply.errors)
        items: list[Item] = []
        left: list[Unread] = []
        for position, unread in enumerate(batch):
            raw = found.get(f"p{position}", msgspec.Raw(b"null"))
            if bytes(raw) in (b"null", b"{}"):
                continue  # it stays unknown, and what hangs on it undetermined
            key = f"{unread.id}#{unread.page}"
            items.append(Item(PARENTS, key, position, unread.version, None))
            page = decode(raw, wire.Parents, about, reply.errors).commits.page_info
            if page.has_next_page and (unread.page + 1) * COMMITS < unread.commits:
                after = next_cursor(page, unread.after, about)
                left.append(
                    Unread(unread.id, unread.version, unread.commits, after, unread.page + 1)
                )
        self._session.put(reply, self._repository, PARENTS, items)
        return [*left, *todo[len(batch) :]]


def parents_of(batch: Sequence[Unread]) -> tuple[Operation, dict[str, str | int | None]]:
    """The operation that asks for the parents of each pull request's own number of commits.

    As aliases p0, p1, … each costs what it holds; one list of pull requests would cost the
    product of their number and the longest list of commits.
    """
    declared: list[str] = []
    asked: list[str] = []
    variables: dict[str, str | int | None] = {}
    for position, unread in enumerate(batch):
        declared.append(f"$i{position}: ID!, $n{position}: Int!, $a{position}: String")
        variables |= {
            f"i{position}": unread.id,
            f"n{position}": unread.first,
            f"a{position}": unread.after,
        }
        asked.append(
            f"  p{position}: node(id: $i{position}) {{\n"
            "    ... on PullRequest {\n      id\n"
            f"      commits(first: $n{position}, after: $a{position}) {{ ...ParentsPage }}\n"
            "    }\n  }\n"
        )
    text = (
        f"query Parents({', '.join(declared)}) {{\n"
        "  rateLimit { cost limit remaining resetAt }\n"
        f"{''.join(asked)}}}\n"
    )
    return compose("parents", text), variables


def _goes_on(lists: wire.Outline | wire.Lists) -> Iterator[tuple[str, wire.PageInfo]]:
    """The inner lists that have more, each with its page's end."""
    for name in _LISTS:
        page = getattr(lists, name)
        if page is not None and page.page_info.has_next_page:
            yield name, page.page_info
    rollup = lists.status_check_rollup
    if rollup is not None and rollup.contexts.page_info.has_next_page:
        yield "checks", rollup.contexts.page_info


def open_cursors(lists: wire.Outline | wire.Lists) -> dict[str, str | None]:
    """Where each inner list that has more goes on."""
    return {name: page.end_cursor for name, page in _goes_on(lists)}


def approved_before_the_head(outline: wire.Outline) -> bool:
    """Whether some review that may be a standing approval is of an earlier commit than the head.

    Only then is it asked what followed that commit. An opinion from after the merge, or that its
    author replaced before it, never stood; a commit that is not among those of the pull request
    has no place among their parents. Lists that go on are taken to hold such a review or commit.
    """
    reviews, commits = outline.reviews, outline.commits
    if reviews is None or commits is None:
        return False
    if reviews.page_info.has_next_page:
        return True
    opinions = [
        review
        for review in reviews.nodes
        if review
        and review.state in _OPINIONS
        and review.submitted_at is not None
        and review.submitted_at <= outline.merged_at
    ]
    own = {node.commit.oid for node in commits.nodes if node}
    return any(
        review.state in ("APPROVED", "DISMISSED")
        and review.author is not None
        and review.commit is not None
        and review.commit.oid != outline.head_ref_oid
        and (review.commit.oid in own or commits.page_info.has_next_page)
        and not any(_replaces(other, review, outline.merged_at) for other in opinions)
        for review in opinions
    )


def _replaces(later: wire.ReviewOutline, review: wire.ReviewOutline, merged_at: datetime) -> bool:
    """Whether an opinion surely replaced another by the same account before the merge."""
    return (
        later.author == review.author
        and later.state in ("APPROVED", "CHANGES_REQUESTED")
        and later.submitted_at is not None
        and review.submitted_at is not None
        and review.submitted_at < later.submitted_at < merged_at
    )


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


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.title() for word in rest)


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
