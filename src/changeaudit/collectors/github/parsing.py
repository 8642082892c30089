"""From GitHub's answers to records. Pure: what an answer lacks becomes `Unavailable`, by field."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from types import MappingProxyType
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from changeaudit.codeowners import LOCATIONS, MAX_BYTES
from changeaudit.collectors.github import wire
from changeaudit.records import (
    WEB_FLOW,
    Actor,
    ActorKind,
    AutoMergeEnabled,
    BaseChanged,
    BranchCommit,
    Check,
    CodeOwners,
    Comment,
    Commit,
    Deployed,
    DraftChanged,
    Edit,
    File,
    ForcePushed,
    GitPerson,
    IssueLinked,
    LabelChanged,
    MergeCommit,
    Merged,
    PullRequest,
    QueueChanged,
    Renamed,
    Repository,
    Review,
    ReviewDismissed,
    StateChanged,
    Template,
    Ticket,
    TicketChange,
    TimelineEvent,
    Unavailable,
)

T = TypeVar("T")
R = TypeVar("R")

NOT_COLLECTED = Unavailable("they were not collected")
"""The checks of a merge commit that were not asked for."""

Lost = Mapping[str, Unavailable]
"""What an answer says it could not give of one pull request: field name → why."""

_CO_AUTHOR = re.compile(r"^co-authored-by[ \t]*:(.*)$", re.I | re.M)
_PUBLIC = "github.com"
_NO_REPLY = re.compile(
    r"(?:([0-9]{1,18})\+)?([A-Za-z0-9_-]+(?:\[bot\])?)@users\.noreply\.([a-z0-9.-]+)", re.I
)
_PERMISSIONS = {"statusCheckRollup": "Checks: read and Commit statuses: read"}
PLACES = {
    "github_upper": ".github/PULL_REQUEST_TEMPLATE.md",
    "github_lower": ".github/pull_request_template.md",
    "root_upper": "PULL_REQUEST_TEMPLATE.md",
    "root_lower": "pull_request_template.md",
    "docs_upper": "docs/PULL_REQUEST_TEMPLATE.md",
    "docs_lower": "docs/pull_request_template.md",
}
"""Where GitHub looks for a template, by the name of the field that tells when it changed."""
FOLDER = ".github/PULL_REQUEST_TEMPLATE/"
OWNERS = ("github_owners", "root_owners", "docs_owners")
"""The same for CODEOWNERS, in the order of `LOCATIONS`."""
_SINGLE = re.compile(r"pull_request_template(\.|$)", re.I)


def lost_fields(errors: Sequence[wire.GraphQLError], prefix: tuple[object, ...]) -> Lost:
    """Which fields below `prefix` an answer's errors name, each with its reason."""
    found: dict[str, Unavailable] = {}
    for error in errors:
        if error.path[: len(prefix)] == prefix and len(error.path) > len(prefix):
            field = str(error.path[len(prefix)])
            reason = f"GitHub answered: {error.message}"
            lacking = _PERMISSIONS.get(field, "") if error.type == "FORBIDDEN" else ""
            found.setdefault(field, Unavailable(reason, lacking))
    return found


