"""Writes by statements: a change and the row that it leaves behind, in one of them where the database can.

The shape of a write is that of a read and the columns that are set; it finds its prepared statement in a bounded cache.
Where a second statement is needed (`WriteStatement.again`), both are one transaction.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic_core import from_json

from onetrip.db.database import Database
from onetrip.db.nested import Nested
from onetrip.db.runner import Rejected, Row, Steps, tried
from onetrip.errors import Problem
from onetrip.http.pipeline import Pipeline, Prepared, bind
from onetrip.http.refused import Refused
from onetrip.plan.link import plan_change
from onetrip.plan.mutations import WritePlan
from onetrip.plan.read import Endpoint
from onetrip.plan.write import Action
from onetrip.query.parser import parse
from onetrip.query.split import Shape
from onetrip.sql.statement import SEPARATOR, WriteStatement
from onetrip.sql.write import compile_write


@dataclass(frozen=True, slots=True)
class PreparedWrite:
    """The shape of a write that is ready to run."""

    plan: WritePlan
    statement: WriteStatement
    shape: Shape


class Statements:
    """Runs writes of rows. Holds the bounded cache of prepared shapes, least recently used first.

    `database` is where they run: the database, or a transaction that is open.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.database: Database | Nested = pipeline.database
        self.limits = pipeline.limits
        self.prepared: OrderedDict[tuple[Endpoint, Action, Shape], PreparedWrite] = OrderedDict()
        resources = pipeline.schema.resources.values()
        self.created = {
            resource.name: Endpoint(kind="created", resource=resource, target=resource) for resource in resources
        }
        self.items = {
            resource.name: Endpoint(kind="item", resource=resource, target=resource) for resource in resources
        }

    def prepare(self, endpoint: Endpoint, action: Action, shape: Shape) -> PreparedWrite:
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

    async def run(self, prepared: PreparedWrite, values: list[Any], texts: tuple[str, ...]) -> "Written | None":
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


class Written(NamedTuple):
    """A row as it is after a write: its key and version, and its JSON."""

    identity: dict[str, Any]
    record: bytes


def separated(row: Row, prepared: PreparedWrite) -> Written:
    """Take the value of a write apart."""
    if prepared.plan.shape is None:
        return Written({}, b"")
    identity, _, record = row[0].partition(SEPARATOR)
    finish = prepared.statement.statement.finish
    return Written(from_json(identity), record if finish is None else finish(record))


def _finished(read: Prepared, record: bytes) -> bytes:
    return record if read.statement.finish is None else read.statement.finish(record)


def is_found(row: Row | None) -> bool:
    """Say whether a read of one row has found it."""
    return row is not None and bool(row[0])
