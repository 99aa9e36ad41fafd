"""Changes through relations over HTTP, on both databases: what is answered, what is stored, and how many statements."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from openapi_spec_validator import OpenAPIV31SpecValidator

from onetrip import API
from tests.http import linked
from tests.http.client import Answer, Client, serving
from tests.http.linked import KEYS, SECRET
from tests.http.specs.spec import verify_problem
from tests.support.counting import count_statements
from tests.support.databases import Backend, refill, shared_backend

VASE, GONE, JUG = KEYS
SHELF = "/shelves/%22a,b%22,c"


@dataclass
class Stage:
    """An application that serves the tables of `linked`."""

    backend: Backend
    api: API
    client: Client
    engine: sa.Engine
    statements: int = 0

    def ask(self, method: str, path: str, json: Any = None, status: int | None = None) -> Answer:
        """Send a request, and count its statements."""
        with count_statements(self.backend, self.api) as statements:
            answer = self.client.request(method, path) if json is None else self.client.send(method, path, json)
        self.statements = len(statements)
        if status is not None:
            assert answer.status == status, answer.body.decode()
        if answer.status >= 400:
            verify_problem(answer)
            assert SECRET not in answer.body.decode()
        return answer

    def stored(self, table: str, *columns: str) -> list[Any]:
        """Read what is stored."""
        shown: list[Any] = [sa.column(name) for name in columns]
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.select(*shown).select_from(sa.table(table)))]


@contextmanager
def _staged(backend: Backend) -> Iterator[Stage]:
    backend.create(linked.Base.metadata)
    engine = backend.engine()
    if backend.name == "postgresql":
        with engine.begin() as connection:
            for table in ("user", "post", "tag", "guest", "party"):  # rows come with keys of their own
                connection.execute(sa.text(f"SELECT setval('{table}_id_seq', 10)"))
    api = linked.api(backend.url)
    app = FastAPI(exception_handlers=dict(api.exception_handlers))
    app.include_router(api.router)
    with serving(app) as client:
        client.get("/items")
        user = client.send("POST", "/users", {"name": "first"}).json()["id"]
        # What a connection asks once of types belongs to no request.
        client.send("POST", f"/users/{user}/posts", [{"title": "first"}, {"title": "second"}])
        yield Stage(backend, api, client, engine)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def staged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with shared_backend(request.param, request, tmp_path_factory) as backend, _staged(backend) as stage:
        yield stage


@pytest.fixture
def stage(staged: Stage) -> Stage:
    """The tables of `linked`, with their rows as they are at first."""
    refill(staged.engine, linked.Base.metadata, linked.rows())
    return staged


# Children


def test_a_child_is_created_under_its_parent(stage: Stage) -> None:
    """One statement; the foreign key is the path's, and `Location` is where the row is by itself."""
    answer = stage.ask("POST", "/users/2/posts", {"title": "New"}, 201)
    row = answer.json()
    assert {**row, "id": 0} == {"id": 0, "title": "New", "published": True, "author_id": 2}
    assert answer.headers["location"] == f"/posts/{row['id']}" and stage.statements == 1
    assert stage.ask("GET", answer.headers["location"]).json() == row


@pytest.mark.parametrize(
    ("query", "embeds"),
    [("fields=title,author.name", {"author": {"name": "Alan"}}), ("include=tags&fields=title", {"tags": []})],
)
def test_it_is_shown_as_it_was_asked_for(stage: Stage, query: str, embeds: Any) -> None:
    """`fields` and `include` are those of reads."""
    assert stage.ask("POST", f"/users/2/posts?{query}", {"title": "New"}, 201).json() == {"title": "New", **embeds}
    assert stage.statements == (4 if stage.backend.name == "sqlite" else 1)


