"""Which overrides of paths relax a whole change for the sake of one of its files."""

from __future__ import annotations

from functools import reduce
from typing import Any

import pytest

from changeaudit.policy import Policy
from changeaudit.policy_file import load_policy
from changeaudit.relaxations import _STRICT_FIRST, relaxations

BASE = """\
approving_bots: ["a[bot]"]
unlinked_commits: undetermined
tickets: {planned_before: pull_request}
peer_review: {approvals: 2}
security_review: {paths: [auth/, iam/], labels: [security]}
qa: {sign_off_checks: [e2e]}
final_approval: {merge_queue: false, mergers: [{login: rita, from: 2025-01-01}]}
overrides:
"""


def found(override: str) -> list[tuple[str, Any, Any]]:
    policy = load_policy(f"{BASE}{override}", "p").policy
    return [(each.key, each.beneath, each.laxer) for each in relaxations(policy)]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("peer_review: {approvals: 1}", [("peer_review.approvals", 2, 1)]),
        ("peer_review: {approvals: 2}", []),
        ("peer_review: {approvals: 3}", []),
        ("security_review: {approvals: 1}", []),
        (
            "final_approval: {peer_may_be_lead: true}",
            [("final_approval.peer_may_be_lead", False, True)],
        ),
        ("final_approval: {merge_queue: true}", [("final_approval.merge_queue", False, True)]),
        ("security_checklist: {not_applicable_allowed: true}", []),
        ("security_checklist: {not_applicable_allowed: false}", []),
        ("unlinked_commits: opener", [("unlinked_commits", "undetermined", "opener")]),
        (
            "tickets: {planned_before: merge}",
            [("tickets.planned_before", "pull_request", "merge")],
        ),
        ("tickets: {planned_before: first_commit}", []),
        ("roles: {peer: {users: [pat]}}", []),
        ("roles: {lead: {write_access: true}}", [("roles.lead.write_access", False, True)]),
        ("qa: {staging_checks_sign_off: true}", [("qa.staging_checks_sign_off", False, True)]),
        ("qa: {sign_off_checks: [e2e]}", []),
        ("qa: {sign_off_checks: []}", []),
        ("qa: {sign_off_checks: [lint]}", [("qa.sign_off_checks", ("e2e",), ("lint",))]),
        ("approving_bots: ['b[bot]']", [("approving_bots", ("a[bot]",), ("b[bot]",))]),
        ("final_approval: {mergers: [rita]}", []),
        (
            "final_approval: {mergers: [rita, max]}",
            [("final_approval.mergers", ("rita",), ("rita", "max"))],
        ),
        ("security_review: {paths: [auth/, iam/, db/]}", []),
        (
            "security_review: {paths: [], labels: []}",
            [
                ("security_review.paths", ("auth/", "iam/"), ()),
                ("security_review.labels", ("security",), ()),
            ],
        ),
    ],
)
def test_what_an_override_of_paths_relaxes(said: str, expected: list[Any]) -> None:
    """What it sets laxer than the policy beneath it, and nothing that it leaves or tightens."""
    assert found(f"- {{name: x, paths: [docs/], set: {{{said}}}}}") == expected


@pytest.mark.parametrize(
    "condition",
    ["only_paths: [docs/]", "repositories: [acme/x]", "paths: [docs/], only_paths: [docs/]"],
)
def test_what_concerns_the_whole_change_is_no_relaxation_by_accident(condition: str) -> None:
    assert found(f"- {{name: x, {condition}, set: {{peer_review: {{approvals: 1}}}}}}") == []


def test_beneath_an_override_are_those_before_it() -> None:
    """What one of them tightens, a later one may relax again; what comes later is not beneath."""
    tighter = "- {name: a, repositories: [acme/pay], set: {peer_review: {approvals: 5}}}\n"
    laxer = "- {name: b, paths: [docs/], set: {peer_review: {approvals: 3}}}\n"
    assert found(tighter + laxer) == [("peer_review.approvals", 5, 3)]
    assert found(laxer + tighter) == []


def test_each_key_with_an_order_is_one_of_the_policy() -> None:
    """A key that is renamed, or takes another value, must be renewed here as well."""
    for key, order in _STRICT_FIRST.items():
        assert reduce(getattr, key.split("."), Policy()) in order, key
