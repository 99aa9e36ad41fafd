"""What may be written of a table: Create, Update and Replace bodies, and what Python fills by itself.

A body is derived from the mapper's columns and from what a SQLModel class says about its fields, validators included,
or it is a hand-written model whose fields name columns. Either way the last word on a value are the bounds of its
column (`bounds`). Which rules the database enforces, and how a write is done, is not known here.
"""

import inspect
import types
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import pydantic
import sqlalchemy as sa
from pydantic import MISSING, BaseModel, ConfigDict, ValidationInfo, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import ColumnProperty, Mapper

from onetrip.errors import ConfigurationError
from onetrip.schema.bodies import declared_fields, python_name
from onetrip.schema.bounds import Check, Storage, bounded, checker, conversion, either, simple_checker
from onetrip.schema.declaration import Resource
from onetrip.schema.mappers import columns_of, is_column
from onetrip.schema.marks import is_generated
from onetrip.schema.model import Body, Field, Generated, Writes

Kind = Literal["create", "update", "replace"]

_READING = frozenset(
    {
        "coerce_numbers_to_str", "regex_engine", "str_max_length", "str_min_length", "str_strip_whitespace",
        "str_to_lower", "str_to_upper", "val_json_bytes",
    }
)  # fmt: skip
"""Settings of a table model that change how values are read."""


class Input(BaseModel):
    """What derived bodies have in common: JSON's own types, the names of answers, and nothing else."""

    model_config = ConfigDict(
        extra="forbid", strict=True, allow_inf_nan=False, arbitrary_types_allowed=True, protected_namespaces=(),
        validate_by_alias=True, validate_by_name=False,
    )  # fmt: skip


def writes(
    resource: Resource,
    mapper: Mapper[Any],
    fields: Sequence[Field],
    hidden: Container[str],
    dialect: Dialect,
    *,
    hooked: bool = False,
) -> Writes:
    """Derive what may be written of a table; `fields` are its columns under their public names.

    `hooked` says that a hook can provide values that no client sends. Raises `ConfigurationError` for a hand-written
    model that would set what cannot be set.
    """
    table = mapper.local_table
    if not isinstance(table, sa.Table) or table.info.get("is_view"):
        return Writes(refused=f"{mapper.class_.__name__} is not mapped to a table")
    columns = list(_columns(mapper, fields, hidden, dialect))
    create = _body(columns, mapper, "create", resource.create)
    missing = [] if hooked or create.extra else _missing(columns, create)
    reasons = [_lacking(mapper.class_.__name__, missing, resource.create)] if missing else []
    if resource.update:
        reasons.append(f"{resource.update.__name__} says what may be changed, so that nothing is replaced as a whole")
    return Writes(
        create=None if missing else create,
        update=_body(columns, mapper, "update", resource.update),
        replace=None if resource.update else _body(columns, mapper, "replace", None),
        delete=True,
        inserted=tuple(_generated(columns)),
        updated=tuple(_generated(columns, onupdate=True)),
        session=next(_session_reasons(columns, mapper), None),
        refused="; ".join(reasons) or None,
    )


def _missing(columns: "Sequence[_Column]", create: Body) -> list[str]:
    """Find what a new row cannot do without, and nothing provides."""
    sent = {field.attribute for field in create.columns.values()}
    return [column.field.attribute for column in columns if column.is_required and column.field.attribute not in sent]


def _lacking(name: str, attributes: Sequence[str], model: type[BaseModel] | None) -> str:
    fact = f"{' and '.join(map(repr, attributes))} must have a value, and nothing provides one"
    remedy = f"a model that has it, Resource({name}, create=…)" if model is None else f"a field in {model.__name__}"
    return f"{fact}: give the column a default, or {remedy}"


def _body(columns: "Sequence[_Column]", mapper: Mapper[Any], kind: Kind, written: type[BaseModel] | None) -> Body:
    return _derived(columns, mapper, kind) if written is None else _written(columns, mapper, kind, written)


def _session_reasons(columns: "Sequence[_Column]", mapper: Mapper[Any]) -> Iterator[str]:
    """Say why a statement alone cannot write a row."""
    if len(mapper.tables) > 1:
        yield f"{mapper.class_.__name__} is stored in {len(mapper.tables)} tables"
    for column in columns:
        if any(_takes_context(default) for default in (column.column.default, column.column.onupdate)):
            yield f"the default of '{column.field.name}' takes SQLAlchemy's execution context"


# Columns


