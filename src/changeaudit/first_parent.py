"""What reached a production branch: its first-parent line, from the top to the bottom. Pure.

Each commit was brought by a merged pull request of the period, by one of another time, or by none.
A merge into the branch names its commit, and from there on only what is known to be the same pull
request's is taken for it: what it shares with the line in any other way came before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import datetime
from itertools import groupby

from changeaudit.landing import Landing, merge_oid, work_of
from changeaudit.records import (
    Activity,
    BranchCommit,
    BranchLine,
    MergeCommit,
    Record,
    Unavailable,
)
from changeaudit.verdicts import Match


class Run(Record, frozen=True):
    """Consecutive commits of a line, oldest first, with the merges of the period around them.

    `number` is the pull request of another time that brought them, `None` if none did. `arrived`
    says of a commit when it was pushed, by the server's clock, where that is known.
    """

    commits: tuple[BranchCommit, ...]
    not_before: datetime | None
    not_after: datetime | None
    number: int | None
    arrived: dict[str, Activity]

    def within(self, since: datetime, until: datetime) -> tuple[BranchCommit, ...]:
        """The commits that may have come in [since, until).

        The server's own record of a push decides, and the merges around a run bound when it came.
        Where there is neither, the commits' own dates are taken, and only to leave out what claims
        to be of another time.
        """
        return tuple(commit for commit in self.commits if self._is_within(commit, since, until))

    def _is_within(self, commit: BranchCommit, since: datetime, until: datetime) -> bool:
        if (move := self.arrived.get(commit.oid)) is not None:
            return since <= move.at < until
        claimed = commit.committer.at
        return claimed is None or not (
            (self.not_before is None and claimed < since)
            or (self.not_after is None and claimed >= until)
        )


class Brought(Record, frozen=True):
    """A merged pull request on a line: what it was known by, and its commits, newest first."""

    number: int
    by: Match
    commits: tuple[str, ...]


class Walk(Record, frozen=True):
    """A branch's line, followed from its top to its bottom.

    `brought` are the pull requests of the period that it passes, by number, and `runs` what came
    between them. `broken` are the commits that could not be followed further. `arrived` are the
    pushes that the server recorded, by each commit that they brought.
    """

    branch: str
    brought: dict[int, Brought]
    runs: tuple[Run, ...]
    broken: tuple[str, ...]
    on_line: frozenset[str]
    arrived: dict[str, Activity]


class _Passed(Record, frozen=True):
    """A commit of a line, and what brought it.

    That is a pull request of the period, or one of another time by its `number`, or none.
    """

    oid: str
    pull: Landing | None
    commit: BranchCommit | None
    number: int | None


Merges = Mapping[str, Sequence[tuple[Landing, Match]]]


def walk(line: BranchLine, pulls: Sequence[Landing]) -> Walk:
    """Follow `line` and say of each commit what brought it.

    Args:
        line: what was collected of the branch.
        pulls: every pull request that merged in the period.
    """
    merges = _merges(pulls)
    segments, broken = _follow(line, merges)
    on_line = frozenset(oid for segment in segments for oid in segment)
    # A branch that was renamed was merged into under its earlier name, which its merges tell.
    passed = [pull for oid in on_line for pull, _ in merges.get(oid, ())]
    names = {line.branch, *(pull.onto for pull in passed)}
    here = {pull.number: pull for pull in pulls if pull.onto in names}
    of_period = {pull.number for pull in pulls}
    stray = _Stray(here, on_line)
    arrived: dict[str, Activity] = {}
    brought: dict[int, Brought] = {}
    runs: list[Run] = []
    for segment in segments:
        arrived |= _arrivals(line, segment, merges)
        steps = list(_pass(line, segment, merges, stray, of_period, brought))
        runs += _runs(steps, arrived)
    return Walk(line.branch, brought, tuple(runs), broken, on_line, arrived)


def _merges(pulls: Sequence[Landing]) -> Merges:
    """The pull requests by the commit that each left, which its merge or its timeline names."""
    found: dict[str, list[tuple[Landing, Match]]] = {}
    for pull in pulls:
        if (oid := merge_oid(pull)) is not None:
            found.setdefault(oid, []).append((pull, Match.MERGE_COMMIT))
        for named in pull.merged_as:
            if named != oid:
                found.setdefault(named, []).append((pull, Match.MERGED_EVENT))
    return found


def _follow(line: BranchLine, merges: Merges) -> tuple[list[list[str]], tuple[str, ...]]:
    """The commits of a line, newest first, in connected segments; and where it broke off."""
    segments: list[list[str]] = []
    broken: list[str] = []
    seen: set[str] = set()
    for stretch in sorted(line.stretches, key=lambda s: s.since, reverse=True):
        segment: dict[str, None] = {}
        at: str | None = stretch.top
        while at is not None and at != stretch.bottom and at not in segment:
            parents = _parents(at, line, merges)
            if parents is None:
                broken.append(at)
                break
            segment[at] = None
            below = parents[0] if parents else None
            if below is None and (stretch.bottom is not None or at not in line.commits):
                broken.append(at)  # a merge has a parent, and the line should have met its bottom
            at = below
        segments.append([oid for oid in segment if oid not in seen])
        seen.update(segment)
    return segments, tuple(broken)


def _parents(oid: str, line: BranchLine, merges: Merges) -> tuple[str, ...] | None:
    """The parents of a commit; `None` where nothing is known of it."""
    for pull, _ in merges.get(oid, ()):
        merge = pull.merge_commit
        if merge is not None and not isinstance(merge, Unavailable) and merge.oid == oid:
            return merge.parents
    commit = line.commits.get(oid)
    return commit.parents if commit else None


def _pass(
    line: BranchLine,
    segment: Sequence[str],
    merges: Merges,
    stray: _Stray,
    of_period: Set[int],
    brought: dict[int, Brought],
) -> Iterator[_Passed]:
    """Every commit of a segment with what brought it, newest first; fills `brought`.

    GitHub names for a commit every merged pull request that holds it; one that merged it into
    another branch did not bring it here, nor did one whose merge stands elsewhere on the line.
    """
    last: _Bringing | None = None
    commit: BranchCommit | None
    for oid in segment:
        if merged := merges.get(oid, ()):
            commit = line.commits.get(oid)
            for pull, by in merged:
                brought.setdefault(pull.number, Brought(pull.number, by, (oid,)))
            aimed = [pull for pull, _ in merged if pull.number in stray.here]
            last = _Bringing(aimed[0] if aimed else merged[0][0], commit)
        else:
            commit = line.commits[oid]
            by = Match.ASSOCIATION
            if last is None or not last.goes_on(commit, stray.here):
                found, by = stray.brought(commit)
                last = None if found is None else _Bringing(found, commit)
            if last is not None:
                number = last.pull.number
                known = brought.get(number, Brought(number, by, ()))
                brought[number] = Brought(number, known.by, (*known.commits, oid))
        named = commit.pull_requests if commit else ()
        other = next((number for number in named if number not in of_period), None)
        yield _Passed(oid, last.pull if last else None, commit, None if last else other)


class _Stray:
    """The pull requests into a branch whose merge is not on its line.

    Such as one that GitHub marked as merged because its commits were pushed.
    """

    def __init__(self, here: Mapping[int, Landing], on_line: frozenset[str]) -> None:
        self.here = here
        stray = [p for p in here.values() if merge_oid(p) not in on_line and _spreads(p)]
        self._numbered = {pull.number: pull for pull in stray}
        self._own = {oid: p for p in stray if _as_it_was(p) for oid in _own(p)}

    def brought(self, commit: BranchCommit) -> tuple[Landing | None, Match]:
        """Which of them brought a commit, and by what that is known."""
        if (pull := self._own.get(commit.oid)) is not None:
            return pull, Match.OWN_COMMITS
        named = (self._numbered.get(number) for number in commit.pull_requests)
        found = next((p for p in named if p and commit.oid not in _own(p)), None)
        return found, Match.ASSOCIATION


class _Bringing:
    """A pull request that was met on the way down, and what below may be its as well.

    A true merge puts only itself on its first parent, unless that is the head. A squash leaves one
    commit. A rebase leaves the pull request's commits again, under other oids, next to each other:
    GitHub associates them, or they carry the author, the date and the message of its commits. Who
    pushed its branch as it was left its own commits.
    """

    def __init__(self, pull: Landing, commit: BranchCommit | None) -> None:
        self.pull = pull
        self._own = _own(pull)
        self._spreads = _spreads(pull)
        self._as_it_was = _as_it_was(pull)
        self._again = [own.work for own in reversed(pull.commits) if own.work is not None]
        if commit is None:
            del self._again[:1]  # only its oid is known: at most the last of them
        elif not self._is_next(commit):
            self._again = []

    def goes_on(self, commit: BranchCommit, here: Mapping[int, Landing]) -> bool:
        """Whether the commit below is of the same pull request."""
        if not self._spreads:
            return False
        if commit.oid in self._own:
            return self._as_it_was
        again = self._is_next(commit)
        return again or (self.pull.number in commit.pull_requests and self.pull.number in here)

    def _is_next(self, commit: BranchCommit) -> bool:
        work = work_of(commit)
        if not work or work not in self._again:
            return False
        del self._again[: self._again.index(work) + 1]
        return True


def _own(pull: Landing) -> frozenset[str]:
    return frozenset(commit.oid for commit in pull.commits)


def _as_it_was(pull: Landing) -> bool:
    """Whether its own commits may be on the line: not where merging made others of them."""
    merge = pull.merge_commit
    if merge is None or isinstance(merge, Unavailable) or merge.oid in _own(pull):
        return True
    return _is_head_first(merge, pull.head_oid)


def _spreads(pull: Landing) -> bool:
    """Whether a pull request may have left more on a line than its merge commit."""
    merge = pull.merge_commit
    if merge is None or isinstance(merge, Unavailable):
        return True
    return len(merge.parents) < 2 or _is_head_first(merge, pull.head_oid)


def _is_head_first(merge: MergeCommit, head: str) -> bool:
    """Whether the head's own line goes on at a merge: it is the head, or stands on it."""
    return merge.oid == head or (len(merge.parents) > 1 and merge.parents[0] == head)


