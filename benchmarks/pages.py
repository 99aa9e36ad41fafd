"""What a page costs that is far from the first one: statements behind a cursor, and with an offset for comparison."""

import asyncio
import statistics
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any

import sqlalchemy as sa
from sqlalchemy import make_url
from sqlmodel import Field, SQLModel

from benchmarks import data
from benchmarks.databases import Database
from benchmarks.report import table
from onetrip import API, Limits

ROWS, DEEP = 100_000, 90_000
LIMIT = 50
REPEATS, WARM = 200, 10
SORT = "sort=-made_at"


class Entry(SQLModel, table=True):
    """A row of a log, sorted by an index; three rows share a moment."""

    __tablename__ = "entry"

    __table_args__ = (sa.Index("entry_by_time", "made_at", "id"),)
    id: int | None = Field(default=None, primary_key=True)
    made_at: datetime
    text: str


def report(database: Database) -> str:
    """Measure and report statements of pages, in turn."""
    fill(database)
    first, deep, offset = (statistics.median(times) * 1e6 for times in asyncio.run(measure(database.url)))
    rows = [("first", first), (f"after row {DEEP:,}, by cursor", deep), (f"after row {DEEP:,}, by offset", offset)]
    return (
        f"## Pages of {LIMIT} of {ROWS:,} rows, sorted by an indexed column: {database}\n\n"
        + table(("Page", "Statement, µs", "of the first's"), [(n, f"{t:.0f}", f"{t / first:.2f} ×") for n, t in rows])
        + f"\n\nMedians of {REPEATS} statements of each, those by cursor in turn, seen from the server's process."
    )


def fill(database: Database) -> None:
    """Create the table, with rows."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [{"id": n, "made_at": start + timedelta(seconds=n // 3), "text": f"entry {n}"} for n in range(1, ROWS + 1)]
    url = make_url(database.url)
    engine = sa.create_engine(
        url.set(drivername={"postgresql": "postgresql+psycopg"}.get(database.kind, url.drivername))
    )
    data.fill(engine, [(Entry, rows)])
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("ANALYZE entry"))
    engine.dispose()


async def measure(url: str) -> list[list[float]]:
    """Return the seconds that each statement of the three pages took."""
    api = API(Entry, database=url, limits=Limits(offset=ROWS))
    target = api.router.table.find("/entry")
    assert target is not None
    taken: list[float] = []
    run: Callable[..., Any] = api.database.run

    async def timed(*arguments: Any) -> Any:
        started = perf_counter()
        row = await run(*arguments)
        taken.append(perf_counter() - started)
        return row

    async def page(query: str) -> str:
        answer = await api.pipeline.read(target.route.endpoint, (), b"/entry", query.encode(), None)
        return dict(answer.headers)[b"link"].decode()

    async with api.lifespan():
        query = f"{SORT}&limit=1000"
        for _ in range(DEEP // 1000):
            query = (await page(query)).rpartition("?")[2].partition(">")[0]
        deep = query.replace("limit=1000", f"limit={LIMIT}")
        assert "after=" in deep
        first, offset = f"{SORT}&limit={LIMIT}", f"{SORT}&limit={LIMIT}&offset={DEEP}"
        api.database.run = timed  # type: ignore[method-assign]

        async def in_turn(*queries: str) -> list[list[float]]:
            for query in queries * (REPEATS + WARM):
                await page(query)
            times = [taken[number :: len(queries)][WARM:] for number in range(len(queries))]
            taken.clear()
            return times

        return [*await in_turn(first, deep), *await in_turn(offset)]  # which leaves no cache to the others
