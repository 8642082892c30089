"""What can go wrong, said for people: what failed, where, why, and what to do next.

Every error that a user may meet is a `ChangeauditError`; the command line prints it as one
message and leaves with its `exit_code`. Anything else is a defect of the program.
"""

from __future__ import annotations

from typing import ClassVar


class ChangeauditError(Exception):
    """An error with a message for the user.

    Args:
        message: what failed, where and why, in one or two sentences.
        hint: what to do next, or nothing where the message says it.
    """

    exit_code: ClassVar[int] = 4

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(ChangeauditError):
    """The command line cannot be followed: a wrong period, an unwritable output, no token."""

    exit_code = 2


class PolicyError(ChangeauditError):
    """The policy cannot be used. `problems` holds every fault found, each with its place."""

    exit_code = 2

    def __init__(self, message: str, problems: tuple[str, ...] = (), hint: str = "") -> None:
        super().__init__(message, hint)
        self.problems = problems


class CollectError(ChangeauditError):
    """A source refused, failed or could not be reached. What was collected before it is kept."""


class StoreError(ChangeauditError):
    """The evidence store cannot be opened, written, or does not hold what was put into it."""


class RuleError(ChangeauditError):
    """A rule failed on a change. No verdict is given rather than a wrong one."""
