"""The title and the description that stood at the merge: what they say and who wrote them."""

from __future__ import annotations

from datetime import datetime

from changeaudit.change import Change
from changeaudit.markdown import LIMIT, Document
from changeaudit.people import name_of
from changeaudit.records import PullRequest, Renamed, Unavailable
from changeaudit.rules.remembered import once_a_change
from changeaudit.verdicts import Citation


def description_at_merge(change: Change) -> Document | Unavailable:
    """The description as of the merge, if it is known and could be read to its end."""
    body, document = change.at_merge.body, change.at_merge.description
    if isinstance(body, Unavailable):
        return body
    if not isinstance(document, Unavailable) and document.cut:
        return Unavailable(
            f"it is {len(body)} characters long, of which the first {LIMIT} are read"
        )
    return document


Written = tuple[str, datetime, str]
"""Who wrote a text and when (UTC), and where to see it: the rest of its citations."""


@once_a_change
def written(change: Change) -> Written:
    """Who last wrote the description as of the merge, and when."""
    pull = change.pull
    if pull.edited_at is None and not pull.edits:
        return _opened(pull)
    edits = () if isinstance(pull.edits, Unavailable) else pull.edits
    before = [edit for edit in edits if edit.at < pull.merged_at]
    if before:
        newest = max(before, key=lambda edit: edit.at)
        return name_of(newest.editor), newest.at, pull.url
    if pull.edited_at is not None and pull.edited_at < pull.merged_at:
        return "", pull.edited_at, pull.url  # who edited it is not told
    return _opened(pull)


def cite_description(change: Change, what: str) -> Citation:
    """Cite the description as of the merge, by whoever last wrote it and when."""
    return Citation(what, *written(change))


def cite_title(change: Change, what: str) -> Citation:
    """Cite the title as of the merge, by whoever last changed it and when."""
    pull = change.pull
    timeline = () if isinstance(pull.timeline, Unavailable) else pull.timeline
    before = [e for e in timeline if isinstance(e, Renamed) and e.at < pull.merged_at]
    if before:
        newest = max(before, key=lambda event: event.at)
        return Citation(what, name_of(newest.actor), newest.at, pull.url)
    return Citation(what, *_opened(pull))


def _opened(pull: PullRequest) -> Written:
    return name_of(pull.author), pull.created_at, pull.url
