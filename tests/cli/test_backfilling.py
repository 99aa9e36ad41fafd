"""`onetrip db data`: what it prints, and how it ends."""

import json
import sqlite3
from pathlib import Path

import pytest

from tests.cli import projects
from tests.cli.conftest import Command
from tests.cli.serving import write

ZOO = (
    "\n\nclass Zoo(Base, table=True):\n    id: Optional[int] = Field(default=None, primary_key=True)\n"
    "    name: str\n    slug: Optional[str] = None\n"
)
URL = ("zoo.py", "--database", "sqlite:///zoo.db")


@pytest.fixture
def zoo(command: Command, here: Path) -> Path:
    """A project with a filled table, and a data migration of it."""
    write(here, {"zoo.py": projects.BASE + ZOO})
    for words in (("init",), ("new", "-m", "begin", *URL), ("up", *URL)):
        done = command("db", *words)
        assert done.code == 0, done.errors
    connection = sqlite3.connect(here / "zoo.db")
    connection.executemany("INSERT INTO zoo (name) VALUES (?)", [(f"Z{number}",) for number in range(1200)])
    connection.commit()
    connection.close()
    done = command("db", "data", "new", "-m", "fill slugs", *URL)
    assert done.output.startswith("alembic/data/2")
    assert done.output.endswith("_fill_slugs.py: created\n")
    [file] = (here / "alembic" / "data").glob("*.py")
    file.write_text(file.read_text().replace('"post"', '"zoo"').replace("title", "name").replace("= 1000", "= 1200"))
    return here


def revision(zoo: Path) -> str:
    [file] = (zoo / "alembic" / "data").glob("*.py")
    return next(line for line in file.read_text().splitlines() if line.startswith("revision")).split('"')[1]


def test_run_says_what_it_does(command: Command, zoo: Path) -> None:
    """And `resume` is the same; status before and after."""
    name = revision(zoo)
    before = command("db", "data", "status", *URL)
    assert (before.code, before.output) == (1, f"{name} fill slugs: not begun\n"), before.errors
    done = command("db", "data", "run", "--pause", "0", *URL)
    assert (done.code, done.output) == (0, "sqlite:///zoo.db: 1 data migration finished\n"), done.errors
    assert done.errors.splitlines() == [f"{name} fill slugs: running …", f"{name} fill slugs: done, 1,200 rows"]
    after = command("db", "data", "status", *URL)
    assert (after.code, after.output) == (0, f"{name} fill slugs: finished, 1,200 rows\n")
    again = command("db", "data", "resume", *URL)
    assert (again.code, again.output, again.errors) == (0, "sqlite:///zoo.db: nothing to do\n", "")
    assert command("db", "check", *URL).code == 0  # the table of checkpoints is nobody's


def test_an_error_is_one_sentence(command: Command, zoo: Path) -> None:
    """What was done stays, and is told by status and by the next run."""
    [file] = (zoo / "alembic" / "data").glob("*.py")
    text = file.read_text()
    file.write_text(
        text.replace("= 1200", "= 1000").replace("    # In Python", "    1 / (rows[0].id == 1)\n    # In Python")
    )
    done = command("db", "data", "run", *URL)
    assert done.code == 1
    assert done.errors.splitlines()[-1].startswith(
        f"Error: Data migration {revision(zoo)} (fill slugs) failed at the rows"
    )
    assert "from id 1001 to id 1200, which stay as they were: ZeroDivisionError" in done.errors
    assert command("db", "data", "status", *URL).output.endswith(": not finished, 1,000 rows so far\n")
    [told] = json.loads(command("db", "data", "status", "--json", *URL).output)
    assert (told["state"], told["rows"], told["possible"]) == ("running", 1000, True)
    file.write_text(text)
    assert "going on after 1,000 rows …" in command("db", "data", "run", *URL).errors


def test_a_dry_run_says_what_it_would_do(command: Command, zoo: Path) -> None:
    """The rows, and each statement of a batch."""
    done = command("db", "data", "run", "--dry-run", *URL)
    assert done.code == 0, done.errors
    heading, statement = done.output.splitlines()
    assert heading == (
        f"{revision(zoo)} fill slugs: 1,200 rows to do; tried with 1,200 rows, id 1 to id 1200, and taken back:"
    )
    assert statement.startswith("  UPDATE zoo SET slug=lower(zoo.name) WHERE")
    assert command("db", "data", "status", *URL).output.endswith(": not begun\n")


def test_lint_knows_data_migrations(command: Command, zoo: Path) -> None:
    """An import of the application is an error there as well."""
    [file] = (zoo / "alembic" / "data").glob("*.py")
    file.write_text(file.read_text().replace("import sqlalchemy as sa", "import sqlalchemy as sa\nimport zoo"))
    done = command("db", "lint", *URL)
    assert done.code == 1
    assert "M25 error  zoo is code of the application" in done.output
