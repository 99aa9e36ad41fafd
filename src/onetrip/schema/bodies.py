"""Pydantic models that are made: what a table shows, said as a model, and what OpenAPI says of answers.

`derived_view` makes the Read model of a table, `answer_models` adds to each view the relations that a client can ask
for. Create and Update models belong here too. Nothing is read from a mapper here, and no hand-written model judged.
"""

import types
from collections.abc import Container, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, time
from typing import Annotated, Any

import pydantic
from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, SkipValidation, WithJsonSchema, field_serializer
from pydantic.fields import ComputedFieldInfo, FieldInfo
from pydantic_core import core_schema

from onetrip.errors import ConfigurationError
from onetrip.schema import fidelity, naming
from onetrip.schema.fidelity import Inexact, bare
from onetrip.schema.model import LINK, Computed, Field, Relation, ResourceSchema, View
from onetrip.schema.types import as_base64


class Derived(BaseModel):
    """What derived Read models have in common."""

    model_config = ConfigDict(from_attributes=True, arbitrary_types_allowed=True, protected_namespaces=())


def derived_view(entity: type[Any], columns: tuple[Field, ...], hidden: Container[str], inexact: Inexact) -> View:
    """Derive what is shown from the table: its columns in their order but the hidden ones, then computed fields.

    Raises `ConfigurationError` for a table model with a serializer for the whole of it.
    """
    infos = declared_fields(entity)
    fields = {
        python_name(column.attribute, at): column for at, column in enumerate(columns) if column.attribute not in hidden
    }
    computed = {name: info for name, info in computed_fields(entity).items() if name not in hidden}
    definitions: dict[str, Any] = {
        **{name: _definition(field, infos.get(field.attribute)) for name, field in fields.items()},
        **{name: _computed_definition(name, info) for name, info in computed.items()},
    }
    model = pydantic.create_model(
        f"{entity.__name__}Read",
        __base__=_base(entity, fields),
        __module__=entity.__module__,
        __doc__=None,
        **definitions,
    )
    reasons = [f"'{name}' is computed in Python" for name in computed]
    reasons += _reasons(entity, fields, infos, inexact)
    shown = tuple(fields.values())
    return View(
        entity=entity,
        columns=loaded(columns if computed else shown) if reasons else columns,
        items=(*shown, *(Computed(name=info.alias or name) for name, info in computed.items())),
        model=model,
        python=reasons[0] if reasons else None,
        rewritten=_rewritten(entity, fields, infos),
    )


def declared_fields(entity: type[Any]) -> Mapping[str, FieldInfo]:
    """Find what a SQLModel class says about its fields, by attribute; a SQLAlchemy class says nothing."""
    return entity.model_fields if issubclass(entity, BaseModel) else {}


def computed_fields(entity: type[Any]) -> dict[str, ComputedFieldInfo]:
    """Find the computed fields of a SQLModel class by attribute; a SQLAlchemy class has none."""
    decorators = getattr(entity, "__pydantic_decorators__", None)
    return {} if decorators is None else {name: found.info for name, found in decorators.computed_fields.items()}


def loaded(columns: tuple[Field, ...]) -> tuple[Field, ...]:
    """Make columns fit to be loaded into Python: whatever bytes are stored arrive as they are."""
    return tuple(
        replace(column, type=as_base64(column.type)) if column.type.kind == "bytes" else column for column in columns
    )


def _reasons(
    entity: type[Any], fields: Mapping[str, Field], infos: Mapping[str, FieldInfo], inexact: Inexact
) -> Iterator[str]:
    """Say why Python must write what is shown of an entity."""
    for field in fields.values():
        if reason := fidelity.column_reason(field, inexact):
            yield reason
        info = infos.get(field.attribute)
        if info is not None and (reason := fidelity.declared_reason(field, info, validated=False)):
            yield reason
    if _serializers(entity, fields):
        yield f"{entity.__name__} has serializers"
    if _settings(entity):
        yield f"{entity.__name__} changes how values are written"


