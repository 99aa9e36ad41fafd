"""Transactions of a user's own code, in endpoints and outside of them: one block, or a function that may run again.

A block cannot be run twice, so `transaction` never repeats; `run_in_transaction` takes the work as a function, as
https://www.cockroachlabs.com/docs/stable/advanced-client-side-transaction-retries describes the pattern.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal, TypeVar, get_args

from sqlalchemy.exc import DBAPIError
from sqlmodel.ext.asyncio.session import AsyncSession

from onetrip.db.database import Database
from onetrip.db.engines import IMMEDIATE
from onetrip.db.guard import READ_ONLY
from onetrip.db.session import committing, lost_race, opened, problems
from onetrip.errors import ConfigurationError

Isolation = Literal["read committed", "repeatable read", "serializable"]
"""What a transaction may see of others (https://www.postgresql.org/docs/current/transaction-iso.html)."""

T = TypeVar("T")

_PAUSE_SECONDS = 0.02  # before the first repetition; doubled for each further one


@asynccontextmanager
async def transaction(
    database: Database, *, isolation: Isolation | None = None, read_only: bool = False
) -> AsyncIterator[AsyncSession]:
    """Open a session whose block is one transaction. Raises what `session.meaning` says of an error."""
    with problems():
        async with _begun(database, isolation, read_only) as session:
            yield session


async def run_in_transaction(
    database: Database,
    work: Callable[[AsyncSession], Awaitable[T]],
    *,
    isolation: Isolation | None = None,
    read_only: bool = False,
    retries: int = 3,
) -> T:
    """Run `work` in a transaction, and again in a new one when it met others, at most `retries` times.

    Before each repetition it waits a random while, without a connection, so that those who met do not meet again.
    Raises like `transaction`: `Conflict` when it met others to the last.
    """
    with problems():
        for attempt in range(retries):
            try:
                async with _begun(database, isolation, read_only) as session:
                    return await work(session)
            except DBAPIError as error:
                if not lost_race(error):
                    raise
            await asyncio.sleep(random.uniform(0, _PAUSE_SECONDS * 2**attempt))
        async with _begun(database, isolation, read_only) as session:
            return await work(session)


@asynccontextmanager
async def _begun(database: Database, isolation: Isolation | None, read_only: bool) -> AsyncIterator[AsyncSession]:
    options = _options(database, isolation, read_only)
    async with opened(database, options) as session, session.begin():
        yield session
        if session.in_transaction():  # the block has not ended it itself; a transaction that failed says so here
            with committing(not read_only):
                await session.commit()


def _options(database: Database, isolation: Isolation | None, read_only: bool) -> dict[str, Any]:
    """Say in execution options what is asked for. PostgreSQL hears of it in BEGIN, SQLite is always serializable."""
    if isolation is not None and isolation not in get_args(Isolation):
        known = ", ".join(f"'{level}'" for level in get_args(Isolation))
        raise ConfigurationError(f"There is no isolation level {isolation!r}: choose one of {known}.")
    if database.url.drivername == "sqlite":
        return {READ_ONLY: True} if read_only else {IMMEDIATE: True}
    options: dict[str, Any] = {}
    if isolation is not None:
        options["isolation_level"] = isolation.upper()
    if read_only:
        options["postgresql_readonly"] = True
    return options
