"""Collects the first-parent line of a production branch: what reached it, and in which order.

A merge names its first parent, so merged pull requests chain up by themselves; only where one
does not stand on another, commits came some other way, and just those stretches are asked for.
The line is followed by parents alone. A commit's dates are its writer's word.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial

import msgspec

from changeaudit.collectors.github import wire
from changeaudit.collectors.github.ask import Portion, Session, decode, digest
from changeaudit.collectors.github.pull_requests import KIND as PULL_REQUEST
from changeaudit.collectors.github.queries import operation
from changeaudit.collectors.github.repository import Head
from changeaudit.collectors.spans import Span, coverage
from changeaudit.records import Record
from changeaudit.store import Item, Window

KIND = "line"
ENDS_KIND = "line.ends"
NEIGHBOURHOOD = timedelta(days=14)
"""How far before and after the period a merge is looked for first that marks the line's end."""
SHALLOW = 5
"""Commits that are read at first where the line is not known: direct pushes are few in a row."""
DEEP = 100
"""Commits that are read at once at the most where it goes on."""
COMMITS_AT_ONCE = 200
"""Commits in one request, which cost two points a hundred."""
AT_ONCE = 100
"""Stretches in one request at the most."""
LONGEST = 2000
"""Commits after which a stretch without any merge is given up and said to be open."""


class Merge(Record, frozen=True):
    """A merge commit, the branch that it went to, and its first parent where that is known."""

    oid: str
    base: str
    parent: tuple[str, str] | None


class Gap(Record, frozen=True, order=True):
    """Where the line is not known: `length` commits were read since the last merge above."""

    length: int
    oid: str
    id: str


class Ends(msgspec.Struct, frozen=True):
    """What a line was followed between: `top` included, `bottom` not; `None` is the root.

    `open` are the commits at which a stretch was given up.
    """

    branch: str
    top: str
    bottom: str | None
    open: tuple[str, ...] = ()


class _Line:
    """The line of one branch, as far as it has been read: each commit's first parent.

    A branch that was renamed was merged into under its earlier name: a merge that the line
    reaches tells such a name, and from then on all its merges are followed at once.
    """

    def __init__(self, head: Head, top: tuple[str, str], bottom: str | None) -> None:
        self._names = {head.branch}
        self._top = top
        self._bottom = bottom
        self._parent: dict[str, tuple[str, str] | None] = {}
        self._merges: dict[str, Merge] = {}

    def __contains__(self, oid: str) -> bool:
        return oid in self._parent

    def merged(self, merges: Iterable[Merge]) -> None:
        """Learn the merges that pull requests tell of."""
        for merge in merges:
            if merge.parent is not None:
                self._parent[merge.oid] = merge.parent
                self._merges[merge.oid] = merge

    def read(self, commits: Iterable[wire.LineCommit]) -> None:
        """Learn commits from a stretch of history."""
        for commit in commits:
            parents = [p for p in commit.parents.nodes or () if p is not None]
            self._parent.setdefault(
                commit.oid, (parents[0].oid, parents[0].id) if parents else None
            )

    def unread(self) -> list[Gap]:
        """The commits at which reading must go on, those with the least above them first."""
        self._learn_names()
        found = {self._below(self._top, stop_at_merges=False)}
        for merge in self._merges.values():
            if merge.base in self._names and merge.parent is not None:
                found.add(self._below(merge.parent, stop_at_merges=True))
        shortest: dict[str, Gap] = {}
        for gap in sorted(gap for gap in found if gap is not None):
            shortest.setdefault(gap.oid, gap)
        return list(shortest.values())

    def _learn_names(self) -> None:
        at: tuple[str, str] | None = self._top
        while at is not None and at[0] != self._bottom and at[0] in self._parent:
            if at[0] in self._merges:
                self._names.add(self._merges[at[0]].base)
            at = self._parent[at[0]]

    def _below(self, start: tuple[str, str], *, stop_at_merges: bool) -> Gap | None:
        """The first unread commit on the way down, `None` where the way is known to its end."""
        at: tuple[str, str] | None = start
        length = 0
        while at is not None and at[0] != self._bottom:
            if at[0] not in self._parent:
                return Gap(length, *at)
            merge = at[0] in self._merges
            if stop_at_merges and merge:
                return None
            length = 0 if merge else length + 1
            at = self._parent[at[0]]
        return None


def collect_line(session: Session, repository: str, head: Head, period: Span) -> None:
    """Store what is needed to follow `head`'s branch through `period`.

    Raises:
        CollectError: a request was refused or kept failing.
    """
    subject = f"{repository}@{head.branch}"
    query = operation("line").digest
    windows = session.store.windows(session.source, subject, KIND)
    held = coverage(
        period,
        ((Span(w.since, w.until), w.as_of) for w in windows if w.note.startswith(query)),
    )
    for span in held.missing:
        as_of = session.clock()
        ends = _collect_span(session, repository, head, span, as_of)
        note = f"{query} {msgspec.json.encode(ends).decode()}"
        window = Window(session.source, subject, KIND, span.since, span.until, as_of, note)
        with session.store.begin() as writer:
            writer.complete(window)


