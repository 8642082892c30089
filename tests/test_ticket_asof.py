"""A ticket as it stood at an instant, by its history."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import GONE, altered, clock, moved, ticket
from changeaudit.records import Ticket, TicketChange, Unavailable
from changeaudit.ticket_asof import (
    FIELDS,
    Value,
    alike,
    changed_after,
    changes_of,
    keys_of,
    projects_at,
    values_after,
    values_at,
    whether,
)

NAMES = st.sampled_from(["A", "B", "C", "D"])
ONE = ("status", "type", "resolution", "key", "parent", "security")


def at_merge(found: Ticket, field: str = "status", at: float = 0) -> Any:
    return values_at(found, field, clock(at))


@pytest.mark.parametrize(
    ("history", "today", "expected"),
    [
        pytest.param([], "C", ["C"], id="it never changed"),
        pytest.param([moved("A", "B", -5)], "B", ["B"], id="what the last change before it left"),
        pytest.param([moved("A", "B", 5)], "B", ["A"], id="what the first change after it found"),
        pytest.param([moved("A", "B", -5), moved("B", "C", 5)], "C", ["B"], id="between two"),
        pytest.param([moved("A", "B", 0)], "B", ["A", "B"], id="one second has no order"),
        pytest.param(
            [moved("A", "B", -5), moved("B", "C", -5)], "C", ["C"], id="a chain within a second"
        ),
        pytest.param(
            [moved("B", "C", -5), moved("A", "B", -5)],
            "C",
            ["C"],
            id="in whatever order it is told",
        ),
        pytest.param(
            [moved("A", "B", -5), moved("B", "A", -5)], "A", ["A", "B"], id="there and back"
        ),
        pytest.param(
            [moved("A", "B", 5), moved("B", "A", 5)], "A", ["A", "B"], id="there and back later"
        ),
        pytest.param(
            [moved("A", "B", -5), moved("C", "D", 5)], "D", ["B", "C"], id="a change is missing"
        ),
        pytest.param([moved("A", "B", -5)], "C", ["B", "C"], id="the newest change is missing"),
        pytest.param(
            [moved("A", "B", -9), moved("B", "b", -5)], "B", ["b"], id="case is no change"
        ),
        pytest.param(
            [moved("A", "B", -5), moved("X", "Y", 0), moved("Y", "C", 5)],
            "C",
            ["B", "X", "Y"],
            id="a change is missing, in the second",
        ),
    ],
)
def test_what_a_status_was(history: list[TicketChange], today: str, expected: list[str]) -> None:
    found = at_merge(ticket(history=history, status=today))
    assert found == tuple((name,) for name in expected)


def test_a_status_that_was_renamed_is_known_by_every_name() -> None:
    """The name of then comes first; today's ticket bears the other one alone."""
    history = [altered("status", "To Do", ["Fertig", "Done"], -5)]
    assert at_merge(ticket(history=history, status="Done")) == (("Fertig", "Done"),)
    assert alike("status", ("Fertig", "Done"), ("done",))
    assert not alike("type", ("Fertig", "Done"), ("done",))


def test_sets_are_the_same_in_whatever_order() -> None:
    history = [altered("labels", [], ["b", "a"], -5)]
    assert at_merge(ticket(history=history, labels=["a", "b"]), "labels") == (("a", "b"),)


@pytest.mark.parametrize("field", FIELDS)
def test_each_field_has_a_history_of_its_own(field: str) -> None:
    """What changed of others is none of it, and a gap of one leaves the others known."""
    others = [altered(other, "x", "y", 5) for other in FIELDS if other != field]
    found = ticket(
        history=others,
        status="y",
        labels=["y"],
        components=("y",),
        parent="y",
        security="y",
        resolution="y",
        type="y",
    )
    today = "PAY-7" if field == "key" else "y"
    assert at_merge(found, field) == ((today,),)
    gap = Unavailable("cut")
    missing = ticket(history=others, gaps={field: gap})
    assert at_merge(missing, field) == changes_of(missing, field) == gap
    assert not isinstance(at_merge(missing, "type" if field != "type" else "key"), Unavailable)
    assert at_merge(ticket(history=GONE), field) == GONE


def test_an_empty_field_is_a_value() -> None:
    assert at_merge(ticket(), "resolution") == at_merge(ticket(), "labels") == ((),)


@pytest.mark.parametrize("field", ["status", "type"])
def test_a_type_and_a_status_are_never_empty(field: str) -> None:
    """Where none is shown, which it was is not known."""
    unknown = Unavailable(f"its tracker shows no {field} of then")
    empty = msgspec.structs.replace(ticket(), **{field: ""})
    assert at_merge(empty, field) == unknown
    given_later = msgspec.structs.replace(empty, history=(altered(field, "A", "", 5),))
    assert at_merge(given_later, field) == (("A",),)
    assert at_merge(given_later, field, 9) == unknown


def test_what_a_second_left_is_known_when_it_is_over() -> None:
    """A change of the next second bears on nothing of it."""
    found = ticket(history=[moved("A", "B", 0), moved("B", "C", 1 / 60)])
    assert values_after(found, "status", clock(0)) == (("B",),)
    assert at_merge(found, at=1 / 60) == (("B",), ("C",))


