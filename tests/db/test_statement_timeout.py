"""`Limits(statement_timeout=…)`: a statement that runs too long is ended, and nobody else is told of it."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from io import BytesIO
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa
from rich.console import Console
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import column_property
from sqlalchemy.pool import StaticPool
from sqlmodel import Field
from sqlmodel.ext.asyncio.session import AsyncSession

from onetrip import API, Limits, Resource
from onetrip.cli.export import exported
from onetrip.cli.served import Found
from onetrip.db.database import Database
from onetrip.db.postgresql import HeldConnections
from onetrip.errors import ConfigurationError, Unavailable
from onetrip.settings import Pool
from tests.db.serving import application, opened, server_of, serving, value, watching
from tests.http.client import Answer
from tests.schema.serving import Served, base, served
from tests.support.databases import Backend

SECONDS = 0.3
LIMITS = Limits(statement_timeout=SECONDS)
SLOW = "/things?fields=id,long&slow=true"
ENDED = {
    "detail": "The request took longer than 0.3 seconds, and was ended.",
    "hint": "Ask for less: fewer rows, embeds or conditions. Filters and sorts are fast where an index serves them.",
}


def thing(backend: Backend, seconds: float = 60) -> type[Any]:
    """A table with a row that takes a minute to read, or so."""

    class Thing(base(), table=True):  # type: ignore[misc, call-arg]
        id: int | None = Field(default=None, primary_key=True)
        slow: bool = False

    if backend.name == "postgresql":
        long: Any = sa.cast(sa.func.pg_sleep(seconds), sa.Text())
    else:
        numbers = sa.select(sa.literal(1).label("number")).cte(recursive=True)
        numbers = numbers.union_all(sa.select(numbers.c.number + 1).where(numbers.c.number < seconds * 10_000_000))
        long = sa.select(sa.cast(sa.func.count(numbers.c.number), sa.Text())).scalar_subquery()
    Thing.long = column_property(sa.case((Thing.slow, long)))  # type: ignore[arg-type]
    return Thing


@contextmanager
def serving_things(backend: Backend, **options: Any) -> Iterator[Served]:
    table = thing(backend)
    rows = [table(), table(slow=True)]
    with served(backend, Resource(table, bulk=True), rows=rows, limits=LIMITS, **options) as found:
        yield found


def refused(answer: Answer) -> None:
    """What is ended is a 503 that says after which time, and when to come back."""
    assert answer.status == 503, answer.body
    assert answer.json() | ENDED == answer.json()
    assert answer.headers["retry-after"] == "1"


def at_rest(backend: Backend) -> None:
    """No statement runs in the database any more."""
    if backend.name == "postgresql":
        with watching(backend) as watch:
            assert watch.running() == 0


@pytest.mark.parametrize(
    "path", [SLOW, "/things/2", "/things:aggregate?long__is_null=false", "/things?count=exact&slow=true"]
)
def test_a_read_is_ended(backend: Backend, path: str) -> None:
    """A list, a row and a group alike; the connection reads on, and the server is at rest."""
    with serving_things(backend) as found:
        for _ in range(2):
            refused(found.client.get(path))
            assert found.get("/things?slow=false&fields=id") == [{"id": 1}]
        at_rest(backend)


def test_a_write_is_ended_and_taken_back(backend: Backend) -> None:
    """Nothing of it is stored, whether it is one statement or a transaction; the next one is made."""
    with serving_things(backend) as found:
        refused(found.client.send("POST", "/things", {"slow": True}))
        refused(found.client.send("POST", "/things", [{"slow": False}, {"slow": True}]))
        refused(found.client.send("PATCH", "/things/1", {"slow": True}))
        refused(found.client.send("PATCH", "/things?id=1", {"slow": True}))
        at_rest(backend)
        assert found.get("/things?fields=id,slow") == [{"id": 1, "slow": False}, {"id": 2, "slow": True}]
        assert found.client.send("POST", "/things", {"slow": False}).status == 201


@pytest.mark.parametrize("accept", ["application/x-ndjson", "text/csv"])
def test_rows_of_an_export_are_ended(backend: Backend, accept: str) -> None:
    """Each time that rows are fetched, they come in time: a 503 while nothing was sent."""
    with serving_things(backend) as found:
        refused(found.client.get(SLOW, accept=accept))
        at_rest(backend)
        assert found.client.get("/things?slow=false", accept=accept).status == 200


def test_an_export_of_the_command_line_takes_its_time(backend: Backend) -> None:
    """Nobody else waits for it: what a request is refused, `onetrip export` reads."""
    table, file = thing(backend, 0.2), BytesIO()
    with served(backend, table, rows=[table(slow=True)], limits=Limits(statement_timeout=0.02)) as found:
        assert found.client.get("/things", accept="text/csv").status == 503
    api = API(table, database=backend.url, limits=Limits(statement_timeout=0.02))
    resource = Found(api, api.schema.resources["things"])
    assert asyncio.run(exported(resource, "ndjson", b"fields=id,long", file, Console())) == 1


def test_without_a_limit_a_statement_takes_its_time(backend: Backend) -> None:
    """`None` is no limit."""
    table = thing(backend)
    with served(backend, table, rows=[table()], limits=Limits(statement_timeout=None)) as found:
        assert found.api.database.statement_timeout is None
        assert found.get("/things") == [{"id": 1, "slow": False, "long": None}]


@pytest.mark.parametrize("seconds", [0, -1, 0.0001])
def test_a_limit_is_a_time(seconds: float) -> None:
    """Zero would be no limit to PostgreSQL, and is refused."""
    with pytest.raises(ConfigurationError, match="statement_timeout"):
        Limits(statement_timeout=seconds)


# PostgreSQL: whose setting it is

SHOWN = "current_setting('statement_timeout')"


def limited(url: str, **options: Any) -> Database:
    return Database(url, statement_timeout=SECONDS, **options)


def test_nothing_is_sent_around_a_request(postgres: Backend) -> None:
    """A connection is told once, in one statement; then a request is its statement alone."""

    async def main() -> None:
        async with opened(limited(postgres.url)) as database:
            assert await value(database, SHOWN) == "300ms"
            start = server_of(postgres).log_size()
            for _ in range(3):
                await value(database, "'again'")
            await asyncio.sleep(0.05)
            assert server_of(postgres).statements(start) == ["SELECT 'again'"] * 3

    asyncio.run(main())


@pytest.mark.parametrize("own", ["", "&statement_timeout=60s", "&statement_timeout=200"])
def test_sessions_do_not_inherit_it(postgres: Backend, own: str) -> None:
    """A connection that goes from requests to sessions is as it was before; a stricter setting stays."""
    before = {"": "0", "&statement_timeout=60s": "1min", "&statement_timeout=200": "200ms"}[own]

    async def main() -> None:
        async with opened(limited(postgres.url + own, pool=Pool(size=3))) as database:
            sessions = [AsyncSession(database.engine) for _ in range(3)]
            assert await value(database, SHOWN) == ("200ms" if before == "200ms" else "300ms")
            connections = database.connections()
            with ExitStack() as stack:
                for session in sessions:  # the third takes the one that the request had
                    stack.enter_context(connections.late_session())
                    if session is sessions[-1]:
                        held = connections.runner
                        assert isinstance(held, HeldConnections)
                        held._give_back(held.idle.pop())
                    shown = await session.exec(sa.text(f"SELECT {SHOWN}"))  # type: ignore[call-overload]
                    assert shown.scalar() == before
                for session in sessions:
                    await session.close()
            assert await value(database, SHOWN) == ("200ms" if before == "200ms" else "300ms")

    asyncio.run(main())


def test_a_stricter_server_is_believed(postgres: Backend) -> None:
    """What the server allows is what is said."""

    async def main() -> None:
        async with opened(limited(postgres.url + "&statement_timeout=100")) as database:
            with pytest.raises(Unavailable, match=r"longer than 0\.1 seconds"):
                await value(database, "pg_sleep(60)::text")

    asyncio.run(main())


def test_what_an_administrator_cancels_was_not_too_slow(postgres: Backend) -> None:
    """`pg_cancel_backend` has the same code, and another reason."""

    async def main() -> None:
        async with opened(Database(postgres.url, statement_timeout=60)) as database:
            with pytest.raises(Unavailable, match="busy or took too long"):
                await value(database, "pg_cancel_backend(pg_backend_pid())::text || pg_sleep(60)::text")

    asyncio.run(main())


def test_a_pooler_is_told_nothing(postgres: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a pooler the driver ends it: a setting would stay with whoever has the server's process next."""
    monkeypatch.setattr(asyncpg.Connection, "get_server_pid", lambda _: 1)  # as PgBouncer makes up a number

    async def main() -> None:
        async with opened(limited(postgres.url, pool=Pool(prepared=False))) as database:
            assert await value(database, SHOWN) == "0"
            with pytest.raises(Unavailable, match=r"longer than 0\.3 seconds"):
                await value(database, "pg_sleep(60)::text")
            with watching(postgres) as watch:
                await watch.until("state = 'active'", 0)
            assert await value(database, SHOWN) == "0"
            start = server_of(postgres).log_size()
            await value(database, "'again'")
            await asyncio.sleep(0.05)
            assert server_of(postgres).statements(start) == ["SELECT 'again'"]

    asyncio.run(main())


