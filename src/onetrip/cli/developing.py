"""`onetrip new`, `add` and `doctor`: the commands for those who write an application, from words to functions."""

from enum import StrEnum
from typing import Annotated

import typer

from onetrip.cli.configuration import choose_database, choose_target, read_settings
from onetrip.cli.database import DatabaseOption, DebugOption, JsonOption, TargetArgument, shows_tracebacks
from onetrip.cli.report import one_sentence

developing = typer.Typer()


class DatabaseName(StrEnum):
    """The database that a new project begins with."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


_NEW = """\
Begin a project: an application with a table, migrations, tests, and files for containers.

Its tests pass and it runs: by 'onetrip serve', 'fastapi dev' and 'uvicorn app.main:app'.
The README in it says what each file is for.
"""


@developing.command(help=_NEW)
def new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", show_default=False, help="Its folder, and what it is called: my-shop.")
    ],
    database: Annotated[
        DatabaseName, typer.Option(help="The kind of database that it is for, with its migrations and tests.")
    ] = DatabaseName.SQLITE,
    minimal: Annotated[bool, typer.Option("--minimal", help="One file, NAME.py, and nothing else.")] = False,
    debug: DebugOption = False,
) -> None:
    """Begin a project."""
    with one_sentence(shows_tracebacks(debug)):
        from onetrip.cli import scaffolding

        scaffolding.new(name, database.value, minimal=minimal)


_ADD = """\
Write a table: its class, its place in the API, the revision that creates it, and a test.

Each [bold]FIELD[/bold] is name:type, then ? if it may be null, then what it is, then =default:

  title:str   views:int=0   bio:text?   email:str:unique   on:date:index
  author:User         a reference to a table, and the relations of both
  author_id:user.id   the column alone

Types: str, text, int, float, bool, date, datetime, uuid, decimal, json.
"""


@developing.command(help=_ADD)
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False, help="The class, as in BlogPost.")],
    fields: Annotated[list[str], typer.Argument(metavar="FIELD…", show_default=False, help="Its columns.")],
    models: Annotated[
        str | None,
        typer.Option(metavar="FILE", show_default=False, help="Where it goes. Left out: the file that has tables."),
    ] = None,
    debug: DebugOption = False,
) -> None:
    """Write a table: its class, its place in the API, the revision that creates it, and a test."""
    with one_sentence(shows_tracebacks(debug)):
        from onetrip.cli import scaffolding

        scaffolding.add(name, fields, models)


_DOCTOR = """\
Examine an application: its tables and the endpoints that are written by hand.

Foreign keys without an index, secrets that are shown, relations that cannot be loaded, sessions that starve the pool,
and more: each with its line and what to do. No database is asked. The exit code is 1 when something is an error.
"""


@developing.command(help=_DOCTOR)
def doctor(
    target: TargetArgument = None,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
    debug: DebugOption = False,
) -> None:
    """Examine an application: its tables and the endpoints that are written by hand."""
    with one_sentence(shows_tracebacks(debug)):
        from onetrip.cli import examining

        settings = read_settings()
        _, found = choose_target(target, settings)
        code = examining.doctor(found, choose_database(database, found, settings), as_json=as_json)
    raise typer.Exit(code)
