"""SQLite: objects by `json_object`, in pieces where a table has more columns than the function takes.

https://www.sqlite.org/json1.html. Two things that SQLite cannot write come from `FUNCTIONS`, which `db.sqlite` gives
to every connection: the shortest digits of a float (SQLite 3.40 prints 15, and loses the value), and base64.
"""

import base64
import json
import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Select, func
from sqlalchemy.dialects.sqlite import DATETIME

from onetrip.schema.types import FieldType
from onetrip.sql.dialects.dialect import Dialect, Writer, as_is
from onetrip.sql.template import Template, quoted

_PAIRS = 60
"""Pairs in one `json_object`: 127 arguments is the least that a build of SQLite allows."""


def _float_text(value: Any) -> str:
    if not isinstance(value, int | float) or not math.isfinite(value):
        return "null"
    return json.dumps(float(value))


def _base64_text(value: Any) -> str | None:
    if value is None:
        return None
    return base64.urlsafe_b64encode(value if isinstance(value, bytes) else str(value).encode()).decode()


def _decimal_text(value: Any, scale: int) -> str | None:
    return None if value is None else str(Decimal(f"{value:.{scale}f}"))


FUNCTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    "onetrip_float": (1, _float_text),
    "onetrip_base64": (1, _base64_text),
    "onetrip_decimal": (2, _decimal_text),
}
"""Functions that every connection has: name → (number of arguments, function)."""


class SQLite(Dialect):
    """SQLite 3.38 and later."""

    nulls_are_largest = False

    def objects(self, rows: Select[Any], items: Sequence[tuple[str, Any]]) -> Select[Any]:
        """`SELECT json_object('id', …) FROM …`; pieces are joined where one ends in `}` and the next begins with `{`."""
        pieces = [_object(items[start : start + _PAIRS]) for start in range(0, len(items), _PAIRS)] or [_object(())]
        whole = pieces[0]
        for piece in pieces[1:]:
            whole = Template("json(rtrim({0}, '}}') || ',' || substr({1}, 2))", whole, piece)
        return rows.with_only_columns(whole.label("json"))

    def inline(self, items: Sequence[tuple[str, Any]]) -> Any:
        """An object inside another keeps its JSON subtype."""
        return _object(items)

    def array(self, objects: Select[Any]) -> Any:
        """The rows' text in brackets: SQLite before 3.44 cannot order inside `json_group_array`."""
        rows = objects.subquery()
        whole = Template("'[' || coalesce(group_concat({0}), '') || ']'", rows.c.json)
        return Template("json({0})", sa.select(whole).scalar_subquery())

    def one(self, objects: Select[Any]) -> Any:
        """The JSON subtype is lost on the way out of a subquery, and given again."""
        return Template("json({0})", objects.scalar_subquery())

    def records(self, objects: Select[Any]) -> Select[Any]:
        """`group_concat` over the ordered rows."""
        template = "count(*) || coalesce(char(30) || group_concat({0}, char(30)), '')"
        return sa.select(Template(template, objects.subquery().c.json).label("body"))

    def record(self, objects: Select[Any]) -> Select[Any]:
        """The object is text already."""
        return sa.select(objects.subquery().c.json.label("body"))

    def equal(self, type_: FieldType, column: Any, value: Any) -> ColumnElement[bool]:
        """Match a datetime with and without its six zeros: `CURRENT_TIMESTAMP` stores none, SQLAlchemy does."""
        if type_.kind in ("datetime", "local_datetime"):
            short = func.replace(sa.type_coerce(value, column.type), sa.literal_column("'.000000'"), sa.literal_column("''"))
            return sa.or_(column == value, sa.type_coerce(column, sa.Text()) == sa.type_coerce(short, sa.Text()))
        return super().equal(type_, column, value)


def _object(items: Sequence[tuple[str, Any]]) -> Any:
    parts: list[Any] = []
    for name, value in items:
        parts += [Template(quoted(name)), value]
    return func.json_object(*parts, type_=sa.Text())


def _written(template: str) -> Writer:
    return lambda type_, column: Template(template, column)


