"""Hand-written read schemas: what they show, which way they are written, and what is refused."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from functools import cached_property
from operator import attrgetter
from typing import Annotated, Any, ClassVar, Literal, NewType, Optional

import pydantic
import pytest
import sqlalchemy as sa
from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasPath,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    EmailStr,
    PlainSerializer,
    StringConstraints,
    computed_field,
    field_serializer,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic import (
    Field as PydanticField,
)
from sqlalchemy.ext.associationproxy import association_proxy
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import DeclarativeBase, DynamicMapped, Mapped, mapped_column, relationship
from sqlmodel import Field, Relationship, SQLModel
from typing_extensions import TypeAliasType

from onetrip import API, ConfigurationError, Resource
from onetrip.schema.notes import notes
from tests.schema.serving import Served, base, fields, resource_of, schema_of, served
from tests.support.databases import Backend

Base = base()
Numbers = TypeAliasType("Numbers", list[int | None])
Word = NewType("Word", str)


class Rank(Enum):
    LOW = "l"
    HIGH = "h"


class UserBase(SQLModel):
    email: str = Field(max_length=30)
    name: str


class User(UserBase, Base, table=True):
    id: int = Field(primary_key=True)
    hashed_password: str = "secret"
    rank: Rank = Rank.LOW
    balance: Decimal = Field(default=Decimal("1.50"), max_digits=8, decimal_places=2)
    data: dict[str, Any] = Field(default={"theme": "dark", "1": [1, None]}, sa_type=sa.JSON)
    picture: bytes = b"gif"
    created_at: datetime = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    posts: list["Post"] = Relationship(back_populates="author")
    kind: ClassVar[str] = "user"

    @property
    def shout(self) -> str:
        return self.name.upper()

    mail = property(attrgetter("email"))  # a property without code of its own

    @cached_property
    def masked(self) -> str:
        return self.hashed_password[:1] + "…"

    @property
    def post_count(self) -> int:
        return len(self.posts)

    @property
    def titles(self) -> list[str]:
        return [post.title for post in [*self.posts]]

    @property
    def inside(self) -> int:
        return sum(len(self.posts) for _ in "x")

    @property
    def roundabout(self) -> int:
        return len(getattr(self, "".join(["po", "sts"])))

    def method(self) -> str:
        return self.name


class Post(Base, table=True):
    id: int = Field(primary_key=True)
    title: str
    author_id: int | None = Field(default=None, foreign_key="user.id")
    author: User | None = Relationship(back_populates="posts")
    comments: list["Comment"] = Relationship(back_populates="post")


class Comment(Base, table=True):
    id: int = Field(primary_key=True)
    body: str
    post_id: int = Field(foreign_key="post.id")
    post: Post = Relationship(back_populates="comments")


def rows() -> list[Any]:
    return [
        User(id=1, email="ada@example.com", name="ada", rank=Rank.HIGH), User(id=2, email="al@example.com", name="al"),
        Post(id=1, title="first", author_id=1), Post(id=2, title="second", author_id=1), Post(id=3, title="x"),
        Comment(id=1, body="hm", post_id=1), Comment(id=2, body="so", post_id=1), Comment(id=3, body="no", post_id=2),
    ]  # fmt: skip


class Read(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class CommentRead(Read):
    body: str


class PostRead(Read):
    id: int
    title: str


class PostWithComments(Read):
    title: str
    comments: list[CommentRead]


class AuthorRead(Read):
    name: str


# Written by the database


class InheritingTheBase(UserBase):
    id: int


class InAnyOrder(Read):
    rank: Rank
    name: str
    id: int


class WithAliases(Read):
    number: int = PydanticField(validation_alias="id")
    name: str = PydanticField(serialization_alias="userName")
    email: str = PydanticField(validation_alias="email", serialization_alias="e-mail")


class WithChoices(Read):
    nick: str = PydanticField(validation_alias=AliasChoices("nickname", "name"))


class WithGeneratedAliases(Read):
    model_config = ConfigDict(from_attributes=True, alias_generator=str.title, populate_by_name=True)
    id: int
    name: str


class OfEveryKind(Read):
    email: EmailStr
    rank: Rank
    balance: Decimal
    picture: bytes
    created_at: pydantic.AwareDatetime


class WithConstraints(Read):
    id: Annotated[int, PydanticField(gt=0)]
    name: Annotated[str, StringConstraints(min_length=1, max_length=20, pattern="^[a-z]+$")]


class OptionalFields(Read):
    id: int | None = None
    name: Optional[str]  # noqa: UP045
    rank: Literal["never"] | Rank | None = PydanticField(default=None, exclude=True)


class NestedMany(Read):
    id: int
    posts: list[PostRead]


class NestedTwice(Read):
    posts: list[PostWithComments]
    name: str


class NestedUnderAlias(Read):
    articles: list[PostRead] = PydanticField(validation_alias="posts", serialization_alias="texts")


class NestedOne(Read):
    title: str
    author: AuthorRead | None


# Written by Python


class WithComputedField(Read):
    id: int
    name: str

    @computed_field(alias="theLabel")
    @property
    def label(self) -> str:
        return f"{self.id}:{self.name}"


class WithValidator(Read):
    name: str

    @field_validator("name")
    @classmethod
    def title(cls, value: str) -> str:
        return value.title()


class WithModelValidator(Read):
    name: str

    @model_validator(mode="before")
    @classmethod
    def greet(cls, row: User) -> dict[str, str]:
        return {"name": f"{row.name} ({row.hashed_password})"}


class WithFieldSerializer(Read):
    id: int
    created_at: datetime

    @field_serializer("created_at")
    def year(self, value: datetime) -> int:
        return value.year


class WithModelSerializer(Read):
    id: int
    name: str

    @model_serializer(mode="wrap")
    def more(self, handler: Any) -> dict[str, Any]:
        return {"version": 1, **handler(self)}


class WithAnnotatedCode(Read):
    id: Annotated[int, PlainSerializer(lambda value: -value)]
    name: Annotated[str, AfterValidator(str.upper)]


class WithDeepCode(Read):
    data: dict[str, Annotated[Any, PlainSerializer(repr)]]


class ThatStrips(Read):
    name: Annotated[str, StringConstraints(to_upper=True)]


class ThatLowers(Read):
    model_config = ConfigDict(from_attributes=True, str_to_upper=True)
    name: str


class Grade(Enum):
    LOW = "l"
    HIGH = "h"


class OfOtherEnum(Read):
    rank: Annotated[Grade, PydanticField(validate_default=True), BeforeValidator(lambda rank: rank.value)]


class OfOtherTypes(Read):
    balance: float


class Theme(BaseModel):
    theme: str


class OfJSONTypes(Read):
    data: Theme


class WithOwnSettings(Read):
    model_config = ConfigDict(from_attributes=True, ser_json_bytes="base64")
    picture: bytes


class LeavingOut(Read):
    id: int
    rank: Rank = PydanticField(exclude_if=lambda rank: rank is Rank.LOW)


class WithProperties(Read):
    shout: str
    id: int
    masked: str
    mail: str
    kind: str


class WithDefaults(Read):
    id: int
    version: int = 3


class WithPath(Read):
    theme: str = PydanticField(validation_alias=AliasPath("data", "theme"))


class WithProperty(Read):
    shouted: str = PydanticField(validation_alias=AliasChoices("nickname", "shout"))


class CountingNested(Read):
    id: int
    posts: list[PostWithComments]

    @computed_field
    @property
    def count(self) -> int:
        return sum(len(post.comments) for post in self.posts)


class CountingUnseen(Read):
    id: int
    posts: list[PostWithComments] = PydanticField(exclude=True)

    @computed_field
    @property
    def count(self) -> int:
        return len(self.posts)


class ShoutingAuthor(Read):
    shout: str


class NestingPython(Read):
    id: int
    author: ShoutingAuthor | None


BY_THE_DATABASE: list[tuple[type[BaseModel], type[Any]]] = [
    (InheritingTheBase, User), (InAnyOrder, User), (WithAliases, User), (WithChoices, User),
    (WithGeneratedAliases, User), (OfEveryKind, User), (WithConstraints, User), (OptionalFields, User),
    (NestedMany, User), (NestedTwice, User), (NestedUnderAlias, User), (NestedOne, Post),
]  # fmt: skip
BY_PYTHON: list[tuple[type[BaseModel], type[Any], str]] = [
    (WithComputedField, User, "WithComputedField has computed fields"),
    (WithValidator, User, "WithValidator has validators"),
    (WithModelValidator, User, "WithModelValidator has validators"),
    (WithFieldSerializer, User, "WithFieldSerializer has serializers"),
    (WithModelSerializer, User, "WithModelSerializer has serializers"),
    (WithAnnotatedCode, User, "'id' has a serializer"),
    (WithDeepCode, User, "'data' has a serializer"),
    (ThatStrips, User, "'name' has a validator"),
    (ThatLowers, User, "ThatLowers changes how values are written"),
    (OfOtherEnum, User, "'rank' has a validator"),
    (OfOtherTypes, User, "'balance' is declared as float"),
    (OfJSONTypes, User, "'data' is declared as Theme"),
    (WithOwnSettings, User, "WithOwnSettings changes how values are written"),
    (LeavingOut, User, "'rank' is left out for some values"),
    (WithProperties, User, "'shout' in WithProperties is not a column"),
    (WithDefaults, User, "'version' in WithDefaults is not a column"),
    (WithPath, User, "'theme' in WithPath is not a column"),
    (WithProperty, User, "'shouted' in WithProperty is not a column"),
    (CountingNested, User, "CountingNested has computed fields"),
    (CountingUnseen, User, "CountingUnseen has computed fields"),
    (NestingPython, Post, "'shout' in ShoutingAuthor is not a column"),
]


def holds(api: Served, read: type[BaseModel], entity: type[Any]) -> None:
    """The answer is what Pydantic makes of each row, byte for byte."""
    path = next(iter(api.api.schema.resources))
    expected = [read.model_validate(row).model_dump_json(by_alias=True) for row in api.rows(entity)]
    assert api.text(f"/{path}") == f"[{','.join(expected)}]"


def in_python(api: API) -> list[str]:
    """What the start says about reading; a schema that leaves out what a row needs is served without POST, too."""
    return [note for note in api.notes if "written in Python" in note]


@pytest.mark.parametrize(("read", "entity"), BY_THE_DATABASE)
def test_written_by_the_database(backend: Backend, read: type[BaseModel], entity: type[Any]) -> None:
    """A schema without code of its own is written by the database, and as Pydantic would write it."""
    with served(backend, Resource(entity, read=read), rows=rows()) as api:
        assert in_python(api.api) == []
        holds(api, read, entity)


@pytest.mark.parametrize(("read", "entity", "reason"), BY_PYTHON)
def test_written_by_python(backend: Backend, read: type[BaseModel], entity: type[Any], reason: str) -> None:
    """A schema with code of its own is written by Python, the start says why, and the answer is the same."""
    with served(backend, Resource(entity, read=read), rows=rows()) as api:
        assert in_python(api.api) == [f"/{next(iter(api.api.schema.resources))}: written in Python, because {reason}"]
        holds(api, read, entity)


def test_stored_data_that_breaks_constraints(backend: Backend) -> None:
    """What is stored is answered, although a validator would refuse it: constraints are for what comes in."""
    with served(backend, Resource(User, read=InheritingTheBase), rows=[User(id=1, email="x" * 30, name="")]) as api:
        with api.engine.begin() as connection:
            connection.execute(sa.text("""UPDATE "user" SET email = 'no address'"""))
        assert api.get("/users") == [{"email": "no address", "name": "", "id": 1}]
    assert WithConstraints not in {read for read, *_ in BY_PYTHON}


def test_json_columns(backend: Backend) -> None:
    """A JSON column that is declared as plain data is written by the database: the same values, as they were stored."""

    class DataRead(Read):
        data: dict[str, Word | int | Numbers]

    with served(backend, Resource(User, read=DataRead), rows=rows()[:1]) as api:
        assert in_python(api.api) == []
        assert api.get("/users") == [{"data": {"theme": "dark", "1": [1, None]}}]


def test_aliases_that_pydantic_would_not_read(backend: Backend) -> None:
    """An alias is a name in the answer; that Pydantic would also look for it on the row is not held against it."""

    class Camel(Read):
        model_config = ConfigDict(alias_generator=str.upper)
        id: int
        name: str

        @computed_field(alias="size")
        @property
        def length(self) -> int:
            return len(self.name)

    with served(backend, Resource(User, read=Camel), rows=rows()[:1]) as api:
        assert api.get("/users") == [{"ID": 1, "NAME": "ada", "size": 3}]
        assert api.get("/users?fields=NAME,size&ID=1") == [{"NAME": "ada", "size": 3}]


# Asking for parts

PARTS: list[tuple[type[BaseModel], str, Any]] = [
    (WithAliases, "fields=userName,number", {"userName": "ada", "number": 1}),
    (WithComputedField, "fields=theLabel", {"theLabel": "1:ada"}),
    (WithComputedField, "fields=id", {"id": 1}),
    (WithModelSerializer, "fields=id", {"id": 1}),
    (LeavingOut, "fields=rank,id", {"rank": "h", "id": 1}),
    (WithProperties, "fields=kind,shout", {"kind": "user", "shout": "ADA"}),
    (NestedMany, "fields=id", {"id": 1}),
    (NestedMany, "fields=posts.title", {"posts": [{"title": "first"}, {"title": "second"}]}),
    (
        NestedMany,
        "fields=id&include=posts",
        {"id": 1, "posts": [{"id": 1, "title": "first"}, {"id": 2, "title": "second"}]},
    ),
    (
        NestedTwice,
        "fields=posts.comments.body",
        {"posts": [{"comments": [{"body": "hm"}, {"body": "so"}]}, {"comments": [{"body": "no"}]}]},
    ),
    (NestedUnderAlias, "fields=texts.id", {"texts": [{"id": 1}, {"id": 2}]}),
    (CountingNested, "fields=count", {"count": 3}),
    (CountingNested, "fields=id", {"id": 1}),
    (CountingNested, "fields=posts.title", {"posts": [{"title": "first"}, {"title": "second"}]}),
    (CountingUnseen, "fields=count", {"count": 2}),
]


@pytest.mark.parametrize(("read", "query", "expected"), PARTS)
def test_fields(backend: Backend, read: type[BaseModel], query: str, expected: Any) -> None:
    """`fields` chooses among everything that is shown, computed fields and nested relations included."""
    with served(backend, Resource(User, read=read), rows=rows()) as api:
        assert api.get(f"/users/1?{query}") == expected
        assert api.get(f"/users?{query}")[0] == expected


def test_names_that_are_not_shown(backend: Backend) -> None:
    """What the schema does not name does not exist; what Python computes cannot be filtered or sorted by."""
    with served(backend, Resource(User, read=WithComputedField), rows=rows()) as api:
        for path in ("fields=email", "fields=label", "sort=theLabel", "theLabel=x", "email=x", "sort=email"):
            assert "is not a" in api.refusal(f"/users?{path}")
        hint = api.client.get("/users?fields=theLable").json()["hint"]
        assert hint == "Did you mean 'theLabel'?"


@pytest.mark.parametrize("read", [NestedMany, CountingNested, CountingUnseen])
def test_include_beside_what_is_nested(backend: Backend, read: type[BaseModel]) -> None:
    """`include` adds relations to a hand-written schema, below what it nests as well, with what those rows show."""
    resources = (Resource(User, read=read), Resource(Post, read=PostRead), Comment)
    with served(backend, *resources, rows=rows()) as api:
        plain = api.get("/users/1")
        assert api.get("/users/1?include=posts")["posts"] == plain.get(
            "posts", [{"id": 1, "title": "first"}, {"id": 2, "title": "second"}]
        )
        deep = api.get("/users/1?include=posts.author")
        assert [post["author"] for post in deep["posts"]] == [plain, plain]
        assert {name: value for name, value in deep.items() if name != "posts"} == {
            name: value for name, value in plain.items() if name != "posts"
        }
        first = api.get("/users/1?fields=posts.title&include=posts.comments")["posts"][0]
        assert [comment["body"] for comment in first["comments"]] == ["hm", "so"]


def test_below_what_a_validator_left_out(backend: Backend) -> None:
    """A schema that drops nested rows drops them, whatever is asked to stand below them."""

    class Picky(Read):
        posts: list[PostRead]

        @field_validator("posts")
        @classmethod
        def last(cls, posts: list[PostRead]) -> list[PostRead]:
            return posts[-1:]

    with served(backend, Resource(User, read=Picky), Post, Comment, rows=rows()) as api:
        assert api.get("/users/1") == {"posts": [{"id": 2, "title": "second"}]}
        below = api.get("/users/1?include=posts.comments")
        assert [post["title"] for post in below["posts"]] == ["second"]


# Relations of a hand-written schema


def test_nested_rows_of_a_table_that_is_not_served(backend: Backend) -> None:
    """A nested relation needs no resource at its end: its rows are shown, and nothing else of that table is reached."""
    with served(backend, Resource(User, read=NestedTwice), rows=rows()) as api:
        assert list(api.api.schema.resources) == ["users"]
        assert api.get("/users/1")["posts"][1] == {"title": "second", "comments": [{"body": "no"}]}
        assert api.client.get("/users/1/posts").status == 404
        assert api.refusal("/users?include=posts.author") == "'author' is not a relation of 'posts'."
        assert api.refusal("/users?fields=posts.author_id") == "'author_id' is not a field of 'posts'."


def test_link_rows_are_not_shown_unasked(backend: Backend) -> None:
    """A nested schema decides what is shown of each row, so the link row is not; `include` shows it."""
    Base = base()

    class Tagging(Base, table=True):
        post_id: int = Field(foreign_key="text.id", primary_key=True)
        tag_id: int = Field(foreign_key="tag.id", primary_key=True)
        weight: int = 3

    class Tag(Base, table=True):
        id: int = Field(primary_key=True)

    class Text(Base, table=True):
        id: int = Field(primary_key=True)
        tags: list[Tag] = Relationship(link_model=Tagging)

    class TagRead(Read):
        id: int

    class TextRead(Read):
        labels: list[TagRead] = PydanticField(validation_alias="tags")

    stored = [Text(id=1), Tag(id=1), Tagging(post_id=1, tag_id=1)]
    with served(backend, Resource(Text, read=TextRead), Tag, rows=stored) as api:
        assert api.get("/texts") == [{"labels": [{"id": 1}]}]
        assert api.get("/texts?include=tags") == [{"labels": [{"id": 1}], "tags": [{"id": 1, "_link": {"weight": 3}}]}]


def test_properties_of_sqlalchemy(backend: Backend) -> None:
    """A hybrid property or a synonym is not in a derived schema; a hand-written one may show it, as Python has it."""

    class Base(DeclarativeBase):
        pass

    class Row(Base):
        __tablename__ = "rows"
        id: Mapped[int] = mapped_column(primary_key=True)
        _name: Mapped[str] = mapped_column("name")
        alias = sa.orm.synonym("_name")

        @hybrid_property
        def name(self) -> str:
            return self._name.title()

    class RowRead(Read):
        name: str
        alias: str

    assert list(fields(resource_of(Row))) == ["id"]
    with served(backend, Resource(Row, read=RowRead), rows=[Row(id=1, _name="ada")]) as api:
        assert api.get("/rows") == [{"name": "Ada", "alias": "ada"}]


# Refused


class Misspelt(Read):
    nmae: str


class OfNothing(Read):
    weather: str


class OfMethod(Read):
    method: str


class OfNoPath(Read):
    theme: str = PydanticField(validation_alias=AliasPath("dat", "theme"))


class OneForMany(Read):
    posts: PostRead


class ManyForOne(Read):
    author: list[AuthorRead]


class Keys(Read):
    posts: list[int]


class Anything(Read):
    posts: Any = None


class ThroughRelation(Read):
    title: str = PydanticField(validation_alias=AliasPath("posts", 0, "title"))


class Counting(Read):
    post_count: int


class Listing(Read):
    titles: list[str]


class Inside(Read):
    inside: int


class Endless(Read):
    posts: "list[EndlessPost]"


class EndlessPost(Read):
    author: Endless | None


class Unfinished(Read):
    posts: "list[NobodyKnows]"  # type: ignore[name-defined]  # noqa: F821


class Whole(pydantic.RootModel[dict[str, Any]]):
    pass


REFUSED: list[tuple[type[BaseModel], type[Any], str]] = [
    (Misspelt, User, "Misspelt.nmae: User has no 'nmae'. Did you mean 'name'?"),
    (OfNothing, User, "OfNothing.weather: User has no 'weather'. Give it a default, or name a column or a relation."),
    (OfNoPath, User, "OfNoPath.theme: User has no 'theme'."),
    (OfMethod, User, "OfMethod.method: User has no 'method'. Give it a default, or name a column or a relation."),
    (
        OneForMany, User,
        "OneForMany.posts: 'posts' of User is a relation to many rows, which a Pydantic model shows: write posts: "
        "list[PostRead], with a model of your own.",
    ),
    (
        ManyForOne, Post,
        "ManyForOne.author: 'author' of Post is a relation to one row, which a Pydantic model shows: write author: "
        "UserRead | None, with a model of your own.",
    ),
    (Keys, User, "Keys.posts: 'posts' of User is a relation to many rows, which a Pydantic model shows: write posts"),
    (Anything, User, "Anything.posts: 'posts' of User is a relation to many rows, which a Pydantic model shows: write"),
    (
        ThroughRelation, User,
        "ThroughRelation.title: an AliasPath through the relation 'posts' is not followed. Nest a model for it",
    ),
    (
        Counting, User,
        "Counting.post_count: 'post_count' of User reads the relation 'posts', which is not loaded with the row. Make "
        "it a column_property; or nest a model for 'posts' in a hand-written read schema, and compute it there.",
    ),
    (Inside, User, "Inside.inside: 'inside' of User reads the relation 'posts', which is not loaded with the row."),
    (Listing, User, "Listing.titles: 'titles' of User reads the relation 'posts', which is not loaded with the row."),
    (
        Endless, User,
        "Endless contains itself through Endless and EndlessPost, so an answer would have no end. Leave the way back "
        "out of one of them; include= asks for it.",
    ),
    (
        Unfinished, User,
        "Unfinished is not complete: an annotation in it names a class that is not defined where it stands. Import "
        "that class, and call Unfinished.model_rebuild().",
    ),
    (Whole, User, "Whole is a RootModel, and a row is an object: use a model with fields."),
]  # fmt: skip


@pytest.mark.parametrize(("read", "entity", "message"), REFUSED)
def test_refused(read: type[BaseModel], entity: type[Any], message: str) -> None:
    """A schema that the table cannot fill is refused at start, by the name of the field, with what to do."""
    with pytest.raises(ConfigurationError) as refused:
        API(Resource(entity, read=read), Comment, database="sqlite://")
    assert str(refused.value).startswith(message)


def test_association_proxies_are_refused() -> None:
    """A proxy reads a relation, which is not loaded with the row."""

    class Base(DeclarativeBase):
        pass

    class Row(Base):
        __tablename__ = "rows"
        id: Mapped[int] = mapped_column(primary_key=True)
        tags: Mapped[list["Label"]] = relationship()
        labels = association_proxy("tags", "text")

    class Label(Base):
        __tablename__ = "labels"
        id: Mapped[int] = mapped_column(primary_key=True)
        row_id: Mapped[int] = mapped_column(sa.ForeignKey("rows.id"))
        text: Mapped[str]

    class RowRead(Read):
        labels: list[str]

    with pytest.raises(ConfigurationError, match=r"RowRead.labels: 'labels' of Row reads the relation 'tags'"):
        schema_of(Resource(Row, read=RowRead))


def test_collections_that_cannot_be_filled() -> None:
    """A dynamic relationship can be written by the database, but not be loaded for Python to read."""

    class Base(DeclarativeBase):
        pass

    class Row(Base):
        __tablename__ = "rows"
        id: Mapped[int] = mapped_column(primary_key=True)
        items: DynamicMapped["Item"] = relationship()

    class Item(Base):
        __tablename__ = "items"
        id: Mapped[int] = mapped_column(primary_key=True)
        row_id: Mapped[int] = mapped_column(sa.ForeignKey("rows.id"))

    class ItemRead(Read):
        id: int

    class RowRead(Read):
        items: list[ItemRead]

    class Counted(RowRead):
        @computed_field
        @property
        def count(self) -> int:
            return len(self.items)

    assert resource_of(Resource(Row, read=RowRead)).view.python is None
    with pytest.raises(ConfigurationError) as refused:
        schema_of(Resource(Row, read=Counted))
    assert str(refused.value) == (
        "Counted shows 'items', which Row declares as lazy='dynamic', and is written in Python, because Counted has "
        "computed fields. Declare it without lazy=."
    )


def test_a_relation_that_is_read_in_a_roundabout_way(backend: Backend, caplog: pytest.LogCaptureFixture) -> None:
    """What cannot be noticed at start is an error when it happens, and never an empty list; the log says what."""

    class Sneaky(Read):
        roundabout: int

    with served(backend, Resource(User, read=Sneaky), rows=rows()) as api:
        answer = api.client.get("/users/1")
    assert answer.status == 500
    assert json.loads(answer.body)["type"] == "urn:onetrip:problem:unreadable-data"
    assert "A stored User cannot be written by Sneaky" in caplog.text
    assert "lazy load operation of attribute 'posts' cannot proceed" in caplog.text


def test_notes_are_for_what_is_served() -> None:
    """A hand-written schema says what is shown, so nothing is hidden for its name."""
    schema = schema_of(Resource(User, read=InheritingTheBase))
    assert list(notes(schema.resources.values())) == []
    assert "hashed_password" in schema.resources["users"].hidden
