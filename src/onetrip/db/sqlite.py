"""SQLite on the standard library's driver: short reads in place, longer ones on a worker thread.

A read of one row takes microseconds, a hop to a thread many times that. So a statement first runs in the event loop's
own thread, on a connection whose progress handler (https://www.sqlite.org/c3ref/progress_handler.html) interrupts it
after a few milliseconds; then, and for a while from then on, that statement runs on a worker.
"""

import asyncio
import math
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakSet

from onetrip.db.runner import Fetch, Row, acquire, add_functions, differs, sqlite_code, sqlite_problem
from onetrip.errors import Problem

IN_PLACE_SECONDS = 0.003
"""How long a statement may hold the event loop, in seconds of its thread's own processor time."""

SLOW_SECONDS = 60.0
"""How long a statement that was interrupted is taken to be slow."""

STEPS = 2_000  # virtual machine instructions between two looks at the clock, some tens of microseconds
_WORKER_STEPS = 200_000  # between two looks at whether the request is still there, some milliseconds
BUSY_MILLISECONDS = 5_000


def file_uri(path: str) -> str:
    """Name a file that exists: reading must not create one."""
    return f"{Path(path).absolute().as_uri()}?mode=rw"


class Connection(sqlite3.Connection):
    """A session's connection, which lets go of its locks when it is closed.

    SQLite keeps a closed connection, and its transaction, for as long as one of its cursors is known somewhere: to the
    traceback of a request that was cancelled, say, until the garbage is collected.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._cursors: WeakSet[sqlite3.Cursor] = WeakSet()  # before it opens: what cannot be opened is closed too
        super().__init__(*arguments, **options)

    def cursor(self, *arguments: Any, **options: Any) -> Any:
        """Open a cursor, and remember it."""
        cursor = super().cursor(*arguments, **options)
        self._cursors.add(cursor)
        return cursor

    def close(self) -> None:
        """End statements and transaction, then close."""
        for end in (*(cursor.close for cursor in tuple(self._cursors)), self.rollback):
            with suppress(sqlite3.Error):
                end()
        super().close()

    def __del__(self) -> None:
        with suppress(sqlite3.Error):
            self.close()  # a request was cancelled while it was opened


def connect(uri: str, *, writes: bool = False) -> sqlite3.Connection:
    """Open a connection that reads, or one that writes, in autocommit mode."""
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, cached_statements=512)
    try:
        prepare(connection)
        if not writes:
            connection.execute("PRAGMA query_only = ON")
    except sqlite3.Error:
        connection.close()
        raise
    connection.text_factory = bytes
    return connection


def prepare(connection: Any) -> None:
    """Give a connection of the driver what every connection has: foreign keys, patience, our functions."""
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    add_functions(connection)


def write_ahead(connection: Any) -> None:
    """Let readers and the writer go on side by side; it stays in the file (https://www.sqlite.org/wal.html)."""
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")  # enough in this mode to survive a crash of the process
    except sqlite3.OperationalError:
        pass  # read-only, or in use: it stays as it is, until a connection that comes later


class _Worker:
    """A connection for a thread; its statement ends when nobody waits for it any more, or after some seconds.

    `Connection.interrupt` would be lost if it came before the statement has begun.
    """

    def __init__(self, connection: sqlite3.Connection, seconds: float | None) -> None:
        self.connection = connection
        self.seconds = seconds
        self.wanted = True
        self.deadline = math.inf
        clock = time.monotonic
        connection.set_progress_handler(lambda: not self.wanted or clock() > self.deadline, _WORKER_STEPS)

    def begin(self) -> None:
        """Begin with a statement, or with the next rows of one."""
        self.deadline = math.inf if self.seconds is None else time.monotonic() + self.seconds

    def problem(self, error: sqlite3.Error) -> Problem:
        """Say what an error means."""
        return sqlite_problem(error, self.seconds if self.wanted else None)


class SQLiteReader:
    """Runs reads: in place within a time budget, else on one of `workers` threads, at most so many `seconds` each."""

    def __init__(self, uri: str, *, workers: int, timeout: float, seconds: float | None = None) -> None:
        self.uri = uri
        self.timeout = timeout
        self.seconds = seconds
        self.places = asyncio.Semaphore(workers)
        self.threads = ThreadPoolExecutor(workers, thread_name_prefix="onetrip-sqlite")
        self.slow: dict[str, float] = {}
        self.deadline = 0.0
        self.opened: list[sqlite3.Connection] = []
        self.spare: list[_Worker] = []
        self.busy: set[_Worker] = set()
        self.here: sqlite3.Connection | None = None

    async def fetch(self, text: str, arguments: tuple[Any, ...]) -> Row | None:
        """Run one statement, in place if it is short."""
        if not self.slow or self.slow.get(text, 0.0) < time.monotonic():
            self.deadline = time.thread_time() + IN_PLACE_SECONDS
            try:
                return _first_row(self.here or self._open_here(), text, arguments)
            except sqlite3.Error as error:
                code = sqlite_code(error)
                if code == sqlite3.SQLITE_INTERRUPT:
                    self._remember(text)
                elif code not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):  # for which a worker can wait
                    raise sqlite_problem(error) from error
        return await self._fetch_on_worker(text, arguments)

    async def _fetch_on_worker(self, text: str, arguments: tuple[Any, ...]) -> Row | None:
        await acquire(self.places, self.timeout)
        try:
            worker = self.spare.pop() if self.spare else _Worker(self._open(), self.seconds)
            worker.wanted = True
            worker.begin()
            work = asyncio.get_running_loop().run_in_executor(
                self.threads, _first_row, worker.connection, text, arguments
            )
        except BaseException as error:
            self.places.release()
            if isinstance(error, sqlite3.Error):
                raise sqlite_problem(error) from error
            raise
        self.busy.add(worker)
        work.add_done_callback(partial(self._done, worker))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            if worker in self.busy:
                worker.wanted = False
            raise
        except sqlite3.Error as error:
            raise worker.problem(error) from error

    @asynccontextmanager
    async def stream(self, text: str, arguments: tuple[Any, ...]) -> AsyncIterator[Fetch]:
        """Read the rows of one statement step by step, on a connection and in a thread of their own."""
        thread = ThreadPoolExecutor(1, thread_name_prefix="onetrip-stream")
        run = partial(asyncio.get_running_loop().run_in_executor, thread)
        try:
            worker = _Worker(self._open(), self.seconds)
            self.busy.add(worker)

            def fetch(number: int) -> asyncio.Future[list[bytes]]:
                worker.begin()
                return run(_next_values, cursor, number)

            try:
                worker.begin()
                cursor = await run(worker.connection.execute, text, arguments)
                yield fetch
            except sqlite3.Error as error:
                raise worker.problem(error) from error
            finally:
                worker.wanted = False  # ends what still runs
                self.busy.discard(worker)
                if worker.connection in self.opened:  # it is not being closed already
                    self.opened.remove(worker.connection)
                await asyncio.shield(run(worker.connection.close))
        except sqlite3.Error as error:
            raise sqlite_problem(error) from error
        finally:
            thread.shutdown(wait=False)

    def _done(self, worker: "_Worker", work: asyncio.Future[Row | None]) -> None:
        """Take a worker back when its thread is through, which may be after the request is gone."""
        self.busy.discard(worker)
        self.spare.append(worker)
        self.places.release()
        if not work.cancelled():
            work.exception()  # whoever is still there has it, too

    def _open(self) -> sqlite3.Connection:
        connection = connect(self.uri)
        self.opened.append(connection)
        return connection

    def _open_here(self) -> sqlite3.Connection:
        """Open the event loop's own connection, which never waits: a locked database is a worker's to wait for."""
        connection = self._open()
        connection.execute("PRAGMA busy_timeout = 0")
        clock: Callable[[], float] = time.thread_time  # not the wall clock: a busy machine makes no statement slow
        connection.set_progress_handler(lambda: clock() > self.deadline, STEPS)
        self.here = connection
        return connection

    def _remember(self, text: str) -> None:
        if len(self.slow) > 1_000:
            self.slow.clear()
        self.slow[text] = time.monotonic() + SLOW_SECONDS

    async def close(self) -> None:
        """End what still runs, and close every connection."""
        for worker in self.busy:
            worker.wanted = False
        await asyncio.get_running_loop().run_in_executor(None, self.threads.shutdown)
        while self.opened:
            self.opened.pop().close()
        self.spare.clear()
        self.here = None


def _first_row(connection: sqlite3.Connection, text: str, arguments: tuple[Any, ...]) -> Row | None:
    cursor = connection.execute(text, arguments)
    row: Row | None = cursor.fetchone()
    cursor.close()
    if row is not None:
        _check_text(row[0])
    return row


def _next_values(cursor: sqlite3.Cursor, number: int) -> list[bytes]:
    values = [value for (value,) in cursor.fetchmany(number)]
    for value in values:
        _check_text(value)
    return values


def _check_text(value: Any) -> None:
    """Refuse what is not UTF-8: SQLite takes any bytes for text, and JSON is."""
    if isinstance(value, bytes) and not value.isascii():
        try:
            value.decode()
        except UnicodeDecodeError as error:
            raise differs(error) from error
