"""Query × what is to be written × Schema → `WritePlan`.

Whether a value fits its column is for the body's model; here is decided what a write does, and how its row is written
afterwards: by the same passes that plan a read. Pure: no I/O, no SQL, no HTTP.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal, NamedTuple

from onetrip.errors import Invalid
from onetrip.plan.cost import check_cost
from onetrip.plan.ir import Counted, Embedded, Predicate, Shape
from onetrip.plan.mutations import Assignment, Delete, Insert, Mutation, Update, WritePlan
from onetrip.plan.read import Endpoint, Planner, refuse_list_parameters
from onetrip.plan.upsert import plan_upsert
from onetrip.query.ast import Query
from onetrip.schema.model import Field, Generated, ResourceSchema, Schema
from onetrip.settings import Limits


class Action(NamedTuple):
    """What is to be done, apart from the values: `columns` are those that the body sets, in the order of its values.

    `reset` become what they are by default. `conditional` says that the client names the version that it expects,
    `many` that each value is a list. `sent` are the columns that the client itself sends of a new row, `increments`
    those that grow by values that follow the others.
    """

    kind: Literal["create", "update", "delete", "restore"]
    columns: tuple[Field, ...] = ()
    reset: tuple[Field, ...] = ()
    conditional: bool = False
    many: bool = False
    sent: tuple[Field, ...] = ()
    increments: tuple[Field, ...] = ()

    def expecting(self) -> "Action":
        """Answer the same, of a row in a certain version."""
        return self._replace(conditional=True)


def plan_write(query: Query, endpoint: Endpoint, action: Action, schema: Schema, limits: Limits) -> WritePlan:
    """Plan one write. Raises `Invalid` for what does not exist here, and for embeds over the limits."""
    planner = Planner(schema, limits, endpoint)
    resource = endpoint.target
    where = _chosen(planner, query) if endpoint.kind == "collection" else _addressed(planner, query)
    shape = None
    if action.kind != "delete":
        shape = planner.shape(resource, query)
    elif query.fields is not None or query.include:
        name = "fields" if query.fields is not None else "include"
        raise Invalid.at(("query", name), f"'{name}' is for answers that show a row; here there is none.")
    number = len(planner.parameters) + action.conditional
    cap = resource.writes.bulk if endpoint.kind == "collection" else None
    generated = _generated(resource, action)
    columns = _numbered(action.columns, number)
    increments = _numbered(action.increments, number + len(columns))
    made = _numbered([item.field for item in generated], number + len(columns) + len(increments))
    mutation: Mutation
    if action.kind == "create":
        mutation = Insert(assignments=(*columns, *made), many=action.many)
        if query.upsert is not None:
            upsert = plan_upsert(query.upsert, resource, action.columns, action.sent)
            again = resource.writes.updated if upsert.changed else ()
            changed = _numbered([item.field for item in again], number + len(columns) + len(made))
            given = {column.attribute for column in upsert.changed}
            changed = tuple(item for item in changed if item.field.attribute not in given)
            mutation = replace(mutation, upsert=replace(upsert, generated=changed))
            generated = (*generated, *again)
    elif action.kind in ("update", "restore"):
        mutation = Update(
            where=where, assignments=(*columns, *made), reset=action.reset, increments=increments, cap=cap,
            restored=action.kind == "restore",
        )  # fmt: skip
    else:
        mutation = Delete(where=where, cap=cap)
    return WritePlan(
        resource=resource, mutation=mutation, shape=shape, parameters=planner.parameters,
        conditional=action.conditional, generated=generated,
        leads_back=shape is not None and _leads_to(resource.entity, shape), check=check_cost(shape, limits),
    )  # fmt: skip


def _addressed(planner: Planner, query: Query) -> tuple[Predicate, ...]:
    """Find the row that the path names."""
    where = planner.key()
    refuse_list_parameters(query, planner.endpoint)
    planner.filters(query)  # there are none here, and each is refused by its name
    return where


def _chosen(planner: Planner, query: Query) -> tuple[Predicate, ...]:
    """Find the rows that filters choose. Raises `Invalid` where there is no filter: nobody means all rows by that."""
    name = planner.endpoint.target.name
    given = ("sort", "limit", "offset", "after", "before", "count", "search")
    for parameter in given:
        if getattr(query, parameter) is not None:
            shown = "q" if parameter == "search" else parameter
            message = f"'{shown}' is for lists that are read; filters alone say which rows change."
            raise Invalid.at(("query", shown), message, "unknown_parameter")
    where = planner.filters(query)
    if not where:
        hint = f"Say which rows: /{name}?column=value."
        raise Invalid.at(("query",), f"Rows of '{name}' are only changed together with a filter.", "missing", hint)
    return where


def _numbered(fields: Iterable[Field], first: int) -> tuple[Assignment, ...]:
    return tuple(Assignment(field=column, parameter=first + at) for at, column in enumerate(fields))


def _generated(resource: ResourceSchema, action: Action) -> tuple[Generated, ...]:
    """Find the columns that Python fills because the body does not."""
    filled = {"create": resource.writes.inserted, "delete": ()}.get(action.kind, resource.writes.updated)
    given = {column.attribute for column in (*action.columns, *action.reset, *action.increments)}
    return tuple(item for item in filled if item.field.attribute not in given)


def _leads_to(entity: type, shape: Shape) -> bool:
    """Say whether something embedded or counted is a row of an entity."""
    embeds = [item for item in (*shape.items, *shape.loaded) if isinstance(item, Embedded)]
    counted = [item.entity for item in shape.items if isinstance(item, Counted)]
    ends = [*counted, *(embed.selection.shape.view.entity for embed in embeds)]
    return any(issubclass(end, entity) or issubclass(entity, end) for end in ends) or any(
        _leads_to(entity, embed.selection.shape) for embed in embeds
    )
