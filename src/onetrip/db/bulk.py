"""Many rows at once: COPY on PostgreSQL, executemany elsewhere, a chunk at a time.

What is stored is what the ORM would store of the same objects: its defaults, its way with `None`, the bind processors
of the column types. COPY is only the fast way: whatever it refuses, an ordinary INSERT tries again, and says what is
wrong in the usual words.
"""

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from onetrip.db.database import Database
from onetrip.db.session import lost_race
from onetrip.db.transaction import transaction
from onetrip.errors import ConfigurationError, nearest

Values = dict[str, Any]
"""What one row gives its columns, by their keys; a column that is missing is left to its default."""

CHUNK = 2_000
"""Rows that are sent together, and held in memory."""


async def bulk_insert(
    database: Database,
    entity: type[Any],
    rows: Iterable[Any] | AsyncIterable[Any],
    *,
    session: AsyncSession | None = None,
    chunk: int = CHUNK,
) -> int:
    """Store rows, all or none, and answer how many they were.

    Raises `ValueError` for a row that is none of the entity, SQLAlchemy's errors for what the database or a column type
    refuses; both name the row, from 1. Raises like `transaction` when it has one of its own.
    """
    target = Target.of(entity)
    if session is None:
        async with transaction(database) as own:
            return await Load(target, await own.connection()).run(rows, chunk)
    await session.flush()  # what rows may refer to
    connection = await session.connection()
    async with connection.begin_nested():
        return await Load(target, connection).run(rows, chunk)


@dataclass(frozen=True, slots=True)
class _Column:
    """How the ORM sees a column: whether it stores `None` as a value, and NULL where nothing was given."""

    column: sa.Column[Any]
    keeps_none: bool
    fills_none: bool


@dataclass(frozen=True, slots=True)
class Target:
    """A table and how rows are read for it: columns and defaults by the names that the entity gives them."""

    entity: type[Any]
    table: sa.Table
    columns: Mapping[str, _Column]
    defaults: Mapping[str, Callable[[Mapping[str, Any]], Any]]
    always: Callable[[], Values]

    @classmethod
    def of(cls, entity: type[Any]) -> "Target":
        """Look at a mapped class, once a load."""
        mapper: sa.orm.Mapper[Any] = sa.inspect(entity)
        table = mapper.local_table
        if not isinstance(table, sa.Table) or len(mapper.tables) > 1:
            raise ConfigurationError(
                f"bulk_insert stores rows of a single table, and {entity.__name__} is mapped to something else:"
                " use session.add_all."
            )
        columns = {}
        for attribute in mapper.column_attrs:
            column = attribute.columns[0]
            if not isinstance(column, sa.Column) or column.table is not table or column.computed is not None:
                continue
            keeps = column.type.should_evaluate_none
            given = column.primary_key or column.default is not None or column.server_default is not None
            columns[attribute.key] = _Column(column, keeps, not keeps and not given)
        defaults = _defaults(entity, columns)
        kind = mapper.polymorphic_on
        if kind is not None and mapper.polymorphic_identity is not None:
            key = mapper.get_property_by_column(kind).key
            defaults[key] = lambda row: mapper.polymorphic_identity
        return cls(entity, table, columns, defaults, _first_version(mapper))

    def values(self, number: int, row: Any) -> Values:
        """Read one row, a mapping or an instance, as the ORM would. Raises `ValueError`."""
        if isinstance(row, Mapping):
            self._check(number, row)
            missing = {key: default(row) for key, default in self.defaults.items() if key not in row}
            given: Mapping[str, Any] = {**missing, **row}
        elif type(row) is self.entity:
            given = vars(row)
        else:
            raise ValueError(f"Row {number} is a {type(row).__name__}: give dicts or {self.entity.__name__} objects.")
        values = {}
        for key, known in self.columns.items():
            value = given.get(key, MISSING)
            if value is MISSING or (value is None and not known.keeps_none):
                if not known.fills_none:
                    continue
                value = None
            values[known.column.key] = value
        return values | self.always()

    def _check(self, number: int, row: Mapping[str, Any]) -> None:
        if unknown := row.keys() - self.columns.keys():
            name = min(map(str, unknown))
            meant = nearest(name, list(self.columns))
            message = f"Row {number}: {self.entity.__name__} has no column '{name}'."
            raise ValueError(f"{message} {meant}" if meant else message)


def _first_version(mapper: Any) -> Callable[[], Values]:
    column, count = mapper.version_id_col, mapper.version_id_generator
    return dict if column is None or not count else lambda: {column.key: count(None)}


def _defaults(entity: type[Any], columns: Mapping[str, _Column]) -> dict[str, Callable[[Mapping[str, Any]], Any]]:
    """Find the defaults that a class gives its objects; those of its columns come later."""
    if issubclass(entity, BaseModel):
        return {
            key: lambda row, field=field: field.get_default(call_default_factory=True, validated_data=dict(row))  # type: ignore[misc]
            for key, field in entity.model_fields.items()
            if key in columns and not field.is_required()
        }
    if is_dataclass(entity):
        made = {field.name: field.default_factory for field in fields(entity) if field.default_factory is not MISSING}
        return {key: lambda row, make=make: make() for key, make in made.items() if key in columns}  # type: ignore[misc]
    return {}


