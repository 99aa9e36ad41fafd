"""Schema → OpenAPI: what FastAPI shows of each generated route.

Parameters are declared here, from the same names and types that `plan` resolves, and not in the path operation's
signature: FastAPI would parse them a second time.
"""

import inspect
import re
from typing import Annotated, Any

from fastapi import Body
from pydantic import Field, create_model

from onetrip.http import aggregate_document, parameters
from onetrip.http.problems import MEDIA_TYPE, OnetripProblem
from onetrip.http.routes import Route, key_name
from onetrip.plan.export import is_exportable
from onetrip.plan.read import Endpoint
from onetrip.plan.upsert import unique_keys
from onetrip.schema import naming
from onetrip.schema.bodies import answer_models
from onetrip.schema.increments import shown_with_increments
from onetrip.schema.model import Body as BodySchema
from onetrip.schema.model import Relation, ResourceSchema, Schema
from onetrip.settings import Limits

_PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{OnetripProblem.__name__}"}}}


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": _PROBLEM}


_COMMON: dict[int | str, Any] = {
    304: {"description": "The client has this answer already (`If-None-Match`)."},
    400: _problem("The URL is not valid UTF-8."),
    404: _problem("There is no such row."),
    406: _problem("The client accepts no form in which this is written."),
    414: _problem("The query string is too long."),
    422: _problem("A parameter does not exist or its value is not valid."),
    503: _problem("The database is away or busy; `Retry-After` says when to come back."),
}

_EXPORTS = {
    "application/x-ndjson": {"schema": {"type": "string", "description": "Every row, one JSON object a line"}},
    "text/csv": {"schema": {"type": "string", "description": "Every row, after a line of names (RFC 4180)"}},
}

