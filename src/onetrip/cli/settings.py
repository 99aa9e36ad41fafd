"""`onetrip settings`: each setting of a target, without secrets, and where it comes from."""

import dataclasses
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import typer
from dotenv import dotenv_values
from pydantic import SecretBytes, SecretStr
from pydantic.fields import FieldInfo
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from onetrip.app import DATABASE_VARIABLE
from onetrip.cli.load import load
from onetrip.cli.target import Target
from onetrip.config import SECRETS_VARIABLE, Settings, Unsafe, secrets_folder, variables_of
from onetrip.errors import ConfigurationError, nearest
from onetrip.schema.hidden import looks_secret

_ELSEWHERE = ("ONETRIP_APP", "ONETRIP_TEST_DATABASE_URL", SECRETS_VARIABLE)
"""Variables that are read, and are no settings."""


@dataclass(frozen=True, slots=True)
class Line:
    """One setting, as it is printed."""

    variable: str
    value: str
    source: str


def show(target: Target | None, database: str | None) -> int:
    """Print the settings of a target, those of onetrip itself without one. Answers the exit code.

    `database` is what the command line says, or `pyproject.toml`: before what the target says itself.
    """
    if database is not None:
        os.environ[DATABASE_VARIABLE] = database
    reasons: Iterable[str] = ()
    found: Settings | None
    try:
        found = _settings_of(target)
    except ConfigurationError as error:
        refused = _unsafe(error)
        if refused is None:
            raise
        found, reasons = refused.settings, refused.reasons
    settings = Settings() if found is None else found
    if found is None and target is not None:
        typer.echo("The target takes no settings: API(…, settings=Settings()) would take these.\n")
    lines = list(lines_of(settings))
    widths = [max(len(getattr(line, name)) for line in lines) for name in ("variable", "value")]
    for line in lines:
        typer.echo(f"{line.variable:<{widths[0]}}  {line.value:<{widths[1]}}  {line.source}")
    for remark in _unknown(line.variable for line in lines):
        typer.echo(f"\nNote: {remark}")
    for reason in reasons:
        typer.echo(f"Error: {reason}", err=True)
    return 1 if reasons else 0


def _settings_of(target: Target | None) -> Settings | None:
    if target is None:
        return None
    apis = load(target, lambda stage, done, total: None).apis
    return next((api.settings for api in apis if api.settings is not None), None)


def _unsafe(error: BaseException | None) -> Unsafe | None:
    """Find out whether an error is about settings that production refuses: user code may stand in between."""
    while error is not None and not isinstance(error, Unsafe):
        error = error.__cause__
    return error


def lines_of(settings: Settings) -> Iterator[Line]:
    """List settings, each option of a pool and of limits by itself."""
    sources = _Sources(settings)
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        variables = variables_of(field, name)
        if not dataclasses.is_dataclass(value):
            yield Line(variables[0], _shown(name, value), sources.of(name, variables, value != _default(name, field)))
            continue
        for option in dataclasses.fields(value):
            inner, plain = getattr(value, option.name), getattr(_default(name, field), option.name)
            names = (f"{variables[0]}__{option.name.upper()}", *variables)
            yield Line(names[0], _shown(option.name, inner), sources.of(name, names, inner != plain))


def _default(name: str, field: FieldInfo) -> Any:
    """Answer onetrip's own default; another one in a subclass is code."""
    own = Settings.model_fields.get(name, field)
    return own.get_default(call_default_factory=True)


class _Sources:
    """Where variables are found, in the order in which they are looked for."""

    def __init__(self, settings: Settings) -> None:
        self._config = settings.model_config
        self._given = settings.model_fields_set

    def of(self, name: str, variables: tuple[str, ...], differs: bool) -> str:
        """Say where a value comes from: from the first place that has one of its variables, else from the code."""
        wanted = {variable.lower() for variable in variables}
        for source, names in self._places.items():
            if wanted & names:
                return source
        return "code" if differs or (name in self._given and "__" not in variables[0]) else "default"

    @cached_property
    def _places(self) -> Mapping[str, set[str]]:
        files = self._config.get("env_file") or ()
        places = {"environment": {name.lower() for name, value in os.environ.items() if value}}
        for file in (files,) if isinstance(files, str | Path) else reversed(tuple(files)):
            places[str(file)] = {name.lower() for name, value in dotenv_values(file).items() if value}
        if (folder := secrets_folder()) is not None:
            places[f"file in {folder}"] = {path.name.lower() for path in folder.iterdir() if path.is_file()}
        return places


def _shown(name: str, value: Any) -> str:
    """Write a value without what nobody should read over a shoulder."""
    if value is None or value == ():
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, SecretStr | SecretBytes) or looks_secret(name):
        return "********"
    if isinstance(value, tuple | list | set | frozenset):
        return ",".join(_shown(name, item) for item in value)
    if "://" in (text := str(value)):
        try:
            return make_url(text).render_as_string(hide_password=True)
        except (ArgumentError, ValueError):
            return text
    return text


def _unknown(variables: Iterable[str]) -> Iterator[str]:
    """Say which variables look like onetrip's and are read by nothing."""
    known = [*variables, *_ELSEWHERE, DATABASE_VARIABLE, "ONETRIP_POOL", "ONETRIP_LIMITS"]
    for name in sorted(os.environ):
        if name.startswith("ONETRIP_") and name.upper() not in known:
            yield f"{name} is set and read by nothing. {nearest(name, known) or ''}".rstrip()
