"""The house rules that a program can check; which package may import which is import-linter's (`pyproject.toml`)."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import onetrip

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src" / "onetrip").rglob("*.py"))

MODULE_LINES = 400
FUNCTION_LINES = 60
VAGUE_NAMES = {"base", "common", "handler", "helper", "helpers", "manager", "misc", "service", "util", "utils"}

# What may be longer, and why.
LONG_MODULES: dict[str, str] = {}
LONG_FUNCTIONS: dict[str, str] = {}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT / "src").with_suffix("").as_posix().replace("/", ".")


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Every function of a module and the lines of its code, without its docstring."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) and node.body[1:] else node.body
            assert node.end_lineno is not None
            yield f"{name_of(path)}.{node.name}", node.end_lineno - body[0].lineno + 1


def test_modules_are_short() -> None:
    """A module is read in one sitting."""
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {name: length for name, length in lengths.items() if length > MODULE_LINES}.keys() == LONG_MODULES.keys()


def test_functions_are_short() -> None:
    """A function fits on a screen."""
    lengths = dict(found for path in SOURCES for found in functions(path))
    assert {name: length for name, length in lengths.items() if length > FUNCTION_LINES}.keys() == LONG_FUNCTIONS.keys()


def test_names_of_modules_say_something() -> None:
    """No module is called after what could be anything."""
    assert [name for path in SOURCES if VAGUE_NAMES & set(re.split(r"[._]", name := name_of(path)))] == []


@pytest.mark.parametrize("path", [path for path in SOURCES if path.parent.name != "onetrip"], ids=name_of)
def test_modules_say_what_they_are_for(path: Path) -> None:
    """A module begins with its purpose; the front door of an inner package is empty, so that imports stay one-way."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if path.name == "__init__.py" and path.parent.name != "testing":  # a front door of its own, for tests of users
        assert [node for node in tree.body if not isinstance(node, ast.Expr)] == []
    else:
        assert ast.get_docstring(tree)


def test_the_public_names_are_sorted_and_there() -> None:
    """`from onetrip import *` gives what is documented, and nothing by accident."""
    assert list(onetrip.__all__) == sorted(onetrip.__all__)
    assert all(hasattr(onetrip, name) for name in onetrip.__all__)
    submodules = {path.stem for path in SOURCES} | {path.parent.name for path in SOURCES}
    found = {name for name in vars(onetrip) if not name.startswith("_")} - {"TYPE_CHECKING"}
    assert found - submodules <= set(onetrip.__all__)


def test_the_front_door_is_small() -> None:
    """The root package only names what is public."""
    assert len((ROOT / "src" / "onetrip" / "__init__.py").read_text(encoding="utf-8").splitlines()) <= 45


def test_version_and_changelog_agree() -> None:
    """The newest release in the changelog is this version; before the first release there is none."""
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == "Unreleased" or headings[0] == onetrip.__version__
    assert [heading for heading in headings if heading != "Unreleased"][:1] in ([], [onetrip.__version__])


def test_ignored_warnings_of_the_type_checker_say_which() -> None:
    """A `type: ignore` names its code, so that it cannot hide a second error."""
    bare = re.compile(r"#\s*type:\s*ignore(?!\[)")
    assert [name_of(path) for path in SOURCES if bare.search(path.read_text(encoding="utf-8"))] == []
