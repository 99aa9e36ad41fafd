"""`Code` → modules: the user's code, imported, and whatever it raises said in one sentence with file and line."""

import importlib
import pkgutil
import re
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from onetrip.cli.places import path_shown
from onetrip.cli.target import Code
from onetrip.errors import ConfigurationError

SEED = "seed"
"""The module of a package that fills a new database."""

_PROGRAMS = re.compile(rf"__main__|{SEED}|conftest|tests?|test_.*|.*_test")
_REMEDIES = (
    (
        re.compile(r"sqlalchemy\.orm\.base\.(Mapped)"),
        "this class inherits from a table that has relationships, which SQLModel cannot read. "
        "Move the shared fields to a class without table=True, and inherit both from that.",
    ),
    (
        re.compile(r"could not assemble any primary key columns for mapped table '(.+?)'"),
        "the table '{}' has no primary key, so its rows have no address. "
        "Mark the columns that identify a row: Field(primary_key=True).",
    ),
    (
        re.compile(r"Table '(.+?)' is already defined for this MetaData"),
        "the table '{}' is defined twice. Give one of the two another name, or, if this file was imported under two "
        "names, put an __init__.py into its folder.",
    ),
)


def import_code(code: Code) -> ModuleType:
    """Import a file or a package. Raises `ConfigurationError` for whatever the code raises, with file and line."""
    for folder in (str(Path.cwd()), str(code.root)):
        if folder not in sys.path[:2]:
            sys.path.insert(0, folder)
    _refuse_taken(code)
    return _import(code.module, code)


def import_all(code: Code) -> list[ModuleType]:
    """Import a file, or a package and every module in it but programs, tests and the seed; in the order of import."""
    top = import_code(code)
    if code.is_package:
        for name in _submodules(top):
            _import(name, code)
    inside = f"{code.module}."
    return [module for name, module in list(sys.modules.items()) if module is top or name.startswith(inside)]


def import_seed(code: Code) -> ModuleType | None:
    """Import `seed.py` of a package, if it has one."""
    if not code.is_package or not (code.path / f"{SEED}.py").is_file():
        return None
    return _import(f"{code.module}.{SEED}", code)


def blame(error: BaseException, code: Code) -> str:
    """Say where in the user's code an exception came from and what it says, as `models.py:12: …`.

    The place is the innermost line of the user's own files.
    """
    if isinstance(error, SyntaxError) and error.filename is not None:
        return f"{path_shown(Path(error.filename))}:{error.lineno}: {_stopped(error.msg)}"
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(code.root) and "site-packages" not in frame.filename
    ]
    place = f"{path_shown(Path(frames[-1].filename))}:{frames[-1].lineno}" if frames else path_shown(code.path)
    return f"{place}: {_said(error)}"


def _said(error: BaseException) -> str:
    text = " ".join(str(error).partition("(Background on this error")[0].partition("\n")[0].split())
    for pattern, remedy in _REMEDIES:
        if found := pattern.search(text):
            return remedy.format(found[1])
    if isinstance(error, ConfigurationError | ImportError):
        return _stopped(text)
    return _stopped(f"{type(error).__name__}: {text}" if text else type(error).__name__)


def _stopped(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _import(name: str, code: Code) -> ModuleType:
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        raise ConfigurationError(blame(error, code)) from error


def _submodules(package: ModuleType) -> Iterator[str]:
    """Name every module in a package, importing the packages on the way."""
    for found in pkgutil.iter_modules(package.__path__):
        if _PROGRAMS.fullmatch(found.name):
            continue
        name = f"{package.__name__}.{found.name}"
        yield name
        if found.ispkg:
            yield from _submodules(sys.modules[name])


def _refuse_taken(code: Code) -> None:
    """Refuse a name under which Python would find something else."""
    top = code.module.partition(".")[0]
    known = sys.modules.get(top)
    if known is None or code.root in (Path(place).resolve().parent for place in _places(known)):
        return
    raise ConfigurationError(
        f"{path_shown(code.path)} would be imported as '{code.module}', and there is another '{top}': rename it."
    )


def _places(module: ModuleType) -> list[str]:
    """Where a module lies: the folders of a package, the file of a module."""
    folders = list(getattr(module, "__path__", ()))
    return folders or [module.__file__ or ""]
