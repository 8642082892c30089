"""What the snapshots of a group of people say of who came, who went, and who was there when. Pure.

A group is a team, or those who may write to a repository. People are told by the immutable ids of
their accounts; a person's login is the newest that was seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from changeaudit.records import Actor, Membership, Record, Team, Unavailable


class Standing(Record, frozen=True):
    """A group as its newest snapshot shows it, and what changed since the one before that was read.

    `before` is the instant of that one, `None` if there is none; then nobody joined or left.
    """

    group: str
    at: datetime
    members: tuple[str, ...] | Unavailable
    before: datetime | None
    joined: tuple[str, ...]
    left: tuple[str, ...]


class Stay(Record, frozen=True):
    """Somebody who is in every snapshot that was read from `first` to `last` (days in UTC)."""

    login: str
    first: date
    last: date


def standing(group: Team) -> Standing:
    """A group's newest snapshot, held against the one before."""
    newest = group.history[-1]
    earlier = [s for s in group.earlier if not isinstance(s.members, Unavailable)]
    if isinstance(newest.members, Unavailable):
        at = earlier[-1].at if earlier else None
        return Standing(group.name, newest.at, newest.members, at, (), ())
    now = _people(newest)
    logins = _sorted(now.values())
    if not earlier:
        return Standing(group.name, newest.at, logins, None, (), ())
    then = _people(earlier[-1])
    joined = _sorted(who for key, who in now.items() if key not in then)
    left = _sorted(who for key, who in then.items() if key not in now)
    return Standing(group.name, newest.at, logins, earlier[-1].at, joined, left)


def stays(group: Team) -> tuple[Stay, ...]:
    """Who was in a group, for as long as snapshot after snapshot shows them."""
    begun: dict[object, Stay] = {}
    ended: list[tuple[object, Stay]] = []
    names: dict[object, str] = {}
    for snapshot in sorted(group.history, key=lambda each: each.at):
        if isinstance(snapshot.members, Unavailable):
            continue
        day = snapshot.at.date()
        people = _people(snapshot)
        names |= {key: who.login for key, who in people.items()}
        ended += [(key, begun.pop(key)) for key in tuple(begun) if key not in people]
        for key, who in people.items():
            first = begun[key].first if key in begun else day
            begun[key] = Stay(who.login, first, day)
    every = [*ended, *begun.items()]
    found = (Stay(names[key], stay.first, stay.last) for key, stay in every)
    return tuple(sorted(found, key=lambda s: (s.login.casefold(), s.first, s.last)))


def _people(snapshot: Membership) -> dict[object, Actor]:
    members = () if isinstance(snapshot.members, Unavailable) else snapshot.members
    return {member.id or member.login.casefold(): member for member in members}


def _sorted(people: Iterable[Actor]) -> tuple[str, ...]:
    return tuple(sorted((who.login for who in people), key=str.casefold))
