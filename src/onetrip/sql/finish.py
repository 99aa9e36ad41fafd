"""Rows that Python writes: JSON of a row → instance → Read model → JSON.

For what SQL cannot know: computed fields, serializers, hand-written schemas with code of their own, type decorators.
The database still answers in one statement and embeds everything; here each record becomes an instance of the mapped
class (its properties work, its hidden columns are loaded) and goes through the model as an ORM row would.
"""

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, to_json
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Mapper
from sqlalchemy.orm.attributes import set_committed_value

from onetrip.errors import Broken
from onetrip.plan.ir import Embedded, Shape
from onetrip.schema.model import Field, View

Record = dict[str, Any]
Load = Callable[[Any], Any]


def finisher(shape: Shape, dialect: Dialect) -> Callable[[bytes], bytes]:
    """Make the function that turns one record, as SQL wrote it, into its final JSON."""
    write = _writer(shape, dialect)

    def finish(record: bytes) -> bytes:
        try:
            return to_json(write(json.loads(record)))
        except (ValidationError, PydanticSerializationError, ValueError, TypeError, ArithmeticError) as error:
            name = shape.view.entity.__name__
            raise Broken(f"A stored {name} does not fit its own schema and cannot be written as JSON.") from error

    return finish


def _writer(shape: Shape, dialect: Dialect) -> Callable[[Record], Record]:
    """Make the function that writes one record of a shape, embeds included."""
    embeds = {item.name: item for item in shape.items if isinstance(item, Embedded)}
    writers = {name: _writer(item.selection.shape, dialect) for name, item in embeds.items()}
    own = {nested.name for nested in shape.view.nested}
    build = _builder(shape.view, dialect) if shape.view.python is not None else None
    names = _names(shape)

    def write(record: Record) -> Record:
        source = record if build is None else _dumped(shape.view, build(record))
        answer = {}
        for name in names(source):
            if name in embeds and not (build is not None and name in own):
                answer[name] = _each(writers[name], record[name])
            else:
                answer[name] = source[name]
        if "_link" in record:
            answer["_link"] = record["_link"]
        return answer

    return write


def _names(shape: Shape) -> Callable[[Record], list[str]]:
    """Answer the keys of an object in their order; a whole view has its model's, computed fields included."""
    asked = [item.name for item in shape.items]
    view = shape.view
    everything = {*(field.name for field in view.fields), *(nested.name for nested in view.nested)}
    if view.python is None or not everything <= set(asked):
        return lambda source: asked
    more = [name for name in asked if name not in everything]
    return lambda source: [*source, *more]


def _each(write: Callable[[Record], Record], value: Any) -> Any:
    if value is None:
        return None
    return [write(row) for row in value] if isinstance(value, list) else write(value)


def _dumped(view: View, instance: Any) -> Record:
    shown = view.model.model_validate(instance, from_attributes=True)
    return shown.model_dump(mode="json", by_alias=True)  # type: ignore[no-any-return]


def _builder(view: View, dialect: Dialect) -> Callable[[Record], Any]:
    """Make the function that rebuilds an instance of the mapped class from a record."""
    mapper: Mapper[Any] = sa.inspect(view.entity)
    loads = [(field.attribute, _load(field, mapper, dialect)) for field in view.columns]
    nested = [(inner.name, inner.relation.attribute, _builder(inner.view, dialect)) for inner in view.nested]

    def build(record: Record) -> Any:
        instance = mapper.class_manager.new_instance()
        for attribute, load in loads:
            if attribute in record:
                set_committed_value(instance, attribute, load(record[attribute]))
        for name, attribute, inner in nested:
            if name in record:
                set_committed_value(instance, attribute, _each(inner, record[name]))
        return instance

    return build


def _load(field: Field, mapper: Mapper[Any], dialect: Dialect) -> Load:
    """Make the function that reads a column's value from its JSON, through a type decorator where there is one."""
    type_ = field.type
    if type_.kind in ("integer", "string", "boolean", "json", "other", "address"):
        validate: Load = _same
    else:
        validate = urlsafe_b64decode if type_.kind == "base64" else TypeAdapter(type_.python).validate_python
    column_type = mapper.column_attrs[field.attribute].columns[0].type
    decorate = getattr(column_type, "process_result_value", None) if type_.decorated else None

    def load(value: Any) -> Any:
        loaded = None if value is None else validate(value)
        return loaded if decorate is None else decorate(loaded, dialect)

    return load


def _same(value: Any) -> Any:
    return value
