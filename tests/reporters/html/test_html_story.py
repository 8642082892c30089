"""The sheet of one change as a page of its own."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from changeaudit.explanation import SCHEMA, Explanation, Remedy
from changeaudit.reporters.html.pages import sheet_pages, story_page
from changeaudit.verdicts import AuditedChange, Outcome
from reporters.sample import at, audit_of, sample_changes


class Links(HTMLParser):
    """Collects what a page would load or lead to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.scripts = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        self.found += [value or "" for name, value in attrs if name in ("href", "src")]


def explained(change: AuditedChange | None) -> Explanation:
    audit = audit_of([change] if change else [])
    return Explanation(
        schema=SCHEMA,
        run=audit.run,
        demonstration=False,
        policy=audit.policy,
        collected_at=at(20),
        change=change,
        excluded=None,
        procedure=audit.procedure,
        attributes=audit.attributes,
        remedies=tuple(
            Remedy(v.attribute, f"Mend {v.attribute} <b>.", ("roles.peer", "scope.branches"))
            for v in (change.verdicts() if change else ())
            if v.outcome in (Outcome.EXCEPTION, Outcome.UNDETERMINED)
        ),
        limitations=("Jira was not asked <i>.",),
    )


@pytest.mark.parametrize("change", sample_changes(), ids=lambda change: change.id[-6:])
def test_it_stands_alone(change: AuditedChange) -> None:
    """No script, and nothing that leads to a page that is not there."""
    links = Links(story_page(explained(change)))
    assert links.scripts == 0
    assert all(re.match(r"https?://|#", link) for link in links.found)
    assert [link for link in links.found if "index.html" in link] == []


@pytest.mark.parametrize("change", sample_changes(), ids=lambda change: change.id[-6:])
def test_it_holds_what_the_sheet_of_a_pack_holds(change: AuditedChange) -> None:
    """Every section of it, word for word; what would have passed and the limits come on top."""
    audit = audit_of([change])
    ((_, sheet),) = sheet_pages(audit, ["sheet.html"])
    page = story_page(explained(change))
    shared = re.sub(r'<p class="remedy">.*?</p>\n', "", page)
    for section in re.findall(r"<section.*?</section>", sheet, re.DOTALL):
        assert section in shared
    remedies = explained(change).remedies
    assert page.count('<p class="remedy">') == len(remedies)
    assert all(f"Mend {each.attribute} &lt;b&gt;." in page for each in remedies)
    assert ("Policy: roles.peer, scope.branches." in page) is bool(remedies)
    assert "Jira was not asked &lt;i&gt;." in page
    assert "Collected 2026-01-20T12:00:00Z." in page
    assert '<p class="remedy">' not in sheet


def test_what_is_out_of_scope_has_no_sheet() -> None:
    with pytest.raises(ValueError, match="no sheet"):
        story_page(explained(None))
