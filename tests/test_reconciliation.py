"""The tie-out: merged pull requests against what stands on the branches, in rows that add up.

A small model of a repository makes histories of every kind of merge, and knows the truth of each.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import (
    GONE,
    actor,
    branch_commit,
    clock,
    commit,
    make_policy,
    make_pull,
    make_repository,
    person,
)
from changeaudit.audit import judge
from changeaudit.population import Population, build
from changeaudit.records import (
    Activity,
    ActivityKind,
    BranchActivity,
    BranchCommit,
    BranchLine,
    Commit,
    MergeCommit,
    Merged,
    PullRequest,
    RuleBypass,
    Stretch,
    Unavailable,
)
from changeaudit.verdicts import Match, Reconciliation, Tie, TieKind

SINCE, UNTIL = clock(-1000), clock(1000)
NONE = Unavailable("none were asked for")


class Model:
    """A repository in the making: the line of main, and what is true of it.

    `cloned` histories are read from a clone: every commit is known, and no association.
    """

    def __init__(self, *, cloned: bool = False) -> None:
        self.cloned = cloned
        self.made = 0
        self.line: list[str] = []
        self.commits: dict[str, BranchCommit] = {}
        self.merges: set[str] = set()
        self.pulls: list[PullRequest] = []
        self.brought: dict[int, list[str]] = {}
        self.direct: list[str] = []
        self.elsewhere: set[int] = set()
        self.moves: list[Activity] = []

    @property
    def top(self) -> str:
        return self.line[-1] if self.line else "root"

    def oid(self, kind: str) -> str:
        self.made += 1
        return f"{kind}{self.made:05}"

    def own(self, number: int) -> list[Commit]:
        """Commits of a branch that was made from what is on main now."""
        found: list[Commit] = []
        for _ in range(number):
            oid = self.oid("c")
            below = found[-1].oid if found else self.top
            found.append(commit(oid, at=self.made, parents=(below,), message=f"Work {oid}"))
        return found

    def stand(self, oid: str, *numbers: int, like: Commit | None = None, second: str = "") -> str:
        """Put a commit on top of main."""
        parents = (self.top, second) if second else (self.top,)
        found = branch_commit(oid, "lee", self.made, parents=parents, message=f"On main {oid}")
        if like is not None:
            found = msgspec.structs.replace(
                found, authors=like.authors, message=f"{like.message}\n"
            )
        self.commits[oid] = msgspec.structs.replace(
            found, pull_requests=() if self.cloned else numbers
        )
        self.line.append(oid)
        return oid

    def pull(
        self, own: list[Commit], merge: str | None, *on_line: str, base: str = "main", **facts: Any
    ) -> int:
        """A pull request that merged just now and left `merge`, with `on_line` on main."""
        number = len(self.pulls) + 1
        at = clock(self.made)
        left: MergeCommit | Unavailable | None = GONE if facts.pop("unread", False) else None
        if merge is not None:
            parents = self.commits[merge].parents if merge in self.commits else ("x",)
            left = MergeCommit(merge, parents, "https://x/m")
            self.merges.add(merge)
        found = make_pull(
            number=number,
            url=f"https://github.com/acme/payments/pull/{number}",
            commits=own,
            merge_commit=left,
            base_ref=base,
            **facts,
        )
        event = Merged(at, actor("lee"), merge, base)
        self.pulls.append(msgspec.structs.replace(found, merged_at=at, timeline=(event,)))
        if on_line:
            self.brought[number] = list(on_line)
        else:
            self.elsewhere.add(number)
        return number

    @property
    def next(self) -> int:
        return len(self.pulls) + 1

    # -- what may happen

    def merge(self, size: int) -> None:
        own = self.own(size)
        merge = self.stand(self.oid("m"), self.next, second=own[-1].oid)
        self.pull(own, merge, merge)

    def squash(self, size: int) -> None:
        own = self.own(size)
        merge = self.stand(self.oid("s"), self.next)
        self.pull(own, merge, merge)

    def rebase(self, size: int, **facts: Any) -> None:
        own = self.own(size)
        numbers = () if facts.get("from_fork") else (self.next,)
        new = [self.stand(self.oid("r"), *numbers, like=each) for each in own]
        self.pull(own, new[-1], *reversed(new), **facts)

    def fork(self, size: int) -> None:
        """GitHub associates nothing with the head of a fork."""
        self.rebase(size, from_fork=True)

    def queue(self, size: int) -> None:
        """Several pull requests that one push of the queue brought."""
        own = [self.own(1) for _ in range(size)]
        merges = [self.stand(self.oid("q"), self.next + n) for n in range(size)]
        for each, merge in zip(own, merges, strict=True):
            self.pull(each, merge, merge)

    def stacked(self, size: int) -> None:
        """One merged into the other's branch, and that one into main."""
        own = self.own(size)
        upper = self.pull(own, self.oid("s"), base="feature/lower")
        lower = [*own, *self.own(1)]
        merge = self.stand(self.oid("m"), upper, self.next, second=lower[-1].oid)
        self.pull(lower, merge, merge)

    def indirect(self, size: int) -> None:
        """Its commits were pushed to main, and GitHub marked it as merged."""
        own = self.own(size)
        new = [self.stand(each.oid, self.next, like=each) for each in own]
        named = new[-1] if size % 2 else None
        self.pull(own, named, *reversed(new), unread=size % 3 == 0)

    def contained(self, size: int) -> None:
        """Two pull requests, of which one holds the other: one merge commit merged both."""
        own = self.own(size)
        merge = self.stand(self.oid("m"), self.next, self.next + 1, second=own[-1].oid)
        self.pull(own[:1], merge, merge)
        self.pull(own, merge, merge)

    def early(self, size: int) -> None:
        """The first of its commits was pushed to main; the pull request came after it."""
        own = self.own(size)
        self.direct.append(self.stand(own[0].oid, self.next, like=own[0]))
        merge = self.stand(self.oid("s"), self.next)
        self.pull(own, merge, merge)

    def push(self, size: int) -> None:
        self.direct += [self.stand(self.oid("d")) for _ in range(size)]

    def aside(self, size: int) -> None:
        self.pull(self.own(size), self.oid("m"), base="develop")

    def force_push(self, size: int) -> None:
        """The newest commits are taken from main; what brought them is there no more."""
        before = self.top
        gone = set(self.line[-size:])
        del self.line[-size:]
        for number, oids in list(self.brought.items()):
            left = [oid for oid in oids if oid not in gone]
            if oids[0] in gone and left:
                # What is left of a rebase nothing names: it stands there without its merge.
                self.line = [oid for oid in self.line if oid not in oids]
                left = []
            if left != oids:
                del self.brought[number]
                self.elsewhere.add(number)
        self.direct = [oid for oid in self.direct if oid in self.line]
        self._chain()
        if gone:
            self.moves.append(
                Activity(
                    len(self.moves),
                    ActivityKind.FORCE_PUSH,
                    before,
                    self.top,
                    clock(self.made),
                    actor("mal"),
                )
            )

    def _chain(self) -> None:
        """Let each commit of main stand on the one below it, as after a rewrite."""
        for below, oid in zip(["root", *self.line], self.line, strict=False):
            found = self.commits[oid]
            if found.parents[0] != below:
                parents = (below, *found.parents[1:])
                self.commits[oid] = msgspec.structs.replace(found, parents=parents)

    # -- what is made of it

    def population(self, *, remembered: bool = True) -> Population:
        known = {
            oid: found
            for oid, found in self.commits.items()
            if oid in self.line and (self.cloned or oid not in self.merges)
        }
        pulls = []
        for pull in self.pulls:
            merge = pull.merge_commit
            if isinstance(merge, MergeCommit) and merge.oid in self.commits:
                merge = msgspec.structs.replace(merge, parents=self.commits[merge.oid].parents)
                pull = msgspec.structs.replace(pull, merge_commit=merge)
            pulls.append(pull)
        moves = tuple(self.moves) if remembered else NONE
        activity = BranchActivity(moves, (), NONE, ())
        stretch = Stretch(SINCE, UNTIL, self.top, "root", ())
        line = BranchLine("main", (stretch,), known, (), activity)
        return build(make_repository(), pulls, [line], {}, (), make_policy(), SINCE, UNTIL)


