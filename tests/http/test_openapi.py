"""The OpenAPI of generated routes: valid, complete, stable, and true.

Of the parameters that it describes a fifth is tried. All: `ONETRIP_DESCRIBED=1 pytest tests/http/test_openapi.py`.
"""

import json
import os
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from fastapi import Depends, FastAPI, Header
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry, relationship
from sqlmodel import Field, SQLModel

from onetrip import API, Resource
from tests.http import world
from tests.http.client import serving
from tests.http.conftest import Served
from tests.http.specs.spec import Spec
from tests.http.test_specs import SPECS
from tests.support import blog

pytestmark = pytest.mark.no_cover  # validators of JSON Schema, which tracing makes four times as slow

WHOLE = "ONETRIP_DESCRIBED" in os.environ

NOWHERE = "sqlite:///nowhere.db"
"""OpenAPI needs no database."""


def openapi(api: API, **options: Any) -> dict[str, Any]:
    app = FastAPI()
    app.include_router(api.router, **options)
    return app.openapi()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    return ((path, operation) for path, methods in document["paths"].items() for operation in methods.values())


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for inner in node.values():
            yield from references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from references(inner)


def verify(document: dict[str, Any]) -> None:
    """A document is valid OpenAPI 3.1, its references lead somewhere, and no two operations have one id."""
    assert document["openapi"].startswith("3.1")
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(references(document)) <= known
    ids = [operation["operationId"] for _, operation in operations(document)]
    assert len(set(ids)) == len(ids)
    for _, operation in operations(document):
        for parameter in operation.get("parameters", []):
            Draft202012Validator.check_schema(parameter["schema"])


@cache
def world_document() -> dict[str, Any]:
    return openapi(world.api(NOWHERE))


def test_the_world_is_described() -> None:
    """Every kind of table, key, relation and type makes a valid document."""
    verify(world_document())


def test_operation_ids_are_stable() -> None:
    """Clients are generated from these names: they follow from tables and relations, and change only with them."""
    document = openapi(API(blog.User, blog.Post, blog.Comment, database=NOWHERE))
    reads = {path: item["get"]["operationId"] for path, item in document["paths"].items()}
    assert reads == {
        "/livez": "livez",
        "/readyz": "readyz",
        "/users": "list_users",
        "/users:aggregate": "aggregate_users",
        "/users/{id}": "get_user",
        "/users/{id}/posts": "list_user_posts",
        "/users/{id}/comments": "list_user_comments",
        "/users/{id}/posts:aggregate": "aggregate_user_posts",
        "/users/{id}/comments:aggregate": "aggregate_user_comments",
        "/posts": "list_posts",
        "/posts:aggregate": "aggregate_posts",
        "/posts/{id}": "get_post",
        "/posts/{id}/author": "get_post_author",
        "/posts/{id}/comments": "list_post_comments",
        "/posts/{id}/comments:aggregate": "aggregate_post_comments",
        "/comments": "list_comments",
        "/comments:aggregate": "aggregate_comments",
        "/comments/{id}": "get_comment",
        "/comments/{id}/post": "get_comment_post",
        "/comments/{id}/author": "get_comment_author",
    }


def test_the_document_is_the_same_every_time() -> None:
    """Two applications of the same tables are described by the same bytes."""
    assert json.dumps(openapi(world.api(NOWHERE))) == json.dumps(world_document())


def test_every_parameter_is_typed() -> None:
    """Each parameter of a generated route has a schema that says something, and a list says how it is written."""
    for path, operation in operations(world_document()):
        for parameter in operation.get("parameters", []):
            schema = parameter["schema"]
            assert "type" in schema or "enum" in schema, (path, parameter)
            assert parameter["required"] is (parameter["in"] == "path")
            if schema.get("type") == "array":
                assert (parameter["style"], parameter["explode"]) == ("form", False)
                assert "type" in schema["items"] or "enum" in schema["items"], parameter
                assert schema["minItems"] in (1, 2)


def test_every_answer_is_described() -> None:
    """Lists and objects are components, problems are problems, with their headers."""
    for path, operation in operations(world_document()):
        if path in ("/livez", "/readyz") or path.endswith(":aggregate"):
            continue
        many = operation["operationId"].startswith("list_")
        answers = operation["responses"]
        schema = answers["200"]["content"]["application/json"]["schema"]
        assert (schema["type"] == "array") if many else ("type" not in schema)
        whole, part = (schema["items"] if many else schema)["anyOf"]
        assert whole.keys() == {"$ref"} and part["type"] == "object" and "`fields`" in part["description"]
        assert set(answers["200"]["headers"]) == ({"ETag", "Link", "X-Total-Count"} if many else {"ETag"})
        collection = path.count("/") == 1
        assert set(answers) == {"200", "304", "400", "406", "414", "422", "503"} | (set() if collection else {"404"})
        for status in set(answers) - {"200", "304"}:
            assert answers[status]["content"] == {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/OnetripProblem"}}
            }


