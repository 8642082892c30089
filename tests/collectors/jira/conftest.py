"""A Jira of either flavour, with an empty store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from changeaudit.store import Store
from collectors.jira.fake_jira import Place, served


@pytest.fixture(params=[True, False], ids=["cloud", "data center"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A test that takes it holds for the Cloud and for a Data Center."""
    with (
        Store.open(tmp_path / "evidence.sqlite") as store,
        served(store, cloud=request.param) as found,
    ):
        yield found


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Place]:
    """A Jira on the Cloud."""
    with Store.open(tmp_path / "evidence.sqlite") as store, served(store, cloud=True) as found:
        yield found


@pytest.fixture
def data_center(tmp_path: Path) -> Iterator[Place]:
    """A Jira in somebody's own data center."""
    with Store.open(tmp_path / "evidence.sqlite") as store, served(store, cloud=False) as found:
        yield found
