"""What runs a statement: text and arguments in, at most one value out.

Three runners, one contract: `postgresql` (asyncpg connections held for requests), `sqlite` (the standard library's
driver, short reads in place), and `EngineRunner` here, for any engine that a user brings along.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine

from onetrip.errors import Broken, Unavailable

Row = Sequence[Any]
"""One row of one value: JSON as `bytes`, or `None`."""


class Runner(Protocol):
    """Runs statements; every failure is a `Problem` of the error tree, or a bug."""

    async def fetch(self, text: str, arguments: tuple[Any, ...]) -> Row | None:
        """Run one statement and answer its only row, `None` when there is none.

        Raises `Unavailable` when the database is away, busy or too slow, `Broken` when it does not hold what is
        declared or stores what cannot be written.
        """
        ...

    async def close(self) -> None:
        """Close every connection that is held."""
        ...


class EngineRunner:
    """Runs statements on connections of a SQLAlchemy engine, one checkout each."""

    def __init__(self, engine: AsyncEngine, *, autocommit: bool) -> None:
        self.engine = engine.execution_options(isolation_level="AUTOCOMMIT") if autocommit else engine

    async def fetch(self, text: str, arguments: tuple[Any, ...]) -> Row | None:
        """Run one statement on a connection of the pool."""
        try:
            async with self.engine.connect() as connection:
                row = (await connection.exec_driver_sql(text, arguments)).fetchone()
        except (PoolTimeoutError, OSError) as error:
            raise away() from error
        except DBAPIError as error:
            if error.connection_invalidated or isinstance(error, InterfaceError | OperationalError):
                raise away() from error
            raise differs() from error
        return None if row is None else (row[0],)

    async def close(self) -> None:
        """The engine is its owner's to close."""


def away(detail: str = "The database cannot be reached at the moment.") -> Unavailable:
    """Say that the database is away."""
    return Unavailable(detail)


def busy() -> Unavailable:
    """Say that no connection became free in time."""
    return Unavailable("Every database connection is busy.")


def differs() -> Broken:
    """Say that the database is not as declared; details go to the log, not to the client."""
    return Broken("The database does not hold what this resource declares, or stores a value that cannot be written.")
