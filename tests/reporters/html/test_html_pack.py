"""The evidence pack says everything, links where it may, and lets nothing hostile through."""

from __future__ import annotations

import errno
import re
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urldefrag

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markupsafe import escape

from changeaudit.errors import UsageError
from changeaudit.reporters import tie_out
from changeaudit.reporters.html.marks import CLASSES, MEANINGS, OUTCOMES, RESULTS
from changeaudit.reporters.html.pack import write_pack
from changeaudit.reporters.html.pages import index_page, sheet_pages
from changeaudit.reporters.html.slugs import sheet_names
from changeaudit.reporters.text import instant, one_line
from changeaudit.verdicts import (
    Audit,
    AuditedChange,
    ChangeClass,
    Citation,
    Outcome,
    Result,
    StepResult,
    TimelineEntry,
    Verdict,
    exception,
    undetermined,
)
from reporters.sample import (
    PAYMENTS,
    at,
    audit_of,
    change,
    sample_audit,
    sample_changes,
    sample_excluded,
)

HOSTILE = (
    "<script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</title></script></noscript><img src=x onerror=alert(1)>",
    "\" onmouseover=alert(1) x='",
    "{{ 7 * 7 }}{% raw %}",
    "<!-- ",
    "\u202egnp.exe \u2066\u200b",
    "nul\x00 esc\x1b[2J half\ud800",
)
NOT_LINKS = (
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    " javascript:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "//evil.example/x",
    "https:///nowhere",
    "https://github.com@evil.example/",
    "https://github.com\\@evil.example/",
    "https://[broken/",
    "https://evil.example/\u202egpj",
    "https://evil.example/a b",
    "https://evil.example/" + "a" * 2_000,
    "",
)


@dataclass
class Page(HTMLParser):
    """What a page consists of, as a browser would take it apart."""

    tags: list[str] = field(default_factory=list)
    attributes: list[tuple[str, str]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    raw: dict[str, list[str]] = field(default_factory=lambda: {"style": [], "script": []})
    text: str = ""
    policy: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = {name: value or "" for name, value in attrs}
        self.attributes += found.items()
        if "id" in found:
            self.ids.append(found["id"])
        if tag == "a":
            self.links.append(found["href"])
        if found.get("http-equiv") == "Content-Security-Policy":
            self.policy = found["content"]

    def handle_data(self, data: str) -> None:
        if self.cdata_elem in self.raw:
            self.raw[self.cdata_elem].append(data)
        else:
            self.text += data


def parsed(text: str) -> Page:
    page = Page()
    page.feed(text)
    page.close()
    return page


def pages_of(audit: Audit) -> list[str]:
    names = sheet_names(audit.changes)
    return ["".join(index_page(audit, names)), *(page for _, page in sheet_pages(audit, names))]


def sheet_of(audited: AuditedChange) -> str:
    return pages_of(audit_of([audited]))[1]


def hostile_change(text: str, url: str = "https://github.com/x") -> AuditedChange:
    """A change that says `text` wherever the evidence may say anything."""
    verdict = Verdict("1.1", Outcome.PASS, f"r{text}", (Citation(text, text, at(3), url),))
    audited = change(
        number=7,
        title=text,
        class_reason=text,
        author=text,
        merged_by=text,
        base=text,
        head=text,
        merge_commit=text,
        tickets=(text, text),
        changed_after_merge=(text,),
        evidence=(text,),
        timeline=(TimelineEntry(at(4), text, text, url, late=True),),
    )
    return msgspec.structs.replace(audited, steps=(StepResult("1", Outcome.PASS, (verdict,)),))


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, str]:
    """The pack of the sample, page by page."""
    files = write_pack(sample_audit(), tmp_path_factory.mktemp("pack"))
    return {path: path.read_bytes().decode() for path in files}


# What the pack holds ---------------------------------------------------------------------------


def test_the_index_comes_first_and_every_change_has_its_sheet(tmp_path: Path) -> None:
    audit = sample_audit()
    files = write_pack(audit, tmp_path / "made" / "here")
    assert files[0] == tmp_path / "made" / "here" / "index.html"
    assert len(files) == len(set(files)) == 1 + len(audit.changes)
    assert set(files) == {path for path in tmp_path.rglob("*") if path.is_file()}
    for audited, path in zip(audit.changes, files[1:], strict=True):
        assert escape(one_line(audited.id)) in path.read_text(encoding="utf-8")


