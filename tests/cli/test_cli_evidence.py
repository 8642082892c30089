"""Which issues are asked for, before anything is judged."""

from __future__ import annotations

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
)
from changeaudit.cli.evidence import issues_named_by, limitations
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
    found = issues_named_by(make_repository(), [pull], policy)
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
    activity = BranchActivity(moves if known else Unavailable("HTTP 403"), (), (), ())
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
        " force-pushed it then is not known either."
    )
    assert times.startswith("Who pushed a commit directly, and when, is not recorded in it")
    assert of_branches(tied(push("d", "m"))) == []


def test_a_branch_that_was_rewritten_is_a_limitation() -> None:
    (said,) = of_branches(tied(push("d", "gone", ActivityKind.FORCE_PUSH)))
    assert said.startswith("main of acme/payments was force-pushed in the period (force-pushed by")
    assert "what reached production before and was rewritten cannot be enumerated." in said


def test_a_merge_that_was_a_push_is_a_limitation() -> None:
    said = of_branches(tied(push("m", "root")))
    assert any("shows that somebody pushed their commits: acme/payments#12." in s for s in said)
