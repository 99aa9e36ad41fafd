"""`up`: revisions one after the other, whatever stands in between."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from onetrip.errors import ConfigurationError
from onetrip.migrations.connection import connected
from onetrip.migrations.lock import locked
from onetrip.migrations.project import Project
from onetrip.migrations.run import Event, Options, up
from tests.migrations import histories
from tests.support.databases import Backend

TABLE = "op.create_table('thing', sa.Column('id', sa.Integer, primary_key=True), sa.Column('name', sa.String(20)))"
ROWS = "op.execute(\"INSERT INTO thing (id, name) VALUES (1, 'one'), (2, 'two')\")"
COLUMN = "op.add_column('thing', sa.Column('size', sa.Integer))"
CHAIN = {"r1": (TABLE, "op.drop_table('thing')"), "r2": (ROWS, "op.execute('DELETE FROM thing')"), "r3": COLUMN}
CONCURRENTLY = """
with op.get_context().autocommit_block():
    op.create_index('ix_thing_name', 'thing', ['name'], unique=True, postgresql_concurrently=True)
"""


@pytest.fixture
def postgresql(backend: Backend) -> Backend:
    if backend.name != "postgresql":
        pytest.skip("what PostgreSQL alone does")
    return backend


@pytest.fixture
def sqlite(backend: Backend) -> Backend:
    if backend.name != "sqlite":
        pytest.skip("what SQLite alone does")
    return backend


def read(backend: Backend, statement: str) -> list[tuple[object, ...]]:
    with backend.engine().connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(statement)]


def execute(backend: Backend, *statements: str) -> None:
    with backend.engine().begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def version(backend: Backend) -> list[tuple[object, ...]]:
    if not sa.inspect(backend.engine()).has_table("alembic_version"):
        return []
    return read(backend, "SELECT version_num FROM alembic_version")


def refused(project: Project, to: str = "head", options: Options | None = None) -> str:
    with pytest.raises(ConfigurationError) as caught:
        up(project, to, options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_revisions_are_applied_one_after_the_other(
    backend: Backend, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As far as was asked, then to the end, then there is nothing to do; each is told when it begins and ends."""
    project = histories.make(tmp_path, backend.url, CHAIN)
    events: list[Event] = []
    with caplog.at_level("INFO", "alembic.runtime.migration"):
        assert up(project, "r2", Options(said=events.append)) == ("r1", "r2")
    assert [line for line in caplog.messages if "Running" in line] == [
        "Running upgrade  -> r1, r1", "Running upgrade r1 -> r2, r2"
    ]  # fmt: skip
    assert [(each.kind, each.revision) for each in events if each.kind in ("begun", "done")] == [
        ("begun", "r1"), ("done", "r1"), ("begun", "r2"), ("done", "r2")
    ]  # fmt: skip
    assert up(project) == ("r3",)
    assert up(project) == ()
    assert read(backend, "SELECT id, name, size FROM thing ORDER BY id") == [(1, "one", None), (2, "two", None)]
    assert version(backend) == [("r3",)]


def test_alembic_itself_goes_the_same_way(backend: Backend, tmp_path: Path) -> None:
    """Up, down, and stamped: by `alembic.command`, with the checksums that `up` looks at."""
    project = histories.make(tmp_path, backend.url, CHAIN)
    command.upgrade(project.config(), "head")
    assert read(backend, "SELECT revision FROM onetrip_revision ORDER BY revision") == [("r1",), ("r2",), ("r3",)]
    command.stamp(project.config(), "r2")
    assert version(backend) == [("r2",)]
    command.downgrade(project.config(), "base")
    assert read(backend, "SELECT revision FROM onetrip_revision") == [("r3",)]
    assert version(backend) == []
    command.stamp(project.config(), "r1", purge=True)
    assert version(backend) == [("r1",)]


