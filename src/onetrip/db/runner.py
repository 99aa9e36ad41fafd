"""What runs a statement: text and arguments in, at most one value out; and what its failures mean.

Two contracts, for what reads and for what writes. `postgresql` (asyncpg connections held for requests) meets both, as
`engine_runners` do for any other engine that a user brings along; `sqlite` reads and `sqlite_writer` writes, on the
standard library's driver.
"""

import asyncio
import logging
import math
import random
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from onetrip.db.violations import kind_of_code, kind_of_state
from onetrip.errors import Broken, Invalid, OnetripError, Problem, Unavailable
from onetrip.sql.dialects.full_text import NAME as SEARCHED
from onetrip.sql.dialects.sqlite import FUNCTIONS

Row = Sequence[Any]
"""One row of one value: JSON as `bytes`, or `None`. Of an INSERT that answers with several rows: the value of each."""

T = TypeVar("T")

_log = logging.getLogger(__name__)

_SQLITE_AWAY = frozenset({
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FULL, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PROTOCOL,
})  # fmt: skip


Execute = Callable[[str, tuple[Any, ...]], Awaitable[Row | None]]
"""`execute(text, arguments)` in an open transaction."""

Fetch = Callable[[int], Awaitable[list[bytes]]]
"""`fetch(number)` answers the next values of a stream, at most so many; none at its end."""

Steps = Generator[tuple[str, tuple[Any, ...]], Row | None, T]
"""Statements of one transaction: yields text and arguments, is sent the row, returns what comes of it."""

ATTEMPTS = 4
"""How often a write is tried that the database gives up for the sake of another one."""

_LOCK_NOT_AVAILABLE = "55P03"
_CANCELED = "57014"
_TOO_COMPLEX = "54001"
_TOO_DEEP = ("parser stack overflow", "Expression tree is too large")  # https://www.sqlite.org/limits.html
_AGAIN = frozenset({"40001", "40P01"})  # serialization failure, deadlock


class Rejected(OnetripError):
    """The database refused what a statement would write. `again` says that the same may succeed when it comes again.

    What it refused is for `violations` to say; this is no `Problem` yet, because only the resource knows public names.
    """

    def __init__(self, error: BaseException, *, again: bool = False) -> None:
        super().__init__(type(error).__name__)
        self.error = error
        self.again = again


class Reader(Protocol):
    """Runs statements that read; every failure is a `Problem` of the error tree, or a bug."""

    async def fetch(self, text: str, arguments: tuple[Any, ...]) -> Row | None:
        """Run one statement and answer its only row, `None` when there is none.

        Raises `Unavailable` when the database is away, busy or too slow, `Broken` when it does not hold what is
        declared or stores what cannot be written.
        """
        ...

    def stream(self, text: str, arguments: tuple[Any, ...]) -> AbstractAsyncContextManager[Fetch]:
        """Run one statement of many rows of one value, which are read as they are asked for; nothing is kept of them.

        It has a connection for itself, which is free again when the block is left, however that is. Raises like
        `fetch`, in the block as well, and runs nothing twice.
        """
        ...

    async def close(self) -> None:
        """Close every connection that is held."""
        ...


class Writer(Protocol):
    """Runs statements that change rows; every failure is a `Problem`, a `Rejected` write, or a bug."""

    async def write(self, text: str, arguments: tuple[Any, ...]) -> Row | None:
        """Run one statement that changes rows, never twice; when it answers, that is committed.

        Raises `Rejected` as well. `Unavailable` leaves open whether the change was made, if the connection was lost.
        """
        ...

    async def transact(self, steps: Callable[[], Steps[T]]) -> T:
        """Run the statements of one transaction, which writes. Commits before it answers. Raises like `write`."""
        ...

    def begin(self) -> AbstractAsyncContextManager[Execute]:
        """Begin a transaction that writes, for what is not known beforehand. It commits at the end of the block.

        Raises like `write`, in the block as well.
        """
        ...

    async def close(self) -> None:
        """Close every connection that is held."""
        ...


