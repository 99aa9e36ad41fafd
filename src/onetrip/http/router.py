"""Schema → `APIRouter`: generated routes are real path operations, and answer without what they do not need.

FastAPI keeps an included router as a branch and asks it `matches`, then `handle`. `ResourceRouter` answers both from a
dictionary. A request to a generated route goes straight to the pipeline; when somebody attached dependencies (to
`include_router`, to a router around this one, or to the application), it goes through FastAPI's own machinery, which
runs them, and then to the same pipeline. Routes that a user adds to this router are FastAPI's.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from onetrip.errors import MethodNotAllowed, Problem
from onetrip.http import openapi, problems
from onetrip.http.answer import Answer
from onetrip.http.included import Inclusion, branch_of
from onetrip.http.pipeline import Pipeline
from onetrip.http.request import condition
from onetrip.http.routes import RouteTable, Target, key_name, key_texts

METHODS = ("GET", "HEAD")
"""Methods of generated routes."""


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
        self._add("/livez", _livez, openapi.LIVEZ)
        self._add("/readyz", self._readyz, openapi.READYZ)
        for route in self.table.routes():
            self._add(route.template, self._operation, operations.describe(route))
        self._generated = len(self.routes)

    def _add(self, path: str, operation: Any, description: Mapping[str, Any]) -> None:
        self.add_api_route(path, operation, methods=["GET"], **description)
        added = self.routes[-1]
        assert isinstance(added, APIRoute)
        self._operations[path] = added

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Say whether a request is for this router, at the place where FastAPI included it."""
        branch = branch_of(scope)
        if scope["type"] == "http" and branch is not None and branch.original_router is self:
            target = self._find(scope, self._inclusion(branch))
            if target is not None:
                scope[self._recognised] = target
                return (Match.FULL if scope["method"] in METHODS else Match.PARTIAL), {}
            scope.pop(self._recognised, None)
            if len(self.routes) == self._generated:
                return Match.NONE, {}
        return super().matches(scope)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that `matches` recognised."""
        target, branch = scope.get(self._recognised), branch_of(scope)
        if target is None or branch is None:
            await super().handle(scope, receive, send)
        elif scope["method"] not in METHODS:
            await _send(_problem(_not_allowed()), scope, send)
        elif isinstance(target, Problem):
            await _send(_problem(target), scope, send)
        else:
            await self._run(target, self._inclusion(branch), scope, receive, send)

    async def _run(
        self, target: Target | str, inclusion: Inclusion, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answer a path operation: directly, or as FastAPI does where dependencies are attached."""
        if isinstance(target, Target):
            scope["path_params"] = {**inclusion.path_params(scope), **_path_params(target)}
            if not inclusion.guarded:
                await self.respond(target, scope, send)
                return
        operation = self._operations[target if isinstance(target, str) else target.route.template]
        scope["route"] = operation
        await inclusion.application(operation)(scope, receive, send)

    async def respond(self, target: Target, scope: Scope, send: Send) -> None:
        """Answer a generated route that nothing is attached to."""
        scope["route"] = self._operations[target.route.template]
        scope["endpoint"] = self._operation
        await _send(await self._answer(target, scope), scope, send)

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
        if path in ("/livez", "/readyz"):
            return path
        if b"%" not in scope.get("raw_path", b""):
            return self.table.find(path)
        raw = inclusion.relative_raw(scope, path)
        try:
            return self.table.find(path) if raw is None else self.table.find_raw(raw)
        except Problem as problem:
            return problem if self.table.find(path) is not None else None

    async def _answer(self, target: Target, scope: Scope) -> Answer:
        try:
            return await self.pipeline.read(
                target.route.endpoint,
                key_texts(target.route.endpoint, target.key),
                _shown_path(scope),
                scope["query_string"],
                condition(scope["headers"]),
            )
        except Problem as problem:
            return _problem(problem)

    async def _operation(self, request: Request) -> Response:
        """Answer where FastAPI called: dependencies were attached, and have run."""
        target = request.scope.get(self._recognised)
        if not isinstance(target, Target):  # this router is itself the application
            target = self._find_alone(request.scope)
        answer = await self._answer(target, request.scope)
        response = Response(answer.body, answer.status)
        response.raw_headers = list(answer.headers)
        return response

    def _find_alone(self, scope: Scope) -> Target:
        target = self.table.find(scope["path"].removeprefix(scope.get("root_path", "")))
        assert target is not None
        return target

    async def _readyz(self) -> Response:
        try:
            await self.pipeline.database.ping()
        except Problem as problem:
            return problems.response(problem, "application/json")
        return Response(b'{"status":"ready"}', media_type="application/json")


async def _livez() -> dict[str, str]:
    return {"status": "alive"}


def _path_params(target: Target) -> dict[str, str]:
    endpoint = target.route.endpoint
    return {key_name(endpoint.resource): target.key} if endpoint.key else {}


def _shown_path(scope: Scope) -> bytes:
    """Answer the path as the client wrote it, behind a proxy that strips a prefix too."""
    path: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    root = scope.get("root_path", "")
    return path if not root or scope["path"].startswith(root) else quote(root).encode() + path


def _not_allowed() -> Problem:
    return MethodNotAllowed("This path is read with GET or HEAD.", headers={"Allow": ", ".join(METHODS)})


def _problem(problem: Problem) -> Answer:
    body, headers = problems.render(problem)
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    raw += [(b"content-type", problems.MEDIA_TYPE.encode()), (b"content-length", b"%d" % len(body))]
    return Answer(problem.status, raw, body)


async def _send(answer: Answer, scope: Scope, send: Send) -> None:
    body = b"" if scope["method"] == "HEAD" else answer.body
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": body})
