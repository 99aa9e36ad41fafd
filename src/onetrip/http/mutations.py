"""The spine of writes: from a request with a body to its answer.

A body is checked by its model. Then the shape of the request, which is that of a read and the columns that the body
sets, finds its prepared statement, which makes the change and answers with the row. Where a second statement is needed
(`WriteStatement.again`), both are one transaction.
"""

import asyncio
import random
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from pydantic import MISSING, BaseModel, TypeAdapter, ValidationError
from pydantic_core import from_json, to_jsonable_python

from onetrip.db.database import Database
from onetrip.db.nested import Nested
from onetrip.db.runner import Rejected, Row, Steps, T
from onetrip.errors import Conflict, Invalid, NotFound, PreconditionFailed, PreconditionRequired, Problem
from onetrip.http.answer import GONE, Answer, array, version_tag, written, written_many
from onetrip.http.body import body_problem, load_json
from onetrip.http.idempotency import Key, Keys
from onetrip.http.increments import NO_AMOUNTS, amounts_of
from onetrip.http.pipeline import Pipeline, Prepared, bind
from onetrip.http.refused import Refused
from onetrip.http.request import Conditions
from onetrip.http.routes import key_path
from onetrip.http.unit_of_work import UnitOfWork, unit_of_work
from onetrip.plan.ir import WritePlan
from onetrip.plan.link import plan_change
from onetrip.plan.read import Endpoint
from onetrip.plan.write import Action
from onetrip.query.parser import Shape, parse, split
from onetrip.schema.model import Body, Field, ResourceSchema
from onetrip.sql.statement import SEPARATOR, VERSION, WriteStatement
from onetrip.sql.write import compile_write

ATTEMPTS = 4
"""How often a write is tried that the database gives up for the sake of another one."""


class Address(NamedTuple):
    """What a write is addressed to: an endpoint, the texts of its key, the path as it was written, and the query.

    `scope` is the ASGI scope, for hooks.
    """

    endpoint: Endpoint
    key: tuple[str, ...]
    path: bytes
    query_string: bytes
    scope: Mapping[str, Any]
    many: bool = False


@dataclass(frozen=True, slots=True)
class PreparedWrite:
    """The shape of a write that is ready to run."""

    plan: WritePlan
    statement: WriteStatement
    shape: Shape


