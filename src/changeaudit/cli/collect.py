"""Collecting, in its order: repositories, pull requests, branches, teams, tickets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from changeaudit.cli import github
from changeaudit.cli.evidence import issues_named_by, named_issues, teams_wanted
from changeaudit.cli.progress import say, shown
from changeaudit.collectors.git import Clone
from changeaudit.collectors.github.activity import collect_activity
from changeaudit.collectors.github.ask import Session
from changeaudit.collectors.github.issues import collect_issues
from changeaudit.collectors.github.line import belongs, collect_line
from changeaudit.collectors.github.pace import Pace
from changeaudit.collectors.github.pull_requests import Enumeration, PullRequests
from changeaudit.collectors.github.reading import read_repository, read_tickets_as_of
from changeaudit.collectors.github.repository import (
    collect_branches,
    collect_repository,
    collect_team,
    expand,
)
from changeaudit.collectors.github.single import SinglePullRequest, read_single
from changeaudit.collectors.github.transport import Transport
from changeaudit.collectors.spans import Span
from changeaudit.collectors.workers import Workers
from changeaudit.errors import UsageError
from changeaudit.policy import Policy
from changeaudit.records import Record
from changeaudit.store import Store
from changeaudit.verdicts import PeriodInfo

if TYPE_CHECKING:
    from rich.console import Console


MOST_OWNING_TEAMS = 500
"""How many teams that own files are collected; the members of the rest are said not to be."""


class Effort(Record, frozen=True):
    """How it is asked: by how many workers at once, for how many points in all, in which way."""

    workers: int = 1
    max_points: int | None = None
    enumeration: str = Enumeration.SEARCH


@contextmanager
def collecting(
    store: Store,
    clock: Callable[[], datetime],
    messages: Console,
    quiet: bool,
    names: Sequence[str],
    effort: Effort | None = None,
) -> Iterator[Session]:
    """A session with GitHub for as long as the block lasts; then how much it took is said.

    `names` are what it is asked about: the owner of the first tells an App's installation.

    Raises:
        UsageError: there is no token, or the API's address cannot be used.
    """

    def tell(text: str) -> None:
        if not quiet:
            say(messages, text)

    token = github.authorization(names, clock, tell)
    effort = effort or Effort()
    pace = Pace(effort.max_points)
    with shown(messages, quiet) as progress:
        transport = Transport(token, github.api_url(), clock, listener=progress, pace=pace)
        try:
            yield Session(transport, store, clock, progress, Workers(effort.workers, pace.stop))
        finally:
            transport.close()
    requests = "1 request" if transport.requests == 1 else f"{transport.requests:,} requests"
    points = "1 point" if pace.spent == 1 else f"{pace.spent:,} points"
    tell(f"Collected from {transport.host} with {requests} and {points}.")


def collect(
    session: Session,
    patterns: tuple[str, ...],
    period: PeriodInfo,
    policy: Policy,
    clones: Sequence[Clone] = (),
    enumeration: str = Enumeration.SEARCH,
) -> tuple[str, ...]:
    """Bring the store up to date for every repository that `patterns` name.

    Args:
        session: where to ask and to store.
        patterns: repositories, or patterns of an owner's.
        period: what is to be held of them.
        policy: what it calls production, and whom it asks for.
        clones: the branches of a repository are followed in its clone, where there is one.
        enumeration: how the merged pull requests are found.

    Returns:
        The repositories, spelled as GitHub spells them.

    Raises:
        UsageError: a clone is of none of them.
        CollectError: something was refused or kept failing; what came before it is kept.
    """
    names = tuple(expand(session, patterns))
    unused = list(clones)
    jobs = [
        partial(
            _repository, session, name, period, policy, clones, unused, Enumeration(enumeration)
        )
        for name in names
    ]
    # A repository that was renamed answers to both of its names.
    collected = list(dict.fromkeys(session.workers.run(jobs)))
    if unused:
        raise UsageError(
            f"{unused[0].folder} is no clone of {', '.join(collected)}: no remote of it has such a"
            " name, and it holds none of the merges.",
            "Name a clone of a repository that is audited with --git, or leave it out.",
        )
    collect_teams(session, collected, policy)
    wanted: dict[str, datetime] = {}
    for name in collected:
        issues = named_issues(session.store, session.source, name, period, policy)
        wanted |= {k: max(at, wanted.get(k, at)) for k, at in issues.items()}
    _tickets(session, wanted)
    return tuple(collected)


def collect_one(session: Session, name: str, number: int, policy: Policy) -> str:
    """Store one merged pull request alone, with what judging it takes.

    Returns:
        The repository, spelled as GitHub spells it.

    Raises:
        UsageError: there is no such pull request, or it has not merged.
        CollectError: something was refused or kept failing.
    """
    known = collect_repository(session, name, f"repo:{name} is:pr is:merged")
    SinglePullRequest(session, known.name).collect_number(number)
    collect_teams(session, [known.name], policy)
    pull = read_single(session.store, session.source, known.name, number)
    repository = read_repository(session.store, session.source, known.name)
    _tickets(session, issues_named_by(repository, [pull] if pull else [], policy))
    return known.name


def collect_teams(
    session: Session, names: Sequence[str], policy: Policy, *, owners: bool = False
) -> None:
    """Store who is today in the teams that the policy asks for.

    Teams that own files are collected up to a number: each is a request, at every audit.

    Args:
        session: where to ask and to store.
        names: repositories that are stored, whose files the teams may own.
        policy: names teams, and asks for code owners or not.
        owners: collect the teams that own files whatever the policy asks for.
    """
    store, source = session.store, session.source
    found = [read_repository(store, source, name) for name in names]
    wanted = teams_wanted([policy], found, owners=owners)[: len(policy.teams) + MOST_OWNING_TEAMS]
    for done, team in enumerate(wanted, start=1):
        collect_team(session, team)
        session.progress.collected("teams", done, len(wanted))


def _tickets(session: Session, wanted: Mapping[str, datetime]) -> None:
    """Store the issues, by key with the last merge of a pull request that names them.

    A ticket's history grows: one that was read before the merge is read again.
    """
    asked = read_tickets_as_of(session.store, session.source, wanted)
    collect_issues(session, [k for k, at in wanted.items() if k not in asked or asked[k] < at])


def _repository(
    session: Session,
    name: str,
    period: PeriodInfo,
    policy: Policy,
    clones: Sequence[Clone],
    unused: list[Clone],
    enumeration: Enumeration,
) -> str:
    """Collect one repository, with its clone where there is one, which is no longer `unused`."""
    span = Span(period.since, period.until)
    known = collect_repository(session, name, PullRequests(session, name).search(span))
    PullRequests(session, known.name, enumeration).collect(span, known.count)
    heads = collect_branches(session, known, policy.scope.branches)
    own = next((c for c in clones if belongs(session, known.name, heads, span, c)), None)
    if own in unused:
        unused.remove(own)
    for head in heads:
        collect_line(session, known.name, head, span, own)
        collect_activity(session, known.name, head.branch, span)
    return known.name
