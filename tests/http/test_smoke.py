"""The first request on both databases."""

from fastapi import FastAPI
from fastapi.testclient import TestClient

from onetrip import API
from tests.support import blog
from tests.support.counting import count_statements
from tests.support.databases import Backend


def test_a_list_is_one_statement(backend: Backend) -> None:
    """A list with embeds is one statement on the wire, and nothing hidden is in it."""
    backend.create(blog.metadata, *blog.rows())
    api = API(blog.User, blog.Post, blog.Comment, database=backend.url)
    app = FastAPI(lifespan=api.lifespan)
    app.include_router(api.router)
    with TestClient(app) as client:
        client.get("/posts")
        with count_statements(backend, api) as statements:
            answer = client.get("/posts?include=author,comments.author&limit=2")
    assert answer.status_code == 200, answer.text
    assert [post["author"]["username"] for post in answer.json()] == ["ada", "ada"]
    assert "hashed_password" not in answer.text and "internal_note" not in answer.text
    assert len(statements) == 1, statements
