"""Target → what is served: which object in a file or package, which tables, and what is wrong with the code."""

from pathlib import Path

import pytest
from fastapi import FastAPI

from onetrip.cli.places import url_shown
from onetrip.errors import ConfigurationError
from tests.cli import projects
from tests.cli.conftest import Load
from tests.cli.projects import table

BASE = {"base.py": projects.BASE}
OTHERS = "from base import *\n"
APP = "from fastapi import FastAPI\napp = FastAPI()\n"


def resources(loading: Load, text: str, files: dict[str, str]) -> list[str]:
    """The names of what is served."""
    return [name for api in loading(text, files).apis for name in api.schema.resources]


def test_the_tables_of_a_file_are_served_in_the_order_of_definition(loading: Load) -> None:
    """Every mapped class that the file defines becomes a resource; what it imports does not."""
    files = BASE | {
        "shared.py": OTHERS + table("Shared"),
        "pets.py": OTHERS + "from shared import Shared\n" + table("Zebra") + table("Ape"),
    }
    assert resources(loading, "pets.py", files) == ["zebras", "apes"]


def test_the_tables_of_a_package_are_those_of_all_its_modules(loading: Load) -> None:
    """In the order of definition. Nested modules are imported too; programs, tests and the seed are not."""
    broken = "raise RuntimeError('imported')"
    files = BASE | {
        "farm/__init__.py": "",
        "farm/zebras.py": OTHERS + table("Zebra"),
        "farm/apes.py": OTHERS + table("Ape") + "\n\nfrom .zebras import Zebra\n",
        "farm/birds/__init__.py": OTHERS + table("Stork"),
        "farm/birds/small.py": OTHERS + table("Wren"),
        "farm/__main__.py": broken,
        "farm/seed.py": broken,
        "farm/conftest.py": broken,
        "farm/test_farm.py": broken,
        "farm/tests/__init__.py": broken,
        "farm/migrations/env.py": broken,
    }
    assert resources(loading, "farm", files) == ["apes", "zebras", "storks", "wrens"]


def test_sqlalchemy_classes_are_tables_too(loading: Load) -> None:
    """Declarative classes without SQLModel are served; abstract ones are not tables."""
    text = """\
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

class Base(DeclarativeBase):
    pass

class Dated(Base):
    __abstract__ = True
    day: Mapped[str]

class Invoice(Dated):
    __tablename__ = "invoice"
    id: Mapped[int] = mapped_column(primary_key=True)
"""
    assert resources(loading, "billing.py", {"billing.py": text}) == ["invoice"]


def test_a_class_that_inherits_from_a_table_is_not_served_and_named(loading: Load) -> None:
    """`class ZebraRead(Zebra)` is no table of its own: the others are served, and the report says so."""
    files = BASE | {"pets.py": OTHERS + table("Zebra") + "\n\nclass ZebraRead(Zebra):\n    more: str = ''\n"}
    loaded = loading("pets.py", files)
    assert [name for api in loaded.apis for name in api.schema.resources] == ["zebras"]
    assert loaded.remarks == ("ZebraRead inherits from a table and is none itself, so it is not served.",)


@pytest.mark.parametrize("text", ["zoo", "zoo.main", "zoo/main.py", "zoo.main:app"])
def test_an_application_is_served_as_it_is(loading: Load, text: str) -> None:
    """An application goes before an API, and both before tables, in a file and in a package."""
    loaded = loading(text, projects.PACKAGE_WITH_APP)
    assert isinstance(loaded.app, FastAPI)
    assert loaded.app.title == "The zoo"
    assert [list(api.schema.resources) for api in loaded.apis] == [["zoos", "animals"]]


@pytest.mark.parametrize("text", ["zoo", "zoo.interface", "zoo.interface:api"])
def test_an_api_is_put_into_an_application(loading: Load, text: str) -> None:
    """An API is served with documentation and a list of what there is."""
    loaded = loading(text, projects.PACKAGE_WITH_API)
    assert isinstance(loaded.app, FastAPI)
    assert loaded.app.title == ("Zoo" if text == "zoo" else "Interface")
    assert [url_shown(api.database.url) for api in loaded.apis] == ["sqlite:///zoo.db"]


def test_the_database_of_tables_is_a_file_of_their_name(loading: Load) -> None:
    """Tables that name no database are kept in a file in the current folder."""
    (api,) = loading("zoo", projects.PACKAGE).apis
    assert url_shown(api.database.url) == "sqlite:///zoo.db"


def test_of_several_applications_the_one_called_app_is_served(loading: Load) -> None:
    """Names decide between several; without the name, the user does."""
    files = {"main.py": APP + "admin = FastAPI()\n", "twice.py": APP.replace("app", "one") + "two = FastAPI()\n"}
    loaded = loading("main.py", files)
    assert loaded.app is loading("main:app", files).app
    with pytest.raises(
        ConfigurationError, match=r"^twice.py holds several applications: name one of twice:one, twice:two.$"
    ):
        loading("twice.py", files)


