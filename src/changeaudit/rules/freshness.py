"""Whether code came after somebody looked at it.

What decides is what the server observed and nobody can write: force-pushes, the commit that a
review names, the parents of commits, the creation of checks. A commit's own dates prove nothing in
favour of a change; a date after the sign-off can only speak against it. Nor do the times that a
check's app writes: when a run started and completed is what it says.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterator
from datetime import datetime

from changeaudit.change import Change
from changeaudit.people import Holds, all_hold, name_of
from changeaudit.records import BaseChanged, Commit, ForcePushed, MergeCommit, Unavailable
from changeaudit.rules.base_merges import brought_nothing
from changeaudit.rules.excerpts import quoted
from changeaudit.rules.force_pushes import carried_over
from changeaudit.rules.lineage import built_on, roots
from changeaudit.rules.remembered import once_a_change
from changeaudit.rules.words import count, instant


def fresh_review(
    change: Change, reviewed: str | None, at: datetime, *, same_content: bool = False
) -> Holds:
    """Whether no code came after a review of the commit `reviewed`, submitted at `at` (UTC).

    It is of the head that merged, or what followed are merges of the base that bring nothing of
    their own. With `same_content` it may also be of a commit whose content the head that merged
    was given by force-pushes.
    """
    if not _moves(change):
        return _of(change, reviewed)
    moved = _moved(change, at, rewritten=not same_content)
    if moved.answer is not True:
        return moved
    if not same_content or _moved(change, at).answer is True:
        return _of(change, reviewed)
    kept = carried_over(change.pull, reviewed, at)
    return kept if isinstance(kept, Holds) else _carried_over(change, reviewed or "", kept)


def _carried_over(change: Change, reviewed: str, kept: str) -> Holds:
    """Whether the head that merged is the commit `kept`, with nothing that was not reviewed.

    The same tree on top of more of the base would be another change: it would undo that part of
    the base. So what the head builds on of the base, the reviewed commit must have built on.
    """
    found = _of(change, kept)
    of = f"it is of {reviewed[:7]}, whose content was force-pushed to {kept[:7]}"
    pull = change.pull
    if found.answer is not True:
        return Holds(found.answer, f"{of}; of that, {found.why}")
    if kept != pull.head_oid:
        return Holds(None, f"{of}, and merges came after that")
    if isinstance(pull.commits, Unavailable):
        return Holds(None, f"{of}, and the commits could not be read: {pull.commits.reason}")
    base = roots(kept, {commit.oid: commit for commit in pull.commits})
    if not base:
        return Holds(None, f"{of}, and which commits of the base that builds on was not read")
    rewritten = _base_rewritten(change)
    if rewritten:
        return Holds(None, f"{of}; but {rewritten}")
    held = {descent.earlier for descent in pull.descents if descent.later == reviewed}
    more = sorted(base - held)
    if more:
        return Holds(
            None,
            f"{of}, which builds on {more[0][:7]} of the base; that the reviewed commit did was not"
            " seen",
        )
    return Holds(True, f"{of}, the head that merged, by force-pushes that kept it as it was")


def _of(change: Change, reviewed: str | None) -> Holds:
    """Whether a commit is the head that merged, or only what brings nothing followed it."""
    head = change.pull.head_oid
    if reviewed is None:
        return Holds(None, "GitHub no longer knows which commit was reviewed")
    of_the_head = _of_the_head(change)
    if reviewed == head or not of_the_head.answer:
        return of_the_head
    commits = change.pull.commits
    if isinstance(commits, Unavailable):
        return Holds(None, f"the commits could not be read: {commits.reason}")
    by_oid = {commit.oid: commit for commit in commits}
    if head not in by_oid:
        return Holds(None, f"the merged head {head[:7]} is not among the commits read")
    if reviewed not in by_oid:
        return Holds(False, f"it is of {reviewed[:7]}, which is not among the commits that merged")
    return _what_followed(reviewed, change, by_oid)


@once_a_change
def _of_the_head(change: Change) -> Holds:
    """Whether what merged is the head, which is what a review of the head comes to."""
    other = _merged_another(change)
    if other:
        return Holds(None, other)
    by_hand = _merged_by_hand(change)
    if by_hand is None:
        return Holds(True, f"it is of {change.pull.head_oid[:7]}, the head that merged")
    if by_hand.answer is not True:
        return by_hand
    return Holds(True, f"it is of {change.pull.head_oid[:7]}, the head that merged; {by_hand.why}")


def fresh_sign_off(change: Change, at: datetime) -> Holds:
    """Whether the head that merged was there before a sign-off that names no commit.

    Something of the server's own must show that it was: a check or status that was created on it,
    a review of it, or the force-push that brought it.
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
        if check.created_at and check.commit == pull.head_oid:
            yield check.created_at, f"check {check.name} created"
    for review in () if isinstance(pull.reviews, Unavailable) else pull.reviews:
        at = review.submitted_at
        # A force-push can make an earlier review name the new head.
        if at and review.commit == pull.head_oid and all(push.at < at for push in pushes):
            yield at, "a review of it"


def _moved(change: Change, at: datetime, *, rewritten: bool = True) -> Holds:
    """Whether the base was not changed after `at`, nor, if that is asked, the head rewritten."""
    moves, merged = _moves(change), change.pull.merged_at
    if isinstance(moves, Unavailable):
        return Holds(None, f"force-pushes could not be read: {moves.reason}")
    doubt: str | None = None
    for event in moves:
        if event.at < at:
            continue
        if isinstance(event, BaseChanged):
            what = f"the base was changed to {event.after} at {instant(event.at)}"
        elif rewritten:
            what = f"the branch was force-pushed at {instant(event.at)}"
        else:
            continue
        if at < event.at < merged:
            return Holds(False, f"{what}, after it")
        doubt = f"{what}, in the same second{' as the merge' if event.at > at else ''}"
    return Holds(None, doubt) if doubt else Holds(True, "nothing moved after it")