@pytest.mark.parametrize("code", ["op.execute('SELECT nothing')", "raise ValueError('no')", f"{COLUMN}\n1 / 0"])
def test_what_fails_is_rolled_back(backend: Backend, tmp_path: Path, code: str) -> None:
    """The sentence says which revision and why; those before it stay."""
    project = histories.make(tmp_path, backend.url, {"r1": TABLE, "r2": ROWS, "bad": code})
    message = refused(project)
    assert message.startswith("Revision bad (bad) failed and was rolled back: ")
    assert version(backend) == [("r2",)]
    assert [each["name"] for each in sa.inspect(backend.engine()).get_columns("thing")] == ["id", "name"]


def test_two_heads_are_refused(backend: Backend, tmp_path: Path) -> None:
    """Nothing is applied, not even what they share."""
    project = histories.make(tmp_path, backend.url, CHAIN)
    histories.write(tmp_path / "migrations" / "versions", "other", "r2", "pass")
    assert "There are 2 heads, other and r3" in refused(project)
    assert sa.inspect(backend.engine()).get_table_names() == []


def test_a_missing_revision_is_refused(backend: Backend, tmp_path: Path) -> None:
    """In the middle, and at the place where the database is."""
    project = histories.make(tmp_path, backend.url, CHAIN)
    up(project)
    (tmp_path / "migrations" / "versions" / "r3.py").unlink()
    assert "The database is at revision r3, which these migrations do not have" in refused(project)
    (tmp_path / "migrations" / "versions" / "r1.py").unlink()
    assert "Revision r1 referenced from r1 -> r2 (head), r2 is not present. Bring" in refused(project)
    assert version(backend) == [("r3",)]


def test_an_edited_revision_is_refused(backend: Backend, tmp_path: Path) -> None:
    """When it does something else; not when it is only written differently."""
    project = histories.make(tmp_path, backend.url, CHAIN)
    up(project, "r2")
    file = tmp_path / "migrations" / "versions" / "r1.py"
    written = file.read_text()
    file.write_text(written.replace("String(20)", "String(21)"))
    assert "Revision r1 was edited after it was applied" in refused(project)
    file.write_text(
        "# A comment\n" + written.replace("'thing'", '"thing"').replace("upgrade() -> None:", "upgrade(\n) -> None:")
    )
    assert up(project) == ("r3",)


def test_a_revision_that_cannot_be_imported_is_refused(backend: Backend, tmp_path: Path) -> None:
    """The sentence says what is wrong with it."""
    project = histories.make(tmp_path, backend.url, {"r1": "x ="})
    assert "cannot be imported: SyntaxError" in refused(project)
    assert "There are no migrations" in refused(Project(folder=tmp_path / "none", metadata=(), url=project.url))


def test_an_unreachable_database_is_one_sentence(tmp_path: Path) -> None:
    """A server that is not there, and a folder that is not there."""
    project = histories.make(tmp_path, "postgresql://localhost:1/nothing", CHAIN)
    assert "cannot be reached" in refused(project)
    project = histories.make(tmp_path, f"sqlite:///{tmp_path}/nowhere/app.db", CHAIN)
    assert "cannot be reached" in refused(project)


def test_a_lock_that_somebody_holds_is_waited_for(postgresql: Backend, tmp_path: Path) -> None:
    """A transaction that reads a table keeps it from being changed: the revision gives up early, and tries again."""
    project = histories.make(tmp_path, postgresql.url, CHAIN)
    up(project, "r2")
    again = threading.Event()
    events: list[Event] = []

    def said(event: Event) -> None:
        events.append(event)
        if event.kind == "again":
            again.set()

    options = Options(lock_timeout=0.05, said=said)
    with postgresql.engine().connect() as reader:
        reader.exec_driver_sql("SELECT * FROM thing").all()
        short = Options(lock_timeout=0.05, retries=1)
        assert "lock timeout" in refused(project, options=short)
        runner = threading.Thread(target=up, args=(project, "head", options))
        runner.start()
        assert again.wait(10)
        assert version(postgresql) == [("r2",)]
        reader.rollback()
        runner.join(30)
    assert version(postgresql) == [("r3",)]
    assert "lock timeout" in next(each for each in events if each.kind == "again").why


