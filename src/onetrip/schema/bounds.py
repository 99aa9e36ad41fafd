"""What a column can hold, said to Pydantic: no value is accepted that the database refuses, or gives back as another.

`bounded` adds to an annotation what OpenAPI can show, and reads text as a URL does. `checker` makes the last word on a
value, whatever validators made of it, and `conversion` turns it into what a driver takes. Knows column types by their
description, and SQLAlchemy's type for what only that says; no mapper, and no model as a whole.
"""

import base64
import binascii
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from itertools import takewhile
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

import pydantic
import sqlalchemy as sa
from annotated_types import Ge, Le, MaxLen
from pydantic_core import PydanticCustomError, from_json, to_json, to_jsonable_python
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.engine import Dialect

from onetrip.schema.fidelity import bare
from onetrip.schema.types import FieldType

Check = Callable[[Any], Any]
"""Answers the value to store, or raises `PydanticCustomError`."""

_VALIDATORS = (pydantic.AfterValidator, pydantic.BeforeValidator, pydantic.PlainValidator, pydantic.WrapValidator)
_CERTAIN = ("boolean", "integer", "enum", "uuid", "date", "datetime", "local_datetime", "time")
"""Kinds of which Pydantic, or the parser of a URL, lets nothing through that a column cannot hold."""

_MOMENTS = {
    pydantic.AwareDatetime, pydantic.NaiveDatetime, pydantic.PastDatetime, pydantic.FutureDatetime,
    pydantic.PastDate, pydantic.FutureDate,
}  # fmt: skip
_READ: dict[str, type | tuple[type, ...]] = {
    "date": date, "datetime": datetime, "local_datetime": datetime, "time": time, "duration": timedelta,
    "decimal": Decimal, "uuid": UUID, "address": (), "base64": bytes,
}  # fmt: skip
"""Kinds that JSON writes as text of a form of their own, and what a validator may have made of it before."""

_PLAIN = (str, int, float)
"""Values of an Enum that JSON has, too."""

_SINGLE = 3.4028234663852886e38
"""The largest float of 32 bits."""

_MAGNITUDE = 1000
"""Digits before or after the point of a number without a precision: as many as a URL can have."""


@dataclass(frozen=True, slots=True)
class Storage:
    """How one database stores a column: its description, and its SQLAlchemy type with all wrapping."""

    type: FieldType
    column: sa.types.TypeEngine[Any]
    dialect: Dialect

    @property
    def impl(self) -> Any:
        """SQLAlchemy's type on the dialect, without decorators and domains."""
        type_: Any = self.column
        while True:
            type_ = type_._variant_mapping.get(self.dialect.name, type_)
            if isinstance(type_, pg.DOMAIN):
                type_ = type_.data_type
            elif isinstance(type_, sa.types.TypeDecorator):
                type_ = type_.load_dialect_impl(self.dialect)
            else:
                return type_

    @property
    def item(self) -> "Storage":
        """The items of an array."""
        assert self.type.item is not None
        return Storage(self.type.item, self.impl.item_type, self.dialect)

    @property
    def digits(self) -> tuple[int | None, int | None]:
        """Digits and decimals of a decimal number; a number of digits alone has no decimals."""
        impl = self.impl
        if isinstance(impl, sa.Float) or not isinstance(impl, sa.Numeric) or impl.precision is None:
            return None, None
        return impl.precision, impl.scale or 0


def bounded(annotation: Any, metadata: tuple[Any, ...], storage: Storage, *, nullable: bool) -> Any:
    """Add the bounds of a column to an annotation and its metadata; `None` is accepted where the column is nullable."""
    base = _required(annotation)
    if storage.type.decorated:
        inner, outer = base, metadata
    else:
        before = tuple(takewhile(lambda item: not isinstance(item, _VALIDATORS), metadata))
        known = (*_limits(base, storage), *before, *_reading(base, storage.type))
        base = _items(base, storage)
        inner, outer = Annotated[(base, *known)] if known else base, metadata[len(before) :]
    whole = either(inner, None) if nullable else inner
    return Annotated[(whole, *outer)] if outer else whole


class _Whole:
    """An annotation as a hashable piece of another: unions compare their members, and metadata need not allow that."""

    def __init__(self, annotation: Any) -> None:
        self.annotation = annotation

    def __get_pydantic_core_schema__(self, source: Any, handler: pydantic.GetCoreSchemaHandler) -> Any:
        return handler.generate_schema(self.annotation)


