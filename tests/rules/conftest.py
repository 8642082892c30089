"""What the tests of the rules share: a change that follows the procedure, and its policy."""

from __future__ import annotations

import pytest

from builders import fully_approved, make_policy
from changeaudit.change import Change
from changeaudit.policy import Policy


@pytest.fixture
def change() -> Change:
    """A change that follows all six steps."""
    return fully_approved()


@pytest.fixture
def policy() -> Policy:
    """The invented company's policy."""
    return make_policy()
