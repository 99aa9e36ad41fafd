"""What is derived from a mapped class, said as data: names, columns, keys and relations."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Optional

import pytest
import sqlalchemy as sa
from pydantic import ConfigDict
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    MappedAsDataclass,
    column_property,
    composite,
    declared_attr,
    deferred,
    mapped_column,
    query_expression,
    registry,
    relationship,
    synonym,
)
from sqlmodel import Field, Relationship, SQLModel

from onetrip import Resource
from tests.schema import future_tables
from tests.schema.serving import base, fields, relations, resource_of, schema_of


def declarative() -> Any:
    """Make a base for SQLAlchemy classes, apart from all others."""

    class Base(DeclarativeBase):
        pass

    return Base


# Columns


def sqlmodel_bases() -> Any:
    class Named(SQLModel):
        name: str
        nick: str | None = None

    class Stamped(SQLModel):
        version: int = 1

    class User(Stamped, Named, base(), table=True):  # type: ignore[misc]
        id: int | None = Field(default=None, primary_key=True)
        age: int

    return User


def sqlalchemy_mixins() -> Any:
    class Keyed:
        id: Mapped[int] = mapped_column(primary_key=True, sort_order=-1)

    class Owned:
        @declared_attr
        def owner(cls) -> Mapped[str]:
            return mapped_column(sa.String(20), default=cls.__name__)

    class User(Keyed, Owned, declarative()):
        __tablename__ = "user"
        name: Mapped[str]

    return User


def aliases() -> Any:
    class User(base(), table=True):
        id: int = Field(primary_key=True)
        first: str = Field(alias="firstName")
        second: str = Field(serialization_alias="secondName")
        third: str = Field(alias="in", serialization_alias="out")

    return User


def generated_aliases() -> Any:
    class User(base(), table=True):
        model_config = ConfigDict(alias_generator=str.upper)
        id: int = Field(primary_key=True)
        name: str = Field(alias="called")

    return User


def other_names_in_sqlmodel() -> Any:
    class User(base(), table=True):
        id: int = Field(sa_column=sa.Column("user_no", sa.BigInteger, primary_key=True))
        name: str = Field(sa_column=sa.Column("full name", sa.String, nullable=True))
        code: str = Field(sa_type=sa.Uuid, sa_column_kwargs={"name": "c"})

    return User


def other_names_in_sqlalchemy() -> Any:
    class User(declarative()):
        __tablename__ = "user"
        id: Mapped[int] = mapped_column("user_no", primary_key=True)
        name: Mapped[str | None] = mapped_column("full name")

    return User


def nullability_of_the_column() -> Any:
    class User(base(), table=True):
        id: int = Field(primary_key=True)
        said: str | None = Field(default=None, nullable=False)
        unsaid: str = Field(nullable=True)

    return User


def computed_by_the_database() -> Any:
    class Line(base(), table=True):
        id: int = Field(primary_key=True)
        count: int
        double: int | None = Field(default=None, sa_column=sa.Column(sa.Integer, sa.Computed("count * 2")))

    return Line


def expressions() -> Any:
    class User(declarative()):
        __tablename__ = "user"
        full = column_property(sa.literal("Mx ") + sa.literal_column("name", sa.String))
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]
        later: Mapped[str] = deferred(sa.Column(sa.String, nullable=False))
        asked: Mapped[int | None] = query_expression()

        @hybrid_property
        def shout(self) -> str:
            return self.name.upper()

    return User


def expression_on_sqlmodel() -> Any:
    class User(base(), table=True):
        id: int = Field(primary_key=True)
        name: str

    User.size = column_property(sa.func.length(User.name, type_=sa.Integer))
    return User


def several_for_one() -> Any:
    @dataclass
    class Point:
        x: int
        y: int

    class Place(declarative()):
        __tablename__ = "place"
        id: Mapped[int] = mapped_column(primary_key=True)
        at: Mapped[Point] = composite(mapped_column("x"), mapped_column("y"))
        also = synonym("x")

    return Place


def dataclass_mapping() -> Any:
    class Base(MappedAsDataclass, DeclarativeBase):
        pass

    class User(Base):
        __tablename__ = "user"
        id: Mapped[int] = mapped_column(primary_key=True, init=False)
        name: Mapped[str] = mapped_column(default="x", kw_only=True)

    return User


def imperative_mapping() -> Any:
    class Thing:
        pass

    mappers = registry()
    columns = (
        sa.Column("id", sa.Integer, primary_key=True), sa.Column("line-no", sa.Integer), sa.Column("class", sa.String),
        sa.Column("2nd name", sa.String), sa.Column("größe", sa.Float), sa.Column("a.b", sa.Boolean),
    )  # fmt: skip
    mappers.map_imperatively(Thing, sa.Table("thing", mappers.metadata, *columns))
    return Thing


def names_of_pydantic() -> Any:
    class Row(declarative()):
        __tablename__ = "row"
        id: Mapped[int] = mapped_column(primary_key=True)
        model_config: Mapped[int]
        model_fields: Mapped[int]
        schema: Mapped[int]
        copy: Mapped[int]
        json: Mapped[int]
        metadata_: Mapped[int] = mapped_column("metadata")
        self: Mapped[int]

    return Row


def query() -> Any:
    numbers = sa.table("n", sa.column("id", sa.Integer), sa.column("n", sa.Integer))

    class Doubled(declarative()):
        __table__ = sa.select(numbers.c.id, (numbers.c.n * 2).label("twice")).subquery("doubled")
        __mapper_args__ = {"primary_key": [__table__.c.id]}  # noqa: RUF012

    return Doubled


@pytest.mark.parametrize(
    ("declare", "expected"),
    [
        (sqlmodel_bases, "name: string, nick: string?, version: integer, id: integer, age: integer"),
        (sqlalchemy_mixins, "id: integer, name: string, owner: string"),
        (aliases, "id: integer, firstName: string, secondName: string, out: string"),
        (generated_aliases, "ID: integer, called: string"),
        (other_names_in_sqlmodel, "id: integer, name: string?, code: uuid"),
        (other_names_in_sqlalchemy, "id: integer, name: string?"),
        (nullability_of_the_column, "id: integer, said: string, unsaid: string?"),
        (computed_by_the_database, "id: integer, count: integer, double: integer?"),
        (expressions, "id: integer, name: string, later: string, full: string?"),
        (expression_on_sqlmodel, "id: integer, name: string, size: integer?"),
        (several_for_one, "id: integer, x: integer, y: integer"),
        (dataclass_mapping, "id: integer, name: string"),
        (
            imperative_mapping,
            "id: integer, line-no: integer?, class: string?, 2nd name: string?, größe: float?, a.b: boolean?",
        ),
        (
            names_of_pydantic,
            "id: integer, model_config: integer, model_fields: integer, schema: integer, copy: integer, json: integer, "
            "metadata_: integer, self: integer",
        ),
        (query, "id: integer?, twice: integer?"),
        (lambda: future_tables.Note, "id: integer, text: string?, tag_id: integer?"),
        (lambda: future_tables.Leaf, "id: integer, name: string?"),
    ],
)
def test_columns(declare: Callable[[], Any], expected: str) -> None:
    """Columns are shown in the order of declaration, under their aliases, and can be missing where the column can."""
    resource = resource_of(declare())
    assert ", ".join(f"{name}: {kind}" for name, kind in fields(resource).items()) == expected
    assert list(resource.view.model.model_json_schema(mode="serialization")["properties"]) == list(fields(resource))


def test_descriptions() -> None:
    """What is said about a class and its columns goes into the model; what a dataclass says of itself does not."""

    class User(base(), table=True):
        """Somebody
        with an account."""

        id: int = Field(primary_key=True)
        name: str = Field(title="Full name", description="As on the passport", schema_extra={"examples": ["Ada"]})
        note: str = Field(sa_column_kwargs={"comment": "for the staff"})

    class Thing(declarative()):
        __tablename__ = "thing"
        id: Mapped[int] = mapped_column(primary_key=True, doc="the number", comment="unused")

    class Base(MappedAsDataclass, DeclarativeBase):
        pass

    class Plain(Base):
        __tablename__ = "plain"
        id: Mapped[int] = mapped_column(primary_key=True)

    schema = schema_of(User, Thing, Plain)
    user, thing, plain = schema.resources.values()
    assert user.description == "Somebody\nwith an account."
    assert (thing.description, plain.description) == (None, None)
    assert [field.description for field in user.view.fields] == [None, "As on the passport", "for the staff"]
    assert [field.description for field in thing.view.fields] == ["the number"]
    name = user.view.model.model_json_schema()["properties"]["name"]
    assert (name["title"], name["description"]) == ("Full name", "As on the passport")


# Keys


def test_keys() -> None:
    """A key has its columns in the order of the primary key, under the names under which they are shown."""

    class Link(base(), table=True):
        __table_args__ = (sa.PrimaryKeyConstraint("second", "first"),)
        first: int
        second: uuid.UUID = Field(alias="other")

    class Country(base(), table=True):
        name: str
        code: str = Field(primary_key=True)

    class Employee(declarative()):
        __tablename__ = "employee"
        id: Mapped[int] = mapped_column("no", primary_key=True)

    class Manager(Employee):
        __tablename__ = "manager"
        employee_id: Mapped[int] = mapped_column(sa.ForeignKey("employee.no"), primary_key=True)

    class CountryRead(SQLModel):
        code: str = Field(serialization_alias="isoCode")

    keys = [
        [(part.name, part.type.kind) for part in resource_of(declared).key]
        for declared in (Link, Country, Manager, Resource(Country, read=CountryRead))
    ]
    assert keys == [
        [("other", "uuid"), ("first", "integer")], [("code", "string")], [("id", "integer")], [("isoCode", "string")]
    ]  # fmt: skip


# Paths


def path_cases() -> list[tuple[Any, str]]:
    class BlogPost(base(), table=True):
        id: int = Field(primary_key=True)

    class Category(base(), table=True):
        __tablename__ = "cats"
        id: int = Field(primary_key=True)

    class Mixed:
        __tablename__ = "mixed_in"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Mixture(Mixed, declarative()):
        pass

    class Rule:
        @declared_attr.directive
        def __tablename__(cls) -> str:
            return f"tbl_{cls.__name__.lower()}"

    class Ruled(Rule, declarative()):
        id: Mapped[int] = mapped_column(primary_key=True)

    class Scoped(declarative()):
        __tablename__ = "scoped"
        __table_args__ = {"schema": "inner"}  # noqa: RUF012
        id: Mapped[int] = mapped_column(primary_key=True)

    class Odd(declarative()):
        __tablename__ = "größe & co/x"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Staff(declarative()):
        __tablename__ = "staff"
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]
        __mapper_args__ = {"polymorphic_on": "kind"}  # noqa: RUF012

    class HeadCook(Staff):
        __mapper_args__ = {"polymorphic_identity": "cook"}  # noqa: RUF012

    class Waiter(Staff):
        __tablename__ = "waiters"
        id: Mapped[int] = mapped_column(sa.ForeignKey("staff.id"), primary_key=True)
        __mapper_args__ = {"polymorphic_identity": "waiter"}  # noqa: RUF012

    class Bare:
        pass

    mappers = registry()
    mappers.map_imperatively(
        Bare, sa.Table("order_lines", mappers.metadata, sa.Column("id", sa.Integer, primary_key=True))
    )
    return [
        (BlogPost, "blog-posts"), (Category, "cats"), (Mixture, "mixed_in"), (Ruled, "tbl_ruled"), (Scoped, "scoped"),
        (Odd, "größe---co-x"), (Staff, "staff"), (HeadCook, "head-cooks"), (Waiter, "waiters"), (Bare, "order_lines"),
        (Resource(BlogPost, path="blog.posts"), "blog.posts"), (query(), "doubled"),
    ]  # fmt: skip


@pytest.mark.parametrize(("declared", "path"), path_cases())
def test_paths(declared: Any, path: str) -> None:
    """A path is the table's name, however somebody chose that, and else the plural of the class."""
    assert resource_of(declared).name == path


