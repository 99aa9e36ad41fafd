"""Mapped classes → `Schema`: what is served, under which names.

Facts come from the mapper and the columns, not from annotations, so whatever SQLModel or SQLAlchemy could map is read
as the database has it. What cannot be served is refused here, at start, with the reason and the remedy.
"""

import inspect
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import ColumnProperty, Mapper, RelationshipDirection, RelationshipProperty
from sqlalchemy.sql import visitors

from onetrip.errors import ConfigurationError
from onetrip.schema import naming
from onetrip.schema.bodies import computed_fields, declared_fields, derived_view
from onetrip.schema.constraints import constraints
from onetrip.schema.declaration import Resource
from onetrip.schema.documents import inside
from onetrip.schema.fidelity import Inexact, column_reason
from onetrip.schema.hidden import Hidden, hidden_of, is_secret, looks_secret
from onetrip.schema.increments import increments
from onetrip.schema.inputs import writes
from onetrip.schema.mappers import columns_of, configure, is_column, is_reflected, mapper_of
from onetrip.schema.marks import deletion_of
from onetrip.schema.model import Field, Past, Relation, ResourceSchema, Schema, View, Writes
from onetrip.schema.nested import nested_bodies
from onetrip.schema.paths import choose_paths, path_of
from onetrip.schema.refusals import (
    refuse_alias,
    refuse_clashes,
    refuse_half_unique,
    refuse_history_clash,
    refuse_link_clashes,
    refuse_unfillable,
    refuse_untyped,
)
from onetrip.schema.searching import refuse_search_clashes, search_of
from onetrip.schema.through import changes, link_mapper
from onetrip.schema.types import as_base64, describe
from onetrip.schema.units import hooks_of, units_of_work
from onetrip.schema.written import Source, refuse_relation_readers, written_view


def derive(
    declared: Sequence[Resource | type[Any]], dialect: Dialect, inexact: Inexact, history: type[Any] | None = None,
    language: str = "simple",
) -> Schema:  # fmt: skip
    """Derive the schema of everything that is declared, for one dialect. `history` is the class of its entries.

    `language` is that of texts that are searched.

    Raises `ConfigurationError` for what cannot be served, for a broken relationship, and for two resources of one path.
    """
    resources = [item if isinstance(item, Resource) else Resource(item) for item in declared]
    mappers = [mapper_of(resource.model) for resource in resources]
    configure(mappers)
    names = choose_paths(resources, mappers)
    drafts = [_Draft(name, resource, mapper) for name, resource, mapper in zip(names, resources, mappers, strict=True)]
    derivation = _Derivation(drafts, dialect, inexact, history, language)
    schema = Schema(resources={draft.name: derivation.resource(draft) for draft in drafts})
    refuse_link_clashes(schema)
    refuse_search_clashes(schema.resources.values())
    schema = replace(schema, through=changes(schema.resources, derivation.link_rows))
    return replace(schema, nested=nested_bodies(schema, {draft.name: draft.resource.nested for draft in drafts}))


@dataclass(frozen=True)
class _Draft:
    """What becomes a resource: a declared class, or one to which only a hand-written model leads."""

    name: str
    resource: Resource
    mapper: Mapper[Any]
    declared: bool = True

    @cached_property
    def hidden(self) -> Hidden:
        return hidden_of(self.mapper, self.resource)


