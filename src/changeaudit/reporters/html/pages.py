"""The pages of the evidence pack, as text: an index and one sheet for each change.

The index is made in parts, for it may be long, and of one change at a time.

Every page stands alone: its style and script are inside it and named by their digests in its
content security policy, so that nothing else can run or load, whatever a title holds.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from jinja2.environment import TemplateStream
from markupsafe import Markup, escape

from changeaudit.explanation import Explanation
from changeaudit.reporters import duties, reverse, tie_out
from changeaudit.reporters.html import marks
from changeaudit.reporters.text import instant, one_line
from changeaudit.verdicts import (
    Audit,
    AuditedChange,
    Counts,
    Outcome,
    Standing,
    StepInfo,
    StepResult,
)

PACKAGE = "changeaudit.reporters.html"
COMMON = 100
"""A cause that more changes share is told once for all of them, and named where it decides."""
PARTS = 1_000
"""Pieces of a template that make up a part of a page."""
LONGEST = 4_000
LONGEST_TITLE = 200
LONGEST_URL = 2_000

_WEB = re.compile(r"https?://[^\s\\]+", re.IGNORECASE)


class Finding(NamedTuple):
    """What the register lists: an outcome and its reason, and the attributes they are said of.

    The id of a step stands for all of its attributes.
    """

    outcome: Outcome
    of: tuple[str, ...]
    reason: str


class Register(NamedTuple):
    """The changes with findings: how many there are, and the causes that many of them `share`.

    Each cause that is shared has a name, and so many changes that it decides.
    """

    changes: int
    shared: dict[Finding, tuple[str, int]]

    def own(self, findings: Sequence[Finding]) -> list[Finding]:
        """What of the findings of a change is not shared by many."""
        return [finding for finding in findings if finding not in self.shared]

    def named(self, findings: Sequence[Finding]) -> dict[Outcome, list[str]]:
        """The names of the causes that are, by what they come to."""
        found: dict[Outcome, list[str]] = {}
        for finding in findings:
            if finding in self.shared:
                found.setdefault(finding.outcome, []).append(self.shared[finding][0])
        return found


def index_page(audit: Audit, names: Sequence[str]) -> TemplateStream:
    """The index of the pack, in parts.

    `names` are the file names of the sheets, in the order of the changes.
    """
    columns = _columns(audit)
    style = f":root {{ --steps: {max(1, len(columns))}; }}\n" + _asset("common.css", "index.css")
    page = _template("index.html.j2").stream(
        _page(style, _asset("index.js")),
        audit=audit,
        summary=audit.summary,
        columns=columns,
        names=names,
        rows=(
            (change, name, {step.step: step.outcome for step in change.steps})
            for change, name in zip(audit.changes, names, strict=True)
        ),
        register=_register(audit),
        findings=(
            (change, name, findings)
            for change, name in zip(audit.changes, names, strict=True)
            if (findings := _findings(change))
        ),
        step_counts={each.step: each.counts for each in audit.summary.steps},
        attribute_counts={each.attribute: each.counts for each in audit.summary.attributes},
        rules=sorted(Counter(each.rule for each in audit.excluded).items()),
        headline=_headline(audit),
        paired=_paired(audit, names),
    )
    page.enable_buffering(PARTS)
    return page


def sheet_pages(audit: Audit, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The sheets, each with its file name, in the order of the changes."""
    template = _template("sheet.html.j2")
    shared = _page(_asset("common.css", "sheet.css"), "")
    shared |= _described(audit) | {"alone": False, "remedies": {}}
    last = len(names) - 1
    for place, (change, name) in enumerate(zip(audit.changes, names, strict=True)):
        yield (
            name,
            template.render(
                shared,
                change=change,
                place=place + 1,
                previous=names[place - 1] if place else "",
                following=names[place + 1] if place < last else "",
            ),
        )


def story_page(explanation: Explanation) -> str:
    """The sheet of one change as a page of its own, with what would have made it pass.

    Raises ValueError where the change is out of scope, and so has no verdict to show.
    """
    if explanation.change is None:
        raise ValueError("a change out of scope has no sheet")
    return _template("sheet.html.j2").render(
        _page(_asset("common.css", "sheet.css"), ""),
        **_described(explanation),
        alone=True,
        remedies={each.attribute: each for each in explanation.remedies},
        change=explanation.change,
    )


def _described(report: Audit | Explanation) -> dict[str, object]:
    """What a sheet needs besides its change."""
    return {
        "audit": report,
        "procedure": {step.id: step for step in report.procedure},
        "claims": {attribute.id: attribute for attribute in report.attributes},
    }


def _paired(audit: Audit, names: Sequence[str]) -> dict[Standing, list[tuple[str, str]]]:
    """The changes with a pair of duties that is forbidden, or of which that cannot be told.

    Each is given by its id and the name of its sheet.
    """
    found: dict[Standing, list[tuple[str, str]]] = {
        Standing.FORBIDDEN: [],
        Standing.UNDETERMINED: [],
    }
    for change, name in zip(audit.changes, names, strict=True):
        standing = duties.gravest(change)
        if standing is not None and standing is not Standing.ALLOWED:
            found[standing].append((change.id, name))
    return {standing: those for standing, those in found.items() if those}


