"""`onetrip export` and `onetrip load`: what was written is read again, and what is wrong is told by its line."""

import asyncio
import io
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from rich.console import Console
from sqlmodel import Field

from onetrip import API, Resource, Timestamped, UUIDKey, Versioned
from onetrip.cli.export import exported
from onetrip.cli.load_rows import Options, Report, loaded
from onetrip.cli.rows import Form, read_csv, read_ndjson
from onetrip.cli.served import Found
from onetrip.errors import ConfigurationError
from tests.cli import projects
from tests.cli.conftest import Command
from tests.cli.serving import write
from tests.schema.serving import base
from tests.sql import samples, values
from tests.sql.answers import QUIET
from tests.support.databases import Backend

pytestmark = QUIET

FORMS: list[Form] = ["ndjson", "csv"]


def found(api: API) -> Found:
    return Found(api, next(iter(api.schema.resources.values())))


def write_all(api: API, form: Form) -> bytes:
    file = io.BytesIO()
    asyncio.run(exported(found(api), form, b"", file, Console(stderr=True)))
    return file.getvalue()


def read(api: API, path: Path, content: bytes | str, form: Form = "ndjson", **more: Any) -> Report:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    given: dict[str, Any] = {"atomic": False, "batch": 100, "on_conflict": None, "update": None, "without_hooks": False}
    target: Any = None
    options = Options(target=target, database=None, resource="", file=str(path), form=form, **given | more)
    return asyncio.run(loaded(found(api), options))


def again(backend: Backend, model: type[Any], form: Form, path: Path) -> None:
    """Write all rows, delete them, and read them back."""
    api = API(model, database=backend.url)
    before, content = write_all(api, "ndjson").splitlines(), write_all(api, form)
    assert before
    with backend.engine().begin() as connection:
        connection.execute(sa.delete(sa.inspect(model).local_table))
    report = read(api, path, content, form)
    assert (report.lines, report.loaded) == ([], len(before))
    for row, original in zip(write_all(api, "ndjson").splitlines(), before, strict=True):
        assert row == original


def is_written(column: str, value: Any) -> bool:
    """Say whether JSON tells a value from NULL."""
    return (
        value == value
        and value not in (float("inf"), float("-inf"))
        and (column, value) != ("odd", samples.Odd.NOTHING)
    )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("model", "columns"),
    [(samples.Sample, values.EXACT), (samples.Document, values.EQUAL)],
    ids=lambda of: str(of)[:20],
)
def test_a_round_trip(backend: Backend, model: Any, columns: values.Values, form: Form, tmp_path: Path) -> None:
    """Rows with every value of every type are the same afterwards."""
    numbers = iter(range(1, 10_000))
    rows = [
        model(id=next(numbers), **{column: value})
        for column, (always, _) in columns.items()
        for value in always
        if is_written(column, value)
    ]
    backend.create(model.metadata, *rows)
    again(backend, model, form, tmp_path / "rows")


@pytest.mark.parametrize("form", FORMS)
def test_a_round_trip_of_arrays(backend: Backend, form: Form, tmp_path: Path) -> None:
    """Arrays as well, where there are any."""
    if backend.name == "sqlite":
        pytest.skip("SQLite has no arrays")
    rows = [
        samples.Special(id=number, **{column: value})
        for number, (column, value) in enumerate(
            (column, value) for column, (always, _) in values.SPECIAL.items() for value in always if column != "ratios"
        )
    ]
    backend.create(samples.POSTGRESQL, *rows)
    again(backend, samples.Special, form, tmp_path / "rows")


@pytest.mark.parametrize("form", FORMS)
def test_what_nobody_sends_stays_as_it_was(backend: Backend, form: Form, tmp_path: Path) -> None:
    """Keys that the database or Python makes, moments, the number of changes; and new rows go on after them."""
    own = base()

    class Note(UUIDKey, Timestamped, Versioned, own):  # type: ignore[valid-type, misc]
        __abstract__ = True

    class Numbered(Timestamped, Versioned, own, table=True):  # type: ignore[valid-type, misc]
        id: int | None = Field(default=None, primary_key=True)
        text: str | None = None

    class Keyed(UUIDKey, own, table=True):  # type: ignore[valid-type, misc]
        text: str = ""

    rows: list[Any] = [Numbered(id=70, text="=1"), Numbered(id=7, text=""), Numbered(text=None), Keyed(text="a")]
    backend.create(own.metadata, *rows)
    with backend.engine().begin() as connection:
        connection.execute(sa.update(sa.inspect(Numbered).local_table).values(version=5))
    for model in (Numbered, Keyed):
        again(backend, model, form, tmp_path / "rows")
    backend.create(own.metadata, Numbered(text="new"))
    numbers = [
        row["id"] for row in map(json.loads, write_all(API(Numbered, database=backend.url), "ndjson").splitlines())
    ]
    assert len(set(numbers)) == 4
    assert max(numbers) > 70


