"""Reads back who was in a team, or could write to a repository, each time that it was asked.

Every answer is kept, so that each collection is a snapshot. One whose pages are not all there, or
that GitHub refused, is a snapshot too, of which nothing is known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from changeaudit.collectors.github import parsing, wire
from changeaudit.collectors.github.repository import TEAM_KIND, WRITERS_KIND
from changeaudit.collectors.github.stored import opened, shaped
from changeaudit.collectors.shapes import decoded
from changeaudit.records import Actor, Membership, Team, Unavailable
from changeaudit.store import Store, StoredAnswer


def read_team(store: Store, source: str, team: str) -> Team | None:
    """A team with every snapshot of its members; `None` if the store holds nothing of it."""
    return _snapshots(store, source, team, team.casefold(), TEAM_KIND, _team_page)


def read_writers(store: Store, source: str, name: str) -> Team | None:
    """Those who may write to a repository, as if they were a team."""
    whose = f"{name} (may write)"
    return _snapshots(store, source, whose, name, WRITERS_KIND, _writers_page)


_Page = tuple[tuple[Actor | None, ...], wire.PageInfo]
"""The people on a page of a list, `None` for one who is not shown, and where it goes on."""


def _snapshots(
    store: Store,
    source: str,
    name: str,
    subject: str,
    kind: str,
    page: Callable[[str, StoredAnswer], _Page | Unavailable],
) -> Team | None:
    snapshots: list[Membership] = []
    pages: dict[str | None, StoredAnswer] = {}
    for stored in store.history(source, subject, kind):
        cursor = _cursor(stored)
        if pages and (cursor is None or cursor in pages):
            snapshots.append(_snapshot(name, pages, page))
            pages = {}
        pages[cursor] = stored
    if not pages:
        return None
    newest = _snapshot(name, pages, page)
    return Team(name, newest.members, newest.at, tuple(snapshots))


class _Variables(wire.Wire, frozen=True):
    after: str | None = None


class _Request(wire.Wire, frozen=True):
    variables: _Variables


def _cursor(stored: StoredAnswer) -> str | None:
    """Where the page of a list begins that a stored answer holds; `None` for its first."""
    return decoded(stored.answer.request, _Request).variables.after


def _snapshot(
    name: str,
    pages: Mapping[str | None, StoredAnswer],
    read: Callable[[str, StoredAnswer], _Page | Unavailable],
) -> Membership:
    """The people that consecutive answers show, by cursor, if these are all pages of one list."""
    at = next(iter(pages.values())).answer.received_at
    members: list[Actor] = []
    wanted: str | None = None
    left = dict(pages)  # each page once: a list may lead back to itself
    while stored := left.pop(wanted, None):
        found = read(name, stored)
        if isinstance(found, Unavailable):
            return Membership(at, found)
        people, page_info = found
        if None in people:
            return Membership(at, Unavailable(f"GitHub did not show every member of {name}"))
        members += [person for person in people if person]
        if not page_info.has_next_page:
            return Membership(at, tuple(members))
        wanted = page_info.end_cursor
    return Membership(at, Unavailable(f"collecting {name} broke off after {len(members)} members"))


def _team_page(team: str, stored: StoredAnswer) -> _Page | Unavailable:
    body = opened(stored)
    data = shaped(wire.given(body.data), wire.TeamData, stored)
    found = data.organization.team if data.organization else None
    if found is None:
        said = "; ".join(e.message for e in body.errors) or "it is not visible"
        return Unavailable(f"GitHub answered for team {team}: {said}", "Members: read")
    return tuple(map(parsing.actor, found.members.nodes)), found.members.page_info


def _writers_page(name: str, stored: StoredAnswer) -> _Page | Unavailable:
    body = opened(stored)
    data = shaped(wire.given(body.data), wire.WritersData, stored)
    found = data.repository.collaborators if data.repository else None
    if found is None:
        said = "; ".join(e.message for e in body.errors) or "they are shown to who may push alone"
        return Unavailable(f"GitHub answered for {name}: {said}")
    people = tuple(
        parsing.actor(edge.node) if edge else None
        for edge in found.edges
        if edge is None or edge.permission in _MAY_WRITE
    )
    return people, found.page_info


_MAY_WRITE = ("WRITE", "MAINTAIN", "ADMIN")