def _headline(audit: Audit) -> str:
    """What the population comes to, in a sentence that concludes nothing."""
    summary = audit.summary
    if not summary.changes:
        return (
            "The population is empty: no change was in scope in the period, so nothing was tested."
        )
    changes = f"{summary.changes:,} change{'s' if summary.changes != 1 else ''}"
    unknown = f" {summary.undetermined:,} could not be determined." if summary.undetermined else ""
    if untraced := reverse.conclusion(audit.reverse_trace):
        unknown = f"{unknown} {untraced}"
    if not summary.exceptions:
        return f"No exceptions noted in {changes}.{unknown}"
    return f"Potential exceptions in {summary.exceptions:,} of {changes}.{unknown}"


def _columns(audit: Audit) -> list[StepInfo]:
    """The steps of the matrix: those of the procedure that any change was judged by."""
    judged = {step.step for change in audit.changes for step in change.steps}
    return [step for step in audit.procedure if step.id in judged]


def _register(audit: Audit) -> Register:
    """How many changes have findings, and which of these are shared by many."""
    changes = 0
    shared: list[Finding] = []
    times: Counter[int] = Counter()  # by their hashes: most are of one change, and all are long
    for findings in map(_findings, audit.changes):
        changes += bool(findings)
        for finding in findings:
            times[hash(finding)] += 1
            if times[hash(finding)] == COMMON + 1:
                shared.append(finding)
    shared.sort(key=lambda finding: (finding.of, finding.outcome, finding.reason))
    named = {cause: (f"C{n}", times[hash(cause)]) for n, cause in enumerate(shared, start=1)}
    return Register(changes, named)


def _findings(change: AuditedChange) -> list[Finding]:
    """The exceptions, then what is undetermined; one cause of several attributes is said once."""
    grouped: dict[tuple[Outcome, str], list[str]] = {}
    for outcome in (Outcome.EXCEPTION, Outcome.UNDETERMINED):
        for step in change.steps:
            for reason, ids in _causes(step, outcome).items():
                whole = len(ids) == len(step.attributes) > 1
                grouped.setdefault((outcome, reason), []).extend([step.step] if whole else ids)
    return [Finding(outcome, tuple(of), reason) for (outcome, reason), of in grouped.items()]


def _causes(step: StepResult, outcome: Outcome) -> dict[str, list[str]]:
    causes: dict[str, list[str]] = {}
    for verdict in step.attributes:
        if verdict.outcome is outcome:
            causes.setdefault(verdict.told(), []).append(verdict.attribute)
    return causes


def _page(style: str, script: str) -> dict[str, object]:
    """What every page needs. The policy lets in the page's own style and script, nothing else.

    Both are files of this package, so they go in as they are.
    """
    allowed = ["default-src 'none'", f"style-src '{_digest(style)}'"]
    if script:
        allowed.append(f"script-src '{_digest(script)}'")
    allowed += ["base-uri 'none'", "form-action 'none'"]
    return {
        "style": Markup(style),  # noqa: S704
        "script": Markup(script),  # noqa: S704
        "content_security_policy": "; ".join(allowed),
    }


def _digest(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()


@cache
def _asset(*names: str) -> str:
    """Files of the package, joined. Line ends are made one kind, as a browser does itself."""
    folder = files(PACKAGE) / "templates"
    texts = ((folder / name).read_text(encoding="utf-8") for name in names)
    return "".join(text.replace("\r\n", "\n") for text in texts)


@cache
def _template(name: str) -> Template:
    return _environment().get_template(name)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "address": _address,
        "brief": _brief,
        "instant": instant,
        "link": _link,
        "total": _total,
    }
    environment.globals |= {
        "outcomes": marks.OUTCOMES,
        "meanings": marks.MEANINGS,
        "results": marks.RESULTS,
        "classes": marks.CLASSES,
        "duties": duties,
        "reverse": reverse,
        "tie_out": tie_out,
    }
    return environment


def _shown(value: object) -> object:
    """Every text that a template prints: on one line, nothing unseen, and cut where it is huge."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return _cut(value, LONGEST)
    return value


def _brief(text: str) -> Markup:
    """A title or a name as a table can hold it."""
    return escape(_cut(text, LONGEST_TITLE))


def _cut(text: str, longest: int) -> str:
    if len(text) <= longest:
        plain = text.isascii() and text.isprintable() and "\\" not in text
        return text if plain else one_line(text)
    return f"{one_line(text[:longest])} \u2026 [cut: {longest:,} of {len(text):,} characters shown]"


def _link(url: str) -> str:
    """`url` if a browser may be sent there, else nothing: only http and https, and no login."""
    if len(url) > LONGEST_URL or not _WEB.fullmatch(url) or one_line(url) != url:
        return ""
    try:
        place = urlsplit(url)
    except ValueError:
        return ""
    return url if place.hostname and "@" not in place.netloc else ""


def _address(value: str, name: str) -> str:
    """A filter of the matrix as the part of an address after "#"; see index.js."""
    return urlencode({name: _shown(value)})


def _total(counts: Counts) -> int:
    return counts.passed + counts.exceptions + counts.undetermined + counts.not_applicable
