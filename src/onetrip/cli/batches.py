"""`onetrip db data`: what data migrations print: a bar with rows, speed and time left on a terminal, else lines."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from onetrip.cli.places import path_shown, url_shown
from onetrip.migrations.data.run import Event, Options, Status, run, status
from onetrip.migrations.data.write import write_new
from onetrip.migrations.project import Project


def new(project: Project, message: str) -> None:
    """Write a file, and say where it is."""
    typer.echo(f"{path_shown(write_new(project, message))}: created")


def run_project(project: Project, options: Options) -> None:
    """Run what is not finished. Raises `ConfigurationError` for the first that fails; the batches before it stay."""
    console = Console(stderr=True, highlight=False)
    with bar(console) as shown:
        said = Said(console, shown)
        finished = run(project, replace(options, counts=console.is_terminal, said=said))
    if finished:
        number = len(finished)
        typer.echo(f"{url_shown(project.url)}: {number} data migration{'s' if number > 1 else ''} finished")
    elif not said.tried:
        typer.echo(f"{url_shown(project.url)}: nothing to do")


class Said:
    """Shows what happens."""

    def __init__(self, console: Console, bar: Progress) -> None:
        self.console, self.bar, self.tried = console, bar, False
        self.task = bar.add_task("", visible=False)

    def __call__(self, event: Event) -> None:
        """Show one event."""
        if event.kind == "batch":
            self.bar.update(self.task, completed=event.done)
            return
        if event.kind == "begun":
            total = None if event.left is None else event.done + event.left
            self.bar.reset(self.task, total=total, completed=event.done, description=event.revision, visible=True)
        if event.kind == "tried":
            self.tried = True
            for line in _tried(event):
                typer.echo(line)
            return
        self._print(_line(event), "yellow" if event.kind in ("waiting", "again") else "")

    def _print(self, line: str, style: str) -> None:
        self.console.print(Text(line, style), soft_wrap=True)


def _line(event: Event) -> str:
    title = f"{event.revision} {event.title}".strip()
    if event.kind == "waiting":
        return "Another process is running data migrations: waiting for it …"
    if event.kind == "begun":
        return f"{title}: going on after {rows(event.done)} …" if event.done else f"{title}: running …"
    if event.kind == "again":
        return f"{title}: {event.why}: trying again …"
    return f"{title}: done, {rows(event.done)}"


def _tried(event: Event) -> Iterator[str]:
    """Say what a batch did that was taken back."""
    title = f"{event.revision} {event.title}"
    if not event.rows:
        yield f"{title}: no row is left to do"
        return
    yield f"{title}: {rows(event.left or 0)} to do; tried with {rows(event.rows)}, {event.place}, and taken back:"
    for statement in event.statements:
        yield f"  {statement}"


def rows(number: int) -> str:
    """Write a number of rows."""
    return "1 row" if number == 1 else f"{number:,} rows"


class _Speed(ProgressColumn):
    """How many rows are done in a second."""

    def render(self, task: Task) -> Text:
        """Say it, as soon as it is known."""
        return Text(f"{task.speed:,.0f} rows/s" if task.speed else "")


@contextmanager
def bar(console: Console) -> Iterator[Progress]:
    """Show a bar on a terminal, nothing elsewhere."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Speed(), TimeRemainingColumn()
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        yield progress


def say_status(project: Project, *, as_json: bool) -> int:
    """Say how far each data migration is, and answer the exit code: 0 when all are finished."""
    every = status(project)
    if as_json:
        typer.echo(json.dumps([_for_programs(each) for each in every], indent=2, ensure_ascii=False))
    else:
        for each in every:
            typer.echo(f"{each.migration.revision} {each.migration.title}: {_state(each)}")
        if not every:
            typer.echo("There are no data migrations: write the first with 'onetrip db data new -m MESSAGE'.")
    return 0 if all(each.finished for each in every) else 1


def _state(each: Status) -> str:
    if each.checkpoint is not None:
        done = rows(each.checkpoint.done)
        return f"finished, {done}" if each.finished else f"not finished, {done} so far"
    if not each.possible:
        return f"needs revision {each.migration.depends_on} of the schema, which is not applied"
    return "not begun"


def _for_programs(each: Status) -> dict[str, object]:
    begun = each.checkpoint is not None
    return {
        "revision": each.migration.revision, "title": each.migration.title,
        "state": "finished" if each.finished else "running" if begun else "pending",
        "rows": each.checkpoint.done if each.checkpoint else 0, "depends_on": each.migration.depends_on,
        "possible": each.possible,
    }  # fmt: skip
