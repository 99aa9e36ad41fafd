"""A run's database is an exact copy before each test; clients start the application; statements are counted."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi import Depends, FastAPI, Request
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import Field, Session, select
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.testclient import TestClient

import pytest_onetrip
from onetrip import API, Change, ConfigurationError, Resource
from onetrip.db.url import async_url, parse_url
from onetrip.testing import AsyncClient, counting
from onetrip.testing.run import PostgreSQLRun, Run, SQLiteRun
from onetrip.testing.served import create_tables, pipelines_of, refuse_other_databases
from tests.schema.serving import base
from tests.support.databases import Server

Base = base()


class Item(Base, table=True):  # type: ignore[misc, valid-type]
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)


class Note(Base, table=True):  # type: ignore[misc, valid-type]
    id: int | None = Field(default=None, primary_key=True)
    text: str


async def remember(change: Change) -> None:
    change.session.add(Item(name=change.values["text"]))


@pytest.fixture(params=["sqlite", "postgresql"])
def run(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """A run of a project, on a server that is there."""
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("server")
        monkeypatch.setenv("ONETRIP_TEST_DATABASE_URL", server.url())
    run = Run.begin(request.param, tmp_path)
    yield run
    run.end()


def application(url: str, ends: list[str] | None = None) -> tuple[API, FastAPI]:
    api = API(Item, Resource(Note, before_create=remember), database=url)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, str]]:
        yield {"greeting": "hello"}
        if ends is not None:
            ends.append("ended")

    app = FastAPI(lifespan=lifespan, exception_handlers=dict(api.exception_handlers))
    app.include_router(api.router)

    @app.get("/greeting")
    def greeting(request: Request) -> str:
        return str(request.state.greeting)

    @app.get("/both")
    async def both(session: AsyncSession = Depends(api.session)) -> int:
        return len([*(await session.exec(select(Item))), *(await session.exec(select(Note)))])

    return api, app


def test_each_test_begins_with_the_same(run: Run) -> None:
    """Rows, keys that were given, and tables are as they were; what the template held is there."""
    _, app = application(run.url)
    pipelines, made = pipelines_of(app), []
    refuse_other_databases(pipelines, run.url)

    def create(connection: sa.Connection) -> None:
        made.append(1)
        create_tables(connection, pipelines)
        connection.execute(sa.insert(Item.__table__).values(name="always there"))

    for _ in range(2):
        run.renew(create)
        with TestClient(app) as client:
            assert client.get("/items").json() == [{"id": 1, "name": "always there"}]
            assert client.post("/notes", json={"text": "by a hook"}).json()["id"] == 1
            assert [item["name"] for item in client.get("/items?sort=id").json()] == ["always there", "by a hook"]
            assert client.post("/items", json={"name": "by a hook"}).status_code == 409
    assert made == [1]
    run.renew(create)

    async def at_once() -> list[int]:
        """Several requests at the same time, of which each commits."""
        client = AsyncClient(app)
        answers = await asyncio.gather(*(client.post("/items", json={"name": f"{n}"}) for n in range(8)))
        assert [answer.status_code for answer in answers] == [201] * 8
        return sorted(answer.json()["id"] for answer in answers)

    assert asyncio.run(at_once()) == [2, 3, 4, 5, 6, 7, 8, 9]
    with pytest.raises(ConfigurationError, match=r"^The application uses .*, and tests sqlite: let API"):
        refuse_other_databases(pipelines, "sqlite:///other.db")


def test_a_transaction_that_was_left_open_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next test does not wait for ever."""
    monkeypatch.setattr("onetrip.testing.run._PATIENCE", 0.05)
    run = SQLiteRun(tmp_path)
    run.renew(Base.metadata.create_all)  # type: ignore[attr-defined]
    engine = sa.create_engine(run.url)
    with Session(engine) as session:
        session.add(Item(name="held"))
        session.flush()
        with pytest.raises(ConfigurationError, match=r"^A test left a transaction open"):
            run.renew(Base.metadata.create_all)  # type: ignore[attr-defined]
    engine.dispose()
    run.end()


