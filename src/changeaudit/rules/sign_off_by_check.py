"""The sign-off by checks, where the policy lets them sign off in QA's place: nobody's act."""

from __future__ import annotations

from datetime import datetime

from changeaudit.asof import CheckAtMerge
from changeaudit.change import Change
from changeaudit.globs import first_match
from changeaudit.people import Holds, all_hold
from changeaudit.policy import Policy
from changeaudit.records import Unavailable
from changeaudit.rules.approvals import Approval
from changeaudit.rules.developers import Developers
from changeaudit.rules.freshness import fresh_review
from changeaudit.rules.staging import CHECKS_KEPT, may_count, tested_commit
from changeaudit.rules.words import listed
from changeaudit.verdicts import Citation


def by_check(change: Change, policy: Policy, made_by: Developers) -> Approval | Unavailable | None:
    """What the checks come to that the policy lets sign off; `None` where none had completed.

    They sign off the commit that has to be tested (5.2), and together: when the last of them has
    completed, and only if each has succeeded. A status that a developer of the change has set is
    the developer's own word and signs nothing off; nor does one of which it is open who set it, or
    whether that is a developer, unless the policy names who did (`qa.staging_apps`).
    """
    tested, pull = tested_commit(change), change.pull
    if isinstance(tested, Unavailable):
        return tested
    found = [
        (done, each)
        for each in tested.completed
        if first_match(each.check.name, policy.qa.signing_checks) is not None
        and may_count(each, policy)
        and (done := each.check.done_at or each.check.started_at)
    ]
    kept = pull.collected_at - pull.merged_at
    if not found and kept > CHECKS_KEPT:
        return Unavailable(
            f"no check that may sign off is on {tested.what}, but checks were collected"
            f" {kept.days} days after the merge and GitHub may have deleted them after"
            f" {CHECKS_KEPT.days}"
        )
    if not found:
        return None
    at, last = max(found, key=lambda pair: (pair[0], pair[1].check.id))
    names = list(dict.fromkeys(each.check.name for _, each in found))
    what = f"{'check' if len(names) == 1 else 'checks'} {listed(names)}"
    who = listed(dict.fromkeys(each.check.producer or "an unknown app" for _, each in found))
    of_head = tested.commit == pull.head_oid
    return Approval.of(
        what,
        None,
        None if any(_contradictory(e, done) or _is_late(done, change) for done, e in found) else at,
        Citation(f"{what} on {tested.commit[:7]}", who, at, last.check.url),
        valid=all_hold(*(_succeeded(each, done, made_by, policy) for done, each in found)),
        role=Holds(True, "which the policy lets sign off"),
        independent=Holds(True, "nobody"),
        fresh=fresh_review(change, pull.head_oid, at)
        if of_head
        else Holds(True, f"of {tested.what.rstrip(',')}"),
    )


def _succeeded(found: CheckAtMerge, done: datetime, made_by: Developers, policy: Policy) -> Holds:
    check = found.check
    if isinstance(found.conclusion, Unavailable):
        return Holds(None, f"of {check.name}: {found.conclusion.reason}")
    if found.conclusion != "SUCCESS":
        ended = found.conclusion.lower().replace("_", " ") or "no conclusion"
        return Holds(False, f"{check.name} ended with {ended}")
    for developer in made_by.known if check.kind == "status" else ():
        if developer.account.login.casefold() == check.producer.casefold():
            return Holds(False, f"{check.producer}, who set {check.name}, {developer.part}")
    if check.kind == "status" and not check.producer:
        return Holds(None, f"the account that set {check.name} is deleted now")
    unnamed = not policy.qa.staging_apps and not check.producer.endswith("[bot]")
    if check.kind == "status" and unnamed and made_by.doubts:
        return Holds(
            None,
            f"whether {check.producer}, who set {check.name}, is a developer: {made_by.doubts[0]}",
        )
    if _contradictory(found, done):
        return Holds(None, f"the times that are given of {check.name} contradict each other")
    return Holds(True, "it succeeded")


def _is_late(done: datetime, change: Change) -> bool:
    """Whether what is known of a check came after the merge: what came before is not known."""
    return done > change.pull.merged_at


def _contradictory(found: CheckAtMerge, done: datetime) -> bool:
    """Whether a check says that it completed before it began, or before the server knew of it."""
    check = found.check
    return done != check.completed_at or (check.started_at is not None and check.started_at > done)
