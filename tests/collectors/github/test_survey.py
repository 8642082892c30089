"""What GitHub is asked so that a policy can be proposed, and what is made of its answers."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from changeaudit.collectors.github.survey import PULLS, survey
from changeaudit.collectors.github.transport import TooHeavyError
from changeaudit.errors import CollectError
from changeaudit.records import Unavailable
from changeaudit.survey import GitHubSurvey, Listed, MergedPull, OwnerSurvey, TeamSurvey
from collectors.github.fake_github import HOST, REPOSITORY, FakeGitHub, Json, at, sliced, user

PARTS = ("branchProtectionRules", "environments", "pullRequests")


def named(*names: str) -> Json:
    return {"totalCount": len(names), "nodes": [{"name": name} for name in names]}


def merged(title: str, head: str, by: Json | None, *checks: Json) -> Json:
    return {
        "title": title,
        "headRefName": head,
        "baseRefName": "main",
        "author": by,
        "statusCheckRollup": {"contexts": {"nodes": list(checks)}} if checks else None,
    }


class Company(FakeGitHub):
    """A repository of an organisation with everything that is asked about."""

    def __init__(self) -> None:
        super().__init__(lambda: at("06-01"))
        self.teams: list[Json] | None = [
            {"combinedSlug": f"acme/{slug}", "name": slug.title(), "members": {"totalCount": n}}
            for slug, n in (("qa", 2), ("security", 1), ("web", 9))
        ]
        self.repository: Json | None = {
            "nameWithOwner": REPOSITORY,
            "owner": {"__typename": "Organization", "login": "acme"},
            "defaultBranchRef": {"name": "main"},
            "refs": named("main", "release/1"),
            "branchProtectionRules": {"nodes": [{"pattern": "release/*"}, None]},
            "rulesets": {
                "nodes": [
                    ruleset("ACTIVE", "refs/heads/live", "~DEFAULT_BRANCH", "refs/tags/v*"),
                    ruleset("DISABLED", "refs/heads/dead"),
                    {"enforcement": "ACTIVE", "conditions": {"refName": None}},
                ]
            },
            "mergeQueue": {"id": "MQ_1"},
            "pullRequestTemplates": [{"filename": "a.md", "body": "## Why"}, {"body": None}],
            "githubOwners": None,
            "rootOwners": {"id": "B_1"},
            "docsOwners": {"id": "B_2"},
            "environments": named("staging"),
            "labels": {"totalCount": 240, "nodes": [{"name": "qa-passed"}]},
            "pullRequests": {
                "nodes": [
                    merged(
                        "PAY-1 Pay", "pay-1", user("dana"), {"name": "e2e"}, {"context": "deploy"}
                    ),
                    merged("Bump", "deps", user("renovate", "Bot"), *2 * [{"name": "e2e"}]),
                    merged("Old", "old", None),
                    None,
                ]
            },
        }

    def answer_survey(self, variables: Json) -> Json:
        return {"repository": self.repository}

    def answer_survey_teams(self, variables: Json) -> Json:
        if self.teams is None:
            return {"organization": None}
        return {"organization": {"teams": sliced(self.teams, 2, variables["after"])}}


def ruleset(enforcement: str, *included: str) -> Json:
    return {"enforcement": enforcement, "conditions": {"refName": {"include": list(included)}}}


@pytest.fixture
def company() -> Company:
    return Company()


def asked(company: Company, *names: str) -> GitHubSurvey:
    return survey(company, names or (REPOSITORY,), lambda what, done, total: None)


def error(kind: str, *path: object) -> Json:
    return {"type": kind, "path": list(path), "message": "no"}


def refusing(company: Company, errors: list[Json], **changed: Any) -> None:
    """Let the survey's answer say no to something, with what is left of its data."""

    def spoil(name: str, variables: Json, data: Json) -> list[Json]:
        if name == "survey":
            data["repository"] |= changed
            return errors
        return []

    company.spoil = spoil


def test_everything_is_read_with_one_request_for_the_repository(company: Company) -> None:
    found = asked(company)
    assert company.kinds() == ["survey", "survey_teams", "survey_teams"]
    (repository,) = found.repositories
    assert msgspec.structs.asdict(repository) == {
        "name": REPOSITORY,
        "default_branch": "main",
        "branches": Listed(("main", "release/1"), 2),
        "protected": ("release/*", "live"),
        "templates": ("## Why",),
        "codeowners": "CODEOWNERS",
        "environments": Listed(("staging",), 1),
        "labels": Listed(("qa-passed",), 240),
        "merge_queue": True,
        "pulls": (
            MergedPull("PAY-1 Pay", "pay-1", "main", "dana", False, ("e2e", "deploy")),
            MergedPull("Bump", "deps", "main", "renovate[bot]", True, ("e2e",)),
            MergedPull("Old", "old", "main", "", False, ()),
        ),
    }
    assert found.host == HOST
    assert found.owners == (
        OwnerSurvey(
            "acme",
            (
                TeamSurvey("acme/qa", "Qa", 2),
                TeamSurvey("acme/security", "Security", 1),
                TeamSurvey("acme/web", "Web", 9),
            ),
        ),
    )


def test_a_repository_with_nothing_has_nothing(company: Company) -> None:
    """Not configured is not unreadable."""
    assert company.repository
    nothing = {"totalCount": 0, "nodes": []}
    company.repository |= {
        "owner": {"__typename": "User", "login": "dana"},
        "defaultBranchRef": None,
        "refs": None,
        "branchProtectionRules": {"nodes": []},
        "rulesets": None,
        "mergeQueue": None,
        "pullRequestTemplates": None,
        "rootOwners": None,
        "docsOwners": None,
        "environments": nothing,
        "labels": None,
        "pullRequests": {"nodes": None},
    }
    found = asked(company)
    (repository,) = found.repositories
    assert company.kinds() == ["survey"]
    assert found.owners == (OwnerSurvey("dana", ()),)
    values = msgspec.structs.asdict(repository)
    values.pop("name")
    assert set(values.values()) == {"", (), False, Listed((), 0)}


