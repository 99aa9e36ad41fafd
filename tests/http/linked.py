"""Tables that are related in every way in which something can be changed through a relation, and some in which not."""

from datetime import UTC, date, datetime
from typing import Any, Optional
from uuid import UUID

import sqlalchemy as sa
from pydantic import BaseModel, field_validator
from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, SQLModel

from onetrip import API, Change, Resource, SoftDelete, UUIDKey

SECRET = "never-to-be-seen"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
KEYS = [UUID(f"01980000-0000-7000-8000-00000000000{number}") for number in range(3)]


class Base(SQLModel, registry=registry()):
    """Keeps these tables apart from those of other tests."""


class PostTag(Base, table=True):
    """A link row with nothing but its keys."""

    __tablename__ = "post_tag"
    post_id: int = Field(foreign_key="post.id", primary_key=True)
    tag_id: int = Field(foreign_key="tag.id", primary_key=True)


class Placement(Base, table=True):
    """A link row with columns of its own, between a composite key and one that is not a number."""

    room: str = Field(primary_key=True)
    label: str = Field(primary_key=True)
    item_id: UUID = Field(foreign_key="item.id", primary_key=True)
    position: int = 7
    note: str | None = Field(default=None, max_length=5)
    level: int = Field(default=None, sa_column=sa.Column(sa.Integer, server_default="3", nullable=False))
    private: str = Field(default=SECRET, exclude=True)
    __table_args__ = (
        sa.ForeignKeyConstraint(["room", "label"], ["shelf.room", "shelf.label"]),
        sa.CheckConstraint("position < 100", name="position_is_small"),
    )


class Follow(Base, table=True):
    """A link row with a column that has no default, between rows of one table."""

    follower_id: int = Field(foreign_key="user.id", primary_key=True)
    followed_id: int = Field(foreign_key="user.id", primary_key=True)
    since: date


class Mention(Base, table=True):
    """Links that may be there twice: no unique key holds all of them."""

    __table_args__ = (
        sa.Index(
            "mentioned_once", "post_id", "user_id", unique=True,
            sqlite_where=sa.text("post_id > 100"), postgresql_where=sa.text("post_id > 100"),
        ),
    )  # fmt: skip
    id: int | None = Field(default=None, primary_key=True)
    post_id: int = Field(foreign_key="post.id")
    user_id: int = Field(foreign_key="user.id")


def _own(name: str, other: str) -> dict[str, str]:
    return {"primaryjoin": f"User.id == Follow.{name}_id", "secondaryjoin": f"User.id == Follow.{other}_id"}


