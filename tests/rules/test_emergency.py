"""ENG-PROC-004: what is asked of an emergency change, up to its deadlines and no further."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest

from builders import (
    DAY,
    HOUR,
    altered,
    check,
    clock,
    comment,
    commit,
    edit,
    force_pushed,
    labeled,
    make_change,
    make_policy,
    make_repository,
    moved,
    named,
    renamed,
    review,
    template,
    ticket,
    unlabeled,
)
from changeaudit.change import Change
from changeaudit.policy import Policy
from changeaudit.records import Unavailable
from changeaudit.rules import emergency
from changeaudit.rules.attribute import Rule
from changeaudit.verdicts import ChangeClass, Citation, Outcome
from changeaudit.workdays import DAYS

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


CLASSED = Citation(
    "classed as emergency: no other class applies",
    url="https://github.com/acme/payments/pull/12",
)
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
        ({"reviews": [review("sam", at=-60)]}, UNDETERMINED),
        ({"reviews": []}, UNDETERMINED),
        ({"tickets": []}, EXCEPTION),
        ({"tickets": [named("PAY-404")]}, UNDETERMINED),
        ({"tickets": [], "unread_places": ["body: gone"]}, UNDETERMINED),
        ({"tickets": [named(ticket("PAY-7", created=60))], "reviews": BOTH}, EXCEPTION),
        ({"tickets": [named(ticket("PAY-7", created=0))], "reviews": BOTH}, UNDETERMINED),
        (
            {
                "tickets": [named(ticket("PAY-6", created=0)), named(ticket("PAY-7"))],
                "reviews": BOTH,
            },
            PASS,
        ),
        (
            {
                "tickets": [named(ticket("PAY-6", created=0)), named(ticket("PAY-7", created=5))],
                "reviews": BOTH,
            },
            UNDETERMINED,
        ),
        ({"tickets": [named(ticket("acme/plans#7"))], "reviews": BOTH}, PASS),
        ({"tickets": [named(ticket("other/plans#7"))], "reviews": BOTH}, EXCEPTION),
        ({"tickets": [named(ticket("OPS-7"))], "reviews": BOTH}, EXCEPTION),
        ({"tickets": [named(ticket("OPS-7", asked="PAY-7"))], "reviews": BOTH}, UNDETERMINED),
        ({"tickets": [named(ticket("OPS-7")), named(ticket("PAY-7"))], "reviews": BOTH}, PASS),
        ({"tickets": [named(ticket("OPS-7")), named("PAY-404")]}, UNDETERMINED),
        ({"tickets": [named(ticket("PAY-7", created=60)), named("PAY-404")]}, UNDETERMINED),
        (
            {"tickets": [named(ticket("PAY-7", created=60))], "unread_places": ["body: gone"]},
            UNDETERMINED,
        ),
    ],
)
def test_identified_and_notified(facts: dict[str, Any], outcome: Outcome) -> None:
    """A ticket from before the merge; a notice that is not visible is not an exception."""
    assert judge(emergency.emergency_identified, facts)[0] is outcome


def test_why_no_ticket_counts_is_said() -> None:
    """For step 1 is not asked of an emergency change."""
    foreign = {"tickets": [named(ticket("other/plans#7"))], "reviews": BOTH}
    _, reason = judge(emergency.emergency_identified, foreign)
    assert reason == (
        "No ticket that counts identifies the critical issue. The GitHub issue other/plans#7 is in"
        " other/plans; the policy counts those of acme/*."
    )
    _, reason = judge(emergency.emergency_identified, {"tickets": [named("PAY-404")]})
    assert "The ticket PAY-404 could not be read" in reason


@pytest.mark.parametrize(
    ("type_", "outcome"), [("Incident", PASS), ("story", PASS), ("Task", EXCEPTION)]
)
def test_an_emergencys_own_types_count_besides(type_: str, outcome: Outcome) -> None:
    """A policy that counts stories alone may know emergencies by their incidents."""
    of = make_policy(
        tickets={"jira_projects": ["PAY"], "types": ["Story"]},
        classes={"emergency": {"ticket_types": ["incident"]}},
    )
    facts = {"tickets": [named(ticket(type=type_))], "reviews": BOTH}
    assert judge(emergency.emergency_identified, facts, of)[0] is outcome


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ({"reviews": BOTH}, PASS),
        ({"reviews": BOTH, "tickets": []}, EXCEPTION),
        ({"reviews": BOTH, "tickets": [named(ticket("other/plans#7"))]}, EXCEPTION),
        ({"reviews": [], "tickets": [named(ticket("other/plans#7"))]}, EXCEPTION),
        ({"reviews": [review("lee", at=-60)]}, UNDETERMINED),
        ({"reviews": [review("lee", at=-60)], "tickets": []}, EXCEPTION),
        ({"reviews": [review("sam", at=-60)]}, UNDETERMINED),
        ({"reviews": [review("sam", at=-60)], "tickets": []}, EXCEPTION),
        ({"reviews": [review("lee", at=-60), review("sam", at=10)], "tickets": []}, EXCEPTION),
        ({"reviews": Unavailable("cut"), "tickets": []}, UNDETERMINED),
        ({"reviews": BOTH, **LATER_CODE}, PASS),
        ({"reviews": OF_ONE, **LATER_CODE}, UNDETERMINED),
        ({"reviews": OF_ONE, **LATER_CODE, "tickets": []}, EXCEPTION),
        ({"reviews": BOTH, "events": [force_pushed(at=-5)], "tickets": []}, EXCEPTION),
        ({"reviews": BOTH, "tickets": [named("PAY-404")]}, UNDETERMINED),
        ({"reviews": BOTH, "tickets": [named("PAY-404"), named(ticket())]}, PASS),
        ({"reviews": BOTH, "tickets": [], "unread_places": ["body: gone"]}, UNDETERMINED),
        ({"reviews": [], "tickets": [], "unread_places": ["body: gone"]}, UNDETERMINED),
        ({"reviews": [], "tickets": [named("PAY-404")]}, UNDETERMINED),
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
    [
        ({}, PASS),
        ({"production": ["release-*", "main", "stable"]}, PASS),
        ({"base_ref": "release-9"}, UNDETERMINED),
        ({"base_ref": "release-9", "production": ["main", "release-*"]}, PASS),
        ({"at_merge": {"base": Unavailable("cut")}}, UNDETERMINED),
    ],
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
        ({"body": "", "collected_at": clock(DAY)}, EXCEPTION),
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
        ({"comments": [comment("lee", LINK, at=3.5 * DAY - 1 / 60)]}, PASS),
        ({"comments": [comment("lee", LINK, at=3.5 * DAY)]}, EXCEPTION),
        ({"comments": [comment("lee", LINK, at=3.6 * DAY)]}, EXCEPTION),
        ({"comments": [comment("lee", LINK, at=0)]}, EXCEPTION),
        ({"comments": [comment("lee", "No wiki.example.com/post-mortems/7", DAY)]}, EXCEPTION),
        ({"comments": [comment("lee", "7", at=DAY), comment("lou", LINK, at=DAY)]}, PASS),
        ({"comments": [], "timeline": Unavailable("cut")}, UNDETERMINED),
        ({"comments": [comment("lee", LINK, at=DAY, edited_at=2 * DAY)]}, PASS),
        ({"comments": [comment("lee", LINK, at=DAY, edited_at=9 * DAY)]}, UNDETERMINED),
        ({"comments": [comment("lee", LINK, at=8 * DAY, edited_at=9 * DAY)]}, EXCEPTION),
        ({"comments": [comment("lee", "https://elsewhere.example/7", at=DAY)]}, EXCEPTION),
        ({"comments": [comment("lee", f"<!-- {LINK} -->", at=DAY)]}, EXCEPTION),
        ({"comments": [comment("lee", LINK, at=-1)]}, EXCEPTION),
        ({"comments": [comment("lee", LINK, at=-1, edited_at=DAY)]}, UNDETERMINED),
        ({"comments": [comment("lee", LINK, at=-2, edited_at=-1)]}, EXCEPTION),
        ({"comments": []}, EXCEPTION),
        ({"comments": [], "collected_at": clock(2 * DAY)}, UNDETERMINED),
        ({"comments": Unavailable("cut")}, UNDETERMINED),
    ],
)
def test_followed_up(facts: dict[str, Any], outcome: Outcome) -> None:
    """Three business days after a Tuesday end with the Friday."""
    assert judge(emergency.emergency_followed_up, facts)[0] is outcome


PM = "Post-mortem"
BY_TYPE = {"ticket_types": ["post-mortem"]}


def of(created: float, *history: Any, **facts: Any) -> dict[str, Any]:
    """A change that names a ticket of the type of a post-mortem."""
    return {"tickets": [named(ticket("PAY-9", created, history=history, **{"type": PM, **facts}))]}


def test_a_ticket_that_waits_since_before_the_merge_is_named() -> None:
    _, reason = judge(emergency.emergency_followed_up, of(-DAY), policy(post_mortem=BY_TYPE))
    assert reason.endswith("PAY-9 was opened before the merge and not done since.")


@pytest.mark.parametrize(
    ("facts", "shown", "outcome"),
    [
        ({"events": [labeled("post-mortem", at=DAY)]}, {"labels": ["Post-Mortem"]}, PASS),
        (of(9), BY_TYPE, PASS),
        (of(4 * DAY), BY_TYPE, EXCEPTION),
        (of(-DAY), BY_TYPE, EXCEPTION),
        (of(0), BY_TYPE, EXCEPTION),
        (of(-DAY, moved("To Do", "Done", -1)), BY_TYPE, EXCEPTION),
        (of(-DAY, moved("To Do", "Done", 0)), BY_TYPE, EXCEPTION),
        (of(-DAY, moved("To Do", "Done", DAY)), BY_TYPE, PASS),
        (of(-DAY, moved("To Do", "Review", DAY)), BY_TYPE, EXCEPTION),
        (of(-DAY, moved("Done", "Closed", DAY)), BY_TYPE, EXCEPTION),
        (of(-DAY, moved("To Do", "Done", 4 * DAY)), BY_TYPE, EXCEPTION),
        (of(-DAY, moved("To Do", "Done", DAY), altered("type", "Bug", PM, 9)), BY_TYPE, PASS),
        (of(-DAY, moved("To Do", "Done", 9), altered("type", "Bug", PM, DAY)), BY_TYPE, PASS),
        (of(9, altered("type", "Bug", PM, 4 * DAY)), BY_TYPE, EXCEPTION),
        (of(9, altered("type", PM, "Bug", DAY), type="Bug"), BY_TYPE, EXCEPTION),
        (of(9, altered("type", PM, "Bug", 4 * DAY), type="Bug"), BY_TYPE, PASS),
        (of(9, altered("type", PM, "Bug", 3.5 * DAY), type="Bug"), BY_TYPE, PASS),
        (of(9, moved("To Do", "Rejected", DAY)), BY_TYPE, EXCEPTION),
        (of(9, moved("To Do", "Rejected", 4 * DAY)), BY_TYPE, PASS),
        (
            of(9, moved("To Do", "Rejected", DAY), moved("Rejected", "To Do", 3 * DAY)),
            BY_TYPE,
            PASS,
        ),
        (of(9, gaps={"status": Unavailable("cut")}), BY_TYPE, UNDETERMINED),
        (of(9, moved("To Do", "X", DAY), status="Rejected"), BY_TYPE, UNDETERMINED),
        (
            of(9, moved("To Do", "Done", DAY), resolution="Won't Do"),
            BY_TYPE,
            EXCEPTION,
        ),
        (
            of(-DAY, moved("To Do", "Done", 9), moved("Done", "To Do", DAY)),
            BY_TYPE,
            EXCEPTION,
        ),
        (
            of(-DAY, moved("To Do", "Done", 9), moved("Done", "To Do", 9)),
            BY_TYPE,
            UNDETERMINED,
        ),
        (
            of(-DAY, moved("To Do", "Done", 9), moved("Done", "To Do", 4 * DAY)),
            BY_TYPE,
            PASS,
        ),
        (of(9, altered("type", "Task", "Bug", DAY), type="Bug"), BY_TYPE, EXCEPTION),
        (of(9, gaps={"type": Unavailable("cut")}), BY_TYPE, UNDETERMINED),
        (of(9, gaps={"type": Unavailable("cut")}, type="Bug"), BY_TYPE, EXCEPTION),
        (of(5 * DAY, gaps={"type": Unavailable("cut")}), BY_TYPE, EXCEPTION),
        (of(9, altered("type", PM, "Bug", 9), type="Bug"), BY_TYPE, EXCEPTION),
        (of(9, altered("type", PM, "Bug", DAY), type="Task"), BY_TYPE, EXCEPTION),
        (of(9, altered("type", PM, "Bug", DAY)), BY_TYPE, UNDETERMINED),
        (of(9, altered("type", "Bug", "Task", 8)), BY_TYPE, UNDETERMINED),
        (of(-DAY, status="Done", gaps={"status": Unavailable("cut")}), BY_TYPE, UNDETERMINED),
        (of(-DAY, status="To Do", gaps={"status": Unavailable("cut")}), BY_TYPE, EXCEPTION),
        (of(9, labels=["PIR"], type="Bug"), {"labels": ["pir"]}, PASS),
        (
            of(9, altered("labels", "", ["PIR"], 4 * DAY), labels=["PIR"], type="Bug"),
            {"labels": ["pir"]},
            EXCEPTION,
        ),
        (
            of(9, altered("labels", "", ["PIR"], 2 * DAY), labels=["PIR"], type="Bug"),
            {"labels": ["pir"]},
            PASS,
        ),
        (of(-DAY, labels=["PIR"], type="Bug"), {"labels": ["pir"]}, EXCEPTION),
        (
            {"tickets": [named(ticket("PAY-9", created=9 * DAY, labels=["PIR"]))]},
            {"labels": ["pir"]},
            EXCEPTION,
        ),
    ],
)
def test_what_shows_a_post_mortem(
    facts: dict[str, Any], shown: dict[str, Any], outcome: Outcome
) -> None:
    """A label, or a ticket by its type or its label; another kind shows nothing.

    A ticket was created after the merge, or done after it, and it still was so at the deadline.
    """
    assert judge(emergency.emergency_followed_up, facts, policy(post_mortem=shown))[0] is outcome
    assert judge(emergency.emergency_followed_up, facts)[0] is EXCEPTION


def test_another_organisations_issue_is_no_post_mortem() -> None:
    """A ticket that is not the company's shows nothing, whatever its label; its type may be any."""
    shown = policy(post_mortem={"labels": ["pir"]})
    for key, outcome in (("other/plans#7", EXCEPTION), ("acme/plans#7", PASS)):
        facts = {"tickets": [named(ticket(key, 9, labels=["PIR"]))]}
        assert judge(emergency.emergency_followed_up, facts, shown)[0] is outcome


