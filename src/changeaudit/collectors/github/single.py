"""One pull request by its number: found in the store, or collected alone.

What is collected alone is kept apart from the pages of a period, under its own kind and keys
("acme/payments#12"): a period is whole or is not held, and one pull request makes none whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TypeVar

import msgspec

from changeaudit.collectors.github import pull_requests, reading, wire
from changeaudit.collectors.github.ask import Session, decode, next_cursor, reasons
from changeaudit.collectors.github.base_merges import (
    BaseMerges,
    Candidate,
    Known,
    questions_of,
    with_base_merges,
)
from changeaudit.collectors.github.completing import (
    COMMITS,
    PARENTS,
    Unread,
    merged_more,
    parents_of,
)
from changeaudit.collectors.github.further import Further, Unfinished
from changeaudit.collectors.github.merge_groups import Asked, MergeGroups, may_have_been_queued
from changeaudit.collectors.github.parents import read_parents
from changeaudit.collectors.github.parsing import lost_fields, pull_request
from changeaudit.collectors.github.pull_requests import PullRequests
from changeaudit.collectors.github.queries import operation
from changeaudit.collectors.github.reading import NOT_COLLECTED
from changeaudit.collectors.github.transport import Reply
from changeaudit.collectors.shapes import decoded
from changeaudit.collectors.spans import Span
from changeaudit.errors import CollectError, StoreError, UsageError
from changeaudit.records import PullRequest, Record
from changeaudit.store import Answer, Item, Store

T = TypeVar("T")

KIND = "pull_request.single"
GREATEST = 2**31 - 1
"""The greatest number that GraphQL's Int can name."""

_FIELD = ("repository", "issueOrPullRequest")


class Brief(Record, frozen=True):
    """The little of a stored pull request that finds it, and tells what was merged into."""

    number: int
    base_ref: str
    merged_at: datetime


class _Numbered(wire.Wire, frozen=True):
    number: int
    base_ref_name: str


class _Page(wire.Wire, frozen=True):
    data: wire.PullRequestsData[_Numbered | None]


class _State(wire.Wire, frozen=True):
    """What stands under a number: an issue, or a pull request in some state."""

    kind: str = msgspec.field(name="__typename")
    url: str
    state: str = ""
    merged_at: datetime | None = None


class _Holder(wire.Wire, frozen=True):
    issue_or_pull_request: msgspec.Raw = msgspec.Raw(b"null")


class _Data(wire.Wire, frozen=True):
    repository: _Holder | None = None


class _Answer(wire.Wire, frozen=True):
    data: _Data
    errors: tuple[wire.GraphQLError, ...] = ()


def briefs(store: Store, source: str, repository: str) -> list[Brief]:
    """Every pull request that was stored with a period, in a few fields: quick even for many."""
    found: list[Brief] = []
    for located in store.locate(source, repository, pull_requests.KIND):
        page = _decode(located.answer.answer.body, _Page, f"pull requests of {repository}")
        for item in located.items:
            node = page.data.nodes[item.position]
            if node is not None and item.at is not None:
                found.append(Brief(node.number, node.base_ref_name, item.at))
    return found


def held_spans(store: Store, source: str, repository: str) -> tuple[Span, ...]:
    """The periods whose pull requests the store holds in full, joined where they touch."""
    joined: list[Span] = []
    for span in sorted(
        (
            Span(window.since, min(window.until, window.as_of))
            for window in store.windows(source, repository, pull_requests.KIND)
            if window.since < window.as_of
        ),
        key=lambda span: span.since,
    ):
        if joined and span.since <= joined[-1].until:
            joined[-1] = Span(joined[-1].since, max(joined[-1].until, span.until))
        else:
            joined.append(span)
    return tuple(joined)


def read_single(store: Store, source: str, repository: str, number: int) -> PullRequest | None:
    """The pull request as it was collected alone; `None` if it was not."""
    key = _key(repository, number)
    for located in store.find(source, KIND, [key]):
        answer = _decode(located.answer.answer.body, _Answer, key)
        holder = answer.data.repository or _Holder()
        found = _decode(bytes(holder.issue_or_pull_request), wire.PullRequest, key)
        lost = lost_fields(answer.errors, _FIELD)
        item = located.items[0]
        lists = reading.Lists(found, item)
        reading.read_more(store, source, [lists])
        pages = read_parents(store, source, {item.key: item.version}).get(item.key, [])
        merge = reading.read_merge_groups(store, source, [item]).get(item.key, NOT_COLLECTED)
        pull = pull_request(
            found,
            lists.more,
            [page for page, _ in pages],
            {**lists.lost, **lost},
            repository=repository,
            collected_at=located.answer.answer.received_at,
            evidence=(
                located.answer.digest,
                *lists.digests,
                *(digest for _, digest in pages),
                *merge.evidence,
            ),
            merge_commit_checks=merge.checks,
        )
        return with_base_merges(pull, [page for page, _ in pages], store, source, item)
    return None


