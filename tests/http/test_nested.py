"""Rows of relations in the body of a row: what is answered, what is stored, and that it is all or nothing."""

from asyncio import gather
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from json import dumps
from typing import Any, Optional

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel, field_validator, model_validator
from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, Session, SQLModel

from onetrip import API, Change, Limits, Resource, SoftDelete, Versioned
from onetrip.errors import Invalid
from tests.http.client import Answer, Client, serving
from tests.http.specs.spec import verify_problem
from tests.support.databases import Backend, refill, shared_backend


class Base(SQLModel, registry=registry()):
    """Keeps these tables apart from those of other tests."""


class PostTag(Base, table=True):
    __tablename__ = "post_tag"
    post_id: int = Field(foreign_key="post.id", primary_key=True)
    tag_id: int = Field(foreign_key="tag.id", primary_key=True)


class User(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    bio: str | None = None
    posts: list["Post"] = Relationship(
        back_populates="author", sa_relationship_kwargs={"foreign_keys": "Post.author_id"}
    )
    edited: list["Post"] = Relationship(
        back_populates="editor", sa_relationship_kwargs={"foreign_keys": "Post.editor_id"}
    )


class Country(Base, table=True):
    """Clients choose its key."""

    code: str = Field(primary_key=True)
    name: str


class Post(Versioned, Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    title: str
    author_id: int = Field(foreign_key="user.id")
    editor_id: int | None = Field(default=None, foreign_key="user.id")
    country_code: str | None = Field(default=None, foreign_key="country.code")
    author: User = Relationship(back_populates="posts", sa_relationship_kwargs={"foreign_keys": "Post.author_id"})
    editor: User | None = Relationship(
        back_populates="edited", sa_relationship_kwargs={"foreign_keys": "Post.editor_id"}
    )
    country: Country | None = Relationship()
    comments: list["Comment"] = Relationship(back_populates="post")
    notes: list["Note"] = Relationship(back_populates="post")
    files: list["File"] = Relationship(back_populates="post")
    tags: list["Tag"] = Relationship(back_populates="posts", link_model=PostTag)

    @model_validator(mode="after")
    def _check_row(self) -> "Post":
        if self.author_id > 1000:
            raise ValueError("is written by nobody")
        return self


class Comment(Versioned, Base, table=True):
    """Cannot be without its post; has hooks."""

    id: int | None = Field(default=None, primary_key=True)
    body: str = Field(max_length=20)
    slug: str | None = Field(default=None, unique=True)
    post_id: int = Field(foreign_key="post.id")
    user_id: int | None = Field(default=None, foreign_key="user.id")
    post: Post = Relationship(back_populates="comments")

    @field_validator("post_id")
    @classmethod
    def _may_be_said(cls, post_id: int) -> int:
        if post_id == 2:
            raise ValueError("takes no comments")
        return post_id

    @model_validator(mode="after")
    def _check_row(self) -> "Comment":
        if self.body == f"about {self.post_id}":
            raise ValueError("repeats itself")
        return self


class Reply(Base, table=True):
    """Keeps its comment."""

    id: int | None = Field(default=None, primary_key=True)
    comment_id: int = Field(foreign_key="comment.id")


class Note(SoftDelete, Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    text: str
    post_id: int = Field(foreign_key="post.id")
    post: Post = Relationship(back_populates="notes")


class File(Base, table=True):
    """Can be without its post."""

    id: int | None = Field(default=None, primary_key=True)
    path: str
    post_id: int | None = Field(default=None, foreign_key="post.id")
    post: Post | None = Relationship(back_populates="files")


class Tag(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    posts: list[Post] = Relationship(back_populates="tags", link_model=PostTag)


class Shelf(Base, table=True):
    room: str = Field(primary_key=True)
    label: str = Field(primary_key=True)
    boxes: list["Box"] = Relationship(back_populates="shelf")


class Box(Base, table=True):
    """Its shelf is a part of its key."""

    room: str = Field(primary_key=True)
    label: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    color: str = "grey"
    weight: int = 0
    shelf: Shelf = Relationship(back_populates="boxes")
    __table_args__ = (sa.ForeignKeyConstraint(["room", "label"], ["shelf.room", "shelf.label"]),)


class UserUpdate(BaseModel):
    name: str = "nobody"
    bio: str | None = None


class BoxUpdate(BaseModel):
    color: str


class Node(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str
    parent_id: int | None = Field(default=None, foreign_key="node.id")
    parent: Optional["Node"] = Relationship(
        back_populates="children", sa_relationship_kwargs={"remote_side": "Node.id"}
    )
    children: list["Node"] = Relationship(back_populates="parent")


calls: list[tuple[str, Any]] = []


async def judged(change: Change[Comment]) -> None:
    calls.append((change.action, change.values.get("body")))
    if change.values.get("body") == "refused":
        raise Invalid.at(("body", "body"), "This is not said here.")
    if change.action == "delete" and (await change.load()).body == "kept":
        raise Invalid.at(("body",), "This one stays.")


def told(change: Change[Comment]) -> None:
    calls.append((f"committed {change.action}", change.row and change.row.post_id))


def resources() -> list[Any]:
    hooks: Any = {"before_create": judged, "before_update": judged, "before_delete": judged, "after_commit": told}
    return [
        Resource(User, nested=["posts"], update=UserUpdate),
        Country,
        Resource(Post, nested=["comments", "notes", "files", "tags", "author", "editor", "country"]),
        Resource(Comment, **hooks),
        Resource(Note, history=True), Reply, File, Tag,
        Resource(Shelf, nested=["boxes"]),
        Resource(Box, nested=["shelf"], update=BoxUpdate),
        Resource(Node, nested=["children", "parent"]),
    ]  # fmt: skip


def rows() -> list[Any]:
    return [
        User(id=1, name="Ada"), User(id=2, name="Alan"), Country(code="DE", name="Germany"),
        Post(id=1, title="One", author_id=1), Post(id=2, title="Two", author_id=1, editor_id=2, country_code="DE"),
        Comment(id=1, body="first", slug="a", post_id=1), Comment(id=2, body="second", post_id=1),
        Comment(id=3, body="other", post_id=2),
        Note(id=1, text="n", post_id=1), File(id=1, path="f", post_id=1), File(id=2, path="g"),
        Tag(id=1, name="red"), Tag(id=2, name="blue"), PostTag(post_id=1, tag_id=1),
        Shelf(room="a,b", label="c"), Box(room="a,b", label="c", number=1), Box(room="a,b", label="c", number=2),
        Node(id=1, name="root"), Node(id=2, name="leaf", parent_id=1), Node(id=3, name="tree"),
    ]  # fmt: skip


def whole(sent: Any) -> Any:
    """A new post."""
    return {"title": "x"} | ({} if "author" in sent else {"author_id": 1}) | sent


@dataclass
class Stage:
    """An application that serves these tables."""

    client: Client
    engine: sa.Engine
    api: API
    app: FastAPI
    before: dict[str, Any] = field(default_factory=dict)

    def ask(self, method: str, path: str, json: Any, status: int, **headers: str) -> Answer:
        answer = self.client.send(method, path, json, **headers)
        assert answer.status == status, answer.body.decode()
        if status >= 400:
            verify_problem(answer)
            assert self.stored() == self.before, "something was written"
        return answer

    def stored(self) -> dict[str, Any]:
        """Read every row of every table."""
        with self.engine.connect() as connection:
            return {
                table.name: [
                    dict(row._mapping) for row in connection.execute(sa.select(table).order_by(*table.primary_key))
                ]
                for table in Base.metadata.sorted_tables
            }

    def column(self, table: str, *names: str) -> list[Any]:
        found = [tuple(row[name] for name in names) for row in self.stored()[table]]
        return [each[0] for each in found] if len(names) == 1 else found


@contextmanager
def _staged(backend: Backend) -> Iterator[Stage]:
    backend.create(Base.metadata)
    engine = backend.engine()
    api = API(*resources(), database=backend.url, limits=Limits(rows=10))
    api.own_tables.create_all(engine)
    app = FastAPI(exception_handlers=dict(api.exception_handlers))
    app.include_router(api.router)
    with serving(app) as client:
        yield Stage(client, engine, api, app)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def staged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with shared_backend(request.param, request, tmp_path_factory) as backend, _staged(backend) as stage:
        yield stage


@pytest.fixture
def stage(staged: Stage) -> Stage:
    """The tables, with their rows as they are at first."""
    refill(staged.engine, Base.metadata, rows())
    if staged.engine.dialect.name == "postgresql":
        with staged.engine.begin() as connection:
            for table in Base.metadata.sorted_tables:
                if "id" in table.c:
                    connection.execute(sa.text(f"SELECT setval('{table.name}_id_seq', 10)"))
    staged.before = staged.stored()
    calls.clear()
    return staged


# Creating


def test_a_row_is_created_with_all_that_belongs_to_it(stage: Stage) -> None:
    """The row that it refers to, the rows that refer to it, and links, by one request."""
    sent = {
        "title": "New", "author": {"name": "Grace"}, "country": {"code": "FR", "name": "France"},
        "comments": [{"body": "x"}, {"body": "y", "slug": "y"}], "notes": [{"text": "n"}], "files": [],
        "tags": [{"id": 2}, {"name": "green"}],
    }  # fmt: skip
    answer = stage.ask("POST", "/posts?include=author,comments,tags,files&fields=title", sent, 201)
    row = answer.json()
    assert (row["title"], row["author"]["name"], row["files"]) == ("New", "Grace", [])
    assert [each["body"] for each in row["comments"]] == ["x", "y"]
    assert sorted(each["name"] for each in row["tags"]) == ["blue", "green"]
    assert answer.headers["location"].startswith("/posts/") and "etag" in answer.headers
    made = stage.stored()["post"][-1]
    assert (made["country_code"], made["editor_id"], made["version"]) == ("FR", None, 1)
    assert calls[:2] == [("create", "x"), ("create", "y")]
    assert calls[2:] == [("committed create", made["id"])] * 2


def test_what_is_not_nested_is_as_before(stage: Stage) -> None:
    """A body without rows of relations is one statement as it ever was; elsewhere relations are no fields."""
    stage.ask("POST", "/posts", {"title": "New", "author_id": 1}, 201)
    stage.before = stage.stored()
    for method, path, body in (
        ("POST", "/users/1/posts", {"title": "x", "comments": []}),
        ("POST", "/users?on_conflict=name", {"name": "x", "posts": []}),
        ("POST", "/comments", {"body": "x", "post": {"title": "x"}}),
    ):
        problem = stage.ask(method, path, body, 422).json()
        assert "unknown_field" in [error["type"] for error in problem["errors"]]


def test_an_array_has_rows_with_rows(stage: Stage) -> None:
    """All or none, and where it is wrong is said from the array on."""
    sent = [{"title": "a", "author": {"id": 1}}, {"title": "b", "author_id": 2, "comments": [{"body": "x"}]}]
    made = stage.ask("POST", "/posts?include=comments&fields=author_id", sent, 201).json()
    assert [(each["author_id"], len(each["comments"])) for each in made] == [(1, 0), (2, 1)]
    stage.before = stage.stored()
    sent[1]["comments"] = [{"body": "x"}, {"body": "y", "slug": "a"}]
    problem = stage.ask("POST", "/posts", sent, 409).json()
    assert problem["errors"][0]["loc"] == ["body", 1, "comments", 1, "slug"]


def test_a_key_of_several_columns_is_given_to_children(stage: Stage) -> None:
    stage.ask("POST", "/shelves", {"room": "r", "label": "l", "boxes": [{"number": 1}, {"number": 2}]}, 201)
    assert stage.column("box", "room", "number")[-2:] == [("r", 1), ("r", 2)]
    stage.ask("POST", "/boxes", {"number": 9, "shelf": {"room": "r", "label": "l"}}, 201)
    assert stage.column("box", "room", "number")[-1] == ("r", 9)


def test_two_keys_to_one_table_are_told_apart(stage: Stage) -> None:
    """And children are those of the relation that was named."""
    stage.ask("POST", "/posts", {"title": "New", "author": {"id": 2}, "editor": {"name": "Ed"}}, 201)
    author, editor = stage.column("post", "author_id", "editor_id")[-1]
    assert author == 2 and editor not in (1, 2, None)
    stage.ask("PATCH", "/users/2", {"posts": [{"title": "other"}, {"id": stage.column("post", "id")[-1]}]}, 200)
    assert stage.column("post", "author_id", "editor_id")[1] == (1, 2), "an edited post is not one of the author's"
    assert stage.column("user", "name")[1] == "Alan", "a default of a hand-written model was not sent"


def test_a_row_refers_to_its_own_table(stage: Stage) -> None:
    stage.ask("POST", "/nodes", {"name": "new", "parent": {"name": "above"}, "children": [{"name": "below"}]}, 201)
    found = {name: (id, parent) for id, name, parent in stage.column("node", "id", "name", "parent_id")}
    assert found["new"][1] == found["above"][0] and found["below"][1] == found["new"][0]


# Changing


def test_children_are_what_was_sent(stage: Stage) -> None:
    """One that is named by its key is changed, one without is new, and those that are not there are deleted."""
    sent = {"comments": [{"body": "new", "slug": "a"}, {"id": 2, "body": "changed"}]}
    row = stage.ask("PATCH", "/posts/1?include=comments&fields=version", sent, 200).json()
    assert row["version"] == 2
    assert [(each["body"], each["slug"], each["version"]) for each in row["comments"]] == [
        ("changed", None, 2), ("new", "a", 1),
    ]  # fmt: skip
    assert 3 in stage.column("comment", "id") and 1 not in stage.column("comment", "id")
    assert calls[:3] == [("delete", None), ("update", "changed"), ("create", "new")]
    assert [name for name, _ in calls[3:]] == ["committed delete", "committed update", "committed create"]


def test_what_is_named_by_its_key_alone_stays_as_it_is(stage: Stage) -> None:
    row = stage.ask("PATCH", "/posts/1?include=comments", {"comments": [{"id": 1}, {"id": 2}]}, 200).json()
    assert [(each["id"], each["body"], each["version"]) for each in row["comments"]] == [
        (1, "first", 1), (2, "second", 1),
    ]  # fmt: skip
    assert calls == [] and row["version"] == 2


def test_what_is_not_sent_is_not_changed(stage: Stage) -> None:
    stage.ask("PATCH", "/posts/1", {"title": "x", "files": [{"id": 1}]}, 200)
    after = stage.stored()
    assert after | {"post": 0} == stage.before | {"post": 0}
    stage.ask("PUT", "/posts/1", {"title": "y", "author_id": 1, "tags": [{"id": 1}]}, 200)
    assert stage.stored() | {"post": 0} == stage.before | {"post": 0}


def test_children_that_are_left_out_are_deleted_or_let_go(stage: Stage) -> None:
    """Softly where rows are deleted so; and by the foreign key, where that may be null."""
    stage.ask("PATCH", "/posts/1", {"notes": [], "files": [{"path": "new"}], "comments": []}, 200)
    (note,) = stage.stored()["note"]
    assert note["deleted_at"] is not None and note["post_id"] == 1
    assert stage.column("file", "path", "post_id") == [("f", None), ("g", None), ("new", 1)]
    assert stage.column("comment", "id") == [3]
    stage.before = stage.stored()
    problem = stage.ask("PATCH", "/posts/1", {"notes": [{"id": 1}]}, 422).json()
    assert problem["errors"][0]["loc"] == ["body", "notes", 0], "what was deleted softly is not there"


def test_links_are_what_was_sent(stage: Stage) -> None:
    """Those that are left out are undone; the rows at their other end stay."""
    stage.ask("PATCH", "/posts/1", {"tags": [{"name": "green"}, {"id": 2}]}, 200)
    green = stage.column("tag", "id")[-1]
    assert sorted(stage.column("post_tag", "post_id", "tag_id")) == [(1, 2), (1, green)]
    assert stage.column("tag", "name") == ["red", "blue", "green"]
    stage.ask("PATCH", "/posts/1", {"tags": []}, 200)
    assert stage.stored()["post_tag"] == [] and len(stage.stored()["tag"]) == 3


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ({"editor": {"id": 1}}, (1, "DE")), ({"editor": None, "country": None}, (None, None)),
        ({"editor": {"bio": "b"}}, (2, "DE")), ({"country": {"name": "Deutschland"}}, (2, "DE")),
        ({"country": {"code": "DE", "name": "Deutschland"}}, (2, "DE")),
        ({"country": {"code": "FR", "name": "France"}}, (2, "FR")),
    ],
)  # fmt: skip
def test_the_row_at_the_end_of_a_foreign_key(stage: Stage, sent: Any, stored: Any) -> None:
    """It is another one, none, or changed where it is; other rows that refer to it see that as well."""
    stage.ask("PATCH", "/posts/2", sent, 200)
    assert stage.column("post", "editor_id", "country_code")[1] == stored
    assert stage.column("user", "bio")[1] == (sent.get("editor") or {}).get("bio")
    name = (sent.get("country") or {}).get("name")
    assert ("Deutschland" in stage.column("country", "name")) == (name == "Deutschland")
    assert len(stage.stored()["user"]) == 2


def test_there_is_one_where_there_was_none(stage: Stage) -> None:
    stage.ask("PATCH", "/posts/1", {"editor": {"name": "Ed"}}, 200)
    assert stage.column("post", "editor_id")[0] == stage.column("user", "id")[-1] not in (1, 2)
    stage.before = stage.stored()
    stage.ask("PATCH", "/nodes/3", {"parent": {}}, 422)


def test_a_row_is_replaced_with_what_belongs_to_it(stage: Stage) -> None:
    """What is not sent of the row is as in a new one; its relations stay as they are."""
    sent = {"title": "y", "author": {"bio": "b"}, "comments": [{"id": 1, "body": "z"}]}
    row = stage.ask("PUT", "/posts/2?include=author", sent | {"comments": [{"id": 3, "body": "z"}]}, 200).json()
    assert (row["author"]["bio"], row["author"]["name"], row["editor_id"]) == ("b", "Ada", None)
    assert stage.column("comment", "body") == ["first", "second", "z"]
    assert stage.column("post", "author_id", "country_code")[1] == (1, None)


def test_children_with_keys_of_their_own(stage: Stage) -> None:
    """A key that clients choose makes a row where there is none; what gives the rest of it is not sent."""
    path = "/shelves/%22a,b%22,c"
    stage.ask("PATCH", path, {"boxes": [{"number": 2, "color": "red"}, {"number": 3}]}, 200)
    assert stage.column("box", "number", "color") == [(2, "red"), (3, "grey")]
    stage.ask("PATCH", path, {"boxes": [{"number": 2}, {"number": 3}, {"number": 4, "weight": 5}]}, 200)
    assert stage.column("box", "number", "weight") == [(2, 0), (3, 0), (4, 5)], "what only a new row may have"
    stage.before = stage.stored()
    problem = stage.ask("PATCH", path, {"boxes": [{"number": 2}, {"number": 2}]}, 422).json()
    assert problem["errors"][0]["loc"] == ["body", "boxes", 1] and problem["errors"][0]["type"] == "repeated"
    problem = stage.ask("PATCH", path, {"boxes": [{"number": 2, "color": "red", "weight": 5}]}, 422).json()
    assert problem["errors"][0]["loc"] == ["body", "boxes", 0, "weight"]
    problem = stage.ask("PATCH", path, {"boxes": [{"number": 2, "room": "x"}]}, 422).json()
    assert (problem["errors"][0]["loc"], problem["errors"][0]["type"]) == (
        ["body", "boxes", 0, "room"],
        "unknown_field",
    )


# Refusals


@pytest.mark.parametrize(
    ("method", "path", "sent", "loc", "type"),
    [
        ("POST", "/posts", {"comments": [{"body": "x", "bodi": "x"}]}, ["comments", 0, "bodi"], "unknown_field"),
        ("POST", "/posts", {"comments": [{"body": "x", "post_id": 1}]}, ["comments", 0, "post_id"], "unknown_field"),
        ("POST", "/posts", {"comments": [{"body": "x", "id": 1}]}, ["comments", 0, "id"], "unknown_field"),
        ("POST", "/posts", {"comments": [{"body": "x", "version": 1}]}, ["comments", 0, "version"], "unknown_field"),
        ("POST", "/posts", {"comments": [{"body": "x", "post": {}}]}, ["comments", 0, "post"], "unknown_field"),
        ("POST", "/posts", {"comments": [{"body": "x" * 21}]}, ["comments", 0, "body"], "string_too_long"),
        ("POST", "/posts", {"comments": None}, ["comments"], "list_type"),
        ("POST", "/posts", {"comments": {}}, ["comments"], "list_type"),
        ("POST", "/posts", {"comments": [None]}, ["comments", 0], "model_type"),
        ("POST", "/posts", {"tags": [{"id": "1"}]}, ["tags", 0, "id"], "int_type"),
        ("POST", "/posts", {"tags": [{"id": 1, "name": "x"}]}, ["tags", 0, "id"], "unknown_field"),
        ("POST", "/posts", {"tags": [{"id": 99}]}, ["tags", 0], "foreign_key"),
        ("POST", "/posts", {"tags": [{"id": 10**30}]}, ["tags", 0], "foreign_key"),
        ("POST", "/posts", {"tags": [{"id": 1}, {"id": 1}]}, ["tags", 1], "repeated"),
        ("POST", "/posts", {"tags": [{"name": 1}]}, ["tags", 0, "name"], "string_type"),
        ("POST", "/posts", {"author": {"id": 99}}, ["author"], "foreign_key"),
        ("POST", "/posts", {"author": {"id": 10**30}}, ["author"], "foreign_key"),
        ("POST", "/posts", {"author": None}, ["author"], "model_type"),
        ("POST", "/posts", {"author": {"id": 1, "name": "x"}}, ["author", "id"], "unknown_field"),
        ("POST", "/posts", {"author": {"name": "x"}, "author_id": 1}, ["author_id"], "repeated"),
        ("POST", "/posts", {"comments": [{"body": "x", "user_id": 99}]}, ["comments", 0, "user_id"], "foreign_key"),
        ("POST", "/posts", {"author": {"name": "z"}, "country_code": "XX"}, ["country_code"], "foreign_key"),
        ("PATCH", "/posts/1", {"comments": [{"id": 3, "body": "x"}]}, ["comments", 0], "foreign_key"),
        ("PATCH", "/posts/1", {"comments": [{"id": 99}]}, ["comments", 0], "foreign_key"),
        ("PATCH", "/posts/1", {"comments": [{"id": 1}, {"id": 1}]}, ["comments", 1], "repeated"),
        ("PATCH", "/posts/1", {"comments": [{"id": 1, "post_id": 2}]}, ["comments", 0, "post_id"], "unknown_field"),
        ("PATCH", "/posts/1", {"comments": [{"id": 1, "bodi": "x"}]}, ["comments", 0, "bodi"], "unknown_field"),
        ("PATCH", "/posts/1", {"comments": [{"slug": "x"}]}, ["comments", 0, "body"], "missing"),
        ("PATCH", "/posts/1", {"comments": None}, ["comments"], "list_type"),
        ("PATCH", "/posts/1", {"author": None}, ["author"], "model_type"),
        ("PATCH", "/posts/1", {"editor": {"id": 1}, "editor_id": 1}, ["editor_id"], "repeated"),
        ("PATCH", "/posts/1", {"country": {"name": "x"}}, ["country", "code"], "missing"),
        ("PUT", "/posts/1", {"title": "x", "comments": []}, ["author_id"], "missing"),
    ],
)  # fmt: skip
def test_a_body_is_refused(stage: Stage, method: str, path: str, sent: Any, loc: Any, type: str) -> None:
    """Nothing is written, and where it is wrong is said down to the field."""
    error = stage.ask(method, path, whole(sent) if method == "POST" else sent, 422).json()["errors"][0]
    assert (error["loc"], error["type"]) == (["body", *loc], type), error


def test_all_that_is_wrong_is_said_at_once(stage: Stage) -> None:
    sent = {"comments": [{"body": 1}, {}], "tags": [{"id": "x"}]}
    errors = stage.ask("POST", "/posts", sent, 422).json()["errors"]
    assert [".".join(map(str, error["loc"][1:])) for error in errors] == [
        "title", "comments.0.body", "comments.1.body", "tags.0.id", "author_id",
    ]  # fmt: skip
    assert errors[-1]["msg"] == "'author_id' or 'author' is required."


@pytest.mark.parametrize("sent", [{"comments": [{"body": "x"}] * 6, "tags": [{"name": str(n)} for n in range(5)]}])
def test_a_body_has_only_so_many_rows(stage: Stage, sent: Any) -> None:
    assert (
        stage.ask("POST", "/posts", {"title": "x", "author_id": 1, **sent}, 422).json()["errors"][0]["type"]
        == "too_many"
    )
    assert stage.ask("PATCH", "/posts/1", sent, 422).json()["errors"][0]["type"] == "too_many"


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "loc"),
    [
        ("POST", "/posts", {"tags": [{"name": "new"}, {"name": "red"}]}, 409, ["tags", 1, "name"]),
        ("POST", "/posts", {"author": {"name": "Ada"}}, 409, ["author", "name"]),
        ("PATCH", "/posts/1", {"comments": [{"id": 1}, {"id": 2, "slug": "a"}]}, 409, ["comments", 1, "slug"]),
        ("PATCH", "/users/1", {"posts": [{"id": 1}]}, 409, ["posts"]),
        ("PATCH", "/posts/2", {"comments": [{"id": 3}, {"body": "x"}]}, 422, ["comments", 1]),
        ("PATCH", "/posts/1", {"comments": [{"body": "about 1"}]}, 422, ["comments", 0]),
    ],
)  # fmt: skip
def test_what_is_refused_inside_is_said_of_its_place(
    stage: Stage, method: str, path: str, sent: Any, status: int, loc: Any
) -> None:
    """By the database or by a validator, which sees a whole row; and nothing of the rest is stored."""
    answer = stage.ask(method, path, whole(sent) if method == "POST" else sent, status)
    assert answer.json()["errors"][0]["loc"] == ["body", *loc]


def test_hooks_of_nested_rows_refuse(stage: Stage) -> None:
    """Then nothing is stored, and nobody is told of a commit; what they say of a body is said of its place."""
    sent = {"title": "x", "author_id": 1, "comments": [{"body": "y"}, {"body": "refused"}]}
    for method, path, body, loc in (
        ("POST", "/posts", sent, ["comments", 1, "body"]),
        ("PATCH", "/posts/1", {"title": "x", "comments": [{"id": 1, "body": "refused"}]}, ["comments", 0, "body"]),
    ):
        assert stage.ask(method, path, body, 422).json()["errors"][0]["loc"] == ["body", *loc]
    assert not any(name.startswith("committed") for name, _ in calls)
    stage.ask("PATCH", "/posts/1", {"comments": [{"id": 1, "body": "kept"}]}, 200)
    stage.before = stage.stored()
    assert stage.ask("PATCH", "/posts/1", {"comments": []}, 422).json()["errors"][0]["loc"] == ["body", "comments"]


def test_a_row_that_has_changed_is_not_changed_inside(stage: Stage) -> None:
    """`If-Match` is about the whole body; a change of nested rows alone counts."""
    tag = stage.client.get("/posts/1").headers["etag"]
    answer = stage.ask("PATCH", "/posts/1", {"comments": []}, 200, if_match=tag)
    assert answer.headers["etag"] != tag and answer.json()["version"] == 2
    stage.before = stage.stored()
    stage.ask("PATCH", "/posts/1", {"comments": [{"body": "x"}], "editor": {"name": "x"}}, 412, if_match=tag)
    stage.ask("PATCH", "/posts/99", {"comments": []}, 404)
    stage.ask("PATCH", "/posts/1?include=nothing", {"comments": [{"body": "x"}]}, 422)
    stage.ask("POST", "/posts?limit=1", {"title": "x", "author_id": 1, "comments": []}, 422)


@pytest.mark.parametrize("matched", [False, True])
def test_of_many_at_once_the_last_has_its_rows(stage: Stage, matched: bool) -> None:
    """Not some of each; and of those that expect the same version, one is done."""
    tag = {"if-match": stage.client.get("/posts/1").headers["etag"]} if matched else {}

    async def all_at_once() -> list[int]:
        headers = {"content-type": "application/json", **tag}
        bodies = [dumps({"comments": [{"body": f"{at} a"}, {"body": f"{at} b"}]}).encode() for at in range(8)]
        asked = (stage.client.ask("PATCH", "/posts/1", headers, body) for body in bodies)
        return [answer.status for answer in await gather(*asked)]

    statuses = stage.client.runner.run(all_at_once())
    done = statuses.count(200)
    assert set(statuses) <= {200, 412} and (done == 1 if matched else done == 8), statuses
    left = sorted(body for body, post in stage.column("comment", "body", "post_id") if post == 1)
    assert len(left) == 2 and left[0][0] == left[1][0], left
    assert stage.column("post", "version")[0] == done + 1


def test_a_request_with_a_key_is_made_once(stage: Stage) -> None:
    sent = {"title": "x", "author_id": 1, "comments": [{"body": "y"}]}
    first = stage.ask("POST", "/posts", sent, 201, idempotency_key=f"a{id(stage.before)}")
    after = stage.stored()
    again = stage.ask("POST", "/posts", sent, 201, idempotency_key=f"a{id(stage.before)}")
    assert (again.body, stage.stored()) == (first.body, after)
    assert [name for name, _ in calls] == ["create", "committed create"]


def test_what_still_refers_to_a_row_keeps_it(stage: Stage) -> None:
    """As it does where the row is deleted by itself."""
    with Session(stage.engine) as session:
        session.add(Reply(id=1, comment_id=2))
        session.commit()
    stage.before = stage.stored()
    problem = stage.ask("PATCH", "/posts/1", {"title": "x", "comments": [{"id": 1}]}, 409).json()
    assert problem["errors"][0]["loc"] == ["body", "comments"]
    assert problem["detail"] == "Rows of 'replies' still refer to this one."


def test_a_history_has_the_changes_of_nested_rows(stage: Stage) -> None:
    """As what they are, however the row around is written."""
    sent = {"title": "y", "author_id": 1, "notes": [{"id": 1, "text": "z"}]}
    stage.ask("PUT", "/posts/1", sent, 200)
    entry = stage.client.get("/notes/1/history").json()[0]
    assert (entry["action"], entry["changes"]) == ("update", {"text": ["n", "z"]})


@pytest.mark.no_cover
def test_openapi_shows_both_forms(stage: Stage) -> None:
    document = stage.app.openapi()
    OpenAPIV31SpecValidator(document).validate()
    models = document["components"]["schemas"]
    assert {"PostCreateWithRelations", "PostCommentsNew", "PostCommentsChange", "PostTagsKey"} <= models.keys()
    assert not [name for name in models if "__" in name and "nested" in name.lower()], "no model stands twice"
    taken = models["PostUpdateWithRelations"]["properties"]["comments"]
    assert [each["$ref"].rpartition("/")[2] for each in taken["items"]["oneOf"]] == [
        "PostCommentsChange", "PostCommentsNew",
    ]  # fmt: skip
    assert "post_id" not in models["PostCommentsNew"]["properties"]
    assert "author_id" not in models["PostCreateWithRelations"]["required"]
    assert "comments" not in models["PostCreate"]["properties"], "what is created under its parent has no nested rows"
