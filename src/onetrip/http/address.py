"""What a write is addressed to, and in which version; what is said when it is not there."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from onetrip.errors import NotFound, PreconditionFailed, PreconditionRequired
from onetrip.http.request import Conditions
from onetrip.http.routes import key_path
from onetrip.plan.read import Endpoint
from onetrip.schema.model import ResourceSchema

MAX_TAGS = 10
"""Tags of one `If-Match` that are looked at."""


class Address(NamedTuple):
    """What a write is addressed to: an endpoint, the texts of its key, the path as it was written, and the query.

    `scope` is the ASGI scope, for hooks.
    """

    endpoint: Endpoint
    key: tuple[str, ...]
    path: bytes
    query_string: bytes
    scope: Mapping[str, Any]
    many: bool = False


def absent(resource: ResourceSchema) -> NotFound:
    """Say that there is no such row."""
    return NotFound(f"There is no such row in '{resource.name}'.")


def require(resource: ResourceSchema, conditions: Conditions) -> None:
    """Ask for `If-Match`, where rows are only changed with it. Raises `PreconditionRequired`."""
    if resource.writes.conditional and conditions.match is None:
        raise PreconditionRequired(
            f"'{resource.name}' is only changed with 'If-Match'.", hint="Send the ETag of the row as you last read it."
        )


def location(address: Address, key: Sequence[object]) -> bytes:
    """Say where a new row of a collection is."""
    return address.path.rstrip(b"/") + b"/" + key_path(key)


def stale(resource: ResourceSchema) -> PreconditionFailed:
    """Say that a row is in no version that the client expects."""
    if resource.writes.version is None:
        hint = f"'{resource.name}' does not count changes, so 'If-Match' never matches: leave it out, or send '*'."
    else:
        hint = "Read it again, and send the ETag that comes with it in 'If-Match'."
    return PreconditionFailed("The row has changed since it was read.", hint=hint)


def parsed(resource: ResourceSchema, expected: Sequence[str]) -> list[Any]:
    """Read the versions that a client expects; what cannot be one matches nothing."""
    version = resource.writes.version
    if version is None:
        return []
    found = []
    for text in expected[:MAX_TAGS]:
        try:
            found.append(version.type.parse(text))
        except (ValueError, OverflowError):
            continue
    return found
