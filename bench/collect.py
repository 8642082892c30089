"""What collecting costs, against a plain loop over GitHub's REST API for the same evidence.

Both ask one small server, which this starts: it makes up as many merged pull requests as it is
told, each with reviews, commits, files, comments, labels and checks, and takes 20 ms for every
request and 0.2 ms for everything in a list that it shows. The loop is what is written first with
PyGithub: for each pull request the pull request itself, its reviews, commits, files, comments,
timeline, and the checks and statuses of its head. `changeaudit collect` runs as people run it, its
start included. Requests, wall time and the client's processor time are divided by the pull requests
that were collected; peak memory is the process's own.

The best time is what the server's waits would take if every worker were always waiting for one.
Collecting is held against that from its first request to its last answer: more is what the order of
its requests adds, its own work, and whatever else keeps the machine busy, so that it has no limit.

Prints all of it, and exits with 1 when a ratio is over its limit, or a pull request is missing.
`python bench/collect.py 10000 100000` measures collecting alone at those sizes: see collect.md.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

SIZE = 1000
LOOP = 40
"""Pull requests that the loop collects: it takes eleven requests for each."""
WORKERS = 2
"""How many ask at once: what `changeaudit collect` does where nothing else is said."""
LATENCY_SECONDS = 0.02
NODE_SECONDS = 0.0002
REQUESTS, TIME, MEMORY = 0.01, 0.1, 3.0
"""How much collecting may take of what the loop takes."""

REPOSITORY = "acme/payments"
START = datetime(2024, 1, 1, tzinfo=UTC)
SPAN = timedelta(days=700)
Json = dict[str, Any]


class Asked(NamedTuple):
    """What a server was asked: how often, how long it waited in all, and when, in seconds."""

    requests: int = 0
    waited: float = 0.0
    first: float = 0.0
    last: float = 0.0


# The server -------------------------------------------------------------------------------------


def text_of(instant: datetime) -> str:
    """An instant as GitHub writes it."""
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def oid(kind: str, number: int) -> str:
    """A commit's id."""
    return f"{kind}{number:039x}"


def listed(nodes: Sequence[Json]) -> Json:
    """A list that fits its page."""
    info = {"hasNextPage": False, "endCursor": None}
    return {"totalCount": len(nodes), "pageInfo": info, "nodes": list(nodes)}


def user(login: str) -> Json:
    """An account."""
    return {"__typename": "User", "login": login, "databaseId": sum(login.encode())}


