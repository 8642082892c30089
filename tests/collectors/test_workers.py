"""Several at a time: everything is done once, and what goes wrong is told where it was asked."""

from __future__ import annotations

import threading
import time

import pytest

from changeaudit.collectors.workers import Workers


@pytest.mark.parametrize("number", [1, 2, 5])
def test_results_come_in_the_order_of_the_jobs(number: int) -> None:
    def job(n: int) -> int:
        time.sleep(0.002 * (n % 3))
        return n

    assert Workers(number).run([lambda n=n: job(n) for n in range(20)]) == list(range(20))  # type: ignore[misc]


def test_alone_nothing_leaves_the_thread() -> None:
    threads = Workers().run([threading.current_thread] * 3)
    assert set(threads) == {threading.current_thread()}


def test_no_jobs_come_to_nothing() -> None:
    assert Workers(3).run([]) == []


def test_as_many_work_at_once_as_there_may_be() -> None:
    """Each waits for the others: with fewer it would never end."""
    meeting = threading.Barrier(3, timeout=10)
    assert len(Workers(3).run([meeting.wait] * 3)) == 3


def test_jobs_of_jobs_are_done_by_whoever_is_free_and_nobody_waits_for_ever() -> None:
    workers = Workers(2)
    most = 0
    under_way = 0
    lock = threading.Lock()

    def inner() -> int:
        nonlocal most, under_way
        with lock:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.005)
        with lock:
            under_way -= 1
        return 1

    def outer() -> int:
        return sum(workers.run([inner] * 4))

    assert workers.run([outer] * 5) == [4] * 5
    assert most == 2


def test_who_becomes_free_helps_with_what_was_asked_for_last() -> None:
    """A helper that was busy when jobs were asked for joins them once it is done."""
    workers = Workers(2)
    begun = threading.Event()

    def short() -> list[int]:
        assert begun.wait(10)
        return [0]

    def long() -> list[int]:
        together = threading.Barrier(2, timeout=10)
        begun.set()
        return workers.run([together.wait] * 2)

    (first, second) = workers.run([short, long])
    assert first == [0]
    assert sorted(second) == [0, 1]


def test_who_waits_helps_with_what_his_helpers_ask_for() -> None:
    workers = Workers(2)
    taken = threading.Event()
    here = threading.current_thread()

    def mine() -> None:
        assert taken.wait(10)

    def others() -> None:
        together = threading.Barrier(2, timeout=10)
        taken.set()
        workers.run([together.wait] * 2)

    def either() -> None:
        """Whoever asked does the short one, and a helper the one with jobs of its own."""
        (mine if threading.current_thread() is here else others)()

    workers.run([either, either])


def test_an_error_in_what_somebody_else_asked_for_is_raised_there() -> None:
    workers = Workers(2)
    taken = threading.Event()
    here = threading.current_thread()

    def others() -> str:
        together = threading.Barrier(2, timeout=10)

        def fails() -> None:
            together.wait()
            if threading.current_thread() is here:
                raise KeyError("there")

        taken.set()
        with pytest.raises(KeyError, match="there"):
            workers.run([fails] * 2)
        return "gone on"

    def either() -> str:
        if threading.current_thread() is here:
            assert taken.wait(10)
            return "waited"
        return others()

    assert sorted(workers.run([either, either])) == ["gone on", "waited"]


@pytest.mark.parametrize("number", [1, 3])
def test_the_first_error_is_raised_and_nothing_is_begun_after_it(number: int) -> None:
    done: list[int] = []

    def job(n: int) -> None:
        if n == 2:
            raise ValueError(n)
        time.sleep(0.01)
        done.append(n)

    with pytest.raises(ValueError, match="2"):
        Workers(number).run([lambda n=n: job(n) for n in range(50)])  # type: ignore[misc]
    assert len(done) < 10


def test_an_error_of_a_helper_is_raised_too_and_helpers_are_free_again() -> None:
    workers = Workers(2)
    here = threading.current_thread()

    def job() -> None:
        if threading.current_thread() is not here:
            raise KeyError("helper")
        time.sleep(0.01)

    for _ in range(3):
        with pytest.raises(KeyError, match="helper"):
            workers.run([job] * 20)


def test_an_interruption_stops_those_that_are_under_way() -> None:
    """They are told to, and not waited for as long as they like."""
    stopped = threading.Event()
    here = threading.current_thread()
    begun = threading.Event()

    def job() -> None:
        if threading.current_thread() is here:
            assert begun.wait(10)
            raise KeyboardInterrupt
        begun.set()
        assert stopped.wait(10)

    with pytest.raises(KeyboardInterrupt):
        Workers(2, stopped.set).run([job] * 4)
    assert stopped.is_set()


def test_a_helper_whose_job_the_main_thread_was_interrupted_in_says_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ctrl-C hits the main thread in what a helper asked for: one message, and no stack trace."""
    traces: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", traces.append)
    workers = Workers(2)
    asked, hit = threading.Event(), threading.Event()

    def interrupted() -> None:
        if threading.current_thread() is threading.main_thread():
            hit.set()
            raise KeyboardInterrupt
        assert hit.wait(10)

    def asks() -> None:
        if threading.current_thread() is threading.main_thread():
            assert asked.wait(10)
            return
        asked.set()
        workers.run([interrupted] * 2)

    with pytest.raises(KeyboardInterrupt):
        workers.run([asks] * 2)
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and thread.name.endswith("(_help)"):
            thread.join(10)
    assert traces == []
