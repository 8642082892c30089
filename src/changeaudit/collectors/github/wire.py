"""GitHub's answers, as they come over the wire: the shapes of `queries/*.graphql`.

Nothing here is a record yet: `parsing` turns these into records. An answer that does not have
the shape is refused with the path of the first field that is wrong.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_ESCAPE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<lone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)


def sound(body: bytes) -> bytes:
    """JSON as it can be read: half a surrogate pair, which no text has, becomes U+FFFD.

    The answer itself is stored as it came; everything that reads it goes through here.
    """
    if not _SURROGATE.search(body):
        return body
    return _ESCAPE.sub(lambda m: rb"\ufffd" if m["lone"] else m[0], body)


def given(data: msgspec.Raw) -> msgspec.Raw:
    """The data of an answer; where it has none at all, that is each of its fields refused."""
    return data if bytes(data) != b"null" else msgspec.Raw(b"{}")


class Wire(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """The base of every shape: camelCase on the wire, unknown fields ignored."""


class PageInfo(Wire, frozen=True):
    has_next_page: bool
    end_cursor: str | None = None


class Page(Wire, Generic[T], frozen=True):
    page_info: PageInfo
    nodes: tuple[T | None, ...]
    total_count: int = -1


class Nodes(Wire, Generic[T], frozen=True):
    nodes: tuple[T | None, ...] | None = None


class Account(Wire, frozen=True):
    kind: str = msgspec.field(name="__typename")
    login: str
    database_id: int | None = None


class Oid(Wire, frozen=True):
    oid: str
    id: str = ""


class Pushed(Wire, frozen=True):
    """A commit that a force-push began or ended with; its tree where that was asked for."""

    oid: str
    tree: Oid | None = None


class Named(Wire, frozen=True):
    name: str


class NameWithOwner(Wire, frozen=True):
    name_with_owner: str


class Signature(Wire, frozen=True):
    name: str | None = None
    email: str | None = None
    date: str | None = None
    user: Account | None = None


class Edit(Wire, frozen=True):
    edited_at: datetime
    diff: str | None = None
    deleted_at: datetime | None = None
    editor: Account | None = None
    deleted_by: Account | None = None


class Review(Wire, frozen=True):
    id: str
    url: str
    state: str
    body: str
    submitted_at: datetime | None = None
    last_edited_at: datetime | None = None
    author_can_push_to_repository: bool | None = None
    author: Account | None = None
    commit: Oid | None = None


class Commit(Wire, frozen=True):
    oid: str
    url: str
    message: str
    committed_via_web: bool
    tree: Oid
    author: Signature | None = None
    committer: Signature | None = None


class PullRequestCommit(Wire, frozen=True):
    commit: Commit


class File(Wire, frozen=True):
    path: str
    change_type: str


class ClosingIssue(Wire, frozen=True):
    number: int
    repository: NameWithOwner


class App(Wire, frozen=True):
    slug: str


class CheckSuite(Wire, frozen=True):
    app: App | None = None
    created_at: datetime | None = None


class CheckRun(Wire, frozen=True, tag_field="__typename", tag="CheckRun"):
    name: str
    status: str
    check_suite: CheckSuite
    details_url: str | None = None
    conclusion: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    database_id: int | None = None


class StatusContext(Wire, frozen=True, tag_field="__typename", tag="StatusContext"):
    context: str
    state: str
    created_at: datetime
    target_url: str | None = None
    creator: Account | None = None


class Rollup(Wire, frozen=True):
    contexts: Page[CheckRun | StatusContext]


class CheckedCommit(Wire, frozen=True):
    """A commit with a page of its checks."""

    oid: str
    status_check_rollup: Rollup | None = None


class CheckedCommitsData(Wire, frozen=True):
    nodes: tuple[msgspec.Raw, ...]


class GitSignature(Wire, frozen=True):
    is_valid: bool
    was_signed_by_git_hub: bool


class MergeCommit(Wire, frozen=True):
    """`committed_via_web` is `None` in an answer to an earlier query, which did not ask for it."""

    id: str
    oid: str
    url: str
    parents: Nodes[Oid]
    committed_via_web: bool | None = None
    committer: Signature | None = None
    signature: GitSignature | None = None


class DeploymentStatus(Wire, frozen=True):
    state: str
    created_at: datetime
    creator: Account | None = None


class Deployment(Wire, frozen=True):
    environment: str | None = None
    state: str | None = None
    commit_oid: str = ""
    latest_status: DeploymentStatus | None = None


class TimelineItem(Wire, frozen=True):
    """Any item of the timeline; which fields it has depends on its kind."""

    kind: str = msgspec.field(name="__typename")
    created_at: datetime
    actor: Account | None = None
    author: Account | None = None
    enqueuer: Account | None = None
    label: Named | None = None
    previous_title: str = ""
    current_title: str = ""
    previous_ref_name: str = ""
    current_ref_name: str = ""
    old_base: str = ""
    new_base: str = ""
    before_commit: Pushed | None = None
    after_commit: Pushed | None = None
    commit: Oid | None = None
    merge_ref_name: str = ""
    source: Referenced | None = None
    subject: Referenced | None = None
    deployment: Deployment | None = None
    reason: str | None = None
    previous_review_state: str = ""
    dismissal_message: str | None = None
    review: ReviewId | None = None
    body: str = ""
    full_database_id: str | None = None
    last_edited_at: datetime | None = None


class ReviewId(Wire, frozen=True):
    id: str


class Referenced(Wire, frozen=True):
    """One end of a link made by hand: an issue, or a pull request, which shows its kind alone."""

    kind: str = msgspec.field(name="__typename")
    number: int = 0
    repository: NameWithOwner | None = None


class Lists(Wire, frozen=True):
    """The inner lists of a pull request; each is absent where it was not asked for."""

    labels: Page[Named] | None = None
    user_content_edits: Page[Edit] | msgspec.UnsetType | None = msgspec.UNSET
    reviews: Page[Review] | None = None
    timeline_items: Page[TimelineItem] | None = None
    commits: Page[PullRequestCommit] | None = None
    files: Page[File] | None = None
    closing_issues_references: Page[ClosingIssue] | None = None
    status_check_rollup: Rollup | None = None


class PullRequest(Lists, frozen=True, kw_only=True):
    id: str
    number: int
    url: str
    title: str
    body: str
    created_at: datetime
    merged_at: datetime
    updated_at: datetime
    is_draft: bool
    base_ref_name: str
    head_ref_name: str
    head_ref_oid: str
    is_cross_repository: bool
    changed_files: int
    last_edited_at: datetime | None = None
    author: Account | None = None
    merged_by: Account | None = None
    head_repository: NameWithOwner | None = None
    merge_commit: MergeCommit | None = None


class EndInfo(Wire, frozen=True):
    has_previous_page: bool
    start_cursor: str | None = None


class FilesFromEnd(Wire, frozen=True):
    """A page of files that is read from the end of the list."""

    page_info: EndInfo
    nodes: tuple[File | None, ...] = ()


class PullRequestMore(Lists, frozen=True, kw_only=True):
    id: str
    files_from_end: FilesFromEnd | None = None


class Login(Wire, frozen=True):
    login: str


class ReviewOutline(Wire, frozen=True):
    state: str
    submitted_at: datetime | None = None
    author: Login | None = None
    commit: Oid | None = None


class ContextsOutline(Wire, frozen=True):
    page_info: PageInfo


class RollupOutline(Wire, frozen=True):
    contexts: ContextsOutline


class TimelineItemOutline(Wire, frozen=True):
    kind: str = msgspec.field(name="__typename")
    created_at: datetime
    reason: str | None = None
    before_commit: Pushed | None = None
    after_commit: Pushed | None = None


class TimelineOutline(Wire, frozen=True):
    page_info: PageInfo
    nodes: tuple[TimelineItemOutline | None, ...] = ()


class ListOutline(Wire, frozen=True):
    page_info: PageInfo
    total_count: int = -1


class CommitOutline(Wire, frozen=True):
    commit: Oid


class CommitListOutline(Wire, frozen=True):
    page_info: PageInfo
    total_count: int
    nodes: tuple[CommitOutline | None, ...]


class ReviewListOutline(Wire, frozen=True):
    page_info: PageInfo
    nodes: tuple[ReviewOutline | None, ...]


class Nothing(Wire, frozen=True):
    """Something of which no more matters than that it is there."""


class FileListOutline(Wire, frozen=True):
    page_info: PageInfo
    nodes: tuple[Nothing | None, ...] = ()
    total_count: int = -1


class FilesFromEndOutline(Wire, frozen=True):
    page_info: EndInfo
    nodes: tuple[Nothing | None, ...] = ()


class ListsOutline(Wire, frozen=True):
    """The little that collecting needs to know of a pull request's lists."""

    labels: ListOutline | None = None
    user_content_edits: ListOutline | msgspec.UnsetType | None = msgspec.UNSET
    reviews: ReviewListOutline | None = None
    timeline_items: TimelineOutline | None = None
    commits: CommitListOutline | None = None
    files: FileListOutline | None = None
    closing_issues_references: ListOutline | None = None
    status_check_rollup: RollupOutline | None = None


