"""PostgreSQL: objects by `row_to_json`, which is compact, keeps the order of columns and has no limit of arguments.

https://www.postgresql.org/docs/current/functions-json.html
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from pydantic_core import to_json
from sqlalchemy import ColumnElement, Select
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import aliased

from onetrip.schema.types import FieldType
from onetrip.sql.dialects.dialect import Clash, Dialect, Following, Render, Writer, as_is, by_template, cases
from onetrip.sql.dialects.documents import Text as DocumentText
from onetrip.sql.dialects.jsonb import JSONB
from onetrip.sql.dialects.patterns import Pattern, ignores_case, like_pattern
from onetrip.sql.dialects.postgresql_groups import PostgreSQLGroups
from onetrip.sql.dialects.postgresql_pages import PostgreSQLPages
from onetrip.sql.dialects.postgresql_values import sent
from onetrip.sql.dialects.tsvector import TSVector
from onetrip.sql.template import Template, identifier, quoted

_JSON = sa.types.NullType()
_NEW = "onetrip_new"
"""The name of a column that says whether a row was inserted."""

_NAME_BYTES = 63
"""Longer identifiers are cut off."""

_ENDS = {
    "date": ("0001-01-01", "9999-12-31"),
    "datetime": ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"),
    "local_datetime": ("0001-01-01T00:00:00", "9999-12-31T23:59:59.999999"),
}
"""Kind → the first and the last value that Python knows."""


class PostgreSQL(Dialect):
    """PostgreSQL 14 and later."""

    nulls_are_largest = True
    full_text = TSVector()
    groups = PostgreSQLGroups()
    pages = PostgreSQLPages()
    documents = JSONB()

    def inexact(self, type_: FieldType) -> str | None:
        """Say no to a float that is read as a `Decimal`, and to arrays of arrays whose items need an expression."""
        if type_.kind == "decimal" and not type_.native:
            return "is a float that is read as a Decimal"
        if type_.kind != "array" or type_.item is None:
            return None
        if (type_.dimensions or 1) > 1 and self.writers[type_.item.kind] is not as_is:
            return "is an array of arrays of a type that SQL writes differently"
        return self.inexact(type_.item)

    def write(self, type_: FieldType, column: Any) -> Any:
        """Write a value; an array item by item, where the items need an expression."""
        return _array(type_, column, self.write) if type_.kind == "array" else super().write(type_, column)

    def carry(self, type_: FieldType, column: Any) -> Any:
        """Write a value for Python to read; an array item by item."""
        return _array(type_, column, self.carry) if type_.kind == "array" else super().carry(type_, column)

    def objects(self, rows: Select[Any], items: Sequence[tuple[str, Any]], position: Any = None) -> Select[Any]:
        """`SELECT row_to_json(q.*) FROM (SELECT … AS "id", …) q`; row by row where there is more to a row."""
        if position is not None:
            return rows.with_only_columns(self.inline(items).label("json"), position.label("position"))
        if any(len(name.encode()) > _NAME_BYTES for name, _ in items):
            return rows.with_only_columns(_long_named(items).label("json"))
        inner = rows.with_only_columns(*(sa.type_coerce(value, _JSON).label(name) for name, value in items)).subquery()
        return sa.select(Template("row_to_json({0}.*)", inner.table_valued(), type_=_JSON).label("json"))

    def inline(self, items: Sequence[tuple[str, Any]]) -> Any:
        """`row_to_json` over a row without a table."""
        if any(len(name.encode()) > _NAME_BYTES for name, _ in items):
            return _long_named(items)
        columns = ", ".join(f"{{{number}}} AS {identifier(name)}" for number, (name, _) in enumerate(items))
        template = f"(SELECT row_to_json(x.*) FROM (SELECT {columns}) AS x)"  # noqa: S608 - our columns, quoted
        return Template(template, *(value for _, value in items), type_=_JSON)

    def array(self, objects: Select[Any]) -> Any:
        """`array_to_json(ARRAY(SELECT …))`, empty without rows: `json_agg` would put line breaks between rows."""
        return Template("array_to_json(ARRAY{0})", objects.scalar_subquery(), type_=_JSON)

    def one(self, objects: Select[Any]) -> Any:
        """A scalar subquery; its NULL is written as `null`."""
        return objects.scalar_subquery()

    def records(self, objects: Select[Any], total: Any = None) -> Select[Any]:
        """`string_agg` over the ordered rows; as `bytea`, which the driver hands over without decoding it."""
        rows = objects.subquery()
        head, parts = "count(*)", [rows.c.json]
        if total is not None:
            head, parts = f"{head} || '/' || {{{len(parts)}}}", [*parts, total]
        if "position" in rows.c:
            head = f"concat_ws(chr(31), {head}, string_agg({{{len(parts)}}}, chr(31)))"
            parts = [*parts, rows.c.position]
        template = f"convert_to(concat_ws(chr(30), {head}, string_agg({{0}}::text, chr(30))), 'UTF8')"
        return sa.select(Template(template, *parts).label("body"))

    def record(self, objects: Select[Any]) -> Select[Any]:
        """The object as text."""
        return sa.select(Template("convert_to({0}::text, 'UTF8')", objects.subquery().c.json).label("body"))

    def joined(self, texts: Sequence[Any]) -> Any:
        """`concat_ws`, as `bytea`."""
        template = ", ".join(f"{{{number}}}::text" for number in range(len(texts)))
        return Template(f"convert_to(concat_ws(chr(30), {template}), 'UTF8')", *texts)

    def insert(self, table: sa.Table) -> Any:
        """`INSERT … ON CONFLICT`."""
        return pg.insert(table)

    def returning(self, mutation: Any, entity: Any, render: Render, then: Following | None = None) -> Any:
        """`WITH written AS (… RETURNING …) SELECT …`: the rows as they are now; other tables as they were before."""
        table = sa.inspect(entity).local_table
        written = mutation.returning(*table.c).cte("written")
        texts = [select.scalar_subquery() for select in render(aliased(entity, written))]
        answer = sa.select(self.joined(texts).label("body")).select_from(written)
        return answer if then is None else answer.add_cte(then(written).cte("followed"))

    def chains_writes(self) -> bool:
        """Mutations in CTEs; foreign keys are checked at the end of the statement."""
        return True

    def returns_embeds(self) -> bool:
        """A subquery sees the tables as they were before the statement."""
        return True

    def insert_many(
        self, columns: Mapping[Any, str], fixed: Mapping[Any, Any], entity: Any, render: Render,
        conditions: Sequence[Any] = (), settle: Callable[[Any], Any] | None = None,
    ) -> Any:  # fmt: skip
        """`INSERT … SELECT … FROM unnest($1, $2)`: one statement for any number of rows, in their order."""
        if not columns or any(self._is_array(column.type) for column in columns):
            return None  # unnest would take arrays of arrays apart
        lists = []
        for column, name in columns.items():
            carrier, stored = sent(column.type)
            bound = sa.bindparam(name, type_=pg.ARRAY(carrier, dimensions=1))  # or JSON lists would be taken for rows
            lists.append(sa.cast(bound, pg.ARRAY(carrier if stored is None else stored)))
        names = [f"c{number}" for number in range(len(columns))]
        rows = sa.func.unnest(*lists).table_valued(*names).render_derived()
        chosen = sa.select(*(rows.c[name] for name in names), *fixed.values()).where(*conditions)
        table = sa.inspect(entity).local_table
        mutation = pg.insert(table).from_select([*columns, *fixed], chosen)
        if settle is not None:
            mutation = settle(mutation)
        written = mutation.returning(*table.c).cte("written")
        (objects,) = render(aliased(entity, written))
        return self.records(objects)

    def _is_array(self, type_: sa.types.TypeEngine[Any]) -> bool:
        """Say whether a column holds arrays here, as a variant or inside a decorator as well."""
        own = type_.dialect_impl(self.sqlalchemy)
        if isinstance(own, sa.types.TypeDecorator):
            own = own.load_dialect_impl(self.sqlalchemy)
        return isinstance(own, sa.ARRAY)

    def upserting(self, insert: Any, clash: Clash, entity: Any, render: Render) -> tuple[Any, Any | None]:
        """One statement: a row that is new was locked by nobody, so its `xmax` is zero."""
        table = sa.inspect(entity).local_table
        new = sa.literal_column("xmax = 0", sa.Boolean()).label(_NEW)
        rows = clash.settle(insert).returning(*table.c, new).cte("written")
        if clash.change is None:
            unwritten = ~sa.select(sa.literal_column("1")).select_from(rows).exists()
            existing = sa.select(*table.c, sa.literal_column("false", sa.Boolean()).label(_NEW))
            rows = sa.union_all(sa.select(rows), existing.where(*clash.existing, unwritten)).cte("answered")
        texts = [select.scalar_subquery() for select in render(aliased(entity, rows))]
        return sa.select(self.joined([rows.c[_NEW], *texts]).label("body")).select_from(rows), None

    def returning_many(self, mutation: Any, entity: Any, render: Render, condition: Any) -> Any:
        """`WITH written AS (… RETURNING …) SELECT … HAVING …`."""
        table = sa.inspect(entity).local_table
        written = mutation.returning(*table.c).cte("written")
        (objects,) = render(aliased(entity, written))
        return self.records(objects).having(condition)

    def increased(self, type_: FieldType, column: Any, name: str) -> Any:
        """The sum is of the wider type, and its assignment is checked."""
        wide = sa.BigInteger() if type_.kind == "integer" else sa.Numeric()
        return column + sa.cast(sa.bindparam(name, type_=wide), wide)

    def wait_at_most(self, seconds: int) -> Any | None:
        """`SET LOCAL lock_timeout`, as a function."""
        return sa.select(Template(f"set_config('lock_timeout', '{seconds}s', true)"))

    def ago(self, span: timedelta) -> Any:
        """An interval before the moment of the transaction."""
        return Template(f"(CURRENT_TIMESTAMP - interval '{span.total_seconds():.3f} seconds')")

    def bytes_of(self, text: Any, following: Any) -> Any:
        """`bytea`."""
        return Template("convert_to({0}, 'UTF8') || coalesce({1}, '')", text, following)

    def parameter(self, name: str, type_: sa.types.TypeEngine[Any]) -> Any:
        """Bind a value as it is: not cut to the column's digits, nor the first and last moments as infinities.

        asyncpg sends `date.max` as `infinity`; `$1::NUMERIC(5, 2)` rounds, or fails where the value is too large.
        """
        carrier, stored = sent(type_)
        bound = sa.bindparam(name, type_=carrier)
        return bound if stored is None else sa.cast(bound, stored)

    def forms(self, type_: FieldType, value: Any) -> Sequence[Any]:
        """Find infinities by the moments as which they are shown, and as which asyncpg stores them."""
        ends = _ENDS.get(type_.kind)
        if ends is None:
            return (value,)
        first, last = ends
        infinite = f"CASE {{0}} WHEN '{first}' THEN '-infinity' WHEN '{last}' THEN 'infinity' ELSE {{0}} END"
        return value, Template(infinite, value)

    def compare(self, type_: FieldType, sign: str, column: Any, value: Any) -> ColumnElement[bool]:
        """Take infinities for the moments as which they are shown."""
        ends = _ENDS.get(type_.kind)
        if ends is not None:
            shown, infinity = (ends[1], "infinity") if sign in ("gt", "lte") else (ends[0], "-infinity")
            value = Template(f"CASE {{0}} WHEN '{shown}' THEN '{infinity}' ELSE {{0}} END", value, type_=column.type)
        return super().compare(type_, sign, column, value)

    def match(self, sign: str, column: Any, name: str) -> ColumnElement[bool]:
        """`LIKE`, of lower case where case is ignored, which a trigram index on `lower(…)` serves."""
        pattern = sa.bindparam(name, type_=Pattern(sign, like_pattern))
        template = "lower({0}) LIKE lower({1})" if ignores_case(sign) else "{0} LIKE {1}"
        if isinstance(column.type, DocumentText):  # its own order knows no letters but those of ASCII
            template = template.replace("{0}", '{0} COLLATE "default"')
        return Template(template, column, pattern, type_=sa.Boolean())

    def holds(self, sign: str, type_: FieldType, column: Any, name: str) -> ColumnElement[bool]:
        """`@>` and `&&`, which a GIN index serves."""
        own: Any = column.type.dialect_impl(self.sqlalchemy)
        carrier, stored = sent(own.item_type)
        bound = sa.bindparam(name, type_=pg.ARRAY(carrier, dimensions=1))
        values = sa.cast(bound, pg.ARRAY(own.item_type if stored is None else stored))
        template = "({0} @> {1})" if sign == "contains" else "({0} && {1})"
        return Template(template, column, values, type_=sa.Boolean())

    def sortable(self, type_: FieldType, column: Any) -> Any:
        """Sort an Enum by its label, as where it is text, and not by the order in which the type declares them."""
        return Template('({0}::text COLLATE "C")', column) if type_.kind == "enum" and type_.native else column


def _long_named(items: Sequence[tuple[str, Any]]) -> Any:
    """Write an object whose names are too long for identifiers: as text, pair by pair."""
    pairs = " || ',' || ".join(
        f"{quoted(to_json(name).decode() + ':')} || coalesce(to_json({{{number}}})::text, 'null')"
        for number, (name, _) in enumerate(items)
    )
    return Template(f"('{{{{' || {pairs} || '}}}}')::json", *(value for _, value in items), type_=_JSON)


def _array(type_: FieldType, column: Any, write: Writer) -> Any:
    """Write an array item by item. Arrays in it, of which the column's type says nothing, are left to PostgreSQL."""
    if type_.item is None or PostgreSQL.writers[type_.item.kind] is as_is:
        return column
    item = write(type_.item, sa.literal_column("x"))
    return Template(
        """CASE WHEN array_ndims({0}) > 1 THEN to_json({0}::text[]) WHEN {0} IS NOT NULL
        THEN (SELECT coalesce(array_to_json(array_agg({1} ORDER BY i)), '[]')
              FROM unnest({0}) WITH ORDINALITY AS item(x, i)) END""",
        column, item, type_=_JSON,
    )  # fmt: skip


