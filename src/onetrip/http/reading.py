"""Reads for endpoints written by hand: a condition in Python, the query language of clients, one statement.

`Reading` is what an endpoint builds, in the notation of the query string; `Readings` answers it as the pipeline answers
generated routes. What an endpoint asks for is what a client gets that does not ask for something else; its conditions
always hold, and no client sees them.
"""

from collections import OrderedDict
from collections.abc import Collection, Hashable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, NamedTuple
from urllib.parse import quote

import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import Response

from onetrip.errors import ConfigurationError, NotFound, Problem
from onetrip.http import problems
from onetrip.http.answer import Answer
from onetrip.http.declared import declared, divided
from onetrip.http.included import whole_path
from onetrip.http.pipeline import Pipeline, Prepared, bind, respond
from onetrip.http.pipeline import Request as ListRequest
from onetrip.http.request import condition
from onetrip.plan.given import Given
from onetrip.plan.read import Endpoint, plan_read
from onetrip.plan.reading import given, plan_first
from onetrip.plan.resolve import unknown
from onetrip.query.parser import parse
from onetrip.query.split import Shape
from onetrip.sql.given import Written, checked, numbered, text_of, values_of, written

OF_ONE = frozenset({"fields", "include"})
"""What a client may say of one object."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Reading:
    """A read that an endpoint asks for: `api.query(Post).where(Post.author_id == 7).include("author")`.

    Each method answers a new one; `page` and `one` read. `include`, `fields`, `sort` and `limit` are written as in a
    query string, and stand for what a client does not say itself. Raises `ConfigurationError` for what there is not.
    """

    readings: "Readings"
    endpoint: Endpoint
    conditions: tuple[Any, ...] = ()
    asked: tuple[tuple[str, str], ...] = ()

    def where(self, *conditions: sa.ColumnElement[bool] | bool) -> "Reading":
        """Read only rows for which conditions hold: whatever `select(Post).where(…)` takes, but joins."""
        checked(self.endpoint.target.entity, conditions)
        return Reading(self.readings, self.endpoint, (*self.conditions, *conditions), self.asked)

    def include(self, *relations: str) -> "Reading":
        """Embed relations, with options: `include("author", "comments(limit=3,sort=-id)")`."""
        return self._ask("include", *relations)

    def fields(self, *names: str) -> "Reading":
        """Answer with these columns: `fields("id", "title", "author.name")`."""
        return self._ask("fields", *names)

    def sort(self, *keys: str) -> "Reading":
        """Sort by columns: `sort("-created_at")`."""
        return self._ask("sort", *keys)

    def limit(self, rows: int) -> "Reading":
        """Answer at most so many rows a page. Raises `ConfigurationError` for more than a client could ask for."""
        target = self.endpoint.target
        if not 0 <= rows <= target.max_limit:
            raise ConfigurationError(
                f"api.query({target.entity.__name__}).limit({rows}): a page of '{target.name}' has from 0 to"
                f" {target.max_limit} rows. Resource(…, max_limit=…) allows more."
            )
        return self._asking({**dict(self.asked), "limit": str(rows)})

    async def page(self, request: Request | None = None, *, allow: Collection[str] | None = None) -> Response:
        """Answer a page of the list, as the client of a request asks for it; without one, the first page.

        `allow` names the parameters that the client may give, instead of all. Those that the endpoint declares itself
        are its own. A request is answered with its problems, too; without one, they are raised.
        """
        return await self.readings.answer(self, request, allow, first=False)

    async def one(self, request: Request | None = None, *, allow: Collection[str] = OF_ONE) -> Response:
        """Answer one object, the first of the list; 404 when there is none. The rest is as with `page`."""
        return await self.readings.answer(self, request, allow, first=True)

    def _ask(self, name: str, *texts: str) -> "Reading":
        asked = dict(self.asked)
        before = [asked[name]] if name in asked else []
        return self._asking({**asked, name: ",".join([*before, *texts])})

    def _asking(self, asked: dict[str, str]) -> "Reading":
        return Reading(self.readings, self.endpoint, self.conditions, (*asked.items(),))


class _Source(NamedTuple):
    """What is read of a request. `place` is where it was made: its path, and parameters of the endpoint's own."""

    path: bytes
    query_string: bytes
    condition: bytes | None
    language: bytes
    place: str


