"""What is suggested for a policy, and what is not."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from changeaudit.policy_draft import EXAMPLES, problem, value_of
from changeaudit.records import Unavailable
from changeaudit.suggestions import (
    LONGEST,
    MOST,
    Suggestion,
    listing,
    project_keys,
    suggest,
    unread,
    words,
)
from changeaudit.survey import (
    GitHubSurvey,
    JiraSurvey,
    Listed,
    MergedPull,
    OwnerSurvey,
    ProjectSurvey,
    RepositorySurvey,
    Status,
    TeamSurvey,
)

TEMPLATE = """\
## Summary

## Security checklist

- [ ] No secrets in the code
- [ ] Security impact: touches authentication
- [ ] No security impact

<!-- - [ ] not seen -->
"""
REFUSED = Unavailable("GitHub refuses it: no (FORBIDDEN)")


def listed(*names: str) -> Listed:
    return Listed(names, len(names))


def merged(
    title: str = "Change",
    head: str = "topic",
    base: str = "main",
    author: str = "dana",
    by_bot: bool = False,
    checks: tuple[str, ...] | Unavailable = (),
) -> MergedPull:
    return MergedPull(title, head, base, author, by_bot, checks)


def repository(name: str = "acme/payments", **changes: Any) -> RepositorySurvey:
    """A repository that shows nothing at all but what is given."""
    bare = RepositorySurvey(name, "main", listed(), (), (), "", listed(), listed(), False, ())
    return msgspec.structs.replace(bare, **changes)


def shown(*repositories: RepositorySurvey, teams: Any = ()) -> GitHubSurvey:
    return GitHubSurvey("github.test", repositories, (OwnerSurvey("acme", teams),))


def project(key: str = "PAY", types: Any = (), statuses: Any = ()) -> ProjectSurvey:
    return ProjectSurvey(key, key.title(), types, statuses)


def jira(*projects: ProjectSurvey, more: tuple[str, ...] = ()) -> JiraSurvey:
    names = ((key, key.title()) for key in (*(p.key for p in projects), *more))
    return JiraSurvey("jira.test", tuple(names), projects)


def values(github: GitHubSurvey, path: str, asked: JiraSurvey | None = None) -> tuple[str, ...]:
    found = suggest(github, asked).get(path)
    return found.values if found else ()


def test_nothing_is_suggested_of_nothing() -> None:
    assert suggest(GitHubSurvey(""), None) == {}
    assert suggest(shown(repository()), jira()) == {}
    parts = ("branches", "environments", "labels", "pulls", "templates")
    refused: dict[str, Any] = dict.fromkeys(parts, REFUSED)
    assert suggest(shown(repository(**refused), teams=REFUSED), None) == {}


# Names ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "slug", "name", "fits"),
    [
        ("security", "security", "Security", True),
        ("security", "app-sec", "AppSec", True),
        ("security", "team-7", "Product Security", True),
        ("security", "sector-9", "Sector 9", False),
        ("security", "insecurity", "Insecurity", False),
        ("qa", "qa", "QA", True),
        ("qa", "quality-assurance", "Quality", True),
        ("qa", "aqua", "Aqua", False),
        ("qa", "contesters", "Contesters", False),
        ("lead", "engineering-leads", "Engineering Leads", True),
        ("lead", "tech_lead", "x", True),
        ("lead", "misleading", "x", False),
        ("peer", "developers", "Developers", True),
        ("peer", "engineering-leads", "Engineering Leads", False),
        ("peer", "devotion", "x", False),
    ],
)
def test_teams_are_guessed_by_whole_words(role: str, slug: str, name: str, fits: bool) -> None:
    team = TeamSurvey(f"acme/{slug}", name, 3)
    assert values(shown(repository(), teams=(team,)), f"roles.{role}") == (team.slug,) * fits


def test_a_team_is_told_with_its_members_and_whose_it_is() -> None:
    teams = (TeamSurvey("acme/qa", "Quality", 1), TeamSurvey("acme/qa-web", "QA web", 4))
    found = suggest(shown(repository(), teams=teams), None)["roles.qa"]
    assert [each.note for each in found.found] == ["Quality, 1 member", "QA web, 4 members"]
    assert found.source == "the teams of acme, by name"


def test_code_owners_are_suggested_as_peers_where_there_is_a_file() -> None:
    with_file = repository(codeowners="CODEOWNERS")
    unknown = repository("acme/web", codeowners=REFUSED)
    assert values(shown(with_file, unknown), "roles.peer") == ("codeowners",)
    assert values(shown(unknown), "roles.peer") == ()


@pytest.mark.parametrize(
    ("path", "label", "fits"),
    [
        ("qa.labels", "qa-passed", True),
        ("qa.labels", "QA: approved", True),
        ("qa.labels", "tested", True),
        ("qa.labels", "needs-qa", False),
        ("qa.labels", "qa failed", False),
        ("qa.labels", "ready for QA", False),
        ("qa.labels", "untested", False),
        ("qa.labels", "in qa", False),
        ("classes.emergency.labels", "Hotfix", True),
        ("classes.emergency.labels", "emergency/sev1", True),
        ("classes.emergency.labels", "coincidental", False),
        ("security_review.labels", "type: security", True),
        ("security_review.labels", "privacy", True),
        ("security_review.labels", "second", False),
    ],
)
def test_labels_are_guessed_by_whole_words(path: str, label: str, fits: bool) -> None:
    assert values(shown(repository(labels=listed(label))), path) == (label,) * fits


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("staging", True),
        ("Staging-EU", True),
        ("e2e / staging", True),
        ("pre-prod", True),
        ("preproduction", True),
        ("QA", True),
        ("End-to-end", True),
        ("uat_2", True),
        ("production", False),
        ("unit", False),
        ("backstage", False),
        ("integration", False),
    ],
)
def test_a_test_in_staging_is_guessed_by_whole_words(name: str, fits: bool) -> None:
    as_environment = shown(repository(environments=listed(name)))
    as_check = shown(repository(pulls=(merged(checks=(name,)), merged(checks=REFUSED))))
    for github in (as_environment, as_check):
        assert values(github, "qa.staging_checks") == (name,) * fits


def test_the_check_that_ran_most_comes_first_and_is_counted() -> None:
    pulls = (merged(checks=("smoke", "e2e")), merged(checks=("e2e",)), merged())
    found = suggest(shown(repository(pulls=pulls)), None)["qa.staging_checks"]
    assert [(each.value, each.note) for each in found.found] == [
        ("e2e", "a check of 2 of the 3 pull requests that merged last"),
        ("smoke", "a check of 1 of the 3 pull requests that merged last"),
    ]


# Branches ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("production", "production"),
        ("Live", "Live"),
        ("master", "master"),
        ("release/1.2", "release/*"),
        ("releases/2026", "releases/*"),
        ("release/**/*", "release/*"),
        ("release-1.2", "release-*"),
        ("release-v3", "release-v*"),
        ("stable_4", "stable_*"),
        ("production/eu", "production/*"),
        ("release-notes", None),
        ("main-menu", None),
        ("develop", None),
        ("feature/production", None),
        ("default", None),
        ("*", None),
    ],
)
def test_branches_that_look_like_production(name: str, pattern: str | None) -> None:
    """Whether pull requests merge into one, it is protected, or it is merely there."""
    expected = ("default", pattern) if pattern else ()
    for changes in (
        {"branches": listed(name)},
        {"protected": (name,)},
        {"pulls": (merged(base=name),)},
    ):
        assert values(shown(repository(**changes)), "scope.branches") == expected


def test_the_default_branch_is_no_other_branch() -> None:
    assert values(shown(repository(branches=listed("main"))), "scope.branches") == ()
    other = repository("acme/old", default_branch="master", branches=listed("master", "live"))
    found = suggest(shown(repository(), other), None)["scope.branches"]
    assert [(each.value, each.note) for each in found.found] == [
        ("default", "the default branch: main and master"),
        ("live", "by its name"),
    ]


def test_branches_of_hotfixes_are_guessed_from_those_that_merged() -> None:
    pulls = tuple(merged(head=head) for head in ("hotfix/1", "hotfix/2", "Hot-Fix/3", "hotfixes"))
    github = shown(repository(pulls=pulls))
    assert values(github, "classes.emergency.branches") == ("hotfix/*", "Hot-Fix/*")


def test_bots_are_those_that_opened_what_merged() -> None:
    pulls = (
        merged(author="renovate[bot]", by_bot=True),
        merged(author="dependabot[bot]", by_bot=True),
        merged(author="dependabot[bot]", by_bot=True),
        merged(author="not a login", by_bot=True),
        merged(author="robot"),
    )
    found = suggest(shown(repository(pulls=pulls)), None)["classes.automated"]
    assert found.values == ("dependabot[bot]", "renovate[bot]")
    assert found.found[0].note == "2 of the 5 pull requests that merged last"


# Templates --------------------------------------------------------------------------------------


def test_a_template_tells_its_headings_and_its_security_checklist() -> None:
    found = suggest(shown(repository(templates=(TEMPLATE,))), None)
    assert {path: each.values for path, each in found.items()} == {
        "template.headings": ("Summary", "Security checklist"),
        "security_checklist.heading": ("Security checklist",),
        "security_checklist.items": (
            "No secrets in the code",
            "Security impact: touches authentication",
            "No security impact",
        ),
        "security_review.impact_items": ("Security impact: touches authentication",),
        "security_review.no_impact_items": ("No security impact",),
    }


@pytest.mark.parametrize(
    "other",
    [
        "## Something else\n",
        f"## Summary\n\n## Security checklist\n\n- [ ] {'x' * (LONGEST + 1)}\n",
        "## Security checklist\n" + "".join(f"- [ ] {n}\n" for n in range(MOST + 1)),
        "",
    ],
)
def test_half_a_checklist_is_not_suggested(other: str) -> None:
    """An item that was left out would be asked of nobody; so it is all of them, or none."""
    pair = shown(repository(templates=(TEMPLATE,)), repository("acme/web", templates=(other,)))
    alone = shown(repository(templates=(other,)))
    assert values(pair, "security_checklist.items") == ()
    assert values(alone, "security_checklist.items") == ()


def test_templates_that_agree_are_one() -> None:
    pair = shown(
        repository(templates=(TEMPLATE,)), repository("acme/web", templates=(TEMPLATE + "\n",))
    )
    assert len(values(pair, "security_checklist.items")) == 3


def test_a_heading_without_boxes_is_no_checklist() -> None:
    template = "## Security\n\nNothing to tick.\n\n## App security checks\n\n- [ ] one\n"
    found = suggest(shown(repository(templates=(template,))), None)["security_checklist.heading"]
    assert [(each.value, each.note) for each in found.found] == [("App security checks", "1 box")]


# Tickets ----------------------------------------------------------------------------------------


PULLS = (
    merged("PAY-1: Pay", "pay-1-pay"),
    merged("Fix UTF-8", "PAY-2"),
    merged("PAY-3 and OPS-4", "x"),
    merged("XPAY-3a", "fix-12_pay-5"),
    merged("A change", "feature-7"),
)


def test_keys_are_those_in_capitals_where_jira_is_not_asked() -> None:
    found = suggest(shown(repository(pulls=PULLS)), None)["tickets.jira_projects"]
    assert [(each.value, each.note[:1]) for each in found.found] == [("PAY", "4"), ("OPS", "1")]


def test_keys_are_those_that_jira_has_where_it_is_asked() -> None:
    """A branch in small letters will do then, and what Jira does not know is no key."""
    github = shown(repository(pulls=PULLS))
    found = suggest(github, jira(more=("FEATURE", "PAY", "WEB")))["tickets.jira_projects"]
    assert found.values == ("PAY", "FEATURE")
    assert found.found[0].note.startswith("Pay, 4 of the 5")
    assert found.source == "what merged last in acme/payments, and Jira at jira.test"


def test_the_keys_that_jira_is_asked_about_come_in_the_order_of_their_use() -> None:
    keys = project_keys(shown(repository(pulls=PULLS)))
    assert keys[0] == "PAY"
    assert set(keys) == {"PAY", "UTF", "OPS", "FIX", "FEATURE"}


def test_statuses_and_types_are_told_apart_by_category_and_name() -> None:
    asked = jira(
        project(
            types=("Story", "Incident", "Vulnerability"),
            statuses=(
                Status("Rejected by QA", "new"),
                Status("QA passed", "indeterminate"),
                Status("In QA", "indeterminate"),
                Status("Done", "done"),
                Status("Won't Fix", "done"),
                Status("Cancelled", "done"),
            ),
        ),
        project("OPS", REFUSED, REFUSED),
    )
    found = suggest(shown(repository()), asked)
    assert {path: each.values for path, each in found.items()} == {
        "classes.emergency.ticket_types": ("Incident",),
        "tickets.types": ("Story", "Incident", "Vulnerability"),
        "tickets.cancelled_statuses": ("Won't Fix", "Cancelled"),
        "tickets.closed_statuses": ("Done",),
        "security_review.ticket_types": ("Vulnerability",),
        "qa.ticket_statuses": ("QA passed",),
    }
    assert found["tickets.types"].source == "the projects PAY and OPS of Jira at jira.test"


# What cannot stand in a policy ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["qa " + "x" * LONGEST, "qa \ud800"])
def test_what_a_policy_cannot_hold_is_not_suggested(name: str) -> None:
    assert values(shown(repository(labels=listed(name, "qa"))), "qa.labels") == ("qa",)


def test_a_name_comes_once_and_not_too_many_come() -> None:
    labels = listed("qa", "qa", *(f"qa-{number}" for number in range(MOST + 5)))
    found = values(shown(repository(labels=labels)), "qa.labels")
    assert found[:2] == ("qa", "qa-0")
    assert len(found) == len(set(found)) == MOST


def test_whatever_is_suggested_can_stand_where_it_is_suggested() -> None:
    """And only keys are suggested that a draft shows."""
    hostile = ("qa: #1", "qa !!python/x", "- qa", "*qa", "qa\u202e", "qa'\"", "{qa: [", "qa\nx: 1")
    github = shown(
        repository(
            labels=listed(*hostile, *(f"security {each}" for each in hostile), "hotfix: #"),
            environments=listed(*hostile),
            protected=("release/x: #", "production"),
            templates=(TEMPLATE.replace("Summary", "Summary: #1 !!x"),),
            pulls=(*PULLS, merged(head="hotfix/1", author="a[bot]", by_bot=True, checks=hostile)),
            codeowners="CODEOWNERS",
        ),
        teams=tuple(
            TeamSurvey(f"acme/{slug}", "x: #\u202e", 1)
            for slug in ("security", "qa", "leads", "devs", "not a: slug qa")
        ),
    )
    found = suggest(github, jira(project(types=hostile, statuses=(Status("Done: #", "done"),))))
    assert len(found) > 15
    assert found.keys() <= EXAMPLES.keys()
    for path, suggestion in found.items():
        assert problem(path, value_of(path, suggestion.values)) == "", path


# What could not be read -------------------------------------------------------------------------


def test_what_could_not_be_read_is_said() -> None:
    github = GitHubSurvey(
        "github.test",
        (
            repository(
                protected=REFUSED,
                merge_queue=REFUSED,
                labels=Listed(("a",), 1_200),
                pulls=(merged(), merged(checks=REFUSED)),
            ),
        ),
        (OwnerSurvey("acme", REFUSED),),
    )
    reason = "could not be read: GitHub refuses it: no (FORBIDDEN)."
    assert list(unread(github, jira(project(statuses=REFUSED), project("OPS")))) == [
        f"The teams of acme {reason}",
        f"The protected branches of acme/payments {reason}",
        "The labels of acme/payments were looked at in part: 1 of 1,200.",
        f"The merge queue of acme/payments {reason}",
        f"The checks of acme/payments {reason}",
        f"The types of ticket and statuses of PAY {reason}",
    ]
    assert list(unread(shown(repository()), None)) == []


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b", "a"], "a and b"),
        (["a", "b", "c"], "a, b and c"),
        (["a", "b", "c", "d", "e"], "a, b and 3 more"),
    ],
)
def test_names_in_a_sentence(names: list[str], text: str) -> None:
    assert listing(names) == text


def test_words_are_letters_and_digits_in_small() -> None:
    assert words("QA_Passed: Ünit-2!") == "qa passed ünit 2"


def test_a_suggestion_gives_its_values() -> None:
    assert Suggestion((), "x").values == ()
