"""`onetrip serve`, end to end: every kind of target on both databases, from the start to Ctrl-C."""

import re
import shutil
import signal
import stat
import time
from pathlib import Path

import sqlalchemy as sa

from tests.cli import projects
from tests.cli.serving import Served, run, served, started, write
from tests.support.databases import Backend
from tests.support.shared import CHINOOK, needs_chinook


def database(backend: Backend) -> str:
    """The URL of a backend as the report shows it: without its password, a file from the current folder."""
    return "sqlite:///test.db" if backend.name == "sqlite" else sa.make_url(backend.url).render_as_string()


def lines(server: Served) -> list[str]:
    return [line.rstrip() for line in server.output.splitlines() if line.strip()]


# Targets


def test_a_file_of_tables(backend: Backend, tmp_path: Path) -> None:
    """The tables are created and served; the report says where, what, and what is hidden."""
    write(tmp_path, projects.TABLES_ONLY)
    with served("models.py", "--database", backend.url, folder=tmp_path) as server:
        assert server.get("/zoos") == []
        assert server.get("/animals?nmae=x")["status"] == 422
        assert server.get("/nothing")["status"] == 404
        assert server.get("/readyz") == {"status": "ready"}
        assert server.get("/") == {
            "title": "Models",
            "docs": "/docs",
            "openapi": "/openapi.json",
            "resources": {"zoos": "/zoos", "animals": "/animals"},
        }
    assert lines(server)[0].startswith("onetrip ") and lines(server)[0].endswith("  models.py")
    assert f"Database   {database(backend)}" in lines(server)
    assert "Resources  /zoos     animals" in lines(server)
    assert "           /animals  zoo" in lines(server)
    assert "created now: 2 tables, in" in server.output
    assert "/zoos: hidden, because the name looks secret: door_passcode" in server.output
    assert f"Docs       {server.url}/docs" in lines(server)
    assert re.search(r"^\d\d:\d\d:\d\d  422  GET /animals\?nmae=x$", server.output, re.MULTILINE)


def test_a_package_with_a_seed(backend: Backend, tmp_path: Path) -> None:
    """The first start creates and seeds, the second one serves what is there."""
    write(tmp_path, projects.PACKAGE)
    with served("zoo", "--database", backend.url, folder=tmp_path) as server:
        assert server.get("/animals?limit=2&include=zoo&sort=-id")[0]["zoo"]["name"] == "Berlin"
    assert "created now: 2 tables and 2,501 rows from its seed, in" in server.output
    with served("zoo", "--quiet", ONETRIP_DATABASE_URL=backend.url, folder=tmp_path) as server:
        assert len(server.get("/zoos")) == 1
    assert "created" not in server.output and "differs" not in server.output
    assert "GET" not in server.output


def test_an_application(backend: Backend, tmp_path: Path) -> None:
    """An application is served as it is, hand-written endpoints too; paths are shown with their prefix."""
    write(tmp_path, projects.PACKAGE_WITH_APP)
    with served("zoo.main:app", "--database", backend.url, folder=tmp_path) as server:
        assert server.get("/v1/zoos") == []
        assert server.get("/hello") == "by hand"
    assert f"Database   {database(backend)}" in lines(server)
    assert "Resources  /v1/zoos     animals" in lines(server)
    assert "created now: 2 tables, in" in server.output


def test_an_api(backend: Backend, tmp_path: Path) -> None:
    """An API by path and name is served with documentation; `pyproject.toml` may name both."""
    write(tmp_path, projects.PACKAGE_WITH_API)
    write(tmp_path, {"pyproject.toml": f"[tool.onetrip]\napp = 'zoo/interface.py:api'\ndatabase = '{backend.url}'\n"})
    with served(folder=tmp_path) as server:
        assert server.get("/zoos") == []
        assert server.get("/openapi.json")["info"]["title"] == "Interface"
    assert lines(server)[0].endswith("  zoo/interface.py:api")
    assert f"Database   {database(backend)}" in lines(server)


