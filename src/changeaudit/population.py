"""The population: which changes are in scope, of which class, and how complete that is. Pure.

Two enumerations are tied out: the merged pull requests, and what reached the production branches
by their first-parent lines. Nothing is dropped: what is out of scope is listed with the rule that
put it there, and what is in one enumeration alone is counted and named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from datetime import datetime
from typing import overload

from changeaudit.asof import AtMerge, as_of_merge
from changeaudit.change import Change, DirectPush, NamedTicket
from changeaudit.first_parent import Walk, moves_of, walk
from changeaudit.globs import first_match
from changeaudit.landing import Landing, landing, merge_oid
from changeaudit.people import is_named, name_of
from changeaudit.policy import Policy
from changeaudit.reconciliation import Enumerations, bypasses_of, direct_pushes
from changeaudit.records import (
    Activity,
    Actor,
    BranchLine,
    ForcePushed,
    PullRequest,
    Record,
    Repository,
    RuleBypass,
    Team,
    Ticket,
    TicketRef,
    Unavailable,
)
from changeaudit.ticket_asof import values_at, whether
from changeaudit.ticket_refs import FINDERS, Finder, named_tickets
from changeaudit.verdicts import ChangeClass, Excluded, RepositorySummary

REVERT_TITLE = re.compile(r"revert\b", re.I)
REVERT_BODY = re.compile(r"^\s*(?:This )?reverts (?:commit |[\w.-]+/[\w.-]+#\d|#\d)", re.I | re.M)


class Changes(Sequence[Change]):
    """The changes in scope, each made when it is asked for, so that few are held at a time.

    `places` are those of their pull requests, and `made` makes a change of one.
    """

    def __init__(self, places: Sequence[int], made: Callable[[int], Change]) -> None:
        self._places = places
        self._made = made

    def __len__(self) -> int:
        """How many there are."""
        return len(self._places)

    @overload
    def __getitem__(self, number: int) -> Change: ...
    @overload
    def __getitem__(self, number: slice) -> tuple[Change, ...]: ...
    def __getitem__(self, number: int | slice) -> Change | tuple[Change, ...]:
        """A change, or those of a slice."""
        if isinstance(number, slice):
            return tuple(map(self._made, self._places[number]))
        return self._made(self._places[number])


class Population(Record, frozen=True):
    """One repository's changes, what is out of scope, and how the two enumerations tie out."""

    changes: Sequence[Change]
    pushes: tuple[DirectPush, ...]
    excluded: tuple[Excluded, ...]
    summary: RepositorySummary


