"""The command as people start it: a process of its own, in an empty folder, without a token."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from changeaudit.store import Store

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "fixtures" / "demo"
TOKEN = "ghp_" + "s3cret" * 6


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it wrote."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """What it printed."""
        return self.out.decode("utf-8")


_HEARING = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"


@dataclass(frozen=True)
class Command:
    """Starts `changeaudit` in a folder of its own."""

    folder: Path

    def environment(self, **more: str) -> dict[str, str]:
        """What a user's shell has at least, and nothing else: no token, no `gh`."""
        kept = ("SYSTEMROOT", "TEMP", "TMP", "COV", "PYTHONPATH")
        bare = {name: value for name, value in os.environ.items() if name.startswith(kept)}
        path = self.folder / "no programs"
        path.mkdir(exist_ok=True)
        bare |= {"PATH": str(path), "HOME": str(self.folder), "PYTHONUTF8": "1"}
        bare |= {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
        return {**bare, **more}

    def line(self, *args: str, code: str = "") -> list[str]:
        """The command line; `code` is Python that runs in the process first.

        Ctrl-C is heard even where the tests were started in the background, which is to ignore it.
        """
        program = f"{_HEARING}{code}\nfrom changeaudit.cli.main import run\nrun()"
        return [sys.executable, "-c", program, *args]

    def __call__(self, *args: str, code: str = "", **environment: str) -> Done:
        """Run it to its end. Whatever it is given, it shows no stack trace and no token."""
        done = subprocess.run(
            self.line(*args, code=code),
            cwd=self.folder,
            env=self.environment(**environment),
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=120,
        )
        found = Done(done.returncode, done.stdout, done.stderr.decode("utf-8"))
        assert TOKEN not in found.err + done.stdout.decode("utf-8", "replace")
        if "CHANGEAUDIT_DEBUG" not in environment:
            assert "Traceback" not in found.err
        return found


@dataclass(frozen=True)
class Evidence:
    """The demonstration's evidence, copied to where a command may do with it what it likes."""

    folder: Path
    api: str

    @property
    def store(self) -> Path:
        return self.folder / "evidence.sqlite"

    def audit(self, *more: str) -> tuple[str, ...]:
        """The arguments that audit it as `changeaudit demo` does."""
        policy = str(self.folder / "policy.yaml")
        return (*self.under(policy), "--period", "2026-Q3", *more)

    def under(self, policy: str) -> tuple[str, ...]:
        """The arguments without a period, under another policy."""
        names = ("meridian-labs/ledger", "meridian-labs/storefront", "meridian-labs/runbooks")
        return ("audit", *names, "--offline", "--store", str(self.store), "--policy", policy)


def copied(to: Path) -> Evidence:
    """The demonstration's evidence, copied into the folder `to`, which must not be there yet."""
    shutil.copytree(DEMO, to)
    source = json.loads((DEMO / "demo.json").read_text(encoding="utf-8"))["source"]
    return Evidence(to, f"http://{source}/api/v3")


Answer = tuple[int, bytes]


@contextmanager
def served(
    answer: Callable[[bytes], Answer],
    found: Callable[[str], Answer] = lambda path: (404, b'{"message": "Not Found"}'),
) -> Iterator[str]:
    """A server on this machine; gives its API's address.

    It answers every POST with `answer`, by its body, and every GET with `found`, by its path.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.say(*answer(self.rfile.read(int(self.headers["Content-Length"]))))

        def do_GET(self) -> None:
            self.say(*found(self.path))

        def say(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api/v3"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def replaying(store: Path) -> tuple[Callable[[bytes], Answer], Callable[[str], Answer]]:
    """Answers of a store, given again to what they once answered, in every way of asking.

    Those of a Jira are below the path /jira.
    """
    held: dict[tuple[str, str], bytes] = {}
    searches: dict[str, Answer] = {}
    paths: dict[str, Answer] = {}
    with Store.open(store, create=False, read_only=True) as opened:
        for stored, _ in opened.everything():
            request = json.loads(stored.request)
            if "post" in request:
                searches[json.dumps(request["body"], sort_keys=True)] = stored.status, stored.body
            elif "get" in request:
                paths[in_order(request["get"])] = stored.status, stored.body
            else:
                asked = request["query"], json.dumps(request["variables"], sort_keys=True)
                held[asked] = stored.body

    def answer(body: bytes) -> Answer:
        asked = json.loads(body)
        if "query" not in asked:
            refused = 400, b'{"errorMessages": ["this was not recorded"]}'
            return searches.get(json.dumps(asked, sort_keys=True), refused)
        digest = hashlib.sha256(asked["query"].encode()).hexdigest()
        found = held.get((digest, json.dumps(asked["variables"], sort_keys=True)))
        return (200, found) if found else (400, b'{"message": "this was not recorded"}')

    def found(path: str) -> Answer:
        asked = in_order(re.sub(r"^(/api/v3|/jira/rest/api/\d+/)", "", path))
        return paths.get(asked, (404, b'{"message": "Not Found"}'))

    return answer, found


def in_order(path: str) -> str:
    """A path whose parameters stand in the order of their names, whoever put them there."""
    path, _, parameters = path.partition("?")
    return f"{path}?{'&'.join(sorted(parameters.split('&')))}"