ACTS = (
    "merge",
    "squash",
    "rebase",
    "fork",
    "queue",
    "stacked",
    "indirect",
    "contained",
    "early",
    "push",
    "aside",
    "force_push",
)


def assert_adds_up(found: Population) -> None:
    """Each side of each branch is the sum of its parts, and no pull request is counted twice."""
    tied = found.summary.reconciliations
    assert sum(each.pull_requests for each in tied) == found.summary.merged
    for each in tied:
        assert each.pull_requests == each.matched + each.pull_requests_only
        assert each.matched == sum(each.matched_by.values()) == len(each.of(TieKind.MATCHED))
        assert each.pull_requests_only == len(each.of(TieKind.PULL_REQUEST_ONLY))
        parts = (each.merges, each.further, each.pushed, each.other_period, each.elsewhere)
        assert each.commits == sum(parts)
        assert each.pushed == sum(len(tie.commits) for tie in each.of(TieKind.DIRECT_PUSH))
        assert each.direct_pushes == len(each.of(TieKind.DIRECT_PUSH))
        assert each.left_out == len(each.of(TieKind.LEFT_OUT))
        assert each.force_pushes == len(each.of(TieKind.FORCE_PUSH))
        assert all(tie.said for tie in each.ties)
    rows = [
        tie.id
        for each in tied
        for tie in each.ties
        if tie.kind in (TieKind.MATCHED, TieKind.PULL_REQUEST_ONLY)
    ]
    assert len(rows) == len(set(rows))


