"""Engines that a user brings along write as well: the same specs, whatever the driver."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlalchemy import event
from sqlalchemy.ext.asyncio import create_async_engine

from tests.http import writing
from tests.http.client import Client, serving
from tests.http.specs.change import Change
from tests.http.test_changes import REACHING
from tests.support.databases import postgresql_backend, sqlite_backend

DRIVERS = {
    "sqlite+pysqlite": sa.create_engine, "sqlite+aiosqlite": create_async_engine,
    "postgresql+psycopg": sa.create_engine, "postgresql+psycopg (async)": create_async_engine,
    "postgresql+asyncpg": create_async_engine,
}  # fmt: skip


def _with_foreign_keys(engine: Any) -> None:
    """Do what everybody has to do who brings an engine of SQLite."""

    @event.listens_for(getattr(engine, "sync_engine", engine), "connect")
    def connected(connection: Any, _: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()


@pytest.fixture(scope="module", params=DRIVERS)
def own(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Client, writing.Contents]]:
    """The tables of the specs, served by an engine of a driver's own."""
    driver = request.param.removesuffix(" (async)")
    with ExitStack() as stack:
        if driver.startswith("sqlite"):
            backend = stack.enter_context(sqlite_backend(Path(tmp_path_factory.mktemp("own"))))
        else:
            backend = stack.enter_context(postgresql_backend(request.getfixturevalue("server")))
        engine: Any = DRIVERS[request.param](sa.make_url(backend.url).set(drivername=driver))
        if backend.name == "sqlite":
            _with_foreign_keys(engine)
        contents = writing.Contents(backend)
        api = writing.api(engine=engine)
        app = FastAPI(exception_handlers=dict(api.exception_handlers))
        app.include_router(api.router)
        client = stack.enter_context(serving(app))
        yield client, contents
        disposed = engine.dispose()
        if asyncio.iscoroutine(disposed):
            client.runner.run(disposed)


@pytest.mark.parametrize("spec", REACHING, ids=lambda spec: spec.name)
def test_every_engine_writes(own: tuple[Client, writing.Contents], spec: Change) -> None:
    """Answers and what is stored are as with the engines that are made here."""
    client, contents = own
    contents.reset()
    before = contents.read()
    spec.verify(spec.request(client))
    spec.verify_stored(before, contents.read())
