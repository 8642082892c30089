"""What the commits of a pull request build on, by their parents."""

from __future__ import annotations

from collections.abc import Mapping

from changeaudit.records import Commit, Unavailable


def built_on(oid: str, by_oid: Mapping[str, Commit]) -> set[str]:
    """`oid` and those of the commits that it builds on, as far as parents were read."""
    found: set[str] = set()
    todo = [oid]
    while todo:
        at = todo.pop()
        if at not in found and at in by_oid:
            found.add(at)
            todo.extend(_parents(by_oid[at]))
    return found


def roots(oid: str, by_oid: Mapping[str, Commit]) -> set[str]:
    """The commits that it builds on and that are not of the pull request: those of the base.

    There are none where it is no commit of the pull request, or a parent was not read.
    """
    own = built_on(oid, by_oid)
    if any(isinstance(by_oid[each].parents, Unavailable) for each in own):
        return set()
    return {parent for each in own for parent in _parents(by_oid[each])} - own


def _parents(commit: Commit) -> tuple[str, ...]:
    return () if isinstance(commit.parents, Unavailable) else commit.parents
