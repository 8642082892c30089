"""What a server asks to wait, however it says so."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changeaudit.collectors.patience import asked_wait

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
THEN = "Mon, 01 Jun 2026 12:01:30 GMT"


@pytest.mark.parametrize(
    ("value", "date", "expected"),
    [
        ("1", "", 1),
        (" 90 ", "", 90),
        ("0", "", 1),
        ("7200", "", 7200),
        (THEN, "", 90),
        (THEN, "soon", 90),
        (THEN, "Mon, 01 Jun 2026 12:01:00 GMT", 30),
        ("Mon, 01 Jun 2026 14:01:30 +0200", "", 90),
        ("Mon, 01 Jun 2026 11:00:00 GMT", "", 1),
        (THEN, "Mon, 01 Jun 2026 15:00:00 GMT", 1),
        ("", THEN, None),
        ("soon", "", None),
        ("-5", "", None),
        ("1.5", "", None),
        ("\u0661", "", None),
        ("9" * 13, "", None),
        ("Mon, 01 Jun 2026 12:01:30", "", None),
        ("Mon, 01 Jun 2026 12:01:30 -0000", "", None),
        ("Mon, 01 Jan 0001 00:00:00 +1200", "", 1),
        ("Fri, 31 Dec 9999 23:59:59 -1200", "", None),
        ("Mon, 01 Jun 20260 12:01:30 GMT", "", None),
        (f"Mon, 01 Jun 2026 {'1' * 5000}:01:30 GMT", "", None),
    ],
)
def test_what_is_asked(value: str, date: str, expected: float | None) -> None:
    """Seconds, or an instant of the server's clock; never less than a second."""
    assert asked_wait(value, date, NOW) == expected


@given(st.text(), st.text())
def test_no_header_is_stumbled_over(value: str, date: str) -> None:
    wait = asked_wait(value, date, NOW)
    assert wait is None or wait >= 1
