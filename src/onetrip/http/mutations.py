"""The spine of writes: from a request with a body to its answer.

A body is checked by its model, and its values are written: by a statement, or by a unit of work where hooks, listeners
or cascades need the ORM. A request that has an idempotency key is made once.
"""

from collections.abc import Awaitable, Callable, Mapping
from copy import copy
from typing import Any

from pydantic import BaseModel

from onetrip.http.address import Address, absent, location, require, stale
from onetrip.http.answer import GONE, Answer, array, version_tag, written, written_many
from onetrip.http.batch import Batch
from onetrip.http.body import load_json
from onetrip.http.idempotency import Key, Keys
from onetrip.http.increments import NO_AMOUNTS, amounts_of
from onetrip.http.nested import change_nested, create_nested
from onetrip.http.nested_body import nests
from onetrip.http.pipeline import bind
from onetrip.http.request import Conditions
from onetrip.http.statements import Written, is_found
from onetrip.http.unit_of_work import UnitOfWork
from onetrip.http.units import Made, Units
from onetrip.http.values import taken, validated, validated_many, values_of
from onetrip.plan.write import Action
from onetrip.query.split import Shape
from onetrip.schema.model import Body, Field, NestedBody
from onetrip.sql.statement import SEPARATOR, VERSION


class Mutations(Units):
    """Answers writes."""

    async def once(
        self, address: Address, keys: Keys, key: Key, action: str, raw: bytes,
        change: "Callable[[Mutations], Awaitable[Answer]]",
    ) -> Answer:  # fmt: skip
        """Make a change that has an idempotency key: in a transaction that is open, which keeps the answer too.

        `change` is given what to make it with. Raises `Problem`.
        """
        inside = copy(self)
        in_unit = action in address.endpoint.target.writes.unit_of_work
        if in_unit or (self._nested(address, action) and self._nesting(address, action, load_json(raw))):

            async def work(unit: UnitOfWork) -> Answer:
                inside.unit = unit
                return await keys.once(key, unit.execute, lambda: change(inside))

            return await self.in_unit(address, work)
        async with self.pipeline.database.begin() as nested:
            inside.database = nested
            return await keys.once(key, nested.execute, lambda: change(inside))

    async def create(self, address: Address, raw: bytes, conditions: Conditions) -> Answer:
        """Create one row, or each of an array: 201 with what was created. Raises `Problem`."""
        resource = address.endpoint.resource
        body = taken(resource.writes.create)
        loaded = load_json(raw)
        if (nested := self._nesting(address, "create", loaded)) is not None:
            made_of = await create_nested(self, nested, address, raw, loaded)
            if isinstance(loaded, list):
                return written_many(array(SEPARATOR.join([each.record for each in made_of])), 201)
            return written(made_of[0].record, made_of[0].version, location(address, made_of[0].key))
        if isinstance(loaded, list):
            return await self._create_many(address, body, raw, len(loaded))
        instance = validated(body, raw)
        values = values_of(body, instance)
        shape, texts = self.pipeline.split(address.query_string)
        if "create" in resource.writes.unit_of_work:
            (made,) = await self.create_in_unit(address, [instance], [values], shape, texts)
            if isinstance(made, Made):
                return written(made.record, made.version, location(address, made.key))
            values = made
        prepared = self.prepare(self.created[resource.name], Action(kind="create", columns=tuple(values)), shape)
        row = await self.run(prepared, [*bind(prepared.plan, texts), *values.values()], texts)
        assert row is not None
        identity, record = row
        key = tuple(identity[str(number)] for number in range(len(resource.key)))
        return written(record, identity.get(VERSION), location(address, key))

    async def update(self, address: Address, raw: bytes, conditions: Conditions) -> Answer:
        """Change what the body names: 200 with the row. Raises `Problem`."""
        resource = address.endpoint.resource
        body, loaded = taken(resource.writes.update), load_json(raw)
        if (nested := self._nesting(address, "update", loaded)) is not None:
            made = await change_nested(self, nested, address, raw, loaded, conditions)
            return written(made.record, made.version)
        amounts, rest = amounts_of(resource, body, loaded, raw)
        instance = validated(body, rest)
        values = values_of(body, instance, instance.model_fields_set)
        return await self._change(address, instance, values, (), conditions, amounts)

    async def replace(self, address: Address, raw: bytes, conditions: Conditions) -> Answer:
        """Replace a row: 200 with the row. Raises `Problem`."""
        body, loaded = taken(address.endpoint.resource.writes.replace), load_json(raw)
        if (nested := self._nesting(address, "replace", loaded)) is not None:
            made = await change_nested(self, nested, address, raw, loaded, conditions)
            return written(made.record, made.version)
        instance = validated(body, raw)
        values = values_of(body, instance)
        reset = tuple(column for column in body.columns.values() if column not in values)
        return await self._change(address, instance, values, reset, conditions)

    def _nested(self, address: Address, kind: str) -> NestedBody | None:
        """Find the body in which rows of relations may stand; there is none for what comes through a relation."""
        endpoint = address.endpoint
        bodies = self.pipeline.schema.nested.get(endpoint.resource.name, {})
        return bodies.get(kind) if endpoint.relation is None and endpoint.kind in ("collection", "item") else None

    def _nesting(self, address: Address, kind: str, document: Any) -> NestedBody | None:
        """Do the same if there are such rows in a body."""
        nested = self._nested(address, kind)
        return nested if nested is not None and nests(nested, document) else None

    async def _change(
        self, address: Address, instance: BaseModel, values: dict[Field, Any], reset: tuple[Field, ...],
        conditions: Conditions, amounts: Mapping[Field, Any] = NO_AMOUNTS,
    ) -> Answer:  # fmt: skip
        """Write the values that were sent, and add the amounts; those of `reset` become what they are by default."""
        shape, texts = self.pipeline.split(address.query_string)
        resource = address.endpoint.resource
        if "update" in resource.writes.unit_of_work and (values or reset or resource.writes.hooks):
            made = await self.update_in_unit(address, instance, values, reset, conditions)
            if isinstance(made, Made):
                return written(made.record, made.version)
            values, reset = made, tuple(column for column in reset if column not in made)
        if not values and not reset and not amounts:
            return await self._unchanged(address, conditions)
        action = Action(kind="update", columns=tuple(values), reset=reset, increments=tuple(amounts))
        bound = [*values.values(), *amounts.values()]
        row = await self._conditional(address, action, shape, texts, bound, conditions)
        identity, record = row
        return written(record, identity.get(VERSION))

    async def _unchanged(self, address: Address, conditions: Conditions) -> Answer:
        """Answer with the row as it is, to a change of nothing."""
        resource = address.endpoint.resource
        answer = await self.pipeline.read(*address[:4], None)
        require(resource, conditions)
        expected = conditions.versions()
        tag = dict(answer.headers)[b"etag"]
        if expected is not None and tag not in [version_tag(version) for version in expected]:
            raise stale(resource)
        return answer

    async def delete(self, address: Address, conditions: Conditions) -> Answer:
        """Delete a row: 204. Raises `Problem`."""
        shape, texts = self.pipeline.split(address.query_string)
        in_unit = "delete" in address.endpoint.resource.writes.unit_of_work
        if not (in_unit and await self.delete_in_unit(address, conditions)):
            await self._conditional(address, Action(kind="delete"), shape, texts, [], conditions)
        return GONE

    async def _conditional(
        self, address: Address, action: Action, shape: Shape, texts: tuple[str, ...], values: list[Any],
        conditions: Conditions,
    ) -> "Written":  # fmt: skip
        """Change one row, if it is in a version that the client expects. Raises `NotFound` and `PreconditionFailed`."""
        resource = address.endpoint.resource
        expected = self.versions(address, conditions)
        if expected is None:
            attempts: list[tuple[Action, list[Any]]] = [(action, [])]
        else:
            self.prepare(address.endpoint, action, shape)  # a wrong query string comes before a wrong version
            attempts = [(action.expecting(), [version]) for version in expected]
        for attempt, version in attempts:
            prepared = self.prepare(address.endpoint, attempt, shape)
            bound = [*bind(prepared.plan, address.key + texts), *version, *values]
            if (row := await self.run(prepared, bound, texts)) is not None:
                return row
        if expected is None:
            raise absent(resource)
        read = self.pipeline.prepare(self.items[resource.name], ())
        if not is_found(await self.database.run(read.statement, bind(read.plan, address.key))):
            raise absent(resource)
        raise stale(resource)

    async def _create_many(self, address: Address, body: Body, raw: bytes, count: int) -> Answer:
        """Create all rows of an array, or none."""
        resource = address.endpoint.resource
        instances = validated_many(body, raw, count, self.limits.rows)
        rows = [values_of(body, instance) for instance in instances]
        shape, texts = self.pipeline.split(address.query_string)
        if "create" in resource.writes.unit_of_work:
            made = await self.create_in_unit(address._replace(many=True), instances, rows, shape, texts)
            records = [each.record for each in made if isinstance(each, Made)]
            if records:
                return written_many(array(SEPARATOR.join(records)), 201)
            rows = [each for each in made if isinstance(each, dict)]
        endpoint = self.created[resource.name]
        if not rows:  # nothing is written, and the query string is judged all the same
            self.prepare(endpoint, Action(kind="create", columns=tuple(body.columns.values())), shape)
            return written_many(b"[]", 201)
        records = await Batch.of(self, endpoint, rows, shape, texts).run()
        return written_many(array(SEPARATOR.join(records)), 201)
