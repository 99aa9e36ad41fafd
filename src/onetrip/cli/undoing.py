"""`onetrip db down`: the way back, where there is one."""

from collections.abc import Sequence

import typer
from alembic import command
from alembic.script import Script, ScriptDirectory

from onetrip.cli.configuration import ENVIRONMENT_VARIABLE, PRODUCTION, environment
from onetrip.cli.places import url_shown
from onetrip.cli.revising import said
from onetrip.errors import ConfigurationError
from onetrip.migrations.connection import connected
from onetrip.migrations.environment import CONNECTION
from onetrip.migrations.history import current, read_history
from onetrip.migrations.project import Project


def down(project: Project, end: str, *, yes: bool) -> None:
    """Undo revisions, each in its own transaction. Raises `ConfigurationError` where that would lose something."""
    place = environment()
    if place in PRODUCTION and not yes:
        raise ConfigurationError(
            f"This is {place} ({ENVIRONMENT_VARIABLE}): nothing is undone here without --yes. A new revision that goes "
            "forward is safer."
        )
    config, script = project.config(), project.script()
    known = read_history(script)
    with connected(project.url) as connection, said():
        here = current(connection)
        known.refuse_unknown(here)
        steps = _undone(script, end, here)
        if not steps:
            typer.echo(f"{url_shown(project.url)}: there is nothing to undo")
            return
        config.attributes[CONNECTION] = connection
        command.downgrade(config, end)
    for each in steps:
        typer.echo(f"{each.revision}  {each.doc}: undone")


def _undone(script: ScriptDirectory, end: str, here: Sequence[str]) -> list[Script]:
    """Answer what a way back undoes, in its order."""
    if not here:
        return []
    steps = script._downgrade_revs(end, tuple(here))  # type: ignore[arg-type]  # it takes several as well
    return [script.get_revision(str(step.info.up_revision_id)) for step in steps]