class Outline(ListsOutline, frozen=True, kw_only=True):
    """The little that collecting needs to know of a pull request's answer."""

    id: str
    merged_at: datetime
    updated_at: datetime
    head_ref_oid: str
    last_edited_at: datetime | None = None
    merge_commit: MergeCommit | None = None


class MoreOutline(ListsOutline, frozen=True, kw_only=True):
    """The same of a further page of the lists."""

    files_from_end: FilesFromEndOutline | None = None


class Count(Wire, frozen=True):
    issue_count: int


class Template(Wire, frozen=True):
    filename: str | None = None
    body: str | None = None


class BroughtBy(Wire, frozen=True):
    merged_at: datetime | None = None
    base_ref_name: str = ""


class LastChange(Wire, frozen=True):
    """`associated_pull_requests` is `None` in an answer to an earlier query."""

    oid: str
    committed_date: str
    associated_pull_requests: Nodes[BroughtBy] | None = None


class TemplateHistory(Wire, frozen=True):
    """The head of the default branch, and the last change of each place of a file of its own."""

    oid: str = ""
    id: str = ""
    github_upper: Nodes[LastChange] | None = None
    github_lower: Nodes[LastChange] | None = None
    root_upper: Nodes[LastChange] | None = None
    root_lower: Nodes[LastChange] | None = None
    docs_upper: Nodes[LastChange] | None = None
    docs_lower: Nodes[LastChange] | None = None
    github_folder: Nodes[LastChange] | None = None
    github_owners: Nodes[LastChange] | None = None
    root_owners: Nodes[LastChange] | None = None
    docs_owners: Nodes[LastChange] | None = None


