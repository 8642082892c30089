"""Reads the store back into records: the way that live and replayed evidence share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TypeVar

import msgspec

from changeaudit.collectors.github import issues, line, parsing, pull_requests, wire
from changeaudit.collectors.github import repository as repositories
from changeaudit.collectors.spans import Span, coverage
from changeaudit.errors import StoreError
from changeaudit.records import (
    Actor,
    BranchCommit,
    BranchLine,
    MergeCommit,
    PullRequest,
    Repository,
    Stretch,
    Team,
    Ticket,
    Unavailable,
)
from changeaudit.store import Item, Located, Store, StoredAnswer

T = TypeVar("T")


class _Body(wire.Wire, frozen=True):
    data: msgspec.Raw = msgspec.Raw(b"null")
    errors: tuple[wire.GraphQLError, ...] = ()


class _MoreOf(wire.Wire, frozen=True):
    node: wire.PullRequestMore


def read_repository(store: Store, source: str, name: str) -> Repository:
    """The newest facts of a repository.

    Raises:
        StoreError: the store holds none.
    """
    for located in store.find(source, repositories.KIND, [name.casefold()]):
        body = _body(located.answer)
        data = _decode(body.data, wire.RepositoryData, located.answer)
        return parsing.repository(data.repository, source, located.answer.answer.received_at)
    raise StoreError(
        f"The store holds nothing of {name} from {source}.",
        "Collect it first: `changeaudit audit`, without --offline.",
    )


def held(store: Store, source: str, name: str, period: Span) -> tuple[Span, ...]:
    """The parts of `period` for which the store does not hold the pull requests.

    What an earlier version of the program collected is held as well: evidence that can no longer
    be collected stays good, and what its questions left out is `Unavailable` where it is read.
    """
    windows = store.windows(source, name, pull_requests.KIND)
    return coverage(period, ((Span(w.since, w.until), w.as_of) for w in windows)).missing


def read_pull_requests(store: Store, source: str, name: str, period: Span) -> Iterator[PullRequest]:
    """The newest version of every pull request that merged in `period`."""
    located = store.locate(source, name, pull_requests.KIND, period.since, period.until)
    for page in located:
        yield from _page(store, source, name, page)


def read_tickets(store: Store, source: str, keys: Iterable[str]) -> dict[str, Ticket | Unavailable]:
    """The issues of that name, by their key in lower case; one that cannot be seen says so.

    A key of which the store holds nothing is not in the answer.
    """
    found: dict[str, Ticket | Unavailable] = {}
    for located in store.find(source, issues.KIND, [key.casefold() for key in keys]):
        body = _body(located.answer)
        data = _decode(body.data, dict[str, msgspec.Raw], located.answer)
        for item in located.items:
            issue = _issue(data, item, located.answer)
            if issue is None:
                found[item.key] = Unavailable("it is not visible to the audit account")
            else:
                found[item.key] = parsing.ticket(item.key, issue, source)
    return found


def read_tickets_as_of(store: Store, source: str, keys: Iterable[str]) -> dict[str, datetime]:
    """When each issue that the store holds and could see was last asked for."""
    seen: dict[str, datetime] = {}
    for located in store.find(source, issues.KIND, [key.casefold() for key in keys]):
        data = _decode(_body(located.answer).data, dict[str, msgspec.Raw], located.answer)
        for item in located.items:
            if _issue(data, item, located.answer) is not None:
                seen[item.key] = located.answer.answer.received_at
    return seen


def read_team(store: Store, source: str, team: str) -> Team | None:
    """A team's newest membership; `None` if the store holds nothing of it."""
    members: list[Actor] = []
    page = 0
    collected_at: datetime | None = None
    while True:
        key = f"{team.casefold()}#{page}"
        located = next(iter(store.find(source, repositories.TEAM_KIND, [key])), None)
        if located is None and collected_at is not None:
            cut = Unavailable(f"collecting team {team} broke off after {len(members)} members")
            return Team(team, cut, collected_at)
        if located is None:
            return None
        collected_at = collected_at or located.answer.answer.received_at
        body = _body(located.answer)
        data = _decode(wire.given(body.data), wire.TeamData, located.answer)
        found = data.organization.team if data.organization else None
        if found is None:
            said = "; ".join(e.message for e in body.errors) or "it is not visible"
            hidden = Unavailable(f"GitHub answered for team {team}: {said}", "Members: read")
            return Team(team, hidden, collected_at)
        if None in found.members.nodes:
            hidden = Unavailable(f"GitHub did not show every member of team {team}")
            return Team(team, hidden, collected_at)
        members += [a for n in found.members.nodes if (a := parsing.actor(n)) is not None]
        if not found.members.page_info.has_next_page:
            return Team(team, tuple(members), collected_at)
        page += 1


def lines_held(store: Store, source: str, repository: str) -> tuple[str, ...]:
    """The branches of which the store holds the line, merged into or not."""
    prefix = f"{repository}@"
    return tuple(
        row.subject.removeprefix(prefix)
        for row in store.counts(source)
        if row.source == source and row.kind == line.ENDS_KIND and row.subject.startswith(prefix)
    )


