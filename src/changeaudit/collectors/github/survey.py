"""Asks GitHub how a company works: its teams, templates, labels, and what merged last.

What is asked here proposes a policy and is no evidence, so no store holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar

from changeaudit.collectors.github import wire
from changeaudit.collectors.github.ask import Portion, decode, next_cursor, reasons
from changeaudit.collectors.github.parsing import actor
from changeaudit.collectors.github.queries import operation
from changeaudit.collectors.github.transport import Reply, Transport
from changeaudit.errors import CollectError
from changeaudit.records import ActorKind, Unavailable
from changeaudit.survey import (
    GitHubSurvey,
    Listed,
    MergedPull,
    OwnerSurvey,
    RepositorySurvey,
    TeamSurvey,
)

PULLS = 50
"""How many of the pull requests that were updated last are looked at."""

HEADS = "refs/heads/"
OWNERS_FILES = {
    "github_owners": ".github/CODEOWNERS",
    "root_owners": "CODEOWNERS",
    "docs_owners": "docs/CODEOWNERS",
}
"""Where a CODEOWNERS file may be, in the order in which GitHub looks; the first one counts."""

PARTS = {
    "branchProtectionRules": "withProtection",
    "environments": "withEnvironments",
    "pullRequests": "withPulls",
}
"""Lists that an answer cannot do without once they are asked for: refused, they refuse it all."""

T = TypeVar("T")
N = TypeVar("N")


class _Names(wire.Wire, Generic[N], frozen=True):
    total_count: int
    nodes: tuple[N | None, ...] | None = None


class _Pattern(wire.Wire, frozen=True):
    pattern: str


class _RefName(wire.Wire, frozen=True):
    include: tuple[str, ...]


class _Conditions(wire.Wire, frozen=True):
    ref_name: _RefName | None = None


class _Ruleset(wire.Wire, frozen=True):
    enforcement: str
    conditions: _Conditions


class _Id(wire.Wire, frozen=True):
    id: str


class _Context(wire.Wire, frozen=True):
    """A check run, which has a name, or a status, which calls it its context."""

    name: str = ""
    context: str = ""


class _Rollup(wire.Wire, frozen=True):
    contexts: wire.Nodes[_Context]


class _Pull(wire.Wire, frozen=True):
    title: str
    head_ref_name: str
    base_ref_name: str
    author: wire.Account | None = None
    status_check_rollup: _Rollup | None = None


class _Repository(wire.Wire, frozen=True):
    name_with_owner: str
    owner: wire.Account
    default_branch_ref: wire.Named | None = None
    refs: _Names[wire.Named] | None = None
    branch_protection_rules: wire.Nodes[_Pattern] | None = None
    rulesets: wire.Nodes[_Ruleset] | None = None
    merge_queue: _Id | None = None
    pull_request_templates: tuple[wire.Template, ...] | None = None
    github_owners: _Id | None = None
    root_owners: _Id | None = None
    docs_owners: _Id | None = None
    environments: _Names[wire.Named] | None = None
    labels: _Names[wire.Named] | None = None
    pull_requests: wire.Nodes[_Pull] | None = None


class _RepositoryData(wire.Wire, frozen=True):
    repository: _Repository | None = None


class _Total(wire.Wire, frozen=True):
    total_count: int


class _Team(wire.Wire, frozen=True):
    combined_slug: str
    name: str
    members: _Total


class _Organization(wire.Wire, frozen=True):
    teams: wire.Page[_Team] | None = None


class _TeamsData(wire.Wire, frozen=True):
    organization: _Organization | None = None


def survey(
    transport: Transport, names: Sequence[str], collected: Callable[[str, int, int], None]
) -> GitHubSurvey:
    """What `names`, repositories as "owner/name", and the teams of their owners show.

    `collected` is told how far it has come.

    Raises:
        CollectError: a repository does not exist, is not visible to the token, or GitHub failed.
    """
    repositories: dict[str, RepositorySurvey] = {}
    owners: dict[str, OwnerSurvey] = {}
    what = "repositories asked about"
    for done, name in enumerate(names, 1):
        found, owner = _repository(transport, name)
        repositories.setdefault(found.name, found)
        if owner.login not in owners:
            teams = _teams(transport, owner.login) if owner.kind == "Organization" else ()
            owners[owner.login] = OwnerSurvey(owner.login, teams)
        collected(what, done, len(names))
    return GitHubSurvey(transport.host, tuple(repositories.values()), tuple(owners.values()))


def _repository(transport: Transport, name: str) -> tuple[RepositorySurvey, wire.Account]:
    owner, _, short = name.partition("/")
    about = f"repository {name}"
    asked = dict.fromkeys(PARTS, True)
    refused: list[wire.GraphQLError] = []
    portion = Portion(PULLS)

    def send(size: int) -> Reply:
        flags = {PARTS[part]: wanted for part, wanted in asked.items()}
        variables: dict[str, Any] = {"owner": owner, "name": short, "pulls": size, **flags}
        return transport.ask(operation("survey"), variables, about, divisible=size > 1)

    while True:
        reply = portion.ask(send, portion.size)
        if any(e.type == "NOT_FOUND" and e.path == ("repository",) for e in reply.errors):
            raise CollectError(
                f"There is no repository {name} on {transport.host}, or the token may not see it.",
                "Check the spelling (OWNER/NAME), and that the token has access to it.",
            )
        found = decode(wire.given(reply.data), _RepositoryData, about, reply.errors).repository
        if found is not None:
            return _parsed(found, (*refused, *reply.errors)), found.owner
        # Whichever list refused all the rest is left out, and the rest is asked for again.
        guilty = [e for e in reply.errors if asked.get(_field(e))]
        if not guilty:
            said = reasons(reply.errors) or "it gives no reason"
            raise CollectError(f"GitHub refuses {about}: {said}.")
        refused += guilty
        asked |= {_field(error): False for error in guilty}


def _field(error: wire.GraphQLError) -> str:
    """Which field of the repository an error speaks of."""
    return str(error.path[1]) if len(error.path) > 1 else ""


def _parsed(found: _Repository, errors: Sequence[wire.GraphQLError]) -> RepositorySurvey:
    def unless_refused(value: T, *fields: str) -> T | Unavailable:
        about = [error for error in errors if _field(error) in fields and len(error.path) == 2]
        return Unavailable(f"GitHub refuses it: {reasons(about)}") if about else value

    owners = [path for key, path in OWNERS_FILES.items() if getattr(found, key) is not None]
    templates = (t.body for t in found.pull_request_templates or () if t.body)
    return RepositorySurvey(
        name=found.name_with_owner,
        default_branch=found.default_branch_ref.name if found.default_branch_ref else "",
        branches=unless_refused(_names(found.refs), "refs"),
        protected=unless_refused(_protected(found), "branchProtectionRules", "rulesets"),
        templates=unless_refused(tuple(templates), "pullRequestTemplates"),
        codeowners=unless_refused(
            owners[0] if owners else "", "githubOwners", "rootOwners", "docsOwners"
        ),
        environments=unless_refused(_names(found.environments), "environments"),
        labels=unless_refused(_names(found.labels), "labels"),
        merge_queue=unless_refused(found.merge_queue is not None, "mergeQueue"),
        pulls=unless_refused(
            tuple(_pull(pull, number, errors) for number, pull in _numbered(found.pull_requests)),
            "pullRequests",
        ),
    )


def _names(found: _Names[wire.Named] | None) -> Listed:
    if found is None:
        return Listed((), 0)
    return Listed(tuple(node.name for node in found.nodes or () if node), found.total_count)


def _numbered(found: wire.Nodes[T] | None) -> Iterable[tuple[int, T]]:
    nodes = found.nodes if found else None
    return ((number, node) for number, node in enumerate(nodes or ()) if node is not None)


def _protected(found: _Repository) -> tuple[str, ...]:
    """The patterns of protection rules, and of rulesets in force the branches that they name."""
    patterns = [rule.pattern for _, rule in _numbered(found.branch_protection_rules)]
    for _, ruleset in _numbered(found.rulesets):
        if ruleset.enforcement == "ACTIVE" and ruleset.conditions.ref_name:
            included = ruleset.conditions.ref_name.include
            patterns += [ref.removeprefix(HEADS) for ref in included if ref.startswith(HEADS)]
    return tuple(dict.fromkeys(patterns))


def _pull(found: _Pull, number: int, errors: Sequence[wire.GraphQLError]) -> MergedPull:
    place = ("repository", "pullRequests", "nodes", number, "statusCheckRollup")
    refused = [error for error in errors if error.path[:5] == place]
    contexts = _numbered(found.status_check_rollup.contexts if found.status_check_rollup else None)
    checks = dict.fromkeys(each.name or each.context for _, each in contexts)
    by = actor(found.author)
    return MergedPull(
        title=found.title,
        head=found.head_ref_name,
        base=found.base_ref_name,
        author=by.login if by else "",
        by_bot=by is not None and by.kind is ActorKind.BOT,
        checks=Unavailable(f"GitHub refuses them: {reasons(refused)}")
        if refused
        else tuple(name for name in checks if name),
    )


def _teams(transport: Transport, organization: str) -> tuple[TeamSurvey, ...] | Unavailable:
    about = f"the teams of {organization}"
    teams: list[TeamSurvey] = []
    after: str | None = None
    while True:
        variables = {"organization": organization, "after": after}
        reply = transport.ask(operation("survey_teams"), variables, about, divisible=False)
        found = decode(wire.given(reply.data), _TeamsData, about, reply.errors).organization
        page = found.teams if found else None
        if page is None:
            said = reasons(reply.errors) or "it gives no reason"
            return Unavailable(f"GitHub refuses them: {said}", "Members: read")
        teams += [
            TeamSurvey(team.combined_slug, team.name, team.members.total_count)
            for team in page.nodes
            if team
        ]
        if not page.page_info.has_next_page:
            return tuple(teams)
        after = next_cursor(page.page_info, after, about)
