"""Bodies → values: what a client sent, checked by its model, as what the columns are set to."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from pydantic import MISSING, BaseModel, TypeAdapter, ValidationError

from onetrip.errors import Invalid
from onetrip.http.body import body_problem
from onetrip.schema.model import Body, Field


def taken(body: Body | None) -> Body:
    """Answer a body that is there: the router knows which methods a resource has."""
    assert body is not None
    return body


def validated(body: Body, raw: bytes) -> BaseModel:
    """Check a body. Raises `Invalid`."""
    try:
        return body.model.__pydantic_validator__.validate_json(raw)  # type: ignore[no-any-return]
    except ValidationError as error:
        raise body_problem(error, body.model) from None


def validated_many(body: Body, raw: bytes, count: int, limit: int) -> list[BaseModel]:
    """Check each row of an array. Raises `Invalid`."""
    if count > limit:
        raise Invalid.at(("body",), f"An array holds at most {limit} rows.", "too_many")
    try:
        return _list_of(body.model).validate_json(raw)
    except ValidationError as error:
        raise body_problem(error, body.model) from None


@cache
def _list_of(model: type[BaseModel]) -> TypeAdapter[list[Any]]:
    return TypeAdapter(list[model])  # type: ignore[valid-type]


def values_of(body: Body, instance: BaseModel, sent: Iterable[str] | None = None) -> dict[Field, Any]:
    """List the columns that an instance sets, with what is stored. `sent` are the only fields that count, if given."""
    fields = instance.__dict__
    given = instance.__pydantic_fields_set__
    values: dict[Field, Any] = {}
    for name, column in body.columns.items():
        value = fields[name]
        if value is MISSING or (sent is not None and name not in sent):
            continue
        if value is None and not column.nullable and name not in given:
            continue  # a default of a hand-written model that means: not known yet
        plain = value is None or column.type.kind != "address" or column.type.decorated
        values[column] = value if plain else str(value)
    return values
