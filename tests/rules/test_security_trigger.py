"""Step 4: whether a security review is called for, and whether the author denied it."""

from __future__ import annotations

from typing import Any

import pytest

from builders import (
    BODY,
    GONE,
    altered,
    clock,
    edit,
    file,
    labeled,
    make_change,
    make_policy,
    named,
    ticket,
    unlabeled,
)
from changeaudit.markdown import LIMIT
from changeaudit.records import Unavailable
from changeaudit.rules.security_trigger import (
    security_impact_declared,
    security_review_triggered,
    triggered,
)
from changeaudit.verdicts import Citation, Finding, Outcome

PASS, EXCEPTION = Outcome.PASS, Outcome.EXCEPTION
UNDETERMINED, NOT_APPLICABLE = Outcome.UNDETERMINED, Outcome.NOT_APPLICABLE

EVERYTHING = {
    "paths": ["auth/**", "**/*.pem"],
    "labels": ["security"],
    "ticket_labels": ["pii"],
    "ticket_types": ["Vulnerability"],
    "impact_items": ["Touches sign-in"],
    "no_impact_items": ["No security impact"],
}
NOTHING = dict.fromkeys(EVERYTHING, ())
ANSWERS = {PASS: "yes", NOT_APPLICABLE: "no", UNDETERMINED: "unknown"}


def body(*lines: str) -> str:
    return "\n".join(["## Security checklist", *lines])


def judge(rule: Any, policy: dict[str, Any] = EVERYTHING, **facts: Any) -> Finding:
    """The rule's finding under a policy with these triggers."""
    finding: Finding = rule(
        make_change(**facts), make_policy(security_review={**NOTHING, **policy})
    )
    return finding


PULL = "https://github.com/acme/payments/pull/12"
MERGE_OF_TWO_FILES = Citation(
    "pull request with 2 changed files, merged", "lee", clock(0), f"{PULL}/files"
)

# 4.1


def test_nothing_triggers() -> None:
    """Everything was read and nothing fired: not applicable, with the number of files."""
    finding = judge(security_review_triggered, files=[file("a"), file("b")])
    assert finding.outcome is NOT_APPLICABLE
    assert "the paths of 2 changed files" in finding.reason
    assert "the labels at the merge (there were none)" in finding.reason
    assert "1 ticket as of the merge" in finding.reason
    assert "checklist" in finding.reason
    assert finding.evidence == (MERGE_OF_TWO_FILES,)


def test_nothing_is_never_counted() -> None:
    """Where there was nothing to look through, the reason says so in words and gives no zero."""
    finding = judge(security_review_triggered, files=[], tickets=[])
    assert finding.outcome is NOT_APPLICABLE
    for what in ("the paths of the changed files", "the labels at the merge", "the linked tickets"):
        assert f"{what} (there were none)" in finding.reason
    assert " 0 " not in finding.reason


@pytest.mark.parametrize(
    ("facts", "why", "cited"),
    [
        ({"files": [file("a"), file("auth/x")]}, '"auth/x" matches "auth/**"', '"auth/x"'),
        ({"files": [file("deep/in/key.pem", "DELETED")]}, "key.pem", "key.pem"),
        ({"events": [labeled("Security", at=-9)]}, 'label "Security"', "applied"),
        ({"tickets": [named(ticket(labels=["PII"]))]}, 'had the label "PII" at the merge', "PII"),
        (
            {"tickets": [named(ticket(type="vulnerability"))]},
            'PAY-7 had the type "vulnerability"',
            "type",
        ),
        ({"body": body("- [x] Touches sign-in")}, 'declares "Touches sign-in"', "ticked"),
        (
            {"body": body("- [x] **Touches sign-in**: the cookie")},
            "declares",
            "the cookie",
        ),
    ],
)
def test_each_trigger_fires(facts: dict[str, Any], why: str, cited: str) -> None:
    """Paths, labels, tickets and the author's answer call for the review, with evidence."""
    finding = judge(security_review_triggered, **facts)
    assert finding.outcome is PASS
    assert why in finding.reason
    (citation,) = finding.evidence
    assert cited in citation.what
    assert citation.url