def _rewritten(entity: type[Any], fields: Mapping[str, Field], infos: Mapping[str, FieldInfo]) -> frozenset[str]:
    """Name the columns that a table model writes in its own way."""
    decorators = getattr(entity, "__pydantic_decorators__", None)
    serializers = () if decorators is None else decorators.field_serializers.values()
    serialized = {attribute for found in serializers for attribute in found.info.fields}
    whole = "*" in serialized or bool(_settings(entity))
    return frozenset(
        field.name
        for field in fields.values()
        if whole
        or field.attribute in serialized
        or (field.attribute in infos and fidelity.declared_reason(field, infos[field.attribute], validated=False))
    )


def _base(entity: type[Any], fields: Mapping[str, Field]) -> type[Derived]:
    """Make the base of a Read model: what the table model itself says about how its values are written."""
    namespace, settings = _serializers(entity, fields), _settings(entity)
    if not namespace and not settings:
        return Derived
    body = {**namespace, "model_config": ConfigDict(**settings), "__module__": entity.__module__}  # type: ignore[typeddict-item]
    return types.new_class(f"{entity.__name__}Columns", (Derived,), {}, lambda made: made.update(body))


def _settings(entity: type[Any]) -> dict[str, Any]:
    settings: Mapping[str, Any] = entity.model_config if issubclass(entity, BaseModel) else {}
    return {name: value for name, value in settings.items() if name in fidelity.WRITING}


def _serializers(entity: type[Any], fields: Mapping[str, Field]) -> dict[str, Any]:
    """Carry the serializers of a table model over to the fields of its Read model."""
    decorators = getattr(entity, "__pydantic_decorators__", None)
    if decorators is None:
        return {}
    if decorators.model_serializers:
        raise ConfigurationError(f"{entity.__name__} has a model_serializer: say what to show with Resource(read=…).")
    names = {field.attribute: name for name, field in fields.items()} | {"*": "*"}
    carried: dict[str, Any] = {}
    for name, found in decorators.field_serializers.items():
        info = found.info
        if known := [names[attribute] for attribute in info.fields if attribute in names]:
            options: Any = {"mode": info.mode, "return_type": info.return_type, "when_used": info.when_used}
            function: Any = getattr(found.func, "__func__", found.func)
            carried[name] = field_serializer(*known, check_fields=False, **options)(function)  # type: ignore[no-untyped-call]
    return carried


def _definition(field: Field, info: FieldInfo | None) -> tuple[Any, Any]:
    """Make the definition of one column: its annotation without constraints, nullable as the column is."""
    annotation = field.type.extra.get("python", field.type.python)
    options: dict[str, Any] = {}
    if info is not None:
        annotation = bare(info.annotation)
        if annotation is pydantic.EmailStr:  # what is stored was an address, or it was not: it is read all the same
            annotation = Annotated[str, WithJsonSchema({"type": "string", "format": "email"})]
        if serializers := tuple(filter(fidelity.writes, info.metadata)):
            annotation = Annotated[(annotation, *serializers)]
        options = {
            "title": info.title,
            "examples": info.examples,
            "deprecated": info.deprecated,
            "exclude_if": info.exclude_if,
        }
    if field.type.kind in ("local_datetime", "time") and annotation in (datetime, time):
        annotation = Annotated[annotation, WithJsonSchema(_LOCAL[annotation])]  # OpenAPI's formats have an offset
    names: dict[str, Any] = {"validation_alias": field.attribute, "serialization_alias": field.name}
    shown = pydantic.Field(description=field.description, **names, **options)
    return (annotation | None if field.nullable else annotation, shown)


_LOCAL: Mapping[Any, Any] = {
    datetime: {"type": "string", "format": "local-date-time"},
    time: {"type": "string", "format": "local-time"},
}