def test_the_same_audit_gives_the_same_bytes(tmp_path: Path) -> None:
    first = write_pack(sample_audit(), tmp_path / "a")
    second = write_pack(sample_audit(), tmp_path / "b")
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]
    assert all(b"\r" not in p.read_bytes() for p in first)


def test_every_link_inside_the_pack_leads_somewhere(pack: dict[Path, str]) -> None:
    ids = {path.resolve(): parsed(text).ids for path, text in pack.items()}
    inside = 0
    for path, text in pack.items():
        for link in parsed(text).links:
            if link.startswith(("http://", "https://")):
                continue
            target, part = urldefrag(link)
            found = (path.parent / target).resolve() if target else path.resolve()
            assert found in ids, link
            assert not part or part in ids[found], link
            inside += 1
    assert inside > 2 * len(pack)


def test_no_id_is_used_twice_on_a_page(pack: dict[Path, str]) -> None:
    for text in pack.values():
        assert [each for each, times in Counter(parsed(text).ids).items() if times > 1] == []


def test_the_sheets_lead_from_first_to_last_and_back(pack: dict[Path, str]) -> None:
    sheets = list(pack)[1:]
    for place, path in enumerate(sheets):
        links = parsed(pack[path]).links
        around = [sheets[n].name for n in (place - 1, place + 1) if 0 <= n < len(sheets)]
        assert [link for link in links if re.fullmatch(r"[^/#]+\.html", link)] == around
        assert "../index.html" in links


def test_every_verdict_is_on_its_sheet_with_reason_and_evidence(pack: dict[Path, str]) -> None:
    for audited, text in zip(sample_audit().changes, list(pack.values())[1:], strict=True):
        for verdict in audited.verdicts():
            assert f'<span class="id">{verdict.attribute}</span>' in text
            assert f"<bdi>{escape(one_line(verdict.reason))}</bdi>" in text
            for cited in verdict.evidence:
                assert f"<bdi>{escape(one_line(cited.what))}</bdi>" in text
                assert f"<bdi>{escape(one_line(cited.who))}</bdi>" in text
                assert cited.at is not None
                assert f">{instant(cited.at)}</time>" in text
                if cited.url.startswith("https://"):
                    assert f'href="{escape(cited.url)}"' in text
                else:
                    assert f"[not a web link: <bdi>{escape(one_line(cited.url))}</bdi>]" in text


def test_a_sheet_states_the_facts_of_its_change() -> None:
    audited = change(
        number=12,
        title="Round half-cents",
        class_reason="because it is",
        author="ann",
        merged_by="bob",
        base="main",
        head="feature/x",
        merge_commit="c0ffee",
        tickets=("PAY-1", "PAY-2"),
        evidence=("d1", "d2"),
    )
    text = parsed(sheet_of(audited)).text
    said = ["Round half-cents", "because it is", "ann", "bob", "main", "feature/x", "c0ffee"]
    for fact in [*said, "PAY-1, PAY-2", "d1", "d2", "Compliant", "acme/payments#12"]:
        assert fact in text
    assert "Changed after the merge: nothing was found." in text


def test_what_is_not_known_is_said() -> None:
    audited = change(
        author="", merged_by="", merge_commit="", tickets=(), timeline=(), evidence=(), head=""
    )
    text = " ".join(parsed(sheet_of(audited)).text.split())
    for said in (
        "Author not known",
        "Merged by not known",
        "Merge commit not known",
        "Tickets none",
        "Head branch none",
        "No event was recorded.",
        "No stored answer is named",
    ):
        assert said in re.sub(r"(?<=[a-z)])(?=not known|none)", " ", text)


