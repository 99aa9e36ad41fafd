"""`onetrip db install`: creates onetrip's own tables in databases that exist, and nothing else."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
import typer
from sqlalchemy.engine import URL

from onetrip.app import API, DATABASE_VARIABLE
from onetrip.cli.connection import connected
from onetrip.cli.load import load
from onetrip.cli.places import url_shown
from onetrip.cli.searching import create_indexes
from onetrip.cli.target import Target
from onetrip.db.engines import IMMEDIATE
from onetrip.sql.own import own_metadata


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line, the environment and `pyproject.toml` say together."""

    target: Target
    database: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """What became of one database: the tables and indexes that were `created`, and those that were `there`."""

    database: str
    created: tuple[str, ...]
    there: tuple[str, ...]


def install(options: Options) -> None:
    """Create what is missing, and say what that is. Raises `ConfigurationError` when a database says no."""
    if options.database is not None:
        os.environ[DATABASE_VARIABLE] = options.database
    loaded = load(options.target, lambda stage, done, total: None)
    for each in asyncio.run(installed(loaded.apis)):
        if each.created:
            typer.echo(f"{each.database}: created {' and '.join(each.created)}")
        if each.there:
            verb = "is" if len(each.there) == 1 else "are"
            typer.echo(f"{each.database}: {' and '.join(each.there)} {verb} there already")


async def installed(apis: Sequence[API]) -> list[Installed]:
    """Create what is missing in the database of each API, once where several share one."""
    found: list[Installed] = []
    sharing: dict[URL, list[API]] = {}
    for api in apis:
        sharing.setdefault(api.database.url, []).append(api)
    for api, *others in sharing.values():
        try:
            async with connected(api.database) as connection:
                await connection.execution_options(**{IMMEDIATE: True})
                async with connection.begin():
                    created, there = await connection.run_sync(_create, [api, *others])
        finally:
            await api.database.close()
        found.append(Installed(database=url_shown(api.database.url), created=created, there=there))
    return found


def _create(connection: sa.Connection, apis: Sequence[API]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Create what is missing: the names of those tables and indexes, and of those that are there."""
    inspector = sa.inspect(connection)
    there = {name for name in own_metadata.tables if inspector.has_table(name)}
    own_metadata.create_all(connection)
    names = sorted(own_metadata.tables)
    created, kept = create_indexes(connection, apis)
    return (
        (*(name for name in names if name not in there), *created),
        (*(name for name in names if name in there), *kept),
    )
