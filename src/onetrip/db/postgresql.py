"""PostgreSQL on the driver: a few asyncpg connections that requests hold, with prepared statements.

They are checked out of the engine's own pool, so its limit counts them, and kept: no checkout, no reset query, no
transaction around the one statement of a request. A prepared statement runs in autocommit, one message each way.
"""

import asyncio
from collections import deque
from typing import Any

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine

from onetrip.db.runner import Row, away, busy, differs

MAX_PREPARED = 256
"""Prepared statements that one connection keeps."""

_GONE = (
    asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.InternalClientError,
    asyncpg.AdminShutdownError, asyncpg.CrashShutdownError, asyncpg.CannotConnectNowError, ConnectionError, OSError,
)  # fmt: skip


class _Connection:
    """A driver connection, the pool's record of it, and the statements prepared on it."""

    __slots__ = ("driver", "pooled", "prepared")

    def __init__(self, pooled: Any) -> None:
        self.pooled = pooled
        self.driver: Any = pooled.driver_connection
        self.prepared: dict[str, Any] = {}

    async def fetch(self, text: str, arguments: tuple[Any, ...]) -> Any:
        statement = self.prepared.get(text)
        if statement is None:
            if len(self.prepared) >= MAX_PREPARED:
                del self.prepared[next(iter(self.prepared))]
            statement = self.prepared[text] = await self.driver.prepare(text)
        return await statement.fetchrow(*arguments)


class HeldConnections:
    """At most `limit` connections, last used first; a request waits `timeout` seconds for one.

    A broken connection is replaced, and a read that it lost is run once more.
    """

    def __init__(self, engine: AsyncEngine, *, limit: int, timeout: float) -> None:
        self.engine = engine
        self.limit = limit
        self.timeout = timeout
        self.opened = 0
        self.idle: list[_Connection] = []
        self.waiting: deque[asyncio.Future[_Connection | None]] = deque()

    async def fetch(self, text: str, arguments: tuple[Any, ...]) -> Row | None:
        """Run one prepared statement."""
        try:
            return await self._fetch(text, arguments)
        except (*_GONE, asyncpg.InvalidCachedStatementError):
            pass  # reading again is safe; the second connection is new, unless another is idle and well
        try:
            return await self._fetch(text, arguments)
        except (*_GONE, asyncpg.InvalidCachedStatementError) as error:
            raise away() from error

    async def _fetch(self, text: str, arguments: tuple[Any, ...]) -> Row | None:
        connection = self.idle.pop() if self.idle else await self._acquire()
        try:
            row = await connection.fetch(text, arguments)
        except asyncpg.InvalidCachedStatementError:
            connection.prepared.clear()  # the tables changed under it
            self._release(connection)
            raise
        except (*_GONE, asyncio.CancelledError):
            self._discard(connection)
            raise
        except asyncpg.PostgresError as error:
            self._release(connection)
            raise self._problem(error) from error
        except BaseException:
            self._discard(connection)
            raise
        self._release(connection)
        return row  # type: ignore[no-any-return]

    @staticmethod
    def _problem(error: asyncpg.PostgresError) -> Exception:
        """Map an error by its SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html)."""
        code = str(error.sqlstate or "")
        if code.startswith(("53", "57", "55")) or code in ("40001", "40P01"):
            return away("The database is busy or took too long.")
        return differs()

    async def _acquire(self) -> _Connection:
        while self.opened >= self.limit:
            handed = asyncio.get_running_loop().create_future()
            self.waiting.append(handed)
            try:
                connection = await asyncio.wait_for(handed, self.timeout)
            except TimeoutError:
                raise busy() from None
            except asyncio.CancelledError:
                if handed.done() and not handed.cancelled() and (late := handed.result()) is not None:
                    self._release(late)
                raise
            finally:
                if handed in self.waiting:
                    self.waiting.remove(handed)
            if connection is not None:
                return connection
        return await self._open()

    async def _open(self) -> _Connection:
        self.opened += 1
        try:
            return _Connection(await self.engine.raw_connection())
        except BaseException as error:
            self._closed()
            if isinstance(error, PoolTimeoutError):
                raise busy() from error
            if isinstance(error, OSError | TimeoutError | DBAPIError | asyncpg.PostgresError):
                raise away() from error
            raise

    def _release(self, connection: _Connection) -> None:
        if connection.driver.is_closed():
            self._discard(connection)
            return
        while self.waiting:
            waiter = self.waiting.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        self.idle.append(connection)

    def _discard(self, connection: _Connection) -> None:
        connection.driver.terminate()
        connection.pooled.invalidate(soft=False)
        self._closed()

    def _closed(self) -> None:
        """Let one that waits open a connection instead."""
        self.opened -= 1
        while self.waiting:
            waiter = self.waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    async def close(self) -> None:
        """Give every idle connection back to the pool."""
        while self.idle:
            connection = self.idle.pop()
            self.opened -= 1
            connection.pooled.close()
