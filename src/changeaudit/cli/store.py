"""`changeaudit store`: what a store holds, whether it is whole, and taking it elsewhere."""

from __future__ import annotations

import secrets
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from changeaudit.cli import options, streams
from changeaudit.cli.exits import Exit
from changeaudit.cli.progress import say
from changeaudit.errors import StoreError, UsageError

if TYPE_CHECKING:
    from changeaudit.archive import Totals

app = typer.Typer(
    help="See what an evidence store holds, check it, and take it elsewhere.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class InfoFormat(StrEnum):
    """How `store info` tells what there is."""

    TABLE = "table"
    JSON = "json"


@app.command("info")
def info(
    store: options.StoreFile = options.DEFAULT_STORE,
    format_: Annotated[
        InfoFormat, typer.Option("--format", help="What to print.")
    ] = InfoFormat.TABLE,
) -> None:
    """Tell what a store holds: which answers about what, since when, and which periods whole.

    A period is held whole if everything that belongs to it was collected, as of the instant given.
    """
    from changeaudit.cli.evidence import KINDS
    from changeaudit.reporters.holdings import (
        SCHEMA,
        Held,
        Holdings,
        Span,
        write_json,
        write_table,
    )
    from changeaudit.store import Store

    with Store.open(store, create=False, read_only=True) as opened:
        found = Holdings(
            schema=SCHEMA,
            store=opened.shown,
            size=_size(store),
            held=tuple(
                Held(
                    c.source,
                    c.subject,
                    c.kind,
                    c.answers,
                    c.bytes,
                    c.first_received_at,
                    c.last_received_at,
                )
                for c in opened.counts()
            ),
            spans=tuple(
                Span(w.source, w.subject, w.kind, w.since, w.until, w.as_of)
                for w in opened.every_window()
            ),
        )
    console = streams.console()
    with streams.printing(console, "ask for --format json"):
        if format_ is InfoFormat.JSON:
            write_json(found, console)
        else:
            write_table(found, console, KINDS)


@app.command("verify")
def verify(store: options.StoreFile = options.DEFAULT_STORE, quiet: options.Quiet = False) -> None:
    """Hold every answer against its digest, and every part of a store against the others.

    Leaves with 0 if it is whole, and with 4 and a line for each problem if it is not.
    """
    from changeaudit.reporters.text import one_line
    from changeaudit.store import Store

    with Store.open(store, create=False, read_only=True) as opened:
        problems = opened.verify()
        answers = sum(count.answers for count in opened.counts()) if not problems else 0
    for problem in problems:
        typer.echo(one_line(problem))
    if problems:
        raise typer.Exit(Exit.FAILED)
    if not quiet:
        typer.echo(f"The store is whole: every one of its {answers:,} answers has its digest.")


@app.command("export")
def export(
    output: Annotated[Path, typer.Argument(metavar="ARCHIVE", hidden=True)],
    store: options.StoreFile = options.DEFAULT_STORE,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file if there is one.")
    ] = False,
    quiet: options.Quiet = False,
) -> None:
    """Write all of a store into ARCHIVE, one compressed file (.jsonl.gz) that any machine reads.

    The answers are in it as they were received, with their digests. It holds no token.
    """
    from changeaudit import archive
    from changeaudit.reporters.files import replacing
    from changeaudit.store import Store

    if output.exists() and not force:
        raise UsageError(f"{output} is there already.", "Name another file, or add --force.")
    with Store.open(store, create=False, read_only=True) as opened:
        try:
            with replacing(output) as stream:
                totals = archive.export(opened, stream)
        except OSError as error:
            raise UsageError(
                f"{output} cannot be written: {error.strerror or error}.", "Name another file."
            ) from None
    _told(str(output), totals, quiet)


@app.command("import")
def import_(
    archive_: Annotated[str, typer.Argument(metavar="ARCHIVE", hidden=True)],
    store: options.StoreFile = options.DEFAULT_STORE,
    quiet: options.Quiet = False,
) -> None:
    """Make a store of ARCHIVE, as `store export` wrote it. The store must not be there yet.

    `changeaudit store merge` joins an archive with what a store holds, in a new store.
    """
    _made_of([archive_], store, quiet)


@app.command("merge")
def merge(
    output: Annotated[str, typer.Argument(metavar="OUTPUT", hidden=True)],
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT...", hidden=True)],
    quiet: options.Quiet = False,
) -> None:
    """Join the INPUTs, stores or archives, in the new store OUTPUT. They are left as they are.

    What several machines collected is put in the order in which it was received, each answer
    once, so that the newest of it counts.
    """
    _made_of(inputs, output, quiet)


def _made_of(sources: list[str], where: str, quiet: bool) -> None:
    """Fill a new store. One that could not be finished is removed again."""
    from changeaudit.archive import merge as merge_into
    from changeaudit.store import Store

    if "://" in where:
        with Store.open(where) as into:
            if into.counts():
                raise UsageError(f"The store {into.shown} is not empty.", "Name an empty one.")
            _told(into.shown, merge_into(sources, into), quiet)
        return
    path = Path(where)
    if path.exists():
        raise UsageError(
            f"There is a store {path} already.",
            "Name one that is not there; `changeaudit store merge` joins several in a new one.",
        )
    # Under another name, so that half a store is never taken for a whole one.
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with Store.open(unfinished) as into:
            totals = merge_into(sources, into)
        unfinished.replace(path)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror or error}.") from None
    finally:
        for rest in ("", "-wal", "-shm", "-journal"):
            unfinished.with_name(unfinished.name + rest).unlink(missing_ok=True)
    _told(str(path), totals, quiet)


def _told(what: str, totals: Totals, quiet: bool) -> None:
    if not quiet:
        line = f"{what} holds {totals.answers:,} answers with {totals.items:,} things in them."
        say(streams.console(stderr=True), line)


def _size(where: str) -> int:
    """What a store takes on the disk, in bytes; 0 where it is no file."""
    try:
        return Path(where).stat().st_size if "://" not in where else 0
    except OSError:
        return 0
