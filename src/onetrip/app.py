"""The composition root: `API` puts the stages together, once, and hands out what FastAPI needs.

Everything is derived and checked when the object is made; nothing connects until the first request, or the lifespan.
"""

import gc
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import sqlalchemy as sa
from fastapi.exceptions import RequestValidationError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import Session
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from onetrip.db import session as sessions
from onetrip.db.database import Database
from onetrip.errors import ConfigurationError, Problem
from onetrip.http import direct, problems
from onetrip.http.pipeline import Pipeline
from onetrip.http.router import ResourceRouter
from onetrip.schema.declaration import Resource
from onetrip.schema.derive import derive
from onetrip.schema.notes import notes
from onetrip.settings import Limits, Pool

DATABASE_VARIABLE = "ONETRIP_DATABASE_URL"
"""The environment variable that overrides `database=`."""


class API:
    """The read API of some tables.

    Args:
        resources: table classes, or `Resource`s where the defaults do not fit.
        database: the URL, `sqlite:///app.db` or `postgresql://…`; `ONETRIP_DATABASE_URL` overrides it.
        engine: an existing engine instead of a URL; it stays yours to dispose of.
        pool: how many connections are opened and how long a request waits for one.
        limits: what one request may ask for.

    Raises `ConfigurationError` for whatever cannot be served, with the reason and the remedy.

    `router` is an `APIRouter`; `lifespan` closes connections at the end; `session` and `sync_session` are dependencies
    for hand-written endpoints.
    """

    def __init__(
        self,
        *resources: Resource | type[Any],
        database: str | None = None,
        engine: AsyncEngine | sa.Engine | None = None,
        pool: Pool | None = None,
        limits: Limits | None = None,
        own: bool = True,
    ) -> None:
        if not resources:
            raise ConfigurationError("An API serves at least one table: API(User, Post, database='sqlite:///app.db').")
        self.database = _database(database, engine, pool, own)
        dialect = self.database.dialect
        self.schema = derive(resources, dialect.sqlalchemy, dialect.inexact)
        self.limits = limits or Limits()
        self.notes = tuple(notes(self.schema.resources.values()))
        self.pipeline = Pipeline(self.schema, self.database, self.limits)
        self.router = ResourceRouter(self.pipeline)
        self._users = 0
        self.router.lifespan_context = self.lifespan

    @asynccontextmanager
    async def lifespan(self, app: Any = None) -> AsyncIterator[None]:
        """Close every connection when the application stops: `FastAPI(lifespan=api.lifespan)`.

        `include_router` brings it along, so that to forget it does no harm; entered twice, it closes once.
        """
        self._users += 1
        direct.install(app, self.router)
        _freeze()
        try:
            yield
        finally:
            self._users -= 1
            if self._users == 0:
                await self.database.close()

    async def session(self, connection: HTTPConnection) -> AsyncSession:
        """Give an endpoint an `AsyncSession` that is committed before the answer is sent: `Depends(api.session)`."""
        scope = connection.scope
        return await sessions.enter(scope, sessions.session(self.database, scope))  # type: ignore[no-any-return]

    async def sync_session(self, connection: HTTPConnection) -> Session:
        """Give a synchronous endpoint a `Session` that is committed before the answer is sent."""
        scope = connection.scope
        return await sessions.enter(scope, sessions.sync_session(self.database, scope))  # type: ignore[no-any-return]

    @property
    def metadata(self) -> tuple[sa.MetaData, ...]:
        """The metadata of every table that is served."""
        tables = (sa.inspect(resource.entity).local_table for resource in self.schema.resources.values())
        return tuple(dict.fromkeys(table.metadata for table in tables if isinstance(table, sa.Table)))

    @property
    def exception_handlers(self) -> Mapping[Any, Any]:
        """Handlers that answer every error of an application as a problem: `FastAPI(exception_handlers=…)`."""
        return {
            Problem: problems.handle_problem,
            HTTPException: problems.handle_http_exception,
            RequestValidationError: problems.handle_validation_error,
        }


@cache
def _freeze() -> None:
    """Take what is there at start out of the garbage collector's sight, once a process.

    Classes, schemas and routes never die, and looking through them again and again is the tail of the latency.
    https://docs.python.org/3/library/gc.html#gc.freeze
    """
    gc.collect()
    gc.freeze()


def _database(url: str | None, engine: AsyncEngine | sa.Engine | None, pool: Pool | None, own: bool) -> Database:
    if engine is not None:
        if url is not None:
            raise ConfigurationError("Give an API either database= or engine=, not both.")
        return Database("", engine=engine, pool=pool, own=False)
    chosen = os.environ.get(DATABASE_VARIABLE) or url
    if chosen is None:
        raise ConfigurationError(f"No database: give API(…, database='sqlite:///app.db'), or set {DATABASE_VARIABLE}.")
    return Database(chosen, pool=pool, own=own)
