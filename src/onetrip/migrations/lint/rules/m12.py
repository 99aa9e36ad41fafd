"""M12: a NOT NULL column without a default, on a table that may have rows."""

from collections.abc import Iterator

from alembic.operations import ops

from onetrip.migrations.lint.elements import is_serial, plain
from onetrip.migrations.lint.rule import BOTH, Found, Judged, Rule, called
from onetrip.migrations.lint.safe import backfill, not_null, rendered, script, scripts, update


def find(judged: Judged) -> Iterator[Found]:
    """Find columns that rows that are there cannot have."""
    for step, table in judged.existing():
        op = step.op
        if not isinstance(op, ops.AddColumnOp) or op.column.nullable or op.column.server_default is not None:
            continue
        if is_serial(op.column) or judged.facts.rows.get(table) == 0:
            continue
        name = op.column.name
        assignment = update(table, name, "…")
        safe = scripts(
            script(rendered(plain(op, nullable=True))),
            "# with the value of each row in place of …\n"
            + backfill(table, judged.facts.keys.get(table, "id"), assignment),
            *not_null(table, name),
        )
        yield Found(f"{called(table)}.{name} is NOT NULL and has no default: no row could have it", safe, step)


RULE = Rule(
    id="M12",
    title="NOT NULL column without a default",
    why="Rows that are there have no value for it, so the statement fails on every table that is not empty; and the "
    "application that runs cannot insert. Add it nullable, write it, fill the old rows, then set NOT NULL.",
    find=find,
    dialects=BOTH,
    example='op.add_column("post", sa.Column("slug", sa.Text(), nullable=False))',
)
