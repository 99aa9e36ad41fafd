"""M13: a new column whose default is another value for each row."""

from collections.abc import Iterator

from alembic.operations import ops

from onetrip.migrations.lint.defaults import is_volatile
from onetrip.migrations.lint.elements import plain
from onetrip.migrations.lint.rule import Found, Judged, Rule, called
from onetrip.migrations.lint.safe import backfill, not_null, quoted, rendered, script, scripts, update


def find(judged: Judged) -> Iterator[Found]:
    """Find defaults that are volatile, or not known not to be."""
    for step, table in judged.existing():
        op = step.op
        if not isinstance(op, ops.AddColumnOp) or not is_volatile(op.column, judged.facts):
            continue
        default = op.column.server_default
        name, value = op.column.name, getattr(default, "arg", None)
        alter = ops.AlterColumnOp(op.table_name, name, schema=op.schema, modify_server_default=default)
        fill = update(table, name, str(value), f" {quoted(name)} IS NULL AND")
        safe = scripts(
            script(rendered(plain(op, nullable=True)), rendered(alter)),
            backfill(table, judged.facts.keys.get(table, "id"), fill),
            *(() if op.column.nullable else not_null(table, name)),
        )
        message = f"The default of {called(table)}.{name} is volatile: the table is written anew"
        yield Found(message, safe, step, tables=(table,))


RULE = Rule(
    id="M13",
    title="Column with a volatile default",
    why="Each row needs a value of its own, so the whole table is written anew under an AccessExclusive lock. A "
    "default that is set after the column was added holds for new rows; the old ones are filled in batches. (Constants "
    "and now() are one value for all rows, and instant.)",
    find=find,
    sized=True,
    example='op.add_column("post", sa.Column("token", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), '
    "nullable=False))",
)
