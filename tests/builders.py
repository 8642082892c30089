"""Changes, policies and evidence of an invented company, for the tests of the rules.

`make_change()` is a pull request that follows the procedure; a test names only what it varies:

    change = make_change(reviews=[review("pat", at=-30)], events=[force_pushed(at=-10)])

Every time is given in minutes from the merge (`at=-30` is half an hour before it) and may be a
fraction; `clock(at)` is the instant. Commits are known by short names ("head"). People are known
by their logins; `None` is a deleted account.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from changeaudit.asof import as_of_merge
from changeaudit.change import Change, DirectPush, NamedTicket
from changeaudit.policy import Policy
from changeaudit.records import (
    Actor,
    ActorKind,
    AutoMergeEnabled,
    BaseChanged,
    BaseMerge,
    BranchCommit,
    Check,
    CodeOwners,
    Comment,
    Commit,
    Deployed,
    Difference,
    DraftChanged,
    Edit,
    File,
    ForcePushed,
    GitPerson,
    IssueLinked,
    JiraAccount,
    LabelChanged,
    Membership,
    MergeCommit,
    Merged,
    PullRequest,
    QueueChanged,
    Renamed,
    Repository,
    Review,
    ReviewDismissed,
    StateChanged,
    Team,
    Template,
    Ticket,
    TicketChange,
    TicketRef,
    TimelineEvent,
    TreeEntry,
    Unavailable,
)
from changeaudit.verdicts import ChangeClass

MERGED_AT = datetime(2026, 3, 10, 12, 0, 0, tzinfo=UTC)
HOUR = 60
DAY = 24 * HOUR

HEAD = "the head that merged"
"""As the commit of a review or a check: the pull request's head."""

GONE = Unavailable("the source did not answer")

TEMPLATE = """\
<!-- Thank you. Fill in every section. -->
## What and why

<!-- One paragraph. -->

## How it was tested

TODO

## Security checklist

- [ ] No secrets are in the code
- [ ] Input is validated
- [ ] Access checks are in place
"""

BODY = """\
## What and why

Rounds half a cent to even, as the ledger does.

## How it was tested

Unit tests, and a day of invoices replayed in staging.

## Security checklist

- [x] No secrets are in the code
- [x] Input is validated
- [x] Access checks are in place
"""

POLICY: dict[str, dict[str, Any]] = {
    "roles": {
        "peer": {"users": ["pat", "paul"]},
        "security": {"users": ["sam", "sue"]},
        "qa": {"users": ["quinn", "quentin"]},
        "lead": {"users": ["lee", "lou"]},
    },
    "tickets": {"jira_projects": ["PAY"]},
    "security_review": {"paths": ["auth/**"], "labels": ["security"]},
    "qa": {"review": True, "labels": ["qa-approved"], "staging_checks": ["staging"]},
}


def clock(at: float) -> datetime:
    """The instant `at` minutes from the merge, in UTC."""
    return MERGED_AT + timedelta(minutes=at)


def actor(login: str | None = "dana", kind: ActorKind = ActorKind.USER) -> Actor | None:
    """An account with a lasting id of its own; a login that ends in [bot] is a bot's."""
    if login is None:
        return None
    bot = login.endswith("[bot]")
    return Actor(zlib.crc32(login.encode()), login, ActorKind.BOT if bot else kind)


def person(login: str | None = "dana", at: float = -5 * HOUR, *, linked: bool = True) -> GitPerson:
    """A name in a commit; not `linked`, or without a login, it belongs to no account."""
    name = login or "Nobody"
    return GitPerson(name, f"{name}@example.com", clock(at), actor(login) if linked else None)