def test_a_sheet_says_who_did_what_and_who_did_two_things() -> None:
    """Whoever is not sure is said to be, a pair with what decides it, and an old audit has none."""
    by_number = {each.number: each for each in sample_changes()}
    own = " ".join(parsed(sheet_of(by_number[102])).text.split())
    assert "petra developed and reviewed: forbidden (3.1)" in own
    assert "petra approved as peer, but petra is the committer of 4f5e6d7" in own
    assert "dana-dev developed and merged: allowed (final_approval.developer_may_merge)" in own
    unsure = " ".join(parsed(sheet_of(by_number[14])).text.split())
    assert "developed and tested: cannot be told (5.3)" in unsure
    assert "(not sure)" in unsure
    apart = " ".join(parsed(sheet_of(by_number[101])).text.split())
    assert "Nobody is known to have had two duties that the policy keeps apart." in apart
    assert "Who did what" not in parsed(sheet_of(change(duties=()))).text


def test_the_index_counts_and_names_the_changes_with_a_forbidden_pair() -> None:
    audit = sample_audit()
    page = "".join(index_page(audit, sheet_names(audit.changes)))
    text = " ".join(parsed(page).text.split())
    assert (
        "In 1 of 9 changes one person acted in two duties that the policy keeps apart; in 1 more"
        " that cannot be told." in text
    )
    assert page.count('#duties"') == 2
    none = audit_of([change()])
    assert "In none of 1 change one person" in parsed("".join(index_page(none, ["a.html"]))).text
    many = audit_of(
        [msgspec.structs.replace(sample_changes()[1], id=f"a/b#{n}") for n in range(25)]
    )
    page = "".join(index_page(many, [f"{n}.html" for n in range(25)]))
    assert page.count('#duties"') == 20
    assert "and 5 more, which changes.csv lists" in parsed(page).text


def test_a_row_calls_the_ticket_one() -> None:
    audit = audit_of([change(tickets=("PAY-1",)), change(number=2, tickets=("PAY-1", "PAY-2"))])
    text = " ".join(parsed("".join(index_page(audit, ["a", "b"]))).text.split())
    assert "Ticket PAY-1" in text
    assert "Tickets PAY-1, PAY-2" in text


def test_what_came_after_the_merge_is_marked() -> None:
    audited = change(
        timeline=(
            TimelineEntry(at(9), "approved"),
            TimelineEntry(at(11), "approved again", late=True),
        ),
        changed_after_merge=("the title was changed",),
    )
    text = sheet_of(audited)
    assert text.count('<li class="late">') == text.count("after the merge</span>") == 1
    assert re.search(r'<li class="late">.*approved again', text)
    assert "Changed after the merge.</strong>" in text
    assert "<li><bdi>the title was changed</bdi></li>" in text


def test_a_step_or_an_attribute_that_nobody_described_is_still_shown() -> None:
    verdict = Verdict("9.1", Outcome.UNDETERMINED, "nobody described this")
    audited = msgspec.structs.replace(
        change(), steps=(StepResult("9", Outcome.UNDETERMINED, (verdict,)),)
    )
    audit = msgspec.structs.replace(sample_audit(), changes=(audited,))
    index, sheet = pages_of(audit)
    assert "Step 9" in sheet
    assert "9.1" in sheet
    assert "nobody described this" in sheet
    assert "<strong>9.1</strong> <bdi>nobody described this</bdi>" in index


def test_the_index_says_what_was_audited_and_how(pack: dict[Path, str]) -> None:
    audit = sample_audit()
    reconciled = [each for r in audit.summary.repositories for each in r.reconciliations]
    text = next(iter(pack.values()))
    for fact in (
        instant(audit.period.since),
        instant(audit.period.until),
        audit.policy.digest,
        audit.policy.name,
        audit.policy.source,
        f"changeaudit {audit.run.tool_version}",
        instant(audit.run.finished_at),
        *(each.completeness for each in audit.summary.repositories),
        *(tie.id for tied in reconciled for tie in tie_out.loose(tied)),
        *(tie.said for tied in reconciled for tie in tie_out.loose(tied)),
        *(tie_out.pull_requests(tied) for tied in reconciled),
        *(tie_out.commits(tied) for tied in reconciled if tied.branch),
        *audit.limitations,
        *(each.what for each in audit.sources),
        *(instant(each.first_at) for each in audit.sources),
        *(each.prose for each in audit.attributes),
        *(f"{each.rule}</bdi>" for each in audit.excluded),
        *(each.reason for each in audit.excluded),
        "Control references: SOC 2 CC8.1.",
        "Left to the auditor.",
    ):
        assert str(escape(fact) if "</" not in fact else fact) in text, fact
    assert "<bdi>documentation only</bdi>: 2" in text


