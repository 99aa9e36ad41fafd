"""A project with migrations: the tables that the code declares, their database, and the folder with the revisions.

What Alembic is asked goes through here: its `Config`, its `ScriptDirectory`.
"""

import io
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.engine import URL

from onetrip.errors import ConfigurationError
from onetrip.schema.model import Search

INI = "alembic.ini"
"""The file that makes a folder a project with migrations."""

ATTRIBUTE = "onetrip"
"""Where the `Project` stands in the `attributes` of a `Config` that `environment.migrate` is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What migrations are made of. `metadata` are those of the tables that are served, and of onetrip's own.

    `url` names no driver, as `db.url.parse_url` answers it. `searches` say which tables are searched.
    """

    folder: Path
    metadata: tuple[sa.MetaData, ...]
    url: URL
    searches: tuple[Search, ...] = ()

    @property
    def ini(self) -> Path:
        """The file of Alembic's settings."""
        return self.folder / INI

    def config(self, output: Any = None) -> Config:
        """Give Alembic its settings. Raises `ConfigurationError` where there are none."""
        if not self.ini.is_file():
            raise ConfigurationError(f"There are no migrations in '{self.folder}': make them with 'onetrip db init'.")
        config = Config(str(self.ini), output_buffer=output or io.StringIO(), stdout=io.StringIO())
        config.cmd_opts = Namespace(quiet=True)
        config.attributes[ATTRIBUTE] = self
        return config

    def script(self) -> ScriptDirectory:
        """Read the revisions. Raises `ConfigurationError` for what cannot be read."""
        try:
            return ScriptDirectory.from_config(self.config())
        except CommandError as error:
            raise ConfigurationError(f"The migrations cannot be read: {str(error).rstrip('.')}.") from error
