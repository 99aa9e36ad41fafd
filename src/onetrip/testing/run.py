"""One run of tests: its database, an exact copy of a template for each test, and what the environment says of it.

No transaction is held open around a test. The request path commits on connections of its own, several requests of a
test may run at once, and sequences do not roll back: a copy is exact, a rollback would be nearly so.
"""

import os
import shutil
import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy import event

from onetrip.db.url import parse_url, sync_url
from onetrip.errors import ConfigurationError
from onetrip.testing.counting import UNCOUNTED
from onetrip.testing.servers import TEST_VARIABLE, Server, find_server, settings_of_haste

_SERVER_VARIABLE = "ONETRIP_TEST_SERVER"  # by which the workers of a run find the server of their controller
_PATIENCE = 5.0  # seconds for which a connection that a test left open may lock a file

_PREFIX = "onetrip_test_"
_NAMES = sa.text("SELECT datname FROM pg_database WHERE starts_with(datname, :prefix)")
_LEAVE = sa.text("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = :name")

Create = Callable[[sa.Connection], None]
"""Creates the tables, in an empty database."""


class Run(ABC):
    """The database of one process of a run: always the same URL, and before each test the same content."""

    def __init__(self, name: str, root: Path) -> None:
        self.name = name
        self.root = root
        self._made = False

    @staticmethod
    def begin(wanted: str | None, root: Path, *, idle: bool = False) -> "Run":
        """Choose the database. Raises `ConfigurationError` when there is no server to be had."""
        name = wanted or ("postgresql" if os.environ.get(TEST_VARIABLE) else "sqlite")
        return SQLiteRun(root) if name == "sqlite" else PostgreSQLRun(root, idle=idle)

    @property
    @abstractmethod
    def url(self) -> str:
        """The URL of the database."""

    @property
    def environment(self) -> dict[str, str]:
        """What the application and the other processes of the run are told."""
        return {"ONETRIP_DATABASE_URL": self.url, "ONETRIP_ENVIRONMENT": "test"}

    @cached_property
    def engine(self) -> sa.Engine:
        """An engine of the tests themselves, which keeps no connection."""
        engine = _engine(sa.make_url(self.url), poolclass=sa.NullPool)
        if self.name == "sqlite":
            event.listen(engine, "connect", _prepare)
        return engine

    def renew(self, create: Create) -> None:
        """Make the content what `create` makes, which is called once a run."""
        if not self._made:
            self._make(create)
            self._made = True
        self._copy()

    @abstractmethod
    def _make(self, create: Create) -> None:
        """Make the template."""

    @abstractmethod
    def _copy(self) -> None:
        """Make the database a copy of the template."""

    @abstractmethod
    def end(self) -> None:
        """Remove everything."""


class SQLiteRun(Run):
    """A file, and another one with the template."""

    def __init__(self, root: Path) -> None:
        super().__init__("sqlite", root)
        self._folder = Path(mkdtemp(prefix="onetrip-"))

    @property
    def url(self) -> str:
        """The URL of the file."""
        return f"sqlite:///{self._folder / 'test.db'}"

    def _make(self, create: Create) -> None:
        engine = sa.create_engine(f"sqlite:///{self._folder / 'template.db'}")
        with engine.begin() as connection:
            create(connection)
        engine.dispose()

    def _copy(self) -> None:
        """Write the template over the file page by page: connections that are open see it."""
        until = time.monotonic() + _PATIENCE

        def wait(*_: int) -> None:
            if time.monotonic() > until:
                raise ConfigurationError(
                    "A test left a transaction open that locks its SQLite file: end it in the test."
                )

        template = sqlite3.connect(self._folder / "template.db")
        target = sqlite3.connect(self._folder / "test.db", timeout=_PATIENCE / 50)
        try:
            target.execute("PRAGMA synchronous = OFF")
            template.backup(target, progress=wait, sleep=0.01)
        finally:
            template.close()
            target.close()

    def end(self) -> None:
        """Remove the files."""
        shutil.rmtree(self._folder, ignore_errors=True)


class PostgreSQLRun(Run):
    """A database on a server, another one with the template, and a copy of that, made while a test runs."""

    def __init__(self, root: Path, *, idle: bool = False) -> None:
        super().__init__("postgresql", root)
        shared = os.environ.get(_SERVER_VARIABLE)
        self._server = Server(shared or "postgresql://localhost/postgres") if shared or idle else find_server()
        self._database = f"{_PREFIX}{os.getpid()}_{uuid4().hex[:8]}"
        self._engine = _engine(sa.make_url(self._server.url), isolation_level="AUTOCOMMIT")
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="onetrip-test-database")
        self._spare: Future[str] | None = None
        self._used = False
        if self._server.own:
            self._tidy()

    @property
    def url(self) -> str:
        """The URL of the database."""
        return sa.make_url(self._server.url).set(database=self._database).render_as_string(hide_password=False)

    @property
    def environment(self) -> dict[str, str]:
        """What the application and the other processes of the run are told."""
        return {**super().environment, _SERVER_VARIABLE: self._server.url}

    def _tidy(self) -> None:
        """Make a server fast that nobody else needs, and drop what runs left behind that were killed."""
        self._sql(*settings_of_haste())
        for name in self._databases(_PREFIX):
            if not _is_alive(int(name.removeprefix(_PREFIX).partition("_")[0])):
                self._sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _make(self, create: Create) -> None:
        template = f"{self._database}_template"
        self._sql(f"CREATE DATABASE {template} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'")
        engine = _engine(sa.make_url(self._server.url).set(database=template))
        with engine.begin() as connection:
            create(connection)
        engine.dispose()
        self._spare = self._beside.submit(self._make_spare)

    def _copy(self) -> None:
        """Put the spare copy in the place of the database, and begin to make the next one."""
        assert self._spare is not None
        spare = self._spare.result()
        used = f"{self._database}_{uuid4().hex[:8]}"
        with self._engine.connect() as connection:
            if self._used:
                connection.execute(_LEAVE, {"name": self._database}).all()
                connection.exec_driver_sql(f"ALTER DATABASE {self._database} RENAME TO {used}")
            connection.exec_driver_sql(f"ALTER DATABASE {spare} RENAME TO {self._database}")
        self._spare = self._beside.submit(self._make_spare, used if self._used else None)
        self._used = True

    def _make_spare(self, used: str | None = None) -> str:
        name = f"{self._database}_{uuid4().hex[:8]}"
        self._sql(f"CREATE DATABASE {name} TEMPLATE {self._database}_template")
        if used is not None:
            self._sql(f"DROP DATABASE {used} WITH (FORCE)")
        return name

    def _sql(self, *statements: str) -> None:
        with self._engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def _databases(self, prefix: str) -> list[str]:
        with self._engine.connect() as connection:
            return list(connection.execute(_NAMES, {"prefix": prefix}).scalars())

    def end(self) -> None:
        """Drop the databases, and stop the server if it was started here."""
        self._beside.shutdown()
        if self._spare is not None:
            for name in self._databases(self._database):
                self._sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self._engine.dispose()
        self._server.stop()


def _prepare(connection: Any, _: Any) -> None:
    """Let SQLite check foreign keys, and wait for no disk."""
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = OFF")


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _engine(url: sa.URL, **options: Any) -> sa.Engine:
    own = {UNCOUNTED: True}
    return sa.create_engine(
        sync_url(parse_url(url.render_as_string(hide_password=False))), execution_options=own, **options
    )
