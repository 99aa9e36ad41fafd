"""Every kind of mapping, served: the rows that the ORM would load, from both databases."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, computed_field
from sqlalchemy.orm import (
    DeclarativeBase,
    DynamicMapped,
    Mapped,
    WriteOnlyMapped,
    column_property,
    mapped_column,
    registry,
    relationship,
)
from sqlmodel import Field, Relationship

from onetrip import Resource
from tests.schema.serving import base, served
from tests.support.databases import Backend


def declarative() -> Any:
    class Base(DeclarativeBase):
        pass

    return Base


# Columns


def test_names_and_keys(backend: Backend) -> None:
    """Other column names, aliases and composite keys are the public names everywhere, in the order of the key."""

    class Line(base(), table=True):
        __table_args__ = (sa.PrimaryKeyConstraint("order_uuid", "line no"),)
        number: int = Field(sa_column=sa.Column("line no", sa.Integer), alias="lineNo")
        order: UUID = Field(sa_column=sa.Column("order_uuid", sa.Uuid))
        text: str = Field(serialization_alias="in")
        limit: int = 1
        sort: str = "x"
        after__gt: int = 2

    order = UUID(int=7)
    stored = [Line(number=number, order=order, text=f"t{number}") for number in (1, 2)]
    with served(backend, Line, rows=stored) as api:
        first = {"lineNo": 1, "order": str(order), "in": "t1", "limit": 1, "sort": "x", "after__gt": 2}
        assert api.get(f"/lines/{order},1") == first
        assert api.get("/lines?in=t1") == api.get("/lines?lineNo=1&limit__eq=1&sort__eq=x&after__gt=2") == [first]
        assert api.get("/lines?fields=in,limit&sort=-lineNo&limit=1") == [{"in": "t2", "limit": 1}]


def test_names_that_are_no_identifiers(backend: Backend) -> None:
    """Names of columns may be anything that a table can have, in Python's hands too."""

    class Thing:
        @property
        def label(self) -> str:
            return "it"

    class Labelled(BaseModel):
        model_config = ConfigDict(from_attributes=True)
        label: str

    mappers = registry()
    names = ("id", "2nd name", "class", "größe", "model_config", "_private")
    columns = [sa.Column(name, sa.Integer, primary_key=name == "id") for name in names]
    mappers.map_imperatively(Thing, sa.Table("thing", mappers.metadata, *columns))
    with served(backend, Resource(Thing, exposed=["_private"])) as api:
        with api.engine.begin() as connection:
            connection.execute(mappers.metadata.tables["thing"].insert(), dict.fromkeys(names, 1))
        assert api.get("/thing") == [dict.fromkeys(names, 1)]
        assert api.get("/thing?class=1&gr%C3%B6%C3%9Fe=1&2nd+name=1&fields=2nd+name,class&sort=model_config") == [
            {"2nd name": 1, "class": 1}
        ]
        with served(backend, Resource(Thing, read=Labelled)) as other:
            assert other.get("/thing") == [{"label": "it"}]


def test_expressions(backend: Backend) -> None:
    """Computed columns and `column_property` are columns: shown, filtered and sorted by."""
    Base = declarative()

    class Post(Base):
        __tablename__ = "posts"
        id: Mapped[int] = mapped_column(primary_key=True)
        user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
        state: Mapped[str]

    class User(Base):
        __tablename__ = "users"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str] = mapped_column(sa.String)
        twice: Mapped[int] = mapped_column(sa.Computed("id * 2", persisted=True))
        loud: Mapped[str] = column_property(sa.func.upper(name, type_=sa.String))
        open: Mapped[int] = column_property(
            sa.select(sa.func.count(Post.id))
            .where(Post.user_id == id, Post.state.in_(["new", "open"]))
            .correlate_except(Post)
            .scalar_subquery()
        )
        posts: Mapped[list[Post]] = relationship()

    stored = [
        User(id=1, name="ada"), User(id=2, name="al"), Post(id=1, user_id=1, state="new"),
        Post(id=2, user_id=1, state="open"), Post(id=3, user_id=1, state="done"), Post(id=4, user_id=2, state="done"),
    ]  # fmt: skip
    with served(backend, User, Post, rows=stored) as api:
        ada = {"id": 1, "name": "ada", "twice": 2, "loud": "ADA", "open": 2}
        assert api.get("/users")[0] == api.get("/users?open=2&twice=2&loud=ADA")[0] == ada
        assert api.get("/users?sort=open&fields=loud,open") == [{"loud": "AL", "open": 0}, {"loud": "ADA", "open": 2}]
        assert [len(user["posts"]) for user in api.get("/users?include=posts")] == [3, 1]


