"""`AggregatePlan` → `Statement`: one SELECT whose single value is the JSON of groups.

It reads three tables, each made of the one before: what is asked of each row, the groups, and their JSON. So whatever
is asked of a row is computed once, and groups are filtered and sorted as rows are.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Select

from onetrip.plan.groups import AggregatePlan, Input
from onetrip.sql.conditions import amount, column_at, condition, joined, ordering, rows_of
from onetrip.sql.dialects.dialect import Dialect
from onetrip.sql.read import compiled
from onetrip.sql.shape import Parent
from onetrip.sql.statement import Statement


def compile_aggregate(plan: AggregatePlan, dialect: Dialect) -> Statement:
    """Compile a request for aggregates."""
    if plan.anchor is None:
        return compiled(dialect.records(_objects(plan, dialect)), dialect)
    entity, anchors = rows_of(plan.anchor.entity)
    found = dialect.records(_objects(plan, dialect, Parent(entity, plan.anchor.relation)))
    answer = anchors.add_columns(found.scalar_subquery().label("body"))
    return compiled(answer.where(*(condition(part, entity, dialect) for part in plan.anchor.where)), dialect)


def _objects(plan: AggregatePlan, dialect: Dialect, parent: Parent | None = None) -> Select[Any]:
    """Write each group as one JSON object."""
    groups = _groups(plan, dialect, parent).subquery("groups").c
    found = sa.select().select_from(groups[plan.outputs[0].field.attribute].table)
    found = found.where(*(condition(predicate, groups, dialect) for predicate in plan.having))
    found = found.order_by(*ordering(plan.order, groups, dialect))
    found = found.limit(amount(plan.limit, 1))  # to know whether there are more
    if plan.offset.value != 0:
        found = found.offset(amount(plan.offset))
    fields = (output.field for output in plan.outputs)
    values = [(field.name, dialect.write(field.type, groups[field.attribute])) for field in fields]
    return dialect.objects(found, values)


def _groups(plan: AggregatePlan, dialect: Dialect, parent: Parent | None) -> Select[Any]:
    """Select the values of each group, under the attributes of their fields."""
    rows = _rows(plan, dialect, parent).subquery("asked").c
    columns = []
    for output in plan.outputs:
        attribute = output.field.attribute
        if output.function is None:
            value: Any = rows[attribute]
        elif output.of is None:
            value = sa.func.count(type_=sa.BigInteger())
        else:
            value = dialect.groups.aggregate(output.function, output.of.column.type, output.field.type, rows[attribute])
        columns.append(value.label(attribute))
    keys = [rows[output.field.attribute] for output in plan.keys]
    return sa.select(*columns).select_from(rows.one.table).group_by(*keys)


def _rows(plan: AggregatePlan, dialect: Dialect, parent: Parent | None) -> Select[Any]:
    """Select what is asked of each row, under the attributes of the fields that are made of it."""
    entity, rows = rows_of(plan.entity)
    if parent is not None:
        rows = rows.where(joined(parent.entity, parent.relation.attribute, entity)).correlate(parent.entity)
    rows = rows.where(*(condition(predicate, entity, dialect) for predicate in plan.where))
    asked = [(output.field.attribute, output.of) for output in plan.outputs if output.of is not None]
    values = [_value(of, entity, dialect).label(attribute) for attribute, of in asked]
    return rows.add_columns(sa.literal_column("1", sa.Integer()).label("one"), *values)


def _value(of: Input, entity: Any, dialect: Dialect) -> Any:
    column, type_ = column_at(of.path, of.column, entity, dialect), of.column.type
    return dialect.groups.plain(type_, column) if of.bucket is None else dialect.groups.bucket(type_, column, of.bucket)
