"""Writing in CodeClash over HTTP: users, posts, comments, tags; codes, and what hand-written code gets wrong.

Every request of the tutorials that the example follows is here with the answer that they promise, on both databases.
"""

import importlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type
from codeclash import main, registration
from codeclash.models import Comment, Post, PostTag, Tag, User
from codeclash.seed import HASH
from fastapi.testclient import TestClient
from sqlmodel import SQLModel

from tests.support.counting import count_statements
from tests.support.databases import Backend

ADA = {"email": "ada@example.com", "username": "ada", "password": "correct horse battery"}
SECRETS = ("password", "argon2", HASH, "correct horse")


@pytest.fixture
def client(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A client of the application, on a database with two users, a post, a comment and two tags."""
    monkeypatch.setenv("ONETRIP_DATABASE_URL", backend.url)
    importlib.reload(main)
    grace = User(email="grace@example.com", username="grace", bio="Compilers", hashed_password=HASH)
    post = Post(title="Notes", content="On compilers", author=grace)
    tags = [Tag(name="craft"), Tag(name="python")]
    backend.create(
        SQLModel.metadata, grace, post, *tags, User(email="bob@example.com", username="bob", hashed_password=HASH)
    )
    backend.create(SQLModel.metadata, Comment(body="Nice", post_id=1, author_id=2), PostTag(post_id=1, tag_id=1))
    with TestClient(main.app) as opened:
        yield opened


def send(client: TestClient, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    """Send JSON, and check the status of the answer."""
    answer = client.request(method, path, json=body) if body is not None else client.request(method, path)
    assert answer.status_code == status, (answer.status_code, answer.text)
    return answer.json() if answer.content else None


def refusal(client: TestClient, method: str, path: str, body: Any, status: int) -> list[tuple[Any, str]]:
    """Send what is refused: where, and as which type of error."""
    answer = client.request(method, path, json=body)
    assert answer.status_code == status, (answer.status_code, answer.text)
    assert answer.headers["content-type"] == "application/problem+json"
    return [(error["loc"][-1], error["type"]) for error in answer.json().get("errors", [])]


def stored(backend: Backend, username: str) -> Any:
    with backend.engine().connect() as connection:
        return connection.execute(
            sa.text('SELECT hashed_password FROM "user" WHERE username = :name'), {"name": username}
        ).scalar()


# Users


def test_a_registration_is_201_with_the_row(client: TestClient, backend: Backend) -> None:
    """What the database and the table fill in is in the answer, the password in no form."""
    answer = client.post("/users", json=ADA)
    assert (answer.status_code, answer.headers["location"]) == (201, "/users/3")
    created = answer.json()
    assert list(created) == ["id", "email", "username", "bio", "created_at"]
    assert (created["id"], created["email"], created["bio"]) == (3, "ada@example.com", None)
    assert send(client, "GET", "/users/3") == created


def test_the_password_is_stored_as_an_argon2id_hash(client: TestClient, backend: Backend) -> None:
    """One that the password verifies, with a salt of its own."""
    send(client, "POST", "/users", ADA, 201)
    send(client, "POST", "/users", ADA | {"email": "eve@example.com", "username": "eve"}, 201)
    first, second = stored(backend, "ada"), stored(backend, "eve")
    assert extract_parameters(first).type is Type.ID
    assert extract_parameters(first).memory_cost >= 19 * 1024
    assert first != second
    assert all(PasswordHasher().verify(hashed, ADA["password"]) for hashed in (first, second))


def test_an_array_of_users_is_hashed_one_by_one(client: TestClient, backend: Backend) -> None:
    """A hook is called for each row; one that is wrong undoes all of them, and is named."""
    bad = [ADA, ADA | {"username": "ada2"}]
    answer = client.post("/users", json=bad)
    assert answer.status_code == 409
    assert answer.json()["errors"][0]["loc"] == ["body", 1, "email"]
    assert len(send(client, "GET", "/users")) == 2
    send(client, "POST", "/users", [ADA, ADA | {"email": "eve@example.com", "username": "eve"}], 201)
    assert stored(backend, "ada") != stored(backend, "eve")


def test_hashing_leaves_the_event_loop_alone(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes a tenth of a second, so a thread does it: other requests are answered meanwhile."""
    begun, answered = threading.Event(), threading.Event()

    class Slow:
        def hash(self, password: str) -> str:
            begun.set()
            assert answered.wait(30)
            return HASH

    monkeypatch.setattr(registration, "HASHER", Slow())
    with ThreadPoolExecutor() as pool:
        registering = pool.submit(client.post, "/users", json=ADA)
        assert begun.wait(30)
        assert send(client, "GET", "/users/1")["username"] == "grace"
        assert send(client, "PATCH", "/posts/1", {"title": "Other"})["title"] == "Other"
        answered.set()
        assert registering.result().status_code == 201


def test_no_answer_holds_a_password(client: TestClient) -> None:
    """Neither answers, nor refusals that had it in their hands, nor the documentation's schemas of answers."""
    answers = [
        client.post("/users", json=ADA),
        client.post("/users", json=ADA),
        client.get("/users"),
        client.get("/posts?include=author,comments.author"),
        client.patch("/users/3", json={"bio": "x"}),
        client.post("/users?include=posts", json=ADA | {"email": "eve@example.com", "username": "eve"}),
    ]
    assert [answer.status_code for answer in answers] == [201, 409, 200, 200, 200, 201]
    assert not [secret for secret in SECRETS for answer in answers if secret in answer.text]
    short = client.post("/users", json=ADA | {"password": "hunter2"})
    assert short.status_code == 422
    assert "hunter2" not in short.text
    shown = client.get("/openapi.json").json()["paths"]["/users/{id}"]["get"]["responses"]["200"]
    assert "password" not in str(shown)


@pytest.mark.parametrize("taken", ["email", "username"])
def test_what_is_taken_is_409_with_the_field(client: TestClient, taken: str) -> None:
    """When registering and when changing; and nothing is written."""
    body = ADA | {taken: {"email": "grace@example.com", "username": "grace"}[taken]}
    assert refusal(client, "POST", "/users", body, 409) == [(taken, "unique")]
    assert refusal(client, "PATCH", "/users/2", {taken: body[taken]}, 409) == [(taken, "unique")]
    assert len(send(client, "GET", "/users")) == 2


def test_of_many_who_want_one_name_one_gets_it(client: TestClient) -> None:
    """Nobody looks first whether it is free, so nobody can come in between."""
    bodies = [ADA | {"email": f"ada{number}@example.com"} for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        codes = sorted(answer.status_code for answer in pool.map(lambda body: client.post("/users", json=body), bodies))
    assert codes == [201] + [409] * 7


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"email": "not an address"}, ("email", "value_error")),
        ({"email": None}, ("email", "string_type")),
        ({"username": ""}, ("username", "string_too_short")),
        ({"username": "x" * 41}, ("username", "string_too_long")),
        ({"password": "short"}, ("password", "string_too_short")),
        ({"password": "x" * 1025}, ("password", "string_too_long")),
        ({"password": 12345678}, ("password", "string_type")),
        ({"is_admin": True}, ("is_admin", "unknown_field")),
        ({"hashed_password": HASH}, ("hashed_password", "unknown_field")),
        ({"id": 1}, ("id", "unknown_field")),
        ({"created_at": "2020-01-01T00:00:00Z"}, ("created_at", "unknown_field")),
    ],
)
def test_a_wrong_registration_is_422(client: TestClient, change: dict[str, Any], wrong: tuple[str, str]) -> None:
    """Each names its field; what is not for clients is no field."""
    assert refusal(client, "POST", "/users", ADA | change, 422) == [wrong]
    assert len(send(client, "GET", "/users")) == 2


