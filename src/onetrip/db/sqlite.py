"""SQLite on the standard library's driver: short reads in place, longer ones on a worker thread.

A read of one row takes microseconds, a hop to a thread many times that. So a statement first runs in the event loop's
own thread, on a connection whose progress handler (https://www.sqlite.org/c3ref/progress_handler.html) interrupts it
after a few milliseconds; then, and for a while from then on, that statement runs on a worker.
"""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from onetrip.db.runner import Row, away, busy, differs
from onetrip.sql.dialects.sqlite import FUNCTIONS

IN_PLACE_SECONDS = 0.003
"""How long a statement may hold the event loop."""

SLOW_SECONDS = 60.0
"""How long a statement that was interrupted is taken to be slow."""

_STEPS = 2_000  # virtual machine instructions between two looks at the clock, some tens of microseconds
_BUSY_MILLISECONDS = 5_000


def connect(database: str, *, query_only: bool = False) -> sqlite3.Connection:
    """Open a connection in autocommit mode, with foreign keys, a busy timeout and our functions."""
    connection = sqlite3.connect(
        database, uri=database.startswith("file:"), isolation_level=None, check_same_thread=False, cached_statements=512
    )
    prepare(connection)
    if query_only:
        connection.execute("PRAGMA query_only = ON")
    return connection


def prepare(connection: Any) -> None:
    """Give a connection of the driver what every connection has."""
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
    connection.execute("PRAGMA synchronous = NORMAL")
    for name, (arity, function) in FUNCTIONS.items():
        connection.create_function(name, arity, function, deterministic=True)


class SQLiteReader:
    """Runs reads: in place within a time budget, else on one of `workers` threads."""

    def __init__(self, database: str, *, workers: int, timeout: float) -> None:
        self.database = database
        self.timeout = timeout
        self.free = asyncio.Semaphore(workers)
        self.threads = ThreadPoolExecutor(workers, thread_name_prefix="onetrip-sqlite")
        self.slow: dict[str, float] = {}
        self.deadline = 0.0
        self.local = threading.local()
        self.opened: list[sqlite3.Connection] = []
        self.here: sqlite3.Connection | None = None

    async def fetch(self, text: str, arguments: tuple[Any, ...]) -> Row | None:
        """Run one statement, in place if it is short."""
        if not self.slow or self.slow.get(text, 0.0) < time.monotonic():
            try:
                return self._run(self.here or self._open_here(), text, arguments)
            except sqlite3.OperationalError as error:
                if not _may_wait(error):
                    raise _problem(error) from error
                if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                    self._remember(text)
            except sqlite3.Error as error:
                raise _problem(error) from error
        return await self._fetch_on_worker(text, arguments)

    async def _fetch_on_worker(self, text: str, arguments: tuple[Any, ...]) -> Row | None:
        try:
            async with asyncio.timeout(self.timeout):
                await self.free.acquire()
        except TimeoutError:
            raise busy() from None
        work = asyncio.get_running_loop().run_in_executor(self.threads, self._work, text, arguments)
        work.add_done_callback(lambda _: self.free.release())  # also when the request is gone before its answer
        try:
            return await asyncio.shield(work)
        except sqlite3.Error as error:
            raise _problem(error) from error

    def _work(self, text: str, arguments: tuple[Any, ...]) -> Row | None:
        connection = getattr(self.local, "connection", None)
        if connection is None:
            connection = self.local.connection = self._open()
        cursor = connection.execute(text, arguments)
        row: Row | None = cursor.fetchone()
        cursor.close()
        return row

    def _run(self, connection: sqlite3.Connection, text: str, arguments: tuple[Any, ...]) -> Row | None:
        self.deadline = time.monotonic() + IN_PLACE_SECONDS
        cursor = connection.execute(text, arguments)
        row: Row | None = cursor.fetchone()
        cursor.close()
        return row

    def _open(self) -> sqlite3.Connection:
        connection = connect(self.database, query_only=True)
        connection.text_factory = bytes
        self.opened.append(connection)
        return connection

    def _open_here(self) -> sqlite3.Connection:
        """Open the event loop's own connection, which never waits: a locked database is a worker's to wait for."""
        connection = self._open()
        connection.execute("PRAGMA busy_timeout = 0")
        clock: Callable[[], float] = time.monotonic
        connection.set_progress_handler(lambda: clock() > self.deadline, _STEPS)
        self.here = connection
        return connection

    def _remember(self, text: str) -> None:
        if len(self.slow) > 1_000:
            self.slow.clear()
        self.slow[text] = time.monotonic() + SLOW_SECONDS

    async def close(self) -> None:
        """Wait for the workers and close every connection."""
        await asyncio.get_running_loop().run_in_executor(None, self.threads.shutdown)
        while self.opened:
            self.opened.pop().close()
        self.here = None


def _may_wait(error: sqlite3.OperationalError) -> bool:
    """Say whether a worker can do better: the statement is long, or the database locked."""
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _problem(error: sqlite3.Error) -> Exception:
    """Map an error by its code (https://www.sqlite.org/rescode.html)."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None and code & 0xFF in (
        sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FULL,
    ):  # fmt: skip
        return away()
    return differs()
