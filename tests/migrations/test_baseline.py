"""A database that was there before its migrations: the first revision makes the same elsewhere."""

from dataclasses import replace
from pathlib import Path

import pytest

from onetrip.cli.revising import baseline
from onetrip.migrations.run import up
from onetrip.migrations.snapshot import live
from onetrip.migrations.snapshot.model import Snapshot
from onetrip.migrations.trial.traces import traces
from tests.migrations.revisions import Revisions, models
from tests.support.databases import Backend

BOTH = (
    "CREATE TABLE author (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(20) NOT NULL DEFAULT 'x', "
    "CONSTRAINT signs CHECK (name <> ' :word' AND name NOT LIKE 'z%'))",
    "CREATE UNIQUE INDEX ix_author_name ON author (name) WHERE name <> ' :off'",
    "CREATE VIEW authors AS SELECT name FROM author",
)
ALONE = {
    "sqlite": ("CREATE TRIGGER counted AFTER INSERT ON author BEGIN SELECT 1; END",),
    "postgresql": (
        "CREATE TYPE mood AS ENUM ('glad', 'it''s')",
        "CREATE TABLE book (id SERIAL PRIMARY KEY, number BIGINT GENERATED ALWAYS AS IDENTITY, "
        "mood mood DEFAULT 'glad', tags TEXT[] NOT NULL DEFAULT '{}', data JSONB, "
        "author_id INTEGER REFERENCES author ON DELETE CASCADE)",
        "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "CREATE TRIGGER touched BEFORE UPDATE ON book FOR EACH ROW EXECUTE FUNCTION touch()",
    ),
}
LEFT = {
    "sqlite": "view authors, trigger counted of author",
    "postgresql": "view authors, trigger touched of book, function touch",
}
AWAY = {
    "sqlite": ("DROP VIEW authors", "DROP TABLE author", "DROP TABLE alembic_version"),
    "postgresql": ("DROP SCHEMA public CASCADE", "CREATE SCHEMA public"),
}


def test_a_baseline_makes_the_same_elsewhere(
    backend: Backend, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tables, keys, checks, indexes and enums; what it leaves out is named in the file and at the terminal."""
    revisions = Revisions(tmp_path, backend)
    sign = "%%" if backend.name == "postgresql" else "%"  # what the driver takes for one
    revisions.sql(*(statement.replace("%", sign) for statement in (*BOTH, *ALONE[backend.name])))
    before = tables(backend)
    project = revisions.project(models())
    baseline(project, "baseline")
    left = LEFT[backend.name]
    assert capsys.readouterr().out.endswith(f": stamped, and otherwise as it was. Not in the revision: {left}.\n")
    [file] = revisions.files
    assert f"\n\nNot in it, for you to add: {left}.\n" in file.read_text()
    revisions.sql(*AWAY[backend.name])
    up(project)
    assert traces(before, tables(backend)) == []
    revisions.down(models(), "base")
    assert not tables(backend).tables and not tables(backend).enums


def tables(backend: Backend) -> Snapshot:
    """The tables of the database, without triggers and views."""
    with backend.engine().connect() as connection:
        found = live.read(connection)
    own = {name: table for name, table in found.tables.items() if not name[1].startswith(("onetrip", "alembic"))}
    return replace(found, tables={name: replace(table, triggers={}) for name, table in own.items()}, views={})
