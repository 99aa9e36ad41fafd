"""What is in a database → the first revision: for one that was there before its migrations."""

from collections.abc import Iterator, Mapping
from textwrap import fill
from typing import Any

import sqlalchemy as sa
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext

from onetrip.errors import ConfigurationError
from onetrip.migrations.compare.operations import Statements, escaped, write_plainly
from onetrip.migrations.snapshot import live

NOTES = "notes"
"""The name of what the template is given: what is to be said of revisions."""

_VERSION = "alembic_version"
_FUNCTIONS: Mapping[str, str] = {
    "postgresql": """
        SELECT DISTINCT p.proname FROM pg_proc p
        WHERE p.pronamespace = to_regnamespace(quote_ident(current_schema())) AND NOT EXISTS (
          SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
        ORDER BY p.proname
    """,
}


def reflected(context: MigrationContext, _: Any, directives: list[ops.MigrationScript]) -> None:
    """Let a revision create the tables and indexes of the database. Raises `ConfigurationError` when it has none."""
    [script] = directives
    there, back = script.upgrade_ops_list[0], script.downgrade_ops_list[0]
    there.ops[:] = _creations(_tables(context))
    if not there.ops:
        raise ConfigurationError("The database has no tables: begin with 'onetrip db new' instead.")
    assert context.connection is not None
    there.ops[:0] = _types(context, context.connection)
    there.reverse_into(back)
    write_plainly(context.impl)
    if left := left_out(context.connection):
        notes = context.opts["template_args"].setdefault(NOTES, {})
        notes[script.rev_id] = fill(f"Not in it, for you to add: {', '.join(left)}.", 118, break_on_hyphens=False)


def left_out(connection: sa.Connection) -> list[str]:
    """Name what a baseline leaves out: views, triggers, functions."""
    found = live.read(connection)
    functions = _FUNCTIONS.get(connection.dialect.name)
    return [
        *(f"view {name}" for _, name in sorted(found.views, key=str)),
        *(f"trigger {name} of {table.name[1]}" for table in found.tables.values() for name in sorted(table.triggers)),
        *(f"function {name}" for name in (connection.exec_driver_sql(functions).scalars() if functions else ())),
    ]


def _types(context: MigrationContext, connection: sa.Connection) -> Iterator[Statements]:
    """Create the enums, which tables need to be there."""
    quote = context.dialect.identifier_preparer
    for (_, name), labels in sorted(live.read(connection).enums.items(), key=str):
        values = ", ".join("'" + label.replace("'", "''") + "'" for label in labels)
        created = f"CREATE TYPE {quote.quote(name)} AS ENUM ({values})"
        yield Statements(created, back=[f"DROP TYPE {quote.quote(name)}"])


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
    for table in metadata.tables.values():
        _escape(table)
    return metadata


def _escape(table: sa.Table) -> None:
    """Let no colon in what was read be a parameter."""
    for constraint in table.constraints:
        if isinstance(constraint, sa.CheckConstraint):
            constraint.sqltext = _escaped(constraint.sqltext)
    for column in table.columns:
        if isinstance(column.server_default, sa.DefaultClause):
            column.server_default.arg = _escaped(column.server_default.arg)
        if column.computed is not None:
            column.computed.sqltext = _escaped(column.computed.sqltext)
    for index in table.indexes:
        for options in (index.dialect_options[name] for name in _FUNCTIONS.keys() | {"sqlite"}):
            if options.get("where") is not None:
                where = options["where"]
                options["where"] = _escaped(sa.text(where) if isinstance(where, str) else where)


def _escaped(clause: Any) -> Any:
    return sa.text(escaped(clause.text)) if isinstance(clause, sa.TextClause) else clause