def either(annotation: Any, other: Any) -> Any:
    """Accept another value, too: `None` or `MISSING`."""
    return Union[Annotated[Any, _Whole(annotation)], other]  # noqa: UP007 - MISSING is a value


def _required(annotation: Any) -> Any:
    """Strip `None` from an annotation, and keep whatever is said inside."""
    others = [part for part in get_args(annotation) if part is not type(None)]
    if type(None) in get_args(annotation) and get_origin(annotation) is not Literal:
        return Union[tuple(others)]  # noqa: UP007 - of one or more
    return annotation


def _limits(annotation: Any, storage: Storage) -> Iterator[Any]:
    """Say the bounds that Pydantic knows, and shows in OpenAPI."""
    type_, plain = storage.type, bare(annotation)
    if type_.kind == "integer" and plain is int:
        yield Ge(type_.json_schema["minimum"])
        yield Le(type_.json_schema["maximum"])
    elif type_.kind == "string" and plain is str and storage.impl.length:
        yield MaxLen(storage.impl.length)
    elif type_.kind == "decimal" and plain is Decimal and storage.digits[0] is not None:
        digits, decimals = storage.digits
        yield pydantic.Field(max_digits=digits, decimal_places=decimals)


def _items(annotation: Any, storage: Storage) -> Any:
    """Bound the items of an array, one by one, and name the members of an Enum that has no class."""
    if storage.type.kind == "enum" and bare(annotation) is str:
        return Literal[tuple(value for _, value in storage.type.members)]
    if storage.type.kind != "array" or get_origin(bare(annotation)) is not list:
        return annotation
    (inner,) = get_args(bare(annotation))
    if get_origin(bare(inner)) is list:  # PostgreSQL has no NULL in place of a list
        return list[_items(_required(inner), storage)]  # type: ignore[misc]
    return list[bounded(inner, (), storage.item, nullable=type(None) in get_args(inner))]  # type: ignore[misc]


def _reading(annotation: Any, type_: FieldType) -> Iterator[Any]:
    """Read text as it is read in a URL: one parser for a kind of column, one sentence for what is wrong."""
    plain = bare(annotation)
    members = getattr(plain, "__members__", {}).values()
    if type_.kind == "enum" and not all(isinstance(member.value, _PLAIN) for member in members):
        yield pydantic.BeforeValidator(lambda value: _member(value, type_))
    if type_.kind not in _READ or not (plain is type_.python or plain in _MOMENTS):
        return
    made = _READ[type_.kind]
    parse = _base64 if type_.kind == "base64" else type_.parse

    def read(value: Any) -> Any:
        if isinstance(value, made) and type_.python is not str:
            return value
        if value is None:
            raise _null()
        if type_.kind == "decimal" and isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)
        try:
            return parse(value if isinstance(value, str) else "")
        except OverflowError as error:
            raise _error("out_of_range", str(error)) from None
        except ValueError as error:
            raise _error(f"{type_.kind}_parsing", str(error).partition(" (in a URL")[0]) from None

    yield pydantic.BeforeValidator(read)


def _member(value: Any, type_: FieldType) -> Any:
    """Find the member of an Enum by what JSON has for a value that it cannot have: a date, a tuple."""
    try:
        return type_.parse(value if isinstance(value, str) else to_json(value).decode())
    except ValueError as error:
        raise _error("enum", str(error)) from None


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("must be bytes in base64") from None


# The last word


def simple_checker(annotation: Any, metadata: tuple[Any, ...], storage: Storage) -> tuple[Check | None, bool]:
    """Make the check of what only Pydantic and `bounded` have read, and say whether that will do: most need none."""
    kind = storage.type.kind
    own = _required(annotation) is storage.type.python and not any(isinstance(item, _VALIDATORS) for item in metadata)
    if own and not storage.type.decorated and kind in ("string", *_CERTAIN):
        return (_simple_text if kind == "string" else None), True
    return None, False


def _simple_text(value: Any) -> Any:
    if value is not None and "\0" in value:
        _text(value)
    return value


def checker(storage: Storage, *, nullable: bool) -> Check:
    """Make the check of a column's values, which runs after all validators."""
    check = _bound(storage) if storage.type.decorated else _check(storage)

    def checked(value: Any) -> Any:
        if value is None:
            if nullable:
                return None
            raise _null()
        return value if check is None else check(value)

    return checked


def _check(storage: Storage) -> Check | None:
    make = _CHECKS.get(storage.type.kind)
    return None if make is None else make(storage)


