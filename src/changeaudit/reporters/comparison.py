"""What a change of policy changes, for the terminal: the counts, then each change and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from changeaudit.comparison import (
    AttributeCounts,
    ChangeDifference,
    Comparison,
    ScopeDifference,
    Side,
    VerdictChange,
)
from changeaudit.reporters.terminal import STYLES, Page, padded
from changeaudit.reporters.text import instant
from changeaudit.verdicts import Counts, Outcome, Result

_WORDS: Final = {
    Outcome.PASS: "pass",
    Outcome.EXCEPTION: "potential exception",
    Outcome.UNDETERMINED: "undetermined",
    Outcome.NOT_APPLICABLE: "not applicable",
    None: "not judged",
}
_RESULTS: Final = {
    Result.EXCEPTION: (Outcome.EXCEPTION, "potential exception"),
    Result.UNDETERMINED: (Outcome.UNDETERMINED, "undetermined"),
    Result.COMPLIANT: (Outcome.PASS, "compliant"),
}
_HEADS: Final = ("pass", "exception", "undetermined", "n/a")


def render(comparison: Comparison, console: Console) -> None:
    """Print what differs between two policies, as wide as `console` is but at least 80 columns."""
    page = Page(console)
    _header(page, comparison)
    _attributes(page, comparison.attributes)
    names = {each.attribute: _plain(each.name) for each in comparison.attributes}
    differing = [each for each in comparison.changes if each.result_differs]
    _changes(page, "Changes that come to something else", differing, names)
    others = [each for each in comparison.changes if not each.result_differs]
    _changes(page, "Changes with the same result and other verdicts", others, names)
    _scope(page, "In scope only after", "before", comparison.entered)
    _scope(page, "In scope only before", "after", comparison.left)
    if comparison.limitations:
        page.heading("Limitations")
    for limitation in comparison.limitations:
        page.paragraph(Text("  - "), page.text(limitation))
    _conclusion(page, comparison, len(differing))


def _header(page: Page, comparison: Comparison) -> None:
    period = comparison.period
    page.line(Text("What a change of policy changes", "bold"))
    if comparison.demonstration:
        page.line(Text("Demonstration evidence: an invented organisation", "bold yellow"))
    page.line()
    span = f"{instant(period.since)} (included) to {instant(period.until)} (not included)"
    page.paragraph(Text(f"{'Period':<9}", "dim"), Text(span))
    for name, side in (("Before", comparison.before), ("After", comparison.after)):
        policy = side.policy
        page.paragraph(
            Text(f"{name:<9}", "dim"),
            page.text(f"{policy.name} ({policy.source}), SHA-256 {policy.digest[:12]}"),
        )
        page.paragraph(Text(" " * 9), Text(_counted(side)))
    page.paragraph(
        Text(f"{'Where':<9}", "dim"), page.text(", ".join(comparison.repositories) or "nowhere")
    )


def _counted(side: Side) -> str:
    waived = f" ({side.waived} waived)" if side.waived else ""
    return (
        f"{_count(side.changes, 'change')}: {side.exceptions} with potential exceptions{waived},"
        f" {side.undetermined} undetermined, {side.compliant} compliant;"
        f" {side.excluded} out of scope"
    )


def _attributes(page: Page, attributes: Sequence[AttributeCounts]) -> None:
    """Print the counts of the attributes whose verdicts differ, before and after."""
    page.heading("Attributes whose verdicts differ")
    differing = [each for each in attributes if each.differing]
    if differing:
        rows = [_numbers(page, each.before, each.after) for each in differing]
        widths = [max(map(len, column)) + 2 for column in zip(_HEADS, *rows, strict=True)]
        room = page.width - sum(widths) - 7
        heads = (f"{head:>{width}}" for head, width in zip(_HEADS, widths, strict=True))
        page.line(" " * (room + 7), Text("".join(heads), "dim"))
        for each, row in zip(differing, rows, strict=True):
            name = padded(page.text(_plain(each.name)), room)
            line = Text.assemble(f"  {each.attribute:<5}", name)
            for said, width, outcome in zip(row, widths, Outcome, strict=True):
                line.append(f"{said:>{width}}", STYLES[outcome] if page.arrow in said else "dim")
            page.line(line)
    if alike := len(attributes) - len(differing):
        page.line(Text(f"  {_count(alike, 'attribute')} judged alike in every change.", "dim"))


def _numbers(page: Page, before: Counts, after: Counts) -> tuple[str, ...]:
    """A count of each outcome, in their order: both sides' where they differ."""
    pairs = (
        (before.passed, after.passed),
        (before.exceptions, after.exceptions),
        (before.undetermined, after.undetermined),
        (before.not_applicable, after.not_applicable),
    )
    return tuple(
        f"{one} {page.arrow} {other}" if one != other else f"{one}" for one, other in pairs
    )


