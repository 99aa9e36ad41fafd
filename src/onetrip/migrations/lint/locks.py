"""What an operation costs on PostgreSQL: the strongest lock on each table, and whether rows are read or written anew.

Measured on a server, and measured again by the tests. Nothing is known of raw SQL but of a few statements.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from alembic.ddl.postgresql import CreateExcludeConstraintOp
from alembic.operations import ops

from onetrip.migrations.compare.searches import CreateSearchIndexOp, DropSearchIndexOp
from onetrip.migrations.facts import Facts
from onetrip.migrations.lint.defaults import is_volatile
from onetrip.migrations.lint.elements import (
    CONCURRENTLY,
    NOT_VALID,
    foreign_keys,
    indexes,
    is_serial,
    is_stored,
    uniques,
)
from onetrip.migrations.lint.recorder import Step
from onetrip.migrations.lint.rule import table_of
from onetrip.migrations.lint.type_changes import rewrites
from onetrip.migrations.snapshot.model import Name

Lock = Literal[
    "AccessShare", "RowShare", "RowExclusive", "ShareUpdateExclusive", "Share", "ShareRowExclusive", "Exclusive",
    "AccessExclusive",
]  # fmt: skip
"""https://www.postgresql.org/docs/current/explicit-locking.html, weakest first."""

STRENGTH: Mapping[str, int] = {name: number for number, name in enumerate(Lock.__args__)}  # type: ignore[attr-defined]

Class = Literal["instant", "scan", "rewrite", "unknown"]


@dataclass(frozen=True, slots=True)
class Cost:
    """What an operation costs. `work` says what is done while the locks are held."""

    locks: Mapping[Name, Lock] = field(default_factory=dict)
    work: Class = "instant"


def cost(step: Step, facts: Facts) -> Cost:
    """Say what a step costs."""
    op = step.op
    if step.raw:
        return _raw(step)
    table = table_of(op)
    locks: dict[Name, Lock] = {}
    work: Class = "instant"
    for name, lock, does in _parts(op, table, facts):
        if name not in locks or STRENGTH[lock] > STRENGTH[locks[name]]:
            locks[name] = lock
        work = max(work, does, key=_CLASSES.index)
    return Cost(locks, work)


_CLASSES: tuple[Class, ...] = ("instant", "scan", "rewrite", "unknown")
_Part = tuple[Name, Lock, Class]


def _parts(op: ops.MigrateOperation, table: Name | None, facts: Facts) -> Iterator[_Part]:
    for kind, parts in _OPERATIONS.items():
        if isinstance(op, kind) and table is not None:
            yield from parts(op, table, facts)
            return


def _add_column(op: ops.AddColumnOp, table: Name, facts: Facts) -> Iterator[_Part]:
    anew = is_volatile(op.column, facts) or is_serial(op.column) or is_stored(op.column)
    yield table, "AccessExclusive", "rewrite" if anew else "instant"
    for key in foreign_keys(op):
        yield from _foreign_key(key, table, facts)
    for _ in (*uniques(op), *indexes(op)):
        yield table, "Share", "scan"


def _alter_column(op: ops.AlterColumnOp, table: Name, facts: Facts) -> Iterator[_Part]:
    if op.modify_comment is not False:
        yield table, "ShareUpdateExclusive", "instant"
    if op.modify_type is not None:
        yield (
            table,
            "AccessExclusive",
            "rewrite" if rewrites(op.existing_type, op.modify_type, facts.utc) else "instant",
        )
    if op.modify_nullable is False and (table, op.column_name) not in facts.not_null:
        yield table, "AccessExclusive", "scan"
    if op.modify_nullable is not None or op.modify_name is not None or op.modify_server_default is not False:
        yield table, "AccessExclusive", "instant"


def _foreign_key(op: ops.CreateForeignKeyOp, table: Name, _: Facts) -> Iterator[_Part]:
    work: Class = "instant" if op.kw.get(NOT_VALID) else "scan"
    yield table, "ShareRowExclusive", work
    yield (op.kw.get("referent_schema"), op.referent_table), "ShareRowExclusive", work