def _bound(storage: Storage) -> Check:
    """Ask a decorator of the user's own what it makes of a value, and judge what comes out as it would be stored."""
    bind = storage.column.bind_processor(storage.dialect)
    kind = storage.type.kind

    def check(value: Any) -> Any:
        if bind is None:
            return value
        try:
            kept = bind(value)
        except Exception as error:  # a user's code runs in there, and may raise anything
            raise _error("not_a_value", "is not a value of this column") from error
        if isinstance(kept, str):
            _document(from_json(kept)) if kind == "json" else _text(kept)
        elif isinstance(kept, float) and not math.isfinite(kept):
            raise _error("finite_number", "must be a finite number")
        return value

    return check


def _integers(storage: Storage) -> Check:
    low, high = storage.type.json_schema["minimum"], storage.type.json_schema["maximum"]

    def check(value: Any) -> Any:
        if isinstance(value, int) and not low <= value <= high:
            raise _error("out_of_range", f"must be between {low} and {high}")
        return value

    return check


def _strings(storage: Storage) -> Check:
    length = getattr(storage.impl, "length", None)

    def check(value: Any) -> Any:
        text = as_text(value)
        _text(text)
        if length and len(text) > length:
            raise _error("string_too_long", f"must have at most {length} characters")
        return value

    return check


def _bytes(storage: Storage) -> Check:
    def check(value: Any) -> Any:
        if isinstance(value, bytes):
            try:
                text = value.decode()
            except UnicodeDecodeError:
                raise _error("bytes_not_text", "must be text") from None
            _text(text)
        return value

    return check


def _floats(storage: Storage) -> Check:
    if storage.digits[0] is not None:
        return _decimals(storage)  # of a NUMERIC that Python sees as a float
    precision = getattr(storage.impl, "precision", None)
    single = isinstance(storage.impl, sa.REAL) or (precision is not None and precision <= 24)
    largest = _SINGLE if single else math.inf

    def check(value: Any) -> Any:
        if not math.isfinite(value):
            raise _error("finite_number", "must be a finite number")
        if abs(value) > largest:
            raise _error("out_of_range", f"must be between {-largest} and {largest}")
        return value

    return check


def _decimals(storage: Storage) -> Check:
    """A number is stored with its digits; where the database has only floats, those must say the same number."""
    digits, decimals = storage.digits
    sent = storage.column.dialect_impl(storage.dialect).bind_processor(storage.dialect)
    exact = storage.type.kind == "float" or (storage.type.native and sent is None)
    rounded = storage.type.rounded

    def check(value: Any) -> Any:
        number = value if isinstance(value, Decimal) else Decimal(str(value))
        if not number.is_finite():
            raise _error("finite_number", "must be a finite number")
        before, after = _places(number)
        if digits is not None and decimals is not None and (before > digits - decimals or after > decimals):
            most = f"at most {digits - decimals} digits before the point and {decimals} after it"
            raise _error("out_of_range", f"must have {most}")
        if before > _MAGNITUDE or after > _MAGNITUDE:
            raise _error("out_of_range", f"must have at most {_MAGNITUDE} digits before and after the point")
        if not exact and Decimal(f"{float(number):.{rounded}f}") != number:
            raise _error("not_exact", "has more digits than this database can store")
        return value

    return check


def _places(number: Decimal) -> tuple[int, int]:
    """Count the digits before and after the point, without writing them out."""
    if not number:
        return 0, 0
    _, figures, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    zeros = len(figures) - len("".join(map(str, figures)).rstrip("0")) if exponent < 0 else 0
    return max(number.adjusted() + 1, 0), max(-(exponent + zeros), 0)


def _moments(storage: Storage) -> Check:
    def check(value: Any) -> Any:
        if not isinstance(value, datetime):
            return value
        if value.utcoffset() is None:
            raise _error("timezone_aware", "needs an offset: add 'Z' for UTC")
        try:
            return value.astimezone(UTC)
        except OverflowError:
            raise _error("out_of_range", "must be within the years 1 to 9999 in UTC") from None

    return check


def _local(storage: Storage) -> Check:
    def check(value: Any) -> Any:
        if getattr(value, "tzinfo", None) is not None:
            raise _error("timezone_naive", "is a local time: leave out the offset and 'Z'")
        return value

    return check


