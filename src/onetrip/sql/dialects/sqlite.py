"""SQLite: objects by `json_object`, in pieces where a table has more columns than the function takes.

https://www.sqlite.org/json1.html. What SQLite cannot write, or not as fast, comes from `functions`, which `db` gives to
every connection.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from pydantic_core import to_json
from sqlalchemy import ColumnElement, Select, func
from sqlalchemy.dialects import sqlite

from onetrip.schema.types import FieldType
from onetrip.sql.dialects.dialect import Clash, Dialect, Following, Render, as_is, by_template, cases
from onetrip.sql.dialects.fts5 import FTS5
from onetrip.sql.dialects.functions import FUNCTIONS as FUNCTIONS
from onetrip.sql.dialects.json1 import JSON1
from onetrip.sql.dialects.patterns import Pattern, glob_pattern, ignores_case
from onetrip.sql.dialects.sqlite_groups import SQLiteGroups
from onetrip.sql.dialects.sqlite_pages import SQLitePages
from onetrip.sql.template import Template, quoted

_PAIRS = 60
"""Pairs in one `json_object`: 127 arguments is the least that a build of SQLite allows."""

_ROWS = 20
"""Rows in one INSERT."""


class SQLite(Dialect):
    """SQLite 3.38 and later."""

    nulls_are_largest = False
    full_text = FTS5()
    groups = SQLiteGroups()
    pages = SQLitePages()
    documents = JSON1()

    def found(
        self, entity: Any, rows: Select[Any], columns: Sequence[Any], *, sorts: bool
    ) -> tuple[Any, Select[Any]]:  # fmt: skip
        """Only what sorts is worth it: SQLite writes before it sorts, but nothing of rows that an OFFSET skips."""
        return super().found(entity, rows, columns, sorts=sorts) if sorts else (entity, rows)

    def objects(self, rows: Select[Any], items: Sequence[tuple[str, Any]], position: Any = None) -> Select[Any]:
        """`SELECT json_object('id', …) FROM …`."""
        more = () if position is None else (position.label("position"),)
        return rows.with_only_columns(_object(items).label("json"), *more)

    def inline(self, items: Sequence[tuple[str, Any]]) -> Any:
        """An object inside another has to say that it is JSON."""
        return Template("json({0})", _object(items))

    def array(self, objects: Select[Any]) -> Any:
        """The rows' text in brackets: SQLite before 3.44 cannot order inside `json_group_array`."""
        rows = objects.subquery()
        whole = Template("'[' || coalesce(group_concat({0}), '') || ']'", rows.c.json)
        return Template("json({0})", sa.select(whole).scalar_subquery())

    def one(self, objects: Select[Any]) -> Any:
        """The JSON subtype is lost on the way out of a subquery, and given again."""
        return Template("json({0})", objects.scalar_subquery())

    def records(self, objects: Select[Any], total: Any = None) -> Select[Any]:
        """`group_concat` over the ordered rows."""
        rows = objects.subquery()
        head, parts = "count(*)", [rows.c.json]
        if total is not None:
            head, parts = f"{head} || '/' || {{{len(parts)}}}", [*parts, total]
        if "position" in rows.c:
            head += f" || coalesce(char(31) || group_concat({{{len(parts)}}}, char(31)), '')"
            parts = [*parts, rows.c.position]
        template = f"{head} || coalesce(char(30) || group_concat({{0}}, char(30)), '')"
        return sa.select(Template(template, *parts).label("body"))

    def record(self, objects: Select[Any]) -> Select[Any]:
        """The object is text already."""
        return sa.select(objects.subquery().c.json.label("body"))

    def joined(self, texts: Sequence[Any]) -> Any:
        """`a || char(30) || b`."""
        template = " || char(30) || ".join(f"{{{number}}}" for number in range(len(texts)))
        return Template(template, *texts)

    def insert(self, table: sa.Table) -> Any:
        """`INSERT … ON CONFLICT`."""
        return sqlite.insert(table)

    def returning(self, mutation: Any, entity: Any, render: Render, then: Following | None = None) -> Any:
        """`… RETURNING json_object(…)`: there is no write inside a SELECT."""
        texts = [next(iter(select.inner_columns)) for select in render(entity)]
        return mutation.returning(self.joined(texts).label("body"))

    def returns_embeds(self) -> bool:
        """A subquery in RETURNING may see the table while it changes."""
        return False

    def rows_at_once(self, width: int) -> int:
        """Few: what a statement costs by itself is gone with ten rows, and 999 values is the most of older builds."""
        return min(_ROWS, 999 // width)

    def upserting(self, insert: Any, clash: Clash, entity: Any, render: Render) -> tuple[Any, Any | None]:
        """Two statements: RETURNING cannot tell a new row from one that has changed."""
        first = self.returning(insert.on_conflict_do_nothing(**clash.target), entity, render)
        if clash.change is not None:
            return first, self.returning(clash.settle(insert), entity, render)
        texts = [next(iter(select.inner_columns)) for select in render(entity)]
        return first, sa.select(self.joined(texts).label("body")).where(*clash.existing)

    def increased(self, type_: FieldType, column: Any, name: str) -> Any:
        """SQLite checks no range, and adds floats: a function does both exactly."""
        if type_.kind == "integer":
            low, high = type_.json_schema["minimum"], type_.json_schema["maximum"]
            whole = sa.bindparam(name, type_=sa.BigInteger())
            return Template(f"onetrip_sum({{0}}, {{1}}, {low}, {high})", column, whole, type_=column.type)
        digits = -1 if column.type.precision is None else column.type.precision - (column.type.scale or 0)
        added = Template("CAST({0} AS TEXT)", sa.bindparam(name, type_=_Digits()))
        return Template(
            f"onetrip_decimal_sum({{0}}, {{1}}, {digits}, {type_.rounded})", column, added, type_=column.type
        )

    def ago(self, span: timedelta) -> Any:
        """As SQLAlchemy stores a moment: text, which is compared as such."""
        return Template(f"strftime('%Y-%m-%d %H:%M:%f000', 'now', '-{span.total_seconds():.3f} seconds')")

    def bytes_of(self, text: Any, following: Any) -> Any:
        """Joined as a blob: a text of bytes would end at a NUL."""
        return Template("CAST({0} || coalesce(CAST({1} AS TEXT), '') AS BLOB)", text, following)

    def forms(self, type_: FieldType, value: Any) -> Sequence[Any]:
        """Match a moment without a fraction, as `CURRENT_TIMESTAMP` stores it, and without a time at midnight."""
        found = [value]
        for template in _SHORTER.get(type_.kind, ()):
            found.append(Template(template, found[-1], type_=value.type))
        return found

    def compare(self, type_: FieldType, sign: str, column: Any, value: Any) -> ColumnElement[bool]:
        """Compare moments as text: the shortest form of one is the least, the longest, which is bound, the greatest."""
        forms = self.forms(type_, value)
        return super().compare(type_, sign, column, forms[-1] if sign in ("gte", "lt") else value)

    def match(self, sign: str, column: Any, name: str) -> ColumnElement[bool]:
        """`GLOB`: SQLite's `LIKE` takes upper and lower case of ASCII for the same, and of other letters not."""
        pattern = sa.bindparam(name, type_=Pattern(sign, glob_pattern))
        template = "onetrip_fold({0}) GLOB {1}" if ignores_case(sign) else "{0} GLOB {1}"
        return Template(template, column, pattern, type_=sa.Boolean())


_SHORTER = {
    "time": ["replace({0}, '.000000', '')"],
    "datetime": ["replace({0}, '.000000', '')", "replace({0}, ' 00:00:00', '')"],
}
_SHORTER["local_datetime"] = _SHORTER["datetime"]


class _Digits(sa.types.TypeDecorator[Any]):
    """A decimal number that travels as text."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> str | None:
        return None if value is None else str(value)


def _object(items: Sequence[tuple[str, Any]]) -> Any:
    """Write an object; pieces are joined by taking the last character from one and the first from the next."""
    pieces = [_piece(items[start : start + _PAIRS]) for start in range(0, len(items), _PAIRS)] or [_piece(())]
    whole = pieces[0]
    for piece in pieces[1:]:
        template = "(SELECT substr(whole, 1, length(whole) - 1) FROM (SELECT {0} AS whole)) || ',' || substr({1}, 2)"
        whole = Template(template, whole, piece)
    return whole


def _piece(items: Sequence[tuple[str, Any]]) -> Any:
    parts: list[Any] = []
    for name, value in items:
        parts += [Template(quoted(name)), value]
    return func.json_object(*parts, type_=sa.Text())


def _enum(type_: FieldType, column: Any) -> Any:
    """Write the member's value, whatever label is stored."""
    if all(label == value for label, value in type_.members):
        return column
    return Template(f"CASE {{0}} {cases(type_, _constant)} ELSE {{0}} END", column)


def _constant(value: Any) -> str:
    return quoted(value) if isinstance(value, str) else f"json({quoted(to_json(value).decode())})"


# As SQLAlchemy stores it, with a fraction or without, and as `CURRENT_TIMESTAMP` does; any other way is read in Python.
_DATETIME = """CASE WHEN {0} GLOB '????-??-?? ??:??:??.000000' THEN replace(substr({0}, 1, 19), ' ', 'T') || 'Z'
WHEN {0} GLOB '????-??-?? ??:??:??.?[0-9]?[0-9]??' OR {0} GLOB '????-??-?? ??:??:??'
THEN replace({0}, ' ', 'T') || 'Z' WHEN {0} IS NULL THEN NULL ELSE onetrip_datetime({0}) END"""

SQLite.writers = {
    "integer": as_is,
    "string": as_is,
    "date": as_is,
    "address": as_is,
    "other": by_template("CASE WHEN typeof({0}) = 'blob' THEN hex({0}) ELSE {0} END"),
    "enum": _enum,
    "wide_integer": by_template("json(onetrip_narrow({0}, 0))"),
    "wide_decimal": lambda type_, column: Template(f"onetrip_narrow({{0}}, {type_.rounded})", column),
    "decimal": lambda type_, column: Template(f"onetrip_decimal({{0}}, {type_.rounded})", column),
    "boolean": by_template(
        """CASE {0} WHEN 1 THEN json('true') WHEN 0 THEN json('false')
        ELSE CASE WHEN {0} IS NOT NULL THEN json(onetrip_boolean({0})) END END"""
    ),
    "float": by_template("json(onetrip_float({0}))"),
    "bytes": by_template("onetrip_text({0})"),
    "base64": by_template("onetrip_base64({0})"),
    "json": by_template(
        """CASE WHEN {0} IS NULL THEN NULL WHEN typeof({0}) = 'text' AND json_valid({0}) THEN json({0})
        ELSE json(onetrip_json({0})) END"""
    ),
    "array": by_template("json({0})"),
    "uuid": by_template("onetrip_uuid({0})"),
    "datetime": by_template(_DATETIME),
    "local_datetime": by_template(_DATETIME.replace(" || 'Z'", "").replace("onetrip_", "onetrip_local_")),
    "time": by_template("onetrip_time({0})"),
    "zoned_time": by_template("onetrip_time({0})"),
    "duration": by_template("onetrip_duration({0})"),
}
SQLite.carriers = {**SQLite.writers, "enum": as_is, "float": by_template("onetrip_number({0})")}
