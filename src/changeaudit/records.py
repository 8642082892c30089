"""Facts as they were collected, typed and frozen.

A record says what a source answered and judges nothing. Every instant is an aware `datetime` in
UTC with the source's own resolution of one second. Tuples keep the order in which the source
listed things; an empty tuple means "asked, and there were none". What could not be read is
`Unavailable`, with the reason; it is never `None` and never an empty tuple. `None` stands only
where the source's own answer is "nobody" or "not yet": a deleted account, a check still running.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class Record(msgspec.Struct, frozen=True, gc=False):
    """The base of every record: immutable, compared by value."""


class Unavailable(Record, frozen=True, tag=True):
    """A fact that could not be read, and why.

    `reason` completes the sentence "could not be read: …". `permission` names the access that
    the account lacks, where that is the cause.
    """

    reason: str
    permission: str = ""


class ActorKind(StrEnum):
    """GitHub's own kinds of account."""

    USER = "User"
    BOT = "Bot"
    MANNEQUIN = "Mannequin"
    ORGANIZATION = "Organization"
    ENTERPRISE_USER = "EnterpriseUserAccount"


class Actor(Record, frozen=True):
    """An account that acted. A deleted account is `None` wherever an actor is expected.

    `id` is the immutable number of the account (0 where the source gives none); `login` is the
    name as seen when the evidence was collected and may have changed since.
    """

    id: int
    login: str
    kind: ActorKind = ActorKind.USER


class JiraAccount(Record, frozen=True):
    """An account of a Jira site. It is no `Actor`: it shares neither ids nor logins with GitHub.

    `id` is the site's own lasting id of it (Cloud: `accountId`, Data Center: `key`), `login` the
    user name of Data Center ("" on Cloud), `name` what the person chose to be called, which tells
    nothing of who it is, and `email` the address ("" where the site does not show it).
    """

    id: str
    name: str
    login: str = ""
    email: str = ""


class Edit(Record, frozen=True):
    """One revision of a text. `text` is the whole text after it; `None` when it was deleted."""

    at: datetime
    editor: Actor | None
    text: str | None
    deleted_at: datetime | None = None
    deleted_by: Actor | None = None


class Review(Record, frozen=True):
    """A review as the source shows it today; see `asof` for its state at the merge.

    `commit` is the oid of the reviewed head, `None` when the source no longer knows it.
    `author_can_write` is today's answer to "may the reviewer push to the repository".
    """

    id: str
    author: Actor | None
    state: str
    submitted_at: datetime | None
    commit: str | None
    body: str
    url: str
    author_can_write: bool | Unavailable
    edited_at: datetime | None = None


class GitPerson(Record, frozen=True):
    """A name in a commit, and the account that the source links to it (`None`: no account).

    The name, the address and the date were written by whoever made the commit and prove nothing.
    """

    name: str
    email: str
    at: datetime | None
    account: Actor | None


WEB_FLOW = "noreply@github.com"
"""The address of GitHub itself, under which it commits for whoever pressed a button."""


class Commit(Record, frozen=True):
    """A commit of a pull request. `authors` starts with the author, then the co-authors."""

    oid: str
    parents: tuple[str, ...] | Unavailable
    message: str
    authors: tuple[GitPerson, ...]
    committer: GitPerson
    tree: str
    url: str
    via_web: bool = False

    @property
    def committed_by_github(self) -> bool:
        """Whether its committer is GitHub itself, so that who committed it is its author."""
        own = self.committer.email.casefold() == WEB_FLOW
        return own or (self.via_web and self.committer.account is None)


class File(Record, frozen=True):
    """A file that the pull request changes."""

    path: str
    change: str


class Check(Record, frozen=True):
    """A check run or a commit status on one commit.

    `producer` is the slug of a check run's app or the login behind a status. `completed_at` is
    `None` while it runs; a status is complete when it is created. `conclusion` is upper case.

    `started_at` and `completed_at` of a check run are what its app says (GitHub's REST API takes
    both from it). `created_at` is the server's own: when the suite of the run was created, or the
    status; `None` where it was not asked for.
    """

    name: str
    producer: str
    kind: str
    conclusion: str
    started_at: datetime | None
    completed_at: datetime | None
    id: int
    url: str
    commit: str
    created_at: datetime | None = None

    @property
    def done_at(self) -> datetime | None:
        """When it completed, as its app says, but never before the server knew of its suite."""
        if self.completed_at is None or self.created_at is None:
            return self.completed_at
        return max(self.completed_at, self.created_at)


