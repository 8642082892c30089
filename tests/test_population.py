"""The population: what is in scope, of which class, and how the two enumerations tie out.

The histories here are written newest first, as a branch is followed: m2 is the merge commit of
pull request #2, any other name a commit that no merge left.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from builders import (
    DAY,
    GONE,
    actor,
    altered,
    base_changed,
    branch_commit,
    clock,
    commit,
    file,
    force_pushed,
    labeled,
    make_policy,
    make_pull,
    make_repository,
    person,
    team,
    ticket,
    unlabeled,
)
from changeaudit.population import Population, build, production_branches, ticket_names
from changeaudit.records import (
    Actor,
    ActorKind,
    BranchCommit,
    BranchLine,
    Commit,
    GitPerson,
    MergeCommit,
    Merged,
    PullRequest,
    Stretch,
    Ticket,
    Unavailable,
)
from changeaudit.verdicts import ChangeClass

SINCE, UNTIL = clock(-10 * DAY), clock(10 * DAY)


def pull(number: int, below: str = "root", at: float = 0, **facts: Any) -> PullRequest:
    """A pull request that merged `at` minutes from noon and left m<number> on top of `below`."""
    found = make_pull(
        **{
            "number": number,
            "url": f"https://github.com/acme/payments/pull/{number}",
            "merge_commit": MergeCommit(f"m{number}", (below,) if below else (), "https://x/m"),
            **facts,
        }
    )
    merged = Merged(clock(at), found.merged_by, f"m{number}", found.base_ref)
    timeline = found.timeline
    if not isinstance(timeline, Unavailable):
        timeline = (*(e for e in timeline if not isinstance(e, Merged)), merged)
    return msgspec.structs.replace(found, merged_at=clock(at), timeline=timeline)


def pushed(oid: str, below: str, at: float = 0, *numbers: int, **facts: Any) -> BranchCommit:
    return branch_commit(
        oid, at=at, parents=(below,) if below else (), pull_requests=numbers, **facts
    )


def line(
    top: str,
    *commits: BranchCommit,
    bottom: str | None = "root",
    branch: str = "main",
    **facts: Any,
) -> BranchLine:
    ends = Stretch(SINCE, UNTIL, top, bottom, facts.pop("open_ends", ()))
    return BranchLine(
        branch=branch,
        stretches=facts.pop("stretches", (ends,)),
        commits={c.oid: c for c in commits},
        missing=facts.pop("missing", ()),
    )


def population(
    pulls: list[PullRequest],
    *lines: BranchLine,
    policy: dict[str, Any] | None = None,
    tickets: Any = None,
    **repository: Any,
) -> Population:
    return build(
        make_repository(**repository),
        pulls,
        lines,
        tickets or {},
        (team("acme/qa", "quinn"),),
        make_policy(**(policy or {})),
        SINCE,
        UNTIL,
    )


def pushes(found: Population) -> list[list[str]]:
    """The direct pushes, each by its commits, oldest first."""
    return [[commit.oid for commit in push.commits] for push in found.pushes]


def numbers(found: Population) -> list[int]:
    return [change.pull.number for change in found.changes]


# Production branches -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("patterns", "bases", "expected"),
    [
        (["default"], ["main", "develop"], ("main",)),
        (["default"], [], ("main",)),
        (
            ["default", "release/*"],
            ["release/2", "main", "release/1"],
            ("main", "release/2", "release/1"),
        ),
        (["release/*"], ["main", "release/1"], ("release/1",)),
        (["main"], [], ("main",)),
        (["m*"], ["master"], ("main", "master")),
        (["default", "main"], ["main"], ("main",)),
    ],
)
def test_production_branches_are_the_policys(
    patterns: list[str], bases: list[str], expected: tuple[str, ...]
) -> None:
    """The default branch is one even if nothing merged into it."""
    policy = make_policy(scope={"branches": patterns})
    assert production_branches(make_repository(), bases, policy) == expected


def test_an_empty_repository_has_no_production_branch() -> None:
    assert production_branches(make_repository(default_branch=""), [], make_policy()) == ()


def test_a_branch_whose_line_was_collected_is_known_without_a_merge() -> None:
    """Pushes alone make a release branch no less a production branch."""
    found = population(
        [],
        line("p", pushed("p", "root"), branch="release/1"),
        policy={"scope": {"branches": ["release/*"]}},
    )
    assert found.summary.production_branches == ("release/1",)
    assert pushes(found) == [["p"]]


# In scope and out --------------------------------------------------------------------------------


def test_what_merged_into_production_is_in_scope() -> None:
    found = population([pull(2, "m1", at=9), pull(1)], line("m2"))
    assert numbers(found) == [1, 2]
    (one, _) = found.changes
    assert one.reached == "its base main"
    assert one.production == ("main",)
    assert one.teams[0].name == "acme/qa"
    assert found.excluded == ()
    assert found.summary.complete
    assert found.summary.completeness == (
        "On the first-parent history of a production branch: 2 of 2 merged pull requests in scope;"
        " no commits came without one."
    )


def test_what_merged_elsewhere_is_listed_with_its_reason() -> None:
    found = population([pull(1, base_ref="develop")], line("root", bottom=None, stretches=()))
    (row,) = found.excluded
    assert (row.id, row.base, row.rule) == ("acme/payments#1", "develop", "not a production branch")
    assert row.reason == "it merged into develop; production: main"
    assert (found.summary.merged, found.summary.in_scope, found.summary.excluded) == (1, 0, 1)


def test_the_base_is_that_of_the_merge() -> None:
    retargeted = pull(1, base_ref="develop", timeline=[base_changed("main", "develop", at=30)])
    assert numbers(population([retargeted])) == []
    moved = make_pull(base_ref="develop", timeline=[base_changed("main", "develop", at=30)])
    assert numbers(population([moved])) == [12]


def test_an_unread_base_is_in_scope() -> None:
    unread = make_pull(base_ref="develop", timeline=[base_changed("main", "develop", at=0)])
    everything = {"scope": {"exclude": [{"name": "all", "branches": ["*"]}]}}
    found = population([unread], policy=everything)
    assert numbers(found) == [12]
    assert found.changes[0].reached == "its base, unread"


def excluding(**rule: Any) -> dict[str, Any]:
    return {"scope": {"exclude": [{"name": "a rule", **rule}]}}


DOCS = {"files": [file("docs/a.md"), file("README.md")]}
PATHS = excluding(paths=["docs/", "*.md"])


@pytest.mark.parametrize(
    ("policy", "facts", "reason"),
    [
        (PATHS, DOCS, "all of its 2 changed files match docs/, *.md"),
        (PATHS, {"files": [file("docs/a.md"), file("src/a.py")]}, None),
        (PATHS, {**DOCS, "changed_files": 3}, None),
        (PATHS, {"files": GONE}, None),
        (PATHS, {"files": [], "changed_files": 0}, None),
        (PATHS, {"files": [file("docs/a.md", "RENAMED")]}, None),
        (excluding(repositories=["acme/pay*"]), {}, "the repository matches acme/pay*"),
        (excluding(repositories=["acme/other"]), {}, None),
        (excluding(branches=["ma*"]), {}, "its base main matches ma*"),
        (excluding(branches=["try/*"]), {}, None),
        (
            excluding(repositories=["acme/*"], branches=["main"], paths=["*.md"]),
            {"files": [file("a.md")]},
            "the repository matches acme/*; its base main matches main; its one changed file"
            " matches *.md",
        ),
        (excluding(repositories=["acme/*"], branches=["try/*"]), {}, None),
    ],
)
def test_an_exclusion_needs_all_of_its_conditions(
    policy: dict[str, Any], facts: dict[str, Any], reason: str | None
) -> None:
    """Paths that were not all seen exclude nothing: neither a cut list nor a former name."""
    found = population([pull(1, **facts)], policy=policy)
    assert [row.reason for row in found.excluded] == ([] if reason is None else [reason])
    assert len(found.changes) == (1 if reason is None else 0)
    if reason:
        assert found.excluded[0].rule == "a rule"


def test_what_was_pushed_on_to_production_is_not_excluded_by_its_base() -> None:
    """Otherwise a merge into a branch that nobody audits would hide a push to production."""
    sandbox = pull(1, base_ref="sandbox/a")
    rule = excluding(branches=["sandbox/*"])
    found = population([sandbox], line("m1"), policy=rule)
    assert numbers(found) == [1]
    assert found.changes[0].reached == "the first-parent line of main"
    both = {"scope": {**rule["scope"], "branches": ["default", "sandbox/*"]}}
    stayed = population([sandbox], line("root"), line("m1", branch="sandbox/a"), policy=both)
    assert [row.rule for row in stayed.excluded] == ["a rule"]
    lines = [line("m1"), line("m1", branch="sandbox/a")]
    assert numbers(population([sandbox], *lines, policy=both)) == [1]


def test_the_first_rule_that_fits_is_named() -> None:
    rules = [{"name": n, "branches": [b]} for n, b in (("x", "try"), ("y", "main"), ("z", "*"))]
    found = population([pull(1)], policy={"scope": {"exclude": rules}})
    assert [row.rule for row in found.excluded] == ["y"]


# Classes -----------------------------------------------------------------------------------------

CLASSES = {
    "classes": {
        "emergency": {
            "labels": ["Emergency"],
            "branches": ["hotfix/*"],
            "ticket_types": ["Incident"],
        },
        "automated": {"authors": ["renovate[bot]", "acme-ci"], "attributes": ["3"]},
    }
}
STANDARD, EMERGENCY = ChangeClass.STANDARD, ChangeClass.EMERGENCY
AUTOMATED, REVERT = ChangeClass.AUTOMATED, ChangeClass.REVERT
BY_BOT = {"commits": [commit("head", "renovate[bot]")]}
GITHUB = GitPerson("GitHub", "noreply@github.com", clock(-1), actor("web-flow"))


def by_bot(committer: GitPerson) -> Commit:
    """A commit that bears a bot as its author, as anybody's commit may."""
    return commit("head", "renovate[bot]", committer=committer)


