"""The population: which changes are in scope, of which class, and how complete that is. Pure.

Two enumerations are tied out: the merged pull requests, and what reached the production branches
by their first-parent lines. Nothing is dropped: what is out of scope is listed with the rule that
put it there, and what is in one enumeration alone is counted and named.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from datetime import datetime
from itertools import groupby

from changeaudit.asof import AtMerge, as_of_merge
from changeaudit.change import Change, DirectPush, NamedTicket
from changeaudit.globs import first_match
from changeaudit.people import is_named, name_of
from changeaudit.policy import Policy
from changeaudit.records import (
    Actor,
    BranchCommit,
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
LISTED = 10


class Population(Record, frozen=True):
    """One repository's changes, what is out of scope, and how the two enumerations tie out."""

    changes: tuple[Change, ...]
    pushes: tuple[DirectPush, ...]
    excluded: tuple[Excluded, ...]
    summary: RepositorySummary


def ticket_names(
    repository: Repository, pull: PullRequest, at_merge: AtMerge, policy: Policy
) -> tuple[TicketRef, ...]:
    """The tickets that a pull request named when it merged."""
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
        policy.tickets,
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
    walks = {line.branch: _walk(line, pulls, views) for line in lines}
    on_lines: dict[int, list[str]] = {}
    for branch, walk in walks.items():
        for number in walk.merged_numbers:
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
    pushes, left_out = _pushes(repository, walks, since, until)
    earlier = _earlier(repository, changes, on_lines) - {x.branch for x in lines if x.stretches}
    summary = _tie_out(
        repository,
        production,
        len(pulls),
        changes,
        excluded,
        pushes,
        left_out,
        set(on_lines),
        [*_gaps(production, lines, walks, earlier, since, until)],
        sorted(earlier & set(production)),
    )
    return Population(tuple(changes), pushes, tuple(excluded), summary)


class _Run(Record, frozen=True):
    """Consecutive commits of a line, oldest first, with the merges of the period around them.

    `number` is the pull request of another time that brought them, `None` if none did.
    """

    commits: tuple[BranchCommit, ...]
    not_before: datetime | None
    not_after: datetime | None
    number: int | None

    def within(self, since: datetime, until: datetime) -> tuple[BranchCommit, ...]:
        """The commits that may have come in [since, until).

        The merges around a run bound when it came. Where none does, the commits' own dates are
        taken, and only to leave out what claims to be of another time.
        """
        return tuple(
            commit
            for commit in self.commits
            if (claimed := commit.committer.at) is None
            or not (
                (self.not_before is None and claimed < since)
                or (self.not_after is None and claimed >= until)
            )
        )


class _Walk(Record, frozen=True):
    """A branch's line, followed from its top to its bottom.

    `merged_numbers` are the pull requests of the period that it passes, `runs` what came between
    them, and `broken` the commits that could not be followed further.
    """

    merged_numbers: frozenset[int]
    runs: tuple[_Run, ...]
    broken: tuple[str, ...]


class _Passed(Record, frozen=True):
    """A commit of a line, and what brought it.

    That is a pull request of the period, or one of another time by its `number`, or none. GitHub
    names for a commit every merged pull request that holds it; one that merged it into another
    branch did not bring it here.
    """

    pull: PullRequest | None
    commit: BranchCommit | None
    number: int | None


def _walk(line: BranchLine, pulls: Sequence[PullRequest], views: Mapping[int, AtMerge]) -> _Walk:
    by_merge = {
        pull.merge_commit.oid: pull
        for pull in pulls
        if pull.merge_commit is not None and not isinstance(pull.merge_commit, Unavailable)
    }
    segments, broken = _follow(line, by_merge)
    # A branch that was renamed was merged into under its earlier name, which its merges tell.
    merges = [by_merge[oid] for segment in segments for oid in segment if oid in by_merge]
    names = {line.branch, *(_base(pull, views[pull.number]) for pull in merges)}
    here = {p.number: p for p in pulls if _base(p, views[p.number]) in names}
    numbers: set[int] = set()
    runs: list[_Run] = []
    for segment in segments:
        passed: list[_Passed] = []
        for oid in segment:
            pull, commit = by_merge.get(oid), line.commits.get(oid)
            named = commit.pull_requests if commit else ()
            brought = pull or next((p for n in named if (p := here.get(n)) and _spread(p)), None)
            elsewhere = next((n for n in named if n not in views), None)
            passed.append(_Passed(brought, commit, None if brought else elsewhere))
        numbers |= {step.pull.number for step in passed if step.pull}
        runs += _runs(passed)
    return _Walk(frozenset(numbers), tuple(runs), broken)


