"""Schema → `APIRouter`: generated routes are real path operations, and answer without what they do not need.

FastAPI keeps an included router as a branch and asks it `matches`, then `handle`. `ResourceRouter` answers both from a
dictionary. A request to a generated route goes straight to the pipeline; when somebody attached dependencies (to
`include_router`, to a router around this one, or to the application), it goes through FastAPI's own machinery, which
runs them, and then to the same pipeline. Routes that a user adds to this router are FastAPI's.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Message, Receive, Scope, Send

from onetrip.errors import MethodNotAllowed, Problem
from onetrip.http import openapi, problems
from onetrip.http.address import Address
from onetrip.http.aggregate import Aggregates
from onetrip.http.answer import Answer
from onetrip.http.body import check_media_type, read_body
from onetrip.http.bulk import delete_many, update_many
from onetrip.http.export import Exports
from onetrip.http.export import Request as ExportRequest
from onetrip.http.idempotency import KEPT, Keys, key_of
from onetrip.http.included import Inclusion, branch_of, whole_path
from onetrip.http.links import Links
from onetrip.http.mutations import Mutations
from onetrip.http.pipeline import Pipeline
from onetrip.http.request import Conditions, conditions, head
from onetrip.http.restore import restore
from onetrip.http.routes import READS, RouteTable, Target, key_name, key_texts, link_key_name
from onetrip.http.upsert import is_upsert, upsert

LIVEZ, READYZ = "/livez", "/readyz"
MEDIA_TYPES = {
    "POST": frozenset({b"application/json"}),
    "PUT": frozenset({b"application/json"}),
    "PATCH": frozenset({b"application/json", b"application/merge-patch+json"}),
}
"""What a body may be, by method."""

FAILED = "onetrip.failed"
"""Where in a scope an exception stands that is to be raised again, where exceptions are handled."""

HEALTH = {LIVEZ: b"alive", READYZ: b"ready"}
"""Paths of the health checks, and what they say."""


class ResourceRouter(APIRouter):
    """An `APIRouter` with the path operations of every resource, `/livez` and `/readyz`."""

    def __init__(
        self,
        pipeline: Pipeline,
        *,
        kept: timedelta | None = KEPT,
        ready: Callable[[], Awaitable[None]] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.pipeline = pipeline
        self._ready = ready or pipeline.database.ping
        self.aggregates = Aggregates(pipeline)
        self.exports = Exports(pipeline)
        self.mutations = Mutations(pipeline)
        self.keys = Keys(pipeline.database, kept)
        self.links = Links(self.mutations)
        self.table = RouteTable(pipeline.schema)
        self._recognised = f"onetrip.target.{id(self)}"  # where in a scope `matches` leaves what it found
        self._inclusions: dict[int, Inclusion] = {}
        self._operations: dict[tuple[str, str], APIRoute] = {}
        operations = openapi.Operations(
            pipeline.schema, pipeline.limits, envelope=pipeline.envelope, keys=kept is not None
        )
        self._add("GET", LIVEZ, openapi.LIVEZ)
        self._add("GET", READYZ, openapi.READYZ)
        for route in self.table.routes():
            if "GET" in route.methods:
                self._add("GET", route.template, operations.describe(route))
            for method in route.changes:
                self._add(method, route.template, operations.describe_change(route, method))
        self._changes = self._guard()
        self._generated = len(self.routes)
        self._alone = Inclusion(None)

    def _add(self, method: str, path: str, description: Mapping[str, Any]) -> None:
        self.add_api_route(path, methods=[method], **{"endpoint": self._operation, **description})
        added = self.routes[-1]
        assert isinstance(added, APIRoute)
        self._operations[method, path] = added

    def _guard(self) -> APIRoute:
        """Add what runs attached dependencies for every write: its own operation would also parse the body."""
        self.add_api_route("/onetrip:change", self._operation, methods=["POST"], include_in_schema=False)
        guard = self.routes[-1]
        assert isinstance(guard, APIRoute)
        return guard

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Say whether a request is for this router, at the place where FastAPI included it."""
        branch = branch_of(scope)
        if scope["type"] != "http" or branch is None or branch.original_router is not self:
            return super().matches(scope)
        target = self._find(scope, self._inclusion(branch))
        scope[self._recognised] = branch, target
        if target is not None and scope["method"] in _methods(target):
            return Match.FULL, {}
        if len(self.routes) > self._generated:  # one that a user added may answer, a POST beside a generated GET too
            found = super().matches(scope)
            if target is None or found[0] is Match.FULL:
                scope[self._recognised] = branch, None
                return found
        return (Match.NONE if target is None else Match.PARTIAL), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that `matches` recognised."""
        branch = branch_of(scope)
        found_by, target = scope.get(self._recognised, (None, None))
        if branch is not None and found_by is not branch:  # another router has looked at the request since
            self.matches(scope)
            target = scope[self._recognised][1]
        if branch is None or target is None:
            await super().handle(scope, receive, send)
        else:
            await self._dispatch(target, self._inclusion(branch), scope, receive, send)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as an application of its own: `app.mount("/api", api.router)`."""
        target = self._find(scope, self._alone) if scope["type"] == "http" else None
        if target is None:
            await super().app(scope, receive, send)
        else:
            await self._dispatch(target, self._alone, scope, receive, send)

    async def _dispatch(
        self, target: Target | Problem | str, inclusion: Inclusion, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if isinstance(target, Problem):
            await send_answer(_problem(target), scope, receive, send)
            return
        method, methods = scope["method"], _methods(target)
        template = target.route.template if isinstance(target, Target) else target
        operation = self._operations[method if method in methods and method != "HEAD" else methods[0], template]
        own = _path_params(target) if isinstance(target, Target) else {}
        scope.update(route=operation, endpoint=self._operation, path_params=inclusion.path_params(scope) | own)
        inclusion.selected(operation, scope)
        if method not in methods:
            await send_answer(_problem(_not_allowed(methods)), scope, receive, send)
        elif inclusion.guarded:
            scope[self._recognised] = inclusion.branch, target
            guard = inclusion.application(operation if method in READS else self._changes)
            await guard(scope, receive, _without_body(send) if method == "HEAD" else send)
        elif isinstance(target, Target):
            await send_answer(await self.answer(target, scope, receive), scope, receive, send)
        else:
            await send_answer(await self._health(target), scope, receive, send)

    def _inclusion(self, branch: Any) -> Inclusion:
        known = self._inclusions.get(id(branch))
        if known is None:
            known = self._inclusions[id(branch)] = Inclusion(branch)
        return known

    def _find(self, scope: Scope, inclusion: Inclusion) -> Target | Problem | str | None:
        """Recognise a path: a generated route, a path that cannot be read, or a health check."""
        path = inclusion.relative(scope)
        if path is None:
            return None
        if path in HEALTH:
            return path
        raw = inclusion.relative_raw(scope, path)
        try:
            return self.table.find(path) if raw is None else self.table.find_raw(raw)
        except Problem as problem:
            return problem if self.table.find(path) is not None else None

    async def answer(self, target: Target, scope: Scope, receive: Receive) -> Answer | Response:
        """Answer a generated route, problems included."""
        method = scope["method"]
        scope["route"] = self._operations["GET" if method == "HEAD" else method, target.route.template]
        scope["endpoint"] = self._operation
        if FAILED in scope:
            raise scope[FAILED]
        try:
            if method not in READS:
                return await self._change(target, scope, receive)
            endpoint, (condition, accept) = target.route.endpoint, head(scope["headers"])
            key, path, query_string = key_texts(endpoint, target.key), whole_path(scope), scope["query_string"]
            if accept is not None and (form := self.exports.form(endpoint, accept)) is not None:
                return self.exports.answer(ExportRequest(endpoint, key, path, query_string), form)
            reads = self.aggregates if endpoint.kind == "aggregate" else self.pipeline
            return await reads.read(endpoint, key, path, query_string, condition)
        except Problem as problem:
            return _problem(problem)

    async def _change(self, target: Target, scope: Scope, receive: Receive) -> Answer:
        method, headers, endpoint = scope["method"], scope["headers"], target.route.endpoint
        wanted = conditions(headers)
        key = key_texts(endpoint, target.key, target.other)
        address = Address(endpoint, key, whole_path(scope), scope["query_string"], scope)
        if endpoint.kind == "link":
            if method == "DELETE":
                return await self.links.unlink(address, wanted)
            raw = await read_body(scope, receive, limit=self.pipeline.limits.body)
            if raw:
                check_media_type(headers, MEDIA_TYPES[method], method)
            return await self.links.link(address, raw, wanted)
        if method == "DELETE":
            delete = self.mutations.delete if endpoint.key else partial(delete_many, self.mutations)
            return await delete(address, wanted)
        raw = b""
        if endpoint.kind != "restore":
            check_media_type(headers, MEDIA_TYPES[method], method)
            raw = await read_body(scope, receive, limit=self.pipeline.limits.body)
        change = partial(self._changed, method, address, raw, wanted)
        request = key_of(method, address.path, address.query_string, headers, raw) if method != "PUT" else None
        if request is None:
            return await change(self.mutations)
        action = "restore" if endpoint.kind == "restore" else "create" if method == "POST" else "update"
        return await self.mutations.once(address, self.keys, request, action, raw, change)

    async def _changed(
        self, method: str, address: Address, raw: bytes, wanted: Conditions, mutations: Mutations
    ) -> Answer:
        if address.endpoint.kind == "restore":
            return await restore(mutations, address, wanted)
        if address.endpoint.relation is not None:
            return await self.links.within(mutations).create(address, raw, wanted)
        if method == "POST" and is_upsert(self.mutations, address, wanted):
            return await upsert(mutations, address, raw, wanted)
        if method == "PATCH" and not address.endpoint.key:
            return await update_many(mutations, address, raw, wanted)
        change = {"POST": mutations.create, "PATCH": mutations.update, "PUT": mutations.replace}[method]
        return await change(address, raw, wanted)

    async def _operation(self, request: Request) -> Response:
        # FastAPI called: dependencies were attached, and have run. A docstring here would be shown to clients.
        target = request.scope[self._recognised][1]
        answer: Answer | Response
        if isinstance(target, str):
            answer = await self._health(target)
        else:
            answer = await self.answer(target, request.scope, _receive(request))
        if isinstance(answer, Response):
            return answer
        response = Response(answer.body, answer.status)
        response.raw_headers = list(answer.headers)
        return response

    async def _health(self, path: str) -> Answer:
        try:
            if path == READYZ:
                await self._ready()
        except Problem as problem:
            return _problem(problem)
        body = b'{"status":"%s"}' % HEALTH[path]
        return Answer(200, [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))], body)


