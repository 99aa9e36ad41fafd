"""The example on plain SQLAlchemy over HTTP: what its tutorial promises, and what that one's code gets wrong."""

from collections.abc import Iterator
from types import ModuleType

import pytest
from fastapi.testclient import TestClient

from tests.examples.loading import example, tour
from tests.support.counting import count_statements
from tests.support.databases import Backend

ADA = {"email": "ada@example.com", "name": "Ada"}


@pytest.fixture
def served(backend: Backend) -> Iterator[tuple[ModuleType, TestClient]]:
    """The application and a client of it, on an empty database, in which it makes its tables."""
    with example("sqlalchemy_users", backend) as opened:
        yield opened


def test_its_tour_is_a_real_one(served: tuple[ModuleType, TestClient]) -> None:
    """Every curl line of its README gets the answer that stands below it."""
    tour("sqlalchemy_users", served[1])


def test_its_contract(served: tuple[ModuleType, TestClient], backend: Backend) -> None:
    """Users are created, listed, read, changed and deleted, and have posts: each with the tutorial's codes and keys."""
    main, client = served
    created = client.post("/users", json=ADA)
    ada = created.json()
    assert (created.status_code, list(ada)) == (201, ["id", "email", "name", "bio", "created_at"])
    assert client.post("/users", json={**ADA, "name": "Another"}).status_code == 409
    assert client.post("/users", json={"email": "ada", "name": ""}).status_code == 422
    assert client.get("/users?limit=50&offset=0").json() == [ada]
    assert client.get("/users?limit=1&offset=1").json() == []
    for path in ("/users/1", "/sync/users/1", "/async/users/1"):
        assert client.get(path).json() == ada, path
        assert client.get(path.replace("1", "99")).status_code == 404

    with count_statements(backend, main.api) as statements:
        changed = client.patch("/users/1", json={"name": "Ada Lovelace"})
    assert changed.json() == {**ada, "name": "Ada Lovelace"}
    [update] = statements
    assert "name" in update.partition("WHERE")[0] and "email" not in update.partition("WHERE")[0]
    assert client.patch("/users/1", json={"bio": "Engines"}).json()["bio"] == "Engines"

    answer = client.post("/users/1/posts", json={"title": "Notes", "body": "On engines."})
    assert (answer.status_code, answer.json()) == (
        201,
        {"id": 1, "title": "Notes", "body": "On engines.", "author_id": 1},
    )
    assert client.get("/users/1/posts").json() == [answer.json()]
    assert client.get("/users/99/posts").status_code == 404
    assert client.post("/users/99/posts", json={"title": "Notes", "body": "x"}).status_code == 404

    assert client.delete("/posts/1").status_code == client.delete("/users/1").status_code == 204
    assert client.delete("/users/1").status_code == 404


def test_what_is_wrong_is_no_error_of_the_server(served: tuple[ModuleType, TestClient]) -> None:
    """All that the tutorial's code answers with 500, or takes although the table says no."""
    client = served[1]
    client.post("/users", json=ADA)
    client.post("/users", json={"email": "bob@example.com", "name": "Bob"})
    client.post("/users/1/posts", json={"title": "Notes", "body": "On engines."})
    for method, path, body, status in (
        ("PATCH", "/users/1", {"name": None}, 422),
        ("PATCH", "/users/1", {"email": "bob@example.com"}, 409),
        ("DELETE", "/users/1", None, 409),
        ("POST", "/users/1/posts", {"title": "t" * 500, "body": "x"}, 422),
        ("POST", "/users", {"email": "c@example.com", "name": "a\0b"}, 422),
        ("GET", "/users?limit=-1", None, 422),
        ("GET", f"/users?limit={10**30}", None, 422),
        ("GET", f"/users/{10**30}", None, 404),
        ("GET", f"/sync/users/{10**30}", None, 422),
        ("GET", f"/async/users/{10**30}", None, 422),
    ):
        answer = client.request(method, path, json=body)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), path
