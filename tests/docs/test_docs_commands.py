"""The commands that the documentation shows are commands: each of them is run."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.command import DEMO, TOKEN, Command, served
from docs.golden import README, ROOT

pytestmark = pytest.mark.slow  # each test starts the program

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands(*pages: Path) -> Iterator[str]:
    """Every line that the pages tell to type, those with `changeaudit` and those around it."""
    for page in pages:
        for block in CONSOLE.findall(page.read_text(encoding="utf-8")):
            for line in block.splitlines():
                if line.startswith("$ "):
                    yield line.removeprefix("$ ").replace(".venv/bin/changeaudit", "changeaudit")


OURS = sorted({line for line in commands(*PAGES) if line.startswith("changeaudit ")})
OTHERS = sorted({line for line in commands(README) if not line.startswith("changeaudit ")})


def test_there_are_commands() -> None:
    assert len(OURS) > 8
    assert {line.split()[1] for line in OURS} == {"audit", "demo", "explain", "policy"}


@pytest.mark.skipif(sys.platform == "win32", reason="they are written for a POSIX shell")
@pytest.mark.parametrize("line", OURS)
def test_a_command_does_what_it_is_shown_for(changeaudit: Command, line: str) -> None:
    """What needs no network succeeds, and an explanation leaves as an audit of its change would.

    An audit gets as far as the server, or the store, and there learns that the example's token,
    or its repository, is an example: all before that was right.
    """
    folder = changeaudit.folder
    programs = folder / "programs"
    programs.mkdir()
    ours = programs / "changeaudit"
    start = " ".join(f"'{part}'" for part in changeaudit.line())
    ours.write_text(f'#!/bin/sh\nexec {start} "$@"\n', encoding="utf-8")
    ours.chmod(0o755)
    shutil.copy(ROOT / "policy.example.yaml", folder / "policy.yaml")
    shutil.copy(DEMO / "evidence.sqlite", folder / "evidence.sqlite")
    with served(lambda body: (401, b'{"message": "an example"}')) as address:
        done = subprocess.run(
            ["/bin/sh", "-c", line],
            cwd=folder,
            env=changeaudit.environment(
                PATH=str(programs), GITHUB_TOKEN=TOKEN, GITHUB_API_URL=address
            ),
            capture_output=True,
            encoding="utf-8",
        )
    if not line.startswith("changeaudit audit") or "--help" in line:
        codes = (0, 1, 3) if "explain" in line and "--help" not in line else (0,)
        assert done.returncode in codes, done.stderr
        assert not done.stderr.startswith("error")
        for written in re.findall(r"> (\S+)$", line):
            assert (folder / written).stat().st_size > 100
    else:
        told = "The store holds nothing" if "--offline" in line else "(HTTP 401: an example)"
        assert told in done.stderr
        assert done.returncode == 4


@pytest.mark.parametrize("line", OTHERS)
def test_what_stands_around_them_can_be_typed(line: str) -> None:
    """A target of the Makefile, a file that is there, a variable that the program reads."""
    program, *words = line.split()
    if program == "make":
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in words)
    elif program == "cp":
        assert (ROOT / words[0]).is_file()
    else:
        assert re.fullmatch(r"export GITHUB_TOKEN=\.\.\.", line)
