"""An attribute: one testable claim of the procedure, and the rule that tests it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from changeaudit.change import Change
from changeaudit.policy import Policy
from changeaudit.verdicts import Finding

Rule = Callable[[Change, Policy], Finding]


@dataclass(frozen=True, slots=True)
class Attribute:
    """`id` is the procedure's step and a number ("3.1"); `claim` is what a pass states.

    The rule's name is the claim's short name, and its docstring the prose that reports print.
    """

    id: str
    claim: str
    rule: Rule

    @property
    def step(self) -> str:
        """The step that the attribute belongs to."""
        return self.id.split(".")[0]

    @property
    def name(self) -> str:
        """The claim's short name, such as approved_by_qualified_peer."""
        return self.rule.__name__

    @property
    def prose(self) -> str:
        """How the attribute is tested, as the reports print it."""
        return " ".join((inspect.getdoc(self.rule) or "").split())
