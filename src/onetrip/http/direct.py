"""Generated routes, answered before FastAPI looks for them.

FastAPI's router, exit stacks and exception handlers cost a multiple of what a generated read needs of them, which is
nothing. So when the application starts, `DirectRoutes` is put before them: behind the user's middlewares, or before
everything where there are none. It answers requests that are certainly for a generated route, and passes on all
others. Certainly means: the router is included in the application itself, without dependencies, and no route that
stands before it could match. A request that fails here in a way that is no `Problem` is passed on too, with its
exception, which is raised again where exceptions are handled.
"""

from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from onetrip.http.included import Inclusion
from onetrip.http.router import FAILED, ResourceRouter, send_answer
from onetrip.http.routes import Target

_INSTALLED = "onetrip.direct"


def install(application: Any, router: ResourceRouter) -> None:
    """Put `DirectRoutes` into an application that is starting; once for each router."""
    if not isinstance(application, FastAPI) or router in application.state._state.get(_INSTALLED, ()):
        return
    application.state._state.setdefault(_INSTALLED, []).append(router)
    if application.user_middleware:
        application.user_middleware.append(Middleware(DirectRoutes, router=router, application=application))
        application.middleware_stack = application.build_middleware_stack()
    else:
        following = application.middleware_stack or application.build_middleware_stack()
        application.middleware_stack = DirectRoutes(following, router=router, application=application)


class DirectRoutes:
    """ASGI middleware: the generated routes of one router."""

    def __init__(self, app: ASGIApp, *, router: ResourceRouter, application: FastAPI) -> None:
        self.app = app
        self.router = router
        self.application = application
        self._routes = -1
        self._open: list[tuple[Inclusion, frozenset[str]]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        target = self._find(scope) if scope["type"] == "http" else None
        if target is None:
            await self.app(scope, receive, send)
            return
        try:
            answer = await self.router.answer(target, scope, receive)
        except Exception as error:
            scope[FAILED] = error
            await self.app(scope, receive, send)
            return
        await send_answer(answer, scope, receive, send)

    def _find(self, scope: Scope) -> Target | None:
        """Recognise a request that is certainly for a generated route."""
        if b"%" in (scope.get("raw_path") or b"%") or "fastapi.telemetry" in scope:
            return None
        if len(self.application.router.routes) != self._routes:
            self._look()
        for inclusion, taken in self._open:
            path = inclusion.relative(scope)
            target = None if path is None else self.router.table.find(path)
            if target is not None and not (taken and _is_taken(target, taken)):
                return target if scope["method"] in target.route.methods else None
        return None

    def _look(self) -> None:
        """Find where the router is included, and which of its names earlier routes take."""
        routes = self.application.router.routes
        self._open = []
        names = frozenset(self.router.pipeline.schema.resources)
        ours = names | {route.template.split("/")[1] for route in self.router.table.routes()}
        for place, route in enumerate(routes):
            if getattr(route, "original_router", None) is not self.router:
                continue
            inclusion = Inclusion(route)
            if inclusion.guarded or "{" in inclusion.prefix:
                continue
            earlier = [path for other in routes[:place] for path in _paths(other)]
            taken = frozenset().union(*(_taken(path, inclusion.prefix, names) for path in earlier))
            self._open.append((inclusion, taken & ours))
        self._routes = len(routes)


def _is_taken(target: Target, taken: frozenset[str]) -> bool:
    """Say whether an earlier route could answer: one for the resource, or for an operation on its collection."""
    return target.route.endpoint.resource.name in taken or target.route.template.split("/")[1] in taken


def _paths(route: Any) -> list[str]:
    """Answer the path templates under which a route can be reached; one that is not known can be anywhere."""
    if isinstance(route, Mount):
        return [route.path + "/{path:path}"]
    return [getattr(context, "path", None) or "/{any}" for context in iter_route_contexts([route])]


def _taken(path: str, prefix: str, names: frozenset[str]) -> frozenset[str]:
    """Say which resources below the prefix a path template could stand for."""
    segments = path.split("/")
    for number, wanted in enumerate(prefix.split("/")):
        if number >= len(segments) or (wanted != segments[number] and "{" not in segments[number]):
            return frozenset()
        if "{" in segments[number]:
            return names
    following = segments[prefix.count("/") + 1 :][:1]
    if not following:
        return frozenset()
    return names if "{" in following[0] else frozenset(following)
