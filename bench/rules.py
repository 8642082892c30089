"""How many changes a second the rules judge on one core, from records in memory.

The changes are of five kinds, 500 of each, and no two alike: numbers, people, texts, commits and
files differ, so that nothing is found in a cache that another change has put there, but for what
the changes of a repository have in common in life: its template, the policy, the roster's people.
Records in memory are what `population` hands to the rules: parsed, the description among them, and
as of the merge. The rules are every attribute that is asked of a change; `judge` makes verdicts of
them, with waivers, duties and story. The overrides are those of a policy with five of paths, for
changes of 30 files.

The limit is a ratio, for machines differ: how long the rules take, against building the records of
the changes anew, field by field, and comparing them. The two are timed in turn, in one run, in time
of this process's own; the median of the rounds' ratios is what counts. Prints the rates, and exits
with 1 when the ratio is over the limit or a change does not come to what its kind must.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from builders import (
    DAY,
    HOUR,
    check,
    comment,
    commit,
    file,
    labeled,
    make_change,
    make_policy,
    make_repository,
    named,
    review,
    template,
    ticket,
)
from changeaudit.audit import judge
from changeaudit.change import Change
from changeaudit.globs import matches_any
from changeaudit.policy import Policy
from changeaudit.records import Commit, File, Record, Repository, Review
from changeaudit.rules.attribute import Attribute
from changeaudit.rules.registry import EMERGENCY, STANDARD
from changeaudit.verdicts import ChangeClass, Result

LIMIT = 1.8
OF_EACH_KIND = 500
ROUNDS = 7

TEMPLATE = """\
<!-- Thank you. Fill in every section. -->
## What and why

<!-- One paragraph. -->

## How it was tested

TODO

## How to roll it back

<!-- Who does what, and how long it takes. -->

## Security checklist

- [ ] No secrets are in the code
- [ ] Input is validated
- [ ] Access checks are in place
- [ ] Personal data stays where it is
"""

PEERS = tuple(f"peer-{n}" for n in range(40))
LEADS = tuple(f"lead-{n}" for n in range(10))
QA = tuple(f"qa-{n}" for n in range(8))
SECURITY = tuple(f"security-{n}" for n in range(8))

OVERRIDES = [
    {
        "name": f"part {n}",
        "paths": [f"parts/{n}/**", f"shared/*{n}.sql", f"**/part-{n}/*.tf"],
        "set": {"final_approval": {"merge_queue": n % 2 == 0}},
    }
    for n in range(5)
]


def policy(*, overrides: bool = False) -> Policy:
    """The policy: a roster of people in roles, and what triggers a security review."""
    return make_policy(
        roles={
            "peer": {"users": [*PEERS]},
            "security": {"users": [*SECURITY]},
            "qa": {"users": [{"login": login, "from": "2020-01-01"} for login in QA]},
            "lead": {"users": [*LEADS]},
        },
        security_review={
            "paths": ["auth/**", "**/crypto/*", "*.pem", "infra/iam/**"],
            "labels": ["security"],
        },
        classes={
            "automated": {"authors": ["renovate[bot]"], "attributes": ["1.5", "3", "5.2", "6.4"]},
            "emergency": {
                "labels": ["emergency"],
                "post_mortem": {"link_pattern": "https://wiki.example.com/*"},
            },
        },
        overrides=OVERRIDES if overrides else [],
    )


def body(n: int, *, ticked: bool = True) -> str:
    """A filled template of more than 600 characters."""
    box = "x" if ticked else " "
    return f"""\
## What and why

Change {n} rounds half a cent of account {n * 7} to even, as the ledger does since release {n}.
The old way lost {n % 13} cents a day, which the auditors of branch {n % 97} noticed; see PAY-{n}.

## How it was tested

Unit tests for case {n}, and a day of {n + 1000} invoices replayed in staging.
The totals of run {n * 3} agree with the ledger to the cent, and nobody waited longer than before.

## How to roll it back

Revert commit {n:07x} and run job {n} again: it takes {n % 50 + 1} minutes, and nothing is lost.
Whoever is on call for shard {n % 31} does it; the runbook has the steps in its chapter {n % 19}.

## Security checklist

