"""The tables of the benchmark: plain SQLModel, with nothing of onetrip in them."""

from datetime import UTC, datetime

from sqlmodel import Field, Relationship, SQLModel


def now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


class User(SQLModel, table=True):
    """Somebody who writes posts and comments."""

    id: int | None = Field(default=None, primary_key=True)
    email: str = Field(unique=True)
    username: str
    created_at: datetime = Field(default_factory=now)

    posts: list["Post"] = Relationship(back_populates="author")
    comments: list["Comment"] = Relationship(back_populates="author")


class Post(SQLModel, table=True):
    """A post by one user."""

    id: int | None = Field(default=None, primary_key=True)
    title: str
    content: str
    views: int = 0
    published: bool = False
    created_at: datetime = Field(default_factory=now)
    author_id: int = Field(foreign_key="user.id", index=True)

    author: User = Relationship(back_populates="posts")
    comments: list["Comment"] = Relationship(back_populates="post", sa_relationship_kwargs={"order_by": "Comment.id"})


class Comment(SQLModel, table=True):
    """What one user said about one post."""

    id: int | None = Field(default=None, primary_key=True)
    body: str
    created_at: datetime = Field(default_factory=now)
    post_id: int = Field(foreign_key="post.id", index=True)
    author_id: int = Field(foreign_key="user.id", index=True)

    post: Post = Relationship(back_populates="comments")
    author: User = Relationship(back_populates="comments")
