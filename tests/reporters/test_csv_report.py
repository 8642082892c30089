"""The CSV reports have stable columns, hide nothing, and run nothing in a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from changeaudit.reporters.csv import (
    ATTRIBUTE_COLUMNS,
    EXCLUDED_COLUMNS,
    change_columns,
    guarded,
    unguarded,
    write_attributes,
    write_changes,
    write_excluded,
    write_reconciliation,
    write_untraced,
)
from changeaudit.reporters.text import one_line, restored
from changeaudit.verdicts import Audit, StepInfo
from reporters.sample import FORMULA_TITLE, HOSTILE_LOGIN, audit_of, change, sample_audit

DOCS = Path(__file__).parents[2] / "docs"
SIGNS = "=+-@＝＋－＠"  # the last four are full-width

Write = Callable[[Audit, io.StringIO], None]
WRITERS = pytest.mark.parametrize(
    ("write", "name"),
    [
        (write_attributes, "attributes.csv"),
        (write_changes, "changes.csv"),
        (write_excluded, "excluded.csv"),
        (write_reconciliation, "reconciliation.csv"),
        (write_untraced, "untraced.csv"),
    ],
)


def written(write: Write, audit: Audit) -> str:
    stream = io.StringIO(newline="")
    write(audit, stream)
    return stream.getvalue()


def rows(write: Write, audit: Audit) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(written(write, audit), newline="")))


@WRITERS
def test_golden(
    write: Write, name: str, audit: Audit, golden: Callable[[str, bytes], None]
) -> None:
    """The file of the sample is the one that was looked at."""
    golden(name, written(write, audit).encode("utf-8"))


@WRITERS
def test_every_record_is_a_line_of_as_many_cells(write: Write, name: str, audit: Audit) -> None:
    """RFC 4180, and no cell breaks its line: tools that read by line can be used."""
    text = written(write, audit)
    lines = text.split("\r\n")
    assert lines.pop() == ""
    assert not re.search(r"[\r\n]", "".join(lines))
    assert len({len(row) for row in csv.reader(lines)}) == 1
    assert len(lines) > 1


@WRITERS
def test_an_empty_population_still_has_its_columns(write: Write, name: str) -> None:
    assert written(write, audit_of([])).count("\r\n") == 1


def test_there_is_a_row_for_every_attribute_of_every_change(audit: Audit) -> None:
    """None is left out, and each says its change, outcome and reason."""
    expected = [
        (change.id, verdict.attribute, str(verdict.outcome))
        for change in audit.changes
        for verdict in change.verdicts()
    ]
    found = rows(write_attributes, audit)
    assert [(row["change"], row["attribute"], row["outcome"]) for row in found] == expected
    assert all(row["reason"] and row["claim"] and row["step_title"] for row in found)
    assert all(row["evidence"] for row in found if row["outcome"] == "pass")


def test_evidence_says_what_who_when_and_where(audit: Audit) -> None:
    row = next(
        row
        for row in rows(write_attributes, audit)
        if row["change"] == "acme/payments#102" and row["attribute"] == "3.1"
    )
    assert row["evidence"] == (
        "review APPROVED, petra, 2026-01-07T10:00:00Z,"
        " https://github.com/acme/payments/pull/102#pullrequestreview-1;"
        " a link in the body, dana-dev, 2026-01-07T12:00:00Z, javascript:alert(1)"
    )


def test_there_is_a_row_for_every_change_with_its_steps(audit: Audit) -> None:
    found = {row["change"]: row for row in rows(write_changes, audit)}
    assert list(found) == [change.id for change in audit.changes]
    exception = found["acme/payments#102"]
    assert exception["merged_at"] == "2026-01-07T14:05:00Z"
    assert exception["merged_date"] == "2026-01-07"
    assert [exception[f"step_{step}"] for step in "123456E"] == [
        "pass",
        "pass",
        "exception",
        "not_applicable",
        "pass",
        "undetermined",
        "",
    ]
    assert (exception["exceptions"], exception["undetermined"]) == ("3.1", "6.5")
    assert found["acme/payments#104"]["step_E"] == "exception"
    push = next(row for row in found.values() if row["class"] == "direct_push")
    assert push["number"] == ""


def test_who_did_what_and_who_did_two_things_have_columns(audit: Audit) -> None:
    """Whoever is not sure is marked; a pair names the person, the duties and what forbids it."""
    found = {row["change"]: row for row in rows(write_changes, audit)}
    own = found["acme/payments#102"]
    assert own["duty_developed"] == "dana-dev; petra"
    assert own["duty_reviewed"] == ""
    assert own["duty_approved"] == "lee-lead"
    assert own["forbidden_pairs"] == "petra developed and reviewed (3.1)"
    assert own["undetermined_pairs"] == ""
    unsure = found["acme/web#14"]
    assert unsure["duty_tested"].endswith(" (not sure)")
    assert unsure["undetermined_pairs"].endswith(" developed and tested (5.3)")
    assert unsure["duty_merged"] == ""


def test_every_row_of_every_reconciliation_is_there(audit: Audit) -> None:
    tied = [each for r in audit.summary.repositories for each in r.reconciliations]
    expected = [
        (each.branch, tie.kind, tie.id, "; ".join(tie.commits))
        for each in tied
        for tie in each.ties
    ]
    found = rows(write_reconciliation, audit)
    assert [(r["branch"], r["kind"], r["id"], r["commits"]) for r in found] == expected
    assert {r["matched_by"] for r in found} == {"", "merge_commit", "association"}
    assert "" in {r["at"] for r in found}
    assert "'=1+1" in {r["said"] for r in found}


def test_every_excluded_pull_request_is_listed_with_its_rule(audit: Audit) -> None:
    assert [(row["change"], row["rule"]) for row in rows(write_excluded, audit)] == [
        (excluded.id, excluded.rule) for excluded in audit.excluded
    ]


def test_a_step_that_the_columns_do_not_know_gets_its_own(audit: Audit) -> None:
    """Step E has its column even if no change needed it, and a new step is never dropped."""
    fewer = msgspec.structs.replace(audit, procedure=audit.procedure[:6])
    assert change_columns(fewer) == change_columns(audit)
    more = (*audit.procedure, StepInfo("F", "Further", "Anyone", "More.", ()))
    assert "step_F" in change_columns(msgspec.structs.replace(audit, procedure=more))


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("plain", "plain"),
        ("", ""),
        ("a=b", "a=b"),
        *((f"{sign}1", f"'{sign}1") for sign in SIGNS),
        ("  =1", "'  =1"),
        ('"=1', "'\"=1"),
        ("'=1", "''=1"),
        ("'quoted'", "''quoted'"),
        ("a;=1", "a;'=1"),
        ("a; @x", "a;' @x"),
        ("\t=1", "'\t=1"),
    ],
)
def test_formulas_are_guarded_by_an_apostrophe(text: str, cell: str) -> None:
    assert guarded(text) == cell
    assert unguarded(cell) == text


def test_hostile_text_of_the_sample_is_guarded(audit: Audit) -> None:
    row = next(row for row in rows(write_changes, audit) if row["change"] == "acme/web#14")
    assert row["title"] == "'" + one_line(FORMULA_TITLE)
    assert row["author"] == "'" + one_line(HOSTILE_LOGIN)


WILD = st.text(
    st.one_of(
        st.characters(),
        st.characters(categories=["Cs", "Cc", "Cf"]),
        st.sampled_from(SIGNS + "'\"; \t\r\n,|\x00\\x3d"),
    )
)


@given(WILD)
def test_any_text_comes_back_and_no_cell_is_a_formula(text: str) -> None:
    """Through the file and back, by the two rules that the documentation gives."""
    stream = io.StringIO(newline="")
    write_changes(audit_of([change(title=text)]), stream)
    stream.getvalue().encode("utf-8")
    stream.seek(0)
    (row,) = csv.DictReader(stream)
    assert restored(unguarded(row["title"])) == text
    for part in row["title"].split(";"):
        assert not part.lstrip(' \t\r\n"').startswith(tuple(SIGNS))


@pytest.mark.parametrize(
    "columns", [ATTRIBUTE_COLUMNS, EXCLUDED_COLUMNS, change_columns(sample_audit())]
)
def test_every_column_is_documented(columns: tuple[str, ...]) -> None:
    """`docs/reports.md` describes each column by name."""
    text = (DOCS / "reports.md").read_text(encoding="utf-8")
    assert [column for column in columns if f"`{column}`" not in text] == []
