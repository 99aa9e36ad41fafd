"""A database's schema as it is now."""

from collections.abc import Callable, Collection, Iterable, Mapping

import sqlalchemy as sa

from onetrip.migrations.snapshot import postgresql, sqlite
from onetrip.migrations.snapshot.model import Snapshot

_READERS: Mapping[str, Callable[[sa.Connection, Collection[str | None]], Snapshot]] = {
    "postgresql": postgresql.read,
    "sqlite": sqlite.read,
}


def read(connection: sa.Connection, schemas: Collection[str | None] = (None,)) -> Snapshot:
    """Read schemas, `None` for the default one."""
    return _READERS[connection.dialect.name](connection, schemas)


def schemas(metadata: Iterable[sa.MetaData], default: str | None) -> set[str | None]:
    """List the schemas of tables: the default one, which is `None`, and those that are named."""
    named = {table.schema for each in metadata for table in each.tables.values()}
    return {None} | {None if schema == default else schema for schema in named}
