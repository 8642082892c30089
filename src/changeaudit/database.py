"""The database that a store is kept in: an SQLite file, or whatever a URL names.

Everything that is SQLite's own stands in `SqliteFile`, the rest is portable SQL. What a database
says when it fails becomes a `StoreError` here and nowhere else.
"""

from __future__ import annotations

import os
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, quote_plus

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool

from changeaudit.errors import StoreError

BUSY_SECONDS = 30.0
"""How long to wait for another process that is writing."""


def connect(where: str | Path, *, create: bool, read_only: bool) -> Database:
    """The database at `where`, a path or a SQLAlchemy URL; nothing is read or written yet.

    Raises:
        StoreError: the path cannot be used, or the URL cannot be read.
    """
    url = None if isinstance(where, Path) else _url(where)
    if url is not None and url.get_backend_name() != "sqlite":
        return Database(_shown(url), _engine(url))
    path = Path(where) if url is None else _sqlite_path(url)
    _check_path(path, create=create)
    return SqliteFile(path, create=create, read_only=read_only)


class Database:
    """Where a store is kept: a server does by itself what an SQLite file must be told."""

    def __init__(self, shown: str, engine: Engine) -> None:
        self.shown = shown
        self.engine = engine

    def before_creation(self) -> None:
        """Make an empty database ready for the tables."""

    def before_transaction(self) -> None:
        """Choose how to connect."""

    def after_transaction(self) -> None:
        """See that what was read was at rest."""

    def faults(self, connection: Connection) -> Iterator[str]:
        """What the database itself finds wrong."""
        return iter(())

    @contextmanager
    def transaction(self, *, write: bool = False) -> Iterator[Connection]:
        """A connection within a transaction; what the database says becomes a StoreError."""
        with self.told():
            self.before_transaction()
            with self.engine.connect() as connection:
                connection = connection.execution_options(changeaudit_write=write)
                with connection.begin():
                    yield connection
            self.after_transaction()

    @contextmanager
    def told(self) -> Iterator[None]:
        """The one place where an error of the database becomes a message.

        The error itself is left out of the chain: it may show the URL with its password.
        """
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise self._error(error) from None

    def _error(self, error: SQLAlchemyError | sqlite3.Error) -> StoreError:
        cause = getattr(error, "orig", None) or error
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        said = " ".join(str(cause).split())
        for secret in _secrets(self.engine.url):
            said = said.replace(secret, "***")
        what, hint = _FAULTS.get(code, _REFUSED)
        what = what.format(seconds=BUSY_SECONDS)
        return StoreError(f"The evidence store {self.shown} {what} ({said}).", hint=hint)


class _State(NamedTuple):
    """A file as it lies on the disk; `logs` are the bytes beside it that are not yet part of it."""

    inode: int
    size: int
    changed: int
    logs: int


class SqliteFile(Database):
    """An SQLite file, and everything about it that is SQLite's own."""

    def __init__(self, path: Path, *, create: bool, read_only: bool) -> None:
        self.path = path.absolute()
        self.mode = "ro" if read_only else "rwc" if create else "rw"
        self.at_rest: _State | None = None
        engine = sa.create_engine(
            "sqlite+pysqlite://",
            creator=self._connect,
            poolclass=QueuePool,
            max_overflow=-1,
            hide_parameters=True,
        )
        super().__init__(str(path), engine)

        @sa.event.listens_for(self.engine, "begin")
        def begin(connection: Connection) -> None:
            # A writer takes its lock at once: a transaction that reads first and writes later
            # fails without waiting when another process wrote in between.
            write = connection.get_execution_options().get("changeaudit_write", False)
            connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    def _connect(self) -> sqlite3.Connection:
        posix = self.path.as_posix()
        # A URI, because only a URI can say "ro" and "immutable". Percent-encoding keeps
        # every name whole, "#", "?" and "%" included; "C:/x" becomes "/C:/x", as SQLite wants it.
        rooted = posix if posix.startswith("/") else f"/{posix}"
        uri = f"file://{quote(os.fsencode(rooted))}?mode={self.mode}"
        if self.at_rest is not None:
            uri += "&immutable=1"
        connection = sqlite3.connect(
            uri,
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,  # `begin` above says BEGIN, not the driver
            check_same_thread=False,  # the pool hands a connection to one thread at a time
        )
        # FULL: under WAL, NORMAL does not sync on commit, so that a loss of power may take back
        # transactions already reported as committed (never corrupting the file). A page of
        # evidence that was counted as collected must not vanish; one sync per page is cheap
        # beside the request that fetched it. `fullfsync` is what makes a sync real on macOS.
        try:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA fullfsync = ON")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA trusted_schema = OFF")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _state(self) -> _State | None:
        """What tells that the file has not moved; `None` if it cannot be looked at."""
        logs = 0
        try:
            there = self.path.stat()
            for log in (Path(f"{self.path}-wal"), Path(f"{self.path}-journal")):
                logs += log.stat().st_size if log.exists() else 0
        except OSError:
            return None
        return _State(there.st_ino, there.st_size, there.st_mtime_ns, logs)

    def before_transaction(self) -> None:
        """Choose how a file opened for reading only is read.

        At rest, with no log beside it, it is opened as immutable. That works in a folder that
        cannot be written, where WAL could not keep its index, and leaves no file behind in one
        that can. Once somebody else writes that would be unsafe: it is opened the shared way.
        """
        if self.mode != "ro":
            return
        state = self._state()
        at_rest = state if state is not None and state.logs == 0 else None
        if at_rest != self.at_rest:
            self.engine.dispose()
            self.at_rest = at_rest

    def after_transaction(self) -> None:
        """See that what was read as immutable has not moved meanwhile."""
        if self.at_rest is not None and self._state() != self.at_rest:
            raise StoreError(
                f"The evidence store {self.shown} was written to while it was being read.",
                hint="Run the command again.",
            )

    def before_creation(self) -> None:
        """Let readers read while a writer writes. The choice is kept in the file.

        SQLite does not wait for a lock here as it does elsewhere, so this waits itself.
        """
        deadline = time.monotonic() + BUSY_SECONDS
        connection = self._connect()
        try:
            while True:
                try:
                    connection.execute("PRAGMA journal_mode = WAL")
                    return
                except sqlite3.OperationalError as error:
                    busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                    if not busy or time.monotonic() > deadline:
                        raise
                    time.sleep(0.02)
        finally:
            connection.close()

    def faults(self, connection: Connection) -> Iterator[str]:
        """What SQLite itself finds wrong with the file."""
        for (fault,) in connection.exec_driver_sql("PRAGMA integrity_check"):
            if fault != "ok":
                yield f"The file itself is damaged: {fault}."


