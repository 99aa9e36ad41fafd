"""Pydantic models: what a resource shows, said as a model.

`derived_view` makes the Read model of a table; `written_view` reads one that a user wrote. Both end in a `View`, and in
a reason when SQL alone cannot write what Pydantic would (a computed field, a serializer, a type that SQL writes
differently): Python then finishes the answer. Create and Update models belong here too.
"""

import types
import typing
from collections.abc import Callable, Container, Mapping
from dataclasses import replace
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import pydantic
from pydantic import BaseModel, ConfigDict, PlainSerializer, WrapSerializer, computed_field, field_serializer
from pydantic.fields import FieldInfo

from onetrip.errors import ConfigurationError, nearest
from onetrip.schema.model import Field, Nested, Relation, ResourceSchema, View

Inexact = Callable[[Any], str | None]
"""Says why SQL of the dialect in use cannot write a `FieldType` as Pydantic would; `None` when it can."""

_TEXT_LIKE = (str, Path, IPv4Address, IPv6Address)
_JSON_LIKE = (dict, list, str, int, float, bool, type(None), Any)


def derived_view(entity: type[Any], columns: tuple[Field, ...], hidden: Container[str], inexact: Inexact) -> View:
    """Derive what is shown from the table: its columns in their order but the hidden ones, then computed fields."""
    fields = tuple(field for field in columns if field.attribute not in hidden)
    infos: Mapping[str, FieldInfo] = getattr(entity, "model_fields", {})
    reasons = [reason for field in fields if (reason := _reason(field, infos.get(field.attribute), inexact))]
    decorators = getattr(entity, "__pydantic_decorators__", None)
    namespace: dict[str, Any] = {}
    if decorators is not None:
        shown = {field.attribute for field in fields}
        namespace, own = _carried(entity, decorators, shown)
        reasons += own
    base = types.new_class(f"{entity.__name__}Columns", (BaseModel,), {}, lambda body: body.update(
        namespace, __module__=entity.__module__,
        model_config=ConfigDict(from_attributes=True, arbitrary_types_allowed=True, protected_namespaces=()),
    ))  # fmt: skip
    definitions = {
        _python_name(field.attribute, number): _definition(field, infos.get(field.attribute))
        for number, field in enumerate(fields)
    }
    model = pydantic.create_model(
        f"{entity.__name__}Read", __base__=base, __module__=entity.__module__, __doc__=None, **definitions
    )
    return View(entity=entity, columns=columns, fields=fields, model=model, python=reasons[0] if reasons else None)


def written_view(
    model: type[BaseModel],
    entity: type[Any],
    columns: Mapping[str, Field],
    relations: Mapping[str, Relation],
    view_of: Callable[[str, type[BaseModel]], View],
    inexact: Inexact,
) -> View:
    """Read a hand-written model: columns and relations by attribute name, in its order, under its aliases.

    `view_of` answers the view of a relation's target through the model that stands in the annotation. Raises
    `ConfigurationError` for a field that nothing on the entity provides.
    """
    reasons = [reason] if (reason := _own_code(model)) else []
    fields: list[Field] = []
    nested: list[Nested] = []
    for attribute, info in model.model_fields.items():
        name = info.serialization_alias or info.alias or attribute
        source = info.validation_alias if isinstance(info.validation_alias, str) else attribute
        if source in columns and not info.exclude:
            field = columns[source]
            shown = Field(
                name=name, attribute=source, type=field.type, nullable=field.nullable, description=info.description
            )
            fields.append(shown)
            if source != attribute:
                reasons.append(f"'{attribute}' in {model.__name__} has another name on the table")
            if reason := _reason(shown, info, inexact):
                reasons.append(reason)
        elif source in relations and (inner := _inner_model(info.annotation)):
            relation = relations[source]
            view = view_of(relation.target, inner)
            nested.append(Nested(name=name, relation=relation, view=view))
            reasons += [view.python] if view.python else []
        elif info.is_required() and not hasattr(entity, source):
            hint = nearest(source, [*columns, *relations]) or "Give it a default, or name a column or a relation."
            raise ConfigurationError(f"{model.__name__}.{attribute}: {entity.__name__} has no '{source}'. {hint}")
        elif not info.exclude:
            reasons.append(f"'{attribute}' in {model.__name__} is not a column")
    view = View(
        entity=entity, columns=tuple(columns.values()), fields=tuple(fields), nested=tuple(nested), model=model
    )  # fmt: skip
    return _in_python(view, reasons[0]) if reasons else view


