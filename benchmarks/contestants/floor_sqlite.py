"""The floor on SQLite: one statement makes the JSON, run by the standard library's `sqlite3` in the event loop."""

import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import datetime
from typing import Any

from benchmarks.contestants.bare import Fetch, Floor


def timestamp(column: str) -> str:
    """Write a moment as Pydantic does: in UTC (as it is stored), with a fraction only if there is one."""
    whole = f"replace(substr({column}, 1, 19), ' ', 'T')"
    return f"CASE WHEN substr({column}, 20) = '.000000' THEN {whole} ELSE replace({column}, ' ', 'T') END || 'Z'"


POST = f"""'id', p.id, 'title', p.title, 'content', p.content, 'views', p.views,
    'published', json(CASE WHEN p.published THEN 'true' ELSE 'false' END),
    'created_at', {timestamp("p.created_at")}, 'author_id', p.author_id"""
AUTHOR = f"""
    'author', (SELECT json_object('id', u.id, 'email', u.email, 'username', u.username,
        'created_at', {timestamp("u.created_at")}) FROM "user" u WHERE u.id = p.author_id)"""


def comments(order: str, limit: int) -> str:
    """Make a JSON array of the first comments of a post."""
    return f"""
    'comments', (SELECT json_group_array(json_object('id', c.id, 'body', c.body,
        'created_at', {timestamp("c.created_at")}, 'post_id', c.post_id, 'author_id', c.author_id))
        FROM (SELECT * FROM comment WHERE post_id = p.id ORDER BY {order} LIMIT {limit}) c)"""


def many(pairs: str, limit: int, rest: str = "ORDER BY id") -> str:
    """Make a JSON array of the first posts."""
    return f"SELECT json_group_array(json_object({pairs})) FROM (SELECT * FROM post {rest} LIMIT {limit}) p"


COLUMNS = "title, content, views, published, created_at, author_id"
WRITTEN = f"RETURNING json_object({POST.replace('p.', 'post.')})"  # aliases are not known there

STATEMENTS = {
    "list": many(POST, 50),
    "embed": many(f"{POST}, {AUTHOR}, {comments('id', 100)}", 20),
    "newest": many(f"{POST}, {comments('id DESC', 3)}", 20),
    "sorted": many(POST, 50, "WHERE author_id = ? AND published ORDER BY created_at DESC, id DESC"),
    "one": f"SELECT json_object({POST}) FROM post p WHERE p.id = ?",
    "create": f"INSERT INTO post ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?) {WRITTEN}",
    "update": f"UPDATE post SET title = ?, content = ? WHERE id = ? {WRITTEN}",
}


@asynccontextmanager
async def connect() -> AsyncIterator[Fetch]:
    """Hold one connection; the event loop waits for it."""
    path = os.environ["BENCHMARK_DATABASE"].removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")

        async def fetch(statement: str, /, *values: Any) -> bytes | None:
            if statement == "create_many":
                return create_many(connection, values[0])
            rows = connection.execute(STATEMENTS[statement], tuple(map(stored, values))).fetchall()
            return rows[0][0].encode() if rows else None

        yield fetch


def create_many(connection: sqlite3.Connection, rows: list[tuple[Any, ...]]) -> bytes:
    """Insert rows in one transaction; SQLite has no arrays."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        written = [connection.execute(STATEMENTS["create"], tuple(map(stored, row))).fetchall()[0][0] for row in rows]
    return f"[{','.join(written)}]".encode()


def stored(value: Any) -> Any:
    """Write a moment as SQLAlchemy stores it."""
    return value.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(value, datetime) else value


app = Floor(connect)