def read_line(store: Store, source: str, repository: str, branch: str, period: Span) -> BranchLine:
    """What the store holds of a branch's line through `period`.

    A stretch that was collected for a longer time passes merges from outside of the period too:
    they stand among its commits, each with its pull request's number.
    """
    subject = f"{repository}@{branch}"
    windows = store.windows(source, subject, line.KIND)
    stretches: list[Stretch] = []
    merged: dict[str, BranchCommit] = {}
    for window in windows:
        if window.since < period.until and period.since < window.until:
            ends = msgspec.json.decode(window.note.partition(" ")[2], type=line.Ends)
            stretches.append(Stretch(window.since, window.until, ends.top, ends.bottom, ends.open))
            for since, until in (
                (window.since, min(period.since, window.until)),
                (max(period.until, window.since), window.until),
            ):
                if since < until:
                    merged |= _merges(store, source, repository, branch, Span(since, until))
    commits: dict[str, BranchCommit] = {}
    for located in store.locate(source, subject, line.KIND):
        data = _decode(_body(located.answer).data, line.StretchData, located.answer)
        for part in data.nodes:
            for commit in part.history.nodes or () if part else ():
                if commit:
                    commits[commit.oid] = parsing.branch_commit(
                        commit, repository, branch, located.answer.digest
                    )
    spans = ((Span(w.since, w.until), w.as_of) for w in windows)
    missing = tuple((s.since, s.until) for s in coverage(period, spans).missing)
    return BranchLine(branch, tuple(stretches), commits | merged, missing)


def _merges(
    store: Store, source: str, repository: str, branch: str, span: Span
) -> dict[str, BranchCommit]:
    """The merge commits of the pull requests that merged in `span`, as commits of the line."""
    found: dict[str, BranchCommit] = {}
    for pull in read_pull_requests(store, source, repository, span):
        merge = pull.merge_commit
        if isinstance(merge, MergeCommit):
            found[merge.oid] = BranchCommit(
                repository=repository,
                branch=branch,
                oid=merge.oid,
                parents=merge.parents,
                message="",
                authors=(),
                # Its own date would be its writer's word; the server's tells that it lies outside.
                committer=msgspec.structs.replace(parsing.person(None), at=pull.merged_at),
                pull_requests=(pull.number,),
                url=merge.url,
            )
    return found


def _issue(data: dict[str, msgspec.Raw], item: Item, answer: StoredAnswer) -> wire.Issue | None:
    raw = data.get(f"t{item.position}", msgspec.Raw(b"null"))
    if bytes(raw) == b"null":
        return None
    return _decode(raw, issues.IssueHolder, answer).issue


def _page(store: Store, source: str, name: str, page: Located) -> Iterator[PullRequest]:
    body = _body(page.answer)
    nodes = _decode(body.data, wire.PullRequestsData, page.answer).search.nodes
    parents = read_parents(store, source, page.items)
    for item in page.items:
        found = _decode(nodes[item.position], wire.PullRequest, page.answer)
        lost = parsing.lost_fields(body.errors, ("search", "nodes", item.position))
        more, lost_later, digests = read_more(store, source, item, found)
        pages = parents.get(item.key, [])
        digests += [digest for _, digest in pages]
        yield parsing.pull_request(
            found,
            more,
            [page for page, _ in pages],
            {**lost_later, **lost},
            repository=name,
            collected_at=page.answer.answer.received_at,
            evidence=(page.answer.digest, *digests),
        )


def read_more(
    store: Store, source: str, item: Item, found: wire.PullRequest
) -> tuple[list[wire.PullRequestMore], parsing.Lost, list[str]]:
    """The further pages of a pull request's lists, collected with this very version of it.

    With them comes what they say could not be read, and the digests of their answers.
    """
    more: list[wire.PullRequestMore] = []
    lost: parsing.Lost = {}
    digests: list[str] = []
    last: wire.Lists = found
    while pull_requests.open_cursors(last):
        key = f"{item.key}#{len(more)}"
        located = next(iter(store.find(source, pull_requests.MORE, [key])), None)
        if located is None or located.items[0].version != item.version:
            raise StoreError(
                f"The store lacks a part of {found.url} that was to be collected with it.",
                "Collect into a new store, and report this.",
            )
        body = _body(located.answer)
        last = _decode(body.data, _MoreOf, located.answer).node
        more.append(last)
        lost = {**parsing.lost_fields(body.errors, ("node",)), **lost}
        digests.append(located.answer.digest)
    return more, lost, digests


def read_parents(
    store: Store, source: str, items: Iterable[Item]
) -> dict[str, list[tuple[wire.Parents, str]]]:
    """The parents of the commits of these very versions, where they were asked for.

    They come in pages, each with the digest of its answer.
    """
    versions = {item.key: item.version for item in items}
    found: dict[str, list[tuple[wire.Parents, str]]] = {}
    wanted, page = list(versions), 0
    while wanted:
        goes_on: list[str] = []
        keys = {f"{key}#{page}": key for key in wanted}
        for located in store.find(source, pull_requests.PARENTS, list(keys)):
            data = _decode(_body(located.answer).data, dict[str, msgspec.Raw], located.answer)
            for item in located.items:
                key = keys[item.key]
                if versions[key] == item.version:
                    parents = _decode(data[f"p{item.position}"], wire.Parents, located.answer)
                    found.setdefault(key, []).append((parents, located.answer.digest))
                    if parents.commits.page_info.has_next_page:
                        goes_on.append(key)
        wanted, page = goes_on, page + 1
    return found


def _body(answer: StoredAnswer) -> _Body:
    return _decode(msgspec.Raw(wire.sound(answer.answer.body)), _Body, answer)


def _decode(raw: msgspec.Raw, shape: type[T], answer: StoredAnswer) -> T:
    try:
        return msgspec.json.decode(raw, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreError(
            f"Stored answer {answer.id} ({answer.answer.kind} of {answer.answer.subject}) cannot"
            f" be read: {error}.",
            "This may be an API version that changeaudit does not know; please report it.",
        ) from None
