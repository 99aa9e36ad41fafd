"""M14: a new column that counts or is computed, on a table that may have rows."""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic.operations import ops

from onetrip.migrations.compare.searches import CreateSearchIndexOp
from onetrip.migrations.lint.elements import is_serial, is_stored, plain
from onetrip.migrations.lint.rule import Found, Judged, Rule, called
from onetrip.migrations.lint.safe import (
    backfill,
    execute,
    not_null,
    quoted,
    rendered,
    script,
    scripts,
    table_sql,
    update,
)


def find(judged: Judged) -> Iterator[Found]:
    """Find serial, identity and stored generated columns."""
    for step, table in judged.existing():
        op = step.op
        if isinstance(op, CreateSearchIndexOp):
            message = f"{called(table)} is searched from now on: the table is written anew"
            yield Found(message, _SEARCHED, step, tables=(table,))
        if not isinstance(op, ops.AddColumnOp):
            continue
        if is_stored(op.column):
            what, safe = "is computed and stored", _stored(judged, op, table)
        elif is_serial(op.column):
            what, safe = "counts by itself", _serial(judged, op, table)
        else:
            continue
        yield Found(f"{called(table)}.{op.column.name} {what}: the table is written anew", safe, step, tables=(table,))


_SEARCHED = """\
# There is no other form: run it while few use the table, and say so.
# migrate: allow M14 reason="…"\
"""


def _serial(judged: Judged, op: ops.AddColumnOp, table: tuple[str | None, str]) -> str:
    column = op.column.name
    sequence = table_sql((table[0], f"{table[1]}_{column}_seq"))
    owned = execute(f"CREATE SEQUENCE {sequence} OWNED BY {table_sql(table)}.{quoted(column)}")
    default = sa.text(f"nextval('{sequence}')")
    alter = ops.AlterColumnOp(op.table_name, column, schema=op.schema, modify_server_default=sa.DefaultClause(default))
    fill = update(table, column, str(default), f" {quoted(column)} IS NULL AND")
    return scripts(
        script(rendered(plain(op, nullable=True)), owned, rendered(alter)),
        backfill(table, judged.facts.keys.get(table, "id"), fill),
        *not_null(table, column),
    )


def _stored(judged: Judged, op: ops.AddColumnOp, table: tuple[str | None, str]) -> str:
    column, computed = op.column.name, op.column.server_default
    value = getattr(computed, "sqltext", "…")
    fill = update(table, column, str(value))
    note = "# A column that the application (or a trigger) writes, in place of one that is generated:"
    return scripts(
        script(note, rendered(plain(op, nullable=True))), backfill(table, judged.facts.keys.get(table, "id"), fill)
    )


RULE = Rule(
    id="M14",
    title="Serial, identity or stored generated column",
    why="Each row gets its own value, so the whole table is written anew under an AccessExclusive lock. A sequence as "
    "the default does the same for new rows; old ones are filled in batches. A generated column that is stored has no "
    "safe form: let the application or a trigger write a plain one, or make it VIRTUAL (PostgreSQL 18).",
    find=find,
    sized=True,
    example='op.add_column("post", sa.Column("number", sa.BigInteger(), sa.Identity(), nullable=False))',
)