# Bad rows

Base = base()


class Writer(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    email: str = Field(unique=True, max_length=30)
    name: str = "nobody"
    age: int | None = Field(default=None, ge=0)
    born: datetime | None = None
    hashed_password: str = "x"
    mentor_id: int | None = Field(default=None, foreign_key="writer.id")


@pytest.fixture
def writers(backend: Backend) -> API:
    backend.create(Base.metadata, Writer(id=1, email="ada@example.com", name="Ada"))
    if backend.name == "sqlite":
        with backend.engine().connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
    return API(Writer, database=backend.url)


def names(backend: Backend) -> dict[str, str]:
    table = sa.inspect(Writer).local_table
    with backend.engine().connect() as connection:
        return {row.email: row.name for row in connection.execute(sa.select(table).order_by(table.c.id))}


BAD = [
    ('{"email": "b"}', None),
    ('{"email": "c", "age": -1}', "'age' must be greater than or equal to 0."),
    ("", None),
    ("nonsense", "The row is not valid JSON at column 1: expecting value."),
    ('{"name": "x"}', "'email' is required."),
    ('{"email": 7}', "'email' must be text."),
    ("[]", "The row must be an object."),
    ('{"email": "d", "colour": "red"}', "'colour' is not a field that can be set here."),
    ('{"email": "d", "hashed_password": "red"}', "'hashed_password' is not a field that can be set here."),
    ('{"email": "d", "id": "x"}', "'id' must be a whole number."),
    ('{"email": "ada@example.com"}', "There is already a row of 'writers' with the same 'email'."),
    ('{"email": "d", "mentor_id": 99}', "'mentor_id' refers to a row of 'writers' that does not exist."),
    (
        '{"email": "e", "born": "2026-01-01T00:00:00"}',
        "'born' is not valid: Input needs an offset: add 'Z' for UTC, as in '2026-01-01T00:00:00Z'.",
    ),
    ('{"email": "d"}', None),
    ('{"email": "d"}', "There is already a row of 'writers' with the same 'email'."),
]


@pytest.mark.parametrize("batch", [1, 4, 100])
def test_bad_rows_are_told_by_their_lines(backend: Backend, writers: API, tmp_path: Path, batch: int) -> None:
    """In the words of a POST, wherever they stand; the good ones are there."""
    report = read(writers, tmp_path / "rows", "\n".join(line for line, _ in BAD), batch=batch)
    expected = [f"line {number}: {text}" for number, (_, text) in enumerate(BAD, 1) if text]
    assert sorted(report.lines) == sorted(expected)
    assert (report.loaded, report.bad) == (2, len(expected))
    assert list(names(backend)) == ["ada@example.com", "b", "d"]


def test_all_or_none(backend: Backend, writers: API, tmp_path: Path) -> None:
    """With one bad row nothing is stored, and every bad row is told all the same."""
    rows = "\n".join(line for line, _ in BAD)
    report = read(writers, tmp_path / "rows", rows, atomic=True, batch=3)
    assert report.bad == sum(text is not None for _, text in BAD)
    assert list(names(backend)) == ["ada@example.com"]
    assert read(writers, tmp_path / "rows", '{"email": "b"}\n{"email": "c"}', atomic=True).loaded == 2
    assert list(names(backend)) == ["ada@example.com", "b", "c"]


def test_rows_may_refer_to_later_ones(backend: Backend, writers: API, tmp_path: Path) -> None:
    """Within a batch, also when another row of it is bad."""
    rows = [{"id": 10, "email": "j", "mentor_id": 12}, {"id": 11, "email": "ada@example.com"}, {"id": 12, "email": "l"}]
    report = read(writers, tmp_path / "rows", "\n".join(map(json.dumps, rows)))
    assert (report.loaded, [line.partition(":")[0] for line in report.lines]) == (2, ["line 2"])
    assert list(names(backend)) == ["ada@example.com", "j", "l"]


def test_many_bad_rows_are_counted(backend: Backend, writers: API, tmp_path: Path) -> None:
    """The first ones are told, and there is an end to that; among thousands each is found."""
    bad = {number for number in range(3_000) if number % 60 == 0}
    rows = [{"email": "ada@example.com" if number in bad else f"{number}"} for number in range(3_000)]
    report = read(writers, tmp_path / "rows", "\n".join(map(json.dumps, rows)), batch=2_000)
    assert (report.loaded, report.bad, len(report.lines)) == (2_950, 50, 20)
    assert len(names(backend)) == 2_951


def test_rows_that_are_there_already(backend: Backend, writers: API, tmp_path: Path) -> None:
    """`--on-conflict` changes them, as far as `--update` says."""
    path = tmp_path / "rows"
    rows = '{"email": "ada@example.com", "name": "Lovelace", "age": 36}\n{"email": "b"}'
    assert read(writers, path, rows, on_conflict="email", update="age").loaded == 2
    assert names(backend) == {"ada@example.com": "Ada", "b": "nobody"}
    assert read(writers, path, rows, on_conflict="email", update="").loaded == 2
    assert read(writers, path, rows, on_conflict="email").loaded == 2
    assert names(backend) == {"ada@example.com": "Lovelace", "b": "nobody"}
    assert read(writers, path, "id,email,name\n1,new,A\n", "csv", on_conflict="id").loaded == 1
    assert names(backend) == {"new": "A", "b": "nobody"}
    for more in ({"on_conflict": "name"}, {"on_conflict": "email", "update": "colour"}, {"update": "name"}):
        with pytest.raises(ConfigurationError):
            read(writers, path, rows, **more)


def test_csv_by_hand(backend: Backend, writers: API, tmp_path: Path) -> None:
    """An empty field is no value: NULL where that is allowed, else the default."""
    text = (
        '\ufeffemail,name,age\r\n"b, or ""c""\nd",,\r\n\r\nshort\r\nx,y,1,2\r\ne"f,,\r\ng,"",x\r\nh,"",7\r\n"open,,\r\n'
    )
    report = read(writers, tmp_path / "rows", text, "csv")
    assert report.lines == [
        "line 5: The row has 1 fields, where the first line has 3 names.",
        "line 6: The row has 4 fields, where the first line has 3 names.",
        "line 7: The row has a quote out of place: a text is quoted as a whole, and holds a quote as two.",
        "line 8: 'age' must be a whole number.",
        "line 10: The row has a quote out of place: a text is quoted as a whole, and holds a quote as two.",
    ]
    assert names(backend) == {"ada@example.com": "Ada", 'b, or "c"\nd': "nobody", "h": ""}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("email,colour\n", "The first line names 'colour', which is no field of a row."),
        ("email,hashed_password\n", "The first line names 'hashed_password', which is no field of a row."),
        ("email,email\n", "The first line names 'email' twice."),
        ("", "The first line of a CSV file has the names of its columns"),
        ('"email\n', "The first line of a CSV file has the names of its columns"),
    ],
)
def test_a_first_line_that_is_wrong(writers: API, tmp_path: Path, text: str, said: str) -> None:
    """It stops before the first row."""
    with pytest.raises(ConfigurationError) as raised:
        read(writers, tmp_path / "rows", text, "csv")
    assert str(raised.value).startswith(said)


