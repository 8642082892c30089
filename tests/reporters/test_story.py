"""The story of one change: what it says, in what order, and on which terminals."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from changeaudit.explanation import SCHEMA, Explanation, Remedy
from changeaudit.reporters.json import explanation_schema, write
from changeaudit.reporters.story import render
from changeaudit.verdicts import (
    Acceptance,
    AuditedChange,
    ChangeClass,
    Citation,
    Conflict,
    Duty,
    DutyName,
    Outcome,
    Standing,
    TimelineEntry,
    exception,
    not_applicable,
    passed,
    undetermined,
)
from reporters.sample import (
    HOSTILE_TITLE,
    at,
    audit_of,
    change,
    duties,
    sample_changes,
    sample_excluded,
)

OPEN = (Outcome.EXCEPTION, Outcome.UNDETERMINED)
MERGED = at(10)


def explained(found: AuditedChange | None, **fields: Any) -> Explanation:
    """The explanation of a change; each attribute that is open gets a remedy of its own."""
    audit = audit_of([found] if found else [])
    steps = {step.step for step in found.steps} if found else set()
    values: dict[str, Any] = {
        "schema": SCHEMA,
        "run": audit.run,
        "demonstration": False,
        "policy": audit.policy,
        "collected_at": datetime(2026, 2, 2, 8, 5, tzinfo=UTC),
        "change": found,
        "excluded": None,
        "procedure": tuple(step for step in audit.procedure if step.id in steps),
        "attributes": tuple(each for each in audit.attributes if each.step in steps),
        "remedies": tuple(
            Remedy(v.attribute, f"Do what {v.attribute} asks.", (f"key.of.{v.attribute[0]}",))
            for v in (found.verdicts() if found else ())
            if v.outcome in OPEN
        ),
        "limitations": ("Jira was not asked: the policy names no project.",),
    }
    return Explanation(**{**values, **fields})


def printed(told: Explanation, width: int = 80, encoding: str = "utf-8") -> str:
    """The story as it goes into a pipe."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")
    render(told, Console(file=stream, width=width))
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode(encoding)


def on_terminal(told: Explanation, *, no_color: bool = False) -> str:
    """The story as a terminal with colours receives it."""
    stream = io.StringIO()
    console = Console(
        file=stream, width=100, force_terminal=True, color_system="standard", no_color=no_color
    )
    render(told, console)
    return stream.getvalue()


def flat(text: str) -> str:
    """The story without its line breaks, where wrapping is not the question."""
    return re.sub(r"\s+", " ", text)


def section(text: str, heading: str) -> str:
    """What stands under a heading, up to the next line that begins at the margin."""
    return re.split(r"\n(?=[A-Z])", text.split(f"\n{heading}")[1])[0]


STORY = change(
    number=7,
    findings={
        "3.1": passed("Approved by petra.", [Citation("review", "petra", at(9), "https://x.test")]),
        "3.3": exception(
            "Stale: approved by petra, but the branch was force-pushed after it.",
            [
                Citation("review", "petra", at(9), "https://x.test/1"),
                Citation("force-push", "dana-dev", at(9, 13), "https://x.test/1"),
                Citation("no address"),
            ],
        ),
        "4": not_applicable("Nothing triggers a security review."),
        "5.1": undetermined("Whether QA signed off cannot be told."),
        "6.1": passed("Approved by lee-lead.", [Citation("review", "Lee-Lead", at(9), "")]),
    },
    timeline=(
        TimelineEntry(at(1), "ticket PAY-12 created", "wren", "https://tracker.test/PAY-12"),
        TimelineEntry(at(2), "pull request opened", "dana-dev", "https://x.test"),
        TimelineEntry(MERGED, "label qa applied", "quinn", ""),
        TimelineEntry(MERGED, "merged into main", "lee-lead", ""),
        TimelineEntry(at(11), "description edited", "dana-dev", "", late=True),
    ),
    changed_after_merge=("description edited",),
)


