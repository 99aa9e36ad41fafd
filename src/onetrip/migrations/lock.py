"""One runner among many: who holds the lock of a database changes its schema, others wait and look again.

Nobody waits inside the database: a statement that waits keeps a snapshot, for which CREATE INDEX CONCURRENTLY of the
one who holds the lock would wait in turn. They ask again and again instead.
"""

import hashlib
import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from onetrip.db.url import shown
from onetrip.errors import ConfigurationError
from onetrip.migrations.connection import connected

SUFFIX = ".migrating"
"""What the lock file of an SQLite database is called, after the database, unless the lock has a name of its own."""

_EVERY = 0.1  # seconds, between two tries
_LOST = "The lock of the migrations was lost, the connection that held it is gone: nothing more was changed; run again."


class Lock(ABC):
    """The lock of one database, which its database or its system gives back when the process dies."""

    @abstractmethod
    def take(self) -> bool:
        """Take it, or say that somebody else has it."""

    @abstractmethod
    def check(self) -> None:
        """Raise `ConfigurationError` when it is not held any more."""


@contextmanager
def locked(
    url: URL, connection: sa.Connection, wait: float, waiting: Callable[[], None], name: str = ""
) -> Iterator[Lock]:
    """Hold the lock of the database of a connection, which has no transaction open; wait for so many seconds.

    Locks of another `name` are others. Calls `waiting` once when somebody else has it. Raises `ConfigurationError` when
    it does not become free.
    """
    assert not connection.in_transaction()
    if connection.dialect.name == "postgresql":
        opened = _postgresql(url, name)
    else:
        opened = _sqlite(database_file(connection), name)
    with opened as lock:
        end, told = time.monotonic() + wait, False
        while not lock.take():
            if not told:
                waiting()
                told = True
            if time.monotonic() >= end:
                raise ConfigurationError(
                    f"Another process has been migrating {shown(url)} for {wait:g} seconds: "
                    "wait until it is done, or wait longer with --lock-wait."
                )
            time.sleep(_EVERY)
        yield lock


def database_file(connection: sa.Connection) -> Path | None:
    """Find the file of an SQLite database, `None` for one in memory. Begins no transaction."""
    raw: sqlite3.Connection = connection.connection.dbapi_connection  # type: ignore[assignment]
    name = next((file for _, schema, file in raw.execute("PRAGMA database_list") if schema == "main"), "")
    return Path(name) if name else None


class _Advisory(Lock):
    """A session's advisory lock. Behind a pooler that shares sessions it would be everybody's."""

    def __init__(self, connection: sa.Connection, name: str) -> None:
        self.connection = connection
        names = connection.exec_driver_sql("SELECT current_database(), current_schema()").one()
        digest = hashlib.sha256("\0".join([f"onetrip{name}", *map(str, names)]).encode()).digest()
        self.key = int.from_bytes(digest[:8], signed=True)

    def take(self) -> bool:
        """Ask, without waiting."""
        return bool(self.connection.scalar(sa.text("SELECT pg_try_advisory_lock(:key)"), {"key": self.key}))

    def check(self) -> None:
        """Look into the locks of this session: https://www.postgresql.org/docs/current/view-pg-locks.html"""
        held = sa.text(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND objsubid = 1 "
            "AND (classid::bigint << 32) | objid::bigint = :key"
        )
        try:
            number = self.connection.scalar(held, {"key": self.key})
        except DBAPIError as error:
            raise ConfigurationError(_LOST) from error
        if not number:
            raise ConfigurationError(_LOST)


@contextmanager
def _postgresql(url: URL, name: str) -> Iterator[Lock]:
    with connected(url) as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        yield _Advisory(connection, name)


class _File(Lock):
    """The lock of a file beside the database: of an empty SQLite database, which every system can lock and give back.

    The database itself is not what is locked, so that who reads it goes on reading.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        try:
            self.connection = sqlite3.connect(file, timeout=0, isolation_level=None)
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    def take(self) -> bool:
        """Begin a transaction that nobody else can be in; nothing is ever written."""
        try:
            self.connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                return False
            raise self._unusable(error) from error
        return True

    def _unusable(self, error: sqlite3.Error) -> ConfigurationError:
        return ConfigurationError(
            f"The lock file '{self.file}' cannot be used: {error}; migrations need to write beside the database."
        )

    def check(self) -> None:
        """It is held as long as this process lives."""


class _Alone(Lock):
    """A database in memory has no other runner."""

    def take(self) -> bool:
        """It is free."""
        return True

    def check(self) -> None:
        """Nobody takes it."""


@contextmanager
def _sqlite(path: Path | None, name: str) -> Iterator[Lock]:
    if path is None:
        yield _Alone()
        return
    lock = _File(path.with_name(path.name + (f".{name}" if name else "") + SUFFIX))
    try:
        yield lock
    finally:
        lock.connection.close()
