"""Tables with a column of every type. `values` has what is stored in them."""

import enum
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from pydantic import EmailStr, NaiveDatetime
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

SHARED, POSTGRESQL = sa.MetaData(), sa.MetaData()


class Base(SQLModel, registry=registry(metadata=SHARED)):
    """Tables of both databases."""


class PostgreSQLBase(SQLModel, registry=registry(metadata=POSTGRESQL)):
    """Tables of types that SQLite does not have."""


class Color(enum.Enum):
    """Stored by name."""

    RED = "red"
    BRACES = "{0} 'quoted' \"twice\" %s 100% é"
    SAME = "SAME"


class Level(enum.IntEnum):
    """Stored by name, written as a number."""

    LOW = 1
    HIGH = 20


class Mode(enum.Enum):
    """Stored by value."""

    READ_ONLY = "read-only"
    READ_WRITE = "read/write"


class Odd(enum.Enum):
    """Values of several types."""

    TEXT = "text"
    NUMBER = 1.5
    DAY = date(2026, 1, 31)
    PAIR = (1, "two")
    NOTHING = None
    YES = True


def _values(of: type[enum.Enum]) -> list[str]:
    return [member.value for member in of]


class Sample(Base, table=True):
    """Answers are equal byte for byte: on both databases, and to what Pydantic writes."""

    id: int = Field(primary_key=True)
    integer: int | None = None
    small: int | None = Field(default=None, sa_type=sa.SmallInteger)
    big: int | None = Field(default=None, sa_type=sa.BigInteger)
    text: str | None = None
    short: str | None = Field(default=None, max_length=40)
    flag: bool | None = None
    day: date | None = None
    moment: datetime | None = None
    local: NaiveDatetime | None = None
    at: time | None = None
    took: timedelta | None = None
    price: Decimal | None = Field(default=None, max_digits=10, decimal_places=2)
    whole: Decimal | None = Field(default=None, max_digits=10, decimal_places=0)
    six: Decimal | None = Field(default=None, max_digits=15, decimal_places=6)
    tiny: Decimal | None = Field(default=None, max_digits=14, decimal_places=10)
    ratio: float | None = None
    ratio_of_decimals: float | None = Field(default=None, sa_type=sa.Numeric(12, 3, asdecimal=False))
    raw: bytes | None = None
    ticket: UUID | None = None
    hex_ticket: UUID | None = Field(default=None, sa_type=sa.Uuid(native_uuid=False))
    text_ticket: str | None = Field(default=None, sa_type=sa.Uuid(as_uuid=False))
    color: Color | None = None
    level: Level | None = None
    odd: Odd | None = None
    mode: Mode | None = Field(default=None, sa_type=sa.Enum(Mode, values_callable=_values, name="modes"))
    plain_mode: Mode | None = Field(default=None, sa_type=sa.Enum(Mode, native_enum=False, length=20))
    word: str | None = Field(default=None, sa_type=sa.Enum("a", "b c", name="words"))
    choice: Literal["left", "right"] | None = Field(default=None, sa_type=sa.String)
    address: IPv4Address | None = None
    folder: Path | None = None
    email: EmailStr | None = None
    aliased: str | None = Field(default=None, serialization_alias="aliasedAs")
    odd_alias: int | None = Field(default=None, serialization_alias="a \"b\" {c} %(d)s '?' é 🚀")
    long_alias: int | None = Field(default=None, serialization_alias="é" * 60)
    renamed: str | None = Field(default=None, sa_column=sa.Column('Other "name" {0} 100% (s)', sa.String))
    half: int | None = Field(default=None, sa_column=sa.Column(sa.Integer, sa.Computed("integer / 2", persisted=True)))


class Document(Base, table=True):
    """Answers are equal as values: JSON is written as it is stored."""

    id: int = Field(primary_key=True)
    anything: Any = Field(default=None, sa_type=sa.JSON, nullable=True)
    settings: dict[str, Any] | None = Field(default=None, sa_type=sa.JSON)
    items: list[int] | None = Field(default=None, sa_type=sa.JSON(none_as_null=True))
    binary: Any = Field(default=None, sa_type=sa.JSON().with_variant(pg.JSONB(), "postgresql"), nullable=True)


class Loose(Base, table=True):
    """Each database's answers equal what Pydantic writes of what that database stores, which is not the same."""

    id: int = Field(primary_key=True)
    unscaled: Decimal | None = None
    precise: Decimal | None = Field(default=None, max_digits=40, decimal_places=20)
    single: float | None = Field(default=None, sa_type=sa.REAL)
    decimal_float: Decimal | None = Field(default=None, sa_type=sa.Float(asdecimal=True, decimal_return_scale=4))
    code: str | None = Field(default=None, sa_type=sa.CHAR(5))
    zoned: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True))
    zoned_at: time | None = Field(default=None, sa_type=sa.Time(timezone=True))


class Matrix(PostgreSQLBase, table=True):
    """Arrays of arrays whose items need an expression: Python writes them."""

    id: int = Field(primary_key=True)
    cells: list[list[Decimal | None]] | None = Field(default=None, sa_type=pg.ARRAY(sa.Numeric(9, 2), dimensions=2))


class Special(PostgreSQLBase, table=True):
    """What only PostgreSQL has."""

    id: int = Field(primary_key=True)
    numbers: list[int | None] | None = Field(default=None, sa_type=pg.ARRAY(sa.Integer))
    texts: list[str | None] | None = Field(default=None, sa_type=pg.ARRAY(sa.Text))
    tickets: list[UUID | None] | None = Field(default=None, sa_type=pg.ARRAY(sa.Uuid))
    prices: list[Decimal | None] | None = Field(default=None, sa_type=pg.ARRAY(sa.Numeric(12, 2)))
    amounts: list[Decimal | None] | None = Field(default=None, sa_type=pg.ARRAY(sa.Numeric))
    moments: list[datetime | None] | None = Field(default=None, sa_type=pg.ARRAY(sa.DateTime(timezone=True)))
    ratios: list[float | None] | None = Field(default=None, sa_type=pg.ARRAY(sa.Double))
    colors: list[Color | None] | None = Field(default=None, sa_type=pg.ARRAY(sa.Enum(Color, name="shades")))
    grid: list[list[int]] | None = Field(default=None, sa_type=pg.ARRAY(sa.Integer, dimensions=2))
    host: IPv4Address | None = Field(default=None, sa_type=pg.INET)
    zoned: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True))
    zoned_at: time | None = Field(default=None, sa_type=sa.Time(timezone=True))
    kept: timedelta | None = Field(default=None, sa_type=sa.Interval(native=False))
