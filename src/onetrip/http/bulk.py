"""Changes of many rows: PATCH and DELETE of a collection, for the rows that filters choose.

At most so many, or none: more are refused, and nothing is changed. Both say in `X-Total-Count` how many it were.
"""

import json
from dataclasses import replace
from typing import Any

from onetrip.db.runner import Rejected, Row, Steps, tried
from onetrip.errors import Invalid, PreconditionFailed
from onetrip.http.address import Address
from onetrip.http.answer import GONE, Answer, array, written_many
from onetrip.http.body import load_json
from onetrip.http.increments import amounts_of
from onetrip.http.mutations import Mutations
from onetrip.http.pipeline import bind
from onetrip.http.refused import Refused
from onetrip.http.request import Conditions
from onetrip.http.statements import PreparedWrite
from onetrip.http.values import validated, values_of
from onetrip.plan.write import Action
from onetrip.sql.statement import SEPARATOR


async def update_many(mutations: Mutations, address: Address, raw: bytes, conditions: Conditions) -> Answer:
    """Change the rows that filters choose: 200 with all of them. Raises `Problem`."""
    _refuse_versions(conditions)
    resource = address.endpoint.resource
    body = resource.writes.update
    assert body is not None  # the router knows which methods a resource has
    amounts, rest = amounts_of(resource, body, load_json(raw), raw)
    instance = validated(body, rest)
    values = values_of(body, instance, instance.model_fields_set)
    if not values and not amounts:
        raise Invalid.at(("body",), "The body names nothing to change.", "missing")
    action = Action(kind="update", columns=tuple(values), increments=tuple(amounts))
    records = await _run(mutations, address, action, [*values.values(), *amounts.values()])
    return _counted(written_many(array(SEPARATOR.join(records)), 200), len(records))


async def delete_many(mutations: Mutations, address: Address, conditions: Conditions) -> Answer:
    """Delete the rows that filters choose: 204. Raises `Problem`."""
    _refuse_versions(conditions)
    return _counted(GONE, len(await _run(mutations, address, Action(kind="delete"), [])))


def _counted(answer: Answer, count: int) -> Answer:
    return answer._replace(headers=[*answer.headers, (b"x-total-count", b"%d" % count)])


def _refuse_versions(conditions: Conditions) -> None:
    if conditions.versions() is not None:
        raise PreconditionFailed(
            "'If-Match' names the version of one row, and filters choose many.",
            hint="Leave it out, or filter by the version.",
        )


async def _run(mutations: Mutations, address: Address, action: Action, values: list[Any]) -> list[bytes]:
    """Change rows: the JSON of each, or its key where it is gone."""
    shape, texts = mutations.pipeline.split(address.query_string)
    prepared = mutations.prepare(address.endpoint, action, shape)
    made = [generated.value() for generated in prepared.plan.generated]
    bound = [*bind(prepared.plan, texts), *values, *made]
    database, statement = mutations.database, prepared.statement
    try:
        if statement.before is None and not statement.again:
            found = await tried(lambda: database.write(statement.statement, tuple(bound)))
            return _records(found, prepared)
        return await tried(lambda: database.transact(lambda: _steps(mutations, prepared, bound, texts)))
    except Rejected as error:
        written = {column.attribute: value for column, value in zip(action.columns, values, strict=False)}
        refused = Refused(error, prepared.plan.resource, action.kind, written, {})
        raise await refused.problem(mutations.pipeline.schema, mutations.pipeline.database) from error


def _steps(
    mutations: Mutations, prepared: PreparedWrite, values: list[Any], texts: tuple[str, ...]
) -> Steps[list[bytes]]:
    """Find rows, change them, and read them, where one statement cannot do it all."""
    before, statement = prepared.statement.before, prepared.statement.statement
    if before is None:
        keys = _records((yield statement.text, statement.bind(values)), prepared)
    else:
        found = yield before.text, before.bind(values)
        keys = _records(found, prepared)
        if len(keys) > (prepared.plan.resource.writes.bulk or 0):
            raise _too_many(prepared)
        if keys:
            yield statement.text, statement.bind(values)
    if prepared.plan.shape is None:
        return keys
    shown = replace(prepared, shape=tuple(part for part in prepared.shape if part[0] in ("fields", "include")))
    records = []
    for key in keys:
        back = yield from mutations.read_back(shown, json.loads(key), texts)
        records.append(back.record)
    return records


def _records(row: Row | None, prepared: PreparedWrite) -> list[bytes]:
    """Take apart what a statement answers, which is nothing when it found too many rows."""
    if row is None:
        raise _too_many(prepared)
    count, _, records = row[0].partition(SEPARATOR)
    finish = prepared.statement.statement.finish
    found = records.split(SEPARATOR) if int(count) else []
    return found if finish is None else [finish(record) for record in found]


def _too_many(prepared: PreparedWrite) -> Invalid:
    resource = prepared.plan.resource
    message = f"These filters choose more than {resource.writes.bulk} rows of '{resource.name}': none was changed."
    return Invalid.at(("query",), message, "too_many", "Choose fewer, and send several requests.")
