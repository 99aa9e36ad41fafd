"""The commands and their options: words to `Options`, errors to one sentence."""

import sys
import warnings
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from onetrip.cli.applying import db
from onetrip.cli.backfilling import data
from onetrip.cli.configuration import choose_database, choose_target, names_target, read_settings
from onetrip.cli.database import DatabaseOption, DebugOption, TargetArgument, shows_tracebacks
from onetrip.cli.developing import developing
from onetrip.cli.export import Options as ExportOptions
from onetrip.cli.export import export as export_rows
from onetrip.cli.load_rows import Options as LoadOptions
from onetrip.cli.load_rows import load_rows
from onetrip.cli.offering import offered
from onetrip.cli.purge import Options as PurgeOptions
from onetrip.cli.purge import parse_age
from onetrip.cli.purge import purge as purge_target
from onetrip.cli.report import fail, one_sentence
from onetrip.cli.rows import FormName, form_of
from onetrip.cli.serve import Options
from onetrip.cli.serve import serve as serve_target
from onetrip.db.bulk import CHUNK
from onetrip.version import __version__

app = typer.Typer(
    add_completion=False,
    rich_markup_mode="rich",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def run() -> None:
    """Run the command line and exit: 0 also when Ctrl-C stopped a server, 2 for a wrong option, 1 for all else."""
    warnings.formatwarning = lambda message, *_, **__: f"Warning: {message}\n"
    try:
        code = app(prog_name="onetrip", standalone_mode=False)
    except TyperException as error:
        message, context = error.format_message(), getattr(error, "ctx", None)
        if not message:  # there was no command, and the help has been printed
            sys.exit(error.exit_code)
        called = "onetrip serve" if context is None or context.parent is None else context.command_path
        fail(f"{message}{'' if message[-1] in '.?!' else '.'} See '{called} --help'.", 2)
    except (KeyboardInterrupt, typer.Abort):
        code = 130
    sys.exit(code if isinstance(code, int) else 0)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"onetrip {__version__}")
        raise typer.Exit


