"""Operations that Alembic lacks, or cannot turn around or write: how they are written in a script, and run."""

import re
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import render, renderers
from alembic.autogenerate.api import AutogenContext
from alembic.ddl.impl import DefaultImpl
from alembic.operations import Operations, ops


class Statements(ops.MigrateOperation):
    """SQL statements, and those that undo them. `alone` are those that PostgreSQL runs outside of a transaction."""

    def __init__(self, *there: str, back: Sequence[str] = (), alone: bool = False, back_alone: bool = False) -> None:
        self.there, self.back, self.alone, self.back_alone = there, tuple(back), alone, back_alone

    @property
    def sqltext(self) -> str:
        """What is run, as SQL."""
        return "; ".join(self.there)

    def reverse(self) -> "Statements":
        """Undo them."""
        return Statements(*self.back, back=self.there, alone=self.back_alone, back_alone=self.alone)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Tell a person."""
        return ("execute", self.sqltext)


class DropConstraint(ops.DropConstraintOp):
    """A constraint is dropped. `_reverse` makes it again exactly. `unnamed` has a name by a convention only."""

    unnamed = False

    def reverse(self) -> ops.AddConstraintOp:
        """Make it again."""
        assert self._reverse is not None
        return self._reverse


class DropIndex(ops.DropIndexOp):
    """An index is dropped. `_reverse` makes it again exactly."""

    def reverse(self) -> ops.CreateIndexOp:
        """Make it again."""
        assert self._reverse is not None
        return self._reverse


class DropTable(ops.DropTableOp):
    """A table is dropped. `_reverse` makes it again exactly."""

    def reverse(self) -> ops.CreateTableOp:
        """Make it again."""
        assert self._reverse is not None
        return self._reverse


def escaped(text: str) -> str:
    """Keep SQLAlchemy from taking what follows a colon for a parameter."""
    return re.sub(r"(?<![:\w\\]):(?=\w)", r"\\:", text)


def as_text(impl: DefaultImpl, expression: sa.ClauseElement, **options: Any) -> str:
    """Write an expression, with a percent sign as it is: drivers that have parameters with one want two."""
    text = type(impl).render_ddl_sql_expr(impl, expression, **options)
    return text.replace("%%", "%") if impl.dialect.identifier_preparer._double_percents else text


def write_plainly(impl: DefaultImpl) -> None:
    """Let expressions be written into a script so that SQLAlchemy reads the same: no colon is a parameter."""

    def written(expr: sa.ClauseElement, is_server_default: bool = False, **options: Any) -> str:
        text = as_text(impl, expr, is_server_default=is_server_default, **options)
        return text if options.get("is_index") else escaped(text)  # an index is no text of SQL

    impl.render_ddl_sql_expr = written  # type: ignore[method-assign]


@Operations.implementation_for(Statements)
def _run(operations: Operations, operation: Statements) -> None:
    if operation.alone:
        with operations.migration_context.autocommit_block():
            for each in operation.there:
                operations.execute(escaped(each))
    else:
        for each in operation.there:
            operations.execute(escaped(each))


@renderers.dispatch_for(Statements)
def _render_statements(context: AutogenContext, operation: Statements) -> list[str]:
    lines = [f"op.execute({escaped(each)!r})" for each in operation.there]
    return ["with op.get_context().autocommit_block():", *lines, ""] if operation.alone and lines else lines


@renderers.dispatch_for(ops.CreatePrimaryKeyOp, replace=True)
def _render_primary_key(context: AutogenContext, operation: ops.CreatePrimaryKeyOp) -> str:
    prefix = render._alembic_autogenerate_prefix(context)
    name = render._render_gen_name(context, operation.constraint_name)
    table = "" if context._has_batch else f"{operation.table_name!r}, "
    schema = f", schema={operation.schema!r}" if operation.schema and not context._has_batch else ""
    return f"{prefix}create_primary_key({name!r}, {table}{[str(each) for each in operation.columns]!r}{schema})"


@renderers.dispatch_for(ops.ModifyTableOps, replace=True)
def _render_table(context: AutogenContext, operation: ops.ModifyTableOps) -> list[str]:
    """As Alembic does; where a constraint without a name is dropped in a batch, it gets the one that is said here."""
    lines = render._render_modify_table(context, operation)
    unnamed = [each for each in operation.ops if isinstance(each, DropConstraint) and each.unnamed]
    if unnamed and lines and lines[0].startswith("with op.batch_alter_table("):
        lines[0] = lines[0].replace(") as batch_op:", f", naming_convention={BATCH!r}) as batch_op:")
    return lines


BATCH = {
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""Names for a batch: those of `naming.CONVENTION`, which names no CHECK that has no name."""