def commit(
    oid: str = "head",
    by: str | None = "dana",
    *co_authors: str,
    at: float = -5 * HOUR,
    parents: Sequence[str] | Unavailable = (),
    message: str = "Round half a cent to even",
    committer: GitPerson | None = None,
    authors: tuple[GitPerson, ...] | None = None,
    tree: str = "",
    via_web: bool = False,
) -> Commit:
    """A commit; without `parents`, `make_change` puts it after the one listed before it."""
    return Commit(
        oid=oid,
        parents=parents if isinstance(parents, Unavailable) else tuple(parents),
        message=message,
        authors=authors
        if authors is not None
        else (person(by, at), *(person(c, at) for c in co_authors)),
        committer=committer or person(by, at),
        tree=tree or f"tree-{oid}",
        url=f"https://github.com/acme/payments/commit/{oid}",
        via_web=via_web,
    )


def review(
    by: str | None = "pat",
    state: str = "APPROVED",
    at: float | None = -HOUR,
    *,
    commit: str | None = HEAD,
    id: str = "",
    body: str = "",
    can_write: bool | Unavailable = True,
    edited_at: float | None = None,
) -> Review:
    """A review; its `id` is told by who and when unless given."""
    key = id or f"review-{by}-{at}"
    return Review(
        id=key,
        author=actor(by),
        state=state,
        submitted_at=None if at is None else clock(at),
        commit=commit,
        body=body,
        url=f"https://github.com/acme/payments/pull/12#{key}",
        author_can_write=can_write,
        edited_at=None if edited_at is None else clock(edited_at),
    )


def check(
    name: str = "staging",
    conclusion: str = "SUCCESS",
    at: float | None = -90,
    *,
    started: float | None = None,
    created: float | Unavailable | None = None,
    producer: str = "github-actions",
    kind: str = "check_run",
    commit: str = HEAD,
    id: int = 1,
) -> Check:
    """A check that completed `at` (`None`: still running) and started a minute before.

    The server created it (its suite) as it started, unless `created` is given; `GONE` for an
    answer that does not tell.
    """
    begun = started if started is not None else (-91 if at is None else at - 1)
    return Check(
        name=name,
        producer=producer,
        kind=kind,
        conclusion=conclusion,
        started_at=clock(begun),
        completed_at=None if at is None else clock(at),
        id=id,
        url=f"https://github.com/acme/payments/runs/{id}",
        commit=commit,
        created_at=None
        if isinstance(created, Unavailable)
        else clock(begun if created is None else created),
    )


def comment(
    by: str | None = "quinn",
    body: str = "QA signed off",
    at: float = -30,
    *,
    edited_at: float | None = None,
) -> Comment:
    """A comment on the conversation."""
    return Comment(
        author=actor(by),
        body=body,
        at=clock(at),
        url=f"https://github.com/acme/payments/pull/12#comment-{by}-{at}",
        edited_at=None if edited_at is None else clock(edited_at),
    )


def edit(
    text: str | None,
    at: float,
    by: str | None = "dana",
    *,
    deleted_at: float | None = None,
    deleted_by: str | None = None,
) -> Edit:
    """A revision of the description; `None` is one whose text was deleted."""
    gone = None if deleted_at is None else clock(deleted_at)
    return Edit(clock(at), actor(by), text, gone, actor(deleted_by))


def file(path: str = "ledger/rounding.py", change: str = "MODIFIED") -> File:
    """A changed file."""
    return File(path=path, change=change)


def labeled(label: str, by: str | None = "quinn", at: float = -30) -> LabelChanged:
    """A label is put on."""
    return LabelChanged(at=clock(at), actor=actor(by), label=label, added=True)


def unlabeled(label: str, by: str | None = "quinn", at: float = -20) -> LabelChanged:
    """A label is taken off."""
    return LabelChanged(at=clock(at), actor=actor(by), label=label, added=False)


def dismissed(
    what: Review | None, by: str | None = "lee", at: float = -20, was: str = "APPROVED"
) -> ReviewDismissed:
    """A review is dismissed; `make_change` shows it as DISMISSED from then on, as GitHub does."""
    return ReviewDismissed(
        at=clock(at),
        actor=actor(by),
        review=what.id if what else None,
        previous_state=was,
        message="",
    )


