"""What a column says of itself in `Column.info`, for what no other fact of a table tells.

The mixins write these marks; a column of one's own may bear them, too: `info={"onetrip": "generated"}`. Nothing but the
marks and how they are read belongs here.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy.orm import Mapper

MARK = "onetrip"
"""The key in `Column.info`."""

GENERATED = "generated"
"""Filled by the database or the table's own code: clients read it, and never write it."""

DELETED = "deleted"
"""When a row was deleted, NULL while it is there: clients neither read nor write it, and rows that have it are gone."""


def is_generated(column: Any) -> bool:
    """Say whether no client writes a column."""
    return _mark(column) in (GENERATED, DELETED)


def is_deletion(column: Any) -> bool:
    """Say whether a column has the moment at which its row was deleted."""
    return _mark(column) == DELETED


def deletion_of(mapper: Mapper[Any]) -> str | None:
    """Find the attribute that says when a row of a class was deleted; `None` where rows are deleted for good."""
    return next((prop.key for prop in mapper.column_attrs if is_deletion(prop.columns[0])), None)


def deletion_column(columns: Iterable[Any]) -> Any | None:
    """Find the column of a table, or of an alias of one, that says when a row was deleted."""
    return next((column for column in columns if any(map(is_deletion, column.base_columns))), None)


def _mark(column: Any) -> str | None:
    mark: str | None = getattr(column, "info", {}).get(MARK)
    return mark
