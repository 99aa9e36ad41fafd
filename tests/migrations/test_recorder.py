"""A revision is read without a database: every operation in its order, typed, with its place."""

from pathlib import Path

import pytest
from alembic.ddl.postgresql import CreateExcludeConstraintOp
from alembic.operations import ops

from onetrip.migrations.lint.statements import parse
from tests.migrations.linted import revision

EVERY = """
op.create_table("t", sa.Column("id", sa.BigInteger(), primary_key=True))
op.rename_table("t", "u")
op.create_table_comment("u", "words")
op.drop_table_comment("u")
op.add_column("u", sa.Column("a", sa.Text()))
op.alter_column("u", "a", nullable=False)
op.create_index("ix", "u", ["a"])
op.drop_index("ix", "u")
op.create_primary_key("pk", "u", ["id"])
op.create_unique_constraint("uq", "u", ["a"])
op.create_foreign_key("fk", "u", "v", ["a"], ["id"])
op.create_check_constraint("ck", "u", "a > 1")
op.create_exclude_constraint("ex", "u", ("a", "="))
op.drop_constraint("ck", "u", type_="check")
op.bulk_insert(sa.table("u", sa.column("a")), [{"a": 1}])
op.execute("SELECT 1")
op.drop_column("u", "a")
op.drop_table("u")
"""
KINDS = [
    ops.CreateTableOp, ops.RenameTableOp, ops.CreateTableCommentOp, ops.DropTableCommentOp, ops.AddColumnOp,
    ops.AlterColumnOp, ops.CreateIndexOp, ops.DropIndexOp, ops.CreatePrimaryKeyOp, ops.CreateUniqueConstraintOp,
    ops.CreateForeignKeyOp, ops.CreateCheckConstraintOp, CreateExcludeConstraintOp, ops.DropConstraintOp,
    ops.BulkInsertOp, ops.ExecuteSQLOp, ops.DropColumnOp, ops.DropTableOp,
]  # fmt: skip


@pytest.mark.parametrize("dialect", ["postgresql", "sqlite"])
def test_every_operation_is_seen(dialect: str, tmp_path: Path) -> None:
    """In its order, one line each, forth and back; what a dialect cannot do is seen all the same."""
    made = revision(tmp_path, EVERY, EVERY, dialect)
    for recording in (made.up, made.down):
        assert recording.error is None
        assert [type(step.op) for step in recording.steps] == KINDS
        lines = [step.line for step in recording.steps]
        assert lines[0] is not None
        assert lines == list(range(lines[0], lines[0] + len(KINDS)))


def test_the_sql_is_what_alembic_would_send(tmp_path: Path) -> None:
    code = (
        'op.add_column("t", sa.Column("a", sa.Text(), index=True))\n'
        'op.execute(sa.text("UPDATE t SET a = :a").bindparams(a="x"))'
    )
    assert [step.sql for step in revision(tmp_path, code).up.steps] == [
        ("ALTER TABLE t ADD COLUMN a TEXT", "CREATE INDEX ix_t_a ON t (a)"), ("UPDATE t SET a = 'x'",)
    ]  # fmt: skip


def test_transactions_and_batches_are_counted(tmp_path: Path) -> None:
    """An autocommit block ends one transaction, and another begins behind it."""
    made = revision(tmp_path, """
        op.add_column("t", sa.Column("a", sa.Text()))
        with op.batch_alter_table("t") as batch:
            batch.add_column(sa.Column("b", sa.Text()))
            batch.drop_column("c")
        with op.get_context().autocommit_block():
            op.create_index("ix", "t", ["a"], postgresql_concurrently=True)
        with op.batch_alter_table("u", schema="s") as batch:
            batch.alter_column("d", nullable=False)
            batch.create_foreign_key("fk", "t", ["d"], ["id"])
            batch.execute("SELECT 1")
    """)  # fmt: skip
    assert [(step.transaction, step.batch) for step in made.up.steps] == [
        (1, None), (1, 1), (1, 1), (None, None), (2, 2), (2, 2), (2, 2)
    ]  # fmt: skip
    altered = made.up.steps[4].op
    assert isinstance(altered, ops.AlterColumnOp)
    assert (altered.table_name, altered.schema, altered.column_name) == ("u", "s", "d")
    assert made.up.steps[4].sql == ("ALTER TABLE s.u ALTER COLUMN d SET NOT NULL",)


def test_a_batch_on_sqlite_needs_no_database(tmp_path: Path) -> None:
    """Alembic would reflect the table."""
    code = 'with op.batch_alter_table("t") as batch:\n    batch.alter_column("a", nullable=False)'
    [step] = revision(tmp_path, code, dialect="sqlite").up.steps
    assert (step.batch, step.sql) == (1, ())