@st.composite
def histories(draw: Any, field: str) -> tuple[list[TicketChange], Value]:
    """A whole history of a field, each change finding what the one before it left."""
    value: Value = (draw(NAMES),) if field in ONE else tuple(draw(st.sets(NAMES)))
    found = []
    for at in sorted(draw(st.lists(st.integers(-9, 9), max_size=6))):
        after: Value = (draw(NAMES),) if field in ONE else tuple(draw(st.sets(NAMES)))
        found.append(altered(field, value, after, at))
        value = after
    return found, value


def as_of(field: str, history: list[TicketChange], today: Value) -> Ticket:
    one = {"status", "type", "resolution", "parent", "security", "key"}
    given_: dict[str, Any] = {field: today[0] if field in one else today}
    return ticket(history=history, asked="PAY-7", **({"status": "x"} | given_))


@given(st.data(), st.sampled_from([f for f in FIELDS if f != "key"]), st.integers(-10, 10))
def test_the_true_value_is_always_among_the_possible_ones(
    data: Any, field: str, seconds: int
) -> None:
    """And it is the only one wherever no change shares a second with another or the instant."""
    history, today = data.draw(histories(field))
    found = at_merge(as_of(field, history, today), field, seconds)
    before = [change for change in history if change.at < clock(seconds)]
    same = [change for change in history if change.at == clock(seconds)]
    first = history[0].before if history else today
    truth = before[-1].after if before else first
    assert found
    assert len(set(found)) == len(found)
    assert any(alike(field, truth, value) for value in found)
    assert all(any(alike(field, c.after, value) for value in found) for c in same)
    alone = len({change.at for change in history}) == len(history)
    if alone and not same:
        assert all(alike(field, truth, value) for value in found)


@given(st.data(), st.integers(-10, 10))
def test_a_change_that_is_missing_never_makes_a_wrong_value_the_only_one(
    data: Any, seconds: int
) -> None:
    """Leave any change out of a history: either it shows, or it bears on nothing."""
    history, today = data.draw(histories("status"))
    at = clock(seconds)
    before = [change for change in history if change.at < at]
    truth = before[-1].after if before else (history[0].before if history else today)
    for left_out in range(len(history)):
        rest = [change for place, change in enumerate(history) if place != left_out]
        found = values_at(as_of("status", rest, today), "status", at)
        assert not isinstance(found, Unavailable)
        first = not [change for change in rest if change.at < at]
        shows = any(alike("status", truth, value) for value in found)
        assert shows or first  # what went on before the first change that is held shows nowhere


@pytest.mark.parametrize(
    ("found", "projects"),
    [
        (ticket("PAY-7"), ["PAY"]),
        (ticket("OPS-5", asked="PAY-7", history=[altered("key", "PAY-7", "OPS-5", 5)]), ["PAY"]),
        (ticket("OPS-5", asked="PAY-7", history=[altered("key", "PAY-7", "OPS-5", -5)]), ["OPS"]),
        (
            ticket("OPS-5", asked="PAY-7", history=[altered("key", "PAY-7", "OPS-5", 0)]),
            ["OPS", "PAY"],
        ),
        (ticket("OPS-5", asked="PAY-7"), ["OPS", "PAY"]),
        (ticket("OPS-5", asked="PAY-7", history=GONE), ["OPS", "PAY"]),
        (ticket("PAY-7", history=GONE), ["PAY"]),
        (ticket("PAY-7", history=[altered("key", "", "PAY-7", 5)]), ["PAY"]),
        (ticket("acme/web#3", asked="acme/old#9"), ["acme/old", "acme/web"]),
        (ticket("acme/web#3", asked="Acme/Web#3"), ["acme/web"]),
    ],
)
def test_where_a_ticket_was(found: Ticket, projects: list[str]) -> None:
    """By its keys; where a key went that the history does not know is told for no time."""
    assert list(projects_at(found, clock(0))) == projects


def test_a_ticket_is_known_by_every_key_that_it_bore() -> None:
    found = ticket("OPS-5", asked="Old-1", history=[altered("key", "PAY-7", "OPS-5", 5)])
    assert keys_of(found) == {"ops-5", "pay-7", "old-1"}
    assert keys_of(ticket("OPS-5", history=GONE)) == {"ops-5"}


def test_what_changed_later_is_told_in_order_and_without_what_is_no_change() -> None:
    history = [
        altered("type", "B", "C", 9),
        altered("type", "A", "B", 5),
        altered("type", "B", "B", 6),
        altered("labels", [], ["x"], 7),
        altered("type", "A", "A", -5),
        altered("type", "A", "B", 0),
    ]
    late = changed_after(ticket(history=history), ["type"], clock(0))
    assert [change.at for change in late] == [clock(5), clock(9)]
    assert changed_after(ticket(history=GONE), ["type"], clock(0)) == []


@pytest.mark.parametrize(
    ("values", "answer"), [([("A",)], True), ([("B",), ()], False), ([("A",), ("B",)], None)]
)
def test_what_differs_between_possible_values_cannot_be_told(
    values: list[Value], answer: bool | None
) -> None:
    assert whether(values, lambda value: "A" in value) is answer
