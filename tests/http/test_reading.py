"""`api.query`: endpoints written by hand read as generated routes do, and what they say of rows holds."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import aliased
from sqlmodel import col
from starlette.requests import Request
from starlette.responses import Response

from onetrip import API, ConfigurationError, Problem, Resource
from onetrip.errors import NotFound
from onetrip.http import pipeline
from onetrip.http import reading as module
from tests.http.client import Answer, serving
from tests.http.reading import Served, Shouted, State, Text, Unserved, Writer, metadata, rows, served
from tests.http.searching import searched
from tests.support.counting import count_statements
from tests.support.databases import Backend, postgresql_backend, sqlite_backend

OF_ADA = [1, 2, 4, 5, 7, 8, 10, 11]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """A database with the rows, which nobody changes."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            backend = stack.enter_context(sqlite_backend(tmp_path_factory.mktemp("reading")))
        else:
            backend = stack.enter_context(postgresql_backend(request.getfixturevalue("server")))
        backend.create(metadata, *rows())
        yield backend


@pytest.fixture
def world(filled: Backend) -> Iterator[Served]:
    with served(filled) as found:
        yield found


def ids(answer: Answer) -> list[int]:
    """The ids of a list."""
    assert answer.status == 200, answer.body
    return [row["id"] for row in answer.json()]


def linked(answer: Answer, rel: str) -> str | None:
    """The URL of another page."""
    found = (part.split(">; rel=") for part in answer.headers["link"].split(", "))
    return next((url[1:] for url, name in found if name == f'"{rel}"'), None)


def test_a_page_is_what_a_generated_list_is(world: Served) -> None:
    """Rows, shape, headers and 304 are those of a generated list with the same question, in one statement."""
    with count_statements(world.backend, world.api) as statements:
        mine = world.client.get("/mine?score__gte=1&sort=-score,id&limit=3&count=exact", x_me="1")
    assert len(statements) == 1, statements
    plain = world.client.get("/texts?writer_id=1&include=writer&score__gte=1&sort=-score,id&limit=3&count=exact")
    assert mine.status == 200 and mine.body == plain.body and ids(mine) == [8, 2, 7]
    assert mine.json()[0]["writer"] == {"id": 1, "name": "ada"} and "note" not in mine.json()[0]
    assert mine.headers["x-total-count"] == plain.headers["x-total-count"] == "5"
    assert mine.headers["etag"] == plain.headers["etag"]
    assert mine.headers["content-type"] == "application/json"
    query = "score__gte=1&sort=-score,id&limit=3&count=exact"
    again = world.client.get(f"/mine?{query}", x_me="1", if_none_match=mine.headers["etag"])
    assert (again.status, again.body) == (304, b"") and "link" in again.headers


def test_a_client_walks_through_the_pages(world: Served) -> None:
    """Links lead to the endpoint's own path, over NULLs, and never to rows of others or to one that was deleted."""
    seen: list[int] = []
    url: str | None = "/mine?sort=-score:nullsfirst&limit=2"
    while url is not None:
        assert url.startswith("/mine?")
        with count_statements(world.backend, world.api) as statements:
            answer = world.client.get(url, x_me="1")
        assert len(statements) == 1
        seen, url = seen + ids(answer), linked(answer, "next")
    assert seen[0] == 4 and sorted(seen) == OF_ADA
    back = linked(answer, "prev")
    assert back is not None and ids(world.client.get(back, x_me="1")) == seen[-4:-2]
    assert 12 not in ids(world.client.get("/mine?limit=20", x_me="2"))


def test_conditions_cannot_be_seen_or_removed(world: Served) -> None:
    """Whatever a client says, it only ever narrows what the endpoint lets through."""
    for query in ("writer_id=2", "or=(writer_id=2,id=3)", "id__in=3,6", "q=x", "not=(id=1)", "limit=20&offset=0"):
        answer = world.client.get(f"/mine?{query}", x_me="1")
        assert answer.status == 422 or set(ids(answer)) <= set(OF_ADA), query
    assert world.client.get("/mine?note=hidden", x_me="1").json()["errors"][0]["type"] == "unknown_parameter"
    assert world.client.get("/mine?limit=21", x_me="1").json()["detail"] == "'limit' must be at most 20."
    assert world.client.get("/mine?sort=note", x_me="1").status == 422
    assert len(ids(world.client.get("/mine", x_me="1"))) == 5  # default_limit