def test_a_reader_that_stays_is_waited_for(sqlite: Backend, tmp_path: Path) -> None:
    """SQLite cannot commit while somebody reads: the revision is rolled back, and tried again."""
    project = histories.make(tmp_path, sqlite.url, CHAIN)
    up(project, "r2")
    events: list[Event] = []
    with sqlite.engine().connect() as reader:
        reading = reader.connection.dbapi_connection
        assert reading is not None
        rows = reading.cursor()
        rows.execute("SELECT * FROM thing")
        rows.fetchone()

        def said(event: Event) -> None:
            events.append(event)
            if event.kind == "again":
                rows.close()

        assert "database is locked" in refused(project, options=Options(lock_timeout=0.05, retries=0))
        assert up(project, options=Options(lock_timeout=0.05, said=said)) == ("r3",)
    assert [each.kind for each in events] == ["begun", "backup", "again", "done"]
    assert read(sqlite, "SELECT count(*) FROM thing") == [(2,)]


def test_a_database_of_somebody_else_can_be_adopted(backend: Backend, tmp_path: Path) -> None:
    """Its tables are in the way of the first revision, and the sentence says what to do."""
    execute(backend, "CREATE TABLE thing (id INTEGER)")
    message = refused(histories.make(tmp_path, backend.url, CHAIN))
    assert "already exists" in message and "onetrip db baseline" in message


def test_a_failed_concurrent_index_is_made_again(postgresql: Backend, tmp_path: Path) -> None:
    """What it leaves is INVALID, and is dropped before it is made again."""
    project = histories.make(tmp_path, postgresql.url, {"r1": TABLE, "r2": ROWS, "r3": CONCURRENTLY})
    up(project, "r2")
    execute(postgresql, "UPDATE thing SET name = 'same'")
    assert "could not create unique index" in refused(project)
    invalid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix_thing_name'::regclass"
    assert read(postgresql, invalid) == [(False,)]
    execute(postgresql, "UPDATE thing SET name = id::text")
    assert up(project) == ("r3",)
    assert read(postgresql, invalid) == [(True,)]


def test_a_concurrent_index_that_is_whole_is_left(postgresql: Backend, tmp_path: Path) -> None:
    """As an earlier run left it that was killed before it could say so."""
    project = histories.make(tmp_path, postgresql.url, {"r1": TABLE, "r2": ROWS, "r3": CONCURRENTLY})
    up(project, "r2")
    execute(postgresql, "CREATE UNIQUE INDEX ix_thing_name ON thing (name)")
    before = read(postgresql, "SELECT 'ix_thing_name'::regclass::oid")
    assert up(project) == ("r3",)
    assert read(postgresql, "SELECT 'ix_thing_name'::regclass::oid") == before


def test_a_concurrent_index_that_is_being_made_is_waited_for(postgresql: Backend, tmp_path: Path) -> None:
    """The server goes on making it for a process that was killed."""
    project = histories.make(tmp_path, postgresql.url, {"r1": TABLE, "r2": ROWS, "r3": CONCURRENTLY})
    up(project, "r2")

    def make() -> None:
        with postgresql.engine().execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.exec_driver_sql("CREATE UNIQUE INDEX CONCURRENTLY ix_thing_name ON thing (name)")

    with postgresql.engine().connect() as writer:
        writer.exec_driver_sql("UPDATE thing SET name = 'three' WHERE id = 1")
        threads = [threading.Thread(target=make), threading.Thread(target=up, args=(project,))]
        threads[0].start()
        while not (made := read(postgresql, "SELECT oid FROM pg_class WHERE relname = 'ix_thing_name'")):
            time.sleep(0.05)
        threads[1].start()
        time.sleep(1.5)
        writer.commit()
        for thread in threads:
            thread.join(30)
    assert version(postgresql) == [("r3",)]
    assert read(postgresql, "SELECT indexrelid FROM pg_index WHERE indisvalid AND indrelid = 'thing'::regclass "
                "AND NOT indisprimary") == made  # fmt: skip


