"""Writes that take a session of the ORM: for hooks, listeners, and cascades that only the ORM knows.

The same bodies, problems and answers as a single statement has; the row is read back by the same statement as a GET.
"""

import inspect
import logging
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_jsonable_python
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm.attributes import flag_modified
from sqlalchemy.orm.exc import StaleDataError
from sqlmodel.ext.asyncio.session import AsyncSession

from onetrip.db import session as sessions
from onetrip.db.runner import Rejected, Row, refusal
from onetrip.db.session import LateSession
from onetrip.errors import Broken, Conflict, Invalid, NotFound
from onetrip.hooks import Action, Change
from onetrip.http.address import stale
from onetrip.http.body import body_problem
from onetrip.http.history import ABSENT, State, changes, missing, request_id, state_of
from onetrip.http.pipeline import Pipeline, bind
from onetrip.http.refused import Refused
from onetrip.plan.read import Endpoint
from onetrip.query.split import Shape
from onetrip.schema.mappers import is_column
from onetrip.schema.model import Field
from onetrip.schema.units import deletes
from onetrip.sql.conditions import alive, gone
from onetrip.sql.dialects.clock import database_time
from onetrip.sql.history import entry_of
from onetrip.sql.statement import SEPARATOR, VERSION
from onetrip.sql.write import default_of

_log = logging.getLogger(__name__)

Values = Mapping[Field, Any]


