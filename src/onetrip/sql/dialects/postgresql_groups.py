"""PostgreSQL: aggregates of columns, and buckets of time.

https://www.postgresql.org/docs/current/functions-aggregate.html. Its own functions fail where a float becomes too large
or too small for its type, and know no least UUID before PostgreSQL 18; there, others are used.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import func

from onetrip.schema.types import FieldType
from onetrip.sql.dialects.groups import TINY, Groups, over
from onetrip.sql.template import Template

_GREATEST = "1.7976931348623157e308"
_LARGE = "1e290"  # no number of rows makes smaller floats infinite, which would be an error
_SMALL = f"sum({{0}}) FILTER (WHERE abs({{0}}) < {_LARGE})"
_REST = f"sum({{0}}::text::numeric) FILTER (WHERE abs({{0}}) >= {_LARGE} AND abs({{0}}) <= {_GREATEST})"
_TOTAL = f"coalesce({_SMALL}, 0)::numeric + {_REST}"
_SUM = f"""coalesce(sum({{0}}) FILTER (WHERE {{0}} IN ('NaN', 'Infinity', '-Infinity')),
CASE WHEN {_REST} IS NULL THEN {_SMALL} WHEN {_TOTAL} > {_GREATEST} THEN 'Infinity'
WHEN {_TOTAL} < -{_GREATEST} THEN '-Infinity' ELSE ({_TOTAL})::float8 END)"""
_MEAN = f"CASE WHEN abs({_SUM}) < {TINY} THEN 0 ELSE {_SUM} / count({{0}}) END"

_BUCKETS = {
    "date": "date_trunc('{unit}', {{0}}::timestamp)::date",
    "datetime": "date_trunc('{unit}', {{0}}, 'UTC')",
    "local_datetime": "date_trunc('{unit}', {{0}})",
}


class PostgreSQLGroups(Groups):
    """PostgreSQL 14 and later."""

    def aggregate(self, function: str, type_: FieldType, result: FieldType, column: Any) -> Any:
        """Sums of integers as `numeric`; floats in such an order that none becomes infinite by accident."""
        if function == "count":
            return func.count(column, type_=sa.BigInteger())
        if function in ("min", "max"):
            return _extreme(function, type_, column)
        if type_.kind == "float":
            double = Template("{0}::float8", column)
            return Template(_SUM if function == "sum" else _MEAN, double, type_=sa.Float())
        if function == "sum":
            return Template("sum({0})::numeric", column, type_=sa.Numeric())
        if type_.kind == "integer":
            return Template("sum({0})::float8 / count({0})", column, type_=sa.Float())
        return Template(f"round(avg({{0}}), {result.scale})", column, type_=sa.Numeric())

    def running(self, type_: FieldType, column: Any, order: Sequence[Any]) -> Any:
        """A window."""
        return Template(f"(sum({{0}}) {over(order)})::numeric", self.plain(type_, column), *order, type_=sa.Numeric())

    def bucket(self, type_: FieldType, column: Any, unit: str) -> Any:
        """`date_trunc`."""
        return Template(_BUCKETS[type_.kind].format(unit=unit), column, type_=column.type)

    def plain(self, type_: FieldType, column: Any) -> Any:
        """Round a float that is read as a `Decimal` as it is rounded then."""
        if type_.kind == "decimal" and not type_.native:
            return Template(f"round({{0}}::numeric, {type_.rounded})", column, type_=sa.Numeric())
        return column


def _extreme(function: str, type_: FieldType, column: Any) -> Any:
    """Compare Enums by their labels, as where they are text."""
    text = f'{function}({{0}}::text COLLATE "C")'
    if type_.kind == "enum":
        label = Template(text, column, type_=column.type)
        return sa.cast(label, column.type) if type_.native else label
    if type_.kind == "uuid" and type_.native:
        return Template(f"{text}::uuid", column, type_=column.type)
    return getattr(func, function)(column)