def _in_python(view: View, reason: str) -> View:
    """Have Python write a view, and so everything that is nested in it."""
    nested = tuple(replace(inner, view=_in_python(inner.view, reason)) for inner in view.nested)
    return replace(view, nested=nested, python=reason)


def answer_models(resources: Mapping[str, ResourceSchema]) -> dict[str, type[BaseModel]]:
    """Make the models of answers for OpenAPI: each view's model, and the relations that `include` can add.

    Relations are references between components and not annotations: Pydantic would build the schema of every model
    inside every other, which a database of a hundred related tables does not survive.
    """
    names: dict[str, str] = {}
    for name, resource in resources.items():
        wanted = resource.view.model.__name__
        names[name] = wanted if wanted not in names.values() else f"{wanted}_{len(names)}"
    return {name: _answer_model(resource, names) for name, resource in resources.items()}


def _answer_model(resource: ResourceSchema, names: Mapping[str, str]) -> type[BaseModel]:
    always = {nested.name for nested in resource.view.nested}
    properties = {
        relation.name: _relation_schema(relation, names[relation.target])
        for relation in resource.relations.values()
        if relation.name not in always
    }

    def describe(cls: Any, core_schema: Any, handler: Any) -> Any:
        shown = handler.resolve_ref_schema(schema := handler(core_schema))
        shown.setdefault("properties", {}).update(properties)
        return schema

    model = resource.view.model
    namespace = {"__get_pydantic_json_schema__": classmethod(describe), "__module__": model.__module__}
    return type(model)(names[resource.name], (model,), {**namespace, "__doc__": resource.description})


def _relation_schema(relation: Relation, component: str) -> dict[str, Any]:
    reference = {"$ref": _Reference(f"#/components/schemas/{component}")}
    if relation.many:
        return {"type": "array", "items": reference}
    return {"anyOf": [reference, {"type": "null"}]} if relation.nullable else reference


class _Reference(str):
    """A reference that Pydantic leaves alone, as it does external ones: the component is made by another model."""

    __slots__ = ()

    def startswith(self, *arguments: Any) -> bool:
        return True


def bare(annotation: Any) -> Any:
    """Strip an annotation of `None`, `Annotated` and `NewType`: `Optional[Annotated[int, Gt(0)]]` is `int`."""
    if get_origin(annotation) is Annotated:
        return bare(get_args(annotation)[0])
    if isinstance(annotation, typing.NewType):
        return bare(annotation.__supertype__)
    if get_origin(annotation) in (typing.Union, types.UnionType):
        others = [argument for argument in get_args(annotation) if argument is not type(None)]
        if len(others) == 1:
            return bare(others[0])
    return annotation


def _definition(field: Field, info: FieldInfo | None) -> tuple[Any, Any]:
    """Make the definition of one column: its annotation without constraints, nullable as the column is."""
    annotation = bare(info.annotation) if info is not None else field.type.extra.get("python", field.type.python)
    serializers = [item for item in info.metadata if isinstance(item, PlainSerializer | WrapSerializer)] if info else []
    if serializers:
        annotation = Annotated[(annotation, *serializers)]
    title, examples = (info.title, info.examples) if info is not None else (None, None)
    names = {"validation_alias": field.attribute, "serialization_alias": field.name}
    return (
        annotation | None if field.nullable else annotation,
        pydantic.Field(**names, title=title, description=field.description, examples=examples),  # type: ignore[arg-type]
    )


