"""Pages in parts: each part of a page declares tables of its own, and they may have the same names."""

import io
import shlex
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from sqlmodel import SQLModel

from onetrip.cli.main import app
from tests.docs.run import OWN, backend_of


def begin_again(names: dict[str, Any]) -> None:
    """Forget the tables, the rows and the application that a page has shown so far."""
    engine = backend_of(OWN).engine()
    for metadata in (*names["api"].metadata, names["api"].own_tables):
        metadata.drop_all(engine)
    engine.dispose()
    forget_tables()
    for name in ("app", "api", "rows", "filled"):
        names.pop(name, None)


def shell(line: str) -> str:
    """Run a line of the command as a new process would: the files of the page are imported anew. What it prints."""
    forget_tables()
    with redirect_stdout(io.StringIO()) as printed, redirect_stderr(printed):
        app(shlex.split(line)[1:], prog_name="onetrip", standalone_mode=False)
    return printed.getvalue()


def forget_tables() -> None:
    """Let classes be declared anew, and the files of a page that declare them be imported anew."""
    for path in Path().glob("*.py"):
        sys.modules.pop(path.stem, None)
    SQLModel.metadata.clear()
    SQLModel._sa_registry.dispose()