def pull_request(
    found: wire.PullRequest,
    more: Sequence[wire.PullRequestMore],
    parents: Sequence[wire.Parents],
    lost: Lost,
    *,
    repository: str,
    collected_at: datetime,
    evidence: tuple[str, ...],
    merge_commit_checks: tuple[Check, ...] | Unavailable = NOT_COLLECTED,
) -> PullRequest:
    """A pull request's record, from its first page, the further pages of its lists, in order.

    `parents` are those of its commits, in pages, where they were asked for.
    """
    pages = (found, *more)
    items = _items([p.timeline_items for p in pages], lost, "timelineItems")
    timeline, comments = _timeline(items, found.url)
    return PullRequest(
        repository=repository,
        number=found.number,
        id=found.id,
        url=found.url,
        title=found.title,
        body=found.body,
        author=actor(found.author),
        created_at=found.created_at,
        merged_at=found.merged_at,
        updated_at=found.updated_at,
        merged_by=actor(found.merged_by),
        merge_commit=_merge_commit(found, lost),
        base_ref=found.base_ref_name,
        head_ref=found.head_ref_name,
        head_oid=found.head_ref_oid,
        head_repository=found.head_repository.name_with_owner if found.head_repository else None,
        from_fork=found.is_cross_repository,
        draft=found.is_draft,
        labels=_map(_items([p.labels for p in pages], lost, "labels"), lambda n: n.name),
        edits=_map(_edits(found, more, lost), _edit),
        edited_at=found.last_edited_at,
        commits=_map(
            _items([p.commits for p in pages], lost, "commits"),
            _commit_parser(parents, _host_of(found.url)),
        ),
        files=_map(
            _items([p.files for p in pages], lost, "files", whole=False),
            lambda f: File(f.path, f.change_type),
        ),
        changed_files=found.changed_files,
        reviews=_map(_items([p.reviews for p in pages], lost, "reviews"), _review),
        comments=comments,
        timeline=timeline,
        checks=checks_of(found.head_ref_oid, [p.status_check_rollup for p in pages], lost),
        closing_issues=_map(
            _items([p.closing_issues_references for p in pages], lost, "closingIssuesReferences"),
            lambda i: f"{i.repository.name_with_owner}#{i.number}",
        ),
        collected_at=collected_at,
        evidence=evidence,
        merge_commit_checks=merge_commit_checks,
    )


def actor(found: wire.Account | None) -> Actor | None:
    """An account; `None` where it was deleted.

    A bot's login ends in "[bot]", as everywhere but in GraphQL's answers: a person may be called
    what an app is called.
    """
    if found is None:
        return None
    kind = ActorKind(found.kind) if found.kind in set(ActorKind) else ActorKind.USER
    login = found.login
    if login.endswith("[bot]"):
        kind = ActorKind.BOT
    elif kind is ActorKind.BOT:
        login = f"{login}[bot]"
    return Actor(found.database_id or 0, login, kind)


def repository(
    found: wire.Repository, host: str, collected_at: datetime, lost: Lost = MappingProxyType({})
) -> Repository:
    """A repository's record. `host` is where its answers came from."""
    templates: tuple[Template, ...] | Unavailable
    if found.pull_request_templates is None:
        templates = Unavailable("GitHub did not show the repository's pull request templates")
    else:
        history = found.default_branch_ref.target if found.default_branch_ref else None
        templates = tuple(
            Template(t.filename or "", t.body or "", _changed_at(t.filename or "", history))
            for t in found.pull_request_templates
        )
    return Repository(
        host=host,
        name=found.name_with_owner,
        id=found.database_id or 0,
        url=found.url,
        default_branch=found.default_branch_ref.name if found.default_branch_ref else "",
        templates=templates,
        collected_at=collected_at,
        codeowners=_codeowners(found, lost),
    )


def ticket(asked: str, found: wire.Issue, host: str, evidence: tuple[str, ...] = ()) -> Ticket:
    """A GitHub issue as a ticket. Its statuses are "open" and "closed", and it has no type.

    Of several who are assigned to it the first is told.
    """
    labels = tuple(n.name for n in (found.labels.nodes or ()) if n) if found.labels else ()
    assigned = [a for a in (found.assignees.nodes or ()) if a] if found.assignees else []
    states, of_labels = _states(found), _issue_labels(found, labels)
    history = states
    gaps: dict[str, Unavailable] = {}
    if not isinstance(states, Unavailable):
        if isinstance(of_labels, Unavailable):
            gaps["labels"] = of_labels
        else:
            history = [*states, *of_labels]
    return Ticket(
        asked=asked,
        key=f"{found.repository.name_with_owner}#{found.number}",
        id=found.id,
        source=host,
        project=found.repository.name_with_owner,
        type="Issue",
        title=found.title,
        status=found.state.lower(),
        resolution=found.state_reason or "",
        created_at=found.created_at,
        author=actor(found.author),
        labels=labels,
        history=history
        if isinstance(history, Unavailable)
        else tuple(sorted(history, key=attrgetter("at"))),
        url=found.url,
        assignee=actor(assigned[0]) if assigned else None,
        evidence=evidence,
        gaps=gaps,
    )


