"""Data migrations that a revision of the schema needs: it waits for them, wherever it is applied from."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from onetrip.cli.drift import Options as CheckOptions
from onetrip.cli.drift import check_project
from onetrip.cli.planning import Options as PlanOptions
from onetrip.cli.planning import plan_project
from onetrip.errors import ConfigurationError
from onetrip.migrations.check import check
from onetrip.migrations.data.run import Options as DataOptions
from onetrip.migrations.data.run import run as run_data
from onetrip.migrations.data.run import status
from onetrip.migrations.plan import plan
from onetrip.migrations.project import Project
from onetrip.migrations.run import Options, down, up
from onetrip.migrations.trial.trial import trial
from tests.migrations import histories
from tests.migrations.test_data import data
from tests.migrations.test_run import execute, read
from tests.support.databases import Backend

POST = "op.create_table('post', sa.Column('id', sa.Integer, primary_key=True), sa.Column('title', sa.String(20)))"
SLUG = "op.add_column('post', sa.Column('slug', sa.String(20)))"
NO_SLUG = "with op.batch_alter_table('post') as batch:\n    batch.drop_column('slug')"
TIGHT = "with op.batch_alter_table('post') as batch:\n    batch.alter_column('slug', nullable={})"
CHAIN = {"r1": (POST, "op.drop_table('post')"), "r2": (SLUG, NO_SLUG), "r3": (TIGHT.format(False), TIGHT.format(True))}
FILL = "connection.execute(table.update().where(chosen).values(slug=sa.func.coalesce(table.c.title, '')))"
COLUMNS = "sa.table('post', sa.column('id'), sa.column('title'), sa.column('slug'))"
WITH_DATA = Options(data=DataOptions(pause=0))


def models() -> sa.MetaData:
    metadata = sa.MetaData()
    sa.Table(
        "post", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("title", sa.String(20)),
        sa.Column("slug", sa.String(20), nullable=False),
    )  # fmt: skip
    return metadata


def needing(folder: Path, backend: Backend, name: str = "d1") -> Project:
    """A project whose last revision needs a data migration."""
    project = histories.make(folder, backend.url, CHAIN, models())
    file = folder / "migrations" / "versions" / "r3.py"
    file.write_text(f"{file.read_text()}\n\nneeds_data = {name!r}\n")
    data(project, "d1", FILL, table=COLUMNS, depends_on="r2", more="where = table.c.slug.is_(None)")
    return project


def test_a_revision_waits_for_the_rows_that_it_needs(backend: Backend, tmp_path: Path) -> None:
    """The run stops before it, and says how to go on; Alembic's own command does likewise."""
    project = needing(tmp_path, backend)
    up(project, "r2")
    execute(backend, "INSERT INTO post (id, title) VALUES (1, 'one'), (2, 'two')")
    sentence = (
        "Revision r3 (r3) needs the data migration d1 (Do d1), which has rows left: run 'onetrip db data run', or "
        "'onetrip db up --with-data'."
    )
    with pytest.raises(ConfigurationError) as caught:
        up(project)
    assert str(caught.value) == sentence
    with pytest.raises(ConfigurationError, match="needs the data migration d1"):
        command.upgrade(project.config(), "head")
    assert plan(project).revisions[0].needs_data == ("d1",)
    assert check(project).unfinished_data == ("d1 (Do d1)",)
    run_data(project, DataOptions(pause=0))
    execute(backend, "INSERT INTO post (id, title) VALUES (3, 'late')")
    with pytest.raises(ConfigurationError, match="which has rows left"):
        up(project)
    assert run_data(project, DataOptions(pause=0)) == ("d1",)
    assert up(project) == ("r3",)
    assert read(backend, "SELECT slug FROM post ORDER BY id") == [("one",), ("two",), ("late",)]
    assert check(project).clean and check(project).unfinished_data == ()


def test_a_run_can_do_the_rows_itself(backend: Backend, tmp_path: Path) -> None:
    """There and back and there again: what was filled is filled anew in a column that is new."""
    project = needing(tmp_path, backend)
    up(project, "r2")
    execute(backend, "INSERT INTO post (id, title) VALUES (1, 'one')")
    assert up(project, "head", WITH_DATA) == ("r3",)
    down(project, "r1")
    assert not status(project)[0].finished
    assert up(project, "head", WITH_DATA) == ("r2", "r3")
    assert read(backend, "SELECT slug FROM post") == [("one",)]
    assert trial(project).problems == ()


def test_without_rows_nothing_is_waited_for(backend: Backend, tmp_path: Path) -> None:
    """A new database goes to the head, where the data migration counts as finished."""
    project = needing(tmp_path, backend)
    assert up(project) == ("r1", "r2", "r3")
    assert status(project)[0].finished
    assert check(project).unfinished_data == ()


def test_unfinished_rows_are_no_drift(backend: Backend, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They are told, and the database is as the models are."""
    project = needing(tmp_path, backend)
    up(project, "r2")
    assert plan_project(project, PlanOptions()) > 0
    assert "\n  It needs the data migration d1: 'onetrip db data run' before, or" in capsys.readouterr().out
    up(project)
    data(project, "d2", FILL, table=COLUMNS, depends_on="r3", after="d1")
    found = check(project)
    assert found.clean and found.unfinished_data == ("d2 (Do d2)",)
    assert check_project(project, CheckOptions()) == 0
    told = capsys.readouterr().out
    assert told.endswith(": at r3, as the models are\nNot finished, which is no drift: data migration d2 (Do d2)\n")


def test_what_cannot_be_is_refused(backend: Backend, tmp_path: Path) -> None:
    """A data migration that there is not, and one that can only come later: before anything is changed."""
    project = needing(tmp_path / "one", backend, "d9")
    with pytest.raises(ConfigurationError, match="r3 needs the data migration d9, which there is not"):
        up(project)
    project = needing(tmp_path / "two", backend)
    data(project, "d1", FILL, table=COLUMNS, depends_on="r3")
    with pytest.raises(ConfigurationError, match="d1, which itself can only run after revision r3"):
        up(project)
    assert sa.inspect(backend.engine()).get_table_names() == []


def test_a_lossy_revision_is_not_taken_back(backend: Backend, tmp_path: Path) -> None:
    """Whoever asks, Alembic's own command too; nothing is undone on the way to it."""
    project = histories.make(tmp_path, backend.url, CHAIN)
    file = tmp_path / "migrations" / "versions" / "r2.py"
    file.write_text(f"{file.read_text()}\n\nirreversible = 'slugs are gone'\n")
    up(project)
    with pytest.raises(ConfigurationError, match=r"Revision r2 \(r2\) cannot be undone: slugs are gone"):
        command.downgrade(project.config(), "base")
    assert read(backend, "SELECT version_num FROM alembic_version") == [("r3",)]
    down(project, "base", Options(lossy=True))
