"""The population: which changes are in scope, of which class, and how complete that is. Pure.

Two enumerations are tied out: the merged pull requests, and what reached the production branches
by their first-parent lines. Nothing is dropped: what is out of scope is listed with the rule that
put it there, and what is in one enumeration alone is counted and named.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import datetime

from changeaudit.asof import AtMerge, as_of_merge
from changeaudit.change import Change, DirectPush, NamedTicket
from changeaudit.first_parent import base_of, walk
from changeaudit.globs import first_match
from changeaudit.people import is_named, name_of
from changeaudit.policy import Policy
from changeaudit.reconciliation import Enumerations, direct_pushes
from changeaudit.records import (
    Actor,
    BranchLine,
    ForcePushed,
    PullRequest,
    Record,
    Repository,
    Team,
    Ticket,
    TicketRef,
    Unavailable,
)
from changeaudit.ticket_refs import named_tickets
from changeaudit.verdicts import ChangeClass, Excluded, RepositorySummary

REVERT_TITLE = re.compile(r"revert\b", re.I)
REVERT_BODY = re.compile(r"^\s*(?:This )?reverts (?:commit |[\w.-]+/[\w.-]+#\d|#\d)", re.I | re.M)


class Population(Record, frozen=True):
    """One repository's changes, what is out of scope, and how the two enumerations tie out."""

    changes: tuple[Change, ...]
    pushes: tuple[DirectPush, ...]
    excluded: tuple[Excluded, ...]
    summary: RepositorySummary


def ticket_names(
    repository: Repository, pull: PullRequest, at_merge: AtMerge, policy: Policy
) -> tuple[TicketRef, ...]:
    """The tickets that a pull request named when it merged, by the overrides that apply to it.

    Where it is in doubt which do, they are looked for wherever one of these may look.
    """
    messages: tuple[str, ...] | Unavailable = (
        pull.commits
        if isinstance(pull.commits, Unavailable)
        else tuple(commit.message for commit in pull.commits)
    )
    return named_tickets(
        at_merge.title,
        pull.head_ref,
        at_merge.body,
        messages,
        at_merge.closing_issues,
        repository,
        policy.for_pull(pull).tickets,
    )


def production_branches(
    repository: Repository, bases: Iterable[str], policy: Policy
) -> tuple[str, ...]:
    """Which of the branches in `bases`, and the default branch, the policy calls production.

    The default branch is among them even if nothing merged into it: commits may have been pushed.
    """
    patterns = [pattern for pattern in policy.scope.branches if pattern != "default"]
    found = [repository.default_branch] if "default" in policy.scope.branches else []
    found += [
        name
        for name in (repository.default_branch, *bases)
        if first_match(name, patterns) is not None
    ]
    return tuple(dict.fromkeys(name for name in found if name))


def build(
    repository: Repository,
    pulls: Sequence[PullRequest],
    lines: Sequence[BranchLine],
    tickets: Mapping[str, Ticket | Unavailable],
    teams: Sequence[Team],
    policy: Policy,
    since: datetime,
    until: datetime,
) -> Population:
    """Sort the merged pull requests of [since, until) into scope, and tie them to the branches.

    Args:
        repository: the repository's facts.
        pulls: every pull request that merged in the period.
        lines: the first-parent line of each production branch.
        tickets: what the trackers answered, by key in lower case.
        teams: the members of the teams that the policy names.
        policy: what is in scope, and what makes a change an emergency or automated.
        since: the start of the period, included (UTC).
        until: its end, not included (UTC).
    """
    views = {pull.number: as_of_merge(pull) for pull in pulls}
    bases = [b for view in views.values() if isinstance(b := view.base, str)]
    production = production_branches(repository, [*bases, *(x.branch for x in lines)], policy)
    walks = {line.branch: walk(line, pulls, views) for line in lines}
    on_lines: dict[int, list[str]] = {}
    for branch, walked in walks.items():
        for number in walked.brought:
            on_lines.setdefault(number, []).append(branch)
    changes: list[Change] = []
    excluded: list[Excluded] = []
    for pull in sorted(pulls, key=lambda p: (p.merged_at, p.number)):
        view = views[pull.number]
        lines_of = on_lines.get(pull.number, ())
        reached = _reached(view, production, lines_of)
        rule = _exclusion(repository, pull, view, policy, production, lines_of, reached)
        if rule:
            excluded.append(_excluded(pull, view, *rule))
            continue
        names = ticket_names(repository, pull, view, policy)
        linked = _linked(names, tickets)
        change_class, reason = _class(pull, view, linked, policy)
        changes.append(
            Change(
                repository=repository,
                pull=pull,
                at_merge=view,
                class_=change_class,
                class_reason=reason,
                tickets=linked,
                unread_places=_unread(pull, view, policy),
                production=production,
                reached=reached,
                teams=tuple(teams),
            )
        )
    pushes = direct_pushes(repository, lines, walks, since, until)
    earlier = _earlier(repository, changes, on_lines) - {x.branch for x in lines if x.stretches}
    tied = Enumerations(
        repository, production, frozenset(earlier), lines, walks, pulls, views, pushes, since, until
    )
    summary = tied.summary([change.pull.number for change in changes], len(excluded))
    return Population(tuple(changes), pushes, tuple(excluded), summary)


