"""`onetrip db`: the commands about a database and its migrations, from words to functions.

Alembic costs time, so what needs it is imported when its command runs.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onetrip.cli.configuration import choose_database, choose_target, read_settings
from onetrip.cli.install import Options as InstallOptions
from onetrip.cli.install import install as install_target
from onetrip.cli.managed import folder_of
from onetrip.cli.report import one_sentence

if TYPE_CHECKING:
    from onetrip.migrations.project import Project

DEBUG_VARIABLE = "ONETRIP_DEBUG"
"""The environment variable that shows tracebacks."""

TargetArgument = Annotated[
    str | None, typer.Argument(metavar="TARGET", show_default=False, help="As for 'onetrip serve'.")
]
DatabaseOption = Annotated[str | None, typer.Option(metavar="URL", show_default=False, help="As for 'onetrip serve'.")]
DebugOption = Annotated[bool, typer.Option("--debug", help=f"Show tracebacks, as {DEBUG_VARIABLE}=1 does.")]
JsonOption = Annotated[bool, typer.Option("--json", help="For programs.")]
MessageOption = Annotated[
    str, typer.Option("-m", "--message", metavar="MESSAGE", show_default=False, help="What it is for, in a few words.")
]

db = typer.Typer(no_args_is_help=True, help="Migrations of a database, and what it needs beside your own tables.")


def shows_tracebacks(option: bool) -> bool:
    """Say whether tracebacks are wanted: by an option, or by the environment."""
    return option or os.environ.get(DEBUG_VARIABLE, "0") not in ("", "0")


@contextmanager
def project_of(target: str | None, database: str | None, debug: bool) -> "Iterator[Project]":
    """Open the project of a target, or of the current folder; what goes wrong in it is one sentence."""
    with one_sentence(shows_tracebacks(debug)):
        from onetrip.cli.migrating import open_project

        settings = read_settings()
        _, found = choose_target(target, settings)
        yield open_project(found, choose_database(database, found, settings), folder_of(found))


_INSTALL = """\
Create onetrip's own tables (onetrip_*) in a database that exists, and nothing else.

They keep histories, and the answers to requests with an Idempotency-Key. What is there already stays as it is. Where
migrations make your tables, they make these as well.
"""


@db.command(help=_INSTALL)
def install(target: TargetArgument = None, database: DatabaseOption = None, debug: DebugOption = False) -> None:
    """Create onetrip's own tables in a database that exists, and nothing else."""
    with one_sentence(shows_tracebacks(debug)):
        settings = read_settings()
        _, found = choose_target(target, settings)
        install_target(InstallOptions(target=found, database=choose_database(database, found, settings)))


_INIT = """\
Begin migrations in this folder: write alembic.ini and alembic/.

There is nothing to edit in them. Alembic's own commands work as well, with 'app' under \\[tool.onetrip] in
pyproject.toml.
"""


@db.command(help=_INIT)
def init(debug: DebugOption = False) -> None:
    """Begin migrations in this folder: write alembic.ini and alembic/."""
    with one_sentence(shows_tracebacks(debug)):
        from onetrip.cli import revising

        revising.init(Path.cwd())


_NEW = """\
Write a revision: what the models have and the database has not, and the other way round.

What looks like a rename is asked about, or said: as a drop it would lose rows. Nothing is dropped unasked. On
PostgreSQL it comes out in the forms that stop nobody; what takes long is a second revision.
"""


@db.command(help=_NEW)
def new(
    message: MessageOption,
    target: TargetArgument = None,
    rename: Annotated[
        list[str] | None,
        typer.Option(metavar="TABLE.OLD:NEW", show_default=False, help="A column has another name. Can be repeated."),
    ] = None,
    rename_table: Annotated[
        list[str] | None,
        typer.Option(metavar="OLD:NEW", show_default=False, help="A table has another name. Can be repeated."),
    ] = None,
    fill: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TABLE.COLUMN=VALUE", show_default=False,
            help="What rows that exist get in a column that must not be NULL. Can be repeated.",
        ),
    ] = None,
    allow_drop: Annotated[
        bool, typer.Option("--allow-drop", help="Drop tables and columns that the models do not have.")
    ] = False,
    empty: Annotated[bool, typer.Option("--empty", help="Compare nothing; you write it yourself.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Take what looks like a rename for one, without asking.")] = False,
    database: DatabaseOption = None,
    debug: DebugOption = False,
) -> None:  # fmt: skip
    """Write a revision: what the models have and the database has not, and the other way round."""
    with project_of(target, database, debug) as project:
        from onetrip.cli import revising

        options = revising.New(
            message=message, rename=tuple(rename or ()), rename_table=tuple(rename_table or ()),
            fill=tuple(fill or ()), allow_drop=allow_drop, empty=empty, yes=yes,
        )  # fmt: skip
        revising.new(project, options)


