"""`sort` × Schema → the keys of an order, which is always total."""

from collections.abc import Iterator, Sequence

from onetrip.errors import Invalid, Location
from onetrip.plan.documents import as_kind, field_inside, same, sorted_by
from onetrip.plan.ir import Hop, OrderKey
from onetrip.plan.resolve import field_named, walk
from onetrip.query.ast import SortKey
from onetrip.schema.model import ResourceSchema, Schema

MAX_SORT = 16
"""Names in one `sort`."""


def order(
    wanted: Sequence[SortKey], resource: ResourceSchema, schema: Schema, depth: int, loc: Location
) -> tuple[OrderKey, ...]:
    """Resolve sort keys and append the primary key, in the last key's direction, so that the order is total.

    Raises `Invalid` as `sort_keys` does.
    """
    keys = sort_keys(wanted, resource, schema, depth, loc)
    return (*keys, *key_order(resource, keys))


def sort_keys(
    wanted: Sequence[SortKey], resource: ResourceSchema, schema: Schema, depth: int, loc: Location
) -> tuple[OrderKey, ...]:
    """Resolve sort keys.

    Raises `Invalid` for what does not exist, is no single value of a row, or lies more than `depth` relations away.
    """
    if len(wanted) > MAX_SORT:
        raise Invalid.at(loc, f"'sort' has {len(wanted)} names; at most {MAX_SORT} are taken.", "too_many")
    keys: list[OrderKey] = []
    for key in wanted:
        for found in _keys(key, resource, schema, depth, loc):
            if any(same(known.field, found.field) and known.path == found.path for known in keys):
                continue  # rows that are equal in a column cannot be told apart by it a second time
            keys.append(found)
    return tuple(keys)


def key_order(
    resource: ResourceSchema, after: Sequence[OrderKey] = (), *, descending: bool = False
) -> tuple[OrderKey, ...]:
    """Order by what is left of the primary key, in the direction of the keys before it."""
    descending = after[-1].descending if after else descending
    given = {key.field.attribute for key in after if not key.path and key.field.keys is None}
    return tuple(OrderKey(field=part, descending=descending) for part in resource.key if part.attribute not in given)


def _keys(wanted: SortKey, resource: ResourceSchema, schema: Schema, depth: int, loc: Location) -> Iterator[OrderKey]:
    way, end, rest = walk(wanted.path, resource, schema, depth, loc)
    if many := next((relation for relation in way if relation.many), None):
        message = f"'{'.'.join(wanted.path)[:100]}' cannot be sorted by: a row may have many '{many.name}'."
        raise Invalid.at(loc, message, "not_sortable")
    field = field_inside(end, rest, loc) or field_named(end, rest, loc)
    if not field.type.comparable:
        raise Invalid.at(loc, f"'{field.name}' cannot be sorted by.", "not_sortable")
    nulls_first = None if wanted.nulls is None else wanted.nulls == "first"
    path = tuple(Hop(relation, schema.resources[relation.target].entity) for relation in way)
    parts = sorted_by(field)
    if len(parts) > 1 and nulls_first is not None:  # each part is NULL where the other is not, too
        yield OrderKey(field=as_kind(field, "there"), descending=wanted.descending, nulls_first=nulls_first, path=path)
        nulls_first = None
    for part in parts:
        yield OrderKey(field=part, descending=wanted.descending, nulls_first=nulls_first, path=path)
