"""`kill -9` before any statement of a run, then `up`: it ends at the head, and no row is lost."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.migrations import histories
from tests.support.databases import Backend

EVERY = int(os.environ.get("ONETRIP_KILL_EVERY", "7"))
"""Of how many statements one is a place to be killed at: 1 is all of them."""

START = [
    "CREATE TABLE author (id INTEGER PRIMARY KEY, name VARCHAR(20), age INTEGER CHECK (age >= 0))",
    "CREATE TABLE book (id INTEGER PRIMARY KEY, author_id INTEGER REFERENCES author (id) ON DELETE CASCADE)",
    "CREATE INDEX ix_lower ON author (lower(name))",
    "CREATE VIEW old AS SELECT id, name FROM author",
    "INSERT INTO author (id, name, age) VALUES (1, 'Ann', 61), (2, 'Bob', 17)",
    "INSERT INTO book (id, author_id) VALUES (1, 1), (2, 1), (3, 2)",
]
SMALL = "with op.batch_alter_table('author') as batch:\n    batch.alter_column('age', type_=sa.SmallInteger())"
CONCURRENTLY = """
with op.get_context().autocommit_block():
    op.create_index('ix_name', 'author', ['name'], postgresql_concurrently=True)
"""
CHAIN = {
    "r1": "op.create_table('tag', sa.Column('id', sa.Integer, primary_key=True))",
    "r2": SMALL,
    "r3": "op.add_column('book', sa.Column('pages', sa.Integer))\nop.execute('UPDATE book SET pages = 7')",
    "r4": CONCURRENTLY,
    "r5": SMALL.replace("Small", "Big") + "\nop.execute('INSERT INTO tag VALUES (1)')",
}

RUNS = """\
import json
import os
import signal
import sys
from pathlib import Path

import sqlalchemy as sa

from onetrip.db.url import parse_url
from onetrip.migrations import environment
from onetrip.migrations.connection import create_engine
from onetrip.migrations.project import Project
from onetrip.migrations.run import Options, up

folder, url, every = Path(sys.argv[1]), parse_url(sys.argv[2]), int(sys.argv[3])
start, sqlite = map(json.loads, sys.argv[4:])
project = Project(folder=folder, metadata=(), url=url)


def begin_again():
    if sqlite:
        for file in Path(url.database).parent.glob(Path(url.database).name + "*"):
            file.unlink()
    with create_engine(url).begin() as connection:
        for statement in [] if sqlite else ["DROP SCHEMA public CASCADE", "CREATE SCHEMA public"]:
            connection.exec_driver_sql(statement)
        for statement in start:
            connection.exec_driver_sql(statement)


def die_at(number):
    left = [number]

    def next_place(*_):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    for event in ("before_cursor_execute", "after_cursor_execute", "commit"):
        sa.event.listen(sa.Engine, event, next_place)


def child(function):
    forked = os.fork()
    if forked == 0:
        try:
            function()
        except BaseException as error:
            print(error, file=sys.stderr)
            os._exit(1)
        os._exit(0)
    return os.waitpid(forked, 0)[1]


def killed(number):
    die_at(number)
    up(project, options=Options(keep=False))


def found():
    with create_engine(url).connect() as connection:
        read = lambda statement: [list(row) for row in connection.exec_driver_sql(statement)]
        return [
            read("SELECT version_num FROM alembic_version"), read("SELECT * FROM author ORDER BY id"),
            read("SELECT id, author_id, pages FROM book ORDER BY id"), read("SELECT * FROM tag"),
            read("SELECT * FROM old ORDER BY id"),
            read(
                "SELECT name FROM sqlite_master WHERE name LIKE 'ix%' OR name LIKE '%tmp%' ORDER BY 1" if sqlite else
                "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 'author'::regclass AND indisvalid "
                "AND NOT indisprimary ORDER BY 1"
            ),
        ]


number, ends = 0, []
while True:
    begin_again()
    number += every
    code = child(lambda: killed(number))
    again = child(lambda: up(project, options=Options(keep=False)))
    ends.append([number, code, again, found()])
    if code != signal.SIGKILL:
        break
print(json.dumps(ends))
"""


def test_a_run_that_is_killed_can_be_run_again(backend: Backend, tmp_path: Path) -> None:
    """Wherever it was: the next run ends at the head, with every row, index and view."""
    histories.make(tmp_path, backend.url, CHAIN)
    arguments = [str(tmp_path), backend.url, str(EVERY), json.dumps(START), json.dumps(backend.name == "sqlite")]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", RUNS, *arguments], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    ends = json.loads(done.stdout)
    assert len(ends) > 100 / EVERY
    assert [code for _, code, _, _ in ends] == [9] * (len(ends) - 1) + [0]
    expected = [
        [["r5"]], [[1, "Ann", 61], [2, "Bob", 17]], [[1, 1, 7], [2, 1, 7], [3, 2, 7]], [[1]], [[1, "Ann"], [2, "Bob"]],
        [["ix_lower"], ["ix_name"]],
    ]  # fmt: skip
    assert {number: (again, found) for number, _, again, found in ends} == {
        number: (0, expected) for number, _, _, _ in ends
    }
