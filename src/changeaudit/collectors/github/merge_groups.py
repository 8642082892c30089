"""Collects the checks of merge commits: where a merge queue tested a commit of its own.

What GitHub tells. A merge queue makes a commit for each entry, on a branch of its own
(`gh-readonly-queue/BASE/pr-N-…`), out of the base, the entries ahead of it and the pull request;
the `merge_group` event names it as `head_sha`, and the checks that gate the merge are on it ("a
different sha from the pull request": GitHub's documentation, "Managing a merge queue"). Once they
pass, the base is fast-forwarded to the commit of the last entry of the group, so that each entry's
commit becomes its pull request's merge commit, and that is what is named afterwards. (Users have
found the entry's commit in `beforeCommit` of the removal from the queue; GitHub does not say so.)

What does not hold everywhere. Of queues that squash, some users report that the tested commit lands
as it is, others that another one does, with another tree; of a rebased pull request `mergeCommit`
names one commit of several; and a queue may ask no more than that the last entry of a group passes.
So nothing is inferred from the merge method: that the server created a check on the merge commit
before the merge is what shows that this commit was tested, and rules look for exactly that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import msgspec

from changeaudit.collectors.github import wire
from changeaudit.collectors.github.ask import Portion, Session, decode, next_cursor
from changeaudit.collectors.github.queries import operation
from changeaudit.collectors.github.transport import Reply
from changeaudit.errors import CollectError
from changeaudit.records import LEFT_BY_MERGING, Record
from changeaudit.store import Answer, Item

KIND = "pull_request.merge_group"
AT_ONCE = 100
"""Commits in one request: one list each, so that all of them cost one point."""

_ADDED, _REMOVED = "AddedToMergeQueueEvent", "RemovedFromMergeQueueEvent"
_MERGED = "MergedEvent"


class Asked(Record, frozen=True):
    """A pull request, in its version, and the merge commit (by node id) whose checks are wanted.

    `key` is the name under which the pull request itself is stored.
    """

    key: str
    version: str
    commit: str


class MergeGroups:
    """Collects the checks of the merge commits of pull requests, of many in one request."""

    def __init__(self, session: Session, repository: str) -> None:
        self._session = session
        self._repository = repository
        self._todo: dict[str, Asked] = {}

    def note(self, outlines: Iterable[tuple[wire.Outline, str]]) -> None:
        """Remember those pull requests, each with its version, whose merge commit is to be asked.

        These are the ones that may have been in the queue when they merged, unless their checks
        are in the store already.
        """
        found = [
            Asked(outline.id, version, outline.merge_commit.id)
            for outline, version in outlines
            if outline.merge_commit and may_have_been_queued(outline)
        ]
        keys = [_key(asked, 0) for asked in found]
        held = self._session.store.versions(self._session.source, KIND, keys)
        self._todo |= {a.key: a for a in found if held.get(_key(a, 0)) != a.version}

    def ask(self) -> None:
        """Ask for all that was noted, in as few requests as the server bears."""
        todo = list(self._todo.values())
        portion = Portion(AT_ONCE)
        while todo:
            todo = portion.ask(partial(self._some, todo), len(todo))
        self._todo.clear()

    def _some(self, todo: Sequence[Asked], size: int) -> list[Asked]:
        """Ask for the first `size`; returns what is left."""
        parts = self.answers(todo[:size])
        with self._session.store.begin() as writer:
            for answer, items in parts:
                writer.put(answer, items)
        return list(todo[size:])

    def answers(self, batch: Sequence[Asked]) -> list[tuple[Answer, list[Item]]]:
        """The checks of these merge commits, every list to its end, as the store keeps them."""
        about = f"the checks of merge commits of {self._repository}"
        reply, found = self._page([asked.commit for asked in batch], None, about)
        items = [
            Item(KIND, _key(asked, 0), position, asked.version, None)
            for position, asked in enumerate(batch)
        ]
        parts = [(self._session.answer(reply, self._repository, KIND), items)]
        for asked, commit in zip(batch, found, strict=True):
            number, after, page = 1, None, _goes_on(commit)
            while page:
                after = next_cursor(page, after, about)
                reply, (commit,) = self._page([asked.commit], after, about)
                item = Item(KIND, _key(asked, number), 0, asked.version, None)
                parts.append((self._session.answer(reply, self._repository, KIND), [item]))
                number, page = number + 1, _goes_on(commit)
        return parts

    def _page(
        self, ids: list[str], after: str | None, about: str
    ) -> tuple[Reply, list[wire.CheckedCommit | None]]:
        """A page of the checks of some commits; `None` for one that is not shown."""
        variables = {"ids": ids, "after": after}
        reply = self._session.transport.ask(
            operation("merge_groups"), variables, about, divisible=len(ids) > 1
        )
        nodes = decode(reply.data, wire.CheckedCommitsData, about, reply.errors).nodes
        if len(nodes) != len(ids):
            raise CollectError(
                f"GitHub answered for {len(nodes)} of {len(ids)} commits about {about}.",
                "This may be an API version that changeaudit does not know; please report it.",
            )
        return reply, [
            None if is_nothing(raw) else decode(raw, wire.CheckedCommit, about, reply.errors)
            for raw in nodes
        ]


def may_have_been_queued(outline: wire.Outline) -> bool:
    """Whether a pull request may have been in the merge queue when it merged.

    It was put there and, as far as is told, not taken out again by anything but the merge, which
    GitHub shows as a removal too. A timeline whose first page ends before the merge may hold that.
    """
    timeline = outline.timeline_items
    if timeline is None:
        return False
    shown = [node for node in timeline.nodes if node and node.created_at <= outline.merged_at]
    if timeline.page_info.has_next_page and all(node.kind != _MERGED for node in shown):
        return True
    events = [node for node in shown if node.kind in (_ADDED, _REMOVED)]
    newest = max((event.created_at for event in events if event.kind == _ADDED), default=None)
    return newest is not None and not any(
        event.kind == _REMOVED
        and event.created_at > newest
        and event.reason
        and event.reason.casefold() not in LEFT_BY_MERGING
        for event in events
    )


def is_nothing(raw: msgspec.Raw) -> bool:
    """Whether a node of an answer is one that GitHub did not show."""
    return bytes(raw) in (b"null", b"{}")


def _goes_on(commit: wire.CheckedCommit | None) -> wire.PageInfo | None:
    rollup = commit.status_check_rollup if commit else None
    return rollup.contexts.page_info if rollup and rollup.contexts.page_info.has_next_page else None


def _key(asked: Asked, page: int) -> str:
    return f"{asked.key}#{page}"
