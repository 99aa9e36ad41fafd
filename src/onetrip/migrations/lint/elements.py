"""What is inside operations: a column that comes with a foreign key, a unique constraint or an index has those, too."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic.operations import ops

from onetrip.migrations.snapshot.model import Name

NOT_VALID = "postgresql_not_valid"
CONCURRENTLY = "postgresql_concurrently"


def foreign_keys(op: ops.MigrateOperation) -> Iterator[ops.CreateForeignKeyOp]:
    """Find the foreign keys that an operation makes, as operations of their own, with a name."""
    if isinstance(op, ops.CreateForeignKeyOp):
        yield op
    elif isinstance(op, ops.AddColumnOp):
        for key in op.column.foreign_keys:
            yield _foreign((op.schema, op.table_name), [op.column.name], [key])
    elif isinstance(op, ops.CreateTableOp):
        for item in op.columns:
            yield from _inside((op.schema, op.table_name), item)


def _inside(table: Name, item: Any) -> Iterator[ops.CreateForeignKeyOp]:
    if isinstance(item, sa.ForeignKeyConstraint):
        yield _foreign(table, list(item.column_keys), list(item.elements), item)
    elif isinstance(item, sa.Column):
        for key in item.foreign_keys:
            if key.constraint is None or len(key.constraint.elements) == 1:
                yield _foreign(table, [item.name], [key])


def _foreign(table: Name, columns: list[str], keys: list[sa.ForeignKey], of: Any = None) -> ops.CreateForeignKeyOp:
    schema, name = table
    target, _, _ = keys[0].target_fullname.rpartition(".")
    target_schema, _, target = target.rpartition(".")
    options = {word: getattr(of or keys[0], word) for word in ("ondelete", "onupdate", "deferrable", "initially")}
    given = (of or keys[0]).name or f"fk_{name}_{'_'.join(columns)}_{target}"
    return ops.CreateForeignKeyOp(
        str(given), name, target, columns, [key.target_fullname.rpartition(".")[2] for key in keys],
        source_schema=schema, referent_schema=target_schema or None,
        **{word: value for word, value in options.items() if value is not None},
    )  # fmt: skip


def indexes(op: ops.MigrateOperation) -> Iterator[ops.CreateIndexOp]:
    """Find the indexes that an operation makes, as operations of their own, with a name."""
    if isinstance(op, ops.CreateIndexOp):
        yield op
    elif isinstance(op, ops.AddColumnOp) and op.column.index:
        name, column = op.table_name, op.column
        yield ops.CreateIndexOp(
            f"ix_{name}_{column.name}", name, [column.name], schema=op.schema, unique=bool(column.unique)
        )


def uniques(op: ops.MigrateOperation) -> Iterator[ops.CreateUniqueConstraintOp]:
    """Find the unique constraints that an operation makes, as operations of their own, with a name."""
    if isinstance(op, ops.CreateUniqueConstraintOp):
        yield op
    elif isinstance(op, ops.AddColumnOp) and op.column.unique and not op.column.index:
        name, column = op.table_name, op.column.name
        yield ops.CreateUniqueConstraintOp(f"uq_{name}_{column}", name, [column], schema=op.schema)


def columns(op: ops.MigrateOperation) -> Iterator[tuple[str, sa.Column[Any]]]:
    """Find the columns that an operation makes, by the name of their table."""
    if isinstance(op, ops.AddColumnOp):
        yield op.table_name, op.column
    elif isinstance(op, ops.CreateTableOp):
        yield from ((op.table_name, item) for item in op.columns if isinstance(item, sa.Column))


def plain(op: ops.AddColumnOp, **changes: Any) -> ops.AddColumnOp:
    """Take a column without what comes with it: its name, its type, and what is said here."""
    column: sa.Column[Any] = sa.Column(op.column.name, changes.pop("type_", op.column.type), **changes)
    return ops.AddColumnOp(op.table_name, column, schema=op.schema)


def like(op: ops.AddColumnOp) -> ops.AddColumnOp:
    """Take a column as it is, without its foreign key, unique constraint and index."""
    default = op.column.server_default
    return plain(
        op, nullable=op.column.nullable, server_default=default.arg if isinstance(default, sa.DefaultClause) else None
    )


def is_serial(column: sa.Column[Any]) -> bool:
    """Say whether a column counts by itself: `serial` or an identity."""
    return isinstance(column.server_default, sa.Identity) or (
        column.primary_key and column.autoincrement is not False and column.server_default is None
        and isinstance(column.type, sa.Integer)
    )  # fmt: skip


def is_stored(column: sa.Column[Any]) -> bool:
    """Say whether a column is computed and kept (what is unset is kept before PostgreSQL 18)."""
    return isinstance(column.server_default, sa.Computed) and column.server_default.persisted is not False
