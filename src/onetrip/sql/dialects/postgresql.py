"""PostgreSQL: objects by `row_to_json`, which is compact, keeps the order of columns and has no limit of arguments.

https://www.postgresql.org/docs/current/functions-json.html
"""

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Select, func

from onetrip.schema.types import FieldType
from onetrip.sql.dialects.dialect import Dialect, Writer, as_is
from onetrip.sql.template import Template, identifier, quoted

_SIMPLE_ITEMS = frozenset({"integer", "string", "boolean", "uuid", "date", "float", "decimal"})
_JSON = sa.types.NullType()


class PostgreSQL(Dialect):
    """PostgreSQL 14 and later."""

    nulls_are_largest = True

    def inexact(self, type_: FieldType) -> str | None:
        """Say no to arrays whose items would each need an expression."""
        if type_.kind == "array" and type_.item is not None and type_.item.kind not in _SIMPLE_ITEMS:
            return "is an array of a type that SQL writes differently"
        return None

    def objects(self, rows: Select[Any], items: Sequence[tuple[str, Any]]) -> Select[Any]:
        """`SELECT row_to_json(q) FROM (SELECT … AS "id", …) q`."""
        inner = rows.with_only_columns(*(sa.type_coerce(value, _JSON).label(name) for name, value in items)).subquery()
        return sa.select(func.row_to_json(inner.table_valued(), type_=_JSON).label("json"))

    def inline(self, items: Sequence[tuple[str, Any]]) -> Any:
        """`row_to_json` over a row without a table."""
        columns = ", ".join(f"{{{number}}} AS {identifier(name)}" for number, (name, _) in enumerate(items))
        template = f"(SELECT row_to_json(x) FROM (SELECT {columns}) AS x)"
        return Template(template, *(value for _, value in items), type_=_JSON)

    def array(self, objects: Select[Any]) -> Any:
        """`array_to_json(array_agg(…))`: `json_agg` would put line breaks between rows."""
        collected = func.array_to_json(func.array_agg(objects.subquery().c.json, type_=_JSON), type_=_JSON)
        return sa.select(Template("coalesce({0}, '[]'::json)", collected, type_=_JSON)).scalar_subquery()

    def one(self, objects: Select[Any]) -> Any:
        """A scalar subquery; its NULL is written as `null`."""
        return objects.scalar_subquery()

    def records(self, objects: Select[Any]) -> Select[Any]:
        """`string_agg` over the ordered rows; as `bytea`, which the driver hands over without decoding it."""
        template = "convert_to(concat_ws(chr(30), count(*), string_agg({0}::text, chr(30))), 'UTF8')"
        return sa.select(Template(template, objects.subquery().c.json).label("body"))

    def record(self, objects: Select[Any]) -> Select[Any]:
        """The object as text."""
        return sa.select(Template("convert_to({0}::text, 'UTF8')", objects.subquery().c.json).label("body"))


def _written(template: str) -> Writer:
    return lambda type_, column: Template(template, column)


def _decimal(type_: FieldType, column: Any) -> Any:
    """Write `str(Decimal)`: scientific below 1E-6, and so a zero with more than six decimals."""
    if type_.scale is not None and type_.scale <= 6:
        return Template("{0}::text", column)
    return Template(
        """CASE WHEN {0} = 0 AND scale({0}) > 6 THEN '0E-' || scale({0})
        WHEN {0} = 0 OR abs({0}) >= 0.000001 OR {0} = 'NaN' THEN {0}::text
        ELSE (SELECT CASE WHEN x < 0 THEN '-' ELSE '' END || substr(d, 1, 1)
              || CASE WHEN length(d) > 1 THEN '.' || substr(d, 2) ELSE '' END || 'E' || (length(d) - 1 - scale(x))
              FROM (SELECT {0} AS x, ltrim(replace(abs({0})::text, '.', ''), '0') AS d) AS digits) END""",
        column,
    )


