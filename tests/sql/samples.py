"""Tables with a column of every type, and the values that have tripped up others."""

import enum
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from hypothesis import strategies as st
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
    doubled: int | None = Field(default=None, sa_column=sa.Column(sa.BigInteger, sa.Computed("integer / 2", persisted=True)))


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


# Values that are tried always, and strategies for more.

_EPOCH = datetime(1970, 1, 1)
_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
_NASTY = ["", "\x01\x08\x0b\x1e\x1f\x7f", "\n\r\t\\\"'/", "\u2028\u2029\ufeff\uffff", "😀𝄞é", "{}[],:}}", "a" * 5000, " x "]
_FLOATS = [0.0, 0.1, 1.0, 100.0, 1e15, 9007199254740992.0, 1234567890123456.7, 1e16, 1.5e16, 1e22, 1e-4, 1.5e-5]
_FLOATS += [1e-5, 9.5e-6, 1e-6, 1.25e-7, 5e-324, 1.7976931348623157e308, -2.5e-300, 0.30000000000000004, 1 / 3]
_FLOATS += [float("nan"), float("inf"), float("-inf")]
_INTEGRAL = 2.0**53


def _decimals(digits: int, places: int) -> st.SearchStrategy[Decimal]:
    limit = 10**digits - 1
    return st.integers(-limit, limit).map(lambda number: Decimal(number).scaleb(-places))


def _moments(**options: Any) -> st.SearchStrategy[datetime]:
    odd = st.sampled_from([0, 1, 500_000, 999_999])
    return st.datetimes(**options) | st.builds(lambda at, us: at.replace(microsecond=us), st.datetimes(**options), odd)


def _utc(*moments: datetime) -> list[datetime]:
    return [moment.replace(tzinfo=UTC) for moment in moments]


_LOCAL = [datetime.min, datetime.max, datetime(2026, 1, 31), datetime(2026, 1, 31, 9, 30, 0, 500_000)]
_LOCAL += [datetime(999, 12, 31, 23, 59, 59, 1), datetime(1969, 12, 31, 23, 59, 59, 999_999)]
_SPANS = [timedelta(0), timedelta(microseconds=1), timedelta(microseconds=-1), timedelta(seconds=-1), timedelta(days=365)]
_SPANS += [timedelta(days=364, hours=23), timedelta(days=800, minutes=5, microseconds=120), timedelta(days=-366, hours=1)]
_SPANS += [datetime.min - _EPOCH, datetime.max - _EPOCH]
_TICKETS = [UUID(int=0), UUID(int=2**128 - 1), UUID("0b5e6f62-0d3b-4f6c-9d3e-3f6f0a8c1f11")]

EXACT: dict[str, tuple[list[Any], st.SearchStrategy[Any]]] = {
    "integer": ([0, -(2**31), 2**31 - 1], st.integers(-(2**31), 2**31 - 1)),
    "small": ([-(2**15), 2**15 - 1], st.integers(-(2**15), 2**15 - 1)),
    "big": ([2**53 + 1, -(2**63), 2**63 - 1], st.integers(-(2**63), 2**63 - 1)),
    "text": (_NASTY, _TEXT),
    "short": ([], _TEXT),
    "flag": ([True, False], st.booleans()),
    "day": ([date.min, date.max, date(2024, 2, 29)], st.dates()),
    "moment": (_utc(*_LOCAL), _moments(timezones=st.just(UTC))),
    "local": (_LOCAL, _moments()),
    "at": ([time.min, time.max, time(1, 2, 3, 500_000)], st.times()),
    "took": (_SPANS, st.timedeltas(datetime.min - _EPOCH, datetime.max - _EPOCH)),
    "price": ([Decimal(0), Decimal("12.5"), Decimal("-0.01"), Decimal("99999999.99")], _decimals(10, 2)),
    "whole": ([Decimal(0), Decimal("9999999999")], _decimals(10, 0).filter(lambda number: number % 10_000)),
    "six": ([Decimal("0.000001"), Decimal("123456789.123456")], _decimals(15, 6)),
    "tiny": ([Decimal(0), Decimal("1E-10"), Decimal("-0.0000012"), Decimal("0.000001")], _decimals(14, 10)),
    "ratio": (_FLOATS, st.floats(-_INTEGRAL, _INTEGRAL).map(lambda number: number + 0.0)),  # -0.0 + 0.0 is 0.0
    "ratio_of_decimals": ([0.0, 2.0, 1.125], _decimals(12, 3).map(float)),
    "raw": ([b"", "é😀".encode(), b'"\\\x01\x7f'], _TEXT.map(str.encode)),
    "ticket": (_TICKETS, st.uuids()),
    "hex_ticket": (_TICKETS, st.uuids()),
    "text_ticket": ([str(ticket) for ticket in _TICKETS], st.uuids().map(str)),
    "color": (list(Color), st.sampled_from(Color)),
    "level": (list(Level), st.sampled_from(Level)),
    "odd": (list(Odd), st.sampled_from(Odd)),
    "mode": (list(Mode), st.sampled_from(Mode)),
    "plain_mode": (list(Mode), st.sampled_from(Mode)),
    "word": (["a", "b c"], st.sampled_from(["a", "b c"])),
    "choice": (["left", "right"], st.sampled_from(["left", "right"])),
    "address": (["192.0.2.1"], st.ip_addresses(v=4).map(str)),
    "folder": (["/a b/é"], st.just("c")),
    "email": (["a@example.com"], st.emails()),
    "aliased": (_NASTY, _TEXT),
    "odd_alias": ([1], st.integers(0, 9)),
    "long_alias": ([1], st.integers(0, 9)),
    "renamed": (_NASTY, _TEXT),
}
"""Column of `Sample` → values that are tried always, strategy for more."""

