"""Who was in a team at an instant, as far as its snapshots tell. Pure.

GitHub tells only who is in a team now. Two snapshots that agree tell what was between them, unless
somebody went and came back unseen; two that disagree leave it open. Before the first and after the
last there is one alone, and its date is the caveat.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from changeaudit.records import Actor, Membership, Record, Team, Unavailable


class Shown(Record, frozen=True):
    """Whether somebody was in a team: yes, no, or (`None`) it cannot be told.

    `how` says by which snapshots; it is empty for a plain "no" as of a later collection.
    """

    answer: bool | None
    how: str


@dataclass(frozen=True, slots=True)
class Roll:
    """A team, ready to be asked: its snapshots that could be read, and the instants of the rest."""

    team: Team
    read: tuple[Membership, ...]
    dates: tuple[datetime, ...]
    unread: tuple[datetime, ...]
    _sets: dict[int, tuple[frozenset[int], frozenset[str], frozenset[str]]] = field(
        default_factory=dict, compare=False, repr=False
    )

    @classmethod
    def of(cls, team: Team) -> Roll:
        """The snapshots of a team in the order of their instants."""
        history = sorted(team.history, key=lambda snapshot: snapshot.at)
        read = tuple(s for s in history if not isinstance(s.members, Unavailable))
        unread = tuple(s.at for s in history if isinstance(s.members, Unavailable))
        return cls(team, read, tuple(s.at for s in read), unread)

    def shows(self, actor: Actor, at: datetime) -> Shown:
        """Whether `actor` was a member at the instant `at` (UTC).

        An account is told by its immutable id, so that another login is no other person; by its
        login only where one of the two has no id.
        """
        team = self.team
        if not self.read:
            why = team.members.reason if isinstance(team.members, Unavailable) else ""
            return Shown(None, f"the members of team {team.name} could not be read: {why}")
        later = bisect_right(self.dates, at)
        if later == 0 or later == len(self.dates):
            return self._by_one(actor, later == 0)
        before, after = self._holds(later - 1, actor), self._holds(later, actor)
        one, other = _days(self.dates[later - 1], self.dates[later])
        doubt = self._unread(self.dates[later - 1], self.dates[later])
        if before is not after:
            said = "a member on {}, not on {}" if before else "not a member on {}, a member on {}"
            return Shown(
                None,
                f"whether {actor.login} was in team {team.name} cannot be told:"
                f" {said.format(one, other)}{doubt}",
            )
        both = f"member of {team.name} in the snapshots of {one} and {other}{doubt}"
        return Shown(before, both if before else f"not a {both}")

    def _by_one(self, actor: Actor, first: bool) -> Shown:
        """What the first snapshot tells of what came before it, or the last of what came after."""
        number = 0 if first else len(self.read) - 1
        day = self.dates[number]
        doubt = self._unread(None, day) if first else self._unread(day, None)
        said = f"member of {self.team.name} as of {day:%Y-%m-%d}{doubt}"
        if self._holds(number, actor):
            return Shown(True, said)
        return Shown(False, "" if first and not doubt else f"not a {said}")

    def _holds(self, number: int, actor: Actor) -> bool:
        known = self._sets.get(number)
        if known is None:
            members = self.read[number].members
            people = () if isinstance(members, Unavailable) else members
            known = self._sets[number] = (
                frozenset(m.id for m in people if m.id),
                frozenset(m.login.casefold() for m in people if not m.id),
                frozenset(m.login.casefold() for m in people),
            )
        ids, logins_without_id, logins = known
        if actor.id:
            return actor.id in ids or (
                bool(logins_without_id) and actor.login.casefold() in logins_without_id
            )
        return actor.login.casefold() in logins

    def _unread(self, since: datetime | None, until: datetime | None) -> str:
        """What is to be said of the snapshots between two instants that could not be read."""
        between = [
            f"{at:%Y-%m-%d}"
            for at in self.unread
            if (since is None or since <= at) and (until is None or at <= until)
        ]
        if not between:
            return ""
        which = "that of" if len(between) == 1 else f"{len(between)} others, the last of"
        return f" ({which} {between[-1]} could not be read)"


def _days(one: datetime, other: datetime) -> tuple[str, str]:
    """Two instants by their days, or by the second where that is one day."""
    form = "%Y-%m-%d" if one.date() != other.date() else "%Y-%m-%d %H:%M:%SZ"
    return one.strftime(form), other.strftime(form)


class _Asked:
    """The rolls of the teams that were asked for last; those of one audit are one tuple."""

    teams: Iterable[Team] = ()
    rolls: Mapping[str, Roll] = MappingProxyType({})


def in_team(name: str, actor: Actor, at: datetime, teams: Iterable[Team]) -> Shown:
    """Whether `actor` was in the team `name`, one of `teams`, at the instant `at` (UTC)."""
    if _Asked.teams is not teams:
        _Asked.rolls = {team.name.casefold(): Roll.of(team) for team in teams}
        _Asked.teams = teams
    roll = _Asked.rolls.get(name.casefold())
    if roll is None:
        return Shown(None, f"the members of team {name} were not collected")
    return roll.shows(actor, at)
