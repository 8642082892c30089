"""The title and the description that stood at the merge: what they say and who wrote them."""

from __future__ import annotations

from changeaudit.change import Change
from changeaudit.markdown import LIMIT, Document, parse
from changeaudit.people import name_of
from changeaudit.records import PullRequest, Renamed, Unavailable
from changeaudit.verdicts import Citation


def description_at_merge(change: Change) -> Document | Unavailable:
    """The description as of the merge, if it is known and could be read to its end."""
    body = change.at_merge.body
    if isinstance(body, Unavailable):
        return body
    document = parse(body)
    if document.cut:
        return Unavailable(
            f"it is {len(body)} characters long, of which the first {LIMIT} are read"
        )
    return document


def cite_description(change: Change, what: str) -> Citation:
    """Cite the description as of the merge, by whoever last wrote it and when."""
    pull = change.pull
    edits = () if isinstance(pull.edits, Unavailable) else pull.edits
    before = [edit for edit in edits if edit.at < pull.merged_at]
    if before:
        newest = max(before, key=lambda edit: edit.at)
        return Citation(what, name_of(newest.editor), newest.at, pull.url)
    if pull.edited_at is not None and pull.edited_at < pull.merged_at:
        return Citation(what, at=pull.edited_at, url=pull.url)  # who edited it is not told
    return _as_opened(pull, what)


def cite_title(change: Change, what: str) -> Citation:
    """Cite the title as of the merge, by whoever last changed it and when."""
    pull = change.pull
    timeline = () if isinstance(pull.timeline, Unavailable) else pull.timeline
    before = [e for e in timeline if isinstance(e, Renamed) and e.at < pull.merged_at]
    if before:
        newest = max(before, key=lambda event: event.at)
        return Citation(what, name_of(newest.actor), newest.at, pull.url)
    return _as_opened(pull, what)


def _as_opened(pull: PullRequest, what: str) -> Citation:
    return Citation(what, name_of(pull.author), pull.created_at, pull.url)
