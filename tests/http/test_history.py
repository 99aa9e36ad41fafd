"""What is written down of every change: who, when, what; read where the row is, also when it is gone."""

import json
import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from fastapi import FastAPI, HTTPException
from pydantic import computed_field
from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, SQLModel

from onetrip import API, Change, ConfigurationError, Resource, SoftDelete
from tests.http.client import Client, serving
from tests.support.counting import count_statements
from tests.support.databases import Backend

SECRET = "never-to-be-seen"


class Base(SQLModel, registry=registry()):
    """Apart from other tests' tables."""


class Account(SoftDelete, Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    email: str = Field(unique=True)
    balance: Decimal = Field(default=Decimal("0.00"), max_digits=8, decimal_places=2)
    since: datetime | None = None
    settings: Any = Field(default=None, sa_type=sa.JSON, nullable=True)
    hashed_password: str = SECRET
    api_token: str = SECRET
    note: str = Field(default=SECRET, exclude=True)
    entries: list["Entry"] = Relationship(back_populates="account")


class Entry(Base, table=True):
    account_id: int = Field(foreign_key="account.id", primary_key=True)
    label: str = Field(primary_key=True)
    text: str | None = None
    account: Account = Relationship(back_populates="entries")


class Plain(Base, table=True):
    id: UUID = Field(primary_key=True)
    text: str = ""


def change_secrets(change: Change[Any]) -> None:
    if change.body is not None and change.body.email.startswith("new"):
        change.values |= {"hashed_password": "another", "note": "another"}


def who(scope: Mapping[str, Any]) -> str | None:
    return dict(scope["headers"]).get(b"x-user", b"").decode("latin-1") or None


class AccountUpdate(SQLModel):
    email: str = "old"
    balance: Decimal | None = None
    since: datetime | None = None
    settings: Any = None


def api_of(backend: Backend, **options: Any) -> API:
    accounts = Resource(
        Account, history=True, exposed=["api_token"], update=AccountUpdate, before_update=change_secrets
    )
    return API(
        accounts, Resource(Entry, history=True, path="entries"), Plain, database=backend.url, actor=who, **options
    )


@pytest.fixture
def served(backend: Backend) -> Iterator[tuple[Client, API, Backend]]:
    api = api_of(backend)
    backend.create(Base.metadata)
    backend.create(api.own_tables)
    app = FastAPI()
    app.include_router(api.router)
    with serving(app) as client:
        yield client, api, backend


def entries(client: Client, path: str, query: str = "") -> list[dict[str, Any]]:
    answer = client.get(f"{path}/history{query}")
    assert answer.status == 200, answer
    found: list[dict[str, Any]] = answer.json()
    return found


def test_a_change_is_written_as_answers_write_values(served: tuple[Client, API, Backend]) -> None:
    """Before and after, by public name; what stayed the same is left out."""
    client, _, _ = served
    created = client.send("POST", "/accounts", {"email": "a@b", "balance": "1.5", "settings": {"a": 1}}).json()
    client.send("PATCH", "/accounts/1", {"email": "c@d", "since": "2026-01-01T01:00:00+01:00", "settings": {"a": True}})
    changed = client.get("/accounts/1").json()
    update, create = entries(client, "/accounts/1")
    shown = {name: [None, value] for name, value in created.items() if value is not None and name != "api_token"}
    secrets = dict.fromkeys(("hashed_password", "api_token", "note"), "***")
    assert (create["action"], create["changes"]) == ("create", shown | secrets)
    names = ("email", "since", "settings")
    assert (update["action"], update["changes"]) == ("update", {n: [created[n], changed[n]] for n in names})
    assert update["changes"]["since"] == [None, "2026-01-01T00:00:00Z"]
    assert update["changes"]["settings"] == [{"a": 1}, {"a": True}]


@pytest.mark.parametrize(
    "document", ["ä🚀\u2028'\"", "\u0000", "\ud800", 10**30, 1e308, 0.1, -0.0, [], {"": {}}, "x" * 10_000, False, 0]
)
def test_whatever_is_accepted_can_be_read_in_the_history(served: tuple[Client, API, Backend], document: Any) -> None:
    """As the row shows it."""
    client, _, _ = served
    client.send("POST", "/accounts", {"email": "ä🚀", "settings": "first"}, x_user="Zoë", x_request_id="\xff" * 300)
    answer = client.send("PATCH", "/accounts/1", {"settings": document})
    assert answer.status in (200, 422)
    latest = entries(client, "/accounts/1")[0]
    stored = json.loads(client.get("/accounts/1").body)["settings"]
    assert repr(latest["changes"]["settings"]) == repr(["first", stored] if answer.status == 200 else [None, "first"])


def test_secrets_are_named_and_not_kept(served: tuple[Client, API, Backend]) -> None:
    """Hidden columns, and those whose name looks secret though they are shown: not in the table either."""
    client, _, backend = served
    client.send("POST", "/accounts", {"email": "a@b", "api_token": SECRET})
    client.send("PATCH", "/accounts/1", {"email": "new@b"})
    update, create = entries(client, "/accounts/1")
    assert update["changes"] == {"email": ["a@b", "new@b"], "hashed_password": "***", "note": "***"}
    assert create["changes"]["api_token"] == "***"
    with backend.engine().connect() as connection:
        stored = connection.exec_driver_sql("SELECT changes FROM onetrip_history").scalars().all()
    assert len(stored) == 2 and SECRET not in str(stored) and "another" not in str(stored)


def test_every_way_to_change_a_row_is_written(served: tuple[Client, API, Backend]) -> None:
    """Created in an array, through a relation, updated, replaced, deleted, restored; the newest first."""
    client, _, _ = served
    client.send("POST", "/accounts", [{"email": "a"}, {"email": "b"}])
    client.send("PATCH", "/accounts/2", {"balance": "2.00"})
    client.request("DELETE", "/accounts/2")
    assert client.get("/accounts/2").status == 404
    assert [entry["action"] for entry in entries(client, "/accounts/2")] == ["delete", "update", "create"]
    assert client.request("POST", "/accounts/2:restore").status == 200
    deleted, restored = entries(client, "/accounts/2", "?limit=2&sort=id&action=delete"), entries(client, "/accounts/2")
    assert restored[0]["action"] == "restore"
    assert {name: value[0] for name, value in deleted[0]["changes"].items() if value != "***"} == {
        "id": 2, "email": "b", "balance": "2.00"
    }  # fmt: skip
    assert [entry["action"] for entry in entries(client, "/accounts/1")] == ["create"]
    assert client.send("POST", "/accounts/1/entries", {"label": 'a,"b', "text": "x"}).status == 201
    path = "/entries/1,%22a%2C%22%22b%22"
    assert client.send("PUT", path, {}).status == 200
    assert client.request("DELETE", path).status == 204
    assert [(entry["action"], entry["changes"].get("text")) for entry in entries(client, path)] == [
        ("delete", None), ("replace", ["x", None]), ("create", [None, "x"])
    ]  # fmt: skip


def test_what_changes_nothing_leaves_nothing(served: tuple[Client, API, Backend]) -> None:
    """A value that is the same, a write that is refused, and one that finds no row."""
    client, _, _ = served
    client.send("POST", "/accounts", [{"email": "a"}, {"email": "b"}])
    assert client.send("PATCH", "/accounts/1", {"email": "a"}).status == 200
    assert client.send("PATCH", "/accounts/1", {"email": "b"}).status == 409
    assert client.send("POST", "/accounts", [{"email": "c"}, {"email": "a"}]).status == 409
    assert client.send("PATCH", "/accounts/9", {"email": "z"}).status == 404
    assert len(entries(client, "/accounts/1")) == 1
    assert client.get("/accounts/9/history").status == 404


def test_who_when_and_by_which_request(served: tuple[Client, API, Backend]) -> None:
    """Who is what `actor` says; when, what the database says."""
    client, _, _ = served
    client.send("POST", "/accounts", {"email": "a"}, x_user="ada", x_request_id="r-1")
    client.send("PATCH", "/accounts/1", {"email": "b"})
    update, create = entries(client, "/accounts/1")
    assert (create["who"], create["request_id"]) == ("ada", "r-1")
    assert (update["who"], update["request_id"]) == (None, None)
    assert create["at"].endswith("Z")
    assert abs(datetime.fromisoformat(create["at"]) - datetime.now(UTC)) < timedelta(minutes=5)


def test_it_is_a_list_like_others(served: tuple[Client, API, Backend]) -> None:
    """One statement; pages, filters, fields, entity tags; the number of a row that never was is not found."""
    client, api, backend = served
    client.send("POST", "/accounts", {"email": "0"})
    for number in range(1, 4):
        client.send("PATCH", "/accounts/1", {"email": str(number)}, x_user=f"u{number}")
    client.get("/accounts/1/history?limit=2&offset=1&fields=who")
    with count_statements(backend, api) as statements:
        page = client.get("/accounts/1/history?limit=2&offset=1&fields=who")
    assert len(statements) == 1
    assert page.json() == [{"who": "u2"}, {"who": "u1"}]
    assert page.headers["link"] == (
        '</accounts/1/history?limit=2&fields=who>; rel="first", '
        '</accounts/1/history?limit=2&fields=who>; rel="prev", '
        '</accounts/1/history?limit=2&fields=who&offset=3>; rel="next"'
    )
    assert client.get("/accounts/1/history?who=u3&fields=action").json() == [{"action": "update"}]
    tag = client.get("/accounts/1/history").headers["etag"]
    assert client.get("/accounts/1/history", if_none_match=tag).status == 304
    for wrong in ("key=1", "resource=accounts", "limit=-1", "nothing=1"):
        assert client.get(f"/accounts/1/history?{wrong}").status == 422, wrong
    assert client.get("/accounts/99999999999999999999/history").status == 404
    assert client.get("/accounts/x/history").status == 422


def test_a_row_without_a_history_has_an_empty_one(served: tuple[Client, API, Backend]) -> None:
    """It was there before, or was written by other means."""
    client, _, backend = served
    with backend.engine().begin() as connection:
        connection.execute(sa.insert(Account).values(email="a", balance=0, hashed_password="", api_token="", note=""))
    assert entries(client, "/accounts/1") == []


def test_it_is_served_where_it_is_kept(served: tuple[Client, API, Backend]) -> None:
    """It stands in OpenAPI, and at the start it is said that a session is taken for it."""
    client, api, backend = served
    assert client.get("/plains/00000000-0000-0000-0000-000000000001/history").status == 404
    paths = client.get("/openapi.json").json()["paths"]
    assert "/plains/{id}/history" not in paths
    operation = paths["/accounts/{id}/history"]["get"]
    assert operation["operationId"] == "list_account_history"
    assert "delete" not in paths["/accounts/{id}/history"]
    assert client.request("DELETE", "/accounts/1/history").headers["allow"] == "GET, HEAD"
    assert (
        "/entries: POST, PATCH, PUT and DELETE take a session instead of one statement, because its history is kept"
        in api.notes
    )
    assert all("restore" not in remark for remark in api.notes if remark.startswith("/entries"))
    client.send("POST", "/accounts", {"email": "a"})
    app = FastAPI()
    app.include_router(api_of(backend, read_only=True).router)
    with serving(app) as reading:
        assert [entry["action"] for entry in entries(reading, "/accounts/1")] == ["create"]


def test_nothing_changes_unseen(backend: Backend, caplog: pytest.LogCaptureFixture) -> None:
    """Without the table a write is refused as a whole, and the log says what to do."""
    backend.create(Base.metadata, Account(email="a"))
    app = FastAPI()
    app.include_router(api_of(backend).router)
    with serving(app) as client, caplog.at_level(logging.ERROR):
        for answer in (
            client.send("POST", "/accounts", {"email": "b"}), client.send("PATCH", "/accounts/1", {"email": "b"}),
            client.request("DELETE", "/accounts/1"),
        ):  # fmt: skip
            assert answer.status == 500
            assert answer.json()["detail"] == "The history of this resource cannot be kept, so nothing was changed."
        assert [row["email"] for row in client.get("/accounts").json()] == ["a"]
        assert client.get("/accounts/1/history").status == 500
    assert "run 'onetrip db install'" in caplog.text


class Balance(SQLModel):
    number: int = Field(alias="id")
    email: str
    entries: list["EntryRead"]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def known(self) -> bool:
        return "@" in self.email


class EntryRead(SQLModel):
    label: str


def test_a_schema_of_ones_own_says_what_is_written(backend: Backend) -> None:
    """Its names; what it leaves out is redacted, what it computes is none of the row's."""
    api = API(Resource(Account, history=True, read=Balance), Entry, database=backend.url)
    backend.create(Base.metadata, Account(email="a@b"), Entry(account_id=1, label="l"))
    backend.create(api.own_tables)
    app = FastAPI()
    app.include_router(api.router)
    with serving(app) as client:
        assert client.send("PATCH", "/accounts/1", {"email": "c"}).status == 200
        assert client.request("DELETE", "/accounts/1").status == 204
        delete, update = entries(client, "/accounts/1")
    assert update["changes"] == {"email": ["a@b", "c"]}
    shown = {name: change for name, change in delete["changes"].items() if change != "***"}
    assert shown == {"id": [1, None], "email": ["c", None]}
    assert {"balance", "hashed_password", "note"} <= delete["changes"].keys() - shown.keys()


def test_a_change_that_is_not_committed_leaves_no_trace(backend: Backend) -> None:
    """The entry is in the transaction of the write: also one that fails at the very end."""

    def refuse(change: Change[Any]) -> None:
        sa.event.listen(change.session.sync_session, "before_commit", fail, once=True)

    def fail(session: Any) -> None:
        raise HTTPException(418)

    api = API(Resource(Plain, history=True, before_create=refuse), database=backend.url)
    backend.create(Base.metadata)
    backend.create(api.own_tables)
    app = FastAPI()
    app.include_router(api.router)
    key = "00000000-0000-7000-8000-000000000001"
    with serving(app) as client:
        assert client.send("POST", "/plains", {"id": key}).status == 418
        assert client.get(f"/plains/{key}/history").status == 404
    with backend.engine().connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM onetrip_history").scalar() == 0


def test_a_relation_of_that_name_is_refused() -> None:
    """One of the two would not be reached."""

    class Other(SQLModel, registry=registry()):
        pass

    class Patient(Other, table=True):
        id: int = Field(primary_key=True)
        history: list["Visit"] = Relationship()

    class Visit(Other, table=True):
        id: int = Field(primary_key=True)
        patient_id: int = Field(foreign_key="patient.id")

    with pytest.raises(ConfigurationError, match="Patient has a relation 'history'"):
        API(Resource(Patient, history=True), Visit, database="sqlite:///x.db")
