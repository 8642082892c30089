"""The evidence pack as a person meets it: in Chromium, opened from a folder."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, Request, sync_playwright

from changeaudit.reporters.html.pack import write_pack
from changeaudit.reporters.text import one_line
from changeaudit.verdicts import (
    Audit,
    AuditedChange,
    Citation,
    Outcome,
    Result,
    TimelineEntry,
    exception,
)
from reporters.sample import PAYMENTS, at, audit_of, change, sample_changes, sample_excluded

pytestmark = pytest.mark.browser

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
ATTACKS = (
    "<script>alert('title')</script>",
    "</style><script>alert('style')</script><style>",
    "</title></script><img src=x onerror=alert('image')>",
    "\"><svg onload=alert('svg')>",
    "' autofocus onfocus=alert('focus') x='",
    "\u202egnp.exe \u2066reversed\u2069 \x1b[2J nul\x00 half\ud800",
)
LONG = "A" * 5_000


def hostile_changes() -> Iterator[AuditedChange]:
    for number, text in enumerate((*ATTACKS, LONG), start=200):
        yield msgspec.structs.replace(
            change(
                PAYMENTS,
                number,
                {"3.1": exception(text, [Citation(text, text, at(4), "javascript:alert('link')")])},
                title=text,
                author=text,
                merged_by=text,
                head=text,
                tickets=(text,),
                class_reason=text,
                timeline=(
                    TimelineEntry(at(20), text, text, "javascript:alert('line')", late=True),
                ),
                changed_after_merge=(text,),
            ),
            url="javascript:alert('source')",
        )


@pytest.fixture(scope="module")
def audit() -> Audit:
    """The sample, and changes whose every text attacks the page."""
    return audit_of([*sample_changes(), *hostile_changes()], sample_excluded(), ("Not all.",))


@pytest.fixture(scope="module")
def pack(audit: Audit, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    return write_pack(audit, tmp_path_factory.mktemp("pack"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The Chromium of this machine, or the one that CHANGEAUDIT_BROWSER names."""
    named = os.environ.get("CHANGEAUDIT_BROWSER")
    found = named or next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        pytest.skip("no Chromium on this machine: install it, or name it in CHANGEAUDIT_BROWSER")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(OPTIONS))
        yield browser
        browser.close()


Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Opens a file, and fails the test for whatever the page complains of, asks for or runs."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def refuse(dialog: Dialog) -> None:
        complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def watch(asked: Request) -> None:
        if not asked.is_navigation_request():
            complaints.append(f"request: {asked.url}")

    def opened(path: Path, part: str = "", width: int = 1400, **options: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(f"console: {said.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("dialog", refuse)
        page.on("request", watch)
        page.goto(path.as_uri() + part)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def shown(page: Page) -> list[str]:
    """The ids of the changes whose rows are to be seen, from top to bottom."""
    found: list[str] = page.evaluate(
        """() => Array.from(document.querySelectorAll("#matrix-table tbody tr"))
            .filter((row) => row.offsetParent !== null)
            .map((row) => row.querySelector("a").textContent)"""
    )
    said = re.findall(r"\d+", page.inner_text("#shown"))
    if page.locator("#filters").is_visible():
        assert int(said[0]) == len(found), "the count that is shown is not that of the rows"
    return found


def expect_rows(page: Page, ids: list[str]) -> None:
    """Waits until the page has taken in what was typed, then holds the rows against `ids`."""
    said = f"Showing {len(ids)} of" if ids else "No change matches: 0 of"
    page.locator("#shown", has_text=said).wait_for()
    assert shown(page) == ids


def ids_of(audit: Audit, wanted: Callable[[AuditedChange], bool]) -> list[str]:
    return [c.id for c in audit.changes if wanted(c)]


def step_is(step: str, outcome: Outcome) -> Callable[[AuditedChange], bool]:
    return lambda c: any(s.step == step and s.outcome is outcome for s in c.steps)


# Filter, search, sort --------------------------------------------------------------------------


def test_every_change_is_listed_at_first(open_page: Open, pack: Any, audit: Audit) -> None:
    expect_rows(open_page(pack[0]), ids_of(audit, lambda c: True))


@pytest.mark.parametrize(
    ("field", "value", "wanted"),
    [
        ("result", "exception", lambda c: c.result is Result.EXCEPTION),
        ("result", "compliant", lambda c: c.result is Result.COMPLIANT),
        ("class", "direct_push", lambda c: c.class_ == "direct_push"),
        ("repository", "acme/web", lambda c: c.repository == "acme/web"),
        ("step", "4:undetermined", step_is("4", Outcome.UNDETERMINED)),
        ("step", "E:exception", step_is("E", Outcome.EXCEPTION)),
        ("step", "1:not_applicable", step_is("1", Outcome.NOT_APPLICABLE)),
    ],
)
def test_a_filter_leaves_exactly_what_it_names(
    open_page: Open,
    pack: Any,
    audit: Audit,
    field: str,
    value: str,
    wanted: Callable[[AuditedChange], bool],
) -> None:
    ids = ids_of(audit, wanted)
    assert 0 < len(ids) < len(audit.changes)
    page = open_page(pack[0])
    page.select_option(f"#filters [name={field}]", value)
    expect_rows(page, ids)
    page.select_option(f"#filters [name={field}]", "")
    expect_rows(page, ids_of(audit, lambda c: True))


@pytest.mark.parametrize(
    ("typed", "ids"),
    [
        ("REFUNDS paid", ["acme/payments#104"]),
        ("決済", ["acme/web#15"]),
        ("b0bby", ["acme/payments@0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c"]),
        ("#103", ["acme/payments#103"]),
        ("PAY-101", ["acme/payments#101"]),
        ("no such thing", []),
    ],
)
def test_search_finds_by_any_words_of_a_row(
    open_page: Open, pack: Any, typed: str, ids: list[str]
) -> None:
    page = open_page(pack[0])
    page.fill("#filters [name=q]", typed)
    expect_rows(page, ids)


def test_filters_and_search_hold_together_and_are_cleared_together(
    open_page: Open, pack: Any, audit: Audit
) -> None:
    page = open_page(pack[0])
    page.select_option("#filters [name=repository]", "acme/web")
    page.fill("#filters [name=q]", "dana-dev")
    expect_rows(page, ["acme/web#13", "acme/web#15"])
    page.click("#filters button[type=reset]")
    expect_rows(page, ids_of(audit, lambda c: True))
    assert page.input_value("#filters [name=q]") == ""
    assert page.url.endswith("index.html#")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("merged", lambda c: c.merged_at),
        ("result", lambda c: ["exception", "undetermined", "compliant"].index(c.result)),
        ("class", lambda c: c.class_),
    ],
)
def test_a_header_sorts_up_then_down_then_not_at_all(
    open_page: Open, pack: Any, audit: Audit, key: str, value: Callable[[AuditedChange], Any]
) -> None:
    page = open_page(pack[0])
    head = page.locator(f"th[data-key={key}]")
    # Those that are equal keep their order, upwards and downwards: so does `sorted`.
    for downwards, direction in ((False, "ascending"), (True, "descending")):
        head.get_by_role("button").click()
        assert head.get_attribute("aria-sort") == direction
        order = sorted(audit.changes, key=value, reverse=downwards)
        assert shown(page) == [c.id for c in order]
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "none"
    assert shown(page) == ids_of(audit, lambda c: True)


