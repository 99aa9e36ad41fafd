"""A column as those see it who write it: whether a client may set it, what it is without one, how its values are held.

Facts come from the mapper, and from what a SQLModel class says about the field. No body is made here.
"""

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Any

from annotated_types import MinLen
from pydantic import MISSING
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import ColumnProperty, Mapper

from onetrip.schema.bodies import declared_fields, python_name
from onetrip.schema.bounds import bounded, is_plain
from onetrip.schema.checks import addressable, checker, conversion
from onetrip.schema.mappers import columns_of, is_column
from onetrip.schema.marks import is_generated
from onetrip.schema.model import Field, Generated
from onetrip.schema.storage import Check, Storage


@dataclass(frozen=True)
class Writable:
    """A column of the table, and what that says about writing it."""

    field: Field
    name: str
    prop: ColumnProperty[Any]
    info: FieldInfo | None
    hidden: bool
    mapper: Mapper[Any]
    storage: Storage

    @property
    def column(self) -> Any:
        """SQLAlchemy's column."""
        return self.prop.columns[0]

    @property
    def is_key(self) -> bool:
        """Whether it is part of the primary key."""
        return any(column in self.mapper.primary_key for column in self.prop.columns)

    @cached_property
    def is_made(self) -> bool:
        """Made by the database or the mapper, so that nobody sets it."""
        return (
            self.column.computed is not None
            or (self.column.identity is not None and bool(self.column.identity.always))
            or self.is_(self.mapper.version_id_col)
            or self.is_(self.mapper.polymorphic_on)
        )

    @cached_property
    def is_generated_key(self) -> bool:
        """A key that is there without the client: numbered, from a sequence, or made by a function."""
        if not self.is_key:
            return False
        parts: list[Any] = self.prop.columns
        numbered = any(part is part.table._autoincrement_column for part in parts)
        default = self.column.default
        made = default is not None and not default.is_scalar
        factory = self.info is not None and self.info.default_factory is not None
        return numbered or made or factory or self.column.server_default is not None

    @cached_property
    def is_settable(self) -> bool:
        """Whether a client may set it."""
        return not (self.hidden or self.is_made or self.is_generated_key or is_generated(self.column) or self.is_opaque)

    @property
    def is_address(self) -> bool:
        """Text by which a row is found in a URL: without a character, it is in none."""
        alone = len(self.mapper.primary_key) == 1 and self.is_key
        return alone and self.field.type.kind == "string" and not self.field.type.decorated

    @property
    def is_opaque(self) -> bool:
        """Of a type that nobody described: what would JSON be for it?"""
        unknown = self.field.type.kind == "other" and not isinstance(self.storage.impl, pg.CITEXT)
        return unknown and self.info is None and not self.field.type.decorated

    @property
    def is_required(self) -> bool:
        """Whether a new row has no value of its own there."""
        made = self.is_made or self.is_generated_key or is_generated(self.column)
        return not (made or self.field.nullable or self.default)

    @cached_property
    def default(self) -> dict[str, Any]:
        """What a body has for a value that was not sent, as arguments for a Pydantic field."""
        column, info = self.column, self.info
        if info is not None and info.default_factory is not None:
            return {"default_factory": _aware(info.default_factory, self.field)}
        if info is not None and info.default not in (None, PydanticUndefined):
            return {"default": info.default}
        if (made := _python(column.default)) is not None:
            return {"default": made} if column.default.is_scalar else {"default_factory": made}
        if column.default is not None or column.server_default is not None or column.identity is not None:
            return {"default": MISSING}
        return {"default": None} if self.field.nullable else {}

    @property
    def declared(self) -> tuple[Any, tuple[Any, ...]]:
        """The annotation that somebody wrote, or that the type has, and its metadata."""
        type_ = self.field.type
        if type_.kind == "base64":
            return bytes, ()
        if self.info is not None:
            return self.info.annotation, tuple(self.info.metadata)
        return (str if type_.kind == "other" else type_.extra.get("python", type_.python)), ()

    @cached_property
    def annotation(self) -> Any:
        """What a body says of it, bounds included."""
        declared, metadata = self.declared
        if self.is_address:
            metadata = (*metadata, MinLen(1))
        return bounded(declared, metadata, self.storage, nullable=self.field.nullable)

    @property
    def check(self) -> Check:
        """The bounds of what any code may have made."""
        check = checker(self.storage, nullable=self.field.nullable)
        assert check is not None
        return addressable(check) if self.is_address else check

    @property
    def own_check(self) -> Check | None:
        """The bounds of what a derived body lets through, if there are any that Pydantic has not checked."""
        plain = is_plain(*self.declared, self.storage) and not self._has_validator
        return checker(self.storage, nullable=self.field.nullable, plain=plain)

    @property
    def _has_validator(self) -> bool:
        decorators = getattr(self.mapper.class_, "__pydantic_decorators__", None)
        found = [] if decorators is None else decorators.field_validators.values()
        return any({"*", self.field.attribute} & set(validator.info.fields) for validator in found)

    @property
    def convert(self) -> Check | None:
        """What makes of a value what the column's type takes, where it is not that already."""
        return conversion(self.info.annotation if self.info is not None else self.field.type.python, self.storage)

    def options(self) -> dict[str, Any]:
        """What OpenAPI says of it."""
        names = ("title", "examples", "deprecated", "json_schema_extra", "discriminator")
        said = {name: getattr(self.info, name) for name in names} if self.info is not None else {}
        return {"alias": self.field.name, "description": self.field.description, **said}

    def is_(self, other: Any) -> bool:
        """Say whether it is this column, which the mapper names."""
        return other is not None and any(column is other for column in self.prop.columns)


