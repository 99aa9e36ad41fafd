"""`onetrip settings`: what is printed is what was read, and where."""

from pathlib import Path

import pytest

from tests.cli.conftest import Command

MODELS = """
import onetrip
from sqlmodel import Field, SQLModel


class Task(SQLModel, table=True):
    id: int = Field(primary_key=True)


api = onetrip.API(Task, settings=onetrip.Settings())
"""


def test_the_source_of_the_database_is_where_it_was_read(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the variable by which an application is told what was said elsewhere."""
    (tmp_path / "main.py").write_text(MODELS)
    (tmp_path / ".env").write_text("ONETRIP_DATABASE_URL=sqlite:///of_the_file.db\n")
    monkeypatch.delenv("ONETRIP_DATABASE_URL", raising=False)
    done = command("settings", "main.py")
    assert (done.code, done.errors) == (0, "")
    [line] = [line.split() for line in done.output.splitlines() if line.startswith("ONETRIP_DATABASE_URL ")]
    assert line == ["ONETRIP_DATABASE_URL", "sqlite:///of_the_file.db", ".env"]
