"""Overrides: which of them apply to a change, and what they make of the policy."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from builders import GONE, file, make_policy, make_pull
from changeaudit.policy import (
    EffectivePolicy,
    Member,
    PeerRole,
    Policy,
    Role,
    Settings,
    Tickets,
    lay,
)
from changeaudit.policy_file import effective_yaml, load_policy

BASE = """\
name: base
roles:
  peer: {teams: [acme/developers]}
  qa: {users: [alice]}
peer_review: {approvals: 2}
qa: {labels: [qa-passed], review: true}
"""


def policy(overrides: str, base: str = BASE) -> Policy:
    return load_policy(f"{base}overrides:\n{overrides}", "p").policy


def for_change(overrides: str, paths: Sequence[str] | None = (), **more: bool) -> EffectivePolicy:
    return policy(overrides).for_change("acme/payments", paths, **more)


REPOSITORY = "- {name: payments, repositories: [acme/pay*], set: {peer_review: {approvals: 3}}}\n"
PATHS = "- {name: migrations, paths: ['**/migrations/'], set: {peer_review: {approvals: 4}}}\n"
ONLY = "- {name: docs, only_paths: [docs/, '*.md'], set: {peer_review: {approvals: 1}}}\n"
BOTH = (
    "- {name: both, repositories: [acme/ledger], paths: ['*.sql'],"
    " set: {peer_review: {approvals: 5}}}\n"
)


def test_without_overrides_the_policy_holds() -> None:
    """Whatever is known of the files."""
    base = Policy()
    for paths in ((), ("a",), None):
        found = base.for_change("acme/payments", paths)
        assert found == EffectivePolicy(base, (), "")
        assert found.policy is base


@pytest.mark.parametrize(
    ("name", "overrides", "repository", "paths", "applied", "approvals"),
    [
        ("a repository", REPOSITORY, "acme/payments", ("a",), ("payments",), 3),
        ("a repository, no file", REPOSITORY, "acme/payments", (), ("payments",), 3),
        ("a repository, files unknown", REPOSITORY, "acme/payments", None, ("payments",), 3),
        ("another repository", REPOSITORY, "acme/ledger", ("a",), (), 2),
        ("another repository, files unknown", REPOSITORY, "acme/ledger", None, (), 2),
        ("case counts", REPOSITORY, "Acme/payments", ("a",), (), 2),
        ("a path", PATHS, "acme/x", ("a.py", "db/migrations/1.sql"), ("migrations",), 4),
        ("no such path", PATHS, "acme/x", ("a.py", "b.py"), (), 2),
        ("no file at all", PATHS, "acme/x", (), (), 2),
        ("only such paths", ONLY, "acme/x", ("docs/a", "b.md"), ("docs",), 1),
        ("such paths and another", ONLY, "acme/x", ("docs/a", "b.py"), (), 2),
        ("only such paths, no file", ONLY, "acme/x", (), (), 2),
        ("both conditions", BOTH, "acme/ledger", ("a.sql",), ("both",), 5),
        ("only the repository", BOTH, "acme/ledger", ("a.py",), (), 2),
        ("only the path", BOTH, "acme/payments", ("a.sql",), (), 2),
        (
            "later over earlier",
            REPOSITORY + PATHS,
            "acme/payments",
            ("migrations/1",),
            ("payments", "migrations"),
            4,
        ),
        (
            "the order decides",
            PATHS + REPOSITORY,
            "acme/payments",
            ("migrations/1",),
            ("migrations", "payments"),
            3,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and "{" not in value else "",
)
def test_an_override_applies(
    name: str,
    overrides: str,
    repository: str,
    paths: tuple[str, ...] | None,
    applied: tuple[str, ...],
    approvals: int,
) -> None:
    """To the changes of its repositories, and to those of which any file matches its paths."""
    found = policy(overrides).for_change(repository, paths)
    assert found.applied == applied
    assert found.policy.peer_review.approvals == approvals
    assert found.doubt == ""


def test_an_override_is_laid_over_key_by_key() -> None:
    """What it does not name stays; a list and a role are replaced as wholes."""
    found = for_change(
        "- name: x\n  repositories: ['*']\n  set:\n"
        "    qa: {labels: [tested], staging_checks: [e2e]}\n"
        "    roles: {qa: {teams: [acme/qa]}}\n"
    ).policy
    assert found.qa.labels == ("tested",)
    assert found.qa.review
    assert found.qa.staging_checks == ("e2e",)
    assert found.roles.qa == Role(teams=("acme/qa",))
    assert found.roles.peer == PeerRole(teams=("acme/developers",))
    assert found.name == "base"


def test_naming_a_role_in_an_override_ends_its_default() -> None:
    """Peers named for a repository are its only peers: write access no longer counts there."""
    text = "overrides: [{name: x, repositories: ['*'], set: {roles: {peer: {users: [bob]}}}}]"
    found = load_policy(text, "p").policy.for_change("a/b", ()).policy
    assert found.roles.peer == PeerRole(users=(Member(login="bob"),))


def test_a_default_that_is_written_out_is_set() -> None:
    """An override may take something back to the default by saying so."""
    found = for_change("- {name: x, repositories: ['*'], set: {peer_review: {approvals: 1}}}")
    assert found.policy.peer_review.approvals == 1


def test_which_tickets_count_can_be_set() -> None:
    """What they must be like, and when they must have been there."""
    found = for_change(
        "- {name: x, repositories: ['*'], set: {tickets: {types: [Bug], planned_before: merge,"
        " cancelled_statuses: [Void], closed_statuses: [Shut]}}}"
    ).policy.tickets
    assert (found.types, found.planned_before) == (("Bug",), "merge")
    assert found.places == Policy().tickets.places


def test_where_tickets_are_looked_for_can_be_set() -> None:
    """Each repository may have a tracker of its own."""
    found = for_change(
        "- {name: x, repositories: ['*'], set: {tickets: {places: [title], github_issues: false,"
        " issue_repositories: [acme/plans], jira_projects: [PAY]}}}"
    ).tickets
    assert (found.places, found.github_issues) == (("title",), False)
    assert (found.issue_repositories, found.jira_projects) == (("acme/plans",), ("PAY",))


def test_in_doubt_tickets_are_looked_for_wherever_one_may_be() -> None:
    """The places and projects of every override that may apply are added to what holds anyway."""
    base = policy(
        "- {name: sure, repositories: ['*'], set: {tickets: {jira_projects: [ALL]}}}\n"
        "- {name: one, paths: [a/], set: {tickets: {places: [title], jira_projects: [ONE]}}}\n"
        "- {name: two, only_paths: [b/], set: {tickets: {github_issues: true,"
        " places: [branch]}}}\n",
        "tickets: {places: [body], github_issues: false}\n",
    )
    found = base.for_change("acme/x", None)
    assert found.policy.tickets == Tickets(
        places=("body",), github_issues=False, jira_projects=("ALL",)
    )
    assert found.tickets.places == ("body", "title", "branch")
    assert found.tickets.jira_projects == ("ALL", "ONE")
    assert found.tickets.github_issues
    known = base.for_change("acme/x", ("c",))
    assert known.tickets is known.policy.tickets
    assert base.jira_projects == ("ALL", "ONE")


@pytest.mark.parametrize(
    ("name", "paths", "whole", "answer"),
    [
        ("all match", ("docs/a",), True, True),
        ("one does not", ("docs/a", "b"), True, False),
        ("one does not, and more are unseen", ("docs/a", "b"), False, False),
        ("all match, and more are unseen", ("docs/a",), False, None),
        ("nothing was seen", (), False, None),
        ("nothing could be read", None, True, None),
        ("there is no file", (), True, False),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_override_of_only_paths(
    name: str, paths: tuple[str, ...] | None, whole: bool, answer: bool | None
) -> None:
    """It never applies as long as a file that is not known might be another."""
    found = policy(ONLY).for_change("acme/x", paths, whole=whole)
    assert found.applied == (("docs",) if answer else ())
    assert bool(found.doubt) is (answer is None)


@pytest.mark.parametrize(
    ("paths", "whole", "answer"),
    [
        (("docs/a", "docs/api/b"), True, True),
        (("docs/a",), True, False),
        (("docs/api/b", "c"), True, False),
        (("docs/api/b",), False, None),
        (("docs/a",), False, None),
        (("c",), False, False),
        (None, True, None),
    ],
)
def test_paths_and_only_paths_must_both_hold(
    paths: tuple[str, ...] | None, whole: bool, answer: bool | None
) -> None:
    override = policy(
        "- {name: x, paths: [docs/api/], only_paths: [docs/], set: {qa: {review: false}}}"
    ).overrides[0]
    assert override.of_files(paths, whole) is answer


@pytest.mark.parametrize(
    ("facts", "applied", "doubt"),
    [
        ({"files": [file("docs/a.md")]}, True, False),
        ({"files": [file("docs/a.md"), file("b.py")]}, False, False),
        ({"files": [file("docs/a.md")], "changed_files": 2}, False, True),
        ({"files": [file("docs/a.md", "RENAMED")]}, False, True),
        ({"files": [file("b.py", "RENAMED")]}, False, False),
        ({"files": GONE}, False, True),
        ({"files": []}, False, False),
    ],
)
def test_the_policy_for_a_pull_request(facts: dict[str, Any], applied: bool, doubt: bool) -> None:
    """A cut list, and a renamed file whose earlier path is not shown, leave it open."""
    found = policy(ONLY).for_pull(make_pull(**facts))
    assert bool(found.applied) is applied
    assert bool(found.doubt) is doubt


@pytest.mark.parametrize(
    ("name", "paths", "whole", "applied", "doubt"),
    [
        ("a list that could not be read", None, True, (), True),
        ("a cut list without a match", ("a.py",), False, (), True),
        ("a cut list with a match", ("a.py", "migrations/1"), False, ("migrations",), False),
        ("a cut list of nothing", (), False, (), True),
        ("a whole list without a match", ("a.py",), True, (), False),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_was_not_seen_is_a_doubt(
    name: str, paths: tuple[str, ...] | None, whole: bool, applied: tuple[str, ...], doubt: bool
) -> None:
    """That no file matches cannot be said of files that are not all known."""
    found = policy(PATHS).for_change("acme/x", paths, whole=whole)
    assert found.applied == applied
    assert bool(found.doubt) is doubt
    if doubt:
        assert found.doubt == (
            "whether the override 'migrations' applies cannot be told: "
            "not every changed file is known"
        )
        assert found.policy.peer_review.approvals == 2


def test_several_doubts_are_named() -> None:
    """Each override that may change something, in the order of the policy."""
    found = policy(PATHS + BOTH).for_change("acme/ledger", None)
    assert found.doubt.startswith("whether the overrides 'migrations', 'both' apply cannot be told")
    assert "both" not in policy(PATHS + BOTH).for_change("acme/payments", None).doubt


@pytest.mark.parametrize(
    ("name", "overrides", "doubt"),
    [
        ("it says what holds", "- {name: x, paths: [a], set: {peer_review: {approvals: 2}}}", ""),
        (
            "a later one decides",
            "- {name: x, paths: [a], set: {peer_review: {approvals: 3}}}\n" + REPOSITORY,
            "",
        ),
        (
            "a later one decides in part",
            "- {name: x, paths: [a], set: {peer_review: {approvals: 4}, qa: {review: false}}}\n"
            + REPOSITORY,
            "'x'",
        ),
        (
            "two that cancel each other",
            "- {name: x, paths: [a], set: {peer_review: {approvals: 3}}}\n"
            "- {name: y, paths: [b], set: {peer_review: {approvals: 2}}}",
            "'x'",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and "{" not in value else "",
)
def test_a_doubt_that_changes_nothing_is_none(name: str, overrides: str, doubt: str) -> None:
    """Where it is the same whether an override applies or not, nothing is in doubt."""
    found = for_change(overrides, None).doubt
    assert (doubt in found) if doubt else found == ""


SETTINGS: list[dict[str, Any]] = [
    {"peer_review": {"approvals": 1}},
    {"peer_review": {"approvals": 3}, "qa": {"review": False}},
    {"qa": {"labels": ["x"]}},
    {"qa": {"labels": ["x"], "review": True}},
    {"roles": {"qa": {"users": ["bob"]}}},
    {"roles": {"qa": {"teams": ["acme/qa"]}, "lead": {"users": ["carol"]}}},
    {"feature_branch": {"pattern": "feature/*"}},
    {"feature_branch": {"pattern": None}},
]
SOME = st.lists(st.tuples(st.sampled_from(SETTINGS), st.booleans()), max_size=5)


@given(SOME, st.sets(st.integers(0, 4)))
def test_no_doubt_means_that_it_is_the_same_whatever_the_files_are(
    chosen: list[tuple[dict[str, Any], bool]], matching: set[int]
) -> None:
    """If nothing is in doubt, any set of files that could have been there gives the same policy."""
    overrides = [
        {
            "name": f"o{n}",
            "set": said,
            **({"paths": [f"f{n}"]} if by_path else {"repositories": ["*"]}),
        }
        for n, (said, by_path) in enumerate(chosen)
    ]
    base = load_policy(yaml.safe_dump({**yaml.safe_load(BASE), "overrides": overrides}), "p").policy
    unknown = base.for_change("a/b", None)
    real = base.for_change("a/b", [f"f{n}" for n in sorted(matching)])
    assert real.doubt == ""
    if not unknown.doubt:
        assert unknown.policy.model_dump() == real.policy.model_dump()


@given(SOME)
def test_applying_is_laying_one_after_the_other(chosen: list[tuple[dict[str, Any], bool]]) -> None:
    """The effective policy is the file that one would have written by hand."""
    overrides = [
        {"name": f"o{n}", "repositories": ["*"], "set": said} for n, (said, _) in enumerate(chosen)
    ]
    plain = yaml.safe_load(BASE)
    by_hand = plain
    for said, _ in chosen:
        by_hand = lay(said, by_hand)
    base = load_policy(yaml.safe_dump({**plain, "overrides": overrides}), "p").policy
    expected = load_policy(yaml.safe_dump({**by_hand, "overrides": overrides}), "p").policy
    assert base.for_change("a/b", ()).policy == expected


def test_an_effective_policy_is_made_once() -> None:
    """Changes to which the same overrides apply share one policy."""
    base = policy(REPOSITORY + PATHS)
    one = base.for_change("acme/payments", ("a", "migrations/1"))
    assert base.for_change("acme/paylater", ("migrations/2",)) is one
    assert base.for_change("acme/paylater", ("a",)) is not one


def test_what_is_remembered_is_no_part_of_the_policy() -> None:
    """A policy that has been asked is equal to one that has not, and a copy remembers nothing."""
    asked, fresh = policy(REPOSITORY), policy(REPOSITORY)
    assert asked.for_change("acme/payments", ()).policy.peer_review.approvals == 3
    assert asked == fresh
    assert hash(asked) == hash(fresh)
    assert asked.model_dump() == fresh.model_dump()
    for deep in (False, True):
        copied = asked.model_copy(update={"overrides": ()}, deep=deep)
        assert copied.for_change("acme/payments", ()).policy.peer_review.approvals == 2


def test_an_effective_policy_keeps_what_the_policy_says() -> None:
    """Its overrides say no more than before, so that asking it again gives the same."""
    base = policy(REPOSITORY + PATHS)
    found = base.for_change("acme/payments", ("a",)).policy
    assert found.overrides is base.overrides
    again = found.for_change("acme/payments", ("a",)).policy
    assert again == found
    assert effective_yaml(again) == effective_yaml(found)


def test_the_people_of_a_roster_stay() -> None:
    """An effective policy knows the roster's addresses, and its people where no role is set."""
    base = policy(REPOSITORY).with_people({"lead": [Member(login="erin")]}, {"e@acme.com": "erin"})
    found = base.for_change("acme/payments", ()).policy
    assert found.roles.lead.users == (Member(login="erin"),)
    assert dict(found.emails) == {"e@acme.com": "erin"}