def test_a_password_that_is_no_text_for_a_hash(client: TestClient) -> None:
    """A lone surrogate cannot be encoded, and is refused before the hook could fail."""
    sent = b'{"email": "ada@example.com", "username": "ada", "password": "\\ud800 correct horse"}'
    answer = client.post("/users", content=sent, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422


@pytest.mark.parametrize("missing", ["email", "username", "password"])
def test_a_registration_that_lacks_something_is_422(client: TestClient, missing: str) -> None:
    body = {name: value for name, value in ADA.items() if name != missing}
    assert refusal(client, "POST", "/users", body, 422) == [(missing, "missing")]


@pytest.mark.parametrize("path", ["/users", "/posts", "/comments", "/tags"])
def test_what_is_not_there_is_404(client: TestClient, path: str) -> None:
    """For reading, changing, replacing and deleting."""
    assert client.get(f"{path}/99").status_code == 404
    assert client.patch(f"{path}/99", json={}).status_code == 404
    assert client.delete(f"{path}/99").status_code == 404


def test_a_change_touches_what_was_sent(client: TestClient, backend: Backend) -> None:
    """Unset is not null: the rest of the row, and the hash, stay as they were."""
    before = send(client, "GET", "/users/1")
    assert send(client, "PATCH", "/users/1", {"username": "hopper"}) == before | {"username": "hopper"}
    assert send(client, "PATCH", "/users/1", {"bio": None}) == before | {"username": "hopper", "bio": None}
    assert send(client, "PATCH", "/users/1", {}) == before | {"username": "hopper", "bio": None}
    assert stored(backend, "hopper") == HASH


@pytest.mark.parametrize(
    "change",
    [
        {"username": None},
        {"email": "nobody"},
        {"password": "another one"},
        {"id": 7},
        {"hashed_password": "x"},
        {"created_at": "2020-01-01T00:00:00Z"},
    ],
)
def test_a_wrong_change_is_422(client: TestClient, change: dict[str, Any]) -> None:
    before = send(client, "GET", "/users/1")
    assert [where for where, _ in refusal(client, "PATCH", "/users/1", change, 422)] == list(change)
    assert send(client, "GET", "/users/1") == before


def test_a_replacement_sets_every_field(client: TestClient, backend: Backend) -> None:
    """What is left out becomes what it is by default; the hash and the moment of creation are not a client's."""
    before = send(client, "GET", "/users/1")
    body = {"email": "grace@example.com", "username": "hopper"}
    assert send(client, "PUT", "/users/1", body) == before | {"username": "hopper", "bio": None}
    assert refusal(client, "PUT", "/users/1", {"username": "hopper"}, 422) == [("email", "missing")]
    assert stored(backend, "hopper") == HASH


def test_pages_of_users_do_not_overlap(client: TestClient) -> None:
    """`limit` and `offset`, in the order of the key."""
    for number in range(3):
        send(client, "POST", "/tags", {"name": f"tag {number}"}, 201)
    pages = [send(client, "GET", f"/tags?limit=2&offset={offset}") for offset in (0, 2, 4, 6)]
    assert [[tag["id"] for tag in page] for page in pages] == [[1, 2], [3, 4], [5], []]


def test_users_with_posts_stay(client: TestClient) -> None:
    """409 that names what refers to them; without anything, 204, and then 404."""
    answer = client.delete("/users/1")
    assert answer.status_code == 409
    assert answer.json()["detail"] == "Rows of 'posts' still refer to this one."
    assert client.delete("/users/2").json()["detail"] == "Rows of 'comments' still refer to this one."
    send(client, "DELETE", "/comments/1", status=204)
    assert client.delete("/users/2").status_code == 409  # the comment is in its table still, and can be restored
    gone = f"/users/{send(client, 'POST', '/users', ADA, 201)['id']}"
    assert client.delete(gone).content == b""
    assert client.get(gone).status_code == client.delete(gone).status_code == 404


def test_a_deleted_comment_is_gone_and_can_be_restored(client: TestClient) -> None:
    """No read finds it, not below its post either, until it is back as it was."""
    before = send(client, "GET", "/comments/1")
    send(client, "DELETE", "/comments/1", status=204)
    assert client.get("/comments/1").status_code == 404
    assert send(client, "GET", "/posts/1?fields=comments.id") == {"comments": []}
    assert send(client, "POST", "/comments/1:restore") == before == send(client, "GET", "/comments/1")


# Posts, comments, tags


def test_a_post_is_created_with_its_author(client: TestClient) -> None:
    """What the table says by default is in the answer, and relations, if they are asked for."""
    body = {"title": "Second", "content": "More", "author_id": 1}
    created = send(client, "POST", "/posts?include=author,tags", body, 201)
    assert created["author"]["username"] == "grace"
    assert (created["views"], created["published"], created["tags"]) == (0, True, [])
    assert send(client, "GET", "/posts/2?include=author,tags") == created
    assert [post["id"] for post in send(client, "GET", "/users/1/posts")] == [1, 2]


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"title": ""}, ("title", "string_too_short")),
        ({"title": "x" * 201}, ("title", "string_too_long")),
        ({"content": None}, ("content", "string_type")),
        ({"author_id": 99}, ("author_id", "foreign_key")),
        ({"author_id": None}, ("author_id", "int_type")),
        ({"author": {"id": 1}}, ("author", "unknown_field")),
        ({"titel": "x"}, ("titel", "unknown_field")),
    ],
)
def test_a_wrong_post_is_422(client: TestClient, change: dict[str, Any], wrong: tuple[str, str]) -> None:
    """The table's own constraints hold, for creation and for changes; an author who does not exist is a field."""
    body = {"title": "Second", "content": "More", "author_id": 1} | change
    assert refusal(client, "POST", "/posts", body, 422) == [wrong]
    assert refusal(client, "PATCH", "/posts/1", change, 422) == [wrong]
    assert len(send(client, "GET", "/posts")) == 1


