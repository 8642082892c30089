"""The JSON report says everything, validates against its schema and is safe to print."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from changeaudit.reporters.json import audit_schema, write
from changeaudit.reporters.text import encodable
from changeaudit.verdicts import SCHEMA, Audit
from reporters.sample import audit_of, change, sample_changes

DOCS = Path(__file__).parents[2] / "docs"


def written(audit: Audit) -> str:
    stream = io.StringIO()
    write(audit, stream)
    return stream.getvalue()


def test_golden(audit: Audit, golden: Callable[[str, bytes], None]) -> None:
    """The document of the sample is the one that was looked at."""
    golden("audit.json", written(audit).encode("utf-8"))


def test_the_same_audit_gives_the_same_document(audit: Audit) -> None:
    assert written(audit) == written(audit)


def test_the_document_reads_back_as_the_audit() -> None:
    """Nothing is left out: where every text can be encoded, the audit itself comes back."""
    plain = audit_of([c for c in sample_changes() if encodable(c.title) == c.title])
    assert len(plain.changes) == 8
    again = msgspec.json.decode(written(plain), type=Audit)
    assert msgspec.structs.replace(again, changes=tuple(again.changes)) == plain


def test_instants_are_in_utc(audit: Audit) -> None:
    document = json.loads(written(audit))
    assert document["period"] == {
        "since": "2026-01-01T00:00:00Z",
        "until": "2026-02-01T00:00:00Z",
    }


def test_lone_surrogates_become_visible(audit: Audit) -> None:
    """No encoding carries half a character: its escape is there to read instead."""
    titles = [entry["title"] for entry in json.loads(written(audit))["changes"]]
    assert any(r"half\ud83d" in title for title in titles)
    written(audit).encode("utf-8")


@given(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.text(st.characters(categories=["Cc", "Cf", "Zl", "Zp"])),
)
def test_any_text_comes_back_and_nothing_in_it_reaches_the_terminal(text: str, odd: str) -> None:
    """Controls and unseen characters are written as JSON's own escapes."""
    document = written(audit_of([change(title=text + odd)]))
    assert json.loads(document)["changes"][0]["title"] == text + odd
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", document)


def test_the_sample_validates(audit: Audit) -> None:
    """What is written is what the schema describes, the formats of its instants included."""
    schema = audit_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    validator.validate(json.loads(written(audit)))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), "changeaudit/audit/2"),
        (("changes", 0, "result"), "fine"),
        (("changes", 0, "class"), "usual"),
        (("changes", 0, "steps", 0, "attributes", 0, "reason"), None),
        (("summary", "changes"), "nine"),
    ],
)
def test_the_schema_refuses_what_is_no_audit(
    audit: Audit, path: tuple[str | int, ...], value: object
) -> None:
    document = json.loads(written(audit))
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, audit_schema())


def test_the_schema_names_the_version_that_audits_carry(audit: Audit) -> None:
    assert audit.schema == SCHEMA == audit_schema()["title"]


def test_the_published_schema_is_current(golden: Callable[[str, bytes], None]) -> None:
    """`docs/audit.schema.json` is what the program makes; RENEW_GOLDEN=1 writes it anew."""
    made = json.dumps(audit_schema(), indent=2, ensure_ascii=False) + "\n"
    golden("../../../docs/audit.schema.json", made.encode("utf-8"))
    assert (DOCS / "audit.schema.json").read_text(encoding="utf-8") == made


def test_an_audit_of_before_duties_were_stated_is_still_read(audit: Audit) -> None:
    """Fields are only added: what an earlier version wrote lacks them and reads as nobody."""
    document = json.loads(written(audit))
    for name in ("forbidden_pairs", "undetermined_pairs"):
        del document["summary"][name]
    for row in document["changes"]:
        del row["duties"], row["conflicts"]
    old = msgspec.convert(document, Audit)
    assert {(each.duties, each.conflicts) for each in old.changes} == {((), ())}
    assert written(old)
