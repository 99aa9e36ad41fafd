"""Column types: what a value is in Python, in a URL and in JSON.

`describe` reads a SQLAlchemy type (decorators and variants unwrapped) and answers a `FieldType`: its kind, by which
`sql` picks the expression that writes it, and the parser that reads it from a URL.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import sqlalchemy as sa
from pydantic import PlainSerializer
from pydantic_core import to_json, to_jsonable_python
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.engine import Dialect
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

from onetrip.schema import parsers
from onetrip.schema.parsers import Parser

Kind = Literal[
    "integer", "string", "boolean", "date", "datetime", "local_datetime", "time", "zoned_time", "duration", "decimal",
    "float", "uuid", "bytes", "base64", "enum", "json", "array", "address", "other",
    "wide_integer", "wide_decimal",
    "plain", "scalar", "there", "list",
]  # fmt: skip

DECIMALS = 10
"""Decimals of a `Decimal` from a float, where the column does not say how many: SQLAlchemy's default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldType:
    """A column's type, as every stage but the database sees it.

    `python` is the annotation of a value, `parse` turns text of a URL into one (see `schema.parsers`), `json_schema`
    describes that text. `comparable` says that one can filter and sort by it. `scale` are the decimals of the column,
    `rounded` those to which a float is read as a `Decimal`. `members` are the labels that an Enum stores, with the
    JSON of their values. `item` and `dimensions` are an array's. `decorated` says that a type decorator of the user's
    own stands between the database and Python. `native` says that the database has this very type: an Enum, a UUID or
    an interval that is not text, JSON that is binary, a `Decimal` that is not a float. `inside` is what JSON may hold,
    a `schema.documents.Inside`; what is there has a kind of its own where no column has it: text that is `plain`, of a
    form that only Python knows, a `scalar` that may be text, number or boolean, anything that is `there`, a `list`.
    `wide` numbers are sums.
    """

    kind: Kind
    python: Any
    parse: Parser
    json_schema: Mapping[str, Any]
    comparable: bool = True
    scale: int | None = None
    rounded: int = DECIMALS
    members: tuple[tuple[str, Any], ...] = ()
    item: "FieldType | None" = None
    dimensions: int | None = None
    decorated: bool = False
    native: bool = True
    inside: Any = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def written(self) -> dict[str, Any]:
        """What OpenAPI says of a value that is sent: whatever this admits is read.

        FastAPI writes bounds as floats, and the greatest integer of 64 bits is none: 2**63 is, which is not admitted.
        """
        said = {**self.json_schema, **parsers.PATTERNS.get(self.kind, {})}
        if said.get("maximum") == 2**63 - 1:
            said["exclusiveMaximum"] = said.pop("maximum") + 1
        return said

    def to_json(self, text: str) -> str:
        """Write as JSON what a text of a URL means. Raises like `parse`."""
        return to_json(self.parse(text), fallback=str).decode()


def describe(type_: sa.types.TypeEngine[Any], dialect: Dialect) -> FieldType:
    """Describe a SQLAlchemy type as it is on one dialect."""
    type_ = type_._variant_mapping.get(dialect.name, type_)
    for known, build in _BUILDERS:  # the order matters: SQLAlchemy's types inherit from one another
        if isinstance(type_, known):
            return build(type_, dialect)
    return FieldType(kind="other", python=Any, parse=str, json_schema={}, comparable=False)


def as_base64(type_: FieldType) -> FieldType:
    """Write bytes as base64, for columns of which nobody has said that they hold text."""
    shown = Annotated[bytes, PlainSerializer(lambda value: base64.urlsafe_b64encode(value).decode(), return_type=str)]
    return replace(type_, kind="base64", comparable=False, extra={"python": shown})


_Build = Callable[[Any, Dialect], FieldType]


def _plain(kind: Kind, python: Any, parse: Parser, **schema: Any) -> _Build:
    described = FieldType(kind=kind, python=python, parse=parse, json_schema=schema)
    return lambda type_, dialect: described


def _integer(bits: int) -> _Build:
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    return _plain("integer", int, parsers.integer(bits), type="integer", minimum=low, maximum=high)


def _numeric(type_: sa.Numeric[Any] | sa.Float[Any], dialect: Dialect) -> FieldType:
    if not type_.asdecimal:
        return FieldType(kind="float", python=float, parse=parsers.double, json_schema={"type": "number"})
    rounded = next((number for number in (type_.decimal_return_scale, type_.scale) if number is not None), DECIMALS)
    return FieldType(
        kind="decimal", python=Decimal, parse=parsers.decimal, json_schema={"type": "string", "format": "decimal"},
        scale=type_.scale, rounded=rounded, native=not isinstance(type_, sa.Float),
    )  # fmt: skip


def _uuid(type_: sa.Uuid[Any], dialect: Dialect) -> FieldType:
    return FieldType(
        kind="uuid", python=UUID if type_.as_uuid else str, json_schema={"type": "string", "format": "uuid"},
        parse=parsers.uuid if type_.as_uuid else lambda text: str(parsers.uuid(text)), native=type_.native_uuid,
    )  # fmt: skip


