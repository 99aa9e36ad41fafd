"""The tables of CodeClash. Ordinary SQLModel: nothing here imports onetrip."""

from datetime import UTC, datetime

from pydantic import EmailStr
from sqlmodel import Field, Relationship, SQLModel

SET_BY_THE_SERVER = {"info": {"onetrip": "generated"}}
"""For columns that clients read and do not write. The label means something to onetrip, and nothing to SQLAlchemy."""

SAYS_WHEN_DELETED = {"info": {"onetrip": "deleted"}}
"""For the column that keeps a deleted row in its table, where no request finds it."""


def now() -> datetime:
    """Answer the present moment in UTC."""
    return datetime.now(UTC)


class User(SQLModel, table=True):
    """Somebody who writes posts and comments."""

    id: int | None = Field(default=None, primary_key=True)
    email: EmailStr = Field(unique=True)
    username: str = Field(unique=True, min_length=1, max_length=40)
    bio: str | None = None
    hashed_password: str
    created_at: datetime = Field(default_factory=now, sa_column_kwargs=SET_BY_THE_SERVER)

    posts: list["Post"] = Relationship(back_populates="author")
    comments: list["Comment"] = Relationship(back_populates="author")


class PostTag(SQLModel, table=True):
    """Says that a post bears a tag. It goes with either of them."""

    post_id: int = Field(foreign_key="post.id", primary_key=True, ondelete="CASCADE")
    tag_id: int = Field(foreign_key="tag.id", primary_key=True, index=True, ondelete="CASCADE")


class Tag(SQLModel, table=True):
    """What posts are about."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True, min_length=1, max_length=40)

    posts: list["Post"] = Relationship(back_populates="tags", link_model=PostTag)


class Post(SQLModel, table=True):
    """An article by one user."""

    id: int | None = Field(default=None, primary_key=True)
    title: str = Field(min_length=1, max_length=200)
    content: str
    views: int = 0
    published: bool = True
    created_at: datetime = Field(default_factory=now, index=True, sa_column_kwargs=SET_BY_THE_SERVER)
    author_id: int = Field(foreign_key="user.id", index=True)

    author: User = Relationship(back_populates="posts")
    comments: list["Comment"] = Relationship(back_populates="post")
    tags: list[Tag] = Relationship(back_populates="posts", link_model=PostTag)


class Comment(SQLModel, table=True):
    """What one user says about one post. It goes with the post, and keeps its author from going.

    One that is deleted stays where it is, and can be restored.
    """

    id: int | None = Field(default=None, primary_key=True)
    body: str = Field(min_length=1, max_length=2000)
    approved: bool = True
    created_at: datetime = Field(default_factory=now, sa_column_kwargs=SET_BY_THE_SERVER)
    post_id: int = Field(foreign_key="post.id", index=True, ondelete="CASCADE")
    author_id: int = Field(foreign_key="user.id", index=True)
    deleted_at: datetime | None = Field(default=None, sa_column_kwargs=SAYS_WHEN_DELETED)

    post: Post = Relationship(back_populates="comments")
    author: User = Relationship(back_populates="comments")
