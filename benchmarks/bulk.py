"""Loading rows: `api.bulk_insert` beside `session.add_all`, on both databases: `python benchmarks/bulk.py [ROWS]`.

The figure to look at is the ratio. Objects are made within the time measured, as a load of foreign data has to.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sqlmodel import Field, SQLModel

from onetrip import API
from tests.support.databases import Backend, postgresql, postgresql_backend, sqlite_backend

ROUNDS = 3


class Loaded(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str
    amount: int = 0


async def _measure(api: API, count: int) -> dict[str, float]:
    async def add_all() -> None:
        async with api.transaction() as session:
            session.add_all([Loaded(name=f"row {number}", amount=number) for number in range(count)])

    async def objects() -> None:
        await api.bulk_insert(Loaded, (Loaded(name=f"row {number}", amount=number) for number in range(count)))

    async def dicts() -> None:
        await api.bulk_insert(Loaded, ({"name": f"row {number}", "amount": number} for number in range(count)))

    ways: dict[str, Callable[[], Awaitable[None]]] = {
        "session.add_all": add_all, "bulk_insert of objects": objects, "bulk_insert of dicts": dicts,
    }  # fmt: skip
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            began = time.perf_counter()
            await way()
            seconds[name].append(time.perf_counter() - began)
    return {name: median(found) for name, found in seconds.items()}


def _report(backend: Backend, count: int) -> None:
    async def main() -> dict[str, float]:
        api = API(Loaded, database=backend.url)
        async with api.lifespan():
            return await _measure(api, count)

    backend.create(SQLModel.metadata)
    found = asyncio.run(main())
    for name, seconds in found.items():
        print(f"{backend.name:12}{name:26}{seconds:8.3f} s   1/{found['session.add_all'] / seconds:.1f}")


if __name__ == "__main__":
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    with TemporaryDirectory(prefix="onetrip-") as folder:
        with sqlite_backend(Path(folder)) as lite:
            _report(lite, rows)
        with postgresql(Path(folder) / "data") as server, postgresql_backend(server) as full:
            _report(full, rows)
