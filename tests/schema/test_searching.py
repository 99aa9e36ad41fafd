"""Which columns can be searched, and why others cannot."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Field

from onetrip import ConfigurationError, Resource
from tests.schema.serving import base, resource_of, schema_of

TEXTS = "title, content"


class Upper(sa.types.TypeDecorator[str]):
    """Is stored otherwise than it is shown."""

    impl = sa.String
    cache_ok = True


def table(**arguments: Any) -> Any:
    class Post(base(), table=True):
        __table_args__ = arguments
        id: int | None = Field(default=None, primary_key=True)
        title: str = Field(max_length=50)
        content: str | None = Field(default=None, sa_type=sa.Text)
        views: int = 0
        password_hash: str = ""
        loud: str = Field(default="", sa_type=Upper)
        both: str | None = Field(default=None, sa_column=sa.Column(sa.Text, sa.Computed("title || content")))

    return Post


def columns(**options: Any) -> Any:
    search = resource_of(Resource(table(), **options)).search
    return search and ([(column.name, weight) for column, weight in search.columns], search.language)


def test_what_is_declared() -> None:
    """Columns of text in the order that was chosen, with weights if there are any, and the language."""
    assert columns() is None
    assert columns(search=["content", "title"]) == ([("content", None), ("title", None)], "simple")
    assert columns(search={"title": "A", "content": "B"}, search_language="german") == (
        [("title", "A"), ("content", "B")],
        "german",
    )


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"search": ["titel"]}, "'titel' is not a column of it. Did you mean 'title'?"),
        ({"search": ["author"]}, f"'author' is not a column of it. There is: {TEXTS}."),
        (
            {"search": ["views"]},
            f"'views' is not text, and words are searched. Filter by it instead. There is: {TEXTS}.",
        ),
        (
            {"search": ["password_hash"]},
            "'password_hash' is not shown, and searching would tell what is in it. Show it, or leave it out. "
            f"There is: {TEXTS}.",
        ),
        (
            {"search": ["title"], "hidden": ["title"]},
            "'title' is not shown, and searching would tell what is in it. Show it, or leave it out. "
            "There is: content.",
        ),
        (
            {"search": ["loud"]},
            f"'loud' is stored in another form than it is shown in, which cannot be searched. There is: {TEXTS}.",
        ),
        ({"search": ["both"]}, f"'both' is made of other columns: search those. There is: {TEXTS}."),
    ],
)
def test_a_column_that_cannot_be_searched_is_refused(options: dict[str, Any], problem: str) -> None:
    """At start, with the reason and the remedy."""
    with pytest.raises(ConfigurationError) as raised:
        columns(**options)
    assert str(raised.value) == f"Resource(Post, search=…): {problem}"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"search": "title"}, "search='title' is one string: write search=['title']."),
        ({"search": {"title": "E"}}, "'E' is not a weight of a column: write 'A' for the greatest, 'B', 'C', or 'D'."),
        ({"search_language": "german"}, "search_language='german' does nothing without search=."),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(options: dict[str, Any], problem: str) -> None:
    """Where it is said."""
    with pytest.raises(ConfigurationError) as raised:
        Resource(table(), **options)
    assert str(raised.value) == f"Resource(Post): {problem}"


def test_a_language_that_there_is_not_is_refused() -> None:
    """By the nearest one."""
    with pytest.raises(ConfigurationError, match=r"'englisch' is not a language .* Did you mean 'english'"):
        columns(search=["title"], search_language="englisch")


def test_a_table_without_rowid_is_refused_on_sqlite_alone() -> None:
    """The index of SQLite goes by it."""
    post = table(sqlite_with_rowid=False)
    assert resource_of(Resource(post, search=["title"]), url="postgresql://h/d").search is not None
    with pytest.raises(ConfigurationError, match="'post' is made WITHOUT ROWID"):
        resource_of(Resource(post, search=["title"]))
    assert resource_of(post).search is None


def test_rows_of_several_tables_are_refused() -> None:
    """Joined inheritance has no one place for an index."""

    class Base(sa.orm.DeclarativeBase):
        pass

    class Animal(Base):
        __tablename__ = "animal"
        id: sa.orm.Mapped[int] = sa.orm.mapped_column(primary_key=True)
        name: sa.orm.Mapped[str]

    class Dog(Animal):
        __tablename__ = "dog"
        id: sa.orm.Mapped[int] = sa.orm.mapped_column(sa.ForeignKey("animal.id"), primary_key=True)

    assert resource_of(Resource(Animal, search=["name"])).search is not None
    with pytest.raises(ConfigurationError, match="its rows are in several tables"):
        resource_of(Resource(Dog, search=["name"]))


def test_a_table_has_one_index() -> None:
    """Two classes of one table say the same of it, or nothing."""

    class Base(sa.orm.DeclarativeBase):
        pass

    class Animal(Base):
        __tablename__ = "animal"
        id: sa.orm.Mapped[int] = sa.orm.mapped_column(primary_key=True)
        kind: sa.orm.Mapped[str]
        name: sa.orm.Mapped[str]
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "animal"}  # noqa: RUF012

    class Dog(Animal):
        __mapper_args__ = {"polymorphic_identity": "dog"}  # noqa: RUF012

    schema_of(Resource(Animal, search=["name"]), Resource(Dog, search=["name"]))
    schema_of(Resource(Animal, search=["name"]), Dog)
    with pytest.raises(ConfigurationError, match="Animal and Dog are rows of 'animal', and a table has one index"):
        schema_of(Resource(Animal, search=["name"]), Resource(Dog, search=["name", "kind"]))
