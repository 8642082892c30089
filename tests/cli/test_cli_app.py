"""An audit as a GitHub App: one message where it is kept out, and nothing of its key."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from cli.command import TOKEN, Command, Done
from collectors.github.keys import key, pem
from collectors.github.scripted_server import Got, Play, RoutedServer, refusal, routing

GIVEN = {"token": "ghs_s3cret", "expires_at": "2999-01-01T00:00:00Z"}


class Site:
    """Where the App is installed on acme alone; what its token opens says no."""

    def __init__(self) -> None:
        self.token = Play(201, json.dumps(GIVEN).encode())

    def route(self, got: Got) -> Play:
        path = got.path.removeprefix("/api/v3")
        if path == "/orgs/acme/installation":
            return Play(200, b'{"id": 7}')
        if path == "/app/installations/7/access_tokens":
            return self.token
        if path == "/api/graphql":
            return refusal(401, "an example")
        return refusal(404, "Not Found")


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def server(site: Site) -> Iterator[RoutedServer]:
    with routing(site.route) as started:
        yield started


def audited(changeaudit: Command, server: RoutedServer, *args: str, **more: str) -> Done:
    line = ("audit", *(args or ("acme/*",)), "--last", "7d")
    app = {"GITHUB_APP_ID": "1234", "GITHUB_APP_PRIVATE_KEY": pem(key()).replace("\n", "\\n")}
    done = changeaudit(*line, **{"GITHUB_API_URL": server.api, **app, **more})
    assert "s3cret" not in done.text + done.err
    assert not any(part in done.text + done.err for part in pem(key()).splitlines())
    return done


def test_its_token_opens_github(changeaudit: Command, server: RoutedServer) -> None:
    done = audited(changeaudit, server)
    assert done.code == 4
    assert "does not accept the token (HTTP 401: an example)" in done.err
    assert "doctor" in done.err
    sent = [got.headers["Authorization"] for got in server.got if got.path == "/api/graphql"]
    assert sent == ["token ghs_s3cret"]


@pytest.mark.parametrize("quiet", [(), ("--quiet",)])
def test_that_it_comes_before_a_token_is_said(
    changeaudit: Command, server: RoutedServer, quiet: tuple[str, ...]
) -> None:
    done = audited(changeaudit, server, "acme/payments", *quiet, GITHUB_TOKEN=TOKEN)
    said = "GitHub is asked as the App 1234; GITHUB_TOKEN is set too and not used."
    assert (said in done.err) == (not quiet)
    assert all(TOKEN not in got.headers["Authorization"] for got in server.got)


@pytest.mark.parametrize(
    ("play", "names", "said"),
    [
        (refusal(403, "This installation has been suspended"), ("acme/x",), "is suspended on"),
        (refusal(401, "A JSON web token could not be decoded"), ("acme/x",), "the signature of"),
        (refusal(500), ("globex/x",), "is not installed on globex"),
    ],
)
def test_where_it_is_kept_out_one_message_says_why(
    changeaudit: Command,
    server: RoutedServer,
    site: Site,
    play: Play,
    names: tuple[str, ...],
    said: str,
) -> None:
    site.token = play
    done = audited(changeaudit, server, *names)
    assert done.code == 4
    assert said in done.err
    assert done.err.count("error: ") == 1
    assert not [got for got in server.got if got.path == "/api/graphql"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"GITHUB_APP_PRIVATE_KEY": ""},
        {"GITHUB_APP_PRIVATE_KEY": "s3cret"},
        {"GITHUB_APP_ID": ""},
        {"GITHUB_APP_INSTALLATION_ID": "s3cret"},
        {"GITHUB_APP_PRIVATE_KEY": "", "GITHUB_APP_PRIVATE_KEY_FILE": "nowhere.pem"},
    ],
)
def test_a_malformed_environment_leaves_with_two(
    changeaudit: Command, server: RoutedServer, wrong: dict[str, str]
) -> None:
    done = audited(changeaudit, server, **wrong)
    assert done.code == 2
    assert done.err.startswith("error: ")
    assert server.got == []
