"""5.1, 5.3 and 6.2 where the policy lets checks sign off in QA's place."""

from __future__ import annotations

from typing import Any

import pytest

from builders import (
    DAY,
    GONE,
    base_changed,
    check,
    clock,
    labeled,
    make_change,
    make_policy,
    queued,
    review,
    unqueued,
)
from changeaudit.policy import Policy
from changeaudit.records import Unavailable
from changeaudit.rules.step5_qa import qa_independent, sign_offs, signed_off
from changeaudit.rules.step6_final import lead_approval_final
from changeaudit.verdicts import Finding, Outcome

PASS, EXCEPTION = Outcome.PASS, Outcome.EXCEPTION
UNDETERMINED, NOT_APPLICABLE = Outcome.UNDETERMINED, Outcome.NOT_APPLICABLE
CHECKS_ALONE = {"review": False, "labels": [], "sign_off_checks": ["e2e / *"]}


def policy(**qa: Any) -> Policy:
    """Checks named e2e / … sign off, and nobody holds the role of QA."""
    return make_policy(qa={**CHECKS_ALONE, **qa}, roles={"qa": {}})


def judge(*checks: Any, rule: Any = signed_off, of: Policy | None = None, **facts: Any) -> Finding:
    facts = {"checks": list(checks), "reviews": [], **facts}
    finding: Finding = rule(make_change(**facts), of or policy())
    assert finding.reason.endswith(".")
    assert "deleted account" not in finding.reason
    return finding


def e2e(
    name: str = "e2e / pay", conclusion: str = "SUCCESS", at: float | None = -90, **x: Any
) -> Any:
    return check(name, conclusion, at, **x)


@pytest.mark.parametrize(
    ("outcome", "why", "checks", "facts"),
    [
        pytest.param(
            PASS,
            "QA's sign-off: check e2e / pay by github-actions (which the policy lets sign off;"
            " it is of head, the head that merged)",
            [e2e()],
            {},
            id="succeeded",
        ),
        pytest.param(
            PASS, "checks e2e / pay and e2e / web", [e2e(), e2e("e2e / web", id=2)], {}, id="two"
        ),
        pytest.param(
            EXCEPTION,
            "e2e / web ended with failure",
            [e2e(), e2e("e2e / web", "FAILURE", id=2)],
            {},
            id="one of two failed",
        ),
        pytest.param(EXCEPTION, "skipped", [e2e(conclusion="SKIPPED")], {}, id="skipped"),
        pytest.param(EXCEPTION, "nothing among the checks", [], {}, id="none"),
        pytest.param(EXCEPTION, "nothing among", [check("unit")], {}, id="another"),
        pytest.param(EXCEPTION, "nothing among", [e2e(commit="old")], {}, id="of another commit"),
        pytest.param(EXCEPTION, "nothing among", [e2e(at=None)], {}, id="still running"),
        pytest.param(EXCEPTION, "nothing among", [e2e(at=5)], {}, id="after the merge"),
        pytest.param(
            UNDETERMINED, "very second of the merge", [e2e(at=0)], {}, id="with the merge"
        ),
        pytest.param(
            UNDETERMINED,
            "contradict each other",
            [e2e(at=-90, started=-80)],
            {},
            id="completed before it started",
        ),
        pytest.param(
            UNDETERMINED,
            "contradict each other",
            [e2e(at=-90, started=-80, created=-95)],
            {},
            id="completed before it started, by its own word alone",
        ),
        pytest.param(PASS, "", [e2e(at=-90, started=-90, created=-95)], {}, id="within one second"),
        pytest.param(
            EXCEPTION, "ended with timed out", [e2e(conclusion="TIMED_OUT")], {}, id="timed out"
        ),
        pytest.param(
            EXCEPTION, "ended with no conclusion", [e2e(conclusion="")], {}, id="without a word"
        ),
        pytest.param(
            PASS, "", [e2e()], {"collected_at": clock(91 * DAY)}, id="succeeded, long ago"
        ),
        pytest.param(
            EXCEPTION,
            "nothing among",
            [],
            {"collected_at": clock(90 * DAY)},
            id="none, which would still be there",
        ),
        pytest.param(PASS, "", [e2e(kind="status", producer="ci")], {}, id="a status"),
        pytest.param(
            EXCEPTION,
            "dana, who set e2e / pay, opened the pull request",
            [e2e(kind="status", producer="Dana")],
            {},
            id="a status by a developer",
        ),
        pytest.param(
            EXCEPTION,
            "kim, who set e2e / pay, opened the pull request",
            [e2e(kind="status", producer="kim")],
            {"author": "Kim"},
            id="a status by a developer who writes the login in another case",
        ),
        pytest.param(PASS, "", [e2e(producer="dana")], {}, id="an app called like a developer"),
        pytest.param(
            UNDETERMINED,
            "the account that set e2e / pay is deleted now",
            [e2e(kind="status", producer="")],
            {},
            id="a status by a deleted account, which may have been a developer's",
        ),
        pytest.param(
            UNDETERMINED,
            "whether ci, who set e2e / pay, is a developer: the opener's account is deleted",
            [e2e(kind="status", producer="ci")],
            {"author": None},
            id="a status by somebody who may be a developer",
        ),
        pytest.param(
            PASS,
            "",
            [e2e(kind="status", producer="ci[bot]")],
            {"author": None},
            id="a status by an app, whoever the developers are",
        ),
        pytest.param(
            UNDETERMINED,
            "set after the merge, and GitHub does not show what it was before",
            [e2e(kind="status", producer="ci", at=5, started=5)],
            {},
            id="a status that was set again since",
        ),
        pytest.param(
            UNDETERMINED,
            "set after the merge, and GitHub does not show what it was before",
            [e2e(kind="status", conclusion="PENDING", producer="ci", at=None, started=5)],
            {},
            id="a status that is pending again since",
        ),
        pytest.param(
            EXCEPTION,
            "base was changed",
            [e2e()],
            {"events": [base_changed("dev", "main")]},
            id="aimed at another base since",
        ),
        pytest.param(
            UNDETERMINED,
            "91 days after the merge",
            [],
            {"collected_at": clock(91 * DAY)},
            id="may have expired",
        ),
        pytest.param(UNDETERMINED, "did not answer", [e2e()], {"timeline": GONE}, id="timeline"),
    ],
)
def test_a_check_signs_off(
    outcome: Outcome, why: str, checks: list[Any], facts: dict[str, Any]
) -> None:
    finding = judge(*checks, **facts)
    assert finding.outcome is outcome
    assert why.casefold() in finding.reason.casefold()