class UnitOfWork:
    """One transaction that writes rows of one resource."""

    def __init__(self, pipeline: Pipeline, item: Endpoint, late: LateSession, scope: Mapping[str, Any]) -> None:
        self.pipeline = pipeline
        self.item = item
        self.resource = item.resource
        self.late = late
        self.scope = scope
        self.done: list[Change[Any]] = []
        self.before: dict[int, State] = {}  # of rows that were loaded, by identity
        self.outer = True
        self.inner: dict[str, UnitOfWork] = {}

    @property
    def session(self) -> AsyncSession:
        """The session, which is opened now if it was not before."""
        return self.late.get()

    def beside(self, item: Endpoint) -> "UnitOfWork":
        """Answer a unit that writes rows of another resource, or other rows, in the same transaction."""
        name = item.resource.name
        if name not in self.inner:
            self.inner[name] = UnitOfWork(self.pipeline, item, self.late, self.scope)
            self.inner[name].outer = False
        return self.inner[name]

    async def execute(self, text: str, arguments: tuple[Any, ...]) -> Row | None:
        """Run a statement in the transaction. Raises `Rejected`, `Problem`."""
        try:
            return await sessions.execute(self.session, text, arguments)
        except DBAPIError as error:
            raise refusal(error) from error

    async def create(self, body: BaseModel, values: Values) -> tuple[str, ...]:
        """Create a row, and answer the texts of its key."""
        return await self.make(await self.announce("create", body, values))

    async def announce(
        self,
        action: Action,
        body: BaseModel | None,
        values: Values,
        key: Sequence[Any] | None = None,
        expected: Sequence[Any] | None = None,
    ) -> Change[Any]:
        """Tell the hooks of what is to be done, to a row with a key in one of the versions that are expected.

        Raises `NotFound` and `PreconditionFailed` when that row is read.
        """
        loads = None if key is None else partial(self._load, key, expected, was_deleted=action == "restore")
        given = {field.attribute: value for field, value in values.items()}
        change: Change[Any] = Change(
            action=action, opens=self.late.get, loads=loads, body=body, values=given, scope=self.scope
        )
        if loads is not None and action not in self.resource.writes.hooked:
            await change.load()
        for hook in self.resource.writes.hooks.get(action, ()):
            done = hook(change)
            if inspect.isawaitable(done):
                await done
        self.done.append(change)
        return change

    def plain(self, announced: Sequence[Change[Any]]) -> list[dict[Field, Any]] | None:
        """Answer what is written of rows that were announced, if statements can do it: nobody asked for the session."""
        if self.late.opened is not None:
            return None
        rows = []
        for change in announced:
            hooked = self.resource.writes.hooked.get(change.action, {})
            if not hooked.keys() >= change.values.keys():
                return None
            rows.append({hooked[name]: value for name, value in change.values.items()})
        return rows

    async def make(self, change: Change[Any]) -> tuple[str, ...]:
        """Create a row that was announced, and answer the texts of its key."""
        with _validators(self.resource.entity):
            row = self.resource.entity(**change.values)
        self.session.add(row)
        await self._flush("create", change.values)
        change.stored = row
        key = self._key(row)
        await self._record("create", key, ABSENT, await self._state(key, row))
        return key

    async def update(
        self, change: Change[Any], key: Sequence[Any], reset: Sequence[Field] = (), *, counts: bool = False
    ) -> tuple[str, ...]:
        """Change a row as announced, `reset` columns to what they are by default. Answers the texts of its key.

        With `counts`, a change of nothing counts as one, where changes are counted.
        """
        row = await change.load()
        if counts and self.resource.writes.version is not None:
            self._touch(row)
        mapper = sa.inspect(self.resource.entity)
        for field in reset:
            setattr(row, field.attribute, default_of(mapper.column_attrs[field.attribute].columns[0]))
        for attribute, value in change.values.items():
            with _validators(self.resource.entity):
                setattr(row, attribute, value)
            if attribute in mapper.column_attrs:
                flag_modified(row, attribute)  # also what is equal: it is written, and counts, as in one statement
        await self._flush("update", change.values, key)
        found = self._key(row)
        action = "replace" if self.outer and self.scope.get("method") == "PUT" else "update"
        await self._record(action, found, self.before[id(row)], await self._state(found, row))
        return found

    async def delete(self, change: Change[Any], key: Sequence[Any]) -> None:
        """Delete a row as announced."""
        row = await change.load()
        mapper = sa.inspect(self.resource.entity)
        if self.resource.deleted is not None:
            setattr(row, self.resource.deleted.attribute, database_time())
        elif any(map(deletes, mapper.relationships)) or mapper.dispatch.before_delete or mapper.dispatch.after_delete:
            await self.session.delete(row)
        else:  # as one statement does: the foreign keys decide what becomes of other rows
            self.session.expunge(row)
            await self._flushed(
                self.session.exec(sa.delete(self.resource.entity).where(*self._is(key))), "delete", {}, key
            )
        await self._flush("delete", {}, key)
        await self._record("delete", self._key(row), self.before[id(row)], ABSENT)

    async def restore(self, change: Change[Any], key: Sequence[Any]) -> tuple[str, ...]:
        """Bring back a row that was deleted softly, as announced, and answer the texts of its key."""
        row = await change.load()
        for attribute, value in change.values.items():
            setattr(row, attribute, value)
        await self._flush("restore", change.values, key)
        found = self._key(row)
        await self._record("restore", found, ABSENT, await self._state(found, row))
        return found

    async def read(self, key: tuple[str, ...], shape: Shape, texts: tuple[str, ...]) -> tuple[object | None, bytes]:
        """Read a row as it was asked for: its version, if it has one, and its JSON."""
        read = self.pipeline.prepare(self.item, shape)
        row = await sessions.fetch(self.session, read.statement, bind(read.plan, key + texts))
        assert row is not None
        identity, _, record = row[0].rpartition(SEPARATOR)
        finish = read.statement.finish
        version = from_json(identity)[VERSION] if identity else None
        return version, record if finish is None else finish(record)

    async def after(self) -> None:
        """Call the hooks that follow the commit; they cannot take it back, so what they raise is logged."""
        for change in self.done:
            for hook in self.resource.writes.hooks.get("commit", ()):
                try:
                    done = hook(change)
                    if inspect.isawaitable(done):
                        await done
                except Exception:
                    _log.exception("A hook after a commit failed: %s", getattr(hook, "__name__", hook))
        for unit in self.inner.values():
            await unit.after()

    async def lock(self, key: Sequence[Any], expected: Sequence[Any] | None) -> Any:
        """Load a row, and keep others from changing it meanwhile. Raises `NotFound` and `PreconditionFailed`."""
        return await self._load(key, expected, was_deleted=False)

    async def find(self, select: Any) -> Sequence[Any]:
        """Read rows of whichever table. Raises `Refused`."""
        result = await self._flushed(self.session.exec(select), "update", {})
        return result.all()  # type: ignore[no-any-return]

    async def _load(self, key: Sequence[Any], expected: Sequence[Any] | None, *, was_deleted: bool) -> Any:
        """Load a row, and keep others from changing it meanwhile. Raises `NotFound` and `PreconditionFailed`."""
        entity = self.resource.entity
        there = gone(entity) if was_deleted else alive(entity)
        select: Any = sa.select(entity).where(*self._is(key), *there).with_for_update(of=entity)
        row = (await self._flushed(self.session.exec(select), "update", {}, key)).scalars().first()
        if row is None:
            absent = "No such row of '{}' was deleted." if was_deleted else "There is no such row in '{}'."
            raise NotFound(absent.format(self.resource.name))
        version = self.resource.writes.version
        if expected is not None and (version is None or getattr(row, version.attribute) not in expected):
            raise stale(self.resource)
        self.before[id(row)] = ABSENT if was_deleted else await self._state(self._key(row), row)
        return row

    # History

    async def _state(self, key: tuple[str, ...], row: Any) -> State:
        """Take down a row as it is now, where its history is kept."""
        past = self.resource.past
        if past is None:
            return ABSENT
        if past.redacted:
            await self.session.refresh(row, [column.attribute for column in past.redacted])
        _, record = await self.read(key, (), ())
        return state_of(past, record, row)

    async def _record(self, action: str, key: tuple[str, ...], before: State, after: State) -> None:
        """Write an entry in the history. An update that changed nothing leaves none. Raises `Broken`."""
        past = self.resource.past
        if past is None:
            return
        changed = changes(past, before, after)
        if not changed and action in ("update", "replace"):
            return
        actor = self.pipeline.actor
        entry = entry_of(
            self.resource.name,
            [part.type.to_json(text) for part, text in zip(self.resource.key, key, strict=True)],
            action=action,
            changes=changed,
            who=None if actor is None else actor(self.scope),
            request_id=request_id(self.scope),
        )
        try:
            await self.session.exec(entry)
        except DBAPIError as error:
            meant = refusal(error)
            raise (missing() if isinstance(meant, Broken) else meant) from error

    def _is(self, key: Sequence[Any]) -> list[Any]:
        entity = self.resource.entity
        return [getattr(entity, part.attribute) == value for part, value in zip(self.resource.key, key, strict=True)]

    def _key(self, row: Any) -> tuple[str, ...]:
        return tuple(str(to_jsonable_python(getattr(row, part.attribute))) for part in self.resource.key)

    def _touch(self, row: Any) -> None:
        """Have a row written although nothing in it changes, by a column that is no key."""
        mapper, version = sa.inspect(self.resource.entity), self.resource.writes.version
        aside = {part.attribute for part in (*self.resource.key, version) if part is not None}
        for prop in mapper.column_attrs:
            if prop.key not in aside and is_column(prop) and prop.key in row.__dict__:
                flag_modified(row, prop.key)
                break

    async def _flush(self, action: Action, values: Mapping[str, Any], key: Sequence[Any] = ()) -> None:
        await self._flushed(self.session.flush(), action, values, key)

    async def _flushed(self, work: Any, action: Action, values: Mapping[str, Any], key: Sequence[Any] = ()) -> Any:
        """Wait for the database. Raises what it refuses as `Refused`, with what was written."""
        try:
            return await work
        except StaleDataError as error:
            raise Conflict("The row was changed at the same time.", hint="Send the request again.") from error
        except DBAPIError as error:
            named = {part.attribute: value for part, value in zip(self.resource.key, key, strict=False)}
            raise self.refused(error, action, values, named) from error

    def refused(
        self, error: DBAPIError, action: Action, values: Mapping[str, Any], key: Mapping[str, Any]
    ) -> Exception:
        """Say what an error of the database means."""
        meant = refusal(error)
        return Refused(meant, self.resource, action, values, key) if isinstance(meant, Rejected) else meant


@contextmanager
def _validators(entity: type[Any]) -> Iterator[None]:
    """Say what a validator of a table class refuses, in its own words. Raises `Invalid`."""
    try:
        yield
    except ValidationError as error:
        raise body_problem(error, entity) from None
    except (ValueError, AssertionError) as error:
        raise Invalid.at(("body",), f"The row is not valid: {error}", "value_error") from error


@asynccontextmanager
async def unit_of_work(pipeline: Pipeline, item: Endpoint, scope: Mapping[str, Any]) -> AsyncIterator[UnitOfWork]:
    """Open a unit of work, which is committed at the end of the block. Raises `Refused`, `Problem`."""
    async with sessions.late_session(pipeline.database) as late:
        unit = UnitOfWork(pipeline, item, late, scope)
        yield unit
        try:
            await late.commit()
        except DBAPIError as error:
            raise unit.refused(error, unit.done[-1].action if unit.done else "update", {}, {}) from error
    await unit.after()