- [x] No secrets are in the code
- [{box}] Input is validated
- [x] Access checks are in place
- [x] Personal data stays where it is
"""


def followed(n: int, repository: Repository, **varied: Any) -> Change:
    """A change that follows all six steps: 3 reviews, 5 commits, 10 files and 6 checks."""
    author, number = f"developer-{n % 211}", 1000 + n
    commits: list[Commit] = [
        commit(f"{n:08x}{k}", author, f"pair-{n % 101}", at=k - 5 * HOUR, message=f"Part {k}, {n}")
        for k in range(5)
    ]
    reviews: list[Review] = [
        review(PEERS[n % 40], at=-120 - n % 60, id=f"{n}-1"),
        review(QA[n % 8], at=-50 - n % 30, id=f"{n}-2"),
        review(LEADS[n % 10], at=-20 - n % 20, id=f"{n}-3"),
    ]
    files: list[File] = [file(f"ledger/of-{n}/rounding_{k}.py") for k in range(10)]
    checks = [
        check(name, at=-200 + n % 60 + k, id=6 * n + k, producer="ci")
        for k, name in enumerate(("lint", "types", "unit", "integration", "licences", "staging"))
    ]
    facts: dict[str, Any] = {
        "number": number,
        "id": f"PR_{number}",
        "url": f"https://github.com/acme/payments/pull/{number}",
        "title": f"PAY-{number} Round half a cent of account {n} to even",
        "head_ref": f"feature/rounding-{n}",
        "author": author,
        "merged_by": LEADS[n % 10],
        "body": body(n),
        "commits": commits,
        "reviews": reviews,
        "files": files,
        "checks": checks,
        "tickets": [named(ticket(f"PAY-{number}", created=-7 * DAY - n % 999, by=author), "title")],
        "repository": repository,
    }
    return make_change(**{**facts, **varied})


def wanting(n: int, repository: Repository) -> Change:
    """A change with exceptions: one of five faults."""
    author = f"developer-{n % 211}"
    stale = [
        review(PEERS[n % 40], at=-120 - n % 60, commit=f"{n:08x}3", id=f"{n}-1"),
        review(LEADS[n % 10], at=-20 - n % 20, id=f"{n}-3"),
    ]
    objected = [
        review(PEERS[n % 40], "CHANGES_REQUESTED", at=-120 - n % 60, id=f"{n}-1"),
        review(author, at=-20 - n % 20, id=f"{n}-3"),
    ]
    faults: Sequence[dict[str, Any]] = (
        {"body": body(n, ticked=False)},
        {"reviews": stale},
        {"reviews": objected},
        {"tickets": [], "title": f"Round half a cent of account {n}"},
        {"checks": [check("staging", "FAILURE", at=-100, id=n)], "body": f"Quick fix no. {n}"},
    )
    return followed(n, repository, **faults[n % 5])


def automated(n: int, repository: Repository) -> Change:
    """A bot's update of a library, of which the policy asks a part of the attributes."""
    bot = "renovate[bot]"
    return followed(
        n,
        repository,
        author=bot,
        title=f"Update library {n} to 2.{n}",
        tickets=[],
        body=f"Release notes of library {n}: nothing breaks.",
        commits=[commit(f"{n:08x}0", bot, at=-5 * HOUR, message=f"Update {n}")],
        class_=ChangeClass.AUTOMATED,
        class_reason=f"{bot} opened it and made every commit",
    )


def emergency(n: int, repository: Repository) -> Change:
    """An emergency change, reviewed before the merge, with a post-mortem after it."""
    reviews = [
        review(PEERS[n % 40], at=-50, id=f"{n}-1"),
        review(SECURITY[n % 8], at=-40, id=f"{n}-2"),
        review(LEADS[n % 10], at=-30, id=f"{n}-3"),
    ]
    return followed(
        n,
        repository,
        reviews=reviews,
        events=[labeled("emergency", LEADS[n % 10], at=-60)],
        comments=[comment("qa-1", f"Report: https://wiki.example.com/pm/{n}", at=HOUR + n % 60)],
        collected_at=30 * DAY,
        class_=ChangeClass.EMERGENCY,
        class_reason='label "emergency" at the merge',
    )


def overridden(n: int, repository: Repository) -> Change:
    """A change to which two of the policy's overrides apply."""
    files = [file(f"ledger/of-{n}/rounding_{k}.py") for k in range(8)]
    files += [file(f"parts/{n % 5}/file_{n}.py"), file(f"shared/{n}_{(n + 1) % 5}.sql")]
    return followed(n, repository, files=files)


Make = Callable[[int, Repository], Change]
Rounds = dict[str, list[float]]

