"""How many statements a request costs, counted where they arrive: PostgreSQL's own log, SQLite's execute."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from onetrip import API
from onetrip.db.sqlite import SQLiteReader
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
    opened = SQLiteReader._open

    def traced_open(reader: SQLiteReader) -> sqlite3.Connection:
        connection = opened(reader)
        connection.set_trace_callback(found.append)
        traced.append(connection)
        return connection

    runner: Any = api.database._runner
    for connection in getattr(runner, "opened", []):
        connection.set_trace_callback(found.append)
        traced.append(connection)
    SQLiteReader._open = traced_open  # type: ignore[method-assign]
    try:
        yield found
    finally:
        SQLiteReader._open = opened  # type: ignore[method-assign]
        for connection in traced:
            connection.set_trace_callback(None)
