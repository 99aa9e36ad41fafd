"""Sample rows: a few thousand, the same ones every time.

`onetrip serve` calls `seed` once, on a database that it has just created, and commits.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, TypeVar

from sqlmodel.ext.asyncio.session import AsyncSession

from .models import Comment, Post, PostTag, Tag, User
from .writing import CLOSINGS, COMMENTS, FIRST, LAST, LIKES, OPENINGS, SUBJECTS, TAGS, TITLES, WORK, Subject

Item = TypeVar("Item")

USERS, POSTS, COMMENTS_IN_ALL = 240, 900, 3_000
OPENED = datetime(2025, 1, 6, 8, tzinfo=UTC)
TODAY = datetime(2026, 6, 30, 18, tzinfo=UTC)

HASH = "$argon2id$v=19$m=65536,t=3,p=4$kP/lLNHeVrPgpzFNV6p4SQ$2f5Oo5BhLJf2TYnoB7o/TYHI566tUMKdE5PD8BnMyF8"
"""The hash of every sample user's password, which is "codeclash": to make 240 takes longer than all the rest."""


async def seed(session: AsyncSession) -> None:
    """Fill an empty database."""
    random = Random(2026)
    users = _users(random)
    await _store(session, users)
    subjects = [random.choice(SUBJECTS) for _ in range(POSTS)]
    posts = _posts(random, users, subjects)
    await _store(session, posts)
    await _store(session, _comments(random, users, posts, subjects))
    tags = [Tag(name=name) for name in sorted({name for names in TAGS.values() for name in names})]
    await _store(session, tags)
    await _store(session, _links(posts, subjects, tags))


async def _store(session: AsyncSession, rows: Sequence[Any], portion: int = 500) -> None:
    """Write rows in portions, so that whoever watches sees them grow."""
    for start in range(0, len(rows), portion):
        session.add_all(rows[start : start + portion])
        await session.flush()


def _users(random: Random) -> list[User]:
    names = random.sample([(first, last) for first in FIRST for last in LAST], USERS)
    moments = _moments(random, USERS, OPENED, OPENED + timedelta(days=60))
    return [_user(random, first, last, moment) for (first, last), moment in zip(names, moments, strict=True)]


def _user(random: Random, first: str, last: str, moment: datetime) -> User:
    bio = f"{random.choice(WORK).capitalize()}. Likes {' and '.join(random.sample(LIKES, 2))}."
    has_bio = random.random() < 0.7
    random.randbytes(48)  # what was drawn here once: the other rows stay the ones that the documentation shows
    return User(
        email=f"{first}.{last}@example.com".lower(),
        username=f"{first}{last}".lower(),
        bio=bio if has_bio else None,
        hashed_password=HASH,
        created_at=moment,
    )


def _posts(random: Random, users: Sequence[User], subjects: Sequence[Subject]) -> list[Post]:
    moments = _moments(random, POSTS, users[-1].created_at, TODAY)
    return [_post(random, _one(random, users), *written) for written in zip(subjects, moments, strict=True)]


def _post(random: Random, author: User, subject: Subject, moment: datetime) -> Post:
    facts = random.sample(subject.facts, random.randint(3, 5))
    paragraphs = [
        f"{random.choice(OPENINGS).format(subject.name)} {facts[0]}",
        " ".join(facts[1:]),
        random.choice(CLOSINGS),
    ]
    title = random.choice(TITLES).format(subject.name)
    return Post(
        title=title[0].upper() + title[1:],
        content="\n\n".join(paragraphs),
        views=round(random.lognormvariate(5, 1.2)),
        published=random.random() < 0.93,
        created_at=moment,
        author_id=_key(author),
    )


def _comments(
    random: Random, users: Sequence[User], posts: Sequence[Post], subjects: Sequence[Subject]
) -> list[Comment]:
    published = [pair for pair in zip(posts, subjects, strict=True) if pair[0].published]
    random.shuffle(published)
    chosen = [_one(random, published) for _ in range(COMMENTS_IN_ALL)]
    written = [
        (_after(random, post.created_at), number, post, subject) for number, (post, subject) in enumerate(chosen)
    ]
    return [
        Comment(
            body=random.choice(COMMENTS).format(subject.name, random.choice(subject.facts)),
            approved=random.random() < 0.9,
            created_at=moment,
            post_id=_key(post),
            author_id=_key(random.choice(users)),
        )
        for moment, _, post, subject in sorted(written, key=lambda item: item[:2])
    ]


def _links(posts: Sequence[Post], subjects: Sequence[Subject], tags: Sequence[Tag]) -> list[PostTag]:
    keys = {tag.name: _key(tag) for tag in tags}
    return [
        PostTag(post_id=_key(post), tag_id=keys[name])
        for post, subject in zip(posts, subjects, strict=True)
        for name in TAGS[subject.name]
    ]


def _key(row: User | Post | Tag) -> int:
    assert row.id is not None  # it was flushed
    return row.id


def _moments(random: Random, count: int, start: datetime, end: datetime) -> list[datetime]:
    """Choose moments between two, in order, to the second."""
    span = int((end - start).total_seconds())
    return [start + timedelta(seconds=second) for second in sorted(random.randrange(span) for _ in range(count))]


def _after(random: Random, start: datetime) -> datetime:
    """Choose a moment after another: mostly within days, never in the future."""
    seconds = min(random.expovariate(1 / 200_000), random.random() * (TODAY - start).total_seconds())
    return start + timedelta(seconds=int(seconds))


def _one(random: Random, items: Sequence[Item]) -> Item:
    """Choose one, the first ones far more often: a few write most, and a few posts are talked about."""
    return items[int(len(items) * random.random() ** 2)]