@app.callback()
def onetrip(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Serve tables as a REST API in which every request is one SQL statement."""


_SERVE = """\
Serve a file of tables, an application, or a database.

[bold]TARGET[/bold] is one of

  [cyan]models.py[/cyan]  [cyan]shop/[/cyan]  [cyan]shop.models[/cyan]   the application or API in it, else its tables
  [cyan]shop.main:app[/cyan]  [cyan]main.py:api[/cyan]      an ASGI application or an API
  [cyan]sqlite:///chinook.sqlite[/cyan]        the tables of a database that exists
  [cyan]postgresql://user@host/name[/cyan]

An empty database gets the tables of the code, by its migrations if it has some, and the rows of a package's seed.py.
Any other is left as it is; at a terminal, and not in production, a migration that is missing is offered.
"""

_EXAMPLES = """\
[bold]Examples[/bold]

  onetrip serve models.py
  onetrip serve shop --database postgresql://localhost/shop --reload
  onetrip serve shop.main:app --host 0.0.0.0 --port 80
  onetrip serve sqlite:///chinook.sqlite
"""


@app.command(help=_SERVE, epilog=_EXAMPLES)
def serve(
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="TARGET", show_default=False,
            help="What to serve. Left out: ONETRIP_APP, then 'app' under \\[tool.onetrip] in pyproject.toml.",
        ),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(
            metavar="URL", show_default=False,
            help="The database, before ONETRIP_DATABASE_URL, pyproject.toml and the code. "
            "For tables without one: NAME.db.",
        ),
    ] = None,
    host: Annotated[str, typer.Option(metavar="HOST", help="The address to listen on; 0.0.0.0 is all.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="PORT", min=0, max=65535, help="The port; 0 is any that is free.")
    ] = 8000,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Serve nothing that changes rows: of tables and of a database.")
    ] = False,
    reload: Annotated[bool, typer.Option("--reload", help="Start again when a Python file changes.")] = False,
    migrate: Annotated[
        bool, typer.Option("--migrate", help="Create and apply the migration that is missing, without asking.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print no line for each request.")] = False,
    debug: DebugOption = False,
) -> None:  # fmt: skip
    """Serve a file of tables, an application, or a database."""
    debug = shows_tracebacks(debug)
    with one_sentence(debug):
        settings = read_settings()
        called, found = choose_target(target, settings)
        options = Options(
            called=called, target=found, database=choose_database(database, found, settings), host=host, port=port,
            read_only=read_only, reload=reload, quiet=quiet, debug=debug, offer=offered(migrate),
        )  # fmt: skip
        serve_target(options)


_PURGE = """\
Delete for good what was deleted, and stayed in its table, long enough ago.

That are rows of tables that are a SoftDelete. What other rows refer to stays; rows that the tables themselves delete
with it (ON DELETE CASCADE, links between many and many) go with it. Says what that is and asks.
"""


@app.command(help=_PURGE)
def purge(
    target: TargetArgument = None,
    older_than: Annotated[
        timedelta,
        typer.Option(
            metavar="AGE", parser=parse_age, show_default=False, help="How long ago, as in 90m, 12h, 30d, 8w."
        ),
    ] = ...,  # type: ignore[assignment]
    database: DatabaseOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    debug: DebugOption = False,
) -> None:
    """Delete for good what was deleted, and stayed in its table, long enough ago."""
    with one_sentence(shows_tracebacks(debug)):
        settings = read_settings()
        called, found = choose_target(target, settings)
        chosen = choose_database(database, found, settings)
        purge_target(PurgeOptions(called=called, target=found, database=chosen, age=older_than, yes=yes))


NamedTarget = Annotated[str, typer.Argument(metavar="TARGET", show_default=False, help="As for 'onetrip serve'.")]
ResourceArgument = Annotated[str, typer.Argument(metavar="RESOURCE", show_default=False, help="Its path, as in posts.")]

_EXPORT = """\
Write all rows of a resource, or those that filters choose, as NDJSON or CSV.

They are those of 'GET /RESOURCE', read from the database as they are written: hidden columns are not among them.
"""


@app.command(help=_EXPORT)
def export(
    target: NamedTarget,
    resource: ResourceArgument,
    form: Annotated[
        FormName | None,
        typer.Option("--format", show_default=False, help="Left out: what the name of the file says, else ndjson."),
    ] = None,
    output: Annotated[
        str | None, typer.Option(metavar="FILE", show_default=False, help="Left out: standard output.")
    ] = None,
    filters: Annotated[
        list[str] | None,
        typer.Option(
            "--filter", metavar="NAME=VALUE", show_default=False,
            help="A parameter of the URL, as in views__gte=10, sort=-id or fields=id,title. Can be repeated.",
        ),
    ] = None,
    database: DatabaseOption = None,
    debug: DebugOption = False,
) -> None:  # fmt: skip
    """Write all rows of a resource, or those that filters choose, as NDJSON or CSV."""
    with one_sentence(shows_tracebacks(debug)):
        settings = read_settings()
        _, found = choose_target(target, settings)
        chosen = choose_database(database, found, settings)
        known = form_of(output or "", form.value if form else None if output and Path(output).suffix else "ndjson")
        export_rows(ExportOptions(
            target=found, database=chosen, resource=resource, form=known, output=output, parameters=filters or (),
        ))  # fmt: skip


_LOAD = """\
Load the rows of a file, NDJSON or CSV, into the table of a resource.

Each row is checked as POST would, and may also have what a row shows and nobody sends, as its number. Bad rows are told
by their lines, and good ones stay; then the exit code is 1. Hooks are not called.
"""


@app.command("load", help=_LOAD)
def load_file(
    target: NamedTarget,
    resource: ResourceArgument,
    file: Annotated[str, typer.Argument(metavar="FILE", show_default=False, help="- is standard input.")],
    form: Annotated[
        FormName | None, typer.Option("--format", show_default=False, help="Left out: what the name of the file says.")
    ] = None,
    atomic: Annotated[bool, typer.Option("--atomic", help="Load all rows or none, in one transaction.")] = False,
    batch: Annotated[int, typer.Option(metavar="N", min=1, max=100_000, help="Rows that are stored together.")] = CHUNK,
    on_conflict: Annotated[
        str | None,
        typer.Option(metavar="COLUMNS", show_default=False, help="Change the row that has the same unique key."),
    ] = None,
    update: Annotated[
        str | None,
        typer.Option(metavar="COLUMNS", show_default=False, help="What changes then; all if left out, '' for nothing."),
    ] = None,
    without_hooks: Annotated[
        bool, typer.Option("--without-hooks", help="Load also where code of yours belongs to a new row.")
    ] = False,
    database: DatabaseOption = None,
    debug: DebugOption = False,
) -> None:
    """Load the rows of a file, NDJSON or CSV, into the table of a resource."""
    with one_sentence(shows_tracebacks(debug)):
        settings = read_settings()
        _, found = choose_target(target, settings)
        options = LoadOptions(
            target=found, database=choose_database(database, found, settings), resource=resource, file=file,
            form=form_of(file, form.value if form else None), atomic=atomic, batch=batch, on_conflict=on_conflict,
            update=update, without_hooks=without_hooks,
        )  # fmt: skip
        code = load_rows(options)
    if code:
        raise typer.Exit(code)


@app.command()
def settings(target: TargetArgument = None, database: DatabaseOption = None, debug: DebugOption = False) -> None:
    """Print the settings of an application, without secrets, and where each comes from."""
    with one_sentence(shows_tracebacks(debug)):
        from onetrip.cli import settings as shown  # pydantic-settings, which costs time to import

        said = read_settings()
        found = choose_target(target, said)[1] if names_target(target, said) else None
        chosen = None if found is None else choose_database(database, found, said)
        unread = database or (chosen if chosen == said.database else None)  # the rest is read as settings
        code = shown.show(found, unread)
    raise typer.Exit(code)


app.add_typer(developing)
db.add_typer(data, name="data")
app.add_typer(db, name="db")
