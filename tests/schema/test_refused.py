"""What cannot be served is refused at start, in one sentence or two: the fact, the place, the remedy."""

import sys
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from pydantic import BaseModel, model_serializer
from sqlalchemy.orm import DeclarativeBase, Mapped, aliased, column_property, mapped_column, registry, relationship
from sqlmodel import Field, Relationship, SQLModel

from onetrip import API, ConfigurationError, Resource
from onetrip.schema.mappers import REFLECTED
from onetrip.schema.notes import notes
from tests.schema.serving import base, schema_of

HEAD = """
from typing import List, Optional
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry, relationship
from sqlmodel import Field, Relationship, SQLModel

class Base(SQLModel, registry=registry()):
    pass

class Declarative(DeclarativeBase):
    pass
"""
USER = """
class User(Base, table=True):
    id: int = Field(primary_key=True)
    posts: List["Post"] = Relationship(back_populates="author")
"""
POST = """
class Post(Base, table=True):
    id: int = Field(primary_key=True)
    author_id: int = Field(foreign_key="user.id")
    author: Optional["User"] = Relationship(back_populates="posts")
"""
DECLARATIVE = """
class User(Declarative):
    __tablename__ = "user"
    id: Mapped[int] = mapped_column(primary_key=True)
    posts: Mapped[list["Post"]] = relationship(back_populates="author")

class Post(Declarative):
    __tablename__ = "post"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(sa.ForeignKey("user.id"))
    author: Mapped["User"] = relationship(back_populates="posts")
"""


def written(source: str, head: str = HEAD) -> Any:
    """Run source code as a module, as a user's module of tables is imported."""
    module = ModuleType(f"tables_{uuid4().hex}")
    sys.modules[module.__name__] = module
    exec(compile(head + source, module.__name__, "exec"), module.__dict__)
    return module


def refusal(*declared: Any) -> str:
    with pytest.raises(ConfigurationError) as refused:
        schema_of(*declared)
    return str(refused.value)


# Relationships