RESTORE = "Restore the file from a copy, or collect the evidence anew into another file."
_FAULTS: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_NOTADB: ("is not an SQLite database", "Name the file that an audit wrote."),
    sqlite3.SQLITE_CORRUPT: ("is damaged", RESTORE),
    sqlite3.SQLITE_CANTOPEN: (
        "cannot be opened",
        "Check that its folder exists and may be entered. If a file ending in -wal lies beside "
        "it, open the store once where the folder may be written.",
    ),
    sqlite3.SQLITE_READONLY: (
        "cannot be written: the file or its folder is read-only",
        "Change the permissions, or name another file.",
    ),
    sqlite3.SQLITE_PERM: ("may not be accessed", "Change the permissions, or name another file."),
    sqlite3.SQLITE_FULL: (
        "cannot grow: the disk is full",
        "Free some space and run the command again; what was committed is kept.",
    ),
    sqlite3.SQLITE_IOERR: (
        "could not be read or written: the disk reported an error",
        "Check the disk, and that it is not full; what was committed is kept.",
    ),
    sqlite3.SQLITE_BUSY: (
        "is locked: another process kept writing to it for {seconds:g} seconds",
        "Wait for the other run to end and try again.",
    ),
    sqlite3.SQLITE_TOOBIG: ("cannot hold an answer of this size", ""),
    sqlite3.SQLITE_CONSTRAINT: ("refused a change that would break the evidence", ""),
}
_REFUSED = (
    "refused",
    "Check that the database is running, that the URL is right, and what the account may do.",
)


def _url(where: str) -> URL | None:
    """`where` as a URL; `None` if it is a path. A text that cannot be parsed is never shown."""
    if not re.match(r"[A-Za-z][A-Za-z0-9+_.-]*://", where):
        return None
    try:
        return make_url(where)
    except (SQLAlchemyError, ValueError):
        raise StoreError(
            "The database URL of the evidence store cannot be read.",
            hint="Write it as dialect+driver://user:password@host:port/database, and "
            "percent-encode what is special in the password.",
        ) from None


def _secrets(url: URL) -> tuple[str, ...]:
    """What must not be shown of a URL: the password, and the query, which may hold another."""
    values = [url.password or ""]
    for value in url.query.values():
        values.extend([value] if isinstance(value, str) else value)
    return tuple(form for v in values if v for form in {v, quote(v, safe=""), quote_plus(v)})


def _shown(url: URL) -> str:
    return url._replace(password=None).set(query={}).render_as_string()


def _engine(url: URL) -> Engine:
    try:
        return sa.create_engine(url, hide_parameters=True, pool_pre_ping=True)
    except ImportError as error:
        raise StoreError(
            f"The evidence store {_shown(url)} needs the Python package {error.name}, which is "
            "not installed.",
            hint=f"Install it beside changeaudit: pip install {error.name}",
        ) from None
    except (SQLAlchemyError, TypeError, ValueError):
        raise StoreError(
            f"The evidence store {_shown(url)} cannot be opened: no such kind of database, or an "
            "option in its URL that is not known.",
            hint="Give a path to a file, or a postgresql+psycopg:// URL.",
        ) from None


def _sqlite_path(url: URL) -> Path:
    if not url.database or url.database == ":memory:" or url.query:
        raise StoreError(
            "An SQLite evidence store must be a file, and its URL has no options.",
            hint="Give its path.",
        )
    return Path(url.database)


def _check_path(path: Path, *, create: bool) -> None:
    """Say what is wrong with a path in better words than the database has."""
    try:
        if "\0" in str(path):
            raise ValueError("a name cannot hold a NUL")
        if path.is_dir():
            raise StoreError(
                f"The evidence store {path} is a folder.", hint="Name a file within it."
            )
        if not create and not path.exists():
            raise StoreError(
                f"There is no evidence store at {path}.",
                hint="Collect evidence first, or name another file.",
            )
        if not path.parent.is_dir():
            raise StoreError(
                f"The folder {path.parent} of the evidence store does not exist.",
                hint="Create it, or name another file.",
            )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise StoreError(
            f"The evidence store {str(path)!a} cannot be reached: {reason}.",
            hint="Name another file.",
        ) from None
