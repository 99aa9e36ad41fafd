"""Run by each of Alembic's commands. Tables and database are those of ONETRIP_APP, or of pyproject.toml."""

from onetrip.cli.environment import run

run()
