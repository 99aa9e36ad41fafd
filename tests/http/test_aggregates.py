"""Where groups are served, what is remembered of them, and what OpenAPI says."""

import re
from contextlib import AbstractContextManager
from typing import Any, Optional

import jsonschema
import pytest
from fastapi import Depends, FastAPI
from sqlmodel import Field, Relationship

from onetrip import API, Limits, Resource
from onetrip.http import aggregate
from tests.http.client import serving
from tests.http.reads import refuse
from tests.http.searching import searched
from tests.schema.serving import Served, base, served
from tests.support import blog
from tests.support.counting import count_statements
from tests.support.databases import Backend

Base = base()


class Shelf(Base, table=True):
    id: int = Field(primary_key=True)
    books: list["Book"] = Relationship(back_populates="shelf")


class Book(Base, table=True):
    id: int = Field(primary_key=True)
    title: str
    shelf_id: int | None = Field(default=None, foreign_key="shelf.id")
    shelf: Optional[Shelf] = Relationship(back_populates="books")  # noqa: UP045


def rows() -> list[Any]:
    return [Shelf(id=1), Book(id=1, title="Notes", shelf_id=1), Book(id=2, title="Looms"), Book(id=3, title="Looms")]


def library(backend: Backend, *, aggregate: bool = True, **options: Any) -> AbstractContextManager[Served]:
    return served(backend, Shelf, Resource(Book, aggregate=aggregate), rows=rows(), **options)


def test_a_resource_need_not_have_them(backend: Backend) -> None:
    """Then its path does not exist, nor that of a relation to it, and OpenAPI does not show them."""
    with library(backend, aggregate=False) as found:
        for path in ("/books:aggregate", "/shelves/1/books:aggregate", "/shelves/1/nonsense"):
            answer = found.client.get(path)
            assert (answer.status, answer.json()["detail"]) == (404, "Not Found")
        assert found.get("/shelves:aggregate") == [{"count": 1}]
        paths = found.get("/openapi.json")["paths"]
        assert [path for path in paths if "aggregate" in path] == ["/shelves:aggregate"]


def test_what_is_no_collection_has_none(backend: Backend) -> None:
    """Neither a row, nor a relation to one; other methods are not allowed, and a longer path is another."""
    with library(backend) as found:
        for path in ("/books/1/shelf:aggregate", "/nonsense:aggregate", "/books:aggregate/1"):
            assert found.client.get(path).status == 404, path
        assert found.client.get("/books/1:aggregate").json()["errors"][0]["loc"] == ["path", "id"]
        answer = found.client.send("POST", "/books:aggregate", {})
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("lifespan", [True, False])
def test_an_endpoint_of_ones_own_comes_first(stored: Backend, lifespan: bool) -> None:
    """As everywhere: of two paths that match, the first is answered; the other collections keep theirs."""
    api = API(blog.User, blog.Post, blog.Comment, database=stored.url)
    app = FastAPI(lifespan=api.lifespan)

    @app.get("/posts:aggregate")
    def own() -> str:
        return "own"

    app.include_router(api.router, prefix="")
    with serving(app, lifespan=lifespan) as client:
        assert client.get("/posts:aggregate").json() == "own"
        assert client.get("/users:aggregate").json() == [{"count": 2}]
        assert client.get("/users/1/posts:aggregate").json() == [{"count": 4}]


def test_dependencies_run_before(stored: Backend) -> None:
    """An attached dependency guards groups as it guards rows."""
    api = API(blog.User, blog.Post, blog.Comment, database=stored.url)
    app = FastAPI()
    app.include_router(api.router, prefix="/api", dependencies=[Depends(refuse)])
    with serving(app) as client:
        assert client.get("/api/posts:aggregate").status == 401