REVERTS = {"title": 'Revert "PAY-7 Round"', "body": "Reverts acme/payments#7"}


@pytest.mark.parametrize(
    ("facts", "expected", "reason"),
    [
        ({}, STANDARD, "none of the other classes applies"),
        ({"events": [labeled("emergency", at=-9)]}, EMERGENCY, "label emergency"),
        ({"events": [labeled("other"), labeled("emergency", at=9)]}, STANDARD, "none of"),
        (
            {"events": [labeled("emergency", at=-9), unlabeled("emergency", at=-8)]},
            STANDARD,
            "none of",
        ),
        (
            {"events": [labeled("emergency", at=0)]},
            STANDARD,
            "of the label emergency: it was put on or off in the very second of the merge",
        ),
        ({"labels": GONE}, STANDARD, "which labels it had could not be read: the source did not"),
        ({"head_ref": "hotfix/a"}, EMERGENCY, "branch hotfix/a matches hotfix/*"),
        ({"title": "PAY-9 Fix"}, EMERGENCY, "ticket PAY-9 was of type incident"),
        ({"title": "PAY-8 Fix"}, STANDARD, "of which type ticket PAY-8 was could not be read"),
        ({"author": "renovate[bot]", **BY_BOT}, AUTOMATED, "opened by renovate[bot]"),
        (
            {"author": Actor(9, "renovate", ActorKind.BOT), **BY_BOT},
            AUTOMATED,
            "opened by renovate",
        ),
        ({"author": Actor(9, "renovate")}, STANDARD, "none of"),
        ({"author": "acme-ci", **BY_BOT}, AUTOMATED, "opened by acme-ci"),
        ({"author": "renovate[bot]"}, STANDARD, "head is not shown to be a bot's alone"),
        (
            {"author": "renovate[bot]", "commits": [commit("head", "renovate[bot]", "dana")]},
            STANDARD,
            "opened by renovate[bot], but commit head is not shown to be a bot's alone",
        ),
        (
            {"author": "renovate[bot]", "commits": [commit("head", None)]},
            STANDARD,
            "is not shown to be a bot's alone",
        ),
        (
            {"author": "renovate[bot]", "commits": [by_bot(person("dana"))]},
            STANDARD,
            "is not shown to be a bot's alone",
        ),
        (
            {"author": "renovate[bot]", "commits": [by_bot(person(None))]},
            STANDARD,
            "is not shown to be a bot's alone",
        ),
        (
            {"author": "renovate[bot]", "commits": [by_bot(GITHUB)]},
            AUTOMATED,
            "opened by renovate[bot]",
        ),
        (
            {"author": "renovate[bot]", "commits": [by_bot(person("acme-ci"))]},
            AUTOMATED,
            "opened by renovate[bot]",
        ),
        ({"author": "renovate[bot]", "commits": GONE}, STANDARD, "its commits could not be read"),
        (
            {"author": "renovate[bot]", **BY_BOT, "events": [force_pushed(at=-9, by="dana")]},
            STANDARD,
            "dana force-pushed the branch",
        ),
        (
            {"author": "renovate[bot]", **BY_BOT, "events": [force_pushed(at=-9, by="acme-ci")]},
            AUTOMATED,
            "opened by renovate[bot]",
        ),
        (
            {"author": "renovate[bot]", **BY_BOT, "timeline": GONE},
            STANDARD,
            "force-pushes could not be read",
        ),
        ({"author": None}, STANDARD, "none of"),
        ({"author": "renovate[bot]", "head_ref": "hotfix/a"}, EMERGENCY, "branch"),
        (REVERTS, REVERT, "reverts a change"),
        ({"title": 'Revert "x"', "head_ref": "revert-7-x"}, REVERT, "reverts a change"),
        ({"title": 'Revert "x"'}, STANDARD, "none of"),
        ({"title": "Reverting to cents"}, STANDARD, "none of"),
        ({**REVERTS, "timeline": GONE}, STANDARD, "which labels"),
    ],
)
def test_the_class_of_a_change_is_that_of_the_merge(
    facts: dict[str, Any], expected: ChangeClass, reason: str
) -> None:
    found = population(
        [pull(1, **{"title": "Round", **facts})],
        policy=CLASSES,
        tickets={"pay-9": ticket("PAY-9", type="incident"), "pay-8": GONE},
    )
    (change,) = found.changes
    assert change.class_ is expected
    assert reason in change.class_reason


