"""Connections that requests hold: lost, waited for, cancelled, lent to sessions and closed."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from onetrip.db.database import Database
from onetrip.db.postgresql import HeldConnections
from onetrip.errors import Unavailable
from onetrip.settings import Pool
from tests.db.serving import (
    Watch,
    cancelled_by_anyio,
    cancelled_by_asyncio,
    opened,
    outcomes,
    server_of,
    value,
    watching,
)
from tests.support.databases import Backend

SLEEPING = "state = 'active' AND query LIKE '%pg_sleep%'"
SLOW = "convert_to(pg_sleep(30)::text, 'UTF8')"


def asleep(seconds: float) -> str:
    return f"convert_to('slept' || pg_sleep({seconds})::text, 'UTF8')"


def number(value: int) -> str:
    return f"convert_to('{value}', 'UTF8')"


def exercise(backend: Backend, body: Callable[[Database, Watch], Awaitable[None]], **pool: Any) -> None:
    """Run a body with a database of its own, in an event loop of its own."""

    async def main() -> None:
        with watching(backend) as watch:
            async with opened(Database(backend.url, pool=Pool(**pool))) as database:
                await body(database, watch)
            await watch.until("true", 0)

    asyncio.run(main())


def held(database: Database) -> HeldConnections:
    runner = database.connections().runner
    assert isinstance(runner, HeldConnections)
    return runner


def all_well(database: Database) -> bool:
    """Say whether every place is free or taken by a connection that is idle."""
    runner = held(database)
    return runner.opened == len(runner.idle) <= runner.limit and not runner.waiting and not runner.closing


async def open_all(database: Database) -> int:
    """Open as many connections as requests may hold."""
    limit = held(database).limit
    await asyncio.gather(*(value(database, asleep(0.1)) for _ in range(limit)))
    assert len(held(database).idle) == limit
    return limit


def test_reads_survive_the_loss_of_every_idle_connection(postgres: Backend) -> None:
    """All connections die at once, as in a restart: nobody gets an error, one after the other or all together."""

    async def body(database: Database, watch: Watch) -> None:
        for notices in (False, True):
            limit = await open_all(database)
            assert watch.terminate() == limit
            if notices:
                await asyncio.sleep(0.05)  # the event loop hears of it before the next request does
            assert await value(database, number(1)) == b"1"
            assert all_well(database)
            await open_all(database)
            watch.terminate()
            answers = await outcomes(*(value(database, number(item)) for item in range(20)))
            assert answers == [b"%d" % item for item in range(20)]
            assert all_well(database)

    exercise(postgres, body)


def test_a_read_that_was_running_is_run_again(postgres: Backend) -> None:
    """A connection that breaks in the middle of a read costs the client nothing."""

    async def body(database: Database, watch: Watch) -> None:
        reads = [asyncio.create_task(value(database, asleep(0.3))) for _ in range(4)]
        await watch.until(SLEEPING, 4)
        assert watch.terminate() == 4
        assert await outcomes(*reads) == [b"slept"] * 4
        assert all_well(database)

    exercise(postgres, body)


def test_a_read_is_run_again_once(postgres: Backend) -> None:
    """A read that breaks every connection it gets is given up after the second."""

    async def body(database: Database, watch: Watch) -> None:
        kill = "convert_to(pg_terminate_backend(pg_backend_pid())::text || pg_sleep(5)::text, 'UTF8')"
        with pytest.raises(Unavailable):
            await value(database, kill)
        assert await value(database, number(1)) == b"1"

    exercise(postgres, body)


def test_who_waits_too_long_is_told_so(postgres: Backend) -> None:
    """With every connection busy a request is answered after the pool's timeout, and the next ones are served."""

    async def body(database: Database, watch: Watch) -> None:
        busy = asyncio.create_task(value(database, asleep(0.5)))
        await watch.until(SLEEPING, 1)
        answers = await outcomes(*(value(database, number(item)) for item in range(5)))
        assert [str(answer) for answer in answers] == ["Every database connection is busy."] * 5
        assert all(answer.headers["Retry-After"] == "1" for answer in answers)
        assert not busy.done()
        assert await busy == b"slept"
        assert all_well(database)

    exercise(postgres, body, size=3, timeout=0.1)


def test_first_come_first_served(postgres: Backend) -> None:
    """Waiting requests are served in their order, those that left are passed over, and no newcomer goes first."""

    async def body(database: Database, watch: Watch) -> None:
        served: list[int] = []

        async def read(item: int) -> None:
            await value(database, asleep(0.02))
            served.append(item)
            if item == 0:
                newcomers.append(asyncio.create_task(read(100)))

        newcomers: list[asyncio.Task[None]] = []
        tasks = []
        for item in range(10):
            tasks.append(asyncio.create_task(read(item)))
            await asyncio.sleep(0)
        for gone in (3, 7):
            tasks[gone].cancel()
        await outcomes(*tasks)
        await asyncio.gather(*newcomers)
        assert served == [0, 1, 2, 4, 5, 6, 8, 9, 100]
        assert all_well(database)

    exercise(postgres, body, size=3)


