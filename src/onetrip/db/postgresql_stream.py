"""Streams on PostgreSQL: the rows of a statement from a portal, a few at a time, in a transaction that only reads.

A portal rather than `COPY (SELECT …) TO STDOUT`, which takes no parameters: values of a client would have to become SQL
text. The server makes rows as they are fetched, and asks for nothing in between.
https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-EXT-QUERY
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from onetrip.db.postgresql import LOST, HeldConnections
from onetrip.db.postgresql_connection import Connection, milliseconds
from onetrip.db.runner import Fetch, away, differs, is_transient

_BEGIN_WITHIN = (
    "BEGIN READ ONLY; SELECT set_config(name, least(nullif(setting::bigint, 0), MOST)::text, true) FROM pg_settings"
    " WHERE name = 'statement_timeout'"
)
"""Begin, and say in the same message how long the next rows may take: that ends with the transaction."""


class Connections(HeldConnections):
    """Connections that requests hold, and others that streams take from the engine's pool, as sessions do."""

    @asynccontextmanager
    async def stream(self, text: str, arguments: tuple[Any, ...]) -> AsyncIterator[Fetch]:
        """Read the rows of one statement: BEGIN, the statement, COMMIT."""
        with self.session():
            connection = await self._check_out()
            connection.seconds = self.seconds
            driver, running = connection.driver, True

            async def fetch(number: int) -> list[bytes]:
                nonlocal running
                running = True
                records = await cursor.fetch(number)
                running = False
                return [record[0] for record in records]

            try:
                await driver.execute(self._begin())
                cursor = await driver.cursor(text, *arguments)
                running = False
                yield fetch
                running = True
                await driver.execute("COMMIT")
            except BaseException as error:
                if running and not isinstance(error, asyncpg.PostgresError):
                    self._later(self._close(connection, _discard))
                else:
                    await self._roll_back(connection)
                if running and (meant := _meaning(error, connection)) is not None:
                    raise meant from error
                raise  # what the block itself raised
            connection.pooled.close()

    def _begin(self) -> str:
        if self.seconds is None:
            return "BEGIN READ ONLY"
        return _BEGIN_WITHIN.replace("MOST", str(milliseconds(self.seconds)))

    async def _roll_back(self, connection: Connection) -> None:
        """Give a connection back on which nothing runs."""
        try:
            await connection.driver.execute("ROLLBACK")
        except BaseException as error:
            self._later(self._close(connection, _discard))
            if not isinstance(error, asyncpg.PostgresError | asyncpg.InterfaceError | OSError | TimeoutError):
                raise
        else:
            connection.pooled.close()


def _discard(connection: Connection) -> None:
    connection.pooled.invalidate()


def _meaning(error: BaseException, connection: Connection) -> Exception | None:
    """Say what an error of a stream means, `None` when it means itself."""
    if isinstance(error, LOST):
        return away(error)
    if isinstance(error, TimeoutError):
        return connection.slow(error)
    if isinstance(error, asyncpg.PostgresError):
        return connection.slow(error) if is_transient(error.sqlstate) else differs(error)
    return None
