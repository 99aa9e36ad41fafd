"""Sessions for hand-written endpoints: committed before the answer is sent.

FastAPI closes a dependency with `yield` after the response went out, so a commit there can fail behind a 201 that the
client already has. Here the session joins the exit stack that FastAPI closes between the endpoint and the response,
the one that `Depends(…, scope="function")` uses, so `Depends(api.session)` alone is safe.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from anyio import CapacityLimiter, to_thread
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Session
from sqlmodel.ext.asyncio.session import AsyncSession as SQLModelAsyncSession

from onetrip.db.database import IMMEDIATE, Database
from onetrip.errors import ConfigurationError

_FUNCTION_STACK = "fastapi_function_astack"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@asynccontextmanager
async def session(database: Database, scope: Any) -> AsyncIterator[AsyncSession]:
    """Open an asynchronous session; commit on the way out, roll back when an exception passes."""
    engine = database.engine.execution_options(**{IMMEDIATE: _writes(scope)})
    async with SQLModelAsyncSession(engine, expire_on_commit=False) as opened:
        yield opened
        await opened.commit()


@asynccontextmanager
async def sync_session(database: Database, scope: Any, threads: CapacityLimiter) -> AsyncIterator[Session]:
    """Open a synchronous session; it is committed and closed in threads of its own, which endpoints cannot exhaust."""
    engine = database.sync_engine.execution_options(**{IMMEDIATE: _writes(scope)})
    opened = Session(engine, expire_on_commit=False)
    try:
        yield opened
        await to_thread.run_sync(opened.commit, limiter=threads)
    finally:
        await to_thread.run_sync(opened.close, limiter=threads)


async def enter(scope: Any, context: Any) -> Any:
    """Enter a context that is left after the endpoint and before the response."""
    stack = scope.get(_FUNCTION_STACK)
    if not isinstance(stack, AsyncExitStack):
        raise ConfigurationError("api.session is a FastAPI dependency: use it as Depends(api.session) in an endpoint.")
    return await stack.enter_async_context(context)


def _writes(scope: Any) -> bool:
    """Say whether a request may write, by its method (RFC 9110 §9.2.1)."""
    return scope.get("method", "GET") not in _SAFE
