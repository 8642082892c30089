"""Whether a force-push left the content that was reviewed, where the policy accepts that."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

from changeaudit.people import Holds
from changeaudit.records import ForcePushed, PullRequest, Unavailable
from changeaudit.rules.words import instant


def carried_over(pull: PullRequest, reviewed: str | None, at: datetime) -> str | Holds:
    """The commit that has the content of the one that was reviewed at `at` (UTC), or why none has.

    Each force-push since must have left the same tree; the first must be from the very commit that
    was reviewed, and each must go on where the one before it ended: so nothing else came between.
    What cannot be shown of this cannot be told. What was pushed after the last is not looked at.
    """
    pushes = _since(pull, at)
    for push in pushes:
        if at < push.at < pull.merged_at and _same_tree(push) is False:
            return Holds(False, f"{_told(push)}, after it, which changed its content")
    doubts = [why for push in pushes if (why := _doubt(push, at, pull.merged_at))]
    if any(one.at == other.at for one, other in pairwise(pushes)):
        doubts.append("the branch was force-pushed twice within one second")
    if doubts:
        return Holds(None, doubts[0])
    if reviewed is None:
        return Holds(None, "GitHub no longer knows which commit was reviewed")
    for push in pushes:
        if push.after == reviewed:
            return Holds(
                None,
                f"it is of {reviewed[:7]}, and {_told(push)} to that, after it: GitHub may show the"
                " review there and not where it was made",
            )
    stood: str | None = reviewed
    for push in pushes:
        if push.before != stood:
            return Holds(
                None,
                f"it is of {reviewed[:7]}, and {_told(push)} from another commit: what came between"
                " is not known",
            )
        stood = push.after
    return stood or Holds(None, "what the branch was force-pushed to is not known")


def _since(pull: PullRequest, at: datetime) -> list[ForcePushed]:
    """The force-pushes of the head from a review to the merge, oldest first."""
    found = (
        event
        for event in (() if isinstance(pull.timeline, Unavailable) else pull.timeline)
        if isinstance(event, ForcePushed) and not event.base and at <= event.at <= pull.merged_at
    )
    return sorted(found, key=lambda push: push.at)


def _doubt(push: ForcePushed, at: datetime, merged: datetime) -> str:
    """What cannot be told of a force-push; "" where nothing is open."""
    if push.at in (at, merged):
        return f"{_told(push)}, in the same second as the {'review' if push.at == at else 'merge'}"
    if push.before is None or push.after is None:
        return f"{_told(push)}, and GitHub no longer knows from which commit to which"
    for tree in (push.before_tree, push.after_tree):
        if isinstance(tree, Unavailable):
            return f"{_told(push)}, and whether that changed its content is open: {tree.reason}"
    return ""


def _same_tree(push: ForcePushed) -> bool | None:
    """Whether a force-push left the same tree; `None` where that is not known."""
    if isinstance(push.before_tree, Unavailable) or isinstance(push.after_tree, Unavailable):
        return None
    return push.before_tree == push.after_tree


def _told(push: ForcePushed) -> str:
    return f"the branch was force-pushed at {instant(push.at)}"