def test_a_shape_seen_before_is_not_planned_again(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values are no part of it, those of conditions on groups included; the oldest of many shapes is forgotten."""
    planned: list[Any] = []
    plan = aggregate.plan_aggregate
    monkeypatch.setattr(aggregate, "plan_aggregate", lambda *given: planned.append(given) or plan(*given))
    path = "/books:aggregate?group=title&count=*&having=(or=(count={},count__gte={}))&id__gt={}&limit={}"
    with library(backend, limits=Limits(shapes=3)) as found:
        for number in range(5):
            found.get(path.format(number, number, number, number))
        assert len(planned) == 1
        for name in ("title", "shelf_id", "id"):
            found.get(f"/books:aggregate?group={name}")
        found.get(path.format(1, 1, 1, 1))
        assert len(planned) == 5
        assert len(found.api.router.aggregates.prepared) == 3


def test_one_statement_whatever_is_asked(backend: Backend) -> None:
    """Through relations, with conditions on groups and pages, also of the rows of a relation."""
    with library(backend) as found:
        for path in ("/books:aggregate", "/shelves/1/books:aggregate"):
            query = "?group=title,shelf.id&count=*&max=id&having=(count__gt=0)&shelf.id__gt=0&sort=-count&limit=1"
            found.get(path + query)
            with count_statements(backend, found.api) as statements:
                assert found.get(path + query) == [{"title": "Notes", "shelf.id": 1, "count": 1, "max.id": 1}]
            assert len(statements) == 1


def test_a_read_only_api_has_groups(backend: Backend) -> None:
    """They change nothing."""
    with library(backend, read_only=True) as found:
        assert found.get("/books:aggregate?group=title&count=*&sort=-count&limit=1") == [{"title": "Looms", "count": 2}]


def test_limits_are_those_of_the_api_and_the_resource(backend: Backend) -> None:
    """How many are asked for, and how many groups there are on a page."""
    resource = Resource(Book, max_limit=2, default_limit=1)
    with served(backend, Shelf, resource, rows=rows(), limits=Limits(aggregates=2)) as found:
        assert "at most 2 are answered" in found.refusal("/books:aggregate?group=id,title&count=*")
        assert "must be at most 2" in found.refusal("/books:aggregate?group=id&limit=3")
        assert found.get("/books:aggregate?group=id") == [{"id": 1}]
        assert found.get("/books:aggregate?group=id&limit=2") == [{"id": 1}, {"id": 2}]


def test_an_envelope(backend: Backend) -> None:
    """Groups come as rows do."""
    with library(backend, envelope=True) as found:
        path = "/books:aggregate?group=title&limit=1"
        following = {"next": f"{path}&offset=1", "prev": None, "total": None}
        assert found.get(path) == {"items": [{"title": "Looms"}], **following}


def test_words_choose_the_rows(backend: Backend) -> None:
    """`q` is what it is in a list, where columns are searched."""
    with searched(backend, Shelf, Resource(Book, search=["title"]), rows=rows()) as found:
        assert found.get("/books:aggregate?q=looms&group=title&count=*") == [{"title": "Looms", "count": 2}]
        assert found.get("/books:aggregate?q=looms&id=2") == [{"count": 1}]
        assert found.get("/shelves/1/books:aggregate?q=looms") == [{"count": 0}]
        assert "'q'" in found.refusal("/shelves:aggregate?q=looms")


# OpenAPI


def described(found: Served, path: str) -> dict[str, Any]:
    operation: dict[str, Any] = found.get("/openapi.json")["paths"][path]["get"]
    return operation


def test_the_operations_are_named(backend: Backend) -> None:
    """After the collection, and after the relation."""
    with library(backend) as found:
        assert described(found, "/books:aggregate")["operationId"] == "aggregate_books"
        assert described(found, "/shelves/{id}/books:aggregate")["operationId"] == "aggregate_shelf_books"


def test_parameters_are_typed(backend: Backend) -> None:
    """What a pattern admits is taken, and what it does not is refused; `:aggregate` has no parameters of rows."""
    columns = ["id", "title", "shelf_id", "shelf.id"]
    with library(backend) as found:
        parameters = {each["name"]: each["schema"] for each in described(found, "/books:aggregate")["parameters"]}
        assert not parameters.keys() & {"fields", "include", "after", "before"}
        for name in ("group", "count", "sum", "avg", "min", "max", "sort"):
            items = parameters[name]["items"]
            for value in (*columns, "*", "-count", "sum.id:nullslast", "min.title", "nonsense", "books.id"):
                asked = "&group=id,title,shelf_id,shelf.id&count=*&sum=id&min=title" if name == "sort" else ""
                status = found.client.get(f"/books:aggregate?{name}={value}{asked}").status
                assert (status == 200) == (re.search(items["pattern"], value) is not None), (name, value)
        having = parameters["having"]["pattern"]
        for value in ("(count__gt=1)", "(count__gt=1,count__lt=5)", "count__gt=1", "(nonsense=1)"):
            status = found.client.get(f"/books:aggregate?having={value}").status
            assert (status == 200) == (re.search(having, value) is not None), value


@pytest.mark.parametrize("envelope", [True, False])
def test_the_answer_is_as_described(backend: Backend, envelope: bool) -> None:
    """Groups, whatever is asked."""
    with library(backend, envelope=envelope) as found:
        schema = described(found, "/books:aggregate")["responses"]["200"]["content"]["application/json"]["schema"]
        for query in ("", "?group=title&count=*,shelf_id&sum=id&avg=id&min=title", "?id=9&sum=id&avg=id"):
            jsonschema.validate(found.get(f"/books:aggregate{query}"), schema, jsonschema.Draft202012Validator)
