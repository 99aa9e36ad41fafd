"""What drivers say when a write breaks a rule: real failures, on every way to a database."""

import asyncio
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from onetrip.db.violations import SQLITE_CODES, SQLSTATES, Violation, kind_of_code, kind_of_state, violation
from tests.support.databases import Backend, postgresql_backend, sqlite_backend

TABLES = """
    CREATE TABLE person (
        id integer PRIMARY KEY, email varchar(10) UNIQUE, team int, seat int, age int, name text NOT NULL,
        CONSTRAINT grown CHECK (age > 7), CONSTRAINT place UNIQUE (team, seat)
    );
    CREATE UNIQUE INDEX "it's folded" ON person (lower(name));
    CREATE UNIQUE INDEX elders ON person (age) WHERE age > 99;
    CREATE TABLE post (id integer PRIMARY KEY, author_id int REFERENCES person, reviewer_id int,
        CONSTRAINT reviewed FOREIGN KEY (reviewer_id) REFERENCES person ON DELETE RESTRICT);
    CREATE TABLE "odd, table.name" (id integer PRIMARY KEY, "a, b.c" int, "d" int, UNIQUE ("a, b.c", d));
    INSERT INTO person VALUES (1, 'ada@x', 1, 1, 100, 'Ada'), (2, 'alan@x', 1, 2, 41, 'Alan'), (3, 'c@x', 1, 3, 9, 'C');
    INSERT INTO post VALUES (1, 1, NULL), (2, NULL, 2);
    INSERT INTO "odd, table.name" VALUES (1, 1, 1);
"""
ODD = "odd, table.name"


def by_sqlite3(backend: Backend, statement: str, *arguments: Any) -> None:
    with closing(sqlite3.connect(sa.make_url(backend.url).database or "", isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(statement.replace("$1", "?"), arguments)


def by_psycopg(backend: Backend, statement: str, *arguments: Any) -> None:
    with psycopg.connect(backend.url, autocommit=True) as connection:
        connection.execute(statement.replace("$1", "%s"), arguments)  # type: ignore[arg-type]


def by_asyncpg(backend: Backend, statement: str, *arguments: Any) -> None:
    async def main() -> None:
        connection = await asyncpg.connect(backend.url)
        try:
            await connection.execute(statement, *arguments)
        finally:
            await connection.close()

    asyncio.run(main())


def by_sqlalchemy(backend: Backend, statement: str, *arguments: Any) -> None:
    engine = backend.engine()
    mark = "?" if backend.name == "sqlite" else "%s"
    with engine.begin() as connection:
        if backend.name == "sqlite":
            connection.exec_driver_sql("PRAGMA foreign_keys = ON")
        connection.exec_driver_sql(statement.replace("$1", mark), arguments)


def by_sqlalchemy_async(backend: Backend, statement: str, *arguments: Any) -> None:
    driver = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}[backend.name]

    async def main() -> None:
        engine = create_async_engine(sa.make_url(backend.url).set(drivername=driver))
        try:
            async with engine.begin() as connection:
                if backend.name == "sqlite":
                    await connection.exec_driver_sql("PRAGMA foreign_keys = ON")
                mark = "?" if backend.name == "sqlite" else "$1"
                await connection.exec_driver_sql(statement.replace("$1", mark), arguments)
        finally:
            await engine.dispose()

    asyncio.run(main())


WAYS: dict[str, list[Callable[..., None]]] = {
    "sqlite": [by_sqlite3, by_sqlalchemy, by_sqlalchemy_async],
    "postgresql": [by_asyncpg, by_psycopg, by_sqlalchemy, by_sqlalchemy_async],
}


def fill(backend: Backend, script: str) -> None:
    with backend.engine().begin() as connection:
        for statement in script.split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement)