def _decimal(type_: FieldType, column: Any) -> Any:
    """Write `str(Decimal)`: scientific below 1E-6, and so a zero with more than six decimals."""
    if type_.scale is not None and type_.scale <= 6:
        return Template("{0}::text", column)
    return Template(
        """CASE WHEN scale({0}) <= 6 OR abs({0}) >= 0.000001 THEN {0}::text
        WHEN {0} = 0 THEN '0E-' || scale({0})
        ELSE (SELECT CASE WHEN x < 0 THEN '-' ELSE '' END || substr(d, 1, 1)
              || CASE WHEN length(d) > 1 THEN '.' || substr(d, 2) ELSE '' END || 'E' || (length(d) - 1 - scale(x))
              FROM (SELECT {0} AS x, ltrim(replace(abs({0})::text, '.', ''), '0') AS d) AS digits) END""",
        column,
    )


def _enum(type_: FieldType, column: Any) -> Any:
    """Write the member's value, whatever label is stored."""
    if all(label == value for label, value in type_.members):
        return column
    if all(isinstance(value, str) for _, value in type_.members):
        return Template(f"CASE {{0}}::text {cases(type_, quoted)} ELSE {{0}}::text END", column)
    whole = cases(type_, lambda value: quoted(to_json(value).decode()) + "::json")
    return Template(f"CASE {{0}}::text {whole} ELSE to_json({{0}}::text) END", column, type_=_JSON)


