"""People: whether two accounts are one person, and who holds a role on a day. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from changeaudit.policy import Member, Role
from changeaudit.records import Actor, ActorKind, Record, Team, Unavailable


class Holds(Record, frozen=True):
    """Whether a condition holds: yes, no, or (`None`) it cannot be told; and why."""

    answer: bool | None
    why: str


def all_hold(*conditions: Holds) -> Holds:
    """The first condition that fails, else the first that cannot be told, else the last."""
    for wanted in (False, None):
        for condition in conditions:
            if condition.answer is wanted:
                return condition
    return conditions[-1]


NOT_HELD = "not in the role"


def name_of(actor: Actor | None) -> str:
    """How reports call an account."""
    return actor.login if actor else "a deleted account"


def same(one: Actor, other: Actor) -> bool:
    """Whether two accounts are the same: by immutable id, by login only where one has no id."""
    if one.id and other.id:
        return one.id == other.id
    return one.login.casefold() == other.login.casefold()


def is_bot(actor: Actor) -> bool:
    """Whether an account is a bot's."""
    return actor.kind is ActorKind.BOT or actor.login.casefold().endswith("[bot]")


def is_named(actor: Actor, login: str) -> bool:
    """Whether a policy's `login` names an account.

    GitHub calls the app "x" now x[bot], now x, of kind Bot: x[bot] names it under either name,
    and never the person whose login is x.
    """
    wanted, seen = login.casefold(), actor.login.casefold()
    if wanted.endswith("[bot]"):
        return is_bot(actor) and seen.removesuffix("[bot]") == wanted.removesuffix("[bot]")
    return seen == wanted


def is_person(actor: Actor, approving_bots: Iterable[str]) -> bool:
    """Whether an account may approve as a person: it is one, or a bot that the policy names."""
    if any(is_named(actor, login) for login in approving_bots):
        return True
    return not is_bot(actor) and actor.kind in (ActorKind.USER, ActorKind.ENTERPRISE_USER)


def holds(
    role: Role,
    actor: Actor,
    at: datetime,
    teams: Iterable[Team],
    can_write: bool | Unavailable,
) -> Holds:
    """Whether `actor` held `role` at the instant `at` (UTC).

    A team's members and the right to write are as they were when they were collected: no source
    tells what they were before.
    """
    unknown: list[str] = []
    another_time: list[str] = []
    for member in role.users:
        if is_named(actor, member.login):
            if _on(member, at):
                return Holds(True, "named in the policy")
            another_time.append(_span(member))
    by_name = {team.name.casefold(): team for team in teams}
    for wanted in role.teams:
        team = by_name.get(wanted.casefold())
        if team is None:
            unknown.append(f"the members of team {wanted} were not collected")
        elif isinstance(team.members, Unavailable):
            unknown.append(f"the members of team {wanted} could not be read: {team.members.reason}")
        elif any(same(actor, m) for m in team.members):
            return Holds(True, f"member of {team.name} as of {team.collected_at:%Y-%m-%d}")
    if role.write_access:
        if isinstance(can_write, Unavailable):
            unknown.append(can_write.reason)
        elif can_write:
            return Holds(True, "may write to the repository as of the collection")
    if unknown:
        return Holds(None, "; ".join(unknown))
    if another_time:
        return Holds(False, f"in the role only {' and '.join(another_time)}, not on {at:%Y-%m-%d}")
    return Holds(False, NOT_HELD)


def _on(member: Member, at: datetime) -> bool:
    day = at.date()
    return (member.since is None or member.since <= day) and (
        member.until is None or day <= member.until
    )


def _span(member: Member) -> str:
    first = f"from {member.since}" if member.since else ""
    last = f"until {member.until}" if member.until else ""
    return " ".join(part for part in (first, last) if part)
