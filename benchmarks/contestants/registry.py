"""The list of contestants, and the requests each is asked.

A contestant reads the database's URL from `BENCHMARK_DATABASE`; all must answer the requests with the same JSON.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from benchmarks.data import POSTS, USERS, words
from benchmarks.load import NUMBER, Request, gets

LIST, ONE, EMBED, EMPTY = "50 posts", "one post by id", "20 posts with author and comments", "empty answer"
SORTED, NEWEST = "published posts of one author, the newest first", "20 posts with their 3 newest comments"
CREATE, UPDATE, BATCH_ROWS = "POST of one post", "PATCH of title and content", 1_000
ONE_BY_ONE, BATCH = "POST of one post, one after the other", f"POST of an array of {BATCH_ROWS:,} posts"
ONE_CONNECTION = (ONE_BY_ONE, BATCH)

Requests = tuple[Request, ...]
random = Random(1)


def title_and_content() -> dict[str, Any]:
    """Return what a client writes: text as long as that of the rows that are there."""
    text = [words(random, 15, 30) for _ in range(2)]
    return {"title": f"{words(random, 3, 7).capitalize()} {NUMBER}", "content": "\n\n".join(text)}


def post() -> dict[str, Any]:
    """Return a new post; the database numbers it, and the model fills three more columns."""
    return title_and_content() | {"author_id": random.randint(1, USERS)}


def posted(path: str, *bodies: Any) -> Requests:
    """Post each body."""
    return tuple(Request(path, "POST", json.dumps(body, ensure_ascii=False)) for body in bodies)


IDS = random.sample(range(1, POSTS + 1), POSTS)
READS: Mapping[str, Requests] = {
    LIST: gets("/posts"),
    ONE: gets(*(f"/posts/{id}" for id in IDS)),
    EMBED: gets("/posts?limit=20&include=author,comments"),
    SORTED: gets(*(f"/posts?author_id={id}&published=true&sort=-created_at" for id in range(1, USERS + 1))),
    NEWEST: gets("/posts?limit=20&include=comments(limit=3,sort=-id)"),
}
POSTS_OF_ONE = posted("/posts", *(post() for _ in range(200)))
WRITES: Mapping[str, Requests] = {
    CREATE: POSTS_OF_ONE,
    UPDATE: tuple(Request(f"/posts/{id}", "PATCH", json.dumps(title_and_content(), ensure_ascii=False)) for id in IDS),
    ONE_BY_ONE: POSTS_OF_ONE,
    BATCH: posted("/posts", [post() for _ in range(BATCH_ROWS)]),
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
    requests: Mapping[str, Requests] = field(default_factory=lambda: {**READS, **WRITES})


CONTESTANTS = (
    Contestant("onetrip", "onetrip_app:app", "`API(User, Post, Comment)` in a FastAPI app"),
    Contestant(
        "onetrip-hook",
        "onetrip_hook:app",
        "the same with a `before_create` and a `before_update` hook: writes are transactions on an ordinary session",
        requests=WRITES,
    ),
    Contestant(
        HAND_WRITTEN,
        "handwritten:app",
        "FastAPI + SQLModel `AsyncSession`, `response_model`, `selectinload`, commit and refresh; asyncpg or aiosqlite",
        # One route, one body, one response model: lists of another form are routes of their own, cheaper than a union.
        requests={
            **READS,
            **WRITES,
            EMBED: gets("/posts/detailed?limit=20"),
            SORTED: gets(*(f"/users/{id}/published" for id in range(1, USERS + 1))),
            NEWEST: gets("/posts/discussed?limit=20"),
            BATCH: tuple(request._replace(path="/posts/bulk") for request in WRITES[BATCH]),
        },
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
        "reads hand-written with Fastify and pg: response schemas, named statements (Node; only with `--fastify`)",
        ("postgresql",),
        node=True,
        requests={LIST: READS[LIST], ONE: READS[ONE], EMBED: gets("/posts/detailed?limit=20")},
    ),
    Contestant("empty-asgi", "empty_asgi:app", "bare ASGI, `{}`, no database", requests={EMPTY: gets("/")}),
    Contestant("empty-fastapi", "empty_fastapi:app", "FastAPI route, `{}`, no database", requests={EMPTY: gets("/")}),
)
