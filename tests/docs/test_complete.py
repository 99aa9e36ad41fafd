"""What exists stands in the documentation, and what it points to exists."""

import ast
import inspect
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from onetrip import API, Limits, Pool, Problem, Resource, Settings
from onetrip.config import variables_of
from onetrip.plan.operators import ALL_OPERATORS
from onetrip.query.aggregate import PARAMETERS_OF_GROUPS
from onetrip.query.split import PARAMETERS
from tests.docs.markdown import PAGES, ROOT

DOCS = ROOT / "docs"
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")


def text(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    plain = (re.sub(r"\[(.+?)\]\(.+?\)", r"\1", heading).lower() for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain}


def problems(kind: type[Problem] = Problem) -> Iterator[type[Problem]]:
    yield kind
    for inner in kind.__subclasses__():
        if inner.__module__.startswith("onetrip"):
            yield from problems(inner)


def error_types() -> set[str]:
    """Every type of a single error that stands in the sources."""
    found = {"value_error"}  # what is left out
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = getattr(node.func, "attr", getattr(node.func, "id", ""))
                given = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
                if called == "unknown":
                    found |= {f"unknown_{given[-1]}"}
                elif called in ("at", "ErrorItem") and len(node.args) > 2 and isinstance(node.args[2], ast.Constant):
                    found.add(str(node.args[2].value))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    """Every link within the project leads to a file, and to a heading that is there."""
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), f"{target}#{anchor}"


def test_every_page_can_be_found() -> None:
    """The index leads to every page, the list of decisions to every decision."""
    linked = {(DOCS / target).resolve() for target, _ in LINK.findall(text("index.md"))}
    linked |= {(DOCS / "adr" / target).resolve() for target, _ in LINK.findall(text("adr/README.md"))}
    assert set(DOCS.rglob("*.md")) - linked == {DOCS / "index.md"}


def test_every_problem_is_explained() -> None:
    """A problem type and its status stand in the table of errors."""
    for problem in problems():
        assert f"| `{problem.slug}` | {problem.status} |" in text("errors.md")


@pytest.mark.parametrize("name", sorted(error_types()))
def test_every_type_of_error_is_explained(name: str) -> None:
    """What a program may find in `errors` is listed."""
    assert f"`{name}`" in text("errors.md").partition("## Types of single errors")[2]


@pytest.mark.parametrize(
    ("thing", "page"),
    [(API, "resources.md"), (Resource, "resources.md"), (Limits, "resources.md"), (Pool, "databases.md")],
)
def test_every_option_is_explained(thing: Callable[..., Any], page: str) -> None:
    """Each argument of what users call has a line in a table."""
    for name in list(inspect.signature(thing).parameters)[1 if thing in (API, Resource) else 0 :]:
        assert re.search(rf"^\| .*`{name}`", text(page), re.MULTILINE), name


def test_the_read_language_is_complete() -> None:
    """Every parameter has its section, and every operator is mentioned."""
    page = text("query.md")
    assert all(re.search(rf"^\| .*`{name}`", page, re.MULTILINE) for name in PARAMETERS)
    assert all(f"__{name}=" in text("filtering.md") for name in ALL_OPERATORS)


def test_the_grammar_has_every_parameter() -> None:
    """Each stands in the formal part; what is in the tables is compared by the page itself."""
    form = text("grammar.md").partition("```ebnf")[2].partition("```")[0]
    assert {name for name in PARAMETERS | PARAMETERS_OF_GROUPS if f'"{name}=' not in form} == set()


def test_every_dependency_has_its_reason() -> None:
    """What is installed is listed, with why."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras, groups = project["project"]["optional-dependencies"], project["dependency-groups"]
    lists = [project["project"]["dependencies"], *extras.values(), *groups.values()]
    names = {re.split(r"[\[<>=;]", requirement)[0].strip() for required in lists for requirement in required}
    listed = " ".join(re.findall(r"^\| ([\w, -]+) \|", text("dependencies.md"), re.MULTILINE))
    assert names - set(re.findall(r"[\w-]+", listed)) == set()


def test_every_setting_is_explained() -> None:
    """Each field has a line in the table of settings, with its variable."""
    for name, field in Settings.model_fields.items():
        assert re.search(
            rf"^\| `{variables_of(field, name)[0]}[`_].*\| `{name}` \|", text("settings.md"), re.MULTILINE
        ), name
