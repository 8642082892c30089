"""From the store to the audit: the one way that live and replayed evidence take."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from changeaudit import __version__
from changeaudit.asof import as_of_merge
from changeaudit.audit import audit
from changeaudit.change import Change
from changeaudit.codeowners import parse
from changeaudit.collectors.github import activity, clone, controls, reading, single, snapshots
from changeaudit.collectors.github.pull_requests import KIND as PULLS
from changeaudit.collectors.jira import issues as jira
from changeaudit.collectors.jira.reading import held_sites
from changeaudit.collectors.jira.source import read_statuses, read_touched
from changeaudit.collectors.spans import Span
from changeaudit.collectors.tickets import finders, read_tickets
from changeaudit.errors import StoreError
from changeaudit.packed import Packed
from changeaudit.policy import Policy
from changeaudit.policy_file import LoadedPolicy
from changeaudit.population import Population, build, production_branches, ticket_names
from changeaudit.records import (
    BranchLine,
    CodeOwners,
    MergeCommit,
    PullRequest,
    Record,
    Renamed,
    Repository,
    Team,
    Ticket,
    Unavailable,
)
from changeaudit.reverse_trace import parents_of, reverse_trace
from changeaudit.rules.excerpts import some
from changeaudit.store import Store
from changeaudit.unread import Unread
from changeaudit.verdicts import (
    EVERY_PUSH,
    Audit,
    ChangeClass,
    EvidenceSource,
    PeriodInfo,
    PolicyInfo,
    ReverseTrace,
    Run,
    TieKind,
)

INDEX_LAGS = (
    "The pull requests are those that GitHub's search shows; its index may lag by hours. What it"
    " missed shows on the branches' first-parent history."
)


def named_tickets(
    store: Store, source: str, name: str, period: PeriodInfo, policy: Policy
) -> dict[str, datetime]:
    """The tickets that the period's pull requests name, and when the last of them merged."""
    repository = reading.read_repository(store, source, name)
    span = Span(period.since, period.until)
    pulls = reading.read_pull_requests(store, source, name, span)
    return tickets_named_by(repository, pulls, policy)


def tickets_named_by(
    repository: Repository,
    pulls: Iterable[PullRequest],
    policy: Policy,
    store: Store | None = None,
) -> dict[str, datetime]:
    """The tickets that pull requests name, by key in lower case, and when the last of these merged.

    A pull request out of scope may name one as well. A `store` tells in which Jira a project is;
    without it more may be named than is.
    """
    wanted: dict[str, datetime] = {}
    mention, known = _mention(policy), finders(store, policy)
    for pull in pulls:
        if not _may_name_any(pull, mention):
            continue
        for ref in ticket_names(repository, pull, as_of_merge(pull), policy, known):
            key = ref.key.casefold()
            wanted[key] = max(pull.merged_at, wanted.get(key, pull.merged_at))
    return wanted


def _mention(policy: Policy) -> re.Pattern[str]:
    """What every mention of a ticket has in it, whatever stands around it or is marked up in it."""
    keys = [rf"{re.escape(project)}" for project in policy.jira_projects]
    anything = [""] if policy.trackers else []
    return re.compile("|".join((r"#(?![\s#])|/issues|&", *keys, *anything)), re.IGNORECASE)


def _may_name_any(pull: PullRequest, mention: re.Pattern[str]) -> bool:
    """Whether it is worth reading a pull request as people do: most name no issue at all."""
    texts = [pull.title, pull.body, pull.head_ref]
    if not isinstance(pull.timeline, Unavailable):
        texts += [event.before for event in pull.timeline if isinstance(event, Renamed)]
    if not isinstance(pull.edits, Unavailable):
        texts += [edit.text or "" for edit in pull.edits]
    if not isinstance(pull.commits, Unavailable):
        texts += [commit.message for commit in pull.commits]
    return bool(pull.closing_issues) or any(map(mention.search, texts))


