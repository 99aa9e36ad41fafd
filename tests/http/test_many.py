"""Changes of many rows over HTTP, and amounts that are added: which rows change, by how much, and what it costs."""

from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from fastapi import FastAPI

from onetrip import API, Resource
from onetrip.errors import ConfigurationError
from tests.http.manifold import SEEN, Counter, Page, Person, Served, Tag, served
from tests.support.databases import Backend

ROWS = [
    *(Person(email=f"{each}@example.com", team="red" if each < 3 else "blue", number=each) for each in range(9)),
    Tag(code="a", label="x"), Tag(code="b", label="y"),
    Counter(kind="a", views=1, money=Decimal("1.10"), free=Decimal("0.1")), Counter(kind="a", big=None),
    Counter(kind="b", small=32767, views=2147483647, big=2**63 - 1, money=Decimal("9999.99")),
]  # fmt: skip


@pytest.fixture
def world(backend: Backend) -> Iterator[Served]:
    with served(backend, *(type(row)(**row.model_dump()) for row in ROWS)) as made:
        made.send("DELETE", "/tags/b")
        yield made


def errors(answer: Any) -> list[tuple[list[Any], str]]:
    return [(item["loc"], item["type"]) for item in answer.json()["errors"]]


# Rows that filters choose


def test_rows_change_together(world: Served) -> None:
    changed, costs = world.counted("PATCH", "/people?team=red&fields=id,bio,version,seen", {"bio": "Seen."})
    assert changed.status == 200
    assert changed.headers["x-total-count"] == "3"
    assert changed.json() == [{"id": number, "bio": "Seen.", "version": 2, "seen": SEEN} for number in (1, 2, 3)]
    assert len(costs) == world.statements(1, 7)  # SQLite: BEGIN, SELECT, UPDATE, a SELECT for each, COMMIT
    assert [row["version"] for row in world.client.get("/people?sort=id").json()] == [2] * 3 + [1] * 6


def test_rows_that_no_longer_meet_the_filter_are_answered(world: Served) -> None:
    changed = world.send("PATCH", "/people?team=red&fields=team", {"team": "green"})
    assert changed.json() == [{"team": "green"}] * 3


def test_rows_that_lead_back_to_their_table(world: Served) -> None:
    changed = world.send("PATCH", "/people?team=red&fields=id,boss.bio", {"boss_id": 1, "bio": "New."})
    assert changed.json() == [{"id": number, "boss": {"bio": "New."}} for number in (1, 2, 3)]


def test_rows_end_together(world: Served) -> None:
    ended, costs = world.counted("DELETE", "/people?team=red")
    assert (ended.status, ended.body, ended.headers["x-total-count"]) == (204, b"", "3")
    assert len(costs) == world.statements(1, 4)
    assert len(world.client.get("/people").json()) == 6


def test_no_row_is_no_error(world: Served) -> None:
    changed = world.send("PATCH", "/people?team=none", {"bio": "x"})
    assert (changed.status, changed.json(), changed.headers["x-total-count"]) == (200, [], "0")
    ended = world.send("DELETE", "/people?team=none")
    assert (ended.status, ended.headers["x-total-count"]) == (204, "0")


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_too_many_rows_change_none(world: Served, method: str) -> None:
    before = world.client.get("/people?sort=id").json()
    refused, costs = world.counted(method, "/people?team=blue", {"bio": "x"} if method == "PATCH" else None)
    assert refused.status == 422
    assert errors(refused) == [(["query"], "too_many")]
    assert "more than 5 rows of 'people'" in refused.json()["detail"]
    assert len(costs) == world.statements(1, 3)  # SQLite: BEGIN, SELECT, ROLLBACK
    assert world.client.get("/people?sort=id").json() == before


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_as_many_as_may_be(world: Served, method: str) -> None:
    world.send("DELETE", "/people/9")
    done = world.send(method, "/people?team=blue", {"bio": "x"} if method == "PATCH" else None)
    assert done.headers["x-total-count"] == "5"


