"""The project that a `db` command is about: its tables are imported, its folder is found. Nothing is connected to."""

import os
from pathlib import Path

from sqlmodel import SQLModel

from onetrip.app import DATABASE_VARIABLE
from onetrip.cli.load import load
from onetrip.cli.managed import project_in
from onetrip.cli.target import DatabaseTarget, Target
from onetrip.errors import ConfigurationError
from onetrip.migrations.naming import name_constraints
from onetrip.migrations.project import Project


def open_project(target: Target, database: str | None, folder: Path) -> Project:
    """Import a target's tables. Raises `ConfigurationError` for whatever has no migrations."""
    if isinstance(target, DatabaseTarget):
        raise ConfigurationError("Migrations are of tables in code: name a file of tables, an API or an application.")
    if database is not None:
        os.environ[DATABASE_VARIABLE] = database
    name_constraints(SQLModel.metadata)
    apis = load(target, lambda stage, done, total: None).apis
    if not apis:
        raise ConfigurationError("The application has no API, so there are no tables: name the file of the API.")
    urls = {api.database.url for api in apis}
    if len(urls) > 1:
        raise ConfigurationError(
            f"The target has APIs of {len(urls)} databases: name one of them, as in 'shop/main.py:api'."
        )
    return project_in(folder, apis)