class Runner(Reader, Writer, Protocol):
    """Both."""


def drive(execute: Callable[[str, tuple[Any, ...]], Row | None], steps: Steps[T]) -> T:
    """Run the statements of a transaction one after the other."""
    row: Row | None = None
    while True:
        try:
            text, arguments = steps.send(row)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        row = execute(text, arguments)


async def tried(attempt: Callable[[], Awaitable[T]]) -> T:
    """Write; again, a little later, if the database gave it up for the sake of another one. Raises `Rejected`."""
    for number in range(1, ATTEMPTS):
        try:
            return await attempt()
        except Rejected as error:
            if not error.again:
                raise
        await asyncio.sleep(random.uniform(0, 0.01 * 2**number))
    return await attempt()


async def drive_async(execute: Execute, steps: Steps[T]) -> T:
    """Do the same where each statement is awaited."""
    row: Row | None = None
    while True:
        try:
            text, arguments = steps.send(row)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        row = await execute(text, arguments)


def refusal(error: BaseException) -> Exception:
    """Say what a failed write of SQLAlchemy's means."""
    if isinstance(error, DBAPIError) and not error.connection_invalidated:
        if isinstance(error.orig, sqlite3.Error):
            if (meant := rejected_by_sqlite(error.orig)) is not None:
                return meant
        elif (meant := rejected(error, getattr(error.orig, "sqlstate", None))) is not None:
            return meant
    return unavailable(error) or differs(error)


def rejected(error: BaseException, sqlstate: str | None) -> Rejected | None:
    """Say that PostgreSQL refused a write, if that is what a code means."""
    if sqlstate in _AGAIN:
        return Rejected(error, again=True)
    return Rejected(error) if sqlstate is not None and kind_of_state(sqlstate) is not None else None


def rejected_by_sqlite(error: sqlite3.Error) -> Rejected | None:
    """Say that SQLite refused a write, if that is what a code means."""
    return Rejected(error) if kind_of_code(getattr(error, "sqlite_errorcode", 0)) is not None else None


def first_row(connection: sa.Connection, text: str, arguments: tuple[Any, ...]) -> Row | None:
    """Run a statement on a connection of SQLAlchemy's, and answer its row, or the value of each."""
    values = [value.encode() if isinstance(value, str) else value for (value,) in executed(connection, text, arguments)]
    return values or None


def executed(connection: sa.Connection, text: str, arguments: tuple[Any, ...]) -> sa.CursorResult[Any]:
    """Run a statement on a connection of SQLAlchemy's, which knows our functions from then on."""
    pooled = connection.connection
    if connection.dialect.name == "sqlite" and not pooled.info.get("onetrip"):
        add_functions(pooled.dbapi_connection)
        pooled.info["onetrip"] = True
    return connection.exec_driver_sql(text, arguments)


def next_values(result: sa.CursorResult[Any], number: int) -> list[bytes]:
    """Read the next values of a result."""
    return [value.encode() if isinstance(value, str) else value for (value,) in result.fetchmany(number)]


def add_functions(connection: Any) -> None:
    """Give a SQLite connection the functions that statements use."""
    for name, (arity, function) in FUNCTIONS.items():
        connection.create_function(name, arity, function, deterministic=True)


@asynccontextmanager
async def place(places: asyncio.Semaphore, timeout: float) -> AsyncIterator[None]:
    """Hold one of a few places. Raises `Unavailable` when none becomes free in time."""
    await acquire(places, timeout)
    try:
        yield
    finally:
        places.release()


async def acquire(places: asyncio.Semaphore, timeout: float) -> None:
    """Wait for one of a few places. Raises `Unavailable` when none becomes free in time."""
    try:
        async with asyncio.timeout(timeout):
            await places.acquire()
    except TimeoutError:
        raise busy() from None


