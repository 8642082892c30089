"""The tie-out of two enumerations: merged pull requests, and what stands on the branches. Pure.

Every merged pull request is a row of one branch's reconciliation, and so is every commit that
reached the branch in the period without one. Counts add up on both sides; what is on one side
alone, and whatever keeps the two from being shown to be whole, is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from changeaudit.change import DirectPush
from changeaudit.first_parent import Brought, Walk, moves_of
from changeaudit.landing import Landing, merge_oid
from changeaudit.people import name_of
from changeaudit.records import (
    NO_ACTIVITY,
    Activity,
    ActivityKind,
    BranchCommit,
    BranchLine,
    Record,
    Repository,
    RuleBypass,
    Unavailable,
)
from changeaudit.verdicts import (
    EVERY_PUSH,
    Match,
    Reconciliation,
    RepositorySummary,
    Tie,
    TieKind,
)

LISTED = 10


def direct_pushes(
    repository: Repository,
    lines: Sequence[BranchLine],
    walks: Mapping[str, Walk],
    since: datetime,
    until: datetime,
) -> tuple[DirectPush, ...]:
    """The direct pushes that may lie in [since, until), branch by branch, the oldest first.

    What stands on several branches is of the first of them.
    """
    found: list[DirectPush] = []
    seen: set[str] = set()
    for line in lines:
        walk = walks[line.branch]
        for run in reversed(walk.runs):
            if run.number is not None:
                continue
            inside = tuple(c for c in run.within(since, until) if c.oid not in seen)
            if inside:
                seen.update(commit.oid for commit in inside)
                moves = {m.id: m for c in inside if (m := walk.arrived.get(c.oid)) is not None}
                tops = {commit.oid for commit in inside} | {m.after for m in moves.values()}
                found.append(
                    DirectPush(
                        repository,
                        line.branch,
                        inside,
                        run.not_before,
                        run.not_after,
                        tuple(sorted(moves.values(), key=lambda move: (move.at, move.id))),
                        tuple(b for b in bypasses_of(line) if b.after in tops),
                    )
                )
    return tuple(found)


class Enumerations(Record, frozen=True):
    """Both enumerations of one repository in [since, until).

    `earlier` are branches that have no history of their own, whose merges are all on another one.
    """

    repository: Repository
    production: tuple[str, ...]
    earlier: frozenset[str]
    lines: Sequence[BranchLine]
    walks: Mapping[str, Walk]
    pulls: Sequence[Landing]
    pushes: tuple[DirectPush, ...]
    since: datetime
    until: datetime

    def summary(self, in_scope: Sequence[int], excluded: int) -> RepositorySummary:
        """How the two tie out, in counts, in rows and in a sentence.

        Args:
            in_scope: the numbers of the pull requests in scope.
            excluded: how many are out of scope.
        """
        tied = self._reconciliations()
        on_lines = {number for walk in self.walks.values() for number in walk.brought}
        absent = [number for number in in_scope if number not in on_lines]
        gaps = [*self._gaps()]
        if absent:
            are = "pull request is" if len(absent) == 1 else "pull requests are"
            gaps.append(
                f"{len(absent)} merged {are} not on the history of a production branch"
                f" ({_numbers(absent)})"
            )
        said = [*gaps]
        if not self.pulls and not self.pushes:
            said.append("no change was found in the period")
        pushed = sum(len(push.commits) for push in self.pushes)
        said.append(
            f"on the first-parent history of a production branch: {len(in_scope) - len(absent)} of"
            f" {_plural(len(in_scope), 'merged pull request')} in scope;"
            f" {_plural(pushed, 'commit')} came without one"
        )
        said += [
            f"{branch} has no history of its own and is taken for an earlier name, as all that"
            " merged into it is on that history"
            for branch in sorted(self.earlier & set(self.production))
        ]
        left_out = sum(each.left_out for each in tied)
        if left_out:
            said.append(_left_out(left_out))
        text = "; ".join(said)
        return RepositorySummary(
            repository=self.repository.name,
            production_branches=self.production,
            merged=len(self.pulls),
            in_scope=len(in_scope),
            excluded=excluded,
            direct_pushes=len(self.pushes),
            complete=not gaps,
            completeness=f"{text[:1].upper()}{text[1:]}.",
            reconciliations=tied,
        )

    # -- the rows

    def _reconciliations(self) -> tuple[Reconciliation, ...]:
        """One for each production branch, and one for what merged into any other."""
        branches = tuple(dict.fromkeys((*self.production, *(x.branch for x in self.lines))))
        owners = {p.number: self._owner(p, branches) for p in self.pulls}
        counted = self._counted(owners)
        lines = {line.branch: line for line in self.lines}
        left_out_before: set[str] = set()
        found = []
        for branch in (*branches, ""):
            pulls = [p for p in self.pulls if owners[p.number] == branch]
            if branch or pulls:
                found.append(
                    self._reconciled(branch, lines.get(branch), pulls, counted, left_out_before)
                )
        return tuple(found)

    def _owner(self, pull: Landing, branches: tuple[str, ...]) -> str:
        """The branch whose reconciliation a pull request is in; "" for none of production.

        That is its base, if it is on the line of that one or of none, else the first whose line
        it is on.
        """
        holding = [b for b in branches if b in self.walks and pull.number in self.walks[b].brought]
        base = pull.onto
        if base in holding or (not holding and base in branches):
            return base
        return holding[0] if holding else ""

    def _counted(self, owners: Mapping[int, str]) -> dict[str, str]:
        """The branch at which each commit of the period is counted."""
        found: dict[str, str] = {}
        for branch, walk in self.walks.items():
            for brought in walk.brought.values():
                if owners[brought.number] == branch:
                    found |= dict.fromkeys(brought.commits, branch)
        for branch, walk in self.walks.items():
            for run in walk.runs:
                for commit in run.within(self.since, self.until):
                    found.setdefault(commit.oid, branch)
        return found

    def _reconciled(
        self,
        branch: str,
        line: BranchLine | None,
        pulls: Sequence[Landing],
        counted: Mapping[str, str],
        left_out_before: set[str],
    ) -> Reconciliation:
        walk = self.walks.get(branch)
        brought = walk.brought if walk else {}
        bypasses = bypasses_of(line) if line else ()
        ties = [
            self._matched(pull, found, walk, bypasses)
            if walk and (found := brought.get(pull.number))
            else self._unmatched(pull, branch, walk)
            for pull in sorted(pulls, key=lambda p: (p.merged_at, p.number))
        ]
        ties += [_pushed(push) for push in self.pushes if push.branch == branch]
        other: list[BranchCommit] = []
        outside: list[BranchCommit] = []
        for run in reversed(walk.runs) if walk else ():
            within = run.within(self.since, self.until)
            if run.number is not None:
                here = [c for c in within if counted[c.oid] == branch]
                other += here
                ties += self._of_another_time(run.number, here)
                continue
            outside += [
                c
                for c in run.commits
                if c not in within and c.oid not in counted and c.oid not in left_out_before
            ]
        left_out_before.update(commit.oid for commit in outside)
        ties += [self._left_out(commit) for commit in outside]
        forced = self._moves(line, ActivityKind.FORCE_PUSH)
        ties += [self._forced(move, line, walk) for move in forced]
        ties += [self._made(made) for made in self._moves(line, ActivityKind.CREATION)]
        deleted = self._moves(line, ActivityKind.DELETION)
        ties += [self._deleted(gone, line, walk) for gone in deleted]
        ties += [self._rewritten(move) for move in self._rewritten_pushes(line, walk)]
        matched = [tie for tie in ties if tie.kind is TieKind.MATCHED]
        mine = {oid for tie in matched for oid in tie.commits}
        merges = {tie.commits[0] for tie in matched}
        pushes = [push for push in self.pushes if push.branch == branch]
        pushed = sum(len(push.commits) for push in pushes)
        here_in_all = {oid for found in brought.values() for oid in found.commits}
        for run in walk.runs if walk else ():
            here_in_all.update(c.oid for c in run.within(self.since, self.until))
        return Reconciliation(
            repository=self.repository.name,
            branch=branch,
            read_from=line.read_from if line else (),
            pull_requests=len(pulls),
            matched=len(matched),
            matched_by={
                by: number for by in Match if (number := sum(tie.by is by for tie in matched))
            },
            pull_requests_only=len(pulls) - len(matched),
            commits=len(here_in_all),
            merges=len(merges),
            further=len(mine - merges),
            pushed=pushed,
            direct_pushes=len(pushes),
            other_period=len(other),
            elsewhere=sum(counted[oid] != branch for oid in here_in_all),
            left_out=len(outside),
            force_pushes=len(forced),
            activity=_known_activity(line) if line and line.stretches else "",
            unknown=tuple(_unknown(line)) if line else (),
            open_ends=_open_ends(line, walk) if line and walk else (),
            ties=tuple(ties),
        )

    def _matched(
        self, pull: Landing, found: Brought, walk: Walk, bypasses: Sequence[RuleBypass]
    ) -> Tie:
        said = [_manner(pull, found)]
        if (move := walk.arrived.get(found.commits[0])) is not None:
            said.append(f"not merged by GitHub: {_move(move)}")
        said += [_bypass(b) for b in bypasses if b.after == found.commits[0]]
        return Tie(
            TieKind.MATCHED,
            f"{pull.repository}#{pull.number}",
            pull.url,
            pull.merged_at,
            found.commits,
            found.by,
            "; ".join(said),
            move is not None,
        )

    def _unmatched(self, pull: Landing, branch: str, walk: Walk | None) -> Tie:
        base, oid = pull.onto, merge_oid(pull)
        if not branch:
            why = f"it merged into {base}, which is no production branch"
        elif walk is None:
            why = f"the history of {branch} was not collected"
        elif oid is None:
            why = (
                f"GitHub names no merge commit for it, and no commit of it is on the history of"
                f" {branch}"
            )
        else:
            why = f"its merge commit {oid[:7]} is not on the first-parent history of {branch}"
        return Tie(
            TieKind.PULL_REQUEST_ONLY,
            f"{pull.repository}#{pull.number}",
            pull.url,
            pull.merged_at,
            (),
            None,
            why,
        )

    def _of_another_time(self, number: int, commits: Sequence[BranchCommit]) -> list[Tie]:
        if not commits:
            return []
        name = self.repository.name
        oids = tuple(commit.oid for commit in reversed(commits))
        why = "GitHub says that it brought them, and it did not merge in the period"
        url = f"{self.repository.url}/pull/{number}"
        return [Tie(TieKind.OTHER_PERIOD, f"{name}#{number}", url, None, oids, None, why)]

    def _left_out(self, commit: BranchCommit) -> Tie:
        at = commit.committer.at
        dated = f" ({at:%Y-%m-%dT%H:%M:%SZ})" if at else ""
        why = f"dated outside the period by its committer{dated}, which nothing of GitHub's bounds"
        id_ = f"{self.repository.name}@{commit.oid[:12]}"
        return Tie(TieKind.LEFT_OUT, id_, commit.url, None, (commit.oid,), None, why)

    def _moves(self, line: BranchLine | None, kind: ActivityKind) -> tuple[Activity, ...]:
        """What was done to a branch in the period, of one kind, the oldest first."""
        ends = line.activity.ends if line else ()
        done = [
            *(moves_of(line) if line else ()),
            *(() if isinstance(ends, Unavailable) else ends),
        ]
        found = (each for each in done if each.kind is kind and self.since <= each.at < self.until)
        return tuple(sorted(found, key=lambda each: (each.at, each.id)))

    def _rewritten_pushes(self, line: BranchLine | None, walk: Walk | None) -> list[Activity]:
        """The pushes of the period that left nothing on the history, where all of it is known."""
        if line is None or walk is None or line.missing or _open_ends(line, walk):
            return []
        pushed = self._moves(line, ActivityKind.PUSH)
        return [move for move in pushed if move.after not in walk.on_line]

    def _rewritten(self, move: Activity) -> Tie:
        return Tie(
            TieKind.REWRITTEN,
            f"{self.repository.name}@{move.after[:12]}",
            f"{self.repository.url}/commit/{move.after}",
            move.at,
            (),
            None,
            f"{_move(move)}; it is on the history no more",
        )

    def _forced(self, move: Activity, line: BranchLine | None, walk: Walk | None) -> Tie:
        lost = not _stands(move.before, line, walk)
        why = "what stood there before is not on the history" if lost else "nothing was lost by it"
        return Tie(
            TieKind.FORCE_PUSH,
            f"{self.repository.name}@{move.after[:12]}",
            f"{self.repository.url}/compare/{move.before}...{move.after}",
            move.at,
            (move.after,) if walk and move.after in walk.on_line else (),
            None,
            f"{_move(move)}; {why}",
        )

    def _made(self, made: Activity) -> Tie:
        return Tie(
            TieKind.CREATED,
            f"{self.repository.name}@{made.after[:12]}",
            f"{self.repository.url}/commit/{made.after}",
            made.at,
            (),
            None,
            f"made by {name_of(made.actor)} at {made.at:%Y-%m-%dT%H:%M:%SZ}, at {made.after[:7]}",
        )

    def _deleted(self, gone: Activity, line: BranchLine | None, walk: Walk | None) -> Tie:
        lost = not _stands(gone.before, line, walk)
        why = "is not on the history" if lost else "is on the history again"
        return Tie(
            TieKind.DELETED,
            f"{self.repository.name}@{gone.before[:12]}",
            f"{self.repository.url}/commit/{gone.before}",
            gone.at,
            (),
            None,
            f"deleted by {name_of(gone.actor)} at {gone.at:%Y-%m-%dT%H:%M:%SZ}; what stood there"
            f" {why}",
        )

    # -- what is not known

    def _gaps(self) -> Iterator[str]:
        """What of the branches' lines is not known, or does not fit the merged pull requests.

        A branch that is gone has no line of its own. Where it is an earlier name of another one,
        all that merged into it is on that one's line, and nothing is missing.
        """
        for line in self.lines:
            if line.branch not in self.earlier:
                yield from self._gaps_of(line, self.walks[line.branch])
        followed = {line.branch for line in self.lines}
        for branch in self.production:
            if branch not in followed and branch not in self.earlier:
                yield f"the history of {branch} was not collected (it may be deleted)"

    def _gaps_of(self, line: BranchLine, walk: Walk) -> Iterator[str]:
        if line.missing:
            yield f"the history of {line.branch} was not collected for the whole period"
        ends = _open_ends(line, walk)
        if ends:
            why = f": {'; '.join(line.notes)}" if line.notes else ""
            yield f"the history of {line.branch} could not be followed past {ends[0][:7]}{why}"
        unknown = {
            run.number
            for run in walk.runs
            if run.number is not None and run.within(self.since, self.until)
        }
        if unknown:
            yield (
                f"{line.branch} holds commits of the period that GitHub says came with"
                f" {_numbers(sorted(unknown))}, which did not merge in the period"
            )
        forced = self._moves(line, ActivityKind.FORCE_PUSH)
        lost = [move for move in forced if not _stands(move.before, line, walk)]
        if lost:
            times = "once" if len(lost) == 1 else f"{len(lost)} times"
            yield (
                f"{line.branch} was force-pushed {times} in the period, and what stood on it before"
                f" ({', '.join(move.before[:7] for move in lost[:LISTED])}) is not on its history"
            )
        deleted = self._moves(line, ActivityKind.DELETION)
        if lost := [gone for gone in deleted if not _stands(gone.before, line, walk)]:
            yield (
                f"{line.branch} was deleted in the period, and what stood on it then"
                f" ({', '.join(gone.before[:7] for gone in lost[:LISTED])}) is not on its history"
            )
        if gone := self._rewritten_pushes(line, walk):
            yield (
                f"{len(gone)} {'push' if len(gone) == 1 else 'pushes'} to {line.branch} in the"
                " period left nothing on its history"
                f" ({', '.join(move.after[:7] for move in gone[:LISTED])})"
            )


def _stands(oid: str, line: BranchLine | None, walk: Walk | None) -> bool:
    """Whether a commit is on a branch's history, down to where that was followed to."""
    if line is None or walk is None:
        return False
    return oid in walk.on_line or any(stretch.bottom == oid for stretch in line.stretches)


