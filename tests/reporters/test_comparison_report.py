"""The comparison of two policies: what the table says, and what the JSON holds."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import jsonschema
import msgspec
import pytest
from rich.cells import cell_len
from rich.console import Console

from changeaudit.comparison import Comparison, Setting, VerdictChange, compare, settings_changed
from changeaudit.reporters.comparison import render
from changeaudit.reporters.json import comparison_schema, write
from changeaudit.verdicts import (
    AuditedChange,
    ChangeClass,
    Outcome,
    exception,
    not_applicable,
    undetermined,
)
from reporters.sample import (
    FORMULA_TITLE,
    HOSTILE_TITLE,
    at,
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


def printed(
    found: Comparison, width: int = 80, encoding: str = "utf-8", *, all_changes: bool = False
) -> str:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")
    render(found, Console(file=stream, width=width), all_changes=all_changes)
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode(encoding)


@pytest.mark.parametrize("width", [80, 160])
def test_golden(width: int, golden: Callable[[str, bytes], None]) -> None:
    """The table is the one that was looked at."""
    golden(f"policy-diff-{width}.txt", printed(sample(), width).encode())


def test_golden_of_all(golden: Callable[[str, bytes], None]) -> None:
    golden("policy-diff-all.txt", printed(sample(), all_changes=True).encode())


@pytest.mark.parametrize("width", [20, 80, 100, 300])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_lines_keep_to_the_width_and_nothing_hostile_runs(width: int, encoding: str) -> None:
    folded, whole = (printed(sample(), width, encoding, all_changes=each) for each in (False, True))
    for line in (folded + whole).splitlines():
        assert cell_len(line) <= max(width, 80)
        assert line == line.rstrip()
    text = folded + whole
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)


def test_only_attributes_that_differ_are_counted() -> None:
    alike = compare(audit_of([change()]), audit_of([change(findings={"3.1": exception("no")})]))
    counted = printed(alike)
    assert re.search(r"^  3\.1  approved by qualified peer +1 → 0 +0 → 1 +0 +0$", counted, re.M)
    assert re.search(r"^  \d+ attributes judged alike in every change\.$", counted, re.MULTILINE)
    assert not re.search(r"^  3\.2", counted, re.MULTILINE)


def numbered(number: int, reason: str = "", attribute: str = "3.1") -> AuditedChange:
    """A change that merged after those of lower numbers."""
    found = {attribute: exception(reason)} if reason else {}
    return change(number=number, findings=found, merged_at=at(10) + timedelta(minutes=number))


MANY = compare(
    audit_of(
        [
            *(numbered(n, f"Stale: {n} commits came.") for n in range(1, 21)),
            numbered(30, "Nobody approved."),
            numbered(31, "By a bot."),
            numbered(32),
        ]
    ),
    audit_of([*map(numbered, (*range(1, 21), 30, 31)), numbered(32, "Who knows.", "5.1")]),
)
"""Twenty changes for one reason, two for reasons of their own, and one the other way."""


def test_changes_that_become_compliant_or_cease_to_be_come_first() -> None:
    text = printed(MANY, 160)
    assert (
        "In short\n  ✓ 22 changes become compliant: acme/payments #1, #2, #3, #4, #5, #6, #7, #8,"
        " #9, #10 and 12 more\n"
        "    mainly by 3.1 approved by qualified peer, potential exception → pass\n"
        "  ✗ 1 change ceases to be compliant: acme/payments #32\n"
        "    mainly by 5.1 signed off by qa, pass → potential exception\n" in text
    )
    assert "#19, #20, #30, #31\n" in printed(MANY, 160, all_changes=True)


def test_verdicts_that_change_alike_are_told_together() -> None:
    """What all say once, the rest by examples; those that differ by numbers alone are one."""
    text = printed(MANY).split("Verdicts that change\n")[1]
    assert text.startswith(
        "\n  3.1 approved by qualified peer: potential exception → pass (22 changes)\n"
        "    ✓ after   A qualified peer approved the change.\n"
        "    acme/payments #1, #2, #3 and 17 more\n"
        "    ✗ before  Stale: 1 commits came.\n"
        "    acme/payments #30\n"
        "    ✗ before  Nobody approved.\n"
        "    and 1 more for other reasons (--all shows them)\n"
        "\n  5.1 signed off by qa: pass → potential exception (1 change)\n"
    )
    assert text.index("3.1") < text.index("5.1")


def test_a_reason_that_stands_for_many_is_an_example() -> None:
    alike = compare(
        audit_of([change(number=n, findings={"3.1": exception(f"{n} late.")}) for n in (1, 2)]),
        audit_of([change(number=n) for n in (1, 2)]),
    )
    assert "    ✗ before  such as: 1 late.\n" in printed(alike)


def test_all_of_it_on_request() -> None:
    text = printed(MANY, all_changes=True)
    assert text.count("potential exception → compliant\n") == 22
    assert "--all" not in text
    assert len(printed(MANY).splitlines()) < 45 < len(text.splitlines())


def test_the_scope_is_folded_too() -> None:
    many = compare(audit_of([]), audit_of([change(number=n) for n in range(1, 14)]))
    assert "\nand 3 more (--all shows them)\n" in printed(many)
    assert "more (--all" not in printed(many, all_changes=True)


def test_what_the_policies_say_differently_is_shown() -> None:
    """Key by key, with both values; a part that only one has counts as unset. Names say nothing."""
    said = settings_changed(
        {"name": "a", "qa": {"labels": ["x"], "review": True}, "old": 1, "same": {}},
        {"name": "b", "qa": {"labels": [], "review": True}, "same": {}},
    )
    assert said == (Setting("qa.labels", '["x"]', "[]"), Setting("old", "1", "null"))
    text = printed(msgspec.structs.replace(sample(), settings=said))
    assert "What the policies say differently\n  qa.labels: [x] → []\n  old: 1 → not set\n" in text
    assert "say differently" not in printed(sample())


def test_what_an_override_sets_is_shown_leaf_by_leaf() -> None:
    """By its name, and only what differs; the order of overrides counts too."""
    one = {"name": "ledger", "set": {"peer_review": {"approvals": 1}, "qa": {"review": True}}}
    two = {"name": "ledger", "set": {"peer_review": {"approvals": 2}, "qa": {"review": True}}}
    web = {"name": "web", "set": {}}
    assert settings_changed({"overrides": [one]}, {"overrides": [two]}) == (
        Setting("overrides[ledger].set.peer_review.approvals", "1", "2"),
    )
    (order,) = settings_changed({"overrides": [one, web]}, {"overrides": [web, one]})
    assert order == Setting("overrides", '["ledger","web"]', '["web","ledger"]')
    twice = settings_changed({"overrides": [one, one]}, {"overrides": [one, two]})
    assert [each.key for each in twice] == ["overrides"]


def test_values_are_shown_as_a_policy_has_them_and_bounded() -> None:
    users = '[{"login":"ana","from":null,"to":null},{"login":"bo","from":"2026-01-01","to":null}]'
    said = [Setting("roles.qa.users", "null", users), *[Setting("k", "1", "true")] * 40]
    found = msgspec.structs.replace(sample(), settings=tuple(said))
    text = printed(found, 160)
    assert "  roles.qa.users: not set → [ana, {login: bo, from: '2026-01-01'}]\n" in text
    assert text.count("  k: 1 → true\n") == 29
    assert "  and 11 more (--all shows them)\n" in text
    assert printed(found, 160, all_changes=True).count("  k: 1 → true\n") == 40


def test_reasons_that_differ_by_people_alone_are_one() -> None:
    """Who approved is told of each change; the cause is the same."""

    def by(number: int, who: str) -> AuditedChange:
        developed = (*who.replace(" and ", " ").split(),)
        found = {"3.1": exception(f"Approved by {who}, and nobody else.")}
        made = change(number=number, findings=found)
        return msgspec.structs.replace(made, developers=developed)

    names = ("ana", "bo-x", "ana and bo-x", "Cy[bot]")
    found = compare(
        audit_of([by(n, who) for n, who in enumerate(names, 1)]),
        audit_of([change(number=n) for n in range(1, 5)]),
    )
    assert "other reasons" not in printed(found)
    assert "such as: Approved by ana, and nobody else.\n" in printed(found)


def test_the_main_cause_is_named_at_once() -> None:
    """By an attribute, above; or by the class, of which the attributes are a consequence."""
    moved = compare(
        audit_of([change(number=1)]),
        audit_of(
            [
                change(
                    number=1,
                    class_=ChangeClass.EMERGENCY,
                    findings={"E.1": exception("No ticket.")},
                )
            ]
        ),
    )
    assert "    mainly by class standard → emergency\n" in printed(moved, 160)


def test_both_reasons_stand_under_the_change() -> None:
    found = compare(
        audit_of([change(findings={"3.1": exception("Too few.")})]), audit_of([change()])
    )
    text = printed(found, all_changes=True)
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
    text = printed(found, 160, all_changes=True)
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
