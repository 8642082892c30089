"""`changeaudit explain`: one change as a story."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from changeaudit.cli import options, streams
from changeaudit.cli.audit import now
from changeaudit.cli.exits import Exit
from changeaudit.cli.progress import say
from changeaudit.errors import StoreError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from changeaudit.cli.one_change import Judging, Target
    from changeaudit.explanation import Explanation
    from changeaudit.store import Store


def explain(
    # Described in the text: the help's own table of arguments speaks of Python's types.
    change: Annotated[str, typer.Argument(metavar="OWNER/REPO#NUMBER", hidden=True)],
    policy: options.PolicyFile = None,
    store: options.StoreFile = options.DEFAULT_STORE,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the evidence sheet there too.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
    demo: Annotated[
        bool,
        typer.Option("--demo", help="Explain a change of the demonstration, by its own policy."),
    ] = False,
    allow_missing_tickets: options.AllowMissingTickets = False,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Tell one change as a story: what happened, each verdict, and what would have passed.

    The change is OWNER/REPO#NUMBER, a merged pull request, or OWNER/REPO@OID, a direct push by
    one of its commits. Some shells want it in quotes, for the sake of the #.

    A pull request is taken from the store if it is there, as it was collected; else it is
    collected, alone. A direct push shows only in the history of its branch, which
    'changeaudit audit' collects. What has not merged is no change yet: wrong usage, code 2.
    """
    started_at = now()
    messages = streams.console(stderr=True)

    from changeaudit.cli import one_change

    wanted = one_change.target(change)
    if demo:
        told = _demonstrated(wanted, policy)
    else:
        judging = one_change.Judging(options.loaded_policy(policy), started_at, now, False)
        told = _told(wanted, judging, store, offline, messages, quiet, allow_missing_tickets)
    _present(told, html, json, messages, quiet)
    raise typer.Exit(exit_code(told))


def exit_code(told: Explanation) -> Exit:
    """What the change comes to. Out of scope, nothing was judged: that is no pass."""
    from changeaudit.verdicts import Result

    if told.change is None:
        return Exit.UNCERTAIN
    if told.change.result is Result.EXCEPTION and not told.change.waived:
        return Exit.EXCEPTIONS
    return Exit.UNCERTAIN if told.change.unsure else Exit.NO_EXCEPTIONS


def _demonstrated(wanted: Target, policy: Path | None) -> Explanation:
    """The explanation from the evidence that comes with the program.

    Raises:
        UsageError: the demonstration does not show the change.
    """
    from changeaudit.cli.demo import demonstration
    from changeaudit.cli.one_change import Judging, held
    from changeaudit.policy_file import read_policy
    from changeaudit.store import Store

    shipped = demonstration()
    loaded = shipped.policy if policy is None else read_policy(policy)
    names = {name.casefold(): name for name in shipped.repositories}
    name = names.get(wanted.repository.casefold())
    try_another = f"Its repositories are {', '.join(names.values())}; `changeaudit demo` lists all."
    if name is None:
        raise UsageError(f"The demonstration has no repository {wanted.repository}.", try_another)
    with Store.open(shipped.store, create=False, read_only=True) as opened:
        if not wanted.oid and held(opened, shipped.source, name, wanted.number) is None:
            raise UsageError(
                f"The demonstration has no such pull request: {name}#{wanted.number}.",
                try_another,
            )
        return _from_store(opened, shipped.source, wanted, Judging(loaded, now(), now, True))


def _told(
    wanted: Target,
    judging: Judging,
    store: str,
    offline: bool,
    messages: Console,
    quiet: bool,
    allow_missing: bool,
) -> Explanation:
    """The explanation from the store, into which the change is collected if need be."""
    from changeaudit.cli.github import api_url
    from changeaudit.cli.one_change import is_held
    from changeaudit.collectors.github.hosts import checked_url
    from changeaudit.store import Store

    source, _ = checked_url(api_url())
    only_read = offline or bool(wanted.oid)
    with Store.open(store, create=not only_read, read_only=only_read) as opened:
        policy = judging.loaded.policy
        if not only_read and not is_held(opened, source, wanted, policy):
            from changeaudit.cli.collect import collect_one, collecting

            names = (wanted.repository,)
            with collecting(opened, now, messages, quiet, names) as session:
                collected = collect_one(
                    session,
                    wanted.repository,
                    wanted.number,
                    policy,
                    allow_missing=allow_missing,
                )
            wanted = type(wanted)(collected.names[0], wanted.number, "")
            loaded, started_at = judging.loaded, judging.started_at
            judging = type(judging)(loaded, started_at, now, False, collected.missing)
        return _from_store(opened, source, wanted, judging)


def _from_store(store: Store, source: str, wanted: Target, judging: Judging) -> Explanation:
    """The explanation of what the store holds.

    Raises:
        StoreError: it does not hold the change.
    """
    from changeaudit.cli.one_change import explain_pull, explain_push, held
    from changeaudit.collectors.github.reading import read_repository

    name = read_repository(store, source, wanted.repository).name
    if wanted.oid:
        return explain_push(store, source, name, wanted.oid, judging)
    found = held(store, source, name, wanted.number)
    if found is None:
        raise StoreError(
            f"The store does not hold the pull request {name}#{wanted.number}.",
            "Run the command without --offline to collect it.",
        )
    return explain_pull(store, source, name, found, judging)


def _present(
    told: Explanation, html: Path | None, json: bool, messages: Console, quiet: bool
) -> None:
    """Write the sheet, and print the story.

    Raises:
        UsageError: the file, or the standard output, cannot be written.
    """
    written = html is not None and told.change is not None
    if html is not None and written:
        from changeaudit.reporters.files import replacing
        from changeaudit.reporters.html.pages import story_page

        page = story_page(told).encode()
        try:
            with replacing(html) as stream:
                stream.write(page)
        except OSError as error:
            raise UsageError(
                f"The sheet cannot be written to {html}: {error.strerror or error}.",
                "Name a file in a folder that you may write to, with --html.",
            ) from None
    console = streams.console()
    with streams.printing(console, "write the evidence sheet to a file with --html"):
        if json:
            from changeaudit.reporters.registry import print_json

            print_json(told, console)
        else:
            from changeaudit.reporters.story import render

            render(told, console)
    if html is not None and not quiet:
        said = f"Evidence sheet: {html}"
        say(messages, said if written else "Out of scope: there is no evidence sheet to write.")