@once_a_change
def _moves(change: Change) -> list[ForcePushed | BaseChanged] | Unavailable:
    """When the head was rewritten, or the base changed, up to the merge."""
    timeline, merged = change.pull.timeline, change.pull.merged_at
    if isinstance(timeline, Unavailable):
        return timeline
    return [
        event
        for event in timeline
        if isinstance(event, BaseChanged | ForcePushed)
        and event.at <= merged
        and not (isinstance(event, ForcePushed) and event.base)
    ]


def _merged_another(change: Change) -> str:
    """Why what merged may be more than the head: a merge that does not have it as a parent.

    GitHub also calls a pull request merged when somebody pushes a merge of their own, into which
    its head came together with other work.
    """
    merge, head = change.pull.merge_commit, change.pull.head_oid
    if isinstance(merge, Unavailable):
        return f"what merged could not be read: {merge.reason}"
    if merge is None:
        return "GitHub names no merge commit, so whether more merged than the head is not known"
    if merge.oid == head:
        return ""
    if len(merge.parents) < 2 or head in merge.parents:
        return ""
    return f"the merge commit {merge.oid[:7]} does not have the head {head[:7]} as a parent"


def _merged_by_hand(change: Change) -> Holds | None:
    """Whether a merge of the head that GitHub did not make brought nothing of its own.

    Somebody made it on their own machine, with whatever else they put into it, and pushed it; then
    GitHub calls the pull request merged. `None` for a merge that GitHub made, as far as is known.
    """
    pull, merge = change.pull, change.pull.merge_commit
    if not isinstance(merge, MergeCommit) or len(merge.parents) < 2 or merge.oid == pull.head_oid:
        return None
    if merge.by_github is True or (merge.by_github is not False and change.pushed is None):
        return None
    made = f"the merge commit {merge.oid[:7]} was not made by GitHub"
    if change.pushed is not None:
        made += f" but pushed by {name_of(change.pushed.actor)} at {instant(change.pushed.at)}"
    elif merge.committer is not None:
        name = merge.committer.account.login if merge.committer.account else merge.committer.name
        made += f" but by {quoted(name, 100)}"
    if rewritten := _base_rewritten(change):
        return Holds(None, f"{made}; and {rewritten}")
    if pull.hand_merge is None:
        return Holds(None, f"{made}, and whether it holds more than the head was not read")
    found = brought_nothing(pull.hand_merge)
    return Holds(found.answer, f"{made}, and {found.why}")


def _what_followed(reviewed: str, change: Change, by_oid: dict[str, Commit]) -> Holds:
    """What the head has that the reviewed commit has not, by parents."""
    head = change.pull.head_oid
    after = built_on(head, by_oid)
    parents = {
        oid: found for oid in after if not isinstance(found := by_oid[oid].parents, Unavailable)
    }
    if len(parents) < len(after):
        return Holds(
            None, f"it is of {reviewed[:7]}, and the parents of what followed were not read"
        )
    if reviewed not in after:
        return Holds(False, f"it is of {reviewed[:7]}, which the merged head does not build on")
    followed = after - built_on(reviewed, by_oid)
    code = [oid for oid in followed if len(parents[oid]) < 2]
    if code:
        return Holds(False, f"it is of {reviewed[:7]}, and {count(len(code), 'commit')} came later")
    other = sorted(oid for oid in followed if not _is_of_the_base(parents[oid], by_oid))
    if other:
        return Holds(
            False,
            f"it is of {reviewed[:7]}, and the merge {other[0][:7]} came later, which is not one"
            " of the base into the branch",
        )
    return _only_merges_followed(reviewed, followed, change)


def _is_of_the_base(parents: tuple[str, ...], by_oid: Container[str]) -> bool:
    """Whether a merge is one of the base: what is of no commit of the pull request is the base's.

    It has reached the base by another way than this pull request.
    """
    return len(parents) == 2 and sum(oid in by_oid for oid in parents) == 1


def _only_merges_followed(reviewed: str, followed: Collection[str], change: Change) -> Holds:
    """Whether the merges of the base that came after the reviewed commit brought nothing."""
    of = f"it is of {reviewed[:7]}, and {count(len(followed), 'merge')} of the base came later"
    pull = change.pull
    rewritten = _base_rewritten(change)
    if rewritten:
        return Holds(None, f"{of}; but {rewritten}")
    judged = [brought_nothing(merge) for merge in pull.base_merges if merge.oid in followed]
    if not judged or len(judged) < len(followed):  # none followed: commits that go in a circle
        return Holds(None, f"{of}, whose trees were not read")
    found = all_hold(*judged)
    if found.answer is not True:
        return Holds(found.answer, f"{of}; {found.why}")
    names = ", ".join(merge.oid[:7] for merge in pull.base_merges if merge.oid in followed)
    return Holds(
        True,
        f"it is of {reviewed[:7]}, and only merges of the base that brought nothing of their own"
        f" came later ({names})",
    )


def _base_rewritten(change: Change) -> str:
    """Why what is not of the pull request may not be of the base either: that was rewritten."""
    timeline, merged = change.pull.timeline, change.pull.merged_at
    for event in () if isinstance(timeline, Unavailable) else timeline:
        if isinstance(event, ForcePushed) and event.base and event.at <= merged:
            when = instant(event.at)
            return f"the base was force-pushed at {when}, so what was of it is not known"
    return ""
