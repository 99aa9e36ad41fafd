"""What is in a database → the first revision: for one that was there before its migrations."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext

from onetrip.errors import ConfigurationError

_VERSION = "alembic_version"


def reflected(context: MigrationContext, _: Any, directives: list[ops.MigrationScript]) -> None:
    """Let a revision create the tables and indexes of the database. Raises `ConfigurationError` when it has none."""
    [script] = directives
    there, back = script.upgrade_ops_list[0], script.downgrade_ops_list[0]
    there.ops[:] = _creations(_tables(context))
    there.reverse_into(back)
    if not there.ops:
        raise ConfigurationError("The database has no tables: begin with 'onetrip db new' instead.")


def _creations(metadata: sa.MetaData) -> Iterator[ops.MigrateOperation]:
    for table in metadata.sorted_tables:
        yield ops.CreateTableOp.from_table(table)
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            yield ops.CreateIndexOp.from_index(index)


def _tables(context: MigrationContext) -> sa.MetaData:
    """Read the tables, each column as Alembic compares it: without what its type brings along."""
    assert context.connection is not None
    metadata = sa.MetaData()
    sa.event.listen(metadata, "column_reflect", context.impl.autogen_column_reflect)
    metadata.reflect(context.connection, only=lambda name, _: name != _VERSION)
    return metadata
