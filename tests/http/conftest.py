"""The world of the specs, served once from each database."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import FastAPI

from onetrip import API
from tests.http import world, writing
from tests.http.client import Client, serving
from tests.support import blog
from tests.support.databases import Backend, shared_backend, sqlite_backend


@dataclass(frozen=True)
class Served:
    """An application that serves the world from one database."""

    client: Client
    api: API
    backend: Backend


@contextmanager
def _served(name: str, request: pytest.FixtureRequest, factory: pytest.TempPathFactory) -> Iterator[Served]:
    with ExitStack() as stack:
        backend = stack.enter_context(shared_backend(name, request, factory))
        world.fill(backend)
        api = world.api(backend.url)
        app = FastAPI(exception_handlers=api.exception_handlers)
        app.include_router(api.router)
        client = stack.enter_context(serving(app))
        client.get(
            "/samples?color=red"
        )  # what a new connection asks, and what an Enum's type is, belongs to no request
        yield Served(client, api, backend)


@pytest.fixture(scope="session")
def on_sqlite(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The world, served from SQLite for the whole run."""
    with _served("sqlite", request, tmp_path_factory) as served:
        yield served


@pytest.fixture(scope="session")
def on_postgresql(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The world, served from PostgreSQL for the whole run."""
    with _served("postgresql", request, tmp_path_factory) as served:
        yield served


@pytest.fixture(params=["on_sqlite", "on_postgresql"], ids=["sqlite", "postgresql"])
def served(request: pytest.FixtureRequest) -> Any:
    """The world, served from SQLite, then from PostgreSQL."""
    return request.getfixturevalue(request.param)


@dataclass(frozen=True)
class Written(Served):
    """An application that serves the tables of `writing` from one database, and what is in there."""

    contents: writing.Contents


@contextmanager
def _written(name: str, request: pytest.FixtureRequest, factory: pytest.TempPathFactory) -> Iterator[Written]:
    with ExitStack() as stack:
        backend = stack.enter_context(shared_backend(name, request, factory))
        contents = writing.Contents(backend)
        contents.reset()
        api = writing.api(backend.url)
        app = FastAPI(exception_handlers=api.exception_handlers)
        app.include_router(api.router)
        client = stack.enter_context(serving(app))
        for table in writing.TABLES:  # what a connection asks once of the types of a table belongs to no request
            name = next(each for each, found in api.schema.resources.items() if found.entity is table)
            client.send("POST", f"/{name}", [writing.body_of(table)] * 2)
            client.send("PATCH", f"/{name}/0", writing.body_of(table))
        yield Written(client, api, backend, contents)


@pytest.fixture(scope="session")
def written_on_sqlite(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Written]:
    """Tables that may be changed, served from SQLite for the whole run."""
    with _written("sqlite", request, tmp_path_factory) as written:
        yield written


@pytest.fixture(scope="session")
def written_on_postgresql(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Written]:
    """Tables that may be changed, served from PostgreSQL for the whole run."""
    with _written("postgresql", request, tmp_path_factory) as written:
        yield written


@pytest.fixture(params=["written_on_sqlite", "written_on_postgresql"], ids=["sqlite", "postgresql"])
def written(request: pytest.FixtureRequest) -> Any:
    """Tables that may be changed, as they are at first, served from SQLite, then from PostgreSQL."""
    found: Written = request.getfixturevalue(request.param)
    found.contents.reset()
    return found


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """The blog in SQLite, for tests of applications, which write nothing."""
    with sqlite_backend(tmp_path_factory.mktemp("blog")) as backend:
        backend.create(blog.metadata, *blog.rows())
        yield backend


@pytest.fixture
def api(stored: Backend) -> API:
    """An API of the blog, which no application includes yet."""
    return API(blog.User, blog.Post, blog.Comment, database=stored.url, read_only=True)