ON_TICKETS = {"ticket_labels": ["pii"], "ticket_types": ["Bug"], "ticket_components": ["Auth"]}
LATER = "changed after the merge:"


@pytest.mark.parametrize(
    ("found", "outcome", "why"),
    [
        pytest.param(ticket(components=("Web", "auth")), PASS, 'component "auth"', id="component"),
        pytest.param(ticket(components=("Web",)), NOT_APPLICABLE, "1 ticket", id="another"),
        pytest.param(
            ticket(history=[altered("labels", ["pii"], ["x"], 5)], labels=["x"]),
            PASS,
            f'had the label "pii" at the merge ({LATER} labels changed from "pii" to "x" at',
            id="label taken off after the merge",
        ),
        pytest.param(
            ticket(history=[altered("labels", [], ["pii"], 5)], labels=["pii"]),
            NOT_APPLICABLE,
            f"the labels of PAY-7 at the merge ({LATER} labels changed from none to",
            id="label put on after the merge",
        ),
        pytest.param(
            ticket(history=[altered("labels", [], ["pii"], 0)], labels=["pii"]),
            UNDETERMINED,
            'whether the ticket PAY-7 had the label "pii" at the merge, which its history leaves',
            id="label put on in the second of the merge",
        ),
        pytest.param(
            ticket(history=[altered("labels", ["pii"], ["pii", "x"], 0)], labels=["pii", "x"]),
            PASS,
            'had the label "pii" at the merge',
            id="it had the label whichever came first",
        ),
        pytest.param(
            ticket(history=[altered("components", ["Auth"], [], -5)]),
            NOT_APPLICABLE,
            "1 ticket",
            id="component taken off before the merge",
        ),
        pytest.param(
            ticket(history=[altered("type", "Bug", "Story", 5)]),
            PASS,
            f'the type "Bug" at the merge ({LATER} type changed from "Bug" to "Story" at',
            id="type changed after the merge",
        ),
        pytest.param(
            ticket(type="Bug", history=[altered("type", "Story", "Task", -5)]),
            UNDETERMINED,
            'had the type "Bug" at the merge, which its history leaves open',
            id="the history does not lead to today's type",
        ),
        pytest.param(
            ticket(gaps={"labels": Unavailable("it was cut")}),
            UNDETERMINED,
            "the labels of the ticket PAY-7 then (it was cut)",
            id="the history of its labels is not known",
        ),
        pytest.param(
            ticket(gaps={"key": Unavailable("it was cut")}), NOT_APPLICABLE, "", id="nor asked for"
        ),
        pytest.param(
            ticket(created=1, labels=["pii"]),
            NOT_APPLICABLE,
            "the ticket PAY-7, which was only created after the merge",
            id="created after the merge",
        ),
        pytest.param(ticket(created=0, labels=["pii"]), PASS, "", id="created in its second"),
        pytest.param(
            ticket(history=GONE, labels=["pii"]),
            UNDETERMINED,
            "the labels of the ticket PAY-7 then",
            id="no history at all",
        ),
    ],
)
def test_a_ticket_triggers_as_it_stood_at_the_merge(found: Any, outcome: Outcome, why: str) -> None:
    """By its history; what changed after the merge is told beside it."""
    finding = judge(security_review_triggered, ON_TICKETS, tickets=[named(found)])
    assert finding.outcome is outcome, finding.reason
    assert why in finding.reason


