"""Whatever ends a run, what was paid for is kept, and nothing counts that is not whole."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from changeaudit.collectors.github import reading
from changeaudit.records import BranchLine, PullRequest
from changeaudit.store import Store
from cli.command import served
from collectors.github import collecting_process
from collectors.github.collecting_process import MARCH
from collectors.github.fake_github import (
    REPOSITORY,
    FakeGitHub,
    Json,
    at,
    commit,
    pull,
    review,
)

PULLS = 2000
TOP = f"m{PULLS}"


def company() -> FakeGitHub:
    """A month of a busy repository: long lists, approvals of earlier commits, direct pushes."""
    github = FakeGitHub(lambda: at("06-01"))
    for n in range(1, PULLS + 1):
        day = f"03-{1 + (n - 1) * 31 // PULLS:02} {n % 24:02}:{n % 60:02}"
        changes: Json = {}
        if n % 100 == 7:
            changes["labels"] = [{"name": f"l{k}"} for k in range(120)]
        if n % 500 == 9:
            changes["files"] = [{"path": f"{k}.py", "changeType": "ADDED"} for k in range(950)]
        if n % 50 == 3:
            changes["commits"] = [commit(f"p{n}"), commit("head")]
            changes["reviews"] = [review("pat", of=f"p{n}", submitted="02-20")]
        found = pull(n, day, **changes)
        if n % 200 == 0:
            parents = [{"id": f"C_d{n}", "oid": f"d{n}"}]
            found["mergeCommit"]["parents"] = {"nodes": parents}
        github.add(found)
    for n in range(200, PULLS + 1, 200):
        github.line(f"m{n - 1}", "root")
        github.line(f"d{n}", f"m{n - 1}")
    github.line("m0")
    return github


@contextmanager
def over_http(github: FakeGitHub, before: Callable[[int], None]) -> Iterator[str]:
    """The company behind an address; `before` is called before each answer with its number."""

    def answer(body: bytes) -> tuple[int, bytes]:
        asked = json.loads(body)
        with github.answering:
            github.requests += 1
            before(github.requests)
            name = re.search(r"query (\w+)", asked["query"])
            assert name
            operation = re.sub(r"(?<!^)(?=[A-Z])", "_", name[1]).lower()
            github.text = asked["query"]
            data = getattr(github, f"answer_{operation}")(asked["variables"])
        return 200, json.dumps({"data": {"rateLimit": None, **data}}).encode()

    with served(answer) as api:
        yield api


Rows = tuple[list[PullRequest], BranchLine]


def rows(path: Path) -> Rows:
    """What an audit would read, answers' own digests aside."""
    with Store.open(path, create=False, read_only=True) as store:
        (source,) = {count.source for count in store.counts()}
        assert reading.held(store, source, REPOSITORY, MARCH) == ()
        assert store.verify() == ()
        pulls = list(reading.read_pull_requests(store, source, REPOSITORY, MARCH))
        line = reading.read_line(store, source, REPOSITORY, "main", MARCH)
    import msgspec

    pulls = [msgspec.structs.replace(each, evidence=()) for each in pulls]
    line = msgspec.structs.replace(
        line,
        commits={
            oid: msgspec.structs.replace(each, evidence=()) for oid, each in line.commits.items()
        },
    )
    return sorted(pulls, key=lambda p: p.number), line


@pytest.fixture(scope="module")
def github() -> FakeGitHub:
    return company()


@pytest.fixture(scope="module")
def whole(github: FakeGitHub, tmp_path_factory: pytest.TempPathFactory) -> tuple[Rows, int]:
    """What one run gives that nothing interrupts, and the requests that it takes."""
    path = tmp_path_factory.mktemp("whole") / "store.sqlite"
    with over_http(github, lambda n: None) as api:
        requests = collecting_process.run(api, path, TOP)
    return rows(path), requests


def test_it_takes_few_requests(whole: tuple[Rows, int]) -> None:
    """With everything that some of them have besides: fewer than six for a hundred."""
    (pulls, _), requests = whole
    assert len(pulls) == PULLS
    assert requests <= 0.06 * PULLS


@pytest.mark.parametrize("workers", [2, 4])
def test_several_workers_collect_the_same(
    github: FakeGitHub, whole: tuple[Rows, int], tmp_path: Path, workers: int
) -> None:
    with over_http(github, lambda n: None) as api:
        requests = collecting_process.run(api, tmp_path / "s.sqlite", TOP, workers)
    assert rows(tmp_path / "s.sqlite") == whole[0]
    assert requests <= 1.2 * whole[1]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_a_run_that_is_killed_goes_on_where_it_stopped(
    github: FakeGitHub, whole: tuple[Rows, int], tmp_path: Path, seed: int
) -> None:
    """The same rows in the end, and no more than a tenth of the requests paid for twice."""
    expected, requests = whole
    chance = random.Random(seed)
    moment = chance.randrange(2, requests)
    path = tmp_path / "store.sqlite"
    github.requests = 0
    child: subprocess.Popen[bytes] | None = None

    def kill(number: int) -> None:
        if number == moment and child is not None:
            child.kill()

    with over_http(github, kill) as api:
        script = collecting_process.__file__
        child = subprocess.Popen([sys.executable, script, api, str(path), TOP, "1"])
        assert child.wait(60) != 0
        github.requests = moment
        collecting_process.run(api, path, TOP)
        assert github.requests <= 1.1 * requests
    assert rows(path) == expected


@pytest.mark.slow
def test_two_runs_into_one_store_do_each_other_no_harm(
    github: FakeGitHub, whole: tuple[Rows, int], tmp_path: Path
) -> None:
    path = tmp_path / "store.sqlite"
    with over_http(github, lambda n: None) as api:
        script = collecting_process.__file__
        line = [sys.executable, script, api, str(path), TOP, "2"]
        both = [subprocess.Popen(line) for _ in range(2)]
        assert [each.wait(120) for each in both] == [0, 0]
    assert rows(path) == whole[0]
