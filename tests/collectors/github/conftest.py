"""A fake GitHub with a real store, for the tests of the collectors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from changeaudit.store import Store
from collectors.github.fake_github import Place, at


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """It is 1 June 2026, noon."""
    with Store.open(tmp_path / "evidence.sqlite") as store:
        yield Place(store, at("06-01 12:00"))