class Comment(Record, frozen=True):
    """A comment on the conversation. `edited_at` is its newest edit, `None` if never edited."""

    author: Actor | None
    body: str
    at: datetime
    url: str
    edited_at: datetime | None = None


class Event(Record, frozen=True):
    """Something on the timeline that the server recorded; `actor` did it."""

    at: datetime
    actor: Actor | None


class LabelChanged(Event, frozen=True, tag=True):
    """A label was put on (`added`) or taken off."""

    label: str
    added: bool


class ReviewDismissed(Event, frozen=True, tag=True):
    """A review was dismissed; `previous_state` is what it was. `review` is `None` if it is gone."""

    review: str | None
    previous_state: str
    message: str


class ForcePushed(Event, frozen=True, tag=True):
    """The head (or, with `base`, the base) was rewritten. An oid is `None` once it is gone.

    The trees are those of the two commits: equal trees are the same content.
    """

    before: str | None
    after: str | None
    base: bool = False
    before_tree: str | Unavailable = Unavailable("its tree was not asked for")
    after_tree: str | Unavailable = Unavailable("its tree was not asked for")


class BaseChanged(Event, frozen=True, tag=True):
    """The pull request was aimed at another branch."""

    before: str
    after: str


class Renamed(Event, frozen=True, tag=True):
    """The title was changed."""

    before: str
    after: str


class DraftChanged(Event, frozen=True, tag=True):
    """It became a draft, or ready for review."""

    draft: bool


class Merged(Event, frozen=True, tag=True):
    """The merge: the commit that it left on `branch`."""

    commit: str | None
    branch: str


class StateChanged(Event, frozen=True, tag=True):
    """Closed or reopened."""

    closed: bool


LEFT_BY_MERGING = ("merged", "merge")
"""Why the merge queue lets go of what it merged, as GitHub's timeline and its webhook say it."""


class QueueChanged(Event, frozen=True, tag=True):
    """It entered or left the merge queue. `enqueuer` is who put it there, where that is told.

    `reason` is why it left ("merged", "failed_checks", "manual", …), "" where that is not told.
    """

    added: bool
    enqueuer: Actor | None = None
    reason: str = ""


class AutoMergeEnabled(Event, frozen=True, tag=True):
    """Somebody told the server to merge once its conditions hold."""


class Deployed(Event, frozen=True, tag=True):
    """A deployment to `environment` was started from the pull request.

    `commit` is the oid that was deployed, "" where it was not asked for. `status` is the newest
    of the deployment's statuses, in capitals ("SUCCESS"), `status_at` when it was set, by the
    server's clock, and `status_by` the login that set it; all empty where there is none.
    """

    environment: str
    state: str
    commit: str = ""
    status: str = ""
    status_at: datetime | None = None
    status_by: str = ""


class IssueLinked(Event, frozen=True, tag=True):
    """An issue was connected or disconnected by hand."""

    added: bool
    ticket: str


TimelineEvent = (
    LabelChanged
    | ReviewDismissed
    | ForcePushed
    | BaseChanged
    | Renamed
    | DraftChanged
    | Merged
    | StateChanged
    | QueueChanged
    | AutoMergeEnabled
    | Deployed
    | IssueLinked
)


class TicketRef(Record, frozen=True):
    """A ticket that a pull request names: `key` as written ("PAY-12", "acme/pay#7") and where.

    `place` is one of title, branch, body, commits, closing_reference; `commit` is the oid of the
    first commit whose message names it, where that is the place.
    """

    key: str
    place: str
    commit: str = ""


class TicketChange(Record, frozen=True):
    """A field of a ticket changed: status, type, labels, components, resolution, key or parent.

    `before` and `after` are the field's values, none where it was empty: one of a field that holds
    one, the whole set of labels and components. A status that was renamed since is given by the
    names that it bore: the one of then first, today's after it. For a GitHub issue the statuses
    are "open" and "closed". `actor` is of the ticket's own tracker: an `Actor` in GitHub alone.
    """

    at: datetime
    actor: Actor | JiraAccount | None
    field: str
    before: tuple[str, ...]
    after: tuple[str, ...]


class TicketComment(Record, frozen=True):
    """A comment on a ticket; `edited_at` is its newest edit, `None` if it was never edited."""

    author: Actor | JiraAccount | None
    body: str
    at: datetime
    url: str
    edited_at: datetime | None = None


class TicketLink(Record, frozen=True):
    """A link from one ticket to another: how it is told ("is blocked by"), and to which key."""

    how: str
    key: str


