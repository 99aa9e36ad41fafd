"""`onetrip doctor`: the application that a target names, examined, and what is found said to people or programs."""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import typer
from rich.console import Console
from rich.text import Text
from sqlalchemy.orm import Mapper

from onetrip.app import API, DATABASE_VARIABLE
from onetrip.cli.load import load
from onetrip.cli.target import Code, DatabaseTarget, Target
from onetrip.doctor.check import Application, Finding
from onetrip.doctor.examine import examine, shortened
from onetrip.doctor.source import Source, read_source
from onetrip.errors import ConfigurationError
from onetrip.schema.hidden import is_secret
from onetrip.schema.mappers import configure

_COLOURS = {"error": "bold red", "warning": "yellow"}


def doctor(target: Target, database: str | None, *, as_json: bool) -> int:
    """Say what is found, and answer the exit code: 1 for errors. Raises `ConfigurationError`."""
    if isinstance(target, DatabaseTarget):
        raise ConfigurationError("The doctor examines code: name a file of tables, an API or an application.")
    if database is not None:
        os.environ[DATABASE_VARIABLE] = database
    apis = load(target, lambda stage, done, total: None).apis
    sources = tuple(_sources(target.code))
    mappers = list(_mappers(sources))
    configure(mappers)
    application = Application(sources, tuple(mappers), tuple(_exposed(apis)))
    findings = [shortened(each, Path.cwd()) for each in examine(application)]
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in findings], indent=2, ensure_ascii=False))
    else:
        _say(findings)
    return int(any(each.level == "error" for each in findings))


def _sources(code: Code) -> Iterator[Source]:
    """Read the modules that were imported from the folder of the application."""
    folder = code.folder.resolve()
    for name, module in sorted(sys.modules.items()):
        file = getattr(module, "__file__", None)
        path = Path(file).resolve() if file else None
        if path is None or path.suffix != ".py" or name == "__main__" or not path.is_relative_to(folder):
            continue
        if not {"site-packages", "dist-packages"} & set(path.relative_to(folder).parts):
            source = read_source(name, path)
            if source is not None:
                yield source


def _mappers(sources: Sequence[Source]) -> Iterator[Mapper[Any]]:
    """Find the classes that these modules define and map."""
    for source in sources:
        for value in list(vars(sys.modules[source.module]).values()):
            if isinstance(value, type) and value.__module__ == source.module:
                mapper: Any = sa.inspect(value, raiseerr=False)
                if isinstance(mapper, Mapper):
                    yield mapper


def _exposed(apis: Sequence[API]) -> Iterator[tuple[type[Any], str]]:
    """Find the columns that are shown although they look secret."""
    for api in apis:
        for resource in api.schema.resources.values():
            mapper: Mapper[Any] = sa.inspect(resource.entity)
            for field in resource.view.fields:
                column = mapper.columns.get(field.attribute)
                if column is not None and not column.primary_key and is_secret(column, field.attribute):
                    yield resource.entity, field.attribute


def _say(findings: Sequence[Finding]) -> None:
    console = Console(highlight=False)
    told: set[str] = set()
    for each in findings:
        level = Text(f"{each.check} {each.level}", _COLOURS[each.level])
        console.print(
            Text.assemble((f"{each.path}:{each.line}", "cyan"), "  ", level, f"  {each.message}"), soft_wrap=True
        )
        if each.check not in told:
            console.print(Text(f"  {each.why}", "dim"), soft_wrap=True)
            told.add(each.check)
        console.print(Text(f"    {each.remedy}", "green"), soft_wrap=True)
        console.print()
    console.print(Text(_summary(findings)), soft_wrap=True)


def _summary(findings: Sequence[Finding]) -> str:
    if not findings:
        return "Nothing is found."
    counts = {level: sum(each.level == level for each in findings) for level in _COLOURS}
    told = [f"{count} {level}{'s' if count > 1 else ''}" for level, count in counts.items() if count]
    return f'{", ".join(told)}. Allow one with its reason, above the line: # doctor: allow D01 reason="…"'
