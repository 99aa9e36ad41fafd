"""`sort` × Schema → the keys of an order, which is always total."""

from collections.abc import Sequence

from onetrip.errors import Invalid, Location
from onetrip.plan.ir import Hop, OrderKey
from onetrip.plan.resolve import field_named, walk
from onetrip.query.ast import SortKey
from onetrip.schema.model import ResourceSchema, Schema


def order(
    wanted: Sequence[SortKey], resource: ResourceSchema, schema: Schema, depth: int, loc: Location
) -> tuple[OrderKey, ...]:
    """Resolve sort keys and append the primary key, in the last key's direction, so that the order is total.

    Raises `Invalid` for what does not exist, is no single value of a row, or lies more than `depth` relations away.
    """
    keys: list[OrderKey] = []
    for key in wanted:
        found = _key(key, resource, schema, depth, loc)
        if any((known.field, known.path) == (found.field, found.path) for known in keys):
            continue  # rows that are equal in a column cannot be told apart by it a second time
        keys.append(found)
    return (*keys, *key_order(resource, keys))


def key_order(
    resource: ResourceSchema, after: Sequence[OrderKey] = (), *, descending: bool = False
) -> tuple[OrderKey, ...]:
    """Order by what is left of the primary key, in the direction of the keys before it."""
    descending = after[-1].descending if after else descending
    given = {key.field.attribute for key in after if not key.path}
    return tuple(OrderKey(field=part, descending=descending) for part in resource.key if part.attribute not in given)


def _key(wanted: SortKey, resource: ResourceSchema, schema: Schema, depth: int, loc: Location) -> OrderKey:
    way, end, rest = walk(wanted.path, resource, schema, depth, loc)
    if many := next((relation for relation in way if relation.many), None):
        message = f"'{'.'.join(wanted.path)[:100]}' cannot be sorted by: a row may have many '{many.name}'."
        raise Invalid.at(loc, message, "not_sortable")
    field = field_named(end, rest, loc)
    if not field.type.comparable:
        raise Invalid.at(loc, f"'{field.name}' cannot be sorted by.", "not_sortable")
    nulls_first = None if wanted.nulls is None else wanted.nulls == "first"
    path = tuple(Hop(relation, schema.resources[relation.target].entity) for relation in way)
    return OrderKey(field=field, descending=wanted.descending, nulls_first=nulls_first, path=path)