@pytest.mark.parametrize(
    ("found", "expected", "reason"),
    [
        (ticket("PAY-9", type="Incident"), EMERGENCY, "PAY-9 was of type Incident at the merge"),
        (
            ticket("PAY-9", history=[altered("type", "Incident", "Bug", 9)], type="Bug"),
            EMERGENCY,
            "PAY-9 was of type Incident at the merge",
        ),
        (
            ticket("PAY-9", history=[altered("type", "Bug", "Incident", 9)], type="Incident"),
            STANDARD,
            "none of the other classes applies",
        ),
        (
            ticket("PAY-9", history=[altered("type", "Bug", "Incident", 0)], type="Incident"),
            STANDARD,
            "; ticket PAY-9 was of type Bug or Incident, which cannot be told",
        ),
        (
            ticket("PAY-9", type="Incident", history=GONE),
            STANDARD,
            "; of which type ticket PAY-9 was could not be read",
        ),
        (
            ticket("PAY-9", created=1, type="Incident"),
            STANDARD,
            "; ticket PAY-9 was not created before the merge",
        ),
        (
            ticket("PAY-9", created=0, type="Incident"),
            STANDARD,
            "; ticket PAY-9 was not created before the merge",
        ),
    ],
)
def test_an_emergency_is_known_by_the_type_that_its_ticket_had_at_the_merge(
    found: Ticket, expected: ChangeClass, reason: str
) -> None:
    """Whoever makes it one afterwards asks for no less of the change."""
    of = population([pull(1, title="PAY-9 Up")], policy=CLASSES, tickets={"pay-9": found})
    assert of.changes[0].class_ is expected
    assert reason in of.changes[0].class_reason


