"""Reads the store back into records: the way that live and replayed evidence share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from changeaudit.collectors.github import (
    activity,
    clone,
    further,
    issues,
    line,
    merge_groups,
    parsing,
    pull_requests,
    wire,
)
from changeaudit.collectors.github import repository as repositories
from changeaudit.collectors.github.base_merges import with_base_merges
from changeaudit.collectors.github.hosts import to_reach
from changeaudit.collectors.github.last_changes import with_last_changes
from changeaudit.collectors.github.parents import read_parents
from changeaudit.collectors.github.stored import opened, shaped
from changeaudit.collectors.spans import Covered, Span, coverage
from changeaudit.errors import StoreError
from changeaudit.records import (
    BranchCommit,
    BranchLine,
    Check,
    MergeCommit,
    PullRequest,
    Record,
    Repository,
    Stretch,
    Ticket,
    Unavailable,
)
from changeaudit.store import Item, Located, Store, StoredAnswer


class MergeCommitChecks(Record, frozen=True):
    """The checks of a pull request's merge commit, and the digests of the answers they are in."""

    checks: tuple[Check, ...] | Unavailable
    evidence: tuple[str, ...] = ()


HISTORY = "GitHub's history of the branch"
CLONE = "a local clone, by git"
"""What a branch's line may have been read from."""

NOT_COLLECTED = MergeCommitChecks(parsing.NOT_COLLECTED)
"""What there is where no merge queue is known to have tested it, so that they were not asked."""


COLLECT = "Collect it first: `changeaudit audit`, without --offline."
"""What to do where the store holds nothing of a repository."""


def read_repository(store: Store, source: str, name: str, advice: str = COLLECT) -> Repository:
    """The newest facts of a repository.

    Args:
        store: where they are.
        source: the host that told them.
        name: the repository, as "owner/name".
        advice: what to do where there are none.

    Raises:
        StoreError: the store holds none. Where it holds the repository from other hosts, these
            are named: a store is bound to the hosts that it was collected from.
    """
    for located in store.find(source, repositories.KIND, [name.casefold()]):
        return _repository(located.answer, store)
    nothing = f"The store holds nothing of {name} from {source}."
    hosts = _other_hosts(store, name)
    if hosts:
        raise StoreError(
            f"{nothing} It holds {name} from {', '.join(hosts)}.",
            to_reach(hosts),
        )
    raise StoreError(nothing, advice)


def _other_hosts(store: Store, name: str) -> tuple[str, ...]:
    """The hosts from which the store holds a repository."""
    return tuple(
        count.source
        for count in store.counts()
        if count.kind == repositories.KIND and count.subject.casefold() == name.casefold()
    )


def read_repository_history(store: Store, source: str, name: str) -> tuple[Repository, ...]:
    """The facts of a repository each time that they were new, the oldest first."""
    return tuple(map(_repository, store.history(source, name, repositories.KIND)))


def _repository(stored: StoredAnswer, store: Store | None = None) -> Repository:
    """The facts of a repository; of a `store` also when its templates and code owners changed."""
    body = opened(stored)
    found = shaped(body.data, wire.RepositoryData, stored).repository
    lost = parsing.lost_fields(body.errors, ("repository",))
    answer, branch = stored.answer, found.default_branch_ref
    if store and branch and branch.target:
        name = found.name_with_owner
        target = with_last_changes(store, answer.source, name, branch.target)
        branch = msgspec.structs.replace(branch, target=target)
        found = msgspec.structs.replace(found, default_branch_ref=branch)
    return parsing.repository(found, answer.source, answer.received_at, lost)


def covered(store: Store, source: str, name: str, period: Span) -> Covered:
    """The parts of `period` whose pull requests the store holds, and those that it lacks.

    What an earlier version of the program collected is held as well: evidence that can no longer
    be collected stays good, and what its questions left out is `Unavailable` where it is read.
    """
    windows = store.windows(source, name, pull_requests.KIND)
    return coverage(period, ((Span(w.since, w.until), w.as_of) for w in windows))


