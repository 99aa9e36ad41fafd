"""Changes through a relation: a POST to it makes rows under their parent, PUT and DELETE on a member link and unlink.

What is special about them is here: the keys that come from the path. The rest is the spine of all writes.
"""

import json
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any, NamedTuple
from urllib.parse import quote

from pydantic import BaseModel, ValidationError
from pydantic_core import to_jsonable_python

from onetrip.db import session as sessions
from onetrip.db.runner import Rejected, Steps, tried
from onetrip.errors import ErrorItem, Invalid, Location, NotFound
from onetrip.http.address import Address, absent
from onetrip.http.answer import GONE, Answer, array, written, written_many
from onetrip.http.batch import Batch
from onetrip.http.body import MAX_ITEMS, body_problem, load_json
from onetrip.http.mutations import Mutations
from onetrip.http.pipeline import bind
from onetrip.http.refused import Refused
from onetrip.http.request import Conditions
from onetrip.http.routes import key_name, key_path
from onetrip.http.statements import PreparedWrite, Written, is_found, separated
from onetrip.http.unit_of_work import UnitOfWork
from onetrip.http.values import values_of
from onetrip.plan.read import Endpoint
from onetrip.plan.write import Action
from onetrip.query.split import Shape
from onetrip.schema.model import Body, Field, Pairs, Relation, ResourceSchema, Through
from onetrip.sql.statement import SEPARATOR, VERSION

Row = dict[Field, Any]


