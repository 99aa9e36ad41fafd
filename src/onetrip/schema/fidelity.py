"""Why Python must write an answer: what SQL cannot write as Pydantic would.

Pure questions about annotations, field definitions and models, answered with a reason in words for the start, or
`None`. Knows column types by their description, no mapper and no resource.
"""

import types
import typing
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import pydantic
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typing_extensions import TypeAliasType

from onetrip.schema.model import Field
from onetrip.schema.types import FieldType

Inexact = Callable[[FieldType], str | None]
"""Says why SQL of the dialect in use cannot write a `FieldType` as Pydantic would; `None` when it can."""

WRITING = frozenset(
    {"json_encoders", "ser_json_bytes", "ser_json_inf_nan", "ser_json_temporal", "ser_json_timedelta", "val_json_bytes"}
)
"""Settings of a model that change how values are written."""

_READING = frozenset({"str_strip_whitespace", "str_to_lower", "str_to_upper"})
_SERIALIZERS = (pydantic.PlainSerializer, pydantic.WrapSerializer, pydantic.EncodedBytes, pydantic.EncodedStr)
_VALIDATORS = (pydantic.AfterValidator, pydantic.BeforeValidator, pydantic.PlainValidator, pydantic.WrapValidator)
_TEXT_LIKE = (str, Path, IPv4Address, IPv6Address)
_JSON_LIKE = (dict, list, str, int, float, bool, type(None), Any)
_MOMENTS = (pydantic.AwareDatetime, pydantic.NaiveDatetime, pydantic.PastDatetime, pydantic.FutureDatetime)


def bare(annotation: Any) -> Any:
    """Strip an annotation of `None`, `Annotated`, `NewType` and aliases: `Optional[Annotated[int, Gt(0)]]` is `int`."""
    if get_origin(annotation) is Annotated:
        return bare(get_args(annotation)[0])
    if isinstance(annotation, typing.NewType):
        return bare(annotation.__supertype__)
    if isinstance(annotation, TypeAliasType):
        return bare(annotation.__value__)
    if get_origin(annotation) in (typing.Union, types.UnionType):
        others = [argument for argument in get_args(annotation) if argument is not type(None)]
        if len(others) == 1:
            return bare(others[0])
    return annotation


def column_reason(field: Field, inexact: Inexact) -> str | None:
    """Say why Python must write a column whatever it is declared as, if it must."""
    if field.type.decorated:
        return f"'{field.name}' has a column type of its own"
    reason = inexact(field.type)
    return f"'{field.name}' {reason}" if reason else None


def declared_reason(field: Field, info: FieldInfo, *, validated: bool) -> str | None:
    """Say why Python must write a column as a model declares it, if it must.

    `validated` says that the model's validators count too, which may change what they are given.
    """
    metadata = [*info.metadata, *metadata_of(info.annotation)]
    if any(map(writes, metadata)):
        return f"'{field.name}' has a serializer"
    if validated and any(map(_changes, metadata)):
        return f"'{field.name}' has a validator"
    if info.exclude_if is not None:
        return f"'{field.name}' is left out for some values"
    annotation = bare(info.annotation)
    if not _writes_alike(annotation, field.type):
        return f"'{field.name}' is declared as {getattr(annotation, '__name__', annotation)}"
    return None


def model_reason(model: type[BaseModel]) -> str | None:
    """Say which code or setting of a model's own changes what it is given or writes, if there is one."""
    found = model.__pydantic_decorators__
    for group in ("field_validators", "root_validators", "model_validators", "validators"):
        if getattr(found, group, None):
            return f"{model.__name__} has validators"
    if found.field_serializers or found.model_serializers:
        return f"{model.__name__} has serializers"
    if set(model.model_config) & WRITING or any(model.model_config.get(name) for name in _READING):
        return f"{model.__name__} changes how values are written"
    return None


def writes(item: Any) -> bool:
    """Say whether metadata of an annotation changes how a value is written; what is not Pydantic's own may well."""
    foreign = hasattr(item, "__get_pydantic_core_schema__") and not type(item).__module__.startswith("pydantic")
    return foreign or isinstance(item, _SERIALIZERS)


def _changes(item: Any) -> bool:
    """Say whether metadata of an annotation may change the value that it validates."""
    texts = ("strip_whitespace", "to_lower", "to_upper")
    return isinstance(item, _VALIDATORS) or any(getattr(item, name, None) for name in texts)


def metadata_of(annotation: Any) -> Iterator[Any]:
    """Find what is annotated inside an annotation, at any depth."""
    if get_origin(annotation) is Annotated:
        yield from annotation.__metadata__
        yield from metadata_of(get_args(annotation)[0])
    elif isinstance(annotation, TypeAliasType):
        yield from metadata_of(annotation.__value__)
    elif get_origin(annotation) is not Literal:
        for argument in get_args(annotation):
            yield from metadata_of(argument)


def _writes_alike(annotation: Any, type_: FieldType) -> bool:
    """Say whether Pydantic writes a value of this annotation as SQL writes the column."""
    if annotation is type_.python or annotation is Any:
        return True
    if type_.kind == "json":
        return _plain_json(annotation)
    if type_.kind == "array":
        inner = bare(get_args(annotation)[0]) if get_origin(annotation) is list else None
        return type_.item is not None and _writes_alike(inner, type_ if get_origin(inner) is list else type_.item)
    if type_.python is str:
        if get_origin(annotation) is Literal:
            return True
        return annotation is pydantic.EmailStr or (isinstance(annotation, type) and issubclass(annotation, _TEXT_LIKE))
    if type_.kind in ("datetime", "local_datetime"):
        return annotation in _MOMENTS
    return type_.kind == "date" and annotation in (pydantic.PastDate, pydantic.FutureDate)


def _plain_json(annotation: Any) -> bool:
    annotation = bare(annotation)
    origin = get_origin(annotation)
    if origin in (typing.Union, types.UnionType, dict, list):
        return all(_plain_json(argument) for argument in get_args(annotation))
    return annotation in _JSON_LIKE
