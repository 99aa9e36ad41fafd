"""Names → fields and relations.

The one place where a name that a client wrote becomes a column. It knows only what the caller may see, so a hidden
column answers exactly as one that does not exist, and suggestions never name one.
"""

from onetrip.errors import Invalid, Location, nearest
from onetrip.query.ast import Path
from onetrip.schema.model import Computed, Field, Relation, ResourceSchema


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
