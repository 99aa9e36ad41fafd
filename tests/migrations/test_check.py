"""`check`: what differs between database, models and history is found, and nothing is changed."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from onetrip.errors import ConfigurationError
from onetrip.migrations.check import check
from onetrip.migrations.run import up
from tests.migrations import histories
from tests.migrations.test_run import execute
from tests.support.databases import Backend

CHAIN = {
    "r1": "op.create_table('thing', sa.Column('id', sa.Integer, primary_key=True), sa.Column('name', sa.String(20)))",
    "r2": "op.create_index('ix_thing_name', 'thing', ['name'])",
}


def models(*more: sa.Column[object]) -> sa.MetaData:
    metadata = sa.MetaData()
    sa.Table(
        "thing", metadata, sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(20), index=True), *more,
    )  # fmt: skip
    return metadata


def test_what_agrees_is_clean(backend: Backend, tmp_path: Path) -> None:
    """At the head, with the tables of the models; what onetrip keeps beside them does not count."""
    project = histories.make(tmp_path, backend.url, CHAIN, models())
    up(project)
    found = check(project)
    assert found.clean, found
    assert (found.state, found.current, found.heads) == ("head", ("r2",), ("r2",))


def test_where_a_database_stands(backend: Backend, tmp_path: Path) -> None:
    """Before the first revision, between two, and beyond the last."""
    project = histories.make(tmp_path, backend.url, CHAIN, models())
    found = check(project)
    assert (found.state, found.current, found.clean) == ("behind", (), False)
    assert sa.inspect(backend.engine()).get_table_names() == []
    up(project, "r1")
    assert (check(project).state, check(project).current) == ("behind", ("r1",))
    execute(backend, "UPDATE alembic_version SET version_num = 'newer'")
    assert check(project).state == "unknown"


def test_what_differs_from_the_models_is_told(backend: Backend, tmp_path: Path) -> None:
    """What somebody changed by hand, and what has no revision yet."""
    project = histories.make(tmp_path, backend.url, CHAIN, models(sa.Column("size", sa.Integer)))
    up(project)
    execute(backend, "DROP INDEX ix_thing_name")
    found = check(project)
    assert not found.clean
    assert sorted(found.differences) == ["add column thing.size", "create index thing.ix_thing_name"]


def test_an_edited_revision_is_told(backend: Backend, tmp_path: Path) -> None:
    """It did something else when it ran."""
    project = histories.make(tmp_path, backend.url, CHAIN, models())
    up(project)
    file = tmp_path / "migrations" / "versions" / "r1.py"
    file.write_text(file.read_text().replace("String(20)", "String(30)"))
    assert check(project).edited == ("r1",)


def test_what_was_left_is_told(backend: Backend, tmp_path: Path) -> None:
    """By a run that was interrupted."""
    project = histories.make(tmp_path, backend.url, CHAIN, models())
    up(project)
    execute(backend, "CREATE TABLE _alembic_tmp_thing (id INTEGER)")
    if backend.name == "postgresql":
        execute(
            backend, "ALTER TABLE thing ADD CONSTRAINT ck CHECK (id > 0) NOT VALID",
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_thing_name'::regclass",
        )  # fmt: skip
    found = check(project)
    assert not found.clean
    assert found.leftover_tables == ("_alembic_tmp_thing",)
    if backend.name == "postgresql":
        assert found.invalid_indexes == ("thing.ix_thing_name",)
        assert found.unvalidated_constraints == ("thing.ck",)


def test_nothing_is_locked(tmp_path: Path) -> None:
    """A database can be checked while somebody writes to it."""
    project = histories.make(tmp_path, f"sqlite:///{tmp_path}/app.db", CHAIN, models())
    up(project)
    with closing(sqlite3.connect(tmp_path / "app.db", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert check(project).clean


def test_two_heads_cannot_be_checked(backend: Backend, tmp_path: Path) -> None:
    """There is no place where the database should be."""
    project = histories.make(tmp_path, backend.url, CHAIN, models())
    histories.write(tmp_path / "migrations" / "versions", "other", "r1", "pass")
    with pytest.raises(ConfigurationError, match="2 heads"):
        check(project)