def replay(
    store: Store,
    source: str,
    names: Sequence[str],
    period: PeriodInfo,
    loaded: LoadedPolicy,
    started_at: datetime,
    clock: Callable[[], datetime],
    *,
    demonstration: bool = False,
    missing: Mapping[str, str] = MappingProxyType({}),
) -> Audit:
    """Audit what the store holds of `names` through `period`.

    `missing` tells of tickets, by key in lower case, why they could not be asked for just now.

    Raises:
        StoreError: the store does not hold the whole period of one of them.
    """
    policy = loaded.policy
    populations = [
        gather(store, source, name, period, [policy], missing).population(policy) for name in names
    ]
    span = Span(period.since, period.until)
    walked = all(reading.walked(store, source, name, span) for name in names)
    return audit(
        populations,
        loaded.policy,
        PolicyInfo(loaded.policy.name, loaded.source, loaded.digest),
        period,
        sources_of(store, source, names, [policy]),
        [*(() if walked else (INDEX_LAGS,)), *limitations(populations, policy)],
        Run(started_at, clock(), __version__),
        demonstration=demonstration,
        traced=traced(store, source, populations, period, policy),
    )


def traced(
    store: Store,
    source: str,
    populations: Sequence[Population],
    period: PeriodInfo,
    policy: Policy,
) -> ReverseTrace | None:
    """From the tickets that were done in the period back to the changes that name them.

    A ticket that no change of these populations names is looked for in every pull request that the
    store holds, of whatever repository and time; so is one of which it is not known if it was done.
    """
    if policy.tickets.reverse_trace == "off" or not policy.jira_projects:
        return None
    since, until = period.since, period.until
    touched = read_touched(store, policy, since, until)
    sites = () if isinstance(touched, Unavailable) else {ticket.source for ticket in touched}
    done = {site: _done_statuses(store, site) for site in sites}
    named: set[str] = set()
    for linked in (t for p in populations for c in p.changes for t in c.tickets):
        named.add(linked.key.casefold())
        if isinstance(linked.found, Ticket):  # it need not have changed since the period began
            named |= parents_of(linked.found)
    named |= {key for p in populations for key in named_by_pushes(p, policy, store)}
    found = reverse_trace(touched, named, done, policy, since, until)
    if found is None or isinstance(touched, Unavailable) or not (found.untraced or found.unknown):
        return found
    named |= set(_named_by_all(store, source, policy))
    return reverse_trace(touched, named, done, policy, since, until)


def _done_statuses(store: Store, site: str) -> set[str]:
    """The statuses that a Jira calls done, in lower case."""
    return {
        name.casefold()
        for name, category in read_statuses(store, site).items()
        if category == "done"
    }


def named_by_pushes(population: Population, policy: Policy, store: Store) -> Iterator[str]:
    """The tickets that the messages of commits name which were pushed directly, in lower case."""
    if "commits" not in policy.tickets.places:
        return
    known = finders(store, policy)
    for push in population.pushes:
        for commit in push.commits:
            for find in known:
                for key in find(commit.message, "commits", push.repository, policy.tickets):
                    yield key.casefold()


def _named_by_all(store: Store, source: str, policy: Policy) -> Iterator[str]:
    """The tickets that any pull request names which the store holds, by key in lower case."""
    held = [row.subject for row in store.counts() if (row.source, row.kind) == (source, PULLS)]
    for name in held:
        repository = reading.read_repository(store, source, name)
        for span in single.held_spans(store, source, name):
            pulls = reading.read_pull_requests(store, source, name, span)
            yield from tickets_named_by(repository, pulls, policy, store)


class Gathered(Record, frozen=True):
    """What the store holds of a repository through a period: read once, judged by any policy.

    `lines` are the production branches of the policies that it was read for, by name; `teams`
    and `tickets` those that any of these policies names and the store holds. `store` tells besides
    in which Jira a project is.
    """

    repository: Repository
    pulls: Sequence[PullRequest]
    lines: dict[str, BranchLine]
    tickets: dict[str, Ticket | Unavailable]
    teams: tuple[Team, ...]
    period: PeriodInfo
    store: Store

    def population(self, policy: Policy) -> Population:
        """The population by one of the policies that it was read for."""
        bases = [*(pull.base_ref for pull in self.pulls), *self.lines]
        branches = production_branches(self.repository, bases, policy)
        return build(
            self.repository,
            self.pulls,
            [self.lines[branch] for branch in branches],
            self.tickets,
            self.teams,
            policy,
            self.period.since,
            self.period.until,
            finders(self.store, policy),
        )