class SinglePullRequest(PullRequests):
    """Collects one merged pull request of a repository, whatever the search index shows."""

    def __init__(self, session: Session, repository: str) -> None:
        super().__init__(session, repository)
        self._further = Further(session, repository)
        self._base_merges = BaseMerges(session, repository)
        self._merge_groups = MergeGroups(session, repository)

    def collect_number(self, number: int) -> None:
        """Store the pull request with everything that belongs to it, or nothing of it.

        Raises:
            UsageError: the number is nobody's, an issue's, or that of a pull request that has
                not merged.
            CollectError: it was refused or kept failing.
        """
        key = _key(self._repository, number)
        if number > GREATEST:
            raise self._absent(number)
        reply = self._one(number, key)
        raw = self._merged(reply, number, key)
        found = self._outline(raw, 0, reply.errors)
        outline, version, session = found.outline, found.version, self._session
        unfinished = Unfinished(outline, version, key)
        parts = [
            (answer, item)
            for answer, (item,) in self._further.answers(
                [unfinished], with_write_access=self._with_write_access
            )
        ]
        outline = unfinished.outline
        parts += self._its_parents(outline, version, key)
        parts += self._its_merge_group(outline, version, key)
        with session.store.begin() as writer:
            writer.put(
                session.answer(reply, self._repository, KIND),
                [Item(KIND, key, 0, version, outline.merged_at)],
            )
            for answer, item in parts:
                writer.put(answer, [item])

    def _one(self, number: int, about: str) -> Reply:
        owner, _, name = self._repository.partition("/")

        def send() -> Reply:
            variables = {
                "owner": owner,
                "name": name,
                "number": number,
                "withWriteAccess": self._with_write_access,
            }
            return self._session.ask(operation("one_pull_request"), variables, about)

        reply = send()
        return send() if self._give_up_a_field(reply) else reply

    def _merged(self, reply: Reply, number: int, about: str) -> msgspec.Raw:
        """The pull request as it was answered, once it is known to be one that merged."""
        data = decode(reply.data, _Data, about, reply.errors)
        raw = (data.repository or _Holder()).issue_or_pull_request
        if bytes(raw) == b"null":
            if any(error.type == "NOT_FOUND" for error in reply.errors):
                raise self._absent(number)
            raise CollectError(
                f"GitHub did not show {about}: {reasons(reply.errors) or 'it gave no reason'}.",
                "Check that the token may read the repository's pull requests.",
            )
        found = decode(raw, _State, about, reply.errors)
        if found.kind != "PullRequest":
            raise UsageError(
                f"{self._repository}#{number} is an issue, not a pull request: {found.url}.",
                "Name the pull request that brought the change.",
            )
        if found.merged_at is None:
            state = found.state.lower() or "not merged"
            raise UsageError(
                f"{self._repository}#{number} has not merged (it is {state}), so there is nothing"
                " to audit yet: a change is judged as it stood when it merged.",
                "Explain it again once it has merged.",
            )
        return raw

    def _absent(self, number: int) -> UsageError:
        return UsageError(
            f"There is no pull request #{number} in {self._repository} on {self._session.source}.",
            "Check the number.",
        )

    def _its_parents(
        self, outline: wire.Outline, version: str, key: str
    ) -> Iterator[tuple[Answer, Item]]:
        """The parents of its commits, where more may have merged than what was approved.

        With them come the trees of the merges of the base, where nothing else came after it.
        """
        if not outline.commits or not merged_more(outline):
            return
        unread = Unread(outline.id, version, outline.commits.total_count)
        pages: list[wire.Parents] = []
        while True:
            about = f"the commits of {key}"
            query, variables = parents_of([unread])
            reply = self._session.ask(query, variables, about)
            raw = decode(reply.data, dict[str, msgspec.Raw], about, reply.errors).get("p0")
            if raw is None or bytes(raw) in (b"null", b"{}"):
                return  # they stay unknown, and what hangs on them undetermined
            item = Item(PARENTS, f"{key}#{unread.page}", 0, version, None)
            yield self._session.answer(reply, self._repository, PARENTS), item
            pages.append(decode(raw, wire.Parents, about, reply.errors))
            page = pages[-1].commits.page_info
            read = (unread.page + 1) * COMMITS
            if not page.has_next_page or read >= unread.commits:
                break
            after = next_cursor(page, unread.after, about)
            unread = Unread(outline.id, version, unread.commits, after, unread.page + 1)
        candidate = Candidate(key, version, questions_of(outline, pages), Known())
        for answer, items in self._base_merges.answers([candidate]):
            for item in items:
                yield answer, item

    def _its_merge_group(
        self, outline: wire.Outline, version: str, key: str
    ) -> Iterator[tuple[Answer, Item]]:
        """The checks of its merge commit, where a merge queue may have tested that."""
        if outline.merge_commit and may_have_been_queued(outline):
            asked = Asked(key, version, outline.merge_commit.id)
            for answer, (item,) in self._merge_groups.answers([asked]):
                yield answer, item


def _key(repository: str, number: int) -> str:
    return f"{repository.casefold()}#{number}"


def _decode(body: bytes, shape: type[T], about: str) -> T:
    try:
        return decoded(wire.sound(body), shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreError(
            f"A stored answer about {about} cannot be read: {error}.",
            "This may be an API version that changeaudit does not know; please report it.",
        ) from None
