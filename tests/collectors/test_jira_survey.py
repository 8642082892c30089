"""What Jira is asked so that a policy can be proposed, and how little it takes to go on without."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from changeaudit.collectors import jira_survey
from changeaudit.collectors.jira.access import Access
from changeaudit.collectors.jira_survey import MOST_PROJECTS, survey_jira
from changeaudit.records import Unavailable
from changeaudit.survey import JiraSurvey, ProjectSurvey, Status

TOKEN = "s3cret-token"


class Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever hung up does not hear the rest; that is no news."""


class Jira:
    """A server on this machine that answers from `answers`, by the path behind rest/api/2/."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.headers: dict[str, str] = {}
        self.got: list[tuple[str, str]] = []
        self.delay = 0.0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                time.sleep(outer.delay)
                outer.got.append((self.path, self.headers["Authorization"]))
                path = self.path.partition("?")[0].removeprefix("/jira/rest/api/2/")
                status, body = outer.answers.get(path, (404, b"{}"))
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        self.access = Access(f"http://{self.host}/jira/", "", TOKEN)

    def put(self, path: str, answer: Any) -> None:
        self.answers[path] = (200, json.dumps(answer).encode())


@pytest.fixture
def jira() -> Iterator[Jira]:
    """With two projects, one of which may be looked into."""
    found = Jira()
    found.put("project", [{"key": "PAY", "name": "Payments"}, {"key": "OPS", "name": "Operations"}])
    found.put(
        "project/PAY/statuses",
        [
            kind("Story", ("Open", "new"), ("Done", "done")),
            {**kind("Sub-task", ("Odd", "done")), "subtask": True},
            kind("Bug", ("Done", "done"), ("Won't Fix", "done")),
        ],
    )
    thread = threading.Thread(target=found.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        found.server.shutdown()
        found.server.server_close()
        thread.join()


def kind(name: str, *statuses: tuple[str, str]) -> dict[str, Any]:
    shown = [{"name": status, "statusCategory": {"key": key}} for status, key in statuses]
    return {"name": name, "statuses": shown}


def test_the_projects_and_what_is_in_those_that_are_wanted(jira: Jira) -> None:
    """Sub-tasks are no tickets of their own; their statuses are in use all the same."""
    found = survey_jira(jira.access, ["PAY", "UTF"])
    assert found == JiraSurvey(
        f"{jira.host}/jira",
        (("PAY", "Payments"), ("OPS", "Operations")),
        (
            ProjectSurvey(
                "PAY",
                "Payments",
                ("Story", "Bug"),
                (
                    Status("Open", "new"),
                    Status("Done", "done"),
                    Status("Odd", "done"),
                    Status("Won't Fix", "done"),
                ),
            ),
        ),
    )
    assert [path for path, _ in jira.got] == [
        "/jira/rest/api/2/project",
        "/jira/rest/api/2/project/PAY/statuses",
    ]


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
def test_the_credentials_are_of_the_kind_that_was_given(jira: Jira, email: str, sent: str) -> None:
    """An address and a token are for the Cloud, a token alone is a Data Center's."""
    survey_jira(Access(jira.access.url, email, TOKEN), [])
    assert jira.got[0][1] == sent


def test_a_project_that_is_closed_to_the_account_leaves_the_others(jira: Jira) -> None:
    found = survey_jira(jira.access, ["OPS", "PAY"])
    assert isinstance(found, JiraSurvey)
    refused = Unavailable("it has nothing at this address (HTTP 404)")
    assert found.projects[0] == ProjectSurvey("OPS", "Operations", refused, refused)
    assert found.projects[1].types == ("Story", "Bug")


def test_a_few_projects_are_looked_into(jira: Jira) -> None:
    keys = [f"P{number}" for number in range(MOST_PROJECTS + 3)]
    jira.put("project", [{"key": key} for key in keys])
    found = survey_jira(jira.access, keys)
    assert isinstance(found, JiraSurvey)
    assert [project.key for project in found.projects] == keys[:MOST_PROJECTS]
    assert len(found.names) == len(keys)


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, b"", "does not accept the credentials (HTTP 401)"),
        (403, b'{"errorMessages": ["no"]}', "does not accept the credentials (HTTP 403)"),
        (404, b"<html>", "nothing at this address (HTTP 404)"),
        (429, b"{}", "asks to wait (HTTP 429)"),
        (500, b"{}", "fails (HTTP 500)"),
        (503, b"{}", "fails (HTTP 503)"),
        (500, b"5", "does not have the expected form"),
        (200, b"<html>log in", "something else than data"),
        (200, b"", "does not have the expected form"),
        (200, b'{"a": 1}', "does not have the expected form"),
        (200, b'[{"name": "no key"}]', "does not have the expected form"),
        (200, b'[{"key": 7}]', "does not have the expected form"),
    ],
)
def test_what_goes_wrong_is_one_reason(jira: Jira, status: int, body: bytes, said: str) -> None:
    """It is asked once, nothing is waited for, and the reason never holds the token."""
    jira.answers["project"] = (status, body)
    found = survey_jira(jira.access, ["PAY"])
    assert isinstance(found, Unavailable)
    assert said in found.reason
    assert TOKEN not in found.reason
    assert len(jira.got) == 1


def test_a_token_follows_nobody(jira: Jira) -> None:
    jira.answers["project"] = (302, b"")
    jira.headers["Location"] = f"http://{jira.host}/jira/rest/api/2/elsewhere"
    found = survey_jira(jira.access, [])
    assert found == Unavailable("it redirects to elsewhere; the token was not sent there")
    assert len(jira.got) == 1


def test_a_server_that_does_not_answer_in_time(jira: Jira, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jira_survey, "TIMEOUT_SECONDS", 0.05)
    jira.delay = 0.5
    found = survey_jira(jira.access, [])
    assert isinstance(found, Unavailable)
    assert "did not answer within" in found.reason


@pytest.mark.parametrize(
    ("scheme", "said"), [("http", "could not be reached"), ("https", "certificate")]
)
def test_a_server_that_cannot_be_spoken_to(jira: Jira, scheme: str, said: str) -> None:
    """Nobody listens, or whoever does speaks no TLS."""
    host = jira.host if scheme == "https" else "127.0.0.1:1"
    found = survey_jira(Access(f"{scheme}://{host}", "", TOKEN), [])
    assert isinstance(found, Unavailable)
    assert said in found.reason


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://dana:pw@jira.acme.test", "more than the address"),
        ("https://jira.acme.test/?os_password=pw", "more than the address"),
        ("https://jira.acme.test/#pw", "more than the address"),
        ("http://jira.acme.test", "plain http to jira.acme.test"),
        ("http://10.0.0.1", "plain http"),
        ("jira.acme.test", "not an http"),
        ("ftp://jira.acme.test", "not an http"),
        ("https://", "not an http"),
        ("https://[::1", "not a URL"),
        ("https://jira.acme.test:port", "not a URL"),
    ],
)
def test_an_address_to_which_no_token_is_sent(url: str, said: str) -> None:
    """The reason shows no password that may stand in the address."""
    found = survey_jira(Access(url, "", TOKEN), [])
    assert isinstance(found, Unavailable)
    assert said in found.reason
    assert "pw" not in found.reason
