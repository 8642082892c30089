"""The evidence store keeps what it was given, and says so when it cannot."""

from __future__ import annotations

import gc
import hashlib
import itertools
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tracemalloc
import types
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite as sqlite_dialect

from changeaudit import database
from changeaudit.errors import StoreError
from changeaudit.store import SCHEMA_VERSION, Answer, Item, Located, Store, Window

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAIVE = datetime(2026, 3, 1, 12)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
HERE = ("github.com", "acme/pay")


def answer(
    body: bytes = b"{}",
    kind: str = "pull_requests",
    subject: str = HERE[1],
    source: str = HERE[0],
    received_at: datetime = T0,
) -> Answer:
    return Answer(source, subject, kind, '{"page":1}', 200, received_at, body)


def item(
    key: str,
    version: str = "1",
    position: int = 0,
    at: datetime | None = T0,
    kind: str = "pull_request",
) -> Item:
    return Item(kind, key, position, version, at)


def window(since: datetime = T0, until: datetime = T0 + DAY, as_of: datetime = T0 + DAY) -> Window:
    return Window(*HERE, "pull_request", since, until, as_of, "note")


def put(store: Store, put_answer: Answer, *items: Item) -> int:
    with store.begin() as writer:
        return writer.put(put_answer, items)


def seen(located: Iterator[Located]) -> dict[str, tuple[str, bytes]]:
    """The version of each key, and the body that it stands in; no key may come twice."""
    found: dict[str, tuple[str, bytes]] = {}
    for one in located:
        for thing in one.items:
            assert thing.key not in found
            found[thing.key] = thing.version, one.answer.answer.body
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "evidence.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store.open(path) as opened:
        yield opened


def sql(path: Path, *statements: str) -> list[Any]:
    """What another program would do to the file; the rows of the last statement."""
    with closing(sqlite3.connect(path)) as connection, connection:
        return [connection.execute(statement).fetchall() for statement in statements][-1]


def without_triggers(path: Path) -> list[str]:
    """Statements that take away what guards the file, as somebody bent on it would."""
    names = sql(path, "SELECT name FROM sqlite_master WHERE type = 'trigger'")
    return [f"DROP TRIGGER {name}" for (name,) in names]


# --- what is put comes back -----------------------------------------------------------------------


def test_an_answer_comes_back_byte_for_byte(store: Store) -> None:
    body = bytes(range(256)) * 400 + b"\xff\xfe\x00"
    given_answer = answer(body)
    number = put(store, given_answer)
    stored = store.latest(*HERE, "pull_requests")
    assert stored is not None
    assert stored.id == number
    assert stored.answer == given_answer
    assert stored.digest == given_answer.digest == hashlib.sha256(body).hexdigest()


def test_an_empty_body_is_a_body(store: Store) -> None:
    put(store, answer(b""))
    stored = store.latest(*HERE, "pull_requests")
    assert stored is not None
    assert stored.answer.body == b""


def test_what_was_put_survives_closing(path: Path) -> None:
    with Store.open(path) as store:
        put(store, answer(b"kept"), item("A"))
    with Store.open(path, create=False) as store:
        assert seen(store.locate(*HERE, "pull_request")) == {"A": ("1", b"kept")}


def test_the_latest_answer_is_the_one_put_last_whatever_its_clock_says(store: Store) -> None:
    put(store, answer(b"first", received_at=T0 + DAY))
    put(store, answer(b"second", received_at=T0))
    put(store, answer(b"other kind", kind="teams"))
    stored = store.latest(*HERE, "pull_requests")
    assert stored is not None
    assert stored.answer.body == b"second"
    assert store.latest(*HERE, "tickets") is None


