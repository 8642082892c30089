"""Golden files: what each format made of the sample, to be looked at before it is accepted.

To renew them after a change that is meant, run the tests once with `RENEW_GOLDEN=1` in the
environment and read the difference before it is committed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from changeaudit.verdicts import Audit
from reporters.sample import large_audit, sample_audit

GOLDEN = Path(__file__).parent / "golden"

Golden = Callable[[str, bytes], None]


@pytest.fixture
def golden() -> Golden:
    """Holds what was made against the golden file of that name, byte by byte."""

    def compare(name: str, made: bytes) -> None:
        path = GOLDEN / name
        if os.environ.get("RENEW_GOLDEN") == "1":
            GOLDEN.mkdir(exist_ok=True)
            path.write_bytes(made)
        assert made.decode("utf-8") == path.read_bytes().decode("utf-8")

    return compare


@pytest.fixture(scope="session")
def audit() -> Audit:
    """The sample: every outcome, every class, hostile text."""
    return sample_audit()


@pytest.fixture(scope="session")
def large() -> Audit:
    """Sixty changes, of which most are compliant and some share a reason."""
    return large_audit()
