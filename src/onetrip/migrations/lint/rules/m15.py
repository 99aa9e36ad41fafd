"""M15: types that are hard to change later, where a better one costs nothing now."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic.operations import ops
from sqlalchemy.dialects import postgresql

from onetrip.migrations.lint.elements import columns
from onetrip.migrations.lint.rule import Found, Judged, Rule, called, table_of
from onetrip.migrations.lint.safe import rendered, script

_OWN = "onetrip_"
"""How tables begin that nobody but onetrip reads."""


def find(judged: Judged) -> Iterator[Found]:
    """Find the columns of new tables and new columns."""
    for step in judged.steps:
        for _, column in columns(step.op):
            better = _better(column)
            table = table_of(step.op)
            if better is None or table is None or table[1].startswith(_OWN):
                continue
            word, type_ = better
            safe = _column(step.op, column, type_)
            yield Found(f"{called(table)}.{column.name}: {word}", safe, step)


def _better(column: sa.Column[Any]) -> tuple[str, Any] | None:
    type_ = column.type
    if isinstance(type_, sa.JSON) and not isinstance(type_, postgresql.JSONB):
        return "json cannot be compared or indexed: jsonb can", postgresql.JSONB()
    if isinstance(type_, sa.DateTime) and not type_.timezone:
        return "a timestamp without time zone does not say which moment it is", sa.DateTime(timezone=True)
    if isinstance(type_, sa.CHAR):
        return "char(n) is padded with spaces, and no faster than text", sa.String(type_.length)
    small = isinstance(type_, sa.Integer) and not isinstance(type_, sa.BigInteger)
    if small and column.primary_key and len(_keys(column)) == 1:
        return "an integer key is full after 2,147,483,647 rows, and cannot be widened in place", sa.BigInteger()
    return None


def _keys(column: sa.Column[Any]) -> list[Any]:
    return list(column.table.primary_key.columns) if column.table is not None else [column]


def _column(op: ops.MigrateOperation, column: sa.Column[Any], type_: Any) -> str:
    """Write the column with the better type; in a new table, alone."""
    made: sa.Column[Any] = sa.Column(column.name, type_, nullable=column.nullable, primary_key=column.primary_key)
    table = getattr(op, "table_name", "")
    if isinstance(op, ops.AddColumnOp):
        return script(rendered(ops.AddColumnOp(table, made, schema=op.schema)))
    name = repr(type_).replace("JSONB", "postgresql.JSONB") if isinstance(type_, postgresql.JSONB) else f"sa.{type_!r}"
    key = ", primary_key=True" if column.primary_key else f", nullable={column.nullable}"
    type_name = name.partition("(")[0]
    return f'# in op.create_table("{table}", …):\nsa.Column("{column.name}", {type_name}({_arguments(type_)}){key})'


def _arguments(type_: Any) -> str:
    if isinstance(type_, sa.DateTime):
        return "timezone=True"
    return str(type_.length or "") if isinstance(type_, sa.String) else ""


RULE = Rule(
    id="M15",
    title="Type that is hard to change later",
    why="json, timestamp without time zone, char(n) and integer keys cost as much as jsonb, timestamptz, text and "
    "bigint today; to change them later, the table is written anew.",
    find=find,
    level="warning",
    example='op.add_column("post", sa.Column("published", sa.DateTime()))',
)
