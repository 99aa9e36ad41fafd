"""Exports: every row as NDJSON or CSV, in flat memory, at the pace of the client; never half of it for the whole."""

import asyncio
import csv
import gzip
import io
import json
import re
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
import uvicorn
from fastapi import Depends, FastAPI, Request, Response
from fastapi.middleware.gzip import GZipMiddleware
from pydantic import BaseModel, field_serializer
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import Field, Relationship
from starlette.middleware.base import BaseHTTPMiddleware

from onetrip import API, Limits, Pool, Resource
from onetrip.http.csv import armed, disarmed
from onetrip.http.export import Interrupted
from onetrip.sql.statement import Statement
from tests.http.client import Answer, Client, serving
from tests.http.reads import Guard
from tests.schema.serving import Served, base, served
from tests.support import blog
from tests.support.counting import count_statements
from tests.support.databases import Backend

NDJSON, CSV = "application/x-ndjson", "text/csv"
MANY = 50_000

Base = base()


class Reading(Base, table=True):
    id: int = Field(primary_key=True)
    text: str


class ReadingRead(BaseModel):
    """Python writes it, and fails at one row."""

    id: int
    text: str

    @field_serializer("text")
    def loud(self, value: str) -> str:
        if value == "broken":
            raise ValueError
        return value.upper()


def fill(at: Served, count: int = MANY) -> None:
    with at.engine.begin() as connection:
        rows = [{"id": number, "text": "x" * 100} for number in range(count)]
        connection.execute(sa.insert(sa.inspect(Reading).local_table), rows)


def lines(answer: Answer) -> list[Any]:
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == NDJSON
    return [json.loads(line) for line in answer.body.splitlines()]


def table(answer: Answer) -> list[list[str]]:
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert answer.body.endswith(b"\r\n")
    return list(csv.reader(io.StringIO(answer.body.decode(), newline="")))


@pytest.fixture
def blogged(backend: Backend) -> Iterator[Served]:
    with served(
        backend, Resource(blog.User, max_limit=2, default_limit=1), blog.Post, blog.Comment, rows=blog.rows()
    ) as at:
        yield at


PATHS = [
    "/posts", "/posts?sort=-views,title&fields=id,title", "/posts?views__gte=20", "/users/1/posts", "/posts/1/comments",
    "/posts?include=author,comments(limit=1)", "/posts?fields=id,comments.count", "/users/2/posts?views=99",
    "/posts?limit=2&offset=1", "/posts?limit=0", "/posts?or=(views=30,author.username=alan)",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_an_export_is_the_list(blogged: Served, path: str) -> None:
    """NDJSON has the objects of the list, CSV the same values under the same names."""
    rows = blogged.get(path)
    assert lines(blogged.client.get(path, accept=NDJSON)) == rows
    names, *found = table(blogged.client.get(path, accept=CSV))
    for row, fields in zip(rows, found, strict=True):
        assert list(row) == names
        for value, field in zip(row.values(), fields, strict=True):
            assert field == ("" if value is None else value if isinstance(value, str) else field)
            assert value is None or isinstance(value, str) or json.loads(field) == value
    head = blogged.client.request("HEAD", path, {"accept": CSV})
    assert (head.status, head.body) == (200, b"")
    assert head.headers == blogged.client.get(path, accept=CSV).headers


def test_what_stands_around_the_rows(blogged: Served) -> None:
    """No length, no entity tag, a name for the file; all rows whatever a list would have."""
    answer = blogged.client.get("/users/1/posts", accept=CSV)
    assert set(answer.headers) == {"content-type", "content-disposition", "vary"}
    assert answer.headers["content-disposition"] == 'attachment; filename="users-posts.csv"'
    assert len(lines(blogged.client.get("/users", accept=NDJSON))) == 2  # where a list has one, and never more than two
    assert len(lines(blogged.client.get("/users?limit=99999999", accept=NDJSON))) == 2
    assert blogged.client.get("/users", if_none_match="*", accept=NDJSON).status == 200


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/users/9/posts", 404, "There is no such row in 'users'."),
        ("/posts?count=exact", 422, "'count' is for pages; an export is written as a whole."),
        ("/posts?after=x", 422, "'after' is for pages; an export is written as a whole."),
        ("/posts?limit=x", 422, "'limit' must be a whole number that is not negative."),
        ("/posts?limit=9223372036854775808", 422, "'limit' must be at most 9223372036854775807."),
        ("/posts?offset=100001", 422, "'offset' must be at most 100000."),
        ("/posts?internal_note=x", 422, "'internal_note' is not a parameter of 'posts'."),
        ("/users?fields=hashed_password", 422, "'hashed_password' is not a field of 'users'."),
        ("/users?nonsense=1", 422, "'nonsense' is not a parameter of 'users'."),
        ("/posts?views=x", 422, "'views' must be a whole number."),
        ("/posts/1", 406, "This is written as application/json only."),
        ("/posts/1/author", 406, "This is written as application/json only."),
    ],
)
def test_what_is_refused(blogged: Served, path: str, status: int, said: str) -> None:
    """Problems are problems, in every form, and before anything is sent."""
    for accept in (NDJSON, CSV):
        for method in ("GET", "HEAD"):
            answer = blogged.client.request(method, path, {"accept": accept})
            assert answer.status == status
            assert answer.headers["content-type"] == "application/problem+json"
        assert blogged.client.get(path, accept=accept).json()["detail"] == said


