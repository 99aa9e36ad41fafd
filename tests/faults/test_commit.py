"""A commit that fails, or of which nobody knows, is never answered as if it had succeeded."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from onetrip import API
from tests.db.serving import application, serving
from tests.faults.proxy import Moment, proxied
from tests.faults.tables import TABLES, Base, Owner, Thing
from tests.support.databases import Backend, Server, postgresql_backend

NOBODY = 99

CHANGES: dict[str, tuple[str, str, Any]] = {
    "one": ("POST", "/thing", {"tag": "made-here", "owner_id": NOBODY}),
    "one, read again": ("POST", "/thing?include=owner", {"tag": "made-here", "owner_id": NOBODY}),
    "array": ("POST", "/thing", [{"tag": "made-here", "owner_id": 1}, {"tag": "made-here", "owner_id": NOBODY}]),
    "array in two statements": (
        *("POST", "/thing"),
        [{"tag": "made-here", "owner_id": 1}, {"tag": "made-here", "note": "another column", "owner_id": NOBODY}],
    ),
    "change": ("PATCH", "/thing/1", {"tag": "made-here", "owner_id": NOBODY}),
    "replacement": ("PUT", "/thing/1", {"tag": "made-here", "owner_id": NOBODY}),
    "deletion": ("DELETE", "/owner/1", None),
}
TRANSACTIONS = ("array in two statements",)
"""Which of the changes are more than one statement on PostgreSQL."""


def allowed(change: str) -> tuple[str, str, Any]:
    """The same change, of somebody who exists; the deletion is of somebody whom nothing refers to."""
    method, path, body = CHANGES[change]
    if method == "DELETE":
        return method, "/owner/2", None
    rows = [row | {"owner_id": 1} if "owner_id" in row else row for row in (body if type(body) is list else [body])]
    return method, path, rows if type(body) is list else rows[0]


def prepare(backend: Backend) -> None:
    backend.create(Base.metadata, Owner(id=1), Owner(id=2))
    backend.create(Base.metadata, Thing(tag="old", owner_id=1))


def stored(backend: Backend) -> list[Any]:
    """Everything that can have changed."""
    engine = backend.engine()
    with engine.connect() as connection:
        queries = ("SELECT id, tag, owner_id FROM thing ORDER BY id", "SELECT id FROM owner ORDER BY id")
        found = [tuple(row) for query in queries for row in connection.exec_driver_sql(query)]
    engine.dispose()
    return found


async def send(client: httpx2.AsyncClient, method: str, path: str, body: Any) -> int:
    answer = await client.request(method, path, **({} if body is None else {"json": body}))
    return answer.status_code


def answered(backend: Backend, *requests: tuple[str, str, Any]) -> list[int]:
    """Send requests to an application on a database."""

    async def main() -> list[int]:
        async with serving(application(API(*TABLES, database=backend.url))) as client:
            return [await send(client, *request) for request in requests]

    return asyncio.run(main())


@pytest.fixture
def postgres(server: Server) -> Iterator[Backend]:
    with postgresql_backend(server) as backend:
        prepare(backend)
        yield backend


@pytest.mark.parametrize("change", CHANGES)
def test_a_constraint_that_fails_at_the_commit_is_a_conflict(backend: Backend, change: str) -> None:
    prepare(backend)
    before = stored(backend)
    (status,) = answered(backend, CHANGES[change])
    assert status in (409, 422)
    assert stored(backend) == before
    (status,) = answered(backend, allowed(change))
    assert status in (200, 201, 204)
    assert stored(backend) != before


_DIE = """
CREATE SEQUENCE commits;
CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM nextval('commits'), pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER die AFTER INSERT OR UPDATE ON thing DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION die();
CREATE CONSTRAINT TRIGGER die AFTER DELETE ON owner DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION die();
"""


@pytest.mark.parametrize("change", CHANGES)
def test_a_database_process_that_dies_at_the_commit_is_503(postgres: Backend, change: str) -> None:
    """And it is not tried again: a sequence counts the attempts, for nothing takes it back."""
    run(postgres, _DIE)
    before = stored(postgres)
    assert answered(postgres, allowed(change)) == [503]
    assert stored(postgres) == before
    assert value(postgres, "SELECT last_value FROM commits") == 1


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_connection_that_is_cut_at_the_commit_is_503(postgres: Backend, change: str, moment: Moment) -> None:
    """Whatever happened then, it happened once or not at all; and the next request finds another connection."""
    marker = b"COMMIT" if change in TRANSACTIONS else b"made-here"
    if change == "deletion":
        marker = (2).to_bytes(4)  # the key
    before = stored(postgres)

    async def main() -> list[int]:
        async with (
            proxied(postgres.url) as proxy,
            serving(application(API(*TABLES, database=proxy.url))) as client,
        ):
            well = [await send(client, "GET", "/thing/1", None)]
            proxy.cut(marker, moment)
            well.append(await send(client, *allowed(change)))
            assert proxy.cuts == 1
            return [*well, await send(client, "GET", "/thing/1", None)]

    assert asyncio.run(main()) == [200, 503, 200]
    after = stored(postgres)
    if moment == "before":
        assert after == before
        return
    assert answered_by(before, allowed(change)) == after


def answered_by(before: list[Any], change: tuple[str, str, Any]) -> list[Any]:
    """What is stored when a change was made once."""
    method, _, body = change
    (first, *_), owners = before, [row for row in before if len(row) == 1]
    if method == "DELETE":
        return [first, (1,)]
    if method != "POST":
        return [(1, body["tag"], body["owner_id"]), *owners]
    rows = body if type(body) is list else [body]
    return [first, *((2 + at, row["tag"], row.get("owner_id")) for at, row in enumerate(rows)), *owners]


def run(backend: Backend, script: str) -> None:
    engine = backend.engine()
    with engine.begin() as connection:
        connection.exec_driver_sql(script)
    engine.dispose()


def value(backend: Backend, query: str) -> Any:
    engine = backend.engine()
    with engine.connect() as connection:
        found = connection.exec_driver_sql(query).scalar()
    engine.dispose()
    return found
