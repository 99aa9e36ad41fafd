"""Sessions for hand-written endpoints: committed before the answer is sent.

FastAPI closes a dependency with `yield` after the response went out, so a commit there can fail behind a 201 that the
client already has. Here the session joins the exit stack that FastAPI closes between the endpoint and the response,
the one that `Depends(…, scope="function")` uses, so `Depends(api.session)` alone is safe.
"""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from anyio import CancelScope, CapacityLimiter, to_thread
from sqlalchemy.exc import IllegalStateChangeError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Session
from sqlmodel.ext.asyncio.session import AsyncSession as SQLModelAsyncSession

from onetrip.db.database import Database
from onetrip.db.engines import IMMEDIATE
from onetrip.db.runner import unavailable
from onetrip.errors import ConfigurationError

_FUNCTION_STACK = "fastapi_function_astack"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@asynccontextmanager
async def session(database: Database, scope: Any) -> AsyncIterator[AsyncSession]:
    """Open an asynchronous session; commit on the way out, roll back when an exception passes.

    Raises `Unavailable` for an error that says that the database is away or busy.
    """
    connections = database.connections()
    engine = connections.engine
    if _writes(scope):
        engine = engine.execution_options(**{IMMEDIATE: True})
    async with connections.session():
        try:
            async with SQLModelAsyncSession(engine, expire_on_commit=False, close_resets_only=False) as opened:
                yield opened
                await opened.commit()
        except SQLAlchemyError as error:
            if (problem := unavailable(error)) is None:
                raise
            raise problem from error


@asynccontextmanager
async def sync_session(database: Database, scope: Any) -> AsyncIterator[Session]:
    """Open a synchronous session, which is committed and closed in a thread.

    No more are open than there are connections, so that an endpoint never waits for one in a thread that another
    endpoint needs to give one back; and each is committed in a thread of its own. Raises `Unavailable`.
    """
    connections = database.connections()
    engine = database.sync_engine
    if _writes(scope):
        engine = engine.execution_options(**{IMMEDIATE: True})
    async with connections.sync_session():
        opened = Session(engine, expire_on_commit=False, close_resets_only=False)
        try:
            yield opened
            await to_thread.run_sync(opened.commit, limiter=CapacityLimiter(1))
        except SQLAlchemyError as error:
            if (problem := unavailable(error)) is None:
                raise
            raise problem from error
        finally:
            with CancelScope(shield=True):
                await to_thread.run_sync(_close, opened, limiter=CapacityLimiter(1))


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