def test_forms_that_are_not_served(backend: Backend) -> None:
    """A resource, or the API, may leave exports out; then there is nothing but JSON, and OpenAPI says so."""
    with served(backend, Resource(blog.User, export=False), blog.Post, blog.Comment, rows=blog.rows()) as at:
        for path in ("/users", "/users?nonsense=1"):
            assert "application/json only" in at.client.get(path, accept=CSV).json()["detail"]
        assert (
            "application/json, application/x-ndjson, text/csv" in at.client.get("/posts", accept="a/b").json()["detail"]
        )
        paths = at.get("/openapi.json")["paths"]
        forms = {path: set(paths[path]["get"]["responses"]["200"]["content"]) for path in paths if "get" in paths[path]}
        assert forms["/users"] == forms["/posts/{id}"] == forms["/posts/{id}/author"] == {"application/json"}
        assert forms["/posts"] == forms["/users/{id}/posts"] == {"application/json", NDJSON, CSV}
    with served(backend, blog.User, blog.Post, blog.Comment, export=False) as at:
        assert at.client.get("/posts", accept=CSV).status == 406


def test_one_statement(backend: Backend, blogged: Served) -> None:
    """SQLite is sent one statement; PostgreSQL one in a transaction that only reads. It is compiled once."""
    blogged.get("/posts")  # a new connection is told how long a statement may run
    blogged.client.get("/posts?views__gte=1", accept=CSV)
    known = len(blogged.api.router.exports.prepared)
    around = ["BEGIN", "COMMIT"] if backend.name == "postgresql" else []
    for path, more in (("/posts?views__gte=10", 0), ("/users/1/posts", 0), ("/users/2/posts?views=99", 1)):
        with count_statements(backend, blogged.api) as counted:
            blogged.client.get(path, accept=CSV)
        found = [
            re.sub("^BEGIN READ ONLY; SELECT set_config.*", "BEGIN", each) for each in counted if each not in ALIVE
        ]
        assert [each for each in found if each in around] == around
        assert len(found) - len(around) == 1 + more, found
    assert len(blogged.api.router.exports.prepared) == known + 2


ALIVE = ("BEGIN;", "ROLLBACK;")
"""By which the pool asks a connection for a sign of life, for an export as for a session."""

FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@a",
    "\tx",
    "\rx",
    "\n=x",
    "＝1",
    "'=1",
    "''@",
    "'plain",
    "plain",
    "",
    '"=1"',
    "a,b",
    "a\r\nb",
    " =1",
]


def test_no_text_is_a_formula(backend: Backend) -> None:
    """What a spreadsheet could take for a formula begins with an apostrophe, which can be taken away; numbers stay."""
    own = base()

    class Cell(own, table=True):
        id: int = Field(primary_key=True)
        text: str
        amount: int = -5
        price: float = -1.5

    rows = [Cell(id=number, text=text) for number, text in enumerate(FORMULAS)]
    with served(backend, Cell, rows=rows) as at:
        _, *found = table(at.client.get("/cells", accept=CSV))
    for (_, text, amount, price), given in zip(found, FORMULAS, strict=True):
        assert text[:1] not in tuple("=+-@\t\r\n＝"), text
        assert armed(text) == given
        assert (text == given) == (not given.lstrip("'").startswith(tuple("=+-@\t\r\n＝")))
        assert (amount, price) == ("-5", "-1.5")
    assert disarmed("'=") == "''="