def _follow(
    line: BranchLine, by_merge: Mapping[str, PullRequest]
) -> tuple[list[list[str]], tuple[str, ...]]:
    """The commits of a line, newest first, in connected segments; and where it broke off."""
    segments: list[list[str]] = []
    broken: list[str] = []
    seen: set[str] = set()
    for stretch in sorted(line.stretches, key=lambda s: s.since, reverse=True):
        segment: dict[str, None] = {}
        at: str | None = stretch.top
        while at is not None and at != stretch.bottom and at not in segment:
            pull, commit = by_merge.get(at), line.commits.get(at)
            if pull is None and commit is None:
                broken.append(at)
                break
            segment[at] = None
            below = _first_parent(pull, commit)
            if below is None and (pull is not None or stretch.bottom is not None):
                broken.append(at)  # a merge has a parent, and the line should have met its bottom
            at = below
        segments.append([oid for oid in segment if oid not in seen])
        seen.update(segment)
    return segments, tuple(broken)


def _runs(passed: Sequence[_Passed]) -> Iterator[_Run]:
    """What came between the merges of the period, newest first."""
    not_after: datetime | None = None
    place = 0
    for _, group in groupby(passed, key=lambda step: (step.pull is None, step.number)):
        steps = list(group)
        place += len(steps)
        if (lowest := steps[-1].pull) is not None:
            not_after = lowest.merged_at
            continue
        below = (passed[i].pull for i in range(place, len(passed)))
        not_before = next((pull.merged_at for pull in below if pull), None)
        commits = tuple(step.commit for step in reversed(steps) if step.commit)
        yield _Run(commits, not_before, not_after, steps[0].number)


def _spread(pull: PullRequest) -> bool:
    """Whether a pull request may have left more on a line than its merge commit.

    A rebase does. A true merge puts only itself on its first parent, unless that is the head:
    what stands below it came some other way, whatever GitHub associates with it.
    """
    merge = pull.merge_commit
    if merge is None or isinstance(merge, Unavailable):
        return True
    return (
        len(merge.parents) < 2 or merge.oid == pull.head_oid or (merge.parents[0] == pull.head_oid)
    )


def _first_parent(pull: PullRequest | None, commit: BranchCommit | None) -> str | None:
    if pull is not None and pull.merge_commit and not isinstance(pull.merge_commit, Unavailable):
        return pull.merge_commit.parents[0] if pull.merge_commit.parents else None
    return commit.parents[0] if commit and commit.parents else None


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
            why.append(f"all of its {len(files)} changed files match {', '.join(rule.paths)}")
        return rule.name, "; ".join(why)
    return None


def _base(pull: PullRequest, view: AtMerge) -> str:
    """The base at the merge, or today's where that could not be read."""
    return view.base if isinstance(view.base, str) else pull.base_ref


