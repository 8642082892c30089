"""What a source of tickets is: how its keys are found, asked for, and read back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from changeaudit.policy import Policy, Tickets
from changeaudit.records import Record, Repository, Ticket, Unavailable
from changeaudit.store import Store

if TYPE_CHECKING:
    from changeaudit.collectors.github.ask import Progress, Session


class Asking(Record, frozen=True):
    """What a source is given to ask with.

    `github` is the session with GitHub, in which issues are asked for. `environment` are the
    variables in which credentials stand, `clock` gives the present instant in UTC, `sleep` pauses
    for a number of seconds, and `took` is told the requests that a site took. With
    `touched_since`, every ticket that was updated since then is wanted, named or not.
    """

    github: Session
    store: Store
    environment: Mapping[str, str]
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]
    progress: Progress
    took: Callable[[str, int], None]
    touched_since: datetime | None = None


class Portion(Record, frozen=True):
    """Some keys, and what asks for them: it fails or succeeds whatever becomes of the others."""

    keys: tuple[str, ...]
    collect: Callable[[], None]


class TicketSource(Protocol):
    """A tracker. `wanted` are keys in lower case, each with when the last that names it merged."""

    @property
    def name(self) -> str:
        """Its name; in the policy, the key under `tickets.trackers`."""

    def find(self, text: str, place: str, repository: Repository, policy: Tickets) -> Iterable[str]:
        """The keys that a text names: a `ticket_refs.Finder`."""

    def owns(self, key: str, policy: Policy) -> bool:
        """Whether a key is one of this tracker's."""

    def portions(
        self, wanted: Mapping[str, datetime], policy: Policy, asking: Asking
    ) -> Iterable[Portion]:
        """What can be asked for independently.

        A portion stores, as answers of its own source, each ticket that is not held, or that was
        read before the pull request merged that names it; and of one that is not shown, that it
        was asked for. It raises `CollectError` where it was refused or kept failing.
        """

    def read(
        self,
        store: Store,
        source: str,
        wanted: Mapping[str, datetime],
        policies: Sequence[Policy],
    ) -> dict[str, Ticket | Unavailable]:
        """What the store holds of these tickets, by key in lower case; `source` is GitHub's host.

        With them come the tickets above them, where a policy accepts a parent.
        """
