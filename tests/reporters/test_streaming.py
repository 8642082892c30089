"""Reports are written change by change, whatever their number: none of them holds all at once."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

import msgspec
import pytest

from changeaudit.reporters import csv
from changeaudit.reporters import json as as_json
from changeaudit.reporters.html.pack import write_pack
from changeaudit.reporters.html.pages import index_page
from changeaudit.reporters.html.slugs import sheet_names
from changeaudit.verdicts import Audit, AuditedChange
from reporters.sample import audit_of, sample_changes

PAYMENTS = "acme/payments"
MANY = 2_000


class Made(Sequence[AuditedChange]):
    """Changes that are made when they are asked for; `asked` is the place that was asked last."""

    def __init__(self, number: int) -> None:
        self._like = sample_changes()[1]
        self._number = number
        self.asked = -1

    def __len__(self) -> int:
        return self._number

    def __getitem__(self, place: Any) -> Any:
        if place >= self._number:
            raise IndexError(place)
        self.asked = place
        id_, title = f"{PAYMENTS}#{place}", f"Change {place}"
        return msgspec.structs.replace(self._like, number=place, id=id_, title=title)


class Watching(io.StringIO):
    """Notes how far the changes had been asked for when text was written, and how much it was."""

    def __init__(self, changes: Made) -> None:
        super().__init__()
        self._changes = changes
        self.places: list[int] = []
        self.longest = 0

    def write(self, text: str) -> int:
        self.places.append(self._changes.asked)
        self.longest = max(self.longest, len(text))
        return super().write(text)


def audit_with(changes: Made) -> Audit:
    return msgspec.structs.replace(audit_of([sample_changes()[1]]), changes=changes)


@pytest.mark.parametrize(
    "write",
    [as_json.write, csv.write_attributes, csv.write_changes],
    ids=["json", "csv", "changes"],
)
def test_a_change_is_written_before_the_next_is_asked_for(
    write: Callable[[Audit, TextIO], None],
) -> None:
    changes = Made(50)
    stream = Watching(changes)
    write(audit_with(changes), stream)
    assert set(range(50)) <= set(stream.places)
    assert stream.longest < len(stream.getvalue()) / 10


def test_the_document_is_the_same_whether_changes_are_held_or_made() -> None:
    changes = Made(3)
    made, held = io.StringIO(), io.StringIO()
    as_json.write(audit_with(changes), made)
    as_json.write(msgspec.structs.replace(audit_with(changes), changes=tuple(changes)), held)
    assert made.getvalue() == held.getvalue()
    whole = msgspec.json.encode(msgspec.structs.replace(audit_with(changes), changes=[*changes]))
    assert json.loads(made.getvalue()) == json.loads(whole)


def test_the_index_comes_in_parts_none_of_which_holds_much_of_it() -> None:
    changes = Made(MANY)
    audit = audit_with(changes)
    parts = index_page(audit, sheet_names(changes))

    def lengths() -> Iterator[int]:
        return (len(part) for part in parts)

    taken = list(lengths())
    assert sum(taken) > 2_000_000
    assert max(taken) < 200_000


def test_a_cause_that_many_changes_share_is_told_once(tmp_path: Path) -> None:
    """Each change still names it, with a link to where it is told."""
    changes = Made(150)
    index = write_pack(audit_with(changes), tmp_path)[0].read_text(encoding="utf-8")
    shared = index.partition('id="register"')[2].partition("Change by change")[0]
    rows = index.partition("Change by change")[2].partition("</section>")[0]
    causes = shared.count('<tr id="C')
    assert causes
    assert "150</td>" in shared
    assert rows.count('<a href="#C1">C1</a>') == 150
    assert rows.count('<a href="#C') == 150 * causes
    for verdict in changes[0].verdicts():
        if verdict.outcome in ("exception", "undetermined"):
            assert verdict.reason not in rows


def test_what_a_hundred_changes_share_is_told_of_each(tmp_path: Path) -> None:
    index = write_pack(audit_with(Made(100)), tmp_path)[0].read_text(encoding="utf-8")
    assert "Causes that many changes share" not in index


def test_a_cause_of_one_change_among_many_stays_with_it(tmp_path: Path) -> None:
    many = Made(150)
    own = msgspec.structs.replace(sample_changes()[3], id="acme/web#7", number=7)
    audit = msgspec.structs.replace(audit_with(many), changes=(*many, own))
    index = write_pack(audit, tmp_path)[0].read_text(encoding="utf-8")
    assert "acme/web#7" in index.partition("Change by change")[2]
