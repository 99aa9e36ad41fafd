"""Bodies of writes: derived from a table with its own rules, or written by hand and held to those of the columns."""

import functools
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Self
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from pydantic import (
    MISSING,
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    NaiveDatetime,
    ValidationError,
    field_validator,
    model_validator,
)
from sqlalchemy.ext.automap import automap_base
from sqlalchemy.orm import DeclarativeBase, Mapped, column_property, mapped_column
from sqlmodel import Field, Relationship, SQLModel

from onetrip import ConfigurationError, Resource
from onetrip.schema.model import Body, Writes
from onetrip.schema.reflect import reflect
from tests.schema.serving import base, resource_of, schema_of
from tests.support.databases import Backend


def post(body: Body | None, raw: str) -> dict[str, Any]:
    """What a body sets, by attribute."""
    assert body is not None
    instance = body.model.model_validate_json(raw)
    values = {field.attribute: getattr(instance, name) for name, field in body.columns.items()}
    return {attribute: value for attribute, value in values.items() if value is not MISSING}


def errors(body: Body | None, raw: str) -> dict[str, str]:
    """What is wrong with a body: types of errors by the name in JSON."""
    assert body is not None
    with pytest.raises(ValidationError) as caught:
        body.model.model_validate_json(raw)
    return {str(error["loc"][-1]) if error["loc"] else "": error["type"] for error in caught.value.errors()}


def fields(body: Body | None) -> dict[str, str]:
    """The fields of a body: `!` for those that have to be sent."""
    assert body is not None
    schema = body.model.model_json_schema()
    required = schema.get("required", [])
    return {name: "!" if name in required else "" for name in schema["properties"]}


def writes(*declared: Any, url: str = "sqlite://") -> Writes:
    return resource_of(*declared, url=url).writes


def generated(found: Writes) -> dict[str, Any]:
    return {item.field.attribute: item.value() for item in found.inserted}


class Kind(Enum):
    DRAFT = "draft"
    DONE = "done"


def posts() -> Any:
    class Post(base(), table=True):
        id: int | None = Field(default=None, primary_key=True)
        title: str = Field(max_length=20, min_length=2, description="What it is about")
        body: str | None = None
        kind: Kind = Kind.DRAFT
        likes: int = Field(default=0, ge=0)
        full_name: str = Field(default="x", serialization_alias="fullName")
        score: int = Field(sa_column_kwargs={"server_default": "7"})
        note: str | None = Field(default=None, sa_column_kwargs={"server_default": "none"})
        token: UUID = Field(default_factory=uuid4)
        at: datetime = Field(default_factory=lambda: datetime.now(UTC))
        hashed_password: str = Field(default="?")
        double: int = Field(sa_column=sa.Column(sa.Integer, sa.Computed("likes * 2")))

    return Post


def test_create_asks_for_what_has_no_default() -> None:
    found = writes(posts())
    assert found.create is not None
    assert fields(found.create) == {
        "title": "!", "body": "", "kind": "", "likes": "", "fullName": "", "score": "", "note": "", "at": "",
    }  # fmt: skip
    assert found.create.model.__name__ == "PostCreate"
    sent = post(found.create, '{"title": "ab", "fullName": "Ada"}')
    at = sent.pop("at")
    assert at.tzinfo is UTC
    assert sent == {"title": "ab", "body": None, "kind": Kind.DRAFT, "likes": 0, "full_name": "Ada"}
    assert found.delete
    assert found.session is None
    assert found.refused is None


def test_what_clients_do_not_set_is_an_unknown_key() -> None:
    create = writes(posts()).create
    unknown = '{"title": "ab", "id": 1, "hashed_password": "x", "double": 2, "token": "x", "full_name": "x", "zz": 1}'
    names = ("id", "hashed_password", "double", "token", "full_name", "zz")
    assert errors(create, unknown) == dict.fromkeys(names, "extra_forbidden")


def test_columns_that_look_secret_are_filled_by_their_defaults() -> None:
    found = generated(writes(posts()))
    assert found["hashed_password"] == "?"
    assert isinstance(found["token"], UUID)
    assert found["kind"] is Kind.DRAFT
    assert {"score", "note", "body", "id", "double"}.isdisjoint(found)