@pytest.fixture(scope="module")
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Backend]]:
    """Both databases with the tables; what fails leaves nothing behind, so all tests share them."""
    with (
        sqlite_backend(tmp_path_factory.mktemp("violations")) as lite,
        postgresql_backend(request.getfixturevalue("server")) as postgres,
    ):
        fill(lite, TABLES)
        fill(postgres, TABLES)
        yield {"sqlite": lite, "postgresql": postgres}


def broken(backend: Backend, statement: str, *arguments: Any) -> set[Violation | None]:
    """What a statement breaks, by every way; one, if all agree."""
    found = set()
    for way in WAYS[backend.name]:
        with pytest.raises(Exception) as caught:
            way(backend, statement, *arguments)
        found.add(violation(caught.value))
    return found


def named(kind: Any, constraint: str, table: str, *columns: str) -> Violation:
    return Violation(kind, constraint, table, columns, "public")


PERSON = "INSERT INTO person (id, email, team, seat, age, name) VALUES "
CASES: dict[str, tuple[str, Violation, Violation]] = {
    "unnamed unique constraint": (
        PERSON + "(9, 'ada@x', 9, 9, 20, 'Grace')",
        Violation("unique", table="person", columns=("email",)),
        named("unique", "person_email_key", "person"),
    ),
    "primary key": (
        PERSON + "(1, 'g@x', 9, 9, 20, 'Grace')",
        Violation("unique", table="person", columns=("id",)),
        named("unique", "person_pkey", "person"),
    ),
    "named constraint over two columns": (
        PERSON + "(9, 'g@x', 1, 1, 20, 'Grace')",
        Violation("unique", table="person", columns=("team", "seat")),
        named("unique", "place", "person"),
    ),
    "unique index over an expression, with quotes in its name": (
        PERSON + "(9, 'g@x', 9, 9, 20, 'ADA')",
        Violation("unique", constraint="it's folded"),
        named("unique", "it's folded", "person"),
    ),
    "partial unique index": (
        PERSON + "(9, 'g@x', 9, 9, 100, 'Grace')",
        Violation("unique", table="person", columns=("age",)),
        named("unique", "elders", "person"),
    ),
    "check": (
        PERSON + "(9, 'g@x', 9, 9, 5, 'Grace')",
        Violation("check", constraint="grown"),
        named("check", "grown", "person"),
    ),
    "null": (
        PERSON + "(9, 'g@x', 9, 9, 20, NULL)",
        Violation("not_null", table="person", columns=("name",)),
        Violation("not_null", None, "person", ("name",), "public"),
    ),
    "null by an update": (
        "UPDATE person SET name = NULL WHERE id = 1",
        Violation("not_null", table="person", columns=("name",)),
        Violation("not_null", None, "person", ("name",), "public"),
    ),
    "reference to nothing": (
        "INSERT INTO post VALUES (9, 404, NULL)",
        Violation("foreign_key"),
        named("foreign_key", "post_author_id_fkey", "post"),
    ),
    "row that others refer to": (
        "DELETE FROM person WHERE id = 1",
        Violation("foreign_key"),
        named("foreign_key", "post_author_id_fkey", "post"),
    ),
    "row that others refer to, restricted": (
        "DELETE FROM person WHERE id = 2",
        Violation("foreign_key"),
        named("foreign_key", "reviewed", "post"),
    ),
}


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.parametrize("case", CASES)
def test_every_driver_says_what_was_broken(filled: dict[str, Backend], case: str, database: str) -> None:
    """The same failure is the same violation, whichever driver and wrapping it came by."""
    statement, lite, postgres = CASES[case]
    assert broken(filled[database], statement) == {lite if database == "sqlite" else postgres}


def test_names_that_sqlite_does_not_quote_lose_nothing(filled: dict[str, Backend]) -> None:
    """Where a table ends is guessed, and whatever was guessed can be joined to what was said."""
    (found,) = broken(filled["sqlite"], f'INSERT INTO "{ODD}" VALUES (9, 1, 1)')
    assert found is not None and found.table is not None
    assert ", ".join(f"{found.table}.{column}" for column in found.columns) == f"{ODD}.a, b.c, {ODD}.d"
    assert broken(filled["sqlite"], f'INSERT INTO "{ODD}" VALUES (1, 5, 5)') == {
        Violation("unique", table="odd, table", columns=("name.id",))
    }