class Links:
    """Answers writes through relations."""

    def __init__(self, mutations: Mutations) -> None:
        self.mutations = mutations
        self.pipeline = mutations.pipeline
        self.database = mutations.database
        self.through = mutations.pipeline.schema.through
        owners = {
            relation: resource
            for resource in mutations.pipeline.schema.resources.values()
            for relation in resource.relations.values()
            if relation in self.through
        }
        targets = mutations.pipeline.schema.resources
        self.children = {
            relation: Endpoint(kind="child", resource=owner, relation=relation, target=targets[relation.target])
            for relation, owner in owners.items()
        }
        self.members = {relation: replace(endpoint, kind="link") for relation, endpoint in self.children.items()}

    def within(self, mutations: Mutations) -> "Links":
        """Answer the same, made with other mutations: in a transaction that is open."""
        if mutations is self.mutations:
            return self
        inside = copy(self)
        inside.mutations, inside.database = mutations, mutations.database
        return inside

    # Children

    async def create(self, address: Address, raw: bytes, conditions: Conditions) -> Answer:
        """Create one row under its parent, or each of an array: 201 with what was created. Raises `Problem`."""
        making = self._making(address)
        value = load_json(raw)
        many = isinstance(value, list)
        if many and len(value) > self.mutations.limits.rows:
            message = f"An array holds at most {self.mutations.limits.rows} rows."
            raise Invalid.at(("body",), message, "too_many")
        instances = making.instances(value if many else [value], many)
        rows = [making.values(instance) for instance in instances]
        if "create" in making.endpoint.target.writes.unit_of_work:
            made = await self._create_in_unit(making, instances, rows, many)
        elif not many:
            made = [await self._create(making, rows[0], conditions)]
        elif making.through.rows is None or not rows:
            return written_many(array(SEPARATOR.join(await self._create_many(making, rows))), 201)
        else:
            made = await self._create_linked(making, rows, many)
        if many:
            return written_many(array(SEPARATOR.join([one.record for one in made])), 201)
        ((identity, record),) = made
        key = [identity[str(number)] for number in range(len(making.endpoint.target.key))]
        return written(record, identity.get(VERSION), _location(address, making.endpoint.target, key))

    def _making(self, address: Address) -> "_Making":
        """Find out what is to be made where, and under which row."""
        relation = address.endpoint.relation
        assert relation is not None
        endpoint, through = self.children[relation], self.through[relation]
        read = self.pipeline.prepare(self.mutations.items[endpoint.resource.name], ())
        parent = bind(read.plan, address.key)
        pairs = through.near if through.rows is None else ()
        shape, texts = self.pipeline.split(address.query_string)
        body = through.create
        assert body is not None  # the router knows which relations take a POST
        given = _given(pairs, endpoint.resource, parent)
        return _Making(address, endpoint, relation, through, body, given, parent, shape, texts)

    def _prepare(self, making: "_Making", row: Row) -> tuple[PreparedWrite, list[Any]]:
        """Prepare the write of one row, and list its values, without those that are generated."""
        prepared = self.mutations.prepare(making.endpoint, Action(kind="create", columns=tuple(row)), making.shape)
        return prepared, [*bind(prepared.plan, making.address.key + making.texts), *row.values()]

    def _judge(self, making: "_Making") -> None:
        """Refuse a query string that is wrong."""
        self.pipeline.prepare(self.mutations.items[making.endpoint.target.name], making.shape)

    async def _create(self, making: "_Making", row: Row, conditions: Conditions) -> Written:
        """Create one row: by one statement where the database can link it by the same one."""
        if making.through.rows is not None and not self.database.dialect.chains_writes():
            (made,) = await self._create_linked(making, [row], many=False)
            return made
        prepared, values = self._prepare(making, row)
        made_or_not = await self.mutations.run(prepared, values, making.texts)
        if made_or_not is None:
            raise absent(making.endpoint.resource)
        return made_or_not

    async def _create_many(self, making: "_Making", rows: Sequence[Row]) -> list[bytes]:
        endpoint = making.endpoint
        if rows:
            batch = Batch.of(self.mutations, endpoint, rows, making.shape, making.texts, making.address.key)
            return await batch.run()
        self._judge(making)  # nothing is written, and the request is judged all the same
        read = self.pipeline.prepare(self.mutations.items[endpoint.resource.name], ())
        if not is_found(await self.database.run(read.statement, making.parent)):
            raise absent(endpoint.resource)
        return []

    async def _create_linked(self, making: "_Making", rows: Sequence[Row], many: bool) -> list[Written]:
        """Create rows and link each, in one transaction."""
        at: list[tuple[PreparedWrite, list[Any]]] = []
        try:
            return await tried(lambda: self.database.transact(lambda: self._linking(making, rows, at)))
        except Rejected as error:
            prepared, values = at[-1]
            raise await self.mutations.refused(error, prepared.plan, values, len(at) - 1 if many else None) from error

    def _linking(
        self, making: "_Making", rows: Sequence[Row], at: list[tuple[PreparedWrite, list[Any]]]
    ) -> Steps[list[Written]]:
        at.clear()
        made = []
        for row in rows:
            prepared, values = self._prepare(making, row)
            values += [generated.value() for generated in prepared.plan.generated]
            at.append((prepared, values))
            statement = prepared.statement.statement
            found = yield statement.text, statement.bind(values)
            if found is None:
                raise absent(making.endpoint.resource)
            identity = json.loads(found[0].partition(SEPARATOR)[0])
            if not self.database.dialect.chains_writes():
                link, linked = self._link_to(making, _key_of(making.endpoint.target, identity))
                yield link.statement.statement.text, link.statement.statement.bind(linked)
            if prepared.statement.again:
                made.append((yield from self.mutations.read_back(prepared, identity, making.texts)))
            else:
                made.append(separated(found, prepared))
        return made

    def _link_to(self, making: "_Making", key: tuple[str, ...]) -> tuple[PreparedWrite, list[Any]]:
        """Prepare the link of a row that was just made, and list its values."""
        prepared = self.mutations.prepare(self.members[making.relation], Action(kind="create"), ())
        made = [generated.value() for generated in prepared.plan.generated]
        return prepared, [*bind(prepared.plan, making.address.key + key), *made]

    async def _create_in_unit(
        self, making: "_Making", instances: Sequence[BaseModel], rows: Sequence[Row], many: bool
    ) -> list[Written]:
        """Create rows in one session, for hooks and for what only the ORM does."""
        target = making.endpoint.target
        self._judge(making)  # a query string that is wrong is refused before anything is written

        async def work(unit: UnitOfWork) -> list[Written]:
            read = self.pipeline.prepare(self.mutations.items[making.endpoint.resource.name], ())
            if not is_found(await sessions.fetch(unit.session, read.statement, making.parent)):
                raise absent(making.endpoint.resource)
            keys = []
            for number, (instance, row) in enumerate(zip(instances, rows, strict=True)):
                try:
                    keys.append(await unit.create(instance, {**row, **making.given}))
                except Refused as error:
                    error.place = (number,) if many else ()
                    raise
                if making.through.rows is not None:
                    link, values = self._link_to(making, keys[-1])
                    await sessions.fetch(unit.session, link.statement.statement, values)
            made = []
            for key in keys:
                version, record = await unit.read(key, making.shape, making.texts)
                identity = {str(number): part for number, part in enumerate(key)}
                made.append(Written(identity if version is None else identity | {VERSION: version}, record))
            return made

        return await self.mutations.in_unit(making.address._replace(endpoint=self.mutations.items[target.name]), work)

    # Links

    async def link(self, address: Address, raw: bytes, conditions: Conditions) -> Answer:
        """Link two rows: 204, also where they are linked already. What the body says of the link replaces what it was.

        Raises `Problem`.
        """
        endpoint = address.endpoint
        assert endpoint.relation is not None
        through = self.through[endpoint.relation]
        shape, texts = self.pipeline.split(address.query_string)
        keys = bind(self.mutations.prepare(endpoint, Action(kind="delete"), shape).plan, address.key + texts)
        near = _given(through.near, endpoint.resource, keys)
        given = near | _given(through.far, endpoint.target, keys[len(endpoint.resource.key) :])
        body = through.link
        assert body is not None
        (instance,) = _instances(body, [load_json(raw) if raw else {}], given, key_name(endpoint.resource), many=False)
        values = {column: value for column, value in values_of(body, instance).items() if column not in given}
        changed = tuple(column for column in body.columns.values() if column not in given) if raw else ()
        action = Action(kind="create", columns=tuple(values), reset=changed)
        prepared = self.mutations.prepare(endpoint, action, shape)
        bound = [*bind(prepared.plan, address.key + texts), *values.values()]
        if await self.mutations.run(prepared, bound, texts) is None:
            names = f"'{endpoint.resource.name}' or in '{endpoint.target.name}'"
            raise NotFound(f"There is no such row in {names}.")
        return GONE

    async def unlink(self, address: Address, conditions: Conditions) -> Answer:
        """Undo a link: 204. Raises `Problem`."""
        shape, texts = self.pipeline.split(address.query_string)
        prepared = self.mutations.prepare(address.endpoint, Action(kind="delete"), shape)
        bound = [*bind(prepared.plan, address.key + texts)]
        if await self.mutations.run(prepared, bound, texts) is None:
            resource, target = address.endpoint.resource.name, address.endpoint.target.name
            raise NotFound(f"These rows of '{resource}' and '{target}' are not linked.")
        return GONE