def branch_commit(
    found: wire.LineCommit, repository: str, branch: str, evidence: str
) -> BranchCommit:
    """A commit of a branch's line, with the merged pull requests that GitHub names for it."""
    linked = found.associated_pull_requests
    host = _host_of(found.url)
    return BranchCommit(
        repository=repository,
        branch=branch,
        oid=found.oid,
        parents=tuple(p.oid for p in found.parents.nodes or () if p),
        message=found.message,
        authors=(person(found.author, host), *co_authors(found.message, host)),
        committer=person(found.committer, host),
        pull_requests=tuple(
            a.number
            for a in (linked.nodes or () if linked else ())
            if a
            and a.merged_at is not None
            and a.repository.name_with_owner.casefold() == repository.casefold()
        ),
        url=found.url,
        evidence=evidence,
    )


def person(found: wire.Signature | None, host: str = _PUBLIC) -> GitPerson:
    """A name in a commit. A no-reply address of `host`, where the commit is, names its account."""
    if found is None:
        return GitPerson("", "", None, None)
    email = found.email or ""
    account = actor(found.user) or _account_of(email, host)
    return GitPerson(found.name or "", email, git_time(found.date), account)


def co_authors(message: str, host: str = _PUBLIC) -> tuple[GitPerson, ...]:
    """The people that a commit message's Co-authored-by lines name, on `host`.

    A line may name several, and stand anywhere. One without an address names somebody all the same.
    """
    return tuple(
        GitPerson(name, email, None, _account_of(email, host))
        for said in _CO_AUTHOR.findall(message)
        for name, email in _named(said)
    )


def _named(said: str) -> list[tuple[str, str]]:
    """The people that a line names as "Name <address>", or as it likes."""
    name, *rest = said.split("<")
    found: list[tuple[str, str]] = []
    for part in rest:
        email, closed, after = part.partition(">")
        if closed and email.strip():
            found.append((name.strip(" \t\r,;&"), email.strip()))
            name = after
    return found or [(bare, "") for bare in [said.strip()] if bare]


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _account_of(email: str, host: str) -> Actor | None:
    """The account that a no-reply address of GitHub's names.

    On another `host` an address of github.com tells the login alone: its number is another's there.
    """
    match = _NO_REPLY.fullmatch(email.strip())
    site = match[3].casefold() if match else ""
    if not match or site not in (host, _PUBLIC):
        return None
    kind = ActorKind.BOT if match[2].endswith("[bot]") else ActorKind.USER
    return Actor(int(match[1] or 0) if site == host else 0, match[2], kind)


def git_time(text: str | None) -> datetime | None:
    """A date as git has it; one that no calendar knows, or of no zone, counts as none."""
    try:
        at = datetime.fromisoformat(text) if text else None
        return at.astimezone(UTC) if at and at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _items(
    pages: Sequence[wire.Page[T] | None], lost: Lost, field: str, *, whole: bool = True
) -> tuple[T, ...] | Unavailable:
    """The items of a list over its pages; `Unavailable` if any is missing.

    With `whole` false, a list that was cut short is given as far as it goes.
    """
    if field in lost:
        return lost[field]
    first = pages[0]
    if first is None:
        return Unavailable("GitHub answered nothing for it")
    shown = [page for page in pages if page]
    nodes = [node for page in shown for node in page.nodes]
    found = tuple(node for node in nodes if node is not None)
    if len(found) < len(nodes):
        return Unavailable(f"GitHub left out {len(nodes) - len(found)} of {len(nodes)}")
    # A timeline counts items of every kind, so that its total tells nothing of those asked for.
    counted = first.total_count if field != "timelineItems" else len(found)
    if whole and counted > len(found):
        return Unavailable(f"GitHub showed {len(found)} of {counted}")
    if whole and shown[-1].page_info.has_next_page:
        return Unavailable(f"GitHub showed the first {len(found)} and not the rest")
    return found


