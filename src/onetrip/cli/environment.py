"""What a project's `env.py` calls: finds the tables that the code declares, and hands over to `migrations`."""

from pathlib import Path

from alembic import context

from onetrip.cli.configuration import choose_database, choose_target, read_settings
from onetrip.cli.migrating import open_project
from onetrip.migrations.environment import migrate
from onetrip.migrations.project import ATTRIBUTE


def run() -> None:
    """Run Alembic's command: `from onetrip.cli.environment import run; run()`.

    The target and its database are those of the environment and of `pyproject.toml`, as for `onetrip db`.
    """
    project = context.config.attributes.get(ATTRIBUTE)
    if project is None:
        settings = read_settings()
        _, target = choose_target(None, settings)
        folder = Path(context.config.config_file_name or "alembic.ini").parent
        project = open_project(target, choose_database(None, target, settings), folder)
    migrate(project)
