"""The command, in an empty folder, and evidence that it can audit."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.command import Command, Evidence, copied


@pytest.fixture
def changeaudit(tmp_path: Path) -> Command:
    """The command, to be started in a folder of its own."""
    folder = tmp_path / "work"
    folder.mkdir()
    return Command(folder)


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    """The demonstration's evidence, to do with what one likes."""
    return copied(tmp_path / "evidence")
