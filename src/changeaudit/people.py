"""People: whether two accounts are one person, and who holds a role on a day. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from changeaudit.memberships import in_team
from changeaudit.policy import Member, Policy, Role
from changeaudit.records import Actor, ActorKind, JiraAccount, Record, Team, Unavailable


class Holds(Record, frozen=True):
    """Whether a condition holds: yes, no, or (`None`) it cannot be told; and why."""

    answer: bool | None
    why: str


def all_hold(*conditions: Holds) -> Holds:
    """The first condition that fails, else the first that cannot be told, else the last."""
    doubt: Holds | None = None
    for condition in conditions:
        if condition.answer is False:
            return condition
        if condition.answer is None and doubt is None:
            doubt = condition
    return doubt or conditions[-1]


NOT_HELD = "not in the role"
OUTSIDE = Holds(False, NOT_HELD)
"""The plain answer for somebody of whom nothing says that they ever held a role."""
_NAMED = Holds(True, "named in the policy")


def name_of(actor: Actor | JiraAccount | None) -> str:
    """How reports call an account."""
    if isinstance(actor, JiraAccount):
        return actor.name or actor.login or actor.id
    return actor.login if actor else "a deleted account"


def on_github(account: JiraAccount, policy: Policy) -> Actor | Unavailable:
    """The person behind a Jira account, by the login that the roster gives them on GitHub.

    The roster's column jira tells it; else the account's address, unless the roster names another
    Jira account of that person's. What an account is called tells nothing. A value of the roster
    is either an id or a user name, by its form: see `_in_roster`.
    """
    by_roster = {
        login.casefold(): login
        for value in _in_roster(account)
        if (login := policy.jira_accounts.get(value.casefold()))
    }
    if len(by_roster) > 1:
        return Unavailable(
            f"the Jira account {account.name} is two people's by the roster:"
            f" {' and '.join(sorted(by_roster.values()))}"
        )
    if by_roster:
        return Actor(0, next(iter(by_roster.values())))
    login = policy.emails.get(account.email.casefold(), "")
    named = {known.casefold() for known in policy.jira_accounts.values()}
    if login and login.casefold() not in named:
        return Actor(0, login)
    shown = ", ".join(part for part in (account.login, account.id) if part)
    who = f"{account.name} ({shown})" if account.name else shown
    return Unavailable(
        f"the Jira account {who} is nobody in the roster; give it there in the column jira"
    )


_ID: Final = re.compile(r"[0-9a-z-]+:\S+|[0-9a-f]{24}|jirauser[0-9]+", re.IGNORECASE)
"""Ids that Jira gives: of Cloud, where they stand alone, and keys of users of Data Center."""


def _in_roster(account: JiraAccount) -> list[str]:
    """What names an account in a roster: its id, or its user name, and neither for the other.

    The key of a user of Data Center may be what another one is called today: of those who were
    created before Jira gave out keys it is their first user name. Such a key names nobody, and a
    user name that looks like an id does not either.
    """
    ids = [account.id] if _ID.fullmatch(account.id) else []
    named = account.login and not _ID.fullmatch(account.login)
    return [*ids, account.login] if named else ids


def same(one: Actor, other: Actor) -> bool:
    """Whether two accounts are the same: by immutable id, by login only where one has no id."""
    if one.id and other.id:
        return one.id == other.id
    return one.login.casefold() == other.login.casefold()


# Python 3.11 takes long to look up a member of an enumeration.
_BOT: Final = ActorKind.BOT
_PEOPLE: Final = (ActorKind.USER, ActorKind.ENTERPRISE_USER)


def is_bot(actor: Actor) -> bool:
    """Whether an account is a bot's."""
    return actor.kind is _BOT or actor.login.casefold().endswith("[bot]")


def is_named(actor: Actor, login: str) -> bool:
    """Whether a policy's `login` names an account.

    GitHub calls the app "x" now x[bot], now x, of kind Bot: x[bot] names it under either name,
    and never the person whose login is x.
    """
    wanted, seen = login.casefold(), actor.login.casefold()
    if wanted.endswith("[bot]"):
        return is_bot(actor) and seen.removesuffix("[bot]") == wanted.removesuffix("[bot]")
    return seen == wanted


def all_apart(accounts: Iterable[Actor | None]) -> bool:
    """Whether the accounts' ids show at once that no two of them are one; nobody is left aside."""
    ids = [account.id for account in accounts if account]
    return 0 not in ids and len(set(ids)) == len(ids)


def is_person(actor: Actor, approving_bots: Iterable[str]) -> bool:
    """Whether an account may approve as a person: it is one, or a bot that the policy names."""
    for login in approving_bots:
        if is_named(actor, login):
            return True
    return not is_bot(actor) and actor.kind in _PEOPLE


def listed_name(actor: Actor | None) -> str:
    """The name by which a role lists an account: its login in lower case, without [bot]."""
    return actor.login.casefold().removesuffix("[bot]") if actor else ""


def holds(
    role: Role,
    actor: Actor,
    at: datetime,
    teams: Iterable[Team],
    can_write: bool | Unavailable,
) -> Holds:
    """Whether `actor` held `role` at the instant `at` (UTC).

    A team's members are as its snapshots show them, and the right to write is as it was when it was
    collected: no source tells what they were before.
    """
    named = role.by_login.get(listed_name(actor))
    if named is None and not role.teams and not role.write_access:
        return OUTSIDE
    unknown: list[str] = []
    another_time: list[str] = []
    not_in_team: list[str] = []
    for member in named or ():
        if is_named(actor, member.login):
            if _on(member, at):
                return _NAMED
            another_time.append(_span(member))
    for wanted in role.teams:
        shown = in_team(wanted, actor, at, teams)
        if shown.answer:
            return Holds(True, shown.how)
        if shown.answer is None:
            unknown.append(shown.how)
        elif shown.how:
            not_in_team.append(shown.how)
    if role.write_access:
        if isinstance(can_write, Unavailable):
            unknown.append(can_write.reason)
        elif can_write:
            return Holds(True, "may write to the repository as of the collection")
    if unknown:
        return Holds(None, "; ".join(unknown))
    if another_time:
        days = f"in the role only {' and '.join(another_time)}, not on {at:%Y-%m-%d}"
        return Holds(False, "; ".join((days, *not_in_team)))
    return Holds(False, "; ".join(not_in_team)) if not_in_team else OUTSIDE


def _on(member: Member, at: datetime) -> bool:
    if member.since is None and member.until is None:
        return True
    day = at.date()
    return (member.since is None or member.since <= day) and (
        member.until is None or day <= member.until
    )


def _span(member: Member) -> str:
    first = f"from {member.since}" if member.since else ""
    last = f"until {member.until}" if member.until else ""
    return " ".join(part for part in (first, last) if part)
