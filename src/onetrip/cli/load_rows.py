"""`onetrip load`: the rows of a file into a table, checked as a POST would; bad ones are told by their lines.

Good rows stay whatever is wrong with others, unless it is to be all or none. They are stored in batches, so memory
stays flat, and a batch that is in, is in.
"""

import asyncio
import sys
from collections.abc import Iterable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from sqlalchemy.exc import StatementError

from onetrip.cli.checking import Checker, said
from onetrip.cli.places import url_shown
from onetrip.cli.rows import Form, Row, read_csv, read_ndjson
from onetrip.cli.served import Found, find_resource
from onetrip.cli.target import Target
from onetrip.db.load import Given, Insert, Loader, Refusal
from onetrip.db.runner import Rejected
from onetrip.db.transaction import transaction
from onetrip.errors import ConfigurationError, Problem
from onetrip.http.refused import Refused
from onetrip.plan.mutations import Upsert
from onetrip.schema.model import Constraint, Field, ResourceSchema
from onetrip.sql.loading import upserting

SHOWN = 20
"""Bad rows that are told; the rest is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line, the environment and `pyproject.toml` say together; `-` is standard input."""

    target: Target
    database: str | None
    resource: str
    file: str
    form: Form
    atomic: bool
    batch: int
    on_conflict: str | None
    update: str | None
    without_hooks: bool


@dataclass(slots=True)
class Report:
    """How it went: rows that are stored, rows that are not, and what is wrong with the first of those."""

    loaded: int = 0
    bad: int = 0
    lines: list[str] = field(default_factory=list)

    def refuse(self, line: int, sentence: str) -> None:
        """Note a bad row."""
        self.bad += 1
        if len(self.lines) < SHOWN:
            self.lines.append(f"line {line}: {sentence}")


class _RolledBack(Exception):
    """Nothing is to be stored."""


def load_rows(options: Options) -> int:
    """Load the rows, say how it went, and answer the exit code. Raises `ConfigurationError` for what cannot begin."""
    found = find_resource(options.target, options.database, options.resource)
    try:
        report = asyncio.run(loaded(found, options))
    except Problem as problem:
        raise ConfigurationError(" ".join(filter(None, (problem.detail, problem.hint)))) from problem
    except StatementError as error:  # at the commit of all rows
        where = url_shown(found.api.database.url)
        raise ConfigurationError(f"Nothing was loaded, because {where} refused the rows as a whole.") from error
    for line in report.lines:
        typer.echo(line, err=True)
    if report.bad > len(report.lines):
        typer.echo(f"and {report.bad - len(report.lines):,} more bad rows", err=True)
    name = found.resource.name
    if report.bad and options.atomic:
        typer.echo(f"{name}: nothing was loaded, because {_rows(report.bad)} cannot be")
    else:
        typer.echo(f"{name}: {_rows(report.loaded)} loaded" + (f", {_rows(report.bad)} refused" if report.bad else ""))
    return 1 if report.bad else 0


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number:,} rows"


async def loaded(found: Found, options: Options) -> Report:
    """Load the rows of the file. Raises `ConfigurationError`, `Problem`, and what the database says at the commit."""
    api, resource = found.api, found.resource
    checker, report = Checker(resource), Report()
    _refuse_hooks(resource, options)
    insert = _inserting(found, checker, options)
    try:
        with _opened(options.file) as (file, size), _progress(resource.name, size, file) as lines:
            if options.form == "csv":
                names, rows = read_csv(lines)
                checker.check_names(names)
            else:
                rows = read_ndjson(lines)
            async with AsyncExitStack() as stack:
                session = await stack.enter_async_context(transaction(api.database)) if options.atomic else None
                loader = Loader(api.database, resource.entity, insert, session)
                for batch in _batches(rows, checker, report, options):
                    refused = await loader.store(batch)
                    report.loaded += len(batch) - len(refused)
                    for refusal in refused:
                        report.refuse(refusal.row.line, await _reason(found, refusal))
                if options.atomic and report.bad:
                    raise _RolledBack
                await loader.count_on()
    except _RolledBack:
        pass
    finally:
        await api.database.close()
    return report


