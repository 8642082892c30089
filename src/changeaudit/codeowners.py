"""A CODEOWNERS file: who owns a path, as GitHub reads it. Pure.

The last pattern that a path matches says who owns it; one without owners says that nobody does.
Patterns are those of gitignore, less what GitHub's documentation takes out: no `!`, no `[ ]`, no
escaped `#`, and no three asterisks in a row. GitHub skips a line that it finds invalid, and so
does this: `Ownership.skipped` has their numbers. Case counts in paths.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Final

LOCATIONS: Final = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
"""Where the file may lie, in the order in which GitHub looks: the first that exists counts."""

MAX_BYTES: Final = 3_000_000
"""GitHub loads no file of this size or above ("under 3 MB")."""

_WORD: Final = re.compile(r"(?:\\[\s\S]|[^\\ \t])+")
_OWNER: Final = re.compile(
    r"@[A-Za-z0-9][A-Za-z0-9_-]*(?:/[A-Za-z0-9._-]+)?|[!-.0-?A-~]+@[!-.0-?A-~]+"
)

MAX_WILD: Final = 200_000
"""How many characters of patterns with wildcards are tried on a path; some ten thousand lines."""

_KEPT: Final = 100_000
"""How many paths' owners are remembered of one file."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A line that is valid: its number from 1, its pattern, and its owners as written."""

    line: int
    pattern: str
    owners: tuple[str, ...]


@dataclass(frozen=True)
class Ownership:
    """What a CODEOWNERS file says: its rules in order, and the numbers of the lines skipped."""

    rules: tuple[Rule, ...]
    skipped: tuple[int, ...]
    _known: dict[str, Rule | None] = field(default_factory=dict, compare=False, repr=False)

    @property
    def teams(self) -> tuple[str, ...]:
        """The teams that own anything, as organisation/slug, each once."""
        found = {
            owner.casefold(): owner.removeprefix("@")
            for rule in self.rules
            for owner in rule.owners
            if is_team(owner)
        }
        return tuple(found.values())

    @cached_property
    def too_long(self) -> bool:
        """Whether it has so many patterns with wildcards that no path is held against them."""
        return sum(map(len, self._index.wild)) > MAX_WILD

    @cached_property
    def owner_sets(self) -> tuple[tuple[str, ...], ...]:
        """Every set of owners that some path may have, each once."""
        return tuple(dict.fromkeys(rule.owners for rule in self.rules if rule.owners))

    def rule_of(self, path: str) -> Rule | None:
        """The rule that says who owns `path`; `None` where no pattern matches it.

        Not to be asked of a file that is `too_long`.
        """
        try:
            return self._known[path]
        except KeyError:
            if len(self._known) >= _KEPT:
                self._known.clear()
            number = self._index.last(path)
            found = self._known[path] = self.rules[number] if number >= 0 else None
            return found

    @cached_property
    def _index(self) -> _Index:
        return _Index.of(rule.pattern for rule in self.rules)


def is_team(owner: str) -> bool:
    """Whether an owner, as written, is a team."""
    return owner.startswith("@") and "/" in owner


@lru_cache(maxsize=16)
def parse(text: str) -> Ownership:
    """Read a CODEOWNERS file. Every text is one; what is wrong in it is skipped line by line."""
    rules: list[Rule] = []
    skipped: list[int] = []
    for number, line in enumerate(text.split("\n"), start=1):
        words = _words(line.removesuffix("\r"))
        if words is None:
            skipped.append(number)
        elif words:
            pattern, *owners = words
            if _valid(pattern) and all(map(_OWNER.fullmatch, owners)):
                rules.append(Rule(number, pattern, tuple(dict.fromkeys(owners))))
            else:
                skipped.append(number)
    return Ownership(tuple(rules), tuple(skipped))


def _words(line: str) -> list[str] | None:
    """The words before the comment, blanks in them escaped; `None` if it ends in a backslash."""
    words: list[str] = []
    at = 0
    while at < len(line):
        if line[at] in " \t":
            at += 1
        elif line[at] == "#":
            break
        elif found := _WORD.match(line, at):
            words.append(found[0])
            at = found.end()
        else:
            return None
    return words


def _valid(pattern: str) -> bool:
    """Whether GitHub takes it for a pattern."""
    return not (
        pattern.startswith("!") or "***" in pattern or any(sign in pattern for sign in "[]#")
    )