@dataclass(frozen=True)
class _Column:
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
        return self.prop.columns[0]

    @property
    def is_key(self) -> bool:
        return any(column in self.mapper.primary_key for column in self.prop.columns)

    @cached_property
    def is_made(self) -> bool:
        """Made by the database or the mapper, so that nobody sets it."""
        return (
            self.column.computed is not None
            or (self.column.identity is not None and bool(self.column.identity.always))
            or self._is(self.mapper.version_id_col)
            or self._is(self.mapper.polymorphic_on)
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
            return {"default_factory": info.default_factory}
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
        declared, metadata = self.declared
        return bounded(declared, metadata, self.storage, nullable=self.field.nullable)

    @property
    def check(self) -> Check:
        """The bounds of what any code may have made."""
        return checker(self.storage, nullable=self.field.nullable)

    @property
    def own_check(self) -> Check | None:
        """The bounds of what a derived body lets through, where only Pydantic has read it."""
        declared, metadata = self.declared
        check, enough = simple_checker(declared, metadata, self.storage)
        return check if enough and not self._has_validator else self.check

    @property
    def _has_validator(self) -> bool:
        decorators = getattr(self.mapper.class_, "__pydantic_decorators__", None)
        found = [] if decorators is None else decorators.field_validators.values()
        return any({"*", self.field.attribute} & set(validator.info.fields) for validator in found)

    @property
    def convert(self) -> Check | None:
        return conversion(self.info.annotation if self.info is not None else self.field.type.python, self.storage)

    def options(self) -> dict[str, Any]:
        """What OpenAPI says of it."""
        names = ("title", "examples", "deprecated", "json_schema_extra", "discriminator")
        said = {name: getattr(self.info, name) for name in names} if self.info is not None else {}
        return {"alias": self.field.name, "description": self.field.description, **said}

    def _is(self, other: Any) -> bool:
        return other is not None and any(column is other for column in self.prop.columns)


def _columns(
    mapper: Mapper[Any], fields: Sequence[Field], hidden: Container[str], dialect: Dialect
) -> Iterator[_Column]:
    infos = declared_fields(mapper.class_)
    props = {prop.key: prop for prop in columns_of(mapper) if is_column(prop)}
    for number, field in enumerate(fields):
        if prop := props.get(field.attribute):
            yield _Column(
                field=field, name=python_name(field.attribute, number), prop=prop, info=infos.get(field.attribute),
                hidden=field.attribute in hidden, mapper=mapper,
                storage=Storage(field.type, prop.columns[0].type, dialect),
            )  # fmt: skip


# What Python fills


def _generated(columns: Sequence[_Column], *, onupdate: bool = False) -> Iterator[Generated]:
    """Find the columns that get a value from Python in a new row, or in every one that changes."""
    for column in columns:
        make = _updater(column) if onupdate else _inserter(column)
        if make is not None:
            yield Generated(field=column.field, value=_converted(make, column.convert))


def _inserter(column: _Column) -> Callable[[], Any] | None:
    mapper = column.mapper
    if column._is(mapper.polymorphic_on):
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


def _updater(column: _Column) -> Callable[[], Any] | None:
    made = _python(column.column.onupdate)
    if made is not None and column.column.onupdate.is_scalar:
        return lambda: made
    return made  # type: ignore[no-any-return]


def _converted(make: Callable[[], Any], convert: Check | None) -> Callable[[], Any]:
    return make if convert is None else lambda: convert(make())


def _python(default: Any) -> Any:
    """Answer the value of a column's default, or the function that makes it; `None` where SQL or a session does."""
    if default is None or default.is_clause_element or default.is_sequence or _takes_context(default):
        return None
    return default.arg if default.is_scalar else lambda: default.arg(None)


def _takes_context(default: Any) -> bool:
    """Say whether a default is a function that wants the execution context: SQLAlchemy wraps all the others."""
    if default is None or not default.is_callable:
        return False
    return getattr(default.arg, "__globals__", {}).get("__name__") != "sqlalchemy.sql.schema"


# Derived bodies


def _derived(columns: Sequence[_Column], mapper: Mapper[Any], kind: Kind) -> Body:
    """Make a body of what a client may set."""
    entity = mapper.class_
    chosen = [column for column in columns if column.is_settable]
    if kind != "create":
        chosen = [column for column in chosen if not column.is_key and not _is_frozen(column)]
    made: type[BaseModel] = pydantic.create_model(
        f"{entity.__name__}{kind.capitalize()}",
        __base__=_base(entity),
        __module__=entity.__module__,
        __doc__=None,
        __validators__={
            **_carried(entity, chosen, kind),
            **_checks(chosen, {column.name: column.own_check for column in chosen}, sets_missing=False),
        },
        **{column.name: _definition(column, kind) for column in chosen},
    )
    return Body(model=made, columns={column.name: column.field for column in chosen})


def _is_frozen(column: _Column) -> bool:
    return column.info is not None and column.info.frozen is True


def _base(entity: type[Any]) -> type[Input]:
    settings: Mapping[str, Any] = entity.model_config if issubclass(entity, BaseModel) else {}
    if not (reading := {name: value for name, value in settings.items() if name in _READING}):
        return Input
    body = {"model_config": ConfigDict(**reading), "__module__": entity.__module__}  # type: ignore[typeddict-item]
    return types.new_class(f"{entity.__name__}Input", (Input,), {}, lambda made: made.update(body))


def _definition(column: _Column, kind: Kind) -> Any:
    default = {"default": MISSING} if kind == "update" else column.default
    annotation = column.annotation
    if default.get("default") is MISSING:
        annotation = either(annotation, MISSING)
    return (annotation, pydantic.Field(**default, **column.options()))


def _carried(entity: type[Any], columns: Sequence[_Column], kind: Kind) -> dict[str, Any]:
    """Carry the validators of a table model over: those of fields, and those of whole rows where there is a whole row.

    SQLModel does not run them for tables.
    """
    decorators = getattr(entity, "__pydantic_decorators__", None)
    if decorators is None:
        return {}
    carried: dict[str, Any] = {}
    known = {column.field.attribute: column.name for column in columns} | {"*": "*"}
    for name, found in decorators.field_validators.items():
        if fields := [known[field] for field in found.info.fields if field in known]:
            options: Any = {"mode": found.info.mode, "check_fields": False}
            rebind: Any = field_validator(*fields, **options)
            carried[name] = rebind(_unbound(found.func))
    if kind == "update":
        return carried
    after = []
    for name, found in decorators.model_validators.items():
        if found.info.mode == "after":
            after.append(found.func)
        else:
            wrap: Any = model_validator(mode=found.info.mode)
            carried[name] = wrap(_unbound(found.func))
    if after:
        carried["validate_row"] = model_validator(mode="after")(_row_validator(entity, columns, after))
    return carried


def _unbound(function: Any) -> Any:
    return classmethod(function.__func__) if inspect.ismethod(function) else function


def _row_validator(entity: type[Any], columns: Sequence[_Column], validators: Sequence[Any]) -> Any:
    """Give validators of whole rows what they were written for: a row, with its properties and methods.

    What they change in it is what is written, if the column can hold it.
    """
    names = {column.field.attribute: column.name for column in columns}
    checks = {column.field.attribute: column.check for column in columns}

    def validate_row(self: Any, info: ValidationInfo) -> Any:
        given = {attribute: getattr(self, name) for attribute, name in names.items()}
        row = entity(**{attribute: value for attribute, value in given.items() if value is not MISSING})
        for validator in validators:
            row = validator(row, info) if len(inspect.signature(validator).parameters) > 1 else validator(row)
        for attribute, name in names.items():
            value = getattr(row, attribute)
            if value is not given[attribute] and not (value is None and given[attribute] is MISSING):
                self.__dict__[name] = checks[attribute](value)
        return self

    return validate_row


def _checks(columns: Sequence[_Column], bounds: Mapping[str, Check | None], *, sets_missing: bool) -> dict[str, Any]:
    """Make the validators that run last: the bounds of each field, and what a driver takes instead of a value.

    `sets_missing` says that `None` in a field that was not sent means nothing where the column must have a value.
    """
    checks: dict[str, Any] = {
        f"fits_{name}": field_validator(name)(check) for name, check in bounds.items() if check is not None
    }
    conversions = {column.name: convert for column in columns if (convert := column.convert) is not None}
    required = [column.name for column in columns if sets_missing and not column.field.nullable]
    if not conversions and not required:
        return checks

    def settle(self: Any) -> Any:
        values = self.__dict__
        for name in required:
            if values[name] is None and name not in self.model_fields_set:
                values[name] = MISSING
        for name, convert in conversions.items():
            if values[name] is not MISSING:
                values[name] = convert(values[name])
        return self

    return {**checks, "settle": model_validator(mode="after")(settle)}


# Hand-written bodies


def _written(columns: Sequence[_Column], mapper: Mapper[Any], kind: Kind, model: type[BaseModel]) -> Body:
    """Find the columns that a hand-written model sets, and hold its values to their bounds."""
    by_attribute = {column.field.attribute: column for column in columns}
    chosen = []
    for name, info in model.model_fields.items():
        if column := by_attribute.get(name):
            _refuse_unsettable(column, kind, model)
            chosen.append(replace(column, name=name, info=info))
        elif name in mapper.column_attrs:
            raise ConfigurationError(
                f"{model.__name__}.{name} is an expression that the database evaluates: leave it out of the model."
            )
    validators = _checks(chosen, {column.name: column.check for column in chosen}, sets_missing=True)
    settings = {} if "extra" in model.model_config else {"model_config": ConfigDict(extra="forbid")}
    body = {**settings, **validators, "__module__": model.__module__, "__doc__": model.__doc__}
    made = types.new_class(model.__name__, (model,), {}, lambda namespace: namespace.update(body))
    named = {column.name: column.field for column in chosen}
    return Body(model=made, columns=named, extra=tuple(name for name in model.model_fields if name not in named))


def _refuse_unsettable(column: _Column, kind: Kind, model: type[BaseModel]) -> None:
    where = f"{model.__name__}.{column.field.attribute}"
    if column.is_made:
        raise ConfigurationError(f"{where} is made by the database or by SQLAlchemy: leave it out of the model.")
    if kind == "update" and column.is_key:
        raise ConfigurationError(f"{where} is the key of a row, which does not change: leave it out of the model.")
