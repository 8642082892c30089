"""`changeaudit doctor`: could an audit run here, and what is to be done first."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from changeaudit.cli import options, streams
from changeaudit.cli.exits import Exit
from changeaudit.errors import ChangeauditError, PolicyError, StoreError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from changeaudit.policy import Policy
    from changeaudit.readiness import GitHubFacts, JiraFacts, PolicyFacts, StoreFacts, Trouble

MEANINGS: Final = {
    Exit.NO_EXCEPTIONS: "no check failed",
    Exit.USAGE: "wrong usage, or an output that cannot be written",
    Exit.FAILED: "a check failed",
}
"""What this command's exit codes tell."""


class DoctorFormat(StrEnum):
    """How the checks are told."""

    TABLE = "table"
    JSON = "json"


def doctor(
    repositories: Annotated[
        list[str] | None,
        # Described in the text: the help's own table of arguments speaks of Python's types.
        typer.Argument(metavar="OWNER/REPO", hidden=True),
    ] = None,
    policy: options.PolicyFile = None,
    store: options.StoreFile = options.DEFAULT_STORE,
    verify: Annotated[
        bool, typer.Option("--verify", help="Hold every answer in the store against its digest.")
    ] = False,
    format_: Annotated[
        DoctorFormat, options.one_of("--format", DoctorFormat, "What to print.")
    ] = DoctorFormat.TABLE,
) -> None:
    """Check what an audit needs, and tell what to do where something is missing.

    Asks GitHub whose the token is and what it may read, of each OWNER/REPO that is named; looks at
    its rate limit and the clock; reads the policy and the store; and asks each Jira of the policy,
    or the one of JIRA_URL, which projects it shows. Nothing is collected and nothing is written.
    """
    names = tuple(dict.fromkeys(_repository(name) for name in repositories or ()))

    from changeaudit import __version__
    from changeaudit.diagnosis import diagnose
    from changeaudit.readiness import SCHEMA, Facts, Readiness, Status

    found, asked = _policy(policy)
    facts = Facts(_github(names, asked), found, _store(store, verify), _jira(asked), names)
    at = _now()
    result = Readiness(
        schema=SCHEMA,
        tool_version=__version__,
        at=at.replace(microsecond=0),
        checks=diagnose(facts, asked, at),
    )
    console = streams.console()
    with streams.printing(console, "ask for --format json"):
        if format_ is DoctorFormat.JSON:
            from changeaudit.reporters.registry import print_json

            print_json(result, console)
        else:
            from changeaudit.reporters.readiness import render

            render(result, console)
    raise typer.Exit(Exit.FAILED if result.count(Status.FAILED) else Exit.NO_EXCEPTIONS)


def _now() -> datetime:
    """The present instant, as precise as it is: the clock itself is looked at."""
    return datetime.now(UTC)


def _repository(name: str) -> str:
    if set(options.pattern(name)) & set("*?["):
        raise UsageError(
            f"{name!r} is a pattern, and permissions are tried on single repositories.",
            "Name one or a few of those to be audited: OWNER/REPO.",
        )
    return name


def _trouble(error: ChangeauditError) -> Trouble:
    from changeaudit.readiness import Trouble

    return Trouble(error.message, error.hint)


def _github(names: Sequence[str], policy: Policy) -> GitHubFacts:
    from changeaudit.cli import github
    from changeaudit.collectors.github.credentials import App, Token
    from changeaudit.collectors.github.readiness import examine
    from changeaudit.readiness import GitHubFacts

    try:
        api_url = github.api_url()
    except UsageError as error:
        return GitHubFacts(_trouble(error), _trouble(error))
    credential: App | Token | Trouble
    try:
        credential = github.credential("policy and store are checked without it")
        if isinstance(credential, App):
            github.owner_of(names)
    except UsageError as error:
        credential = _trouble(error)
    return examine(api_url, credential, names, policy.teams, _now)


def _policy(path: Path | None) -> tuple[PolicyFacts, Policy]:
    """The policy; where it is none, the built-in in its place."""
    from changeaudit.cli.policy import gaps
    from changeaudit.policy_file import default_policy
    from changeaudit.readiness import PolicyFacts, Trouble

    try:
        loaded = options.loaded_policy(path)
    except PolicyError as error:
        said = " ".join((error.message, *error.problems[:3]))
        more = "The permissions were held against the built-in policy meanwhile."
        trouble = Trouble(said, f"{error.hint} {more}".strip())
        return PolicyFacts("", trouble), default_policy().policy
    unsaid = tuple(f"{gap.unsaid} ({gap.attributes})" for gap in gaps(loaded.policy))
    return PolicyFacts(loaded.source, None, unsaid), loaded.policy


def _store(where: str, verify: bool) -> StoreFacts:
    """What can be seen of the store without changing it."""
    import shutil

    from changeaudit.readiness import StoreFacts
    from changeaudit.store import Store

    path = None if "://" in where else Path(where)
    if path is not None and not path.exists():
        return _future_store(path)
    free = shutil.disk_usage(path.absolute().parent).free if path is not None else None
    try:
        with Store.open(where, create=False, read_only=True) as opened:
            shown = opened.shown
            answers = sum(count.answers for count in opened.counts())
            problems = opened.verify() if verify else None
    except StoreError as error:
        return StoreFacts(where if path else "", there=True, unreadable=_trouble(error), free=free)
    try:
        # A transaction in which nothing is put: it takes the lock and lets go of it.
        with Store.open(where, create=False) as opened, opened.begin():
            unwritable = None
    except StoreError as error:
        unwritable = _trouble(error)
    return StoreFacts(
        shown,
        there=True,
        answers=answers,
        unwritable=unwritable,
        free=free,
        problems=problems,
    )


def _future_store(path: Path) -> StoreFacts:
    """Whether a store could be made there: a file without a name is, and is gone at once."""
    import shutil
    import tempfile

    from changeaudit.readiness import StoreFacts, Trouble

    folder = path.absolute().parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            free = shutil.disk_usage(folder).free
    except OSError as error:
        said = f"No store can be made at {path}: {error.strerror or error}."
        advice = "Make the folder, or name another store with --store."
        return StoreFacts(str(path), unwritable=Trouble(said, advice))
    return StoreFacts(str(path), free=free)


def _jira(policy: Policy) -> tuple[JiraFacts, ...]:
    """What each Jira of the policy shows, or the one of the environment where it names none."""
    from changeaudit.cli.policy_init import jira_access
    from changeaudit.collectors.jira.source import access_for
    from changeaudit.collectors.jira_survey import survey_jira
    from changeaudit.errors import CollectError
    from changeaudit.readiness import JiraFacts

    if not policy.jira_projects:
        try:
            usual = jira_access()
        except CollectError as error:
            return (JiraFacts("", (), _trouble(error)),)
        return (JiraFacts(usual.site, (), survey_jira(usual, ())),) if usual else ()
    found = []
    for address, projects in policy.jiras.items():
        try:
            access, site = access_for(address, projects, os.environ)
        except CollectError as error:
            site = policy.tickets.site_of(projects[0])
            found.append(JiraFacts(site, projects, _trouble(error)))
            continue
        found.append(JiraFacts(site, projects, survey_jira(access, ())))
    return tuple(found)