def test_a_client_chooses_within_what_the_endpoint_asks_for(world: Served) -> None:
    """What the endpoint says of shape and order holds until a client says something else, each by itself."""
    get = world.client.get
    assert ids(get("/writers/1/texts-of")) == [4, 8, 7, 2, 11]
    assert ids(get("/writers/1/texts-of?sort=id&limit=2")) == [1, 2]
    assert get("/writers/1/texts-of?sort=id&limit=1&fields=title").json() == [{"title": "t1"}]
    assert get("/mine?limit=1&fields=id", x_me="1").json() == [{"id": 1, "writer": {"id": 1, "name": "ada"}}]
    (row,) = get("/mine?limit=1&include=writer.texts(limit=1,fields=id)", x_me="1").json()
    assert row["writer"]["texts"] == [{"id": 1}]


def test_one_object(world: Served) -> None:
    """The first by its sort, with a client's fields and includes; a 404 of its own, and no parameters of lists."""
    get = world.client.get
    with count_statements(world.backend, world.api) as statements:
        found = get("/writers/1/latest")
    assert len(statements) == 1 and found.json() == {"id": 11, "title": "t11"} and "link" not in found.headers
    assert get("/writers/1/latest", if_none_match=found.headers["etag"]).status == 304
    shown = get("/writers/2/latest?fields=id&include=writer").json()
    assert shown == {"id": 9, "writer": {"id": 2, "name": "alan"}}
    missing = get("/writers/9/latest")
    assert (missing.status, missing.headers["content-type"]) == (404, "application/problem+json")
    for query in ("sort=id", "limit=3", "title=t1", "after=x", "count=exact", "or=(id=1)"):
        wrong = get(f"/writers/1/latest?{query}")
        assert (wrong.status, wrong.json()["errors"][0]["type"]) == (422, "unknown_parameter"), query


def test_what_a_client_may_say(world: Served) -> None:
    """`allow` names it; nothing is a choice, and anything else is refused."""
    get = world.client.get
    assert ids(get("/top")) == [9, 3, 8]
    wrong = get("/top?limit=1").json()
    assert wrong["errors"] == [
        {"loc": ["query", "limit"], "msg": "'limit' is not a parameter of 'texts'.", "type": "unknown_parameter"}
    ]
    assert ids(get("/paged?score__gte=3")) == [3, 8]
    following = linked(get("/paged?score__gte=3"), "next")
    assert following is not None and ids(get(following)) == [9]
    assert get("/paged?title=t1").json()["hint"] == "There are: after, before, limit, score."
    assert get("/paged?fields=id").status == get("/paged?include=writer").status == 422


def test_parameters_that_the_endpoint_declares_are_its_own(world: Served) -> None:
    """Of its signature, models and dependencies, wherever it is included: they stay in links, and are no filters."""
    get = world.client.get
    first = get("/weekly?wk=2&score=2&fields=id")
    assert ids(first) == [3, 7]
    following = linked(first, "next")
    assert following is not None and "wk=2&score=2&fields=id" in following and ids(get(following)) == [8, 9]
    assert get("/weekly?week=2").status == 422  # its alias is the name
    assert get("/weekly?wk=x").json()["detail"][0]["type"] == "int_parsing"
    assert ids(get("/inner/modelled?week=4&unit-name=x&tenant=2&key=1&fields=id")) == [5, 6]
    assert get("/inner/modelled?key=1&unit_name=x").status == 422
    assert get("/inner/modelled?key=1&other=x").status == 422


def test_cursors_belong_to_one_endpoint(world: Served) -> None:
    """A cursor is refused by another endpoint, another row of the path, another parameter of the endpoint's own."""
    get = world.client.get
    following = linked(get("/writers/1/texts-of?limit=2"), "next")
    assert following is not None and get(following).status == 200
    query = following.partition("?")[2]
    for path in ("/writers/2/texts-of", "/texts", "/mine"):
        assert get(f"{path}?{query}", x_me="1").json()["errors"][0]["type"] == "invalid_cursor", path
    following = linked(get("/weekly?wk=2&limit=1"), "next")
    assert following is not None and get(following).status == 200
    assert get(following.replace("wk=2", "wk=3")).json()["errors"][0]["type"] == "invalid_cursor"


