"""Writes that take a session of the ORM: for hooks, listeners, and cascades that only the ORM knows.

The same bodies, problems and answers as a single statement has; the row is read back by the same statement as a GET.
"""

import inspect
import logging
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
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
from onetrip.http.body import body_problem
from onetrip.http.history import ABSENT, State, changes, missing, request_id, state_of
from onetrip.http.pipeline import Pipeline, bind
from onetrip.http.refused import Refused
from onetrip.plan.read import Endpoint
from onetrip.query.parser import Shape
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

    @property
    def session(self) -> AsyncSession:
        """The session, which is opened now if it was not before."""
        return self.late.get()

    async def execute(self, text: str, arguments: tuple[Any, ...]) -> Row | None:
        """Run a statement in the transaction. Raises `Rejected`, `Problem`."""
        try:
            return await sessions.execute(self.session, text, arguments)
        except DBAPIError as error:
            raise refusal(error) from error

    async def create(self, body: BaseModel, values: Values) -> tuple[str, ...]:
        """Create a row, and answer the texts of its key."""
        return await self.make(await self.announce(body, values))

    async def announce(self, body: BaseModel, values: Values) -> Change[Any]:
        """Tell the hooks of a row that is to be created."""
        change = self._change("create", body, values)
        await self._before(change)
        return change

    def plain(self, announced: Sequence[Change[Any]]) -> list[dict[Field, Any]] | None:
        """Answer what is written of rows that were announced, if statements can do it: nobody asked for the session."""
        hooked = self.resource.writes.hooked
        if self.late.opened is not None or not all(hooked.keys() >= change.values.keys() for change in announced):
            return None
        return [{hooked[name]: value for name, value in change.values.items()} for change in announced]

    async def make(self, change: Change[Any]) -> tuple[str, ...]:
        """Create a row that was announced, and answer the texts of its key."""
        with _validators(self.resource.entity):
            row = self.resource.entity(**change.values)
        self.session.add(row)
        await self._flush("create", change.values)
        change.row = row
        key = self._key(row)
        await self._record("create", key, ABSENT, await self._state(key, row))
        return key

    async def update(
        self,
        key: Sequence[Any],
        body: BaseModel,
        values: Values,
        reset: Sequence[Field],
        expected: Sequence[Any] | None,
    ) -> tuple[str, ...] | None:
        """Change a row, and answer the texts of its key; `None` when it is in no version that is expected.

        Raises `NotFound`.
        """
        row = await self._load(key)
        if not self._is_expected(row, expected):
            return None
        before = await self._state(self._key(row), row)
        change = self._change("update", body, values, row)
        await self._before(change)
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
        action = "replace" if self.scope.get("method") == "PUT" else "update"
        await self._record(action, found, before, await self._state(found, row))
        return found

    async def delete(self, key: Sequence[Any], expected: Sequence[Any] | None) -> bool:
        """Delete a row; `False` when it is in no version that is expected. Raises `NotFound`."""
        row = await self._load(key)
        if not self._is_expected(row, expected):
            return False
        before = await self._state(self._key(row), row)
        await self._before(self._change("delete", None, {}, row))
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
        await self._record("delete", self._key(row), before, ABSENT)
        return True

    async def restore(self, key: Sequence[Any], expected: Sequence[Any] | None) -> tuple[str, ...] | None:
        """Bring back a row that was deleted softly, and answer the texts of its key; `None` as `update` does.

        Raises `NotFound`.
        """
        deleted = self.resource.deleted
        assert deleted is not None  # the router knows which resources can be restored
        row = await self._load(key, was_deleted=True)
        if not self._is_expected(row, expected):
            return None
        change = self._change("restore", None, {deleted: None}, row)
        await self._before(change)
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

    def _change(self, action: Action, body: Any, values: Values, row: Any = None) -> Change[Any]:
        given = {field.attribute: value for field, value in values.items()}
        return Change(action=action, opens=self.late.get, body=body, values=given, row=row, scope=self.scope)

    async def _before(self, change: Change[Any]) -> None:
        for hook in self.resource.writes.hooks.get(change.action, ()):
            done = hook(change)
            if inspect.isawaitable(done):
                await done
        self.done.append(change)

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

    async def _load(self, key: Sequence[Any], *, was_deleted: bool = False) -> Any:
        """Load a row, and keep others from changing it meanwhile. Raises `NotFound`."""
        entity = self.resource.entity
        there = gone(entity) if was_deleted else alive(entity)
        select: Any = sa.select(entity).where(*self._is(key), *there).with_for_update(of=entity)
        row = (await self._flushed(self.session.exec(select), "update", {}, key)).scalars().first()
        if row is None:
            absent = "No such row of '{}' was deleted." if was_deleted else "There is no such row in '{}'."
            raise NotFound(absent.format(self.resource.name))
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

    def _is_expected(self, row: Any, expected: Sequence[Any] | None) -> bool:
        version = self.resource.writes.version
        return expected is None or (version is not None and getattr(row, version.attribute) in expected)

    def _key(self, row: Any) -> tuple[str, ...]:
        return tuple(str(to_jsonable_python(getattr(row, part.attribute))) for part in self.resource.key)

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