ANYTHING = st.text(st.characters() | st.sampled_from("\0\x1a\\\ud800\udc00\u202e'\"%_"))
COUNTER = itertools.count()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for many examples: each takes a source of its own."""
    with Store.open(tmp_path_factory.mktemp("store") / "evidence.db") as opened:
        yield opened


@given(
    texts=st.tuples(*[ANYTHING] * 6),
    body=st.binary(),
    status=st.integers(100, 599),
    at=st.datetimes(timezones=st.just(UTC)),
    position=st.integers(0, 2**31 - 1),
)
def test_no_text_bytes_or_instant_is_altered(
    shared: Store,
    texts: tuple[str, ...],
    body: bytes,
    status: int,
    at: datetime,
    position: int,
) -> None:
    """NULs, lone surrogates, escapes and the first and last year included."""
    source = f"{next(COUNTER)} {texts[0]}"
    put_answer = Answer(source, texts[1], texts[2], texts[3], status, at, body)
    put_item = Item(texts[2], texts[4], position, texts[5], at)
    with shared.begin() as writer:
        number = writer.put(put_answer, [put_item])
        if at < at.max.replace(tzinfo=UTC):
            end = at + timedelta(microseconds=1)
            put_window = Window(source, texts[1], texts[2], at, end, at, texts[5])
            writer.complete(put_window)
            assert shared.windows(source, texts[1], texts[2]) == ()  # not yet committed
    (located,) = shared.locate(source, texts[1], texts[2])
    assert (located.answer.id, located.answer.answer) == (number, put_answer)
    assert located.items == (put_item,)
    assert [found.items for found in shared.find(source, texts[2], [texts[4]])] == [(put_item,)]
    if at < at.max.replace(tzinfo=UTC):
        assert shared.windows(source, texts[1], texts[2]) == (put_window,)


# --- the latest version ---------------------------------------------------------------------------


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["acme/pay", "acme/web"]),
            st.lists(
                st.tuples(st.sampled_from("ABCD"), st.sampled_from(["1", "2", "3"])), max_size=5
            ),
        ),
        max_size=10,
    ),
    st.integers(0, 5),
    st.integers(0, 5),
)
def test_any_sequence_of_puts_leaves_exactly_the_latest_versions(
    shared: Store,
    puts: list[tuple[str, list[tuple[str, str]]]],
    since: int,
    until: int,
) -> None:
    """Checked against a dictionary: by subject, over all subjects, and within a span.

    A version stands for what a thing holds, so that its instant follows from it.
    """
    source = f"model {next(COUNTER)}"
    by_subject: dict[tuple[str, str], str] = {}
    overall: dict[str, str] = {}
    held: dict[int, list[tuple[str, str]]] = {}
    with shared.begin() as writer:
        for subject, things in puts:
            items = [
                item(key, version, position, T0 + int(version) * DAY)
                for position, (key, version) in enumerate(things)
            ]
            page = answer(b"%d" % len(held), subject=subject, source=source)
            held[writer.put(page, items)] = things
            for key, version in things:
                by_subject[subject, key] = overall[key] = version

    def check(located: list[Located], expected: dict[str, str]) -> None:
        assert [one.answer.id for one in located] == sorted({one.answer.id for one in located})
        found = {}
        for one in located:
            assert [i.position for i in one.items] == sorted(i.position for i in one.items)
            for thing in one.items:
                assert thing.key not in found
                assert held[one.answer.id][thing.position] == (thing.key, thing.version)
                found[thing.key] = thing.version
        assert found == expected

    for subject in ("acme/pay", "acme/web"):
        latest = {key: version for (where, key), version in by_subject.items() if where == subject}
        check(list(shared.locate(source, subject, "pull_request")), latest)
        within = {key: v for key, v in latest.items() if since <= int(v) < until}
        span = (T0 + since * DAY, T0 + until * DAY)
        check(list(shared.locate(source, subject, "pull_request", *span)), within)
    check(list(shared.find(source, "pull_request", list("DCBAX"))), overall)
    assert shared.versions(source, "pull_request", list("ABCDX")) == overall


def item_count(path: Path) -> int:
    count: int = sql(path, "SELECT count(*) FROM items")[0][0]
    return count


@pytest.mark.parametrize(
    ("versions", "added"),
    [("A", 1), ("AA", 1), ("AAAA", 1), ("AB", 2), ("ABB", 2), ("ABA", 3), ("ABAA", 3)],
)
def test_an_unchanged_thing_seen_again_adds_nothing(
    store: Store, path: Path, versions: str, added: int
) -> None:
    for version in versions:
        put(store, answer(), item("PR", version))
    assert item_count(path) == added


@pytest.mark.parametrize(("versions", "added"), [("AA", 1), ("ABA", 3), ("ABB", 2)])
def test_within_one_answer_as_well(store: Store, path: Path, versions: str, added: int) -> None:
    put(store, answer(), *[item("PR", v, position) for position, v in enumerate(versions)])
    assert item_count(path) == added
    assert store.versions(HERE[0], "pull_request", ["PR"]) == {"PR": versions[-1]}


def test_what_went_back_under_one_subject_is_found_over_all(store: Store) -> None:
    """Open, seen closed from elsewhere, open again: open is the latest."""
    put(store, answer(subject="a"), item("PAY-1", "open"))
    put(store, answer(subject="b"), item("PAY-1", "closed"))
    put(store, answer(b"reopened", subject="a"), item("PAY-1", "open"))
    assert seen(store.find(HERE[0], "pull_request", ["PAY-1"])) == {"PAY-1": ("open", b"reopened")}


def test_sources_and_kinds_are_kept_apart(store: Store) -> None:
    """Two trackers may both have a PAY-1."""
    put(store, answer(source="one"), item("PAY-1", "of one"))
    put(store, answer(source="two"), item("PAY-1", "of two"))
    put(store, answer(source="one"), item("PAY-1", "a commit", kind="commit"))
    assert store.versions("one", "pull_request", ["PAY-1"]) == {"PAY-1": "of one"}
    assert store.versions("two", "pull_request", ["PAY-1"]) == {"PAY-1": "of two"}
    assert seen(store.locate("one", HERE[1], "pull_request")) == {"PAY-1": ("of one", b"{}")}


def test_a_span_is_half_open_and_asks_for_the_latest_version_alone(store: Store) -> None:
    before, first, last, after = (
        item("before", at=T0 - timedelta(microseconds=1)),
        item("first", at=T0),
        item("last", at=T0 + SECOND - timedelta(microseconds=1)),
        item("after", at=T0 + SECOND),
    )
    never = item("never", at=None)
    put(store, answer(b"1"), before, first, last, after, never, item("moved", "1", at=T0))
    put(store, answer(b"2"), item("moved", "2", at=T0 - DAY))

    def keys(since: datetime | None, until: datetime | None) -> set[str]:
        return set(seen(store.locate(*HERE, "pull_request", since, until)))

    assert keys(T0, T0 + SECOND) == {"first", "last"}
    assert keys(T0, None) == {"first", "last", "after"}
    assert keys(None, T0) == {"before", "moved"}
    assert keys(None, None) == {"before", "first", "last", "after", "never", "moved"}


def test_instants_of_any_zone_are_the_same_instant(store: Store) -> None:
    newfoundland = timezone(timedelta(hours=-3, minutes=-30))
    put(store, answer(), item("A", at=T0.astimezone(newfoundland)))
    (located,) = store.locate(*HERE, "pull_request", T0, T0 + SECOND)
    assert located.items[0].at == T0
    assert located.items[0].at.tzinfo is UTC


@pytest.mark.slow
def test_many_keys_are_found_in_many_statements(store: Store) -> None:
    """More keys than one statement may bind, spread over answers, some asked for twice."""
    pages = [[f"PR {page} {n}" for n in range(100)] for page in range(25)]
    with store.begin() as writer:
        for page in pages:
            writer.put(answer(page[0].encode()), [item(k, position=n) for n, k in enumerate(page)])
    keys = [key for page in pages for key in page]
    found = list(store.find(HERE[0], "pull_request", [*reversed(keys), *keys, "unknown"]))
    assert [one.answer.answer.body.decode() for one in found] == [page[0] for page in pages]
    assert [[i.key for i in one.items] for one in found] == pages
    assert [len(one.items) for one in store.locate(*HERE, "pull_request")] == [100] * 25
    assert store.versions(HERE[0], "pull_request", keys) == dict.fromkeys(keys, "1")
    assert list(store.find(HERE[0], "pull_request", [])) == []


def test_an_iterator_shows_what_was_there_when_it_was_started(store: Store) -> None:
    """What changes meanwhile neither shows nor makes its earlier version vanish."""
    keys = [f"PR {n}" for n in range(2500)]
    put(store, answer(b"first"), *[item(k, position=n) for n, k in enumerate(keys[:100])])
    put(store, answer(b"second"), *[item(k, position=n) for n, k in enumerate(keys[100:])])
    walk = store.locate(*HERE, "pull_request")
    found = [next(walk)]
    put(store, answer(b"newer"), *[item(k, "2", n) for n, k in enumerate(keys)], item("new"))
    found += walk
    assert {i.key: i.version for one in found for i in one.items} == dict.fromkeys(keys, "1")
    assert [one.answer.answer.body for one in found] == [b"first", b"second"]


def test_an_iterator_left_unfinished_is_in_nobody_s_way(store: Store, path: Path) -> None:
    for n in range(3):
        put(store, answer(), item(f"PR {n}"))
    walks = [store.locate(*HERE, "pull_request") for _ in range(50)]
    assert [len(next(walk).items) for walk in walks] == [1] * 50
    with Store.open(path) as other:
        put(other, answer(), item("PR 9"))
    assert len(seen(store.locate(*HERE, "pull_request"))) == 4


def test_one_body_is_held_in_memory_at_a_time(store: Store) -> None:
    size = 1_000_000
    for n in range(12):
        put(store, answer(b"%x" % n * size), item(f"PR {n}"))
    gc.collect()
    tracemalloc.start()
    try:
        assert sum(len(one.items) for one in store.locate(*HERE, "pull_request")) == 12
        assert store.verify() == ()
        assert tracemalloc.get_traced_memory()[1] < 5 * size
    finally:
        tracemalloc.stop()


def test_a_commit_is_on_the_disk_when_it_returns(store: Store) -> None:
    """Under WAL only FULL (2) syncs each commit; with NORMAL a loss of power takes some back."""
    found: list[object] = []

    def look(connection: sa.Connection) -> None:
        for pragma in ("synchronous", "journal_mode", "foreign_keys"):
            found.append(connection.exec_driver_sql(f"PRAGMA {pragma}").scalar())

    sa.event.listen(sa.Engine, "commit", look)
    try:
        put(store, answer())
    finally:
        sa.event.remove(sa.Engine, "commit", look)
    assert found == [2, "wal", 1]


def plan(path: Path, statement: str) -> str:
    return " / ".join(row[3] for row in sql(path, f"EXPLAIN QUERY PLAN {statement}"))


def test_no_question_reads_the_whole_store(store: Store, path: Path) -> None:
    """Each statement of each read method goes by an index: SQLite says so itself."""
    put(store, answer(), item("PR"))
    asked: list[str] = []

    def hear(_c: Any, clause: Any, _m: Any, _p: Any, _o: Any) -> None:
        dialect = sqlite_dialect.dialect()
        text = clause.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
        asked.append(str(text))

    sa.event.listen(sa.Engine, "before_execute", hear)
    try:
        list(store.locate(*HERE, "pull_request", T0, T0 + DAY))
        list(store.find(HERE[0], "pull_request", ["PR"]))
        store.versions(HERE[0], "pull_request", ["PR"])
        store.latest(*HERE, "pull_requests")
        store.windows(*HERE, "pull_request")
    finally:
        sa.event.remove(sa.Engine, "before_execute", hear)
    assert len(asked) > 8
    for statement in asked:
        assert "SCAN" not in plan(path, statement), statement
    later = [plan(path, statement) for statement in asked if "EXISTS" in statement]
    assert later
    assert all("SEARCH later USING INDEX items_by_key" in one for one in later)


# --- windows and counts ---------------------------------------------------------------------------


def test_windows_come_back_in_the_order_of_their_completion(store: Store) -> None:
    late, early = window(T0, T0 + DAY), window(T0 - DAY, T0)
    with store.begin() as writer:
        writer.complete(late)
        writer.complete(early)
    assert store.windows(*HERE, "pull_request") == (late, early)
    assert store.windows(*HERE, "tickets") == ()


@pytest.mark.parametrize("until", [T0, T0 - SECOND])
def test_a_window_begins_before_it_ends(store: Store, until: datetime) -> None:
    with pytest.raises(ValueError, match="must begin before it ends"), store.begin() as writer:
        writer.complete(window(T0, until))


OUTSIDE = datetime.max.replace(tzinfo=timezone(-timedelta(hours=1)))


@pytest.mark.parametrize(
    ("at", "fault"), [(NAIVE, "must be an aware datetime"), (OUTSIDE, "outside of the years")]
)
def test_an_instant_that_cannot_be_placed_is_refused(
    store: Store, at: datetime, fault: str
) -> None:
    """Wherever it is given, and nothing of its transaction is kept."""

    def complete(**instants: datetime) -> None:
        with store.begin() as writer:
            writer.put(answer())
            writer.complete(window(**instants))

    attempts: list[Callable[[], object]] = [
        lambda: put(store, answer(received_at=at)),
        lambda: put(store, answer(), item("A", at=at)),
        lambda: complete(since=at),
        lambda: complete(until=at),
        lambda: complete(as_of=at),
        lambda: store.locate(*HERE, "pull_request", since=at),
        lambda: store.locate(*HERE, "pull_request", until=at),
    ]
    for attempt in attempts:
        with pytest.raises(ValueError, match=fault):
            attempt()
    assert store.counts() == ()


def test_counts_tell_what_is_held(store: Store) -> None:
    assert store.counts() == ()
    put(store, answer(b"12345", received_at=T0 + DAY))
    put(store, answer(b"123", received_at=T0))
    put(store, answer(b"1", kind="teams", received_at=T0))
    put(store, answer(b"22", source="GitHub.com", received_at=T0))
    put(store, answer(b"", source="jira:acme", received_at=T0))
    assert [
        (c.source, c.kind, c.answers, c.bytes, c.first_received_at, c.last_received_at)
        for c in store.counts()
    ] == [
        ("GitHub.com", "pull_requests", 1, 2, T0, T0),
        ("github.com", "pull_requests", 2, 8, T0, T0 + DAY),
        ("github.com", "teams", 1, 1, T0, T0),
        ("jira:acme", "pull_requests", 1, 0, T0, T0),
    ]
    assert {c.source for c in store.counts("git")} == {"github.com"}


# --- all or nothing, and nothing is taken back ----------------------------------------------------


class Interrupted(BaseException):
    pass


def test_a_transaction_that_raises_leaves_nothing(store: Store) -> None:
    def interrupted() -> None:
        with store.begin() as writer:
            writer.put(answer(), [item("A")])
            writer.complete(window())
            raise Interrupted

    with pytest.raises(Interrupted):
        interrupted()
    assert store.counts() == ()
    assert list(store.locate(*HERE, "pull_request")) == []
    assert store.windows(*HERE, "pull_request") == ()
    put(store, answer(), item("A"))
    assert len(seen(store.locate(*HERE, "pull_request"))) == 1


@pytest.mark.parametrize("table", ["answers", "items", "windows"])
@pytest.mark.parametrize("change", ["UPDATE {} SET kind = 'x'", "DELETE FROM {}"])
def test_evidence_is_only_ever_added(store: Store, path: Path, table: str, change: str) -> None:
    """The file itself refuses, whoever asks."""
    put(store, answer(), item("A"))
    with store.begin() as writer:
        writer.complete(window())
    with pytest.raises(sqlite3.IntegrityError, match="only ever added"):
        sql(path, change.format(table))
    assert seen(store.locate(*HERE, "pull_request")) == {"A": ("1", b"{}")}
    assert store.windows(*HERE, "pull_request") == (window(),)


def process(what: str, path: Path, name: str, count: int) -> subprocess.Popen[str]:
    helper = Path(__file__).with_name("store_process.py")
    return subprocess.Popen(
        [sys.executable, str(helper), what, str(path), name, str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def line(running: subprocess.Popen[str]) -> str:
    assert running.stdout is not None
    return running.stdout.readline().strip()


def go(running: subprocess.Popen[str]) -> None:
    assert running.stdin is not None
    running.stdin.write("go\n")
    running.stdin.flush()


@pytest.mark.slow
def test_a_killed_process_leaves_what_it_committed_and_nothing_else(path: Path) -> None:
    """The third of its transactions never ended."""
    with process("die", path, "victim", 3) as running:
        assert line(running) == "ready"
        go(running)
        assert line(running) == "inside"
        running.kill()
    with Store.open(path) as store:
        found = seen(store.locate(*HERE, "pull_request"))
        assert set(found) == {"shared", "victim 0", "victim 1"}
        assert found["shared"] == ("victim 1", b"victim 1")
        assert [count.answers for count in store.counts()] == [2]
        assert store.verify() == ()
        put(store, answer(), item("next"))


@pytest.mark.slow
def test_two_processes_may_create_and_write_at_once(path: Path) -> None:
    """Every put of both is there, and each thing they share has one latest version."""
    with process("fill", path, "one", 25) as one, process("fill", path, "two", 25) as two:
        assert [line(one), line(two)] == ["ready", "ready"]
        go(one)
        go(two)
        assert [line(one), line(two)] == ["done", "done"]
    with Store.open(path, create=False) as store:
        found = seen(store.locate(*HERE, "pull_request"))
        own = {f"{name} {n}" for name in ("one", "two") for n in range(25)}
        assert set(found) == {"shared"} | own
        version, body = found["shared"]
        assert version == body.decode()
        assert version in ("one 24", "two 24")
        assert [count.answers for count in store.counts()] == [50]
        assert store.verify() == ()


def test_a_store_that_stays_locked_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store.open(path) as store:
        put(store, answer())
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.1)
    with closing(sqlite3.connect(path)) as other, Store.open(path) as store:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"is locked: .* for 0\.1 seconds") as caught:
            put(store, answer())
        assert "Wait for the other run" in caught.value.hint
        assert store.latest(*HERE, "pull_requests") is not None  # reading goes on
        other.rollback()
        put(store, answer())


def test_creating_waits_for_a_lock_and_not_for_ever(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.1)
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="is locked"):
            Store.open(path)


# --- what is not what was put ---------------------------------------------------------------------


def flip(path: Path, old: bytes, new: bytes) -> None:
    """Changes bytes of the closed file, where SQLite keeps no sum of its own."""
    content = path.read_bytes()
    assert content.count(old) == 1
    path.write_bytes(content.replace(old, new))


@pytest.mark.parametrize("offset", [0, 3, 20, 200])
def test_a_corrupt_byte_of_a_body_is_found(path: Path, offset: int) -> None:
    """In the header of the packed body, in the lengths, or in the bytes themselves."""
    body = bytes(range(256))
    packed = zlib.compress(body)
    with Store.open(path) as store:
        put(store, answer(b"fine"), item("A"))
        put(store, answer(body), item("B"))
    broken = bytearray(packed)
    broken[offset] ^= 0x40
    flip(path, packed, bytes(broken))
    with Store.open(path) as store:
        walk = store.locate(*HERE, "pull_request")
        assert next(walk).answer.answer.body == b"fine"
        with pytest.raises(StoreError) as caught:
            next(walk)
        said = caught.value.message
        for word in ("Answer 2", "github.com", "acme/pay", "pull_requests", str(path)):
            assert word in said
        assert "Restore the file from a copy" in caught.value.hint
        assert store.verify() == (said,)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("UPDATE answers SET digest = 'x' WHERE id = 1", "Answer 1 (.*) is not what was put"),
        ("UPDATE answers SET body = x'00' WHERE id = 1", "Answer 1 (.*) is not what was put"),
        ("UPDATE answers SET size = 1 WHERE id = 1", "Answer 1 (.*) is not what was put"),
        ("UPDATE answers SET size = -5 WHERE id = 1", "Answer 1 (.*) is not what was put"),
        ("DELETE FROM answers WHERE id = 2", "Item 2 .* stands in answer 2, which is missing"),
        ("UPDATE items SET answer_id = 9 WHERE id = 1", "Item 1 .* stands in answer 9, which is"),
        ("UPDATE items SET subject = 'x' WHERE id = 1", "Item 1 .* about something else"),
        ("UPDATE windows SET until = since", "Window 1 .* does not begin before it ends"),
    ],
)
def test_verify_finds_what_somebody_changed(path: Path, change: str, problem: str) -> None:
    with Store.open(path) as store:
        put(store, answer(b"one"), item("A"))
        put(store, answer(b"two", kind="reviews"), item("A", kind="reviews"))
        with store.begin() as writer:
            writer.complete(window())
        assert store.verify() == ()
    sql(path, *without_triggers(path), change)
    with Store.open(path, read_only=True) as store:
        problems = store.verify()
    assert any(re.match(problem, found) for found in problems), problems


def test_verify_finds_damage_to_the_file_itself(path: Path) -> None:
    """An index that no longer agrees with its table would leave things out without a word."""
    with Store.open(path) as store:
        put(store, answer(), *[item(f"PR {n}", position=n) for n in range(50)])
    sql(
        path,
        "PRAGMA writable_schema = ON",
        "DELETE FROM sqlite_master WHERE name = 'items_by_key'",
    )
    with Store.open(path) as store:
        assert any("The file itself is damaged" in problem for problem in store.verify())


def test_verify_of_a_file_that_is_destroyed_meanwhile_says_so_and_does_not_fail(
    path: Path,
) -> None:
    with Store.open(path) as store:
        put(store, answer(), item("A"))
    with Store.open(path, read_only=True) as store:
        path.write_bytes(b"x" * path.stat().st_size)
        (problem,) = store.verify()
        assert "is not an SQLite database" in problem


def test_an_answer_that_is_gone_is_missed(path: Path) -> None:
    with Store.open(path) as store:
        put(store, answer(), item("A"))
    sql(path, *without_triggers(path), "DELETE FROM answers")
    with Store.open(path) as store, pytest.raises(StoreError, match="Answer 1 is missing"):
        list(store.locate(*HERE, "pull_request"))


# --- what cannot be opened ------------------------------------------------------------------------


def empty(path: Path) -> None:
    path.write_bytes(b"")


def not_a_database(path: Path) -> None:
    path.write_bytes(b"Dear auditor,\n" * 1000)


def of_another_program(path: Path) -> None:
    sql(path, "CREATE TABLE answers (id INTEGER)")


def cut_short(path: Path) -> None:
    Store.open(path).close()
    os.truncate(path, 1500)


def with_version(version: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        Store.open(path).close()
        sql(path, f"UPDATE changeaudit_meta SET value = '{version}'")

    return write


def without_version(path: Path) -> None:
    Store.open(path).close()
    sql(path, "DELETE FROM changeaudit_meta")


NEWER = rf"schema version {SCHEMA_VERSION + 1} of a newer changeaudit; .* knows version 1\."
READ = {"read_only": True}


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (Path.mkdir, {}, "is a folder"),
        (Path.mkdir, READ, "is a folder"),
        (not_a_database, {}, "is not an SQLite database"),
        (not_a_database, READ, "is not an SQLite database"),
        (cut_short, {}, "is damaged"),
        (cut_short, READ, "is damaged"),
        (of_another_program, {}, "is a database, but not an evidence store"),
        (of_another_program, READ, "is a database, but not an evidence store"),
        (empty, {"create": False}, "is empty: nothing was ever collected"),
        (empty, READ, "is empty: nothing was ever collected"),
        (with_version(str(SCHEMA_VERSION + 1)), {}, NEWER),
        (with_version(str(SCHEMA_VERSION + 1)), READ, NEWER),
        (with_version("0"), {}, r"has schema version 0; this program knows version 1\."),
        (with_version("²"), {}, r"has schema version ²; this program knows version 1\."),
        (without_version, {}, "has schema version None; this program knows"),
    ],
)
def test_what_is_no_store_is_refused_and_left_as_it_is(
    path: Path, make: Callable[[Path], None], options: dict[str, bool], message: str
) -> None:
    make(path)
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(StoreError, match=message) as caught:
        Store.open(path, **options)
    assert str(path) in caught.value.message
    assert caught.value.hint
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert (path.read_bytes() if path.is_file() else b"") == before


@pytest.mark.parametrize("options", [{"create": False}, {"read_only": True}])
def test_what_is_not_there_is_not_made(path: Path, options: dict[str, bool]) -> None:
    with pytest.raises(StoreError, match="There is no evidence store at"):
        Store.open(path, **options)
    assert not path.exists()


def test_an_empty_file_is_made_a_store(path: Path) -> None:
    path.touch()
    with Store.open(path) as store:
        put(store, answer())


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("missing/evidence.db", "The folder .* does not exist"),
        ("x" * 5000, "cannot be reached"),
        ("nul\0nul", "cannot be reached"),
    ],
)
def test_a_path_that_leads_nowhere_is_named(tmp_path: Path, where: str, message: str) -> None:
    with pytest.raises(StoreError, match=message) as caught:
        Store.open(tmp_path / where)
    assert caught.value.hint


def test_a_closed_store_says_so(path: Path) -> None:
    store = Store.open(path)
    store.close()
    with pytest.raises(StoreError, match="is closed"):
        store.counts()


def test_a_full_disk_is_named_and_what_was_committed_is_kept(path: Path) -> None:
    """SQLite's own limit on the size of a file stands for the disk's."""

    def limit(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA max_page_count = 60")

    sa.event.listen(sa.pool.Pool, "connect", limit)
    try:
        with Store.open(path) as store:
            put(store, answer(b"kept"), item("A"))
            with pytest.raises(StoreError, match="the disk is full") as caught:
                put(store, answer(os.urandom(400_000)), item("B"))
            assert "what was committed is kept" in caught.value.hint
            assert seen(store.locate(*HERE, "pull_request")) == {"A": ("1", b"kept")}
    finally:
        sa.event.remove(sa.pool.Pool, "connect", limit)


# --- names and places -----------------------------------------------------------------------------

NAMES = ["with space.db", "100%.db", "%41.db", "a#b.db", "a&mode=ro.db", "é ☂.db", ":memory:"]
POSIX_NAMES = ["what?mode=memory.db", "back\\slash.db", "q'\".db", "line\nbreak.db", "file:x.db"]


@pytest.mark.parametrize("name", NAMES + ([] if os.name == "nt" else POSIX_NAMES))
@pytest.mark.parametrize("as_text", [True, False])
def test_any_name_is_taken_as_it_is(tmp_path: Path, name: str, as_text: bool) -> None:
    """Nothing in a name is an option, an escape or another place."""
    if os.name == "nt" and ":" in name:
        pytest.skip("Windows has no such names")
    path = tmp_path / name
    where = str(path) if as_text else path
    with Store.open(where) as store:
        put(store, answer(b"here"), item("A"))
    assert [p.name for p in tmp_path.iterdir()] == [name]
    with Store.open(where, read_only=True) as store:
        assert seen(store.locate(*HERE, "pull_request")) == {"A": ("1", b"here")}


def test_a_relative_path_stays_where_it_was_when_the_folder_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    with Store.open("evidence.db") as store:
        monkeypatch.chdir(tmp_path / "elsewhere")
        put(store, answer())
        assert store.verify() == ()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_file_may_be_given_as_a_url(path: Path) -> None:
    with Store.open(f"sqlite:///{path.as_posix()}") as store:
        put(store, answer())
    assert path.exists()


# --- reading only ---------------------------------------------------------------------------------


def test_reading_writes_nothing_and_leaves_no_file_behind(path: Path) -> None:
    with Store.open(path) as store:
        put(store, answer(), item("A"))
    before = path.read_bytes()
    with Store.open(path, read_only=True) as store:
        assert len(seen(store.locate(*HERE, "pull_request"))) == 1
        assert store.verify() == ()
        with (
            pytest.raises(StoreError, match="opened for reading only"),
            store.begin(),
        ):
            raise AssertionError("no writer may be had")
        assert [p.name for p in path.parent.iterdir()] == [path.name]
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    assert path.read_bytes() == before


def test_a_reader_sees_what_is_written_beside_it(path: Path) -> None:
    """Before, during and after the writer's time."""
    with Store.open(path) as writer:
        put(writer, answer(), item("A"))
    with Store.open(path, read_only=True) as reader:
        assert set(seen(reader.locate(*HERE, "pull_request"))) == {"A"}
        with Store.open(path) as writer:
            put(writer, answer(), item("B"))
            assert set(seen(reader.locate(*HERE, "pull_request"))) == {"A", "B"}
            put(writer, answer(), item("C"))
            assert set(seen(reader.locate(*HERE, "pull_request"))) == {"A", "B", "C"}
        assert set(seen(reader.locate(*HERE, "pull_request"))) == {"A", "B", "C"}
    with Store.open(path) as writer:
        put(writer, answer(), item("D"))
        with Store.open(path, read_only=True) as reader:
            assert set(seen(reader.locate(*HERE, "pull_request"))) == {"A", "B", "C", "D"}


