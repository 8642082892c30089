"""Collects the first-parent line of a production branch: what reached it, and in which order.

A merge names its first parent, so merged pull requests chain up by themselves; only where one
does not stand on another, commits came some other way, and just those stretches are asked for.
The line is followed by parents alone. A commit's dates are its writer's word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

import msgspec

from changeaudit.collectors.git import Clone
from changeaudit.collectors.github import wire
from changeaudit.collectors.github.ask import Portion, Session, decode, digest
from changeaudit.collectors.github.clone import collect_commits
from changeaudit.collectors.github.pull_requests import KIND as PULL_REQUEST
from changeaudit.collectors.github.queries import Operation, compose, operation
from changeaudit.collectors.github.repository import Head
from changeaudit.collectors.github.stored import opened, shaped
from changeaudit.collectors.shapes import decoded
from changeaudit.collectors.spans import Span, coverage
from changeaudit.records import Record
from changeaudit.store import Item, Window

KIND = "line"
ENDS_KIND = "line.ends"
FROM_CLONE = "git"
"""What a line was followed by that came out of a clone: the first word of its window's note."""
NEIGHBOURHOOD = timedelta(days=14)
"""How far before and after the period a merge that marks the line's end is close by."""
SHALLOW = 3
"""Commits that are read at first where the line is not known: direct pushes are few in a row."""
DEEP = 100
"""Commits that are read at once at the most where it goes on."""
COMMITS_AT_ONCE = 250
"""Commits in one request, which cost two points a hundred."""
AT_ONCE = 100
"""Stretches in one request at the most."""
RESUMABLE = timedelta(hours=6)
"""How long what an interrupted run read of a line is looked at first."""
MERGES_AT_ONCE = 5000
"""Merges whose line is followed at once, for all of them are held in memory."""
LONGEST = 2000
"""Commits after which a stretch without any merge is given up and said to be open."""

UNSEEN = "GitHub did not show a commit that stands there"
"""Why a line breaks off that may go on another time: the next run follows it again."""


class Merge(Record, frozen=True):
    """A merge commit, the branch that it went to, and its first parent where that is known.

    `below` are the commits of its pull request that stand under it, if it was rebased.
    """

    oid: str
    base: str
    parent: tuple[str, str] | None
    below: int = 0


class Gap(Record, frozen=True):
    """Where the line is not known, at `oid`: `length` commits were read since the last merge above.

    It is read from the commit with that `id`, `after` that cursor of its history. `left` are the
    commits of the merge's pull request that are still to come, if it was rebased.
    """

    length: int
    oid: str
    id: str
    left: int = 0
    after: str | None = None


class Ends(msgspec.Struct, frozen=True):
    """What a line was followed between: `top` included, `bottom` not; `None` is the root.

    `open` are the commits at which a stretch was given up, and `why`, where there is more to say.
    `number` is the pull request that left `top`, which merged after the span; 0 for none.
    """

    branch: str
    top: str
    bottom: str | None
    open: tuple[str, ...] = ()
    why: str = ""
    number: int = 0


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
        self._onward: dict[str, tuple[str, str]] = {}
        self._passed: dict[str, int] = {}

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

    def goes_on(self, gap: Gap, history: wire.History) -> None:
        """Learn where a history goes on that was read from a gap: from there one reads on in it.

        Only while there are no merges in it is what it lists next the next one of the line. One
        that lists other commits before the gap's own is read on as well, as long as that goes.
        """
        commits = [commit for commit in history.nodes or () if commit is not None]
        parents = [[p for p in c.parents.nodes or () if p is not None] for c in commits]
        page = history.page_info
        cursor = page.end_cursor if page else None
        if cursor and parents and all(len(each) == 1 for each in parents):
            self._onward[parents[-1][0].oid] = gap.id, cursor
        if gap.oid in self:
            return
        passed = self._passed.get(gap.oid, 0) + len(commits)
        self._passed[gap.oid] = passed
        if page and cursor and page.has_next_page and cursor != gap.after and passed < LONGEST:
            self._onward[gap.oid] = gap.id, cursor
        else:
            self._passed[gap.oid] = LONGEST

    def is_unseen(self, gap: Gap) -> bool:
        """Whether a history does not show the commit from which it was read, to its end."""
        return gap.oid not in self and self._passed.get(gap.oid, LONGEST) >= LONGEST

    def unread(self) -> list[Gap]:
        """The commits at which reading must go on, those with the least above them first."""
        self._learn_names()
        found = {self._below(self._top, stop_at_merges=False)}
        for merge in self._merges.values():
            if merge.base in self._names and merge.parent is not None:
                gap = self._below(merge.parent, stop_at_merges=True)
                left = max(0, merge.below - gap.length) if gap else 0
                found.add(gap and Gap(gap.length, gap.oid, gap.id, left))
        shortest: dict[str, Gap] = {}
        for gap in sorted(filter(None, found), key=lambda gap: (gap.length, gap.oid, -gap.left)):
            shortest.setdefault(gap.oid, gap)
        return [self._from_above(gap) for gap in shortest.values()]

    def _from_above(self, gap: Gap) -> Gap:
        """A gap that is read where the history that led to it goes on, if there was one."""
        id_, after = self._onward.get(gap.oid, (gap.id, None))
        left = DEEP if gap.oid in self._passed else gap.left
        return Gap(gap.length, gap.oid, id_, left, after)

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


