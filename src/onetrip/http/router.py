"""Schema → `APIRouter`: generated routes are real path operations, and answer without what they do not need.

FastAPI keeps an included router as a branch and asks it `matches`, then `handle`. `ResourceRouter` answers both from a
dictionary. A request to a generated route goes straight to the pipeline; when somebody attached dependencies (to
`include_router`, to a router around this one, or to the application), it goes through FastAPI's own machinery, which
runs them, and then to the same pipeline. Routes that a user adds to this router are FastAPI's.
"""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Message, Receive, Scope, Send

from onetrip.errors import MethodNotAllowed, Problem
from onetrip.http import openapi, problems
from onetrip.http.answer import Answer
from onetrip.http.included import Inclusion, branch_of, whole_path
from onetrip.http.pipeline import Pipeline
from onetrip.http.request import condition
from onetrip.http.routes import RouteTable, Target, key_name, key_texts

METHODS = ("GET", "HEAD")
"""Methods of generated routes."""

LIVEZ, READYZ = "/livez", "/readyz"
HEALTH = {LIVEZ: b"alive", READYZ: b"ready"}
"""Paths of the health checks, and what they say."""


class ResourceRouter(APIRouter):
    """An `APIRouter` with the path operations of every resource, `/livez` and `/readyz`."""

    def __init__(self, pipeline: Pipeline, **options: Any) -> None:
        super().__init__(**options)
        self.pipeline = pipeline
        self.table = RouteTable(pipeline.schema)
        self._recognised = f"onetrip.target.{id(self)}"  # where in a scope `matches` leaves what it found
        self._inclusions: dict[int, Inclusion] = {}
        self._operations: dict[str, APIRoute] = {}
        operations = openapi.Operations(pipeline.schema, pipeline.limits)
        self._add(LIVEZ, openapi.LIVEZ)
        self._add(READYZ, openapi.READYZ)
        for route in self.table.routes():
            self._add(route.template, operations.describe(route))
        self._generated = len(self.routes)
        self._alone = Inclusion(None)

    def _add(self, path: str, description: Mapping[str, Any]) -> None:
        self.add_api_route(path, self._operation, methods=["GET"], **description)
        added = self.routes[-1]
        assert isinstance(added, APIRoute)
        self._operations[path] = added

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Say whether a request is for this router, at the place where FastAPI included it."""
        branch = branch_of(scope)
        if scope["type"] != "http" or branch is None or branch.original_router is not self:
            return super().matches(scope)
        target = self._find(scope, self._inclusion(branch))
        scope[self._recognised] = branch, target
        if target is not None and scope["method"] in METHODS:
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
            await send_answer(_problem(target), scope, send)
            return
        template = target.route.template if isinstance(target, Target) else target
        operation = self._operations[template]
        own = _path_params(target) if isinstance(target, Target) else {}
        scope.update(route=operation, endpoint=self._operation, path_params=inclusion.path_params(scope) | own)
        inclusion.selected(operation, scope)
        if scope["method"] not in METHODS:
            await send_answer(_problem(_not_allowed()), scope, send)
        elif inclusion.guarded:
            scope[self._recognised] = inclusion.branch, target
            await inclusion.application(operation)(
                scope, receive, _without_body(send) if scope["method"] == "HEAD" else send
            )
        elif isinstance(target, Target):
            await send_answer(await self.answer(target, scope), scope, send)
        else:
            await send_answer(await self._health(target), scope, send)

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

    async def answer(self, target: Target, scope: Scope) -> Answer:
        """Answer a generated route, problems included."""
        scope["route"] = self._operations[target.route.template]
        scope["endpoint"] = self._operation
        try:
            return await self.pipeline.read(
                target.route.endpoint,
                key_texts(target.route.endpoint, target.key),
                whole_path(scope),
                scope["query_string"],
                condition(scope["headers"]),
            )
        except Problem as problem:
            return _problem(problem)

    async def _operation(self, request: Request) -> Response:
        # FastAPI called: dependencies were attached, and have run. A docstring here would be shown to clients.
        target = request.scope[self._recognised][1]
        answer = await (self._health(target) if isinstance(target, str) else self.answer(target, request.scope))
        response = Response(answer.body, answer.status)
        response.raw_headers = list(answer.headers)
        return response

    async def _health(self, path: str) -> Answer:
        try:
            if path == READYZ:
                await self.pipeline.database.ping()
        except Problem as problem:
            return _problem(problem)
        body = b'{"status":"%s"}' % HEALTH[path]
        return Answer(200, [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))], body)


def _path_params(target: Target) -> dict[str, str]:
    endpoint = target.route.endpoint
    return {key_name(endpoint.resource): target.key} if endpoint.key else {}


def _not_allowed() -> Problem:
    return MethodNotAllowed("This path is read with GET or HEAD.", headers={"Allow": ", ".join(METHODS)})


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


async def send_answer(answer: Answer, scope: Scope, send: Send) -> None:
    """Send an answer; one to HEAD without its body."""
    body = b"" if scope["method"] == "HEAD" else answer.body
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": body})
