"""The contestant hand-written: the endpoints as one writes them today with FastAPI and SQLModel's async session.

It is given what helps it: a response model per route, a pool as large as the load, connections that stay open, and on
SQLite no sync for each commit.
"""

import os
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Query
from sqlalchemy import event, func, make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import aliased, selectinload
from sqlmodel import SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from benchmarks.contestants.unobserved import UNOBSERVED
from benchmarks.models import Comment, Post

url = make_url(os.environ["BENCHMARK_DATABASE"])
driver = {"postgresql": "postgresql+asyncpg", "sqlite": "sqlite+aiosqlite"}[url.drivername]
engine = create_async_engine(url.set(drivername=driver), pool_size=16)

if url.drivername == "sqlite":

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")


class UserRead(SQLModel):
    id: int
    email: str
    username: str
    created_at: datetime


class CommentRead(SQLModel):
    id: int
    body: str
    created_at: datetime
    post_id: int
    author_id: int


class PostRead(SQLModel):
    id: int
    title: str
    content: str
    views: int
    published: bool
    created_at: datetime
    author_id: int


class PostCreate(SQLModel):
    title: str
    content: str
    views: int = 0
    published: bool = False
    author_id: int


class PostUpdate(SQLModel):
    title: str | None = None
    content: str | None = None
    views: int | None = None
    published: bool | None = None
    author_id: int | None = None


class PostDetail(PostRead):
    author: UserRead
    comments: list[CommentRead]


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    yield
    await engine.dispose()


async def get_session() -> AsyncIterator[AsyncSession]:
    async with AsyncSession(engine, expire_on_commit=False) as session:
        yield session


Session = Annotated[AsyncSession, Depends(get_session)]
Limit = Annotated[int, Query(ge=0, le=1000)]
Offset = Annotated[int, Query(ge=0)]

app = FastAPI(lifespan=lifespan, telemetry=UNOBSERVED)


@app.get("/posts", response_model=list[PostRead])
async def list_posts(session: Session, limit: Limit = 50, offset: Offset = 0) -> Sequence[Post]:
    return (await session.exec(select(Post).order_by(col(Post.id)).offset(offset).limit(limit))).all()


@app.get("/posts/detailed", response_model=list[PostDetail])
async def list_posts_detailed(session: Session, limit: Limit = 50, offset: Offset = 0) -> Sequence[Post]:
    author: Any = Post.author  # typed as the related class, which `selectinload` does not take
    comments: Any = Post.comments
    query = select(Post).options(selectinload(author), selectinload(comments))
    return (await session.exec(query.order_by(col(Post.id)).offset(offset).limit(limit))).all()


class PostDiscussed(PostRead):
    comments: list[CommentRead]


@app.get("/posts/discussed", response_model=list[PostDiscussed])
async def list_posts_discussed(session: Session, limit: Limit = 50, newest: Limit = 3) -> list[PostDiscussed]:
    posts = (await session.exec(select(Post).order_by(col(Post.id)).limit(limit))).all()
    place = func.row_number().over(partition_by=col(Comment.post_id), order_by=col(Comment.id).desc()).label("place")
    ranked = select(Comment, place).where(col(Comment.post_id).in_([post.id for post in posts])).subquery()
    found = select(aliased(Comment, ranked)).where(ranked.c.place <= newest).order_by(ranked.c.id.desc())
    comments = defaultdict(list)
    for comment in (await session.exec(found)).all():
        comments[comment.post_id].append(comment)
    return [PostDiscussed.model_validate(post, update={"comments": comments[post.id]}) for post in posts]


@app.get("/users/{id}/published", response_model=list[PostRead])
async def list_published_posts(id: int, session: Session, limit: Limit = 50, offset: Offset = 0) -> Sequence[Post]:
    query = select(Post).where(Post.author_id == id, col(Post.published))
    query = query.order_by(col(Post.created_at).desc(), col(Post.id).desc())
    return (await session.exec(query.offset(offset).limit(limit))).all()


@app.get("/posts/{id}", response_model=PostRead)
async def get_post(id: int, session: Session) -> Post:
    post = await session.get(Post, id)
    if post is None:
        raise HTTPException(404, "Post not found")
    return post


@app.post("/posts", response_model=PostRead, status_code=201)
async def create_post(data: PostCreate, session: Session) -> Post:
    post = Post.model_validate(data)
    session.add(post)
    await session.commit()
    await session.refresh(post)
    return post


@app.post("/posts/bulk", response_model=list[PostRead], status_code=201)
async def create_posts(data: list[PostCreate], session: Session) -> list[Post]:
    posts = [Post.model_validate(item) for item in data]
    session.add_all(posts)
    await session.commit()  # nothing expires, so there is nothing to refresh: ids are there, as are the defaults
    return posts


@app.patch("/posts/{id}", response_model=PostRead)
async def update_post(id: int, data: PostUpdate, session: Session) -> Post:
    post = await session.get(Post, id)
    if post is None:
        raise HTTPException(404, "Post not found")
    post.sqlmodel_update(data.model_dump(exclude_unset=True))
    session.add(post)
    await session.commit()
    await session.refresh(post)
    return post
