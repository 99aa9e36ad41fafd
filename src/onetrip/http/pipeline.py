"""The spine: a read from its URL to its bytes, in one function.

parse → plan → compile happen once for each shape of request; what is left then is a look-up, the parsing of values,
one statement, and an answer.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from onetrip.db.database import Database
from onetrip.errors import ErrorItem, Invalid, NotFound
from onetrip.http.answer import Answer, Page, array, cut, links, ok
from onetrip.http.history import Actor
from onetrip.plan.ir import ReadPlan, WritePlan
from onetrip.plan.read import Endpoint, plan_read
from onetrip.query.parser import parse
from onetrip.query.split import Shape, split
from onetrip.schema.model import Schema
from onetrip.settings import Limits
from onetrip.sql.read import compile_read
from onetrip.sql.statement import SEPARATOR, VERSION, Statement


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request shape that is ready to run."""

    plan: ReadPlan
    statement: Statement


class Pipeline:
    """Answers reads. Holds the bounded cache of prepared shapes, least recently used first."""

    def __init__(self, schema: Schema, database: Database, limits: Limits, actor: Actor | None = None) -> None:
        self.schema = schema
        self.database = database
        self.limits = limits
        self.actor = actor
        self.prepared: OrderedDict[tuple[Endpoint, Shape], Prepared] = OrderedDict()

    async def read(
        self, endpoint: Endpoint, key: tuple[str, ...], path: bytes, query_string: bytes, condition: bytes | None
    ) -> Answer:
        """Answer one read with one statement. `key` are the texts of the key in the path.

        Raises `Problem`: before the database is asked for what is malformed, unknown or too expensive, after it for
        what does not exist.
        """
        shape, texts = split(query_string)
        prepared = self.prepare(endpoint, shape)
        values = bind(prepared.plan, key + texts)
        row = await self.database.run(prepared.statement, values)
        if row is None or not row[0]:
            raise NotFound(_absent(endpoint))
        return respond(prepared, values, row[0], path, query_string, condition)

    def prepare(self, endpoint: Endpoint, shape: Shape) -> Prepared:
        """Find a shape that was seen lately; parse, plan and compile another one, and remember it."""
        found = self.prepared.get((endpoint, shape))
        if found is not None:
            self.prepared.move_to_end((endpoint, shape))
            return found
        plan = plan_read(parse(shape), endpoint, self.schema, self.limits)
        prepared = Prepared(plan, compile_read(plan, self.database.dialect))
        if len(self.prepared) >= self.limits.shapes:
            self.prepared.popitem(last=False)
        self.prepared[endpoint, shape] = prepared
        return prepared


def bind(plan: ReadPlan | WritePlan, texts: Sequence[str]) -> tuple[Any, ...]:
    """Parse the values of a request by the types of its plan. Raises `Invalid` with every wrong one, or `NotFound`."""
    try:
        return tuple([item.default if item.slot is None else item.parse(texts[item.slot]) for item in plan.parameters])
    except (ValueError, OverflowError):
        raise _refusal(plan, texts) from None


def _refusal(plan: ReadPlan | WritePlan, texts: Sequence[str]) -> Invalid | NotFound:
    items: list[ErrorItem] = []
    for parameter in plan.parameters:
        if parameter.slot is None:
            continue
        try:
            parameter.parse(texts[parameter.slot])
        except OverflowError as error:
            if parameter.miss_is_absence:
                return NotFound("There is no such row.")
            items.append(ErrorItem(parameter.loc, f"'{parameter.loc[-1]}' {error}.", "out_of_range"))
        except ValueError as error:
            items.append(ErrorItem(parameter.loc, f"'{parameter.loc[-1]}' {error}.", "value_error"))
    return Invalid.of(items)


def respond(
    prepared: Prepared, values: Sequence[Any], value: bytes, path: bytes, query_string: bytes, condition: bytes | None
) -> Answer:
    """Turn what the database wrote into an answer."""
    finish = prepared.statement.finish
    selection = prepared.plan.selection
    version = None
    if prepared.plan.version is not None:
        identity, _, value = value.partition(SEPARATOR)
        version = from_json(identity)[VERSION]
    if selection.limit is None or selection.offset is None:
        return ok(finish(value) if finish is not None else value, condition, version=version)
    limit, offset = values[selection.limit], values[selection.offset]
    records, more = cut(value, limit)
    if finish is not None and records:
        records = SEPARATOR.join([finish(record) for record in records.split(SEPARATOR)])
    return ok(array(records), condition, links(path, query_string, Page(offset, limit, more)))


def _absent(endpoint: Endpoint) -> str:
    if endpoint.kind == "related" and not endpoint.many and endpoint.relation is not None:
        return f"There is no such row in '{endpoint.resource.name}', or it has no '{endpoint.relation.name}'."
    return f"There is no such row in '{endpoint.resource.name}'."
