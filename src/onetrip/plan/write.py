"""Query × what is to be written × Schema → `WritePlan`.

Whether a value fits its column is for the body's model; here is decided what a write does, and how its row is written
afterwards: by the same passes that plan a read. Pure: no I/O, no SQL, no HTTP.
"""

from dataclasses import dataclass, replace
from typing import Literal

from onetrip.errors import Invalid
from onetrip.plan.ir import Assignment, Delete, Embedded, Insert, Mutation, Shape, Update, WritePlan
from onetrip.plan.read import Endpoint, Planner, refuse_list_parameters
from onetrip.query.ast import Query
from onetrip.schema.model import Field, Generated, ResourceSchema, Schema
from onetrip.settings import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What is to be done, apart from the values: `columns` are those that the body sets, in the order of its values.

    `reset` become what they are by default. `conditional` says that the client names the version that it expects,
    `many` that each value is a list.
    """

    kind: Literal["create", "update", "delete"]
    columns: tuple[Field, ...] = ()
    reset: tuple[Field, ...] = ()
    conditional: bool = False
    many: bool = False

    def expecting(self) -> "Action":
        """Answer the same, of a row in a certain version."""
        return replace(self, conditional=True)


def plan_write(query: Query, endpoint: Endpoint, action: Action, schema: Schema, limits: Limits) -> WritePlan:
    """Plan one write. Raises `Invalid` for what does not exist here, and for embeds over the limits."""
    planner = Planner(schema, limits, endpoint)
    resource = endpoint.target
    where = planner.key()
    refuse_list_parameters(query, endpoint)
    planner.filters(query)  # there are none here, and each is refused by its name
    shape = None
    if action.kind != "delete":
        shape = planner.shape(resource, query)
    elif query.fields is not None or query.include:
        name = "fields" if query.fields is not None else "include"
        raise Invalid.at(("query", name), f"'{name}' is for answers that show a row; here there is none.")
    number = len(planner.parameters) + action.conditional
    generated = _generated(resource, action)
    columns = (*action.columns, *(item.field for item in generated))
    assignments = tuple(Assignment(field=column, parameter=number + at) for at, column in enumerate(columns))
    mutation: Mutation
    if action.kind == "create":
        mutation = Insert(assignments=assignments, many=action.many)
    elif action.kind == "update":
        mutation = Update(where=where, assignments=assignments, reset=action.reset)
    else:
        mutation = Delete(where=where)
    return WritePlan(
        resource=resource, mutation=mutation, shape=shape, parameters=tuple(planner.parameters),
        conditional=action.conditional, generated=generated,
        leads_back=shape is not None and _leads_to(resource.entity, shape),
    )  # fmt: skip


def _generated(resource: ResourceSchema, action: Action) -> tuple[Generated, ...]:
    """Find the columns that Python fills because the body does not."""
    filled = {"create": resource.writes.inserted, "update": resource.writes.updated, "delete": ()}[action.kind]
    given = {column.attribute for column in (*action.columns, *action.reset)}
    return tuple(item for item in filled if item.field.attribute not in given)


def _leads_to(entity: type, shape: Shape) -> bool:
    """Say whether something embedded is a row of an entity."""
    embeds = [item for item in (*shape.items, *shape.loaded) if isinstance(item, Embedded)]
    return any(
        issubclass(inner.view.entity, entity) or issubclass(entity, inner.view.entity) or _leads_to(entity, inner)
        for inner in (embed.selection.shape for embed in embeds)
    )
