"""What a change of policy changes, for the terminal: what it comes to, then why."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec
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
from changeaudit.verdicts import ChangeClass, Counts, Outcome, Result

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
_WHEN: Final = ("before", "after")
_HEADS: Final = ("pass", "exception", "undetermined", "n/a")

# So many changes are named where more are counted; so many of the reasons that are told of verdicts
# that change alike, and so many changes to each.
NAMED: Final = 10
EXAMPLES: Final = 2
FEW: Final = 3
# So many cells of a policy's value, and so many of the keys that are set differently.
VALUE: Final = 200
SETTINGS: Final = 30
# So much of a commit's oid tells it from others.
OID: Final = 10

# What differs from change to change in reasons that say the same.
_PARTICULAR: Final = re.compile(r'"[^"]*"|<[^>]*>|\b[0-9a-f]{7,40}\b|\d+(?: [a-z]+)?')
# What may be a login, and several of them in a row.
_LOGIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:\[bot\])?")
_SEVERAL: Final = re.compile(r"\*(?:(?:,| and|, and) \*)+")


class _Move(NamedTuple):
    """One way in which a verdict changes."""

    attribute: str
    before: Outcome | None
    after: Outcome | None
    waived_before: bool
    waived_after: bool


class _Example(NamedTuple):
    """A verdict that changes, with its change."""

    change: ChangeDifference
    verdict: VerdictChange

    def cause(self) -> tuple[str, str]:
        """Both reasons without what differs from change to change, the people among it."""
        people = {login.casefold() for login in self.change.people}

        def general(reason: str) -> str:
            said = _LOGIN.sub(lambda m: "*" if m[0].casefold() in people else m[0], reason)
            return _SEVERAL.sub("*", _PARTICULAR.sub("*", said))

        return general(self.verdict.reason_before), general(self.verdict.reason_after)


def render(comparison: Comparison, console: Console, *, all_changes: bool = False) -> None:
    """Print what differs between two policies, as wide as `console` is but at least 80 columns.

    Args:
        comparison: what is reported.
        console: where to; its width, colours and encoding are kept to.
        all_changes: list every change with both reasons of each verdict, where otherwise verdicts
            that change alike are told together, with examples.
    """
    page = Page(console)
    _header(page, comparison)
    _summary(page, comparison, all_changes)
    _settings(page, comparison, all_changes)
    _attributes(page, comparison.attributes)
    names = {each.attribute: _plain(each.name) for each in comparison.attributes}
    if all_changes:
        differing = [each for each in comparison.changes if each.result_differs]
        _changes(page, "Changes that come to something else", differing, names)
        others = [each for each in comparison.changes if not each.result_differs]
        _changes(page, "Changes with the same result and other verdicts", others, names)
    else:
        _folded(page, comparison.changes, names)
    _scope(page, "In scope only after", "before", comparison.entered, all_changes)
    _scope(page, "In scope only before", "after", comparison.left, all_changes)
    if comparison.limitations:
        page.heading("Limitations")
    for limitation in comparison.limitations:
        page.paragraph(Text("  - "), page.text(limitation))
    _conclusion(page, comparison)


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


def _summary(page: Page, comparison: Comparison, all_changes: bool) -> None:
    """Print how many changes come to something else, what to, and which."""
    if not comparison.differs:
        return
    limit = None if all_changes else NAMED
    page.heading("In short")
    moves: dict[tuple[Result, Result], list[ChangeDifference]] = {}
    for change in comparison.changes:
        if change.result_differs:
            moves.setdefault((change.result_before, change.result_after), []).append(change)
    compliant = Result.COMPLIANT
    become = [each for (_, after), found in moves.items() if after is compliant for each in found]
    cease = [each for (before, _), found in moves.items() if before is compliant for each in found]
    for said, changes, outcome in (
        ("become compliant", become, Outcome.PASS),
        ("cease to be compliant", cease, Outcome.EXCEPTION),
    ):
        lead = Text.assemble("  ", page.mark(outcome), " ")
        style = STYLES[outcome] if changes else "dim"
        verb = said.replace("become", "becomes").replace("cease", "ceases")
        one = len(changes) == 1
        counted = Text(f"{_count(len(changes), 'change')} {verb if one else said}", style)
        if changes:
            counted.append(": ").append(_which(page, changes, limit))
        page.paragraph(lead, counted)
        _mainly(page, changes, comparison.attributes)
    for (before, after), changes in moves.items():
        if compliant not in (before, after):
            lead = Text.assemble("  ", page.mark(_RESULTS[after][0]), " ")
            moved = f"{_RESULTS[before][1]} {page.arrow} {_RESULTS[after][1]}"
            counted = Text(f"{_count(len(changes), 'change')} {moved}: ")
            page.paragraph(lead, counted.append(_which(page, changes, limit)))
            _mainly(page, changes, comparison.attributes)
    same = sum(not each.result_differs for each in comparison.changes)
    rest = [
        (same, "with the same result by other verdicts"),
        (comparison.unchanged, "judged alike"),
        (len(comparison.entered), "only after in scope"),
        (len(comparison.left), "only before in scope"),
    ]
    for number, what in rest:
        if number:
            page.line(f"    {_count(number, 'change')} {what}")


def _mainly(
    page: Page, changes: Sequence[ChangeDifference], attributes: Sequence[AttributeCounts]
) -> None:
    """Print what most of the changes come to something else by: a class, or an attribute."""
    found: Counter[str] = Counter()
    names = {each.attribute: f"{each.attribute} {_plain(each.name)}" for each in attributes}
    for change in changes:
        if change.class_before is not change.class_after:
            classes = f"{_plain(change.class_before)} {page.arrow} {_plain(change.class_after)}"
            found[f"class {classes}"] += 1
            continue
        for each in change.verdicts:
            waived = ", waived" if each.waived_after else ""
            moved = f"{_WORDS[each.before]} {page.arrow} {_WORDS[each.after]}{waived}"
            found[f"{names[each.attribute]}, {moved}"] += 1
    for cause, number in found.most_common(1):
        of = "" if number == len(changes) else f" ({number} of {len(changes)})"
        page.paragraph(Text("    "), page.text(f"mainly by {cause}{of}", "dim"))


def _which(page: Page, changes: Sequence[ChangeDifference], limit: int | None) -> Text:
    """Which changes those are: the first few, by repository, and how many more."""
    shown = changes[:limit]
    text = Text()
    repository = ""
    for change in shown:
        name, sign, number = change.id.rpartition("#" if "#" in change.id else "@")
        text.append(", " if repository else "")
        if name != repository:
            text.append(page.text(f"{name} "))
            repository = name
        text.append(page.link(page.text(f"{sign}{number[:OID]}"), change.url))
    if more := len(changes) - len(shown):
        text.append(f" and {more:,} more")
    return text


def _settings(page: Page, comparison: Comparison, all_changes: bool) -> None:
    """Print the keys that the policies set differently, the values as a policy would have them."""
    if comparison.settings:
        page.heading("What the policies say differently")
    shown = comparison.settings if all_changes else comparison.settings[:SETTINGS]
    for each in shown:
        said = page.text(_value(each.before), limit=VALUE)
        said.append(f" {page.arrow} ").append(page.text(_value(each.after), "bold", VALUE))
        page.paragraph(Text("  "), Text.assemble(page.text(each.key), ": ", said))
    if more := len(comparison.settings) - len(shown):
        page.line(Text(f"  and {more:,} more (--all shows them)", "dim"))


def _value(json: str) -> str:
    """A value of a policy in YAML, on one line; parts of it that are not set are left out."""
    import yaml

    value = _given(msgspec.json.decode(json))
    if value is None:
        return "not set"
    said = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10**6)
    return str(said).removesuffix("\n").removesuffix("\n...")


def _given(value: Any) -> Any:
    if isinstance(value, list):
        return [_given(item) for item in value]
    if isinstance(value, dict):
        given = {key: _given(item) for key, item in value.items() if item is not None}
        return given["login"] if given.keys() == {"login"} else given
    return value


def _attributes(page: Page, attributes: Sequence[AttributeCounts]) -> None:
    """Print the counts of the attributes whose verdicts differ, before and after."""
    page.heading("Attributes whose verdicts differ")
    differing = [each for each in attributes if each.differing]
    if differing:
        rows = [_numbers(page, each.before, each.after) for each in differing]
        widths = [max(map(len, column)) + 2 for column in zip(_HEADS, *rows, strict=True)]
        longest = max(len(each.name) for each in differing)
        room = min(page.width - sum(widths) - 7, longest)
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


def _folded(page: Page, changes: Sequence[ChangeDifference], names: dict[str, str]) -> None:
    """Print the verdicts that change, those that change alike together, the most frequent first.

    Of each the reasons of a few changes are shown: of those that say the same but for their
    numbers, commits and quotations, one. The verdicts of a change of another class stand with it.
    """
    alike: dict[_Move, list[_Example]] = {}
    moved: dict[tuple[ChangeClass, ChangeClass], list[ChangeDifference]] = {}
    for change in changes:
        if change.class_before is not change.class_after:
            moved.setdefault((change.class_before, change.class_after), []).append(change)
            continue
        for verdict in change.verdicts:
            move = _Move(
                verdict.attribute,
                verdict.before,
                verdict.after,
                verdict.waived_before,
                verdict.waived_after,
            )
            alike.setdefault(move, []).append(_Example(change, verdict))
    if alike:
        page.heading("Verdicts that change")
    for move, examples in sorted(alike.items(), key=lambda pair: -len(pair[1])):
        page.line()
        said = f" ({_count(len(examples), 'change')})"
        page.paragraph(
            Text("  "), _outcomes(page, examples[0].verdict, names[move.attribute]).append(said)
        )
        _causes(page, examples)
    if moved:
        page.heading("Changes of another class")
    for (before, after), those_moved in moved.items():
        classes = f"{_plain(before)} {page.arrow} {_plain(after)}"
        said = f"{_count(len(those_moved), 'change')} {classes}: "
        page.paragraph(Text("  "), Text(said).append(_which(page, those_moved, NAMED)))
        (why, *_) = those_moved
        page.paragraph(Text("    "), page.text(f"such as: {why.class_reason}"))
        verdicts = Counter((v.before, v.after) for c in those_moved for v in c.verdicts)
        for (one, other), number in verdicts.most_common():
            outcomes = f"{_WORDS[one]} {page.arrow} {_WORDS[other]}"
            page.line(Text(f"    {_count(number, 'verdict')}: {outcomes}", "dim"))


def _causes(page: Page, examples: Sequence[_Example]) -> None:
    """Print why verdicts change alike: what all of them say once, the rest by examples."""
    causes: dict[tuple[str, str], list[_Example]] = {}
    for each in examples:
        causes.setdefault(each.cause(), []).append(each)
    varied = tuple(
        when
        for when, said in zip(_WHEN, zip(*causes, strict=True), strict=True)
        if len(set(said)) > 1
    )
    shared = tuple(when for when in _WHEN if when not in varied)
    verbatim = len({(v.reason_before, v.reason_after) for _, v in examples}) == 1
    _reasons(page, examples[0].verdict, shared, "" if verbatim or varied else "such as: ")
    frequent = sorted(causes.values(), key=lambda those: -len(those))
    for those in frequent[:EXAMPLES]:
        changes = [each.change for each in those]
        page.paragraph(Text("    "), _which(page, changes, FEW))
        _reasons(page, those[0].verdict, varied)
    if more := sum(map(len, frequent[EXAMPLES:])):
        page.line(Text(f"    and {more:,} more for other reasons (--all shows them)", "dim"))


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
    page.paragraph(Text("  "), _outcomes(page, verdict, name))
    _reasons(page, verdict, _WHEN)


def _outcomes(page: Page, verdict: VerdictChange, name: str) -> Text:
    """The attribute with its outcome before and after."""
    before, after = _WORDS[verdict.before], _WORDS[verdict.after]
    before += ", waived" if verdict.waived_before else ""
    after += ", waived" if verdict.waived_after else ""
    outcomes = f"{before} {page.arrow} {after}"
    return Text.assemble((f"{verdict.attribute} {page.text(name).plain}: ", "bold"), outcomes)


def _reasons(page: Page, verdict: VerdictChange, wanted: Sequence[str], opening: str = "") -> None:
    for when, outcome, reason in zip(
        _WHEN,
        (verdict.before, verdict.after),
        (verdict.reason_before, verdict.reason_after),
        strict=True,
    ):
        if outcome is not None and when in wanted:
            lead = Text.assemble("    ", page.mark(outcome), f" {when:<8}")
            page.paragraph(lead, page.text(f"{opening}{reason}"))


def _scope(
    page: Page, title: str, other: str, changes: Sequence[ScopeDifference], all_changes: bool
) -> None:
    if changes:
        page.heading(f"{title} ({len(changes)})")
    shown = changes if all_changes else changes[:NAMED]
    for change in shown:
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
    if more := len(changes) - len(shown):
        page.line()
        page.line(f"and {more:,} more (--all shows them)")


def _result(result: Result) -> Text:
    outcome, words = _RESULTS[result]
    return Text(words, STYLES[outcome])


def _conclusion(page: Page, comparison: Comparison) -> None:
    """Print what it comes to, in the last line."""
    differing = sum(each.result_differs for each in comparison.changes)
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
