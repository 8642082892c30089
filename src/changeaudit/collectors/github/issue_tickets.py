"""GitHub issues as a source of tickets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial

from changeaudit.collectors.asking import Asking, Portion
from changeaudit.collectors.github.issues import collect_issues
from changeaudit.collectors.github.reading import read_tickets, read_tickets_as_of
from changeaudit.policy import Policy, Tickets
from changeaudit.records import Repository, Ticket, Unavailable
from changeaudit.store import Store
from changeaudit.ticket_refs import github_issues


class GitHubIssues:
    """The issues of repositories, by "owner/name#7"."""

    name = "github"

    def find(self, text: str, place: str, repository: Repository, policy: Tickets) -> Iterable[str]:
        """The issues that a text names."""
        return github_issues(text, place, repository, policy)

    def owns(self, key: str, policy: Policy) -> bool:
        """Whether a key is that of an issue."""
        repository, mark, number = key.rpartition("#")
        return bool(mark) and "/" in repository and number.isdecimal()

    def portions(
        self, wanted: Mapping[str, datetime], policy: Policy, asking: Asking
    ) -> Iterator[Portion]:
        """All of them at once. A ticket's history grows: one read before the merge is outdated."""
        session = asking.github
        held = read_tickets_as_of(session.store, session.source, wanted)
        outdated = [key for key, at in wanted.items() if key not in held or held[key] < at]
        if outdated:
            yield Portion(tuple(outdated), partial(_collect, asking, outdated))

    def read(
        self,
        store: Store,
        source: str,
        wanted: Mapping[str, datetime],
        policies: Sequence[Policy],
    ) -> dict[str, Ticket | Unavailable]:
        """The issues with these keys."""
        return read_tickets(store, source, wanted)


def _collect(asking: Asking, keys: Sequence[str]) -> None:
    collect_issues(asking.github, keys)
