"""The tables of CodeClash. Ordinary SQLModel: nothing here knows onetrip."""

from datetime import UTC, datetime

from sqlmodel import Field, Relationship, SQLModel


def now() -> datetime:
    """Answer the present moment in UTC."""
    return datetime.now(UTC)


class User(SQLModel, table=True):
    """Somebody who writes posts and comments."""

    id: int | None = Field(default=None, primary_key=True)
    email: str = Field(unique=True)
    username: str = Field(unique=True, max_length=40)
    bio: str | None = None
    hashed_password: str
    created_at: datetime = Field(default_factory=now)

    posts: list["Post"] = Relationship(back_populates="author")
    comments: list["Comment"] = Relationship(back_populates="author")


class Post(SQLModel, table=True):
    """An article by one user."""

    id: int | None = Field(default=None, primary_key=True)
    title: str = Field(min_length=1, max_length=200)
    content: str
    views: int = 0
    published: bool = True
    created_at: datetime = Field(default_factory=now, index=True)
    author_id: int = Field(foreign_key="user.id", index=True)

    author: User = Relationship(back_populates="posts")
    comments: list["Comment"] = Relationship(back_populates="post")


class Comment(SQLModel, table=True):
    """What one user says about one post."""

    id: int | None = Field(default=None, primary_key=True)
    body: str = Field(min_length=1, max_length=2000)
    approved: bool = True
    created_at: datetime = Field(default_factory=now)
    post_id: int = Field(foreign_key="post.id", index=True)
    author_id: int = Field(foreign_key="user.id", index=True)

    post: Post = Relationship(back_populates="comments")
    author: User = Relationship(back_populates="comments")
