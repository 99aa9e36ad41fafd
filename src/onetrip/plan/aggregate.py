"""AggregateQuery × Schema → `AggregatePlan`: which groups, what of each, and which of them.

Names of groups and columns are resolved as everywhere; those in `having` and `sort` are the names in the answer. Pure:
no I/O, no SQL, no HTTP.
"""

from collections import Counter
from dataclasses import dataclass, replace
from functools import partial

from onetrip.errors import Invalid, Location, nearest
from onetrip.plan.cost import check_cost
from onetrip.plan.filters import Filters
from onetrip.plan.functions import BUCKETS, functions, result
from onetrip.plan.groups import AggregatePlan, Input, Output
from onetrip.plan.ir import Anchor, Hop, OrderKey
from onetrip.plan.read import Endpoint, Planner
from onetrip.plan.resolve import field_named, unknown, walk
from onetrip.plan.search import matches
from onetrip.query.aggregate import PARAMETERS_OF_GROUPS, Aggregate, AggregateQuery, GroupKey, filter_name
from onetrip.query.ast import Path
from onetrip.schema.model import Field, ResourceSchema, Schema, View
from onetrip.settings import Limits


def plan_aggregate(query: AggregateQuery, endpoint: Endpoint, schema: Schema, limits: Limits) -> AggregatePlan:
    """Plan one request for aggregates. Slots of the key come first, those of the query after them.

    Raises `Invalid` for names, functions and buckets that do not exist here, and for too many of them.
    """
    planner, resource = Planner(schema, limits, endpoint), endpoint.target
    binder, key = planner.binder, planner.key()
    known = partial(_parameters, resource)
    if query.search is not None and resource.search is None:
        raise unknown("q", resource, known(), ("query", "q"), "parameter")
    outputs = _Outputs(schema, limits, resource).all_of(query)
    answer = _answer(resource, outputs)
    where = Filters(schema, limits, binder, resource, known).all_of(query.where)
    if query.search is not None and resource.search is not None:
        where = (*where, matches(resource.search, query.search, binder))
    try:
        having = Filters(schema, limits, binder, answer, lambda: tuple(answer.fields)).all_of(query.having)
        order = _order(query, answer, outputs)
    except Invalid as error:
        raise _not_asked(error) from None
    anchor = None
    if endpoint.relation is not None:
        anchor = Anchor(entity=endpoint.resource.entity, where=key, relation=endpoint.relation)
    limit = binder.number(("query", "limit"), query.limit, resource.default_limit, resource.max_limit)
    return AggregatePlan(
        entity=resource.entity,
        where=where,
        outputs=outputs,
        having=having,
        order=order,
        limit=limit,
        offset=binder.number(("query", "offset"), query.offset, 0, limits.offset),
        parameters=planner.parameters,
        anchor=anchor,
        check=check_cost(None, limits, limit=limit, most=resource.max_limit),
    )


@dataclass(frozen=True, slots=True)
class _Outputs:
    """Resolves what is asked of each group of rows of a resource."""

    schema: Schema
    limits: Limits
    resource: ResourceSchema

    def all_of(self, query: AggregateQuery) -> tuple[Output, ...]:
        """Resolve groups, then aggregates."""
        count = len(query.groups) + len(query.aggregates)
        if count > self.limits.aggregates:
            parameter = query.aggregates[-1].function if query.aggregates else "group"
            message = f"{count} groups and aggregates are asked for; at most {self.limits.aggregates} are answered."
            raise Invalid.at(
                ("query", parameter), message, "too_many_aggregates", "Ask for the others in a request of their own."
            )
        keys = [self._key(key, f"g{number}") for number, key in enumerate(query.groups)]
        aggregates = [self._aggregate(asked, f"a{number}") for number, asked in enumerate(query.aggregates)]
        outputs = (*keys, *aggregates)
        names = Counter(output.field.name for output in outputs)
        if twice := next((name for name, number in names.items() if number > 1), None):
            message = f"'{twice}' would stand in the answer twice: as a group, and as an aggregate."
            raise Invalid.at(("query", "group"), message, "repeated")
        return outputs

    def _key(self, key: GroupKey, attribute: str) -> Output:
        loc = ("query", "group")
        of, end = self._input(key.path, "grouped by", "not_groupable", loc)
        if not of.column.type.comparable or of.column.name in end.view.rewritten:
            raise Invalid.at(loc, f"'{key.name[:100]}' cannot be grouped by.", "not_groupable")
        if key.bucket is not None:
            _check_bucket(key.bucket, of.column, loc)
            of = Input(column=of.column, path=of.path, bucket=key.bucket)
        return Output(field=_field(key.name, attribute, of.column.type), of=of)

    def _aggregate(self, asked: Aggregate, attribute: str) -> Output:
        function, loc = asked.function, ("query", asked.function)
        if not asked.path:
            some = self.resource.key[0].type  # rows are counted, whatever is in them
            return Output(field=_field(asked.name, attribute, result(function, some), False), function=function)
        of, end = self._input(asked.path, "aggregated", "not_aggregable", loc)
        there = ("count",) if of.column.name in end.view.rewritten else functions(of.column.type)
        if function not in there:
            hint = f"There is: {', '.join(there)}."
            message = f"'{'.'.join(asked.path)[:100]}' has no '{function}': it is {_called(of.column)}."
            raise Invalid.at(loc, message, "not_aggregable", hint)
        type_ = result(function, of.column.type)
        return Output(field=_field(asked.name, attribute, type_, function != "count"), of=of, function=function)

    def _input(self, path: Path, done: str, type_: str, loc: Location) -> tuple[Input, ResourceSchema]:
        """Find a column of a row, or of a row to which it leads, and the resource that has it."""
        way, end, rest = walk(path, self.resource, self.schema, self.limits.depth, loc)
        if many := next((relation for relation in way if relation.many), None):
            message = f"'{'.'.join(path)[:100]}' cannot be {done}: a row may have many '{many.name}'."
            raise Invalid.at(loc, message, type_)
        hops = tuple(Hop(relation, self.schema.resources[relation.target].entity) for relation in way)
        return Input(column=field_named(end, rest, loc), path=hops), end