def ticket_names(
    repository: Repository,
    pull: PullRequest,
    at_merge: AtMerge,
    policy: Policy,
    finders: Sequence[Finder] = FINDERS,
) -> tuple[TicketRef, ...]:
    """The tickets that a pull request named when it merged, by the overrides that apply to it.

    Where it is in doubt which do, they are looked for wherever one of these may look. `finders`
    tell how the keys of each tracker look.
    """
    return named_tickets(
        at_merge.title,
        pull.head_ref,
        at_merge.body,
        pull.commits,
        at_merge.closing_issues,
        repository,
        policy.for_pull(pull).tickets,
        finders,
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
    finders: Sequence[Finder] = FINDERS,
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
        finders: how the keys of each tracker's tickets are found.
    """
    landings = [landing(pull) for pull in pulls]
    bases = [at.base for at in landings if isinstance(at.base, str)]
    production = production_branches(repository, [*bases, *(x.branch for x in lines)], policy)
    walks = {line.branch: walk(line, landings) for line in lines}
    on_lines: dict[int, list[str]] = {}
    for branch, walked in walks.items():
        for number in walked.brought:
            on_lines.setdefault(number, []).append(branch)
    bypasses: dict[str, list[RuleBypass]] = {}
    for line in lines:
        for bypass in bypasses_of(line):
            bypasses.setdefault(bypass.after, []).append(bypass)
    in_scope: list[int] = []
    excluded: list[Excluded] = []
    for place in sorted(range(len(landings)), key=lambda n: _moment(landings[n])):
        pull, at = pulls[place], landings[place]
        lines_of = on_lines.get(at.number, ())
        reached = _reached(at, production, lines_of)
        rule = _exclusion(repository, pull, at, policy, production, lines_of, reached)
        if rule:
            excluded.append(_excluded(pull, at, *rule))
        else:
            in_scope.append(place)

    def change(place: int) -> Change:
        pull, at = pulls[place], landings[place]
        view = as_of_merge(pull)
        lines_of = on_lines.get(at.number, ())
        names = ticket_names(repository, pull, view, policy, finders)
        linked = _linked(names, tickets, pull.merged_at)
        change_class, reason = _class(pull, view, linked, policy)
        return Change(
            repository=repository,
            pull=pull,
            at_merge=view,
            class_=change_class,
            class_reason=reason,
            tickets=linked,
            unread_places=_unread(pull, view, policy),
            production=production,
            reached=_reached(at, production, lines_of),
            teams=tuple(teams),
            pushed=_pushed(at, lines, walks),
            bypasses=tuple(
                bypass for oid in _left(at, lines_of, walks) for bypass in bypasses.get(oid, ())
            ),
        )

    pushes = direct_pushes(repository, lines, walks, since, until)
    those = [landings[place] for place in in_scope]
    earlier = _earlier(repository, those, on_lines) - {x.branch for x in lines if x.stretches}
    tied = Enumerations(
        repository, production, frozenset(earlier), lines, walks, landings, pushes, since, until
    )
    summary = tied.summary([at.number for at in those], len(excluded))
    return Population(Changes(in_scope, change), pushes, tuple(excluded), summary)


def _moment(at: Landing) -> tuple[datetime, int]:
    return at.merged_at, at.number


def _left(pull: Landing, lines_of: Sequence[str], walks: Mapping[str, Walk]) -> tuple[str, ...]:
    """The commits that a pull request left on the branches, each once: its merge commit, and more.

    Where the branch was not followed, that is the merge commit alone.
    """
    found = [oid for branch in lines_of for oid in walks[branch].brought[pull.number].commits]
    own = merge_oid(pull)
    return tuple(dict.fromkeys([*([own] if own else ()), *found]))


def _pushed(
    pull: Landing, lines: Sequence[BranchLine], walks: Mapping[str, Walk]
) -> Activity | None:
    """The push by which a pull request's merge commit came onto its base, where one is recorded."""
    oid, base = merge_oid(pull), pull.onto
    line = next((each for each in lines if each.branch == base), None)
    if line is None or oid is None:
        return None
    return walks[base].arrived.get(oid) or next(
        (move for move in moves_of(line) if move.after == oid), None
    )


def _reached(at: Landing, production: tuple[str, ...], lines_of: Sequence[str]) -> str:
    """How a pull request is known to have reached production; "" if it did not."""
    if isinstance(at.base, Unavailable) or at.base in production:
        return f"its base {at.base}" if isinstance(at.base, str) else "its base, unread"
    return f"the first-parent line of {lines_of[-1]}" if lines_of else ""


def _exclusion(
    repository: Repository,
    pull: PullRequest,
    at: Landing,
    policy: Policy,
    production: tuple[str, ...],
    lines_of: Sequence[str],
    reached: str,
) -> tuple[str, str] | None:
    """The rule that puts a pull request out of scope, and why; `None` if it is in scope.

    A rule of branches leaves in scope what is on the line of another production branch as well:
    what merged into a branch that nobody audits may have been pushed on.
    """
    base = at.base
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


def _excluded(pull: PullRequest, at: Landing, rule: str, reason: str) -> Excluded:
    title = as_of_merge(pull).title
    return Excluded(
        id=f"{pull.repository}#{pull.number}",
        title=title if isinstance(title, str) else pull.title,
        url=pull.url,
        merged_at=pull.merged_at,
        base=at.onto,
        rule=rule,
        reason=reason,
    )


def _linked(
    names: Sequence[TicketRef], tickets: Mapping[str, Ticket | Unavailable], merged: datetime
) -> tuple[NamedTicket, ...]:
    by_key: dict[str, list[TicketRef]] = {}
    for ref in names:
        by_key.setdefault(ref.key.casefold(), []).append(ref)
    found: list[NamedTicket] = []
    for key, refs in by_key.items():
        ticket = tickets.get(key, _UNASKED)
        above = values_at(ticket, "parent", merged) if isinstance(ticket, Ticket) else ()
        parents = () if isinstance(above, Unavailable) else [x for value in above for x in value]
        found.append(
            NamedTicket(
                refs[0].key,
                tuple(refs),
                ticket,
                tuple(NamedTicket(x, (), tickets.get(x.casefold(), _UNASKED)) for x in parents),
            )
        )
    return tuple(found)


_UNASKED = Unavailable("its tracker was not asked; collect again with this policy")


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
    wanted = {name.casefold() for name in emergency.ticket_types}
    for ticket in tickets if wanted else ():
        found = ticket.found
        at_merge = values_at(found, "type", pull.merged_at) if isinstance(found, Ticket) else found
        if isinstance(at_merge, Unavailable):
            unknown += f"; of which type ticket {ticket.key} was could not be read"
            continue
        if isinstance(found, Ticket) and found.created_at >= pull.merged_at:
            unknown += f"; ticket {ticket.key} was not created before the merge"
            continue
        of_those = whether(at_merge, lambda value: any(x.casefold() in wanted for x in value))
        types = " or ".join(name for value in at_merge for name in value)
        if of_those:
            return ChangeClass.EMERGENCY, f"ticket {ticket.key} was of type {types} at the merge"
        if of_those is None:
            unknown += f"; ticket {ticket.key} was of type {types}, which cannot be told"
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
    repository: Repository, in_scope: Sequence[Landing], on_lines: Mapping[int, Sequence[str]]
) -> Set[str]:
    """The branches whose merges are all on another branch's line: earlier names of that one."""
    reached: dict[str, set[str]] = {}
    for at in in_scope:
        if isinstance(at.base, str):
            reached.setdefault(at.base, set()).update(on_lines.get(at.number, ("",)))
    return {
        base
        for base, branches in reached.items()
        if base != repository.default_branch and not branches & {base, ""}
    }