def _reached(view: AtMerge, production: tuple[str, ...], lines_of: Sequence[str]) -> str:
    """How a pull request is known to have reached production; "" if it did not."""
    if isinstance(view.base, Unavailable) or view.base in production:
        return f"its base {view.base}" if isinstance(view.base, str) else "its base, unread"
    return f"the first-parent line of {lines_of[-1]}" if lines_of else ""


def _exclusion(
    repository: Repository,
    pull: PullRequest,
    view: AtMerge,
    policy: Policy,
    production: tuple[str, ...],
    lines_of: Sequence[str],
    reached: str,
) -> tuple[str, str] | None:
    """The rule that puts a pull request out of scope, and why; `None` if it is in scope.

    A rule of branches leaves in scope what is on the line of another production branch as well:
    what merged into a branch that nobody audits may have been pushed on.
    """
    base = view.base
    if not reached:
        named = ", ".join(production) or "none"
        return "not a production branch", f"it merged into {base}; production: {named}"
    for rule in policy.scope.exclude:
        why: list[str] = []
        if rule.repositories:
            pattern = first_match(repository.name, rule.repositories)
            if pattern is None:
                continue
            why.append(f"the repository matches {pattern}")
        if rule.branches:
            if isinstance(base, Unavailable):
                continue  # what could not be read excludes nothing
            pattern = first_match(base, rule.branches)
            if pattern is None or any(first_match(x, rule.branches) is None for x in lines_of):
                continue
            why.append(f"its base {base} matches {pattern}")
        if rule.paths:
            files = pull.files
            if isinstance(files, Unavailable) or not files or len(files) < pull.changed_files:
                continue  # nor do paths that were not all seen
            if any(file.change == "RENAMED" for file in files):
                continue  # GitHub shows the new path alone
            if any(first_match(file.path, rule.paths) is None for file in files):
                continue
            only = f"all of its {len(files)} changed files match"
            if len(files) == 1:
                only = "its one changed file matches"
            why.append(f"{only} {', '.join(rule.paths)}")
        return rule.name, "; ".join(why)
    return None


def _excluded(pull: PullRequest, view: AtMerge, rule: str, reason: str) -> Excluded:
    return Excluded(
        id=f"{pull.repository}#{pull.number}",
        title=view.title if isinstance(view.title, str) else pull.title,
        url=pull.url,
        merged_at=pull.merged_at,
        base=base_of(pull, view),
        rule=rule,
        reason=reason,
    )


def _linked(
    names: Sequence[TicketRef], tickets: Mapping[str, Ticket | Unavailable]
) -> tuple[NamedTicket, ...]:
    by_key: dict[str, list[TicketRef]] = {}
    for ref in names:
        by_key.setdefault(ref.key.casefold(), []).append(ref)
    unasked = Unavailable("its tracker was not asked")
    return tuple(
        NamedTicket(refs[0].key, tuple(refs), tickets.get(key, unasked))
        for key, refs in by_key.items()
    )


