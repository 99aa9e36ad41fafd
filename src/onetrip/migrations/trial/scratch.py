"""A database to try things in, of the same kind as another, which is gone afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from onetrip.db.url import shown
from onetrip.errors import ConfigurationError
from onetrip.migrations.connection import connected, reason


@contextmanager
def scratch(url: URL) -> Iterator[URL]:
    """Make an empty database. Raises `ConfigurationError` where that is not allowed."""
    with _file() if url.drivername == "sqlite" else _beside(url) as made:
        yield made


@contextmanager
def given(url: URL) -> Iterator[URL]:
    """Take an empty database of somebody's. Raises `ConfigurationError` when there is something in it."""
    with connected(url, reads=True) as connection:
        tables = sa.inspect(connection).get_table_names()
    if tables:
        raise ConfigurationError(f"The database {shown(url)} has tables: a trial needs an empty one.")
    yield url


@contextmanager
def _file() -> Iterator[URL]:
    with TemporaryDirectory(prefix="onetrip-") as folder:
        yield URL.create("sqlite", database=str(Path(folder) / "trial.db"))


@contextmanager
def _beside(url: URL) -> Iterator[URL]:
    """Make a database on the same server that writes and sorts as the given one."""
    name = f"onetrip_trial_{uuid4().hex[:12]}"
    with connected(url) as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        like = connection.exec_driver_sql(
            "SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database WHERE datname = "
            "current_database()"
        ).one()
        encoding, collate, ctype = (str(each).replace("'", "''") for each in like)
        try:
            connection.exec_driver_sql(
                f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LC_COLLATE '{collate}' "
                f"LC_CTYPE '{ctype}'"
            )
        except DBAPIError as error:
            raise ConfigurationError(
                f"No database can be made beside {shown(url)}: {reason(error)}. Name an empty one with --scratch."
            ) from error
        try:
            yield url.set(database=name)
        finally:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