def test_unread_checks_leave_it_open() -> None:
    assert judge(checks=GONE).outcome is UNDETERMINED


def test_the_citation_is_of_the_last_check_to_complete() -> None:
    (citation,) = judge(e2e(at=-90), e2e("e2e / web", at=-80, id=2, producer="jenkins")).evidence
    assert citation.what == "checks e2e / pay and e2e / web on head"
    assert (citation.who, citation.at) == ("github-actions and jenkins", clock(-80))
    assert citation.url.endswith("/runs/2")
    (citation,) = judge(e2e(at=-80, producer=""), e2e("e2e / web", at=-90, id=2)).evidence
    assert (citation.who, citation.at) == ("an unknown app and github-actions", clock(-80))
    assert citation.url.endswith("/runs/1")


QUEUE = [queued(at=-10), unqueued("merged")]


@pytest.mark.parametrize(
    ("outcome", "checks"),
    [
        (PASS, [e2e(commit="merge", at=-2)]),
        (EXCEPTION, [e2e("e2e / pay", "FAILURE", commit="merge", at=-2)]),
        (UNDETERMINED, []),
        (UNDETERMINED, GONE),
    ],
)
def test_in_a_merge_queue_the_queues_own_commit_is_signed_off(
    outcome: Outcome, checks: Any
) -> None:
    """What succeeded on the head alone signs nothing off."""
    if isinstance(checks, list):
        checks = tuple(checks)
    finding = judge(e2e(), events=QUEUE, merge_commit_checks=checks)
    assert finding.outcome is outcome
    if outcome is PASS:
        assert "of the merge commit merge, which the merge queue tested)" in finding.reason


def test_only_the_apps_that_the_policy_names_count() -> None:
    named = policy(staging_apps=["github-actions"])
    assert judge(e2e(), of=named).outcome is PASS
    assert judge(e2e(producer="other"), of=named).outcome is EXCEPTION


def test_an_account_that_the_policy_names_may_set_the_status() -> None:
    """Even where it is open whether it is a developer's; one that is known to be may not."""
    named = policy(staging_apps=["ci"])
    status = e2e(kind="status", producer="ci")
    assert judge(status, of=named, author=None).outcome is PASS
    assert judge(status, of=named, author="ci").outcome is EXCEPTION


def test_a_status_of_another_account_since_the_merge_may_hide_one_that_counts() -> None:
    named = policy(staging_apps=["ci"])
    for at, outcome in ((5, UNDETERMINED), (0, UNDETERMINED), (-5, EXCEPTION)):
        later = e2e(kind="status", producer="kim", at=at, started=at)
        assert judge(later, of=named).outcome is outcome


def test_what_came_after_the_merge_is_no_time_of_a_sign_off() -> None:
    """The lead's approval is not after it, nor before it."""
    status = e2e(kind="status", producer="ci", at=5, started=5)
    found = sign_offs(make_change(checks=[status], reviews=[]), policy())
    assert not isinstance(found, Unavailable)
    assert [each.at for each in found.found] == [None]


