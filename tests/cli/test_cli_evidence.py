"""Which issues are asked for, before anything is judged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from builders import (
    GONE,
    actor,
    branch_commit,
    clock,
    file,
    make_policy,
    make_pull,
    make_repository,
    ticket,
)
from changeaudit.cli import evidence
from changeaudit.cli.limitations import limitations
from changeaudit.cli.wanted import tickets_named_by
from changeaudit.population import Population, build
from changeaudit.records import (
    Activity,
    ActivityKind,
    BranchActivity,
    BranchLine,
    File,
    MergeCommit,
    Stretch,
    Unavailable,
)
from changeaudit.store import Store

ISSUES = {
    "name": "plans",
    "paths": ["plans/"],
    "set": {"tickets": {"github_issues": True, "places": ["title"]}},
}
KEY = "acme/payments#7"


@pytest.mark.parametrize(
    ("files", "asked"),
    [((file("a.py"),), False), ((file("plans/a.md"),), True), (GONE, True)],
)
def test_issues_are_asked_for_where_an_override_that_may_apply_counts_them(
    files: tuple[File, ...] | Unavailable, asked: bool
) -> None:
    """Where it is in doubt whether it applies, too: what is not asked now may be gone later."""
    policy = make_policy(tickets={"github_issues": False}, overrides=[ISSUES])
    pull = make_pull(title="Fixes #7", files=files)
    found = tickets_named_by(make_repository(), [pull], policy)
    assert found == ({KEY: clock(0)} if asked else {})


def test_an_overrides_jira_projects_are_a_limitation_too() -> None:
    """Whoever names them is told that Jira was not asked."""
    ours = {"name": "x", "repositories": ["acme/*"], "set": {"tickets": {"jira_projects": ["X1"]}}}
    without = make_policy(tickets={"jira_projects": []})
    named = make_policy(tickets={"jira_projects": []}, overrides=[ours])
    assert not any("Jira" in said for said in limitations([], without))
    assert any("Jira" in said for said in limitations([], named))


def tied(*moves: Activity, known: bool = True) -> Population:
    """A merge with a push on top of it, and what is known of who moved the branch."""
    since, until = clock(-100), clock(100)
    merged = make_pull(merge_commit=MergeCommit("m", ("root", "head"), "u"))
    activity = BranchActivity(moves if known else Unavailable("HTTP 403"), (), (), (), (), ())
    commits = {"d": branch_commit("d", parents=("m",))}
    line = BranchLine("main", (Stretch(since, until, "d", "root", ()),), commits, (), activity)
    return build(make_repository(), [merged], [line], {}, (), make_policy(), since, until)


def push(after: str, before: str, kind: ActivityKind = ActivityKind.PUSH) -> Activity:
    return Activity(1, kind, before, after, clock(1), actor("mal"))


def of_branches(population: Population) -> list[str]:
    """The limitations that speak of main, or of who pushed."""
    said = limitations([population], make_policy())
    return [each for each in said if "main of" in each or "pushed a commit" in each]


def test_what_is_not_known_of_who_pushed_is_a_limitation() -> None:
    unknown, times = sorted(of_branches(tied(known=False)))
    assert unknown == (
        "Of main of acme/payments, who pushed is not known: HTTP 403. Whether somebody"
        " force-pushed or deleted it then is not known either."
    )
    assert times.startswith("Who pushed a commit directly, and when, is not recorded in it")
    assert of_branches(tied(push("d", "m"))) == []


def on_branches(*names: str, **facts: Any) -> list[str]:
    """The limitations of branches of which everything is known but `facts`."""
    since, until = clock(-100), clock(100)
    known: dict[str, Any] = {"moves": (), "missing": (), "bypasses": (), "bypasses_missing": ()}
    activity = BranchActivity(**{**known, "ends": (), **facts})
    lines = [
        BranchLine(n, (Stretch(since, until, "m", None, ()),), {}, (), activity) for n in names
    ]
    policy = make_policy(scope={"branches": ["*"]})
    population = build(make_repository(), [], lines, {}, (), policy, since, until)
    return [each for each in limitations([population], policy) if "of acme/payments," in each]


def test_what_is_not_known_of_bypassed_rules_is_a_limitation_with_the_permission() -> None:
    """Once for all branches of which it is not known for the same reason."""
    refused = Unavailable("GitHub does not show it (HTTP 403)", "Administration: read")
    assert on_branches("main", "release", bypasses=refused) == [
        "Of main of acme/payments and release of acme/payments, who bypassed its rules is not"
        " known: GitHub does not show it (HTTP 403); the token needs Administration: read."
    ]
    assert on_branches("main") == []


def test_a_time_of_which_bypasses_are_not_known_is_a_limitation() -> None:
    (said,) = on_branches("main", bypasses_missing=((clock(-100), clock(-50)),))
    assert "who bypassed its rules is not known from 2026-" in said
    assert said.endswith("GitHub did not look back so far.")


def test_what_is_not_known_of_deletions_is_said_where_pushes_are_known() -> None:
    """Else it has the cause of theirs, and is said with them."""
    gone = Unavailable("it was not collected in time")
    assert on_branches("main", ends=gone) == [
        "Of main of acme/payments, whether it was deleted or made anew is not known: it was not"
        " collected in time."
    ]
    (said,) = on_branches("main", ends=gone, moves=gone)
    assert "Whether somebody force-pushed or deleted it then is not known either." in said


def test_a_branch_that_nobody_may_have_seen_is_a_limitation_of_patterns() -> None:
    said = "A production branch that is gone, and into which no pull request merged"
    for branches, expected in ((["default"], False), (["default", "release/*"], True)):
        policy = make_policy(scope={"branches": branches})
        assert any(each.startswith(said) for each in limitations([], policy)) is expected


@pytest.mark.parametrize(
    ("by_github", "pushed", "said"),
    [
        (True, False, False),
        (False, False, False),  # its verdicts say so
        (Unavailable("unsigned"), False, True),
        (Unavailable("unsigned"), True, False),
    ],
)
def test_merges_that_nothing_shows_to_be_githubs_are_a_limitation(
    by_github: bool | Unavailable, pushed: bool, said: bool
) -> None:
    merge = MergeCommit("m", ("root", "head"), "u", by_github=by_github)
    moves = (Activity(1, ActivityKind.PUSH, "root", "m", clock(0), actor("mal")),)
    activity = BranchActivity(moves if pushed else (), (), (), (), ())
    since, until = clock(-100), clock(100)
    line = BranchLine("main", (Stretch(since, until, "m", "root", ()),), {}, (), activity)
    policy = make_policy()
    pull = make_pull(merge_commit=merge)
    population = build(make_repository(), [pull], [line], {}, (), policy, since, until)
    start = "Merge commits of acme/payments bear no signature of GitHub's"
    found = [each for each in limitations([population], policy) if each.startswith(start)]
    assert bool(found) is said


def test_a_branch_that_was_rewritten_is_a_limitation() -> None:
    (said,) = of_branches(tied(push("d", "gone", ActivityKind.FORCE_PUSH)))
    assert said.startswith("main of acme/payments was force-pushed in the period (force-pushed by")
    assert "what reached production before and was rewritten cannot be enumerated." in said


def test_a_merge_that_was_a_push_is_a_limitation() -> None:
    said = of_branches(tied(push("m", "root")))
    assert any("shows that somebody pushed their commits: acme/payments#12." in s for s in said)


@pytest.mark.parametrize(
    ("places", "named"), [(["commits"], {"pay-5", "acme/payments#3"}), (["title"], set())]
)
def test_a_direct_push_names_tickets_by_its_messages(
    tmp_path: Path, places: list[str], named: set[str]
) -> None:
    """Where the policy looks into messages at all."""
    merged = make_pull(merge_commit=MergeCommit("m", ("root", "head"), "u"))
    pushed = branch_commit("d", parents=("m",), message="PAY-5 by hand; fixes #3")
    line = BranchLine(
        "main", (Stretch(clock(-100), clock(100), "d", "root", ()),), {"d": pushed}, ()
    )
    policy = make_policy(tickets={"places": places})
    found = build(make_repository(), [merged], [line], {}, (), policy, clock(-100), clock(100))
    with Store.open(tmp_path / "s.sqlite") as store:
        assert set(evidence.named_by_pushes(found, policy, store)) == named


def test_a_parent_that_was_not_shown_is_a_limitation_where_it_may_count() -> None:
    below = ticket("PAY-7", parent="PAY-1")
    pull = make_pull(title="PAY-7")
    for accept, said in ((True, True), (False, False)):
        policy = make_policy(tickets={"accept_parent": accept})
        of = build(
            make_repository(),
            [pull],
            [],
            {"pay-7": below, "pay-1": Unavailable("hidden")},
            (),
            policy,
            clock(-100),
            clock(100),
        )
        found = [each for each in limitations([of], policy) if "PAY-1" in each]
        assert bool(found) is said


def test_a_ticket_without_a_history_is_a_limitation() -> None:
    policy = make_policy()
    found = ticket("PAY-7", history=Unavailable("it was cut"))
    of = build(
        make_repository(),
        [make_pull(title="PAY-7")],
        [],
        {"pay-7": found},
        (),
        policy,
        clock(-100),
        clock(100),
    )
    assert "What rests on these tickets is undetermined (of their history, it was cut): PAY-7." in (
        limitations([of], policy)
    )
