"""Many clients add one to the same row, each on condition that nobody else has changed it since they read it."""

import asyncio
from collections import Counter

import sqlalchemy as sa

from tests.faults.client import Client


async def increment(ports: list[int], *, attempts: int, clients: int) -> Counter[int]:
    """Read and change the row that often, all clients at the same time, on any of the servers. Counts the statuses."""
    statuses: Counter[int] = Counter()
    remaining = iter(range(attempts))

    async def work(port: int) -> None:
        client = Client()
        try:
            for _ in remaining:  # one iterator for all
                read = await client.ask(port, "GET", "/counter/1")
                value, tag = read.json()["value"], read.headers["etag"]
                changed = await client.ask(port, "PATCH", "/counter/1", {"value": value + 1}, If_Match=tag)
                statuses[changed.status] += 1
        finally:
            client.close()

    await asyncio.gather(*(work(ports[number % len(ports)]) for number in range(clients)))
    return statuses


def stored_counter(engine: sa.Engine) -> tuple[int, int]:
    """Answer the value and the version of the row."""
    with engine.connect() as connection:
        value, version = connection.exec_driver_sql("SELECT value, version FROM counter WHERE id = 1").one()
    return value, version
