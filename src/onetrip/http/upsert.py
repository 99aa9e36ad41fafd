"""Upserts: a POST with `on_conflict` makes a row, or changes the one that has the same unique key.

The database decides which of the two it is. It never asks first: of many that come at once, one makes the row. With
`If-None-Match: *` a row is only made, and 412 is the answer where there is one.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from onetrip.db.runner import ATTEMPTS, Rejected, Row, Steps, tried
from onetrip.errors import Conflict, Invalid, PreconditionFailed
from onetrip.http.address import Address
from onetrip.http.answer import Answer, array, written, written_many
from onetrip.http.body import load_json
from onetrip.http.mutations import Mutations
from onetrip.http.pipeline import bind
from onetrip.http.request import Conditions
from onetrip.http.routes import key_path
from onetrip.http.statements import PreparedWrite, Written, separated
from onetrip.http.values import validated, validated_many, values_of
from onetrip.plan.mutations import Insert
from onetrip.plan.upsert import unique_keys
from onetrip.plan.write import Action
from onetrip.query.split import OF_CREATION, Shape
from onetrip.query.tree import STRUCTURAL
from onetrip.schema.model import Body, Field, ResourceSchema
from onetrip.sql.statement import SEPARATOR, VERSION

_CARDINALITY = "21000"  # cardinality_violation: ON CONFLICT would change a row twice
_PARAMETERS = OF_CREATION - STRUCTURAL


def is_upsert(mutations: Mutations, address: Address, conditions: Conditions) -> bool:
    """Say whether a POST asks what to do about a row that is there. Raises `Invalid`.

    Of `If-None-Match` only `*` means something here. Whoever sends another wanted to change no row that is there.
    """
    if conditions.none_match is not None and not _is_new_only(conditions):
        what = "A new row has no entity tag yet: 'If-None-Match' of a POST can only be '*'."
        raise Invalid.at(("header", "If-None-Match"), what, "value_error", "Send 'If-None-Match: *', or leave it out.")
    if address.query_string and any(
        name in _PARAMETERS for name, _ in mutations.pipeline.split(address.query_string)[0]
    ):
        return True
    return _is_new_only(conditions) and _key(address.endpoint.resource) in unique_keys(address.endpoint.resource)


def _is_new_only(conditions: Conditions) -> bool:
    return conditions.none_match is not None and conditions.none_match.strip() == b"*"


def _key(resource: ResourceSchema) -> tuple[str, ...]:
    return tuple(part.name for part in resource.key)


async def upsert(mutations: Mutations, address: Address, raw: bytes, conditions: Conditions) -> Answer:
    """Make or change one row (201 or 200), or each of an array (200). Raises `Problem`."""
    resource = address.endpoint.resource
    body = resource.writes.create
    assert body is not None  # the router knows which methods a resource has
    shape, texts = _shape(mutations, address, conditions)
    new_only = _is_new_only(conditions)
    document = load_json(raw)
    if isinstance(document, list):
        rows = [_row(body, each) for each in validated_many(body, raw, len(document), mutations.limits.rows)]
        return await _upsert_many(mutations, address, rows, shape, texts, new_only)
    row = _row(body, validated(body, raw))
    prepared = mutations.prepare(mutations.created[resource.name], row.action, shape)
    made = [generated.value() for generated in prepared.plan.generated]
    bound = [*bind(prepared.plan, texts), *row.values.values(), *made]
    (identity, record), new = await _run(mutations, prepared, bound, texts)
    if new:
        key = [identity[str(number)] for number in range(len(resource.key))]
        return written(record, identity.get(VERSION), address.path.rstrip(b"/") + b"/" + key_path(key))
    if new_only:
        raise _exists(resource)
    return written(record, identity.get(VERSION))


def _shape(mutations: Mutations, address: Address, conditions: Conditions) -> tuple[Shape, tuple[str, ...]]:
    """Read the query string. Whoever wants a new row only names no key but the row's own, and changes nothing."""
    shape, texts = mutations.pipeline.split(address.query_string, OF_CREATION)
    if _is_new_only(conditions):
        named = {name for name, _ in shape}
        key = _key(address.endpoint.resource)
        if "on_conflict" not in named and key in unique_keys(address.endpoint.resource):
            shape = (*shape, ("on_conflict", ",".join(key)))
        if "update" not in named:
            shape = (*shape, ("update", ""))
    return shape, texts


