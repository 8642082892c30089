"""When a request may be sent: all wait for one limit, and no more points go than may."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

import pytest

from changeaudit.collectors.github.pace import UNKNOWN_POINTS, BudgetError, Pace, StoppedError
from changeaudit.collectors.github.queries import operation
from changeaudit.collectors.github.transport import Transport
from changeaudit.collectors.workers import Workers
from collectors.github.fake_github import Told
from collectors.github.scripted_server import Play, answer, refusal, serving

RATE = {"cost": 3, "limit": 5000, "remaining": 4000, "resetAt": "2026-03-01T00:00:00Z"}


def spend(pace: Pace, points: int, operation: str = "page") -> None:
    with pace.spending(operation) as spent:
        spent.points = points


def test_without_a_budget_points_are_only_counted() -> None:
    pace = Pace()
    for _ in range(100):
        spend(pace, 50)
    assert pace.spent == 5000


def test_a_request_that_might_pass_the_budget_is_not_sent() -> None:
    """What one costs is taken to be the most that it ever did."""
    pace = Pace(10)
    spend(pace, 3)
    spend(pace, 2)
    spend(pace, 3)
    with pytest.raises(BudgetError, match="may cost 3 points, and 8 of the 10") as caught:
        spend(pace, 1)
    assert pace.spent == 8
    assert "go on where it stopped" in caught.value.hint
    assert caught.value.exit_code == 4


def test_what_was_never_answered_is_taken_for_dear() -> None:
    pace = Pace(UNKNOWN_POINTS - 1)
    with pytest.raises(BudgetError):
        spend(pace, 1)
    assert pace.spent == 0


def test_an_attempt_that_failed_is_counted_as_well() -> None:
    pace = Pace(100)
    with pytest.raises(ValueError, match="broke"), pace.spending("page"):
        raise ValueError("broke")
    assert pace.spent == 1


def test_requests_that_are_under_way_are_counted_before_they_are_answered() -> None:
    pace = Pace(2 * UNKNOWN_POINTS)
    with pace.spending("page"), pace.spending("line"), pytest.raises(BudgetError):
        spend(pace, 1, "more")


def test_a_limit_holds_all_back_and_only_for_its_time() -> None:
    pace = Pace()
    pace.ready()
    holder = threading.Thread(target=pace.hold, args=(0.2,))
    start = time.monotonic()
    holder.start()
    time.sleep(0.05)
    pace.ready()
    assert time.monotonic() - start >= 0.2
    holder.join()
    pace.ready()


def test_who_is_stopped_waits_no_longer() -> None:
    pace = Pace()
    ended: list[float] = []

    def wait() -> None:
        start = time.monotonic()
        with pytest.raises(StoppedError):
            pace.hold(60)
        ended.append(time.monotonic() - start)

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.05)
    pace.stop()
    waiting.join(5)
    assert ended
    assert ended[0] < 5
    with pytest.raises(StoppedError):
        pace.ready()


def test_a_limit_that_one_thread_meets_is_waited_for_by_all_of_them() -> None:
    """Nothing is sent meanwhile: GitHub would make the pause longer."""
    good = answer({"rateLimit": RATE})
    limited = refusal(403, "You have exceeded a secondary rate limit.", retry_after="1")
    told = Told()
    with serving(limited, good) as server:
        pace = Pace()
        now = datetime(2026, 3, 1, tzinfo=UTC)
        transport = Transport("t", server.api, lambda: now, listener=told, pace=pace)

        def ask() -> float:
            variables = {"search": "repo:a/b"}
            transport.ask(operation("count"), variables, "it", divisible=False)
            return time.monotonic()

        start = time.monotonic()
        ask_first = Workers(1).run([ask])
        ends = Workers(3, pace.stop).run([ask] * 6)
        transport.close()
    assert ask_first[0] - start >= 1
    assert len(ends) == 6
    assert len(server.got) == 8
    assert told.waits == [(1.0, "the rate limit is used up")]
    assert pace.spent == 1 + 7 * 3


def test_each_thread_has_a_connection_of_its_own_and_hears_its_own_answer() -> None:
    """A requester that two threads share crosses their answers."""
    slow = Play(200, b'{"data":{"search":{"issueCount":7},"rateLimit":null}}', delay=0.05)
    with serving(slow) as server:
        now = datetime(2026, 3, 1, tzinfo=UTC)
        transport = Transport("t", server.api, lambda: now, pace=Pace())

        def ask(n: int) -> str:
            variables = {"search": f"repo:a/b{n}"}
            return transport.ask(operation("count"), variables, "it", divisible=False).request

        start = time.monotonic()
        found = Workers(4).run([lambda n=n: ask(n) for n in range(12)])  # type: ignore[misc]
        took = time.monotonic() - start
        transport.close()
    assert [f"repo:a/b{n}" in request for n, request in enumerate(found)] == [True] * 12
    assert transport.requests == 12
    assert took < 12 * 0.05