BROKEN = [
    (
        "a string for a union",
        USER + POST.replace('Optional["User"]', '"User | None"'),
        'Post.author: SQLModel cannot read the annotation "User | None". Write Optional["User"].',
    ),
    (
        "no foreign key",
        USER + POST.replace('Field(foreign_key="user.id")', "0"),
        "User.posts: no foreign key joins the tables 'user' and 'post'. Add one to Post, user_id: int = "
        "Field(foreign_key='user.id'), or link_model= to the relationship if there are many on both sides.",
    ),
    (
        "no foreign key in SQLAlchemy",
        DECLARATIVE.replace('sa.ForeignKey("user.id")', ""),
        "User.posts: no foreign key joins the tables 'user' and 'post'. Add one to Post, user_id: Mapped[int] = "
        "mapped_column(ForeignKey('user.id')), or secondary= to the relationship if there are many on both sides.",
    ),
    (
        "many on both sides without a link",
        USER + POST.replace('Field(foreign_key="user.id")', "0").replace("Optional", "List"),
        "User.posts: no foreign key joins the tables 'user' and 'post'. Add one to Post, user_id: int = "
        "Field(foreign_key='user.id'), or link_model= to the relationship if there are many on both sides.",
    ),
    (
        "a foreign key to a misspelt table",
        USER + POST.replace("user.id", "usr.id"),
        "User.posts: post.author_id refers to 'usr.id', and there is no such table. Did you mean 'user'?",
    ),
    (
        "a foreign key to a table of nowhere",
        USER + POST.replace("user.id", "account.id"),
        "User.posts: post.author_id refers to 'account.id', and there is no such table. Import its module before the "
        "API is made.",
    ),
    (
        "a foreign key to a misspelt column",
        USER + POST.replace("user.id", "user.key"),
        "User.posts: post.author_id refers to 'user.key', and 'user' has no such column. It has: id.",
    ),
    (
        "two foreign keys",
        USER + POST.replace("    author:", '    editor_id: int = Field(foreign_key="user.id")\n    author:'),
        "User.posts: several foreign keys join its two tables: post.author_id, post.editor_id. Say which on both "
        "sides: "
        "sa_relationship_kwargs={'foreign_keys': 'Post.author_id'}.",
    ),
    (
        "two foreign keys in SQLAlchemy",
        DECLARATIVE.replace("    author:", '    editor_id = mapped_column(sa.ForeignKey("user.id"))\n    author:'),
        "User.posts: several foreign keys join its two tables: post.author_id, post.editor_id. Say which on both "
        "sides: "
        "foreign_keys='Post.author_id'.",
    ),
    (
        "a misspelt back_populates",
        USER + POST.replace('back_populates="posts"', 'back_populates="post"'),
        "Post.author: back_populates names 'post', which User does not have. Did you mean 'posts'?",
    ),
    (
        "a back_populates that leads nowhere",
        USER.replace('    posts: List["Post"] = Relationship(back_populates="author")\n', "") + POST,
        "Post.author: back_populates names 'posts', which User does not have. Name the relationship that leads back.",
    ),
    (
        "a misspelt class",
        USER.replace('List["Post"]', 'List["Pots"]') + POST,
        "User.posts: there is no table or table class called 'Pots'. Did you mean 'Post'?",
    ),
    (
        "a class that was not imported",
        USER + POST.replace('Optional["User"]', 'Optional["Invoice"]'),
        "Post.author: there is no table or table class called 'Invoice'. Is table=True missing, or the module not "
        "imported before the API is made?",
    ),
    (
        "a misspelt link table",
        DECLARATIVE.replace('relationship(back_populates="author")', 'relationship(secondary="pots")'),
        "User.posts: there is no table or table class called 'pots'. Did you mean 'post'?",
    ),
    (
        "a misspelt column in an expression",
        DECLARATIVE.replace('(back_populates="posts")', '(foreign_keys="Post.autor_id")'),
        "Post.author: an expression in it cannot be read: Class <class 'Post'> does not have a mapped column named "
        "'autor_id'. Write it as in 'Post.author_id == User.id'.",
    ),
    (
        "an expression that is not Python",
        DECLARATIVE.replace('(back_populates="posts")', '(primaryjoin="Post.author_id = User.id")'),
        "Post.author: an expression in it cannot be read: invalid syntax (<string>, line 1). "
        "Write it as in 'Post.author_id == User.id'.",
    ),
    (
        "a condition without a foreign key",
        DECLARATIVE.replace('(back_populates="posts")', '(primaryjoin="Post.id == User.id")'),
        "Post.author: Could not locate any relevant foreign key columns for primary join condition 'post.id = "
        '"user".id\' on relationship Post.author. Ensure that referencing columns are associated with a ForeignKey or '
        "ForeignKeyConstraint, or are annotated in the join condition with the foreign() annotation.",
    ),
]


