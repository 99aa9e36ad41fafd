"""Keyset pagination: which rows stand behind a position in an order, and how a position is read from a row.

A position is the values of the keys of the order, exactly as they are stored: what is rounded or rewritten for people
would let rows be skipped or repeated.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import ColumnElement

from onetrip.plan.ir import Keyset, OrderKey, Selection
from onetrip.schema.model import Field
from onetrip.sql.conditions import column_at
from onetrip.sql.dialects.dialect import Dialect
from onetrip.sql.statement import placeholder


class _Term(NamedTuple):
    """One key: what is sorted by, the value of the position, and whether NULLs come behind what is not NULL."""

    key: OrderKey
    column: Any
    value: Any
    is_null: bool
    nulls_follow: bool

    def strictly(self) -> ColumnElement[bool]:
        """Say that a row stands behind by this key alone."""
        if self.is_null:
            there: ColumnElement[bool] = self.column.is_not(None)
            return sa.false() if self.nulls_follow else there
        behind: ColumnElement[bool] = self.column < self.value if self.key.descending else self.column > self.value
        return sa.or_(behind, self.column.is_(None)) if self.nulls_follow else behind

    def equally(self) -> ColumnElement[bool]:
        """Say that a row is equal in this key."""
        equal: ColumnElement[bool] = self.column.is_(None) if self.is_null else self.column == self.value
        return equal

    @property
    def ranges(self) -> bool:
        """Whether all that is equal or stands behind is one range of values, as an index has them."""
        return not self.is_null and not self.nulls_follow


def behind(keyset: Keyset, keys: Sequence[OrderKey], entity: Any, dialect: Dialect) -> ColumnElement[bool]:
    """Say that a row stands behind a position.

    By a comparison of rows where that says it all, which one index answers; else key by key.
    """
    terms = [
        _term(key, number, is_null, entity, dialect)
        for key, number, is_null in zip(keys, keyset.values, keyset.nulls, strict=True)
    ]
    if len(terms) > 1 and all(term.ranges for term in terms) and len({key.descending for key in keys}) == 1:
        columns, values = sa.tuple_(*(term.column for term in terms)), sa.tuple_(*(term.value for term in terms))
        found: ColumnElement[bool] = columns < values if keys[0].descending else columns > values
        return found
    return _behind(terms)


def _term(key: OrderKey, number: int, is_null: bool, entity: Any, dialect: Dialect) -> _Term:
    stored = column_at(key.path, key.field, entity, dialect)
    value = dialect.pages.value(key.field.type, stored, placeholder(number))
    nulls_first = key.descending if key.nulls_first is None else key.nulls_first
    column = dialect.sortable(key.field.type, stored)
    return _Term(key, column, value, is_null, key.nullable and not nulls_first)


def _behind(terms: Sequence[_Term]) -> ColumnElement[bool]:
    """Compare key by key: behind by the first, or equal in it and behind by the others.

    Where it can be said as a range of the first key with an exception, an index on it is of use.
    """
    first, *rest = terms
    if not rest:
        return first.strictly()
    if first.ranges:
        reached = first.column <= first.value if first.key.descending else first.column >= first.value
        return sa.and_(reached, sa.or_(first.strictly(), _behind(rest)))
    return sa.or_(first.strictly(), sa.and_(first.equally(), _behind(rest)))


def position(keys: Sequence[OrderKey], entity: Any, dialect: Dialect) -> Any:
    """Write the position of a row as a JSON array."""
    return dialect.pages.position([(key.field.type, column_at(key.path, key.field, entity, dialect)) for key in keys])


def shown_position(selection: Selection, dialect: Dialect) -> tuple[str, ...] | None:
    """Name the parts of an object that are its position; `None` where it does not show all of them as stored."""
    shape = selection.shape
    if shape.view.python is not None:
        return None
    shown = {item.attribute: item for item in shape.items if isinstance(item, Field)}
    for key in selection.order:
        exact = dialect.pages.shows_as_stored(key.field.type)
        if key.path or not exact or shown.get(key.field.attribute) is not key.field:
            return None
    return tuple(key.field.name for key in selection.order)
