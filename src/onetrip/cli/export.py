"""`onetrip export`: all rows of a resource, or those that filters choose, into a file."""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlencode

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from onetrip.cli.rows import Form
from onetrip.cli.served import Found, find_resource
from onetrip.cli.target import Target
from onetrip.errors import ConfigurationError, Problem
from onetrip.http.export import Exports
from onetrip.http.pipeline import bind
from onetrip.plan.read import Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line, the environment and `pyproject.toml` say together; without `output` it is printed."""

    target: Target
    database: str | None
    resource: str
    form: Form
    output: str | None
    parameters: Sequence[str]


def export(options: Options) -> None:
    """Write the rows. Raises `ConfigurationError` for what cannot be asked, read or written."""
    query_string = _query_string(options.parameters)
    found = find_resource(options.target, options.database, options.resource)
    console = Console(stderr=True, highlight=False)
    try:
        with _opened(options.output) as file:
            rows = asyncio.run(exported(found, options.form, query_string, file, console))
    except Problem as problem:
        raise ConfigurationError(" ".join(filter(None, (problem.detail, problem.hint)))) from problem
    except OSError as error:
        place = "standard output" if options.output is None else f"'{options.output}'"
        raise ConfigurationError(f"Nothing more can be written to {place}: {error.strerror or error}.") from error
    console.print(f"{found.resource.name}: {rows:,} rows exported", soft_wrap=True)


async def exported(found: Found, form: Form, query_string: bytes, file: BinaryIO, console: Console) -> int:
    """Write the rows, and answer how many they were. Raises `Problem`."""
    found.api.database.statement_timeout = None  # a limit of requests: here nobody else waits
    exports = Exports(found.api.pipeline)
    endpoint = Endpoint(kind="collection", resource=found.resource, target=found.resource)
    columns = SpinnerColumn(), TextColumn("{task.description}: {task.completed:,} rows"), TimeElapsedColumn()
    try:
        shape, texts = found.api.pipeline.split(query_string)
        prepared = exports.prepare(endpoint, shape, form)
        values = bind(prepared.plan, texts)
        with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
            task, total = progress.add_task(found.resource.name, total=None), 0
            file.write(prepared.head)
            async with aclosing(exports.chunks(prepared, values)) as chunks:
                async for number, chunk in chunks:
                    file.write(chunk)
                    total += number
                    progress.update(task, completed=total)
            file.flush()
        return total
    finally:
        await found.api.database.close()


def _query_string(parameters: Sequence[str]) -> bytes:
    """Write `views__gte=10` and its kin as a URL has them. Raises `ConfigurationError` for one without `=`."""
    pairs = [parameter.partition("=") for parameter in parameters]
    for parameter, (name, equals, _) in zip(parameters, pairs, strict=True):
        if not (name and equals):
            raise ConfigurationError(f"--filter {parameter}: write a name and a value, as in 'views__gte=10'.")
    return urlencode([(name, value) for name, _, value in pairs]).encode()


@contextmanager
def _opened(output: str | None) -> Iterator[BinaryIO]:
    """Open a file that has its name only when it is whole."""
    if output is None:
        yield sys.stdout.buffer
        return
    path = Path(output)
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