def _reason(field: Field, info: FieldInfo | None, inexact: Inexact) -> str | None:
    """Say why Python must write this column, if it must."""
    type_ = field.type
    if type_.decorated:
        return f"'{field.name}' has a column type of its own"
    if reason := inexact(type_):
        return f"'{field.name}' {reason}"
    if info is None:
        return None
    if any(isinstance(item, PlainSerializer | WrapSerializer) for item in info.metadata):
        return f"'{field.name}' has a serializer"
    annotation = bare(info.annotation)
    if not _writes_alike(annotation, type_):
        return f"'{field.name}' is declared as {getattr(annotation, '__name__', annotation)}"
    return None


def _writes_alike(annotation: Any, type_: Any) -> bool:
    """Say whether Pydantic writes a value of this annotation as SQL writes the column."""
    if annotation is type_.python or annotation is Any:
        return True
    if type_.kind == "json":
        return _plain_json(annotation)
    if type_.kind == "array":
        return get_origin(annotation) is list and _writes_alike(bare(get_args(annotation)[0]), type_.item)
    if type_.kind in ("string", "address"):
        if get_origin(annotation) is Literal:
            return True
        return annotation is pydantic.EmailStr or (isinstance(annotation, type) and issubclass(annotation, _TEXT_LIKE))
    return isinstance(annotation, type) and issubclass(annotation, Enum) and type_.kind == "enum"


def _plain_json(annotation: Any) -> bool:
    origin = get_origin(annotation)
    if origin in (typing.Union, types.UnionType, dict, list):
        return all(_plain_json(argument) for argument in get_args(annotation))
    return annotation in _JSON_LIKE


def _own_code(model: type[BaseModel]) -> str | None:
    """Say which code of the model's own runs when it is filled or written."""
    found = model.__pydantic_decorators__
    for group in ("field_validators", "root_validators", "model_validators", "validators"):
        if getattr(found, group, None):
            return f"{model.__name__} has validators"
    if found.field_serializers or found.model_serializers:
        return f"{model.__name__} has serializers"
    if found.computed_fields:
        return f"{model.__name__} has computed fields"
    if set(model.model_config) & {"ser_json_bytes", "ser_json_timedelta", "ser_json_temporal", "json_encoders", "ser_json_inf_nan"}:
        return f"{model.__name__} changes how values are written"
    return None


def _python_name(attribute: str, number: int) -> str:
    """Name a field of a model: its attribute, unless a model cannot have one of that name."""
    fits = attribute.isidentifier() and not attribute.startswith("_") and not hasattr(BaseModel, attribute)
    return attribute if fits else f"column_{number}"


def _carried(entity: type[Any], decorators: Any, shown: set[str]) -> tuple[dict[str, Any], list[str]]:
    """Carry computed fields and serializers of a table model over to its Read model."""
    if decorators.model_serializers:
        raise ConfigurationError(f"{entity.__name__} has a model_serializer: say what to show with Resource(read=…).")
    namespace: dict[str, Any] = {}
    reasons: list[str] = []
    for name, decorator in decorators.computed_fields.items():
        namespace[name] = computed_field(return_type=decorator.info.return_type)(decorator.info.wrapped_property)
        reasons.append(f"'{name}' is computed in Python")
    for name, decorator in decorators.field_serializers.items():
        fields = [field for field in decorator.info.fields if field in shown]
        if fields:
            function = getattr(decorator.func, "__func__", decorator.func)
            namespace[name] = field_serializer(*fields, mode=decorator.info.mode, check_fields=False)(function)
            reasons.append(f"'{fields[0]}' has a serializer")
    return namespace, reasons


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    """Find the model in `X`, `X | None`, `list[X]` and `list[X] | None`."""
    annotation = bare(annotation)
    if get_origin(annotation) in (list, tuple, set):
        annotation = bare(get_args(annotation)[0])
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