def walked(store: Store, source: str, name: str, period: Span) -> bool:
    """Whether all of `period` was found by the walk, which leaves nothing to a search's index."""
    windows = store.windows(source, name, pull_requests.KIND)
    by_walk = (w for w in windows if w.note.endswith(pull_requests.BY_WALK))
    return not coverage(period, ((Span(w.since, w.until), w.as_of) for w in by_walk)).missing


def held(store: Store, source: str, name: str, period: Span) -> tuple[Span, ...]:
    """The parts of `period` for which the store does not hold the pull requests."""
    return covered(store, source, name, period).missing


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
        body = opened(located.answer)
        data = shaped(body.data, dict[str, msgspec.Raw], located.answer)
        for item in located.items:
            issue = _issue(data, item, located.answer)
            if issue is None:
                found[item.key] = Unavailable("it is not visible to the audit account")
            else:
                digest = located.answer.digest
                found[item.key] = parsing.ticket(item.key, issue, source, (digest,))
    return found


def read_tickets_as_of(store: Store, source: str, keys: Iterable[str]) -> dict[str, datetime]:
    """When each issue that the store holds and could see was last asked for."""
    seen: dict[str, datetime] = {}
    for located in store.find(source, issues.KIND, [key.casefold() for key in keys]):
        data = shaped(opened(located.answer).data, dict[str, msgspec.Raw], located.answer)
        for item in located.items:
            if _issue(data, item, located.answer) is not None:
                seen[item.key] = located.answer.answer.received_at
    return seen


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
    read_from: dict[str, None] = {}
    notes: dict[str, None] = {}
    later: dict[str, int] = {}
    for window in windows:
        if window.since < period.until and period.since < window.until:
            by, found = line.ends_of(window)
            ends = found.top, found.bottom, found.open
            stretches.append(Stretch(window.since, window.until, *ends))
            read_from[CLONE if by == line.FROM_CLONE else HISTORY] = None
            if found.why:
                notes[found.why] = None
            if found.number:
                later[found.top] = found.number
            for since, until in (
                (window.since, min(period.since, window.until)),
                (max(period.until, window.since), window.until),
            ):
                if since < until:
                    merged |= _merges(store, source, repository, branch, Span(since, until))
    commits: dict[str, BranchCommit] = {}
    if CLONE in read_from:
        url = read_repository(store, source, repository).url
        for commit in clone.read_commits(store, repository, url, branch):
            numbers = (later[commit.oid],) if commit.oid in later else ()
            commits[commit.oid] = msgspec.structs.replace(commit, pull_requests=numbers)
    for located in store.locate(source, subject, line.KIND):
        data = shaped(opened(located.answer).data, dict[str, msgspec.Raw], located.answer)
        for raw in line.stretches_of(data):
            for answered in shaped(raw, wire.Stretch, located.answer).history.nodes or ():
                if answered:
                    commits[answered.oid] = parsing.branch_commit(
                        answered, repository, branch, located.answer.digest
                    )
    spans = ((Span(w.since, w.until), w.as_of) for w in windows)
    missing = tuple((s.since, s.until) for s in coverage(period, spans).missing)
    return BranchLine(
        branch,
        tuple(stretches),
        commits | merged,
        missing,
        activity.read_activity(store, source, repository, branch, period),
        tuple(read_from),
        tuple(notes),
    )


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
    return shaped(raw, issues.IssueHolder, answer).issue


def _page(store: Store, source: str, name: str, page: Located) -> Iterator[PullRequest]:
    body = opened(page.answer)
    data = shaped(body.data, wire.PullRequestsData[msgspec.Raw], page.answer)
    parents = read_parents(store, source, {item.key: item.version for item in page.items})
    merges = read_merge_groups(store, source, page.items)
    read = [
        Lists(shaped(data.nodes[item.position], wire.PullRequest, page.answer), item)
        for item in page.items
    ]
    read_more(store, source, read)
    for lists, item in zip(read, page.items, strict=True):
        lost = parsing.lost_fields(body.errors, (*data.path, item.position))
        pages = parents.get(item.key, [])
        digests = [*lists.digests, *(digest for _, digest in pages)]
        merge = merges.get(item.key, NOT_COLLECTED)
        pull = parsing.pull_request(
            lists.first,
            lists.more,
            [page for page, _ in pages],
            {**lists.lost, **lost},
            repository=name,
            collected_at=page.answer.answer.received_at,
            evidence=(page.answer.digest, *digests, *merge.evidence),
            merge_commit_checks=merge.checks,
        )
        yield with_base_merges(pull, [page for page, _ in pages], store, source, item)