def test_values_that_postgresql_cannot_store(filled: dict[str, Backend]) -> None:
    """Text that is too long for its column or for an index, numbers and dates out of range, text with NUL."""
    postgres = filled["postgresql"]
    insert = "INSERT INTO person (id, name, email) VALUES "
    assert broken(postgres, insert + "(9, 'x', 'longer than ten')") == {Violation("too_long")}
    assert broken(postgres, insert + "(9000000000, 'x', '')") == {Violation("out_of_range")}
    assert broken(postgres, "SELECT timestamp '294276-12-31' + interval '99 years'") == {Violation("out_of_range")}
    assert broken(postgres, "SELECT CAST('x' AS int)") == {Violation("invalid")}
    assert broken(postgres, insert + "(9, CAST($1 AS text), '')", "a\0b") == {Violation("invalid")}
    fill(postgres, "CREATE TABLE wide (id int PRIMARY KEY, note text CONSTRAINT wide_note UNIQUE)")
    insert = "INSERT INTO wide SELECT 1, string_agg(md5(n::text), '') FROM generate_series(1, {}) AS n"
    assert broken(postgres, insert.format(150)) == {named("too_long", "wide_note", "wide")}
    assert broken(postgres, insert.format(300)) == {Violation("too_long")}  # then it does not say for which index


def test_values_that_the_drivers_of_postgresql_do_not_send(filled: dict[str, Backend]) -> None:
    """asyncpg refuses what its codecs cannot write: that is known by its class and cause, and never by what it says."""
    postgres, insert = filled["postgresql"], "INSERT INTO person (id, name) VALUES ($1, 'x')"
    for way in (by_asyncpg, by_sqlalchemy_async):
        with pytest.raises(Exception) as large:
            way(postgres, insert, 2**40)
        with pytest.raises(Exception) as strange:
            way(postgres, insert, "one")
        assert violation(large.value) == Violation("out_of_range")
        assert violation(strange.value) == Violation("invalid")


def test_values_that_sqlite_cannot_store(filled: dict[str, Backend], tmp_path: Path) -> None:
    """SQLite takes nearly everything: a key that is no number, a type that is kept, what Python cannot send."""
    lite, insert = filled["sqlite"], "INSERT INTO person (id, name) VALUES ($1, 'x')"
    assert broken(lite, insert, "one") == {Violation("invalid")}
    assert broken(lite, insert, 2**70) == {Violation("out_of_range")}
    assert broken(lite, insert, "\ud800") == {Violation("invalid")}
    blob = "INSERT INTO person (id, name) VALUES (9, zeroblob($1))"
    assert broken(lite, blob, 2**31 - 1) == {Violation("out_of_range")}
    fill(lite, "CREATE TABLE strict_one (id integer PRIMARY KEY, age int) STRICT")
    assert broken(lite, "INSERT INTO strict_one VALUES (1, 'x')") == {Violation("invalid")}


def test_a_trigger_says_nothing_that_is_repeated(filled: dict[str, Backend]) -> None:
    """Even when its words are those of a constraint."""
    fill(
        filled["sqlite"],
        """CREATE TABLE guarded (id integer PRIMARY KEY);
        CREATE TRIGGER guard BEFORE INSERT ON guarded
        BEGIN SELECT RAISE(ABORT, 'UNIQUE constraint failed: guarded.id'); END""",
    )
    fill(
        filled["postgresql"],
        """CREATE TABLE guarded (id integer PRIMARY KEY);
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN RAISE 'duplicate key value violates unique constraint "guarded_pkey"'; END $$;
        CREATE TRIGGER guard BEFORE INSERT ON guarded FOR EACH ROW EXECUTE FUNCTION refuse()""",
    )
    assert broken(filled["sqlite"], "INSERT INTO guarded VALUES (1)") == {Violation("check")}
    assert broken(filled["postgresql"], "INSERT INTO guarded VALUES (1)") == {Violation("check")}


