"""`changeaudit controls`: what guards the production branches, and where that has no effect."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

import typer

from changeaudit.cli import options, streams
from changeaudit.cli.audit import now
from changeaudit.cli.exits import Exit
from changeaudit.errors import StoreError

if TYPE_CHECKING:
    from rich.console import Console

    from changeaudit.design import Design, RepositoryDesign
    from changeaudit.policy import Policy
    from changeaudit.store import Store

MEANINGS: Final = {
    Exit.NO_EXCEPTIONS: "every control is effective, or nothing asks for it",
    Exit.EXCEPTIONS: "findings: a control is missing or has no effect",
    Exit.USAGE: "wrong usage or policy, or an output that cannot be written",
    Exit.UNCERTAIN: "no findings, but something could not be read, or no branch was found",
    Exit.FAILED: "GitHub could not be asked, or the store not be used",
}

TAKE_ONE: Final = "Take a snapshot: `changeaudit controls`, without --offline."
"""What to do where there is none."""


class ControlsFormat(StrEnum):
    """The forms in which the controls are printed."""

    TABLE = "table"
    JSON = "json"


def controls(
    repositories: options.Repositories,
    policy: options.PolicyFile = None,
    store: options.StoreFile = options.DEFAULT_STORE,
    format_: Annotated[
        ControlsFormat, options.one_of("--format", ControlsFormat, "What to print.")
    ] = ControlsFormat.TABLE,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Show what guards the production branches today, and where that has no effect.

    Branch protection, rulesets, who is exempt, required checks, the merge queue, CODEOWNERS, the
    template, environments: the design of the control, held against the policy. OWNER/REPO is a
    repository; 'OWNER/*' stands for all of an owner's.

    Each run keeps a dated snapshot in the store. GitHub does not tell what protection was earlier,
    so take one now and then; what differs from one to the next is shown. With --offline the
    snapshots are shown and none is taken. The verdicts of an audit do not depend on them.

    To read all of it the token needs Administration: read, and for the history of rulesets and who
    may bypass them Administration: write.
    """
    started_at = now()
    messages = streams.console(stderr=True)
    names = tuple(options.pattern(name) for name in repositories)
    loaded = options.loaded_policy(policy)

    from changeaudit import __version__
    from changeaudit.controls import limitations
    from changeaudit.design import SCHEMA, Design
    from changeaudit.store import Store
    from changeaudit.verdicts import PolicyInfo, Run

    with Store.open(store, create=not offline, read_only=offline) as opened:
        if offline:
            source, spelled = options.offline_names(opened, names, TAKE_ONE)
            found = [_design(opened, source, name, loaded.policy, None) for name in spelled]
        else:
            found = _taken(opened, names, loaded.policy, messages, quiet)
    design = Design(
        SCHEMA,
        Run(started_at, now(), __version__),
        PolicyInfo(loaded.policy.name, loaded.source, loaded.digest),
        tuple(found),
        limitations(found),
    )
    _present(design, format_)
    raise typer.Exit(exit_code(design))


def exit_code(design: Design) -> Exit:
    """Whether anything has no effect. What could not be read is not taken to be effective."""
    from changeaudit.verdicts import Outcome

    if design.controls(Outcome.EXCEPTION):
        return Exit.EXCEPTIONS
    return Exit.NO_EXCEPTIONS if design.whole else Exit.UNCERTAIN


def _taken(
    store: Store, patterns: tuple[str, ...], policy: Policy, messages: Console, quiet: bool
) -> list[RepositoryDesign]:
    """Take a snapshot of each repository, and read all that there are."""
    from changeaudit.cli.collect import collecting
    from changeaudit.collectors.github.controls import collect_controls
    from changeaudit.collectors.github.owned import expand
    from changeaudit.collectors.github.repository import (
        collect_branches,
        collect_repository,
    )

    found: dict[str, list[str]] = {}
    with collecting(store, now, messages, quiet, patterns) as session:
        for name in expand(session, patterns):
            known = collect_repository(session, name, f"repo:{name} is:pr is:merged")
            heads = collect_branches(session, known, policy.scope.branches)
            found[known.name] = [head.branch for head in heads]
            collect_controls(session, known.name, found[known.name])
    source = session.source
    return [_design(store, source, name, policy, branches) for name, branches in found.items()]


def _design(
    store: Store, source: str, name: str, policy: Policy, branches: Sequence[str] | None
) -> RepositoryDesign:
    """What the snapshots of a repository show; `branches` is `None` for all that are held.

    Raises:
        StoreError: there is none.
    """
    from changeaudit.collectors.github import controls, reading
    from changeaudit.controls import repository_design
    from changeaudit.population import production_branches

    facts = reading.read_repository_history(store, source, name)
    settings = controls.read_settings(store, source, name)
    if not settings:
        raise StoreError(
            f"The store holds no snapshot of the settings of {name} from {source}.",
            TAKE_ONE,
        )
    if branches is None:
        held = controls.branches_held(store, source, name)
        branches = [b for b in production_branches(facts[-1], held, policy) if b in held]
    guarded = [controls.read_branch(store, source, name, branch) for branch in branches]
    rulesets = {
        ruleset.name: ruleset
        for branch in branches
        for ruleset in controls.read_rulesets(store, source, name, branch)
    }
    return repository_design(facts, settings, guarded, rulesets.values(), policy)


def _present(design: Design, format_: ControlsFormat) -> None:
    console = streams.console()
    with streams.printing(console, "send it to a file on another disk"):
        if format_ is ControlsFormat.JSON:
            from changeaudit.reporters.registry import print_json

            print_json(design, console)
        else:
            from changeaudit.reporters.controls import render

            render(design, console)
