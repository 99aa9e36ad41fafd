"""What the start says about writes: what is not served, and what is more than one statement, each with its reason."""

from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import BaseModel
from sqlalchemy import event
from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, SQLModel

from onetrip import API, Change, Resource


class Base(SQLModel, registry=registry()):
    """Apart from other tests' tables."""


class Author(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str
    books: list["Book"] = Relationship(back_populates="author")


class Book(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    title: str
    author_id: int = Field(foreign_key="author.id")
    author: Author = Relationship(back_populates="books")
    pages: list["Page"] = Relationship(cascade_delete=True)


class Page(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    text: str
    book_id: int = Field(foreign_key="book.id")


class Account(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str
    hashed_password: str = Field(exclude=True)


class Heard(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str = ""


@event.listens_for(Heard, "before_update")
def listen(mapper: Any, connection: Any, target: Heard) -> None: ...


class Title(BaseModel):
    title: str


class Sign(BaseModel):
    name: str
    password: str


async def spell(change: Change[Book]) -> None: ...


def tell(change: Change[Any]) -> None: ...


FIRST = "first, and takes a session only where that uses it"
SESSION = "a session instead of one statement, because"


@pytest.mark.parametrize(
    ("resource", "said"),
    [
        (Resource(Author), []),
        (
            Resource(Author, before_create=spell),
            ["POST calls spell first, and takes a session only where that uses it"],
        ),
        (
            Resource(Author, before_update=spell),
            ["PATCH and PUT call spell first, and take a session only where that uses it"],
        ),
        (
            Resource(Author, before_create=[spell, tell], before_update=spell, history=True),
            ["POST, PATCH and PUT take {} spell is called before it", "DELETE takes {} its history is kept"],
        ),
        (Resource(Author, after_commit=tell), ["POST, PATCH, PUT and DELETE take {} tell is called after it"]),
        (Resource(Author, before_delete=[spell, tell]), [f"DELETE calls spell and tell {FIRST}"]),
        (Resource(Heard), ["PATCH and PUT take {} somebody listens to before_update"]),
        (
            Resource(Account),
            [
                "served without POST, because 'hashed_password' must have a value, and nothing provides one: "
                "give the column a default, or a model that has it, Resource(Account, create=…)"
            ],
        ),
        (
            Resource(Account, create=Sign, before_create=tell),
            [f"POST calls tell {FIRST}"],
        ),
    ],
)
def test_what_takes_a_session_is_said_with_the_reason(resource: Resource, said: Sequence[str]) -> None:
    """A sentence for each reason, with the methods that it is true of; none for what is one statement."""
    found = API(resource, database="sqlite://").notes
    name = next(iter(API(resource, database="sqlite://").schema.resources))
    beginnings = [f"/{name}: {text.format(SESSION)}" for text in said]
    assert len(found) == len(beginnings)
    assert all(note.startswith(text) for note, text in zip(found, beginnings, strict=True)), found


def test_what_the_orm_deletes_is_said() -> None:
    """A cascade that only the relationship knows; and PUT is gone beside a hand-written `update=`."""
    api = API(Author, Resource(Book, update=Title), Page, database="sqlite://")
    assert api.notes == (
        "/books: served without PUT, because Title says what may be changed, so that nothing is replaced as a whole",
        f"/books: DELETE takes {SESSION} 'pages' is deleted with it by the ORM",
    )


def test_nothing_is_said_of_writes_that_are_not_served() -> None:
    """An API that is only read has no writes that could take a session, and nobody needs to know why."""
    api = API(Resource(Author, before_create=spell), Resource(Account), database="sqlite://", read_only=True)
    assert api.notes == ()


def test_a_view_is_served_without_writes() -> None:
    """What is mapped to no table can only be read."""

    mapped = registry()
    view = sa.select(Author.__table__.c.id, Author.__table__.c.name).subquery()  # type: ignore[attr-defined]
    shown = type("Shown", (), {})
    mapped.map_imperatively(shown, view, primary_key=[view.c.id])
    (note,) = API(Resource(shown, path="shown"), database="sqlite://").notes
    assert note == "/shown: served without POST, PATCH, PUT and DELETE, because Shown is not mapped to a table"