def gather(
    store: Store,
    source: str,
    name: str,
    period: PeriodInfo,
    policies: Sequence[Policy],
    unasked: Mapping[str, str] = MappingProxyType({}),
) -> Gathered:
    """Read what `policies` need of a repository through a period.

    `unasked` tells of tickets, by key in lower case, why they could not be asked for just now.

    Raises:
        StoreError: the store does not hold the whole period.
    """
    span = Span(period.since, period.until)
    missing = reading.held(store, source, name, span)
    if missing:
        raise StoreError(
            f"The store does not hold the pull requests of {name} from {source} that merged from"
            f" {missing[0].since:%Y-%m-%dT%H:%M:%SZ} to {missing[0].until:%Y-%m-%dT%H:%M:%SZ}.",
            "Collect them with `changeaudit audit`, without --offline, or name a period that is"
            " held.",
        )
    repository = reading.read_repository(store, source, name)
    pulls = Packed(PullRequest, reading.read_pull_requests(store, source, name, span))
    # A branch to which everything was pushed directly is no pull request's base.
    # One that is gone, and that nothing merged into, shows in its deletion alone.
    bases = {
        *(pull.base_ref for pull in pulls),
        *reading.lines_held(store, source, name),
        *activity.branches_deleted(store, source, name, span),
    }
    branches = {b: None for each in policies for b in production_branches(repository, bases, each)}
    return Gathered(
        repository,
        pulls,
        {branch: reading.read_line(store, source, name, branch, span) for branch in branches},
        tickets_of(store, source, repository, pulls, policies, unasked),
        read_teams(store, source, policies, repository),
        period,
        store,
    )


def tickets_of(
    store: Store,
    source: str,
    repository: Repository,
    pulls: Sequence[PullRequest],
    policies: Sequence[Policy],
    missing: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Ticket | Unavailable]:
    """The tickets that the pull requests name by any of the policies, by key in lower case."""
    wanted: dict[str, datetime] = {}
    for policy in policies:
        for key, merged in tickets_named_by(repository, pulls, policy).items():
            wanted[key] = max(merged, wanted.get(key, merged))
    held = read_tickets(store, source, wanted, policies)
    # What is held of these was read too early, or not at all.
    return held | {key: Unavailable(missing[key]) for key in wanted.keys() & missing.keys()}


def teams_wanted(
    policies: Sequence[Policy], repositories: Iterable[Repository], *, owners: bool = False
) -> tuple[str, ...]:
    """The teams whose members the policies ask for, each once.

    Those are the ones that they name, and, if one of them asks for code owners (or with `owners`),
    the teams that own files of the repositories.
    """
    named = [team for policy in policies for team in policy.teams]
    if owners or any(policy.codeowners for policy in policies):
        for repository in repositories:
            file = repository.codeowners
            if isinstance(file, CodeOwners) and isinstance(file.text, str):
                named += parse(file.text).teams
    found: dict[str, str] = {}
    for team in named:
        found.setdefault(team.casefold(), team)
    return tuple(found.values())


def read_teams(
    store: Store, source: str, policies: Sequence[Policy], repository: Repository
) -> tuple[Team, ...]:
    """The teams that the policies ask for and the store holds."""
    wanted = teams_wanted(policies, [repository])
    found = (snapshots.read_team(store, source, team) for team in wanted)
    return tuple(team for team in found if team is not None)


def teams_not_held(
    teams: Iterable[Team], policies: Sequence[Policy], repositories: Iterable[Repository]
) -> list[str]:
    """Which of the teams that the policies ask for the store does not hold, in a sentence."""
    held = {team.name.casefold() for team in teams}
    wanted = teams_wanted(policies, repositories)
    missing = [team for team in wanted if team.casefold() not in held]
    if not missing:
        return []
    return [
        f"The store holds no members of {', '.join(missing)}: audit with the policy that names"
        " them, and without --offline, to collect them."
    ]


