"""What a column can hold: the same values are taken on both databases, and whatever is taken can be read back."""

import enum
import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import MISSING, BaseModel, ValidationError
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column

from onetrip.schema.model import Body, ResourceSchema
from tests.schema.serving import resource_of
from tests.sql import samples
from tests.support.databases import Backend

URLS = ("sqlite://", "postgresql://")


class Color(enum.Enum):
    RED = "red"
    TWO = 2


class Odd(enum.Enum):
    DAY = date(2026, 1, 31)
    PAIR = (1, "two")


def body(type_: Any, url: str = "sqlite://", nullable: bool = False) -> Body:
    class Base(DeclarativeBase):
        pass

    class Row(Base):
        __tablename__ = "rows"
        id = mapped_column(sa.Integer, primary_key=True)
        value = mapped_column(type_, nullable=nullable)

    found = resource_of(Row, url=url).writes.create
    assert found is not None
    return found


def taken(type_: Any, raw: str, url: str = "sqlite://", nullable: bool = False) -> Any:
    """What a column takes for a JSON value, or the error."""
    try:
        return body(type_, url, nullable).model.model_validate_json(f'{{"value": {raw}}}').value
    except ValidationError as error:
        (found,) = error.errors()
        return f"{found['type']}: {found['msg']}"


TICKET = "0b5e6f62-0d3b-4f6c-9d3e-3f6f0a8c1f11"
HUGE = "1" + "0" * 400

GOOD: list[tuple[Any, str, Any]] = [
    (sa.SmallInteger, "-32768", -32768),
    (sa.Integer, "2147483647", 2147483647),
    (sa.BigInteger, "9223372036854775807", 2**63 - 1),
    (sa.Boolean, "true", True),
    (sa.Float, "1", 1.0),
    (sa.Float, "1e308", 1e308),
    (sa.REAL, "3.4e38", 3.4e38),
    (sa.String(3), '"é😀a"', "é😀a"),
    (sa.String, r'"\u0001\ud83d\ude00"', "\x01😀"),
    (sa.Numeric(5, 2), '"123.45"', Decimal("123.45")),
    (sa.Numeric(5, 2), '"123.450"', Decimal("123.45")),
    (sa.Numeric(5, 2), "123.45", Decimal("123.45")),
    (sa.Numeric(5, 2), "-1e2", Decimal(-100)),
    (sa.Numeric(5), "12345", Decimal(12345)),
    (sa.Numeric(12, 3, asdecimal=False), "1.125", 1.125),
    (sa.Numeric, '"0.5"', Decimal("0.5")),
    (sa.Date, '"2024-02-29"', date(2024, 2, 29)),
    (sa.DateTime(timezone=True), '"2026-01-31T09:30:00+02:00"', datetime(2026, 1, 31, 7, 30, tzinfo=UTC)),
    (sa.DateTime(timezone=True), '"2026-01-31"', datetime(2026, 1, 31, tzinfo=UTC)),
    (sa.DateTime, '"2026-01-31T09:30:00.5"', datetime(2026, 1, 31, 9, 30, 0, 500_000)),
    (sa.Time, '"09:30"', time(9, 30)),
    (sa.Interval, '"P1DT2H"', timedelta(days=1, hours=2)),
    (sa.Uuid, f'"{TICKET}"', UUID(TICKET)),
    (sa.Uuid(as_uuid=False), f'"{TICKET.upper()}"', TICKET),
    (sa.LargeBinary, '"é"', "é".encode()),
    (sa.Enum(Color), '"red"', Color.RED),
    (sa.Enum(Color), "2", Color.TWO),
    (sa.Enum(Odd), '"2026-01-31"', Odd.DAY),
    (sa.Enum(Odd), '[1, "two"]', Odd.PAIR),
    (sa.Enum("a", "b", name="letters"), '"a"', "a"),
    (sa.JSON, '{"a": [1, null, 1.5, "x"]}', {"a": [1, None, 1.5, "x"]}),
    (sa.JSON, '{"a": 1180591620717411303424}', {"a": 2**70}),
]


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize(("type_", "raw", "value"), GOOD, ids=str)
def test_takes_what_a_column_holds(type_: Any, raw: str, value: Any, url: str) -> None:
    found = taken(type_, raw, url)
    assert found == value
    assert type(found) is type(value)