def _create_table(op: ops.CreateTableOp, table: Name, facts: Facts) -> Iterator[_Part]:
    for key in foreign_keys(op):
        for name, lock, _ in _foreign_key(key, table, facts):
            if name != table:
                yield name, lock, "instant"


def _index(op: ops.CreateIndexOp, table: Name, _: Facts) -> Iterator[_Part]:
    yield table, "ShareUpdateExclusive" if op.kw.get(CONCURRENTLY) else "Share", "scan"


def _drop_index(op: ops.DropIndexOp, table: Name, _: Facts) -> Iterator[_Part]:
    yield table, "ShareUpdateExclusive" if op.kw.get(CONCURRENTLY) else "AccessExclusive", "instant"


def _check(op: ops.CreateCheckConstraintOp, table: Name, _: Facts) -> Iterator[_Part]:
    yield table, "AccessExclusive", "instant" if op.kw.get(NOT_VALID) else "scan"


def _always(lock: Lock, work: Class) -> Callable[[Any, Name, Facts], Iterator[_Part]]:
    def parts(_: Any, table: Name, __: Facts) -> Iterator[_Part]:
        yield table, lock, work

    return parts


_OPERATIONS: Mapping[type[ops.MigrateOperation], Callable[[Any, Name, Facts], Iterator[_Part]]] = {
    ops.CreateTableOp: _create_table,
    ops.DropTableOp: _always("AccessExclusive", "instant"),
    ops.RenameTableOp: _always("AccessExclusive", "instant"),
    ops.AddColumnOp: _add_column,
    ops.DropColumnOp: _always("AccessExclusive", "instant"),
    ops.AlterColumnOp: _alter_column,
    ops.CreateIndexOp: _index,
    ops.DropIndexOp: _drop_index,
    ops.CreateForeignKeyOp: _foreign_key,
    ops.CreateCheckConstraintOp: _check,
    ops.CreateUniqueConstraintOp: _always("AccessExclusive", "scan"),
    ops.CreatePrimaryKeyOp: _always("AccessExclusive", "scan"),
    CreateExcludeConstraintOp: _always("AccessExclusive", "scan"),
    ops.DropConstraintOp: _always("AccessExclusive", "instant"),
    ops.BulkInsertOp: _always("RowExclusive", "instant"),
    ops.CreateTableCommentOp: _always("ShareUpdateExclusive", "instant"),
    ops.DropTableCommentOp: _always("ShareUpdateExclusive", "instant"),
    CreateSearchIndexOp: _always("AccessExclusive", "rewrite"),
    DropSearchIndexOp: _always("AccessExclusive", "instant"),
}

_RAW: Mapping[str, tuple[Lock, Class]] = {
    "update": ("RowExclusive", "scan"),
    "delete": ("RowExclusive", "scan"),
    "insert": ("RowExclusive", "instant"),
    "validate": ("ShareUpdateExclusive", "scan"),
    "using index": ("AccessExclusive", "instant"),
    "not valid": ("AccessExclusive", "instant"),
}
_NO_LOCK = frozenset({
    "set", "read", "comment", "create type", "create sequence", "create view", "drop view", "add value", "rename value",
})  # fmt: skip


def _raw(step: Step) -> Cost:
    locks: dict[Name, Lock] = {}
    work: Class = "instant"
    for each in step.raw:
        lock, does = _RAW.get(each.verb, (None, "instant" if each.verb in _NO_LOCK else "unknown"))
        if each.verb == "create index":
            lock, does = ("ShareUpdateExclusive" if each.safe else "Share"), "scan"
        if each.table is not None and lock is not None:
            schema, _, name = each.table.rpartition(".")
            table = schema or None, name
            if table not in locks or STRENGTH[lock] > STRENGTH[locks[table]]:
                locks[table] = lock
        work = max(work, does, key=_CLASSES.index)  # type: ignore[arg-type]
    return Cost(locks, work)