KINDS = {
    "repository": "facts",
    "repository.last_changes": "last changes of templates and code owners",
    "pull_request": "merged pull requests",
    "pull_request.more": "further parts of pull requests",
    "pull_request.parents": "parents of commits",
    "pull_request.merge_group": "checks of merge commits",
    "pull_request.base_merges": "merges of the base branch",
    "pull_request.single": "single pull requests",
    "line": "first-parent history",
    "line.ends": "merges around the period",
    "line.commits": "commits, as a local clone has them,",
    "activity": "pushes",
    "branch_ends": "branches made and deleted",
    "deleted_branches": "deleted branches",
    "rule_bypasses": "bypassed rules",
    "team": "members",
    "writers": "people with access",
    "ticket": "tickets",
    "ticket.changelog": "further changes of tickets",
    "ticket.comments": "further comments on tickets",
    "jira.statuses": "statuses",
    "branches": "branches",
    "repositories": "list of repositories",
    "controls": "settings",
    "controls.branch": "protection of a branch",
    "controls.history": "history of rulesets",
}
"""The kinds of stored answers, in words."""


def sources_of(
    store: Store, source: str, names: Sequence[str], policies: Sequence[Policy]
) -> list[EvidenceSource]:
    """What the store holds of the repositories, their tickets and the policies' teams.

    Pull requests that were collected alone are evidence of no period, and no verdict rests on the
    snapshots of settings.
    """
    wanted = {name.casefold() for name in names}
    found: list[EvidenceSource] = []
    repositories = [reading.read_repository(store, source, name) for name in names]
    teams = {team.casefold() for team in teams_wanted(policies, repositories)}
    sites = _jiras(store, policies)
    for row in store.counts():
        subject = row.subject.casefold()
        about = subject.partition("@")[0]
        if row.kind in (single.KIND, *controls.KINDS):
            continue
        named = about in wanted or subject in teams or subject == "issues"
        what = KINDS.get(row.kind, row.kind)
        if (row.source in (source, clone.SOURCE) and named) or (
            row.source in sites and row.kind in _OF_JIRA
        ):
            found.append(
                EvidenceSource(
                    source=row.source,
                    what=f"{what} of {row.subject}" if row.source not in sites else what,
                    answers=row.answers,
                    first_at=row.first_received_at,
                    last_at=row.last_received_at,
                )
            )
    return found


_OF_JIRA = (jira.KIND, jira.CHANGELOG, jira.COMMENTS, jira.STATUSES)
"""The answers of a Jira on which verdicts rest."""


def _jiras(store: Store, policies: Sequence[Policy]) -> set[str]:
    """The Jiras that the policies' projects may be in, of those of which the store holds any."""
    of = [each.tickets.site_of(project) for each in policies for project in each.jira_projects]
    return {site for site in held_sites(store) if site in of or "" in of}


def _reach(teams: Iterable[Team]) -> str:
    """How far what is known of teams' members reaches."""
    told = "Dated users in the policy are judged by their dates."
    several = [
        f"{len(team.history)} of {team.name} from {team.history[0].at:%Y-%m-%d} to"
        f" {team.collected_at:%Y-%m-%d}"
        for team in teams
        if team.earlier
    ]
    if not several:
        return (
            "Team members are as of the collection: GitHub does not tell who was in a"
            f" team earlier. {told}"
        )
    return (
        "Team members are as of snapshots, for GitHub does not tell who was in a team earlier:"
        f" {some(several)}; of every other team there is one. Between two that agree nobody is"
        " taken to have left and come back; before the first, and after the last, that one is"
        f" taken. {told}"
    )


def limitations(populations: Sequence[Population], policy: Policy) -> list[str]:
    """What the evidence of these changes cannot show, as far as it bears on their verdicts."""
    unread, tickets, merges, emergencies = Unread(policy), _Tickets(policy), _Merges(), False
    for change in (change for each in populations for change in each.changes):
        unread.see(change)
        tickets.see(change)
        merges.see(change)
        emergencies = emergencies or change.class_ is ChangeClass.EMERGENCY
    found: list[str] = []
    teams = {t.name: t for p in populations for c in p.changes[:1] for t in c.teams}
    if policy.teams or (policy.codeowners and teams):
        found.append(_reach(teams.values()))
    if policy.codeowners:
        found.append(
            "Who owns a file is what CODEOWNERS on the default branch says as collected. That it"
            " did not change since a merge is told by its last commit: by that commit's own date,"
            " and by when the pull request merged that brought it."
        )
    if any(role.write_access for role in (policy.roles.peer, policy.roles.lead)):
        found.append(
            "The right to write to a repository is as of the collection: GitHub does not"
            " tell what it was at the time of the review."
        )
    found += unread.said()
    if emergencies:
        found.append(
            "Emergency changes are judged by ENG-PROC-004 as far as the pull request shows it:"
            " approvals and notices that only their ticket documents are not collected."
        )
    found += tickets.said()
    if any(not push.moves for p in populations for push in p.pushes):
        found.append(
            "Who pushed a commit directly, and when, is not recorded in it; where GitHub's activity"
            " does not tell, the times shown are bounded by the merges around it."
        )
    found += merges.said()
    if set(policy.scope.branches) > {"default"} or "default" not in policy.scope.branches:
        found.append(
            "A production branch that is gone, and into which no pull request merged, is known by"
            " GitHub's record of its deletion alone, which goes back a year."
        )
    found += _of_activity(populations)
    return found