@pytest.mark.parametrize("width", [80, 160])
def test_golden(width: int, golden: Callable[[str, bytes], None]) -> None:
    """The story is the one that was looked at."""
    golden(f"story-{width}.txt", printed(explained(STORY), width).encode())


def test_golden_without_symbols(golden: Callable[[str, bytes], None]) -> None:
    """A stream in ASCII gets letters for signs, and escapes for what it cannot carry."""
    hostile = next(each for each in sample_changes() if each.title == HOSTILE_TITLE)
    golden("story-ascii.txt", printed(explained(hostile), encoding="ascii").encode("ascii"))


@pytest.mark.parametrize("width", [80, 100, 160, 300])
@pytest.mark.parametrize("found", sample_changes(), ids=lambda each: each.id[-6:])
def test_lines_keep_to_the_width(found: AuditedChange, width: int) -> None:
    """Nothing is wrapped by the terminal but addresses, and no line trails blanks."""
    for line in printed(explained(found), width).splitlines():
        assert cell_len(line) <= width or "https://" in line
        assert line == line.rstrip()


def test_a_narrow_console_gets_the_least_width() -> None:
    assert printed(explained(STORY), 20) == printed(explained(STORY), 80)


@pytest.mark.parametrize("found", sample_changes(), ids=lambda each: each.id[-6:])
def test_everything_that_was_judged_and_read_is_there(found: AuditedChange) -> None:
    """Each reason, each piece of evidence with its address, each remedy, digest and alteration."""
    told = explained(found, remedies=explained(found).remedies)
    text = flat(printed(told, 400, "utf-8"))
    for verdict in found.verdicts():
        assert flat(one_line_of(verdict.reason)) in text
        for cited in verdict.evidence:
            assert flat(one_line_of(cited.what)) in text
            assert cited.url in text
    for digest in found.evidence:
        assert digest in text
    for what in found.changed_after_merge:
        assert f"! {what}" in text
    assert told.policy.digest in text
    assert told.policy.name in text
    assert found.class_reason in text


def one_line_of(text: str) -> str:
    from changeaudit.reporters.text import one_line

    return one_line(text)


# The order of things ----------------------------------------------------------------------------


def test_the_answer_comes_first_then_what_it_rests_on() -> None:
    text = printed(explained(STORY))
    headings = re.findall(r"^([A-Z][^\n]*?)(?:: [a-z ]+)?$", text, re.MULTILINE)
    wanted = [
        "In short",
        "What happened (UTC)",
        "Step 1: Ticket and feature branch",
        "Step 6: Final approval",
        "Altered after the merge",
        "Who did what",
        "One person in two duties",
        "Judged by",
        "Stored evidence (SHA-256 of each answer)",
        "Limitations",
    ]
    assert [each for each in headings if each in wanted] == wanted


def test_the_short_form_names_what_is_open() -> None:
    short = section(printed(explained(STORY)), "In short")
    assert "  ✗ 3  Peer review: potential exception (3.3 peer approval fresh)" in short
    assert "  ? 5  QA sign-off: undetermined (5.1 signed off by qa)" in short
    assert "  – 4  Security review: not applicable\n" in short
    assert "  ✓ 1  Ticket and feature branch: pass\n" in short


def test_an_exception_and_a_doubt_in_one_step_are_told_apart() -> None:
    both = change(findings={"3.1": exception("no"), "3.3": undetermined("who knows")})
    short = flat(section(printed(explained(both), 160), "In short"))
    assert (
        "potential exception (3.1 approved by qualified peer) (undetermined: 3.3 peer approval"
        " fresh)" in short
    )


# The timeline -----------------------------------------------------------------------------------


