"""Writes at the same time, cancelled, cut off, or refused when they are committed: no lost change, no false 2xx."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from onetrip import API, Resource, Versioned
from onetrip.hooks import Change
from tests.db.serving import application, serving, watching
from tests.db.test_postgresql_connections import all_well
from tests.support.databases import Backend, Server, postgresql_backend


class Base(SQLModel, registry=registry()):
    """Keeps these tables apart from those of other tests."""


class Page(Versioned, Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    title: str = ""


class Word(Base, table=True):
    text: str = Field(primary_key=True)
    meaning: str = ""


class Link(Base, table=True):
    """Its foreign key is checked when the transaction ends."""

    __table_args__ = (sa.ForeignKeyConstraint(["word"], ["word.text"], deferrable=True, initially="DEFERRED"),)
    id: int | None = Field(default=None, primary_key=True)
    word: str


def seen(change: Change[Any]) -> None:
    """A hook: the write takes a session."""


@pytest.fixture(params=["statement", "session"])
def resources(request: pytest.FixtureRequest) -> list[Any]:
    """Tables that are written by a statement each, or in a session because there are hooks."""
    hooks: dict[str, Any] = {}
    if request.param == "session":
        hooks = {"before_create": seen, "before_update": seen, "before_delete": seen}
    return [Resource(table, **hooks) for table in (Page, Word, Link)]


@pytest.fixture
def postgres(server: Server) -> Iterator[Backend]:
    with postgresql_backend(server) as made:
        yield made


def exercise(
    backend: Backend, resources: list[Any], body: Callable[[httpx2.AsyncClient, API], Awaitable[None]]
) -> None:
    """Run a body against an application in an event loop of its own; every connection is well in the end."""
    backend.create(Base.metadata, Page(id=1), Word(text="first"))
    api = API(*resources, database=backend.url)

    async def main() -> None:
        async with serving(application(api)) as client:
            await body(client, api)
            if backend.name == "postgresql":
                async with asyncio.timeout(10):
                    while not all_well(api.database):
                        await asyncio.sleep(0.01)
            assert (await client.patch("/pages/1", json={"title": "last"})).status_code == 200

    asyncio.run(main())


def rows(backend: Backend, table: Any) -> list[Any]:
    """Read a table from beside."""
    with backend.engine().connect() as connection:
        return list(connection.execute(sa.select(table.__table__).order_by(*table.__table__.primary_key)))


@contextmanager
def holding(backend: Backend, *statements: str) -> Iterator[sa.Connection]:
    """Hold locks in a transaction that is never committed."""
    engine = backend.engine()
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
        yield connection
        connection.rollback()


def test_of_changes_to_one_version_one_wins(backend: Backend, resources: list[Any]) -> None:
    """20 changes with the same entity tag at once: one is made, 19 are told so, round after round."""

    async def body(client: httpx2.AsyncClient, api: API) -> None:
        for version in range(1, 6):
            changes = [
                client.patch("/pages/1", json={"title": str(number)}, headers={"if-match": f'"{version}"'})
                for number in range(20)
            ]
            answers = await asyncio.gather(*changes)
            assert sorted(answer.status_code for answer in answers) == [200] + [412] * 19
            (won,) = [answer for answer in answers if answer.status_code == 200]
            assert won.headers["etag"] == f'"{version + 1}"'
            assert (await client.get("/pages/1")).json() == won.json()

    exercise(backend, resources, body)


def test_of_rows_with_one_key_one_is_created(backend: Backend, resources: list[Any]) -> None:
    """20 requests create the same row at once: one 201, 19 conflicts."""

    async def body(client: httpx2.AsyncClient, api: API) -> None:
        answers = await asyncio.gather(*(client.post("/words", json={"text": "one"}) for _ in range(20)))
        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19

    exercise(backend, resources, body)


def test_no_change_is_lost(backend: Backend, resources: list[Any]) -> None:
    """Changes of one row without a condition all happen: its version counts every one."""

    async def body(client: httpx2.AsyncClient, api: API) -> None:
        answers = await asyncio.gather(*(client.patch("/pages/1", json={"title": "x"}) for _ in range(30)))
        assert {answer.status_code for answer in answers} == {200}
        assert {answer.headers["etag"] for answer in answers} == {f'"{number}"' for number in range(2, 32)}

    exercise(backend, resources, body)


def test_a_deadlock_is_tried_again(postgres: Backend, server: Server) -> None:
    """Two arrays wait for each other's keys: the one that PostgreSQL gives up is tried again."""

    async def body(client: httpx2.AsyncClient, api: API) -> None:
        start = server.log_size()
        with watching(postgres) as watch, holding(postgres, "INSERT INTO word VALUES ('m', '')"):
            writes = [
                asyncio.create_task(client.post("/words", json=[{"text": text} for text in texts]))
                for texts in ("amb", "bma")
            ]
            await watch.until("wait_event_type = 'Lock'", 2)
        answers = await asyncio.gather(*writes)
        assert sorted(answer.status_code for answer in answers) == [201, 409]
        log = server.process.log.read_bytes()[start:].decode(errors="replace")
        assert "deadlock detected" in log

    exercise(postgres, [Page, Word, Link], body)
    assert [row.text for row in rows(postgres, Word)] == ["a", "b", "first", "m"]