def test_a_script_may_ask_for_its_connection(tmp_path: Path) -> None:
    """It finds no rows, and what it changes is seen."""
    made = revision(tmp_path, """
        bind = op.get_bind()
        for row in bind.execute(sa.text("SELECT id FROM t")):
            raise AssertionError
        assert bind.scalar(sa.text("SELECT 1")) is None
        assert bind.execute(sa.text("SELECT 1")).fetchall() == []
        bind.execute(sa.text("DELETE FROM t"))
        from alembic import context
        assert context.is_offline_mode()
        assert op.get_context().dialect.name == "postgresql"
    """)  # fmt: skip
    assert made.up.error is None
    assert [each.verb for step in made.up.steps for each in step.raw] == ["read", "read", "read", "delete"]


def test_a_script_that_breaks_off_says_where(tmp_path: Path) -> None:
    made = revision(tmp_path, 'op.drop_table("t")\nraise RuntimeError("no more.\\nreally")\nop.drop_table("u")')
    assert len(made.up.steps) == 1
    assert made.up.error == "RuntimeError: no more"
    assert made.up.line is not None and "raise" in made.source.splitlines()[made.up.line - 1]


def test_nothing_stays_behind(tmp_path: Path) -> None:
    """Outside of a recording, `op` is as it was."""
    from alembic import op

    assert revision(tmp_path, "op.get_context()\nraise ValueError").up.error == "ValueError"
    with pytest.raises((AttributeError, NameError)):
        op.get_context()


@pytest.mark.parametrize(
    "sql, expected",
    [
        ("CREATE INDEX i ON t (a)", ("create index", "t", "i", False, False)),
        ('create unique index concurrently if not exists "I" on only s.t using gin (a)',
         ("create index", "s.t", "I", True, True)),
        ("CREATE INDEX ON t (a)", ("create index", "t", None, False, False)),
        ("DROP INDEX CONCURRENTLY IF EXISTS s.i", ("drop index", None, "s.i", True, True)),
        ("ALTER TYPE mood ADD VALUE 'it''s' AFTER 'sad'", ("add value", "mood", "'it''s'", False, False)),
        ("ALTER TABLE t VALIDATE CONSTRAINT ck", ("validate", "t", "ck", False, False)),
        ("ALTER TABLE t ADD CONSTRAINT ck CHECK (a > 1) NOT VALID", ("not valid", "t", "ck", False, False)),
        ("ALTER TABLE t ADD CONSTRAINT ck CHECK (a > 1)", ("opaque", None, None, False, False)),
        ("ALTER TABLE t ADD CONSTRAINT k UNIQUE USING INDEX i", ("using index", "t", "k", False, False)),
        ("UPDATE ONLY t SET a = 1", ("update", "t", None, False, False)),
        ("UPDATE t SET a = 'WHERE id BETWEEN 1 AND 2'", ("update", "t", None, False, False)),
        ("UPDATE t SET a = 1 -- WHERE id = 1", ("update", "t", None, False, False)),
        ("UPDATE t SET a = 1 WHERE a IS NULL", ("update", "t", None, False, False)),
        ("UPDATE t SET a = 1 WHERE b = 'c'", ("update", "t", None, False, False)),
        ("UPDATE t SET a = 1 WHERE id = 1", ("update", "t", None, True, False)),
        ("UPDATE t SET a = 1 WHERE id >= 1 AND id < 5", ("update", "t", None, True, False)),
        ("DELETE FROM t WHERE id IN (SELECT id FROM t LIMIT 5)", ("delete", "t", None, True, False)),
        ("/* why */ SET LOCAL lock_timeout = '2s'", ("set", None, None, False, False)),
        ("DO $x$ BEGIN DELETE FROM t; END $x$", ("opaque", None, None, False, False)),
    ],
)  # fmt: skip
def test_raw_sql_is_told_apart(sql: str, expected: tuple[object, ...]) -> None:
    """As far as words tell."""
    [each] = parse(sql)
    assert (each.verb, each.table, each.name, each.safe, each.robust) == expected


def test_a_script_of_statements_is_taken_apart() -> None:
    """At semicolons, which mean nothing in texts, names and comments."""
    found = parse("UPDATE t SET a = ';'; -- ; \n DELETE FROM \"a;b\";; SELECT $$;$$;")
    assert [each.verb for each in found] == ["update", "delete", "read"]
    assert found[1].table == "a;b"
