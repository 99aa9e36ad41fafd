"""`WritePlan` → `WriteStatement`: a mutation that answers with the row it leaves behind, written as a read writes it.

Never fails on user input: a plan that exists compiles.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Select
from sqlalchemy.orm import Mapper

from onetrip.plan.ir import Delete, Embedded, Insert, Selection, Shape, Update, WritePlan
from onetrip.schema.model import Field, ResourceSchema
from onetrip.sql.conditions import alive, condition
from onetrip.sql.dialects.clock import database_time
from onetrip.sql.dialects.dialect import Dialect, Render
from onetrip.sql.finish import finisher
from onetrip.sql.read import compiled
from onetrip.sql.shape import objects
from onetrip.sql.statement import VERSION, WriteStatement, placeholder
from onetrip.sql.template import Template, quoted


def compile_write(plan: WritePlan, dialect: Dialect) -> WriteStatement:
    """Compile a write."""
    if plan.shape is None:
        return WriteStatement(compiled(_mutation(plan, dialect).returning(sa.literal_column("1")), dialect))
    shape, resource = plan.shape, plan.resource
    again = plan.leads_back or not (dialect.returns_embeds() or _is_flat(shape, resource.entity))
    many = isinstance(plan.mutation, Insert) and plan.mutation.many

    def render(entity: Any) -> Sequence[Select[Any]]:
        identity = sa.select(dialect.inline(_identity(resource, entity, dialect)).label("json")).select_from(entity)
        return [identity] if again else [identity, objects(Selection(shape=shape), dialect, source=entity)]

    finish = finisher(shape, dialect.sqlalchemy) if plan.python and not again else None
    whole = _many(plan, dialect, lambda entity: render(entity)[-1:]) if many else None
    one = dialect.returning(_mutation(plan, dialect), resource.entity, render) if whole is None else None
    return WriteStatement(
        compiled(one if whole is None else whole, dialect, finish), again, each=many and whole is None
    )


def _mutation(plan: WritePlan, dialect: Dialect) -> Any:
    mapper: Mapper[Any] = sa.inspect(plan.resource.entity)
    table: Any = mapper.local_table
    mutation, version = plan.mutation, plan.resource.writes.version
    if isinstance(mutation, Insert):
        values = _values(mutation.assignments, mapper, dialect)
        return dialect.insert(table).values(values | _first_version(version, mapper, values))
    deleted = plan.resource.deleted if isinstance(mutation, Delete) else None
    change: Any = sa.delete(table) if isinstance(mutation, Delete) and deleted is None else sa.update(table)
    entity = plan.resource.entity
    change = change.where(*(condition(part, entity, dialect) for part in mutation.where), *alive(entity))
    if plan.conditional and version is not None:
        column = _column(version, mapper)
        expected = dialect.parameter(placeholder(len(plan.parameters)), column.type)
        change = change.where(column == expected)
    if deleted is not None:
        change = change.values({_column(deleted, mapper): database_time()} | _next_version(version, mapper))
    if isinstance(mutation, Update):
        values = {_column(field, mapper): default_of(_column(field, mapper)) for field in mutation.reset}
        values |= _values(mutation.assignments, mapper, dialect)
        change = change.values(values | _next_version(version, mapper))
    return change


def _next_version(version: Field | None, mapper: Mapper[Any]) -> dict[Any, Any]:
    column = None if version is None else _column(version, mapper)
    return {} if column is None else {column: column + sa.literal_column("1")}


def _many(plan: WritePlan, dialect: Dialect, render: Render) -> Any:
    """Insert rows from lists, where the database can."""
    assert isinstance(plan.mutation, Insert)
    mapper: Mapper[Any] = sa.inspect(plan.resource.entity)
    columns = {_column(item.field, mapper): placeholder(item.parameter) for item in plan.mutation.assignments}
    fixed = _first_version(plan.resource.writes.version, mapper, columns)
    return dialect.insert_many(columns, fixed, plan.resource.entity, render)


def _values(assignments: Any, mapper: Mapper[Any], dialect: Dialect) -> dict[Any, Any]:
    columns = [(_column(item.field, mapper), placeholder(item.parameter)) for item in assignments]
    return {column: dialect.parameter(name, column.type) for column, name in columns}


def _first_version(version: Field | None, mapper: Mapper[Any], given: Any) -> dict[Any, Any]:
    """Begin to count at one, as SQLAlchemy does."""
    if version is None or (column := _column(version, mapper)) in given:
        return {}
    return {column: sa.literal_column("1", column.type)}


def _column(field: Field, mapper: Mapper[Any]) -> Any:
    return mapper.column_attrs[field.attribute].columns[0]


def default_of(column: Any) -> Any:
    """Write what a column is by default; SQLite has no `SET … = DEFAULT`."""
    default = None if column.server_default is None else getattr(column.server_default, "arg", None)
    if isinstance(default, str):
        return Template(quoted(default), type_=column.type)
    return sa.null() if default is None else default


def _identity(resource: ResourceSchema, entity: Any, dialect: Dialect) -> list[tuple[str, Any]]:
    """Write the key of a row, and its version."""
    named = [(str(number), field) for number, field in enumerate(resource.key)]
    if resource.writes.version is not None:
        named.append((VERSION, resource.writes.version))
    return [(name, dialect.write(field.type, getattr(entity, field.attribute))) for name, field in named]


def _is_flat(shape: Shape, entity: type[Any]) -> bool:
    """Say whether a shape holds nothing but columns of its own table."""
    mapper: Mapper[Any] = sa.inspect(entity)
    shown = [item for item in shape.items if isinstance(item, Field)] if shape.view.python is None else []
    columns = shape.view.columns if shape.view.python is not None else shown
    plain = all(isinstance(_column(field, mapper), sa.Column) for field in columns)
    return plain and not shape.loaded and not any(isinstance(item, Embedded) for item in shape.items)
