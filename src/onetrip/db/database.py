"""A database: its engine, its dialect, its sessions, and the runner of generated requests.

Everything is opened when it is first needed, on the event loop that needs it, so that no start order can be wrong: a
test client that changes loops gets new connections. `close` closes all.
"""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import QueuePool

from onetrip.db import sqlite
from onetrip.db.runner import EngineRunner, Row, Runner
from onetrip.db.url import async_url, asyncpg_arguments, parse_url, shown, sync_url
from onetrip.errors import ConfigurationError
from onetrip.settings import Pool
from onetrip.sql.dialects.dialect import Dialect
from onetrip.sql.dialects.postgresql import PostgreSQL
from onetrip.sql.dialects.sqlite import SQLite
from onetrip.sql.statement import Statement

IMMEDIATE = "onetrip_immediate"
"""Execution option of an engine whose transactions on SQLite begin as writers."""

_KEPT_FOR_SESSIONS = 2


class Database:
    """One database, from a URL or from an engine that a user brings.

    Args:
        url: as `parse_url` reads it; ignored when an engine is given.
        engine: an existing `AsyncEngine` or `Engine`, which stays its owner's to dispose of.
        pool: how many connections, and how long to wait for one.
        own: the database is ours to tune: SQLite gets write-ahead logging, which stays in the file.
    """

    def __init__(
        self, url: URL | str, *, engine: AsyncEngine | sa.Engine | None = None, pool: Pool | None = None, own: bool = True
    ) -> None:
        if engine is not None:
            url = engine.url
        self.url = parse_url(url) if isinstance(url, str) else _without_driver(url)
        self.pool = pool or Pool()
        if self.pool.size <= _KEPT_FOR_SESSIONS:
            raise ConfigurationError(f"A pool has at least {_KEPT_FOR_SESSIONS + 1} connections, not {self.pool.size}.")
        self.own = own
        self.given = engine
        self.memory = _Memory() if self.url.drivername == "sqlite" and _is_memory(self.url) and engine is None else None
        self.dialect = self._dialect()
        self._engine: AsyncEngine | None = engine if isinstance(engine, AsyncEngine) else None
        self._sync_engine: sa.Engine | None = engine if isinstance(engine, sa.Engine) else None
        self._runner: Runner | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def __str__(self) -> str:
        return shown(self.url)

    async def run(self, statement: Statement, values: tuple[Any, ...]) -> Row | None:
        """Run a compiled statement: one row of one value, or `None`."""
        runner = self._runner
        if runner is None or asyncio.get_running_loop() is not self._loop:
            runner = self._start()
        return await runner.fetch(statement.text, statement.bind(values))

    async def ping(self) -> None:
        """Run the shortest statement. Raises `Unavailable` when the database does not answer."""
        await self.run(_PING, ())

    @property
    def engine(self) -> AsyncEngine:
        """The engine of asynchronous sessions, on the running loop."""
        if self._runner is None or asyncio.get_running_loop() is not self._loop:
            self._start()
        assert self._engine is not None
        return self._engine

    @property
    def sync_engine(self) -> sa.Engine:
        """The engine of synchronous sessions, with the same pool settings."""
        if self._sync_engine is None:
            self._sync_engine = self._create_sync()
        return self._sync_engine

    async def close(self) -> None:
        """Close every connection that was opened here."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.close()
        if self._engine is not None and self._engine is not self.given:
            await self._engine.dispose()
            self._engine = None
        if self._sync_engine is not None and self._sync_engine is not self.given:
            self._sync_engine.dispose()
            self._sync_engine = None

    def _start(self) -> Runner:
        """Open an engine and a runner for the running loop; those of a loop that is gone are let go."""
        if self._engine is None or self._engine is not self.given:
            if self._engine is not None:
                self._engine.sync_engine.dispose(close=False)
            self._engine = self._create_async()
        self._loop = asyncio.get_running_loop()
        self._runner = self._create_runner(self._engine)
        return self._runner

    def _dialect(self) -> Dialect:
        if self.url.drivername == "sqlite":
            return SQLite(async_url(self.url).get_dialect()())
        given = self.given.dialect if isinstance(self.given, AsyncEngine) else None
        if given is not None and given.driver != "asyncpg":
            return PostgreSQL(type(given)(paramstyle="format"))
        return PostgreSQL(async_url(self.url).get_dialect()())

    def _create_runner(self, engine: AsyncEngine) -> Runner:
        if engine.dialect.name == "sqlite" and (self.memory is not None or not _is_memory(self.url)):
            return sqlite.SQLiteReader(self._sqlite_file(), workers=4, timeout=self.pool.timeout)
        if engine.dialect.driver == "asyncpg" and not self._without_prepared():
            from onetrip.db.postgresql import HeldConnections  # asyncpg is an extra

            pooled = engine.pool
            size = self.pool.size
            if engine is self.given and isinstance(pooled, QueuePool):
                size = pooled.size() + max(pooled._max_overflow, 0)
            return HeldConnections(engine, limit=max(1, size - _KEPT_FOR_SESSIONS), timeout=self.pool.timeout)
        return EngineRunner(engine, autocommit=engine.dialect.name != "sqlite" and not self._without_prepared())

    def _without_prepared(self) -> bool:
        """Whether the URL says that prepared statements do not survive (PgBouncer in transaction mode)."""
        return any(self.url.query.get(name) == "0" for name in ("statement_cache_size", "prepared_statement_cache_size"))

    def _create_async(self) -> AsyncEngine:
        options: dict[str, Any] = {"pool_size": self.pool.size, "max_overflow": 0, "pool_timeout": self.pool.timeout}
        if self.url.drivername == "sqlite":
            engine = create_async_engine(self._sqlite_url("sqlite+aiosqlite"), **options)
            self._tune(engine.sync_engine)
            return engine
        import asyncpg  # an extra

        arguments = asyncpg_arguments(self.url)

        async def connect(*_: Any, **__: Any) -> Any:
            return await asyncpg.connect(timeout=self.pool.connect_timeout, **arguments)

        return create_async_engine(async_url(self.url).set(query={}), async_creator=connect, pool_pre_ping=True, **options)

    def _create_sync(self) -> sa.Engine:
        options: dict[str, Any] = {"pool_size": self.pool.size, "max_overflow": 0, "pool_timeout": self.pool.timeout}
        if self.url.drivername == "sqlite":
            engine = sa.create_engine(
                self._sqlite_url("sqlite+pysqlite"), poolclass=QueuePool, connect_args={"check_same_thread": False}, **options
            )
            self._tune(engine)
            return engine
        return sa.create_engine(sync_url(self.url), pool_pre_ping=True, **options)

    def _tune(self, engine: sa.Engine) -> None:
        """Give SQLite what it needs to be safe: foreign keys, waiting, real transactions that begin as they go on.

        The driver's own transaction control is switched off: it begins late, so that a read and the write that
        follows from it are not one transaction, and ignores SAVEPOINT.
        https://docs.sqlalchemy.org/en/21/dialects/sqlite.html#pysqlite-serializable
        """

        @event.listens_for(engine, "connect")
        def connected(connection: Any, _: Any) -> None:
            connection.isolation_level = None
            sqlite.prepare(connection)
            if self.own and self.memory is None:
                connection.execute("PRAGMA journal_mode = WAL")

        @event.listens_for(engine, "begin")
        def begun(connection: sa.Connection) -> None:
            immediate = connection.get_execution_options().get(IMMEDIATE, False)
            connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    def _sqlite_file(self) -> str:
        return self.memory.uri if self.memory is not None else str(Path(self.url.database or ""))

    def _sqlite_url(self, drivername: str) -> URL:
        if self.memory is None:
            return self.url.set(drivername=drivername)
        return URL.create(drivername, database=self.memory.uri, query={"uri": "true"})


class _Memory:
    """An in-memory database that all connections of this process share, alive as long as this object.

    https://www.sqlite.org/src/doc/tip/src/memdb.c: a name that begins with a slash is shared.
    """

    def __init__(self) -> None:
        self.uri = f"file:/{quote(uuid4().hex)}?vfs=memdb"
        self._anchor = sqlite3.connect(self.uri, uri=True, check_same_thread=False)


def _is_memory(url: URL) -> bool:
    return not url.database or url.database == ":memory:" or "mode=memory" in url.database


def _without_driver(url: URL) -> URL:
    return parse_url(url.render_as_string(hide_password=False))


_PING = Statement("SELECT 1", ())