def test_the_teams_of_overrides_are_the_policys_too() -> None:
    """Whoever collects the members of teams asks for these, each once."""
    text = (
        "roles: {peer: {teams: [acme/a]}, lead: {teams: [acme/b, acme/a]}}\n"
        "overrides:\n"
        "- {name: x, repositories: [y], set: {roles: {qa: {teams: [acme/c, acme/b]}}}}\n"
    )
    assert load_policy(text, "p").policy.teams == ("acme/a", "acme/b", "acme/c")
    assert Policy().teams == ()


def test_everything_that_is_judged_by_can_be_set() -> None:
    """What an override cannot set is what holds for all changes alike."""
    alike = set(Policy.model_fields) - set(Settings.model_fields)
    assert alike == {
        "version",
        "extends",
        "name",
        "scope",
        "classes",
        "calendar",
        "roster",
        "controls",
        "overrides",
        "waivers",
    }


def test_choosing_is_quick() -> None:
    """Ten globs against ten files take a fraction of a millisecond: nothing is made anew."""
    by_path = "- {{name: o{0}, paths: ['**/x{0}/', '*.x{0}'], set: {{qa: {{review: true}}}}}}\n"
    base = policy("".join(map(by_path.format, range(5))))
    paths = [f"src/area{number}/file{number}.py" for number in range(10)]
    base.for_change("acme/payments", paths)
    begun = time.perf_counter()
    for _ in range(1_000):
        base.for_change("acme/payments", paths)
    each = (time.perf_counter() - begun) / 1_000
    assert each < 0.001, f"{each * 1e6:.0f} µs for a change"


def test_in_doubt_the_keys_of_every_tracker_that_may_count_are_looked_for() -> None:
    policy = make_policy(
        tickets={"trackers": {"linear": ["ENG"]}},
        overrides=[
            {"name": "a", "paths": ["a/"], "set": {"tickets": {"trackers": {"linear": ["OPS"]}}}},
            {"name": "b", "paths": ["b/"], "set": {"tickets": {"trackers": {"toy": ["CHG"]}}}},
        ],
    )
    found = policy.for_change("acme/payments", None).tickets
    assert found.trackers == {"linear": ("ENG", "OPS"), "toy": ("CHG",)}
    assert found.projects == (*found.jira_projects, "ENG", "OPS", "CHG")
    assert policy.trackers == ("linear", "toy")
    assert hash(found) == hash(policy.for_change("acme/payments", None).tickets)


def test_a_parent_counts_where_the_policy_or_an_override_says_so() -> None:
    over = {"name": "a", "paths": ["a/"], "set": {"tickets": {"accept_parent": True}}}
    assert make_policy(tickets={"accept_parent": True}).accept_parent
    assert make_policy(overrides=[over]).accept_parent
    assert not make_policy().accept_parent
