"""What the tests of the database layer share: an application in one event loop, raw statements, the server's view."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import anyio
import httpx2
import sqlalchemy as sa
from fastapi import FastAPI

from onetrip import API
from onetrip.db.database import Database
from onetrip.sql.statement import Statement
from tests.support import blog
from tests.support.databases import Backend, Server

TABLES = (blog.User, blog.Post, blog.Comment)


def application(api: API) -> FastAPI:
    """An ordinary application around an API."""
    app = FastAPI(lifespan=api.lifespan, exception_handlers=dict(api.exception_handlers))
    app.include_router(api.router)
    return app


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    """Call an application in this event loop; an exception that leaves it is a 500, as with a server."""
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        yield client


@asynccontextmanager
async def opened(database: Database) -> AsyncIterator[Database]:
    """Close a database in the end, whatever happens."""
    try:
        yield database
    finally:
        await database.close()


async def value(database: Database, sql: str, *arguments: Any) -> Any:
    """Run `SELECT` and the given expression as the request path runs a statement, and answer its text."""
    row = await database.connections().runner.fetch(f"SELECT {sql}", arguments)
    assert row is not None
    return row[0]


async def run(database: Database, text: str) -> Any:
    """Run a statement through the front door."""
    row = await database.run(Statement(text, ()), ())
    return None if row is None else row[0]


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what comes by itself in a moment; 10 s are long enough on any machine."""
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.01)


async def outcomes(*tasks: Awaitable[Any]) -> list[Any]:
    """Wait for all, exceptions among the answers."""
    return await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def cancelled_by_asyncio(after: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(after):
            yield
    except TimeoutError:
        pass


@asynccontextmanager
async def cancelled_by_anyio(after: float) -> AsyncIterator[None]:
    with anyio.move_on_after(after):
        yield


class Watch:
    """A connection beside the application's, through which a test sees and disturbs the others."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection

    def value(self, sql: str) -> Any:
        return self.connection.exec_driver_sql(sql.replace("%", "%%")).scalar()

    def others(self, where: str = "true") -> int:
        """Count the other connections to this database."""
        return int(self.value(f"SELECT count(*) FROM pg_stat_activity WHERE {_OTHERS} AND {where}"))

    def running(self) -> int:
        """Count the statements that others run right now."""
        return self.others("state = 'active'")

    def terminate(self) -> int:
        """Break the connections of all others, and wait until they are gone without letting the event loop know."""
        count = int(self.value(f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {_OTHERS}"))
        while self.others():
            time.sleep(0.005)
        return count

    async def until(self, where: str, count: int) -> None:
        """Wait until so many others are in a state; a test that waits in vain fails."""
        async with asyncio.timeout(10):
            while self.others(where) != count:
                await asyncio.sleep(0.01)


_OTHERS = "datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"


@contextmanager
def watching(backend: Backend) -> Iterator[Watch]:
    engine = backend.engine()
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        yield Watch(connection)
    engine.dispose()


def server_of(backend: Backend) -> Server:
    assert backend.server is not None
    return backend.server
