"""What is hidden answers as what does not exist: every question is put to a database that never had it, too."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import Any, Optional

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, computed_field
from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, SQLModel

from onetrip import API, Resource
from tests.http.client import Answer, Client, serving
from tests.support.databases import Backend, shared_backend

SECRET = "never-to-be-seen"
HIDDEN = (
    "labels",
    "titles",
    "alias",
    "secretAlias",
    "password_hash",
    "api_key",
    "note",
    "drafts",
    "left_out",
    "internal_id",
)
"""Names of what is hidden, in every way in which something can be."""


def tables(hidden: bool) -> tuple[Any, list[Any], list[Any]]:
    """The same tables and rows, with everything that is hidden or without."""

    class Base(SQLModel, registry=registry()):
        pass

    class Tagging(Base, table=True):
        post_id: int = Field(foreign_key="post.id", primary_key=True)
        tag_id: int = Field(foreign_key="tag.id", primary_key=True)
        weight: int = 1
        if hidden:
            note: str | None = Field(default=SECRET, exclude=True)
            api_key: str = SECRET

    class Tag(Base, table=True):
        id: int = Field(primary_key=True)
        label: str
        posts: list["Post"] = Relationship(back_populates="tags", link_model=Tagging)
        if hidden:
            labels: str = Field(default=SECRET, exclude=True)

        @computed_field
        @property
        def loud(self) -> str:
            """Makes Python write tags, from rows that hold what is hidden."""
            return self.label.upper()

    class Prefs(BaseModel):
        """What is in a JSON column, some of which is not shown either."""

        model_config = ConfigDict(json_schema_mode_override="serialization")
        theme: str = "dark"
        if hidden:
            note: str = Field(default=SECRET, exclude=True)
            titles: str = Field(default=SECRET, exclude=True)

    class Stored(sa.types.TypeDecorator[Prefs]):
        """Stores the whole."""

        impl = sa.JSON
        cache_ok = True

        def process_bind_param(self, value: Any, dialect: Any) -> Any:
            return {"theme": value.theme} | ({"note": value.note, "titles": value.titles} if hidden else {})

        def process_result_value(self, value: Any, dialect: Any) -> Prefs:
            return Prefs.model_validate(value)

    class Author(Base, table=True):
        id: int = Field(primary_key=True)
        name: str
        prefs: Prefs = Field(default_factory=Prefs, sa_type=Stored)
        posts: list["Post"] = Relationship(back_populates="author")
        if hidden:
            password_hash: str = SECRET
            alias: str = Field(default=SECRET, exclude=True, serialization_alias="secretAlias")
            internal_id: int = Field(default_factory=count(7).__next__, exclude=True, unique=True)
            drafts: list["Post"] = Relationship(sa_relationship_kwargs={"viewonly": True})

    class Post(Base, table=True):
        id: int = Field(primary_key=True)
        title: str
        left_in: str = "in"
        author_id: int | None = Field(default=None, foreign_key="author.id")
        author: Optional[Author] = Relationship(back_populates="posts")  # noqa: UP045
        tags: list[Tag] = Relationship(back_populates="posts", link_model=Tagging)
        if hidden:
            titles: str = SECRET
            left_out: str = SECRET

    class PostRead(BaseModel):
        """A post as it is shown."""

        id: int
        title: str
        left_in: str
        author_id: int | None

    resources = [
        Resource(Author, hidden=["drafts"]) if hidden else Author,
        Tag,
        Resource(Post, read=PostRead),
        Resource(Tagging, hidden=["note"]) if hidden else Tagging,
    ]
    rows = [
        Author(id=1, name="Ada"),
        Tag(id=1, label="one"),
        Post(id=1, title="first", author_id=1),
        Tagging(post_id=1, tag_id=1),
        Author(id=2, name="Alan"),
        Tag(id=2, label="two"),
        Post(id=2, title="second", author_id=1),
        Tagging(post_id=1, tag_id=2),
    ]
    return Base.metadata, resources, rows


QUESTIONS = [
    question
    for path in (
        "/authors",
        "/tags",
        "/posts",
        "/taggings",
        "/authors/1",
        "/posts/1",
        "/taggings/1,1",
        "/authors/1/posts",
        "/posts/1/author",
        "/posts/1/tags",
        "/tags/1/posts",
    )
    for question in (
        path,
        path + "?{}=x",
        path + "?{}=",
        path + "?{}",
        path + "?{}__eq=x",
        path + "?{}__contains=x",
        path + "?{}__=x",
        path + "?__{}=x",
        path + "?{}.id=x",
        path + "?posts.{}=x",
        path + "?tags.{}=x",
        path + "?author.{}=x",
        path + "?author.{}__eq=x",
        path + "?t1.{}=x",
        path + "?_link.{}=x",
        path + "?{}=x&nonsense=1",
        path + "?sort={}",
        path + "?sort=-{}",
        path + "?sort={}:nullsfirst",
        path + "?sort=id,{}",
        path + "?sort=author.{}",
        path + "?fields={}",
        path + "?fields=id,{}",
        path + "?fields={}.id",
        path + "?fields=author.{}",
        path + "?fields=tags.{}",
        path + "?fields=posts.{}",
        path + "?fields=posts.author.{}",
        path + "?fields=_link.{}",
        path + "?include={}",
        path + "?include={}.posts",
        path + "?include=author.{}",
        path + "?include=tags.{}",
        path + "?include=posts.{}",
        path + "?include=posts.author.{}",
        path + "?include=author&fields=author.{}",
        path + "?include=author,posts,tags",
        path + "?include=tags",
        path + "?include=author",
        path + "?include=posts.tags",
        path + "?or=({}=x,id=1)",
        path + "?not=(and=({}__is_null=true))",
        path + "?author.{}__is_null=true",
        path + "?posts.{}__icontains=x",
        path + "?tags=({}=x)",
        path + "?author=({}=x,id=1)",
        path + "?or=(author.{}=x)",
        path + "?{}__exists=true",
        path + "?author.{}__exists=true",
        path + "?author.{}=(id=1)",
        path + "?{}__overlaps=x",
        path + "?include=posts({}=x)",
        path + "?include=posts(sort={},limit=1)",
        path + "?include=posts(fields=(id,{}))",
        path + "?include=posts(or=({}__in=(1,2)))",
        path + "?include=posts(include={})",
        path + "?include=tags({}=1)",
        path + "?fields=id,{}.count",
        path + "?fields=id,author.{}.count",
        path + "?prefs.{}=x",
        path + "?prefs.{}__is_null=true",
        path + "?prefs.{}.x=1",
        path + "?author.prefs.{}__contains=x",
        path + "?or=(prefs.{}=x,prefs.theme=dark)",
        path + "?sort=prefs.{}",
        path + "?sort=author.prefs.{}",
        path + "/{}",
        path + "/{}/1",
    )
] + ["/{}", "/{}/1", "/authors/{}", "/tags/{}", "/{}:aggregate", "/authors/1/{}:aggregate"]
QUESTIONS += [
    path + question
    for path in (
        "/authors:aggregate",
        "/tags:aggregate",
        "/posts:aggregate",
        "/taggings:aggregate",
        "/authors/1/posts:aggregate",
    )
    for question in (
        "?group={}",
        "?group=id,{}",
        "?group={}:month",
        "?group={}.id",
        "?group=author.{}",
        "?group=author.{}:month",
        "?group=tags.{}",
        "?group=posts.{}",
        "?count={}",
        "?count=author.{}",
        "?sum={}",
        "?avg={}",
        "?min={}",
        "?min=author.{}",
        "?max={}",
        "?max=tags.{}",
        "?sort={}",
        "?sort=-min.{}",
        "?count=*&sort={}",
        "?group=id&min=id&sort=max.{}",
        "?having=({}__gt=1)",
        "?count=*&having=(min.{}__gt=1)",
        "?having=(or=(count.{}=1,count=1))",
        "?having=(author.{}=1)",
        "?{}=x",
        "?{}__contains=x",
        "?author.{}=x",
        "?or=({}=x,id=1)",
        "?q={}",
    )
]


@contextmanager
def with_and_without(
    request: pytest.FixtureRequest, factory: pytest.TempPathFactory
) -> Iterator[list[tuple[API, Client]]]:
    """Serve an API whose tables hold what is hidden, and one whose tables never did."""
    with ExitStack() as stack:
        found = []
        for hidden in (True, False):
            backend = stack.enter_context(shared_backend(request.param, request, factory))
            api = api_of(backend, hidden)
            app = FastAPI(exception_handlers=api.exception_handlers)
            app.include_router(api.router)
            found.append((api, stack.enter_context(serving(app))))
        yield found


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def clients(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Client]]:
    """An application whose tables hold what is hidden, and one whose tables never did."""
    with with_and_without(request, tmp_path_factory) as found:
        yield [client for _, client in found]


def api_of(backend: Backend, hidden: bool) -> API:
    """Store the rows, and serve them."""
    metadata, resources, rows = tables(hidden)
    for row in rows:
        backend.create(metadata, row)
    return API(*resources, database=backend.url)


@pytest.mark.parametrize("name", [*HIDDEN, "Labels", "LABELS", "l%61bels", "labels%20", '"labels"', "labels--"])
def test_a_hidden_name_answers_as_one_that_does_not_exist(clients: list[Client], name: str) -> None:
    """Status, headers and body are the same, whichever way the name is asked for; only the request's id differs."""
    with_it, without = clients
    for question in QUESTIONS:
        one, other = (client.get(question.replace("{}", name)) for client in (with_it, without))
        assert one.status < 500
        assert comparable(one) == comparable(other), question
        assert SECRET not in one.body.decode()