@settings(max_examples=300, deadline=None)
@given(
    acts=st.lists(st.tuples(st.sampled_from(ACTS), st.integers(1, 4)), max_size=14),
    cloned=st.booleans(),
    remembered=st.booleans(),
)
def test_the_rows_are_what_happened(
    acts: list[tuple[str, int]], cloned: bool, remembered: bool
) -> None:
    """Whatever was merged, pushed or rewritten, in whatever order: each row is true, and none is
    missing. Nothing that was lost goes unsaid.
    """
    model = Model(cloned=cloned)
    for act, size in acts:
        getattr(model, act)(size)
    found = model.population(remembered=remembered)
    assert_adds_up(found)
    ties = [tie for each in found.summary.reconciliations for tie in each.ties]
    assert {
        tie.id.rpartition("#")[2]: tie.commits for tie in ties if tie.kind is TieKind.MATCHED
    } == {str(number): tuple(oids) for number, oids in model.brought.items()}
    assert {tie.id for tie in ties if tie.kind is TieKind.PULL_REQUEST_ONLY} == {
        f"acme/payments#{number}" for number in model.elsewhere
    }
    pushed = [oid for tie in ties if tie.kind is TieKind.DIRECT_PUSH for oid in tie.commits]
    assert sorted(pushed) == sorted(model.direct)
    lost = [
        pull.number
        for pull in model.pulls
        if pull.number in model.elsewhere and pull.base_ref == "main"
    ]
    rewritten = remembered and any(move.before not in model.line for move in model.moves)
    assert found.summary.complete is not (bool(lost) or rewritten)


# One at a time -----------------------------------------------------------------------------------


def main(found: Population) -> Reconciliation:
    """The reconciliation of main."""
    return next(each for each in found.summary.reconciliations if each.branch == "main")


def made(*acts: str, cloned: bool = False) -> Reconciliation:
    model = Model(cloned=cloned)
    for act in acts:
        getattr(model, act)(3)
    return main(model.population())


@pytest.mark.parametrize(
    ("act", "by", "said"),
    [
        ("merge", Match.MERGE_COMMIT, "a merge"),
        ("squash", Match.MERGE_COMMIT, "one commit: a squash or a rebase"),
        ("rebase", Match.MERGE_COMMIT, "a rebase of 3 commits"),
        ("indirect", Match.MERGE_COMMIT, "its own commits stand there as they were"),
    ],
)
def test_how_a_pull_request_came_onto_the_line_is_said(act: str, by: Match, said: str) -> None:
    (tie,) = made(act).ties
    assert (tie.kind, tie.by, tie.said) == (TieKind.MATCHED, by, said)