def _check_bucket(bucket: str, column: Field, loc: Location) -> None:
    there = BUCKETS.get(column.type.kind)
    if there is None:
        message = f"'{column.name}' has no ':{bucket[:100]}': it is {_called(column)}, and no date."
        raise Invalid.at(loc, message, "not_groupable")
    if bucket not in there:
        message = f"':{bucket[:100]}' is not a span of time by which '{column.name}' can be grouped."
        hint = nearest(bucket, there) or f"There is: {', '.join(there)}."
        raise Invalid.at(loc, message, "unknown_bucket", hint)


_CALLED = {
    "string": "text", "bytes": "text", "base64": "binary", "enum": "an Enum", "json": "JSON", "other": "something else",
}  # fmt: skip


def _called(column: Field) -> str:
    """Say of which type a column is."""
    kind = column.type.kind
    return _CALLED.get(kind) or ("an " if kind[0] in "aeio" else "a ") + kind.removeprefix("local_").replace("_", " ")


def _field(name: str, attribute: str, type_: object, nullable: bool = True) -> Field:
    return Field(name=name, attribute=attribute, type=type_, nullable=nullable)


def _answer(resource: ResourceSchema, outputs: tuple[Output, ...]) -> ResourceSchema:
    """Describe a group as if it were a row, so that conditions on it are resolved as those on rows are."""
    view = View(entity=resource.entity, columns=(), items=tuple(output.field for output in outputs), model=None)
    return ResourceSchema(
        name=f"{resource.name}:aggregate", title=resource.title, singular=resource.singular, plural=resource.plural,
        entity=resource.entity, key=(), view=view, relations={},
    )  # fmt: skip


def _not_asked(error: Invalid) -> Invalid:
    """Say of names that they are not in the answer: they may well exist."""
    items = [replace(item, type="not_asked") if item.type == "unknown_field" else item for item in error.errors]
    return Invalid.of(items, error.hint)


def _order(query: AggregateQuery, answer: ResourceSchema, outputs: tuple[Output, ...]) -> tuple[OrderKey, ...]:
    """Resolve `sort` and append what tells groups apart, in the last key's direction, so that the order is total."""
    keys: list[OrderKey] = []
    for wanted in query.sort:
        field = answer.fields.get(wanted.name)
        if field is None:
            raise unknown(wanted.name, answer, tuple(answer.fields), ("query", "sort"), "field")
        if all(known.field is not field for known in keys):
            nulls_first = None if wanted.nulls is None else wanted.nulls == "first"
            keys.append(OrderKey(field=field, descending=wanted.descending, nulls_first=nulls_first))
    descending, given = bool(keys) and keys[-1].descending, [key.field for key in keys]
    rest = (output.field for output in outputs if output.function is None and output.field not in given)
    return (*keys, *(OrderKey(field=field, descending=descending) for field in rest))


def _parameters(resource: ResourceSchema) -> tuple[str, ...]:
    """Name every parameter, operators aside."""
    names = (filter_name(shown.name) for shown in resource.fields.values() if shown.type.comparable)
    return (*names, *sorted(PARAMETERS_OF_GROUPS | ({"q"} if resource.search is not None else set())))
