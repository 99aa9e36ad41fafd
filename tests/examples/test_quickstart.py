"""The quick start over HTTP: what its tutorial promises, and what the tutorial's own code gets wrong."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from fastapi.testclient import TestClient

from tests.examples.loading import example, tour
from tests.support.databases import Backend

ADA = {"name": "Ada", "email": "ada@example.com", "password": "correct horse"}
WRONG = (
    ({}, ["name", "email", "password"]),
    ({**ADA, "name": 5}, ["name"]),
    ({**ADA, "id": 77}, ["id"]),
    ({**ADA, "hashed_password": "x"}, ["hashed_password"]),
    ({**ADA, "password": "short"}, ["password"]),
    ({**ADA, "name": "a\0b"}, ["name"]),
)


@pytest.fixture
def client(backend: Backend) -> Iterator[TestClient]:
    """A client of the application on an empty database, in which it makes its tables."""
    with example("quickstart", backend) as (_, opened):
        yield opened


def test_its_tour_is_a_real_one(client: TestClient) -> None:
    """Every curl line of its README gets the answer that stands below it."""
    tour("quickstart", client)


def test_its_contract(client: TestClient, backend: Backend) -> None:
    """Users are created and listed, at the tutorial's paths; their posts are read; the hash stays where it is."""
    created = client.post("/users/", json=ADA)
    assert (created.status_code, created.json()) == (201, {"name": "Ada", "email": "ada@example.com", "id": 1})
    assert client.get("/users/").json() == [created.json()]

    with backend.engine().connect() as connection:
        stored = connection.execute(sa.text('SELECT hashed_password FROM "user"')).scalar_one()
    assert PasswordHasher().verify(stored, ADA["password"])
    for path in ("/users/1", "/users?include=posts", "/users/1/profile"):
        assert stored not in client.get(path).text and "password" not in client.get(path).text
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    assert {"UserCreate", "PostCreate"} <= set(schemas) and "hashed_password" not in str(schemas)

    for body, fields in WRONG:
        answer = client.post("/users/", json=body)
        assert (answer.status_code, [error["loc"][-1] for error in answer.json()["errors"]]) == (422, fields)
    assert client.post("/users/", json=ADA).status_code == 409

    assert client.get("/users/1/posts").json() == []
    post = {"title": "Notes", "content": "On engines.", "author_id": 1}
    assert client.post("/posts", json=post).json() == {"id": 1, **post}
    assert client.get("/users/1/posts").json() == [{"id": 1, **post}]
    assert client.post("/posts", json={**post, "author_id": 999}).status_code == 422
    assert client.get("/users/999/posts").status_code == 404
    assert client.get(f"/users/{10**30}/profile").status_code == 422
