"""A GitHub App's token: when it is asked for, by whose signature, and what keeps it back."""

from __future__ import annotations

import json
import logging
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import jwt
import pytest

from changeaudit.collectors.github.app import EARLY, Granted, InstallationToken
from changeaudit.collectors.github.connection import LimitedError
from changeaudit.collectors.github.credentials import App, Token
from changeaudit.collectors.github.queries import Operation
from changeaudit.collectors.github.transport import Transport
from changeaudit.collectors.patience import TryAgainError
from changeaudit.errors import CollectError, UsageError
from collectors.github.keys import WRONG, key, pem
from collectors.github.scripted_server import (
    Got,
    Play,
    RoutedServer,
    answer,
    refusal,
    routing,
)

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
OPERATION = Operation("probe", "query Probe { viewer { login } }", "d1ge5t")


class Company:
    """A GitHub where an App is installed; its clock is the test's, and so is ours."""

    def __init__(self) -> None:
        self.now = NOW
        self.ahead = timedelta(0)
        self.installations = {"/orgs/acme/installation": 7}
        self.tokens: Callable[[int], Play] = self.granted
        self.given = 0
        self.asked: list[str] = []
        self.signed: list[str] = []

    def granted(self, number: int) -> Play:
        ends = self.now + self.ahead + HOUR
        return self.json(
            201,
            {
                "token": f"ghs_never_to_be_seen_{number}",
                "expires_at": ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "permissions": {"contents": "read"},
            },
        )

    def json(self, status: int, body: object) -> Play:
        date = format_datetime(self.now + self.ahead, usegmt=True)
        return Play(status, json.dumps(body).encode(), {"Date": date})

    def route(self, got: Got) -> Play:
        path = got.path.removeprefix("/api/v3")
        self.asked.append(f"{got.verb} {path}")
        if path.startswith("/api/graphql"):
            return answer({"viewer": {"login": "auditor[bot]"}})
        self.signed.append(got.headers["Authorization"])
        if path.endswith("/access_tokens"):
            if path != "/app/installations/7/access_tokens":
                return self.json(404, {"message": "Not Found"})
            self.given += 1
            return self.tokens(self.given)
        if path in self.installations:
            return self.json(200, {"id": self.installations[path]})
        return self.json(404, {"message": "Not Found"})


@pytest.fixture
def company() -> Company:
    return Company()


@pytest.fixture
def server(company: Company) -> Iterator[RoutedServer]:
    with routing(company.route) as started:
        yield started


def made(
    company: Company, server: RoutedServer, installation: int | None = 7, owner: str = "acme"
) -> InstallationToken:
    app = App("1234", pem(key()), installation)
    return InstallationToken(app, server.api, lambda: company.now, owner)


def test_the_signature_is_the_apps(company: Company, server: RoutedServer) -> None:
    assert made(company, server).token == "ghs_never_to_be_seen_1"
    (signed,) = company.signed
    scheme, _, said = signed.partition(" ")
    assert scheme == "Bearer"
    told = jwt.decode(said, key().public_key(), algorithms=["RS256"], options={"verify_exp": False})
    assert told["iss"] == "1234"
    assert told["exp"] - told["iat"] <= 600


def test_a_token_is_used_until_shortly_before_its_end(
    company: Company, server: RoutedServer
) -> None:
    """In a run of hours each request has a token that is valid, and none is asked for in vain."""
    found = made(company, server)
    for minute in range(0, 300):
        company.now = NOW + timedelta(minutes=minute)
        used = found.token
        asked_at = NOW + (int(used.rpartition("_")[2]) - 1) * (HOUR - EARLY)
        assert asked_at <= company.now < asked_at + HOUR - EARLY
    assert company.given == 6


@pytest.mark.parametrize("ahead", [timedelta(days=3), -timedelta(days=3)])
def test_the_hour_is_the_servers(company: Company, server: RoutedServer, ahead: timedelta) -> None:
    """A clock that is off by days neither wears a token out nor asks for one at each request."""
    company.ahead = ahead
    found = made(company, server)
    for minute in (0, 1, 57):
        company.now = NOW + timedelta(minutes=minute)
        assert found.token.endswith("_1")
    company.now = NOW + timedelta(minutes=58)
    assert found.token.endswith("_2")


