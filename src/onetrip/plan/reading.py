"""Query × Schema → `ReadPlan` of an endpoint that is written by hand: rows that its own condition lets through."""

from dataclasses import replace

from onetrip.plan.given import Given
from onetrip.plan.ir import ReadPlan
from onetrip.plan.read import Endpoint, plan_read
from onetrip.query.ast import Constant, Query
from onetrip.schema.model import Schema
from onetrip.settings import Limits


def plan_first(query: Query, endpoint: Endpoint, schema: Schema, limits: Limits) -> ReadPlan:
    """Plan the read of the first row of a list. Raises `Invalid` like `plan_read`."""
    plan = plan_read(replace(query, limit=Constant("1")), endpoint, schema, limits)
    return replace(plan, selection=replace(plan.selection, exactly=True), many=False, paging=None)


def given(plan: ReadPlan, condition: Given) -> ReadPlan:
    """Add a condition of the application to the plan of a list, and to what its cursors belong to."""
    selection = replace(plan.selection, where=(*plan.selection.where, condition))
    cursors = tuple(replace(cursor, where=(*cursor.where, condition)) for cursor in plan.cursors)
    return replace(plan, selection=selection, cursors=cursors)
