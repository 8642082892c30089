"""The audit as CSV (RFC 4180): a row per attribute, change, excluded pull request, or tie-out.

The tickets that were done without a change have a file of their own.

Every cell is one line of text, as `text.one_line` shows it. A cell that a spreadsheet would take
for a formula gets a leading apostrophe, and so does a cell that begins with one already: taking
the apostrophe away gives the text back (`unguarded`).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from typing import Final, TextIO

import msgspec

from changeaudit.reporters.duties import both
from changeaudit.reporters.text import day, instant, one_line
from changeaudit.verdicts import (
    Audit,
    AuditedChange,
    Citation,
    DutyName,
    Outcome,
    Standing,
    Verdict,
)

ATTRIBUTE_COLUMNS: Final = (
    "change",
    "repository",
    "number",
    "merged_at",
    "merged_date",
    "class",
    "author",
    "title",
    "url",
    "result",
    "step",
    "step_title",
    "attribute",
    "name",
    "claim",
    "outcome",
    "reason",
    "waiver",
    "evidence",
)

EXCLUDED_COLUMNS: Final = (
    "change",
    "merged_at",
    "merged_date",
    "title",
    "url",
    "base",
    "rule",
    "reason",
)

RECONCILIATION_COLUMNS: Final = (
    "repository",
    "branch",
    "kind",
    "id",
    "at",
    "date",
    "matched_by",
    "commits",
    "pushed",
    "said",
    "url",
)

UNTRACED_COLUMNS: Final = (
    "key",
    "title",
    "type",
    "status",
    "done_at",
    "done_date",
    "how",
    "by",
    "standing",
    "said",
    "url",
)

# The steps that have a column whether or not a change was judged by them.
STEPS: Final = ("1", "2", "3", "4", "5", "6", "E")

SEPARATOR: Final = "; "

# Spreadsheets pass over blanks and quotes before they look for the sign of a formula, and those
# set to a semicolon as separator break a comma-separated cell at it.
_SIGN = r"[\s\"']*[=+\-@\uff1d\uff0b\uff0d\uff20]"
_FORMULA = re.compile(rf"\A(?='|{_SIGN})|(?<=;)(?={_SIGN})")
_GUARDED = re.compile(rf"\A'|(?<=;)'(?={_SIGN})")


def write_attributes(audit: Audit, stream: TextIO) -> None:
    """Write a row for every attribute of every change.

    `stream` must carry Unicode and leave line ends alone (`newline=""`), here and below.
    """
    steps = {step.id: step for step in audit.procedure}
    attributes = {attribute.id: attribute for attribute in audit.attributes}
    _write(
        stream,
        ATTRIBUTE_COLUMNS,
        (
            (
                change.id,
                change.repository,
                _number(change),
                instant(change.merged_at),
                day(change.merged_at),
                change.class_,
                change.author,
                change.title,
                change.url,
                change.result,
                step.step,
                steps[step.step].title,
                verdict.attribute,
                attributes[verdict.attribute].name,
                attributes[verdict.attribute].claim,
                verdict.outcome,
                verdict.reason,
                _waiver(verdict),
                SEPARATOR.join(map(_citation, verdict.evidence)),
            )
            for change in audit.changes
            for step in change.steps
            for verdict in step.attributes
        ),
    )


def change_columns(audit: Audit) -> tuple[str, ...]:
    """The columns of `write_changes`: a column for each of `STEPS`, and any further step."""
    return (
        "change",
        "repository",
        "number",
        "merged_at",
        "merged_date",
        "class",
        "class_reason",
        "result",
        "waived",
        *(f"step_{step}" for step in _steps(audit)),
        "exceptions",
        "undetermined",
        "author",
        "merged_by",
        "title",
        "tickets",
        "base",
        "head",
        "head_commit",
        "merge_commit",
        "url",
        "changed_after_merge",
        "evidence",
        *(f"duty_{duty}" for duty in DutyName),
        "forbidden_pairs",
        "undetermined_pairs",
    )


def write_changes(audit: Audit, stream: TextIO) -> None:
    """Write a row for every change: the outcome of each step, and what failed or is not known."""
    _write(
        stream, change_columns(audit), (_change(change, _steps(audit)) for change in audit.changes)
    )


def write_excluded(audit: Audit, stream: TextIO) -> None:
    """Write a row for every merged pull request out of scope, with the rule that put it there."""
    _write(
        stream,
        EXCLUDED_COLUMNS,
        (
            (
                excluded.id,
                instant(excluded.merged_at),
                day(excluded.merged_at),
                excluded.title,
                excluded.url,
                excluded.base,
                excluded.rule,
                excluded.reason,
            )
            for excluded in audit.excluded
        ),
    )


def write_reconciliation(audit: Audit, stream: TextIO) -> None:
    """Write a row for every merged pull request and for whatever reached a branch without one."""
    _write(
        stream,
        RECONCILIATION_COLUMNS,
        (
            (
                tied.repository,
                tied.branch,
                tie.kind,
                tie.id,
                instant(tie.at) if tie.at else "",
                day(tie.at) if tie.at else "",
                tie.by or "",
                SEPARATOR.join(tie.commits),
                "yes" if tie.pushed else "no",
                tie.said,
                tie.url,
            )
            for repository in audit.summary.repositories
            for tied in repository.reconciliations
            for tie in tied.ties
        ),
    )


def write_untraced(audit: Audit, stream: TextIO) -> None:
    """Write a row for every ticket that was done without a change, then what is not known."""
    trace = audit.reverse_trace
    rows: list[tuple[str, ...]] = [
        (
            ticket.key,
            ticket.title,
            ticket.type,
            ticket.status,
            instant(ticket.done_at),
            day(ticket.done_at),
            ticket.how,
            ticket.by,
            trace.standing,
            "",
            ticket.url,
        )
        for ticket in (trace.untraced if trace else ())
        if trace
    ]
    blank = ("",) * (UNTRACED_COLUMNS.index("standing"))
    rows += [(*blank, "undetermined", why, "") for why in (trace.unknown if trace else ())]
    _write(stream, UNTRACED_COLUMNS, rows)


def guarded(text: str) -> str:
    """`text` as a cell that no spreadsheet takes for a formula."""
    return _FORMULA.sub("'", text)


def unguarded(cell: str) -> str:
    """The text that `guarded` made `cell` of."""
    return _GUARDED.sub("", cell)


def _write(stream: TextIO, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    writer = csv.writer(stream)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([guarded(one_line(cell)) for cell in row])


def _steps(audit: Audit) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*STEPS, *(step.id for step in audit.procedure))))


def _change(change: AuditedChange, steps: Sequence[str]) -> tuple[str, ...]:
    outcomes = {step.step: step.outcome for step in change.steps}
    people = {
        each.duty: SEPARATOR.join((*each.people, *(f"{who} (not sure)" for who in each.unsure)))
        for each in change.duties
    }
    return (
        change.id,
        change.repository,
        _number(change),
        instant(change.merged_at),
        day(change.merged_at),
        change.class_,
        change.class_reason,
        change.result,
        "yes" if change.waived else "no",
        *(outcomes.get(step, "") for step in steps),
        _attributes(change, Outcome.EXCEPTION),
        _attributes(change, Outcome.UNDETERMINED),
        change.author,
        change.merged_by,
        change.title,
        SEPARATOR.join(change.tickets),
        change.base,
        change.head,
        change.head_commit,
        change.merge_commit,
        change.url,
        SEPARATOR.join(change.changed_after_merge),
        SEPARATOR.join(change.evidence),
        *(people.get(duty, "") for duty in DutyName),
        _pairs(change, Standing.FORBIDDEN),
        _pairs(change, Standing.UNDETERMINED),
    )


def _attributes(change: AuditedChange, outcome: Outcome) -> str:
    return SEPARATOR.join(v.attribute for v in change.verdicts() if v.outcome is outcome)


def _pairs(change: AuditedChange, standing: Standing) -> str:
    return SEPARATOR.join(
        f"{pair.person} {both(pair)} ({pair.by})" for pair in change.pairs(standing)
    )


def _waiver(verdict: Verdict) -> str:
    if isinstance(verdict.waiver, msgspec.UnsetType):
        return ""
    waiver = verdict.waiver
    return f"{waiver.by}, until {waiver.until.isoformat()}: {waiver.reason}"


def _citation(citation: Citation) -> str:
    when = instant(citation.at) if citation.at else ""
    return ", ".join(part for part in (citation.what, citation.who, when, citation.url) if part)


def _number(change: AuditedChange) -> str:
    return "" if change.number is None else str(change.number)
