"""`API(engine=…)`: engines that a user has already, of every driver, are used and stay theirs."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import pytest
import sqlalchemy as sa
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import StaticPool
from sqlmodel import Session
from sqlmodel.ext.asyncio.session import AsyncSession

from onetrip import API
from onetrip.db.engine_runners import EngineRunner, ThreadRunner
from onetrip.db.sqlite import SQLiteReader
from onetrip.errors import ConfigurationError, Unavailable
from onetrip.settings import Pool
from tests.db.serving import TABLES, application, opened, server_of, serving, value, watching
from tests.support import blog
from tests.support.databases import Backend

PATHS = ("/posts?include=author,comments", "/users/1", "/users/2/posts?limit=1", "/comments?post_id=1&sort=-id")


def expected(backend: Backend) -> list[str]:
    """What an API on the database's URL answers."""
    return asyncio.run(answers(API(*TABLES, database=backend.url)))


async def answers(api: API) -> list[str]:
    async with serving(application(api)) as client:
        found = await asyncio.gather(*(client.get(path) for path in PATHS))
        assert (await client.get("/readyz")).status_code == 200
        assert [answer.status_code for answer in found] == [200] * len(PATHS), found[0].text
        return [answer.text for answer in found]


def url(backend: Backend, driver: str) -> sa.URL:
    return sa.make_url(backend.url).set(drivername=driver)


@pytest.mark.parametrize("driver", ["postgresql+asyncpg", "postgresql+psycopg"])
def test_an_asynchronous_engine_on_postgresql(blog_on_postgres: Backend, driver: str) -> None:
    """Requests and sessions use its pool, in which there is room for others, and it is open when the API is closed."""

    async def main() -> None:
        engine = create_async_engine(url(blog_on_postgres, driver), pool_size=4, max_overflow=2, pool_timeout=5)
        api, pool = API(*TABLES, engine=engine), engine.pool
        assert await answers(api) == wanted
        async with serving(application(api)) as client:
            reads = [client.get("/posts") for _ in range(40)]
            assert {answer.status_code for answer in await asyncio.gather(*reads)} == {200}
            with watching(blog_on_postgres) as watch:
                assert watch.others() <= (3 if driver == "postgresql+asyncpg" else 6)
            async with AsyncSession(engine) as session:
                assert len((await session.exec(sa.select(blog.User))).all()) == 2
        assert engine.pool is pool and pool.checkedout() == 0  # type: ignore[attr-defined]
        async with engine.connect() as connection:
            assert (await connection.exec_driver_sql("SELECT 1")).scalar() == 1
        await engine.dispose()

    wanted = expected(blog_on_postgres)
    asyncio.run(main())


@pytest.mark.parametrize("driver", ["postgresql+asyncpg", "postgresql+psycopg"])
def test_its_requests_are_one_statement_and_outlive_connections(blog_on_postgres: Backend, driver: str) -> None:
    """Whatever the asynchronous driver: no transaction around the statement, and a lost connection is replaced."""

    async def main() -> None:
        engine = create_async_engine(url(blog_on_postgres, driver), pool_size=4)
        async with serving(application(API(*TABLES, engine=engine))) as client:
            await client.get("/posts")
            start = server_of(blog_on_postgres).log_size()
            await client.get("/posts")
            await asyncio.sleep(0.05)
            assert len(server_of(blog_on_postgres).statements(start)) == 1
            with watching(blog_on_postgres) as watch:
                for count in (1, 4):
                    await asyncio.gather(*(client.get("/posts") for _ in range(4)))
                    assert watch.terminate() > 0
                    found = await asyncio.gather(*(client.get("/posts") for _ in range(count)))
                    assert [answer.status_code for answer in found] == [200] * count
        await engine.dispose()

    asyncio.run(main())


