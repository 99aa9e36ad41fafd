"""The database goes away and comes back: what clients see, on a server that really stops."""

import asyncio
import time
from typing import Annotated

import httpx2
from fastapi import Depends, FastAPI
from sqlmodel import Session, select
from sqlmodel.ext.asyncio.session import AsyncSession

from onetrip import API
from onetrip.settings import Pool
from tests.db.conftest import Restartable
from tests.db.serving import TABLES, application, serving
from tests.db.test_postgresql_connections import all_well, open_all
from tests.support import blog


def application_with_sessions(api: API) -> FastAPI:
    """Endpoints of both kinds beside the generated ones."""
    app = application(api)

    @app.get("/async")
    async def with_session(session: Annotated[AsyncSession, Depends(api.session)]) -> int:
        return len((await session.exec(select(blog.User))).all())

    @app.get("/sync")
    def with_sync_session(session: Annotated[Session, Depends(api.sync_session)]) -> int:
        return len(session.exec(select(blog.User)).all())

    return app


async def read(client: httpx2.AsyncClient, count: int) -> list[int]:
    paths = [f"/posts/{1 + number % 5}" for number in range(count - 2)] + ["/async", "/sync"]
    answers = await asyncio.gather(*(client.get(path) for path in paths))
    return [answer.status_code for answer in answers]


def test_requests_go_on_after_a_restart(restartable: Restartable) -> None:
    """The server crashes and is back before the next request: nobody notices, though every connection is dead."""
    api = API(*TABLES, database=restartable.backend.url)

    async def main() -> None:
        async with serving(application_with_sessions(api)) as client:
            for count in (3, 20):
                await open_all(api.database)
                restartable.stop()
                restartable.start()
                assert await read(client, count) == [200] * count
                assert all_well(api.database)

    asyncio.run(main())


def test_an_outage_is_said_at_once_and_ends_by_itself(restartable: Restartable) -> None:
    """While the server is down a read is 503 with Retry-After, without waiting; health checks tell the two apart."""
    api = API(*TABLES, database=restartable.backend.url, pool=Pool(timeout=30, connect_timeout=30))

    async def main() -> None:
        async with serving(application_with_sessions(api)) as client:
            await open_all(api.database)
            assert (await client.get("/readyz")).status_code == 200
            restartable.stop()
            began = time.monotonic()
            assert await read(client, 20) == [503] * 20
            answer = await client.get("/posts")
            assert time.monotonic() - began < 10  # and not the 30 seconds that it may wait
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert answer.json()["detail"] == "The database cannot be reached at the moment."
            ready, alive = await client.get("/readyz"), await client.get("/livez")
            assert (ready.status_code, alive.status_code) == (503, 200)
            assert [(await client.get(path)).status_code for path in ("/nothing", "/posts?nothing=1")] == [404, 422]
            restartable.start()
            assert await read(client, 20) == [200] * 20
            assert (await client.get("/readyz")).status_code == 200
            assert all_well(api.database)

    asyncio.run(main())