@pytest.mark.no_cover
@pytest.mark.parametrize("accept", ["application/x-ndjson", "text/csv"])
def test_exports_tell_nothing_hidden(clients: list[Client], accept: str) -> None:
    """The same questions, answered by all rows in another form; `test_hidden_matrix.py` has all the names."""
    with_it, without = clients
    for name in HIDDEN[:2]:
        for question in QUESTIONS:
            one, other = (client.get(question.replace("{}", name), accept=accept) for client in (with_it, without))
            assert one.status < 500
            assert comparable(one) == comparable(other), question
            assert SECRET not in one.body.decode()


def test_hints_name_nothing_hidden(clients: list[Client]) -> None:
    """A name near a hidden one is led to a visible one, or to the list of them."""
    for name in HIDDEN:
        for near in (name[:-1], name + "x", name[1:], name.swapcase()):
            for question in (
                "/posts?{}=1",
                "/tags?sort={}",
                "/authors?fields={}",
                "/authors?include={}",
                "/posts?fields=author.{}",
                "/posts:aggregate?group={}",
                "/posts:aggregate?max=author.{}",
                "/tags:aggregate?count=*&sort=min.{}",
                "/tags:aggregate?having=(count.{}=1)",
            ):
                answer = clients[0].get(question.replace("{}", near))
                if answer.status == 200:  # a visible one
                    continue
                hint = answer.json()["hint"]
                assert not set(HIDDEN) & set(hint.replace("'", " ").replace(",", " ").replace(".", " ").split()), hint


def test_the_schema_shows_nothing_hidden(clients: list[Client]) -> None:
    """OpenAPI is the same to the byte."""
    one, other = (client.get("/openapi.json").body for client in clients)
    assert one == other
    assert not [name for name in HIDDEN if f'"{name}"'.encode() in one]


def comparable(answer: Answer) -> Any:
    headers = dict(answer.headers)
    if answer.headers["content-type"] != "application/problem+json":
        return answer.status, headers, answer.body
    problem = json.loads(answer.body)
    assert problem.pop("request_id")
    return answer.status, headers, list(problem.items())