def test_a_change_has_the_parents_that_its_tickets_may_have_had() -> None:
    """By the history of each; what is not known of a parent is said there."""
    tickets: dict[str, Ticket | Unavailable] = {
        "pay-1": ticket("PAY-1", type="Epic"),
        "pay-9": ticket("PAY-9", parent="PAY-2", history=[altered("parent", "PAY-1", "PAY-2", 0)]),
        "pay-8": ticket("PAY-8", parent="PAY-1", history=GONE),
        "pay-7": GONE,
    }
    found = population([pull(1, title="PAY-9 PAY-8 PAY-7")], tickets=tickets)
    nine, eight, seven = found.changes[0].tickets
    assert [(each.key, each.named) for each in nine.parents] == [("PAY-1", ()), ("PAY-2", ())]
    assert nine.parents[0].found == tickets["pay-1"]
    assert nine.parents[1].found == Unavailable(
        "its tracker was not asked; collect again with this policy"
    )
    assert eight.parents == seven.parents == ()


def test_a_bots_suffix_tells_it_from_the_person_of_that_name() -> None:
    """Otherwise whoever is called renovate would be asked less of."""
    person = pull(1, author=Actor(9, "renovate"))
    assert population([person], policy=CLASSES).changes[0].class_ is STANDARD


# Tickets -----------------------------------------------------------------------------------------


