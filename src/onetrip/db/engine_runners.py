"""Runners for engines of SQLAlchemy's, of whichever driver, that a user brings along: asynchronous and synchronous."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from typing import Any

import sqlalchemy as sa
from anyio import CancelScope, CapacityLimiter, to_thread
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from onetrip.db.engine_limit import Limit
from onetrip.db.runner import (
    Execute,
    Fetch,
    Row,
    Steps,
    T,
    differs,
    drive,
    executed,
    first_row,
    next_values,
    place,
    refusal,
    unavailable,
)


class EngineRunner:
    """Runs statements on connections of an asynchronous engine, one checkout each, for so many `seconds` at most."""

    def __init__(
        self, engine: AsyncEngine, *, places: asyncio.Semaphore, timeout: float, seconds: float | None = None
    ) -> None:
        self.engine = engine.execution_options(**_autocommit(engine))
        self.writing = engine
        self.places = places
        self.timeout = timeout
        self.seconds = seconds

    async def fetch(self, text: str, arguments: tuple[Any, ...]) -> Row | None:
        """Run one statement on a connection of the pool; once more if the connection was lost."""
        try:
            try:
                return await self._fetch(text, arguments)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                return await self._fetch(text, arguments)  # SQLAlchemy has dropped every connection as old as that one
        except (DBAPIError, PoolTimeoutError, OSError) as error:
            raise unavailable(error) or differs(error) from error

    async def _fetch(self, text: str, arguments: tuple[Any, ...]) -> Row | None:
        async with place(self.places, self.timeout), self.engine.connect() as connection:
            return await self._run(connection, first_row, text, arguments)

    async def _run(self, connection: AsyncConnection, work: Callable[..., T], *arguments: Any) -> T:
        async with Limit(self.seconds) as limit:
            return await connection.run_sync(limit.run, work, *arguments)

    @asynccontextmanager
    async def stream(self, text: str, arguments: tuple[Any, ...]) -> AsyncIterator[Fetch]:
        """Read the rows of one statement from a cursor of the server's, where the driver has one."""
        try:
            async with place(self.places, self.timeout), self.writing.connect() as connection:
                await connection.execution_options(stream_results=True)
                result = await self._run(connection, executed, text, arguments)
                try:
                    yield lambda number: self._run(connection, lambda _: next_values(result, number))
                finally:
                    with CancelScope(shield=True):
                        await connection.run_sync(lambda _: result.close())
        except (DBAPIError, PoolTimeoutError, OSError) as error:
            raise unavailable(error) or differs(error) from error

    async def write(self, text: str, arguments: tuple[Any, ...]) -> Row | None:
        """Run one statement in a transaction of its own."""
        return await self.transact(lambda: _single(text, arguments))

    async def transact(self, steps: Callable[[], Steps[T]]) -> T:
        """Run a transaction on a connection of the pool."""
        async with self._begun() as connection:
            return await self._run(connection, _drive, steps())

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Execute]:
        """Begin a transaction on a connection of the pool."""
        async with self._begun() as connection:

            async def execute(text: str, arguments: tuple[Any, ...]) -> Row | None:
                try:
                    return await self._run(connection, first_row, text, arguments)
                except DBAPIError as error:
                    raise refusal(error) from error

            yield execute

    @asynccontextmanager
    async def _begun(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with place(self.places, self.timeout), self.writing.begin() as connection:
                yield connection
        except (DBAPIError, PoolTimeoutError, OSError) as error:
            raise refusal(error) from error

    async def close(self) -> None:
        """The engine is its owner's to close."""


class ThreadRunner:
    """Runs statements on connections of a synchronous engine, each in a thread, for so many `seconds` at most."""

    def __init__(
        self, engine: sa.Engine, *, places: asyncio.Semaphore, timeout: float, seconds: float | None = None
    ) -> None:
        self.engine = engine.execution_options(**_autocommit(engine))
        self.writing = engine
        self.places = places
        self.timeout = timeout
        self.seconds = seconds

    async def fetch(self, text: str, arguments: tuple[Any, ...]) -> Row | None:
        """Run one statement in a thread of its own; once more if the connection was lost."""
        async with place(self.places, self.timeout), Limit(self.seconds) as limit:
            return await to_thread.run_sync(self._fetch, limit, text, arguments, limiter=CapacityLimiter(1))

    def _fetch(self, limit: Limit, text: str, arguments: tuple[Any, ...], again: bool = True) -> Row | None:
        try:
            with self.engine.connect() as connection:
                return limit.run(connection, first_row, text, arguments)
        except (DBAPIError, PoolTimeoutError) as error:
            if again and isinstance(error, DBAPIError) and error.connection_invalidated:
                return self._fetch(limit, text, arguments, again=False)
            raise unavailable(error) or differs(error) from error

    @asynccontextmanager
    async def stream(self, text: str, arguments: tuple[Any, ...]) -> AsyncIterator[Fetch]:
        """Read the rows of one statement in a thread, from a cursor of the server's where the driver has one."""
        limiter = CapacityLimiter(1)
        run = partial(to_thread.run_sync, limiter=limiter)
        try:
            async with place(self.places, self.timeout):
                connection = await run(self.writing.connect)
                with ExitStack() as closing:
                    closing.callback(connection.close)
                    connection.execution_options(stream_results=True)
                    result = await self._run(limiter, connection, executed, text, arguments)
                    closing.callback(result.close)
                    try:
                        yield lambda number: self._run(limiter, connection, lambda _: next_values(result, number))
                    finally:
                        with CancelScope(shield=True):
                            await run(closing.close)
        except (DBAPIError, PoolTimeoutError) as error:
            raise unavailable(error) or differs(error) from error

    async def write(self, text: str, arguments: tuple[Any, ...]) -> Row | None:
        """Run one statement in a transaction of its own, in a thread."""
        return await self.transact(lambda: _single(text, arguments))

    async def transact(self, steps: Callable[[], Steps[T]]) -> T:
        """Run a transaction in a thread, to its end even if the request is gone."""
        async with place(self.places, self.timeout), Limit(self.seconds) as limit:
            return await to_thread.run_sync(self._transact, limit, steps, limiter=CapacityLimiter(1))

    def _transact(self, limit: Limit, steps: Callable[[], Steps[T]]) -> T:
        try:
            with self.writing.begin() as connection:
                answer: T = limit.run(connection, _drive, steps())
                return answer
        except (DBAPIError, PoolTimeoutError) as error:
            raise refusal(error) from error

    async def _run(
        self, limiter: CapacityLimiter, connection: sa.Connection, work: Callable[..., T], *arguments: Any
    ) -> T:
        async with Limit(self.seconds) as limit:
            return await to_thread.run_sync(limit.run, connection, work, *arguments, limiter=limiter)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Execute]:
        """Begin a transaction, each statement of which runs in the same thread."""
        limiter = CapacityLimiter(1)

        def first(connection: sa.Connection, text: str, arguments: tuple[Any, ...]) -> Row | None:
            try:
                return first_row(connection, text, arguments)
            except DBAPIError as error:
                raise refusal(error) from error

        async with place(self.places, self.timeout):
            try:
                connection = await to_thread.run_sync(self.writing.connect, limiter=limiter)
                try:
                    yield lambda text, arguments: self._run(limiter, connection, first, text, arguments)
                    await to_thread.run_sync(connection.commit, limiter=limiter)
                finally:
                    with CancelScope(shield=True):  # closing rolls back what was not committed
                        await to_thread.run_sync(connection.close, limiter=limiter)
            except (DBAPIError, PoolTimeoutError) as error:
                raise refusal(error) from error

    async def close(self) -> None:
        """The engine is its owner's to close."""


def _single(text: str, arguments: tuple[Any, ...]) -> Steps[Row | None]:
    return (yield text, arguments)


def _drive(connection: sa.Connection, steps: Steps[T]) -> T:
    return drive(lambda text, arguments: first_row(connection, text, arguments), steps)


def _autocommit(engine: AsyncEngine | sa.Engine) -> dict[str, str]:
    """Run the one statement without a transaction around it; SQLite begins none for a SELECT."""
    return {} if engine.dialect.name == "sqlite" else {"isolation_level": "AUTOCOMMIT"}