def _open_ends(line: BranchLine, walk: Walk) -> tuple[str, ...]:
    """The commits at which the line breaks off, but for those that another stretch goes past."""
    given_up = (end for stretch in line.stretches for end in stretch.open_ends)
    return tuple(
        dict.fromkeys((*walk.broken, *(end for end in given_up if end not in walk.on_line)))
    )


def bypasses_of(line: BranchLine) -> tuple[RuleBypass, ...]:
    """What is known of who went past a branch's rules."""
    found = line.activity.bypasses
    return () if isinstance(found, Unavailable) else found


def _manner(pull: Landing, found: Brought) -> str:
    """How a pull request came onto the line, by the shape of its commits there."""
    number = len(found.commits)
    merge = pull.merge_commit
    if found.commits[0] in {commit.oid for commit in pull.commits}:
        return "its own commits stand there as they were"
    if found.by is Match.ASSOCIATION:
        return "GitHub associates what stands there with it"
    if merge is not None and not isinstance(merge, Unavailable) and len(merge.parents) > 1:
        return "a merge" if number == 1 else f"a merge, with {number - 1} of its commits below"
    return "one commit: a squash or a rebase" if number == 1 else f"a rebase of {number} commits"


def _pushed(push: DirectPush) -> Tie:
    known = [_move(move) for move in push.moves] + [_bypass(b) for b in push.bypasses]
    return Tie(
        TieKind.DIRECT_PUSH,
        push.id,
        push.commits[-1].url,
        push.moves[-1].at if push.moves else None,
        tuple(commit.oid for commit in reversed(push.commits)),
        None,
        "; ".join(known) or "who pushed it, and when, is not known",
    )


