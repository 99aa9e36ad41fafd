"""Which aggregates and buckets the columns of a type have, and of which type their results are.

A column's type, a `schema.types.FieldType`, decides: there is no sum of texts. What they are in SQL, a dialect says.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from onetrip.schema import parsers

MEAN_DECIMALS = 6
"""Decimals of the average of a decimal column, or as many as the column has, if those are more."""

BUCKETS: Mapping[str, tuple[str, ...]] = {
    "date": ("year", "quarter", "month", "week", "day"),
    "datetime": ("year", "quarter", "month", "week", "day", "hour", "minute"),
    "local_datetime": ("year", "quarter", "month", "week", "day", "hour", "minute"),
}
"""Kind of column → the spans of time by which it can be grouped."""

_RESULTS: Mapping[str, Mapping[str, str]] = {
    "sum": {"integer": "wide_integer", "decimal": "wide_decimal", "float": "float"},
    "avg": {"integer": "float", "decimal": "wide_decimal", "float": "float"},
}
"""Function → kind of column → kind of result."""

_EXTREMES = frozenset(
    {
        "integer", "decimal", "float", "date", "datetime", "local_datetime", "time", "duration", "string", "uuid",
        "enum",
    }
)  # fmt: skip
"""Kinds of columns that have a least and a greatest value."""

_PARSERS = {"wide_integer": parsers.integer(128), "wide_decimal": parsers.decimal, "float": parsers.double}


def functions(type_: Any) -> tuple[str, ...]:
    """Name the aggregates of a type."""
    found = ["count"]
    if type_.comparable:
        found += [name for name, kinds in _RESULTS.items() if type_.kind in kinds]
        found += ["min", "max"] if type_.kind in _EXTREMES else []
    return tuple(found)


def result(function: str, type_: Any) -> Any:
    """Answer the type of what a function makes of values of a type, of any type for `count`."""
    if function == "count":
        return _number(type_, "integer", parsers.integer(64))
    if function not in _RESULTS:
        return type_
    kind = _RESULTS[function][type_.kind]
    found = _number(type_, kind, _PARSERS[kind])
    if (function, kind) == ("avg", "wide_decimal"):
        decimals = max(type_.rounded if type_.scale is None else type_.scale, MEAN_DECIMALS)
        return replace(found, scale=decimals, rounded=decimals)
    return found


def _number(type_: Any, kind: str, parse: parsers.Parser) -> Any:
    return replace(
        type_, kind=kind, python=None, parse=parse, json_schema={}, comparable=True, members=(), item=None,
        dimensions=None, decorated=False, native=True, extra={},
    )  # fmt: skip
