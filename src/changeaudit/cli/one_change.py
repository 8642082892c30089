"""From the store to the explanation of one change, by the same rules as a whole audit."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

import msgspec

from changeaudit import __version__
from changeaudit.asof import as_of_merge
from changeaudit.audit import audit
from changeaudit.cli.evidence import gather, read_teams, teams_not_held, tickets_of
from changeaudit.cli.limitations import limitations
from changeaudit.cli.wanted import tickets_named_by
from changeaudit.collectors.github import activity, reading, single
from changeaudit.collectors.github import repository as repositories
from changeaudit.collectors.spans import Span
from changeaudit.collectors.tickets import finders, read_tickets
from changeaudit.errors import StoreError, UsageError
from changeaudit.explanation import SCHEMA, Explanation
from changeaudit.policy import Policy
from changeaudit.policy_file import LoadedPolicy
from changeaudit.population import Population, build, production_branches
from changeaudit.records import BranchActivity, BranchLine, PullRequest, Record, Unavailable
from changeaudit.rules.remedies import remedies_of
from changeaudit.store import Store
from changeaudit.verdicts import Audit, PeriodInfo, PolicyInfo, Run

_TARGET = re.compile(
    r"(?P<repository>[^/#@\s]+/[^/#@\s]+)(?:#(?P<number>[0-9]{1,18})|@(?P<oid>[0-9a-fA-F]{7,64}))"
)

ALONE = (
    "The pull request was collected alone, without the history of the production branches:"
    " whether it reached production is told by the name of its base. If that branch has another"
    " name now, audit the period of the change and explain it then."
)
BROKEN_OFF = (
    "Collecting the period of this change broke off: what was to be asked for at its end may be"
    " missing, and is undetermined."
)


AROUND = timedelta(minutes=5)
"""How far from a merge GitHub's record of what it did to the branch may be dated."""


class Target(Record, frozen=True):
    """The change that is to be explained: a pull request's number, or a commit's oid."""

    repository: str
    number: int
    oid: str


class Held(Record, frozen=True):
    """A pull request that the store holds.

    `pulls` are those that merged within its second, itself among them, and `bases` the branches
    that the pull requests held around it went to. `whole` tells that its period is held in full,
    `broken_off` that collecting it was.
    """

    pull: PullRequest
    pulls: tuple[PullRequest, ...]
    bases: frozenset[str]
    whole: bool
    broken_off: bool = False

    @property
    def limits(self) -> tuple[str, ...]:
        """What bears on the verdicts because of how it was collected."""
        return (*(() if self.whole else (ALONE,)), *((BROKEN_OFF,) if self.broken_off else ()))


class Judging(Record, frozen=True):
    """What a change is judged by, and when."""

    loaded: LoadedPolicy
    started_at: datetime
    clock: Callable[[], datetime]
    demonstration: bool
    missing: Mapping[str, str] = MappingProxyType({})
    """Why tickets could not be asked for just now, by key in lower case."""

    def audit(self, population: Population, period: Span) -> Audit:
        """The audit of a population that holds the change."""
        policy = self.loaded.policy
        return audit(
            [population],
            policy,
            PolicyInfo(policy.name, self.loaded.source, self.loaded.digest),
            PeriodInfo(period.since, period.until),
            (),
            limitations([population], policy),
            Run(self.started_at, self.clock(), __version__),
            demonstration=self.demonstration,
        )


def target(text: str) -> Target:
    """The change that `text` names: OWNER/REPO#NUMBER or OWNER/REPO@OID.

    Raises:
        UsageError: it names none.
    """
    found = _TARGET.fullmatch(text)
    if found is None:
        raise UsageError(
            f"{text!r} does not name a change.",
            "Write OWNER/REPO#NUMBER for a pull request, as in 'acme/payments#12', or"
            " OWNER/REPO@OID for a direct push, with seven characters of the commit's oid or more.",
        )
    return Target(found["repository"], int(found["number"] or 0), (found["oid"] or "").lower())


def held(store: Store, source: str, name: str, number: int) -> Held | None:
    """The pull request as the store holds it, best with its whole period; `None` if it does not."""
    known = single.briefs(store, source, name)
    brief = next((each for each in known if each.number == number), None)
    if brief is not None:
        for span in single.held_spans(store, source, name):
            if span.since <= brief.merged_at < span.until:
                around = frozenset(
                    b.base_ref for b in known if span.since <= b.merged_at < span.until
                )
                pulls = _of_second(store, source, name, brief.merged_at)
                return Held(_numbered(pulls, number), pulls, around, True)
    alone = single.read_single(store, source, name, number)
    if alone is not None:
        return Held(alone, (alone,), frozenset((alone.base_ref,)), False)
    if brief is not None:
        pull = _numbered(_of_second(store, source, name, brief.merged_at), number)
        return Held(pull, (pull,), frozenset((pull.base_ref,)), False, True)
    return None


def is_held(store: Store, source: str, wanted: Target, policy: Policy) -> bool:
    """Whether the store holds a pull request with all that belongs to it, its tickets included."""
    if not store.versions(source, repositories.KIND, [wanted.repository.casefold()]):
        return False
    repository = reading.read_repository(store, source, wanted.repository)
    found = held(store, source, repository.name, wanted.number)
    if found is None or found.broken_off:
        return False
    named = tickets_named_by(repository, [found.pull], policy)
    return named.keys() <= read_tickets(store, source, named, [policy]).keys()


