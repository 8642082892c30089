"""The repositories of an owner, for patterns such as "acme/*": listed by GitHub, and read back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from changeaudit.collectors.github import wire
from changeaudit.collectors.github.ask import Session, decode, next_cursor, reasons
from changeaudit.collectors.github.queries import operation
from changeaudit.collectors.github.stored import opened, shaped
from changeaudit.errors import CollectError
from changeaudit.globs import matches
from changeaudit.records import Record
from changeaudit.store import Store

OWNER_KIND = "repositories"


class _Page(wire.Wire, frozen=True):
    after: str | None


class _Request(wire.Wire, frozen=True):
    variables: _Page


class Listing(Record, frozen=True):
    """Every repository of an owner that GitHub listed at an instant: those that the token sees."""

    names: tuple[str, ...]
    as_of: datetime

    def matching(self, pattern: str) -> tuple[str, ...]:
        """Those that a pattern of the owner's names stands for."""
        return tuple(name for name in self.names if _fits(name, pattern))


def is_pattern(name: str) -> bool:
    """Whether "owner/name" stands for whatever repositories of the owner it matches."""
    return bool(set(name.partition("/")[2]) & set("*?["))


def expand(session: Session, patterns: Sequence[str]) -> Iterator[str]:
    """The repositories that `patterns` name: "owner/name" as it is, "owner/*" by asking.

    Raises:
        CollectError: the owner is unknown, or a pattern matches no repository.
    """
    seen: set[str] = set()
    for pattern in patterns:
        owner = pattern.partition("/")[0]
        names = list(_owned(session, owner, pattern)) if is_pattern(pattern) else [pattern]
        if not names:
            raise CollectError(f"No repository of {owner} matches {pattern!r}.")
        for name in names:
            if name.casefold() not in seen:
                seen.add(name.casefold())
                yield name


def _owned(session: Session, owner: str, pattern: str) -> Iterator[str]:
    about = f"the repositories of {owner}"
    after: str | None = None
    while True:
        reply = session.ask(operation("repositories"), {"owner": owner, "after": after}, about)
        holder = decode(reply.data, wire.OwnerData, about, reply.errors).repository_owner
        if holder is None:
            raise CollectError(f"There is no account {owner} on {session.source}.")
        session.put(reply, owner, OWNER_KIND)
        hidden = sum(node is None for node in holder.repositories.nodes)
        if hidden:
            raise CollectError(
                f"GitHub did not show {hidden} of {about}: {reasons(reply.errors)}.",
                "Name the repositories to audit one by one, or use a token that may see them.",
            )
        for node in holder.repositories.nodes:
            if node and _fits(node.name_with_owner, pattern):
                yield node.name_with_owner
        if not holder.repositories.page_info.has_next_page:
            return
        after = next_cursor(holder.repositories.page_info, after, about)


def read_listing(store: Store, source: str, owner: str) -> Listing | None:
    """The newest list of an owner's repositories that was read to its end.

    `None` where the store holds none, or only such as broke off or left something out.
    """
    newest: Listing | None = None
    for row in store.counts(source):
        named = row.source == source and row.subject.casefold() == owner.casefold()
        if named and row.kind == OWNER_KIND:
            for listing in _listings(store, source, row.subject):
                if newest is None or newest.as_of <= listing.as_of:
                    newest = listing
    return newest


def _listings(store: Store, source: str, owner: str) -> Iterator[Listing]:
    """Those that were read to their end, the pages of each following upon one another."""
    names: list[str] = []
    begun: datetime | None = None
    goes_on: str | None = None
    for stored in store.history(source, owner, OWNER_KIND):
        request = msgspec.Raw(stored.answer.request.encode("utf-8", "surrogatepass"))
        after = shaped(request, _Request, stored).variables.after
        holder = shaped(opened(stored).data, wire.OwnerData, stored).repository_owner
        if after is None:
            names, begun = [], stored.answer.received_at
        elif after != goes_on:
            begun = None
        if begun is None or holder is None or None in holder.repositories.nodes:
            begun = None
            continue
        names += (node.name_with_owner for node in holder.repositories.nodes if node)
        goes_on = holder.repositories.page_info.end_cursor
        if not holder.repositories.page_info.has_next_page:
            yield Listing(tuple(names), begun)
            begun = None


def _fits(name: str, pattern: str) -> bool:
    return matches(name.partition("/")[2], pattern.partition("/")[2])