def test_what_moved_while_it_was_read_is_not_believed(path: Path) -> None:
    """A file read as immutable is read without locks."""
    with Store.open(path) as store:
        put(store, answer(), item("A"))

    def move(*_: object) -> None:
        os.utime(path, ns=(1, 1))

    with Store.open(path, read_only=True) as store:
        sa.event.listen(sa.Engine, "before_cursor_execute", move)
        try:
            with pytest.raises(StoreError, match="written to while it was being read"):
                store.counts()
        finally:
            sa.event.remove(sa.Engine, "before_cursor_execute", move)
        assert [count.answers for count in store.counts()] == [1]


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps a file while it is open")
def test_a_store_that_vanished_is_an_error_and_not_an_empty_one(path: Path) -> None:
    Store.open(path).close()
    with Store.open(path, read_only=True) as store:
        path.unlink()
        with pytest.raises(StoreError, match="cannot be opened"):
            store.counts()
    assert not path.exists()


def test_a_log_left_by_a_crash_is_read_along(path: Path) -> None:
    """What was committed counts, though it never reached the file itself."""
    with Store.open(path) as store:
        put(store, answer(), item("A"))
        copy = path.with_name("copy.db")
        shutil.copy(path, copy)
        shutil.copy(f"{path}-wal", f"{copy}-wal")
    with Store.open(copy, read_only=True) as store:
        assert set(seen(store.locate(*HERE, "pull_request"))) == {"A"}


