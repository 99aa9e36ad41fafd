"""`onetrip purge`: what was deleted long ago goes for good, and only that."""

import asyncio
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import typer
from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, SQLModel

from onetrip import API, SoftDelete
from onetrip.cli.main import app
from onetrip.cli.purge import Purged, parse_age, purged
from tests.cli import projects
from tests.cli.conftest import Command
from tests.cli.serving import write
from tests.support.databases import Backend

NOW = datetime(2026, 6, 1, tzinfo=UTC)
OLD, YOUNG = NOW - timedelta(days=31), NOW - timedelta(days=29)


class Base(SQLModel, registry=registry()):
    """Apart from other tests' tables."""


class Tagging(Base, table=True):
    post_id: int = Field(foreign_key="post.id", primary_key=True)
    tag_id: int = Field(foreign_key="tag.id", primary_key=True)


class Tag(SoftDelete, Base, table=True):
    id: int = Field(primary_key=True)


class Writer(SoftDelete, Base, table=True):
    id: int = Field(primary_key=True)
    mentor_id: int | None = Field(default=None, foreign_key="writer.id")


class Post(SoftDelete, Base, table=True):
    id: int = Field(primary_key=True)
    writer_id: int = Field(foreign_key="writer.id")
    tags: list[Tag] = Relationship(link_model=Tagging)


class Comment(Base, table=True):
    id: int = Field(primary_key=True)
    post_id: int = Field(foreign_key="post.id", ondelete="CASCADE")


class Report(Base, table=True):
    id: int = Field(primary_key=True)
    comment_id: int = Field(foreign_key="comment.id")


class Draft(Base, table=True):
    id: int = Field(primary_key=True)
    post_id: int | None = Field(default=None, foreign_key="post.id", ondelete="SET NULL")


TABLES = (Writer, Post, Tag, Comment, Report, Draft)


def fill(backend: Backend, *rows: Any) -> API:
    for table in Base.metadata.sorted_tables:
        backend.create(Base.metadata, *(row for row in rows if row.__table__ is table))
    return API(*TABLES, database=backend.url)


def run(api: API, *, commit: bool = True) -> dict[str, Purged]:
    """Purge what is older than 30 days; what nothing happens to is left out."""
    found = asyncio.run(purged([api], NOW - timedelta(days=30), commit=commit))
    return {each.name: each for each in found if each.rows or each.kept}


def ids(backend: Backend, table: type[Any]) -> list[Any]:
    with backend.engine().connect() as connection:
        return list(connection.scalars(sa.select(table.id).order_by(table.id)))


def test_only_what_was_deleted_long_ago_goes(backend: Backend) -> None:
    """Neither a row that is there, nor one that was deleted a short time ago."""
    api = fill(backend, Writer(id=1), Writer(id=2, deleted_at=OLD), Writer(id=3, deleted_at=YOUNG))
    expected = {"writers": Purged(name="writers", rows=1, along=(), kept=0, referring=())}
    assert run(api, commit=False) == expected
    assert ids(backend, Writer) == [1, 2, 3]
    assert run(api) == expected
    assert ids(backend, Writer) == [1, 3]
    assert run(api) == {}


def test_children_go_before_parents(backend: Backend) -> None:
    """Whatever the order of the tables, and of the rows within one that refers to itself."""
    api = fill(
        backend, Writer(id=1, deleted_at=OLD), Post(id=1, writer_id=1, deleted_at=OLD), Writer(id=2, deleted_at=OLD)
    )
    with backend.engine().begin() as connection:
        values = [{"id": number, "mentor_id": number - 1, "deleted_at": OLD} for number in (3, 4, 5)]
        connection.execute(sa.insert(Writer), values)
    found = run(api)
    assert {name: (each.rows, each.kept) for name, each in found.items()} == {"posts": (1, 0), "writers": (5, 0)}
    assert ids(backend, Writer) == ids(backend, Post) == []