def test_an_array_is_created_whole_and_in_order(stage: Stage) -> None:
    """PostgreSQL takes one statement for rows that set the same columns, SQLite one transaction."""
    rows = stage.ask("POST", "/users/2/posts", [{"title": name} for name in "abc"], 201).json()
    assert [(row["title"], row["author_id"]) for row in rows] == [("a", 2), ("b", 2), ("c", 2)]
    assert stage.statements == (5 if stage.backend.name == "sqlite" else 1)
    assert stage.ask("POST", "/users/2/posts", [], 201).json() == []


@pytest.mark.parametrize(
    "sent", [{"title": "New"}, [], [{"title": "a"}], [{"title": "a"}, {"title": "b", "published": False}]]
)
@pytest.mark.parametrize("key", ["99", "99999999999999999999"])
def test_there_is_no_child_of_nobody(stage: Stage, key: str, sent: Any) -> None:
    """A parent that is not there, or cannot be, is a 404, and nothing is written."""
    before = stage.stored("post", "id")
    stage.ask("POST", f"/users/{key}/posts", sent, 404)
    assert stage.stored("post", "id") == before


def test_a_parent_that_was_deleted_softly_is_nobody(stage: Stage) -> None:
    """Its row is there, and a foreign key would be content with it; hooks make no difference."""
    for sent in ({"name": "lid"}, [{"name": "lid"}]):
        stage.ask("POST", f"/items/{GONE}/parts", sent, 404)
    assert stage.stored("part", "id") == []


@pytest.mark.parametrize(
    ("sent", "type", "loc", "hint"),
    [
        ({"title": "New", "author_id": 2}, "unknown_field", ["body", "author_id"], "The path says what 'author_id' is"),
        ([{"title": "a"}, {"title": "b", "author_id": 1}], "unknown_field", ["body", 1, "author_id"], "The path says"),
        ({"title": "New", "autor_id": 2}, "unknown_field", ["body", "autor_id"], "There are: published, title."),
        ({"title": "New", "id": 2}, "unknown_field", ["body", "id"], "There are: published, title."),
        ({}, "missing", ["body", "title"], None),
        ({"title": None}, "string_type", ["body", "title"], None),
        ({"title": "x" * 21}, "string_too_long", ["body", "title"], None),
        ("New", "model_type", ["body"], None),
        ([[]], "model_type", ["body", 0], None),
    ],
)
def test_a_body_is_refused_as_elsewhere(stage: Stage, sent: Any, type: str, loc: Any, hint: str | None) -> None:
    """The foreign key is no field here, and no hint names it; nothing reaches the database."""
    problem = stage.ask("POST", "/users/1/posts", sent, 422).json()
    assert (problem["errors"][0]["type"], problem["errors"][0]["loc"]) == (type, loc)
    assert (problem.get("hint") or "").startswith(hint or "") and stage.statements == 0


def test_a_validator_sees_what_the_path_gives(stage: Stage) -> None:
    """What it refuses is said of the path."""
    problem = stage.ask("POST", "/users/3/posts", {"title": "New"}, 422).json()
    assert problem["errors"][0]["loc"] == ["path", "id"] and "may not write" in problem["detail"]


@pytest.mark.parametrize("query", ["limit=1", "sort=id", "title=x", "on_conflict=id", "include=nothing", "fields="])
@pytest.mark.parametrize("sent", [{"title": "New"}, []])
def test_a_parameter_that_means_nothing_is_refused(stage: Stage, query: str, sent: Any) -> None:
    """As everywhere, before anything is written."""
    stage.ask("POST", f"/users/1/posts?{query}", sent, 422)
    assert stage.statements == 0


def test_a_composite_key_gives_all_of_its_parts(stage: Stage) -> None:
    """Also where they are a part of the child's own key."""
    answer = stage.ask("POST", f"{SHELF}/boxes", {"number": 5}, 201)
    assert answer.json() == {"room": "a,b", "label": "c", "number": 5} and stage.statements == 1
    assert answer.headers["location"] == "/boxes/%22a,b%22,c,5"
    assert stage.ask("POST", f"{SHELF}/boxes", {"number": 5}).status == 409
    stage.ask("POST", "/shelves/a/boxes", {"number": 5}, 422)