async def _run(
    mutations: Mutations, prepared: PreparedWrite, values: list[Any], texts: tuple[str, ...]
) -> tuple[Written, bool]:
    """Run an upsert of one row: the row, and whether it is new.

    Where nothing is to be changed, a row may come in between that the statement cannot see yet, as PostgreSQL has it;
    it is seen when the statement is run again.
    """
    database, statement = mutations.database, prepared.statement
    single = statement.otherwise is None and not statement.again
    try:
        for _ in range(ATTEMPTS):
            if single:
                found = await tried(lambda: database.write(statement.statement, tuple(values)))
                done = None if found is None else _told(found, prepared)
            else:
                done = await tried(lambda: database.transact(lambda: _steps(mutations, prepared, values, texts)))
            if done is not None:
                return done
    except Rejected as error:
        raise await mutations.refused(error, prepared.plan, values) from error
    raise _unseen()


def _steps(
    mutations: Mutations, prepared: PreparedWrite, values: Sequence[Any], texts: tuple[str, ...]
) -> Steps[tuple[Written, bool] | None]:
    """Make a row, or change the one that is there; read it where the statements cannot answer with it."""
    first, second = prepared.statement.statement, prepared.statement.otherwise
    row = yield first.text, first.bind(values)
    if second is not None:
        new = row is not None
        if row is None:
            row = yield second.text, second.bind(values)
        done = None if row is None else (_separated(row, prepared), new)
    else:
        done = None if row is None else _told(row, prepared)
    if done is None or not prepared.statement.again:
        return done
    (identity, _), new = done
    return (yield from mutations.read_back(prepared, identity, texts)), new


def _told(row: Row, prepared: PreparedWrite) -> tuple[Written, bool]:
    new, _, rest = row[0].partition(SEPARATOR)
    return _separated((rest,), prepared), new == b"true"


def _separated(row: Row, prepared: PreparedWrite) -> Written:
    return Written(json.loads(row[0]), b"") if prepared.statement.again else separated(row, prepared)


def _unseen() -> Conflict:
    return Conflict(
        "There is a row with the same key that is not to be seen: it was deleted, or others are changing it.",
        hint="Take another key, or try again.",
    )


def _exists(resource: ResourceSchema) -> PreconditionFailed:
    return PreconditionFailed(
        f"There is already such a row in '{resource.name}'.", hint="Leave out 'If-None-Match' to change it."
    )


# Arrays


async def _upsert_many(
    mutations: Mutations, address: Address, rows: Sequence["_Row"], shape: Shape, texts: tuple[str, ...], new_only: bool
) -> Answer:
    """Make or change every row of an array, or none."""
    endpoint = mutations.created[address.endpoint.resource.name]
    body = address.endpoint.resource.writes.create
    assert body is not None
    if not rows:  # nothing is written, and the query string is judged all the same
        mutations.prepare(endpoint, Action(kind="create", columns=tuple(body.columns.values())), shape)
        return written_many(b"[]", 200)
    batch = _Batch(mutations, rows, [mutations.prepare(endpoint, row.action, shape) for row in rows], texts, new_only)
    batch.refuse_twins()
    same = len({row.action for row in rows}) == 1 and not new_only
    whole = mutations.prepare(endpoint, rows[0].action._replace(many=True), shape) if same else None
    return written_many(array(SEPARATOR.join(await batch.run(whole))), 200)


@dataclass(frozen=True, slots=True)
class _Row:
    """What a row is made of, and which of its columns the client sent itself."""

    values: dict[Field, Any]
    sent: tuple[Field, ...]

    @property
    def action(self) -> Action:
        """What is to be done."""
        return Action(kind="create", columns=tuple(self.values), sent=self.sent)


def _row(body: Body, instance: Any) -> _Row:
    given = instance.__pydantic_fields_set__
    sent = tuple(column for name, column in body.columns.items() if name in given)
    return _Row(values_of(body, instance), sent)