def _sample(schema: dict[str, Any]) -> str:
    """A value that a schema admits."""
    if "enum" in schema:
        return str(schema["enum"][0])
    if "examples" in schema:
        return str(schema["examples"][0])
    if "items" in schema and not schema.get("uniqueItems"):  # values, and not names
        return ",".join([_sample(schema["items"])] * schema["minItems"])
    if "pattern" in schema.get("items", {}):
        return str(schema["items"]["pattern"].split("(")[1].split("|")[0].split(")")[0])
    formats = {
        "date": "2026-01-31", "date-time": "2026-01-31T09:30:00Z", "time": "09:30:00", "duration": "PT1S",
        "decimal": "1.5", "uuid": "00000000-0000-0000-0000-000000000000", "local-date-time": "2026-01-31T09:30:00",
        "local-time": "09:30:00",
    }  # fmt: skip
    return {"integer": "1", "number": "1.5", "boolean": "true"}.get(schema["type"]) or formats.get(
        schema.get("format", ""), "x"
    )


def test_what_is_described_is_accepted(on_sqlite: Served) -> None:
    """A value of each parameter's schema is never an unknown parameter or field, nor of the wrong type."""
    for turn, (path, operation) in enumerate(operations(world_document())):
        keys = {"/playlist_track": "1,10", "/shelves": "a,%22b,c%22", "/countries": "DE", "/follows": "1,2"}
        collection = f"/{path.split('/')[1]}"
        number = str(world.PAPERS[0]) if collection == "/papers" else "1"
        target = path.replace("{key}", keys.get(collection, "")).replace("{code}", "DE").replace("{id}", number)
        for parameter in operation.get("parameters", [])[0 if WHOLE else turn % 5 :: 1 if WHOLE else 5]:
            if parameter["in"] == "query" and parameter["name"] not in ("after", "before"):  # which come from an answer
                answer = on_sqlite.client.get(
                    f"{target}?{quote(parameter['name'])}={quote(_sample(parameter['schema']))}"
                )
                assert answer.status in (200, 404), (target, parameter, answer.body)


@cache
def _validator(schema: str) -> Any:
    return Draft202012Validator({**json.loads(schema), "components": world_document()["components"]})


def _template(path: str) -> str | None:
    """The template under which a path is described."""
    segments = path.partition("?")[0].split("/")
    for template in world_document()["paths"]:
        parts = template.split("/")
        if len(parts) == len(segments) and all(a == b or "{" in a for a, b in zip(parts, segments, strict=True)):
            return str(template)
    return None


@pytest.mark.parametrize("spec", [spec for spec in SPECS if spec.method == "GET"], ids=lambda spec: spec.name)
def test_answers_are_as_described(on_sqlite: Served, spec: Spec) -> None:
    """The status of every spec's answer is described, and its body meets the schema that is given for it."""
    template = _template(spec.path)
    if template is None:  # an escaped name: it is found, but a document has no words for it
        return
    answer = on_sqlite.client.request(spec.method, spec.path, spec.send)
    described = world_document()["paths"][template]["get"]["responses"][str(answer.status)]
    if answer.status == 304:
        assert "content" not in described
        return
    schema = described["content"][answer.headers["content-type"]]["schema"]
    if answer.status == 200 and "anyOf" in str(schema) and "fields=" not in spec.path:  # then it is the whole
        schema = {**schema, "items": schema["items"]["anyOf"][0]} if "items" in schema else schema["anyOf"][0]
    errors = _validator(json.dumps(schema)).iter_errors(answer.json())
    assert [f"{error.json_path}: {error.message}" for error in errors] == []


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_the_docs_are_served(on_sqlite: Served, path: str) -> None:
    """The pages of an ordinary FastAPI application show an ordinary document."""
    page = on_sqlite.client.get(path)
    assert page.status == 200 and b"/openapi.json" in page.body
    assert on_sqlite.client.get("/openapi.json").json() == world_document()


def test_names_that_collide() -> None:
    """Tables, hand-written models and endpoints may all call their models the same: every reference finds its own."""

    class One(SQLModel, registry=registry()):
        pass

    class Other(SQLModel, registry=registry()):
        pass

    def post(base: Any, table: str) -> Any:
        class Post(base, table=True):  # type: ignore[misc]
            __tablename__ = table
            id: int = Field(primary_key=True)
            parent_id: int | None = Field(default=None, foreign_key=f"{table}.id")
            if table == "articles":
                body: str

        return Post

    articles, messages = post(One, "articles"), post(Other, "messages")

    class PostRead(BaseModel):
        model_config = ConfigDict(from_attributes=True)
        id: int
        written: str = "by hand"

    class OtherRead(BaseModel):
        __qualname__ = __name__ = "PostRead"
        id: int

    app = FastAPI()

    @app.get("/by-hand")
    def by_hand() -> PostRead:
        return PostRead(id=1)

    api = API(
        articles, messages, Resource(blog.Post, read=PostRead, path="hand"), Resource(blog.User, read=OtherRead),
        database=NOWHERE,
    )  # fmt: skip
    app.include_router(api.router)
    document = app.openapi()
    verify(document)
    schemas = document["components"]["schemas"]

    def properties(path: str) -> set[str]:
        schema = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        schema = schema.get("items", schema)
        return set(schemas[schema.get("anyOf", [schema])[0]["$ref"].rpartition("/")[2]]["properties"])

    assert properties("/articles") == {"id", "parent_id", "body"}
    assert properties("/messages") == {"id", "parent_id"}
    assert properties("/hand") == {"id", "written", "author"}
    assert properties("/users") == {"id", "posts"}
    assert properties("/by-hand") == {"id", "written"}


