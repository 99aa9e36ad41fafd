"""What a client is told of a write that a database refused: real failures on both databases, as whole answers."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from onetrip import API, Resource
from onetrip.db.database import Database
from onetrip.db.violations import Violation, violation
from onetrip.errors import Problem
from onetrip.http.conflicts import conflict
from onetrip.http.problems import render
from onetrip.schema.derive import derive
from onetrip.schema.model import Schema
from onetrip.sql.references import dangling, referring
from tests.db.serving import application, serving
from tests.support.databases import Backend, postgresql_backend, sqlite_backend


class Base(SQLModel, registry=registry()):
    pass


class Team(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    area: int
    code: int

    __table_args__ = (sa.UniqueConstraint("area", "code"),)


class User(Base, table=True):
    __table_args__ = (
        sa.UniqueConstraint("team_id", "seat"),
        sa.UniqueConstraint("hashed_password", "seat", name="weak"),
        sa.UniqueConstraint("recovery_token"),
        sa.CheckConstraint("age > 7 AND nick <> 'boss_id'", name="grown_up_enough"),
        sa.CheckConstraint("length(hashed_password) > 3"),
        sa.Index("nick_of_the_living", "nick", unique=True, sqlite_where=sa.text("age > 0"),
                 postgresql_where=sa.text("age > 0")),
        sa.Index("folded", sa.text("lower(e_mail)"), unique=True),
        sa.ForeignKeyConstraint(["area", "code"], ["team.area", "team.code"]),
    )  # fmt: skip

    id: int | None = Field(default=None, primary_key=True)
    email: str = Field(sa_column=sa.Column("e_mail", sa.String(20), nullable=False, unique=True), alias="eMail")
    nick: str | None = None
    age: int = 20
    seat: int | None = None
    hashed_password: str = "secret-hash"
    recovery_token: str = Field(default="t")
    team_id: int | None = Field(default=None, foreign_key="team.id")
    boss_id: int | None = Field(default=None, foreign_key="user.id")
    area: int | None = None
    code: int | None = None


class Post(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    title: str
    writer: int | None = Field(sa_column=sa.Column("author_id", sa.ForeignKey("user.id")), alias="author")
    reviewer_id: int | None = Field(default=None, foreign_key="user.id", ondelete="RESTRICT")


class Session(Base, table=True):
    """Served, but nobody may know whose it is."""

    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="user.id", exclude=True)


class Log(Base, table=True):
    """Not served."""

    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="user.id")


class Like(Base, table=True):
    """Goes with its user."""

    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="user.id", ondelete="CASCADE")


ROWS: list[tuple[Any, dict[str, Any]]] = [
    (Team, {"id": 1, "area": 1, "code": 7}),
    (User, {"id": 1, "email": "ada@x", "nick": "ada", "team_id": 1, "seat": 1, "recovery_token": "t1"}),
    (User, {"id": 2, "email": "boss@x", "recovery_token": "t2"}),
    (User, {"id": 3, "email": "c@x", "boss_id": 2, "recovery_token": "t3", "area": 1, "code": 7}),
    (User, {"id": 4, "email": "d@x", "boss_id": 4, "recovery_token": "t4"}),
    (User, {"id": 5, "email": "e@x", "recovery_token": "t5"}),
    (User, {"id": 6, "email": "f@x", "recovery_token": "t6"}),
    (User, {"id": 7, "email": "g@x", "recovery_token": "t7"}),
    (Post, {"id": 1, "title": "Notes", "writer": 1}),
    (Post, {"id": 2, "title": "Looms", "reviewer_id": 7}),
    (Session, {"id": 1, "user_id": 5}),
    (Log, {"id": 1, "user_id": 6}),
    (Like, {"id": 1, "user_id": 4}),
]


SERVED = [Team, Resource(User, path="people"), Resource(Post, path="posts"), Session, Like]


@dataclass
class World:
    """Tables in one database, and what is known of them."""

    backend: Backend
    engine: sa.Engine
    schema: Schema

    def create(self, entity: Any, index: int | None = None, **values: Any) -> dict[str, Any]:
        """Try to create a row, by attributes."""
        return self.told(entity, "create", sa.insert(entity), values, index=index)

    def update(self, entity: Any, id: int, **values: Any) -> dict[str, Any]:
        change = sa.update(entity).where(entity.id == id)
        return self.told(entity, "update", change, values, {"id": id})

    def delete(self, entity: Any, id: int) -> dict[str, Any]:
        return self.told(entity, "delete", sa.delete(entity).where(entity.id == id), {}, {"id": id})

    def told(
        self, entity: Any, action: Any, statement: Any, values: dict[str, Any],
        key: dict[str, Any] | None = None, index: int | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Let a write fail, and answer the problem as it is sent."""
        resource = next(each for each in self.schema.resources.values() if each.entity is entity)
        with self.engine.connect() as connection:
            if self.backend.name == "sqlite":
                connection.exec_driver_sql("PRAGMA foreign_keys = ON")
            savepoint = connection.begin_nested() if self.backend.name == "postgresql" else None
            with pytest.raises(sa.exc.DBAPIError) as caught:
                connection.execute(statement, in_columns(entity, values) or None)
            if savepoint is not None:
                savepoint.rollback()
            broken = violation(caught.value)
            assert broken is not None, caught.value
            if broken.kind == "foreign_key":
                found = diagnosed(connection, entity, action, values, key)
                if broken.table is None and found is not None:
                    broken = found
        problem = conflict(broken, resource, self.schema, action, () if index is None else (index,))
        return answer(problem)


