"""Stores as one file, and several joined: nothing is lost, doubled, or taken for newer."""

from __future__ import annotations

import gzip
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from changeaudit.archive import FORM, Totals, export, merge
from changeaudit.errors import StoreError
from changeaudit.store import Answer, Item, Store, Window

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(hours: int) -> datetime:
    """An instant so many hours into the year."""
    return START + timedelta(hours=hours)


def put(store: Store, hours: int, body: bytes, version: str, key: str = "PR_1") -> None:
    """An answer that came at that hour and holds one thing in that version."""
    answer = Answer("github.com", "acme/pay", "pull_request", "{}", 200, at(hours), body)
    with store.begin() as writer:
        writer.put(answer, [Item("pull_request", key, 0, version, at(hours))])


def complete(store: Store, as_of: int) -> None:
    """The first hundred hours were collected to their end at that hour."""
    with store.begin() as writer:
        writer.complete(
            Window("github.com", "acme/pay", "pull_request", at(0), at(100), at(as_of), "n")
        )


def exported(store: Store) -> bytes:
    """The archive of a store."""
    stream = io.BytesIO()
    export(store, stream)
    return stream.getvalue()


def lines(archive: bytes) -> list[dict[str, object]]:
    """An archive's lines."""
    return [json.loads(line) for line in gzip.decompress(archive).splitlines()]