BAD: list[tuple[Any, str, str]] = [
    # Numbers of another type, and too large ones
    (sa.Integer, '"12"', "int_type"),
    (sa.Integer, "true", "int_type"),
    (sa.Integer, "1.0", "int_type"),
    (sa.Integer, "2147483648", "less_than_equal: Input should be less than or equal to 2147483647"),
    (sa.SmallInteger, "-32769", "greater_than_equal"),
    (sa.BigInteger, "9223372036854775808", "less_than_equal"),
    (sa.BigInteger, HUGE, "less_than_equal"),
    (sa.Boolean, "1", "bool_type"),
    (sa.Boolean, '"true"', "bool_type"),
    (sa.Float, "NaN", "finite_number"),
    (sa.Float, "-Infinity", "finite_number"),
    (sa.Float, "1e400", "finite_number"),
    (sa.Float, '"1"', "float_type"),
    (sa.Float, "true", "float_type"),
    (sa.REAL, "3.5e38", "out_of_range"),
    (sa.Float(24), "1e39", "out_of_range"),
    # Decimals
    (sa.Numeric(5, 2), '"1234.5"', "decimal_whole_digits"),
    (sa.Numeric(5, 2), '"1.005"', "decimal_max_places"),
    (sa.Numeric(5), '"1.5"', "decimal_max_places"),
    (sa.Numeric(12, 3, asdecimal=False), "1.1255", "out_of_range: Input should have at most 9 digits before the point"),
    (sa.Numeric, '"1e1000000"', "decimal_parsing"),
    (sa.Numeric, f'"{"1" * 200_000}"', "decimal_parsing"),
    (sa.Numeric, "1e400", "decimal_parsing"),
    (sa.Numeric, '"NaN"', "decimal_parsing"),
    (sa.Numeric, "Infinity", "decimal_parsing"),
    (sa.Numeric, '"1_000"', "decimal_parsing: Input should be a decimal number, such as '12.50'"),
    (sa.Numeric, "true", "decimal_parsing"),
    # Text
    (sa.String, "1", "string_type"),
    (sa.String, r'"a\u0000b"', "null_character: Input should not contain the character U+0000"),
    (sa.String, r'"\ud800"', "json_invalid"),
    (sa.String(3), '"abcd"', "string_too_long"),
    (sa.LargeBinary, r'"\u0000"', "null_character"),
    (sa.Enum(Color), '"RED"', "enum"),
    (sa.Enum(Odd), '"2026-02-01"', "enum: Input should be one of"),
    (sa.Enum("a", "b", name="letters"), '"c"', "literal_error"),
    # Moments
    (sa.Date, '"2026-02-30"', "date_parsing: Input is not a date that exists"),
    (sa.Date, '"10000-01-01"', "date_parsing"),
    (sa.Date, "1700000000", "date_parsing"),
    (sa.DateTime(timezone=True), '"2026-01-31T09:30:00"', "datetime_parsing: Input needs an offset: add 'Z' for UTC"),
    (
        sa.DateTime(timezone=True),
        '"9999-12-31T23:59:59-14:00"',
        "out_of_range: Input should be within the years 1",
    ),
    (sa.DateTime(timezone=True), '"0001-01-01T00:00:00+14:00"', "out_of_range"),
    (sa.DateTime(timezone=True), '"1700000000"', "datetime_parsing"),
    (sa.DateTime(timezone=True), "1700000000", "datetime_parsing"),
    (sa.DateTime, '"2026-01-31T09:30:00Z"', "local_datetime_parsing: Input is a local time"),
    (sa.DateTime, '"2026-01-31T09:30:00.1234567"', "local_datetime_parsing"),
    (sa.Time, '"09:30Z"', "time_parsing"),
    (sa.Time, '"24:00"', "time_parsing"),
    (sa.Interval, '"1"', "duration_parsing"),
    (sa.Interval, "1", "duration_parsing"),
    (sa.Interval, '"P999999999999D"', "out_of_range"),
    (sa.Uuid, '"x"', "uuid_parsing"),
    # JSON
    (sa.JSON, '{"a": [NaN]}', "finite_number: Input should have finite numbers only"),
    (sa.JSON, '{"a": 1e400}', "finite_number"),
    (sa.JSON, r'{"a": "\u0000"}', "null_character"),
    (sa.JSON, r'{"\u0000": 1}', "null_character"),
    (sa.JSON, "9223372036854775808", "out_of_range"),
]


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize(("type_", "raw", "error"), BAD, ids=lambda value: str(value)[:40])
def test_refuses_what_a_column_cannot_hold(type_: Any, raw: str, error: str, url: str) -> None:
    assert str(taken(type_, raw, url)).startswith(error)


