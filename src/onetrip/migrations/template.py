"""The files of a project with migrations, as `onetrip db init` writes them: Alembic's own, without what we answer."""

from pathlib import Path

from onetrip.errors import ConfigurationError
from onetrip.migrations.project import INI

SCRIPTS = "alembic"
"""The folder of Alembic's files."""

_INI = """\
# Settings of Alembic: https://alembic.sqlalchemy.org/en/latest/tutorial.html
# Which database and which tables is said where 'onetrip serve' reads it too: see alembic/env.py.

[alembic]
script_location = %(here)s/alembic
path_separator = os
timezone = UTC
file_template = %%(year)d%%(month).2d%%(day).2d_%%(hour).2d%%(minute).2d_%%(rev)s_%%(slug)s
"""

_ENV = '''\
"""Run by each of Alembic's commands. Tables and database are those of ONETRIP_APP, or of pyproject.toml."""

from onetrip.cli.environment import run

run()
'''

_SCRIPT = '''\
<%!
from onetrip.migrations.layout import escaped, imported, lay_out, quoted
%>\\
"""${escaped(message)}

Revision ID: ${up_revision}
Revises: ${", ".join(down_revision) if isinstance(down_revision, tuple) else down_revision or "nothing"}
Create Date: ${create_date}
% if up_revision in context.get("notes", {}):

${escaped(context.get("notes", {})[up_revision])}
% endif
"""

${imported(upgrades, downgrades)}

revision = ${quoted(up_revision)}
down_revision = ${quoted(down_revision)}
branch_labels = ${quoted(branch_labels)}
depends_on = ${quoted(depends_on)}

# What 'downgrade' would not bring back, if there is anything: 'onetrip db down' refuses it then.
irreversible = ${quoted(context.get("irreversible", {}).get(up_revision))}
% if up_revision in context.get("needs_data", {}):

# The data migrations that have to be finished before: 'onetrip db data run'.
needs_data = ${quoted(context.get("needs_data", {})[up_revision])}
% endif


def upgrade() -> None:
    """Change the schema."""
${lay_out(upgrades)}


def downgrade() -> None:
    """Change it back."""
${lay_out(downgrades)}
'''


def initialize(folder: Path) -> list[Path]:
    """Write the files, and name them. Raises `ConfigurationError` when one is there, or cannot be written."""
    scripts = folder / SCRIPTS
    files = {folder / INI: _INI, scripts / "env.py": _ENV, scripts / "script.py.mako": _SCRIPT}
    for path in (folder / INI, scripts):
        if path.exists():
            raise ConfigurationError(
                f"There is '{path.name}' already, and it stays as it is. To begin anew, move it away; to go on with "
                "it, let its env.py call 'onetrip.cli.environment.run'."
            )
    try:
        (scripts / "versions").mkdir(parents=True)
        (scripts / "versions" / ".gitkeep").touch()
        for path, text in files.items():
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"The files of the migrations cannot be written: {error.strerror}.") from error
    return [*files, scripts / "versions"]
