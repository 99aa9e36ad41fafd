"""`api.transaction` and `api.run_in_transaction`, and that no commit that failed looks like one that did not."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from typing import Annotated, Any

import httpx2
import pytest
import sqlalchemy as sa
from fastapi import Depends, FastAPI
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, IntegrityError, InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import registry
from sqlmodel import Field, Session, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from onetrip import API
from onetrip.errors import ConfigurationError, Conflict
from onetrip.settings import Pool
from tests.db.serving import application, cancelled_by_asyncio, server_of, serving, watching
from tests.support.databases import Backend


class Base(SQLModel, registry=registry()):
    pass


class Account(Base, table=True):
    id: int = Field(primary_key=True)
    balance: int = 0
    next_id: int | None = Field(
        default=None, sa_column=sa.Column(sa.ForeignKey("account.id", deferrable=True, initially="DEFERRED"))
    )


ISOLATIONS = (None, "read committed", "repeatable read", "serializable")


@pytest.fixture
def accounts(backend: Backend) -> Backend:
    backend.create(Base.metadata, Account(id=1), Account(id=2))
    return backend


def stored(backend: Backend) -> list[tuple[int, int]]:
    engine = backend.engine()
    with engine.connect() as connection:
        found = connection.execute(sa.select(Account.id, Account.balance).order_by(Account.id)).all()
    engine.dispose()
    return [(row.id, row.balance) for row in found]


def running(backend: Backend, main: Callable[[API], Awaitable[Any]], **options: Any) -> Any:
    """Run a script on an API, as one without an application would."""

    async def script() -> Any:
        api = API(Account, **({"database": backend.url} | options))
        async with api.lifespan():
            return await main(api)

    return asyncio.run(script())


async def add(session: AsyncSession, id: int, amount: int = 1) -> int:
    account = await session.get(Account, id)
    assert account is not None
    account.balance += amount
    await session.flush()
    return account.balance


# --- the block


def test_a_block_is_one_transaction(accounts: Backend) -> None:
    """It is stored when the block ends, and not when an exception leaves it; objects can be used afterwards."""

    async def main(api: API) -> None:
        async with api.transaction() as session:
            await add(session, 1)
            account = await session.get(Account, 1)
            assert stored(accounts) == [(1, 0), (2, 0)]
        assert account is not None
        assert account.balance == 1
        assert stored(accounts) == [(1, 1), (2, 0)]
        with pytest.raises(RuntimeError, match="own"):
            async with api.transaction() as session:
                await add(session, 1)
                raise RuntimeError("an endpoint's own")
        assert stored(accounts) == [(1, 1), (2, 0)]
        assert await api.run_in_transaction(lambda session: add(session, 2, 5)) == 5

    running(accounts, main)
    assert stored(accounts) == [(1, 1), (2, 5)]


def test_it_works_while_an_application_starts(accounts: Backend) -> None:
    """Inside a lifespan, before the first request."""
    api = API(Account, database=accounts.url)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with api.lifespan(app), api.transaction() as session:
            session.add(Account(id=3))
        yield

    app = FastAPI(lifespan=lifespan)
    app.include_router(api.router)

    async def main() -> int:
        async with serving(app) as client:
            return len((await client.get("/accounts")).json())

    assert asyncio.run(main()) == 3


def test_savepoints_nest(accounts: Backend) -> None:
    """What fails inside `begin_nested` is undone alone, at any depth."""

    async def main(api: API) -> None:
        async with api.transaction() as session:
            await add(session, 1)
            with pytest.raises(IntegrityError):
                async with session.begin_nested():
                    await add(session, 1, 10)
                    async with session.begin_nested():
                        await add(session, 2, 100)
                    await session.exec(sa.insert(Account).values(id=1))
            async with session.begin_nested():
                await add(session, 2)

    running(accounts, main)
    assert stored(accounts) == [(1, 1), (2, 1)]


def test_a_block_that_has_ended_its_transaction_begins_no_other(accounts: Backend) -> None:
    """A commit or a rollback inside ends the block's work: what came after it would not be one with it."""

    async def main(api: API) -> None:
        async with api.transaction() as session:
            await add(session, 1)
            await session.rollback()
        async with api.transaction() as session:
            await add(session, 2)
            await session.commit()
            with pytest.raises(InvalidRequestError, match="closed transaction"):
                await add(session, 2)

    running(accounts, main)
    assert stored(accounts) == [(1, 0), (2, 1)]


# --- what is asked for


