"""Pages of lists on PostgreSQL: positions are texts, which casts take back, and totals are asked of the planner."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from onetrip.schema.types import FieldType
from onetrip.sql.dialects.pages import Pages
from onetrip.sql.template import Template, quoted

_PREPARER = pg.dialect().identifier_preparer  # type: ignore[no-untyped-call]


class PostgreSQLPages(Pages):
    """`ARRAY[…]::text`, `CAST($1 AS …)`, `pg_class` and `EXPLAIN`."""

    def shows_as_stored(self, type_: FieldType) -> bool:
        """Infinities are shown as other moments, floats without NaN, and a label by its member's value."""
        if type_.kind == "enum":
            return all(label == value for label, value in type_.members)
        return type_.kind in ("integer", "string", "boolean") or (type_.kind == "uuid" and type_.native)

    def position(self, columns: Sequence[tuple[FieldType, Any]]) -> Any:
        """As texts, which casts take back."""
        texts = ", ".join(
            f"{{{number}}}::float8::text" if type_.kind == "float" else f"{{{number}}}::text"
            for number, (type_, _) in enumerate(columns)
        )
        return Template(f"array_to_json(ARRAY[{texts}])::text", *(column for _, column in columns))

    def value(self, type_: FieldType, column: Any, name: str) -> Any:
        """A text, cast to what the column is, without its bounds."""
        kind = column.type if type_.kind not in _POSITIONS or isinstance(column.type, _KEPT) else _POSITIONS[type_.kind]
        return sa.cast(sa.bindparam(name, type_=_Stored()), kind)

    def estimate(self, count: Any, table: sa.Table | None) -> Any | None:
        """What `VACUUM` and `ANALYZE` have found, as the planner reckons with it; exact where they never came by."""
        if table is None:
            return None
        name = _PREPARER.format_table(table)
        template = """(SELECT CASE WHEN c.relpages > 0 AND c.reltuples >= 0 AND c.relkind = 'r' THEN round(c.reltuples
            / c.relpages * (pg_relation_size(c.oid) / current_setting('block_size')::int))::bigint ELSE {0} END
            FROM pg_class AS c WHERE c.oid = %s::regclass)"""
        return Template(template.replace("%s", quoted(name)), count)

    def explained(self, text: str) -> str:
        """`EXPLAIN`, which plans and does not run."""
        return f"EXPLAIN (FORMAT JSON) {text}"


class _Stored(sa.types.TypeDecorator[Any]):
    """A value of a position, which travels as text."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> str | None:
        return None if value is None else str(value)


_POSITIONS: Mapping[str, Any] = {
    "integer": sa.BigInteger(), "decimal": sa.Numeric(), "float": sa.Double(), "string": sa.Text(), "enum": sa.Text(),
}  # fmt: skip
"""As what values of these kinds are compared: whatever the database holds fits."""

_KEPT = (pg.CITEXT, sa.CHAR)
"""Types of text that have a way of their own to compare."""
