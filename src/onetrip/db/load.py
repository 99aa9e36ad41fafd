"""Rows that may be wrong: stored together while that works, and narrowed down to those that the database refuses.

COPY and executemany say no to all rows for the sake of one. So halves of them are tried, and halves of those, in their
order; what cannot be stored then is tried once more, because it may refer to a row that came after it.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from onetrip.db.bulk import Load, Target, Values
from onetrip.db.database import Database
from onetrip.db.session import lost_race
from onetrip.db.transaction import transaction
from onetrip.db.violations import violation

Insert = Callable[[frozenset[str]], Any]
"""`insert(attributes)` makes the INSERT of rows that were given these, where a plain one will not do."""


class Given(NamedTuple):
    """A row: where it stands, and what its columns become, by attribute."""

    line: int
    values: Mapping[str, Any]


class Refusal(NamedTuple):
    """A row that the database did not take, and why."""

    row: Given
    error: StatementError


class Loader:
    """Stores rows of a mapped class. Without a `session` each call of `store` is a transaction, or several."""

    def __init__(
        self, database: Database, entity: type[Any], insert: Insert | None = None, session: AsyncSession | None = None
    ) -> None:
        self.database = database
        self.target = Target.of(entity)
        self.insert = insert
        self.session = session
        self.mapper: sa.orm.Mapper[Any] = sa.inspect(entity)

    async def store(self, rows: Sequence[Given]) -> list[Refusal]:
        """Store what can be stored, and answer with the rest. Raises like `transaction`."""
        refused: list[Refusal] = []
        for group in self._groups(rows):
            refused += await self._narrow(group)
        while any(_refers(refusal) for refusal in refused):
            again = [refusal for each in refused for refusal in await self._narrow([each.row])]
            if len(again) == len(refused):
                break
            refused = again
        return sorted(refused, key=lambda refusal: refusal.row.line)

    def _groups(self, rows: Sequence[Given]) -> list[list[Given]]:
        """Put rows together that follow one another and give the same columns."""
        groups: list[list[Given]] = []
        for row in rows:
            if groups and groups[-1][0].values.keys() == row.values.keys():
                groups[-1].append(row)
            else:
                groups.append([row])
        return groups

    async def _narrow(self, rows: list[Given]) -> list[Refusal]:
        try:
            async with self._all_or_none() as connection:
                insert = None if self.insert is None else self.insert(frozenset(rows[0].values))
                await Load(self.target, connection, insert).store([self._values(row) for row in rows])
        except StatementError as error:
            if lost_race(error) or (isinstance(error, DBAPIError) and error.connection_invalidated):
                raise
            if len(rows) == 1:
                return [Refusal(rows[0], error)]
            half = len(rows) // 2
            return await self._narrow(rows[:half]) + await self._narrow(rows[half:])
        return []

    def _values(self, row: Given) -> Values:
        """Read a row as `bulk_insert` does; what is given stays, the number of changes too."""
        values, counter = self.target.values(row.line, row.values), self.mapper.version_id_col
        if counter is None:
            return values
        given = row.values.get(self.mapper.get_property_by_column(counter).key)
        return values if given is None else values | {str(counter.key): given}

    @asynccontextmanager
    async def _all_or_none(self) -> AsyncIterator[AsyncConnection]:
        if self.session is None:
            async with transaction(self.database) as own:
                yield await own.connection()
            return
        connection = await self.session.connection()
        async with connection.begin_nested():
            yield connection

    async def count_on(self) -> None:
        """Let a numbered key go on after the rows that brought their own numbers."""
        column: Any = self.target.table._autoincrement_column
        if column is None or self.database.url.drivername != "postgresql":  # SQLite goes on by itself
            return
        async with self._all_or_none() as connection:
            table = connection.dialect.identifier_preparer.format_table(self.target.table)
            owned = sa.select(sa.func.pg_get_serial_sequence(table, column.name))
            sequence = await connection.scalar(owned)
            if sequence is not None:
                last = sa.select(sa.func.max(column)).scalar_subquery()
                reached = sa.text(f"SELECT last_value FROM {sequence}")  # noqa: S608 - quoted by the database
                now = (await connection.execute(reached)).scalar_one()
                await connection.execute(sa.select(sa.func.setval(sequence, last)).where(last >= now))


def _refers(refusal: Refusal) -> bool:
    found = violation(refusal.error)
    return found is not None and found.kind == "foreign_key"
