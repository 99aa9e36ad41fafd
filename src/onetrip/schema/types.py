"""Column types: what a value is in Python, in a URL and in JSON.

`describe` reads a SQLAlchemy type (decorators and variants unwrapped) and answers a `FieldType`: its kind, by which
`sql` picks the expression that writes it, and a strict parser for text from a URL. The parsers are ours because
Pydantic's lax mode takes `1_000`, `1.0` and timestamps for what they are not (`+` and `Z` included, ISO 8601 is what is
read here).
"""

import base64
import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from pydantic import PlainSerializer, TypeAdapter, ValidationError
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.engine import Dialect
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

Kind = Literal[
    "integer", "string", "boolean", "date", "datetime", "local_datetime", "time", "duration", "decimal", "float",
    "uuid", "bytes", "base64", "enum", "json", "array", "address", "other",
]  # fmt: skip

Parser = Callable[[str], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldType:
    """A column's type, as every stage but the database sees it.

    `python` is the annotation of a value, `parse` turns text of a URL into one (raises `ValueError` with a sentence),
    `json_schema` describes that text. `scale` are the decimals that are always written, `precision` the digits in all.
    `members` are an Enum's stored label and JSON value. `decorated` says that a type decorator of the user's own
    stands between the database and Python. `single` is a 4-byte float, which a driver widens.
    """

    kind: Kind
    python: Any
    parse: Parser
    json_schema: Mapping[str, Any]
    comparable: bool = True
    scale: int | None = None
    precision: int | None = None
    members: tuple[tuple[str, Any], ...] = ()
    item: "FieldType | None" = None
    dimensions: int | None = None
    decorated: bool = False
    native: bool = True
    single: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)


def describe(type_: sa.types.TypeEngine[Any], dialect: Dialect) -> FieldType:
    """Describe a SQLAlchemy type as it is on one dialect."""
    type_ = type_._variant_mapping.get(dialect.name, type_)
    if isinstance(type_, UTCDateTime):
        return _described(sa.DateTime(timezone=True))
    if isinstance(type_, sa.types.TypeDecorator) and not isinstance(type_, AutoString):
        return _decorated(type_, dialect)
    if isinstance(type_, AutoString):
        type_ = sa.String(type_.impl.length)  # type: ignore[attr-defined]
    return _described(type_)


def as_base64(type_: FieldType) -> FieldType:
    """Write bytes as base64, for columns of which nobody has said that they hold text."""
    shown = Annotated[bytes, PlainSerializer(lambda value: base64.urlsafe_b64encode(value).decode(), return_type=str)]
    return replace(type_, kind="base64", comparable=False, extra={"python": shown})


def _decorated(type_: sa.types.TypeDecorator[Any], dialect: Dialect) -> FieldType:
    inner = _described(type_.load_dialect_impl(dialect))
    try:
        python = type_.python_type
    except NotImplementedError:
        python = Any
    return FieldType(
        kind=inner.kind, python=inner.python, parse=inner.parse, json_schema=inner.json_schema, comparable=False,
        scale=inner.scale, precision=inner.precision, members=inner.members, item=inner.item, decorated=True,
        dimensions=inner.dimensions, native=inner.native, single=inner.single, extra={"python": python},
    )  # fmt: skip


def _described(type_: sa.types.TypeEngine[Any]) -> FieldType:
    """Describe a plain type. The order matters: SQLAlchemy's types inherit from one another."""
    for known, build in _BUILDERS:
        if isinstance(type_, known):
            return build(type_)
    return FieldType(kind="other", python=Any, parse=str, json_schema={}, comparable=False)


def _plain(kind: Kind, python: Any, parse: Parser, **schema: Any) -> Callable[[Any], FieldType]:
    described = FieldType(kind=kind, python=python, parse=parse, json_schema=schema)
    return lambda _: described


def _integer(bits: int) -> Callable[[Any], FieldType]:
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1

    def parse(text: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,4000}", text):
            raise ValueError("must be a whole number")
        number = int(text)
        if not low <= number <= high:
            raise OverflowError(f"must be between {low} and {high}")
        return number

    return _plain("integer", int, parse, type="integer", minimum=low, maximum=high)


def _boolean(text: str) -> bool:
    if text not in ("true", "false", "1", "0"):
        raise ValueError("must be 'true' or 'false'")
    return text in ("true", "1")


def _float(text: str) -> float:
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?", text) or abs(float(text)) > 1.8e308:
        raise ValueError("must be a finite number")
    return float(text)


def _numeric(type_: sa.Numeric[Any]) -> FieldType:
    if not type_.asdecimal:
        return _float_type(type_)

    def parse(text: str) -> Decimal:
        if not re.fullmatch(r"[+-]?([0-9]{1,1000}\.?[0-9]{0,1000}|\.[0-9]{1,1000})", text):
            raise ValueError("must be a decimal number, such as '12.50'")
        try:
            return Decimal(text)
        except InvalidOperation:  # pragma: no cover - the pattern admits nothing that Decimal refuses
            raise ValueError("must be a decimal number, such as '12.50'") from None

    return FieldType(
        kind="decimal", python=Decimal, parse=parse, json_schema={"type": "string", "format": "decimal"},
        scale=type_.scale, precision=type_.precision,
    )  # fmt: skip


def _float_type(type_: Any) -> FieldType:
    single = isinstance(type_, sa.REAL) or (isinstance(type_, sa.Float) and (type_.precision or 53) <= 24)
    return FieldType(kind="float", python=float, parse=_float, json_schema={"type": "number"}, single=single)


