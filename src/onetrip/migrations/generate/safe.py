"""Operations → those that stop nobody on PostgreSQL: what is quick, and in a revision of its own what takes long.

The first revision changes the catalogue, in one transaction that waits for no lock longer than `LOCK_TIMEOUT`. The
second builds indexes and checks rows outside of a transaction, each step fit to be begun again, and then takes over in
a moment. A table that the revision itself creates is left alone, and so is what goes with a column that is dropped.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from alembic.operations import ops
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import IdentifierPreparer

from onetrip.migrations.compare.operations import Statements
from onetrip.migrations.data.write import Fill
from onetrip.migrations.generate.operations import Autocommit, FillRows, Statement, flat, undone

LOCK_TIMEOUT = Statement("SET LOCAL lock_timeout = '2s'")
"""A statement that waits for a lock holds up all who come after it."""

Table = tuple[str | None, str]
Operations = list[ops.MigrateOperation]


@dataclass(slots=True)
class Revision:
    """What one revision does: `alone` come first, each by itself, and `together` in a transaction."""

    alone: Operations = field(default_factory=list)
    together: Operations = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether nothing is done."""
        return not self.alone and not self.together


@dataclass(slots=True)
class Split:
    """Two revisions, and their ways back; between the two, rows are filled."""

    quick: Revision = field(default_factory=Revision)
    slow: Revision = field(default_factory=Revision)
    quick_back: Revision = field(default_factory=Revision)
    slow_back: Revision = field(default_factory=Revision)
    locks: bool = False
    fills: list[Fill] = field(default_factory=list)


def split(operations: Iterable[ops.MigrateOperation], dialect: Dialect) -> Split:
    """Sort operations into those that are quick and those that take long. They are no batch afterwards."""
    every = list(flat(operations))
    return _Splitter(every, dialect.identifier_preparer).split()


def scripts(found: Split) -> list[tuple[Operations, Operations]]:
    """Answer the way there and the way back of each revision that does something."""
    made = []
    for there, back in ((found.quick, found.quick_back), (found.slow, found.slow_back)):
        if not there.empty:
            made.append((_written(there, found.locks), _written(back, found.locks)))
    return made


def _written(revision: Revision, locks: bool) -> Operations:
    alone = [each for number, each in enumerate(revision.alone) if number == 0 or not _again(revision.alone, number)]
    written: Operations = [Autocommit(alone)] if alone else []
    first = list(takewhile(_is_alone, revision.together))  # a new label of an enum, which what follows may use
    rest = revision.together[len(first) :]
    written += first
    if rest:
        written += [LOCK_TIMEOUT, *rest] if locks else rest
    return written


def _is_alone(operation: ops.MigrateOperation) -> bool:
    return isinstance(operation, Statements) and operation.alone


def _again(operations: Operations, number: int) -> bool:
    """Say whether an index is dropped that was dropped just before."""
    one, other = operations[number - 1 : number + 1]
    return (
        isinstance(one, ops.DropIndexOp) and isinstance(other, ops.DropIndexOp) and one.index_name == other.index_name
    )


