"""5.1 and 5.3 where QA signs off by a comment on a ticket; those on the pull request are 5's."""

from __future__ import annotations

from typing import Any

import pytest

from builders import (
    GONE,
    actor,
    clock,
    comment,
    commit,
    make_change,
    make_policy,
    moved,
    named,
    on_jira,
    ticket,
)
from changeaudit.policy import Policy
from changeaudit.records import JiraAccount, Ticket, TicketComment, Unavailable
from changeaudit.rules.step5_qa import qa_independent, signed_off
from changeaudit.verdicts import Finding, Outcome

PASS, EXCEPTION = Outcome.PASS, Outcome.EXCEPTION
UNDETERMINED, NOT_APPLICABLE = Outcome.UNDETERMINED, Outcome.NOT_APPLICABLE

QUINN = on_jira("Quinn Q.", id="712020:q1")
DANA = on_jira("Dana", id="712020:d1")
STRANGER = on_jira("quinn", id="712020:x9", login="quinn")
"""Somebody who calls themselves what a member of QA is called on GitHub."""
PAGE = "https://acme.atlassian.net/browse/PAY-7?focusedCommentId=9"


def policy(**qa: Any) -> Policy:
    methods = {"review": False, "labels": [], "ticket_comment": "QA passed", **qa}
    return make_policy(qa=methods).with_people(
        {}, {}, (), {"712020:q1": "quinn", "712020:d1": "dana"}
    )


def said(
    body: str = "QA passed: 4711",
    by: JiraAccount | None = QUINN,
    at: float = -30,
    edited: float | None = None,
) -> TicketComment:
    return TicketComment(by, body, clock(at), PAGE, None if edited is None else clock(edited))


def with_comments(*comments: TicketComment, key: str = "PAY-7", **facts: Any) -> Ticket:
    return ticket(key, comments=comments, **facts)


def judge(*tickets: Any, rule: Any = signed_off, of: Policy | None = None, **facts: Any) -> Finding:
    """5.1, or another rule, of a change that names these tickets."""
    change = make_change(tickets=[named(each) for each in tickets], reviews=[], **facts)
    finding: Finding = rule(change, of or policy())
    assert finding.reason.endswith(".")
    return finding


@pytest.mark.parametrize(
    ("outcome", "why", "comments"),
    [
        pytest.param(
            PASS,
            "QA's sign-off: comment on ticket PAY-7 by Quinn Q. (quinn on GitHub) (named in the"
            " policy; the merged head was there before it",
            [said()],
            id="by QA",
        ),
        pytest.param(PASS, "", [said("  qa PASSED.")], id="case does not matter"),
        pytest.param(EXCEPTION, "nothing among the comments on tickets", [], id="none"),
        pytest.param(EXCEPTION, "nothing among", [said("QA passed?")], id="a question"),
        pytest.param(EXCEPTION, "nothing among", [said("Not QA passed")], id="not at its start"),
        pytest.param(EXCEPTION, "nothing among", [said("QA passedish")], id="another word"),
        pytest.param(EXCEPTION, "dana was not in the role", [said(by=DANA)], id="by another"),
        pytest.param(
            UNDETERMINED, "nobody in the roster", [said(by=STRANGER)], id="by a namesake of QA"
        ),
        pytest.param(EXCEPTION, "deleted now", [said(by=None)], id="by a deleted account"),
        pytest.param(EXCEPTION, "nothing among", [said(at=5)], id="after the merge"),
        pytest.param(
            UNDETERMINED, "in the very second of the merge", [said(at=0)], id="with the merge"
        ),
        pytest.param(EXCEPTION, "it was edited at", [said(edited=-20)], id="edited"),
        pytest.param(UNDETERMINED, "it was edited at", [said(edited=5)], id="edited afterwards"),
        pytest.param(
            UNDETERMINED, "it was edited at", [said("No", edited=5)], id="it may have said so then"
        ),
        pytest.param(
            EXCEPTION, "nothing among", [said("No", DANA, edited=5)], id="but not by somebody else"
        ),
        pytest.param(PASS, "", [said("Hm"), said(by=DANA), said()], id="one of many"),
    ],
)
def test_qa_signs_off_by_a_comment_on_a_ticket(
    outcome: Outcome, why: str, comments: list[TicketComment]
) -> None:
    finding = judge(with_comments(*comments))
    assert finding.outcome is outcome, finding.reason
    assert why in finding.reason


