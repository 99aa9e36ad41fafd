"""What an application serves: the APIs that are included in it, and the tables that they need."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from onetrip.cli.searching import create_indexes
from onetrip.db.url import parse_url
from onetrip.errors import ConfigurationError
from onetrip.http.pipeline import Pipeline
from onetrip.http.router import ResourceRouter
from onetrip.sql.own import own_metadata


def pipelines_of(app: Any) -> list[Pipeline]:
    """Find the pipelines behind the routes of an application, also of applications that are mounted in it."""
    found = {id(router): router for router in _routers(app)}
    return [router.pipeline for router in found.values()]


def _routers(app: Any) -> Iterator[ResourceRouter]:
    for route in getattr(app, "routes", ()):
        for inner in (route, getattr(route, "original_router", None), getattr(route, "app", None)):
            if isinstance(inner, ResourceRouter):
                yield inner
            elif inner is not None and inner is not route:
                yield from _routers(inner)


def refuse_other_databases(pipelines: list[Pipeline], url: str) -> None:
    """Refuse an application that would write somewhere else. Raises `ConfigurationError`."""
    wanted = parse_url(url)
    for pipeline in pipelines:
        if pipeline.database.url != wanted:
            raise ConfigurationError(
                f"The application uses {pipeline.database}, and tests {parse_url(url).drivername}: let API(…) or"
                " Settings take the URL from ONETRIP_DATABASE_URL, and say which with --onetrip-database."
            )


def create_tables(connection: sa.Connection, pipelines: list[Pipeline]) -> None:
    """Create every table of the metadata of what is served, onetrip's own, and the indexes for searching."""
    entities = (resource.entity for pipeline in pipelines for resource in pipeline.schema.resources.values())
    tables = (sa.inspect(entity).local_table for entity in entities)
    for metadata in dict.fromkeys(table.metadata for table in tables if isinstance(table, sa.Table)):
        for schema in sorted({table.schema for table in metadata.tables.values() if table.schema}):
            if connection.dialect.name == "postgresql":
                connection.execute(sa.schema.CreateSchema(schema, if_not_exists=True))
        metadata.create_all(connection)
    own_metadata.create_all(connection)
    create_indexes(connection, pipelines)  # type: ignore[arg-type]