@pytest.mark.parametrize(("source", "message"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_broken_relationships(source: str, message: str) -> None:
    """The relationship that is broken is named, whichever class is served, and again when it is asked a second time."""
    tables = written(source)
    for declared in ((tables.User, tables.Post), (tables.User,), (tables.Post, tables.User)):
        assert refusal(*declared).replace(f"{tables.__name__}.", "") == message


def test_annotations_that_became_strings() -> None:
    """`from __future__ import annotations` takes from SQLModel what it reads, and is named as the cause."""
    tables = written(USER + POST, "from __future__ import annotations\n" + HEAD)
    assert refusal(tables.User, tables.Post) == (
        "User.posts: its annotation List['Post'] is a string. SQLModel cannot read those: leave out "
        "'from __future__ import annotations' in that module, and quote only the class, as in list[\"Post\"]."
    )  # fmt: skip


def test_what_else_goes_wrong_while_mapping() -> None:
    """Whatever a hook of the user's own raises while classes are mapped is said in one sentence, too."""

    class Base(DeclarativeBase):
        pass

    class User(Base):
        __tablename__ = "user"
        id: Mapped[int] = mapped_column(primary_key=True)

    @sa.event.listens_for(User, "mapper_configured")
    def refuse(mapper: Any, cls: Any) -> None:
        raise LookupError("no such\n  thing.")

    assert refusal(User) == "The tables cannot be mapped: no such thing."


def test_an_alias_as_target() -> None:
    """A relationship to an alias would lead to all rows of its class, so it is refused unless it is hidden."""

    class Base(DeclarativeBase):
        pass

    class User(Base):
        __tablename__ = "user"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Post(Base):
        __tablename__ = "post"
        id: Mapped[int] = mapped_column(primary_key=True)
        user_id: Mapped[int] = mapped_column(sa.ForeignKey("user.id"))

    recent = aliased(Post, sa.select(Post).where(Post.id > 100).subquery())
    User.recent = relationship(recent, primaryjoin=User.id == recent.user_id, viewonly=True)
    assert refusal(User, Post) == (
        "User.recent leads to an alias, which is not followed. Say which rows with a primaryjoin, or leave the "
        "relation out: Resource(User, hidden=['recent'])."
    )
    assert schema_of(Resource(User, hidden=["recent"]), Post).resources["user"].relations == {}


# Classes


class Plain:
    pass


class Written(BaseModel):
    id: int


class Row(DeclarativeBase):
    pass


class Stored(Row):
    __tablename__ = "stored"
    id: Mapped[int] = mapped_column(primary_key=True)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (Plain, "Plain is not a table. Map it to a table, or leave it out of the API."),
        (Written, "Written is not a table. Map it to a table, or leave it out of the API."),
        (Row, "Row is not a table. Map it to a table, or leave it out of the API."),
        (SQLModel, "SQLModel is not a table. Add table=True, or leave it out of the API."),
        ("Stored", "'Stored' is a string: give the class itself."),
        ([Stored, Plain], "An API takes classes one by one: API(User, Post), or API(*tables)."),
        (Stored.__table__, "'stored' is a Table: map a class to it, and give the class."),
        (Stored(id=1), "A Stored is one row: give the class Stored."),
        (None, "None is not a class: give a SQLModel table or a SQLAlchemy declarative class."),
        (7, "7 is not a class: give a SQLModel table or a SQLAlchemy declarative class."),
    ],
)
def test_not_a_table(given: Any, message: str) -> None:
    """Whatever is not a class that is mapped to a table is refused, bare and in a Resource."""
    assert refusal(given) == message
    assert refusal(Resource(given)) == message


def test_a_forgotten_table() -> None:
    """A SQLModel class without `table=True` is told so, also where others lead to it."""
    tables = written(USER + POST.replace(", table=True", ""))
    assert refusal(tables.Post, tables.User) == "Post is not a table. Add table=True, or leave it out of the API."
    assert refusal(tables.User).startswith("User.posts: there is no table or table class called 'Post'. Is table=True")


def test_a_table_that_inherits_from_a_table() -> None:
    """SQLModel makes no second table of a class that inherits from one, and says nothing; here it is said."""

    class User(base(), table=True):
        id: int = Field(primary_key=True)

    class Admin(User, table=True):
        level: int = 0

    class Guest(User):
        room: int = 0

    remedy = "Move the fields that they share to a class without table=True, and inherit both from that."
    for model in (Admin, Guest):
        assert (
            refusal(User, model)
            == f"{model.__name__} inherits from the table User, which SQLModel cannot map. {remedy}"
        )


# Names


class First(Row):
    __tablename__ = "first"
    id: Mapped[int] = mapped_column(primary_key=True)


def test_one_path_for_two() -> None:
    """Two classes of one path are named with their modules, since they may well have one name."""
    here = First.__module__
    assert refusal(First, Resource(Stored, path="first")) == (
        f"{here}.First and {here}.Stored both have the path '/first'. "
        "Give one of them another: Resource(Stored, path='…')."
    )


def test_one_class_twice() -> None:
    """A class is one resource."""
    assert refusal(First, Stored, First) == "First is declared twice. Leave one of the two out."
    assert refusal(First, Resource(First, path="second")) == "First is declared twice. Leave one of the two out."


def test_paths_that_are_taken() -> None:
    """A path of a health check is refused; where FastAPI may have a page, the start says so."""
    assert refusal(Resource(First, path="livez")) == (
        "First: '/livez' is a health check. Give it another: Resource(…, path='…')."
    )
    schema = schema_of(Resource(First, path="docs"))
    assert list(notes(schema.resources.values())) == [
        "/docs: FastAPI has a page of its own there: give another path=, or include the router with a prefix"
    ]