Fields = Annotated[dict[str, Any], Field(title="Fields", description="What `fields` asked for, when it is given")]
"""The other form of an answer: `fields` leaves out what a model promises."""

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

    def __init__(self, schema: Schema, limits: Limits, *, envelope: bool = False, keys: bool = True) -> None:
        self.schema = schema
        self.envelope = envelope
        self.keys = keys
        self.pages: dict[str, Any] = {}
        self.limits = limits
        pasts = [resource.past for resource in schema.resources.values() if resource.past is not None]
        entries = {past.entries.name: past.entries for past in pasts}
        self.models = answer_models({**entries, **schema.resources})
        self.ids: set[str] = set()
        self.changing: dict[Any, Any] = {}
        self.follow: dict[str, dict[str, Any]] = {}

    def describe(self, route: Route) -> dict[str, Any]:
        """Answer the arguments of `add_api_route` for a route."""
        endpoint = route.endpoint
        shown: Any = self.models[endpoint.target.name] | Fields
        identifier, summary = _named(endpoint)
        responses = dict(_COMMON)
        if endpoint.kind == "collection":
            del responses[404]
        responses[200] = {"headers": _headers(endpoint)} | ({"content": _EXPORTS} if is_exportable(endpoint) else {})
        operation_id = self._unique(identifier)
        if endpoint.kind == "item":
            self._follow(endpoint.resource, operation_id, "GET")
        return {
            "operation_id": operation_id,
            "name": identifier,
            "summary": summary,
            "description": endpoint.target.description or "",
            "tags": list(endpoint.resource.tags),
            "response_model": self._listed(endpoint.target) if endpoint.many else shown,
            "responses": responses,
            "openapi_extra": {"parameters": parameters.describe(endpoint, self.schema, self.limits)},
        } | (self._of_groups(endpoint) if endpoint.kind == "aggregate" else {})

    def _of_groups(self, endpoint: Endpoint) -> dict[str, Any]:
        """Describe what is different where groups are answered."""
        content = {"application/json": {"schema": aggregate_document.answer(endpoint, envelope=self.envelope)}}
        responses = dict(_COMMON) | {200: {"headers": dict(_ETAG) | _LINK, "content": content}}
        if endpoint.relation is None:
            del responses[404]
        described = aggregate_document.describe(endpoint, self.schema, self.limits)
        return {"response_model": None, "responses": responses, "openapi_extra": {"parameters": described}}

    def _listed(self, resource: ResourceSchema) -> Any:
        """Find the model of a list: an array, or an envelope, the same one wherever it stands."""
        model = self.models[resource.name]
        shown: Any = list[model | Fields]  # type: ignore[valid-type]
        if not self.envelope:
            return shown
        if resource.name not in self.pages:
            url = Annotated[str | None, Field(description="The URL of that page, `null` if there is none")]
            total = Annotated[int | None, Field(description="Rows of all pages, if `count` asks for them")]
            self.pages[resource.name] = create_model(
                f"{model.__name__}Page", items=(shown, ...), next=(url, ...), prev=(url, ...), total=(total, ...)
            )
        return self.pages[resource.name]

    def _parameters(self, endpoint: Endpoint, method: str) -> list[dict[str, Any]]:
        found = parameters.describe_change(endpoint, method, self.schema, self.limits)
        return [each for each in found if self.keys or each["name"] != "Idempotency-Key"]

    def describe_change(self, route: Route, method: str) -> dict[str, Any]:
        """Answer the arguments of `add_api_route` for a write."""
        endpoint = route.endpoint
        if endpoint.relation is not None:
            return self._describe_relation(endpoint, endpoint.relation, method)
        resource = endpoint.resource
        if endpoint.kind == "restore":
            return self._describe_restore(endpoint)
        together = endpoint.kind == "collection" and method != "POST"
        name = resource.plural if together else resource.singular
        words = f"the {name} that filters choose" if together else naming.one(name)
        identifier = f"{_VERBS[method]}_{name}"
        responses = _changed(method) | (_TOGETHER if together else _upserted(endpoint, method))
        operation_id = self._unique(identifier)
        if endpoint.key:
            self._follow(resource, operation_id, method)
            responses |= _conditional(resource)
        elif method == "POST":
            responses[201] = self._made(resource)
        answer: dict[str, Any] = {
            "operation_id": operation_id,
            "name": identifier,
            "summary": f"{_VERBS[method].title()} {words}".replace("_", " "),
            "tags": list(resource.tags),
            "responses": responses,
            "status_code": {"POST": 201, "DELETE": 204}.get(method, 200),
            "openapi_extra": {"parameters": self._parameters(endpoint, method)},
        }
        if method == "DELETE":
            return answer
        shown: Any = self.models[resource.name] | Fields
        body: Any = self._taken(resource, method, together)
        if together:
            return answer | {"response_model": list[shown], "endpoint": _takes(body)}
        many = method == "POST"
        sent = body | list[body] if many else body
        return answer | {"response_model": shown | list[shown] if many else shown, "endpoint": _takes(sent)}

    def _taken(self, resource: ResourceSchema, method: str, together: bool) -> Any:
        """Find the model of a body, with the rows of relations that may stand in it."""
        writes = resource.writes
        nested = None if together else self.schema.nested.get(resource.name, {}).get(_VERBS[method])
        own: Any = {"POST": writes.create, "PATCH": writes.update, "PUT": writes.replace}[method]
        body: BodySchema = own if nested is None else nested.whole
        return self._changing(resource, body) if method == "PATCH" else body.model

    def _describe_restore(self, endpoint: Endpoint) -> dict[str, Any]:
        """Describe how a row is brought back."""
        resource = endpoint.resource
        identifier = f"restore_{resource.singular}"
        responses = {status: said for status, said in _changed("POST").items() if status not in (201, 413, 415)}
        responses[404] = _problem("No such row was deleted.")
        responses[409] = _problem("A unique value of the row is taken meanwhile.")
        responses |= _conditional(resource)
        return {
            "operation_id": self._unique(identifier),
            "name": identifier,
            "summary": f"Restore {naming.one(resource.singular)}",
            "tags": list(resource.tags),
            "responses": responses,
            "response_model": self.models[resource.name] | Fields,
            "openapi_extra": {"parameters": self._parameters(endpoint, "POST")},
        }

    def _made(self, resource: ResourceSchema) -> dict[str, Any]:
        """Describe the answer of a POST: where the new row is, and what can be done with it.

        The links of a resource are one dict, which is filled as its operations are described, and shown when all are.
        """
        location = {"schema": {"type": "string"}, "description": "Where the new row is"}
        made: dict[str, Any] = {"headers": {"Location": location, **_ETAG}}
        return made if _key_in_answer(resource) is None else {**made, "links": self._links(resource)}

    def _links(self, resource: ResourceSchema) -> dict[str, Any]:
        return self.follow.setdefault(resource.name, {})

    def _follow(self, resource: ResourceSchema, operation_id: str, method: str) -> None:
        """Say how the operations of one row follow from the answer that has it."""
        parameters = {f"path.{key_name(resource)}": _key_in_answer(resource)}
        if method != "GET" and resource.writes.version is not None:
            parameters["header.If-Match"] = "$response.header.ETag"
        self._links(resource)[operation_id] = {"operationId": operation_id, "parameters": parameters}

    def _changing(self, resource: ResourceSchema, body: BodySchema) -> Any:
        """Find the model of a change; the same one wherever it stands, so that it is one component."""
        if body.model not in self.changing:
            increments = resource.writes.increments
            self.changing[body.model] = shown_with_increments(body, increments) if increments else body.model
        return self.changing[body.model]

    def _describe_relation(self, endpoint: Endpoint, relation: Relation, method: str) -> dict[str, Any]:
        """Describe the POST of a relation, and the PUT and DELETE of a link."""
        resource, through = endpoint.resource, self.schema.through[relation]
        verb = {"POST": "create", "PUT": "link", "DELETE": "unlink"}[method]
        other = naming.snake(naming.singular(relation.name))
        identifier = f"{verb}_{resource.singular}_{other}"
        responses = _changed(method) | {404: _COMMON[404]}
        if method == "POST":
            responses[201] = self._made(endpoint.target)
        else:
            del responses[412]
        answer: dict[str, Any] = {
            "operation_id": self._unique(identifier),
            "name": identifier,
            "summary": f"{verb.title()} {naming.one(other)} of {naming.one(resource.singular)}",
            "tags": list(resource.tags),
            "responses": responses,
            "status_code": 201 if method == "POST" else 204,
            "openapi_extra": {"parameters": self._parameters(endpoint, method)},
        }
        if method == "DELETE":
            return answer
        if method == "PUT":
            assert through.link is not None
            optional = not through.link.is_required
            return answer | {"endpoint": _takes(through.link.model, optional)}
        assert through.create is not None
        shown: Any = self.models[endpoint.target.name] | Fields
        body = through.create.model | list[through.create.model]  # type: ignore[name-defined]
        return answer | {"response_model": shown | list[shown], "endpoint": _takes(body)}

    def _unique(self, identifier: str) -> str:
        number, unique = 1, identifier
        while unique in self.ids:
            number += 1
            unique = f"{identifier}_{number}"
        self.ids.add(unique)
        return unique


