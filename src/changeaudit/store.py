"""The evidence store: what each source answered, byte for byte, and where each thing stands in it.

An **answer** is one response, kept verbatim under the SHA-256 of its body. An **item** says that
one thing (a pull request, a ticket) stands at a position of an answer, in a certain version. A
**window** says that a span of time was collected to its end. All three are only ever added: what
was once evidence stays evidence, and a thing that changed is a new item in a new answer.

The store is one SQLite file; the URL of another database serves as well (`database`).
"""

from __future__ import annotations

import hashlib
import re
import threading
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row
from sqlalchemy.sql.expression import ColumnElement, Select

from changeaudit.database import RESTORE, Database, connect
from changeaudit.errors import StoreError

SCHEMA_VERSION = 1

_ROWS = 1000
"""Rows fetched at a time, and keys asked for at a time: SQLite binds 32,766 values at most."""


class Answer(msgspec.Struct, frozen=True):
    """One response of a source, as it came.

    `source` is who answered ("github.com"), `subject` what was asked about ("acme/payments"),
    `kind` what was asked ("pull_requests"). `request` is the canonical JSON of the request and
    never holds a token. `status` is the HTTP status, `received_at` an aware instant, `body` the
    bytes of the response.
    """

    source: str
    subject: str
    kind: str
    request: str
    status: int
    received_at: datetime
    body: bytes

    @property
    def digest(self) -> str:
        """The SHA-256 of the body, in hexadecimal."""
        return hashlib.sha256(self.body).hexdigest()


class Item(msgspec.Struct, frozen=True):
    """Where in an answer one thing stands.

    `position` is its index in the answer's list. `version` is the digest of the thing's own
    bytes: seen twice unchanged, it has the same version. `at` is the aware instant that it is
    ordered and filtered by (for a pull request its merge), `None` where it has none.
    """

    kind: str
    key: str
    position: int
    version: str
    at: datetime | None


class Window(msgspec.Struct, frozen=True):
    """A span that was collected to its end: [since, until), as the source stood at `as_of`.

    Of a span that ends after `as_of`, nothing is held from that instant on.
    """

    source: str
    subject: str
    kind: str
    since: datetime
    until: datetime
    as_of: datetime
    note: str = ""


class StoredAnswer(msgspec.Struct, frozen=True):
    """An answer read back: its body was held against `digest` when it was read."""

    id: int
    digest: str
    answer: Answer


class Asked(msgspec.Struct, frozen=True):
    """The request of a stored answer: its canonical JSON, and when it was answered."""

    id: int
    request: str
    received_at: datetime


class Located(msgspec.Struct, frozen=True):
    """An answer, and those of its items that were asked for, in order of position."""

    answer: StoredAnswer
    items: tuple[Item, ...]


class Count(msgspec.Struct, frozen=True):
    """What the store holds of one kind: answers, bytes of their bodies, first and last instant."""

    source: str
    subject: str
    kind: str
    answers: int
    bytes: int
    first_received_at: datetime
    last_received_at: datetime


# --- columns ------------------------------------------------------------------------------------

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def _aware(at: datetime, what: str) -> datetime:
    """`at` in UTC. A naive instant, or one that UTC cannot hold, raises ValueError."""
    if at.utcoffset() is None:
        raise ValueError(f"{what} must be an aware datetime, not {at!r}")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{what} lies outside of the years 1 to 9999: {at!r}") from None


