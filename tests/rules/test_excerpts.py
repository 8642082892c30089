"""Quotations and enumerations: on one line, and not all of what is long."""

from __future__ import annotations

import pytest

from changeaudit.rules.excerpts import NAMED, quoted, some


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("a  b\r\n\tc", 80, '"a b c"'),
        ("", 80, '""'),
        ("x" * 5, 5, '"xxxxx"'),
        ("x" * 6, 5, '"xxxx…"'),
        ("x" * 81, 80, f'"{"x" * 79}…"'),
        (" " * 50 + "words", 5, '"words"'),
    ],
)
def test_a_quotation_is_on_one_line_and_cut(text: str, limit: int, shown: str) -> None:
    assert quoted(text, limit) == shown


def test_of_endless_blanks_only_the_beginning_is_read() -> None:
    """However long a text, twenty times of what is shown are looked at."""
    assert quoted("a" + " " * 1000 + "b", 5) == '"a"'


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0, ""),
        (1, "1"),
        (2, "1 and 2"),
        (10, "1, 2, 3, 4, 5, 6, 7, 8, 9 and 10"),
        (11, "1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more"),
        (30, "1, 2, 3, 4, 5, 6, 7, 8, 9 and 21 more"),
    ],
)
def test_of_many_things_the_first_are_named_and_the_others_counted(number: int, shown: str) -> None:
    assert NAMED == 10
    assert some(str(n + 1) for n in range(number)) == shown
