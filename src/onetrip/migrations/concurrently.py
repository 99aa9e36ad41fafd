"""PostgreSQL: indexes made CONCURRENTLY, outside of any transaction, by a run that may have been interrupted before."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

_NAME = r"(?:\"(?:[^\"]|\"\")+\"|[\w$]+)"
_CREATE = re.compile(
    rf"\s*CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+(?P<exists>IF\s+NOT\s+EXISTS\s+)?(?P<index>{_NAME})\s+"
    rf"ON\s+(?:ONLY\s+)?(?P<table>{_NAME}(?:\.{_NAME})?)",
    re.IGNORECASE,
)
_WAITING = re.compile(r"\s*(?:CREATE|DROP|REINDEX)\b[^;]*?\b(?:INDEX|TABLE)\s+CONCURRENTLY\b", re.IGNORECASE)
_EXISTING = """
SELECT i.indexrelid::regclass::text, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = to_regclass(%s) AND c.relname = (parse_ident(%s))[1]
"""


_BEING_MADE = "SELECT 1 FROM pg_stat_progress_create_index WHERE index_relid = %s::regclass"

_EVERY = 0.1  # seconds, between two looks


@contextmanager
def resumable(connection: sa.Connection) -> Iterator[None]:
    """Let a revision make indexes that an earlier run of it made already, or half.

    One that is INVALID is dropped before it is made again, one that is whole is left. They wait as long as it takes:
    nobody else waits for them meanwhile, and one that gives up leaves an INVALID index.
    """
    timeouts: list[str] = []

    def before(conn: sa.Connection, _: object, statement: str, parameters: Any, *__: object) -> tuple[str, Any]:
        cursor = conn.connection.dbapi_connection.cursor()  # type: ignore[union-attr]
        if _WAITING.match(statement):
            timeouts.append(cursor.execute("SHOW lock_timeout").fetchone()[0])
            cursor.execute("SET lock_timeout = 0")
        created = _CREATE.match(statement)
        if created is None:
            return statement, parameters
        existing = _existing(cursor, created["table"], created["index"])
        if existing and not existing[1]:
            cursor.execute(f"DROP INDEX CONCURRENTLY {existing[0]}")
        elif existing and not created["exists"]:
            place = created.start("index")
            statement = f"{statement[:place]}IF NOT EXISTS {statement[place:]}"
        return statement, parameters

    def after(conn: sa.Connection, _: object, statement: str, *__: object) -> None:
        if _WAITING.match(statement):
            cursor = conn.connection.dbapi_connection.cursor()  # type: ignore[union-attr]
            cursor.execute(f"SET lock_timeout = '{timeouts.pop()}'")

    sa.event.listen(connection, "before_cursor_execute", before, retval=True)
    sa.event.listen(connection, "after_cursor_execute", after)
    try:
        yield
    finally:
        sa.event.remove(connection, "before_cursor_execute", before)
        sa.event.remove(connection, "after_cursor_execute", after)


def _existing(cursor: Any, table: str, index: str) -> tuple[str, bool] | None:
    """Find an index, and whether it is whole, when nobody makes it any more.

    The server goes on for a process that was killed. To wait for that in a statement would be a deadlock: who makes an
    index CONCURRENTLY waits for statements, too.
    """
    while True:
        found: tuple[str, bool] | None = cursor.execute(_EXISTING, (table, index)).fetchone()
        if found is None or not cursor.execute(_BEING_MADE, (found[0],)).fetchone():
            return found
        time.sleep(_EVERY)
