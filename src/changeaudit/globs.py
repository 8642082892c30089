"""Patterns for paths, branches and repositories, as a policy writes them.

`*` stands for any characters, `/` among them, so that `*.sql` matches at every depth; `?` for one
character; `[ab]`, `[a-z]` and `[!a]` for one of, or none of, the characters. `**/` at the start of
a segment stands for any number of directories, none included. A pattern that ends with `/` means
everything beneath, and a leading `/` is the root, which every pattern starts from anyway. Case
counts. Every text is a valid pattern.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache


def matches(text: str, pattern: str) -> bool:
    """Whether the whole of `text` matches `pattern`, in time linear in `text`."""
    return _compiled(pattern).fullmatch(text) is not None


@lru_cache(maxsize=16_384)  # the paths of a repository come again from change to change
def matches_any(text: str, patterns: tuple[str, ...]) -> bool:
    """Whether the whole of `text` matches one of `patterns`."""
    return _any_of(patterns).fullmatch(text) is not None


def matching(texts: Sequence[str], patterns: tuple[str, ...]) -> list[str]:
    """Those of `texts` of which the whole matches one of `patterns`.

    Most texts match nothing. So all are searched at once for what a pattern has besides wildcards,
    and only the patterns of which it is found are tried on each.
    """
    together = "\n".join(texts)
    possible = tuple([each for each, needed in _needed(patterns) if needed in together])
    return [text for text in texts if matches_any(text, possible)] if possible else []


def first_match(text: str, patterns: Iterable[str]) -> str | None:
    """The first of `patterns` that `text` matches, `None` where there is none."""
    return next((pattern for pattern in patterns if matches(text, pattern)), None)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(_expression(pattern), re.DOTALL)


@lru_cache(maxsize=256)
def _needed(patterns: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Each pattern with the longest stretch that whatever matches it must hold.

    That is found before the first `[`, which may be one for several characters.
    """
    found: list[tuple[str, str]] = []
    for pattern in patterns:
        fixed = pattern.removeprefix("/").partition("[")[0]
        stretches = re.split(r"(?:^|(?<=/))\*\*/|[*?]+", fixed)
        found.append((pattern, max(stretches, key=len)))
    return tuple(found)


@lru_cache(maxsize=256)
def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """One expression for several patterns, which are tried one after the other."""
    alternatives = "|".join(map(_expression, patterns))
    return re.compile(f"(?:{alternatives})" if patterns else r"(?!)", re.DOTALL)


def _expression(pattern: str) -> str:
    pattern = pattern.removeprefix("/")
    if pattern.endswith("/"):
        pattern += "**"
    # What follows a wildcard, up to the next one, may take the first place where it fits: the
    # next wildcard can skip whatever a later place could. So each group is atomic and nothing
    # is ever tried twice.
    parts = re.split(r"((?:^|(?<=/))\*\*/|\*+)", pattern)
    groups = [
        ("(?:.*?/)??" if wildcard == "**/" else ".*?") + _fixed(fixed)
        for wildcard, fixed in zip(parts[1::2], parts[2::2], strict=True)
    ]
    atomic = "".join(f"(?>{group})" for group in groups[:-1])
    return _fixed(parts[0]) + atomic + "".join(groups[-1:])


def _fixed(text: str) -> str:
    """The expression for a stretch of pattern without `*`: one character for each it matches."""
    regex: list[str] = []
    at = 0
    while at < len(text):
        end = text.find("]", at + (3 if text.startswith("[!", at) else 2))
        if text[at] == "?":
            regex.append(".")
        elif text[at] == "[" and end > 0:
            regex.append(_one_of(text[at + 1 : end]))
            at = end
        else:
            regex.append(re.escape(text[at]))
        at += 1
    return "".join(regex)


def _one_of(text: str) -> str:
    """The expression for `[text]`; a range that runs backwards holds nothing."""
    negated = text.startswith("!")
    chars = text[negated:]
    members: list[str] = []
    while chars:
        if len(chars) >= 3 and chars[1] == "-":
            if chars[0] <= chars[2]:
                members.append(f"{re.escape(chars[0])}-{re.escape(chars[2])}")
            chars = chars[3:]
        else:
            members.append(re.escape(chars[0]))
            chars = chars[1:]
    if not members:
        return "." if negated else r"(?!)"
    return f"[{'^' if negated else ''}{''.join(members)}]"