def test_an_exclusion_is_known(filled: dict[str, Backend]) -> None:
    postgres = filled["postgresql"]
    fill(
        postgres,
        """CREATE TABLE booking (during int4range, EXCLUDE USING gist (during WITH &&));
        INSERT INTO booking VALUES ('[1,5]')""",
    )
    expected = named("exclusion", "booking_during_excl", "booking")
    assert broken(postgres, "INSERT INTO booking VALUES ('[3,9]')") == {expected}


def test_a_deferred_rule_is_known_at_the_commit(filled: dict[str, Backend]) -> None:
    """The failure comes with COMMIT, and says the same."""
    schema = "CREATE TABLE late (id int, boss int REFERENCES person DEFERRABLE INITIALLY DEFERRED)"
    for backend in filled.values():
        fill(backend, schema)
    insert = "INSERT INTO late VALUES (1, 404)"
    assert broken(filled["sqlite"], insert) == {Violation("foreign_key")}
    assert broken(filled["postgresql"], insert) == {named("foreign_key", "late_boss_fkey", "late")}


def test_another_schema_is_told(filled: dict[str, Backend]) -> None:
    """Two tables of one name are not taken for each other."""
    fill(filled["postgresql"], "CREATE SCHEMA audit;\nCREATE TABLE audit.person (id int PRIMARY KEY CHECK (id > 0))")
    (found,) = broken(filled["postgresql"], "INSERT INTO audit.person VALUES (0)")
    assert found == Violation("check", "person_id_check", "person", (), "audit")


def test_a_server_that_speaks_another_language_is_understood() -> None:
    """Nothing is read of a message: what counts is not in it."""

    class Translated(Exception):
        sqlstate, constraint_name, table_name, column_name, schema_name = "23505", "k", "t", None, "public"

    expected = named("unique", "k", "t")
    assert violation(Translated("doppelter Schlüsselwert verletzt Unique-Constraint")) == expected


@pytest.mark.parametrize("statement", ["SELECT * FROM nowhere", "SELECT 1 +", "SELECT pg_sleep('x y')"])
def test_what_is_no_violation_is_none(filled: dict[str, Backend], statement: str) -> None:
    """A mistake of ours is not blamed on who wrote."""
    for backend in filled.values():
        if backend.name == "sqlite" or "sleep" not in statement:
            assert broken(backend, statement) == {None}
    assert violation(ValueError("x")) is None


def test_codes_are_looked_up_by_class() -> None:
    """An unknown code has the meaning of its class."""
    assert [kind_of_state(code) for code in ("22P05", "40001", "42601", "23505")] == ["invalid", None, None, "unique"]
    assert [kind_of_code(code) for code in (sqlite3.SQLITE_CONSTRAINT_VTAB, sqlite3.SQLITE_BUSY)] == ["check", None]
    assert set(SQLSTATES.values()) | set(SQLITE_CODES.values()) <= set(Violation.__annotations__["kind"].__args__)


OURS = ("SQLITE_CONSTRAINT", "SQLITE_MISMATCH", "SQLITE_TOOBIG")  # the module has other names for the same numbers


def test_every_code_stands_in_the_documentation() -> None:
    """Each code of the tables has a line that says what is answered."""
    page = (Path(__file__).parents[2] / "docs" / "errors.md").read_text(encoding="utf-8")
    names = [name for name, code in vars(sqlite3).items() if name.startswith(OURS) and code in SQLITE_CODES]
    assert len(names) >= 9
    types = {"not_null": "null", "invalid": "value_error"}
    for code, kind in SQLSTATES.items():
        assert re.search(rf"^\| .*`{code}`.*\| `{types.get(kind, kind)}` \|$", page, re.MULTILINE), code
    assert [name for name in names if f"`{name}`" not in page] == []
