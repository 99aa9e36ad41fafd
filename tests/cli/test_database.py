"""`onetrip db`: a project with migrations, by our commands and by Alembic's own, as somebody types them."""

import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.config import main

from tests.cli.conftest import Command
from tests.cli.serving import environment, write
from tests.support.databases import Backend

SETTINGS = '[tool.onetrip]\napp = "models.py"\n'
MODELS = """\
import sqlalchemy as sa
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from onetrip.migrations.naming import CONVENTION


class Base(SQLModel, registry=registry(metadata=sa.MetaData(naming_convention=CONVENTION))):
    pass


class Animal(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(index=True)
"""
RENAMED = MODELS.replace("name: str", "title: str")
CHINOOK = Path(__file__).parents[3] / "shared" / "data" / "chinook" / "chinook.sqlite"


@pytest.fixture
def project(here: Path, backend: Backend, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with models, and the database of the environment."""
    write(here, {"pyproject.toml": SETTINGS, "models.py": MODELS})
    monkeypatch.setenv("ONETRIP_DATABASE_URL", backend.url)
    return here


def alembic(*arguments: str, folder: Path) -> tuple[int, str, str]:
    """Run Alembic's own command."""
    done = subprocess.run(
        [sys.executable, "-m", "alembic.config", *arguments], cwd=folder, capture_output=True, text=True, timeout=60,
        env=environment(ONETRIP_DATABASE_URL=os.environ["ONETRIP_DATABASE_URL"]), check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def files(folder: Path) -> list[str]:
    return sorted(file.name for file in (folder / "alembic" / "versions").glob("*.py"))


@pytest.fixture
def begun(command: Command, project: Path) -> Path:
    """A project with one revision, which was applied."""
    assert command("db", "init").code == 0
    done = command("db", "new", "-m", "create")
    assert (done.code, done.errors) == (0, "")
    apply()
    return project


def apply() -> None:
    """Run Alembic's own command, in this process."""
    typed("upgrade", "head")


def typed(*arguments: str) -> None:
    main(argv=list(arguments), prog="alembic")


def test_alembic_itself_works_as_typed(command: Command, project: Path, backend: Backend) -> None:
    """In a project that 'onetrip db init' made, with nothing edited."""
    done = command("db", "init")
    assert (done.code, done.errors) == (0, "")
    assert done.output.startswith("alembic.ini: created\nalembic/env.py: created\n")
    assert alembic("revision", "--autogenerate", "-m", "create", folder=project)[0] == 0
    code, _, errors = alembic("upgrade", "head", folder=project)
    assert code == 0 and errors.endswith(", create\n") and errors.count("\n") == 1
    [head] = [name.split("_")[2] for name in files(project)]
    assert f"{head} (head)" in alembic("current", folder=project)[1]
    assert head in alembic("history", folder=project)[1]
    assert alembic("check", folder=project)[0] == 0
    assert alembic("downgrade", "-1", folder=project)[0] == 0
    assert "animal" not in sa.inspect(backend.engine()).get_table_names()


def test_alembic_itself_refuses_what_we_refuse(begun: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In one sentence, with what to say: an `-x` argument."""
    (begun / "other.py").write_text(RENAMED)
    (begun / "pyproject.toml").write_text(SETTINGS.replace("models", "other"))
    revision = ("revision", "--autogenerate", "-m", "rename")
    capsys.readouterr()
    with pytest.raises(SystemExit):
        typed("check")
    assert "title" in capsys.readouterr().out
    for arguments, message in (
        ((), "Say -x rename=animal.name:title if it is one, which keeps the rows, and -x allow-drop if it is not."),
        (("-x", "renam=a"), "There is no '-x renam': known are rename, rename-table, fill, allow-drop."),
    ):
        with pytest.raises(SystemExit):
            typed(*arguments, *revision)
        written = capsys.readouterr()
        assert message in written.out + written.err
        assert len(files(begun)) == 1
    typed("-x", "rename=animal.name:title", *revision)
    apply()
    typed("check")
    typed(*revision)
    assert "there is nothing to write" in capsys.readouterr().out
    assert len(files(begun)) == 2


def test_history_heads_and_merge(command: Command, begun: Path) -> None:
    """Two heads are brought together; until then no revision is written."""
    [first] = [name.split("_")[2] for name in files(begun)]
    assert command("db", "history").output == f"{first} (head)  create\n"
    assert command("db", "heads").output == f"{first}  create\n"
    assert command("db", "merge").errors == "Error: The history has one head: there is nothing to merge.\n"
    for name in "ab":
        typed("revision", "-m", name, "--head", first, "--splice", "--rev-id", name * 4)
    refused = command("db", "new", "-m", "c")
    assert refused.code == 1 and refused.errors.count("\n") == 1
    assert "aaaa and bbbb" in refused.errors and "'onetrip db merge'" in refused.errors
    assert sorted(command("db", "heads").output.splitlines()) == ["aaaa  a", "bbbb  b"]
    assert command("db", "merge", "-m", "together").code == 0
    assert "(head, merge)  together" in command("db", "history").output
    apply()
    assert command("db", "new", "-m", "c").output == "The database is as the models say: there is nothing to write.\n"


def test_nothing_is_written_where_it_would_be_wrong(command: Command, begun: Path) -> None:
    """A database that is behind, or ahead, or away; models that cannot be imported; a project without migrations."""
    assert command("db", "new", "-m", "by hand", "--empty").code == 0
    known = files(begun)
    behind = command("db", "new", "-m", "more")
    assert behind.code == 1 and "run 'onetrip db up' first" in behind.errors
    apply()
    [last] = (begun / "alembic" / "versions").glob("*by_hand.py")
    last.rename(begun / "kept.py")
    ahead = command("db", "new", "-m", "more")
    assert ahead.code == 1 and "migrated by newer code, or the file is missing" in ahead.errors
    (begun / "kept.py").rename(last)
    away = command("db", "new", "-m", "more", "--database", "postgresql://nobody@localhost:1/none")
    assert away.code == 1 and "cannot be reached" in away.errors and away.errors.count("\n") == 1
    (begun / "broken.py").write_text("import nowhere\n")
    broken = command("db", "new", "-m", "more", "broken.py")
    assert broken.code == 1 and "broken.py:1: No module named 'nowhere'" in broken.errors
    again = command("db", "init")
    assert again.code == 1 and "There is 'alembic.ini' already" in again.errors
    assert files(begun) == known
    (begun / "alembic.ini").unlink()
    assert "make them with 'onetrip db init'" in command("db", "history").errors


def test_down_undoes_what_can_be_undone(
    command: Command, begun: Path, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In production only when told so, and never a drop."""
    monkeypatch.setenv("ONETRIP_ENVIRONMENT", "production")
    refused = command("db", "down")
    assert refused.code == 1 and "nothing is undone here without --yes" in refused.errors
    done = command("db", "down", "--yes")
    assert (done.code, done.errors) == (0, "") and done.output.endswith("  create: undone\n")
    assert "animal" not in sa.inspect(backend.engine()).get_table_names()
    assert command("db", "down", "--yes").output.endswith(": there is nothing to undo\n")
    apply()
    monkeypatch.delenv("ONETRIP_ENVIRONMENT")
    (begun / "other.py").write_text(MODELS.replace("name: str = Field(index=True)", "size: int | None = None"))
    assert command("db", "new", "-m", "drop", "other.py", "--allow-drop").code == 0
    apply()
    lost = command("db", "down", "other.py")
    assert lost.code == 1 and "cannot be undone: it dropped the column 'animal.name'. Restore a backup" in lost.errors
    assert "cannot be taken back" in command("db", "history", "other.py").output


def test_stamp_and_sql(command: Command, begun: Path, backend: Backend) -> None:
    """The one changes nothing but where the database stands, the other asks no database."""
    stamped = command("db", "stamp", "base")
    assert stamped.output.endswith(": without revisions now\n")
    assert "animal" in sa.inspect(backend.engine()).get_table_names()
    assert re.search(r": at [0-9a-f]{12} now\n$", command("db", "stamp", "head").output)
    unknown = command("db", "stamp", "nowhere")
    assert unknown.code == 1 and unknown.errors == "Error: Can't locate revision identified by 'nowhere'.\n"
    printed = command("db", "sql")
    assert "CREATE TABLE animal" in printed.output and "alembic_version" in printed.output
    head = command("db", "heads").output.split()[0]
    assert "CREATE TABLE" not in command("db", "sql", "--from", head).output


def test_a_baseline_adopts_what_is_there(command: Command, project: Path, backend: Backend) -> None:
    """The first revision creates it elsewhere, and was never run here."""
    engine = backend.engine()
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE keeper (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL)")
        connection.exec_driver_sql("CREATE INDEX ix_keeper_name ON keeper (name)")
        connection.exec_driver_sql("INSERT INTO keeper (id, name) VALUES (1, 'Ada')")
    command("db", "init")
    done = command("db", "baseline")
    assert (done.code, done.errors) == (0, "")
    assert [name.split("_", 3)[3] for name in files(project)] == ["baseline.py"]
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT name FROM keeper").scalar() == "Ada"
    script = (project / "alembic" / "versions" / files(project)[0]).read_text()
    assert 'op.create_table(\n        "keeper"' in script and "ix_keeper_name" in script and "animal" not in script
    assert "There are revisions already" in command("db", "baseline").errors
    created = command("db", "new", "-m", "mine", "--allow-drop")
    assert created.code == 0
    command("db", "stamp", "base")
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE keeper")
    apply()
    assert "keeper" not in sa.inspect(engine).get_table_names()


@pytest.mark.skipif(not CHINOOK.exists(), reason="Chinook is not here")
def test_chinook_is_adopted(command: Command, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its tables, keys and indexes come out of the baseline as they are in it."""
    (here / "chinook.sqlite").write_bytes(CHINOOK.read_bytes())
    write(here, {"pyproject.toml": SETTINGS, "models.py": MODELS})
    command("db", "init")
    assert command("db", "baseline", "--database", "sqlite:///chinook.sqlite").code == 0
    monkeypatch.setenv("ONETRIP_DATABASE_URL", "sqlite:///new.sqlite")
    apply()
    assert described(here / "new.sqlite") == described(here / "chinook.sqlite")


def described(path: Path) -> dict[str, object]:
    """What there is in each table: columns, keys, indexes."""
    connection = sqlite3.connect(path)
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found: dict[str, object] = {}
    for name in names:
        if not name.startswith(("alembic", "onetrip", "sqlite")):
            columns = [
                (row[1], row[2].replace(", ", ","), *row[3:])
                for row in connection.execute(f"PRAGMA table_info('{name}')")
            ]
            keys = sorted(row[2:] for row in connection.execute(f"PRAGMA foreign_key_list('{name}')"))
            indexes = sorted(
                (row[1], row[2]) for row in connection.execute(f"PRAGMA index_list('{name}')") if row[3] == "c"
            )
            found[name] = columns, keys, indexes
    connection.close()
    return found