class Company:
    """A repository with so many merged pull requests, spread evenly, each on top of the last."""

    def __init__(self, size: int) -> None:
        self.size = size

    def merged_at(self, number: int) -> datetime:
        """When one merged, to the second."""
        return (START + SPAN * number / (self.size + 1)).replace(microsecond=0)

    def first_from(self, text: str, *, after: bool = False) -> int:
        """The first that merged at an instant or later, or `after` it."""
        low, high = 1, self.size + 1
        while low < high:
            middle = (low + high) // 2
            at = text_of(self.merged_at(middle))
            early = at <= text if after else at < text
            low, high = (middle + 1, high) if early else (low, middle)
        return low

    def found(self, search: str) -> range:
        """The numbers that a search finds."""
        low, high = 1, self.size + 1
        if dates := re.search(r"merged:(\S+)\.\.(\S+)", search):
            low, high = self.first_from(dates[1]), self.first_from(dates[2], after=True)
        elif limit := re.search(r"merged:(<=|>=)(\S+)", search):
            if limit[1] == "<=":
                high = self.first_from(limit[2], after=True)
            else:
                low = self.first_from(limit[2])
        if changed := re.search(r"updated:>=(\S+)", search):
            low = max(low, self.first_from(changed[1]))
        numbers = range(low, max(low, high))
        return numbers[::-1] if "created-desc" in search else numbers

    def merge(self, number: int) -> Json:
        """The merge commit of one, on top of that of the one before."""
        below = [{"id": f"C_{number - 1}", "oid": oid("a", number - 1)}] if number > 1 else []
        return {
            "id": f"C_{number}",
            "oid": oid("a", number),
            "url": f"https://git.test/{number}",
            "parents": {"nodes": below},
        }

    @cached_property
    def _pattern(self) -> str:
        """A pull request, with a mark where its number belongs."""
        at, head = "@AT@", "b@OID@"
        who = {"name": "Dana", "email": "dana@acme.test", "date": at, "user": user("dana")}
        commits = [
            {
                "oid": head if last else f"{place}@OID@",
                "url": "https://git.test/c",
                "message": "PAY-@N@ Round invoices to the cent\n\nAs the ledger does.",
                "committedViaWeb": False,
                "tree": {"oid": "e" * 40},
                "author": who,
                "committer": who,
            }
            for place, last in (("c", False), ("d", False), ("b", True))
        ]
        event = {"createdAt": at, "actor": user("lee")}
        comment = {"lastEditedAt": None, "body": "Tested on staging.", "fullDatabaseId": "7"}
        found = {
            "id": "PR_@N@",
            "number": 0,
            "url": "https://git.test/acme/payments/pull/@N@",
            "title": "PAY-@N@ Round invoices to the cent",
            "body": "## What and why\n\nInvoices differ by a cent.\n\n- [x] Tests pass\n" * 4,
            "createdAt": at,
            "mergedAt": at,
            "updatedAt": at,
            "lastEditedAt": None,
            "isDraft": False,
            "baseRefName": "main",
            "headRefName": "topic-@N@",
            "headRefOid": head,
            "isCrossRepository": False,
            "changedFiles": 6,
            "author": user("dana"),
            "mergedBy": user("lee"),
            "headRepository": {"nameWithOwner": REPOSITORY},
            "mergeCommit": "@MERGE@",
            "labels": listed([{"name": "qa-passed"}, {"name": "bug"}]),
            "reviews": listed(
                [
                    {
                        "id": f"R_{login}",
                        "url": "https://git.test/r",
                        "state": "APPROVED",
                        "body": "",
                        "submittedAt": at,
                        "lastEditedAt": None,
                        "authorCanPushToRepository": True,
                        "author": user(login),
                        "commit": {"oid": head},
                    }
                    for login in ("pat", "lee")
                ]
            ),
            "timelineItems": listed(
                [
                    {"__typename": "LabeledEvent", **event, "label": {"name": "qa-passed"}},
                    {"__typename": "LabeledEvent", **event, "label": {"name": "bug"}},
                    {"__typename": "IssueComment", **event, **comment, "author": user("quinn")},
                    {"__typename": "MergedEvent", **event, "mergeRefName": "main", "commit": None},
                ]
            ),
            "commits": listed([{"commit": each} for each in commits]),
            "files": listed(
                [{"path": f"src/ledger/{n}.py", "changeType": "MODIFIED"} for n in range(6)]
            ),
            "closingIssuesReferences": listed([]),
            "statusCheckRollup": {
                "contexts": listed(
                    [
                        {
                            "__typename": "CheckRun",
                            "name": name,
                            "status": "COMPLETED",
                            "conclusion": "SUCCESS",
                            "startedAt": at,
                            "completedAt": at,
                            "databaseId": 7,
                            "detailsUrl": "https://ci.test/7",
                            "checkSuite": {"createdAt": at, "app": {"slug": "actions"}},
                        }
                        for name in ("build", "unit", "lint", "staging-e2e")
                    ]
                )
            },
        }
        return json.dumps(found)

    def pull(self, number: int) -> str:
        """A pull request as the page of a search shows it, in JSON."""
        return (
            self._pattern.replace('"@MERGE@"', json.dumps(self.merge(number)))
            .replace('"number": 0', f'"number": {number}')
            .replace("@N@", str(number))
            .replace("@OID@", f"{number:039x}")
            .replace("@AT@", text_of(self.merged_at(number)))
        )

    def graphql(self, name: str, variables: Json) -> tuple[str, int]:
        """The data that an operation is answered with, in JSON, and how many things are listed."""
        if name == "PullRequests":
            numbers = self.found(variables["search"])
            start = int(variables["after"] or 0)
            end = start + variables["first"]
            more = {"hasNextPage": end < len(numbers), "endCursor": str(end)}
            nodes = ",".join(self.pull(number) for number in numbers[start:end])
            return (
                f'{{"search": {{"issueCount": {len(numbers)}, "pageInfo": {json.dumps(more)},'
                f' "nodes": [{nodes}]}}}}'
            ), len(numbers[start:end]) * self._listed
        if name == "Merges":
            sides = {side: self._merges(search) for side, search in variables.items()}
            return json.dumps(sides), sum(len(side["nodes"]) for side in sides.values())
        if name == "Line":
            asked = variables["i0"]
            root = {
                "id": asked,
                "oid": oid("a", int(asked.removeprefix("C_"))),
                "url": "https://github.com/acme/payments/commit/0",
                "message": "The first commit",
                "parents": {"nodes": []},
            }
            return json.dumps({"s0": {"oid": root["oid"], "history": {"nodes": [root]}}}), 1
        count = {"search": {"issueCount": len(self.found(variables["search"]))}}
        head = {"id": f"C_{self.size}", "oid": oid("a", self.size)}
        repository = {
            "databaseId": 7,
            "nameWithOwner": REPOSITORY,
            "url": f"https://git.test/{REPOSITORY}",
            "pullRequestTemplates": [],
            "defaultBranchRef": {"name": "main", "target": head},
        }
        return json.dumps({**count, "viewer": {"login": "audit"}, "repository": repository}), 0

    @cached_property
    def _listed(self) -> int:
        """How many things a pull request of a page is: itself, and what its lists hold."""
        found = json.loads(self.pull(1))
        lists = [each for each in found.values() if isinstance(each, dict)]
        lists.append(found["statusCheckRollup"]["contexts"])
        return 1 + sum(len(each.get("nodes", ())) for each in lists)

    def _merges(self, search: str) -> Json:
        numbers = self.found(search)
        nodes = [
            {
                "number": number,
                "mergedAt": text_of(self.merged_at(number)),
                "baseRefName": "main",
                "mergeCommit": self.merge(number),
            }
            for number in numbers[:100]
        ]
        return {"issueCount": len(numbers), "nodes": nodes}

    def rest(self, path: str) -> Any:
        """What the REST API answers, as much as the loop reads."""
        if path.endswith("/status"):
            return {"state": "success", "statuses": []}
        if path.endswith("/check-runs"):
            return {"total_count": 4, "check_runs": [{"id": n, "name": "unit"} for n in range(4)]}
        one = re.fullmatch(r".*/(pulls|issues|commits)/(\w+)", path)
        if one is None:
            return [{"id": n} for n in range(3)]
        return {"number": int(one[2]) if one[1] != "commits" else 0, "sha": one[2]} | {
            "head": {"sha": "b" * 40},
            "url": f"{path}",
            "issue_url": path.replace("/pulls/", "/issues/"),
        }