def test_a_database(backend: Backend, tmp_path: Path) -> None:
    """The tables of a database are served with their relations; what cannot be served is said."""
    with backend.engine().begin() as connection:
        for statement in (
            "CREATE TABLE author (id INTEGER PRIMARY KEY, name TEXT NOT NULL)",
            "CREATE TABLE book (id INTEGER PRIMARY KEY, author_id INTEGER REFERENCES author, event_id INTEGER UNIQUE)",
            "CREATE TABLE log (text TEXT)",
            "INSERT INTO author VALUES (1, 'Ada')",
            "INSERT INTO book VALUES (7, 1, 2)",
        ):
            connection.exec_driver_sql(statement)
    with served(backend.url, ONETRIP_DATABASE_URL="sqlite:///elsewhere.db", folder=tmp_path) as server:
        (book,) = server.get("/book?include=author")
        assert book["author"] == {"id": 1, "name": "Ada"}
        assert server.send("PATCH", "/author/1", {"name": "Lovelace"}) == {"id": 1, "name": "Lovelace"}
    assert f"Database   {database(backend)}" in lines(server)
    assert "           its own tables; rows can be changed" in lines(server)
    assert "Resources  /author  books" in lines(server)
    assert "Notes      log is not served. It has no primary key, so its rows have no address." in server.output


def test_a_database_that_is_only_read(backend: Backend, tmp_path: Path) -> None:
    """`--read-only` serves nothing that changes rows."""
    with backend.engine().begin() as connection:
        connection.exec_driver_sql("CREATE TABLE author (id INTEGER PRIMARY KEY, name TEXT NOT NULL)")
        connection.exec_driver_sql("INSERT INTO author VALUES (1, 'Ada')")
    with served(backend.url, "--read-only", folder=tmp_path) as server:
        refused = server.send("PATCH", "/author/1", {"name": "Lovelace"})
        assert (refused["status"], refused["detail"]) == (405, "This path answers GET or HEAD.")
        assert set(server.get("/openapi.json")["paths"]["/author/{id}"]) == {"get"}
        assert server.get("/author/1") == {"id": 1, "name": "Ada"}
    assert "           its own tables; it is read and not changed" in lines(server)


def test_tables_that_are_only_read(tmp_path: Path) -> None:
    """`--read-only` is for files of tables, too; their tables are created all the same."""
    write(tmp_path, projects.TABLES_ONLY)
    with served("models.py", "--read-only", folder=tmp_path) as server:
        assert server.send("POST", "/zoos", {"name": "Artis"})["status"] == 405
        assert server.get("/zoos") == []


@needs_chinook
def test_a_database_that_cannot_be_written(tmp_path: Path) -> None:
    """Chinook is served from a folder without write permission, and nothing in it changes."""
    folder = tmp_path / "readonly"
    folder.mkdir()
    file = folder / "chinook.sqlite"
    shutil.copyfile(CHINOOK / "chinook.sqlite", file)
    before = file.read_bytes()
    file.chmod(stat.S_IRUSR)
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with served(f"sqlite:///{file}", folder=tmp_path) as server:
        assert len(server.get("/")["resources"]) == 11
        assert server.get("/Album/1?include=Artist")["Artist"]["Name"] == "AC/DC"
        assert [found.name for found in folder.iterdir()] == ["chinook.sqlite"]
    folder.chmod(stat.S_IRWXU)
    assert file.read_bytes() == before


def test_tables_without_a_database_get_a_file(tmp_path: Path) -> None:
    """The file lies in the current folder, is called as the target, and is named in the report; SIGTERM ends it."""
    write(tmp_path, {"app/tables.py": projects.TABLES})
    with served("app/tables.py", folder=tmp_path) as server:
        assert server.get("/zoos") == []
        assert "swagger" in server.text("/docs")
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(10) in (0, -signal.SIGTERM)
    assert (tmp_path / "tables.db").is_file()
    assert "Database   sqlite:///tables.db" in lines(server)
    assert "Traceback" not in server.errors


