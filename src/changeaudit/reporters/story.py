"""One change as a story, for the terminal: what happened, what was judged, and on what evidence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Final, NamedTuple

from rich.console import Console
from rich.text import Text

from changeaudit.explanation import Explanation, Remedy
from changeaudit.reporters import duties
from changeaudit.reporters.terminal import STYLES, Page, padded
from changeaudit.reporters.text import instant
from changeaudit.verdicts import (
    AttributeInfo,
    AuditedChange,
    ChangeClass,
    Citation,
    DutyName,
    Excluded,
    LinkedTicket,
    Outcome,
    Result,
    StepResult,
    TimelineEntry,
    Verdict,
)

_RESULTS: Final = {
    Result.EXCEPTION: (Outcome.EXCEPTION, "potential exception"),
    Result.UNDETERMINED: (Outcome.UNDETERMINED, "undetermined"),
    Result.COMPLIANT: (Outcome.PASS, "compliant"),
}
_WORDS: Final = {
    Outcome.PASS: "pass",
    Outcome.EXCEPTION: "potential exception",
    Outcome.UNDETERMINED: "undetermined",
    Outcome.NOT_APPLICABLE: "not applicable",
}
_OPEN: Final = (Outcome.EXCEPTION, Outcome.UNDETERMINED)
# So many attributes that share one reason are each given with their claim.
FEW: Final = 3
# Cells of the column of names in the header.
LABEL: Final = 11


class _Cause(NamedTuple):
    """Attributes next to each other that share everything but their claims."""

    outcome: Outcome
    reason: str
    evidence: tuple[Citation, ...]
    remedy: tuple[str, tuple[str, ...]]


def render(explanation: Explanation, console: Console) -> None:
    """Print the story of a change, as wide as `console` is but at least 80 columns.

    Args:
        explanation: what is told.
        console: where to; its width, colours and encoding are kept to.
    """
    page = Page(console)
    change, excluded = explanation.change, explanation.excluded
    if change is not None:
        _header(page, explanation, change)
        _summary(page, explanation, change)
        _timeline(page, change)
        _steps(page, explanation, change)
        if change.class_ is not ChangeClass.DIRECT_PUSH:
            _alterations(page, change)
        _duties(page, change)
    elif excluded is not None:
        _out_of_scope(page, explanation, excluded)
    _basis(page, explanation)


def _title(page: Page, explanation: Explanation, id_: str, title: str, url: str) -> None:
    page.paragraph(Text(), page.link(page.text(id_, "bold"), url))
    page.paragraph(Text(), page.text(title))
    page.line(page.link(page.text(url, "dim"), url))
    if explanation.demonstration:
        page.line(Text("Demonstration evidence: an invented organisation", "bold yellow"))
    page.line()


def _field(page: Page, name: str, text: Text) -> None:
    page.paragraph(Text(f"{name:<{LABEL}}", "dim"), text)


def _header(page: Page, explanation: Explanation, change: AuditedChange) -> None:
    _title(page, explanation, change.id, change.title, change.url)
    outcome, words = _RESULTS[change.result]
    words += ", waived in full" if change.waived else ""
    _field(page, "Result", Text.assemble(page.mark(outcome), " ", (words, STYLES[outcome])))
    kind = page.text(f"{_plain(change.class_)} ({change.class_reason})")
    _field(page, "Class", kind)
    pushed = change.class_ is ChangeClass.DIRECT_PUSH
    _field(page, "Author", page.text(change.author or "not known"))
    made = next((duty for duty in change.duties if duty.duty is DutyName.DEVELOPED), None)
    if made is not None and made.remark:
        known = "Not all are known" if made.people else "Not known"
        _field(page, "Developers", page.text(f"{known}. {made.remark}"))
    if pushed:
        _field(page, "Pushed", page.text(f"to {change.base}; by: {change.merged_by}"))
        _field(page, "Listed at", page.text(_at(change.merged_at)))
    else:
        merged = f"{_at(change.merged_at)} by {change.merged_by}, into {change.base}"
        _field(page, "Merged", page.text(merged))
        if not change.linked:
            _field(page, "Tickets", page.text(", ".join(change.tickets) or "none is named"))
        for place, ticket in enumerate(change.linked):
            told = page.link(page.text(_ticket(ticket)), ticket.url)
            _field(page, "" if place else "Tickets", told)
    _field(page, "Commit", page.text(change.merge_commit or "not known"))


def _ticket(ticket: LinkedTicket) -> str:
    """A ticket on one line: its key, type and title, and its status at the merge and today."""
    if not ticket.key:
        return f"{ticket.asked}: {ticket.said}"
    named = f" (named as {ticket.asked})" if ticket.asked != ticket.key else ""
    then = ticket.status_at_merge or "not known"
    statuses = f"{then} at the merge, {ticket.status} today"
    said = f"; {ticket.said}" if ticket.said else ""
    of_type = ticket.type or "type not known"
    return f"{ticket.key}{named}, {of_type}: {ticket.title} ({statuses}{said})"


def _summary(page: Page, explanation: Explanation, change: AuditedChange) -> None:
    """Print what it comes to, before what it rests on: a line for each step, and what is open."""
    page.heading("In short")
    titles = {step.id: step.title for step in explanation.procedure}
    names = {each.id: _plain(each.name) for each in explanation.attributes}
    for step in change.steps:
        found = Text.assemble(
            page.text(titles[step.step]), ": ", (_WORDS[step.outcome], STYLES[step.outcome])
        )
        for outcome in _OPEN:
            ids = [each.attribute for each in step.attributes if each.outcome is outcome]
            if len(ids) == len(step.attributes) > 1:
                found.append(", all of it")
            elif ids:
                word = "" if outcome is step.outcome else f"{_WORDS[outcome]}: "
                said = ", ".join(f"{id_} {names[id_]}" for id_ in ids)
                found.append(f" ({word}{page.text(said).plain})")
        page.paragraph(Text.assemble("  ", page.mark(step.outcome), f" {step.step}  "), found)


def _timeline(page: Page, change: AuditedChange) -> None:
    page.heading("What happened (UTC)")
    merged = change.merged_at
    pushed = change.class_ is ChangeClass.DIRECT_PUSH
    late = [entry for entry in change.timeline if entry.late]
    before = [entry for entry in change.timeline if not entry.late]
    merge = [e for e in before if e.at == merged and e.what.startswith("merged into ")]
    for entry in (each for each in before if each not in merge):
        same = entry.at == merged and not pushed
        _entry(page, "  ", entry, "in the very second of the merge" if same else "")
    if not pushed:
        known = TimelineEntry(merged, f"merged into {change.base}", change.merged_by, change.url)
        for entry in merge or [known]:
            _entry(page, "> ", entry, "judged as of here", "bold")
    if late:
        rests = (
            "only what ENG-PROC-004 asks for afterwards rests on it"
            if change.class_ is ChangeClass.EMERGENCY
            else "no verdict rests on it"
        )
        page.line(Text(f"  After the merge; {rests}:", "dim"))
    for entry in late:
        _entry(page, "+ ", entry, "")


def _entry(page: Page, sign: str, entry: TimelineEntry, tag: str, style: str = "") -> None:
    at = _at(entry.at).rstrip("Z")
    what = page.link(page.text(entry.what, style), entry.url)
    if entry.who:
        what.append(page.dot).append(page.text(entry.who, "dim"))
    if tag:
        what.append(f"  [{tag}]", "bold")
    page.paragraph(Text.assemble((sign, "bold"), (at, style or "dim"), "  "), what)


def _steps(page: Page, explanation: Explanation, change: AuditedChange) -> None:
    """Print every step with its attributes; steps that share one cause throughout, together."""
    described = {step.id: step for step in explanation.procedure}
    claims = {each.id: each for each in explanation.attributes}
    remedies = {each.attribute: each for each in explanation.remedies}
    for cause, group in groupby(change.steps, lambda step: _whole(step, remedies)):
        steps = list(group)
        if cause is None or len(steps) == 1:
            for step in steps:
                info = described[step.step]
                title = page.text(info.title).plain
                page.heading(f"Step {step.step}: {title}: {_WORDS[step.outcome]}")
                page.paragraph(Text("  "), page.text(f"{info.who}. {info.what}", "dim"))
                _attributes(page, step.attributes, claims, remedies)
        else:
            page.heading(f"Steps {steps[0].step} to {steps[-1].step}: {_WORDS[cause.outcome]}")
            verdicts = [verdict for step in steps for verdict in step.attributes]
            _attributes(page, verdicts, claims, remedies)


def _whole(step: StepResult, remedies: dict[str, Remedy]) -> _Cause | None:
    """The one cause of all attributes of a step, or `None` if they have several."""
    causes = {_cause(verdict, remedies) for verdict in step.attributes}
    return causes.pop() if len(causes) == 1 else None


def _cause(verdict: Verdict, remedies: dict[str, Remedy]) -> _Cause:
    remedy = remedies.get(verdict.attribute)
    what = (remedy.text, remedy.policy_keys) if remedy else ("", ())
    return _Cause(verdict.outcome, verdict.told(), verdict.evidence, what)


def _attributes(
    page: Page,
    verdicts: Sequence[Verdict],
    claims: dict[str, AttributeInfo],
    remedies: dict[str, Remedy],
) -> None:
    for cause, group in groupby(verdicts, lambda verdict: _cause(verdict, remedies)):
        ids = [verdict.attribute for verdict in group]
        page.line()
        if len(ids) > FEW:
            rows = [(f"{ids[0]}{page.dash}{ids[-1]}", f"{len(ids)} attributes, for one reason")]
        else:
            rows = [(id_, claims[id_].claim.rstrip(".")) for id_ in ids]
        for name, claim in rows:
            lead = Text.assemble("  ", page.mark(cause.outcome), f" {name}  ")
            page.paragraph(lead, page.text(claim, "bold"))
        indent = Text(" " * 9)
        word = "" if cause.outcome is Outcome.PASS else f"{_WORDS[cause.outcome].capitalize()}. "
        reason = Text.assemble((word, STYLES[cause.outcome]), page.text(cause.reason))
        page.paragraph(indent, reason)
        _evidence(page, indent, cause.evidence)
        text, keys = cause.remedy
        if text:
            said = Text.assemble(page.text(text, "bold"), (f" Policy: {', '.join(keys)}.", "dim"))
            page.paragraph(indent, said)


def _evidence(page: Page, indent: Text, evidence: Sequence[Citation]) -> None:
    """Print what was read; an address that several pieces in a row share is printed once."""
    for url, group in groupby(dict.fromkeys(evidence), lambda cited: cited.url):
        for cited in group:
            parts = [cited.what, cited.who, _at(cited.at) if cited.at else ""]
            line = page.text(parts[0])
            for part in filter(None, parts[1:]):
                line.append(page.dot).append(page.text(part))
            line.stylize("dim")
            page.paragraph(Text.assemble(indent, ("- ", "dim")), page.link(line, url))
        if url:
            page.line(indent, "  ", page.link(page.text(url, "dim"), url))


def _alterations(page: Page, change: AuditedChange) -> None:
    page.heading("Altered after the merge")
    if not change.changed_after_merge:
        page.line("  Nothing was found.")
    for what in change.changed_after_merge:
        page.paragraph(Text("  ! "), page.text(what))


def _duties(page: Page, change: AuditedChange) -> None:
    """Print who did what, then who did more than one thing and what the policy says of that."""
    page.heading("Who did what")
    width = max(map(len, duties.NAMES.values()))
    for duty in change.duties:
        lead = Text.assemble("  ", padded(Text(duties.name(change, duty), "dim"), width), "  ")
        page.paragraph(lead, page.text(duties.people(duty)))
        if duty.remark:
            page.paragraph(Text(" " * (width + 4)), page.text(duty.remark, "dim"))
    page.heading("One person in two duties")
    for pair in duties.ordered(change):
        outcome = duties.MARKS[pair.standing]
        page.paragraph(
            Text.assemble("  ", page.mark(outcome), " "),
            Text.assemble(
                page.text(pair.person, "bold"),
                f" {duties.both(pair)}: ",
                page.text(duties.standing(pair), STYLES[outcome]),
            ),
        )
        page.paragraph(Text("    "), page.text(pair.reason))
    said = duties.conclusion(change)
    if said:
        page.paragraph(Text("  "), Text(said))


def _out_of_scope(page: Page, explanation: Explanation, excluded: Excluded) -> None:
    _title(page, explanation, excluded.id, excluded.title, excluded.url)
    merged = f"{_at(excluded.merged_at)} into {excluded.base}"
    _field(page, "Merged", page.text(merged))
    _field(page, "Result", Text("out of scope: nothing was judged"))
    _field(page, "Rule", page.text(f"{excluded.rule}: {excluded.reason}"))


def _basis(page: Page, explanation: Explanation) -> None:
    """Print what all of it rests on: the policy, the evidence, and its limits."""
    policy, run, change = explanation.policy, explanation.run, explanation.change
    page.heading("Judged by")
    page.paragraph(Text("  Policy     ", "dim"), page.text(f"{policy.name} ({policy.source})"))
    page.line(Text("  SHA-256    ", "dim"), page.text(policy.digest))
    if change is not None and change.overrides:
        page.paragraph(Text("  Overrides  ", "dim"), page.text(", ".join(change.overrides)))
    if explanation.collected_at is not None:
        page.line(Text("  Collected  ", "dim"), _at(explanation.collected_at))
    told = f"{_at(run.finished_at)} by changeaudit {run.tool_version}"
    page.line(Text("  Explained  ", "dim"), page.text(told))
    if change is not None:
        page.heading("Stored evidence (SHA-256 of each answer)")
        for digest in change.evidence:
            page.line("  ", page.text(digest))
        if not change.evidence:
            page.line("  No stored answer is named for this change.")
    if explanation.limitations:
        page.heading("Limitations")
    for limitation in explanation.limitations:
        page.paragraph(Text("  - "), page.text(limitation))


def _at(at: datetime) -> str:
    """An instant as the reasons write it, so that the story reads as one."""
    return instant(at).replace("T", " ")


def _plain(name: str) -> str:
    return name.replace("_", " ").replace("qa ", "QA ")