@pytest.mark.parametrize(
    ("events", "outcome"),
    [
        ([labeled("post-mortem", at=-1)], EXCEPTION),
        ([labeled("post-mortem", at=0)], EXCEPTION),
        ([labeled("post-mortem", at=-1), unlabeled("post-mortem", at=DAY)], EXCEPTION),
        ([labeled("post-mortem-due", at=DAY)], EXCEPTION),
        ([labeled("x", at=DAY), renamed("a", "b", at=DAY), labeled("Post-Mortem", at=DAY)], PASS),
        ([labeled("post-mortem", at=9), unlabeled("post-mortem", at=10)], EXCEPTION),
        ([labeled("post-mortem", at=9), unlabeled("post-mortem", at=9)], UNDETERMINED),
        ([labeled("post-mortem", at=9), unlabeled("post-mortem", at=3.5 * DAY)], PASS),
        (
            [
                labeled("post-mortem", at=9),
                unlabeled("post-mortem", at=10),
                labeled("post-mortem", at=11),
            ],
            PASS,
        ),
        (
            [
                labeled("post-mortem", at=9),
                unlabeled("post-mortem", at=10),
                labeled("post-mortem", at=9 * DAY),
            ],
            EXCEPTION,
        ),
    ],
)
def test_a_label_shows_a_post_mortem_when_it_is_put_on_after_the_merge(
    events: list[Any], outcome: Outcome
) -> None:
    shown = policy(post_mortem={"labels": ["post-mortem"]})
    assert judge(emergency.emergency_followed_up, {"events": events}, shown)[0] is outcome


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        (
            {"events": [labeled("pm", at=9), unlabeled("pm", at=10)]},
            "the label pm was taken off again at 2026-03-10 12:10:00Z",
        ),
        (of(9, altered("labels", ["pm"], [], DAY)), "PAY-9 had lost that label again by then"),
        (
            of(9, moved("To Do", "Rejected", DAY), labels=["pm"]),
            "PAY-9 was cancelled by then",
        ),
        (
            of(-DAY, moved("To Do", "Done", 9), moved("Done", "To Do", DAY), labels=["pm"]),
            "PAY-9 was reopened by then",
        ),
    ],
)
def test_why_a_post_mortem_stood_no_longer_is_said(facts: dict[str, Any], why: str) -> None:
    shown = policy(post_mortem={"labels": ["pm"]})
    outcome, reason = judge(emergency.emergency_followed_up, facts, shown)
    assert outcome is EXCEPTION
    assert reason == f"No post-mortem stood at 2026-03-14 00:00:00Z: {why}."
    early = {**facts, "collected_at": clock(3 * DAY)}
    assert judge(emergency.emergency_followed_up, early, shown)[0] is UNDETERMINED


