"""What is read of a request's head: its conditions, and what the client accepts."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from onetrip.errors import NotAcceptable

Headers = Iterable[tuple[bytes, bytes]]

_TAG = re.compile(rb'(?:W/)?"[^"]*"')


def condition(headers: Headers) -> bytes | None:
    """Find `If-None-Match`, and check `Accept` on the way; repeated headers are one list. Raises `NotAcceptable`."""
    wanted: bytes | None = None
    accept: bytes | None = None
    for name, value in headers:
        if name == b"if-none-match":
            wanted = value if wanted is None else wanted + b"," + value
        elif name == b"accept":
            accept = value if accept is None else accept + b"," + value
    if accept is not None and accept != b"*/*" and not accepts_json(accept):
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


def accepts_json(accept: bytes) -> bool:
    """Say whether an `Accept` header admits JSON, by its most specific range (RFC 9110 §12.5.1)."""
    best = (-1, 0.0)
    for item in accept.lower().split(b","):
        range_, *parameters = (part.strip() for part in item.split(b";"))
        rank = _RANGES.get(range_)
        if rank is None:
            continue
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith(b"q="):
                try:
                    weight = float(parameter[2:])
                except ValueError:
                    weight = 0.0
        best = max(best, (rank, weight))
    return best[1] > 0


_RANGES = {b"": 0, b"*/*": 0, b"application/*": 1, b"application/json": 2}


def matches(condition: bytes, etag: bytes) -> bool:
    """Compare `If-None-Match` with an entity tag, weakly (RFC 9110 §13.1.2)."""
    if condition.strip() == b"*":
        return True
    opaque = etag.removeprefix(b"W/")
    return any(tag.removeprefix(b"W/") == opaque for tag in _TAG.findall(condition))
