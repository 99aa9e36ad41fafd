"""What arrives at PostgreSQL for a request, by the server's own log."""

import asyncio
import enum
import time
from collections.abc import Awaitable, Callable

import httpx2
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from onetrip import API
from onetrip.settings import Pool
from tests.db.serving import TABLES, application, opened, server_of, serving, value
from tests.support.databases import Backend

SETUP = [
    "BEGIN;",
    "select pg_catalog.version()",
    "select current_schema()",
    "show transaction isolation level",
    "show standard_conforming_strings",
    "ROLLBACK;",
]
"""What SQLAlchemy asks once per engine, on its first connection."""


class Base(SQLModel, registry=registry()):
    pass


class Mood(enum.Enum):
    fine = "very fine"
    poor = "so-so"


class Pet(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    mood: Mood = Mood.fine
    size: str = Field(default="small", sa_type=pg.ENUM("small", "large", name="size"))  # type: ignore[call-overload]


def sent(backend: Backend, api: API, *steps: Callable[[httpx2.AsyncClient], Awaitable[None]]) -> list[list[str]]:
    """Run steps against a fresh application, and answer the statements that each of them sent."""
    found = []

    async def main() -> None:
        async with serving(application(api)) as client:
            for step in steps:
                start = server_of(backend).log_size()
                await step(client)
                time.sleep(0.05)  # the log is written by another process
                found.append(server_of(backend).statements(start))

    asyncio.run(main())
    return found


def get(*paths: str) -> Callable[[httpx2.AsyncClient], Awaitable[None]]:
    async def step(client: httpx2.AsyncClient) -> None:
        for answer in await asyncio.gather(*(client.get(path) for path in paths)):
            assert answer.status_code == 200, answer.text

    return step


def test_a_request_is_one_statement_on_a_new_connection_too(blog_on_postgres: Backend) -> None:
    """The first connection brings SQLAlchemy's five questions, once; after that a request is its statement alone.

    Each connection is told once how long a statement may run.
    """
    api = API(*TABLES, database=blog_on_postgres.url)
    first, again, together = sent(
        blog_on_postgres, api, get("/posts"), get("/posts"), get("/posts/1", "/users", "/users/1/posts?limit=1")
    )
    assert [text for text in first[:-1] if "statement_timeout" not in text] == SETUP
    assert len(first) == len(SETUP) + 2
    assert len([text for text in together if "statement_timeout" not in text]) == 3
    assert again == first[-1:]


@pytest.mark.parametrize("path", ["/pets?mood=very fine", "/pets?size=small"])
def test_a_filter_by_an_enum_asks_the_catalogue_nothing(postgres: Backend, path: str) -> None:
    """A type of the database's own is sent as text: asyncpg would otherwise ask for its definition first."""
    postgres.create(Base.metadata, Pet(), Pet(mood=Mood.poor, size="large"))
    api = API(Pet, database=postgres.url)
    _, filtered = sent(postgres, api, get("/pets"), get(path))
    assert len(filtered) == 1, filtered


def test_without_prepared_statements_a_request_is_one_statement_too(blog_on_postgres: Backend) -> None:
    """`statement_cache_size=0` leaves nothing prepared on the server, and still sends no transaction."""
    url = blog_on_postgres.url + "&statement_cache_size=0"
    api = API(*TABLES, database=url, pool=Pool(size=3))

    async def prepared(client: httpx2.AsyncClient) -> None:
        text = "convert_to(count(*)::text, 'UTF8') FROM pg_prepared_statements WHERE statement LIKE '%row_to_json%'"
        assert await value(api.database, text) == b"0"

    _, again, _ = sent(blog_on_postgres, api, get("/posts", "/users/1"), get("/posts", "/posts/1"), prepared)
    assert len(again) == 2, again


def test_statements_that_are_let_go_are_closed_on_the_server(
    postgres: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection keeps a bounded number of prepared statements, and the server keeps no more than that."""
    monkeypatch.setattr("onetrip.db.postgresql_connection.MAX_PREPARED", 10)
    api = API(*TABLES, database=postgres.url, pool=Pool(size=3))

    async def main() -> None:
        async with opened(api.database) as database:
            for number in range(100):
                assert await value(database, f"convert_to('{number}', 'UTF8')") == str(number).encode()
            ours = "pg_prepared_statements WHERE statement LIKE 'SELECT convert_to(%'"
            assert await value(database, f"convert_to(count(*)::text, 'UTF8') FROM {ours}") == b"10"
            assert len(database.connections().runner.idle[0].prepared) == 10  # type: ignore[attr-defined]

    asyncio.run(main())


def test_a_table_that_changes_under_a_prepared_statement_is_read_right(blog_on_postgres: Backend) -> None:
    """After ALTER TABLE the next read is answered with the new type, and without an error in between."""
    database = API(*TABLES, database=blog_on_postgres.url, pool=Pool(size=3)).database

    async def main() -> None:
        async with opened(database):
            raw = "views FROM post WHERE id = 1"
            whole = "convert_to(row_to_json(p)::text, 'UTF8') FROM (SELECT views FROM post WHERE id = 1) p"
            assert (await value(database, raw), await value(database, whole)) == (10, b'{"views":10}')
            with blog_on_postgres.engine().begin() as connection:
                connection.execute(sa.text("ALTER TABLE post ALTER views TYPE text USING views || ' times'"))
            assert await value(database, raw) == "10 times"  # "cached plan must not change result type"
            assert await value(database, whole) == b'{"views":"10 times"}'
            assert len(database.connections().runner.idle) == 1  # type: ignore[attr-defined]

    asyncio.run(main())