@pytest.fixture
def write_protect() -> Iterator[Callable[[Path], None]]:
    """Takes the right to write; skips where that stops nobody: on Windows, or as root."""
    protected: list[Path] = []

    def protect(folder: Path) -> None:
        for each in (*folder.iterdir(), folder):
            each.chmod(0o555 if each.is_dir() else 0o444)
        protected.append(folder)
        try:
            (folder / "probe").touch()
        except PermissionError:
            return
        pytest.skip("this account may write wherever it likes")

    yield protect
    for folder in protected:
        folder.chmod(0o755)


def test_a_read_only_folder_can_be_read_and_not_written(
    path: Path, write_protect: Callable[[Path], None]
) -> None:
    with Store.open(path) as store:
        put(store, answer(), item("A"))
    write_protect(path.parent)
    with Store.open(path, read_only=True) as store:
        assert set(seen(store.locate(*HERE, "pull_request"))) == {"A"}
        assert store.verify() == ()
    with pytest.raises(StoreError, match="read-only"), Store.open(path) as store:
        put(store, answer())
    with pytest.raises(StoreError, match="cannot be opened"):
        Store.open(path.with_name("new.db"))


def test_a_log_that_cannot_be_read_along_is_not_passed_over(
    path: Path, tmp_path: Path, write_protect: Callable[[Path], None]
) -> None:
    """The file without its log would be an older state, and nothing would show it."""
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    with Store.open(path) as store:
        put(store, answer(), item("A"))
        shutil.copy(path, shipped / path.name)
        shutil.copy(f"{path}-wal", f"{shipped / path.name}-wal")
    write_protect(shipped)
    with pytest.raises(StoreError, match="cannot be opened") as caught:
        Store.open(shipped / path.name, read_only=True)
    assert "-wal" in caught.value.hint