@dataclass(frozen=True, slots=True)
class _Batch:
    """The rows of an array, each prepared by itself."""

    mutations: Mutations
    rows: Sequence[_Row]
    prepared: Sequence[PreparedWrite]
    texts: tuple[str, ...]
    new_only: bool

    async def run(self, whole: PreparedWrite | None) -> list[bytes]:
        """Write all rows at once, where they have the same columns and the database can; else one after the other."""
        database = self.mutations.database
        if whole is not None and not (whole.statement.each or whole.statement.again):
            lists = self._lists(whole)
            try:
                found = await tried(lambda: database.write(whole.statement.statement, lists))
                return self._records(whole, found)
            except Rejected as error:
                if getattr(error.error, "sqlstate", None) == _CARDINALITY:
                    raise _twice(self._key) from error
                if error.again:
                    raise await self.mutations.refused(error, whole.plan, ()) from error
        at = [0]  # the row that is being written, for the error
        try:
            return await tried(lambda: database.transact(lambda: self._singly(at)))
        except Rejected as error:
            number = at[-1]
            prepared = self.prepared[number]
            raise await self.mutations.refused(error, prepared.plan, self._values(number), number) from error

    @property
    def _key(self) -> Sequence[Field]:
        mutation = self.prepared[0].plan.mutation
        assert isinstance(mutation, Insert) and mutation.upsert is not None
        return mutation.upsert.key

    def refuse_twins(self) -> None:
        """Refuse rows that have the same key: the database could not change a row twice, or the last one would win."""
        first: dict[tuple[Any, ...], int] = {}
        for number, row in enumerate(self.rows):
            values = {column.attribute: value for column, value in row.values.items()}
            key = tuple(values[part.attribute] for part in self._key)
            if None not in key and first.setdefault(key, number) != number:  # NULL is equal to nothing
                raise _twice(self._key, number)

    def _lists(self, whole: PreparedWrite) -> tuple[Any, ...]:
        """List the values of each column; what is generated for rows that change is the same for all of them."""
        given = [[row.values[column] for row in self.rows] for column in self.rows[0].values]
        generated = whole.plan.generated
        updated = len(whole.plan.resource.writes.updated)
        new, again = generated[: len(generated) - updated], generated[len(generated) - updated :]
        made = [[each.value() for _ in self.rows] for each in new]
        return (*bind(whole.plan, self.texts), *given, *made, *(each.value() for each in again))

    def _records(self, whole: PreparedWrite, row: Row | None) -> list[bytes]:
        assert row is not None
        _, _, records = row[0].partition(SEPARATOR)
        finish = whole.statement.statement.finish
        return [record if finish is None else finish(record) for record in records.split(SEPARATOR)]

    def _values(self, number: int) -> list[Any]:
        prepared = self.prepared[number]
        made = [generated.value() for generated in prepared.plan.generated]
        return [*bind(prepared.plan, self.texts), *self.rows[number].values.values(), *made]

    def _singly(self, at: list[int]) -> Steps[list[bytes]]:
        """Write row by row, noting which. No row is met twice, whatever the database takes for the same key."""
        answers: list[bytes] = []
        seen: set[str] = set()
        for number, prepared in enumerate(self.prepared):
            at.append(number)
            done = yield from _steps(self.mutations, prepared, self._values(number), self.texts)
            if done is None:
                raise _unseen()
            (identity, record), new = done
            if self.new_only and not new:
                raise _exists(prepared.plan.resource)
            key = json.dumps([identity[str(part)] for part in range(len(prepared.plan.resource.key))])
            if key in seen:
                raise _twice(self._key, number)
            seen.add(key)
            answers.append(record)
        return answers


def _twice(key: Sequence[Field], number: int | None = None) -> Invalid:
    names = " and ".join(f"'{part.name}'" for part in key)
    if number is None:
        return Invalid.at(("body",), f"Two rows of the array have the same {names}.", "repeated")
    return Invalid.at(("body", number), f"An earlier row of the array has the same {names}.", "repeated")
