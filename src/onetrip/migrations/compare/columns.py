"""A column that is on both sides: its type, whether it may be NULL, and what is in it when nobody says."""

import re
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from alembic.util import PriorityDispatchResult
from sqlalchemy.types import TypeEngine

from onetrip.errors import ConfigurationError
from onetrip.migrations.compare.operations import Statements
from onetrip.migrations.compare.sides import column, key, sides
from onetrip.migrations.rendering import stored
from onetrip.migrations.snapshot.model import Column, Table

_SERIAL = "SERIAL"


def compare_column(
    context: AutogenContext, change: ops.AlterColumnOp, schema: str | None, table: str, name: str,
    there: sa.Column[Any], here: sa.Column[Any],
) -> PriorityDispatchResult:  # fmt: skip
    """Say what differs in a column. Raises `ConfigurationError` for what no database can change."""
    tables = sides(context).tables(schema, table)
    before, after = sides(context).columns(schema, table, name)
    change.existing_type, change.existing_nullable = there.type, before.nullable
    change.existing_server_default = there.server_default
    if before.generated != after.generated:
        _refuse(f"{schema}.{table}" if schema else table, before, after)
        return PriorityDispatchResult.STOP
    if retyped(before, after):
        change.modify_type = here.type
        if before.collation != after.collation and not _alters(context):
            change.existing_type = _collated(there.type, before.collation)
            change.modify_type = _collated(here.type, after.collation)
    if before.nullable != after.nullable and not _changed_key(*tables, name):
        change.modify_nullable = after.nullable
    given = here.server_default
    if before.default != after.default and (given is None or isinstance(given, sa.DefaultClause)):
        change.modify_server_default = given
    elif before.default is None and after.default is None:
        change.existing_server_default = False
    return PriorityDispatchResult.CONTINUE


def retyped(before: Column, after: Column) -> bool:
    """Whether the type differs, or how it sorts."""
    return (before.type, before.collation) != (after.type, after.collation)


def _alters(context: AutogenContext) -> bool:
    return context.dialect is not None and context.dialect.supports_alter


def _collated(type_: TypeEngine[Any], collation: str | None) -> TypeEngine[Any]:
    """Name a collation, also the one of columns without any: a copy of a table keeps one that nobody speaks of.

    See https://www.sqlite.org/datatype3.html#collation
    """
    found = stored(type_)
    return found.adapt(type(found), collation=collation or "BINARY") if isinstance(found, sa.String) else type_


def _changed_key(there: Table, here: Table, name: str) -> bool:
    return (name in key(there)) != (name in key(here))


def _refuse(table: str, before: Column, after: Column) -> None:
    if before.generated is None or after.generated is None:
        now, then = ("ordinary", "computed") if before.generated is None else ("computed", "ordinary")
        raise ConfigurationError(
            f"The column '{table}.{before.name}' is {now} in the database and {then} in the code, which cannot be "
            "changed in place: give the new column another name, or drop the old one in a revision of its own."
        )


def remade(there: Table, here: Table) -> list[str]:
    """List the columns that are computed in another way now: they are dropped and added."""
    pairs = ((before, column(here, before.name)) for before in there.columns)
    return [before.name for before, after in pairs if after is not None and before.generated != after.generated]


def beside_key(context: AutogenContext, there: Table, here: Table, types: sa.Table) -> Iterator[ops.MigrateOperation]:
    """Let columns be NULL that were part of the primary key, and others not: while there is none."""
    assert context.dialect is not None
    quote = context.dialect.identifier_preparer
    alter = f"ALTER TABLE {quote.format_table(sa.table(there.name[1], schema=there.name[0]))} ALTER COLUMN"
    for before in there.columns:
        after = column(here, before.name)
        if after is None or before.nullable == after.nullable or not _changed_key(there, here, before.name):
            continue
        if context.dialect.supports_alter:
            changed = f"{alter} {quote.quote(before.name)}"
            steps = Statements(f"{changed} SET NOT NULL", back=[f"{changed} DROP NOT NULL"])
            yield steps.reverse() if after.nullable else steps
        else:
            yield ops.AlterColumnOp(
                there.name[1], before.name, schema=there.name[0], existing_type=types.c[before.name].type,
                existing_nullable=before.nullable, modify_nullable=after.nullable,
            )  # fmt: skip


def counted(context: AutogenContext, there: Table, here: Table) -> Iterator[Statements]:
    """Begin or cease to count a column, as an identity or with a sequence of its own, as `SERIAL` does."""
    assert context.dialect is not None
    if not context.dialect.supports_sequences:
        return  # SQLite counts by itself, and AUTOINCREMENT cannot be changed
    for before in there.columns:
        after = column(here, before.name)
        if after is not None and before.identity != after.identity:
            counting = _Counting(context, there, before.name)
            if before.identity and after.identity and _SERIAL not in (before.identity, after.identity):
                yield Statements(counting.altered(after.identity), back=[counting.altered(before.identity)])
                continue
            if before.identity:
                yield counting.begun(before.identity).reverse()
            if after.identity:
                yield counting.begun(after.identity)


class _Counting:
    """The statements for one column. A sequence goes on behind the rows that there are."""

    def __init__(self, context: AutogenContext, table: Table, name: str) -> None:
        assert context.dialect is not None and context.connection is not None
        quote = context.dialect.identifier_preparer
        self.table = quote.format_table(sa.table(table.name[1], schema=table.name[0]))
        self.name, self.kind = quote.quote(name), next(each.type for each in table.columns if each.name == name)
        self.alter = f"ALTER TABLE {self.table} ALTER COLUMN {self.name}"
        asked = sa.text("SELECT pg_get_serial_sequence(:table, :column)")
        found = context.connection.execute(asked, {"table": self.table, "column": name}).scalar()
        made = sa.table(f"{table.name[1]}_{name}_seq"[-63:], schema=table.name[0])
        self.sequence: str = found or quote.format_table(made)

    def begun(self, words: str) -> Statements:
        sequence = "'" + self.sequence.replace("'", "''") + "'"
        behind = (
            f"SELECT setval({sequence}, last) FROM (SELECT max({self.name}) AS last FROM {self.table}) AS rows"  # noqa: S608 - quoted names
            " WHERE last IS NOT NULL"
        )
        if words == _SERIAL:
            return Statements(
                f"CREATE SEQUENCE {self.sequence} AS {self.kind} OWNED BY {self.table}.{self.name}",
                behind,
                f"{self.alter} SET DEFAULT nextval({sequence})",
                back=[f"{self.alter} DROP DEFAULT", f"DROP SEQUENCE {self.sequence}"],
            )
        kind, options = _words(words)
        named = f"SEQUENCE NAME {self.sequence} {' '.join(options)}"
        return Statements(
            f"{self.alter} ADD GENERATED {kind} AS IDENTITY ({named})", behind, back=[f"{self.alter} DROP IDENTITY"]
        )

    def altered(self, words: str) -> str:
        kind, options = _words(words)
        cycles = [] if "CYCLE" in options else ["NO CYCLE"]
        return f"{self.alter} SET GENERATED {kind} {' '.join(f'SET {each}' for each in (*options, *cycles))}"


def _words(identity: str) -> tuple[str, list[str]]:
    kind, _, rest = identity.partition(" START ")
    return kind, re.findall(r"[A-Z]+(?: -?\d+)?", f"START {rest}")