# --- databases by URL -----------------------------------------------------------------------------

SECRET = "s3cr/t"
QUOTED = "s3cr%2Ft"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql+nosuch://auditor:{QUOTED}@127.0.0.1:1/evidence",
        f"nosuch://auditor:{QUOTED}@127.0.0.1/evidence",
        f"postgresql+psycopg://auditor:{QUOTED}@127.0.0.1:1/evidence",
        f"postgresql+psycopg://127.0.0.1:1/evidence?user=auditor&password={QUOTED}",
        f"postgresql+psycopg://auditor:{QUOTED}@127.0.0.1:port/evidence",
        f"postgresql+://auditor:{QUOTED}@[/evidence",
        f"sqlite:///evidence.db?password={QUOTED}",
        "sqlite://",
        "sqlite:///:memory:",
    ],
)
def test_no_message_shows_a_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError) as caught:
        Store.open(url)
    said = f"{caught.value.message} {caught.value.hint} {caught.value!r}"
    assert SECRET not in said
    assert QUOTED not in said
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert list(tmp_path.iterdir()) == []


ERRORS = "Error OperationalError ProgrammingError InternalError InterfaceError"


def fake_driver() -> types.ModuleType:
    """A driver that blurts out what it was given."""
    driver = types.ModuleType("pymysql")

    class Error(Exception):
        pass

    def connect(**options: Any) -> None:
        raise Error(f"no route for {options['user']} with {options['password']} or {QUOTED}")

    driver.__dict__.update(
        paramstyle="format", connect=connect, **dict.fromkeys(ERRORS.split(), Error)
    )
    return driver


@pytest.mark.parametrize(
    "url",
    [
        f"mysql+pymysql://auditor:{QUOTED}@db.example/evidence",
        f"mysql+pymysql://auditor@db.example/evidence?password={QUOTED}",
        f"mysql+pymysql://auditor@db.example/evidence?password={QUOTED}&x=1&x=2",
    ],
)
def test_a_driver_that_tells_the_password_is_not_quoted_on_it(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setitem(sys.modules, "pymysql", fake_driver())
    with pytest.raises(StoreError) as caught:
        Store.open(url)
    said = caught.value.message
    assert SECRET not in said
    assert QUOTED not in said
    assert "mysql+pymysql://auditor@db.example/evidence" in said
    assert "no route for auditor with *** or ***" in said
