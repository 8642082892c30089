"""The checks in the terminal: every one of them, whatever it says and however narrow it is."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime

import jsonschema
import pytest
from rich.console import Console

from changeaudit.readiness import SCHEMA, Check, Readiness, Status
from changeaudit.reporters.json import readiness_schema, write
from changeaudit.reporters.readiness import LETTERS, SYMBOLS, render

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
LONG = "It cannot be read (HTTP 403: Resource not accessible). " * 4
FOUND = Readiness(
    SCHEMA,
    "1.2.3",
    NOW,
    (
        Check("api", "GitHub", "API", Status.OK, "It answers."),
        Check("clock", "GitHub", "Clock", Status.NOT_CHECKED, "Not told."),
        Check("team", "Policy", "Team acme/a-team-of-a-long-name", Status.FAILED, LONG, LONG),
        Check("policy", "Policy", "Policy", Status.WARNING, "Unsaid.", "Say it."),
    ),
)


def shown(found: Readiness, width: int = 80, encoding: str = "utf-8", **options: bool) -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="")
    render(found, Console(file=stream, width=width, highlight=False, **options))  # type: ignore[arg-type]
    stream.flush()
    return raw.getvalue().decode(encoding)


@pytest.mark.parametrize("width", [40, 80, 160])
@pytest.mark.parametrize("terminal", [True, False])
def test_nothing_is_cut_and_no_line_is_too_long(width: int, terminal: bool) -> None:
    text = shown(FOUND, width, force_terminal=terminal, no_color=True)
    lines = [line.rstrip() for line in text.splitlines()]
    assert max(map(len, lines)) <= max(width, 80) + (8 if terminal else 0)
    words = " ".join(text.replace("→", "").split())
    for check in FOUND.checks:
        assert check.title in words
        assert " ".join(check.advice.split()) in words


def test_how_it_looks() -> None:
    assert shown(Readiness(SCHEMA, "1.2.3", NOW, (*FOUND.checks[:2], FOUND.checks[3]))) == (
        "changeaudit doctor · 1.2.3 · 2026-06-01T12:00:00Z\n"
        "\n"
        "GitHub\n"
        "  ✓ API               It answers.\n"
        "  – Clock             Not told.\n"
        "\n"
        "Policy\n"
        "  ! Policy            Unsaid.\n"
        "                      → Say it.\n"
        "\n"
        "0 failed, 1 warning, 1 ok, 1 not checked\n"
    )


def test_a_long_title_has_a_line_of_its_own() -> None:
    lines = shown(FOUND).splitlines()
    at = lines.index("  ✗ Team acme/a-team-of-a-long-name")
    assert lines[at + 1].startswith(" " * 22 + "It cannot be read")


def test_letters_where_symbols_cannot_be_written() -> None:
    text = shown(FOUND, encoding="ascii")
    assert not set("".join(SYMBOLS.values())) - {"!"} & set(text)
    assert all(mark.strip() in text for mark in LETTERS.values())
    assert "-> Say it." in text


def test_what_servers_say_moves_nothing() -> None:
    hostile = "\x1b[2J[bold]\u202e\n\n<b>"
    check = Check("api", hostile, hostile, Status.FAILED, hostile, hostile)
    text = shown(Readiness(SCHEMA, "1.2.3", NOW, (check,)), 120)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert text.count("\\x1b[2J[bold]\\u202e\\x0a\\x0a<b>") == 4


def test_the_json_is_what_the_published_schema_says(golden: Callable[[str, bytes], None]) -> None:
    """`docs/doctor.schema.json` is what the program makes; RENEW_GOLDEN=1 writes it anew."""
    schema = readiness_schema()
    made = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
    golden("../../../docs/doctor.schema.json", made.encode("utf-8"))
    stream = io.StringIO()
    write(FOUND, stream)
    document = json.loads(stream.getvalue())
    jsonschema.validate(document, schema)
    assert [check["status"] for check in document["checks"]] == [c.status for c in FOUND.checks]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "schema": "changeaudit/doctor/2"}, schema)
