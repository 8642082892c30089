"""ENG-PROC-004: what is asked of an emergency change, up to its deadlines and no further."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from builders import (
    DAY,
    HOUR,
    check,
    clock,
    comment,
    commit,
    edit,
    force_pushed,
    labeled,
    make_change,
    make_policy,
    named,
    review,
    ticket,
)
from changeaudit.change import Change
from changeaudit.policy import Policy
from changeaudit.records import Unavailable
from changeaudit.rules import emergency
from changeaudit.rules.attribute import Rule
from changeaudit.verdicts import ChangeClass, Outcome

PASS, EXCEPTION = Outcome.PASS, Outcome.EXCEPTION
UNDETERMINED = Outcome.UNDETERMINED
LINK = "https://wiki.example.com/post-mortems/7"
TEMPLATE_BODY = make_change().pull.body


def policy(**emergency_parts: Any) -> Policy:
    """The company's policy, with a link that shows a post-mortem."""
    shown = {"post_mortem": {"link_pattern": "https://wiki.example.com/post-mortems/*"}}
    return make_policy(classes={"emergency": {"labels": ["emergency"], **shown, **emergency_parts}})


def urgent(**facts: Any) -> Change:
    """An emergency change, collected 30 days after its merge."""
    facts = {"collected_at": clock(30 * DAY), "class_": ChangeClass.EMERGENCY, **facts}
    return make_change(**facts)


def judge(rule: Rule, facts: Mapping[str, Any], of: Policy | None = None) -> tuple[Outcome, str]:
    finding = rule(urgent(**facts), of or policy())
    assert finding.reason.endswith(".")
    assert finding.evidence or finding.outcome is UNDETERMINED
    return finding.outcome, finding.reason


BOTH = [review("lee", at=-60), review("sam", at=-50)]
"""Approvals by a lead and by a member of the security team."""
LATER_CODE = {"commits": [commit("one"), commit("head")]}
OF_ONE = [review(who, at=-60, commit="one") for who in ("lee", "sam", "pat")]
"""Approvals of the first of these two commits."""


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ({"reviews": BOTH}, PASS),
        ({"reviews": [review("lee", at=-60)]}, UNDETERMINED),
        ({"reviews": []}, UNDETERMINED),
        ({"tickets": []}, EXCEPTION),
        ({"tickets": [named("PAY-404")]}, UNDETERMINED),
        ({"tickets": [], "unread_places": ["body: gone"]}, UNDETERMINED),
        ({"tickets": [named(ticket("PAY-7", created=60))], "reviews": BOTH}, EXCEPTION),
    ],
)
def test_identified_and_notified(facts: dict[str, Any], outcome: Outcome) -> None:
    """A ticket from before the merge; a notice that is not visible is not an exception."""
    assert judge(emergency.emergency_identified, facts)[0] is outcome


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ({"reviews": BOTH}, PASS),
        ({"reviews": BOTH, "tickets": []}, EXCEPTION),
        ({"reviews": [review("lee", at=-60)]}, UNDETERMINED),
        ({"reviews": [review("lee", at=-60)], "tickets": []}, EXCEPTION),
        ({"reviews": [review("lee", at=-60), review("sam", at=10)], "tickets": []}, EXCEPTION),
        ({"reviews": Unavailable("cut"), "tickets": []}, UNDETERMINED),
        ({"reviews": BOTH, **LATER_CODE}, PASS),
        ({"reviews": OF_ONE, **LATER_CODE}, UNDETERMINED),
        ({"reviews": OF_ONE, **LATER_CODE, "tickets": []}, EXCEPTION),
        ({"reviews": BOTH, "events": [force_pushed(at=-5)], "tickets": []}, EXCEPTION),
    ],
)
def test_approved(facts: dict[str, Any], outcome: Outcome) -> None:
    """Lead and security, before the merge and of what merged; the ticket may hold what the pull
    request does not."""
    assert judge(emergency.emergency_approved, facts)[0] is outcome


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ({"reviews": [review("pat", at=-60), review("sam", at=-50)]}, PASS),
        ({"reviews": [review("pat", at=23 * HOUR), review("sam", at=-50)]}, PASS),
        ({"reviews": [review("pat", at=25 * HOUR), review("sam", at=-50)]}, EXCEPTION),
        ({"reviews": [review("pat", at=-60)]}, EXCEPTION),
        ({"reviews": [], "collected_at": clock(HOUR)}, UNDETERMINED),
        ({"reviews": Unavailable("cut")}, UNDETERMINED),
        ({"reviews": OF_ONE, **LATER_CODE}, EXCEPTION),
        (
            {"reviews": [*OF_ONE, review("pat", at=HOUR), review("sam", at=HOUR)], **LATER_CODE},
            PASS,
        ),
    ],
)
def test_reviewed(facts: dict[str, Any], outcome: Outcome) -> None:
    """Peer and security, of what merged, at the latest when the documentation is due."""
    assert judge(emergency.emergency_reviewed, facts)[0] is outcome


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [({}, PASS), ({"base_ref": "release-9"}, UNDETERMINED)],
)
def test_deployed(facts: dict[str, Any], outcome: Outcome) -> None:
    """A merge into a production branch is what authorises the deployment."""
    assert judge(emergency.emergency_deployed, facts)[0] is outcome


