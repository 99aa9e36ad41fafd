"""How many statements a request costs, counted where they arrive: PostgreSQL's own log, SQLite's execute."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from onetrip import API
from onetrip.db.sqlite import SQLiteReader
from onetrip.db.sqlite_writer import SQLiteWriter
from tests.support.databases import Backend


class Statements(list[str]):
    """The statements that arrived."""


@contextmanager
def count_statements(backend: Backend, api: API) -> Iterator[Statements]:
    """Collect every statement that reaches the database inside the block."""
    found = Statements()
    if backend.server is not None:
        start = backend.server.log_size()
        yield found
        time.sleep(0.02)  # the log is written by another process
        found += backend.server.statements(start)
        return
    traced: list[sqlite3.Connection] = []

    def trace(connection: sqlite3.Connection | None) -> sqlite3.Connection | None:
        if connection is not None:
            connection.set_trace_callback(found.append)
            traced.append(connection)
        return connection

    for connections in api.database._open.values():
        for connection in getattr(connections.runner, "opened", ()):
            trace(connection)
        trace(getattr(connections.writer, "connection", None))
    openers: dict[Any, Any] = {kind: kind._open for kind in (SQLiteReader, SQLiteWriter)}
    for kind, opened in openers.items():
        kind._open = _traced(opened, trace)
    try:
        yield found
    finally:
        for kind, opened in openers.items():
            kind._open = opened
        for connection in traced:
            with suppress(sqlite3.ProgrammingError):  # it is closed, as that of an export is
                connection.set_trace_callback(None)
        found[:] = [now for now, before in zip(found, [None, *found], strict=False) if not _is_ours(now, before)]


def _traced(opened: Callable[[Any], Any], trace: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda runner: trace(opened(runner))


def _is_ours(statement: str, before: str | None) -> bool:
    """Say whether a statement is none of the request's: it sets up a connection between two others, or is traced again.

    SQLite traces what a foreign key does to other rows, which the driver reports as the statement itself, and how an
    index for searching is read and kept.
    """
    if statement.startswith(("-- ", "PRAGMA 'main'.data_version")) or "'main'.'onetrip_search_" in statement:
        return True
    again = statement == before and statement.startswith(("DELETE", "UPDATE"))
    return again or statement.startswith(("PRAGMA busy_timeout", "PRAGMA journal_mode"))