def _changes(
    page: Page, title: str, changes: Sequence[ChangeDifference], names: dict[str, str]
) -> None:
    """Print each change with the verdicts that differ, and both reasons of each."""
    if changes:
        page.heading(f"{title} ({len(changes)})")
    for change in changes:
        page.line()
        results = Text.assemble(_result(change.result_before))
        if change.result_differs:
            results.append(f" {page.arrow} ").append(_result(change.result_after))
        name = page.link(page.text(change.id, "bold"), change.url)
        page.paragraph(Text(), Text.assemble(name, page.dot, results))
        page.paragraph(Text("  "), page.text(change.title))
        if change.class_before is not change.class_after:
            classes = (
                f"class: {_plain(change.class_before)} {page.arrow} {_plain(change.class_after)}"
                f" ({change.class_reason})"
            )
            page.paragraph(Text("  "), page.text(classes))
        for verdict in change.verdicts:
            _verdict(page, verdict, names[verdict.attribute])


def _verdict(page: Page, verdict: VerdictChange, name: str) -> None:
    before, after = _WORDS[verdict.before], _WORDS[verdict.after]
    before += ", waived" if verdict.waived_before else ""
    after += ", waived" if verdict.waived_after else ""
    outcomes = f"{before} {page.arrow} {after}"
    said = Text.assemble((f"{verdict.attribute} {page.text(name).plain}: ", "bold"), outcomes)
    page.paragraph(Text("  "), said)
    for when, outcome, reason in (
        ("before", verdict.before, verdict.reason_before),
        ("after", verdict.after, verdict.reason_after),
    ):
        if outcome is not None:
            lead = Text.assemble("    ", page.mark(outcome), f" {when:<8}")
            page.paragraph(lead, page.text(reason))


def _scope(page: Page, title: str, other: str, changes: Sequence[ScopeDifference]) -> None:
    if changes:
        page.heading(f"{title} ({len(changes)})")
    for change in changes:
        page.line()
        name = page.link(page.text(change.id, "bold"), change.url)
        page.paragraph(Text(), Text.assemble(name, page.dot, _result(change.result)))
        page.paragraph(Text("  "), page.text(change.title))
        why = (
            f"out of scope {other}: {change.rule}: {change.reason}"
            if change.rule
            else f"{other}, its branch is not called a production branch"
        )
        page.paragraph(Text("  "), page.text(why))


def _result(result: Result) -> Text:
    outcome, words = _RESULTS[result]
    return Text(words, STYLES[outcome])


def _conclusion(page: Page, comparison: Comparison, differing: int) -> None:
    """Print what it comes to, in the last line."""
    page.line()
    if comparison.empty:
        said = "The population is empty by both policies: nothing was compared."
    elif not comparison.differs:
        said = f"Nothing changes: {_count(comparison.unchanged, 'change')} judged alike."
    else:
        parts = [
            f"{_count(differing, 'change')} with another result",
            f"{len(comparison.changes) - differing} with other verdicts alone",
            f"{len(comparison.entered)} entered the scope",
            f"{len(comparison.left)} left it",
            f"{comparison.unchanged} judged alike",
        ]
        said = f"{'; '.join(parts)}."
    page.paragraph(Text(), Text(said, "bold"))


def _count(number: int, one: str) -> str:
    return f"{number} {one}" if number == 1 else f"{number} {one}s"


def _plain(name: str) -> str:
    return name.replace("_", " ")