def _map(
    items: tuple[T, ...] | Unavailable, record: Callable[[T], R]
) -> tuple[R, ...] | Unavailable:
    return items if isinstance(items, Unavailable) else tuple(record(item) for item in items)


def _merge_commit(found: wire.PullRequest, lost: Lost) -> MergeCommit | Unavailable | None:
    if found.merge_commit is None:
        return lost.get("mergeCommit")
    merge = found.merge_commit
    parents = tuple(p.oid for p in merge.parents.nodes or () if p)
    committer = person(merge.committer, _host_of(merge.url)) if merge.committer else None
    return MergeCommit(merge.oid, parents, merge.url, committer, by_github(merge))


def by_github(merge: wire.MergeCommit) -> bool | Unavailable:
    """Whether GitHub made a merge commit itself, for whoever pressed the button or called its API.

    github.com signs what it makes. An Enterprise Server does so only where it was told to, and
    whom a commit names as its committer is its writer's word: that speaks against it alone.
    """
    if merge.committed_via_web is None:
        return Unavailable("who made it was not asked for")
    if merge.signature is not None:
        return merge.signature.is_valid and merge.signature.was_signed_by_git_hub
    if merge.committer is None:
        return Unavailable("GitHub does not name its committer")
    own = merge.committed_via_web or (merge.committer.email or "").casefold() == WEB_FLOW
    return Unavailable("it names GitHub and bears no signature") if own else False


def _edits(
    found: wire.PullRequest, more: Sequence[wire.PullRequestMore], lost: Lost
) -> tuple[wire.Edit, ...] | Unavailable:
    """The edits of the description: asked for where there are any, by an earlier query always."""
    pages = [page.user_content_edits for page in (found, *more)]
    asked = [page for page in pages if not isinstance(page, msgspec.UnsetType)]
    if asked:
        return _items(asked, lost, "userContentEdits")
    return () if found.last_edited_at is None else Unavailable("they were not collected")


def _edit(found: wire.Edit) -> Edit:
    text = None if found.deleted_at else found.diff
    return Edit(
        found.edited_at, actor(found.editor), text, found.deleted_at, actor(found.deleted_by)
    )


def _review(found: wire.Review) -> Review:
    can_write = found.author_can_push_to_repository
    return Review(
        id=found.id,
        author=actor(found.author),
        state=found.state,
        submitted_at=found.submitted_at,
        commit=found.commit.oid if found.commit else None,
        body=found.body,
        url=found.url,
        author_can_write=Unavailable("GitHub does not tell who may write to the repository")
        if can_write is None
        else can_write,
        edited_at=found.last_edited_at,
    )


def parents_by_commit(pages: Sequence[wire.Parents]) -> dict[str, tuple[str, ...]]:
    """The parents of each commit, from the pages in which they were asked for."""
    return {
        node.commit.oid: tuple(p.oid for p in node.commit.parents.nodes or () if p)
        for page in pages
        for node in page.commits.nodes or ()
        if node
    }


def _commit_parser(
    parents: Sequence[wire.Parents], host: str
) -> Callable[[wire.PullRequestCommit], Commit]:
    known = parents_by_commit(parents)
    unasked = Unavailable("the parents of this commit were not asked for")

    def parse(node: wire.PullRequestCommit) -> Commit:
        found = node.commit
        return Commit(
            oid=found.oid,
            parents=known.get(found.oid, unasked),
            message=found.message,
            authors=(person(found.author, host), *co_authors(found.message, host)),
            committer=person(found.committer, host),
            tree=found.tree.oid,
            url=found.url,
            via_web=found.committed_via_web,
        )

    return parse