def test_reflected_paths_give_way() -> None:
    """Nobody chose the names of a database that was read, so they are numbered where they clash."""
    mappers = registry()
    classes = []
    for name in ("Order Lines", "Order-Lines", "livez"):
        table = sa.Table(name, mappers.metadata, sa.Column("id", sa.Integer, primary_key=True), info={REFLECTED: True})
        classes.append(type(f"Line{len(classes)}", (), {}))
        mappers.map_imperatively(classes[-1], table)
    assert list(schema_of(*classes).resources) == ["Order-Lines", "OrderLines2", "livez_2"]


CLASHES = [
    ('name: str = Field(alias="email")\n    email: str', "User: 'email' would stand twice in an answer."),
    ('name: str = Field(alias="boss")', "User: 'boss' would stand twice in an answer."),
]


@pytest.mark.parametrize(("column", "message"), CLASHES)
def test_clashes(column: str, message: str) -> None:
    """A name stands in an answer once: a column cannot be called as another or as a relation."""
    tables = written(f"""
class User(Base, table=True):
    id: int = Field(primary_key=True)
    {column}
    boss_id: int = Field(foreign_key="user.id")
    boss: Optional["User"] = Relationship(sa_relationship_kwargs={{"remote_side": "User.id"}})
""")
    assert refusal(tables.User).startswith(message)


def test_the_name_of_link_rows() -> None:
    """`_link` is taken where a relation shows the columns of its link row, and nowhere else."""
    Base = base()

    class Link(Base, table=True):
        one_id: int = Field(foreign_key="one.id", primary_key=True)
        two_id: int = Field(foreign_key="two.id", primary_key=True)
        weight: int = 0

    class One(Base, table=True):
        id: int = Field(primary_key=True)
        twos: list["Two"] = Relationship(link_model=Link)

    class Two(Base, table=True):
        id: int = Field(primary_key=True)
        linked: int = Field(alias="_link")

    assert refusal(One, Two) == (
        "Two: '_link' is where 'twos' of One shows the columns of the link row. Give the column an alias."
    )
    assert schema_of(Two).resources["twos"].fields.keys() == {"id", "_link"}


def test_a_table_that_writes_itself() -> None:
    """What a `model_serializer` of a table would write cannot be known, so a read schema has to say it."""

    class User(base(), table=True):
        id: int = Field(primary_key=True)

        @model_serializer
        def write(self) -> dict[str, int]:
            return {"number": self.id}

    class UserRead(SQLModel):
        id: int

    assert refusal(User) == "User has a model_serializer: say what to show with Resource(read=…)."
    assert list(schema_of(Resource(User, read=UserRead)).resources) == ["users"]


def test_expressions_of_unknown_type() -> None:
    """An expression that SQLAlchemy cannot type would be written in two ways, so it is refused where it is shown."""

    class Base(DeclarativeBase):
        pass

    class User(Base):
        __tablename__ = "users"
        id: Mapped[int] = mapped_column(primary_key=True)
        size: Mapped[int] = column_property(sa.func.length(sa.literal_column("id")))

    class UserRead(SQLModel):
        id: int

    assert refusal(User) == (
        "User.size is an expression whose type SQLAlchemy does not know. Say it: func.upper(…, type_=String), or "
        "type_coerce(…, String)."
    )
    assert list(schema_of(Resource(User, read=UserRead)).resources) == ["users"]
    assert list(schema_of(Resource(User, hidden=["size"])).resources) == ["users"]


def test_through_the_api() -> None:
    """An API says the same, before it looks for a database."""
    with pytest.raises(ConfigurationError, match=r"^Plain is not a table\."):
        API(Plain, database="sqlite://")


class Other(SQLModel, registry=registry()):
    pass


class Unrelated(Other, table=True):
    id: int = Field(primary_key=True)
    others: list["Unrelated"] = Relationship()


def test_what_is_broken_elsewhere() -> None:
    """Every table of a registry is configured together, so a broken one is named even if it is not served itself."""

    class Fine(Other, table=True):
        id: int = Field(primary_key=True)

    assert refusal(Fine).startswith("Unrelated.others: no foreign key joins the tables 'unrelated' and 'unrelated'.")