class Ticket(Record, frozen=True):
    """A ticket as today's tracker shows it, with its history.

    `asked` is the key that was looked up, `key` the one that answered (they differ when a ticket
    was moved), `id` the lasting one. `source` is the tracker ("github.com", "acme.atlassian.net").
    Type, status, resolution, labels, components, parent (a key, "" if it has none) and the name of
    the security level are today's; `history` holds all their changes, oldest first, and is
    `Unavailable` where one may be missing. `author` reported it; both accounts are of the ticket's
    own tracker: `Actor`s in GitHub alone. `evidence` are the digests of the answers it stands in.
    `gaps` are the fields of which alone the history may lack changes, each with why.
    """

    asked: str
    key: str
    id: str
    source: str
    project: str
    type: str
    title: str
    status: str
    resolution: str
    created_at: datetime
    author: Actor | JiraAccount | None
    labels: tuple[str, ...]
    history: tuple[TicketChange, ...] | Unavailable
    url: str
    assignee: Actor | JiraAccount | None = None
    components: tuple[str, ...] = ()
    parent: str = ""
    security: str = ""
    links: tuple[TicketLink, ...] = ()
    comments: tuple[TicketComment, ...] | Unavailable = Unavailable("they were not asked for")
    evidence: tuple[str, ...] = ()
    gaps: dict[str, Unavailable] = {}


class Template(Record, frozen=True):
    """A pull request template. `changed_at` is when its file last changed on the default branch."""

    path: str
    text: str
    changed_at: datetime | Unavailable


class CodeOwners(Record, frozen=True):
    """The CODEOWNERS file that counts on the default branch: the first that exists at `path`.

    `text` is `None` where there is none any more: the last of them was removed from `path`. Since
    `changed_at` no file at a place that GitHub looks into first, nor itself, has changed.
    """

    path: str
    text: str | Unavailable | None
    changed_at: datetime | Unavailable


class Repository(Record, frozen=True):
    """A repository as it stood when it was collected at `collected_at`.

    `codeowners` is `None` where the default branch never had such a file.
    """

    host: str
    name: str
    id: int
    url: str
    default_branch: str
    templates: tuple[Template, ...] | Unavailable
    collected_at: datetime
    codeowners: CodeOwners | Unavailable | None = Unavailable("the file was not asked for")


class MergeCommit(Record, frozen=True, tag=True):
    """The commit that a merge left on the base branch.

    `by_github` tells whether GitHub made it, by its signature, or by a committer that is somebody
    else. `Unavailable` where neither is there: who is named in a commit proves nothing.
    """

    oid: str
    parents: tuple[str, ...]
    url: str
    committer: GitPerson | None = None
    by_github: bool | Unavailable = Unavailable("who made it was not asked for")


class TreeEntry(Record, frozen=True):
    """What stands under a path in a git tree: its object, that one's type, and its mode."""

    oid: str
    type: str
    mode: int


class Difference(Record, frozen=True):
    """A path at which the sides of a merge are not all alike; `None` where a side has nothing.

    A path that holds a directory stands for all that is beneath it.
    """

    path: str
    merge: TreeEntry | None
    branch: TreeEntry | None
    base: TreeEntry | None
    ancestor: TreeEntry | None


class BaseMerge(Record, frozen=True):
    """A merge of the base into a branch, and every path at which its sides are not all alike.

    `branch` and `base` are its parents, `ancestor` the commit that they last had in common.
    """

    oid: str
    branch: str
    base: str
    ancestor: str | Unavailable
    differences: tuple[Difference, ...] | Unavailable


class Descent(Record, frozen=True):
    """A commit, and another one that its history was seen to hold."""

    later: str
    earlier: str


class PullRequest(Record, frozen=True):
    """A merged pull request as it stands today; `asof.as_of_merge` takes it back to its merge.

    `head_repository` is `None` when the fork is gone. `changed_files` is the source's own count,
    which the list of files is held against. `collected_at` is when the answer arrived, and
    `evidence` the digests of the stored answers that it was read from. `checks` are those of the
    head; `merge_commit_checks` are asked for only where it may have been in the merge queue when
    it merged. `base_merges` are the merges of the base at the head, newest first, with nothing but
    merges between; their trees are asked for only where an approval is of an earlier commit.
    `descents` tell what commits built on that were force-pushed away with their content kept.
    `hand_merge` is the merge into the base, where GitHub did not make it and its trees were asked
    for.
    """

    repository: str
    number: int
    id: str
    url: str
    title: str
    body: str
    author: Actor | None
    created_at: datetime
    merged_at: datetime
    updated_at: datetime
    merged_by: Actor | None
    merge_commit: MergeCommit | Unavailable | None
    base_ref: str
    head_ref: str
    head_oid: str
    head_repository: str | None
    from_fork: bool
    draft: bool
    labels: tuple[str, ...] | Unavailable
    edits: tuple[Edit, ...] | Unavailable
    edited_at: datetime | None
    commits: tuple[Commit, ...] | Unavailable
    files: tuple[File, ...] | Unavailable
    changed_files: int
    reviews: tuple[Review, ...] | Unavailable
    comments: tuple[Comment, ...] | Unavailable
    timeline: tuple[TimelineEvent, ...] | Unavailable
    checks: tuple[Check, ...] | Unavailable
    merge_commit_checks: tuple[Check, ...] | Unavailable
    closing_issues: tuple[str, ...] | Unavailable
    collected_at: datetime
    evidence: tuple[str, ...]
    base_merges: tuple[BaseMerge, ...] = ()
    descents: tuple[Descent, ...] = ()
    hand_merge: BaseMerge | None = None


