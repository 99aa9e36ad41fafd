"""Hand-written Read models: what they show of a table, checked against it.

A model decides the shape: its names, its order, relations nested in it. Each of its fields must come from a column, a
relation, a property of the class, or have a default; what nothing provides is refused. Models are read here, not made.
"""

import dis
import inspect
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import CodeType, FunctionType
from typing import Any, get_args, get_origin

from pydantic import AliasChoices, AliasPath, BaseModel, RootModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from sqlalchemy.ext.associationproxy import AssociationProxy
from sqlalchemy.ext.hybrid import hybrid_property

from onetrip.errors import ConfigurationError, nearest
from onetrip.schema.bodies import loaded
from onetrip.schema.documents import inside
from onetrip.schema.fidelity import Inexact, bare, column_reason, declared_reason, model_reason
from onetrip.schema.model import Computed, Field, Nested, Relation, ResourceSchema, View

Follow = Callable[[Relation, type[BaseModel]], ResourceSchema]
"""Answers the resource at the end of a relation, as a model shows it."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a hand-written model can draw on: a class, and its columns and relations by attribute."""

    entity: type[Any]
    columns: Mapping[str, Field]
    relations: Mapping[str, Relation]


def written_view(model: type[BaseModel], source: Source, follow: Follow, inexact: Inexact) -> View:
    """Read a hand-written model: columns, relations and properties by attribute name, in its order, under its aliases.

    Raises `ConfigurationError` for a model that is not complete, and for a field that nothing provides.
    """
    _check(model)
    reading = _Reading(model, source, follow, inexact)
    found = [(reading.item(attribute, info), info.exclude) for attribute, info in model.model_fields.items()]
    shown = [item for item, excluded in found if not excluded]
    unseen = [item for (item, _), excluded in found if excluded]
    computed = [Computed(name=info.alias or name) for name, info in model.model_computed_fields.items()]
    view = View(
        entity=source.entity, model=model, columns=tuple(source.columns.values()),
        items=(*(item for item, _ in shown), *computed),
        read=tuple(replace(item, name=f"/{item.name}") for item in unseen if isinstance(item, Nested)),
    )  # fmt: skip
    changed = {item.name for item, reason in shown if reason is not None or model_reason(model) is not None}
    view = replace(view, rewritten=frozenset(changed))
    reasons = [model_reason(model), *(reason for _, reason in shown)]
    if computed:
        reasons.append(f"{model.__name__} has computed fields")
    reason = next(filter(None, reasons), None)
    return in_python(view, reason) if reason else view


def in_python(view: View, reason: str) -> View:
    """Have Python write a view, and so everything that is nested in it."""

    def inner(nested: Nested) -> Nested:
        return replace(nested, target=replace(nested.target, view=in_python(nested.view, reason)))

    return replace(
        view, columns=loaded(view.columns), python=reason, read=tuple(map(inner, view.read)),
        items=tuple(inner(item) if isinstance(item, Nested) else item for item in view.items),
    )  # fmt: skip


def _check(model: type[BaseModel]) -> None:
    """Refuse a model that has no fields of its own, or whose annotations lead nowhere."""
    if issubclass(model, RootModel):
        raise ConfigurationError(f"{model.__name__} is a RootModel, and a row is an object: use a model with fields.")
    if not model.__pydantic_complete__ and model.model_rebuild(raise_errors=False) is not True:
        raise ConfigurationError(
            f"{model.__name__} is not complete: an annotation in it names a class that is not defined where it stands. "
            f"Import that class, and call {model.__name__}.model_rebuild()."
        )


