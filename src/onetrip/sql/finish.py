"""Rows that Python writes: JSON of a row → instance → Read model → JSON.

For what SQL cannot know: computed fields, serializers, hand-written schemas with code of their own, type decorators.
The database still answers in one statement and embeds everything; here each record becomes an instance of the mapped
class (its properties work, its hidden columns are loaded) and goes through the model as an ORM row would.
"""

import json
import logging
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from pydantic_core import from_json, to_json
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Mapper
from sqlalchemy.orm.attributes import instance_state, set_committed_value

from onetrip.errors import Broken
from onetrip.plan.ir import Counted, Embedded, Shape, Windowed
from onetrip.schema.model import LINK, View
from onetrip.sql.load import loader
from onetrip.sql.statement import EMBED

_log = logging.getLogger(__name__)

Record = dict[str, Any]
Project = Callable[[Record, Any], Any]


def finisher(shape: Shape, dialect: Dialect) -> Callable[[bytes], bytes]:
    """Make the function that turns one record, as SQL wrote it, into its final JSON."""
    write = _writer(shape, dialect)

    def finish(record: bytes) -> bytes:
        try:
            return to_json(write(json.loads(record)), inf_nan_mode="null")
        except Exception as error:  # a user's code runs in there, and may raise anything
            name = shape.view.entity.__name__
            _log.exception("A stored %s cannot be written by %s", name, shape.view.model.__name__)
            raise Broken(f"A stored {name} does not fit its own schema and cannot be written as JSON.") from error

    return finish


def _writer(shape: Shape, dialect: Dialect) -> Callable[[Record], Record]:
    """Make the function that writes one record of a shape, embeds included."""
    project = _projection(shape, dialect)
    if shape.view.python is None:
        return lambda record: project(record, record)
    build, view = _builder(shape.view, dialect), shape.view
    return lambda record: project(record, _dumped(view, build(record)))


def _projection(shape: Shape, dialect: Dialect) -> Project:
    """Make the function that puts an object together from its record, and from what its model wrote of that.

    What a model's own serializer adds belongs to the whole of it.
    """
    python, view = shape.view.python is not None, shape.view
    asked = [item.name for item in shape.items]
    whole = python and {item.name for item in view.items} <= set(asked)
    embeds = {item.name: item.selection.shape for item in shape.items if isinstance(item, Embedded)}
    own = {nested.name for nested in view.nested if python} & embeds.keys()
    projections = {name: _projection(embeds[name], dialect) for name in own}
    writers = {name: _writer(inner, dialect) for name, inner in embeds.items() if name not in own}
    counts = {item.name for item in shape.items if isinstance(item, Counted | Windowed)}
    prefix = EMBED if python else ""

    def project(record: Record, written: Any) -> Any:
        if not isinstance(written, dict):
            return written
        answer = {}
        for name in dict.fromkeys((*written, *asked)) if whole else asked:
            if name in projections:
                answer[name] = _pairs(projections[name], record.get(prefix + name), written[name])
            elif name in writers:
                answer[name] = _each(writers[name], record.get(prefix + name))
            elif name in counts:
                answer[name] = record[prefix + name]
            elif name in written:
                answer[name] = written[name]
        if LINK in record:
            answer[LINK] = record[LINK]
        return answer

    return project


def _each(write: Callable[[Record], Any], value: Any) -> Any:
    if value is None:
        return None
    return [write(row) for row in value] if isinstance(value, list) else write(value)


def _pairs(project: Project, record: Any, written: Any) -> Any:
    """Project rows beside their records; a model whose validators leave rows out has none to offer."""
    if not isinstance(written, list):
        return project(record or {}, written)
    records = record if isinstance(record, list) and len(record) == len(written) else [{}] * len(written)
    return [project(one, other) for one, other in zip(records, written, strict=True)]


def _dumped(view: View, instance: Any) -> Any:
    validator = view.model.__pydantic_validator__  # SQLModel's `model_validate` does not take these arguments
    shown = validator.validate_python(instance, from_attributes=True, by_alias=True, by_name=True)
    return from_json(shown.model_dump_json(by_alias=True))


def _builder(view: View, dialect: Dialect) -> Callable[[Record], Any]:
    """Make the function that rebuilds an instance of the mapped class from a record.

    It is detached: what was not loaded is an error when it is touched, and not silently empty.
    """
    mapper: Mapper[Any] = sa.inspect(view.entity)
    loads = [(field.attribute, loader(field, mapper, dialect)) for field in view.columns]
    nested = [
        (EMBED + inner.name, inner.relation.attribute, _builder(inner.view, dialect))
        for inner in (*view.nested, *view.read)
    ]

    def build(record: Record) -> Any:
        instance = mapper.class_manager.new_instance()
        for attribute, load in loads:
            set_committed_value(instance, attribute, load(record[attribute]))
        for name, attribute, inner in nested:
            set_committed_value(instance, attribute, _each(inner, record[name]))
        instance_state(instance).key = (mapper.class_, (), None)
        return instance

    return build
