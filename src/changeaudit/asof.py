"""A pull request as it stood when it merged.

Everything here is pure: facts in, facts out. Only the server's own instants order events, and
two events in the same second have no order: where that matters, the answer is `Unavailable`.
What came after the merge is kept apart, as late evidence.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from changeaudit.markdown import Document, parse, visible
from changeaudit.records import (
    LEFT_BY_MERGING,
    Actor,
    BaseChanged,
    Check,
    DraftChanged,
    IssueLinked,
    LabelChanged,
    Merged,
    PullRequest,
    QueueChanged,
    Record,
    Renamed,
    Review,
    ReviewDismissed,
    TimelineEvent,
    Unavailable,
)
from changeaudit.ticket_refs import closing_keywords


class LabelAtMerge(Record, frozen=True):
    """A label that was on at the merge, who put it on last, and when.

    `at` is `Unavailable` where the label is there but the timeline does not tell when it came.
    """

    name: str
    by: Actor | None
    at: datetime | Unavailable


class ReviewAtMerge(Record, frozen=True):
    """A review submitted before the merge, and its state at that moment.

    `state` is `Unavailable` where the order of its submission or dismissal and the merge cannot
    be told. `dismissed_by` and `dismissed_at` are set where it had been dismissed by then.
    """

    review: Review
    state: str | Unavailable
    dismissed_at: datetime | None = None
    dismissed_by: Actor | None = None


class CheckAtMerge(Record, frozen=True):
    """The newest run of a check on one commit that had completed before the merge.

    A run whose suite the server created only later had not, whatever its app says. A status that
    was set after the merge is there too, in doubt: it may hide one that had been set before.
    """

    check: Check
    conclusion: str | Unavailable


class LateFact(Record, frozen=True):
    """Something that happened after the merge: shown beside the verdicts, never part of one."""

    at: datetime
    by: Actor | None
    what: str
    url: str = ""


class AtMerge(Record, frozen=True):
    """A pull request as of `merged_at`.

    `description` is the body as a reader sees it, `Unavailable` where the body is.
    `closing_issues` are the issues that it was to close, as "owner/name#7": those that it can be
    shown to have named by then, or `Unavailable` where there may have been some and none can.
    `queued` is whether it was in the merge queue when it merged: put there, and taken out by
    nothing but the merge. `checks` are on the head, `merge_commit_checks` on what the merge left.
    """

    title: str | Unavailable
    body: str | Unavailable
    description: Document | Unavailable
    base: str | Unavailable
    draft: bool | Unavailable
    labels: tuple[LabelAtMerge, ...] | Unavailable
    reviews: tuple[ReviewAtMerge, ...] | Unavailable
    checks: tuple[CheckAtMerge, ...] | Unavailable
    merge_commit_checks: tuple[CheckAtMerge, ...] | Unavailable
    queued: bool | Unavailable
    closing_issues: tuple[str, ...] | Unavailable
    late: tuple[LateFact, ...]


def as_of_merge(pull: PullRequest, earlier: AtMerge | None = None) -> AtMerge:
    """Take `pull` back to the instant of its merge.

    `earlier` is how it stood at another instant, if that is known: a description that read the
    same then is not parsed again.
    """
    timeline = pull.timeline
    events = () if isinstance(timeline, Unavailable) else timeline
    body = body_at(pull, pull.merged_at)
    description: Document | Unavailable
    if earlier is not None and body == earlier.body:
        description = earlier.description
    else:
        description = body if isinstance(body, Unavailable) else parse(body)
    return AtMerge(
        title=_title(pull),
        body=body,
        description=description,
        base=base_at_merge(pull),
        draft=_draft(pull),
        labels=_labels(pull),
        reviews=_reviews(pull),
        checks=_checks(pull.checks, pull.merged_at),
        merge_commit_checks=_checks(pull.merge_commit_checks, pull.merged_at),
        queued=_queued(pull),
        closing_issues=_closing_issues(pull, description),
        late=tuple(sorted(_late(pull, events), key=lambda fact: fact.at)),
    )


def body_at(pull: PullRequest, at: datetime) -> str | Unavailable:
    """The body as it read at `at` (UTC), from the history of its edits."""
    if pull.edited_at is None and (isinstance(pull.edits, Unavailable) or not pull.edits):
        return pull.body
    if pull.edited_at is not None and pull.edited_at < at:
        return pull.body
    if isinstance(pull.edits, Unavailable):
        return Unavailable(
            f"the history of the description's edits could not be read: {pull.edits.reason}",
            pull.edits.permission,
        )
    before = [edit for edit in pull.edits if edit.at < at]
    same = [edit for edit in pull.edits if edit.at == at]
    if not before:
        return Unavailable(
            "the description was edited at or after the merge and its text at the merge is not in"
            " the history of its edits"
        )
    newest = max(before, key=lambda edit: edit.at)
    tied = [edit for edit in before if edit.at == newest.at]
    if newest.text is None or any(edit.text is None for edit in tied):
        return Unavailable(
            "the revision of the description that stood at the merge was deleted from its history"
        )
    if any(edit.text != newest.text for edit in (*tied, *same)):
        return Unavailable(
            "the description was edited in the very second that decides which text stood at the"
            " merge"
        )
    return newest.text


def _title(pull: PullRequest) -> str | Unavailable:
    if isinstance(pull.timeline, Unavailable):
        return Unavailable(
            f"whether the title was changed after the merge could not be read:"
            f" {pull.timeline.reason}",
            pull.timeline.permission,
        )
    later = [e for e in pull.timeline if isinstance(e, Renamed) and e.at >= pull.merged_at]
    if not later:
        return pull.title
    first = min(later, key=lambda e: e.at)
    if first.at == pull.merged_at:
        return Unavailable("the title was changed in the very second of the merge")
    if any(e.at == first.at and e.before != first.before for e in later):
        return Unavailable("the title was changed twice in one second after the merge")
    return first.before


def base_at_merge(pull: PullRequest) -> str | Unavailable:
    """The branch that a pull request merged into."""
    if isinstance(pull.timeline, Unavailable):
        return pull.base_ref  # GitHub lets nobody change the base of what is merged
    for event in pull.timeline:
        if isinstance(event, Merged) and event.branch:
            return event.branch
    later = [e for e in pull.timeline if isinstance(e, BaseChanged) and e.at >= pull.merged_at]
    if not later:
        return pull.base_ref
    first = min(later, key=lambda e: e.at)
    if first.at == pull.merged_at:
        return Unavailable("the base was changed in the very second of the merge")
    if any(e.at == first.at and e.before != first.before for e in later):
        return Unavailable("the base was changed twice in one second after the merge")
    return first.before


def _draft(pull: PullRequest) -> bool | Unavailable:
    if isinstance(pull.timeline, Unavailable):
        return Unavailable(pull.timeline.reason, pull.timeline.permission)
    later = [e for e in pull.timeline if isinstance(e, DraftChanged) and e.at >= pull.merged_at]
    if not later:
        return pull.draft
    first = min(later, key=lambda e: e.at)
    if first.at == pull.merged_at:
        return Unavailable("its draft state changed in the very second of the merge")
    if any(e.at == first.at and e.draft != first.draft for e in later):
        return Unavailable("its draft state changed twice in one second after the merge")
    return not first.draft


def _labels(pull: PullRequest) -> tuple[LabelAtMerge, ...] | Unavailable:
    if isinstance(pull.timeline, Unavailable):
        return Unavailable(
            f"who applied which label when could not be read: {pull.timeline.reason}",
            pull.timeline.permission,
        )
    if isinstance(pull.labels, Unavailable):
        return pull.labels
    history: dict[str, list[LabelChanged]] = {}
    for event in pull.timeline:
        if isinstance(event, LabelChanged):
            history.setdefault(event.label, []).append(event)
    found = [
        label
        for name, changes in history.items()
        if (label := _label(name, changes, pull.merged_at, on_today=name in pull.labels))
    ]
    for name in pull.labels:
        if name not in history:
            doubt = Unavailable("the timeline does not show who put it on, nor when")
            found.append(LabelAtMerge(name, None, doubt))
    return tuple(found)


def _label(
    name: str, changes: list[LabelChanged], merged: datetime, *, on_today: bool
) -> LabelAtMerge | None:
    """A label as of `merged`, `None` where it was not on: by its events before and after."""
    if any(e.at == merged for e in changes):
        why = "it was put on or off in the very second of the merge"
        return LabelAtMerge(name, None, Unavailable(why))
    before = [e for e in changes if e.at < merged]
    last = max((e.at for e in before), default=None)
    newest = [e for e in before if e.at == last]
    after = [e for e in changes if e.at > merged]
    first = min((e.at for e in after), default=None)
    next_ = [e for e in after if e.at == first]
    if len({e.added for e in newest}) > 1 or len({e.added for e in next_}) > 1:
        why = "it was put on and taken off within one second"
        return LabelAtMerge(name, None, Unavailable(why))
    was_on = bool(newest) and newest[-1].added
    # What comes next tells the same story, unless a label was renamed or deleted meanwhile, or
    # the timeline lacks an event.
    stayed_on = not next_[0].added if next_ else on_today
    if was_on != stayed_on:
        why = (
            "the timeline shows it put on before the merge, and not how it went"
            if was_on
            else "it was there after the merge, and the timeline does not show since when"
        )
        return LabelAtMerge(name, None, Unavailable(why))
    return LabelAtMerge(name, newest[-1].actor, newest[-1].at) if was_on else None


def _reviews(pull: PullRequest) -> tuple[ReviewAtMerge, ...] | Unavailable:
    if isinstance(pull.reviews, Unavailable):
        return pull.reviews
    dismissals: dict[str, ReviewDismissed] = {}
    if not isinstance(pull.timeline, Unavailable):
        for event in pull.timeline:
            if isinstance(event, ReviewDismissed) and event.review is not None:
                dismissals[event.review] = event
    found: list[ReviewAtMerge] = []
    for review in pull.reviews:
        if review.submitted_at is None or review.submitted_at > pull.merged_at:
            continue
        if review.submitted_at == pull.merged_at:
            state: str | Unavailable = Unavailable(
                "it was submitted in the very second of the merge"
            )
            found.append(ReviewAtMerge(review, state))
        elif review.state == "DISMISSED" or review.id in dismissals:
            found.append(_dismissed(pull, review, dismissals.get(review.id)))
        else:
            found.append(ReviewAtMerge(review, review.state))
    return tuple(found)


def _dismissed(pull: PullRequest, review: Review, event: ReviewDismissed | None) -> ReviewAtMerge:
    if event is None:
        return ReviewAtMerge(
            review, Unavailable("it was dismissed, and the timeline does not show when")
        )
    if event.at == pull.merged_at:
        return ReviewAtMerge(
            review, Unavailable("it was dismissed in the very second of the merge")
        )
    if event.at > pull.merged_at and not event.previous_state:
        return ReviewAtMerge(
            review, Unavailable("it was dismissed after the merge, and what it was is not told")
        )
    if event.at > pull.merged_at:
        return ReviewAtMerge(review, event.previous_state)
    return ReviewAtMerge(review, "DISMISSED", event.at, event.actor)


def _queued(pull: PullRequest) -> bool | Unavailable:
    if isinstance(pull.timeline, Unavailable):
        return Unavailable(
            f"whether it was in the merge queue could not be read: {pull.timeline.reason}",
            pull.timeline.permission,
        )
    events = [e for e in pull.timeline if isinstance(e, QueueChanged) and e.at <= pull.merged_at]
    last = max((e.at for e in events), default=None)
    newest = [e for e in events if e.at == last]
    left = [e for e in newest if not e.added]
    if not left:
        return bool(newest)
    if any(e.reason.casefold() in LEFT_BY_MERGING for e in left):
        return True
    if any(not e.reason for e in left):
        return Unavailable(
            f"it left the merge queue at {last:%Y-%m-%d %H:%M:%SZ}, and whether by the merge is not"
            " told"
        )
    if len(left) < len(newest):
        return Unavailable("it was put into the merge queue and taken out of it within one second")
    return False


def _checks(
    checks: tuple[Check, ...] | Unavailable, merged: datetime
) -> tuple[CheckAtMerge, ...] | Unavailable:
    if isinstance(checks, Unavailable):
        return checks
    by_name: dict[tuple[str, str, str, str], list[Check]] = {}
    for check in checks:
        key = (check.commit, check.kind, check.producer, check.name)
        by_name.setdefault(key, []).append(check)
    found: list[CheckAtMerge] = []
    for runs in by_name.values():
        done = [(c.id, at, c) for c in runs if (at := c.done_at) and at <= merged]
        if not done:
            found += [CheckAtMerge(c, _REPLACED) for c in runs if _is_set_since(c, merged)][-1:]
            continue
        id_, at, newest = max(done, key=lambda run: run[:2])
        tied = {check.conclusion for *same, check in done if same == [id_, at]}
        if at == merged:
            doubt = Unavailable("it completed in the very second of the merge")
            found.append(CheckAtMerge(newest, doubt))
        elif len(tied) > 1:
            doubt = Unavailable("it completed twice in one second, and not alike")
            found.append(CheckAtMerge(newest, doubt))
        else:
            found.append(CheckAtMerge(newest, newest.conclusion))
    return tuple(found)


_REPLACED = Unavailable("it was set after the merge, and GitHub does not show what it was before")


def _is_set_since(check: Check, merged: datetime) -> bool:
    """Whether a check is a status that was set at the merge or later.

    Of the statuses of one name on a commit GitHub shows the newest alone. One that is only expected
    was never set.
    """
    at = check.started_at
    return check.kind == "status" and check.conclusion != "EXPECTED" and bool(at and at >= merged)


def _closing_issues(
    pull: PullRequest, description: Document | Unavailable
) -> tuple[str, ...] | Unavailable:
    """Today's closing references, less those that came after the merge, by their two sources.

    A reference comes from a keyword in the description or from a link made by hand.
    """
    if isinstance(pull.closing_issues, Unavailable):
        return pull.closing_issues
    in_body: set[str] = set()
    if not isinstance(description, Unavailable):
        in_body = {k.casefold() for k in closing_keywords(visible(description), pull.repository)}
    by_hand: dict[str, list[IssueLinked]] = {}
    for event in () if isinstance(pull.timeline, Unavailable) else pull.timeline:
        if isinstance(event, IssueLinked):
            by_hand.setdefault(event.ticket.casefold(), []).append(event)
    edited_since = pull.edited_at is not None and pull.edited_at >= pull.merged_at
    unread = isinstance(description, Unavailable) or isinstance(pull.timeline, Unavailable)
    stood: dict[str, str] = {}
    doubts: list[str] = []
    for issue in pull.closing_issues:
        key = issue.casefold()
        links = by_hand.pop(key, [])
        linked = _linked(links, pull.merged_at)
        if linked or key in in_body:
            stood[key] = issue
        elif linked is None or unread:
            doubts.append(issue)
        elif not links and not edited_since:
            stood[key] = issue
    for links in by_hand.values():  # gone today: they count if they were unlinked since
        if _linked(links, pull.merged_at) and any(e.at > pull.merged_at for e in links):
            stood[links[0].ticket.casefold()] = links[0].ticket
    if doubts and not stood:
        return Unavailable(
            f"whether the closing reference to {', '.join(doubts)} was there at the merge cannot"
            " be told from the history of the description and of the links made by hand"
        )
    return tuple(stood.values())


def _linked(links: list[IssueLinked], merged: datetime) -> bool | None:
    """Whether an issue was linked by hand as of `merged`; `None` where it cannot be told."""
    before = [e for e in links if e.at < merged]
    last = max((e.at for e in before), default=None)
    newest = {e.added for e in before if e.at == last}
    if any(e.at == merged for e in links) or len(newest) > 1:
        return None
    return newest == {True}


def _late(pull: PullRequest, events: Iterable[TimelineEvent]) -> Iterable[LateFact]:
    merged = pull.merged_at
    if not isinstance(pull.reviews, Unavailable):
        for review in pull.reviews:
            if review.submitted_at and review.submitted_at > merged:
                what = f"review submitted: {review.state.lower().replace('_', ' ')}"
                yield LateFact(review.submitted_at, review.author, what, review.url)
    if not isinstance(pull.edits, Unavailable):
        for edit in pull.edits:
            if edit.at > merged:
                yield LateFact(edit.at, edit.editor, "description edited", pull.url)
    elif pull.edited_at and pull.edited_at > merged:
        yield LateFact(pull.edited_at, None, "description edited", pull.url)
    if not isinstance(pull.comments, Unavailable):
        for comment in pull.comments:
            if comment.edited_at and comment.at <= merged < comment.edited_at:
                yield LateFact(comment.edited_at, None, "comment edited", comment.url)
    if not isinstance(pull.checks, Unavailable):
        for check in pull.checks:
            if (at := check.done_at) and at > merged:
                what = f"check {check.name} completed: {check.conclusion.lower()}"
                yield LateFact(at, None, what, check.url)
    for event in events:
        if event.at > merged:
            match event:
                case LabelChanged(label=label, added=added):
                    what = f"label {label} {'applied' if added else 'removed'}"
                case IssueLinked(ticket=ticket, added=added):
                    what = f"issue {ticket} {'linked' if added else 'unlinked'} by hand"
                case Renamed(before=before):
                    what = f"title changed from {before!r}"
                case ReviewDismissed(previous_state=state):
                    what = f"review dismissed (it was {state.lower().replace('_', ' ')})"
                case BaseChanged(before=before, after=after):
                    what = f"base changed from {before} to {after}"
                case _:
                    continue
            yield LateFact(event.at, event.actor, what, pull.url)