def _path_params(target: Target) -> dict[str, str]:
    endpoint = target.route.endpoint
    own = {key_name(endpoint.resource): target.key} if endpoint.key else {}
    return {**own, link_key_name(endpoint): target.other} if endpoint.kind == "link" else own


def _methods(target: Target | Problem | str) -> tuple[str, ...]:
    return target.route.methods if isinstance(target, Target) else READS


def _not_allowed(methods: Sequence[str]) -> Problem:
    *others, last = methods
    allowed = f"{', '.join(others)} or {last}"
    return MethodNotAllowed(f"This path answers {allowed}.", headers={"Allow": ", ".join(methods)})


def _receive(request: Request) -> Receive:
    """Receive a body that a dependency may have read already."""
    if not hasattr(request, "_body"):
        return request.receive

    async def again() -> Message:
        return {"type": "http.request", "body": await request.body()}

    return again


def _problem(problem: Problem) -> Answer:
    body, headers = problems.render(problem)
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    raw += [(b"content-type", problems.MEDIA_TYPE.encode()), (b"content-length", b"%d" % len(body))]
    return Answer(problem.status, raw, body)


def _without_body(send: Send) -> Send:
    """Let an application that answers GET answer HEAD."""

    async def headers_only(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return headers_only


async def send_answer(answer: Answer | Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Send an answer; one to HEAD without its body. A response writes itself."""
    if isinstance(answer, Response):
        await answer(scope, receive, send)
        return
    body = b"" if scope["method"] == "HEAD" else answer.body
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": body})