def test_tickets_are_linked_with_where_they_are_named() -> None:
    found = population(
        [pull(1, title="PAY-7 and PAY-8", head_ref="feature/PAY-7")],
        tickets={"pay-7": ticket("PAY-7")},
    )
    seven, eight = found.changes[0].tickets
    assert seven.key == "PAY-7"
    assert {ref.place for ref in seven.named} == {"title", "branch"}
    assert seven.found == ticket("PAY-7")
    assert isinstance(eight.found, Unavailable)
    assert eight.found.reason == "its tracker was not asked; collect again with this policy"


def test_places_that_could_not_be_read_are_named() -> None:
    (change,) = population([pull(1, commits=GONE, closing_issues=GONE)]).changes
    assert change.unread_places == (
        "commits: the source did not answer",
        "closing_reference: the source did not answer",
    )
    only_title = {"tickets": {"places": ["title"]}}
    (change,) = population([pull(1, commits=GONE)], policy=only_title).changes
    assert change.unread_places == ()


def test_commit_messages_name_tickets_if_they_were_read() -> None:
    found = pull(1, title="x")
    view = population([found]).changes[0].at_merge
    assert ticket_names(make_repository(), found, view, make_policy()) == ()


def test_an_override_says_where_tickets_are_looked_for() -> None:
    """The keys, the places that count and those that could not be read are the override's."""
    ours = {"name": "x", "paths": ["ledger/"], "set": {"tickets": {"jira_projects": ["LED"]}}}
    policy = {"overrides": [ours], "tickets": {"places": ["title"], "jira_projects": ["PAY"]}}
    named_both: dict[str, Any] = {"title": "LED-1 and PAY-2", "commits": GONE}
    inside, outside = population(
        [
            pull(1, at=1, files=[file("ledger/a.py")], **named_both),
            pull(2, "m1", at=2, files=[file("docs/a.md")], **named_both),
        ],
        policy=policy,
    ).changes
    assert [ticket.key for ticket in inside.tickets] == ["LED-1"]
    assert [ticket.key for ticket in outside.tickets] == ["PAY-2"]
    assert inside.unread_places == outside.unread_places == ()
    wider = {**ours, "set": {"tickets": {"places": ["title", "commits"]}}}
    (change,) = population(
        [pull(1, files=[file("ledger/a.py")], **named_both)],
        policy={**policy, "overrides": [wider]},
    ).changes
    assert change.unread_places == ("commits: the source did not answer",)