def _enum(type_: sa.Enum, dialect: Dialect) -> FieldType:
    stored = {label: type_._object_lookup[label] for label in type_.enums}
    values = {label: to_jsonable_python(getattr(member, "value", member)) for label, member in stored.items()}
    texts = {label: value if isinstance(value, str) else to_json(value).decode() for label, value in values.items()}
    return FieldType(
        kind="enum", python=type_.enum_class or str, json_schema={"enum": list(values.values())},
        parse=parsers.member({texts[label]: member for label, member in stored.items()}),
        members=tuple(values.items()), native=bool(type_.native_enum),
    )  # fmt: skip


def _interval(type_: sa.types.TypeEngine[timedelta], dialect: Dialect) -> FieldType:
    """Where an interval is stored as a moment after 1970, it must lie within the years that there are."""
    convert = type_.dialect_impl(dialect).bind_processor(dialect)

    def parse(text: str) -> timedelta:
        value = parsers.duration(text)
        if convert is not None:
            try:
                convert(value)
            except OverflowError:
                raise OverflowError("is longer than this database can store") from None
        return value

    return FieldType(
        kind="duration", python=timedelta, parse=parse, json_schema={"type": "string", "format": "duration"},
        native=getattr(type_, "native", True),
    )  # fmt: skip


def _datetime(type_: sa.DateTime | UTCDateTime, dialect: Dialect) -> FieldType:
    schema = {"type": "string", "format": "date-time"}
    if isinstance(type_, UTCDateTime) or type_.timezone:
        return FieldType(kind="datetime", python=datetime, parse=parsers.moment, json_schema=schema)
    return FieldType(kind="local_datetime", python=datetime, parse=parsers.local_moment, json_schema=schema)


def _time(type_: sa.Time, dialect: Dialect) -> FieldType:
    schema = {"type": "string", "format": "time"}
    kind: Kind = "zoned_time" if type_.timezone else "time"
    return FieldType(
        kind=kind, python=time, parse=parsers.clock_time, json_schema=schema, comparable=not type_.timezone
    )


def _json(type_: sa.JSON, dialect: Dialect) -> FieldType:
    binary = isinstance(type_, pg.JSONB)
    return FieldType(kind="json", python=Any, parse=str, json_schema={}, comparable=False, native=binary)


def _array(type_: sa.ARRAY[Any], dialect: Dialect) -> FieldType:
    item = describe(type_.item_type, dialect)
    python: Any = item.python
    schema = item.json_schema
    for _ in range(type_.dimensions or 1):
        python, schema = list[python | None], {"type": "array", "items": schema}
    return FieldType(
        kind="array", python=python, parse=str, json_schema=schema, comparable=False,
        item=item, dimensions=type_.dimensions, decorated=item.decorated,
    )  # fmt: skip


def _decorated(type_: sa.types.TypeDecorator[Any], dialect: Dialect) -> FieldType:
    """Describe a decorator by what it stores; what its values are in Python, only the declaration may know."""
    inner = describe(type_.load_dialect_impl(dialect), dialect)
    convert = type_.bind_processor(dialect)

    def parse(text: str) -> Any:
        """Read what is stored, or take the text as it is, whichever the decorator accepts."""
        for read in (inner.parse, str):
            try:
                value = read(text)
                if convert is not None:
                    convert(value)
            except Exception:
                continue
            return value
        raise ValueError("is not a value of this column")

    try:
        python = type_.python_type
    except NotImplementedError:
        python = Any
    return replace(inner, parse=parse, comparable=False, decorated=True, extra={"python": python})


def _impl(type_: Any, dialect: Dialect) -> FieldType:
    """Describe a type by the one that it is made of."""
    return describe(type_.data_type if isinstance(type_, pg.DOMAIN) else type_.impl, dialect)


_BUILDERS: tuple[tuple[Any, _Build], ...] = (
    (UTCDateTime, _datetime),
    ((AutoString, pg.DOMAIN), _impl),
    ((sa.Interval, pg.INTERVAL), _interval),
    (sa.types.TypeDecorator, _decorated),
    (sa.Enum, _enum),
    (sa.Boolean, _plain("boolean", bool, parsers.boolean, type="boolean")),
    (sa.BigInteger, _integer(64)),
    (sa.SmallInteger, _integer(16)),
    (sa.Integer, _integer(32)),
    ((sa.Numeric, sa.Float), _numeric),
    (sa.DateTime, _datetime),
    (sa.Date, _plain("date", date, parsers.day, type="string", format="date")),
    (sa.Time, _time),
    (sa.Uuid, _uuid),
    (sa.JSON, _json),
    (sa.ARRAY, _array),
    ((sa.LargeBinary, sa.BINARY, sa.VARBINARY), _plain("bytes", bytes, str.encode, type="string")),
    (pg.INET, _plain("address", str, parsers.address, type="string")),
    (pg.CIDR, _plain("address", str, parsers.network, type="string")),
    (sa.String, _plain("string", str, str, type="string")),
)