def _uuid(type_: FieldType, column: Any) -> Any:
    """A UUID kept as 32 digits gets its hyphens from the database's own type."""
    return column if type_.native else Template("{0}::text::uuid", column)


def _moment(kind: str, value: str, type_: str, zone: str) -> Writer:
    """Write a timestamp, with six decimals of a second or none; infinities as asyncpg reads them, and years BC as such.

    A cast to `timestamp(0)` and a zone as an interval are arithmetic: cheaper than `date_trunc` and a zone's name.
    """
    first, last = _ENDS[kind]
    pattern = 'YYYY-MM-DD"T"HH24:MI:SS'
    return by_template(
        f"""coalesce(to_char({value}, CASE WHEN {{0}} < '{first}' THEN '{pattern}.US"{zone}" BC'
        WHEN {{0}}::{type_}(0) = {{0}} THEN '{pattern}"{zone}"' ELSE '{pattern}.US"{zone}"' END),
        CASE {{0}} WHEN 'infinity' THEN '{last}' WHEN '-infinity' THEN '{first}' END)"""
    )


_TIME = "CASE WHEN {0}::time(0) = {0}::time THEN {0}::time::text ELSE to_char({0}::time::interval, 'HH24:MI:SS.US') END"
_ZONE = "extract(timezone FROM {0})"