class _Splitter:
    def __init__(self, operations: Operations, quote: IdentifierPreparer) -> None:
        self.operations, self.quote, self.made = operations, quote, Split()
        self.new = {_table(each) for each in operations if isinstance(each, ops.CreateTableOp)}
        self.gone = {_table(each) for each in operations if isinstance(each, ops.DropTableOp)}
        self.filled = {(*_table(each), each.fill.column) for each in operations if isinstance(each, FillRows)}
        self.dropped = [(_table(each), each.column_name) for each in operations if isinstance(each, ops.DropColumnOp)]

    def split(self) -> Split:
        for each in self.operations:
            if _table(each) in self.new:
                self._plain(each, locks=False)
            elif _table(each) in self.gone:
                self._plain(each)
            else:
                self._safe(each)
        return self.made

    def _safe(self, operation: ops.MigrateOperation) -> None:
        if isinstance(operation, FillRows):
            self.made.fills.append(operation.fill)
        elif isinstance(operation, ops.CreateIndexOp):
            self._create_index(operation)
        elif isinstance(operation, ops.DropIndexOp):
            self._drop_index(operation)
        elif isinstance(operation, ops.AddConstraintOp) and not getattr(operation, "constraint_name", None):
            self._plain(operation)  # what has no name cannot be named in a second step
        elif isinstance(operation, ops.CreateUniqueConstraintOp):
            self._unique(operation)
        elif isinstance(operation, ops.CreateForeignKeyOp | ops.CreateCheckConstraintOp):
            self._not_valid(operation)
        elif isinstance(operation, ops.AlterColumnOp) and operation.modify_nullable is False:
            self._not_null(operation)
        elif isinstance(operation, Statement) and str(operation.sqltext).startswith("UPDATE "):
            self.made.slow.alone.append(operation)
        else:
            self._plain(operation)

    def _plain(self, operation: ops.MigrateOperation, *, locks: bool = True) -> None:
        self.made.quick.together.append(operation)
        self.made.quick_back.together[:0] = undone([operation])
        self.made.locks |= locks

    def _create_index(self, operation: ops.CreateIndexOp) -> None:
        self.made.slow.alone += _built(operation)
        self.made.slow_back.alone.insert(0, _concurrent_drop(operation))

    def _drop_index(self, operation: ops.DropIndexOp) -> None:
        created = operation.reverse()
        parts = (str(getattr(each, "name", each)) for each in (*created.columns, *created.kw.values()))
        said = " ".join(parts)  # expressions, a condition and what is included speak of columns, too
        if any(table == _table(operation) and column in said for table, column in self.dropped):
            self._plain(operation)
            return
        self.made.slow.alone.append(_concurrent_drop(created))
        self.made.slow_back.alone[:0] = _built(created)

    def _unique(self, operation: ops.CreateUniqueConstraintOp) -> None:
        kw = dict(operation.kw)
        timing = [f" {'DEFERRABLE' if kw.pop('deferrable') else 'NOT DEFERRABLE'}"] if "deferrable" in kw else []
        timing += [f" INITIALLY {kw.pop('initially')}"] if "initially" in kw else []
        index = ops.CreateIndexOp(
            str(operation.constraint_name), operation.table_name, list(operation.columns), schema=operation.schema,
            unique=True, **kw,
        )  # fmt: skip
        name = self.quote.quote(str(operation.constraint_name))
        self.made.slow.alone += _built(index)
        taken = f"ADD CONSTRAINT {name} UNIQUE USING INDEX {name}{''.join(timing)}"
        self.made.slow.together.append(Statement(f"ALTER TABLE {self._quoted(operation)} {taken}"))
        self.made.slow_back.together.insert(0, operation.reverse())
        self.made.locks = True

    def _not_valid(self, operation: ops.CreateForeignKeyOp | ops.CreateCheckConstraintOp) -> None:
        back = operation.reverse()
        operation.kw["postgresql_not_valid"] = True
        self.made.quick.together.append(operation)
        self.made.quick_back.together.insert(0, back)
        name = self.quote.quote(str(operation.constraint_name))
        self.made.slow.alone.append(Statement(f"ALTER TABLE {self._quoted(operation)} VALIDATE CONSTRAINT {name}"))
        self.made.locks = True

    def _not_null(self, operation: ops.AlterColumnOp) -> None:
        """A check that was validated saves PostgreSQL the look at each row, for which it would lock the table.

        Where rows are filled before, it is made after that: until then the application changes rows that have NULL.
        """
        name = f"{operation.table_name}_{operation.column_name}_is_not_null"[:63]
        column = self.quote.quote(operation.column_name)
        check = ops.CreateCheckConstraintOp(
            name, operation.table_name, f"{column} IS NOT NULL", schema=operation.schema, postgresql_not_valid=True
        )
        drop = ops.DropConstraintOp(name, operation.table_name, type_="check", schema=operation.schema)
        validate = f"ALTER TABLE {self._quoted(operation)} VALIDATE CONSTRAINT {self.quote.quote(name)}"
        nullable = _nullable(operation)
        if operation.has_changes():
            self._plain(operation)
        absent = ops.DropConstraintOp(
            name, operation.table_name, type_="check", schema=operation.schema, if_exists=True
        )
        if (*_table(operation), operation.column_name) in self.filled:
            self.made.slow.alone += [absent, check]
        else:
            self.made.quick.together.append(check)
            self.made.quick_back.together.insert(0, absent)
        self.made.slow.alone.append(Statement(validate))
        self.made.slow.together += [nullable, drop]
        self.made.slow_back.together.insert(0, nullable.reverse())
        self.made.locks = True

    def _quoted(self, operation: Any) -> str:
        schema, table = _table(operation)
        name = self.quote.quote(table)
        return f"{self.quote.quote_schema(schema)}.{name}" if schema else name


def _nullable(operation: ops.AlterColumnOp) -> ops.AlterColumnOp:
    """Take what forbids NULL out of a change of a column: the rest of it stays there."""
    operation.modify_nullable = None
    return ops.AlterColumnOp(
        operation.table_name, operation.column_name, schema=operation.schema,
        existing_type=operation.modify_type if operation.modify_type is not None else operation.existing_type,
        existing_nullable=True, modify_nullable=False,
    )  # fmt: skip


def _table(operation: Any) -> Table:
    """Answer which table an operation is about."""
    if isinstance(operation, ops.CreateForeignKeyOp):
        return operation.kw.get("source_schema"), operation.source_table
    return getattr(operation, "schema", None), getattr(operation, "table_name", "")


def _built(operation: ops.CreateIndexOp) -> Operations:
    """Build an index beside the writes. What a build left behind that did not come to its end is in the way."""
    kw = {**operation.kw, "postgresql_concurrently": True}
    created = ops.CreateIndexOp(
        operation.index_name, operation.table_name, operation.columns, schema=operation.schema,
        unique=operation.unique, if_not_exists=True, **kw,
    )  # fmt: skip
    return [_concurrent_drop(operation), created]


def _concurrent_drop(operation: ops.CreateIndexOp) -> ops.DropIndexOp:
    return ops.DropIndexOp(
        str(operation.index_name), operation.table_name, schema=operation.schema, if_exists=True,
        postgresql_concurrently=True,
    )  # fmt: skip
