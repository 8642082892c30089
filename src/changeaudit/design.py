"""The test of design: what a repository's settings ask of changes, and where they ask too little.

Settings are those of a snapshot, never those of a period: what they were before the first snapshot,
and between two, nobody knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from changeaudit.verdicts import Outcome, PolicyInfo, Run

SCHEMA = "changeaudit/controls/1"
"""The version of the form, as `docs/controls.schema.json` describes it."""

NOT_KNOWN: Final = "not known"
"""The setting of a control that could not be read."""


class Severity(StrEnum):
    """How much a control without effect leaves open."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Control(msgspec.Struct, frozen=True):
    """One setting, and what it comes to.

    `outcome` is `pass` where the control is effective, `exception` where not, `undetermined`
    where it could not be read, and `not_applicable` where nothing asks for it. `steps` are those of
    the procedure that it supports. `severity` is that of an exception, else `None`. `permission` is
    the access that the account lacks, where that keeps the setting from being read.
    """

    name: str
    title: str
    steps: tuple[str, ...]
    setting: str
    outcome: Outcome
    reason: str
    severity: Severity | None = None
    permission: str = ""

    @property
    def unread(self) -> bool:
        """Whether it could not be read, even if nothing asks for it."""
        return self.outcome is Outcome.UNDETERMINED or self.setting == NOT_KNOWN


class SettingChange(msgspec.Struct, frozen=True):
    """A setting that two snapshots, one after the other, show differently."""

    name: str
    title: str
    before: str
    after: str
    seen_before: datetime
    seen_after: datetime


class Place(msgspec.Struct, frozen=True):
    """A production branch, or (with `branch` empty) what holds for the whole repository.

    `as_of` is when the last of the `snapshots` was taken, and `evidence` the SHA-256 of its answer.
    `guards` are the rules and rulesets that are in force. `changes` are those between snapshots.
    """

    branch: str
    as_of: datetime
    snapshots: tuple[datetime, ...]
    guards: tuple[str, ...]
    controls: tuple[Control, ...]
    changes: tuple[SettingChange, ...]
    evidence: str


class Version(msgspec.Struct, frozen=True):
    """When a ruleset was made or changed, and by which account ("User 5")."""

    at: datetime
    by: str


class RulesetHistory(msgspec.Struct, frozen=True):
    """How a ruleset in force came about. `unread` says why GitHub's history of it is not known."""

    ruleset: str
    created_at: datetime
    updated_at: datetime
    versions: tuple[Version, ...]
    unread: str = ""
    permission: str = ""


class RepositoryDesign(msgspec.Struct, frozen=True):
    """A repository's controls: what holds for all of it first, then branch by branch."""

    repository: str
    url: str
    places: tuple[Place, ...]
    rulesets: tuple[RulesetHistory, ...]


class Design(msgspec.Struct, frozen=True):
    """The whole: everything that any form of it shows."""

    schema: str
    run: Run
    policy: PolicyInfo
    repositories: tuple[RepositoryDesign, ...]
    limitations: tuple[str, ...]

    def found(self) -> Iterator[tuple[RepositoryDesign, Place, Control]]:
        """Every control with where it is, in order."""
        for repository in self.repositories:
            for place in repository.places:
                for control in place.controls:
                    yield repository, place, control

    def controls(self, outcome: Outcome) -> tuple[Control, ...]:
        """Every control of that outcome, in order."""
        return tuple(control for _, _, control in self.found() if control.outcome is outcome)

    @property
    def whole(self) -> bool:
        """Whether every setting could be read, of a production branch in each repository."""
        branches = (any(p.branch for p in each.places) for each in self.repositories)
        return all(branches) and not self.controls(Outcome.UNDETERMINED)
