"""The contestant hand-written: the endpoints as one writes them today with FastAPI and SQLModel's async session.

It is given what helps it: a response model per route, a pool as large as the load, connections that stay open.
"""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Query
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import selectinload
from sqlmodel import SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from benchmarks.models import Post

url = make_url(os.environ["BENCHMARK_DATABASE"])
driver = {"postgresql": "postgresql+asyncpg", "sqlite": "sqlite+aiosqlite"}[url.drivername]
engine = create_async_engine(url.set(drivername=driver), pool_size=16)


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

app = FastAPI(lifespan=lifespan)


@app.get("/posts", response_model=list[PostRead])
async def list_posts(session: Session, limit: Limit = 50, offset: Offset = 0) -> Sequence[Post]:
    return (await session.exec(select(Post).order_by(col(Post.id)).offset(offset).limit(limit))).all()


@app.get("/posts/detailed", response_model=list[PostDetail])
async def list_posts_detailed(session: Session, limit: Limit = 50, offset: Offset = 0) -> Sequence[Post]:
    author: Any = Post.author  # typed as the related class, which `selectinload` does not take
    comments: Any = Post.comments
    query = select(Post).options(selectinload(author), selectinload(comments))
    return (await session.exec(query.order_by(col(Post.id)).offset(offset).limit(limit))).all()


@app.get("/posts/{id}", response_model=PostRead)
async def get_post(id: int, session: Session) -> Post:
    post = await session.get(Post, id)
    if post is None:
        raise HTTPException(404, "Post not found")
    return post
