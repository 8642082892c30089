"""One request to Jira: what is tried again, what is waited for, and what ends it."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from changeaudit.collectors.jira import connection as module
from changeaudit.collectors.jira.access import Access
from changeaudit.collectors.jira.connection import Connection
from changeaudit.collectors.jira.reading import read_held
from changeaudit.collectors.patience import ATTEMPTS
from changeaudit.errors import CollectError
from changeaudit.records import Ticket
from collectors.github.scripted_server import Play, serving
from collectors.jira.fake_jira import NOW, TOKEN, Place, Waits, told

LOGIN = b"<!DOCTYPE html><html><title>Log in</title></html>"


def path_of(place: Place) -> str:
    return "issue/bulkfetch" if place.jira.cloud else "search"


@pytest.mark.parametrize("seconds", [1, 90])
@pytest.mark.parametrize("status", [429, 503])
def test_what_it_asks_to_wait_is_waited(place: Place, status: int, seconds: int) -> None:
    """To the second, and said: the package by itself would come back too soon."""
    place.jira.add("PAY-1")
    place.jira.instead[path_of(place)] = [told({}, status, **{"Retry-After": str(seconds)})]
    place.open().collect(["PAY-1"])
    assert place.told.slept == [seconds]
    [(waited, why)] = place.told.waits
    assert waited == seconds
    assert why.startswith(f"{place.site}: ")
    assert isinstance(read_held(place.store, place.site, ["PAY-1"])["pay-1"].found, Ticket)


def test_an_instant_that_it_names_is_waited_for(place: Place) -> None:
    """By the server's own clock: that of this machine may be off."""
    place.jira.add("PAY-1")
    asked = "Fri, 01 Jan 2027 00:01:30 GMT"
    play = told({}, 429, **{"Retry-After": asked, "Date": "Fri, 01 Jan 2027 00:00:00 GMT"})
    place.jira.instead[path_of(place)] = [play]
    place.open().collect(["PAY-1"])
    assert place.told.slept == [90]


@pytest.mark.parametrize(
    "play",
    [
        Play(500, b"{}"),
        Play(502, LOGIN),
        Play(503, b""),
        Play(408, b"{}"),
        Play(429, b"{}"),
        Play(429, b"{}", {"Retry-After": "soon"}),
        Play(200, b""),
        Play(200, b'{"issues": [', cut=""),
        Play(200, b'{"issues": ["\xff"]}'),
        Play(200, b'{"issues": [], "total": 0}', cut="short"),
        Play(200, b"{}", cut="reset"),
        Play(500, b"5"),
    ],
)
def test_what_may_pass_is_tried_again(place: Place, play: Play) -> None:
    """A pause that is not named grows; nothing of the failure is taken for an answer."""
    place.jira.add("PAY-1")
    place.jira.instead[path_of(place)] = [play, play]
    place.open().collect(["PAY-1"])
    assert len(place.told.slept) == 2
    assert 1 <= place.told.slept[0] < place.told.slept[1] <= 4
    assert isinstance(read_held(place.store, place.site, ["PAY-1"])["pay-1"].found, Ticket)


@pytest.mark.parametrize("play", [Play(500, b"{}"), Play(200, b"{"), Play(200, b"", cut="reset")])
def test_what_does_not_pass_is_given_up(place: Place, play: Play) -> None:
    """It is no answer: nothing is stored that says that a ticket is not shown."""
    place.jira.instead[path_of(place)] = [play] * 20
    site = place.open()
    with pytest.raises(CollectError, match=f"in {ATTEMPTS} attempts") as error:
        site.collect(["PAY-1"])
    assert TOKEN not in error.value.message + error.value.hint
    assert len(place.told.slept) == ATTEMPTS - 1
    assert read_held(place.store, place.site, ["PAY-1"]) == {}


