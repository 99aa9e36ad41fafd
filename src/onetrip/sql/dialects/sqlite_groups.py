"""SQLite: aggregates of columns, and buckets of time.

https://www.sqlite.org/lang_aggfunc.html. Its sum of integers fails beyond 64 bits, and decimals are floats there.
So both are added as integers, in two halves that never overflow, and put together by `wide`.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import func

from onetrip.schema.types import FieldType
from onetrip.sql.dialects.groups import TINY, Groups, over
from onetrip.sql.dialects.wide import Wide
from onetrip.sql.template import Template

_EXACT = 2**53  # whole numbers up to this are exact in a float

_REAL = "CAST({0} AS REAL)"
_HIGH, _LOW = "sum({0} >> 32)", "sum({0} & 4294967295)"

_MOMENT = """CASE WHEN {0} GLOB '????-??-?? ??:??:??.??????' THEN {0}
WHEN {0} GLOB '????-??-?? ??:??:??' THEN {0} || '.000000' ELSE onetrip_moment({0}) END"""
_PLAIN = {
    "datetime": _MOMENT,
    "local_datetime": _MOMENT,
    "time": "CASE WHEN {0} GLOB '??:??:??' THEN {0} || '.000000' ELSE {0} END",
}
"""Kind → the form in which SQLAlchemy stores a value."""

_DAYS = {
    "year": "substr({0}, 1, 4) || '-01-01'",
    "quarter": "substr({0}, 1, 5) || printf('%02d', (CAST(substr({0}, 6, 2) AS INTEGER) - 1) / 3 * 3 + 1) || '-01'",
    "month": "substr({0}, 1, 7) || '-01'",
    "week": "date(substr({0}, 1, 10), '-6 days', 'weekday 1')",
    "day": "substr({0}, 1, 10)",
}
_CLOCKS = {"hour": "substr({0}, 1, 13) || ':00:00.000000'", "minute": "substr({0}, 1, 16) || ':00.000000'"}


class SQLiteGroups(Groups):
    """SQLite 3.38 and later."""

    def aggregate(self, function: str, type_: FieldType, result: FieldType, column: Any) -> Any:
        """Integers and decimals exactly, as keys of `wide`, unless their average is a float."""
        if function == "count":
            return func.count(column, type_=sa.BigInteger())
        if function in ("min", "max"):
            return getattr(func, function)(column)
        if type_.kind == "decimal":
            total = _decimals(type_.rounded)
            if function == "sum":
                return Template(f"onetrip_wide({total})", column, type_=Wide())
            return Template(f"onetrip_wide_mean({total}, count({{0}}), {result.scale})", column, type_=Wide())
        if type_.kind == "float":
            mean = f"CASE WHEN abs(sum({_REAL})) < {TINY} THEN 0.0 ELSE sum({_REAL}) / count({{0}}) END"
            return Template(f"sum({_REAL})" if function == "sum" else mean, column, type_=sa.Float())
        if function == "sum":
            return Template(f"onetrip_wide({_HIGH}, {_LOW}, NULL, 0)", column, type_=Wide())
        return Template(f"({_HIGH} * 4294967296.0 + {_LOW}) / count({{0}})", column, type_=sa.Float())

    def running(self, type_: FieldType, column: Any, order: Sequence[Any]) -> Any:
        """The parts of the sum are windows, each."""
        window = over(order)
        if type_.kind == "decimal":
            return Template(f"onetrip_wide({_decimals(type_.rounded, window)})", column, *order, type_=Wide())
        return Template(f"onetrip_wide({_HIGH} {window}, {_LOW} {window}, NULL, 0)", column, *order, type_=Wide())

    def bucket(self, type_: FieldType, column: Any, unit: str) -> Any:
        """Parts of the text, which begins with the year."""
        plain = self.plain(type_, column)
        if unit in _CLOCKS:
            return Template(_CLOCKS[unit], plain, type_=column.type)
        midnight = "" if type_.kind == "date" else " || ' 00:00:00.000000'"
        return Template(_DAYS[unit] + midnight, plain, type_=column.type)

    def plain(self, type_: FieldType, column: Any) -> Any:
        """Write moments and times of day in full: they are stored with a fraction of the second, and without."""
        form = _PLAIN.get(type_.kind)
        return column if form is None else Template(form, column, type_=column.type)


def _decimals(decimals: int, window: str = "") -> str:
    """Add floats as whole numbers of their last decimal; those that are not exact to it anyway, as they are."""
    units = f"CAST(round({{0}} * 1e{decimals}) AS INTEGER)"
    exact = f"FILTER (WHERE abs({_REAL}) < {_EXACT / 10**decimals!r})"
    rest = f"sum({_REAL}) FILTER (WHERE abs({_REAL}) >= {_EXACT / 10**decimals!r})"
    parts = (f"{_HIGH.format(units)} {exact}", f"{_LOW.format(units)} {exact}", rest)
    return ", ".join([*(f"{part} {window}".rstrip() for part in parts), str(decimals)])
