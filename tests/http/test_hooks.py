"""Hooks, listeners, validators and cascades: what a user's own code does in the transaction of a write, or after it."""

import logging
from collections.abc import Iterator
from typing import Any, Optional

import pytest
import sqlalchemy as sa
from fastapi import HTTPException
from sqlalchemy import event
from sqlalchemy.orm import registry, validates
from sqlmodel import Field, Relationship, SQLModel, col
from starlette.requests import Request

from onetrip import Resource, Versioned
from onetrip.errors import Conflict
from onetrip.hooks import Change
from tests.schema.serving import Served, served
from tests.support.counting import count_statements
from tests.support.databases import Backend


class Base(SQLModel, registry=registry()):
    """Keeps these tables apart from those of other tests."""


class User(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    email: str = Field(unique=True)
    name: str = "nobody"
    hashed_password: str
    level: int = Field(default=1, sa_column_kwargs={"onupdate": 2})


class UserCreate(SQLModel):
    email: str
    name: str = "nobody"
    password: str


class Entry(Base, table=True):
    """What hooks write beside."""

    id: int | None = Field(default=None, primary_key=True)
    text: str


class Heard(Base, table=True):
    """Somebody listens to it."""

    id: int | None = Field(default=None, primary_key=True)
    name: str
    slug: str = ""
    counted: int = Field(default=0, sa_column_kwargs={"server_default": "5"})

    @validates("name")
    def _check(self, key: str, name: Any) -> Any:
        if name == "forbidden":
            raise ValueError("must be another one")
        return name


@event.listens_for(Heard, "before_insert")
@event.listens_for(Heard, "before_update")
def _slug(mapper: Any, connection: Any, row: Heard) -> None:
    row.slug = row.name.lower().replace(" ", "-")


@event.listens_for(Heard, "before_delete")
def _keep(mapper: Any, connection: sa.Connection, row: Heard) -> None:
    connection.execute(sa.insert(Entry).values(text=f"deleted {row.name}"))


class Parent(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str
    children: list["Child"] = Relationship(back_populates="parent", cascade_delete=True)
    guests: list["Guest"] = Relationship(back_populates="parent")
    pets: list["Pet"] = Relationship(back_populates="parent", passive_deletes="all")


class Child(Base, table=True):
    """Is deleted by the ORM."""

    id: int | None = Field(default=None, primary_key=True)
    parent_id: int = Field(foreign_key="parent.id")
    parent: Parent = Relationship(back_populates="children")


class Guest(Base, table=True):
    """Is set free by the database."""

    id: int | None = Field(default=None, primary_key=True)
    parent_id: int | None = Field(default=None, foreign_key="parent.id", ondelete="SET NULL")
    parent: Optional[Parent] = Relationship(back_populates="guests")  # noqa: UP045


class Pet(Base, table=True):
    """Keeps its parent."""

    id: int | None = Field(default=None, primary_key=True)
    parent_id: int = Field(foreign_key="parent.id")
    parent: Parent = Relationship(back_populates="pets")


calls: list[str] = []


async def hashed(change: Change[User]) -> None:
    calls.append(f"hashed {change.action}")
    if change.body.password == "refused":
        raise HTTPException(400, "This password is known.", {"X-Why": "known"})
    if change.body.password == "taken":
        raise Conflict("This password is taken.", hint="Use another one.")
    change.values["hashed_password"] = "hash of " + change.body.password


def noted(change: Change[User]) -> None:
    """Writes beside, in the same transaction."""
    calls.append(f"noted {change.action}")
    change.session.add(Entry(text=f"{change.action} {change.values.get('email')}"))


async def shouted(change: Change[User]) -> None:
    calls.append("shouted")
    assert change.row is not None
    if "name" in change.values:
        change.values["name"] = change.values["name"].upper()
    if change.values.get("email") == "broken":
        raise RuntimeError("secret of the hook")


async def kept(change: Change[User]) -> None:
    assert change.row is not None and change.body is None
    if change.row.name == "keep":
        raise HTTPException(403, "This one stays.")
    await change.session.exec(sa.delete(Entry).where(col(Entry.text) == f"create {change.row.email}"))


def told(change: Change[User]) -> None:
    calls.append(f"told {change.action} {Request(dict(change.scope)).headers.get('x-by')}")
    assert change.row is not None and change.row.email


async def failing(change: Change[User]) -> None:
    raise RuntimeError("after all")


@pytest.fixture
def it(backend: Backend) -> Iterator[Served]:
    calls.clear()
    users = Resource(User, create=UserCreate, before_create=[hashed, noted], before_update=shouted, before_delete=kept,
                     after_commit=[told, failing])  # fmt: skip
    with served(backend, users, Entry, Heard, Parent, Child, Guest, Pet) as found:
        yield found


def _entries(it: Served) -> list[str]:
    return [entry.text for entry in it.rows(Entry)]


_ADA = {"email": "ada", "password": "p"}
_SHOWN = {"id": 1, "email": "ada", "name": "nobody", "level": 1}


def test_hooks_change_values_and_write_beside(it: Served, caplog: pytest.LogCaptureFixture) -> None:
    """Hooks run in their order; what they set is stored, a secret field reaches them and nobody else."""
    with caplog.at_level(logging.ERROR):
        answer = it.client.send("POST", "/users", _ADA, **{"x-by": "me"})
    assert (answer.status, answer.json(), answer.headers["location"]) == (201, _SHOWN, "/users/1")
    assert [user.hashed_password for user in it.rows(User)] == ["hash of p"]
    assert _entries(it) == ["create ada"]
    assert calls == ["hashed create", "noted create", "told create me"]
    assert "A hook after a commit failed: failing" in caplog.text


@pytest.mark.parametrize(
    ("password", "status", "detail", "headers"),
    [("refused", 400, "This password is known.", {"x-why": "known"}), ("taken", 409, "This password is taken.", {})],
)
def test_hooks_refuse(it: Served, password: str, status: int, detail: str, headers: dict[str, str]) -> None:
    """A hook says no as an endpoint does; nothing is written, nothing is told."""
    answer = it.client.send("POST", "/users", {"email": "ada", "password": password})
    assert (answer.status, answer.json()["detail"]) == (status, detail)
    assert answer.headers["content-type"] == "application/problem+json"
    assert headers.items() <= answer.headers.items() and password not in answer.body.decode().replace(detail, "")
    assert list(it.rows(User)) == [] and _entries(it) == []
    assert calls == ["hashed create"]


def test_what_a_hook_wrote_goes_with_the_write(it: Served) -> None:
    """The row is refused by the database after the hook has written: both are gone."""
    assert it.client.send("POST", "/users", _ADA).status == 201
    answer = it.client.send("POST", "/users", {"email": "ada", "password": "secret-password"})
    assert (answer.status, answer.json()["errors"][0]["loc"]) == (409, ["body", "email"])
    assert "secret-password" not in answer.body.decode()
    assert _entries(it) == ["create ada"] and len(list(it.rows(User))) == 1
    assert calls.count("told create None") == 1


def test_an_array_is_one_transaction(it: Served) -> None:
    """Hooks are called for each row of an array; one that is refused takes all with it."""
    rows = [{"email": email, "password": "p"} for email in ("b", "a", "c")]
    answer = it.client.send("POST", "/users?fields=email", rows)
    assert (answer.status, answer.json()) == (201, [{"email": "b"}, {"email": "a"}, {"email": "c"}])
    assert calls[-3:] == ["told create None"] * 3 and len(_entries(it)) == 3
    calls.clear()
    for last, status, where in (({"email": "a", "password": "p"}, 409, ["body", 1, "email"]),
                                ({"email": "d", "password": "refused"}, 400, None)):  # fmt: skip
        answer = it.client.send("POST", "/users", [{"email": "new", "password": "p"}, last])
        assert answer.status == status
        assert where is None or answer.json()["errors"][0]["loc"] == where
    assert len(list(it.rows(User))) == 3 and len(_entries(it)) == 3
    assert not [call for call in calls if call.startswith("told")]


def test_a_body_that_is_wrong_calls_no_hook(it: Served) -> None:
    """Hooks see what has been checked; an unknown parameter is refused before them, too."""
    for path, body in (("/users", {"email": "a"}), ("/users", {**_ADA, "hashed_password": "x"}),
                       ("/users?nonsense=1", _ADA), ("/users?fields=hashed_password", _ADA)):  # fmt: skip
        assert it.client.send("POST", path, body).status == 422
    assert calls == [] and list(it.rows(User)) == []


def test_a_change_and_a_deletion_call_hooks(it: Served) -> None:
    """A hook before a change sees the row; `onupdate` holds; one before a deletion may refuse it."""
    it.client.send("POST", "/users", [_ADA, {"email": "bob", "password": "p", "name": "keep"}])
    answer = it.client.send("PATCH", "/users/1?fields=name,level", {"name": "ada"})
    assert (answer.status, answer.json()) == (200, {"name": "ADA", "level": 2})
    assert it.client.request("DELETE", "/users/2").status == 403
    assert it.client.request("DELETE", "/users/1").status == 204
    assert [user.email for user in it.rows(User)] == ["bob"]
    assert _entries(it) == ["create bob"]
    assert it.client.request("DELETE", "/users/1").status == 404
    assert it.client.send("PATCH", "/users/1", {"name": "x"}).status == 404


def test_a_hook_that_breaks_is_a_500_and_changes_nothing(it: Served) -> None:
    """An error of a hook is a bug of its author: it reaches the server, and nothing is stored."""
    it.client.send("POST", "/users", _ADA)
    with pytest.raises(RuntimeError, match="secret of the hook"):
        it.client.send("PATCH", "/users/1", {"email": "broken"})
    assert [user.email for user in it.rows(User)] == ["ada"]
    assert it.client.send("PATCH", "/users/1", {"email": "fine"}).status == 200


def test_listeners_and_validators_of_sqlalchemy(it: Served) -> None:
    """Listeners on a class and `@validates` see rows that come over HTTP; what they set is answered."""
    answer = it.client.send("POST", "/heards", {"name": "A Name"})
    assert (answer.status, answer.json()) == (201, {"id": 1, "name": "A Name", "slug": "a-name", "counted": 0})
    answer = it.client.send("PATCH", "/heards/1", {"name": "Another One"})
    assert (answer.status, answer.json()["slug"]) == (200, "another-one")
    answer = it.client.send("PUT", "/heards/1", {"name": "Third"})
    assert (answer.status, answer.json()) == (200, {"id": 1, "name": "Third", "slug": "third", "counted": 0})
    assert it.client.request("DELETE", "/heards/1").status == 204
    assert _entries(it) == ["deleted Third"]


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
def test_a_validator_of_sqlalchemy_refuses(it: Served, method: str) -> None:
    """What `@validates` says is wrong with a value is a 422."""
    it.client.send("POST", "/heards", {"name": "fine"})
    answer = it.client.send(method, "/heards" if method == "POST" else "/heards/1", {"name": "forbidden"})
    assert answer.status == 422, answer.body
    assert [row.name for row in it.rows(Heard)] == ["fine"]


def test_cascades(it: Served) -> None:
    """A relationship's own cascade deletes what its foreign key would not; others are set free or stay."""
    for name in ("first", "second", "third"):
        assert it.client.send("POST", "/parents", {"name": name}).status == 201
    for path, parent in (("/children", 1), ("/children", 1), ("/guests", 1), ("/pets", 2)):
        assert it.client.send("POST", path, {"parent_id": parent}).status == 201
    assert it.client.request("DELETE", "/parents/1").status == 204
    assert list(it.rows(Child)) == []
    assert [guest.parent_id for guest in it.rows(Guest)] == [None]
    answer = it.client.request("DELETE", "/parents/2")
    assert (answer.status, answer.json()["detail"]) == (409, "Rows of 'pets' still refer to this one.")
    assert it.client.request("DELETE", "/parents/3").status == 204


class Note(Versioned, Base, table=True):
    """Has hooks before changes, and nothing else that takes a session."""

    id: int | None = Field(default=None, primary_key=True)
    text: str
    owner: str = "ada"
    changed_by: str | None = Field(default=None, exclude=True)


def signed(change: Change[Note]) -> None:
    change.values["changed_by"] = Request(dict(change.scope)).headers.get("x-by")


async def owned(change: Change[Note]) -> None:
    by = Request(dict(change.scope)).headers.get("x-by")
    if by == "nobody":
        raise HTTPException(401, "Who are you?")
    if by is not None and (await change.load()).owner != by:
        raise HTTPException(403, "Not yours.")


def hasty(change: Change[Note]) -> None:
    if change.values.get("text") == "hasty":
        assert change.row is None  # which raises


@pytest.fixture
def notes(backend: Backend) -> Iterator[Served]:
    resource = Resource(Note, before_update=[owned, signed, hasty], before_delete=owned)
    with served(backend, resource) as found:
        found.client.send("POST", "/notes", [{"text": "one"}, {"text": "two", "owner": "eve"}])
        yield found


@pytest.mark.parametrize("method, status", [("PATCH", 200), ("PUT", 200), ("DELETE", 204)])
def test_hooks_that_ask_for_nothing_leave_one_statement(
    notes: Served, backend: Backend, method: str, status: int
) -> None:
    notes.client.send(method, "/notes/2", {"text": "new"})  # prepares it
    with count_statements(backend, notes.api) as found:
        assert notes.client.send(method, "/notes/1", {"text": "new"}).status == status
    assert len(found) == 1


def test_what_hooks_set_is_written_by_the_statement(notes: Served) -> None:
    def by(id: int) -> str | None:
        return {note.id: note.changed_by for note in notes.rows(Note)}[id]

    assert notes.client.send("PATCH", "/notes/1", {"text": "new"}, x_by="ada").json()["text"] == "new"
    assert by(1) == "ada"
    assert notes.client.send("PUT", "/notes/1", {"text": "newer"}).json()["owner"] == "ada"
    assert by(1) is None
    assert notes.client.send("PATCH", "/notes/1", {}, x_by="ada").status == 200
    assert by(1) == "ada"  # what a hook adds is a change


def test_a_hook_reads_the_row_and_refuses(notes: Served) -> None:
    for method in ("PATCH", "PUT", "DELETE"):
        refused = notes.client.send(method, "/notes/2", {"text": "stolen"}, x_by="ada")
        assert (refused.status, refused.json()["detail"]) == (403, "Not yours.")
        assert notes.client.send(method, "/notes/2", {"text": "stolen"}, x_by="nobody").status == 401
        missing = notes.client.send(method, "/notes/9", {"text": "lost"}, x_by="ada")
        assert (missing.status, missing.json()["detail"]) == (404, "There is no such row in 'notes'.")
        stale = notes.client.send(method, "/notes/1", {"text": "stale"}, x_by="ada", if_match='"7"')
        assert stale.status == 412
        stale = notes.client.send(method, "/notes/1", {"text": "stale"}, if_match='"7"')
        assert stale.status == 412
    assert [note.text for note in notes.rows(Note)] == ["one", "two"]
    assert notes.client.send("DELETE", "/notes/2", None, x_by="eve").status == 204


def test_a_row_that_was_not_read_is_not_taken_for_none(notes: Served) -> None:
    with pytest.raises(RuntimeError, match=r"'row = await change.load\(\)'"):
        notes.client.send("PATCH", "/notes/1", {"text": "hasty"})
    with pytest.raises(AssertionError):  # there is a row now, which is not None
        notes.client.send("PATCH", "/notes/1", {"text": "hasty"}, x_by="ada")
    assert [note.text for note in notes.rows(Note)] == ["one", "two"]