@pytest.mark.parametrize("isolation", ISOLATIONS)
@pytest.mark.parametrize("read_only", [True, False])
def test_isolation_is_what_was_asked_for(accounts: Backend, isolation: Any, read_only: bool) -> None:
    """PostgreSQL says so itself; SQLite takes every level, and has the highest."""

    async def main(api: API) -> Any:
        async with api.transaction(isolation=isolation, read_only=read_only) as session:
            if accounts.name == "sqlite":
                return await session.get(Account, 1)
            names = ("transaction_isolation", "transaction_read_only")
            return [(await session.exec(sa.text(f"SHOW {name}"))).scalar_one() for name in names]  # type: ignore[call-overload]

    found = running(accounts, main)
    if accounts.name == "postgresql":
        assert found == [isolation or "read committed", "on" if read_only else "off"]


def test_an_isolation_level_that_does_not_exist(accounts: Backend) -> None:
    """It is refused on both databases, with those that do."""

    async def main(api: API) -> None:
        async with api.transaction(isolation="snapshot"):  # type: ignore[arg-type]
            pass

    with pytest.raises(ConfigurationError, match="'repeatable read'"):
        running(accounts, main)


def test_who_only_reads_cannot_write(accounts: Backend) -> None:
    """A write in a read-only transaction is refused as the mistake it is; the next transaction writes as ever."""

    async def main(api: API) -> None:
        for write in (sa.insert(Account).values(id=3), sa.update(Account).values(balance=9), sa.delete(Account)):
            with pytest.raises(DBAPIError, match=r"readonly|read-only"):
                async with api.transaction(read_only=True) as session:
                    await session.exec(write)
            async with api.transaction() as session:
                await add(session, 1)
        for _ in range(10):  # cancelled while it is at it
            async with cancelled_by_asyncio(0.01), api.transaction(read_only=True) as session:
                await session.get(Account, 1)
                await asyncio.sleep(1)
            async with api.transaction() as session:
                await add(session, 1)
        async with api.transaction(read_only=True) as session:
            await session.commit()  # gives the connection back
        async with api.transaction() as session:
            await add(session, 1)

    running(accounts, main)
    assert stored(accounts) == [(1, 14), (2, 0)]


def test_who_only_reads_does_not_wait_for_who_writes(accounts: Backend) -> None:
    """On SQLite a read-only transaction takes no lock, so it runs beside a writer."""

    async def main(api: API) -> None:
        async with api.transaction() as writer:
            await add(writer, 1)
            async with api.transaction(read_only=True) as reader:
                account = await reader.get(Account, 1)
                assert account is not None
                assert account.balance == 0

    running(accounts, main)


def test_asking_costs_no_statement(postgres: Backend) -> None:
    """Isolation and read-only travel in BEGIN itself."""
    postgres.create(Base.metadata, Account(id=1))
    server = server_of(postgres)

    async def main(api: API) -> list[list[str]]:
        seen = []
        for options in ({}, {}, {"isolation": "serializable", "read_only": True}, {}):
            start = server.log_size()
            async with api.transaction(**options) as session:
                await session.get(Account, 1)
            seen.append([text for text in server.statements(start) if not text.startswith("SELECT")])
        return seen[1:]

    alive = ["BEGIN;", "ROLLBACK;"]  # what the pool asks of a connection that it gives out
    assert running(postgres, main) == [
        [*alive, "BEGIN;", "COMMIT;"],
        [*alive, "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY;", "COMMIT;"],
        [*alive, "BEGIN ISOLATION LEVEL READ COMMITTED;", "COMMIT;"],
    ]


# --- others


def deferred(backend: Backend) -> AsyncEngine:
    """An engine of a user's own, whose transactions on SQLite begin as readers, so that they may lose a race."""
    drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
    engine = create_async_engine(sa.make_url(backend.url).set(drivername=drivers[backend.name]))
    if backend.name == "sqlite":

        @event.listens_for(engine.sync_engine, "connect")
        def connected(connection: Any, _: Any) -> None:
            connection.isolation_level = None
            connection.execute("PRAGMA journal_mode = WAL")

        @event.listens_for(engine.sync_engine, "begin")
        def begun(connection: Any) -> None:
            connection.exec_driver_sql("BEGIN")

    return engine


