"""Unique among the rows that are there: where deleting leaves a row in its table, it keeps its name from nobody."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import conv

from onetrip.errors import ConfigurationError
from onetrip.schema.marks import deletion_column


def unique_among_living(table: sa.Table) -> None:
    """Turn what is unique in a table into unique indexes over the rows that were not deleted.

    The primary key stays as it is, and so does an index that has a condition of its own. Raises `ConfigurationError`
    for a constraint that no such index can replace.
    """
    deleted = deletion_column(table.c)
    if deleted is None:
        return
    living: dict[str, Any] = {"postgresql_where": deleted.is_(None), "sqlite_where": deleted.is_(None)}
    for constraint in list(_constraints(table)):
        if constraint.deferrable or constraint.initially:
            raise ConfigurationError(
                f"{table.name}: {_named(constraint)} is deferrable, and what is unique among rows that are not deleted "
                "is an index, which cannot be. Leave 'deferrable' and 'initially' out, or SoftDelete."
            )
        table.constraints.discard(constraint)
        sa.Index(_named(constraint), *constraint.columns, unique=True, **living, **constraint.dialect_kwargs)
    for index in table.indexes:
        if index.unique and all(index.dialect_kwargs.get(option) is None for option in living):
            index.dialect_kwargs.update(living)


def _constraints(table: sa.Table) -> Iterator[sa.UniqueConstraint]:
    found = (constraint for constraint in table.constraints if isinstance(constraint, sa.UniqueConstraint))
    return iter(sorted(found, key=_named))


def _named(constraint: sa.UniqueConstraint) -> str:
    """Answer the name that was given, or that the naming convention gives, or the one that is most usual."""
    if isinstance(constraint.name, str):
        return constraint.name
    return conv("_".join(("uq", constraint.table.name, *constraint.columns.keys())))
