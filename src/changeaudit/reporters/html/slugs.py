"""File names for the sheets: readable, safe on every file system, and one for each change."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import count

from changeaudit.verdicts import AuditedChange

_UNSAFE = re.compile(r"[^a-z0-9._-]+")
_LONGEST = 80


def sheet_names(changes: Sequence[AuditedChange]) -> tuple[str, ...]:
    """The file name of each change's sheet, in the order of `changes`, all different.

    A name is lower case ASCII, so that it stays one name where case does not count, and always
    ends in a number or an oid, so that it is never a device of Windows. Where two changes would
    share a name ("a-b/c" and "a/b-c"), each carries a digest of its id, whichever comes first.
    """
    plain = [_plain(change) for change in changes]
    shared = Counter(plain)
    taken: dict[str, None] = {}
    for change, name in zip(changes, plain, strict=True):
        free = (each for each in _candidates(change, name, shared[name] > 1) if each not in taken)
        taken[next(free)] = None
    return tuple(f"{name}.html" for name in taken)


def _candidates(change: AuditedChange, name: str, shared: bool) -> Iterator[str]:
    if not shared:
        yield name
    name = f"{name}-{_digest(change.id)}"
    yield name
    yield from (f"{name}-{again}" for again in count(2))


def _plain(change: AuditedChange) -> str:
    repository = _safe(change.repository)[:_LONGEST] or "repository"
    if change.number is not None:
        return f"{repository}-{change.number}"
    oid = _safe(change.id.rpartition("@")[2])[:12]
    return f"{repository}-{oid or _digest(change.id)}"


def _safe(text: str) -> str:
    return _UNSAFE.sub("-", text.lower()).strip("-.")


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
