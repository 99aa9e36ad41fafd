"""`onetrip db plan`: what is pending, and what it locks: measured on a server, not believed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from onetrip.cli.planning import Options, plan_project
from onetrip.migrations.facts import UNKNOWN
from onetrip.migrations.lint.locks import STRENGTH, cost
from onetrip.migrations.plan import plan
from onetrip.migrations.run import up
from tests.migrations import histories
from tests.migrations.linted import reset, revision
from tests.migrations.test_lint import DROP, TABLE, project
from tests.support.databases import Backend, shared_backend

SETUP = """
ALTER TABLE post ADD COLUMN required integer DEFAULT 1 CHECK (required IS NOT NULL);
ALTER TABLE post ADD CONSTRAINT fk_before FOREIGN KEY (id) REFERENCES author (id) NOT VALID;
ALTER TABLE post ADD CONSTRAINT ck_before CHECK (views > 0) NOT VALID;
CREATE UNIQUE INDEX ix_email ON author (email);
"""
NEW, OLD = "sa.Column('n', {})", "existing_type=sa.{}, type_=sa.{}"


def add(column: str) -> str:
    return f"op.add_column('post', sa.Column('n', {column}))"


def retype(column: str, old: str, new: str) -> str:
    return f"op.alter_column('post', '{column}', existing_type=sa.{old}, type_=sa.{new})"


STATEMENTS = {
    "add column": add("sa.Text()"),
    "add column with a constant": add("sa.Text(), server_default='x', nullable=False"),
    "add column with now()": add("sa.DateTime(True), server_default=sa.func.now(), nullable=False"),
    "add column with a volatile default": add("sa.Uuid(), server_default=sa.text('gen_random_uuid()')"),
    "add column with an identity": add("sa.BigInteger(), sa.Identity()"),
    "add column that is stored": add("sa.Integer(), sa.Computed('views + 1', persisted=True)"),
    "add column with a foreign key": add("sa.BigInteger(), sa.ForeignKey('author.id', name='fk_n')"),
    "add column that is unique": add("sa.BigInteger(), unique=True"),
    "drop column": "op.drop_column('post', 'body')",
    "rename column": "op.alter_column('post', 'body', new_column_name='words')",
    "rename table": "op.rename_table('post', 'words')",
    "set default": "op.alter_column('post', 'body', server_default='x')",
    "drop not null": "op.alter_column('post', 'body', nullable=True)",
    "set not null": "op.alter_column('post', 'views', nullable=False)",
    "int to bigint": retype("views", "Integer()", "BigInteger()"),
    "varchar longer": retype("code", "String(20)", "String(30)"),
    "varchar to text": retype("code", "String(20)", "Text()"),
    "varchar shorter": retype("code", "String(20)", "String(10)"),
    "numeric wider": retype("price", "Numeric(10, 2)", "Numeric(12, 2)"),
    "numeric without an end": retype("price", "Numeric(10, 2)", "Numeric()"),
    "numeric with another scale": retype("price", "Numeric(10, 2)", "Numeric(12, 3)"),
    "timestamp with zone": retype("at", "DateTime()", "DateTime(True)"),
    "unique": "op.create_unique_constraint('uq_email', 'author', ['email'])",
    "unique from an index": "op.execute('ALTER TABLE author ADD CONSTRAINT uq_email UNIQUE USING INDEX ix_email')",
    "check": "op.create_check_constraint('ck', 'post', 'views > 0')",
    "check not valid": "op.create_check_constraint('ck', 'post', 'views > 0', postgresql_not_valid=True)",
    "foreign key": "op.create_foreign_key('fk', 'post', 'author', ['author_id'], ['id'])",
    "foreign key not valid":
        "op.create_foreign_key('fk', 'post', 'author', ['author_id'], ['id'], postgresql_not_valid=True)",
    "validate a check": "op.execute('ALTER TABLE post VALIDATE CONSTRAINT ck_before')",
    "exclude": "op.create_exclude_constraint('x', 'post', ('id', '='), using='btree')",
    "index": "op.create_index('ix', 'post', ['title'])",
    "drop index": "op.drop_index('ix_post_views', table_name='post')",
    "drop constraint": "op.drop_constraint('ck_before', 'post', type_='check')",
    "drop table": "op.drop_table('post')",
    "create table with a foreign key":
        "op.create_table('t', sa.Column('a', sa.BigInteger(), sa.ForeignKey('author.id', name='fk_t')))",
    "comment on a table": "op.create_table_comment('post', 'words')",
    "comment on a column": "op.alter_column('post', 'body', comment='words')",
    "update": "op.execute('UPDATE post SET views = 3 WHERE id = 1')",
    "insert": "op.bulk_insert(sa.table('author', sa.column('id', sa.BigInteger)), [{'id': 9}])",
}  # fmt: skip
ALSO = {"drop constraint", "drop table"}
"""What may lock the table at the other end of a foreign key as well, which the script does not name."""

LOCKS = """
SELECT c.relname, l.mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
WHERE l.pid = pg_backend_pid() AND l.granted AND c.relname IN ('post', 'author', 'words') AND c.relkind = 'r'
"""


@pytest.fixture(scope="module")
def connection(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Connection]:
    with shared_backend("postgresql", request, tmp_path_factory) as backend, backend.engine().connect() as made:
        reset(made, rows=True)
        made.exec_driver_sql("UPDATE post SET views = 1, at = now();" + SETUP)
        made.exec_driver_sql("SET timezone = 'Europe/Athens'")
        made.commit()
        yield made


def node(connection: sa.Connection) -> Any:
    statement = "SELECT relfilenode FROM pg_class WHERE relname IN ('post', 'words') AND relkind = 'r'"
    return connection.exec_driver_sql(statement).scalar()


@pytest.mark.parametrize("name", STATEMENTS)
def test_locks_and_rewrites_are_those_of_a_server(name: str, connection: sa.Connection, tmp_path: Path) -> None:
    """The strongest lock of each table, in a transaction that is taken back; a table written anew is another file."""
    made = revision(tmp_path, STATEMENTS[name])
    [step] = made.up.steps
    said = cost(step, UNKNOWN)
    context = MigrationContext.configure(connection)
    before = node(connection)
    connection.rollback()
    try:
        with Operations.context(context):
            made.script.module.upgrade()
        held: dict[str, str] = {}
        for table, mode in connection.exec_driver_sql(LOCKS):
            lock, table = mode.removesuffix("Lock"), {"words": "post"}.get(table, table)
            if lock != "AccessShare" and STRENGTH[lock] >= STRENGTH[held.get(table, "AccessShare")]:
                held[table] = lock
        after = node(connection)
    finally:
        connection.rollback()
    locks = {table: lock for (_, table), lock in said.locks.items()}
    if name in ALSO:
        held.pop("author", None)
    if name == "drop table":
        assert locks == {"post": "AccessExclusive"}
    else:
        assert locks == held
        assert (said.work == "rewrite") == (before != after)


def test_concurrent_indexes_let_writers_go_on(tmp_path: Path) -> None:
    """They cannot run in a transaction, so the lock is what the documentation says."""
    code = "op.create_index('ix', 'post', ['title'], postgresql_concurrently=True)"
    [step] = revision(tmp_path, code).up.steps
    assert cost(step, UNKNOWN).locks == {(None, "post"): "ShareUpdateExclusive"}


def test_what_is_pending_is_told(backend: Backend, tmp_path: Path) -> None:
    """With its statements and rows; the exit code is 0, 1 or 2."""
    made = project(tmp_path, backend, a1=TABLE, a2="op.add_column('post', sa.Column('a', sa.Text()))", a3=DROP)
    assert [each.revision for each in plan(made).revisions] == ["a1", "a2", "a3"]
    [created] = plan(made).revisions[0].statements
    assert created.work == "instant"
    up(made, "a1")
    with backend.engine().begin() as connection:
        connection.exec_driver_sql("INSERT INTO post (id) VALUES (1), (2), (3)")
    found = plan(made)
    assert (found.code, found.reached, [each.revision for each in found.revisions]) == (2, True, ["a2", "a3"])
    [statement] = found.revisions[0].statements
    assert (statement.sql, statement.work, statement.rows) == ("ALTER TABLE post ADD COLUMN a TEXT", "instant", 3)
    assert statement.lock == ("AccessExclusive" if backend.name == "postgresql" else "writers")
    assert [each.rule for each in found.revisions[1].findings if each.level == "error"] == ["M11"]
    up(made)
    assert (plan(made).code, plan(made).revisions) == (0, ())


def test_a_table_that_is_new_keeps_nobody_waiting(tmp_path: Path) -> None:
    """Its indexes neither."""
    code = TABLE + "\nop.create_index('ix', 'post', ['body'])"
    made = histories.make(tmp_path, "postgresql://localhost:1/nowhere", {"a1": code})
    [planned] = plan(made).revisions
    assert [(each.locks, each.work) for each in planned.statements] == [({}, "instant")] * 2


def test_something_safe_is_pending(backend: Backend, tmp_path: Path) -> None:
    made = project(tmp_path, backend, a1=TABLE)
    assert plan(made).code == 1


def test_a_batch_on_sqlite_is_a_copy(tmp_path: Path) -> None:
    """But for what SQLite can do in place."""
    code = (
        "with op.batch_alter_table('post') as b:\n    b.alter_column('body', nullable=False)\n    b.drop_column('id')"
    )
    place = "with op.batch_alter_table('post') as b:\n    b.add_column(sa.Column('a', sa.Text()))"
    made = histories.make(tmp_path, f"sqlite:///{tmp_path}/x.db", {"a1": TABLE, "a2": code, "a3": place})
    _, copied, changed = plan(made).revisions
    [statement] = copied.statements
    told = "-- post is copied whole into a new table, dropped, and the copy takes its name: AlterColumn, DropColumn"
    assert (statement.sql, statement.work) == (told, "rewrite")
    assert changed.statements[0].work == "instant"


def test_the_command_tells(backend: Backend, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For people and for programs."""
    made = project(tmp_path, backend, a1=TABLE, a2=DROP)
    up(made, "a1")
    assert plan_project(made, Options()) == 2
    told = capsys.readouterr().out
    assert "ALTER TABLE post DROP COLUMN body" in told and "M11 error" in told and "0 rows" in told
    assert plan_project(made, Options(json=True)) == 2
    read = json.loads(capsys.readouterr().out)
    assert read["reached"] and read["revisions"][0]["statements"][0]["sql"] == "ALTER TABLE post DROP COLUMN body"
    up(made)
    assert plan_project(made, Options()) == 0
    assert capsys.readouterr().out == "Nothing is pending.\n"
