"""The differences between declared and actual tables, in words; none where there are none."""

import datetime
import decimal
import enum
import uuid
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from onetrip.cli.difference import differences
from tests.support.databases import Backend


class Base(SQLModel, registry=registry()):
    pass


class Colour(enum.Enum):
    red = "r"
    blue = "b"


class Thing(Base, table=True):
    """One column of every kind."""

    id: int | None = Field(default=None, primary_key=True)
    small: int = Field(sa_type=sa.SmallInteger)
    big: int = Field(sa_type=sa.BigInteger)
    number: float
    double: float = Field(sa_type=sa.Double)
    exact: decimal.Decimal
    money: decimal.Decimal = Field(max_digits=10, decimal_places=2)
    flag: bool
    name: str
    code: str = Field(max_length=20, unique=True)
    text: str | None = Field(default=None, sa_type=sa.Text, index=True)
    moment: datetime.datetime
    naive: datetime.datetime = Field(sa_type=sa.DateTime)
    aware: datetime.datetime = Field(sa_type=sa.DateTime(timezone=True))
    day: datetime.date
    hour: datetime.time
    span: datetime.timedelta
    key: uuid.UUID
    raw: bytes
    tree: dict[str, Any] = Field(sa_type=sa.JSON)
    colour: Colour
    shade: Colour = Field(sa_type=sa.Enum(Colour, native_enum=False))
    computed: int = Field(sa_column=sa.Column("computed", sa.Integer, sa.Computed("small + 1", persisted=True)))


class Part(Base, table=True):
    """A composite key and a foreign key."""

    thing_id: int = Field(primary_key=True, foreign_key="thing.id")
    place: str = Field(primary_key=True)


TABLES = list(Base.metadata.tables.values())


def found(backend: Backend) -> list[str]:
    with backend.engine().connect() as connection:
        return differences(connection, TABLES)


def test_what_was_created_does_not_differ(backend: Backend) -> None:
    """No column type looks different from itself on either database."""
    Base.metadata.create_all(backend.engine())
    assert found(backend) == []


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        (["DROP TABLE part"], ["the table 'part' is missing"]),
        (["ALTER TABLE thing DROP COLUMN flag"], ["'thing.flag' is missing"]),
        (["ALTER TABLE part ADD COLUMN note TEXT"], ["'part.note' is in the database only"]),
        (
            ["ALTER TABLE thing DROP COLUMN big", "ALTER TABLE thing ADD COLUMN big TEXT NOT NULL DEFAULT ''"],
            ["'thing.big' is TEXT in the database, BIGINT in the code"],
        ),
        (
            ["ALTER TABLE thing DROP COLUMN flag", "ALTER TABLE thing ADD COLUMN flag BOOLEAN"],
            ["'thing.flag' may be NULL in the database, is NOT NULL in the code"],
        ),
        (
            ["DROP INDEX ix_thing_text", "ALTER TABLE thing DROP COLUMN text",
             "ALTER TABLE thing ADD COLUMN text TEXT NOT NULL DEFAULT ''"],
            ["'thing.text' is NOT NULL in the database, may be NULL in the code"],
        ),
        (["DROP INDEX ix_thing_text", "CREATE INDEX another ON thing (name)"], []),
        (["CREATE TABLE foreign_to_us (id INTEGER)"], []),
        (["DROP TABLE part", "CREATE VIEW part AS SELECT id AS thing_id, name AS place FROM thing"], []),
    ],
)  # fmt: skip
def test_differences_are_said_in_words(backend: Backend, changes: list[str], lines: list[str]) -> None:
    """Missing tables, missing and further columns, other types and nullability; nothing that a read does not feel."""
    engine = backend.engine()
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        for change in changes:
            connection.exec_driver_sql(change)
    assert found(backend) == lines


def test_the_key_of_a_foreign_table_may_be_nullable(backend: Backend) -> None:
    """SQLite calls a key nullable that was not declared NOT NULL, and means nothing by it."""
    with backend.engine().begin() as connection:
        connection.exec_driver_sql("CREATE TABLE part (thing_id INTEGER, place VARCHAR, PRIMARY KEY (thing_id, place))")
    with backend.engine().connect() as connection:
        assert differences(connection, [Base.metadata.tables["part"]]) == []
