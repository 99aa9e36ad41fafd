"""Query string → `Shape` and values: what decides which statement runs, apart from what each request brings along.

Only syntax is judged here, and how much of it there is. Standard library only.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from onetrip.errors import BadRequest, ErrorItem, Invalid, Location, UriTooLong
from onetrip.query.ast import Slot
from onetrip.query.tree import FLAGS, STRUCTURAL, Group, Malformed, Names, Reader
from onetrip.settings import Limits


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

PARAMETERS = STRUCTURAL | TREES | {"offset", "after", "before", "q"}
"""Parameters that are not filters: a column of such a name is filtered by its operators."""

MAX_LENGTH = 16_384
"""Bytes of query string that are read; a longer one is a 414."""

CURSORS = ("after", "before")
"""Parameters whose values are ours, and bounded where they are read."""

REPEATED = 256
"""Bytes of a query string that is short enough to be remembered: front ends repeat themselves."""

_VALUE = re.compile(r'"((?:[^"]|"")*)"|([^",]*)')
_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class Splitter:
    """Splits query strings; remembers the last of the short ones, as front ends repeat themselves."""

    def __init__(self, limits: Limits) -> None:
        self.values = limits.values
        self.value_length = limits.value_length
        self._split_again = lru_cache(maxsize=1024)(self._split)

    def split(self, query_string: bytes, structural: frozenset[str] = STRUCTURAL) -> tuple[Shape, tuple[str, ...]]:
        """Separate a raw query string into its shape and its values. The text of `structural` parameters is shape.

        Raises `BadRequest` for bytes that are not UTF-8, `UriTooLong`, and `Invalid` for NUL, repeated parameters,
        parentheses that make no sense, and values that are too many or too long.

        >>> Splitter(Limits()).split(b"author_id=7&sort=-id")
        ((('author_id', Slot(index=0)), ('sort', '-id')), ('7',))
        """
        if not query_string:
            return (), ()
        length = len(query_string)
        if length > MAX_LENGTH:
            raise UriTooLong(f"The query string has {length} bytes; at most {MAX_LENGTH} are read.")
        shape, values = (self._split_again if length <= REPEATED else self._split)(query_string, structural)
        if length > self.value_length:  # only then a value can be
            self._check_lengths(shape, values)
        return shape, values

    def _split(self, query_string: bytes, structural: frozenset[str]) -> tuple[Shape, tuple[str, ...]]:
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
                shape.append((name, tuple(map(put, _listed(name, value, self.values)))))
            elif value.startswith("(") and value.endswith(")"):
                shape.append((name, _parenthesised(value, put)))
            else:
                shape.append((name, put(value)))
        return tuple(shape), tuple(values)

    def _check_lengths(self, shape: Shape, values: tuple[str, ...]) -> None:
        """Refuse a value that is too long."""
        for top, written in shape:
            for name, slot in _slots(top, written):
                length = len(values[slot.index])
                if length > self.value_length and name not in CURSORS:
                    message = (
                        f"'{name[:100]}' has a value of {length} characters; at most {self.value_length} are read."
                    )
                    loc = ("query", top) if name == top else ("query", top, name)
                    raise Invalid.at(loc, message, "too_long", "Filter by a shorter value, or by a part of it.")


split = Splitter(Limits()).split
"""Split within the limits that there are by default."""


def _slots(name: str, written: object) -> Iterator[tuple[str, Slot]]:
    """List the values behind a name, with the names that they have in its parentheses."""
    match written:
        case Slot():
            yield name, written
        case Parenthesised():
            yield from _slots(name, written.group or written.whole)
        case Group():
            for entry in written.entries:
                yield from _slots(entry.name or name, entry.value)
        case Names():
            for step in (step for path in written.paths for step in path):
                yield from _slots(step.name, step.options)
        case tuple():
            for slot in written:
                yield name, slot


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


def _listed(name: str, value: str, most: int) -> list[str]:
    """Take a list of values apart; one of `in` has as many as a power of two, so that there are few shapes."""
    try:
        values = split_values(value)
    except ValueError as error:
        raise _malformed(name, str(error)) from None
    if len(values) > most:
        raise too_many_values(("query", name), len(values), most)
    wanted = len(values) if name.endswith("__between") else 1 << (len(values) - 1).bit_length()
    return values + values[-1:] * (wanted - len(values))


def too_many_values(loc: Location, given: int, most: int) -> Invalid:
    """Say that a list is too long."""
    message = f"'{str(loc[-1])[:100]}' has {given} values; at most {most} are taken."
    return Invalid.at(loc, message, "too_many", "Ask for them in several requests.")


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
