"""5.1 and 5.3 where QA signs off by moving a ticket."""

from __future__ import annotations

from typing import Any

import pytest

from builders import (
    GONE,
    actor,
    altered,
    clock,
    commit,
    force_pushed,
    make_change,
    make_policy,
    moved,
    named,
    on_jira,
    review,
    ticket,
)
from changeaudit.policy import Policy
from changeaudit.records import Actor, Ticket, TicketChange
from changeaudit.rules.step5_qa import qa_independent, signed_off
from changeaudit.rules.step6_final import lead_approval_final
from changeaudit.verdicts import Finding, Outcome

PASS, EXCEPTION = Outcome.PASS, Outcome.EXCEPTION
UNDETERMINED, NOT_APPLICABLE = Outcome.UNDETERMINED, Outcome.NOT_APPLICABLE

QUINN = on_jira("Quinn Q.", id="712020:q1", email="Quinn@Acme.example")
DANA = on_jira("Dana", id="712020:d1")
STRANGER = on_jira("quinn", id="712020:x9", login="quinn")
"""Somebody who calls themselves what a member of QA is called on GitHub."""


def policy(**parts: Any) -> Policy:
    """QA moves tickets to "QA passed" or "Released"; the roster knows who is who on Jira."""
    qa = {"review": False, "labels": [], "ticket_statuses": ["QA passed", "Released"]}
    return make_policy(qa=qa, **parts).with_people(
        {}, {"q2@acme.example": "quentin"}, (), {"712020:q1": "quinn", "712020:d1": "dana"}
    )


def judge(*history: TicketChange, rule: Any = signed_off, **facts: Any) -> Finding:
    """5.1, or another rule, of a change whose ticket has that history."""
    facts = {"tickets": [named(ticket(history=history))], "reviews": [], **facts}
    finding: Finding = rule(make_change(**facts), policy())
    assert finding.reason.endswith(".")
    return finding


def into(status: str = "QA passed", by: Any = QUINN, at: float = -30, before: str = "In QA") -> Any:
    return moved(before, status, at, by)


def test_one_ticket_of_many_is_enough() -> None:
    """Whatever the others are: unread, not counted, or without a history."""
    others = [
        named("PAY-404"),
        named(ticket("OPS-1", history=GONE)),
        named(ticket("PAY-2", history=GONE)),
        named(ticket("PAY-3")),
    ]
    good = named(ticket(history=[into()]))
    for tickets in ([*others, good], [good, *others]):
        assert judge(tickets=tickets).outcome is PASS


