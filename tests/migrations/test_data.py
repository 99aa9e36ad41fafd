"""Data migrations: rows changed in batches, wherever a run stops."""

import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from textwrap import dedent
from uuid import UUID

import pytest
import sqlalchemy as sa

from onetrip.errors import ConfigurationError
from onetrip.migrations import checkpoints
from onetrip.migrations.connection import connected
from onetrip.migrations.data.chain import findings, read_chain
from onetrip.migrations.data.pace import MOST, Pace
from onetrip.migrations.data.run import LOCK, Event, Options, run, status
from onetrip.migrations.data.write import write_new
from onetrip.migrations.lock import locked
from onetrip.migrations.project import Project
from onetrip.migrations.run import up
from tests.migrations import histories
from tests.support.databases import Backend

TABLE = """
op.create_table('post', sa.Column('id', sa.Integer, primary_key=True), sa.Column('title', sa.String(20)),
                sa.Column('slug', sa.String(20)), sa.Column('times', sa.Integer, nullable=False, server_default='0'))
op.create_table('other', sa.Column('id', sa.Integer, primary_key=True), sa.Column('title', sa.String(20)))
"""
POST = 'sa.table("post", *map(sa.column, ("id", "title", "slug", "times")))'
FILL = 'values = {"slug": sa.func.lower(table.c.title), "times": table.c.times + 1}\n'
BODY = FILL + "connection.execute(table.update().where(chosen).values(values))"
QUICK = Options(pause=0)


def data(
    project: Project, name: str, body: str = BODY, *, table: str = POST, after: str | None = None,
    depends_on: str | None = "r1", size: int = 2, more: str = "",
) -> Path:  # fmt: skip
    """Write a data migration."""
    folder = project.folder / "migrations" / "data"
    folder.mkdir(exist_ok=True)
    lines = "\n".join(f"    {line}" for line in dedent(body).strip().splitlines())
    file = folder / f"{name}.py"
    file.write_text(
        f'"""Do {name}"""\n\nimport os\nimport signal\n\nimport sqlalchemy as sa\n\nrevision = {name!r}\n'
        f"down_revision = {after!r}\ndepends_on = {depends_on!r}\nbatch_size = {size}\ntable = {table}\n{more}\n\n\n"
        f"def batch(connection, rows, chosen):\n{lines}\n"
    )
    return file


def execute(backend: Backend, statement: str, rows: Sequence[Mapping[str, object]] = ()) -> None:
    with backend.engine().begin() as connection:
        connection.execute(sa.text(statement), list(rows) or None)


def read(backend: Backend, statement: str) -> list[tuple[object, ...]]:
    with backend.engine().connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(statement)]


@pytest.fixture
def project(backend: Backend, tmp_path: Path) -> Project:
    """A project whose schema is there, with seven posts."""
    project = histories.make(tmp_path, backend.url, {"r1": TABLE})
    up(project)
    posts(backend, *range(1, 8))
    return project


def posts(backend: Backend, *numbers: int) -> None:
    execute(backend, "INSERT INTO post (id, title) VALUES (:id, :title)", [
        {"id": number, "title": f"T{number}"} for number in numbers
    ])  # fmt: skip


def done(backend: Backend) -> list[object]:
    """How many times each post was done."""
    return [row[0] for row in read(backend, "SELECT times FROM post ORDER BY id")]