def on(line: BranchLine, *pulls: PullRequest, **scope: Any) -> Population:
    policy = make_policy(scope=scope) if scope else make_policy()
    return build(make_repository(), pulls, [line], {}, (), policy, SINCE, UNTIL)


def line_of(*commits: BranchCommit, **facts: Any) -> BranchLine:
    """A line of these commits, the newest first."""
    stretch = Stretch(
        SINCE, UNTIL, facts.pop("top", commits[0].oid if commits else "root"), "root", ()
    )
    known = {each.oid: each for each in commits}
    return BranchLine("main", (stretch,), known, (), **facts)


def timed(pull: PullRequest, commit_of_event: str | None) -> PullRequest:
    event = Merged(clock(0), actor("lee"), commit_of_event, pull.base_ref)
    return msgspec.structs.replace(pull, timeline=(event,), merged_at=clock(0))


def test_the_merge_on_the_timeline_tells_where_the_merge_commit_cannot_be_read() -> None:
    found = timed(make_pull(merge_commit=GONE), "m")
    (tie,) = main(on(line_of(branch_commit("m", parents=("root",))), found)).ties
    assert (tie.by, tie.commits) == (Match.MERGED_EVENT, ("m",))


def test_commits_that_were_pushed_as_they_were_tell_their_pull_request() -> None:
    own = [commit("a", parents=("root",)), commit("b", parents=("a",))]
    pushed = timed(make_pull(commits=own, merge_commit=None), None)
    line = line_of(branch_commit("b", parents=("a",)), branch_commit("a", parents=("root",)))
    (tie,) = main(on(line, pushed)).ties
    assert (tie.by, tie.commits) == (Match.OWN_COMMITS, ("b", "a"))


def test_an_association_tells_what_nothing_else_does() -> None:
    stray = timed(make_pull(merge_commit=None), None)
    line = line_of(branch_commit("a", parents=("root",), pull_requests=(12,)))
    (tie,) = main(on(line, stray)).ties
    assert (tie.by, tie.said) == (
        Match.ASSOCIATION,
        "GitHub associates what stands there with it",
    )


def test_an_association_with_a_merge_elsewhere_on_the_line_brought_nothing() -> None:
    """A commit that was pushed long before the pull request that also holds it."""
    merge = MergeCommit("m", ("d",), "https://x/m")
    line = line_of(
        branch_commit("d", parents=("e",)),
        branch_commit("e", parents=("root",), pull_requests=(12,)),
        top="m",
    )
    found = on(line, timed(make_pull(merge_commit=merge), "m"))
    assert [[c.oid for c in push.commits] for push in found.pushes] == [["e", "d"]]


def test_a_rebase_is_known_by_its_work_and_ends_where_it_ends() -> None:
    """Of the same author, date and message as a commit of the pull request, and each of these once;
    one that became empty left nothing.
    """
    own = [commit(oid, at=n, message=f"Work {n}") for n, oid in enumerate("abc")]
    below = "root"
    stood = []
    for oid, like in (("d", own[0]), ("r1", own[0]), ("r3", own[2])):
        facts = branch_commit(oid, "lee", parents=(below,), message=like.message)
        stood.append(msgspec.structs.replace(facts, authors=like.authors))
        below = oid
    merge = MergeCommit("r3", ("r1",), "https://x/m")
    pull = timed(make_pull(commits=own, merge_commit=merge), "r3")
    for known in (stood, stood[:2]):  # from a clone, and from GitHub's history
        line = line_of(*reversed(known), top="r3")
        found = on(line, pull)
        assert [[c.oid for c in push.commits] for push in found.pushes] == [["d"]]
        matched, _ = main(found).ties
        assert matched.commits == ("r3", "r1")


