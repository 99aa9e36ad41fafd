"""The rows of the benchmark: the same on every run and on both databases."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import Engine, insert, inspect
from sqlmodel import SQLModel

from benchmarks.models import Comment, Post, User

USERS, POSTS, COMMENTS = 200, 2_000, 8_000

START = datetime(2026, 1, 1, tzinfo=UTC)
TEXT = (
    "the query planner reads one index and returns few rows while a naïve loop asks again for every author; "
    'caches help "sometimes", but fewer round trips help always — in Zürich, 東京 and at home 🙂 as well'
)
WORDS = TEXT.split()

Rows = list[dict[str, Any]]


def tables() -> Iterator[tuple[type[SQLModel], Rows]]:
    """Yield each table with its rows, parents first."""
    random = Random(2026)
    yield (
        User,
        [
            {"id": n, "email": f"user{n}@example.com", "username": f"user{n}", "created_at": moment(random)}
            for n in range(1, USERS + 1)
        ],
    )
    yield (
        Post,
        [
            {
                "id": n,
                "title": words(random, 4, 9).capitalize(),
                "content": "\n\n".join(words(random, 15, 30) for _ in range(2)),
                "views": random.randrange(100_000),
                "published": random.random() < 0.8,
                "created_at": moment(random),
                "author_id": random.randint(1, USERS),
            }
            for n in range(1, POSTS + 1)
        ],
    )
    yield (
        Comment,
        [
            {
                "id": n,
                "body": words(random, 6, 20),
                "created_at": moment(random),
                "post_id": random.randint(1, POSTS),
                "author_id": random.randint(1, USERS),
            }
            for n in range(1, COMMENTS + 1)
        ],
    )


def moment(random: Random) -> datetime:
    """Return a moment of 2026; every second one has a fraction, for the two are written differently in JSON."""
    return START + timedelta(seconds=random.randrange(300 * 86_400), microseconds=random.choice((0, 123_456)))


def words(random: Random, fewest: int, most: int) -> str:
    """Return between `fewest` and `most` words."""
    return " ".join(random.choices(WORDS, k=random.randint(fewest, most)))


def fill(engine: Engine, contents: Iterable[tuple[type[SQLModel], Rows]]) -> None:
    """Create the tables, which must not exist yet, and insert every row."""
    contents = list(contents)
    with engine.begin() as connection:
        SQLModel.metadata.create_all(connection, [inspect(model).local_table for model, _ in contents])
        for model, rows in contents:
            connection.execute(insert(model), rows)
