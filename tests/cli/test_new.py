"""`onetrip new` and `onetrip add`: what they write works as it is, on both databases."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruff.__main__ import find_ruff_bin

from onetrip.errors import ConfigurationError
from onetrip.scaffold.project import new_file, new_project
from tests.cli.conftest import Command
from tests.cli.serving import environment, write
from tests.support.databases import Backend

PROJECT = """\
import os
import sys

from sqlmodel import SQLModel

from onetrip.cli.main import app

app(("new", "my-shop", "--database", sys.argv[1]), standalone_mode=False)
os.chdir("my-shop")
os.environ["ONETRIP_DATABASE_URL"] = sys.argv[2]
for name in [name for name in sys.modules if name.partition(".")[0] == "app"]:
    del sys.modules[name]  # the next command is another process, for users
SQLModel._sa_registry.dispose()
SQLModel.metadata.clear()
fields = (
    "title:str", "body:text?", "kind:str:index=draft", "price:decimal=9.90", "due:date", "at:datetime=now",
    "code:uuid:unique=random", "more:json", "item:Item", "other_id:item.id?", "parent:Post?",
)
for command in (("add", "Post", *fields), ("db", "up"), ("db", "check")):
    found = app(command, standalone_mode=False)
    assert not found, (command, found)
"""

MINIMAL = """\
from fastapi.testclient import TestClient
import mini

with TestClient(mini.app) as client:
    assert client.post("/items", json={"name": "lamp"}).status_code == 201
    assert [item["name"] for item in client.get("/items").json()] == ["lamp"]
"""


def python(folder: Path, *arguments: str, **variables: str) -> str:
    """Run Python in a folder, as a user would whose environment this is, and answer what it said."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment(**variables), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.no_cover
def test_a_project_works_as_it_is(backend: Backend, tmp_path: Path) -> None:
    """Its migrations make what the models say, also when a table is added; its tests pass, and ruff is content."""
    said = python(tmp_path, "-c", PROJECT, backend.name, backend.url)
    folder = tmp_path / "my-shop"
    first = min((folder / "alembic" / "versions").glob("*_create_tables.py"))
    assert f"my-shop: created, and {first.name} creates its tables." in said
    assert "app/models.py: Post added\napp/database.py: Post added\ntests/test_posts.py: created\n" in said
    for command in (("check",), ("format", "--check")):
        subprocess.run([find_ruff_bin(), *command, "--no-cache", "."], cwd=folder, check=True)
    for copied in re.findall(r"^COPY (\S+) ", (folder / "Dockerfile").read_text(), re.MULTILINE):
        assert (folder / copied).exists()
    made_later = {"alembic", "__pycache__"}
    written = [path for path in folder.rglob("*") if path.is_file() and not made_later & {*path.parts}]
    assert [path.name for path in written if "$" in path.read_text() and path.name != "compose.yaml"] == ["README.md"]
    if os.environ.get("ONETRIP_TYPED"):
        python(folder, "-m", "mypy")
    if backend.name == "sqlite":  # the plugin's own tests have PostgreSQL
        python(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider")


@pytest.mark.no_cover
def test_a_file_works_as_it_is(tmp_path: Path, command: Command) -> None:
    """The one file of a minimal project is an application that has its tables."""
    done = command("new", "mini", "--minimal")
    assert (done.code, [path.name for path in tmp_path.iterdir()]) == (0, ["mini.py"])
    python(tmp_path, "-c", MINIMAL)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("1shop", "'1shop' is no name for a project"),
        ("shop!", "'shop!' is no name for a project"),
        ("fastapi", "'fastapi' is what a project requires itself"),
        ("full", "The folder 'full' is not empty, and stays as it is"),
        ("taken.txt", "is no name for a project"),
        ("file", "There is a file 'file' already"),
        ("x" * 51, "is longer than 50 characters"),
    ],
)
def test_where_no_project_can_be_is_said(name: str, said: str, here: Path) -> None:
    """A wrong name, and a place where something is, are refused in a sentence."""
    write(here, {"full/a.txt": "", "file": ""})
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        new_project(name, "sqlite")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("class", "'class.py' could not be imported: choose a name such as class_api."),
        ("my-shop", "choose a name such as my_shop."),
        ("json", "There is a module 'json' already, which 'json.py' would hide"),
        ("pytest_cov", "There is a module 'pytest_cov' already"),
        ("there.py", "There is 'there.py' already"),
    ],
)
def test_where_no_file_can_be_is_said(name: str, said: str, here: Path) -> None:
    """A file is imported by its name, so more names are refused."""
    write(here, {"there.py": ""})
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        new_file(name, "sqlite")


