"""One connection to PostgreSQL on the driver: the statements prepared on it, and how long one of them may run."""

from typing import Any

import asyncpg

from onetrip.db.runner import overdue, slow
from onetrip.errors import Unavailable

MAX_PREPARED = 256
"""Prepared statements that one connection keeps."""

_LIMIT = """
SELECT setting::bigint, CASE
    WHEN pid = $2::int THEN set_config(name, least(nullif(setting::bigint, 0), $1::bigint)::text, false)
END FROM pg_settings, pg_backend_pid() AS pid WHERE name = 'statement_timeout'"""
"""Asked once of a connection. Behind a pooler, the process that answers is not the one that the driver was told of."""


class Connection:
    """A driver connection, the pool's record of it, the statements prepared on it, and how long one may run.

    The server ends it after `seconds`, or the driver does if the connection leads through a pooler: another client has
    the server's session next, and its settings. `before` is the server's setting to come back to (milliseconds).
    """

    __slots__ = ("before", "driver", "patience", "pooled", "prepared", "seconds")

    def __init__(self, pooled: Any) -> None:
        self.pooled = pooled
        self.driver: Any = pooled.driver_connection
        self.prepared: dict[str, Any] = pooled.info.setdefault("onetrip_prepared", {})
        self.seconds: float | None = None
        self.patience: float | None = None
        self.before: int | None = None

    async def limit(self, seconds: float) -> None:
        """Let no statement run longer; what the server itself allows may be less."""
        most = milliseconds(seconds)
        before, now = await self.driver.fetchrow(_LIMIT, most, self.driver.get_server_pid())
        allowed = min(before or most, most)
        self.seconds = allowed / 1000
        if now is None:
            self.patience = seconds
        elif allowed != before:
            self.before = before

    async def give_back(self) -> None:
        """Return it to the pool as it was."""
        try:
            if self.before is not None:
                await self.driver.execute(f"SET statement_timeout = {self.before}")
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            self.pooled.invalidate()
        except BaseException:
            self.pooled.invalidate()
            raise
        else:
            self.pooled.close()

    async def prepare(self, text: str) -> Any:
        """Prepare a statement; the oldest goes when there are many (the driver closes it on the server)."""
        if len(self.prepared) >= MAX_PREPARED:
            del self.prepared[next(iter(self.prepared))]
        statement = self.prepared[text] = await self.driver.prepare(text)
        return statement

    def slow(self, error: BaseException) -> Unavailable:
        """Say what it means that a statement was ended."""
        if self.patience is not None and isinstance(error, TimeoutError):
            return overdue(error, self.patience)
        return slow(error, self.seconds)


def milliseconds(seconds: float) -> int:
    """Say a time as PostgreSQL takes it, to which zero is no limit."""
    return max(1, round(seconds * 1000))
