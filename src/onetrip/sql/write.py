"""`WritePlan` → `WriteStatement`: a mutation that answers with the row it leaves behind, written as a read writes it.

Never fails on user input: a plan that exists compiles.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Select
from sqlalchemy.orm import Mapper, aliased

from onetrip.plan.ir import Counted, Embedded, Selection, Shape
from onetrip.plan.mutations import Delete, Insert, Link, Unlink, Update, WritePlan
from onetrip.schema.model import Field, ResourceSchema
from onetrip.sql.bulk import are_few, are_found, found, in_order
from onetrip.sql.columns import assigned, column_of, first_version, increased, next_version
from onetrip.sql.conditions import alive, condition, gone
from onetrip.sql.dialects.clock import database_time
from onetrip.sql.dialects.dialect import Dialect, Render
from onetrip.sql.finish import finisher
from onetrip.sql.link import anchored, delete_link, insert_link, insert_under
from onetrip.sql.read import compiled
from onetrip.sql.shape import objects
from onetrip.sql.statement import VERSION, Chunk, Statement, WriteStatement, placeholder
from onetrip.sql.template import Template, quoted
from onetrip.sql.upsert import clash_of


def compile_write(plan: WritePlan, dialect: Dialect) -> WriteStatement:
    """Compile a write."""
    if isinstance(plan.mutation, Update | Delete) and plan.mutation.cap is not None:
        return _compile_bulk(plan, dialect)
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
    if whole is not None:
        return WriteStatement(compiled(whole, dialect, finish), again)
    if isinstance(plan.mutation, Insert) and plan.mutation.upsert is not None:
        insert = _mutation(plan, dialect)
        first, second = dialect.upserting(insert, clash_of(plan, dialect, insert), resource.entity, render)
        otherwise = None if second is None else compiled(second, dialect, finish)
        return WriteStatement(compiled(first, dialect, finish), again, each=many, otherwise=otherwise)
    one = dialect.returning(_mutation(plan, dialect), resource.entity, render, _linked(plan, dialect))
    single = compiled(one, dialect, finish)
    chunk = cache(lambda: _chunk(plan, dialect, render, single)) if many and not again else None
    return WriteStatement(single, again, each=many, chunk=chunk)


def _compile_bulk(plan: WritePlan, dialect: Dialect) -> WriteStatement:
    """Compile a change of many rows; the keys of those that are deleted are answered with in place of the rows."""
    entity, shape, keys = plan.resource.entity, plan.shape, found(plan, dialect)
    mutation = _mutation(plan, dialect, are_found(plan, keys))

    def identities(source: Any) -> Select[Any]:
        key = [(part.type, getattr(source, part.attribute)) for part in plan.resource.key]
        rows = sa.select().select_from(source).order_by(*(column for _, column in key))
        return dialect.objects(rows, [(str(number), dialect.write(*part)) for number, part in enumerate(key)])

    def rendered(source: Any) -> Select[Any]:
        if shape is None or plan.leads_back:
            return identities(source)
        return objects(Selection(shape=shape, order=in_order(plan)), dialect, source=source)

    finish = finisher(shape, dialect.sqlalchemy) if shape is not None and plan.python and not plan.leads_back else None
    whole = dialect.returning_many(mutation, entity, lambda source: [rendered(source)], are_few(plan, keys))
    if whole is not None:
        return WriteStatement(compiled(whole, dialect, finish), again=plan.leads_back)
    before = dialect.records(identities(aliased(entity, keys)))
    change = mutation.returning(sa.literal_column("1"))
    return WriteStatement(compiled(change, dialect), again=True, before=compiled(before, dialect))


def _mutation(plan: WritePlan, dialect: Dialect, where: Sequence[Any] = ()) -> Any:
    """Write the mutation; the rows that change are told by `where` in place of the plan's own conditions, if given."""
    mapper: Mapper[Any] = sa.inspect(plan.resource.entity)
    table: Any = mapper.local_table
    mutation, version = plan.mutation, plan.resource.writes.version
    if isinstance(mutation, Link):
        return insert_link(mutation, dialect)
    if isinstance(mutation, Unlink):
        return delete_link(mutation, dialect)
    if isinstance(mutation, Insert):
        values = assigned(mutation.assignments, mapper, dialect)
        values |= first_version(version, mapper, values)
        if mutation.anchor is not None:
            return insert_under(mutation.anchor, values or _any_default(plan, mapper), mapper, dialect)
        return dialect.insert(table).values(values)
    deleted = plan.resource.deleted if isinstance(mutation, Delete) else None
    change: Any = sa.delete(table) if isinstance(mutation, Delete) and deleted is None else sa.update(table)
    entity = plan.resource.entity
    where = where or [condition(part, entity, dialect) for part in mutation.where]
    restored = isinstance(mutation, Update) and mutation.restored
    change = change.where(*where, *(gone(entity) if restored else alive(entity)))
    if plan.conditional and version is not None:
        column = column_of(version, mapper)
        expected = dialect.parameter(placeholder(len(plan.parameters)), column.type)
        change = change.where(column == expected)
    if deleted is not None:
        change = change.values({column_of(deleted, mapper): database_time()} | next_version(version, mapper))
    if isinstance(mutation, Update):
        values = {column_of(field, mapper): default_of(column_of(field, mapper)) for field in mutation.reset}
        values |= assigned(mutation.assignments, mapper, dialect)
        values |= increased(mutation.increments, mapper, dialect)
        if restored and plan.resource.deleted is not None:
            values[column_of(plan.resource.deleted, mapper)] = sa.null()
        change = change.values(values | next_version(version, mapper))
    return change