def writable_columns(
    mapper: Mapper[Any], fields: Sequence[Field], hidden: Container[str], dialect: Dialect
) -> Iterator[Writable]:
    """List the columns of a table among its fields; expressions are none."""
    infos = declared_fields(mapper.class_)
    props = {prop.key: prop for prop in columns_of(mapper) if is_column(prop)}
    for number, field in enumerate(fields):
        if prop := props.get(field.attribute):
            yield Writable(
                field=field, name=python_name(field.attribute, number), prop=prop, info=infos.get(field.attribute),
                hidden=field.attribute in hidden, mapper=mapper,
                storage=Storage(field.type, prop.columns[0].type, dialect),
            )  # fmt: skip


# What Python fills


def generated(columns: Sequence[Writable], *, onupdate: bool = False) -> Iterator[Generated]:
    """Find the columns that get a value from Python in a new row, or in every one that changes."""
    for column in columns:
        make = _updater(column) if onupdate else _inserter(column)
        if make is not None:
            yield Generated(field=column.field, value=_converted(make, column.convert))


def _aware(factory: Any, field: Field) -> Any:
    """Take `datetime.utcnow` for what it means where a column has a time zone: of itself it gives none."""
    return partial(datetime.now, UTC) if factory == datetime.utcnow and field.type.kind == "datetime" else factory


def _inserter(column: Writable) -> Callable[[], Any] | None:
    mapper = column.mapper
    if column.is_(mapper.polymorphic_on):
        identity = mapper.polymorphic_identity
        return None if identity is None else lambda: identity
    if column.is_made:
        return None
    if column.info is not None and column.info.default_factory_takes_validated_data:
        return None
    made: dict[str, Any] = column.default
    if "default_factory" in made:
        return made["default_factory"]  # type: ignore[no-any-return]
    value = made.get("default")
    return None if value is None or value is MISSING else lambda: value


def _updater(column: Writable) -> Callable[[], Any] | None:
    made = _python(column.column.onupdate)
    if made is not None and column.column.onupdate.is_scalar:
        return lambda: made
    return made  # type: ignore[no-any-return]


def _converted(make: Callable[[], Any], convert: Check | None) -> Callable[[], Any]:
    return make if convert is None else lambda: convert(make())


def _python(default: Any) -> Any:
    """Answer the value of a column's default, or the function that makes it; `None` where SQL or a session does."""
    if default is None or default.is_clause_element or default.is_sequence or takes_context(default):
        return None
    return default.arg if default.is_scalar else lambda: default.arg(None)


def takes_context(default: Any) -> bool:
    """Say whether a default is a function that wants the execution context: SQLAlchemy wraps all the others."""
    if default is None or not default.is_callable:
        return False
    return getattr(default.arg, "__globals__", {}).get("__name__") != "sqlalchemy.sql.schema"