def test_update_sets_what_is_sent() -> None:
    update = writes(posts()).update
    assert update is not None
    assert set(fields(update).values()) == {""}
    assert "id" not in fields(update)
    assert post(update, "{}") == {}
    assert post(update, '{"body": null, "likes": 3}') == {"body": None, "likes": 3}
    assert "title" in errors(update, '{"title": null}')
    assert errors(update, '{"likes": -1, "title": "x"}') == {"likes": "greater_than_equal", "title": "string_too_short"}
    assert update.model.model_validate_json('{"likes": 3}').model_dump() == {"likes": 3}


def test_replace_is_the_whole_row_without_its_key() -> None:
    replace = writes(posts()).replace
    assert fields(replace) == fields(writes(posts()).create)
    assert errors(replace, "{}") == {"title": "missing"}
    assert post(replace, '{"title": "ab"}')["body"] is None


def test_openapi_shows_bounds_and_says_nothing_of_what_is_missing() -> None:
    found = writes(posts())
    assert found.create is not None
    assert found.update is not None
    shown = found.create.model.model_json_schema()
    properties = shown["properties"]
    assert shown["additionalProperties"] is False
    assert properties["title"] == {
        "title": "Title", "type": "string", "maxLength": 20, "minLength": 2, "description": "What it is about",
        "pattern": r"^[^\u0000]*$",
    }  # fmt: skip
    assert properties["likes"] == {
        "title": "Likes", "type": "integer", "minimum": 0, "maximum": 2**31 - 1, "default": 0,
    }  # fmt: skip
    assert properties["score"] == {"title": "Score", "type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1}
    changed = found.update.model.model_json_schema()["properties"]
    assert changed["likes"] == {"title": "Likes", "type": "integer", "minimum": 0, "maximum": 2**31 - 1}
    text = {"type": "string", "pattern": r"^[^\u0000]*$"}
    assert changed["body"] == {"title": "Body", "anyOf": [text, {"type": "null"}]}


@pytest.mark.parametrize("raw", ["[]", "1", '"a"', "null"])
def test_a_body_is_an_object(raw: str) -> None:
    assert errors(writes(posts()).create, raw) == {"": "model_type"}


# Keys


def test_keys_that_nobody_makes_are_the_clients() -> None:
    class Place(base(), table=True):
        country: str = Field(primary_key=True, max_length=2)
        number: int = Field(primary_key=True)
        name: str

    found = writes(Place)
    assert fields(found.create) == {"country": "!", "number": "!", "name": "!"}
    assert fields(found.update) == {"name": ""}
    assert fields(found.replace) == {"name": "!"}


@pytest.mark.parametrize(
    "key",
    [
        lambda: mapped_column(sa.Uuid, primary_key=True, default=uuid4),
        lambda: mapped_column(sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()")),
        lambda: mapped_column(sa.Integer, primary_key=True),
        lambda: mapped_column(sa.Integer, sa.Sequence("numbers"), primary_key=True),
        lambda: mapped_column(sa.Integer, sa.Identity(always=True), primary_key=True),
    ],
)
def test_keys_that_are_made_are_not_the_clients(key: Any) -> None:
    class Base(DeclarativeBase):
        pass

    class Row(Base):
        __tablename__ = "rows"
        id = key()
        name: Mapped[str]

    found = writes(Row)
    assert fields(found.create) == {"name": "!"}
    assert errors(found.create, '{"name": "a", "id": 1}') == {"id": "extra_forbidden"}


def test_a_uuid_without_a_default_is_the_clients() -> None:
    class Row(base(), table=True):
        id: UUID = Field(primary_key=True)
        lang: str = Field(default="en", primary_key=True)

    found = writes(Row)
    assert fields(found.create) == {"id": "!", "lang": ""}
    assert post(found.create, f'{{"id": "{UUID(int=1)}"}}') == {"id": UUID(int=1), "lang": "en"}


# Defaults of SQLAlchemy classes


def test_defaults_of_columns() -> None:
    class Base(DeclarativeBase):
        pass

    class Row(Base):
        __tablename__ = "rows"
        id: Mapped[int] = mapped_column(primary_key=True)
        scalar: Mapped[int] = mapped_column(default=3)
        called: Mapped[Any] = mapped_column(sa.JSON, default=dict)
        partial: Mapped[str] = mapped_column(default=functools.partial(str, "made"))
        sql: Mapped[str] = mapped_column(default=sa.func.upper("a"))
        server: Mapped[str] = mapped_column(server_default="b")
        trigger: Mapped[str] = mapped_column(server_default=sa.FetchedValue())
        counted: Mapped[int] = mapped_column(sa.Identity())
        by_itself: Mapped[int] = mapped_column(sa.Identity(always=True))
        updated: Mapped[str] = mapped_column(default="new", onupdate=lambda: "changed")
        touched: Mapped[str] = mapped_column(server_default="", onupdate="touched")
        in_sql: Mapped[str] = mapped_column(server_default="", onupdate=sa.func.upper("a"))
        _private: Mapped[str] = mapped_column(default="hidden")
        twice: Mapped[int] = column_property(sa.literal_column("1", sa.Integer) * 2)

    found = writes(Row)
    assert set(fields(found.create).values()) == {""}
    assert {"id", "by_itself", "_private", "twice"}.isdisjoint(fields(found.create))
    assert post(found.create, "{}") == {"scalar": 3, "called": {}, "partial": "made", "updated": "new"}
    assert generated(found) == {
        "scalar": 3, "called": {}, "partial": "made", "updated": "new", "_private": "hidden",
    }  # fmt: skip
    assert {item.field.attribute: item.value() for item in found.updated} == {
        "updated": "changed", "touched": "touched",
    }  # fmt: skip
    assert found.session is None


def test_utcnow_gives_a_moment_where_the_column_has_a_time_zone() -> None:
    """Tutorials write it; by itself it is refused when the row is stored, because it does not say that it is in UTC."""

    class Note(base(), table=True):
        id: int | None = Field(default=None, primary_key=True)
        created_at: datetime = Field(default_factory=datetime.utcnow)
        local: NaiveDatetime = Field(default_factory=datetime.utcnow)

    made = post(resource_of(Note).writes.create, "{}")
    assert abs(made["created_at"] - datetime.now(UTC)).total_seconds() < 60
    assert made["local"].tzinfo is None


def test_a_default_that_takes_the_context_needs_a_session() -> None:
    class Base(DeclarativeBase):
        pass

    def default(context: Any) -> str:
        raise AssertionError

    class Row(Base):
        __tablename__ = "rows"
        id: Mapped[int] = mapped_column(primary_key=True)
        slug: Mapped[str] = mapped_column(default=default)

    found = writes(Row)
    assert found.session == "the default of 'slug' takes SQLAlchemy's execution context"
    assert post(found.create, "{}") == {}
    assert generated(found) == {}


def test_inheritance() -> None:
    class Base(DeclarativeBase):
        pass

    class Animal(Base):
        __tablename__ = "animals"
        id: Mapped[int] = mapped_column(primary_key=True)
        species: Mapped[str]
        __mapper_args__ = {"polymorphic_on": "species", "polymorphic_identity": "animal"}  # noqa: RUF012

    class Dog(Animal):
        __mapper_args__ = {"polymorphic_identity": "dog"}  # noqa: RUF012
        bark: Mapped[str | None]

    class Cat(Animal):
        __tablename__ = "cats"
        __mapper_args__ = {"polymorphic_identity": "cat"}  # noqa: RUF012
        id: Mapped[int] = mapped_column(sa.ForeignKey("animals.id"), primary_key=True)
        lives: Mapped[int]

    dog, cat = (resource_of(entity).writes for entity in (Dog, Cat))
    assert fields(dog.create) == {"bark": ""}
    assert generated(dog) == {"species": "dog"}
    assert dog.session is None
    assert fields(cat.create) == {"lives": "!"}
    assert cat.session == "Cat is stored in 2 tables"


def test_a_version_is_counted_and_not_sent() -> None:
    class Base(DeclarativeBase):
        pass

    class Row(Base):
        __tablename__ = "rows"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]
        version: Mapped[int] = mapped_column(nullable=False)
        __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    found = writes(Row)
    assert fields(found.create) == fields(found.replace) == {"name": "!"}
    assert found.refused is None


def test_a_frozen_field_is_set_once() -> None:
    class Row(base(), table=True):
        id: int = Field(primary_key=True)
        slug: Annotated[str, pydantic_field(frozen=True)]
        name: str

    found = writes(Row)
    assert fields(found.create) == {"slug": "!", "name": "!"}
    assert fields(found.update) == {"name": ""}


def pydantic_field(**options: Any) -> Any:
    from pydantic import Field

    return Field(**options)


# Hidden columns


def test_nothing_is_created_without_a_hidden_value_that_is_required() -> None:
    class User(base(), table=True):
        id: int | None = Field(default=None, primary_key=True)
        name: str
        hashed_password: str

    found = writes(User)
    assert found.create is None
    assert found.refused == (
        "'hashed_password' must have a value, and nothing provides one: give the column a default, or a model that has "
        "it, Resource(User, create=…)"
    )
    assert fields(found.update) == fields(found.replace) | {"name": ""} == {"name": ""}

    class UserCreate(BaseModel):
        name: str
        hashed_password: str

    class Short(BaseModel):
        name: str

    class Register(Short):
        password: str  # for a hook

    assert writes(Resource(User, create=UserCreate)).create is not None
    assert writes(Resource(User, create=Register)).create is not None
    assert writes(Resource(User, create=Short)).refused == (
        "'hashed_password' must have a value, and nothing provides one: give the column a default, or a field in Short"
    )
    assert fields(writes(Resource(User, exposed=["hashed_password"])).create) == {"name": "!", "hashed_password": "!"}


def test_a_hand_written_answer_decides_what_can_be_written() -> None:
    Base = base()

    class User(Base, table=True):
        id: int | None = Field(default=None, primary_key=True)
        name: str

    class Post(Base, table=True):
        id: int | None = Field(default=None, primary_key=True)
        title: str
        secretly: bool = False
        author_id: int = Field(foreign_key="user.id")
        author: User = Relationship()

    class UserRead(BaseModel):
        name: str

    class PostRead(BaseModel):
        title: str
        author: UserRead

    found = schema_of(Resource(Post, read=PostRead), User).resources["posts"].writes
    assert fields(found.create) == {"title": "!", "author_id": "!"}


# A table's own rules


class Rules(SQLModel, registry=sa.orm.registry()):
    pass


class Booking(Rules, table=True):
    model_config = ConfigDict(str_strip_whitespace=True)

    id: int | None = Field(default=None, primary_key=True)
    code: Annotated[str, AfterValidator(str.upper)] = Field(schema_extra={"pattern": "^[a-z]+$"})
    rooms: Annotated[int, BeforeValidator(lambda value: 1 if value == "one" else value)] = 1
    first: int = 0
    last: int = 9
    name: str = ""
    price: Decimal = Field(default=Decimal(1), max_digits=6, decimal_places=2, ge=Decimal("0.5"))

    @field_validator("name", mode="after")
    @classmethod
    def longer(cls, value: str) -> str:
        if value == "no":
            raise ValueError("not no")
        return "\0" if value == "nul" else f"{value}!"

    @field_validator("*", mode="before")
    @classmethod
    def not_minus_one(cls, value: Any) -> Any:
        assert value != -1, "minus one"
        return value

    @model_validator(mode="before")
    @classmethod
    def rename(cls, data: Any) -> Any:
        return {"name": data.pop("old"), **data} if isinstance(data, dict) and "old" in data else data

    @model_validator(mode="after")
    def in_order(self) -> Self:
        if self.span() < 0:
            raise ValueError("the last is before the first")
        if self.name == "fill!":
            self.last = 42
        if self.name == "burst!":
            self.last = 2**31
        return self

    def span(self) -> int:
        return self.last - self.first


def test_constraints_and_validators_of_a_table_apply() -> None:
    found = writes(Booking)
    sent = post(found.create, '{"code": " ab ", "name": "x", "rooms": "one"}')
    assert sent == {"code": "AB", "rooms": 1, "first": 0, "last": 9, "name": "x!", "price": Decimal(1)}
    assert errors(found.create, '{"code": "1"}') == {"code": "string_pattern_mismatch"}
    assert errors(found.create, '{"code": "a", "name": "no"}') == {"name": "value_error"}
    assert errors(found.create, '{"code": "a", "first": -1}') == {"first": "assertion_error"}
    assert errors(found.create, '{"code": "a", "price": "0.1"}') == {"price": "greater_than_equal"}
    assert errors(found.create, '{"code": "a", "price": "1.555"}') == {"price": "decimal_max_places"}
    assert errors(found.update, '{"name": "no", "last": -1}') == {"name": "value_error", "last": "assertion_error"}


def test_bounds_have_the_last_word() -> None:
    assert errors(writes(Booking).create, '{"code": "a", "name": "nul"}') == {"name": "null_character"}


def test_validators_of_a_row_see_the_row() -> None:
    found = writes(Booking)
    assert errors(found.create, '{"code": "a", "first": 10}') == {"": "value_error"}
    assert errors(found.replace, '{"code": "a", "first": 10}') == {"": "value_error"}
    assert post(found.update, '{"first": 10}') == {"first": 10}  # there is no whole row to see
    assert post(found.create, '{"code": "a", "name": "fill"}')["last"] == 42
    assert errors(found.create, '{"code": "a", "name": "burst"}') == {"": "out_of_range"}
    assert post(found.create, '{"code": "a", "old": "x"}')["name"] == "x!"


class Theme(BaseModel):
    dark: bool = False
    since: datetime | None = None


def test_json_of_models_is_validated_and_stored_as_json() -> None:
    class Row(base(), table=True):
        id: int | None = Field(default=None, primary_key=True)
        theme: Theme = Field(default_factory=Theme, sa_type=sa.JSON)
        themes: list[Theme] = Field(default=[], sa_type=sa.JSON)
        folder: Path = Path("x")

    found = writes(Row)
    assert post(found.create, '{"theme": {"since": "2026-01-31T00:00:00Z"}, "folder": "/a"}') == {
        "theme": {"dark": False, "since": "2026-01-31T00:00:00Z"}, "themes": [], "folder": "/a",
    }  # fmt: skip
    assert post(found.create, "{}")["theme"] == {"dark": False, "since": None}
    assert generated(found)["theme"] == {"dark": False, "since": None}
    assert generated(found)["folder"] == "x"
    assert errors(found.create, '{"themes": [{"dark": 3}]}') == {"dark": "bool_parsing"}
    assert post(found.update, '{"theme": {}}') == {"theme": {"dark": False, "since": None}}


# Hand-written models


def users() -> Any:
    class User(base(), table=True):
        id: int | None = Field(default=None, primary_key=True)
        name: str = Field(max_length=5)
        bio: str | None = None
        level: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
        hashed_password: str = ""
        double: int = Field(sa_column=sa.Column(sa.Integer, sa.Computed("level * 2")))

    return User


def test_a_hand_written_model_wins() -> None:
    class UserCreate(BaseModel):
        """Who comes."""

        name: str
        level: int | None = None
        password: str

    found = writes(Resource(users(), create=UserCreate))
    assert found.create is not None
    assert issubclass(found.create.model, UserCreate)
    assert found.create.extra == ("password",)
    assert found.create.model.model_json_schema()["title"] == "UserCreate"
    assert found.create.model.__doc__ == "Who comes."
    assert post(found.create, '{"name": "ada", "password": "x"}') == {"name": "ada"}
    assert post(found.create, '{"name": "ada", "password": "x", "level": 2}') == {"name": "ada", "level": 2}
    assert found.update is not None
    assert found.update.model.__name__ == "UserUpdate"


def test_a_hand_written_model_is_held_to_the_columns() -> None:
    class UserCreate(BaseModel):
        name: str
        level: int | None = None

    create = writes(Resource(users(), create=UserCreate)).create
    assert errors(create, '{"name": "ada", "nick": 1}') == {"nick": "extra_forbidden"}
    assert errors(create, '{"name": "adaada"}') == {"name": "string_too_long"}
    assert errors(create, r'{"name": "a\u0000"}') == {"name": "null_character"}
    assert errors(create, '{"name": "ada", "level": null}') == {"level": "null"}
    assert errors(create, '{"name": "ada", "level": 2147483648}') == {"level": "out_of_range"}


def test_values_of_other_types_are_read_or_refused() -> None:
    class Row(base(), table=True):
        id: int | None = Field(default=None, primary_key=True)
        at: datetime
        price: Decimal
        count: int
        ratio: float
        flag: bool

    class RowCreate(BaseModel):
        at: str
        price: float | str
        count: Any
        ratio: Decimal
        flag: Any

    create = writes(Resource(Row, create=RowCreate)).create
    sent = '{"at": "2026-01-31T09:30:00Z", "price": "1.5", "count": "3", "ratio": "0.5", "flag": true}'
    assert post(create, sent) == {
        "at": datetime(2026, 1, 31, 9, 30, tzinfo=UTC), "price": Decimal("1.5"), "count": 3, "ratio": 0.5, "flag": True,
    }  # fmt: skip
    assert errors(create, '{"at": "x", "price": "x", "count": [1], "ratio": 1, "flag": {}}') == dict.fromkeys(
        ("at", "price", "count", "flag"), "not_a_value"
    )
    assert errors(create, sent.replace('"3"', "2147483648")) == {"count": "out_of_range"}


def test_a_hand_written_update_is_all_that_can_be_changed() -> None:
    class UserUpdate(SQLModel):
        name: str | None = None
        bio: str | None = None

    found = writes(Resource(users(), update=UserUpdate))
    assert found.update is not None
    assert errors(found.update, '{"name": null}') == {"name": "null"}
    instance = found.update.model.model_validate_json('{"bio": null}')
    assert (instance.model_fields_set, instance.bio) == ({"bio"}, None)
    assert found.replace is None
    assert found.refused == "UserUpdate says what may be changed, so that nothing is replaced as a whole"
    assert found.create is not None


def test_what_a_hand_written_model_says_of_unknown_keys_holds() -> None:
    class UserCreate(BaseModel):
        model_config = ConfigDict(extra="ignore")
        name: str

    assert post(writes(Resource(users(), create=UserCreate)).create, '{"name": "a", "nick": 1}') == {"name": "a"}


@pytest.mark.parametrize(
    ("option", "name", "reason"),
    [
        ("create", "double", "UserWrite.double is made by the database or by SQLAlchemy"),
        ("update", "id", "UserWrite.id is the key of a row, which does not change"),
    ],
)
def test_a_hand_written_model_cannot_set_everything(option: str, name: str, reason: str) -> None:
    model = type("UserWrite", (BaseModel,), {"__annotations__": {name: int}})
    with pytest.raises(ConfigurationError, match=reason):
        writes(Resource(users(), **{option: model}))


# Databases that have no models


def test_bytes_of_a_table_without_a_class_are_base64() -> None:
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE files (id INTEGER PRIMARY KEY, data BLOB NOT NULL)")
        (entity,) = reflect(connection).classes
    engine.dispose()
    create = writes(entity).create
    assert fields(create) == {"data": "!"}
    assert post(create, '{"data": "_-8A"}') == {"data": b"\xff\xef\x00"}
    assert errors(create, '{"data": "é"}') == errors(create, '{"data": "a"}') == {"data": "base64_parsing"}


def test_tables_without_models(backend: Backend) -> None:
    engine = backend.engine()
    metadata = sa.MetaData()
    sa.Table(
        "things", metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(3), nullable=False),
        sa.Column("price", sa.Numeric(5, 2)),
        sa.Column("level", sa.SmallInteger, server_default="1", nullable=False),
        sa.Column("double", sa.Integer, sa.Computed("level * 2", persisted=True)),
        sa.Column("blob", sa.LargeBinary),
    )  # fmt: skip
    metadata.create_all(engine)
    found_base = automap_base()
    found_base.prepare(engine)
    create = writes(found_base.classes.things, url=backend.url).create
    assert fields(create) == {"name": "!", "price": "", "level": "", "blob": ""}
    assert post(create, '{"name": "abc", "price": "1.50"}') == {"name": "abc", "price": Decimal("1.5"), "blob": None}
    assert errors(create, '{"name": "abcd", "price": "1.555"}') == {
        "name": "string_too_long", "price": "decimal_max_places",
    }  # fmt: skip
