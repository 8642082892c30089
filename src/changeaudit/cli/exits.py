"""The exit codes, and what each tells whoever started the program. `--help` lists them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Final


class Exit(IntEnum):
    """How the program leaves."""

    NO_EXCEPTIONS = 0
    EXCEPTIONS = 1
    USAGE = 2
    UNCERTAIN = 3
    FAILED = 4
    DEFECT = 70
    INTERRUPTED = 130
    BROKEN_PIPE = 141


MEANINGS: Final = {
    Exit.NO_EXCEPTIONS: "no exceptions, or waived ones alone",
    Exit.EXCEPTIONS: "potential exceptions, or tickets without a change that count as such",
    Exit.USAGE: "wrong usage or policy, or an output that cannot be written",
    Exit.UNCERTAIN: "no exceptions, but something undetermined, incomplete or empty",
    Exit.FAILED: "the evidence could not be collected, or the store not be used",
    Exit.DEFECT: "a defect of changeaudit; no verdict was given",
    Exit.INTERRUPTED: "interrupted; what was collected so far is kept",
    Exit.BROKEN_PIPE: "whoever read the output went away before its end",
}


def listed(meanings: Mapping[Exit, str] = MEANINGS) -> str:
    """Exit codes, a line each, as the help of a command ends: by default all of them."""
    lines = (f"  {code:>3}  {meaning}" for code, meaning in meanings.items())
    return "\n".join(("\b", "Exit codes:", *lines))
