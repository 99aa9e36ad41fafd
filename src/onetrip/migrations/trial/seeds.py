"""Rows for tables that nobody knows: made from what the database says of their columns, keys and conditions."""

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from onetrip.migrations import checkpoints
from onetrip.migrations.checksums import TABLE
from onetrip.migrations.compare.plugin import without_reflection_warnings
from onetrip.migrations.history import VERSIONS
from onetrip.migrations.snapshot import live

ROWS = 2
"""Rows for each table and time: one with everything, one with as little as may be."""

_LITERAL = re.compile(r"'((?:[^']|'')*)'")
_DAY = date(2026, 1, 1)


class Seeds:
    """Makes rows, each unlike all before."""

    def __init__(self) -> None:
        self.numbers = count(1)
        self.without: set[str] = set()

    def plant(self, connection: sa.Connection) -> int:
        """Store rows in every table, those first that others refer to, and answer how many.

        A table that takes none of what is tried has its name in `without`.
        """
        metadata = sa.MetaData()
        names = {name for _, name in live.read(connection).tables}  # without those that keep the words of searches
        with without_reflection_warnings():
            metadata.reflect(connection, only=lambda name, _: name in names)
            tables = metadata.sorted_tables
        stored = 0
        for table in tables:
            if table.name in (VERSIONS, TABLE, checkpoints.TABLE):
                continue
            rows = sum(self._store(connection, table, number) for number in range(ROWS))
            if rows == 0:
                self.without.add(table.fullname)
            stored += rows
        connection.commit()
        return stored

    def _store(self, connection: sa.Connection, table: sa.Table, number: int) -> bool:
        """Try one row in several ways."""
        for attempt in range(4):
            savepoint = connection.begin_nested()
            try:
                row = self._row(connection, table, number, attempt)
                connection.execute(table.insert().values(row))
                savepoint.commit()
            except (SQLAlchemyError, ValueError):
                savepoint.rollback()
            else:
                return True
        return False

    def _row(self, connection: sa.Connection, table: sa.Table, number: int, attempt: int) -> dict[str, Any]:
        row: dict[str, Any] = {}
        for key in table.foreign_key_constraints:
            row |= _referred(connection, key, number)
        unique = next(self.numbers)
        for column in table.columns:
            if column.name in row or column.computed is not None or column.identity is not None:
                continue
            wanted = column.server_default is None and not (column.nullable and number % 2)
            if wanted and not _counts_itself(table, column):
                literals = _literals(table, column) if attempt % 2 == 0 else []
                row[column.name] = literals[unique % len(literals)] if literals else _value(column, unique, attempt)
        return row


def _referred(connection: sa.Connection, key: sa.ForeignKeyConstraint, number: int) -> dict[str, Any]:
    """Choose a row that a foreign key refers to, the newest first; none where it may be NULL."""
    own, other = [part.parent for part in key.elements], [part.column for part in key.elements]
    if all(column.nullable for column in own) and (number % 2 or key.referred_table is key.table):
        return {column.name: None for column in own}
    rows = connection.execute(sa.select(*other).order_by(*(column.desc() for column in other)).limit(ROWS)).all()
    if not rows:
        raise ValueError(key)
    return {column.name: value for column, value in zip(own, rows[number % len(rows)], strict=True)}


def _counts_itself(table: sa.Table, column: sa.Column[Any]) -> bool:
    """Say whether SQLite numbers the rows by this column."""
    return table.autoincrement_column is column and not column.foreign_keys


def _literals(table: sa.Table, column: sa.Column[Any]) -> list[str]:
    """Find the texts that a CHECK of a column names."""
    name = re.compile(rf"\b{re.escape(column.name)}\b")
    texts = [str(each.sqltext) for each in table.constraints if isinstance(each, sa.CheckConstraint)]
    found = [literal for text in texts if name.search(text) for literal in _LITERAL.findall(text)]
    return [each.replace("''", "'") for each in found] if isinstance(column.type, sa.String) else []


def _value(column: sa.Column[Any], number: int, attempt: int) -> Any:
    """Make a value of the type of a column. Raises `ValueError` for a type that is not known."""
    for types, make in _VALUES:
        if isinstance(column.type, types):
            return make(column.type, number if attempt < 2 else number % 5)
    raise ValueError(column.type)


def _text(kind: Any, number: int) -> str:
    text = f"v{number}"
    return text if kind.length is None else text[-kind.length :]


def _decimal(kind: Any, number: int) -> Decimal:
    digits = (kind.precision or 9) - (kind.scale or 0)
    return Decimal(number % 10 ** max(digits, 0)) if digits > 0 else Decimal(0)


_VALUES: tuple[tuple[Any, Any], ...] = (
    (sa.Enum, lambda kind, number: kind.enums[number % len(kind.enums)]),
    (sa.Boolean, lambda kind, number: bool(number % 2)),
    (sa.Integer, lambda kind, number: number),
    (sa.Float, lambda kind, number: float(number)),
    (sa.Numeric, _decimal),
    (sa.String, _text),
    (sa.Uuid, lambda kind, number: UUID(int=number) if kind.as_uuid else str(UUID(int=number))),
    (sa.DateTime, lambda kind, number: datetime(
        2026, 1, 1, tzinfo=UTC if kind.timezone else None) + timedelta(minutes=number)),
    (sa.Date, lambda kind, number: _DAY + timedelta(days=number)),
    (sa.Time, lambda kind, number: time(number % 24)),
    (sa.Interval, lambda kind, number: timedelta(minutes=number)),
    (sa.LargeBinary, lambda kind, number: str(number).encode()),
    (sa.ARRAY, lambda kind, number: []),
    (sa.JSON, lambda kind, number: {"number": number}),
)  # fmt: skip
