"""What GitHub's settings ask of changes to a branch, as they stood when they were collected.

These are the controls as they are designed; whether they operated is what the audit of changes
tells. As in `records`, an empty tuple means "asked, and there were none", and what could not be
read is `Unavailable`, with the reason.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from changeaudit.records import Record, Unavailable


class Bypass(StrEnum):
    """What somebody may do in spite of a guard."""

    EVERYTHING = "everything"
    PULL_REQUESTS = "merging without what it asks of a pull request"
    PUSHES = "pushing without a pull request"
    FORCE_PUSHES = "force-pushing"


class Exempt(Record, frozen=True):
    """Somebody whom a guard does not hold, and in what."""

    who: str
    may: Bypass


class Guard(Record, frozen=True):
    """What one protection rule, or one ruleset that is in force, asks of changes to a branch.

    `name` is as an auditor would look for it. `approvals` is how many approving reviews it asks
    for. `checks` and `workflows` must have passed, `environments` have been deployed to.
    `pushers` are those who alone may push or merge, `None` where everyone may who may write.
    """

    name: str
    exempt: tuple[Exempt, ...] | Unavailable
    pull_request: bool | Unavailable = False
    approvals: int | Unavailable = 0
    dismisses_stale: bool | Unavailable = False
    code_owners: bool | Unavailable = False
    last_push: bool | Unavailable = False
    conversations: bool | Unavailable = False
    checks: tuple[str, ...] | Unavailable = ()
    workflows: tuple[str, ...] | Unavailable = ()
    environments: tuple[str, ...] | Unavailable = ()
    up_to_date: bool | Unavailable = False
    no_force_pushes: bool | Unavailable = False
    no_deletion: bool | Unavailable = False
    pushers: tuple[str, ...] | Unavailable | None = None
    merge_queue: bool = False


class RulesetVersion(Record, frozen=True):
    """A ruleset was made or changed: when, and by which account, as GitHub's history has it."""

    at: datetime
    by: str


class Ruleset(Record, frozen=True):
    """A ruleset in force on a branch, and how it came about.

    `versions` are those that GitHub keeps, oldest first.
    """

    name: str
    created_at: datetime
    updated_at: datetime
    versions: tuple[RulesetVersion, ...] | Unavailable


class GuardedBranch(Record, frozen=True):
    """What guards a branch: a snapshot, and the digest of the stored answer it was read from.

    `rule` is the branch's protection rule, `None` where there is none; `rulesets` what the
    rulesets in force ask, one guard for each.
    """

    branch: str
    rule: Guard | Unavailable | None
    rulesets: tuple[Guard, ...] | Unavailable
    merge_queue: bool | Unavailable
    collected_at: datetime
    evidence: str


class Environment(Record, frozen=True):
    """An environment, who may approve a deployment to it, and whether their own."""

    name: str
    reviewers: tuple[str, ...] | Unavailable
    own_deployments: bool


class DormantRuleset(Record, frozen=True):
    """A ruleset for branches that is not in force; its patterns are those of GitHub."""

    name: str
    enforcement: str
    include: tuple[str, ...]
    exclude: tuple[str, ...]


class RepositorySettings(Record, frozen=True):
    """What a repository's settings ask, whatever the branch: a snapshot.

    `merging` are the ways of merging that are allowed, and what else is set of merging, in words.
    """

    merging: tuple[str, ...] | Unavailable
    environments: tuple[Environment, ...] | Unavailable
    dormant: tuple[DormantRuleset, ...] | Unavailable
    collected_at: datetime
    evidence: str
