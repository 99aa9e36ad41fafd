"""Event loops come and go: connections belong to one, and end with it."""

import asyncio
import gc
import threading
import time
from typing import Annotated

import pytest
import uvloop
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from sqlmodel import Session, select
from sqlmodel.ext.asyncio.session import AsyncSession

from onetrip import API
from onetrip.db.database import Database
from tests.db.serving import TABLES, application, run, serving, watching
from tests.support import blog
from tests.support.databases import Backend


@pytest.fixture
def filled(backend: Backend) -> Backend:
    backend.create(blog.metadata, *blog.rows())
    return backend


def left(backend: Backend) -> int:
    """Count the connections that stay open on the server, which hears of the end of one a little later."""
    gc.collect()  # what is not closed would warn here
    if backend.name == "sqlite":
        return 0
    with watching(backend) as watch:
        patience = time.monotonic() + 5
        while (count := watch.others()) and time.monotonic() < patience:
            time.sleep(0.01)
        return count


def test_a_test_client_without_its_context(filled: Backend) -> None:
    """Each request runs in a loop of its own and without a lifespan: all are answered, and nothing stays open."""
    client = TestClient(application(API(*TABLES, database=filled.url)))
    assert {client.get("/posts").status_code for _ in range(20)} == {200}
    assert left(filled) == 0


def test_sessions_end_with_their_loop_too(filled: Backend) -> None:
    """So do the connections of sessions of both kinds."""
    api = API(*TABLES, database=filled.url)
    app = FastAPI()

    @app.get("/async")
    async def with_session(session: Annotated[AsyncSession, Depends(api.session)]) -> int:
        return len((await session.exec(select(blog.User))).all())

    @app.get("/sync")
    def with_sync_session(session: Annotated[Session, Depends(api.sync_session)]) -> int:
        return len(session.exec(select(blog.User)).all())

    for _ in range(5):
        assert [TestClient(app).get(path).json() for path in ("/async", "/sync")] == [2, 2]
    assert left(filled) == 0


def test_one_application_after_another(filled: Backend) -> None:
    """The same API in several loops, one after the other, with the lifespan and without, on both kinds of loop."""
    api = API(*TABLES, database=filled.url)
    app = application(api)

    async def main(lifespan: bool) -> int:
        if not lifespan:
            await api.database.ping()
            return 200
        async with serving(app) as client:
            return (await client.get("/posts")).status_code

    for lifespan in (True, False, True, False):
        assert asyncio.run(main(lifespan)) == 200
        assert uvloop.run(main(lifespan)) == 200
        assert left(filled) == 0


def test_loops_side_by_side(filled: Backend) -> None:
    """Two loops in two threads at the same time each have connections of their own."""
    database = Database(filled.url)
    failures: list[BaseException] = []
    together = threading.Barrier(2)

    async def main() -> None:
        together.wait()
        for _ in range(50):
            await asyncio.gather(*(database.ping() for _ in range(3)))
            async with database.engine.connect() as connection:
                await connection.exec_driver_sql("SELECT 1")

    def work() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert left(filled) == 0


def test_a_lifespan_that_is_entered_twice(filled: Backend) -> None:
    """The application's own and the included router's are the same: connections are closed when the last one ends."""
    api = API(*TABLES, database=filled.url)

    async def main() -> None:
        async with api.lifespan():
            async with api.lifespan():
                assert await run(api.database, "SELECT 1") == 1
            assert api.database._runner is not None
            assert await run(api.database, "SELECT 1") == 1
        assert api.database._runner is None
        assert left(filled) == 0
        assert await run(api.database, "SELECT 1") == 1  # and begins anew when it is needed

    asyncio.run(main())
    assert left(filled) == 0


def test_a_router_without_the_lifespan(filled: Backend) -> None:
    """To forget `lifespan=api.lifespan` does no harm."""
    api = API(*TABLES, database=filled.url)
    app = FastAPI()
    app.include_router(api.router)
    for _ in range(2):
        with TestClient(app) as client:
            assert client.get("/posts").status_code == 200
        assert left(filled) == 0
