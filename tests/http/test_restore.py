"""Rows that were deleted softly come back: the answer, the rules of the database, versions, hooks, and the route."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, SQLModel

from onetrip import API, Change, Resource, SoftDelete, Versioned
from onetrip.errors import Conflict
from tests.http.client import Answer, Client, serving
from tests.support.counting import count_statements
from tests.support.databases import Backend


class Base(SQLModel, registry=registry()):
    """Apart from other tests' tables."""


class Owner(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str
    files: list["File"] = Relationship(back_populates="owner")


class File(SoftDelete, Versioned, Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    owner_id: int | None = Field(default=None, foreign_key="owner.id")
    owner: Owner | None = Relationship(back_populates="files")


class Label(SoftDelete, Base, table=True):
    """Its key is text, and may look like a part of the path."""

    name: str = Field(primary_key=True)


seen: list[str] = []


def note(change: Change[Any]) -> None:
    if change.row is not None and change.row.name == "kept":
        raise Conflict("It is kept where it is.")
    seen.append(f"{change.action} {change.row.name if change.row else ''}")


@pytest.fixture(params=["statement", "session"])
def served(request: pytest.FixtureRequest, backend: Backend) -> Iterator[tuple[Client, API, Backend]]:
    """The same resource, changed by statements alone, and in a session."""
    backend.create(Base.metadata, Owner(id=1, name="Ada"))
    backend.create(Base.metadata, *(File(name=f"f{number}", owner_id=1) for number in (1, 2)))
    options = {"before_restore": note, "after_commit": note} if request.param == "session" else {}
    api = API(Owner, Resource(File, **options), Label, database=backend.url)
    assert ("restore" in api.schema.resources["files"].writes.unit_of_work) == (request.param == "session")
    app = FastAPI()
    app.include_router(api.router)
    seen.clear()
    with serving(app) as client:
        yield client, api, backend


def restore(client: Client, path: str = "/files/1", query: str = "", **headers: str) -> Answer:
    return client.request("POST", f"{path}:restore{query}", headers)


def test_a_deleted_row_is_there_again(served: tuple[Client, API, Backend]) -> None:
    """The answer is the row, as it is asked for, with the version after the change."""
    client, _, _ = served
    assert client.request("DELETE", "/files/1").status == 204
    assert client.get("/files/1").status == 404
    answer = restore(client, query="?fields=name,version,owner.name")
    assert (answer.status, answer.json()) == (200, {"name": "f1", "version": 3, "owner": {"name": "Ada"}})
    assert answer.headers["etag"] == '"3"' == client.get("/files/1").headers["etag"]
    assert [row["id"] for row in client.get("/files").json()] == [1, 2]


@pytest.mark.parametrize("path", ["/files/1", "/files/9", "/files/99999999999999999999"])
def test_what_was_not_deleted_is_not_found(served: tuple[Client, API, Backend], path: str) -> None:
    """Neither a row that is there, nor one that never was."""
    client, _, _ = served
    assert restore(client, path).status == 404
    assert client.get("/files/1").json()["version"] == 1


def test_a_value_that_is_taken_meanwhile_is_a_conflict(served: tuple[Client, API, Backend]) -> None:
    """What is unique among the rows that are there stays so; the deleted row stays deleted."""
    client, _, _ = served
    client.request("DELETE", "/files/1")
    assert client.send("POST", "/files", {"name": "f1"}).status == 201
    answer = restore(client)
    assert (answer.status, answer.json()["errors"][0]["loc"]) == (409, ["body", "name"])
    assert client.get("/files/1").status == 404


def test_if_match_names_the_version_of_the_deleted_row(served: tuple[Client, API, Backend]) -> None:
    """412 for another one, 404 where there is nothing to restore, whatever the version."""
    client, _, _ = served
    client.request("DELETE", "/files/1")
    assert restore(client, if_match='"1"').status == 412
    assert client.get("/files/1").status == 404
    assert restore(client, if_match='"1", "2"').status == 200
    assert restore(client, if_match='"3"').status == 404
    client.request("DELETE", "/files/1")
    assert restore(client, if_match="*").status == 200


def test_a_restore_is_one_statement_without_hooks(served: tuple[Client, API, Backend]) -> None:
    """Where nothing of other tables is asked for."""
    client, api, backend = served
    client.request("DELETE", "/files/1")
    restore(client)
    client.request("DELETE", "/files/1")
    with count_statements(backend, api) as statements:
        assert restore(client).status == 200
    if "restore" not in api.schema.resources["files"].writes.unit_of_work:
        assert len(statements) == 1, statements


def test_hooks_are_told(served: tuple[Client, API, Backend]) -> None:
    """They see the row, may refuse, and are told when it is done."""
    client, api, _ = served
    if not api.schema.resources["files"].writes.hooks:
        return
    client.send("PATCH", "/files/2", {"name": "kept"})
    for number in (1, 2):
        client.request("DELETE", f"/files/{number}")
    seen.clear()
    assert restore(client).status == 200
    assert seen == ["restore f1", "restore f1"]
    assert restore(client, "/files/2").status == 409
    assert client.get("/files/2").status == 404


def test_an_unknown_parameter_is_refused(served: tuple[Client, API, Backend]) -> None:
    """And then nothing is restored."""
    client, _, _ = served
    client.request("DELETE", "/files/1")
    assert restore(client, query="?limit=1").status == restore(client, query="?name=f1").status == 422
    assert client.get("/files/1").status == 404


def test_a_key_may_end_like_the_path(served: tuple[Client, API, Backend]) -> None:
    """Escaped, a colon is part of the key; the address of a new row says it so."""
    client, _, _ = served
    created = client.send("POST", "/labels", {"name": "x:restore"})
    assert created.headers["location"] == "/labels/x%3Arestore"
    assert client.get("/labels/x%3Arestore").json() == {"name": "x:restore"}
    assert client.get("/labels/x:restore").status == 405
    client.request("DELETE", "/labels/x%3Arestore")
    assert client.request("POST", "/labels/x%3Arestore:restore").json() == {"name": "x:restore"}


def test_the_route_is_there_where_rows_stay(served: tuple[Client, API, Backend]) -> None:
    """405 names POST alone; there is none for rows that are gone, nor in an API that is read only."""
    client, _, backend = served
    answer = client.get("/files/1:restore")
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
    assert client.request("POST", "/owners/1:restore").status == 405
    operation = client.get("/openapi.json").json()["paths"]["/files/{id}:restore"]["post"]
    assert operation["operationId"] == "restore_file"
    assert {"200", "404", "409", "412"} <= operation["responses"].keys()
    assert {"id", "fields", "include", "If-Match"} <= {each["name"] for each in operation["parameters"]}
    app = FastAPI()
    app.include_router(API(File, Owner, database=backend.url, read_only=True).router)
    with serving(app) as reading:
        assert "/files/{id}:restore" not in reading.get("/openapi.json").json()["paths"]
        assert reading.request("POST", "/files/1:restore").headers["allow"] == "GET, HEAD"


def test_who_demands_versions_demands_them_here(backend: Backend) -> None:
    """428 without `If-Match`."""
    backend.create(Base.metadata, File(id=1, name="f1"))
    app = FastAPI()
    app.include_router(API(Resource(File, require_if_match=True), Owner, database=backend.url).router)
    with serving(app) as client:
        assert client.request("DELETE", "/files/1", {"if-match": '"1"'}).status == 204
        assert restore(client).status == 428
        assert restore(client, if_match='"2"').status == 200
    with backend.engine().connect() as connection:
        assert connection.scalar(sa.select(File.deleted_at)) is None