def unavailable(error: BaseException) -> Unavailable | None:
    """Say that the database is away or busy, if that is what an error of SQLAlchemy or the network means."""
    if isinstance(error, PoolTimeoutError):
        return busy()
    if isinstance(error, OSError):
        return away(error)
    if not isinstance(error, DBAPIError):
        return None
    if isinstance(error.orig, sqlite3.Error):
        return away(error.orig) if sqlite_code(error.orig) in _SQLITE_AWAY else None
    state = getattr(error.orig, "sqlstate", None)
    unstated = state is None and isinstance(error, OperationalError)  # psycopg could not connect
    if error.connection_invalidated or unstated:
        return away(error.orig or error)
    return slow(error.orig or error) if is_transient(state) else None


def is_transient(sqlstate: str | None) -> bool:
    """Say whether a request may succeed when it comes again (https://www.postgresql.org/docs/current/errcodes-appendix.html)."""
    return sqlstate is not None and (sqlstate[:2] in ("08", "53", "55", "57") or sqlstate in ("40001", "40P01"))


def sqlite_code(error: BaseException) -> int | None:
    """Answer SQLite's primary result code (https://www.sqlite.org/rescode.html), `None` for an error of Python's."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def sqlite_problem(error: sqlite3.Error, seconds: float | None = None) -> Problem:
    """Map an error of SQLite, on a connection whose statements are interrupted after some seconds."""
    if seconds is not None and sqlite_code(error) == sqlite3.SQLITE_INTERRUPT:
        return overdue(error, seconds)
    return away(error) if sqlite_code(error) in _SQLITE_AWAY else differs(error)


def away(error: BaseException) -> Unavailable:
    """Say that the database is away; the reason goes to the log."""
    _log.warning("The database cannot be reached: %s", _reason(error))
    return Unavailable("The database cannot be reached at the moment.")


class Locked(Unavailable):
    """What is needed is locked by another transaction, which did not end in time."""


def slow(error: BaseException, seconds: float | None = None) -> Unavailable:
    """Say that the database gave up, as it does after some seconds if they are given; the reason goes to the log."""
    if seconds is not None and getattr(error, "sqlstate", None) == _CANCELED and "user request" not in str(error):
        return overdue(error, seconds)
    _log.warning("The database gave up a statement: %s", _reason(error))
    locked = getattr(error, "sqlstate", None) == _LOCK_NOT_AVAILABLE
    return (Locked if locked else Unavailable)("The database is busy or took too long.")


def overdue(error: BaseException, seconds: float) -> Unavailable:
    """Say that a statement ran for so long that it was ended; the reason goes to the log."""
    _log.warning("A statement was ended after %g seconds: %s", seconds, _reason(error))
    detail = f"The request took longer than {seconds:g} second{'s' * (seconds != 1)}, and was ended."
    hint = "Ask for less: fewer rows, embeds or conditions. Filters and sorts are fast where an index serves them."
    return Unavailable(detail, hint=hint, retry_after=max(1, math.ceil(seconds)))


def busy() -> Unavailable:
    """Say that no connection became free in time."""
    return Unavailable("Every database connection is busy.")


def differs(error: BaseException) -> Problem:
    """Say that the database is not as declared; details go to the log, not to the client.

    Or that it cannot read a statement for its depth: SQLite's parser has a stack of 100 entries as it is usually built,
    and there is no code for this error.
    """
    if getattr(error, "sqlstate", None) == _TOO_COMPLEX or any(words in str(error) for words in _TOO_DEEP):
        _log.warning("A statement was nested too deeply: %s", _reason(error))
        message = "The conditions of the request are nested more deeply than the database can read."
        hint = "Ask for the same with fewer parentheses, or through fewer relations."
        return Invalid.at(("query",), message, "too_deep", hint)
    if SEARCHED in str(error):
        _log.error("An index for searching is missing or not as declared: run 'onetrip db install'. %s", _reason(error))
        return Unavailable("What is searched here has no index at the moment.")
    _log.error("The database does not hold what is declared, or not as declared: %s", _reason(error))
    return Broken("The database does not hold what this resource declares, or stores a value that cannot be written.")


def _reason(error: BaseException) -> str:
    """Name an error in one line; DETAIL, which holds values of rows, is left out."""
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