class User(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str
    posts: list["Post"] = Relationship(back_populates="author")
    drafts: list["Post"] = Relationship(
        sa_relationship_kwargs={
            "primaryjoin": "and_(User.id == Post.author_id, Post.published == False)", "overlaps": "posts,author",
        }
    )  # fmt: skip
    seen: list["Post"] = Relationship(sa_relationship_kwargs={"viewonly": True})
    notes: list["Note"] = Relationship(back_populates="writer")
    visits: list["Visit"] = Relationship()
    follows: list["User"] = Relationship(
        back_populates="followers", link_model=Follow, sa_relationship_kwargs=_own("follower", "followed")
    )
    followers: list["User"] = Relationship(
        back_populates="follows", link_model=Follow, sa_relationship_kwargs=_own("followed", "follower")
    )


class Post(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    title: str = Field(max_length=20)
    published: bool = True
    author_id: int = Field(foreign_key="user.id")
    author: User = Relationship(back_populates="posts")
    tags: list["Tag"] = Relationship(back_populates="posts", link_model=PostTag)
    mentions: list[User] = Relationship(link_model=Mention)

    @field_validator("author_id")
    @classmethod
    def _may_write(cls, author_id: int) -> int:
        if author_id == 3:
            raise ValueError("may not write")
        return author_id


class Tag(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    posts: list[Post] = Relationship(back_populates="tags", link_model=PostTag)


class Note(Base, table=True):
    """What a client sends of it does not say who wrote it."""

    id: int | None = Field(default=None, primary_key=True)
    text: str
    writer_id: int = Field(foreign_key="user.id")
    writer: User = Relationship(back_populates="notes")


class NoteCreate(BaseModel):
    text: str


class Visit(Base, table=True):
    """Nobody may say whose it is."""

    id: int | None = Field(default=None, primary_key=True)
    page: str
    user_id: int | None = Field(default=None, foreign_key="user.id", exclude=True)


class Shelf(Base, table=True):
    room: str = Field(primary_key=True)
    label: str = Field(primary_key=True)
    items: list["Item"] = Relationship(back_populates="shelves", link_model=Placement)
    boxes: list["Box"] = Relationship(back_populates="shelf")


class Item(SoftDelete, UUIDKey, Base, table=True):
    name: str
    shelves: list[Shelf] = Relationship(back_populates="items", link_model=Placement)
    parts: list["Part"] = Relationship(back_populates="item")


class Box(Base, table=True):
    """A key of which the parent's key is a part."""

    room: str = Field(primary_key=True)
    label: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    shelf: Shelf = Relationship(back_populates="boxes")
    __table_args__ = (sa.ForeignKeyConstraint(["room", "label"], ["shelf.room", "shelf.label"]),)


class Part(Base, table=True):
    """Its foreign key has a name of its own, and is created by hooks."""

    id: int | None = Field(default=None, primary_key=True)
    name: str
    item_id: UUID | None = Field(default=None, foreign_key="item.id", alias="itemId")
    item: Optional[Item] = Relationship(back_populates="parts")  # noqa: UP045


class Party(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    title: str
    guests: list["Guest"] = Relationship(sa_relationship_kwargs={"secondary": "invitation"})
    seats: list["Seat"] = Relationship(sa_relationship_kwargs={"secondary": "partyseat"})


class Seat(Base, table=True):
    """Needs nothing."""

    id: int | None = Field(default=None, primary_key=True)
    color: str | None = Field(default=None, sa_column_kwargs={"server_default": sa.null()})


class PartySeat(Base, table=True):
    party_id: int = Field(foreign_key="party.id", primary_key=True)
    seat_id: int = Field(foreign_key="seat.id", primary_key=True)


class Guest(Base, table=True):
    """Is linked by a table that has no class, and created by hooks."""

    id: int | None = Field(default=None, primary_key=True)
    name: str


sa.Table(
    "invitation", Base.metadata,
    sa.Column("party_id", sa.ForeignKey("party.id")), sa.Column("guest_id", sa.ForeignKey("guest.id")),
    sa.Column("seat", sa.Integer, default=1), sa.UniqueConstraint("guest_id", "party_id"),
)  # fmt: skip


def shout(change: Change[Any]) -> None:
    """Change what is written, or refuse it."""
    change.values["name"] = change.values["name"].upper()


def rows() -> list[Any]:
    """Rows, those first that others refer to."""
    return [
        User(id=1, name="Ada"), User(id=2, name="Alan"), User(id=3, name="Mute"), Tag(id=1, name="red"),
        Tag(id=2, name="blue"), Shelf(room="a,b", label="c"), Shelf(room="a", label="b"), Party(id=1, title="May"),
        Item(id=KEYS[0], name="vase"), Item(id=KEYS[1], name="gone", deleted_at=LONG_AGO), Item(id=KEYS[2], name="jug"),
        Post(id=1, title="Notes", author_id=1), Guest(id=1, name="EVE"), PostTag(post_id=1, tag_id=1),
        Placement(room="a,b", label="c", item_id=KEYS[0], position=1, note="n"),
        Placement(room="a,b", label="c", item_id=KEYS[1]),
    ]  # fmt: skip


def api(url: str, **options: Any) -> API:
    """Serve everything."""
    return API(
        User, Post, Tag, Visit, Resource(Note, create=NoteCreate, before_create=lambda change: None), Shelf, Item, Box,
        Resource(Part, before_create=shout), Party, Seat, Resource(Guest, before_create=shout), database=url, **options,
    )  # fmt: skip
