"""Patterns of paths and branches, held against a plain definition of what they mean."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from changeaudit.globs import first_match, matches, matches_any, matching


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("main", "main"),
        ("auth/login.py", "auth/**"),
        ("auth/a/b/login.py", "auth/*"),
        ("auth/login.py", "auth/"),
        ("auth/login.py", "/auth/"),
        ("db/migrations/1.sql", "*.sql"),
        ("auth/login.py", "**/auth/**"),
        ("src/auth/login.py", "**/auth/**"),
        ("a/b", "a/**/b"),
        ("a/x/y/b", "a/**/b"),
        ("a/a/b", "**/a/b"),
        ("release/1.2", "release/[0-9].[!a-z]"),
        ("a]b", "a[]]b"),
        ("a-b", "a[x-]b"),
        ("[", "["),
        ("a[b", "a[b"),
        ("a\nb", "a?b"),
        ("", "*"),
        ("x", "[!]]"),
        ("x", "[!z-a]"),
    ],
)
def test_matches(text: str, pattern: str) -> None:
    """What a pattern means, one case a line."""
    assert matches(text, pattern)


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("main2", "main"),
        ("Main", "main"),
        ("author/login.py", "auth/**"),
        ("src/oauth/login.py", "**/auth/**"),
        ("a/xb", "a/**/b"),
        ("mainx", "main?x"),
        ("a", "[z-a]"),
        ("b", "[!b]"),
        ("a.b", "a[.]c"),
        ("aXb", "a.b"),
        ("", "?"),
    ],
)
def test_does_not_match(text: str, pattern: str) -> None:
    """What a pattern does not mean."""
    assert not matches(text, pattern)


def _defined(text: str, pattern: str) -> bool:
    """The meaning of `*`, `**/` at a segment's start, and literals, tried in every way."""
    if not pattern:
        return not text
    if pattern.startswith("**/"):
        rest = pattern[3:]
        return _defined(text, rest) or any(
            _defined(text[i + 1 :], rest) for i, c in enumerate(text) if c == "/"
        )
    if pattern[0] == "*":
        rest = pattern.lstrip("*")
        return any(_defined(text[i:], rest) for i in range(len(text) + 1))
    return text[:1] == pattern[0] and _defined(text[1:], pattern[1:])


PARTS = st.lists(st.sampled_from(["a", "b", "*", "**/", "a/", "/a/"]), max_size=7)


@given(st.text("ab/", max_size=9), PARTS)
def test_agrees_with_the_definition(text: str, parts: list[str]) -> None:
    """However wildcards follow each other, trying the first place loses no match."""
    pattern = "".join(["x/", *parts])
    in_a_segment = re.search(r"[^/]\*\*/", pattern)  # there the stars are no directories
    assume(not in_a_segment and not pattern.endswith("/"))
    assert matches(f"x/{text}", pattern) == _defined(f"x/{text}", pattern)


@given(st.text(max_size=60), st.text(max_size=60))
def test_every_text_is_a_pattern(text: str, pattern: str) -> None:
    """No pattern raises."""
    assert matches(text, pattern) in (True, False)


@given(st.text("ab/", min_size=1, max_size=30).filter(lambda t: t[0] != "/" and t[-1] != "/"))
def test_a_name_without_wildcards_matches_itself_alone(name: str) -> None:
    """A plain name is a pattern for itself."""
    assert matches(name, name)
    assert not matches(name + "c", name)


def test_time_is_linear() -> None:
    """A pattern of many wildcards and a long text that nearly matches take no time."""
    began = time.perf_counter()
    assert not matches("a" * 4_000, "*a" * 80 + "b")
    assert not matches("a/" * 4_000, "**/a/" * 40 + "b")
    assert time.perf_counter() - began < 2


def test_first_match_is_the_first_pattern_listed() -> None:
    """The pattern that is named is the first that matches, `None` where none does."""
    assert first_match("auth/x", ("db/**", "auth/**", "*")) == "auth/**"
    assert first_match("auth/x", ("db/**",)) is None


@given(st.text("ab/.*?", max_size=12), st.lists(st.text("ab/.*?[]!-", max_size=8), max_size=4))
def test_several_patterns_match_what_any_of_them_does(text: str, patterns: list[str]) -> None:
    """One expression for all of them changes nothing; without a pattern nothing matches."""
    expected = any(matches(text, pattern) for pattern in patterns)
    assert matches_any(text, tuple(patterns)) is expected
    assert (first_match(text, patterns) is not None) is expected


@given(
    st.lists(st.text("ab/.*[\n", max_size=12), max_size=4),
    st.lists(st.text("ab/.*?[]!-", max_size=8), max_size=4),
)
def test_looking_at_all_texts_at_once_finds_those_that_match(
    texts: list[str], patterns: list[str]
) -> None:
    """A pattern is passed over only where no text holds what it needs."""
    expected = [text for text in texts if matches_any(text, tuple(patterns))]
    assert matching(texts, tuple(patterns)) == expected


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("crypto/a", "**/crypto/*"),
        ("a/crypto/a", "**/crypto/*"),
        ("a/b", "a/**/b"),
        ("auth/x", "/auth/"),
        ("key.pem", "*.p[e]m"),
        ("a-long-name", "a?long*[e]"),
    ],
)
def test_no_path_that_matches_is_passed_over(path: str, pattern: str) -> None:
    """What a pattern needs is the longest of its words, which its wildcards do not stand for."""
    assert matching(["other", path], ("nowhere/**", pattern)) == [path]