def test_a_search_beside_a_condition(backend: Backend) -> None:
    """What a client searches for is found among the rows of the endpoint."""
    with searched(backend, Writer, Resource(Text, search=["title"]), rows=rows()) as found:
        app = FastAPI()

        @app.get("/of-alan")
        async def of_alan(request: Request) -> Response:
            return await found.api.query(Text).where(Text.writer_id == 2).fields("id").page(request)

        with serving(app) as client:
            assert sorted(ids(client.get("/of-alan?q=t9 or t3 or t1"))) == [3, 9]
            assert ids(client.get("/of-alan?q=t9 or t3 or t1&sort=-id")) == [9, 3]
            assert client.get("/of-alan?q=t9 or t1&count=exact").headers["x-total-count"] == "1"


DRIVERS = {
    "sqlite": [("sqlite+pysqlite", sa.create_engine), ("sqlite+aiosqlite", create_async_engine)],
    "postgresql": [("postgresql+psycopg", sa.create_engine), ("postgresql+psycopg", create_async_engine)],
}


def test_engines_of_other_drivers(filled: Backend) -> None:
    """Values are converted and numbered as each of them wants it; in hierarchies and Python's own schemas, too."""
    for driver, create in DRIVERS[filled.name]:
        engine: Any = create(sa.make_url(filled.url).set(drivername=driver))

        async def ask(engine: Any) -> tuple[bytes, ...]:
            api = API(Resource(Writer, read=Shouted), Text, engine=engine)
            query = api.query(Text).where(Text.state == State.DRAFT, col(Text.id).in_([1, 2, 3]))
            several = await query.where(Text.ref != UUID(int=1)).fields("id").include("writer").page()
            one = await api.query(Writer).where(col(Writer.texts).any(Text.price == Decimal("1.5"))).one()
            await api.database.close()
            disposed = engine.dispose()
            if asyncio.iscoroutine(disposed):
                await disposed
            return bytes(several.body), bytes(one.body)

        several, one = asyncio.run(ask(engine))
        assert json.loads(several) == [{"id": 3, "writer": {"name": "alan", "shout": "alan!"}}], driver
        assert json.loads(one) == {"name": "alan", "shout": "alan!"}


Condition = Callable[[], Any]

CONDITIONS: dict[str, tuple[Condition, list[int]]] = {
    "equal": (lambda: Text.writer_id == 2, [3, 6, 9]),
    "reversed": (lambda: 2 == col(Text.writer_id), [3, 6, 9]),  # noqa: SIM300
    "null": (lambda: col(Text.score).is_(None), [4]),
    "or": (lambda: sa.or_(Text.id == 1, sa.and_(Text.id > 8, Text.id < 10)), [1, 9]),
    "not": (lambda: ~(col(Text.id) > 2), [1, 2]),
    "in": (lambda: col(Text.id).in_([2, 3, 5]), [2, 3, 5]),
    "not in": (lambda: col(Text.id).not_in([2, 3, 5, 6, 7, 8, 9, 10]), [1, 4, 11]),
    "in nothing": (lambda: col(Text.id).in_([]), []),
    "not in nothing": (lambda: sa.and_(col(Text.id).not_in([]), Text.id < 3), [1, 2]),
    "tuples": (lambda: sa.tuple_(col(Text.id), col(Text.writer_id)).in_([(1, 1), (2, 2), (3, 2)]), [1, 3]),
    "relation": (lambda: Text.writer == Writer(id=2, name="alan"), [3, 6, 9]),
    "has": (lambda: col(Text.writer).has(Writer.name == "alan"), [3, 6, 9]),
    "any": (lambda: col(Text.writer).has(col(Writer.texts).any(Text.title == "t9")), [3, 6, 9]),
    "subquery": (lambda: col(Text.writer_id).in_(sa.select(col(Writer.id)).where(Writer.name == "alan")), [3, 6, 9]),
    "rows of itself": (
        lambda: col(Text.id).in_(sa.select(col(Text.id)).where(col(Text.score) == 4)), [9],
    ),
    "correlated": (
        lambda: sa.exists().where(Writer.id == Text.writer_id, Writer.name == "alan").correlate(Text), [3, 6, 9],
    ),
    "of itself": (lambda: Text.score == sa.select(sa.func.max(col(aliased(Text).score))).scalar_subquery(), [9]),
    "exists": (lambda: sa.exists().where(Writer.id == Text.writer_id, Writer.name == "alan"), [3, 6, 9]),
    "enum": (lambda: sa.and_(Text.state == State.DRAFT, Text.id < 4), [1, 3]),
    "converted": (lambda: sa.and_(Text.code == "x"), [1, 2, 3]),
    "uuid": (lambda: Text.ref == UUID(int=5), [5]),
    "decimal": (lambda: Text.price == Decimal("2.5"), [5]),
    "moment": (lambda: Text.written > datetime(2026, 1, 10, tzinfo=UTC), [10, 11]),
    "function": (lambda: sa.func.upper(Text.title) == "T7", [7]),
    "like": (lambda: col(Text.title).contains("1", autoescape=True), [1, 10, 11]),
    "named": (lambda: col(Text.id) == sa.bindparam("p0", 3), [3]),
    "sum": (lambda: col(Text.id) + sa.literal(1) == 4, [3]),
    "literal": (lambda: col(Text.id) == sa.literal(6, literal_execute=True), [6]),
    "text": (lambda: sa.text("title = 't2'"), [2]),
}  # fmt: skip