@pytest.mark.parametrize("type_", [sa.Integer, sa.String, sa.Float, sa.Boolean, sa.Enum(Color)])
def test_null_is_for_nullable_columns(type_: Any) -> None:
    assert taken(type_, "null", nullable=True) is None
    assert taken(type_, "null") not in (None, "")


@pytest.mark.parametrize("type_", [sa.JSON, sa.Date, sa.Numeric(5, 2), sa.Uuid])
def test_null_is_called_null(type_: Any) -> None:
    assert taken(type_, "null") == "null: Input should not be null"


def test_sqlite_refuses_digits_that_its_floats_do_not_have() -> None:
    number = '"12345678901234567890.5"'
    assert taken(sa.Numeric(30, 5), number) == "not_exact: Input has more digits than this database can store"
    assert taken(sa.Numeric(30, 5), number, "postgresql://") == Decimal("12345678901234567890.5")
    assert taken(sa.Numeric, '"1E-12"').startswith("not_exact")


def test_sqlite_refuses_spans_that_it_cannot_store() -> None:
    assert taken(sa.Interval, '"P9000Y"').startswith("out_of_range: Input is longer than this database can store")
    assert taken(sa.Interval, '"P9000Y"', "postgresql://") == timedelta(days=365 * 9000)


def test_a_time_with_an_offset_needs_one_and_a_database_that_stores_it() -> None:
    zoned = sa.Time(timezone=True)
    assert taken(zoned, '"09:30:00"', "postgresql://").startswith("timezone_aware: Input needs an offset")
    assert taken(zoned, '"09:30:00Z"', "postgresql://") == time(9, 30, tzinfo=UTC)
    assert taken(zoned, '"09:30:00Z"').startswith("out_of_range: Input has an offset")


@pytest.mark.parametrize(
    ("type_", "raw", "found"),
    [
        (pg.ARRAY(sa.Integer), "[1, null]", [1, None]),
        (pg.ARRAY(sa.Integer), "[2147483648]", "less_than_equal"),
        (pg.ARRAY(sa.String(2)), '["abc"]', "string_too_long"),
        (pg.ARRAY(sa.Text), r'["\u0000"]', "null_character"),
        (pg.ARRAY(sa.Numeric(4, 2)), '["1.555"]', "decimal_max_places"),
        (pg.ARRAY(sa.Integer, dimensions=2), "[[1, 2], [3, 4]]", [[1, 2], [3, 4]]),
        (pg.ARRAY(sa.Integer, dimensions=2), "[[1, 2], [3]]", "array_shape: Input should have lists of one length"),
        (pg.ARRAY(sa.Integer, dimensions=2), "[[1], null]", "list_type"),
        (pg.ARRAY(sa.Integer, dimensions=2), "[]", []),
        (pg.ARRAY(sa.Integer, dimensions=2), "[[]]", "array_shape: Input should have items in each of its lists"),
        (pg.INET, '"192.0.2.1"', "192.0.2.1"),
        (pg.INET, '"fe80::1%eth0"', "address_parsing"),
        (pg.CIDR, '"192.0.2.1/24"', "address_parsing"),
        (pg.CITEXT, '"Ada"', "Ada"),
        (pg.DOMAIN("short", sa.String(3)), '"abcd"', "string_too_long"),
    ],
    ids=str,
)
def test_types_of_postgresql(type_: Any, raw: str, found: Any) -> None:
    answer = taken(type_, raw, "postgresql://")
    assert answer == found if not isinstance(answer, str) else answer.startswith(found)


class Cents(sa.types.TypeDecorator[Decimal]):
    impl = sa.Integer
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        if value < 0:
            raise RuntimeError("no debts")
        return int(value * 100)

    @property
    def python_type(self) -> type[Any]:
        return Decimal


class Shout(sa.types.TypeDecorator[str]):
    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else f"{value}\0" if value == "NUL" else value.upper()


def test_a_decorator_is_asked_whether_it_takes_a_value() -> None:
    assert taken(Cents, '"1.50"') == Decimal("1.50")
    assert taken(Cents, '"-1"') == "not_a_value: Input is not a value of this column"
    assert taken(Shout, '"ada"') == "ada"  # its own code runs when it is stored
    assert taken(Shout, '"NUL"').startswith("null_character")


# Whatever is taken can be read back

