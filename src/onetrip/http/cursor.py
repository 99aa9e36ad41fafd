"""Cursors: where a row stands in an order, as a text that means something in one list only.

What is in it is authenticated together with the list it belongs to: resource, sort, filters and their values, and the
direction. It is encrypted as well where records do not show it, because the key that every order ends with may be
hidden. Encryption is deterministic, keyed by the tag of what is encrypted (as SIV is, RFC 5297): the same page has the
same links, and the same entity tag.
"""

import base64
import hmac
import re
import secrets
from binascii import b2a_base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b, shake_256
from typing import Any

from pydantic_core import from_json, to_json

from onetrip.errors import ConfigurationError, Invalid, Location
from onetrip.plan.given import Given
from onetrip.plan.ir import (
    AllOf,
    AnyOf,
    Comparison,
    Exists,
    FirstOf,
    Hop,
    Matches,
    Negation,
    OrderKey,
    Parameter,
    Predicate,
    ReadPlan,
)
from onetrip.plan.keyset import turned
from onetrip.plan.read import Endpoint
from onetrip.schema.model import Field, Relation
from onetrip.sql.statement import SEPARATOR

MAX_POSITION = 2048
"""Bytes of a position: a row that sorts by longer text has no cursor, because no header would carry it."""

MIN_SECRET = 16
"""Characters of a secret."""

_HIDDEN, _SHOWN = b"\x01", b"\x02"  # versions: a position that is encrypted, or not
_URL_SAFE = bytes.maketrans(b"+/", b"-_")  # RFC 4648, section 5
_TAG = 16
_LONGEST = 4 * (len(_HIDDEN) + _TAG + MAX_POSITION) // 3 + 4
_FORM = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Scope:
    """The list to which cursors belong: its description, and the slots of values that are part of it."""

    description: bytes
    slots: tuple[int, ...] = ()


class Cursors:
    """Knows a secret that clients do not know."""

    def __init__(self, secret: str) -> None:
        tags = blake2b(secret.encode(), person=b"onetrip cursor t").digest()
        streams = blake2b(secret.encode(), person=b"onetrip cursor s").digest()
        self.tags = blake2b(key=tags, digest_size=_TAG)
        self.streams = blake2b(key=streams)

    def of(self, scope: Scope) -> "ListCursors":
        """Make the cursors of one list."""
        return ListCursors(self, scope)


class ListCursors:
    """Writes and reads the cursors of one list, by its values: texts of a request, in none of which is NUL."""

    __slots__ = ("_after", "_before", "_slots", "_streams")

    def __init__(self, cursors: Cursors, scope: Scope) -> None:
        self._after, self._before = cursors.tags.copy(), cursors.tags.copy()  # what they hash first is the same always
        self._after.update(scope.description + b"\0after\0")
        self._before.update(scope.description + b"\0before\0")
        self._slots = scope.slots
        self._streams = cursors.streams

    def write(self, direction: str, texts: Sequence[str], position: bytes, *, hidden: bool) -> bytes | None:
        """Write the cursor of a position, a JSON array, which nobody can read if it is `hidden`.

        `None` for one that is too long.
        """
        if len(position) > MAX_POSITION:
            return None
        tag = self._tag(direction, texts, position)
        raw = _HIDDEN + tag + self._crypt(tag, position) if hidden else _SHOWN + tag + position
        return b2a_base64(raw, newline=False).translate(_URL_SAFE, b"=")

    def read(self, direction: str, texts: Sequence[str], text: str, loc: Location) -> list[Any]:
        """Read the position of a cursor that stands at `loc`. Raises `Invalid`."""
        name = loc[-1]
        if not text:
            message = f"'{name}' is empty: give the cursor of a link, or leave it out."
            raise Invalid.at(loc, message, "empty")
        raw = _decoded(text)
        if raw is not None and raw[:1] in (_HIDDEN, _SHOWN):
            tag, position = raw[1 : _TAG + 1], raw[_TAG + 1 :]
            if raw[:1] == _HIDDEN:
                position = self._crypt(tag, position)
            if hmac.compare_digest(tag, self._tag(direction, texts, position)):
                found: list[Any] = from_json(position)
                return found
        message = f"'{name}' is no cursor of this list: it is damaged, or of another list, sort, filter or direction."
        hint = f"Take the URLs in 'Link' as they are, or begin without '{name}'."
        raise Invalid.at(loc, message, "invalid_cursor", hint)

    def _tag(self, direction: str, texts: Sequence[str], position: bytes) -> bytes:
        tag = (self._after if direction == "after" else self._before).copy()
        for slot in self._slots:
            tag.update(texts[slot].encode() + b"\0")
        tag.update(position)
        return tag.digest()

    def _crypt(self, tag: bytes, text: bytes) -> bytes:
        """Encrypt or decrypt, by a stream that is as long as the text."""
        seed = self._streams.copy()
        seed.update(tag)
        stream = seed.digest()
        stream = stream[: len(text)] if len(text) <= len(stream) else shake_256(stream).digest(len(text))
        return (int.from_bytes(text) ^ int.from_bytes(stream)).to_bytes(len(text))


