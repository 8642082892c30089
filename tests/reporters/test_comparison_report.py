"""The comparison of two policies: what the table says, and what the JSON holds."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import jsonschema
import msgspec
import pytest
from rich.cells import cell_len
from rich.console import Console

from changeaudit.comparison import Comparison, VerdictChange, compare
from changeaudit.reporters.comparison import render
from changeaudit.reporters.json import comparison_schema, write
from changeaudit.verdicts import ChangeClass, Outcome, exception, not_applicable, undetermined
from reporters.sample import (
    FORMULA_TITLE,
    HOSTILE_TITLE,
    audit_of,
    change,
    sample_audit,
    sample_excluded,
)


def sample() -> Comparison:
    """Of each kind of difference one, with hostile titles."""
    (documents, notes, _) = sample_excluded()
    flag = {"1.1": exception("No ticket is named.")}
    before = audit_of(
        [
            change(number=1, title=HOSTILE_TITLE, findings={"3.1": exception(HOSTILE_TITLE)}),
            change(number=2, title=FORMULA_TITLE),
            change(number=3, findings=flag),
            change(number=4),
            change(number=98, title=documents.title),
            change(number=None, class_=ChangeClass.DIRECT_PUSH, title="quick fix"),
        ],
        [notes],
    )
    after = audit_of(
        [
            change(number=1, title=HOSTILE_TITLE),
            change(
                number=2,
                title=FORMULA_TITLE,
                class_=ChangeClass.EMERGENCY,
                class_reason="label emergency",
                findings=dict.fromkeys("123456", not_applicable("Judged by ENG-PROC-004.")),
            ),
            change(number=3, findings={**flag, "5.1": undetermined("Who knows.")}),
            change(number=4),
            change(number=99, title=notes.title, findings=flag),
        ],
        [documents],
    )
    return compare(before, after, ["The store holds no members of acme/qa."])


def printed(found: Comparison, width: int = 80, encoding: str = "utf-8") -> str:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")
    render(found, Console(file=stream, width=width))
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode(encoding)


@pytest.mark.parametrize("width", [80, 160])
def test_golden(width: int, golden: Callable[[str, bytes], None]) -> None:
    """The table is the one that was looked at."""
    golden(f"policy-diff-{width}.txt", printed(sample(), width).encode())


@pytest.mark.parametrize("width", [20, 80, 100, 300])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_lines_keep_to_the_width_and_nothing_hostile_runs(width: int, encoding: str) -> None:
    text = printed(sample(), width, encoding)
    for line in text.splitlines():
        assert cell_len(line) <= max(width, 80)
        assert line == line.rstrip()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)


def test_only_attributes_that_differ_are_counted() -> None:
    alike = compare(audit_of([change()]), audit_of([change(findings={"3.1": exception("no")})]))
    counted = printed(alike)
    assert re.search(r"^  3\.1  approved by qualified peer +1 → 0 +0 → 1 +0 +0$", counted, re.M)
    assert re.search(r"^  \d+ attributes judged alike in every change\.$", counted, re.MULTILINE)
    assert not re.search(r"^  3\.2", counted, re.MULTILINE)


def test_both_reasons_stand_under_the_change() -> None:
    found = compare(
        audit_of([change(findings={"3.1": exception("Too few.")})]), audit_of([change()])
    )
    text = printed(found)
    assert "acme/payments#1 · potential exception → compliant\n" in text
    assert "  3.1 approved by qualified peer: potential exception → pass\n" in text
    assert "    ✗ before  Too few.\n    ✓ after   A qualified peer approved the change.\n" in text


@pytest.mark.parametrize(
    ("found", "last"),
    [
        (compare(sample_audit(), sample_audit()), "Nothing changes: 9 changes judged alike."),
        (compare(audit_of([]), audit_of([])), "The population is empty by both policies: nothing"),
        (
            sample(),
            "1 change with another result; 2 with other verdicts alone; 1 entered the scope; 2",
        ),
    ],
    ids=["nothing", "empty", "something"],
)
def test_the_last_line_says_what_it_comes_to(found: Comparison, last: str) -> None:
    assert last in printed(found, 160).split("\n\n")[-1]


def test_a_waiver_is_said() -> None:
    verdict = VerdictChange(
        "3.1", Outcome.EXCEPTION, Outcome.EXCEPTION, "No.", "No. Waived by cto.", False, True
    )
    (one, *_) = sample().changes
    found = msgspec.structs.replace(
        sample(),
        changes=(msgspec.structs.replace(one, verdicts=(verdict,)),),
        after=msgspec.structs.replace(sample().after, waived=1),
    )
    text = printed(found, 160)
    assert "qualified peer: potential exception → potential exception, waived\n" in text
    assert "2 with potential exceptions (1 waived), 0 undetermined" in text


def test_real_evidence_is_not_called_a_demonstration() -> None:
    assert "Demonstration" in printed(sample())
    assert "Demonstration" not in printed(msgspec.structs.replace(sample(), demonstration=False))


def test_the_json_follows_its_schema_and_reads_back() -> None:
    found = msgspec.structs.replace(sample(), changes=sample().changes[:1])
    stream = io.StringIO()
    write(found, stream)
    jsonschema.validate(json.loads(stream.getvalue()), comparison_schema())
    assert msgspec.json.decode(stream.getvalue().encode(), type=Comparison) == found


def test_the_published_schema_is_current(golden: Callable[[str, bytes], None]) -> None:
    """`docs/policy-diff.schema.json` is what the program makes; RENEW_GOLDEN=1 writes it anew."""
    made = json.dumps(comparison_schema(), indent=2, ensure_ascii=False) + "\n"
    golden("../../../docs/policy-diff.schema.json", made.encode())
    docs = Path(__file__).parents[2] / "docs"
    assert (docs / "policy-diff.schema.json").read_text(encoding="utf-8") == made