def test_workers_find_the_server_of_their_run(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has a database of its own there."""
    monkeypatch.setenv("ONETRIP_TEST_DATABASE_URL", server.url())
    controller = Run.begin(None, tmp_path)
    assert isinstance(controller, PostgreSQLRun)
    for name, value in controller.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("ONETRIP_TEST_DATABASE_URL")
    worker = Run.begin("postgresql", tmp_path)
    first, second = parse_url(controller.url), parse_url(worker.url)
    assert (first.database != second.database, first.query) == (True, second.query)
    worker.end()
    controller.end()


def test_a_server_is_one_of_postgresql(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Another URL is refused before anything is imported."""
    monkeypatch.setenv("ONETRIP_TEST_DATABASE_URL", "sqlite:///app.db")
    with pytest.raises(ConfigurationError, match=r"^ONETRIP_TEST_DATABASE_URL names a PostgreSQL server"):
        Run.begin(None, tmp_path)


def test_the_application_starts_with_the_first_request(run: Run) -> None:
    """What its lifespan yields is there; it ends in order, with the loop or before; headers are a user."""
    ends: list[str] = []
    _, app = application(run.url, ends)

    async def ask(client: AsyncClient) -> str:
        await client.get("/greeting")
        user = client.with_headers({"X-User": "ada"})
        assert (user.headers["X-User"], user.lifespan, "X-User" in client.headers) == ("ada", client.lifespan, False)
        return str((await user.get("/greeting")).json())

    assert asyncio.run(ask(AsyncClient(app))) == "hello"
    assert ends == ["ended"]
    with asyncio.Runner() as runner:
        client = AsyncClient(app)
        assert runner.run(ask(client)) == "hello"
        client.lifespan.end()
        assert ends == ["ended", "ended"]
        client.lifespan.end()

    @asynccontextmanager
    async def broken(_: FastAPI) -> AsyncIterator[None]:
        raise ValueError("no cache")
        yield

    with pytest.raises(ValueError, match="no cache"):
        asyncio.run(ask(AsyncClient(FastAPI(lifespan=broken))))

    async def bare(scope: object, receive: object, send: object) -> None:
        raise NotImplementedError

    with pytest.raises(NotImplementedError):
        asyncio.run(ask(AsyncClient(bare)))


def test_statements_are_counted(run: Run) -> None:
    """Of requests and sessions, in any thread; more and fewer fail, and are listed."""
    _, app = application(run.url)
    run.renew(lambda connection: create_tables(connection, pipelines_of(app)))
    with TestClient(app) as client:
        for number, ask in (
            (1, lambda: client.get("/items")),
            (1, lambda: client.post("/items", json={"name": "a"})),
            (1, lambda: client.get("/items", headers={"Accept": "application/x-ndjson"})),
            (2, lambda: client.get("/both")),
            (3, lambda: client.post("/notes", json={"text": "by a hook"})),  # with the hook's, and the row read back
            (0, lambda: client.get("/items/none")),
        ):
            with counting.assert_statements(number):
                assert ask().status_code < 500
        listed = r"(?s)^1 statement expected, 2 sent:\n1\. SELECT .*\n2\. SELECT "
        with pytest.raises(AssertionError, match=listed), counting.assert_statements(1):
            client.get("/both")
        nothing = r"^1 statement expected, 0 sent: none$"
        with pytest.raises(AssertionError, match=nothing), counting.assert_statements(1):
            pass
        run.renew(lambda connection: None)
        with counting.assert_statements(0):  # what makes rows and databases is not the application
            run.renew(lambda connection: None)
        with pytest.raises(KeyError), counting.assert_statements(1):
            raise KeyError  # the block's own error is the one that is seen


def test_an_engine_of_the_user_counts_once(run: Run) -> None:
    """Generated requests go through it, as sessions do."""
    engine = create_async_engine(async_url(parse_url(run.url)))
    api = API(Item, engine=engine)
    app = FastAPI()
    app.include_router(api.router)
    run.renew(lambda connection: create_tables(connection, pipelines_of(app)))

    async def ask() -> None:
        client = AsyncClient(app)
        if engine.dialect.driver == "asyncpg":
            pytest.skip("connections of asyncpg are held beside the engine")
        with counting.assert_statements(1):
            await client.get("/items")
        await engine.dispose()

    asyncio.run(ask())


def test_both_databases_are_two_runs(monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config) -> None:
    """One process each, with the coverage of both; the worse exit code is the answer."""
    called: list[list[str]] = []

    class Done:
        returncode = 0

    def ran(command: list[str], **_: object) -> Done:
        called.append(command[3:])
        done = Done()
        done.returncode = 1 if "--onetrip-database=sqlite" in command else 0
        return done

    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    monkeypatch.setattr(pytest_onetrip.subprocess, "run", ran)
    assert pytest_onetrip.pytest_cmdline_main(pytestconfig) is None
    monkeypatch.setattr(pytestconfig.option, "onetrip_database", "both")
    given = pytest.Config.InvocationParams(args=("-q", "--cov"), plugins=None, dir=Path.cwd())
    monkeypatch.setattr(pytestconfig, "invocation_params", given)
    assert pytest_onetrip.pytest_cmdline_main(pytestconfig) == 1
    assert called == [
        ["-q", "--cov", "--onetrip-database=sqlite"],
        ["-q", "--cov", "--onetrip-database=postgresql", "--cov-append"],
    ]
