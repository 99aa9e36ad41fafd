"""Mapped classes → `Schema`: the only reader of mappers.

Facts come from the mapper and the columns, not from annotations, so whatever SQLModel or SQLAlchemy could map is read
as the database has it. What cannot be served is refused here, at start, with the reason and the remedy.
"""

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import ArgumentError, InvalidRequestError, NoInspectionAvailable
from sqlalchemy.orm import ColumnProperty, Mapper, RelationshipDirection, RelationshipProperty, configure_mappers
from sqlmodel import SQLModel

from onetrip.errors import ConfigurationError, nearest
from onetrip.schema import naming
from onetrip.schema.bodies import Inexact, derived_view, written_view
from onetrip.schema.declaration import Resource
from onetrip.schema.model import Field, Relation, ResourceSchema, Schema, View
from onetrip.schema.types import as_base64, describe

SECRET_WORDS = frozenset(
    "password passwords passwd pwd passphrase passcode secret secrets token tokens hash hashes hashed salt otp totp "
    "credential credentials apikey privatekey".split()
)
"""Words in a column's name for which it is hidden unless exposed by name."""

_SECRET_PAIRS = ("api_key", "private_key", "secret_key", "access_key", "signing_key", "encryption_key")


def looks_secret(name: str) -> bool:
    """Say whether a column's name sounds like something that no client should see.

    >>> looks_secret("hashed_password"), looks_secret("apiKey"), looks_secret("hashtag")
    (True, True, False)
    """
    words = naming.snake(name).split("_")
    return not SECRET_WORDS.isdisjoint(words) or any(pair in "_".join(words) for pair in _SECRET_PAIRS)


def derive(declared: Sequence[Resource | type[Any]], dialect: Dialect, inexact: Inexact) -> Schema:
    """Derive the schema of everything that is declared, for one dialect.

    Raises `ConfigurationError` for what cannot be served, for a broken relationship, and for two resources of one path.
    """
    resources = [item if isinstance(item, Resource) else Resource(item) for item in declared]
    drafts = [_Draft(resource, _mapper(resource.model)) for resource in resources]
    _configure()
    names: dict[type[Any], str] = {}
    for draft in drafts:
        if draft.name in names.values():
            other = next(model.__name__ for model, name in names.items() if name == draft.name)
            raise ConfigurationError(
                f"{other} and {draft.resource.model.__name__} both have the path '/{draft.name}'. "
                "Give one of them another: Resource(…, path='…')."
            )
        if draft.resource.model in names:
            raise ConfigurationError(f"{draft.resource.model.__name__} is declared twice.")
        names[draft.resource.model] = draft.name
    derivation = _Derivation(drafts, names, dialect, inexact)
    return Schema(resources={draft.name: derivation.resource(draft) for draft in drafts})


@dataclass(frozen=True, slots=True)
class _Draft:
    resource: Resource
    mapper: Mapper[Any]

    @property
    def name(self) -> str:
        return self.resource.path or _path(self.resource.model, self.mapper)


