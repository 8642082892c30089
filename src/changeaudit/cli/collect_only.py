"""`changeaudit collect`: bring the store up to date, and judge nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

from changeaudit.cli import options, streams
from changeaudit.cli.exits import Exit

if TYPE_CHECKING:
    from changeaudit.cli import collect as collecting
    from changeaudit.policy import Policy
    from changeaudit.reporters.collected import CollectedTickets, Collection
    from changeaudit.store import Store
    from changeaudit.verdicts import PeriodInfo

MEANINGS: Final = {
    Exit.NO_EXCEPTIONS: "everything asked for is in the store",
    Exit.USAGE: "wrong usage or policy",
    Exit.FAILED: "the evidence could not be collected, or the store not be used",
    Exit.DEFECT: "a defect of changeaudit",
    Exit.INTERRUPTED: "interrupted; what was collected so far is kept",
    Exit.BROKEN_PIPE: "whoever read the output went away before its end",
}
"""What this command's exit codes tell."""


class CollectFormat(StrEnum):
    """How it is told what the store then holds."""

    TABLE = "table"
    JSON = "json"


def collect(
    repositories: options.Repositories,
    since: options.Since = None,
    until: options.Until = None,
    period: options.Period = None,
    last: options.Last = None,
    policy: options.PolicyFile = None,
    store: options.StoreFile = options.DEFAULT_STORE,
    workers: options.Workers = options.DEFAULT_WORKERS,
    max_points: options.MaxPoints = None,
    enumerate_: options.Enumerate = options.EnumerationName.SEARCH,
    format_: Annotated[
        CollectFormat, options.one_of("--format", CollectFormat, "What to print.")
    ] = CollectFormat.TABLE,
    git: options.Git = None,
    allow_missing_tickets: options.AllowMissingTickets = False,
    quiet: options.Quiet = False,
) -> None:
    """Collect the evidence of a period into the store, without judging it.

    An audit of the same period then asks GitHub for next to nothing, or for nothing at all with
    --offline. What is interrupted goes on where it stopped when it is started again; several may
    collect into one store. The policy tells which branches, teams and tickets belong to it.
    """
    started_at = datetime.now(UTC).replace(microsecond=0)
    messages = streams.console(stderr=True)
    named = options.named_period(since, until, period, last, started_at)
    chosen = options.begun(named, started_at, messages, quiet)
    names = tuple(options.pattern(name) for name in repositories)
    loaded = options.loaded_policy(policy)
    clones = options.clones(git or [], offline=False)

    from changeaudit.cli import collect as collecting
    from changeaudit.reporters import collected
    from changeaudit.reporters.registry import print_json
    from changeaudit.store import Store

    effort = collecting.Effort(workers, max_points, enumerate_.value)
    with Store.open(store) as opened:
        with collecting.collecting(opened, _now, messages, quiet, names, effort) as session:
            found = collecting.collect(
                session,
                names,
                chosen,
                loaded.policy,
                clones,
                effort.enumeration,
                allow_missing=allow_missing_tickets,
            )
        held = _held(opened, session.source, found, chosen, loaded.policy)
    console = streams.console()
    with streams.printing(console, "ask for --format json"):
        if format_ is CollectFormat.JSON:
            print_json(held, console)
        else:
            collected.write_table(held, console)


def _held(
    store: Store, source: str, done: collecting.Collected, period: PeriodInfo, policy: Policy
) -> Collection:
    """What the store holds of the repositories and their tickets now."""
    from changeaudit.collectors.github import pull_requests, reading
    from changeaudit.collectors.spans import Span
    from changeaudit.reporters.collected import SCHEMA, Collected, Collection

    span = Span(period.since, period.until)
    found = []
    for name in done.names:
        number = store.number(source, name, pull_requests.KIND, span.since, span.until)
        as_of = reading.covered(store, source, name, span).held_as_of or period.since
        branches = reading.lines_held(store, source, name)
        found.append(Collected(name, number, branches, as_of))
    tickets = _tickets(store, source, done, policy)
    return Collection(SCHEMA, source, period.since, period.until, tuple(found), tickets)


def _tickets(
    store: Store, source: str, done: collecting.Collected, policy: Policy
) -> CollectedTickets:
    """What became of the tickets that the pull requests name."""
    from changeaudit.collectors.tickets import read_tickets
    from changeaudit.records import Ticket
    from changeaudit.reporters.collected import CollectedTickets

    found = read_tickets(store, source, done.named, [policy])
    rest = [key for key in done.named if not isinstance(found.get(key), Ticket)]
    not_asked = sum(key in done.missing for key in rest)
    return CollectedTickets(len(done.named) - len(rest), len(rest) - not_asked, not_asked)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
