"""Endpoint → the parameters that OpenAPI shows of it.

What a schema admits here is what `query`, `plan` and the parsers of values accept: clients and checkers are generated
from it. Patterns are in the regular expressions of JSON Schema, those of ECMAScript.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from onetrip.http.filter_parameters import bounded, columns_to_sort, describe_filters
from onetrip.http.routes import key_name, link_key_name
from onetrip.plan.read import COUNT, Endpoint
from onetrip.plan.upsert import unique_keys
from onetrip.plan.windows import window_names
from onetrip.query.parser import COUNTS
from onetrip.schema.model import Field, Nested, ResourceSchema, Schema
from onetrip.settings import Limits

MAX_NAMES = 100
"""Names that one pattern spells out; a path through more relations than fit is accepted all the same."""

_SYNTAX, _ESCAPED = re.compile(r"[\\^$.*+?()\[\]{}|/]"), r"\\\g<0>"


def describe(endpoint: Endpoint, schema: Schema, limits: Limits) -> list[dict[str, Any]]:
    """Describe every parameter that an endpoint takes."""
    target = endpoint.target
    parameters = [*_key(endpoint)]
    if endpoint.many:
        parameters += describe_filters(target, schema, limits)
        parameters += [
            _sort(columns_to_sort(target, schema, MAX_NAMES)),
            *_window(target, limits),
            *_search(target, limits),
        ]
    seen = window_names(target) if endpoint.many and endpoint.kind != "history" else []
    return parameters + _shown(target, schema, limits, seen)


def _shown(target: ResourceSchema, schema: Schema, limits: Limits, windows: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Describe what decides how rows are written; `windows` is what a row can be among others."""
    paths = _Paths(schema, limits)
    pattern = paths.pattern(target, columns=True)
    if windows:
        pattern = f"{pattern[:-1]}|{'|'.join(map(_escaped, windows))})"
    found = [_list("fields", pattern, "Columns to answer with")]
    if target.relations and limits.depth:
        description = f"Relations to embed, nested up to {limits.depth} deep; options: `comments(limit=3,sort=-id)`"
        names = "|".join(map(_escaped, paths.relations(target)))
        pattern = rf"{paths.pattern(target, columns=False)}$|^({names})[^(),\u0000]*\([^\u0000]+\)[^\u0000]*"
        found.append(_list("include", pattern, description))
    return found


def describe_change(endpoint: Endpoint, method: str, schema: Schema, limits: Limits) -> list[dict[str, Any]]:
    """Describe every parameter that a write takes."""
    found = _key(endpoint)
    if endpoint.kind == "link":
        return found
    together = endpoint.kind == "collection" and method != "POST"
    if together:
        found += describe_filters(endpoint.target, schema, limits)
    if method != "DELETE":
        found += _shown(endpoint.target, schema, limits)
    if method == "POST" and endpoint.kind == "collection":
        found += _upsert(endpoint.target)
    if method in ("POST", "PATCH"):
        text = "Makes the request once: sent again with the same key, it gets the same answer"
        schema_ = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
        found.append({"name": "Idempotency-Key", "in": "header", "schema": schema_, "description": text})
    if (method != "POST" or endpoint.kind == "restore") and not together:
        found.append(_if_match(endpoint.resource))
    return found


def _if_match(resource: ResourceSchema) -> dict[str, Any]:
    """Describe the condition of a change: where rows do not count their changes, no tag ever matches."""
    if resource.writes.version is None:
        schema, text = {"type": "string", "enum": ["*"]}, "`*`: any row. These rows do not count their changes"
    else:
        schema, text = {"type": "string"}, "Change the row only if this is its ETag"
    required = resource.writes.conditional
    return {"name": "If-Match", "in": "header", "required": required, "schema": schema, "description": text}


def _upsert(target: ResourceSchema) -> list[dict[str, Any]]:
    """Describe what a POST does about a row that is there, where there are unique keys that tell."""
    keys = unique_keys(target)
    if not keys:
        return []
    names = [",".join(key) for key in keys]
    update = target.writes.update
    columns = [] if update is None else [column.name for column in update.columns.values()]
    known = [name for name in columns if name in target.fields]
    found = [_query("on_conflict", {"type": "string", "enum": names}, "Change the row that has the same unique key")]
    if known:
        schema = {"type": "array", "items": {"type": "string", "enum": known}, "uniqueItems": True}
        description = "Columns that change then, none if empty; what the body gives by default. With `on_conflict`"
        found.append(_query("update", schema, description) | {"style": "form", "explode": False})
    text = "`*`: make a row, and change none"
    schema = {"type": "string", "enum": ["*"]}
    return [*found, {"name": "If-None-Match", "in": "header", "schema": schema, "description": text}]


