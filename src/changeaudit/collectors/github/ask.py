"""What the collectors of this folder share: asking, deciding what an error means, and storing."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

import msgspec

from changeaudit.collectors.github import wire
from changeaudit.collectors.github.queries import Operation
from changeaudit.collectors.github.transport import (
    Listener,
    Reply,
    TooHeavyError,
    Transport,
    request_of,
)
from changeaudit.collectors.shapes import decoded
from changeaudit.collectors.workers import Workers
from changeaudit.errors import CollectError
from changeaudit.store import Answer, Item, Store, StoredAnswer

T = TypeVar("T")


class Progress(Listener, Protocol):
    """Who is told how far collecting has come."""

    def collected(self, what: str, done: int, total: int) -> None:
        """`done` of `total` things of a kind ("pull requests of acme/payments") are stored."""

    def noted(self, text: str) -> None:
        """Something that whoever watches should know, in a sentence."""


class Session:
    """One host, one token, one store, some workers: what every collector is given."""

    def __init__(
        self,
        transport: Transport,
        store: Store,
        clock: Callable[[], datetime],
        progress: Progress,
        workers: Workers | None = None,
    ) -> None:
        self.transport = transport
        self.store = store
        self.clock = clock
        self.progress = progress
        self.workers = workers or Workers()
        self.elsewhere: dict[str, int] = {}
        """How many requests other sites took in the same run, by their names."""

    @property
    def source(self) -> str:
        """The name under which this host's answers are stored."""
        return self.transport.host

    def answer(self, reply: Reply, subject: str, kind: str) -> Answer:
        """The reply as the store keeps it."""
        return Answer(
            source=self.source,
            subject=subject,
            kind=kind,
            request=reply.request,
            status=reply.status,
            received_at=reply.received_at,
            body=reply.body,
        )

    def put(self, reply: Reply, subject: str, kind: str, items: Sequence[Item] = ()) -> None:
        """Store an answer, with the things in it."""
        with self.store.begin() as writer:
            writer.put(self.answer(reply, subject, kind), items)

    def keep(self, reply: Reply, subject: str, kind: str, items: Sequence[Item]) -> None:
        """Store an answer, unless every thing in it is stored already in this very version."""
        held = self.store.versions(self.source, kind, [item.key for item in items])
        if any(held.get(item.key) != item.version for item in items):
            self.put(reply, subject, kind, items)

    def asked_before(
        self,
        operation: Operation,
        variables: dict[str, Any],
        subject: str,
        kind: str,
        since: datetime,
    ) -> StoredAnswer | None:
        """What this very request was last answered with from `since` on, as the store keeps it."""
        request = request_of(operation, variables)
        stored = self.store.asked(self.source, subject, kind, since)
        same = [asked.id for asked in stored if asked.request == request]
        return self.store.answer(same[-1]) if same else None

    def ask(self, operation: Operation, variables: dict[str, Any], about: str) -> Reply:
        """Send an operation that cannot be asked for in smaller pieces."""
        return self.transport.ask(operation, variables, about, divisible=False)


class Portion:
    """How much is asked for at once: halved where it was too heavy, grown again with time.

    Several threads may share what one of them learnt.
    """

    GOOD = 5
    """Answers in a row after which more is tried again."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._lock = threading.Lock()
        self._good = 0
        self.size = largest

    def ask(self, send: Callable[[int], T], most: int) -> T:
        """Call `send` with a size, of which `most` is all that is left, until it is not too heavy.

        `send` asks for what no longer can be divided as such, so that there is an end.
        """
        while True:
            size = min(self.size, most)
            try:
                found = send(size)
            except TooHeavyError:
                with self._lock:
                    self._good = 0
                    # Another may have halved it meanwhile: not once more for the same cause.
                    self.size = min(self.size, max(1, size // 2))
                continue
            with self._lock:
                self._good += 1
                if self._good >= self.GOOD:
                    self._good = 0
                    self.size = min(self._largest, self.size * 2)
            return found


def decode(
    data: msgspec.Raw, shape: type[T], about: str, errors: Sequence[wire.GraphQLError] = ()
) -> T:
    """The data of an answer in its shape.

    Raises:
        CollectError: it does not have that shape. The message gives the answer's own errors,
            or names the field.
    """
    try:
        return decoded(data, shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if errors:
            raise CollectError(f"GitHub refuses {about}: {reasons(errors)}.") from None
        raise CollectError(
            f"GitHub's answer about {about} does not have the expected form: {error}.",
            "This may be an API version that changeaudit does not know; please report it.",
        ) from None


def next_cursor(page: wire.PageInfo, after: str | None, about: str) -> str:
    """Where a list goes on after the page that was asked for with `after`.

    Raises:
        CollectError: the answer says that there is more and does not lead there.
    """
    if page.end_cursor is None or page.end_cursor == after:
        raise CollectError(
            f"GitHub says that there is more of {about}, but not where it goes on.",
            "Run the same command again; if it stays so, please report it.",
        )
    return page.end_cursor


def digest(raw: bytes) -> str:
    """The version of a thing: the SHA-256 of its own bytes in the answer."""
    return hashlib.sha256(raw).hexdigest()


def reasons(errors: Sequence[wire.GraphQLError]) -> str:
    """What the errors of an answer say, each once."""
    return "; ".join(dict.fromkeys(f"{e.message} ({e.type or 'no type'})" for e in errors))