moments = st.datetimes(timezones=st.timezones() | st.just(UTC)).map(datetime.isoformat)
decimals = st.decimals(allow_nan=True, allow_infinity=True).map(str) | st.decimals(-999, 999, places=2).map(str)
numbers = st.integers() | st.floats() | st.integers(-100, 100)
documents = st.recursive(
    st.none() | st.booleans() | numbers | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
RAW: dict[str, st.SearchStrategy[Any]] = {
    "integer": numbers | st.sampled_from([2**31, 2**31 - 1, 2**63 - 1, 2**63, -(2**63), 10**400]),
    "string": st.text() | st.sampled_from(["a@example.com", "192.0.2.1", "left", "red"]),
    "boolean": st.booleans(),
    "date": st.dates().map(date.isoformat),
    "datetime": moments,
    "local_datetime": st.datetimes().map(datetime.isoformat),
    "time": st.times().map(time.isoformat),
    "zoned_time": st.times(timezones=st.just(UTC)).map(time.isoformat),
    "duration": st.sampled_from(["PT0S", "-PT0.000001S", "P1Y", "P8000Y", "-P3000Y", "P12DT3H4M5.678S"]),
    "decimal": decimals | numbers,
    "float": numbers | st.floats(-1e6, 1e6),
    "uuid": st.uuids().map(str),
    "bytes": st.text(),
    "enum": st.sampled_from(["red", "SAME", 1, 20, "read-only", "text", 1.5, "2026-01-31", [1, "two"], "a", "b c"]),
    "json": documents,
    "address": st.ip_addresses().map(str),
}


def raw_values(resource: ResourceSchema) -> st.SearchStrategy[dict[str, Any]]:
    """Bodies that set some columns to values that they may or may not hold."""
    create = resource.writes.create
    assert create is not None

    def of(type_: Any) -> st.SearchStrategy[Any]:
        return st.lists(st.none() | of(type_.item), max_size=3) if type_.kind == "array" else RAW[type_.kind]

    fields = {field.name: of(field.type) | st.none() for field in create.columns.values()}
    return st.fixed_dictionaries({}, optional=fields)


def accepted(found: Body, raw: dict[str, Any]) -> dict[str, Any]:
    """What is left of a body when everything that is refused is taken out of it, by attribute."""
    text = json.dumps(raw)
    try:
        instance: BaseModel = found.model.model_validate_json(text)
    except ValidationError as error:
        wrong = {item["loc"][0] for item in error.errors() if item["loc"]}
        return accepted(found, {name: value for name, value in raw.items() if wrong and name not in wrong})
    values = {field.attribute: getattr(instance, name) for name, field in found.columns.items()}
    return {attribute: value for attribute, value in values.items() if value is not MISSING}


def test_whatever_is_accepted_is_read_back(backend: Backend) -> None:
    postgresql = backend.name == "postgresql"
    tables = [samples.Sample, samples.Document, *([samples.Special] if postgresql else [])]
    engine = backend.engine()
    for table in tables:
        table.metadata.create_all(engine, [table.__table__])  # type: ignore[attr-defined]
        with engine.connect() as connection:
            _read_back(connection, resource_of(table, url=backend.url))


def _read_back(connection: sa.Connection, resource: ResourceSchema) -> None:
    entity, create = resource.entity, resource.writes.create
    assert create is not None

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(raw_values(resource))
    def check(raw: dict[str, Any]) -> None:
        sent = accepted(create, raw)
        values = {_column(entity, name): value for name, value in sent.items()}
        connection.execute(sa.insert(entity.__table__).values(values))
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            row = session.scalars(sa.select(entity)).one()
            read = resource.view.model.model_validate(row)
        connection.rollback()
        kept = read.model_dump()
        for field in create.columns.values():
            if field.attribute in sent:
                value, stored = kept[field.attribute], sent[field.attribute]
                is_text = isinstance(stored, str) and not isinstance(value, enum.Enum)  # a path, an address
                assert _equal(str(value) if is_text else value, stored), field.name

    check()


def _equal(kept: Any, sent: Any) -> bool:
    """Compare numbers of JSON as such: JSONB writes out the digits of 2.5e+16, which Python reads as an integer."""
    if isinstance(sent, dict):
        return kept.keys() == sent.keys() and all(_equal(kept[name], sent[name]) for name in sent)
    if isinstance(sent, list):
        return len(kept) == len(sent) and all(map(_equal, kept, sent))
    return bool((float(kept) if isinstance(sent, float) else kept) == sent)


def _column(entity: type[Any], attribute: str) -> Any:
    return sa.inspect(entity).column_attrs[attribute].columns[0]
