"""Judgements: what an attribute, a step and a change come to, and on what evidence.

A `Verdict` cannot be built without a reason, nor a pass without the evidence that it cites.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum

import msgspec

SCHEMA = "changeaudit/audit/1"
"""The version of the audit's form, as `docs/audit.schema.json` describes it."""


class Outcome(StrEnum):
    """What the evidence says of a claim."""

    PASS = "pass"
    EXCEPTION = "exception"
    UNDETERMINED = "undetermined"
    NOT_APPLICABLE = "not_applicable"


class Result(StrEnum):
    """What a change comes to."""

    COMPLIANT = "compliant"
    EXCEPTION = "exception"
    UNDETERMINED = "undetermined"


class ChangeClass(StrEnum):
    """The kinds of change, by which the policy says what applies."""

    STANDARD = "standard"
    EMERGENCY = "emergency"
    AUTOMATED = "automated"
    REVERT = "revert"
    DIRECT_PUSH = "direct_push"


class Citation(msgspec.Struct, frozen=True, omit_defaults=True):
    """A piece of evidence: what was read, who did it, when (UTC), and where to see it."""

    what: str
    who: str = ""
    at: datetime | None = None
    url: str = ""


class Acceptance(msgspec.Struct, frozen=True):
    """A waiver: management's recorded acceptance of an exception, by whom, why and until when.

    It lies over the exception and never replaces it. `until` is a day.
    """

    by: str
    reason: str
    until: date


class Verdict(msgspec.Struct, frozen=True):
    """The outcome of one attribute for one change, and the waiver that lies over an exception."""

    attribute: str
    outcome: Outcome
    reason: str
    evidence: tuple[Citation, ...] = ()
    waiver: Acceptance | msgspec.UnsetType = msgspec.UNSET

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise ValueError(f"attribute {self.attribute}: a verdict needs a reason")
        if self.outcome is Outcome.PASS and not self.evidence:
            raise ValueError(f"attribute {self.attribute}: a pass needs the evidence it cites")
        if self.waiver is not msgspec.UNSET and self.outcome is not Outcome.EXCEPTION:
            raise ValueError(f"attribute {self.attribute}: only an exception can be waived")

    def told(self) -> str:
        """The reason, and the waiver where there is one, as a report prints them."""
        if isinstance(self.waiver, msgspec.UnsetType):
            return self.reason
        who, until = self.waiver.by, self.waiver.until
        return f"{self.reason} Waived by {who} until {until}: {self.waiver.reason}"


class Finding(msgspec.Struct, frozen=True):
    """What a rule returns: a verdict that does not know yet which attribute it belongs to."""

    outcome: Outcome
    reason: str
    evidence: tuple[Citation, ...] = ()


def passed(reason: str, evidence: Iterable[Citation]) -> Finding:
    """The evidence shows the claim."""
    return Finding(Outcome.PASS, reason, tuple(evidence))


def exception(reason: str, evidence: Iterable[Citation] = ()) -> Finding:
    """The evidence shows that the claim is false."""
    return Finding(Outcome.EXCEPTION, reason, tuple(evidence))


def undetermined(reason: str, evidence: Iterable[Citation] = ()) -> Finding:
    """The evidence is missing, cut, or allows both answers; the reason names what is missing."""
    return Finding(Outcome.UNDETERMINED, reason, tuple(evidence))


def not_applicable(reason: str, evidence: Iterable[Citation] = ()) -> Finding:
    """The procedure does not ask this of the change; the reason says why."""
    return Finding(Outcome.NOT_APPLICABLE, reason, tuple(evidence))


