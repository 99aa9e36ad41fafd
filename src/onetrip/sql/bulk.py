"""Changes of the rows that filters choose: at most so many, or none.

The rows are found once, one more than may be changed. What is changed are those that were found, if they are not too
many; so no row that comes in between is missed or met.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapper

from onetrip.plan.ir import OrderKey
from onetrip.plan.mutations import Delete, Update, WritePlan
from onetrip.sql.columns import column_of
from onetrip.sql.conditions import condition, rows_of
from onetrip.sql.dialects.dialect import Dialect


def found(plan: WritePlan, dialect: Dialect) -> Any:
    """Find the keys of the rows, and keep others from changing them meanwhile where a database allows that."""
    assert isinstance(plan.mutation, Update | Delete) and plan.mutation.cap is not None
    row, rows = rows_of(plan.resource.entity)
    keys = [getattr(row, part.attribute) for part in plan.resource.key]
    rows = rows.add_columns(*(key.label(f"k{number}") for number, key in enumerate(keys)))
    rows = rows.where(*(condition(part, row, dialect) for part in plan.mutation.where))
    return rows.order_by(*keys).limit(_number(plan.mutation.cap + 1)).with_for_update(of=row).cte("found")


def are_found(plan: WritePlan, keys: Any) -> list[Any]:
    """Say that a row of the table is one of those that were found, and that those are not too many."""
    mapper: Mapper[Any] = sa.inspect(plan.resource.entity)
    columns = [column_of(part, mapper) for part in plan.resource.key]
    own = columns[0] if len(columns) == 1 else sa.tuple_(*columns)
    return [own.in_(sa.select(*keys.c)), are_few(plan, keys)]


def are_few(plan: WritePlan, keys: Any) -> Any:
    """Say that no more rows were found than may be changed."""
    assert isinstance(plan.mutation, Update | Delete) and plan.mutation.cap is not None
    return sa.select(sa.func.count()).select_from(keys).scalar_subquery() <= _number(plan.mutation.cap)


def in_order(plan: WritePlan) -> tuple[OrderKey, ...]:
    """Order changed rows by their key."""
    return tuple(OrderKey(field=part) for part in plan.resource.key)


def _number(number: int) -> Any:
    return sa.literal_column(str(int(number)))