def test_the_posts_of_a_user_have_a_path(client: TestClient) -> None:
    """A list, also an empty one; 404 when there is no such user."""
    assert [post["title"] for post in send(client, "GET", "/users/1/posts")] == ["Notes"]
    assert send(client, "GET", "/users/2/posts") == []
    assert client.get("/users/99/posts").status_code == 404


def test_a_post_takes_its_comments_and_links_along(client: TestClient) -> None:
    """As its foreign keys say; its tags and its author stay."""
    send(client, "DELETE", "/posts/1", status=204)
    assert client.get("/comments/1").status_code == 404
    assert send(client, "GET", "/tags/1?include=posts") == {"id": 1, "name": "craft", "posts": []}
    assert send(client, "GET", "/users/1?include=posts")["posts"] == []


def test_a_tag_leaves_its_posts(client: TestClient) -> None:
    send(client, "DELETE", "/tags/1", status=204)
    assert send(client, "GET", "/posts/1?include=tags")["tags"] == []


def test_tags_are_created_together(client: TestClient) -> None:
    """An array is all or nothing."""
    assert refusal(client, "POST", "/tags", [{"name": "sql"}, {"name": "python"}], 409) == [("name", "unique")]
    assert [tag["name"] for tag in send(client, "POST", "/tags", [{"name": "sql"}, {"name": "http"}], 201)] == [
        "sql",
        "http",
    ]


