"""Derived Read models: what a table model says about its own values goes along, and what only checks input does not."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import Annotated, Any, Literal, NewType

import pytest
import sqlalchemy as sa
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    EmailStr,
    GetCoreSchemaHandler,
    NaiveDatetime,
    PastDate,
    PlainSerializer,
    computed_field,
    field_serializer,
    field_validator,
)
from pydantic import Field as PydanticField
from pydantic_core import core_schema
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlmodel import Field, Relationship
from typing_extensions import TypeAliasType

from onetrip import ConfigurationError, Resource
from tests.schema.serving import base, resource_of, schema_of, served
from tests.support.databases import Backend

Tags = TypeAliasType("Tags", list[str])
Number = NewType("Number", int)


class Color(Enum):
    RED = "red"
    BLUE = 2


# Written by the database


def plain() -> Any:
    class Row(base(), table=True):
        id: int = Field(primary_key=True)
        name: str | None = None

    return Row, [Row(id=1, name='"é"\n'), Row(id=2)]


def constrained() -> Any:
    class Row(base(), table=True):
        id: int = Field(primary_key=True, ge=10)
        name: Annotated[str, AfterValidator(str.upper)] = Field(min_length=9)
        mail: EmailStr = Field(sa_type=sa.String)

        @field_validator("name")
        @classmethod
        def refuse(cls, value: str) -> str:
            raise ValueError(value)

    return Row, [Row(id=1, name="long", mail="NOT AN ADDRESS")]


def named_types() -> Any:
    class Row(base(), table=True):
        id: Number = Field(primary_key=True, sa_type=sa.Integer)
        tags: Tags = Field(sa_type=sa.JSON)
        state: Literal["on", "off"] = Field(sa_type=sa.String)
        aware: AwareDatetime
        naive: NaiveDatetime
        color: Color
        level: Literal["low", "high"] = Field(sa_type=sa.Enum("low", "high", native_enum=False))
        born: PastDate = Field(sa_type=sa.Date)

    moment = datetime(2026, 1, 2, 3, 4, 5)
    return Row, [
        Row(
            id=1,
            tags=["a"],
            state="on",
            aware=moment.replace(tzinfo=UTC),
            naive=moment,
            color=Color.BLUE,
            level="low",
            born=date(2000, 1, 1),
        )
    ]


def sqlalchemy_class() -> Any:
    class Base(DeclarativeBase):
        pass

    class Row(Base):
        __tablename__ = "rows"
        id: Mapped[int] = mapped_column(primary_key=True)
        copy: Mapped[str | None]
        _hash: Mapped[str] = mapped_column(default="x")

    return Row, [Row(id=1, copy="a"), Row(id=2)]


# Written by Python


def computed() -> Any:
    class Row(base(), table=True):
        id: int = Field(primary_key=True)
        first: str
        hashed_password: str = "pw"

        @computed_field(alias="fullName", title="All of it", description="What is said")
        @property
        def full(self) -> str:
            return f"{self.helper()} {self.hashed_password}"

        @computed_field
        @property
        def born(self) -> datetime | None:
            return None

        @computed_field
        @property
        def unchecked(self) -> Annotated[str, PydanticField(max_length=1)]:
            return self.first

        def helper(self) -> str:
            return self.first.title()

    return Row, [Row(id=1, first="ada")]


def serialized() -> Any:
    class Row(base(), table=True):
        id: int = Field(primary_key=True)
        name: str | None = None
        hidden: str = Field(default="x", exclude=True)

        @field_serializer("name", "hidden", when_used="unless-none")
        def shout(self, value: str) -> str:
            return value.upper()

    return Row, [Row(id=1, name="ada"), Row(id=2)]


def serialized_all() -> Any:
    class Row(base(), table=True):
        id: int = Field(primary_key=True)
        size: int = 3

        @field_serializer("*")
        def double(self, value: int) -> int:
            return value * 2

    return Row, [Row(id=1)]


def annotated_serializer() -> Any:
    class Row(base(), table=True):
        id: Annotated[int, PlainSerializer(lambda value: f"#{value}")] = Field(primary_key=True)

    return Row, [Row(id=1)]


class Negated:
    """Metadata that Pydantic does not know, and that says itself how to write a value."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> Any:
        serialization = core_schema.plain_serializer_function_ser_schema(lambda value: -value)
        return {**handler(source), "serialization": serialization}


def metadata_of_others() -> Any:
    class Row(base(), table=True):
        id: Annotated[int, Negated()] = Field(primary_key=True)

    return Row, [Row(id=1)]


def left_out() -> Any:
    class Row(base(), table=True):
        id: int = Field(primary_key=True)
        name: str = PydanticField(default="", exclude_if=lambda name: not name)

    return Row, [Row(id=1), Row(id=2, name="ada")]


def own_settings() -> Any:
    class Row(base(), table=True):
        model_config = ConfigDict(ser_json_timedelta="float")
        id: int = Field(primary_key=True)
        took: timedelta = timedelta(seconds=1.5)

    return Row, [Row(id=1)]


class Size(BaseModel):
    width: int
    height: int = 1


class Sizes(sa.types.TypeDecorator[Size]):
    impl = sa.JSON
    cache_ok = True

    def process_bind_param(self, value: Size | None, dialect: sa.Dialect) -> Any:
        return None if value is None else value.model_dump()

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Size | None:
        return None if value is None else Size.model_validate(value)


