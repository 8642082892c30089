"""The options that commands share: how each is written, and what is made of what it says."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from changeaudit.cli.progress import say
from changeaudit.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from changeaudit.collectors.git import Clone
    from changeaudit.policy import Policy
    from changeaudit.policy_file import LoadedPolicy
    from changeaudit.store import Store
    from changeaudit.verdicts import PeriodInfo

Choice = TypeVar("Choice", bound=StrEnum)


def one_of(name: str, choices: type[Choice], help: str) -> Any:
    """An option `name` that takes a value of `choices`; anything else is told which there are."""

    def chosen(value: str) -> Choice:
        try:
            return choices(value)
        except ValueError:
            raise typer.BadParameter(
                f"expected one of {', '.join(choices)}; found {value!r}."
            ) from None

    def completed(incomplete: str) -> list[str]:
        return [each for each in choices if each.startswith(incomplete)]

    metavar = f"<{'|'.join(choices)}>"
    return typer.Option(name, parser=chosen, metavar=metavar, autocompletion=completed, help=help)


DEFAULT_STORE = "changeaudit.sqlite"
DEFAULT_POLICY = "policy.yaml"

Repositories = Annotated[
    list[str],
    # Described in the text: the help's own table of arguments speaks of Python's types.
    typer.Argument(metavar="OWNER/REPO", hidden=True),
]
Since = Annotated[
    str | None,
    typer.Option(metavar="DATE", help="First day, or the instant at which the period begins."),
]
Until = Annotated[
    str | None,
    typer.Option(
        metavar="DATE",
        help="Last day, included; or the instant at which the period ends, not included."
        "  [default: now]",
    ),
]
Period = Annotated[
    str | None,
    typer.Option(metavar="PERIOD", help="By name: 2026, 2026-H1, 2026-Q1 or 2026-03."),
]
Last = Annotated[str | None, typer.Option(metavar="SPAN", help="Up to now: 30d, 12w, 6m or 1y.")]
PolicyFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help=f"The policy.  [default: {DEFAULT_POLICY} here if there is one, else the built-in]",
    ),
]
StoreFile = Annotated[
    str,
    typer.Option(
        metavar="FILE", envvar="CHANGEAUDIT_STORE", help="Where collected evidence is kept."
    ),
]
Git = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="DIR",
        help="Follow the branches of a repository in a local clone of it instead of asking GitHub."
        " May be given once for each repository.",
    ),
]
Workers = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=1,
        max=16,
        help="Requests under way at once; more than a few meet GitHub's secondary limits.",
    ),
]
DEFAULT_WORKERS = 2
MaxPoints = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Stop before more than so many GraphQL points are spent; what is whole is kept.",
    ),
]


class EnumerationName(StrEnum):
    """How the merged pull requests of a period are found."""

    SEARCH = "search"
    WALK = "walk"


Enumerate = Annotated[
    EnumerationName,
    one_of(
        "--enumerate",
        EnumerationName,
        "How pull requests are found: by GitHub's search, or by walking all of a repository's.",
    ),
]
Offline = Annotated[bool, typer.Option("--offline", help="Only read the store; never the network.")]
AllowMissingTickets = Annotated[
    bool,
    typer.Option(
        "--allow-missing-tickets",
        help="Go on without the tickets of a Jira, or another tracker, that cannot be asked.",
    ),
]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="No progress and no messages, errors excepted."),
]


def named_period(
    since: str | None, until: str | None, name: str | None, span: str | None, at: datetime
) -> PeriodInfo:
    """The period that the options name; `at` is now (UTC).

    Raises:
        UsageError: none is named, or in more than one way, or what is named is none.
    """
    from changeaudit import period

    ways = sum(1 for way in (since or until, name, span) if way)
    if ways != 1:
        raise UsageError(
            "No period is named." if ways == 0 else "The period is named in more than one way.",
            "Give either --since and --until, or --period (2026-Q1), or --last (30d).",
        )
    if name:
        return period.named(name)
    if span:
        return period.last(span, at)
    if not since:
        raise UsageError("--until needs --since.", "Give the first day of the period too.")
    return period.between(since, until or at.isoformat())


def begun(period: PeriodInfo, at: datetime, messages: Console, quiet: bool) -> PeriodInfo:
    """The period as far as it has gone: nobody can tell yet what will merge.

    Raises:
        UsageError: it has not begun.
    """
    from changeaudit.reporters.text import instant
    from changeaudit.verdicts import PeriodInfo

    if period.since >= at:
        raise UsageError(
            f"The period begins at {instant(period.since)}, and it is {instant(at)} now.",
            "Name a period that has begun.",
        )
    if period.until <= at:
        return period
    if not quiet:
        say(messages, f"The period has not ended: it is audited up to now, {instant(at)}.")
    return PeriodInfo(period.since, at)


def pattern(text: str) -> str:
    """A repository, or the pattern of an owner's repositories, as the command line names it.

    Raises:
        UsageError: it is neither.
    """
    owner, slash, name = text.partition("/")
    if not slash or not owner or not name or "/" in name or set(owner) & set("*?["):
        raise UsageError(
            f"{text!r} does not name a repository.",
            "Write OWNER/REPO, as in acme/payments, or OWNER/* for all of an owner's.",
        )
    return text


def loaded_policy(path: Path | None) -> LoadedPolicy:
    """The policy of the file named, else of the one that is here, else the built-in.

    Raises:
        PolicyError: it cannot be read, is not valid, or names a tracker that is not known.
    """
    from changeaudit.policy_file import default_policy, read_policy

    if path is None and Path(DEFAULT_POLICY).is_file():
        path = Path(DEFAULT_POLICY)
    loaded = read_policy(path) if path is not None else default_policy()
    known_trackers(loaded.policy)
    return loaded


def known_trackers(policy: Policy) -> None:
    """See that each tracker that the policy names is known.

    Raises:
        PolicyError: one is not.
    """
    if policy.trackers:
        from changeaudit.collectors.tickets import check_trackers

        check_trackers(policy)


def clones(folders: Sequence[Path], offline: bool) -> tuple[Clone, ...]:
    """The clones in `folders`, each once.

    Raises:
        UsageError: one is none, git is not here, or nothing is to be collected.
    """
    if not folders:
        return ()
    if offline:
        raise UsageError(
            "--git collects from a clone, and --offline only reads the store.",
            "Leave one of them out.",
        )
    from changeaudit.collectors.git import Clone

    program = shutil.which("git")
    if program is None:
        raise UsageError("--git needs git, which is not here.", "Install git, or leave --git out.")
    return tuple(Clone(folder, program, os.environ) for folder in dict.fromkeys(folders))


def offline_names(
    store: Store, names: tuple[str, ...], advice: str = ""
) -> tuple[str, tuple[str, ...]]:
    """The source's name, and the repositories as the store spells them, each once.

    A pattern stands for what it matches of the owner's repositories as GitHub last listed them.
    `advice` says what to do where the store holds nothing of one, if not to audit it.

    Raises:
        UsageError: the store does not tell what a pattern stands for, or the source's address
            cannot be used.
        StoreError: the store holds nothing of one of them.
    """
    from changeaudit.cli.github import api_url
    from changeaudit.collectors.github import reading
    from changeaudit.collectors.github.hosts import checked_url
    from changeaudit.collectors.github.owned import is_pattern, read_listing

    source = checked_url(api_url())[0]
    advice = advice or reading.COLLECT
    found: dict[str, None] = {}
    for name in names:
        listed: tuple[str, ...] = (name,)
        if is_pattern(name):
            owner = name.partition("/")[0]
            listing = read_listing(store, source, owner)
            listed = listing.matching(name) if listing else ()
            if not listed:
                holds = f"no repository that matches {name}" if listing else f"no list of {owner}'s"
                raise UsageError(
                    f"The store holds {holds}{'' if listing else ' repositories'}.",
                    "Name the repositories themselves, or leave out --offline to ask GitHub.",
                )
        for each in listed:
            found[reading.read_repository(store, source, each, advice).name] = None
    return source, tuple(found)