def serve(size: int) -> None:
    """Answer on a port of this machine, which is printed, until killed."""
    company = Company(size)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        asked = Asked()
        counting = threading.Lock()

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            name = re.search(r"query (\w+)", asked["query"])
            data, things = company.graphql(name[1] if name else "", asked["variables"])
            rate = (
                '{"cost": 1, "limit": 5000, "remaining": 4000, "resetAt": "2030-01-01T00:00:00Z"}'
            )
            self.answer(f'{{"data": {{"rateLimit": {rate}, {data[1:]}}}', things)

        def do_GET(self) -> None:
            if self.path == "/asked":
                self.send(json.dumps(Handler.asked._asdict()))
                Handler.asked = Asked()
                return
            if "/activity" in self.path or "/rulesets" in self.path:
                return self.answer('{"message": "Not Found"}', status=404)
            path = self.path.partition("?")[0]
            found = company.rest(f"http://{self.headers['Host']}{path}")
            return self.answer(json.dumps(found), len(found) if isinstance(found, list) else 0)

        def answer(self, text: str, things: int = 0, status: int = 200) -> None:
            start, wait = time.monotonic(), LATENCY_SECONDS + NODE_SECONDS * things
            time.sleep(wait)
            self.send(text, status)
            with Handler.counting:
                so_far = Handler.asked
                Handler.asked = Asked(
                    so_far.requests + 1,
                    so_far.waited + wait,
                    so_far.first or start,
                    time.monotonic(),
                )

        def send(self, text: str, status: int = 200) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


# The loop ---------------------------------------------------------------------------------------


def loop(api: str, size: int) -> None:
    """Collect pull requests one after another, as one would with PyGithub."""
    from github import Auth, Github

    client = Github(
        base_url=api, auth=Auth.Token("t"), seconds_between_requests=0, per_page=100, lazy=True
    )
    repository = client.get_repo(REPOSITORY)
    for number in range(1, size + 1):
        pull = repository.get_pull(number).complete()
        issue = repository.get_issue(number).complete()
        head = repository.get_commit(pull.head.sha)
        kept = [
            list(pull.get_reviews()),
            list(pull.get_commits()),
            list(pull.get_files()),
            list(pull.get_issue_comments()),
            list(pull.get_review_comments()),
            list(issue.get_timeline()),
            list(issue.get_events()),
            list(head.get_check_runs()),
            head.get_combined_status().statuses,
        ]
        if not all(kept[:4]):
            raise SystemExit("collect: the loop found nothing")


# What is measured -------------------------------------------------------------------------------