@pytest.mark.parametrize(
    ("triggers", "facts"),
    [
        ({"ticket_labels": ["PII"]}, {"tickets": [named(ticket(labels=["pii"]))]}),
        ({"ticket_types": ["VULNERABILITY"]}, {"tickets": [named(ticket(type="Vulnerability"))]}),
        ({"labels": ["Security"]}, {"events": [labeled("security", at=-9)]}),
        ({"impact_items": ["Touches sign-in"]}, {"body": body("- [x] Touches sign-in")}),
        ({"paths": ["auth/**"]}, {"files": [file("auth/x")]}),
    ],
)
def test_each_kind_of_trigger_fires_alone(triggers: dict[str, Any], facts: dict[str, Any]) -> None:
    """Whatever else the policy leaves unnamed, and whatever the case in which it is written."""
    assert judge(security_review_triggered, triggers, **facts).outcome is PASS
    assert judge(security_review_triggered, triggers).outcome is NOT_APPLICABLE


@pytest.mark.parametrize(
    "facts",
    [
        {"events": [labeled("bug", at=-9), labeled("security", at=-8), labeled("ux", at=-7)]},
        {"tickets": [named("PAY-404"), named(ticket(labels=["pii"])), named("PAY-405")]},
        {"tickets": [named(ticket("PAY-8")), named(ticket(type="Vulnerability"))]},
        {"body": body("- [x] Tested", "- [x] Touches sign-in", "- [x] Documented")},
        {"files": [file("a"), file("auth/x"), file("b")]},
    ],
)
def test_one_of_many_is_enough(facts: dict[str, Any]) -> None:
    """Wherever it stands among those that trigger nothing or could not be read."""
    finding = judge(security_review_triggered, **facts)
    assert finding.outcome is PASS
    assert len(finding.evidence) == 1


def test_an_item_without_words_is_nobodys_answer() -> None:
    """No box begins with it."""
    said = body("- [x] (see below)", "- [x]  …")
    policy = {"impact_items": ["—", "Touches sign-in"]}
    assert judge(security_review_triggered, policy, body=said).outcome is NOT_APPLICABLE


def test_a_label_is_cited_with_who_applied_it_and_when() -> None:
    """Who put it on is evidence, that it is there is not."""
    (citation,) = judge(security_review_triggered, events=[labeled("security", "sam", -9)]).evidence
    assert (citation.who, citation.at) == ("sam", clock(-9))


@pytest.mark.parametrize(
    "facts",
    [
        {"events": [labeled("security", at=1)]},
        {"events": [labeled("security", at=-9), unlabeled("security", at=-8)]},
        {"edits": [edit(body("- [x] Touches sign-in"), at=1), edit(BODY, at=-9)]},
        {"body": body("- [ ] Touches sign-in")},
        {"body": "- [x] Touches sign-in"},
        {"body": body("<!-- \n- [x] Touches sign-in\n-->")},
        {"tickets": [named(ticket(labels=["pi"]))]},
        {"files": [file("author/x")]},
        {"events": [labeled("sec")]},
        {"tickets": []},
    ],
)
def test_what_does_not_trigger(facts: dict[str, Any]) -> None:
    """Labels and answers count as of the merge, and only those that the policy names."""
    assert judge(security_review_triggered, **facts).outcome is NOT_APPLICABLE


UNREAD = [
    ({"changed_files": 3}, "2 of the 3 changed files"),
    ({"files": GONE}, "the changed files (the source did not answer)"),
    ({"files": [file("a", "RENAMED")]}, "the former path of 1 renamed file"),
    ({"timeline": GONE}, "the labels at the merge"),
    ({"labels": ["security"]}, 'whether the label "security" was on'),
    ({"events": [labeled("security", at=0)]}, "the very second"),
    ({"edits": [edit(BODY, at=1)]}, "the checklist at the merge"),
    ({"tickets": [named("PAY-404")]}, "the ticket PAY-404"),
    ({"unread_places": ["title: unread"]}, "title: unread"),
    ({"body": BODY + "x" * LIMIT}, "the description after its first"),
]


