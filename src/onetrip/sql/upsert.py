"""`Upsert` → what an INSERT does about a row that is there already, and how that row is answered with.

`ON CONFLICT` finds it by the columns of a unique key, and by the condition of the index where that is partial. A row
that was deleted softly is not met: it is neither changed nor answered with.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapper

from onetrip.plan.mutations import Insert, Upsert, WritePlan
from onetrip.sql.columns import assigned, column_of, next_version
from onetrip.sql.conditions import alive
from onetrip.sql.dialects.dialect import Clash, Dialect
from onetrip.sql.template import Template


def clash_of(plan: WritePlan, dialect: Dialect, insert: Any) -> Clash:
    """Say what becomes of a row that `insert` meets."""
    assert isinstance(plan.mutation, Insert) and plan.mutation.upsert is not None
    entity, upsert = plan.resource.entity, plan.mutation.upsert
    mapper: Mapper[Any] = sa.inspect(entity)
    where = predicate(upsert.constraint.where, dialect)
    columns = {part: column_of(part, mapper) for part in upsert.key}
    target = {"index_elements": list(columns.values()), "index_where": where}
    values = assigned(plan.mutation.assignments, mapper, dialect)
    same = [dialect.equal(part.type, column, values[column]) for part, column in columns.items()]
    existing = [*same, *([] if where is None else [where]), *alive(entity)]
    return Clash(target, existing, _change(plan, upsert, mapper, dialect, insert))


def _change(
    plan: WritePlan, upsert: Upsert, mapper: Mapper[Any], dialect: Dialect, insert: Any
) -> dict[str, Any] | None:
    if not upsert.changed:
        return None
    columns = [column_of(field, mapper) for field in upsert.changed]
    changed = {column: insert.excluded[column.name] for column in columns}
    changed |= assigned(upsert.generated, mapper, dialect)
    changed |= next_version(plan.resource.writes.version, mapper)
    for column in mapper.local_table.c:  # SQLAlchemy leaves them to who writes ON CONFLICT
        if column not in changed and column.onupdate is not None and column.onupdate.is_clause_element:
            changed[column] = column.onupdate.arg
    kept = list(alive(plan.resource.entity))
    return {"set_": changed, "where": kept[0] if kept else None}


def predicate(where: Any, dialect: Dialect) -> Any:
    """Write the condition of an index as the index has it: without placeholders, which would be another one."""
    if where is None:
        return None
    text = (
        where
        if isinstance(where, str)
        else str(
            where.compile(dialect=dialect.sqlalchemy, compile_kwargs={"literal_binds": True, "include_table": False})
        )
    )
    text = text.replace("%%", "%") if dialect.sqlalchemy.identifier_preparer._double_percents else text
    return Template(f"({text.replace('{', '{{').replace('}', '}}')})", type_=sa.Boolean())
