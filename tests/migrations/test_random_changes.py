"""Any change of any tables: a revision is written, and leads there and back and there again.

At length: `ONETRIP_SCHEMAS=300 pytest tests/migrations/test_random_changes.py`.
"""

import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from onetrip.errors import ConfigurationError
from onetrip.migrations.check import check
from onetrip.migrations.connection import connected
from onetrip.migrations.data.run import Options as DataOptions
from onetrip.migrations.run import Options, down, up
from onetrip.migrations.snapshot.model import Snapshot
from onetrip.migrations.trial.seeds import Seeds
from onetrip.migrations.trial.traces import take, traces
from tests.migrations.drawing import changes
from tests.migrations.revisions import Revisions
from tests.migrations.schemas import Change, Schema
from tests.support.databases import Backend

EXAMPLES = int(os.environ.get("ONETRIP_SCHEMAS", "4"))
REFUSED = ("for rows that exist cannot be written as SQL: add the column as one that may be NULL",)
PHASES = (Phase.explicit, Phase.generate, Phase.shrink) if "ONETRIP_SCHEMAS" in os.environ else (Phase.generate,)


@pytest.mark.no_cover
@settings(
    max_examples=EXAMPLES, deadline=None, database=None, phases=PHASES, derandomize="ONETRIP_SCHEMAS" not in os.environ,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(data=st.data())
def test_a_change_leads_there_and_back_and_there_again(backend: Backend, data: st.DataObject) -> None:
    """No rows are lost; `check` is clean; base → head → base → head ends where it was; so does a step back."""
    change = data.draw(changes(backend.name))
    assume(change.before != change.after)
    with TemporaryDirectory() as folder:
        _empty(backend)
        _tried(Revisions(Path(folder), backend), change)


def _tried(revisions: Revisions, change: Change) -> None:
    before, after = change.before.metadata(), change.after.metadata()
    revisions.begin(before)
    first = _snapshot(revisions, before)
    if change.rows:
        _plant(revisions, before)
    rows = _rows(revisions, change.before)
    try:
        scripts = revisions.new(after, **change.options())
    except ConfigurationError as error:
        assert re.search("|".join(REFUSED), str(error)), error
        return
    _up(revisions, after)
    assert check(revisions.project(after)).clean, (check(revisions.project(after)), scripts)
    kept = _rows(revisions, change.after)
    assert {key: kept[key] for key in kept if key in rows} == {key: rows[key] for key in rows if key in kept}
    last = _snapshot(revisions, after)
    if any('\nirreversible = "' in script for script in scripts):
        _clear(revisions, after)
    for _ in scripts:
        _down(revisions, after)
    assert not (found := traces(first, _snapshot(revisions, after))), (found, scripts)
    _up(revisions, after)
    assert not (found := traces(last, _snapshot(revisions, after))), (found, scripts)
    _clear(revisions, after)
    _down(revisions, after, "base")
    nothing = _snapshot(revisions, after)
    assert not nothing.tables and not nothing.enums and not nothing.sequences, scripts
    _up(revisions, after)
    assert _snapshot(revisions, after) == last, scripts


def _empty(backend: Backend) -> None:
    """Make the database as new."""
    if backend.name == "sqlite":
        for file in Path(backend.url.removeprefix("sqlite:///")).parent.glob("test.db*"):
            file.unlink()
        return
    with backend.engine().begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    backend.engines.pop().dispose()


def _snapshot(revisions: Revisions, metadata: sa.MetaData) -> Snapshot:
    project = revisions.project(metadata)
    with connected(project.url) as connection:
        return take(project, connection)


def _plant(revisions: Revisions, metadata: sa.MetaData) -> None:
    with connected(revisions.project(metadata).url) as connection:
        Seeds().plant(connection)


def _up(revisions: Revisions, metadata: sa.MetaData) -> None:
    """Also change the rows that a revision needs changed."""
    up(revisions.project(metadata), "head", Options(data=DataOptions(pause=0)))


def _down(revisions: Revisions, metadata: sa.MetaData, to: str = "-1") -> None:
    """Also take back what lost rows: it is the schema that is asked about."""
    down(revisions.project(metadata), to, Options(backup=False, lossy=True))


def _rows(revisions: Revisions, schema: Schema) -> dict[int, object]:
    """Count the rows of each table, by its key."""
    return {each.key: revisions.sql(f'SELECT count(*) FROM "{each.name}"') for each in schema.tables}


def _clear(revisions: Revisions, metadata: sa.MetaData) -> None:
    """Delete every row."""
    with connected(revisions.project(metadata).url) as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
        connection.commit()
