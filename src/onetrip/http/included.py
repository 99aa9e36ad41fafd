"""Where a router stands inside an application: FastAPI's side of it, in one place.

Since 0.137 FastAPI keeps included routers as branches with a context of their own (prefix, dependencies, overrides)
and does not say so in its documentation. Only this module knows how; `tests/http/test_inclusion.py` notices when it
changes.
"""

import re
from typing import Any
from urllib.parse import quote, unquote

from fastapi.routing import APIRoute
from fastapi.telemetry._api import _route_selected
from starlette._utils import get_route_path
from starlette.convertors import Convertor
from starlette.routing import compile_path
from starlette.types import ASGIApp, Scope


def branch_of(scope: Scope) -> Any | None:
    """Find the branch through which FastAPI asks an included router; `None` when it is asked directly."""
    return scope.get("fastapi", {}).get("included_router")


def whole_path(scope: Scope) -> bytes:
    """Answer the path as the client wrote it, a prefix that a proxy has taken away included."""
    path: str = scope["path"]
    root = scope.get("root_path", "")
    raw = scope.get("raw_path") or quote(path).encode()
    if not root or path == root or get_route_path(scope) != path:
        return bytes(raw)
    return quote(root).encode() + raw


class Inclusion:
    """One place at which a router is included: its prefix, and whether dependencies are attached there.

    Without a branch it is the router as an application of its own.
    """

    def __init__(self, branch: Any | None) -> None:
        self.branch = branch
        self.prefix: str = "" if branch is None else branch.include_context.prefix
        self.guarded = branch is not None and bool(branch.include_context.dependencies)
        self._pattern = _compiled(self.prefix) if "{" in self.prefix else None
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
        """Answer the undecoded path below the prefix, `None` when it has no escapes or is not known."""
        raw: bytes = scope.get("raw_path") or b""
        if b"%" not in raw:
            return None
        above = scope["path"].removesuffix(relative)
        prefix, *below = raw.rsplit(b"/", max(0, raw.count(b"/") - above.count("/")))
        if unquote(prefix.decode("latin-1")) != above:  # a slash in a parameter of the prefix, or a server's own path
            return None
        return b"/" + b"/".join(below)

    def path_params(self, scope: Scope) -> dict[str, Any]:
        """Answer the parameters in the prefix."""
        if self._pattern is None:
            return {}
        regex, convertors = self._pattern
        found = regex.match(get_route_path(scope))
        values = found.groupdict() if found else {}
        return {name: convertors[name].convert(value) for name, value in values.items() if name != "onetrip_rest"}

    def selected(self, operation: APIRoute, scope: Scope) -> None:
        """Tell FastAPI's telemetry which path operation answers."""
        if "fastapi.telemetry" in scope:
            _route_selected(scope=scope, path=self.prefix + operation.path_format)

    def application(self, operation: APIRoute) -> ASGIApp:
        """Answer a path operation as an ASGI application that runs what is attached to it here."""
        assert self.branch is not None  # nothing is attached to a router that is an application of its own
        if not self._operations:
            for context in self.branch.effective_candidates():
                if getattr(context, "app", None) is not None:
                    self._operations[id(context.original_route)] = context.app
        return self._operations[id(operation)]


def _compiled(prefix: str) -> tuple[re.Pattern[str], dict[str, Convertor[Any]]]:
    """Compile a prefix with parameters; what follows it may hold line breaks, as an escaped key may."""
    regex, _, convertors = compile_path(prefix + "{onetrip_rest:path}")
    return re.compile(regex.pattern, re.DOTALL), convertors