def test_any_asgi_application_can_be_named(loading: Load) -> None:
    """An application needs no framework."""
    text = """\
async def bare(scope, receive, send):
    ...


class Wrapped:
    async def __call__(self, scope, receive, send):
        ...


wrapped = Wrapped()
"""
    for name in ("bare", "wrapped"):
        assert callable(loading(f"raw:{name}", {"raw.py": text}).app)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("main:ap", "main.py has no 'ap'. Did you mean 'app'?"),
        ("main:nothing", "main.py has no 'nothing'. It has: app."),
        ("main:app.rooter", "main.py has no 'rooter'. Did you mean 'router'?"),
        ("main:FastAPI", "main.py:FastAPI is a class, not an API and not an ASGI application."),
        ("main:__name__", "main.py:__name__ is an object of type str, not an API and not an ASGI application."),
        (
            "main:create",
            "main.py:create is a function, not an API and not an ASGI application. "
            "If it makes one, call it in the file: app = create().",
        ),
    ],
)
def test_an_object_that_cannot_be_served_is_refused(loading: Load, text: str, message: str) -> None:
    """What the name stands for is said, or the nearest name."""
    with pytest.raises(ConfigurationError) as caught:
        loading(text, {"main.py": APP + "\n\ndef create():\n    return app\n"})
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\nclass Broken(\n", "broken.py:2: '(' was never closed."),
        ("x = 1\nimport missing_module\n", "broken.py:2: No module named 'missing_module'."),
        ("from os import pathh\n", "broken.py:1: cannot import name 'pathh' from 'os'"),
        ("x = 1\n\nprint(y)\n", "broken.py:3: NameError: name 'y' is not defined."),
        ("raise SystemExit('no settings')\n", "broken.py:1: SystemExit: no settings."),
        ("assert False\n", "broken.py:1: AssertionError."),
        ("import json\njson.loads('{')\n", "broken.py:2: JSONDecodeError: Expecting property name enclosed"),
        (
            projects.BASE + "\n\nclass Log(Base, table=True):\n    text: str\n",
            "broken.py:11: the table 'log' has no primary key, so its rows have no address. "
            "Mark the columns that identify a row: Field(primary_key=True).",
        ),
        (
            projects.BASE + table("A") + table("B").replace("    id", "    __tablename__ = 'a'\n    id"),
            "broken.py:15: the table 'a' is defined twice. Give one of the two another name",
        ),
        (
            projects.TABLES + "\n\nclass ZooRead(Zoo):\n    pass\n",
            "broken.py:25: this class inherits from a table that has relationships, which SQLModel cannot read. "
            "Move the shared fields to a class without table=True",
        ),
        (
            "from onetrip import API\n\nclass Plain:\n    pass\n\n\napi = API(Plain, database='sqlite://')\n",
            "broken.py:7: Plain is not a table",
        ),
        ("x = 1\n", "broken.py defines no tables, no API and no application."),
        ("from base2 import Kept\n", "broken.py defines no tables. It imports Kept from 'base2': name that instead."),
    ],
)
def test_code_that_cannot_be_served_is_blamed_by_file_and_line(loading: Load, text: str, message: str) -> None:
    """Whatever the code raises is one sentence that begins with the place in the user's own file."""
    with pytest.raises(ConfigurationError) as caught:
        loading("broken.py", {"broken.py": text, "base2.py": projects.BASE + table("Kept")})
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_the_blame_falls_on_the_module_that_fails(loading: Load) -> None:
    """An error in a module that the target imports names that module."""
    files = {"farm/__init__.py": "", "farm/a.py": "from . import b\n", "farm/b.py": "\n\n1 / 0\n"}
    with pytest.raises(ConfigurationError, match=r"^farm/b.py:3: ZeroDivisionError: division by zero.$"):
        loading("farm", files)


def test_a_name_that_python_uses_already_is_refused(loading: Load) -> None:
    """A file that would be imported as another module is not served in its place."""
    message = r"^json.py would be imported as 'json', and there is another 'json': rename it.$"
    with pytest.raises(ConfigurationError, match=message):
        loading("json.py", {"json.py": ""})


def test_the_current_folder_can_be_imported_from(loading: Load, tmp_path: Path) -> None:
    """A file in a folder that is no package finds modules beside itself and in the current folder."""
    files = BASE | {
        "inner/beside.py": OTHERS + table("Beside"),
        "inner/tables.py": "import beside\n" + OTHERS + table("Inner"),
    }
    assert resources(loading, "inner/tables.py", files) == ["inners"]
