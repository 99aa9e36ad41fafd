"""Tables whose annotations are strings, as `from __future__ import annotations` makes them."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry, relationship
from sqlmodel import Field, SQLModel


class Base(DeclarativeBase):
    pass


class Tag(Base):
    __tablename__ = "tag"
    id: Mapped[int] = mapped_column(primary_key=True)
    notes: Mapped[list[Note]] = relationship(back_populates="tag")


class Note(Base):
    __tablename__ = "note"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str | None]
    tag_id: Mapped[int | None] = mapped_column(ForeignKey("tag.id"))
    tag: Mapped[Tag | None] = relationship(back_populates="notes")


class Apart(SQLModel, registry=registry()):
    pass


class Leaf(Apart, table=True):
    id: int = Field(primary_key=True)
    name: str | None = None