def _computed_definition(name: str, info: ComputedFieldInfo) -> tuple[Any, Any]:
    """Read a computed field from the instance, which knows more than is shown, and write it as its type says."""
    shown = pydantic.Field(
        validation_alias=name,
        serialization_alias=info.alias or name,
        title=info.title,
        description=info.description,
        examples=info.examples,
        json_schema_extra={"readOnly": True},
    )
    return Annotated[info.return_type, SkipValidation], shown


def python_name(attribute: str, number: int) -> str:
    """Name a field of a model: its attribute, unless a model cannot have one of that name."""
    fits = attribute.isidentifier() and not attribute.startswith("_") and not hasattr(Derived, attribute)
    return attribute if fits else f"column_{number}"


# Answers


def answer_models(resources: Mapping[str, ResourceSchema]) -> dict[str, type[BaseModel]]:
    """Make the models of answers for OpenAPI, by resource: each view's model, and the relations `include` can add.

    A derived model keeps its name (`PostRead`); a hand-written one to which relations are added is a component of its
    own (`PostReadWithRelations`), since hand-written endpoints may answer with the model as it is.
    """
    models: dict[str, type[BaseModel]] = {}
    taken = {model.__name__ for resource in resources.values() for model in _written_models(resource.view)}
    for name, resource in resources.items():
        model = resource.view.model
        more = _added(resource)
        if issubclass(model, Derived):
            called = naming.unused([model.__name__], taken)
        elif more:
            called = naming.unused([f"{model.__name__}WithRelations"], taken)
        else:
            models[name] = model
            continue
        taken.add(called)
        models[name] = _answer_model(resource, called, more, models)
    return models


def _written_models(view: View) -> Iterator[Any]:
    if not issubclass(view.model, Derived):
        yield view.model
    for nested in (*view.nested, *view.read):
        yield from _written_models(nested.view)


def _added(resource: ResourceSchema) -> list[Relation]:
    """List the relations that are not always part of an answer."""
    always = {nested.name for nested in resource.view.nested}
    return [relation for name, relation in resource.relations.items() if name not in always]


def _answer_model(
    resource: ResourceSchema, called: str, relations: list[Relation], models: Mapping[str, type[BaseModel]]
) -> type[BaseModel]:
    """Add relations to a model's JSON schema, where they are references to the components of other models.

    They are not annotations: Pydantic would build the schema of every model inside every other, which a database of a
    hundred related tables does not survive. A reference is what it makes of `definition_reference_schema`: it ends up
    as the name that the component gets in that document, whatever other models are called.
    """

    def describe(cls: Any, schema: Any, handler: GetJsonSchemaHandler) -> Any:
        described = handler(schema)
        shown = handler.resolve_ref_schema(described).setdefault("properties", {})
        for relation in relations:
            reference = core_schema.definition_reference_schema(_core_reference(models[relation.target]))
            shown[relation.name] = _relation_schema(relation, handler(reference))
        return described

    model: type[BaseModel] = resource.view.model
    body = {
        "__get_pydantic_json_schema__": classmethod(describe),
        "__module__": model.__module__,
        "__doc__": resource.description if issubclass(model, Derived) else model.__doc__,
    }
    return types.new_class(called, (model,), {}, lambda made: made.update(body))


def _core_reference(model: type[BaseModel]) -> str:
    schema: Any = model.__pydantic_core_schema__
    while "ref" not in schema:  # inside the definitions of what it contains
        schema = schema["schema"]
    return str(schema["ref"])


def _relation_schema(relation: Relation, reference: dict[str, Any]) -> dict[str, Any]:
    row = reference
    if relation.link:
        link = {field.name: _column_schema(field) for field in relation.link}
        row = {"allOf": [reference], "properties": {LINK: {"type": "object", "properties": link}}, "required": [LINK]}
    if relation.many:
        return {"type": "array", "items": row}
    return {"anyOf": [row, {"type": "null"}]} if relation.nullable else row


def _column_schema(field: Field) -> dict[str, Any]:
    schema = dict(field.type.json_schema)
    return {"anyOf": [schema, {"type": "null"}]} if field.nullable and schema else schema
