"""The INSERT of rows of a file that may be there already: what it does about those.

Values are the arguments of an executemany, so there are no placeholders of a plan here.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapper

from onetrip.plan.mutations import Upsert
from onetrip.schema.model import ResourceSchema
from onetrip.sql.columns import column_of, next_version
from onetrip.sql.conditions import alive
from onetrip.sql.dialects.dialect import Dialect
from onetrip.sql.upsert import predicate


def upserting(resource: ResourceSchema, upsert: Upsert, dialect: Dialect) -> Any:
    """Begin an INSERT that changes the row it meets, or leaves it as it is."""
    mapper: Mapper[Any] = sa.inspect(resource.entity)
    insert = dialect.insert(mapper.local_table)  # type: ignore[arg-type]
    columns = [column_of(part, mapper) for part in upsert.key]
    target: dict[str, Any] = {"index_elements": columns, "index_where": predicate(upsert.constraint.where, dialect)}
    if not upsert.changed:
        return insert.on_conflict_do_nothing(**target)
    changed = {column: insert.excluded[column.name] for column in (column_of(each, mapper) for each in upsert.changed)}
    for generated in resource.writes.updated:
        column = column_of(generated.field, mapper)
        changed.setdefault(column, sa.literal(generated.value(), column.type))
    for column in mapper.local_table.c:  # SQLAlchemy leaves them to who writes ON CONFLICT
        if column not in changed and column.onupdate is not None and column.onupdate.is_clause_element:
            changed[column] = column.onupdate.arg
    changed |= next_version(resource.writes.version, mapper)
    kept = list(alive(resource.entity))
    return insert.on_conflict_do_update(**target, set_=changed, where=kept[0] if kept else None)
