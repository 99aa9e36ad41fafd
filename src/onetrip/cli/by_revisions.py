"""A database whose tables are made by revisions, before it is served: an empty one is brought to the head and seeded.

Each revision is a transaction of its own, and so is the seed. A table, `onetrip_creating`, is there from before the
first until the seed is stored, so that the next start goes on where this one was stopped.
"""

import asyncio
import time

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from onetrip.cli.connection import connected
from onetrip.cli.create import Prepared, Working, differences_of, fill, find_seed, is_empty, log_ahead, wait_for_others
from onetrip.cli.load import Loaded
from onetrip.db.engines import IMMEDIATE
from onetrip.migrations import checkpoints, checksums
from onetrip.migrations.history import VERSIONS, current, read_history
from onetrip.migrations.project import Project
from onetrip.migrations.run import Options, up

_creating = sa.Table("onetrip_creating", sa.MetaData(), sa.Column("at", sa.DateTime, server_default=sa.func.now()))
_NOTES = frozenset({VERSIONS, checksums.TABLE, checkpoints.TABLE})


async def prepare(loaded: Loaded, working: Working, project: Project) -> list[Prepared]:
    """Create and seed an empty database; compare any other, and say that something is pending.

    Raises `ConfigurationError` when the database cannot be reached, a revision cannot be applied, or the seed fails.
    """
    database, start = loaded.apis[0].database, time.monotonic()
    applied: tuple[str, ...] = ()
    rows = None
    try:
        async with connected(database) as connection:
            if await connection.run_sync(_is_new):
                await connection.rollback()
                await log_ahead(connection, database)
                await connection.execution_options(**{IMMEDIATE: True})
                applied, rows = await _create(connection, loaded, working, project)
            found = await differences_of(connection, loaded.apis, working)
            state = read_history(project.script()).state(await connection.run_sync(current))
    finally:
        await database.close()
    if state == "behind":
        found = ("it is not at the newest revision: 'onetrip db up' applies what is pending", *found)
    tables = sum(len(each.tables) for each in dict.fromkeys(each for api in loaded.apis for each in api.metadata))
    seconds = time.monotonic() - start
    return [Prepared(database, tables if applied else 0, rows, seconds, found, revisions=len(applied))]


async def _create(
    connection: AsyncConnection, loaded: Loaded, working: Working, project: Project
) -> tuple[tuple[str, ...], int | None]:
    """Apply all revisions and run the seed, unless another server does: answer what was applied, and how many rows."""
    seed, code = find_seed(loaded.seed), loaded.seed
    async with connection.begin():
        await connection.run_sync(wait_for_others)
        if not await connection.run_sync(_is_new):
            return (), None
        await connection.run_sync(_creating.create, checkfirst=True)
    working("Applying the revisions", None)
    applied = await asyncio.to_thread(up, project, "head", Options(backup=False))
    async with connection.begin():
        await connection.run_sync(wait_for_others)
        if not await connection.run_sync(_is_new):
            return applied, None
        rows = None if seed is None or code is None else await fill(connection, seed, code, working)
        await connection.run_sync(_creating.drop)
    return applied, rows


def _is_new(connection: sa.Connection) -> bool:
    """Say whether a database is to be created: it holds nothing but notes of revisions, or somebody began it."""
    return sa.inspect(connection).has_table(_creating.name) or is_empty(connection, _NOTES)
