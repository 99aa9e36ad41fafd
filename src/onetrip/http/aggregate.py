"""Groups of rows: `GET /{name}:aggregate`, from its URL to its bytes, as `pipeline` reads rows."""

from collections import OrderedDict
from dataclasses import dataclass

from onetrip.errors import NotFound
from onetrip.http.answer import Answer, array, ok
from onetrip.http.pages import by_offset, cut, enveloped, link
from onetrip.http.pipeline import Pipeline, bind
from onetrip.plan.aggregate import plan_aggregate
from onetrip.plan.groups import AggregatePlan
from onetrip.plan.read import Endpoint
from onetrip.query.aggregate import STRUCTURAL, parse_aggregate
from onetrip.query.split import Shape
from onetrip.sql.aggregate import compile_aggregate
from onetrip.sql.statement import Statement


@dataclass(frozen=True, slots=True)
class PreparedAggregate:
    """The shape of a request that is ready to run."""

    plan: AggregatePlan
    statement: Statement


class Aggregates:
    """Answers requests for groups. Holds the bounded cache of prepared shapes, least recently used first."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.prepared: OrderedDict[tuple[Endpoint, Shape], PreparedAggregate] = OrderedDict()

    async def read(
        self, endpoint: Endpoint, key: tuple[str, ...], path: bytes, query_string: bytes, condition: bytes | None
    ) -> Answer:
        """Answer with one statement. `key` are the texts of the key in the path, and `Problem`s are those of reads."""
        shape, texts = self.pipeline.split(query_string, STRUCTURAL)
        prepared = self.prepare(endpoint, shape)
        values = bind(prepared.plan, key + texts)
        row = await self.pipeline.database.run(prepared.statement, values)
        if row is None or not row[0]:
            raise NotFound(f"There is no such row in '{endpoint.resource.name}'.")
        limit, offset = values[prepared.plan.limit.parameter], values[prepared.plan.offset.parameter]
        page = cut(row[0], limit)
        urls = by_offset(path, query_string, offset, limit, page.more)
        body = enveloped(page.records, urls, None) if self.pipeline.envelope else array(page.records)
        return ok(body, condition, [(b"link", link(urls))])

    def prepare(self, endpoint: Endpoint, shape: Shape) -> PreparedAggregate:
        """Find a shape that was seen lately; parse, plan and compile another one, and remember it."""
        found = self.prepared.get((endpoint, shape))
        if found is not None:
            self.prepared.move_to_end((endpoint, shape))
            return found
        plan = plan_aggregate(parse_aggregate(shape), endpoint, self.pipeline.schema, self.pipeline.limits)
        found = PreparedAggregate(plan, compile_aggregate(plan, self.pipeline.database.dialect))
        if len(self.prepared) >= self.pipeline.limits.shapes:
            self.prepared.popitem(last=False)
        self.prepared[endpoint, shape] = found
        return found