class _Derivation:
    """One run of `derive`: what all resources share while they are made."""

    def __init__(
        self, drafts: Sequence[_Draft], names: Mapping[type[Any], str], dialect: Dialect, inexact: Inexact
    ) -> None:
        self.names = names
        self.dialect = dialect
        self.inexact = inexact
        self.mappers = {draft.name: draft.mapper for draft in drafts}
        self.hidden = {draft.name: self._hidden(draft) for draft in drafts}

    def resource(self, draft: _Draft) -> ResourceSchema:
        model, name = draft.resource.model, draft.name
        hidden, guessed = self.hidden[name]
        columns = tuple(self._fields(draft.mapper))
        relations = {relation.name: relation for relation in self._relations(draft.mapper) if relation.name not in hidden}
        if draft.resource.read is not None:
            view = self._written(name, draft.resource.read)
            guessed = ()
        else:
            view = derived_view(model, columns, hidden, self.inexact)
        self._refuse_clashes(model, view, relations)
        by_attribute = {field.attribute: field for field in columns}
        shown = {field.attribute for field in view.fields}
        title = model.__name__
        return ResourceSchema(
            name=name, title=title, entity=model, view=view, relations=relations,
            singular=naming.snake(title), plural=naming.snake(naming.plural(title)),
            key=tuple(by_attribute[draft.mapper.get_property_by_column(column).key] for column in draft.mapper.primary_key),
            hidden=tuple(field.name for field in columns if field.attribute not in shown),
            guessed_secrets=tuple(field.name for field in columns if field.attribute in guessed),
            default_limit=draft.resource.default_limit, max_limit=draft.resource.max_limit,
            description=_own_docstring(model), tags=tuple(draft.resource.tags) or (name,),
        )  # fmt: skip

    def _written(self, name: str, model: type[BaseModel], inside: tuple[type[BaseModel], ...] = ()) -> View:
        mapper = self.mappers[name]
        if model in inside:
            raise ConfigurationError(
                f"{model.__name__} contains itself through {' and '.join(outer.__name__ for outer in inside)}, so an "
                "answer would have no end. Leave the way back out of one of them; include= asks for it."
            )
        return written_view(
            model,
            mapper.class_,
            {field.attribute: field for field in self._fields(mapper)},
            {relation.attribute: relation for relation in self._relations(mapper)},
            lambda target, inner: self._written(target, inner, (*inside, model)),
            self.inexact,
        )

    def _fields(self, mapper: Mapper[Any]) -> Iterator[Field]:
        infos = getattr(mapper.class_, "model_fields", {})
        declared = {attribute: index for index, attribute in enumerate(infos)}
        for prop in sorted(mapper.column_attrs, key=lambda prop: declared.get(prop.key, len(declared))):
            yield self._field(prop, infos.get(prop.key), mapper)

    def _field(self, prop: ColumnProperty[Any], info: Any, mapper: Mapper[Any]) -> Field:
        column = prop.columns[0]
        type_ = describe(column.type, self.dialect)
        if type_.kind == "bytes" and not hasattr(mapper.class_, "__tablename__"):
            type_ = as_base64(type_)
        alias = (info.serialization_alias or info.alias) if info is not None else None
        return Field(
            name=alias or prop.key,
            attribute=prop.key,
            type=type_,
            nullable=bool(column.nullable) if isinstance(column, sa.Column) else True,
            description=(info.description if info is not None else None) or getattr(column, "comment", None),
        )

    def _hidden(self, draft: _Draft) -> tuple[set[str], set[str]]:
        """Find the attributes that are hidden, and those of them that only sound secret."""
        infos = getattr(draft.resource.model, "model_fields", {})
        attributes = {prop.key for prop in draft.mapper.column_attrs}
        known = attributes | {relation.key for relation in draft.mapper.relationships}
        for name in (*draft.resource.hidden, *draft.resource.exposed):
            if name not in known:
                hint = nearest(name, sorted(known)) or f"It has: {', '.join(sorted(known))}."
                raise ConfigurationError(f"Resource({draft.resource.model.__name__}): there is no '{name}'. {hint}")
        excluded = {name for name, info in infos.items() if info.exclude is True}
        keys = {draft.mapper.get_property_by_column(column).key for column in draft.mapper.primary_key}
        guessed = {name for name in attributes - keys - excluded if looks_secret(name)}
        guessed -= {*draft.resource.exposed, *draft.resource.hidden}
        return guessed | (excluded - set(draft.resource.exposed)) | set(draft.resource.hidden), guessed

    def _relations(self, mapper: Mapper[Any]) -> Iterator[Relation]:
        for prop in mapper.relationships:
            target = self.names.get(prop.mapper.class_)
            if target is not None:
                yield Relation(
                    name=prop.key, attribute=prop.key, many=bool(prop.uselist), target=target,
                    nullable=_may_be_missing(prop), link=tuple(self._link(prop)),
                )  # fmt: skip

    def _link(self, prop: RelationshipProperty[Any]) -> Iterator[Field]:
        """Find the columns of a link row that are not one of its two keys."""
        if prop.secondary is None:
            return
        ends = {column for _, column in (*prop.synchronize_pairs, *(prop.secondary_synchronize_pairs or ()))}
        for column in prop.secondary.c:
            if column not in ends and not looks_secret(column.key):
                yield Field(
                    name=column.key, attribute=column.key, nullable=bool(getattr(column, "nullable", True)),
                    type=describe(column.type, self.dialect),
                )  # fmt: skip

    def _refuse_clashes(self, model: type[Any], view: View, relations: Mapping[str, Relation]) -> None:
        names = [*(field.name for field in view.fields), *(nested.name for nested in view.nested)]
        always = {nested.name for nested in view.nested}
        twice = {name for name in names if names.count(name) > 1} | (set(names) & set(relations) - always)
        if twice:
            raise ConfigurationError(
                f"{model.__name__}: '{min(twice)}' would stand twice in an answer. Give the column another alias."
            )