def _key(endpoint: Endpoint) -> list[dict[str, Any]]:
    if not endpoint.key:
        return []
    near = _address(endpoint.resource, key_name(endpoint.resource))
    return [near, _address(endpoint.target, link_key_name(endpoint))] if endpoint.kind == "link" else [near]


def _address(resource: ResourceSchema, name: str) -> dict[str, Any]:
    """Describe a key in a path."""
    key = resource.key
    parameter: dict[str, Any] = {"name": name, "in": "path", "required": True}
    if len(key) == 1:
        return {**parameter, "schema": _value(key[0])}
    parts = ",".join(part.name for part in key)
    pattern = ",".join("-?[0-9]{1,19}" if part.type.kind == "integer" else _QUOTED for part in key)
    return {**parameter, "schema": {"type": "string", "pattern": f"^{pattern}$"}, "description": f"`{parts}`"}


_QUOTED = r'("([^"\u0000]|"")*"|[^",\u0000]+)'
"""A part of a composite key: as it is, or quoted where it holds a comma."""


def _value(column: Field) -> dict[str, Any]:
    return dict(column.type.written)


def _sort(names: Sequence[str]) -> dict[str, Any]:
    pattern = f"-?({'|'.join(map(_escaped, names))})(:nullsfirst|:nullslast)?"
    return _list("sort", pattern, "Columns to sort by, `-` for descending; the key is always added")


def _window(target: ResourceSchema, limits: Limits) -> list[dict[str, Any]]:
    limit = {"type": "integer", "minimum": 0, "maximum": target.max_limit, "default": target.default_limit}
    offset = {"type": "integer", "minimum": 0, "maximum": limits.offset, "default": 0}
    cursor = {"type": "string", "minLength": 1}
    return [
        _query("limit", limit, "Rows at most"),
        _query("offset", offset, "Rows to skip"),
        _query("after", cursor, "The rows after a cursor from `Link`; without `offset` and `before`"),
        _query("before", cursor, "The rows before a cursor from `Link`; without `offset` and `after`"),
        _query("count", {"type": "string", "enum": list(COUNTS), "default": "none"}, "Count the rows of all pages"),
    ]


class _Paths:
    """Patterns of dotted paths: relations, and the columns at the end of them."""

    def __init__(self, schema: Schema, limits: Limits) -> None:
        self.schema = schema
        self.depth = limits.depth

    def pattern(self, target: ResourceSchema, *, columns: bool) -> str:
        """Write the pattern of a path, through as many relations as it may have, or as fit."""
        spelled = self.depth
        while spelled and self._count(target, self.depth, spelled, columns) > MAX_NAMES:
            spelled -= 1
        return self._pattern(target, self.depth, spelled, columns)

    def _pattern(self, target: ResourceSchema, depth: int, spelled: int, columns: bool) -> str:
        """`depth` relations may follow, `spelled` of them are followed by what is below them."""
        names = _own(target) if columns else []
        names = [_escaped(name) for name in names]
        for name, end in self.relations(target).items() if depth else ():
            below = self._pattern(end, depth - 1, spelled - 1, columns) if spelled else ""
            if columns and target.relations.get(name) and target.relations[name].many and COUNT not in end.fields:
                below = f"({COUNT}|{below})" if below else COUNT
            names.append(_escaped(name) + (rf"(\.{below})?" if below else ""))
        return f"({'|'.join(names)})" if names else ""

    def _count(self, target: ResourceSchema, depth: int, spelled: int, columns: bool) -> int:
        ends = self.relations(target).values() if depth else ()
        below = (self._count(end, depth - 1, spelled - 1, columns) if spelled else 0 for end in ends)
        return (len(_own(target)) if columns else 0) + len(ends) + sum(below)

    def relations(self, target: ResourceSchema) -> dict[str, ResourceSchema]:
        """Find what lies at the end of each relation."""
        served = {name: self.schema.resources[relation.target] for name, relation in target.relations.items()}
        return served | {nested.name: nested.target for nested in target.view.nested}


def _own(target: ResourceSchema) -> list[str]:
    return [item.name for item in target.view.items if not isinstance(item, Nested)]


def _escaped(name: str) -> str:
    return _SYNTAX.sub(_ESCAPED, name)


def _list(name: str, pattern: str, description: str) -> dict[str, Any]:
    items = {"type": "string", "pattern": f"^{pattern}$"}
    schema = {"type": "array", "items": items, "minItems": 1, "uniqueItems": True}
    return _query(name, schema, description) | {"style": "form", "explode": False}


def _search(target: ResourceSchema, limits: Limits) -> list[dict[str, Any]]:
    """Describe `q`, where there is something to search."""
    if target.search is None:
        return []
    text = 'Words to search for: all of them, or one `OR` another, a `"phrase"`, what begins so: `word*`; not `-word`'
    return [_query("q", bounded({"type": "string", "pattern": r"^[^\u0000]*$"}, limits), text)]


def _query(name: str, schema: Mapping[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": dict(schema), "description": description}