@pytest.mark.parametrize("facts", [{"files": GONE}, {"files": [file("a.py")], "changed_files": 9}])
def test_in_doubt_tickets_are_looked_for_everywhere(facts: dict[str, Any]) -> None:
    """So that no tracker is left unasked; what is judged is undetermined all the same."""
    ours = {"name": "x", "paths": ["ledger/"], "set": {"tickets": {"jira_projects": ["LED"]}}}
    policy = make_policy(overrides=[ours])
    found = pull(1, title="LED-1 and PAY-2", body="Closes #3", **facts)
    view = population([found]).changes[0].at_merge
    keys = [ref.key for ref in ticket_names(make_repository(), found, view, policy)]
    assert keys == ["LED-1", "PAY-2", "acme/payments#3"]


# The branch's line -------------------------------------------------------------------------------


def test_a_merge_commit_a_squash_and_a_rebase_are_all_on_the_line() -> None:
    """Only the last commit of a rebase is the merge commit; GitHub names the others' number."""
    rebased = [pushed("r2", "r1", 5, 3), pushed("r1", "m2", 5, 3)]
    pulls = [pull(3, "r2", at=5), pull(2, "m1", at=4), pull(1, at=3)]
    found = population(pulls, line("m3", *rebased))
    assert found.summary.complete
    assert pushes(found) == []


@pytest.mark.parametrize(
    ("oid", "parents", "pushed_directly"),
    [
        ("m1", ("e", "head"), True),
        ("m1", ("e",), False),
        ("head", ("e", "x"), False),
        ("m1", ("e", "x"), True),
    ],
)
def test_below_a_true_merge_nothing_is_its_pull_requests(
    oid: str, parents: tuple[str, ...], pushed_directly: bool
) -> None:
    """A commit that was pushed to main is a direct push, though a pull request holds it too."""
    merged = pull(1, merge_commit=MergeCommit(oid, parents, "https://x/m"))
    found = population([merged], line(oid, pushed("e", "root", 0, 1)))
    assert numbers(found) == [1]
    assert pushes(found) == ([["e"]] if pushed_directly else [])


def test_a_pull_request_merged_the_other_way_round_brought_what_is_below() -> None:
    """Its head is the first parent of the merge, so that its own commits are on the line."""
    merge = MergeCommit("m1", ("head", "x"), "https://x/m")
    found = population([pull(1, merge_commit=merge)], line("m1", pushed("head", "root", 0, 1)))
    assert pushes(found) == []


def test_direct_pushes_are_grouped_between_the_merges_around_them() -> None:
    direct = [
        pushed("d3", "m2", 30),
        pushed("d2", "d1", 15),
        pushed("d1", "m1", 14),
    ]
    found = population([pull(2, "d2", at=20), pull(1, at=10)], line("d3", *direct))
    assert pushes(found) == [["d1", "d2"], ["d3"]]
    first, last = found.pushes
    assert (first.not_before, first.not_after) == (clock(10), clock(20))
    assert (last.not_before, last.not_after) == (clock(20), None)
    assert first.id == "acme/payments@d2"
    assert found.summary.direct_pushes == 2
    assert "3 commits came without one" in found.summary.completeness
    assert found.summary.complete


def test_a_rebase_splits_what_was_pushed_around_it() -> None:
    commits = [pushed("d2", "r1"), pushed("r1", "d1", 0, 1), pushed("d1", "root")]
    found = population([pull(1, merge_commit=GONE)], line("d2", *commits))
    assert pushes(found) == [["d1"], ["d2"]]
    assert numbers(found) == [1]
    assert found.summary.complete


@pytest.mark.parametrize(
    ("at", "counted"),
    [
        (-10 * DAY - 1 / 60, False),
        (-10 * DAY, True),
        (0, True),
        (10 * DAY - 1 / 60, True),
        (10 * DAY, False),
    ],
)
def test_the_period_is_half_open_for_pushes_without_a_merge_around(
    at: float, counted: bool
) -> None:
    found = population([], line("d", pushed("d", "root", at)))
    assert pushes(found) == ([["d"]] if counted else [])
    left_out = "1 commit without one" in found.summary.completeness
    assert left_out is not counted


