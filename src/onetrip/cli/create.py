"""What happens to a database before it is served: an empty one gets its tables and its seed, any other is compared.

Tables and seed are one transaction, so that a seed that fails leaves nothing behind and the next start begins again.
Where revisions make the tables, see `by_revisions`.
"""

import inspect
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.schema import CreateSchema
from sqlmodel.ext.asyncio.session import AsyncSession as SQLModelAsyncSession

from onetrip.app import API
from onetrip.cli.connection import connected
from onetrip.cli.imports import SEED, blame, import_seed
from onetrip.cli.load import Loaded
from onetrip.cli.searching import create_indexes, missing
from onetrip.cli.target import Code
from onetrip.db.database import Database
from onetrip.db.engines import IMMEDIATE
from onetrip.db.sqlite import write_ahead
from onetrip.errors import ConfigurationError, nearest
from onetrip.sql.own import OnetripHistory, own_metadata

Working = Callable[[str, int | None], None]
"""Is told what is being done, and how many rows are stored by now."""

Seed = Callable[[AsyncSession], Awaitable[None]]

_LOCK = 0x6F6E6574726970  # "onetrip"; https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS


@dataclass(frozen=True, slots=True)
class Prepared:
    """A database as it was found, or made: `created` tables with `rows` (`None` without a seed) in `seconds`.

    They were made by `revisions`, or from the code where there are none.
    """

    database: Database
    created: int = 0
    rows: int | None = None
    seconds: float = 0.0
    differences: tuple[str, ...] = ()
    revisions: int = 0


async def prepare(loaded: Loaded, working: Working) -> list[Prepared]:
    """Create what an empty database lacks, seed it, and compare any other; an engine that the code brought is its own.

    Raises `ConfigurationError` when a database cannot be reached, tables cannot be created, or the seed fails.
    """
    if loaded.reflected:
        return [Prepared(api.database) for api in loaded.apis]
    prepared: list[Prepared] = []
    code = loaded.seed
    for together in _by_database(loaded.apis):
        database = together[0].database
        try:
            async with connected(database) as connection:
                prepared.append(await _prepare(connection, database, together, code, working))
                code = None  # a seed fills one database
        finally:
            await database.close()
    return prepared


def _by_database(apis: Sequence[API]) -> Iterator[list[API]]:
    """Bring together the APIs of one database: none of them finds the other's tables to be foreign."""
    found: dict[Any, list[API]] = {}
    for api in apis:
        if api.database.given is None:
            found.setdefault(api.database.memory or api.database.url, []).append(api)
    yield from found.values()


async def _prepare(
    connection: AsyncConnection, database: Database, apis: Sequence[API], code: Code | None, working: Working
) -> Prepared:
    start = time.monotonic()
    metadata = list(dict.fromkeys(metadata for api in apis for metadata in api.metadata))
    if await connection.run_sync(is_empty):
        await connection.rollback()
        seed = find_seed(code)
        await log_ahead(connection, database)
        await connection.execution_options(**{IMMEDIATE: True})
        async with connection.begin():
            await connection.run_sync(wait_for_others)
            if await connection.run_sync(is_empty):
                created = await connection.run_sync(_create, metadata, working)
                await connection.run_sync(own_metadata.create_all)  # ours, which nobody counts
                await connection.run_sync(create_indexes, apis)
                rows = None if seed is None or code is None else await fill(connection, seed, code, working)
                return Prepared(database, created, rows, time.monotonic() - start)
    return Prepared(database, differences=await differences_of(connection, apis, working))


async def differences_of(connection: AsyncConnection, apis: Sequence[API], working: Working) -> tuple[str, ...]:
    """Say in what a database differs from the code, as far as requests would feel it."""
    from onetrip.cli.difference import differences  # Alembic, which costs time to import

    working("Comparing tables", None)
    found = await connection.run_sync(differences, list(_tables(apis)))
    return (*found, *await connection.run_sync(missing, apis))


def is_empty(connection: sa.Connection, notes: frozenset[str] = frozenset()) -> bool:
    """Say whether a database holds no table at all, in any schema, but for some."""
    inspector = sa.inspect(connection)
    schemas = [name for name in inspector.get_schema_names() if name != "information_schema"]
    return not any(set(inspector.get_table_names(schema=schema)) - notes for schema in schemas)


def wait_for_others(connection: sa.Connection) -> None:
    """Let one of several servers that start at once do the work; on SQLite the transaction itself does."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


async def log_ahead(connection: AsyncConnection, database: Database) -> None:
    """Give an SQLite file that becomes ours write-ahead logging, which is not possible in a transaction."""
    if connection.dialect.name == "sqlite" and database.memory is None:
        await connection.run_sync(lambda sync: write_ahead(sync.connection.dbapi_connection))


def _create(connection: sa.Connection, metadata: Sequence[sa.MetaData], working: Working) -> int:
    count = sum(len(each.tables) for each in metadata)
    working(f"Creating {count} tables", None)
    try:
        for schema in dict.fromkeys(table.schema for each in metadata for table in each.tables.values()):
            if schema is not None and connection.dialect.name == "postgresql":
                connection.execute(CreateSchema(schema, if_not_exists=True))
        for each in metadata:
            each.create_all(connection)
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).partition("\n")[0].rstrip(".")
        raise ConfigurationError(f"The tables cannot be created: {reason}. Nothing was created.") from error
    return count


def _tables(apis: Sequence[API]) -> Iterator[sa.Table]:
    """Answer the tables that requests need: of the resources, the link tables between them, and of histories."""
    if any(resource.past is not None for api in apis for resource in api.schema.resources.values()):
        yield own_metadata.tables[OnetripHistory.__tablename__]
    for api in apis:
        for resource in api.schema.resources.values():
            mapper = sa.inspect(resource.entity)
            yield from (table for table in mapper.tables if isinstance(table, sa.Table))
            links = (mapper.relationships[relation.attribute].secondary for relation in resource.relations.values())
            yield from (table for table in links if isinstance(table, sa.Table))


# The seed


def find_seed(code: Code | None) -> Seed | None:
    """Find `async def seed(session)` in the target's `seed.py`."""
    module = import_seed(code) if code is not None else None
    if module is None:
        return None
    found = getattr(module, SEED, None)
    if not inspect.iscoroutinefunction(found):
        hint = "" if found is not None else nearest(SEED, list(vars(module))) or ""
        raise ConfigurationError(f"{module.__name__}: a seed is 'async def seed(session)'. {hint}".rstrip())
    return found


async def fill(connection: AsyncConnection, seed: Seed, code: Code, working: Working) -> int:
    """Run the seed inside the transaction; what it commits becomes final with everything else."""
    rows = 0

    def stored(_: Any, cursor: Any, __: Any, ___: Any, context: Any, ____: Any) -> None:
        nonlocal rows
        if context is not None and context.isinsert:
            rows += max(cursor.rowcount, 0)
            working("Seeding", rows)

    working("Seeding", 0)
    event.listen(connection.sync_connection, "after_cursor_execute", stored)
    try:
        async with SQLModelAsyncSession(
            connection, join_transaction_mode="create_savepoint", expire_on_commit=False
        ) as session:
            await seed(session)
            await session.commit()
    except Exception as error:
        message = "The seed failed, and nothing of it was kept: the next start begins anew."
        raise ConfigurationError(f"{blame(error, code)} {message}") from error
    finally:
        event.remove(connection.sync_connection, "after_cursor_execute", stored)
    return rows
