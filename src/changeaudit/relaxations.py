"""Overrides that relax a whole change for the sake of one of its files. Pure.

An override of `paths` applies as soon as one changed file matches. What it makes stricter is then
asked of more than that file, which is safe; what it makes laxer is no longer asked of the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from changeaudit.policy import Override, Policy

_APPROVALS: Final = tuple(range(10, 0, -1))
_NO_YES: Final = (False, True)

_STRICT_FIRST: Final[dict[str, tuple[Any, ...]]] = {
    "roles.peer.write_access": _NO_YES,
    "roles.peer.codeowners": _NO_YES,
    "roles.security.write_access": _NO_YES,
    "roles.qa.write_access": _NO_YES,
    "roles.lead.write_access": _NO_YES,
    "unlinked_commits": ("undetermined", "opener"),
    "force_pushes": ("stale", "same_content"),
    "tickets.planned_before": ("first_commit", "pull_request", "merge"),
    "feature_branch.fork_may_use_production_name": _NO_YES,
    "security_checklist.not_applicable_allowed": _NO_YES,
    "peer_review.approvals": _APPROVALS,
    "security_review.approvals": _APPROVALS,
    "qa.staging_checks_sign_off": _NO_YES,
    "final_approval.approvals": _APPROVALS,
    "final_approval.merge_queue": _NO_YES,
    "final_approval.peer_may_be_lead": _NO_YES,
    "final_approval.developer_may_merge": _NO_YES,
}
"""The keys whose values have an order, each with its values from the strictest to the laxest."""

_MORE_IS_LAXER: Final = ("approving_bots", "qa.sign_off_checks", "final_approval.mergers")
_FEWER_IS_LAXER: Final = (
    "security_review.paths",
    "security_review.labels",
    "security_review.ticket_labels",
    "security_review.ticket_types",
    "security_review.ticket_components",
    "security_review.impact_items",
)


@dataclass(frozen=True, slots=True)
class Relaxation:
    """A key that an override of `paths` sets laxer than it is set beneath, with both values."""

    override: Override
    key: str
    beneath: Any
    laxer: Any


def relaxations(policy: Policy) -> Iterator[Relaxation]:
    """What the policy's overrides of `paths` relax, of the keys of which that is plain to see.

    Beneath an override lie the policy itself and the overrides before it; it relaxes a key if it
    sets it laxer than any of them.
    """
    for number, override in enumerate(policy.overrides):
        if not override.paths or override.only_paths:
            continue
        for key in (*_STRICT_FIRST, *_MORE_IS_LAXER, *_FEWER_IS_LAXER):
            now = _said(override, key)
            earlier = (_said(other, key) for other in policy.overrides[:number])
            for was in (_at(key, policy), *earlier):
                if now is not None and was is not None and _is_laxer(key, was, now):
                    yield Relaxation(override, key, was, now)
                    break


def _said(override: Override, key: str) -> Any:
    """What an override sets a key to, `None` where it says nothing of it."""
    part: Any = override.settings
    for name in key.split("."):
        if name not in part.model_fields_set:
            return None
        part = getattr(part, name)
    return _at(key, override.settings)


def _at(key: str, part: Any) -> Any:
    """What stands at a key: one value, or a tuple, of people their logins."""
    for name in key.split("."):
        part = getattr(part, name)
    return tuple(getattr(each, "login", each) for each in part) if isinstance(part, tuple) else part


def _is_laxer(key: str, was: Any, now: Any) -> bool:
    if key in _STRICT_FIRST:
        order = _STRICT_FIRST[key]
        return order.index(now) > order.index(was)
    more, fewer = (now, was) if key in _MORE_IS_LAXER else (was, now)
    return any(item not in fewer for item in more)
