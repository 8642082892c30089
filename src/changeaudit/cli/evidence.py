"""From the store to the audit: the one way that live and replayed evidence take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from changeaudit import __version__
from changeaudit.asof import as_of_merge
from changeaudit.audit import audit
from changeaudit.collectors.github import reading, single
from changeaudit.collectors.spans import Span
from changeaudit.errors import StoreError
from changeaudit.policy import Policy
from changeaudit.policy_file import LoadedPolicy
from changeaudit.population import Population, build, production_branches, ticket_names
from changeaudit.records import (
    BranchLine,
    PullRequest,
    QueueChanged,
    Record,
    Repository,
    Team,
    Ticket,
    Unavailable,
)
from changeaudit.store import Store
from changeaudit.verdicts import Audit, ChangeClass, EvidenceSource, PeriodInfo, PolicyInfo, Run

INDEX_LAGS = (
    "The pull requests are those that GitHub's search shows; its index may lag by hours. What it"
    " missed shows on the branches' first-parent history."
)


def named_issues(
    store: Store, source: str, name: str, period: PeriodInfo, policy: Policy
) -> dict[str, datetime]:
    """The GitHub issues that the period's pull requests name, and when the last of them merged."""
    repository = reading.read_repository(store, source, name)
    span = Span(period.since, period.until)
    pulls = reading.read_pull_requests(store, source, name, span)
    return issues_named_by(repository, pulls, policy)


def issues_named_by(
    repository: Repository, pulls: Iterable[PullRequest], policy: Policy
) -> dict[str, datetime]:
    """The GitHub issues that pull requests name, and when the last of these merged."""
    wanted: dict[str, datetime] = {}
    for pull in pulls:
        for ref in ticket_names(repository, pull, as_of_merge(pull), policy):
            if "#" in ref.key:
                key = ref.key.casefold()
                wanted[key] = max(pull.merged_at, wanted.get(key, pull.merged_at))
    return wanted


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
) -> Audit:
    """Audit what the store holds of `names` through `period`.

    Raises:
        StoreError: the store does not hold the whole period of one of them.
    """
    policy = loaded.policy
    populations = [
        gather(store, source, name, period, [policy]).population(policy) for name in names
    ]
    return audit(
        populations,
        loaded.policy,
        PolicyInfo(loaded.policy.name, loaded.source, loaded.digest),
        period,
        sources_of(store, source, names, [policy]),
        [INDEX_LAGS, *limitations(populations, policy)],
        Run(started_at, clock(), __version__),
        demonstration=demonstration,
    )


class Gathered(Record, frozen=True):
    """What the store holds of a repository through a period: read once, judged by any policy.

    `lines` are the production branches of the policies that it was read for, by name; `teams`
    and `tickets` those that any of these policies names and the store holds.
    """

    repository: Repository
    pulls: tuple[PullRequest, ...]
    lines: dict[str, BranchLine]
    tickets: dict[str, Ticket | Unavailable]
    teams: tuple[Team, ...]
    period: PeriodInfo

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
        )


