"""Completes pull requests: asks for what a page had no room for, and for what only some need.

The rest of long lists; the parents of commits, where an approval is of an earlier one than the
head, or somebody made the merge by hand; the trees of that merge, and of merges of the base that
came after an approval; the checks of merge commits that a queue may have tested. Each is asked for
together for many pull requests, and none twice: what an earlier run left in the store is taken from
there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial

import msgspec

from changeaudit.collectors.github import further, parents, wire
from changeaudit.collectors.github.ask import Portion, Session, decode, next_cursor
from changeaudit.collectors.github.base_merges import (
    BaseMerges,
    approved_and_merged_by_hand,
    kept_content,
)
from changeaudit.collectors.github.further import Further, Unfinished
from changeaudit.collectors.github.merge_groups import MergeGroups, may_have_been_queued
from changeaudit.collectors.github.queries import Operation, compose
from changeaudit.records import Record
from changeaudit.store import Answer, Item

PARENTS = parents.KIND
PARENTS_AT_ONCE = 549
"""Commits and pull requests in one request for parents: the most that cost five points."""
AT_ONCE = 100
"""Pull requests in one such request."""
LONG = 10 * further.PAGE
"""Files after which a list is very long: it takes five requests, one after the other, or more."""
COMMITS = 100
"""Commits a page of one pull request's list."""

_OPINIONS = ("APPROVED", "CHANGES_REQUESTED", "DISMISSED")


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


class Found(Record, frozen=True):
    """A pull request of a page: what collecting must know of it, its version and its place."""

    outline: wire.Outline
    version: str
    position: int


class Completion:
    """What some pull requests of one repository lack. Several threads may note what they find."""

    def __init__(self, session: Session, repository: str) -> None:
        self._session = session
        self._repository = repository
        self._further = Further(session, repository)
        self._lock = threading.Lock()
        self._unfinished: dict[str, Unfinished] = {}
        self._needing: dict[str, tuple[wire.Outline, str]] = {}

    def note(self, found: Iterable[Found]) -> None:
        """Remember those of the pull requests, all of them stored, that lack something."""
        for each in found:
            unfinished = Unfinished(each.outline, each.version)
            if unfinished.rest.lists:
                with self._lock:
                    self._unfinished[each.outline.id] = unfinished
            else:
                self._note_needs(unfinished)

    def rest(
        self, found: Sequence[Found], *, with_write_access: bool
    ) -> list[tuple[Answer, list[Item]]]:
        """The rest of these pull requests' lists, asked for now, as the store keeps it."""
        todo = [Unfinished(each.outline, each.version) for each in found]
        return list(self._further.answers(todo, with_write_access=with_write_access))

    def ask(self, *, with_write_access: bool) -> None:
        """Ask for all that is lacking, in as few requests as the server bears.

        Very long lists take one request after another: meanwhile another asks for all the rest.
        """
        todo, self._unfinished = sorted(self._unfinished.values(), key=lambda u: u.key), {}
        long = [each for each in todo if each.rest.files > LONG]
        rest = [each for each in todo if each.rest.files <= LONG]
        finish = partial(self._finish, with_write_access=with_write_access)

        def others() -> None:
            finish(rest)
            self._ask_more()

        jobs: list[Callable[[], None]] = [partial(finish, long), others]
        self._session.workers.run(jobs)
        self._ask_more()

    def _finish(self, todo: Sequence[Unfinished], *, with_write_access: bool) -> None:
        """Ask for the rest of all lists that go on."""
        self._further.resume(todo)
        for answer, items in self._further.answers(todo, with_write_access=with_write_access):
            with self._session.store.begin() as writer:
                writer.put(answer, items)
        for unfinished in todo:
            self._note_needs(unfinished)

    def _note_needs(self, read: Unfinished) -> None:
        """Remember a pull request that needs more than its lists, as far as these were read."""
        if _needs_more(read.outline):
            with self._lock:
                self._needing[read.key] = (read.outline, read.version)

    def _ask_more(self) -> None:
        """Ask what followed approvals of earlier commits, and for the checks of merge commits."""
        with self._lock:
            needing, self._needing = self._needing, {}
        outlines = [each for _, each in sorted(needing.items())]
        moved_on = [each for each in outlines if merged_more(each[0])]
        self._ask_parents(moved_on)
        base_merges = BaseMerges(self._session, self._repository)
        base_merges.note(moved_on)
        base_merges.ask()
        merge_groups = MergeGroups(self._session, self._repository)
        merge_groups.note(outlines)
        merge_groups.ask()

    def _ask_parents(self, moved_on: Iterable[tuple[wire.Outline, str]]) -> None:
        """Ask for the parents of commits where an approval is of an earlier one.

        Everything that is left goes into as few requests as its commits allow.
        """
        unread = [
            Unread(outline.id, version, outline.commits.total_count)
            for outline, version in moved_on
            if outline.commits
        ]
        last = {u.id: f"{u.id}#{(u.commits - 1) // COMMITS}" for u in unread}
        held = self._session.store.versions(self._session.source, PARENTS, list(last.values()))
        missing = [u for u in unread if held.get(last[u.id]) != u.version]
        todo = sorted(missing, key=lambda u: (u.commits, u.id))
        portion = Portion(PARENTS_AT_ONCE)
        batches: list[list[Unread]] = []
        while todo:
            batches.append(_fitting(todo, PARENTS_AT_ONCE))
            todo = todo[len(batches[-1]) :]
        self._session.workers.run(partial(self._parents, each, portion) for each in batches)

    def _parents(self, todo: list[Unread], portion: Portion) -> None:
        """Ask for the parents of these commits, page by page."""
        while todo:
            most = sum(u.first + 1 for u in todo[:AT_ONCE])
            todo = portion.ask(partial(self._some_parents, todo), most)

    def _some_parents(self, todo: Sequence[Unread], size: int) -> list[Unread]:
        """Ask for the parents of about `size` commits; returns what is left to ask for."""
        batch = _fitting(todo, size)
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


def _fitting(todo: Sequence[Unread], size: int) -> list[Unread]:
    """The first of them that fit into a request for about `size` commits; one at the least."""
    batch = [todo[0]]
    for unread in todo[1:AT_ONCE]:
        if sum(u.first + 1 for u in batch) + unread.first + 1 > size:
            break
        batch.append(unread)
    return batch


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


def _needs_more(outline: wire.Outline) -> bool:
    """Whether anything is asked of a pull request beyond its lists."""
    return merged_more(outline) or may_have_been_queued(outline)


def merged_more(outline: wire.Outline) -> bool:
    """Whether more may have merged than what was approved, which the parents of commits tell."""
    return approved_before_the_head(outline) or approved_and_merged_by_hand(outline)


def approved_before_the_head(outline: wire.Outline) -> bool:
    """Whether some review that may be a standing approval is of an earlier commit than the head.

    Only then is it asked what followed that commit. An opinion from after the merge, or that its
    author replaced before it, never stood; a commit that is not among those of the pull request
    has no place among their parents, unless it was force-pushed away with its content kept. Lists
    that go on are taken to hold such a review or commit.
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
    earlier = {node.commit.oid for node in commits.nodes if node} | kept_content(outline)
    return any(
        review.state in ("APPROVED", "DISMISSED")
        and review.author is not None
        and review.commit is not None
        and review.commit.oid != outline.head_ref_oid
        and (review.commit.oid in earlier or commits.page_info.has_next_page)
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
