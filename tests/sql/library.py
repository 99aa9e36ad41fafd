"""Writers, books and shelves, of which each can be deleted but the shelves: what is deleted stays in its table."""

from datetime import UTC, datetime
from typing import Any, Optional

import sqlalchemy as sa
from pydantic import BaseModel, computed_field
from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, SQLModel

from onetrip import SoftDelete

metadata = sa.MetaData()


class Base(SQLModel, registry=registry(metadata=metadata)):
    """Apart from other tests' tables."""


class Placement(SoftDelete, Base, table=True):
    """A link row that can be deleted itself."""

    book_id: int = Field(primary_key=True, foreign_key="book.id")
    shelf_id: int = Field(primary_key=True, foreign_key="shelf.id")
    place: int = 0


class Writer(SoftDelete, Base, table=True):
    id: int = Field(primary_key=True)
    name: str = Field(unique=True)
    mentor_id: int | None = Field(default=None, foreign_key="writer.id")
    mentor: Optional["Writer"] = Relationship(sa_relationship_kwargs={"remote_side": "Writer.id"})
    books: list["Book"] = Relationship(back_populates="writer")


class Book(SoftDelete, Base, table=True):
    id: int = Field(primary_key=True)
    title: str
    writer_id: int = Field(foreign_key="writer.id")
    writer: Writer = Relationship(back_populates="books")
    shelves: list["Shelf"] = Relationship(back_populates="books", link_model=Placement)


class Shelf(Base, table=True):
    id: int = Field(primary_key=True)
    books: list[Book] = Relationship(back_populates="shelves", link_model=Placement)


class BookTitle(BaseModel):
    title: str


class ShelfWithBooks(BaseModel):
    """Shows a relation always."""

    id: int
    books: list[BookTitle]


class WriterInWords(BaseModel):
    """Is written in Python, from rows that the database embeds."""

    name: str
    books: list[BookTitle]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def words(self) -> str:
        return " and ".join(book.title for book in self.books)


def rows() -> list[Any]:
    """Of everything some that are there (odd ids, and 9) and some that are deleted (even ids)."""
    gone = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        Shelf(id=1), Shelf(id=3),
        Writer(id=2, name="Gone", deleted_at=gone), Writer(id=1, name="Ada", mentor_id=2),
        Writer(id=3, name="Ben", mentor_id=1),
        Book(id=1, title="Engine", writer_id=1), Book(id=2, title="Draft", writer_id=1, deleted_at=gone),
        Book(id=3, title="Orphan", writer_id=2), Book(id=4, title="Both", writer_id=2, deleted_at=gone),
        Book(id=9, title="Loom", writer_id=1),
        Placement(book_id=1, shelf_id=1, place=1), Placement(book_id=2, shelf_id=1, place=2),
        Placement(book_id=3, shelf_id=1, place=3, deleted_at=gone), Placement(book_id=9, shelf_id=1, place=4),
        Placement(book_id=4, shelf_id=3, place=1), Placement(book_id=9, shelf_id=3, place=2, deleted_at=gone),
    ]  # fmt: skip