def force_pushed(
    by: str | None = "dana",
    at: float = -20,
    before: str | None = "old",
    after: str | None = "head",
    *,
    base: bool = False,
    trees: tuple[str | Unavailable, str | Unavailable] = (GONE, GONE),
) -> ForcePushed:
    """The head, or the base, is rewritten; `trees` are those before and after it."""
    return ForcePushed(clock(at), actor(by), before, after, base, *trees)


def differs(path: str, merge: str, branch: str, base: str, ancestor: str) -> Difference:
    """A path at which the sides of a merge are not alike: "a" a file, "a/" a directory, "" none."""
    sides = [
        TreeEntry(side, "tree" if side.endswith("/") else "blob", 0o100644) if side else None
        for side in (merge, branch, base, ancestor)
    ]
    return Difference(path, *sides)


def base_merge(
    oid: str = "merge",
    *differences: Difference,
    branch: str = "one",
    base: str = "on the base",
    ancestor: str | Unavailable = "base",
    unread: Unavailable | None = None,
) -> BaseMerge:
    """A merge of the base; `unread` is why its trees could not be compared."""
    return BaseMerge(oid, branch, base, ancestor, unread or differences)


def base_changed(before: str, after: str, by: str | None = "dana", at: float = -20) -> BaseChanged:
    """The pull request is aimed at another branch."""
    return BaseChanged(at=clock(at), actor=actor(by), before=before, after=after)


def renamed(before: str, after: str, by: str | None = "dana", at: float = -20) -> Renamed:
    """The title is changed."""
    return Renamed(at=clock(at), actor=actor(by), before=before, after=after)


def drafted(draft: bool, by: str | None = "dana", at: float = -20) -> DraftChanged:
    """It becomes a draft, or ready for review."""
    return DraftChanged(at=clock(at), actor=actor(by), draft=draft)


def closed(by: str | None = "dana", at: float = -20, *, reopened: bool = False) -> StateChanged:
    """It is closed, or reopened."""
    return StateChanged(at=clock(at), actor=actor(by), closed=not reopened)


def queued(
    enqueuer: str | None = "lee",
    at: float = -10,
    *,
    added: bool = True,
    by: str | None = None,
    reason: str = "",
) -> QueueChanged:
    """It enters, or leaves, the merge queue."""
    return QueueChanged(
        at=clock(at),
        actor=actor(by or enqueuer),
        added=added,
        enqueuer=actor(enqueuer),
        reason=reason,
    )


def unqueued(reason: str = "", at: float = 0) -> QueueChanged:
    """It leaves the merge queue, for GitHub's `reason`: "merged", "manual", "failed_checks", …"""
    return queued(at=at, added=False, by="github-merge-queue[bot]", reason=reason)


def auto_merge(by: str | None = "lee", at: float = -10) -> AutoMergeEnabled:
    """Somebody tells the server to merge once it may."""
    return AutoMergeEnabled(at=clock(at), actor=actor(by))


def deployed(
    environment: str = "staging",
    state: str = "SUCCESS",
    by: str | None = "dana",
    at: float = -90,
    *,
    commit: str = "",
    status: str = "",
    status_at: float | None = None,
    status_by: str = "",
) -> Deployed:
    """A deployment from the pull request starts; without `commit`, as an earlier version asked."""
    return Deployed(
        at=clock(at),
        actor=actor(by),
        environment=environment,
        state=state,
        commit=commit,
        status=status,
        status_at=None if status_at is None else clock(status_at),
        status_by=status_by,
    )


def linked(
    issue: str, by: str | None = "dana", at: float = -100, *, added: bool = True
) -> IssueLinked:
    """An issue is connected, or disconnected, by hand."""
    return IssueLinked(at=clock(at), actor=actor(by), added=added, ticket=issue)


def on_jira(name: str, *, id: str = "", login: str = "", email: str = "") -> JiraAccount:
    """An account of Jira, called like somebody on GitHub or not: that tells nothing."""
    return JiraAccount(id or f"712020:{name}", name, login, email)


def moved(
    before: str, after: str, at: float, by: str | JiraAccount | None = "dana"
) -> TicketChange:
    """A ticket goes from one status to another; a login is an account of the ticket's tracker."""
    return altered("status", before, after, at, by)


