"""Query string → `Shape` and values: what decides which statement runs, apart from what each request brings along.

Only syntax is judged here. Standard library only.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from onetrip.errors import BadRequest, ErrorItem, Invalid, UriTooLong
from onetrip.query.ast import Slot
from onetrip.query.tree import FLAGS, STRUCTURAL, Group, Malformed, Names, Reader


@dataclass(frozen=True, slots=True)
class Parenthesised:
    """A value in parentheses: the whole text in a slot, and what is in it, or why that makes no sense."""

    whole: Slot
    group: Group | None
    problem: str | None = None


Written = Slot | tuple[Slot, ...] | str | Group | Names | Parenthesised
"""What stands behind a name: where its value or values are, or what is shape itself."""

Shape = tuple[tuple[str, Written], ...]
"""Parameters in the order of the query string."""

TREES = frozenset({"or", "and", "not"})
"""Parameters that hold conditions in parentheses."""

LISTS = ("__in", "__not_in", "__between")
"""What ends the names of parameters that take several values."""

OF_LISTS = ("__contains", "__overlaps")
"""What ends the names of parameters that take several values if the column holds lists, all in one text."""

OF_CREATION = STRUCTURAL | {"on_conflict", "update"}
"""Parameters whose text is shape where rows are created; elsewhere a column may be called `update`."""

PARAMETERS = STRUCTURAL | TREES | {"limit", "offset", "after", "before", "q"}
"""Parameters that are not filters: a column of such a name is filtered by its operators."""

MAX_LENGTH = 16_384
"""Bytes of query string that are read; a longer one is a 414."""

MAX_VALUES = 500
"""Values of one list."""

REPEATED = 256
"""Bytes of a query string that is short enough to be remembered: front ends repeat themselves."""

_VALUE = re.compile(r'"((?:[^"]|"")*)"|([^",]*)')
_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def split(query_string: bytes, structural: frozenset[str] = STRUCTURAL) -> tuple[Shape, tuple[str, ...]]:
    """Separate a raw query string into its shape and its values. The text of `structural` parameters is shape.

    Raises `BadRequest` for bytes that are not UTF-8, `UriTooLong`, and `Invalid` for NUL, repeated parameters, and
    parentheses that make no sense.

    >>> split(b"author_id=7&sort=-id")
    ((('author_id', Slot(index=0)), ('sort', '-id')), ('7',))
    """
    if not query_string:
        return (), ()
    if len(query_string) > MAX_LENGTH:
        raise UriTooLong(f"The query string has {len(query_string)} bytes; at most {MAX_LENGTH} are read.")
    divide = _split_again if len(query_string) <= REPEATED else _split
    return divide(query_string, structural)


def _split(query_string: bytes, structural: frozenset[str]) -> tuple[Shape, tuple[str, ...]]:
    shape: list[tuple[str, Written]] = []
    values: list[str] = []

    def put(value: str) -> Slot:
        values.append(value)
        return Slot(len(values) - 1)

    for name, value in _joined(_pairs(query_string)):
        if name in structural:
            shape.append((name, _names(name, value, put) if name == "include" and "(" in value else value))
        elif name in TREES:
            shape.append((name, _tree(name, value, put)))
        elif name.endswith(FLAGS):
            shape.append((name, value))
        elif name.endswith(LISTS):
            shape.append((name, tuple(map(put, _listed(name, value)))))
        elif value.startswith("(") and value.endswith(")"):
            shape.append((name, _parenthesised(value, put)))
        else:
            shape.append((name, put(value)))
    return tuple(shape), tuple(values)


_split_again = lru_cache(maxsize=1024)(_split)


def _pairs(query_string: bytes) -> list[tuple[str, str]]:
    """Decode names and values."""
    if b"%" in query_string or b"+" in query_string:
        pairs = [pair.partition(b"=") for pair in query_string.replace(b"+", b" ").split(b"&")]
        found = [
            (decode(name, "query string"), decode(value, "query string")) for name, _, value in pairs if name or value
        ]
    else:
        found = [
            (name, value)
            for name, equals, value in (pair.partition("=") for pair in decode(query_string, "query string").split("&"))
            if name or equals
        ]
    for name, value in found:
        if "\0" in name or "\0" in value:
            raise Invalid.at(("query", name.replace("\0", "")), "A query string cannot hold NUL characters.", "nul")
    return found


def _joined(pairs: list[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    """Make one list of a list that is written as a repeated parameter; no other parameter is given twice."""
    counts = Counter(name for name, _ in pairs)
    if len(counts) == len(pairs):
        return pairs
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    twice = sorted(name for name, count in counts.items() if count > 1 and not name.endswith(LISTS))
    if twice:
        raise Invalid.of(
            [ErrorItem(("query", name), f"'{name[:100]}' is given more than once.", "repeated") for name in twice]
        )
    return joined.items()


def _listed(name: str, value: str) -> list[str]:
    """Take a list of values apart; one of `in` has as many as a power of two, so that there are few shapes."""
    try:
        values = split_values(value)
    except ValueError as error:
        raise _malformed(name, str(error)) from None
    if len(values) > MAX_VALUES:
        message = f"'{name[:100]}' has {len(values)} values; at most {MAX_VALUES} are taken."
        raise Invalid.at(("query", name), message, "too_many")
    wanted = len(values) if name.endswith("__between") else 1 << (len(values) - 1).bit_length()
    return values + values[-1:] * (wanted - len(values))


def _tree(name: str, value: str, put: Callable[[str], Slot]) -> Group:
    try:
        return Reader(value, put).whole()
    except Malformed as error:
        raise _malformed(name, str(error), f"Write {name}=(title__contains=x,author.name=Ada).") from None


def _names(name: str, value: str, put: Callable[[str], Slot]) -> Names:
    try:
        return Reader(value, put).names()
    except Malformed as error:
        raise _malformed(name, str(error), "Write include=comments(limit=3,sort=-id).author.") from None


def _parenthesised(value: str, put: Callable[[str], Slot]) -> Parenthesised:
    whole = put(value)
    try:
        return Parenthesised(whole, Reader(value, put, structural=frozenset()).whole())
    except Malformed as error:
        return Parenthesised(whole, None, str(error))


def _malformed(name: str, problem: str, hint: str | None = None) -> Invalid:
    return Invalid.at(("query", name), f"'{name[:100]}' {problem}.", "syntax", hint)


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