def test_a_step_is_sorted_with_what_calls_for_attention_first(open_page: Open, pack: Any) -> None:
    page = open_page(pack[0])
    page.click("th[data-key=step4] button")
    letters = page.evaluate(
        "Array.from(document.querySelectorAll('#matrix-table tbody tr'), (r) => r.dataset.steps[3])"
    )
    assert letters == sorted(letters, key="eupn-".index)
    assert set(letters) == set("eupn")


def test_numbers_are_sorted_as_numbers(open_page: Open, tmp_path: Path) -> None:
    changes = [change(PAYMENTS, number) for number in (100, 9, 20)]
    page = open_page(write_pack(audit_of(changes), tmp_path)[0])
    page.click("th[data-key=change] button")
    assert shown(page) == [f"{PAYMENTS}#{number}" for number in (9, 20, 100)]


def test_the_keyboard_alone_is_enough(open_page: Open, pack: Any, audit: Audit) -> None:
    page = open_page(pack[0])
    page.focus("#filters [name=q]")
    page.keyboard.type("hotfix")
    expect_rows(page, ["acme/payments#104"])
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    expect_rows(page, ids_of(audit, lambda c: True))
    page.focus("th[data-key=merged] button")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert page.get_attribute("th[data-key=merged]", "aria-sort") == "descending"
    assert shown(page)[0] == "acme/web#15"