def test_ticket_and_pull_request_are_on_one_timeline_and_the_merge_is_marked() -> None:
    assert section(printed(explained(STORY)), "What happened (UTC)").splitlines()[1:] == [
        "  2026-01-01 12:00:00  ticket PAY-12 created · wren",
        "  2026-01-02 12:00:00  pull request opened · dana-dev",
        "  2026-01-10 12:00:00  label qa applied · quinn  [in the very second of the",
        "                       merge]",
        "> 2026-01-10 12:00:00  merged into main · lee-lead  [judged as of here]",
        "  After the merge; no verdict rests on it:",
        "+ 2026-01-11 12:00:00  description edited · dana-dev",
    ]


def test_a_merge_that_no_event_tells_of_is_there_all_the_same() -> None:
    untold = change(timeline=(), merged_by="lee-lead")
    text = section(printed(explained(untold)), "What happened (UTC)")
    assert "> 2026-01-10 12:00:00  merged into main · lee-lead  [judged as of here]" in text
    assert "After the merge" not in text


def test_what_came_late_stands_after_the_merge_whatever_the_order() -> None:
    shuffled = msgspec.structs.replace(STORY, timeline=STORY.timeline[::-1])
    text = section(printed(explained(shuffled)), "What happened (UTC)")
    assert text.index("merged into main") < text.index("After the merge") < text.index("edited")


# Attributes -------------------------------------------------------------------------------------


def test_what_is_open_says_what_would_have_passed_and_nothing_else_does() -> None:
    text = flat(printed(explained(STORY), 160))
    told = re.findall(r"Do what (\S+) asks\. Policy: key\.of\.(\d)\.", text)
    assert told == [("3.3", "3"), ("5.1", "5")]
    assert text.count("Policy: key.of.") == 2


def test_pieces_of_evidence_with_one_address_show_it_once() -> None:
    text = printed(explained(STORY), 160).split("✗ 3.3")[1].split("Step 4")[0]
    assert text.count("https://x.test/1") == 1
    assert re.search(
        r"- review · petra · 2026-01-09 12:00:00Z\n"
        r" +- force-push · dana-dev · 2026-01-09 13:00:00Z\n"
        r" +https://x\.test/1\n"
        r" +- no address\n",
        text,
    )


def test_attributes_with_one_reason_are_told_together_each_with_its_claim() -> None:
    two = change(findings={"4.2": not_applicable("See 4.1."), "4.3": not_applicable("See 4.1.")})
    text = printed(explained(two), 160)
    assert text.count("See 4.1.") == 1
    assert re.search(r"– 4\.2  The security team approved[^\n]*\n  – 4\.3  No code came", text)


def test_many_attributes_with_one_reason_are_counted() -> None:
    text = printed(explained(STORY))
    assert "  – 4.1–4.4  4 attributes, for one reason\n" in text
    assert text.count("Nothing triggers a security review.") == 1


def test_steps_with_one_cause_are_told_once() -> None:
    """An emergency change: the six steps are not asked of it, for one reason."""
    emergency = next(c for c in sample_changes() if c.class_ is ChangeClass.EMERGENCY)
    text = printed(explained(emergency))
    assert "\nSteps 1 to 6: not applicable\n" in text
    assert "  – 1.1–6.5  23 attributes, for one reason\n" in text
    assert text.count("judged by ENG-PROC-004") == 1
    assert "\nStep E: Emergency change (ENG-PROC-004): potential exception\n" in text


def test_a_waiver_lies_over_an_exception_and_an_override_is_named() -> None:
    """Neither is hidden: the exception stays one, and says who accepted it until when."""
    over = Acceptance("cto", "Accepted for the launch.", date(2026, 3, 31))
    plain = change(findings={"3.1": exception("Too few.")})
    steps = tuple(
        msgspec.structs.replace(
            step,
            attributes=tuple(
                msgspec.structs.replace(v, waiver=over) if v.attribute == "3.1" else v
                for v in step.attributes
            ),
        )
        for step in plain.steps
    )
    waived = msgspec.structs.replace(plain, steps=steps, overrides=("payments",))
    text = flat(printed(explained(waived), 160))
    assert "Result ✗ potential exception, waived in full" in text
    assert (
        "Too few. Waived by cto (covers merges up to 2026-03-31): Accepted for the launch." in text
    )
    assert "Overrides payments" in text
    assert "waived" not in printed(explained(plain))
    assert "Overrides" not in printed(explained(plain))


