"""What pull requests and policies make an audit want: the tickets that they name, the teams."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from changeaudit.asof import as_of_merge
from changeaudit.codeowners import parse
from changeaudit.collectors.github import reading
from changeaudit.collectors.spans import Span
from changeaudit.collectors.tickets import finders
from changeaudit.policy import Policy
from changeaudit.population import ticket_names
from changeaudit.records import CodeOwners, PullRequest, Renamed, Repository, Unavailable
from changeaudit.store import Store
from changeaudit.verdicts import PeriodInfo


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