def test_what_was_deleted_is_not_met(world: Served) -> None:
    assert world.send("PATCH", "/tags?code=b", {"label": "z"}).json() == []
    ended = world.send("DELETE", "/tags?label=x")
    assert ended.headers["x-total-count"] == "1"
    assert world.send("DELETE", "/tags?label=x").headers["x-total-count"] == "0"
    assert world.client.get("/tags").json() == []
    assert world.send("POST", "/tags", {"code": "a", "label": "x"}).status == 409  # the row is still there


def test_filters_are_those_of_reads(world: Served) -> None:
    body = {"bio": "x"}
    cases: list[tuple[str, list[Any], str]] = [
        ("", ["query"], "missing"),
        ("?fields=id", ["query"], "missing"),
        ("?password_hash=x", ["query", "password_hash"], "unknown_parameter"),
        ("?nmae=x", ["query", "nmae"], "unknown_parameter"),
        ("?id=x", ["query", "id"], "value_error"),
        ("?team=red&limit=1", ["query", "limit"], "unknown_parameter"),
        ("?team=red&sort=id", ["query", "sort"], "unknown_parameter"),
        ("?team=red&offset=1", ["query", "offset"], "unknown_parameter"),
    ]
    for query, loc, type_ in cases:
        for method in ("PATCH", "DELETE"):
            if method == "DELETE" and "fields" in query:
                continue
            refused, costs = world.counted(method, f"/people{query}", body if method == "PATCH" else None)
            assert (refused.status, errors(refused), costs) == (422, [(loc, type_)], [])
    refused = world.send("DELETE", "/people?team=red&fields=id")
    assert refused.status == 422  # there is no row to show
    assert len(world.client.get("/people?bio=x").json()) == 0


def test_the_body_is_that_of_one_row(world: Served) -> None:
    for body, loc, type_ in (
        ({}, ["body"], "missing"),
        ({"id": 1}, ["body", "id"], "unknown_field"),
        ({"email": None}, ["body", "email"], "null"),
    ):
        refused = world.send("PATCH", "/people?team=red", body)
        assert refused.status == 422
        assert errors(refused)[0][0] == loc
        assert errors(refused)[0][1] == type_ or loc == ["body", "email"]
    refused = world.send("PATCH", "/people?team=red", {"email": "same@example.com"})
    assert (refused.status, errors(refused)) == (409, [(["body", "email"], "unique")])
    refused = world.send("PATCH", "/people?team=red", {"boss_id": 99})
    assert (refused.status, errors(refused)) == (422, [(["body", "boss_id"], "foreign_key")])
    assert {row["version"] for row in world.client.get("/people").json()} == {1}


def test_rows_that_others_refer_to_stay(world: Served) -> None:
    world.send("PATCH", "/people/9", {"boss_id": 1})
    refused = world.send("DELETE", "/people?team=red")
    assert refused.status == 409
    assert len(world.client.get("/people?team=red").json()) == 3


def test_one_version_is_not_that_of_many(world: Served) -> None:
    refused = world.send("PATCH", "/people?team=red", {"bio": "x"}, if_match='"1"')
    assert refused.status == 412
    assert world.send("PATCH", "/people?team=red", {"bio": "x"}, if_match="*").status == 200


def test_only_where_it_was_asked_for(world: Served) -> None:
    for method in ("PATCH", "DELETE"):
        refused = world.send(method, "/pages?name=x", {"name": "y"} if method == "PATCH" else None)
        assert refused.status == 405
        assert refused.headers["allow"] == "GET, HEAD, POST"


# Amounts


def test_an_amount_is_added(world: Served) -> None:
    changed, costs = world.counted("PATCH", "/counters/1", {"views": {"$inc": 5}, "kind": "c"})
    assert (changed.status, changed.headers["etag"]) == (200, '"2"')
    assert (changed.json()["views"], changed.json()["kind"]) == (6, "c")
    assert len(costs) == 1
    assert world.send("PATCH", "/counters/1", {"views": {"$inc": -10}}).json()["views"] == -4
    assert world.send("PATCH", "/counters/1", {"views": 7}).json()["views"] == 7


