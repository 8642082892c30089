"""The report for the terminal: the matrix of changes and steps, then the reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

from rich.console import Console
from rich.text import Text

from changeaudit.packed import Packed
from changeaudit.reporters import duties, reverse, tie_out
from changeaudit.reporters.terminal import STYLES, Page, padded
from changeaudit.reporters.text import day, instant
from changeaudit.verdicts import (
    Audit,
    AuditedChange,
    Outcome,
    RepositorySummary,
    Result,
    Standing,
)

# A table of more changes than this shows its compliant ones as a count, unless asked.
FOLD_ABOVE: Final = 50
# What leaves more changes than this undetermined, for the same reason, is said once.
SHARED_ABOVE: Final = 3
# So many of the changes that share a reason are named, and so many complete repositories listed.
NAMED: Final = 100
REPOSITORIES: Final = 12
# So many rows of a reconciliation that are on one side alone are listed.
TIES: Final = 10
# So many tickets without a change are listed where they are information.
TICKETS: Final = 20
# So many attributes that one cause decides are given with their names.
FEW: Final = 3

# Widths in cells of the columns of the matrix, between which there are two blanks.
RESULT: Final = 12
MERGED: Final = 10
CLASS: Final = 11
LOGIN: Final = 24
# Where a title would have less room than this beside the other columns, it gets its own line.
TITLE: Final = 28
# So much of a commit's oid tells it from others.
OID: Final = 10

_OUTCOMES: Final = {
    Result.EXCEPTION: Outcome.EXCEPTION,
    Result.UNDETERMINED: Outcome.UNDETERMINED,
    Result.COMPLIANT: Outcome.PASS,
}
_ORDER: Final = tuple(_OUTCOMES)
_WORDS: Final = {
    Outcome.PASS: "pass",
    Outcome.EXCEPTION: "potential exception",
    Outcome.UNDETERMINED: "undetermined",
    Outcome.NOT_APPLICABLE: "not applicable",
}

# The changes that an attribute leaves undetermined, by the attribute and the reason.
Shared = dict[tuple[str, str], list[AuditedChange]]


def render(audit: Audit, console: Console, *, all_changes: bool = False) -> None:
    """Print the report of `audit`, as wide as `console` is but at least 80 columns.

    Args:
        audit: what is reported.
        console: where to; its width, colours and encoding are kept to.
        all_changes: list every compliant change, every complete repository and every change that
            shares a reason, where long lists are otherwise folded into a count. Potential
            exceptions are never folded.
    """
    page = Page(console)
    changes = Packed(
        AuditedChange,
        audit.changes,
        key=lambda change: (_ORDER.index(change.result), change.merged_at, change.id),
    )
    _header(page, audit)
    _repositories(page, audit, all_changes)
    _reconciliation(page, audit, all_changes)
    if changes:
        _matrix(page, audit, changes, all_changes)
        _steps(page, audit)
        _segregation(page, audit, all_changes)
        _reasons(page, audit, changes, all_changes)
    _reverse_trace(page, audit, all_changes)
    _excluded(page, audit)
    _limitations(page, audit)
    _conclusion(page, audit)


def _header(page: Page, audit: Audit) -> None:
    period, policy, summary = audit.period, audit.policy, audit.summary
    page.line(Text("Change management audit", "bold"))
    if audit.demonstration:
        page.line(Text("Demonstration evidence: an invented organisation", "bold yellow"))
    page.line()
    entries = {
        "Period": f"{instant(period.since)} (included) to {instant(period.until)} (not included)",
        "Policy": f"{policy.name} ({policy.source}), SHA-256 {policy.digest[:12]}",
        "Report": f"{instant(audit.run.finished_at)}, changeaudit {audit.run.tool_version}",
        "Changes": f"{summary.changes}",
    }
    for name, text in entries.items():
        page.paragraph(Text(f"{name:<9}", "dim"), page.text(text))
    digits = len(str(summary.changes))
    for each in summary.classes:
        page.line(f"{'':9}{each.changes:>{digits}}  {each.share:>5.1f} %  {_plain(each.class_)}")


def _repositories(page: Page, audit: Audit, all_changes: bool) -> None:
    """Print how far each repository's population ties out; the doubtful ones first."""
    repositories = audit.summary.repositories
    complete = [each for each in repositories if each.complete]
    listed = complete if all_changes or len(repositories) <= REPOSITORIES else []
    page.heading(f"Repositories ({len(repositories)})")
    for each in (*(each for each in repositories if not each.complete), *listed):
        _repository(page, each)
    if folded := len(complete) - len(listed):
        them = _count(folded, "further repository", "further repositories")
        page.paragraph(Text("  "), Text(f"{them}, complete; the files of the report list all."))