@pytest.mark.parametrize(
    "changes",
    [
        {"authors": ()},
        {"authors": (person("pat", 0),)},
        {"authors": (person("dana", 1),)},
        {"message": "Work of another kind"},
    ],
)
def test_other_work_is_no_part_of_a_rebase(changes: dict[str, Any]) -> None:
    own = [commit("a", at=0, message="Work"), commit("b", at=2, message="More")]
    below = msgspec.structs.replace(
        branch_commit("r1", parents=("root",), message="Work"), authors=own[0].authors
    )
    pull = timed(make_pull(commits=own, merge_commit=MergeCommit("r2", ("r1",), "u")), "r2")
    assert on(line_of(below, top="r2"), pull).pushes == ()
    other = msgspec.structs.replace(below, **changes)
    assert len(on(line_of(other, top="r2"), pull).pushes) == 1


def test_an_association_tells_the_other_commits_of_a_rebase() -> None:
    """Where the pull request's own commits could not be read; of another's it tells nothing."""
    pull = timed(make_pull(commits=GONE, merge_commit=MergeCommit("r2", ("r1",), "u")), "r2")
    for number, others in ((12, 0), (13, 1)):
        below = branch_commit("r1", parents=("root",), pull_requests=(number,))
        found = on(line_of(below, top="r2"), pull)
        assert (len(found.pushes), main(found).other_period) == (0, others)


def test_undated_work_is_not_known_again() -> None:
    nobody = msgspec.structs.replace(person(), at=None)
    own = [commit("a", message="Work", authors=(nobody,)), commit("b")]
    below = branch_commit("r1", parents=("root",), message="Work")
    below = msgspec.structs.replace(below, authors=(nobody,))
    pull = timed(make_pull(commits=own, merge_commit=MergeCommit("r2", ("r1",), "u")), "r2")
    assert len(on(line_of(below, top="r2"), pull).pushes) == 1


@pytest.mark.parametrize(
    ("facts", "line", "why"),
    [
        (
            {"base_ref": "develop"},
            line_of(),
            "it merged into develop, which is no production branch",
        ),
        ({}, line_of(), "its merge commit merge is not on the first-parent history of main"),
        ({"merge_commit": None}, line_of(), "GitHub names no merge commit for it, and no commit"),
    ],
)
def test_why_a_pull_request_is_on_no_line_is_said(
    facts: dict[str, Any], line: BranchLine, why: str
) -> None:
    found = on(line, timed(make_pull(**facts), None))
    (tie,) = [tie for each in found.summary.reconciliations for tie in each.ties]
    assert (tie.kind, tie.commits, tie.by) == (TieKind.PULL_REQUEST_ONLY, (), None)
    assert why in tie.said


def test_a_branch_without_a_line_is_said_to_have_none() -> None:
    found = build(make_repository(), [make_pull()], [], {}, (), make_policy(), SINCE, UNTIL)
    (each,) = found.summary.reconciliations
    assert (each.branch, each.commits, each.activity) == ("main", 0, "")
    assert each.ties[0].said == "the history of main was not collected"


def test_what_stands_on_two_branches_is_counted_at_one() -> None:
    """A pull request at its base, and a push at the first of them."""
    commits = (branch_commit("d", parents=("m",)),)
    merge = MergeCommit("m", ("root",), "u")
    pull = timed(make_pull(merge_commit=merge, base_ref="release/1"), "m")
    lines = [line_of(*commits), msgspec.structs.replace(line_of(*commits), branch="release/1")]
    policy = make_policy(scope={"branches": ["default", "release/*"]})
    found = build(make_repository(), [pull], lines, {}, (), policy, SINCE, UNTIL)
    assert_adds_up(found)
    first, second = found.summary.reconciliations
    assert (first.pushed, first.merges, first.elsewhere, first.commits) == (1, 0, 1, 2)
    assert (second.pushed, second.merges, second.elsewhere, second.commits) == (0, 1, 1, 2)


def test_of_another_time_and_left_out_are_rows_of_their_own() -> None:
    early = branch_commit("old", at=-2000, parents=("root",))
    other = branch_commit("x", parents=("old",), pull_requests=(99,))
    each = main(on(line_of(other, early)))
    assert [(tie.kind, tie.id) for tie in each.ties] == [
        (TieKind.LEFT_OUT, "acme/payments@old")
        if tie.kind is TieKind.LEFT_OUT
        else (TieKind.OTHER_PERIOD, "acme/payments#99")
        for tie in each.ties
    ]
    assert (each.left_out, each.other_period, each.commits) == (1, 1, 1)
    undated = msgspec.structs.replace(early, committer=msgspec.structs.replace(person(), at=None))
    assert main(on(line_of(undated))).left_out == 0


