"""`Result` → status, headers and bytes: entity tags, the body untouched."""

from collections.abc import Iterable
from typing import NamedTuple

from xxhash import xxh3_128_hexdigest

from onetrip.http.request import matches
from onetrip.sql.statement import SEPARATOR

RawHeaders = list[tuple[bytes, bytes]]

_JSON = (b"content-type", b"application/json")


class Answer(NamedTuple):
    """A whole HTTP answer."""

    status: int
    headers: RawHeaders
    body: bytes


def ok(
    body: bytes, condition: bytes | None, more: Iterable[tuple[bytes, bytes]] = (), version: object | None = None
) -> Answer:
    """Answer with a body and its entity tag, that of its version if it has one, or with 304 when the client has it.

    `more` are headers of either answer.
    """
    etag = b'W/"%s"' % xxh3_128_hexdigest(body).encode() if version is None else version_tag(version)
    if condition is not None and matches(condition, etag):
        headers: RawHeaders = [(b"etag", etag)]
        body, status = b"", 304
    else:
        headers = [_JSON, (b"content-length", b"%d" % len(body)), (b"etag", etag)]
        status = 200
    headers += more
    return Answer(status, headers, body)


def version_tag(version: object) -> bytes:
    """Write the entity tag of a row that counts its changes: strong, whatever of the row is shown."""
    return b'"%s"' % str(version).encode()


def written(body: bytes, version: object | None, location: bytes | None = None) -> Answer:
    """Answer a write with the row: 201 and where it is when it is new, 200 when it was there."""
    etag = b'W/"%s"' % xxh3_128_hexdigest(body).encode() if version is None else version_tag(version)
    headers: RawHeaders = [_JSON, (b"content-length", b"%d" % len(body)), (b"etag", etag)]
    if location is None:
        return Answer(200, headers, body)
    headers.append((b"location", location))
    return Answer(201, headers, body)


def written_many(body: bytes, status: int) -> Answer:
    """Answer a write of several rows."""
    return Answer(status, [_JSON, (b"content-length", b"%d" % len(body))], body)


GONE = Answer(204, [], b"")
"""The answer of a deletion."""


def array(records: bytes) -> bytes:
    """Write records as a JSON array."""
    return b"[%s]" % records.replace(SEPARATOR, b",")