def _zoned_times(storage: Storage) -> Check:
    kept = _round_trip(storage, "has an offset, which this database does not store")

    def check(value: Any) -> Any:
        if value.utcoffset() is None:
            raise _error("timezone_aware", "needs an offset: add 'Z' for UTC")
        if value.utcoffset() % timedelta(minutes=1):
            raise _error("timezone_offset", "must have an offset of whole minutes")
        return kept(value)

    return check


def _round_trip(storage: Storage, reason: str) -> Check:
    """Refuse what SQLAlchemy would not make the same value of again."""
    impl: Any = storage.column.dialect_impl(storage.dialect)
    bind, load = impl.bind_processor(storage.dialect), impl.result_processor(storage.dialect, None)

    def check(value: Any) -> Any:
        try:
            sent = value if bind is None else bind(value)
            kept = sent if load is None else load(sent)
        except (OverflowError, ValueError):
            raise _error("out_of_range", reason) from None
        if kept != value:
            raise _error("out_of_range", reason)
        return value

    return check


def _durations(storage: Storage) -> Check | None:
    return None if storage.type.native else _round_trip(storage, "is longer than this database can store")


def _enums(storage: Storage) -> Check:
    values = [value for _, value in storage.type.members]

    def check(value: Any) -> Any:
        if not isinstance(value, Enum) and value not in values:
            raise _error("enum", "must be one of " + ", ".join(f"'{member}'" for member in values))
        return value

    return check


def _arrays(storage: Storage) -> Check:
    check_item = _check(storage.item)
    dimensions = storage.type.dimensions or 1

    def checked(value: Any, depth: int) -> Any:
        if depth == 0:
            return value if value is None or check_item is None else check_item(value)
        if depth < dimensions and not value:
            raise _error("array_shape", "must have items in each of its lists")
        if depth > 1 and len({len(inner) if isinstance(inner, list) else None for inner in value}) > 1:
            raise _error("array_shape", "must have lists of one length")
        return [checked(inner, depth - 1) for inner in value]

    return lambda value: checked(value, dimensions) if isinstance(value, list) else value


def _documents(storage: Storage) -> Check:
    def check(value: Any) -> Any:
        _document(to_jsonable_python(value))
        return value

    return check


def _document(document: Any) -> None:
    """Refuse what JSON has no number for, and text that PostgreSQL does not store.

    SQLite keeps a number that is a whole document as a number of its own, of 64 bits.
    """
    if isinstance(document, int) and not -(2**63) <= document < 2**63:
        raise _error("out_of_range", f"must be between {-(2**63)} and {2**63 - 1}")
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            _text(value)
        elif isinstance(value, float) and not math.isfinite(value):
            raise _error("finite_number", "must have finite numbers only")
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, dict):
            waiting.extend((*value, *value.values()))


def _text(text: str) -> None:
    if "\0" in text:
        raise _error("null_character", "must not contain the character U+0000")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise _error("lone_surrogate", "must not contain half of a surrogate pair") from None


_CHECKS: dict[str, Callable[[Storage], Check | None]] = {
    "integer": _integers, "string": _strings, "address": _strings, "other": _strings, "bytes": _bytes,
    "float": _floats, "decimal": _decimals, "datetime": _moments, "local_datetime": _local, "time": _local,
    "zoned_time": _zoned_times, "duration": _durations, "enum": _enums, "array": _arrays, "json": _documents,
}  # fmt: skip


# What a driver takes


def conversion(annotation: Any, storage: Storage) -> Check | None:
    """Make the function that turns a value into what the column's type takes; `None` where it is that already."""
    if storage.type.decorated or bare(annotation) is storage.type.python:
        return None
    convert = _CONVERSIONS.get(storage.type.kind)
    return None if convert is None else lambda value: None if value is None else convert(value)


def as_text(value: Any) -> str:
    """Answer what is stored of a value that stands in a text column: a path, an address, a member of an Enum."""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, pydantic.SecretStr):
        return value.get_secret_value()
    return str(value)


_CONVERSIONS: dict[str, Check] = {
    "json": to_jsonable_python,
    "string": as_text,
    "float": float,
    "integer": int,
    "decimal": lambda value: value if isinstance(value, Decimal) else Decimal(str(value)),
}


def _null() -> PydanticCustomError:
    return _error("null", "must not be null")


def _error(kind: Any, sentence: str) -> PydanticCustomError:
    """Say it as Pydantic does: `must be` is `Input should be`."""
    return PydanticCustomError(kind, "{reason}", {"reason": "Input " + re.sub("^must ", "should ", sentence)})
