"""Columns to which a client may add: which they are, what an amount is, and how OpenAPI shows a body that has one."""

from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import BaseModel, WithJsonSchema, create_model
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Mapper

from onetrip.errors import ConfigurationError, nearest
from onetrip.schema.checks import checker
from onetrip.schema.declaration import Resource
from onetrip.schema.model import Body, Field, Increment, Writes
from onetrip.schema.storage import Storage

INCREMENT = "$inc"
"""The only key of an object that stands for an amount to add."""


def increments(resource: Resource, mapper: Mapper[Any], writes: Writes, dialect: Dialect) -> tuple[Increment, ...]:
    """List the columns that a resource opens to increments.

    Raises `ConfigurationError` for those that are no numbers, that PATCH does not change, or that are changed by code.
    """
    return tuple(_increments(resource, mapper, writes, dialect))


def _increments(resource: Resource, mapper: Mapper[Any], writes: Writes, dialect: Dialect) -> Iterator[Increment]:
    columns = {} if writes.update is None else {field.attribute: field for field in writes.update.columns.values()}
    for attribute in resource.increments:
        where = f"Resource({resource.model.__name__}, increments=…): '{attribute}'"
        field = columns.get(attribute)
        if field is None:
            hint = nearest(attribute, [*columns]) or f"There are: {', '.join(sorted(columns))}."
            raise ConfigurationError(f"{where} is not a column that PATCH changes. {hint}")
        type_ = field.type
        if type_.kind not in ("integer", "decimal") or type_.decorated or not type_.native:
            raise ConfigurationError(
                f"{where} is not an integer or a decimal: a database adds to nothing else exactly."
            )
        if (reason := writes.unit_of_work.get("update")) is not None:
            raise ConfigurationError(
                f"{where} is changed by a session, because {reason}, and that knows no amounts: leave it out, or change"
                " it in the hook."
            )
        column = mapper.column_attrs[attribute].columns[0]
        check = checker(Storage(type_, column.type, dialect), nullable=False)
        assert check is not None  # numbers have bounds
        yield Increment(field=field, parse=_parser(field, check))


def _parser(field: Field, check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Make what reads an amount of a body: whatever the column itself could hold."""
    kinds: tuple[type, ...] = (int,) if field.type.kind == "integer" else (int, float, str)

    def parse(value: Any) -> Any:
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise ValueError("Input should be a valid number" if len(kinds) > 1 else "Input should be a valid integer")
        if len(kinds) > 1:
            try:
                value = Decimal(str(value))
            except InvalidOperation:
                raise ValueError("Input should be a valid decimal") from None
        return check(value)

    return parse


def shown_with_increments(body: Body, found: tuple[Increment, ...]) -> type[BaseModel]:
    """Make a model that OpenAPI shows: a number, or an amount to add to the one that is there."""
    open_to = {increment.field.attribute for increment in found}
    fields: dict[str, Any] = {}
    for name, info in body.model.model_fields.items():
        column = body.columns.get(name)
        if column is not None and column.attribute in open_to:
            fields[name] = (Annotated[info.annotation, WithJsonSchema(_schema(column))], info)
    model: type[BaseModel] = create_model(body.model.__name__, __base__=body.model, **fields)
    return model


def _schema(column: Field) -> dict[str, Any]:
    number = column.type.written
    if column.type.kind != "integer":
        number = {"anyOf": [{"type": "number"}, number]}
    amount = {
        "type": "object", "title": "Increment", "properties": {INCREMENT: number}, "required": [INCREMENT],
        "additionalProperties": False, "description": "An amount that is added to the number which is there",
    }  # fmt: skip
    null = [{"type": "null"}] if column.nullable else []
    return {"oneOf": [number, amount, *null]}