def test_an_issue_that_was_closed_as_not_planned_is_no_post_mortem() -> None:
    shown = policy(post_mortem={"labels": ["pm"]})
    for reason, outcome in (("NOT_PLANNED", EXCEPTION), ("COMPLETED", PASS)):
        history = [moved("open", "closed", 9), altered("resolution", "", reason, 9)]
        found = ticket("acme/plans#7", labels=["pm"], history=history, resolution=reason)
        facts = {"tickets": [named(found)]}
        assert judge(emergency.emergency_followed_up, facts, shown)[0] is outcome


def test_only_what_counts_is_said_to_wait() -> None:
    """A ticket of a project that the policy does not list is nobody's post-mortem."""
    shown = policy(post_mortem={"labels": ["pm"]})
    other = named(ticket("OPS-1", created=9, labels=["pm"]))
    waits = [named(ticket(key, labels=["pm"])) for key in ("PAY-8", "PAY-9")]
    _, reason = judge(emergency.emergency_followed_up, {"tickets": [other]}, shown)
    assert reason == "No post-mortem was there by 2026-03-14 00:00:00Z."
    _, reason = judge(emergency.emergency_followed_up, {"tickets": [other, *waits]}, shown)
    assert reason.endswith("PAY-8 and PAY-9 were opened before the merge and not done since.")