def test_what_is_asked_of_an_emergency_afterwards_may_rest_on_what_came_late() -> None:
    late = (TimelineEntry(at(11), "comment", "dana-dev", late=True),)
    emergency = change(class_=ChangeClass.EMERGENCY, timeline=late)
    text = printed(explained(emergency))
    assert "After the merge; only what ENG-PROC-004 asks for afterwards rests on it:" in text


# Who did what -----------------------------------------------------------------------------------


def duties_of(found: AuditedChange) -> dict[str, str]:
    """The table, by duty."""
    lines = section(printed(explained(found), 200), "Who did what").splitlines()
    rows = [re.split(r"\s{2,}", line.strip(), maxsplit=1) for line in lines if "  " in line.strip()]
    return {row[0]: row[1] for row in rows}


def pairs_of(found: AuditedChange) -> str:
    """What is said of people with two duties."""
    return section(printed(explained(found), 200), "One person in two duties")


def test_who_did_what_is_told_as_the_audit_found_it() -> None:
    """Somebody of whom it is not sure stands apart, and nobody is not left out."""
    found = change(
        duties=duties(
            reviewed=Duty(DutyName.REVIEWED, ("petra",), ("pat",), "Why pat is not sure."),
            secured=Duty(DutyName.SECURED, (), (), "No security review is required."),
            merged=Duty(DutyName.MERGED, (), (), "The account that merged is deleted now."),
        )
    )
    assert duties_of(found) == {
        "Developed": "dana-dev",
        "Peer review": "petra, pat (not sure)",
        "Security review": "nobody is shown",
        "QA sign-off": "quinn-qa",
        "Final approval": "lee-lead",
        "Merged": "not known",
    }
    text = section(printed(explained(found)), "Who did what")
    for said in ("Why pat is not sure.", "No security review", "The account that merged is"):
        assert f"\n                   {said}" in text


def test_one_person_in_two_duties_is_told_with_what_forbids_it_gravest_first() -> None:
    found = next(each for each in sample_changes() if each.title == HOSTILE_TITLE)
    lines = [line.strip() for line in pairs_of(found).splitlines() if line.strip()]
    assert lines == [
        "✗ petra developed and reviewed: forbidden (3.1)",
        "petra approved as peer, but petra is the committer of 4f5e6d7: a developer's approval does"
        " not count.",
        "– dana-dev developed and merged: allowed (final_approval.developer_may_merge)",
        "dana-dev merged it, and dana-dev opened the pull request: the policy lets a developer"
        " merge what others have approved.",
    ]


def test_what_cannot_be_told_of_two_duties_is_said() -> None:
    found = next(c for c in sample_changes() if c.pairs(Standing.UNDETERMINED))
    assert "developed and tested: cannot be told (5.3)" in pairs_of(found)
    assert "Nobody is known" not in pairs_of(found)


def test_where_duties_were_apart_that_is_said() -> None:
    assert "  Nobody is known to have had two duties that the policy keeps apart.\n" in pairs_of(
        change()
    )
    push = next(c for c in sample_changes() if c.class_ is ChangeClass.DIRECT_PUSH)
    assert "Duties were not segregated: nobody is known to have" in pairs_of(push)


def test_one_piece_of_evidence_that_is_cited_twice_is_told_once() -> None:
    twice = [Citation("review of petra's", "petra", at(9), "https://x.test")] * 2
    text = printed(explained(change(findings={"3.1": passed("Approved.", twice)})))
    assert text.count("review of petra's") == 1


# Direct pushes and what is out of scope ---------------------------------------------------------


