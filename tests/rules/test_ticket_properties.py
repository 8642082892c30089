"""What holds of every verdict that rests on a ticket, whatever its history."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import DAY, GONE, altered, clock, make_change, make_policy, on_jira, ticket
from changeaudit.change import NamedTicket
from changeaudit.records import Ticket, TicketComment, TicketRef, Unavailable
from changeaudit.rules.security_trigger import security_review_triggered
from changeaudit.rules.step1_ticket import exists, fits, planned_before_built
from changeaudit.rules.step5_qa import signed_off
from changeaudit.ticket_asof import values_at
from changeaudit.verdicts import Finding, Outcome

PASS, EXCEPTION = Outcome.PASS, Outcome.EXCEPTION
UNDETERMINED, NOT_APPLICABLE = Outcome.UNDETERMINED, Outcome.NOT_APPLICABLE

RULES = (exists, planned_before_built, fits, security_review_triggered, signed_off)
OPENED = -240
QUINN, DANA = on_jira("quinn"), on_jira("dana")
POLICY = make_policy(
    tickets={"jira_projects": ["PAY", "OPS"], "types": ["Story"], "accept_parent": True},
    security_review={
        "paths": [],
        "labels": [],
        "ticket_labels": ["pii"],
        "ticket_types": ["Security"],
    },
    qa={
        "review": False,
        "labels": [],
        "ticket_statuses": ["QA passed"],
        "ticket_comment": "QA ok",
    },
).with_people({}, {}, (), {QUINN.id: "quinn", DANA.id: "dana"})

VALUES: dict[str, list[Any]] = {
    "status": ["To Do", "Done", "Rejected", "QA passed"],
    "type": ["Story", "Bug", "Security"],
    "labels": [(), ("pii",), ("a", "pii")],
    "resolution": ["", "Won't Do", "Fixed"],
    "key": ["PAY-7", "OPS-5", "WEB-1"],
    "parent": ["", "PAY-1", "PAY-2"],
}
PARENTS = {
    "PAY-1": ticket("PAY-1", created=-20 * DAY),
    "PAY-2": ticket("PAY-2", created=-20 * DAY, type="Bug"),
}


def at_merge(found: Ticket) -> list[Finding]:
    """What every rule finds on a change that names the ticket, with the parents of then."""
    above = values_at(found, "parent", clock(0))
    keys = [] if isinstance(above, Unavailable) else [key for value in above for key in value]
    parents = tuple(NamedTicket(key, (), PARENTS[key]) for key in keys)
    linked = NamedTicket("PAY-7", (TicketRef("PAY-7", "title"),), found, parents)
    change = make_change(tickets=[linked], reviews=[])
    return [rule(change, POLICY) for rule in RULES]


def as_of(at: int, events: Sequence[tuple[int, str, Any, Any]], start: dict[str, Any]) -> Ticket:
    """The ticket as its tracker would show it at `at`: what changes or is said by then."""
    today, history, comments = dict(start), [], []
    for when, field, value, who in events:
        if when > at:
            continue
        if field == "comment":
            comments.append(TicketComment(who, value, clock(when), "https://jira.example/c"))
        else:
            history.append(altered(field, today[field], value, when, who))
            today[field] = value
    found = ticket("PAY-7", created=-9 * DAY, history=history, comments=tuple(comments))
    return msgspec.structs.replace(found, project=today["key"].rpartition("-")[0], **today)


@st.composite
def lives(draw: st.DrawFn) -> tuple[list[tuple[int, str, Any, Any]], dict[str, Any]]:
    """All that becomes of a ticket, nothing of it in the second of the opening or the merge."""
    start = {field: draw(st.sampled_from(values)) for field, values in VALUES.items()}
    start["key"] = "PAY-7"
    instants = st.integers(-300, 60).filter(lambda at: at not in (OPENED, 0))
    events = []
    for at in sorted(draw(st.sets(instants, max_size=8))):
        field = draw(st.sampled_from([*VALUES, "comment"]))
        if field != "key" or at > 0:  # what names PAY-7 names what bears that key then
            values = VALUES.get(field, ["QA ok", "QA ok?", "No"])
            who = draw(st.sampled_from([QUINN, DANA]))
            events.append((at, field, draw(st.sampled_from(values)), who))
    return events, start


@settings(deadline=None)
@given(lives())
def test_what_comes_after_the_merge_changes_no_verdict(life: Any) -> None:
    """Whether the tracker is asked at once or later, what it tells of the merge is the same."""
    then, later = (at_merge(as_of(at, *life)) for at in (0, 60))
    assert [finding.outcome for finding in then] == [finding.outcome for finding in later]


@settings(deadline=None)
@given(lives(), st.randoms(use_true_random=False))
def test_in_which_order_a_history_is_told_changes_no_verdict(life: Any, by: random.Random) -> None:
    """Nor does it if a change is told twice."""
    found = as_of(60, *life)
    history = [*found.history, *found.history[:1]]  # type: ignore[misc, index]
    by.shuffle(history)
    shuffled = at_merge(msgspec.structs.replace(found, history=tuple(history)))
    assert [f.outcome for f in at_merge(found)] == [f.outcome for f in shuffled]


@pytest.mark.parametrize("missing", ["history", "comments", *VALUES])
@settings(deadline=None)
@given(lives())
def test_what_is_not_known_of_a_ticket_makes_nothing_surer(missing: str, life: Any) -> None:
    """A verdict stays what it was, or becomes undetermined; a doubt never turns into a pass."""
    found = as_of(60, *life)
    gap = {missing: GONE} if missing in ("history", "comments") else {"gaps": {missing: GONE}}
    for whole, less in zip(
        at_merge(found), at_merge(msgspec.structs.replace(found, **gap)), strict=True
    ):
        if whole.outcome is UNDETERMINED:
            assert less.outcome is not PASS
        else:
            assert less.outcome in (whole.outcome, UNDETERMINED)