def _float(type_: FieldType, column: Any) -> Any:
    """Write a float as Python and Pydantic do: shortest digits, `1.0`, exponents without padding, no NaN."""
    return Template(
        """(SELECT (CASE WHEN c IN ('Infinity', '-Infinity', 'NaN') THEN 'null'
        WHEN abs(c) >= 1e16 THEN t WHEN abs(c) < 1e-5 AND c <> 0 THEN replace(t, 'e-0', 'e-')
        WHEN abs(c) >= 1e15 OR (abs(c) < 1e-4 AND c <> 0) THEN n || CASE WHEN strpos(n, '.') = 0 THEN '.0' ELSE '' END
        ELSE t || CASE WHEN strpos(t, '.') = 0 THEN '.0' ELSE '' END END)::json
        FROM (SELECT c, c::text AS t,
              CASE WHEN c IN ('Infinity', '-Infinity', 'NaN') THEN NULL ELSE c::text::numeric::text END AS n
              FROM (SELECT {0}::float8 AS c) AS number) AS forms)""",
        column,
        type_=_JSON,
    )


def _enum(type_: FieldType, column: Any) -> Any:
    """Write the member's value, whatever label is stored."""
    if all(label == value for label, value in type_.members):
        return Template("{0}::text", column)
    if all(isinstance(value, str) for _, value in type_.members):
        cases = (f"WHEN {quoted(label)} THEN {quoted(value)}" for label, value in type_.members)
    else:
        cases = (f"WHEN {quoted(label)} THEN {quoted(json.dumps(value))}::json" for label, value in type_.members)
    return Template("CASE {0}::text " + " ".join(cases) + " END", column, type_=_JSON)


def _array(type_: FieldType, column: Any) -> Any:
    """Write items as text where their JSON is text."""
    item = type_.item.kind if type_.item is not None else "other"
    return column if item in _SIMPLE_ITEMS - {"decimal"} else Template("{0}::text[]", column, type_=_JSON)


def _uuid(type_: FieldType, column: Any) -> Any:
    """A UUID kept as 32 digits gets its hyphens from the database's own type."""
    return column if type_.native else Template("{0}::text::uuid", column)


_SECONDS, _MICROS = 'YYYY-MM-DD"T"HH24:MI:SS', 'YYYY-MM-DD"T"HH24:MI:SS.US'

PostgreSQL.writers = {
    "integer": as_is,
    "string": as_is,
    "boolean": as_is,
    "date": as_is,
    "json": as_is,
    "address": _written("host({0})"),
    "uuid": _uuid,
    "decimal": _decimal,
    "float": _float,
    "enum": _enum,
    "array": _array,
    "other": _written("{0}::text"),
    "bytes": _written("convert_from({0}, 'UTF8')"),
    "base64": _written("translate(encode({0}, 'base64'), '+/' || chr(10), '-_')"),
    "datetime": _written(
        f"""to_char(timezone('UTC', {{0}}), CASE WHEN date_trunc('second', {{0}}) = {{0}}
        THEN '{_SECONDS}"Z"' ELSE '{_MICROS}"Z"' END)"""
    ),
    "local_datetime": _written(
        f"to_char({{0}}, CASE WHEN date_trunc('second', {{0}}) = {{0}} THEN '{_SECONDS}' ELSE '{_MICROS}' END)"
    ),
    "time": _written(
        """to_char({0}::interval, CASE WHEN date_trunc('second', {0}::interval) = {0}::interval
        THEN 'HH24:MI:SS' ELSE 'HH24:MI:SS.US' END)"""
    ),
    # ISO 8601 as Pydantic writes it: years of 365 days, then days, hours, minutes, seconds with a trimmed fraction.
    "duration": _written(
        """(SELECT CASE WHEN us = 0 THEN 'PT0S' ELSE
        CASE WHEN us < 0 THEN '-' ELSE '' END || 'P'
        || CASE WHEN d >= 365 THEN (d / 365) || 'Y' ELSE '' END
        || CASE WHEN d % 365 > 0 THEN (d % 365) || 'D' ELSE '' END
        || CASE WHEN r = 0 THEN '' ELSE 'T'
           || CASE WHEN r >= 3600000000 THEN (r / 3600000000) || 'H' ELSE '' END
           || CASE WHEN r / 60000000 % 60 > 0 THEN (r / 60000000 % 60) || 'M' ELSE '' END
           || CASE WHEN r % 60000000 = 0 THEN '' ELSE (r / 1000000 % 60) || CASE WHEN r % 1000000 = 0 THEN ''
              ELSE '.' || rtrim(lpad((r % 1000000)::text, 6, '0'), '0') END || 'S' END END END
        FROM (SELECT us, abs(us) / 86400000000 AS d, abs(us) % 86400000000 AS r
              FROM (SELECT (extract(epoch FROM {0}) * 1000000)::bigint AS us) AS total) AS parts)"""
    ),
}