def gather(
    store: Store, source: str, name: str, period: PeriodInfo, policies: Sequence[Policy]
) -> Gathered:
    """Read what `policies` need of a repository through a period.

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
    pulls = tuple(reading.read_pull_requests(store, source, name, span))
    # A branch to which everything was pushed directly is no pull request's base.
    bases = {*(pull.base_ref for pull in pulls), *reading.lines_held(store, source, name)}
    branches = {b: None for each in policies for b in production_branches(repository, bases, each)}
    return Gathered(
        repository,
        pulls,
        {branch: reading.read_line(store, source, name, branch, span) for branch in branches},
        tickets_of(store, source, repository, pulls, policies),
        read_teams(store, source, policies),
        period,
    )


def tickets_of(
    store: Store,
    source: str,
    repository: Repository,
    pulls: Iterable[PullRequest],
    policies: Sequence[Policy],
) -> dict[str, Ticket | Unavailable]:
    """The GitHub issues that the pull requests name by any of the policies, by key."""
    named = list(pulls)
    keys = {key for policy in policies for key in issues_named_by(repository, named, policy)}
    return reading.read_tickets(store, source, sorted(keys))


def read_teams(store: Store, source: str, policies: Sequence[Policy]) -> tuple[Team, ...]:
    """The teams of the policies that the store holds."""
    wanted = {team: None for policy in policies for team in policy.teams}
    found = (reading.read_team(store, source, team) for team in wanted)
    return tuple(team for team in found if team is not None)


def teams_not_held(teams: Iterable[Team], policies: Sequence[Policy]) -> list[str]:
    """Which teams of the policies are not among those that the store holds, in a sentence."""
    held = {team.name.casefold() for team in teams}
    wanted = {team: None for policy in policies for team in policy.teams}
    missing = [team for team in wanted if team.casefold() not in held]
    if not missing:
        return []
    return [
        f"The store holds no members of {', '.join(missing)}: audit with the policy that names"
        " them, and without --offline, to collect them."
    ]


_KINDS = {
    "repository": "facts",
    "pull_request": "merged pull requests",
    "pull_request.more": "further parts of pull requests",
    "pull_request.parents": "parents of commits",
    "pull_request.single": "single pull requests",
    "line": "first-parent history",
    "line.ends": "merges around the period",
    "team": "members",
    "ticket": "tickets",
}
"""The kinds of stored answers, in words."""


def sources_of(
    store: Store, source: str, names: Sequence[str], policies: Sequence[Policy]
) -> list[EvidenceSource]:
    """What the store holds of the repositories, their tickets and the policies' teams.

    Pull requests that were collected alone are evidence of no period.
    """
    wanted = {name.casefold() for name in names}
    teams = {team.casefold() for policy in policies for team in policy.teams}
    found: list[EvidenceSource] = []
    for row in store.counts():
        subject = row.subject.casefold()
        about = subject.partition("@")[0]
        if row.kind == single.KIND:
            continue
        if row.source == source and (about in wanted or subject in teams or subject == "issues"):
            found.append(
                EvidenceSource(
                    source=row.source,
                    what=f"{_KINDS.get(row.kind, row.kind)} of {row.subject}",
                    answers=row.answers,
                    first_at=row.first_received_at,
                    last_at=row.last_received_at,
                )
            )
    return found


def limitations(populations: Sequence[Population], policy: Policy) -> list[str]:
    """What the evidence of these changes cannot show, as far as it bears on their verdicts."""
    found: list[str] = []
    if policy.teams:
        found.append(
            "Team members are as of the collection: GitHub does not tell who was in a"
            " team earlier. Dated users in the policy are judged by their dates."
        )
    if any(role.write_access for role in (policy.roles.peer, policy.roles.lead)):
        found.append(
            "The right to write to a repository is as of the collection: GitHub does not"
            " tell what it was at the time of the review."
        )
    if any(isinstance(c.pull.checks, Unavailable) for p in populations for c in p.changes):
        found.append(
            "Checks could not be read for some changes: the token needs Checks: read, or"
            " GitHub has deleted them."
        )
    if any(c.class_ is ChangeClass.EMERGENCY for p in populations for c in p.changes):
        found.append(
            "Emergency changes are judged by ENG-PROC-004 as far as the pull request shows it:"
            " approvals and notices that only their ticket documents are not collected."
        )
    if policy.tickets.jira_projects:
        found.append("Jira was not asked: tickets of Jira projects are named but not inspected.")
    if any(p.pushes for p in populations):
        found.append(
            "Who pushed a commit directly, and when, is not recorded in it; the times"
            " shown are bounded by the merges around it."
        )
    if any(
        isinstance(event, QueueChanged)
        for p in populations
        for c in p.changes
        for event in (() if isinstance(c.pull.timeline, Unavailable) else c.pull.timeline)
    ):
        found.append("Checks of merge-queue commits are not collected.")
    return found
