"""What tests that run the command line in this process need."""

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm.base import opt_manager_of_class

from onetrip.cli.load import Loaded, load
from onetrip.cli.main import run
from onetrip.cli.target import parse_target
from tests.cli.serving import write

Load = Callable[[str, Mapping[str, str]], Loaded]


@dataclass
class Finished:
    """A command that came to its end."""

    code: object
    output: str
    errors: str


Command = Callable[..., Finished]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A current folder of its own; modules imported from it, and what they mapped, are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)
    for name in ("ONETRIP_APP", "ONETRIP_DATABASE_URL", "ONETRIP_DEBUG"):
        monkeypatch.setenv(name, "")  # so that what the command sets is undone
        monkeypatch.delenv(name)
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        if str(getattr(sys.modules[name], "__file__", None) or tmp_path).startswith(str(tmp_path)):
            for value in list(vars(sys.modules.pop(name)).values()):
                manager = opt_manager_of_class(value) if isinstance(value, type) else None
                if manager is not None and manager.is_mapped and value.__module__ == name:
                    forget(manager)


def forget(manager: Any) -> None:
    """Unmap one class: a broken one would break the tests that follow, and its registry has others in it."""
    table, mappers = manager.mapper.local_table, manager.mapper.registry
    mappers._dispose_manager_and_mapper(manager)
    table.metadata.remove(table)


@pytest.fixture
def loading(here: Path) -> Load:
    """Load a target among some files, in this process."""

    def from_files(text: str, files: Mapping[str, str]) -> Loaded:
        write(here, files)
        return load(parse_target(text), lambda stage, done, total: None)

    return from_files


@pytest.fixture
def command(here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command that comes to an end, in this process."""

    def onetrip(*arguments: str) -> Finished:
        monkeypatch.setattr(sys, "argv", ["onetrip", *arguments])
        with pytest.raises(SystemExit) as caught:
            run()
        written = capsys.readouterr()
        return Finished(caught.value.code, written.out, written.err)

    return onetrip
