"""What tables need before they are there: schemas, sequences, and PostgreSQL's enums with their values.

Values are added in place. Any other change makes the type anew and reads each column as text: rows that hold a value
which is gone make PostgreSQL refuse the change, and so do indexes and checks that name one.
"""

from collections.abc import Iterator, Sequence

import sqlalchemy as sa
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from sqlalchemy.schema import CreateSequence

from onetrip.migrations.compare.operations import Statements
from onetrip.migrations.compare.sides import Sides, column, declared_in
from onetrip.migrations.snapshot.model import Column, Name, Snapshot, Table


def first(context: AutogenContext, both: Sides) -> Iterator[Statements]:
    """Make what is missing, before any table is changed."""
    assert context.dialect is not None and context.connection is not None
    quote = context.dialect.identifier_preparer
    schemas = {name[0] for name in (*both.here.tables, *both.here.enums) if name[0] is not None}
    for schema in sorted(schemas - set(sa.inspect(context.connection).get_schema_names()) if schemas else ()):
        yield Statements(f"CREATE SCHEMA {quote.quote(schema)}", back=[f"DROP SCHEMA {quote.quote(schema)}"])
    sequences = [each for metadata in declared_in(context) for each in metadata._sequences.values()]
    for sequence in sequences:
        if not any(name[1] == sequence.name for name in both.there.sequences):
            made = str(CreateSequence(sequence).compile(dialect=context.dialect))
            yield Statements(made, back=[f"DROP SEQUENCE {quote.format_sequence(sequence)}"])
    enums = _Enums(context, both)
    for name, labels in both.here.enums.items():
        if name not in both.there.enums:
            yield enums.create(name, labels)
        elif labels != both.there.enums[name]:
            yield enums.change(name, both.there.enums[name], labels)


def last(context: AutogenContext, both: Sides, operations: Sequence[ops.MigrateOperation]) -> Iterator[Statements]:
    """Drop the types that no column has any more, if it was our columns that had them."""
    dropped = {(each.schema, each.table_name) for each in operations if isinstance(each, ops.DropTableOp)}
    enums = _Enums(context, both)
    for name, labels in both.there.enums.items():
        users = {table.name for table, _ in enums.users(both.there, name)}
        if name not in both.here.enums and users and users <= dropped | both.here.tables.keys():
            yield enums.create(name, labels).reverse()


class _Enums:
    def __init__(self, context: AutogenContext, both: Sides) -> None:
        assert context.dialect is not None
        self.quote, self.both = context.dialect.identifier_preparer, both

    def create(self, name: Name, labels: Sequence[str]) -> Statements:
        return Statements(self._create(name, labels), back=[f"DROP TYPE {self._name(name)}"])

    def change(self, name: Name, there: Sequence[str], here: Sequence[str]) -> Statements:
        back = tuple(self._anew(name, there))
        if [label for label in here if label in there] != list(there):
            return Statements(*self._anew(name, here), back=back)
        added = []
        for position, label in enumerate(here):
            if label not in there:
                place = f" AFTER {_literal(here[position - 1])}" if position else f" BEFORE {_literal(there[0])}"
                added.append(f"ALTER TYPE {self._name(name)} ADD VALUE IF NOT EXISTS {_literal(label)}{place}")
        return Statements(*added, back=back, alone=True)

    def users(self, side: Snapshot, name: Name) -> Iterator[tuple[Table, Column]]:
        """List the columns of a type, and of arrays of it."""
        for table in side.tables.values():
            for each in table.columns:
                if each.type.removesuffix("[]") == self._name(name):
                    yield table, each

    def _anew(self, name: Name, labels: Sequence[str]) -> Iterator[str]:
        before = self.quote.quote(f"{name[1]}_before"[-63:])
        qualified = f"{self.quote.quote(name[0])}.{before}" if name[0] else before
        yield f"ALTER TYPE {self._name(name)} RENAME TO {before}"
        yield self._create(name, labels)
        for table, each in self.users(self.both.there, name):
            after = self.both.here.tables.get(table.name)
            same = None if after is None else column(after, each.name)
            if same is None or same.type != each.type:
                continue
            relation = self.quote.format_table(sa.table(table.name[1], schema=table.name[0]))
            alter, words = f"ALTER TABLE {relation} ALTER COLUMN", self.quote.quote(each.name)
            text = f"text{'[]' if each.type.endswith('[]') else ''}"
            if each.default is not None:
                yield f"{alter} {words} DROP DEFAULT"
            yield f"{alter} {words} TYPE {each.type} USING {words}::{text}::{each.type}"
            if each.default is not None:
                yield f"{alter} {words} SET DEFAULT {each.default}"
        yield f"DROP TYPE {qualified}"

    def _create(self, name: Name, labels: Sequence[str]) -> str:
        return f"CREATE TYPE {self._name(name)} AS ENUM ({', '.join(map(_literal, labels))})"

    def _name(self, name: Name) -> str:
        own = self.quote.quote(name[1])
        return f"{self.quote.quote(name[0])}.{own}" if name[0] else own


def _literal(label: str) -> str:
    return "'" + label.replace("'", "''") + "'"
