"""Exports: all rows of a collection as NDJSON or CSV, written while they are read.

Which form an answer has is decided here, by `Accept`. An export holds a few rows at a time, however many there are, and
waits for its client. When that is gone, or something fails on the way, the connection is cut: what has arrived must not
look like all there is.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from onetrip.errors import NotAcceptable, OnetripError, Problem, Unavailable
from onetrip.http import csv, problems
from onetrip.http.pipeline import Pipeline, bind
from onetrip.http.request import JSON, negotiate
from onetrip.plan.export import is_exportable, plan_export
from onetrip.plan.ir import ReadPlan
from onetrip.plan.read import Endpoint
from onetrip.query.parser import parse
from onetrip.query.split import Shape
from onetrip.sql.export import compile_export
from onetrip.sql.statement import Statement

Form = Literal["ndjson", "csv"]

MEDIA_TYPES: dict[Form, str] = {"ndjson": "application/x-ndjson", "csv": "text/csv"}
"""What a client accepts that wants an export."""

_CONTENT_TYPES = {"ndjson": "application/x-ndjson", "csv": "text/csv; charset=utf-8; header=present"}
_OFFERED = (JSON, *(name.encode() for name in MEDIA_TYPES.values()))
_FORMS: dict[bytes, Form] = {name.encode(): form for form, name in MEDIA_TYPES.items()}

FIRST_ROWS = 20
"""Rows that are read before anything is known about their size."""

MOST_ROWS = 1_000
"""Rows that are read at once, and held in memory; where Python writes them a tenth, so that others get their turn."""

_BYTES = 262_144  # that are sent at once, more or less
_RETRY_SECONDS = 5


class Interrupted(OnetripError):
    """An export ended before its end, and the client must see that: raised to the server, which cuts the connection."""


class _Gone(Exception):
    """The client is gone, or does not read on."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """An export of a shape that is ready to run: how a record is written, and what stands before the first one."""

    plan: ReadPlan
    statement: Statement
    write: Callable[[bytes], bytes]
    head: bytes
    most: int


class Request(NamedTuple):
    """What is exported: the endpoint, the texts of the key in its path, that path, and the query string."""

    endpoint: Endpoint
    key: tuple[str, ...]
    path: bytes
    query_string: bytes


class Exports:
    """Runs exports, at most so many at once. Holds the prepared shapes, least recently used first."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.limit = max(1, min(pipeline.limits.exports, pipeline.database.pool.size - 2))
        self.running = 0
        self.prepared: OrderedDict[tuple[Endpoint, Shape, Form], Prepared] = OrderedDict()

    def form(self, endpoint: Endpoint, accept: bytes) -> Form | None:
        """Choose the form of an answer, `None` for JSON. Raises `NotAcceptable`."""
        exportable = is_exportable(endpoint)
        chosen = negotiate(accept, _OFFERED if exportable else (JSON,))
        if chosen is None:
            names = ", ".join(MEDIA_TYPES.values()) if exportable else "only"
            forms = f"application/json{', ' if exportable else ' '}{names}"
            raise NotAcceptable(f"This is written as {forms}.", hint="Send 'Accept: application/json'.")
        return _FORMS.get(chosen)

    def answer(self, request: Request, form: Form) -> "Export":
        """Prepare an export. Raises `Problem` for what is malformed, unknown or too expensive."""
        shape, texts = self.pipeline.split(request.query_string)
        prepared = self.prepare(request.endpoint, shape, form)
        return Export(self, request, form, prepared, bind(prepared.plan, request.key + texts))

    def prepare(self, endpoint: Endpoint, shape: Shape, form: Form) -> Prepared:
        """Find a shape that was exported lately; parse, plan and compile another one, and remember it."""
        found = self.prepared.get((endpoint, shape, form))
        if found is not None:
            self.prepared.move_to_end((endpoint, shape, form))
            return found
        pipeline = self.pipeline
        plan = plan_export(parse(shape), endpoint, pipeline.schema, pipeline.limits)
        statement = compile_export(plan, pipeline.database.dialect)
        slow = form == "csv" or statement.finish is not None
        prepared = Prepared(plan, statement, *_writing(plan, statement, form), MOST_ROWS // 10 if slow else MOST_ROWS)
        if len(self.prepared) >= pipeline.limits.shapes:
            self.prepared.popitem(last=False)
        self.prepared[endpoint, shape, form] = prepared
        return prepared

    @contextmanager
    def place(self) -> Iterator[None]:
        """Count an export. Raises `Unavailable` when there are too many."""
        if self.running >= self.limit:
            raise Unavailable("Too many exports are running at the moment.", retry_after=_RETRY_SECONDS)
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1

    async def chunks(self, prepared: Prepared, values: tuple[Any, ...]) -> AsyncGenerator[tuple[int, bytes], None]:
        """Read rows and write them, a few at a time: how many they are, and their text. Raises `Problem`."""
        async with self.pipeline.database.stream(prepared.statement, values) as fetch:
            number = FIRST_ROWS
            while rows := await fetch(number):
                chunk = len(rows), b"".join([prepared.write(row) for row in rows])
                number = max(1, min(prepared.most, number * 8, _BYTES * len(rows) // max(1, sum(map(len, rows)))))
                del rows  # while the client is waited for
                yield chunk


class Export(Response):
    """An answer that is written while its rows are read."""

    def __init__(
        self, exports: Exports, request: Request, form: Form, prepared: Prepared, values: tuple[Any, ...]
    ) -> None:
        super().__init__()
        self.exports = exports
        self.request = request
        self.prepared = prepared
        self.values = values
        self.started = False
        self.raw_headers = [
            (b"content-type", _CONTENT_TYPES[form].encode()),
            (b"content-disposition", _disposition(request.endpoint, form)),
            (b"vary", b"Accept"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer. Raises `Interrupted` when it cannot be finished."""
        working = asyncio.ensure_future(self._answer(scope, send))
        watching = asyncio.ensure_future(_gone(receive))
        try:
            await asyncio.wait((working, watching), return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                await working
        finally:
            for task in (working, watching):
                task.cancel()
            with suppress(asyncio.CancelledError, Interrupted):
                await working

    async def _answer(self, scope: Scope, send: Send) -> None:
        try:
            if scope["method"] == "HEAD":
                await self._find_parent()
                await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            else:
                with self.exports.place():
                    await self._write(send)
            await send({"type": "http.response.body", "body": b""})
        except Problem as problem:
            if self.started:
                await _break_off(send)
                raise Interrupted(f"An export was cut off: {problem.detail}") from problem
            await _refuse(problem, scope, send)
        except (_Gone, OSError) as error:  # a server may say in either way that nobody listens
            raise Interrupted("An export was cut off: its client does not read on.") from error

    async def _write(self, send: Send) -> None:
        chunks = self.exports.chunks(self.prepared, self.values)
        async with aclosing(chunks):
            async for _, chunk in chunks:
                await self._send(send, chunk)
        if not self.started:
            await self._find_parent()
            await self._send(send, b"")

    async def _find_parent(self) -> None:
        """Find out whether there is the row that a relation hangs on. Raises `NotFound`."""
        endpoint, key, path, _ = self.request
        if endpoint.relation is not None:
            await self.exports.pipeline.read(endpoint, key, path, b"limit=0", None)

    async def _send(self, send: Send, chunk: bytes) -> None:
        """Send rows, when the client is ready for them."""
        if not self.started:
            self.started = True
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            chunk = self.prepared.head + chunk
        try:
            async with asyncio.timeout(self.exports.pipeline.limits.export_wait):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except OSError as error:  # one of them is TimeoutError
            raise _Gone from error


def _writing(plan: ReadPlan, statement: Statement, form: Form) -> tuple[Callable[[bytes], bytes], bytes]:
    """Say how a record is written, and what stands before the first one."""
    finish = statement.finish or bytes
    if form == "ndjson":
        return lambda record: _one_line(finish(record)), b""
    linked = plan.anchor is not None and bool(plan.anchor.relation.link)
    shape = plan.selection.shape
    line = csv.writer(shape, linked)
    return lambda record: line(finish(record)), csv.header(shape, linked)


def _one_line(record: bytes) -> bytes:
    """Write JSON as a line: what a client stored in several, PostgreSQL keeps so, between values."""
    return record.replace(b"\n", b" ").replace(b"\r", b" ") + b"\n"


def _disposition(endpoint: Endpoint, form: Form) -> bytes:
    """Name the file; letters that a header cannot hold are written as RFC 6266 says."""
    name = endpoint.resource.name if endpoint.relation is None else f"{endpoint.resource.name}-{endpoint.relation.name}"
    whole = f"{name}.{form}"
    if whole.isascii():
        return f'attachment; filename="{whole}"'.encode()
    return f"attachment; filename=\"export.{form}\"; filename*=UTF-8''{quote(whole)}".encode()


async def _gone(receive: Receive) -> None:
    """Wait until the client is gone; whoever has nothing to say of that, as some middlewares, is asked no more."""
    with suppress(Exception):
        for _ in range(2):
            message = await receive()
            while message.get("more_body", False):
                message = await receive()
            if message["type"] == "http.disconnect":
                return
    await asyncio.get_running_loop().create_future()


async def _break_off(send: Send) -> None:
    """Send what nobody can send on: Starlette's `BaseHTTPMiddleware` ends an answer properly that was left by an error.

    It raises its own error then; servers refuse the message.
    """
    with suppress(Exception):
        await send({"type": "http.response.interrupted"})


async def _refuse(problem: Problem, scope: Scope, send: Send) -> None:
    """Answer with a problem, while nothing was sent."""
    body, headers = problems.render(problem)
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    raw += [(b"content-type", problems.MEDIA_TYPE.encode()), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": problem.status, "headers": raw})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
