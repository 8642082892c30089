"""The report for the terminal: what it says, in what order, and on which terminals."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from changeaudit.reporters.table import NAMED, REPOSITORIES, SHARED_ABOVE, render
from changeaudit.verdicts import (
    Audit,
    ChangeClass,
    Finding,
    Tie,
    TieKind,
    exception,
    not_applicable,
    undetermined,
)
from reporters.sample import (
    PAYMENTS,
    WEB,
    at,
    audit_of,
    change,
    large_audit,
    sample_audit,
    sample_excluded,
)


class Stream(io.TextIOWrapper):
    """A stream of bytes in some encoding, strict as a terminal's or a file's is."""

    def __init__(self, encoding: str = "utf-8") -> None:
        self.bytes = io.BytesIO()
        super().__init__(self.bytes, encoding=encoding, newline="\n")

    def text(self) -> str:
        self.flush()
        return self.bytes.getvalue().decode(self.encoding)


def printed(
    audit: Audit, width: int = 80, *, encoding: str = "utf-8", all_changes: bool = False
) -> str:
    """The report as it goes into a pipe."""
    stream = Stream(encoding)
    render(audit, Console(file=stream, width=width), all_changes=all_changes)
    return stream.text()


def on_terminal(audit: Audit, *, no_color: bool = False) -> str:
    """The report as a terminal with colours receives it."""
    stream = Stream()
    console = Console(
        file=stream,
        width=100,
        force_terminal=True,
        color_system="standard",
        no_color=no_color,
        legacy_windows=False,
    )
    render(audit, console)
    return stream.text()


def flat(text: str) -> str:
    """The report without its line breaks, where wrapping is not the question."""
    return re.sub(r"\s+", " ", text)


def one(findings: Mapping[str, Finding], number: int = 1) -> Audit:
    return audit_of([change(number=number, findings=findings)], repositories=[PAYMENTS])


@pytest.mark.parametrize("width", [80, 160])
def test_golden(width: int, audit: Audit, golden: Callable[[str, bytes], None]) -> None:
    """The table of the sample is the one that was looked at, two lines to a change or one."""
    golden(f"table-{width}.txt", printed(audit, width).encode("utf-8"))


def test_golden_of_many_changes(large: Audit, golden: Callable[[str, bytes], None]) -> None:
    """Compliant changes are folded and shared reasons grouped."""
    golden("table-large.txt", printed(large).encode("utf-8"))


def test_golden_without_symbols(audit: Audit, golden: Callable[[str, bytes], None]) -> None:
    """A stream in ASCII gets letters for signs, and escapes for what it cannot carry."""
    golden("table-ascii.txt", printed(audit, encoding="ascii").encode("ascii"))


@pytest.mark.parametrize("width", [80, 100, 117, 118, 119, 120, 160, 300])
def test_lines_keep_to_the_width(width: int, audit: Audit, large: Audit) -> None:
    """Nothing is wrapped by the terminal but addresses, and no line trails blanks."""
    for line in (printed(audit, width) + printed(large, width)).splitlines():
        assert cell_len(line) <= width or "https://" in line
        assert line == line.rstrip()


def test_a_narrow_console_gets_the_least_width(audit: Audit) -> None:
    assert printed(audit, 20) == printed(audit, 80)


# What it says -----------------------------------------------------------------------------------


def test_the_header_says_what_was_audited(audit: Audit) -> None:
    text = printed(audit)
    assert "2026-01-01T00:00:00Z (included) to 2026-02-01T00:00:00Z (not included)" in text
    assert "acme-2026 (policy.yaml), SHA-256 9b74c9897bac\n" in text
    assert re.search(r"1 +11\.1 % +emergency", text)
    assert "acme/payments (main): complete\n" in text
    assert "acme/web (main): not shown to be complete\n" in text
    assert "Demonstration evidence: an invented organisation" in text


def test_real_evidence_is_not_called_a_demonstration(large: Audit) -> None:
    assert "emonstration" not in printed(large)


@pytest.mark.parametrize("width", [80, 160])
def test_exceptions_come_first_then_the_undetermined_each_by_date(width: int, audit: Audit) -> None:
    matrix = printed(audit, width).split("Changes and the steps")[1].split("✓ pass")[0]
    assert re.findall(r"^(acme/\S+)", matrix, re.MULTILINE) == [
        "acme/payments#102",
        "acme/payments#104",
        "acme/payments@0f1e2d3c4b",
        "acme/web#14",
        "acme/payments#103",
        "acme/payments#101",
        "acme/web#12",
        "acme/web#13",
        "acme/web#15",
    ]


@pytest.mark.parametrize("width", [80, 160])
@pytest.mark.parametrize(
    "row",
    [
        r"acme/payments#102 +✓ ✓ ✗ – ✓ \? +exception +2026-01-07 +standard",
        r"acme/payments#104 +– – – – – – ✗ +exception +2026-01-11 +emergency",
        r"acme/payments@0f1e2d3c4b +✗ ✗ ✗ ✗ ✗ ✗ +exception +2026-01-12 +direct push",
        r"acme/payments#103 +✓ ✓ ✓ \? \? ✓ +undetermined +2026-01-09 +standard",
        r"acme/web#12 +– – ✓ – – – +compliant +2026-01-14 +automated",
    ],
)
def test_a_row_shows_every_step(row: str, width: int, audit: Audit) -> None:
    assert re.search(row, printed(audit, width))


def test_the_step_of_emergencies_has_a_column_only_if_there_was_one(audit: Audit) -> None:
    standard = [c for c in audit.changes if c.class_ is not ChangeClass.EMERGENCY]
    assert "1 2 3 4 5 6 E" in printed(audit)
    without = printed(audit_of(standard))
    assert "1 2 3 4 5 6  Result" in without
    assert "Emergency" not in without


def test_steps_are_counted(audit: Audit) -> None:
    steps = printed(audit).split("\nSteps\n")[1].split("\n\n")[0]
    assert re.search(r"^3 +Peer review +6 +2 +0 +1$", steps, re.MULTILINE)
    assert re.search(r"^4 +Security review +1 +1 +1 +6$", steps, re.MULTILINE)


def test_forbidden_pairs_are_counted_and_named_and_told_with_the_change(audit: Audit) -> None:
    text = flat(printed(audit, 160))
    assert (
        "Segregation of duties In 1 of 9 changes one person acted in two duties that the policy"
        " keeps apart; in 1 more that cannot be told. ✗ 1 change: acme/payments #102"
        " ? 1 change: acme/web #14" in text
    )
    assert "! Two duties: petra approved as peer, but petra is the committer" in text


def test_that_no_pair_is_forbidden_is_said(large: Audit) -> None:
    assert "In none of 60 changes one person acted in two duties" in flat(printed(large, 160))


def test_every_attribute_to_act_on_has_its_reason(audit: Audit) -> None:
    """Of each change that is not compliant, what failed or is not known stands with its address;
    what does not apply is left to the files."""
    text = flat(printed(audit, 200))
    for audited in audit.changes:
        reasons = {
            v.reason for v in audited.verdicts() if v.outcome in ("exception", "undetermined")
        }
        if audited.result != "compliant":
            assert audited.url in text
            for reason in reasons:
                assert flat(reason.replace("\u200b", r"\u200b")) in text


def test_a_cause_shared_by_attributes_is_said_once(audit: Audit) -> None:
    """A direct push lacks everything for one reason."""
    text = printed(audit)
    assert text.count("no pull request: b0bby pushed") == 1
    assert "1.1–6.5 (23 attributes): no pull request" in text


def test_attributes_are_listed_in_the_procedures_order() -> None:
    """Runs become ranges across steps; single ones and pairs are listed."""
    cause = exception("one cause")
    findings = dict.fromkeys(("1.1", "1.4", "1.5", "2.1", "2.2", "5.1", "5.2"), cause)
    assert "1.1, 1.4–2.2, 5.1, 5.2 (7 attributes): one cause" in printed(one(findings))


def test_few_attributes_are_given_with_their_names() -> None:
    findings = dict.fromkeys(("3.1", "6.1"), exception("nobody approved"))
    assert "✗ 3.1 approved by qualified peer, 6.1 approved by lead: nobody approved" in printed(
        one(findings), 100
    )


def test_what_was_altered_after_the_merge_is_told(audit: Audit, large: Audit) -> None:
    """Beside the verdict of a change that is shown, as a count for compliant ones."""
    assert "! After the merge: the body was edited" in printed(audit)
    assert "Altered after the merge" not in printed(audit)
    assert "Altered after the merge: 1 compliant change;" in printed(large)


def test_exclusions_are_counted_by_rule_and_limitations_listed(audit: Audit) -> None:
    text = printed(audit)
    assert "Out of scope (3 merged pull requests)\n  2  documentation only\n  1  branch" in text
    assert "Limitations\n  - Team membership" in text
    nothing = printed(one({}))
    assert "Out of scope" not in nothing
    assert "Limitations" not in nothing


# What is folded ---------------------------------------------------------------------------------


def test_compliant_changes_of_a_long_table_are_folded_unless_asked_for(large: Audit) -> None:
    folded, whole = printed(large), printed(large, all_changes=True)
    assert "52 compliant changes folded" in folded
    assert "Change number 7 " not in folded
    assert "folded" not in whole
    assert all(f"  {audited.title}  dana-dev\n" in whole for audited in large.changes)


def test_a_long_table_without_anything_wrong_is_a_count() -> None:
    text = printed(audit_of([change(number=n) for n in range(1, 61)]))
    assert "procedure\n60 compliant changes folded; the files of the report list all.\n" in text


def test_exceptions_are_never_folded() -> None:
    """However many there are, each has its row and its reason."""
    changes = [
        change(number=n, findings={"6.1": exception("no lead approved")}) for n in range(1, 121)
    ]
    text = printed(audit_of(changes))
    assert text.count("✗ 6.1 approved by lead: no lead approved") == 120
    assert len(re.findall(r"^acme/payments#\d+ +✓", text, re.MULTILINE)) == 120


def undetermined_changes(count: int) -> list[str]:
    findings = {"5.1": undetermined("the members of acme/qa could not be read")}
    changes = [
        change(PAYMENTS if n % 2 else WEB, n, findings, merged_at=at(1) + timedelta(minutes=n))
        for n in range(1, count + 1)
    ]
    return printed(audit_of(changes), 100).split("\nUndetermined")[1].splitlines()


def test_a_reason_that_few_changes_share_stays_with_each() -> None:
    lines = undetermined_changes(SHARED_ABOVE)
    assert sum("could not be read" in line for line in lines) == SHARED_ABOVE
    assert sum("/pull/" in line for line in lines) == SHARED_ABOVE


def test_a_reason_that_many_changes_share_is_said_once_with_their_numbers() -> None:
    lines = undetermined_changes(SHARED_ABOVE + 1)
    assert sum("the members of acme/qa could not be read" in line for line in lines) == 1
    assert "    4 changes: acme/payments #1, #3; acme/web #2, #4" in lines
    assert not any("/pull/" in line for line in lines)


def test_an_exception_that_shares_a_reason_says_where_it_stands(large: Audit) -> None:
    text = flat(printed(large))
    assert "other changes share, which stands under Undetermined" in text
    assert text.count("the members of acme/security could not be read: HTTP 403") == 1
    assert "5 changes: acme/payments #2, #4; acme/web #1, #3, #5" in text


def test_exceptions_alone_may_share_what_is_undetermined() -> None:
    """The shared reason is printed although no change is undetermined as a whole."""
    findings = {**FAILED, "5.1": undetermined("the members of acme/qa could not be read")}
    text = printed(audit_of([change(number=n, findings=findings) for n in range(1, 6)]))
    assert "\nUndetermined, besides an exception\n\n  ? 5.1 signed off by qa: the members" in text


def test_a_very_long_list_of_changes_is_cut_and_says_so() -> None:
    findings = {"5.1": undetermined("unread")}
    large = audit_of([change(number=n, findings=findings) for n in range(1, NAMED + 21)])
    assert "and 20 more, which the files of the report list" in flat(printed(large))
    assert "and 20 more" not in flat(printed(large, all_changes=True))
    assert f"#{NAMED + 20}" in flat(printed(large, all_changes=True))


def test_many_complete_repositories_are_folded_and_doubtful_ones_never() -> None:
    names = [f"acme/r{n}" for n in range(REPOSITORIES + 1)]
    large = audit_of([], repositories=[*names, WEB])
    folded = printed(large)
    assert f"{len(names)} further repositories, complete;" in folded
    assert "acme/web (main): not shown to be complete" in folded
    assert "acme/r1 (main): complete" not in folded
    assert "acme/r1 (main): complete" in printed(large, all_changes=True)


# What it comes to -------------------------------------------------------------------------------


def verdict_of(results: Sequence[Mapping[str, Finding]]) -> str:
    changes = [change(number=n, findings=found) for n, found in enumerate(results, 1)]
    return printed(audit_of(changes, repositories=[PAYMENTS])).splitlines()[-1]


FAILED = {"6.1": exception("no lead approved")}
UNREAD = {"6.1": undetermined("the reviews could not be read")}


@pytest.mark.parametrize(
    ("results", "line"),
    [
        ([], "The population is empty: no change in the period is in scope."),
        ([{}], "No exceptions noted in 1 change; 1 compliant."),
        ([{}, {}], "No exceptions noted in 2 changes; 2 compliant."),
        ([{}, UNREAD], "No exceptions noted in 2 changes; 1 undetermined; 1 compliant."),
        ([FAILED], "1 of 1 change has potential exceptions; 0 compliant."),
        (
            [{}, FAILED, UNREAD, FAILED],
            "2 of 4 changes have potential exceptions; 1 undetermined; 1 compliant.",
        ),
    ],
)
def test_the_last_line_says_what_it_comes_to(
    results: Sequence[Mapping[str, Finding]], line: str
) -> None:
    assert verdict_of(results) == line


def test_an_incomplete_population_is_said_before_the_last_line(audit: Audit) -> None:
    assert printed(audit).splitlines()[-2:] == [
        "The population is not shown to be complete for acme/web.",
        "4 of 9 changes have potential exceptions; 1 undetermined; 4 compliant.",
    ]


def test_an_empty_population_still_has_its_exclusions_and_its_doubts() -> None:
    text = printed(audit_of([], sample_excluded(), ["Nothing was read."]))
    assert "Out of scope (3 merged pull requests)" in text
    assert "  - Nothing was read." in text
    assert "The population is not shown to be complete for acme/web." in text
    assert "✓" not in text


@pytest.mark.parametrize("build", [sample_audit, large_audit])
def test_nothing_claims_more_than_an_audit_can(build: Callable[[], Audit]) -> None:
    assert not re.search(r"compliant with|SOC 2 compl|qualified opinion", printed(build()))


# On which terminals -----------------------------------------------------------------------------


def test_a_pipe_gets_neither_colour_nor_links(audit: Audit) -> None:
    assert "\x1b" not in printed(audit)


def test_a_terminal_gets_colours_for_what_the_signs_say(audit: Audit) -> None:
    text = on_terminal(audit)
    assert "\x1b[32m✓" in text
    assert "\x1b[1;31m✗" in text
    assert "\x1b[33m?" in text
    assert "\x1b[2m–" in text


def test_no_color_keeps_the_signs_and_drops_the_colours(audit: Audit) -> None:
    text = on_terminal(audit, no_color=True)
    assert "✗" in text
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", text)


def test_only_colours_that_any_ground_leaves_legible_are_used(audit: Audit) -> None:
    """Neither black nor white, dark or bright, and no background."""
    codes = {
        code
        for found in re.findall(r"\x1b\[([0-9;]*)m", on_terminal(audit))
        for code in found.split(";")
    }
    assert codes <= {"0", "1", "2", "31", "32", "33"}


def test_changes_lead_to_their_pages(audit: Audit) -> None:
    links = set(re.findall(r"\x1b\]8;[^;]*;([^\x1b]+)\x1b\\", on_terminal(audit)))
    trace = audit.reverse_trace
    tickets = {each.url for each in (trace.untraced if trace else ())}
    assert links == {audited.url for audited in audit.changes} | tickets


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "",
        "https://evil.example/\x1b\\\x1b[2J",
        "https://evil.example/\x07",
        "https://evil.example/a b",
        "https://evil.example/\u202e",
    ],
)
def test_an_address_that_is_none_for_a_browser_leads_nowhere(url: str) -> None:
    audited = msgspec.structs.replace(change(findings=FAILED), url=url)
    text = on_terminal(audit_of([audited]))
    assert "\x1b]8" not in text
    assert "\x1b[2J" not in text
    assert "\x07" not in text


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437", "latin-1", "koi8-r"])
def test_letters_stand_in_where_symbols_cannot_be_written(encoding: str, audit: Audit) -> None:
    """A stream that cannot carry the signs is never sent one, nor any text that it refuses."""
    text = printed(audit, encoding=encoding)
    assert "P pass   E potential exception   U undetermined   - not applicable" in text
    assert re.search(r"acme/payments#102 +P P E - P U", text)


def test_an_old_windows_console_gets_letters(audit: Audit) -> None:
    stream = Stream()
    console = Console(file=stream, width=80)
    console.legacy_windows = True
    render(audit, console)
    assert "P pass   E potential exception" in stream.text()


def test_hostile_text_is_shown_and_does_nothing(audit: Audit) -> None:
    """Escapes, markup and formulas of titles and logins are there to read."""
    text = printed(audit, 200)
    assert r"[bold red]all clear[/] \x1b[2J\x1b]8;;http://evil.example\x07\x0d\x0a" in text
    assert r"+mallory[/bold]\u200b<b>" in text
    assert r"\u202egpj.exe\u202c nul\x00 half\ud83d" in text
    assert "\x1b[2J" not in on_terminal(audit)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.text(st.one_of(st.characters(), st.characters(categories=["Cs", "Cc", "Cf", "Mn"]))),
    st.sampled_from(["utf-8", "ascii", "cp1252"]),
)
def test_any_text_anywhere_leaves_the_layout_whole(text: str, encoding: str) -> None:
    """Whatever stands in the evidence, the report is written, and line for line as wide."""
    findings = {"3.1": exception(f"because {text}"), "4.1": not_applicable(f"as {text}")}
    audited = change(findings=findings, title=text, author=text, changed_after_merge=(text,))
    report = printed(
        audit_of([audited], limitations=[text], repositories=[PAYMENTS]), encoding=encoding
    )
    assert all(cell_len(line) <= 80 for line in report.splitlines())
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", report)
    assert report.endswith("1 of 1 change has potential exceptions; 0 compliant.\n")


def test_a_name_too_long_for_its_column_has_a_line_of_its_own() -> None:
    """No part of it is lost: neither the number, which tells changes apart, nor the owner."""
    name = "an-organisation/" + "a-very-long-repository-name" * 2
    audited = change(name, 12345, FAILED)
    matrix = printed(audit_of([audited], repositories=[name])).split("steps of the procedure")[1]
    assert re.search(rf"^{name}#12345\n +✓ ✓ ✓ ✓ ✓ ✗  exception", matrix, re.MULTILINE)


def test_a_class_without_room_stands_with_the_author() -> None:
    name = "an-organisation/a-long-enough-name"
    text = printed(audit_of([change(name, 12, FAILED)], repositories=[name]))
    assert re.search(r"Result +Merged\n", text)
    assert "\n  Round half-cents to even  dana-dev · standard\n" in text


@pytest.mark.parametrize("width", [80, 160])
def test_a_pipe_loses_nothing_of_titles_and_logins(width: int) -> None:
    """A terminal gets the beginning of a long title, on one line; a file gets all of it."""
    title, login = "Make the " + "very " * 40 + "long title shorter", "d" * 39
    audit = audit_of([change(title=title, author=login)])
    assert title in flat(printed(audit, width))
    assert login in printed(audit, width)
    seen = re.sub(r"\x1b\[[0-9;]*m|\x1b\]8;[^\x1b]*\x1b\\", "", on_terminal(audit))
    assert "…" in seen
    assert login in seen


def test_huge_text_is_cut_and_says_so() -> None:
    audited = change(findings={"3.1": exception("x" * 100_000)}, title="t" * 100_000)
    text = printed(audit_of([audited]))
    assert len(text) < 6_000
    assert "…" in text


def test_whoever_is_not_known_is_called_so() -> None:
    """A deleted account has no login."""
    assert "(unknown)" in printed(audit_of([change(author="")]))


def reconciled(count: int, repositories: int = 1, *, complete: bool = False) -> Audit:
    """Repositories of each of which so many pull requests are on no branch."""
    audit = large_audit()
    ties = tuple(
        Tie(TieKind.PULL_REQUEST_ONLY, f"acme/x#{n}", "https://x/y", None, (), None, f"lost {n}")
        for n in range(count)
    )
    (summary, *_) = audit.summary.repositories
    (tied, *_) = summary.reconciliations
    tied = msgspec.structs.replace(tied, ties=ties)
    each = msgspec.structs.replace(summary, complete=complete, reconciliations=(tied,))
    whole = msgspec.structs.replace(audit.summary, repositories=(each,) * repositories)
    return msgspec.structs.replace(audit, summary=whole)


def test_rows_on_one_side_alone_are_listed_up_to_ten_unless_asked_for() -> None:
    few, many = printed(reconciled(10)), printed(reconciled(11))
    assert few.count("? acme/x#") == many.count("? acme/x#") == 10
    assert "more, which reconciliation.csv lists" not in few
    assert "and 1 more, which reconciliation.csv lists" in many
    assert printed(reconciled(11), all_changes=True).count("? acme/x#") == 11


@pytest.mark.parametrize(
    ("repositories", "complete", "told"), [(12, True, 12), (13, True, 0), (13, False, 13)]
)
def test_of_many_repositories_those_that_do_not_tie_out_are_told(
    repositories: int, complete: bool, told: int
) -> None:
    audit = reconciled(1, repositories, complete=complete)
    assert printed(audit).count("? acme/x#0") == told
    assert printed(audit, all_changes=True).count("? acme/x#0") == repositories