def collect_line(
    session: Session, repository: str, head: Head, period: Span, clone: Clone | None = None
) -> None:
    """Store what is needed to follow `head`'s branch through `period`.

    With a `clone` its history is followed there, and GitHub is asked for none of it.

    Raises:
        CollectError: a request was refused or kept failing.
    """
    subject = f"{repository}@{head.branch}"
    query = query_digest()
    by = query if clone is None else FROM_CLONE
    of = session.source, subject, KIND
    windows = session.store.windows(*of)
    held = coverage(
        period,
        ((Span(w.since, w.until), w.as_of) for w in windows if _is_held(w, query, clone)),
    )

    # What this very run reads of one span is of no use to the next, and would fill the memory.
    since = session.clock() - RESUMABLE
    left_behind = [asked.id for asked in session.store.asked(*of, since)]

    def follow(span: Span) -> None:
        as_of = session.clock()
        ends = _collect_span(session, repository, head, span, left_behind, clone)
        note = f"{by} {msgspec.json.encode(ends).decode()}"
        window = Window(session.source, subject, KIND, span.since, span.until, as_of, note)
        with session.store.begin() as writer:
            # Another run into this store may have followed the same line meanwhile.
            if window.note not in {w.note for w in session.store.windows(*of) if covers(w, span)}:
                writer.complete(window)

    def covers(window: Window, span: Span) -> bool:
        return (window.since, window.until) == (span.since, span.until)

    spans = held.missing
    if clone is None:
        spans = tuple(part for span in spans for part in _parts(session, repository, span))
    session.workers.run([partial(follow, span) for span in spans])