class _Making(NamedTuple):
    """Rows that are about to be made through a relation: what the path says of them, and how they are answered.

    `given` are columns that the path sets in them, `parent` the values of the key of the row that they are made under.
    """

    address: Address
    endpoint: Endpoint
    relation: Relation
    through: Through
    body: Body
    given: Row
    parent: tuple[Any, ...]
    shape: Shape
    texts: tuple[str, ...]

    def instances(self, rows: Sequence[Any], many: bool) -> list[BaseModel]:
        """Check what was sent of each row."""
        return _instances(self.body, rows, self.given, key_name(self.endpoint.resource), many=many)

    def values(self, instance: BaseModel) -> Row:
        """List the columns that a row sets by itself."""
        return {column: value for column, value in values_of(self.body, instance).items() if column not in self.given}


def _given(pairs: Pairs, resource: ResourceSchema, key: Sequence[Any]) -> Row:
    """Say what the key of a row gives to the columns that refer to it."""
    values = {part.attribute: value for part, value in zip(resource.key, key, strict=False)}
    return {column: values[part.attribute] for column, part in pairs}


def _instances(
    body: Body, rows: Sequence[Any], given: Mapping[Field, Any], path: str, *, many: bool
) -> list[BaseModel]:
    """Check rows together with what the path gives to each of them. Raises `Invalid`."""
    written = {key: to_jsonable_python(given[column]) for key, column in body.given.items()}
    instances: list[BaseModel] = []
    errors: list[ErrorItem] = []
    hint: str | None = None
    for number, row in enumerate(rows):
        prefix: Location = ("body", number) if many else ("body",)
        sent = [key for key in written if isinstance(row, dict) and key in row]
        errors += [
            ErrorItem((*prefix, key), f"'{key}' is not a field that can be set here.", "unknown_field") for key in sent
        ]
        if sent:
            hint = f"The path says what {' and '.join(map(repr, sent))} is: leave it out."
            continue
        whole = {**row, **written} if isinstance(row, dict) else row
        try:
            instances.append(body.model.__pydantic_validator__.validate_json(json.dumps(whole)))
        except ValidationError as error:
            problem = body_problem(error, body.model, prefix, body.given)
            hint = hint or problem.hint
            errors += [
                replace(item, loc=("path", path)) if item.loc[len(prefix) :][:1] and item.loc[len(prefix)] in written
                else item
                for item in problem.errors
            ]  # fmt: skip
    if errors:
        raise Invalid.of(errors[:MAX_ITEMS], hint)
    return instances


def _key_of(resource: ResourceSchema, identity: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(identity[str(number)]) for number in range(len(resource.key)))


def _location(address: Address, target: ResourceSchema, key: Sequence[object]) -> bytes:
    """Write where a row is by itself, beside the resource that the path began with."""
    prefix = address.path.rstrip(b"/").rsplit(b"/", 3)[0]
    return prefix + b"/" + quote(target.name).encode() + b"/" + key_path(key)
