"""Sessions for hand-written endpoints: committed before the answer is sent; and what their errors mean.

FastAPI closes a dependency with `yield` after the response went out, so a commit there can fail behind a 201 that the
client already has. Here the session joins the exit stack that FastAPI closes between the endpoint and the response,
the one that `Depends(…, scope="function")` uses, so `Depends(api.session)` alone is safe.
"""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from typing import Any

from anyio import CancelScope, CapacityLimiter, to_thread
from sqlalchemy.exc import DBAPIError, IllegalStateChangeError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Session
from sqlmodel.ext.asyncio.session import AsyncSession as SQLModelAsyncSession

from onetrip.db.database import Database
from onetrip.db.engines import IMMEDIATE
from onetrip.db.guard import guard
from onetrip.db.runner import Row, first_row, sqlite_code, unavailable
from onetrip.errors import ConfigurationError, Conflict, Problem, Unavailable
from onetrip.sql.statement import Statement

_FUNCTION_STACK = "fastapi_function_astack"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@asynccontextmanager
async def session(database: Database, scope: Any) -> AsyncIterator[SQLModelAsyncSession]:
    """Open an asynchronous session; commit on the way out, roll back when an exception passes.

    Raises a `Problem` for an error that `meaning` knows.
    """
    writes = _writes(scope)
    with problems():
        async with opened(database, {IMMEDIATE: True} if writes else {}) as given:
            yield given
            with committing(writes):
                await given.commit()


@asynccontextmanager
async def opened(database: Database, options: dict[str, Any]) -> AsyncIterator[SQLModelAsyncSession]:
    """Open an asynchronous session, and close it; whoever asks for it commits, and `problems` says what errors mean."""
    connections = database.connections()
    engine = connections.engine
    guard(engine.sync_engine)
    if options:
        engine = engine.execution_options(**options)
    async with connections.session():
        given = SQLModelAsyncSession(engine, expire_on_commit=False, close_resets_only=False)
        try:
            yield given
        finally:
            await _close_whole(given)


class LateSession:
    """A session that is opened when it is first asked for, and so perhaps not at all."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.opened: SQLModelAsyncSession | None = None
        self._room = ExitStack()

    def get(self) -> SQLModelAsyncSession:
        """Answer the session, of a transaction that may write."""
        if self.opened is None:
            connections = self.database.connections()
            guard(connections.engine.sync_engine)
            engine = connections.engine.execution_options(**{IMMEDIATE: True})
            self._room.enter_context(connections.late_session())
            self.opened = SQLModelAsyncSession(engine, expire_on_commit=False, close_resets_only=False)
        return self.opened

    async def commit(self) -> None:
        """Commit what there is."""
        if self.opened is not None:
            with committing(True):
                await self.opened.commit()

    async def close(self) -> None:
        """Close the session, if there is one."""
        try:
            if self.opened is not None:
                await _close_whole(self.opened)
        finally:
            self._room.close()


@asynccontextmanager
async def late_session(database: Database) -> AsyncIterator[LateSession]:
    """Give a session that is opened when it is first asked for; commit on the way out. Raises like `session`."""
    late = LateSession(database)
    with problems():
        try:
            yield late
            await late.commit()
        finally:
            await late.close()


@asynccontextmanager
async def sync_session(database: Database, scope: Any) -> AsyncIterator[Session]:
    """Open a synchronous session, which is committed and closed in a thread.

    No more are open than there are connections, so that an endpoint never waits for one in a thread that another
    endpoint needs to give one back; and each is committed in a thread of its own. Raises like `session`.
    """
    connections = database.connections()
    engine = database.sync_engine
    guard(engine)
    writes = _writes(scope)
    if writes:
        engine = engine.execution_options(**{IMMEDIATE: True})
    async with connections.sync_session():
        given = Session(engine, expire_on_commit=False, close_resets_only=False)
        try:
            with problems():
                yield given
                with committing(writes):
                    await to_thread.run_sync(given.commit, limiter=CapacityLimiter(1))
        finally:
            with CancelScope(shield=True):
                await to_thread.run_sync(_close, given, limiter=CapacityLimiter(1))


async def _close_whole(session: AsyncSession) -> None:
    """Close a session, also when the request is cancelled (by anyio: again and again), before its place is free."""
    with CancelScope(shield=True):
        await asyncio.shield(session.close())


async def fetch(session: AsyncSession, statement: Statement, values: Sequence[Any]) -> Row | None:
    """Run a compiled statement in the transaction of a session."""
    return await execute(session, statement.text, statement.bind(values))


async def execute(session: AsyncSession, text: str, arguments: tuple[Any, ...]) -> Row | None:
    """Run a statement in the transaction of a session."""
    connection = await session.connection()
    return await connection.run_sync(first_row, text, arguments)


@contextmanager
def problems() -> Iterator[None]:
    """Raise the `Problem` that an error of SQLAlchemy means, or the error itself when it means none."""
    try:
        yield
    except SQLAlchemyError as error:
        if (problem := meaning(error)) is None:
            raise
        raise problem from error


def meaning(error: SQLAlchemyError) -> Problem | None:
    """Say what an error of a session means to a client, `None` when it is a mistake of the endpoint's.

    The one place where errors of every session pass: of statements and of the commit, in endpoints and outside.
    """
    if lost_race(error):
        return Conflict("Another change came in between. Nothing was changed.", hint="Send the request again.")
    if isinstance(error, DBAPIError) and _sqlite(error) == sqlite3.SQLITE_READONLY:
        return None  # a write where only reads were announced, as PostgreSQL's 25006
    return unavailable(error)


def lost_race(error: BaseException) -> bool:
    """Say whether a transaction failed because of another one, and may succeed when it is run again as a whole.

    PostgreSQL: serialization failure and deadlock. SQLite: busy, where it is not worth waiting or was waited for; at
    BEGIN and in a SELECT nothing has happened yet but a lock that did not become free in time.
    """
    if not isinstance(error, DBAPIError):
        return False
    if _sqlite(error) is not None:
        waited = (error.statement or "").startswith(("BEGIN", "SELECT"))
        return _sqlite(error) == sqlite3.SQLITE_BUSY and not waited
    return getattr(error.orig, "sqlstate", None) in ("40001", "40P01")


def _sqlite(error: DBAPIError) -> int | None:
    return sqlite_code(error.orig) if isinstance(error.orig, sqlite3.Error) else None


@contextmanager
def committing(writes: bool) -> Iterator[None]:
    """Say of a connection that is lost while it commits that nobody knows what became of the change."""
    try:
        yield
    except DBAPIError as error:
        if not (writes and error.connection_invalidated):
            raise
        raise Unavailable(
            "The database connection was lost while the change was stored: it may be there, or not."
        ) from error


def _close(session: Session) -> None:
    """Close a session; when its request was cancelled, its endpoint may still be at work in a thread: wait for that."""
    while True:
        try:
            return session.close()
        except IllegalStateChangeError:
            time.sleep(0.005)


async def enter(scope: Any, context: Any) -> Any:
    """Enter a context that is left after the endpoint and before the response."""
    stack = scope.get(_FUNCTION_STACK)
    if not isinstance(stack, AsyncExitStack):
        raise ConfigurationError("api.session is a FastAPI dependency: use it as Depends(api.session) in an endpoint.")
    return await stack.enter_async_context(context)


def _writes(scope: Any) -> bool:
    """Say whether a request may write, by its method (RFC 9110 §9.2.1)."""
    return scope.get("method", "GET") not in _SAFE
