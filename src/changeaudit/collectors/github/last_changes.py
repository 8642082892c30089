"""Collects when templates and CODEOWNERS last changed on the default branch.

GitHub walks the whole history of a branch for each path, which in a large repository takes longer
than it gives a request. So this is asked apart from everything else, of no more paths than matter,
and once for each head of the branch: below a commit nothing ever changes. A path that is too much
even alone is left out, and what hangs on it cannot be told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final

import msgspec

from changeaudit.codeowners import LOCATIONS
from changeaudit.collectors.github import parsing, wire
from changeaudit.collectors.github.ask import Portion, Session, decode
from changeaudit.collectors.github.queries import Operation, compose
from changeaudit.collectors.github.stored import opened, shaped
from changeaudit.collectors.github.transport import TooHeavyError
from changeaudit.store import Item, Store

KIND = "repository.last_changes"
ATTEMPTS = 3
"""How often a path is asked for that is too much even alone, before it is left out."""

PATHS: Final = {
    **parsing.PLACES,
    "github_folder": parsing.FOLDER.rstrip("/"),
    **dict(zip(parsing.OWNERS, LOCATIONS, strict=True)),
}
"""The path of each field of `wire.TemplateHistory` that is asked for."""


def places(found: wire.Repository) -> tuple[str, ...]:
    """The fields of `wire.TemplateHistory` that the templates of a repository ask for."""
    names = (each.filename or "" for each in found.pull_request_templates or ())
    return tuple(dict.fromkeys(place for name in names for place in parsing.places_of(name)))


def collect_last_changes(
    session: Session, repository: str, oid: str, id_: str, wanted: Sequence[str]
) -> None:
    """Store the last change, below the commit `oid` (`id_` is its node), of each place `wanted`.

    Those that are held for this very commit are not asked for again.

    Raises:
        CollectError: a request was refused or kept failing.
    """
    keys = {place: _key(repository, place) for place in wanted}
    held = session.store.versions(session.source, KIND, list(keys.values()))
    todo = [place for place, key in keys.items() if held.get(key) != oid]
    portion = Portion(max(1, len(todo)))
    while todo:
        done = portion.ask(partial(_some, session, repository, oid, id_, todo), len(todo))
        todo = todo[done:]


def _some(
    session: Session, repository: str, oid: str, id_: str, todo: Sequence[str], size: int
) -> int:
    """Ask for the first `size` places; returns how many those are."""
    batch = todo[:size]
    about = f"when files of {repository} last changed"
    query = ask_for(batch)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            reply = session.transport.ask(query, {"head": id_}, about, divisible=True)
            break
        except TooHeavyError:
            if size > 1:
                raise
            if attempt == ATTEMPTS:
                session.progress.noted(
                    f"GitHub could not tell in its time when {PATHS[batch[0]]} of {repository}"
                    " last changed. What depends on it will be undetermined."
                )
                return size
    data = decode(wire.given(reply.data), wire.LastChangesData, about, reply.errors)
    items = [
        Item(KIND, _key(repository, place), position, oid, None)
        for position, place in enumerate(batch)
        if data.node and getattr(data.node, place) is not None
    ]
    session.put(reply, repository, KIND, items)
    return size


def ask_for(places: Iterable[str]) -> Operation:
    """The operation that asks for the last change of each of these places."""
    asked = "".join(
        f'      {_alias(place)}: history(first: 1, path: "{PATHS[place]}") {{ ...LastChange }}\n'
        for place in places
    )
    text = (
        "query LastChanges($head: ID!) {\n"
        "  rateLimit { cost limit remaining resetAt }\n"
        f"  node(id: $head) {{\n    ... on Commit {{\n      oid\n{asked}    }}\n  }}\n}}\n"
    )
    return compose("last_changes", text)


def with_last_changes(
    store: Store, source: str, repository: str, head: wire.TemplateHistory
) -> wire.TemplateHistory:
    """The head of a default branch with what the store holds of the last changes below it.

    An answer to an earlier query has some of them itself.
    """
    found: dict[str, wire.Nodes[wire.LastChange] | None] = {}
    keys = {_key(repository, place): place for place in PATHS}
    for located in store.find(source, KIND, list(keys)):
        data = shaped(opened(located.answer).data, wire.LastChangesData, located.answer)
        for item in located.items:
            if item.version == head.oid:
                place = keys[item.key]
                found[place] = getattr(data.node, place)
    return msgspec.structs.replace(head, **found)


def _key(repository: str, place: str) -> str:
    return f"{repository.casefold()}#{place}"


def _alias(place: str) -> str:
    first, *rest = place.split("_")
    return first + "".join(map(str.title, rest))
