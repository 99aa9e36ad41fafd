"""Data migrations that a revision of the schema needs: which they are, and whether rows are left for them."""

from collections.abc import Mapping

import sqlalchemy as sa
from alembic.script import ScriptDirectory

from onetrip.errors import ConfigurationError
from onetrip.migrations import checkpoints
from onetrip.migrations.checkpoints import Checkpoint
from onetrip.migrations.data.chain import DataMigration, read_chain
from onetrip.migrations.history import needed_data, read_history
from onetrip.migrations.project import Project

Needs = Mapping[str, tuple[DataMigration, ...]]
"""The data migrations that each revision needs, in their order, without those that need none."""


def read_needs(project: Project, script: ScriptDirectory) -> Needs:
    """Read what the revisions need. Raises `ConfigurationError` for what there is not, or what can only come later."""
    said = {name: needed_data(each) for name, each in read_history(script).revisions.items() if needed_data(each)}
    if not said:
        return {}
    chain = read_chain(project)
    known = {each.revision: each for each in chain}
    for revision, names in said.items():
        before = {each.revision for each in script.iterate_revisions(revision, "base")} - {revision}
        for name in names:
            if name not in known:
                raise ConfigurationError(
                    f"Revision {revision} needs the data migration {name}, which there is not: bring that file back."
                )
            after = known[name].depends_on
            if after is not None and after not in before:
                raise ConfigurationError(
                    f"Revision {revision} needs the data migration {name}, which itself can only run after revision "
                    f"{after}: one of the two has to change."
                )
    return {revision: tuple(each for each in chain if each.revision in names) for revision, names in said.items()}


def is_left(connection: sa.Connection, migration: DataMigration, known: Checkpoint | None) -> bool:
    """Say whether there is a row to do: one that `where` is true for now, whoever did the others.

    Without `where`, all rows are to do until it is finished.
    """
    if migration.where is None and known is not None and known.finished:
        return False
    query = sa.select(sa.literal(1)).select_from(migration.table).limit(1)
    return connection.scalar(query if migration.where is None else query.where(migration.where)) is not None


def forget_gone(connection: sa.Connection, project: Project) -> None:
    """Forget how far data migrations came whose columns are gone: when these are there again, nothing is in them."""
    known = checkpoints.read(connection)
    for each in read_chain(project) if known else ():
        if each.revision in known and not _is_there(connection, each.table):
            checkpoints.forget(connection, each.revision)


def _is_there(connection: sa.Connection, table: sa.TableClause) -> bool:
    inspector = sa.inspect(connection)
    if not inspector.has_table(table.name, schema=table.schema):
        return False
    return set(table.c.keys()) <= {each["name"] for each in inspector.get_columns(table.name, schema=table.schema)}