class BranchCommit(Record, frozen=True):
    """A commit on the first-parent line of a production branch.

    `pull_requests` are the numbers that the source associates with it, `evidence` the digest of the
    stored answer that it was read from.
    """

    repository: str
    branch: str
    oid: str
    parents: tuple[str, ...]
    message: str
    authors: tuple[GitPerson, ...]
    committer: GitPerson
    pull_requests: tuple[int, ...]
    url: str
    evidence: str = ""


class Stretch(Record, frozen=True):
    """A part of a branch's first-parent line that was followed, from `top` down to `bottom`.

    It was collected for merges in [`since`, `until`). `bottom` is `None` where it was followed to
    the root. `open_ends` are the commits at which following it was given up.
    """

    since: datetime
    until: datetime
    top: str
    bottom: str | None
    open_ends: tuple[str, ...]


class ActivityKind(StrEnum):
    """The kinds of activity on a branch that are collected, as GitHub names them."""

    PUSH = "push"
    FORCE_PUSH = "force_push"
    CREATION = "branch_creation"
    DELETION = "branch_deletion"


class Activity(Record, frozen=True):
    """The branch was moved from `before` to `after` by hand, as the server saw it at `at`.

    Before a branch was made, and after it was deleted, there is the oid of zeros.
    """

    id: int
    kind: ActivityKind
    before: str
    after: str
    at: datetime
    actor: Actor | None
    evidence: str = ""


class RuleBypass(Record, frozen=True):
    """A push or a merge that left `after` on the branch against its rules, by who may."""

    id: int
    after: str
    at: datetime
    actor: str
    evidence: str = ""


class BranchActivity(Record, frozen=True):
    """Who moved a branch by hand, and whether against its rules, as far as the source remembers.

    `ends` tell when it was made and when it was deleted. `missing`, `bypasses_missing` and
    `ends_missing` are the parts of the period, as (since, until), of which it is not known: the
    source looks back for a limited time.
    """

    moves: tuple[Activity, ...] | Unavailable
    missing: tuple[tuple[datetime, datetime], ...]
    bypasses: tuple[RuleBypass, ...] | Unavailable
    bypasses_missing: tuple[tuple[datetime, datetime], ...]
    ends: tuple[Activity, ...] | Unavailable = Unavailable("it was not asked for")
    ends_missing: tuple[tuple[datetime, datetime], ...] = ()


NO_ACTIVITY = BranchActivity(
    Unavailable("it was not asked for"), (), Unavailable("it was not asked for"), ()
)


class BranchLine(Record, frozen=True):
    """What was collected of a production branch's first-parent line.

    `commits` are those that no pull request names as its merge commit, by oid. `missing` are the
    parts of the period, as (since, until), for which the line was not collected. `read_from` says
    what the history was read from, and `notes` why a stretch broke off, where that is known.
    """

    branch: str
    stretches: tuple[Stretch, ...]
    commits: dict[str, BranchCommit]
    missing: tuple[tuple[datetime, datetime], ...]
    activity: BranchActivity = NO_ACTIVITY
    read_from: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Membership(Record, frozen=True):
    """Who was in a team at the instant `at`: a snapshot."""

    at: datetime
    members: tuple[Actor, ...] | Unavailable


class Team(Record, frozen=True):
    """A team's members as they were at `collected_at`, and `earlier`, the oldest first."""

    name: str
    members: tuple[Actor, ...] | Unavailable
    collected_at: datetime
    earlier: tuple[Membership, ...] = ()

    @property
    def history(self) -> tuple[Membership, ...]:
        """Every snapshot that was taken, the oldest first."""
        return (*self.earlier, Membership(self.collected_at, self.members))