def test_words_that_are_no_address_are_no_link() -> None:
    """Even if the policy's pattern would match them."""
    shown = policy(post_mortem={"link_pattern": "*post-mortem*"})
    for said, outcome in (("no post-mortem is planned", EXCEPTION), (f"at {LINK}", PASS)):
        facts = {"comments": [comment("lee", said, at=DAY)]}
        assert judge(emergency.emergency_followed_up, facts, shown)[0] is outcome


def test_a_deadline_that_no_calendar_has_is_undetermined() -> None:
    given = make_policy(
        classes={"emergency": {"labels": ["e"], "post_mortem": {"labels": ["pm"]}}},
        calendar={
            "weekend": [day for day in DAYS if day != "tuesday"],
            "holidays": [date(2026, 3, 10) + timedelta(weeks=n) for n in range(530)],
        },
    )
    finding = emergency.emergency_followed_up(urgent(), given)
    assert finding.outcome is UNDETERMINED
    assert "has no 3 business days" in finding.reason
    assert finding.evidence == (CLASSED,)


def test_without_a_word_in_the_policy_it_is_undetermined() -> None:
    outcome, reason = judge(emergency.emergency_followed_up, {}, policy(post_mortem={}))
    assert outcome is UNDETERMINED
    assert emergency.emergency_followed_up(urgent(), policy(post_mortem={})).evidence == (CLASSED,)
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


