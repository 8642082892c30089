"""Collecting, in its order: repositories, pull requests, branches, teams, tickets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from changeaudit.cli import github
from changeaudit.cli.evidence import issues_named_by, named_issues
from changeaudit.cli.progress import say, shown
from changeaudit.collectors.github.ask import Session
from changeaudit.collectors.github.issues import collect_issues
from changeaudit.collectors.github.line import collect_line
from changeaudit.collectors.github.pull_requests import PullRequests
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
from changeaudit.policy import Policy
from changeaudit.store import Store
from changeaudit.verdicts import PeriodInfo

if TYPE_CHECKING:
    from rich.console import Console


@contextmanager
def collecting(
    store: Store, clock: Callable[[], datetime], messages: Console, quiet: bool
) -> Iterator[Session]:
    """A session with GitHub for as long as the block lasts; then how much it took is said.

    Raises:
        UsageError: there is no token, or the API's address cannot be used.
    """
    token = github.token()
    with shown(messages, quiet) as progress:
        transport = Transport(token, github.api_url(), clock, listener=progress)
        try:
            yield Session(transport, store, clock, progress)
        finally:
            transport.close()
    if not quiet:
        what = "1 request" if transport.requests == 1 else f"{transport.requests} requests"
        say(messages, f"Collected from {transport.host} with {what}.")


def collect(
    session: Session, patterns: tuple[str, ...], period: PeriodInfo, policy: Policy
) -> tuple[str, ...]:
    """Bring the store up to date for every repository that `patterns` name.

    Returns:
        The repositories, spelled as GitHub spells them.

    Raises:
        CollectError: something was refused or kept failing; what came before it is kept.
    """
    names = tuple(expand(session, patterns))
    for team in policy.teams:
        collect_team(session, team)
    # A repository that was renamed answers to both of its names.
    collected = list(dict.fromkeys(_repository(session, n, period, policy) for n in names))
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
    for team in policy.teams:
        collect_team(session, team)
    pull = read_single(session.store, session.source, known.name, number)
    repository = read_repository(session.store, session.source, known.name)
    _tickets(session, issues_named_by(repository, [pull] if pull else [], policy))
    return known.name


def _tickets(session: Session, wanted: Mapping[str, datetime]) -> None:
    """Store the issues, by key with the last merge of a pull request that names them.

    A ticket's history grows: one that was read before the merge is read again.
    """
    asked = read_tickets_as_of(session.store, session.source, wanted)
    collect_issues(session, [k for k, at in wanted.items() if k not in asked or asked[k] < at])


def _repository(session: Session, name: str, period: PeriodInfo, policy: Policy) -> str:
    span = Span(period.since, period.until)
    known = collect_repository(session, name, PullRequests(session, name).search(span))
    pulls = PullRequests(session, known.name)
    pulls.collect(span, known.count)
    for head in collect_branches(session, known, policy.scope.branches):
        collect_line(session, known.name, head, span)
    return known.name