def test_what_others_refer_to_stays_and_is_reported(backend: Backend) -> None:
    """A row that is there keeps what it refers to, and so does one that was deleted a short time ago."""
    api = fill(
        backend,
        *(Writer(id=number, deleted_at=OLD) for number in (1, 2, 3)),
        Post(id=1, writer_id=1), Post(id=2, writer_id=2, deleted_at=YOUNG),
    )  # fmt: skip
    with backend.engine().begin() as connection:
        connection.execute(sa.insert(Writer), [{"id": 4, "mentor_id": 2}])
    assert run(api) == {"writers": Purged(name="writers", rows=1, along=(), kept=2, referring=("posts", "writers"))}
    assert ids(backend, Writer) == [1, 2, 4]


def test_what_the_tables_delete_with_it_is_counted(backend: Backend) -> None:
    """Rows of ON DELETE CASCADE and links go along; SET NULL is the database's."""
    api = fill(
        backend,
        Writer(id=1), Tag(id=1), Tag(id=2, deleted_at=OLD),
        Post(id=1, writer_id=1, deleted_at=OLD), Post(id=2, writer_id=1),
        Comment(id=1, post_id=1), Comment(id=2, post_id=1), Comment(id=3, post_id=2),
        Tagging(post_id=1, tag_id=1), Tagging(post_id=2, tag_id=1), Tagging(post_id=2, tag_id=2),
        Draft(id=1, post_id=1), Draft(id=2, post_id=2),
    )  # fmt: skip
    assert run(api) == {
        "posts": Purged(name="posts", rows=1, along=(("comments", 2), ("tagging", 1)), kept=0, referring=()),
        "tags": Purged(name="tags", rows=1, along=(("tagging", 1),), kept=0, referring=()),
    }
    assert (ids(backend, Post), ids(backend, Comment), ids(backend, Tag)) == ([2], [3], [1])
    with backend.engine().connect() as connection:
        assert list(connection.scalars(sa.select(Draft.post_id).order_by(Draft.id))) == [None, 2]


def test_what_would_go_along_can_keep_it(backend: Backend) -> None:
    """A report refers to a comment, so neither the comment goes nor its post."""
    api = fill(
        backend,
        Writer(id=1),
        Post(id=1, writer_id=1, deleted_at=OLD),
        Comment(id=1, post_id=1),
        Report(id=1, comment_id=1),
    )
    assert run(api) == {"posts": Purged(name="posts", rows=0, along=(), kept=1, referring=("reports",))}
    assert ids(backend, Post) == ids(backend, Comment) == [1]


def test_two_apis_of_one_database_purge_once(backend: Backend) -> None:
    """A table is counted by the first of them."""
    fill(backend, Writer(id=1, deleted_at=OLD))
    apis = [API(Writer, database=backend.url), API(Writer, Post, database=backend.url)]
    found = asyncio.run(purged(apis, NOW, commit=True))
    assert [(each.name, each.rows) for each in found if each.rows] == [("writers", 1)]


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("90m", timedelta(minutes=90)), ("12h", timedelta(hours=12)), ("30d", timedelta(days=30)),
        ("8w", timedelta(weeks=8)), ("0d", timedelta()),
    ],
)  # fmt: skip
def test_an_age(text: str, age: timedelta) -> None:
    """A number and a unit."""
    assert parse_age(text) == age


@pytest.mark.parametrize("text", ["", "30", "d", "-1d", "1.5d", "30 days", "1y", "123456d", "٣d"])
def test_no_age(text: str) -> None:
    """What is none is refused with an example."""
    with pytest.raises(typer.BadParameter, match="as in 90m, 12h, 30d or 8w"):
        parse_age(text)


# The command

TABLES_OF_ZOO = (
    projects.BASE.replace("from sqlmodel", "from onetrip import SoftDelete\nfrom sqlmodel")
    + "\n\nclass Zoo(SoftDelete, Base, table=True):\n    id: Optional[int] = Field(default=None, primary_key=True)\n"
    + "\n\nclass Cage(SoftDelete, Base, table=True):\n    id: Optional[int] = Field(default=None, primary_key=True)\n"
    + "    zoo_id: int = Field(foreign_key='zoo.id')\n"
)