def test_tables_of_a_schema(backend: Backend) -> None:
    """A table of another schema is read where it is."""
    if backend.name == "sqlite":
        pytest.skip("SQLite has schemas only as attached files")

    class Row(declarative()):
        __tablename__ = "rows"
        __table_args__ = {"schema": "inner"}  # noqa: RUF012
        id: Mapped[int] = mapped_column(primary_key=True)

    with backend.engine().begin() as connection:
        connection.execute(sa.schema.CreateSchema("inner"))
    with served(backend, Row, rows=[Row(id=1)]) as api:
        assert api.get("/rows/1") == {"id": 1}


def test_a_query_as_table(backend: Backend) -> None:
    """A class that is mapped to a query is read through it, by the key that it names."""
    Base = declarative()

    class Sale(Base):
        __tablename__ = "sales"
        id: Mapped[int] = mapped_column(primary_key=True)
        shop: Mapped[str]
        amount: Mapped[int]

    class Total(Base):
        __table__ = (
            sa.select(Sale.shop, sa.func.sum(Sale.amount).label("amount")).group_by(Sale.shop).subquery("totals")
        )
        __mapper_args__ = {"primary_key": [__table__.c.shop]}  # noqa: RUF012

    stored = [Sale(shop="a", amount=2), Sale(shop="a", amount=3), Sale(shop="b", amount=1)]
    with served(backend, Sale, Total, rows=stored) as api:
        assert api.get("/totals") == [{"shop": "a", "amount": 5}, {"shop": "b", "amount": 1}]
        assert api.get("/totals/b") == {"shop": "b", "amount": 1}


# Inheritance


def staff() -> Any:
    Base = declarative()

    class Company(Base):
        __tablename__ = "companies"
        id: Mapped[int] = mapped_column(primary_key=True)
        people: Mapped[list["Person"]] = relationship(back_populates="company")
        cooks: Mapped[list["Cook"]] = relationship(viewonly=True)

    class Person(Base):
        __tablename__ = "people"
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]
        name: Mapped[str]
        company_id: Mapped[int | None] = mapped_column(sa.ForeignKey("companies.id"))
        company: Mapped[Company | None] = relationship(back_populates="people")
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "person"}  # noqa: RUF012

    class Manager(Person):
        __tablename__ = "managers"
        person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), primary_key=True)
        level: Mapped[int]
        boss_id: Mapped[int | None] = mapped_column(sa.ForeignKey("managers.person_id"))
        boss: Mapped["Manager | None"] = relationship(foreign_keys=boss_id, remote_side=person_id)
        __mapper_args__ = {"polymorphic_identity": "manager", "inherit_condition": person_id == Person.id}  # noqa: RUF012

    class Cook(Person):
        dish: Mapped[str | None]
        __mapper_args__ = {"polymorphic_identity": "cook"}  # noqa: RUF012

    stored = [
        Company(id=1), Person(id=1, name="p"), Cook(id=2, name="c", dish="soup", company_id=1),
        Manager(id=3, name="m", level=1, company_id=1), Manager(id=4, name="n", level=2, boss_id=3),
    ]  # fmt: skip
    return Company, Person, Manager, Cook, stored


