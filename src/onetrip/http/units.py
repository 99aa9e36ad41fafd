"""Writes by units of work: what statements do, for resources whose hooks, listeners or cascades need the ORM."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel

from onetrip.db.runner import Rejected, T, tried
from onetrip.errors import Conflict
from onetrip.http.address import Address, parsed, require, stale
from onetrip.http.pipeline import Pipeline, bind
from onetrip.http.refused import Refused
from onetrip.http.request import Conditions
from onetrip.http.statements import Statements
from onetrip.http.unit_of_work import UnitOfWork, unit_of_work
from onetrip.plan.write import Action
from onetrip.query.parser import Shape, split
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

    async def create_in_unit(
        self, address: Address, instances: Sequence[BaseModel], rows: Sequence[Row], shape: Shape,
        texts: tuple[str, ...],
    ) -> list[Made] | list[Row]:  # fmt: skip
        """Create rows in one session; or answer what is left to statements, where only hooks were to be called."""
        item = self.items[address.endpoint.resource.name]
        self.pipeline.prepare(item, shape)  # a query string that is wrong is refused before anything is written

        async def work(unit: UnitOfWork) -> list[Made] | list[Row]:
            announced = [await unit.announce(instance, row) for instance, row in zip(instances, rows, strict=True)]
            if (plain := unit.plain(announced)) is not None:
                return plain
            keys = []
            for number, change in enumerate(announced):
                try:
                    keys.append(await unit.make(change))
                except Refused as error:
                    error.index = number if address.many else None
                    raise
            return [Made(key, *await unit.read(key, shape, texts)) for key in keys]

        return await self.in_unit(address, work)

    async def update_in_unit(
        self, address: Address, instance: BaseModel, values: dict[Field, Any], reset: tuple[Field, ...],
        conditions: Conditions,
    ) -> tuple[object | None, bytes]:  # fmt: skip
        """Change a row in a session: its version and its JSON."""
        shape, texts = split(address.query_string)
        resource = address.endpoint.resource
        require(resource, conditions)
        key = self.key_of(address, shape, texts)
        expected = conditions.versions()
        versions = None if expected is None else parsed(resource, expected)

        async def work(unit: UnitOfWork) -> tuple[object | None, bytes]:
            found = await unit.update(key, instance, values, reset, versions)
            if found is None:
                raise stale(resource)
            return await unit.read(found, shape, texts)

        return await self.in_unit(address, work)

    async def delete_in_unit(self, address: Address, conditions: Conditions) -> None:
        """Delete a row in a session."""
        shape, texts = split(address.query_string)
        resource = address.endpoint.resource
        require(resource, conditions)
        prepared = self.prepare(address.endpoint, Action(kind="delete"), shape)
        key = bind(prepared.plan, address.key + texts)
        expected = conditions.versions()
        versions = None if expected is None else parsed(resource, expected)

        async def work(unit: UnitOfWork) -> None:
            if not await unit.delete(key, versions):
                raise stale(resource)

        await self.in_unit(address, work)

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