def test_decimals_are_added_exactly(world: Served) -> None:
    for amount in ("0.20", 0.2):
        changed = world.send("PATCH", "/counters/1", {"money": {"$inc": amount}, "free": {"$inc": amount}})
    assert (changed.json()["money"], changed.json()["free"]) in [
        ("1.50", "0.5"),
        ("1.50", "0.50"),
        ("1.50", "0.5000000000"),
    ]
    assert len(world.client.get("/counters?money=1.50").json()) == 1


def test_null_stays_null(world: Served) -> None:
    world.send("PATCH", "/counters/2", {"big": None})
    assert world.send("PATCH", "/counters/2", {"big": {"$inc": 1}, "free": {"$inc": 1}}).json()["big"] is None
    assert world.client.get("/counters/2").json()["free"] is None


@pytest.mark.parametrize("column", ["small", "views", "big", "money"])
def test_what_a_column_cannot_hold_is_refused(world: Served, column: str) -> None:
    before = world.client.get("/counters/3").json()
    refused = world.send("PATCH", "/counters/3", {column: {"$inc": 1}})
    assert refused.status == 422
    assert errors(refused) == [(["body"], "out_of_range")]
    assert world.client.get("/counters/3").json() == before
    assert world.send("PATCH", "/counters/3", {column: {"$inc": -1}}).status == 200


def test_what_is_no_amount(world: Served) -> None:
    cases: list[tuple[Any, list[Any]]] = [
        ({"views": {"$inc": "1"}}, ["body", "views", "$inc"]),
        ({"views": {"$inc": 1.5}}, ["body", "views", "$inc"]),
        ({"views": {"$inc": True}}, ["body", "views", "$inc"]),
        ({"views": {"$inc": None}}, ["body", "views", "$inc"]),
        ({"views": {"$inc": 2**31}}, ["body", "views", "$inc"]),
        ({"big": {"$inc": 10**400}}, ["body", "big", "$inc"]),
        ({"money": {"$inc": "0.001"}}, ["body", "money", "$inc"]),
        ({"money": {"$inc": "NaN"}}, ["body", "money", "$inc"]),
        ({"money": {"$inc": "x"}}, ["body", "money", "$inc"]),
        ({"views": {"$inc": 1, "$dec": 1}}, ["body", "views"]),
        ({"views": {"$dec": 1}}, ["body", "views"]),
        ({"kind": {"$inc": 1}}, ["body", "kind"]),
    ]
    for body, loc in cases:
        refused, costs = world.counted("PATCH", "/counters/1", body)
        assert refused.status == 422, body
        assert (errors(refused)[0][0], costs) == (loc, []), body
    for method, target in (("POST", "/counters"), ("PUT", "/counters/1")):
        assert world.send(method, target, {"kind": "x", "views": {"$inc": 1}}).status == 422
    assert world.send("PATCH", "/people/1", {"number": {"$inc": 1}}).status == 422  # not opened


def test_amounts_under_a_condition(world: Served) -> None:
    assert world.send("PATCH", "/counters/1", {"views": {"$inc": 1}}, if_match='"1"').status == 200
    assert world.send("PATCH", "/counters/1", {"views": {"$inc": 1}}, if_match='"1"').status == 412
    assert world.client.get("/counters/1").json()["views"] == 2


def test_many_amounts_at_once(world: Served) -> None:
    answers = world.together(*[("PATCH", "/counters/1", {"views": {"$inc": 1}})] * 32)
    assert {answer.status for answer in answers} == {200}
    row = world.client.get("/counters/1").json()
    assert (row["views"], row["version"]) == (33, 33)


def test_amounts_for_many_rows(world: Served) -> None:
    changed = world.send("PATCH", "/counters?kind=a&fields=views,version", {"views": {"$inc": 2}})
    assert changed.json() == [{"views": 3, "version": 2}, {"views": 2, "version": 2}]
    refused = world.send("PATCH", "/counters?views=2147483647", {"views": {"$inc": 1}})
    assert (refused.status, errors(refused)) == (422, [(["body"], "out_of_range")])


