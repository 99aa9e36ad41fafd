"""A database that was there before, served: nothing but its catalogue was read."""

import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from onetrip import API
from onetrip.schema.reflect import reflect
from tests.http.client import serving
from tests.schema.serving import Served, load_chinook, served
from tests.support import blog
from tests.support.databases import Backend
from tests.support.shared import needs_chinook


@contextmanager
def reflected(backend: Backend, *statements: str) -> Iterator[Served]:
    """Make tables by SQL, and serve what the catalogue says of them."""
    engine = backend.engine()
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
        found = reflect(connection)
    assert found.refused == found.unrelated == ()
    api = API(*found.classes, database=backend.url, own=False)
    app = FastAPI(exception_handlers=dict(api.exception_handlers))
    app.include_router(api.router)
    with serving(app) as client:
        yield Served(api, client, engine)


class Names:
    """The names of one edition of Chinook: `PlaylistTrack` on SQLite, `playlist_track` on PostgreSQL."""

    def __init__(self, backend: Backend) -> None:
        self.folds = backend.name == "postgresql"

    def __call__(self, text: str) -> str:
        if not self.folds:
            return text
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", text).lower()


@needs_chinook
def test_chinook(backend: Backend) -> None:
    """All 11 tables of Chinook are served, with their relations, their composite key and every row."""
    named = Names(backend)
    load_chinook(backend)
    with reflected(backend) as api:
        resources = api.api.schema.resources
        assert [resource.title for resource in resources.values()] == [
            "Album", "Artist", "Customer", "Employee", "Genre", "Invoice", "InvoiceLine", "MediaType", "Playlist",
            "PlaylistTrack", "Track",
        ]  # fmt: skip
        assert len(resources) == 11
        assert not api.api.notes
        for name, resource in resources.items():
            rows = api.get(f"/{name}?limit=3&include={','.join(resource.relations)}")
            assert len(rows) == 3
            assert all(list(row) == [*resource.fields, *resource.relations] for row in rows)
            for relation in resource.relations:
                key = ",".join(str(rows[0][part.name]) for part in resource.key)
                assert api.client.get(f"/{name}/{key}/{relation}").status in (200, 404)
        track = api.get(named("/Track/1?include=Album.Artist,Genre,MediaType,Playlists"))
        assert track[named("Name")] == "For Those About To Rock (We Salute You)"
        assert track[named("Album")][named("Artist")][named("Name")] == "AC/DC"
        assert track[named("UnitPrice")] == "0.99"
        assert [playlist[named("PlaylistId")] for playlist in track[named("Playlists")]] == [1, 8, 17]
        assert api.get(named("/PlaylistTrack/1,3402")) == {named("PlaylistId"): 1, named("TrackId"): 3402}
        reports = api.get(named("/Employee/2/Employees?fields=LastName"))
        assert [row[named("LastName")] for row in reports] == ["Peacock", "Park", "Johnson"]
        invoice = api.get(named("/Invoice?sort=-Total&limit=1"))[0]
        assert (invoice[named("InvoiceDate")], invoice[named("Total")]) == ("2025-11-13T00:00:00", "25.86")


def test_bytes(backend: Backend) -> None:
    """Nobody has said that bytes are text, so they are base64; secrets and keys are what they are elsewhere."""
    blob = {"sqlite": "BLOB", "postgresql": "BYTEA"}[backend.name]
    with reflected(backend, f"CREATE TABLE files (id INTEGER PRIMARY KEY, content {blob}, api_key TEXT)") as api:
        content = bytes(range(256))
        with api.engine.begin() as connection:
            insert = sa.text("INSERT INTO files VALUES (1, :content, 'hush'), (2, NULL, NULL)")
            connection.execute(insert, {"content": content})
        encoded = base64.urlsafe_b64encode(content).decode()
        assert api.get("/files") == [{"id": 1, "content": encoded}, {"id": 2, "content": None}]
        assert api.api.notes == ("/files: hidden, because the name looks secret: api_key (show it with exposed=[…])",)


def test_odd_names(backend: Backend) -> None:
    """Columns and tables are served under the names that they have, and relations lead from and to them."""
    tables = (
        'CREATE TABLE "Order Details" ("Order ID" INTEGER PRIMARY KEY, "_id" INTEGER, "__x" INTEGER, "copy" INTEGER)',
        'CREATE TABLE "_lines" ("_no" INTEGER PRIMARY KEY, "Order ID" INTEGER REFERENCES "Order Details" ("Order ID"))',
        """INSERT INTO "Order Details" VALUES (7, 1, 2, 3)""",
        """INSERT INTO "_lines" VALUES (1, 7)""",
    )
    with reflected(backend, *tables) as api:
        order = {"Order ID": 7, "_id": 1, "__x": 2, "copy": 3}
        assert api.get("/Order-Details/7") == api.get("/Order-Details?_id=1&__x=2&Order+ID=7")[0] == order
        assert api.get("/Order-Details?fields=_id,copy&sort=-_id") == [{"_id": 1, "copy": 3}]
        relation = next(iter(api.api.schema.resources["_lines"].relations))
        assert api.get(f"/_lines/1?include={relation}") == {"_no": 1, "Order ID": 7, relation: order}


@pytest.mark.parametrize("type_", ["INTEGER", "INT", "SMALLINT", "TINYINT", "BIGINT"])
def test_integers(backend: Backend, type_: str) -> None:
    """An integer column takes what it holds: 64 bits on SQLite whatever it is called, by its type on PostgreSQL."""
    if backend.name == "postgresql" and type_ == "TINYINT":
        pytest.skip("PostgreSQL has no such type")
    bits = 64 if backend.name == "sqlite" else {"SMALLINT": 16, "BIGINT": 64}.get(type_, 32)
    largest = 2 ** (bits - 1) - 1
    with reflected(backend, f"CREATE TABLE numbers (id {type_} PRIMARY KEY, n {type_})") as api:
        with api.engine.begin() as connection:
            connection.exec_driver_sql(f"INSERT INTO numbers VALUES ({largest}, {-largest - 1})")
        row = {"id": largest, "n": -largest - 1}
        assert api.get(f"/numbers/{largest}") == api.get(f"/numbers?n={-largest - 1}")[0] == row
        assert api.client.get(f"/numbers/{largest + 1}").status == 404
        assert api.refusal(f"/numbers?n={largest + 1}") == f"'n' must be between {-largest - 1} and {largest}."


def test_new_rows_get_numbers(backend: Backend) -> None:
    """A class of a reflected table stores rows as one that somebody wrote: the database numbers them."""
    number = {"sqlite": "INTEGER", "postgresql": "SERIAL"}[backend.name]
    engine = backend.engine()
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE TABLE notes (id {number} PRIMARY KEY, text TEXT)")
        (note,) = reflect(connection).classes
    with sa.orm.Session(engine) as session:
        first, second = (note(text=text) for text in ("a", "b"))
        session.add_all([first, second])
        session.flush()
        assert (first.id, second.id) == (1, 2)


def test_declared_integers(backend: Backend) -> None:
    """A class that somebody wrote says how large its numbers are, and is believed on both databases."""
    with served(backend, blog.User, blog.Post, blog.Comment, rows=blog.rows()) as api:
        assert api.client.get(f"/users/{2**31}").status == 404
        assert "must be between" in api.refusal(f"/users?id={2**31}")