def packed(found: list[dict[str, object]], rest: bytes = b"") -> bytes:
    """Lines as an archive."""
    text = b"".join(json.dumps(line).encode() + b"\n" for line in found)
    return gzip.compress(text + rest)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with two answers, of which one is no UTF-8, and a period."""
    made = Store.open(tmp_path / "one.sqlite")
    put(made, 1, b'{"a": 1}', "v1")
    put(made, 2, b"\xff\xfe\x00", "v2")
    complete(made, 3)
    return made


def test_what_is_exported_comes_back_to_the_byte(store: Store, tmp_path: Path) -> None:
    """A store made of an archive gives the same archive."""
    archive = tmp_path / "one.jsonl.gz"
    archive.write_bytes(exported(store))
    with Store.open(tmp_path / "two.sqlite") as other:
        assert merge([str(archive)], other) == Totals(2, 2, 1)
        assert exported(other) == archive.read_bytes()
        assert other.verify() == ()
        assert other.versions("github.com", "pull_request", ["PR_1"]) == {"PR_1": "v2"}
        assert len(other.windows("github.com", "acme/pay", "pull_request")) == 1


def test_the_newest_counts_wherever_it_was_collected(tmp_path: Path) -> None:
    """Answers are joined in the order in which they were received, not store by store."""
    with Store.open(tmp_path / "late.sqlite") as late, Store.open(tmp_path / "b.sqlite") as b:
        put(late, 1, b"1", "v1")
        put(late, 3, b"3", "v3")
        put(b, 2, b"2", "v2")
    for names in (["late", "b"], ["b", "late"]):
        where = tmp_path / f"{'-'.join(names)}.sqlite"
        with Store.open(where) as joined:
            merge([str(tmp_path / f"{name}.sqlite") for name in names], joined)
            assert joined.versions("github.com", "pull_request", ["PR_1"]) == {"PR_1": "v3"}
            bodies = [answer.body for answer, _ in joined.everything()]
            assert bodies == [b"1", b"2", b"3"]


def test_an_answer_that_two_stores_hold_is_there_once(store: Store, tmp_path: Path) -> None:
    """A store merged with its own archive is itself."""
    archive = tmp_path / "one.jsonl.gz"
    archive.write_bytes(exported(store))
    with Store.open(tmp_path / "two.sqlite") as other:
        sources = [str(archive), str(tmp_path / "one.sqlite"), str(archive)]
        assert merge(sources, other) == Totals(2, 2, 1)
        assert exported(other) == archive.read_bytes()


def test_answers_of_one_instant_are_all_kept(tmp_path: Path) -> None:
    """Two that differ in what they hold are two, however close."""
    with Store.open(tmp_path / "a.sqlite") as a, Store.open(tmp_path / "b.sqlite") as b:
        put(a, 1, b"1", "v1", "PR_1")
        put(b, 1, b"2", "v1", "PR_2")
    with Store.open(tmp_path / "c.sqlite") as joined:
        told: list[int] = []
        merge([str(tmp_path / "a.sqlite"), str(tmp_path / "b.sqlite")], joined, told.append)
        assert len(list(joined.everything())) == 2
        assert told == [2]


@settings(max_examples=25, deadline=None)
@given(body=st.binary(max_size=200), text=st.text(st.characters(), max_size=20))
def test_any_bytes_and_any_text_survive(body: bytes, text: str) -> None:
    """Bodies are bytes, and names may hold whatever somebody wrote, lone surrogates too."""
    with TemporaryDirectory() as folder:
        archive = Path(folder) / "a.gz"
        answer = Answer("github.com", text, "kind", text, 200, START, body)
        item = Item("kind", text, 0, text, None)
        with Store.open(Path(folder) / "a.sqlite") as store:
            with store.begin() as writer:
                writer.put(answer, [item])
            archive.write_bytes(exported(store))
        with Store.open(Path(folder) / "b.sqlite") as other:
            merge([str(archive)], other)
            assert list(other.everything()) == [(answer, (item,))]


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda found: found[:-1], "cut short"),
        (lambda found: [*found[:1], *found[2:]], "cut short"),
        (lambda found: [*found, found[1]], "not in its place"),
        (lambda found: found[1:], "not in its place"),
        (lambda found: [*found[:2], found[0], *found[2:]], "not in its place"),
        (lambda found: [{**found[0], "form": "changeaudit/store/9"}], "of the form"),
        (lambda found: [found[0], {**found[1], "text": "else"}, *found[2:]], "digest"),
        (lambda found: [found[0], {**found[1], "text": None}, *found[2:]], "digest"),
        (lambda found: [*found[:2], {**found[2], "base64": "*"}, *found[3:]], "digest"),
        (lambda found: [found[0], {"type": "surprise"}], "line 2"),
        (lambda found: [found[0], {**found[1], "status": "x"}], "line 2"),
        (lambda found: [], "cut short"),
    ],
)
def test_an_archive_that_was_changed_is_refused(
    store: Store, tmp_path: Path, spoil: object, told: str
) -> None:
    """What is missing, doubled or altered is said, with its line, and no period counts."""
    archive = tmp_path / "spoiled.jsonl.gz"
    archive.write_bytes(packed(spoil(lines(exported(store)))))  # type: ignore[operator]
    with Store.open(tmp_path / "two.sqlite") as other:
        with pytest.raises(StoreError, match=told):
            merge([str(archive)], other)
        assert list(other.every_window()) == []


def test_a_file_that_breaks_off_is_refused(store: Store, tmp_path: Path) -> None:
    """A copy that stopped half way, and lines that are no JSON or nested without end."""
    whole = exported(store)
    header: dict[str, object] = {"type": "header", "form": FORM}
    for number, bad in enumerate(
        (whole[: len(whole) // 2], packed([header], b"{"), packed([header], b"[" * 100_000))
    ):
        archive = tmp_path / f"{number}.gz"
        archive.write_bytes(bad)
        with (
            Store.open(tmp_path / f"{number}.sqlite") as other,
            pytest.raises(StoreError, match="is not what an export wrote"),
        ):
            merge([str(archive)], other)


def test_what_is_neither_store_nor_archive_is_said(tmp_path: Path) -> None:
    """Another file, a folder, and nothing at all each have their message."""
    text = tmp_path / "notes.txt"
    text.write_text("hello " * 100, encoding="utf-8")
    for source in (text, tmp_path, tmp_path / "nothing"):
        with Store.open(tmp_path / "new.sqlite") as other, pytest.raises(StoreError):
            merge([str(source)], other)
