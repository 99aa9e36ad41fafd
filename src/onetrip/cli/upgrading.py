"""`onetrip db up`: applies what is pending, and says what it is doing and how long it took."""

from dataclasses import replace

import typer
from rich.console import Console
from rich.text import Text

from onetrip.cli.batches import Said, bar
from onetrip.cli.places import path_shown, url_shown
from onetrip.migrations.data.run import Options as DataOptions
from onetrip.migrations.project import Project
from onetrip.migrations.run import Event, Options, up


def up_project(project: Project, to: str, options: Options, *, with_data: bool = False) -> None:
    """Apply revisions, with the data migrations that they need if that is wanted.

    Raises `ConfigurationError` for the first that fails; those before it stay.
    """
    console, database = Console(stderr=True, highlight=False), url_shown(project.url)

    def said(event: Event) -> None:
        title = f"{event.revision} {event.title}".strip()
        verb = "applying" if event.up else "taking back"
        text = {
            "waiting": "Another process is migrating: waiting for it …",
            "backup": f"backup: {path_shown(event.file)}" if event.file is not None else "",
            "begun": f"{title}: {verb} …",
            "again": f"{title}: {event.why}: trying again …",
            "done": f"{title}: done in {event.seconds:.1f} s",
        }[event.kind]
        console.print(Text(text, "yellow" if event.kind in ("waiting", "again") else ""), soft_wrap=True)

    with bar(console) as shown:
        rows = DataOptions(counts=console.is_terminal, said=Said(console, shown)) if with_data else None
        applied = up(project, to, replace(options, said=said, data=rows))
    if applied:
        number = len(applied)
        typer.echo(f"{database}: {number} revision{'s' if number > 1 else ''} applied, at {applied[-1]} now")
    else:
        typer.echo(f"{database}: nothing to apply")
