"""Rows that are made up are rows that the database takes, and bodies are bodies that the API takes."""

import enum
import uuid
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal, Optional

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import EmailStr
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlmodel import Field, Relationship, Session

from onetrip import API, ConfigurationError
from onetrip.testing import Factory
from onetrip.testing.served import create_tables, pipelines_of
from tests.schema.serving import base
from tests.support.databases import Backend

Base = base()


class Kind(enum.Enum):
    A = "a"
    B = "b"


class Team(Base, table=True):  # type: ignore[misc, valid-type]
    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    name: str = Field(unique=True, min_length=4, max_length=6)


class Person(Base, table=True):  # type: ignore[misc, valid-type]
    __table_args__ = (sa.CheckConstraint("age >= 18"),)
    id: int | None = Field(default=None, primary_key=True)
    email: EmailStr = Field(unique=True)
    age: int = Field(ge=18, lt=21)
    even: int = Field(multiple_of=2, gt=3)
    low: int = Field(lt=0)
    price: Decimal = Field(max_digits=6, decimal_places=2, gt=0, le=1)
    wage: Decimal = Field(max_digits=12, decimal_places=2)
    share: float = Field(gt=0, lt=1)
    kind: Kind
    word: Literal["x", "y"] = Field(sa_type=sa.String)
    born: date
    at: datetime
    zoned: datetime = Field(sa_type=sa.DateTime(timezone=True))  # type: ignore[call-overload]
    rises: time
    lasts: timedelta
    blob: bytes
    flag: bool
    data: dict[str, Any] = Field(sa_type=sa.JSON)
    tags: list[str] = Field(sa_type=sa.JSON)
    home_url: str = Field(max_length=30)
    nickname: str | None = None
    hashed_password: str = ""
    team_id: uuid.UUID = Field(foreign_key="team.id")
    boss_id: int | None = Field(default=None, foreign_key="person.id")
    team: Team = Relationship()
    boss: Optional["Person"] = Relationship(sa_relationship_kwargs={"remote_side": "Person.id"})


class Membership(Base, table=True):  # type: ignore[misc, valid-type]
    team_id: uuid.UUID = Field(foreign_key="team.id", primary_key=True)
    person_id: int = Field(foreign_key="person.id", primary_key=True)


class Impossible(Base, table=True):  # type: ignore[misc, valid-type]
    id: int | None = Field(default=None, primary_key=True)
    code: str = Field(schema_extra={"pattern": r"^[A-Z]{3}-\d$"})
    parent_id: int = Field(foreign_key="impossible.id")
    parent: "Impossible" = Relationship(sa_relationship_kwargs={"remote_side": "Impossible.id"})


class Mapping(DeclarativeBase):
    pass


class Plain(Mapping):
    __tablename__ = "plain"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(10), unique=True)
    kind: Mapped[Kind]
    state: Mapped[str] = mapped_column(sa.Enum("on", "off", name="state"))
    note: Mapped[str | None]


@pytest.fixture
def world(backend: Backend) -> Iterator[tuple[Factory, TestClient]]:
    """A factory, and a client of the same tables."""
    api = API(Team, Person, Membership, Impossible, Plain, database=backend.url)
    app = FastAPI(exception_handlers=dict(api.exception_handlers))
    app.include_router(api.router)
    [pipeline] = pipelines_of(app)
    engine = backend.engine()
    with engine.begin() as connection:
        create_tables(connection, [pipeline])
    with Session(engine, expire_on_commit=False) as session, TestClient(app) as client:
        yield Factory(session, list(pipeline.schema.resources.values())), client


def test_rows_and_bodies_are_taken(world: tuple[Factory, TestClient]) -> None:
    """Within bounds, unique, with the rows that they refer to; and the same over HTTP."""
    factory, client = world
    people = factory.batch(Person, 5)
    assert [person.id for person in people] == [1, 2, 3, 4, 5]
    assert len({person.team_id for person in people}) == 5
    assert {person.kind for person in people} == set(Kind)
    assert (people[0].email, people[0].nickname, people[0].boss_id) == ("person1@example.com", None, None)
    team = factory.make(Team, name="chosen")
    mine = factory.make(Person, team=team, boss=people[0], nickname="Ada")
    assert (mine.team_id, mine.boss_id, mine.nickname, mine.team.name) == (team.id, 1, "Ada", "chosen")
    link = factory.make(Membership, person_id=mine.id)
    assert (link.person_id, link.team_id != team.id) == (mine.id, True)
    plain = factory.batch(Plain, 3)
    assert [(each.id, each.state) for each in plain] == [(1, "on"), (2, "off"), (3, "on")]
    for entity, path in ((Team, "/teams"), (Person, "/people"), (Membership, "/memberships"), (Plain, "/plain")):
        sent = factory.body(entity)
        answer = client.post(path, json=sent)
        assert answer.status_code == 201, answer.text
        assert answer.json().items() >= sent.items()
    assert client.post("/teams", json=factory.body(Team, name="given")).json()["name"] == "given"
    stored = factory.store(Team(name="own"))[0]
    assert client.get(f"/teams/{stored.id}").json()["name"] == "own"


@pytest.mark.parametrize(
    ("entity", "given", "said"),
    [
        (Person, {"agee": 3}, "Person has no 'agee'. Did you mean 'age'?"),
        (Impossible, {"parent_id": 1}, "Impossible.code takes no 'code-1' (String should match pattern"),
        (Impossible, {"code": "ABC-1"}, "Impossible refers to itself in the end: give the row that it refers to."),
        (Person, {"age": 3}, "The database does not take Person: "),
    ],
)  # fmt: skip
def test_what_has_to_be_given_is_said(
    world: tuple[Factory, TestClient], entity: type[Any], given: dict[str, Any], said: str
) -> None:
    """In a sentence; and the factory goes on."""
    factory, _ = world
    with pytest.raises(ConfigurationError) as caught:
        factory.make(entity, **given)
    assert str(caught.value).startswith(said)
    assert factory.make(Team).name


def test_a_body_says_what_it_cannot_be(world: tuple[Factory, TestClient]) -> None:
    """A field that is none, and a table that is not served."""
    factory, _ = world
    with pytest.raises(ConfigurationError, match=r"^A body of Team has no 'nam'\. Did you mean 'name'\?$"):
        factory.body(Team, nam="x")
    with pytest.raises(ConfigurationError, match=r"^Base is not created over HTTP here\.$"):
        factory.body(Base)
