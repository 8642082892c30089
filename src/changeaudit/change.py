"""A change: the unit under test, with everything that a rule may look at.

`population` builds changes out of records; rules read them and look at nothing else.
"""

from __future__ import annotations

from datetime import datetime

from changeaudit.asof import AtMerge
from changeaudit.records import (
    Activity,
    BranchCommit,
    PullRequest,
    Record,
    Repository,
    RuleBypass,
    Team,
    Ticket,
    TicketRef,
    Unavailable,
)
from changeaudit.verdicts import ChangeClass


class NamedTicket(Record, frozen=True):
    """A ticket that the pull request names, where it does, and what the tracker answered.

    `found` is `Unavailable` where the ticket is not visible to the audit account or its tracker
    was not asked; the reason says which. `parents` are those that may have been its parent at the
    merge, which the pull request need not name.
    """

    key: str
    named: tuple[TicketRef, ...]
    found: Ticket | Unavailable
    parents: tuple[NamedTicket, ...] = ()


class Change(Record, frozen=True):
    """A merged pull request in scope.

    `unread_places` are the places (title, body, commits, …) that may name tickets and could not
    be read, each with why. `production` are the names of the repository's production branches.
    `reached` says how the change is known to be on one: the base's own name, or the first-parent
    history of the branch named. `teams` are the members of the teams that the policy names.
    `pushed` is the push of the merge commit that GitHub recorded in place of a merge, and
    `bypasses` tell who merged past the branch's rules; both as far as GitHub was asked in time.
    """

    repository: Repository
    pull: PullRequest
    at_merge: AtMerge
    class_: ChangeClass
    class_reason: str
    tickets: tuple[NamedTicket, ...]
    unread_places: tuple[str, ...]
    production: tuple[str, ...]
    reached: str
    teams: tuple[Team, ...]
    pushed: Activity | None = None
    bypasses: tuple[RuleBypass, ...] = ()

    @property
    def id(self) -> str:
        """The change's name in every report: owner/name#number."""
        return f"{self.pull.repository}#{self.pull.number}"


class DirectPush(Record, frozen=True):
    """Commits that reached a production branch without a pull request.

    `commits` are consecutive on the first-parent line, oldest first. When they were pushed is not
    recorded in a commit: `not_before` and `not_after` are the merges around them (UTC), where
    those are known; the dates inside the commits are their writer's. `moves` are the pushes that
    the server recorded, the oldest first, as far as they are known, and `bypasses` those of them
    that were against the branch's rules.
    """

    repository: Repository
    branch: str
    commits: tuple[BranchCommit, ...]
    not_before: datetime | None
    not_after: datetime | None
    moves: tuple[Activity, ...] = ()
    bypasses: tuple[RuleBypass, ...] = ()

    @property
    def id(self) -> str:
        """The change's name in every report: owner/name@commit."""
        return f"{self.repository.name}@{self.commits[-1].oid[:12]}"
