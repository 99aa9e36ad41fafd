"""The tables that the code declares, as the database itself describes them: made in a corner of it, read, and undone.

PostgreSQL: in `pg_temp`, or, when tables have schemas, in schemas of that moment, which takes the right to create some;
inside a savepoint that is rolled back, without a lock on a table that is there. SQLite: in memory. Only statements of
the tables themselves are run, nothing that listens to their creation.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import DOMAIN, ENUM, CreateDomainType, CreateEnumType
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.schema import AddConstraint, CreateIndex, CreateSequence, CreateTable, SetColumnComment, SetTableComment
from sqlalchemy.sql.ddl import ExecutableDDLElement, sort_tables_and_constraints
from sqlalchemy.types import TypeDecorator, TypeEngine

from onetrip.errors import ConfigurationError
from onetrip.migrations.snapshot import live, postgresql, sqlite
from onetrip.migrations.snapshot.model import Snapshot

_SCHEMA = "onetrip_declared_{}"


def read(connection: sa.Connection, metadata: Sequence[sa.MetaData]) -> Snapshot:
    """Read the tables of the code. Raises `ConfigurationError` for a table that the database does not accept."""
    return _READERS[connection.dialect.name](connection, metadata)


def _in_postgresql(connection: sa.Connection, metadata: Sequence[sa.MetaData]) -> Snapshot:
    default = connection.dialect.default_schema_name
    schemas = sorted(live.schemas(metadata, default), key=lambda schema: schema or "")
    with connection.begin_nested() as savepoint:
        try:
            if schemas == [None]:
                places: dict[str | None, str] = {None: "pg_temp"}
            else:
                places = {schema: _SCHEMA.format(number) for number, schema in enumerate(schemas)}
                for place in places.values():
                    connection.exec_driver_sql(f"CREATE SCHEMA {place}")
            # PostgreSQL looks into `pg_temp` before its own types, so that a table called `text` would be one.
            path = connection.exec_driver_sql("SHOW search_path").scalar()
            connection.exec_driver_sql(f"SET LOCAL search_path = pg_catalog, {places[None]}, {path}")
            _create(connection, metadata, {**places, default: places[None]})
            names = {place: schema for schema, place in places.items()}
            if schemas == [None]:
                own = "SELECT nspname FROM pg_namespace WHERE oid = pg_my_temp_schema()"
                names = dict.fromkeys(connection.exec_driver_sql(own).scalars())
            return postgresql.read_as(connection, names)
        finally:
            savepoint.rollback()


def _in_memory(connection: sa.Connection, metadata: Sequence[sa.MetaData]) -> Snapshot:
    engine = sa.create_engine("sqlite://")
    try:
        with engine.connect() as corner:
            _create(corner, metadata, {})
            return sqlite.read(corner)
    finally:
        engine.dispose()


_READERS: Mapping[str, Callable[[sa.Connection, Sequence[sa.MetaData]], Snapshot]] = {
    "postgresql": _in_postgresql,
    "sqlite": _in_memory,
}


def _create(connection: sa.Connection, metadata: Sequence[sa.MetaData], places: Mapping[str | None, str]) -> None:
    for statement in statements(connection.dialect, metadata):
        try:
            connection.execute(statement, execution_options={"schema_translate_map": places})
        except DBAPIError as error:
            raise ConfigurationError(
                f"The tables in the code are not accepted by the database: {str(error.orig).splitlines()[0]}"
                f" ({_subject(statement)})."
            ) from error
        except SQLAlchemyError as error:
            raise ConfigurationError(
                f"The tables in the code cannot be written as SQL: {error} ({_subject(statement)})."
            ) from error


def statements(dialect: sa.Dialect, metadata: Sequence[sa.MetaData]) -> Iterator[ExecutableDDLElement]:
    """List what creates the tables: types, sequences, tables in their order, and what needs them all."""
    tables = [table for each in metadata for table in each.tables.values()]
    if dialect.name == "postgresql":
        yield from _types(dialect, tables)
    if dialect.supports_sequences:
        yield from (CreateSequence(sequence) for each in metadata for sequence in each._sequences.values())
    after = []
    for table, references in sort_tables_and_constraints(tables):  # type: ignore[no-untyped-call]
        if table is None:
            after = list(references)
        else:
            yield CreateTable(table, include_foreign_key_constraints=references if dialect.supports_alter else None)
            yield from (CreateIndex(index) for index in sorted(table.indexes, key=lambda index: str(index.name)))
            yield from _comments(dialect, table)
    if dialect.supports_alter:
        yield from (AddConstraint(constraint) for constraint in after)


def _comments(dialect: sa.Dialect, table: sa.Table) -> Iterator[ExecutableDDLElement]:
    if dialect.supports_comments:
        if table.comment is not None:
            yield SetTableComment(table)
        yield from (SetColumnComment(column) for column in table.columns if column.comment is not None)


def _types(dialect: sa.Dialect, tables: Sequence[sa.Table]) -> Iterator[ExecutableDDLElement]:
    seen = set()
    for table in tables:
        for column in table.columns:
            for found in named_types(column.type, dialect):
                if (found.schema, found.name) not in seen:
                    seen.add((found.schema, found.name))
                    yield CreateEnumType(found) if isinstance(found, ENUM) else CreateDomainType(found)


def named_types(type_: TypeEngine[Any], dialect: sa.Dialect) -> Iterator[ENUM | DOMAIN]:
    """List the types that must be created before a column of a type can be."""
    found: Any = type_.dialect_impl(dialect)
    while isinstance(found, TypeDecorator):
        found = found.impl_instance.dialect_impl(dialect)
    if isinstance(found, sa.ARRAY):
        yield from named_types(found.item_type, dialect)
    elif isinstance(found, DOMAIN):
        yield from named_types(found.data_type, dialect)
        yield found
    elif isinstance(found, ENUM) and found.native_enum:
        yield found


def _subject(statement: ExecutableDDLElement) -> str:
    element = getattr(statement, "element", None)
    return f"'{getattr(element, 'fullname', None) or getattr(element, 'name', None) or element}'"
