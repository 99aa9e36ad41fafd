"""What is inside the values of a JSON column: an annotation, followed name by name.

`inside` gives a column's type what its annotation says of it. Where that says nothing, every name is taken, and what
is there is compared by what it turns out to be. What an annotation does not show (an excluded field) is not there, and
what it writes in a way of its own cannot be compared. Annotations are read when a client asks, so models may contain
themselves. Knows annotations and column types; no mapper.
"""

import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any, Literal, get_args, get_origin
from uuid import UUID

import pydantic
from pydantic import BaseModel, RootModel
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python
from typing_extensions import get_type_hints, is_typeddict

from onetrip.schema import parsers
from onetrip.schema.fidelity import bare, metadata_of, writes
from onetrip.schema.parsers import Parser
from onetrip.schema.types import FieldType

_LISTS = (list, set, frozenset, tuple, Sequence)
_MAPPINGS = (dict, Mapping)


@dataclass(frozen=True, slots=True)
class Inside:
    """The names in an object or a list: answers by `at` the key under which a value is stored, and its type."""

    members: Mapping[str, tuple[str, Any]] = field(default_factory=dict)
    every: Any = None
    numbered: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The names that are known."""
        return tuple(self.members)

    def at(self, name: str) -> tuple[str | int, FieldType] | None:
        """Find what is under a name, if anything may be: a number in a list, the public name of a field in a model."""
        if name in self.members:
            stored, annotation = self.members[name]
            return stored, described(annotation)
        if self.every is None or (self.numbered and not parsers.INDEX.fullmatch(name)):
            return None
        return (int(name) if self.numbered else name), described(self.every)


def _type(kind: Any, python: Any, parse: Parser, **schema: Any) -> FieldType:
    return FieldType(kind=kind, python=python, parse=parse, json_schema=schema, native=False)


def _written(parse: Parser) -> Parser:
    """Read a value, and write it as it stands in JSON."""
    return lambda text: to_jsonable_python(parse(text))


SCALAR = _type("scalar", Any, str, type="string")
"""A string, a number or a boolean, of which nobody has said what it is."""

_ANYTHING = replace(SCALAR, kind="json", item=SCALAR, inside=Inside(every=Any))
_OPAQUE = replace(SCALAR, kind="json", comparable=False)
_NOTATION = _type("enum", str, str, type="string")  # compared as it is written, and with no order
_SCALARS: Mapping[Any, FieldType] = {
    str: _type("string", str, str, type="string"),
    bool: _type("boolean", bool, parsers.boolean, type="boolean"),
    int: _type("integer", int, parsers.integer(64), type="integer", minimum=-(2**63), maximum=2**63 - 1),
    float: _type("float", float, parsers.double, type="number"),
    date: _type("plain", str, _written(parsers.day), type="string", format="date"),
    time: _type("plain", str, str, type="string"),
    datetime: _type("plain", str, str, type="string"),
    UUID: _type("plain", str, _written(parsers.uuid), type="string", format="uuid"),
    pydantic.EmailStr: _type("string", str, str, type="string"),
    **dict.fromkeys((Decimal, timedelta, Path, IPv4Address, IPv6Address), _NOTATION),
}


def inside(type_: FieldType, annotation: Any) -> FieldType:
    """Say of a JSON column what is in it. One with a type decorator has nothing in it unless its annotation says so."""
    if type_.kind != "json":
        return type_
    found = _ANYTHING if annotation is None else described(annotation)
    if found is _ANYTHING and type_.decorated:
        return type_
    return replace(type_, inside=found.inside, item=found.item) if found.kind == "json" else type_


def described(annotation: Any) -> FieldType:
    """Describe a value in JSON by its annotation."""
    if any(map(writes, metadata_of(annotation))):
        return _OPAQUE
    annotation = bare(annotation)
    if annotation in (Any, object):
        return _ANYTHING
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    if get_origin(annotation) in (typing.Union, types.UnionType):
        return _either([described(part) for part in get_args(annotation) if part is not type(None)])
    if values := list(_choices(annotation)):
        return _one_of(values)
    return _collected(annotation)


def _collected(annotation: Any) -> FieldType:
    """Describe what has other values inside, or what is not known."""
    origin, arguments = get_origin(annotation) or annotation, [part for part in get_args(annotation) if part is not ...]
    if is_typeddict(origin):
        hints = get_type_hints(origin, include_extras=True)
        return replace(_OPAQUE, inside=Inside({name: (name, _plain(hint)) for name, hint in hints.items()}))
    if origin in _MAPPINGS:
        return replace(_OPAQUE, inside=Inside(every=arguments[1] if arguments else Any))
    if origin in _LISTS:
        every = arguments[0] if len(set(arguments)) == 1 else Any
        item = described(every)
        found = SCALAR if item is _ANYTHING else item if item.comparable else None
        return replace(_OPAQUE, inside=Inside(every=every, numbered=True), item=found)
    if isinstance(origin, type) and issubclass(origin, RootModel):
        return described(origin.model_fields["root"].annotation)
    if isinstance(origin, type) and issubclass(origin, BaseModel):
        return replace(_OPAQUE, inside=_fields(origin))
    return _OPAQUE


def _fields(model: type[BaseModel]) -> Inside:
    """List the fields of a model by their public names, without those that it does not write."""
    decorators = model.__pydantic_decorators__
    if decorators.model_serializers:
        return Inside()
    own = {name for found in decorators.field_serializers.values() for name in found.info.fields}
    by_alias = model.model_config.get("serialize_by_alias")

    def member(name: str, info: FieldInfo) -> tuple[str, tuple[str, Any]]:
        shown = info.serialization_alias or info.alias or name
        opaque = bool(own & {name, "*"}) or any(map(writes, info.metadata))
        return shown, (shown if by_alias else name, type(None) if opaque else info.annotation)

    members = dict(member(name, info) for name, info in model.model_fields.items() if not info.exclude)
    return Inside(members, Any if model.model_config.get("extra") == "allow" else None)


def _plain(hint: Any) -> Any:
    """Strip `Required` and its kin from the annotation of a typed dictionary."""
    named = get_origin(hint) in (typing.Required, typing.NotRequired)
    return _plain(get_args(hint)[0]) if named else hint


def _either(found: Sequence[FieldType]) -> FieldType:
    """Describe what may be one thing or another: as what they have in common, or else as what it turns out to be."""
    if all(each is found[0] for each in found):
        return found[0]
    known = all(each is _ANYTHING or each.comparable for each in found)
    return _ANYTHING if known else _OPAQUE


def _choices(annotation: Any) -> Iterator[Any]:
    """List the values of an Enum or a `Literal` as they stand in JSON."""
    if get_origin(annotation) is Literal:
        yield from map(to_jsonable_python, get_args(annotation))
    elif isinstance(annotation, type) and issubclass(annotation, Enum):
        yield from (to_jsonable_python(member) for member in annotation)


def _one_of(values: Sequence[Any]) -> FieldType:
    if all(isinstance(value, str) for value in values):
        parse = parsers.member({value: value for value in values})
        return replace(_NOTATION, parse=parse, json_schema={"enum": values})
    if all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        parse = parsers.member({str(value): value for value in values})
        return replace(_SCALARS[int], parse=parse, json_schema={"enum": values})
    return _ANYTHING