def checks_of(
    commit: str, pages: Sequence[wire.Rollup | None], lost: Lost
) -> tuple[Check, ...] | Unavailable:
    """The checks of a commit, from the pages of their list in order, or why they are unknown."""
    if "statusCheckRollup" in lost:
        return lost["statusCheckRollup"]
    if pages[0] is None:
        return ()
    items = _items([page.contexts for page in pages if page], lost, "contexts")
    return _map(items, lambda context: _check(context, commit))


def _check(found: wire.CheckRun | wire.StatusContext, commit: str) -> Check:
    if isinstance(found, wire.CheckRun):
        done = found.status == "COMPLETED"
        return Check(
            name=found.name,
            producer=found.check_suite.app.slug if found.check_suite.app else "",
            kind="check run",
            conclusion=(found.conclusion or "") if done else found.status,
            started_at=found.started_at,
            completed_at=found.completed_at if done else None,
            id=found.database_id or 0,
            url=found.details_url or "",
            commit=commit,
            created_at=found.check_suite.created_at,
        )
    pending = found.state in ("PENDING", "EXPECTED")
    return Check(
        name=found.context,
        producer=by.login if (by := actor(found.creator)) else "",
        kind="status",
        conclusion=found.state,
        started_at=found.created_at,
        completed_at=None if pending else found.created_at,
        id=int(found.created_at.timestamp()),
        url=found.target_url or "",
        commit=commit,
        # A status that is only expected was never set on the commit.
        created_at=None if found.state == "EXPECTED" else found.created_at,
    )


def _timeline(
    items: tuple[wire.TimelineItem, ...] | Unavailable, url: str
) -> tuple[tuple[TimelineEvent, ...] | Unavailable, tuple[Comment, ...] | Unavailable]:
    """The events and the comments of a timeline, which GitHub lists together."""
    if isinstance(items, Unavailable):
        return items, items
    comments = tuple(
        Comment(actor(i.author), i.body, i.created_at, _comment_url(i, url), i.last_edited_at)
        for i in items
        if i.kind == "IssueComment"
    )
    events = tuple(event for i in items if (event := _event(i)) is not None)
    if not any(isinstance(event, Merged) for event in events):
        # Every merged pull request has this event, so its absence shows that the rest is cut.
        return Unavailable("the timeline does not show the merge itself, so it is not whole"), (
            comments
        )
    return events, comments


def _comment_url(item: wire.TimelineItem, url: str) -> str:
    return f"{url}#issuecomment-{item.full_database_id}" if item.full_database_id else url


