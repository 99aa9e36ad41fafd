"""What can be changed through a relation to many: rows made under their parent, and the links of many-to-many.

A path may set no more than a body may: where a client cannot set a foreign key, none is set for it. What only the ORM
could do to link rows (hooks, listeners, soft deletion) is left to the resource of the link rows.
"""

import types
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel, GetJsonSchemaHandler
from sqlalchemy.orm import Mapper, RelationshipDirection, RelationshipProperty, registry
from sqlalchemy.sql import visitors

from onetrip.schema import naming
from onetrip.schema.model import Body, Pairs, Relation, ResourceSchema, Through

Describe = Callable[[RelationshipProperty[Any]], ResourceSchema]
"""Describes the link rows of a many-to-many relation as a resource of their own."""


def changes(resources: Mapping[str, ResourceSchema], describe: Describe) -> dict[Relation, Through]:
    """Find what can be changed through the relations of all resources."""
    found = {}
    for resource in resources.values():
        for relation in resource.relations.values():
            prop: RelationshipProperty[Any] = sa.inspect(resource.entity).relationships[relation.attribute]
            if relation.many and is_plain(prop):
                target = resources[relation.target]
                if prop.direction is RelationshipDirection.ONETOMANY:
                    change = _children(resource, relation, target, prop)
                else:
                    change = _links(resource, relation, target, prop, describe)
                if change is not None:
                    found[relation] = change
    return found


def link_mapper(prop: RelationshipProperty[Any]) -> Mapper[Any]:
    """Find the class of the link table of a relation; one is made for a table without a class."""
    table: Any = prop.secondary
    mapped = next((mapper for mapper in prop.parent.registry.mappers if mapper.local_table is table), None)
    if mapped is not None:
        return mapped
    key = list(table.primary_key) or [column for _, column in _ends(prop)]
    made: Mapper[Any] = registry().map_imperatively(type(camel(table.name), (), {}), table, primary_key=key)
    made.registry.configure()
    return made


def _children(
    resource: ResourceSchema, relation: Relation, target: ResourceSchema, prop: RelationshipProperty[Any]
) -> Through | None:
    near = pairs_of(prop.synchronize_pairs, resource, target.entity, target.writes.create)
    if not near or target.writes.create is None:
        return None
    name = f"{resource.title}{camel(relation.name)}Create"
    create = _without(target.writes.create, name, {column.attribute for column, _ in near})
    return None if create is None else Through(create=create, near=near)


def _links(
    resource: ResourceSchema, relation: Relation, target: ResourceSchema, prop: RelationshipProperty[Any],
    describe: Describe,
) -> Through | None:  # fmt: skip
    if not isinstance(prop.secondary, sa.Table) or resource.writes.update is None:
        return None
    rows = describe(prop)
    taken, writes = rows.writes.create, rows.writes
    if taken is None or writes.unit_of_work or writes.version is not None or rows.deleted is not None:
        return None
    near = pairs_of(prop.synchronize_pairs, resource, rows.entity, taken)
    far = pairs_of(prop.secondary_synchronize_pairs or (), target, rows.entity, taken)
    ends = {column.attribute for column, _ in (*near, *far)}
    if not near or not far or len(ends) != len(near) + len(far) or not _is_unique(rows, prop):
        return None
    link = _without(taken, f"{resource.title}{camel(relation.name)}Link", ends)
    if link is None:
        return None
    create = target.writes.create
    if link.is_required or create is None or not create.columns:
        create = None
    return Through(create=create, near=near, far=far, rows=rows, link=link)


# Keys


def is_plain(prop: RelationshipProperty[Any]) -> bool:
    """Say whether a relation is nothing but foreign keys, and not for reading only."""
    joins = [(prop.primaryjoin, prop.synchronize_pairs)]
    if prop.secondaryjoin is not None:
        joins.append((prop.secondaryjoin, prop.secondary_synchronize_pairs or []))
    return not prop.viewonly and all(
        sum(isinstance(part, sa.BinaryExpression) for part in visitors.iterate(join)) == len(pairs)
        for join, pairs in joins
    )


def pairs_of(pairs: Iterable[tuple[Any, Any]], resource: ResourceSchema, entity: type[Any], body: Body | None) -> Pairs:
    """Pair columns that a body sets with the parts of a key that they refer to; nothing if not all are such."""
    if body is None:
        return ()
    referred, referring = sa.inspect(resource.entity), sa.inspect(entity)
    parts = {part.attribute: part for part in resource.key}
    settable = {column.attribute: column for column in body.columns.values()}
    found = []
    for key, column in pairs:
        part = parts.get(referred.get_property_by_column(key).key)
        field = settable.get(referring.get_property_by_column(column).key)
        if part is None or field is None:
            return ()
        found.append((field, part))
    return tuple(found) if len(found) == len(parts) else ()


def _ends(prop: RelationshipProperty[Any]) -> list[tuple[Any, Any]]:
    return [*prop.synchronize_pairs, *(prop.secondary_synchronize_pairs or ())]


def _is_unique(rows: ResourceSchema, prop: RelationshipProperty[Any]) -> bool:
    """Say whether the database holds two rows to be linked once."""
    ends = {column.name for _, column in _ends(prop)}
    return any(
        {*rule.columns} == ends and rule.where is None and not rule.deferrable
        for rule in rows.writes.constraints
        if rule.kind in ("primary_key", "unique")
    )


# Bodies


def _without(body: Body, name: str, attributes: Collection[str]) -> Body | None:
    """Make the body that a client sends where the path gives some columns; `None` if they are in no place of it.

    The model still takes them: they are put in, so that its validators see a whole row. OpenAPI does not show them.
    """
    given = {}
    for field, column in body.columns.items():
        alias = body.model.model_fields[field].validation_alias or field
        if column.attribute in attributes and isinstance(alias, str):
            given[alias] = column
    if len(given) != len(attributes):
        return None

    def describe(cls: Any, schema: Any, handler: GetJsonSchemaHandler) -> Any:
        described = handler(schema)
        shown = handler.resolve_ref_schema(described)
        for key in given:
            shown.get("properties", {}).pop(key, None)
        if required := [key for key in shown.pop("required", ()) if key not in given]:
            shown["required"] = required
        return described

    model: type[BaseModel] = body.model
    namespace = {
        "__get_pydantic_json_schema__": classmethod(describe),
        "__module__": model.__module__,
        "__doc__": model.__doc__,
    }
    made = types.new_class(name, (model,), {}, lambda made: made.update(namespace))
    return Body(model=made, columns=body.columns, extra=body.extra, given=given)


def camel(name: str) -> str:
    """Write a name as a part of the name of a class."""
    return "".join(word.capitalize() for word in naming.words(name))
