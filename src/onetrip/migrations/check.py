"""Drift: where a database stands in the history, and what in it differs from the models; nothing is changed.

Also what a migration that was interrupted leaves: indexes that are INVALID, constraints that hold for new rows only,
copies of tables.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from alembic.autogenerate import produce_migrations
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from sqlalchemy.exc import SQLAlchemyError

from onetrip.errors import ConfigurationError
from onetrip.migrations import checkpoints, checksums, environment
from onetrip.migrations.compare.plugin import without_reflection_warnings
from onetrip.migrations.connection import connected
from onetrip.migrations.data.chain import read_chain
from onetrip.migrations.guard.copying import TEMPORARY
from onetrip.migrations.history import State, current, read_history
from onetrip.migrations.project import Project
from onetrip.migrations.snapshot import live
from onetrip.migrations.snapshot.model import Name


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """What was found. Empty tuples are what one wants, and a state that is `head`.

    `unfinished_data` are the data migrations with something to do, which is no drift: the application runs meanwhile.
    """

    state: State
    current: tuple[str, ...]
    heads: tuple[str, ...]
    edited: tuple[str, ...]
    differences: tuple[str, ...]
    invalid_indexes: tuple[str, ...]
    unvalidated_constraints: tuple[str, ...]
    leftover_tables: tuple[str, ...]
    unfinished_data: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether database, models and history agree."""
        found = (
            self.edited, self.differences, self.invalid_indexes, self.unvalidated_constraints, self.leftover_tables,
        )  # fmt: skip
        return self.state == "head" and not any(found)


def check(project: Project) -> Drift:
    """Look for drift. Raises `ConfigurationError` for a database that cannot be read, and for two heads."""
    history = read_history(project.script())
    history.head()
    with connected(project.url, reads=True) as connection:
        here = current(connection)
        schemas = live.schemas(project.metadata, connection.dialect.default_schema_name)
        tables = live.read(connection, schemas).tables
        return Drift(
            state=history.state(here),
            current=here,
            heads=history.heads,
            edited=tuple(checksums.edited(connection, history)),
            differences=differences(project, connection),
            invalid_indexes=tuple(
                f"{shown(name)}.{index.name}" for name, table in tables.items() for index in table.indexes
                if not index.valid
            ),
            unvalidated_constraints=tuple(
                f"{shown(name)}.{each.name}" for name, table in tables.items() for each in table.constraints
                if not each.valid
            ),
            leftover_tables=tuple(shown(name) for name in tables if name[1].startswith(TEMPORARY)),
            unfinished_data=unfinished(connection, project),
        )  # fmt: skip


def differences(project: Project, connection: sa.Connection) -> tuple[str, ...]:
    """Say what a new revision would have to do for the database to be as the models are."""
    options = {**environment.options(project, connection.dialect.name), "script": project.script()}
    options.pop("process_revision_directives", None)
    context = MigrationContext.configure(connection, opts=options)
    try:
        with without_reflection_warnings():
            script = produce_migrations(context, list(project.metadata))  # type: ignore[arg-type]  # several are as good
    except SQLAlchemyError as error:
        raise ConfigurationError(
            f"The database cannot be compared with the models: {str(error).splitlines()[0]}."
        ) from error
    assert script.upgrade_ops is not None
    return tuple(_words(operation) for operation in _leaves(script.upgrade_ops))


def unfinished(connection: sa.Connection, project: Project) -> tuple[str, ...]:
    """Name the data migrations that are not finished."""
    known = checkpoints.read(connection)
    return tuple(
        f"{each.revision} ({each.title})" for each in read_chain(project)
        if each.revision not in known or not known[each.revision].finished
    )  # fmt: skip


def shown(name: Name) -> str:
    """Write the name of a table."""
    return name[1] if name[0] is None else f"{name[0]}.{name[1]}"


def _leaves(container: ops.OpContainer) -> Iterator[ops.MigrateOperation]:
    for operation in container.ops:
        if isinstance(operation, ops.OpContainer):
            yield from _leaves(operation)
        else:
            yield operation


def _words(operation: ops.MigrateOperation) -> str:
    """Name an operation: what it does, and to what."""
    said = type(operation).__name__.removesuffix("Op")
    verb = "".join(f" {sign.lower()}" if sign.isupper() else sign for sign in said).strip()
    table = getattr(operation, "table_name", getattr(operation, "source_table", None))
    column = getattr(operation, "column", None)
    for part in ("column_name", "constraint_name", "index_name"):
        if (name := getattr(operation, part, None)) and name != table:
            return f"{verb} {table}.{name}" if table else f"{verb} {name}"
    if column is not None:
        return f"{verb} {table}.{column.name}"
    sql = getattr(operation, "sqltext", None)
    return f"{verb} {table}" if table else (f"{verb}: {sql}" if sql is not None else verb)