def in_columns(entity: Any, values: dict[str, Any]) -> dict[str, Any]:
    """Values by the names of columns, which SQL is written in."""
    attributes = sa.inspect(entity).column_attrs
    return {attributes[name].columns[0].key: value for name, value in values.items()}


def diagnosed(connection: sa.Connection, entity: Any, action: str, values: Any, key: Any) -> Violation | None:
    """Find out which foreign key it was; on PostgreSQL as well, where the answer is known without."""
    found = referring(entity, key) if action == "delete" else dangling(entity, values, key)
    broken = [constraint for constraint, select in found if connection.execute(select).first()]
    return Violation("foreign_key", None, broken[0].table, broken[0].columns) if broken else None


SECRET = (
    "secret-hash", "recovery_token", "hashed", "weak", "grown_up", "folded", "living", "e_mail", "pkey", "fkey",
    "length", "INSERT", "DETAIL", "ada@x",
)  # fmt: skip


def answer(problem: Problem) -> dict[str, Any]:
    """A problem as it is sent, without what every one has. Nothing of the database's own is in it."""
    text, _ = render(problem, "id")
    assert not [word for word in SECRET if word in text.decode()], text
    body = json.loads(text)
    assert body["title"] == problem.title
    return {name: body[name] for name in ("status", "detail", "hint", "errors") if name in body}


def said(status: int, type: str, detail: str, *locs: list[Any], hint: str | None = None) -> dict[str, Any]:
    items = [{"loc": loc, "msg": detail, "type": type} for loc in locs]
    return {"status": status, "detail": detail, **({"hint": hint} if hint else {}), "errors": items}


