"""The last word on a value, whatever validators made of it: no column is given what its database refuses or changes.

`checker` judges values as the database would store them, `conversion` turns them into what the column's type takes.
Annotations, and what OpenAPI shows of bounds, are `bounds`'.
"""

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

import pydantic
import sqlalchemy as sa
from pydantic_core import from_json, to_jsonable_python

from onetrip.schema.fidelity import bare
from onetrip.schema.storage import Check, Storage, null, refusal

_CERTAIN = ("boolean", "integer", "enum", "uuid", "date", "datetime", "local_datetime", "time")
"""Kinds of which Pydantic, or the parser of a URL, lets nothing through that a column cannot hold."""

_EXPECTED: dict[str, type | tuple[type, ...]] = {
    "boolean": bool, "integer": int, "float": (float, int, Decimal), "decimal": (Decimal, float, int),
    "date": date, "datetime": datetime, "local_datetime": datetime, "time": time, "zoned_time": time,
    "duration": timedelta,
}  # fmt: skip
"""What a driver takes. An annotation may say otherwise, where nobody has checked it."""

_SINGLE = 3.4028234663852886e38
"""The largest float of 32 bits."""

_MAGNITUDE = 1000
"""Digits before or after the point of a number without a precision: as many as a URL can have."""


def checker(storage: Storage, *, nullable: bool, plain: bool = False) -> Check | None:
    """Make the check of a column's values, which runs after all validators, if it takes one.

    Where the annotation is `plain`, no code but Pydantic's has seen the value, and for most kinds that has said it all.
    """
    kind = storage.type.kind
    if plain and kind in _CERTAIN:
        return None
    if plain and kind == "string":
        return _plain_text
    check = _bound(storage) if storage.type.decorated else _converted(storage)

    def checked(value: Any) -> Any:
        if value is None:
            if nullable:
                return None
            raise null()
        return value if check is None else check(value)

    return checked


def addressable(check: Check) -> Check:
    """Refuse the empty text as well, which no URL of a row can hold."""

    def checked(value: Any) -> Any:
        if value == "":
            raise refusal("string_too_short", "must have at least 1 character")
        return check(value)

    return checked


def _plain_text(value: Any) -> Any:
    if value is not None and "\0" in value:
        _text(value)
    return value


def _converted(storage: Storage) -> Check | None:
    """Read text that a model has left as it is where its column takes something else, before it is checked."""
    check, expected = _check(storage), _EXPECTED.get(storage.type.kind)
    if expected is None:
        return check

    def converted(value: Any) -> Any:
        if not isinstance(value, expected):
            try:
                value = storage.type.parse(value if isinstance(value, str) else "")
            except (OverflowError, ValueError) as error:
                raise refusal("not_a_value", str(error).partition(" (in a URL")[0]) from None
        return value if check is None else check(value)

    return converted


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
            raise refusal("not_a_value", "is not a value of this column") from error
        if isinstance(kept, str):
            _document(from_json(kept)) if kind == "json" else _text(kept)
        elif isinstance(kept, float) and not math.isfinite(kept):
            raise refusal("finite_number", "must be a finite number")
        return value

    return check


def _integers(storage: Storage) -> Check:
    low, high = storage.type.json_schema["minimum"], storage.type.json_schema["maximum"]

    def check(value: Any) -> Any:
        if not low <= value <= high:
            raise refusal("out_of_range", f"must be between {low} and {high}")
        return value

    return check


def _strings(storage: Storage) -> Check:
    length = getattr(storage.impl, "length", None)

    def check(value: Any) -> Any:
        text = as_text(value)
        _text(text)
        if length and len(text) > length:
            raise refusal("string_too_long", f"must have at most {length} characters")
        return value

    return check


def _bytes(storage: Storage) -> Check:
    def check(value: Any) -> Any:
        if isinstance(value, bytes):
            try:
                text = value.decode()
            except UnicodeDecodeError:
                raise refusal("bytes_not_text", "must be text") from None
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
            raise refusal("finite_number", "must be a finite number")
        if abs(value) > largest:
            raise refusal("out_of_range", f"must be between {-largest} and {largest}")
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
            raise refusal("finite_number", "must be a finite number")
        before, after = _places(number)
        if digits is not None and decimals is not None and (before > digits - decimals or after > decimals):
            most = f"at most {digits - decimals} digits before the point and {decimals} after it"
            raise refusal("out_of_range", f"must have {most}")
        if before > _MAGNITUDE or after > _MAGNITUDE:
            raise refusal("out_of_range", f"must have at most {_MAGNITUDE} digits before and after the point")
        if not exact and Decimal(f"{float(number):.{rounded}f}") != number:
            raise refusal("not_exact", "has more digits than this database can store")
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
        if value.utcoffset() is None:
            raise refusal("timezone_aware", "needs an offset: add 'Z' for UTC")
        try:
            return value.astimezone(UTC)
        except OverflowError:
            raise refusal("out_of_range", "must be within the years 1 to 9999 in UTC") from None

    return check


def _local(storage: Storage) -> Check:
    def check(value: Any) -> Any:
        if value.tzinfo is not None:
            raise refusal("timezone_naive", "is a local time: leave out the offset and 'Z'")
        return value

    return check


def _zoned_times(storage: Storage) -> Check:
    kept = _round_trip(storage, "has an offset, which this database does not store")

    def check(value: Any) -> Any:
        if value.utcoffset() is None:
            raise refusal("timezone_aware", "needs an offset: add 'Z' for UTC")
        if value.utcoffset() % timedelta(minutes=1):
            raise refusal("timezone_offset", "must have an offset of whole minutes")
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
            raise refusal("out_of_range", reason) from None
        if kept != value:
            raise refusal("out_of_range", reason)
        return value

    return check


def _durations(storage: Storage) -> Check | None:
    return None if storage.type.native else _round_trip(storage, "is longer than this database can store")


def _enums(storage: Storage) -> Check:
    values = [value for _, value in storage.type.members]

    def check(value: Any) -> Any:
        if not isinstance(value, Enum) and value not in values:
            raise refusal("enum", "must be one of " + ", ".join(f"'{member}'" for member in values))
        return value

    return check


def _arrays(storage: Storage) -> Check:
    check_item = _check(storage.item)
    dimensions = storage.type.dimensions or 1

    def checked(value: Any, depth: int) -> Any:
        if depth == 0:
            return value if value is None or check_item is None else check_item(value)
        if depth < dimensions and not value:
            raise refusal("array_shape", "must have items in each of its lists")
        if depth > 1 and len({len(inner) if isinstance(inner, list) else None for inner in value}) > 1:
            raise refusal("array_shape", "must have lists of one length")
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
        raise refusal("out_of_range", f"must be between {-(2**63)} and {2**63 - 1}")
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            _text(value)
        elif isinstance(value, float) and not math.isfinite(value):
            raise refusal("finite_number", "must have finite numbers only")
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, dict):
            waiting.extend((*value, *value.values()))


def _text(text: str) -> None:
    if "\0" in text:
        raise refusal("null_character", "must not contain the character U+0000")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise refusal("lone_surrogate", "must not contain half of a surrogate pair") from None


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