def test_a_statement_that_the_driver_gives_up_is_slow(blog_on_postgres: Backend) -> None:
    """With a `command_timeout` of the user's own a long statement is a 503, is not run again, and does not run on."""

    async def main() -> None:
        engine = create_async_engine(
            url(blog_on_postgres, "postgresql+asyncpg"), pool_size=4, connect_args={"command_timeout": 0.2}
        )
        async with opened(API(*TABLES, engine=engine).database) as database:
            await database.ping()
            start = server_of(blog_on_postgres).log_size()
            with pytest.raises(Unavailable, match="took too long"):
                await value(database, "pg_sleep(30)::text")
            with watching(blog_on_postgres) as watch:
                await watch.until("state = 'active'", 0)
            sent = server_of(blog_on_postgres).statements(start)
            assert len([text for text in sent if text.startswith("SELECT pg_sleep")]) == 1
            await database.ping()
        await engine.dispose()

    asyncio.run(main())


def test_a_synchronous_engine_on_postgresql(blog_on_postgres: Backend) -> None:
    """It is used in threads, by its own pool; it is open when the API is closed, and lost connections are replaced."""
    engine = sa.create_engine(url(blog_on_postgres, "postgresql+psycopg"), pool_size=3, max_overflow=0)
    api = API(*TABLES, engine=engine)
    assert asyncio.run(answers(api)) == expected(blog_on_postgres)
    app = application(api)

    @app.get("/count")
    def count(session: Annotated[Session, Depends(api.sync_session)]) -> int:
        return len(session.exec(sa.select(blog.User)).all())

    async def main() -> None:
        async with serving(app) as client:
            start = server_of(blog_on_postgres).log_size()
            await client.get("/posts")
            await asyncio.sleep(0.05)
            assert len(server_of(blog_on_postgres).statements(start)) == 1
            with watching(blog_on_postgres) as watch:
                found = await asyncio.gather(*(client.get("/posts") for _ in range(20)), client.get("/count"))
                assert {answer.status_code for answer in found} == {200}
                assert watch.others() <= 3
                watch.terminate()
                assert (await client.get("/posts")).status_code == 200

    asyncio.run(main())
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    engine.dispose()


@pytest.mark.parametrize("kind", ["async", "sync"])
def test_an_engine_on_an_sqlite_file(tmp_path: Any, kind: str) -> None:
    """Requests read the file in place; sessions use the engine, whose settings are left alone."""
    backend = Backend("sqlite", f"sqlite:///{tmp_path}/test.db")
    backend.create(blog.metadata, *blog.rows())
    wanted = expected(backend)

    async def main() -> None:
        engine = (
            create_async_engine(url(backend, "sqlite+aiosqlite")) if kind == "async" else sa.create_engine(backend.url)
        )
        api = API(*TABLES, engine=engine)
        assert isinstance(api.database.connections().runner, SQLiteReader)
        assert await answers(api) == wanted
        assert (api.database.engine if kind == "async" else api.database.sync_engine) is engine
        if isinstance(engine, AsyncEngine):
            await engine.dispose()

    asyncio.run(main())


@contextmanager
def static_memory() -> Iterator[sa.Engine]:
    """The engine of most test suites: one connection to one database in memory."""
    engine = sa.create_engine("sqlite://", connect_args={"check_same_thread": False}, poolclass=StaticPool)
    blog.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all(blog.rows())
        session.commit()
    yield engine
    engine.dispose()


def test_a_synchronous_engine_in_memory() -> None:
    """The engine of most test suites is read where it is: in its one connection."""
    with static_memory() as engine:
        api = API(*TABLES, engine=engine)
        wanted = asyncio.run(answers(api))
        assert '"username":"ada"' in wanted[1]
        with TestClient(application(api)) as client:
            assert isinstance(api.database._runner, ThreadRunner | None)
            assert client.get("/posts?sort=-id&limit=1").json()[0]["title"] == "Computable numbers"


