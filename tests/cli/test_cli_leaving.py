"""How the program ends: by its own will, by Ctrl-C, by a pipe that closes, by a defect."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType

import pytest

from changeaudit.cli import main, streams
from changeaudit.cli.exits import MEANINGS, Exit, listed
from changeaudit.errors import (
    ChangeauditError,
    CollectError,
    PolicyError,
    RuleError,
    StoreError,
    UsageError,
)
from cli.command import TOKEN, Command, Evidence, served

pytestmark = pytest.mark.slow  # each test starts the program

posix = pytest.mark.skipif(sys.platform == "win32", reason="a signal of POSIX")


def test_every_code_has_a_meaning() -> None:
    assert list(MEANINGS) == list(Exit)
    assert all(f"{code.value:>3}  {meaning}" in listed() for code, meaning in MEANINGS.items())


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError, Exit.USAGE),
        (PolicyError, Exit.USAGE),
        (CollectError, Exit.FAILED),
        (StoreError, Exit.FAILED),
        (RuleError, Exit.FAILED),
    ],
)
def test_every_error_has_its_code(error: type[ChangeauditError], code: Exit) -> None:
    assert error("what").exit_code == code


def test_the_module_is_the_command() -> None:
    """`python -m changeaudit` serves where the script is not on the path."""
    done = subprocess.run(
        [sys.executable, "-m", "changeaudit", "--version"], capture_output=True, check=True
    )
    assert done.stdout.startswith(b"changeaudit ")


# Ctrl-C ---------------------------------------------------------------------------------------


@posix
def test_ctrl_c_while_collecting(changeaudit: Command) -> None:
    """One message, 130, no trace; the store is whole and can be used again at once.

    No folder is left of the output that never came.
    """
    asked, end = threading.Event(), threading.Event()

    def silent(body: bytes) -> tuple[int, bytes]:
        asked.set()
        end.wait(60)
        return 500, b""

    with served(silent) as address:
        process = subprocess.Popen(
            changeaudit.line("audit", "acme/payments", "--last", "30d", "--output", "a/pack"),
            cwd=changeaudit.folder,
            env=changeaudit.environment(GITHUB_API_URL=address, GITHUB_TOKEN=TOKEN),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert asked.wait(60)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        end.set()
    assert process.returncode == Exit.INTERRUPTED
    assert out == b""
    said = err.decode("utf-8")
    kept = "What was collected so far is kept; run the same command again to go on."
    assert said.strip() == f"Interrupted. {kept}"
    assert not (changeaudit.folder / "a").exists()
    after = changeaudit("audit", "acme/payments", "--last", "30d", "--offline")
    assert "The store holds nothing" in after.err
    assert after.code == 4


# Streams --------------------------------------------------------------------------------------


@posix
@pytest.mark.parametrize(
    "args",
    [
        ("--format", "table", "--all"),
        ("--format", "json"),
        ("--format", "csv"),
    ],
    ids=lambda args: args[1],
)
def test_a_reader_that_goes_away(
    changeaudit: Command, evidence: Evidence, args: tuple[str, ...]
) -> None:
    """As `head -1` does: nothing is complained of, and it is not taken for a result."""
    process = subprocess.Popen(
        changeaudit.line(*evidence.audit(*args)),
        cwd=changeaudit.folder,
        env=changeaudit.environment(GITHUB_API_URL=evidence.api),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == Exit.BROKEN_PIPE
    assert said == b""


@posix
def test_a_listener_to_messages_that_goes_away(changeaudit: Command) -> None:
    """The report could not be made: it must not look like a result either."""
    first = threading.Event()

    def slow(body: bytes) -> tuple[int, bytes]:
        first.wait(60)
        return 401, b"{}"

    with served(slow) as address:
        process = subprocess.Popen(
            changeaudit.line("audit", "acme/payments", "--period", "2026-Q1"),
            cwd=changeaudit.folder,
            env=changeaudit.environment(GITHUB_API_URL=address, GITHUB_TOKEN=TOKEN),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout
        assert process.stderr
        process.stderr.close()
        first.set()
        assert process.stdout.read() == b""
        process.stdout.close()
        assert process.wait(60) not in (Exit.NO_EXCEPTIONS, Exit.EXCEPTIONS, Exit.UNCERTAIN)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is full")
@pytest.mark.parametrize("format_", ["table", "json", "csv-changes"])
def test_an_output_without_room(changeaudit: Command, evidence: Evidence, format_: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            changeaudit.line(*evidence.audit("--format", format_)),
            cwd=changeaudit.folder,
            env=changeaudit.environment(GITHUB_API_URL=evidence.api),
            stdout=full,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
    assert done.returncode == Exit.USAGE
    assert done.stderr.splitlines() == [
        "error: The report cannot be written to the standard output: No space left on device.",
        "hint: Make room there, or write the report into a folder with --output.",
    ]


@posix
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams(changeaudit: Command, evidence: Evidence, closed: str) -> None:
    """A job that was started without them still has its exit code, and its files."""
    command = changeaudit.line(*evidence.audit("--output", "pack"))
    done = subprocess.run(
        ["/bin/sh", "-c", f'"$@" {closed}', "sh", *command],
        cwd=changeaudit.folder,
        env=changeaudit.environment(GITHUB_API_URL=evidence.api),
        capture_output=True,
    )
    assert done.returncode == Exit.EXCEPTIONS
    assert done.stderr == b"" or "2>" not in closed
    assert (changeaudit.folder / "pack" / "audit.json").is_file()


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1"])
@pytest.mark.parametrize(
    "args", [("demo", "--all"), ("--help",), ("audit", "☃/*/x", "--last", "1d")]
)
def test_a_console_of_few_characters(
    changeaudit: Command, encoding: str, args: tuple[str, ...]
) -> None:
    """As Windows has them: what it lacks is escaped, and nothing fails."""
    done = changeaudit(*args, PYTHONUTF8="0", PYTHONIOENCODING=encoding)
    assert done.code == (Exit.USAGE if args[0] == "audit" else 0)
    done.out.decode(encoding)
    if args[0] == "demo":
        assert b"P pass" in done.out
    if args[0] == "audit" and encoding != "ascii":  # Typer takes ASCII for a mistake: UTF-8
        assert "\\u2603" in done.err


# Defects --------------------------------------------------------------------------------------

DEFECT = """
import changeaudit.rules.registry as registry
from changeaudit.rules.attribute import Attribute

