"""`ReadPlan` → `Statement` of an export: one row for each object, so that they can be read one after the other."""

from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import aliased

from onetrip.plan.ir import ReadPlan
from onetrip.sql.conditions import alive, condition
from onetrip.sql.dialects.dialect import Dialect
from onetrip.sql.finish import finisher
from onetrip.sql.read import compiled
from onetrip.sql.shape import Parent, objects
from onetrip.sql.statement import Statement


def compile_export(plan: ReadPlan, dialect: Dialect) -> Statement:
    """Compile an export. No rows of a relation may also mean that there is nothing that it hangs on."""
    finish = finisher(plan.selection.shape, dialect.sqlalchemy) if plan.python else None
    return compiled(dialect.record(_rows(plan, dialect)), dialect, finish)


def _rows(plan: ReadPlan, dialect: Dialect) -> Select[Any]:
    if plan.anchor is None:
        return objects(plan.selection, dialect)
    entity = aliased(plan.anchor.entity)
    where = [*alive(entity), *(condition(part, entity, dialect) for part in plan.anchor.where)]
    return objects(plan.selection, dialect, Parent(entity, plan.anchor.relation), where=where)