# What is said and cited


def cited(rule: Rule, facts: Mapping[str, Any], of: Policy | None = None) -> list[tuple[str, str]]:
    """What each citation is of and by whom; all have a page."""
    evidence = rule(urgent(**facts), of or policy()).evidence
    assert all(citation.url.startswith("https://") for citation in evidence)
    return [(citation.what, citation.who) for citation in evidence]


TICKET = ("ticket PAY-7 (Story)", "dana")
CLASS = (CLASSED.what, "")
LEE, SAM, PAT = (("review: approved", who) for who in ("lee", "sam", "pat"))
LATE = {"comments": [comment("lee", LINK, at=3.6 * DAY)]}


@pytest.mark.parametrize(
    ("rule", "facts", "evidence"),
    [
        (emergency.emergency_identified, {"reviews": BOTH}, [TICKET, LEE, SAM]),
        (emergency.emergency_identified, {"reviews": []}, [TICKET]),
        (emergency.emergency_identified, {"tickets": [named(ticket(created=0))]}, [TICKET]),
        (emergency.emergency_identified, {"tickets": []}, [CLASS]),
        (
            emergency.emergency_identified,
            {"tickets": [named(ticket("OPS-7"))]},
            [CLASS, ('ticket OPS-7 "Round half a cent to even", type "Story"', "dana")],
        ),
        (emergency.emergency_approved, {"reviews": BOTH}, [LEE, SAM]),
        (emergency.emergency_approved, {"reviews": BOTH, "tickets": []}, [LEE, SAM]),
        (emergency.emergency_approved, {"reviews": Unavailable("cut")}, []),
        (emergency.emergency_reviewed, {"reviews": [review("pat"), review("sam")]}, [PAT, SAM]),
        (emergency.emergency_reviewed, {"reviews": Unavailable("cut")}, []),
        (emergency.emergency_deployed, {}, [("merge into main", "lee")]),
        (emergency.emergency_deployed, {"base_ref": "x"}, [("merge into x", "lee")]),
        (
            emergency.emergency_deployed,
            {"at_merge": {"base": Unavailable("cut")}},
            [("merge into a branch that could not be read", "lee")],
        ),
        (emergency.emergency_followed_up, LATE, [(f"link {LINK}", "lee")]),
        (emergency.emergency_followed_up, {**LATE, "timeline": Unavailable("cut")},
         [(f"link {LINK}", "lee")]),
        (emergency.emergency_followed_up, {}, [CLASS]),
        (emergency.emergency_followed_up, {"collected_at": clock(DAY)}, [CLASS]),
    ],
)  # fmt: skip
def test_what_was_read_is_cited(
    rule: Rule, facts: dict[str, Any], evidence: list[tuple[str, str]]
) -> None:
    """The acts that count, in the order of the claim, or else the ticket or the change's class."""
    assert cited(rule, facts) == evidence


