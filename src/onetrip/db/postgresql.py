"""PostgreSQL on the driver: a few asyncpg connections that requests hold, with prepared statements.

They are checked out of the engine's own pool, so its limit counts them, and kept: no checkout, no reset query, no
transaction around the one statement of a request. A prepared statement runs in autocommit, one message each way.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine

from onetrip.db.postgresql_connection import Connection
from onetrip.db.runner import (
    Execute,
    Rejected,
    Row,
    Steps,
    T,
    away,
    busy,
    differs,
    drive_async,
    is_transient,
    rejected,
)
from onetrip.errors import Broken, Unavailable

_CANCEL_SECONDS = 0.5  # for a statement to end after it was cancelled

LOST = (
    asyncpg.PostgresConnectionError, asyncpg.InternalClientError, asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError, asyncpg.CannotConnectNowError, OSError,
)  # fmt: skip


class _Again(Exception):
    """A statement did not answer, for a reason that is gone when it is run again; `unrun` says that it did not run."""

    def __init__(self, *, unrun: bool = False) -> None:
        super().__init__()
        self.unrun = unrun


class HeldConnections:
    """At most `share` connections, last used first; a request waits `timeout` seconds for one, first come first served.

    A broken connection is replaced, and a read that it lost is run once more. `kept` connections of the pool are left
    to sessions, and more while more sessions are open. A statement runs for so many `seconds` at most.
    """

    def __init__(
        self, engine: AsyncEngine, *, share: int, kept: int, timeout: float, prepared: bool = True,
        seconds: float | None = None,
    ) -> None:  # fmt: skip
        self.engine = engine
        self.share = share
        self.kept = kept
        self.timeout = timeout
        self.keeps_prepared = prepared
        self.seconds = seconds
        self.limit = share
        self.opened = 0
        self.sessions = 0
        self.closed = False
        self.idle: list[Connection] = []
        self.waiting: deque[asyncio.Future[Connection | None]] = deque()
        self.closing: set[asyncio.Task[None]] = set()

    @contextmanager
    def session(self) -> Iterator[None]:
        """Count a session in: it may need a connection that requests hold."""
        self._count_sessions(+1)
        if self.opened > self.limit and self.idle:
            self._give_back(self.idle.pop(0))
        try:
            yield
        finally:
            self._count_sessions(-1)
            if self.opened < self.limit and self._hand_on(None):
                self.opened += 1

    def _count_sessions(self, change: int) -> None:
        self.sessions += change
        self.limit = max(1, self.share - max(0, self.sessions - self.kept))

    async def fetch(self, text: str, arguments: tuple[Any, ...]) -> Row | None:
        """Run one statement, prepared; once more, on a connection that is new or well, if its own was lost."""
        try:
            return await self._run(self.idle.pop() if self.idle else await self._acquire(), text, arguments)
        except _Again:
            pass
        try:
            return await self._run(self.idle.pop() if self.idle else await self._acquire(), text, arguments)
        except _Again as error:
            raise away(error.__cause__ or error) from error

    async def write(self, text: str, arguments: tuple[Any, ...]) -> Row | None:
        """Run one statement that changes rows, prepared, in autocommit; again only if it certainly did not run."""
        try:
            return await self._run(self.idle.pop() if self.idle else await self._acquire(), text, arguments, True)
        except _Again as error:
            if not error.unrun:
                raise away(error.__cause__ or error) from error
        return await self._run(self.idle.pop() if self.idle else await self._acquire(), text, arguments, True)

    async def transact(self, steps: Callable[[], Steps[T]]) -> T:
        """Run a transaction on a connection that is held."""
        async with self.begin() as execute:
            return await drive_async(execute, steps())

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Execute]:
        """Begin a transaction on a connection that is held."""
        connection = self.idle.pop() if self.idle else await self._acquire()

        async def execute(text: str, arguments: tuple[Any, ...]) -> Row | None:
            try:
                return await self._execute(connection, text, arguments)
            except asyncpg.PostgresError as error:
                if isinstance(error, LOST):
                    raise
                if (refused := rejected(error, error.sqlstate)) is not None:
                    raise refused from error
                transient = is_transient(error.sqlstate)
                raise (connection.slow(error) if transient else differs(error)) from error

        try:
            await connection.driver.execute("BEGIN")
            yield execute
            await connection.driver.execute("COMMIT")
        except BaseException as error:
            raise await self._rolled_back(connection, error) from error
        self._release(connection)

    async def _rolled_back(self, connection: Connection, error: BaseException) -> BaseException:
        """End a transaction that failed, and say what its error means."""
        if isinstance(error, Exception) and not isinstance(error, (*LOST, TimeoutError)):
            try:
                await connection.driver.execute("ROLLBACK")
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as lost:
                error = lost
        if not isinstance(error, asyncpg.PostgresError | asyncpg.InterfaceError | OSError) and isinstance(
            error, Exception
        ):
            self._release(connection)  # what the steps themselves raised
            return error
        meant = self._failed(connection, error, writes=True)
        return away(error) if isinstance(meant, _Again) else meant or error

    async def _execute(self, connection: Connection, text: str, arguments: tuple[Any, ...]) -> Row | None:
        if self.keeps_prepared:
            statement = connection.prepared.get(text) or await connection.prepare(text)
            row: Row | None = await statement.fetchrow(*arguments, timeout=connection.patience)
            return row
        return await connection.driver.fetchrow(text, *arguments, timeout=connection.patience)  # type: ignore[no-any-return]

    async def _run(
        self, connection: Connection, text: str, arguments: tuple[Any, ...], writes: bool = False
    ) -> Row | None:
        try:
            if self.keeps_prepared:
                statement = connection.prepared.get(text) or await connection.prepare(text)
                row: Row | None = await statement.fetchrow(*arguments, timeout=connection.patience)
            else:
                row = await connection.driver.fetchrow(text, *arguments, timeout=connection.patience)
        except BaseException as error:
            meant = self._failed(connection, error, writes)
            if meant is None:
                raise
            raise meant from error
        self._release(connection)
        return row

    def _failed(self, connection: Connection, error: BaseException, writes: bool = False) -> Exception | None:
        """Take the connection back as it is now, and say what an error means; `None` when it means itself."""
        if isinstance(error, asyncio.CancelledError | TimeoutError):
            self._abandon(connection)
            return connection.slow(error) if isinstance(error, TimeoutError) else None
        if isinstance(error, LOST) or connection.driver.is_closed():
            for lost in (connection, *self.idle):  # what broke one may have broken all, as a restart does
                self._discard(lost)
            self.idle.clear()
            return _Again()
        if writes and isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError):
            self._release(connection)  # the driver itself refused a value, and sent nothing
            return Rejected(error)
        if not isinstance(error, asyncpg.PostgresError):
            self._discard(connection)
            return None
        cached = isinstance(error, asyncpg.InvalidCachedStatementError)
        if cached:
            connection.prepared.clear()  # a table changed under it
        self._release(connection)
        if cached:
            return _Again(unrun=True)
        if writes and (refused := rejected(error, error.sqlstate)) is not None:
            return refused
        return connection.slow(error) if is_transient(error.sqlstate) else differs(error)

    def _abandon(self, connection: Connection) -> None:
        """Close a connection on which a statement still runs, for which nobody waits."""
        if self.closed:
            self._discard(connection)
            return
        self._later(self._close(connection, self._discard))

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        closing = asyncio.get_running_loop().create_task(work)
        self.closing.add(closing)
        closing.add_done_callback(self.closing.discard)

    async def _acquire(self) -> Connection:
        if self.opened < self.limit:
            self.opened += 1
            return await self._open()
        loop = asyncio.get_running_loop()
        handed: asyncio.Future[Connection | None] = loop.create_future()
        self.waiting.append(handed)
        patience = loop.call_later(self.timeout, self._give_up, handed)
        try:
            connection = await handed
        except asyncio.CancelledError:
            self._pass_by(handed)
            raise
        finally:
            patience.cancel()
        return connection or await self._open()

    def _give_up(self, handed: "asyncio.Future[Connection | None]") -> None:
        if not handed.done():
            self.waiting.remove(handed)
            handed.set_exception(busy())

    def _pass_by(self, handed: "asyncio.Future[Connection | None]") -> None:
        """Hand on what was handed to a request that is gone."""
        if handed in self.waiting:
            self.waiting.remove(handed)
        elif not handed.cancelled() and handed.exception() is None:
            connection = handed.result()
            if connection is None:
                self._leave()
            else:
                self._release(connection)

    def _hand_on(self, connection: Connection | None) -> bool:
        """Give a connection, or the place for one, to the request that waits longest."""
        while self.waiting:
            waiter = self.waiting.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return True
        return False

    async def _open(self) -> Connection:
        """Open a connection in a place that is counted already."""
        try:
            connection = await self._check_out()
            if self.seconds is not None:
                await self._limit(connection, self.seconds)
        except BaseException:
            self._leave()
            raise
        return connection

    async def _check_out(self) -> Connection:
        try:
            while True:
                pooled = await self.engine.raw_connection()
                if not pooled.driver_connection.is_closed():  # type: ignore[union-attr]
                    return Connection(pooled)
                pooled.invalidate()
        except PoolTimeoutError as error:
            raise busy() from error
        except (DBAPIError, OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise away(error) from error

    async def _limit(self, connection: Connection, seconds: float) -> None:
        try:
            await connection.limit(seconds)
        except BaseException as error:
            connection.pooled.invalidate()
            if isinstance(error, asyncpg.PostgresError | asyncpg.InterfaceError | OSError):
                raise away(error) from error
            raise

    def _release(self, connection: Connection) -> None:
        if self.closed or connection.driver.is_closed():
            self._discard(connection)
        elif self.opened > self.limit:
            self._give_back(connection)
        elif not self._hand_on(connection):
            self.idle.append(connection)

    def _give_back(self, connection: Connection) -> None:
        """Return a connection to the pool, for sessions."""
        self.opened -= 1
        if connection.before is None:
            connection.pooled.close()
        else:
            self._later(connection.give_back())

    def _discard(self, connection: Connection) -> None:
        connection.pooled.invalidate()
        self._leave()

    def _leave(self) -> None:
        """Leave a place to the request that waits longest."""
        if self.opened > self.limit or not self._hand_on(None):
            self.opened -= 1

    async def _close(self, connection: Connection, discard: Callable[[Connection], None]) -> None:
        """Close a connection properly; a statement that still runs on it is cancelled first.

        A cancel request that overtakes its statement is lost (https://www.postgresql.org/docs/current/libpq-cancel.html),
        so a connection that does not come to rest is ended from another one.
        """
        process = None if connection.patience else connection.driver.get_server_pid()
        try:
            await connection.driver.close(timeout=_CANCEL_SECONDS)
        except TimeoutError:
            discard(connection)
            with suppress(Unavailable, Broken):
                if process is not None:
                    await self.fetch("SELECT pg_terminate_backend($1)", (process,))
            return
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            pass  # the driver has dropped it all the same
        except BaseException:
            discard(connection)
            raise
        discard(connection)

    async def close(self) -> None:
        """Close every connection: idle ones now, those in use when they are released."""
        self.closed = True
        closing = [self._close(connection, self._discard) for connection in self.idle]
        self.idle.clear()
        await asyncio.gather(*closing, *self.closing, return_exceptions=True)
