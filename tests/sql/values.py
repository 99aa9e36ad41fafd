"""What is stored in the tables of `samples`: the values that have tripped up others, and strategies for more."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from tests.sql.samples import Color, Level, Mode, Odd

Values = dict[str, tuple[list[Any], st.SearchStrategy[Any]]]
"""Column → values that are tried always, strategy for more."""


def decimals(digits: int, places: int) -> st.SearchStrategy[Decimal]:
    limit = 10**digits - 1
    return st.integers(-limit, limit).map(lambda number: Decimal(number).scaleb(-places))


def moments(**options: Any) -> st.SearchStrategy[datetime]:
    odd = st.sampled_from([0, 1, 500_000, 999_999])
    return st.datetimes(**options) | st.builds(lambda at, us: at.replace(microsecond=us), st.datetimes(**options), odd)


def utc(*local: datetime) -> list[datetime]:
    return [moment.replace(tzinfo=UTC) for moment in local]


EPOCH = datetime(1970, 1, 1)
EXACT_INTEGERS = 2.0**53

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
spans = st.timedeltas(datetime.min - EPOCH, datetime.max - EPOCH)
aware = moments(timezones=st.just(UTC))
# SQLite stores -0.0 as 0.0, which is what -0.0 + 0.0 is.
floats = st.floats(-EXACT_INTEGERS, EXACT_INTEGERS).map(lambda number: number + 0.0)

TEXTS = ["", " x ", "a" * 4000, "{}[],:}}", "\n\r\t\\\"'/", "\x01\x08\x1e\x1f\x7f", "\u2028\u2029\ufeff\uffff", "😀𝄞é"]
FLOATS = [
    *(0.0, 0.1, 1.0, 100.0, 1 / 3, 0.30000000000000004, 1234567890123456.7, 9007199254740992.0, 1e15, 1e16, 1.5e16),
    *(1e22, 1e-4, 1.5e-5, 1e-5, 9.5e-6, 1e-6, 1.25e-7, 5e-324, -2.5e-300, 1.7976931348623157e308),
    *(float("nan"), float("inf"), float("-inf")),
]
LOCAL = [
    *(datetime.min, datetime.max, datetime(2026, 1, 31), datetime(2026, 1, 31, 9, 30, 0, 500_000)),
    *(datetime(999, 12, 31, 23, 59, 59, 1), datetime(1969, 12, 31, 23, 59, 59, 999_999)),
]
SPANS = [
    *(timedelta(0), timedelta(microseconds=1), timedelta(microseconds=-1), timedelta(seconds=-1), timedelta(days=365)),
    *(timedelta(days=364, hours=23), timedelta(800, 300, 120), timedelta(days=-366, hours=1)),
    *(datetime.min - EPOCH, datetime.max - EPOCH),
]
TICKETS = [UUID(int=0), UUID(int=2**128 - 1), UUID("0b5e6f62-0d3b-4f6c-9d3e-3f6f0a8c1f11")]

EXACT: Values = {
    "integer": ([0, -(2**31), 2**31 - 1], st.integers(-(2**31), 2**31 - 1)),
    "small": ([-(2**15), 2**15 - 1], st.integers(-(2**15), 2**15 - 1)),
    "big": ([2**53 + 1, -(2**63), 2**63 - 1], st.integers(-(2**63), 2**63 - 1)),
    "text": (TEXTS, texts),
    "short": ([], texts),
    "flag": ([True, False], st.booleans()),
    "day": ([date.min, date.max, date(2024, 2, 29)], st.dates()),
    "moment": (utc(*LOCAL), aware),
    "local": (LOCAL, moments()),
    "at": ([time.min, time.max, time(1, 2, 3, 500_000)], st.times()),
    "took": (SPANS, spans),
    "price": ([Decimal(0), Decimal("12.5"), Decimal("-0.01"), Decimal("99999999.99")], decimals(10, 2)),
    "whole": ([Decimal(0), Decimal("9999999999")], decimals(10, 0).filter(lambda number: number % 10_000)),
    "six": ([Decimal("0.000001"), Decimal("123456789.123456")], decimals(15, 6)),
    "tiny": ([Decimal(0), Decimal("1E-10"), Decimal("-0.0000012"), Decimal("0.000001")], decimals(14, 10)),
    "ratio": (FLOATS, floats),
    "ratio_of_decimals": ([0.0, 2.0, 1.125], decimals(12, 3).map(float)),
    "raw": ([b"", "é😀".encode(), b'"\\\x01\x7f'], texts.map(str.encode)),
    "ticket": (TICKETS, st.uuids()),
    "hex_ticket": (TICKETS, st.uuids()),
    "text_ticket": ([str(ticket) for ticket in TICKETS], st.uuids().map(str)),
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
    "aliased": (TEXTS, texts),
    "odd_alias": ([1], st.integers(0, 9)),
    "long_alias": ([1], st.integers(0, 9)),
    "renamed": (TEXTS, texts),
}
"""Columns of `Sample`."""

# SQLite keeps a number that is a whole document as its own number, to 64 bits.
_thousandths = st.integers(-(10**12), 10**12).map(lambda number: number / 1000)
_scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | _thousandths | texts
_documents = st.recursive(_scalars, lambda one: st.lists(one, max_size=4) | st.dictionaries(texts, one, max_size=4))
DOCUMENTS: list[Any] = [{}, [], "text", 5, 1.5, 0.1 + 0.2, True, [2**70], {"b": [1, {"a": None}], "a": "é\u2028😀\x01"}]

EQUAL: Values = {
    "anything": ([*DOCUMENTS, 1e100], _documents),
    "settings": ([{}, {"x": {"y": [1.5, None]}}], st.dictionaries(texts, _documents, max_size=3)),
    "items": ([[], [1, 2]], st.lists(st.integers(0, 9), max_size=3)),
    "binary": (DOCUMENTS, _documents),
}
"""Columns of `Document`."""

LOOSE: Values = {
    "unscaled": ([Decimal("1.5"), Decimal("0E-12"), Decimal("1E-8"), Decimal("100")], decimals(15, 12)),
    "precise": ([Decimal(0), Decimal("12345678901234567890.5"), Decimal("-1.2E-15")], decimals(28, 20)),
    "single": ([0.1, 1.0, 16777217.0, 1e-30, 3.4e38], st.floats(width=32, allow_nan=False, allow_infinity=False)),
    "decimal_float": ([Decimal("0.1"), Decimal("2.00005"), Decimal("-1234.5")], decimals(9, 4)),
    "code": (["ab", "abcde", ""], st.text("abc ", max_size=5)),
}
"""Columns of `Loose`."""


def _lists(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(st.none() | items, max_size=4)


# Without the first and the last moment, which asyncpg stores as infinities and reads without their zone.
SPECIAL: Values = {
    "numbers": ([[], [1, None, -3]], _lists(st.integers(-9, 9))),
    "texts": ([["", "NULL", 'a,"b"{c}\\', None]], _lists(texts)),
    "tickets": ([TICKETS], _lists(st.uuids())),
    "prices": ([[], [Decimal("1.5"), None, Decimal("0")]], _lists(decimals(12, 2))),
    "amounts": ([[Decimal("1.50"), Decimal("1E-9"), Decimal("0E-8")]], _lists(decimals(12, 9))),
    "moments": ([[], [*utc(*LOCAL[2:]), None]], _lists(aware)),
    "ratios": ([[1.0, float("nan"), None, 1e-7]], _lists(floats | st.just(float("inf")))),
    "colors": ([[], [Color.RED, None, Color.BRACES]], _lists(st.sampled_from(Color))),
    "grid": ([[], [[1, 2], [3, 4]]], st.just([[5], [6]])),
    "host": ([IPv4Address("192.0.2.1")], st.ip_addresses(v=4)),
    "zoned": (utc(*LOCAL[2:]), aware),
    "zoned_at": ([time(1, 2, 3, tzinfo=UTC), time(1, 2, 3, 4, tzinfo=UTC)], st.times(timezones=st.just(UTC))),
    "kept": (SPANS, spans),
}
"""Columns of `Special`."""
