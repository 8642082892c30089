"""Counts approvals a second time, without the rules, and holds the audit's verdicts against it.

It reads the verbatim answers of a store by itself and counts, for each merged pull request:
approvals by somebody else that stood at the merge, of the head that merged or of an older commit
only; requests for changes that stood; and merges by the author. The audit is made by a policy
under which every reviewer is a peer. The rules know more than this count (who wrote the commits,
who force-pushed, what a merge of the base brought), so they may be stricter, and every such
change is listed with the rule's reason. Exits with 1 if they are laxer anywhere: a pass that the
count does not see, unless what followed the approval were merges of the base alone.

    python bench/recount.py                           the shipped evidence
    python bench/recount.py STORE SOURCE OWNER/NAME   a store of your own
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from changeaudit.cli.demo import demonstration
from changeaudit.cli.evidence import replay
from changeaudit.policy import Policy
from changeaudit.policy_file import LoadedPolicy
from changeaudit.store import Store
from changeaudit.verdicts import Audit, PeriodInfo

EVER = PeriodInfo(datetime(2008, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
NO_CLOCK = datetime(2000, 1, 1, tzinfo=UTC)
"""When the audit is said to have run; nothing here looks at it."""
OPINIONS = ("APPROVED", "CHANGES_REQUESTED", "DISMISSED")


def merged(store: Store, source: str, repository: str) -> Iterator[dict[str, Any]]:
    """Every merged pull request as GitHub's own answer has it; those with longer lists are not."""
    for page in store.locate(source, repository, "pull_request"):
        nodes = json.loads(page.answer.answer.body)["data"]["search"]["nodes"]
        for item in page.items:
            found = nodes[item.position]
            reviews = found.get("reviews")
            if reviews and not reviews["pageInfo"]["hasNextPage"]:
                yield found


def counted(pull: dict[str, Any]) -> dict[str, str]:
    """What the count says of 3.1, 3.2, 3.3 and of who merged."""
    author = (pull["author"] or {}).get("login")
    last: dict[str, dict[str, Any]] = {}
    for review in sorted(pull["reviews"]["nodes"], key=lambda r: r["submittedAt"] or ""):
        at = review["submittedAt"]
        if review["author"] and at and at < pull["mergedAt"] and review["state"] in OPINIONS:
            last[review["author"]["login"]] = review
    approvals = [r for who, r in last.items() if r["state"] == "APPROVED" and who != author]
    reviewed = {(r["commit"] or {}).get("oid") for r in approvals}
    fresh = "none"
    if approvals:
        on_head = pull["headRefOid"] in reviewed
        fresh = "head" if on_head else "unknown" if None in reviewed else "older"
    opposed = any(r["state"] == "CHANGES_REQUESTED" for r in last.values())
    return {
        "3.1": "approved" if approvals else "not approved",
        "3.2": "opposed" if opposed else "unopposed",
        "3.3": fresh,
        "merged by": "the author" if author and author == _login(pull["mergedBy"]) else "another",
    }


def _login(account: dict[str, str] | None) -> str | None:
    return account["login"] if account else None


EXPECTED = {
    ("3.1", "approved"): ("pass",),
    ("3.1", "not approved"): ("exception",),
    ("3.2", "opposed"): ("exception",),
    ("3.2", "unopposed"): ("pass", "not_applicable"),
    ("3.3", "head"): ("pass",),
    ("3.3", "older"): ("exception",),
    ("3.3", "unknown"): ("undetermined",),
    ("3.3", "none"): ("not_applicable",),
}


def everybody(pulls: list[dict[str, Any]]) -> Policy:
    """A policy under which every reviewer is a peer, and a commit of nobody's is the opener's."""
    people = {
        review["author"]["login"]
        for pull in pulls
        for review in pull["reviews"]["nodes"]
        if review["author"]
    }
    return Policy.model_validate(
        {
            "version": 1,
            "name": "everybody is a peer",
            "scope": {"branches": ["*"]},
            "unlinked_commits": "opener",
            "roles": {"peer": {"users": sorted(people)}},
        }
    )


def compare(audit: Audit, counts: dict[int, dict[str, str]], verbose: bool) -> bool:
    """Prints where the two agree and where not; returns whether the audit is nowhere laxer."""
    agree: Counter[str] = Counter()
    differ: list[str] = []
    laxer: list[str] = []
    for change in audit.changes:
        count = counts.get(change.number or 0)
        if count is None or change.class_ != "standard":
            continue
        verdicts = {v.attribute: v for v in change.verdicts()}
        for attribute in ("3.1", "3.2", "3.3"):
            found = verdicts[attribute]
            if found.outcome in EXPECTED[attribute, count[attribute]]:
                agree[attribute] += 1
                continue
            line = f"  {attribute} {change.id}: {count[attribute]}, {found.outcome}: {found.reason}"
            differ.append(line)
            if found.outcome == "pass" and "merge" not in found.reason:
                laxer.append(line)
        by_author = change.author == change.merged_by
        if by_author == (count["merged by"] == "the author"):
            agree["merged by"] += 1
        else:
            laxer.append(f"  merged by {change.merged_by}, opened by {change.author}: {change.id}")
    told = ", ".join(f"{name} {number}" for name, number in sorted(agree.items()))
    print(
        f"recount: {len(counts)} pull requests; the same answer: {told}; stricter or undetermined:"
        f" {len(differ) - len(laxer)}; laxer: {len(laxer)} (limit 0)"
    )
    for line in differ if verbose else laxer:
        print(line)
    return not laxer


def main(arguments: list[str]) -> int:
    """Counts, compares, prints, and returns the exit code."""
    ours = demonstration()
    where: Path = ours.store
    source, repositories = ours.source, ours.repositories
    if arguments:
        if len(arguments) != 3:
            print(
                "recount: give STORE SOURCE OWNER/NAME,"
                " such as changeaudit.sqlite github.com acme/payments"
            )
            return 2
        where, source, repositories = Path(arguments[0]), arguments[1], (arguments[2],)
    with Store.open(where, create=False, read_only=True) as store:
        same = []
        for name in repositories:
            pulls = list(merged(store, source, name))
            policy = everybody(pulls)
            windows = store.windows(source, name, "pull_request")
            period = PeriodInfo(
                min(w.since for w in windows),
                min(max(w.until for w in windows), max(w.as_of for w in windows)),
            )
            loaded = LoadedPolicy(policy, "bench/recount.py", "")
            audit = replay(store, source, [name], period, loaded, NO_CLOCK, lambda: NO_CLOCK)
            counts = {pull["number"]: counted(pull) for pull in pulls}
            same.append(compare(audit, counts, bool(arguments)))
    return 0 if all(same) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
