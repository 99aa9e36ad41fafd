"""`trial`: revisions go there and back and there again with rows, or it is said which does not."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from onetrip.db.url import parse_url
from onetrip.errors import ConfigurationError
from onetrip.migrations.trial.trial import trial
from tests.migrations import histories
from tests.support.databases import Backend

AUTHOR = """
op.create_table(
    'author', sa.Column('id', sa.Integer, primary_key=True),
    sa.Column('name', sa.String(3), nullable=False, unique=True),
    sa.Column('kind', sa.String(10), nullable=False), sa.Column('age', sa.SmallInteger),
    sa.Column('born', sa.DateTime(timezone=True)), sa.Column('rate', sa.Numeric(4, 2)), sa.Column('data', sa.JSON),
    sa.CheckConstraint("kind IN ('poet', 'critic')", name='kinds'),
)
op.create_table(
    'book', sa.Column('id', sa.Uuid, primary_key=True),
    sa.Column('author_id', sa.Integer, sa.ForeignKey('author.id', ondelete='CASCADE', name='fk'), nullable=False),
    sa.Column('before_id', sa.Uuid, sa.ForeignKey('book.id', name='fk_before')),
)
"""
AGE = "with op.batch_alter_table('author') as batch:\n    batch.alter_column('age', nullable={})"
CHAIN = {
    "r1": (AUTHOR, "op.drop_table('book')\nop.drop_table('author')"),
    "r2": ("op.create_index('ix', 'book', ['author_id'])", "op.drop_index('ix', 'book')"),
    "r3": ("op.execute('UPDATE author SET age = 7 WHERE age IS NULL')\n" + AGE.format("False"), AGE.format("True")),
}


def models() -> sa.MetaData:
    metadata = sa.MetaData()
    sa.Table(
        "author", metadata, sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(3), nullable=False, unique=True), sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("age", sa.SmallInteger, nullable=False), sa.Column("born", sa.DateTime(timezone=True)),
        sa.Column("rate", sa.Numeric(4, 2)), sa.Column("data", sa.JSON),
        sa.CheckConstraint("kind IN ('poet', 'critic')", name="kinds"),
    )  # fmt: skip
    book = sa.Table(
        "book", metadata, sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("author_id", sa.ForeignKey("author.id", ondelete="CASCADE", name="fk"), nullable=False),
        sa.Column("before_id", sa.ForeignKey("book.id", name="fk_before")),
    )  # fmt: skip
    sa.Index("ix", book.c.author_id)
    return metadata


def test_a_good_history_passes(backend: Backend, tmp_path: Path) -> None:
    """Rows go along, every table takes some, and the database itself is not touched."""
    said: list[str] = []
    found = trial(histories.make(tmp_path, backend.url, CHAIN, models()), said=said.append)
    assert found.problems == ()
    assert (found.revisions, found.irreversible, found.without_rows) == (("r1", "r2", "r3"), {}, ())
    assert found.rows == 4 * 8  # 4 each time that there are tables
    assert said == ["r1 r1", "r2 r2", "r3 r3", "back to base"]
    assert sa.inspect(backend.engine()).get_table_names() == []
    if backend.server is not None:
        with backend.engine().connect() as connection:
            names = connection.exec_driver_sql("SELECT datname FROM pg_database WHERE datname LIKE 'onetrip_trial%%'")
            assert names.all() == []


@pytest.mark.parametrize(
    ("name", "there", "back", "problem"),
    [
        ("left", "op.create_table('new', sa.Column('id', sa.Integer))", "pass",
         "Taken back, revision left (left) leaves a trace: table new is left."),
        ("lossy", "pass", "op.drop_index('ix', 'book')",
         "Taken back, revision lossy (lossy) leaves a trace: index book.ix is missing."),
        ("null", "with op.batch_alter_table('author') as batch:\n    batch.alter_column('rate', nullable=False)",
         "pass",
         "Revision null (null) failed and was rolled back: "),
        ("back", "pass", "op.drop_table('nothing')", "The way back of revision back (back) failed"),
        ("unlike", "op.drop_index('ix', 'book')", "op.create_index('ix', 'book', ['author_id'])",
         "At the head, the models differ: create index book.ix."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(
    backend: Backend, tmp_path: Path, name: str, there: str, back: str, problem: str
) -> None:
    """With the revision, and what it did."""
    found = trial(histories.make(tmp_path, backend.url, {**CHAIN, name: (there, back)}, models()))
    assert [each for each in found.problems if each.startswith(problem)], found.problems


@pytest.mark.parametrize("back", ["raise NotImplementedError('it dropped rows')", "pass"])
def test_what_has_no_way_back_is_skipped(backend: Backend, tmp_path: Path, back: str) -> None:
    """By a mark or by an exception; those after it are tried as far back as it."""
    drop = "with op.batch_alter_table('author') as batch:\n    batch.drop_column('rate')"
    project = histories.make(tmp_path, backend.url, {**CHAIN, "drop": (drop, back), "last": "pass"})
    if back == "pass":
        file = tmp_path / "migrations" / "versions" / "drop.py"
        file.write_text(file.read_text() + "\n\nirreversible = 'it dropped rows'\n")
    said: list[str] = []
    found = trial(project, said=said.append)
    assert found.irreversible == {"drop": "it dropped rows"}
    assert [each for each in found.problems if "models differ" not in each] == []
    assert said[-1] == "back to drop"


def test_a_database_of_ones_own(backend: Backend, tmp_path: Path) -> None:
    """It has to be empty."""
    project = histories.make(tmp_path, "sqlite://", CHAIN, models())
    assert trial(project, parse_url(backend.url)).problems == ()
    with pytest.raises(ConfigurationError, match="has tables: a trial needs an empty one"):
        trial(project, parse_url(backend.url))
