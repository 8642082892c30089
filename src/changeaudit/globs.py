"""Patterns for paths, branches and repositories, as a policy writes them.

`*` stands for any characters, `/` among them, so that `*.sql` matches at every depth; `?` for one
character; `[ab]`, `[a-z]` and `[!a]` for one of, or none of, the characters. `**/` at the start of
a segment stands for any number of directories, none included. A pattern that ends with `/` means
everything beneath, and a leading `/` is the root, which every pattern starts from anyway. Case
counts. Every text is a valid pattern.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache


def matches(text: str, pattern: str) -> bool:
    """Whether the whole of `text` matches `pattern`, in time linear in `text`."""
    return _compiled(pattern).fullmatch(text) is not None


def first_match(text: str, patterns: Iterable[str]) -> str | None:
    """The first of `patterns` that `text` matches, `None` where there is none."""
    return next((pattern for pattern in patterns if matches(text, pattern)), None)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
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
    return re.compile(_fixed(parts[0]) + atomic + "".join(groups[-1:]), re.DOTALL)


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