# Who moved the branch ----------------------------------------------------------------------------


def moved(after: str, before: str, at: float, by: str | None = "mal", **facts: Any) -> Activity:
    kind = facts.pop("kind", ActivityKind.PUSH)
    return Activity(facts.pop("id", 1), kind, before, after, clock(at), actor(by))


def known(
    *moves: Activity, bypasses: Any = NONE, missing: Any = (), ends: Any = ()
) -> BranchActivity:
    return BranchActivity(moves, missing, bypasses, (), ends)


def pushed_by(activity: BranchActivity, *commits: BranchCommit) -> Population:
    return on(line_of(*commits, activity=activity))


THREE = (
    branch_commit("d3", parents=("d2",)),
    branch_commit("d2", parents=("d1",)),
    branch_commit("d1", parents=("root",)),
)


def test_a_direct_push_says_who_pushed_and_when() -> None:
    moves = (moved("d3", "d1", 20, id=2), moved("d1", "root", 10, "lee", id=1))
    bypass = RuleBypass(7, "d3", clock(20), "mal")
    found = pushed_by(known(*moves, bypasses=(bypass,)), *THREE)
    (push,) = found.pushes
    assert [move.id for move in push.moves] == [1, 2]
    assert push.bypasses == (bypass,)
    (tie,) = main(found).ties
    assert tie.at == clock(20)
    assert tie.said == (
        f"pushed by lee at {clock(10):%Y-%m-%dT%H:%M:%SZ};"
        f" pushed by mal at {clock(20):%Y-%m-%dT%H:%M:%SZ};"
        f" mal bypassed the branch's rules at {clock(20):%Y-%m-%dT%H:%M:%SZ}"
    )


@pytest.mark.parametrize(
    ("at", "counted"), [(-1000, True), (-1001, False), (999, True), (1000, False)]
)
def test_the_servers_time_of_a_push_decides_whether_it_is_of_the_period(
    at: float, counted: bool
) -> None:
    """Whatever the commits say of themselves."""
    for claimed in (-5000, 0, 5000):
        commit = branch_commit("d", at=claimed, parents=("root",))
        found = pushed_by(known(moved("d", "root", at)), commit)
        assert bool(found.pushes) is counted


def test_a_push_brought_nothing_below_what_it_began_from_or_a_merge() -> None:
    merge = MergeCommit("m", ("e",), "u")
    pull = timed(make_pull(merge_commit=merge), "m")
    commits = [branch_commit("d", parents=("m",)), branch_commit("e", parents=("root",))]
    for before in ("m", "elsewhere"):
        line = line_of(*commits, activity=known(moved("d", before, 5)))
        upper = next(p for p in on(line, pull).pushes if p.commits[0].oid == "d")
        lower = next(p for p in on(line, pull).pushes if p.commits[0].oid == "e")
        assert (len(upper.moves), lower.moves) == (1, ())


def test_a_merge_that_was_a_push_is_named() -> None:
    pull = timed(make_pull(merge_commit=MergeCommit("m", ("root", "head"), "u")), "m")
    bypass = RuleBypass(7, "m", clock(0), "")
    line = line_of(top="m", activity=known(moved("m", "root", 0, None), bypasses=(bypass,)))
    (tie,) = main(on(line, pull)).ties
    assert "a merge; not merged by GitHub: pushed by " in tie.said
    assert "; somebody bypassed the branch's rules at" in tie.said
    (change,) = on(line, pull).changes
    assert change.pushed is not None
    assert change.pushed.after == "m"
    assert change.bypasses == (bypass,)