class _Reading:
    """One run of `written_view`: what its fields share."""

    def __init__(self, model: type[BaseModel], source: Source, follow: Follow, inexact: Inexact) -> None:
        self.model = model
        self.source = source
        self.follow = follow
        self.inexact = inexact

    def item(self, attribute: str, info: FieldInfo) -> tuple[Field | Nested | Computed, str | None]:
        """Say what a field of the model shows, and why Python must write it, if it must."""
        name = info.serialization_alias or info.alias or attribute
        where = f"{self.model.__name__}.{attribute}"
        for wanted in (*_wanted(info.validation_alias), attribute):
            if isinstance(wanted, AliasPath):
                if self._follows(where, str(wanted.path[0])):
                    break
            elif wanted in self.source.columns:
                return self._column(name, self.source.columns[wanted], info)
            elif wanted in self.source.relations:
                nested = self._nested(name, where, self.source.relations[wanted], info)
                return nested, nested.view.python
            elif _provides(self.source.entity, wanted):
                refuse_relation_readers(self.source, wanted, where)
                break
        else:
            if info.is_required():
                entity, hint = self.source.entity.__name__, self._hint(attribute)
                raise ConfigurationError(f"{where}: {entity} has no '{attribute}'. {hint}")
        return Computed(name=name), f"'{attribute}' in {self.model.__name__} is not a column"

    def _column(self, name: str, column: Field, info: FieldInfo) -> tuple[Field, str | None]:
        type_ = inside(column.type, info.annotation)
        shown = replace(column, name=name, type=type_, description=info.description or column.description)
        return shown, column_reason(shown, self.inexact) or declared_reason(shown, info, validated=True)

    def _nested(self, name: str, where: str, relation: Relation, info: FieldInfo) -> Nested:
        model, many = _inner(info.annotation)
        if model is None or many != relation.many:
            example = "list[PostRead]" if relation.many else "UserRead | None"
            number = "many rows" if relation.many else "one row"
            raise ConfigurationError(
                f"{where}: '{relation.attribute}' of {self.source.entity.__name__} is a relation to {number}, which a "
                f"Pydantic model shows: write {relation.attribute}: {example}, with a model of your own."
            )
        target = self.follow(relation, model)
        if target.deleted is not None and not many and not _takes_none(info.annotation):
            raise ConfigurationError(
                f"{where}: '{relation.attribute}' of {self.source.entity.__name__} may lead to a row that was deleted, "
                f"and is None then: write {relation.attribute}: {model.__name__} | None."
            )
        return Nested(name=name, relation=relation, target=target)

    def _follows(self, where: str, first: str) -> bool:
        """Say whether Pydantic can follow a path that begins like this."""
        if first in self.source.relations:
            raise ConfigurationError(
                f"{where}: an AliasPath through the relation '{first}' is not followed. Nest a model for it "
                f"({first}: …Read), and take the value in a computed_field."
            )
        return first in self.source.columns or _provides(self.source.entity, first)

    def _hint(self, name: str) -> str:
        known = [*self.source.columns, *self.source.relations]
        return nearest(name, known) or "Give it a default, or name a column or a relation."


def _wanted(alias: str | AliasPath | AliasChoices | None) -> Sequence[str | AliasPath]:
    """List the attributes from which Pydantic would read a field, its own name aside."""
    if isinstance(alias, AliasChoices):
        return alias.choices
    return [] if alias is None else [alias]


def _inner(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """Find the model in `X`, `X | None`, `list[X]` and `list[X] | None`, and whether there are many of it."""
    annotation = bare(annotation)
    many = get_origin(annotation) in (list, tuple, Sequence)
    if many:
        annotation = bare(get_args(annotation)[0])
    found = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return (annotation if found else None), many


def _takes_none(annotation: Any) -> bool:
    try:
        TypeAdapter(annotation).validate_python(None)
    except ValidationError:
        return False
    return True


def _provides(entity: type[Any], name: str) -> bool:
    """Say whether a class has a value of that name: a property or a constant, not a method."""
    found = inspect.getattr_static(entity, name, None)
    return found is not None and not isinstance(found, FunctionType | classmethod | staticmethod | type)


def refuse_relation_readers(source: Source, name: str, where: str) -> None:
    """Refuse a property that reads a relation: the row has been read by then, and its relations have not.

    Raises `ConfigurationError`. A relation that is read in a roundabout way is noticed when it happens.
    """
    found = inspect.getattr_static(source.entity, name, None)
    relation = found.target_collection if isinstance(found, AssociationProxy) else None
    if isinstance(found, property | hybrid_property):
        relation = _relation_read(found.fget, source.relations)
    elif isinstance(found, cached_property):
        relation = _relation_read(found.func, source.relations)
    if relation is not None:
        raise ConfigurationError(
            f"{where}: '{name}' of {source.entity.__name__} reads the relation '{relation}', which is not loaded with "
            f"the row. Make it a column_property; or nest a model for '{relation}' in a hand-written read schema, and "
            "compute it there."
        )


def _relation_read(function: Any, relations: Collection[str]) -> str | None:
    """Find the first relation that a method reads from its `self`."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None or not code.co_varnames:
        return None
    return next((name for name in _attributes(code, code.co_varnames[0]) if name in relations), None)


def _attributes(code: CodeType, of: str) -> Iterator[str]:
    """List the attributes that code reads from a variable, in functions inside it too."""
    before = None
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_ATTR", "LOAD_METHOD") and before == of:
            yield instruction.argval
        before = instruction.argval if instruction.opname.startswith(("LOAD_FAST", "LOAD_DEREF")) else None
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _attributes(inner, of)