def test_a_name_and_an_owner_are_asked_about_once(company: Company) -> None:
    found = asked(company, REPOSITORY, "ACME/Payments")
    assert len(found.repositories) == len(found.owners) == 1
    assert company.kinds().count("survey_teams") == 2


def test_how_far_it_has_come_is_told(company: Company) -> None:
    told: list[tuple[str, int, int]] = []
    survey(company, (REPOSITORY,), lambda *said: told.append(said))
    assert told == [("repositories asked about", 1, 1)]


@pytest.mark.parametrize(
    ("field", "key"),
    [
        ("refs", "branches"),
        ("rulesets", "protected"),
        ("pullRequestTemplates", "templates"),
        ("rootOwners", "codeowners"),
        ("labels", "labels"),
        ("mergeQueue", "merge_queue"),
    ],
)
def test_what_is_refused_is_unavailable_and_the_rest_is_read(
    company: Company, field: str, key: str
) -> None:
    refusing(company, [error("FORBIDDEN", "repository", field)], **{field: None})
    (repository,) = asked(company).repositories
    values = msgspec.structs.asdict(repository)
    assert [k for k, value in values.items() if isinstance(value, Unavailable)] == [key]
    assert values[key] == Unavailable("GitHub refuses it: no (FORBIDDEN)")


@pytest.mark.parametrize(
    ("field", "key"), list(zip(PARTS, ("protected", "environments", "pulls"), strict=True))
)
def test_a_list_whose_refusal_takes_the_rest_along_is_left_out(
    company: Company, field: str, key: str
) -> None:
    """GitHub answers with no repository at all; what it shows without that list is read."""
    flag = {"branchProtectionRules": "withProtection", "pullRequests": "withPulls"}.get(
        field, "withEnvironments"
    )

    def spoil(name: str, variables: Json, data: Json) -> list[Json]:
        if name != "survey":
            return []
        if variables[flag]:
            data["repository"] = None
            return [error("FORBIDDEN", "repository", field)]
        del data["repository"][field]
        return []

    company.spoil = spoil
    (repository,) = asked(company).repositories
    assert company.kinds().count("survey") == 2
    assert repository.default_branch == "main"
    assert getattr(repository, key) == Unavailable("GitHub refuses it: no (FORBIDDEN)")


def test_checks_that_are_refused_are_unavailable_for_their_pull_request(company: Company) -> None:
    path = ("repository", "pullRequests", "nodes", 1, "statusCheckRollup")
    refusing(company, [error("FORBIDDEN", *path)])
    (repository,) = asked(company).repositories
    assert not isinstance(repository.pulls, Unavailable)
    assert [isinstance(pull.checks, Unavailable) for pull in repository.pulls] == [
        False,
        True,
        False,
    ]


def test_a_repository_that_is_not_there_is_named(company: Company) -> None:
    company.repository = None
    company.spoil = lambda name, variables, data: [error("NOT_FOUND", "repository")]
    with pytest.raises(CollectError, match="There is no repository acme/gone on "):
        asked(company, "acme/gone")


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        ([error("FORBIDDEN", "repository")], r"refuses repository acme/payments: no \(FORBIDDEN\)"),
        ([error("FORBIDDEN", "repository", "labels")], r"no \(FORBIDDEN\)"),
        ([], "it gives no reason"),
    ],
)
def test_a_repository_that_is_refused_altogether_is_an_error(
    company: Company, errors: list[Json], said: str
) -> None:
    company.repository = None
    company.spoil = lambda name, variables, data: errors
    with pytest.raises(CollectError, match=said):
        asked(company)


def test_a_list_that_is_refused_again_and_again_ends(company: Company) -> None:
    """It was left out already, so leaving it out once more would help nobody."""
    company.repository = None
    company.spoil = lambda name, variables, data: [error("FORBIDDEN", "repository", PARTS[1])]
    with pytest.raises(CollectError, match="refuses repository"):
        asked(company)
    assert company.kinds() == ["survey", "survey"]


def test_less_is_asked_for_where_it_is_too_heavy(company: Company) -> None:
    def fault(name: str, variables: Json, divisible: bool) -> None:
        if name == "survey" and variables["pulls"] > 20:
            raise TooHeavyError("HTTP 502")

    company.fault = fault
    assert asked(company).repositories
    sizes = [variables["pulls"] for name, variables in company.asked if name == "survey"]
    assert sizes == [PULLS, PULLS // 2, PULLS // 4]


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        ([error("FORBIDDEN", "organization")], "GitHub refuses them: no (FORBIDDEN)"),
        ([], "GitHub refuses them: it gives no reason"),
    ],
)
def test_teams_that_may_not_be_seen_are_unavailable(
    company: Company, errors: list[Json], said: str
) -> None:
    company.teams = None
    company.spoil = lambda name, variables, data: errors if name == "survey_teams" else []
    assert asked(company).owners[0].teams == Unavailable(said, "Members: read")


def test_a_team_that_is_hidden_is_left_out(company: Company) -> None:
    assert company.teams
    company.teams = [company.teams[0], None]  # type: ignore[list-item]
    assert asked(company).owners[0].teams == (TeamSurvey("acme/qa", "Qa", 2),)
