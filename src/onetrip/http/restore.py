"""Bringing back a row that was deleted softly: `POST /{name}/{key}:restore`."""

from typing import Any

from onetrip.errors import NotFound
from onetrip.http.address import Address, stale
from onetrip.http.answer import Answer, written
from onetrip.http.mutations import Mutations
from onetrip.http.pipeline import bind
from onetrip.http.request import Conditions
from onetrip.http.statements import is_found
from onetrip.plan.write import Action
from onetrip.schema.model import ResourceSchema
from onetrip.sql.statement import VERSION
from onetrip.sql.write import find_deleted

RESTORE = Action(kind="restore")


async def restore(mutations: Mutations, address: Address, conditions: Conditions) -> Answer:
    """Bring back a row: 200 with it. Raises `Problem`: `NotFound` when no such row was deleted."""
    shape, texts = mutations.pipeline.split(address.query_string)
    resource = address.endpoint.resource
    if "restore" in resource.writes.unit_of_work:
        made = await mutations.restore_in_unit(address, conditions)
        return written(made.record, made.version)
    expected = mutations.versions(address, conditions)
    attempts: list[tuple[Action, tuple[Any, ...]]] = [(RESTORE, ())]
    if expected is not None:
        attempts = [(RESTORE.expecting(), (version,)) for version in expected]
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


def _absent(resource: ResourceSchema) -> NotFound:
    return NotFound(f"No such row of '{resource.name}' was deleted.")