def _parts(session: Session, repository: str, span: Span) -> tuple[Span, ...]:
    """A span in parts that memory holds the merges of, each to be followed by itself."""
    merges = session.store.number(session.source, repository, PULL_REQUEST, span.since, span.until)
    return span.cut(1 if merges <= MERGES_AT_ONCE else -(-merges // MERGES_AT_ONCE))


def query_digest() -> str:
    """What tells the query that a line was followed by: the text of what is asked of a commit."""
    return compose("line", "...LinePage").digest


def ends_of(window: Window) -> tuple[str, Ends]:
    """By what a line was followed (a query's digest, or `FROM_CLONE`), and between what."""
    by, _, ends = window.note.partition(" ")
    return by, decoded(ends, Ends)


def _is_held(window: Window, query: str, clone: Clone | None) -> bool:
    """Whether a line need not be followed again: not by another way, nor past where it broke."""
    by, ends = ends_of(window)
    if by == FROM_CLONE:
        return not ends.open
    return by == query and clone is None and ends.why != UNSEEN


def belongs(
    session: Session, repository: str, heads: Iterable[Head], span: Span, clone: Clone
) -> bool:
    """Whether a clone is one of `repository`: by its remotes, or by the commits that it holds."""
    if repository.casefold() in clone.remotes():
        return True
    merges = (merge.oid for merge in _merges(session, repository, span))
    return clone.holds_any([*(head.oid for head in heads), *merges])


def _collect_span(
    session: Session,
    repository: str,
    head: Head,
    span: Span,
    left_behind: Sequence[int],
    clone: Clone | None,
) -> Ends:
    before, after = _neighbours(session, repository, head, span)
    bottom = before.merge_commit.oid if before and before.merge_commit else None
    if clone is not None:
        return _from_clone(session, repository, head, after, bottom, clone)
    mark = after.merge_commit if after else None
    top = (mark.oid, mark.id) if mark else (head.oid, head.id)
    line = _Line(head, top, bottom)
    line.merged(_merges(session, repository, span))
    line.read(_left_behind(session, left_behind))
    given_up: set[str] = set()
    unseen: set[str] = set()
    portion = Portion(COMMITS_AT_ONCE)
    while gaps := [gap for gap in line.unread() if gap.oid not in given_up]:
        send = partial(_read_some, session, repository, head, gaps)
        batch, histories = portion.ask(send, sum(map(_depth, gaps)))
        for gap, history in histories:
            line.read(filter(None, history.nodes or ()))
            line.goes_on(gap, history)
        unseen |= {gap.oid for gap in batch if line.is_unseen(gap)}
        given_up |= unseen | {gap.oid for gap in line.unread() if gap.length >= LONGEST}
    why = UNSEEN if unseen else ""
    return Ends(head.branch, top[0], bottom, tuple(sorted(given_up)), why)


def _from_clone(
    session: Session,
    repository: str,
    head: Head,
    after: wire.Merge | None,
    bottom: str | None,
    clone: Clone,
) -> Ends:
    """Follow the line in a clone, from where GitHub says that it begins.

    A clone that lacks that commit is followed from where it points itself, and the line is open.
    """
    top = after.merge_commit.oid if after and after.merge_commit else head.oid
    number = after.number if after else 0
    followed = collect_commits(session, clone, repository, top, bottom)
    if followed.missing != top:
        end = (followed.missing,) if followed.missing else ()
        return Ends(head.branch, top, bottom, end, followed.why, number)
    tip = clone.tip(head.branch)
    if tip is None:
        return Ends(head.branch, top, bottom, (top,), followed.why)
    further = collect_commits(session, clone, repository, tip, bottom)
    broken = (top, further.missing) if further.missing else (top,)
    return Ends(head.branch, tip, bottom, broken, followed.why)


def _depth(gap: Gap) -> int:
    """How many commits to read: those of a pull request that was rebased, and what is below them.

    Otherwise the more, the longer the line has gone on without a merge.
    """
    return min(DEEP, gap.left + 1 if gap.left else max(SHALLOW, 4 * gap.length))


def _read_some(
    session: Session, repository: str, head: Head, gaps: Sequence[Gap], size: int
) -> tuple[Sequence[Gap], list[tuple[Gap, wire.History]]]:
    """Read `size` commits at the most, at the first of `gaps`: which those are, and what came."""
    batch: list[tuple[Gap, int]] = []
    left = size
    for gap in gaps[:AT_ONCE]:
        depth = min(_depth(gap), size)
        if depth > left:
            break
        batch.append((gap, depth))
        left -= depth
    return [gap for gap, _ in batch], _stretches(session, repository, head.branch, batch)


def _merges(session: Session, repository: str, span: Span) -> Iterable[Merge]:
    """The merges of the period, from the pull requests that are in the store."""
    located = session.store.locate(session.source, repository, PULL_REQUEST, span.since, span.until)
    about = f"the stored pull requests of {repository}"
    for page in located:
        body = msgspec.Raw(wire.sound(page.answer.answer.body))
        nodes = decode(body, _MergeAnswer, about).data.nodes
        for item in page.items:
            pull = nodes[item.position]
            if pull.merge_commit:
                parents = [p for p in pull.merge_commit.parents.nodes or () if p is not None]
                alone = len(parents) == 1 and pull.commits is not None
                yield Merge(
                    pull.merge_commit.oid,
                    pull.base_ref_name,
                    (parents[0].oid, parents[0].id) if parents else None,
                    pull.commits.total_count - 1 if alone and pull.commits else 0,
                )


def _neighbours(
    session: Session, repository: str, head: Head, span: Span
) -> tuple[wire.Merge | None, wire.Merge | None]:
    """A merge into the branch before the span, and one after it, the nearest that are found.

    Any of them marks an end of the line; what lies between it and the span is read in vain. So
    those close by are preferred, which a search for all of them may not show first.
    """
    search = f'repo:{repository} is:pr is:merged base:"{head.branch}"'
    last, until = _instant(span.since - timedelta(seconds=1)), _instant(span.until)
    early, late = _instant(span.since - NEIGHBOURHOOD), _instant(span.until + NEIGHBOURHOOD)
    variables = {
        "before": f"{search} merged:{early}..{last} sort:created-desc",
        "earlier": f"{search} merged:<={last} sort:created-desc",
        "after": f"{search} merged:{until}..{late} sort:created-asc",
        "later": f"{search} merged:>={until} sort:created-asc",
    }
    about = f"the merges around the period of {repository}"
    subject = f"{repository}@{head.branch}"
    # An end that a run marked which broke off lately is still one.
    since = session.clock() - RESUMABLE
    left = session.asked_before(operation("merges"), variables, subject, ENDS_KIND, since)
    if left:
        data = shaped(opened(left).data, wire.MergesData, left)
    else:
        reply = session.ask(operation("merges"), variables, about)
        data = decode(reply.data, wire.MergesData, about, reply.errors)
        session.put(reply, subject, ENDS_KIND)
    before = [*_landed(data.before), *_landed(data.earlier)]
    after = [*_landed(data.after), *_landed(data.later)]
    return (
        max(before, key=lambda m: m.merged_at, default=None),
        min(after, key=lambda m: m.merged_at, default=None),
    )


def _landed(found: wire.MergeSearch) -> Iterator[wire.Merge]:
    """Those of a search that left a merge commit."""
    return (merge for merge in found.nodes if merge is not None and merge.merge_commit)


def _stretches(
    session: Session, repository: str, branch: str, gaps: Sequence[tuple[Gap, int]]
) -> list[tuple[Gap, wire.History]]:
    """Store so many commits from each of `gaps` down, and give what came of each."""
    about = f"the history of {branch} of {repository}"
    query, variables = ask_for(gaps)
    divisible = len(gaps) > 1 or gaps[0][1] > 1
    reply = session.transport.ask(query, variables, about, divisible=divisible)
    data = decode(wire.given(reply.data), dict[str, msgspec.Raw], about, reply.errors)
    found: list[tuple[Gap, wire.History]] = []
    for position, (gap, _) in enumerate(gaps):
        stretch = {alias: data[alias] for alias in (f"s{position}",) if alias in data}
        for raw in stretches_of(stretch):
            found.append((gap, decode(raw, wire.Stretch, about, reply.errors).history))
    commits = [commit for _, history in found for commit in history.nodes or () if commit]
    items = [
        Item(KIND, commit.oid, position, digest(msgspec.json.encode(commit)), None)
        for position, commit in enumerate(commits)
    ]
    session.put(reply, f"{repository}@{branch}", KIND, items)
    return found


def _left_behind(session: Session, answers: Iterable[int]) -> Iterator[wire.LineCommit]:
    """The commits that a run which broke off lately paid for, from the answers that it stored."""
    for id_ in answers:
        answer = session.store.answer(id_)
        for raw in stretches_of(shaped(opened(answer).data, dict[str, msgspec.Raw], answer)):
            yield from filter(None, shaped(raw, wire.Stretch, answer).history.nodes or ())


def ask_for(gaps: Sequence[tuple[Gap, int]]) -> tuple[Operation, dict[str, str | int | None]]:
    """The operation that asks for each gap's own number of commits, as aliases s0, s1 and so on."""
    declared: list[str] = []
    asked: list[str] = []
    variables: dict[str, str | int | None] = {}
    for position, (gap, depth) in enumerate(gaps):
        declared.append(f"$i{position}: ID!, $d{position}: Int!, $a{position}: String")
        variables |= {f"i{position}": gap.id, f"d{position}": depth, f"a{position}": gap.after}
        asked.append(
            f"  s{position}: node(id: $i{position}) {{\n    ... on Commit {{\n      oid\n"
            f"      history(first: $d{position}, after: $a{position}) {{\n"
            "        pageInfo { hasNextPage endCursor }\n        ...LinePage\n      }\n    }\n  }\n"
        )
    text = (
        f"query Line({', '.join(declared)}) {{\n"
        "  rateLimit { cost limit remaining resetAt }\n"
        f"{''.join(asked)}}}\n"
    )
    return compose("line", text), variables


def stretches_of(data: Mapping[str, msgspec.Raw]) -> list[msgspec.Raw]:
    """The stretches of an answer, each a `wire.Stretch`, without those that are not shown.

    Earlier versions of this program asked for all of them as one list.
    """
    found = [raw for alias, raw in data.items() if alias != "rateLimit"]
    if "nodes" in data:
        found = decoded(data["nodes"], list[msgspec.Raw])
    return [raw for raw in found if bytes(raw) not in (b"null", b"{}")]


class _Total(wire.Wire, frozen=True):
    total_count: int


class _MergeOnly(wire.Wire, frozen=True):
    base_ref_name: str
    commits: _Total | None = None
    merge_commit: wire.MergeCommit | None = None


class _MergeAnswer(wire.Wire, frozen=True):
    data: wire.PullRequestsData[_MergeOnly]


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