def test_who_merged_past_the_rules_stands_with_the_change() -> None:
    """Whether the branch was followed or not; of another commit it is somebody else's."""
    pull = timed(make_pull(merge_commit=MergeCommit("m", ("root", "head"), "u")), "m")
    ours, other = RuleBypass(7, "m", clock(0), "mal", "digest"), RuleBypass(8, "x", clock(0), "lee")
    activity = known(moved("x", "root", 0), bypasses=(other, ours))
    followed = line_of(top="m", activity=activity)
    for line in (followed, BranchLine("main", (), {}, (), activity)):
        (change,) = on(line, pull).changes
        assert change.bypasses == (ours,)
        assert change.pushed is None
        judged = judge(change, make_policy())
        (entry,) = [e for e in judged.timeline if "bypassed" in e.what]
        assert (entry.who, entry.at, entry.late) == ("mal", clock(0), False)
        assert "digest" in judged.evidence


def test_a_merge_that_was_pushed_is_in_its_story() -> None:
    pull = timed(make_pull(merge_commit=MergeCommit("m", ("root", "head"), "u")), "m")
    push = msgspec.structs.replace(moved("m", "root", 0), evidence="digest")
    for line in (
        line_of(top="m", activity=known(push)),
        BranchLine("main", (), {}, (), known(push)),
    ):
        (change,) = on(line, pull).changes
        judged = judge(change, make_policy())
        assert [e.who for e in judged.timeline if e.what == "merge pushed by hand, up to m"] == [
            "mal"
        ]
        assert "digest" in judged.evidence
    elsewhere = msgspec.structs.replace(line_of(top="m", activity=known(push)), branch="other")
    (change,) = on(elsewhere, pull).changes
    assert change.pushed is None


@pytest.mark.parametrize(("before", "complete"), [("gone123456", False), ("d1", True)])
def test_a_force_push_is_a_row_and_a_gap_where_something_was_lost(
    before: str, complete: bool
) -> None:
    move = moved("d3", before, 5, kind=ActivityKind.FORCE_PUSH)
    found = pushed_by(known(move), *THREE)
    each = main(found)
    assert each.force_pushes == 1
    (tie,) = each.of(TieKind.FORCE_PUSH)
    assert tie.said.startswith("force-pushed by mal at ")
    assert tie.said.endswith("nothing was lost by it" if complete else "is not on the history")
    assert tie.url.endswith(f"/compare/{before}...d3")
    assert found.summary.complete is complete
    said = "Main was force-pushed once in the period, and what stood on it before (gone123)"
    assert found.summary.completeness.startswith(said) is not complete


@pytest.mark.parametrize(
    ("before", "complete"), [("gone123456", False), ("d1", True), ("root", True)]
)
def test_a_branch_that_was_deleted_is_a_row_and_a_gap_where_something_was_lost(
    before: str, complete: bool
) -> None:
    """Down to where its history was followed: what stands at the bottom was not lost."""
    ends = (
        moved("d3", "0" * 40, 6, kind=ActivityKind.CREATION, id=2),
        moved("0" * 40, before, 5, kind=ActivityKind.DELETION, id=1),
        moved("0" * 40, "long ago", -2000, kind=ActivityKind.DELETION, id=3),
    )
    found = pushed_by(known(ends=ends), *THREE)
    each = main(found)
    (gone,) = each.of(TieKind.DELETED)
    assert gone.said.startswith("deleted by mal at ")
    assert gone.said.endswith("on the history again" if complete else "is not on the history")
    (made,) = each.of(TieKind.CREATED)
    assert made.said.endswith(", at d3")
    assert found.summary.complete is complete
    said = "Main was deleted in the period, and what stood on it then (gone123) is not on its"
    assert found.summary.completeness.startswith(said) is not complete