def test_rows_with_hooks(backend: Backend, writers: API, tmp_path: Path) -> None:
    """Code that belongs to a new row is not called, so it has to be said."""

    def hook(change: Any) -> None:
        raise AssertionError

    api = API(Resource(Writer, before_create=hook), database=backend.url)
    with pytest.raises(ConfigurationError, match=r"hook is called before it.*--without-hooks"):
        read(api, tmp_path / "rows", '{"email": "b"}')
    assert read(api, tmp_path / "rows", '{"email": "b"}', without_hooks=True).loaded == 1
    with pytest.raises(ConfigurationError, match="No rows of 'writers' can be made: the API is read-only"):
        read(API(Writer, database=backend.url, read_only=True), tmp_path / "rows", "")


def test_texts_that_are_no_rows() -> None:
    """What cannot be decoded is wrong with its row alone."""
    assert [row.problem is None for row in read_ndjson([b'{"a": 1}\n', b'{"a": "\xff"}\n', b'{"a": 2}'])] == [
        True,
        False,
        True,
    ]
    _, rows = read_csv([b"a,b\n", b"\xff,\n", b"1\0,\n", b"1,2"])
    assert [row.problem for row in rows] == [
        "The row is not valid UTF-8.", "The row must not contain NUL characters.", None,
    ]  # fmt: skip


