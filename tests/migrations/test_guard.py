"""SQLite: what copying a table would lose is there afterwards, and what cannot be kept is refused."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from onetrip.errors import ConfigurationError
from onetrip.migrations.connection import connected
from onetrip.migrations.guard.definition import keep, read_definition
from onetrip.migrations.guard.guard import backup_file
from onetrip.migrations.project import Project
from onetrip.migrations.run import Event, Options, up
from tests.migrations import histories

SCHEMA = """
CREATE TABLE author (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name VARCHAR(20) COLLATE NOCASE NOT NULL, age INTEGER CHECK (age >= 0),
    born INTEGER, /* , CHECK ( */ note TEXT DEFAULT 'a, (b', CHECK (born > 1800 OR born IS NULL),
    CONSTRAINT named CHECK (length(name) > 0)
);
CREATE TABLE book (
    id INTEGER PRIMARY KEY, author_id INTEGER NOT NULL REFERENCES author (id) ON DELETE CASCADE, title TEXT
);
CREATE TABLE log (what TEXT);
CREATE INDEX ix_lower ON author (lower(name));
CREATE INDEX ix_note ON author (upper(note));
CREATE INDEX ix_partial ON author (age) WHERE age > 18;
CREATE INDEX ix_down ON author (age DESC, name);
CREATE UNIQUE INDEX ix_plain ON author (name);
CREATE TRIGGER tr AFTER UPDATE ON author BEGIN INSERT INTO log VALUES ('changed ' || new.name); END;
CREATE TRIGGER other AFTER INSERT ON book
    BEGIN UPDATE author SET born = born WHERE id = new.author_id; END;
CREATE VIEW elders AS SELECT name FROM author WHERE age > 60;
INSERT INTO author (id, name, age, born) VALUES (1, 'Ann', 61, 1960), (2, 'Bob', 17, 2000), (9, 'Out', 1, 2001);
DELETE FROM author WHERE id = 9;
INSERT INTO book VALUES (1, 1, 'One'), (2, 1, 'Two'), (3, 2, 'Three');
"""
ALTER = """
with op.batch_alter_table('author') as batch:
    batch.alter_column('age', type_=sa.BigInteger(), existing_type=sa.Integer())
"""


class Library:
    """A database that was there before its migrations."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file = folder, folder / "app.db"
        with closing(sqlite3.connect(self.file)) as connection:
            connection.executescript(SCHEMA)

    def project(self, *codes: str) -> Project:
        chain = {f"r{number}": code for number, code in enumerate(codes, 1)}
        return histories.make(self.folder, f"sqlite:///{self.file}", chain)

    def read(self, statement: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.file)) as connection:
            return connection.execute(statement).fetchall()

    def master(self) -> dict[str, str]:
        found = self.read("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        return {str(name): str(sql) for name, sql in found if name not in ("alembic_version", "onetrip_revision")}

    def refuses(self, *codes: str) -> str:
        """Apply what cannot be, see that nothing changed, and answer the sentence."""
        before = list(map(self.read, ("SELECT * FROM author", "SELECT * FROM book"))), self.master()
        with pytest.raises(ConfigurationError) as caught:
            up(self.project(*codes))
        after = list(map(self.read, ("SELECT * FROM author", "SELECT * FROM book"))), self.master()
        assert after == before
        return str(caught.value)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path)


def test_a_copied_table_keeps_all_that_it_had(library: Library) -> None:
    """Rows that refer to it, triggers, views, indexes of every kind, unnamed CHECKs, COLLATE, AUTOINCREMENT."""
    before, rows = library.master(), library.read("SELECT * FROM book")
    assert up(library.project(ALTER, ALTER)) == ("r1", "r2")
    after = library.master()
    assert {name: sql for name, sql in after.items() if name not in ("author", "ix_plain", "ix_partial")} == {
        name: sql for name, sql in before.items() if name not in ("author", "ix_plain", "ix_partial")
    }
    assert "age > 18" in after["ix_partial"] and "UNIQUE" in after["ix_plain"]
    assert library.read("SELECT * FROM book") == rows and len(rows) == 3
    author = after["author"]
    assert "age BIGINT" in author and "COLLATE NOCASE" in author and "AUTOINCREMENT" in author
    assert author.count("CHECK") == 3 and author.count("named") == 1
    assert library.read("SELECT seq FROM sqlite_sequence WHERE name = 'author'") == [(9,)]
    assert library.read("SELECT * FROM elders") == [("Ann",)]
    with closing(sqlite3.connect(library.file)) as connection:
        connection.execute("UPDATE author SET born = 1961 WHERE id = 1")
        assert connection.execute("SELECT what FROM log").fetchall()[-1] == ("changed Ann",)
        for change in ("age = -1", "born = 1", "name = ''"):
            with pytest.raises(sqlite3.IntegrityError):
                connection.execute(f"UPDATE author SET {change}")