def test_a_branch_that_is_gone_is_a_row_and_a_gap() -> None:
    """Nothing of it was followed, and nothing merged into it."""
    gone = moved("0" * 40, "last", 5, kind=ActivityKind.DELETION)
    lost = BranchLine("release/1", (), {}, ((SINCE, UNTIL),), known(ends=(gone,)))
    policy = make_policy(scope={"branches": ["default", "release/*"]})
    lines = [line_of(*THREE), lost]
    found = build(make_repository(), [], lines, {}, (), policy, SINCE, UNTIL)
    assert not found.summary.complete
    assert "release/1 was deleted in the period, and what stood on it then (last)" in (
        found.summary.completeness.replace("Release", "release")
    )
    (each,) = [e for e in found.summary.reconciliations if e.branch == "release/1"]
    assert [tie.kind for tie in each.ties] == [TieKind.DELETED]


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        (("gone1234",), "1 push to main in the period left nothing on its history (gone123)"),
        (("x1", "x2"), "2 pushes to main in the period left nothing on its history (x1, x2)"),
        ((), ""),
    ],
)
def test_a_push_that_was_rewritten_is_a_row_and_a_gap(gone: tuple[str, ...], said: str) -> None:
    moves = [moved(oid, "d1", n, id=n) for n, oid in enumerate(("d3", *gone))]
    early = moved("long ago", "d1", -2000, id=99)
    found = pushed_by(known(*moves, early), *THREE)
    assert found.summary.complete is not bool(gone)
    assert found.summary.completeness.startswith(said)
    ties = main(found).of(TieKind.REWRITTEN)
    assert [tie.at for tie in ties] == [clock(n) for n in range(1, len(gone) + 1)]
    assert all(tie.said.endswith("; it is on the history no more") for tie in ties)


def test_where_the_history_is_not_whole_no_push_is_taken_to_be_rewritten() -> None:
    """It may stand where nothing is known."""
    activity = known(moved("elsewhere", "d1", 5))
    unknown: tuple[dict[str, Any], ...] = ({"missing": ((SINCE, UNTIL),)}, {"commits": {}})
    for facts in unknown:
        line = msgspec.structs.replace(line_of(*THREE, activity=activity), **facts)
        assert main(on(line)).of(TieKind.REWRITTEN) == ()


def test_several_force_pushes_are_counted() -> None:
    moves = [moved("d3", f"gone{n}", n, kind=ActivityKind.FORCE_PUSH, id=n) for n in (2, 1)]
    before = moved("d1", "gone", -2000, kind=ActivityKind.FORCE_PUSH)
    found = pushed_by(known(*moves, before), *THREE)
    assert "force-pushed 2 times in the period" in found.summary.completeness
    assert "(gone1, gone2)" in found.summary.completeness
    assert [tie.commits for tie in main(found).of(TieKind.FORCE_PUSH)] == [("d3",), ("d3",)]


@pytest.mark.parametrize(
    ("activity", "said"),
    [
        (known(), "every push of the period is known"),
        (
            known(missing=((SINCE, clock(0)),)),
            f"who pushed is not known from {SINCE:%Y-%m-%dT%H:%M:%SZ} to"
            f" {clock(0):%Y-%m-%dT%H:%M:%SZ}: GitHub did not look back so far",
        ),
        (
            BranchActivity(Unavailable("HTTP 403", "Contents: read"), (), NONE, ()),
            "who pushed is not known: HTTP 403; the token needs Contents: read",
        ),
        (BranchActivity(NONE, (), NONE, ()), "who pushed is not known: none were asked for"),
    ],
)
def test_how_far_it_is_known_who_pushed_is_said(activity: BranchActivity, said: str) -> None:
    assert main(pushed_by(activity, *THREE)).activity == said


# What breaks off ---------------------------------------------------------------------------------


def test_where_one_stretch_breaks_off_another_may_go_on() -> None:
    """A clone that is not whole, and what GitHub's history told."""
    shallow = Stretch(SINCE, UNTIL, "d3", "root", ("d1",))
    line = msgspec.structs.replace(line_of(*THREE), stretches=(shallow,), notes=("it is shallow",))
    assert on(line).summary.complete
    cut = {oid: c for oid, c in line.commits.items() if oid != "d1"}
    found = on(msgspec.structs.replace(line, commits=cut))
    assert main(found).open_ends == ("d1",)
    assert "could not be followed past d1: it is shallow" in found.summary.completeness


def test_rows_can_be_told_by_kind() -> None:
    each = made("merge", "push")
    (push,) = each.of(TieKind.DIRECT_PUSH)
    assert isinstance(push, Tie)
    assert len(push.commits) == 3
