"""Text → `Target`: what somebody named on the command line, found in the file system.

A closed union: Python code that is looked through, one object in it, or a database. Nothing is imported and nothing is
opened here, so a wrong name is answered at once.
"""

import importlib.util
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from sqlalchemy.engine import URL

from onetrip.cli.places import path_shown
from onetrip.db.url import is_url, parse_url
from onetrip.errors import ConfigurationError, nearest

_OBJECT = re.compile(r"(?P<place>.+?):(?P<attribute>[^:/\\]*)")
_DATABASE_SUFFIXES = (".db", ".sqlite", ".sqlite3")


@dataclass(frozen=True, slots=True)
class Code:
    """A Python file, or a folder of them, and how it is imported: `module`, with `root` on the path."""

    path: Path
    module: str
    root: Path

    @property
    def is_package(self) -> bool:
        """Whether this is a folder."""
        return self.path.is_dir()

    @property
    def name(self) -> str:
        """What it is called: `models` for `app/models.py`, `codeclash` for `examples/codeclash/`."""
        return self.module.rpartition(".")[2]

    @property
    def folder(self) -> Path:
        """The folder in which a change concerns it: that of its whole package."""
        top = self.root / self.module.partition(".")[0]
        return top if top.is_dir() else self.root


@dataclass(frozen=True, slots=True)
class ModuleTarget:
    """A file or package: an application or `API` in it, else its tables."""

    code: Code


@dataclass(frozen=True, slots=True)
class ObjectTarget:
    """One object in a module: an application or an `API`."""

    code: Code
    attribute: str


@dataclass(frozen=True, slots=True)
class DatabaseTarget:
    """A database whose tables are reflected."""

    url: URL


Target = ModuleTarget | ObjectTarget | DatabaseTarget


def parse_target(text: str) -> Target:
    """Find what a text stands for: a database URL, or a file, folder or dotted module, with `:name` or without.

    Raises `ConfigurationError` for what is not there, with the nearest name.
    """
    if is_url(text):
        return DatabaseTarget(_existing(parse_url(text)))
    found = _OBJECT.fullmatch(text)
    if found is None:
        return ModuleTarget(_code(text))
    place, attribute = found["place"], found["attribute"]
    if not all(part.isidentifier() for part in attribute.split(".")):
        raise ConfigurationError(f"'{text}': after the colon stands a name in the module, as in '{place}:app'.")
    code = _code(place)
    if code.is_package and not (code.path / "__init__.py").exists():
        raise ConfigurationError(f"'{place}' is a folder: name the file that defines '{attribute}'.")
    return ObjectTarget(code, attribute)


def _existing(url: URL) -> URL:
    """Refuse a database file that is not there, which SQLite would create."""
    if url.drivername == "sqlite" and url.database and not url.database.startswith((":", "file:")):
        path = Path(url.database)
        if not path.exists():
            near = _nearest_file(path, lambda entry: entry.is_file() and entry.suffix != ".py")
            raise ConfigurationError(f"There is no database file '{path_shown(path)}'. {near}".rstrip())
        if path.is_dir():
            raise ConfigurationError(f"'{path_shown(path)}' is a folder, not a database file.")
    return url


def _code(text: str) -> Code:
    if text.endswith(".py") or "/" in text or "\\" in text or text in (".", "..") or Path(text).is_dir():
        return _at_path(Path(text))
    return _named(text)


def _at_path(path: Path) -> Code:
    """Find a file or folder; it is imported under its full name if it lies in a package."""
    if not path.exists():
        near = _nearest_file(path, lambda entry: entry.is_dir() or entry.suffix == ".py")
        raise ConfigurationError(f"There is no '{path}'. {near}".rstrip())
    if path.is_file() and path.suffix != ".py":
        raise ConfigurationError(_not_python(path))
    resolved = path.resolve()
    if resolved.name == "__init__.py":
        resolved = resolved.parent
    if resolved.is_dir() and not any(resolved.glob("*.py")):
        raise ConfigurationError(f"The folder '{path}' holds no Python files.")
    root, parts = resolved.parent, [resolved.name.removesuffix(".py")]
    while (root / "__init__.py").exists():
        parts.insert(0, root.name)
        root = root.parent
    if any("." in part for part in parts):
        raise ConfigurationError(f"'{path}' cannot be imported: a dot in its name would mean a package. Rename it.")
    return Code(resolved, ".".join(parts), root)


def _not_python(path: Path) -> str:
    if path.suffix in _DATABASE_SUFFIXES:
        return f"'{path}' is a database file: write sqlite:///{path}"
    return f"'{path}' is not a Python file. A target is a .py file, a package, module:name, or a database URL."


def _named(name: str) -> Code:
    """Find a module by its dotted name, from the current folder first, without importing its packages."""
    if Path(name).is_file():
        raise ConfigurationError(_not_python(Path(name)))
    if not all(part.isidentifier() for part in name.split(".")):
        raise ConfigurationError(f"'{name}' is not a file, a folder, the name of a module, or a database URL.")
    top, *rest = name.split(".")
    spec = PathFinder.find_spec(top, [str(Path.cwd())]) or _installed(top)
    if spec is None:
        raise ConfigurationError(_missing(name, top, [str(Path.cwd())]))
    root = _location(spec, name).parent
    for index, part in enumerate(rest, start=2):
        folders = list(spec.submodule_search_locations or ())
        full = ".".join(name.split(".")[:index])
        spec = PathFinder.find_spec(full, folders)
        if spec is None:
            raise ConfigurationError(_missing(name, part, folders))
    return Code(_location(spec, name), name, root)


def _installed(name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None


def _location(spec: ModuleSpec, name: str) -> Path:
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)))
    if spec.origin is None or not spec.has_location:
        raise ConfigurationError(f"The module '{name}' is part of Python, and holds no tables.")
    return Path(spec.origin)


def _missing(name: str, part: str, folders: Iterable[str]) -> str:
    known = {path.stem: path for folder in folders for path in Path(folder).glob("*") if _is_importable(path)}
    hint = nearest(part, sorted(known)) or ""
    return f"There is no module or folder '{name}'. {hint}".rstrip()


def _is_importable(path: Path) -> bool:
    if path.is_dir():
        return path.name.isidentifier() and any(path.glob("*.py"))
    return path.suffix == ".py" and path.stem != "__init__"


def _nearest_file(path: Path, fits: Callable[[Path], bool]) -> str:
    """Name the file that was probably meant, in the first folder of the path that exists."""
    folder, wanted = path.parent, path.name
    while not folder.exists():
        folder, wanted = folder.parent, folder.name
    entries = [entry for entry in sorted(folder.iterdir()) if fits(entry) or entry.is_dir()]
    known = {path_shown(folder / entry.name): entry.name for entry in entries}
    close = get_close_matches(wanted, known.values(), n=1)
    return next((f"Did you mean '{whole}'?" for whole, name in known.items() if close == [name]), "")
