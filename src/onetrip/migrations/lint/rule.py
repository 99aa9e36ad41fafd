"""What a rule is, what it is asked about, and what it answers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from alembic.operations import ops

from onetrip.migrations.facts import UNKNOWN, Facts
from onetrip.migrations.lint.recorder import Revision, Step
from onetrip.migrations.snapshot.model import Name

Level = Literal["error", "warning", "info"]

POSTGRESQL = ("postgresql",)
BOTH = ("postgresql", "sqlite")


@dataclass(frozen=True)
class Judged:
    """A revision and what is known around it. `earlier` are those that it builds on, `later` all that follow."""

    revision: Revision
    facts: Facts = UNKNOWN
    earlier: Sequence[Revision] = ()
    later: Sequence[Revision] = ()
    heads: tuple[str, ...] = ()
    edited: frozenset[str] = frozenset()

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """What the revision does."""
        return self.revision.up.steps

    @cached_property
    def created(self) -> frozenset[Name]:
        """The tables that the revision itself makes: nobody waits for them."""
        return frozenset((s.op.schema, s.op.table_name) for s in self.steps if isinstance(s.op, ops.CreateTableOp))

    def existing(self) -> Iterator[tuple[Step, Name]]:
        """Go through what is done to tables that were there before."""
        for step in self.steps:
            table = table_of(step.op)
            if table is not None and table not in self.created:
                yield step, table

    def is_new(self, name: str | None) -> bool:
        """Say whether a table is made by the revision, by its name in SQL."""
        schema, _, table = (name or "").rpartition(".")
        return (schema or None, table) in self.created


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule found. `tables` are those whose size matters, `safe` is the script that does the same safely."""

    message: str
    safe: str
    step: Step | None = None
    line: int | None = None
    tables: tuple[Name, ...] = ()
    level: Level | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule. One that is `sized` is only dangerous for tables of some size. `example` is an `upgrade()` it finds."""

    id: str
    title: str
    why: str
    find: Callable[[Judged], Iterator[Found]]
    example: str
    level: Level = "error"
    dialects: tuple[str, ...] = POSTGRESQL
    sized: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A rule's answer about a revision, as it is reported."""

    rule: str
    level: Level
    title: str
    message: str
    why: str
    safe: str
    revision: str
    path: str
    line: int | None = field(default=None)


def table_of(op: ops.MigrateOperation) -> Name | None:
    """Say which table an operation changes."""
    if isinstance(op, ops.CreateForeignKeyOp):
        return op.kw.get("source_schema"), op.source_table
    if isinstance(op, ops.BulkInsertOp):
        return getattr(op.table, "schema", None), op.table.name
    name = getattr(op, "table_name", None)
    return None if name is None else (getattr(op, "schema", None), str(name))


def called(table: Name) -> str:
    """Write the name of a table for people."""
    schema, name = table
    return f"{schema}.{name}" if schema else name