def altered(
    field: str,
    before: str | Sequence[str],
    after: str | Sequence[str],
    at: float,
    by: str | JiraAccount | None = "dana",
) -> TicketChange:
    """A field of a ticket changes; "" is none, several values are given as such."""
    who = by if isinstance(by, JiraAccount) else actor(by)
    values = [((x,) if x else ()) if isinstance(x, str) else tuple(x) for x in (before, after)]
    return TicketChange(clock(at), who, field, *values)


def ticket(
    key: str = "PAY-7",
    created: float = -7 * DAY,
    *,
    status: str | None = None,
    history: Sequence[TicketChange] | Unavailable = (),
    type: str = "",
    resolution: str = "",
    labels: Sequence[str] = (),
    asked: str = "",
    id: str = "",
    title: str = "Round half a cent to even",
    by: str | None = "dana",
    **facts: Any,
) -> Ticket:
    """A Jira ticket, or for a key with "#" a GitHub issue; `status` follows from `history`."""
    github = "#" in key
    if not github and not isinstance(history, Unavailable):
        history = [
            msgspec.structs.replace(each, actor=on_jira(each.actor.login))
            if isinstance(each.actor, Actor)
            else each
            for each in history
        ]
    if status is None:
        known = () if isinstance(history, Unavailable) else tuple(history)
        first = "open" if github else "To Do"
        moves = sorted((c for c in known if c.field == "status"), key=lambda change: change.at)
        status = moves[-1].after[0] if moves else first
    return Ticket(
        asked=asked or key,
        key=key,
        id=id or f"id-{key}",
        source="github" if github else "jira",
        project=key.rpartition("#" if github else "-")[0],
        type=type or ("Issue" if github else "Story"),
        title=title,
        status=status,
        resolution=resolution,
        created_at=clock(created),
        author=actor(by) if github or by is None else on_jira(by),
        labels=tuple(labels),
        history=history if isinstance(history, Unavailable) else tuple(history),
        url=f"https://github.com/{key.replace('#', '/issues/')}"
        if github
        else f"https://acme.atlassian.net/browse/{key}",
        **facts,
    )


def named(found: Ticket | str = "PAY-7", *places: str) -> NamedTicket:
    """A ticket as the pull request names it; a bare key is one that is not visible.

    A place may name a commit, as in "commits@head".
    """
    key = found if isinstance(found, str) else found.asked
    return NamedTicket(
        key=key,
        named=tuple(
            TicketRef(key, place.partition("@")[0], place.partition("@")[2])
            for place in places or ("title",)
        ),
        found=found
        if isinstance(found, Ticket)
        else Unavailable("the ticket is not visible to the audit account"),
    )


def template(
    text: str = TEMPLATE,
    changed: float | Unavailable = -30 * DAY,
    path: str = ".github/pull_request_template.md",
) -> Template:
    """A pull request template of the repository."""
    at = changed if isinstance(changed, Unavailable) else clock(changed)
    return Template(path=path, text=text, changed_at=at)


def codeowners(
    text: str | Unavailable | None,
    changed: float | Unavailable = -30 * DAY,
    path: str = ".github/CODEOWNERS",
) -> CodeOwners:
    """The file that says who owns what; `None` is one that was removed."""
    at = changed if isinstance(changed, Unavailable) else clock(changed)
    return CodeOwners(path=path, text=text, changed_at=at)


def team(name: str, *members: str, earlier: Sequence[Membership] = ()) -> Team:
    """A team with its members, as they were a day after the merge."""
    return Team(
        name=name,
        members=tuple(a for a in map(actor, members) if a is not None),
        collected_at=clock(DAY),
        earlier=tuple(earlier),
    )


def snapshot(at: float, *members: str | Actor, unread: str = "") -> Membership:
    """Who was in a team; or why that could not be read."""
    people = (m if isinstance(m, Actor) else actor(m) for m in members)
    if unread:
        return Membership(clock(at), Unavailable(unread))
    return Membership(clock(at), tuple(person for person in people if person))