def test_alembic_itself_is_guarded(library: Library) -> None:
    """`alembic upgrade head` loses as little."""
    command.upgrade(library.project(ALTER).config(), "head")
    assert library.read("SELECT count(*) FROM book") == [(3,)]
    assert {"tr", "other", "elders", "ix_lower"} <= library.master().keys()


@pytest.mark.parametrize(
    ("gone", "code"),
    [
        ("tr", "op.execute('DROP TRIGGER tr')\n" + ALTER),
        ("tr", ALTER + "op.execute('DROP TRIGGER tr')"),
        ("ix_lower", ALTER + "op.execute('DROP INDEX ix_lower')"),
        ("ix_plain", ALTER + "    batch.drop_index('ix_plain')"),
        ("elders", "op.execute('DROP VIEW elders')\n" + ALTER),
        ("author", "op.execute('DROP VIEW elders')\nop.execute('DROP TRIGGER other')\nop.drop_table('book')\n"
         "op.drop_table('author')"),
    ],
)  # fmt: skip
def test_what_a_revision_drops_is_gone(library: Library, gone: str, code: str) -> None:
    """What is meant to go does not come back."""
    up(library.project(code))
    assert gone not in library.master()


def test_what_a_revision_changes_is_changed(library: Library) -> None:
    """An index of the same name on other columns, and a CHECK that stands for the unnamed one of its column."""
    code = ALTER + (
        "    batch.drop_index('ix_down')\n    batch.create_index('ix_down', ['born'])\n"
        "    batch.create_check_constraint('age', 'age >= 1')"
    )
    up(library.project(code))
    assert library.master()["ix_down"] == "CREATE INDEX ix_down ON author (born)"
    assert "age >= 1" in library.master()["author"] and "age >= 0" not in library.master()["author"]


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("with op.batch_alter_table('author') as batch:\n    batch.alter_column('born', new_column_name='year')",
         "The table 'author' has a CHECK (born > 1800 OR born IS NULL), and born is dropped or renamed"),
        ("with op.batch_alter_table('author') as batch:\n    batch.drop_column('note')",
         "The index 'ix_note' of the table 'author' does not fit its new form: no such column: note"),
        ("with op.batch_alter_table('author', table_args=[sa.CheckConstraint('1')]) as batch:\n"
         "    batch.drop_column('born')", "The table 'book' with its triggers would not work any more"),
        ("op.execute('DELETE FROM author WHERE id = 1')",
         "2 rows of 'book' would refer to rows of 'author' that are not there"),
        ("op.drop_table('author')", "would"),
        ("op.create_table('new', sa.Column('id', sa.Integer))\nraise ValueError('late')", "ValueError: late"),
    ],
)  # fmt: skip
def test_what_would_be_lost_is_refused(library: Library, code: str, sentence: str) -> None:
    """The database is as it was, and the sentence says what to do."""
    message = library.refuses(code)
    assert sentence in message
    assert f"The database as it was before is '{backup_file(library.file, 'r1')}'" in message


def test_rows_that_vanish_are_noticed(library: Library) -> None:
    """When a revision changes rows without a word to the connection that is watched."""
    silent = "op.get_bind().connection.dbapi_connection.execute('DELETE FROM book WHERE id = 3')"
    assert "The table 'book' would have 2 rows instead of 3" in library.refuses(silent)


def test_what_a_killed_copy_left_is_dropped(library: Library) -> None:
    """A table of Alembic's own would be in the way of every further try."""
    with closing(sqlite3.connect(library.file)) as connection:
        connection.execute("CREATE TABLE _alembic_tmp_author (id INTEGER)")
    up(library.project(ALTER))
    assert not [name for name in library.master() if name.startswith("_alembic_tmp_")]


def test_a_backup_is_made_before(library: Library) -> None:
    """Whole, with what the revision changed; kept unless somebody says no."""
    rows = library.read("SELECT * FROM author")
    events: list[Event] = []
    project = library.project(ALTER, "op.execute('UPDATE author SET age = 5')", "pass")
    up(project, "r2", Options(said=events.append))
    file = backup_file(library.file, "r1")
    assert [each.file for each in events if each.kind == "backup"] == [file]
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT * FROM author").fetchall() == rows
        assert connection.execute("SELECT name FROM sqlite_master WHERE name = 'alembic_version'").fetchall() == []
    file.unlink()
    up(project, "r3", Options(keep=False))
    command.downgrade(project.config(), "r2")
    up(project, "r3", Options(backup=False))
    assert [each.name for each in library.folder.glob("app.db.before-*")] == ["app.db.before-r3"]


def test_foreign_keys_are_on_again(library: Library) -> None:
    """A connection that was lent gets back what it had."""
    project = library.project(ALTER)
    config = project.config()
    with connected(project.url) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        assert connection.exec_driver_sql("PRAGMA legacy_alter_table").scalar() == 0


