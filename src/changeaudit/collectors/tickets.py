"""Tickets of every tracker: found in pull requests, asked for where they are, read back.

`SOURCES` lists the trackers; CONTRIBUTING tells how one is added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from changeaudit.collectors.asking import Asking, TicketSource
from changeaudit.collectors.github.issue_tickets import GitHubIssues
from changeaudit.collectors.jira.source import Jira, read_sites
from changeaudit.errors import CollectError, PolicyError
from changeaudit.policy import Policy
from changeaudit.records import Ticket, Unavailable
from changeaudit.store import Store
from changeaudit.ticket_refs import Finder

SOURCES: list[TicketSource] = [
    Jira(),
    GitHubIssues(),
]
"""The trackers, a line each."""


def finders(store: Store | None = None, policy: Policy | None = None) -> tuple[Finder, ...]:
    """How the keys of each tracker are found.

    With a store, addresses of another Jira than the one that it holds the policy's projects of
    name no ticket of theirs.
    """
    sites = read_sites(store, policy) if store and policy else {}
    return tuple(
        Jira(sites).find if isinstance(source, Jira) else source.find for source in SOURCES
    )


def check_trackers(policy: Policy) -> None:
    """See that each tracker that the policy names is known.

    Raises:
        PolicyError: one is not.
    """
    own = [source.name for source in SOURCES if not isinstance(source, Jira | GitHubIssues)]
    for name in policy.trackers:
        if name not in own:
            raise PolicyError(
                f"The policy names the tracker {name!r}, which this program does not know.",
                hint=f"Under tickets.trackers it knows {', '.join(own) or 'none so far'}; Jira and"
                " GitHub have keys of their own, jira_projects and github_issues.",
            )


def collect_tickets(
    wanted: Mapping[str, datetime], policy: Policy, asking: Asking, *, allow_missing: bool
) -> dict[str, str]:
    """Store the tickets with these keys, asked for once each.

    Args:
        wanted: keys in lower case, with when the last pull request merged that names each.
        policy: where its projects are.
        asking: what is asked with.
        allow_missing: go on without those of a tracker that fails.

    Returns:
        Why keys could not be asked for, by key; empty unless `allow_missing`.

    Raises:
        CollectError: a tracker refused, or kept failing; what came before is kept.
    """
    missing: dict[str, str] = {}
    for source in SOURCES:
        own = {key: at for key, at in wanted.items() if source.owns(key, policy)}
        for portion in source.portions(own, policy, asking):
            try:
                portion.collect()
            except CollectError as error:
                if not allow_missing:
                    without = "--allow-missing-tickets goes on without these tickets."
                    hint = f"{error.hint} {without}".strip()
                    raise type(error)(error.message, hint) from None
                asking.progress.noted(f"Tickets could not be asked for: {error.message}")
                missing |= dict.fromkeys(portion.keys, error.message.rstrip("."))
    return missing


def read_tickets(
    store: Store, source: str, wanted: Mapping[str, datetime], policies: Sequence[Policy]
) -> dict[str, Ticket | Unavailable]:
    """What the store holds of the tickets with these keys, by key in lower case.

    With them come their parents, where a policy accepts those. A key of which nothing is held is
    not in the answer; `source` is GitHub's host.
    """
    found: dict[str, Ticket | Unavailable] = {}
    for each in SOURCES:
        own = {key: at for key, at in wanted.items() if any(each.owns(key, p) for p in policies)}
        found |= {**each.read(store, source, own, policies), **found}
    return found
