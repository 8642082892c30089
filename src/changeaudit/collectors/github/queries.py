"""The GraphQL documents that ship with the program, each with the fragments that it spreads."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from importlib.resources import files

from changeaudit.records import Record

_SPREAD = re.compile(r"\.\.\.([A-Z]\w*)")
_FRAGMENT = re.compile(r"^fragment (\w+) on .*?^}\n", re.M | re.S)


class Operation(Record, frozen=True):
    """A GraphQL document that can be sent: its name, its text, and the SHA-256 of the text."""

    name: str
    text: str
    digest: str


@cache
def operation(file: str) -> Operation:
    """The operation of `queries/{file}.graphql` with every fragment that it reaches."""
    return compose(file, _own_text(file))


def compose(name: str, text: str) -> Operation:
    """An operation from `text`, to which the fragments that it reaches are added."""
    fragments = _fragments()
    defined = {match[1] for match in _FRAGMENT.finditer(text)}
    todo = set(_SPREAD.findall(text)) - defined
    wanted: dict[str, str] = {}
    while todo:
        fragment = todo.pop()
        wanted[fragment] = fragments[fragment]
        todo |= set(_SPREAD.findall(fragments[fragment])) - wanted.keys() - defined
    whole = text + "".join(wanted[key] for key in sorted(wanted))
    return Operation(name, whole, hashlib.sha256(whole.encode()).hexdigest())


def _own_text(file: str) -> str:
    return (files(__package__) / "queries" / f"{file}.graphql").read_text(encoding="utf-8")


@cache
def _fragments() -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in (files(__package__) / "queries").iterdir():
        if entry.name.endswith(".graphql"):
            for match in _FRAGMENT.finditer(entry.read_text(encoding="utf-8")):
                found[match[1]] = match[0]
    return found
