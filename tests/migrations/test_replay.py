"""`check --history`: models, history and database, each held against the others."""

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from onetrip.cli.drift import Options, check_project
from onetrip.cli.linting import Options as LintOptions
from onetrip.cli.linting import lint_project
from onetrip.db.url import parse_url
from onetrip.errors import ConfigurationError
from onetrip.migrations.run import up
from onetrip.migrations.trial.replay import replay
from tests.migrations import histories
from tests.migrations.test_check import CHAIN, models
from tests.migrations.test_run import execute
from tests.support.databases import Backend


def test_what_the_history_lacks_is_told(backend: Backend, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the models have and no revision makes, and what somebody did in the database: one is not the other."""
    project = histories.make(tmp_path, backend.url, CHAIN, models())
    up(project, "r1")
    execute(backend, "CREATE TABLE others (id INTEGER)")
    found = replay(project)
    assert (found.models, found.database, found.reached) == ((), (), True)
    up(project)
    assert check_project(project, Options(history=True)) == 0
    assert capsys.readouterr().out.endswith(": at r2, as the models are\n")
    execute(backend, "DROP INDEX ix_thing_name", "ALTER TABLE thing ADD COLUMN mine INTEGER")
    project = histories.make(tmp_path, backend.url, CHAIN, models(sa.Column("size", sa.Integer)))
    assert check_project(project, Options(history=True)) == 1
    told = capsys.readouterr().out.splitlines()[1:]
    assert [line for line in told if not line.startswith("- the models differ: ")] == [
        "- the models have no revision for it: add column thing.size",
        "- the database is not as its revisions made it: column thing.mine is left",
        "- the database is not as its revisions made it: index thing.ix_thing_name is missing",
    ]


def test_models_are_checked_without_a_database(
    backend: Backend, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Against the history, replayed in an empty database that is named; no file is made."""
    absent = f"sqlite:///{tmp_path}/none.db"
    project = histories.make(tmp_path, absent, CHAIN, models(sa.Column("size", sa.Integer)))
    assert check_project(project, Options(scratch=backend.url, json=True)) == 1
    told = json.loads(capsys.readouterr().out)
    assert told == {
        "clean": False, "history": {"models": ["add column thing.size"], "database": [], "reached": False}
    }  # fmt: skip
    assert not (tmp_path / "none.db").exists()
    with pytest.raises(ConfigurationError, match="an empty one"):
        replay(project, parse_url(backend.url))
    project = histories.make(tmp_path, absent, CHAIN, models())
    assert check_project(project, Options(history=True)) == 0
    assert capsys.readouterr().out == f"{absent} was not reached; the models alone are as the revisions are\n"
    assert lint_project(project, LintOptions()) == 0
    assert f"{absent} was not reached: which revisions it has" in capsys.readouterr().err