class LastChangesData(Wire, frozen=True):
    node: TemplateHistory | None = None


class OwnersFile(Wire, frozen=True):
    """What lies at a place for CODEOWNERS; only a blob is a file."""

    kind: str = msgspec.field(name="__typename")
    byte_size: int = 0
    is_truncated: bool = False
    text: str | None = None


class DefaultBranch(Wire, frozen=True):
    name: str
    target: TemplateHistory | None = None


class Repository(Wire, frozen=True):
    name_with_owner: str
    url: str
    database_id: int | None = None
    pull_request_templates: tuple[Template, ...] | None = None
    default_branch_ref: DefaultBranch | None = None
    github_owners: OwnersFile | msgspec.UnsetType | None = msgspec.UNSET
    root_owners: OwnersFile | msgspec.UnsetType | None = msgspec.UNSET
    docs_owners: OwnersFile | msgspec.UnsetType | None = msgspec.UNSET


class RepositoryData(Wire, frozen=True):
    repository: Repository
    viewer: Login
    search: Count | None = None


class CountData(Wire, frozen=True):
    search: Count | None = None


class PullRequestPage(Wire, Generic[T], frozen=True):
    """A page of a search, or of all that a repository has."""

    page_info: PageInfo
    nodes: tuple[T, ...]
    issue_count: int = -1


class PullRequestsOf(Wire, Generic[T], frozen=True):
    pull_requests: PullRequestPage[T]


class PullRequestsData(Wire, Generic[T], frozen=True):
    """A page of pull requests: the answer to `pull_requests.graphql`, or to `walk.graphql`."""

    search: PullRequestPage[T] | None = None
    repository: PullRequestsOf[T] | None = None

    @property
    def page(self) -> PullRequestPage[T] | None:
        """The page, whichever way it was asked for; `None` where it was refused."""
        return self.repository.pull_requests if self.repository else self.search

    @property
    def nodes(self) -> tuple[T, ...]:
        """What stands on the page."""
        return self.page.nodes if self.page else ()

    @property
    def path(self) -> tuple[str, ...]:
        """Where in the answer its nodes stand."""
        return ("repository", "pullRequests", "nodes") if self.repository else ("search", "nodes")


