"""A table that is added to a project: which files get what. They are read here, and written by who asked."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from onetrip.errors import ConfigurationError
from onetrip.scaffold.fields import Field
from onetrip.scaffold.model import NewTable, resolve, with_model
from onetrip.scaffold.registration import find_registration, registered
from onetrip.scaffold.tables import tables
from onetrip.scaffold.tests import test_of
from onetrip.schema import naming

_PASSED_BY = {"alembic", "build", "dist", "migrations", "node_modules", "tests", "venv"}


@dataclass(frozen=True, slots=True)
class Addition:
    """The texts that files get: the old one, or `None` for a file that is new; and what could not be done."""

    table: NewTable
    models: Path
    texts: dict[Path, tuple[str | None, str]]
    notes: tuple[str, ...]


def find_models(folder: Path) -> Path:
    """Find the file that defines tables. Raises `ConfigurationError` where there is none, or more than one."""
    found = [path for path in _sources(folder) if tables(_read(path))]
    if not found:
        raise ConfigurationError(
            f"No file of '{folder.name}' defines tables of SQLModel: name the one for it with --models FILE."
        )
    if len(found) > 1:
        shown = ", ".join(str(path.relative_to(folder.parent)) for path in found)
        raise ConfigurationError(f"Several files define tables: name one with --models, of {shown}.")
    return found[0]


def addition(name: str, fields: tuple[Field, ...], models: Path, folder: Path, project: Path) -> Addition:
    """Work out what adding a table means: to the file of tables, to the `API`, and to the tests of a project.

    Raises `ConfigurationError` for what cannot be added.
    """
    if not models.is_file():
        raise ConfigurationError(f"There is no file '{models}'.")
    source = _read(models)
    known = tables(source)
    table = resolve(name, fields, source, models.name)
    texts: dict[Path, tuple[str | None, str]] = {models: (source, with_model(source, table, models.name))}
    notes: list[str] = []
    for path in dict.fromkeys((models, *_sources(folder))):
        text = texts[path][1] if path in texts else _read(path)
        found = find_registration(text, known)
        if found is not None:
            texts[path] = (texts[path][0] if path in texts else text, registered(text, found, name, path.name))
            break
    else:
        notes.append(f"No API names its tables one by one: where one is made, give it {name}.")
    tests = project / "tests"
    if tests.is_dir() and models.resolve().is_relative_to(project.resolve()):
        path = tests / f"test_{naming.plural(naming.snake(name))}.py"
        if path.exists():
            raise ConfigurationError(f"There is '{path.relative_to(project)}' already, and it stays as it is.")
        texts[path] = (None, test_of(table, _module(models, project)))
    else:
        notes.append("There is no folder 'tests', so no test is written.")
    return Addition(table, models, texts, tuple(notes))


def _module(path: Path, project: Path) -> str:
    return ".".join(path.resolve().relative_to(project.resolve()).with_suffix("").parts)


def _sources(folder: Path) -> Iterator[Path]:
    """Go through a package, or a file and those beside it."""
    if folder.is_file():
        yield from dict.fromkeys((folder, *sorted(folder.parent.glob("*.py"))))
        return
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).parts
        if not any(part in _PASSED_BY or part.startswith(".") for part in parts[:-1]):
            yield path


def _read(path: Path) -> str:
    """Read a file of Python. Raises `ConfigurationError` for one that Python could not read either."""
    try:
        text = path.read_text(encoding="utf-8")
        compile(text, str(path), "exec", dont_inherit=True)
    except SyntaxError as error:
        raise ConfigurationError(f"{path}:{error.lineno}: {error.msg}.") from error
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}.") from error
    return text