def decorated() -> Any:
    class Row(base(), table=True):
        id: int = Field(primary_key=True)
        size: Size | None = Field(default=None, sa_type=Sizes)

    return Row, [Row(id=1, size=Size(width=3)), Row(id=2)]


def model_in_json() -> Any:
    class Row(base(), table=True):
        id: int = Field(primary_key=True)
        size: Size = Field(sa_type=sa.JSON)

    return Row, [Row(id=1, size={"width": 3})]


CASES: list[tuple[Callable[[], Any], str | None]] = [
    (plain, None), (constrained, None), (named_types, None), (sqlalchemy_class, None),
    (computed, "'full' is computed in Python"),
    (serialized, "Row has serializers"),
    (serialized_all, "Row has serializers"),
    (annotated_serializer, "'id' has a serializer"),
    (metadata_of_others, "'id' has a serializer"),
    (left_out, "'name' is left out for some values"),
    (own_settings, "Row changes how values are written"),
    (decorated, "'size' has a column type of its own"),
    (model_in_json, "'size' is declared as Size"),
]  # fmt: skip


@pytest.mark.parametrize(("declare", "reason"), CASES)
def test_answers_of_the_derived_model(backend: Backend, declare: Callable[[], Any], reason: str | None) -> None:
    """Whoever writes it, the answer is what the derived model makes of each row, byte for byte."""
    entity, stored = declare()
    with served(backend, entity, rows=stored) as api:
        resource = next(iter(api.api.schema.resources.values()))
        assert resource.view.python == reason
        expected = [resource.view.model.model_validate(row).model_dump_json(by_alias=True) for row in api.rows(entity)]
        assert api.text(f"/{resource.name}") == f"[{','.join(expected)}]"


@pytest.mark.parametrize("declare", [plain, computed, serialized, annotated_serializer, own_settings])
def test_the_derived_model_writes_as_the_table_does(backend: Backend, declare: Callable[[], Any]) -> None:
    """Apart from names and from what is hidden, the answer is what the table model itself would write."""
    entity, stored = declare()
    with served(backend, entity, rows=stored) as api:
        resource = next(iter(api.api.schema.resources.values()))
        hidden = set(resource.hidden)
        written = [row.model_dump(mode="json", by_alias=True, exclude=hidden) for row in api.rows(entity)]
        assert api.get(f"/{resource.name}") == written


def test_computed_fields() -> None:
    """A computed field is described as such, under its alias, after the columns; `hidden` and its name can hide it."""
    resource = resource_of(computed()[0])
    assert [item.name for item in resource.view.items] == ["id", "first", "fullName", "born", "unchecked"]
    shown = resource.view.model.model_json_schema(mode="serialization")
    assert shown["properties"]["fullName"] == {
        "title": "All of it", "description": "What is said", "type": "string", "readOnly": True
    }  # fmt: skip
    assert "fullName" in shown["required"]


def test_computed_fields_are_asked_for(backend: Backend) -> None:
    """`fields` takes a computed field by itself; filters and `sort` do not know it."""
    entity, stored = computed()
    with served(backend, entity, rows=stored) as api:
        assert api.get("/rows?fields=fullName") == [{"fullName": "Ada pw"}]
        assert api.get("/rows/1?fields=born,id") == {"born": None, "id": 1}
        assert api.refusal("/rows?fullName=x") == "'fullName' is not a parameter of 'rows'."
        assert api.refusal("/rows?sort=fullName") == "'fullName' is not a field of 'rows'."
        assert "hashed_password" not in api.text("/rows")


def test_computed_fields_that_read_relations() -> None:
    """A computed field that counts related rows would count none, so it is refused, unless it is hidden."""
    Base = base()

    class Post(Base, table=True):
        id: int = Field(primary_key=True)
        user_id: int = Field(foreign_key="user.id")

    class User(Base, table=True):
        id: int = Field(primary_key=True)
        posts: list[Post] = Relationship()

        @computed_field
        @property
        def total(self) -> int:
            return sum(post.id for post in self.posts)

    with pytest.raises(
        ConfigurationError, match=r"^User.total: 'total' of User reads the relation 'posts', which is not"
    ):
        schema_of(User)
    assert resource_of(Resource(User, hidden=["total"])).view.python is None


def test_hidden_columns_are_read_only_where_they_are_needed(backend: Backend) -> None:
    """Python gets hidden columns only if code of the class may read them, and whatever is stored in them arrives."""

    class Row(base(), table=True):
        id: int = Field(primary_key=True)
        key_hash: bytes = b"\xff\xfe"

        @computed_field
        @property
        def length(self) -> int:
            return len(self.key_hash)

    shown = annotated_serializer()[0]
    assert [field.attribute for field in resource_of(shown).view.columns] == ["id"]
    with served(backend, Row, rows=[Row(id=1)]) as api:
        assert api.get("/rows") == [{"id": 1, "length": 2}]


def test_read_models_do_not_check() -> None:
    """A Read model is for what is stored: no constraint and no validator of the table is in it."""
    model = resource_of(constrained()[0]).view.model
    row = model.model_validate({"id": 1, "name": "long", "mail": "?"})
    assert row.model_dump() == {"id": 1, "name": "long", "mail": "?"}
    assert model.model_json_schema()["properties"]["mail"] == {"title": "Mail", "type": "string", "format": "email"}
