"""What a database enforces, under the names by which it reports it; compared with the catalogues of real ones."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry
from sqlmodel import Field, SQLModel

from onetrip.db.database import Database
from onetrip.schema.constraints import constraints, field_of
from onetrip.schema.model import Constraint
from onetrip.schema.model import Field as Shown
from tests.schema.serving import base, resource_of
from tests.support.databases import Backend, Server, postgresql_backend

LONG = "a_table_whose_name_goes_on_for_as_long_as_names_may"
NAMING = {
    "pk": "pk_%(table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "ix": "ix_%(column_0_label)s",
}


def described(
    entity: Any, url: str = "sqlite://", hidden: tuple[str, ...] = (), paths: dict[Any, str] | None = None
) -> list[Constraint]:
    """The constraints of a class whose columns are called as their attributes, in capitals."""
    mapper = sa.inspect(entity)
    fields = {
        prop.key: Shown(name=prop.key.upper(), attribute=prop.key, type=None, nullable=True)
        for prop in mapper.column_attrs
    }
    return list(constraints(mapper, fields, hidden, paths or {}, Database(url).dialect.sqlalchemy))


def facts(found: list[Constraint]) -> list[tuple[Any, ...]]:
    return [(each.kind, each.columns, each.fields) for each in found]


def everything() -> tuple[type[SQLModel], type[SQLModel]]:
    class Base(SQLModel, registry=registry()):
        pass

    class Team(Base, table=True):
        id: int | None = Field(default=None, primary_key=True)
        code: str = Field(unique=True)

    class Person(Base, table=True):
        __table_args__ = (
            sa.UniqueConstraint("team_id", "e_mail"),
            sa.CheckConstraint("age > 0 AND nick <> 'team_id'"),
            sa.CheckConstraint("age < 200"),
            sa.CheckConstraint("e_mail <> ''", name="not_empty"),
            sa.Index(
                "living", "nick", unique=True, sqlite_where=sa.text("age > 1"), postgresql_where=sa.text("age > 1")
            ),
            sa.Index("folded", sa.text("lower(nick)"), unique=True),
            sa.Index("ordinary", "nick"),
        )

        id: int | None = Field(default=None, primary_key=True)
        email: str = Field(sa_column=sa.Column("e_mail", sa.String(40), nullable=False))
        nick: str = Field(unique=True, index=True)
        age: int = Field(sa_column=sa.Column("age", sa.Integer, sa.CheckConstraint("age <> 13")))
        team_id: int | None = Field(default=None, foreign_key="team.id")
        boss_id: int | None = Field(default=None, foreign_key="person.id")

    sa.Index("newest", sa.desc(Person.age), unique=True)
    return Team, Person


def test_every_rule_is_told_with_its_columns_and_public_names() -> None:
    """Keys, unique constraints and indexes, foreign keys and checks; an index that is not unique is no rule."""
    team, person = everything()
    found = described(person, paths={team.__table__: "teams"})  # type: ignore[attr-defined]
    assert sorted(facts(found)) == [
        ("check", ("age",), ("AGE",)),
        ("check", ("age",), ("AGE",)),
        ("check", ("e_mail",), ("EMAIL",)),
        ("check", ("nick", "age"), ("NICK", "AGE")),
        ("foreign_key", ("boss_id",), ("BOSS_ID",)),
        ("foreign_key", ("team_id",), ("TEAM_ID",)),
        ("primary_key", ("id",), ("ID",)),
        ("unique", (), ("NICK",)),
        ("unique", ("age",), ("AGE",)),
        ("unique", ("nick",), ("NICK",)),
        ("unique", ("nick",), ("NICK",)),
        ("unique", ("team_id", "e_mail"), ("TEAM_ID", "EMAIL")),
    ]
    assert {each.columns: each.target for each in found if each.kind == "foreign_key"} == {
        ("team_id",): "teams",
        ("boss_id",): None,
    }
    assert [str(each.where) for each in found if each.where is not None] == ["age > 1"]
    assert {each.table for each in found} == {"person"}


def test_hidden_columns_are_not_named() -> None:
    """What a rule says of a hidden column stays unsaid; its column is known all the same."""
    _, person = everything()
    found = described(person, hidden=("email", "age"))
    assert ("unique", ("team_id", "e_mail"), ("TEAM_ID",)) in facts(found)
    assert ("check", ("e_mail",), ()) in facts(found)


def test_an_index_over_an_expression_is_not_one_over_its_columns() -> None:
    """`lower(email)` concerns the field, but the value alone does not tell whether it is taken."""

    class User(base(), table=True):  # type: ignore[misc]
        id: int | None = Field(default=None, primary_key=True)
        email: str

    sa.Index("folded", sa.func.lower(User.email), unique=True)
    assert facts(described(User))[1:] == [("unique", (), ("EMAIL",))]


def test_a_foreign_key_to_an_undeclared_table_leads_nowhere() -> None:
    class Post(base(), table=True):  # type: ignore[misc]
        id: int | None = Field(default=None, primary_key=True)
        author_id: int = Field(foreign_key="nobody.id")

    assert [each.target for each in described(Post)] == [None, None]


def test_inherited_tables_bring_their_rules() -> None:
    """A row of a joined class stands in two tables, and both have a say."""

    class Base(DeclarativeBase):
        pass

    class Animal(Base):
        __tablename__ = "animal"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str] = mapped_column(unique=True)

    class Dog(Animal):
        __tablename__ = "dog"
        id: Mapped[int] = mapped_column(sa.ForeignKey("animal.id"), primary_key=True)
        chip: Mapped[int] = mapped_column(unique=True)

    assert {(each.table, each.kind, each.fields) for each in described(Dog)} == {
        ("animal", "primary_key", ("ID",)),
        ("animal", "unique", ("NAME",)),
        ("dog", "primary_key", ("ID",)),
        ("dog", "foreign_key", ("ID",)),
        ("dog", "unique", ("CHIP",)),
    }


def test_a_table_of_another_schema_is_told_apart() -> None:
    class User(base(), table=True):  # type: ignore[misc]
        __table_args__ = ({"schema": "audit"},)
        id: int | None = Field(default=None, primary_key=True)

    assert [each.table for each in described(User)] == ["audit.user"]


# Names, as the database has them


def catalogue(backend: Backend) -> set[tuple[str, str]]:
    """Kind and name of every rule that PostgreSQL has."""
    kinds = {"p": "primary_key", "u": "unique", "f": "foreign_key", "c": "check"}
    with backend.engine().connect() as connection:
        rules = connection.exec_driver_sql(
            "SELECT contype::text, conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
        ).all()
        indexes = connection.exec_driver_sql(
            "SELECT 'u', relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid "
            "WHERE indisunique AND relnamespace = 'public'::regnamespace "
            "AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u'))"
        ).all()
    return {(kinds[kind], name) for kind, name in (*rules, *indexes) if kind in kinds}


def many_checks() -> tuple[type[SQLModel], ...]:
    """Rules without names whose generated ones would be equal, too long, or of letters of two bytes."""

    class Base(SQLModel, registry=registry()):
        pass

    class Parent(Base, table=True):
        __tablename__ = "eltern_größe"
        id: int | None = Field(default=None, primary_key=True)

    class Child(Base, table=True):
        __tablename__ = LONG
        __table_args__ = (
            sa.CheckConstraint("a > 1"), sa.CheckConstraint("a > 2"), sa.CheckConstraint("a > b"),
            sa.CheckConstraint("b > a + 1"), sa.UniqueConstraint("a", "b"),
            sa.UniqueConstraint("a_column_with_a_name_that_is_nearly_as_long", "b"),
        )  # fmt: skip
        id: int | None = Field(default=None, primary_key=True)
        a: int = Field(unique=True)
        b: int
        a_column_with_a_name_that_is_nearly_as_long: int = Field(foreign_key="eltern_größe.id")
        größe_größe_größe_größe_größe: int = Field(unique=True)

    return Parent, Child


def conventional() -> tuple[type[SQLModel], ...]:
    """Rules that a naming convention names, one of them in more letters than PostgreSQL takes."""

    class Base(SQLModel, registry=registry(metadata=sa.MetaData(naming_convention=NAMING))):
        pass

    class Child(Base, table=True):
        __tablename__ = LONG
        __table_args__ = (
            sa.UniqueConstraint("a", "parent_id"),
            sa.CheckConstraint("a > 1", name="positive"),
            sa.CheckConstraint("a > 2", name='Odd name: %, "quoted"'),
        )
        id: int | None = Field(default=None, primary_key=True)
        a: int = Field(unique=True, index=True)
        parent_id: int = Field(foreign_key=f"{LONG}.id", unique=True)

    return (Child,)


@pytest.mark.parametrize("tables", [everything, many_checks, conventional])
def test_the_names_are_those_of_postgresql(server: Server, tables: Any) -> None:
    """Named by hand, by a convention or by the server: the catalogue has the same names."""
    classes = tables()
    with postgresql_backend(server) as postgres:
        postgres.create(classes[0].metadata)
        found = [each for entity in classes for each in described(entity, postgres.url)]
        assert all(each.name for each in found)
        assert {(each.kind, each.name) for each in found} == catalogue(postgres)


def test_sqlite_calls_an_unnamed_check_by_its_text() -> None:
    """So it is known by that, and shown to nobody."""
    _, person = everything()
    names = [each.name for each in described(person) if each.kind == "check"]
    assert names == ["age <> 13", "age > 0 AND nick <> 'team_id'", "age < 200", "not_empty"]


@pytest.mark.parametrize("letter", ["ä", "n"])
def test_a_name_that_is_too_long_is_the_part_that_postgresql_keeps(server: Server, letter: str) -> None:
    """It keeps 63 bytes. SQLAlchemy would not create a table with a longer name, if it counts as many letters."""
    name = letter * 70

    class Thing(base(), table=True):  # type: ignore[misc]
        __table_args__ = (sa.UniqueConstraint("rank", name=name),)
        id: int | None = Field(default=None, primary_key=True)
        rank: int

    with postgresql_backend(server) as postgres:
        with postgres.engine().begin() as connection:
            connection.exec_driver_sql(
                f'CREATE TABLE thing (id int PRIMARY KEY, rank int, CONSTRAINT "{name}" UNIQUE (rank))'
            )
        found = described(Thing, postgres.url)
        assert {(each.kind, each.name) for each in found} == catalogue(postgres)
    assert described(Thing)[1].name == name


def test_a_column_has_the_name_that_is_shown() -> None:
    """By its name in the database, unless it is hidden or not there."""

    class User(base(), table=True):  # type: ignore[misc]
        id: int | None = Field(default=None, primary_key=True)
        email: str = Field(sa_column=sa.Column("e_mail", sa.String), alias="eMail")
        password: str

    resource = resource_of(User)
    assert [field_of(resource, name) for name in ("e_mail", "email", "password", "id")] == ["eMail", None, None, "id"]