@pytest.mark.parametrize(
    ("play", "said"),
    [
        (Play(401, b""), "does not accept the credentials (HTTP 401)"),
        (Play(401, LOGIN), "does not accept the credentials"),
        (
            Play(200, b'{"issues": []}', {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}),
            "does not accept the credentials (HTTP 200)",
        ),
        (Play(403, b'{"errorMessages": ["CAPTCHA"]}'), "(HTTP 403: CAPTCHA)"),
        (Play(403, b"[]"), "(HTTP 403: no message)"),
        (Play(404, b"<html>"), "nothing at this address (HTTP 404)"),
        (Play(410, b'{"errorMessages": ["removed\\n it"]}'), "(HTTP 410: removed it)"),
        (Play(418, b'{"message": "tea"}'), "(HTTP 418: tea)"),
        (Play(200, LOGIN), "something else than data, such as a page to log in"),
        (Play(200, b"OK"), "something else than data"),
        (Play(200, b"[]"), "expected form"),
        (Play(200, b'{"total": 1}'), "expected form"),
        (Play(302, b"", {"Location": "/login"}), "the token was not sent there"),
        (Play(429, b"{}", {"Retry-After": "7200"}), "for another 120 minutes"),
        (Play(503, b"{}", {"Retry-After": "7200"}), "for another 120 minutes"),
    ],
)
def test_what_cannot_pass_ends_it_at_once(place: Place, play: Play, said: str) -> None:
    place.jira.instead[path_of(place)] = [play] * 3
    site = place.open()
    asked = len(place.jira.got)
    with pytest.raises(CollectError) as error:
        site.collect(["PAY-1"])
    assert said in error.value.message
    assert TOKEN not in error.value.message + error.value.hint
    assert len(place.jira.got) == asked + 1
    assert place.told.slept == []
    assert read_held(place.store, place.site, ["PAY-1"]) == {}


def test_a_server_that_does_not_answer_in_time(
    cloud: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 0.2)
    cloud.jira.instead["serverInfo"] = [Play(200, b"{}", delay=1.0)] * ATTEMPTS
    with pytest.raises(CollectError, match="no answer within 0 seconds"):
        cloud.open()


@pytest.mark.parametrize(
    ("scheme", "said"), [("http", "could not be reached"), ("https", "certificate")]
)
def test_a_server_that_cannot_be_spoken_to(cloud: Place, scheme: str, said: str) -> None:
    """Nobody listens, or whoever does speaks no TLS: to try again would be of no use."""
    host = f"127.0.0.1:{cloud.server.port}" if scheme == "https" else "127.0.0.1:1"
    waits = Waits()
    access = Access(f"{scheme}://{host}", "", TOKEN)
    found = Connection(access, "jira.test", lambda: NOW, waits, waits.slept.append)
    with pytest.raises(CollectError, match=said):
        found.get("serverInfo", "itself")
    assert waits.slept == []


@pytest.mark.parametrize(
    ("email", "sent"),
    [
        ("", f"Bearer {TOKEN}"),
        (
            "dana@acme.test",
            "Basic " + base64.b64encode(f"dana@acme.test:{TOKEN}".encode()).decode(),
        ),
    ],
)
def test_the_credentials_are_of_the_kind_that_was_given(email: str, sent: str) -> None:
    with serving() as server:
        waits = Waits()
        access = Access(f"http://127.0.0.1:{server.port}/ex/jira/7", email, TOKEN)
        found = Connection(access, "acme.test", lambda: NOW, waits)
        found.get("serverInfo", "itself")
        found.close()
    headers = {name.lower(): value for name, value in server.got[0].headers.items()}
    assert headers["authorization"] == sent
    assert server.got[0].path == "/ex/jira/7/rest/api/2/serverInfo"


def test_the_store_holds_no_token(place: Place, tmp_path: Path) -> None:
    place.jira.add("PAY-1")
    place.open().collect(["PAY-1"])
    every = [*place.store.everything()]
    assert len(every) == 3
    assert not any(TOKEN in f"{answer!r}" for answer, _ in every)
    assert TOKEN.encode() not in (tmp_path / "evidence.sqlite").read_bytes()


def test_a_waiting_program_can_be_stopped(place: Place) -> None:
    place.jira.instead["serverInfo"] = [told({}, 429, **{"Retry-After": "90"})]

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    access = Access(place.url, "", TOKEN)
    found = Connection(access, place.site, place.tick, place.told, interrupted)
    with pytest.raises(KeyboardInterrupt):
        found.get("serverInfo", "itself")
