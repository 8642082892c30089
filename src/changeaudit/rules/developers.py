"""Who developed a change: opened it, wrote, co-wrote, committed or pushed any of its commits."""

from __future__ import annotations

from changeaudit.change import Change
from changeaudit.people import Holds, is_bot, name_of, same
from changeaudit.policy import Policy
from changeaudit.records import (
    WEB_FLOW,
    Actor,
    Commit,
    ForcePushed,
    GitPerson,
    Record,
    Unavailable,
)
from changeaudit.rules.remembered import once_a_change, remembered
from changeaudit.rules.words import count


class Developer(Record, frozen=True):
    """An account that took part, and as what ("is the author of 1a2b3c4")."""

    account: Actor
    part: str


class Developers(Record, frozen=True):
    """The accounts known to have taken part, each by its first part, and why there may be more.

    `ids` are those of the accounts, 0 for those without one.
    """

    known: tuple[Developer, ...]
    doubts: tuple[str, ...]
    ids: frozenset[int]


Known = dict[tuple[int, str], Developer]
"""The accounts that were found so far, by id and login."""


@remembered
def developers(change: Change, policy: Policy) -> Developers:
    """The developers of a change, by its opener, its commits and its force-pushes."""
    known: Known = {}
    doubts: list[str] = []
    author = change.pull.author
    if author:
        known[author.id, author.login] = Developer(author, "opened the pull request")
    else:
        doubts.append("the opener's account is deleted now")
    doubts += _committers(change, policy, known)
    doubts += _pushers(change, known)
    ids = frozenset([id_ for id_, _ in known])
    return Developers(tuple(known.values()), tuple(dict.fromkeys(doubts)), ids)


def independent(actor: Actor, of: Developers) -> Holds:
    """Whether `actor` took no part in developing the change."""
    # Ids tell at once that somebody is none of them; where one has no id, the logins have to.
    if not actor.id or 0 in of.ids or actor.id in of.ids:
        for developer in of.known:
            if same(actor, developer.account):
                return Holds(False, f"{name_of(actor)} {developer.part}")
    if of.doubts:
        more = len(of.doubts) - 1
        further = f", and {count(more, 'further doubt')}" if more else ""
        who = "who else" if of.known else "who"
        return Holds(None, f"{who} developed it is not known ({of.doubts[0]}{further})")
    return _INDEPENDENT


_INDEPENDENT = Holds(True, "no developer of the change")


def _committers(change: Change, policy: Policy, known: Known) -> list[str]:
    """Add who made the commits to those `known`; returns why there may be more of them.

    Most commits are by the same few people, who are looked up by id and login and passed over.
    """
    commits = change.pull.commits
    if isinstance(commits, Unavailable):
        return [f"its commits could not be read: {commits.reason}"]
    doubts: list[str] = []
    head, head_is_there = change.pull.head_oid, False
    for commit in commits:
        head_is_there = head_is_there or commit.oid == head
        part = "author"
        for person in commit.authors:
            account = person.account
            if account is None or not account.id or person.email.casefold() == WEB_FLOW:
                doubts += _by_words(commit, part, person, change, policy, known)
            elif (account.id, account.login) not in known:
                _add(known, account, part, commit)
            part = "co-author"
        committer = commit.committer
        account = committer.account
        if account and account.id and (account.id, account.login) in known:
            continue
        if not commit.committed_by_github:
            if account and account.id:
                _add(known, account, "committer", commit)
            else:
                doubts += _by_words(commit, "committer", committer, change, policy, known)
    if not head_is_there:
        doubts.insert(0, f"the merged head {head[:7]} is not among the commits read")
    return doubts


_AS = {"author": "is the author", "co-author": "is a co-author", "committer": "is the committer"}


def _add(known: Known, account: Actor, part: str, commit: Commit) -> None:
    developer = Developer(account, f"{_AS[part]} of {commit.oid[:7]}")
    known.setdefault((account.id, account.login), developer)


def _by_words(
    commit: Commit,
    part: str,
    person: GitPerson,
    change: Change,
    policy: Policy,
    known: Known,
) -> list[str]:
    """Add whom a commit's own words tell, without a lasting id; returns why that leaves a doubt.

    An address may give a login alone that GitHub links to nobody: whoever had it may have another
    by now. GitHub is not asked about co-authors. And it writes nothing of its own: as an author it
    is nobody known.
    """
    unsure = policy.unlinked_commits == "undetermined"
    who = f"{person.name or 'nameless'} <{person.email}>"
    email, account = person.email.casefold(), person.account
    if account and email != WEB_FLOW:
        _add(known, account, part, commit)
        if part == "co-author" or is_bot(account) or not unsure:
            return []
        return [f"whose the login in {who}, the {part} of {commit.oid[:7]}, was"]
    accounts = _linked(change).get(email, [])
    if not accounts and email in policy.emails:
        accounts = [Actor(0, policy.emails[email])]
    for each in accounts:
        _add(known, each, part, commit)
    if accounts or not unsure:
        return []
    return [f"the {part} of {commit.oid[:7]}, {who}, has no linked account"]


@once_a_change
def _linked(change: Change) -> dict[str, list[Actor]]:
    """The accounts that GitHub links to each address, which is in lower case."""
    commits = change.pull.commits
    linked: dict[str, list[Actor]] = {}
    for commit in () if isinstance(commits, Unavailable) else commits:
        own = () if commit.committed_by_github else (commit.committer,)
        for person in (*commit.authors, *own):
            email = person.email.casefold()
            if person.account and email and email != WEB_FLOW:
                linked.setdefault(email, []).append(person.account)
    return linked


def _pushers(change: Change, known: Known) -> list[str]:
    """Add who rewrote the branch before the merge; returns why there may be more of them."""
    timeline, merged = change.pull.timeline, change.pull.merged_at
    if isinstance(timeline, Unavailable):
        return [f"force-pushes could not be read: {timeline.reason}"]
    doubts: list[str] = []
    for event in timeline:
        if not isinstance(event, ForcePushed) or event.base or event.at > merged:
            continue
        who = event.actor
        if who is None:
            doubts.append("the branch was force-pushed by an account that is deleted now")
        elif event.at == merged:
            doubts.append(f"{who.login} force-pushed the branch in the very second of the merge")
        else:
            known.setdefault((who.id, who.login), Developer(who, "force-pushed the branch"))
    return doubts
