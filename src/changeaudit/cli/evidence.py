"""From the store to the audit: the one way that live and replayed evidence take."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from changeaudit import __version__
from changeaudit.asof import as_of_merge
from changeaudit.audit import audit
from changeaudit.codeowners import parse
from changeaudit.collectors.github import clone, controls, reading, single, snapshots
from changeaudit.collectors.spans import Span
from changeaudit.errors import StoreError
from changeaudit.policy import Policy
from changeaudit.policy_file import LoadedPolicy
from changeaudit.population import Population, build, production_branches, ticket_names
from changeaudit.records import (
    BranchLine,
    CodeOwners,
    PullRequest,
    Record,
    Renamed,
    Repository,
    Team,
    Ticket,
    Unavailable,
)
from changeaudit.rules.excerpts import some
from changeaudit.store import Store
from changeaudit.verdicts import (
    EVERY_PUSH,
    Audit,
    ChangeClass,
    EvidenceSource,
    PeriodInfo,
    PolicyInfo,
    Run,
    TieKind,
)

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
    for pull in filter(_may_name_issues, pulls):
        for ref in ticket_names(repository, pull, as_of_merge(pull), policy):
            if "#" in ref.key:
                key = ref.key.casefold()
                wanted[key] = max(pull.merged_at, wanted.get(key, pull.merged_at))
    return wanted


_ISSUE = re.compile(r"#(?![\s#])|/issues|&")
"""What every mention of an issue has in it, whatever stands around it or is marked up in it."""


def _may_name_issues(pull: PullRequest) -> bool:
    """Whether it is worth reading a pull request as people do: most name no issue at all."""
    texts = [pull.title, pull.body]
    if not isinstance(pull.timeline, Unavailable):
        texts += [event.before for event in pull.timeline if isinstance(event, Renamed)]
    if not isinstance(pull.edits, Unavailable):
        texts += [edit.text or "" for edit in pull.edits]
    if not isinstance(pull.commits, Unavailable):
        texts += [commit.message for commit in pull.commits]
    return bool(pull.closing_issues) or any(map(_ISSUE.search, texts))


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
        read_teams(store, source, policies, repository),
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
    "rule_bypasses": "bypassed rules",
    "team": "members",
    "writers": "people with access",
    "ticket": "tickets",
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
    for row in store.counts():
        subject = row.subject.casefold()
        about = subject.partition("@")[0]
        if row.kind in (single.KIND, *controls.KINDS):
            continue
        named = about in wanted or subject in teams or subject == "issues"
        if row.source in (source, clone.SOURCE) and named:
            found.append(
                EvidenceSource(
                    source=row.source,
                    what=f"{KINDS.get(row.kind, row.kind)} of {row.subject}",
                    answers=row.answers,
                    first_at=row.first_received_at,
                    last_at=row.last_received_at,
                )
            )
    return found


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
    checks = (
        c.at_merge.merge_commit_checks if c.at_merge.queued is True else c.at_merge.checks
        for p in populations
        for c in p.changes
    )
    if any(isinstance(each, Unavailable) for each in checks):
        found.append(
            "Checks could not be read for some changes: the token needs Checks: read, or"
            " GitHub has deleted them."
        )
    if any(c.class_ is ChangeClass.EMERGENCY for p in populations for c in p.changes):
        found.append(
            "Emergency changes are judged by ENG-PROC-004 as far as the pull request shows it:"
            " approvals and notices that only their ticket documents are not collected."
        )
    if policy.jira_projects:
        found.append("Jira was not asked: tickets of Jira projects are named but not inspected.")
    if any(not push.moves for p in populations for push in p.pushes):
        found.append(
            "Who pushed a commit directly, and when, is not recorded in it; where GitHub's activity"
            " does not tell, the times shown are bounded by the merges around it."
        )
    found += _of_activity(populations)
    return found


def _of_activity(populations: Sequence[Population]) -> list[str]:
    """What the branches' activity tells or leaves open: force-pushes, and pushes unseen."""
    tied = [each for p in populations for each in p.summary.reconciliations]
    found: list[str] = []
    unknown: dict[str, list[str]] = {}
    for each in tied:
        if each.activity and each.activity != EVERY_PUSH:
            unknown.setdefault(each.activity, []).append(f"{each.branch} of {each.repository}")
    found += [
        f"Of {some(branches)}, {why}. Whether somebody force-pushed it then is not known either."
        for why, branches in unknown.items()
    ]
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