def test_the_index_alone_gives_every_reason_that_calls_for_attention(
    pack: dict[Path, str],
) -> None:
    register = next(iter(pack.values())).split('id="register"')[1].split('id="scope"')[0]
    for audited in sample_audit().changes:
        for verdict in audited.verdicts():
            shown = str(escape(one_line(verdict.reason))) in register
            assert shown == (verdict.outcome in (Outcome.EXCEPTION, Outcome.UNDETERMINED))


def test_one_cause_is_said_once_and_whole_steps_by_their_number() -> None:
    pushed = exception("no pull request")
    unread = undetermined("could not be read")
    index = pages_of(audit_of([change(findings={"1": pushed, "3.1": pushed, "5.2": unread})]))[0]
    register = index.split('id="register"')[1]
    assert "<strong>1, 3.1</strong> <bdi>no pull request</bdi>" in register
    assert "<strong>5.2</strong> <bdi>could not be read</bdi>" in register
    assert register.count("no pull request</bdi>") == 1


def test_the_matrix_marks_every_step_of_every_change(pack: dict[Path, str]) -> None:
    matrix = next(iter(pack.values())).split('id="matrix-table"')[1].split("</table>")[0]
    rows = matrix.split("<tr ")[1:]
    assert re.findall(r'data-step="(.)"', matrix) == list("123456E")
    for audited, row in zip(sample_audit().changes, rows, strict=True):
        assert f'data-result="{audited.result}"' in row
        assert f'data-class="{audited.class_}"' in row
        for step in audited.steps:
            assert f'aria-label="Step {step.step}: {OUTCOMES[step.outcome].words}"' in row
        letters = "".join(step.outcome[0] for step in audited.steps).ljust(7, "-")
        assert f'data-steps="{letters}"' in row
        assert row.count("not asked") == 7 - len(audited.steps)


def test_there_is_no_column_for_a_step_that_no_change_was_judged_by() -> None:
    index = pages_of(audit_of([change()]))[0]
    assert re.findall(r'data-step="(.)"', index) == list("123456")


def test_every_outcome_result_and_class_has_its_mark() -> None:
    assert set(OUTCOMES) == set(MEANINGS) == set(Outcome)
    assert set(RESULTS) == set(Result)
    assert set(CLASSES) == set(ChangeClass)
    for marks in (OUTCOMES, RESULTS):
        assert len({mark.symbol for mark in marks.values()}) == len(marks)


# What it says ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "headline"),
    [
        ([], "The population is empty: no change was in scope in the period"),
        ([change()], "No exceptions noted in 1 change."),
        ([change(number=1), change(number=2)], "No exceptions noted in 2 changes."),
        (
            [change(findings={"3.1": exception("x")}), change(number=2)],
            "Potential exceptions in 1 of 2 changes.",
        ),
        (
            [change(findings={"3.1": undetermined("x")})],
            "No exceptions noted in 1 change. 1 could not be determined.",
        ),
    ],
)
def test_the_headline_counts_and_concludes_nothing(
    changes: list[AuditedChange], headline: str
) -> None:
    assert headline in pages_of(_audit(changes))[0]


def _audit(changes: list[AuditedChange]) -> Audit:
    if changes:
        return audit_of(changes)
    empty = audit_of([change()])
    return msgspec.structs.replace(
        empty,
        changes=(),
        attributes=empty.attributes,
        sources=(),
        summary=msgspec.structs.replace(
            empty.summary,
            changes=0,
            compliant=0,
            repositories=(),
            classes=(),
            steps=(),
            attributes=(),
        ),
    )


def test_an_empty_population_is_said_to_be_empty_everywhere() -> None:
    (index,) = pages_of(_audit([]))
    text = parsed(index).text
    assert "No exceptions noted" not in text
    for said in (
        "No repository was audited.",
        "The population is empty, so there is nothing to test.",
        "No change was tested.",
        "Nothing was excluded",
        "No stored answer is named.",
        "None were recorded.",
        "not counted",
    ):
        assert said in text