@pytest.mark.filterwarnings("default")
def test_conditions_of_every_kind(world: Served) -> None:
    """They mean what they mean in a `select`, beside filters of a client's, and their values are parameters."""
    for name, (condition, expected) in CONDITIONS.items():
        reading = world.api.query(Text).where(condition()).sort("id").limit(20)
        for _ in range(2):
            assert world.ids(reading) == expected, name
            assert world.ids(reading.where(Text.id > 2)) == [number for number in expected if number > 2], name


def test_values_are_no_part_of_a_statement(world: Served) -> None:
    """Neither of those that are remembered, nor of the text that the database gets."""
    evil = "x' OR 1=1 --"
    literally = sa.literal(evil, literal_execute=True)
    for condition in (col(Text.title) == evil, col(Text.title).in_([evil, "b"]), literally == Text.title):
        assert world.ids(world.api.query(Text).where(condition)) == []
    for key, prepared in world.api._readings.prepared.items():
        assert evil not in f"{key}{prepared}" and evil not in prepared.statement.text
    assert len(world.api._readings.prepared) == 3


class Odd(sa.ColumnElement[bool]):
    """A construct that does not say by what it differs from others."""

    __visit_name__ = "odd"
    inherit_cache = False
    type = sa.Boolean()

    def __init__(self, value: int) -> None:
        self.inner = col(Text.id) == value

    def _compiler_dispatch(self, visitor: Any, **kw: Any) -> str:
        return self.inner._compiler_dispatch(visitor, **kw)  # type: ignore[no-any-return]