def described(url: str, *declared: Any) -> Schema:
    """Derive a schema for the dialect of a URL."""
    dialect = Database(url).dialect
    return derive(declared, dialect.sqlalchemy, dialect.inexact)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The tables with their rows. Whatever is tried fails, so one database is enough."""
    if request.param == "sqlite":
        made = sqlite_backend(Path(tmp_path_factory.mktemp("conflicts")))
    else:
        made = postgresql_backend(request.getfixturevalue("server"))
    with made as backend:
        backend.create(Base.metadata)
        engine = backend.engine()
        with engine.begin() as connection:
            for entity, values in ROWS:
                connection.execute(sa.insert(entity), in_columns(entity, values))
            if request.param == "postgresql":  # rows that bring their keys do not count
                for table in ("user", "post", "team"):
                    connection.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('\"{table}\"', 'id'), 100)")
        yield World(backend, engine, described(backend.url, *SERVED))


def new(**values: Any) -> dict[str, Any]:
    return {"id": 9, "email": "new@x", "recovery_token": "t9", **values}


# Unique


def test_a_value_that_is_taken(world: World) -> None:
    """The field is named as the client knows it, whatever the column and the constraint are called."""
    detail = "There is already a row of 'people' with the same {}."
    email = said(409, "unique", detail.format("'eMail'"), ["body", "eMail"])
    assert world.create(User, **new(email="ada@x")) == email
    assert world.update(User, 2, email="ada@x") == email
    assert world.create(User, **new(email="ADA@x")) == email  # by the index over lower(e_mail)
    assert world.create(User, **new(nick="ada")) == said(409, "unique", detail.format("'nick'"), ["body", "nick"])
    assert world.create(User, **new(id=1)) == said(409, "unique", detail.format("'id'"), ["body", "id"])


def test_values_that_are_taken_together(world: World) -> None:
    """Each of the fields is in the list."""
    assert world.create(User, **new(team_id=1, seat=1, hashed_password="another")) == said(
        409, "unique", "There is already a row of 'people' with the same 'team_id' and 'seat'.",
        ["body", "team_id"], ["body", "seat"],
    )  # fmt: skip


def test_the_place_in_a_body_of_many(world: World) -> None:
    found = world.create(User, index=3, **new(email="ada@x"))
    assert [item["loc"] for item in found["errors"]] == [["body", 3, "eMail"]]


def test_hidden_columns_are_not_named(world: World) -> None:
    """With a hidden one only the others are named, and none if there is no other."""
    seat = "There is already a row of 'people' with the same 'seat'."
    assert world.create(User, **new(seat=1)) == said(409, "unique", seat, ["body", "seat"])
    assert world.create(User, **new(recovery_token="t1")) == said(
        409, "unique", "There is already such a row.", ["body"]
    )


# Foreign keys


def test_a_reference_to_nothing(world: World) -> None:
    """422, with the field and the resource; the table's own column names stay away."""
    assert world.create(Post, id=9, title="x", writer=404) == said(
        422, "foreign_key", "'author' refers to a row of 'people' that does not exist.", ["body", "author"]
    )
    assert world.update(Post, 1, reviewer_id=404) == said(
        422, "foreign_key", "'reviewer_id' refers to a row of 'people' that does not exist.", ["body", "reviewer_id"]
    )
    assert world.create(User, **new(boss_id=404)) == said(
        422, "foreign_key", "'boss_id' refers to a row of 'people' that does not exist.", ["body", "boss_id"]
    )
    hidden = "Something refers to a row that does not exist."
    assert world.create(Session, id=9, user_id=404) == said(422, "foreign_key", hidden, ["body"])


def test_a_reference_of_two_columns(world: World) -> None:
    """Also when only one of them is written and the other is stored."""
    both = said(
        422, "foreign_key", "'area' and 'code' refer to a row of 'teams' that does not exist.",
        ["body", "area"], ["body", "code"],
    )  # fmt: skip
    assert world.create(User, **new(area=1, code=404)) == both
    assert world.update(User, 3, code=404) == both


def test_a_row_that_others_refer_to(world: World) -> None:
    """409 with the resource that stands in the way, and what to do; SQLite is asked which it is."""
    blocked = said(
        409, "foreign_key", "Rows of 'posts' still refer to this one.", ["path"],
        hint="Delete or change first the rows of 'posts' whose 'author' leads here.",
    )  # fmt: skip
    assert world.delete(User, 1) == blocked
    restricted = world.delete(User, 7)
    assert (restricted["status"], restricted["detail"]) == (409, blocked["detail"])
    assert "'reviewer_id'" in restricted["hint"]
    own = world.delete(User, 2)
    assert (own["status"], own["detail"]) == (409, "Rows of 'people' still refer to this one.")


