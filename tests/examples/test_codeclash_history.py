"""The migrations of CodeClash: one history for both databases, whose head is what the models are."""

import re
from dataclasses import replace

import pytest
import sqlalchemy as sa
from codeclash import main
from codeclash.models import User
from codeclash.seed import HASH

from onetrip.cli.migrating import project_in
from onetrip.db.url import parse_url
from onetrip.migrations.check import check
from onetrip.migrations.data import chain
from onetrip.migrations.data.run import run
from onetrip.migrations.lint.judge import lint
from onetrip.migrations.project import Project
from onetrip.migrations.run import Options, up
from onetrip.migrations.trial.trial import trial
from tests.docs.markdown import ROOT
from tests.support.databases import Backend

TITLES = ["create", "add bio", "add tags", "add search", "add soft delete"]


@pytest.fixture
def project(backend: Backend) -> Project:
    """CodeClash, with an empty database."""
    return replace(project_in(ROOT / "examples" / "codeclash", [main.api]), url=parse_url(backend.url))


@pytest.mark.no_cover
def test_every_revision_goes_there_and_back_with_rows(project: Project) -> None:
    """Snapshots are equal after base, head, base, head, step by step and as a whole, and the head is the models."""
    tried = trial(project)
    assert tried.problems == () and tried.irreversible == {} and tried.without_rows == ()
    assert [project.script().get_revision(each).doc for each in tried.revisions] == TITLES
    page = (ROOT / "examples" / "codeclash" / "README.md").read_text(encoding="utf-8")
    assert f"{len(TITLES)} revisions tried with {tried.rows} rows: nothing is wrong" in page
    assert re.findall(r"^(\w{12})(?: \(head\))?  ", page, re.MULTILINE) == [*reversed(tried.revisions)]


def test_lint_has_nothing_to_say(project: Project) -> None:
    """What it found is allowed, with its reason."""
    assert [*lint(project), *chain.findings(project)] == []


def test_rows_are_backfilled_at_the_head(project: Project, backend: Backend) -> None:
    """The data migration changes the rows that it is about; the database is as the models are."""
    up(project, options=Options(backup=False))
    found = check(project)
    assert found.clean, found
    with backend.engine().begin() as connection:
        for number, bio in enumerate(("", "  ", "Compilers", None)):
            row = {"email": f"{number}@example.com", "username": f"user{number}", "bio": bio, "hashed_password": HASH}
            connection.execute(sa.insert(User).values(row | {"created_at": sa.func.now()}))
    run(project)
    with backend.engine().connect() as connection:
        assert connection.scalars(sa.select(User.bio).order_by(User.id)).all() == [None, None, "Compilers", None]