# The commands

ZOO = projects.PACKAGE_WITH_API


@pytest.fixture
def zoo(here: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    write(here, ZOO)
    engine = sa.create_engine(f"sqlite:///{here / 'zoo.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE zoo (id INTEGER PRIMARY KEY, name TEXT NOT NULL, door_passcode TEXT NOT NULL DEFAULT '1')"
        )
        connection.exec_driver_sql(
            "CREATE TABLE animal (id INTEGER PRIMARY KEY, name TEXT NOT NULL, zoo_id INTEGER NOT NULL REFERENCES zoo)"
        )
        connection.exec_driver_sql("INSERT INTO zoo (id, name) VALUES (1, 'Berlin')")
        connection.exec_driver_sql("INSERT INTO animal VALUES (1, 'ant', 1), (2, '=bee', 1), (3, 'cat', 1)")

    def animals() -> list[str]:
        with engine.connect() as connection:
            return [row[0] for row in connection.exec_driver_sql("SELECT name FROM animal ORDER BY id")]

    return animals


def test_export_and_load(command: Command, zoo: Callable[[], list[str]]) -> None:
    """The whole way, from file to file; a file has its name when it is whole."""
    done = command("export", "zoo", "animals", "--output", "a.csv", "--filter", "id__gte=2", "--filter", "sort=-id")
    assert (done.code, done.output, done.errors) == (0, "", "animals: 2 rows exported\n")
    assert Path("a.csv").read_bytes() == b"id,name,zoo_id\r\n3,cat,1\r\n2,'=bee,1\r\n"
    assert not list(Path().glob("*.part"))
    Path("b.ndjson").write_text('{"name": "dog", "zoo_id": 1}\n{"name": "eel", "zoo_id": 9}\n{"nam": "x"}\n')
    done = command("load", "zoo", "/animals", "b.ndjson")
    assert done.code == 1
    assert done.output == "animals: 1 row loaded, 2 rows refused\n"
    assert "line 2: 'zoo_id' refers to a row of 'zoos' that does not exist." in done.errors
    assert zoo() == ["ant", "=bee", "cat", "dog"]
    done = command("load", "zoo", "animals", "b.ndjson", "--atomic")
    assert (done.code, done.output) == (1, "animals: nothing was loaded, because 2 rows cannot be\n")
    done = command("load", "zoo", "animals", "a.csv", "--on-conflict", "id")
    assert (done.code, done.output) == (0, "animals: 2 rows loaded\n")
    assert zoo() == ["ant", "=bee", "cat", "dog"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("export zoo animal", "There is no resource 'animal'. Did you mean 'animals'?"),
        ("export zoo animals --filter nonsense=1", "'nonsense' is not a parameter of 'animals'."),
        ("export zoo zoos --filter door_passcode=1", "'door_passcode' is not a parameter of 'zoos'."),
        ("export zoo animals --filter name", "--filter name: write a name and a value, as in 'views__gte=10'."),
        ("export zoo animals --output a.xlsx", "'a.xlsx' does not say what it is: add --format ndjson or --format"),
        ("export zoo animals --output no/a.csv", "Nothing more can be written to 'no/a.csv': No such file or"),
        ("load zoo animals a.csv", "'a.csv' cannot be read: No such file or directory."),
        ("load zoo animals a", "'a' does not say what it is"),
    ],
)  # fmt: skip
def test_what_cannot_be_done(command: Command, zoo: Callable[[], list[str]], arguments: str, said: str) -> None:
    """One sentence, and no file."""
    done = command(*arguments.split())
    assert done.code == 1
    assert done.errors.startswith(f"Error: {said}")
    assert "\n" not in done.errors.strip()
    assert not list(Path().glob("a*"))