def _repository(page: Page, repository: RepositorySummary) -> None:
    branches = ", ".join(repository.production_branches) or "no production branch"
    state = (
        Text("complete", STYLES[Outcome.PASS])
        if repository.complete
        else Text("not shown to be complete", STYLES[Outcome.UNDETERMINED])
    )
    name = Text.assemble(page.text(repository.repository), " (", page.text(branches), "): ", state)
    page.paragraph(Text("  "), name)
    counts = (
        f"{_count(repository.merged, 'merged pull request')}, {repository.in_scope} in scope and"
        f" {repository.excluded} excluded; "
        + _count(repository.direct_pushes, "direct push", "direct pushes")
    )
    page.paragraph(Text("    "), Text(counts, "dim"))
    page.paragraph(Text("    "), page.text(repository.completeness, "dim"))


def _reconciliation(page: Page, audit: Audit, all_changes: bool) -> None:
    """Print both sides of each branch, and what is on one of them alone.

    Of many repositories those that do not tie out are listed. Direct pushes stand among the
    changes, and what merged into other branches under what is out of scope.
    """
    folding = len(audit.summary.repositories) > REPOSITORIES and not all_changes
    tied = [
        each
        for repository in audit.summary.repositories
        if not (folding and repository.complete)
        for each in repository.reconciliations
    ]
    if tied:
        page.heading("Reconciliation: merged pull requests and the production branches")
    for each in tied:
        name = page.text(each.repository).append(page.dot).append(page.text(tie_out.name(each)))
        page.paragraph(Text("  "), name)
        said = [tie_out.pull_requests(each)]
        said += [tie_out.commits(each), tie_out.sources(each)] if each.branch else []
        for text in filter(None, said):
            page.paragraph(Text("    "), page.text(text, "dim"))
        loose = tie_out.loose(each)
        listed = loose if all_changes else loose[:TIES]
        for tie in listed:
            lead = Text.assemble("    ", page.mark(Outcome.UNDETERMINED), " ")
            of = page.link(page.text(_short_oid(tie.id) if "@" in tie.id else tie.id), tie.url)
            page.paragraph(lead, Text.assemble(of, ": ", page.text(tie.said)))
        if unnamed := len(loose) - len(listed):
            page.line(f"      and {unnamed} more, which reconciliation.csv lists")


def _matrix(page: Page, audit: Audit, changes: Sequence[AuditedChange], all_changes: bool) -> None:
    """Print a row for each change: in one line where there is room for its title, else in two.

    A terminal that is too narrow for a title gets its beginning; a file or a pipe gets all of it.
    """
    steps = _used_steps(audit)
    folding = len(changes) > FOLD_ABOVE and not all_changes
    shown = [c for c in changes if not (folding and c.result is Result.COMPLIANT)]
    page.heading("Changes and the steps of the procedure")
    marks = 2 * len(steps) - 1
    ids = max(len("Change"), *(_short_id(page, change).cell_len for change in changes))
    who = {change.id: page.text(change.author or "(unknown)", "dim") for change in shown}
    authors = max((name.cell_len for name in who.values()), default=0)
    authors = min(max(authors, len("Author")), LOGIN)
    fixed = marks + RESULT + MERGED + 6
    title = page.width - ids - fixed - CLASS - authors - 6
    wide = title >= TITLE
    classed = ids + fixed + CLASS + 2 <= page.width
    ids = min(ids, page.width - fixed)
    widths = (ids, marks, RESULT, MERGED, CLASS, authors)

    def row(cells: Sequence[Text]) -> Text:
        fitted = (padded(cell, width) for cell, width in zip(cells, widths, strict=False))
        return Text("  ").join(fitted)

    if shown:
        names = ["Change", " ".join(steps), "Result", "Merged"]
        names += ["Class"] if classed else []
        names += ["Author", "Title"] if wide else []
        heads = [Text(name, "dim") for name in names]
        page.line(Text("  ").join((row(heads[: len(widths)]), *heads[len(widths) :])))
    for change in shown:
        outcomes = {step.step: step.outcome for step in change.steps}
        signs = (page.mark(outcomes[s]) if s in outcomes else Text(" ") for s in steps)
        name = page.link(_short_id(page, change, "bold"), change.url)
        if name.cell_len > ids:
            page.line(name)
            name = Text()
        cells = [
            name,
            Text(" ").join(signs),
            Text(change.result, STYLES[_OUTCOMES[change.result]]),
            Text(day(change.merged_at)),
            *([Text(_plain(change.class_))] if classed else []),
        ]
        of, by = page.text(change.title), who[change.id]
        if wide and by.cell_len <= authors:
            page.entry(Text.assemble(row([*cells, by]), "  "), of)
            continue
        page.line(row(cells))
        if not classed:
            by.append(f"{page.dot}{_plain(change.class_)}")
        page.entry(Text("  "), of, Text.assemble("  ", by))
    if folded := len(changes) - len(shown):
        page.line(f"{_count(folded, 'compliant change')} folded; the files of the report list all.")
    page.line()
    page.line(
        Text("   ").join(
            Text.assemble(page.mark(outcome), " ", (word, "dim"))
            for outcome, word in _WORDS.items()
        )
    )