@pytest.mark.parametrize(("facts", "word"), UNREAD)
def test_what_could_not_be_read_may_hold_a_trigger(facts: dict[str, Any], word: str) -> None:
    """Nothing fired and something is unread: undetermined, and it is named."""
    finding = judge(security_review_triggered, **facts)
    assert finding.outcome is UNDETERMINED
    assert word in finding.reason


@pytest.mark.parametrize(("facts", "word"), UNREAD)
def test_one_trigger_that_fired_is_enough(facts: dict[str, Any], word: str) -> None:
    """What is unread changes nothing once a trigger fired."""
    fired: dict[str, Any] = {"body": body("- [x] Touches sign-in")}
    if "edits" in facts:
        fired = {"files": [file("auth/x")]}
    assert judge(security_review_triggered, **{**facts, **fired}).outcome is PASS


@pytest.mark.parametrize(
    ("facts", "needed"),
    [
        ({"files": GONE}, "paths"),
        ({"timeline": GONE}, "labels"),
        ({"tickets": [named("PAY-404")]}, "ticket_types"),
        ({"edits": [edit(BODY, at=1)]}, "impact_items"),
    ],
)
def test_what_the_policy_does_not_ask_for_is_not_missed(facts: dict[str, Any], needed: str) -> None:
    """Evidence for a trigger that the policy does not name may be unread."""
    without = {**EVERYTHING, "ticket_labels": (), needed: ()}
    assert judge(security_review_triggered, without, **facts).outcome is NOT_APPLICABLE


@pytest.mark.parametrize("rule", [security_review_triggered, security_impact_declared])
def test_a_policy_without_triggers_tells_nothing(rule: Any) -> None:
    """That nothing triggers is then no finding, and the reason says what to add."""
    finding = judge(rule, {"no_impact_items": ["No security impact"]})
    assert finding.outcome is UNDETERMINED
    assert "add security_review.paths" in finding.reason


def test_many_paths_are_counted() -> None:
    """Ten matches are named and the others counted."""
    finding = judge(security_review_triggered, files=[file(f"auth/{n}") for n in range(30)])
    assert finding.outcome is PASS
    assert len(finding.evidence) == 11
    assert "20 more changed paths match" in finding.evidence[-1].what
    assert finding.evidence[-1].url == f"{PULL}/files"
    ten = judge(security_review_triggered, files=[file(f"auth/{n}") for n in range(10)])
    assert len(ten.evidence) == 10
    assert "more" not in ten.reason


@pytest.mark.parametrize(
    "facts", [{}, {"files": [file("auth/x")]}, {"files": GONE}, {"changed_files": 9}]
)
def test_the_answer_for_the_other_attributes_agrees_with_4_1(facts: dict[str, Any]) -> None:
    """4.2 and 4.3 ask the same question and get the same answer."""
    change = make_change(**facts)
    policy = make_policy(security_review=EVERYTHING)
    answer = ANSWERS[security_review_triggered(change, policy).outcome]
    assert triggered(change, policy) == answer


def test_without_triggers_the_answer_is_unknown() -> None:
    """A policy that names none has not said that no review is needed."""
    assert triggered(make_change(), make_policy(security_review=NOTHING)) == "unknown"


# 4.4

DENIED = body("- [x] No security impact")