def test_classes_of_one_name() -> None:
    """Classes of one name live side by side under paths of their own, with models of their own."""

    def user() -> Any:
        class User(base(), table=True):
            id: int = Field(primary_key=True)

        return User

    schema = schema_of(user(), Resource(user(), path="customers"))
    assert [(name, resource.title) for name, resource in schema.resources.items()] == [
        ("users", "User"), ("customers", "User")
    ]  # fmt: skip


# Relations


def relation_cases() -> tuple[Any, ...]:
    Base = declarative()
    links = sa.Table(
        "links", Base.metadata,
        sa.Column("post_id", sa.ForeignKey("post.id"), primary_key=True),
        sa.Column("tag_id", sa.ForeignKey("tag.id"), primary_key=True),
        sa.Column("weight", sa.Integer), sa.Column("api_token", sa.String),
    )  # fmt: skip

    class User(Base):
        __tablename__ = "user"
        id: Mapped[int] = mapped_column(primary_key=True)
        posts: Mapped[list["Post"]] = relationship(back_populates="author", foreign_keys="Post.author_id")
        edited: Mapped[list["Post"]] = relationship(back_populates="editor", foreign_keys="Post.editor_id")
        profile: Mapped["Profile | None"] = relationship(back_populates="user")
        boss_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user.id"))
        boss: Mapped["User | None"] = relationship(remote_side=id, back_populates="reports")
        reports: Mapped[list["User"]] = relationship(back_populates="boss")
        logs: Mapped[list["Log"]] = relationship()

    class Profile(Base):
        __tablename__ = "profile"
        user_id: Mapped[int] = mapped_column(sa.ForeignKey("user.id"), primary_key=True)
        user: Mapped[User] = relationship(back_populates="profile")

    class Post(Base):
        __tablename__ = "post"
        id: Mapped[int] = mapped_column(primary_key=True)
        author_id: Mapped[int] = mapped_column(sa.ForeignKey("user.id"))
        editor_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user.id"))
        unchecked: Mapped[int] = mapped_column()
        author: Mapped[User] = relationship(back_populates="posts", foreign_keys=[author_id])
        editor: Mapped[User | None] = relationship(back_populates="edited", foreign_keys=[editor_id])
        boss: Mapped[User | None] = relationship(
            primaryjoin=sa.and_(author_id == User.id, User.boss_id.is_(None)), viewonly=True
        )
        claimed: Mapped[User | None] = relationship(primaryjoin=User.id == sa.orm.foreign(unchecked), viewonly=True)
        tags: Mapped[list["Tag"]] = relationship(secondary=links, back_populates="posts")

    class Tag(Base):
        __tablename__ = "tag"
        id: Mapped[int] = mapped_column(primary_key=True)
        posts: Mapped[list[Post]] = relationship(secondary=links, back_populates="tags")

    class Log(Base):
        __tablename__ = "log"
        id: Mapped[int] = mapped_column(primary_key=True)
        user_id: Mapped[int] = mapped_column(sa.ForeignKey("user.id"))

    return User, Profile, Post, Tag


