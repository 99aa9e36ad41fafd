"""Tables that specs of writes change, with rows that are put back before each; apart from the world that is read."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Optional
from uuid import UUID, uuid4

import sqlalchemy as sa
from pydantic import NaiveDatetime, computed_field, field_validator
from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, SQLModel

from onetrip import API, Resource, Timestamped, Versioned
from tests.support.databases import Backend

Stored = Mapping[str, Sequence[Mapping[str, Any]]]
"""Every row of every table, by the table's name."""

SECRET = "never-to-be-seen"


class Base(SQLModel, registry=registry()):
    """Keeps these tables apart from those of other tests."""


class Author(Base, table=True):
    __table_args__ = (sa.CheckConstraint("name <> 'nobody'", name="author_is_somebody"),)
    id: int | None = Field(default=None, primary_key=True)
    email: str = Field(unique=True, max_length=50)
    name: str = Field(sa_type=sa.String(200))
    bio: str | None = None
    role: str = "reader"
    hashed_password: str = SECRET
    posts: list["Post"] = Relationship(back_populates="author")

    @field_validator("role")
    @classmethod
    def _is_a_role(cls, role: str) -> str:
        if role not in ("reader", "writer"):
            raise ValueError("is no role here")
        return role


class Post(Base, table=True):
    __table_args__ = (sa.UniqueConstraint("author_id", "title"),)
    id: int | None = Field(default=None, primary_key=True)
    title: str = Field(min_length=1, max_length=200)
    content: str = ""
    views: int = Field(default=0, ge=0)
    published: bool = True
    internal_note: str | None = Field(default=SECRET, exclude=True)
    author_id: int = Field(foreign_key="author.id")
    author: Author = Relationship(back_populates="posts")
    comments: list["Comment"] = Relationship(back_populates="post", passive_deletes="all")