def _steps(page: Page, audit: Audit) -> None:
    """Print the counts of each step that any change was judged by."""
    heads = ("pass", "exception", "undetermined", "n/a")
    described = {step.id: step for step in audit.procedure}
    used = _used_steps(audit)
    room = page.width - sum(len(head) + 2 for head in heads) - 3
    titles = {id: page.text(described[id].title) for id in used}
    signed = {
        id: Text.assemble(title, page.text(f", {described[id].who}", "dim"))
        for id, title in titles.items()
    }
    if max(title.cell_len for title in signed.values()) <= room:
        titles = signed
    room = min(room, max(title.cell_len for title in titles.values()))
    page.heading("Steps")
    page.line(" " * (room + 3), Text("".join(f"  {head}" for head in heads), "dim"))
    for summary in audit.summary.steps:
        if summary.step not in used:
            continue
        counts = summary.counts
        numbers = (counts.passed, counts.exceptions, counts.undetermined, counts.not_applicable)
        page.line(
            f"{summary.step:<3}",
            padded(titles[summary.step], room),
            *(
                Text(f"  {number:>{len(head)}}", STYLES[outcome] if number else "dim")
                for head, number, outcome in zip(heads, numbers, _WORDS, strict=True)
            ),
        )


def _segregation(page: Page, audit: Audit, all_changes: bool) -> None:
    """Print in how many changes one person had two duties that are kept apart, and in which."""
    page.heading("Segregation of duties")
    page.paragraph(Text("  "), Text(duties.summed(audit.summary)))
    for standing in (Standing.FORBIDDEN, Standing.UNDETERMINED):
        found = [c for c in audit.changes if duties.gravest(c) is standing]
        if found:
            sign = Text.assemble("  ", page.mark(duties.MARKS[standing]), " ")
            page.paragraph(sign, _named(page, found, all_changes))


def _reasons(page: Page, audit: Audit, changes: Sequence[AuditedChange], all_changes: bool) -> None:
    """Print why each change is not compliant."""
    shared = _shared(changes)
    exceptions = [change for change in changes if change.result is Result.EXCEPTION]
    if exceptions:
        page.heading(f"Potential exceptions ({_count(len(exceptions), 'change')})")
    for change in exceptions:
        _change(page, audit, change, shared)

    unsettled = [change for change in changes if change.result is Result.UNDETERMINED]
    if unsettled or shared:
        counted = (
            f" ({_count(len(unsettled), 'change')})" if unsettled else ", besides an exception"
        )
        page.heading(f"Undetermined{counted}")
    for change in unsettled:
        _change(page, audit, change, shared)
    merged: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (attribute, reason), sharing in shared.items():
        merged.setdefault((reason, tuple(c.id for c in sharing)), []).append(attribute)
    for (reason, _), attributes in merged.items():
        page.line()
        _verdict(page, audit, Outcome.UNDETERMINED, attributes, reason)
        sharing = shared[attributes[0], reason]
        page.paragraph(Text("    "), _named(page, sharing, all_changes))

    late = sum(bool(c.changed_after_merge) for c in changes if c.result is Result.COMPLIANT)
    if late:
        page.line()
        page.line(
            f"Altered after the merge: {_count(late, 'compliant change')};"
            " the files of the report say what."
        )