def test_inheritance(backend: Backend) -> None:
    """A base class shows every row, a subclass its own: joined from two tables, or chosen by the discriminator."""
    *tables, stored = staff()
    with served(backend, *tables, rows=stored) as api:
        assert [person["name"] for person in api.get("/people")] == ["p", "c", "m", "n"]
        cook = {"id": 2, "kind": "cook", "name": "c", "company_id": 1, "dish": "soup"}
        assert api.get("/cooks") == api.get("/cooks?dish=soup&name=c") == [cook]
        assert api.get("/cooks/2") == cook
        assert api.client.get("/cooks/1").status == api.client.get("/managers/2").status == 404
        manager = {
            "id": 4,
            "kind": "manager",
            "name": "n",
            "company_id": None,
            "person_id": 4,
            "level": 2,
            "boss_id": 3,
        }
        assert api.get("/managers/4") == api.get("/managers?sort=-level&name=n")[0] == manager
        assert api.get("/managers/4?fields=name,boss.name") == {"name": "n", "boss": {"name": "m"}}
        assert api.get("/managers/3/company") == {"id": 1}
        company = api.get("/companies/1?include=people.company,cooks")
        assert [(person["id"], person["company"]) for person in company["people"]] == [(2, {"id": 1}), (3, {"id": 1})]
        assert company["cooks"] == api.get("/companies/1/cooks") == [cook]


def test_inheritance_in_python(backend: Backend) -> None:
    """Python gets instances of the class that is served, with what the base declares."""
    *tables, stored = staff()
    company, _, manager, _ = tables

    class Boss(BaseModel):
        model_config = ConfigDict(from_attributes=True)
        name: str

    class ManagerRead(Boss):
        boss: Boss | None

        @computed_field
        @property
        def title(self) -> str:
            return f"{self.name} under {self.boss.name if self.boss else 'nobody'}"

    with served(backend, company, Resource(manager, read=ManagerRead), rows=stored) as api:
        assert [row["title"] for row in api.get("/managers")] == ["m under nobody", "n under m"]


def test_a_discriminator_that_is_an_expression(backend: Backend) -> None:
    """A discriminator that SQLAlchemy computes is not a column of the class."""
    Base = declarative()

    class Animal(Base):
        __tablename__ = "animals"
        id: Mapped[int] = mapped_column(primary_key=True)
        legs: Mapped[int] = mapped_column()
        __mapper_args__ = {  # noqa: RUF012
            "polymorphic_on": sa.case((legs == 2, "bird"), else_="animal"), "polymorphic_identity": "animal"
        }  # fmt: skip

    class Bird(Animal):
        __mapper_args__ = {"polymorphic_identity": "bird"}  # noqa: RUF012

    with served(backend, Animal, Bird, rows=[Animal(id=1, legs=4), Animal(id=2, legs=2)]) as api:
        assert api.api.notes == ()
        assert api.get("/animals") == [{"id": 1, "legs": 4}, {"id": 2, "legs": 2}]
        assert api.get("/birds") == [{"id": 2, "legs": 2}]


def test_concrete_inheritance(backend: Backend) -> None:
    """A subclass with a table of its own is a table of its own."""

    class Shape(declarative()):
        __tablename__ = "shapes"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Circle(Shape):
        __tablename__ = "circles"
        __mapper_args__ = {"concrete": True}  # noqa: RUF012
        id: Mapped[int] = mapped_column(primary_key=True)
        radius: Mapped[int]

    with served(backend, Shape, Circle, rows=[Shape(id=1), Circle(id=1, radius=2)]) as api:
        assert api.get("/shapes") == [{"id": 1}]
        assert api.get("/circles") == [{"id": 1, "radius": 2}]


# Relations