def _mapper(model: type[Any]) -> Mapper[Any]:
    name = getattr(model, "__name__", repr(model))
    try:
        mapper: Any = sa.inspect(model)
    except NoInspectionAvailable:
        mapper = None
    tables = [base for base in getattr(model, "__mro__", ())[1:] if _is_sqlmodel_table(base)]
    if _is_sqlmodel_table(model) and tables:
        raise ConfigurationError(
            f"{name} inherits from the table {tables[0].__name__}, which SQLModel cannot map. "
            f"Move the shared fields to a class without table=True and inherit both from that."
        )
    if not isinstance(mapper, Mapper):
        remedy = "add table=True" if isinstance(model, type) and issubclass(model, SQLModel) else "map it to a table"
        raise ConfigurationError(f"{name} is not a table: {remedy}, or leave it out of the API.")
    return mapper


def _is_sqlmodel_table(model: Any) -> bool:
    return isinstance(model, type) and issubclass(model, SQLModel) and model.model_config.get("table") is True


def _configure() -> None:
    try:
        configure_mappers()
    except (InvalidRequestError, ArgumentError) as error:
        raise ConfigurationError(_relationship_remedy(str(error))) from error


def _relationship_remedy(message: str) -> str:
    """Turn SQLAlchemy's message about a relationship into one sentence with a remedy."""
    fact = re.sub(r"\s+", " ", re.sub(r"\(Background on this error.*|Original exception was: ", "", message)).strip()
    if "multiple foreign key paths" in fact:
        remedy = "Say which one: Relationship(sa_relationship_kwargs={'foreign_keys': 'Post.author_id'})."
    elif "no foreign keys linking" in fact:
        remedy = "Add the column: author_id: int = Field(foreign_key='user.id')."
    elif "failed to locate a name" in fact or "expression" in fact:
        remedy = (
            "Write Optional[\"User\"] instead of \"User | None\", without 'from __future__ import annotations', "
            "and import every module of tables."
        )
    else:
        remedy = "Compare both sides of the relationship and their back_populates."
    return f"A relationship is broken: {fact.rstrip('.')}. {remedy}"


def _path(model: type[Any], mapper: Mapper[Any]) -> str:
    explicit = next((base.__dict__["__tablename__"] for base in model.__mro__ if _sets_tablename(base)), None)
    if explicit is None and hasattr(model, "__tablename__"):
        return naming.resource_path(model.__name__)
    return re.sub(r"[^A-Za-z0-9._~-]", "-", explicit or str(getattr(mapper.local_table, "name", model.__name__)))


def _sets_tablename(model: type[Any]) -> bool:
    return isinstance(model.__dict__.get("__tablename__"), str)


def _may_be_missing(prop: RelationshipProperty[Any]) -> bool:
    if prop.direction is not RelationshipDirection.MANYTOONE:
        return True
    return any(getattr(column, "nullable", True) for column in prop.local_columns)


def _own_docstring(model: type[Any]) -> str | None:
    text = model.__dict__.get("__doc__")
    return inspect.cleandoc(text) if text and not text.startswith("Usage docs") else None


def notes(resources: Iterable[ResourceSchema]) -> Iterator[str]:
    """Say what a user should know at start: columns hidden for their name, answers that Python writes."""
    for resource in resources:
        if resource.guessed_secrets:
            names = ", ".join(resource.guessed_secrets)
            yield f"/{resource.name}: hidden, because the name looks secret: {names} (show it with exposed=[…])"
        if resource.view.python:
            yield f"/{resource.name}: written in Python, because {resource.view.python}"
