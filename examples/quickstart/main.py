"""Users and their posts, in one file: a base, a table and two schemas for each, a hash instead of a password."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from anyio import to_thread
from argon2 import PasswordHasher
from fastapi import Depends, FastAPI, HTTPException, Path
from pydantic import Secret, StringConstraints
from sqlalchemy.orm import selectinload
from sqlmodel import Field, Relationship, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from onetrip import API, Change, Resource


class UserBase(SQLModel):
    """What a user shows to everybody."""

    name: str = Field(min_length=1, max_length=100)
    email: str = Field(max_length=255, unique=True)


class User(UserBase, table=True):
    """Somebody who writes."""

    id: int | None = Field(default=None, primary_key=True)
    hashed_password: str  # never leaves the database

    posts: list["Post"] = Relationship(back_populates="author")


class UserCreate(UserBase):
    """What a new user sends."""

    password: Secret[Annotated[str, StringConstraints(min_length=8, max_length=1024)]]


class UserRead(UserBase):
    """What is answered about a user."""

    id: int


class Post(SQLModel, table=True):
    """What a user has written."""

    id: int | None = Field(default=None, primary_key=True)
    title: str = Field(min_length=1, max_length=200)
    content: str
    author_id: int = Field(foreign_key="user.id", index=True)

    author: User = Relationship(back_populates="posts")


HASHER = PasswordHasher()


async def hash_password(change: Change[User]) -> None:
    """Store a hash instead of the password; in a thread, because it takes a tenth of a second."""
    change.values["hashed_password"] = await to_thread.run_sync(HASHER.hash, change.body.password.get_secret_value())


api = API(
    Resource(User, read=UserRead, create=UserCreate, before_create=hash_password),
    Post,
    database="sqlite:///app.db",  # or postgresql://user:pass@localhost/db
)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Create the tables that are not there. An application that is deployed has migrations instead."""
    async with api.lifespan(app):
        async with api.transaction() as session:
            connection = await session.connection()
            await connection.run_sync(SQLModel.metadata.create_all)
        yield


app = FastAPI(title="Quick start", lifespan=lifespan, exception_handlers=api.exception_handlers)
app.include_router(api.router)


class PostTitle(SQLModel):
    """A post of a profile."""

    id: int
    title: str


class Profile(UserRead):
    """A user, and what they have written."""

    posts: list[PostTitle]


Id = Annotated[int, Path(ge=1, le=2**31 - 1)]
Session = Annotated[AsyncSession, Depends(api.session)]


@app.get("/users/{user_id}/profile", response_model=Profile, tags=["users"])
async def profile(user_id: Id, session: Session) -> User:
    """Get a user with their posts: an endpoint written by hand, in an asynchronous session."""
    posts: Any = User.posts  # typed as a list, which `selectinload` does not take
    user = await session.get(User, user_id, options=[selectinload(posts)])
    if user is None:
        raise HTTPException(404, "User not found")
    return user
