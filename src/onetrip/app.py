"""The composition root: `API` puts the stages together, once, and hands out what FastAPI needs.

Everything is derived and checked when the object is made; nothing connects until the first request, or the lifespan.
"""

import gc
import os
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa
from fastapi.exceptions import RequestValidationError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import Session
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from onetrip.db import bulk, transaction
from onetrip.db import session as sessions
from onetrip.db.database import Database
from onetrip.db.transaction import Isolation
from onetrip.errors import ConfigurationError, Problem
from onetrip.http import direct, problems
from onetrip.http.cursor import Cursors, checked_secret, random_secret
from onetrip.http.history import Actor
from onetrip.http.idempotency import KEPT
from onetrip.http.pipeline import Pipeline
from onetrip.http.reading import Reading, Readings
from onetrip.http.router import ResourceRouter
from onetrip.migrations.ready import read_expected
from onetrip.schema.declaration import Resource
from onetrip.schema.derive import derive
from onetrip.schema.notes import nested_notes, notes
from onetrip.settings import Limits, Pool
from onetrip.sql.own import OnetripHistory, own_metadata

if TYPE_CHECKING:
    from onetrip.config import Settings

DATABASE_VARIABLE = "ONETRIP_DATABASE_URL"
"""The environment variable that overrides `database=`."""

SECRET_VARIABLE = "ONETRIP_SECRET"
"""The environment variable that stands for `secret=`."""

T = TypeVar("T")


