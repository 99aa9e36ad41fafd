"""What SQLite cannot write by itself: functions that every connection to it is given.

SQLite checks no types, so a value that is not of its column's type can be stored; it is written as it is stored, which
is what a reader can make something of. Bytes that are not UTF-8 are the exception: JSON has no form for them.
"""

import base64
import json
import math
from collections.abc import Callable
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic_core import to_json

from onetrip.schema.parsers import INDEX, plain_number
from onetrip.sql.dialects import wide
from onetrip.sql.dialects.patterns import fold

_EPOCH = datetime(1970, 1, 1)


def _bare(value: Any) -> str:
    """Write a value as Pydantic does, without the quotes."""
    return to_json(value).decode().strip('"')


def _at(value: Any, keys: str) -> str | None:
    """Find what is inside JSON: the item of a list by its number, where a name is one."""
    try:
        found = json.loads(value)
    except (TypeError, ValueError, RecursionError):
        return None
    for key in json.loads(keys):
        if isinstance(found, list) and INDEX.fullmatch(str(key)) and int(key) < len(found):
            found = found[int(key)]
        elif isinstance(found, dict) and key in found:
            found = found[key]
        else:
            return None
    return json.dumps(found)


def _base64(value: bytes | str | None) -> str | None:
    if value is None:
        return None
    return base64.urlsafe_b64encode(value.encode() if isinstance(value, str) else value).decode()


def _fold(value: Any) -> Any:
    """Write text in lower case; SQLite's own function knows no letters but those of ASCII."""
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    return fold(value) if isinstance(value, str) else value


def _boolean(value: Any) -> str:
    """Write what is neither 1 nor 0: another number, or a word."""
    if isinstance(value, int | float):
        return "true"
    return {"true": "true", "t": "true", "false": "false", "f": "false"}.get(str(value).lower()) or _json_text(value)


def _datetime(value: Any) -> Any:
    """Write a moment in UTC, however it was written; without an offset it is UTC already."""
    try:
        moment = datetime.fromisoformat(value)
        return _bare(moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (TypeError, ValueError, OverflowError):
        return value


def _decimal(value: Any, decimals: int) -> Any:
    """Write a float as the `Decimal` that SQLAlchemy makes of it."""
    if not isinstance(value, int | float):
        return value
    text = f"{value:.{decimals}f}"
    return text if decimals <= 6 and math.isfinite(value) else str(Decimal(text))


def _duration(value: Any) -> Any:
    """Write an interval, which SQLAlchemy stores as a moment after 1970."""
    try:
        return _bare(datetime.fromisoformat(value) - _EPOCH)
    except (TypeError, ValueError):
        return value


def _float(value: Any) -> str | None:
    """Write a float with its shortest digits: SQLite 3.40 prints 15, and loses the value."""
    return None if value is None else _json_text(float(value) if isinstance(value, int) else value)


def _json(value: Any) -> str:
    """Write JSON that SQLite does not read: with NaN, as Python writes it. What is no JSON is text."""
    try:
        return _json_text(json.loads(value))
    except (TypeError, ValueError, RecursionError):
        return _json_text(value)


def _json_text(value: Any) -> str:
    return to_json(value, inf_nan_mode="null").decode()


def _local_datetime(value: Any) -> Any:
    try:
        return _bare(datetime.fromisoformat(value))
    except (TypeError, ValueError):
        return value


def _moment(value: Any) -> Any:
    """Write a moment as SQLAlchemy stores it, however it was written."""
    try:
        moment = datetime.fromisoformat(value)
        moment = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
        return moment.isoformat(" ", "microseconds")
    except (TypeError, ValueError, OverflowError):
        return value


def _number(value: Any) -> Any:
    """Write a float so that Python reads it back, infinities too."""
    return repr(value) if isinstance(value, float) else value


def _sum(value: Any, amount: int, low: int, high: int) -> Any:
    """Add whole numbers; what the column cannot hold is an error that SQLite calls too big."""
    if not isinstance(value, int):
        return value  # NULL, or what is no number
    if not low <= value + amount <= high:
        raise OverflowError
    return value + amount


def _decimal_sum(value: Any, amount: str, digits: int, decimals: int) -> Any:
    """Add decimal numbers, which are stored as floats, exactly; the same is an error."""
    if not isinstance(value, int | float):
        return value
    total = Decimal(_decimal(value, decimals)) + Decimal(amount)
    stored = float(total)
    if (digits >= 0 and total.copy_abs() >= Decimal(10) ** digits) or Decimal(f"{stored:.{decimals}f}") != total:
        raise OverflowError
    return stored


def _position(value: Any) -> str:
    """Write a number with all its digits, and bytes, for positions."""
    if isinstance(value, bytes):
        return json.dumps({"bytes": value.hex()})
    return repr(value) if math.isfinite(value) else "9e999" if value > 0 else "-9e999"


def _plain(value: Any) -> str | None:
    return plain_number(value) if isinstance(value, int | float) else None


def _text(value: bytes | str | None) -> str | None:
    return value.decode() if isinstance(value, bytes) else value


def _time(value: Any) -> Any:
    try:
        return _bare(time.fromisoformat(value))
    except (TypeError, ValueError):
        return value


def _uuid(value: Any) -> Any:
    try:
        return str(UUID(value))
    except (TypeError, ValueError, AttributeError):
        return value


FUNCTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    "onetrip_at": (2, _at),
    "onetrip_base64": (1, _base64),
    "onetrip_boolean": (1, _boolean),
    "onetrip_datetime": (1, _datetime),
    "onetrip_decimal": (2, _decimal),
    "onetrip_decimal_sum": (4, _decimal_sum),
    "onetrip_duration": (1, _duration),
    "onetrip_float": (1, _float),
    "onetrip_fold": (1, _fold),
    "onetrip_json": (1, _json),
    "onetrip_local_datetime": (1, _local_datetime),
    "onetrip_moment": (1, _moment),
    "onetrip_number": (1, _number),
    "onetrip_position": (1, _position),
    "onetrip_plain": (1, _plain),
    "onetrip_sum": (4, _sum),
    "onetrip_text": (1, _text),
    "onetrip_time": (1, _time),
    "onetrip_uuid": (1, _uuid),
    **wide.FUNCTIONS,
}
"""Name → number of arguments and function."""
