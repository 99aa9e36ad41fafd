"""Operations that Alembic lacks, or cannot write or turn around: how they are written in a script."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from alembic.autogenerate import render, renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops

from onetrip.migrations.data.write import Fill


class Autocommit(ops.OpContainer):
    """Operations that each take effect by themselves, outside of a transaction."""


class RenameTable(ops.RenameTableOp):
    """A table gets another name."""

    wanted = True

    def reverse(self) -> "RenameTable":
        """Answer the operation that undoes this one."""
        back = RenameTable(self.new_table_name, self.table_name, schema=self.schema)
        back.wanted = False
        return back

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Say what differs, as `alembic check` prints it."""
        return ("rename_table", self.schema, self.table_name, self.new_table_name)


class RenameColumn(ops.AlterColumnOp):
    """A column gets another name, and nothing else."""

    wanted = True  # by somebody: the way back is what is left to do then

    def __init__(self, table_name: str, column_name: str, new: str, *, schema: str | None = None) -> None:
        super().__init__(table_name, column_name, schema=schema, modify_name=new)
        self.new = new

    def reverse(self) -> "RenameColumn":
        """Answer the operation that undoes this one."""
        back = RenameColumn(self.table_name, self.new, self.column_name, schema=self.schema)
        back.wanted = False
        return back

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Say what differs, as `alembic check` prints it."""
        return ("rename_column", self.schema, self.table_name, self.column_name, self.new)


class DropDefault(ops.AlterColumnOp):
    """The default goes that a column was added with: nothing has to bring it back before the column goes."""

    def reverse(self) -> ops.OpContainer:  # type: ignore[override]
        """Answer nothing to do."""
        return ops.OpContainer([])


class FillRows(ops.MigrateOperation):
    """Rows without a value in a column get one: no part of a revision, but a data migration that one needs."""

    def __init__(self, table_name: str, fill: Fill) -> None:
        self.table_name, self.schema, self.fill = table_name, fill.schema, fill

    def reverse(self) -> ops.OpContainer:
        """Answer nothing to do."""
        return ops.OpContainer([])

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Say what differs, as `alembic check` prints it."""
        return ("fill", self.schema, self.table_name, self.fill.column)


class Statement(ops.ExecuteSQLOp):
    """One SQL statement. `back` is the one that undoes it, if there is one."""

    def __init__(self, sqltext: str, back: str | None = None) -> None:
        super().__init__(sqltext)
        self.back = back

    def reverse(self) -> ops.MigrateOperation:
        """Answer the operation that undoes this one."""
        return ops.OpContainer([]) if self.back is None else Statement(self.back, str(self.sqltext))

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Say what differs, as `alembic check` prints it."""
        return ("execute", self.sqltext)


def undone(operations: Sequence[ops.MigrateOperation]) -> Iterator[ops.MigrateOperation]:
    """Answer what undoes operations, in its order, without tables of which nothing is left."""
    for operation in reversed(operations):
        back = operation.reverse()
        if isinstance(back, ops.ModifyTableOps):
            back.ops = [each for each in back.ops if not isinstance(each, ops.OpContainer)]
        if not isinstance(back, ops.OpContainer) or back.ops:
            yield back


def flat(operations: Iterable[ops.MigrateOperation]) -> Iterator[ops.MigrateOperation]:
    """Take operations out of the tables that they are grouped by."""
    for operation in operations:
        if isinstance(operation, ops.OpContainer) and not isinstance(operation, Autocommit):
            yield from flat(operation.ops)
        else:
            yield operation


def unbatched(operations: Iterable[ops.MigrateOperation]) -> Iterator[ops.MigrateOperation]:
    """Take indexes out of their tables, and drop them first: no database copies a table for them.

    Within a batch, SQLAlchemy does not know those on expressions.
    """
    for operation in operations:
        if not isinstance(operation, ops.ModifyTableOps):
            yield operation
            continue
        rest = [each for each in operation.ops if not isinstance(each, ops.CreateIndexOp | ops.DropIndexOp)]
        yield from (each for each in operation.ops if isinstance(each, ops.DropIndexOp))
        if rest:
            yield grouped(rest, operation)
        yield from (each for each in operation.ops if isinstance(each, ops.CreateIndexOp))


def grouped(operations: Sequence[ops.MigrateOperation], table: ops.ModifyTableOps) -> ops.ModifyTableOps:
    """Group operations by the same table as others."""
    return ops.ModifyTableOps(table.table_name, operations, schema=table.schema)


@renderers.dispatch_for(Autocommit)
def _render_autocommit(context: AutogenContext, operation: Autocommit) -> list[str]:
    lines = [line for each in operation.ops for line in render.render_op(context, each)]
    return ["with op.get_context().autocommit_block():", *lines, ""]


ALLOWED = '# migrate: allow M10 reason="renamed on request: stop what asks for the old name, or deploy with this"'
"""What is said of a rename that somebody asked for."""


@renderers.dispatch_for(RenameTable)
def _render_rename_table(context: AutogenContext, operation: RenameTable) -> list[str]:
    schema = f", schema={operation.schema!r}" if operation.schema else ""
    written = f"op.rename_table({operation.table_name!r}, {operation.new_table_name!r}{schema})"
    return [ALLOWED, written] if operation.wanted else [written]


@renderers.dispatch_for(RenameColumn)
def _render_rename_column(context: AutogenContext, operation: RenameColumn) -> list[str]:
    written = render._alter_column(context, operation)
    return [ALLOWED, written] if operation.wanted else [written]


@renderers.dispatch_for(ops.AlterColumnOp, replace=True)
def _render_alter_column(context: AutogenContext, operation: ops.AlterColumnOp) -> str:
    """Write what Alembic leaves out: how PostgreSQL makes one type of the other."""
    written = render._alter_column(context, operation)
    using = operation.kw.get("postgresql_using")
    return written if using is None else f"{written[:-1]},\n postgresql_using={using!r})"
