"""Text of a URL → value: one strict parser for each kind of column.

Ours, because Pydantic's lax mode takes `1_000`, `1.0` and timestamps for what they are not, and `fromisoformat` drops
digits. A parser raises `ValueError` with the rest of a sentence that begins with the name of what was read ("'limit'
must be a whole number"), and `OverflowError` for a value that is well formed and that no such column can hold.
Standard library only.
"""

import ipaddress
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

Parser = Callable[[str], Any]

INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
"""The number of an item in a list, as a client writes it."""

_NUMBER = r"-?(?:[0-9]{1,1000}(?:\.[0-9]{0,1000})?|\.[0-9]{1,1000})(?:[eE][+-]?[0-9]{1,3})?"
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,999})(?:\.[0-9]{1,1000})?(?:[eE][+-]?[0-9]{1,3})?")
_CLOCK = r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6}0*)?)?"
_MOMENT = re.compile(rf"{_DAY}[T ]{_CLOCK}(?P<offset>Z|[+-][0-9]{{2}}(?::?[0-9]{{2}})?)?")
_DURATION = re.compile(
    r"(?P<sign>[+-]?)P(?=[0-9T])"
    r"(?:(?P<years>[0-9]{1,12})Y)?(?:(?P<months>[0-9]{1,12})M)?(?:(?P<weeks>[0-9]{1,12})W)?(?:(?P<days>[0-9]{1,12})D)?"
    r"(?:T(?=[0-9])(?:(?P<hours>[0-9]{1,12})H)?(?:(?P<minutes>[0-9]{1,12})M)?"
    r"(?:(?P<seconds>[0-9]{1,12})(?:\.(?P<fraction>[0-9]{1,6})0*)?S)?)?"
)

_DATE = "(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"
PATTERNS: Mapping[str, Mapping[str, Any]] = {
    "string": {"pattern": r"^[^\u0000]*$"},
    "bytes": {"pattern": r"^[^\u0000]*$"},
    "decimal": {"pattern": r"^-?([0-9]{1,1000}(\.[0-9]{0,1000})?|\.[0-9]{1,1000})([eE][+-]?[0-9]{1,3})?$"},
    "local_datetime": {"format": "local-date-time", "pattern": f"^{_DATE}(T{_TIME})?$"},
    "time": {"format": "local-time", "pattern": f"^{_TIME}$"},
}
"""What OpenAPI says, by kind of column, of the text that is read: no NUL, and no offset where there is none.

In the regular expressions of JSON Schema, those of ECMAScript.
"""


def integer(bits: int) -> Parser:
    """Make the parser of whole numbers of so many bits."""
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1

    def parse(text: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,4000}", text):
            raise _refusal(text, "must be a whole number")
        number = int(text)
        if not low <= number <= high:
            raise OverflowError(f"must be between {low} and {high}")
        return number

    return parse


def boolean(text: str) -> bool:
    """Read `true`, `false`, `1` or `0`."""
    if text not in ("true", "false", "1", "0"):
        raise ValueError("must be 'true' or 'false'")
    return text in ("true", "1")


def double(text: str) -> float:
    """Read a finite number."""
    if not re.fullmatch(_NUMBER, text):
        raise _refusal(text, "must be a number, such as '1.5'")
    number = float(text)
    if math.isinf(number):
        raise OverflowError("must be between -1.7976931348623157e308 and 1.7976931348623157e308")
    return number


def json_number(text: str) -> int | float | None:
    """Read a number as JSON writes it; answers `None` for a text that is none, or none of 64 bits."""
    if not _JSON_NUMBER.fullmatch(text):
        return None
    if text.lstrip("-").isdigit() and -(2**63) <= int(text) < 2**63:
        return int(text)
    number = float(text)
    return None if math.isinf(number) else number


def plain_number(number: float) -> str:
    """Write a number without exponent and zeros at its end, behind a sign that begins no text that a client means."""
    text = format(Decimal(repr(number)), "f")
    whole = text.rstrip("0").rstrip(".") if "." in text else text
    return "\x01" + ("0" if whole == "-0" else whole)


def decimal(text: str) -> Decimal:
    """Read a decimal number; `1E-7`, as such a number is written in JSON, too."""
    if not re.fullmatch(_NUMBER, text):
        raise _refusal(text, "must be a decimal number, such as '12.50'")
    return Decimal(text)


