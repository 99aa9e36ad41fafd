"""What an endpoint that is written by hand declares in its signature: FastAPI's side of it, in one place.

A client's query string is for the endpoint and for onetrip; whatever the endpoint, its dependencies and those that are
attached where it is included declare belongs to them.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_plus

from fastapi.security import APIKeyQuery
from pydantic import BaseModel
from starlette.types import Scope

_known: dict[int, tuple[Any, frozenset[str]]] = {}
"""The names of each route that was asked, and the route, whose number nobody else has as long as it is here."""


def declared(scope: Scope) -> frozenset[str]:
    """Name the query parameters that the endpoint of a request declares."""
    route = scope.get("route")
    included = scope.get("fastapi", {}).get("effective_route_context")
    if included is not None and included.original_route is route:  # with what is attached there
        route = included
    found = _known.get(id(route))
    if found is None:
        dependant = getattr(route, "dependant", None)
        found = _known[id(route)] = route, frozenset() if dependant is None else frozenset(_names(dependant))
    return found[1]


def divided(query_string: bytes, names: frozenset[str]) -> tuple[bytes, bytes]:
    """Divide a query string into what is not under these names, and what is."""
    if not names or not query_string:
        return query_string, b""
    rest: list[bytes] = []
    taken: list[bytes] = []
    for part in query_string.split(b"&"):
        name = unquote_plus(part.partition(b"=")[0].decode("latin-1"))
        (taken if name in names else rest).append(part)
    return b"&".join(rest), b"&".join(taken)


def _names(dependant: Any) -> Iterator[str]:
    for field in dependant.query_params:
        model = field.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            for name, inner in model.model_fields.items():
                yield inner.validation_alias if isinstance(inner.validation_alias, str) else inner.alias or name
        else:
            yield field.alias
    if isinstance(dependant.call, APIKeyQuery):
        yield dependant.call.model.name
    for other in dependant.dependencies:
        yield from _names(other)
