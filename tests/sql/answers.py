"""The same question put to the API and to the ORM with Pydantic."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
from pydantic import BaseModel
from sqlmodel import Session, select
from sqlmodel.ext.asyncio.session import AsyncSession

from onetrip import API
from onetrip.http.routes import RouteTable, key_texts
from tests.support.databases import Backend

Result = TypeVar("Result")

QUIET = pytest.mark.filterwarnings("ignore:Dialect sqlite.* does .not. support Decimal:sqlalchemy.exc.SAWarning")
"""SQLAlchemy warns of every Decimal on SQLite."""


@dataclass
class Service:
    """An API over one database, on an event loop of its own."""

    backend: Backend
    api: API
    runner: asyncio.Runner

    @property
    def name(self) -> str:
        return self.backend.name

    def get(self, target: str) -> bytes:
        """Answer a read by the pipeline: its body."""
        path, _, query = target.partition("?")
        found = RouteTable(self.api.schema).find_raw(path.encode())
        assert found is not None, path
        endpoint = found.route.endpoint
        key = key_texts(endpoint, found.key)
        read = self.api.pipeline.read(endpoint, key, path.encode(), query.encode(), None)
        return self.runner.run(read).body

    def sql(self, *statements: Any) -> None:
        """Run statements as someone else would."""

        async def run() -> None:
            async with self.api.database.engine.begin() as connection:
                for statement in statements:
                    await connection.execute(sa.text(statement) if isinstance(statement, str) else statement)

        self.runner.run(run())

    def store(self, *rows: Any) -> None:
        """Store rows through the ORM, after all that there are of their tables are gone."""

        async def run() -> None:
            async with AsyncSession(self.api.database.engine) as session:
                for model in dict.fromkeys(type(row) for row in reversed(rows)):
                    await session.exec(sa.delete(model))
                for _, alike in groupby(rows, type):
                    session.add_all(alike)
                    await session.flush()
                await session.commit()

        self.runner.run(run())

    def rows(self, model: type[Any]) -> Sequence[Any]:
        """Read rows through the ORM, by key."""
        return self.ask(lambda session: session.exec(select(model).order_by(*sa.inspect(model).primary_key)).all())

    def ask(self, question: Callable[[Session], Result]) -> Result:
        """Ask something of the ORM, which may load lazily meanwhile."""

        async def run() -> Result:
            async with AsyncSession(self.api.database.engine) as session:
                return await session.run_sync(question)

        return self.runner.run(run())

    def shown(self, row: Any) -> bytes:
        """Write a row as Pydantic does, by the Read model of its resource."""
        model = self.api.schema.resources[self.name_of(type(row))].view.model
        shown: BaseModel = model.model_validate(row, from_attributes=True, by_name=True)
        return shown.model_dump_json(by_alias=True).encode()

    def name_of(self, model: type[Any]) -> str:
        """Answer the path segment of a table."""
        return next(name for name, found in self.api.schema.resources.items() if found.entity is model)

    def whole(self, model: type[Any], query: str = "") -> bytes:
        """Answer every row of a table by the API."""
        return self.get(f"/{self.name_of(model)}?limit=1000{query}")

    def expected(self, model: type[Any]) -> bytes:
        """Write every row of a table as Pydantic does."""
        return joined(self.shown(row) for row in self.rows(model))


def joined(objects: Iterable[bytes]) -> bytes:
    """Write a JSON array of objects."""
    return b"[%s]" % b",".join(objects)


Serve = Callable[..., tuple[Service, Service]]
"""Serves the same tables on SQLite and on PostgreSQL: the resources, `metadata=[…]`."""


@contextmanager
def serving(backend: Backend, *resources: Any, metadata: Sequence[sa.MetaData]) -> Iterator[Service]:
    """Create the tables in an empty database and serve them."""
    engine = backend.engine()
    for tables in metadata:
        tables.create_all(engine)
    engine.dispose()
    with asyncio.Runner() as runner:
        api = API(*resources, database=backend.url)
        try:
            yield Service(backend, api, runner)
        finally:
            runner.run(api.database.close())