class _Instant(sa.types.TypeDecorator[datetime]):
    """Whole microseconds since 1970 in UTC: they compare rightly on every database."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else _EPOCH + value * _MICROSECOND


class _Verbatim(sa.types.TypeDecorator[str]):
    """Text that comes back as it was put, whatever it holds.

    UTF-8 has no lone surrogates, and PostgreSQL's text no NUL. Such a text is stored escaped
    behind a mark; the escape is one to one, so that equal texts stay equal and others do not.
    """

    impl = sa.Text
    cache_ok = True
    _MARK = "\x1a"

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        if value is None or not re.search(r"[\0\x1a\ud800-\udfff]", value):
            return value
        return self._MARK + value.encode("unicode_escape").decode("ascii")

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> str | None:
        if value is None or not value.startswith(self._MARK):
            return value
        return value[1:].encode("ascii").decode("unicode_escape")


# --- tables -------------------------------------------------------------------------------------

_metadata = sa.MetaData()


def _id() -> sa.Column[int]:
    # Never reused and ever growing: the order of ids is the order in which things were put.
    return sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, _Verbatim, nullable=False)


def _instant(name: str) -> sa.Column[datetime]:
    return sa.Column(name, _Instant, nullable=False)


_meta = sa.Table(
    "changeaudit_meta",
    _metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
_answers = sa.Table(
    "answers",
    _metadata,
    _id(),
    _text("source"),
    _text("subject"),
    _text("kind"),
    _text("request"),
    sa.Column("status", sa.Integer, nullable=False),
    _instant("received_at"),
    _text("digest"),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    # All that `latest` and `counts` need, so that neither reads the bodies that lie between.
    sa.Index("answers_by_kind", "source", "subject", "kind", "id", "received_at", "size"),
    sqlite_autoincrement=True,
)
_items = sa.Table(
    "items",
    _metadata,
    _id(),
    sa.Column("answer_id", sa.BigInteger, sa.ForeignKey("answers.id"), nullable=False),
    _text("source"),
    _text("subject"),
    _text("kind"),
    _text("key"),
    sa.Column("position", sa.Integer, nullable=False),
    _text("version"),
    sa.Column("at", _Instant),
    # The history of one key; "is there a later one?" is a single step in it.
    sa.Index("items_by_key", "source", "kind", "key", "subject", "id"),
    # `locate` walks this in order of id and skips by `at` without reading the rows themselves.
    sa.Index("items_by_subject", "source", "subject", "kind", "id", "at"),
    sa.Index("items_by_answer", "answer_id"),
    sqlite_autoincrement=True,
)
_windows = sa.Table(
    "windows",
    _metadata,
    _id(),
    _text("source"),
    _text("subject"),
    _text("kind"),
    _instant("since"),
    _instant("until"),
    _instant("as_of"),
    _text("note"),
    sa.Index("windows_by_kind", "source", "subject", "kind"),
    sqlite_autoincrement=True,
)
for _table in (_answers, _items, _windows):
    for _change in ("UPDATE", "DELETE"):
        sa.event.listen(
            _table,
            "after_create",
            sa.DDL(  # type: ignore[no-untyped-call]
                f"CREATE TRIGGER {_table.name}_refuse_{_change.lower()} "
                f"BEFORE {_change} ON {_table.name} "
                "BEGIN SELECT RAISE(ABORT, 'evidence is only ever added'); END"
            ).execute_if(dialect="sqlite"),
        )


# --- writing ------------------------------------------------------------------------------------


class Writer:
    """Adds to the store within one transaction; `Store.begin` gives it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, answer: Answer, items: Iterable[Item] = ()) -> int:
        """Add an answer and say which things stand in it.

        An item that already is the latest version of its key adds nothing; one that went from A
        to B and back to A does.

        Args:
            answer: the answer, verbatim.
            items: the things that stand in it.

        Returns:
            The answer's id.

        Raises:
            ValueError: an instant is naive.
            StoreError: the answer cannot be written.
        """
        items = tuple(items)
        received_at = _aware(answer.received_at, "received_at")
        rows = [
            {
                "source": answer.source,
                "subject": answer.subject,
                "kind": item.kind,
                "key": item.key,
                "position": item.position,
                "version": item.version,
                "at": None if item.at is None else _aware(item.at, "at"),
            }
            for item in items
        ]
        inserted = self._connection.execute(
            _answers.insert().values(
                source=answer.source,
                subject=answer.subject,
                kind=answer.kind,
                request=answer.request,
                status=answer.status,
                received_at=received_at,
                digest=answer.digest,
                size=len(answer.body),
                body=zlib.compress(answer.body),
            )
        )
        answer_id = int(inserted.inserted_primary_key[0])  # type: ignore[index]
        new = self._changed(answer, items, rows)
        if new:
            self._connection.execute(
                _items.insert(), [{**row, "answer_id": answer_id} for row in new]
            )
        return answer_id

    def _changed(
        self, answer: Answer, items: Sequence[Item], rows: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Those rows whose item is not the latest version of its key already.

        A key may be seen under several subjects. It is unchanged only if its version is the
        latest under this subject and the latest of all: else `find` would miss that it came back.
        """
        here: dict[tuple[str, str], str] = {}
        anywhere: dict[tuple[str, str], str] = {}
        for kind in {item.kind for item in items}:
            keys = sorted({item.key for item in items if item.kind == kind})
            for some in _slices(keys):
                history = (
                    sa.select(_items.c.key, _items.c.subject, _items.c.version)
                    .where(_items.c.source == answer.source, _items.c.kind == kind)
                    .where(_items.c.key.in_(some))
                    .order_by(_items.c.id)
                )
                for key, subject, version in self._connection.execute(history):
                    anywhere[kind, key] = version
                    if subject == answer.subject:
                        here[kind, key] = version
        new = []
        for item, row in zip(items, rows, strict=True):
            name = item.kind, item.key
            if not here.get(name) == anywhere.get(name) == item.version:
                new.append(row)
            here[name] = anywhere[name] = item.version
        return new

    def complete(self, window: Window) -> None:
        """Record that a span was collected to its end.

        Raises:
            ValueError: an instant is naive, or the span is empty or turned around.
            StoreError: it cannot be written.
        """
        since, until = _aware(window.since, "since"), _aware(window.until, "until")
        if since >= until:
            raise ValueError(f"a window must begin before it ends: {window!r}")
        self._connection.execute(
            _windows.insert().values(
                source=window.source,
                subject=window.subject,
                kind=window.kind,
                since=since,
                until=until,
                as_of=_aware(window.as_of, "as_of"),
                note=window.note,
            )
        )


def _slices(values: Sequence[str]) -> Iterator[Sequence[str]]:
    """The values, so many at a time as one statement may carry."""
    for start in range(0, len(values), _ROWS):
        yield values[start : start + _ROWS]


# --- reading ------------------------------------------------------------------------------------


class Store:
    """An open evidence store. Each method is a transaction of its own, or several short ones.

    An iterator holds no lock and no connection between two steps: it may be left unfinished, and
    the store may be written meanwhile. It shows what was there when it was started.
    """

    def __init__(self, database: Database, *, writes: bool) -> None:
        self._database = database
        self._engine = database.engine
        self.shown = database.shown
        self._writes = writes
        self._writing = threading.Lock()
        self._open = True

    @classmethod
    def open(cls, where: str | Path, *, create: bool = True, read_only: bool = False) -> Self:
        """Open the store, or create it.

        Args:
            where: a path, or a SQLAlchemy URL ("postgresql+psycopg://…"). Messages show a URL
                without its password and its query.
            create: create the store where there is none. Its folder must exist.
            read_only: never write; nothing is created. Works where the folder cannot be written.

        Raises:
            StoreError: it is not there, cannot be opened, is something else, or was written by a
                newer version of this program.
        """
        create = create and not read_only
        database = connect(where, create=create, read_only=read_only)
        store = cls(database, writes=not read_only)
        try:
            store._prepare(create=create)
        except BaseException:
            store.close()
            raise
        return store

    def close(self) -> None:
        """Let go of the store. An error is raised if it is used afterwards."""
        self._open = False
        self._engine.dispose()

    def __enter__(self) -> Self:
        """Use the store as a context: it is closed at the end."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the store."""
        self.close()

    def _prepare(self, *, create: bool) -> None:
        """See that the database is ours and of a version that is known; create it if empty."""
        with self._transaction() as connection:
            tables = sa.inspect(connection).get_table_names()
        if not tables and create:
            with self._database.told():
                self._database.before_creation()
            with self._transaction(write=True) as connection:
                if not sa.inspect(connection).has_table(_meta.name):  # another may have come first
                    _metadata.create_all(connection)
                    connection.execute(
                        _meta.insert().values(name="schema", value=str(SCHEMA_VERSION))
                    )
        elif not tables:
            raise StoreError(
                f"The evidence store {self.shown} is empty: nothing was ever collected into it.",
                hint="Collect evidence first, or name another store.",
            )
        elif _meta.name not in tables:
            raise StoreError(
                f"{self.shown} is a database, but not an evidence store of changeaudit.",
                hint="Name the store that an audit wrote. Nothing was changed.",
            )
        with self._transaction() as connection:
            version = connection.scalar(sa.select(_meta.c.value).where(_meta.c.name == "schema"))
        if version != str(SCHEMA_VERSION):
            newer = version is not None and version.isdecimal() and int(version) > SCHEMA_VERSION
            raise StoreError(
                f"The evidence store {self.shown} has schema version {version}"
                f"{' of a newer changeaudit' if newer else ''}; this program knows version "
                f"{SCHEMA_VERSION}.",
                hint="Install a newer changeaudit." if newer else RESTORE,
            )

    @contextmanager
    def begin(self) -> Iterator[Writer]:
        """One transaction: all of it is kept when the block ends, nothing if it raises.

        Keep it short: no other process can write meanwhile.

        Raises:
            StoreError: the store is read-only, or another process kept it locked for too long.
        """
        if not self._writes:
            raise StoreError(
                f"The evidence store {self.shown} was opened for reading only.",
                hint="Open it for writing.",
            )
        # SQLite lets the threads of a process wait in long steps; a lock lets them wait in turn.
        with self._writing, self._transaction(write=True) as connection:
            # Writers come one after another, so that the order of ids is the order of commits.
            # SQLite has seen to it already and leaves FOR UPDATE out.
            connection.execute(sa.select(_meta).with_for_update())
            yield Writer(connection)

    def windows(self, source: str, subject: str, kind: str) -> tuple[Window, ...]:
        """The spans that were collected to their end, in the order in which they were put."""
        query = _of_kind(sa.select(_windows), _windows, source, subject, kind)
        with self._transaction() as connection:
            rows = connection.execute(query.order_by(_windows.c.id)).all()
        return tuple(_window(row) for row in rows)

    def latest(self, source: str, subject: str, kind: str) -> StoredAnswer | None:
        """The answer of that kind which was put last, whatever its status; or `None`.

        Raises:
            StoreError: it cannot be read, or is not what was put.
        """
        query = _of_kind(sa.select(sa.func.max(_answers.c.id)), _answers, source, subject, kind)
        with self._transaction() as connection:
            answer_id = connection.scalar(query)
        return None if answer_id is None else self._answer(answer_id)

    def asked(self, source: str, subject: str, kind: str, since: datetime) -> Iterator[Asked]:
        """What was asked for answers of that kind received from `since` on, in the order of ids.

        No body is read.

        Raises:
            ValueError: `since` is naive.
        """
        columns = sa.select(_answers.c.id, _answers.c.request, _answers.c.received_at)
        query = _of_kind(columns, _answers, source, subject, kind)
        query = query.where(_answers.c.received_at >= _aware(since, "since"))
        for row in self._all(query, _answers):
            yield Asked(row.id, row.request, row.received_at)

    def answer(self, answer_id: int) -> StoredAnswer:
        """The answer of that id.

        Raises:
            StoreError: it is missing, cannot be read, or is not what was put.
        """
        return self._answer(answer_id)

    def history(self, source: str, subject: str, kind: str) -> Iterator[StoredAnswer]:
        """Every answer of that kind about a subject, in the order in which they were put.

        One body is held in memory at a time.

        Raises:
            StoreError: an answer cannot be read, or is not what was put.
        """
        query = _of_kind(sa.select(_answers.c.id), _answers, source, subject, kind)
        for (answer_id,) in self._all(query, _answers):
            yield self._answer(answer_id)

    def locate(
        self,
        source: str,
        subject: str,
        kind: str,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[Located]:
        """The latest version of every thing of that kind, answer by answer in order of id.

        With `since` or `until`, those only whose latest version has its `at` in [since, until).
        One body is held in memory at a time.

        Raises:
            ValueError: an instant is naive.
            StoreError: an answer cannot be read, or is not what was put.
        """
        query = _of_kind(sa.select(_items), _items, source, subject, kind)
        if since is not None:
            query = query.where(_items.c.at >= _aware(since, "since"))
        if until is not None:
            query = query.where(_items.c.at < _aware(until, "until"))
        return self._located(self._latest_in(query))

    def find(self, source: str, kind: str, keys: Sequence[str]) -> Iterator[Located]:
        """The latest version of the things with these keys, whatever subject they were seen under.

        A key that was never seen is left out. Answers come in order of id.

        Raises:
            StoreError: an answer cannot be read, or is not what was put.
        """
        return self._located(self._latest_of(sa.select(_items), source, kind, keys))

    def versions(self, source: str, kind: str, keys: Sequence[str]) -> dict[str, str]:
        """The latest version of the things with these keys, by key, whatever their subject.

        A key that was never seen is left out.
        """
        columns = sa.select(_items.c.id, _items.c.key, _items.c.version)
        return {row.key: row.version for row in self._latest_of(columns, source, kind, keys)}

    def everything(self) -> Iterator[tuple[Answer, tuple[Item, ...]]]:
        """Every answer with the items that it brought, in the order in which they were received.

        One body is held in memory at a time.

        Raises:
            StoreError: an answer cannot be read, or is not what was put.
        """
        rows = self._all(sa.select(_answers.c.id, _answers.c.received_at), _answers)
        for _, answer_id in sorted((row.received_at, row.id) for row in rows):
            query = sa.select(_items).where(_items.c.answer_id == answer_id).order_by(_items.c.id)
            with self._transaction() as connection:
                found = connection.execute(query).all()
            yield self._answer(answer_id).answer, tuple(_item(row) for row in found)

    def every_window(self) -> Iterator[Window]:
        """Every span that was collected to its end, in the order in which they were put."""
        return (_window(row) for row in self._all(sa.select(_windows), _windows))

    def number(self, source: str, subject: str, kind: str, since: datetime, until: datetime) -> int:
        """How many things of that kind there are whose `at` was ever in [since, until).

        Raises:
            ValueError: an instant is naive.
        """
        keys = sa.select(sa.func.count(sa.distinct(_items.c.key)))
        query = _of_kind(keys, _items, source, subject, kind)
        query = query.where(
            _items.c.at >= _aware(since, "since"), _items.c.at < _aware(until, "until")
        )
        with self._transaction() as connection:
            return connection.scalar(query) or 0

    def counts(self, source_prefix: str = "") -> tuple[Count, ...]:
        """How much is stored of what, ordered by source, subject and kind.

        Args:
            source_prefix: leave out the sources that do not begin so.
        """
        name = _answers.c.source, _answers.c.subject, _answers.c.kind
        query = sa.select(
            *name,
            sa.func.count().label("answers"),
            sa.func.sum(_answers.c.size).label("bytes"),
            sa.func.min(_answers.c.received_at).label("first"),
            sa.func.max(_answers.c.received_at).label("last"),
        ).group_by(*name)
        with self._transaction() as connection:
            rows = connection.execute(query).all()
        counts = (
            Count(r.source, r.subject, r.kind, r.answers, int(r.bytes), r.first, r.last)
            for r in rows
            if r.source.startswith(source_prefix)
        )
        return tuple(sorted(counts, key=lambda c: (c.source, c.subject, c.kind)))

    def verify(self) -> tuple[str, ...]:
        """Every problem found in the whole store, each as a sentence; empty if there is none.

        Every body is held against its digest, every item against the
        answer that it names, every window against reason, and the file is checked as a file.
        """
        return tuple(self._problems())

    def _problems(self) -> Iterator[str]:
        try:
            with self._transaction() as connection:
                yield from self._database.faults(connection)
            for (answer_id,) in self._all(sa.select(_answers.c.id), _answers):
                try:
                    self._answer(answer_id)
                except StoreError as error:
                    yield error.message
            owner = _answers.alias("owner")
            stray = (
                sa.select(_items)
                .outerjoin(owner, owner.c.id == _items.c.answer_id)
                .where(
                    sa.or_(
                        owner.c.id.is_(None),
                        owner.c.source != _items.c.source,
                        owner.c.subject != _items.c.subject,
                    )
                )
            )
            for row in self._all(stray, _items):
                yield (
                    f"Item {row.id} ({row.kind} {row.key!a}) stands in answer {row.answer_id}, "
                    "which is missing or is about something else."
                )
            empty = sa.select(_windows).where(_windows.c.since >= _windows.c.until)
            for row in self._all(empty, _windows):
                yield (
                    f"Window {row.id} ({row.kind} of {row.subject!a}) does not begin before it "
                    "ends."
                )
        except StoreError as error:
            yield error.message

    # --- what the methods above are made of ---

    def _horizon(self, table: sa.Table) -> int:
        """The highest id of a table: what came later has a higher one."""
        with self._transaction() as connection:
            return connection.scalar(sa.select(sa.func.max(table.c.id))) or 0

    def _walk(self, query: Select[Any], table: sa.Table, horizon: int) -> Iterator[Row[Any]]:
        """The rows of a query up to the horizon in order of id, fetched so many at a time.

        Each step is a transaction of its own: nothing stays locked between two steps, and since
        rows are only ever added, the walk shows one state all the same.
        """
        last = 0
        while last < horizon:
            some = query.where(table.c.id > last, table.c.id <= horizon)
            with self._transaction() as connection:
                rows = connection.execute(some.order_by(table.c.id).limit(_ROWS)).all()
            yield from rows
            if len(rows) < _ROWS:
                return
            last = rows[-1].id

    def _all(self, query: Select[Any], table: sa.Table) -> Iterator[Row[Any]]:
        return self._walk(query, table, self._horizon(table))

    def _latest_in(self, query: Select[Any]) -> Iterator[Row[Any]]:
        """Those items of a query that no later one of the same subject and key has replaced."""
        horizon = self._horizon(_items)
        query = query.where(_not_replaced(horizon, within_subject=True))
        yield from self._walk(query, _items, horizon)

    def _latest_of(
        self,
        columns: Select[Any],
        source: str,
        kind: str,
        keys: Sequence[str],
    ) -> Iterator[Row[Any]]:
        """The latest items of these keys over all subjects, in order of id."""
        horizon = self._horizon(_items)
        query = columns.where(
            _items.c.source == source, _items.c.kind == kind, _items.c.id <= horizon
        ).where(_not_replaced(horizon, within_subject=False))
        rows: list[Row[Any]] = []
        for some in _slices(sorted(set(keys))):
            with self._transaction() as connection:
                rows += connection.execute(query.where(_items.c.key.in_(some))).all()
        yield from sorted(rows, key=lambda row: row.id)

    def _located(self, rows: Iterator[Row[Any]]) -> Iterator[Located]:
        """The answers of rows that come in order of id, which is the order of answers as well."""
        for answer_id, group in groupby(rows, key=lambda row: row.answer_id):
            items = sorted(group, key=lambda row: (row.position, row.id))
            yield Located(self._answer(answer_id), tuple(_item(row) for row in items))

    def _transaction(self, *, write: bool = False) -> AbstractContextManager[Connection]:
        if not self._open:
            raise StoreError(f"The evidence store {self.shown} is closed.")
        return self._database.transaction(write=write)

    def _answer(self, answer_id: int) -> StoredAnswer:
        """Read an answer and hold its body against its digest."""
        with self._transaction() as connection:
            row = connection.execute(
                sa.select(_answers).where(_answers.c.id == answer_id)
            ).one_or_none()
        if row is None:
            raise self._missing(answer_id)
        body = _decompress(row.body, row.size)
        if body is None or hashlib.sha256(body).hexdigest() != row.digest:
            raise StoreError(
                f"Answer {answer_id} ({row.kind} from {row.source!a} about {row.subject!a}) in the "
                f"evidence store {self.shown} is not what was put there: its bytes do not have "
                f"the digest {row.digest!a}.",
                hint=RESTORE,
            )
        return StoredAnswer(
            row.id,
            row.digest,
            Answer(
                row.source,
                row.subject,
                row.kind,
                row.request,
                row.status,
                row.received_at,
                body,
            ),
        )

    def _missing(self, answer_id: int) -> StoreError:
        return StoreError(
            f"Answer {answer_id} is missing from the evidence store {self.shown}.",
            hint=RESTORE,
        )


def _of_kind(
    query: Select[Any], table: sa.Table, source: str, subject: str, kind: str
) -> Select[Any]:
    return query.where(table.c.source == source, table.c.subject == subject, table.c.kind == kind)


def _later_of_same_key(
    later: sa.FromClause, item: sa.FromClause, *, within_subject: bool
) -> list[ColumnElement[bool]]:
    same = [
        later.c.source == item.c.source,
        later.c.kind == item.c.kind,
        later.c.key == item.c.key,
        later.c.id > item.c.id,
    ]
    return [*same, later.c.subject == item.c.subject] if within_subject else same


def _not_replaced(horizon: int, *, within_subject: bool) -> ColumnElement[bool]:
    """No item up to the horizon came later; one beyond it has replaced nothing yet."""
    later = _items.alias("later")
    same = _later_of_same_key(later, _items, within_subject=within_subject)
    return ~sa.exists().where(*same, later.c.id <= horizon)


def _item(row: Row[Any]) -> Item:
    return Item(row.kind, row.key, row.position, row.version, row.at)


def _window(row: Row[Any]) -> Window:
    return Window(row.source, row.subject, row.kind, row.since, row.until, row.as_of, row.note)


def _decompress(packed: bytes, size: int) -> bytes | None:
    """The bytes that were packed, or `None`. Never more than `size` of them are unpacked."""
    try:
        unpacked = zlib.decompressobj().decompress(packed, max(size, 0) + 1)
    except zlib.error:
        return None
    return unpacked if len(unpacked) == size else None
