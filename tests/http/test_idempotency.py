"""Requests that are made once, however often they are sent: `Idempotency-Key`."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, SQLModel

from onetrip import API, Change, Resource, SoftDelete, Versioned
from tests.http.client import Answer, Client, serving
from tests.support.databases import Backend

KEY = "5f2c8a8e-7d0a-4f4e-9f4e-3a1b0c9d8e7f"


class Base(SQLModel, registry=registry()):
    """Apart from other tests' tables."""


class Payer(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str
    payments: list["Payment"] = Relationship(back_populates="payer")


class Payment(SoftDelete, Versioned, Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    amount: int = Field(ge=0)
    reference: str | None = Field(default=None, unique=True)
    payer_id: int | None = Field(default=None, foreign_key="payer.id")
    payer: Payer | None = Relationship(back_populates="payments")


def nothing(change: Change[Any]) -> None:
    """A hook, so that rows are written in a session."""


Serve = Callable[..., Client]


@contextmanager
def served(
    backend: Backend, *, session: bool = False, table: bool = True, resource: Any = Payment, **options: Any
) -> Iterator[Client]:
    """Serve payments from statements alone, or from a session."""
    payments = Resource(Payment, before_create=nothing, before_update=nothing, before_restore=nothing)
    api = API(Payer, payments if session else resource, database=backend.url, **options)
    backend.create(Base.metadata, Payer(name="Ada"))
    if table:
        backend.create(api.own_tables)
    app = FastAPI()
    app.include_router(api.router)
    with serving(app) as client:
        yield client


@pytest.fixture(params=["statement", "session"])
def client(request: pytest.FixtureRequest, backend: Backend) -> Iterator[Client]:
    with served(backend, session=request.param == "session") as found:
        yield found


def post(client: Client, body: Any, path: str = "/payments", **headers: str) -> Answer:
    return client.send("POST", path, body, **{"idempotency_key": KEY, **headers})


def count(client: Client) -> int:
    return len(client.get("/payments").json())


def same(one: Answer, other: Answer) -> bool:
    return (one.status, dict(one.headers), one.body) == (other.status, dict(other.headers), other.body)


def test_a_request_that_comes_again_gets_the_same_answer(client: Client) -> None:
    """Byte for byte, with its headers, also when the row has changed since."""
    first = post(client, {"amount": 5}, "/payments?include=payer")
    assert (first.status, first.headers["location"]) == (201, "/payments/1")
    assert client.send("PATCH", "/payments/1", {"amount": 6}).status == 200
    assert same(post(client, {"amount": 5}, "/payments?include=payer"), first)
    assert count(client) == 1
    assert client.get("/payments/1").json()["amount"] == 6
    assert post(client, {"amount": 5}, idempotency_key="another").json()["id"] != first.json()["id"]
    quoted = post(client, {"amount": 5}, "/payments?include=payer", idempotency_key=f'"{KEY}"')
    assert same(quoted, first)


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("POST", "/payments", {"amount": 6}),
        ("POST", "/payments?fields=id", {"amount": 5}),
        ("POST", "/payers", {"name": "Grace"}),
        ("PATCH", "/payments/1", {"amount": 5}),
    ],
)
def test_a_key_is_for_one_request(client: Client, method: str, target: str, body: Any) -> None:
    """Another body, query string, path or method is refused."""
    post(client, {"amount": 5})
    answer = client.send(method, target, body, idempotency_key=KEY)
    error = answer.json()["errors"][0]
    assert (answer.status, error["loc"], error["type"]) == (422, ["header", "Idempotency-Key"], "reused")
    conditional = post(client, {"amount": 5}, if_none_match="*")  # asks for something else, too
    assert conditional.json()["errors"][0]["type"] == "reused"
    assert count(client) == 1
    assert client.get("/payments/1").json()["amount"] == 5
    assert len(client.get("/payers").json()) == 1


def test_of_many_at_once_one_makes_the_row(client: Client) -> None:
    """The others wait for it, and get its answer."""

    async def all_at_once() -> list[Answer]:
        head = {"content-type": "application/json", "idempotency-key": KEY}
        return await asyncio.gather(*(client.ask("POST", "/payments", head, b'{"amount":5}') for _ in range(32)))

    first, *others = client.runner.run(all_at_once())
    assert first.status == 201
    assert all(same(first, other) for other in others)
    assert count(client) == 1


def test_nobody_gets_the_answer_to_somebody_else(client: Client) -> None:
    """A key belongs to who sends it, by `Authorization` and `Cookie`."""
    found = [post(client, {"amount": 5}, **caller) for caller in (
        {"authorization": "Bearer a"}, {"authorization": "Bearer b"}, {"cookie": "session=a"}, {},
        {"authorization": "Bearer a"},
    )]  # fmt: skip
    assert [answer.json()["id"] for answer in found] == [1, 2, 3, 4, 1]


def test_a_request_that_failed_leaves_the_key_free(client: Client) -> None:
    """Whether its body was wrong or the database refused it: a request with another body may have the key."""
    assert client.send("POST", "/payments", {"amount": 1, "reference": "r"}).status == 201
    assert post(client, {"amount": -1}).status == 422
    assert post(client, {"amount": 1, "reference": "r"}).status == 409
    assert post(client, {"amount": 1, "payer_id": 9}).status in (409, 422)
    assert post(client, {"amount": 7}).status == 201
    assert count(client) == 2