def explain_pull(store: Store, source: str, name: str, found: Held, by: Judging) -> Explanation:
    """The explanation of a pull request that the store holds.

    Where its base is not a production branch by name, the branches' histories tell whether it
    reached one, if its period is held.
    """
    policy, pull = by.loaded.policy, found.pull
    repository = reading.read_repository(store, source, name)
    second = _second(pull.merged_at)
    teams = read_teams(store, source, [policy], repository)
    branches = production_branches(repository, found.bases, policy)
    base = as_of_merge(pull).base
    by_name = isinstance(base, Unavailable) or base in branches
    population = build(
        repository,
        found.pulls,
        [
            _as_done(store, source, name, branch, pull)
            if by_name or not found.whole
            else reading.read_line(store, source, name, branch, second)
            for branch in branches
        ],
        tickets_of(store, source, repository, found.pulls, [policy], by.missing),
        teams,
        policy,
        second.since,
        second.until,
        finders(store, policy),
    )
    id_ = f"{pull.repository}#{pull.number}"
    limits = (*found.limits, *teams_not_held(teams, [policy], [repository]))
    return _explanation(by.audit(population, second), id_, pull.collected_at, limits)


def explain_push(store: Store, source: str, name: str, oid: str, by: Judging) -> Explanation:
    """The explanation of the direct push that holds the commit `oid` (a part is enough).

    Raises:
        UsageError: the commit came with a pull request, or the part stands for several pushes.
        StoreError: the store holds no direct push with it.
    """
    policy = by.loaded.policy
    found: dict[str, tuple[Population, Span]] = {}
    merged: dict[str, None] = {}
    for span in single.held_spans(store, source, name):
        period = PeriodInfo(span.since, span.until)
        population = gather(store, source, name, period, [policy]).population(policy)
        for push in population.pushes:
            if any(commit.oid.startswith(oid) for commit in push.commits):
                only = Population((), (push,), (), population.summary)
                found.setdefault(push.id, (only, span))
        for change in population.changes:
            commits = change.pull.commits
            merge = change.pull.merge_commit
            oids = [c.oid for c in (() if isinstance(commits, Unavailable) else commits)]
            oids += [merge.oid] if merge and not isinstance(merge, Unavailable) else []
            if any(each.startswith(oid) for each in oids):
                merged[change.id] = None
    if len(found) > 1:
        raise UsageError(
            f"{name}@{oid} stands for {len(found)} direct pushes: {', '.join(found)}.",
            "Give more of the commit's oid.",
        )
    if not found and merged:
        raise UsageError(
            f"The commit {oid} of {name} is no direct push: it came with {', '.join(merged)}.",
            f"Explain that instead: changeaudit explain '{next(iter(merged))}'.",
        )
    for id_, (population, span) in found.items():
        return _explanation(by.audit(population, span), id_, None, ())
    raise StoreError(
        f"The store holds no direct push of {name} with the commit {oid} that is in the scope of"
        " the policy.",
        "A direct push shows only in the history of its branch: run `changeaudit audit` for the"
        " period in which it came, with the same store, and explain it then.",
    )


def _explanation(
    result: Audit, id_: str, collected_at: datetime | None, limits: Sequence[str]
) -> Explanation:
    change = next((each for each in result.changes if each.id == id_), None)
    excluded = next((each for each in result.excluded if each.id == id_), None)
    steps = {step.step for step in change.steps} if change else set()
    return Explanation(
        schema=SCHEMA,
        run=result.run,
        demonstration=result.demonstration,
        policy=result.policy,
        collected_at=collected_at,
        change=change,
        excluded=excluded,
        procedure=tuple(step for step in result.procedure if step.id in steps),
        attributes=tuple(each for each in result.attributes if each.step in steps),
        remedies=remedies_of(change) if change else (),
        limitations=(*limits, *result.limitations),
    )


def _as_done(store: Store, source: str, name: str, branch: str, pull: PullRequest) -> BranchLine:
    """A branch that is not followed, with what was done to it when the pull request merged."""

    def done(span: Span) -> BranchActivity:
        return activity.read_activity(store, source, name, branch, span)

    then = done(_second(pull.merged_at))
    around = done(Span(pull.merged_at - AROUND, pull.merged_at + AROUND))
    # Whether it is known is asked of the merge alone, not of what is around it.
    known = msgspec.structs.replace(
        then,
        moves=then.moves if isinstance(then.moves, Unavailable) else around.moves,
        bypasses=then.bypasses if isinstance(then.bypasses, Unavailable) else around.bypasses,
    )
    return BranchLine(branch, (), {}, (), known)


def _of_second(store: Store, source: str, name: str, at: datetime) -> tuple[PullRequest, ...]:
    return tuple(reading.read_pull_requests(store, source, name, _second(at)))


def _second(at: datetime) -> Span:
    return Span(at, at + timedelta(seconds=1))


def _numbered(pulls: Sequence[PullRequest], number: int) -> PullRequest:
    return next(pull for pull in pulls if pull.number == number)
