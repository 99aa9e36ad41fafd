"""`onetrip purge`: deletes for good what was deleted, and stayed in its table, long enough ago.

What other rows refer to stays, unless they go with it (`ON DELETE CASCADE`, link rows). It is one transaction for each
database; what it would delete is found out by doing it and rolling back.
"""

import asyncio
import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
import typer

from onetrip.app import API, DATABASE_VARIABLE
from onetrip.cli.connection import connected
from onetrip.cli.load import load
from onetrip.cli.target import Target
from onetrip.db.engines import IMMEDIATE
from onetrip.errors import ConfigurationError
from onetrip.schema.marks import deletion_column

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line, the environment and `pyproject.toml` say together."""

    called: str
    target: Target
    database: str | None
    age: timedelta
    yes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """What becomes of one table: `rows` of it go, `along` with rows of others; `kept` stay, for what refers to them."""

    name: str
    rows: int
    along: tuple[tuple[str, int], ...]
    kept: int
    referring: tuple[str, ...]


def parse_age(text: str) -> timedelta:
    """Read an age. Raises `typer.BadParameter`, which says how to write one.

    >>> parse_age("30d")
    datetime.timedelta(days=30)
    """
    found = re.fullmatch(r"([0-9]{1,5})([mhdw])", text)
    if found is None:
        raise typer.BadParameter("write a number and a unit, as in 90m, 12h, 30d or 8w")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def purge(options: Options) -> None:
    """Say what will be deleted, ask, and delete it. Raises `ConfigurationError` where no rows are kept."""
    if options.database is not None:
        os.environ[DATABASE_VARIABLE] = options.database
    loaded = load(options.target, lambda stage, done, total: None)
    if not any(_marked(api) for api in loaded.apis):
        raise ConfigurationError(
            f"Nothing in {options.called} keeps deleted rows: no table of an API in it is a SoftDelete."
        )
    before = datetime.now(UTC) - options.age
    if options.yes:
        _say(asyncio.run(purged(loaded.apis, before, commit=True)), "gone")
        return
    found = asyncio.run(purged(loaded.apis, before, commit=False))
    _say(found, "to delete")
    if not any(each.rows for each in found):
        return
    if not sys.stdin.isatty():
        raise ConfigurationError("Nothing was deleted, because nobody can be asked here. Add --yes to delete.")
    if typer.confirm("Delete them for good?"):
        _say(asyncio.run(purged(loaded.apis, before, commit=True)), "gone")


def _say(found: Iterable[Purged], what: str) -> None:
    for each in found:
        along = "".join(f", and with them {rows:,} of {name}" for name, rows in each.along)
        typer.echo(f"{each.name}: {each.rows:,} {what}{along}")
        if each.kept:
            names = " and ".join(each.referring) or "each other"
            typer.echo(f"{each.name}: {each.kept:,} stay, because of rows that refer to them in {names}")


async def purged(apis: Sequence[API], before: datetime, *, commit: bool) -> list[Purged]:
    """Delete what was deleted before a moment, or only find out what that would be."""
    found: list[Purged] = []
    done: set[Any] = set()
    for api in apis:
        tables = [table for table in _marked(api) if (api.database.url, table) not in done]
        done |= {(api.database.url, table) for table in tables}
        try:
            async with connected(api.database) as connection:
                await connection.execution_options(**{IMMEDIATE: True})
                async with connection.begin() as transaction:
                    found += await connection.run_sync(_Purge(api, before).run, tables)
                    if not commit:
                        await transaction.rollback()
        finally:
            await api.database.close()
    return found


def _marked(api: API) -> list[sa.Table]:
    """List the tables that keep deleted rows, those that depend on others first where that is easy to say."""
    tables = [table for metadata in api.metadata for table in metadata.tables.values()]
    return [table for table in reversed(tables) if deletion_column(table.c) is not None]


class _Purge:
    """One run over the tables of an API."""

    def __init__(self, api: API, before: datetime) -> None:
        self.before = before
        mappers = {resource.entity: sa.inspect(resource.entity) for resource in api.schema.resources.values()}
        self.names = {mappers[each.entity].local_table: name for name, each in api.schema.resources.items()}
        every = {mapper for served in mappers.values() for mapper in served.registry.mappers}
        self.links = {prop.secondary for mapper in every for prop in mapper.relationships}
        tables = [table for metadata in api.metadata for table in metadata.tables.values()]
        self.keys = [key for table in tables for key in table.foreign_key_constraints]

    def run(self, connection: sa.Connection, tables: Sequence[sa.Table]) -> list[Purged]:
        """Delete, in as many rounds as it takes until nothing refers to what is left, or something that stays."""
        rows: Counter[sa.Table] = Counter()
        along: dict[sa.Table, Counter[str]] = {table: Counter() for table in tables}
        progress = True
        while progress:
            progress = False
            for table in tables:
                free = [~hindered for _, hindered in self._hindrances(table, (table,))]
                number = self._delete(connection, table, sa.and_(self._due(table), *free), along[table], (table,))
                rows[table] += number
                progress = progress or number > 0
        return [self._result(connection, table, rows[table], along[table]) for table in tables]

    def _due(self, table: Any) -> Any:
        column: Any = deletion_column(table.c)
        return column < self.before

    def _delete(
        self, connection: sa.Connection, table: sa.Table, condition: Any, along: Counter[str], path: tuple[Any, ...]
    ) -> int:
        """Delete rows, and before them those that go with them; answer how many they are themselves."""
        for key in self._referring(table, path):
            if self._goes_along(key):
                rows = sa.exists().select_from(table).where(_refers(key, key.table, table), condition)
                below = (*path, key.table)
                along[self._name(key.table)] += self._delete(connection, key.table, rows, along, below)
        return connection.execute(sa.delete(table).where(condition)).rowcount

    def _hindrances(self, row: Any, path: tuple[sa.Table, ...]) -> Iterator[tuple[str, Any]]:
        """Find what keeps a row where it is: rows that refer to it, or to one that would go with it."""
        for key in self._referring(path[-1], path):
            other = key.table.alias()
            refers = sa.exists().select_from(other).where(_refers(key, other, row))
            if self._goes_along(key):
                for name, hindered in self._hindrances(other, (*path, key.table)):
                    yield name, refers.where(hindered)
            elif (key.ondelete or "").upper() not in ("SET NULL", "SET DEFAULT"):
                yield self._name(key.table), refers

    def _referring(self, table: sa.Table, path: tuple[sa.Table, ...]) -> Iterator[sa.ForeignKeyConstraint]:
        """Find the foreign keys that lead to a table; a circle that goes with it is the database's to follow."""
        for key in self.keys:
            if key.referred_table is table and not (self._goes_along(key) and key.table in path):
                yield key

    def _goes_along(self, key: sa.ForeignKeyConstraint) -> bool:
        return key.table in self.links or (key.ondelete or "").upper() == "CASCADE"

    def _result(self, connection: sa.Connection, table: sa.Table, rows: int, along: Counter[str]) -> Purged:
        due = sa.select(sa.func.count()).select_from(table).where(self._due(table))
        kept = connection.scalar(due) or 0
        hindrances = self._hindrances(table, (table,)) if kept else ()
        referring = {name for name, hindered in hindrances if connection.scalar(due.where(hindered))}
        went = tuple((name, number) for name, number in sorted(along.items()) if number)
        return Purged(
            name=self._name(table), rows=rows, along=went, kept=kept, referring=tuple(sorted(referring)),
        )  # fmt: skip

    def _name(self, table: sa.Table) -> str:
        return self.names.get(table, table.fullname)


def _refers(key: sa.ForeignKeyConstraint, row: Any, referred: Any) -> Any:
    return sa.and_(*(row.c[part.parent.key] == referred.c[part.column.key] for part in key.elements))
