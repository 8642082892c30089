"""5.2: the test in staging, on the commit that had to be tested.

What GitHub tells of a merge queue's commit stands in `collectors/github/merge_groups.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from changeaudit.asof import CheckAtMerge
from changeaudit.change import Change
from changeaudit.globs import matches_any
from changeaudit.people import name_of
from changeaudit.policy import Policy
from changeaudit.records import Check, Deployed, MergeCommit, Record, Unavailable
from changeaudit.rules.words import count, folded, instant, listed, sentence
from changeaudit.verdicts import Citation, Finding, exception, passed, undetermined

CHECKS_KEPT: Final = timedelta(days=90)
"""How long GitHub surely keeps checks; of older ones "none" and "expired" look the same."""

_RUNNING: Final = ("", "PENDING", "QUEUED", "IN_PROGRESS", "WAITING")
"""The states of a deployment that has not ended."""


def tested_in_staging(change: Change, policy: Policy) -> Finding:
    """The staging test that the policy names succeeded on the tested commit before the merge.

    It is a check, a status or a deployment to an environment, by one of the apps and accounts that
    the policy names, if it names any. Of several runs the latest that had completed counts, and it
    must have ended with success: one that was skipped or neutral tested nothing. A check whose
    suite the server created only after the merge had not completed before it, whatever its app
    says. A deployment counts by its newest status.

    The tested commit is the head. A merge queue tests a commit of its own, made of the base, the
    entries ahead and the change, and leaves it on the branch: of a change that was in the queue
    when it merged, it is the merge commit. A check that was created on it before the merge shows
    so; where none was, as after a queue that squashes anew, it cannot be told. Where a queue merges
    a change whose own commit failed, because one behind it passed, that commit has failed all the
    same. A change that left the queue before its merge is judged by its head.
    """
    if not policy.qa.staging_checks:
        return undetermined(
            "The policy names no check that shows the test in staging: add qa.staging_checks."
        )
    tested = tested_commit(change)
    if isinstance(tested, Unavailable):
        return undetermined(sentence(tested.reason))
    wanted = policy.qa.staging_checks
    completed = [c for c in tested.completed if matches_any(c.check.name, wanted)]
    checks = [
        _Run(c.check.name, c.conclusion, _cite(c.check)) for c in completed if may_count(c, policy)
    ]
    deployments = _deployed(change, policy, tested.commit)
    every = [*checks, *deployments]
    succeeded = [run for run in every if run.conclusion == "SUCCESS"]
    if len(succeeded) < len(every):
        failed = {
            f"{run.name} ended with {_plain(run.ended) or 'no conclusion'}": None
            for run in every
            if run.ended not in (None, "SUCCESS")
        }
        if failed:
            return exception(
                f"{listed(failed)} on {tested.what} before the merge.", _citations(every)
            )
    # What became of a deployment since says nothing against a test that succeeded in time.
    in_doubt = [run for run in (checks if succeeded else every) if run.doubt]
    if in_doubt:
        return undetermined(
            f"Whether {in_doubt[0].name} succeeded on {tested.what} before the merge cannot be"
            f" told: {in_doubt[0].doubt}.",
            _citations(every),
        )
    if succeeded:
        names = listed(list(dict.fromkeys([run.name for run in succeeded])))
        return passed(
            f"{names} succeeded on {tested.what} before the merge.", _citations(succeeded)
        )
    names = " or ".join(policy.qa.staging_checks)
    kept = change.pull.collected_at - change.pull.merged_at
    if kept > CHECKS_KEPT:
        return undetermined(
            f"No {names} is on {tested.what}, but checks were collected {kept.days} days after"
            f" the merge and GitHub may have deleted them after {CHECKS_KEPT.days}."
        )
    theirs = [c.check for c in completed]
    late = [c for c in tested.checks if _is_named(c.name, policy) and is_by_named_app(c, policy)]
    elsewhere = sum(1 for _ in _deployments(change, policy))
    looked = listed(
        [
            count(len(tested.completed), "completed check"),
            *(
                f"{c.name} by {c.producer or 'an unknown app'}, whom qa.staging_apps does not name"
                for c in theirs
            ),
            *map(_too_late, late),
            *([count(elsewhere, "deployment")] if elsewhere else ()),
        ]
    )
    return exception(
        f"No {names} had completed on {tested.what} before the merge (looked at: {looked}).",
        [tested.page, *map(_cite, (*theirs, *late))],
    )


class TestedCommit(Record, frozen=True):
    """The commit that had to be tested, its checks, and those that had completed by the merge."""

    commit: str
    what: str
    checks: tuple[Check, ...]
    completed: tuple[CheckAtMerge, ...]
    page: Citation


class _Run(Record, frozen=True):
    """A staging test on the tested commit, and how it stood at the merge."""

    name: str
    conclusion: str | Unavailable
    citation: Citation

    @property
    def ended(self) -> str | None:
        """How it ended, `None` where that cannot be told."""
        return None if isinstance(self.conclusion, Unavailable) else self.conclusion

    @property
    def doubt(self) -> str:
        """Why it cannot be told how it stood, "" where it can."""
        return self.conclusion.reason if isinstance(self.conclusion, Unavailable) else ""


def tested_commit(change: Change) -> TestedCommit | Unavailable:
    """The commit that had to be tested, or why it or its checks are not known."""
    pull, at_merge = change.pull, change.at_merge
    if isinstance(at_merge.queued, Unavailable):
        return Unavailable(
            "whether the head had to be tested, or the merge queue's own commit, cannot be told:"
            f" {at_merge.queued.reason}"
        )
    if not at_merge.queued:
        page = Citation("the checks of the merged head", url=f"{pull.url}/checks")
        what = f"the merged head {pull.head_oid[:7]}"
        return _with_checks(pull.head_oid, what, pull.checks, at_merge.checks, page)
    merge = pull.merge_commit
    if not isinstance(merge, MergeCommit):
        return Unavailable("it merged through the merge queue, and its merge commit is not known")
    what = f"the merge commit {merge.oid[:7]}, which the merge queue tested,"
    page = Citation("the checks of the merge commit", url=merge.url)
    tested = _with_checks(
        merge.oid, what, pull.merge_commit_checks, at_merge.merge_commit_checks, page
    )
    if isinstance(tested, Unavailable):
        return Unavailable(
            f"it merged through the merge queue, and of its merge commit {merge.oid[:7]}"
            f" {tested.reason}"
        )
    if any(c.created_at and c.created_at < pull.merged_at for c in tested.checks):
        return tested
    return Unavailable(
        f"it merged through the merge queue, and no check of its merge commit {merge.oid[:7]} was"
        " created before the merge: the queue tested another commit, or GitHub has deleted the"
        " checks"
    )


def _with_checks(
    commit: str,
    what: str,
    checks: tuple[Check, ...] | Unavailable,
    completed: tuple[CheckAtMerge, ...] | Unavailable,
    page: Citation,
) -> TestedCommit | Unavailable:
    if isinstance(completed, Unavailable):
        lacking = f" (missing: {completed.permission})" if completed.permission else ""
        return Unavailable(f"the checks could not be read: {completed.reason}{lacking}")
    return TestedCommit(
        commit,
        what,
        () if isinstance(checks, Unavailable) else tuple([c for c in checks if c.commit == commit]),
        tuple([c for c in completed if c.check.commit == commit]),
        page,
    )


def _deployments(change: Change, policy: Policy) -> Iterator[Deployed]:
    """The deployments to environments that the policy names, from before the merge."""
    timeline, merged = change.pull.timeline, change.pull.merged_at
    for event in () if isinstance(timeline, Unavailable) else timeline:
        if (
            isinstance(event, Deployed)
            and event.at <= merged
            and _is_named(event.environment, policy)
        ):
            yield event


def _deployed(change: Change, policy: Policy, commit: str) -> list[_Run]:
    """The newest deployment of the tested commit to each environment, of those that had ended.

    An answer to an earlier version of the program does not tell which commit was deployed: it may
    have been this one.
    """
    newest: dict[str, list[tuple[Deployed, _Run]]] = {}
    for event in _deployments(change, policy):
        conclusion = _conclusion(event, change.pull.merged_at)
        ours = not event.commit or (event.commit == commit and _is_by({event.status_by}, policy))
        if conclusion is None or not ours:
            continue
        name = f"the deployment to {event.environment}"
        cited = Citation(
            f"deployment to {event.environment}: {_plain(event.status or event.state)}",
            event.status_by or name_of(event.actor),
            event.status_at or event.at,
            change.pull.url,
        )
        those = newest.setdefault(event.environment, [])
        if those and those[0][0].at < event.at:
            those.clear()
        if not those or those[0][0].at == event.at:
            those.append((event, _Run(name, conclusion, cited)))
    return [run for those in newest.values() for _, run in those]


def _conclusion(deployment: Deployed, merged: datetime) -> str | Unavailable | None:
    """How a deployment had ended by the merge, by its newest status; `None` if it had not."""
    if not deployment.commit:
        return Unavailable("neither which commit was deployed nor when it succeeded is told")
    set_at, status = deployment.status_at, deployment.status
    if set_at is None or (set_at < merged and status in _RUNNING):
        return None
    if set_at >= merged:
        when = "in the very second of the merge" if set_at == merged else "after the merge"
        return Unavailable(
            f"its newest status, {_plain(status)}, was set {when}, and an earlier one is not told"
        )
    if status == "INACTIVE":
        return Unavailable("it was inactive by then, and whether it had succeeded is not told")
    return status


def _is_named(name: str, policy: Policy) -> bool:
    return matches_any(name, policy.qa.staging_checks)


def may_count(found: CheckAtMerge, policy: Policy) -> bool:
    """Whether a check is by somebody whose checks count; a status in doubt may hide one that is."""
    hides = found.check.kind == "status" and isinstance(found.conclusion, Unavailable)
    return hides or is_by_named_app(found.check, policy)


def is_by_named_app(check: Check, policy: Policy) -> bool:
    """Whether a check is by somebody whose checks count. Only apps make check runs."""
    if not policy.qa.staging_apps:
        return True
    own = {check.producer}
    return _is_by(own if check.kind == "status" else own | {f"{check.producer}[bot]"}, policy)


def _is_by(accounts: set[str], policy: Policy) -> bool:
    """Whether one of these is an account that the policy names: an app with or without [bot]."""
    if not policy.qa.staging_apps:
        return True
    wanted = folded(policy.qa.staging_apps)
    known = {account.casefold() for account in accounts}
    return not wanted.isdisjoint(known | {a.removesuffix("[bot]") for a in known})


def _citations(runs: Iterable[_Run]) -> list[Citation]:
    return [run.citation for run in runs]


def _cite(check: Check) -> Citation:
    what = f"{check.kind} {check.name} on {check.commit[:7]}: {_plain(check.conclusion)}"
    return Citation(what, check.producer, check.done_at, check.url)


def _too_late(check: Check) -> str:
    done = check.done_at
    if done is None:
        return f"{check.name}, still running"
    how = "completed" if done == check.completed_at else "whose suite was created only"
    return f"{check.name}, {how} at {instant(done)}"


def _plain(state: str | None) -> str:
    return (state or "").lower().replace("_", " ")
