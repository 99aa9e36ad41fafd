"""What the engines of sessions are taught besides: no commit that is none, none that leaves its transaction open, and
no write in a transaction that only reads.

Listeners of SQLAlchemy's events, so that an engine that a user brings has them too. They cost nothing until a statement
fails, or a transaction is read-only on SQLite.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

READ_ONLY = "onetrip_read_only"
"""Execution option of an engine whose transactions on SQLite refuse to write."""

_FAILED = "onetrip_failed"


def guard(engine: sa.Engine) -> None:
    """Watch over the transactions of an engine, from now on and once."""
    if event.contains(engine, "commit", _confirm):
        return
    event.listen(engine, "handle_error", _remember)
    event.listen(engine, "commit", _confirm)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "begin", _refuse_writes)
        event.listen(engine.pool, "reset", _allow_writes)
        event.listen(engine.pool, "reset", _end)


def _remember(context: Any) -> None:
    connection: sa.Connection | None = context.connection
    if connection is not None and not (connection.closed or connection.invalidated):
        connection.info[_FAILED] = True


def _confirm(connection: sa.Connection) -> None:
    """Find out whether the transaction is alive, if a statement failed on this connection and somebody let it pass.

    PostgreSQL answers the COMMIT of a failed transaction by a ROLLBACK, and no driver calls that an error:
    https://www.postgresql.org/docs/current/sql-commit.html. Any other statement is refused, so this one asks.
    """
    if connection.info.pop(_FAILED, False):
        connection.exec_driver_sql("SELECT 1")


def _refuse_writes(connection: sa.Connection) -> None:
    if connection.get_execution_options().get(READ_ONLY, False):
        connection.info[READ_ONLY] = True  # before, so that it is taken back whatever happens
        connection.exec_driver_sql("PRAGMA query_only = ON")


def _allow_writes(connection: Any, record: Any, state: Any) -> None:
    """Take it back when the connection returns to the pool; what is merely thrown away needs nothing."""
    if record.info.pop(READ_ONLY, False) and not state.terminate_only:
        cursor = connection.cursor()
        cursor.execute("PRAGMA query_only = OFF")
        cursor.close()


def _end(connection: Any, record: Any, state: Any) -> None:
    """Roll back what a COMMIT has left open that a deferred foreign key refused (https://sqlite.org/foreignkeys.html).

    SQLAlchemy takes such a transaction for ended; the connection would hold on to the lock of the writer in the pool.
    """
    if state.asyncio_safe and getattr(connection, "driver_connection", connection).in_transaction:
        connection.rollback()