def checked_secret(secret: str) -> str:
    """Check the secret of a user. Raises `ConfigurationError`."""
    if len(secret) < MIN_SECRET:
        raise ConfigurationError(
            f"The secret has {len(secret)} characters, and needs at least {MIN_SECRET}: make one with"
            " python -c 'import secrets; print(secrets.token_urlsafe())'."
        )
    return secret


def random_secret() -> str:
    """Make a secret that lives as long as this process."""
    return secrets.token_urlsafe()


def _decoded(text: str) -> bytes | None:
    """Decode base64 that is written in the one way in which it was handed out."""
    if len(text) > _LONGEST or not _FORM.fullmatch(text):
        return None
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
    return raw if base64.urlsafe_b64encode(raw).rstrip(b"=") == text.encode() and len(raw) > _TAG + 1 else None


def position_of(names: Sequence[str]) -> Callable[[bytes, int], bytes]:
    """Make what reads the position of the record that begins at an offset, and shows it under these names.

    Of a record that begins with a number by which it is sorted, as most do, nothing else is read.
    """
    beginning = b"{" + to_json(names[0]) if len(names) == 1 else SEPARATOR

    def position(records: bytes, start: int) -> bytes:
        if records.startswith(beginning, start):
            number = records[records.find(b":", start) + 1 : records.find(b",", start)].strip()
            if number.isdigit():
                return b"[%b]" % number
        end = records.find(SEPARATOR, start)
        values = from_json(records[start : end if end >= 0 else None])
        return to_json([values[name] for name in names])

    return position


def scope_of(
    endpoint: Endpoint, order: Sequence[OrderKey], where: Sequence[Predicate], parameters: Sequence[Parameter],
    relation: Relation | None = None,
) -> Scope:  # fmt: skip
    """Describe a list: where it is, in which order, and by which filters, in any order.

    It is what an endpoint answers, or the rows of a relation of the one row that it answers.
    """
    kind, relation = ("related", relation) if relation is not None else (endpoint.kind, endpoint.relation)
    told = sorted(_told(predicate, parameters) for predicate in where)
    slots = [*range(len(endpoint.key)), *(slot for _, slots in told for slot in slots)]
    place = (kind, endpoint.resource.name, relation and relation.name)
    description = repr((place, [_key(key) for key in order], [text for text, _ in told])).encode()
    return Scope(description, tuple(slots))


def walked(endpoint: Endpoint, plan: ReadPlan) -> Scope:
    """Describe the list that is answered."""
    order, paging = plan.selection.order, plan.paging
    if paging is not None and paging.backwards:
        order = tuple(map(turned, order))
    return scope_of(endpoint, order, plan.selection.where, plan.parameters)


def _key(key: OrderKey) -> object:
    return _path(key.path), _field(key.field), key.descending, key.nulls_first, key.nullable


def _field(field: Field) -> object:
    return field.name, field.keys, field.type.kind


def _path(path: Sequence[Hop]) -> list[str]:
    return [hop.relation.name for hop in path]


def _told(predicate: Predicate, parameters: Sequence[Parameter]) -> tuple[str, tuple[int, ...]]:
    """Describe a predicate, and name the slots of its values, one for each `None` in the description."""
    inner: Sequence[Predicate] = ()
    match predicate:
        case Comparison(field=field, operator=operator, parameters=numbers, path=path):
            values = [parameters[number] for number in numbers]
            constants = [value.default if value.slot is None else None for value in values]
            slots = tuple(value.slot for value in values if value.slot is not None)
            return repr((_path(path), _field(field), operator, constants)), slots
        case Matches(parameter=number):
            slot = parameters[number].slot
            return "q", () if slot is None else (slot,)
        case Given(text=text, slot=slot):
            return f"given {text}", (slot,)
        case AllOf(of=several) | AnyOf(of=several) | FirstOf(of=several):
            what, inner = type(predicate).__name__, several
        case Negation(of=one):
            what, inner = "not", (one,)
        case Exists(relation=relation, of=some):
            what, inner = f"some {relation.name}", () if some is None else (some,)
    told = [_told(part, parameters) for part in inner]
    return repr((what, [text for text, _ in told])), tuple(slot for _, slots in told for slot in slots)
