"""Users, posts and comments: the tables of most tests, on a metadata of their own."""

from datetime import UTC, datetime
from typing import Any, Optional

from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, SQLModel


class Base(SQLModel, registry=registry()):
    """Keeps these tables apart from those of other tests."""


class User(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    email: str = Field(unique=True)
    username: str
    bio: str | None = None
    hashed_password: str = "x"
    created_at: datetime = Field(default=datetime(2026, 1, 1, tzinfo=UTC))
    posts: list["Post"] = Relationship(back_populates="author")
    comments: list["Comment"] = Relationship(back_populates="author")


class Post(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    title: str
    content: str = ""
    views: int = 0
    published: bool = True
    internal_note: str | None = Field(default=None, exclude=True)
    author_id: int = Field(foreign_key="user.id", index=True)
    author: User = Relationship(back_populates="posts")
    comments: list["Comment"] = Relationship(back_populates="post")


class Comment(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    body: str
    post_id: int = Field(foreign_key="post.id", index=True)
    author_id: int | None = Field(default=None, foreign_key="user.id")
    post: Post = Relationship(back_populates="comments")
    author: Optional[User] = Relationship(back_populates="comments")  # noqa: UP045 - SQLModel cannot read `User | None`


metadata = Base.metadata


def rows() -> list[Any]:
    """Two users, five posts (four of the first), three comments (one without an author)."""
    return [
        User(id=1, email="ada@example.com", username="ada", bio="wrote the first program"),
        User(id=2, email="alan@example.com", username="alan"),
        Post(id=1, title="Notes", content="on the engine", views=10, author_id=1, internal_note="draft"),
        Post(id=2, title="Bernoulli", views=30, author_id=1),
        Post(id=3, title="Looms", views=20, published=False, author_id=1),
        Post(id=4, title="Poetry", views=20, author_id=1),
        Post(id=5, title="Computable numbers", views=5, author_id=2),
        Comment(id=1, body='"quoted", naïve & 🚀', post_id=1, author_id=2),
        Comment(id=2, body="second", post_id=1, author_id=1),
        Comment(id=3, body="anonymous", post_id=5),
    ]
