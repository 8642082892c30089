"""Step 5: QA's sign-off, and the test in staging."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from builders import (
    GONE,
    clock,
    comment,
    commit,
    dismissed,
    force_pushed,
    fully_approved,
    labeled,
    make_change,
    make_policy,
    review,
    team,
    unlabeled,
)
from changeaudit.records import Actor, ActorKind
from changeaudit.rules import step5_qa
from changeaudit.rules.step5_qa import qa_independent, signed_off
from changeaudit.verdicts import Finding, Outcome

PASS, EXCEPTION = Outcome.PASS, Outcome.EXCEPTION
UNDETERMINED, NOT_APPLICABLE = Outcome.UNDETERMINED, Outcome.NOT_APPLICABLE

METHODS: dict[str, dict[str, Any]] = {
    "review": {"review": True, "labels": []},
    "label": {"review": False, "labels": ["qa-approved"]},
    "comment": {"review": False, "labels": [], "comment": "QA signed off"},
    "any": {"review": True, "labels": ["qa-approved"], "comment": "QA signed off"},
}


def judge(method: str, rule: Any = signed_off, **facts: Any) -> Finding:
    """5.1, or another rule, where QA signs off in that way. A check saw the head early."""
    roles = facts.pop("roles", {})
    policy = make_policy(qa=METHODS[method], **({"roles": roles} if roles else {}))
    finding: Finding = rule(make_change(**{"reviews": [], **facts}), policy)
    assert finding.reason.endswith(".")
    return finding


def test_a_change_that_follows_the_procedure_passes() -> None:
    for attribute in step5_qa.ATTRIBUTES:
        finding = attribute.rule(fully_approved(), make_policy())
        assert finding.outcome is PASS, attribute.id
        assert all(citation.url and citation.at for citation in finding.evidence)


# 5.1, by a review --------------------------------------------------------------------------------

APPROVED = review("quinn", at=-60)


@pytest.mark.parametrize(
    ("outcome", "why", "facts"),
    [
        (PASS, "approved by quinn (named in the policy; it is of head", {"reviews": [APPROVED]}),
        (EXCEPTION, "nothing among the reviews says so", {}),
        (EXCEPTION, "nothing among", {"reviews": [review("quinn", "COMMENTED")]}),
        (EXCEPTION, "pat was not in the role", {"reviews": [review("pat")]}),
        (EXCEPTION, "dismissed", {"reviews": [APPROVED], "events": [dismissed(APPROVED)]}),
        (
            EXCEPTION,
            "1 commit came later",
            {
                "reviews": [review("quinn", commit="one")],
                "commits": [commit("one"), commit("two")],
            },
        ),
        (UNDETERMINED, "could not be read", {"reviews": GONE}),
        (UNDETERMINED, "no longer knows", {"reviews": [review("quinn", commit=None)]}),
    ],
)
def test_qa_signs_off_by_a_review(outcome: Outcome, why: str, facts: dict[str, Any]) -> None:
    finding = judge("review", **facts)
    assert finding.outcome is outcome
    assert why in finding.reason


# 5.1, by a label ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "why", "facts"),
    [
        pytest.param(
            PASS,
            "label qa-approved by quinn (named in the policy; the merged head was there before it",
            {"events": [labeled("qa-approved")]},
            id="applied by QA",
        ),
        pytest.param(PASS, "", {"events": [labeled("QA-Approved")]}, id="case does not matter"),
        pytest.param(
            PASS,
            "",
            {"events": [labeled("ready"), labeled("qa-approved"), labeled("done")]},
            id="among other labels",
        ),
        pytest.param(
            EXCEPTION,
            "dana was not in the role",
            {"events": [labeled("qa-approved", "dana")]},
            id="applied by somebody else",
        ),
        pytest.param(
            EXCEPTION, "is a bot", {"events": [labeled("qa-approved", "ci[bot]")]}, id="by a bot"
        ),
        pytest.param(
            EXCEPTION, "deleted now", {"events": [labeled("qa-approved", None)]}, id="by nobody"
        ),
        pytest.param(EXCEPTION, "labels", {"events": [labeled("ready")]}, id="another label"),
        pytest.param(
            EXCEPTION,
            "",
            {"events": [labeled("qa-approved"), unlabeled("qa-approved")]},
            id="removed",
        ),
        pytest.param(
            PASS,
            "",
            {"events": [labeled("qa-approved"), unlabeled("qa-approved", at=5)]},
            id="removed after the merge",
        ),
        pytest.param(
            EXCEPTION,
            "dana was not in the role",
            {
                "events": [
                    labeled("qa-approved", at=-40),
                    unlabeled("qa-approved", at=-30),
                    labeled("qa-approved", "dana", at=-20),
                ]
            },
            id="removed, and re-applied by somebody else",
        ),
        pytest.param(
            PASS,
            "",
            {
                "events": [
                    labeled("qa-approved", "dana", at=-40),
                    unlabeled("qa-approved", at=-30),
                    labeled("qa-approved", at=-20),
                ]
            },
            id="removed, and re-applied by QA",
        ),
        pytest.param(
            UNDETERMINED,
            "label qa-approved, but it was put on or off in the very second of the merge",
            {"events": [labeled("qa-approved", at=0)]},
            id="in the second of the merge",
        ),
        pytest.param(
            EXCEPTION, "", {"events": [labeled("qa-approved", at=5)]}, id="after the merge"
        ),
        pytest.param(
            EXCEPTION,
            "was committed later",
            {"events": [labeled("qa-approved")], "checks": [], "commits": [commit(at=-20)]},
            id="code came after",
        ),
        pytest.param(
            EXCEPTION,
            "force-pushed",
            {"events": [labeled("qa-approved"), force_pushed(at=-20)]},
            id="force-push came after",
        ),
        pytest.param(
            UNDETERMINED,
            "nothing shows whether the merged head was there",
            {"events": [labeled("qa-approved")], "checks": []},
            id="nothing shows the head before it",
        ),
        pytest.param(UNDETERMINED, "did not answer", {"labels": GONE}, id="labels unread"),
        pytest.param(UNDETERMINED, "did not answer", {"timeline": GONE}, id="timeline unread"),
    ],
)
def test_qa_signs_off_by_a_label(outcome: Outcome, why: str, facts: dict[str, Any]) -> None:
    finding = judge("label", **facts)
    assert finding.outcome is outcome
    assert why in finding.reason


def test_the_citation_of_a_label_names_who_applied_it_and_when() -> None:
    (citation,) = judge("label", events=[labeled("qa-approved", at=-30)]).evidence
    assert (citation.what, citation.who, citation.at) == (
        "label qa-approved applied",
        "quinn",
        clock(-30),
    )


@pytest.mark.parametrize(
    ("reviews", "outcome"),
    [
        ([review("zoe", "COMMENTED", can_write=True)], PASS),
        ([review("zoe", "COMMENTED", can_write=False)], EXCEPTION),
        ([review("zoe", "COMMENTED", at=5)], UNDETERMINED),
        ([review("pat")], UNDETERMINED),
        ([review(None)], UNDETERMINED),
        (GONE, UNDETERMINED),
    ],
)
def test_the_right_to_write_is_known_of_reviewers_alone(reviews: Any, outcome: Outcome) -> None:
    finding = judge(
        "label",
        roles={"qa": {"write_access": True}},
        events=[labeled("qa-approved", "zoe")],
        reviews=reviews,
    )
    assert finding.outcome is outcome


@pytest.mark.parametrize(("day", "outcome"), [("2026-03-10", PASS), ("2026-03-11", EXCEPTION)])
def test_qa_must_be_qa_on_that_date(day: str, outcome: Outcome) -> None:
    finding = judge(
        "label",
        roles={"qa": {"users": [{"login": "quinn", "from": day}]}},
        events=[labeled("qa-approved")],
    )
    assert finding.outcome is outcome


def test_qa_may_be_a_team() -> None:
    facts: dict[str, Any] = {"events": [labeled("qa-approved", "zoe")]}
    roles = {"qa": {"teams": ["acme/qa"]}}
    assert judge("label", roles=roles, teams=[team("acme/qa", "zoe")], **facts).outcome is PASS
    assert judge("label", roles=roles, **facts).outcome is UNDETERMINED


# 5.1, by a comment -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "why", "said"),
    [
        pytest.param(PASS, "comment by quinn", comment(), id="of the form"),
        pytest.param(PASS, "", comment(body="\n  qa SIGNED off: build 7"), id="case and space"),
        pytest.param(EXCEPTION, "comments", comment(body="LGTM"), id="another form"),
        pytest.param(
            EXCEPTION,
            "",
            comment(body="I wonder why QA signed off on that"),
            id="the form within a text",
        ),
        pytest.param(
            EXCEPTION, "", comment(body="> QA signed off\n\nreally?"), id="the form in a quotation"
        ),
        pytest.param(EXCEPTION, "", comment(body="QA signed offline"), id="part of a longer word"),
        pytest.param(EXCEPTION, "", comment(body="QA signed offs!"), id="a letter more"),
        pytest.param(EXCEPTION, "", comment(body="QA signed off ? Not yet."), id="a question"),
        pytest.param(PASS, "", comment(body="QA signed off!"), id="a mark more"),
        pytest.param(EXCEPTION, "dana", comment("dana"), id="by somebody else"),
        pytest.param(EXCEPTION, "bot", comment("ci[bot]"), id="by a bot"),
        pytest.param(EXCEPTION, "deleted", comment(None), id="by a deleted account"),
        pytest.param(
            EXCEPTION, "it was edited at 2026-03-10 11:40:00Z", comment(edited_at=-20), id="edited"
        ),
        pytest.param(
            UNDETERMINED, "it was edited at", comment(edited_at=20), id="edited after the merge"
        ),
        pytest.param(
            UNDETERMINED, "it was edited", comment(edited_at=0), id="edited with the merge"
        ),
        pytest.param(
            UNDETERMINED,
            "it was edited at",
            comment(body="nothing to see", edited_at=20),
            id="edited after the merge into something else",
        ),
        pytest.param(
            EXCEPTION,
            "nothing among the comments",
            comment("dana", body="nothing to see", edited_at=20),
            id="somebody else's, edited after the merge",
        ),
        pytest.param(EXCEPTION, "", comment(at=5), id="after the merge"),
        pytest.param(UNDETERMINED, "very second", comment(at=0), id="with the merge"),
    ],
)
def test_qa_signs_off_by_a_comment(outcome: Outcome, why: str, said: Any) -> None:
    finding = judge("comment", comments=[said])
    assert finding.outcome is outcome
    assert why in finding.reason


@pytest.mark.parametrize(
    ("rest", "outcome", "why"),
    [
        (" yet?", UNDETERMINED, "it reads as a question"),
        (", right? I think so", UNDETERMINED, "it reads as a question"),
        ("…?", UNDETERMINED, "it reads as a question"),
        (" (by you?)", UNDETERMINED, "it reads as a question"),
        (". Shall I merge?", PASS, ""),
        (": see https://ci.example/run?id=7", PASS, ""),
        ("\n\nAny objection?", PASS, ""),
        (": no", UNDETERMINED, 'what follows may take it back ("no")'),
        (": No, the login fails.", UNDETERMINED, "take it back"),
        (": **not** yet", UNDETERMINED, '"not"'),
        (" - FAILED", UNDETERMINED, '"failed"'),
        (": pending", UNDETERMINED, '"pending"'),
        (": [ ]", UNDETERMINED, '"[ ]"'),
        (": [x]", PASS, ""),
        (", no issues", PASS, ""),
        (". Not in Safari, which we do not support", PASS, ""),
        ("\nNot in Safari", PASS, ""),
        (": notes below", PASS, ""),
        (": never mind the warning", UNDETERMINED, "take it back"),
        (":\nno", UNDETERMINED, '"no"'),
        (":\n\n- [ ] sign-in", UNDETERMINED, '"[ ]"'),
        (":\n\n- [x] sign-in", PASS, ""),
        (" ❌", UNDETERMINED, '"❌"'),
        (" on Firefox :x:", UNDETERMINED, '":x:"'),
        (" ✅", PASS, ""),
        (" *?*", UNDETERMINED, "it reads as a question"),
    ],
)
def test_what_follows_the_form_may_take_it_back(rest: str, outcome: Outcome, why: str) -> None:
    """It asks, or its first word says no: somebody has to read it. "No issues" says yes."""
    finding = judge("comment", comments=[comment(body=f"QA signed off{rest}")])
    assert finding.outcome is outcome, finding.reason
    assert why in finding.reason
    by_another = judge("comment", comments=[comment("dana", body=f"QA signed off{rest}")])
    assert by_another.outcome is EXCEPTION


def test_a_form_that_ends_with_a_mark_needs_no_space() -> None:
    policy = make_policy(qa={**METHODS["comment"], "comment": "QA passed:"})
    for body, outcome in (
        ("QA passed:build 7", PASS),
        ("QA passed:\nbuild 7", PASS),
        ("QA passed:\nno", UNDETERMINED),
        ("QA passed:?", EXCEPTION),
    ):
        change = make_change(comments=[comment(body=body)])
        assert signed_off(change, policy).outcome is outcome


def test_a_form_of_one_letter_at_its_end_is_a_word_of_its_own() -> None:
    policy = make_policy(qa={**METHODS["comment"], "comment": " Result A "})
    for body, outcome in (("Result A", PASS), ("Result A.", PASS), ("Result Ab", EXCEPTION)):
        assert signed_off(make_change(comments=[comment(body=body)]), policy).outcome is outcome


def test_one_comment_of_many_is_enough() -> None:
    comments = [comment("dana", "Please test"), comment(body="LGTM"), comment(), comment("lee")]
    assert judge("comment", comments=comments).outcome is PASS


def test_a_policy_writes_a_label_in_any_case() -> None:
    policy = make_policy(qa={**METHODS["label"], "labels": ["QA-Approved"]})
    assert signed_off(make_change(events=[labeled("qa-approved")]), policy).outcome is PASS


PULL = "https://github.com/acme/payments/pull/12"


@pytest.mark.parametrize(
    ("rule", "outcome", "facts", "cited"),
    [
        (signed_off, PASS, {"events": [labeled("qa-approved")]}, ["label qa-approved applied"]),
        (signed_off, PASS, {"comments": [comment()]}, ["comment"]),
        (
            signed_off,
            PASS,
            {"reviews": [APPROVED], "events": [labeled("qa-approved", "quentin")]},
            ["label qa-approved applied"],
        ),
        (
            signed_off,
            EXCEPTION,
            {"comments": [comment("dana")], "events": [labeled("qa-approved", "pat")]},
            ["label qa-approved applied", "comment"],
        ),
        (signed_off, EXCEPTION, {}, ["the reviews, labels and comments of the pull request"]),
        (signed_off, UNDETERMINED, {"events": [labeled("qa-approved", at=0)]},
         ["label qa-approved"]),
        (signed_off, UNDETERMINED, {"comments": [comment(at=0)]}, ["comment"]),
        (qa_independent, PASS, {"reviews": [APPROVED]}, ["review: approved"]),
        (
            qa_independent,
            PASS,
            {"reviews": [APPROVED], "events": [labeled("qa-approved", "quentin")]},
            ["label qa-approved applied"],
        ),
        (qa_independent, EXCEPTION, {"reviews": [APPROVED], "author": "quinn"},
         ["review: approved"]),
        (
            qa_independent,
            UNDETERMINED,
            {"reviews": [APPROVED], "events": [labeled("qa-approved", "quentin")], "author": None},
            ["review: approved", "label qa-approved applied"],
        ),
        (
            qa_independent,
            UNDETERMINED,
            {
                "reviews": [review("quinn", commit=None)],
                "events": [labeled("qa-approved", "quentin")],
                "commits": [commit("head", "quentin")],
            },
            ["review: approved", "label qa-approved applied"],
        ),
        (qa_independent, NOT_APPLICABLE, {},
         ["the reviews, labels and comments of the pull request"]),
    ],
)  # fmt: skip
def test_what_was_looked_at_is_cited(
    rule: Any, outcome: Outcome, facts: dict[str, Any], cited: list[str]
) -> None:
    """The last sign-off that counts; else all of them, or the pages that hold none."""
    finding = judge("any", rule, **facts)
    assert finding.outcome is outcome
    assert [citation.what for citation in finding.evidence] == cited
    assert all(citation.url.startswith(PULL) for citation in finding.evidence)


def test_comments_of_a_timeline_that_was_cut_may_not_be_all() -> None:
    """They come with it: where none signs off, one that is not there may."""
    for those in ([], [comment(body="Looks good")]):
        finding = judge("comment", comments=those, timeline=GONE)
        assert finding.outcome is UNDETERMINED
        assert "may not be all there" in finding.reason


def test_unread_comments_leave_it_open() -> None:
    assert judge("comment", comments=GONE).outcome is UNDETERMINED


# 5.1, all in all ---------------------------------------------------------------------------------


def test_any_method_will_do_and_what_else_is_unread_does_not_matter() -> None:
    assert judge("any", events=[labeled("qa-approved")], comments=GONE).outcome is PASS


def test_faults_are_said_while_something_is_unread() -> None:
    finding = judge("any", events=[labeled("qa-approved", "dana")], comments=GONE)
    assert finding.outcome is UNDETERMINED
    assert "the comments could not be read" in finding.reason
    assert "label qa-approved by dana" in finding.reason


def test_what_was_looked_at_is_said() -> None:
    assert "nothing among the reviews, labels and comments" in judge("any").reason


@pytest.mark.parametrize("rule", [signed_off, qa_independent])
def test_a_policy_without_method_or_people_leaves_it_open(rule: Any) -> None:
    no_method = make_policy(qa={"review": False, "labels": []})
    nobody = make_policy(roles={"qa": {}})
    finding = rule(fully_approved(), no_method)
    assert finding.outcome is UNDETERMINED
    assert finding.reason.startswith("The policy names no way in which QA signs off: add")
    finding = rule(fully_approved(), nobody)
    assert finding.outcome is UNDETERMINED
    assert "add roles.qa.teams or roles.qa.users" in finding.reason


# 5.3 ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "why", "facts"),
    [
        (PASS, "quinn is no developer", {"reviews": [APPROVED]}),
        (
            EXCEPTION,
            "quinn is the author of head",
            {"reviews": [APPROVED], "commits": [commit("head", "quinn")]},
        ),
        (
            EXCEPTION,
            "label qa-approved by quinn at 2026-03-10 11:30:00Z, but quinn opened",
            {"events": [labeled("qa-approved")], "author": "quinn"},
        ),
        (
            PASS,
            "quentin",
            {
                "reviews": [APPROVED, review("quentin", at=-50)],
                "commits": [commit("head", "quinn")],
            },
        ),
        (UNDETERMINED, "deleted now", {"reviews": [APPROVED], "author": None}),
        (UNDETERMINED, "nothing shows", {"events": [labeled("qa-approved")], "checks": []}),
        (NOT_APPLICABLE, "see 5.1", {}),
        (NOT_APPLICABLE, "see 5.1", {"reviews": [review("pat")]}),
        (UNDETERMINED, "could not be read", {"reviews": GONE}),
    ],
)
def test_qa_is_independent(outcome: Outcome, why: str, facts: dict[str, Any]) -> None:
    finding = judge("any", qa_independent, **facts)
    assert finding.outcome is outcome
    assert why in finding.reason


def test_a_bot_may_sign_off_if_the_policy_names_it() -> None:
    bot = Actor(9, "qa-bot", ActorKind.BOT)
    event = msgspec.structs.replace(labeled("qa-approved"), actor=bot)
    policy = make_policy(
        qa=METHODS["label"],
        roles={"qa": {"users": ["qa-bot[bot]"]}},
        approving_bots=["qa-bot[bot]"],
    )
    assert signed_off(make_change(events=[event]), policy).outcome is PASS
    person = msgspec.structs.replace(event, actor=Actor(8, "qa-bot"))
    assert signed_off(make_change(events=[person]), policy).outcome is EXCEPTION