def test_what_was_typed_is_not_lost_to_a_click_that_follows_at_once(
    open_page: Open, pack: Any
) -> None:
    page = open_page(pack[0])
    page.evaluate(
        """() => {
            const field = document.querySelector("#filters [name=q]");
            field.value = "hotfix";
            field.dispatchEvent(new Event("input", { bubbles: true }));
            document.querySelector("th[data-key=merged] button").click();
        }"""
    )
    expect_rows(page, ["acme/payments#104"])


def test_the_address_holds_the_view_and_gives_it_back(open_page: Open, pack: Any) -> None:
    page = open_page(pack[0])
    page.select_option("#filters [name=result]", "compliant")
    page.select_option("#filters [name=repository]", "acme/web")
    page.click("th[data-key=merged] button")
    page.click("th[data-key=merged] button")
    ids = ["acme/web#15", "acme/web#13", "acme/web#12"]
    expect_rows(page, ids)
    part = page.url.split("#")[1]
    again = open_page(pack[0], f"#{part}")
    expect_rows(again, ids)
    assert again.input_value("#filters [name=result]") == "compliant"
    assert again.get_attribute("th[data-key=merged]", "aria-sort") == "descending"
    again.evaluate("location.hash = 'q=hotfix'")
    expect_rows(again, ["acme/payments#104"])


@pytest.mark.parametrize(
    "part", ["#result=nonsense&step=9:x&sort=constructor&class=__proto__", "#%E0%A4%A", "#=&&=;"]
)
def test_an_address_that_makes_no_sense_hides_nothing(
    open_page: Open, pack: Any, audit: Audit, part: str
) -> None:
    expect_rows(open_page(pack[0], part), ids_of(audit, lambda c: True))


def test_following_the_contents_keeps_the_filter(open_page: Open, pack: Any) -> None:
    page = open_page(pack[0], "#q=hotfix")
    page.get_by_role("link", name="Limitations").click()
    expect_rows(page, ["acme/payments#104"])
    page.click("th[data-key=merged] button")
    expect_rows(page, ["acme/payments#104"])


def test_the_counts_lead_to_the_rows_they_count(open_page: Open, pack: Any, audit: Audit) -> None:
    page = open_page(pack[0])
    links = page.locator("a[data-filter]")
    assert links.count() > 20
    for place in range(links.count()):
        link = links.nth(place)
        said = re.search(r"\d+", link.inner_text())
        link.click()
        rows = shown(page)
        if said:
            assert len(rows) == int(said[0]), link.get_attribute("data-filter")
        else:  # a repository's name
            assert {row.split("#")[0].split("@")[0] for row in rows} == {link.inner_text()}


# A mark that calls for attention leads to its step ---------------------------------------------


def test_an_exception_leads_to_its_step_on_the_sheet_and_back(open_page: Open, pack: Any) -> None:
    page = open_page(pack[0])
    page.locator("tr", has_text="acme/payments#102").get_by_label("Step 3").click()
    assert page.url.endswith("/changes/acme-payments-102.html#step-3")
    assert "she is not independent of it" in page.inner_text("#step-3")
    page.get_by_role("link", name="All changes").click()
    assert page.url.endswith("/index.html")


# Hostile text ----------------------------------------------------------------------------------


def test_hostile_text_is_shown_as_it_is_and_nothing_of_it_runs(
    open_page: Open, pack: tuple[Path, ...], audit: Audit
) -> None:
    """`open_page` fails for a dialog, an error, a request or a breach of the page's policy."""
    index = open_page(pack[0])
    for audited, path in zip(audit.changes, pack[1:], strict=True):
        sheet = open_page(path)
        assert sheet.text_content("h1") is not None
        if audited.title in ATTACKS:
            assert sheet.text_content("h1") == one_line(audited.title)
            row = index.locator("#matrix-table tr", has_text=audited.id)
            assert row.locator(".title").text_content() == one_line(audited.title)
            assert sheet.locator("a[href^='javascript']").count() == 0
        sheet.context.close()


