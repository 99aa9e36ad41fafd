"""What the tests of the schema share: a schema without a database, and tables that are served from a real one."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI
from sqlalchemy.orm import Session, registry
from sqlmodel import SQLModel

from onetrip import API
from onetrip.db.database import Database
from onetrip.schema.derive import derive
from onetrip.schema.model import ResourceSchema, Schema
from tests.http.client import Client, serving
from tests.support.databases import Backend
from tests.support.shared import CHINOOK


def base() -> type[SQLModel]:
    """Make a base for SQLModel tables, apart from all others."""

    class Base(SQLModel, registry=registry()):
        pass

    return Base


def schema_of(*declared: Any, url: str = "sqlite://") -> Schema:
    """Derive a schema for the dialect of a URL."""
    dialect = Database(url).dialect
    return derive(declared, dialect.sqlalchemy, dialect.inexact)


def resource_of(*declared: Any, url: str = "sqlite://") -> ResourceSchema:
    """Derive a schema and answer its first resource."""
    return next(iter(schema_of(*declared, url=url).resources.values()))


def fields(resource: ResourceSchema) -> dict[str, str]:
    """What is shown, in order, as `name: kind`, with a question mark where there may be nothing."""
    return {field.name: field.type.kind + "?" * field.nullable for field in resource.view.fields}


def relations(resource: ResourceSchema) -> dict[str, str]:
    """Relations as `name: target`, in brackets if to many, with a question mark where there may be none."""
    found = resource.relations.values()
    return {each.name: f"[{each.target}]" if each.many else each.target + "?" * each.nullable for each in found}


@dataclass(frozen=True)
class Served:
    """Tables that are served, and the engine that they are stored by."""

    api: API
    client: Client
    engine: sa.Engine

    def get(self, path: str) -> Any:
        """Answer what a path answers, which has to be a 200."""
        answer = self.client.get(path)
        assert answer.status == 200, answer.body.decode()
        return answer.json()

    def text(self, path: str) -> str:
        """Answer the body of a 200 as it was sent."""
        answer = self.client.get(path)
        assert answer.status == 200, answer.body.decode()
        return answer.body.decode()

    def refusal(self, path: str) -> str:
        """Answer the sentence of a 422."""
        answer = self.client.get(path)
        assert answer.status == 422, answer.body.decode()
        return str(answer.json()["detail"])

    def rows(self, entity: type[Any]) -> Iterator[Any]:
        """Load every row as the ORM does, in the order of its key."""
        with Session(self.engine) as session:
            yield from session.scalars(sa.select(entity).order_by(*sa.inspect(entity).primary_key)).unique()


@contextmanager
def served(backend: Backend, *resources: Any, rows: Sequence[Any] = (), **options: Any) -> Iterator[Served]:
    """Create the tables of all resources, store rows, and serve them."""
    api = API(*resources, database=backend.url, **options)
    app = FastAPI(lifespan=api.lifespan, exception_handlers=dict(api.exception_handlers))
    app.include_router(api.router)
    engine = backend.engine()
    for metadata in api.metadata:
        metadata.create_all(engine)
    with Session(engine) as session:
        for row in rows:
            session.add(row)
            session.flush()
        session.commit()
    with serving(app) as client:
        yield Served(api, client, engine)


def load_chinook(backend: Backend) -> None:
    """Fill an empty database with Chinook as it is delivered for it."""
    if backend.name == "sqlite":
        shutil.copy(CHINOOK / "chinook.sqlite", sa.make_url(backend.url).database or "")
        return
    _, tables_and_rows = (CHINOOK / "chinook_postgresql.sql").read_text().split("\\c chinook;")
    with backend.engine().begin() as connection:
        cursor: Any = connection.connection.cursor()
        cursor.execute(tables_and_rows)
