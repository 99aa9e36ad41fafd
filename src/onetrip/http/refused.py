"""What the database refused of a write, as a problem.

PostgreSQL says which rule was broken. SQLite does not say which foreign key it was, so it is asked, after the failure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from onetrip.db.database import Database
from onetrip.db.runner import Rejected, differs
from onetrip.db.violations import Violation, violation
from onetrip.errors import Conflict, Location, OnetripError, Problem
from onetrip.hooks import Action
from onetrip.http.conflicts import conflict
from onetrip.plan.ir import Comparison
from onetrip.plan.mutations import Delete, Insert, Link, Update, WritePlan
from onetrip.schema.model import ResourceSchema, Schema
from onetrip.sql.read import compiled
from onetrip.sql.references import dangling, referring


class Refused(OnetripError):
    """A write that the database refused, with what was to be written: values and key, by attribute.

    `place` is where in the body the row stands, if it is not the body itself.
    """

    def __init__(
        self,
        rejected: Rejected,
        resource: ResourceSchema,
        action: Action,
        values: Mapping[str, Any],
        key: Mapping[str, Any],
        place: Location = (),
    ) -> None:
        super().__init__(str(rejected))
        self.rejected = rejected
        self.resource = resource
        self.action = action
        self.values = values
        self.key = key
        self.place = place

    @classmethod
    def by(cls, rejected: Rejected, plan: WritePlan, values: Sequence[Any], index: int | None = None) -> "Refused":
        """Make it of a plan and the values that it was run with; `index` is the row's place in an array."""
        mutation = plan.mutation
        action: Action = "create" if isinstance(mutation, Insert | Link) else "update"
        where = mutation.where if isinstance(mutation, Update | Delete) else ()
        assigned = mutation.assignments if isinstance(mutation, Insert | Update | Link) else ()
        return cls(
            rejected,
            plan.resource,
            "delete" if isinstance(mutation, Delete) else action,
            {item.field.attribute: values[item.parameter] for item in assigned} if values else {},
            {part.field.attribute: values[part.parameters[0]] for part in where if isinstance(part, Comparison)},
            () if index is None else (index,),
        )

    async def problem(self, schema: Schema, database: Database) -> Problem:
        """Say what was wrong."""
        if self.rejected.again:
            return Conflict("Others are changing the same rows.", hint="Try again.")
        found = violation(self.rejected.error)
        if found is None:
            return differs(self.rejected.error)
        if found.kind == "foreign_key" and found.constraint is None and not found.columns:
            found = await self._which(found, database)
        return conflict(found, self.resource, schema, self.action, self.place)

    async def _which(self, found: Violation, database: Database) -> Violation:
        """Find out which foreign key was broken: one of the row, or one that leads to it."""
        entity = self.resource.entity
        asked = referring(entity, self.key) if self.key else []
        if self.action != "delete":
            asked = [*dangling(entity, self.values, self.key), *asked]
        for constraint, select in asked:
            statement = compiled(select, database.dialect)
            if await database.run(statement, ()) is not None:
                return replace(found, table=constraint.table, columns=constraint.columns)
        return found