def test_relations() -> None:
    """Relations are read from the mapper, whatever their kind; one to a table that is not served is left out."""
    schema = schema_of(*relation_cases())
    assert {name: relations(resource) for name, resource in schema.resources.items()} == {
        "user": {
            "posts": "[post]", "edited": "[post]", "profile": "profile?", "boss": "user?", "reports": "[user]"
        },
        "profile": {"user": "user"},
        "post": {"author": "user", "editor": "user?", "boss": "user?", "claimed": "user?", "tags": "[tag]"},
        "tag": {"posts": "[post]"},
    }  # fmt: skip
    tags = schema.resources["post"].relations["tags"]
    assert [(field.name, field.type.kind) for field in tags.link] == [("weight", "integer")]


def test_link_rows_of_a_class() -> None:
    """The columns of a link row are those that its class shows, under the names that it gives them."""
    Base = base()

    class Membership(Base, table=True):
        team_id: int = Field(foreign_key="team.id", primary_key=True)
        user_id: int = Field(foreign_key="user.id", primary_key=True)
        role: str = Field(alias="as")
        since: int = Field(sa_column=sa.Column("since_year", sa.Integer))
        note: str = Field(exclude=True)
        invite_token: str

    class User(Base, table=True):
        id: int = Field(primary_key=True)
        teams: list["Team"] = Relationship(back_populates="users", link_model=Membership)

    class Team(Base, table=True):
        id: int = Field(primary_key=True)
        users: list[User] = Relationship(back_populates="teams", link_model=Membership)

    def link(*more: Any) -> list[tuple[str, str]]:
        return [(field.name, field.attribute) for field in resource_of(User, Team, *more).relations["teams"].link]

    assert link() == [("as", "role"), ("since", "since_year")]
    assert link(Resource(Membership, hidden=["role"])) == [("since", "since_year")]
    assert link(Resource(Membership, exposed=["note"])) == [("as", "role"), ("since", "since_year"), ("note", "note")]