def _shared(changes: Iterable[AuditedChange]) -> Shared:
    found: Shared = {}
    for change in changes:
        for verdict in change.verdicts():
            if verdict.outcome is Outcome.UNDETERMINED:
                found.setdefault((verdict.attribute, verdict.told()), []).append(change)
    return {cause: sharing for cause, sharing in found.items() if len(sharing) > SHARED_ABOVE}


def _change(page: Page, audit: Audit, change: AuditedChange, shared: Shared) -> None:
    """Print what a change did not pass, a line for each cause, unless all of it is shared.

    What does not apply is left to the files: here it would bury what somebody has to act on.
    """
    causes: dict[tuple[Outcome, str], list[str]] = {}
    elsewhere: list[str] = []
    for verdict in change.verdicts():
        if verdict.outcome in (Outcome.PASS, Outcome.NOT_APPLICABLE):
            continue
        if (verdict.attribute, verdict.told()) in shared:
            elsewhere.append(verdict.attribute)
        else:
            causes.setdefault((verdict.outcome, verdict.told()), []).append(verdict.attribute)
    if not causes:
        return
    page.line()
    facts = (instant(change.merged_at), _plain(change.class_), change.author or "(unknown)")
    name = page.link(_short_id(page, change, "bold"), change.url)
    more = Text("".join(page.dot + page.text(fact).plain for fact in facts), "dim")
    page.paragraph(Text(), Text.assemble(name, more))
    page.paragraph(Text("  "), page.text(change.title))
    page.line("  ", page.link(page.text(change.url, "dim"), change.url))
    for outcome in _WORDS:
        for (found, reason), attributes in causes.items():
            if found is outcome:
                _verdict(page, audit, outcome, attributes, reason)
    if elsewhere:
        _verdict(
            page,
            audit,
            Outcome.UNDETERMINED,
            elsewhere,
            "for a reason that other changes share, which stands under Undetermined",
        )
    for pair in change.pairs(Standing.FORBIDDEN):
        page.paragraph(Text("  ! "), Text("Two duties: ").append(page.text(pair.reason)))
    for alteration in change.changed_after_merge:
        page.paragraph(Text("  ! "), Text("After the merge: ").append(page.text(alteration)))


def _verdict(
    page: Page, audit: Audit, outcome: Outcome, attributes: Sequence[str], reason: str
) -> None:
    """Print one cause: the attributes that it decides, by name if they are few, and the reason."""
    names = {info.id: _plain(info.name) for info in audit.attributes}
    claim = Text(
        f"{_ranges(page, audit, attributes)} ({len(attributes)} attributes)"
        if len(attributes) > FEW
        else ", ".join(f"{id} {names[id]}" for id in attributes),
        "bold",
    )
    lead = Text.assemble("  ", page.mark(outcome), " ")
    page.paragraph(lead, Text.assemble(claim, ": ", page.text(reason)))


def _ranges(page: Page, audit: Audit, attributes: Sequence[str]) -> str:
    """The attributes in the order of the procedure, runs of three and more as "4.1 to 4.4"."""
    order = [info.id for info in audit.attributes]
    places = sorted(map(order.index, attributes))
    parts = []
    for _, numbered in groupby(enumerate(places), lambda pair: pair[1] - pair[0]):
        run = [order[place] for _, place in numbered]
        parts += [f"{run[0]}{page.dash}{run[-1]}"] if len(run) > 2 else run
    return ", ".join(parts)


def _named(page: Page, changes: Sequence[AuditedChange], all_changes: bool) -> Text:
    """The changes that share a reason, by repository, and how many they are."""
    named = changes if all_changes else changes[:NAMED]
    text = Text(f"{_count(len(changes), 'change')}:", "dim")
    repository = ""
    for change in sorted(named, key=lambda change: (change.repository, change.merged_at)):
        text.append("," if change.repository == repository else ";" if repository else "")
        if change.repository != repository:
            repository = change.repository
            text.append(" ").append(page.text(repository))
        short = _short_id(page, change).plain.removeprefix(page.text(repository).plain)
        text.append(" ").append(page.link(Text(short), change.url))
    if unnamed := len(changes) - len(named):
        text.append(f" and {unnamed} more, which the files of the report list")
    return text