_VERBS = {"POST": "create", "PATCH": "update", "PUT": "replace", "DELETE": "delete"}


def _changed(method: str) -> dict[int | str, Any]:
    """Describe every answer of a write beside the row."""
    responses = {status: described for status, described in _COMMON.items() if status != 304}
    responses[409] = _problem("It contradicts what is stored: a value is taken, or other rows refer to this one.")
    if method != "DELETE":
        responses[400] = _problem("The URL or the body is not valid UTF-8, or the body nests too deep.")
        responses[413] = _problem("The body is too long.")
        responses[415] = _problem("The body is not JSON by its `Content-Type`.")
    if method == "POST":
        del responses[404]
    elif method != "DELETE":
        responses[200] = {"headers": _ETAG}
    responses[412] = _problem("The row is not the one that `If-Match` or `If-None-Match` asks for.")
    return responses


def _conditional(resource: ResourceSchema) -> dict[int | str, Any]:
    return {428: _problem("`If-Match` is missing.")} if resource.writes.conditional else {}


_ETAG = {"ETag": {"schema": {"type": "string"}, "description": "Changes with the answer"}}
_LINK = {"Link": {"schema": {"type": "string"}, "description": "`first`, `prev` and `next` pages (RFC 8288)"}}
_BARE = ("integer", "uuid", "date")
"""Kinds whose text never holds a comma: an expression cannot quote a part of a key."""

