"""Bodies in which rows of relations stand: which relations of a resource those are, and what is taken of each.

The models here say at once all that is wrong with the form of a body, and are what OpenAPI shows. They do not call
validators of whole rows: the keys of rows that refer to each other are not known before the first of them is written.
Each row is then read by the plain body of its resource. One level: nested rows have no rows in them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

import pydantic
import sqlalchemy as sa
from pydantic import MISSING, BaseModel, BeforeValidator, Discriminator, Tag, WithJsonSchema, model_validator
from pydantic.fields import FieldInfo
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError
from sqlalchemy.orm import RelationshipDirection, RelationshipProperty

from onetrip.errors import ConfigurationError, nearest
from onetrip.schema.bodies import python_name
from onetrip.schema.bounds import either
from onetrip.schema.inputs import Input
from onetrip.schema.model import Body, Field, Inner, NestedBody, Pairs, Relation, ResourceSchema, Schema
from onetrip.schema.through import camel, is_plain, pairs_of

Kind = Literal["create", "update", "replace"]

_KEY, _ROW = "\0key", "\0row"
"""Tags of two forms of a row, which stand in the place of an error: no key of a body begins like that."""


def nested_bodies(schema: Schema, options: Mapping[str, Sequence[str]]) -> dict[str, Mapping[str, NestedBody]]:
    """Make the bodies of resources for which relations were named.

    Raises `ConfigurationError` for a relation whose rows cannot be written there.
    """
    return {
        name: _Nesting(schema, schema.resources[name]).bodies(relations)
        for name, relations in options.items()
        if relations
    }


class _Nesting:
    """What one resource takes in its bodies. `models` are those of nested rows, by name: some stand in several."""

    def __init__(self, schema: Schema, resource: ResourceSchema) -> None:
        self.schema = schema
        self.resource = resource
        self.models: dict[tuple[str, type[BaseModel]], type[BaseModel]] = {}

    def bodies(self, names: Sequence[str]) -> dict[str, NestedBody]:
        """Make the body of each kind that the resource takes."""
        writes = self.resource.writes
        kinds: tuple[tuple[Kind, Body | None], ...] = (
            ("create", writes.create), ("update", writes.update), ("replace", writes.replace)
        )  # fmt: skip
        made: dict[str, NestedBody] = {}
        for kind, own in kinds:
            if own is not None:
                found = tuple(inner for name in dict.fromkeys(names) if (inner := self._inner(name, own)) is not None)
                self._refuse_shared(found)
                made[kind] = NestedBody(kind=kind, whole=self._whole(kind, own, found), own=own, inner=found)
        known = {inner.name for body in made.values() for inner in body.inner}
        for name in names:
            if name not in known:
                raise self._refused(name, "refers by a foreign key that no client sets: leave it out")
        return made

    # Relations

    def _inner(self, name: str, own: Body) -> Inner | None:
        """Describe a relation; `None` if its foreign key is one that this body does not set."""
        prop, target = self._relation(name)
        relation = self.resource.relations[name]
        if name in {alias for alias, _ in _aliases(own)} | own.model.model_fields.keys():
            raise self._refused(name, f"is a field of {own.model.__name__} already: leave it out of one of the two")
        if target.writes.create is None:
            raise self._refused(name, f"leads to '{target.name}', which takes no POST: {target.writes.refused}")
        many_to_many = prop.direction is RelationshipDirection.MANYTOMANY
        if target.writes.conditional and not many_to_many:
            raise self._refused(name, f"leads to '{target.name}', whose rows are only changed with 'If-Match'")
        if relation.many:
            return self._many(relation, target, many_to_many)
        pairs = pairs_of(prop.synchronize_pairs, target, self.resource.entity, own)
        aliases = {column.attribute: alias for alias, column in _aliases(own)}
        keys = tuple(aliases[column.attribute] for column, _ in pairs if column.attribute in aliases)
        if not pairs or len(keys) != len(pairs):
            return None
        return Inner(relation=relation, kind="one", target=target, pairs=pairs, keys=keys)

    def _many(self, relation: Relation, target: ResourceSchema, many_to_many: bool) -> Inner:
        through = self.schema.through.get(relation)
        if through is None or through.create is None:
            unset = "refers by a foreign key that no client sets"
            reason = "is linked by rows that need more than two keys" if many_to_many else unset
            raise self._refused(relation.name, f"{reason}, so that it takes no POST either: leave it out")
        if many_to_many:
            return Inner(relation=relation, kind="links", target=target, pairs=through.near)
        inner = Inner(relation=relation, kind="children", target=target, pairs=through.near)
        settable = {column.attribute for column in through.create.columns.values()}
        return replace(inner, chosen=all(part.attribute in settable for part in inner.key))

    def _relation(self, name: str) -> tuple[RelationshipProperty[Any], ResourceSchema]:
        """Find a relation that is nothing but a foreign key, to rows that are served."""
        relationships = sa.inspect(self.resource.entity).relationships
        if name not in relationships:
            hint = nearest(name, [*self.resource.relations]) or f"There are: {', '.join(self.resource.relations)}."
            raise self._refused(name, f"is not a relation. {hint}".removesuffix("."))
        prop = relationships[name]
        if name not in self.resource.relations:
            served = any(each.entity is prop.mapper.class_ for each in self.schema.resources.values())
            unserved = f"leads to {prop.mapper.class_.__name__}, which is not served: add that to the API"
            raise self._refused(name, "is hidden: leave it out of one of the two" if served else unserved)
        if not is_plain(prop):
            raise self._refused(name, "is for reading only, or more than foreign keys: leave it out")
        if not prop.uselist and prop.direction is not RelationshipDirection.MANYTOONE:
            raise self._refused(name, "leads to one row that refers to this one: leave it out, or make it a list")
        return prop, self.schema.resources[self.resource.relations[name].target]

    def _refuse_shared(self, found: Sequence[Inner]) -> None:
        """Refuse two relations that would set the same column."""
        setters: dict[str, str] = {}
        for inner in found:
            for key in inner.keys:
                if (other := setters.setdefault(key, inner.name)) != inner.name:
                    raise self._refused(inner.name, f"sets '{key}', as '{other}' does: leave one of them out")

    def _refused(self, name: str, reason: str) -> ConfigurationError:
        return ConfigurationError(f"Resource({self.resource.title}, nested=…): '{name}' {reason}.")

    # Models

    def _whole(self, kind: Kind, own: Body, found: Sequence[Inner]) -> Body:
        """Add relations to a body. A foreign key of which one of them may say the end need not be sent."""
        infos = own.model.model_fields
        ends = {column.attribute for inner in found if inner.kind == "one" for column, _ in inner.pairs}
        fields: dict[str, Any] = {
            name: _optional(infos[name], name)
            for name, column in own.columns.items()
            if column.attribute in ends and infos[name].is_required()
        }
        for number, inner in enumerate(found):
            name = inner.name if python_name(inner.name, number) == inner.name else f"relation_{number}"
            fields[name] = either(self._rows(inner, kind), MISSING), pydantic.Field(default=MISSING, alias=inner.name)
        return Body(model=self._model(f"{own.model.__name__}WithRelations", own.model, fields), columns=own.columns)

    def _rows(self, inner: Inner, kind: Kind) -> Any:
        """Say what is taken of a relation."""
        create, update = inner.target.writes.create, inner.target.writes.update
        assert create is not None and update is not None  # of tables that take POST
        prefix, names = f"{self.resource.title}{camel(inner.name)}", {part.name for part in inner.key}
        key = dict(_key_fields(inner, create))
        if inner.kind == "children":
            new = self._model(f"{prefix}New", create.model, _unsettable(create, inner.pairs))
            if kind == "create":
                return list[new]  # type: ignore[valid-type]
            more = _perhaps(create, update) if inner.chosen else _perhaps(update)
            more |= _unsettable(create, inner.pairs) | _unsettable(update, inner.pairs) | key
            there = self._model(f"{prefix}Change", update.model, more)
            return list[_either_form(there, new, lambda value: names <= value.keys())]  # type: ignore[misc]
        link = self._model(f"{prefix}Key", Input, key)
        row = create.model
        if inner.kind == "one" and kind != "create":
            row = self._model(f"{prefix}Row", update.model, _perhaps(create, update))
        form = _either_form(link, row, lambda value: names == value.keys())
        if inner.kind == "links":
            return list[form]  # type: ignore[valid-type]
        return either(form, None) if all(column.nullable for column, _ in inner.pairs) else form

    def _model(self, name: str, base: type[BaseModel], fields: Mapping[str, Any]) -> type[BaseModel]:
        """Make a model with other fields, that does not call the validators of whole rows."""
        if (name, base) not in self.models:
            quiet = {
                found: model_validator(mode="after")(_unchanged)
                for found, validator in base.__pydantic_decorators__.model_validators.items()
                if validator.info.mode == "after" and found != "settle"
            }
            module = self.resource.entity.__module__
            options: dict[str, Any] = {"__doc__": None, "__validators__": quiet, **fields}
            self.models[name, base] = pydantic.create_model(name, __base__=base, __module__=module, **options)
        return self.models[name, base]


def _either_form(key: Any, row: Any, is_key: Callable[[dict[str, Any]], bool]) -> Any:
    """Take a row that is there, by its key, or another object."""

    def form(value: Any) -> str:
        return _KEY if isinstance(value, dict) and is_key(value) else _ROW

    return Annotated[Annotated[key, Tag(_KEY)] | Annotated[row, Tag(_ROW)], Discriminator(form)]


def _key_fields(inner: Inner, create: Body) -> Iterator[tuple[str, Any]]:
    """Define the key of a row that is there: as a new row has it, or by its type where the database makes it."""
    settable = {column.attribute: name for name, column in create.columns.items()}
    for number, part in enumerate(inner.key):
        if (name := settable.get(part.attribute)) is not None:
            info = create.model.model_fields[name]
            yield name, (_annotation(info), _like(info, name))
        else:
            python: Any = part.type.extra.get("python", part.type.python)
            shown: Any = Annotated[python, WithJsonSchema(dict(part.type.json_schema))]
            yield python_name(part.attribute, number), (shown, pydantic.Field(alias=part.name))


def _perhaps(*bodies: Body) -> dict[str, Any]:
    """Define what may be sent of a row, new or not: optional, beside what the last body has."""
    infos = {name: info for body in bodies for name, info in body.model.model_fields.items()}
    has = bodies[-1].model.model_fields
    return {name: _optional(info, name) for name, info in infos.items() if name not in has or info.is_required()}


def _unsettable(body: Body, pairs: Pairs) -> dict[str, Any]:
    """Define the columns of a foreign key that the row around gives: nobody sends them."""
    given = {column.attribute for column, _ in pairs}
    infos = body.model.model_fields
    return {
        name: (_Unsettable, pydantic.Field(default=MISSING, validation_alias=infos[name].validation_alias or name))
        for name, column in body.columns.items()
        if column.attribute in given
    }


def _refuse(value: Any) -> Any:
    raise PydanticCustomError("extra_forbidden", "Extra inputs are not permitted")


_Unsettable = SkipJsonSchema[Annotated[Any, BeforeValidator(_refuse)]]
"""A field that is not taken, and not shown."""


def _optional(info: FieldInfo, name: str) -> Any:
    return either(_annotation(info), MISSING), _like(info, name, default=MISSING)


def _annotation(info: FieldInfo) -> Any:
    return Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation


def _like(info: FieldInfo, name: str, **more: Any) -> Any:
    said = {each: getattr(info, each) for each in ("title", "description", "examples", "json_schema_extra")}
    return pydantic.Field(validation_alias=info.validation_alias or name, **said, **more)


def _aliases(body: Body) -> Iterator[tuple[str, Field]]:
    """List the columns of a body by the one key that stands for each."""
    for name, column in body.columns.items():
        alias = body.model.model_fields[name].validation_alias or name
        if isinstance(alias, str):
            yield alias, column


def _unchanged(self: Any) -> Any:
    return self