def test_an_engine_of_a_users_own_is_watched_too(accounts: Backend) -> None:
    """Read-only refuses and is taken back, and a commit that is none is said, without a hand on other users of it."""

    async def main() -> None:
        engine = deferred(accounts)
        api = API(Account, engine=engine)
        try:
            with pytest.raises(DBAPIError, match=r"readonly|read-only"):
                async with api.transaction(read_only=True) as session:
                    await session.exec(sa.insert(Account).values(id=3))
            async with engine.begin() as connection:
                await connection.execute(sa.update(Account).values(balance=5))
            with pytest.raises(DBAPIError, match="aborted") if accounts.name == "postgresql" else nullcontext():
                async with api.transaction() as session:
                    await _swallowed(session, accounts)
        finally:
            await engine.dispose()

    asyncio.run(main())
    assert stored(accounts) == [(1, 5), (2, 5), (3, 0)][: 2 if accounts.name == "postgresql" else 3]


class Race:
    """Work that is overtaken by another transaction in its first so many runs."""

    def __init__(self, backend: Backend, times: int) -> None:
        self.backend = backend
        self.times = times
        self.runs = 0

    async def __call__(self, session: AsyncSession) -> int:
        self.runs += 1
        account = await session.get(Account, 1)
        assert account is not None
        if self.runs <= self.times:
            engine = self.backend.engine()
            with Session(engine) as other:
                other.execute(sa.update(Account).where(Account.id == 1).values(balance=Account.balance + 10))
                other.commit()
            engine.dispose()
        account.balance += 1
        return account.balance


async def race(backend: Backend, race: Race, **options: Any) -> Any:
    engine = deferred(backend)
    try:
        api = API(Account, engine=engine)
        return await api.run_in_transaction(race, isolation="repeatable read", **options)
    finally:
        await engine.dispose()


@pytest.mark.parametrize("times", [0, 1, 3])
def test_work_that_was_overtaken_runs_again(accounts: Backend, times: int) -> None:
    """In a new transaction, which sees what the others did; nothing is lost, nothing done twice."""
    work = Race(accounts, times)
    assert asyncio.run(race(accounts, work)) == 10 * times + 1
    assert work.runs == times + 1
    assert stored(accounts) == [(1, 10 * times + 1), (2, 0)]


@pytest.mark.parametrize("retries", [0, 3])
def test_work_that_is_always_overtaken_ends_as_a_conflict(accounts: Backend, retries: int) -> None:
    """After the last repetition it is a 409, and nothing of it is stored."""
    work = Race(accounts, 99)
    with pytest.raises(Conflict, match="Nothing was changed"):
        asyncio.run(race(accounts, work, retries=retries))
    assert work.runs == retries + 1
    assert stored(accounts) == [(1, 10 * work.runs), (2, 0)]


def test_other_errors_are_not_repeated(accounts: Backend) -> None:
    """What would fail again fails once."""
    runs = []

    async def work(session: AsyncSession) -> None:
        runs.append(1)
        await session.exec(sa.insert(Account).values(id=1))

    with pytest.raises(IntegrityError):
        running(accounts, lambda api: api.run_in_transaction(work))
    assert len(runs) == 1


def test_a_deadlock_is_resolved(accounts: Backend) -> None:
    """Two that lock two rows crosswise are both stored in the end; on SQLite one waits for the other."""
    runs = []

    async def main(api: API) -> None:
        met = asyncio.Barrier(2)

        def crossing(first: int, second: int) -> Callable[[AsyncSession], Awaitable[None]]:
            async def work(session: AsyncSession) -> None:
                runs.append(first)
                if accounts.name == "postgresql":
                    await session.exec(sa.text("SET LOCAL deadlock_timeout = '20ms'"))  # type: ignore[call-overload]
                await session.exec(sa.update(Account).where(Account.id == first).values(balance=Account.balance + 1))
                if len(runs) <= 2 and accounts.name == "postgresql":
                    await met.wait()
                await session.exec(sa.update(Account).where(Account.id == second).values(balance=Account.balance + 1))

            return work

        await asyncio.gather(api.run_in_transaction(crossing(1, 2)), api.run_in_transaction(crossing(2, 1)))

    running(accounts, main)
    assert stored(accounts) == [(1, 2), (2, 2)]
    assert len(runs) == (3 if accounts.name == "postgresql" else 2)


def test_many_at_once_lose_nothing(accounts: Backend) -> None:
    """40 transactions that read, add one and write, serializable: the sum is the number of those that succeeded."""

    async def main(api: API) -> int:
        work = [api.run_in_transaction(lambda session: add(session, 1), isolation="serializable") for _ in range(40)]
        outcomes = await asyncio.gather(*work, return_exceptions=True)
        failed = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        assert all(isinstance(error, Conflict) for error in failed), failed
        return len(outcomes) - len(failed)

    succeeded = running(accounts, main, pool=Pool(timeout=30))
    assert stored(accounts)[0] == (1, succeeded)
    assert succeeded > 0


# --- commits that fail


