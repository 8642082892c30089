"""What a policy might say, guessed from what GitHub and Jira show.

A guess goes by names: that a team is called "security" does not make it the security team. It is
therefore offered to a person, who knows, and is never in force by itself. What a policy could not
hold, such as a text of 400 characters or a production branch called "default", is not suggested.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeVar

from changeaudit.markdown import Document, parse, plain
from changeaudit.policy import LOGIN, PROJECT, TEAM
from changeaudit.records import Record, Unavailable
from changeaudit.survey import (
    GitHubSurvey,
    JiraSurvey,
    Listed,
    MergedPull,
    RepositorySurvey,
    TeamSurvey,
)

MOST: Final = 20
"""How many values are suggested for one key."""
LONGEST: Final = 200
"""Characters of the longest value that is suggested."""


class Found(Record, frozen=True):
    """A value that might stand in a policy, and what else is known of it."""

    value: str
    note: str = ""


class Suggestion(Record, frozen=True):
    """What a key of the policy might hold, and where that was seen, in words."""

    found: tuple[Found, ...]
    source: str

    @property
    def values(self) -> tuple[str, ...]:
        """The values alone."""
        return tuple(each.value for each in self.found)


_T = TypeVar("_T")

CODE_OWNERS: Final = "codeowners"
"""What stands for the code owners among those who may hold the role of peer."""

Guess = tuple[Iterable[Found], str]


# What names look like: matched against their words in small letters, one blank between two.
SECURITY: Final = re.compile(r"\b(security|sec|appsec|infosec|prodsec|secops|devsecops|ciso)\b")
QA: Final = re.compile(r"\b(qa|qe|quality|testers?|testing|sdet)\b")
LEADS: Final = re.compile(r"\b(leads?|leaders|leadership|principals?|managers?|heads?|cto)\b")
PEERS: Final = re.compile(r"\b(devs?|developers?|engineers?|engineering)\b")
STAGING: Final = re.compile(
    r"\b(staging|stage|qa|uat|e2e|end to end|acceptance|smoke|pre ?prod(uction)?)\b"
)
EMERGENCY: Final = re.compile(r"\b(emergency|hot ?fix(es)?|incidents?|break ?glass)\b")
SENSITIVE: Final = re.compile(r"\b(security|sec|appsec|vulnerabilit(y|ies)|cve|privacy|pii)\b")
SIGNED_OFF: Final = re.compile(r"\b(qa|quality|tested|verified)\b")
NOT_SIGNED_OFF: Final = re.compile(
    r"\b(needs?|requires?|required|requested|wanted|waiting|awaiting|pending|todo|ready|in|for|fail"
    r"(s|ed|ure)?|reject(s|ed)?|block(s|ed)?|no|not|un ?tested|un ?verified|skip(s|ped)?)\b"
)
CANCELLED: Final = re.compile(
    r"\b(cancell?ed|won ?t (do|fix)|wont ?fix|rejected|declined|duplicate|abandoned|invalid"
    r"|withdrawn|obsolete)\b"
)
NO_IMPACT: Final = re.compile(r"\b(no|not|without|none)\b.*\bsecurity\b|\bsecurity impact none\b")
IMPACT: Final = re.compile(
    r"\bsecurity (impact|relevant|sensitive)\b|\b(touches|affects|changes) security\b"
)

PRODUCTION: Final = frozenset({"prod", "production", "live", "stable", "release", "main", "master"})
"""Names of branches that are released from."""
SERIES: Final = re.compile(r"(releases?|stable|production|prod)(/|[-_]v?(?=[0-9*]))", re.IGNORECASE)
"""How the name of a branch begins of which there is one for each release."""
UNPAIRED: Final = re.compile(r"[\ud800-\udfff]")
"""Half of a character, which no file can hold."""
HOTFIX: Final = re.compile(r"(emergency|hot-?fix(es)?)/", re.IGNORECASE)

NO_PROJECT: Final = frozenset(
    ("AES", "CVE", "CWE", "GHSA", "HTTP", "ISO", "MD", "PEP", "RFC", "RSA", "SHA", "TLS", "UTF")
)
"""What is written like the key of a Jira project and is none."""
KEY: Final = re.compile(r"(?<![A-Za-z0-9_])([A-Z][A-Z0-9_]{1,19})-[1-9][0-9]{0,9}(?![A-Za-z0-9])")
ANY_KEY: Final = re.compile(KEY.pattern.replace("A-Z", "A-Za-z"))


def suggest(github: GitHubSurvey, jira: JiraSurvey | None) -> Mapping[str, Suggestion]:
    """What each key of a policy might hold, by the key's dotted path.

    Args:
        github: what GitHub shows; of no repository, it suggests nothing.
        jira: what Jira shows, if it was asked and answered.

    Returns:
        Only the keys of which there is something to suggest. For a role the values are teams.
    """
    repositories = github.repositories
    of = listing([repository.name for repository in repositories])
    merged = f"what merged last in {of}"
    labels = list(_listed(repositories, "labels"))
    labelled = f"the labels of {of}"
    templates = [parse(text) for each in repositories for text in _given(each.templates)]
    written = f"the pull request template of {of}"
    teams = [team for owner in github.owners for team in _given(owner.teams)]
    called = f"the teams of {listing([owner.login for owner in github.owners])}, by name"
    items = _shared([_items(template) for template in templates])
    guesses: dict[str, Guess] = {
        "scope.branches": (_branches(repositories), f"the branches of {of}"),
        "classes.emergency.labels": (_like(labels, EMERGENCY), labelled),
        "classes.emergency.branches": (_hotfixes(repositories), merged),
        "classes.automated": (_bots(repositories), merged),
        "roles.peer": ((*_teams(teams, PEERS, LEADS), *_owners(repositories)), called),
        "roles.security": (_teams(teams, SECURITY), called),
        "roles.qa": (_teams(teams, QA), called),
        "roles.lead": (_teams(teams, LEADS), called),
        "tickets.jira_projects": _projects(github, jira, merged),
        "template.headings": (
            map(Found, _shared([_headings(template) for template in templates])),
            written,
        ),
        "security_checklist.heading": (_checklist(templates), written),
        "security_checklist.items": (map(Found, items), written),
        "security_review.labels": (_like(labels, SENSITIVE), labelled),
        "security_review.impact_items": (
            (Found(i) for i in items if IMPACT.search(words(i)) and not NO_IMPACT.search(words(i))),
            written,
        ),
        "security_review.no_impact_items": (
            (Found(i) for i in items if NO_IMPACT.search(words(i))),
            written,
        ),
        "qa.labels": (_like(labels, SIGNED_OFF, NOT_SIGNED_OFF), labelled),
        "qa.staging_checks": (
            _staging(repositories),
            f"the environments and recent checks of {of}",
        ),
    }
    if jira:
        guesses |= _tickets(jira)
    kept = {path: (_kept(found), source) for path, (found, source) in guesses.items()}
    return {path: Suggestion(found, source) for path, (found, source) in kept.items() if found}


def project_keys(github: GitHubSurvey) -> tuple[str, ...]:
    """What may be the keys of Jira projects in what merged last, the most frequent first."""
    return tuple(key for key, _ in _keys(github).most_common())


def unread(github: GitHubSurvey, jira: JiraSurvey | None) -> Iterator[str]:
    """What could not be read, or only in part, a sentence for each."""
    for owner in github.owners:
        if isinstance(owner.teams, Unavailable):
            yield f"The teams of {owner.login} could not be read: {owner.teams.reason}."
    for each in github.repositories:
        for field in each.__struct_fields__:
            value = getattr(each, field)
            what = f"The {WHAT.get(field, field)} of {each.name}"
            if isinstance(value, Unavailable):
                yield f"{what} could not be read: {value.reason}."
            elif isinstance(value, Listed) and value.total > len(value.names):
                yield f"{what} were looked at in part: {len(value.names)} of {value.total:,}."
        checks = [pull.checks for pull in _given(each.pulls)]
        refused = [found for found in checks if isinstance(found, Unavailable)]
        if refused:
            yield f"The checks of {each.name} could not be read: {refused[0].reason}."
    for project in jira.projects if jira else ():
        if isinstance(project.statuses, Unavailable):
            what = f"The types of ticket and statuses of {project.key}"
            yield f"{what} could not be read: {project.statuses.reason}."


WHAT: Final = {
    "protected": "protected branches",
    "templates": "pull request templates",
    "codeowners": "CODEOWNERS file",
    "merge_queue": "merge queue",
    "pulls": "merged pull requests",
}
"""The parts of a repository that are called otherwise than their field."""


def listing(names: Iterable[str], most: int = 3) -> str:
    """Names in a sentence: "a, b and c", "a, b and 4 more"."""
    known = list(dict.fromkeys(names))
    if len(known) > most:
        known = [*known[: most - 1], f"{len(known) - most + 1} more"]
    return " and ".join(filter(None, (", ".join(known[:-1]), *known[-1:])))


def words(name: str) -> str:
    """A name as its words in small letters: "QA_Passed" as "qa passed"."""
    return " ".join(re.findall(r"[^\W_]+", name.casefold()))


def _given(found: tuple[_T, ...] | Unavailable) -> tuple[_T, ...]:
    return () if isinstance(found, Unavailable) else found


def _kept(found: Iterable[Found]) -> tuple[Found, ...]:
    """Each value once, as many as are suggested."""
    kept: dict[str, Found] = {}
    for each in found:
        if each.value.strip() and len(each.value) <= LONGEST and not UNPAIRED.search(each.value):
            kept.setdefault(each.value, each)
    return tuple(kept.values())[:MOST]


def _listed(repositories: Iterable[RepositorySurvey], field: str) -> Iterator[str]:
    for each in repositories:
        found: Listed | Unavailable = getattr(each, field)
        if isinstance(found, Listed):
            yield from found.names


def _like(
    names: Iterable[str], pattern: re.Pattern[str], but: re.Pattern[str] | None = None
) -> Iterator[Found]:
    for name in names:
        if pattern.search(words(name)) and not (but and but.search(words(name))):
            yield Found(name)


def _pulls(repositories: Iterable[RepositorySurvey]) -> list[MergedPull]:
    return [pull for each in repositories for pull in _given(each.pulls)]


def _counted(counts: Mapping[str, int], total: int) -> Iterator[Found]:
    """The most frequent first, and of equals in the order of the alphabet."""
    for name, count in sorted(counts.items(), key=lambda each: (-each[1], each[0])):
        yield Found(name, f"{count} of the {total} pull requests that merged last")


# GitHub -----------------------------------------------------------------------------------------


def _branches(repositories: Iterable[RepositorySurvey]) -> Iterator[Found]:
    """The default branch with those that look like production; nothing if there are no others."""
    notes: dict[str, dict[str, None]] = {}
    for each in repositories:
        bases = [pull.base for pull in _given(each.pulls)]
        listed = each.branches.names if isinstance(each.branches, Listed) else ()
        for names, note in (
            (_given(each.protected), "protected"),
            (bases, "pull requests were merged into it"),
            (listed, "by its name"),
        ):
            for name in names:
                pattern = _production(name)
                if pattern and name != each.default_branch:
                    notes.setdefault(pattern, {})[note] = None
    if notes:
        defaults = (each.default_branch for each in repositories)
        yield Found("default", f"the default branch: {listing(filter(None, defaults))}")
    for pattern, said in notes.items():
        yield Found(pattern, next(iter(said)))


def _production(name: str) -> str:
    """The name of a branch that looks like production, or the glob of its series; else ""."""
    if series := SERIES.match(name):
        return f"{series[0]}*"
    return name if name.casefold() in PRODUCTION else ""


def _hotfixes(repositories: Iterable[RepositorySurvey]) -> Iterator[Found]:
    pulls = _pulls(repositories)
    begun = (HOTFIX.match(pull.head) for pull in pulls)
    return _counted(Counter(f"{match[0]}*" for match in begun if match), len(pulls))


def _bots(repositories: Iterable[RepositorySurvey]) -> Iterator[Found]:
    pulls = _pulls(repositories)
    authors = (pull.author for pull in pulls if pull.by_bot and LOGIN.fullmatch(pull.author))
    return _counted(Counter(authors), len(pulls))


def _teams(
    teams: Iterable[TeamSurvey], pattern: re.Pattern[str], but: re.Pattern[str] | None = None
) -> Iterator[Found]:
    for team in teams:
        known = words(f"{team.slug.partition('/')[2]} {team.name}")
        likely = pattern.search(known) and not (but and but.search(known))
        if likely and TEAM.fullmatch(team.slug):
            members = "1 member" if team.members == 1 else f"{team.members} members"
            yield Found(team.slug, f"{team.name}, {members}")


def _owners(repositories: Iterable[RepositorySurvey]) -> Iterator[Found]:
    read = [each for each in repositories if not isinstance(each.codeowners, Unavailable)]
    if names := [each.name for each in read if each.codeowners]:
        yield Found(CODE_OWNERS, f"a CODEOWNERS file of {listing(names)}")


def _staging(repositories: Iterable[RepositorySurvey]) -> Iterator[Found]:
    for found in _like(_listed(repositories, "environments"), STAGING):
        yield Found(found.value, "an environment")
    pulls = _pulls(repositories)
    ran = (check for pull in pulls for check in _given(pull.checks))
    counts = Counter(check for check in ran if STAGING.search(words(check)))
    for found in _counted(counts, len(pulls)):
        yield Found(found.value, f"a check of {found.note}")


# Templates --------------------------------------------------------------------------------------


def _shared(found: list[tuple[str, ...]]) -> tuple[str, ...]:
    """What all templates say alike, all of it or nothing: half a checklist asks for less."""
    whole = len(set(found)) == 1 and len(found[0]) <= MOST
    return found[0] if whole and all(0 < len(text) <= LONGEST for text in found[0]) else ()


def _headings(template: Document) -> tuple[str, ...]:
    return tuple(dict.fromkeys(heading.text for heading in template.headings))


def _checklist(templates: Iterable[Document]) -> Iterator[Found]:
    """The headings with boxes beneath that speak of security."""
    for template in templates:
        for heading in template.headings:
            boxes = len(_boxes(template, heading.text))
            if boxes and SECURITY.search(words(plain(heading.text))):
                yield Found(heading.text, "1 box" if boxes == 1 else f"{boxes} boxes")


def _items(template: Document) -> tuple[str, ...]:
    """The items of the first security checklist of a template."""
    for found in _checklist([template]):
        return _boxes(template, found.value)
    return ()


def _boxes(template: Document, heading: str) -> tuple[str, ...]:
    sections = template.sections(heading)
    return tuple(dict.fromkeys(task.text for section in sections for task in section.tasks))


# Tickets ----------------------------------------------------------------------------------------


def _keys(github: GitHubSurvey) -> Counter[str]:
    """How many pull requests name a key, in the title in capitals, or in the branch."""
    counts: Counter[str] = Counter()
    for pull in _pulls(github.repositories):
        titled = KEY.findall(pull.title)
        branched = [key.upper() for key in ANY_KEY.findall(pull.head.replace("_", " "))]
        counts.update({key for key in (*titled, *branched) if PROJECT.fullmatch(key)})
    return counts


def _projects(github: GitHubSurvey, jira: JiraSurvey | None, merged: str) -> Guess:
    """The keys of projects in use: those that Jira has, or without it those in capitals."""
    pulls = _pulls(github.repositories)
    counts = _keys(github)
    if jira:
        names = dict(jira.names)
        known = {key: count for key, count in counts.items() if key in names}
        found = (
            Found(each.value, f"{names[each.value]}, {each.note}")
            for each in _counted(known, len(pulls))
        )
        return found, f"{merged}, and Jira at {jira.host}"
    capitals = {key for pull in pulls for key in KEY.findall(f"{pull.title} {pull.head}")}
    likely = {k: count for k, count in counts.items() if k in capitals and k not in NO_PROJECT}
    return _counted(likely, len(pulls)), merged


def _tickets(jira: JiraSurvey) -> dict[str, Guess]:
    types = [name for project in jira.projects for name in _given(project.types)]
    known = [status for project in jira.projects for status in _given(project.statuses)]
    statuses = [status.name for status in known]
    done = [status.name for status in known if status.category == "done"]
    closed = (Found(name) for name in done if not CANCELLED.search(words(name)))
    source = f"the projects {listing(each.key for each in jira.projects)} of Jira at {jira.host}"
    return {
        "classes.emergency.ticket_types": (_like(types, EMERGENCY), source),
        "qa.ticket_statuses": (_like(statuses, SIGNED_OFF, NOT_SIGNED_OFF), source),
        "tickets.types": (map(Found, types), source),
        "tickets.cancelled_statuses": (_like(done, CANCELLED), source),
        "tickets.closed_statuses": (closed, source),
        "security_review.ticket_types": (_like(types, SENSITIVE), source),
    }
