"""Judgements: what an attribute, a step and a change come to, and on what evidence.

A `Verdict` cannot be built without a reason, nor a pass without the evidence that it cites.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Final

import msgspec

SCHEMA = "changeaudit/audit/1"
"""The version of the audit's form, as `docs/audit.schema.json` describes it."""


class Outcome(StrEnum):
    """What the evidence says of a claim."""

    PASS = "pass"
    EXCEPTION = "exception"
    UNDETERMINED = "undetermined"
    NOT_APPLICABLE = "not_applicable"


# Python 3.11 takes long to look up a member of an enumeration, and every verdict asks for these.
_PASS: Final = Outcome.PASS
_EXCEPTION: Final = Outcome.EXCEPTION
_UNDETERMINED: Final = Outcome.UNDETERMINED
_NOT_APPLICABLE: Final = Outcome.NOT_APPLICABLE


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


# gc=False, here and below: an audit holds hundreds of thousands of these, none of which can refer
# back to itself, and the garbage collector would look through all of them again and again.
class Citation(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
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


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """The outcome of one attribute for one change, and the waiver that lies over an exception."""

    attribute: str
    outcome: Outcome
    reason: str
    evidence: tuple[Citation, ...] = ()
    waiver: Acceptance | msgspec.UnsetType = msgspec.UNSET

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise ValueError(f"attribute {self.attribute}: a verdict needs a reason")
        if self.outcome is _PASS and not self.evidence:
            raise ValueError(f"attribute {self.attribute}: a pass needs the evidence it cites")
        if self.waiver is not msgspec.UNSET and self.outcome is not _EXCEPTION:
            raise ValueError(f"attribute {self.attribute}: only an exception can be waived")

    def told(self) -> str:
        """The reason, and the waiver where there is one, as a report prints them."""
        if isinstance(self.waiver, msgspec.UnsetType):
            return self.reason
        who, until = self.waiver.by, self.waiver.until
        return f"{self.reason} Waived by {who} (covers merges up to {until}): {self.waiver.reason}"


class Finding(msgspec.Struct, frozen=True, gc=False):
    """What a rule returns: a verdict that does not know yet which attribute it belongs to."""

    outcome: Outcome
    reason: str
    evidence: tuple[Citation, ...] = ()


def passed(reason: str, evidence: Iterable[Citation]) -> Finding:
    """The evidence shows the claim."""
    return Finding(_PASS, reason, tuple(evidence))


def exception(reason: str, evidence: Iterable[Citation] = ()) -> Finding:
    """The evidence shows that the claim is false."""
    return Finding(_EXCEPTION, reason, tuple(evidence))


def undetermined(reason: str, evidence: Iterable[Citation] = ()) -> Finding:
    """The evidence is missing, cut, or allows both answers; the reason names what is missing."""
    return Finding(_UNDETERMINED, reason, tuple(evidence))


def not_applicable(reason: str, evidence: Iterable[Citation] = ()) -> Finding:
    """The procedure does not ask this of the change; the reason says why."""
    return Finding(_NOT_APPLICABLE, reason, tuple(evidence))


def combine(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome of a step from those of its attributes.

    An exception if any is, else undetermined if any is, else not applicable if all are, else
    pass. Raises ValueError for no outcome at all: all of nothing is not a pass.
    """
    seen = list(outcomes)
    if not seen:
        raise ValueError("a step without attributes has no outcome")
    for outcome in (_EXCEPTION, _UNDETERMINED):
        if outcome in seen:
            return outcome
    return _NOT_APPLICABLE if seen.count(_NOT_APPLICABLE) == len(seen) else _PASS


class StepResult(msgspec.Struct, frozen=True):
    """One step of the procedure for one change."""

    step: str
    outcome: Outcome
    attributes: tuple[Verdict, ...]


class TimelineEntry(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A line of a change's story. `late` marks what came after the merge."""

    at: datetime
    what: str
    who: str = ""
    url: str = ""
    late: bool = False


class DutyName(StrEnum):
    """What somebody does for a change, in the order of the procedure."""

    DEVELOPED = "developed"
    REVIEWED = "reviewed"
    SECURED = "secured"
    TESTED = "tested"
    APPROVED = "approved"
    MERGED = "merged"


class Duty(msgspec.Struct, frozen=True):
    """Who did one thing for a change, by login, each once.

    `people` are those who are shown to have done it: of an approval, those whose approval counts.
    `unsure` are those of whom that cannot be told. `remark` says why, who tried without counting,
    and what keeps others from being known.
    """

    duty: DutyName
    people: tuple[str, ...]
    unsure: tuple[str, ...] = ()
    remark: str = ""


class Standing(StrEnum):
    """What the policy says of one person in two duties."""

    FORBIDDEN = "forbidden"
    ALLOWED = "allowed"
    UNDETERMINED = "undetermined"


class Conflict(msgspec.Struct, frozen=True):
    """One person in two duties of a change, whether the second act counted or not.

    `by` is the attribute that forbids it ("3.1"), or the policy's key that decides it; empty where
    the procedure allows it. It is `undetermined` where it cannot be told that the person did both,
    or which settings apply. `reason` is the whole in a sentence.
    """

    person: str
    duties: tuple[DutyName, DutyName]
    standing: Standing
    by: str
    reason: str


class AuditedChange(msgspec.Struct, frozen=True):
    """A change of the population with its verdicts.

    `id` is "owner/name#12", or "owner/name@oid" for a direct push. `evidence` holds the digests
    of the stored answers. `changed_after_merge` says what was altered afterwards. `overrides` are
    the names of the policy's overrides that it was judged by. `head` is the branch that merged
    ("" for a direct push), `head_commit` the oid that it merged at. `developers` are all who are
    known to have opened it or to have written, committed or force-pushed any of it. `duties` say
    who did what, and `conflicts` who did more than one thing. `linked` are the `tickets` as their
    trackers told of them.
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
    duties: tuple[Duty, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    linked: tuple[LinkedTicket, ...] = ()

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

    def pairs(self, standing: Standing) -> tuple[Conflict, ...]:
        """Those who did two things of which the policy says so."""
        return tuple(c for c in self.conflicts if c.standing is standing)

    def verdicts(self) -> tuple[Verdict, ...]:
        """Every attribute's verdict, in the order of the procedure."""
        return tuple(v for step in self.steps for v in step.attributes)


class LinkedTicket(msgspec.Struct, frozen=True):
    """A ticket that a change names, as its tracker told of it.

    `asked` is the key as it is named, `key` the one that answered ("" if none did). `type` and
    `status_at_merge` are those at the merge, all that they may have been where that is open;
    `status` is today's. `said` tells what could not be read.
    """

    asked: str
    key: str = ""
    source: str = ""
    type: str = ""
    title: str = ""
    status_at_merge: str = ""
    status: str = ""
    url: str = ""
    said: str = ""


class UntracedTicket(msgspec.Struct, frozen=True):
    """A ticket that was done in the period and that no change names.

    `status` is the one that it went into at `done_at` (UTC); `how` is "moved", "created" where it
    was created so, or "resolved" where it was in it and its resolution no longer said that it was
    cancelled; `by` is who did it.
    """

    key: str
    title: str
    type: str
    status: str
    done_at: datetime
    by: str
    how: str
    url: str


class ReverseTrace(msgspec.Struct, frozen=True):
    """From the tickets back to the changes: what was done in the period and is named by none.

    `standing` is "information" or "exception", by the policy. `done` counts the tickets of the
    `projects` that were done in the period, and `cancelled` those that were cancelled instead.
    `unknown` says of which it could not be told.
    """

    standing: str
    projects: tuple[str, ...]
    done: int
    cancelled: int
    untraced: tuple[UntracedTicket, ...]
    unknown: tuple[str, ...]

    @property
    def counts(self) -> bool:
        """Whether what it found are exceptions, and what it could not tell is undetermined."""
        return self.standing == "exception"


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


class Match(StrEnum):
    """What shows that a merged pull request reached a branch."""

    MERGE_COMMIT = "merge_commit"
    MERGED_EVENT = "merged_event"
    OWN_COMMITS = "own_commits"
    ASSOCIATION = "association"


class TieKind(StrEnum):
    """Where a row of a reconciliation was found: on both sides, or on one alone."""

    MATCHED = "matched"
    PULL_REQUEST_ONLY = "pull_request_only"
    DIRECT_PUSH = "direct_push"
    OTHER_PERIOD = "other_period"
    LEFT_OUT = "left_out"
    FORCE_PUSH = "force_push"
    REWRITTEN = "rewritten"
    CREATED = "created"
    DELETED = "deleted"


class Tie(msgspec.Struct, frozen=True):
    """A row of a reconciliation.

    `id` is "owner/name#12" or "owner/name@oid". `commits` are its oids on the branch's line, the
    newest first; none for a pull request that is not there. `by` is what it was matched by, and
    `said` what else there is to say of it, or why it is on one side alone. `at` is when it merged,
    or was pushed (UTC): `None` where only the commits' own dates could tell. `pushed` marks a
    merged pull request of which GitHub recorded a push by somebody instead of a merge.
    """

    kind: TieKind
    id: str
    url: str
    at: datetime | None
    commits: tuple[str, ...]
    by: Match | None
    said: str
    pushed: bool = False


EVERY_PUSH = "every push of the period is known"
"""What a reconciliation says where who moved the branch is known throughout."""


class Reconciliation(msgspec.Struct, frozen=True):
    """The two enumerations of a branch in the period, tied out.

    One is of the merged pull requests: `pull_requests` is the sum of `matched` and
    `pull_requests_only`. The other is of the commits on the branch's first-parent line: `commits`
    is the sum of `merges`, which pull requests were matched at, `further`, which they brought
    besides, `pushed` without a pull request in `direct_pushes`, `other_period`, which GitHub says
    came with a pull request that did not merge in the period, and `elsewhere`, which stand on
    another production branch as well and are counted there. `left_out` commits are not among them:
    their dates lie outside the period, and nothing of the server's bounds them.

    `branch` is empty for the pull requests that merged into branches of no production. `read_from`
    is what the line was read from. `open_ends` are the commits at which it breaks off. `activity`
    says how far it is known who moved the branch by hand, `unknown` what else is not known of what
    was done to it, and `force_pushes` how often in the period somebody rewrote it. `ties` are the
    rows.
    """

    repository: str
    branch: str
    read_from: tuple[str, ...]
    pull_requests: int
    matched: int
    matched_by: dict[Match, int]
    pull_requests_only: int
    commits: int
    merges: int
    further: int
    pushed: int
    direct_pushes: int
    other_period: int
    elsewhere: int
    left_out: int
    force_pushes: int
    activity: str
    open_ends: tuple[str, ...]
    ties: tuple[Tie, ...]
    unknown: tuple[str, ...] = ()

    def of(self, kind: TieKind) -> tuple[Tie, ...]:
        """The rows of one kind."""
        return tuple(tie for tie in self.ties if tie.kind is kind)


class RepositorySummary(msgspec.Struct, frozen=True):
    """One repository's share: what was found, what of it is in scope, what reached its branches.

    `merged` counts the merged pull requests of the period, `in_scope` and `excluded` split it,
    `direct_pushes` are the changes without a pull request. `completeness` says in a sentence how
    far the two enumerations tie out; `complete` is false where they do not or could not be.
    `reconciliations` are the tie-out of each branch: every merged pull request is in one of them.
    """

    repository: str
    production_branches: tuple[str, ...]
    merged: int
    in_scope: int
    excluded: int
    direct_pushes: int
    complete: bool
    completeness: str
    reconciliations: tuple[Reconciliation, ...] = ()


class ClassSummary(msgspec.Struct, frozen=True):
    """How many changes of a class, and their share of all changes in percent."""

    class_: ChangeClass = msgspec.field(name="class")
    changes: int
    share: float


class Summary(msgspec.Struct, frozen=True):
    """The counts that lead the report. `waived` are those exceptions that are waived in full.

    `forbidden_pairs` counts the changes in which one person acted in two duties that the policy
    keeps apart, `undetermined_pairs` the others in which that cannot be told.
    """

    changes: int
    compliant: int
    exceptions: int
    undetermined: int
    repositories: tuple[RepositorySummary, ...]
    classes: tuple[ClassSummary, ...]
    steps: tuple[StepSummary, ...]
    attributes: tuple[AttributeSummary, ...]
    waived: int = 0
    forbidden_pairs: int = 0
    undetermined_pairs: int = 0


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
    """The whole result: everything that any report shows, and nothing that it has to work out.

    `reverse_trace` is `None` where the policy does not ask for it, or names no Jira project.
    """

    schema: str
    run: Run
    demonstration: bool
    period: PeriodInfo
    policy: PolicyInfo
    procedure: tuple[StepInfo, ...]
    attributes: tuple[AttributeInfo, ...]
    summary: Summary
    changes: Sequence[AuditedChange]
    excluded: tuple[Excluded, ...]
    sources: tuple[EvidenceSource, ...]
    limitations: tuple[str, ...]
    reverse_trace: ReverseTrace | None = None