class _Tickets:
    """Notes what tickets leave open: those not asked for, not shown, or without a history."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._why: dict[str, dict[str, None]] = {}

    def see(self, change: Change) -> None:
        """Note it of the tickets of a change, and of those above them where they may count."""
        parents = self._policy.accept_parent
        above = (parent for t in change.tickets for parent in t.parents) if parents else ()
        for ticket in (*change.tickets, *above):
            found = ticket.found
            if isinstance(found, Unavailable):
                self._why.setdefault(found.reason, {})[ticket.key] = None
            elif isinstance(found.history, Unavailable):
                why = f"of their history, {found.history.reason}"
                self._why.setdefault(why, {})[found.key] = None

    def said(self) -> Iterator[str]:
        for reason, keys in self._why.items():
            yield f"What rests on these tickets is undetermined ({reason}): {some(keys)}."
        if self._policy.jira_projects:
            yield (
                "A ticket's status, type, labels and components at a merge are told by its history"
                " as Jira shows it to the audit account; what Jira never recorded shows nowhere."
                " Hidden tickets and those that do not exist look alike."
            )


class _Merges:
    """Notes of which repositories merges name GitHub as their maker, and nothing else shows it."""

    def __init__(self) -> None:
        self._unsigned: dict[str, None] = {}

    def see(self, change: Change) -> None:
        """Note it of the merge of a change."""
        merge = change.pull.merge_commit
        if (
            isinstance(merge, MergeCommit)
            and isinstance(merge.by_github, Unavailable)
            and len(merge.parents) > 1
            and merge.oid != change.pull.head_oid
            and change.pushed is None
        ):
            self._unsigned[change.pull.repository] = None

    def said(self) -> Iterator[str]:
        if self._unsigned:
            yield (
                f"Merge commits of {some(self._unsigned)} bear no signature of GitHub's, or were"
                " collected before it was asked for: that GitHub made them, out of the head and"
                " the base alone, is told by the name in them, which who pushes may write."
            )


def _of_activity(populations: Sequence[Population]) -> list[str]:
    """What the branches' activity tells or leaves open: force-pushes, and pushes unseen."""
    tied = [each for p in populations for each in p.summary.reconciliations]
    found: list[str] = []
    unknown: dict[str, list[str]] = {}
    for each in tied:
        said = [f"{why}." for why in each.unknown]
        if each.activity and each.activity != EVERY_PUSH:
            more = "Whether somebody force-pushed or deleted it then is not known either."
            said.insert(0, f"{each.activity}. {more}")
        for why in said:
            unknown.setdefault(why, []).append(f"{each.branch} of {each.repository}")
    found += [f"Of {some(branches)}, {why}" for why, branches in unknown.items()]
    for each in tied:
        forced = each.of(TieKind.FORCE_PUSH)
        if forced:
            found.append(
                f"{each.branch} of {each.repository} was force-pushed in the period"
                f" ({some([tie.said for tie in forced])}): what reached production before and was"
                " rewritten cannot be enumerated."
            )
        pushed = [tie for tie in each.of(TieKind.MATCHED) if tie.pushed]
        if pushed:
            found.append(
                f"GitHub marks these pull requests as merged into {each.branch} of"
                f" {each.repository}, and its activity shows that somebody pushed their commits:"
                f" {some([tie.id for tie in pushed])}."
            )
    return found
