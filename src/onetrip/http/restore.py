"""Bringing back a row that was deleted softly: `POST /{name}/{key}:restore`."""

from typing import Any

from onetrip.errors import NotFound
from onetrip.http.address import Address, parsed, require, stale
from onetrip.http.answer import Answer, written
from onetrip.http.mutations import Mutations
from onetrip.http.pipeline import bind
from onetrip.http.request import Conditions
from onetrip.http.statements import is_found
from onetrip.http.unit_of_work import UnitOfWork
from onetrip.plan.write import Action
from onetrip.query.parser import Shape, split
from onetrip.schema.model import ResourceSchema
from onetrip.sql.statement import VERSION
from onetrip.sql.write import find_deleted

RESTORE = Action(kind="restore")


async def restore(mutations: Mutations, address: Address, conditions: Conditions) -> Answer:
    """Bring back a row: 200 with it. Raises `Problem`: `NotFound` when no such row was deleted."""
    shape, texts = split(address.query_string)
    resource = address.endpoint.resource
    require(resource, conditions)
    if "restore" in resource.writes.unit_of_work:
        return await _in_unit(mutations, address, shape, texts, conditions)
    expected = conditions.versions()
    attempts: list[tuple[Action, tuple[Any, ...]]] = [(RESTORE, ())]
    if expected is not None:
        attempts = [(RESTORE.expecting(), (version,)) for version in parsed(resource, expected)]
    for action, version in attempts:
        prepared = mutations.prepare(address.endpoint, action, shape)
        bound = [*bind(prepared.plan, address.key + texts), *version]
        if (row := await mutations.run(prepared, bound, texts)) is not None:
            return written(row.record, row.identity.get(VERSION))
    plan = mutations.prepare(address.endpoint, RESTORE, shape).plan
    deleted = find_deleted(plan, mutations.database.dialect)
    if expected is None or not is_found(await mutations.database.run(deleted, bind(plan, address.key + texts))):
        raise _absent(resource)
    raise stale(resource)


async def _in_unit(
    mutations: Mutations, address: Address, shape: Shape, texts: tuple[str, ...], conditions: Conditions
) -> Answer:
    """Bring back a row in a session."""
    resource = address.endpoint.resource
    key = mutations.key_of(address, shape, texts)
    expected = conditions.versions()
    versions = None if expected is None else parsed(resource, expected)

    async def work(unit: UnitOfWork) -> tuple[object | None, bytes]:
        found = await unit.restore(key, versions)
        if found is None:
            raise stale(resource)
        return await unit.read(found, shape, texts)

    version, record = await mutations.in_unit(address, work)
    return written(record, version)


def _absent(resource: ResourceSchema) -> NotFound:
    return NotFound(f"No such row of '{resource.name}' was deleted.")