def test_an_asynchronous_engine_in_memory() -> None:
    """So is its asynchronous counterpart."""

    async def main() -> None:
        engine = create_async_engine("sqlite+aiosqlite://", poolclass=StaticPool)
        async with engine.begin() as connection:
            await connection.run_sync(blog.metadata.create_all)
        async with AsyncSession(engine) as session:
            session.add_all(blog.rows())
            await session.commit()
        api = API(*TABLES, engine=engine)
        assert isinstance(api.database.connections().runner, EngineRunner)
        assert await answers(api) == wanted
        await engine.dispose()

    with static_memory() as synchronous:
        wanted = asyncio.run(answers(API(*TABLES, engine=synchronous)))
    asyncio.run(main())


@pytest.mark.parametrize("kind", ["async", "sync"])
def test_one_connection_is_one_transaction_at_a_time(kind: str) -> None:
    """In a database in memory a read does not end the transaction of a session that is at work beside it."""

    async def main() -> None:
        engine: Any = create_async_engine("sqlite+aiosqlite://", poolclass=StaticPool)
        if kind == "sync":
            engine = sa.create_engine("sqlite://", connect_args={"check_same_thread": False}, poolclass=StaticPool)
            blog.metadata.create_all(engine)
        else:
            async with engine.begin() as connection:
                await connection.run_sync(blog.metadata.create_all)
        api = API(*TABLES, engine=engine)
        app = application(api)

        @app.post("/async")
        async def create(session: Annotated[AsyncSession, Depends(api.session)]) -> None:
            session.add(blog.User(email="a@example.com", username="a"))
            await session.flush()
            await asyncio.sleep(0.1)

        @app.post("/sync")
        def create_sync(session: Annotated[Session, Depends(api.sync_session)]) -> None:
            session.add(blog.User(email="a@example.com", username="a"))
            session.flush()
            time.sleep(0.1)

        async with serving(app) as client:
            writing = asyncio.create_task(client.post(f"/{kind}"))
            await asyncio.sleep(0.05)
            assert len((await client.get("/users")).json()) == 1
            assert (await writing).status_code == 200
            assert len((await client.get("/users")).json()) == 1
        if kind == "sync":
            engine.dispose()
        else:
            await engine.dispose()

    asyncio.run(main())


@pytest.mark.parametrize("kind", ["async", "sync"])
def test_an_engine_has_sessions_of_its_own_kind(tmp_path: Any, kind: str) -> None:
    """The other kind of session would need another engine: it is refused, with the remedy."""
    file = f"{tmp_path}/test.db"
    engine: Any = (
        create_async_engine(f"sqlite+aiosqlite:///{file}") if kind == "async" else sa.create_engine(f"sqlite:///{file}")
    )
    api = API(*TABLES, engine=engine)
    app = FastAPI()

    @app.get("/")
    async def other(session: Annotated[Any, Depends(api.sync_session if kind == "async" else api.session)]) -> None: ...

    remedy = r"use Depends\(api.session\)" if kind == "async" else r"use Depends\(api.sync_session\)"
    with pytest.raises(ConfigurationError, match=remedy):
        TestClient(app).get("/")


@pytest.mark.parametrize("kind", ["async", "sync"])
def test_an_engine_whose_database_is_away(kind: str) -> None:
    """An engine that cannot connect, or has no connection left, is a 503."""
    target = "postgresql+psycopg://nobody@/nothing?host=/nowhere"
    engine: Any = create_async_engine(target) if kind == "async" else sa.create_engine(target)
    with TestClient(application(API(*TABLES, engine=engine))) as client:
        for path in ("/posts", "/readyz"):
            answer = client.get(path)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1"), answer.text


def test_an_engine_or_a_url() -> None:
    """Not both, and at least three connections."""
    engine = sa.create_engine("sqlite://")
    with pytest.raises(ConfigurationError, match="not both"):
        API(*TABLES, engine=engine, database="sqlite://")
    with pytest.raises(ConfigurationError, match="at least 3 connections, not 2"):
        API(*TABLES, database="sqlite://", pool=Pool(size=2))