def _collect_span(
    session: Session, repository: str, head: Head, span: Span, as_of: datetime
) -> Ends:
    before, after = _neighbours(session, repository, head, span, as_of)
    top = (after.oid, after.id) if after else (head.oid, head.id)
    bottom = before.oid if before else None
    line = _Line(head, top, bottom)
    line.merged(_merges(session, repository, span))
    given_up: set[str] = set()
    portion = Portion(COMMITS_AT_ONCE)
    while gaps := [gap for gap in line.unread() if gap.oid not in given_up]:
        depth = _depth(gaps[0])
        alike = [gap for gap in gaps if _depth(gap) == depth][:AT_ONCE]
        send = partial(_read_some, session, repository, head, alike, depth)
        batch, commits = portion.ask(send, len(alike) * depth)
        line.read(commits)
        given_up |= {gap.oid for gap in batch if gap.oid not in line}
        given_up |= {gap.oid for gap in line.unread() if gap.length >= LONGEST}
    return Ends(head.branch, top[0], bottom, tuple(sorted(given_up)))


def _depth(gap: Gap) -> int:
    """How many commits to read: the longer the line has gone on without a merge, the more."""
    return max(SHALLOW, min(DEEP, 4 * gap.length))


def _read_some(
    session: Session, repository: str, head: Head, gaps: Sequence[Gap], depth: int, size: int
) -> tuple[Sequence[Gap], list[wire.LineCommit]]:
    """Read `size` commits at the most, at the first of `gaps`: which those are, and the commits."""
    depth = min(depth, size)
    batch = gaps[: size // depth]
    return batch, _stretches(session, repository, head.branch, batch, depth)


def _merges(session: Session, repository: str, span: Span) -> Iterable[Merge]:
    """The merges of the period, from the pull requests that are in the store."""
    located = session.store.locate(session.source, repository, PULL_REQUEST, span.since, span.until)
    about = f"the stored pull requests of {repository}"
    for page in located:
        body = msgspec.Raw(wire.sound(page.answer.answer.body))
        nodes = decode(body, _MergeAnswer, about).data.search.nodes
        for item in page.items:
            pull = nodes[item.position]
            if pull.merge_commit:
                parents = [p for p in pull.merge_commit.parents.nodes or () if p is not None]
                yield Merge(
                    pull.merge_commit.oid,
                    pull.base_ref_name,
                    (parents[0].oid, parents[0].id) if parents else None,
                )


def _neighbours(
    session: Session, repository: str, head: Head, span: Span, as_of: datetime
) -> tuple[wire.Oid | None, wire.Oid | None]:
    """A merge into the branch before the span, and one after it, the nearest that are found.

    Any of them marks an end of the line; what lies between it and the span is read in vain. So
    those close by are looked for first, and others only where there is none.
    """
    before = after = None
    for reach in (NEIGHBOURHOOD, None):
        found = _merges_around(session, repository, head, span, reach)
        before, after = before or found[0], after or found[1]
        if before and (after or span.until >= as_of):
            break
    return before, after


def _merges_around(
    session: Session, repository: str, head: Head, span: Span, reach: timedelta | None
) -> tuple[wire.Oid | None, wire.Oid | None]:
    search = f'repo:{repository} is:pr is:merged base:"{head.branch}"'
    last = span.since - timedelta(seconds=1)
    if reach is None:
        early, late = f"<={_instant(last)}", f">={_instant(span.until)}"
    else:
        early = f"{_instant(span.since - reach)}..{_instant(last)}"
        late = f"{_instant(span.until)}..{_instant(span.until + reach)}"
    about = f"the merges around the period of {repository}"
    reply = session.ask(
        operation("merges"),
        {
            "before": f"{search} merged:{early} sort:created-desc",
            "after": f"{search} merged:{late} sort:created-asc",
        },
        about,
    )
    data = decode(reply.data, wire.MergesData, about, reply.errors)
    session.put(reply, f"{repository}@{head.branch}", ENDS_KIND)
    before = [m for m in data.before.nodes if m is not None and m.merge_commit]
    after = [m for m in data.after.nodes if m is not None and m.merge_commit]
    return (
        max(before, key=lambda m: m.merged_at).merge_commit if before else None,
        min(after, key=lambda m: m.merged_at).merge_commit if after else None,
    )


def _stretches(
    session: Session, repository: str, branch: str, gaps: Sequence[Gap], depth: int
) -> list[wire.LineCommit]:
    """Store the `depth` commits from each of `gaps` down, and give them."""
    about = f"the history of {branch} of {repository}"
    variables = {"ids": [gap.id for gap in gaps], "depth": depth}
    divisible = len(gaps) > 1 or depth > 1
    reply = session.transport.ask(operation("line"), variables, about, divisible=divisible)
    stretches = decode(reply.data, StretchData, about, reply.errors).nodes
    commits = [c for s in stretches if s for c in s.history.nodes or () if c]
    items = [
        Item(KIND, commit.oid, position, digest(msgspec.json.encode(commit)), None)
        for position, commit in enumerate(commits)
    ]
    session.put(reply, f"{repository}@{branch}", KIND, items)
    return commits


class StretchData(wire.Wire, frozen=True):
    """The answer to `line.graphql`: a stretch for each commit asked about."""

    nodes: tuple[wire.Stretch | None, ...]


class _MergeOnly(wire.Wire, frozen=True):
    base_ref_name: str
    merge_commit: wire.MergeCommit | None = None


class _MergeSearch(wire.Wire, frozen=True):
    nodes: tuple[_MergeOnly, ...]


class _MergePage(wire.Wire, frozen=True):
    search: _MergeSearch


class _MergeAnswer(wire.Wire, frozen=True):
    data: _MergePage


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