class _Derivation:
    """One run of `derive`: what all resources share while they are made."""

    def __init__(
        self, drafts: Sequence[_Draft], dialect: Dialect, inexact: Inexact, history: type[Any] | None, language: str
    ) -> None:
        self.drafts = {draft.resource.model: draft for draft in drafts}
        self.dialect = dialect
        self.inexact = inexact
        self.history = history
        self.language = language
        self.fields: dict[Mapper[Any], tuple[Field, ...]] = {}

    def resource(self, draft: _Draft) -> ResourceSchema:
        """Make a declared resource."""
        read = draft.resource.read
        view = self._derived(draft) if read is None else self._written(draft, read)
        refuse_unfillable(view)
        refuse_half_unique(draft.mapper)
        described = self._described(draft, view, guessed=draft.hidden.guessed if read is None else frozenset())
        shown = {field.attribute: field for field in view.fields}
        search = search_of(draft.resource, draft.mapper, shown, self.language, self.dialect)
        return replace(described, search=search, writes=self._writes(draft, view), past=self._past(draft, described))

    def _described(self, draft: _Draft, view: View, guessed: frozenset[str] = frozenset()) -> ResourceSchema:
        """Make a resource that is shown in one way."""
        model, columns = draft.resource.model, self._columns(draft.mapper)
        named = {field.attribute: field for field in (*columns, *view.fields)}
        shown = {field.attribute for field in view.fields}
        relations = {relation.name: relation for relation in self._relations(draft)} if draft.declared else {}
        refuse_clashes(model, view, relations)
        refuse_untyped(draft.mapper, shown)
        return ResourceSchema(
            name=draft.name, title=model.__name__, entity=model, view=view, relations=relations,
            singular=naming.snake(model.__name__), plural=naming.snake(naming.plural(model.__name__)),
            key=tuple(named[draft.mapper.get_property_by_column(column).key] for column in draft.mapper.primary_key),
            hidden=tuple(field.name for field in columns if field.attribute not in shown),
            guessed_secrets=tuple(sorted(guessed)),
            default_limit=draft.resource.limit, max_limit=draft.resource.max_limit,
            aggregate=draft.resource.aggregate,
            description=_own_docstring(model), tags=tuple(draft.resource.tags) or (draft.name,),
            export=draft.resource.export,
            deleted=next((field for field in columns if field.attribute == deletion_of(draft.mapper)), None),
        )  # fmt: skip

    @cached_property
    def _entries(self) -> ResourceSchema:
        """Describe the entries of all histories, which are read through the rows that they tell of."""
        assert self.history is not None
        resource, mapper = Resource(self.history, hidden=["resource", "key"]), mapper_of(self.history)
        draft = _Draft(path_of(self.history, mapper), resource, mapper, declared=False)
        return self._described(draft, self._derived(draft))

    def _past(self, draft: _Draft, resource: ResourceSchema) -> Past | None:
        """Say what is written down of the changes of rows: of what is shown its values, of the rest only its name."""
        if not draft.resource.history or self.history is None:
            return None
        refuse_history_clash(resource)
        props = {prop.key: prop for prop in columns_of(draft.mapper) if is_column(prop)}
        shown = [field for field in resource.view.fields if field.attribute in props]
        shown = [field for field in shown if field in resource.key or not looks_secret(field.name)]
        told = {field.attribute for field in (*shown, *([resource.deleted] if resource.deleted else []))}
        redacted = [field for field in self._columns(draft.mapper) if field.attribute in props.keys() - told]
        return Past(entries=self._entries, columns=tuple(shown), redacted=tuple(redacted))

    # Views

    def _derived(self, draft: _Draft) -> View:
        model, hidden = draft.resource.model, draft.hidden.attributes
        for name in computed_fields(model).keys() - hidden:
            refuse_relation_readers(self._source(draft), name, f"{model.__name__}.{name}")
        return derived_view(model, self._columns(draft.mapper), hidden, self.inexact)

    def _written(self, draft: _Draft, model: type[BaseModel], inside: tuple[type[BaseModel], ...] = ()) -> View:
        if model in inside:
            raise ConfigurationError(
                f"{model.__name__} contains itself through {' and '.join(outer.__name__ for outer in inside)}, so an "
                "answer would have no end. Leave the way back out of one of them; include= asks for it."
            )

        def follow(relation: Relation, inner: type[BaseModel]) -> ResourceSchema:
            prop = draft.mapper.relationships[relation.attribute]
            refuse_alias(prop)
            target = self._draft(prop.mapper)
            return self._described(target, self._written(target, inner, (*inside, model)))

        view = written_view(model, self._source(draft), follow, self.inexact)
        shown = {field.attribute for field in view.fields} | {nested.relation.attribute for nested in view.nested}
        if contradictory := sorted(shown & set(draft.resource.hidden)):
            raise ConfigurationError(
                f"{model.__name__} shows what Resource({draft.resource.model.__name__}, hidden=…) hides: "
                f"{', '.join(contradictory)}. Leave it out of one of the two."
            )
        return view

    def _source(self, draft: _Draft) -> Source:
        columns = {field.attribute: field for field in self._columns(draft.mapper)}
        relations = {prop.key: self._relation(prop) for prop in draft.mapper.relationships}
        return Source(draft.resource.model, columns, relations)

    def _draft(self, mapper: Mapper[Any]) -> _Draft:
        """Answer the draft of a class, which need not be one that is declared."""
        model = mapper.class_
        return self.drafts.get(model) or _Draft(path_of(model, mapper), Resource(model), mapper, declared=False)

    def _writes(self, draft: _Draft, view: View) -> Writes:
        """Derive what may be written: what is shown, and the keys of rows that are shown instead of them."""
        fields = {field.attribute: field for field in (*self._columns(draft.mapper), *view.fields)}
        shown = {field.attribute for field in view.fields}
        for nested in view.nested:
            keys = draft.mapper.relationships[nested.relation.attribute].local_columns
            shown |= {draft.mapper.get_property_by_column(key).key for key in keys} - draft.hidden.attributes
        hidden = fields.keys() - shown
        hooks = hooks_of(draft.resource)
        derived = writes(
            draft.resource, draft.mapper, tuple(fields.values()), hidden, self.dialect, hooked="create" in hooks
        )
        units = units_of_work(draft.resource, draft.mapper, derived.session)
        unhooked = replace(draft.resource, before_create=(), before_update=(), before_delete=())
        anyhow = units_of_work(unhooked, draft.mapper, derived.session)
        whole = replace(
            derived,
            hooks=hooks,
            hooked=dict.fromkeys(units.keys() - anyhow.keys(), fields),
            unit_of_work=units,
            **self._enforced(draft, fields, hidden),
        )
        return replace(whole, increments=increments(draft.resource, draft.mapper, whole, self.dialect))

    def _enforced(self, draft: _Draft, fields: Mapping[str, Field], hidden: Collection[str]) -> dict[str, Any]:
        """Describe what the database and the ORM watch over: constraints, and the version of a row."""
        mapper, counter = draft.mapper, draft.mapper.version_id_col
        paths = {each.mapper.local_table: each.name for each in self.drafts.values()}
        version = None if counter is None else fields.get(mapper.get_property_by_column(counter).key)
        return {
            "constraints": constraints(mapper, fields, hidden, paths, self.dialect),
            "version": version,
            "conditional": draft.resource.require_if_match,
            "bulk": draft.resource.bulk_limit if draft.resource.bulk else None,
        }

    def link_rows(self, prop: RelationshipProperty[Any]) -> ResourceSchema:
        """Describe the link rows of a many-to-many relation as a resource, of which nothing is shown by itself."""
        mapper = link_mapper(prop)
        draft = self._draft(mapper)
        columns = self._columns(mapper)
        shown = tuple(field for field in columns if field.attribute not in draft.hidden.attributes)
        named = {field.attribute: field for field in columns}
        view = View(entity=mapper.class_, columns=columns, items=shown, model=None)
        return ResourceSchema(
            name=draft.name, title=mapper.class_.__name__, singular=draft.name, plural=draft.name,
            entity=mapper.class_, view=view, relations={}, writes=self._writes(draft, view),
            key=tuple(named[mapper.get_property_by_column(column).key] for column in mapper.primary_key),
            deleted=next((field for field in columns if field.attribute == deletion_of(mapper)), None),
        )  # fmt: skip

    # Columns

    def _columns(self, mapper: Mapper[Any]) -> tuple[Field, ...]:
        """List the columns of a class in the order of declaration, expressions last."""
        if mapper not in self.fields:
            infos = declared_fields(mapper.class_)
            declared = {attribute: index for index, attribute in enumerate(infos)}

            def place(prop: ColumnProperty[Any]) -> tuple[bool, int]:
                return prop.key not in declared and not is_column(prop), declared.get(prop.key, len(declared))

            props = sorted(columns_of(mapper), key=place)
            self.fields[mapper] = tuple(self._field(prop, infos.get(prop.key), mapper) for prop in props)
        return self.fields[mapper]

    def _field(self, prop: ColumnProperty[Any], info: Any, mapper: Mapper[Any]) -> Field:
        column = prop.columns[0]
        type_ = describe(column.type, self.dialect)
        if type_.kind == "bytes" and is_reflected(mapper):
            type_ = as_base64(type_)
        alias = (info.serialization_alias or info.alias) if info is not None else None
        comment = getattr(column, "doc", None) or getattr(column, "comment", None)
        return Field(
            name=alias or prop.key, attribute=prop.key, type=inside(type_, None if info is None else info.annotation),
            nullable=bool(column.nullable) if is_column(prop) else True,
            description=(info.description if info is not None else None) or comment,
        )  # fmt: skip

    # Relations

    def _relations(self, draft: _Draft) -> Iterator[Relation]:
        """Make the relations that a client can follow: to declared resources, and not hidden."""
        for prop in draft.mapper.relationships:
            if prop.mapper.class_ in self.drafts and prop.key not in draft.hidden.attributes:
                refuse_alias(prop)
                link = tuple(self._link(prop))
                unwritten = {field.name for field in link if column_reason(field, self.inexact)}
                yield replace(
                    self._relation(prop),
                    link=tuple(field for field in link if field.name not in unwritten),
                    unwritten=tuple(sorted(unwritten)),
                )

    def _relation(self, prop: RelationshipProperty[Any]) -> Relation:
        target = self._draft(prop.mapper).name
        return Relation(
            name=prop.key, attribute=prop.key, many=bool(prop.uselist), target=target, nullable=_may_be_missing(prop)
        )

    def _link(self, prop: RelationshipProperty[Any]) -> Iterator[Field]:
        """Find the columns of a link row that are not one of its two keys, as the class of the link table has them."""
        link = prop.secondary
        if not isinstance(link, sa.Table):
            return
        ends = {column for _, column in (*prop.synchronize_pairs, *(prop.secondary_synchronize_pairs or ()))}
        mapped = next((mapper for mapper in prop.parent.registry.mappers if mapper.local_table is link), None)
        if mapped is not None:
            hidden = self._draft(mapped).hidden.attributes
            shown = {
                mapped.column_attrs[field.attribute].columns[0]: field
                for field in self._columns(mapped)
                if field.attribute not in hidden
            }
        else:
            shown = {column: self._link_field(column) for column in link.c if not is_secret(column, column.key)}
        for column in link.c:
            if column in shown and column not in ends:
                yield replace(shown[column], attribute=column.key)

    def _link_field(self, column: Any) -> Field:
        return Field(
            name=column.key,
            attribute=column.key,
            nullable=bool(column.nullable),
            type=describe(column.type, self.dialect),
        )


def _own_docstring(model: type[Any]) -> str | None:
    """Answer what somebody wrote about a class, not what a dataclass writes about itself."""
    text = model.__dict__.get("__doc__")
    return inspect.cleandoc(text) if text and not text.startswith(f"{model.__name__}(") else None


def _may_be_missing(prop: RelationshipProperty[Any]) -> bool:
    """Say whether a relation to one can lead to none: unless a required foreign key, and nothing else, decides."""
    if prop.direction is not RelationshipDirection.MANYTOONE or prop.mapper.single or deletion_of(prop.mapper):
        return True
    conditions = sum(isinstance(part, sa.BinaryExpression) for part in visitors.iterate(prop.primaryjoin))
    required = all(
        isinstance(part, sa.Column) and not part.nullable and part.foreign_keys for part in prop.local_columns
    )
    return not required or conditions != len(prop.local_remote_pairs)
