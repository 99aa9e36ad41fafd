"""The spine: a read from its URL to its bytes, in one function.

parse → plan → compile happen once for each shape of request; what is left then is a look-up, the parsing of values,
one statement, and an answer.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from pydantic_core import from_json

from onetrip.db.database import Database
from onetrip.errors import ErrorItem, Invalid, NotFound
from onetrip.http.answer import Answer, array, ok
from onetrip.http.cursor import Cursors, ListCursors, position_of, random_secret, scope_of, walked
from onetrip.http.history import Actor
from onetrip.http.pages import Walk, by_cursor, by_offset, cut, enveloped, link, listed
from onetrip.plan.groups import AggregatePlan
from onetrip.plan.ir import Cursor, ReadPlan
from onetrip.plan.mutations import WritePlan
from onetrip.plan.read import Endpoint, plan_read
from onetrip.query.parser import parse
from onetrip.query.split import Shape, Splitter
from onetrip.schema.model import Schema
from onetrip.settings import Limits
from onetrip.sql.read import compile_estimate, compile_read
from onetrip.sql.statement import SEPARATOR, VERSION, Statement


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request shape that is ready to run: how its pages are walked, and the lists whose cursors it brings along."""

    plan: ReadPlan
    statement: Statement
    walk: Walk | None = None
    behind: tuple[tuple[Cursor, ListCursors], ...] = ()
    estimate: Statement | None = None


Shaped = tuple[Endpoint, Shape, tuple[bool, ...]]
"""What decides about a statement: an endpoint, a shape, and which values of a cursor are NULL."""


