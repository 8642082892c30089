"""The commands that the documentation shows are commands: each of them is run."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from changeaudit.collectors.jira.access import KEYRING_SERVICE
from cli.command import DEMO, TOKEN, Command, served
from docs.golden import README, ROOT, help_of

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
    listed = re.findall(r"^  ([a-z]+) ", help_of("").partition("Commands:")[2], re.MULTILINE)
    assert {line.split()[1] for line in OURS} == set(listed)


@pytest.mark.skipif(sys.platform == "win32", reason="they are written for a POSIX shell")
@pytest.mark.parametrize("line", OURS)
def test_a_command_does_what_it_is_shown_for(changeaudit: Command, line: str) -> None:
    """What needs no network succeeds, and an explanation leaves as an audit of its change would.

    What collects gets as far as the server, or the store, and there learns that the example's
    token, or its repository, is an example: all before that was right. What asks questions finds
    nobody to answer them.
    """
    folder = changeaudit.folder
    programs = folder / "programs"
    programs.mkdir()
    ours = programs / "changeaudit"
    start = " ".join(f"'{part}'" for part in changeaudit.line())
    ours.write_text(f'#!/bin/sh\nexec {start} "$@"\n', encoding="utf-8")
    ours.chmod(0o755)
    for policy in ("policy.yaml", "strict.yaml"):
        if "policy init" not in line:
            shutil.copy(ROOT / "policy.example.yaml", folder / policy)
    for store in ("evidence.sqlite", "berlin.sqlite"):
        shutil.copy(DEMO / "evidence.sqlite", folder / store)
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
    codes, told = expected(line)
    assert done.returncode in codes, done.stderr
    assert re.search(told, done.stderr)
    if codes[0] == 0:
        assert not done.stderr.startswith("error")
        for written in re.findall(r"> (\S+)$", line):
            assert (folder / written).stat().st_size > 100


def expected(line: str) -> tuple[tuple[int, ...], str]:
    """The exit codes that a line of the documentation may leave with, and what it then says."""
    command = line.split()[1]
    if "--help" in line:
        return (0,), ""
    if "--demo" in line:
        return (0, 1, 3), ""
    if "policy init" in line and "--yes" not in line:
        return (2,), "^error: There is no terminal to ask questions on."
    if "--offline" in line or "policy diff" in line:
        return (4,), "The store holds nothing|There is no evidence store"
    if command in ("audit", "collect", "controls", "roster"):
        return (4,), r"\(HTTP 401: an example\)"
    return (0,), ""


@pytest.mark.parametrize("line", OTHERS)
def test_what_stands_around_them_can_be_typed(line: str) -> None:
    """A target of the Makefile, a file that is there, a variable that the program reads."""
    program, *words = line.split()
    if program == "make":
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in words)
    else:
        site = "jira.ops.example.com/jira"
        assert line in (
            "export GITHUB_TOKEN=...",
            f"export JIRA_URL_OPS=https://{site} JIRA_TOKEN_OPS=...",
            f"keyring set {KEYRING_SERVICE} {site}",
        )
