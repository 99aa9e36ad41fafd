"""What a mutation sets: columns with the placeholders of their values, and the version that counts changes."""

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapper

from onetrip.plan.mutations import Assignment
from onetrip.schema.model import Field
from onetrip.sql.dialects.dialect import Dialect
from onetrip.sql.statement import placeholder


def column_of(field: Field, mapper: Mapper[Any]) -> Any:
    """Find the column of a field in its table."""
    return mapper.column_attrs[field.attribute].columns[0]


def assigned(assignments: Iterable[Assignment], mapper: Mapper[Any], dialect: Dialect) -> dict[Any, Any]:
    """Write the placeholder of each column's value."""
    columns = [(column_of(item.field, mapper), placeholder(item.parameter)) for item in assignments]
    return {column: dialect.parameter(name, column.type) for column, name in columns}


def increased(assignments: Iterable[Assignment], mapper: Mapper[Any], dialect: Dialect) -> dict[Any, Any]:
    """Write the sum of each column and the amount in its placeholder."""
    columns = [(item.field.type, column_of(item.field, mapper), placeholder(item.parameter)) for item in assignments]
    return {column: dialect.increased(type_, column, name) for type_, column, name in columns}


def first_version(version: Field | None, mapper: Mapper[Any], given: Mapping[Any, Any]) -> dict[Any, Any]:
    """Begin to count at one, as SQLAlchemy does."""
    if version is None or (column := column_of(version, mapper)) in given:
        return {}
    return {column: sa.literal_column("1", column.type)}


def next_version(version: Field | None, mapper: Mapper[Any]) -> dict[Any, Any]:
    """Count a change."""
    column = None if version is None else column_of(version, mapper)
    return {} if column is None else {column: column + sa.literal_column("1")}
