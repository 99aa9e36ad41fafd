"""`Result` → status, headers and bytes: entity tags, links between pages, the body untouched."""

import re
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from xxhash import xxh3_128_hexdigest

from onetrip.http.request import matches
from onetrip.sql.statement import SEPARATOR

RawHeaders = list[tuple[bytes, bytes]]

_JSON = (b"content-type", b"application/json")
_UNSAFE = re.compile(rb"[^!#-;=?-~]")


class Answer(NamedTuple):
    """A whole HTTP answer."""

    status: int
    headers: RawHeaders
    body: bytes


class Page(NamedTuple):
    """Where a list stands: its first row, the rows asked for, and whether more follow."""

    offset: int
    limit: int
    more: bool


def ok(body: bytes, condition: bytes | None, link: bytes | None = None, version: object | None = None) -> Answer:
    """Answer with a body and its entity tag, that of its version if it has one, or with 304 when the client has it."""
    etag = b'W/"%s"' % xxh3_128_hexdigest(body).encode() if version is None else version_tag(version)
    if condition is not None and matches(condition, etag):
        headers: RawHeaders = [(b"etag", etag)]
        body, status = b"", 304
    else:
        headers = [_JSON, (b"content-length", b"%d" % len(body)), (b"etag", etag)]
        status = 200
    if link is not None:
        headers.append((b"link", link))
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


def cut(value: bytes, limit: int) -> tuple[bytes, bool]:
    """Take the first `limit` records of a list, and say whether the statement, which asked for one more, found it."""
    number, _, records = value.partition(SEPARATOR)
    if int(number) <= limit:
        return records, False
    return (records[: records.rindex(SEPARATOR)] if limit else b""), True


def array(records: bytes) -> bytes:
    """Write records as a JSON array."""
    return b"[%s]" % records.replace(SEPARATOR, b",")


def links(path: bytes, query_string: bytes, page: Page) -> bytes:
    """Write `Link` (RFC 8288): `first`, and `prev` and `next` where there are such pages."""
    path, kept = _escaped(path), _escaped(query_string)
    if b"offset" in kept or b"%" in kept:
        kept = _without_offset(kept)
    first = b"<%s%s>" % (path, b"?" + kept if kept else b"")
    more = path + b"?" + kept + (b"&offset=" if kept else b"offset=")
    found = first + b'; rel="first"'
    if page.limit:
        if page.offset > page.limit:
            found += b', <%s%d>; rel="prev"' % (more, page.offset - page.limit)
        elif page.offset:
            found += b', %s; rel="prev"' % first
        if page.more:
            found += b', <%s%d>; rel="next"' % (more, page.offset + page.limit)
    return found


def _without_offset(query_string: bytes) -> bytes:
    parts = [part for part in query_string.split(b"&") if part]
    return b"&".join(part for part in parts if unquote_to_bytes(part.partition(b"=")[0]) != b"offset")


def _escaped(part: bytes) -> bytes:
    """Escape what would end a link, and what no header carries."""
    return _UNSAFE.sub(lambda found: b"%%%02X" % ord(found[0]), part) if _UNSAFE.search(part) else part
