"""M22: names that are missing, or that PostgreSQL would cut off."""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic.operations import ops

from onetrip.migrations.lint.elements import columns
from onetrip.migrations.lint.recorder import Step
from onetrip.migrations.lint.rule import BOTH, Found, Judged, Rule, called, table_of
from onetrip.migrations.lint.safe import shortened

_BYTES = 63


def find(judged: Judged) -> Iterator[Found]:
    """Find constraints and indexes without a name, and names of more bytes than are kept."""
    for step in judged.steps:
        for kind, name, wanted in _names(step):
            if name is None:
                table = table_of(step.op)
                of = f" of {called(table)}" if table else ""
                yield Found(f"The {kind}{of} has no name", f"# give it a name:\nname = {shortened(wanted)!r}", step)
            elif len(name.encode()) > _BYTES and judged.revision.dialect in RULE.dialects[:1]:
                message = f"The name {name} has {len(name.encode())} bytes; PostgreSQL keeps {_BYTES}"
                yield Found(message, f"# in place of the name that is too long:\nname = {shortened(name)!r}", step)


def _names(step: Step) -> Iterator[tuple[str, str | None, str]]:
    """Answer what each thing is, its name, and the name that it could have."""
    op = step.op
    if isinstance(op, ops.CreateTableOp):
        yield "table", op.table_name, op.table_name
        for item in op.columns:
            if isinstance(item, sa.UniqueConstraint | sa.ForeignKeyConstraint | sa.CheckConstraint):
                yield _constraint(op.table_name, item)
    if isinstance(op, ops.AddColumnOp):
        for key in op.column.foreign_keys:
            yield "foreign key", _text(key.name), f"fk_{op.table_name}_{op.column.name}"
        if op.column.unique and not op.column.index:
            yield "unique constraint", None, f"uq_{op.table_name}_{op.column.name}"
    else:
        yield from _own_name(op)
    yield from (("column", column.name, column.name) for _, column in columns(op))


def _own_name(op: ops.MigrateOperation) -> Iterator[tuple[str, str | None, str]]:
    if isinstance(op, ops.CreateIndexOp):
        yield "index", _text(op.index_name), f"ix_{op.table_name}_{'_'.join(map(str, op.columns))}"
    elif isinstance(op, ops.CreateForeignKeyOp):
        yield "foreign key", _text(op.constraint_name), f"fk_{op.source_table}_{'_'.join(op.local_cols)}"
    elif isinstance(op, ops.CreateUniqueConstraintOp):
        yield "unique constraint", _text(op.constraint_name), f"uq_{op.table_name}_{'_'.join(map(str, op.columns))}"
    elif isinstance(op, ops.CreateCheckConstraintOp):
        yield "CHECK", _text(op.constraint_name), f"ck_{op.table_name}"


_PREFIXES = {sa.UniqueConstraint: "uq", sa.ForeignKeyConstraint: "fk", sa.CheckConstraint: "ck"}


def _constraint(table: str, item: sa.Constraint) -> tuple[str, str | None, str]:
    kind = type(item).__visit_name__.replace("_constraint", "").replace("_", " ")
    prefix = next(word for type_, word in _PREFIXES.items() if isinstance(item, type_))
    given = getattr(item, "column_keys", None) or getattr(item, "_pending_colargs", None) or ()
    return f"{kind} constraint", _text(item.name), "_".join([prefix, table, *map(str, given)])


def _text(name: object) -> str | None:
    """Answer a name; what stands for none in SQLAlchemy is no text."""
    return str(name) if isinstance(name, str) else None


RULE = Rule(
    id="M22",
    title="Name missing or too long",
    why="What has no name is named by the database, differently on each, and no later revision can change or drop it. "
    "PostgreSQL cuts a name off at 63 bytes, and two long ones become one.",
    find=find,
    dialects=BOTH,
    example='op.create_unique_constraint(None, "author", ["email"])',
)