class API:
    """The REST API of some tables.

    Args:
        resources: table classes, or `Resource`s where the defaults do not fit.
        database: the URL, `sqlite:///app.db` or `postgresql://…`; `ONETRIP_DATABASE_URL` overrides it.
        engine: an existing engine instead of a URL; it stays yours to dispose of.
        pool: how many connections are opened and how long a request waits for one.
        limits: what one request may ask for.
        own: the database is onetrip's to tune, see `docs/databases.md`.
        read_only: nothing can be changed through generated routes.
        idempotency_keys: how long the answer to an `Idempotency-Key` is kept, `None` to take no keys.
        export: serve all rows of a collection as NDJSON and CSV, unless a `Resource` says no.
        secret: what cursors are signed with; `ONETRIP_SECRET` if left out, else it follows from the database's URL.
        envelope: a list is `{"items": […], "next": …, "prev": …, "total": …}` instead of an array.
        search_language: the language of the texts that `q=` searches, unless a `Resource` names another one.
        actor: `actor(scope)` says who makes a request, for `Resource(…, history=True)`; `None` for nobody known.
        migrations: the folder of revisions without which `/readyz` is a 503, as in `migrations="alembic"`.
        settings: what the deployment says of `database`, `pool`, `limits` and `secret`, before what is said here.

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
        read_only: bool = False,
        idempotency_keys: timedelta | None = KEPT,
        search_language: str = "simple",
        export: bool = True,
        secret: str | None = None,
        envelope: bool = False,
        actor: Actor | None = None,
        migrations: str | Path | None = None,
        settings: "Settings | None" = None,
    ) -> None:
        if not resources:
            raise ConfigurationError("An API serves at least one table: API(User, Post, database='sqlite:///app.db').")
        self.settings = settings
        self.limits = _deployed(settings, "limits", limits) or Limits()
        url = database if engine is not None else _deployed(settings, "database_url", database)
        pool = _deployed(settings, "pool", pool)
        self.database = _database(url, engine, pool, own, self.limits.statement_timeout)
        secret = _secret(_deployed(settings, "secret", secret), self.database)
        if settings is not None:
            settings.begin(None if engine is not None else self.database.url)
        dialect = self.database.dialect
        if not export:
            given = (each if isinstance(each, Resource) else Resource(each) for each in resources)
            resources = tuple(replace(each, export=False) for each in given)
        schema = derive(resources, dialect.sqlalchemy, dialect.inexact, OnetripHistory, search_language)
        self.schema = schema.read_only() if read_only else schema
        self.notes = (*notes(self.schema.resources.values()), *nested_notes(self.schema))
        cursors = Cursors(secret)
        self.pipeline = Pipeline(self.schema, self.database, self.limits, actor, cursors, envelope)
        self._readings = Readings(self.pipeline)
        expected = None if migrations is None else read_expected(Path(migrations))
        ready = None if expected is None else partial(expected.check, self.database)
        self.router = ResourceRouter(self.pipeline, kept=idempotency_keys, ready=ready)
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

    def query(self, entity: type[Any]) -> Reading:
        """Read rows in an endpoint of your own as generated routes do, in one statement.

        `await api.query(Post).where(Post.author_id == 7).include("author").page(request)` is a response. Raises
        `ConfigurationError` for a class that is not served.
        """
        return self._readings.of(entity)

    def transaction(
        self, *, isolation: Isolation | None = None, read_only: bool = False
    ) -> AbstractAsyncContextManager[AsyncSession]:
        """Begin a transaction anywhere: `async with api.transaction() as session`. It commits when the block ends.

        Raises `Conflict` when another transaction came in between, `Unavailable` when the database is away.
        """
        return transaction.transaction(self.database, isolation=isolation, read_only=read_only)

    async def run_in_transaction(
        self,
        work: Callable[[AsyncSession], Awaitable[T]],
        *,
        isolation: Isolation | None = None,
        read_only: bool = False,
        retries: int = 3,
    ) -> T:
        """Run `await work(session)` in a transaction, and again in a new one when another came in between.

        Raises like `transaction`, `Conflict` only after `retries` repetitions.
        """
        return await transaction.run_in_transaction(
            self.database, work, isolation=isolation, read_only=read_only, retries=retries
        )

    async def bulk_insert(
        self,
        entity: type[Any],
        rows: Iterable[Any] | AsyncIterable[Any],
        *,
        session: AsyncSession | None = None,
        chunk: int = bulk.CHUNK,
    ) -> int:
        """Store many rows, all or none, and answer how many: dicts or objects, also from a generator.

        In a transaction of its own, or of `session`. Raises `ValueError` or an error of SQLAlchemy that names the row.
        """
        return await bulk.bulk_insert(self.database, entity, rows, session=session, chunk=chunk)

    @property
    def metadata(self) -> tuple[sa.MetaData, ...]:
        """The metadata of every table that is served."""
        tables = (sa.inspect(resource.entity).local_table for resource in self.schema.resources.values())
        return tuple(dict.fromkeys(table.metadata for table in tables if isinstance(table, sa.Table)))

    @property
    def own_tables(self) -> sa.MetaData:
        """The metadata of onetrip's own tables, for migrations: `target_metadata = [*api.metadata, api.own_tables]`."""
        return own_metadata

    @property
    def exception_handlers(self) -> dict[Any, Any]:
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


def _deployed(settings: "Settings | None", name: str, given: Any) -> Any:
    """Take what a deployment says before what the code says."""
    if settings is None or (given is not None and name not in settings.model_fields_set):
        return given
    return getattr(settings, name)


def _secret(given: Any, database: Database) -> str:
    """Choose the secret of cursors: one that is the same in every process that serves this database."""
    chosen = given or os.environ.get(SECRET_VARIABLE)
    if chosen:
        return checked_secret(chosen if isinstance(chosen, str) else chosen.get_secret_value())
    return random_secret() if database.memory is not None else database.url.render_as_string(hide_password=False)


def _database(
    url: str | None, engine: AsyncEngine | sa.Engine | None, pool: Pool | None, own: bool, seconds: float | None
) -> Database:
    if engine is not None:
        if url is not None:
            raise ConfigurationError("Give an API either database= or engine=, not both.")
        return Database("", engine=engine, pool=pool, own=False, statement_timeout=seconds)
    chosen = os.environ.get(DATABASE_VARIABLE) or url
    if chosen is None:
        raise ConfigurationError(f"No database: give API(…, database='sqlite:///app.db'), or set {DATABASE_VARIABLE}.")
    return Database(chosen, pool=pool, own=own, statement_timeout=seconds)
