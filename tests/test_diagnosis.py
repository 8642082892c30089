"""What each fact means for an audit, and that what was not seen is never called ok."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from changeaudit.diagnosis import FEW_POINTS, LITTLE_SPACE, diagnose, needs
from changeaudit.policy import Policy
from changeaudit.readiness import (
    Check,
    Facts,
    GitHubFacts,
    JiraFacts,
    Limit,
    Login,
    PolicyFacts,
    Probe,
    Reach,
    RepositoryProbe,
    Status,
    StoreFacts,
    TeamProbe,
    TokenKind,
    Trouble,
)
from changeaudit.records import Unavailable
from changeaudit.survey import JiraSurvey

OK, WARNING, FAILED, NOT_CHECKED = Status
NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
PERMISSIONS = tuple(need.permission for need in needs(Policy()))
ALL = tuple(Probe(permission, 200, "no message") for permission in PERMISSIONS)
REFUSED = "Resource not accessible by personal access token"
REACH = Reach("https://api.github.com", 401, "no", True, "", NOW, NOW, NOW)
LOGIN = Login(
    TokenKind.CLASSIC,
    "GITHUB_TOKEN",
    "",
    200,
    "no message",
    account="auditor",
    scopes=("repo", "read:org"),
    limit=Limit(5000, 4000, NOW + timedelta(hours=1)),
)
PAYMENTS = RepositoryProbe("acme/payments", merged=77, check_runs=True, probes=ALL)
STORE = StoreFacts("evidence.sqlite", there=True, answers=12, free=10**12)
POLICY = PolicyFacts("policy.yaml")
STAGING = {"qa": {"staging_checks": ["e2e"]}}


@dataclass
class Asked:
    """The facts where all is well, a part of which a test replaces."""

    reach: Reach | Trouble = REACH
    login: Login | Trouble | None = LOGIN
    repositories: tuple[RepositoryProbe, ...] = (PAYMENTS,)
    teams: tuple[TeamProbe, ...] = ()
    teams_left: int = 0
    policy: PolicyFacts = POLICY
    store: StoreFacts = STORE
    jira: tuple[JiraFacts, ...] = ()
    by: Any = None
    names: tuple[str, ...] = ()

    def checks(self) -> tuple[Check, ...]:
        github = GitHubFacts(
            self.reach, self.login, 38, 3, self.repositories, self.teams, self.teams_left
        )
        facts = Facts(github, self.policy, self.store, self.jira, self.names)
        return diagnose(facts, Policy.model_validate(self.by or {}), NOW)

    def check(self, id_: str) -> Check:
        (found,) = [each for each in self.checks() if each.id == id_]
        return found


def changed(what: Any, **changes: Any) -> Any:
    return msgspec.structs.replace(what, **changes)


def told(check: Check, status: Status, *words: str) -> None:
    assert check.status is status, check
    for word in words:
        assert word in f"{check.found} {check.advice}"
    assert check.found.endswith((".", ")", "more)"))
    assert bool(check.advice) >= (status is FAILED)


def test_where_all_is_well_nothing_is_asked_of_anybody() -> None:
    found = Asked().checks()
    assert {check.status for check in found if check.id != "jira"} == {OK}
    assert [check.advice for check in found] == [""] * len(found)
    assert len({(check.about, check.id) for check in found}) == len(found)


# The API, the clock and the token ---------------------------------------------------------------


def test_an_api_that_does_not_answer() -> None:
    found = Asked(Trouble("No.", "Look."), None)
    told(found.check("api"), FAILED, "No.", "Look.")
    told(found.check("clock"), NOT_CHECKED)
    told(found.check("token"), NOT_CHECKED, "not reached")
    told(found.check("permissions"), NOT_CHECKED, "not reached")


def test_something_else_that_answers() -> None:
    found = Asked(changed(REACH, status=200, said="no message", is_api=False), None)
    told(found.check("api"), FAILED, "does not answer as GitHub's API does", "/api/v3")


def test_the_version_of_an_enterprise_server_is_told() -> None:
    told(Asked(changed(REACH, version="3.17.0")).check("api"), OK, "Enterprise Server 3.17.0")


@pytest.mark.parametrize(
    ("server", "took", "status", "said"),
    [
        (0, 0, OK, "within 30 seconds"),
        (30, 0, OK, ""),
        (31, 0, WARNING, "behind GitHub's by 31 seconds. An audit up to now leaves out"),
        (-31, 0, OK, "its second may have been about to end"),
        (-32, 0, WARNING, "ahead of GitHub's by 31 seconds. An audit up to now takes that much"),
        (40, 60, OK, "the answer may have been made at its end"),
        (-40, 60, WARNING, "ahead of GitHub's by 39 seconds"),
        (95, 60, WARNING, "behind GitHub's by 35 seconds"),
        (-600, 0, WARNING, "9 minutes"),
        (86_400, 0, WARNING, "24 hours"),
    ],
)
def test_the_clock(server: int, took: int, status: Status, said: str) -> None:
    """What the time of the answer leaves open counts for the clock."""
    reach = changed(
        REACH,
        server_at=NOW + timedelta(seconds=server),
        answered_at=NOW + timedelta(seconds=took),
    )
    found = Asked(reach).check("clock")
    assert found.status is status
    if status is WARNING:
        assert said in found.found
        assert "NTP" in found.advice


def test_a_server_that_does_not_tell_the_time() -> None:
    told(Asked(changed(REACH, server_at=None)).check("clock"), NOT_CHECKED)


@pytest.mark.parametrize(
    ("login", "status", "words"),
    [
        (Trouble("There is no GitHub token.", "Set it."), FAILED, ("no GitHub token", "Set it.")),
        (LOGIN, OK, ("GITHUB_TOKEN: classic personal access token, of auditor.",)),
        (changed(LOGIN, unused="GH_TOKEN"), OK, ("GH_TOKEN is set too and not used.",)),
        (
            changed(LOGIN, account="", status=401, said="Bad credentials"),
            FAILED,
            ("does not accept it (HTTP 401: Bad credentials)", "expired or been revoked"),
        ),
        (
            changed(LOGIN, account="", status=401, kind=TokenKind.REFRESH),
            FAILED,
            ("opens nothing by itself",),
        ),
        (changed(LOGIN, account="", status=403, limited=True), FAILED, ("used up", "GitHub App")),
        (changed(LOGIN, account="", status=403, sso="required"), FAILED, ("Configure SSO",)),
        (changed(LOGIN, account="", said="odd"), FAILED, ("refuses to say whose it is", "odd")),
    ],
)
def test_the_token(login: Login | Trouble, status: Status, words: tuple[str, ...]) -> None:
    found = Asked(login=login)
    told(found.check("token"), status, *words)
    if status is FAILED:
        told(found.check("permissions"), NOT_CHECKED, "could not be used")
        assert not [check for check in found.checks() if check.about == "acme/payments"]


@pytest.mark.parametrize("login", [None, Trouble("There is no GitHub token.")])
def test_a_repository_that_could_not_be_tried_is_said_to_be_not_checked(
    login: Trouble | None,
) -> None:
    """Nobody takes the silence about it for good news."""
    found = Asked(login=login, names=("acme/payments", "acme/web")).checks()
    tried = [(each.about, each.status) for each in found if each.id == "permissions"]
    assert tried == [("acme/payments", NOT_CHECKED), ("acme/web", NOT_CHECKED)]


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({}, OK, "names no end"),
        ({"expires_at": NOW + timedelta(days=15)}, OK, "on 2026-06-16T12:00:00Z, in 15 days."),
        ({"expires_at": NOW + timedelta(days=14)}, WARNING, "in 14 days."),
        ({"expires_at": NOW + timedelta(days=1)}, WARNING, "in 1 day."),
        ({"expires_at": NOW - timedelta(days=1)}, WARNING, "less than a day"),
        ({"kind": TokenKind.INSTALLATION, "permissions": {}}, OK, "renewed before its end"),
        ({"kind": TokenKind.INSTALLATION}, WARNING, "an hour at most"),
    ],
)
def test_the_end_of_a_token(changes: dict[str, Any], status: Status, said: str) -> None:
    told(Asked(login=changed(LOGIN, **changes)).check("token.expiry"), status, said)


TEAMS = (TeamProbe("acme/qa", 3),)


@pytest.mark.parametrize(
    ("scopes", "teams", "status", "words"),
    [
        (("repo",), (), OK, ("repo.",)),
        (("repo", "admin:org"), TEAMS, OK, ("repo, admin:org.",)),
        (("repo",), TEAMS, WARNING, ("Missing: read:org (for the policy's teams)",)),
        (("read:org",), TEAMS, WARNING, ("Missing: repo (for private repositories)",)),
        ((), (), WARNING, ("none. Missing: repo",)),
    ],
)
def test_the_scopes_of_a_classic_token(
    scopes: tuple[str, ...], teams: tuple[TeamProbe, ...], status: Status, words: tuple[str, ...]
) -> None:
    found = Asked(login=changed(LOGIN, scopes=scopes), teams=teams)
    told(found.check("token.scopes"), status, *words)


@pytest.mark.parametrize(
    ("kind", "scopes"),
    [(TokenKind.FINE_GRAINED, ()), (TokenKind.APP_USER, ()), (TokenKind.CLASSIC, None)],
)
def test_a_token_without_scopes_has_none_to_miss(
    kind: TokenKind, scopes: tuple[str, ...] | None
) -> None:
    found = Asked(login=changed(LOGIN, kind=kind, scopes=scopes)).checks()
    assert not [check for check in found if check.id == "token.scopes"]


def test_what_an_app_was_granted_is_listed() -> None:
    granted = changed(LOGIN, scopes=None, permissions={"issues": "read", "checks": "write"})
    told(Asked(login=granted).check("token.permissions"), OK, "checks: write, issues: read.")
    none = changed(granted, permissions={})
    told(Asked(login=none).check("token.permissions"), OK, "none.")


@pytest.mark.parametrize(
    ("login", "repositories", "words"),
    [
        (changed(LOGIN, sso="partial-results"), (PAYMENTS,), ("something back", "Configure SSO")),
        (LOGIN, (changed(PAYMENTS, said="no", sso="required"),), ("keeps acme/payments back",)),
        (
            changed(LOGIN, kind=TokenKind.OAUTH, sso="required"),
            (),
            ("log in again with `gh auth login`",),
        ),
    ],
)
def test_single_sign_on(
    login: Login, repositories: tuple[RepositoryProbe, ...], words: tuple[str, ...]
) -> None:
    told(Asked(login=login, repositories=repositories).check("token.sso"), FAILED, *words)


def test_the_rate_limit_is_told_in_pull_requests() -> None:
    told(
        Asked().check("rate-limit"),
        OK,
        "4,000 of 5,000 points left until 2026-06-01T13:00:00Z",
        "about 50,654 pull requests",
        "77 of acme/payments at least 9 points.",
    )
    assert "ever merged" not in Asked(repositories=()).check("rate-limit").found
    few = changed(LOGIN, limit=Limit(5000, FEW_POINTS - 1, NOW))
    told(Asked(login=few).check("rate-limit"), WARNING, "waits for the next hour")
    told(Asked(login=changed(LOGIN, limit=None)).check("rate-limit"), OK, "sets none")


# Permissions ------------------------------------------------------------------------------------


def without(permission: str, status: int = 403, said: str = REFUSED, **more: Any) -> Any:
    """The repository, one of whose permissions is refused."""
    probes = [
        Probe(permission, status, said, **more) if p.permission == permission else p for p in ALL
    ]
    return changed(PAYMENTS, check_runs=permission != "checks", probes=tuple(probes))


@pytest.mark.parametrize(
    ("permission", "by", "status"),
    [
        ("contents", {}, FAILED),
        ("pull_requests", {}, FAILED),
        ("issues", {}, FAILED),
        ("issues", {"tickets": {"github_issues": False}}, OK),
        (
            "issues",
            {
                "tickets": {"github_issues": False},
                "overrides": [
                    {
                        "name": "one",
                        "repositories": ["acme/*"],
                        "set": {"tickets": {"github_issues": True}},
                    }
                ],
            },
            FAILED,
        ),
        (
            "issues",
            {
                "tickets": {"github_issues": False},
                "overrides": [
                    {
                        "name": "one",
                        "repositories": ["acme/*"],
                        "set": {"tickets": {"jira_projects": ["PAY"]}},
                    }
                ],
            },
            OK,
        ),
        ("checks", {}, OK),
        ("checks", STAGING, FAILED),
        ("checks", {"qa": {"sign_off_checks": ["qa"]}}, FAILED),
        ("statuses", STAGING, FAILED),
        ("statuses", {}, OK),
        ("deployments", STAGING, WARNING),
        ("deployments", {}, OK),
        ("administration", {}, WARNING),
    ],
)
def test_a_permission_is_missed_as_far_as_the_policy_asks_for_it(
    permission: str, by: dict[str, Any], status: Status
) -> None:
    found = Asked(repositories=(without(permission),), by=by).check(f"permission.{permission}")
    assert found.status is status
    assert found.about == "acme/payments"
    assert ("HTTP 403" in found.found) == (status is not OK)
    assert bool(found.advice) == (status is not OK)


@pytest.mark.parametrize(
    ("probe", "status"),
    [
        ((200, "no message"), OK),
        ((409, "Git Repository is empty."), OK),
        ((410, "Issues are disabled for this repo"), OK),
        ((404, "Branch not protected"), OK),
        ((404, "Not Found"), FAILED),
        ((401, "Bad credentials"), FAILED),
        ((403, REFUSED), FAILED),
        ((422, "odd"), NOT_CHECKED),
        ((502, "no message"), NOT_CHECKED),
        ((0, "There was no answer: the connection broke."), NOT_CHECKED),
    ],
)
def test_what_an_answer_shows(probe: tuple[int, str], status: Status) -> None:
    found = Asked(repositories=(without("issues", *probe),))
    assert found.check("permission.issues").status is status


def test_a_used_up_limit_refuses_no_permission() -> None:
    found = Asked(repositories=(without("issues", 403, "slow down", limited=True),))
    told(found.check("permission.issues"), NOT_CHECKED, "rate limit is used up")


def test_what_could_not_be_tried_is_not_checked() -> None:
    empty = changed(PAYMENTS, check_runs=False, probes=ALL[:3])
    told(
        Asked(repositories=(empty,), by=STAGING).check("permission.checks"),
        NOT_CHECKED,
        "no branch to try it on",
    )


def test_graphql_has_the_last_word() -> None:
    """It is what an audit asks: what REST shows or refuses does not count against it."""
    refused = changed(PAYMENTS, check_runs=False, refused=("checks",))
    told(Asked(repositories=(refused,), by=STAGING).check("permission.checks"), FAILED)
    shown = changed(without("checks"), check_runs=True)
    assert Asked(repositories=(shown,), by=STAGING).check("permission.checks").status is OK


def test_a_fine_grained_token_is_never_sure_to_see_check_runs() -> None:
    unseen = changed(PAYMENTS, check_runs=False)
    login = changed(LOGIN, kind=TokenKind.FINE_GRAINED, scopes=None)
    told(
        Asked(login=login, repositories=(unseen,), by=STAGING).check("permission.checks"),
        WARNING,
        "no check run was shown",
        "use a GitHub App with Checks: read",
    )
    assert Asked(login=login, repositories=(unseen,)).check("permission.checks").status is OK
    assert Asked(login=login, by=STAGING).check("permission.checks").status is OK


@pytest.mark.parametrize(
    ("changes", "permission", "advice"),
    [
        ({}, "issues", "Give the token the scope repo"),
        ({"kind": TokenKind.OAUTH}, "issues", "Give the token the scope repo"),
        (
            {"kind": TokenKind.FINE_GRAINED},
            "issues",
            "the repository permission Issues: read (GitHub accepts issues=read), for this",
        ),
        ({"kind": TokenKind.FINE_GRAINED}, "checks", "GitHub shows check runs to no fine-grained"),
        (
            {"kind": TokenKind.INSTALLATION, "permissions": {}},
            "pull_requests",
            "Grant the App the repository permission Pull requests: read",
        ),
        ({"kind": TokenKind.INSTALLATION}, "pull_requests", "permissions, pull-requests: read."),
        ({"kind": TokenKind.UNKNOWN}, "issues", "Grant the token the repository permission"),
    ],
)
def test_exactly_what_to_grant(changes: dict[str, Any], permission: str, advice: str) -> None:
    repository = without(permission, accepted=f"{permission}=read")
    found = Asked(login=changed(LOGIN, **changes), repositories=(repository,), by=STAGING)
    assert advice in found.check(f"permission.{permission}").advice


def test_a_repository_that_is_not_seen() -> None:
    found = Asked(repositories=(RepositoryProbe("acme/paymnets", "No such"),))
    told(found.check("repository"), FAILED, "No such", "spelling")
    assert not [check for check in found.checks() if check.id.startswith("permission.")]


def test_without_a_repository_permissions_are_not_checked() -> None:
    told(Asked(repositories=()).check("permissions"), NOT_CHECKED, "doctor OWNER/REPO")


# Teams, policy, store, Jira ---------------------------------------------------------------------

NAMED = {"roles": {"qa": {"teams": ["acme/qa"]}}}


@pytest.mark.parametrize(
    ("team", "kind", "status", "words"),
    [
        (TeamProbe("acme/qa", 3), TokenKind.CLASSIC, OK, ("3 members.",)),
        (TeamProbe("acme/qa", 1), TokenKind.CLASSIC, OK, ("1 member.",)),
        (TeamProbe("acme/qa", 0), TokenKind.CLASSIC, WARNING, ("no members",)),
        (TeamProbe("acme/qa", Unavailable("No")), TokenKind.CLASSIC, FAILED, ("read:org", "(No)")),
        (
            TeamProbe("acme/qa", Unavailable("No")),
            TokenKind.FINE_GRAINED,
            FAILED,
            ("the organisation permission Members: read",),
        ),
    ],
)
def test_the_teams_of_the_policy(
    team: TeamProbe, kind: TokenKind, status: Status, words: tuple[str, ...]
) -> None:
    found = Asked(login=changed(LOGIN, kind=kind), teams=(team,), by=NAMED)
    told(found.check("team"), status, *words)


def test_teams_that_were_not_asked_about_are_said() -> None:
    told(Asked(teams=TEAMS, teams_left=4, by=NAMED).check("teams"), NOT_CHECKED, "4 more teams")
    told(Asked(login=Trouble("No.", "-"), by=NAMED).check("teams"), NOT_CHECKED, "names teams")


def test_the_policy() -> None:
    told(Asked().check("policy"), OK, "policy.yaml is valid.")
    gaps = PolicyFacts("policy.yaml", None, ("nobody is named as QA (5.1)", "and more (6)"))
    told(Asked(policy=gaps).check("policy"), WARNING, "QA (5.1); and more (6).", "policy check")
    wrong = PolicyFacts("", Trouble("It is not valid.", "Mend it."))
    told(Asked(policy=wrong).check("policy"), FAILED, "It is not valid.", "Mend it.")


NO_WRITE = Trouble("It cannot be written.", "Change the permissions.")


@pytest.mark.parametrize(
    ("store", "status", "words"),
    [
        (STORE, OK, ("12 answers, not verified (use --verify)",)),
        (changed(STORE, answers=1, problems=()), OK, ("1 answer, each of them verified",)),
        (changed(STORE, problems=("It is bad.",)), FAILED, ("not whole: It is bad.", "verify")),
        (changed(STORE, problems=("A.", "B.")), FAILED, ("A. (and 1 more)",)),
        (changed(STORE, unreadable=Trouble("Broken.", "Mend.")), FAILED, ("Broken.", "Mend.")),
        (changed(STORE, unwritable=NO_WRITE), WARNING, ("--offline works", "permissions")),
        (changed(STORE, there=False), OK, ("not there yet",)),
        (changed(STORE, there=False, unwritable=NO_WRITE), FAILED, ("cannot be written",)),
    ],
)
def test_the_store(store: StoreFacts, status: Status, words: tuple[str, ...]) -> None:
    told(Asked(store=store).check("store"), status, *words)


def test_the_space_on_its_disk() -> None:
    told(Asked(store=changed(STORE, free=LITTLE_SPACE - 1)).check("store.space"), WARNING, "500 MB")
    for free in (LITTLE_SPACE, None):
        found = Asked(store=changed(STORE, free=free)).checks()
        assert not [check for check in found if check.id == "store.space"]


SURVEY = JiraSurvey("jira.test", (("PAY", "Payments"), ("OPS", "Operations")), ())


@pytest.mark.parametrize(
    ("found", "projects", "status", "words"),
    [
        (Unavailable("it fails (HTTP 500)"), (), WARNING, ("it fails (HTTP 500)", "JIRA_URL")),
        (
            Unavailable("there is no token"),
            ("PAY",),
            FAILED,
            ("there is no token. An audit stops where a change names a ticket of PAY", "JIRA_URL"),
        ),
        (SURVEY, ("PAY", "WEB"), FAILED, ("does not show WEB", "Browse projects")),
        (
            Trouble("There is no token.", "Set JIRA_TOKEN_OPS."),
            ("OPS",),
            FAILED,
            ("There is no token. An audit stops", "Set JIRA_TOKEN_OPS."),
        ),
        (SURVEY, (), WARNING, ("shows 2 projects. The policy names no", "no Jira ticket counts")),
        (SURVEY, ("PAY",), OK, ("2 projects, the policy's among them (PAY).",)),
        (JiraSurvey("jira.test", (), ()), (), WARNING, ("no project at all", "credentials")),
        (JiraSurvey("jira.test", (), ()), ("PAY",), FAILED, ("no project at all", "credentials")),
    ],
)
def test_jira(
    found: JiraSurvey | Unavailable | Trouble,
    projects: tuple[str, ...],
    status: Status,
    words: tuple[str, ...],
) -> None:
    told(Asked(jira=(JiraFacts("jira.test", projects, found),)).check("jira"), status, *words)


def test_a_policy_that_cannot_be_read_is_not_said_to_name_no_project() -> None:
    """The built-in policy that stands in for it names none, and tells nothing of the user's."""
    broken = PolicyFacts("", Trouble("policy.yaml is not a valid policy."))
    for jira in ((), (JiraFacts("jira.test", (), SURVEY),)):
        check = Asked(policy=broken, jira=jira).check("jira")
        assert "the policy cannot be read" in check.found
        assert "names no Jira project" not in check.found


def test_no_jira_and_several() -> None:
    told(Asked().check("jira"), NOT_CHECKED, "names no Jira project")
    both = (JiraFacts("a.test", ("PAY",), SURVEY), JiraFacts("b.test", ("WEB",), SURVEY))
    told(Asked(jira=both).check("jira.a.test"), OK, "(PAY)")
    told(Asked(jira=both).check("jira.b.test"), FAILED, "does not show WEB")
