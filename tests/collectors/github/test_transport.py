"""One request after the other, against a real server that plays what GitHub and the net do."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
import requests
import urllib3.connection
import urllib3.exceptions

from changeaudit.collectors.github import connection as module
from changeaudit.collectors.github.queries import Operation
from changeaudit.collectors.github.transport import (
    Reply,
    TooHeavyError,
    Transport,
    UnknownFieldError,
)
from changeaudit.errors import CollectError
from collectors.github.fake_github import Told
from collectors.github.scripted_server import (
    Play,
    ScriptedServer,
    answer,
    refusal,
    routing,
    serving,
)

TOKEN = "ghp_never_to_be_seen"
NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
OPERATION = Operation("probe", "query Probe { viewer { login } }", "d1ge5t")
FINE = answer({"viewer": {"login": "auditor"}})
UNICORN = Play(502, b"<html><title>502</title></html>", content_type="text/html")


class Line(NamedTuple):
    """A transport to a scripted server, what it slept, and what it told."""

    transport: Transport
    server: ScriptedServer
    slept: list[float]
    told: Told

    def ask(self, *, divisible: bool = False, **variables: object) -> Reply:
        return self.transport.ask(OPERATION, variables, "a thing", divisible=divisible)

    def refused(self, *, divisible: bool = False) -> str:
        """The message and the hint of the error that asking ends with."""
        with pytest.raises(CollectError) as caught:
            self.ask(divisible=divisible)
        return f"{caught.value.message} {caught.value.hint}"


@contextmanager
def line(*script: Play) -> Iterator[Line]:
    slept: list[float] = []
    told = Told()
    with serving(*script) as server:
        transport = Transport(TOKEN, server.api, lambda: NOW, slept.append, told)
        try:
            yield Line(transport, server, slept, told)
        finally:
            transport.close()


# What a good answer is --------------------------------------------------------------------------


def test_an_answer_is_given_as_it_came_with_what_was_asked() -> None:
    with line(FINE) as it:
        reply = it.ask(number=7)
        assert reply.status == 200
        assert reply.body == FINE.body
        assert bytes(reply.data) == b'{"viewer": {"login": "auditor"}}'
        assert reply.errors == ()
        assert reply.received_at == NOW
        assert json.loads(reply.request) == {
            "operation": "probe",
            "query": "d1ge5t",
            "variables": {"number": 7},
        }
        (got,) = it.server.got
        assert got.path == "/api/graphql"
        assert json.loads(got.body) == {"query": OPERATION.text, "variables": {"number": 7}}
        assert got.headers["User-Agent"] == "changeaudit"
        assert it.transport.requests == 1
        assert it.slept == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('"naïve 変更 👩‍💻 \\u202e"', "naïve 変更 👩‍💻 \u202e"),
        ('"\\ud83d\\ude00"', "😀"),
        ('"half \\ud83d of it"', "half \ufffd of it"),
        ('"\\ude00\\ud83d"', "\ufffd\ufffd"),
        ('"ends with \\ud800"', "ends with \ufffd"),
        ('"no escape \\\\ud800"', "no escape \\ud800"),
        ('"\\u0000\\u001b[31m"', "\0\x1b[31m"),
    ],
)
@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "application/json"])
def test_the_bytes_are_kept_one_to_one_and_can_be_read(
    text: str, shown: str, content_type: str
) -> None:
    """Half a surrogate pair, which no decoder takes, is stored as it came and read as U+FFFD."""
    body = f'{{"data":{{"title":{text}}}}}'.encode()
    with line(Play(200, body, content_type=content_type)) as it:
        reply = it.ask()
    assert reply.body == body
    assert json.loads(bytes(reply.data))["title"] == shown


def test_bytes_that_are_no_utf_8_are_kept_too() -> None:
    body = b'{"data":{"title":"\xff\xfe"}}'
    with line(Play(200, body)) as it:
        assert it.ask().body == body


def test_what_is_left_of_the_hour_is_told() -> None:
    rate = {"cost": 3, "limit": 5000, "remaining": 4321, "resetAt": "2026-06-01T13:00:00Z"}
    with line(answer({"rateLimit": rate})) as it:
        reply = it.ask()
        assert reply.rate is not None
        assert reply.rate.cost == 3
        assert it.told.rates == [(4321, 5000)]


def test_a_server_without_limits_tells_of_none() -> None:
    with line(answer({"rateLimit": None})) as it:
        assert it.ask().rate is None
        assert it.told.rates == []


def test_typed_errors_of_single_fields_come_with_the_rest_of_the_answer() -> None:
    """What one account may not read is left out by name, never a whole page for it."""
    errors = [{"type": "FORBIDDEN", "message": "Not for you", "path": ["viewer", 0, "email"]}]
    with line(answer({"viewer": None}, errors)) as it:
        (error,) = it.ask().errors
    assert (error.type, error.message, error.path) == (
        "FORBIDDEN",
        "Not for you",
        ("viewer", 0, "email"),
    )


def test_remaining_zero_on_a_good_answer_is_no_error() -> None:
    with line(FINE._replace(headers={"X-RateLimit-Remaining": "0"})) as it:
        it.ask()
        assert it.slept == []


# What is refused at once ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("play", "said"),
    [
        (refusal(401, "Bad credentials"), "does not accept the token (HTTP 401: Bad credentials)"),
        (refusal(403, "Resource not accessible"), "refuses a thing (HTTP 403: Resource not acc"),
        (Play(403, b"<html>", content_type="text/html"), "HTTP 403: no message"),
        (refusal(404, "Not Found"), "no GraphQL API at this address"),
        (refusal(422, "Bad\nquery"), "HTTP 422: Bad query"),
        (refusal(204), "HTTP 204"),
        (answer(None, [{"message": "Field 'x' doesn't exist"}]), "Field 'x' doesn't exist"),
        (
            answer(None, [{"message": "Field 'x' doesn't exist", "path": ["query", "x"]}]),
            "refuses a thing: Field 'x'",
        ),
        (answer({"viewer": {}}, [{"message": "Variable $x is odd"}]), "refuses a thing: Variable"),
        (Play(200, b"<!DOCTYPE html><title>Log in</title>"), "a web page instead of data"),
        (Play(200, b"\n <html>"), "a web page instead of data"),
        (refusal(429, "Slow down", Retry_After="86400"), "for another 1,440 minutes"),
    ],
    ids=lambda value: None if isinstance(value, Play) else value[:24],
)
def test_a_refusal_ends_at_once_with_what_to_do(play: Play, said: str) -> None:
    with line(play, FINE) as it:
        assert said in it.refused()
        assert len(it.server.got) == 1
        assert it.slept == []


# What is waited for -----------------------------------------------------------------------------

SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes."
RESET = str(int((NOW + timedelta(seconds=40)).timestamp()))
PAST = str(int((NOW - timedelta(seconds=40)).timestamp()))


@pytest.mark.parametrize(
    ("play", "seconds"),
    [
        (refusal(403, SECONDARY, Retry_After="1"), 1),
        (refusal(429, SECONDARY, Retry_After="90"), 90),
        (refusal(403, "", Retry_After="90"), 90),
        (refusal(403, SECONDARY), 60),
        (refusal(403, "You have triggered an abuse detection mechanism"), 60),
        (refusal(429, "Too many"), 60),
        (refusal(429, SECONDARY, Retry_After="0"), 1),
        (refusal(429, SECONDARY, Retry_After="Mon, 01 Jun 2026 12:00:30 GMT"), 60),
        (refusal(429, SECONDARY, Retry_After="-5"), 60),
        (refusal(429, SECONDARY, Retry_After="\xb2"), 60),
        (refusal(429, SECONDARY, Retry_After="9" * 5000), 60),
        (refusal(403, "", X_RateLimit_Remaining="0", X_RateLimit_Reset=RESET), 41),
        (refusal(403, SECONDARY, X_RateLimit_Remaining="0", X_RateLimit_Reset=PAST), 1),
        (refusal(403, SECONDARY, X_RateLimit_Remaining="0", X_RateLimit_Reset="soon"), 60),
        (refusal(403, SECONDARY, X_RateLimit_Remaining="0", X_RateLimit_Limit="inf"), 60),
        (refusal(403, SECONDARY, X_RateLimit_Remaining="12", X_RateLimit_Reset=RESET), 60),
        (
            answer(
                None,
                [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}],
                X_RateLimit_Remaining="0",
                X_RateLimit_Reset=RESET,
            ),
            41,
        ),
        (
            answer(
                None,
                [{"type": "RATE_LIMIT", "message": "API rate limit already exceeded"}],
                X_RateLimit_Remaining="0",
                X_RateLimit_Reset=RESET,
            ),
            41,
        ),
        (answer(None, [{"type": "RATE_LIMITED", "message": "No more"}]), 60),
        (answer(None, [{"message": SECONDARY}], Retry_After="7"), 7),
        (Play(200, json.dumps({"message": SECONDARY}).encode()), 60),
    ],
)
def test_a_rate_limit_is_waited_for_as_long_as_it_asks(play: Play, seconds: float) -> None:
    """Nothing is slept in earnest: the pause is handed to whoever sleeps."""
    with line(play, FINE) as it:
        assert it.ask().status == 200
        assert it.slept == [seconds]
        assert it.told.waits == [(seconds, "the rate limit is used up")]


def test_a_limit_that_names_no_time_is_waited_for_longer_each_time() -> None:
    with line(refusal(403, SECONDARY), refusal(403, SECONDARY), refusal(429), FINE) as it:
        it.ask()
        assert it.slept == [60, 120, 240]


@pytest.mark.parametrize(
    ("play", "why"),
    [
        (Play(500, b"{}"), "HTTP 500"),
        (Play(503, b"<html>", content_type="text/html"), "HTTP 503"),
        (Play(408, b""), "HTTP 408"),
        (Play(cut="reset"), "the connection broke"),
        (Play(200, b'{"data":{"rateLimit":null}}', cut="short"), "the answer broke off"),
        (Play(200, b'{"data":{"rateLi'), "the answer was not whole"),
        (Play(200, b"[1,2]"), "the answer was not whole"),
        (Play(200, b'{"data":7}'), "the answer was not whole"),
        (Play(200, b""), "the answer was empty"),
        (Play(200, b'{"message":"Server Error"}'), "holds no data (Server Error)"),
        (Play(200, b'{"data":null}'), "holds no data (no reason)"),
        (
            answer(None, [{"message": "Something went wrong while"}]),
            "part of the answer is missing",
        ),
        (
            answer({"viewer": None}, [{"message": "Oops", "path": ["viewer"]}]),
            "part of the answer is missing (Oops)",
        ),
    ],
    ids=lambda value: None if isinstance(value, Play) else value[:24],
)
def test_a_failure_that_may_pass_is_tried_again_after_a_moment(play: Play, why: str) -> None:
    with line(play, FINE) as it:
        assert it.ask(divisible=True).body == FINE.body
        ((seconds, said),) = it.told.waits
        assert why in said
        assert it.slept == [seconds]
        assert 1 <= seconds <= 2


def test_a_server_in_trouble_says_how_long() -> None:
    headers = {"Retry-After": "9", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": RESET}
    with line(Play(503, b"", headers), Play(500, b"", {**headers, "Retry-After": ""}), FINE) as it:
        it.ask()
        assert it.slept[0] == 9
        assert it.slept[1] < 5  # the rate limit has nothing to do with a failure


def test_to_be_told_to_wait_is_no_failure() -> None:
    """Each alone has an end; a server that does both is borne for longer."""
    limit, failure = refusal(403, SECONDARY, Retry_After="2"), Play(500, b"")
    with line(*[limit, failure] * 5, FINE) as it:
        assert it.ask().body == FINE.body
        assert it.slept[::2] == [2.0] * 5
    with line(*[limit, failure] * 5, limit) as it:
        assert "in 11 attempts: the rate limit is used up" in it.refused()
    with line(*[limit, failure] * 5, failure) as it:
        assert "in 11 attempts: HTTP 500" in it.refused()


def test_a_rate_limit_without_end_is_given_up() -> None:
    with line(refusal(429, SECONDARY)) as it:
        assert "in 6 attempts: the rate limit is used up" in it.refused()
        assert it.slept == [60, 120, 240, 480, 960]


def test_trying_again_has_an_end_and_says_that_what_came_is_kept() -> None:
    with line(FINE, Play(503, b"")) as it:
        it.ask()
        said = it.refused()
        assert "did not answer for a thing in 6 attempts: HTTP 503" in said
        assert "kept" in said
        assert len(it.server.got) == 1 + 6
        assert it.slept == sorted(it.slept)
        assert len(it.slept) == 5


# What is too heavy ------------------------------------------------------------------------------

HEAVY = [
    UNICORN,
    Play(504, b""),
    answer({}, [{"type": "RESOURCE_LIMITS_EXCEEDED", "message": "Too much"}]),
    answer(None, [{"type": "MAX_NODE_LIMIT_EXCEEDED", "message": "Too many nodes"}]),
    answer(
        None,
        [{"message": "Something went wrong. This may be the result of a timeout, or a bug."}],
    ),
    answer(None, [{"message": "The query timed out"}]),
]


@pytest.mark.parametrize("play", HEAVY)
def test_a_page_that_is_too_heavy_is_not_asked_for_a_second_time(play: Play) -> None:
    with line(play, FINE) as it:
        with pytest.raises(TooHeavyError):
            it.ask(divisible=True)
        assert len(it.server.got) == 1
        assert it.slept == []


@pytest.mark.parametrize("play", HEAVY)
def test_what_cannot_be_divided_is_tried_again_and_has_an_end(play: Play) -> None:
    with line(play, FINE) as it:
        assert it.ask().body == FINE.body
    with line(play) as it:
        assert "6 attempts" in it.refused()
        assert len(it.server.got) == 6


def test_an_answer_that_takes_too_long_is_too_heavy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 0.1)
    with line(Play(delay=0.6), FINE) as it:
        with pytest.raises(TooHeavyError, match="no answer within"):
            it.ask(divisible=True)
        assert it.ask(divisible=True).body == FINE.body


# Where the token goes ---------------------------------------------------------------------------


def test_the_token_goes_to_the_api_and_nowhere_else(caplog: pytest.LogCaptureFixture) -> None:
    """Not into what is kept, not into what is logged, not into any message."""
    caplog.set_level(logging.DEBUG)
    with line(FINE, refusal(401, "Bad credentials")) as it:
        reply = it.ask()
        said = it.refused()
        assert all(TOKEN in got.headers["Authorization"] for got in it.server.got)
        seen = [reply.request, reply.body.decode(), repr(reply), said, caplog.text]
        seen += [got.body.decode() for got in it.server.got]
        seen += [str(record.__dict__) for record in caplog.records]
        assert not any(TOKEN in text for text in seen)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_token_does_not_follow_a_redirection(status: int) -> None:
    with serving(FINE) as other:
        elsewhere = f"http://localhost:{other.port}/api/graphql"
        with line(Play(status, b"", {"Location": elsewhere}), FINE) as it:
            said = it.refused()
            assert "redirects its API to 'localhost'" in said
            assert len(it.server.got) == 1
        assert other.got == []


@pytest.mark.parametrize("place", ["/elsewhere", "http://[::1/", "//"])
def test_a_redirection_to_anywhere_is_refused(place: str) -> None:
    with line(Play(301, b"", {"Location": place})) as it:
        assert "redirects its API to 'another address'" in it.refused()
        assert len(it.server.got) == 1


def test_a_netrc_file_does_not_replace_the_token(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("machine 127.0.0.1 login dana password other\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with line(FINE) as it:
        it.ask()
        assert TOKEN in it.server.got[0].headers["Authorization"]


# Where nothing answers --------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_a_refused_connection_is_said_at_once() -> None:
    slept: list[float] = []
    api = f"http://127.0.0.1:{free_port()}/api/v3"
    transport = Transport(TOKEN, api, lambda: NOW, slept.append)
    with pytest.raises(CollectError, match="could not be reached: the connection was refused"):
        transport.ask(OPERATION, {}, "a thing", divisible=False)
    assert slept == []
    assert transport.requests == 1


def test_a_server_that_was_there_is_waited_for() -> None:
    """A connection that is refused later is tried again, and what came is kept."""
    with line(FINE) as it:
        it.ask()
        it.transport.close()  # or the open connection would go on
        it.server.stop()
        said = it.refused()
    assert "in 6 attempts: the connection was refused" in said
    assert "kept" in said
    assert [why for _, why in it.told.waits] == ["the connection was refused"] * 5


def test_a_server_that_speaks_no_tls_is_not_trusted() -> None:
    with serving(FINE) as server:
        slept: list[float] = []
        api = server.api.replace("http:", "https:")
        transport = Transport(TOKEN, api, lambda: NOW, slept.append)
        with pytest.raises(CollectError, match="could not be reached: its certificate"):
            transport.ask(OPERATION, {}, "a thing", divisible=False)
        transport.close()
        assert server.got == []
        assert slept == []


def fails_with(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Every request fails as the HTTP library has it fail."""

    def send(*args: object, **more: object) -> None:
        raise error

    monkeypatch.setattr(requests.Session, "send", send)