# Looks -----------------------------------------------------------------------------------------

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize("width", [320, 400, 700, 800, 960, 1400])
def test_no_page_scrolls_sideways(
    open_page: Open, pack: tuple[Path, ...], audit: Audit, width: int
) -> None:
    long = next(n for n, c in enumerate(audit.changes, start=1) if c.title == LONG)
    for path in (pack[0], pack[2], pack[4], pack[long]):
        page = open_page(path, width=width)
        assert page.evaluate(OVERFLOW) == 0, path.name
        wide = page.evaluate(
            """() => Array.from(document.querySelectorAll(".panel, .tile, header, h1, footer"))
                .filter((box) => box.scrollWidth > box.clientWidth + 1)
                .map((box) => box.id || box.className || box.tagName)"""
        )
        assert wide == [], path.name


CONTRAST = """() => {
    const parse = (text) => {
        const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
        return { r, g, b, a };
    };
    const light = ({ r, g, b }) => {
        const [x, y, z] = [r, g, b].map((v) => {
            v /= 255;
            return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const ground = (box) => {
        for (; box; box = box.parentElement) {
            const colour = parse(getComputedStyle(box).backgroundColor);
            if (colour.a === 1) return colour;
            if (colour.a !== 0) throw new Error("a half-transparent background");
        }
        throw new Error("no background");
    };
    const poor = [];
    let seen = 0;
    for (const box of document.body.querySelectorAll("*")) {
        const own = Array.from(box.childNodes).some((n) => n.nodeType === 3 && n.data.trim());
        if (!own || !box.checkVisibility() || ["SCRIPT", "OPTION"].includes(box.tagName)) continue;
        seen += 1;
        const [a, b] = [light(parse(getComputedStyle(box).color)), light(ground(box))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) poor.push(`${box.tagName}.${box.className}: ${ratio.toFixed(2)}`);
    }
    return { seen, poor, canvas: light(ground(document.body)) };
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(
    open_page: Open, pack: tuple[Path, ...], scheme: str
) -> None:
    """WCAG 2.2, 1.4.3: at least 4.5 to 1, in both colour schemes."""
    for path in (pack[0], pack[2], pack[3], pack[-1]):
        found = open_page(path, color_scheme=scheme).evaluate(CONTRAST)
        assert found["seen"] > 40
        assert found["poor"] == []
        assert (found["canvas"] < 0.1) == (scheme == "dark")


def test_on_paper_everything_is_there_and_controls_are_not(
    open_page: Open, pack: tuple[Path, ...], audit: Audit
) -> None:
    page = open_page(pack[0], color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert not page.locator("#filters").is_visible()
    assert len(ids_of(audit, lambda c: True)) == page.locator("#matrix-table tbody tr").count()
    cut = page.evaluate(
        """() => Array.from(document.querySelectorAll(".scroll"))
            .filter((box) => box.scrollHeight > box.clientHeight + 1).length"""
    )
    assert cut == 0
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf(format="A4").startswith(b"%PDF")


# Without JavaScript, and with many changes -----------------------------------------------------


def test_without_javascript_every_row_is_there_and_nothing_is_offered_that_fails(
    open_page: Open, pack: tuple[Path, ...], audit: Audit
) -> None:
    page = open_page(pack[0], "#result=compliant", java_script_enabled=False)
    rows = page.locator("#matrix-table tbody tr")
    assert rows.count() == len(audit.changes)
    assert all(rows.nth(place).is_visible() for place in range(rows.count()))
    assert not page.locator("#filters").is_visible()
    assert page.locator("th button").count() == 0
    assert page.get_by_text("Filtering and sorting need JavaScript.").is_visible()
    page.locator("#matrix-table a").first.click()
    assert page.url.endswith("/changes/acme-payments-101.html")


@pytest.mark.slow
def test_thousands_of_changes_stay_usable(open_page: Open, tmp_path: Path) -> None:
    few = sample_changes()
    many = [
        msgspec.structs.replace(few[n % 4], number=n, id=f"{PAYMENTS}#{n}", title=f"Change {n}")
        for n in range(3_000)
    ]
    page = open_page(write_pack(audit_of(many), tmp_path)[0])
    took = page.evaluate(
        """async () => {
            const start = performance.now();
            document.querySelector("th[data-key=merged] button").click();
            const field = document.querySelector("#filters [name=q]");
            field.value = "change 2999";
            field.dispatchEvent(new Event("input", { bubbles: true }));
            document.querySelector("th[data-key=change] button").click();
            await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
            return performance.now() - start;
        }"""
    )
    assert shown(page) == [f"{PAYMENTS}#2999"]
    assert took < 5_000, "milliseconds to sort twice and search 3,000 rows"