Zoo = Callable[[], list[int]]


@pytest.fixture
def zoo(here: Path) -> Zoo:
    """A file of tables and its database: zoos of which 2 and 3 are deleted, and 3 has a cage."""
    write(here, {"zoo.py": TABLES_OF_ZOO})
    engine = sa.create_engine("sqlite:///zoo.db")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE zoo (id INTEGER PRIMARY KEY, deleted_at DATETIME)")
        connection.exec_driver_sql(
            "CREATE TABLE cage (id INTEGER PRIMARY KEY, zoo_id INTEGER REFERENCES zoo, deleted_at DATETIME)"
        )
        connection.exec_driver_sql(
            "INSERT INTO zoo VALUES (1, NULL), (2, '2026-01-01 00:00:00.000000'), (3, '2026-01-01 00:00:00.000000')"
        )
        connection.exec_driver_sql("INSERT INTO cage VALUES (1, 3, NULL)")
    engine.dispose()

    def left() -> list[int]:
        with engine.connect() as connection:
            found = list(connection.scalars(sa.text("SELECT id FROM zoo ORDER BY id")))
        engine.dispose()
        return found

    return left


FOUND = "zoos: 1 to delete\nzoos: 1 stay, because of rows that refer to them in cages\n"


def test_it_says_what_it_does(command: Command, zoo: Zoo) -> None:
    """With --yes it does not ask."""
    done = command("purge", "zoo.py", "--older-than", "0d", "--yes")
    assert (done.code, done.errors) == (0, "")
    assert done.output == "cages: 0 gone\n" + FOUND.replace("to delete", "gone")
    assert zoo() == [1, 3]


@pytest.mark.parametrize(("answer", "left"), [("y\n", [1, 3]), ("n\n", [1, 2, 3])])
def test_it_asks(command: Command, zoo: Zoo, monkeypatch: pytest.MonkeyPatch, answer: str, left: list[int]) -> None:
    """Nothing is deleted unless the answer is yes."""
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", lambda question: answer == "y\n")
    done = command("purge", "zoo.py", "--older-than", "1h")
    assert (done.code, done.errors) == (0, "")
    assert done.output.startswith("cages: 0 to delete\n" + FOUND)
    assert zoo() == left


def test_it_does_not_wait_for_an_answer_that_cannot_come(
    command: Command, zoo: Zoo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job without a terminal is told about --yes."""
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    done = command("purge", "zoo.py", "--older-than", "1h")
    assert done.code == 1
    assert done.errors == "Error: Nothing was deleted, because nobody can be asked here. Add --yes to delete.\n"
    assert zoo() == [1, 2, 3]


def test_there_is_nothing_to_ask_about(command: Command, zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> None:
    """When nothing is old enough, nobody is asked."""
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    done = command("purge", "zoo.py", "--older-than", "99999w")
    assert (done.code, done.output) == (0, "cages: 0 to delete\nzoos: 0 to delete\n")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["zoo.py"], 2, "--older-than"),
        (["zoo.py", "--older-than", "30"], 2, "write a number and a unit, as in 90m, 12h, 30d or 8w"),
        (["zoo.py", "--older-than", "30d", "--force"], 2, "See 'onetrip purge --help'."),
        (["sqlite:///zoo.db", "--older-than", "30d"], 1, "Nothing in sqlite:///zoo.db keeps deleted rows"),
        (["nothing.py", "--older-than", "30d"], 1, "nothing.py"),
    ],
)
def test_what_is_wrong_is_said(command: Command, zoo: Zoo, arguments: list[str], code: int, says: str) -> None:
    """In one line, and nothing is deleted."""
    done = command("purge", *arguments)
    assert done.code == code and says in done.errors and done.errors.count("\n") == 1
    assert zoo() == [1, 2, 3]


def test_the_command_is_there() -> None:
    """It is listed beside the others."""
    names = [command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands]
    assert names == ["serve", "purge", "export", "load", "settings"]