@db.command()
def history(target: TargetArgument = None, database: DatabaseOption = None, debug: DebugOption = False) -> None:
    """Say which revisions there are, the newest first."""
    with project_of(target, database, debug) as project:
        from onetrip.cli import revising

        revising.history(project)


@db.command()
def heads(target: TargetArgument = None, database: DatabaseOption = None, debug: DebugOption = False) -> None:
    """Say where the history ends: in one revision, unless two people wrote one at the same time."""
    with project_of(target, database, debug) as project:
        from onetrip.cli import revising

        revising.heads(project)


@db.command()
def merge(
    target: TargetArgument = None,
    message: MessageOption = "merge",
    database: DatabaseOption = None,
    debug: DebugOption = False,
) -> None:
    """Write a revision that follows several heads, so that there is one again."""
    with project_of(target, database, debug) as project:
        from onetrip.cli import revising

        revising.merge(project, message)


@db.command()
def stamp(
    revision: Annotated[str, typer.Argument(metavar="REVISION", show_default=False, help="head, base, or a number.")],
    target: TargetArgument = None,
    database: DatabaseOption = None,
    debug: DebugOption = False,
) -> None:
    """Say in a database that it is at a revision, and run nothing."""
    with project_of(target, database, debug) as project:
        from onetrip.cli import revising

        revising.stamp(project, revision)


_BASELINE = """\
Adopt a database that exists: write a first revision that creates what is in it, and say there that it ran.

Nothing else changes in the database. What the models have and it has not is the next revision.
"""


@db.command(help=_BASELINE)
def baseline(
    target: TargetArgument = None,
    message: MessageOption = "baseline",
    database: DatabaseOption = None,
    debug: DebugOption = False,
) -> None:
    """Adopt a database that exists: write a first revision that creates what is in it."""
    with project_of(target, database, debug) as project:
        from onetrip.cli import revising

        revising.baseline(project, message)


@db.command()
def sql(
    target: TargetArgument = None,
    start: Annotated[
        str | None, typer.Option("--from", metavar="REVISION", show_default=False, help="Left out: the beginning.")
    ] = None,
    end: Annotated[str, typer.Option("--to", metavar="REVISION", help="The last one.")] = "head",
    database: DatabaseOption = None,
    debug: DebugOption = False,
) -> None:
    """Print the SQL of revisions, for somebody else to run. No database is asked."""
    with project_of(target, database, debug) as project:
        from onetrip.cli import revising

        revising.sql(project, start, end)


_DOWN = """\
Undo the last revision, or all after another.

What a revision dropped does not come back, so one that dropped something is not undone. In production
(ONETRIP_ENVIRONMENT=production) nothing is undone without --yes.
"""


@db.command(help=_DOWN)
def down(
    target: TargetArgument = None,
    end: Annotated[
        str, typer.Option("--to", metavar="REVISION", help="The one that is not undone; base is none at all.")
    ] = "-1",
    yes: Annotated[bool, typer.Option("--yes", help="Also in production.")] = False,
    database: DatabaseOption = None,
    debug: DebugOption = False,
) -> None:
    """Undo the last revision, or all after another."""
    with project_of(target, database, debug) as project:
        from onetrip.cli import undoing

        undoing.down(project, end, yes=yes)


class Format(StrEnum):
    """How findings are written."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"


_LINT = """\
Judge revisions before they run: what would lock out readers and writers, lose rows, or break the application that runs.

Those that the database does not have, with its sizes: below 10,000 rows nothing takes long. Without a database, all.
The exit code is 1 when something is an error.
"""


@db.command(help=_LINT)
def lint(
    target: TargetArgument = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="REF", show_default=False, help="Those added or changed since a commit or branch of git."),
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How findings are written.")] = Format.TEXT,
    database: DatabaseOption = None,
    debug: DebugOption = False,
) -> None:
    """Judge revisions before they run."""
    with project_of(target, database, debug) as project:
        from onetrip.cli import linting

        code = linting.lint_project(project, linting.Options(since=since, format=form.value))
    raise typer.Exit(code)


_PLAN = """\
Say what 'onetrip db up' would do: each statement, its locks, whether a table is read or written anew, and its rows.

The exit code is 0 when nothing is pending, 1 when something is, 2 when something of it is unsafe.
"""


@db.command(help=_PLAN)
def plan(
    target: TargetArgument = None,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
    debug: DebugOption = False,
) -> None:
    """Say what 'onetrip db up' would do."""
    with project_of(target, database, debug) as project:
        from onetrip.cli import planning

        code = planning.plan_project(project, planning.Options(json=as_json))
    raise typer.Exit(code)
