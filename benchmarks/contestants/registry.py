"""The list of contestants, and the requests each is asked.

A contestant reads the database's URL from `BENCHMARK_DATABASE`; all must answer the requests with the same JSON.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from benchmarks.data import POSTS

LIST, ONE, EMBED, EMPTY = "50 posts", "one post by id", "20 posts with author and comments", "empty answer"

ENDPOINTS: Mapping[str, tuple[str, ...]] = {
    LIST: ("/posts",),
    ONE: tuple(f"/posts/{id}" for id in Random(1).sample(range(1, POSTS + 1), POSTS)),
    EMBED: ("/posts?limit=20&include=author,comments",),
}
BOTH = ("postgresql", "sqlite")

HAND_WRITTEN = "hand-written"
FLOORS = ("floor", "floor-pool")


@dataclass(frozen=True)
class Contestant:
    """An ASGI app (or a folder with a Node server), what it is, on which databases it runs, and what it is asked."""

    name: str
    app: str
    about: str
    databases: tuple[str, ...] = BOTH
    node: bool = False
    paths: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: ENDPOINTS)


CONTESTANTS = (
    Contestant("onetrip", "onetrip_app:app", "`API(User, Post, Comment)` in a FastAPI app"),
    Contestant(
        HAND_WRITTEN,
        "handwritten:app",
        "FastAPI + SQLModel `AsyncSession`, `response_model`, `selectinload`; asyncpg or aiosqlite",
        # One route, one response model: the embedding list is a route of its own, which costs less than a union.
        paths=dict(ENDPOINTS) | {EMBED: ("/posts/detailed?limit=20",)},
    ),
    Contestant(
        "floor",
        "floor_postgresql:held",
        "bare ASGI, JSON from one SQL statement; eight held asyncpg connections, prepared statements",
        ("postgresql",),
    ),
    Contestant("floor-pool", "floor_postgresql:pooled", "the same through asyncpg's `pool.fetchval`", ("postgresql",)),
    Contestant(
        "floor",
        "floor_sqlite:app",
        "bare ASGI, JSON from one SQL statement; `sqlite3` in the event loop",
        ("sqlite",),
    ),
    Contestant(
        "fastify",
        "fastify",
        "hand-written with Fastify and pg: response schemas, named statements (Node; only with `--fastify`)",
        ("postgresql",),
        node=True,
        paths=dict(ENDPOINTS) | {EMBED: ("/posts/detailed?limit=20",)},
    ),
    Contestant("empty-asgi", "empty_asgi:app", "bare ASGI, `{}`, no database", paths={EMPTY: ("/",)}),
    Contestant("empty-fastapi", "empty_fastapi:app", "FastAPI route, `{}`, no database", paths={EMPTY: ("/",)}),
)
