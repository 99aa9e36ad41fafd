"""Shapes → JSON objects: the one place where rows become JSON, embeds included."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Select
from sqlalchemy.sql import visitors

from onetrip.plan.ir import Counted, Embedded, Selection, Shape, Windowed
from onetrip.schema.model import LINK, Computed, Field, Relation
from onetrip.sql.conditions import amount, condition, joined, links, ordering, ranked, rows_of
from onetrip.sql.dialects.dialect import Dialect
from onetrip.sql.keyset import behind, position
from onetrip.sql.statement import EMBED


class Parent(NamedTuple):
    """The (aliased) row whose relation is followed."""

    entity: Any
    relation: Relation


class Members(NamedTuple):
    """The rows that a selection is taken from, whichever page of them; `link` says how they hang on a parent."""

    entity: Any
    rows: Select[Any]
    link: Any = None
    rank: Sequence[Any] = ()


def members(
    selection: Selection, dialect: Dialect, parent: Parent | None = None, source: Any | None = None,
    where: Sequence[Any] = (),
) -> Members:  # fmt: skip
    """Select from the rows that a selection is taken from; a parent is correlated.

    Rows are those of the table, or of `source`, an entity that stands for rows which were just written. `where` are
    conditions that are SQL already.
    """
    if source is None:
        entity, rows = rows_of(selection.shape.view.entity, selection.where)
    else:
        entity, rows = source, sa.select().select_from(source)
    link = None
    if parent is not None:
        link = joined(parent.entity, parent.relation.attribute, entity)
        rows = rows.where(link).correlate(parent.entity)
    conditions = (predicate for predicate in selection.where if predicate is not selection.rank)
    rows = rows.where(*where, *(condition(predicate, entity, dialect) for predicate in conditions))
    if selection.rank is None:
        return Members(entity, rows, link)
    rows, rank = ranked(selection.rank, rows, entity, dialect)
    return Members(entity, rows, link, (rank,))


def objects(
    selection: Selection, dialect: Dialect, parent: Parent | None = None, source: Any | None = None,
    where: Sequence[Any] = (), *, positions: bool = False,
) -> Select[Any]:  # fmt: skip
    """Compile a selection to one JSON object a row, in the column `json`, and its position in another, if wanted.

    The other arguments are those of `members`.
    """
    entity, rows, link, rank = members(selection, dialect, parent, source, where)
    if selection.keyset is not None:
        rows = rows.where(behind(selection.keyset, selection.order, entity, dialect))
    rows = rows.order_by(*rank, *ordering(selection.order, entity, dialect))
    if selection.limit is not None:
        rows = rows.limit(amount(selection.limit, 0 if selection.exactly else 1))
    if selection.offset is not None and selection.offset.value != 0:
        rows = rows.offset(amount(selection.offset))
    if selection.cap is not None:
        rows = rows.limit(sa.literal_column(str(int(selection.cap))))
    linked = [] if parent is None else _link(parent, link, entity, dialect)
    if not linked and _is_page(selection) and (read := _read(selection, entity, positions)):
        sorts = selection.rank is not None or len(selection.order) > len(sa.inspect(entity).mapper.primary_key)
        entity, rows = dialect.found(entity, rows, read, sorts=sorts)
    place = position(selection.order, entity, dialect) if positions else None
    return dialect.objects(rows, _items(selection.shape, entity, dialect, rank) + linked, place)


def _is_page(selection: Selection) -> bool:
    """Say whether rows have an order or an end, and objects are written of one row each."""
    ends = selection.order or selection.rank or selection.limit is not None or selection.cap is not None
    return bool(ends) and not any(isinstance(item, Windowed) for item in selection.shape.items)


def _read(selection: Selection, entity: Any, positions: bool) -> list[Any]:
    """List the columns of a row that are read for its object; others may be forbidden to the user of the database."""
    shape = selection.shape
    fields = shape.view.columns if shape.view.python is not None else shape.items
    attributes = [item.attribute for item in fields if isinstance(item, Field)]
    ways: list[tuple[Relation, Any]] = []
    for item in (*shape.items, *shape.loaded):
        if isinstance(item, Counted):
            ways.append((item.relation, item.entity))
        elif isinstance(item, Embedded):
            ways.append((item.relation, item.selection.shape.view.entity))
    for key in selection.order if positions else ():
        if key.path:
            ways.append((key.path[0].relation, key.path[0].entity))
        else:
            attributes.append(key.field.attribute)
    parts = [getattr(entity, attribute) for attribute in attributes]
    parts += [joined(entity, relation.attribute, rows_of(target)[0]) for relation, target in ways]
    table = sa.inspect(entity).selectable
    columns = (column for part in parts for column in visitors.iterate(sa.select(part)))
    names = {column.key for column in columns if isinstance(column, sa.ColumnClause) and column.table == table}
    return [column for column in table.c if column.key in names]


def _items(shape: Shape, entity: Any, dialect: Dialect, rank: Sequence[Any]) -> list[tuple[str, Any]]:
    """Name and expression of everything in the object. Python gets the whole row instead, by attribute.

    `rank` is what the rows are ordered by before anything else.
    """
    if shape.view.python is None:
        items = [item for item in shape.items if not isinstance(item, Computed)]
        return [(item.name, _written(item, entity, dialect, rank)) for item in items]
    whole = [
        (field.attribute, dialect.carry(field.type, getattr(entity, field.attribute))) for field in shape.view.columns
    ]
    beside = [item for item in (*shape.items, *shape.loaded) if not isinstance(item, Field | Computed)]
    return whole + [(EMBED + item.name, _written(item, entity, dialect, rank)) for item in beside]


def _written(item: Field | Counted | Windowed | Embedded, entity: Any, dialect: Dialect, rank: Sequence[Any]) -> Any:
    """Write what stands under one name."""
    match item:
        case Field():
            return dialect.write(item.type, getattr(entity, item.attribute))
        case Embedded():
            inner = objects(item.selection, dialect, Parent(entity, item.relation))
            return dialect.array(inner) if item.relation.many else dialect.one(inner)
        case Counted():
            row, rows = rows_of(item.entity)
            rows = rows.where(joined(entity, item.relation.attribute, row)).correlate(entity)
            return rows.add_columns(sa.func.count()).scalar_subquery()
        case Windowed():
            keys = [*rank, *ordering(item.order, entity, dialect)]
            if item.field is None:
                return sa.func.rank().over(order_by=keys)
            column = getattr(entity, item.field.attribute)
            return dialect.write(item.type, dialect.groups.running(item.field.type, column, keys))


def _link(parent: Parent, join: Any, entity: Any, dialect: Dialect) -> list[tuple[str, Any]]:
    """Write the columns of the link row that was joined, as an object of their own."""
    if not parent.relation.link:
        return []
    names = {field.attribute for field in parent.relation.link}
    table = next(table for table in links(join, parent.entity, entity) if names <= set(table.c.keys()))
    columns = [(field.name, dialect.write(field.type, table.c[field.attribute])) for field in parent.relation.link]
    return [(LINK, dialect.inline(columns))]
