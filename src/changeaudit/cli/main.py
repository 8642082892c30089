"""The command line: what it is made of, and how an error leaves it.

Nothing heavy is imported here: every command brings in what it needs when it runs.
"""

from __future__ import annotations

import os
import sys
from types import TracebackType
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from changeaudit import __version__
from changeaudit.cli import (
    audit,
    collect_only,
    controls,
    demo,
    doctor,
    exits,
    explain,
    policy,
    roster,
    store,
    streams,
)
from changeaudit.cli.exits import Exit
from changeaudit.errors import ChangeauditError, PolicyError


class Program(TyperGroup):
    """The commands; what ends one from outside is turned into a message and an exit code here.

    Typer has its own answers to Ctrl-C (no message) and to a broken pipe (code 1, which would
    say that there are exceptions).
    """

    def invoke(self, ctx: Any) -> Any:
        """Run the command, to the last byte that it wrote."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except KeyboardInterrupt:
            from changeaudit.collectors.patience import KEPT

            typer.echo(f"\nInterrupted. {KEPT}", err=True)
            raise typer.Exit(Exit.INTERRUPTED) from None
        except BrokenPipeError:
            streams.let_go()
            raise typer.Exit(Exit.BROKEN_PIPE) from None
        return result


# Plain help: Rich's boxes take two thirds of the time that `--help` needs, and a console that
# lacks their characters shows escapes instead.
app = typer.Typer(
    name="changeaudit",
    cls=Program,
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog=exits.listed(),
)
app.command("audit", epilog=exits.listed())(audit.audit)
app.command("collect", epilog=exits.listed(collect_only.MEANINGS))(collect_only.collect)
app.command("controls", epilog=exits.listed(controls.MEANINGS))(controls.controls)
app.command("demo")(demo.demo)
app.command("doctor", epilog=exits.listed(doctor.MEANINGS))(doctor.doctor)
app.command("explain", epilog=exits.listed())(explain.explain)
app.add_typer(policy.app, name="policy")
app.add_typer(roster.app, name="roster")
app.add_typer(store.app, name="store")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"changeaudit {__version__}")
        raise typer.Exit


@app.callback()
def changeaudit(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Did every change that reached production follow the change management procedure?

    Collects merged pull requests from GitHub and their tickets from there or Jira, and judges each
    change against the six steps of ENG-PROC-003, as it stood when it merged. `changeaudit demo`
    shows how that looks.
    """


def run() -> None:
    """The `changeaudit` command: runs it, and turns errors into messages and exit codes."""
    streams.prepare()
    sys.excepthook = _defect
    try:
        # Not app(): that would put Typer's own excepthook in the place of ours.
        typer.main.get_command(app)(prog_name="changeaudit")
    except ChangeauditError as error:
        tell(error)
        sys.exit(error.exit_code)


def tell(error: ChangeauditError) -> None:
    """Print an error on stderr: what failed, each problem on its line, what to do next."""
    from changeaudit.reporters.text import one_line

    lines = [f"error: {one_line(error.message)}"]
    if isinstance(error, PolicyError):
        lines += [f"  {one_line(problem)}" for problem in error.problems]
    if error.hint:
        lines.append(f"hint: {one_line(error.hint)}")
    typer.echo("\n".join(lines), err=True)


def _defect(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """An error that nobody expected: a defect of the program, said without a stack trace."""
    if os.environ.get("CHANGEAUDIT_DEBUG"):
        sys.__excepthook__(kind, error, trace)
    else:
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = ""
        if trace is not None:
            module = trace.tb_frame.f_globals.get("__name__", "?")
            where = f" in {module}, line {trace.tb_lineno}"
        typer.echo(
            f"error: changeaudit has a defect: {kind.__name__}{where}. No verdict was given.\n"
            "hint: run it again with CHANGEAUDIT_DEBUG=1 and report what it prints.",
            err=True,
        )
    streams.let_go()
    # Python would leave with 1, which says that there are exceptions.
    os._exit(Exit.DEFECT)