@pytest.mark.parametrize("at", [-99 * DAY, 99 * DAY])
def test_a_commits_date_leaves_nothing_out_between_two_merges(at: float) -> None:
    """A date is its writer's word: a back-dated push between two merges is one of the period."""
    found = population([pull(2, "d", at=9), pull(1)], line("m2", pushed("d", "m1", at)))
    assert pushes(found) == [["d"]]


def test_a_date_that_no_merge_bounds_leaves_out_only_on_that_side() -> None:
    early = population([pull(1, "d")], line("m1", pushed("d", "root", 99 * DAY)))
    assert pushes(early) == [["d"]]
    late = population([pull(1)], line("d", pushed("d", "m1", -99 * DAY)))
    assert pushes(late) == [["d"]]


def test_an_undated_commit_is_counted() -> None:
    undated = pushed("d", "root")
    nobody = msgspec.structs.replace(undated.committer, at=None)
    undated = msgspec.structs.replace(undated, committer=nobody)
    assert pushes(population([], line("d", undated))) == [["d"]]


def test_what_is_left_out_is_counted_and_said() -> None:
    old = [pushed("d2", "d1", -20 * DAY), pushed("d1", "root", -21 * DAY)]
    found = population([], line("d2", *old))
    assert "2 commits without one, before the first or after the last merge" in (
        found.summary.completeness
    )
    assert found.summary.complete


def test_a_commit_on_two_branches_is_pushed_once() -> None:
    commit = pushed("d", "root")
    policy = {"scope": {"branches": ["default", "release/1"]}}
    lines = [line("d", commit), line("d", commit, branch="release/1")]
    found = population([], *lines, policy=policy)
    assert pushes(found) == [["d"]]
    assert found.pushes[0].branch == "main"


def test_a_pull_request_into_another_branch_did_not_bring_a_commit_here() -> None:
    """The commit was pushed to main; later main was merged into a release branch, and GitHub
    names that pull request for the commit."""
    release = pull(1, "x", base_ref="release/1")
    found = population([release], line("d", pushed("d", "root", 0, 1)))
    assert pushes(found) == [["d"]]
    assert numbers(found) == []


def test_a_pull_request_of_another_time_is_named_as_a_gap() -> None:
    """It may have merged in the period and be missing from the search."""
    found = population([pull(1)], line("x", pushed("x", "m1", 5, 99)))
    assert pushes(found) == []
    assert not found.summary.complete
    assert "came with #99, which did not merge in the period" in found.summary.completeness


@pytest.mark.parametrize("at", [-11 * DAY, 11 * DAY])
def test_a_pull_request_of_another_time_may_lie_outside_the_period(at: float) -> None:
    found = population([], line("x", pushed("x", "root", at, 99)))
    assert found.summary.complete
    assert pushes(found) == []


def test_a_pull_request_of_the_period_speaks_before_one_of_another_time() -> None:
    found = population([pull(1, merge_commit=None)], line("r", pushed("r", "root", 0, 99, 1)))
    assert found.summary.complete
    assert pushes(found) == []


def test_a_renamed_branch_is_known_by_its_merges() -> None:
    """What merged into it under its earlier name is in scope, rebased commits and all."""
    old = pull(2, "r1", base_ref="master")
    commits = [pushed("r1", "root", 0, 2)]
    found = population([old], line("m2", *commits))
    assert numbers(found) == [2]
    assert found.changes[0].reached == "the first-parent line of main"
    assert found.changes[0].production == ("main",)
    assert pushes(found) == []
    assert found.summary.complete


NEVER = line("", branch="master", stretches=(), missing=((SINCE, UNTIL),))
"""The line of a branch that is gone: nothing of it could be collected."""


def test_an_earlier_name_that_the_policy_lists_needs_no_line_of_its_own() -> None:
    """All that merged into it is on the line of the branch that it became."""
    both = {"scope": {"branches": ["default", "master"]}}
    old = pull(1, base_ref="master", at=-10)
    found = population([old, pull(2, "m1")], line("m2"), NEVER, policy=both)
    assert set(found.changes[0].production) == {"main", "master"}
    assert found.summary.complete
    assert "master has no history of its own and is taken for" in found.summary.completeness


