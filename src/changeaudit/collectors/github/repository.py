"""Collects what an audit needs to know of a repository, its branches, its owner, its teams."""

from __future__ import annotations

import msgspec

from changeaudit.collectors.github import last_changes, wire
from changeaudit.collectors.github.ask import Session, decode, digest, next_cursor
from changeaudit.collectors.github.queries import operation
from changeaudit.errors import CollectError
from changeaudit.globs import matches
from changeaudit.records import Record
from changeaudit.store import Item

KIND = "repository"
BRANCH_KIND = "branches"
TEAM_KIND = "team"
WRITERS_KIND = "writers"


class Head(Record, frozen=True):
    """A branch and the commit that it points to."""

    branch: str
    oid: str
    id: str


class Known(Record, frozen=True):
    """A repository as it answered: its own spelling, its default branch, what a search counts.

    `count` is `None` where the repository was asked for by an earlier name, which no search knows.
    `templates` are the places of its templates, as `last_changes` knows them.
    """

    name: str
    default: Head | None
    count: int | None
    templates: tuple[str, ...] = ()


def collect_repository(session: Session, name: str, search: str) -> Known:
    """Store the facts of a repository; returns what collecting goes on with.

    Raises:
        CollectError: it does not exist or is not visible to the token.
    """
    owner, _, short = name.partition("/")
    about = f"repository {name}"
    variables = {"owner": owner, "name": short, "search": search}
    reply = session.ask(operation("repository"), variables, about)
    if any(e.type == "NOT_FOUND" and e.path[:1] == ("repository",) for e in reply.errors):
        raise CollectError(
            f"There is no repository {name} on {session.source}, or the token may not see it.",
            "Check the spelling (OWNER/NAME), and that the token has access to it.",
        )
    data = decode(reply.data, wire.RepositoryData, about, reply.errors)
    found = data.repository
    # What is missing for an error is another fact than what is not there.
    facts = msgspec.json.encode((found, reply.errors) if reply.errors else found)
    item = Item(KIND, found.name_with_owner.casefold(), 0, digest(facts), None)
    session.keep(reply, found.name_with_owner, KIND, [item])
    branch = found.default_branch_ref
    default = None
    if branch and branch.target and branch.target.oid:
        default = Head(branch.name, branch.target.oid, branch.target.id)
    same_name = found.name_with_owner.casefold() == name.casefold()
    count = data.search.issue_count if same_name and data.search else None
    return Known(found.name_with_owner, default, count, last_changes.places(found))


def collect_branches(session: Session, known: Known, patterns: tuple[str, ...]) -> tuple[Head, ...]:
    """The production branches that exist today, by the policy's patterns, with their heads.

    "default" means the repository's default branch; nothing more is asked where that is all.
    """
    heads: dict[str, Head] = {}
    if "default" in patterns and known.default:
        heads[known.default.branch] = known.default
    rest = tuple(p for p in patterns if p != "default")
    if not rest:
        return tuple(heads.values())
    owner, _, short = known.name.partition("/")
    after: str | None = None
    while True:
        about = f"the branches of {known.name}"
        variables = {"owner": owner, "name": short, "after": after}
        reply = session.ask(operation("branches"), variables, about)
        page = decode(reply.data, wire.BranchesData, about, reply.errors).repository.refs
        session.put(reply, known.name, BRANCH_KIND)
        for branch in page.nodes:
            if branch and branch.target and any(matches(branch.name, p) for p in rest):
                heads[branch.name] = Head(branch.name, branch.target.oid, branch.target.id)
        if not page.page_info.has_next_page:
            return tuple(heads.values())
        after = next_cursor(page.page_info, after, about)


def collect_team(session: Session, team: str) -> None:
    """Store the members of a team ("organisation/slug") as they are today.

    They are stored even if nobody came or went since they last were: that they are the same today
    is evidence as well.
    """
    organization, _, slug = team.partition("/")
    about = f"the members of team {team}"
    after: str | None = None
    page = 0
    while True:
        variables = {"organization": organization, "slug": slug, "after": after}
        reply = session.ask(operation("team"), variables, about)
        data = decode(wire.given(reply.data), wire.TeamData, about, reply.errors)
        key = f"{team.casefold()}#{page}"
        version = digest(msgspec.json.encode((data, reply.errors)))
        session.put(reply, team.casefold(), TEAM_KIND, [Item(TEAM_KIND, key, 0, version, None)])
        found = data.organization.team if data.organization else None
        if found is None or not found.members.page_info.has_next_page:
            return
        after = next_cursor(found.members.page_info, after, about)
        page += 1


def collect_writers(session: Session, name: str) -> None:
    """Store who has which permission on a repository today."""
    owner, _, short = name.partition("/")
    about = f"the collaborators of {name}"
    after: str | None = None
    while True:
        variables = {"owner": owner, "name": short, "after": after}
        reply = session.ask(operation("writers"), variables, about)
        data = decode(wire.given(reply.data), wire.WritersData, about, reply.errors)
        session.put(reply, name, WRITERS_KIND)
        found = data.repository.collaborators if data.repository else None
        if found is None or not found.page_info.has_next_page:
            return
        after = next_cursor(found.page_info, after, about)