def test_the_pack_claims_no_conformity(pack: dict[Path, str]) -> None:
    for text in pack.values():
        assert not re.search(
            r"SOC ?2[- ]complian|complian\w+ with SOC|opinion", text, re.IGNORECASE
        )
        assert "changeaudit draws no conclusion" in text


@pytest.mark.parametrize("demonstration", [True, False])
def test_a_demonstration_says_so_on_every_page(demonstration: bool) -> None:
    audit = audit_of([change()], demonstration=demonstration)
    assert [("evidence of nothing" in page) for page in pages_of(audit)] == [demonstration] * 2


def test_a_population_that_does_not_tie_out_is_flagged_first() -> None:
    index = pages_of(sample_audit())[0]
    flag = "The population of <bdi>acme/web</bdi> is not shown to be complete."
    assert flag in index
    assert index.index(flag) < index.index('class="tiles"')
    assert "The population of <bdi>acme/payments</bdi>" not in index


# What must not happen --------------------------------------------------------------------------


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_changes_no_markup(text: str) -> None:
    plain = pages_of(audit_of([hostile_change("plain")]))
    attacked = pages_of(audit_of([hostile_change(text)]))
    for before, after in zip(plain, attacked, strict=True):
        assert parsed(after).tags == parsed(before).tags
        assert one_line(text).strip() in parsed(after).text


@given(text=st.text(st.characters(), min_size=1, max_size=300))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_no_text_at_all_changes_the_markup(text: str) -> None:
    plain = pages_of(audit_of([hostile_change("plain")]))
    for before, after in zip(plain, pages_of(audit_of([hostile_change(text)])), strict=True):
        assert parsed(after.encode().decode()).tags == parsed(before).tags


@pytest.mark.parametrize("url", NOT_LINKS)
def test_only_web_addresses_become_links(url: str) -> None:
    audited = msgspec.structs.replace(hostile_change("plain", url), url=url)
    for page in pages_of(audit_of([audited])):
        for link in parsed(page).links:
            assert re.match(r"#|changes/|\.\./index", link), link


def test_a_web_address_becomes_a_link() -> None:
    url = "https://github.com/acme/p/pull/1?a=1&b=%20#x-'\"y"
    assert url in parsed(sheet_of(hostile_change("plain", url))).links


def test_a_page_lets_in_its_own_style_and_script_and_nothing_else(pack: dict[Path, str]) -> None:
    for place, text in enumerate(pack.values()):
        page = parsed(text)
        allowed = ["default-src 'none'"]
        for kind in ("style", "script"):
            whole = "".join(page.raw[kind])
            if kind == "script" and place:
                assert "script" not in page.tags
                continue
            digest = b64encode(sha256(whole.encode()).digest()).decode()
            allowed.append(f"{kind}-src 'sha256-{digest}'")
        allowed += ["base-uri 'none'", "form-action 'none'"]
        assert page.policy == "; ".join(allowed)
        names = {name for name, _ in page.attributes}
        assert "style" not in names
        assert not [name for name in names if name.startswith("on")]
        assert not {"src", "srcset", "action", "integrity"} & names
        assert {"link", "iframe", "img", "object", "base"}.isdisjoint(page.tags)
        assert not re.search(r"url\(|@import|@font-face", "".join(page.raw["style"]))


def test_a_huge_title_is_cut_and_the_cut_is_said() -> None:
    huge = "<b>" + "A" * 10_000_000
    started = time.perf_counter()
    index, sheet = pages_of(audit_of([change(title=huge)]))
    assert time.perf_counter() - started < 5
    assert len(index) + len(sheet) < 200_000
    assert "[cut: 200 of 10,000,003 characters shown]" in index
    assert "[cut: 4,000 of 10,000,003 characters shown]" in sheet


# Writing ---------------------------------------------------------------------------------------


def test_writing_again_replaces_the_pack_and_its_left_over_sheets_only(tmp_path: Path) -> None:
    first = write_pack(audit_of(sample_changes()), tmp_path)
    own = tmp_path / "changes" / "notes.html"
    own.write_text("<p>mine</p>", encoding="utf-8")
    (tmp_path / "changes" / "folder.html").mkdir()
    second = write_pack(audit_of(sample_changes()[:2]), tmp_path)
    assert second == first[:3]
    assert {path.name for path in (tmp_path / "changes").iterdir()} == {
        "notes.html",
        "folder.html",
        *(path.name for path in second[1:]),
    }
    assert own.read_text(encoding="utf-8") == "<p>mine</p>"


