"""Whether code came after somebody looked at it.

What decides is what the server observed and nobody can write: force-pushes, the commit that a
review names, the parents of commits, the start of checks. A commit's own dates prove nothing in
favour of a change; a date after the sign-off can only speak against it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from changeaudit.change import Change
from changeaudit.people import Holds
from changeaudit.records import BaseChanged, Commit, ForcePushed, Unavailable
from changeaudit.rules.words import count, instant


def fresh_review(change: Change, reviewed: str | None, at: datetime) -> Holds:
    """Whether no code came after a review of the commit `reviewed`, submitted at `at` (UTC).

    It is of the head that merged, or what followed brings nothing of its own.
    """
    moved = _moved(change, at)
    if moved.answer is not True:
        return moved
    head = change.pull.head_oid
    if reviewed is None:
        return Holds(None, "GitHub no longer knows which commit was reviewed")
    other = _merged_another(change)
    if other:
        return Holds(None, other)
    if reviewed == head:
        return Holds(True, f"it is of {reviewed[:7]}, the head that merged")
    commits = change.pull.commits
    if isinstance(commits, Unavailable):
        return Holds(None, f"the commits could not be read: {commits.reason}")
    by_oid = {commit.oid: commit for commit in commits}
    if head not in by_oid:
        return Holds(None, f"the merged head {head[:7]} is not among the commits read")
    if reviewed not in by_oid:
        return Holds(False, f"it is of {reviewed[:7]}, which is not among the commits that merged")
    return _what_followed(reviewed, head, by_oid)


def fresh_sign_off(change: Change, at: datetime) -> Holds:
    """Whether the head that merged was there before a sign-off that names no commit.

    Something of the server's own must show that it was: a check that started on it, a review of
    it, or the force-push that brought it.
    """
    moved = _moved(change, at)
    if moved.answer is not True:
        return moved
    seen, what = min(_sightings(change), default=(at, ""))
    if seen < at:
        return Holds(True, f"the merged head was there before it ({what} at {instant(seen)})")
    commits = change.pull.commits
    head = None
    if not isinstance(commits, Unavailable):
        head = next((c for c in commits if c.oid == change.pull.head_oid), None)
    if head and head.committer.at and head.committer.at > at:
        written = instant(head.committer.at)
        return Holds(False, f"the merged head {head.oid[:7]} was committed later, at {written}")
    return Holds(None, "nothing shows whether the merged head was there before it")


def _sightings(change: Change) -> Iterator[tuple[datetime, str]]:
    """When the server saw the head that merged, and how."""
    pull = change.pull
    timeline = () if isinstance(pull.timeline, Unavailable) else pull.timeline
    pushes = [
        event
        for event in timeline
        if isinstance(event, ForcePushed) and not event.base and event.at <= pull.merged_at
    ]
    for push in pushes:
        if push.after == pull.head_oid:
            yield push.at, "the force-push that brought it"
    for check in () if isinstance(pull.checks, Unavailable) else pull.checks:
        if check.started_at and check.commit == pull.head_oid:
            yield check.started_at, f"check {check.name} started"
    for review in () if isinstance(pull.reviews, Unavailable) else pull.reviews:
        at = review.submitted_at
        # A force-push can make an earlier review name the new head.
        if at and review.commit == pull.head_oid and all(push.at < at for push in pushes):
            yield at, "a review of it"


def _moved(change: Change, at: datetime) -> Holds:
    """Whether neither the head was rewritten nor the base changed after `at`."""
    timeline, merged = change.pull.timeline, change.pull.merged_at
    if isinstance(timeline, Unavailable):
        return Holds(None, f"force-pushes could not be read: {timeline.reason}")
    doubt: str | None = None
    for event in timeline:
        if not at <= event.at <= merged:
            continue
        if isinstance(event, ForcePushed) and not event.base:
            what = f"the branch was force-pushed at {instant(event.at)}"
        elif isinstance(event, BaseChanged):
            what = f"the base was changed to {event.after} at {instant(event.at)}"
        else:
            continue
        if at < event.at < merged:
            return Holds(False, f"{what}, after it")
        doubt = f"{what}, in the same second{' as the merge' if event.at > at else ''}"
    return Holds(None, doubt) if doubt else Holds(True, "nothing moved after it")


def _merged_another(change: Change) -> str:
    """Why what merged may be more than the head: a merge that does not have it as a parent.

    GitHub also calls a pull request merged when somebody pushes a merge of their own, into which
    its head came together with other work.
    """
    merge, head = change.pull.merge_commit, change.pull.head_oid
    if merge is None or isinstance(merge, Unavailable) or merge.oid == head:
        return ""
    if len(merge.parents) < 2 or head in merge.parents:
        return ""
    return f"the merge commit {merge.oid[:7]} does not have the head {head[:7]} as a parent"


def _what_followed(reviewed: str, head: str, by_oid: dict[str, Commit]) -> Holds:
    """What the head has that the reviewed commit has not, by parents."""
    after = _built_on(head, by_oid)
    parents = {
        oid: found for oid in after if not isinstance(found := by_oid[oid].parents, Unavailable)
    }
    if len(parents) < len(after):
        return Holds(
            None, f"it is of {reviewed[:7]}, and the parents of what followed were not read"
        )
    if reviewed not in after:
        return Holds(False, f"it is of {reviewed[:7]}, which the merged head does not build on")
    followed = after - _built_on(reviewed, by_oid)
    code = [oid for oid in followed if len(parents[oid]) < 2]
    if code:
        return Holds(False, f"it is of {reviewed[:7]}, and {count(len(code), 'commit')} came later")
    return Holds(
        None,
        f"it is of {reviewed[:7]}, {count(len(followed), 'merge')} came later, and nothing shows"
        " that they brought no changes of their own",
    )


def _built_on(oid: str, by_oid: dict[str, Commit]) -> set[str]:
    """`oid` and those of the commits that it builds on, as far as parents were read."""
    found: set[str] = set()
    todo = [oid]
    while todo:
        at = todo.pop()
        if at not in found and at in by_oid:
            found.add(at)
            parents = by_oid[at].parents
            todo.extend(() if isinstance(parents, Unavailable) else parents)
    return found
