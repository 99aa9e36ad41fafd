"""Query string → `Query`.

Two steps, so that a shape that was seen before is never parsed again: `split` separates the shape of a query string
(parameter names, and the text of those that decide which statement runs) from its values; `parse` turns a shape into a
`Query`. Only syntax is judged here: whether a name exists and a value fits is for `plan`. Standard library only.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Literal
from urllib.parse import unquote_to_bytes

from onetrip.errors import BadRequest, ErrorItem, Invalid, UriTooLong
from onetrip.query.ast import Compare, Embed, Path, Query, Slot, SortKey, Upsert

Shape = tuple[tuple[str, str | None], ...]
"""Parameters in the order of the query string: name, and the text of a structural one (`None` for a value)."""

STRUCTURAL = frozenset({"sort", "include", "fields"})
"""Parameters whose text decides which statement runs."""

OF_CREATION = STRUCTURAL | {"on_conflict", "update"}
"""The same where rows are created; elsewhere a column may be called `update`, and is filtered by."""

PARAMETERS = STRUCTURAL | {"limit", "offset"}
"""Parameters that are not filters."""

RESERVED = PARAMETERS | {"after", "before", "count", "q", "or", "and", "not"}
"""Names that are never filters, so that none changes its meaning when the language grows."""

MAX_LENGTH = 16_384
"""Bytes of query string that are read; a longer one is a 414."""

MAX_NAMES = 32
"""Names in one dotted path: more than any plan admits, and less than a stack."""

_REPEATED = 256  # bytes of a query string that is short enough to be remembered: front ends repeat themselves
_VALUE = re.compile(r'"((?:[^"]|"")*)"|([^",]*)')
_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_NULLS: dict[str, Literal["first", "last"]] = {"nullsfirst": "first", "nullslast": "last"}


def split(query_string: bytes, structural: frozenset[str] = STRUCTURAL) -> tuple[Shape, tuple[str, ...]]:
    """Separate a raw query string into its shape and its values. The text of `structural` parameters is shape.

    Raises `BadRequest` for bytes that are not UTF-8, `UriTooLong`, and `Invalid` for NUL and repeated parameters.

    >>> split(b"author_id=7&sort=-id")
    ((('author_id', None), ('sort', '-id')), ('7',))
    """
    if not query_string:
        return (), ()
    if len(query_string) > MAX_LENGTH:
        raise UriTooLong(f"The query string has {len(query_string)} bytes; at most {MAX_LENGTH} are read.")
    divide = _split_again if len(query_string) <= _REPEATED else _split
    return divide(query_string, structural)


def _split(query_string: bytes, structural: frozenset[str]) -> tuple[Shape, tuple[str, ...]]:
    shape: list[tuple[str, str | None]] = []
    values: list[str] = []
    if b"%" in query_string or b"+" in query_string:
        query_string = query_string.replace(b"+", b" ")
        pairs = [
            tuple(decode(part, "query string") for part in pair.partition(b"=")) for pair in query_string.split(b"&")
        ]
    else:
        pairs = [pair.partition("=") for pair in decode(query_string, "query string").split("&")]
    for name, equals, value in pairs:
        if not name and not equals:
            continue
        if "\0" in name or "\0" in value:
            raise Invalid.at(("query", name.replace("\0", "")), "A query string cannot hold NUL characters.", "nul")
        if name in structural:
            shape.append((name, value))
        else:
            shape.append((name, None))
            values.append(value)
    if len({name for name, _ in shape}) < len(shape):
        raise _repeated(shape)
    return tuple(shape), tuple(values)


_split_again = lru_cache(maxsize=1024)(_split)


def decode(raw: bytes, where: str) -> str:
    """Decode a percent-encoded part of a URL. Raises `BadRequest` when it is not UTF-8 or an escape is broken."""
    if b"%" in raw:
        if _BROKEN_ESCAPE.search(raw):
            raise BadRequest(f"The {where} has a '%' that is not followed by two hexadecimal digits.")
        raw = unquote_to_bytes(raw)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise BadRequest(f"The {where} is not valid UTF-8.") from None


def split_values(text: str) -> list[str]:
    """Split a list of values at its commas; a value in double quotes may hold them, and `""` for a quote.

    Raises `ValueError` with a sentence for a quote that is out of place.

    >>> split_values('1,"a,b"')
    ['1', 'a,b']
    """
    values: list[str] = []
    position = -1
    while position < len(text):
        found = _VALUE.match(text, position + 1)
        assert found is not None  # the empty text matches
        quoted, plain = found.groups()
        values.append(plain if quoted is None else quoted.replace('""', '"'))
        position = found.end()
        if text[position : position + 1] not in ("", ","):
            raise ValueError("has a quote out of place: a value is quoted as a whole, and holds a quote as two")
    return values


def filter_name(column: str) -> str:
    """Answer the parameter that filters a column by equality: `author_id`, but `limit__eq` for one called `limit`."""
    return f"{column}__eq" if column in RESERVED else column


def parse(shape: Shape) -> Query:
    """Parse a shape into a `Query` whose operands are slots in the tuple of values.

    Raises `Invalid`, naming the parameter, for text that is not of the grammar.
    """
    slots = {name: Slot(index) for index, name in enumerate(name for name, text in shape if text is None)}
    texts = {name: text for name, text in shape if text is not None}
    fields = _paths("fields", texts["fields"]) if "fields" in texts else None
    return Query(
        where=tuple(_compare(name, slot) for name, slot in slots.items() if name not in PARAMETERS),
        sort=_sort(texts["sort"]) if "sort" in texts else None,
        limit=slots.get("limit"),
        offset=slots.get("offset"),
        include=_embeds(_paths("include", texts["include"])) if "include" in texts else (),
        fields=fields,
        upsert=_upsert(texts),
    )


def _compare(parameter: str, slot: Slot) -> Compare:
    name, separator, operator = parameter.rpartition("__")
    if not separator or not name:
        name, operator = parameter, "eq"
    return Compare(tuple(name.split(".")), operator, (slot,), parameter)


def _items(parameter: str, text: str) -> list[str]:
    items = [item.strip() for item in text.split(",")]
    if not text.strip():
        raise Invalid.at(("query", parameter), f"'{parameter}' is empty: name something, or leave it out.", "empty")
    if "" in items:
        raise Invalid.at(("query", parameter), f"'{parameter}' has a comma with no name beside it.", "syntax")
    if len(set(items)) < len(items):
        twice = next(item for item, count in Counter(items).items() if count > 1)
        raise Invalid.at(("query", parameter), f"'{twice[:100]}' stands in '{parameter}' twice.", "repeated")
    return items


def _upsert(texts: Mapping[str, str]) -> Upsert | None:
    if "on_conflict" not in texts:
        if "update" in texts:
            message = "'update' says what changes of a row that is there already, which 'on_conflict' finds."
            hint = "Add 'on_conflict' with the names of a unique key."
            raise Invalid.at(("query", "update"), message, "missing", hint)
        return None
    update = texts.get("update")
    if update is not None:
        return Upsert(_names("on_conflict", texts["on_conflict"]), _names("update", update) if update.strip() else ())
    return Upsert(_names("on_conflict", texts["on_conflict"]))


def _names(parameter: str, text: str) -> tuple[str, ...]:
    return tuple(_items(parameter, text))


def _paths(parameter: str, text: str) -> tuple[Path, ...]:
    return tuple(_path(parameter, item) for item in _items(parameter, text))


def _sort(text: str) -> tuple[SortKey, ...]:
    return tuple(_sort_key(item) for item in _items("sort", text))


def _path(parameter: str, item: str) -> Path:
    path = tuple(item.split("."))
    if "" in path:
        raise Invalid.at(("query", parameter), f"'{item[:100]}' in '{parameter}' is not a name.", "syntax")
    if len(path) > MAX_NAMES:
        raise Invalid.at(("query", parameter), f"A path in '{parameter}' has more than {MAX_NAMES} names.", "too_deep")
    return path


def _sort_key(item: str) -> SortKey:
    name, colon, placement = item.removeprefix("-").partition(":")
    if colon and placement not in _NULLS:
        raise Invalid.at(
            ("query", "sort"),
            f"':{placement[:100]}' in 'sort' is not known.",
            "syntax",
            "Use ':nullsfirst' or ':nullslast'.",
        )
    return SortKey(_path("sort", name), item.startswith("-"), _NULLS.get(placement))


def _embeds(paths: Iterable[Path]) -> tuple[Embed, ...]:
    """Merge paths with a common beginning: `author,comments.author,comments.post` has two embeds at the top."""
    tree: dict[str, list[Path]] = {}
    for path in paths:
        tree.setdefault(path[0], []).append(path[1:])
    return tuple(Embed(name, Query(include=_embeds(rest for rest in below if rest))) for name, below in tree.items())


def _repeated(shape: list[tuple[str, str | None]]) -> Invalid:
    counts = Counter(name for name, _ in shape)
    return Invalid.of(
        [
            ErrorItem(("query", name), f"'{name[:100]}' is given more than once.", "repeated")
            for name, count in sorted(counts.items())
            if count > 1
        ]
    )