@pytest.mark.parametrize("tickets", [[], [named(ticket())]])
def test_where_somebody_lacks_whoever_approved_is_cited(tickets: Any) -> None:
    """And who is lacking is said."""
    one = {"reviews": [review("lee", at=-60)], "tickets": tickets}
    assert LEE in cited(emergency.emergency_approved, one)
    _, reason = judge(emergency.emergency_approved, one)
    assert "No approval by the security team" in reason
    assert "lead" not in reason
    none = {"reviews": [], "tickets": tickets}
    assert cited(emergency.emergency_approved, none)
    _, reason = judge(emergency.emergency_approved, none)
    assert "No approval by an engineering lead and the security team" in reason


@pytest.mark.parametrize(
    ("rule", "approver"),
    [(emergency.emergency_approved, "lee"), (emergency.emergency_reviewed, "pat")],
)
def test_only_what_is_in_doubt_is_told(rule: Rule, approver: str) -> None:
    """Whoever approved beyond doubt is no reason for it."""
    facts = {"reviews": [review(approver, at=-60), review("sam", at=-50, commit=None)]}
    outcome, reason = judge(rule, facts)
    assert outcome is UNDETERMINED
    assert "sam" in reason
    assert approver not in reason
    assert ("review: approved", "sam") in cited(rule, facts)


