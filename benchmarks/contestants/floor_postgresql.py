"""The floors on PostgreSQL: one statement makes the JSON, as bytes; through held connections, or asyncpg's pool."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, cast

import asyncpg

from benchmarks.contestants.bare import Fetch, Floor

CONNECTIONS = 8


def timestamp(column: str) -> str:
    """Write a moment as Pydantic does: in UTC, with a fraction only if there is one."""
    form = """to_char(timezone('UTC', {0}), 'YYYY-MM-DD"T"HH24:MI:SS{1}"Z"')"""
    whole, exact = form.format(column, ""), form.format(column, ".US")
    return f"CASE WHEN date_trunc('second', {column}) = {column} THEN {whole} ELSE {exact} END AS created_at"


POST = f"p.id, p.title, p.content, p.views, p.published, {timestamp('p.created_at')}, p.author_id"
AUTHOR = f"""
    (SELECT row_to_json(r) FROM (
        SELECT u.id, u.email, u.username, {timestamp("u.created_at")} FROM "user" u WHERE u.id = p.author_id
    ) r) AS author"""


def comments(order: str, limit: int) -> str:
    """Make a JSON array of the first comments of a post."""
    return f"""
    (SELECT coalesce(array_to_json(array_agg(r)), '[]') FROM (
        SELECT c.id, c.body, {timestamp("c.created_at")}, c.post_id, c.author_id
        FROM comment c WHERE c.post_id = p.id ORDER BY {order} LIMIT {limit}
    ) r) AS comments"""


def many(columns: str, limit: int, rest: str = "ORDER BY p.id") -> str:
    """Make a JSON array of the first posts. The limit is a literal: a parameter is planned for each time."""
    rows = f"SELECT {columns} FROM post p {rest} LIMIT {limit}"
    return f"SELECT convert_to(coalesce(array_to_json(array_agg(q)), '[]')::text, 'UTF8') FROM ({rows}) q"


# What a write returns; a name of its own for the row, which is the table's otherwise
WRITTEN = f"RETURNING (SELECT convert_to(row_to_json(q)::text, 'UTF8') FROM (SELECT {POST}) q)"
COLUMNS = "title, content, views, published, created_at, author_id"
TYPES = ("text", "text", "int", "bool", "timestamptz", "int")
LISTS = ", ".join(f"${number}::{type}[]" for number, type in enumerate(TYPES, 1))

STATEMENTS = {
    "list": many(POST, 50),
    "embed": many(f"{POST}, {AUTHOR}, {comments('c.id', 100)}", 20),
    "newest": many(f"{POST}, {comments('c.id DESC', 3)}", 20),
    "sorted": many(POST, 50, "WHERE p.author_id = $1 AND p.published ORDER BY p.created_at DESC, p.id DESC"),
    "one": f"SELECT convert_to(row_to_json(q)::text, 'UTF8') FROM (SELECT {POST} FROM post p WHERE p.id = $1) q",
    "create": f"INSERT INTO post AS p ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6) {WRITTEN}",
    "update": f"UPDATE post p SET title = $1, content = $2 WHERE p.id = $3 {WRITTEN}",
    "create_many": f"""
        WITH p AS (INSERT INTO post ({COLUMNS}) SELECT * FROM unnest({LISTS}) RETURNING *)
        SELECT convert_to(array_to_json(array_agg(q))::text, 'UTF8') FROM (SELECT {POST} FROM p ORDER BY id) q""",
}


def arguments(statement: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Turn rows into a list for each column."""
    return tuple(zip(*values[0], strict=True)) if statement == "create_many" else values


@asynccontextmanager
async def held_connections() -> AsyncIterator[Fetch]:
    """Hold a few connections with every statement prepared; the one used last is used next."""
    async with AsyncExitStack() as stack:
        idle = asyncio.LifoQueue[dict[str, asyncpg.prepared_stmt.PreparedStatement]]()
        for _ in range(CONNECTIONS):
            connection = await asyncpg.connect(os.environ["BENCHMARK_DATABASE"])
            stack.push_async_callback(connection.close)
            idle.put_nowait({name: await connection.prepare(sql) for name, sql in STATEMENTS.items()})

        async def fetch(statement: str, /, *values: Any) -> bytes | None:
            prepared = await idle.get()
            try:
                return cast(bytes | None, await prepared[statement].fetchval(*arguments(statement, values)))
            finally:
                idle.put_nowait(prepared)

        yield fetch


@asynccontextmanager
async def pool() -> AsyncIterator[Fetch]:
    """Ask asyncpg's own pool, with its defaults."""
    async with asyncpg.create_pool(os.environ["BENCHMARK_DATABASE"]) as connections:

        async def fetch(statement: str, /, *values: Any) -> bytes | None:
            return cast(bytes | None, await connections.fetchval(STATEMENTS[statement], *arguments(statement, values)))

        yield fetch


held = Floor(held_connections)
pooled = Floor(pool)