_scalars = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(-_INTEGRAL, _INTEGRAL) | _TEXT
_json = st.recursive(_scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4))
_DOCUMENTS: list[Any] = [{}, [], "text", 5, 1.5, 0.30000000000000004, True, {"b": [1, {"a": None}], "a": "é\u2028😀\x01"}]

VALUES: dict[str, tuple[list[Any], st.SearchStrategy[Any]]] = {
    "anything": ([*_DOCUMENTS, 1e100], _json),
    "settings": ([{}, {"x": {"y": [1.5, None]}}], st.dictionaries(_TEXT, _json, max_size=3)),
    "items": ([[], [1, 2]], st.lists(st.integers(0, 9), max_size=3)),
    "binary": (_DOCUMENTS, _json),
}
"""Column of `Document` → the same."""

_wide = st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=-1000, max_value=1000)
LOOSE: dict[str, tuple[list[Any], st.SearchStrategy[Any]]] = {
    "unscaled": ([Decimal("1.5"), Decimal("0E-12"), Decimal("1E-8"), Decimal("100")], _wide),
    "precise": ([Decimal(0), Decimal("12345678901234567890.12345678901234567890"), Decimal("-1.2E-15")], _decimals(28, 20)),
    "single": ([0.1, 1.0, 16777217.0, 1e-30, 3.4e38], st.floats(width=32, allow_nan=False, allow_infinity=False)),
    "decimal_float": ([Decimal("0.1"), Decimal("2.00005"), Decimal("-1234.5")], _decimals(9, 4)),
}
"""Column of `Loose` → the same."""


def _lists(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(st.none() | items, max_size=4)


SPECIAL: dict[str, tuple[list[Any], st.SearchStrategy[Any]]] = {
    "numbers": ([[], [1, None, -3]], _lists(st.integers(-9, 9))),
    "texts": ([["", "NULL", 'a,"b"{c}\\', None]], _lists(_TEXT)),
    "tickets": ([_TICKETS], _lists(st.uuids())),
    "prices": ([[], [Decimal("1.5"), None, Decimal("0")]], _lists(_decimals(12, 2))),
    "amounts": ([[Decimal("1.50"), Decimal("1E-9"), Decimal("0E-8")]], _lists(_decimals(12, 9))),
    "moments": ([[], [*_utc(*_LOCAL[2:]), None]], _lists(_moments(timezones=st.just(UTC)))),
    "ratios": ([[1.0, float("nan"), None, 1e-7]], _lists(st.floats(-_INTEGRAL, _INTEGRAL) | st.just(float("inf")))),
    "colors": ([[], [Color.RED, None, Color.BRACES]], _lists(st.sampled_from(Color))),
    "grid": ([[], [[1, 2], [3, 4]]], st.just([[5], [6]])),
    "host": ([IPv4Address("192.0.2.1")], st.ip_addresses(v=4)),
    "zoned": (_utc(*_LOCAL[2:]), _moments(timezones=st.just(UTC))),
    "zoned_at": ([time(1, 2, 3, tzinfo=UTC), time(1, 2, 3, 4, tzinfo=UTC)], st.times(timezones=st.just(UTC))),
    "kept": (_SPANS, st.timedeltas(datetime.min - _EPOCH, datetime.max - _EPOCH)),
}
"""Column of `Special` → the same."""