async def _deferred_constraint(session: Any, backend: Backend) -> None:
    session.add(Account(id=3, next_id=99))


async def _swallowed(session: Any, backend: Backend) -> None:
    """A statement fails, and the endpoint goes on as if it had not: PostgreSQL answers its COMMIT by a ROLLBACK."""
    await _maybe(session.exec(sa.insert(Account).values(id=3)))
    with pytest.raises(IntegrityError):
        await _maybe(session.exec(sa.insert(Account).values(id=1)))


async def _swallowed_flush(session: Any, backend: Backend) -> None:
    await _maybe(session.exec(sa.insert(Account).values(id=3)))
    session.add(Account(id=1))
    with pytest.raises(IntegrityError):
        await _maybe(session.flush())


async def _cut(session: Any, backend: Backend) -> None:
    """The connection breaks when everything is said but COMMIT."""
    await _maybe(session.exec(sa.insert(Account).values(id=3)))
    with watching(backend) as watch:
        assert watch.terminate() >= 1


async def _swallowed_cut(session: Any, backend: Backend) -> None:
    await _cut(session, backend)
    with pytest.raises(DBAPIError):
        await _maybe(session.exec(sa.insert(Account).values(id=4)))


async def _maybe(value: Any) -> Any:
    return await value if hasattr(value, "__await__") else value


WAYS = ("session", "sync_session", "transaction", "run_in_transaction")


def _application(backend: Backend, harm: Callable[[Any, Backend], Awaitable[None]]) -> FastAPI:
    api = API(Account, database=backend.url)
    app = application(api)

    @app.post("/session", status_code=201)
    async def by_session(session: Annotated[AsyncSession, Depends(api.session)]) -> None:
        await harm(session, backend)

    @app.post("/sync_session", status_code=201)
    def by_sync_session(session: Annotated[Session, Depends(api.sync_session)]) -> None:
        asyncio.run(harm(session, backend))

    @app.post("/transaction", status_code=201)
    async def by_transaction() -> None:
        async with api.transaction() as session:
            await harm(session, backend)

    @app.post("/run_in_transaction", status_code=201)
    async def by_function() -> None:
        await api.run_in_transaction(lambda session: harm(session, backend))

    return app


def post(backend: Backend, way: str, harm: Callable[[Any, Backend], Awaitable[None]]) -> httpx2.Response:
    """Call an endpoint that does some harm, and see to it that it came to its end: the commit is what fails."""
    done = []

    async def to_the_end(session: Any, backend: Backend) -> None:
        await harm(session, backend)
        done.append(harm)

    async def main() -> httpx2.Response:
        async with serving(_application(backend, to_the_end)) as client:
            return await client.post(f"/{way}")

    answer = asyncio.run(main())
    assert done == [harm]
    return answer


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("harm", [_deferred_constraint, _swallowed, _swallowed_flush])
def test_no_commit_that_failed_is_a_success(accounts: Backend, way: str, harm: Any) -> None:
    """An answer is a 2xx if and only if the row is there."""
    answer = post(accounts, way, harm)
    kept = (3, 0) in stored(accounts)
    assert answer.is_success == kept
    assert kept == (harm is _swallowed and accounts.name == "sqlite")  # whose transactions survive a failed statement


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("harm", [_cut, _swallowed_cut])
def test_a_connection_that_is_cut_before_commit(postgres: Backend, way: str, harm: Any) -> None:
    """It is a 503, or an error of the endpoint that let the break pass; never a 2xx, and nothing is stored."""
    postgres.create(Base.metadata, Account(id=1), Account(id=2))
    answer = post(postgres, way, harm)
    assert stored(postgres) == [(1, 0), (2, 0)]
    if harm is _cut:
        assert answer.status_code == 503
        assert "it may be there, or not" in answer.json()["detail"]
        assert answer.headers["Retry-After"] == "1"
    else:
        assert answer.status_code in (500, 503)


@pytest.mark.parametrize("way", WAYS)
def test_a_statement_that_failed_in_a_savepoint_does_not_spoil_the_rest(accounts: Backend, way: str) -> None:
    """Nor does the next transaction on that connection."""

    async def harm(session: Any, backend: Backend) -> None:
        await _maybe(session.exec(sa.insert(Account).values(id=3)))
        nested = await _maybe(session.begin_nested())
        with pytest.raises(IntegrityError):
            await _maybe(session.exec(sa.insert(Account).values(id=1)))
        await _maybe(nested.rollback())

    assert post(accounts, way, harm).status_code == 201
    assert stored(accounts) == [(1, 0), (2, 0), (3, 0)]