def moment(text: str) -> datetime:
    """Read a date and time with an offset, as UTC; a date alone is its midnight in UTC."""
    if re.fullmatch(_DAY, text):
        return datetime.combine(day(text), time(), UTC)
    found = _iso(text, "2026-01-31T09:30:00Z")
    if found.tzinfo is None:
        raise ValueError(f"needs an offset: add 'Z' for UTC, as in '{text}Z'")
    try:
        return found.astimezone(UTC)
    except OverflowError:
        raise OverflowError("must be within the years 1 to 9999 in UTC") from None


def local_moment(text: str) -> datetime:
    """Read a date and time without an offset; a date alone is its midnight."""
    if re.fullmatch(_DAY, text):
        return datetime.combine(day(text), time())
    found = _iso(text, "2026-01-31T09:30:00")
    if found.tzinfo is not None:
        raise ValueError("is a local time: leave out the offset and 'Z'")
    return found


def _iso(text: str, example: str) -> datetime:
    matched = _MOMENT.fullmatch(text)
    if matched is None:
        if re.match(rf"{_DAY}[T ][0-9:]{{8}}\.[0-9]{{7}}", text):
            raise ValueError("has more than six decimals of a second, which is all that is stored")
        raise _refusal(text, f"must be a date and time such as '{example}'")
    offset = matched["offset"] or ""
    clock = text[: len(text) - len(offset)]
    try:
        return datetime.fromisoformat(clock[:26] + offset)
    except ValueError:
        raise ValueError("is not a date and time that exists") from None


def day(text: str) -> date:
    """Read a date."""
    if not re.fullmatch(_DAY, text):
        raise ValueError("must be a date such as '2026-01-31'")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("is not a date that exists") from None


def clock_time(text: str) -> time:
    """Read a time of day without an offset."""
    if not re.fullmatch(_CLOCK, text):
        raise ValueError("must be a time such as '09:30:00'")
    try:
        return time.fromisoformat(text[:15])
    except ValueError:
        raise ValueError("is not a time that exists") from None


def duration(text: str) -> timedelta:
    """Read an ISO 8601 duration as Pydantic writes it: a year has 365 days (and a month 30)."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise _refusal(text, "must be an ISO 8601 duration such as 'P1DT2H30M'")
    numbers = {name: int(digits) for name, digits in found.groupdict("0").items() if name not in ("sign", "fraction")}
    days = 365 * numbers.pop("years") + 30 * numbers.pop("months") + numbers.pop("days")
    try:
        length = timedelta(days=days, microseconds=int((found["fraction"] or "0").ljust(6, "0")), **numbers)
        return -length if found["sign"] == "-" else length
    except OverflowError:
        raise OverflowError("must be less than 1000000000 days") from None


def uuid(text: str) -> UUID:
    """Read a UUID, with or without hyphens."""
    if not re.fullmatch(r"[0-9a-fA-F]{8}(-?)(?:[0-9a-fA-F]{4}\1){3}[0-9a-fA-F]{12}", text):
        raise ValueError("must be a UUID, such as '0b5e6f62-0d3b-4f6c-9d3e-3f6f0a8c1f11'")
    return UUID(text)


def address(text: str) -> str:
    """Read an IP address, with its netmask if there is one."""
    try:
        if "%" not in text:  # the zone of an IPv6 address, which PostgreSQL does not store
            return str(ipaddress.ip_interface(text)) if "/" in text else str(ipaddress.ip_address(text))
    except ValueError:
        pass
    raise ValueError("must be an IP address, such as '192.0.2.1'")


def network(text: str) -> str:
    """Read an IP network."""
    try:
        if "%" not in text:
            return str(ipaddress.ip_network(text))
    except ValueError:
        pass
    raise ValueError("must be an IP network without host bits, such as '192.0.2.0/24'")


def member(members: Mapping[str, Any]) -> Parser:
    """Make the parser of one of a few values, given by their texts."""

    def parse(text: str) -> Any:
        if text not in members:
            raise ValueError("must be one of " + ", ".join(f"'{value}'" for value in members))
        return members[text]

    return parse


def _refusal(text: str, sentence: str) -> ValueError:
    """Refuse a text; where it has a space, say what was probably a plus."""
    return ValueError(f"{sentence} (in a URL, '+' is written '%2B')" if " " in text.strip() else sentence)
