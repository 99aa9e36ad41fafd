"""What the database refused of a write, as a problem.

PostgreSQL says which rule was broken. SQLite does not say which foreign key it was, so it is asked, after the failure.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from onetrip.db.database import Database
from onetrip.db.runner import Rejected, differs
from onetrip.db.violations import Violation, violation
from onetrip.errors import Conflict, Problem
from onetrip.http.conflicts import conflict
from onetrip.plan.ir import Comparison, Delete, Insert, Mutation, WritePlan
from onetrip.schema.model import Schema
from onetrip.sql.read import compiled
from onetrip.sql.references import dangling, referring


async def refused(
    error: Rejected,
    plan: WritePlan,
    values: Sequence[Any],
    schema: Schema,
    database: Database,
    index: int | None = None,
) -> Problem:
    """Say what was wrong with a write. `values` are those that it was run with, `index` is its place in an array."""
    if error.again:
        return Conflict("Others are changing the same rows.", hint="Try again.")
    found = violation(error.error)
    if found is None:
        return differs(error.error)
    if found.kind == "foreign_key" and found.constraint is None and not found.columns:
        found = await _which(found, plan, values, database)
    return conflict(found, plan.resource, schema, _action(plan.mutation), index)


def _action(mutation: Mutation) -> Literal["create", "update", "delete"]:
    if isinstance(mutation, Insert):
        return "create"
    return "delete" if isinstance(mutation, Delete) else "update"


async def _which(found: Violation, plan: WritePlan, values: Sequence[Any], database: Database) -> Violation:
    """Find out which foreign key was broken: one of the row, or one that leads to it."""
    mutation, entity = plan.mutation, plan.resource.entity
    where = () if isinstance(mutation, Insert) else mutation.where
    key = {part.field.attribute: values[part.parameters[0]] for part in where if isinstance(part, Comparison)}
    asked = referring(entity, key) if key else []
    if not isinstance(mutation, Delete):
        given = {item.field.attribute: values[item.parameter] for item in mutation.assignments}
        asked = [*dangling(entity, given, key), *asked]
    for constraint, select in asked:
        statement = compiled(select, database.dialect)
        if await database.run(statement, ()) is not None:
            return replace(found, table=constraint.table, columns=constraint.columns)
    return found
