"""What a column can hold, said to Pydantic: bounds that its annotation does not have, and text that reads as in a URL.

`bounded` adds to an annotation what OpenAPI can show, and has one parser read a kind of column wherever it comes from.
Knows column types by their description and their storage; no mapper, and no model as a whole.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import takewhile
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

import pydantic
from annotated_types import Ge, Le, MaxLen
from pydantic_core import to_json

from onetrip.schema.fidelity import bare
from onetrip.schema.storage import Storage, null, refusal
from onetrip.schema.types import FieldType

_VALIDATORS = (pydantic.AfterValidator, pydantic.BeforeValidator, pydantic.PlainValidator, pydantic.WrapValidator)
_MOMENTS = {
    pydantic.AwareDatetime, pydantic.NaiveDatetime, pydantic.PastDatetime, pydantic.FutureDatetime,
    pydantic.PastDate, pydantic.FutureDate,
}  # fmt: skip
_READ: dict[str, type | tuple[type, ...]] = {
    "date": date, "datetime": datetime, "local_datetime": datetime, "time": time, "duration": timedelta,
    "decimal": Decimal, "uuid": UUID, "address": (), "base64": bytes,
}  # fmt: skip
"""Kinds that JSON writes as text of a form of their own, and what a validator may have made of it before."""

_SAID = ("integer", "string", "decimal", "local_datetime", "time")
"""Kinds of which Pydantic's own schema admits more than is read."""

_PLAIN = (str, int, float)
"""Values of an Enum that JSON has, too."""


def bounded(annotation: Any, metadata: tuple[Any, ...], storage: Storage, *, nullable: bool) -> Any:
    """Add the bounds of a column to an annotation and its metadata; `None` is accepted where the column is nullable."""
    base = _required(annotation)
    if storage.type.decorated:
        inner, outer = base, metadata
    else:
        before = tuple(takewhile(lambda item: not isinstance(item, _VALIDATORS), metadata))
        known = (*_limits(base, storage), *before, *_reading(base, storage.type), *_shown(base, storage.type))
        base = _items(base, storage)
        inner, outer = Annotated[(base, *known)] if known else base, metadata[len(before) :]
    whole = either(inner, None) if nullable else inner
    return Annotated[(whole, *outer)] if outer else whole


class _Whole:
    """An annotation as a hashable piece of another: unions compare their members, and metadata need not allow that."""

    def __init__(self, annotation: Any) -> None:
        self.annotation = annotation

    def __get_pydantic_core_schema__(self, source: Any, handler: pydantic.GetCoreSchemaHandler) -> Any:
        return handler.generate_schema(self.annotation)


@dataclass(frozen=True)
class _Shown:
    """What OpenAPI says of a value, where Pydantic says less; the last word has what is declared."""

    said: Mapping[str, Any]

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: pydantic.GetJsonSchemaHandler) -> Any:
        shown = handler(core_schema)
        for schema in shown.get("anyOf", [shown]):  # a decimal is a number, too
            if schema.get("type") != self.said["type"]:
                continue
            if schema.get("maximum") == self.said.get("exclusiveMaximum", 0) - 1:
                del schema["maximum"]
            schema.update({name: said for name, said in self.said.items() if name == "format" or name not in schema})
        return shown


def either(annotation: Any, other: Any) -> Any:
    """Accept another value, too: `None` or `MISSING`."""
    return Union[Annotated[Any, _Whole(annotation)], other]  # noqa: UP007 - MISSING is a value


def is_plain(annotation: Any, metadata: tuple[Any, ...], storage: Storage) -> bool:
    """Say whether a column is declared as what it is, and nothing but Pydantic reads its values."""
    own = _required(annotation) is storage.type.python and not storage.type.decorated
    return own and not any(isinstance(item, _VALIDATORS) for item in metadata)


def _required(annotation: Any) -> Any:
    """Strip `None` from an annotation, and keep whatever is said inside."""
    others = [part for part in get_args(annotation) if part is not type(None)]
    if type(None) in get_args(annotation) and get_origin(annotation) is not Literal:
        return Union[tuple(others)]  # noqa: UP007 - of one or more
    return annotation


def _limits(annotation: Any, storage: Storage) -> Iterator[Any]:
    """Say the bounds that Pydantic knows, and shows in OpenAPI."""
    type_, plain = storage.type, bare(annotation)
    if type_.kind == "integer" and plain is int:
        yield Ge(type_.json_schema["minimum"])
        yield Le(type_.json_schema["maximum"])
    elif type_.kind == "string" and plain is str and storage.impl.length:
        yield MaxLen(storage.impl.length)
    elif type_.kind == "decimal" and plain is Decimal and storage.digits[0] is not None:
        digits, decimals = storage.digits
        yield pydantic.Field(max_digits=digits, decimal_places=decimals)


def _shown(annotation: Any, type_: FieldType) -> Iterator[Any]:
    """Say in OpenAPI what Pydantic does not know, of a column that is declared as what it is."""
    plain = bare(annotation)
    if type_.kind in _SAID and (plain is type_.python or plain in _MOMENTS):
        yield _Shown(type_.written)


def _items(annotation: Any, storage: Storage) -> Any:
    """Bound the items of an array, one by one, and name the members of an Enum that has no class."""
    if storage.type.kind == "enum" and bare(annotation) is str:
        return Literal[tuple(value for _, value in storage.type.members)]
    if storage.type.kind != "array" or get_origin(bare(annotation)) is not list:
        return annotation
    (inner,) = get_args(bare(annotation))
    if get_origin(bare(inner)) is list:  # PostgreSQL has no NULL in place of a list
        return list[_items(_required(inner), storage)]  # type: ignore[misc]
    return list[bounded(inner, (), storage.item, nullable=type(None) in get_args(inner))]  # type: ignore[misc]


def _reading(annotation: Any, type_: FieldType) -> Iterator[Any]:
    """Read text as it is read in a URL: one parser for a kind of column, one sentence for what is wrong."""
    plain = bare(annotation)
    members = getattr(plain, "__members__", {}).values()
    if type_.kind == "enum" and not all(isinstance(member.value, _PLAIN) for member in members):
        yield pydantic.BeforeValidator(lambda value: _member(value, type_))
    if type_.kind not in _READ or not (plain is type_.python or plain in _MOMENTS):
        return
    made = _READ[type_.kind]
    parse = _base64 if type_.kind == "base64" else type_.parse

    def read(value: Any) -> Any:
        if isinstance(value, made) and type_.python is not str:
            return value
        if value is None:
            raise null()
        if type_.kind == "decimal" and isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)
        try:
            return parse(value if isinstance(value, str) else "")
        except OverflowError as error:
            raise refusal("out_of_range", str(error)) from None
        except ValueError as error:
            raise refusal(f"{type_.kind}_parsing", str(error).partition(" (in a URL")[0]) from None

    yield pydantic.BeforeValidator(read)


def _member(value: Any, type_: FieldType) -> Any:
    """Find the member of an Enum by what JSON has for a value that it cannot have: a date, a tuple."""
    try:
        return type_.parse(value if isinstance(value, str) else to_json(value).decode())
    except ValueError as error:
        raise refusal("enum", str(error)) from None


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("must be bytes in base64") from None