class Readings:
    """Answers readings. Holds the bounded cache of prepared shapes, least recently used first."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.prepared: OrderedDict[Hashable, Prepared] = OrderedDict()
        self.endpoints = {
            resource.entity: Endpoint(kind="collection", resource=resource, target=resource)
            for resource in pipeline.schema.resources.values()
        }

    def of(self, entity: type[Any]) -> Reading:
        """Begin a reading. Raises `ConfigurationError` for a class that is not served."""
        endpoint = self.endpoints.get(entity)
        if endpoint is None:
            name = getattr(entity, "__name__", repr(entity))
            served = ", ".join(known.__name__ for known in self.endpoints)
            raise ConfigurationError(
                f"api.query({name}): the API does not serve {name}, only {served}. Add it to API(…)."
            )
        return Reading(self, endpoint)

    async def answer(
        self, reading: Reading, request: Request | None, allow: Collection[str] | None, *, first: bool
    ) -> Response:
        """Answer a reading with one statement. Raises `Problem` where there is no request."""
        if request is None:
            answer = await self._read(reading, _Source(b"", b"", None, b"", ""), allow, first)
            return _response(answer._replace(headers=[header for header in answer.headers if header[0] != b"link"]))
        try:
            return _response(await self._read(reading, _source(request), allow, first))
        except Problem as problem:
            return problems.response(problem)

    async def _read(self, reading: Reading, source: _Source, allow: Collection[str] | None, first: bool) -> Answer:
        pipeline, endpoint = self.pipeline, reading.endpoint
        shape, _ = pipeline.split(source.language)
        said = {name for name, _ in shape}
        if allow is not None:
            _check(said, allow, endpoint)
        own = [_parameter(name, text) for name, text in reading.asked if name not in said]
        shape, texts = pipeline.split(b"&".join([source.language, *own] if source.language else own))
        texts = (*texts, source.place)
        prepare = partial(self._prepare, reading, shape, first)
        if reading.conditions:
            condition = written(reading.conditions)
            given_values, lengths = values_of(condition)
            prepare = partial(prepare, condition, lengths, len(texts) - 1)
        else:
            given_values = ()
        prepared = prepare()
        values = bind(prepared.plan, texts)
        if prepared.behind:
            prepared, values = pipeline.behind_cursors(prepared, texts, values, lambda nulls: prepare(nulls=nulls))
        values += given_values
        row = await pipeline.database.run(prepared.statement, values)
        if row is None or not row[0]:
            raise NotFound(f"There is no such row in '{endpoint.target.name}'.")
        if prepared.plan.paging is None:
            return respond(prepared, row[0], source.condition)
        estimate = prepared.estimate
        total = None if estimate is None else await pipeline.total(prepared, estimate, values, row[0])
        request = ListRequest(source.path, source.query_string, source.condition, total)
        return pipeline.page(prepared, texts, values, row[0], request)

    def _prepare(
        self, reading: Reading, shape: Shape, first: bool, condition: Written | None = None,
        lengths: tuple[int, ...] = (), slot: int = 0, nulls: tuple[bool, ...] = (),
    ) -> Prepared:  # fmt: skip
        """Find a shape that was seen lately; plan and compile another one, and remember it if there is a key of it."""
        structure = None if condition is None else condition.structure
        key = (reading.endpoint, shape, first, structure, lengths, nulls)
        found = self.prepared.get(key) if condition is None or structure is not None else None
        if found is not None:
            self.prepared.move_to_end(key)
            return found
        self._check_own(reading)
        pipeline, endpoint = self.pipeline, reading.endpoint
        if first:
            plan = plan_first(parse(shape), endpoint, pipeline.schema, pipeline.limits)
        else:
            plan = plan_read(parse(shape), endpoint, pipeline.schema, pipeline.limits, nulls)
        if condition is not None:
            text = text_of(condition, endpoint.target.entity, pipeline.database.dialect)
            plan = given(plan, Given(numbered(condition, len(plan.parameters)), text, slot))
        prepared = pipeline.compile(endpoint, plan)
        if condition is None or structure is not None:
            if len(self.prepared) >= pipeline.limits.shapes:
                self.prepared.popitem(last=False)
            self.prepared[key] = prepared
        return prepared

    def _check_own(self, reading: Reading) -> None:
        """Refuse what the endpoint asks for and there is not: that is no fault of a client's."""
        pipeline, endpoint = self.pipeline, reading.endpoint
        try:
            shape, texts = pipeline.split(b"&".join(_parameter(name, text) for name, text in reading.asked))
            bind(plan_read(parse(shape), endpoint, pipeline.schema, pipeline.limits), texts)
        except Problem as problem:
            wrong = " ".join(filter(None, (problem.detail, problem.hint)))
            name = endpoint.target.entity.__name__
            raise ConfigurationError(f"api.query({name}) asks for what there is not. {wrong}") from None


@lru_cache(maxsize=1024)
def _parameter(name: str, text: str) -> bytes:
    return f"{name}={quote(text)}".encode()


def _source(request: Request) -> _Source:
    scope = request.scope
    path, query_string = whole_path(scope), scope["query_string"]
    language, own = divided(query_string, declared(scope))
    place = (path + b"?" + own).decode("latin-1")
    return _Source(path, query_string, condition(scope["headers"]), language, place)


def _check(said: Collection[str], allow: Collection[str], endpoint: Endpoint) -> None:
    """Refuse parameters that a client may not give here; one that is allowed may be given with any operator."""
    for name in said:
        if name not in allow and name.partition("__")[0] not in allow:
            raise unknown(name, endpoint.target, tuple(allow), ("query", name), "parameter")


def _response(answer: Answer) -> Response:
    response = Response(answer.body, answer.status)
    response.raw_headers = list(answer.headers)
    return response