def test_writes_without_a_hook_are_one_statement(client: TestClient, backend: Backend) -> None:
    """Creating, changing and deleting a post; the hook of a user needs a transaction."""
    body = {"title": "Second", "content": "More", "author_id": 1}
    send(client, "GET", "/posts")
    send(client, "POST", "/posts", body, 201)
    for method, path, sent, status in (
        ("POST", "/posts", body, 201),
        ("PATCH", "/posts/1", {"views": 7}, 200),
        ("DELETE", "/posts/2", None, 204),
    ):
        with count_statements(backend, main.api) as statements:
            send(client, method, path, sent, status)
        assert len(statements) == 1, (method, statements)


def test_sample_users_have_the_password_that_is_said() -> None:
    """The hash of the sample rows is one of "codeclash"."""
    assert PasswordHasher().verify(HASH, "codeclash")


def test_a_browser_of_the_frontend_may_write(client: TestClient) -> None:
    """The CORS of the application lets its own frontend send JSON, and nobody else."""
    asked = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "content-type"}
    allowed = client.options("/posts/1", headers={"Origin": "http://localhost:5173", **asked})
    assert "PATCH" in allowed.headers["access-control-allow-methods"]
    assert "content-type" in allowed.headers["access-control-allow-headers"]
    assert client.options("/posts/1", headers={"Origin": "http://x.test", **asked}).status_code == 400


# Below other rows


def test_a_post_is_created_under_its_author(client: TestClient) -> None:
    """201 with the author's key in it, at an address of its own; 404 when there is no such user."""
    answer = client.post("/users/1/posts", json={"title": "Second", "content": "More"})
    assert (answer.status_code, answer.headers["location"]) == (201, "/posts/2")
    assert answer.json()["author_id"] == 1
    assert [post["id"] for post in send(client, "GET", "/users/1/posts")] == [1, 2]
    assert client.post("/users/99/posts", json={"title": "Third", "content": "x"}).status_code == 404
    assert refusal(client, "POST", "/users/1/posts", {"title": "", "content": "x"}, 422) == [
        ("title", "string_too_short")
    ]
    assert len(send(client, "GET", "/posts")) == 2


def test_a_comment_is_created_under_its_post(client: TestClient) -> None:
    created = send(client, "POST", "/posts/1/comments", {"body": "Agreed", "author_id": 1}, 201)
    assert (created["post_id"], created["approved"]) == (1, True)
    assert refusal(client, "POST", "/posts/1/comments", {"body": "x", "author_id": 99}, 422) == [
        ("author_id", "foreign_key")
    ]
    assert [comment["id"] for comment in send(client, "GET", "/posts/1/comments")] == [1, 2]


def test_tags_are_given_and_taken_away(client: TestClient) -> None:
    """As often as one likes; the tag itself stays. 404 when one of the two is not there."""
    for _ in range(2):
        send(client, "PUT", "/posts/1/tags/2", status=204)
        assert [tag["name"] for tag in send(client, "GET", "/posts/1/tags")] == ["craft", "python"]
    send(client, "DELETE", "/posts/1/tags/2", status=204)
    assert [tag["name"] for tag in send(client, "GET", "/posts/1/tags")] == ["craft"]
    assert [tag["name"] for tag in send(client, "GET", "/tags")] == ["craft", "python"]
    assert client.put("/posts/99/tags/1").status_code == client.put("/posts/1/tags/99").status_code == 404
