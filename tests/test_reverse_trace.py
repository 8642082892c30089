"""The reverse trace: tickets that were done in the period without any change that names them."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest

from builders import DAY, GONE, HOUR, altered, clock, make_policy, moved, ticket
from changeaudit.policy import Policy
from changeaudit.records import Ticket, Unavailable
from changeaudit.reverse_trace import reverse_trace
from changeaudit.verdicts import ReverseTrace

SINCE, UNTIL = clock(-DAY), clock(DAY)
DONE = {"jira": frozenset({"done", "fertig"})}


def policy(**tickets: Any) -> Policy:
    return make_policy(tickets={"jira_projects": ["PAY", "OPS"], **tickets})


def trace(
    *touched: Ticket, named: set[str] | None = None, done: Any = DONE, **tickets: Any
) -> ReverseTrace:
    found = reverse_trace(touched, named or set(), done, policy(**tickets), SINCE, UNTIL)
    assert found is not None
    return found


def done(key: str = "PAY-7", at: float = 0, **facts: Any) -> Ticket:
    """A ticket that went to "Done"."""
    return ticket(key, history=[moved("To Do", "Done", at, "ola")], **facts)


def keys(found: ReverseTrace) -> list[str]:
    return [each.key for each in found.untraced]


def test_a_ticket_that_was_done_and_is_named_nowhere_is_listed() -> None:
    found = trace(done())
    assert (found.standing, found.counts, found.projects) == ("information", False, ("PAY", "OPS"))
    assert (found.done, found.cancelled, found.unknown) == (1, 0, ())
    (each,) = found.untraced
    assert (each.key, each.status, each.done_at, each.by) == ("PAY-7", "Done", clock(0), "ola")
    assert (each.how, each.title, each.type) == ("moved", "Round half a cent to even", "Story")
    assert trace(done(), reverse_trace="exception").counts


@pytest.mark.parametrize(
    ("found", "listed"),
    [
        pytest.param(done(at=-DAY), True, id="at the first instant"),
        pytest.param(done(at=-DAY - 1 / 60), False, id="before it"),
        pytest.param(done(at=DAY - 1 / 60), True, id="at the last"),
        pytest.param(done(at=DAY), False, id="at the end, which is not included"),
        pytest.param(ticket(history=[moved("To Do", "Review", 0)]), False, id="not done"),
        pytest.param(ticket(history=[moved("Done", "Fertig", 0)]), False, id="done before"),
        pytest.param(
            ticket(history=[moved("Done", "To Do", -9), moved("To Do", "Done", 9)]),
            True,
            id="again",
        ),
        pytest.param(
            ticket(history=[moved("To Do", "Done", -9), moved("Done", "To Do", 9)]),
            True,
            id="and undone: it was done",
        ),
        pytest.param(
            ticket(history=[altered("status", "To Do", ["Old", "Done"], 0)], status="Done"),
            True,
            id="by the name that the status has today",
        ),
        pytest.param(ticket(created=-HOUR, status="Done"), True, id="created done"),
        pytest.param(ticket(created=-2 * DAY, status="Done"), False, id="created done before"),
        pytest.param(ticket(created=2 * DAY, status="Done"), False, id="created after the period"),
        pytest.param(ticket(history=GONE, created=2 * DAY), False, id="of which nothing matters"),
        pytest.param(
            ticket("WEB-1", history=[moved("To Do", "Done", 0)]), False, id="of another project"
        ),
        pytest.param(
            ticket(
                "WEB-1",
                asked="WEB-1",
                history=[moved("To Do", "Done", 0), altered("key", "PAY-1", "WEB-1", 5)],
            ),
            True,
            id="moved to another project since",
        ),
    ],
)
def test_what_was_done_in_the_period(found: Ticket, listed: bool) -> None:
    """Half-open as every period, by when it went into a done status."""
    assert trace(found).done == listed
    assert bool(keys(trace(found))) is listed


@pytest.mark.parametrize(
    ("found", "cancelled"),
    [
        (ticket(history=[moved("To Do", "Rejected", 0)]), True),
        (ticket(history=[moved("To Do", "Done", 0)], resolution="Won't Do"), True),
        (
            ticket(
                history=[moved("To Do", "Done", 0), altered("resolution", "", "Duplicate", 0)],
                resolution="Duplicate",
            ),
            True,
        ),
        (
            ticket(
                history=[moved("To Do", "Done", 0), altered("resolution", "", "Duplicate", 9)],
                resolution="Duplicate",
            ),
            False,
        ),
        (ticket(history=[moved("To Do", "Done", 0)], resolution="Fixed"), False),
        (ticket(history=[moved("To Do", "Done", 0)], gaps={"resolution": GONE}), False),
    ],
)
def test_what_was_cancelled_was_not_done(found: Ticket, cancelled: bool) -> None:
    """Its Jira may call that done as well."""
    told = trace(found, done={"jira": {"done", "rejected"}})
    assert (told.cancelled, told.done, bool(told.untraced)) == (
        cancelled,
        not cancelled,
        not cancelled,
    )


@pytest.mark.parametrize(
    ("touched", "named", "left"),
    [
        ([done()], {"pay-7"}, []),
        ([done()], {"pay-70"}, ["PAY-7"]),
        ([done("PAY-7"), done("PAY-8", 5)], {"pay-8"}, ["PAY-7"]),
        ([done("OPS-1", asked="PAY-7")], {"pay-7"}, []),
        (
            [
                ticket(
                    "OPS-1",
                    history=[moved("To Do", "Done", 0), altered("key", "PAY-7", "OPS-1", -9)],
                )
            ],
            {"pay-7"},
            [],
        ),
        ([done("PAY-1"), ticket("PAY-2", parent="PAY-1")], {"pay-2"}, []),
        ([done("PAY-1"), ticket("PAY-2", parent="PAY-1")], set(), ["PAY-1"]),
        (
            [
                done("PAY-1"),
                ticket("PAY-2", history=[altered("parent", "PAY-1", "PAY-3", 0)], parent="PAY-3"),
            ],
            {"pay-2"},
            [],
        ),
        ([done("PAY-1"), ticket("PAY-2", history=GONE)], {"pay-2"}, ["PAY-1"]),
    ],
)
def test_what_names_a_ticket(touched: list[Ticket], named: set[str], left: list[str]) -> None:
    """Any key that it ever bore, and the name of a ticket that stood beneath it."""
    assert keys(trace(*touched, named=named)) == left


def test_they_are_listed_by_when_they_were_done() -> None:
    assert keys(trace(done("PAY-9", 5), done("PAY-2", 9), done("PAY-1", 5))) == [
        "PAY-1",
        "PAY-9",
        "PAY-2",
    ]


def test_the_policys_own_statuses_replace_those_of_its_jira() -> None:
    found = ticket(history=[moved("To Do", "Released", 0)])
    assert trace(found).done == 0
    assert trace(found, done_statuses=["released"], done={}).done == 1
    assert trace(done(), done_statuses=["Released"]).done == 0


@pytest.mark.parametrize(
    ("touched", "done_by", "why"),
    [
        ([ticket(history=GONE)], DONE, "PAY-7: when it was done could not be read: the source did"),
        ([ticket(gaps={"status": Unavailable("cut")})], DONE, "PAY-7: when it was done could not"),
        ([done(), done("PAY-8")], {}, "which statuses of jira mean done is not known"),
        (
            [ticket(history=[moved("To Do", "Review", 0)], status="Done")],
            DONE,
            "PAY-7: its history leaves open whether it was done between 2026-03-10 12:00:00Z and"
            " 2026-03-11 12:00:00Z; look at it in its tracker",
        ),
        (
            [ticket(history=[moved("To Do", "Review", -9), moved("Done", "To Do", 5)])],
            DONE,
            "PAY-7: its history leaves open whether it was done between 2026-03-10 11:51:00Z and"
            " 2026-03-10 12:05:00Z",
        ),
        (
            [ticket(history=[moved("To Do", "Review", -3 * DAY), moved("Done", "To Do", 5)])],
            DONE,
            "PAY-7: its history leaves open",
        ),
        (
            [ticket(history=[moved("To Do", "Review", -3 * DAY), moved("Done", "Fertig", -DAY)])],
            DONE,
            "PAY-7: its history leaves open",
        ),
        ([ticket(history=[moved("To Do", "Done", 0), moved("Done", "To Do", 0)])], DONE, "PAY-7: "),
        ([msgspec.structs.replace(ticket(created=0), status="")], DONE, "PAY-7: its history"),
    ],
)
def test_what_could_not_be_told_is_said_once(touched: list[Ticket], done_by: Any, why: str) -> None:
    found = trace(*touched, done=done_by)
    assert len(found.unknown) == 1
    assert found.unknown[0].startswith(why)
    assert (found.done, found.untraced) == (0, ())


@pytest.mark.parametrize(
    "found",
    [
        ticket(history=[moved("To Do", "Review", -3 * DAY), moved("Done", "To Do", -2 * DAY)]),
        ticket(history=[moved("To Do", "Review", 2 * DAY)], status="Done"),
        ticket(history=[moved("To Do", "Review", 0)], status="To Do"),
        ticket(created=2 * DAY, history=GONE),
    ],
)
def test_what_is_missing_of_another_time_leaves_nothing_open(found: Ticket) -> None:
    assert trace(found).unknown == ()


@pytest.mark.parametrize(
    "found", [ticket(history=GONE), ticket(history=[moved("To Do", "Review", 0)], status="Done")]
)
def test_of_a_ticket_that_is_named_nothing_is_open(found: Ticket) -> None:
    """Whether it was done or not, it has its change."""
    assert trace(found).unknown
    assert trace(found, named={"pay-7"}).unknown == ()


@pytest.mark.parametrize(
    ("history", "resolution", "how"),
    [
        pytest.param(
            [moved("To Do", "Done", -9), moved("Done", "To Do", -8), moved("To Do", "Rejected", 5)],
            "",
            ("moved", "Done", -9),
            id="done, reopened and cancelled",
        ),
        pytest.param(
            [moved("To Do", "Rejected", -9), moved("Rejected", "Done", 5)],
            "",
            ("moved", "Done", 5),
            id="cancelled, and done from there",
        ),
        pytest.param(
            [moved("To Do", "Rejected", -3 * DAY), moved("Rejected", "Done", 5)],
            "",
            ("moved", "Done", 5),
            id="cancelled before the period",
        ),
        pytest.param(
            [
                moved("To Do", "Done", -9),
                altered("resolution", "", "Won't Do", -9),
                altered("resolution", "Won't Do", "Fixed", 5),
            ],
            "Fixed",
            ("resolved", "Done", 5),
            id="resolved as cancelled, and mended",
        ),
        pytest.param(
            [
                moved("To Do", "Done", -9),
                moved("Done", "To Do", -8),
                altered("key", "PAY-7", "WEB-1", -7),
                moved("To Do", "Done", 5),
                altered("key", "WEB-1", "PAY-7", 6),
            ],
            "",
            ("moved", "Done", -9),
            id="done in ours, and again where it does not count",
        ),
    ],
)
def test_one_that_was_done_in_the_period_was_done_whatever_became_of_it(
    history: list[Any], resolution: str, how: tuple[str, str, float]
) -> None:
    found = trace(
        ticket(history=history, resolution=resolution), done={"jira": {"done", "rejected"}}
    )
    assert (found.done, found.cancelled, found.unknown) == (1, 0, ())
    (each,) = found.untraced
    assert (each.how, each.status, each.done_at) == (how[0], how[1], clock(how[2]))


def test_all_that_a_ticket_stands_beneath_is_named_with_it() -> None:
    """A sub-task names its story, and with it the epic. Tickets in a circle name nobody."""
    epic, story = done("PAY-1"), done("PAY-2", parent="PAY-1")
    task = ticket("PAY-3", parent="PAY-2")
    assert keys(trace(epic, story, task, named={"pay-3"})) == []
    assert keys(trace(epic, story, task, named={"pay-1"})) == ["PAY-2"]
    circle = [done("PAY-1", parent="PAY-2"), done("PAY-2", parent="PAY-1")]
    assert keys(trace(*circle)) == ["PAY-1", "PAY-2"]
    assert keys(trace(*circle, named={"pay-2"})) == []


def test_a_key_names_the_ticket_that_bears_it_today() -> None:
    """Not the one that bore it once; with no such ticket, that one."""
    before = ticket(
        "OPS-5", history=[altered("key", "PAY-7", "OPS-5", -5 * DAY), moved("To Do", "Done", 5)]
    )
    assert keys(trace(before, ticket("PAY-7"), named={"pay-7"})) == ["OPS-5"]
    assert keys(trace(before, named={"pay-7"})) == []


def test_what_a_ticket_went_through_before_the_period_takes_no_time() -> None:
    """However often a machine moved it to and fro: what it was when the period began is enough."""
    fro = [
        moved(*(("To Do", "Done") if n % 2 else ("Done", "To Do")), -3 * DAY + n / 60)
        for n in range(20_000)
    ]
    began = time.perf_counter()
    assert trace(ticket(history=[*fro, moved("Done", "To Do", -9)])).done == 0
    assert time.perf_counter() - began < 2


def test_tickets_of_two_jiras_are_two_even_with_one_id() -> None:
    ours = done("PAY-1", id="10001")
    theirs = msgspec.structs.replace(done("OPS-1", id="10001"), source="other")
    done_by = {"jira": {"done"}, "other": {"done"}}
    assert keys(trace(ours, theirs, done=done_by, named={"pay-1"})) == ["OPS-1"]


def test_that_the_tickets_are_not_held_is_said() -> None:
    found = reverse_trace(Unavailable("not held"), set(), {}, policy(), SINCE, UNTIL)
    assert found is not None
    assert found.unknown == ("not held",)


@pytest.mark.parametrize("tickets", [{"reverse_trace": "off"}, {"jira_projects": []}])
def test_it_may_not_be_asked_for(tickets: dict[str, Any]) -> None:
    assert reverse_trace([done()], set(), DONE, policy(**tickets), SINCE, UNTIL) is None
