"""Declared classes → configured mappers, or a refusal that names the class, the reason and the remedy.

SQLAlchemy configures all classes of a registry together, and then one broken relationship breaks every one of them with
a message about internals. Here the broken one is found and explained. Nothing is derived here.
"""

import re
import traceback
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import AmbiguousForeignKeysError, NoForeignKeysError, NoReferenceError, SQLAlchemyError
from sqlalchemy.orm import ColumnProperty, Mapper, RelationshipProperty
from sqlmodel import SQLModel

from onetrip.errors import ConfigurationError, nearest
from onetrip.schema import naming

REFLECTED = "onetrip_reflected"
"""What `Table.info` holds of a table that was read from a database, and that nobody declared."""


def is_reflected(mapper: Mapper[Any]) -> bool:
    """Say whether a class was made from what a database says, so that its names are nobody's choice."""
    return bool(getattr(mapper.local_table, "info", {}).get(REFLECTED))


def columns_of(mapper: Mapper[Any]) -> list[ColumnProperty[Any]]:
    """List the columns and expressions of a class that have a value of their own.

    Not a `query_expression`, which waits for a query, nor a discriminator that SQLAlchemy adds.
    """
    return [
        prop
        for prop in mapper.column_attrs
        if ("query_expression", True) not in prop.strategy_key and not prop.key.startswith("_sa_")
    ]


def is_column(prop: ColumnProperty[Any]) -> bool:
    """Say whether an attribute is a column of a table, and not an expression."""
    return isinstance(prop.columns[0], sa.Column)


def mapper_of(model: Any) -> Mapper[Any]:
    """Find the mapper of a declared class. Raises `ConfigurationError` for whatever is not mapped to a table."""
    if not isinstance(model, type):
        raise ConfigurationError(_not_a_class(model))
    name = model.__name__
    tables = [base.__name__ for base in model.__mro__[1:] if _is_table(base)]
    if _is_table(model) and tables:
        raise ConfigurationError(
            f"{name} inherits from the table {tables[0]}, which SQLModel cannot map. "
            f"Move the fields that they share to a class without table=True, and inherit both from that."
        )
    mapper: Any = sa.inspect(model, raiseerr=False)
    if not isinstance(mapper, Mapper):
        remedy = "Add table=True" if issubclass(model, SQLModel) else "Map it to a table"
        raise ConfigurationError(f"{name} is not a table. {remedy}, or leave it out of the API.")
    return mapper


def configure(mappers: Iterable[Mapper[Any]]) -> None:
    """Configure the relationships of mappers and of everything that they lead to.

    Raises `ConfigurationError` that names the broken relationship. Registries that are not served stay out of it.
    """
    for registry in dict.fromkeys(mapper.registry for mapper in mappers):
        try:
            registry.configure(cascade=True)
        except Exception as error:  # expressions in strings are evaluated as Python here, so that anything may come
            raise ConfigurationError(_explained(error)) from error


def _is_table(model: Any) -> bool:
    return issubclass(model, SQLModel) and model.model_config.get("table") is True


def _not_a_class(given: Any) -> str:
    if isinstance(given, str):
        return f"'{given}' is a string: give the class itself."
    if isinstance(given, list | tuple | set):
        return "An API takes classes one by one: API(User, Post), or API(*tables)."
    if isinstance(given, sa.Table):
        return f"'{given.name}' is a Table: map a class to it, and give the class."
    if isinstance(sa.inspect(given, raiseerr=False), sa.orm.InstanceState):
        return f"A {type(given).__name__} is one row: give the class {type(given).__name__}."
    return f"{given!r} is not a class: give a SQLModel table or a SQLAlchemy declarative class."


# Broken relationships


def _explained(error: BaseException) -> str:
    """Say what is wrong with which relationship, and how to write it."""
    original: BaseException = getattr(error, "_configure_failed", error)  # every use after the first failure wraps it
    broken = _broken(original)
    if broken is None:
        return f"The tables cannot be mapped: {_sentence(original)}"
    return f"{broken.parent.class_.__name__}.{broken.key}: {_reason(broken, original)}"