class Cost(NamedTuple):
    """What it took: seconds of the clock and of the processor, bytes at most, what was asked."""

    wall: float
    processor: float
    memory: int
    asked: Asked

    @property
    def requests(self) -> int:
        """How many requests it took."""
        return self.asked.requests

    @property
    def over_best(self) -> float:
        """The time from its first request to its last answer, as a multiple of the best."""
        return (self.asked.last - self.asked.first) / (self.asked.waited / WORKERS)


def measured(command: Sequence[str], port: int) -> Cost:
    """What a command takes that asks the server; fails if it does."""
    asked(port)
    start = time.perf_counter()
    environment = {"GITHUB_API_URL": f"http://127.0.0.1:{port}/api/v3", "GITHUB_TOKEN": "t"}
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, **environment})
    _, status, used = os.wait4(child.pid, 0)
    wall = time.perf_counter() - start
    if status:
        raise SystemExit(f"collect: {' '.join(command)} left with {status}")
    kilo = 1 if sys.platform == "darwin" else 1024
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * kilo, asked(port))


def asked(port: int) -> Asked:
    """What the server has answered since this was asked last."""
    from urllib.request import urlopen

    with urlopen(f"http://127.0.0.1:{port}/asked") as answer:
        return Asked(**json.loads(answer.read()))


def collected(port: int, folder: str, *more: str) -> Cost:
    """What `changeaudit collect` takes for all of them."""
    program = str(Path(sys.executable).parent / "changeaudit")
    line = [program, "collect", REPOSITORY, "--since", "2023-12-01", "--until", "2026-01-31"]
    return measured([*line, "--store", f"{folder}/store.sqlite", "--quiet", *more], port)


def held(folder: str) -> int:
    """How many pull requests the store holds."""
    from changeaudit.store import Store

    with Store.open(f"{folder}/store.sqlite", create=False, read_only=True) as store:
        (source,) = {count.source for count in store.counts()}
        until = START + SPAN + timedelta(days=1)
        return store.number(source, REPOSITORY, "pull_request", START, until)


def at_size(size: int) -> tuple[Cost, Cost | None]:
    """What collecting `size` takes, and the loop if it is the size of the comparison."""
    serving = [sys.executable, __file__, "serve", str(size)]
    with (
        subprocess.Popen(serving, stdout=subprocess.PIPE, text=True) as server,
        tempfile.TemporaryDirectory() as folder,
    ):
        try:
            port = int(server.stdout.readline() if server.stdout else "")
            ours = collected(port, folder)
            if held(folder) != size:
                raise SystemExit(f"collect: {held(folder)} of {size} pull requests are there")
            again = collected(port, folder)
            print(
                f"collect: {size:,} pull requests: {ours.requests / size:.4f} requests and"
                f" {ours.processor / size * 1000:.2f} ms of the processor each,"
                f" {ours.wall:.1f} s, {ours.memory / 1e6:.0f} MB; its requests took"
                f" {ours.over_best:.2f} times the best that {WORKERS} workers could; a second run"
                f" {again.requests} requests"
            )
            if size != SIZE:
                return ours, None
            api = f"http://127.0.0.1:{port}"
            return ours, measured([sys.executable, __file__, "loop", api, str(LOOP)], port)
        finally:
            server.kill()


def main() -> int:
    """Measures, prints, and returns the exit code."""
    if sys.argv[1:2] == ["serve"]:
        serve(int(sys.argv[2]))
    elif sys.argv[1:2] == ["loop"]:
        loop(sys.argv[2], int(sys.argv[3]))
    elif len(sys.argv) > 1:
        for size in sys.argv[1:]:
            at_size(int(size))
    else:
        ours, theirs = at_size(SIZE)
        if theirs is None:
            raise SystemExit("collect: the loop was not measured")
        ratios = {
            "requests": (ours.requests / SIZE / (theirs.requests / LOOP), REQUESTS),
            "time": (ours.wall / SIZE / (theirs.wall / LOOP), TIME),
            "peak memory": (ours.memory / theirs.memory, MEMORY),
        }
        good = all(ratio <= limit for ratio, limit in ratios.values())
        told = ", ".join(f"{n} {r:.3f} (limit {limit})" for n, (r, limit) in ratios.items())
        print(
            f"collect: against a loop over the REST API ({theirs.requests / LOOP:.0f} requests and"
            f" {theirs.wall / LOOP:.2f} s each, {theirs.memory / 1e6:.0f} MB): {told}:"
            f" {'pass' if good else 'FAIL'}"
        )
        return 0 if good else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