def test_hooks_are_called(stage: Stage) -> None:
    """A child of a resource with hooks is created in a session, with the same answer."""
    answer = stage.ask("POST", f"/items/{VASE}/parts?fields=name,itemId", {"name": "lid"}, 201)
    assert answer.json() == {"name": "LID", "itemId": str(VASE)} and answer.headers["location"].startswith("/parts/")
    rows = stage.ask("POST", f"/items/{VASE}/parts", [{"name": "a"}, {"name": "b"}], 201).json()
    assert [row["name"] for row in rows] == ["A", "B"]
    stage.ask("POST", f"/items/{VASE}/parts", {"name": "lid", "itemId": str(JUG)}, 422)


def test_an_array_is_all_or_nothing(stage: Stage) -> None:
    """What the database refuses is said of the row that it was."""
    before = stage.stored("box", "number")
    problem = stage.ask("POST", f"{SHELF}/boxes", [{"number": 1}, {"number": 2}, {"number": 1}], 409).json()
    assert problem["errors"][0]["loc"][:2] == ["body", 2] and stage.stored("box", "number") == before


@pytest.mark.parametrize(
    "path",
    [
        "/users/1/drafts", "/users/1/seen", "/users/1/visits", "/users/1/notes", "/posts/1/mentions",
        "/users/1/follows", "/posts/1/author",
    ],
)  # fmt: skip
def test_what_is_more_or_less_than_a_foreign_key_takes_no_post(stage: Stage, path: str) -> None:
    """Conditions, `viewonly`, keys that clients may not set, links with more to say or that may be there twice."""
    answer = stage.ask("POST", path, {"title": "New", "text": "x", "page": "x", "name": "x"}, 405)
    assert answer.headers["allow"] == "GET, HEAD"


# Links


def test_a_row_is_created_and_linked(stage: Stage) -> None:
    """PostgreSQL does both by one statement, SQLite in one transaction."""
    answer = stage.ask("POST", "/posts/1/tags", {"name": "green"}, 201)
    assert answer.json()["name"] == "green" and answer.headers["location"] == f"/tags/{answer.json()['id']}"
    assert stage.statements == (4 if stage.backend.name == "sqlite" else 1)
    assert [tag["name"] for tag in stage.ask("GET", "/posts/1/tags").json()] == ["red", "green"]


def test_it_is_shown_with_the_link(stage: Stage) -> None:
    """An embed that leads back is read after both."""
    answer = stage.ask("POST", "/posts/1/tags?fields=name,posts.id", {"name": "green"}, 201)
    assert answer.json() == {"name": "green", "posts": [{"id": 1}]}
    item = stage.ask("POST", f"{SHELF}/items?fields=name,shelves.label", {"name": "cup"}, 201).json()
    assert item == {"name": "cup", "shelves": [{"label": "c", "_link": {"position": 7, "note": None, "level": 3}}]}
    assert (SECRET,) in stage.stored("placement", "private")


@pytest.mark.parametrize("sent", [{"name": "green"}, [{"name": "green"}], []])
def test_nothing_is_created_where_there_is_nothing_to_link(stage: Stage, sent: Any) -> None:
    """The row that would be linked is not left behind."""
    before = stage.stored("tag", "name")
    stage.ask("POST", "/posts/99/tags", sent, 404)
    assert stage.stored("tag", "name") == before


def test_an_array_is_created_and_linked_or_not_at_all(stage: Stage) -> None:
    """One transaction; the index of the row that is wrong is said."""
    before = stage.stored("post_tag", "post_id"), stage.stored("tag", "name")
    problem = stage.ask("POST", "/posts/1/tags", [{"name": "a"}, {"name": "red"}], 409).json()
    assert problem["errors"][0]["loc"] == ["body", 1, "name"]
    assert (stage.stored("post_tag", "post_id"), stage.stored("tag", "name")) == before
    rows = stage.ask("POST", "/posts/1/tags?fields=name", [{"name": "a"}, {"name": "b"}], 201).json()
    assert rows == [{"name": "a"}, {"name": "b"}] and len(stage.ask("GET", "/posts/1/tags").json()) == 3