class Lists(further.Chain):
    """A pull request and the further pages of its lists, collected with this very version of it.

    `lost` is what the further pages say could not be read, `digests` are those of their answers.
    """

    def __init__(self, first: wire.PullRequest, item: Item) -> None:
        super().__init__(first, item.version, item.key)
        self.first = first
        self.lost: parsing.Lost = {}
        self.digests: list[str] = []
        self._more: list[wire.PullRequestMore] = []
        self._from_end: list[wire.PullRequestMore] = []

    @property
    def more(self) -> list[wire.PullRequestMore]:
        """The further pages in the order of the lists."""
        return [*self._more, *reversed(self._from_end)]

    def take(self, part: further.Part) -> None:
        """Take in a stored further page."""
        page = shaped(part.raw, wire.PullRequestMore, part.answer)
        self.add(page, part.asked)
        self._more.append(page)
        if page.files_from_end:
            nowhere = wire.PageInfo(has_next_page=False)
            files = wire.Page(page_info=nowhere, nodes=page.files_from_end.nodes)
            self._from_end.append(wire.PullRequestMore(id=self.first.id, files=files))
        said = parsing.lost_fields(part.errors, part.path)
        self.lost = {**{further.LIST_OF.get(k, k): why for k, why in said.items()}, **self.lost}
        self.digests.append(part.answer.digest)


def read_more(store: Store, source: str, read: Iterable[Lists]) -> None:
    """Take in the further pages of these pull requests' lists.

    Where collecting broke off, they end too early, and the lists are said to be cut.
    """
    for lists, part in further.stored(store, source, read):
        lists.take(part)


def read_merge_groups(
    store: Store, source: str, items: Iterable[Item]
) -> dict[str, MergeCommitChecks]:
    """The checks of the merge commits of these very versions, where they were asked for."""
    versions = {item.key: item.version for item in items}
    pages: dict[str, list[wire.Rollup | None]] = {}
    lost: dict[str, parsing.Lost] = {}
    found: dict[str, MergeCommitChecks] = {}
    wanted = list(versions)
    while wanted:
        goes_on: list[str] = []
        keys = {f"{key}#{len(pages.get(key, ()))}": key for key in wanted}
        for located in store.find(source, merge_groups.KIND, list(keys)):
            body = opened(located.answer)
            nodes = shaped(body.data, wire.CheckedCommitsData, located.answer).nodes
            for item in located.items:
                key = keys[item.key]
                if versions[key] != item.version:
                    continue
                evidence = (*found.get(key, NOT_COLLECTED).evidence, located.answer.digest)
                path = ("nodes", item.position)
                if merge_groups.is_nothing(nodes[item.position]):
                    why = [e.message for e in body.errors if e.path[:2] == path]
                    said = "; ".join(why) or "it gave no reason"
                    hidden = Unavailable(f"GitHub did not show the merge commit: {said}")
                    found[key] = MergeCommitChecks(hidden, evidence)
                    continue
                commit = shaped(nodes[item.position], wire.CheckedCommit, located.answer)
                rollup = commit.status_check_rollup
                pages.setdefault(key, []).append(rollup)
                lost[key] = {**parsing.lost_fields(body.errors, path), **lost.get(key, {})}
                checks = parsing.checks_of(commit.oid, pages[key], lost[key])
                found[key] = MergeCommitChecks(checks, evidence)
                if rollup and rollup.contexts.page_info.has_next_page:
                    goes_on.append(key)
        wanted = goes_on
    return found