def _excluded(pull: PullRequest, view: AtMerge, rule: str, reason: str) -> Excluded:
    return Excluded(
        id=f"{pull.repository}#{pull.number}",
        title=view.title if isinstance(view.title, str) else pull.title,
        url=pull.url,
        merged_at=pull.merged_at,
        base=_base(pull, view),
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
    return tuple(
        f"{name}: {found.reason}"
        for name, found in places.items()
        if name in policy.tickets.places and isinstance(found, Unavailable)
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
    return ChangeClass.STANDARD, f"nothing shows that it is of another class{unknown}"


def _by_another(pull: PullRequest, bots: Sequence[str]) -> str:
    """What of a bot's pull request may be somebody else's work; "" if all of it is the bots'."""

    def is_bots(account: Actor | None) -> bool:
        return account is not None and any(is_named(account, login) for login in bots)

    if isinstance(pull.commits, Unavailable):
        return f"its commits could not be read: {pull.commits.reason}"
    for commit in pull.commits:
        if not all(is_bots(person.account) for person in commit.authors):
            return f"commit {commit.oid[:7]} is not shown to be a bot's alone"
    if isinstance(pull.timeline, Unavailable):
        return f"force-pushes could not be read: {pull.timeline.reason}"
    for event in pull.timeline:
        if isinstance(event, ForcePushed) and not event.base and not is_bots(event.actor):
            return f"{name_of(event.actor)} force-pushed the branch"
    return ""


def _pushes(
    repository: Repository, walks: Mapping[str, _Walk], since: datetime, until: datetime
) -> tuple[tuple[DirectPush, ...], int]:
    """The direct pushes that may lie in the period, and how many commits were left out of it."""
    found: list[DirectPush] = []
    seen: set[str] = set()
    left_out: set[str] = set()
    for branch, walk in walks.items():
        for run in reversed(walk.runs):
            if run.number is not None:
                continue
            within = run.within(since, until)
            inside = tuple(commit for commit in within if commit.oid not in seen)
            left_out.update(commit.oid for commit in run.commits if commit not in within)
            if inside:
                seen.update(commit.oid for commit in inside)
                found.append(DirectPush(repository, branch, inside, run.not_before, run.not_after))
    return tuple(found), len(left_out - seen)


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


def _gaps(
    production: Sequence[str],
    lines: Sequence[BranchLine],
    walks: Mapping[str, _Walk],
    earlier: Set[str],
    since: datetime,
    until: datetime,
) -> Iterator[str]:
    """What of the branches' lines is not known, or does not fit the merged pull requests.

    A branch that is gone has no line of its own. Where it is an `earlier` name of another one, all
    that merged into it is on that one's line, and nothing is missing.
    """
    for line in lines:
        walk = walks[line.branch]
        if line.branch in earlier:
            continue
        if line.missing:
            yield f"the history of {line.branch} was not collected for the whole period"
        ends = [*walk.broken, *(e for stretch in line.stretches for e in stretch.open_ends)]
        if ends:
            yield f"the history of {line.branch} could not be followed past {ends[0][:7]}"
        unknown = {
            run.number for run in walk.runs if run.number is not None and run.within(since, until)
        }
        if unknown:
            yield (
                f"{line.branch} holds commits of the period that GitHub says came with"
                f" {_numbers(sorted(unknown))}, which did not merge in the period"
            )
    followed = {line.branch for line in lines}
    for branch in production:
        if branch not in followed and branch not in earlier:
            yield f"the history of {branch} was not collected (it may be deleted)"


def _tie_out(
    repository: Repository,
    production: tuple[str, ...],
    merged: int,
    changes: Sequence[Change],
    excluded: Sequence[Excluded],
    pushes: Sequence[DirectPush],
    left_out: int,
    on_lines: Set[int],
    gaps: Sequence[str],
    earlier: Sequence[str],
) -> RepositorySummary:
    """How the merged pull requests and the branches' lines tie out, in counts and a sentence."""
    absent = [c.pull.number for c in changes if c.pull.number not in on_lines]
    said = [*gaps]
    if absent:
        are = "pull request is" if len(absent) == 1 else "pull requests are"
        said.append(
            f"{len(absent)} merged {are} not on the history of a production branch"
            f" ({_numbers(absent)})"
        )
    complete = not said
    if not merged and not pushes:
        said.append("no change was found in the period")
    pushed = sum(len(push.commits) for push in pushes)
    said.append(
        f"on the first-parent history of a production branch: {len(changes) - len(absent)} of"
        f" {_plural(len(changes), 'merged pull request')} in scope;"
        f" {_plural(pushed, 'commit')} came without one"
    )
    said += [
        f"{branch} has no history of its own and is taken for an earlier name, as all that merged"
        " into it is on that history"
        for branch in earlier
    ]
    if left_out:
        said.append(
            f"{_plural(left_out, 'commit')} without one, before the first or after the last merge"
            " of the period, is left out, as dated outside the period by its committer"
            if left_out == 1
            else f"{left_out} commits without one, before the first or after the last merge of the"
            " period, are left out, as dated outside the period by their committers"
        )
    text = "; ".join(said)
    return RepositorySummary(
        repository=repository.name,
        production_branches=production,
        merged=merged,
        in_scope=len(changes),
        excluded=len(excluded),
        direct_pushes=len(pushes),
        complete=complete,
        completeness=f"{text[:1].upper()}{text[1:]}.",
    )


def _plural(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def _numbers(numbers: Sequence[int]) -> str:
    shown = ", ".join(f"#{n}" for n in numbers[:LISTED])
    return f"{shown} and {len(numbers) - LISTED} more" if len(numbers) > LISTED else shown