def test_a_row_of_defaults_is_created_and_linked(stage: Stage) -> None:
    """An INSERT from a SELECT names some column, also where nothing was sent."""
    answer = stage.ask("POST", "/parties/1/seats", {}, 201)
    assert answer.json()["color"] is None and len(stage.ask("GET", "/parties/1/seats").json()) == 1


def test_hooks_are_called_before_a_link(stage: Stage) -> None:
    """In the same transaction; and a table without a class has defaults of its own."""
    answer = stage.ask("POST", "/parties/1/guests?fields=name", {"name": "bob"}, 201)
    assert answer.json() == {"name": "BOB"}
    assert stage.ask("GET", "/parties/1/guests").json()[0]["_link"] == {"seat": 1}
    stage.ask("POST", "/parties/2/guests", {"name": "eve"}, 404)
    assert stage.stored("guest", "name") == [("EVE",), ("BOB",)]


def test_a_link_is_made_and_undone(stage: Stage) -> None:
    """Twice as once: 204, and one statement each; what is not linked cannot be undone."""
    for _ in range(2):
        answer = stage.ask("PUT", "/posts/1/tags/2", status=204)
        assert answer.body == b"" and stage.statements == 1
        assert sorted(stage.stored("post_tag", "post_id", "tag_id")) == [(1, 1), (1, 2)]
    stage.ask("DELETE", "/posts/1/tags/2", status=204)
    assert stage.statements == 1 and stage.stored("post_tag", "post_id", "tag_id") == [(1, 1)]
    problem = stage.ask("DELETE", "/posts/1/tags/2", status=404).json()
    assert stage.statements == 1 and problem["detail"] == "These rows of 'posts' and 'tags' are not linked."


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize(
    "path",
    [
        "/posts/99/tags/1", "/posts/1/tags/99", "/posts/1/tags/99999999999999999999", f"/items/{GONE}/shelves/a,b",
        f"/shelves/%22a,b%22,c/items/{GONE}",
    ],
)  # fmt: skip
def test_nothing_is_linked_to_what_is_not_there(stage: Stage, method: str, path: str) -> None:
    """Nor unlinked, even where a row that was deleted softly still has its link."""
    before = stage.stored("post_tag", "tag_id"), stage.stored("placement", "item_id")
    stage.ask(method, path, status=404)
    assert (stage.stored("post_tag", "tag_id"), stage.stored("placement", "item_id")) == before


def test_a_link_has_columns_of_its_own(stage: Stage) -> None:
    """A body replaces them, defaults included; without one, a link that is there stays as it is."""

    def link() -> Any:
        found = stage.ask("GET", f"{SHELF}/items").json()
        return {item["name"]: item["_link"] for item in found}

    assert link() == {"vase": {"position": 1, "note": "n", "level": 3}}
    stage.ask("PUT", f"{SHELF}/items/{VASE}", status=204)
    assert stage.statements == 1 and link()["vase"] == {"position": 1, "note": "n", "level": 3}
    stage.ask("PUT", f"{SHELF}/items/{VASE}", {"note": "m", "level": 9}, 204)
    assert stage.statements == 1 and link()["vase"] == {"position": 7, "note": "m", "level": 9}
    stage.ask("PUT", f"{SHELF}/items/{VASE}", {}, 204)
    assert link()["vase"] == {"position": 7, "note": None, "level": 3}
    stage.ask("PUT", f"{SHELF}/items/{JUG}", {"position": 2}, 204)
    assert stage.statements == 1 and link()["jug"] == {"position": 2, "note": None, "level": 3}
    stage.ask("DELETE", f"{SHELF}/items/{VASE}", status=204)
    assert stage.statements == 1 and list(link()) == ["jug"]
    assert all(private == SECRET for (private,) in stage.stored("placement", "private"))