def test_arrays_and_changes_are_made_once(client: Client) -> None:
    """POST of an array, through a relation and of a restore, and PATCH."""
    for number, (method, target, body, status) in enumerate([
        ("POST", "/payments", [{"amount": 1}] * 45, 201),
        ("POST", "/payers/1/payments", {"amount": 3}, 201),
        ("PATCH", "/payments/1", {"amount": 9}, 200),
    ]):  # fmt: skip
        first, second = (client.send(method, target, body, idempotency_key=f"k{number}") for _ in range(2))
        assert first.status == status
        assert same(first, second)
    assert count(client) == 46
    assert client.get("/payments/1").json()["version"] == 2
    client.request("DELETE", "/payments/1")
    first, second = (client.request("POST", "/payments/1:restore", {"idempotency-key": "r"}) for _ in range(2))
    assert first.status == 200
    assert same(first, second)


def test_upserts_and_changes_of_many_rows_are_made_once(backend: Backend) -> None:
    """Those take no session, and an amount that is added twice would be seen."""
    with served(backend, resource=Resource(Payment, bulk=True, increments=["amount"])) as client:
        post(client, [{"amount": 1}, {"amount": 1}], idempotency_key="a")
        change = {"amount": {"$inc": 10}}
        first, second = (client.send("PATCH", "/payments?amount=1", change, idempotency_key="b") for _ in range(2))
        assert first.status == 200
        assert same(first, second)
        body, target = {"amount": 7, "reference": "r"}, "/payments?on_conflict=reference"
        made, again = (post(client, body, target, idempotency_key="c") for _ in range(2))
        assert made.status == 201
        assert same(made, again)
        changed, again = (post(client, body, target, idempotency_key="d") for _ in range(2))
        assert (changed.status, changed.json()["version"]) == (200, 2)
        assert same(changed, again)
        assert [row["amount"] for row in client.get("/payments").json()] == [11, 11, 7]


def test_a_version_is_asked_for_once(client: Client) -> None:
    """A PATCH whose answer was lost is not stale when it comes again, and one that is stale stays so."""
    post(client, {"amount": 1})
    sent = {"idempotency_key": "v", "if_match": '"1"'}
    first, second = (client.send("PATCH", "/payments/1", {"amount": 2}, **sent) for _ in range(2))
    assert (first.status, first.headers["etag"]) == (200, '"2"')
    assert same(first, second)
    assert client.send("PATCH", "/payments/1", {"amount": 3}, idempotency_key="w", if_match='"1"').status == 412


def test_an_old_key_is_a_new_one(client: Client, backend: Backend) -> None:
    """After a day, unless `idempotency_keys` says otherwise."""
    made = post(client, {"amount": 1})
    age(backend, hours=23)
    assert same(post(client, {"amount": 1}), made)
    age(backend, hours=25)
    assert post(client, {"amount": 2}).json()["id"] == 2
    assert post(client, {"amount": 2}).json()["id"] == 2
    assert post(client, {"amount": 1}).status == 422


def age(backend: Backend, **span: float) -> None:
    """Make every key as old as that."""
    (seconds,) = {timedelta(**span).total_seconds()}
    since = (
        f"strftime('%Y-%m-%d %H:%M:%f000', 'now', '-{seconds} seconds')"
        if backend.name == "sqlite"
        else f"now() - interval '{seconds} seconds'"
    )
    with backend.engine().begin() as connection:
        connection.execute(sa.text(f"UPDATE onetrip_idempotency SET created_at = {since}"))


def test_how_long_a_key_is_kept_is_said(backend: Backend) -> None:
    """`API(idempotency_keys=…)`."""
    with served(backend, idempotency_keys=timedelta(minutes=1)) as client:
        post(client, {"amount": 1})
        age(backend, seconds=50)
        assert post(client, {"amount": 1}).json()["id"] == 1
        age(backend, seconds=70)
        assert post(client, {"amount": 1}).json()["id"] == 2


@pytest.mark.parametrize("session", [False, True])
@pytest.mark.parametrize("options", [{"table": False}, {"idempotency_keys": None}], ids=["no table", "none kept"])
def test_a_key_that_cannot_be_kept_is_refused(backend: Backend, options: dict[str, Any], session: bool) -> None:
    """Rather than taken and forgotten; without one, the request is made."""
    with served(backend, session=session, **options) as client:
        answer = post(client, {"amount": 1})
        error = answer.json()["errors"][0]
        assert (answer.status, error["loc"], error["type"]) == (422, ["header", "Idempotency-Key"], "unsupported")
        assert count(client) == 0
        assert client.send("POST", "/payments", {"amount": 1}).status == 201


@pytest.mark.parametrize("key", ["", " ", "two words", "ä", "x" * 256, "one\ntwo"])
def test_what_is_no_key_is_refused(client: Client, key: str) -> None:
    """Visible ASCII characters, at most 255, sent once."""
    assert post(client, {"amount": 1}, idempotency_key=key).status == 422
    assert count(client) == 0
    assert post(client, {"amount": 1}, idempotency_key="x" * 255).status == 201


def test_it_stands_in_openapi(client: Client) -> None:
    """Where it is read, and nowhere else."""
    paths = client.get("/openapi.json").json()["paths"]
    having = {
        (path, method)
        for path, operations in paths.items()
        for method, operation in operations.items()
        if "Idempotency-Key" in [each["name"] for each in operation.get("parameters", ())]
    }
    assert having == {
        ("/payers", "post"), ("/payers/{id}", "patch"), ("/payments", "post"), ("/payments/{id}", "patch"),
        ("/payers/{id}/payments", "post"), ("/payments/{id}:restore", "post"),
    }  # fmt: skip