def test_an_empty_folder_is_taken(here: Path) -> None:
    """Also the current one, and one that has a repository already."""
    (here / "shop" / ".git").mkdir(parents=True)
    assert new_project("shop", "sqlite").name.title == "Shop"
    assert new_project("./my-shop", "postgresql").name.identifier == "my_shop"


def test_what_cannot_be_written_leaves_nothing(command: Command, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project is whole, or not there."""
    (here / "shop" / ".git").mkdir(parents=True)
    monkeypatch.setattr("onetrip.cli.scaffolding._first_revision", lambda project: 1 / 0)
    assert command("new", "shop").code == 1
    assert command("new", "other").code == 1
    assert [path.name for path in here.rglob("*")] == ["shop", ".git"]


MODELS = """\
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel


class Base(SQLModel, registry=registry()):
    pass


class Item(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
"""


def test_a_table_is_added_to_any_project(command: Command, here: Path) -> None:
    """One that has neither migrations nor tests, nor an API: the class is written, and the rest said."""
    write(here, {"shop/__init__.py": "", "shop/models.py": MODELS, "pyproject.toml": '[tool.onetrip]\napp = "shop"\n'})
    done = command("add", "Order", "item:Item", "number:str:unique")
    assert done.code == 0, done.errors
    assert "shop/models.py: Order added" in done.output
    assert "No API names its tables" in done.output and "no alembic.ini" in done.output
    text = (here / "shop/models.py").read_text()
    assert text.startswith(MODELS.replace("Field, SQLModel", "Field, Relationship, SQLModel"))
    assert '    orders: list["Order"] = Relationship(back_populates="item")\n\n\nclass Order(SQLModel, ' in text


def test_what_fails_changes_nothing(command: Command, here: Path) -> None:
    """A table whose revision cannot be written is not written either."""
    files = {"models.py": MODELS, "alembic.ini": "", "pyproject.toml": '[tool.onetrip]\napp = "models.py"\n'}
    write(here, files | {"tests/a.txt": ""})
    done = command("add", "Order", "number:str")
    assert done.code == 1 and done.errors.startswith("Error: ")
    assert {name: (here / name).read_text() for name in files} == files
    assert [path.name for path in (here / "tests").iterdir()] == ["a.txt"]


@pytest.mark.parametrize(
    ("files", "arguments", "said"),
    [
        ({"models.py": MODELS}, ("item", "a:str"), "'item' is no name for a class: did you mean 'Item'?"),
        ({"models.py": MODELS}, ("Item", "a:str"), "There is a class 'Item' in models.py already."),
        ({"models.py": MODELS}, ("Order", "a:Itme"), "models.py has no class 'Itme'. Did you mean 'Item'?"),
        ({"models.py": MODELS}, ("Order", "a:items.id"), "models.py has no table 'items'. Did you mean 'item'?"),
        ({"models.py": MODELS}, ("Order", "a:item.name"), "the key of Item is 'id': refer to that."),
        ({"models.py": MODELS}, ("Order", "parent:Order"), "the first row could refer to none: say parent:Order?"),
        ({"models.py": "x = 1\n"}, ("Order", "a:str"), "No file of 'models.py' defines tables of SQLModel"),
        ({"models.py": "x = \n"}, ("Order", "a:str"), "models.py:1: invalid syntax"),
        ({"models.py": MODELS, "tests/test_orders.py": ""}, ("Order", "a:str"), "There is 'tests/test_orders.py'"),
    ],
)  # fmt: skip
def test_what_cannot_be_added_is_said(
    files: dict[str, str], arguments: tuple[str, ...], said: str, command: Command, here: Path
) -> None:
    """In a sentence that names what is meant, or what to do."""
    write(here, files | {"pyproject.toml": '[tool.onetrip]\napp = "models.py"\n'})
    done = command("add", *arguments)
    assert done.code == 1
    assert said in done.errors