@pytest.mark.parametrize(
    ("sent", "status", "loc"),
    [
        ({"position": "1"}, 422, ["body", "position"]),
        ({"note": "too long"}, 422, ["body", "note"]),
        ({"private": "x"}, 422, ["body", "private"]),
        ({"room": "x"}, 422, ["body", "room"]),
        ({"item_id": str(JUG)}, 422, ["body", "item_id"]),
        ({"position": 100}, 422, ["body", "position"]),
        ([], 422, ["body"]),
        ([{}], 422, ["body"]),
        (b"{", 422, None),
        (b"\xff", 400, None),
    ],
)
def test_the_body_of_a_link_is_refused_as_elsewhere(stage: Stage, sent: Any, status: int, loc: Any) -> None:
    """Wrong types, what is hidden, what the path says, what the database refuses."""
    before = stage.stored("placement", "position", "note")
    path = f"{SHELF}/items/{VASE}"
    if isinstance(sent, bytes):
        answer = stage.client.request("PUT", path, {"content-type": "application/json"}, sent)
        assert answer.status == status
    else:
        problem = stage.ask("PUT", path, sent, status).json()
        assert problem["errors"][0]["loc"] == loc
    assert stage.stored("placement", "position", "note") == before
    assert stage.client.request("PUT", path, {"content-type": "text/plain"}, b"{}").status == 415


def test_a_column_that_must_be_sent_is_missed(stage: Stage) -> None:
    """Between rows of one table, from either end."""
    problem = stage.ask("PUT", "/users/1/follows/2", status=422).json()
    assert problem["errors"][0]["loc"] == ["body", "since"] and stage.statements == 0
    for day in ("2026-01-01", "2026-01-02"):
        stage.ask("PUT", "/users/1/follows/2", {"since": day}, 204)
        assert stage.ask("GET", "/users/2/followers").json() == [{"id": 1, "name": "Ada", "_link": {"since": day}}]
    stage.ask("DELETE", "/users/1/followers/2", status=404)
    stage.ask("DELETE", "/users/2/followers/1", status=204)
    assert stage.stored("follow", "follower_id") == []