def test_rows_of_links_and_rows_that_python_writes(backend: Backend) -> None:
    """The columns of a link row are a column of their own; what Python writes is written by it, row by row."""
    own = base()

    class Tagging(own, table=True):
        post_id: int = Field(foreign_key="post.id", primary_key=True)
        tag_id: int = Field(foreign_key="tag.id", primary_key=True)
        weight: int = 1

    class Tag(own, table=True):
        id: int = Field(primary_key=True)
        label: str

    class Post(own, table=True):
        id: int = Field(primary_key=True)
        tags: list[Tag] = Relationship(link_model=Tagging)

    class TagRead(BaseModel):
        id: int
        label: str

        @field_serializer("label")
        def loud(self, value: str) -> str:
            return value.upper()

    rows = [Post(id=1), Tag(id=1, label="a"), Tag(id=2, label="b"), Tagging(post_id=1, tag_id=2, weight=7)]
    with served(backend, Post, Resource(Tag, read=TagRead), rows=rows) as at:
        assert table(at.client.get("/tags", accept=CSV)) == [["id", "label"], ["1", "A"], ["2", "B"]]
        assert lines(at.client.get("/posts/1/tags", accept=NDJSON)) == at.get("/posts/1/tags")
        assert table(at.client.get("/posts/1/tags", accept=CSV)) == [
            ["id", "label", "_link"],
            ["2", "B", '{"weight":7}'],
        ]


# Clients that are slow, or gone


class Connection:
    """An ASGI connection whose client reads `reads` messages and then waits, or goes away."""

    def __init__(self, reads: float, *, leaves: bool = False) -> None:
        self.reads = reads
        self.leaves = leaves
        self.sent: list[Any] = []
        self.stuck = asyncio.Event()
        self.asked = False

    async def receive(self) -> Any:
        if not self.asked:
            self.asked = True
            return {"type": "http.request", "body": b""}
        await self.stuck.wait()
        if not self.leaves:
            await asyncio.get_running_loop().create_future()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        if len(self.sent) > self.reads:
            self.stuck.set()
            await asyncio.get_running_loop().create_future()

    @property
    def is_complete(self) -> bool:
        return bool(self.sent) and self.sent[-1]["type"] == "http.response.body" and not self.sent[-1].get("more_body")


def scope(path: str, accept: str) -> Any:
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "method": "GET",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "server": ("test", 80),
        "client": ("test", 1), "headers": [(b"host", b"test"), (b"accept", accept.encode())],
    }  # fmt: skip


def watched(at: Served) -> list[int]:
    """Note how many rows are fetched at a time."""
    fetched: list[int] = []
    stream = at.api.database.stream

    class Watching:
        def __init__(self, *arguments: Any) -> None:
            self.inner = stream(*arguments)

        async def __aenter__(self) -> Any:
            fetch = await self.inner.__aenter__()

            async def counted(number: int) -> list[bytes]:
                rows = await fetch(number)
                fetched.append(len(rows))
                return rows

            return counted

        async def __aexit__(self, *error: Any) -> Any:
            return await self.inner.__aexit__(*error)

    at.api.database.stream = Watching  # type: ignore[method-assign, assignment]
    return fetched


@pytest.mark.parametrize("accept", [NDJSON, CSV])
def test_few_rows_are_held(backend: Backend, accept: str) -> None:
    """Of many rows a few are read before the client reads on, and never many are in memory."""
    with served(backend, Reading) as at:
        fill(at)
        fetched = watched(at)

        async def stop() -> None:
            connection = Connection(3)
            asking = asyncio.ensure_future(
                at.client.app(scope("/readings", accept), connection.receive, connection.send)
            )
            await connection.stuck.wait()
            await asyncio.sleep(0.05)
            assert sum(fetched) < 2_000
            asking.cancel()
            await asyncio.wait([asking])
            assert at.api.router.exports.running == 0

        at.client.runner.run(stop())
        fetched.clear()
        peak = at.client.runner.run(_peak(at, accept))
        assert sum(fetched) == MANY
        assert max(fetched) <= 1_000
        assert peak < 4_000_000, peak  # where the answer has more than 5 MB


async def _peak(at: Served, accept: str) -> int:
    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        await asyncio.sleep(0)

    tracemalloc.start()
    try:
        await at.client.app(scope("/readings", accept), receive, send)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def free(at: Served, backend: Backend) -> None:
    """Whatever an export had is free: its place, and its connection, on which nothing runs."""
    assert at.api.router.exports.running == 0

    async def settled() -> None:
        for _ in range(100):
            if not _busy(at, backend):
                return
            await asyncio.sleep(0.05)
        raise AssertionError(_busy(at, backend))

    at.client.runner.run(settled())


def _busy(at: Served, backend: Backend) -> Any:
    if backend.name == "sqlite":
        return at.api.database.connections().runner.busy  # type: ignore[attr-defined]
    with at.engine.connect() as connection:
        others = "SELECT state, query FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'"
        return connection.exec_driver_sql(f"{others} AND pid <> pg_backend_pid()").all()


