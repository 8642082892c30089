"""What was collected: the table, and JSON after its schema."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from rich.console import Console

from changeaudit.reporters.collected import (
    SCHEMA,
    Collected,
    CollectedTickets,
    Collection,
    write_table,
)
from changeaudit.reporters.json import collection_schema, write
from reporters.conftest import Golden

DOCS = Path(__file__).parents[2] / "docs"
FROM, TO = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)


def collection(*tickets: int) -> Collection:
    payments = Collected("acme/payments", 12, ("main", "release\u202e/1"), TO)
    return Collection(SCHEMA, "github.com", FROM, TO, (payments,), CollectedTickets(*tickets))


def test_the_json_is_after_its_schema() -> None:
    stream = io.StringIO()
    write(collection(51, 4, 0), stream)
    assert "\u202e" not in stream.getvalue()
    found = json.loads(stream.getvalue())
    jsonschema.validate(found, collection_schema(), cls=jsonschema.Draft202012Validator)
    assert found["tickets"] == {"held": 51, "not_visible": 4, "not_asked": 0}
    assert found["repositories"][0]["branches"] == ["main", "release\u202e/1"]


def test_the_published_schema_is_what_the_program_makes(golden: Golden) -> None:
    """`docs/collected.schema.json` is what the program makes; RENEW_GOLDEN=1 writes it anew."""
    made = json.dumps(collection_schema(), indent=2, ensure_ascii=False) + "\n"
    golden("../../../docs/collected.schema.json", made.encode())
    assert (DOCS / "collected.schema.json").read_text(encoding="utf-8") == made


@pytest.mark.parametrize(
    ("tickets", "said"),
    [
        ((51, 0, 0), "Tickets that the pull requests name: 51 held."),
        ((1200, 4, 0), "Tickets that the pull requests name: 1,200 held, 4 not visible."),
        ((0, 0, 3), "Tickets that the pull requests name: 0 held, 3 not asked for."),
        ((0, 0, 0), "Tickets: the pull requests name none that the policy counts."),
    ],
)
def test_the_table_tells_what_became_of_the_tickets(tickets: tuple[int, ...], said: str) -> None:
    stream = io.StringIO()
    write_table(collection(*tickets), Console(file=stream, width=80))
    assert stream.getvalue().splitlines()[-1] == said