def combine(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome of a step from those of its attributes.

    An exception if any is, else undetermined if any is, else not applicable if all are, else
    pass. Raises ValueError for no outcome at all: all of nothing is not a pass.
    """
    seen = set(outcomes)
    if not seen:
        raise ValueError("a step without attributes has no outcome")
    for outcome in (Outcome.EXCEPTION, Outcome.UNDETERMINED):
        if outcome in seen:
            return outcome
    return Outcome.NOT_APPLICABLE if seen == {Outcome.NOT_APPLICABLE} else Outcome.PASS


class StepResult(msgspec.Struct, frozen=True):
    """One step of the procedure for one change."""

    step: str
    outcome: Outcome
    attributes: tuple[Verdict, ...]


class TimelineEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of a change's story. `late` marks what came after the merge."""

    at: datetime
    what: str
    who: str = ""
    url: str = ""
    late: bool = False


class AuditedChange(msgspec.Struct, frozen=True):
    """A change of the population with its verdicts.

    `id` is "owner/name#12", or "owner/name@oid" for a direct push. `evidence` holds the digests
    of the stored answers. `changed_after_merge` says what was altered afterwards. `overrides` are
    the names of the policy's overrides that it was judged by. `head` is the branch that merged
    ("" for a direct push), `head_commit` the oid that it merged at. `developers` are all who are
    known to have opened it or to have written, committed or force-pushed any of it.
    """

    id: str
    repository: str
    number: int | None
    title: str
    url: str
    class_: ChangeClass = msgspec.field(name="class")
    class_reason: str
    author: str
    merged_by: str
    merged_at: datetime
    base: str
    head: str
    merge_commit: str
    tickets: tuple[str, ...]
    result: Result
    steps: tuple[StepResult, ...]
    timeline: tuple[TimelineEntry, ...]
    changed_after_merge: tuple[str, ...]
    evidence: tuple[str, ...]
    overrides: tuple[str, ...] = ()
    head_commit: str = ""
    developers: tuple[str, ...] = ()

    @property
    def waived(self) -> bool:
        """Whether it has exceptions and a waiver lies over every one of them."""
        found = [v for v in self.verdicts() if v.outcome is Outcome.EXCEPTION]
        return bool(found) and all(v.waiver is not msgspec.UNSET for v in found)

    @property
    def unsure(self) -> bool:
        """Whether something of it is undetermined, whatever else it comes to."""
        return self.result is Result.UNDETERMINED or any(
            v.outcome is Outcome.UNDETERMINED for v in self.verdicts()
        )

    def verdicts(self) -> tuple[Verdict, ...]:
        """Every attribute's verdict, in the order of the procedure."""
        return tuple(v for step in self.steps for v in step.attributes)


class Excluded(msgspec.Struct, frozen=True):
    """A merged pull request outside the scope, and the rule that put it there."""

    id: str
    title: str
    url: str
    merged_at: datetime
    base: str
    rule: str
    reason: str


class AttributeInfo(msgspec.Struct, frozen=True):
    """An attribute as the reports describe it."""

    id: str
    step: str
    name: str
    claim: str
    prose: str


class StepInfo(msgspec.Struct, frozen=True):
    """A step of the procedure as the reports describe it."""

    id: str
    title: str
    who: str
    what: str
    references: tuple[str, ...]


class Counts(msgspec.Struct, frozen=True):
    """How many of each outcome."""

    passed: int = 0
    exceptions: int = 0
    undetermined: int = 0
    not_applicable: int = 0


class AttributeSummary(msgspec.Struct, frozen=True):
    """The counts of one attribute over the population."""

    attribute: str
    counts: Counts


class StepSummary(msgspec.Struct, frozen=True):
    """The counts of one step over the population."""

    step: str
    counts: Counts


class RepositorySummary(msgspec.Struct, frozen=True):
    """One repository's share: what was found, what of it is in scope, what reached its branches.

    `merged` counts the merged pull requests of the period, `in_scope` and `excluded` split it,
    `direct_pushes` are the changes without a pull request. `completeness` says in a sentence how
    far the two enumerations tie out; `complete` is false where they do not or could not be.
    """

    repository: str
    production_branches: tuple[str, ...]
    merged: int
    in_scope: int
    excluded: int
    direct_pushes: int
    complete: bool
    completeness: str


class ClassSummary(msgspec.Struct, frozen=True):
    """How many changes of a class, and their share of all changes in percent."""

    class_: ChangeClass = msgspec.field(name="class")
    changes: int
    share: float


class Summary(msgspec.Struct, frozen=True):
    """The counts that lead the report. `waived` are those exceptions that are waived in full."""

    changes: int
    compliant: int
    exceptions: int
    undetermined: int
    repositories: tuple[RepositorySummary, ...]
    classes: tuple[ClassSummary, ...]
    steps: tuple[StepSummary, ...]
    attributes: tuple[AttributeSummary, ...]
    waived: int = 0


class PeriodInfo(msgspec.Struct, frozen=True):
    """The half-open period, `since` included and `until` not, in UTC."""

    since: datetime
    until: datetime


class PolicyInfo(msgspec.Struct, frozen=True):
    """Which policy was applied: its name, where it came from, and the SHA-256 of its text."""

    name: str
    source: str
    digest: str


class EvidenceSource(msgspec.Struct, frozen=True):
    """One kind of answer that the audit stands on: how many, and when they were received."""

    source: str
    what: str
    answers: int
    first_at: datetime
    last_at: datetime


class Run(msgspec.Struct, frozen=True):
    """When this report was made and by which version; the only part that differs when repeated."""

    started_at: datetime
    finished_at: datetime
    tool_version: str


class Audit(msgspec.Struct, frozen=True):
    """The whole result: everything that any report shows, and nothing that it has to work out."""

    schema: str
    run: Run
    demonstration: bool
    period: PeriodInfo
    policy: PolicyInfo
    procedure: tuple[StepInfo, ...]
    attributes: tuple[AttributeInfo, ...]
    summary: Summary
    changes: tuple[AuditedChange, ...]
    excluded: tuple[Excluded, ...]
    sources: tuple[EvidenceSource, ...]
    limitations: tuple[str, ...]