class Parent(Wire, frozen=True):
    oid: str
    committed_date: str | None = None


class CommitParents(Wire, frozen=True):
    oid: str
    parents: Nodes[Parent]


class ParentsCommit(Wire, frozen=True):
    commit: CommitParents


class ParentsPage(Wire, frozen=True):
    page_info: PageInfo
    nodes: tuple[ParentsCommit | None, ...] | None = None


class Parents(Wire, frozen=True):
    id: str
    commits: ParentsPage


class Branch(Wire, frozen=True):
    name: str
    target: Oid | None = None


class BranchesRepository(Wire, frozen=True):
    refs: Page[Branch]


class BranchesData(Wire, frozen=True):
    repository: BranchesRepository


class Associated(Wire, frozen=True):
    number: int
    base_ref_name: str
    repository: NameWithOwner
    merged_at: datetime | None = None


class LineCommit(Wire, frozen=True):
    id: str
    oid: str
    url: str
    message: str
    parents: Nodes[Oid]
    author: Signature | None = None
    committer: Signature | None = None
    associated_pull_requests: Nodes[Associated] | None = None


class History(Wire, frozen=True):
    nodes: tuple[LineCommit | None, ...] | None = None
    page_info: PageInfo | None = None


class Stretch(Wire, frozen=True):
    oid: str
    history: History


class Merge(Wire, frozen=True):
    number: int
    merged_at: datetime
    base_ref_name: str
    merge_commit: Oid | None = None


class MergeSearch(Wire, frozen=True):
    issue_count: int
    nodes: tuple[Merge | None, ...]


class MergesData(Wire, frozen=True):
    """`earlier` and `later` are the merges further away than those close by."""

    before: MergeSearch
    after: MergeSearch
    earlier: MergeSearch
    later: MergeSearch


class IssueEvent(Wire, frozen=True):
    kind: str = msgspec.field(name="__typename")
    created_at: datetime
    actor: Account | None = None
    state_reason: str | None = None


class IssueLabelEvent(Wire, frozen=True):
    kind: str = msgspec.field(name="__typename")
    created_at: datetime
    label: Named
    actor: Account | None = None


class Issue(Wire, frozen=True):
    """An issue; every field is absent where the number is a pull request's.

    `label_events` and `assignees` are not in the answers to earlier versions of the query.
    """

    id: str
    number: int
    title: str
    url: str
    state: str
    created_at: datetime
    updated_at: datetime
    repository: NameWithOwner
    timeline_items: Page[IssueEvent]
    state_reason: str | None = None
    author: Account | None = None
    labels: Nodes[Named] | None = None
    label_events: Page[IssueLabelEvent] | None = None
    assignees: Nodes[Account] | None = None


class Collaborator(Wire, frozen=True):
    node: Account
    permission: str = ""


class Collaborators(Wire, frozen=True):
    page_info: PageInfo
    edges: tuple[Collaborator | None, ...] = ()


class CollaboratorsOf(Wire, frozen=True):
    """`collaborators` is `None` where the token may not push to the repository."""

    collaborators: Collaborators | None = None


class WritersData(Wire, frozen=True):
    repository: CollaboratorsOf | None = None


class TeamMembers(Wire, frozen=True):
    combined_slug: str
    members: Page[Account]


class TeamHolder(Wire, frozen=True):
    team: TeamMembers | None = None


class TeamData(Wire, frozen=True):
    organization: TeamHolder | None = None


class GraphQLError(Wire, frozen=True):
    """One entry of an answer's `errors`."""

    message: str = ""
    type: str = ""
    path: tuple[Any, ...] = ()


class RateLimit(Wire, frozen=True):
    cost: int
    limit: int
    remaining: int
    reset_at: datetime


class RateData(Wire, frozen=True):
    rate_limit: RateLimit | None = None


class Envelope(Wire, frozen=True):
    """An answer with its data left as it came."""

    data: msgspec.Raw = msgspec.Raw(b"null")
    errors: tuple[GraphQLError, ...] = ()
    message: str = ""


class Owner(Wire, frozen=True):
    repositories: Page[NameWithOwner]


class OwnerData(Wire, frozen=True):
    repository_owner: Owner | None = None