def test_an_index_of_something_else_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<h1>My site</h1>", encoding="utf-8")
    with pytest.raises(UsageError, match=r"index\.html was not written by changeaudit") as caught:
        write_pack(sample_audit(), tmp_path)
    assert "folder" in caught.value.hint
    assert (tmp_path / "index.html").read_text(encoding="utf-8") == "<h1>My site</h1>"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        write_pack(sample_audit(), tmp_path / "file" / "pack")
    assert str(tmp_path / "file") in caught.value.message
    assert "folder that you may write to" in caught.value.hint


def test_a_full_disk_leaves_neither_an_index_nor_half_a_sheet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pack(sample_audit(), tmp_path)
    replace = Path.replace
    placed: list[Path] = []

    def fill(path: Path, target: Path) -> Path:
        if len(placed) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        placed.append(target)
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", fill)
    with pytest.raises(UsageError, match="No space left on device") as caught:
        write_pack(sample_audit(), tmp_path)
    assert str(tmp_path / "changes") in caught.value.message
    assert not (tmp_path / "index.html").exists()
    for sheet in (tmp_path / "changes").iterdir():
        assert sheet.name.endswith(".html")
        assert sheet.read_bytes().endswith(b"</html>\n")


@pytest.mark.slow
def test_a_thousand_changes_are_written_in_seconds(tmp_path: Path) -> None:
    changes = [change(number=number) for number in range(1_000)]
    started = time.perf_counter()
    assert len(write_pack(audit_of(changes, sample_excluded()), tmp_path)) == 1_001
    assert time.perf_counter() - started < 30


# Names of the sheets ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ([change(PAYMENTS, 12)], ["acme-payments-12.html"]),
        ([change("Acme/Pay.ments_2", 12)], ["acme-pay.ments_2-12.html"]),
        ([change(PAYMENTS, None, oid="0123456789abcdef")], ["acme-payments-0123456789ab.html"]),
        (
            [change("a-b/c", 1), change("a/b-c", 1), change("a/b", 1)],
            ["a-b-c-1-15fddf9f.html", "a-b-c-1-9ed34121.html", "a-b-1.html"],
        ),
        ([change("../..\\/etc", 1)], ["etc-1.html"]),
        ([change("変更", 1)], ["repository-1.html"]),
        ([change("a" * 500, 1)], ["a" * 80 + "-1.html"]),
    ],
)
def test_a_sheet_is_named_after_its_change(changes: list[AuditedChange], names: list[str]) -> None:
    assert list(sheet_names(changes)) == names


def test_names_that_differ_in_case_alone_are_told_apart() -> None:
    one, other = sheet_names([change("acme/Pay", 1), change("acme/pay", 1)])
    assert one.lower() != other.lower()


def test_a_name_does_not_depend_on_the_order() -> None:
    changes = [change("a-b/c", 1), change("a/b-c", 1), change("a/b-c", 2)]
    assert sheet_names(changes) == tuple(reversed(sheet_names(changes[::-1])))


def test_even_one_change_listed_twice_has_two_sheets() -> None:
    names = sheet_names([change(), change(), change()])
    assert len(set(names)) == 3


def _repositories() -> Iterator[str]:
    yield from ("a/b", "A/b", "a-b", "con", "nul/aux", "a/b.", ".", "", "\ud800", "a/b-1")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(list(_repositories())) | st.text(st.characters(), max_size=200),
            st.none() | st.integers(0, 12),
        ),
        max_size=12,
    )
)
def test_names_are_always_safe_and_different(changes: list[tuple[str, int | None]]) -> None:
    names = sheet_names([change(repository, number) for repository, number in changes])
    assert len({name.lower() for name in names}) == len(changes)
    for name in names:
        assert re.fullmatch(r"[a-z0-9_][a-z0-9._-]{0,119}\.html", name)
        assert not re.match(r"(con|prn|aux|nul|com\d|lpt\d)\.", name)
