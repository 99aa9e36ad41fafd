"""`onetrip db up`, `check` and `test`: what they print, and how they end."""

import json
from pathlib import Path

import pytest
import typer

from onetrip.cli.applying import parse_seconds
from tests.cli import projects
from tests.cli.conftest import Command
from tests.cli.serving import write

ZOO = "\n\nclass Zoo(Base, table=True):\n    id: Optional[int] = Field(default=None, primary_key=True)\n"
NAME = ZOO + "    name: Optional[str] = None\n"
URL = ("zoo.py", "--database", "sqlite:///zoo.db")


@pytest.fixture
def zoo(command: Command, here: Path) -> Path:
    """A project with one revision, which is not applied yet."""
    write(here, {"zoo.py": projects.BASE + ZOO})
    assert command("db", "init").code == 0
    assert command("db", "new", "-m", "begin", *URL).code == 0
    return here


def revision(zoo: Path) -> str:
    [file] = (zoo / "alembic" / "versions").glob("*.py")
    return next(line for line in file.read_text().splitlines() if line.startswith("revision")).split('"')[1]


def test_up_says_what_it_does(command: Command, zoo: Path) -> None:
    """Each revision with its time, then where the database is; a second time there is nothing."""
    name = revision(zoo)
    done = command("db", "up", *URL)
    assert done.code == 0, done.errors
    assert done.output == f"sqlite:///zoo.db: 1 revision applied, at {name} now\n"
    begun, ended = done.errors.splitlines()
    assert begun == f"{name} begin: applying …"
    assert ended.startswith(f"{name} begin: done in ")
    again = command("db", "up", *URL)
    assert (again.code, again.output, again.errors) == (0, "sqlite:///zoo.db: nothing to apply\n", "")


def test_check_says_what_differs(command: Command, zoo: Path) -> None:
    """Before and after, for people and for programs."""
    name = revision(zoo)
    before = command("db", "check", *URL)
    assert before.code == 1
    assert f"- it is at no revision, and the head is {name}: run 'onetrip db up'" in before.output
    command("db", "up", *URL)
    after = command("db", "check", *URL)
    assert (after.code, after.output) == (0, f"sqlite:///zoo.db: at {name}, as the models are\n"), after.output
    told = json.loads(command("db", "check", "--json", *URL).output)
    assert (told["clean"], told["state"], told["current"]) == (True, "head", [name])


def test_test_tries_the_revisions(command: Command, zoo: Path) -> None:
    """Without touching the database; what is wrong is listed."""
    done = command("db", "test", *URL)
    assert (done.code, done.output.splitlines()[-1][-17:]) == (0, " nothing is wrong"), done.output
    assert (zoo / "zoo.db").stat().st_size == 0
    [file] = (zoo / "alembic" / "versions").glob("*.py")
    head, _, _ = file.read_text().partition("def downgrade")
    file.write_text(head + "def downgrade() -> None:\n    pass\n")
    done = command("db", "test", *URL)
    assert done.code == 1
    assert "leaves a trace: table zoo is left." in done.output


def test_what_cannot_be_is_one_sentence(command: Command, zoo: Path) -> None:
    """And a wrong option is a wrong option."""
    done = command("db", "up", "zoo.py", "--database", "postgresql://localhost:1/none")
    assert done.code == 1
    assert done.errors.startswith("Error: The database") and done.errors.count("\n") == 1
    done = command("db", "test", *URL, "--scratch", "mysql://localhost/x")
    assert (done.code, done.errors.count("\n")) == (1, 1)
    done = command("db", "up", *URL, "--lock-wait", "long")
    assert done.code == 2
    assert "write it as 500ms, 2s or 5m" in done.errors


def test_spans_of_time() -> None:
    """With a unit, or in seconds."""
    assert [parse_seconds(text) for text in ("500ms", "2", "2s", "5m")] == [0.5, 2, 2, 300]
    with pytest.raises(typer.BadParameter):
        parse_seconds("1h30")
