"""Tables of the tests that change many rows: keys of every kind, versions, numbers to add to; and who serves them."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI
from sqlmodel import Field, Relationship, SQLModel

from onetrip import API, Resource, SoftDelete, Timestamped, Versioned
from tests.http.client import Answer, Client, serving
from tests.support.counting import Statements, count_statements
from tests.support.databases import Backend

metadata = sa.MetaData()

STAMP = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SEEN = "2026-01-02T03:04:05Z"
"""What Python fills in whenever a person changes, and how it is written."""


class Base(SQLModel):
    metadata = metadata


class Person(Versioned, Timestamped, Base, table=True):
    """A unique column, one more of two columns, and one that is hidden."""

    __tablename__ = "people"
    __table_args__ = (sa.UniqueConstraint("team", "number"),)
    id: int | None = Field(default=None, primary_key=True)
    email: str = Field(unique=True)
    name: str = "Nobody"
    bio: str | None = None
    team: str | None = None
    number: int | None = None
    password_hash: str | None = Field(default=None, unique=True)
    boss_id: int | None = Field(default=None, foreign_key="people.id")
    seen: datetime | None = Field(default=None, sa_column_kwargs={"onupdate": lambda: STAMP})
    boss: "Person" = Relationship(back_populates="reports", sa_relationship_kwargs={"remote_side": "Person.id"})
    reports: list["Person"] = Relationship(back_populates="boss")


class Page(Base, table=True):
    """A key that clients make, and a name that is unique among the pages that are live."""

    __tablename__ = "pages"
    __table_args__ = (
        sa.Index(
            "live_names", "name", unique=True, sqlite_where=sa.text("state = 'live'"),
            postgresql_where=sa.text("state = 'live'"),
        ),
    )  # fmt: skip
    path: str = Field(primary_key=True)
    name: str
    state: str = "live"


class Tag(SoftDelete, Base, table=True):
    """Unique among what is not deleted; its key stays taken."""

    __tablename__ = "tags"
    code: str = Field(primary_key=True)
    label: str = Field(unique=True)


class Seat(Base, table=True):
    """Its codes are equal to the database where they are not to Python: with spaces at the end, or in capitals."""

    __tablename__ = "seats"
    id: int | None = Field(default=None, primary_key=True)
    code: str = Field(unique=True, sa_type=sa.CHAR(5).with_variant(sa.String(collation="NOCASE"), "sqlite"))
    row: str | None = None


class Counter(Versioned, Base, table=True):
    """Numbers of several ranges."""

    __tablename__ = "counters"
    id: int | None = Field(default=None, primary_key=True)
    kind: str = "a"
    small: int = Field(default=0, sa_type=sa.SmallInteger)
    views: int = 0
    big: int | None = Field(default=0, sa_type=sa.BigInteger)
    money: Decimal = Field(default=Decimal(0), max_digits=6, decimal_places=2)
    free: Decimal | None = Field(default=None, sa_type=sa.Numeric)


RESOURCES = (
    Resource(Person, bulk=True, bulk_limit=5),
    Page,
    Seat,
    Resource(Tag, bulk=True),
    Resource(Counter, bulk=True, increments=["small", "views", "big", "money", "free"]),
)


@dataclass
class Served:
    """A served application, and what it costs to ask it."""

    client: Client
    api: API
    backend: Backend

    def send(self, method: str, target: str, body: Any = None, **headers: str) -> Answer:
        """Send a request with a JSON body, if any."""
        given = {} if body is None else {"content_type": "application/json"}
        raw = b"" if body is None else json.dumps(body).encode()
        return self.client.request(method, target, {**given, **headers}, body=raw)

    def counted(self, method: str, target: str, body: Any = None, **headers: str) -> tuple[Answer, Statements]:
        """Send a request, and count the statements that it takes."""
        with count_statements(self.backend, self.api) as statements:
            answer = self.send(method, target, body, **headers)
        return answer, statements

    def statements(self, on_postgresql: int, on_sqlite: int) -> int:
        """Choose what a request costs on this database."""
        return on_sqlite if self.backend.name == "sqlite" else on_postgresql

    def together(self, *requests: tuple[str, str, Any]) -> list[Answer]:
        """Send requests with JSON bodies at the same time."""
        headers = {"content-type": "application/json"}

        async def all_of_them() -> list[Answer]:
            asking = [self.client.ask(*request[:2], headers, json.dumps(request[2]).encode()) for request in requests]
            return await asyncio.gather(*asking)

        return self.client.runner.run(all_of_them())


@contextmanager
def served(backend: Backend, *rows: Any) -> Iterator[Served]:
    """Serve the tables, with some rows in them."""
    backend.create(metadata, *rows)
    api = API(*RESOURCES, database=backend.url)
    app = FastAPI(exception_handlers=dict(api.exception_handlers))
    app.include_router(api.router)
    with serving(app) as client:
        made = Served(client, api, backend)
        made.send("GET", "/people?limit=1")
        yield made