def _move(move: Activity) -> str:
    forced = "force-pushed" if move.kind is ActivityKind.FORCE_PUSH else "pushed"
    return f"{forced} by {name_of(move.actor)} at {move.at:%Y-%m-%dT%H:%M:%SZ}"


def _bypass(bypass: RuleBypass) -> str:
    who = bypass.actor or "somebody"
    return f"{who} bypassed the branch's rules at {bypass.at:%Y-%m-%dT%H:%M:%SZ}"


def _known_activity(line: BranchLine) -> str:
    """How far it is known who moved the branch by hand."""
    return _not_known("who pushed", line.activity.moves, line.activity.missing) or EVERY_PUSH


def _unknown(line: BranchLine) -> Iterator[str]:
    """What else is not known of who did what to a branch, for any other cause than the pushes."""
    known = line.activity
    if known == NO_ACTIVITY:
        return
    if said := _not_known("who bypassed its rules", known.bypasses, known.bypasses_missing):
        yield said
    what = "whether it was deleted or made anew"
    said = _not_known(what, known.ends, known.ends_missing)
    if line.stretches and said and said != _not_known(what, known.moves, known.missing):
        yield said


def _not_known(what: str, found: object, missing: Sequence[tuple[datetime, datetime]]) -> str:
    """Of what time, and why, something is not known of a branch; "" where it is."""
    if isinstance(found, Unavailable):
        needs = f"; the token needs {found.permission}" if found.permission else ""
        return f"{what} is not known: {found.reason}{needs}"
    if not missing:
        return ""
    spans = ", ".join(
        f"{since:%Y-%m-%dT%H:%M:%SZ} to {until:%Y-%m-%dT%H:%M:%SZ}" for since, until in missing
    )
    return f"{what} is not known from {spans}: GitHub did not look back so far"


def _left_out(number: int) -> str:
    if number == 1:
        return (
            "1 commit without one, before the first or after the last merge of the period, is left"
            " out, as dated outside the period by its committer"
        )
    return (
        f"{number} commits without one, before the first or after the last merge of the period, are"
        " left out, as dated outside the period by their committers"
    )


def _plural(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def _numbers(numbers: Sequence[int]) -> str:
    shown = ", ".join(f"#{n}" for n in numbers[:LISTED])
    return f"{shown} and {len(numbers) - LISTED} more" if len(numbers) > LISTED else shown