def _reverse_trace(page: Page, audit: Audit, all_changes: bool) -> None:
    """Print the tickets that were done without a change, and of which that could not be told."""
    trace = audit.reverse_trace
    if trace is None:
        return
    page.heading(reverse.TITLE)
    page.paragraph(Text("  "), Text(reverse.summed(trace)))
    listed = trace.untraced if all_changes or trace.counts else trace.untraced[:TICKETS]
    for ticket in listed:
        lead = Text.assemble("  ", page.mark(reverse.mark(trace)), " ")
        name = page.link(page.text(ticket.key, "bold"), ticket.url)
        told = page.text(f"{ticket.title}{page.dot}{reverse.story(ticket)}")
        page.paragraph(lead, Text.assemble(name, "  ", told))
    if unnamed := len(trace.untraced) - len(listed):
        page.line(f"    and {unnamed} more, which untraced.csv lists")
    for why in trace.unknown:
        lead = Text.assemble("  ", page.mark(Outcome.UNDETERMINED), " ")
        page.paragraph(lead, Text("It could not be told: ").append(page.text(why)))


def _excluded(page: Page, audit: Audit) -> None:
    if not audit.excluded:
        return
    rules = Counter(excluded.rule for excluded in audit.excluded)
    digits = len(str(max(rules.values())))
    page.heading(f"Out of scope ({_count(len(audit.excluded), 'merged pull request')})")
    for rule, number in sorted(rules.items(), key=lambda pair: (-pair[1], pair[0])):
        page.paragraph(Text(f"  {number:>{digits}}  "), page.text(rule))


def _limitations(page: Page, audit: Audit) -> None:
    if audit.limitations:
        page.heading("Limitations")
    for limitation in audit.limitations:
        page.paragraph(Text("  - "), page.text(limitation))


def _conclusion(page: Page, audit: Audit) -> None:
    """Print what it comes to, in the last line; doubt about the population goes before it."""
    summary = audit.summary
    doubtful = [each.repository for each in summary.repositories if not each.complete]
    page.line()
    if doubtful:
        them = page.text(", ".join(doubtful))
        page.paragraph(
            Text(), Text("The population is not shown to be complete for ").append(them).append(".")
        )
    trace = audit.reverse_trace
    if added := reverse.conclusion(trace):
        style = STYLES[Outcome.EXCEPTION if reverse.excepted(trace) else Outcome.UNDETERMINED]
        page.paragraph(Text(), Text(added, style))
    if not summary.changes:
        page.line(Text("The population is empty: no change in the period is in scope.", "bold"))
        return
    rest = "; ".join(
        (
            *([f"{summary.undetermined} undetermined"] if summary.undetermined else []),
            f"{summary.compliant} compliant.",
        )
    )
    if summary.exceptions:
        have = "has" if summary.exceptions == 1 else "have"
        lead = (
            f"{summary.exceptions} of {_count(summary.changes, 'change')} {have}"
            " potential exceptions"
        )
    else:
        lead = f"No exceptions noted in {_count(summary.changes, 'change')}"
    outcome = (
        Outcome.EXCEPTION
        if summary.exceptions
        else Outcome.UNDETERMINED
        if summary.undetermined or added
        else Outcome.PASS
    )
    page.paragraph(Text(), Text.assemble((f"{lead}; ", "bold"), rest, style=STYLES[outcome]))


def _used_steps(audit: Audit) -> list[str]:
    """The steps that any change was judged by, in the procedure's order: E only if need be."""
    used = {step.step for change in audit.changes for step in change.steps}
    return [step.id for step in audit.procedure if step.id in used]


def _short_id(page: Page, change: AuditedChange, style: str = "") -> Text:
    """A change's id, with a short oid."""
    return page.text(change.id if change.number is not None else _short_oid(change.id), style)


def _short_oid(id: str) -> str:
    name, _, oid = id.rpartition("@")
    return f"{name}@{oid[:OID]}"


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _plain(name: str) -> str:
    return name.replace("_", " ").replace("qa ", "QA ")