_INTERVAL = """coalesce((SELECT CASE WHEN us = 0 THEN 'PT0S' ELSE
        CASE WHEN us < 0 THEN '-' ELSE '' END || 'P'
        || CASE WHEN d >= 365 THEN (d / 365) || 'Y' ELSE '' END
        || CASE WHEN d % 365 > 0 THEN (d % 365) || 'D' ELSE '' END
        || CASE WHEN r = 0 THEN '' ELSE 'T'
           || CASE WHEN r >= 3600000000 THEN (r / 3600000000) || 'H' ELSE '' END
           || CASE WHEN r / 60000000 % 60 > 0 THEN (r / 60000000 % 60) || 'M' ELSE '' END
           || CASE WHEN r % 60000000 = 0 THEN '' ELSE (r / 1000000 % 60) || CASE WHEN r % 1000000 = 0 THEN ''
              ELSE '.' || rtrim(lpad((r % 1000000)::text, 6, '0'), '0') END || 'S' END END END
        FROM (SELECT us, div(abs(us), 86400000000)::bigint AS d, mod(abs(us), 86400000000)::bigint AS r
              FROM (SELECT (extract(epoch FROM c) - 21600 * extract(year FROM c)) * 1000000 AS us
                    FROM (SELECT {0} AS c) AS span WHERE isfinite(c)) AS total) AS parts), {0}::text)"""

