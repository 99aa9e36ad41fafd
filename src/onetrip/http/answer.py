"""`Result` → status, headers and bytes: entity tags, links between pages, the body untouched."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from xxhash import xxh3_128_hexdigest

from onetrip.http.request import matches
from onetrip.sql.statement import SEPARATOR

RawHeaders = list[tuple[bytes, bytes]]

_JSON = (b"content-type", b"application/json")


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer."""

    status: int
    headers: RawHeaders
    body: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """Where a list stands: its first row, the rows asked for, and whether more follow."""

    offset: int
    limit: int
    more: bool


def ok(body: bytes, condition: bytes | None, link: bytes | None = None) -> Answer:
    """Answer with a body and its entity tag, or with 304 when the client has it."""
    etag = b'W/"%s"' % xxh3_128_hexdigest(body).encode()
    headers: RawHeaders = [(b"etag", etag)]
    if link is not None:
        headers.append((b"link", link))
    if condition is not None and matches(condition, etag):
        return Answer(304, headers, b"")
    headers += (_JSON, (b"content-length", b"%d" % len(body)))
    return Answer(200, headers, body)


def cut(records: bytes | None, limit: int) -> tuple[bytes | None, bool]:
    """Take the first `limit` of the records; the statement asked for one more to know whether there is one."""
    if records is None:
        return None, False
    if records.count(SEPARATOR) < limit:
        return records, False
    return (records[: records.rindex(SEPARATOR)] if limit else None), True


def array(records: bytes | None) -> bytes:
    """Write records as a JSON array."""
    return b"[]" if records is None else b"[%s]" % records.replace(SEPARATOR, b",")


def links(path: str, query_string: bytes, page: Page) -> bytes:
    """Write `Link` (RFC 8288): `first`, and `prev` and `next` where there are such pages."""
    kept = [part for part in query_string.split(b"&") if part and part.partition(b"=")[0] != b"offset"]
    base = quote(path, safe="/:@!$&'()*+,;=~-._").encode()
    offsets = [(0, b"first")]
    if page.offset > 0:
        offsets.append((max(0, page.offset - page.limit), b"prev"))
    if page.more and page.limit:
        offsets.append((page.offset + page.limit, b"next"))
    return b", ".join(_link(base, kept, offset, relation) for offset, relation in offsets)


def _link(base: bytes, kept: Iterable[bytes], offset: int, relation: bytes) -> bytes:
    parts = [*kept, b"offset=%d" % offset] if offset else kept
    query = b"&".join(parts).replace(b"<", b"%3C").replace(b">", b"%3E")
    return b'<%s%s%s>; rel="%s"' % (base, b"?" if query else b"", query, relation)