def refused(project: Project, options: Options = QUICK) -> str:
    with pytest.raises(ConfigurationError) as caught:
        run(project, options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_rows_are_changed_in_batches(backend: Backend, project: Project) -> None:
    """Each row once, in as many transactions as there are batches; then there is nothing to do."""
    data(project, "d1")
    events: list[Event] = []
    assert run(project, Options(pause=0, target=1000, counts=True, said=events.append)) == ("d1",)
    assert read(backend, "SELECT slug, times FROM post ORDER BY id") == [(f"t{n}", 1) for n in range(1, 8)]
    assert [(each.kind, each.done, each.left) for each in events][:2] == [("begun", 0, 7), ("batch", 2, None)]
    assert [each.kind for each in events] == ["begun", "batch", "batch", "batch", "finished"]
    assert [each.rows for each in events if each.kind == "batch"] == [2, 4, 1]
    assert run(project, QUICK) == ()
    assert done(backend) == [1] * 7


def test_rows_are_changed_in_python(backend: Backend, project: Project) -> None:
    """`rows` have the columns of the table; a condition chooses among them."""
    body = """
    one = table.update().where(table.c.id == sa.bindparam("of")).values(slug=sa.bindparam("to"))
    connection.execute(one, [{"of": row.id, "to": row.title[::-1]} for row in rows])
    """
    data(project, "d1", body, more="where = table.c.id % 2 == 0")
    run(project, QUICK)
    assert read(backend, "SELECT slug FROM post ORDER BY id") == [
        (f"{n}T" if n % 2 == 0 else None,) for n in range(1, 8)
    ]  # fmt: skip


def test_rows_are_copied(backend: Backend, project: Project) -> None:
    """`chosen` are the rows of the batch that fulfil the condition: each is copied once."""
    body = """
    other = sa.table("other", sa.column("id"), sa.column("title"))
    found = sa.select(table.c.id, table.c.title).where(chosen)
    connection.execute(other.insert().from_select(["id", "title"], found))
    """
    data(project, "d1", body, more="where = table.c.id != 4")
    run(project, QUICK)
    assert read(backend, "SELECT id, title FROM other ORDER BY id") == [(n, f"T{n}") for n in (1, 2, 3, 5, 6, 7)]


def test_an_error_keeps_what_is_done(backend: Backend, project: Project) -> None:
    """The batch is taken back, and named; the next run begins with it."""
    file = data(project, "d1", f"{BODY}\nif rows[-1].id > 5: raise ValueError('no such colour')", size=1)
    assert refused(project, Options(pause=0, target=1e-9)) == (
        "Data migration d1 (Do d1) failed at the rows of post from id 6 to id 6, which stay as they were: ValueError: "
        "no such colour. The 5 rows before are done; when it is mended, run it again."
    )
    assert done(backend) == [1] * 5 + [0] * 2
    [found] = status(project)
    assert (found.finished, found.checkpoint) == (False, checkpoints.Checkpoint(revision="d1", key=(5,), done=5))
    file.write_text(file.read_text().replace("rows[-1].id > 5", "False"))
    assert run(project, QUICK) == ("d1",)
    assert done(backend) == [1] * 7


def test_what_the_database_refuses_is_said(backend: Backend, project: Project) -> None:
    """In its own words."""
    data(project, "d1", "connection.execute(table.update().where(chosen).values(times=None))")
    said = refused(project)
    assert said.startswith("Data migration d1 (Do d1) failed at the rows of post from id 1 to id 2, which stay")
    assert "times" in said


def test_a_batch_cannot_commit_itself(backend: Backend, project: Project) -> None:
    """What it did would be done twice."""
    data(project, "d1", f"{BODY}\nconnection.commit()\n{BODY}")
    assert "transaction" in refused(project)


RUNS = """\
import os
import signal
import sys
from pathlib import Path

import sqlalchemy as sa

from onetrip.db.url import parse_url
from onetrip.migrations.data.run import Options, run
from onetrip.migrations.project import Project

places = left = int(sys.argv[3])


def next_place(*_):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


for event in ("before_cursor_execute", "after_cursor_execute", "commit"):
    sa.event.listen(sa.Engine, event, next_place)
project = Project(folder=Path(sys.argv[1]), metadata=(), url=parse_url(sys.argv[2]))
while True:
    forked = os.fork()
    if forked == 0:
        run(project, Options(pause=0, target=1e-9))
        os._exit(0)
    code = os.waitpid(forked, 0)[1]
    print(code)
    if code != signal.SIGKILL:
        break
    places = left = places + 5  # where it would never come further otherwise
"""


@pytest.mark.parametrize("place", [1, 22, 23])
def test_a_run_that_is_killed_goes_on(backend: Backend, project: Project, place: int) -> None:
    """At any statement, again and again: each row is done once."""
    data(project, "d1", size=1)
    command = [sys.executable, "-W", "ignore", "-c", RUNS, str(project.folder), backend.url, str(place)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.stderr == ""
    codes = [int(code) for code in ended.stdout.split()]
    assert codes[-1] == 0
    assert codes[0] == signal.SIGKILL
    assert read(backend, "SELECT slug, times FROM post ORDER BY id") == [(f"t{n}", 1) for n in range(1, 8)]


KEYS = [
    ("id VARCHAR(20)", "id", [["a"], ["B"], ["ä"], ["10"], ["9"], ["it's"], [""]]),
    ("a INTEGER, b VARCHAR(9)", "a, b", [[1, "x"], [1, "y"], [2, "a"], [2, "b"], [0, "z"]]),
    ("id UUID", "id", [[f"0000000{n}-0000-0000-0000-00000000000a"] for n in range(1, 6)]),
    ("id TIMESTAMP", "id", [[f"2026-01-0{n} 10:00:00.123456"] for n in range(1, 6)]),
    ("id NUMERIC(6, 2)", "id", [[1.5], [-2.25], [100], [0]]),
    ("id BIGINT", "id", [[2**62 + n] for n in range(5)] + [[-1]]),
]


@pytest.mark.parametrize(("columns", "key", "rows"), KEYS, ids=[columns for columns, _, _ in KEYS])
def test_any_primary_key_will_do(
    backend: Backend, tmp_path: Path, columns: str, key: str, rows: list[list[object]]
) -> None:
    """Of more than one column, of texts and of what JSON does not know: each row is done once, also after a stop."""
    project = histories.make(tmp_path, backend.url, {"r1": "pass"})
    up(project)
    names = [name.strip() for name in key.split(",")]
    execute(backend, f"CREATE TABLE thing ({columns}, times INTEGER DEFAULT 0, PRIMARY KEY ({key}))")
    values = ", ".join(f":{name}" for name in names)
    if backend.name == "postgresql" and "UUID" in columns:
        values = f"CAST({values} AS UUID)"
    if backend.name == "postgresql" and "TIMESTAMP" in columns:
        values = f"CAST({values} AS TIMESTAMP)"
    given = [dict(zip(names, row, strict=True)) for row in rows]
    execute(backend, f"INSERT INTO thing ({key}) VALUES ({values})", given)
    table = f'sa.table("thing", *map(sa.column, {[*names, "times"]!r}))'
    body = "connection.execute(table.update().where(chosen).values(times=table.c.times + 1))\n"
    data(project, "d1", body + "calls.append(1)\n1 / (len(calls) < 2)", table=table, size=1, more="calls = []")
    for _ in rows[1:]:  # each run does one row, and begins after a key that was read from the checkpoint
        assert "ZeroDivisionError" in refused(project, Options(pause=0, target=1e-9))
    assert run(project, QUICK) == ("d1",)
    assert read(backend, "SELECT times FROM thing") == [(1,)] * len(rows)


def test_keys_are_kept_as_they_are() -> None:
    """Whatever a driver answers is read again as the same value of the same type."""
    key = (
        1, "a'ä\n", 2.5, True, UUID(int=7), datetime(2026, 1, 2, 3, tzinfo=UTC), datetime(2026, 1, 2, 3, 4, 5, 6),
        date(2026, 1, 2), Decimal("1.50"), b"\x00\xff",
    )  # fmt: skip
    again = checkpoints._read_key(checkpoints.write_key(key))
    assert again is not None
    assert [(type(value), value) for value in again] == [(type(value), value) for value in key]
    with pytest.raises(ConfigurationError, match="keys of the type object cannot be kept"):
        checkpoints.write_key((object(),))


def test_rows_that_come_meanwhile_are_done(backend: Backend, project: Project) -> None:
    """Where the run has yet to come; those behind it are the application's."""
    data(project, "d1", size=2)

    def said(event: Event) -> None:
        if event.kind == "batch" and event.done == 2:
            posts(backend, 0, 8, 9)

    run(project, Options(pause=0, target=1e-9, said=said))
    assert done(backend) == [0] + [1] * 9


def test_rows_of_a_batch_are_nobody_elses(backend: Backend, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who would change them waits until it is done, so that what was read is still so when it is written."""
    body = """
    other = sa.create_engine(os.environ["OTHER"])
    with other.connect() as another:
        try:
            another.exec_driver_sql(os.environ["IMPATIENT"])
            another.exec_driver_sql("UPDATE post SET title = 'lost' WHERE id = 1")
        except sa.exc.OperationalError:
            another.rollback()
        else:
            raise AssertionError("changed meanwhile")
    other.dispose()
    """
    impatient = {"postgresql": "SET lock_timeout = 10", "sqlite": "PRAGMA busy_timeout = 0"}[backend.name]
    monkeypatch.setenv("IMPATIENT", impatient)
    monkeypatch.setenv("OTHER", backend.engine().url.render_as_string(hide_password=False))
    data(project, "d1", body, size=7)
    assert run(project, QUICK) == ("d1",)
    assert ("T1",) in read(backend, "SELECT title FROM post")


@pytest.mark.parametrize(
    ("seconds", "size"), [(0.4, 50), (100, 50), (0.2, 100), (0.16, 125), (0.0001, 200), (0, 200)]
)  # fmt: skip
def test_batches_take_as_long_as_they_are_to(seconds: float, size: int) -> None:
    """Twice as large or half as small at most."""
    assert Pace(100, 0.2).after(seconds).size == size


def test_batches_have_bounds() -> None:
    """One row at least."""
    assert Pace(1, 0.2).after(9).size == 1
    assert Pace(MOST, 0.2).after(0.1).size == MOST


def test_slow_batches_become_smaller(backend: Backend, project: Project) -> None:
    """By a clock of the test's: each batch takes four times as long as it is to."""
    now = [0.0]

    def clock() -> float:
        now[0] += 4.0
        return now[0]

    events: list[Event] = []
    data(project, "d1", size=4)
    run(project, Options(pause=0, target=1.0, clock=clock, said=events.append))
    assert [each.rows for each in events if each.kind == "batch"] == [4, 2, 1]


def test_a_dry_run_changes_nothing(backend: Backend, project: Project) -> None:
    """It does a batch, says how that was, and takes it back; not even the checkpoints are made."""
    data(project, "d1")
    data(project, "d2", after="d1")
    events: list[Event] = []
    assert run(project, Options(dry_run=True, said=events.append)) == ()
    assert done(backend) == [0] * 7
    assert not sa.inspect(backend.engine()).has_table(checkpoints.TABLE)
    tried = events[-1]
    assert (tried.kind, tried.rows, tried.left, tried.place) == ("tried", 2, 7, "id 1 to id 2")
    [statement] = tried.statements
    assert statement.startswith("UPDATE post SET slug=lower(post.title)")


def test_of_two_runners_one_works(backend: Backend, project: Project) -> None:
    """Each row is done once, and both end well."""
    data(project, "d1", size=1)
    results: list[tuple[str, ...]] = []
    threads = [
        threading.Thread(target=lambda: results.append(run(project, Options(pause=0, target=1e-9)))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [(), (), ("d1",)]
    assert done(backend) == [1] * 7


def test_a_runner_waits_for_so_long(backend: Backend, project: Project) -> None:
    """And `up` does not wait for it: that has another lock."""
    data(project, "d1")
    events: list[Event] = []
    with connected(project.url) as connection, locked(project.url, connection, 0, lambda: None, LOCK):
        assert "Another process has been migrating" in refused(project, Options(lock_wait=0, said=events.append))
        with connected(project.url) as other, locked(project.url, other, 0, lambda: None):
            pass
    assert [each.kind for each in events] == ["waiting"]
    assert done(backend) == [0] * 7


def test_a_second_runner_without_the_lock_does_nothing_twice(backend: Backend, project: Project) -> None:
    """As behind a pooler, where the lock is everybody's: who comes second stops."""
    data(project, "d1")
    moved: list[int] = []

    def said(event: Event) -> None:
        if event.kind == "batch" and not moved:
            moved.append(1)
            execute(backend, f"UPDATE {checkpoints.TABLE} SET done = 3, position = '[3]'")

    assert "another process has run it meanwhile" in refused(project, Options(pause=0, said=said))
    assert done(backend) == [1, 1, 0, 0, 0, 0, 0]


def test_a_lock_that_somebody_holds_is_waited_for(backend: Backend, project: Project) -> None:
    """The batch is tried again, and does everything once."""
    data(project, "d1")
    if backend.name == "sqlite":
        pytest.skip("SQLite waits for five seconds itself")
    events: list[Event] = []
    with backend.engine().connect() as holder:
        holder.exec_driver_sql("LOCK TABLE post IN ACCESS EXCLUSIVE MODE")

        def said(event: Event) -> None:
            events.append(event)
            if event.kind == "again":
                holder.rollback()

        assert run(project, Options(pause=0, lock_timeout=0.05, said=said)) == ("d1",)
    assert [each.why for each in events if each.kind == "again"] == ["canceling statement due to lock timeout"]
    assert done(backend) == [1] * 7


def test_migrations_run_in_their_order(backend: Backend, project: Project) -> None:
    """One after the other; the second is not begun when the first fails."""
    data(project, "a", "connection.execute(table.update().where(chosen).values(title='second'))", after="z")
    first = data(project, "z", "connection.execute(table.update().where(chosen).values(title='first')); 1 / 0")
    assert [each.revision for each in read_chain(project)] == ["z", "a"]
    refused(project)
    assert [each.checkpoint is None for each in status(project)] == [False, True]
    first.write_text(first.read_text().replace("; 1 / 0", ""))
    assert run(project, QUICK) == ("z", "a")
    assert set(read(backend, "SELECT title FROM post")) == {("second",)}


def test_the_schema_has_to_be_there(backend: Backend, project: Project) -> None:
    """A data migration waits for its revision, and those before it do not."""
    data(project, "d1")
    data(project, "d2", after="d1", depends_on="r2")
    histories.write(project.folder / "migrations" / "versions", "r2", "r1", "pass")
    assert [each.possible for each in status(project)] == [True, False]
    assert refused(project) == (
        "Data migration d2 (Do d2) needs revision r2 of the schema, which this database does not have: run "
        "'onetrip db up' first."
    )
    assert [each.finished for each in status(project)] == [True, False]
    up(project)
    assert done(backend) == [1] * 7
    assert run(project, QUICK) == ("d2",)


WRONG = {
    "table = 1": "'table' is not a table: write it as sa.table(…, sa.column(…), …)",
    "where = True": "'where' is not a condition: write it as table.c.name.is_(None), or leave it out",
    "batch_size = 0": "'batch_size' is not a number from 1 to 10,000",
    "revision = None": "it has no 'revision'",
    "depends_on = 'gone'": "depends_on names the revision gone, which there is not",
    "down_revision = 'gone'": "it comes after gone, which there is not: bring that file back",
    "1 / 0": "it cannot be imported: ZeroDivisionError: division by zero",
}


@pytest.mark.parametrize("line", WRONG)
def test_what_is_no_data_migration_is_said(backend: Backend, project: Project, line: str) -> None:
    """By the name of its file, before anything runs."""
    data(project, "d1", more=line)
    assert refused(project) == f"The data migration 'd1.py' cannot be used: {WRONG[line]}."


def test_two_that_come_after_the_same_are_refused(backend: Backend, project: Project) -> None:
    """As after two branches were merged: it says what to write."""
    data(project, "d1")
    data(project, "d2")
    assert refused(project) == (
        "The data migration 'd2.py' cannot be used: it comes after nothing, as 'd1.py' does: let its down_revision be "
        '"d1".'
    )


def test_a_table_needs_its_key(backend: Backend, project: Project) -> None:
    """It says which column is missing, or that there is no key, or no table."""
    file = data(project, "d1", table='sa.table("post", sa.column("title"))')
    assert refused(project).endswith('leaves out what post is ordered by: add sa.column("id") to its table.')
    execute(backend, "CREATE TABLE keyless (id INTEGER)")
    file.write_text(file.read_text().replace('"post"', '"keyless"'))
    assert refused(project).endswith("cannot go through keyless in batches, because that has no primary key.")
    file.write_text(file.read_text().replace('"keyless"', '"nowhere_to_be_found"'))
    assert "is about the table nowhere_to_be_found, which this database does not have" in refused(project)


def test_a_new_one_can_be_run(backend: Backend, project: Project) -> None:
    """The file that is written does what it shows, and the next comes after it."""
    first = write_new(project, 'Fill "slugs"')
    second = write_new(project, "again")
    assert [(each.path, each.title, each.depends_on) for each in read_chain(project)] == [
        (first, 'Fill "slugs"', "r1"), (second, "again", "r1"),
    ]  # fmt: skip
    assert len(run(project, QUICK)) == 2
    assert read(backend, "SELECT slug FROM post ORDER BY id") == [(f"t{n}",) for n in range(1, 8)]


def test_application_code_is_found(backend: Backend, project: Project) -> None:
    """By the rule of revisions."""
    file = data(project, "d1")
    assert findings(project) == []
    file.write_text(f"import json\nfrom shop.models import Post\n{file.read_text()}")
    [found] = findings(project)
    assert (found.rule, found.line, found.message) == ("M25", 2, "shop.models is code of the application")
