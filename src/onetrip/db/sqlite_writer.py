"""The writer of a SQLite database: one connection, one change after the other, first come first served.

SQLite has one writer at a time, and those who wait for it by polling overtake each other. So the changes of a process
wait for their turn here. A change of one row takes microseconds where the file is in WAL mode, since nothing is synced
then (https://www.sqlite.org/wal.html): it is made in place, in the event loop, within the time that a read may take.
Whatever takes longer, waits for another process, or syncs, goes to a thread.
"""

import asyncio
import math
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

from anyio import CancelScope

from onetrip.db.runner import (
    Execute,
    Rejected,
    Row,
    Steps,
    T,
    acquire,
    drive,
    rejected_by_sqlite,
    sqlite_code,
    sqlite_problem,
)
from onetrip.db.sqlite import BUSY_MILLISECONDS, IN_PLACE_SECONDS, STEPS, connect, write_ahead

_ELSEWHERE = (sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class SQLiteWriter:
    """Runs changes, each committed when it answers. `wal` lets it put the file in WAL mode.

    A statement in the thread runs for so many `seconds` at most; what was done in its transaction is taken back then.
    """

    def __init__(self, uri: str, *, wal: bool, timeout: float, seconds: float | None = None) -> None:
        self.uri = uri
        self.wal = wal
        self.timeout = timeout
        self.seconds = seconds
        self.turn = asyncio.Semaphore(1)
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="onetrip-sqlite-writer")
        self.connection: sqlite3.Connection | None = None
        self.in_place = False
        self.deadline = 0.0
        self.end = math.inf

    async def write(self, text: str, arguments: tuple[Any, ...]) -> Row | None:
        """Run one statement; SQLite commits it, and takes it back where it is interrupted."""
        if not self.turn.locked():
            try:
                connection = self.connection or self._open()
                if self.in_place:
                    self.deadline = time.thread_time() + IN_PLACE_SECONDS
                    return _row(connection, text, arguments)
            except sqlite3.Error as error:
                if sqlite_code(error) not in _ELSEWHERE:
                    raise rejected_by_sqlite(error) or sqlite_problem(error) from error
        return await self._elsewhere(lambda: self._execute(text, arguments))

    async def transact(self, steps: Callable[[], Steps[T]]) -> T:
        """Run a transaction, in the thread."""
        return await self._elsewhere(lambda: self._transact(steps()))

    def _transact(self, steps: Steps[T]) -> T:
        self._execute("BEGIN IMMEDIATE")
        try:
            answer = drive(self._execute, steps)
            self._execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        return answer

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Execute]:
        """Begin a transaction, each statement of which runs in the thread; others wait for their turn meanwhile."""
        await acquire(self.turn, self.timeout)
        try:
            await self._in_thread(lambda: self._execute("BEGIN IMMEDIATE"))
            try:
                yield lambda text, arguments: self._in_thread(lambda: self._execute(text, arguments))
                await self._in_thread(lambda: self._execute("COMMIT"))
            finally:
                with CancelScope(shield=True):
                    await self._in_thread(self._roll_back)
        finally:
            self.turn.release()

    def _execute(self, text: str, arguments: tuple[Any, ...] = ()) -> Row | None:
        self.end = math.inf if self.seconds is None else time.monotonic() + self.seconds
        return _row(self.connection or self._open(), text, arguments)

    def _roll_back(self) -> None:
        self.end = math.inf
        if self.connection is not None and self.connection.in_transaction:
            self.connection.execute("ROLLBACK")

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self.thread, self._patiently, work)
        except sqlite3.Error as error:
            raise rejected_by_sqlite(error) or sqlite_problem(error, self.seconds) from error

    async def _elsewhere(self, work: Callable[[], T]) -> T:
        """Do something in the thread, where it may take its time; a turn ends when that is done, and not before."""
        await acquire(self.turn, self.timeout)
        try:
            doing = asyncio.get_running_loop().run_in_executor(self.thread, self._patiently, work)
        except BaseException:
            self.turn.release()
            raise
        doing.add_done_callback(self._done)
        try:
            return await asyncio.shield(doing)
        except sqlite3.Error as error:
            raise rejected_by_sqlite(error) or sqlite_problem(error, self.seconds) from error

    def _done(self, doing: "asyncio.Future[Any]") -> None:
        self.turn.release()
        if not doing.cancelled():
            doing.exception()  # whoever is still there has it, too

    def _patiently(self, work: Callable[[], T]) -> T:
        connection = self.connection or self._open()
        self.deadline = float("inf")
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
        try:
            return work()
        finally:
            self.end = math.inf
            connection.execute("PRAGMA busy_timeout = 0")

    def _open(self) -> sqlite3.Connection:
        connection = connect(self.uri, writes=True)
        if self.wal:
            write_ahead(connection)
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
        self.in_place = mode in (b"wal", b"memory", b"off")
        connection.execute("PRAGMA busy_timeout = 0")
        clock, wall = time.thread_time, time.monotonic
        connection.set_progress_handler(lambda: clock() > self.deadline or wall() > self.end, STEPS)
        self.connection = connection
        return connection

    async def close(self) -> None:
        """Let what still runs end, and close the connection."""
        await asyncio.get_running_loop().run_in_executor(None, self.thread.shutdown)
        if self.connection is not None:
            self.connection.close()
            self.connection = None


def _row(connection: sqlite3.Connection, text: str, arguments: tuple[Any, ...]) -> Row | None:
    """Run a statement to its end: it is committed there, and may fail there."""
    try:
        rows = connection.execute(text, arguments).fetchall()
    except (OverflowError, UnicodeEncodeError) as error:  # the driver cannot say the value to SQLite
        raise Rejected(error) from error
    return rows[0] if len(rows) == 1 else [value for (value,) in rows] or None