_COUNT = {"X-Total-Count": {"schema": {"type": "integer"}, "description": "How many rows it were"}}
_TOGETHER: dict[int | str, Any] = {200: {"headers": _COUNT}, 204: {"headers": _COUNT}}


def _upserted(endpoint: Endpoint, method: str) -> dict[int | str, Any]:
    """Describe what a POST answers of a row that is there already."""
    if method != "POST" or not unique_keys(endpoint.resource):
        return {}
    return {200: {"description": "The row was there already (`on_conflict`)", "content": {"application/json": {}}}}


def _takes(body: Any, optional: bool = False) -> Any:
    """Make an endpoint that FastAPI shows with a body. It is not called: `ResourceRouter` answers."""

    async def change(body: Any) -> None:
        raise NotImplementedError

    default = None if optional else inspect.Parameter.empty
    kind, annotation = inspect.Parameter.POSITIONAL_OR_KEYWORD, Annotated[body, Body()]
    parameter = inspect.Parameter("body", kind, annotation=annotation, default=default)
    change.__signature__ = inspect.Signature([parameter])  # type: ignore[attr-defined]
    return change


def _key_in_answer(resource: ResourceSchema) -> str | None:
    """Write the runtime expression of a row's key, where the answer shows it and no part of it has to be quoted."""
    shown = [part for part in resource.key if resource.fields.get(part.name) is part]
    if len(shown) < len(resource.key) or (len(shown) > 1 and any(part.type.kind not in _BARE for part in shown)):
        return None
    names = [part.name.replace("~", "~0").replace("/", "~1") for part in shown]  # RFC 6901
    parts = [f"$response.body#/{name}" for name in names]
    return parts[0] if len(parts) == 1 else ",".join(f"{{{part}}}" for part in parts)


def _named(endpoint: Endpoint) -> tuple[str, str]:
    """Name an operation: `list_posts`, `get_post`, `list_user_posts`, `get_post_author`."""
    resource, relation = endpoint.resource, endpoint.relation
    one = naming.one(resource.singular)
    verb = "aggregate" if endpoint.kind == "aggregate" else "list"
    if relation is not None:
        snake = re.sub(r"\W", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", relation.name)).lower()
        verb = verb if relation.many else "get"
        return f"{verb}_{resource.singular}_{snake}", f"{verb.title()} the {snake.replace('_', ' ')} of {one}"
    if endpoint.kind == "history":
        return f"list_{resource.singular}_history", f"List the history of {one}"
    if endpoint.kind == "item":
        return f"get_{resource.singular}", f"Get {one}"
    return f"{verb}_{resource.plural}", f"{verb.title()} {resource.plural.replace('_', ' ')}"


def _headers(endpoint: Endpoint) -> dict[str, Any]:
    headers: dict[str, Any] = dict(_ETAG)
    if endpoint.many:
        headers |= _LINK
        total = "Rows of all pages, if `count` asks for them"
        headers["X-Total-Count"] = {"schema": {"type": "integer"}, "description": total}
    return headers
