"""What GitHub is asked before an audit, and that what goes wrong is told as it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from changeaudit.collectors.github import readiness
from changeaudit.collectors.github.credentials import App, Token
from changeaudit.collectors.github.pull_requests import PAGE
from changeaudit.collectors.github.readiness import examine, kind_of
from changeaudit.readiness import (
    GitHubFacts,
    Limit,
    Login,
    Probe,
    Reach,
    RepositoryProbe,
    TeamProbe,
    TokenKind,
    Trouble,
)
from changeaudit.records import Unavailable
from collectors.github.company import DATE, NOBODY, NOW, Company
from collectors.github.keys import key, pem
from collectors.github.scripted_server import Play, RoutedServer, answer, refusal, routing

TOKEN = Token("ghp_never_to_be_seen", "GITHUB_TOKEN")
FORBIDDEN = "Resource not accessible by personal access token"


@pytest.fixture
def company() -> Company:
    return Company()


@pytest.fixture
def server(company: Company) -> Iterator[RoutedServer]:
    with routing(company.route) as started:
        yield started


def asked(
    server: RoutedServer,
    credential: App | Token | Trouble = TOKEN,
    names: tuple[str, ...] = (),
    teams: tuple[str, ...] = (),
) -> GitHubFacts:
    return examine(server.api, credential, names, teams, lambda: NOW)


def login(facts: GitHubFacts) -> Login:
    assert isinstance(facts.login, Login)
    return facts.login


def repository(server: RoutedServer) -> RepositoryProbe:
    (found,) = asked(server, names=("ACME/payments",)).repositories
    return found


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("ghp_x", TokenKind.CLASSIC),
        ("github_pat_x", TokenKind.FINE_GRAINED),
        ("gho_x", TokenKind.OAUTH),
        ("ghu_x", TokenKind.APP_USER),
        ("ghs_x", TokenKind.INSTALLATION),
        ("ghr_x", TokenKind.REFRESH),
        ("0123456789abcdef0123456789abcdef01234567", TokenKind.UNKNOWN),
        ("", TokenKind.UNKNOWN),
    ],
)
def test_the_kind_of_a_token_by_its_form(token: str, kind: TokenKind) -> None:
    assert kind_of(token) is kind


def test_everything_that_is_asked_when_all_is_well(company: Company, server: RoutedServer) -> None:
    facts = asked(server, names=("ACME/payments",), teams=("acme/qa",))
    assert facts == GitHubFacts(
        reach=Reach(server.api, 401, NOBODY_SAID, True, "", NOW, NOW, NOW),
        login=Login(
            TokenKind.CLASSIC,
            "GITHUB_TOKEN",
            "",
            200,
            "no message",
            account="auditor",
            limit=Limit(5000, 4000, datetime(2026, 6, 1, 13, 0, tzinfo=UTC)),
        ),
        pulls_a_page=43,
        points_a_page=3,
        repositories=(
            RepositoryProbe(
                "acme/payments",
                merged=41,
                check_runs=True,
                probes=tuple(Probe(p, 200, "no message") for p in PERMISSIONS),
            ),
        ),
        teams=(TeamProbe("acme/qa", 3),),
    )
    assert company.asked == [
        "nobody",
        "viewer",
        "repository",
        "/commits?per_page=1",
        "/pulls?per_page=1&state=closed",
        "/issues?per_page=1",
        "/deployments?per_page=1",
        "/commits/c0ffee/check-runs?per_page=1",
        "/commits/c0ffee/status?per_page=1",
        "/branches/release%2F1/protection",
        "team",
    ]
    assert TOKEN.text not in repr(facts)


NOBODY_SAID = "This endpoint requires you to be authenticated."
PERMISSIONS = (
    "contents",
    "pull_requests",
    "issues",
    "deployments",
    "checks",
    "statuses",
    "administration",
)


# Reaching it ------------------------------------------------------------------------------------


def test_the_token_is_not_sent_to_what_is_no_api(company: Company, server: RoutedServer) -> None:
    """Nor is anything asked with it before something has answered as GitHub does."""
    for play in (Play(200, b"<html>log in"), refusal(404, "Not Found"), refusal(500, "")):
        company.plays["nobody"] = play
        facts = asked(server, names=("acme/payments",))
        assert isinstance(facts.reach, Reach)
        assert not facts.reach.is_api
        assert facts.login is None
    assert set(company.asked) == {"nobody"}


@pytest.mark.parametrize(
    ("play", "said"),
    [
        (Play(302, b"", {"Location": "https://login.test"}), "redirects its API to 'login.test'"),
        (Play(cut="reset"), "did not answer: the connection broke"),
    ],
)
def test_an_api_that_gives_no_answer(
    company: Company, server: RoutedServer, play: Play, said: str
) -> None:
    company.plays["nobody"] = play
    facts = asked(server)
    assert isinstance(facts.reach, Trouble)
    assert said in facts.reach.said
    assert facts.login is None


def test_an_api_that_is_not_there() -> None:
    facts = examine("http://127.0.0.1:1/api/v3", TOKEN, (), (), lambda: NOW)
    assert isinstance(facts.reach, Trouble)
    assert "could not be reached: the connection was refused" in facts.reach.said


def test_an_address_that_is_none() -> None:
    facts = examine("https://dana:s3cr3t@git.acme.test/api/v3", TOKEN, (), (), lambda: NOW)
    assert isinstance(facts.reach, Trouble)
    assert "holds a user name or password" in facts.reach.said
    assert "s3cr3t" not in repr(facts)


def test_without_a_token_the_api_is_reached_all_the_same(
    company: Company, server: RoutedServer
) -> None:
    company.plays["nobody"] = NOBODY._replace(headers={"X-GitHub-Enterprise-Version": "3.17.0"})
    facts = asked(server, Trouble("There is none."), ("acme/payments",))
    assert isinstance(facts.reach, Reach)
    assert facts.reach.version == "3.17.0"
    assert facts.login == Trouble("There is none.")
    assert company.asked == ["nobody"]


# The token --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "expires"),
    [
        ("2026-12-31 10:00:00 UTC", datetime(2026, 12, 31, 10, tzinfo=UTC)),
        ("2026-12-31 12:00:00 +0200", datetime(2026, 12, 31, 10, tzinfo=UTC)),
        ("2026-12-31 03:00:00 -0700", datetime(2026, 12, 31, 10, tzinfo=UTC)),
        ("2026-12-31 10:00:00", None),
        ("soon", None),
    ],
)
def test_what_the_headers_tell_of_a_token(
    company: Company, server: RoutedServer, told: str, expires: datetime | None
) -> None:
    company.headers = {
        "X-OAuth-Scopes": "repo, read:org",
        "GitHub-Authentication-Token-Expiration": told,
        "X-GitHub-SSO": "partial-results; organizations=21955855",
    }
    found = login(asked(server))
    assert found.scopes == ("repo", "read:org")
    assert found.expires_at == expires
    assert found.sso == "partial-results"


def test_no_scopes_are_another_thing_than_none_told(company: Company, server: RoutedServer) -> None:
    assert login(asked(server)).scopes is None
    company.headers = {"X-OAuth-Scopes": ""}
    assert login(asked(server)).scopes == ()


@pytest.mark.parametrize(
    ("play", "status", "said", "limited"),
    [
        (refusal(401, "Bad credentials"), 401, "Bad credentials", False),
        (refusal(403, "API rate limit exceeded for user"), 403, "API rate limit", True),
        (refusal(403, "Sorry", x_ratelimit_remaining="0", x_ratelimit_reset="9"), 403, "", True),
        (answer(None, [{"type": "RATE_LIMIT", "message": "all used"}]), 200, "all used", True),
        (Play(200, b"<html>"), 200, "no message", False),
        (answer({"viewer": None}, [{"message": "odd"}]), 200, "odd", False),
    ],
)
def test_a_token_that_is_not_let_in_is_tried_no_further(
    company: Company, server: RoutedServer, play: Play, status: int, said: str, limited: bool
) -> None:
    company.plays["viewer"] = play
    found = login(asked(server, names=("acme/payments",)))
    assert (found.status, found.limited, found.account) == (status, limited, "")
    assert said in found.said
    assert company.asked == ["nobody", "viewer"]


def test_a_token_that_would_be_led_elsewhere(company: Company, server: RoutedServer) -> None:
    company.plays["viewer"] = Play(302, b"", {"Location": "https://login.test"})
    found = asked(server).login
    assert isinstance(found, Trouble)
    assert "the token was not sent there" in found.said


def test_no_answer_to_the_token(company: Company, server: RoutedServer) -> None:
    company.plays["viewer"] = Play(cut="reset")
    assert asked(server).login == Trouble(
        "There was no answer: the connection broke.", "Try again later."
    )


def test_a_server_without_limits(company: Company, server: RoutedServer) -> None:
    company.plays["viewer"] = answer({"rateLimit": None, "viewer": {"login": "auditor"}})
    assert login(asked(server)).limit is None


APP = App("1234", pem(key()), 7, "GITHUB_TOKEN")
GRANT = "/app/installations/7/access_tokens"


def test_an_app_shows_what_it_was_granted(company: Company, server: RoutedServer) -> None:
    granted = {
        "token": "ghs_never_to_be_seen",
        "expires_at": "2026-06-01T13:00:00Z",
        "permissions": {"checks": "read"},
    }
    company.plays[GRANT] = Play(201, json.dumps(granted).encode(), DATE)
    facts = asked(server, APP, ("acme/payments",))
    found = login(facts)
    assert found.kind is TokenKind.INSTALLATION
    assert found.origin == "GitHub App 1234"
    assert found.unused == "GITHUB_TOKEN"
    assert found.permissions == {"checks": "read"}
    assert "never_to_be_seen" not in repr(facts)


@pytest.mark.parametrize(
    ("play", "said"),
    [
        (refusal(403, "This installation has been suspended"), "is suspended"),
        (refusal(502, ""), "There is no token: for the token of GitHub App 1234: HTTP 502."),
    ],
)
def test_an_app_that_gets_no_token(
    company: Company, server: RoutedServer, play: Play, said: str
) -> None:
    company.plays[GRANT] = play
    found = asked(server, APP).login
    assert isinstance(found, Trouble)
    assert said in found.said


def test_a_key_that_is_none(server: RoutedServer) -> None:
    found = asked(server, App("1234", "s3cret", 7)).login
    assert isinstance(found, Trouble)
    assert "is not an RSA key" in found.said
    assert "s3cret" not in repr(found)


# Repositories and teams -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "permission"),
    [
        (["repository", "pullRequests", "nodes", 0, "statusCheckRollup", "contexts"], "checks"),
        (["repository", "defaultBranchRef"], "contents"),
        (["repository", "defaultBranchRef", "target"], "contents"),
    ],
)
def test_a_part_that_is_refused_is_named_by_its_permission(
    company: Company, server: RoutedServer, path: list[Any], permission: str
) -> None:
    company.errors = [{"type": "FORBIDDEN", "path": path, "message": FORBIDDEN}]
    company.contexts = [None]
    company.branch = None
    found = repository(server)
    assert found.refused == (permission,)
    assert not found.check_runs
    assert [each.permission for each in found.probes] == [*PERMISSIONS[:4]]


def test_pull_requests_that_are_refused_refuse_the_rest_once(
    company: Company, server: RoutedServer
) -> None:
    refused = {"type": "FORBIDDEN", "path": ["repository", "pullRequests"], "message": FORBIDDEN}
    company.plays["repository"] = answer({"repository": None}, [refused])
    found = repository(server)
    assert found.refused == ("pull_requests",)
    assert found.merged == 0
    assert company.asked[2:4] == ["repository", "without pulls"]
    company.plays["without pulls"] = company.plays["repository"]
    assert repository(server).said == FORBIDDEN


@pytest.mark.parametrize(
    ("play", "said"),
    [
        (answer({"repository": None}, [{"type": "NOT_FOUND", "message": "No such"}]), "No such"),
        (refusal(403, "Resource protected by SAML", x_github_sso="required; url=s3cret"), "SAML"),
        (Play(200, b"nonsense"), "no message"),
        (Play(cut="reset"), "the connection broke"),
    ],
)
def test_a_repository_that_is_not_seen(
    company: Company, server: RoutedServer, play: Play, said: str
) -> None:
    company.plays["repository"] = play
    found = repository(server)
    assert said in found.said
    assert found.sso == ("required" if "SAML" in said else "")
    assert "s3cret" not in repr(found)
    assert found.probes == ()


def test_each_permission_is_tried_by_itself(company: Company, server: RoutedServer) -> None:
    company.plays["/issues?per_page=1"] = refusal(
        403, FORBIDDEN, X_Accepted_GitHub_Permissions="issues=read"
    )
    company.plays["/deployments?per_page=1"] = Play(cut="reset")
    company.plays["/pulls?per_page=1&state=closed"] = refusal(429, "slow down")
    found = {each.permission: each for each in repository(server).probes}
    assert found["issues"] == Probe("issues", 403, FORBIDDEN, "issues=read")
    assert found["deployments"].status == 0
    assert "the connection broke" in found["deployments"].said
    assert found["pull_requests"].limited
    assert found["contents"].status == 200


@pytest.mark.parametrize(
    ("play", "said"),
    [
        (answer({"organization": {"team": None}}), "GitHub shows no such team"),
        (answer({"organization": None}, [{"type": "FORBIDDEN", "message": "No"}]), "No"),
        (Play(502, b"<html>"), "no message"),
        (Play(cut="reset"), "There was no answer: the connection broke."),
    ],
)
def test_a_team_that_is_not_shown(
    company: Company, server: RoutedServer, play: Play, said: str
) -> None:
    company.plays["team"] = play
    assert asked(server, teams=("acme/qa",)).teams == (TeamProbe("acme/qa", Unavailable(said)),)


def test_so_many_teams_and_no_more(
    company: Company, server: RoutedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "MOST_TEAMS", 2)
    facts = asked(server, teams=("acme/a", "acme/b", "acme/c"))
    assert [each.name for each in facts.teams] == ["acme/a", "acme/b"]
    assert facts.teams_left == 1


def test_a_page_costs_what_is_said() -> None:
    """`test_queries` counts the points of a page of that size."""
    assert (PAGE, readiness.PAGE_POINTS) == (43, 3)