def test_what_refers_to_a_row_is_told_only_if_it_is_shown(world: World) -> None:
    """Neither a table that is not served nor a foreign key that is hidden is named."""
    generic = said(409, "foreign_key", "Other rows still refer to this one.", ["path"])
    assert world.delete(User, 5) == generic
    assert world.delete(User, 6) == generic


def test_a_row_that_only_itself_and_what_goes_with_it_refer_to(world: World) -> None:
    """It can be deleted, so nothing is found to stand in the way."""
    with world.engine.connect() as connection:
        assert diagnosed(connection, User, "delete", {}, {"id": 4}) is None
        assert diagnosed(connection, User, "create", {"boss_id": 4, "team_id": None}, None) is None


def test_both_databases_are_asked_the_same(world: World) -> None:
    """The statements that find a foreign key hold on PostgreSQL as well, and agree with what it says itself."""
    with world.engine.connect() as connection:
        found = diagnosed(connection, Post, "create", {"writer": 404}, None)
        assert found == Violation("foreign_key", None, "post", ("author_id",))
        found = diagnosed(connection, Team, "delete", {}, {"id": 1})
        assert found == Violation("foreign_key", None, "user", ("area", "code"))


# Rules and values


def test_a_check(world: World) -> None:
    """The fields that the rule is about, and not the rule; words in its strings are no fields."""
    assert world.create(User, **new(age=5, nick="n")) == said(
        422, "check", "The rule about 'nick' and 'age' of 'people' is not met.", ["body", "nick"], ["body", "age"]
    )
    hidden = said(422, "check", "A rule of the database does not allow this.", ["body"])
    assert world.create(User, **new(hashed_password="x")) == hidden


def test_null(world: World) -> None:
    assert world.create(User, **new(email=None)) == said(422, "null", "'eMail' must have a value.", ["body", "eMail"])
    assert world.update(User, 1, age=None) == said(422, "null", "'age' must have a value.", ["body", "age"])
    hidden = said(422, "null", "A value that is needed is missing.", ["body"])
    assert world.update(User, 1, hashed_password=None) == hidden


def test_values_that_cannot_be_stored(world: World) -> None:
    """What PostgreSQL refuses; SQLite stores it, which is why bodies are checked first."""
    if world.backend.name == "postgresql":
        long = said(422, "too_long", "A value is too long to be stored.", ["body"])
        assert world.create(User, **new(email="x" * 30)) == long
        large = said(422, "out_of_range", "A value is too large or too small to be stored.", ["body"])
        assert world.update(User, 1, age=2**40) == large
        assert world.create(User, **new(nick="a\0b")) == said(422, "value_error", "A value cannot be stored.", ["body"])


# Over HTTP

REQUESTS: list[tuple[str, str, Any, int, list[list[Any]]]] = [
    ("POST", "/people", {"eMail": "ada@x"}, 409, [["body", "eMail"]]),
    (
        "POST",
        "/teams",
        [{"area": 5, "code": 5}, {"area": 1, "code": 7}],
        409,
        [["body", 1, "area"], ["body", 1, "code"]],
    ),
    ("PATCH", "/people/2", {"eMail": "ada@x"}, 409, [["body", "eMail"]]),
    ("PATCH", "/people/3", {"code": 404}, 422, [["body", "area"], ["body", "code"]]),
    ("POST", "/posts", {"title": "x", "author": 404}, 422, [["body", "author"]]),
    ("POST", "/posts", [{"title": "x"}, {"title": "y", "author": 404}], 422, [["body", 1, "author"]]),
    ("PATCH", "/people/3", {"age": 3, "nick": "k"}, 422, [["body", "nick"], ["body", "age"]]),
    ("DELETE", "/people/1", None, 409, [["path"]]),
    ("DELETE", "/people/6", None, 409, [["path"]]),
]