def test_before_its_deadline_what_is_missing_is_due() -> None:
    """By the instant that is named; only what is missing is told."""
    soon = {"collected_at": clock(HOUR)}
    outcome, reason = judge(
        emergency.emergency_reviewed, {**soon, "reviews": [review("sam", at=-50)]}
    )
    assert outcome is UNDETERMINED
    assert "is due by 2026-03-11 12:00:00Z" in reason
    assert "Approved by sam" not in reason
    assert SAM in cited(emergency.emergency_reviewed, {**soon, "reviews": [review("sam", at=-50)]})
    outcome, reason = judge(emergency.emergency_documented, {**soon, "body": TEMPLATE_BODY[:200]})
    assert outcome is UNDETERMINED
    assert "is due by 2026-03-11 12:00:00Z" in reason
    assert "security checklist" in reason
    assert "The description fills" not in reason
    assert cited(emergency.emergency_documented, {**soon, "body": TEMPLATE_BODY[:200]})
    outcome, reason = judge(emergency.emergency_reviewed, {**soon, "reviews": Unavailable("cut")})
    assert outcome is UNDETERMINED
    assert "due" not in reason


def test_documentation_is_cited_by_its_edit_after_the_merge() -> None:
    """It is read as it stood at the deadline, and so is who wrote it."""
    finding = emergency.emergency_documented(urgent(**edited(at=23 * HOUR)), policy())
    assert finding.outcome is PASS
    assert {citation.at for citation in finding.evidence if citation.who} == {clock(23 * HOUR)}
    incomplete = {"edits": Unavailable("cut"), "edited_at": clock(2 * DAY)}
    outcome, reason = judge(emergency.emergency_documented, incomplete)
    assert outcome is UNDETERMINED
    assert "due" not in reason
    unread = {"repository": make_repository(templates=[template(changed=Unavailable("cut"))])}
    assert judge(emergency.emergency_documented, unread)[0] is UNDETERMINED
    assert cited(emergency.emergency_documented, unread)


@pytest.mark.parametrize(
    "facts",
    [
        {"repository": make_repository(templates=[])},
        {"repository": make_repository(templates=Unavailable("cut"))},
        {"edits": Unavailable("cut"), "edited_at": clock(2 * DAY)},
    ],
    ids=["no template", "template unread", "description unread"],
)
def test_what_two_attributes_find_alike_is_said_once(facts: dict[str, Any]) -> None:
    _, reason = judge(emergency.emergency_documented, facts)
    sentences = reason.rstrip(".").split(". ")
    assert len(sentences) == len(set(sentences))