class Comment(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    body: str
    post_id: int = Field(foreign_key="post.id", ondelete="CASCADE")
    author_id: int | None = Field(default=None, foreign_key="author.id", ondelete="SET NULL")
    post: Post = Relationship(back_populates="comments")


class Country(Base, table=True):
    """A key of text, which the client makes."""

    code: str = Field(primary_key=True)
    name: str


class Shelf(Base, table=True):
    """A composite key of text."""

    room: str = Field(primary_key=True)
    label: str = Field(primary_key=True)
    note: str | None = None


class Page(Versioned, Timestamped, Base, table=True):
    """Counts its changes."""

    id: int | None = Field(default=None, primary_key=True)
    title: str = Field(unique=True)
    body: str = ""


class Ledger(Versioned, Base, table=True):
    """Is changed with `If-Match` only."""

    id: int | None = Field(default=None, primary_key=True)
    amount: int = 0


class Node(Base, table=True):
    """Leads back to itself."""

    id: int | None = Field(default=None, primary_key=True)
    name: str
    parent_id: int | None = Field(default=None, foreign_key="node.id")
    parent: Optional["Node"] = Relationship(
        back_populates="children", sa_relationship_kwargs={"remote_side": "Node.id"}
    )
    children: list["Node"] = Relationship(back_populates="parent")


class Kind(Enum):
    PLAIN = "plain"
    FANCY = "fancy"


class Sample(Base, table=True):
    """A column of each type that can be too small for a value, and each kind of default."""

    id: int | None = Field(default=None, primary_key=True)
    whole: int | None = None
    small: int | None = Field(default=None, sa_type=sa.SmallInteger)
    big: int | None = Field(default=None, sa_type=sa.BigInteger)
    code: str | None = Field(default=None, max_length=3)
    text: str | None = None
    price: Decimal | None = Field(default=None, max_digits=5, decimal_places=2)
    ratio: float | None = None
    flag: bool | None = None
    day: date | None = None
    moment: datetime | None = None
    local: NaiveDatetime | None = None
    kind: Kind = Kind.PLAIN
    document: Any = Field(default=None, sa_type=sa.JSON, nullable=True)
    ticket: UUID = Field(default_factory=uuid4)
    level: int = Field(default=1, sa_column_kwargs={"server_default": "7"})
    twice: int | None = Field(default=None, sa_column=sa.Column(sa.Integer, sa.Computed("whole * 2", persisted=True)))


class Sealed(Base, table=True):
    """Nobody can create it: what it needs is hidden, and nothing provides it."""

    id: int | None = Field(default=None, primary_key=True)
    label: str
    api_key: str


class Badge(Base, table=True):
    """Python writes it."""

    id: int | None = Field(default=None, primary_key=True)
    given: str = Field(serialization_alias="givenName")
    family: str = ""


class BadgeRead(SQLModel):
    id: int
    given: str = Field(serialization_alias="givenName")
    family: str

    @computed_field  # type: ignore[prop-decorator]
    @property
    def whole(self) -> str:
        return f"{self.given} {self.family}".strip()


TABLES = (Author, Post, Comment, Country, Shelf, Page, Ledger, Node, Sample, Sealed, Badge)


def rows() -> list[Any]:
    return [
        Author(id=1, email="ada@example.com", name="Ada", bio="wrote the first program"),
        Author(id=2, email="alan@example.com", name="Alan"),
        Author(id=3, email="nobody@example.com", name="Noone"),
        Post(id=1, title="Notes", content="on the engine", views=10, author_id=1),
        Post(id=2, title="Looms", author_id=1),
        Comment(id=1, body="first", post_id=1, author_id=2), Comment(id=2, body="second", post_id=1),
        Country(code="DE", name="Germany"), Country(code="a/b", name="slash"),
        Shelf(room="a,b", label="c"), Shelf(room='"', label="\n", note="odd"),
        Page(id=1, title="Home"), Page(id=2, title="About", version=41),
        Ledger(id=1, amount=5),
        Node(id=1, name="root"), Node(id=2, name="leaf", parent_id=1),
        Sample(id=1, ticket=UUID(int=1)),
        Sealed(id=1, label="one", api_key=SECRET),
        Badge(id=1, given="Ada", family="Lovelace"),
    ]  # fmt: skip


BODIES: dict[type[Any], dict[str, Any]] = {
    Author: {"email": "grace@example.com", "name": "Grace"},
    Post: {"title": "Compilers", "author_id": 1},
    Comment: {"body": "third", "post_id": 1},
    Country: {"code": "FR", "name": "France"},
    Shelf: {"room": "r", "label": "l"},
    Page: {"title": "Imprint"},
    Ledger: {"amount": 1},
    Node: {"name": "other"},
    Sample: {"whole": 3},
    Sealed: {"label": "two"},
    Badge: {"givenName": "Grace"},
}


def body_of(table: type[Any]) -> dict[str, Any]:
    """A body that is right for a new row."""
    return dict(BODIES[table])


def api(url: str | None = None, **options: Any) -> API:
    """Every table as one API, of a database or an engine."""
    special = {Ledger: Resource(Ledger, require_if_match=True), Badge: Resource(Badge, read=BadgeRead)}
    return API(*(special.get(table, table) for table in TABLES), database=url, **options)


class Contents:
    """What a database holds, seen from beside the application."""

    def __init__(self, backend: Backend) -> None:
        self.engine = backend.engine()
        self.tables = Base.metadata.sorted_tables
        self.dialect = backend.name
        Base.metadata.create_all(self.engine)
        self.given = [(row.__table__, row.model_dump()) for row in rows()]

    def reset(self) -> None:
        """Put every row back, and count new keys from where they end."""
        with self.engine.begin() as connection:
            if self.dialect == "sqlite":
                connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
                for table in reversed(self.tables):
                    connection.execute(sa.delete(table))
            else:
                names = ", ".join(f'"{table.name}"' for table in self.tables)
                connection.exec_driver_sql(f"TRUNCATE {names}")
            for table, values in self.given:
                stored = {name: value for name, value in values.items() if name in table.c}
                computed = {column.name for column in table.c if column.computed is not None}
                unset = {name for name, value in stored.items() if value is None}
                connection.execute(sa.insert(table).values({
                    name: value for name, value in stored.items() if name not in computed | unset
                }))  # fmt: skip
            if self.dialect == "postgresql":
                for table in self.tables:
                    if "id" in table.c:
                        connection.exec_driver_sql(
                            f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'),"
                            f' (SELECT max(id) FROM "{table.name}"))'
                        )

    def read(self) -> Stored:
        """Read every row."""
        with self.engine.connect() as connection:
            return {
                table.name: [
                    dict(row._mapping) for row in connection.execute(sa.select(table).order_by(*table.primary_key))
                ]
                for table in self.tables
            }