def make_repository(**overrides: Any) -> Repository:
    """The repository acme/payments, with one template."""
    facts: dict[str, Any] = {
        "host": "github.com",
        "name": "acme/payments",
        "id": 77,
        "url": "https://github.com/acme/payments",
        "default_branch": "main",
        "templates": (template(),),
        "collected_at": clock(DAY),
    }
    return Repository(**{**facts, **_frozen(overrides)})


def make_policy(**parts: Mapping[str, Any] | Any) -> Policy:
    """The company's policy; a part given as a mapping is laid over the company's own part."""
    merged: dict[str, Any] = dict(POLICY)
    for name, part in parts.items():
        merged[name] = {**POLICY.get(name, {}), **part} if isinstance(part, Mapping) else part
    return Policy.model_validate(merged)


def make_pull(
    *, events: Iterable[TimelineEvent] = (), merged_by: str | None = "lee", **overrides: Any
) -> PullRequest:
    """A merged pull request that follows the procedure's steps 1 to 3.

    `overrides` are fields of `PullRequest`; lists become tuples, a login becomes an account.
    `events` come before the merge's own event on the timeline. What is not given follows from
    what is, as on GitHub: the head from the commits, today's labels and dismissed reviews from
    the events, today's body and the time of its last edit from the edits.
    """
    given = _frozen(overrides)
    if "author" in given and (given["author"] is None or isinstance(given["author"], str)):
        given["author"] = actor(given["author"])
    happened = tuple(events)
    merge = Merged(
        at=MERGED_AT,
        actor=actor(merged_by),
        commit="merge",
        branch=given.get("base_ref", "main"),
    )
    commits = given.get("commits", (commit(),))
    if not isinstance(commits, Unavailable):
        commits = _chained(commits)
    head = given.get("head_oid") or (
        commits[-1].oid if not isinstance(commits, Unavailable) and commits else "head"
    )
    edits = given.get("edits", ())
    newest = (
        max(edits, key=lambda e: e.at) if edits and not isinstance(edits, Unavailable) else None
    )
    body = (newest.text or "") if newest else BODY
    files = given.get("files", (file(),))
    facts: dict[str, Any] = {
        "repository": "acme/payments",
        "number": 12,
        "id": "PR_12",
        "url": "https://github.com/acme/payments/pull/12",
        "title": "PAY-7 Round half a cent to even",
        "body": body,
        "author": actor("dana"),
        "created_at": clock(-4 * HOUR),
        "merged_at": MERGED_AT,
        "updated_at": clock(1),
        "merged_by": actor(merged_by),
        "merge_commit": MergeCommit(
            "merge", ("base", head), "https://github.com/acme/payments/commit/merge"
        ),
        "base_ref": "main",
        "head_ref": "feature/rounding",
        "head_repository": "acme/payments",
        "from_fork": False,
        "draft": False,
        "labels": _labels_today(happened),
        "edited_at": newest.at if newest else None,
        "files": files,
        "changed_files": 1 if isinstance(files, Unavailable) else len(files),
        "comments": (),
        "timeline": (*happened, merge),
        "closing_issues": (),
        "collected_at": clock(DAY),
        "evidence": ("sha256:0",),
        **given,
        "head_oid": head,
        "commits": commits,
        "edits": edits,
        "reviews": _reviews_today(given.get("reviews", (review(),)), happened, head),
        "checks": _at_head(given.get("checks", (check(),)), head),
        "merge_commit_checks": given.get("merge_commit_checks", GONE),
    }
    return PullRequest(**facts)


CHANGE_FIELDS = frozenset(Change.__struct_fields__) - {"pull", "at_merge"}