def test_post_mortems_are_cited_in_the_order_of_time() -> None:
    comments = [comment("lee", LINK, at=2 * DAY), comment("lou", LINK, at=DAY)]
    shown = [(f"link {LINK}", "lou"), (f"link {LINK}", "lee")]
    assert cited(emergency.emergency_followed_up, {"comments": comments}) == shown
    labels = policy(post_mortem={"labels": ["PM"], "ticket_types": ["STORY"]})
    events = [labeled("pm", "quinn", at=DAY)]
    facts = {"tickets": [named("PAY-404"), named(ticket("PAY-9", 5))], "events": events}
    told = [('ticket PAY-9 ("Story") created', "dana"), ("label pm applied", "quinn")]
    assert cited(emergency.emergency_followed_up, facts, labels) == told


@pytest.mark.parametrize(
    ("shown", "tickets", "outcome"),
    [
        ({"ticket_types": ["Post-mortem"]}, ["PAY-404"], UNDETERMINED),
        ({"labels": ["PIR"]}, ["PAY-404"], UNDETERMINED),
        ({"link_pattern": "https://wiki.example.com/*"}, ["PAY-404"], EXCEPTION),
        ({"labels": ["PIR"]}, [ticket("OPS-7", asked="PAY-7", labels=["PIR"])], UNDETERMINED),
        ({"labels": ["PIR"]}, [ticket("OPS-7", labels=["PIR"])], EXCEPTION),
        ({"labels": ["PIR"]}, [ticket("PAY-7")], EXCEPTION),
        ({"ticket_types": ["PIR"]}, ["PAY-404", ticket("PAY-7", 9, type="PIR")], PASS),
    ],
)
def test_a_ticket_that_is_not_visible_may_be_the_post_mortem(
    shown: dict[str, Any], tickets: list[Any], outcome: Outcome
) -> None:
    """Where the policy says that a ticket shows it; which ticket, and why it is unread, is told."""
    facts = {"tickets": [named(found) for found in tickets]}
    found = judge(emergency.emergency_followed_up, facts, policy(post_mortem=shown))
    assert found[0] is outcome
    assert (tickets[0] == "PAY-404" and outcome is UNDETERMINED) is ("PAY-404" in found[1])


def test_a_post_mortem_may_be_of_a_type_that_plans_no_work() -> None:
    """The types that the policy counts for 1.2 are not asked of it; those of an emergency are."""
    of = make_policy(
        tickets={"jira_projects": ["PAY"], "types": ["Story"]},
        classes={"emergency": {"labels": ["e"], "post_mortem": {"ticket_types": ["Post-mortem"]}}},
    )
    done = ticket(type="Post-mortem", history=[moved("To Do", "Done", 9)])
    facts = {"tickets": [named(done)]}
    assert judge(emergency.emergency_followed_up, facts, of)[0] is PASS
    assert judge(emergency.emergency_identified, facts, of)[0] is EXCEPTION


def test_a_policy_that_counts_any_type_counts_any_for_an_emergency() -> None:
    """Its types of emergencies restrict nothing."""
    of = make_policy(classes={"emergency": {"ticket_types": ["Incident"]}})
    facts = {"tickets": [named(ticket(type="Story"))], "reviews": BOTH}
    assert judge(emergency.emergency_identified, facts, of)[0] is PASS


def test_post_mortems_of_one_second_are_both_cited() -> None:
    comments = [comment("lou", LINK, at=DAY), comment("lee", LINK, at=DAY)]
    shown = [(f"link {LINK}", "lou"), (f"link {LINK}", "lee")]
    assert cited(emergency.emergency_followed_up, {"comments": comments}) == shown


def test_a_post_mortem_that_came_too_late_is_told_from_none() -> None:
    _, reason = judge(emergency.emergency_followed_up, LATE)
    assert reason == "The post-mortem came after 2026-03-14 00:00:00Z."
    _, reason = judge(emergency.emergency_followed_up, {})
    assert reason == "No post-mortem was there by 2026-03-14 00:00:00Z."