_LOCK = "SELECT * FROM page WHERE id = 1 FOR UPDATE"


def test_a_cancelled_write_leaks_nothing(postgres: Backend, resources: list[Any]) -> None:
    """Clients go away while their change waits for a lock: the connections come back, nothing was changed."""

    async def body(client: httpx2.AsyncClient, api: API) -> None:
        with watching(postgres) as watch, holding(postgres, _LOCK):
            writes = [asyncio.create_task(client.patch("/pages/1", json={"title": "gone"})) for _ in range(4)]
            await watch.until("wait_event_type = 'Lock'", 4)
            for write in writes:
                write.cancel()
            assert all(isinstance(found, asyncio.CancelledError) for found in
                       await asyncio.gather(*writes, return_exceptions=True))  # fmt: skip
            await watch.until("wait_event_type = 'Lock'", 0)
        assert (await client.get("/pages/1")).json()["title"] == ""

    exercise(postgres, resources, body)


def test_a_lost_connection_is_no_success(postgres: Backend, resources: list[Any]) -> None:
    """Connections are cut during a change: 503, nothing was changed, and the next request is answered."""

    async def body(client: httpx2.AsyncClient, api: API) -> None:
        with watching(postgres) as watch, holding(postgres, _LOCK) as holder:
            mine = holder.exec_driver_sql("SELECT pg_backend_pid()").scalar()
            writes = [asyncio.create_task(client.patch("/pages/1", json={"title": "cut"})) for _ in range(3)]
            await watch.until("wait_event_type = 'Lock'", 3)
            cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            assert watch.value(f"{cut} AND datname = current_database() AND pid <> {mine}") == 3
            answers = await asyncio.gather(*writes)
        assert {answer.status_code for answer in answers} == {503}
        assert all(answer.headers["retry-after"] for answer in answers)
        assert (await client.get("/pages/1")).json()["title"] == ""

    exercise(postgres, resources, body)


def test_what_is_refused_at_the_commit_is_no_success(backend: Backend, resources: list[Any]) -> None:
    """A constraint that is checked at the end refuses one row, an array and a change, and nothing is stored."""

    async def body(client: httpx2.AsyncClient, api: API) -> None:
        right = await client.post("/links", json={"word": "first"})
        assert right.status_code == 201
        for write in (
            client.post("/links", json={"word": "nothing"}),
            client.post("/links", json=[{"word": "first"}, {"word": "nothing"}]),
            client.patch("/links/1", json={"word": "nothing"}),
            client.put("/links/1", json={"word": "nothing"}),
        ):
            answer = await write
            assert answer.status_code == 422, answer.text
            assert answer.json()["errors"][0]["type"] == "foreign_key"
        answer = await client.delete("/words/first")
        assert answer.status_code == 409, answer.text

    exercise(backend, resources, body)
    assert [(row.id, row.word) for row in rows(backend, Link)] == [(1, "first")]
    assert [row.text for row in rows(backend, Word)] == ["first"]


def test_a_table_that_changes_under_a_prepared_statement(postgres: Backend, resources: list[Any]) -> None:
    """A migration while the server runs: the next writes go on, of one row and of an array."""

    async def body(client: httpx2.AsyncClient, api: API) -> None:
        bodies: list[Any] = [{"text": "a"}, [{"text": "b"}, {"text": "c", "meaning": "m"}]]
        for number, sent in enumerate(bodies):
            assert (await client.post("/words?fields=text", json=sent)).status_code == 201, number
        with watching(postgres) as watch:
            for type_ in ("text", "varchar(50)"):
                watch.connection.exec_driver_sql(f"ALTER TABLE word ALTER COLUMN meaning TYPE {type_}")
                for prefix, sent in ((type_[0], one) for one in bodies):
                    renamed = [
                        {**row, "text": prefix + row["text"]} for row in (sent if isinstance(sent, list) else [sent])
                    ]
                    answer = await client.post(
                        "/words?fields=text", json=renamed if isinstance(sent, list) else renamed[0]
                    )
                    assert answer.status_code == 201, (type_, answer.text)

    exercise(postgres, resources, body)
