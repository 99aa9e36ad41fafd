"""`onetrip db lint`: which revisions are judged, what the database adds, and how it is told."""

import json
import subprocess
from pathlib import Path

import pytest
import sqlalchemy as sa

from onetrip.cli import revising
from onetrip.cli.linting import Options, lint_project
from onetrip.db.url import parse_url
from onetrip.errors import ConfigurationError
from onetrip.migrations.connection import connected
from onetrip.migrations.facts import Facts, read
from onetrip.migrations.lint.judge import Known, Revisions, judge, lint
from onetrip.migrations.lint.report import as_github, as_sarif
from onetrip.migrations.naming import CONVENTION
from onetrip.migrations.plan import plan
from onetrip.migrations.project import Project
from onetrip.migrations.run import up
from onetrip.migrations.template import initialize
from tests.migrations import histories
from tests.support.databases import Backend

TABLE = "op.create_table('post', sa.Column('id', sa.BigInteger(), primary_key=True), sa.Column('body', sa.Text()))"
DROP = "op.drop_column('post', 'body')"
WIDER = "op.add_column('post', sa.Column('slug', sa.Text(), nullable=False))"


def project(folder: Path, backend: Backend, **revisions: str) -> Project:
    return histories.make(folder, backend.url, {name: (code, "op.f('')") for name, code in revisions.items()})


def found(project: Project, since: str | None = None) -> list[tuple[str, str]]:
    return [(each.revision, each.rule) for each in lint(project, since) if each.rule != "M23"]


def git(folder: Path, *arguments: str) -> None:
    name = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *name, *arguments], cwd=folder, check=True, capture_output=True)


def test_revisions_that_the_database_has_are_not_judged(backend: Backend, tmp_path: Path) -> None:
    """Those that it has not are; a revision that was edited after it ran is, wherever it stands."""
    made = project(tmp_path, backend, a1=TABLE, a2=DROP, a3="op.drop_table('post')")
    assert found(made) == [("a2", "M11"), ("a3", "M11")]
    up(made, "a2")
    assert found(made) == [("a3", "M11")]
    file = tmp_path / "migrations" / "versions" / "a1.py"
    file.write_text(file.read_text().replace("sa.Text()", "sa.Integer()"))
    assert found(made) == [("a3", "M11"), ("a1", "M24")]


def test_without_a_database_all_are_judged(tmp_path: Path, backend: Backend) -> None:
    """And a file of SQLite is not made by that."""
    made = histories.make(tmp_path, f"sqlite:///{tmp_path}/not/there.db", {"a1": TABLE, "a2": DROP})
    assert found(made) == [("a2", "M11")]
    assert not (tmp_path / "not").exists()
    made = histories.make(tmp_path, "postgresql://localhost:1/nowhere", {"a1": TABLE, "a2": DROP})
    assert found(made) == [("a2", "M11")]


def test_since_a_commit(backend: Backend, tmp_path: Path) -> None:
    """Changed and new files are judged, whether the database has them or not."""
    made = project(tmp_path, backend, a1=TABLE, a2=DROP)
    with pytest.raises(ConfigurationError, match="git"):
        lint(made, "HEAD")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "one")
    assert found(made, "HEAD") == []
    versions = tmp_path / "migrations" / "versions"
    histories.write(versions, "a3", "a2", "op.drop_table('post')")
    assert found(made, "HEAD") == [("a3", "M11")]
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "two")
    histories.write(versions, "a2", "a1", WIDER)
    assert found(made, "HEAD") == [("a2", "M12")]
    assert found(made, "HEAD~1") == [("a2", "M12"), ("a3", "M11")]
    with pytest.raises(ConfigurationError, match="git knows no commit 'nothing'"):
        lint(made, "nothing")


def test_two_heads_are_found(backend: Backend, tmp_path: Path) -> None:
    made = project(tmp_path, backend, a1=TABLE, a2="op.f('')")
    histories.write(tmp_path / "migrations" / "versions", "b2", "a1", "pass")
    assert sorted(each for each in found(made) if each[1] == "M24") == [("a2", "M24"), ("b2", "M24")]


def test_a_small_table_is_no_error(backend: Backend, tmp_path: Path) -> None:
    """Ten thousand rows are counted, or estimated where there are statistics."""
    if backend.name != "postgresql":
        pytest.skip("sizes matter on PostgreSQL")
    made = project(tmp_path, backend, a1=TABLE, a2="op.create_index('ix_post_body', 'post', ['body'])")
    up(made, "a1")
    assert [(each.rule, each.level) for each in lint(made) if each.rule != "M23"] == [("M01", "info")]
    with backend.engine().begin() as connection:
        connection.exec_driver_sql("INSERT INTO post SELECT n FROM generate_series(1, 10000) n")
    assert [(each.rule, each.level) for each in lint(made) if each.rule != "M23"] == [("M01", "error")]