@pytest.mark.parametrize(
    "facts",
    [
        {"files": [file("auth/x")]},
        {"events": [labeled("security")]},
        {"tickets": [named(ticket(labels=["pii"]))]},
    ],
)
def test_a_denied_impact_is_under_declared(facts: dict[str, Any]) -> None:
    """Something shows security impact and the checklist says that there is none."""
    finding = judge(security_impact_declared, body=DENIED, **facts)
    assert finding.outcome is EXCEPTION
    assert "under-declared" in finding.reason
    assert "No security impact" in finding.evidence[0].what
    assert len(finding.evidence) == 2


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ({"body": DENIED}, NOT_APPLICABLE),
        ({"files": [file("auth/x")]}, PASS),
        ({"files": [file("auth/x")], "body": body("- [ ] No security impact")}, PASS),
        ({"body": body("- [x] Touches sign-in")}, PASS),
        ({"body": body("- [x] Touches sign-in", "- [x] No security impact")}, EXCEPTION),
        ({"files": [file("auth/x")], "edits": [edit(DENIED, at=1)]}, UNDETERMINED),
        ({"files": [file("auth/x")], "edits": [edit(DENIED, at=1), edit("", at=-9)]}, PASS),
        ({"files": [file("auth/x")], "edits": [edit("", at=1), edit(DENIED, at=-9)]}, EXCEPTION),
        ({"files": GONE, "body": DENIED}, UNDETERMINED),
        ({"files": GONE, "events": [labeled("security")], "body": DENIED}, EXCEPTION),
        ({"files": GONE}, PASS),
    ],
)
def test_security_impact_declared(facts: dict[str, Any], outcome: Outcome) -> None:
    """The checklist is read as of the merge; without a trigger there is nothing to declare."""
    finding = judge(security_impact_declared, **facts)
    assert finding.outcome is outcome, finding.reason


BOTH = body("- [x] Touches sign-in", "- [x] No security impact")
SIGN_IN = 'ticked: "Touches sign-in"'
DENIAL = 'ticked: "No security impact"'
PATH = 'changed path "auth/x"'


@pytest.mark.parametrize(
    ("facts", "outcome", "cited"),
    [
        ({"files": [file("a"), file("b")]}, NOT_APPLICABLE, [MERGE_OF_TWO_FILES.what]),
        ({"files": [file("auth/x")], "body": DENIED}, EXCEPTION, [DENIAL, PATH]),
        ({"files": [file("auth/x")], "body": BOTH}, EXCEPTION, [DENIAL, PATH, SIGN_IN]),
        ({"files": [file("auth/x")], "edits": [edit(DENIED, at=1)]}, UNDETERMINED, [PATH]),
        ({"files": GONE, "body": DENIED}, UNDETERMINED, [DENIAL]),
        (
            {"files": [file("auth/x")]},
            PASS,
            ["description: no ticked item denies security impact", PATH],
        ),
    ],
)
def test_what_was_declared_is_cited_with_what_triggers(
    facts: dict[str, Any], outcome: Outcome, cited: list[str]
) -> None:
    finding = judge(security_impact_declared, **facts)
    assert finding.outcome is outcome
    assert [citation.what for citation in finding.evidence] == cited


def test_a_denial_is_held_against_what_shows_impact() -> None:
    """Against the author's own declaration only where nothing else does."""
    shown = judge(security_impact_declared, body=BOTH, files=[file("auth/x")])
    assert "auth/x" in shown.reason
    assert "declares" not in shown.reason
    declared = judge(security_impact_declared, body=BOTH)
    assert 'while the checklist declares "Touches sign-in"' in declared.reason


def test_a_policy_without_denials_asks_for_none() -> None:
    """Where no item can deny impact, nothing can be under-declared."""
    policy = {**EVERYTHING, "no_impact_items": ()}
    finding = judge(security_impact_declared, policy, files=[file("auth/x")])
    assert finding.outcome is NOT_APPLICABLE
    assert "no_impact_items" in finding.reason


def test_a_denial_that_begins_like_a_declaration_denies() -> None:
    """A box belongs to the longest item that it begins with."""
    policy = {
        **EVERYTHING,
        "impact_items": ["Security impact"],
        "no_impact_items": ["Security impact: none"],
    }
    said = body("- [x] Security impact: none")
    assert judge(security_review_triggered, policy, body=said).outcome is NOT_APPLICABLE
    changed = [file("auth/x")]
    finding = judge(security_impact_declared, policy, body=said, files=changed)
    assert finding.outcome is EXCEPTION
    said = body("- [x] Security impact: the cookie")
    assert judge(security_review_triggered, policy, body=said).outcome is PASS
