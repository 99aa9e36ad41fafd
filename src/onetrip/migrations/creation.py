"""Tables → a revision that creates them. No database is asked: what is created is known."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from alembic.script import Script

from onetrip.migrations.project import Project


def write_creation(project: Project, message: str, wanted: Callable[[sa.Table], bool] = lambda table: True) -> Script:
    """Write a revision, after the newest, that creates tables of the models with their indexes.

    It is for the kind of database that the project has.
    """

    def create(_: MigrationContext, __: Any, directives: list[ops.MigrationScript]) -> None:
        [script] = directives
        there, back = script.upgrade_ops_list[0], script.downgrade_ops_list[0]
        for table in (table for metadata in project.metadata for table in metadata.sorted_tables if wanted(table)):
            there.ops.append(ops.CreateTableOp.from_table(table))
            for index in sorted(table.indexes, key=lambda index: str(index.name)):
                there.ops.append(ops.CreateIndexOp.from_index(index))
        there.reverse_into(back)

    config = project.config()
    config.set_main_option("revision_environment", "true")  # so that `create` is called, and nothing is compared
    written = command.revision(config, message, sql=True, process_revision_directives=create)
    assert isinstance(written, Script)
    return written
