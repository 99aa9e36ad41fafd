"""Schema → OpenAPI: what FastAPI shows of each generated route.

Parameters are declared here, from the same names and types that `plan` resolves, and not in the path operation's
signature: FastAPI would parse them a second time.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from onetrip.http.problems import MEDIA_TYPE, OnetripProblem
from onetrip.http.routes import Route, key_name
from onetrip.plan.read import Endpoint
from onetrip.query.parser import filter_name
from onetrip.schema.bodies import answer_models
from onetrip.schema.model import ResourceSchema, Schema
from onetrip.settings import Limits

_SYNTAX, _ESCAPED = re.compile(r"[\\^$.*+?()\[\]{}|/]"), r"\\\g<0>"
_PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{OnetripProblem.__name__}"}}}


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": _PROBLEM}


_COMMON: dict[int | str, Any] = {
    304: {"description": "The client has this answer already (`If-None-Match`)."},
    400: _problem("The URL is not valid UTF-8."),
    404: _problem("There is no such row."),
    406: _problem("The client does not accept JSON."),
    414: _problem("The query string is too long."),
    422: _problem("A parameter does not exist or its value is not valid."),
    503: _problem("The database is away or busy; `Retry-After` says when to come back."),
}

LIVEZ: dict[str, Any] = {
    "operation_id": "livez",
    "summary": "Whether this process answers",
    "tags": ["health"],
    "response_model": dict[str, str],
}
READYZ: dict[str, Any] = {
    "operation_id": "readyz",
    "summary": "Whether the database answers",
    "tags": ["health"],
    "response_model": dict[str, str],
    "responses": {503: _problem("The database does not answer.") | {"model": OnetripProblem}},  # makes the component
}


class Operations:
    """Describes generated routes to FastAPI."""

    def __init__(self, schema: Schema, limits: Limits) -> None:
        self.schema = schema
        self.limits = limits
        self.models = answer_models(schema.resources)
        self.ids: set[str] = set()

    def describe(self, route: Route) -> dict[str, Any]:
        """Answer the arguments of `add_api_route` for a route."""
        endpoint = route.endpoint
        model: Any = self.models[endpoint.target.name]
        identifier, summary = _named(endpoint)
        responses = dict(_COMMON)
        if endpoint.kind == "collection":
            del responses[404]
        responses[200] = {"headers": _headers(endpoint)}
        return {
            "operation_id": self._unique(identifier),
            "name": identifier,
            "summary": summary,
            "description": endpoint.target.description or "",
            "tags": list(endpoint.resource.tags),
            "response_model": list[model] if endpoint.many else model,
            "responses": responses,
            "openapi_extra": {"parameters": self.parameters(endpoint)},
        }

    def parameters(self, endpoint: Endpoint) -> list[dict[str, Any]]:
        """Describe every parameter that an endpoint takes."""
        target = endpoint.target
        parameters = [*_key(endpoint)]
        if endpoint.many:
            parameters += _filters(target)
            parameters += [self._sort(target), *self._window(target)]
        parameters.append(_names("fields", _shown(target), "Columns to answer with", below=True))
        if target.relations:
            description = f"Relations to embed, nested up to {self.limits.depth} deep"
            parameters.append(_names("include", [*target.relations], description, below=True))
        return parameters

    def _sort(self, target: ResourceSchema) -> dict[str, Any]:
        names = [name for name, field in target.fields.items() if field.type.comparable]
        description = "Columns to sort by, `-` for descending; the key is always added"
        return _list("sort", f"^-?{_one_of(names)}(:nullsfirst|:nullslast)?$", description)

    def _window(self, target: ResourceSchema) -> list[dict[str, Any]]:
        limit = {"type": "integer", "minimum": 0, "maximum": target.max_limit, "default": target.default_limit}
        offset = {"type": "integer", "minimum": 0, "maximum": self.limits.offset, "default": 0}
        return [_query("limit", limit, "Rows at most"), _query("offset", offset, "Rows to skip")]

    def _unique(self, identifier: str) -> str:
        number, unique = 1, identifier
        while unique in self.ids:
            number += 1
            unique = f"{identifier}_{number}"
        self.ids.add(unique)
        return unique


def _named(endpoint: Endpoint) -> tuple[str, str]:
    """Name an operation: `list_posts`, `get_post`, `list_user_posts`, `get_post_author`."""
    resource, relation = endpoint.resource, endpoint.relation
    words = resource.singular.replace("_", " ")
    if relation is not None:
        snake = re.sub(r"\W", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", relation.name)).lower()
        verb = "list" if relation.many else "get"
        return f"{verb}_{resource.singular}_{snake}", f"{verb.title()} the {snake.replace('_', ' ')} of a {words}"
    if endpoint.kind == "item":
        return f"get_{resource.singular}", f"Get a {words}"
    return f"list_{resource.plural}", f"List {resource.plural.replace('_', ' ')}"


def _key(endpoint: Endpoint) -> list[dict[str, Any]]:
    key = endpoint.key
    if not key:
        return []
    name = key_name(endpoint.resource)
    if len(key) == 1:
        return [{"name": name, "in": "path", "required": True, "schema": dict(key[0].type.json_schema)}]
    parts = ",".join(part.name for part in key)
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}, "description": f"`{parts}`"}]


def _filters(target: ResourceSchema) -> list[dict[str, Any]]:
    return [
        _query(filter_name(name), field.type.json_schema, field.description or f"`{name}` is this")
        for name, field in target.fields.items()
        if field.type.comparable
    ]


def _shown(target: ResourceSchema) -> list[str]:
    """Name everything that an answer can hold."""
    return list(dict.fromkeys((*(item.name for item in target.view.items), *target.relations)))


def _names(parameter: str, names: Sequence[str], description: str, *, below: bool) -> dict[str, Any]:
    tail = r"(\..+)?" if below else ""
    return _list(parameter, f"^{_one_of(names)}{tail}$", description)


def _one_of(names: Sequence[str]) -> str:
    """Write a pattern of names, in the regular expressions of JSON Schema: those of ECMAScript, which escape less."""
    return f"({'|'.join(_SYNTAX.sub(_ESCAPED, name) for name in names)})"


def _list(name: str, pattern: str, description: str) -> dict[str, Any]:
    schema = {"type": "array", "items": {"type": "string", "pattern": pattern}, "minItems": 1}
    return _query(name, schema, description) | {"style": "form", "explode": False}


def _query(name: str, schema: Mapping[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": dict(schema), "description": description}


def _headers(endpoint: Endpoint) -> dict[str, Any]:
    headers = {"ETag": {"schema": {"type": "string"}, "description": "Changes with the answer"}}
    if endpoint.many:
        headers["Link"] = {"schema": {"type": "string"}, "description": "`first`, `prev` and `next` pages (RFC 8288)"}
    return headers
