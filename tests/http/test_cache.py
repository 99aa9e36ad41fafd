"""The cache of request shapes: planning and compiling happen once for each shape, however many there are."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI

from onetrip import API, Limits
from onetrip.http import pipeline
from tests.http.client import Client, serving
from tests.support import blog
from tests.support.databases import Backend


class Work:
    """Counts what is done for shapes that were not seen before."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.counts = dict.fromkeys(("parse", "plan_read", "compile_read"), 0)
        for name in self.counts:
            monkeypatch.setattr(pipeline, name, self._counting(name, getattr(pipeline, name)))

    def _counting(self, name: str, done: Any) -> Any:
        def counted(*arguments: Any) -> Any:
            self.counts[name] += 1
            return done(*arguments)

        return counted

    def take(self) -> int:
        """How often each step was done since the last look."""
        (count,) = set(self.counts.values())
        self.counts = dict.fromkeys(self.counts, 0)
        return count


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    return Work(monkeypatch)


@pytest.fixture
def api(stored: Backend) -> API:
    """An API that remembers eight shapes."""
    return API(blog.User, blog.Post, blog.Comment, database=stored.url, limits=Limits(shapes=8))


@pytest.fixture
def client(api: API) -> Iterator[Client]:
    app = FastAPI()
    app.include_router(api.router)
    with serving(app) as opened:
        yield opened


SHAPE = "/posts?views={}&sort=-id&include=author&offset={}"


def test_a_shape_seen_before_is_not_planned_again(client: Client, work: Work) -> None:
    """Other values, other keys, other conditions, HEAD: one shape, planned and compiled once."""
    assert client.get(SHAPE.format(20, 0)).json()[0]["id"] == 4
    assert work.take() == 1
    assert [post["id"] for post in client.get(SHAPE.format(20, 1)).json()] == [3]
    assert client.get(SHAPE.format(30, 2).replace("views", "%76iews").replace("offset", "offs%65t")).status == 200
    assert client.request("HEAD", SHAPE.format(1, 1)).status == 200
    assert client.get(SHAPE.format(1, 1), if_none_match="*").status == 304
    assert work.take() == 0
    assert [client.get(f"/posts/{key}").status for key in (1, 2, 99, 10**9)] == [200, 200, 404, 404]
    assert work.take() == 1
    assert client.get("/users/1/posts").status == client.get("/users/2/posts").status == 200
    assert work.take() == 1


def test_what_differs_in_more_than_values_is_another_shape(client: Client, work: Work) -> None:
    """Another resource, name, order, structure, relation or limit has a plan of its own."""
    targets = [
        "/posts?id=1", "/users?id=1", "/posts?title=1", "/posts?id=1&title=1", "/posts?title=1&id=1", "/posts?sort=id",
        "/posts?sort=-id", "/users/1/posts?id=1", "/posts?limit=1", "/posts?limit=2",
    ]  # fmt: skip
    for target in targets:
        for _ in range(2):
            assert client.get(target).status == 200
    assert work.take() == len(targets)


def test_what_is_refused_is_not_remembered(client: Client, api: API, work: Work) -> None:
    """A flood of wrong requests takes no place from right ones."""
    for number in range(50):
        for wrong in (
            f"x{number}=1",
            f"sort=x{number}",
            f"fields=x{number}",
            f"include=x{number}",
            f"views__x{number}=1",
        ):
            assert client.get(f"/posts?{wrong}").status == 422
    assert len(api.pipeline.prepared) == 0


def test_a_wrong_value_of_a_known_shape_costs_no_planning(client: Client, work: Work) -> None:
    """Values are judged by the plan that is there."""
    assert client.get("/posts?views=1").status == 200
    assert work.take() == 1
    for value in ("x", "", "1.5", "9" * 400):
        assert client.get(f"/posts?views={value}").status == 422
    assert work.take() == 0


def test_the_cache_is_bounded_and_keeps_what_is_used(client: Client, api: API, work: Work) -> None:
    """A flood of new shapes pushes out other new shapes, not the one that is asked for in between."""
    assert client.get(SHAPE.format(1, 1)).status == 200
    columns = ("id", "title", "content", "views", "published", "author_id")
    flood = [f"{one},{other}" for one in columns for other in columns if one != other]
    work.take()
    for number, fields in enumerate(flood):
        assert client.get(f"/posts?fields={fields}").status == 200
        assert len(api.pipeline.prepared) <= 8
        if number % 6 == 0:
            assert work.take() == (1 if number == 0 else 6)
            assert client.get(SHAPE.format(number, 1)).status == 200
            assert work.take() == 0
    work.take()
    assert client.get(f"/posts?fields={flood[0]}").status == 200  # long pushed out, and made again
    assert work.take() == 1


def test_a_flood_of_limits_is_bounded(client: Client, api: API, work: Work) -> None:
    """Each limit is a shape of its own: they push out one another, and not the one that is asked for in between."""
    assert client.get(SHAPE.format(1, 1)).status == 200
    work.take()
    for limit in range(1, 31):
        assert len(client.get(f"/posts?limit={limit}").json()) == min(limit, 5)
        assert len(api.pipeline.prepared) <= 8
        assert client.get(SHAPE.format(1, limit)).status == 200
    assert work.take() == 30


def test_a_prepared_shape_holds_no_value_of_a_client(client: Client, api: API) -> None:
    """What one client asked for stands in no statement and no plan that serves another."""
    assert client.get("/posts?title=unspeakable&limit=3&offset=2").status == 200
    ((endpoint, shape, _), prepared), *_ = api.pipeline.prepared.items()
    assert "unspeakable" not in f"{endpoint}{shape}{prepared}" and "unspeakable" not in prepared.statement.text