def broken(change, policy):
    raise KeyError("secret of a rule")

import changeaudit.audit
one = Attribute("1.1", "A claim", broken)
changeaudit.audit.STANDARD = (one,)
changeaudit.audit._SIX = (("1", (one,)),)
"""


def test_a_defect_is_one_message(changeaudit: Command, evidence: Evidence) -> None:
    """70, where it happened, what to do; no trace, no report, and no verdict."""
    done = changeaudit(
        *evidence.audit("--output", "pack"), code=DEFECT, GITHUB_API_URL=evidence.api
    )
    assert done.code == Exit.DEFECT
    assert done.out == b""
    first, second = done.err.splitlines()
    assert first.startswith("error: changeaudit has a defect: KeyError in ")
    assert first.endswith(". No verdict was given.")
    assert "CHANGEAUDIT_DEBUG=1" in second
    assert not (changeaudit.folder / "pack").exists()


def test_a_defect_can_be_looked_into(changeaudit: Command, evidence: Evidence) -> None:
    done = changeaudit(
        *evidence.audit(), code=DEFECT, GITHUB_API_URL=evidence.api, CHANGEAUDIT_DEBUG="1"
    )
    assert done.code == Exit.DEFECT
    assert done.out == b""
    assert "Traceback (most recent call last)" in done.err
    assert done.err.endswith("KeyError: 'secret of a rule'\n")


class Left(Exception):
    """The process would have ended."""


@pytest.mark.parametrize("debug", ["", "1"])
@pytest.mark.parametrize("raised", [True, False])
def test_what_python_calls_for_a_defect(
    debug: str, raised: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The hook leaves by itself, for Python would leave with 1, which means exceptions."""
    codes: list[int] = []

    def leave(code: int) -> None:
        codes.append(code)
        raise Left

    trace: TracebackType | None = None
    if raised:
        try:
            raise ZeroDivisionError("what")
        except ZeroDivisionError as error:
            trace = error.__traceback__
    monkeypatch.setenv("CHANGEAUDIT_DEBUG", debug)
    monkeypatch.setattr(os, "_exit", leave)
    with pytest.raises(Left):
        main._defect(ZeroDivisionError, ZeroDivisionError("what"), trace)
    assert codes == [Exit.DEFECT]
    said = capsys.readouterr().err
    if debug:
        assert "ZeroDivisionError: what" in said
    else:
        where = f" in {__name__}, line " if raised else "ZeroDivisionError. No verdict"
        assert where in said


def test_streams_that_were_closed_are_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python has none then, and whoever writes to them would fail."""
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, f"__{name}__", None)
        monkeypatch.setattr(sys, name, None)
    streams.prepare()
    for stream in (sys.stdout, sys.stderr):
        assert stream.write("\udc80☃") == 2
        stream.close()
