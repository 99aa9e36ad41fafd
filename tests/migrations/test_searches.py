"""The indexes for searching come by revisions: written, applied, judged, and taken back, on both databases."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from onetrip.cli.revising import New, new
from onetrip.db.url import parse_url
from onetrip.migrations.check import check
from onetrip.migrations.compare.searches import _FULL_TEXT, DropSearchIndexOp
from onetrip.migrations.lint.judge import lint
from onetrip.migrations.project import Project
from onetrip.migrations.run import Options, down, up
from onetrip.migrations.template import initialize
from onetrip.schema.model import Search
from tests.migrations.revisions import models
from tests.support.databases import Backend

QUIET = Options(backup=False)
WEIGHTED = 'op.create_search_index("post", {"title": "A", "it\'s": "D"}, language="english", key=["key"])'


def project(folder: Path, backend: Backend, *searched: tuple[str, str | None], language: str, length: int) -> Project:
    metadata = models()
    post = sa.Table(
        "post", metadata, sa.Column("key", sa.String(9), primary_key=True), sa.Column("title", sa.String(length)),
        sa.Column("it's", sa.Text),
    )  # fmt: skip
    columns = tuple((post.c[name], weight) for name, weight in searched)
    return Project(
        folder=folder, metadata=(metadata,), url=parse_url(backend.url),
        searches=(Search(table=post, columns=columns, language=language),) if columns else (),
    )  # fmt: skip


def found(backend: Backend, word: str) -> list[str]:
    """Search beside the application."""
    searches = {
        "sqlite": "SELECT key FROM post WHERE rowid IN "
        f"(SELECT rowid FROM onetrip_search_post WHERE onetrip_search_post MATCH '{word}')",
        "postgresql": f"SELECT key FROM post WHERE onetrip_search @@ to_tsquery('simple', '{word}')",
    }
    with backend.engine().connect() as connection:
        return sorted(connection.exec_driver_sql(searches[backend.name]).scalars())


def test_an_index_comes_changes_and_goes_by_revisions(backend: Backend, tmp_path: Path) -> None:
    """A revision says what is searched; rows that are there are found, whatever else changes in the table."""
    initialize(tmp_path)
    plain = project(tmp_path, backend, language="simple", length=20)
    weighted = project(tmp_path, backend, ("title", "A"), ("it's", "D"), language="english", length=20)
    other = project(tmp_path, backend, ("it's", None), ("title", None), language="simple", length=20)
    longer = project(tmp_path, backend, ("it's", None), ("title", None), language="simple", length=30)
    written: list[str] = []
    for number, each in enumerate((plain, weighted, other, longer)):
        new(each, New(message=f"number {number}"))
        files = {file.read_text(encoding="utf-8") for file in (tmp_path / "alembic" / "versions").glob("*.py")}
        written += files.difference(written)
        up(each, options=QUIET)
        assert check(each).clean, check(each)
        if number == 0:
            with backend.engine().begin() as connection:
                for key, title in (("a", "zoo"), ("b", "looms"), ("c", "engines")):
                    connection.execute(sa.insert(each.metadata[0].tables["post"]).values(key=key, title=title))
                connection.exec_driver_sql("DELETE FROM post WHERE key = 'a'")  # so that rows could get other numbers
    assert len(written) == 4
    assert WEIGHTED in written[1] and 'op.drop_search_index("post")' in written[1]
    assert 'op.drop_search_index("post")\n    op.create_search_index("post", ["it\'s", "title"]' in written[2]
    assert written[3].index("drop_search_index") < written[3].index("alter_column") < written[3].index("create_search")
    assert (found(backend, "looms"), found(backend, "loom")) == (["b"], [])

    down(longer, "-2", QUIET)
    assert check(weighted).differences == ()  # the way back makes the index as it was
    assert found(backend, "loom") == ["b"]


def test_an_index_writes_a_large_table_anew_and_a_new_table_not(backend: Backend, tmp_path: Path) -> None:
    """Lint says so on PostgreSQL, of a table that is there; on SQLite there is nothing to say."""
    initialize(tmp_path)
    searched = project(tmp_path, backend, ("title", None), language="simple", length=20)
    new(searched, New(message="together"))
    assert lint(searched) == []
    plain = project(tmp_path, backend, language="simple", length=20)
    (tmp_path / "alembic" / "versions").rename(tmp_path / "old")
    (tmp_path / "alembic" / "versions").mkdir()
    new(plain, New(message="alone"))
    up(plain, options=QUIET)
    new(searched, New(message="later"))
    words = [(each.rule, each.level, each.message) for each in lint(searched)]
    anew = ("M14", "info", "post is searched from now on: the table is written anew")
    assert words == ([anew] if backend.name == "postgresql" else [])


@pytest.mark.parametrize("state", ["", "somebody's own"])
def test_what_is_not_understood_is_dropped_without_a_way_back(backend: Backend, state: str) -> None:
    """An index that says nothing of itself is made anew all the same."""
    assert _FULL_TEXT[backend.name].described(state) is None
    assert DropSearchIndexOp("post").reverse().ops == []