def test_a_concurrent_index_waits_for_older_transactions(postgresql: Backend, tmp_path: Path) -> None:
    """Longer than the lock timeout: it blocks nobody, and would be INVALID if it gave up."""
    chain = {
        "r1": TABLE,
        "r2": ROWS,
        "r3": CONCURRENTLY + "    assert op.get_bind().exec_driver_sql('SHOW lock_timeout').scalar() == '50ms'",
    }
    project = histories.make(tmp_path, postgresql.url, chain)
    up(project, "r2")
    with postgresql.engine().connect() as writer:
        writer.exec_driver_sql("UPDATE thing SET name = 'three' WHERE id = 1")
        runner = threading.Thread(target=up, args=(project, "head", Options(lock_timeout=0.05, retries=0)))
        runner.start()
        time.sleep(0.5)
        writer.commit()
        runner.join(30)
    assert version(postgresql) == [("r3",)]


def test_a_statement_that_takes_too_long_is_ended(postgresql: Backend, tmp_path: Path) -> None:
    """Where somebody says how long that is."""
    project = histories.make(tmp_path, postgresql.url, {"r1": "op.execute('SELECT pg_sleep(10)')"})
    assert "statement timeout" in refused(project, options=Options(statement_timeout=0.05))


def test_a_lock_that_is_lost_stops_the_runner(postgresql: Backend, tmp_path: Path) -> None:
    """Whoever ended its session may have let another one begin: the step is rolled back."""
    kill = """
    op.create_table('half', sa.Column('id', sa.Integer))
    op.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
    """
    project = histories.make(tmp_path, postgresql.url, {"r1": TABLE, "r2": kill})
    assert "The lock of the migrations was lost" in refused(project)
    assert version(postgresql) == [("r1",)]
    assert not sa.inspect(postgresql.engine()).has_table("half")


RUNNERS = """\
import os
import sys
from pathlib import Path

from onetrip.db.url import parse_url
from onetrip.migrations import environment
from onetrip.migrations.project import Project
from onetrip.migrations.run import Options, up

project = Project(folder=Path(sys.argv[1]), metadata=(), url=parse_url(sys.argv[2]))
children = []
for number in range(10):
    if not (child := os.fork()):
        print(len(up(project, options=Options(keep=False))), flush=True)
        os._exit(0)
    children.append(child)
sys.exit(sum(os.waitpid(child, 0)[1] != 0 for child in children))
"""


def test_of_ten_runners_one_works(backend: Backend, tmp_path: Path) -> None:
    """All end well, and each revision is applied once."""
    histories.make(tmp_path, backend.url, {**CHAIN, "r4": "import time; time.sleep(0.5)"})
    arguments = [sys.executable, "-c", RUNNERS, str(tmp_path), backend.url]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=120)
    assert (done.stderr, done.returncode) == ("", 0)
    assert sorted(done.stdout.split()) == ["0"] * 9 + ["4"]
    assert read(backend, "SELECT count(*) FROM thing") == [(2,)]


def test_who_waits_too_long_is_told(backend: Backend, tmp_path: Path) -> None:
    """Nothing is changed by the one who gives up; the lock is free as soon as its holder is gone."""
    project = histories.make(tmp_path, backend.url, {"r1": TABLE})
    events: list[Event] = []
    with connected(project.url) as connection, locked(project.url, connection, 0, lambda: None):
        message = refused(project, options=Options(lock_wait=0.2, said=events.append))
    assert "Another process has been migrating" in message and "--lock-wait" in message
    assert [each.kind for each in events] == ["waiting"]
    assert sa.inspect(backend.engine()).get_table_names() == []
    assert up(project) == ("r1",)
