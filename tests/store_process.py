"""A second process beside a test of the store: `python store_process.py WHAT PATH NAME COUNT`.

It says on standard output how far it came, and waits for a line or for its death.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from changeaudit.errors import StoreError
from changeaudit.store import Answer, Item, Store

AT = datetime(2026, 3, 1, tzinfo=UTC)


def say(word: str) -> None:
    """Says it at once."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def answer(name: str, number: int) -> Answer:
    """An answer that tells by whom and as which it was put."""
    body = f"{name} {number}".encode()
    return Answer("github.com", "acme/pay", "pull_requests", "{}", 200, AT, body)


def main(what: str, path: str, name: str, count: str) -> None:
    """Puts `count` answers, each with an item that all writers share and one of its own.

    "fill" commits each of them; "die" waits for its death within the transaction of the last.
    """
    say("ready")
    sys.stdin.readline()
    try:
        with Store.open(Path(path)) as store:
            for number in range(int(count)):
                with store.begin() as writer:
                    shared = Item("pull_request", "shared", 0, f"{name} {number}", AT)
                    own = Item("pull_request", f"{name} {number}", 1, "1", AT)
                    writer.put(answer(name, number), [shared, own])
                    if what == "die" and number + 1 == int(count):
                        say("inside")
                        sys.stdin.readline()
    except StoreError as error:
        say(f"{error} {error.hint}")
    say("done")


if __name__ == "__main__":
    main(*sys.argv[1:])