def test_loading_does_not_matter(backend: Backend) -> None:
    """How the ORM would load a relation does not change it: dynamic, write-only, keyed, eager, never."""
    Base = declarative()

    class Item(Base):
        __tablename__ = "items"
        id: Mapped[int] = mapped_column(primary_key=True)
        box_id: Mapped[int] = mapped_column(sa.ForeignKey("boxes.id"))
        label: Mapped[str]
        box: Mapped["Box"] = relationship(lazy="joined", innerjoin=True, viewonly=True)

    class Box(Base):
        __tablename__ = "boxes"
        id: Mapped[int] = mapped_column(primary_key=True)
        plain: Mapped[list[Item]] = relationship()
        dynamic: DynamicMapped[Item] = relationship(viewonly=True)
        write_only: WriteOnlyMapped[Item] = relationship(viewonly=True)
        keyed: Mapped[dict[str, Item]] = relationship(
            collection_class=sa.orm.attribute_keyed_dict("label"), viewonly=True
        )
        unordered: Mapped[set[Item]] = relationship(lazy="raise", viewonly=True)
        backwards: Mapped[list[Item]] = relationship(order_by="Item.id.desc()", lazy="selectin", viewonly=True)

    stored = [Box(id=1), Item(id=1, box_id=1, label="a"), Item(id=2, box_id=1, label="b")]
    names = ["plain", "dynamic", "write_only", "keyed", "unordered", "backwards"]
    with served(backend, Box, Item, rows=stored) as api:
        items = api.get("/items")
        assert api.get(f"/boxes/1?include={','.join(names)}") == {"id": 1, **dict.fromkeys(names, items)}
        for name in names:
            assert api.get(f"/boxes/1/{name}") == items
        assert api.get("/items/1/box") == {"id": 1}


def test_conditions_of_relations(backend: Backend) -> None:
    """A relation leads to what its condition says: values of any type, lists, other columns; also without a key."""
    Base = declarative()

    class User(Base):
        __tablename__ = "users"
        id: Mapped[int] = mapped_column(primary_key=True)
        town: Mapped[str] = mapped_column()
        posts: Mapped[list["Post"]] = relationship()
        listed: Mapped[list["Post"]] = relationship(
            primaryjoin="and_(User.id == Post.user_id, Post.state.in_(['new', 'open']))", viewonly=True
        )
        recent: Mapped[list["Post"]] = relationship(
            primaryjoin=lambda: sa.and_(User.id == Post.user_id, Post.at >= datetime(2026, 1, 1), Post.ok == sa.true()),
            viewonly=True,
        )
        first: Mapped["Post | None"] = relationship(
            primaryjoin="and_(User.id == Post.user_id, Post.id == 1)", viewonly=True, uselist=False
        )
        neighbours: Mapped[list["User"]] = relationship(
            primaryjoin=lambda: sa.and_(
                sa.orm.foreign(User.town) == sa.orm.remote(User.town), User.id != sa.orm.remote(User.id)
            ),
            uselist=True, viewonly=True,
        )  # fmt: skip

    class Post(Base):
        __tablename__ = "posts"
        id: Mapped[int] = mapped_column(primary_key=True)
        user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
        state: Mapped[str]
        at: Mapped[datetime] = mapped_column(sa.DateTime)
        ok: Mapped[bool] = mapped_column(default=True)

    stored = [
        User(id=1, town="x"), User(id=2, town="x"), User(id=3, town="y"),
        Post(id=1, user_id=1, state="new", at=datetime(2025, 5, 5)),
        Post(id=2, user_id=1, state="done", at=datetime(2026, 5, 5)),
        Post(id=3, user_id=1, state="open", at=datetime(2026, 5, 5), ok=False),
    ]  # fmt: skip
    with served(backend, User, Post, rows=stored) as api:
        ids = {name: [row["id"] for row in api.get(f"/users/1/{name}")] for name in ("posts", "listed", "recent")}
        assert ids == {"posts": [1, 2, 3], "listed": [1, 3], "recent": [2]}
        shown = api.get("/users?fields=id,listed.id,recent.id,first.id,neighbours.id")
        assert shown == [
            {
                "id": 1,
                "listed": [{"id": 1}, {"id": 3}],
                "recent": [{"id": 2}],
                "first": {"id": 1},
                "neighbours": [{"id": 2}],
            },
            {"id": 2, "listed": [], "recent": [], "first": None, "neighbours": [{"id": 1}]},
            {"id": 3, "listed": [], "recent": [], "first": None, "neighbours": []},
        ]
        assert api.client.get("/users/2/first").status == 404