def test_hand_written_models_with_relations_and_aliases() -> None:
    """A hand-written model is described as it is, under its aliases; other relations are added, and stay optional."""

    class AuthorRead(BaseModel):
        id: int
        username: str = Field(serialization_alias="userName")

    class PostRead(BaseModel):
        id: int
        headline: str = Field(validation_alias="title", serialization_alias="head-line")
        author: AuthorRead

    api = API(Resource(blog.Post, read=PostRead), blog.User, blog.Comment, database=NOWHERE)
    document = openapi(api)
    verify(document)
    schemas = document["components"]["schemas"]
    schema = document["paths"]["/posts/{id}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    shown = schemas[schema["anyOf"][0]["$ref"].rpartition("/")[2]]
    assert set(shown["properties"]) == {"id", "head-line", "author", "comments"}
    assert set(shown["required"]) == {"id", "head-line", "author"}
    assert set(schemas[shown["properties"]["author"]["$ref"].rpartition("/")[2]]["properties"]) == {"id", "userName"}


def test_unusual_column_names() -> None:
    """Names that are no identifiers, words of Python's and of Pydantic's, and regular expressions are described too."""
    names = ("first name", "class", "naïve", "a-b", "model_config", "a.b", "x|y", "[z]", "1st", "copy", "schema", "$")
    table = sa.Table(
        "odd", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), *(sa.Column(n, sa.Text) for n in names)
    )

    class Base(DeclarativeBase):
        pass

    class Odd(Base):
        __table__ = table
        __mapper_args__ = {"properties": {f"column{number}": table.c[name] for number, name in enumerate(names)}}  # noqa: RUF012

    document = openapi(API(Odd, database=NOWHERE))
    verify(document)

    class Reserved(Base):
        __tablename__ = "reserved"
        id: Mapped[int] = mapped_column(primary_key=True)
        limit: Mapped[int]
        count: Mapped[int]

    document = openapi(API(Reserved, database=NOWHERE))
    verify(document)
    parameters = {item["name"] for item in document["paths"]["/reserved"]["get"]["parameters"]}
    plain = {name for name in parameters if "__" not in name}
    assert plain == {
        "id", "sort", "limit", "offset", "fields", "after", "before", "count", "or", "and", "not",
    }  # fmt: skip
    assert {"limit__eq", "count__eq", "count__gt", "id__in", "id__is_null"} <= parameters


def test_dependencies_add_their_parameters() -> None:
    """What is attached is described beside what is generated."""

    def tenant(tenant_id: int, x_token: str = Header()) -> None: ...

    document = openapi(
        API(blog.User, database=NOWHERE),
        prefix="/tenants/{tenant_id}",
        dependencies=[Depends(tenant)],
        tags=["tenants"],
    )
    verify(document)
    parameters = document["paths"]["/tenants/{tenant_id}/users/{id}"]["get"]["parameters"]
    assert [(item["in"], item["name"]) for item in parameters] == [
        ("path", "tenant_id"), ("header", "x-token"), ("path", "id"), ("query", "fields"),
    ]  # fmt: skip


def test_a_hundred_tables_that_refer_to_one_another() -> None:
    """The document grows with the tables and not with the paths through them."""

    class Base(DeclarativeBase):
        pass

    count = 100
    models: list[Any] = []
    for number in range(count):
        body: dict[str, Any] = {"__tablename__": f"t{number}", "id": mapped_column(sa.Integer, primary_key=True)}
        for step in (1, 7, 31):
            other = (number + step) % count
            body[f"to_{step}_id"] = mapped_column(sa.ForeignKey(f"t{other}.id"))
            body[f"to_{step}"] = relationship(f"T{other}", foreign_keys=[body[f"to_{step}_id"]])
        models.append(type(f"T{number}", (Base,), body))
    document = openapi(API(*models, database=NOWHERE))
    assert len(document["paths"]) == 2 + count * (3 + 3)
    assert {f"T{number}Read" for number in range(count)} <= set(document["components"]["schemas"])
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(references(document)) <= known


def test_the_application_starts_without_a_database() -> None:
    """A document can be written where no database can be reached."""
    api = API(blog.User, blog.Post, blog.Comment, database=NOWHERE)
    app = FastAPI()
    app.include_router(api.router)
    with serving(app) as client:
        assert client.get("/openapi.json").status == 200
