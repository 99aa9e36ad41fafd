"""What a project's `env.py` calls: finds the tables that the code declares, and hands over to `migrations`."""

import logging
from pathlib import Path

from alembic import context
from alembic.util import CommandError

from onetrip.cli.configuration import choose_database, choose_target, read_settings
from onetrip.cli.migrating import open_project
from onetrip.errors import ConfigurationError
from onetrip.migrations.environment import migrate
from onetrip.migrations.project import ATTRIBUTE


def run() -> None:
    """Run Alembic's command: `from onetrip.cli.environment import run; run()`.

    The target and its database are those of the environment and of `pyproject.toml`, as for `onetrip db`. Alembic says
    its own errors without a traceback (`CommandError`), and so it does ours.
    """
    project = context.config.attributes.get(ATTRIBUTE)
    if project is not None:
        migrate(project)
        return
    _log_revisions()
    try:
        settings = read_settings()
        _, target = choose_target(None, settings)
        folder = Path(context.config.config_file_name or "alembic.ini").parent
        migrate(open_project(target, choose_database(None, target, settings), folder))
    except ConfigurationError as error:
        raise CommandError(str(error)) from error


def _log_revisions() -> None:
    """Let Alembic say which revisions it runs, and nothing else that is no warning."""
    logging.basicConfig(format="%(message)s")
    logging.getLogger("alembic.util.messaging").setLevel(logging.CRITICAL)  # what it prints as well
    logger = logging.getLogger("alembic.runtime.migration")
    logger.setLevel(logging.INFO)
    logger.addFilter(lambda record: record.levelno > logging.INFO or str(record.msg).startswith("Running"))