def _decimal(type_: FieldType, column: Any) -> Any:
    """Write `str(Decimal)` of what the driver reads: fixed decimals, ten where the column does not say."""
    scale = 10 if type_.scale is None else type_.scale
    if scale <= 6 and type_.precision is not None and type_.precision <= 15:
        return Template(f"CASE WHEN {{0}} IS NULL THEN NULL ELSE printf('%.{scale}f', {{0}}) END", column)
    return Template(f"onetrip_decimal({{0}}, {scale})", column)


def _enum(type_: FieldType, column: Any) -> Any:
    """Write the member's value, whatever label is stored."""
    if all(label == value for label, value in type_.members):
        return column
    if all(isinstance(value, str) for _, value in type_.members):
        cases = (f"WHEN {quoted(label)} THEN {quoted(value)}" for label, value in type_.members)
    else:
        cases = (f"WHEN {quoted(label)} THEN json({quoted(json.dumps(value))})" for label, value in type_.members)
    return Template("CASE {0} " + " ".join(cases) + " END", column)


_DATETIME = """CASE WHEN length({0}) = 26 THEN replace(replace({0}, ' ', 'T'), '.000000', '')
WHEN length({0}) = 10 THEN {0} || 'T00:00:00' WHEN length({0}) = 19 THEN replace({0}, ' ', 'T')
ELSE replace(replace(substr({0} || '000000', 1, 26), ' ', 'T'), '.000000', '') END"""

SQLite.writers = {
    "integer": as_is,
    "string": as_is,
    "date": as_is,
    "address": as_is,
    "other": _written("CASE WHEN typeof({0}) = 'blob' THEN hex({0}) ELSE {0} END"),
    "enum": _enum,
    "decimal": _decimal,
    "boolean": _written("CASE WHEN {0} IS NULL THEN NULL WHEN {0} THEN json('true') ELSE json('false') END"),
    "float": _written("json(onetrip_float({0}))"),
    "bytes": _written("CAST({0} AS TEXT)"),
    "base64": _written("onetrip_base64({0})"),
    "json": _written("CASE WHEN json_valid({0}) THEN json({0}) ELSE {0} END"),
    "array": _written("json({0})"),
    "uuid": _written(
        """lower(substr({0}, 1, 8) || '-' || substr({0}, 9, 4) || '-' || substr({0}, 13, 4) || '-'
        || substr({0}, 17, 4) || '-' || substr({0}, 21))"""
    ),
    "datetime": _written(_DATETIME + " || 'Z'"),
    "local_datetime": _written(_DATETIME),
    "time": _written(
        """CASE WHEN length({0}) = 8 OR substr({0}, 9) = '.000000' THEN substr({0}, 1, 8)
        ELSE substr({0} || '000000', 1, 15) END"""
    ),
    # SQLAlchemy stores an interval as a moment after 1970-01-01; written as Pydantic does, with years of 365 days.
    "duration": _written(
        """(SELECT CASE WHEN us IS NULL THEN NULL WHEN us = 0 THEN 'PT0S' ELSE
        CASE WHEN us < 0 THEN '-' ELSE '' END || 'P'
        || CASE WHEN d >= 365 THEN (d / 365) || 'Y' ELSE '' END
        || CASE WHEN d % 365 > 0 THEN (d % 365) || 'D' ELSE '' END
        || CASE WHEN r = 0 THEN '' ELSE 'T'
           || CASE WHEN r >= 3600000000 THEN (r / 3600000000) || 'H' ELSE '' END
           || CASE WHEN r / 60000000 % 60 > 0 THEN (r / 60000000 % 60) || 'M' ELSE '' END
           || CASE WHEN r % 60000000 = 0 THEN '' ELSE (r / 1000000 % 60) || CASE WHEN r % 1000000 = 0 THEN ''
              ELSE '.' || rtrim(printf('%06d', r % 1000000), '0') END || 'S' END END END
        FROM (SELECT us, abs(us) / 86400000000 AS d, abs(us) % 86400000000 AS r
              FROM (SELECT CAST(strftime('%s', substr({0}, 1, 19)) AS INTEGER) * 1000000
                           + CAST(substr({0} || '.000000', 21, 6) AS INTEGER) AS us) AS total) AS parts)"""
    ),
}