@pytest.mark.parametrize(
    "path",
    [
        "/posts/x/tags/1", "/posts/1/tags/x", "/shelves/a/items/1", "/posts/1/tags/1?fields=id",
        "/posts/1/tags/1?name=x", "/posts/1/tags/1?limit=1",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_what_cannot_be_read_of_a_path_is_refused(stage: Stage, method: str, path: str) -> None:
    """Keys of the wrong type, and parameters: a link takes none."""
    stage.ask(method, path, status=422)
    assert stage.statements == 0


def test_which_key_is_wrong_is_said(stage: Stage) -> None:
    """Each key in the path has a name."""
    problem = stage.ask("PUT", f"/items/{VASE}/shelves/a,b,c", status=422).json()
    assert problem["errors"][0]["loc"] == ["path", "shelf_key"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PATCH"])
def test_a_link_is_only_made_and_undone(stage: Stage, method: str) -> None:
    """It is no resource."""
    answer = stage.client.request(method, "/posts/1/tags/1")
    assert (answer.status, answer.headers["allow"]) == (405, "PUT, DELETE")


@pytest.mark.parametrize("path", ["/posts/1/mentions/1", "/users/1/posts/1", "/posts/1/tags/1/x"])
def test_there_are_links_of_many_to_many_only(stage: Stage, path: str) -> None:
    """Other paths are not generated."""
    assert stage.client.request("PUT", path).status == 404


# Around


@pytest.mark.parametrize(
    ("method", "path", "sent"),
    [
        ("POST", "/users/1/posts?include=author", {"title": "New"}), ("POST", "/users/1/posts", [{"title": "New"}]),
        ("POST", "/posts/1/tags", {"name": "new"}), ("POST", f"/items/{VASE}/parts", {"name": "new"}),
        ("PUT", f"{SHELF}/items/{JUG}", {"position": 4}), ("PUT", "/posts/1/tags/2", None),
    ],
)  # fmt: skip
def test_a_request_is_planned_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, method: str, path: str, sent: Any
) -> None:
    """Another one of the same shape costs a look-up."""
    first = stage.ask(method, path, sent)

    def planned(*_: Any) -> Any:
        raise AssertionError("planned again")

    monkeypatch.setattr("onetrip.http.pipeline.plan_read", planned)
    monkeypatch.setattr("onetrip.http.statements.plan_change", planned)
    again = {**sent, "name": "newer"} if isinstance(sent, dict) and "name" in sent else sent
    assert stage.ask(method, path, again).status == first.status < 300


def test_they_work_wherever_the_router_is(stage: Stage) -> None:
    """Behind a prefix and attached dependencies, which may refuse."""
    seen = []

    def guard(request: Request) -> None:
        seen.append((request.method, request.path_params))
        if "x-no" in request.headers:
            raise HTTPException(403)

    app = FastAPI(exception_handlers=dict(stage.api.exception_handlers))
    around = APIRouter(prefix="/api/{version}")
    around.include_router(stage.api.router, dependencies=[Depends(guard)])
    app.include_router(around)
    client = Client(app, stage.client.runner)
    answer = client.send("POST", "/api/v1/users/1/posts", {"title": "New"})
    assert answer.status == 201 and answer.headers["location"] == f"/api/v1/posts/{answer.json()['id']}"
    assert client.request("PUT", "/api/v1/posts/1/tags/2").status == 204
    assert client.request("DELETE", "/api/v1/posts/1/tags/2", {"x-no": "1"}).status == 403
    assert client.request("DELETE", "/api/v1/posts/1/tags/2").status == 204
    assert client.request("GET", "/api/v1/posts/1/tags/2").status == 405
    assert seen[1] == ("PUT", {"version": "v1", "id": "1", "tag_id": "2"})


def test_a_reader_changes_nothing(stage: Stage) -> None:
    """`read_only` takes all of it away."""
    api = linked.api(stage.backend.url, read_only=True)
    app = FastAPI(exception_handlers=dict(api.exception_handlers))
    app.include_router(api.router)
    client = Client(app, stage.client.runner)
    assert client.send("POST", "/users/1/posts", {"title": "New"}).headers["allow"] == "GET, HEAD"
    assert client.request("PUT", "/posts/1/tags/2").status == 404
    assert not any("tag_id" in path for path in app.openapi()["paths"])


@pytest.mark.no_cover
def test_openapi_shows_what_may_be_sent() -> None:
    """Without what the path says, under stable names."""
    app = FastAPI()
    app.include_router(linked.api("sqlite://").router)
    document = app.openapi()
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []
    paths, schemas = document["paths"], document["components"]["schemas"]
    assert paths["/users/{id}/posts"]["post"]["operationId"] == "create_user_post"
    link = paths["/posts/{id}/tags/{tag_id}"]
    assert (link["put"]["operationId"], link["delete"]["operationId"]) == ("link_post_tag", "unlink_post_tag")
    assert [each["name"] for each in link["put"]["parameters"]] == ["id", "tag_id"]
    assert set(link) == {"put", "delete"}
    assert set(schemas["UserPostsCreate"]["properties"]) == {"title", "published"}
    assert schemas["UserPostsCreate"]["required"] == ["title"]
    assert set(schemas["ShelfItemsLink"]["properties"]) == {"position", "note", "level"}
    assert "required" not in schemas["ShelfItemsLink"]
    assert set(schemas["PostCreate"]["properties"]) == {"title", "published", "author_id"}
    bodies = {path: paths[path]["put"]["requestBody"].get("required") for path in paths if "put" in paths[path]
              and "requestBody" in paths[path]["put"] and path.count("{") == 2}  # fmt: skip
    assert bodies["/users/{id}/follows/{user_id}"] is True
    assert bodies["/shelves/{key}/items/{item_id}"] is None
