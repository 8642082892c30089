"""`changeaudit audit`: collect, judge, report."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from changeaudit.cli import options, streams
from changeaudit.cli.exits import Exit
from changeaudit.cli.progress import say
from changeaudit.errors import UsageError
from changeaudit.reporters.registry import FORMATS, FormatName

if TYPE_CHECKING:
    from changeaudit.reporters.registry import Format
    from changeaudit.verdicts import Audit


def audit(
    repositories: options.Repositories,
    since: options.Since = None,
    until: options.Until = None,
    period: options.Period = None,
    last: options.Last = None,
    policy: options.PolicyFile = None,
    store: options.StoreFile = options.DEFAULT_STORE,
    output: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write the evidence pack there: HTML, JSON and CSV."),
    ] = None,
    format_: Annotated[
        FormatName, options.one_of("--format", FormatName, "What to print.")
    ] = FormatName.TABLE,
    all_changes: Annotated[
        bool, typer.Option("--all", help="Fold nothing in a long table.")
    ] = False,
    workers: options.Workers = options.DEFAULT_WORKERS,
    max_points: options.MaxPoints = None,
    enumerate_: options.Enumerate = options.EnumerationName.SEARCH,
    git: options.Git = None,
    allow_missing_tickets: options.AllowMissingTickets = False,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Audit what reached production in a period.

    OWNER/REPO is a repository; 'OWNER/*' stands for all of an owner's that the token may see. The
    period is named in one way: by --since and --until, --period, or --last. It is half-open and in
    UTC.

    Evidence that the store does not hold yet is collected first: from GitHub, with the GitHub App
    of GITHUB_APP_ID, or the token of GITHUB_TOKEN, GH_TOKEN or `gh auth token`; tickets of
    the policy's Jira projects from Jira, with JIRA_TOKEN. 'changeaudit doctor' tells whether that
    will do. The report goes to stdout, messages to stderr.
    """
    started_at = now()
    messages = streams.console(stderr=True)
    named = options.named_period(since, until, period, last, started_at)
    chosen = options.begun(named, started_at, messages, quiet)
    names = tuple(options.pattern(name) for name in repositories)
    loaded = options.loaded_policy(policy)
    if output is not None:
        writable(output)
    clones = options.clones(git or [], offline)

    from changeaudit.cli.evidence import replay
    from changeaudit.store import Store

    with Store.open(store, create=not offline, read_only=offline) as opened:
        if offline:
            source, found = options.offline_names(opened, names)
            missing: dict[str, str] = {}
        else:
            from changeaudit.cli.collect import Effort, collect, collecting

            effort = Effort(workers, max_points, enumerate_.value)
            with collecting(opened, now, messages, quiet, names, effort) as session:
                collected = collect(
                    session,
                    names,
                    chosen,
                    loaded.policy,
                    clones,
                    effort.enumeration,
                    allow_missing=allow_missing_tickets,
                )
            source, found, missing = session.source, collected.names, collected.missing
        result = replay(
            opened,
            source,
            found,
            chosen,
            loaded,
            started_at,
            now,
            asked=names,
            missing=missing,
        )
    raise typer.Exit(present(result, FORMATS[format_], output, all_changes, quiet))


def now() -> datetime:
    """The present instant, in UTC, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


def present(
    result: Audit, chosen: Format, output: Path | None, all_changes: bool, quiet: bool
) -> Exit:
    """Write the files, print the report, and give the exit code.

    Raises:
        UsageError: a file, or the standard output, cannot be written.
    """
    if output is not None:
        from changeaudit.reporters.registry import write_files

        write_files(result, output)
    console = streams.console()
    with streams.printing(console, "write the report into a folder with --output"):
        chosen.write(result, console, all_changes)
    if output is not None and not quiet:
        say(streams.console(stderr=True), f"Evidence pack: {output / 'index.html'}")
    return exit_code(result)


def exit_code(result: Audit) -> Exit:
    """What the audit comes to. No exceptions is said only where everything could be shown."""
    summary, trace = result.summary, result.reverse_trace
    counts = trace is not None and trace.counts
    if summary.exceptions > summary.waived or (trace and counts and trace.untraced):
        return Exit.EXCEPTIONS
    whole = all(repository.complete for repository in summary.repositories)
    # A change whose exceptions are all waived may still be undetermined in something else.
    unsure = summary.undetermined or any(change.unsure for change in result.changes)
    unsure = unsure or bool(trace and counts and trace.unknown)
    sure = summary.changes and whole and not unsure
    return Exit.NO_EXCEPTIONS if sure else Exit.UNCERTAIN


def writable(folder: Path) -> None:
    """See that a file can be written in the output folder, before hours of collecting.

    What had to be made for that is taken away again: the report makes it once it is there.

    Raises:
        UsageError: it cannot.
    """
    probe = folder / ".changeaudit-probe"
    try:
        made = [each for each in (folder, *folder.parents) if not each.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
        for each in made:
            with suppress(OSError):  # somebody else may have put something there by now
                each.rmdir()
    except (FileExistsError, NotADirectoryError):
        raise UsageError(
            f"The output {folder} cannot be a folder: there is a file in its place.",
            "Name another folder with --output.",
        ) from None
    except OSError as error:
        raise UsageError(
            f"The output folder {folder} cannot be written: {error.strerror or error}.",
            "Name another folder with --output.",
        ) from None