def test_a_branch_that_is_gone_with_a_merge_on_no_line_is_a_gap() -> None:
    both = {"scope": {"branches": ["default", "master"]}}
    pulls = [
        pull(3, "elsewhere", base_ref="master"),
        pull(1, base_ref="master", at=-10),
        pull(2, "m1"),
    ]
    found = population(pulls, line("m2"), NEVER, policy=both)
    assert not found.summary.complete
    assert "master was not collected" in found.summary.completeness


def test_a_merge_that_is_not_on_the_line_is_a_gap() -> None:
    found = population([pull(1), pull(2, at=1), pull(3, at=2)], line("m1"))
    assert not found.summary.complete
    assert (
        "2 merged pull requests are not on the history of a production branch (#2, #3)"
        in found.summary.completeness
    )


def test_an_absent_merge_is_said_whatever_else_is_missing() -> None:
    missing = ((SINCE, clock(0)),)
    found = population([pull(1), pull(2, at=1)], line("m1", missing=missing))
    text = found.summary.completeness
    assert text.startswith("The history of main was not collected for the whole period; 1 merged")
    assert "1 merged pull request is not on the history of a production branch (#2)" in text


def test_many_absent_merges_are_counted() -> None:
    found = population([pull(n, at=n) for n in range(1, 14)], line("root", stretches=()))
    assert "#10 and 3 more" in found.summary.completeness
    found = population([pull(n, at=n) for n in range(1, 11)], line("root", stretches=()))
    assert "#9, #10)" in found.summary.completeness


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (line("m1", open_ends=("abcdefgh",)), "could not be followed past abcdefg"),
        (line("lost"), "could not be followed past lost"),
        (line("d", pushed("d", "gone")), "could not be followed past gone"),
        (line("d", pushed("d", ""), bottom="m0"), "could not be followed past d"),
        (line("m1", missing=((SINCE, UNTIL),)), "was not collected for the whole period"),
        (line("m1", branch="other"), "the history of main was not collected (it may be deleted)"),
    ],
)
def test_a_line_that_is_not_whole_is_a_gap(found: BranchLine, why: str) -> None:
    summary = population([pull(1)], found).summary
    assert not summary.complete
    assert why.casefold() in summary.completeness.casefold()


def test_a_merge_without_a_parent_breaks_the_line() -> None:
    assert not population([pull(1, "")], line("m1")).summary.complete


def test_a_line_down_to_the_root_is_whole() -> None:
    found = population([pull(1, "first")], line("m1", pushed("first", "", -99 * DAY), bottom=None))
    assert found.summary.complete
    assert pushes(found) == []


def test_a_line_that_runs_in_a_circle_ends() -> None:
    circle = [pushed("a", "b"), pushed("b", "a")]
    assert pushes(population([], line("a", *circle))) == [["b", "a"]]


def test_stretches_that_overlap_are_followed_to_their_own_ends() -> None:
    """The earlier stretch starts at the later one's first merge, which has been followed."""
    later = Stretch(clock(0), UNTIL, "m4", "m2", ())
    earlier = Stretch(SINCE, clock(0), "m3", "root", ())
    pulls = [
        pull(4, "m3", at=40),
        pull(3, "m2", at=30),
        pull(2, "d", at=-10),
        pull(1, at=-20),
    ]
    for stretches in ((later, earlier), (earlier, later)):
        whole = line("m4", pushed("d", "m1", -15), stretches=stretches)
        found = population(pulls, whole)
        assert found.summary.complete
        assert pushes(found) == [["d"]]
        assert found.pushes[0].not_before == clock(-20)
        assert found.pushes[0].not_after == clock(-10)


def test_no_change_at_all_is_said() -> None:
    found = population([], line("root"))
    assert "No change was found in the period" in found.summary.completeness
    assert found.summary.complete
