"""`onetrip db plan`: what `onetrip db up` would do, statement by statement, and whom it would stop."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from onetrip.cli.linting import COLOURS
from onetrip.cli.places import path_shown, url_shown
from onetrip.migrations.facts import SMALL
from onetrip.migrations.lint.judge import shortened
from onetrip.migrations.plan import Plan, Planned, Statement, plan
from onetrip.migrations.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a plan is told."""

    json: bool = False


def plan_project(project: Project, options: Options) -> int:
    """Say what is pending, and answer the exit code: 0 for nothing, 1 for something, 2 for something unsafe."""
    made = _from_here(plan(project))
    if options.json:
        typer.echo(json.dumps(asdict(made), indent=2, ensure_ascii=False))
    else:
        _say(made, url_shown(project.url))
    return made.code


def _from_here(made: Plan) -> Plan:
    """Say where files are from the current folder."""
    revisions = (
        replace(
            each, path=path_shown(Path(each.path)), findings=tuple(shortened(one, Path.cwd()) for one in each.findings)
        )
        for each in made.revisions
    )
    return replace(made, revisions=tuple(revisions))


def _say(made: Plan, database: str) -> None:
    console = Console(highlight=False)
    if not made.reached:
        line = f"{database} was not reached: every revision is pending, and how many rows there are is not known."
        console.print(Text(line, "yellow"), soft_wrap=True)
    if not made.revisions:
        console.print("Nothing is pending.")
    for revision in made.revisions:
        _revision(console, revision)


def _revision(console: Console, planned: Planned) -> None:
    heading = Text.assemble((planned.revision, "bold cyan"), f"  {planned.message}  ", (planned.path, "dim"))
    console.print(heading, soft_wrap=True)
    for name in planned.needs_data:
        needed = f"  It needs the data migration {name}: 'onetrip db data run' before, or 'onetrip db up --with-data'."
        console.print(Text(needed, "yellow"), soft_wrap=True)
    if console.is_terminal:
        table = Table("statement", "lock", "work", "rows", box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for each in planned.statements:
            table.add_row(Text(_one_line(each)), _locks(each), each.work, _rows(each))
        console.print(table)
    else:
        for each in planned.statements:
            told = "  ".join(filter(None, (_locks(each), each.work, _rows(each))))
            console.print(Text(f"  {_one_line(each)}\n    {told}"), soft_wrap=True)
    if planned.error is not None:
        console.print(Text(f"  It stopped here without a database: {planned.error}", "yellow"), soft_wrap=True)
    for finding in planned.findings:
        words = Text.assemble((f"  {finding.rule} {finding.level}", COLOURS[finding.level]), f"  {finding.message}")
        console.print(words, soft_wrap=True)
    console.print()


def _one_line(statement: Statement) -> str:
    return " ".join(statement.sql.split())


def _locks(statement: Statement) -> str:
    return ", ".join(f"{lock} on {table}" for table, lock in statement.locks.items()) or "no lock"


def _rows(statement: Statement) -> str:
    if statement.rows is None:
        return ""
    return f"{'~' if statement.rows >= SMALL else ''}{statement.rows:,} rows"
