"""The design of the controls for the terminal: every setting, then what it leaves open."""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.text import Text

from changeaudit.design import Control, Design, Place, RepositoryDesign, RulesetHistory, Severity
from changeaudit.reporters.terminal import Page, padded
from changeaudit.reporters.text import day, instant
from changeaudit.verdicts import Outcome

_TITLE: Final = 31
_STYLES: Final = {
    Severity.HIGH: "bold red",
    Severity.MEDIUM: "red",
    Severity.LOW: "yellow",
}
VERSIONS: Final = 5
"""So many of a ruleset's versions are told; the others are counted."""

_Key = tuple[Severity | None, str, str]
_INDENT: Final = Text(" " * 9)
_PLACES: Final = 8000
"""So many cells of the places of one finding; JSON has them all."""


def render(design: Design, console: Console) -> None:
    """Print the controls, as wide as `console` is but at least 80 columns."""
    page = Page(console)
    page.line(Text("Design of the controls", "bold"))
    page.line()
    policy = design.policy
    said = f"{policy.name} ({policy.source}), SHA-256 {policy.digest[:12]}"
    page.paragraph(Text("Policy   ", "dim"), page.text(said))
    for repository in design.repositories:
        page.line()
        page.line(page.link(page.text(repository.repository, "bold"), repository.url))
        for place in repository.places:
            _place(page, place)
    _findings(page, design)
    _unread(page, design)
    _changes(page, design)
    _rulesets(page, [ruleset for each in design.repositories for ruleset in each.rulesets])
    page.heading("Limitations")
    for limitation in design.limitations:
        page.paragraph(Text("  - "), page.text(limitation))
    page.line()
    page.line(_conclusion(design))


def _place(page: Page, place: Place) -> None:
    what = f"Branch {place.branch}" if place.branch else "The repository"
    page.line()
    page.paragraph(Text("  "), page.text(f"{what}, as of {instant(place.as_of)}", "bold"))
    if place.branch:
        unsure = any(control.unread for control in place.controls)
        nothing = "nothing that could be read" if unsure else "nothing"
        guards = ", ".join(place.guards) or nothing
        page.paragraph(Text("  guarded by "), page.text(guards))
    for control in place.controls:
        lead = Text("  ").append_text(page.mark(control.outcome))
        lead.append(" ").append_text(padded(Text(control.title), _TITLE))
        page.paragraph(lead, page.text(control.setting))


def _where(repository: RepositoryDesign, place: Place) -> str:
    return f"{repository.repository}@{place.branch}" if place.branch else repository.repository


def _findings(page: Page, design: Design) -> None:
    """The findings, the gravest first; each once, with the places that it was found at."""
    places: dict[_Key, list[str]] = {}
    found: dict[_Key, Control] = {}
    for repository, place, control in design.found():
        if control.outcome is Outcome.EXCEPTION:
            key = control.severity, control.name, control.reason
            found.setdefault(key, control)
            places.setdefault(key, []).append(_where(repository, place))
    if found:
        page.heading("Findings")
    for severity in Severity:
        for key, control in found.items():
            if control.severity is severity:
                lead = Text("  ").append_text(padded(Text(severity, _STYLES[severity]), 7))
                page.paragraph(lead, Text(control.title, "bold"))
                said = f"{control.reason} Supports {_steps(control.steps)}."
                page.paragraph(_INDENT, page.text(said))
                page.paragraph(_INDENT, page.text(", ".join(places[key]), limit=_PLACES))


def _steps(steps: tuple[str, ...]) -> str:
    if len(steps) == 1:
        return f"step {steps[0]}"
    if len(steps) == 6:
        return "steps 1 to 6"
    return f"steps {', '.join(steps[:-1])} and {steps[-1]}"


def _unread(page: Page, design: Design) -> None:
    """Each cause once, with what it keeps from being known."""
    causes: dict[tuple[str, str], dict[str, list[str]]] = {}
    for repository, place, control in design.found():
        if not control.unread:
            continue
        places = causes.setdefault((control.reason, control.permission), {})
        places.setdefault(_where(repository, place), []).append(control.title)
    if causes:
        page.heading("What could not be read")
    for (reason, permission), places in causes.items():
        lacking = f" The token needs {permission}." if permission else ""
        page.paragraph(
            Text("  ").append_text(page.mark(Outcome.UNDETERMINED)).append(" "),
            page.text(f"{reason}{lacking}"),
        )
        for where, titles in places.items():
            page.paragraph(Text("      "), page.text(f"{where}: {', '.join(titles)}"))


def _changes(page: Page, design: Design) -> None:
    changed = [
        (repository, place)
        for repository in design.repositories
        for place in repository.places
        if len(place.snapshots) > 1
    ]
    if changed:
        page.heading("From snapshot to snapshot")
    for repository, place in changed:
        first, last = day(place.snapshots[0]), day(place.snapshots[-1])
        said = f"{len(place.snapshots)} snapshots from {first} to {last}"
        same = "" if place.changes else ", all alike"
        page.paragraph(Text("  "), page.text(f"{_where(repository, place)}: {said}{same}"))
        for change in place.changes:
            page.paragraph(
                Text("    - "),
                page.text(
                    f"{change.title}: {change.before} {page.arrow} {change.after}, between"
                    f" {instant(change.seen_before)} and {instant(change.seen_after)}"
                ),
            )


def _rulesets(page: Page, rulesets: list[RulesetHistory]) -> None:
    if rulesets:
        page.heading("Rulesets in force")
    for ruleset in rulesets:
        made, changed = instant(ruleset.created_at), instant(ruleset.updated_at)
        said = f"{ruleset.ruleset}: made {made}, last changed {changed}"
        page.paragraph(Text("  "), page.text(said))
        if ruleset.unread:
            lacking = f" The token needs {ruleset.permission}." if ruleset.permission else ""
            page.paragraph(Text("    "), page.text(f"{ruleset.unread}.{lacking}"))
        versions = ruleset.versions[-VERSIONS:]
        if len(versions) < len(ruleset.versions):
            earlier = len(ruleset.versions) - len(versions)
            page.line(f"    {earlier} earlier, and then")
        for version in versions:
            who = version.by or "nobody that GitHub names"
            page.paragraph(Text("    - "), page.text(f"{instant(version.at)} by {who}"))


def _conclusion(design: Design) -> str:
    found = [control.severity for control in design.controls(Outcome.EXCEPTION)]
    counts = [f"{found.count(s)} {s}" for s in Severity if s in found]
    many = f"{len(found)} {'finding' if len(found) == 1 else 'findings'}"
    told = f"{many} ({', '.join(counts)})" if found else "No findings"
    unread = sum(control.unread for _, _, control in design.found())
    held = len(design.controls(Outcome.PASS))
    return f"{told}; {unread} could not be read; {held} {'is' if held == 1 else 'are'} effective."