def test_requests_that_the_database_refuses(world: World) -> None:
    """The whole way, from a request to its answer; nothing is stored of it."""
    api = API(*SERVED, database=world.backend.url)

    async def main() -> None:
        async with serving(application(api)) as client:
            before = [(await client.get(path)).json() for path in ("/people", "/posts", "/teams")]
            for method, path, body, status, locs in REQUESTS:
                answered = await client.request(method, path, json=body) if body else await client.request(method, path)
                problem = answered.json()
                assert (answered.status_code, [item["loc"] for item in problem["errors"]]) == (status, locs), problem
                assert not [word for word in SECRET if word in answered.text]
            assert [(await client.get(path)).json() for path in ("/people", "/posts", "/teams")] == before

    asyncio.run(main())


# What the tables do not say


def seen(found: Violation, action: Any = "create", name: str = "people") -> tuple[Any, ...]:
    schema = described("sqlite://", Resource(User, path="people"), Resource(Post, path="posts"))
    body = answer(conflict(found, schema.resources[name], schema, action))
    return body["status"], body["detail"], body["errors"][0]["loc"]


def test_what_nobody_declared(world: World) -> None:
    """A rule that only the database knows gets a sentence without fields, or with those of the columns it names."""
    assert seen(Violation("unique", "made_by_hand", "user")) == (409, "There is already such a row.", ["body"])
    assert seen(Violation("unique", None, "user", ("age",)))[2] == ["body", "age"]
    assert seen(Violation("check")) == (422, "A rule of the database does not allow this.", ["body"])
    assert seen(Violation("check", "weak")) == (422, "A rule of the database does not allow this.", ["body"])
    assert seen(Violation("foreign_key", "by_hand", "user"))[0] == 422
    long = (422, "The value of 'eMail' is too long to be stored.", ["body", "eMail"])
    assert seen(Violation("too_long", "folded", "user")) == long  # for an index
    assert seen(Violation("exclusion", "overlap", "user"))[:2] == (
        409, "This cannot stand beside a row that is already there.",
    )  # fmt: skip


def test_what_a_trigger_does_elsewhere(world: World) -> None:
    """Fields of another table are not taken for those of the body."""
    assert seen(Violation("unique", None, "log", ("age",))) == (409, "There is already such a row.", ["body"])
    assert seen(Violation("not_null", None, "log", ("age",)))[2] == ["body"]
    assert seen(Violation("foreign_key", "log_user", "log")) == (409, "This contradicts what is stored.", ["path"])
    assert seen(Violation("check", "x", "user"), "delete") == (
        409,
        "A rule of the database does not allow this.",
        ["path"],
    )


def test_a_foreign_key_of_which_nothing_is_known(world: World) -> None:
    """SQLite's, when nobody asked: a write refers to nothing, a deletion leaves something behind."""
    assert seen(Violation("foreign_key"))[:2] == (422, "Something refers to a row that does not exist.")
    assert seen(Violation("foreign_key"), "delete")[:2] == (409, "Other rows still refer to this one.")


def test_tables_of_one_name_in_two_schemas() -> None:
    """The schema that PostgreSQL tells decides between them."""

    class Apart(SQLModel, registry=registry()):
        pass

    class Note(Apart, table=True):
        id: int | None = Field(default=None, primary_key=True)
        text: str = Field(sa_column_kwargs={"unique": True})

    class AuditNote(Apart, table=True):
        __tablename__ = "note"
        __table_args__ = ({"schema": "audit"},)
        id: int | None = Field(default=None, primary_key=True)
        of: int = Field(foreign_key="note.id")
        words: str = Field(sa_column=sa.Column("text", sa.String, unique=True))

    schema = described("postgresql://x/y", Resource(Note, path="notes"), Resource(AuditNote, path="audits"))

    def fields(path: str, *schema_name: str) -> list[list[Any]]:
        found = Violation("unique", "note_text_key", "note", (), *schema_name)
        return [list(item.loc) for item in conflict(found, schema.resources[path], schema, "create").errors]

    assert fields("notes", "public") == [["body", "text"]]
    assert fields("audits", "audit") == [["body", "words"]]
    assert fields("audits", "public") == [["body"]]
    found = Violation("foreign_key", "note_of_fkey", "note", (), "audit")
    assert (
        conflict(found, schema.resources["notes"], schema, "delete").detail
        == "Rows of 'audits' still refer to this one."
    )