@pytest.mark.parametrize(
    ("outcome", "why", "tickets"),
    [
        pytest.param(UNDETERMINED, "PAY-8 could not be read", ["PAY-8"], id="hidden"),
        pytest.param(PASS, "", ["PAY-8", with_comments(said())], id="hidden, and another"),
        pytest.param(
            UNDETERMINED,
            "the comments on PAY-7 could not be read: they were not asked for",
            [ticket()],
            id="not asked for",
        ),
        pytest.param(
            EXCEPTION,
            "OPS-1 is in the project OPS, which the policy does not list",
            [with_comments(said(), key="OPS-1")],
            id="of a project that does not count",
        ),
        pytest.param(EXCEPTION, "nothing among", [ticket("OPS-1")], id="of one, and not asked for"),
        pytest.param(
            PASS,
            "by quinn (named",
            [
                ticket(
                    "acme/payments#3",
                    comments=(TicketComment(actor("quinn"), "QA passed", clock(-30), PAGE),),
                )
            ],
            id="an issue",
        ),
    ],
)
def test_the_ticket_has_to_count(outcome: Outcome, why: str, tickets: list[Any]) -> None:
    finding = judge(*tickets)
    assert finding.outcome is outcome, finding.reason
    assert why in finding.reason


@pytest.mark.parametrize(
    ("outcome", "facts"),
    [
        (UNDETERMINED, {"checks": []}),
        (EXCEPTION, {"checks": [], "commits": [commit(at=-20)]}),
    ],
)
def test_the_comment_comes_after_the_last_code(outcome: Outcome, facts: dict[str, Any]) -> None:
    """Of itself it names no commit."""
    assert judge(with_comments(said()), **facts).outcome is outcome


def test_the_comment_is_cited() -> None:
    (citation,) = judge(with_comments(said())).evidence
    assert (citation.what, citation.who) == (
        "comment on ticket PAY-7",
        "Quinn Q. (quinn on GitHub)",
    )
    assert (citation.at, citation.url) == (clock(-30), PAGE)


@pytest.mark.parametrize(
    ("outcome", "comments", "facts"),
    [
        (PASS, [said()], {}),
        (EXCEPTION, [said()], {"commits": [commit("head", "quinn")]}),
        (NOT_APPLICABLE, [], {}),
    ],
)
def test_who_wrote_it_is_independent(
    outcome: Outcome, comments: list[TicketComment], facts: dict[str, Any]
) -> None:
    assert judge(with_comments(*comments), rule=qa_independent, **facts).outcome is outcome


def test_a_comment_on_the_pull_request_is_another_method() -> None:
    """Neither stands for the other, and where both are named either is enough."""
    on_pull: dict[str, Any] = {"comments": [comment("quinn", "QA passed", at=-30)]}
    assert judge(with_comments(), **on_pull).outcome is EXCEPTION
    assert judge(with_comments(said()), of=policy(comment="LGTM")).outcome is PASS
    both = policy(comment="QA passed")
    assert judge(with_comments(), of=both, **on_pull).outcome is PASS
    other = policy(ticket_comment=None, comment="QA passed")
    assert judge(with_comments(said()), of=other, comments=[]).outcome is EXCEPTION


def test_what_both_methods_of_tickets_miss_is_said_once() -> None:
    both = policy(ticket_statuses=["QA passed"])
    assert judge("PAY-8", of=both).reason.count("PAY-8") == 1
    moves = ticket(history=[moved("In QA", "QA passed", -30, QUINN)], comments=Unavailable("cut"))
    assert judge(moves, of=both).outcome is PASS
    unread = judge(ticket(history=GONE, comments=Unavailable("cut")), of=both)
    assert "the history of PAY-7" in unread.reason
    assert "the comments on PAY-7" in unread.reason
