"""Cursors: where a row stands in an order, as a text that means something in one list only.

What is in it is encrypted, because the key that every order ends with may be hidden, and authenticated together with
the list it belongs to: resource, sort, filters and their values, and the direction. Encryption is deterministic, keyed
by the tag of what is encrypted (as SIV is, RFC 5297): the same page has the same links, and the same entity tag.
"""

import base64
import hmac
import re
import secrets
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

MAX_POSITION = 2048
"""Bytes of a position: a row that sorts by longer text has no cursor, because no header would carry it."""

MIN_SECRET = 16
"""Characters of a secret."""

_VERSION = b"\x01"
_TAG = 16
_LONGEST = 4 * (len(_VERSION) + _TAG + MAX_POSITION) // 3 + 4
_SCALAR = rb'(-?[0-9][0-9.eE+-]*|"[^"\\]*"|true|false|null)'
_FORM = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Scope:
    """The list to which cursors belong: its description for either direction, and the slots of values in it."""

    after: bytes
    before: bytes
    slots: tuple[int, ...]

    def of(self, texts: Sequence[str], direction: str) -> bytes:
        """Describe the list of one request. NUL is in none of its texts."""
        description = self.after if direction == "after" else self.before
        if not self.slots:
            return description
        return b"\0".join([description, *(texts[slot].encode() for slot in self.slots)])


class Cursors:
    """Writes and reads cursors by a secret that clients do not know."""

    def __init__(self, secret: str) -> None:
        tags = blake2b(secret.encode(), person=b"onetrip cursor t").digest()
        streams = blake2b(secret.encode(), person=b"onetrip cursor s").digest()
        self._tags = blake2b(key=tags, digest_size=_TAG)  # copied for each cursor, which saves setting up the key
        self._streams = blake2b(key=streams)

    def write(self, scope: bytes, position: bytes) -> bytes | None:
        """Write the cursor of a position, a JSON array; `None` for one that is too long."""
        if len(position) > MAX_POSITION:
            return None
        tag = self._tag(scope, position)
        return base64.urlsafe_b64encode(_VERSION + tag + self._crypt(tag, position)).rstrip(b"=")

    def read(self, scope: bytes, text: str, loc: Location) -> list[Any]:
        """Read the position of a cursor that stands at `loc`. Raises `Invalid`."""
        name = loc[-1]
        if not text:
            message = f"'{name}' is empty: give the cursor of a link, or leave it out."
            raise Invalid.at(loc, message, "empty")
        raw = _decoded(text)
        if raw is not None and raw[:1] == _VERSION:
            tag, encrypted = raw[1 : _TAG + 1], raw[_TAG + 1 :]
            position = self._crypt(tag, encrypted)
            if hmac.compare_digest(tag, self._tag(scope, position)):
                found: list[Any] = from_json(position)
                return found
        message = f"'{name}' is no cursor of this list: it is damaged, or of another list, sort, filter or direction."
        hint = f"Take the URLs in 'Link' as they are, or begin without '{name}'."
        raise Invalid.at(loc, message, "invalid_cursor", hint)

    def _tag(self, scope: bytes, position: bytes) -> bytes:
        tag = self._tags.copy()
        tag.update(b"%d:%b%b" % (len(scope), scope, position))
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


def position_of(names: Sequence[str]) -> Callable[[bytes], bytes]:
    """Make what reads the position of a record, which shows it under these names.

    Where a record begins with them, as it does when it is sorted by its key, nothing else of it is parsed.
    """
    members = rb"\s*,\s*".join(re.escape(to_json(name)) + rb"\s*:\s*" + _SCALAR for name in names)
    leading = re.compile(rb"\{\s*" + members + rb"\s*[,}]").match

    def position(record: bytes) -> bytes:
        found = leading(record)
        if found is not None:
            return b"[%b]" % b",".join(found.groups())
        values = from_json(record)
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
    return Scope(description + b"\0after", description + b"\0before", tuple(slots))


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