def test_without_the_servers_clock_ours_will_do(company: Company, server: RoutedServer) -> None:
    plain = company.granted(1)
    company.tokens = lambda number: plain._replace(headers={"Date": "yesterday"})
    found = made(company, server)
    assert found.token == found.token
    assert company.given == 1


def test_threads_that_share_it_ask_once(company: Company, server: RoutedServer) -> None:
    found = made(company, server)
    start = threading.Barrier(8)

    def use() -> str:
        start.wait()
        return found.token

    with ThreadPoolExecutor(8) as pool:
        tokens = [each.result() for each in [pool.submit(use) for _ in range(8)]]
    assert set(tokens) == {"ghs_never_to_be_seen_1"}
    assert company.given == 1


def test_transports_share_it_and_each_request_has_the_token_of_its_hour(
    company: Company, server: RoutedServer
) -> None:
    found = made(company, server)
    transports = [Transport(found, server.api, lambda: company.now) for _ in range(2)]
    for hour, transport in enumerate(transports):
        company.now = NOW + hour * HOUR
        transport.ask(OPERATION, {}, "a thing", divisible=False)
        transport.close()
    sent = [got.headers["Authorization"] for got in server.got if "graphql" in got.path]
    assert sent == ["token ghs_never_to_be_seen_1", "token ghs_never_to_be_seen_2"]


# Which installation -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "asked"),
    [
        ("/orgs/acme/installation", ["GET /orgs/acme/installation"]),
        (
            "/users/acme/installation",
            ["GET /orgs/acme/installation", "GET /users/acme/installation"],
        ),
    ],
)
def test_an_installation_is_found_by_the_owner(
    company: Company, server: RoutedServer, known: str, asked: list[str]
) -> None:
    company.installations = {known: 7}
    found = made(company, server, None)
    assert found.token == found.token
    assert company.asked == [*asked, "POST /app/installations/7/access_tokens"]


def test_without_an_owner_the_only_installation_is_meant(
    company: Company, server: RoutedServer
) -> None:
    listed: list[object] = [{"id": 7}]
    known = company.route

    def route(got: Got) -> Play:
        if got.path.endswith("/app/installations?per_page=2"):
            return company.json(200, listed)
        return known(got)

    with routing(route) as started:
        assert made(company, started, None, "").token.endswith("_1")
        for count, said in (([], "has no installation on"), ([{"id": 7}, {"id": 8}], "several")):
            listed[:] = count
            with pytest.raises(CollectError, match=said) as caught:
                made(company, started, None, "").token  # noqa: B018
            assert "GITHUB_APP_INSTALLATION_ID" in caught.value.hint


# What keeps it back -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("play", "said", "hint"),
    [
        (
            refusal(401, "A JSON web token could not be decoded"),
            "does not accept the signature of GitHub App 1234 (HTTP 401: A JSON web token",
            "this machine's clock",
        ),
        (
            refusal(404, "Integration not found"),
            "does not accept the signature of GitHub App 1234",
            "GITHUB_APP_ID",
        ),
        (refusal(404, "Not Found"), "has no installation 7 on", "GITHUB_APP_INSTALLATION_ID"),
        (
            refusal(403, "This installation has been suspended"),
            "Installation 7 of it, GitHub App 1234, is suspended on",
            "owner",
        ),
        (refusal(403, "Forbidden"), "refuses GitHub App 1234", ""),
        (refusal(422, "No"), "(HTTP 422: No)", ""),
        (Play(201, b"<html>"), "in a form that is not known", "proxy"),
        (Play(201, b'{"token": "x"}'), "in a form that is not known", "proxy"),
        (
            Play(201, b'{"token": "x", "expires_at": "2026-06-01T13:00:00"}'),
            "in a form that is not known",
            "",
        ),
        (refusal(403, "", retry_after="9999"), "refuses requests for another 167 minutes", "kept"),
        (Play(302, b"", {"Location": "http://localhost:1/x"}), "the token was not sent there", ""),
    ],
)
def test_what_is_refused_is_one_message(
    company: Company, server: RoutedServer, play: Play, said: str, hint: str
) -> None:
    company.tokens = lambda number: play
    with pytest.raises(CollectError) as caught:
        made(company, server).token  # noqa: B018
    assert said in caught.value.message
    assert hint in caught.value.hint