def _event(item: wire.TimelineItem) -> TimelineEvent | None:
    at, by = item.created_at, actor(item.actor)
    before = item.before_commit.oid if item.before_commit else None
    after = item.after_commit.oid if item.after_commit else None
    match item.kind:
        case "LabeledEvent" | "UnlabeledEvent":
            name = item.label.name if item.label else ""
            return LabelChanged(at, by, name, item.kind == "LabeledEvent")
        case "ReviewDismissedEvent":
            review = item.review.id if item.review else None
            message = item.dismissal_message or ""
            return ReviewDismissed(at, by, review, item.previous_review_state, message)
        case "HeadRefForcePushedEvent":
            return ForcePushed(
                at,
                by,
                before,
                after,
                before_tree=_tree(item.before_commit),
                after_tree=_tree(item.after_commit),
            )
        case "BaseRefForcePushedEvent":
            return ForcePushed(at, by, before, after, base=True)
        case "BaseRefChangedEvent":
            return BaseChanged(at, by, item.previous_ref_name, item.current_ref_name)
        case "AutomaticBaseChangeSucceededEvent":
            return BaseChanged(at, by, item.old_base, item.new_base)
        case "RenamedTitleEvent":
            return Renamed(at, by, item.previous_title, item.current_title)
        case "ReadyForReviewEvent":
            return DraftChanged(at, by, draft=False)
        case "ConvertToDraftEvent":
            return DraftChanged(at, by, draft=True)
        case "MergedEvent":
            return Merged(at, by, item.commit.oid if item.commit else None, item.merge_ref_name)
        case "ClosedEvent":
            return StateChanged(at, by, closed=True)
        case "ReopenedEvent":
            return StateChanged(at, by, closed=False)
        case "AddedToMergeQueueEvent" | "RemovedFromMergeQueueEvent":
            added = item.kind == "AddedToMergeQueueEvent"
            return QueueChanged(at, by, added, actor(item.enqueuer), item.reason or "")
        case "AutoMergeEnabledEvent":
            return AutoMergeEnabled(at, by)
        case "ConnectedEvent" | "DisconnectedEvent":
            issue = _issue_of(item.subject) or _issue_of(item.source)
            added = item.kind == "ConnectedEvent"
            return IssueLinked(at, by, added, issue) if issue else None
        case "DeployedEvent":
            return _deployed(at, by, item.deployment)
        case _:
            return None


def _tree(found: wire.Pushed | None) -> str | Unavailable:
    return found.tree.oid if found and found.tree else Unavailable("its tree was not asked for")


def _deployed(at: datetime, by: Actor | None, found: wire.Deployment | None) -> Deployed:
    if found is None:
        return Deployed(at, by, "", "")
    status = found.latest_status
    set_by = actor(status.creator) if status else None
    return Deployed(
        at,
        by,
        found.environment or "",
        found.state or "",
        commit=found.commit_oid,
        status=status.state if status else "",
        status_at=status.created_at if status else None,
        status_by=set_by.login if set_by else "",
    )


def _issue_of(found: wire.Referenced | None) -> str | None:
    """The issue at one end of a link; the other end is the pull request itself."""
    if found is None or found.kind != "Issue" or found.repository is None:
        return None
    return f"{found.repository.name_with_owner}#{found.number}"


def places_of(filename: str) -> tuple[str, ...]:
    """Where a template may lie that GitHub gives this name, by the fields that tell of a change."""
    places = [n for n, path in PLACES.items() if filename in (path, path.rpartition("/")[2])]
    if filename.startswith(FOLDER) or not (places or "/" in filename or _SINGLE.match(filename)):
        places.append("github_folder")
    return tuple(places)


def _changed_at(filename: str, history: wire.TemplateHistory | None) -> datetime | Unavailable:
    """When a template's file last changed on the default branch, at the latest."""
    unknown = Unavailable("no commit of the default branch is known to have changed it")
    if history is None:
        return unknown
    places: list[wire.Nodes[wire.LastChange] | None] = [
        getattr(history, name) for name in places_of(filename)
    ]
    dates = [_reached(c) for p in places if p for c in p.nodes or () if c]
    known = [date for date in dates if date is not None]
    return max(known) if known and len(known) == len(dates) else unknown


def _reached(change: wire.LastChange) -> datetime | None:
    """When a commit reached the default branch, at the earliest; `None` if its date is none.

    Its own date is its writer's, who may set it back, and the pull request that brought it may
    have merged much later.
    """
    brought = change.associated_pull_requests
    merges = [pull.merged_at for pull in (brought.nodes or () if brought else ()) if pull]
    own = git_time(change.committed_date)
    return max([own, *(at for at in merges if at)]) if own else None