def find_deleted(plan: WritePlan, dialect: Dialect) -> Statement:
    """Compile whether the row that a plan would restore was deleted: one row of `1`."""
    assert isinstance(plan.mutation, Update)
    entity = plan.resource.entity
    where = [condition(part, entity, dialect) for part in plan.mutation.where]
    return compiled(sa.select(sa.literal_column("1")).select_from(entity).where(*where, *gone(entity)), dialect)


def _any_default(plan: WritePlan, mapper: Mapper[Any]) -> dict[Any, Any]:
    """Set a column to its default, for a row without values: an INSERT from a SELECT names some column."""
    create = plan.resource.writes.create
    columns = [] if create is None else [column_of(field, mapper) for field in create.columns.values()]
    return {column: default_of(column) for column in columns[:1]}


def _linked(plan: WritePlan, dialect: Dialect) -> Callable[[Any], Any] | None:
    """Answer how the row that is made is linked, where one statement can do both."""
    link = plan.mutation.link if isinstance(plan.mutation, Insert) else None
    if link is None or not dialect.chains_writes():
        return None
    return lambda made: insert_link(link, dialect, made.c)


def _many(plan: WritePlan, dialect: Dialect, render: Render) -> Any:
    """Insert rows from lists, where the database can."""
    assert isinstance(plan.mutation, Insert)
    if plan.mutation.upsert is not None and not plan.mutation.upsert.changed:
        return None  # what is there already would be missing
    mapper: Mapper[Any] = sa.inspect(plan.resource.entity)
    columns = {column_of(item.field, mapper): placeholder(item.parameter) for item in plan.mutation.assignments}
    fixed = first_version(plan.resource.writes.version, mapper, columns)
    if plan.mutation.anchor is None:
        return dialect.insert_many(columns, fixed, plan.resource.entity, render, settle=_settled(plan, dialect))
    given, conditions = anchored(plan.mutation.anchor, mapper, dialect)
    return dialect.insert_many(columns, {**fixed, **given}, plan.resource.entity, render, conditions)


def _chunk(plan: WritePlan, dialect: Dialect, render: Render, single: Statement) -> Chunk | None:
    """Insert several rows by one statement, where the database numbers them and they are inserted one by one."""
    mutation, key = plan.mutation, plan.resource.key
    assert isinstance(mutation, Insert)
    mapper: Mapper[Any] = sa.inspect(plan.resource.entity)
    table: Any = mapper.local_table
    width, number = len(mutation.assignments), column_of(key[0], mapper)
    count = dialect.rows_at_once(width) if width else 0
    given = [item.field for item in mutation.assignments]
    numbered = len(key) == 1 and number is table._autoincrement_column and key[0] not in given
    if count < 2 or not numbered or mutation.anchor is not None:
        return None
    rows = []
    for row in range(count):
        own = [replace(item, parameter=item.parameter + row * width) for item in mutation.assignments]
        values = assigned(own, mapper, dialect)
        rows.append(values | first_version(plan.resource.writes.version, mapper, values))
    objects = next(iter(render(plan.resource.entity)[-1].inner_columns))
    insert = dialect.insert(table).values(rows).returning(dialect.joined([number, objects]).label("body"))
    whole = compiled(insert, dialect)
    numbers = [argument.parameter for argument in single.arguments]
    wanted = [None if each is None else each + row * width for row in range(count) for each in numbers]
    if None in wanted or [argument.parameter for argument in whole.arguments] != wanted:
        return None  # constants of the answer do not stand behind each row
    return Chunk(whole.text, count)


def _settled(plan: WritePlan, dialect: Dialect) -> Callable[[Any], Any]:
    """Answer how an INSERT of many rows is completed."""
    if isinstance(plan.mutation, Insert) and plan.mutation.upsert is not None:
        return lambda insert: clash_of(plan, dialect, insert).settle(insert)
    return lambda insert: insert


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
    plain = all(isinstance(column_of(field, mapper), sa.Column) for field in columns)
    return plain and not shape.loaded and not any(isinstance(item, Counted | Embedded) for item in shape.items)