def _refuse_hooks(resource: ResourceSchema, options: Options) -> None:
    reason = resource.writes.unit_of_work.get("create")
    if reason is not None and not options.without_hooks:
        raise ConfigurationError(
            f"Rows of '{resource.name}' are made one by one, because {reason}. Loading does without that: say so with "
            "--without-hooks, or send the rows to the API."
        )


def _batches(rows: Iterable[Row], checker: Checker, report: Report, options: Options) -> Iterator[list[Given]]:
    """Check rows, and put good ones together."""
    batch: list[Given] = []
    for row in rows:
        if row.problem is not None:
            report.refuse(row.line, row.problem)
            continue
        try:
            batch.append(Given(row.line, checker.values(row.values, texts=options.form == "csv")))
        except Problem as problem:
            report.refuse(row.line, said(problem))
        if len(batch) >= options.batch:
            yield batch
            batch = []
    if batch:
        yield batch


async def _reason(found: Found, refusal: Refusal) -> str:
    """Say what the database found wrong, as the answer to a POST would."""
    rejected = Rejected(refusal.error)
    refused = Refused(rejected, found.resource, "create", refusal.row.values, {})
    return said(await refused.problem(found.api.schema, found.api.database))


# Rows that are there already


def _inserting(found: Found, checker: Checker, options: Options) -> Insert | None:
    """Say how rows are inserted that may be there already. Raises `ConfigurationError`."""
    if options.on_conflict is None:
        if options.update is not None:
            raise ConfigurationError("--update says what changes of a row that is there: --on-conflict finds it.")
        return None
    resource, columns = found.resource, checker.columns()
    constraint = _constraint(resource, options.on_conflict)
    key = tuple(resource.fields[name] for name in constraint.fields)
    chosen = None if options.update is None else _chosen(options.update, columns)
    parts = {part.attribute for part in key}

    def insert(given: frozenset[str]) -> object:
        changed = tuple(
            column
            for column in columns.values()
            if column.attribute in given - parts and (chosen is None or column.attribute in chosen)
        )
        upsert = Upsert(constraint=constraint, key=key, changed=changed)
        return upserting(resource, upsert, found.api.database.dialect)

    return insert


def _constraint(resource: ResourceSchema, text: str) -> Constraint:
    usable = [
        each
        for each in resource.writes.constraints
        if each.kind in ("unique", "primary_key")
        and not each.deferrable
        and len(each.fields) == len(each.columns)
        and all(name in resource.fields for name in each.fields)
    ]
    wanted = {name.strip() for name in text.split(",")}
    for constraint in sorted(usable, key=lambda each: each.where is not None):
        if set(constraint.fields) == wanted:
            return constraint
    known = "; ".join(dict.fromkeys(",".join(each.fields) for each in usable))
    raise ConfigurationError(f"'{text}' is not a unique key of '{resource.name}'. There are: {known}.")


def _chosen(text: str, columns: dict[str, Field]) -> set[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in columns:
            raise ConfigurationError(f"--update {name}: there is no such column. There are: {', '.join(columns)}.")
    return {columns[name].attribute for name in names}


# The file


@contextmanager
def _opened(name: str) -> Iterator[tuple[BinaryIO, int | None]]:
    if name == "-":
        yield sys.stdin.buffer, None
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115 - closed below; an error while it is read is another one
    except OSError as error:
        raise ConfigurationError(f"'{name}' cannot be read: {error.strerror}.") from error
    with file:
        yield file, Path(name).stat().st_size


@contextmanager
def _progress(name: str, size: int | None, file: BinaryIO) -> Iterator[Iterable[bytes]]:
    """Read lines, and show how far that is on a terminal."""
    console = Console(stderr=True, highlight=False)
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task(name, total=size)

        def lines() -> Iterator[bytes]:
            for line in file:
                progress.advance(task, len(line))
                yield line

        yield lines()
