"""Engines for sessions, made from a URL: the driver's arguments, one pool, and what SQLite needs to be safe."""

import sqlite3
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import QueuePool

from onetrip.db import sqlite
from onetrip.db.runner import away
from onetrip.db.url import async_url, asyncpg_arguments, keeps_prepared, psycopg_url, sync_url
from onetrip.settings import Pool

IMMEDIATE = "onetrip_immediate"
"""Execution option of an engine whose transactions on SQLite begin as writers."""


class Memory:
    """An in-memory database that all connections of this process share, alive as long as this object.

    https://www.sqlite.org/src/doc/tip/src/memdb.c: a name that begins with a slash is shared.
    """

    def __init__(self) -> None:
        self.name = f"file:/{uuid4().hex}"
        self.uri = f"{self.name}?vfs=memdb"
        self._anchor = sqlite3.connect(self.uri, uri=True, check_same_thread=False)

    def __del__(self) -> None:
        self._anchor.close()

    @property
    def url(self) -> URL:
        """The URL by which SQLAlchemy reaches it."""
        return URL.create("sqlite", database=self.name, query={"vfs": "memdb", "uri": "true"})


def create_async(url: URL, pool: Pool, *, wal: bool) -> AsyncEngine:
    """Make an engine of the asynchronous driver. Raises `ConfigurationError` when that is not installed."""
    if url.drivername == "sqlite":
        engine = create_async_engine(async_url(url), connect_args={"factory": sqlite.Connection}, **_options(pool))
        _tune(engine.sync_engine, wal=wal)
        return engine
    return create_async_engine(
        async_url(url).set(query={}), async_creator=_asyncpg(url, pool), pool_pre_ping=True,
        connect_args={} if keeps_prepared(url) and pool.prepared else {"prepared_statement_cache_size": 0},
        **_options(pool),
    )  # fmt: skip


def create_sync(url: URL, pool: Pool, *, wal: bool) -> sa.Engine:
    """Make an engine of the synchronous driver. Raises `ConfigurationError` when that is not installed."""
    if url.drivername == "sqlite":
        arguments: dict[str, Any] = {"check_same_thread": False, "factory": sqlite.Connection}
        engine = sa.create_engine(sync_url(url), poolclass=QueuePool, connect_args=arguments, **_options(pool))
        _tune(engine, wal=wal)
        return engine
    url_ = psycopg_url(url)
    arguments = {} if "connect_timeout" in url_.query else {"connect_timeout": max(2, round(pool.connect_timeout))}
    if not (keeps_prepared(url) and pool.prepared):
        arguments["prepare_threshold"] = None
    return sa.create_engine(url_, pool_pre_ping=True, connect_args=arguments, **_options(pool))


def _options(pool: Pool) -> dict[str, Any]:
    return {"pool_size": pool.size, "max_overflow": 0, "pool_timeout": pool.timeout}


def _asyncpg(url: URL, pool: Pool) -> Any:
    """Make the function that opens a connection, and says so in our words when it cannot."""
    import asyncpg  # an extra

    arguments = {"timeout": pool.connect_timeout, **asyncpg_arguments(url)}
    if not pool.prepared:
        arguments["statement_cache_size"] = 0

    async def connect(*_: Any, **__: Any) -> Any:
        try:
            return await asyncpg.connect(**arguments)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise away(error) from error

    return connect


def _tune(engine: sa.Engine, *, wal: bool) -> None:
    """Give SQLite what it needs to be safe: foreign keys, waiting, real transactions that begin as they go on.

    The driver's own transaction control is switched off: it begins late, so that a read and the write that follows
    from it are not one transaction, and ignores SAVEPOINT.
    https://docs.sqlalchemy.org/en/21/dialects/sqlite.html#pysqlite-serializable
    """

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        sqlite.prepare(connection)
        if wal:
            sqlite.write_ahead(connection)

    @event.listens_for(engine, "begin")
    def begun(connection: sa.Connection) -> None:
        immediate = connection.get_execution_options().get(IMMEDIATE, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
