"""From the store to the audit: the one way that live and replayed evidence take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from changeaudit import __version__
from changeaudit.audit import audit
from changeaudit.cli.limitations import (
    INDEX_LAGS,
    in_several,
    limitations,
    listed,
    searched,
)
from changeaudit.cli.wanted import teams_wanted, tickets_named_by
from changeaudit.collectors.github import (
    activity,
    clone,
    controls,
    owned,
    reading,
    single,
    snapshots,
)
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
from changeaudit.population import Population, build, production_branches
from changeaudit.records import (
    BranchLine,
    PullRequest,
    Record,
    Repository,
    Team,
    Ticket,
    Unavailable,
)
from changeaudit.reverse_trace import parents_of, reverse_trace
from changeaudit.store import Store
from changeaudit.verdicts import (
    Audit,
    EvidenceSource,
    PeriodInfo,
    PolicyInfo,
    ReverseTrace,
    Run,
)


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
    asked: Sequence[str] = (),
    missing: Mapping[str, str] = MappingProxyType({}),
) -> Audit:
    """Audit what the store holds of `names` through `period`.

    `asked` are the patterns that they were named by, where they were. `missing` tells of tickets,
    by key in lower case, why they could not be asked for just now.

    Raises:
        StoreError: the store does not hold the whole period of one of them.
    """
    policy = loaded.policy
    populations = [
        gather(store, source, name, period, [policy], missing).population(policy) for name in names
    ]
    span = Span(period.since, period.until)
    walked = all(reading.walked(store, source, name, span) for name in names)
    trace = traced(store, source, populations, period, policy)
    return audit(
        populations,
        loaded.policy,
        PolicyInfo(loaded.policy.name, loaded.source, loaded.digest),
        period,
        sources_of(store, source, names, [policy], asked),
        [
            *listed(store, source, asked),
            *in_several(store, policy),
            *(() if walked else (INDEX_LAGS,)),
            *limitations(populations, policy),
            *([searched(store, source)] if trace and trace.untraced else []),
        ],
        Run(started_at, clock(), __version__),
        demonstration=demonstration,
        traced=trace,
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
    """The tickets that the pull requests name by any of the policies, by key in lower case.

    `missing` tells why some could not be asked for just now: those stand that the store holds from
    after the merges, for they are evidence whatever became of the tracker since.
    """
    wanted: dict[str, datetime] = {}
    for policy in policies:
        for key, merged in tickets_named_by(repository, pulls, policy).items():
            wanted[key] = max(merged, wanted.get(key, merged))
    held = read_tickets(store, source, wanted, policies)
    unread = [key for key in wanted if not isinstance(held.get(key), Ticket)]
    return held | {key: Unavailable(missing[key]) for key in unread if key in missing}


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
    "ticket.touched": "changed tickets",
    "jira.site": "facts of the Jira",
    "jira.fields": "fields",
    "jira.statuses": "statuses",
    "jira.project": "keys of projects",
    "branches": "branches",
    "repositories": "list of repositories",
    "controls": "settings",
    "controls.branch": "protection of a branch",
    "controls.history": "history of rulesets",
}
"""The kinds of stored answers, in words."""


def sources_of(
    store: Store,
    source: str,
    names: Sequence[str],
    policies: Sequence[Policy],
    asked: Sequence[str] = (),
) -> list[EvidenceSource]:
    """What the store holds of the repositories, their tickets and the policies' teams.

    With them come the lists that the patterns `asked` for stand on.
    Pull requests that were collected alone are evidence of no period, and no verdict rests on the
    snapshots of settings.
    """
    wanted = {name.casefold() for name in names}
    found: list[EvidenceSource] = []
    repositories = [reading.read_repository(store, source, name) for name in names]
    teams = {team.casefold() for team in teams_wanted(policies, repositories)}
    owners = {name.partition("/")[0].casefold() for name in filter(owned.is_pattern, asked)}
    sites = _jiras(store, policies)
    for row in store.counts():
        subject = row.subject.casefold()
        about = subject.partition("@")[0]
        if row.kind in (single.KIND, *controls.KINDS):
            continue
        named = about in wanted or subject in teams or subject == "issues"
        named = named or (row.kind == owned.OWNER_KIND and subject in owners)
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


_OF_JIRA = (jira.KIND, jira.CHANGELOG, jira.COMMENTS, jira.STATUSES, jira.TOUCHED)
"""The answers of a Jira on which verdicts rest, and the trace from its tickets to changes."""


def _jiras(store: Store, policies: Sequence[Policy]) -> set[str]:
    """The Jiras that the policies' projects may be in, of those of which the store holds any."""
    of = [each.tickets.site_of(project) for each in policies for project in each.jira_projects]
    return {site for site in held_sites(store) if site in of or "" in of}