def test_a_client_that_goes_away_frees_the_connection(backend: Backend) -> None:
    """At once, again and again, also where all connections would be taken soon."""
    with served(backend, Reading, pool=Pool(size=3, timeout=1)) as at:
        fill(at)

        async def leave() -> None:
            for _ in range(6):
                connection = Connection(2, leaves=True)
                async with asyncio.timeout(5):
                    await at.client.app(scope("/readings", NDJSON), connection.receive, connection.send)
                assert not connection.is_complete

        at.client.runner.run(leave())
        free(at, backend)
        assert len(at.get("/readings?limit=5")) == 5


ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT CAST(max(i) AS TEXT) FROM n",
    "postgresql": "SELECT convert_to(pg_sleep(60)::text, 'UTF8')",
}


def test_a_statement_ends_with_its_request(backend: Backend) -> None:
    """What runs on for a client that is gone is stopped, not waited for."""
    with served(backend, Reading) as at:

        async def leave() -> None:
            async def read() -> None:
                async with at.api.database.stream(Statement(ENDLESS[backend.name], ()), ()) as fetch:
                    await fetch(1)

            reading = asyncio.ensure_future(read())
            await asyncio.sleep(0.3)
            reading.cancel()
            async with asyncio.timeout(5):
                await asyncio.wait([reading])

        at.client.runner.run(leave())
        free(at, backend)


def test_a_client_that_does_not_read_on_is_cut_off(backend: Backend) -> None:
    """It cannot hold a connection for longer than `export_wait`."""
    with served(backend, Reading, limits=Limits(export_wait=0.1)) as at:
        fill(at, 5_000)

        async def wait() -> None:
            connection = Connection(2)
            with pytest.raises(Interrupted):
                await at.client.app(scope("/readings", CSV), connection.receive, connection.send)
            assert not connection.is_complete

        at.client.runner.run(wait())
        free(at, backend)


def test_an_error_on_the_way_is_not_the_end(backend: Backend) -> None:
    """Before the first byte it is an answer; afterwards the connection is cut, by an exception that the server sees."""
    with served(backend, Resource(Reading, read=ReadingRead)) as at:
        fill(at, 1_000)
        with at.engine.begin() as connection:
            connection.execute(sa.update(Reading).where(sa.inspect(Reading).c.id == 700).values(text="broken"))

        async def ask() -> None:
            connection = Connection(float("inf"))
            with pytest.raises(Interrupted, match="cut off"):
                await at.client.app(scope("/readings", NDJSON), connection.receive, connection.send)
            assert len(connection.sent) > 1
            assert not connection.is_complete

        at.client.runner.run(ask())
        free(at, backend)
        assert at.client.get("/readings?id__gte=700", accept=NDJSON).status == 500
        free(at, backend)


@pytest.mark.parametrize("middleware", [None, BaseHTTPMiddleware, GZipMiddleware])
def test_a_server_cuts_the_connection(backend: Backend, middleware: Any) -> None:
    """A client over HTTP/1.1 sees whether the last chunk came: after an error it did not."""

    async def passing(request: Request, call_next: Any) -> Any:
        return await call_next(request)

    with served(backend, Resource(Reading, read=ReadingRead)) as at:
        fill(at, 1_000)
        app = FastAPI()
        app.include_router(at.api.router)
        if middleware is not None:
            options: Any = {"dispatch": passing} if middleware is BaseHTTPMiddleware else {}
            app.add_middleware(middleware, **options)

        async def ask(port: int) -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /readings HTTP/1.1\r\nHost: test\r\nAccept: text/csv\r\nConnection: close\r\n\r\n")
            answer = await reader.read(-1)
            writer.close()
            return answer

        async def main() -> None:
            server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", log_config=None))
            running = asyncio.ensure_future(server.serve())
            while not server.started:
                await asyncio.sleep(0.01)
            port = server.servers[0].sockets[0].getsockname()[1]
            whole = await ask(port)
            with at.engine.begin() as connection:
                connection.execute(sa.update(Reading).where(sa.inspect(Reading).c.id == 700).values(text="broken"))
            half = await ask(port)
            server.should_exit = True
            await running
            assert whole.startswith(b"HTTP/1.1 200 ") and whole.endswith(b"\r\n0\r\n\r\n")
            assert half.startswith(b"HTTP/1.1 200 ") and not half.endswith(b"\r\n0\r\n\r\n")

        at.client.runner.run(main())
        free(at, backend)