def _arrivals(line: BranchLine, segment: Sequence[str], merges: Merges) -> dict[str, Activity]:
    """The pushes by each commit of a segment that they brought.

    A push brought the commits from `after` down to `before`; where that is not met, down to what
    came some other way.
    """
    by_top = {move.after: move for move in sorted(moves_of(line), key=lambda m: m.at)}
    found: dict[str, Activity] = {}
    last: Activity | None = None
    for oid in segment:
        if oid in by_top:
            last = by_top[oid]
        elif last is not None and (oid == last.before or oid in merges):
            last = None
        if last is not None:
            found[oid] = last
    return found


def _runs(passed: Sequence[_Passed], arrived: Mapping[str, Activity]) -> Iterator[Run]:
    """What came between the merges of the period, newest first."""
    not_after: datetime | None = None
    place = 0
    for _, group in groupby(passed, key=lambda step: (step.pull is None, step.number)):
        steps = list(group)
        place += len(steps)
        if (lowest := steps[-1].pull) is not None:
            not_after = lowest.merged_at
            continue
        below = (passed[i].pull for i in range(place, len(passed)))
        not_before = next((pull.merged_at for pull in below if pull), None)
        commits = tuple(step.commit for step in reversed(steps) if step.commit)
        pushed = {c.oid: arrived[c.oid] for c in commits if c.oid in arrived}
        yield Run(commits, not_before, not_after, steps[0].number, pushed)


def moves_of(line: BranchLine) -> tuple[Activity, ...]:
    """The pushes and force-pushes of a branch, as far as they are known."""
    return () if isinstance(line.activity.moves, Unavailable) else line.activity.moves