# Matching ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Index:
    """The patterns, by what finds them: most are plain paths and names, which are looked up.

    Each value is the number of the last rule with that pattern. `beneath` are directories, written
    with a slash at the end: they hold what is under them and are no file themselves. `wild` has
    the last rules first.
    """

    paths: dict[str, int]
    paths_beneath: dict[str, int]
    names: dict[str, int]
    names_beneath: dict[str, int]
    wild: dict[str, int]

    @classmethod
    def of(cls, patterns: Iterable[str]) -> _Index:
        index = cls({}, {}, {}, {}, {})
        wild: dict[str, int] = {}
        for number, pattern in enumerate(patterns):
            plain = _plain(pattern)
            if plain is None:
                wild[pattern] = number
                continue
            bare = plain.removeprefix("/").removesuffix("/")
            beneath = plain.endswith("/")
            if "/" in plain.removesuffix("/"):
                (index.paths_beneath if beneath else index.paths)[bare] = number
            else:
                (index.names_beneath if beneath else index.names)[bare] = number
        index.wild.update(sorted(wild.items(), key=lambda item: item[1], reverse=True))
        return index

    def last(self, path: str) -> int:
        """The number of the last rule whose pattern `path` matches, -1 where there is none."""
        found = max(self.paths.get(path, -1), self.names.get(path.rpartition("/")[2], -1))
        start, end = 0, path.find("/")
        while end >= 0:
            above, name = path[:end], path[start:end]
            found = max(
                found,
                self.paths.get(above, -1),
                self.paths_beneath.get(above, -1),
                self.names.get(name, -1),
                self.names_beneath.get(name, -1),
            )
            start, end = end + 1, path.find("/", end + 1)
        for pattern, number in self.wild.items():
            if number < found:
                break
            if _compiled(pattern).match(path):
                return number
        return found


def _plain(pattern: str) -> str | None:
    """A pattern without its escapes, `None` where it holds a wildcard."""
    if "\\" not in pattern:
        return None if "*" in pattern or "?" in pattern else pattern
    signs: list[str] = []
    escaped = False
    for sign in pattern:
        if escaped or sign != "\\":
            if not escaped and sign in "*?":
                return None
            signs.append(sign)
            escaped = False
        else:
            escaped = True
    return "".join(signs)


@lru_cache(maxsize=MAX_WILD)
def _compiled(pattern: str) -> re.Pattern[str]:
    """The expression of a pattern with wildcards, to be matched from the start of a path.

    What follows a wildcard, up to the next one, may take the first place where it fits: the next
    wildcard can skip whatever a later place could. So each stretch is atomic, and nothing is tried
    in more ways than there are places to begin at.
    """
    beneath = pattern.endswith("/")
    segments = pattern.removesuffix("/").split("/")
    if segments[0] == "":
        del segments[0]
    elif len(segments) == 1:
        segments.insert(0, "**")
    if segments[-1] == "**":
        beneath = True
        while segments and segments[-1] == "**":
            segments.pop()
        if not segments:
            return re.compile(r"[\s\S]*?/" if pattern.endswith("/") else r"[\s\S]")
    if beneath:
        end = "/"
    elif segments[-1] == "*":
        end = r"\Z"
    else:
        end = r"(?:/|\Z)"
    # Each group of segments stands in a row; before all but the first any directories may come.
    groups: list[list[str]] = [[]]
    for segment in segments:
        if segment == "**":
            groups.append([])
        else:
            groups[-1].append(segment)
    parts = ["/".join(map(_segment, groups[0]))] if groups[0] else []
    parts += [r"(?:[\s\S]*?/)??" + "/".join(map(_segment, g)) for g in groups[1:] if g]
    atomic = "".join(f"(?>{part}/)" for part in parts[:-1])
    return re.compile(atomic + parts[-1] + end)


def _segment(segment: str) -> str:
    """The expression of one whole segment; what comes after it is a slash or the end."""
    stretches: list[str] = [""]
    escaped = False
    for sign in segment:
        if not escaped and sign == "\\":
            escaped = True
            continue
        if escaped or sign not in "*?":
            stretches[-1] += re.escape(sign)
        elif sign == "?":
            stretches[-1] += "[^/]"
        else:
            stretches.append("")
        escaped = False
    first, *rest = stretches
    if not rest:
        return first
    if not any(stretches):
        return "[^/]+"
    *middle, last = rest
    atomic = "".join(f"(?>[^/]*?{stretch})" for stretch in middle if stretch)
    return f"{first}{atomic}" + (f"[^/]*?{last}(?![^/])" if last else "[^/]*+")
