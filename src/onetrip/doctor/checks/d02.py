"""D02: an annotation that says something else about NULL than the column."""

import typing
from collections.abc import Iterator
from types import NoneType
from typing import Any

from sqlalchemy.orm import Mapped, Mapper

from onetrip.doctor.check import Application, Check, Found
from onetrip.schema.bodies import declared_fields


def _find(application: Application) -> Iterator[Found]:
    for mapper in application.mappers:
        annotations = _annotations(mapper)
        for attribute in mapper.column_attrs:
            column: Any = attribute.columns[0]
            annotation = annotations.get(attribute.key)
            if annotation is None or not hasattr(column, "primary_key") or column.primary_key:
                continue
            optional = annotation is Any or NoneType in typing.get_args(annotation)
            name, place = f"{mapper.class_.__name__}.{attribute.key}", (mapper.class_, attribute.key)
            if column.nullable and not optional:
                yield Found(
                    application.place(*place), f"{name} may be NULL in the database, and its type says that it is not",
                    f"{attribute.key}: … | None, or a column with nullable=False: Column(…) without it may be NULL.",
                )  # fmt: skip
            elif not column.nullable and optional and not _is_made(column):
                yield Found(
                    application.place(*place), f"{name} may be None by its type, and the database takes no NULL",
                    f"{attribute.key}: … without '| None', or a column with nullable=True.", "warning",
                )  # fmt: skip


def _annotations(mapper: Mapper[Any]) -> dict[str, Any]:
    """Answer the types of attributes: of SQLModel's fields, or within `Mapped[…]`; not those that cannot be seen."""
    fields = declared_fields(mapper.class_)
    if fields:
        return {name: field.annotation for name, field in fields.items()}
    try:
        hints = typing.get_type_hints(mapper.class_)
    except Exception:  # names that only SQLAlchemy knows
        return {}
    return {name: typing.get_args(hint)[0] for name, hint in hints.items() if typing.get_origin(hint) is Mapped}


def _is_made(column: Any) -> bool:
    """Say whether somebody else gives the value: the database, or a default."""
    return bool(column.server_default is not None or column.default is not None or column.identity or column.computed)


CHECK = Check(
    id="D02",
    title="The type and the column disagree about NULL",
    why="A stored NULL comes out where the code expects a value, or a None that was accepted is refused as a 500.",
    level="error",
    find=_find,
)