def test_the_staging_checks_sign_off_where_the_policy_says_so() -> None:
    """So that a small team names its check once."""
    for said, outcome in ((True, PASS), (False, UNDETERMINED)):
        of = policy(sign_off_checks=[], staging_checks=["staging"], staging_checks_sign_off=said)
        assert judge(check(), of=of).outcome is outcome


def test_where_no_staging_check_is_named_it_is_asked_for() -> None:
    of = policy(sign_off_checks=[], staging_checks=[], staging_checks_sign_off=True)
    finding = judge(of=of)
    assert finding.outcome is UNDETERMINED
    assert finding.reason.endswith("add qa.staging_checks, which sign off too.")


# Beside people's sign-offs -----------------------------------------------------------------------


def beside(**qa: Any) -> Policy:
    return make_policy(qa={**CHECKS_ALONE, "labels": ["qa-approved"], **qa})


def test_what_a_person_did_is_told_rather_than_what_a_check_did() -> None:
    finding = judge(e2e(), of=beside(), events=[labeled("qa-approved")])
    assert finding.reason.startswith("QA's sign-off: label qa-approved by quinn")


def test_a_policy_that_names_no_qa_for_its_labels_is_told_so() -> None:
    of = policy(labels=["qa-approved"])
    assert judge(e2e(), of=of).outcome is PASS
    finding = judge(of=of)
    assert finding.outcome is UNDETERMINED
    assert "add roles.qa.teams" in finding.reason


# 5.3 ---------------------------------------------------------------------------------------------


def test_nobody_is_tested_where_no_check_signed_off() -> None:
    """The failure is 5.1's, and what is unread is said."""
    failed = judge(e2e(conclusion="FAILURE"), rule=qa_independent)
    assert failed.outcome is NOT_APPLICABLE
    assert "see 5.1" in failed.reason
    unread = judge(checks=GONE, rule=qa_independent)
    assert unread.outcome is UNDETERMINED
    assert "did not answer" in unread.reason


def test_nobody_is_independent_where_a_check_signed_off() -> None:
    """No pass: the policy is cited, and the check."""
    finding = judge(e2e(), rule=qa_independent)
    assert finding.outcome is NOT_APPLICABLE
    assert finding.reason == (
        "What signed off is check e2e / pay, which the policy lets sign off (qa.sign_off_checks),"
        " and not a person whose independence could be tested."
    )
    assert [citation.who for citation in finding.evidence] == ["github-actions"]
    of = policy(sign_off_checks=[], staging_checks_sign_off=True)
    assert "(qa.staging_checks_sign_off)" in judge(check(), rule=qa_independent, of=of).reason


@pytest.mark.parametrize(
    ("outcome", "checks", "facts"),
    [
        (PASS, [e2e()], {"events": [labeled("qa-approved")]}),
        (NOT_APPLICABLE, [e2e()], {"events": [labeled("qa-approved")], "author": "quinn"}),
        (EXCEPTION, [check()], {"events": [labeled("qa-approved")], "author": "quinn"}),
        (NOT_APPLICABLE, [e2e(conclusion="FAILURE")], {}),
    ],
)
def test_a_person_who_signed_off_is_tested(
    outcome: Outcome, checks: list[Any], facts: dict[str, Any]
) -> None:
    assert judge(*checks, rule=qa_independent, of=beside(), **facts).outcome is outcome


# 6.2 ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "checks"),
    [
        (PASS, [e2e(at=-90)]),
        (UNDETERMINED, [e2e(at=-60)]),
        (EXCEPTION, [e2e(at=-50)]),
        (EXCEPTION, [e2e(at=-90), e2e("e2e / web", at=-50, id=2)]),
        (UNDETERMINED, [e2e(at=-90, started=-80)]),
        (UNDETERMINED, [e2e(at=-90), e2e("e2e / web", at=-95, started=-80, id=2)]),
        (NOT_APPLICABLE, [e2e(at=-90, conclusion="FAILURE")]),
    ],
)
def test_the_lead_approves_after_the_checks(outcome: Outcome, checks: list[Any]) -> None:
    """After the last of them had completed; times that contradict each other order nothing."""
    finding = judge(*checks, rule=lead_approval_final, reviews=[review("lee", at=-60)])
    assert finding.outcome is outcome
    if outcome is PASS:
        assert "after github-actions at 2026-03-10 10:30:00Z (qa)" in finding.reason


def test_there_is_one_act_of_the_checks() -> None:
    found = sign_offs(make_change(checks=[e2e(), e2e("e2e / web", id=2)]), policy())
    assert not isinstance(found, Unavailable)
    assert found.found == (found.by_check,)
