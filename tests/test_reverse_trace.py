"""The reverse trace: tickets that were done in the period without any change that names them."""

from __future__ import annotations

from typing import Any

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
            "PAY-7: it is done today, and no change shows since when",
        ),
    ],
)
def test_what_could_not_be_told_is_said_once(touched: list[Ticket], done_by: Any, why: str) -> None:
    found = trace(*touched, done=done_by)
    assert len(found.unknown) == 1
    assert found.unknown[0].startswith(why)
    assert (found.done, found.untraced) == (0, ())


def test_that_the_tickets_are_not_held_is_said() -> None:
    found = reverse_trace(Unavailable("not held"), set(), {}, policy(), SINCE, UNTIL)
    assert found is not None
    assert found.unknown == ("not held",)


@pytest.mark.parametrize("tickets", [{"reverse_trace": "off"}, {"jira_projects": []}])
def test_it_may_not_be_asked_for(tickets: dict[str, Any]) -> None:
    assert reverse_trace([done()], set(), DONE, policy(**tickets), SINCE, UNTIL) is None