@pytest.mark.parametrize(
    ("outcome", "why", "history"),
    [
        pytest.param(
            PASS,
            'ticket PAY-7 moved to "QA passed" by Quinn Q. (quinn on GitHub) (named in the policy;'
            " the merged head was there before it",
            [into()],
            id="by QA",
        ),
        pytest.param(PASS, "", [into("qa PASSED")], id="case does not matter"),
        pytest.param(EXCEPTION, "nothing among the tickets", [], id="never moved"),
        pytest.param(EXCEPTION, "nothing among", [into("Done")], id="into another status"),
        pytest.param(EXCEPTION, "dana was not in the role", [into(by=DANA)], id="by somebody else"),
        pytest.param(EXCEPTION, "deleted now", [into(by=None)], id="by a deleted account"),
        pytest.param(
            UNDETERMINED,
            "the Jira account quinn (quinn, 712020:x9) is nobody in the roster",
            [into(by=STRANGER)],
            id="by a namesake of QA",
        ),
        pytest.param(
            PASS,
            "quentin on GitHub",
            [into(by=on_jira("Q", email="Q2@acme.example"))],
            id="by an address of the roster",
        ),
        pytest.param(
            EXCEPTION,
            'but it was moved on to "In QA" at 2026-03-10 11:40:00Z',
            [into(), into("In QA", at=-20, before="QA passed")],
            id="moved back",
        ),
        pytest.param(
            EXCEPTION,
            'moved on to "Done"',
            [into(), into("Done", at=-20, before="QA passed")],
            id="moved on to a status that is not named",
        ),
        pytest.param(
            PASS,
            'moved to "QA passed"',
            [into(), into("Released", DANA, -20, "QA passed")],
            id="moved on to another that is named, by anybody",
        ),
        pytest.param(
            EXCEPTION,
            "dana was not in the role",
            [
                into(at=-40),
                into("In QA", at=-30, before="QA passed"),
                into(by=DANA, at=-20),
            ],
            id="moved back, and in again by somebody else",
        ),
        pytest.param(
            PASS,
            "",
            [into(by=DANA, at=-40), into("In QA", at=-30, before="QA passed"), into(at=-20)],
            id="moved back, and in again by QA",
        ),
        pytest.param(
            EXCEPTION, "nothing among", [into(before="QA passed")], id="from itself to itself"
        ),
        pytest.param(EXCEPTION, "nothing among", [into(at=5)], id="after the merge"),
        pytest.param(
            UNDETERMINED, "in the very second of the merge", [into(at=0)], id="with the merge"
        ),
        pytest.param(
            UNDETERMINED,
            "in the same second as the merge",
            [into(), into("In QA", at=0, before="QA passed")],
            id="moved back with the merge",
        ),
        pytest.param(
            PASS,
            "",
            [into(), into("In QA", at=5, before="QA passed")],
            id="moved back after the merge",
        ),
        pytest.param(
            UNDETERMINED,
            "in the same second",
            [into(), into("In QA", at=-30, before="QA passed")],
            id="in and out within a second",
        ),
        pytest.param(
            UNDETERMINED,
            'whether that status meant the same when it was called "QA ok" is not told (if it did,'
            " name it so in qa.ticket_statuses)",
            [altered("status", "In QA", ["QA ok", "QA passed"], -30, QUINN)],
            id="into a status that was only called so later",
        ),
        pytest.param(
            UNDETERMINED,
            'it was moved on to "Rework" (now called "Released") at 2026-03-10 11:40:00Z; whether',
            [into(), altered("status", "QA passed", ["Rework", "Released"], -20, DANA)],
            id="moved on to one that was only called so later",
        ),
        pytest.param(
            EXCEPTION,
            'moved on to "In QA"',
            [
                altered("status", "In QA", ["QA ok", "QA passed"], -30, QUINN),
                into("In QA", at=-20, before="QA passed"),
            ],
            id="into one that was only called so later, and out again",
        ),
        pytest.param(
            UNDETERMINED,
            "how it left that status before 2026-03-10 11:40:00Z, its history does not show",
            [into(), into(by=DANA, at=-20)],
            id="in twice, and how it got out is missing from its history",
        ),
        pytest.param(
            PASS, "", [moved("Dev", "In QA", -30, QUINN), into()], id="two moves of one second"
        ),
        pytest.param(
            PASS,
            "",
            [
                altered("status", "In QA", ["QA passed", "QA ok"], -30, QUINN),
                altered("status", ["QA ok"], ["Released"], -20, DANA),
            ],
            id="moved on from what it was meanwhile renamed to",
        ),
        pytest.param(
            PASS,
            'moved to "QA passed" (now called "QA ok") by',
            [altered("status", "In QA", ["QA passed", "QA ok"], -30, QUINN)],
            id="and the other way round",
        ),
        pytest.param(
            EXCEPTION,
            "nothing among",
            [altered("status", ["QA ok", "QA passed"], ["QA passed"], -30, QUINN)],
            id="to another name of itself",
        ),
        pytest.param(
            UNDETERMINED,
            "but its history does not show that it stayed there until the merge",
            [into(), into("Done", at=5, before="In QA")],
            id="a change is missing from its history",
        ),
        pytest.param(
            EXCEPTION,
            "nothing among",
            [altered("labels", [], ["QA passed"], -30, QUINN)],
            id="another field",
        ),
    ],
)
def test_qa_signs_off_by_a_ticket(outcome: Outcome, why: str, history: list[TicketChange]) -> None:
    finding = judge(*history)
    assert finding.outcome is outcome
    assert why in finding.reason


@pytest.mark.parametrize(
    ("outcome", "why", "facts"),
    [
        pytest.param(PASS, "", {}, id="a check saw the head before"),
        pytest.param(
            UNDETERMINED, "nothing shows whether the merged head", {"checks": []}, id="nothing did"
        ),
        pytest.param(
            EXCEPTION,
            "was committed later",
            {"checks": [], "commits": [commit(at=-20)]},
            id="code came after",
        ),
        pytest.param(
            EXCEPTION, "force-pushed", {"events": [force_pushed(at=-20)]}, id="a force-push after"
        ),
    ],
)
def test_the_move_comes_after_the_last_code(
    outcome: Outcome, why: str, facts: dict[str, Any]
) -> None:
    """As for a label: of itself the move names no commit."""
    finding = judge(into(), **facts)
    assert finding.outcome is outcome
    assert why in finding.reason


def on_github(by: str | None = "quinn", key: str = "acme/payments#3") -> Ticket:
    return ticket(key, history=[moved("open", "QA passed", -30, by)])


