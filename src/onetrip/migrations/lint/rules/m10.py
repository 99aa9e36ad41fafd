"""M10: a column or table with another name, which the running application does not know."""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic.operations import ops

from onetrip.migrations.lint.rule import BOTH, Found, Judged, Rule, called
from onetrip.migrations.lint.safe import (
    DEPLOYED,
    backfill,
    deprecated,
    execute,
    quoted,
    rendered,
    script,
    scripts,
    table_sql,
    update,
)


def find(judged: Judged) -> Iterator[Found]:
    """Find renames, but for those of tables that leave a view with the old name."""
    views = {each.name for step in judged.steps for each in step.raw if each.verb == "create view"}
    for step, table in judged.existing():
        op = step.op
        if isinstance(op, ops.RenameTableOp) and op.table_name not in views:
            new = op.schema, op.new_table_name
            view = f"CREATE VIEW {table_sql(table)} AS SELECT * FROM {table_sql(new)}"  # noqa: S608  # names are quoted
            safe = scripts(
                script(rendered_rename(op), execute(view)),
                script(execute(f"DROP VIEW {table_sql(table)}")),
                between=DEPLOYED,
            )
            yield Found(f"The table {called(table)} is called {op.new_table_name} at once", safe, step)
        elif isinstance(op, ops.AlterColumnOp) and op.modify_name is not None:
            message = f"{called(table)}.{op.column_name} is called {op.modify_name} at once"
            yield Found(message, _column(judged, op, table), step)


def rendered_rename(op: ops.RenameTableOp) -> str:
    """Write a rename, which Alembic does not render."""
    schema = f", schema={op.schema!r}" if op.schema else ""
    return f'op.rename_table("{op.table_name}", "{op.new_table_name}"{schema})'


def _column(judged: Judged, op: ops.AlterColumnOp, table: tuple[str | None, str]) -> str:
    old, new = op.column_name, str(op.modify_name)
    if op.existing_type is None:
        add = f'op.add_column("{op.table_name}", sa.Column("{new}", …))  # of the type of {old}, nullable'
    else:
        column: sa.Column[object] = sa.Column(new, op.existing_type)
        add = rendered(ops.AddColumnOp(op.table_name, column, schema=op.schema))
    assignment = update(table, new, quoted(old))
    filled = scripts(
        script(add),
        backfill(table, judged.facts.keys.get(table, "id"), assignment),
        deprecated(f"{called(table)}.{old}", f"the application reads and writes {new} alone"),
    )
    drop = ops.DropColumnOp(op.table_name, old, schema=op.schema)
    return scripts(filled, script(rendered(drop)), between=DEPLOYED)


RULE = Rule(
    id="M10",
    title="Renamed column or table",
    why="The application that runs still asks for the old name: every request fails until the new one is deployed, and "
    "again if it is taken back. Let both be there for a while: a second column that is written too, a view with the "
    "old name of the table.",
    find=find,
    dialects=BOTH,
    example='op.alter_column("author", "name", new_column_name="full_name", existing_type=sa.Text())',
)