def _unread(pull: PullRequest, view: AtMerge, policy: Policy) -> tuple[str, ...]:
    """The places that may name a ticket and could not be read, each with why."""
    places: dict[str, object] = {
        "title": view.title,
        "body": view.body,
        "commits": pull.commits,
        "closing_reference": view.closing_issues,
    }
    looked_in = policy.for_pull(pull).tickets.places
    return tuple(
        f"{name}: {found.reason}"
        for name, found in places.items()
        if name in looked_in and isinstance(found, Unavailable)
    )


def _class(
    pull: PullRequest, view: AtMerge, tickets: Sequence[NamedTicket], policy: Policy
) -> tuple[ChangeClass, str]:
    """The class of a change, and what shows it."""
    emergency = policy.classes.emergency
    wanted = {name.casefold() for name in emergency.labels}
    unknown = ""
    if wanted and isinstance(view.labels, Unavailable):
        unknown = f"; which labels it had could not be read: {view.labels.reason}"
    for label in () if isinstance(view.labels, Unavailable) else view.labels:
        if label.name.casefold() not in wanted:
            continue
        if not isinstance(label.at, Unavailable):
            return ChangeClass.EMERGENCY, f"label {label.name}"
        unknown = f"; of the label {label.name}: {label.at.reason}"
    pattern = first_match(pull.head_ref, emergency.branches)
    if pattern is not None:
        return ChangeClass.EMERGENCY, f"branch {pull.head_ref} matches {pattern}"
    types = {name.casefold() for name in emergency.ticket_types}
    for ticket in tickets:
        if isinstance(ticket.found, Ticket) and ticket.found.type.casefold() in types:
            return ChangeClass.EMERGENCY, f"ticket {ticket.key} is of type {ticket.found.type}"
    hidden = [ticket.key for ticket in tickets if isinstance(ticket.found, Unavailable)]
    if types and hidden:
        unknown += f"; of which type ticket {hidden[0]} is could not be read"
    bots = policy.classes.automated.authors
    if pull.author and any(is_named(pull.author, login) for login in bots):
        other = _by_another(pull, bots)
        if not other:
            return ChangeClass.AUTOMATED, f"opened by {pull.author.login}"
        unknown = f"; opened by {pull.author.login}, but {other}{unknown}"
    title = view.title if isinstance(view.title, str) else ""
    body = view.body if isinstance(view.body, str) else ""
    if REVERT_TITLE.match(title) and (
        REVERT_BODY.search(body[:100_000]) or pull.head_ref.startswith("revert-")
    ):
        return (
            ChangeClass.REVERT,
            f"its title and description say that it reverts a change{unknown}",
        )
    return ChangeClass.STANDARD, f"none of the other classes applies{unknown}"


def _by_another(pull: PullRequest, bots: Sequence[str]) -> str:
    """What of a bot's pull request may be somebody else's work; "" if all of it is the bots'."""

    def is_bots(account: Actor | None) -> bool:
        return account is not None and any(is_named(account, login) for login in bots)

    if isinstance(pull.commits, Unavailable):
        return f"its commits could not be read: {pull.commits.reason}"
    for commit in pull.commits:
        own = commit.committed_by_github or is_bots(commit.committer.account)
        if not own or not all(is_bots(person.account) for person in commit.authors):
            return f"commit {commit.oid[:7]} is not shown to be a bot's alone"
    if isinstance(pull.timeline, Unavailable):
        return f"force-pushes could not be read: {pull.timeline.reason}"
    for event in pull.timeline:
        if isinstance(event, ForcePushed) and not event.base and not is_bots(event.actor):
            return f"{name_of(event.actor)} force-pushed the branch"
    return ""


def _earlier(
    repository: Repository, changes: Sequence[Change], on_lines: Mapping[int, Sequence[str]]
) -> Set[str]:
    """The branches whose merges are all on another branch's line: earlier names of that one."""
    reached: dict[str, set[str]] = {}
    for change in changes:
        if isinstance(base := change.at_merge.base, str):
            reached.setdefault(base, set()).update(on_lines.get(change.pull.number, ("",)))
    return {
        base
        for base, branches in reached.items()
        if base != repository.default_branch and not branches & {base, ""}
    }
