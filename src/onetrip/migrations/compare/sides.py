"""Both sides of a comparison: read once, whatever part of them is compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from alembic.autogenerate.api import AutogenContext
from alembic.util import to_list

from onetrip.migrations.snapshot import declared, live
from onetrip.migrations.snapshot.model import Column, Snapshot, Table


@dataclass(frozen=True, slots=True)
class Sides:
    """The schema as it is in the database, and as it is in the code."""

    there: Snapshot
    here: Snapshot

    def tables(self, schema: str | None, name: str) -> tuple[Table, Table]:
        """Answer a table of both sides."""
        return self.there.tables[schema, name], self.here.tables[schema, name]

    def columns(self, schema: str | None, table: str, name: str) -> tuple[Column, Column]:
        """Answer a column of both sides."""
        there, here = (column(each, name) for each in self.tables(schema, table))
        assert there is not None and here is not None  # Alembic found it on both sides
        return there, here


_SIDES: WeakKeyDictionary[AutogenContext, Sides] = WeakKeyDictionary()


def sides(context: AutogenContext) -> Sides:
    """Read both sides, once for each comparison."""
    found = _SIDES.get(context)
    if found is None:
        connection, metadata = context.connection, declared_in(context)
        assert connection is not None
        schemas = live.schemas(metadata, connection.dialect.default_schema_name)
        found = _SIDES[context] = Sides(live.read(connection, schemas), declared.read(connection, metadata))
    return found


def declared_in(context: AutogenContext) -> Sequence[sa.MetaData]:
    """List the metadata that a project compares."""
    return to_list(context.metadata, ())  # type: ignore[arg-type]


def column(table: Table, name: str) -> Column | None:
    """Find a column of a table."""
    return next((each for each in table.columns if each.name == name), None)


def key(table: Table) -> tuple[str, ...]:
    """Answer the columns of the primary key."""
    return next((each.columns for each in table.constraints if each.kind == "primary"), ())
