"""A process that collects until it is done, or killed: python collecting_process.py API STORE."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from changeaudit.collectors.github.ask import Session
from changeaudit.collectors.github.line import collect_line
from changeaudit.collectors.github.pace import Pace
from changeaudit.collectors.github.pull_requests import PullRequests
from changeaudit.collectors.github.repository import Head
from changeaudit.collectors.github.transport import Transport
from changeaudit.collectors.spans import Span
from changeaudit.collectors.workers import Workers
from changeaudit.store import Store

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
MARCH = Span(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))


class Nobody:
    """Is told everything and says nothing."""

    def collected(self, what: str, done: int, total: int) -> None: ...

    def noted(self, text: str) -> None: ...

    def rate(self, remaining: int, limit: int) -> None: ...

    def waiting(self, seconds: float, why: str) -> None: ...


def run(api: str, path: Path, top: str, workers: int = 1) -> int:
    """Collect March and its line; returns how many requests it took."""
    pace = Pace()
    transport = Transport("t", api, lambda: NOW, listener=Nobody(), pace=pace)
    with Store.open(path) as store:
        helpers = Workers(workers, pace.stop)
        session = Session(transport, store, lambda: NOW, Nobody(), helpers)
        PullRequests(session, "acme/payments").collect(MARCH)
        collect_line(session, "acme/payments", Head("main", top, f"C_{top}"), MARCH)
    transport.close()
    return transport.requests


if __name__ == "__main__":
    run(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
