"""`changeaudit collect`: what it prints, what it keeps, and how it ends."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from cli.command import TOKEN, Command, served
from collectors.github.fake_github import FakeGitHub, at, commit, pull, review

pytestmark = pytest.mark.slow  # each test starts the program

posix = pytest.mark.skipif(sys.platform == "win32", reason="a signal of POSIX")
PULLS = 400
MARCH = ("acme/payments", "--period", "2026-03", "--workers", "1")
RATE = {"cost": 3, "limit": 5000, "remaining": 4000, "resetAt": "2026-03-01T00:00:00Z"}


class Served(FakeGitHub):
    """A company behind an address; `held_back` is what requests after some wait for."""

    def __init__(self) -> None:
        super().__init__(lambda: at("06-01"))
        self.first_ones = PULLS
        self.reached, self.go_on = threading.Event(), threading.Event()
        for n in range(1, PULLS + 1):
            self.add(pull(n, f"03-{1 + (n - 1) * 31 // PULLS:02} {n % 24:02}:00"))
        own = [commit("c1"), commit("head")]
        self.add(pull(7, "03-02", reviews=[review("pat", of="c1")], commits=own))
        self.line("top", f"m{PULLS}")
        self.line("m0")
        self.members = None

    def answered(self, body: bytes) -> tuple[int, bytes]:
        """The answer to one request of any operation."""
        if not body:
            return 404, b'{"message": "Not Found"}'
        asked = json.loads(body)
        name = re.search(r"query (\w+)", asked["query"])
        assert name
        operation = re.sub(r"(?<!^)(?=[A-Z])", "_", name[1]).lower()
        with self.answering:
            self.requests += 1
            late = self.requests > self.first_ones
            self.text = asked["query"]
            data = getattr(self, f"answer_{operation}")(asked["variables"])
        if late:
            self.reached.set()
            self.go_on.wait(60)
        return 200, json.dumps({"data": {"rateLimit": RATE, **data}}).encode()


@contextmanager
def company() -> Iterator[tuple[Served, dict[str, str]]]:
    """A company, and the environment that leads to it."""
    github = Served()
    with served(github.answered) as api:
        yield github, {"GITHUB_API_URL": api, "GITHUB_TOKEN": TOKEN}


def test_it_tells_what_the_store_holds_then(changeaudit: Command) -> None:
    with company() as (github, environment):
        done = changeaudit("collect", *MARCH, **environment)
        requests = github.requests
    assert done.code == 0
    lines = done.text.splitlines()
    assert lines[0].endswith("2026-03-01T00:00:00Z to 2026-04-01T00:00:00Z")
    assert " ".join(lines[2].split()) == "repository merged pull requests branches followed as of"
    assert lines[3].split()[:3] == ["acme/payments", "400", "main"]
    assert f"Collected from {lines[0].split(',')[0]} with" in done.err
    assert f" and {3 * requests} points." in done.err
    assert requests < 0.06 * PULLS


def test_as_json_and_quietly(changeaudit: Command) -> None:
    with company() as (_, environment):
        done = changeaudit("collect", *MARCH, "-q", "--format", "json", **environment)
    assert (done.code, done.err) == (0, "")
    found = json.loads(done.text)
    assert found["schema"] == "changeaudit/collected/1"
    (repository,) = found["repositories"]
    assert repository["repository"] == "acme/payments"
    assert (repository["pull_requests"], repository["branches"]) == (PULLS, ["main"])


def test_a_second_run_takes_two_requests(changeaudit: Command) -> None:
    with company() as (github, environment):
        changeaudit("collect", *MARCH, **environment)
        github.requests = 0
        done = changeaudit("collect", *MARCH, **environment)
        assert github.requests == 2
    assert "400" in done.text


def test_an_audit_needs_nothing_more(changeaudit: Command) -> None:
    with company() as (_, environment):
        changeaudit("collect", *MARCH, **environment)
        done = changeaudit("audit", *MARCH, "--offline", "--format", "json", **environment)
    assert done.code == 1
    assert json.loads(done.text)["summary"]["changes"] >= PULLS


@pytest.mark.parametrize("way", ["search", "walk"])
def test_both_ways_and_any_number_of_workers_find_the_same(changeaudit: Command, way: str) -> None:
    with company() as (_, environment):
        more = ("--workers", "3", "--enumerate", way)
        done = changeaudit("collect", *MARCH[:3], *more, **environment)
    assert done.code == 0
    assert done.text.splitlines()[3].split()[:2] == ["acme/payments", "400"]


def test_a_budget_is_kept_and_the_next_run_goes_on(changeaudit: Command) -> None:
    with company() as (github, environment):
        whole = changeaudit("collect", *MARCH, "--store", "whole.sqlite", **environment)
        needed, github.requests = github.requests, 0
        runs = [changeaudit("collect", *MARCH, "--max-points", "30", **environment)]
        assert 3 * github.requests <= 30
        while runs[-1].code == 4:
            assert "of the 30 that --max-points allows are spent" in runs[-1].err
            assert "hint: What was collected so far is kept" in runs[-1].err
            assert runs[-1].text == ""
            runs.append(changeaudit("collect", *MARCH, "--max-points", "30", **environment))
            assert len(runs) < 20
        assert github.requests <= needed + 3 * len(runs)
    assert runs[-1].code == 0
    assert runs[-1].text.split()[:12] == whole.text.split()[:12]


@posix
@pytest.mark.parametrize("workers", ["1", "3"])
def test_ctrl_c_ends_all_workers_at_once_and_keeps_what_is_there(
    changeaudit: Command, workers: str
) -> None:
    line = ("collect", *MARCH[:3], "--workers", workers)
    with company() as (github, environment):
        github.first_ones = 6
        process = subprocess.Popen(
            changeaudit.line(*line),
            cwd=changeaudit.folder,
            env=changeaudit.environment(**environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert github.reached.wait(60)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=15)
        github.go_on.set()
        assert (process.returncode, out) == (130, b"")
        assert b"Interrupted. What was collected so far is kept; run the same command" in err
        assert b"Traceback" not in err
        with sqlite3.connect(changeaudit.folder / "changeaudit.sqlite") as store:
            (kept,) = store.execute("SELECT count(*) FROM items").fetchone()
            assert kept > 100
            assert store.execute("SELECT count(*) FROM windows").fetchone() == (0,)
        github.first_ones = 10 * PULLS
        github.requests = 0
        done = changeaudit(*line, **environment)
    assert done.code == 0
    assert done.text.splitlines()[3].split()[:2] == ["acme/payments", "400"]
    assert github.requests <= 14


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--workers", "0"), "should be greater than or equal to 1"),
        (("--max-points", "0"), "should be greater than or equal to 1"),
        (("--enumerate", "guess"), "expected one of search, walk; found 'guess'"),
    ],
)
def test_what_it_does_not_take(changeaudit: Command, more: tuple[str, ...], told: str) -> None:
    done = changeaudit("collect", *MARCH[:3], *more)
    assert done.code == 2
    assert told in " ".join(done.err.split())