_SINCE_1970 = """(CASE {0} WHEN 'infinity' THEN '9999-12-31 23:59:59.999999' WHEN '-infinity' THEN '0001-01-01'
ELSE {0} END - timestamp '1970-01-01')"""


def _duration(type_: FieldType, column: Any) -> Any:
    """Write ISO 8601 as Pydantic does: years of 365 days (PostgreSQL counts six hours more), the fraction trimmed."""
    return Template(_INTERVAL, column if type_.native else Template(_SINCE_1970, column))


# As Python and Pydantic write it: shortest digits, `1.0`, `0.00001`, `1e-7`, no NaN.
_FLOAT = """CASE WHEN abs({0}) >= 0.0001 AND abs({0}) < 1e15 AND {0} <> trunc({0}) THEN to_json({0})
WHEN abs({0}) < 1e15 AND {0} = trunc({0}) THEN ({0}::text || '.0')::json
WHEN {0} IN ('NaN', 'Infinity', '-Infinity') THEN NULL WHEN abs({0}) >= 1e16 THEN to_json({0})
WHEN abs({0}) < 0.00001 THEN replace({0}::text, 'e-0', 'e-')::json
ELSE ({0}::text::numeric || CASE WHEN {0} = trunc({0}) THEN '.0' ELSE '' END)::json END"""

PostgreSQL.writers = {
    "integer": as_is,
    "string": as_is,
    "boolean": as_is,
    "json": as_is,
    "address": as_is,
    "uuid": _uuid,
    "decimal": _decimal,
    "wide_integer": as_is,
    "wide_decimal": _decimal,
    "enum": _enum,
    "duration": _duration,
    "other": by_template("{0}::text"),
    "bytes": by_template("convert_from({0}, 'UTF8')"),
    "base64": by_template("translate(encode({0}, 'base64'), '+/' || chr(10), '-_')"),
    "date": by_template("CASE {0} WHEN 'infinity' THEN '9999-12-31' WHEN '-infinity' THEN '0001-01-01' ELSE {0} END"),
    "datetime": _moment("datetime", "timezone(interval '0', {0})", "timestamptz", "Z"),
    "local_datetime": _moment("local_datetime", "{0}", "timestamp", ""),
    "time": by_template(_TIME),
    "zoned_time": by_template(
        f"""{_TIME} || CASE WHEN {_ZONE} = 0 THEN 'Z' ELSE CASE WHEN {_ZONE} < 0 THEN '-' ELSE '+' END
        || to_char(make_interval(secs => abs({_ZONE})::float8), 'HH24:MI') END"""
    ),
    "float": by_template(_FLOAT.replace("{0}", "{0}::float8")),
}
PostgreSQL.carriers = {
    **PostgreSQL.writers,
    "enum": by_template("{0}::text"),
    "float": by_template("{0}::float8::text"),
    "decimal": by_template("{0}::text"),
}