def _moment(text: str) -> datetime:
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
        moment = datetime.fromisoformat(text) if re.match(r"\d{4}-\d\d-\d\d[T ]", text) else None
    except ValueError:
        moment = None
    if moment is None:
        raise ValueError("must be a date and time such as '2026-01-31T09:30:00Z' (write '+' as '%2B' in a URL)")
    if moment.tzinfo is None:
        raise ValueError(f"needs an offset: add 'Z' for UTC, as in '{text}Z'")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("is outside the years 1 to 9999 in UTC") from None


def _local_moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text) if re.match(r"\d{4}-\d\d-\d\d([T ]|$)", text) else None
    except ValueError:
        moment = None
    if moment is None:
        raise ValueError("must be a date and time such as '2026-01-31T09:30:00'")
    if moment.tzinfo is not None:
        raise ValueError("is a local time: leave out the offset and 'Z'")
    return moment


def _date(text: str) -> date:
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ValueError("must be a date such as '2026-01-31'")


def _time(text: str) -> time:
    try:
        moment = time.fromisoformat(text) if re.match(r"\d\d:\d\d", text) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is not None:
        raise ValueError("must be a time such as '09:30:00'")
    return moment


_DURATION = TypeAdapter(timedelta)


def _duration(text: str) -> timedelta:
    try:
        if text.lstrip("+-").startswith("P"):
            return _DURATION.validate_strings(text)
    except (ValidationError, OverflowError):
        pass
    raise ValueError("must be an ISO 8601 duration such as 'P1DT2H30M'")


def _uuid(text: str) -> uuid.UUID:
    if not re.fullmatch(r"[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}", text):
        raise ValueError("must be a UUID")
    return uuid.UUID(text)


def _uuid_type(type_: Any) -> FieldType:
    if not type_.as_uuid:
        return FieldType(
            kind="string", python=str, parse=lambda text: str(_uuid(text)), json_schema={"type": "string", "format": "uuid"}
        )
    return FieldType(
        kind="uuid", python=uuid.UUID, parse=_uuid, json_schema={"type": "string", "format": "uuid"},
        native=type_.native_uuid,
    )  # fmt: skip


def _enum(type_: sa.Enum) -> FieldType:
    enum_class: type[Enum] | None = type_.enum_class
    values = {label: getattr(type_._object_lookup[label], "value", label) for label in type_.enums}
    by_text = {str(value): type_._object_lookup[label] for label, value in values.items()}

    def parse(text: str) -> Any:
        if text not in by_text:
            raise ValueError("must be one of " + ", ".join(f"'{value}'" for value in by_text))
        return by_text[text]

    return FieldType(
        kind="enum", python=enum_class or str, parse=parse, json_schema={"enum": list(values.values())},
        members=tuple(values.items()), native=bool(type_.native_enum),
    )  # fmt: skip


def _interval(type_: Any) -> FieldType:
    return FieldType(
        kind="duration", python=timedelta, parse=_duration, json_schema={"type": "string", "format": "duration"},
        native=getattr(type_, "native", True),
    )  # fmt: skip


def _datetime(type_: Any) -> FieldType:
    schema = {"type": "string", "format": "date-time"}
    if type_.timezone:
        return FieldType(kind="datetime", python=datetime, parse=_moment, json_schema=schema)
    return FieldType(kind="local_datetime", python=datetime, parse=_local_moment, json_schema=schema)


def _time_type(type_: Any) -> FieldType:
    kind: Kind = "other" if type_.timezone else "time"
    return FieldType(
        kind=kind, python=time, parse=_time, json_schema={"type": "string", "format": "time"},
        comparable=not type_.timezone,
    )  # fmt: skip


def _json(type_: Any) -> FieldType:
    binary = isinstance(type_, pg.JSONB)
    return FieldType(kind="json", python=Any, parse=json.loads, json_schema={}, comparable=False, native=binary)


def _array(type_: Any) -> FieldType:
    item = _described(type_.item_type)
    return FieldType(
        kind="array", python=list[item.python], parse=str, json_schema={"type": "array", "items": item.json_schema},  # type: ignore[name-defined]
        comparable=False, item=item, dimensions=type_.dimensions,
    )  # fmt: skip


_TEXT = _plain("string", str, str, type="string")
_BYTES = _plain("bytes", bytes, str.encode, type="string")

_BUILDERS: tuple[tuple[Any, Callable[[Any], FieldType]], ...] = (
    (sa.Enum, _enum),
    ((sa.Interval, pg.INTERVAL), _interval),
    (sa.Boolean, _plain("boolean", bool, _boolean, type="boolean")),
    (sa.BigInteger, _integer(64)),
    (sa.SmallInteger, _integer(16)),
    (sa.Integer, _integer(32)),
    (sa.Float, lambda type_: _numeric(type_) if type_.asdecimal else _float_type(type_)),
    (sa.Numeric, _numeric),
    (sa.DateTime, _datetime),
    (sa.Date, _plain("date", date, _date, type="string", format="date")),
    (sa.Time, _time_type),
    (sa.Uuid, _uuid_type),
    (sa.JSON, _json),
    (sa.ARRAY, _array),
    ((sa.LargeBinary, pg.BYTEA), _BYTES),
    ((pg.INET, pg.CIDR), _plain("address", str, str, type="string")),
    (sa.String, _TEXT),
)