class Pipeline:
    """Answers reads. Holds the bounded cache of prepared shapes, least recently used first.

    `cursors` lead from page to page; with `envelope`, a list is an object that says where the other pages are.
    """

    def __init__(
        self, schema: Schema, database: Database, limits: Limits, actor: Actor | None = None,
        cursors: Cursors | None = None, envelope: bool = False,
    ) -> None:  # fmt: skip
        self.schema = schema
        self.database = database
        self.limits = limits
        self.split = Splitter(limits).split
        self.actor = actor
        self.cursors = cursors or Cursors(random_secret())
        self.envelope = envelope
        self.prepared: OrderedDict[Shaped, Prepared] = OrderedDict()

    async def read(
        self, endpoint: Endpoint, key: tuple[str, ...], path: bytes, query_string: bytes, condition: bytes | None
    ) -> Answer:
        """Answer one read with one statement. `key` are the texts of the key in the path.

        Raises `Problem`: before the database is asked for what is malformed, unknown or too expensive, after it for
        what does not exist.
        """
        shape, texts = self.split(query_string)
        texts = key + texts
        prepared = self.prepare(endpoint, shape)
        values = bind(prepared.plan, texts)
        if prepared.behind:
            prepared, values = self.behind_cursors(prepared, texts, values, partial(self.prepare, endpoint, shape))
        row = await self.database.run(prepared.statement, values)
        if row is None or not row[0]:
            raise NotFound(_absent(endpoint))
        if prepared.plan.paging is None:
            return respond(prepared, row[0], condition)
        total = None if prepared.estimate is None else await self.total(prepared, prepared.estimate, values, row[0])
        return self.page(prepared, texts, values, row[0], Request(path, query_string, condition, total))

    def prepare(self, endpoint: Endpoint, shape: Shape, nulls: tuple[bool, ...] = ()) -> Prepared:
        """Find a shape that was seen lately; parse, plan and compile another one, and remember it."""
        key = (endpoint, shape, nulls)
        found = self.prepared.get(key)
        if found is not None:
            self.prepared.move_to_end(key)
            return found
        prepared = self.compile(endpoint, plan_read(parse(shape), endpoint, self.schema, self.limits, nulls))
        if len(self.prepared) >= self.limits.shapes:
            self.prepared.popitem(last=False)
        self.prepared[key] = prepared
        return prepared

    def compile(self, endpoint: Endpoint, plan: ReadPlan) -> Prepared:
        """Compile a plan, and what belongs to the cursors of its list."""
        dialect = self.database.dialect
        statement = compile_read(plan, dialect)
        behind = tuple(
            (cursor, self.cursors.of(scope_of(endpoint, cursor.order, cursor.where, plan.parameters, cursor.relation)))
            for cursor in plan.cursors
        )
        walk = self._walk(endpoint, plan, statement)
        return Prepared(plan, statement, walk, behind, compile_estimate(plan, dialect))

    def _walk(self, endpoint: Endpoint, plan: ReadPlan, statement: Statement) -> Walk | None:
        if plan.paging is None or not plan.paging.walks:
            return None
        position = None if statement.position is None else position_of(statement.position)
        return Walk(self.cursors.of(walked(endpoint, plan)), position, plan.paging.direction)

    def behind_cursors(
        self, prepared: Prepared, texts: tuple[str, ...], values: tuple[Any, ...],
        prepare: Callable[[tuple[bool, ...]], Prepared],
    ) -> tuple[Prepared, tuple[Any, ...]]:  # fmt: skip
        """Put the values of cursors where the statement compares them; `prepare` finds one for those that are NULL.

        Raises `Invalid`.
        """
        placed: dict[int, Any] = {}
        for cursor, cursors in prepared.behind:
            position = cursors.read(cursor.direction, texts, texts[cursor.slot], cursor.loc)
            placed |= zip(cursor.values, position, strict=True)
        nulls = tuple(value is None for value in placed.values())
        if any(nulls):
            prepared = prepare(nulls)
        return prepared, tuple([placed.get(number, value) for number, value in enumerate(values)])

    async def total(self, prepared: Prepared, question: Statement, values: tuple[Any, ...], value: bytes) -> bytes:
        """Say how many rows there are: count to the last one where a list has come to it, else ask the planner."""
        selection, paging = prepared.plan.selection, prepared.plan.paging
        assert paging is not None and selection.limit is not None and selection.offset is not None
        limit, offset = values[selection.limit.parameter], values[selection.offset.parameter]
        number = listed(value)
        if paging.direction is None and number <= limit and (number or not offset):
            return b"%d" % (offset + number)
        row = await self.database.run(question, values)
        assert row is not None
        found = row[0] if isinstance(row[0], list) else from_json(row[0])
        return b"%d" % found[0]["Plan"]["Plan Rows"]

    def page(
        self, prepared: Prepared, texts: tuple[str, ...], values: tuple[Any, ...], value: bytes, request: "Request"
    ) -> Answer:
        """Turn a list that the database wrote into an answer."""
        selection, statement, paging = prepared.plan.selection, prepared.statement, prepared.plan.paging
        assert paging is not None and selection.limit is not None and selection.offset is not None
        limit, offset = values[selection.limit.parameter], values[selection.offset.parameter]
        page = cut(value, limit, backwards=paging.direction == "before")
        if prepared.walk is None:
            urls = by_offset(request.path, request.query_string, offset, limit, page.more)
        else:
            urls = by_cursor(request.path, request.query_string, page, prepared.walk, texts, limit)
        records, finish = page.records, statement.finish
        if finish is not None and records:
            records = SEPARATOR.join([finish(record) for record in records.split(SEPARATOR)])
        total = page.total if request.total is None else request.total
        headers = [(b"link", link(urls))]
        if total is not None:
            headers.append((b"x-total-count", total))
        body = enveloped(records, urls, total) if self.envelope else array(records)
        return ok(body, request.condition, headers)


Planned = ReadPlan | WritePlan | AggregatePlan
"""What has parameters."""


class Request(NamedTuple):
    """What the links and the head of a list are made of; `total` is what the planner has guessed."""

    path: bytes
    query_string: bytes
    condition: bytes | None
    total: bytes | None


def bind(plan: Planned, texts: Sequence[str]) -> tuple[Any, ...]:
    """Parse the values of a request by the types of its plan. Raises `Invalid` with every wrong one, or `NotFound`."""
    try:
        values = tuple(
            [item.default if item.slot is None else item.parse(texts[item.slot]) for item in plan.parameters]
        )
    except (ValueError, OverflowError):
        raise _refusal(plan, texts) from None
    if plan.check is not None:
        plan.check(values)
    return values


def _refusal(plan: Planned, texts: Sequence[str]) -> Invalid | NotFound:
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


def respond(prepared: Prepared, value: bytes, condition: bytes | None) -> Answer:
    """Turn an object that the database wrote into an answer."""
    finish, version = prepared.statement.finish, None
    if prepared.plan.version is not None:
        identity, _, value = value.partition(SEPARATOR)
        version = from_json(identity)[VERSION]
    return ok(finish(value) if finish is not None else value, condition, version=version)


def _absent(endpoint: Endpoint) -> str:
    if endpoint.kind == "related" and not endpoint.many and endpoint.relation is not None:
        return f"There is no such row in '{endpoint.resource.name}', or it has no '{endpoint.relation.name}'."
    return f"There is no such row in '{endpoint.resource.name}'."