def test_a_database_in_memory_is_new_at_every_start(tmp_path: Path) -> None:
    """What was created and seeded before serving is there when it serves."""
    write(tmp_path, projects.PACKAGE)
    with served("zoo", "--database", "sqlite://", folder=tmp_path) as server:
        assert len(server.get("/zoos")) == 1


def test_a_database_that_differs_is_served_and_reported(backend: Backend, tmp_path: Path) -> None:
    """Differences are listed, and nothing is changed."""
    write(tmp_path, projects.TABLES_ONLY)
    with backend.engine().begin() as connection:
        connection.exec_driver_sql("CREATE TABLE zoo (id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT)")
    with served("models.py", "--database", backend.url, folder=tmp_path) as server:
        assert server.get("/zoos?fields=name") == []
    said = [line.strip() for line in lines(server)]
    assert "differs from the code, and was left as it is:" in said
    assert "- the table 'animal' is missing" in said
    assert "- 'zoo.door_passcode' is missing" in said
    assert "- 'zoo.city' is in the database only" in said


def test_ten_tables_are_served_soon(tmp_path: Path) -> None:
    """From the command to the first answer (the time is printed; 2 s are the aim on an idle machine)."""
    write(tmp_path, {"models.py": projects.many_tables(10)})
    begin = time.monotonic()
    with served("models.py", folder=tmp_path) as server:
        assert server.get("/t9s") == []
        seconds = time.monotonic() - begin
    print(f"ten tables answered after {seconds:.2f} s")
    assert seconds < 10


# Ends and changes


def test_ctrl_c_while_seeding_leaves_nothing(backend: Backend, tmp_path: Path) -> None:
    """A start that is interrupted creates nothing, so that the next one begins again."""
    write(tmp_path, projects.PACKAGE | {"zoo/seed.py": projects.SEED + "    import asyncio; await asyncio.sleep(60)\n"})
    with started("zoo", "--database", backend.url, folder=tmp_path) as server:
        server.wait_for("Seeding")
        assert server.stop() == 130
    assert "Traceback" not in server.errors
    assert sa.inspect(backend.engine()).get_table_names() == []


def test_a_change_is_served_after_a_reload(tmp_path: Path) -> None:
    """`--reload` starts again when a file changes; an error is one sentence, and the next change is awaited."""
    write(tmp_path, projects.TABLES_ONLY)
    fresh = {"PYTHONDONTWRITEBYTECODE": "1"}  # two changes within a second look alike to Python's cache
    with served("models.py", "--reload", "--database", "sqlite://", folder=tmp_path, **fresh) as server:
        assert server.get("/zoos") == []
        write(tmp_path, {"models.py": projects.TABLES.replace("Animal(Base", "Animal(Bse")})
        server.wait_for("Error: models.py:18: NameError: name 'Bse' is not defined.")
        write(tmp_path, {"models.py": projects.TABLES + projects.table("Keeper")})
        server.wait_for("Ctrl-C stops.", times=2)
        assert server.get("/keepers") == []
        assert server.output.count("Watching") == 2
    assert "Traceback" not in server.output + server.errors


def test_a_database_that_nobody_takes(tmp_path: Path) -> None:
    """`--database` for an application without an API is not ignored without a word."""
    write(tmp_path, {"main.py": "async def app(scope, receive, send):\n    ...\n"})
    with served("main:app", "--database", "sqlite:///x.db", folder=tmp_path) as server:
        pass
    assert "Notes      No API takes its database from outside, so sqlite:///x.db is used only by code" in server.output


def test_an_application_that_does_not_start(tmp_path: Path) -> None:
    """An exception in the application's own lifespan is one sentence with its place."""
    text = """\
from contextlib import asynccontextmanager
from fastapi import FastAPI


@asynccontextmanager
async def lifespan(app):
    raise LookupError("no settings")
    yield


app = FastAPI(lifespan=lifespan)
"""
    write(tmp_path, {"main.py": text})
    finished = run("serve", "main.py", "--port", "0", folder=tmp_path)
    assert finished.returncode != 0
    assert "main.py:7: LookupError: no settings" in finished.stderr
    assert "Traceback" not in finished.stderr
