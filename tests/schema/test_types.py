"""What a column's type is, and how text of a URL is read by it."""

import enum
import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from pydantic_core import to_json
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.dialects.sqlite import aiosqlite
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

from onetrip.schema import parsers
from onetrip.schema.types import FieldType, as_base64, describe

SQLITE: Any = aiosqlite.dialect()  # type: ignore[no-untyped-call]
POSTGRESQL: Any = asyncpg.dialect()  # type: ignore[no-untyped-call]


class Color(enum.Enum):
    RED = "red"
    NONE = None
    PAIR = (1, "two")
    YES = True


generated = settings(max_examples=60, deadline=None, derandomize=True, database=None)

COLORS = describe(sa.Enum(Color), SQLITE)

VALID: list[tuple[Callable[[str], Any], str, Any]] = [
    (parsers.integer(32), "7", 7),
    (parsers.integer(32), "-2147483648", -(2**31)),
    (parsers.integer(32), "007", 7),
    (parsers.integer(64), "9223372036854775807", 2**63 - 1),
    (parsers.boolean, "true", True),
    (parsers.boolean, "0", False),
    (parsers.double, "1.5", 1.5),
    (parsers.double, ".5", 0.5),
    (parsers.double, "-5.", -5.0),
    (parsers.double, "1e+16", 1e16),
    (parsers.double, "1E-7", 1e-7),
    (parsers.double, "1e-999", 0.0),
    (parsers.decimal, "12.50", Decimal("12.50")),
    (parsers.decimal, "0E-10", Decimal("0E-10")),
    (parsers.decimal, "1E+2", Decimal("1E+2")),
    (parsers.moment, "2026-01-31T09:30:00Z", datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
    (parsers.moment, "2026-01-31 09:30+02:00", datetime(2026, 1, 31, 7, 30, tzinfo=UTC)),
    (parsers.moment, "2026-01-31T09:30:00.5-0530", datetime(2026, 1, 31, 15, 0, 0, 500_000, tzinfo=UTC)),
    (parsers.moment, "2026-01-31T09:30:00.123456000Z", datetime(2026, 1, 31, 9, 30, 0, 123_456, tzinfo=UTC)),
    (parsers.moment, "2026-01-31T09:30:00+02", datetime(2026, 1, 31, 7, 30, tzinfo=UTC)),
    (parsers.moment, "2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
    (parsers.moment, "0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
    (parsers.moment, "9999-12-31T23:59:59.999999Z", datetime.max.replace(tzinfo=UTC)),
    (parsers.local_moment, "2026-01-31T09:30:00.25", datetime(2026, 1, 31, 9, 30, 0, 250_000)),
    (parsers.local_moment, "2026-01-31", datetime(2026, 1, 31)),
    (parsers.day, "2024-02-29", date(2024, 2, 29)),
    (parsers.clock_time, "09:30", time(9, 30)),
    (parsers.clock_time, "23:59:59.999999", time.max),
    (parsers.duration, "P1DT2H30M", timedelta(days=1, hours=2, minutes=30)),
    (parsers.duration, "-PT0.000001S", timedelta(microseconds=-1)),
    (parsers.duration, "P1Y1M1W1D", timedelta(days=365 + 30 + 7 + 1)),
    (parsers.duration, "+P999999999DT23H59M59.999999S", timedelta.max),
    (parsers.uuid, "0B5E6F62-0d3b-4f6c-9d3e-3f6f0a8c1f11", UUID("0b5e6f62-0d3b-4f6c-9d3e-3f6f0a8c1f11")),
    (parsers.uuid, "0b5e6f620d3b4f6c9d3e3f6f0a8c1f11", UUID("0b5e6f62-0d3b-4f6c-9d3e-3f6f0a8c1f11")),
    (parsers.address, "192.0.2.1", "192.0.2.1"),
    (parsers.address, "192.0.2.1/24", "192.0.2.1/24"),
    (parsers.address, "2001:DB8::0", "2001:db8::"),
    (parsers.network, "192.0.2.0/24", "192.0.2.0/24"),
    (COLORS.parse, "red", Color.RED),
    (COLORS.parse, "null", Color.NONE),
    (COLORS.parse, '[1,"two"]', Color.PAIR),
    (COLORS.parse, "true", Color.YES),
]

PLUS = " (in a URL, '+' is written '%2B')"
WHOLE = "must be a whole number"
NUMBER = "must be a number, such as '1.5'"
DECIMAL = "must be a decimal number, such as '12.50'"
MOMENT = "must be a date and time such as '2026-01-31T09:30:00Z'"
LOCAL = "must be a date and time such as '2026-01-31T09:30:00'"
NO_MOMENT = "is not a date and time that exists"
DIGITS = "has more than six decimals of a second, which is all that is stored"
DURATION = "must be an ISO 8601 duration such as 'P1DT2H30M'"
TICKET = "must be a UUID, such as '0b5e6f62-0d3b-4f6c-9d3e-3f6f0a8c1f11'"
ADDRESS = "must be an IP address, such as '192.0.2.1'"
NETWORK = "must be an IP network without host bits, such as '192.0.2.0/24'"

REFUSED: list[tuple[Callable[[str], Any], str, list[str]]] = [
    (parsers.integer(32), WHOLE, ["", "x", "1.0", "1e3", "1_000", "٣", "²", "+5", " 5", "--5", "0x1F", "9" * 4001]),
    (parsers.integer(32), WHOLE + PLUS, ["1 000"]),
    (parsers.boolean, "must be 'true' or 'false'", ["", "True", "yes", "on", "2", "t"]),
    (parsers.double, NUMBER, ["", ".", "e5", "nan", "inf", "-Infinity", "1_0.5", "٣.٤", "1,5", "0x1p3", "1e9999"]),
    (parsers.double, NUMBER + PLUS, ["1e 16"]),
    (parsers.decimal, DECIMAL, ["", "NaN", "Infinity", "1_0", "٣", "1,50", "1" * 1001, "1E9999"]),
    (parsers.decimal, DECIMAL + PLUS, ["1E 2"]),
    (parsers.moment, MOMENT, ["", "now", "1769851800", "2026-01-31T", "2026-W05-6", "20260131T093000Z"]),
    (parsers.moment, MOMENT, ["2026-01-31t09:30:00Z", "2026-01-31T09:30:00z", "２０２６-01-31T09:30:00Z"]),
    (parsers.moment, MOMENT, ["2026-01-31T09:30:00Z\n", "2026-01-31T09:30:00,5Z", "+2026-01-31T09:30:00Z"]),
    (parsers.moment, MOMENT + PLUS, ["2026-01-31T09:30:00 02:00"]),
    (parsers.moment, DIGITS, ["2026-01-31T09:30:00.1234567Z"]),
    (parsers.moment, "needs an offset: add 'Z' for UTC, as in '2026-01-31T09:30Z'", ["2026-01-31T09:30"]),
    (parsers.moment, NO_MOMENT, ["2026-02-30T00:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T09:30:60Z"]),
    (parsers.moment, NO_MOMENT, ["2026-01-31T09:30+24:00", "0000-01-01T00:00:00Z"]),
    (parsers.moment, "is not a date that exists", ["2026-02-30"]),
    (parsers.local_moment, "is a local time: leave out the offset and 'Z'", ["2026-01-31T09:30:00Z"]),
    (parsers.local_moment, DIGITS, ["2026-01-31T09:30:00.0000001"]),
    (parsers.local_moment, LOCAL, ["", "noon"]),
    (parsers.day, "must be a date such as '2026-01-31'", ["", "2026-1-31", "20260131", "1769851800", "٢٠٢٦-01-31"]),
    (parsers.day, "must be a date such as '2026-01-31'", ["2026-01-31T00:00:00", "2026-01-31 "]),
    (parsers.day, "is not a date that exists", ["2026-02-30", "0000-01-01", "2026-13-01"]),
    (parsers.clock_time, "must be a time such as '09:30:00'", ["", "9:30", "09:30Z", "٠٩:30", "09:30:00.1234567"]),
    (parsers.clock_time, "is not a time that exists", ["24:00", "12:60", "12:00:60"]),
    (parsers.duration, DURATION, ["", "P", "PT", "1D", "P1", "P-1D", "--P1D", "p1d", "P1H", "PT1.S", "PT0.1234567S"]),
    (parsers.uuid, TICKET, ["", "0", "g" * 32, "0b5e6f620d3b-4f6c-9d3e-3f6f0a8c1f11"]),
    (parsers.address, ADDRESS, ["", "localhost", "1", "fe80::1%eth0", "192.0.2.1/99"]),
    (parsers.network, NETWORK, ["192.0.2.1/24", "fe80::%1/64"]),
    (COLORS.parse, "must be one of 'red', 'null', '[1,\"two\"]', 'true'", ["RED", "", "1"]),
]
"""Parser → the sentence with which it refuses, texts."""

OUT_OF_RANGE: list[tuple[Callable[[str], Any], str, str]] = [
    (parsers.integer(16), "32768", "must be between -32768 and 32767"),
    (parsers.integer(32), "-2147483649", "must be between -2147483648 and 2147483647"),
    (parsers.integer(64), "9" * 4000, "must be between -9223372036854775808 and 9223372036854775807"),
    (parsers.double, "-1e999", "must be between -1.7976931348623157e308 and 1.7976931348623157e308"),
    (parsers.moment, "0001-01-01T00:00:00+00:01", "must be within the years 1 to 9999 in UTC"),
    (parsers.moment, "9999-12-31T23:59:59-00:01", "must be within the years 1 to 9999 in UTC"),
    (parsers.duration, "P1000000000D", "must be less than 1000000000 days"),
    (parsers.duration, "-P999999999Y", "must be less than 1000000000 days"),
    (describe(sa.Interval(), SQLITE).parse, "P3000000D", "is longer than this database can store"),
]


@pytest.mark.parametrize(("parse", "text", "value"), VALID)
def test_what_is_read(parse: Callable[[str], Any], text: str, value: Any) -> None:
    """Text is read as the value that it says, of the type that the column has."""
    found = parse(text)
    assert (type(found), found, str(found)) == (type(value), value, str(value))


@pytest.mark.parametrize(
    ("parse", "sentence", "text"), [(parse, sentence, text) for parse, sentence, texts in REFUSED for text in texts]
)
def test_what_is_refused(parse: Callable[[str], Any], sentence: str, text: str) -> None:
    """What is no such value is refused with the rest of a sentence that says what to write."""
    with pytest.raises(ValueError) as refused:
        parse(text)
    assert str(refused.value) == sentence


@pytest.mark.parametrize(("parse", "text", "sentence"), OUT_OF_RANGE)
def test_what_is_out_of_range(parse: Callable[[str], Any], text: str, sentence: str) -> None:
    """A value that the column cannot hold is well formed, so in a path it means that there is no such row."""
    with pytest.raises(OverflowError) as refused:
        parse(text)
    assert str(refused.value) == sentence


WRITTEN: dict[str, tuple[Callable[[str], Any], st.SearchStrategy[Any]]] = {
    "integer": (parsers.integer(64), st.integers(-(2**63), 2**63 - 1)),
    "boolean": (parsers.boolean, st.booleans()),
    "double": (parsers.double, st.floats(allow_nan=False, allow_infinity=False)),
    "decimal": (parsers.decimal, st.decimals("-1e99", "1e99")),
    "moment": (parsers.moment, st.datetimes(timezones=st.just(UTC))),
    "local_moment": (parsers.local_moment, st.datetimes()),
    "day": (parsers.day, st.dates()),
    "clock_time": (parsers.clock_time, st.times()),
    "duration": (parsers.duration, st.timedeltas()),
    "uuid": (parsers.uuid, st.uuids()),
    "address": (parsers.address, st.ip_addresses().map(str)),
}


@pytest.mark.parametrize("kind", WRITTEN)
def test_what_pydantic_writes_is_read(kind: str) -> None:
    """Whatever value Pydantic writes in JSON is read back from that text."""
    parse, values = WRITTEN[kind]

    @generated
    @given(values)
    def check(value: Any) -> None:
        assert parse(to_json(value).decode().strip('"')) == value

    check()


@generated
@given(st.text(max_size=30) | st.from_regex(r"[-+0-9TZPYMDHSe.: ]{1,30}"))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes a parser fail otherwise than by refusing it."""
    for parse in {parse for parse, _, _ in VALID}:
        try:
            parse(text)
        except (ValueError, OverflowError) as refused:
            assert str(refused)


@generated
@given(st.text(alphabet="0123456789TZPYMWDHS.-+", max_size=25))
def test_durations_are_read_as_pydantic_reads_them(text: str) -> None:
    """A duration that is read here is the same for Pydantic."""
    try:
        value = parsers.duration(text)
    except (ValueError, OverflowError):
        return
    assert TypeAdapter(timedelta).validate_strings(text) == value


class Tagged(sa.types.TypeDecorator[str]):
    """`usr_1` in Python, 1 in the database."""

    impl = sa.Integer
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> int:
        return int(value.removeprefix("usr_"))

    def process_result_value(self, value: Any, dialect: Any) -> str:
        return f"usr_{value}"


class Coded(sa.types.TypeDecorator[str]):
    """A decorator around a type that differs between databases."""

    impl = sa.JSON().with_variant(pg.JSONB(), "postgresql")
    cache_ok = True


class Kept(sa.types.TypeDecorator[int]):
    """Changes nothing."""

    impl = sa.Integer
    cache_ok = True


class Searched(sa.types.TypeDecorator[Any]):
    """A decorator around a type that Python has no name for."""

    impl = pg.TSVECTOR
    cache_ok = True

    @property
    def python_type(self) -> type[Any]:
        raise NotImplementedError


KINDS: list[tuple[Any, str, str]] = [
    (sa.Integer(), "integer", "integer"),
    (sa.BigInteger().with_variant(sa.Integer, "sqlite"), "integer", "integer"),
    (AutoString(20), "string", "string"),
    (sa.Unicode(), "string", "string"),
    (pg.CITEXT(), "string", "string"),
    (sa.Boolean(), "boolean", "boolean"),
    (sa.Date(), "date", "date"),
    (UTCDateTime(), "datetime", "datetime"),
    (sa.DateTime(timezone=True), "datetime", "datetime"),
    (sa.TIMESTAMP(), "local_datetime", "local_datetime"),
    (sa.Time(), "time", "time"),
    (sa.Time(timezone=True), "zoned_time", "zoned_time"),
    (sa.Interval(), "duration", "duration"),
    (pg.INTERVAL(), "duration", "duration"),
    (sa.Numeric(10, 2), "decimal", "decimal"),
    (sa.Float(asdecimal=True), "decimal", "decimal"),
    (sa.Float(), "float", "float"),
    (sa.Double(), "float", "float"),
    (sa.Numeric(10, 2, asdecimal=False), "float", "float"),
    (sa.Uuid(), "uuid", "uuid"),
    (sa.Enum(Color), "enum", "enum"),
    (sa.Enum("a", "b"), "enum", "enum"),
    (pg.ENUM("a", "b", name="letters"), "enum", "enum"),
    (sa.JSON(), "json", "json"),
    (sa.LargeBinary(), "bytes", "bytes"),
    (sa.VARBINARY(), "bytes", "bytes"),
    (pg.ARRAY(sa.Integer), "array", "array"),
    (pg.INET(), "address", "address"),
    (pg.DOMAIN("age", sa.SmallInteger()), "integer", "integer"),
    (sa.ARRAY(sa.Integer).with_variant(sa.JSON(), "sqlite"), "json", "array"),
    (Tagged(), "integer", "integer"),
    (Coded(), "json", "json"),
    (Kept(), "integer", "integer"),
    (Searched(), "other", "other"),
    (sa.PickleType(), "bytes", "bytes"),
    (pg.TSVECTOR(), "other", "other"),
    (sa.types.NullType(), "other", "other"),
]


@pytest.mark.parametrize(("type_", "on_sqlite", "on_postgresql"), KINDS, ids=lambda each: repr(each)[:40])
def test_kinds(type_: Any, on_sqlite: str, on_postgresql: str) -> None:
    """A type is described by what it is on the dialect in use, whatever it inherits from."""
    assert (describe(type_, SQLITE).kind, describe(type_, POSTGRESQL).kind) == (on_sqlite, on_postgresql)


def test_decimals() -> None:
    """A Decimal knows its decimals, and how many a float is rounded to."""
    fixed, free = describe(sa.Numeric(10, 2), SQLITE), describe(sa.Numeric(), SQLITE)
    assert (fixed.scale, fixed.rounded, free.scale, free.rounded) == (2, 2, None, 10)
    assert describe(sa.Float(asdecimal=True, decimal_return_scale=3), SQLITE).rounded == 3


def test_members_of_an_enum() -> None:
    """An Enum is described by its labels with the JSON of their values."""
    assert COLORS.members == (("RED", "red"), ("NONE", None), ("PAIR", [1, "two"]), ("YES", True))
    assert COLORS.json_schema == {"enum": ["red", None, [1, "two"], True]}


def test_arrays() -> None:
    """An array knows its items, at its own depth."""
    found = describe(pg.ARRAY(sa.Numeric(5, 1), dimensions=2), POSTGRESQL)
    assert found.item is not None and found.item.scale == 1
    assert found.python == list[list[Decimal | None] | None]
    assert found.json_schema == {"type": "array", "items": {"type": "array", "items": found.item.json_schema}}


@pytest.mark.parametrize(("text", "value"), [("usr_7", "usr_7"), ("7", "7"), ("usr_x", None)])
def test_keys_of_a_type_decorator(text: str, value: Any) -> None:
    """A decorator's own text is read as its column takes it; what it cannot bind is refused, whatever it raises."""
    found: FieldType = describe(Tagged(), SQLITE)
    assert found.decorated and not found.comparable
    if value is not None:
        assert found.parse(text) == value
        return
    with pytest.raises(ValueError, match="is not a value of this column"):
        found.parse(text)


def test_a_type_decorator_that_changes_nothing() -> None:
    """A key under a decorator without code of its own is read as its type is."""
    assert describe(Kept(), POSTGRESQL).parse("7") == 7
    assert describe(Searched(), POSTGRESQL).extra["python"] is Any


def test_bytes_as_base64() -> None:
    """Bytes of which nobody says that they are text are shown in the URL-safe alphabet, and not compared."""
    shown = as_base64(describe(sa.LargeBinary(), SQLITE))
    assert shown.kind == "base64" and not shown.comparable
    assert TypeAdapter(shown.extra["python"]).dump_json(b"\xff\xfe?") == b'"__4_"'


def test_floats_are_finite() -> None:
    """No text is read as a number that JSON cannot write."""
    assert math.isfinite(parsers.double("1.7976931348623157e308"))
