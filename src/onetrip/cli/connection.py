"""One connection for the work before serving; what goes wrong with it, said in one sentence."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from onetrip.cli.places import path_shown, url_shown
from onetrip.db.database import Database
from onetrip.errors import ConfigurationError


@asynccontextmanager
async def connected(database: Database) -> AsyncIterator[AsyncConnection]:
    """Connect to a database. Raises `ConfigurationError` when it cannot be reached or says no."""
    name = url_shown(database.url)
    try:
        connection = await database.engine.connect()
    except Exception as error:  # drivers have an exception tree each; opening a connection does nothing else
        raise ConfigurationError(f"The database {name} cannot be reached: {_reason(error, database)}.") from error
    try:
        yield connection
    except DBAPIError as error:
        raise ConfigurationError(f"The database {name} refused: {_reason(error, database)}.") from error
    finally:
        await connection.close()


def _reason(error: BaseException, database: Database) -> str:
    """Answer the driver's own words on one line, and what they mean where they do not say it."""
    while (inner := error.orig if isinstance(error, DBAPIError) else error.__cause__) is not None:
        error = inner
    if isinstance(error, TimeoutError):
        return f"it did not answer within {database.pool.connect_timeout:g} seconds"
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    words = text.partition("\n")[0].strip().rstrip(".")
    file = database.url.database
    if words == "unable to open database file" and file and not Path(file).parent.is_dir():
        return f"there is no folder '{path_shown(Path(file).parent)}'"
    if words == "attempt to write a readonly database":
        return (
            f"{words}. It has a write-ahead log, which needs a folder that can be written. "
            f"If nobody changes the file, name it as sqlite:///file:{file}?immutable=1&uri=true"
        )
    return words
