"""What may be written of a table: Create, Update and Replace bodies, and what Python fills by itself.

A body is derived from the columns that a client may set (`writable`) and from the validators of a SQLModel class, or it
is a hand-written model whose fields name columns. Either way the last word on a value has its column (`checks`). Which
rules the database enforces, and how a write is done, is not known here.
"""

import inspect
import types
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import pydantic
import sqlalchemy as sa
from pydantic import MISSING, BaseModel, ConfigDict, ValidationInfo, field_validator, model_validator
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Mapper

from onetrip.errors import ConfigurationError
from onetrip.schema.bounds import either
from onetrip.schema.declaration import Resource
from onetrip.schema.model import Body, Field, Writes
from onetrip.schema.storage import Check
from onetrip.schema.writable import Writable, generated, takes_context, writable_columns

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
    columns = list(writable_columns(mapper, fields, hidden, dialect))
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
        inserted=tuple(generated(columns)),
        updated=tuple(generated(columns, onupdate=True)),
        session=next(_session_reasons(columns, mapper), None),
        refused="; ".join(reasons) or None,
    )


def _missing(columns: Sequence[Writable], create: Body) -> list[str]:
    """Find what a new row cannot do without, and nothing provides."""
    sent = {field.attribute for field in create.columns.values()}
    return [column.field.attribute for column in columns if column.is_required and column.field.attribute not in sent]


def _lacking(name: str, attributes: Sequence[str], model: type[BaseModel] | None) -> str:
    fact = f"{' and '.join(map(repr, attributes))} must have a value, and nothing provides one"
    remedy = f"a model that has it, Resource({name}, create=…)" if model is None else f"a field in {model.__name__}"
    return f"{fact}: give the column a default, or {remedy}"


def _body(columns: Sequence[Writable], mapper: Mapper[Any], kind: Kind, written: type[BaseModel] | None) -> Body:
    return _derived(columns, mapper, kind) if written is None else _written(columns, mapper, kind, written)


def _session_reasons(columns: Sequence[Writable], mapper: Mapper[Any]) -> Iterator[str]:
    """Say why a statement alone cannot write a row."""
    if len(mapper.tables) > 1:
        yield f"{mapper.class_.__name__} is stored in {len(mapper.tables)} tables"
    for column in columns:
        if any(takes_context(default) for default in (column.column.default, column.column.onupdate)):
            yield f"the default of '{column.field.name}' takes SQLAlchemy's execution context"


# Derived bodies


def _derived(columns: Sequence[Writable], mapper: Mapper[Any], kind: Kind) -> Body:
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


def _is_frozen(column: Writable) -> bool:
    return column.info is not None and column.info.frozen is True


def _base(entity: type[Any]) -> type[Input]:
    settings: Mapping[str, Any] = entity.model_config if issubclass(entity, BaseModel) else {}
    if not (reading := {name: value for name, value in settings.items() if name in _READING}):
        return Input
    body = {"model_config": ConfigDict(**reading), "__module__": entity.__module__}  # type: ignore[typeddict-item]
    return types.new_class(f"{entity.__name__}Input", (Input,), {}, lambda made: made.update(body))


def _definition(column: Writable, kind: Kind) -> Any:
    default = {"default": MISSING} if kind == "update" else column.default
    annotation = column.annotation
    if default.get("default") is MISSING:
        annotation = either(annotation, MISSING)
    return (annotation, pydantic.Field(**default, **column.options()))


def _carried(entity: type[Any], columns: Sequence[Writable], kind: Kind) -> dict[str, Any]:
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


def _row_validator(entity: type[Any], columns: Sequence[Writable], validators: Sequence[Any]) -> Any:
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


def _checks(columns: Sequence[Writable], bounds: Mapping[str, Check | None], *, sets_missing: bool) -> dict[str, Any]:
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


def _written(columns: Sequence[Writable], mapper: Mapper[Any], kind: Kind, model: type[BaseModel]) -> Body:
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


def _refuse_unsettable(column: Writable, kind: Kind, model: type[BaseModel]) -> None:
    where = f"{model.__name__}.{column.field.attribute}"
    if column.is_made:
        raise ConfigurationError(f"{where} is made by the database or by SQLAlchemy: leave it out of the model.")
    if kind == "update" and column.is_key:
        raise ConfigurationError(f"{where} is the key of a row, which does not change: leave it out of the model.")