def test_planned_and_compiled_once_for_each_structure(world: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other values, and lists of nearly as many, cost neither; as many structures are remembered as shapes."""
    counts = {"compile_read": 0, "plan_read": 0}

    def counting(place: Any, name: str) -> None:
        done = getattr(place, name)

        def counted(*arguments: Any, **options: Any) -> Any:
            counts[name] += 1
            return done(*arguments, **options)

        monkeypatch.setattr(place, name, counted)

    counting(pipeline, "compile_read")
    counting(module, "plan_read")
    query = world.api.query
    for number in range(1, 9):
        assert world.ids(query(Text).where(Text.id == number)) == [number]
    assert counts["compile_read"] == 1
    for number in range(5, 9):
        below, rest = range(1, number + 1), range(number + 1, 14)
        assert world.ids(query(Text).where(col(Text.id).in_(below)).limit(20)) == [*below]
        assert world.ids(query(Text).where(col(Text.id).not_in(rest), Text.id > 0).limit(20)) == [*below]
    assert counts["compile_read"] == 3
    for number in (3, 6):  # an alias that is made each time
        other = aliased(Text)
        same = sa.select(col(other.writer_id)).where(col(other.id) == number).scalar_subquery()
        assert world.ids(query(Text).where(Text.writer_id == same)) == [3, 6, 9]
        counts["compile_read"] -= number == 3
    assert counts["compile_read"] == 3
    assert world.client.get("/mine?title=t1", x_me="1").status == world.client.get("/mine?title=t2", x_me="2").status
    planned = counts["plan_read"]
    assert counts["compile_read"] == 4
    assert world.client.get("/mine?title=t3", x_me="3").status == 200
    assert counts == {"compile_read": 4, "plan_read": planned}
    names = ("id", "title", "score", "state", "code", "ref")
    for name in names:
        for other in names:
            world.run(query(Text).where(Text.id == 1).fields(*dict.fromkeys((name, other))).page())
            assert len(world.api._readings.prepared) <= 16


def test_a_condition_without_a_key_is_compiled_each_time(world: Served) -> None:
    """It is right all the same, and takes no place from others."""
    for number in (1, 2, 3):
        assert world.ids(world.api.query(Text).where(Odd(number))) == [number]
    assert not world.api._readings.prepared


def test_without_a_request(world: Served) -> None:
    """A page for a task: the same bytes, no links, and problems are raised."""
    query = world.api.query(Text).where(Text.writer_id == 2)
    response = world.run(query.page())
    assert isinstance(response, Response) and "link" not in response.headers
    assert [row["id"] for row in json.loads(response.body)] == [3, 6, 9]
    assert json.loads(world.run(query.sort("-id").fields("id").one()).body) == {"id": 9}
    with pytest.raises(NotFound, match="no such row in 'texts'"):
        world.run(query.where(Text.id == 1).one())


def test_readings_do_not_change(world: Served) -> None:
    """Each step is a new one, so one may be kept and be built upon."""
    drafts = world.api.query(Text).where(Text.state == State.DRAFT).sort("id").limit(20)
    of_alan = drafts.where(Text.writer_id == 2).sort("-title")
    assert world.ids(of_alan) == [3, 9] and world.ids(drafts) == [1, 3, 5, 7, 9, 11]
    both = (
        world.api.query(Writer).include("texts(limit=1,sort=-id)").include("texts.writer").fields("id").fields("name")
    )
    first = json.loads(world.run(both.one()).body)
    assert list(first) == ["id", "name", "texts"] and first["texts"][0]["writer"]["id"] == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda api: api.query(Unserved), r"the API does not serve Unserved, only Writer, Text"),
        (lambda api: api.query(3), r"the API does not serve 3"),
        (lambda api: api.query(Text).where(True), r"was given True, which is no condition.*Text.id == 7"),
        (lambda api: api.query(Text).where("id = 3"), r"was given a str, which is no condition"),
        (lambda api: api.query(Text).where(object()), r"was given a object, which is no condition"),
        (lambda api: api.query(Text).where(Writer.name == "ada"), r"a condition on 'writer', which is not joined"),
        (lambda api: api.query(Text).where(aliased(Text).id == 1), r"which is not joined"),
        (lambda api: api.query(Text).where(Text.id == sa.bindparam("x")), r"the parameter 'x', which has no value"),
        (lambda api: api.query(Text).include("writr"), r"api.query\(Text\) asks for what there is not.*'writer'"),
        (lambda api: api.query(Text).fields("note"), r"asks for what there is not. 'note' is not a field"),
        (lambda api: api.query(Text).sort("id,"), r"asks for what there is not. 'sort' has a comma"),
        (lambda api: api.query(Text).limit(21), r"limit\(21\): a page of 'texts' has from 0 to 20 rows"),
        (lambda api: api.query(Text).limit(-1), r"limit\(-1\)"),
    ],
)
def test_mistakes_of_the_endpoint_are_no_fault_of_clients(world: Served, wrong: Any, said: str) -> None:
    """They are said in a sentence that names the remedy, and raised."""
    with pytest.raises(ConfigurationError, match=said) as found:
        world.run(wrong(world.api).page())
    assert not isinstance(found.value, Problem)
    assert not world.api._readings.prepared


def test_in_an_envelope(filled: Backend) -> None:
    """As on a generated list."""
    with served(filled, envelope=True) as world:
        found = world.client.get("/mine?limit=2&count=estimated&fields=id", x_me="1").json()
        assert [row["id"] for row in found["items"]] == [1, 2] and found["next"].startswith("/mine?limit=2")
        assert isinstance(found["total"], int)
