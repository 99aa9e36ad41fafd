"""A database: its dialect, its sessions' engines, and the runner of generated requests.

Everything is opened when it is first needed, on the event loop that needs it, and closed with that loop at the latest,
so that no start order can be wrong: a test client that changes loops gets new connections.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, nullcontext, suppress
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool, StaticPool

from onetrip.db.engine_runners import EngineRunner, ThreadRunner
from onetrip.db.engines import Memory, create_async, create_sync
from onetrip.db.nested import Nested
from onetrip.db.runner import Fetch, Reader, Row, Runner, Steps, T, Writer, place
from onetrip.db.sqlite import SQLiteReader, file_uri
from onetrip.db.sqlite_writer import SQLiteWriter
from onetrip.db.url import async_url, is_memory, keeps_prepared, parse_url, shown
from onetrip.errors import ConfigurationError
from onetrip.settings import Pool
from onetrip.sql.dialects.dialect import Dialect
from onetrip.sql.dialects.postgresql import PostgreSQL
from onetrip.sql.dialects.sqlite import SQLite
from onetrip.sql.statement import Statement

_KEPT_FOR_SESSIONS = 2
_SQLITE_WORKERS = 4


class Database:
    """One database, from a URL or from an engine that a user brings.

    Args:
        url: as `parse_url` reads it; ignored when an engine is given.
        engine: an existing `AsyncEngine` or `Engine`, which stays its owner's to dispose of.
        pool: how many connections, and how long to wait for one.
        own: the database is ours to tune: SQLite gets write-ahead logging, which stays in the file.
        statement_timeout: how long a statement of a generated request may run (seconds).
    """

    def __init__(
        self,
        url: URL | str,
        *,
        engine: AsyncEngine | sa.Engine | None = None,
        pool: Pool | None = None,
        own: bool = True,
        statement_timeout: float | None = None,
    ) -> None:
        chosen = url if engine is None else engine.url
        self.url = parse_url(chosen if isinstance(chosen, str) else chosen.render_as_string(hide_password=False))
        self.pool = pool or Pool()
        if self.pool.size <= _KEPT_FOR_SESSIONS:
            raise ConfigurationError(f"A pool has at least {_KEPT_FOR_SESSIONS + 1} connections, not {self.pool.size}.")
        self.own = own
        self.statement_timeout = statement_timeout
        self.given = engine
        self.memory = Memory() if engine is None and self.url.drivername == "sqlite" and is_memory(self.url) else None
        self.dialect = self._dialect()
        self._sync_engine: sa.Engine | None = engine if isinstance(engine, sa.Engine) else None
        self._open: dict[asyncio.AbstractEventLoop, _Connections] = {}
        self._last: tuple[asyncio.AbstractEventLoop | None, Reader | None] = (None, None)

    def __str__(self) -> str:
        return shown(self.url)

    async def run(self, statement: Statement, values: tuple[Any, ...]) -> Row | None:
        """Run a compiled statement: one row of one value, or `None`."""
        loop, runner = self._last
        if runner is None or loop is not asyncio.get_running_loop():
            runner = self.connections().runner
        return await runner.fetch(statement.text, statement.bind(values))

    async def write(self, statement: Statement, values: tuple[Any, ...]) -> Row | None:
        """Run a compiled statement that changes rows, and commit it. Raises as `Writer.write` does."""
        return await self.connections().writer.write(statement.text, statement.bind(values))

    async def transact(self, steps: Callable[[], Steps[T]]) -> T:
        """Run the statements of one transaction, and commit it. Raises as `Writer.transact` does."""
        return await self.connections().writer.transact(steps)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Nested]:
        """Begin a transaction that writes, and commit it at the end of the block. Raises as `Writer.begin` does."""
        async with self.connections().writer.begin() as execute:
            yield Nested(execute, self.dialect)

    def stream(self, statement: Statement, values: tuple[Any, ...]) -> AbstractAsyncContextManager[Fetch]:
        """Run a compiled statement of many rows, which are read as they are asked for. Raises as `Reader.stream`."""
        return self.connections().runner.stream(statement.text, statement.bind(values))

    async def ping(self) -> None:
        """Ask the database for a sign of life. Raises `Unavailable` when the database does not answer."""
        await self.run(_PING[self.url.drivername], ())

    @property
    def engine(self) -> AsyncEngine:
        """The engine of asynchronous sessions, on the running loop."""
        return self.connections().engine

    @property
    def sync_engine(self) -> sa.Engine:
        """The engine of synchronous sessions, with the same pool settings."""
        if isinstance(self.given, AsyncEngine):
            raise ConfigurationError(
                "This API was given an AsyncEngine, which has no synchronous sessions: use Depends(api.session),"
                " or give the database by its URL."
            )
        if self._sync_engine is None:
            self._sync_engine = create_sync(self.sessions_url, self.pool, wal=self.tunes_files)
        return self._sync_engine

    @property
    def sessions_url(self) -> URL:
        """The URL by which sessions reach the database."""
        return self.url if self.memory is None else self.memory.url

    @property
    def tunes_files(self) -> bool:
        """Whether a file may be changed to write-ahead logging."""
        return self.own and self.memory is None

    def connections(self) -> "_Connections":
        """Find what is open on the running loop, or begin with it."""
        loop = asyncio.get_running_loop()
        found = self._open.get(loop)
        if found is None:
            for gone in [known for known in self._open if known.is_closed()]:
                del self._open[gone]
            found = self._open[loop] = _Connections(self)
        self._last = (loop, found.runner)
        return found

    async def close(self) -> None:
        """Close every connection that was opened here, on the running loop and for synchronous sessions."""
        found = self._open.get(asyncio.get_running_loop())
        if found is not None:
            await found.guard.aclose()
        self._close_sync()

    def _forget(self, loop: asyncio.AbstractEventLoop) -> None:
        self._open.pop(loop, None)
        self._last = (None, None)
        if not self._open:
            self._close_sync()

    def _close_sync(self) -> None:
        if self._sync_engine is not None and self._sync_engine is not self.given:
            self._sync_engine.dispose()
            self._sync_engine = None

    def _dialect(self) -> Dialect:
        if self.url.drivername == "sqlite":
            return SQLite(async_url(self.url).get_dialect()())
        if self.given is not None and self.given.dialect.driver != "asyncpg":
            return PostgreSQL(type(self.given.dialect)(paramstyle="format"))  # type: ignore[call-arg]
        return PostgreSQL(async_url(self.url).get_dialect()())

    @property
    def _runner(self) -> Reader | None:
        return self._last[1]


class _Connections:
    """What one event loop has open. `places` are as many as there are connections, for those who ask before."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._engine = database.given if isinstance(database.given, AsyncEngine) else None
        self.places = asyncio.Semaphore(_size(database.given) or database.pool.size)
        self.runner: Reader
        self.writer: Writer
        self.runner, self.writer = self._create_runners()
        self.guard = self._close_with_the_loop()
        with suppress(StopIteration):  # up to its `yield`: from then on the loop knows it
            self.guard.asend(None).send(None)

    @property
    def engine(self) -> AsyncEngine:
        """The engine of asynchronous sessions."""
        database = self.database
        if isinstance(database.given, sa.Engine):
            raise ConfigurationError(
                "This API was given a synchronous engine, which has no asynchronous sessions: use"
                " Depends(api.sync_session), or give an AsyncEngine or the database by its URL."
            )
        if self._engine is None:
            self._engine = create_async(database.sessions_url, database.pool, wal=database.tunes_files)
        return self._engine

    @asynccontextmanager
    async def session(self) -> AsyncIterator[None]:
        """Make room for an asynchronous session, where it shares connections with requests."""
        if isinstance(self.runner, EngineRunner):
            async with place(self.places, self.database.pool.timeout):
                yield
        else:
            with self.late_session():
                yield

    def late_session(self) -> AbstractContextManager[None]:
        """Make room for a session at once; where one would have to wait for it, the engine's pool lets it wait."""
        return getattr(self.runner, "session", nullcontext)()

    def sync_session(self) -> AbstractAsyncContextManager[None]:
        """Wait until there is a connection for a synchronous session."""
        return place(self.places, self.database.pool.timeout)

    def _create_runners(self) -> tuple[Reader, Writer]:
        database, timeout, seconds = self.database, self.database.pool.timeout, self.database.statement_timeout
        if database.url.drivername == "sqlite" and (database.memory is not None or not is_memory(database.url)):
            uri = _uri(database.url) if database.memory is None else database.memory.uri
            reader = SQLiteReader(uri, workers=_SQLITE_WORKERS, timeout=timeout, seconds=seconds)
            return reader, SQLiteWriter(uri, wal=database.tunes_files, timeout=timeout, seconds=seconds)
        runner = self._create_runner()
        return runner, runner

    def _create_runner(self) -> Runner:
        database, timeout, seconds = self.database, self.database.pool.timeout, self.database.statement_timeout
        if isinstance(database.given, sa.Engine):
            return ThreadRunner(database.given, places=self.places, timeout=timeout, seconds=seconds)
        if self.engine.dialect.driver != "asyncpg":
            return EngineRunner(self.engine, places=self.places, timeout=timeout, seconds=seconds)
        return self._hold_connections()

    def _hold_connections(self) -> Runner:
        from onetrip.db.postgresql_stream import Connections  # asyncpg is an extra

        database, pool = self.database, self.database.pool
        # Of an engine that is ours all but a few, of one that has other users half.
        share = pool.size - _KEPT_FOR_SESSIONS if database.given is None else (_size(self.engine) or pool.size) // 2
        prepared = pool.prepared and keeps_prepared(database.url)
        return Connections(
            self.engine, share=max(1, share), kept=_KEPT_FOR_SESSIONS, timeout=pool.timeout, prepared=prepared,
            seconds=database.statement_timeout,
        )  # fmt: skip

    async def _close_with_the_loop(self) -> AsyncGenerator[None, None]:
        """Close everything when `aclose` is called: by the database, or by the loop at its end.

        A loop that ends closes its asynchronous generators (PEP 525): `asyncio.run`, pytest's plugins and the test
        client all see to it, so connections never outlive the loop that they belong to.
        """
        try:
            yield
        finally:
            self.database._forget(asyncio.get_running_loop())
            parts: set[Reader | Writer] = {self.runner, self.writer}
            for part in parts:
                await part.close()
            if self._engine is not None and self._engine is not self.database.given:
                await self._engine.dispose()


def _uri(url: URL) -> str:
    if url.query.get("uri") == "true":
        (uri,), _ = url.set(drivername="sqlite+pysqlite").get_dialect()().create_connect_args(url)
        return str(uri)
    return file_uri(url.database or "")


def _size(engine: AsyncEngine | sa.Engine | None) -> int | None:
    """Say how many connections an engine's pool may open, `None` when it does not say."""
    pool = None if engine is None else engine.pool
    if isinstance(pool, QueuePool):
        return pool.size() + max(pool._max_overflow, 0)
    return 1 if isinstance(pool, StaticPool) else None


_PING = {"postgresql": Statement("SELECT 1", ()), "sqlite": Statement("PRAGMA schema_version", ())}
"""The shortest statement that needs the database itself: SQLite does not open a file for `SELECT 1`."""
