"""The history of one row: how its entries are read, and written."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Select
from sqlalchemy.orm import aliased

from onetrip.plan.ir import Paging, Selection, Trail
from onetrip.sql.conditions import condition, rows_of
from onetrip.sql.dialects.dialect import Dialect
from onetrip.sql.listing import listed
from onetrip.sql.own import OnetripHistory
from onetrip.sql.statement import placeholder


def history(selection: Selection, trail: Trail, paging: Paging, dialect: Dialect) -> Select[Any]:
    """Select the entries of a row; no row of an answer where there is neither such a row nor an entry."""
    entry, any_entry = aliased(OnetripHistory), aliased(OnetripHistory)
    rows = listed(selection, paging, dialect, source=entry, where=_of(trail, entry, dialect))
    one: Any = sa.literal_column("1")
    row, found = rows_of(trail.entity)
    found = found.add_columns(one).where(*(condition(part, row, dialect) for part in trail.where))
    written = sa.select(one).select_from(any_entry).where(*_of(trail, any_entry, dialect))
    answer = rows.scalar_subquery().label("body")
    return sa.select(answer).where(sa.or_(found.exists(), written.exists()))


def _of(trail: Trail, entry: Any, dialect: Dialect) -> Sequence[Any]:
    """Say that an entry is one of the row: its key is a JSON array, as `entry_of` writes it."""
    key = sa.literal_column("'['", sa.Text())
    for number, part in enumerate(trail.key):
        comma = sa.literal_column("','", sa.Text())
        text = dialect.parameter(placeholder(part), sa.Text())
        key = key + comma + text if number else key + text
    return [entry.resource == trail.resource, entry.key == key + sa.literal_column("']'", sa.Text())]


def entry_of(resource: str, key: Sequence[str], **values: Any) -> Any:
    """Insert an entry. `key` are the parts of the row's key, as texts of JSON."""
    named: Mapping[str, Any] = {"resource": resource, "key": f"[{','.join(key)}]", **values}
    return sa.insert(OnetripHistory).values(named)
