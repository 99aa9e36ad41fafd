"""A list as the database wrote it → the page that a client gets: its records, and the URLs of the other pages."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from pydantic_core import to_json

from onetrip.errors import Invalid
from onetrip.http.answer import array
from onetrip.http.cursor import ListCursors
from onetrip.query.split import REPEATED
from onetrip.sql.statement import SEPARATOR, TOTAL, UNIT

_UNSAFE = re.compile(rb"[^!#-;=?-~]")
_PLACES = (b"after", b"before", b"offset")
"""Parameters that say where a page begins."""

Urls = dict[bytes, bytes]
"""`first`, `prev` and `next`, as far as there are such pages."""


class Page(NamedTuple):
    """The records of a page in their order, and `positions`, as far as they do not stand in the records.

    `more` says whether others follow in the direction in which it was read, `total` how many there are on all pages.
    """

    records: bytes
    more: bool
    positions: Sequence[bytes] = ()
    total: bytes | None = None


def cut(value: bytes, limit: int, *, backwards: bool = False) -> Page:
    """Take the first `limit` records of a list, and say whether the statement, which asked for one more, found it.

    A list that was read backwards is put in order.
    """
    start = value.find(SEPARATOR)
    head = value if start < 0 else value[:start]
    positions, total = [], None
    if not head.isdigit():
        head, *positions = head.split(UNIT)
        head, counted, count = head.partition(TOTAL)
        total = count if counted else None
    more = int(head) > limit
    if more:
        records, positions = (value[start + 1 : value.rindex(SEPARATOR)] if limit else b""), positions[:limit]
    else:
        records = value[start + 1 :] if start >= 0 else b""
    if backwards:
        records, positions = SEPARATOR.join(records.split(SEPARATOR)[::-1]), positions[::-1]
    return Page(records, more, positions, total)


def listed(value: bytes) -> int:
    """Say how many records a list has whose total it does not tell, one more than its limit included."""
    return int(value.partition(SEPARATOR)[0].partition(UNIT)[0])


def by_offset(path: bytes, query_string: bytes, offset: int, limit: int, more: bool) -> Urls:
    """Write the URLs of other pages of a client that counts rows."""
    first, start = _urls(path, query_string)
    found = {b"first": first}
    if limit:
        if offset > limit:
            found[b"prev"] = b"%boffset=%d" % (start, offset - limit)
        elif offset:
            found[b"prev"] = first
        if more:
            found[b"next"] = b"%boffset=%d" % (start, offset + limit)
    return found


@dataclass(frozen=True, slots=True)
class Walk:
    """How the cursors of a request shape are made.

    `position` reads where the record stands that begins at an offset, if records show that; `direction` is that of the
    cursor by which the client came here.
    """

    cursors: ListCursors
    position: Callable[[bytes, int], bytes] | None
    direction: str | None

    def before(self, page: Page, texts: Sequence[str]) -> bytes | None:
        """Write the cursor of the page that ends before this one; `None` where there can be none."""
        if self.position is None:
            return self.cursors.write("before", texts, page.positions[0], hidden=True)
        return self.cursors.write("before", texts, self.position(page.records, 0), hidden=False)

    def after(self, page: Page, texts: Sequence[str]) -> bytes | None:
        """Write the cursor of the page that begins behind this one; `None` where there can be none."""
        if self.position is None:
            return self.cursors.write("after", texts, page.positions[-1], hidden=True)
        last = page.records.rfind(SEPARATOR) + 1
        return self.cursors.write("after", texts, self.position(page.records, last), hidden=False)


def by_cursor(path: bytes, query_string: bytes, page: Page, walk: Walk, texts: Sequence[str], limit: int) -> Urls:
    """Write the URLs of other pages; `texts` are the values of the request.

    Raises `Invalid` where the page ends at a row behind which no page can begin.
    """
    first, start = _urls(path, query_string)
    found, direction = {b"first": first}, walk.direction
    if not page.records:
        return found
    if direction == "after" or (direction == "before" and page.more):
        cursor = walk.before(page, texts)
        if cursor is not None:
            found[b"prev"] = b"%bbefore=%b" % (start, cursor)
    if direction == "before" or page.more:
        cursor = walk.after(page, texts)
        if cursor is not None:
            found[b"next"] = b"%bafter=%b" % (start, cursor)
        elif direction is None:
            found[b"next"] = b"%boffset=%d" % (start, limit)
        else:
            raise _endless()
    return found


def _endless() -> Invalid:
    message = "The row where this page ends sorts by a longer text than a cursor can hold."
    hint = "Sort by something else, or ask for pages by 'offset'."
    return Invalid.at(("query", "sort"), message, "not_sortable", hint)


def link(urls: Urls) -> bytes:
    """Write `Link` (RFC 8288)."""
    written = b'<%b>; rel="first"' % urls[b"first"]
    if b"prev" in urls:
        written += b', <%b>; rel="prev"' % urls[b"prev"]
    return written + b', <%b>; rel="next"' % urls[b"next"] if b"next" in urls else written


def enveloped(records: bytes, urls: Urls, total: bytes | None) -> bytes:
    """Write records as an object that says where the other pages are."""
    following, previous = (_text(urls.get(rel)) for rel in (b"next", b"prev"))
    return b'{"items":%b,"next":%b,"prev":%b,"total":%b}' % (array(records), following, previous, total or b"null")


def _text(url: bytes | None) -> bytes:
    return to_json(None if url is None else url.decode())


def _urls(path: bytes, query_string: bytes) -> tuple[bytes, bytes]:
    """Write the URL of the first page, and the beginning of one that says where its page begins."""
    write = _written_again if len(path) + len(query_string) <= REPEATED else _written
    return write(path, query_string)


def _written(path: bytes, query_string: bytes) -> tuple[bytes, bytes]:
    path, kept = _escaped(path), _escaped(query_string)
    if b"%" in kept or b"after" in kept or b"before" in kept or b"offset" in kept:
        parts = [part for part in kept.split(b"&") if part]
        kept = b"&".join(part for part in parts if unquote_to_bytes(part.partition(b"=")[0]) not in _PLACES)
    return (b"%b?%b" % (path, kept), b"%b?%b&" % (path, kept)) if kept else (path, path + b"?")


_written_again = lru_cache(maxsize=1024)(_written)


def _escaped(part: bytes) -> bytes:
    """Escape what would end a link, and what no header carries."""
    return _UNSAFE.sub(lambda found: b"%%%02X" % ord(found[0]), part) if _UNSAFE.search(part) else part
