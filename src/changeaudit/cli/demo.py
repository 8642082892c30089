"""`changeaudit demo`: the main job, offline, on evidence that ships with the program."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from changeaudit.cli import options
from changeaudit.cli.audit import now, present, writable
from changeaudit.reporters.registry import FORMATS, FormatName

if TYPE_CHECKING:
    from changeaudit.policy_file import LoadedPolicy
    from changeaudit.verdicts import Audit, PeriodInfo


def demo(
    output: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Where the evidence pack goes: HTML, JSON and CSV."),
    ] = Path("changeaudit-demo"),
    format_: Annotated[
        FormatName, options.one_of("--format", FormatName, "What to print.")
    ] = FormatName.TABLE,
    all_changes: Annotated[
        bool, typer.Option("--all", help="Fold nothing in a long table.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No messages, errors excepted.")
    ] = False,
) -> None:
    """Audit an invented organisation, without network or token.

    The evidence comes with the program; everything else is as in a live run. Leaves with 0 once
    the report is written, whatever it found.
    """
    writable(output)
    present(audited(), FORMATS[format_], output, all_changes, quiet)


@dataclass(frozen=True, slots=True)
class Demonstration:
    """What ships with the program: a store, what it holds, and the policy to judge it by."""

    store: Path
    source: str
    repositories: tuple[str, ...]
    period: PeriodInfo
    policy: LoadedPolicy


def demonstration() -> Demonstration:
    """The shipped evidence, as its `demo.json` describes it."""
    import json
    from datetime import datetime

    from changeaudit.policy_file import LoadedPolicy, read_policy
    from changeaudit.verdicts import PeriodInfo

    folder = shipped()
    about = json.loads((folder / "demo.json").read_text(encoding="utf-8"))
    policy = read_policy(folder / about["policy"])
    return Demonstration(
        store=folder / "evidence.sqlite",
        source=about["source"],
        repositories=tuple(about["repositories"]),
        period=PeriodInfo(
            datetime.fromisoformat(about["since"]), datetime.fromisoformat(about["until"])
        ),
        # Where the program is installed is nothing to the report, which reads the same everywhere.
        policy=LoadedPolicy(policy.policy, about["policy"], policy.digest),
    )


def audited() -> Audit:
    """The audit of the shipped evidence."""
    from changeaudit.cli.evidence import replay
    from changeaudit.store import Store

    ours = demonstration()
    with Store.open(ours.store, create=False, read_only=True) as store:
        return replay(
            store,
            ours.source,
            ours.repositories,
            ours.period,
            ours.policy,
            now(),
            now,
            demonstration=True,
        )


def shipped() -> Path:
    """The folder of the demonstration: inside an installed package, or beside the sources."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "demo_evidence"
    return installed if installed.is_dir() else package.parent.parent / "fixtures" / "demo"
