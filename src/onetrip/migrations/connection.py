"""Connections of migrations: straight to the database, one at a time, and what goes wrong with them in one sentence."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from onetrip.db.url import psycopg_url, shown, sync_url
from onetrip.errors import ConfigurationError

_TIMEOUT = 5  # seconds, to open a connection


def create_engine(url: URL, *, reads: bool = False) -> sa.Engine:
    """Make an engine that opens a connection each time. Raises `ConfigurationError` when no driver is installed.

    On SQLite the driver's own transaction control is off, and foreign keys are checked; a transaction begins as writer,
    unless it only `reads`.
    """
    if url.drivername != "sqlite":
        arguments = {} if "connect_timeout" in url.query else {"connect_timeout": _TIMEOUT}
        return sa.create_engine(psycopg_url(url), poolclass=NullPool, connect_args=arguments)
    engine = sa.create_engine(sync_url(url), poolclass=NullPool)

    @sa.event.listens_for(engine, "connect")
    def connected(connection: object, _: object) -> None:
        connection.isolation_level = None  # type: ignore[attr-defined]
        connection.execute("PRAGMA foreign_keys=ON")  # type: ignore[attr-defined]
        connection.execute("PRAGMA busy_timeout=5000")  # type: ignore[attr-defined]

    @sa.event.listens_for(engine, "begin")
    def begun(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


@contextmanager
def connected(url: URL, *, reads: bool = False) -> Iterator[sa.Connection]:
    """Connect to a database, to write or to read. Raises `ConfigurationError` when it cannot be reached or says no."""
    engine = create_engine(url, reads=reads)
    try:
        connection = engine.connect()
    except DBAPIError as error:
        raise ConfigurationError(f"The database {shown(url)} cannot be reached: {reason(error)}.") from error
    with connection:
        try:
            yield connection
        except DBAPIError as error:
            raise ConfigurationError(f"The database {shown(url)} refused: {reason(error)}.") from error


@contextmanager
def connected_if_there(url: URL) -> Iterator[sa.Connection | None]:
    """Connect to a database to read it, where it can be reached. No file of SQLite is made by that."""
    file = url.database if url.get_backend_name() == "sqlite" else None
    absent = bool(file) and not str(file).startswith((":", "file:")) and not Path(str(file)).exists()
    with ExitStack() as stack:
        connection = None
        with suppress(ConfigurationError):
            connection = None if absent else stack.enter_context(connected(url, reads=True))
        yield connection


def reason(error: DBAPIError) -> str:
    """Answer the driver's own words on one line, without a full stop."""
    return str(error.orig).partition("\n")[0].strip().rstrip(".")
