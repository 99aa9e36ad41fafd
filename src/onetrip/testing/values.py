"""One value for one column: of its type, within its bounds, and another one for each number."""

import enum
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, get_args, get_origin

import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from onetrip.schema.fidelity import bare

_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class Unmade(Exception):
    """No value can be made up; the message is the rest of a sentence."""


def value_for(entity: type[Any], name: str, column: Any, number: int) -> Any:
    """Make up the value of a column in the row of some number. Raises `Unmade`."""
    info: FieldInfo | None = getattr(entity, "model_fields", {}).get(name)
    kind = _type_of(info, column)
    limits = _Limits(info, column)
    value = _made(kind, entity, name, limits, number)
    if info is not None:
        try:
            annotated: Any = Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation
            return TypeAdapter(annotated).validate_python(value)
        except ValidationError as error:
            raise Unmade(f"takes no {value!r} ({error.errors()[0]['msg']})") from error
    return value


def _type_of(info: FieldInfo | None, column: Any) -> Any:
    if info is not None:
        return bare(info.annotation)
    if isinstance(column.type, sa.Enum) and column.type.enum_class is None:
        return Literal[tuple(column.type.enums)]
    try:
        return column.type.python_type
    except NotImplementedError:
        raise Unmade("is of a type without a Python type") from None


class _Limits:
    """The bounds of a column, from its annotation and from its type."""

    def __init__(self, info: FieldInfo | None, column: Any) -> None:
        found: dict[str, Any] = {}
        for item in info.metadata if info is not None else ():
            for name in ("ge", "gt", "le", "lt", "multiple_of", "min_length", "max_length", "decimal_places"):
                if (value := getattr(item, name, None)) is not None:
                    found[name] = value
        self.least = found.get("ge", found.get("gt"))
        self.above = "gt" in found
        self.most = found.get("le", found.get("lt"))
        self.below = "lt" in found
        self.multiple = found.get("multiple_of")
        self.shortest = found.get("min_length", 0)
        lengths = (found.get("max_length"), getattr(column.type, "length", None))
        self.longest = min((length for length in lengths if length is not None), default=None)
        self.places = found.get("decimal_places", getattr(column.type, "scale", None))
        self.timezone = getattr(column.type, "timezone", None)
        self.column = column


def _made(kind: Any, entity: type[Any], name: str, limits: _Limits, number: int) -> Any:
    if get_origin(kind) is Literal:
        return get_args(kind)[(number - 1) % len(get_args(kind))]
    if isinstance(kind, type):
        if issubclass(kind, enum.Enum):
            return list(kind)[(number - 1) % len(kind)]
        for known, make in _MAKERS.items():
            if issubclass(kind, known):
                return make(entity, name, limits, number)
    kind = get_origin(kind) or kind
    if kind in (list, tuple, set, frozenset, dict):
        return kind()
    if isinstance(kind, type) and kind.__module__.startswith("pydantic"):
        return _text(entity, name, limits, number)
    raise Unmade(f"is of type {getattr(kind, '__name__', kind)}, of which no value can be made up")


def _text(entity: type[Any], name: str, limits: _Limits, number: int) -> str:
    words = name.lower()
    if "email" in words:
        text = f"{entity.__name__.lower()}{number}@example.com"
    elif words.endswith(("url", "uri")):
        text = f"https://example.com/{number}"
    else:
        text = f"{name}-{number}"
    if limits.longest is not None and len(text) > limits.longest:
        text = str(number).rjust(min(limits.longest, limits.shortest or 1), "0")
        if len(text) > limits.longest:
            raise Unmade(f"has at most {limits.longest} characters, too few for row {number}")
    return text.ljust(limits.shortest, "x")


def _number(limits: _Limits, number: int, step: Any) -> Any:
    step = limits.multiple or step
    start: Any = 0
    if limits.least is not None:
        start = limits.least if limits.multiple is None else -(-limits.least // step) * step
        if not limits.above and limits.multiple is None:
            start -= step
    value = start + step * number
    if limits.most is not None and (value >= limits.most if limits.below else value > limits.most):
        if limits.least is None:
            return limits.most - step * number
        span = (limits.most - start) // step - (1 if limits.below and (limits.most - start) % step == 0 else 0)
        value = start + step * (1 + (number - 1) % max(int(span), 1))
    return value


def _whole(_: type[Any], __: str, limits: _Limits, number: int) -> int:
    return int(_number(limits, number, 1))


def _decimal(_: type[Any], __: str, limits: _Limits, number: int) -> Decimal:
    step = Decimal(1).scaleb(-(limits.places or 0)) if limits.most is not None else Decimal(1)
    value = Decimal(_number(limits, number, step))
    return value.quantize(Decimal(1).scaleb(-limits.places)) if limits.places else value  # as it will be answered


def _float(_: type[Any], __: str, limits: _Limits, number: int) -> float:
    return float(_number(limits, number, 1 if limits.most is None else 2**-10))


def _moment(_: type[Any], __: str, limits: _Limits, number: int) -> datetime:
    moment = _BEGIN + timedelta(minutes=number)
    return moment if limits.timezone else moment.replace(tzinfo=None)


_Make = Callable[[type[Any], str, _Limits, int], Any]

_MAKERS: dict[type, _Make] = {
    bool: lambda *_: False,
    int: _whole,
    float: _float,
    Decimal: _decimal,
    str: _text,
    bytes: lambda entity, name, limits, number: _text(entity, name, limits, number).encode(),
    datetime: _moment,
    date: lambda _, __, ___, number: _BEGIN.date() + timedelta(days=number),
    time: lambda _, __, ___, number: time(number % 24, number // 24 % 60),
    timedelta: lambda _, __, ___, number: timedelta(minutes=number),
    uuid.UUID: lambda _, __, ___, number: uuid.uuid4(),
}