def test_many_to_many(backend: Backend) -> None:
    """Link rows with columns and without, and a table linked with itself, each way."""
    Base = declarative()
    follows = sa.Table(
        "follows", Base.metadata,
        sa.Column("follower_id", sa.ForeignKey("users.id"), primary_key=True),
        sa.Column("followed_id", sa.ForeignKey("users.id"), primary_key=True),
        sa.Column("since", sa.Date), sa.Column("secret", sa.String),
    )  # fmt: skip
    likes = sa.Table(
        "likes", Base.metadata,
        sa.Column("a", sa.ForeignKey("users.id"), primary_key=True),
        sa.Column("b", sa.ForeignKey("users.id"), primary_key=True),
    )  # fmt: skip

    class User(Base):
        __tablename__ = "users"
        id: Mapped[int] = mapped_column(primary_key=True)
        following: Mapped[list["User"]] = relationship(
            secondary=follows, primaryjoin=id == follows.c.follower_id, secondaryjoin=id == follows.c.followed_id,
            back_populates="followers",
        )  # fmt: skip
        followers: Mapped[list["User"]] = relationship(
            secondary=follows, primaryjoin=id == follows.c.followed_id, secondaryjoin=id == follows.c.follower_id,
            back_populates="following",
        )  # fmt: skip
        liked: Mapped[list["User"]] = relationship(
            secondary=likes, primaryjoin=id == likes.c.a, secondaryjoin=id == likes.c.b
        )

    with served(backend, User, rows=[User(id=1), User(id=2), User(id=3)]) as api:
        with api.engine.begin() as connection:
            connection.execute(
                follows.insert(),
                [{"follower_id": 1, "followed_id": 2, "since": datetime(2026, 1, 2), "secret": "hush"}],
            )
            connection.execute(likes.insert(), [{"a": 1, "b": 2}, {"a": 1, "b": 3}])
        link = {"since": "2026-01-02"}
        assert api.get("/users/1?include=following.followers,liked") == {
            "id": 1,
            "following": [{"id": 2, "followers": [{"id": 1, "_link": link}], "_link": link}],
            "liked": [{"id": 2}, {"id": 3}],
        }
        assert api.get("/users/2/followers") == [{"id": 1, "_link": link}]
        assert api.get("/users/3/following") == []


def test_link_columns_that_sql_cannot_write(backend: Backend) -> None:
    """A link column of a type of the user's own is left out, and the start says so."""

    class Shouted(sa.types.TypeDecorator[str]):
        impl = sa.String
        cache_ok = True

        def process_result_value(self, value: str | None, dialect: sa.Dialect) -> str | None:
            return value and value.upper()

    Base = base()

    class Link(Base, table=True):
        one_id: int = Field(foreign_key="one.id", primary_key=True)
        two_id: int = Field(foreign_key="two.id", primary_key=True)
        role: str = Field(default="x", sa_type=Shouted)
        weight: int = 1

    class Two(Base, table=True):
        id: int = Field(primary_key=True)

    class One(Base, table=True):
        id: int = Field(primary_key=True)
        twos: list[Two] = Relationship(link_model=Link)

    with served(backend, One, Two, rows=[One(id=1), Two(id=1), Link(one_id=1, two_id=1)]) as api:
        assert "/ones: the link rows of 'twos' are shown without what SQL cannot write: role" in api.api.notes
        assert api.get("/ones/1?include=twos") == {"id": 1, "twos": [{"id": 1, "_link": {"weight": 1}}]}
