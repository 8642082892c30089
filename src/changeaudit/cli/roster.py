"""`changeaudit roster`: who is in the teams today, kept for later, and who was when."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from changeaudit.cli import options, streams
from changeaudit.cli.audit import now
from changeaudit.cli.exits import Exit
from changeaudit.cli.progress import say
from changeaudit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from changeaudit.policy import Policy, RoleName
    from changeaudit.records import Team
    from changeaudit.store import Store

    Row = tuple[RoleName, str, str, str]

app = typer.Typer(
    help="Keep snapshots of who is in the teams, and make a roster of them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

MEANINGS: Final = {
    0: "everything was read, or written",
    2: "wrong usage or policy, or an output that cannot be written",
    3: "somebody's membership could not be read, or there is nobody to write",
    4: "GitHub could not be asked, or the store not be used",
}

_EPILOG: Final = "\n".join(
    ("\b", "Exit codes:", *(f"  {code:>3}  {said}" for code, said in MEANINGS.items()))
)

_ROLES: Final[tuple[RoleName, ...]] = ("peer", "security", "qa", "lead")

Repositories = Annotated[
    list[str] | None,
    # Described in the text: the help's own table of arguments speaks of Python's types.
    typer.Argument(metavar="OWNER/REPO", hidden=True),
]


@app.command("snapshot", epilog=_EPILOG)
def snapshot(
    repositories: Repositories = None,
    policy: options.PolicyFile = None,
    store: options.StoreFile = options.DEFAULT_STORE,
    quiet: options.Quiet = False,
) -> None:
    """Ask GitHub who is in the teams of the policy today, and keep the answer with its date.

    GitHub does not tell who was in a team earlier. An audit takes the snapshots before and after
    an approval: what both show was so, and what they do not agree on is undetermined. So take one
    every day or week; every audit takes one too.

    For each OWNER/REPO that is named, the teams of its CODEOWNERS are asked for as well, and who
    may write to it, which the token can only read if it may push there itself.
    """
    messages = streams.console(stderr=True)
    names = tuple(options.pattern(name) for name in repositories or ())
    asked = options.loaded_policy(policy).policy
    if not asked.teams and not names:
        raise UsageError(
            "The policy names no team, and no repository is named: nobody can be asked for.",
            "Name teams under roles in the policy (--policy), or a repository: OWNER/REPO.",
        )

    from changeaudit.cli.collect import collect_teams, collecting
    from changeaudit.collectors.github.owned import expand
    from changeaudit.collectors.github.repository import (
        collect_repository,
        collect_writers,
    )
    from changeaudit.reporters.roster import render
    from changeaudit.roster_history import standing
    from changeaudit.store import Store

    with Store.open(store) as opened:
        with collecting(opened, now, messages, quiet, (*names, *asked.teams)) as session:
            found = [
                collect_repository(session, name, f"repo:{name} is:pr is:merged").name
                for name in expand(session, names)
            ]
            collect_teams(session, found, asked, owners=True)
            for name in found:
                collect_writers(session, name)
        teams, writers = _groups(opened, session.source, asked, found)
    standings = [standing(group) for group in (*teams, *writers)]
    console = streams.console()
    with streams.printing(console, "read the snapshots with `changeaudit roster export`"):
        render(standings, console)
    unread = [each for each in standings if not isinstance(each.members, tuple)]
    if not quiet:
        say(messages, f"Kept in {store}; later audits with this store judge by it.")
    raise typer.Exit(Exit.UNCERTAIN if unread else Exit.NO_EXCEPTIONS)


@app.command("export", epilog=_EPILOG)
def export(
    repositories: Repositories = None,
    policy: options.PolicyFile = None,
    store: options.StoreFile = options.DEFAULT_STORE,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the roster there.  [default: standard output]"),
    ] = None,
) -> None:
    """Write the snapshots of a store as a roster in CSV, as the policy's key 'roster' reads it.

    Each row is somebody in a role that the policy gives to a team (or, for each OWNER/REPO that is
    named, to those who may write to it), from the first to the last day on which snapshot after
    snapshot shows them. Nobody is said to have been there before or since: put in the days that
    you know better before you audit by it. Nothing is asked of GitHub.
    """
    messages = streams.console(stderr=True)
    names = tuple(options.pattern(name) for name in repositories or ())
    asked = options.loaded_policy(policy).policy

    from changeaudit.collectors.github.hosts import to_reach
    from changeaudit.collectors.github.repository import TEAM_KIND
    from changeaudit.policy import LOGIN
    from changeaudit.store import Store

    with Store.open(store, create=False, read_only=True) as opened:
        source, found = options.offline_names(opened, names)
        teams, writers = _groups(opened, source, asked, found)
        others = sorted({c.source for c in opened.counts() if c.kind == TEAM_KIND} - {source})
    rows = _rows(asked, teams, writers)
    if not rows:
        nobody = "The store has no snapshot of anybody in a role that the policy names"
        say(messages, f"{nobody}, from {source}.")
        if others:
            say(messages, f"It has some from {', '.join(others)}. {to_reach(others)}")
        raise typer.Exit(Exit.UNCERTAIN)
    odd = dict.fromkeys(login for _, login, *_ in rows if not LOGIN.fullmatch(login))
    _write(_csv([row for row in rows if row[1] not in odd]), output)
    if odd:
        say(messages, f"Left out, for no roster can name them: {', '.join(odd)}")
    raise typer.Exit(Exit.UNCERTAIN if odd else Exit.NO_EXCEPTIONS)


def _groups(
    store: Store, source: str, policy: Policy, names: Sequence[str]
) -> tuple[list[Team], list[Team]]:
    """The teams, and those who may write to each repository, as far as the store holds them."""
    from changeaudit.cli.wanted import teams_wanted
    from changeaudit.collectors.github import reading, snapshots

    repositories = [reading.read_repository(store, source, name) for name in names]
    wanted = teams_wanted([policy], repositories, owners=True)
    teams = [snapshots.read_team(store, source, team) for team in wanted]
    writers = [snapshots.read_writers(store, source, name) for name in names]
    return [t for t in teams if t is not None], [w for w in writers if w is not None]


def _rows(policy: Policy, teams: Sequence[Team], writers: Sequence[Team]) -> list[Row]:
    """Who was seen in each role that the policy gives to teams, or to those who may write.

    Its overrides are left out: a roster names people in the roles of the policy itself.
    """
    from changeaudit.roster_history import stays

    by_name = {team.name.casefold(): team for team in teams}
    found: dict[Row, None] = {}
    for name in _ROLES:
        role = policy.role(name)
        groups = [by_name[t.casefold()] for t in role.teams if t.casefold() in by_name]
        for group in (*groups, *(writers if role.write_access else ())):
            for stay in stays(group):
                found[name, stay.login, stay.first.isoformat(), stay.last.isoformat()] = None
    return list(found)


def _csv(rows: Sequence[Row]) -> str:
    import csv
    import io

    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows((("role", "login", "from", "to"), *rows))
    return text.getvalue()


def _write(text: str, output: Path | None) -> None:
    """Write the roster to a file, or print it.

    Raises:
        UsageError: it cannot be written.
    """
    if output is None:
        console = streams.console()
        with streams.printing(console, "write it to a file with --output"):
            console.file.write(text)
        return
    from changeaudit.reporters.files import replacing

    try:
        with replacing(output) as stream:
            stream.write(text.encode())
    except OSError as error:
        raise UsageError(
            f"The roster cannot be written to {output}: {error.strerror or error}.",
            "Name a file in a folder that you may write to, with --output.",
        ) from None
