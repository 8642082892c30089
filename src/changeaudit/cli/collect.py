"""Collecting, in its order: repositories, pull requests, branches, teams, tickets."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from changeaudit.cli import github
from changeaudit.cli.progress import elsewhere, say, shown
from changeaudit.cli.wanted import named_tickets, teams_wanted, tickets_named_by
from changeaudit.collectors.asking import Asking
from changeaudit.collectors.git import Clone
from changeaudit.collectors.github.activity import collect_activity, collect_deleted
from changeaudit.collectors.github.ask import Session
from changeaudit.collectors.github.last_changes import collect_last_changes
from changeaudit.collectors.github.line import belongs, collect_line
from changeaudit.collectors.github.owned import expand
from changeaudit.collectors.github.pace import Pace
from changeaudit.collectors.github.parsing import OWNERS
from changeaudit.collectors.github.pull_requests import Enumeration, PullRequests
from changeaudit.collectors.github.reading import read_repository
from changeaudit.collectors.github.repository import (
    Known,
    collect_branches,
    collect_repository,
    collect_team,
)
from changeaudit.collectors.github.single import SinglePullRequest, read_single
from changeaudit.collectors.github.transport import Transport
from changeaudit.collectors.jira.source import without_access
from changeaudit.collectors.spans import Span
from changeaudit.collectors.tickets import collect_tickets
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


class Collected(Record, frozen=True):
    """What was collected, spelled as GitHub spells it, and which tickets are missing, with why.

    `named` are the tickets, by key in lower case, with the last merge that names each.
    """

    names: tuple[str, ...]
    missing: dict[str, str]
    named: dict[str, datetime]


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
        session = Session(transport, store, clock, progress, Workers(effort.workers, pace.stop))
        try:
            yield session
        finally:
            transport.close()
    points = "1 point" if pace.spent == 1 else f"{pace.spent:,} points"
    others = (f"; from {site} with {_requests(n)}" for site, n in session.elsewhere.items())
    took = f"{_requests(transport.requests)} and {points}{''.join(others)}"
    tell(f"Collected from {transport.host} with {took}.")


def collect(
    session: Session,
    patterns: tuple[str, ...],
    period: PeriodInfo,
    policy: Policy,
    clones: Sequence[Clone] = (),
    enumeration: str = Enumeration.SEARCH,
    *,
    allow_missing: bool = False,
) -> Collected:
    """Bring the store up to date for every repository that `patterns` name.

    Args:
        session: where to ask and to store.
        patterns: repositories, or patterns of an owner's.
        period: what is to be held of them.
        policy: what it calls production, and whom it asks for.
        clones: the branches of a repository are followed in its clone, where there is one.
        enumeration: how the merged pull requests are found.
        allow_missing: go on without the tickets of a tracker that fails.

    Raises:
        UsageError: a clone is of none of them.
        CollectError: something was refused or kept failing; what came before it is kept.
    """
    for error in without_access(policy, os.environ):
        session.progress.noted(f"{error.message} {error.hint} The rest is collected first.")
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
        named = named_tickets(session.store, session.source, name, period, policy)
        wanted |= {k: max(at, wanted.get(k, at)) for k, at in named.items()}
    traced = policy.tickets.reverse_trace != "off"
    touched_since = period.since if traced else None
    missing = _tickets(session, wanted, policy, allow_missing, touched_since)
    return Collected(tuple(collected), missing, wanted)


def collect_one(
    session: Session, name: str, number: int, policy: Policy, *, allow_missing: bool = False
) -> Collected:
    """Store one merged pull request alone, with what judging it takes.

    Raises:
        UsageError: there is no such pull request, or it has not merged.
        CollectError: something was refused or kept failing.
    """
    known = collect_repository(session, name, f"repo:{name} is:pr is:merged")
    _last_changes(session, known, policy)
    SinglePullRequest(session, known.name).collect_number(number)
    collect_teams(session, [known.name], policy)
    pull = read_single(session.store, session.source, known.name, number)
    repository = read_repository(session.store, session.source, known.name)
    wanted = tickets_named_by(repository, [pull] if pull else [], policy)
    return Collected((known.name,), _tickets(session, wanted, policy, allow_missing), wanted)


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


def _tickets(
    session: Session,
    wanted: Mapping[str, datetime],
    policy: Policy,
    allow_missing: bool,
    touched_since: datetime | None = None,
) -> dict[str, str]:
    """Store the tickets, by key with the last merge of a pull request that names them.

    Returns why some could not be asked for, by key, where that is allowed.
    """

    def took(site: str, requests: int) -> None:
        session.elsewhere[site] = session.elsewhere.get(site, 0) + requests

    asking = Asking(
        github=session,
        store=session.store,
        environment=os.environ,
        clock=session.clock,
        sleep=time.sleep,
        progress=elsewhere(session.progress),
        took=took,
        touched_since=touched_since,
    )
    return collect_tickets(wanted, policy, asking, allow_missing=allow_missing)


def _requests(number: int) -> str:
    return "1 request" if number == 1 else f"{number:,} requests"


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
    heads = collect_branches(session, known, policy.scope.branches)
    pulls = PullRequests(session, known.name, enumeration)

    def follow() -> None:
        own = next((c for c in clones if belongs(session, known.name, heads, span, c)), None)
        if own in unused:
            unused.remove(own)
        session.workers.run(
            partial(collect_line, session, known.name, head, span, own) for head in heads
        )

    def watch() -> None:
        gone = collect_deleted(session, known.name, policy.scope.branches, span)
        branches = dict.fromkeys([*(head.branch for head in heads), *gone])
        session.workers.run(
            partial(collect_activity, session, known.name, branch, span) for branch in branches
        )

    jobs: list[Callable[[], object]] = [
        partial(_last_changes, session, known, policy),
        watch,
        partial(pulls.collect, span, known.count, [follow]),
    ]
    session.workers.run(jobs)
    return known.name


def _last_changes(session: Session, known: Known, policy: Policy) -> None:
    """Store when the templates last changed, and CODEOWNERS where the policy asks for it."""
    if known.default:
        wanted = (*known.templates, *(OWNERS if policy.codeowners else ()))
        collect_last_changes(session, known.name, known.default.oid, known.default.id, wanted)
