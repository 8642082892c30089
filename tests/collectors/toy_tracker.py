"""A tracker that the program does not know, as somebody might add one: all of it in this file.

Its tickets are called CHG0001 and so on. It answers out of a dictionary.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial

from changeaudit.collectors.asking import Asking, Portion
from changeaudit.errors import CollectError
from changeaudit.policy import Policy, Tickets
from changeaudit.records import Repository, Ticket, Unavailable
from changeaudit.store import Answer, Item, Store

SITE = "toy.test"


class Toy:
    """The tickets of the toy tracker, by number."""

    name = "toy"

    def __init__(self, tickets: Mapping[str, Mapping[str, str]]) -> None:
        self.tickets = tickets
        self.asked: list[tuple[str, ...]] = []
        self.fails = False

    def find(self, text: str, place: str, repository: Repository, policy: Tickets) -> Iterable[str]:
        """The numbers that a text names."""
        for prefix in policy.trackers.get(self.name, ()):
            yield from re.findall(rf"\b{re.escape(prefix)}[0-9]{{4}}\b", text)

    def owns(self, key: str, policy: Policy) -> bool:
        """Whether a key is a number of the toy tracker."""
        return re.fullmatch(r"[a-z]{3}[0-9]{4}", key) is not None

    def portions(
        self, wanted: Mapping[str, datetime], policy: Policy, asking: Asking
    ) -> Iterator[Portion]:
        """All of them at once."""
        if wanted:
            yield Portion(tuple(wanted), partial(self._collect, tuple(wanted), asking))

    def read(
        self,
        store: Store,
        source: str,
        wanted: Mapping[str, datetime],
        policies: Sequence[Policy],
    ) -> dict[str, Ticket | Unavailable]:
        """What the store holds of them."""
        found: dict[str, Ticket | Unavailable] = {}
        for located in store.find(SITE, "ticket", [*wanted]):
            answer = json.loads(located.answer.answer.body)
            for item in located.items:
                shown = answer.get(item.key)
                found[item.key] = (
                    self._ticket(item.key, shown, located.answer.digest)
                    if shown
                    else Unavailable("it is not visible to the audit account")
                )
        return found

    def _collect(self, keys: tuple[str, ...], asking: Asking) -> None:
        if self.fails:
            raise CollectError("The toy tracker is broken.", "Mend it.")
        self.asked.append(keys)
        body = json.dumps({key: self.tickets.get(key) for key in keys}).encode()
        request = json.dumps({"keys": keys})
        answer = Answer(SITE, "tickets", "ticket", request, 200, asking.clock(), body)
        version = hashlib.sha256(body).hexdigest()
        with asking.store.begin() as writer:
            writer.put(answer, [Item("ticket", key, 0, version, None) for key in keys])
        asking.took(SITE, 1)

    def _ticket(self, key: str, shown: Mapping[str, str], digest: str) -> Ticket:
        return Ticket(
            asked=key.upper(),
            key=key.upper(),
            id=key,
            source=SITE,
            project=key[:3].upper(),
            type="Change",
            title=shown["title"],
            status="Open",
            resolution="",
            created_at=datetime.fromisoformat(shown["created"]),
            author=None,
            labels=(),
            history=(),
            url=f"https://{SITE}/{key}",
            evidence=(digest,),
        )
