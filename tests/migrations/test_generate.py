"""Revisions of every kind of change: what is written, and that it works both ways on tables with rows.

`ONETRIP_UPDATE_GOLDENS=1 pytest tests/migrations/test_generate.py` writes the scripts anew that are kept in `golden/`.
"""

import os
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
import typer
from alembic.operations import ops
from sqlalchemy.dialects import postgresql

from onetrip.errors import ConfigurationError
from onetrip.migrations.generate.safe import scripts, split
from onetrip.migrations.lint.judge import lint
from tests.migrations.changes import ADA, CHANGES, Change, person, team
from tests.migrations.revisions import Revisions, body, models
from tests.support.databases import Backend

GOLDEN = Path(__file__).parent / "golden"
BY_CHOICE = ("M11", "M15", "M20")
"""What the models say, for a reviewer to decide: a drop, the type of a key, a foreign key without an index."""
UPDATE = os.environ.get("ONETRIP_UPDATE_GOLDENS") == "1"


@pytest.fixture
def revisions(backend: Backend, tmp_path: Path) -> Revisions:
    return Revisions(tmp_path / "project", backend)


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_written_and_works(name: str, revisions: Revisions) -> None:
    """The scripts are those in `golden/`; rows keep their values; nothing differs afterwards; there is a way back."""
    change: Change = CHANGES[name]
    if change.only not in (None, revisions.backend.name):
        pytest.skip("the other database has no such thing")
    before, after = change.before(), change.after()
    revisions.begin(before)
    if change.rows:
        revisions.sql(*change.rows)
    scripts = revisions.new(after, **change.options)
    _compare("\n".join(body(script) for script in scripts), GOLDEN / revisions.backend.name / f"{name}.txt")
    assert _wrong(revisions, after) == []
    revisions.up(after)
    if change.read:
        assert tuple(revisions.sql(change.read)) == change.found
    assert revisions.new(after) == []
    for _ in scripts:
        revisions.down(after)
    assert revisions.sql(f"SELECT count(*) FROM {next(iter(before.tables))}") == [(1 if change.rows else 0,)]
    revisions.up(after)
    assert revisions.new(after) == []


def _wrong(revisions: Revisions, metadata: sa.MetaData) -> list[tuple[str, str]]:
    """What is wrong with the revisions that the database does not have: nothing that `new` decides itself."""
    found = [each for each in lint(revisions.project(metadata)) if each.level != "info"]
    return [(each.rule, each.message) for each in found if each.rule not in BY_CHOICE]


def _compare(text: str, golden: Path) -> None:
    if UPDATE:
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


