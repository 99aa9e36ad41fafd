"""The indexes that searching needs: which of them a database lacks, and how it gets them."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from onetrip.app import API
from onetrip.sql.dialects.full_text import SearchIndex


def indexes(apis: Iterable[API]) -> list[SearchIndex]:
    """List the indexes of APIs, one for each table."""
    found: dict[str, SearchIndex] = {}
    for api in apis:
        searches = (resource.search for resource in api.schema.resources.values() if resource.search is not None)
        for index in map(api.database.dialect.full_text.index, searches):
            found.setdefault(index.name, index)
    return list(found.values())


def missing(connection: sa.Connection, apis: Sequence[API]) -> list[str]:
    """Say which indexes are missing, or are not those that are declared; a table that is missing is said already."""
    inspector, found = sa.inspect(connection), []
    for index in indexes(apis):
        if not inspector.has_table(index.table.name, schema=index.table.schema):
            continue
        state, name = _state(connection, index), f"the index '{index.name}'"
        if state is None:
            found.append(f"{name} is missing, without which there is no 'q': 'onetrip db install' creates it")
        elif state != index.wanted:
            found.append(f"{name} is not as declared now: 'onetrip db install' creates it anew")
    return found


def create_indexes(connection: sa.Connection, apis: Sequence[API]) -> tuple[list[str], list[str]]:
    """Create and fill what is missing or is not as declared: the names of those, and of the others.

    Tables that are not there have no rows to search.
    """
    inspector, created, there = sa.inspect(connection), [], []
    for index in indexes(apis):
        if not inspector.has_table(index.table.name, schema=index.table.schema):
            continue
        if _state(connection, index) == index.wanted:
            there.append(index.name)
            continue
        for statement in index.create:
            connection.exec_driver_sql(statement)
        created.append(index.name)
    return created, there


def _state(connection: sa.Connection, index: SearchIndex) -> str | None:
    found: str | None = connection.exec_driver_sql(index.state).scalar()
    return found
