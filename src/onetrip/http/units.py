"""Writes by units of work: what statements do, for resources whose hooks, listeners or cascades need the ORM."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel

from onetrip.db.runner import Rejected, T, tried
from onetrip.errors import Conflict
from onetrip.http.address import Address, parsed, require
from onetrip.http.pipeline import Pipeline, bind
from onetrip.http.refused import Refused
from onetrip.http.request import Conditions
from onetrip.http.statements import Statements
from onetrip.http.unit_of_work import UnitOfWork, unit_of_work
from onetrip.plan.read import Endpoint
from onetrip.plan.write import Action
from onetrip.query.split import Shape
from onetrip.schema.model import Field

Row = dict[Field, Any]


class Made(NamedTuple):
    """A row that was created: the texts of its key, its version, and its JSON."""

    key: tuple[str, ...]
    version: object | None
    record: bytes


class Units(Statements):
    """Writes rows in sessions too. `unit` is one that is open already."""

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__(pipeline)
        self.unit: UnitOfWork | None = None
        self.members = {
            inner.relation: Endpoint(kind="link", resource=resource, relation=inner.relation, target=inner.target)
            for resource in pipeline.schema.resources.values()
            for body in pipeline.schema.nested.get(resource.name, {}).values()
            for inner in body.inner
            if inner.kind == "links"
        }

    async def create_in_unit(
        self, address: Address, instances: Sequence[BaseModel], rows: Sequence[Row], shape: Shape,
        texts: tuple[str, ...],
    ) -> list[Made] | list[Row]:  # fmt: skip
        """Create rows in one session; or answer what is left to statements, where only hooks were to be called."""
        item = self.items[address.endpoint.resource.name]
        self.pipeline.prepare(item, shape)  # a query string that is wrong is refused before anything is written

        async def work(unit: UnitOfWork) -> list[Made] | list[Row]:
            announced = [
                await unit.announce("create", instance, row) for instance, row in zip(instances, rows, strict=True)
            ]
            if (plain := unit.plain(announced)) is not None:
                return plain
            keys = []
            for number, change in enumerate(announced):
                try:
                    keys.append(await unit.make(change))
                except Refused as error:
                    error.place = (number,) if address.many else ()
                    raise
            return [Made(key, *await unit.read(key, shape, texts)) for key in keys]

        return await self.in_unit(address, work)

    async def update_in_unit(
        self, address: Address, instance: BaseModel, values: Row, reset: tuple[Field, ...], conditions: Conditions
    ) -> Made | Row:
        """Change a row in a session; or answer what is left to a statement, where only hooks were to be called."""
        shape, texts = self.pipeline.split(address.query_string)
        key = self.key_of(address, shape, texts)
        versions = self.versions(address, conditions)

        async def work(unit: UnitOfWork) -> Made | Row:
            change = await unit.announce("update", instance, values, key, versions)
            if (plain := unit.plain([change])) is not None:
                return plain[0]
            found = await unit.update(change, key, reset)
            return Made(found, *await unit.read(found, shape, texts))

        return await self.in_unit(address, work)

    async def delete_in_unit(self, address: Address, conditions: Conditions) -> bool:
        """Delete a row in a session; `False` when that is left to a statement, as only hooks were to be called."""
        shape, texts = self.pipeline.split(address.query_string)
        prepared = self.prepare(address.endpoint, Action(kind="delete"), shape)
        key = bind(prepared.plan, address.key + texts)
        versions = self.versions(address, conditions)

        async def work(unit: UnitOfWork) -> bool:
            change = await unit.announce("delete", None, {}, key, versions)
            if unit.plain([change]) is not None:
                return False
            await unit.delete(change, key)
            return True

        return await self.in_unit(address, work)

    async def restore_in_unit(self, address: Address, conditions: Conditions) -> Made:
        """Bring back a row in a session."""
        shape, texts = self.pipeline.split(address.query_string)
        deleted = address.endpoint.resource.deleted
        assert deleted is not None  # the router knows which resources can be restored
        key = self.key_of(address, shape, texts)
        versions = self.versions(address, conditions)

        async def work(unit: UnitOfWork) -> Made:
            change = await unit.announce("restore", None, {deleted: None}, key, versions)
            found = await unit.restore(change, key)
            return Made(found, *await unit.read(found, shape, texts))

        return await self.in_unit(address, work)

    def versions(self, address: Address, conditions: Conditions) -> list[Any] | None:
        """Read the versions that a client expects a row to be in, `None` for any. Raises `PreconditionRequired`."""
        require(address.endpoint.resource, conditions)
        expected = conditions.versions()
        return None if expected is None else parsed(address.endpoint.resource, expected)

    def key_of(self, address: Address, shape: Shape, texts: tuple[str, ...]) -> Sequence[Any]:
        """Read the key in the path, and refuse a query string that is wrong."""
        read = self.pipeline.prepare(self.items[address.endpoint.resource.name], shape)
        return bind(read.plan, address.key + texts)[: len(address.key)]

    async def in_unit(self, address: Address, work: Callable[[UnitOfWork], Awaitable[T]]) -> T:
        """Work in a transaction; again, in a new one, if the database gave it up for the sake of another one."""
        if self.unit is not None:
            return await work(self.unit)
        item = self.items[address.endpoint.target.name]

        async def attempt() -> T:
            try:
                async with unit_of_work(self.pipeline, item, address.scope) as unit:
                    return await work(unit)
            except Refused as error:
                if error.rejected.again:
                    raise error.rejected from error
                raise

        try:
            return await tried(attempt)
        except Rejected as error:
            raise Conflict("Others are changing the same rows.", hint="Try again.") from error
        except Refused as error:
            raise await error.problem(self.pipeline.schema, self.pipeline.database) from error