def test_nobody_waits_in_vain_when_a_connection_breaks(postgres: Backend) -> None:
    """The only connection breaks while others wait for it: they open one instead."""

    async def body(database: Database, watch: Watch) -> None:
        tasks = [asyncio.create_task(value(database, asleep(0.2)))]
        await watch.until(SLEEPING, 1)
        tasks += [asyncio.create_task(value(database, number(item))) for item in range(5)]
        await asyncio.sleep(0)
        assert len(held(database).waiting) == 5
        watch.terminate()
        assert await outcomes(*tasks) == [b"slept", *(b"%d" % item for item in range(5))]
        assert all_well(database)

    exercise(postgres, body, size=3)


def test_nobody_waits_in_vain_when_opening_fails(postgres: Backend) -> None:
    """Each request that waits for a place tries for itself, and is told at once that the database refuses."""

    async def body(database: Database, watch: Watch) -> None:
        await value(database, number(0))
        allow = f'ALTER DATABASE "{database.url.database}" ALLOW_CONNECTIONS '
        busy = asyncio.create_task(value(database, asleep(5)))
        await watch.until(SLEEPING, 1)
        waiting = [asyncio.create_task(value(database, number(item))) for item in range(5)]
        await asyncio.sleep(0)
        server_of(postgres).sql(allow + "false")
        busy.cancel()
        answers = await outcomes(*waiting)
        assert [str(answer) for answer in answers] == ["The database cannot be reached at the moment."] * 5
        server_of(postgres).sql(allow + "true")
        assert await value(database, number(1)) == b"1"
        assert all_well(database)

    exercise(postgres, body, size=3, timeout=5)


@pytest.mark.parametrize("limited", [cancelled_by_asyncio, cancelled_by_anyio])
def test_a_request_that_is_gone_leaks_nothing(postgres: Backend, limited: Any) -> None:
    """250 requests cancelled at any moment: the pool is whole, no server process is left over, nothing runs on."""

    async def body(database: Database, watch: Watch) -> None:
        chance = random.Random(20261121)

        async def request(item: int) -> None:
            async with limited(chance.choice([0.0, 0.001, 0.003, 0.01, 0.03]) * chance.random()):
                await value(database, chance.choice([SLOW, number(item), asleep(0.002)]))

        for start in range(0, 250, 25):
            await asyncio.gather(*(request(start + item) for item in range(25)))
        await asyncio.gather(*held(database).closing)
        await watch.until("state = 'active'", 0)
        assert all_well(database)
        assert watch.others() <= held(database).limit
        assert len(await outcomes(*(value(database, number(item)) for item in range(20)))) == 20
        assert all_well(database)

    exercise(postgres, body, size=6)


def test_a_cancel_request_that_is_lost_leaves_nothing_running(
    postgres: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cancel request that overtakes its statement does nothing; the connection is ended from another one then."""

    async def lost(**_: Any) -> None:
        pass

    monkeypatch.setattr("asyncpg.connect_utils._cancel", lost)

    async def body(database: Database, watch: Watch) -> None:
        request = asyncio.create_task(value(database, SLOW))
        await watch.until(SLEEPING, 1)
        request.cancel()
        await outcomes(request)
        assert len(held(database).closing) == 1
        await asyncio.gather(*held(database).closing)
        await watch.until("state = 'active'", 0)
        assert all_well(database)

    exercise(postgres, body)


def test_sessions_find_room(postgres: Backend) -> None:
    """Requests give connections up while sessions are open, and take them again; together they stay within the pool."""

    async def body(database: Database, watch: Watch) -> None:
        together = asyncio.Barrier(5)

        async def session() -> None:
            async with database.connections().session(), database.engine.connect() as connection:
                await connection.exec_driver_sql("SELECT 1")
                await together.wait()
                assert await value(database, number(1)) == b"1"

        assert await open_all(database) == 4
        await asyncio.gather(*(session() for _ in range(5)))
        assert held(database).limit == 4
        answers = await outcomes(*(value(database, asleep(0.05)) for _ in range(12)))
        assert answers == [b"slept"] * 12
        assert len(held(database).idle) == 4
        assert watch.others() == 6
        assert all_well(database)

    exercise(postgres, body, size=6, timeout=5)


def test_closing_waits_for_nobody_and_leaves_nothing(postgres: Backend) -> None:
    """A connection in use when the database is closed serves its request and is closed then; a new one opens anew."""

    async def body(database: Database, watch: Watch) -> None:
        await open_all(database)
        reading = asyncio.create_task(value(database, asleep(0.2)))
        await watch.until(SLEEPING, 1)
        runner = held(database)
        await database.close()
        await watch.until("true", 1)
        assert await reading == b"slept"
        assert (runner.opened, runner.idle) == (0, [])
        await watch.until("true", 0)
        assert await value(database, number(1)) == b"1"

    exercise(postgres, body)
