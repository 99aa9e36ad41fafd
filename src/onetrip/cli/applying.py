"""`onetrip db up`, `check` and `test`: the commands that run revisions, or look at where they led."""

import re
from typing import Annotated

import typer

from onetrip.cli.database import DatabaseOption, DebugOption, JsonOption, TargetArgument, db, project_of

__all__ = ["db", "parse_seconds"]

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}


def parse_seconds(text: str) -> float:
    """Read a span of time as seconds. Raises `typer.BadParameter`, which says how to write one.

    >>> parse_seconds("500ms"), parse_seconds("2"), parse_seconds("5m")
    (0.5, 2.0, 300.0)
    """
    found = re.fullmatch(r"([0-9]{1,6})(ms|s|m|)", text)
    if found is None:
        raise typer.BadParameter(f"'{text}' is no span of time: write it as 500ms, 2s or 5m.")
    return int(found[1]) * _UNITS[found[2] or "s"]


_UP = """\
Apply the revisions that are pending, each in a transaction of its own.

Of several that run at once, one works, and the others wait and find nothing to do. What fails is rolled back; run it
again, also after it was killed. On PostgreSQL, name the server itself and no pooler. On SQLite, a backup is made first.
"""


@db.command(help=_UP)
def up(
    target: TargetArgument = None,
    to: Annotated[str, typer.Option("--to", metavar="REVISION", help="The last one.")] = "head",
    lock_wait: Annotated[
        float, typer.Option(metavar="TIME", parser=parse_seconds, help="How long to wait for another that migrates.")
    ] = "60s",  # type: ignore[assignment]
    lock_timeout: Annotated[
        float,
        typer.Option(
            metavar="TIME", parser=parse_seconds,
            help="PostgreSQL: how long a statement waits for a lock, and everybody behind it, before it tries again.",
        ),
    ] = "2s",  # type: ignore[assignment]
    statement_timeout: Annotated[
        float | None,
        typer.Option(
            metavar="TIME", parser=parse_seconds, show_default=False,
            help="PostgreSQL: how long a statement may take. Left out: as the server says.",
        ),
    ] = None,
    retries: Annotated[
        int, typer.Option(metavar="N", min=0, max=100, help="How often a revision that met a lock is tried again.")
    ] = 10,
    backup: Annotated[bool, typer.Option("--backup/--no-backup", help="SQLite: copy the database first.")] = True,
    with_data: Annotated[
        bool, typer.Option("--with-data", help="Run the data migrations that revisions need, before each.")
    ] = False,
    keep_backup: Annotated[
        bool, typer.Option("--keep-backup/--drop-backup", help="SQLite: leave the copy when all went well.")
    ] = True,
    database: DatabaseOption = None,
    debug: DebugOption = False,
) -> None:  # fmt: skip
    """Apply the revisions that are pending, each in a transaction of its own."""
    with project_of(target, database, debug) as project:
        from onetrip.cli import upgrading
        from onetrip.migrations.run import Options

        upgrading.up_project(project, to, Options(
            lock_wait=lock_wait, lock_timeout=lock_timeout, statement_timeout=statement_timeout, retries=retries,
            backup=backup, keep=keep_backup,
        ), with_data=with_data)  # fmt: skip


_CHECK = """\
Say what differs between the database, the models and the revisions, and what interrupted migrations left.

The exit code is 0 when nothing differs. Nothing is changed. With --history, the revisions are replayed in a database
that is made for it, so that models without a revision are found where there is no database to look at, as in CI.
"""


@db.command(help=_CHECK)
def check(
    target: TargetArgument = None,
    history: Annotated[
        bool, typer.Option("--history", help="Replay the revisions in a database that is made for it, and compare.")
    ] = False,
    scratch: Annotated[
        str | None,
        typer.Option(
            metavar="URL", show_default=False, help="With --history: an empty database to use, which is filled."
        ),
    ] = None,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
    debug: DebugOption = False,
) -> None:
    """Say what differs between the database, the models and the revisions."""
    with project_of(target, database, debug) as project:
        from onetrip.cli import drift

        code = drift.check_project(project, drift.Options(history=history, scratch=scratch, json=as_json))
    raise typer.Exit(code)


_TEST = """\
Try all revisions there, back and there again, with rows, in a database that is made for it and dropped afterwards.

It is of the same kind as yours, which is not touched. What a revision does not take back is told, and what the models
and the last revision differ in. The exit code is 0 when nothing is wrong.
"""


@db.command(help=_TEST)
def test(
    target: TargetArgument = None,
    scratch: Annotated[
        str | None,
        typer.Option(metavar="URL", show_default=False, help="An empty database to use, which stays as it is then."),
    ] = None,
    database: DatabaseOption = None,
    debug: DebugOption = False,
) -> None:
    """Try all revisions there, back and there again, in a database that is made for it."""
    with project_of(target, database, debug) as project:
        from onetrip.cli import rehearsing

        code = rehearsing.rehearse(project, scratch)
    raise typer.Exit(code)
