"""Where a router stands inside an application: FastAPI's side of it, in one place.

Since 0.137 FastAPI keeps included routers as branches with a context of their own (prefix, dependencies, overrides)
and does not say so in its documentation. Only this module knows how; `tests/http/test_inclusion.py` notices when it
changes.
"""

from typing import Any

from fastapi.routing import APIRoute
from starlette._utils import get_route_path
from starlette.routing import compile_path
from starlette.types import ASGIApp, Scope


def branch_of(scope: Scope) -> Any | None:
    """Find the branch through which FastAPI asks an included router; `None` when it is asked directly."""
    return scope.get("fastapi", {}).get("included_router")


class Inclusion:
    """One place at which a router is included: its prefix, and whether dependencies are attached there."""

    def __init__(self, branch: Any) -> None:
        self.branch = branch
        context = branch.include_context
        self.prefix: str = context.prefix
        self.guarded = bool(context.dependencies)
        self._pattern = compile_path(self.prefix + "{onetrip_rest:path}") if "{" in self.prefix else None
        self._operations: dict[int, ASGIApp] = {}

    def relative(self, scope: Scope) -> str | None:
        """Answer the path below the prefix, `None` when the request is for somewhere else."""
        path = get_route_path(scope) if scope.get("root_path") else scope["path"]
        if self._pattern is not None:
            found = self._pattern[0].match(path)
            return found.groupdict()["onetrip_rest"] if found else None
        if not self.prefix:
            return str(path)
        return path[len(self.prefix) :] if path.startswith(self.prefix) else None

    def relative_raw(self, scope: Scope, relative: str) -> bytes | None:
        """Answer the undecoded path below the prefix, for a path with escapes after it."""
        raw: bytes = scope.get("raw_path", b"").partition(b"?")[0]
        slashes = relative.count("/")
        parts = raw.rsplit(b"/", raw.count(b"/") - (scope["path"].count("/") - slashes))
        return b"/" + b"/".join(parts[1:]) if len(parts) > 1 else None

    def path_params(self, scope: Scope) -> dict[str, Any]:
        """Answer the parameters in the prefix."""
        if self._pattern is None:
            return {}
        regex, _, convertors = self._pattern
        found = regex.match(get_route_path(scope))
        values = found.groupdict() if found else {}
        return {name: convertors[name].convert(value) for name, value in values.items() if name != "onetrip_rest"}

    def application(self, operation: APIRoute) -> ASGIApp:
        """Answer a path operation as an ASGI application that runs what is attached to it here."""
        if not self._operations:
            for context in self.branch.effective_candidates():
                if getattr(context, "app", None) is not None:
                    self._operations[id(context.original_route)] = context.app
        return self._operations[id(operation)]
