"""What is printed: one sentence for an error, a line for long work, and the report at start.

On a terminal lines are wrapped and coloured; elsewhere they are plain, whole, and as many.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from fastapi import FastAPI
from rich.console import Console
from rich.status import Status
from rich.text import Text
from starlette.applications import Starlette
from starlette.routing import Mount, NoMatchFound

from onetrip.app import API
from onetrip.cli.create import Prepared
from onetrip.cli.load import Loaded
from onetrip.cli.places import url_shown
from onetrip.errors import ConfigurationError
from onetrip.version import __version__

_INDENT = 11


@contextmanager
def one_sentence(debug: bool) -> Iterator[None]:
    """Turn an exception into one sentence and a non-zero exit; with `debug`, let it pass."""
    try:
        yield
    except ConfigurationError as error:
        if debug:
            raise
        fail(str(error))
    except Exception as error:
        if debug:
            raise
        fail(f"Something unexpected happened: {type(error).__name__}: {error}. With --debug you see where.")


def fail(message: str, code: int = 1) -> None:
    """Print why nothing is served, and exit."""
    console = Console(stderr=True, highlight=False)
    console.print(Text.assemble(("Error: ", "bold red"), message), soft_wrap=True)
    raise SystemExit(code)


class Work:
    """Shows what takes long: a spinner on a terminal, else one line for each kind of work."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False)
        self.status: Status | None = None
        self.said = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self.status is not None:
            self.status.stop()

    def working(self, what: str, rows: int | None) -> None:
        """Say what is being done."""
        if not self.console.is_terminal:
            if what != self.said:
                self.said = what
                self.console.print(f"{what} …", soft_wrap=True)
            return
        text = f"{what} …" if rows is None else f"{what}: {rows:,} rows"
        if self.status is None:
            self.status = self.console.status(text)
            self.status.start()
        self.status.update(text)

    def reading(self, stage: str, done: int, total: int) -> None:
        """Say how far the reflection of a database is."""
        counted = f"{stage.capitalize()} tables: {done} of {total}"
        self.working(counted if self.console.is_terminal else "Reading tables", None)


@dataclass(frozen=True, slots=True)
class Started:
    """What the report is about."""

    target: str
    url: str
    loaded: Loaded
    prepared: Sequence[Prepared]
    everywhere: bool = False
    watched: str | None = None


def report(started: Started) -> None:
    """Print what is served, from where, and what a user should know."""
    loaded, console = started.loaded, Console(highlight=False)
    console.print(Text.assemble(("onetrip ", "bold"), (__version__, "bold"), f"  {started.target}\n"), soft_wrap=True)
    for prepared in started.prepared:
        _line(console, "Database", Text(url_shown(prepared.database.url)))
        for line in _state(prepared, loaded):
            _line(console, "", line)
    for api in loaded.apis:
        if api.database.given is not None:
            _line(console, "Database", Text(f"{url_shown(api.database.url)}, through the engine that the code made"))
        _resources(console, api, loaded.app)
    remarks = [*(note for api in loaded.apis for note in api.notes), *loaded.remarks]
    for number, remark in enumerate(remarks):
        _line(console, "Notes" if number == 0 else "", Text(remark, "yellow"))
    if isinstance(loaded.app, FastAPI) and loaded.app.docs_url is not None:
        _line(console, "Docs", Text(started.url + loaded.app.docs_url, "cyan"))
    if started.watched is not None:
        _line(console, "Watching", Text(started.watched))
    where = " and on every other address of this machine" if started.everywhere else ""
    serving = Text.assemble("\nServing on ", (started.url, "bold cyan"), f"{where}. Ctrl-C stops.\n")
    console.print(serving, soft_wrap=True)


def _state(prepared: Prepared, loaded: Loaded) -> Iterator[Text]:
    """Say what was created, or how the database differs."""
    if prepared.created:
        tables = f"{prepared.created} table{'s' if prepared.created > 1 else ''}"
        if prepared.revisions:
            tables += f" by {prepared.revisions} revision{'s' if prepared.revisions > 1 else ''}"
        rows = "" if prepared.rows is None else f" and {prepared.rows:,} rows from its seed"
        yield Text(f"created now: {tables}{rows}, in {prepared.seconds:.1f} s", "green")
    elif loaded.reflected:
        written = any(resource.writes.delete for api in loaded.apis for resource in api.schema.resources.values())
        yield Text(f"its own tables; {'rows can be changed' if written else 'it is read and not changed'}", "dim")
    if prepared.differences:
        yield Text("differs from the code, and was left as it is:", "yellow")
        for difference in prepared.differences:
            yield Text(f"- {difference}", "yellow")
        yield Text("Change it by a migration, or name an empty database.", "yellow")


def _resources(console: Console, api: API, app: object) -> None:
    prefix = _prefix(app, api)
    if prefix is None:
        missing = "none: the API is not part of the application, as app.include_router(api.router) would make it"
        _line(console, "Resources", Text(missing, "yellow"))
        return
    paths = {name: f"{prefix}/{name}" for name in api.schema.resources}
    width = max(map(len, paths.values())) + 2
    for number, (name, path) in enumerate(paths.items()):
        relations = Text(", ".join(api.schema.resources[name].relations), "dim")
        _line(console, "Resources" if number == 0 else "", relations, Text(path.ljust(width), "cyan"))


def _prefix(app: object, api: API) -> str | None:
    """Find under which prefix an application serves an API; `None` when it does not."""
    first = next(iter(api.schema.resources))
    name = next(getattr(route, "name", "") for route in api.router.routes if getattr(route, "path", "") == f"/{first}")
    if not isinstance(app, Starlette):
        return None
    try:
        return str(app.url_path_for(name)).removesuffix(f"/{first}")
    except NoMatchFound:
        pass
    for route in app.routes:
        if isinstance(route, Mount) and (below := _prefix(route.app, api)) is not None:
            return route.path + below
    return None


def _line(console: Console, label: str, value: Text, before: Text | None = None) -> None:
    """Print a label and a value, which is wrapped under itself on a terminal."""
    start = Text.assemble((label.ljust(_INDENT), "bold"), before or "")
    lines = [value]
    if console.is_terminal:
        lines = list(value.wrap(console, max(20, console.width - len(start)))) or [value]
    for number, line in enumerate(lines):
        whole = Text.assemble(start if number == 0 else " " * len(start), line)
        whole.rstrip()
        console.print(whole, soft_wrap=True)
