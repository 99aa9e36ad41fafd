"""The tables of the fault tests, as `onetrip serve` is given them."""

import sqlalchemy as sa
from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, SQLModel

from onetrip import Versioned


class Base(SQLModel, registry=registry()):
    """Keeps these tables apart from those of other tests."""


class Event(Base, table=True):
    """Something that a client has sent; `tag` tells which request it came with."""

    __tablename__ = "event"

    id: int | None = Field(default=None, primary_key=True)
    tag: str = Field(index=True)


class Counter(Versioned, Base, table=True):
    """What many clients add to."""

    __tablename__ = "counter"

    id: int | None = Field(default=None, primary_key=True)
    value: int = 0


class Owner(Base, table=True):
    """Somebody whom things refer to."""

    __tablename__ = "owner"

    id: int | None = Field(default=None, primary_key=True)


class Thing(Base, table=True):
    """Something whose reference is checked at the commit, and not before."""

    __tablename__ = "thing"

    id: int | None = Field(default=None, primary_key=True)
    tag: str
    note: str = Field(default=None, sa_column_kwargs={"server_default": "none"})
    owner_id: int | None = Field(
        default=None, sa_column=sa.Column(sa.ForeignKey("owner.id", deferrable=True, initially="DEFERRED"))
    )
    owner: Owner | None = Relationship()


TABLES = (Event, Counter, Owner, Thing)
