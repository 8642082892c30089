"""Step 4: security review (Security Team)."""

from __future__ import annotations

from collections.abc import Callable

from changeaudit.change import Change
from changeaudit.policy import Policy
from changeaudit.rules import approvals
from changeaudit.rules.attribute import Attribute
from changeaudit.rules.security_trigger import (
    security_impact_declared,
    security_review_triggered,
    triggered,
)
from changeaudit.verdicts import Finding, not_applicable, undetermined


def approved_by_security(change: Change, policy: Policy) -> Finding:
    """Where a security review is required, the security team approved.

    Its approvals are held to the same conditions as a peer's.
    """
    return _where_required(
        change,
        policy,
        lambda: approvals.approved(change, policy, "security", policy.security_review.approvals),
    )


def security_approval_fresh(change: Change, policy: Policy) -> Finding:
    """Where a security review is required, the security team's approval is of the merged code.

    That is told as for a peer's approval (3.3).
    """
    return _where_required(
        change,
        policy,
        lambda: approvals.fresh(
            change, policy, "security", policy.security_review.approvals, see="4.2"
        ),
    )


def _where_required(change: Change, policy: Policy, judge: Callable[[], Finding]) -> Finding:
    required = triggered(change, policy)
    if required == "no":
        return not_applicable("No security review is required: see 4.1.")
    if required == "unknown":
        return undetermined("Whether a security review is required cannot be told: see 4.1.")
    return judge()


ATTRIBUTES = (
    Attribute("4.1", "Whether security must review was decided.", security_review_triggered),
    Attribute("4.2", "The security team approved the change.", approved_by_security),
    Attribute("4.3", "Security's approval is of the code that merged.", security_approval_fresh),
    Attribute("4.4", "The author declared the security impact.", security_impact_declared),
)