def _codeowners(found: wire.Repository, lost: Lost) -> CodeOwners | Unavailable | None:
    """The CODEOWNERS file that counts today: the first that exists where GitHub looks.

    Which of them counted earlier is decided by the places before it too: one may have come to, or
    gone from, there. So the last change at any of them is a change of the file that counts.
    """
    history = found.default_branch_ref.target if found.default_branch_ref else None
    changes: list[tuple[datetime, str]] = []
    unknown: Unavailable | None = None
    for name, path in zip(OWNERS, LOCATIONS, strict=True):
        alias = name.replace("_owners", "Owners")
        file: wire.OwnersFile | msgspec.UnsetType | None = getattr(found, name)
        if file is msgspec.UNSET:
            return Unavailable("the file was not asked for")
        if alias in lost:
            return lost[alias]
        places: wire.Nodes[wire.LastChange] | None = getattr(history, name, None)
        nodes = [node for node in places.nodes or () if node] if places else []
        exists = file is not None and file.kind == "Blob"
        dates = [at for at in map(_reached, nodes) if at]
        if places is None or len(dates) < len(nodes) or (exists and not nodes):
            unknown = Unavailable(f"when {path} last changed on the default branch is not known")
        changes += [(at, path) for at in dates]
        if exists and file is not None:
            return CodeOwners(path, _owners_text(file), unknown or max(changes)[0])
    if unknown:
        return CodeOwners(LOCATIONS[0], None, unknown)
    if not changes:
        return None
    at, path = max(changes)
    return CodeOwners(path, None, at)


def _owners_text(file: wire.OwnersFile) -> str | Unavailable:
    if file.byte_size >= MAX_BYTES:
        return Unavailable(f"it has {file.byte_size:,} bytes, and GitHub loads none of 3 MB")
    if file.text is None or file.is_truncated:
        return Unavailable("GitHub did not show the whole of its text")
    return file.text


def _states(found: wire.Issue) -> list[TicketChange] | Unavailable:
    """What became of an issue's state, and of why it was closed, which GitHub tells with it."""
    page = found.timeline_items
    if page.page_info.has_next_page:
        return Unavailable(f"the issue was closed and reopened more than {len(page.nodes)} times")
    changes: list[TicketChange] = []
    was: tuple[str, ...] = ("open",)
    why: tuple[str, ...] = ()
    for position, event in enumerate(page.nodes, start=1):
        if event is None:
            return Unavailable("GitHub left out a part of the issue's history")
        closed = event.kind == "ClosedEvent"
        becomes = "closed" if closed else "open"
        # What the last event does not say, the issue itself does.
        today = found.state_reason if position == len(page.nodes) else None
        reason = event.state_reason or today or ""
        after = (reason,) if reason else ()
        at, who = event.created_at, actor(event.actor)
        if was != (becomes,):
            changes.append(TicketChange(at, who, "status", was, (becomes,)))
        if why != after:
            changes.append(TicketChange(at, who, "resolution", why, after))
        was, why = (becomes,), after
    if was != (found.state.lower(),):
        return Unavailable(
            f"the issue is {found.state.lower()}, but its history does not show when it became so"
        )
    return changes


def _issue_labels(found: wire.Issue, today: Sequence[str]) -> list[TicketChange] | Unavailable:
    """What became of the labels of an issue, which bears those of `today`."""
    page = found.label_events
    if page is None:
        return Unavailable("they were not asked for by the version that collected the issue")
    if page.page_info.has_next_page:
        return Unavailable(f"its labels changed more than {len(page.nodes)} times")
    changes: list[TicketChange] = []
    on: tuple[str, ...] = ()
    for event in page.nodes:
        if event is None:
            return Unavailable("GitHub left out a part of the history of its labels")
        rest = tuple(name for name in on if name != event.label.name)
        after = (*rest, event.label.name) if event.kind == "LabeledEvent" else rest
        changes.append(TicketChange(event.created_at, actor(event.actor), "labels", on, after))
        on = after
    if set(on) != set(today):
        return Unavailable(
            "the history of its labels does not lead to those of today: one was renamed or deleted"
        )
    return changes
