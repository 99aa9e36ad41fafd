"""Paths ↔ endpoints: which URL stands for what, found without looking at the others.

A `RouteTable` answers in a few dictionary look-ups however many tables are served. A path that is not in it is someone
else's: hand-written endpoints stand beside generated ones.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote

from onetrip.errors import Invalid
from onetrip.plan.read import Endpoint
from onetrip.query.split import decode, split_values
from onetrip.schema.model import Relation, ResourceSchema, Schema, Writes

READS = ("GET", "HEAD")
"""Methods of every generated route."""

_RESTORE = ":restore"
_AGGREGATE = ":aggregate"
_QUOTED = re.compile('[",]')


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """One generated path template, what it stands for, and by which methods it changes.

    A link is not read, nor is a row that was deleted.
    """

    template: str
    endpoint: Endpoint
    changes: tuple[str, ...] = ()

    @property
    def methods(self) -> tuple[str, ...]:
        """Every method that it answers."""
        return self.changes if self.endpoint.kind in ("link", "restore") else (*READS, *self.changes)


class Target(NamedTuple):
    """A path that was recognised: its route, and the text of its key; of a link, also that of the other key."""

    route: Route
    key: str = ""
    other: str = ""


@dataclass(frozen=True, slots=True)
class _Paths:
    collection: Route
    item: Route
    related: Mapping[str, Route]
    links: Mapping[str, Route]
    restore: Route | None = None
    aggregate: Route | None = None

    @property
    def alone(self) -> tuple[Route | None, ...]:
        """Everything that leads to no other resource."""
        return self.collection, self.aggregate, self.item, self.restore


class RouteTable:
    """All generated paths."""

    def __init__(self, schema: Schema) -> None:
        self._paths = {name: _paths(resource, schema) for name, resource in schema.resources.items()}
        self._aggregates = {f"/{name}{_AGGREGATE}": paths.aggregate for name, paths in self._paths.items()}

    def routes(self) -> list[Route]:
        """Every route, in the order of declaration."""
        return [
            route
            for paths in self._paths.values()
            for route in (*paths.alone, *paths.related.values(), *paths.links.values())
            if route is not None
        ]

    def find(self, path: str) -> Target | None:
        """Recognise a decoded path; `None` when it is not ours."""
        return self._find(path.split("/"))

    def find_raw(self, raw_path: bytes) -> Target | None:
        """Recognise a path with escapes, in which `%2F` is part of a key. Raises `BadRequest`."""
        found = self._find([decode(segment, "path") for segment in raw_path.split(b"/")])
        if found is None or found.route.endpoint.kind != "restore" or raw_path.endswith(_RESTORE.encode()):
            return found
        return Target(self._paths[found.route.endpoint.resource.name].item, found.key + _RESTORE)

    def _find(self, segments: list[str]) -> Target | None:
        count = len(segments)
        if count < 2 or count > 5 or segments[0] or (paths := self._paths.get(segments[1])) is None:
            aggregate = self._aggregates.get("/".join(segments)) if count == 2 else None
            return None if aggregate is None else Target(aggregate)
        if count == 2:
            return Target(paths.collection)
        if not segments[2]:
            return None  # a trailing slash is the application's to redirect
        if count == 3:
            key = segments[2].removesuffix(_RESTORE)
            if paths.restore is not None and key and key != segments[2]:
                return Target(paths.restore, key)
            return Target(paths.item, segments[2])
        if count == 5:
            link = paths.links.get(segments[3]) if segments[4] else None
            return None if link is None else Target(link, segments[2], segments[4])
        related = paths.related.get(segments[3])
        return None if related is None else Target(related, segments[2])


def _paths(resource: ResourceSchema, schema: Schema) -> _Paths:
    base = f"/{resource.name}"
    item = f"{base}/{{{key_name(resource)}}}"
    related = {
        relation.name: Route(
            f"{item}/{relation.name}",
            Endpoint(kind="related", resource=resource, relation=relation, target=schema.resources[relation.target]),
            ("POST",) if relation in schema.through and schema.through[relation].create is not None else (),
        )
        for relation in resource.relations.values()
    }
    related |= {
        relation.name + _AGGREGATE: Route(f"{item}/{relation.name}{_AGGREGATE}", _aggregate(schema, resource, relation))
        for relation in resource.relations.values()
        if relation.many and schema.resources[relation.target].aggregate
    }
    if resource.past is not None:
        entries = Endpoint(kind="history", resource=resource, target=resource.past.entries)
        related["history"] = Route(f"{item}/history", entries)
    links = {
        relation.name: Route(f"{item}/{relation.name}/{{{link_key_name(endpoint)}}}", endpoint, ("PUT", "DELETE"))
        for relation in resource.relations.values()
        if relation in schema.through and schema.through[relation].link is not None
        for endpoint in [
            Endpoint(kind="link", resource=resource, relation=relation, target=schema.resources[relation.target])
        ]
    }
    writes = resource.writes
    changes = {"PATCH": writes.update, "PUT": writes.replace, "DELETE": writes.delete}
    return _Paths(
        Route(base, Endpoint(kind="collection", resource=resource, target=resource), _of_collection(writes)),
        Route(
            item,
            Endpoint(kind="item", resource=resource, target=resource),
            tuple(method for method, possible in changes.items() if possible),
        ),
        related,
        links,
        _restore(resource, item),
        Route(base + _AGGREGATE, _aggregate(schema, resource)) if resource.aggregate else None,
    )


def _aggregate(schema: Schema, resource: ResourceSchema, relation: Relation | None = None) -> Endpoint:
    target = resource if relation is None else schema.resources[relation.target]
    return Endpoint(kind="aggregate", resource=resource, relation=relation, target=target)


def _restore(resource: ResourceSchema, item: str) -> Route | None:
    """Say where rows are brought back, where they stay in their table."""
    if resource.deleted is None or not resource.writes.delete:
        return None
    return Route(item + _RESTORE, Endpoint(kind="restore", resource=resource, target=resource), ("POST",))


def _of_collection(writes: Writes) -> tuple[str, ...]:
    """Say by which methods a collection changes; many rows at once if that was asked for, and no session is needed."""
    together = {"PATCH": ("update", writes.update), "DELETE": ("delete", writes.delete)}
    many = (
        method
        for method, (action, possible) in together.items()
        if writes.bulk is not None and possible and action not in writes.unit_of_work
    )
    return (*(("POST",) if writes.create else ()), *many)


def key_name(resource: ResourceSchema) -> str:
    """Name the key's path parameter: the key's own name, or `key` for a composite one."""
    if len(resource.key) == 1 and resource.key[0].name.isidentifier():
        return resource.key[0].name
    return "key"


def link_key_name(endpoint: Endpoint) -> str:
    """Name the second key in the path of a link: `tag_id`, or `tag_key` for a composite one."""
    name = f"{endpoint.target.singular}_{key_name(endpoint.target)}"
    return f"other_{name}" if name == key_name(endpoint.resource) else name


def key_path(parts: Sequence[object]) -> bytes:
    """Write a key as a segment of a path, as `key_texts` reads it."""
    texts = [str(part) for part in parts]
    if len(texts) > 1:
        texts = ['"' + text.replace('"', '""') + '"' if _QUOTED.search(text) or not text else text for text in texts]
    return quote(",".join(texts), safe=",").encode()


def key_texts(endpoint: Endpoint, text: str, other: str = "") -> tuple[str, ...]:
    """Split the key in a path, or both keys. Raises `Invalid` when there are too few parts or too many."""
    if not endpoint.key:
        return ()
    near = _parts(endpoint.resource, key_name(endpoint.resource), text)
    if endpoint.kind != "link":
        return near
    return near + _parts(endpoint.target, link_key_name(endpoint), other)


def _parts(resource: ResourceSchema, name: str, text: str) -> tuple[str, ...]:
    """Split a key: values joined by commas in key order, quoted where a value holds a comma."""
    count = len(resource.key)
    if "\0" in text:
        raise Invalid.at(("path", name), "A path cannot hold NUL characters.", "nul")
    if count == 1:
        return (text,)
    names = ",".join(part.name for part in resource.key)
    try:
        parts = split_values(text)
    except ValueError as error:
        raise Invalid.at(("path", name), f"The key '{names}' {error}.", "syntax") from None
    if len(parts) != count:
        raise Invalid.at(("path", name), f"The key of '{resource.name}' has {count} parts: '{names}'.", "key_parts")
    return tuple(parts)