def test_a_direct_push_has_one_cause_one_remedy_and_no_merge() -> None:
    push = next(c for c in sample_changes() if c.class_ is ChangeClass.DIRECT_PUSH)
    remedies = tuple(
        Remedy(v.attribute, "Open a pull request.", ("scope.branches",)) for v in push.verdicts()
    )
    text = printed(explained(push, remedies=remedies))
    assert "\nSteps 1 to 6: potential exception\n" in text
    assert text.count(" Open a pull request. Policy: scope.branches.") == 1
    assert "merged" not in text.lower().split("judged by")[0].replace("unmerged", "")
    assert duties_of(push)["Developed"] == "b0bby"
    assert duties_of(push)["Pushed"] == "not known"


def test_what_is_out_of_scope_says_which_rule_and_judges_nothing() -> None:
    text = printed(explained(None, excluded=sample_excluded()[0], demonstration=True))
    assert "Result     out of scope: nothing was judged\n" in text
    assert "Rule       documentation only: all 2 changed files match docs/**\n" in text
    assert "Demonstration evidence: an invented organisation" in text
    assert "In short" not in text
    assert "Stored evidence" not in text


def test_without_evidence_limits_or_an_instant_of_collection() -> None:
    bare = explained(change(evidence=()), collected_at=None, limitations=())
    text = printed(bare)
    assert "No stored answer is named for this change." in text
    assert "Collected" not in text
    assert "Limitations" not in text
    assert "Nothing was found." in text
    assert "Demonstration" not in text


# Terminals and hostile text ---------------------------------------------------------------------


def test_colour_says_nothing_that_symbols_do_not() -> None:
    plain = re.sub(r"\x1b\[[0-9;]*m|\x1b\]8;[^\x1b]*\x1b\\", "", on_terminal(explained(STORY)))
    assert plain == printed(explained(STORY), 100)


def test_no_colour_where_none_is_wanted() -> None:
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", on_terminal(explained(STORY), no_color=True))
    assert "\x1b[" in on_terminal(explained(STORY))
    assert "\x1b" not in printed(explained(STORY))


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60))
def test_hostile_text_stays_text(text: str) -> None:
    """Wherever others' words stand, nothing of them moves the cursor or breaks a line."""
    hostile = change(
        title=text,
        author=text,
        merged_by=text,
        class_reason=text,
        tickets=(text,),
        findings={"3.1": exception(f"x{text}", [Citation(text, text, at(1), text)])},
        timeline=(TimelineEntry(at(1), text, text, text), TimelineEntry(at(12), text, late=True)),
        changed_after_merge=(text,),
        evidence=(text,),
        duties=(Duty(DutyName.DEVELOPED, (text,), (text,), text),),
        conflicts=(
            Conflict(text, (DutyName.DEVELOPED, DutyName.MERGED), Standing.FORBIDDEN, text, text),
        ),
    )
    shown = printed(explained(hostile))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\ud800]", shown)
    assert shown.count("Policy: ") == 1


# As JSON ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("found", sample_changes(), ids=lambda each: each.id[-6:])
def test_the_json_follows_its_schema_and_reads_back(found: AuditedChange) -> None:
    stream = io.StringIO()
    told = explained(found)
    write(told, stream)
    document = json.loads(stream.getvalue())
    jsonschema.validate(document, explanation_schema())
    assert document["schema"] == SCHEMA == explanation_schema()["title"]
    assert [each["attribute"] for each in document["remedies"]] == [
        verdict.attribute for verdict in found.verdicts() if verdict.outcome in OPEN
    ]
    if "\ud83d" not in found.title:  # half a character comes back as its escape
        assert msgspec.json.decode(stream.getvalue().encode(), type=Explanation) == told


def test_the_published_schema_is_current(golden: Callable[[str, bytes], None]) -> None:
    """`docs/explain.schema.json` is what the program makes; RENEW_GOLDEN=1 writes it anew."""
    made = json.dumps(explanation_schema(), indent=2, ensure_ascii=False) + "\n"
    golden("../../../docs/explain.schema.json", made.encode())
    docs = Path(__file__).parents[2] / "docs"
    assert (docs / "explain.schema.json").read_text(encoding="utf-8") == made
