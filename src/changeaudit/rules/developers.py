"""Who developed a change: opened it, wrote, co-wrote, committed or pushed any of its commits."""

from __future__ import annotations

from collections.abc import Iterator

from changeaudit.change import Change
from changeaudit.people import Holds, name_of, same
from changeaudit.policy import Policy
from changeaudit.records import Actor, Commit, ForcePushed, GitPerson, Record, Unavailable
from changeaudit.rules.remembered import remembered

WEB_FLOW = "noreply@github.com"
"""The committer's address of commits that GitHub makes for whoever pressed a button."""


class Developer(Record, frozen=True):
    """An account that took part, and as what ("is the author of 1a2b3c4")."""

    account: Actor
    part: str


class Developers(Record, frozen=True):
    """The accounts known to have taken part, and why there may be more of them."""

    known: tuple[Developer, ...]
    doubts: tuple[str, ...]


@remembered
def developers(change: Change, policy: Policy) -> Developers:
    """The developers of a change, by its opener, its commits and its force-pushes."""
    found = [*_opener(change), *_committers(change, policy), *_pushers(change)]
    doubts = [part for part in found if isinstance(part, str)]
    return Developers(
        known=tuple(part for part in found if isinstance(part, Developer)),
        doubts=tuple(dict.fromkeys(doubts)),
    )


def independent(actor: Actor, of: Developers) -> Holds:
    """Whether `actor` took no part in developing the change."""
    for developer in of.known:
        if same(actor, developer.account):
            return Holds(False, f"{name_of(actor)} {developer.part}")
    if of.doubts:
        more = f" (and {len(of.doubts) - 1} more)" if len(of.doubts) > 1 else ""
        return Holds(None, f"{of.doubts[0]}{more}")
    return Holds(True, "no developer of the change")


def _opener(change: Change) -> Iterator[Developer | str]:
    """Who opened it. An account that is deleted may have been anybody's."""
    if change.pull.author:
        yield Developer(change.pull.author, "opened the pull request")
    else:
        yield "it was opened by an account that is deleted now"


def _committers(change: Change, policy: Policy) -> Iterator[Developer | str]:
    commits = change.pull.commits
    if isinstance(commits, Unavailable):
        yield f"its commits could not be read: {commits.reason}"
        return
    head = change.pull.head_oid
    if all(commit.oid != head for commit in commits):
        yield f"the merged head {head[:7]} is not among the commits read"
    linked: dict[str, list[Actor]] = {}
    for commit in commits:
        for _, person in _people(commit):
            if person.account and person.email:
                linked.setdefault(person.email.casefold(), []).append(person.account)
    for commit in commits:
        for part, person in _people(commit):
            email = person.email.casefold()
            accounts = [person.account] if person.account else list(linked.get(email, ()))
            if not accounts and email in policy.emails:
                accounts = [Actor(0, policy.emails[email])]
            for account in accounts:
                yield Developer(account, f"is the {part} of {commit.oid[:7]}")
            if not accounts and policy.unlinked_commits == "undetermined":
                who = f"{person.name or 'nameless'} <{person.email}>"
                yield f"the {part} of {commit.oid[:7]}, {who}, has no linked account"


def _people(commit: Commit) -> Iterator[tuple[str, GitPerson]]:
    """Everyone whom a commit names, but GitHub itself as the committer."""
    for number, person in enumerate(commit.authors):
        yield ("co-author" if number else "author"), person
    committer = commit.committer
    by_github = committer.email.casefold() == WEB_FLOW or (
        commit.via_web and committer.account is None
    )
    if not by_github:
        yield "committer", committer


def _pushers(change: Change) -> Iterator[Developer | str]:
    """Who rewrote the branch before the merge."""
    timeline, merged = change.pull.timeline, change.pull.merged_at
    if isinstance(timeline, Unavailable):
        yield f"force-pushes could not be read: {timeline.reason}"
        return
    for event in timeline:
        if not isinstance(event, ForcePushed) or event.base or event.at > merged:
            continue
        if event.actor is None:
            yield "the branch was force-pushed by an account that is deleted now"
        elif event.at == merged:
            yield f"{event.actor.login} force-pushed the branch in the very second of the merge"
        else:
            yield Developer(event.actor, "force-pushed the branch")
