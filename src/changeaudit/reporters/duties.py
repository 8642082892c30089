"""Who did what for a change, and who did two things, in the words that every form shares."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from changeaudit.verdicts import (
    AuditedChange,
    ChangeClass,
    Conflict,
    Duty,
    DutyName,
    Outcome,
    Standing,
    Summary,
)

NAMES: Final = MappingProxyType(
    {
        DutyName.DEVELOPED: "Developed",
        DutyName.REVIEWED: "Peer review",
        DutyName.SECURED: "Security review",
        DutyName.TESTED: "QA sign-off",
        DutyName.APPROVED: "Final approval",
        DutyName.MERGED: "Merged",
    }
)
"""How reports call the duties."""

MARKS: Final = MappingProxyType(
    {
        Standing.FORBIDDEN: Outcome.EXCEPTION,
        Standing.UNDETERMINED: Outcome.UNDETERMINED,
        Standing.ALLOWED: Outcome.NOT_APPLICABLE,
    }
)
"""The sign of each standing, the gravest first."""


def name(change: AuditedChange, duty: Duty) -> str:
    """How reports call a duty of a change: nobody merges a direct push."""
    pushed = change.class_ is ChangeClass.DIRECT_PUSH and duty.duty is DutyName.MERGED
    return "Pushed" if pushed else NAMES[duty.duty]


def people(duty: Duty) -> str:
    """Who did it: by login, those of whom it is not sure as such, or that nobody is known."""
    said = [*duty.people, *(f"{login} (not sure)" for login in duty.unsure)]
    always = duty.duty in (DutyName.DEVELOPED, DutyName.MERGED)
    return ", ".join(said) or ("not known" if always else "nobody is shown")


def ordered(change: AuditedChange) -> list[Conflict]:
    """The pairs of a change, the gravest first."""
    return [pair for standing in MARKS for pair in change.pairs(standing)]


def gravest(change: AuditedChange) -> Standing | None:
    """The gravest standing of any pair of a change."""
    found = ordered(change)
    return found[0].standing if found else None


def both(pair: Conflict) -> str:
    """The two duties, in words: "developed and reviewed"."""
    return " and ".join(pair.duties)


def standing(pair: Conflict) -> str:
    """What the policy says of one person in two duties, and which part of it: "forbidden (3.1)"."""
    words = "cannot be told" if pair.standing is Standing.UNDETERMINED else pair.standing
    return f"{words} ({pair.by})" if pair.by else words


def conclusion(change: AuditedChange) -> str:
    """What there is to say where no pair is forbidden and none cannot be told; else nothing."""
    if not change.duties or any(p.standing is not Standing.ALLOWED for p in change.conflicts):
        return ""
    if change.class_ is ChangeClass.DIRECT_PUSH:
        return (
            "Duties were not segregated: nobody is known to have reviewed, tested or approved it."
        )
    return "Nobody is known to have had two duties that the policy keeps apart."


def summed(summary: Summary) -> str:
    """In how many changes one person had two duties that the policy keeps apart."""
    changes = f"{summary.changes:,} change{'' if summary.changes == 1 else 's'}"
    found = f"{summary.forbidden_pairs:,}" if summary.forbidden_pairs else "none"
    more = (
        f"; in {summary.undetermined_pairs:,} more that cannot be told"
        if summary.undetermined_pairs
        else ""
    )
    return (
        f"In {found} of {changes} one person acted in two duties that the policy keeps apart{more}."
    )
