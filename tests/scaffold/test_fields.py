"""`title:str:unique=draft` on the command line, and the line of a class that it becomes."""

import pytest

from onetrip.errors import ConfigurationError
from onetrip.scaffold.fields import parse_field, parse_fields
from onetrip.scaffold.model import model, resolve, with_model

MODELS = '''\
"""Tables."""

from sqlmodel import Field, SQLModel


class User(SQLModel, table=True):
    __tablename__ = "people"
    key: str = Field(primary_key=True)
'''


def lines(*texts: str) -> list[str]:
    """The lines of a class that has these columns, after its key."""
    return model(resolve("Post", parse_fields(texts), MODELS, "models.py")).splitlines()[4:]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a:str", "a: str = Field(max_length=255)"),
        ("a:text", "a: str"),
        ("a:text?", "a: str | None = None"),
        ("a:int=0", "a: int = 0"),
        ("a:int?=-1", "a: int | None = -1"),
        ("a:float=1", "a: float = 1.0"),
        ("a:bool=true", "a: bool = True"),
        ("a:date:index", "a: dt.date = Field(index=True)"),
        ("a:date=2026-01-31", "a: dt.date = dt.date(2026, 1, 31)"),
        ("a:date=today", "a: dt.date = Field(default_factory=dt.date.today)"),
        ("a:datetime=now", "a: dt.datetime = Field(default_factory=lambda: dt.datetime.now(dt.UTC))"),
        ("a:uuid:unique=random", "a: UUID = Field(default_factory=uuid4, unique=True)"),
        ("a:decimal=1.5", 'a: Decimal = Field(default=Decimal("1.5"), max_digits=12, decimal_places=2)'),
        ("a:json", "a: dict[str, Any] = Field(sa_type=JSON)"),
        ('a:text=say "a:b=c" \\', 'a: str = "say \\"a:b=c\\" \\\\"'),
        ("a_key:people.key", 'a_key: str = Field(foreign_key="people.key", index=True)'),
        ("a_key:people.key?:unique", 'a_key: str | None = Field(default=None, foreign_key="people.key", unique=True)'),
    ],
)
def test_a_column_is_a_line(text: str, line: str) -> None:
    """The type, then what is said of it."""
    assert lines(text) == [f"    {line}"]


def test_references_have_relations() -> None:
    """One by the name of a class has a column and a relation; of several to one class each says which it is."""
    assert lines("author:User", "title:text") == [
        '    author_id: str = Field(foreign_key="people.key", index=True)', "    title: str", "",
        '    author: User = Relationship(back_populates="posts")',
    ]  # fmt: skip
    relation = 'Relationship(sa_relationship_kwargs={"foreign_keys": "Post.author_id"})'
    assert lines("author:User", "editor_key:people.key?")[-1] == f"    author: User = {relation}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title", "'title' is no column: it is written as in title:str"),
        ("a:strr", "'a:strr': there is no type 'strr'. Did you mean 'str'?"),
        ("a:list", "there is no type 'list'. There are str, text,"),
        ("a:str:uniqe", "'a:str:uniqe': there is no 'uniqe'. Did you mean 'unique'?"),
        ("a:str:unique?", "A ? stands right behind the type."),
        ("a:int=x", "'a:int=x': 'x' is no default for int."),
        ("a:bool=1", "'1' is no default for bool."),
        ("a:decimal=NaN", "'NaN' is no default for decimal."),
        ("a:datetime=2026", "'2026' is no default for datetime. There is datetime=now."),
        ("a:User=1", "'a:User=1': a reference has no default."),
        ("class:str", "'class' is no name for a column"),
        ("Name:str", "'Name' is no name for a column"),
        ("_a:str", "'_a' is no name for a column"),
        ("metadata:json", "A column cannot be called 'metadata'"),
        ("json:json", "A column cannot be called 'json'"),
        ("model_name:str", "A column cannot be called 'model_name'"),
        ("id:int", "Every table has an 'id' already"),
        ("x" * 61 + ":int", "is longer than 60 characters"),
    ],
)
def test_what_is_no_column_is_said(text: str, said: str) -> None:
    """In a sentence that says how it is written."""
    with pytest.raises(ConfigurationError) as caught:
        parse_fields([text])
    assert said in str(caught.value)


def test_a_name_stands_once() -> None:
    """Also the one that a reference gives its column."""
    with pytest.raises(ConfigurationError, match="There are two columns 'author_id'"):
        parse_fields(["author:User", "author_id:people.key"])
    assert parse_field("a:str").default is None


def test_a_class_is_put_into_a_file() -> None:
    """With its imports in their places, and the relation back; what was there stays as it is."""
    written = with_model(MODELS, resolve("Post", parse_fields(["at:date", "cost:decimal", "by:User"]), MODELS, ""), "")
    assert written == MODELS.replace(
        "from sqlmodel import Field, SQLModel",
        "import datetime as dt\nfrom decimal import Decimal\n\nfrom sqlmodel import Field, Relationship, SQLModel",
    ) + (
        '\n    posts: list["Post"] = Relationship(back_populates="by")\n\n\n'
        'class Post(SQLModel, table=True):\n    """A post."""\n\n'
        "    id: int | None = Field(default=None, primary_key=True)\n    at: dt.date\n"
        "    cost: Decimal = Field(max_digits=12, decimal_places=2)\n"
        '    by_id: str = Field(foreign_key="people.key", index=True)\n\n'
        '    by: User = Relationship(back_populates="posts")\n'
    )
