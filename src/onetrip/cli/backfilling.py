"""`onetrip db data`: the commands of data migrations."""

from typing import Annotated

import typer

from onetrip.cli.applying import parse_seconds
from onetrip.cli.database import DatabaseOption, DebugOption, JsonOption, MessageOption, TargetArgument, project_of

data = typer.Typer(no_args_is_help=True, help="Change rows in batches, beside the revisions of the schema.")

_NEW = """\
Write a file in alembic/data/ that says which rows are changed, and how. You complete it.

It comes after all other data migrations, and after the newest revision of the schema.
"""


@data.command(help=_NEW)
def new(
    message: MessageOption,
    target: TargetArgument = None,
    database: DatabaseOption = None,
    debug: DebugOption = False,
) -> None:
    """Write a file in alembic/data/ that says which rows are changed, and how."""
    with project_of(target, database, debug) as project:
        from onetrip.cli import batches

        batches.new(project, message)


_RUN = """\
Run the data migrations that are not finished, batch by batch: each in a transaction of its own.

Whoever runs it again goes on where it stopped, also after it was killed. Of several that run at once, one works. A
batch has as many rows as are done within a time that keeps others from waiting.
"""


def run(
    target: TargetArgument = None,
    pause: Annotated[
        float, typer.Option(metavar="TIME", parser=parse_seconds, help="How long to wait after each batch.")
    ] = "50ms",  # type: ignore[assignment]
    batch_time: Annotated[
        float,
        typer.Option(metavar="TIME", parser=parse_seconds, help="How long a batch is to take; it has as many rows."),
    ] = "200ms",  # type: ignore[assignment]
    lock_wait: Annotated[
        float, typer.Option(metavar="TIME", parser=parse_seconds, help="How long to wait for another that runs them.")
    ] = "60s",  # type: ignore[assignment]
    lock_timeout: Annotated[
        float,
        typer.Option(
            metavar="TIME", parser=parse_seconds,
            help="PostgreSQL: how long a batch waits for a lock before it tries again.",
        ),
    ] = "2s",  # type: ignore[assignment]
    retries: Annotated[
        int, typer.Option(metavar="N", min=0, max=100, help="How often a batch that met a lock is tried again.")
    ] = 10,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Try the next batch, take it back, and say what it did.")
    ] = False,
    database: DatabaseOption = None,
    debug: DebugOption = False,
) -> None:  # fmt: skip
    """Run the data migrations that are not finished, batch by batch."""
    with project_of(target, database, debug) as project:
        from onetrip.cli import batches
        from onetrip.migrations.data.run import Options

        batches.run_project(project, Options(
            pause=pause, target=batch_time, lock_wait=lock_wait, lock_timeout=lock_timeout, retries=retries,
            dry_run=dry_run,
        ))  # fmt: skip


data.command("run", help=_RUN)(run)
data.command("resume", help="Go on where 'run' stopped: the same as 'run'.")(run)


@data.command()
def status(
    target: TargetArgument = None,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
    debug: DebugOption = False,
) -> None:
    """Say how far each data migration is. The exit code is 0 when all are finished, and 1 otherwise."""
    with project_of(target, database, debug) as project:
        from onetrip.cli import batches

        code = batches.say_status(project, as_json=as_json)
    raise typer.Exit(code)
