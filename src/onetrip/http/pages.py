"""A list as the database wrote it → the page that a client gets: its records, and the URLs of the other pages."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from pydantic_core import from_json, to_json

from onetrip.errors import Invalid
from onetrip.http.answer import array
from onetrip.sql.statement import SEPARATOR, TOTAL, UNIT

_UNSAFE = re.compile(rb"[^!#-;=?-~]")
_PLACES = (b"after", b"before", b"offset")
"""Parameters that say where a page begins."""

Urls = dict[bytes, bytes]
"""`first`, `prev` and `next`, as far as there are such pages."""

Cursor = Callable[[str, bytes], bytes | None]
"""`(direction, position)` → the value of `after` or `before`; `None` where there can be none."""


class Page(NamedTuple):
    """The records of a page in their order, and `positions`, as far as they do not stand in the records.

    `more` says whether others follow in the direction in which it was read, `total` how many there are on all pages.
    """

    records: bytes
    more: bool
    positions: Sequence[bytes] = ()
    total: bytes | None = None

    def position(self, at: int, names: Sequence[str] | None) -> bytes:
        """Write where the first (0) or the last (-1) record stands; records show it under `names`, if there are any."""
        if names is None:
            return self.positions[at]
        records = self.records  # of which only one is copied
        end = records.find(SEPARATOR) if at == 0 else -1
        record = from_json(records[: end if end >= 0 else None] if at == 0 else records[records.rfind(SEPARATOR) + 1 :])
        return to_json([record[name] for name in names])


def cut(value: bytes, limit: int, *, backwards: bool = False) -> Page:
    """Take the first `limit` records of a list, and say whether the statement, which asked for one more, found it.

    A list that was read backwards is put in order.
    """
    head, _, records = value.partition(SEPARATOR)
    count, *positions = head.split(UNIT)
    number, counted, total = count.partition(TOTAL)
    more = int(number) > limit
    if more:
        records, positions = (records[: records.rindex(SEPARATOR)] if limit else b""), positions[:limit]
    if backwards:
        records, positions = SEPARATOR.join(records.split(SEPARATOR)[::-1]), positions[::-1]
    return Page(records, more, positions, total if counted else None)


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


class Walk(NamedTuple):
    """What the cursors of a page are made of.

    `direction` is that of the cursor by which the client came here, `names` those under which a record shows where it
    stands.
    """

    page: Page
    limit: int
    names: Sequence[str] | None
    cursor: Cursor
    direction: str | None

    def next(self) -> bytes:
        """Say where the next page begins. Raises `Invalid` where no cursor does."""
        found = self.cursor("after", self.page.position(-1, self.names))
        if found is not None:
            return b"after=" + found
        if self.direction is None:
            return b"offset=%d" % self.limit
        message = "The row where this page ends sorts by a longer text than a cursor can hold."
        hint = "Sort by something else, or ask for pages by 'offset'."
        raise Invalid.at(("query", "sort"), message, "not_sortable", hint)


def by_cursor(path: bytes, query_string: bytes, walk: Walk) -> Urls:
    """Write the URLs of other pages."""
    first, start = _urls(path, query_string)
    found, page, direction = {b"first": first}, walk.page, walk.direction
    if not page.records:
        return found
    if direction == "after" or (direction == "before" and page.more):
        cursor = walk.cursor("before", page.position(0, walk.names))
        if cursor is not None:
            found[b"prev"] = b"%bbefore=%b" % (start, cursor)
    if direction == "before" or page.more:
        found[b"next"] = start + walk.next()
    return found


def link(urls: Urls) -> bytes:
    """Write `Link` (RFC 8288)."""
    return b", ".join([b'<%b>; rel="%b"' % (url, rel) for rel, url in urls.items()])


def enveloped(records: bytes, urls: Urls, total: bytes | None) -> bytes:
    """Write records as an object that says where the other pages are."""
    following, previous = (_text(urls.get(rel)) for rel in (b"next", b"prev"))
    return b'{"items":%b,"next":%b,"prev":%b,"total":%b}' % (array(records), following, previous, total or b"null")


def _text(url: bytes | None) -> bytes:
    return to_json(None if url is None else url.decode())


def _urls(path: bytes, query_string: bytes) -> tuple[bytes, bytes]:
    """Write the URL of the first page, and the beginning of one that says where its page begins."""
    path, kept = _escaped(path), _escaped(query_string)
    if b"%" in kept or b"after" in kept or b"before" in kept or b"offset" in kept:
        parts = [part for part in kept.split(b"&") if part]
        kept = b"&".join(part for part in parts if unquote_to_bytes(part.partition(b"=")[0]) not in _PLACES)
    return (b"%b?%b" % (path, kept), b"%b?%b&" % (path, kept)) if kept else (path, path + b"?")


def _escaped(part: bytes) -> bytes:
    """Escape what would end a link, and what no header carries."""
    return _UNSAFE.sub(lambda found: b"%%%02X" % ord(found[0]), part) if _UNSAFE.search(part) else part
