"""Changes through a relation: rows that are made under their parent, links that are made and undone.

What a path gives (the keys of the rows at both ends) becomes part of the mutation here. Pure: no I/O, no SQL, no HTTP.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from onetrip.errors import Invalid
from onetrip.plan.ir import Comparison, Counted, Embedded, Shape
from onetrip.plan.mutations import Assignment, End, Insert, Link, Mutation, Unlink, WritePlan
from onetrip.plan.read import Endpoint, Planner, refuse_list_parameters
from onetrip.plan.write import Action, plan_write
from onetrip.query.ast import Query
from onetrip.schema.model import Field, Generated, Pairs, Relation, Schema, Through
from onetrip.settings import Limits


def plan_change(query: Query, endpoint: Endpoint, action: Action, schema: Schema, limits: Limits) -> WritePlan:
    """Plan one write, of whichever endpoint. Raises `Invalid` as `plan_write` does."""
    if endpoint.relation is None:
        return plan_write(query, endpoint, action, schema, limits)
    if endpoint.kind == "child":
        return _plan_child(query, endpoint, endpoint.relation, action, schema, limits)
    return _plan_link(query, endpoint, endpoint.relation, action, schema, limits)


def _plan_child(
    query: Query, endpoint: Endpoint, relation: Relation, action: Action, schema: Schema, limits: Limits
) -> WritePlan:
    """Plan new rows at the end of a relation, each with its link where there are link rows."""
    if query.upsert is not None:
        raise Invalid.at(
            ("query", "on_conflict"), "'on_conflict' is for collections; here rows are new.", "unknown_parameter"
        )
    through = schema.through[relation]
    plan = plan_write(query, endpoint, action, schema, limits)
    assert isinstance(plan.mutation, Insert)
    where = _key(endpoint.resource.key, 0)
    if through.rows is None:
        given = {column.attribute for column, _ in through.near}
        kept = tuple(item for item in plan.mutation.assignments if item.field.attribute not in given)
        anchor = End(entity=endpoint.resource.entity, where=where, pairs=through.near)
        return replace(plan, mutation=replace(plan.mutation, assignments=kept, anchor=anchor))
    anchor = End(entity=endpoint.resource.entity, where=where, pairs=())
    ends = (replace(anchor, pairs=through.near), End(entity=endpoint.target.entity, where=(), pairs=through.far))
    made = _generated(through, through.rows.writes.inserted)
    number = len(plan.parameters) + len(action.columns) + len(plan.generated)
    link = Link(rows=through.rows, ends=ends, assignments=_numbered([item.field for item in made], number))
    return replace(
        plan, mutation=replace(plan.mutation, anchor=anchor, link=link), generated=(*plan.generated, *made),
        leads_back=plan.leads_back or (plan.shape is not None and _has_embeds(plan.shape)),
    )  # fmt: skip


def _plan_link(
    query: Query, endpoint: Endpoint, relation: Relation, action: Action, schema: Schema, limits: Limits
) -> WritePlan:
    """Plan the making of a link (`create`) or its end (`delete`); `reset` columns change in a link that is there."""
    through = schema.through[relation]
    assert through.rows is not None
    planner = Planner(schema, limits, endpoint)
    planner.key()
    _refuse_parameters(query, endpoint, planner)
    near, far = endpoint.resource, endpoint.target
    ends = (
        End(entity=near.entity, where=_key(near.key, 0), pairs=through.near),
        End(entity=far.entity, where=_key(far.key, len(near.key)), pairs=through.far),
    )
    mutation: Mutation = Unlink(rows=through.rows, ends=ends)
    generated: tuple[Generated, ...] = ()
    if action.kind == "create":
        writes, number = through.rows.writes, len(planner.parameters)
        made = _generated(through, writes.inserted, action.columns)
        again = _generated(through, writes.updated, (*action.columns, *action.reset)) if action.reset else ()
        generated = (*made, *again)
        columns = [*action.columns, *(item.field for item in made)]
        mutation = Link(
            rows=through.rows, ends=ends, assignments=_numbered(columns, number), changed=action.reset, kept=True,
            updated=_numbered([item.field for item in again], number + len(columns)),
        )  # fmt: skip
    return WritePlan(
        resource=through.rows, mutation=mutation, shape=None, parameters=planner.parameters, generated=generated
    )


def _refuse_parameters(query: Query, endpoint: Endpoint, planner: Planner) -> None:
    """Refuse every parameter: a link has no answer that they could shape."""
    refuse_list_parameters(query, endpoint)
    planner.filters(query)
    if query.fields is not None or query.include:
        name = "fields" if query.fields is not None else "include"
        raise Invalid.at(("query", name), f"'{name}' is for answers that show a row; here there is none.")


def _key(key: Sequence[Field], first: int) -> tuple[Comparison, ...]:
    return tuple(Comparison(field=part, operator="eq", parameters=(first + at,)) for at, part in enumerate(key))


def _generated(through: Through, filled: Iterable[Generated], given: Iterable[Field] = ()) -> tuple[Generated, ...]:
    """Find the columns of link rows that Python fills because neither path nor body does."""
    known = {column.attribute for column in given} | _columns(through.near) | _columns(through.far)
    return tuple(item for item in filled if item.field.attribute not in known)


def _columns(pairs: Pairs) -> set[str]:
    return {column.attribute for column, _ in pairs}


def _numbered(fields: Sequence[Field], first: int) -> tuple[Assignment, ...]:
    return tuple(Assignment(field=column, parameter=first + at) for at, column in enumerate(fields))


def _has_embeds(shape: Shape) -> bool:
    return any(isinstance(item, Counted | Embedded) for item in (*shape.items, *shape.loaded))