def test_facts_are_read(backend: Backend) -> None:
    """Rows, keys and indexes of both; of PostgreSQL what functions, checks and sessions are, too."""
    with backend.engine().begin() as connection:
        for statement in (
            "CREATE TABLE post (id integer PRIMARY KEY, a integer, b integer, CONSTRAINT ck CHECK (a IS NOT NULL))",
            "CREATE INDEX ix ON post (b, a)",
            "INSERT INTO post VALUES (1, 1, 1), (2, 2, 2)",
        ):
            connection.exec_driver_sql(statement)
        if backend.name == "postgresql":
            connection.exec_driver_sql("ALTER TABLE post ADD CONSTRAINT late CHECK (b IS NOT NULL) NOT VALID")
    with connected(Project(folder=Path(), metadata=(), url=sa.make_url(backend.url)).url) as connection:
        known: Facts = read(connection)
    table = (None, "post")
    assert (known.rows[table], known.keys[table], known.indexed[table]) == (2, "id", {("id",), ("b", "a")})
    if backend.name == "postgresql":
        assert known.not_null == {(table, "a")}  # and not what is NOT VALID
        assert (known.functions["now"], known.functions["gen_random_uuid"]) == (False, True)
        assert known.version is not None and known.version >= 150000
        assert known.utc is not None


def test_the_command_tells(
    backend: Backend, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Place, rule, why and the safe script; the exit code says whether something is an error."""
    monkeypatch.chdir(tmp_path)
    made = project(tmp_path, backend, a1=TABLE, a2=DROP)
    assert lint_project(made, Options()) == 1
    told = capsys.readouterr().out
    assert "migrations/versions/a2.py:13  M11 error  The column post.body is dropped" in told
    assert "\n    op.drop_column('post', 'body')\n" in told.replace("        op.", "    op.")
    assert "1 error, 2 warnings. Allow one with its reason" in told
    clean = project(tmp_path, backend, a1=TABLE, a2="op.add_column('post', sa.Column('a', sa.Text()))")
    assert lint_project(clean, Options(since=None)) == 0


def test_json_has_every_finding(backend: Backend, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = project(tmp_path, backend, a1=TABLE, a2=DROP)
    assert lint_project(made, Options(format="json")) == 1
    each = next(one for one in json.loads(capsys.readouterr().out) if one["rule"] == "M11")
    assert set(each) == {"rule", "level", "title", "message", "why", "safe", "revision", "path", "line"}
    assert (each["revision"], each["level"]) == ("a2", "error")


def test_sarif_is_as_it_is_required(backend: Backend, tmp_path: Path) -> None:
    """What https://docs.oasis-open.org/sarif/sarif/v2.1.0 requires, and what GitHub reads."""
    made = lint(project(tmp_path, backend, a1=TABLE, a2=DROP))
    log = json.loads(as_sarif(made))
    assert log["version"] == "2.1.0" and log["$schema"].endswith("sarif-2.1.0.json")
    [run] = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert run["tool"]["driver"]["name"] and len(rules) >= 26
    assert len({rule["id"] for rule in rules}) == len(rules)
    assert len(run["results"]) == len(made) > 0
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("none", "note", "warning", "error")
        assert result["message"]["text"]
        [location] = result["locations"]
        place = location["physicalLocation"]
        assert place["artifactLocation"]["uri"] and place["region"]["startLine"] >= 1
    assert json.loads(as_sarif([]))["runs"][0]["results"] == []


def test_annotations_are_one_line_each(backend: Backend, tmp_path: Path) -> None:
    """What has a meaning there is written otherwise."""
    made = lint(project(tmp_path, backend, a1=TABLE, a2=DROP))
    lines = as_github(made).splitlines()
    assert len(lines) == len(made)
    [line] = [each for each in lines if "title=M11" in each]
    assert (
        line.startswith("::error file=") and ",line=13,title=M11 Dropped column or table::The column post.body" in line
    )


def test_what_is_generated_is_not_found(backend: Backend, tmp_path: Path) -> None:
    """The revisions of `onetrip db new` are in the forms that lint asks for, whatever the size of a table."""

    def tables(*columns: sa.schema.SchemaItem) -> sa.MetaData:
        metadata = sa.MetaData(naming_convention=CONVENTION)
        sa.Table("author", metadata, sa.Column("id", sa.BigInteger(), primary_key=True))
        sa.Table("post", metadata, sa.Column("id", sa.BigInteger(), primary_key=True), *columns)
        return metadata

    initialize(tmp_path)
    old = tables(
        sa.Column("title", sa.Text()), sa.Column("author_id", sa.BigInteger()), sa.Column("views", sa.Integer())
    )
    made = Project(folder=tmp_path, metadata=(old,), url=parse_url(backend.url))
    revising.new(made, revising.New(message="one"))
    assert lint(made) == []
    up(made)
    new = tables(
        sa.Column("title", sa.Text(), nullable=False, index=True), sa.Column("views", sa.Integer(), unique=True),
        sa.Column("author_id", sa.BigInteger(), sa.ForeignKey("author.id"), index=True), sa.Column("more", sa.Text()),
        sa.CheckConstraint("views >= 0", name="positive"),
    )  # fmt: skip
    made = Project(folder=tmp_path, metadata=(new,), url=parse_url(backend.url))
    revising.new(made, revising.New(message="two"))
    revisions = Revisions(made)
    found = judge(revisions, list(revisions.all.values()), Known())
    assert [each for each in found if each.level != "info"] == []
    if backend.name == "postgresql":
        work = {each.sql: each.work for one in plan(made).revisions for each in one.statements}
        assert work["ALTER TABLE post ALTER COLUMN title SET NOT NULL"] == "instant"
