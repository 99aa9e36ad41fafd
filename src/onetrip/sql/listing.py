"""A list as one value: its records, and beside them how many rows there are in all, and where they stand."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Select

from onetrip.plan.ir import Paging, Selection
from onetrip.schema.marks import deletion_of
from onetrip.sql.dialects.dialect import Dialect
from onetrip.sql.keyset import shown_position
from onetrip.sql.shape import Parent, members, objects


def listed(
    selection: Selection, paging: Paging, dialect: Dialect, parent: Parent | None = None, source: Any | None = None,
    where: Sequence[Any] = (),
) -> Select[Any]:  # fmt: skip
    """Select a page of a list, in the form of `Statement`."""
    positions = paging.walks and shown_position(selection, dialect) is None
    rows = objects(selection, dialect, parent, source, where, positions=positions)
    total: Any = None
    if paging.total is not None:
        count = members(selection, dialect, parent, source, where).rows.with_only_columns(sa.func.count())
        total = count.scalar_subquery()
        if paging.total == "estimated" and source is None:
            total = dialect.pages.estimate(total, _whole_table(selection) if parent is None else None)
    return dialect.records(rows, total)


def estimated(
    selection: Selection, dialect: Dialect, parent: Parent | None = None, where: Sequence[Any] = ()
) -> Select[Any] | None:
    """Select all rows of a list, where nothing but the database's planner can guess how many there are."""
    if dialect.pages.estimate(sa.null(), _whole_table(selection) if parent is None else None) is not None:
        return None
    return members(selection, dialect, parent, where=where).rows.add_columns(sa.literal_column("1"))


def _whole_table(selection: Selection) -> sa.Table | None:
    """Answer the table of which every row is listed, if there is one."""
    mapper = sa.inspect(selection.shape.view.entity)
    if selection.where or mapper.inherits is not None or deletion_of(mapper) is not None:
        return None
    return mapper.local_table if isinstance(mapper.local_table, sa.Table) else None
