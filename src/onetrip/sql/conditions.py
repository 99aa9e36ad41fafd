"""Predicates and order → SQL expressions; which rows of a table there are."""

from collections.abc import Iterator, Sequence
from typing import Any, assert_never

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Select
from sqlalchemy.orm import MANYTOONE, aliased
from sqlalchemy.sql import visitors

from onetrip.plan.given import Given
from onetrip.plan.ir import (
    AllOf,
    AnyOf,
    Comparison,
    Exists,
    FirstOf,
    Hop,
    Matches,
    Negation,
    Number,
    OrderKey,
    Predicate,
)
from onetrip.schema.marks import deletion_column, deletion_of
from onetrip.schema.model import Field
from onetrip.sql.dialects.dialect import Dialect
from onetrip.sql.statement import placeholder


def parameter(number: int, type_: sa.types.TypeEngine[Any]) -> sa.BindParameter[Any]:
    """Make the placeholder of a plan's parameter that is not compared with a column."""
    return sa.bindparam(placeholder(number), type_=type_)


def amount(number: Number, more: int = 0) -> Any:
    """Write how many, or some more. What is the same in every request is a literal, so that one plan serves them all.

    https://www.postgresql.org/docs/current/sql-prepare.html#SQL-PREPARE-NOTES: where a plan for any value looks dearer,
    as with a limit that nobody knows, a statement is planned again each time.
    """
    if number.value is not None:
        return sa.literal_column(str(int(number.value) + more))
    given = parameter(number.parameter, sa.BigInteger())
    return given + sa.literal_column(str(more)) if more else given


def rows_of(entity: type[Any], where: Sequence[Predicate] = ()) -> tuple[Any, Select[Any]]:
    """Alias a table, and select from it: the one way to its rows, on which those that were deleted are not met.

    Where a condition is `Given`, which speaks of the class itself, that is no alias.
    """
    row = entity if any(isinstance(predicate, Given) for predicate in where) else aliased(entity)
    return row, sa.select().select_from(row).where(*alive(row))


def alive(entity: Any) -> Iterator[ColumnElement[bool]]:
    """Say that a row was not deleted, where deleting leaves it in its table."""
    deleted = deletion_of(sa.inspect(entity).mapper)
    if deleted is not None:
        yield getattr(entity, deleted).is_(None)


def gone(entity: Any) -> Iterator[ColumnElement[bool]]:
    """Say that a row was deleted, and is in its table still."""
    return (~there for there in alive(entity))


def condition(predicate: Predicate, entity: Any, dialect: Dialect) -> ColumnElement[bool]:
    """Compile a predicate over an (aliased) entity."""
    match predicate:
        case Comparison():
            return _comparison(predicate, entity, dialect)
        case AllOf(of):
            return sa.and_(sa.true(), *(condition(part, entity, dialect) for part in of))
        case AnyOf(of):
            return sa.or_(sa.false(), *(condition(part, entity, dialect) for part in of))
        case Negation(of):
            return sa.not_(condition(of, entity, dialect))
        case FirstOf(of):
            return sa.func.coalesce(*(condition(part, entity, dialect) for part in of), type_=sa.Boolean())
        case Exists():
            return _exists(predicate, entity, dialect)
        case Given(expression):
            return expression  # type: ignore[no-any-return]
        case Matches(search, number):
            return dialect.full_text.matches(search, sa.inspect(entity).selectable, placeholder(number))
        case _:
            assert_never(predicate)


def _exists(predicate: Exists, entity: Any, dialect: Dialect) -> ColumnElement[bool]:
    row, rows = rows_of(predicate.entity)
    found = rows.add_columns(sa.literal_column("1")).where(joined(entity, predicate.relation.attribute, row))
    if predicate.of is not None:
        found = found.where(condition(predicate.of, row, dialect))
    return found.correlate(entity).exists()


def _comparison(predicate: Comparison, entity: Any, dialect: Dialect) -> ColumnElement[bool]:
    """Compile a comparison of one value."""
    column = column_at(predicate.path, predicate.field, entity, dialect)
    type_, sign = predicate.field.type, predicate.operator
    if sign == "is_null":
        return column.is_(None)  # type: ignore[no-any-return]
    names = [placeholder(number) for number in predicate.parameters]
    if sign in ("eq", "in", "ne", "not_in"):
        found = dialect.equal(type_, column, *(dialect.parameter(name, column.type) for name in names))
        return sa.not_(found) if sign in ("ne", "not_in") else found
    (name,) = names
    if type_.kind == "list":
        return dialect.documents.holds(sign, column, name)
    if type_.kind == "array":
        return dialect.holds(sign, type_, column, name)
    if sign in ("gt", "gte", "lt", "lte"):
        return dialect.compare(type_, sign, column, dialect.parameter(name, column.type))
    return dialect.match(sign, column, name)


def column_at(path: Sequence[Hop], field: Field, entity: Any, dialect: Dialect) -> Any:
    """Find a column of an (aliased) entity, or that of the row to which relations lead from it; NULL without one."""
    if not path:
        column = getattr(entity, field.attribute)
        return column if field.keys is None else dialect.documents.value(field.type, column, field.keys)
    first, *rest = path
    row, rows = rows_of(first.entity)
    found = rows.add_columns(column_at(rest, field, row, dialect)).where(joined(entity, first.relation.attribute, row))
    if sa.inspect(entity).mapper.relationships[first.relation.attribute].direction is not MANYTOONE:
        found = found.limit(sa.literal_column("1"))  # nothing but the mapper says that there is one
    return found.correlate(entity).scalar_subquery()


def joined(entity: Any, attribute: str, target: Any) -> Any:
    """Say that a row of `target` is at the end of a relation of `entity`; a link table is joined under a new name."""
    join = getattr(entity, attribute).of_type(target).__clause_element__()
    deleted = (deletion_column(table.c) for table in links(join, entity, target))
    return sa.and_(join, *(column.is_(None) for column in deleted if column is not None))


def links(join: Any, entity: Any, target: Any) -> list[Any]:
    """Find the tables between the two ends of a relation."""
    ends = [sa.inspect(end).selectable for end in (entity, target)]
    columns = (part for part in visitors.iterate(join) if isinstance(part, sa.Column))
    return [table for table in dict.fromkeys(column.table for column in columns) if table not in (*ends, None)]


def ranked(matches: Matches, rows: Select[Any], entity: Any, dialect: Dialect) -> tuple[Select[Any], Any]:
    """Keep the rows that match, and answer by what the best of them comes first."""
    row = sa.inspect(entity).selectable
    return dialect.full_text.ranked(matches.search, rows, row, placeholder(matches.parameter))


def ordering(keys: Sequence[OrderKey], entity: Any, dialect: Dialect) -> list[Any]:
    """Compile an order."""
    return [
        dialect.order(
            dialect.sortable(key.field.type, column_at(key.path, key.field, entity, dialect)),
            descending=key.descending, nulls_first=key.nulls_first, nullable=key.nullable,
        )
        for key in keys
    ]  # fmt: skip