def _broken(error: BaseException) -> RelationshipProperty[Any] | None:
    """Find the relationship that was being set up when it happened."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    found = (frame.f_locals.get("self") for frame in reversed(frames))
    return next((prop for prop in found if isinstance(prop, RelationshipProperty)), None)


def _reason(broken: RelationshipProperty[Any], error: BaseException) -> str:
    if expression := re.search(r"expression '(.*?)' failed to locate a name", str(error)):
        return _unknown_name(broken, expression[1])
    if "generic class as the argument" in str(error):
        return (
            f"its annotation {broken.argument} is a string. SQLModel cannot read those: leave out "
            "'from __future__ import annotations' in that module, and quote only the class, as in list[\"Post\"]."
        )
    target: Any = broken.__dict__.get("entity")  # not set yet if that is what failed; the attribute would fail again
    tables = [mapper.local_table for mapper in (broken.parent, target) if mapper is not None]
    if wrong := next(_dangling(tables), None):
        return wrong
    if isinstance(error, NoForeignKeysError):
        return _without_foreign_key(broken, target)
    if isinstance(error, AmbiguousForeignKeysError):
        return _ambiguous(broken, target)
    back = broken.back_populates
    if target is not None and back and not target.has_property(back):
        hint = nearest(back, target.all_orm_descriptors.keys()) or "Name the relationship that leads back."
        return f"back_populates names '{back}', which {target.class_.__name__} does not have. {hint}"
    if isinstance(error, SQLAlchemyError):
        return _sentence(error)
    return f"an expression in it cannot be read: {_sentence(error)} Write it as in 'Post.author_id == User.id'."


def _unknown_name(broken: RelationshipProperty[Any], name: str) -> str:
    if "|" in name:
        other = name.partition("|")[0].strip()
        return f'SQLModel cannot read the annotation "{name}". Write Optional["{other}"].'
    known = [name for name in broken.parent.registry._class_registry if not name.startswith("_sa_")]
    known += broken.parent.registry.metadata.tables
    hint = nearest(name, known) or "Is table=True missing, or the module not imported before the API is made?"
    return f"there is no table or table class called '{name}'. {hint}"


def _dangling(tables: Sequence[Any]) -> Iterator[str]:
    """Find foreign keys that lead nowhere."""
    for key in (key for table in tables for key in table.foreign_keys):
        try:
            key.column  # noqa: B018 - resolves the reference
        except NoReferenceError:
            referred, _, column = key.target_fullname.rpartition(".")
            known = key.parent.table.metadata.tables
            fact = f"{key.parent.table.name}.{key.parent.name} refers to '{key.target_fullname}', "
            if referred in known:
                hint = nearest(column, known[referred].c.keys()) or f"It has: {', '.join(known[referred].c.keys())}."
                yield f"{fact}and '{referred}' has no such column. {hint}"
            else:
                hint = nearest(referred, list(known)) or "Import its module before the API is made."
                yield f"{fact}and there is no such table. {hint}"


def _without_foreign_key(broken: RelationshipProperty[Any], target: Mapper[Any]) -> str:
    child, parent = (broken.parent, target) if broken.uselist is False else (target, broken.parent)
    key = f"{parent.local_table}.{parent.primary_key[0].name}"
    column = f"{naming.snake(parent.class_.__name__)}_id"
    if _is_table(broken.parent.class_):
        example, link = f"{column}: int = Field(foreign_key='{key}')", "link_model="
    else:
        example, link = f"{column}: Mapped[int] = mapped_column(ForeignKey('{key}'))", "secondary="
    return (
        f"no foreign key joins the tables '{broken.parent.local_table}' and '{target.local_table}'. Add one to "
        f"{child.class_.__name__}, {example}, or {link} to the relationship if there are many on both sides."
    )


def _ambiguous(broken: RelationshipProperty[Any], target: Mapper[Any]) -> str:
    tables = (broken.parent.local_table, target.local_table)
    keys = [key.parent for table in tables for key in table.foreign_keys if key.column.table in tables]
    first, *_ = keys = sorted(set(keys), key=str)
    child = next(mapper for mapper in (broken.parent, target) if mapper.local_table is first.table)
    example = f"{child.class_.__name__}.{child.get_property_by_column(first).key}"
    sqlmodel = _is_table(broken.parent.class_)
    remedy = f"sa_relationship_kwargs={{'foreign_keys': '{example}'}}" if sqlmodel else f"foreign_keys='{example}'"
    columns = ", ".join(map(str, keys))
    return f"several foreign keys join its two tables: {columns}. Say which on both sides: {remedy}."


def _sentence(error: BaseException) -> str:
    text = " ".join(str(error).partition("(Background on this error")[0].split())
    return f"{text.rstrip('.')}."