# Engines of a user's own

ENGINES: dict[str, Callable[[sa.URL], Any]] = {
    "asyncpg": lambda url: create_async_engine(url.set(drivername="postgresql+asyncpg"), pool_size=2),
    "psycopg_async": lambda url: create_async_engine(url.set(drivername="postgresql+psycopg"), pool_size=2),
    "psycopg": lambda url: sa.create_engine(url.set(drivername="postgresql+psycopg"), pool_size=2),
}


@pytest.mark.parametrize("driver", ENGINES)
def test_engines_of_a_user(postgres: Backend, driver: str) -> None:
    """Whatever the driver, the statement is ended on the server, and the engine's other users have no limit."""
    table = thing(postgres)
    postgres.create(table.metadata, table(), table(slow=True))

    async def main() -> None:
        engine = ENGINES[driver](sa.make_url(postgres.url))
        api = API(table, engine=engine, limits=LIMITS)
        async with serving(application(api)) as client:
            for _ in range(3):
                for answer in (await client.get(SLOW), await client.post("/things", json={"slow": True})):
                    assert answer.status_code == 503, answer.text
                    assert answer.json() | ENDED == answer.json()
                assert (await client.get("/things/1")).status_code == 200
                assert (await client.get("/things?fields=id")).json() == [{"id": 1}, {"id": 2}]
            exported = await client.get(SLOW, headers={"accept": "text/csv"})
            assert exported.status_code == 503 and exported.json() | ENDED == exported.json()
            with watching(postgres) as watch:
                await watch.until("state = 'active'", 0)
        if isinstance(engine, sa.Engine):
            engine.dispose()
        else:
            await engine.dispose()

    asyncio.run(main())


@pytest.mark.parametrize("driver", ["pysqlite", "aiosqlite"])
def test_engines_of_a_user_in_memory(driver: str) -> None:
    """A database that only its engine reaches is interrupted, and goes on."""
    table = thing(Backend("sqlite", "sqlite://"))

    async def main() -> None:
        make: Any = sa.create_engine if driver == "pysqlite" else create_async_engine
        arguments = {"connect_args": {"check_same_thread": False}} if driver == "pysqlite" else {}
        engine = make(f"sqlite+{driver}://", poolclass=StaticPool, **arguments)
        async with serving(application(API(table, engine=engine, limits=LIMITS))) as client:
            if isinstance(engine, sa.Engine):
                table.metadata.create_all(engine)
            else:
                async with engine.begin() as connection:
                    await connection.run_sync(table.metadata.create_all)
            assert (await client.post("/things", json={})).status_code == 201
            for _ in range(2):
                answer = await client.post("/things", json={"slow": True})
                assert answer.json() | ENDED == answer.json()
                answer = await client.get("/things?fields=id")
                assert answer.json() == [{"id": 1}]
        await asyncio.to_thread(engine.dispose) if isinstance(engine, sa.Engine) else await engine.dispose()

    asyncio.run(main())
