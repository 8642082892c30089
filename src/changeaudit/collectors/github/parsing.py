"""From GitHub's answers to records. Pure: what an answer lacks becomes `Unavailable`, by field."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from changeaudit.collectors.github import wire
from changeaudit.records import (
    Actor,
    ActorKind,
    AutoMergeEnabled,
    BaseChanged,
    BranchCommit,
    Check,
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
    StatusChange,
    Template,
    Ticket,
    TimelineEvent,
    Unavailable,
)

T = TypeVar("T")
R = TypeVar("R")

Lost = Mapping[str, Unavailable]
"""What an answer says it could not give of one pull request: field name → why."""

_CO_AUTHOR = re.compile(r"^co-authored-by:([^<\n]*)<([^<>\n]+)>[ \t]*\r?$", re.I | re.M)
_NO_REPLY = re.compile(
    r"(?:([0-9]{1,18})\+)?([A-Za-z0-9_-]+(?:\[bot\])?)@users\.noreply\.github\.com", re.I
)
_PERMISSIONS = {"statusCheckRollup": "Checks: read and Commit statuses: read"}
_PLACES = {
    "github_upper": ".github/PULL_REQUEST_TEMPLATE.md",
    "github_lower": ".github/pull_request_template.md",
    "root_upper": "PULL_REQUEST_TEMPLATE.md",
    "root_lower": "pull_request_template.md",
    "docs_upper": "docs/PULL_REQUEST_TEMPLATE.md",
    "docs_lower": "docs/pull_request_template.md",
}
_FOLDER = ".github/PULL_REQUEST_TEMPLATE/"
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
        edits=_map(_items([p.user_content_edits for p in pages], lost, "userContentEdits"), _edit),
        edited_at=found.last_edited_at,
        commits=_map(_items([p.commits for p in pages], lost, "commits"), _commit_parser(parents)),
        files=_map(
            _items([p.files for p in pages], lost, "files", whole=False),
            lambda f: File(f.path, f.change_type),
        ),
        changed_files=found.changed_files,
        reviews=_map(_items([p.reviews for p in pages], lost, "reviews"), _review),
        comments=comments,
        timeline=timeline,
        checks=_checks(found, more, lost),
        closing_issues=_map(
            _items([p.closing_issues_references for p in pages], lost, "closingIssuesReferences"),
            lambda i: f"{i.repository.name_with_owner}#{i.number}",
        ),
        collected_at=collected_at,
        evidence=evidence,
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


def repository(found: wire.Repository, host: str, collected_at: datetime) -> Repository:
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
    )


def ticket(asked: str, found: wire.Issue, host: str) -> Ticket:
    """A GitHub issue as a ticket. Its statuses are "open" and "closed"."""
    key = f"{found.repository.name_with_owner}#{found.number}"
    return Ticket(
        asked=asked,
        key=key,
        id=found.id,
        source=host,
        project=found.repository.name_with_owner,
        type="Issue",
        title=found.title,
        status=found.state.lower(),
        resolution=found.state_reason or "",
        created_at=found.created_at,
        author=actor(found.author),
        labels=tuple(n.name for n in (found.labels.nodes or ()) if n) if found.labels else (),
        history=_issue_history(found),
        url=found.url,
    )


def branch_commit(
    found: wire.LineCommit, repository: str, branch: str, evidence: str
) -> BranchCommit:
    """A commit of a branch's line, with the merged pull requests that GitHub names for it."""
    linked = found.associated_pull_requests
    return BranchCommit(
        repository=repository,
        branch=branch,
        oid=found.oid,
        parents=tuple(p.oid for p in found.parents.nodes or () if p),
        message=found.message,
        authors=(person(found.author), *co_authors(found.message)),
        committer=person(found.committer),
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


def person(found: wire.Signature | None) -> GitPerson:
    """A name in a commit. A no-reply address of GitHub's names its account."""
    if found is None:
        return GitPerson("", "", None, None)
    email = found.email or ""
    account = actor(found.user) or _account_of(email)
    return GitPerson(found.name or "", email, _git_time(found.date), account)


def co_authors(message: str) -> tuple[GitPerson, ...]:
    """The people that a commit message's Co-authored-by trailers name."""
    return tuple(
        GitPerson(name.strip(), email, None, _account_of(email))
        for name, email in _CO_AUTHOR.findall(message)
    )


def _account_of(email: str) -> Actor | None:
    match = _NO_REPLY.fullmatch(email.strip())
    if not match:
        return None
    kind = ActorKind.BOT if match[2].endswith("[bot]") else ActorKind.USER
    return Actor(int(match[1] or 0), match[2], kind)


def _git_time(text: str | None) -> datetime | None:
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
    parents = tuple(p.oid for p in found.merge_commit.parents.nodes or () if p)
    return MergeCommit(found.merge_commit.oid, parents, found.merge_commit.url)


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


def _commit_parser(parents: Sequence[wire.Parents]) -> Callable[[wire.PullRequestCommit], Commit]:
    known = {
        node.commit.oid: tuple(p.oid for p in node.commit.parents.nodes or () if p)
        for page in parents
        for node in page.commits.nodes or ()
        if node
    }
    unasked = Unavailable("the parents of this commit were not asked for")

    def parse(node: wire.PullRequestCommit) -> Commit:
        found = node.commit
        return Commit(
            oid=found.oid,
            parents=known.get(found.oid, unasked),
            message=found.message,
            authors=(person(found.author), *co_authors(found.message)),
            committer=person(found.committer),
            tree=found.tree.oid,
            url=found.url,
            via_web=found.committed_via_web,
        )

    return parse


def _checks(
    found: wire.PullRequest, more: Sequence[wire.PullRequestMore], lost: Lost
) -> tuple[Check, ...] | Unavailable:
    if "statusCheckRollup" in lost:
        return lost["statusCheckRollup"]
    rollup = found.status_check_rollup
    if rollup is None:
        return ()
    further = [p.status_check_rollup for p in more if p.status_check_rollup]
    pages = [rollup.contexts, *(r.contexts for r in further)]
    items = _items(pages, lost, "contexts")
    return _map(items, lambda context: _check(context, found.head_ref_oid))


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
        )
    pending = found.state in ("PENDING", "EXPECTED")
    return Check(
        name=found.context,
        producer=found.creator.login if found.creator else "",
        kind="status",
        conclusion=found.state,
        started_at=found.created_at,
        completed_at=None if pending else found.created_at,
        id=int(found.created_at.timestamp()),
        url=found.target_url or "",
        commit=commit,
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
            return ForcePushed(at, by, before, after)
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
            return QueueChanged(at, by, added, actor(item.enqueuer))
        case "AutoMergeEnabledEvent":
            return AutoMergeEnabled(at, by)
        case "ConnectedEvent" | "DisconnectedEvent":
            issue = _issue_of(item.subject) or _issue_of(item.source)
            added = item.kind == "ConnectedEvent"
            return IssueLinked(at, by, added, issue) if issue else None
        case "DeployedEvent":
            deployment = item.deployment
            environment = (deployment.environment or "") if deployment else ""
            return Deployed(at, by, environment, (deployment.state or "") if deployment else "")
        case _:
            return None


def _issue_of(found: wire.Referenced | None) -> str | None:
    """The issue at one end of a link; the other end is the pull request itself."""
    if found is None or found.kind != "Issue" or found.repository is None:
        return None
    return f"{found.repository.name_with_owner}#{found.number}"


def _changed_at(filename: str, history: wire.TemplateHistory | None) -> datetime | Unavailable:
    """When a template's file last changed on the default branch, at the latest."""
    unknown = Unavailable("no commit of the default branch is known to have changed it")
    if history is None:
        return unknown
    places: list[wire.Nodes[wire.LastChange] | None] = [
        getattr(history, name)
        for name, path in _PLACES.items()
        if filename in (path, path.rpartition("/")[2])
    ]
    if filename.startswith(_FOLDER) or not (places or "/" in filename or _SINGLE.match(filename)):
        places.append(history.github_folder)
    dates = [_git_time(c.committed_date) for p in places if p for c in p.nodes or () if c]
    known = [date for date in dates if date is not None]
    return max(known) if known and len(known) == len(dates) else unknown


def _issue_history(found: wire.Issue) -> tuple[StatusChange, ...] | Unavailable:
    page = found.timeline_items
    if page.page_info.has_next_page:
        return Unavailable(f"the issue was closed and reopened more than {len(page.nodes)} times")
    changes: list[StatusChange] = []
    for event in page.nodes:
        if event is None:
            return Unavailable("GitHub left out a part of the issue's history")
        closed = event.kind == "ClosedEvent"
        changes.append(
            StatusChange(
                event.created_at,
                actor(event.actor),
                "open" if closed else "closed",
                "closed" if closed else "open",
            )
        )
    ended = changes[-1].after if changes else "open"
    if ended != found.state.lower():
        return Unavailable(
            f"the issue is {found.state.lower()}, but its history does not show when it became so"
        )
    return tuple(changes)