def test_relations_of_bases() -> None:
    """A relation that a mixin declares belongs to each class, and subclasses have those of their base."""
    Base = declarative()

    class Owner(Base):
        __tablename__ = "owner"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Owned:
        @declared_attr
        def owner_id(cls) -> Mapped[int]:
            return mapped_column(sa.ForeignKey("owner.id"))

        @declared_attr
        def owner(cls) -> Mapped[Owner]:
            return relationship(Owner)

    class Pet(Owned, Base):
        __tablename__ = "pet"
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "pet"}  # noqa: RUF012

    class Dog(Pet):
        __mapper_args__ = {"polymorphic_identity": "dog"}  # noqa: RUF012

    schema = schema_of(Owner, Pet, Dog)
    assert relations(schema.resources["pet"]) == relations(schema.resources["dogs"]) == {"owner": "owner"}


def test_registries_do_not_meet() -> None:
    """Tables of different registries are served together; a broken one that is not served does no harm."""

    class Broken(base(), table=True):
        id: int = Field(primary_key=True)
        nobody: Optional["Nobody"] = Relationship()  # type: ignore[name-defined]  # noqa: F821

    class User(base(), table=True):
        id: int = Field(primary_key=True)

    class Post(declarative()):
        __tablename__ = "post"
        id: Mapped[int] = mapped_column(primary_key=True)

    assert list(schema_of(User, Post).resources) == ["users", "post"]


# Limits


def test_limits() -> None:
    """What a resource says about itself is in the schema; the default limit never exceeds the maximum."""

    class User(base(), table=True):
        id: int = Field(primary_key=True)

    plain = resource_of(User)
    assert (plain.default_limit, plain.max_limit, plain.tags) == (50, 1000, ("users",))
    small = resource_of(Resource(User, max_limit=20, tags=["people", "staff"]))
    assert (small.default_limit, small.max_limit, small.tags) == (20, 20, ("people", "staff"))
    assert resource_of(Resource(User, default_limit=7)).default_limit == 7
