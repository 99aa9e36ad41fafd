"""What a project's `env.py` runs, whoever called it: Alembic's own commands, and ours.

How a migration context is configured stands here and nowhere else.
"""

from collections.abc import Mapping
from functools import cache, partial
from typing import Any

import sqlalchemy as sa
from alembic import context
from alembic.runtime.environment import EnvironmentContext

from onetrip.migrations.compare.owned import created
from onetrip.migrations.compare.plugin import options as compared
from onetrip.migrations.compare.plugin import without_reflection_warnings
from onetrip.migrations.connection import connected
from onetrip.migrations.generate.directives import process
from onetrip.migrations.project import Project
from onetrip.migrations.rendering import render_item
from onetrip.migrations.run import apply

CONNECTION = "connection"
"""Where an open connection stands in the `attributes` of a `Config`, for commands that hold one."""


def options(project: Project, dialect: str) -> Mapping[str, Any]:
    """Say how tables are compared and how revisions are written, of a database of a dialect."""
    return {
        "target_metadata": list(project.metadata),
        "render_as_batch": dialect == "sqlite",
        "transaction_per_migration": True,
        "render_item": render_item,
        **compared(project.metadata, cache(partial(created, project)), project.searches),
        "process_revision_directives": lambda context, _, directives: process(project, context, directives),
    }


def migrate(project: Project) -> None:
    """Run what a command asks for: called by `env.py`, within Alembic's context."""
    environment: EnvironmentContext = context._proxy  # type: ignore[attr-defined]
    if environment.is_offline_mode():
        _write(environment, project)
        return
    given: sa.Connection | None = environment.config.attributes.get(CONNECTION)
    if given is not None:
        _run(environment, project, given)
        return
    with connected(project.url) as connection:
        _run(environment, project, connection)


def _write(environment: EnvironmentContext, project: Project) -> None:
    """Write SQL instead of running it."""
    dialect = project.url.get_backend_name()
    environment.configure(
        dialect_name=dialect, literal_binds=True, dialect_opts={"paramstyle": "named"}, **options(project, dialect)
    )
    with environment.begin_transaction():
        environment.run_migrations()


def _run(environment: EnvironmentContext, project: Project, connection: sa.Connection) -> None:
    with without_reflection_warnings():
        apply(environment, project, connection, options(project, connection.dialect.name))