def edited(at: float) -> dict[str, Any]:
    """A description that was empty at the merge and filled in at `at`."""
    return {
        "body": TEMPLATE_BODY,
        "edits": [edit("", at=-5 * HOUR), edit(TEMPLATE_BODY, at=at)],
        "edited_at": clock(at),
    }


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ({}, PASS),
        (edited(at=23 * HOUR), PASS),
        (edited(at=25 * HOUR), EXCEPTION),
        ({"body": "", "collected_at": clock(HOUR)}, UNDETERMINED),
        ({"body": ""}, EXCEPTION),
        ({**edited(at=DAY * 2), "edits": Unavailable("cut")}, UNDETERMINED),
    ],
)
def test_documented(facts: dict[str, Any], outcome: Outcome) -> None:
    """Template and checklist as they stood when the documentation was due."""
    assert judge(emergency.emergency_documented, facts)[0] is outcome


def test_the_hours_are_the_policys() -> None:
    facts = edited(at=25 * HOUR)
    assert judge(emergency.emergency_documented, facts, policy(documentation_hours=48))[0] is PASS


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ({"comments": [comment("lee", f"See <{LINK}>.", at=2 * DAY)]}, PASS),
        ({"comments": [comment("lee", LINK, at=3.4 * DAY)]}, PASS),
        ({"comments": [comment("lee", LINK, at=3.6 * DAY)]}, EXCEPTION),
        ({"comments": [comment("lee", LINK, at=DAY, edited_at=9 * DAY)]}, EXCEPTION),
        ({"comments": [comment("lee", "https://elsewhere.example/7", at=DAY)]}, EXCEPTION),
        ({"comments": [comment("lee", f"<!-- {LINK} -->", at=DAY)]}, EXCEPTION),
        ({"comments": [comment("lee", LINK, at=-1)]}, EXCEPTION),
        ({"comments": [comment("lee", LINK, at=-1, edited_at=DAY)]}, PASS),
        ({"comments": []}, EXCEPTION),
        ({"comments": [], "collected_at": clock(2 * DAY)}, UNDETERMINED),
        ({"comments": Unavailable("cut")}, UNDETERMINED),
    ],
)
def test_followed_up(facts: dict[str, Any], outcome: Outcome) -> None:
    """Three business days after a Tuesday end with the Friday."""
    assert judge(emergency.emergency_followed_up, facts)[0] is outcome


@pytest.mark.parametrize(
    ("facts", "shown"),
    [
        ({"events": [labeled("post-mortem", at=DAY)]}, {"labels": ["Post-Mortem"]}),
        (
            {"tickets": [named(ticket("PAY-9", type="Post-mortem"))]},
            {"ticket_types": ["post-mortem"]},
        ),
        ({"tickets": [named(ticket("PAY-9", labels=["PIR"]))]}, {"labels": ["pir"]}),
    ],
)
def test_what_shows_a_post_mortem(facts: dict[str, Any], shown: dict[str, Any]) -> None:
    """A label, or a ticket by its type or label; another kind shows nothing."""
    assert judge(emergency.emergency_followed_up, facts, policy(post_mortem=shown))[0] is PASS
    assert judge(emergency.emergency_followed_up, facts)[0] is EXCEPTION


def test_a_label_from_before_the_merge_shows_no_post_mortem() -> None:
    facts = {"events": [labeled("post-mortem", at=-1)]}
    shown = policy(post_mortem={"labels": ["post-mortem"]})
    assert judge(emergency.emergency_followed_up, facts, shown)[0] is EXCEPTION


def test_without_a_word_in_the_policy_it_is_undetermined() -> None:
    outcome, reason = judge(emergency.emergency_followed_up, {}, policy(post_mortem={}))
    assert outcome is UNDETERMINED
    assert "classes.emergency.post_mortem" in reason


def test_holidays_put_the_deadline_off() -> None:
    late = {"comments": [comment("lee", LINK, at=3.6 * DAY)]}
    given = make_policy(
        classes={"emergency": {"labels": ["e"], "post_mortem": {"link_pattern": "*post-mortems*"}}},
        calendar={"holidays": [date(2026, 3, 12)]},
    )
    assert judge(emergency.emergency_followed_up, late, given)[0] is PASS


def test_a_check_is_no_part_of_it() -> None:
    """What the six steps ask and ENG-PROC-004 does not changes nothing."""
    bare = judge(emergency.emergency_reviewed, {"reviews": BOTH})
    assert judge(emergency.emergency_reviewed, {"reviews": BOTH, "checks": [check("x")]}) == bare
