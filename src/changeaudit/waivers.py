"""Waivers: whether management has accepted an exception. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from changeaudit.globs import matches
from changeaudit.policy import Policy, Waiver


def waiver_for(
    policy: Policy, change_id: str, attribute: str, merged_at: datetime
) -> Waiver | None:
    """The first waiver of the policy that covers an attribute of a change, `None` if none does.

    A waiver covers what merged up to the end of its last day, in UTC. One that was granted after
    the merge covers it too: an exception is often accepted once it has been found.

    Args:
        policy: the policy; overrides do not change its waivers.
        change_id: the change's name, owner/name#12, or owner/name@commit for a direct push.
        attribute: the attribute, such as "5.2", or a step.
        merged_at: when the change merged (aware).
    """
    step = attribute.partition(".")[0]
    day = merged_at.astimezone(UTC).date()
    for waiver in policy.waivers:
        named = attribute in waiver.attributes or step in waiver.attributes
        if named and day <= waiver.until and _covers(waiver.change, change_id):
            return waiver
    return None


def _covers(waived: str, change_id: str) -> bool:
    """Whether a waiver of `waived` is of a change: it, or all of its kind in its repository."""
    pattern, mark, which = re.split("([#@])", waived, maxsplit=1)
    repository, kind, own = re.split("([#@])", change_id, maxsplit=1)
    if mark != kind or not matches(repository, pattern):
        return False
    # A change is called by the first digits of its commit; a waiver may give fewer of them or more.
    same = which == own if kind == "#" else which.startswith(own) or own.startswith(which)
    return same or which == "*"