class Load:
    """One load on one connection, inside a transaction."""

    def __init__(self, target: Target, connection: AsyncConnection, insert: Any = None) -> None:
        self.target = target
        self.connection = connection
        self.insert = sa.insert(target.table) if insert is None else insert
        self.copies = insert is None and connection.dialect.driver == "asyncpg"

    async def run(self, rows: Iterable[Any] | AsyncIterable[Any], size: int) -> int:
        """Store rows in chunks of equal columns, in their order."""
        number, chunk = 0, list[Values]()
        async with _each(rows) as each:
            async for row in each:
                number += 1
                values = self.target.values(number, row)
                if chunk and (len(chunk) >= size or values.keys() != chunk[0].keys()):
                    await self._store(chunk, number - len(chunk))
                    chunk = []
                chunk.append(values)
        if chunk:
            await self._store(chunk, number + 1 - len(chunk))
        return number

    async def store(self, chunk: list[Values]) -> None:
        """Store rows of equal columns, all or none, without asking which one is to blame."""
        if not (self.copies and await self._copy(chunk)):
            await self.connection.execute(self.insert, chunk)

    async def _store(self, chunk: list[Values], first: int) -> None:
        self.copies = self.copies and await self._copy(chunk)
        if not self.copies:
            await self._insert(chunk, first)

    async def _insert(self, chunk: list[Values], first: int) -> None:
        """Insert rows; when that fails, insert halves of them, down to the row that is to blame."""
        try:
            async with self.connection.begin_nested():
                await self.connection.execute(self.insert, chunk)
        except StatementError as error:
            if lost_race(error) or (isinstance(error, DBAPIError) and error.connection_invalidated):
                raise
            if len(chunk) == 1:
                error.add_detail(f"row {first} of bulk_insert")
                raise
            half = len(chunk) // 2
            await self._insert(chunk[:half], first)
            await self._insert(chunk[half:], first + half)

    async def _copy(self, chunk: list[Values]) -> bool:
        """Copy rows on the driver's connection. Says no when that cannot be, or fails: INSERT will say why."""
        columns = _copied(self.target.table, chunk[0], self.connection.dialect)
        if columns is None:
            return False
        pooled = await self.connection.get_raw_connection()
        driver: Any = pooled.driver_connection
        savepoint = await self.connection.begin_nested()
        try:
            records = [tuple(convert(values) for convert in columns.values()) for values in chunk]
            await driver.copy_records_to_table(
                self.target.table.name, records=records, columns=list(columns), schema_name=self.target.table.schema
            )
        except Exception:
            await savepoint.rollback()
            return False
        await savepoint.commit()
        return True


@asynccontextmanager
async def _each(rows: Iterable[Any] | AsyncIterable[Any]) -> AsyncIterator[AsyncIterator[Any]]:
    """Go through rows of either kind, and close a generator that is left early."""
    source = rows.__aiter__() if isinstance(rows, AsyncIterable) else _asynchronous(rows)
    try:
        yield source
    finally:
        if close := getattr(source, "aclose", None):
            await close()


async def _asynchronous(rows: Iterable[Any]) -> AsyncIterator[Any]:
    for row in rows:
        yield row


class _Parameters:
    """What a default that looks at the other values of its row is given, as by an execution context of SQLAlchemy."""

    def __init__(self, values: Values) -> None:
        self.current_parameters = values

    def get_current_parameters(self, isolate_multiinsert_groups: bool = True) -> Values:
        """Answer the values of the row."""
        return self.current_parameters


def _copied(table: sa.Table, given: Values, dialect: sa.Dialect) -> dict[str, Callable[[Values], Any]] | None:
    """Say for each column to copy how its value is made of a row's; `None` when only INSERT can make one."""
    columns: dict[str, Callable[[Values], Any]] = {}
    for column in table.columns:
        default = None if column.key in given else column.default
        if column.key not in given and default is None:
            continue
        type_ = column.type.dialect_impl(dialect)
        in_sql = type_.bind_expression(sa.bindparam("value")) is not None
        refused = column.identity is not None and column.identity.always
        if in_sql or refused or not (default is None or default.is_scalar or default.is_callable):
            return None
        columns[column.name] = _maker(column.key, default, type_.bind_processor(dialect))
    return columns


def _maker(key: str, default: Any, process: Callable[[Any], Any] | None) -> Callable[[Values], Any]:
    """Make the function from a row's values to what the driver takes for one column."""
    convert = process or (lambda value: value)
    if default is None:
        return lambda values: convert(values[key])
    if default.is_scalar:
        return lambda values: convert(default.arg)
    return lambda values: convert(default.arg(_Parameters(values)))