class Mutations:
    """Answers writes. Holds the bounded cache of prepared shapes, least recently used first."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.database: Database | Nested = pipeline.database
        self.unit: UnitOfWork | None = None
        self.limits = pipeline.limits
        self.prepared: OrderedDict[tuple[Endpoint, Action, Shape], PreparedWrite] = OrderedDict()
        resources = pipeline.schema.resources.values()
        self.created = {
            resource.name: Endpoint(kind="created", resource=resource, target=resource) for resource in resources
        }
        self.items = {
            resource.name: Endpoint(kind="item", resource=resource, target=resource) for resource in resources
        }

    async def once(
        self, address: Address, keys: Keys, key: Key, action: str, change: "Callable[[Mutations], Awaitable[Answer]]"
    ) -> Answer:
        """Make a change that has an idempotency key: in a transaction that is open, which keeps the answer too.

        `change` is given what to make it with. Raises `Problem`.
        """
        inside = copy(self)
        if action in address.endpoint.target.writes.unit_of_work:

            async def work(unit: UnitOfWork) -> Answer:
                inside.unit = unit
                return await keys.once(key, unit.execute, lambda: change(inside))

            return await self._in_unit(address, work)
        async with self.pipeline.database.begin() as nested:
            inside.database = nested
            return await keys.once(key, nested.execute, lambda: change(inside))

    async def create(self, address: Address, raw: bytes, conditions: Conditions) -> Answer:
        """Create one row, or each of an array: 201 with what was created. Raises `Problem`."""
        resource = address.endpoint.resource
        body = _taken(resource.writes.create)
        loaded = load_json(raw)
        if isinstance(loaded, list):
            return await self._create_many(address, body, raw, len(loaded))
        instance = validated(body, raw)
        values = values_of(body, instance)
        shape, texts = split(address.query_string)
        if "create" in resource.writes.unit_of_work:
            ((key, version, record),) = await self._create_in_unit(address, [instance], [values], shape, texts)
            return written(record, version, _location(address, key))
        prepared = self._prepare(self.created[resource.name], Action(kind="create", columns=tuple(values)), shape)
        row = await self._run(prepared, [*bind(prepared.plan, texts), *values.values()], texts, conditions)
        assert row is not None
        identity, record = row
        key = tuple(identity[str(number)] for number in range(len(resource.key)))
        return written(record, identity.get(VERSION), _location(address, key))

    async def update(self, address: Address, raw: bytes, conditions: Conditions) -> Answer:
        """Change what the body names: 200 with the row. Raises `Problem`."""
        resource = address.endpoint.resource
        body = _taken(resource.writes.update)
        amounts, rest = amounts_of(resource, body, load_json(raw), raw)
        instance = validated(body, rest)
        values = values_of(body, instance, instance.model_fields_set)
        return await self._change(address, instance, values, (), conditions, amounts)

    async def replace(self, address: Address, raw: bytes, conditions: Conditions) -> Answer:
        """Replace a row: 200 with the row. Raises `Problem`."""
        load_json(raw)
        body = _taken(address.endpoint.resource.writes.replace)
        instance = validated(body, raw)
        values = values_of(body, instance)
        reset = tuple(column for column in body.columns.values() if column not in values)
        return await self._change(address, instance, values, reset, conditions)

    async def _change(
        self, address: Address, instance: BaseModel, values: dict[Field, Any], reset: tuple[Field, ...],
        conditions: Conditions, amounts: Mapping[Field, Any] = NO_AMOUNTS,
    ) -> Answer:  # fmt: skip
        """Write the values that were sent, and add the amounts; those of `reset` become what they are by default."""
        shape, texts = split(address.query_string)
        resource = address.endpoint.resource
        if "update" in resource.writes.unit_of_work and (values or reset or resource.writes.hooks):
            version, record = await self._update_in_unit(address, instance, values, reset, conditions)
            return written(record, version)
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
        shape, texts = split(address.query_string)
        if "delete" in address.endpoint.resource.writes.unit_of_work:
            await self._delete_in_unit(address, conditions)
        else:
            await self._conditional(address, Action(kind="delete"), shape, texts, [], conditions)
        return GONE

    async def _create_in_unit(
        self, address: Address, instances: Sequence[BaseModel], rows: Sequence[dict[Field, Any]], shape: Shape,
        texts: tuple[str, ...],
    ) -> list[tuple[tuple[str, ...], object | None, bytes]]:  # fmt: skip
        """Create rows in one session: the key, the version and the JSON of each."""
        item = self.items[address.endpoint.resource.name]
        self.pipeline.prepare(item, shape)  # a query string that is wrong is refused before anything is written

        async def work(unit: UnitOfWork) -> list[tuple[tuple[str, ...], object | None, bytes]]:
            keys = []
            for number, (instance, values) in enumerate(zip(instances, rows, strict=True)):
                try:
                    keys.append(await unit.create(instance, values))
                except Refused as error:
                    error.index = number if address.many else None
                    raise
            return [(key, *await unit.read(key, shape, texts)) for key in keys]

        return await self._in_unit(address, work)

    async def _update_in_unit(
        self, address: Address, instance: BaseModel, values: dict[Field, Any], reset: tuple[Field, ...],
        conditions: Conditions,
    ) -> tuple[object | None, bytes]:  # fmt: skip
        """Change a row in a session: its version and its JSON."""
        shape, texts = split(address.query_string)
        resource = address.endpoint.resource
        require(resource, conditions)
        key = self._key_of(address, shape, texts)
        expected = conditions.versions()
        versions = None if expected is None else parsed(resource, expected)

        async def work(unit: UnitOfWork) -> tuple[object | None, bytes]:
            found = await unit.update(key, instance, values, reset, versions)
            if found is None:
                raise stale(resource)
            return await unit.read(found, shape, texts)

        return await self._in_unit(address, work)

    async def _delete_in_unit(self, address: Address, conditions: Conditions) -> None:
        shape, texts = split(address.query_string)
        resource = address.endpoint.resource
        require(resource, conditions)
        prepared = self._prepare(address.endpoint, Action(kind="delete"), shape)
        key = bind(prepared.plan, address.key + texts)
        expected = conditions.versions()
        versions = None if expected is None else parsed(resource, expected)

        async def work(unit: UnitOfWork) -> None:
            if not await unit.delete(key, versions):
                raise stale(resource)

        await self._in_unit(address, work)

    def _key_of(self, address: Address, shape: Shape, texts: tuple[str, ...]) -> Sequence[Any]:
        """Read the key in the path, and refuse a query string that is wrong."""
        read = self.pipeline.prepare(self.items[address.endpoint.resource.name], shape)
        return bind(read.plan, address.key + texts)[: len(address.key)]

    async def _in_unit(self, address: Address, work: Callable[[UnitOfWork], Awaitable[T]]) -> T:
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

    async def _conditional(
        self, address: Address, action: Action, shape: Shape, texts: tuple[str, ...], values: list[Any],
        conditions: Conditions,
    ) -> "Written":  # fmt: skip
        """Change one row, if it is in a version that the client expects. Raises `NotFound` and `PreconditionFailed`."""
        resource = address.endpoint.resource
        require(resource, conditions)
        expected = conditions.versions()
        if expected is None:
            attempts: list[tuple[Action, list[Any]]] = [(action, [])]
        else:
            attempts = [(action.expecting(), [version]) for version in parsed(resource, expected)]
        for attempt, version in attempts:
            prepared = self._prepare(address.endpoint, attempt, shape)
            bound = [*bind(prepared.plan, address.key + texts), *version, *values]
            if (row := await self._run(prepared, bound, texts, conditions)) is not None:
                return row
        if expected is None:
            raise NotFound(f"There is no such row in '{resource.name}'.")
        read = self.pipeline.prepare(self.items[resource.name], ())
        if not is_found(await self.database.run(read.statement, bind(read.plan, address.key))):
            raise NotFound(f"There is no such row in '{resource.name}'.")
        raise stale(resource)

    async def _create_many(self, address: Address, body: Body, raw: bytes, count: int) -> Answer:
        """Create all rows of an array, or none."""
        resource = address.endpoint.resource
        instances = validated_many(body, raw, count, self.limits.rows)
        rows = [values_of(body, instance) for instance in instances]
        shape, texts = split(address.query_string)
        if "create" in resource.writes.unit_of_work:
            made = await self._create_in_unit(address._replace(many=True), instances, rows, shape, texts)
            return written_many(array(SEPARATOR.join([record for _, _, record in made])), 201)
        groups: dict[tuple[Field, ...], list[int]] = {}
        for number, row in enumerate(rows):
            groups.setdefault(tuple(row), []).append(number)
        endpoint = self.created[resource.name]
        prepared = [
            (self._prepare(endpoint, Action(kind="create", columns=columns, many=True), shape), numbers)
            for columns, numbers in groups.items()
        ]
        if not prepared:  # nothing is written, and the query string is judged all the same
            self._prepare(endpoint, Action(kind="create", columns=tuple(body.columns.values())), shape)
            return written_many(b"[]", 201)
        batch = Batch(self, endpoint, rows, prepared, shape, texts)
        records = await batch.run()
        return written_many(array(SEPARATOR.join(records)), 201)

    def _prepare(self, endpoint: Endpoint, action: Action, shape: Shape) -> PreparedWrite:
        """Find a prepared shape, or plan and compile it, and remember it."""
        found = self.prepared.get((endpoint, action, shape))
        if found is not None:
            self.prepared.move_to_end((endpoint, action, shape))
            return found
        plan = plan_change(parse(shape), endpoint, action, self.pipeline.schema, self.limits)
        found = PreparedWrite(plan, compile_write(plan, self.database.dialect), shape)
        if len(self.prepared) >= self.limits.shapes:
            self.prepared.popitem(last=False)
        self.prepared[endpoint, action, shape] = found
        return found

    async def _run(
        self, prepared: PreparedWrite, values: list[Any], texts: tuple[str, ...], conditions: Conditions
    ) -> "Written | None":
        """Run a write of one row. `None`: there is no such row."""
        values += [generated.value() for generated in prepared.plan.generated]
        statement = prepared.statement.statement
        try:
            if prepared.statement.again:
                return await tried(lambda: self.database.transact(lambda: self.steps(prepared, values, texts)))
            row = await tried(lambda: self.database.write(statement, tuple(values)))
        except Rejected as error:
            raise await self.refused(error, prepared.plan, values) from error
        return None if row is None else separated(row, prepared)

    async def refused(
        self, error: Rejected, plan: WritePlan, values: Sequence[Any], index: int | None = None
    ) -> Problem:
        """Say what the database refused."""
        return await Refused.by(error, plan, values, index).problem(self.pipeline.schema, self.pipeline.database)

    def steps(self, prepared: PreparedWrite, values: Sequence[Any], texts: tuple[str, ...]) -> "Steps[Written | None]":
        """Write one row, and read it where the statement cannot answer with it."""
        statement = prepared.statement.statement
        row = yield statement.text, statement.bind(values)
        if row is None or not prepared.statement.again:
            return None if row is None else separated(row, prepared)
        identity = from_json(row[0])
        return (yield from self.read_back(prepared, identity, texts))

    def read_back(self, prepared: PreparedWrite, identity: dict[str, Any], texts: tuple[str, ...]) -> "Steps[Written]":
        """Read a row that was just written, as it was asked for."""
        resource = prepared.plan.resource
        read = self.pipeline.prepare(self.items[resource.name], prepared.shape)
        key = tuple(str(identity[str(number)]) for number in range(len(resource.key)))
        found = yield read.statement.text, read.statement.bind(bind(read.plan, key + texts))
        assert found is not None
        _, _, record = found[0].rpartition(SEPARATOR)
        return Written(identity, _finished(read, record))


async def tried(attempt: Callable[[], Awaitable[T]]) -> T:
    """Write; again, a little later, if the database gave it up for the sake of another one. Raises `Rejected`."""
    for number in range(1, ATTEMPTS):
        try:
            return await attempt()
        except Rejected as error:
            if not error.again:
                raise
        await asyncio.sleep(random.uniform(0, 0.01 * 2**number))
    return await attempt()


class Written(NamedTuple):
    """A row as it is after a write: its key and version, and its JSON."""

    identity: dict[str, Any]
    record: bytes


def separated(row: Row, prepared: PreparedWrite) -> Written:
    """Take apart what a statement answers."""
    """Take the value of a write apart."""
    if prepared.plan.shape is None:
        return Written({}, b"")
    identity, _, record = row[0].partition(SEPARATOR)
    finish = prepared.statement.statement.finish
    return Written(from_json(identity), record if finish is None else finish(record))


def _finished(read: Prepared, record: bytes) -> bytes:
    return record if read.statement.finish is None else read.statement.finish(record)


def absent(resource: ResourceSchema) -> NotFound:
    """Say that there is no such row."""
    return NotFound(f"There is no such row in '{resource.name}'.")


def is_found(row: Row | None) -> bool:
    """Say whether a read of one row has found it."""
    return row is not None and bool(row[0])


# Batches


@dataclass(frozen=True, slots=True)
class Batch:
    """The rows of an array, in groups that set the same columns; `key` are the texts of the key in the path."""

    mutations: Mutations
    endpoint: Endpoint
    rows: Sequence[dict[Field, Any]]
    prepared: Sequence[tuple[PreparedWrite, Sequence[int]]]
    shape: Shape
    texts: tuple[str, ...]
    key: tuple[str, ...] = ()

    async def run(self) -> list[bytes]:
        """Write all rows; where the database says that one is wrong, find out which."""
        database, at = self.mutations.database, [0]
        first = self.prepared[0][0]
        try:
            if len(self.prepared) == 1 and not (first.statement.each or first.statement.again):
                row = await tried(lambda: database.write(first.statement.statement, self._lists(0)))
                return self._records(first, row)
            return await tried(lambda: database.transact(self._steps))
        except Rejected as error:
            if error.again:
                raise await self.mutations.refused(error, first.plan, ()) from error
        try:
            return await tried(lambda: database.transact(lambda: self._singly(at)))
        except Rejected as error:
            prepared, values = self._single(at[-1])
            raise await self.mutations.refused(error, prepared.plan, values, at[-1]) from error

    def _lists(self, group: int) -> tuple[Any, ...]:
        """Turn the rows of a group into a list for each column."""
        prepared, numbers = self.prepared[group]
        columns = prepared.plan.mutation.assignments[: len(self.rows[numbers[0]])]  # type: ignore[union-attr]
        given = [[self.rows[number][column.field] for number in numbers] for column in columns]
        made = [[generated.value() for _ in numbers] for generated in prepared.plan.generated]
        return (*bind(prepared.plan, self.key + self.texts), *given, *made)

    def _records(self, prepared: PreparedWrite, row: Row | None) -> list[bytes]:
        assert row is not None
        count, _, records = row[0].partition(SEPARATOR)
        if self.key and count == b"0":
            raise absent(self.endpoint.resource)
        finish = prepared.statement.statement.finish
        return [record if finish is None else finish(record) for record in records.split(SEPARATOR)]

    def _steps(self) -> Steps[list[bytes]]:
        """Write group by group."""
        answers: dict[int, bytes] = {}
        for group, (prepared, numbers) in enumerate(self.prepared):
            if prepared.statement.each:
                for number in numbers:
                    answers[number] = yield from self._one(prepared, self._values(prepared, number))
                continue
            statement = prepared.statement.statement
            row = yield statement.text, statement.bind(self._lists(group))
            records = self._records(prepared, row)
            if prepared.statement.again:
                for number, identity in zip(numbers, records, strict=True):
                    back = yield from self.mutations.read_back(prepared, from_json(identity), self.texts)
                    answers[number] = back.record
            else:
                answers.update(zip(numbers, records, strict=True))
        return [answers[number] for number in range(len(self.rows))]

    def _single(self, number: int) -> tuple[PreparedWrite, list[Any]]:
        """Prepare the write of one row alone, and list its values."""
        action = Action(kind="create", columns=tuple(self.rows[number]))
        prepared = self.mutations._prepare(self.endpoint, action, self.shape)
        return prepared, self._values(prepared, number)

    def _values(self, prepared: PreparedWrite, number: int) -> list[Any]:
        made = [generated.value() for generated in prepared.plan.generated]
        return [*bind(prepared.plan, self.key + self.texts), *self.rows[number].values(), *made]

    def _one(self, prepared: PreparedWrite, values: list[Any]) -> Steps[bytes]:
        answer = yield from self.mutations.steps(prepared, values, self.texts)
        if answer is None:
            raise absent(self.endpoint.resource)
        return answer.record

    def _singly(self, at: list[int]) -> Steps[list[bytes]]:
        """Write row by row, noting which."""
        answers = []
        for number in range(len(self.rows)):
            at.append(number)
            answers.append((yield from self._one(*self._single(number))))
        return answers


# Bodies


def _taken(body: Body | None) -> Body:
    assert body is not None  # the router knows which methods a resource has
    return body


def validated(body: Body, raw: bytes) -> BaseModel:
    """Check a body. Raises `Invalid`."""
    try:
        return body.model.__pydantic_validator__.validate_json(raw)  # type: ignore[no-any-return]
    except ValidationError as error:
        raise body_problem(error, body.model) from None


def validated_many(body: Body, raw: bytes, count: int, limit: int) -> list[BaseModel]:
    """Check each row of an array. Raises `Invalid`."""
    if count > limit:
        raise Invalid.at(("body",), f"An array holds at most {limit} rows.", "too_many")
    try:
        return _list_of(body.model).validate_json(raw)
    except ValidationError as error:
        raise body_problem(error, body.model) from None


@cache
def _list_of(model: type[BaseModel]) -> TypeAdapter[list[Any]]:
    return TypeAdapter(list[model])  # type: ignore[valid-type]


def values_of(body: Body, instance: BaseModel, sent: Iterable[str] | None = None) -> dict[Field, Any]:
    """List the columns that an instance sets, with what is stored. `sent` are the only fields that count, if given."""
    fields = instance.__dict__
    given = instance.__pydantic_fields_set__
    values: dict[Field, Any] = {}
    for name, column in body.columns.items():
        value = fields[name]
        if value is MISSING or (sent is not None and name not in sent):
            continue
        if value is None and not column.nullable and name not in given:
            continue  # a default of a hand-written model that means: not known yet
        convert = _STORED.get(column.type.kind)
        values[column] = value if convert is None or value is None or column.type.decorated else convert(value)
    return values


_STORED: dict[str, Callable[[Any], Any]] = {"string": str, "address": str, "json": to_jsonable_python}
"""Kind → what is stored of a value that is richer than its column: an address, a model in a JSON column."""


# Conditions


def require(resource: ResourceSchema, conditions: Conditions) -> None:
    """Ask for `If-Match`, where rows are only changed with it. Raises `PreconditionRequired`."""
    if resource.writes.conditional and conditions.match is None:
        raise PreconditionRequired(
            f"'{resource.name}' is only changed with 'If-Match'.", hint="Send the ETag of the row as you last read it."
        )


def _location(address: Address, key: Sequence[object]) -> bytes:
    return address.path.rstrip(b"/") + b"/" + key_path(key)


def stale(resource: ResourceSchema) -> PreconditionFailed:
    """Say that a row is in no version that the client expects."""
    if resource.writes.version is None:
        hint = f"'{resource.name}' does not count changes, so 'If-Match' never matches: leave it out, or send '*'."
    else:
        hint = "Read it again, and send the ETag that comes with it in 'If-Match'."
    return PreconditionFailed("The row has changed since it was read.", hint=hint)


def parsed(resource: ResourceSchema, expected: Sequence[str]) -> list[Any]:
    """Read the versions that a client expects; what cannot be one matches nothing."""
    version = resource.writes.version
    if version is None:
        return []
    found = []
    for text in expected[:10]:
        try:
            found.append(version.type.parse(text))
        except (ValueError, OverflowError):
            continue
    return found