def test_an_app_that_is_not_installed_there(company: Company, server: RoutedServer) -> None:
    with pytest.raises(CollectError, match="is not installed on globex on 127"):
        made(company, server, None, "globex").token  # noqa: B018


@pytest.mark.parametrize(
    ("play", "kind", "wait"),
    [
        (Play(502, b""), TryAgainError, None),
        (refusal(503, "", retry_after="3"), TryAgainError, 3.0),
        (refusal(429, "", retry_after="5"), LimitedError, 5.0),
        (Play(cut="reset"), TryAgainError, None),
    ],
)
def test_what_may_pass_is_tried_again_by_who_asks(
    company: Company, server: RoutedServer, play: Play, kind: type[TryAgainError], wait: float
) -> None:
    """And then it is had: a transport's request goes on after the pauses."""
    company.tokens = lambda number: play if number < 3 else company.granted(number)
    found = made(company, server)
    with pytest.raises(TryAgainError) as caught:
        found.token  # noqa: B018
    assert type(caught.value) is kind
    assert caught.value.wait == wait
    slept: list[float] = []
    transport = Transport(found, server.api, lambda: company.now, slept.append)
    transport.ask(OPERATION, {}, "a thing", divisible=True)
    transport.close()
    assert len(slept) == 1


def test_no_answer_in_time_does_not_make_a_page_too_heavy(
    company: Company, server: RoutedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or every page would be halved, for want of a token."""
    monkeypatch.setattr("changeaudit.collectors.github.connection.TIMEOUT_SECONDS", 0.1)
    company.tokens = lambda number: company.granted(number)._replace(delay=0.5)
    with pytest.raises(TryAgainError, match="for the token of GitHub App 1234: no answer") as got:
        made(company, server).token  # noqa: B018
    assert type(got.value) is TryAgainError


# What is never shown ----------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", WRONG.values(), ids=list(WRONG))
def test_a_key_that_is_none_is_refused_before_anything_is_sent(
    company: Company, server: RoutedServer, wrong: Callable[[], str]
) -> None:
    text = wrong()
    with pytest.raises(UsageError, match="is not an RSA key in PEM") as caught:
        InstallationToken(App("1234", text), server.api, lambda: NOW)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    shown = "".join(traceback.format_exception(caught.value))
    assert not any(line in shown for line in text.splitlines() if len(line) > 8)
    assert server.got == []


def test_neither_key_nor_token_is_ever_shown(
    company: Company, server: RoutedServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = pem(key())
    app = App("1234", secret)
    found = InstallationToken(app, server.api, lambda: company.now, "acme")
    seen = [repr(app), repr(found), repr(Token("ghp_never_to_be_seen", "GITHUB_TOKEN"))]
    seen += [found.token and repr(found), repr(found.granted), str(found.granted)]
    headers = {"Authorization": "token ghs_never_to_be_seen"}
    found.mask_authentication(headers)  # as PyGithub does before it logs
    seen += [str(headers)]
    company.tokens = lambda number: refusal(401, "no")
    company.now += HOUR
    with pytest.raises(CollectError) as caught:
        found.token  # noqa: B018
    seen += ["".join(traceback.format_exception(caught.value)), caplog.text]
    seen += [str(record.__dict__) for record in caplog.records]
    for text in seen:
        assert "never_to_be_seen" not in text
        assert not any(line in text for line in secret.splitlines())


def test_what_was_granted_is_told(company: Company, server: RoutedServer) -> None:
    granted = made(company, server).granted
    assert granted.permissions == {"contents": "read"}
    assert repr(granted).startswith(f"{Granted.__name__}(expires_at=")
