"""Step 4: the security team's approval, where it is required. See also test_security_trigger."""

from __future__ import annotations

from typing import Any

import pytest

from builders import GONE, commit, file, make_change, make_policy, review
from changeaudit.rules.step4_security import approved_by_security, security_approval_fresh
from changeaudit.verdicts import Finding, Outcome

PASS, EXCEPTION = Outcome.PASS, Outcome.EXCEPTION
UNDETERMINED, NOT_APPLICABLE = Outcome.UNDETERMINED, Outcome.NOT_APPLICABLE

SENSITIVE: dict[str, Any] = {"files": [file("auth/login.py")]}
PAT, SAM, SUE = review("pat", at=-60), review("sam", at=-50), review("sue", at=-40)


def judge(rule: Any, policy: dict[str, Any] | None = None, **facts: Any) -> Finding:
    finding: Finding = rule(make_change(**facts), make_policy(**(policy or {})))
    assert finding.reason.endswith(".")
    return finding


TWO = {"security_review": {"approvals": 2}}
OLD = {**SENSITIVE, "reviews": [review("sam", commit="one")]}
HISTORY = {"commits": [commit("one"), commit("two")]}


@pytest.mark.parametrize(
    ("approved", "fresh", "policy", "facts"),
    [
        pytest.param(PASS, PASS, {}, {**SENSITIVE, "reviews": [SAM]}, id="approved"),
        pytest.param(
            EXCEPTION, NOT_APPLICABLE, {}, {**SENSITIVE, "reviews": [PAT]}, id="by a peer alone"
        ),
        pytest.param(EXCEPTION, NOT_APPLICABLE, {}, {**SENSITIVE, "reviews": []}, id="by nobody"),
        pytest.param(NOT_APPLICABLE, NOT_APPLICABLE, {}, {"reviews": [SAM]}, id="not required"),
        pytest.param(
            UNDETERMINED,
            UNDETERMINED,
            {},
            {"changed_files": 2, "reviews": [SAM]},
            id="not known whether it is required",
        ),
        pytest.param(
            PASS,
            PASS,
            {},
            {**SENSITIVE, "changed_files": 2, "reviews": [SAM]},
            id="list cut, fired",
        ),
        pytest.param(UNDETERMINED, UNDETERMINED, {}, {**SENSITIVE, "reviews": GONE}, id="unread"),
        pytest.param(PASS, EXCEPTION, {}, {**OLD, **HISTORY}, id="stale"),
        pytest.param(
            EXCEPTION, NOT_APPLICABLE, TWO, {**SENSITIVE, "reviews": [SAM]}, id="one of two"
        ),
        pytest.param(PASS, PASS, TWO, {**SENSITIVE, "reviews": [SAM, SUE]}, id="two of two"),
        pytest.param(
            UNDETERMINED,
            UNDETERMINED,
            {"security_review": {"paths": [], "labels": []}},
            {"reviews": [SAM]},
            id="the policy names no trigger",
        ),
        pytest.param(
            UNDETERMINED,
            UNDETERMINED,
            {"roles": {"security": {}}},
            {**SENSITIVE, "reviews": [SAM]},
            id="the policy names nobody",
        ),
    ],
)
def test_security_approved_where_required(
    approved: Outcome, fresh: Outcome, policy: dict[str, Any], facts: dict[str, Any]
) -> None:
    assert judge(approved_by_security, policy, **facts).outcome is approved
    assert judge(security_approval_fresh, policy, **facts).outcome is fresh


def test_the_reason_speaks_of_security() -> None:
    finding = judge(approved_by_security, **SENSITIVE, reviews=[PAT])
    assert "Too few approvals by the security team (0 of 1)" in finding.reason
    assert "see 4.2" in judge(security_approval_fresh, **SENSITIVE, reviews=[PAT]).reason
