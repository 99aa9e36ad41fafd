"""What is read of a request's head: its conditions, and what the client accepts."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from onetrip.errors import NotAcceptable

Headers = Iterable[tuple[bytes, bytes]]

_TAG = re.compile(rb'(?:W/)?"[^"]*"')


JSON = b"application/json"
"""How every answer can be written."""


def head(headers: Headers) -> tuple[bytes | None, bytes | None]:
    """Find `If-None-Match`, and `Accept` unless it says that anything will do; repeated headers are one list."""
    wanted: bytes | None = None
    accept: bytes | None = None
    for name, value in headers:
        if name == b"if-none-match":
            wanted = value if wanted is None else wanted + b"," + value
        elif name == b"accept":
            accept = value if accept is None else accept + b"," + value
    return wanted, None if accept == b"*/*" else accept


def condition(headers: Headers) -> bytes | None:
    """Find `If-None-Match`, and check `Accept` on the way. Raises `NotAcceptable`."""
    wanted, accept = head(headers)
    if accept is not None and negotiate(accept, (JSON,)) is None:
        raise NotAcceptable("This is written as application/json only.", hint="Send 'Accept: application/json'.")
    return wanted


def header(headers: Headers, wanted: bytes) -> bytes | None:
    """Find the first header of a name, which is in lower case."""
    return next((value for name, value in headers if name == wanted), None)


class Conditions(NamedTuple):
    """`If-Match` and `If-None-Match` of a write; repeated headers are one list."""

    match: bytes | None = None
    none_match: bytes | None = None

    def versions(self) -> tuple[str, ...] | None:
        """List what `If-Match` names, `None` when any row will do; weak tags never match (RFC 9110 §13.1.1)."""
        if self.match is None or self.match.strip() == b"*":
            return None
        return tuple(tag.decode("latin-1")[1:-1] for tag in _TAG.findall(self.match) if not tag.startswith(b"W/"))


def conditions(headers: Headers) -> Conditions:
    """Read the conditions of a write. Raises `NotAcceptable`."""
    none_match = condition(headers)
    found = [value for name, value in headers if name == b"if-match"]
    return Conditions(b",".join(found) if found else None, none_match)


@lru_cache(maxsize=256)
def negotiate(accept: bytes, offered: tuple[bytes, ...]) -> bytes | None:
    """Choose what an `Accept` header likes best, the first of equals; `None` when it admits nothing.

    Of each type its most specific range decides (RFC 9110 §12.5.1).
    """
    weights: dict[bytes, float] = {}
    for item in accept.lower().split(b","):
        range_, *parameters = (part.strip() for part in item.split(b";"))
        weight = next((_weight(part[2:]) for part in parameters if part.startswith(b"q=")), 1.0)
        weights[range_ or b"*/*"] = max(weights.get(range_ or b"*/*", 0.0), weight)
    best, chosen = 0.0, None
    for type_ in offered:
        ranges = (type_, type_.partition(b"/")[0] + b"/*", b"*/*")
        weight = next((weights[range_] for range_ in ranges if range_ in weights), 0.0)
        if weight > best:
            best, chosen = weight, type_
    return chosen


def _weight(text: bytes) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def matches(condition: bytes, etag: bytes) -> bool:
    """Compare `If-None-Match` with an entity tag, weakly (RFC 9110 §13.1.2)."""
    if condition.strip() == b"*":
        return True
    opaque = etag.removeprefix(b"W/")
    return any(tag.removeprefix(b"W/") == opaque for tag in _TAG.findall(condition))
