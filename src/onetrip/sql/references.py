"""Which foreign key was broken, where a database does not say: statements that find out, after a write has failed.

SQLite says that a foreign key failed, and nothing else. Each statement here answers with a row if it was that one. They
are for the failed write's own transaction, where the rows are as they were before it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapper

from onetrip.schema.model import Constraint

_ONE: sa.ColumnElement[int] = sa.literal_column("1")
_LET_GO = ("CASCADE", "SET NULL", "SET DEFAULT")


def dangling(
    entity: type[Any], values: Mapping[str, Any], key: Mapping[str, Any] | None = None
) -> list[tuple[Constraint, sa.Select[Any]]]:
    """Find out which of the values, by attribute, refer to a row that does not exist.

    `key` is that of the row that is changed: it completes a foreign key of which only a part is written.
    """
    row = _Row(entity, values, key)
    found = []
    for constraint in _foreign_keys(row.tables):
        if not any(column in row.given for column in constraint.columns):
            continue
        pairs = [(element.column, row.value(element.parent)) for element in constraint.elements]
        if all(value is not None for _, value in pairs):
            target = sa.select(_ONE).select_from(constraint.referred_table).correlate(None)
            exists = sa.exists(target.where(*(column == value for column, value in pairs)))
            complete = [value.is_not(None) for _, value in pairs if isinstance(value, sa.ScalarSelect)]
            found.append((_described(constraint), sa.select(_ONE).where(~exists, *complete)))
    return found


def referring(entity: type[Any], key: Mapping[str, Any]) -> list[tuple[Constraint, sa.Select[Any]]]:
    """Find out which tables have rows that refer to the row of a key, by attribute, and hold on to it."""
    row = _Row(entity, {}, key)
    found = []
    tables = {table for own in row.tables for table in own.metadata.tables.values()}
    for constraint in _foreign_keys(sorted(tables, key=lambda table: table.fullname)):
        if constraint.referred_table in row.tables and (constraint.ondelete or "").upper() not in _LET_GO:
            child = constraint.table.alias()
            pairs = [(child.c[element.parent.key], row.value(element.column)) for element in constraint.elements]
            if all(value is not None for _, value in pairs):
                select = sa.select(_ONE).select_from(child).where(*(column == value for column, value in pairs))
                if constraint.table in row.tables:  # a row that refers to itself may go
                    select = select.where(~row.is_key(child))
                found.append((_described(constraint), select.limit(1)))
    return found


class _Row:
    """What is known of one row: the values that are written, and its key."""

    def __init__(self, entity: type[Any], values: Mapping[str, Any], key: Mapping[str, Any] | None) -> None:
        mapper: Mapper[Any] = sa.inspect(entity)
        self.tables = [table for table in mapper.tables if isinstance(table, sa.Table)]
        columns = {column: prop.key for prop in mapper.column_attrs for column in prop.columns}
        self.given = {column: values[name] for column, name in columns.items() if name in values}
        self.key = {column: key[name] for column, name in columns.items() if key and name in key}

    def value(self, column: Any) -> Any:
        """Answer the value of a column, as it is written or else as it is stored; `None` when there is none."""
        for known in (self.given, self.key):
            if column in known:
                value = known[column]
                return None if value is None else sa.literal(value, column.type)
        if not self.key:
            return None
        stored = column.table.alias()
        return sa.select(stored.c[column.key]).where(self.is_key(stored)).scalar_subquery()

    def is_key(self, alias: Any) -> sa.ColumnElement[bool]:
        """Say that a row of the alias of a table is this one."""
        keys = ((column, value) for column, value in self.key.items() if column.table is alias.element)
        return sa.and_(*(alias.c[column.key] == sa.literal(value, column.type) for column, value in keys))


def _foreign_keys(tables: Any) -> Iterator[sa.ForeignKeyConstraint]:
    """List the foreign keys of tables whose end is declared, in their order."""
    for table in tables:
        for constraint in sorted(table.foreign_key_constraints, key=lambda each: each._creation_order):
            try:
                constraint.referred_table, [element.column for element in constraint.elements]
            except SQLAlchemyError:
                continue
            yield constraint


def _described(constraint: sa.ForeignKeyConstraint) -> Constraint:
    return Constraint(
        kind="foreign_key", name=None, table=constraint.table.fullname,
        columns=tuple(element.parent.name for element in constraint.elements), fields=(),
    )  # fmt: skip
