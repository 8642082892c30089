"""`changeaudit policy diff`: a policy tried on the changes of the past before it is adopted."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from changeaudit.cli import options, streams
from changeaudit.cli.audit import now
from changeaudit.cli.exits import Exit
from changeaudit.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from changeaudit.cli.evidence import Gathered
    from changeaudit.comparison import Comparison
    from changeaudit.policy import Policy
    from changeaudit.policy_file import LoadedPolicy
    from changeaudit.store import Store
    from changeaudit.verdicts import PeriodInfo

MEANINGS: Final = {
    0: "nothing changes",
    1: "some verdict, class or scope changes",
    2: "wrong usage or policy",
    3: "neither policy has a change in scope: nothing was compared",
    4: "the store could not be used, or does not hold the period",
}

EPILOG: Final = "\n".join(
    ("\b", "Exit codes:", *(f"  {code:>3}  {said}" for code, said in MEANINGS.items()))
)


class DiffFormat(StrEnum):
    """The forms in which a comparison is printed."""

    TABLE = "table"
    JSON = "json"


def diff(
    # Described in the text: the help's own table of arguments speaks of Python's types.
    before: Annotated[Path, typer.Argument(metavar="OLD", hidden=True)],
    after: Annotated[Path, typer.Argument(metavar="NEW", hidden=True)],
    repositories: Annotated[
        list[str] | None, typer.Argument(metavar="OWNER/REPO", hidden=True)
    ] = None,
    since: options.Since = None,
    until: options.Until = None,
    period: options.Period = None,
    last: options.Last = None,
    store: options.StoreFile = options.DEFAULT_STORE,
    format_: Annotated[
        DiffFormat, options.one_of("--format", DiffFormat, "What to print.")
    ] = DiffFormat.TABLE,
    all_changes: Annotated[
        bool, typer.Option("--all", help="Fold nothing: every change, with both reasons.")
    ] = False,
    demo: Annotated[
        bool,
        typer.Option(
            "--demo", help="Compare over the demonstration; name no repository and no period."
        ),
    ] = False,
) -> None:
    """Show which verdicts change between the policies OLD and NEW, and why.

    First stand the changes that become compliant or cease to be, then each verdict that changes,
    with a few examples of why; --all shows them all, and so does --format json.

    Both judge the same evidence: what the store holds of each OWNER/REPO in the period, which is
    named as for 'changeaudit audit'. Nothing is collected. What only one of the policies needs,
    such as another team's members, may not be in the store; the report says so.
    """
    started_at = now()
    messages = streams.console(stderr=True)

    from changeaudit.policy_file import read_policy
    from changeaudit.store import Store

    policies = read_policy(before), read_policy(after)
    if demo:
        if repositories or since or until or period or last:
            raise UsageError(
                "--demo brings its own repositories and period.",
                "Leave out --demo, or the others.",
            )
        from changeaudit.cli.demo import demonstration

        ours = demonstration()
        with Store.open(ours.store, create=False, read_only=True) as opened:
            found = compared(
                opened, ours.source, ours.repositories, ours.period, policies, started_at, True
            )
    else:
        named = options.named_period(since, until, period, last, started_at)
        chosen = options.begun(named, started_at, messages, False)
        names = tuple(options.pattern(name) for name in repositories or ())
        if not names:
            raise UsageError("No repository is named.", "Name one or more: OWNER/REPO.")
        with Store.open(store, create=False, read_only=True) as opened:
            source, spelled = options.offline_names(opened, names)
            found = compared(opened, source, spelled, chosen, policies, started_at, False)
    _present(found, format_, all_changes)
    raise typer.Exit(exit_code(found))


def exit_code(found: Comparison) -> Exit:
    """Whether anything changes. Nothing compared is not "nothing changes"."""
    if found.empty:
        return Exit.UNCERTAIN
    return Exit.EXCEPTIONS if found.differs else Exit.NO_EXCEPTIONS


def compared(
    store: Store,
    source: str,
    names: Sequence[str],
    period: PeriodInfo,
    policies: tuple[LoadedPolicy, LoadedPolicy],
    started_at: datetime,
    demonstration: bool,
) -> Comparison:
    """Judge what the store holds by both policies. It is read once.

    Raises:
        StoreError: the store does not hold the whole period of a repository.
    """
    from changeaudit import __version__
    from changeaudit.audit import audit
    from changeaudit.cli.evidence import gather
    from changeaudit.comparison import compare, settings_changed
    from changeaudit.policy_file import effective_values
    from changeaudit.verdicts import PolicyInfo, Run

    both = [loaded.policy for loaded in policies]
    gathered = [gather(store, source, name, period, both) for name in names]
    audits = [
        audit(
            [each.population(loaded.policy) for each in gathered],
            loaded.policy,
            PolicyInfo(loaded.policy.name, loaded.source, loaded.digest),
            period,
            (),
            (),
            Run(started_at, now(), __version__),
            demonstration=demonstration,
        )
        for loaded in policies
    ]
    said = [effective_values(policy) for policy in both]
    return compare(audits[0], audits[1], _limits(gathered, both), settings_changed(*said))


def _limits(gathered: Sequence[Gathered], policies: Sequence[Policy]) -> list[str]:
    """What one of the policies needs and the store does not hold."""
    from changeaudit.cli.evidence import teams_not_held
    from changeaudit.cli.wanted import tickets_named_by

    teams = [team for each in gathered for team in each.teams]
    repositories = [each.repository for each in gathered]
    found = teams_not_held(teams, policies, repositories) if gathered else []
    for each in gathered:
        name = each.repository.name
        lines = [branch for branch, line in each.lines.items() if line.missing]
        if lines:
            found.append(
                f"The store does not hold the whole history of {', '.join(lines)} of {name}:"
                " direct pushes to it, and what reached it under another name, may be missing."
            )
        named = {k for p in policies for k in tickets_named_by(each.repository, each.pulls, p)}
        unknown = len(named - each.tickets.keys())
        if unknown:
            tickets = "1 ticket" if unknown == 1 else f"{unknown} tickets"
            found.append(
                f"The store holds nothing of {tickets} that pull requests of {name} name:"
                " audit with the policy that counts them to collect them."
            )
    return found


def _present(found: Comparison, format_: DiffFormat, all_changes: bool) -> None:
    console = streams.console()
    with streams.printing(console, "send it to a file on another disk"):
        if format_ is DiffFormat.JSON:
            from changeaudit.reporters.registry import print_json

            print_json(found, console)
        else:
            from changeaudit.reporters.comparison import render

            render(found, console, all_changes=all_changes)
