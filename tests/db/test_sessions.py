"""`api.session` and `api.sync_session` in endpoints that somebody writes by hand, on both databases."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import anyio.to_thread
import pytest
import sqlalchemy as sa
from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, Request, WebSocket
from fastapi.testclient import TestClient
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import registry
from sqlmodel import Field, Session, SQLModel, select
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from onetrip import API
from onetrip.errors import ConfigurationError
from onetrip.settings import Pool
from tests.db.serving import application, cancelled_by_anyio, cancelled_by_asyncio, serving, until
from tests.support.databases import Backend


class Base(SQLModel, registry=registry()):
    pass


class Tally(Base, table=True):
    id: int = Field(primary_key=True)
    count: int = 0
    next_id: int | None = Field(
        default=None, sa_column=sa.Column(sa.ForeignKey("tally.id", deferrable=True, initially="DEFERRED"))
    )


class TallyRead(SQLModel):
    id: int
    count: int


KINDS = ("async", "sync")


@pytest.fixture
def tallies(backend: Backend) -> Backend:
    backend.create(Base.metadata, Tally(id=1))
    return backend


def served(backend: Backend, **options: Any) -> tuple[API, FastAPI]:
    """An application whose endpoints exist twice, with an asynchronous and with a synchronous session."""
    api = API(Tally, database=backend.url, **options)
    app = application(api)
    Async, Sync = Annotated[AsyncSession, Depends(api.session)], Annotated[Session, Depends(api.sync_session)]

    @app.post("/async/tallies", status_code=201, response_model=TallyRead)
    async def create(tally: Tally, session: Async, fail: str = "") -> Tally:
        session.add(tally)
        await session.flush()
        _fail(fail)
        return tally

    @app.post("/sync/tallies", status_code=201, response_model=TallyRead)
    def create_sync(tally: Tally, session: Sync, fail: str = "") -> Tally:
        session.add(tally)
        session.flush()
        _fail(fail)
        return tally

    @app.post("/async/increment", response_model=TallyRead)
    async def increment(session: Async) -> Tally:
        tally = (await session.exec(select(Tally).where(Tally.id == 1).with_for_update())).one()
        tally.count += 1
        return tally

    @app.post("/sync/increment", response_model=TallyRead)
    def increment_sync(session: Sync) -> Tally:
        tally = session.exec(select(Tally).where(Tally.id == 1).with_for_update()).one()
        tally.count += 1
        return tally

    @app.post("/async/attempt", status_code=204)
    async def attempt(session: Async) -> None:
        session.add(Tally(id=2))
        await session.flush()
        with pytest.raises(sa.exc.IntegrityError):
            async with session.begin_nested():
                await session.exec(sa.insert(Tally).values(id=1, count=0))
        session.add(Tally(id=3))

    @app.post("/sync/attempt", status_code=204)
    def attempt_sync(session: Sync) -> None:
        session.add(Tally(id=2))
        session.flush()
        with pytest.raises(sa.exc.IntegrityError), session.begin_nested():
            session.exec(sa.insert(Tally).values(id=1, count=0))
        session.add(Tally(id=3))

    @app.get("/async/slow")
    async def slow(session: Async) -> int:
        found = (await session.exec(select(Tally.id))).all()
        await asyncio.sleep(0.5)
        return len(found)

    @app.get("/sync/slow")
    def slow_sync(session: Sync) -> int:
        found = session.exec(select(Tally.id)).all()
        time.sleep(0.5)
        return len(found)

    return api, app


def _fail(how: str) -> None:
    if how == "http":
        raise HTTPException(418)
    if how == "error":
        raise RuntimeError("an endpoint's own")


def stored(backend: Backend) -> list[tuple[int, int]]:
    engine = backend.engine()
    with engine.connect() as connection:
        found = connection.execute(sa.select(Tally.id, Tally.count).order_by(Tally.id)).all()
    engine.dispose()
    return [(row.id, row.count) for row in found]


class Looking:
    """Middleware that looks into the database at the moment at which an answer begins."""

    def __init__(self, app: ASGIApp, look: Callable[[], Any]) -> None:
        self.app, self.look = app, look
        self.seen: list[Any] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def looked(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.seen.append((message["status"], self.look()))
            await send(message)

        await self.app(scope, receive, looked)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("fail", "body", "status", "kept"),
    [
        ("", {"id": 2}, 201, [(1, 0), (2, 0)]),
        ("http", {"id": 2}, 418, [(1, 0)]),
        ("error", {"id": 2}, 500, [(1, 0)]),
        pytest.param("", {"id": 1}, 500, [(1, 0)], id="a unique violation at the flush"),
        pytest.param("", {"id": 2, "next_id": 99}, 500, [(1, 0)], id="a foreign key that fails at the commit"),
    ],
)
def test_the_answer_begins_when_its_fate_is_known(
    tallies: Backend, kind: str, fail: str, body: dict[str, int], status: int, kept: list[tuple[int, int]]
) -> None:
    """A 2xx begins after the commit; whatever fails, the commit itself included, is an error and leaves nothing."""
    _, app = served(tallies)
    looking = Looking(app, lambda: stored(tallies))
    with TestClient(looking, raise_server_exceptions=False) as client:
        answer = client.post(f"/{kind}/tallies", params={"fail": fail}, json=body)
        assert answer.status_code == status
        assert looking.seen == [(status, kept)]
        assert stored(tallies) == kept
        assert client.get("/tallies").status_code == 200


@pytest.mark.parametrize("kind", KINDS)
def test_a_savepoint_is_rolled_back_alone(tallies: Backend, kind: str) -> None:
    """What fails inside `begin_nested` is undone, what stands around it is kept, on SQLite too."""
    _, app = served(tallies)
    with TestClient(app) as client:
        assert client.post(f"/{kind}/attempt").status_code == 204
    assert stored(tallies) == [(1, 0), (2, 0), (3, 0)]


@pytest.mark.parametrize("kind", KINDS)
def test_no_update_is_lost(tallies: Backend, kind: str) -> None:
    """200 requests at once that read, add one and write end at 200, each with an answer of 200."""
    _, app = served(tallies, pool=Pool(timeout=20))

    async def main() -> list[int]:
        async with serving(app) as client:
            answers = await asyncio.gather(*(client.post(f"/{kind}/increment") for _ in range(200)))
            return [answer.status_code for answer in answers]

    assert asyncio.run(main()) == [200] * 200
    assert stored(tallies) == [(1, 200)]


def test_synchronous_endpoints_do_not_lock_one_another_out(tallies: Backend) -> None:
    """30 requests with 8 threads and 3 connections are all answered: a thread never waits for a connection."""
    _, app = served(tallies, pool=Pool(size=3, timeout=20))

    async def main() -> list[int]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = 8
        async with serving(app) as client:
            answers = await asyncio.gather(*(client.post("/sync/increment") for _ in range(30)))
            return [answer.status_code for answer in answers]

    assert asyncio.run(main()) == [200] * 30
    assert stored(tallies) == [(1, 30)]


@pytest.mark.parametrize("kind", KINDS)
def test_who_finds_no_connection_in_time_is_told_so(tallies: Backend, kind: str) -> None:
    """More sessions than connections: those that wait too long get a 503, and the pool is whole afterwards."""
    _, app = served(tallies, pool=Pool(size=3, timeout=0.1))

    async def main() -> list[int]:
        async with serving(app) as client:
            answers = await asyncio.gather(*(client.get(f"/{kind}/slow") for _ in range(6)))
            assert all(answer.headers.get("Retry-After") == "1" for answer in answers if answer.status_code == 503)
            for _ in range(3):
                assert (await client.post(f"/{kind}/increment")).status_code == 200
            return sorted(answer.status_code for answer in answers)

    assert asyncio.run(main()) == [200] * 3 + [503] * 3


@pytest.mark.parametrize("limited", [cancelled_by_asyncio, cancelled_by_anyio])
@pytest.mark.parametrize("kind", KINDS)
def test_sessions_of_requests_that_are_gone_are_closed(tallies: Backend, kind: str, limited: Any) -> None:
    """150 requests cancelled at any moment leave every connection in the pool, no lock, and nothing half-done."""
    api, app = served(tallies, pool=Pool(size=4))

    async def main() -> None:
        async def request(after: float) -> None:
            async with limited(after):
                await client.post(f"/{kind}/increment")

        async with serving(app) as client:
            for number in range(50):
                await asyncio.gather(*(request(0.001 * (number % 10)) for _ in range(3)))
            answers = await asyncio.gather(*(client.post(f"/{kind}/increment") for _ in range(8)))
            assert [answer.status_code for answer in answers] == [200] * 8
            engine = api.database.engine if kind == "async" else api.database.sync_engine
            await until(lambda: engine.pool.checkedout() == 0)  # type: ignore[attr-defined]
            counts = sorted(answer.json()["count"] for answer in answers)
            assert counts == list(range(counts[0], counts[0] + 8))
            assert stored(tallies) == [(1, counts[-1])]

    asyncio.run(main())


def test_what_was_read_can_be_used_after_the_commit(tallies: Backend) -> None:
    """Nothing expires at the commit: an object is whole when the session is closed."""
    api = API(Tally, database=tallies.url)
    app, kept = FastAPI(), []

    @app.post("/")
    async def keep(session: Annotated[AsyncSession, Depends(api.session)]) -> None:
        kept.append(await session.get(Tally, 1))

    TestClient(app).post("/")
    assert (kept[0].id, kept[0].count) == (1, 0)


def test_a_session_that_is_used_too_late_says_so(tallies: Backend) -> None:
    """A background task runs after the commit: its write would be lost in silence, so it raises instead."""
    api = API(Tally, database=tallies.url)
    app = FastAPI()

    @app.post("/")
    async def later(session: Annotated[AsyncSession, Depends(api.session)], tasks: BackgroundTasks) -> None:
        async def write() -> None:
            session.add(Tally(id=2))
            await session.commit()

        tasks.add_task(write)

    with pytest.raises(InvalidRequestError, match="permanently closed"):
        TestClient(app).post("/")


def test_one_request_has_one_session(tallies: Backend) -> None:
    """Dependencies of one request that ask for a session get the same, and its writes stand together."""
    api = API(Tally, database=tallies.url)
    app = FastAPI()
    Async = Annotated[AsyncSession, Depends(api.session)]

    async def writer(session: Async) -> AsyncSession:
        session.add(Tally(id=2))
        return session

    @app.post("/")
    async def both(session: Async, other: Annotated[AsyncSession, Depends(writer)]) -> bool:
        return session is other

    assert TestClient(app).post("/").json() is True
    assert stored(tallies) == [(1, 0), (2, 0)]


@pytest.mark.parametrize("kind", KINDS)
def test_tests_may_put_a_session_of_their_own_in_its_place(tallies: Backend, kind: str) -> None:
    """`dependency_overrides[api.session]` works, as with any dependency."""
    api, app = served(tallies)
    engine = tallies.engine()

    class Borrowed:
        """An asynchronous face of a synchronous session."""

        def __init__(self, session: Session) -> None:
            self.session = session

        async def exec(self, statement: Any) -> Any:
            return self.session.exec(statement)

    async def override() -> AsyncIterator[Any]:
        with Session(engine) as session:
            yield session if kind == "sync" else Borrowed(session)  # which nobody commits

    app.dependency_overrides[api.session if kind == "async" else api.sync_session] = override
    with TestClient(app) as client:
        assert client.post(f"/{kind}/increment").json() == {"id": 1, "count": 1}
    assert stored(tallies) == [(1, 0)]


def test_a_websocket_has_a_session_too(tallies: Backend) -> None:
    """It lives as long as the socket does, and commits when it is told to."""
    api, app = served(tallies)

    @app.websocket("/ws")
    async def socket(websocket: WebSocket, session: Annotated[AsyncSession, Depends(api.session)]) -> None:
        await websocket.accept()
        tally = await session.get(Tally, 1)
        assert tally is not None
        for _ in range(2):
            tally.count += int(await websocket.receive_text())
            await session.commit()
            await websocket.send_text(str(tally.count))

    with TestClient(app) as client, client.websocket_connect("/ws") as websocket:
        websocket.send_text("5")
        assert websocket.receive_text() == "5"
        assert stored(tallies) == [(1, 5)]
        websocket.send_text("5")
        assert websocket.receive_text() == "10"
    assert stored(tallies) == [(1, 10)]


def test_a_read_does_not_begin_as_a_writer(tallies: Backend) -> None:
    """While one request writes, another reads: only unsafe methods take SQLite's write lock."""
    _, app = served(tallies)

    async def main() -> None:
        async with serving(app) as client:
            reading = asyncio.create_task(client.get("/async/slow"))
            await asyncio.sleep(0.1)
            assert (await client.post("/async/increment")).json()["count"] == 1
            assert not reading.done()
            assert (await reading).json() == 1

    asyncio.run(main())


@pytest.mark.parametrize("kind", KINDS)
def test_outside_of_an_endpoint_it_says_how_it_is_used(tallies: Backend, kind: str) -> None:
    """Called by hand it is an error that names the remedy."""
    api = API(Tally, database=tallies.url)
    call = api.session if kind == "async" else api.sync_session
    with pytest.raises(ConfigurationError, match=r"use it as Depends\(api"):
        asyncio.run(call(Request({"type": "http"})))  # type: ignore[arg-type]
