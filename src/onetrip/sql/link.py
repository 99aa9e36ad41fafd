"""Rows that refer to others: an INSERT that takes foreign keys from the rows that they lead to, and the end of a link.

So one statement finds out whether those rows are there: without them, nothing is inserted, and nothing returned.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapper

from onetrip.plan.ir import Comparison
from onetrip.plan.mutations import End, Link, Unlink
from onetrip.sql.columns import assigned, column_of
from onetrip.sql.conditions import alive, condition, rows_of
from onetrip.sql.dialects.dialect import Dialect
from onetrip.sql.statement import placeholder

Columns = Mapping[Any, Any]


def anchored(anchor: End, mapper: Mapper[Any], dialect: Dialect) -> tuple[Columns, Sequence[Any]]:
    """Find what the row of an anchor gives to those that refer to it, and which row it is."""
    row, _ = rows_of(anchor.entity)
    conditions = [*_is(anchor.where, row, dialect), *alive(row)]
    return {column_of(field, mapper): getattr(row, part.attribute) for field, part in anchor.pairs}, conditions


def insert_under(anchor: End, columns: Columns, mapper: Mapper[Any], dialect: Dialect) -> Any:
    """`INSERT … SELECT … FROM` the anchor."""
    row, rows = rows_of(anchor.entity)
    given = {column_of(field, mapper): getattr(row, part.attribute) for field, part in anchor.pairs}
    chosen = rows.add_columns(*columns.values(), *given.values()).where(*_is(anchor.where, row, dialect))
    names = [column.key for column in (*columns, *given)]
    table: Any = mapper.local_table
    return dialect.insert(table).from_select(names, chosen, include_defaults=False)


def insert_link(link: Link, dialect: Dialect, made: Any = None) -> Any:
    """Insert a link row; `made` are the columns of the row at its far end, if that was just made."""
    mapper: Mapper[Any] = sa.inspect(link.rows.entity)
    near, far = link.ends
    columns, conditions = anchored(near, mapper, dialect)
    if made is None:
        others, further = anchored(far, mapper, dialect)
    else:
        ends: Mapper[Any] = sa.inspect(far.entity)
        others = {column_of(field, mapper): made[column_of(part, ends).key] for field, part in far.pairs}
        further = ()
    values = {**columns, **others, **assigned(link.assignments, mapper, dialect)}
    chosen = sa.select(*values.values()).where(*conditions, *further)
    table: Any = mapper.local_table
    insert = dialect.insert(table)
    insert = insert.from_select([column.key for column in values], chosen, include_defaults=False)
    if not link.kept:
        return insert
    keys = [*columns, *others]
    # A link that stays as it is has a column set to what it is: DO NOTHING would return nothing, as if there were none.
    changed = {column: insert.excluded[column.key] for column in (column_of(field, mapper) for field in link.changed)}
    changed |= assigned(link.updated, mapper, dialect)
    return insert.on_conflict_do_update(index_elements=keys, set_=changed or {keys[0]: insert.excluded[keys[0].key]})


def delete_link(unlink: Unlink, dialect: Dialect) -> Any:
    """Delete the row that links two others; one that was deleted softly is linked to nothing."""
    mapper: Mapper[Any] = sa.inspect(unlink.rows.entity)
    table: Any = mapper.local_table
    delete = sa.delete(table)
    for end in unlink.ends:
        numbers = {part.field.attribute: part.parameters[0] for part in end.where}
        for field, part in end.pairs:
            column = column_of(field, mapper)
            value = dialect.parameter(placeholder(numbers[part.attribute]), column.type)
            delete = delete.where(dialect.equal(part.type, column, value))
        row, rows = rows_of(end.entity)
        if rows.whereclause is not None:
            found = rows.add_columns(sa.literal_column("1"))
            delete = delete.where(found.where(*_is(end.where, row, dialect)).exists())
    return delete


def _is(where: Sequence[Comparison], row: Any, dialect: Dialect) -> list[Any]:
    return [condition(part, row, dialect) for part in where]
