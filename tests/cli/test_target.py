"""Text → target: files, packages, modules, objects and databases are told apart without importing anything."""

from pathlib import Path

import pytest

from onetrip.cli.target import Code, DatabaseTarget, ModuleTarget, ObjectTarget, Target, parse_target
from onetrip.errors import ConfigurationError
from tests.cli.serving import write

FILES = {
    "models.py": "raise RuntimeError('imported')",
    "shop/__init__.py": "raise RuntimeError('imported')",
    "shop/orders/__init__.py": "",
    "shop/orders/tables.py": "",
    "plain/tables.py": "",
    "notes.txt": "",
    "empty/readme.md": "",
    "v1.2.py": "",
    "shop.sqlite": "",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write(tmp_path, FILES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "path", "module", "root"),
    [
        ("models.py", "models.py", "models", "."),
        ("./models.py", "models.py", "models", "."),
        ("models", "models.py", "models", "."),
        ("shop", "shop", "shop", "."),
        ("shop/", "shop", "shop", "."),
        ("shop/__init__.py", "shop", "shop", "."),
        ("shop/orders", "shop/orders", "shop.orders", "."),
        ("shop.orders", "shop/orders", "shop.orders", "."),
        ("shop/orders/tables.py", "shop/orders/tables.py", "shop.orders.tables", "."),
        ("shop.orders.tables", "shop/orders/tables.py", "shop.orders.tables", "."),
        ("plain", "plain", "plain", "."),
        ("plain/tables.py", "plain/tables.py", "tables", "plain"),
        ("plain.tables", "plain/tables.py", "plain.tables", "."),
    ],
)
def test_code_is_found_by_path_and_by_name(folder: Path, text: str, path: str, module: str, root: str) -> None:
    """A file or folder is imported under its full name in its package, a name is found from the current folder."""
    code = Code(folder / path, module, (folder / root).resolve())
    assert parse_target(text) == ModuleTarget(code)


@pytest.mark.parametrize(
    ("text", "module", "attribute"),
    [
        ("models.py:app", "models", "app"),
        ("models:app", "models", "app"),
        ("shop:api", "shop", "api"),
        ("shop.orders.tables:holder.app", "shop.orders.tables", "holder.app"),
    ],
)
def test_an_object_is_named_after_a_colon(text: str, module: str, attribute: str) -> None:
    """`module:name` and `path.py:name` mean one object."""
    target = parse_target(text)
    assert isinstance(target, ObjectTarget)
    assert (target.code.module, target.attribute) == (module, attribute)


def test_a_path_from_elsewhere_is_its_own_root(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An absolute path needs no current folder."""
    monkeypatch.chdir(folder.parent)
    target = parse_target(str(folder / "shop" / "orders" / "tables.py"))
    assert isinstance(target, ModuleTarget)
    assert (target.code.module, target.code.root, target.code.name) == ("shop.orders.tables", folder, "tables")


@pytest.mark.parametrize(
    "text",
    ["sqlite:///shop.sqlite", "sqlite://", "postgresql://ada@localhost/shop", "postgres+asyncpg://localhost/shop"],
)
def test_a_url_is_a_database(text: str) -> None:
    """What holds `://` is a database; its driver is left to us."""
    target = parse_target(text)
    assert isinstance(target, DatabaseTarget)
    assert target.url.drivername in ("sqlite", "postgresql")


@pytest.mark.parametrize(
    ("text", "watched"),
    [("models.py", "."), ("shop", "shop"), ("shop.orders.tables", "shop"), ("plain/tables.py", "plain")],
)
def test_the_folder_to_watch_is_that_of_the_whole_package(folder: Path, text: str, watched: str) -> None:
    """A change anywhere in the package concerns a module in it."""
    target: Target = parse_target(text)
    assert isinstance(target, ModuleTarget)
    assert target.code.folder == (folder / watched).resolve()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("modles.py", "There is no 'modles.py'. Did you mean 'models.py'?"),
        ("shop/ordres", "There is no 'shop/ordres'. Did you mean 'shop/orders'?"),
        ("shop/orders/table.py", "There is no 'shop/orders/table.py'. Did you mean 'shop/orders/tables.py'?"),
        ("nothing/at/all.py", "There is no 'nothing/at/all.py'."),
        ("modles", "There is no module or folder 'modles'. Did you mean 'models'?"),
        ("shop.ordres", "There is no module or folder 'shop.ordres'. Did you mean 'orders'?"),
        ("builtins", "The module 'builtins' is part of Python, and holds no tables."),
        (
            "notes.txt",
            "'notes.txt' is not a Python file. A target is a .py file, a package, module:name, or a database",
        ),
        ("shop.sqlite", "'shop.sqlite' is a database file: write sqlite:///shop.sqlite"),
        ("./shop.sqlite", "'shop.sqlite' is a database file: write sqlite:///shop.sqlite"),
        ("empty", "The folder 'empty' holds no Python files."),
        ("v1.2.py", "'v1.2.py' cannot be imported: a dot in its name would mean a package. Rename it."),
        ("two words", "'two words' is not a file, a folder, the name of a module, or a database URL."),
        ("models:", "'models:': after the colon stands a name in the module, as in 'models:app'."),
        ("models:my-app", "'models:my-app': after the colon stands a name in the module, as in 'models:app'."),
        ("plain:app", "'plain' is a folder: name the file that defines 'app'."),
        ("sqlite:///shop.sqlte", "There is no database file 'shop.sqlte'. Did you mean 'shop.sqlite'?"),
        ("sqlite:///shop", "'shop' is a folder, not a database file."),
        ("mysql://localhost/shop", "The database 'mysql' is not supported"),
    ],
)
def test_a_wrong_target_is_answered_with_the_nearest_name(text: str, message: str) -> None:
    """What is not there is said in one sentence, with what was probably meant."""
    with pytest.raises(ConfigurationError) as caught:
        parse_target(text)
    assert str(caught.value).startswith(message)
