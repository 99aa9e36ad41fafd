"""Names → fields and relations.

The one place where a name that a client wrote becomes a column. It knows only what the caller may see, so a hidden
column answers exactly as one that does not exist, and suggestions never name one.
"""

from typing import NamedTuple

from onetrip.errors import Invalid, Location, nearest
from onetrip.query.ast import Path
from onetrip.schema.model import Computed, Field, Relation, ResourceSchema, Schema


class Walked(NamedTuple):
    """Where a dotted path leads: the relations on its way, the resource at their end, and the rest of the path."""

    way: tuple[Relation, ...]
    resource: ResourceSchema
    rest: Path


def walk(path: Path, resource: ResourceSchema, schema: Schema, depth: int, loc: Location, *, above: int = 0) -> Walked:
    """Follow the relations that a path goes through. Raises `Invalid` where those are more than `depth`.

    Those `above` it count as well.
    """
    way: list[Relation] = []
    rest = path
    while len(rest) > 1 and ".".join(rest) not in resource.fields and rest[0] in resource.relations:
        way.append(resource.relations[rest[0]])
        check_depth(path, above + len(way), depth, loc)
        resource, rest = schema.resources[way[-1].target], rest[1:]
    return Walked(tuple(way), resource, rest)


def check_depth(path: Path, relations: int, depth: int, loc: Location) -> None:
    """Refuse a path that goes through more relations than are followed."""
    if relations > depth:
        message = f"'{'.'.join(path)[:100]}' goes through more than {depth} relations."
        raise Invalid.at(loc, message, "too_deep", "Begin with a collection that is nearer.")


def field_named(resource: ResourceSchema, path: Path, loc: Location) -> Field:
    """Resolve a column of the resource by its public name. Raises `Invalid` with the nearest right one."""
    field = resource.fields.get(".".join(path))
    if field is None:
        raise unknown(".".join(path), resource, tuple(resource.fields), loc, "field")
    return field


def shown_named(resource: ResourceSchema, name: str, loc: Location) -> Field | Computed:
    """Resolve what an answer can show beside relations. Raises `Invalid` with the nearest right name."""
    items: tuple[Field | Computed, ...] = (*resource.view.fields, *resource.view.computed)
    shown = {item.name: item for item in items}
    if name not in shown:
        raise unknown(name, resource, (*shown, *resource.relations), loc, "field")
    return shown[name]


def relation_named(resource: ResourceSchema, name: str, loc: Location) -> Relation:
    """Resolve a relation of the resource. Raises `Invalid` with the nearest right one."""
    relation = resource.relations.get(name)
    if relation is None:
        raise unknown(name, resource, tuple(resource.relations), loc, "relation")
    return relation


def unknown(name: str, resource: ResourceSchema, known: tuple[str, ...], loc: Location, what: str) -> Invalid:
    """Say that a name does not exist, and which ones do."""
    return Invalid.at(
        loc,
        f"'{name[:100]}' is not a {what} of '{resource.name}'.",
        f"unknown_{what}",
        nearest(name, known) or (f"There are: {', '.join(sorted(known)[:30])}." if known else f"It has no {what}s."),
    )