@pytest.fixture
def full_disk() -> Iterator[None]:
    """No database can grow."""

    def connect(connection: sqlite3.Connection, _: object) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={pages + 3}")

    sa.event.listen(sa.Engine, "connect", connect)
    yield
    sa.event.remove(sa.Engine, "connect", connect)


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_changes_nothing(library: Library) -> None:
    """SQLite says so in the middle of a revision."""
    fill = 'op.execute("INSERT INTO log SELECT hex(randomblob(500)) FROM author, author a, author b, author c")'
    assert "database or disk is full" in library.refuses("pass", fill + "\n" + fill)
    assert library.read("SELECT count(*) FROM log") == [(3,)]


def test_a_read_only_file_is_one_sentence(library: Library) -> None:
    """It is read, and then cannot be written."""
    project = histories.make(library.folder, f"sqlite:///file:{library.file}?mode=ro&uri=true", {"r1": ALTER})
    before = library.master()
    with pytest.raises(ConfigurationError, match="readonly database"):
        up(project)
    assert library.master() == before


@pytest.mark.parametrize(
    ("old", "new", "kept"),
    [
        ("CREATE TABLE t (a INT, CHECK (a>0))", "CREATE TABLE n (a INT)", "CREATE TABLE n (a INT, CHECK (a>0))"),
        ("CREATE TABLE t (a INT CONSTRAINT \"c d\" CHECK(a in ('x,)')))", "CREATE TABLE n (a INT)",
         "CREATE TABLE n (a INT, CONSTRAINT \"c d\" CHECK(a in ('x,)')))"),
        ("CREATE TABLE t (a INT, b INT CHECK (b))", "CREATE TABLE n (a INT)", "CREATE TABLE n (a INT)"),
        ("CREATE TABLE t (a INT PRIMARY KEY) STRICT, WITHOUT ROWID", "CREATE TABLE n (a INT PRIMARY KEY)",
         "CREATE TABLE n (a INT PRIMARY KEY) STRICT, WITHOUT ROWID"),
        ("CREATE TABLE t (a TEXT COLLATE NOCASE)", "CREATE TABLE n (a TEXT COLLATE BINARY)",
         "CREATE TABLE n (a TEXT COLLATE BINARY)"),
        ("CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT)",
         "CREATE TABLE n (\n\tid INTEGER NOT NULL, \n\tCONSTRAINT pk PRIMARY KEY (id)\n)\n\n",
         "CREATE TABLE n (id INTEGER NOT NULL CONSTRAINT pk PRIMARY KEY AUTOINCREMENT)"),
    ],
)  # fmt: skip
def test_definitions_are_kept(old: str, new: str, kept: str) -> None:
    """By the words of the table alone; each part on a line of its own."""
    assert keep("t", old, new, frozenset()).replace(",\n\t", ", ").replace("(\n\t", "(").replace("\n)", ")") == kept


def test_a_definition_is_cut_where_it_is_meant(library: Library) -> None:
    """Not in texts, comments or parentheses."""
    definition = read_definition(library.master()["author"])
    assert list(definition.columns) == ["id", "name", "age", "born", "note"]
    assert [check.name for check in definition.checks] == [None, None, "named"]


def test_what_sqlalchemy_misreads_is_in_the_copy(tmp_path: Path) -> None:
    """Computed columns, quoted names of constraints; and the copy may get another name in the same revision."""
    team = """
        CREATE TABLE "Team" ([id] INTEGER PRIMARY KEY, twice INTEGER GENERATED ALWAYS AS (abs(id) * 2) STORED,
        name TEXT, b INTEGER DEFAULT (-1), CONSTRAINT "pk_Twice" UNIQUE (twice), CONSTRAINT [uq_Name] UNIQUE ([name]),
        CONSTRAINT "fk_Team" FOREIGN KEY (b) REFERENCES "Team" (id))
    """
    with closing(sqlite3.connect(tmp_path / "app.db")) as connection:
        connection.executescript(f"{team}; INSERT INTO \"Team\" (id, name, b) VALUES (4, 'Ada', NULL)")
    code = """
        with op.batch_alter_table('Team') as batch:
            batch.drop_constraint('uq_Name', type_='unique')
            batch.alter_column('name', existing_type=sa.Text(), nullable=False)
        op.rename_table('Team', 'crew')
    """
    up(histories.make(tmp_path, f"sqlite:///{tmp_path / 'app.db'}", {"r1": code}))
    with closing(sqlite3.connect(tmp_path / "app.db")) as connection:
        assert connection.execute("SELECT id, twice, name FROM crew").fetchall() == [(4, 8, "Ada")]
        (sql,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'crew'").fetchone()
    assert "GENERATED ALWAYS AS (abs(id) * 2) STORED" in sql and "uq_Name" not in sql
    for kept in ('CONSTRAINT "pk_Twice" UNIQUE (twice)', 'CONSTRAINT "fk_Team" FOREIGN KEY'):
        assert kept in sql