def test_only_so_many_at_once(backend: Backend) -> None:
    """One more is told when to come back; other requests are answered, by a pool as small as can be."""
    with served(backend, Reading, pool=Pool(size=4, timeout=1), limits=Limits(exports=5)) as at:
        fill(at)

        async def ask() -> None:
            connections = [Connection(2) for _ in range(2)]
            asking = [
                asyncio.ensure_future(at.client.app(scope("/readings", CSV), each.receive, each.send))
                for each in connections
            ]
            await asyncio.gather(*(each.stuck.wait() for each in connections))
            answer = await at.client.ask("GET", "/readings", {"accept": CSV})
            assert (answer.status, answer.headers["retry-after"]) == (503, "5")
            assert (await at.client.ask("GET", "/readings?limit=1")).status == 200
            assert (await at.client.ask("GET", "/readings/7")).status == 200
            for each in asking:
                each.cancel()
            await asyncio.wait(asking)
            assert (await at.client.ask("GET", "/readings?limit=1", {"accept": CSV})).status == 200

        at.client.runner.run(ask())
        free(at, backend)


# Around it


def test_dependencies_run_before_an_export(backend: Backend) -> None:
    """Where dependencies are attached, FastAPI runs them, and then the rows are written as ever."""
    guard = Guard()
    backend.create(blog.metadata, *blog.rows())
    api = API(blog.User, blog.Post, blog.Comment, database=backend.url)
    app = FastAPI(lifespan=api.lifespan)
    app.include_router(api.router, dependencies=[Depends(guard)])
    with serving(app) as client:
        assert len(lines(client.get("/posts", accept=NDJSON))) == 5
        head = client.request("HEAD", "/posts", {"accept": CSV})
        assert (head.status, head.body) == (200, b"")
        assert client.get("/users/9/posts", accept=CSV).status == 404


@pytest.mark.parametrize("accept", [NDJSON, CSV])
def test_middlewares_see_an_export(backend: Backend, accept: str) -> None:
    """They may compress it and add headers; it streams through them, and ends with its client."""

    async def note(request: Request, call_next: Any) -> Response:
        response: Response = await call_next(request)
        response.headers["x-noted"] = request.scope["route"].path
        return response

    with served(backend, Reading) as at:
        fill(at, 3_000)
        app = FastAPI()
        app.include_router(at.api.router)
        app.add_middleware(GZipMiddleware, minimum_size=1)
        app.add_middleware(BaseHTTPMiddleware, dispatch=note)
        answer = at.client.runner.run(Client(app, at.client.runner).ask("GET", "/readings", {"accept": accept}))
        assert answer.headers["x-noted"] == "/readings"
        assert len(answer.body.splitlines()) == 3_000 + (accept == CSV)
        packed = Client(app, at.client.runner).get("/readings", accept=accept, accept_encoding="gzip")
        assert gzip.decompress(packed.body) == answer.body


Engine = Callable[..., Any]
DRIVERS: dict[str, tuple[str, Engine]] = {
    "pysqlite": ("sqlite", sa.create_engine), "aiosqlite": ("sqlite", create_async_engine),
    "psycopg": ("postgresql", sa.create_engine), "psycopg (async)": ("postgresql", create_async_engine),
    "asyncpg": ("postgresql", create_async_engine),
}  # fmt: skip


@pytest.mark.parametrize("driver", DRIVERS)
def test_every_engine_exports(backend: Backend, driver: str) -> None:
    """Also those that a user brings along: all rows, and what a client leaves behind is free."""
    name, create = DRIVERS[driver]
    if backend.name != name:
        pytest.skip("of the other database")
    Base.metadata.create_all(backend.engine())
    with backend.engine().begin() as connection:
        rows = [{"id": number, "text": "é"} for number in range(3_000)]
        connection.execute(sa.insert(sa.inspect(Reading).local_table), rows)
    engine = create(sa.make_url(backend.url).set(drivername=f"{name}+{driver.partition(' ')[0]}"))
    api = API(Reading, engine=engine)
    app = FastAPI(lifespan=api.lifespan)
    app.include_router(api.router)
    with serving(app) as client:
        for _ in range(2):
            assert [row["id"] for row in lines(client.get("/readings?id__gte=1", accept=NDJSON))] == [*range(1, 3_000)]

        async def leave() -> None:
            connection = Connection(2, leaves=True)
            await app(scope("/readings", CSV), connection.receive, connection.send)
            assert not connection.is_complete

        for _ in range(12):
            client.runner.run(leave())
        assert client.get("/readings/7").json() == {"id": 7, "text": "é"}
        disposed = engine.dispose()
        if asyncio.iscoroutine(disposed):
            client.runner.run(disposed)
