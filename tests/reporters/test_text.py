"""Hostile text becomes one safe line, and nothing of it is lost."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from changeaudit.reporters.text import day, encodable, instant, one_line, restored

ANY_TEXT = st.text(
    st.one_of(
        st.characters(),
        st.characters(categories=["Cs", "Cc", "Cf"]),
        st.sampled_from("\\xu0123456789abcdefU\u202e\x1b\ud83d"),
    )
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("", ""),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("a\r\nb\tc", r"a\x0d\x0ab\x09c"),
        ("\x9b2J\x85\x7f\x00", r"\x9b2J\x85\x7f\x00"),
        ("\u202egpj.exe\u2069", r"\u202egpj.exe\u2069"),
        ("a\u200bb\u200dc\ufeffd\u200e\u061c", r"a\u200bb\u200dc\ufeffd\u200e\u061c"),
        ("a\u2028b\u2029", r"a\u2028b\u2029"),
        ("half \ud83d", r"half \ud83d"),
        ("tag \U000e0041", r"tag \U000e0041"),
        ("[bold]markup[/] <b>", "[bold]markup[/] <b>"),
        ("変更 naïve ✈\ufe0f", "変更 naïve ✈\ufe0f"),
        (r"C:\users\new", r"C:\users\new"),
        (r"\x1b written out", r"\x5cx1b written out"),
    ],
)
def test_what_would_act_or_hide_is_shown(text: str, shown: str) -> None:
    """Controls, bidi, zero width and lone surrogates are visible; the rest is untouched."""
    assert one_line(text) == shown


@given(ANY_TEXT)
def test_a_line_is_safe_and_can_be_restored(text: str) -> None:
    """No control or format character is left, UTF-8 carries the line, and nothing is lost."""
    line = one_line(text)
    line.encode("utf-8")
    assert "\n" not in line
    assert len(line.splitlines()) <= 1
    assert not any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} for c in line)
    assert not any(
        unicodedata.bidirectional(c) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "PDI"}
        for c in line
    )
    assert restored(line) == text


@given(ANY_TEXT, st.sampled_from(["ascii", "cp1252", "cp437", "latin-1"]))
def test_a_line_fits_the_encoding_of_its_stream(text: str, encoding: str) -> None:
    """Whatever a stream cannot carry is shown as an escape, not refused."""
    line = one_line(text, encoding=encoding)
    line.encode(encoding)
    assert restored(line) == text


@given(ANY_TEXT, st.integers(min_value=0, max_value=30), st.sampled_from(["utf-8", "ascii"]))
def test_a_cut_line_keeps_to_its_cells_and_says_so(text: str, limit: int, encoding: str) -> None:
    """A line never takes more room than it was given; a cut ends in its mark."""
    whole = one_line(text, encoding=encoding)
    line = one_line(text, limit, encoding)
    line.encode(encoding)
    assert cell_len(line) <= limit
    if line != whole:
        assert line.endswith(("…" if encoding == "utf-8" else "...")[:limit])


@pytest.mark.parametrize(
    ("text", "limit", "encoding", "shown"),
    [
        ("abcdef", 6, "utf-8", "abcdef"),
        ("abcdefg", 6, "utf-8", "abcde…"),
        ("変更管理", 8, "utf-8", "変更管理"),
        ("変更管理", 6, "utf-8", "変更…"),
        ("ab cd", 4, "utf-8", "ab…"),
        ("abcdefg", 6, "ascii", "abc..."),
        ("abc", 2, "ascii", ".."),
        ("abc", 0, "utf-8", ""),
        ("e" + "\u0301" * 100, 10, "utf-8", "e" + "\u0301" * 39 + "…"),
    ],
)
def test_cuts_are_by_display_width(text: str, limit: int, encoding: str, shown: str) -> None:
    """Wide characters count twice, piled-up accents are cut, and the mark fits the encoding."""
    assert one_line(text, limit, encoding) == shown


@given(ANY_TEXT)
def test_encodable_text_changes_only_lone_surrogates(text: str) -> None:
    """Text that UTF-8 can carry stays as it is, but for a backslash that reads like an escape."""
    fit = encodable(text)
    fit.encode("utf-8")
    if not any(unicodedata.category(c) == "Cs" for c in text) and "\\ud" not in text:
        assert fit == text


def test_encodable_tells_escapes_from_the_same_letters() -> None:
    """A lone surrogate and the six characters that name it do not become the same text."""
    assert encodable("\ud83d") == r"\ud83d"
    assert encodable(r"\ud83d") == r"\x5cud83d"
    assert encodable("a\nb\x1b") == "a\nb\x1b"


def test_instants_are_printed_in_utc() -> None:
    """Whatever the zone of the value, what is printed is UTC, to the second."""
    east = timezone(timedelta(hours=9))
    assert instant(datetime(2026, 1, 15, 12, tzinfo=UTC)) == "2026-01-15T12:00:00Z"
    assert instant(datetime(2026, 1, 1, 8, 30, 1, 999, tzinfo=east)) == "2025-12-31T23:30:01Z"
    assert instant(datetime(987, 1, 1, tzinfo=UTC)) == "0987-01-01T00:00:00Z"
    assert day(datetime(2026, 1, 1, 8, 30, tzinfo=east)) == "2025-12-31"
