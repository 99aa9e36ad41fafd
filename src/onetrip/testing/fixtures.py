"""The fixtures, which the plugin registers in projects that use them. A fixture of the same name in a project wins."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from sqlmodel import Session
from starlette.testclient import TestClient

from onetrip.cli.configuration import choose_target, read_settings
from onetrip.cli.load import load
from onetrip.http.pipeline import Pipeline
from onetrip.testing import counting
from onetrip.testing.clients import AsyncClient
from onetrip.testing.contract import Contract
from onetrip.testing.factory import Factory
from onetrip.testing.run import Create, Run
from onetrip.testing.served import create_tables, pipelines_of, refuse_other_databases

RUN: pytest.StashKey[Run] = pytest.StashKey()

Headers = Callable[[Any], Mapping[str, str]]
"""Says which headers make a request that of some user."""


@pytest.fixture(scope="session")
def app(pytestconfig: pytest.Config) -> Any:
    """The application: that of `[tool.onetrip] app` in pyproject.toml, as `onetrip serve` finds it."""
    with contextlib.chdir(pytestconfig.rootpath):
        _, target = choose_target(None, read_settings())
        return load(target, lambda stage, done, total: None).app


@pytest.fixture
def onetrip_schema(app: Any) -> Create:
    """What makes the tables in an empty database: those of the models. Your own may run migrations instead."""
    return lambda connection: create_tables(connection, pipelines_of(app))


@pytest.fixture
def onetrip_database(app: Any, onetrip_schema: Create, pytestconfig: pytest.Config) -> Iterator[str]:
    """The URL of the database, which holds what `onetrip_schema` made and nothing else."""
    run, pipelines = pytestconfig.stash[RUN], pipelines_of(app)
    refuse_other_databases(pipelines, run.url)
    run.renew(onetrip_schema)
    yield run.url
    for pipeline in pipelines:
        _close(pipeline)


def _close(pipeline: Pipeline) -> None:
    """Close what loops have open that are still there; one that ended has closed it."""
    for loop in list(pipeline.database._open):
        if not (loop.is_closed() or loop.is_running()):
            loop.run_until_complete(pipeline.database.close())
    pipeline.database._close_sync()


@pytest.fixture
def client(app: Any, onetrip_database: str) -> Iterator[TestClient]:
    """A synchronous client, which has started the application."""
    with TestClient(app) as made:
        yield made


@pytest.fixture
def api_client(app: Any, onetrip_database: str) -> Iterator[AsyncClient]:
    """An asynchronous client; the application starts with its first request."""
    made = AsyncClient(app)
    yield made
    made.lifespan.end()


@pytest.fixture
def authenticate() -> Headers:
    """Which headers make a request that of some user: for you to say, in a fixture of this name."""

    def missing(user: Any) -> Mapping[str, str]:
        pytest.fail(
            "as_user(…) needs a fixture 'authenticate' that answers a function from a user to headers, as in"
            " lambda user: {'Authorization': f'Bearer {token(user)}'}.",
            pytrace=False,
        )

    return missing


@pytest.fixture
def as_user(api_client: AsyncClient, authenticate: Headers) -> Callable[[Any], AsyncClient]:
    """`as_user(ada)` is `api_client` as that user, by the headers that the fixture `authenticate` says."""
    return lambda user: api_client.with_headers(dict(authenticate(user)))


@pytest.fixture
def factory(app: Any, onetrip_database: str, pytestconfig: pytest.Config) -> Iterator[Factory]:
    """Makes rows: `factory.make(Post, title="…")`."""
    resources = [each for pipeline in pipelines_of(app) for each in pipeline.schema.resources.values()]
    with Session(pytestconfig.stash[RUN].engine, expire_on_commit=False) as session:
        yield Factory(session, resources)


@pytest.fixture
def contract(app: Any, request: pytest.FixtureRequest) -> Contract:
    """The OpenAPI document, and `contract.json` beside the test: `contract.check()` compares them."""
    update = request.config.getoption("onetrip_update_contract")
    return Contract(app.openapi(), request.path.parent / "contract.json", update=update)


@pytest.fixture
def assert_statements() -> counting.AssertStatements:
    """`with assert_statements(1): …`, which fails when the block sends more statements, or fewer."""
    return counting.assert_statements
