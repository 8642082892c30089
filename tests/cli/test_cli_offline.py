"""What only reads the store never touches the network: not even a name is looked up."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.command import TOKEN, Command, Evidence

GUARD = """
import os, sys

def refuse(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.gethostbyname"):
        os.write(2, f"network: {event} {args}".encode())
        os._exit(99)

sys.addaudithook(refuse)
"""
"""Ends the process at the first thing that it asks of the network, whatever asks it."""

LEDGER = "meridian-labs/ledger"
PERIOD = ("--period", "2026-Q3")


def commands(evidence: Evidence, to: Path) -> dict[str, tuple[str, ...]]:
    """Every command that can serve from the store, on the demonstration's."""
    policy, archive = str(evidence.folder / "policy.yaml"), to / "archive.jsonl.gz"
    store, by = ("--store", str(evidence.store)), ("--policy", policy)
    return {
        "audit": evidence.audit(),
        "audit as a pack": evidence.audit("--output", str(to / "pack")),
        "explain": ("explain", f"{LEDGER}#21", "--offline", *store, *by),
        "controls": ("controls", LEDGER, "--offline", *store, *by),
        "roster export": ("roster", "export", *store, *by),
        "policy check": ("policy", "check", policy),
        "policy diff": ("policy", "diff", policy, policy, LEDGER, *PERIOD, *store),
        "store info": ("store", "info", *store),
        "store verify": ("store", "verify", *store),
        "store export": ("store", "export", str(to / "out.jsonl.gz"), *store),
        "store import": ("store", "import", str(archive), "--store", str(to / "new.sqlite")),
        "store merge": ("store", "merge", str(to / "joined.sqlite"), str(archive), store[1]),
        "demo": ("demo",),
    }


NAMES = tuple(commands(Evidence(Path(), ""), Path()))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_what_reads_the_store_never_touches_the_network(
    name: str, changeaudit: Command, evidence: Evidence, tmp_path: Path
) -> None:
    """With a token, a Jira and an App's key in the environment, any of which would invite it."""
    environment = {
        "GITHUB_API_URL": evidence.api,
        "GITHUB_TOKEN": TOKEN,
        "JIRA_URL": "https://jira.acme.test",
        "JIRA_TOKEN": "s3cret",
    }
    args = commands(evidence, tmp_path)
    if name in ("store import", "store merge"):
        archive = str(tmp_path / "archive.jsonl.gz")
        assert changeaudit("store", "export", archive, *args["store export"][3:]).code == 0
    done = changeaudit(*args[name], code=GUARD, **environment)
    assert "network" not in done.err
    assert done.code != 99
    # It came to an end of its own; of the demonstration's settings there is no snapshot.
    assert done.code in ((4,) if name == "controls" else (0, 1, 3))


def test_the_guard_sees_what_asks(changeaudit: Command, tmp_path: Path) -> None:
    """The same guard, and the same commands without --offline."""
    asking = (
        ("audit", "acme/payments", "--last", "30d"),
        ("collect", "acme/payments", "--last", "30d"),
        ("controls", "acme/payments"),
        ("roster", "snapshot", "acme/payments"),
    )
    for args in asking:
        done = changeaudit(
            *args,
            code=GUARD,
            GITHUB_API_URL="http://127.0.0.1:1/api/v3",
            GITHUB_TOKEN=TOKEN,
        )
        assert (done.code, "network: socket." in done.err) == (99, True)


def test_collecting_has_no_offline(changeaudit: Command) -> None:
    done = changeaudit("collect", "acme/payments", "--last", "30d", "--offline")
    assert done.code == 2
    assert "--offline" in done.err