@pytest.mark.parametrize(
    ("outcome", "why", "tickets"),
    [
        pytest.param(EXCEPTION, "nothing among the tickets", [], id="no ticket"),
        pytest.param(
            UNDETERMINED, "the ticket PAY-8 could not be read", [named("PAY-8")], id="hidden"
        ),
        pytest.param(
            PASS, "", [named("PAY-8"), named(ticket(history=[into()]))], id="hidden, and another"
        ),
        pytest.param(
            UNDETERMINED,
            "the history of PAY-7 could not be read: the source did not answer",
            [named(ticket(history=GONE))],
            id="no history",
        ),
        pytest.param(
            EXCEPTION,
            "the ticket OPS-1 is in the project OPS, which the policy does not list",
            [named(ticket("OPS-1", history=[into()]))],
            id="of a project that does not count",
        ),
        pytest.param(
            EXCEPTION,
            "nothing among",
            [named(ticket("OPS-1", history=GONE))],
            id="of a project that does not count, and no history",
        ),
        pytest.param(
            UNDETERMINED,
            "in the project OPS today",
            [named(ticket("OPS-1", asked="PAY-1", history=[into()]))],
            id="moved to another project",
        ),
        pytest.param(PASS, "by quinn (named", [named(on_github())], id="an issue, by QA"),
        pytest.param(EXCEPTION, "dana was not", [named(on_github("dana"))], id="an issue, not QA"),
        pytest.param(
            EXCEPTION,
            "the policy counts those of acme/*",
            [named(on_github(key="other/plans#3"))],
            id="another organisation's issue",
        ),
    ],
)
def test_the_ticket_has_to_count(outcome: Outcome, why: str, tickets: list[Any]) -> None:
    """A ticket that 1.2 does not accept signs nothing off."""
    finding = judge(tickets=tickets)
    assert finding.outcome is outcome
    assert why in finding.reason


def test_a_ticket_may_be_named_where_nothing_could_be_read() -> None:
    finding = judge(tickets=[], unread_places=["body: gone"])
    assert finding.outcome is UNDETERMINED
    assert "tickets named in a place that could not be read (body: gone)" in finding.reason


def test_a_ticket_that_is_named_by_two_of_its_keys_signs_off_once() -> None:
    history = [into(by=DANA), altered("key", "PAY-7", "OPS-5", 5)]
    keys = [ticket("OPS-5", asked=key, id="1", history=history) for key in ("PAY-7", "OPS-5")]
    assert judge(tickets=list(map(named, keys))).reason.count("dana was not in the role") == 1


def test_an_account_of_another_tracker_is_never_one_of_github() -> None:
    """Not even where a record gives it an id and a login of GitHub's."""
    quinn = actor("quinn")
    assert quinn is not None
    for account in (quinn, Actor(0, "quinn")):
        move = TicketChange(clock(-30), account, "status", ("In QA",), ("QA passed",))
        found = ticket()
        mistaken = type(found)(
            **{
                name: getattr(found, name)
                for name in found.__struct_fields__
                if name not in ("history", "status")
            },
            history=(move,),
            status="QA passed",
        )
        finding = judge(tickets=[named(mistaken)])
        assert finding.outcome is UNDETERMINED
        assert "which account of its tracker quinn is was not collected" in finding.reason


def test_the_citation_names_the_move_and_who_made_it() -> None:
    (citation,) = judge(into()).evidence
    assert citation.what == 'ticket PAY-7 went from "In QA" to "QA passed"'
    assert (citation.who, citation.at) == ("Quinn Q. (quinn on GitHub)", clock(-30))
    assert citation.url.endswith("/PAY-7")


def test_one_who_is_called_alike_on_both_sides_is_named_once() -> None:
    same = on_jira("quinn", id="712020:q1")
    assert judge(into(by=same)).evidence[0].who == "quinn"


@pytest.mark.parametrize(
    ("outcome", "why", "history", "facts"),
    [
        (PASS, "quinn is no developer", [into()], {}),
        (EXCEPTION, "quinn is the author", [into()], {"commits": [commit("head", "quinn")]}),
        (UNDETERMINED, "nobody in the roster", [into(by=STRANGER)], {}),
        (NOT_APPLICABLE, "see 5.1", [], {}),
        (NOT_APPLICABLE, "see 5.1", [into(by=None)], {}),
    ],
)
def test_who_moved_it_is_independent(
    outcome: Outcome, why: str, history: list[TicketChange], facts: dict[str, Any]
) -> None:
    finding = judge(*history, rule=qa_independent, **facts)
    assert finding.outcome is outcome
    assert why in finding.reason


@pytest.mark.parametrize(
    ("at", "outcome"), [(-30, PASS), (-20, UNDETERMINED), (-10, EXCEPTION), (None, NOT_APPLICABLE)]
)
def test_the_lead_approves_after_the_move(at: float | None, outcome: Outcome) -> None:
    history = [] if at is None else [into(at=at)]
    finding = judge(*history, rule=lead_approval_final, reviews=[review("lee", at=-20)])
    assert finding.outcome is outcome


def test_a_move_by_an_unknown_account_leaves_the_order_open() -> None:
    """And nothing calls it deleted."""
    finding = judge(
        into(by=STRANGER, at=-10), rule=lead_approval_final, reviews=[review("lee", at=-20)]
    )
    assert finding.outcome is UNDETERMINED
    assert "quinn at 2026-03-10 11:50:00Z (qa)" in finding.reason
    assert "deleted" not in finding.reason
