"""M09: another type, for which the table is written anew."""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic.operations import ops

from onetrip.migrations.lint.rule import Found, Judged, Rule, called
from onetrip.migrations.lint.safe import DEPLOYED, backfill, deprecated, quoted, rendered, script, scripts, update
from onetrip.migrations.lint.type_changes import rewrites, type_sql


def find(judged: Judged) -> Iterator[Found]:
    """Find changes of a type that are more than a word in the catalogue."""
    for step, table in judged.existing():
        op = step.op
        if not isinstance(op, ops.AlterColumnOp) or op.modify_type is None:
            continue
        if not rewrites(op.existing_type, op.modify_type, judged.facts.utc):
            continue
        new = type_sql(op.modify_type)
        before = "a type that the script does not say" if op.existing_type is None else type_sql(op.existing_type)
        yield Found(
            f"{called(table)}.{op.column_name} from {before} to {new} writes the table anew",
            _safe(judged, op, table, new), step, tables=(table,),
        )  # fmt: skip


def _safe(judged: Judged, op: ops.AlterColumnOp, table: tuple[str | None, str], new: str) -> str:
    made = f"{op.column_name}_new"
    column: sa.Column[object] = sa.Column(made, op.modify_type)
    add = ops.AddColumnOp(op.table_name, column, schema=op.schema)
    assignment = update(table, made, f"{quoted(op.column_name)}::{new}")
    drop = ops.DropColumnOp(op.table_name, op.column_name, schema=op.schema)
    filled = scripts(
        script(rendered(add)),
        backfill(table, judged.facts.keys.get(table, "id"), assignment),
        deprecated(f"{called(table)}.{op.column_name}", f"the application reads and writes {made} alone"),
    )
    return scripts(filled, script(rendered(drop)), between=DEPLOYED)


RULE = Rule(
    id="M09",
    title="Type that writes the table anew",
    why="The table and all its indexes are written anew under an AccessExclusive lock: nobody reads or writes, and the "
    "disk holds it twice. Add a column of the new type, write both, fill the old rows in batches, read the new one, "
    "drop the old. (Longer VARCHAR, TEXT, higher precision at the same scale are instant, and not found.)",
    find=find,
    sized=True,
    example='op.alter_column("post", "views", type_=sa.BigInteger(), existing_type=sa.Integer())',
)
