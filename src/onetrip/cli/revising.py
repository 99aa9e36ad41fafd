"""`onetrip db`: the commands about revisions themselves. They write files, or say which revisions there are."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
import typer
from alembic import command
from alembic.script import Script
from alembic.util import CommandError

from onetrip.cli.places import path_shown, url_shown
from onetrip.errors import ConfigurationError
from onetrip.migrations.baseline import left_out, reflected
from onetrip.migrations.connection import connected
from onetrip.migrations.environment import CONNECTION
from onetrip.migrations.generate.choices import CHOICES, Ask, parse_choices
from onetrip.migrations.generate.directives import WRITTEN
from onetrip.migrations.history import History, current, irreversible, read_history
from onetrip.migrations.project import Project
from onetrip.migrations.template import initialize


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """What a new revision may do, as it was written on the command line."""

    message: str
    rename: tuple[str, ...] = ()
    rename_table: tuple[str, ...] = ()
    fill: tuple[str, ...] = ()
    allow_drop: bool = False
    empty: bool = False
    yes: bool = False


@contextmanager
def said() -> Iterator[None]:
    """Turn what Alembic says into our error."""
    try:
        yield
    except CommandError as error:
        raise ConfigurationError(f"{str(error).rstrip('.')}.") from error


def init(folder: Path) -> None:
    """Write the files of a project with migrations, and say what comes next."""
    for path in initialize(folder):
        typer.echo(f"{path_shown(path)}: created")
    typer.echo("Next: 'onetrip db new -m \"create tables\"', or 'onetrip db baseline' for a database that has them.")


def new(project: Project, options: New) -> None:
    """Write what differs between the database and the models as a revision, or an empty one."""
    choices = parse_choices(
        rename=options.rename, rename_table=options.rename_table, fill=options.fill, allow_drop=options.allow_drop,
        ask=_ask(options.yes),
    )  # fmt: skip
    config, known = project.config(), read_history(project.script())
    known.head()
    if options.empty:
        with said():
            written(command.revision(config, options.message))
        return
    with connected(project.url) as connection, said():
        _refuse_behind(connection, known, project)
        config.attributes[CONNECTION] = connection
        config.attributes[CHOICES] = choices
        scripts = command.revision(config, options.message, autogenerate=True)
        for path in config.attributes.get(WRITTEN, ()):
            typer.echo(f"{path_shown(path)}: created")
        written(scripts)


def _ask(yes: bool) -> Ask | None:
    """Answer how questions are asked: not at all where nobody sits."""
    if yes:
        return _agree
    if not sys.stdin.isatty():
        return None
    return lambda question: typer.confirm(question, err=True)


def _agree(question: str) -> bool:
    typer.echo(f"{question} yes")
    return True


def written(scripts: Script | list[Script | None] | None) -> None:
    """Say which files were written."""
    every = scripts if isinstance(scripts, list) else [scripts]
    for script in every:
        if script is not None:
            typer.echo(f"{path_shown(Path(script.path))}: created")
    if not any(every):
        typer.echo("The database is as the models say: there is nothing to write.")


def _refuse_behind(connection: sa.Connection, known: History, project: Project) -> None:
    """Raise `ConfigurationError` when there are revisions that a database does not have yet."""
    here = current(connection)
    known.refuse_unknown(here)
    if known.state(here) == "head":
        return
    place = f"at {' and '.join(here)}" if here else "without revisions"
    raise ConfigurationError(
        f"The database {url_shown(project.url)} is {place}, and the newest revision is {known.head()}: run "
        "'onetrip db up' first, or the new revision would repeat the others."
    )


def history(project: Project) -> None:
    """Say which revisions there are, the newest first."""
    known = read_history(project.script())
    for revision in known.revisions.values():
        notes = ["head"] if revision.revision in known.heads else []
        notes += ["merge"] if revision.is_merge_point else []
        notes += ["cannot be taken back"] if irreversible(revision) else []
        note = f" ({', '.join(notes)})" if notes else ""
        typer.echo(f"{revision.revision}{note}  {revision.doc}")
    if not known.revisions:
        typer.echo("There are no revisions: write the first with 'onetrip db new -m MESSAGE'.")


def heads(project: Project) -> None:
    """Say where the history ends."""
    known = read_history(project.script())
    for head in known.heads:
        typer.echo(f"{head}  {known.revisions[head].doc}")


def merge(project: Project, message: str) -> None:
    """Write a revision that brings all heads together."""
    every = read_history(project.script()).heads
    if len(every) < 2:
        raise ConfigurationError("The history has one head: there is nothing to merge.")
    with said():
        written(command.merge(project.config(), every, message=message))


def stamp(project: Project, revision: str) -> None:
    """Say in the database that it is at a revision, and change nothing else."""
    config = project.config()
    with connected(project.url) as connection, said():
        config.attributes[CONNECTION] = connection
        command.stamp(config, revision)
        here = current(connection)
    place = f"at {' and '.join(here)}" if here else "without revisions"
    typer.echo(f"{url_shown(project.url)}: {place} now")


def baseline(project: Project, message: str) -> None:
    """Write a first revision that creates what is in the database, and say there that it ran."""
    if read_history(project.script()).heads:
        raise ConfigurationError("There are revisions already: a baseline is the first one.")
    config = project.config()
    with connected(project.url) as connection, said():
        if current(connection):
            raise ConfigurationError(
                f"The database {url_shown(project.url)} has revisions of somebody's already: to follow those of this "
                "project instead, drop its table 'alembic_version'."
            )
        config.attributes[CONNECTION] = connection
        script = command.revision(config, message, autogenerate=True, process_revision_directives=reflected)
        written(script)
        command.stamp(config, "head")
        left = left_out(connection)
    more = f" Not in the revision: {', '.join(left)}." if left else ""
    typer.echo(f"{url_shown(project.url)}: stamped, and otherwise as it was.{more}")


def sql(project: Project, start: str | None, end: str) -> None:
    """Print the SQL of revisions, without a database."""
    config = project.config(output=sys.stdout)
    read_history(project.script()).head()
    with said():
        command.upgrade(config, f"{start}:{end}" if start else end, sql=True)
