"""The CodeClash API over HTTP, on SQLite and PostgreSQL."""

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from codeclash import main
from codeclash.models import Comment, Post, Tag, User
from fastapi.testclient import TestClient
from sqlmodel import SQLModel

from tests.docs.sample import fill
from tests.support.databases import Backend, Server, postgresql_backend, sqlite_backend


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """A database with the sample rows."""
    if request.param == "sqlite":
        made = sqlite_backend(tmp_path_factory.mktemp("codeclash"))
    else:
        server: Server = request.getfixturevalue("server")
        made = postgresql_backend(server)
    with made as backend, pytest.MonkeyPatch.context() as environment:
        environment.setenv("ONETRIP_DATABASE_URL", backend.url)
        importlib.reload(main)
        fill(backend.url)
        yield backend


@pytest.fixture
def client(database: Backend) -> Iterator[TestClient]:
    """A client of the application."""
    with TestClient(main.app) as opened:
        yield opened


def get(client: TestClient, path: str) -> Any:
    """Get a path that exists."""
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_sample_rows_are_the_same_every_time(client: TestClient) -> None:
    """A given row is the one that the documentation shows, on both databases."""
    assert get(client, "/posts/900?fields=title,created_at,author.username") == {
        "title": "The boring guide to error messages",
        "created_at": "2026-06-30T17:01:20Z",
        "author": {"username": "yararamos"},
    }


@pytest.mark.parametrize(("model", "count"), [(User, 240), (Post, 900), (Comment, 3_000), (Tag, 10)])
def test_there_are_a_few_thousand_rows(client: TestClient, model: type[SQLModel], count: int) -> None:
    """Every table is filled as far as it says, and no row is beyond the last page."""
    path = f"/{model.__name__.lower()}s"
    assert len(get(client, f"{path}?offset={count - 1}")) == 1
    assert get(client, f"{path}?offset={count}") == []


def test_secrets_stay_in_the_database(client: TestClient) -> None:
    """A column whose name looks secret is neither shown nor known to a query."""
    user = get(client, "/users/1")
    assert set(user) == {"id", "email", "username", "bio", "created_at"}
    hidden, unknown = (client.get(f"/users?{name}=x") for name in ("hashed_password", "hashed_passwort"))
    assert hidden.status_code == unknown.status_code == 422
    assert hidden.json()["hint"] == unknown.json()["hint"]


def test_a_post_comes_with_its_author_and_comments(client: TestClient) -> None:
    """Relations are embedded in both directions."""
    post = get(client, "/posts/900?include=author,comments.author")
    assert post["author"]["id"] == post["author_id"]
    assert post["comments"]
    assert all(comment["author"]["id"] == comment["author_id"] for comment in post["comments"])
    assert post["id"] in [found["id"] for found in get(client, f"/users/{post['author_id']}/posts?sort=-id")]


def test_comments_come_after_their_post(client: TestClient) -> None:
    """The sample rows make sense in time."""
    comments = get(client, "/comments?limit=1000&fields=created_at,post.created_at,author.created_at")
    assert all(comment["created_at"] >= comment["post"]["created_at"] for comment in comments)
    assert all(comment["post"]["created_at"] >= comment["author"]["created_at"] for comment in comments)


def test_lists_of_posts_are_limited_to_100(client: TestClient) -> None:
    """`max_limit` of the resource is the limit's limit."""
    assert len(get(client, "/posts?limit=100")) == 100
    assert client.get("/posts?limit=101").json()["detail"] == "'limit' must be at most 100."


def test_the_hand_written_endpoint_answers_beside_the_generated_ones(client: TestClient) -> None:
    """It answers the post that the generated list shows first, by the same session settings."""
    newest = get(client, "/users/1/posts?sort=-created_at&published=true&limit=1&fields=id,title,created_at")
    assert [get(client, "/users/1/latest")] == newest
    assert client.get("/users/241/latest").status_code == 404
    assert client.get("/users/99999999999/latest").status_code == 422


def test_the_discussions_of_a_user_are_read_as_generated_lists_are(client: TestClient) -> None:
    """They answer the same rows with the same question, and lead on by links of their own."""
    mine = client.get("/users/5/discussions?views__gte=5&limit=2&count=exact")
    same = "/posts?comments.author_id=5&published=true&include=author&views__gte=5&limit=2"
    assert mine.json() == get(client, same) and len(mine.json()) == 2
    assert mine.links["next"]["url"].startswith("/users/5/discussions?views__gte=5&limit=2")
    following = get(client, mine.links["next"]["url"])
    assert following == get(client, f"{same}&offset=2")


def test_a_browser_of_the_frontend_may_read(client: TestClient) -> None:
    """CORS is the application's own middleware and works for generated routes."""
    answer = client.get("/posts?limit=1", headers={"Origin": "http://localhost:5173"})
    assert answer.headers["access-control-allow-origin"] == "http://localhost:5173"
    assert (
        "access-control-allow-origin" not in client.get("/posts?limit=1", headers={"Origin": "http://x.test"}).headers
    )


def test_the_documentation_lists_every_path(client: TestClient) -> None:
    """Generated and hand-written endpoints stand in one OpenAPI document."""
    paths = set(get(client, "/openapi.json")["paths"])
    assert {"/posts", "/posts/{id}", "/posts/{id}/comments", "/users/{id}/posts", "/users/{id}/latest"} <= paths