def make_change(**overrides: Any) -> Change:
    """A change that follows the procedure's steps 1 to 3; see `make_pull` for what may be given.

    Fields of `Change` may be given as well: tickets, class_, teams, production, unread_places,
    reached, repository, and `at_merge` as a mapping of its fields to put in place.
    """
    outer = {name: overrides.pop(name) for name in tuple(overrides) if name in CHANGE_FIELDS}
    asof = overrides.pop("at_merge", {})
    if isinstance(outer.get("repository"), str):
        outer["repository"] = make_repository(name=outer["repository"])
    repository = outer.get("repository") or make_repository()
    pull = make_pull(**{"repository": repository.name, **overrides})
    facts: dict[str, Any] = {
        "repository": repository,
        "class_": ChangeClass.STANDARD,
        "class_reason": "no other class applies",
        "tickets": (named(ticket()),),
        "unread_places": (),
        "production": ("main",),
        "reached": "its base main is a production branch",
        "teams": (),
        **_frozen(outer),
    }
    at_merge = msgspec.structs.replace(as_of_merge(pull), **_frozen(asof))
    return Change(pull=pull, at_merge=at_merge, **facts)


def fully_approved(**overrides: Any) -> Change:
    """A change that follows all six steps: peer, QA and lead approved, in that order."""
    reviews = [review("pat", at=-120), review("quinn", at=-80), review("lee", at=-20)]
    return make_change(**{"reviews": reviews, **overrides})


def branch_commit(
    oid: str = "pushed",
    by: str | None = "dana",
    at: float = -5,
    *,
    parents: Sequence[str] = ("base",),
    message: str = "Hotfix straight to main",
    pull_requests: Sequence[int] = (),
    branch: str = "main",
) -> BranchCommit:
    """A commit on the first-parent line of a production branch."""
    return BranchCommit(
        repository="acme/payments",
        branch=branch,
        oid=oid,
        parents=tuple(parents),
        message=message,
        authors=(person(by, at),),
        committer=person(by, at),
        pull_requests=tuple(pull_requests),
        url=f"https://github.com/acme/payments/commit/{oid}",
    )


def make_direct_push(*commits: BranchCommit, **overrides: Any) -> DirectPush:
    """A push to main without a pull request."""
    facts: dict[str, Any] = {
        "repository": make_repository(),
        "branch": "main",
        "commits": commits or (branch_commit(),),
        "not_before": clock(-DAY),
        "not_after": clock(DAY),
    }
    return DirectPush(**{**facts, **_frozen(overrides)})


def _frozen(given: Mapping[str, Any]) -> dict[str, Any]:
    """Lists become tuples; for fields named …_at, minutes become instants."""
    frozen: dict[str, Any] = {}
    for name, value in given.items():
        if isinstance(value, list):
            value = tuple(value)
        elif name.endswith("_at") and isinstance(value, int | float):
            value = clock(value)
        frozen[name] = value
    return frozen


def _chained(commits: Iterable[Commit]) -> tuple[Commit, ...]:
    chained: list[Commit] = []
    parent = "base"
    for each in commits:
        chained.append(each if each.parents else msgspec.structs.replace(each, parents=(parent,)))
        parent = each.oid
    return tuple(chained)


def _labels_today(events: Sequence[TimelineEvent]) -> tuple[str, ...]:
    labels: dict[str, None] = {}
    for event in sorted(events, key=lambda event: event.at):
        if isinstance(event, LabelChanged):
            if event.added:
                labels[event.label] = None
            else:
                labels.pop(event.label, None)
    return tuple(labels)


def _reviews_today(
    reviews: tuple[Review, ...] | Unavailable, events: Sequence[TimelineEvent], head: str
) -> tuple[Review, ...] | Unavailable:
    if isinstance(reviews, Unavailable):
        return reviews
    gone = {event.review for event in events if isinstance(event, ReviewDismissed)}
    return tuple(
        msgspec.structs.replace(
            each,
            commit=head if each.commit == HEAD else each.commit,
            state="DISMISSED" if each.id in gone else each.state,
        )
        for each in reviews
    )


def _at_head(checks: tuple[Check, ...] | Unavailable, head: str) -> tuple[Check, ...] | Unavailable:
    if isinstance(checks, Unavailable):
        return checks
    return tuple(
        msgspec.structs.replace(each, commit=head) if each.commit == HEAD else each
        for each in checks
    )