# Declarations


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"increments": ["kind"]}, "'kind' is not an integer or a decimal"),
        ({"increments": ["nothing"]}, "'nothing' is not a column that PATCH changes"),
        ({"increments": ["id"]}, "'id' is not a column that PATCH changes"),
        ({"increments": "views"}, r"write increments=\['views'\]"),
        ({"increments": ["views"], "before_update": lambda change: None}, "is changed by a session"),
        ({"bulk_limit": 0}, "must be a whole number from 1"),
        ({"bulk": True, "require_if_match": True}, "contradicts require_if_match"),
    ],
)
def test_what_cannot_be_is_refused_at_the_start(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        API(Resource(Counter, **options), database="sqlite://")


def test_the_start_says_what_takes_a_session() -> None:
    api = API(Resource(Counter, bulk=True, before_delete=lambda change: None), database="sqlite://")
    (route,) = [route for route in api.router.table.routes() if route.template == "/counters"]
    assert route.changes == ("POST", "PATCH")
    assert any("not deleted together" in note for note in api.notes)


# Documentation


def test_openapi_shows_it() -> None:
    app = FastAPI()
    app.include_router(
        API(Resource(Counter, bulk=True, increments=["views", "free"]), Page, database="sqlite://").router
    )
    document = app.openapi()
    counters = document["paths"]["/counters"]
    assert counters["patch"]["operationId"] == "update_counters"
    assert counters["delete"]["operationId"] == "delete_counters"
    assert {"id", "kind", "views"} < {parameter["name"] for parameter in counters["patch"]["parameters"]}
    assert "limit" not in {parameter["name"] for parameter in counters["delete"]["parameters"]}
    assert "X-Total-Count" in counters["delete"]["responses"]["204"]["headers"]
    (model,) = [
        schema for name, schema in document["components"]["schemas"].items()
        if "$inc" in str(schema) and "Counter" in name
    ]  # fmt: skip
    number, amount = model["properties"]["views"]["oneOf"]
    assert number["type"] == "integer"
    assert amount["properties"]["$inc"] == number
    post = document["paths"]["/pages"]["post"]
    parameters = {parameter["name"]: parameter for parameter in post["parameters"]}
    assert parameters["on_conflict"]["schema"]["enum"] == ["path", "name"]
    assert set(parameters) >= {"update", "If-None-Match"}
    assert set(post["responses"]) >= {"200", "201"}


# Bad input

NAMES = ["on_conflict", "on_conflict", "update", "fields", "include", "email", "id", "views", "name", "or", "limit"]
TEXTS = [
    "email",
    "name",
    "team,number",
    "number,team",
    "",
    "path",
    "%00",
    "%ff",
    "a b",
    "*",
    "email,email",
    ",",
    "%F0%9F%92%A9",
]
BODIES: list[Any] = [
    {}, [], [{}], None, 1, "x", [[]], {"email": "a"}, {"email": None}, {"email": "a", "team": "r", "number": 1},
    [{"email": "a"}, {"email": "b", "bio": "\ud800"}], {"path": "a", "name": "n"}, {"code": "a", "label": "l"},
    [{"path": "a", "name": "n"}, {"path": "b", "name": "n"}], {"views": {"$inc": 1}}, {"views": {"$inc": {}}},
    {"big": {"$inc": 2**63}}, {"money": {"$inc": "1e400"}}, {"free": {"$inc": "1e-400"}}, {"free": {"$inc": 1e200}},
]  # fmt: skip


def test_no_input_makes_an_error_of_ours(world: Served) -> None:
    """Parameters, bodies and conditions in any combination are answered with what the client can do about it."""
    chance = Random(7)
    conditions = [{}, {}, {"if_none_match": "*"}, {"if_match": "*"}, {"if_none_match": '"1"'}]
    for _ in range(400):
        method = chance.choice(["POST", "POST", "PATCH", "DELETE"])
        query = "&".join(f"{chance.choice(NAMES)}={chance.choice(TEXTS)}" for _ in range(chance.randint(0, 3)))
        target = f"/{chance.choice(['people', 'pages', 'tags', 'counters', 'seats'])}?{query}"
        body = None if method == "DELETE" else chance.choice(BODIES)
        answer = world.send(method, target, body, **chance.choice(conditions))
        assert answer.status < 500, (method, target, body, answer.body)
