"""Reads the parents of commits back, where they were asked for."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from changeaudit.collectors.github import wire
from changeaudit.collectors.github.stored import opened, shaped
from changeaudit.store import Store

KIND = "pull_request.parents"


def read_parents(
    store: Store, source: str, versions: Mapping[str, str]
) -> dict[str, list[tuple[wire.Parents, str]]]:
    """The parents of the commits of pull requests in these very versions, by their keys.

    They come in pages, each with the digest of its answer.
    """
    found: dict[str, list[tuple[wire.Parents, str]]] = {}
    wanted, page = list(versions), 0
    while wanted:
        goes_on: list[str] = []
        keys = {f"{key}#{page}": key for key in wanted}
        for located in store.find(source, KIND, list(keys)):
            data = shaped(opened(located.answer).data, dict[str, msgspec.Raw], located.answer)
            for item in located.items:
                key = keys[item.key]
                if versions[key] == item.version:
                    parents = shaped(data[f"p{item.position}"], wire.Parents, located.answer)
                    found.setdefault(key, []).append((parents, located.answer.digest))
                    if parents.commits.page_info.has_next_page:
                        goes_on.append(key)
        wanted, page = goes_on, page + 1
    return found
