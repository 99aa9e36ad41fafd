"""What is refused of classes that are mapped well enough: each check says the place, the fact and the remedy.

Broken relationships are `mappers`' to explain, hand-written schemas `written`'s.
"""

from collections.abc import Container, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import NoReferenceError
from sqlalchemy.orm import Mapper, RelationshipProperty

from onetrip.errors import ConfigurationError
from onetrip.schema.mappers import columns_of, is_column
from onetrip.schema.marks import deletion_column
from onetrip.schema.model import LINK, Relation, ResourceSchema, Schema, View


def refuse_clashes(model: type[Any], view: View, relations: Mapping[str, Relation]) -> None:
    """Refuse two things of one name in an answer."""
    names = [item.name for item in view.items]
    always = {nested.name for nested in view.nested}
    twice = {name for name in names if names.count(name) > 1} | (set(names) & set(relations) - always)
    if twice:
        raise ConfigurationError(
            f"{model.__name__}: '{min(twice)}' would stand twice in an answer. Give the column another alias, or leave "
            f"out a relation of that name: Resource({model.__name__}, hidden=['{min(twice)}'])."
        )


def refuse_history_clash(resource: ResourceSchema) -> None:
    """Refuse a relation that stands where the history of a row is read."""
    if "history" in resource.relations:
        raise ConfigurationError(
            f"{resource.title} has a relation 'history', and its history is to be kept: both would be read at "
            f"/{resource.name}/…/history. Give the relation another name, or leave one of them out."
        )


def refuse_half_unique(mapper: Mapper[Any]) -> None:
    """Refuse a foreign key to what is unique among the rows that were not deleted: no database admits one."""
    for key in (key for table in mapper.tables if isinstance(table, sa.Table) for key in table.foreign_key_constraints):
        try:
            referred, columns = key.referred_table, {part.column for part in key.elements}
        except NoReferenceError:  # to a table that nobody declared
            continue
        rules = [
            rule for rule in referred.constraints if isinstance(rule, sa.PrimaryKeyConstraint | sa.UniqueConstraint)
        ]
        if deletion_column(referred.c) is not None and all(columns != set(rule.columns) for rule in rules):
            names = ", ".join(sorted(map(str, columns)))
            raise ConfigurationError(
                f"{key.table.name}.{', '.join(key.column_keys)} refers to {names}, unique only among rows that "
                "were not deleted. Refer to the primary key."
            )


def refuse_untyped(mapper: Mapper[Any], shown: Container[str]) -> None:
    """Refuse an expression of which nobody said what it is: the two databases would write it differently."""
    for prop in columns_of(mapper):
        if prop.key in shown and not is_column(prop) and isinstance(prop.columns[0].type, sa.types.NullType):
            raise ConfigurationError(
                f"{mapper.class_.__name__}.{prop.key} is an expression whose type SQLAlchemy does not know. Say it: "
                f"func.upper(…, type_=String), or type_coerce(…, String)."
            )


def refuse_alias(prop: RelationshipProperty[Any]) -> None:
    """Refuse a relationship to a selection of rows, of which only the class would be seen."""
    if prop.entity.is_aliased_class:
        name = prop.parent.class_.__name__
        raise ConfigurationError(
            f"{name}.{prop.key} leads to an alias, which is not followed. Say which rows with a primaryjoin, or leave "
            f"the relation out: Resource({name}, hidden=['{prop.key}'])."
        )


def refuse_unfillable(view: View) -> None:
    """Refuse a relation that cannot be loaded into an instance, where Python needs it there."""
    for nested in (*view.nested, *view.read):
        prop = sa.inspect(view.entity).relationships[nested.relation.attribute]
        if view.python and prop.lazy in ("dynamic", "write_only"):
            raise ConfigurationError(
                f"{view.model.__name__} shows '{prop.key}', which {view.entity.__name__} declares as "
                f"lazy='{prop.lazy}', and is written in Python, because {view.python}. Declare it without lazy=."
            )
        refuse_unfillable(nested.view)


def refuse_link_clashes(schema: Schema) -> None:
    """Refuse a column that is called as the columns of a link row are, where there are such."""
    for resource in schema.resources.values():
        for relation in resource.relations.values():
            target = schema.resources[relation.target]
            if relation.link and any(item.name == LINK for item in target.view.items):
                raise ConfigurationError(
                    f"{target.title}: '{LINK}' is where '{relation.name}' of {resource.title} shows the columns of the "
                    "link row. Give the column an alias."
                )
