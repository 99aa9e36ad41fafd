"""The floor on SQLite: one statement makes the JSON, run by the standard library's `sqlite3` in the event loop."""

import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

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
COMMENTS = f"""
    'comments', (SELECT json_group_array(json_object('id', c.id, 'body', c.body,
        'created_at', {timestamp("c.created_at")}, 'post_id', c.post_id, 'author_id', c.author_id))
        FROM (SELECT * FROM comment WHERE post_id = p.id ORDER BY id LIMIT 100) c)"""


def many(pairs: str) -> str:
    """Make a JSON array of the first posts."""
    return f"SELECT json_group_array(json_object({pairs})) FROM (SELECT * FROM post ORDER BY id LIMIT ?) p"


STATEMENTS = {
    "list": many(POST),
    "embed": many(f"{POST}, {AUTHOR}, {COMMENTS}"),
    "one": f"SELECT json_object({POST}) FROM post p WHERE p.id = ?",
}


@asynccontextmanager
async def connect() -> AsyncIterator[Fetch]:
    """Hold one connection; the event loop waits for it."""
    path = os.environ["BENCHMARK_DATABASE"].removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:

        async def fetch(statement: str, value: int, /) -> bytes | None:
            row = connection.execute(STATEMENTS[statement], (value,)).fetchone()
            return None if row is None else row[0].encode()

        yield fetch


app = Floor(connect)