KINDS: tuple[tuple[str, Make, bool, Result], ...] = (
    ("compliant", followed, False, Result.COMPLIANT),
    ("with exceptions", wanting, False, Result.EXCEPTION),
    ("automated", automated, False, Result.COMPLIANT),
    ("emergency", emergency, False, Result.COMPLIANT),
    ("with overrides", overridden, True, Result.COMPLIANT),
)


def asked(change: Change, laid: Policy) -> tuple[Attribute, ...]:
    """The attributes that are asked of a change of its class."""
    if change.class_ is ChangeClass.EMERGENCY:
        return EMERGENCY
    return tuple(a for a in STANDARD if laid.asks(change.class_, a.id))


def rebuilt(fact: object) -> object:
    """A record, made again field by field, with every record in it; other facts as they are."""
    if isinstance(fact, Record):
        return type(fact)(*[rebuilt(getattr(fact, name)) for name in fact.__struct_fields__])
    if isinstance(fact, tuple):
        return tuple([rebuilt(part) for part in fact])
    return fact


def seconds(work: Callable[[], None]) -> float:
    """How long `work` takes, in seconds of this process's own time on its core."""
    gc.collect()
    matches_any.cache_clear()  # the round before had the same paths
    start = time.process_time()
    work()
    return time.process_time() - start


def timed(kind: str, made: Make, overrides: bool, first: int) -> tuple[Rounds, list[Result]]:
    """The seconds that the changes of a kind took, round by round, and what they come to."""
    whole = policy(overrides=overrides)
    repository = make_repository(templates=(template(TEMPLATE),))
    changes = [made(n, repository) for n in range(first, first + OF_EACH_KIND)]
    cases = [
        (change, laid, [attribute.rule for attribute in asked(change, laid)])
        for change in changes
        for laid in [whole.for_pull(change.pull).policy]
    ]

    def rules() -> None:
        for change, laid, those in cases:
            for rule in those:
                rule(change, laid)

    def judged() -> None:
        for change in changes:
            judge(change, whole)

    def records() -> None:
        for change in changes:
            if rebuilt(change) != change:
                raise AssertionError(f"{kind}: {change.id} was not rebuilt as it was")

    rounds: Rounds = {"rules": [], "judge": [], "records": []}
    for _ in range(ROUNDS):
        for name, work in (("rules", rules), ("judge", judged), ("records", records)):
            rounds[name].append(seconds(work))
    return rounds, [judge(change, whole).result for change in changes]


def overrides_a_second() -> float:
    """For how many changes of 30 files a second it is told which overrides apply, at best."""
    whole = policy(overrides=True)
    changes = [[f"src/of-{n}/part_{n}_{k}.py" for k in range(30)] for n in range(OF_EACH_KIND)]

    def told() -> None:
        for paths in changes:
            whole.for_change("acme/payments", paths)

    return OF_EACH_KIND / min(seconds(told) for _ in range(ROUNDS))


def main() -> int:
    """Measures, prints, and returns the exit code."""
    totals = {name: [0.0] * ROUNDS for name in ("rules", "judge", "records")}
    wrong = 0
    for number, (kind, made, overrides, result) in enumerate(KINDS):
        rounds, results = timed(kind, made, overrides, number * OF_EACH_KIND)
        wrong += sum(each is not result for each in results)
        for name, taken in rounds.items():
            totals[name] = [sum(both) for both in zip(totals[name], taken, strict=True)]
        rules, judged = (OF_EACH_KIND / min(rounds[name]) for name in ("rules", "judge"))
        print(f"rules: {kind}: {rules:,.0f} changes/s by the rules, {judged:,.0f} by judge")
    print(f"rules: overrides: {overrides_a_second():,.0f} changes/s")
    number = OF_EACH_KIND * len(KINDS)
    rates = {name: number / statistics.median(taken) for name, taken in totals.items()}
    ratio = statistics.median(
        ours / theirs for ours, theirs in zip(totals["rules"], totals["records"], strict=True)
    )
    good = ratio <= LIMIT and not wrong
    print(
        f"rules: {number:,} changes, {rates['rules']:,.0f}/s by the rules, {rates['judge']:,.0f}/s"
        f" by judge, {rates['records']:,.0f}/s built and compared, ratio {ratio:.2f}"
        f" (limit {LIMIT:.1f}, median of {ROUNDS} rounds): {'pass' if good else 'FAIL'}"
    )
    if wrong:
        print(f"rules: {wrong} changes did not come to the result of their kind: FAIL")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