def pool() -> urllib3.HTTPConnectionPool:
    return urllib3.HTTPConnectionPool("git.acme.test")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            requests.exceptions.ConnectionError(
                urllib3.exceptions.MaxRetryError(
                    pool(),
                    "/",
                    urllib3.exceptions.NameResolutionError(
                        "git.acme.test", urllib3.connection.HTTPConnection("x"), socket.gaierror()
                    ),
                )
            ),
            "its name could not be resolved",
        ),
        (requests.exceptions.ConnectTimeout("no"), "connecting took too long"),
        (requests.exceptions.SSLError("CERTIFICATE_VERIFY_FAILED"), "certificate"),
        (requests.exceptions.ProxyError("Unable to connect to proxy"), "the proxy"),
    ],
    ids=["name", "connect", "certificate", "proxy"],
)
def test_a_host_that_cannot_be_reached_is_said_once_and_later_tried_again(
    monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    with line(FINE) as it:
        with monkeypatch.context() as patch:
            fails_with(patch, error)
            first = it.refused()
            assert "could not be reached" in first
            assert said in first
            assert it.slept == []
        it.ask()
        fails_with(monkeypatch, error)
        assert said in it.refused()
        assert len(it.slept) == 5


def test_any_other_failure_of_the_http_library_is_named_and_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with line(FINE) as it:
        fails_with(monkeypatch, requests.exceptions.ContentDecodingError())
        assert "ContentDecodingError" in it.refused()


def test_an_enterprise_server_at_an_ipv6_address_is_reached() -> None:
    """Its brackets belong into the address of every request."""
    slept: list[float] = []
    transport = Transport(TOKEN, f"http://[::1]:{free_port()}/api/v3", lambda: NOW, slept.append)
    assert transport.host.startswith("[::1]:")
    with pytest.raises(CollectError, match="could not be reached: the conn"):
        transport.ask(OPERATION, {}, "a thing", divisible=False)


def test_whoever_interrupts_a_pause_ends_it() -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    with serving(Play(503, b"")) as server:
        transport = Transport(TOKEN, server.api, lambda: NOW, interrupted)
        with pytest.raises(KeyboardInterrupt):
            transport.ask(OPERATION, {}, "a thing", divisible=False)
        transport.close()


# What a server's version does not know ----------------------------------------------------------


@pytest.mark.parametrize(
    "message",
    [
        "Field 'rulesets' doesn't exist on type 'Repository'",
        "Field 'rulesets' doesn't accept argument 'includeParents'",
        "No such type RefNameConditionTarget, so it can't be a fragment condition",
    ],
)
def test_a_field_that_the_server_does_not_know_is_told_apart(message: str) -> None:
    """Whoever asked may ask for less; for everybody else it is a refusal like any other."""
    with line(answer(None, [{"message": message, "path": ["query Probe", "x"]}])) as it:
        with pytest.raises(UnknownFieldError) as caught:
            it.ask()
        assert message in caught.value.message
        assert isinstance(caught.value, CollectError)
        assert it.slept == []


# The REST API -----------------------------------------------------------------------------------


@contextmanager
def rest(*script: Play) -> Iterator[Line]:
    """A transport to a server that plays the script to GETs."""
    slept: list[float] = []
    told = Told()
    left = list(script)
    with routing(lambda got: left.pop(0) if len(left) > 1 else left[0]) as server:
        transport = Transport(TOKEN, server.api, lambda: NOW, slept.append, told)
        try:
            yield Line(transport, server, slept, told)
        finally:
            transport.close()


def got(it: Line) -> Reply:
    return it.transport.get("/repos/acme/payments/rulesets/7/history?per_page=100", "a history")


@pytest.mark.parametrize(
    ("link", "following"),
    [
        ('<https://evil.test/other?after=abc&per_page=9>; rel="next"', "after=abc&per_page=9"),
        ('<https://x/?page=1>; rel="prev", <https://x/?page=3>; rel="next"', "page=3"),
        ('<https://x/?page=1>; rel="prev"', ""),
        ('<https://x/>; rel="next"', ""),
        ("", ""),
        (",;<", ""),
    ],
)
def test_where_a_list_goes_on_is_the_query_of_its_link(link: str, following: str) -> None:
    """Never another host or path: a token is sent to no place that an answer names."""
    headers = {"Link": link} if link else {}
    with rest(Play(200, b"[]", headers)) as it:
        assert got(it).next == following


@pytest.mark.parametrize("status", [200, 204, 403, 404, 410, 422])
def test_an_answer_of_the_rest_api_is_given_as_it_came_a_refusal_too(status: int) -> None:
    body = b'{"message": "half \\ud83d of it"}' if status != 204 else b""
    with rest(Play(status, body)) as it:
        reply = got(it)
        assert (reply.status, reply.body, reply.received_at) == (status, body, NOW)
        assert json.loads(reply.request) == {
            "get": "/repos/acme/payments/rulesets/7/history?per_page=100"
        }
        (sent,) = it.server.got
        assert sent.verb == "GET"
        assert sent.path == "/api/v3/repos/acme/payments/rulesets/7/history?per_page=100"
        assert it.transport.requests == 1
        assert it.slept == []


@pytest.mark.parametrize(
    "play",
    [
        UNICORN,
        refusal(500),
        refusal(408),
        refusal(403, SECONDARY),
        refusal(429, "Slow down", Retry_After="1"),
        Play(cut="reset"),
    ],
)
def test_a_failure_of_the_rest_api_is_tried_again(play: Play) -> None:
    with rest(play, Play(200, b"[]")) as it:
        assert got(it).body == b"[]"
        assert len(it.slept) == 1


def test_the_rest_api_is_given_up_after_as_many_attempts() -> None:
    with rest(UNICORN) as it:
        with pytest.raises(CollectError, match="did not answer for a history in 6 attempts"):
            got(it)
        assert len(it.slept) == 5


def test_a_token_that_the_rest_api_does_not_accept_ends_it_at_once() -> None:
    with rest(refusal(401, "Bad credentials")) as it:
        with pytest.raises(CollectError, match="does not accept the token"):
            got(it)
        assert it.slept == []
