"""What pages cost and say: indexes that serve cursors, counts, the envelope, and what stays compiled."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Field, Relationship

from onetrip import Resource, SoftDelete
from onetrip.http.routes import RouteTable
from onetrip.sql.dialects.functions import FUNCTIONS
from tests.http.test_pagination import links
from tests.schema.serving import Served, base, served
from tests.support.counting import count_statements
from tests.support.databases import Backend

ROWS = 3000


def _tables() -> tuple[Any, Any, Any]:
    Base = base()

    class Author(Base, table=True):  # type: ignore[misc,valid-type]
        id: int | None = Field(default=None, primary_key=True)
        name: str = ""
        items: list["Item"] = Relationship(back_populates="author")

    class Item(Base, table=True):  # type: ignore[misc,valid-type]
        __table_args__ = (sa.Index("item_by_time", "made_at", "id"), sa.Index("item_by_rank", "rank", "id"))
        id: int | None = Field(default=None, primary_key=True)
        made_at: datetime
        rank: int | None = None
        author_id: int = Field(foreign_key="author.id")
        author: Author = Relationship(back_populates="items")

    class Draft(SoftDelete, Base, table=True):  # type: ignore[misc,valid-type]
        id: int | None = Field(default=None, primary_key=True)

    return Author, Item, Draft


def _items(tables: tuple[Any, Any, Any]) -> list[Any]:
    author, item, draft = tables
    start = datetime(2026, 1, 1, tzinfo=UTC)
    items = [
        item(made_at=start + timedelta(minutes=key // 3), author_id=1 + key % 2, rank=key % 7 or None)
        for key in range(ROWS)
    ]
    gone = [draft(deleted_at=start if key else None) for key in range(10)]
    return [author(name="Ada"), author(name="Bob"), *items, *gone]


def explained(found: Served, url: str) -> str:
    """What the database does for a page behind a cursor, in its own words, run for real."""
    path, _, query = url.partition("?")
    target = RouteTable(found.api.schema).find(path)
    assert target is not None
    pipeline, endpoint = found.api.pipeline, target.route.endpoint
    ran: list[tuple[str, tuple[Any, ...]]] = []

    async def run(statement: Any, values: tuple[Any, ...]) -> Any:
        ran.append((statement.text, statement.bind(values)))
        return [b"0"]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline.database, "run", run)
        asyncio.run(pipeline.read(endpoint, (), path.encode(), query.encode(), None))
    [(text, arguments)] = ran
    if found.engine.dialect.name == "sqlite":
        with found.engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            for name, (count, function) in FUNCTIONS.items():
                driver.create_function(name, count, function)
            return "\n".join(str(row[3]) for row in driver.execute(f"EXPLAIN QUERY PLAN {text}", arguments))
    return str(found.client.runner.run(_analyzed(found, text, arguments)))


async def _analyzed(found: Served, text: str, arguments: tuple[Any, ...]) -> str:
    async with found.api.database.engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        return "\n".join(row[0] for row in await driver.fetch(f"EXPLAIN (ANALYZE, COSTS OFF) {text}", *arguments))


@pytest.mark.parametrize(
    ("sort", "served_by"),
    [
        ("id", {"sqlite": "USING INTEGER PRIMARY KEY (rowid>?)", "postgresql": "Index Cond: (id > "}),
        (
            "-made_at",
            {
                "sqlite": "INDEX item_by_time (made_at<?)",
                "postgresql": "Index Cond: (ROW(made_at, id) < ROW(",
            },
        ),
        (
            "-made_at,id",
            {"sqlite": "INDEX item_by_time (made_at<?)", "postgresql": "Index Cond: (made_at <= "},
        ),
        (
            "-rank",
            {
                "sqlite": "INDEX item_by_rank (rank<?)",
                "postgresql": "Index Cond: (ROW(rank, id) < ROW(",
            },
        ),
    ],
)
def test_an_index_leads_to_a_page(backend: Backend, sort: str, served_by: dict[str, str]) -> None:
    """However far a cursor is, the rows before it are not read: by index, up to as many as a page has."""
    tables = _tables()
    with served(backend, *tables, rows=_items(tables)) as found:
        with found.engine.begin() as connection:
            connection.exec_driver_sql("ANALYZE")
        url = f"/items?sort={sort}&limit=1000&fields=id"
        for _ in range(2):
            url = links(found.client.get(url))["next"]
        plan = explained(found, url.replace("limit=1000", "limit=5"))
        assert served_by[backend.name] in plan, plan
        if backend.name == "postgresql":
            assert "Seq Scan" not in plan
            removed = [int(line.rpartition(" ")[2]) for line in plan.splitlines() if "Rows Removed by Filter" in line]
            assert sum(removed) <= 3, plan  # rows of the same minute


def test_what_is_counted(backend: Backend) -> None:
    """Exactly in the same statement; estimated by the planner of PostgreSQL, whom another one asks about filters.

    Nobody is asked about a list that has come to its end: it is counted then.
    """
    tables = _tables()
    with served(backend, *tables, rows=_items(tables)) as found:
        with found.engine.begin() as connection:
            connection.exec_driver_sql("ANALYZE")
        guessed = backend.name == "postgresql"
        found.client.get("/items?limit=1")
        for url, total, close, extra in [
            ("/items?count=exact", ROWS, 0, 0),
            ("/items?count=exact&rank=1&limit=0", 429, 0, 0),
            ("/authors/1/items?count=exact&rank=1&limit=1", 214, 0, 0),
            ("/items?count=estimated", ROWS, 0, 0),
            ("/items?count=estimated&rank=1", 429, 100, guessed),
            ("/authors/1/items?count=estimated&rank=1", 214, 100, guessed),
            ("/drafts?count=estimated&limit=0", 1, 3, guessed),
            ("/items?count=estimated&limit=0&author.name=Ada", ROWS // 2, ROWS, guessed),
            ("/drafts?count=estimated", 1, 0, 0),
            ("/items?count=estimated&rank=1&limit=50&offset=400", 429, 0, 0),
            ("/items?count=estimated&rank=1&limit=29&offset=400&sort=rank", 429, 0, 0),
            ("/items?count=estimated&rank=1&limit=28&offset=400", 429, 100, guessed),
            ("/items?count=estimated&rank=1&offset=500", 429, 100, guessed),
            ("/items?count=estimated&rank=1000000", 0, 0, 0),
        ]:
            with count_statements(backend, found.api) as statements:
                answer = found.client.get(url)
            counted = int(answer.headers["x-total-count"])
            assert abs(counted - total) <= (close if guessed else 0), (url, counted)
            assert len(statements) == 1 + extra, statements
        behind = links(found.client.get("/items?count=exact&rank=1&limit=100"))["next"]
        assert found.client.get(behind).headers["x-total-count"] == "429"
        with count_statements(backend, found.api) as statements:
            assert found.client.get("/authors/9/items?count=estimated").status == 404
        assert len(statements) == 1
        with found.engine.begin() as connection:
            connection.execute(sa.delete(tables[1]).where(tables[1].rank == 1))
        [row] = [found.client.get("/items?count=exact&limit=1")]
        assert row.headers["x-total-count"] == str(ROWS - 429)


def test_an_estimate_where_nobody_has_analysed(backend: Backend) -> None:
    """It is exact then, and still one statement."""
    tables = _tables()
    with served(backend, *tables, rows=_items(tables)[:2]) as found:
        found.client.get("/authors")
        with count_statements(backend, found.api) as statements:
            answer = found.client.get("/authors?count=estimated")
        assert (answer.headers["x-total-count"], len(statements)) == ("2", 1)


def test_the_envelope(backend: Backend) -> None:
    """Lists are objects that say where the other pages are; everything else is as it was, headers too."""
    tables = _tables()
    author, item, _ = tables
    rows = _items(tables)[:6]
    with served(backend, Resource(author, history=True), item, rows=rows, envelope=True) as found:
        found.api.own_tables.create_all(found.engine)
        first = found.client.get("/items?limit=2&fields=id&count=exact")
        body, link = first.json(), links(first)
        assert body == {"items": [{"id": 1}, {"id": 2}], "next": link["next"], "prev": None, "total": 4}
        assert first.headers["x-total-count"] == "4"
        second = found.get(body["next"])
        assert second["items"] == [{"id": 3}, {"id": 4}] and second["next"] is None
        assert found.get(second["prev"]) == {**body, "next": found.get(second["prev"])["next"]}
        assert found.get("/items?id=99") == {"items": [], "next": None, "prev": None, "total": None}
        offset = found.get("/items?limit=1&offset=1&fields=id")
        assert (offset["next"], offset["prev"]) == ("/items?limit=1&fields=id&offset=2", "/items?limit=1&fields=id")
        assert [row["id"] for row in found.get("/authors/1/items")["items"]] == [1, 3]
        assert found.get("/authors/1/history")["items"] == []
        assert found.get("/items/1?include=author")["author"]["name"] == "Ada"
        assert len(found.get("/authors/1?include=items")["items"]) == 2
        odd = found.get("/authors?name__ne=%22\\&limit=1")
        assert odd["next"].startswith("/authors?name__ne=%22\\&limit=1&after=")
        etag = first.headers["etag"]
        assert found.client.get("/items?limit=2&fields=id&count=exact", if_none_match=etag).status == 304


def test_openapi_shows_the_envelope(backend: Backend) -> None:
    """One component for the page of a resource, wherever it is listed; arrays without it."""
    tables = _tables()
    with served(backend, *tables, envelope=True) as found:
        shown = found.get("/openapi.json")
    listed = shown["paths"]["/items"]["get"]["responses"]["200"]
    reference = listed["content"]["application/json"]["schema"]["$ref"]
    assert reference == "#/components/schemas/ItemReadPage"
    of_author = shown["paths"]["/authors/{id}/items"]["get"]["responses"]["200"]
    assert of_author["content"]["application/json"]["schema"]["$ref"] == reference
    component = shown["components"]["schemas"]["ItemReadPage"]
    assert component["required"] == ["items", "next", "prev", "total"]
    assert set(listed["headers"]) == {"ETag", "Link", "X-Total-Count"}
    parameters = {parameter["name"]: parameter["schema"] for parameter in shown["paths"]["/items"]["get"]["parameters"]}
    assert parameters["count"]["enum"] == ["none", "exact", "estimated"]
    assert {"after", "before"} <= parameters.keys()


def test_a_shape_stays_compiled(backend: Backend) -> None:
    """Pages of one list are one shape, and those behind a NULL another one."""
    tables = _tables()
    with served(backend, *tables, rows=_items(tables)[:40]) as found:
        prepared = found.api.pipeline.prepared
        url, seen = "/items?sort=rank&fields=id,rank&limit=3", 0
        while url:
            answer = found.client.get(url)
            url, seen = links(answer).get("next", ""), seen + len(answer.json())
        assert seen == 38
        shapes = {nulls for _, shape, nulls in prepared if any(name == "after" for name, _ in shape)}
        assert shapes == {(), (True, False)} and len(prepared) == 3
