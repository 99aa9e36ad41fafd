"""The other costs of onetrip: of many resources per request, of starting, and of importing it."""

import os
import statistics
import subprocess
import sys
from time import perf_counter

from sqlalchemy import create_engine, make_url

from benchmarks import data
from benchmarks.databases import Database
from benchmarks.load import gets
from benchmarks.many import ROWS, TABLES
from benchmarks.report import table
from benchmarks.rounds import Effort, Entry, measure_in_turn, progress
from benchmarks.servers import ROOT, running, uvicorn

REPEATS = 5
TEN = 10


def report(database: Database, effort: Effort) -> str:
    """Measure and report all three."""
    fill(database, 0, TEN)
    started = start_seconds(database)
    fill(database, TEN, len(TABLES))
    return (
        f"## Resources, start and import: {database}\n\n{one_or_many(database, effort)}\n\n"
        f"`onetrip serve` on ten tables gives its first answer after {started:.2f} s; "
        f"`import onetrip` takes {import_seconds():.2f} s (medians of {REPEATS})."
    )


def fill(database: Database, first: int, last: int) -> None:
    """Create some of the many tables, with rows."""
    rows = [{"id": n, "name": f"thing {n}", "amount": n * n} for n in range(1, ROWS + 1)]
    url = make_url(database.url)
    engine = create_engine(url.set(drivername={"postgresql": "postgresql+psycopg"}.get(database.kind, url.drivername)))
    data.fill(engine, ((model, rows) for model in TABLES[first:last]))
    engine.dispose()


def one_or_many(database: Database, effort: Effort) -> str:
    """Compare one row by id with one resource registered and with all of them."""
    one, many = ({"BENCHMARK_DATABASE": database.url, "BENCHMARK_TABLES": str(n)} for n in (1, len(TABLES)))
    with (
        uvicorn("onetrip_many:app", path(1, 1), **one) as alone,
        uvicorn("onetrip_many:app", path(1, 1), **many) as crowded,
    ):
        ids = range(1, ROWS + 1)
        everywhere = gets(*(path(number, id) for id in (1, 2, 3) for number in range(1, len(TABLES) + 1)))
        first, last = (gets(*(path(number, id) for id in ids)) for number in (1, len(TABLES)))
        count = f"{len(TABLES)} registered"
        entries = [
            Entry("by id", "1 registered", alone, first),
            Entry("by id", f"{count}, GET of the first", crowded, first),
            Entry("by id", f"{count}, GET of the last", crowded, last),
            Entry("by id", f"{count}, GET of each in turn", crowded, everywhere),
        ]
        results = measure_in_turn(entries, database.pid, effort)
    one_alone = results["by id", "1 registered"].server
    return table(
        ("Resources", "Server CPU, µs", "of one resource's"),
        [(name, f"{m.server:.0f}", f"{m.server / one_alone:.2f} ×") for (_, name), m in results.items()],
    )


def path(number: int, id: int) -> str:
    """Return the path of one row of one of the many tables."""
    return f"/thing_{number:03}/{id}"


def start_seconds(database: Database) -> float:
    """Return the time from starting `onetrip serve` on ten tables to its first answer with rows."""
    serve = [sys.executable, "-m", "onetrip", "serve", "benchmarks/many.py", "--database", database.url]
    taken = []
    for number in range(1, REPEATS + 1):
        progress(f"start {number}/{REPEATS}")
        started = perf_counter()
        with running(serve, path(1, 1), BENCHMARK_TABLES=str(TEN)):
            taken.append(perf_counter() - started)
    progress("")
    return statistics.median(taken)


def import_seconds() -> float:
    """Return the time that `import onetrip` takes in a new interpreter that finds it compiled, as installed code is."""
    timed = "from time import perf_counter as now; start = now(); import onetrip; print(now() - start)"
    command = [sys.executable, "-c", timed]
    compiling = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    taken = [
        float(subprocess.run(command, capture_output=True, check=True, cwd=ROOT, env=compiling).stdout)
        for _ in range(REPEATS + 1)
    ]
    return statistics.median(taken[1:])