REFUSALS = {
    "a column that looks renamed": (
        person, lambda: person(key="label"), {},
        "It looks like a rename: the column 'name' of 'person' is gone and 'label' is new. Say --rename "
        "person.name:label if it is one, which keeps the rows, and --allow-drop if it is not.",
    ),
    "a table that looks renamed": (
        person, lambda: person(name="people"), {}, "the table 'person' is gone and 'people' is new. Say --rename-table",
    ),
    "a column that is gone": (
        lambda: person(sa.Column("level", sa.Integer)), person, {},
        "The models do not have the column 'person.level'. Say --allow-drop to drop what is in there for good,",
    ),
    "a table that is gone": (
        lambda: team(), lambda: person(sa.Column("team_id", sa.Integer)), {},
        "The models do not have the table 'team'.",
    ),
    "no value for rows that exist": (
        person, lambda: person(sa.Column("level", sa.Integer, nullable=False)), {},
        "'person.level' must not be NULL, and rows that exist have no value for it: say --fill "
        "person.level=VALUE, or give the model a default.",
    ),
    "a default that only Python knows": (
        person, lambda: person(sa.Column("level", sa.Integer, default=lambda: 1, nullable=False)), {},
        "rows that exist have no value for it",
    ),
    "a value of another type": (
        person, lambda: person(sa.Column("level", sa.Integer, nullable=False)), {"fill": ("person.level=many",)},
        "--fill person.level: 'many' is no int: ",
    ),
    "a value for another column": (
        person, lambda: person(sa.Column("level", sa.Integer)), {"fill": ("person.name=x",)},
        "--fill: the column 'name' of 'person' is neither new nor NOT NULL from now on.",
    ),
    "a rename to nothing": (
        person, lambda: person(key="label"), {"rename": ("person.name:labell",)},
        "--rename: there is no new column 'person.labell' in the models. Did you mean 'label'?",
    ),
    "a rename of nothing": (
        person, lambda: person(sa.Column("level", sa.Integer)), {"rename": ("person.rank:level",)},
        "--rename person.rank:level: no column 'rank' of 'person' is missing in the models.",
    ),
    "a table renamed that is there": (
        person, lambda: person(sa.Column("level", sa.Integer)), {"rename_table": ("person:people",)},
        "--rename-table person:people: the database has no table 'person' that the models do not have.",
    ),
    "a rename without a sign": (
        person, person, {"rename": ("person.name",)},
        "'person.name' cannot be read: rename is written table.old:new.",
    ),
    "a value of no column": (
        person, person, {"fill": ("name=x",)}, "'name' names no column of a table: fill is written table.column=value.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_what_would_lose_rows_or_fail_is_refused(name: str, revisions: Revisions) -> None:
    """In one sentence that says what to say instead; nothing is written, and the database is as it was."""
    before, after, options, message = REFUSALS[name]
    revisions.begin(before())
    known = revisions.files
    with pytest.raises(ConfigurationError) as caught:
        revisions.new(after(), **options)
    assert message in str(caught.value)
    assert revisions.files == known
    assert revisions.new(before()) == []


def test_a_rename_is_asked_about(revisions: Revisions, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a terminal: once for each; yes keeps the rows, and no is a drop that has to be said."""
    revisions.begin(person())
    questions: list[str] = []

    def answer(yes: bool) -> None:
        monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
        monkeypatch.setattr(typer, "confirm", lambda question, **_: bool(questions.append(question)) or yes)

    answer(False)
    with pytest.raises(ConfigurationError, match=r"The models do not have the column 'person\.name'"):
        revisions.new(person(key="label"))
    assert "rename" not in revisions.new(person(key="label"), allow_drop=True)[0].split("downgrade")[0]
    revisions.files[-1].unlink()
    answer(True)
    questions.clear()
    [script] = revisions.new(person(name="people", key="name"))
    assert "op.rename_table" in script
    assert questions == ["Is the table 'people' the former 'person'?"]


def test_yes_takes_what_looks_like_a_rename_for_one(revisions: Revisions) -> None:
    """Without asking."""
    revisions.begin(person())
    [script] = revisions.new(person(key="label"), yes=True)
    assert 'op.alter_column("person", "name", new_column_name="label")' in script


def test_what_looks_like_a_rename_can_be_a_drop(revisions: Revisions) -> None:
    """When somebody says so where nobody can be asked."""
    revisions.begin(person())
    [script] = revisions.new(person(key="label"), allow_drop=True)
    assert 'drop_column("' in script.partition("def downgrade")[0] and "new_column_name" not in script
    assert "irreversible = \"it dropped the column 'person.name'\"" in script


def test_what_is_not_alike_is_no_rename(revisions: Revisions) -> None:
    """Columns of another type, and tables with other columns, are dropped and created."""
    revisions.begin(person(sa.Column("level", sa.Integer)))
    with pytest.raises(ConfigurationError, match=r"The models do not have the column 'person\.level'"):
        revisions.new(person(sa.Column("levels", sa.Text)))
    other = models()
    sa.Table("persons", other, sa.Column("key", sa.String(5), primary_key=True))
    with pytest.raises(ConfigurationError, match="The models do not have the table 'person'"):
        revisions.new(other)


@pytest.mark.parametrize(
    ("operation", "written"),
    [
        (
            ops.CreateCheckConstraintOp("ck_person_name", "person", "name <> ''"),
            [["Statement", "CreateCheckConstraintOp"], ["Autocommit"]],
        ),
        (
            ops.CreateUniqueConstraintOp("uq_person_name", "person", ["name"]),
            [["Autocommit", "Statement", "Statement"]],
        ),
        (ops.CreateUniqueConstraintOp(None, "person", ["name"]), [["Statement", "CreateUniqueConstraintOp"]]),
    ],
)
def test_what_reads_the_table_is_done_later(operation: ops.MigrateOperation, written: list[list[str]]) -> None:
    """Unless it has no name, by which it could be meant in a second step."""
    pairs = scripts(split([operation], postgresql.dialect()))
    assert [[type(each).__name__ for each in there] for there, _ in pairs] == written


def test_an_index_that_was_not_finished_is_built_anew(revisions: Revisions) -> None:
    """A revision that was stopped in the middle can be run again."""
    if revisions.backend.name == "sqlite":
        pytest.skip("all in one transaction")
    after = person(sa.Index("ix_person_name", "name", unique=True))
    revisions.begin(person())
    revisions.sql(ADA, "INSERT INTO person (id, name) VALUES (2, 'Ada')")
    revisions.new(after)
    with pytest.raises(Exception, match="ix_person_name"):
        revisions.up(after)
    revisions.sql("DELETE FROM person WHERE id = 2")
    revisions.up(after)
    assert revisions.sql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix_person_name'::regclass") == [(True,)]


def test_a_table_that_was_renamed_is_still_dropped(revisions: Revisions) -> None:
    """The history says that it is ours, by any name."""
    people = person(name="people")
    sa.Table("team", people, sa.Column("id", sa.Integer, primary_key=True))
    revisions.begin(team())
    revisions.new(people, rename_table=("person:people",), allow_drop=True)
    revisions.up(people)
    without = models()
    sa.Table("team", without, sa.Column("id", sa.Integer, primary_key=True))
    [script] = revisions.new(without, allow_drop=True)
    assert 'op.drop_table("people")' in script


def test_a_collation_goes_and_comes_back(revisions: Revisions) -> None:
    """Also where a copy of the table keeps what nobody speaks of."""
    if revisions.backend.name != "sqlite":
        pytest.skip("PostgreSQL copies no table")
    plain, sorted_ = person(sa.Column("tag", sa.String(9))), person(sa.Column("tag", sa.String(9, collation="NOCASE")))
    alike = "SELECT count(*) FROM person WHERE tag = 'A'"
    revisions.begin(sorted_)
    revisions.sql("INSERT INTO person (id, tag) VALUES (1, 'a')")
    for after, found in ((plain, 0), (sorted_, 1)):
        assert revisions.new(after)
        revisions.up(after)
        assert revisions.sql(alike) == [(found,)]
        assert revisions.new(after) == []
        revisions.down(after)
        assert revisions.sql(alike) == [(1 - found,)]
        revisions.up(after)


def test_what_has_no_name_is_added_plainly(revisions: Revisions) -> None:
    """By models without a convention."""
    before, after = sa.MetaData(), sa.MetaData()
    for metadata in (before, after):
        sa.Table("thing", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("size", sa.Integer))
    after.tables["thing"].append_constraint(sa.UniqueConstraint("size"))
    revisions.begin(before)
    assert revisions.new(after)
    revisions.up(after)
    assert revisions.new(after) == []
    revisions.down(after)
    assert revisions.sql("INSERT INTO thing (id, size) VALUES (1, 1), (2, 1)") == []
