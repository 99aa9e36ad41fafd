"""What Alembic's own comparison misses: generated, run, found equal then; taken back, and the schema is as before."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from onetrip.errors import ConfigurationError
from onetrip.migrations.snapshot import declared as code
from tests.migrations.comparing import Declare, declared, generate, run, snapshot, there_and_back
from tests.support.databases import Backend, sqlite_backend

Item = Callable[[], Any]
BOTH, POSTGRESQL, SQLITE = ("sqlite", "postgresql"), ("postgresql",), ("sqlite",)


def column(*arguments: Any, name: str = "a", **options: Any) -> Item:
    return lambda: sa.Column(name, *arguments, **options)


def index(*keys: Any, name: str = "ix", **options: Any) -> Item:
    return lambda: sa.Index(name, *(sa.text(key) if " " in key or "(" in key else key for key in keys), **options)


def check(text: str, name: str | None = "ck") -> Item:
    return lambda: sa.CheckConstraint(text, name=name)


def unique(*columns: str, name: str | None = "uq", **options: Any) -> Item:
    return lambda: sa.UniqueConstraint(*columns, name=name, **options)


def exclude(**options: Any) -> Item:
    return lambda: pg.ExcludeConstraint(("a", "&&"), name="ex", **options)


def foreign(name: str = "fk", **options: Any) -> Item:
    return lambda: sa.ForeignKeyConstraint(["a"], ["parent.id"], name=name, **options)


def mood(*labels: str, **options: Any) -> Any:
    return sa.Enum(*labels, name="mood", **options)


def table(*items: Item, key: tuple[str, ...] = ("id",), other: Declare | None = None) -> Declare:
    """A table of a column `id` and of items."""

    def declare(metadata: sa.MetaData) -> None:
        number = sa.Column("id", sa.Integer, nullable=False)
        sa.Table("t", metadata, number, *(each() for each in items), sa.PrimaryKeyConstraint(*key, name="pk_t"))
        if other is not None:
            other(metadata)

    return declare


def parent(metadata: sa.MetaData) -> None:
    sa.Table("parent", metadata, sa.Column("id", sa.Integer, primary_key=True))


def serial(**options: Any) -> Declare:
    return lambda metadata: sa.Table("t", metadata, sa.Column("id", sa.Integer, primary_key=True, **options))


def billing(metadata: sa.MetaData) -> None:
    number = sa.Column("id", sa.Integer, primary_key=True)
    kind: sa.Column[Any] = sa.Column("kind", sa.Enum("a", "b", name="kind", schema="billing"))
    sa.Table("invoice", metadata, number, kind, sa.Column("t", sa.ForeignKey("t.id")), schema="billing")


def circle(metadata: sa.MetaData) -> None:
    one = sa.ForeignKey("q.id", name="fk_p", use_alter=True)
    sa.Table("p", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("q", one))
    two = sa.ForeignKey("p.id", name="fk_q")
    sa.Table("q", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("p", two))


def moods(metadata: sa.MetaData) -> None:
    number = sa.Column("id", sa.Integer, primary_key=True)
    known = sa.CheckConstraint("v IN ('a', 'b')", name="ck_v")
    sa.Table("feeling", metadata, number, sa.Column("mood", mood("x", "y")), sa.Column("v", sa.String(3), known))
    link = sa.ForeignKey("feeling.id", ondelete="CASCADE", name="fk_b")
    sa.Table("b_link", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("feeling", link))


@dataclass(frozen=True)
class Change:
    """Two versions of tables, where that makes a difference, and what the script says."""

    before: Declare
    after: Declare
    says: str
    on: tuple[str, ...] = BOTH


TEXT, NUMBER, NUMBER_TOO = column(sa.String(5)), column(sa.Integer), column(sa.Integer, name="b")
INTERVAL = column(pg.INT4RANGE)

CHANGES = {
    "VARCHAR loses its length": Change(table(TEXT), table(column(sa.String)), "type_=sa.String()"),
    "VARCHAR gets a length": Change(table(column(sa.String)), table(TEXT), "type_=sa.String(length=5)"),
    "NUMERIC loses its scale": Change(
        table(column(sa.Numeric(5, 2))), table(column(sa.Numeric)), "type_=sa.Numeric()"
    ),
    "a moment gets a precision": Change(
        table(column(sa.DateTime)), table(column(pg.TIMESTAMP(precision=3))), "precision=3", POSTGRESQL
    ),
    "a moment gets a time zone": Change(
        table(column(sa.DateTime)), table(column(sa.DateTime(timezone=True))), "timezone=True", POSTGRESQL
    ),
    "a column gets a collation": Change(
        table(TEXT), table(column(sa.String(5, collation="C"))), "collation='C'", POSTGRESQL
    ),
    "a column gets SQLite's collation": Change(
        table(TEXT), table(column(sa.String(5, collation="NOCASE"))), "collation='NOCASE'", SQLITE
    ),
    "a list is added": Change(
        table(), table(column(sa.ARRAY(sa.Integer))), "sa.ARRAY(sa.Integer())", POSTGRESQL
    ),
    "a type changes under a CHECK": Change(
        table(TEXT, check("a IN ('x', 'y')")), table(column(sa.Text), check("a IN ('x', 'y')")), "type_=sa.Text()"
    ),
    "a column may be NULL": Change(table(column(sa.Integer, nullable=False)), table(NUMBER), "nullable=True"),
    "a default is added": Change(
        table(TEXT), table(column(sa.String(5), server_default="x")), "server_default='x'"
    ),
    "a default changes": Change(
        table(column(sa.Integer, server_default="1")), table(column(sa.Integer, server_default=sa.text("2"))), "'2'"
    ),
    "a default is a moment": Change(
        table(column(sa.DateTime)), table(column(sa.DateTime, server_default=sa.func.now())), "server_default"
    ),
    "the default of a document changes": Change(
        table(column(sa.JSON, server_default="{}")), table(column(sa.JSON, server_default="[]")), "'[]'"
    ),
    "a column is computed in another way": Change(
        table(column(sa.Integer, sa.Computed("id + 1", persisted=True)), index("a")),
        table(column(sa.Integer, sa.Computed("id + 2", persisted=True)), index("a")),
        "drop_column",
    ),
    "an identity is added": Change(
        table(column(sa.Integer, nullable=False)), table(column(sa.Integer, sa.Identity(start=5))), "ADD GENERATED",
        POSTGRESQL,
    ),
    "an identity changes": Change(
        table(column(sa.Integer, sa.Identity(start=5))), table(column(sa.Integer, sa.Identity(always=True, start=7))),
        "SET GENERATED ALWAYS SET START 7", POSTGRESQL,
    ),
    "a column is counted no more": Change(serial(), serial(autoincrement=False), "DROP SEQUENCE", POSTGRESQL),
    "SERIAL becomes an identity": Change(
        serial(),
        lambda metadata: sa.Table("t", metadata, sa.Column("id", sa.Integer, sa.Identity(), primary_key=True)),
        "ADD GENERATED BY DEFAULT", POSTGRESQL,
    ),
    "the primary key gets a column": Change(
        table(NUMBER), table(NUMBER, key=("id", "a")), "create_primary_key("
    ),
    "a CHECK is added": Change(table(TEXT), table(TEXT, check("a > 'b'")), "create_check_constraint"),
    "a CHECK of a column is added": Change(
        table(TEXT), table(column(sa.String(5), sa.CheckConstraint("a > 'b'", name="ck"))), "create_check_constraint"
    ),
    "a CHECK changes under its name": Change(
        table(TEXT, check("a IN ('x', 'y')")), table(TEXT, check("a IN ('x', 'z')")), "drop_constraint"
    ),
    "values change that are stored as text": Change(
        table(column(mood("x", "y", native_enum=False, create_constraint=True))),
        table(column(mood("x", "z", native_enum=False, create_constraint=True))),
        "create_check_constraint",
    ),
    "UNIQUE is added": Change(table(TEXT), table(TEXT, unique("a")), "create_unique_constraint"),
    "UNIQUE without a name is added": Change(
        table(TEXT), table(TEXT, unique("a", name=None)), "create_unique_constraint"
    ),
    "UNIQUE without a name is dropped": Change(
        table(TEXT, unique("a", name=None)), table(TEXT), "drop_constraint", POSTGRESQL
    ),
    "UNIQUE is checked at the end": Change(
        table(TEXT, unique("a")), table(TEXT, unique("a", deferrable=True, initially="DEFERRED")), "deferrable=True",
        POSTGRESQL,
    ),
    "UNIQUE holds for NULL": Change(
        table(TEXT, unique("a")), table(TEXT, unique("a", postgresql_nulls_not_distinct=True)), "nulls_not_distinct",
        POSTGRESQL,
    ),
    "UNIQUE covers a column": Change(
        table(TEXT, unique("a")), table(TEXT, unique("a", postgresql_include=["id"])), "INCLUDE (id)", POSTGRESQL
    ),
    "EXCLUDE is added": Change(table(INTERVAL), table(INTERVAL, exclude()), "create_exclude_constraint", POSTGRESQL),
    "EXCLUDE changes": Change(
        table(INTERVAL, exclude()), table(INTERVAL, exclude(where=sa.text("id > 3"), deferrable=True)), "id > 3",
        POSTGRESQL,
    ),
    "a foreign key is added": Change(
        table(NUMBER, other=parent), table(NUMBER, foreign(), other=parent), "create_foreign_key"
    ),
    "a foreign key deletes": Change(
        table(NUMBER, foreign(), other=parent), table(NUMBER, foreign(ondelete="CASCADE"), other=parent),
        "ondelete='CASCADE'",
    ),
    "a foreign key is checked at the end": Change(
        table(NUMBER, foreign(), other=parent),
        table(NUMBER, foreign(deferrable=True, initially="DEFERRED"), other=parent), "deferrable=True",
    ),
    "a foreign key matches in full": Change(
        table(NUMBER, foreign(), other=parent), table(NUMBER, foreign(match="FULL"), other=parent), "match='FULL'"
    ),
    "an index gets a condition": Change(
        table(TEXT, index("a")),
        table(TEXT, index("a", postgresql_where=sa.text("a IS NULL"), sqlite_where=sa.text("a IS NULL"))),
        "a IS NULL",
    ),
    "an index covers a column": Change(
        table(TEXT, index("a")), table(TEXT, index("a", postgresql_include=["id"])), "postgresql_include", POSTGRESQL
    ),
    "an index is of another method": Change(
        table(TEXT, index("a")), table(TEXT, index("a", postgresql_using="hash")), "postgresql_using", POSTGRESQL
    ),
    "an index is of another class": Change(
        table(TEXT, index("a")), table(TEXT, index("a", postgresql_ops={"a": "varchar_pattern_ops"})),
        "varchar_pattern_ops", POSTGRESQL,
    ),
    "an index gets parameters": Change(
        table(TEXT, index("a")), table(TEXT, index("a", postgresql_with={"fillfactor": 50})), "fillfactor", POSTGRESQL
    ),
    "an index runs down": Change(table(TEXT, index("a")), table(TEXT, index("a DESC")), "a DESC"),
    "an index is of another expression": Change(
        table(TEXT, index("lower(a)")), table(TEXT, index("upper(a)")), "upper(a)"
    ),
    "an index becomes unique": Change(table(TEXT, index("a")), table(TEXT, index("a", unique=True)), "unique=True"),
    "a unique index holds for NULL": Change(
        table(TEXT, index("a", unique=True)),
        table(TEXT, index("a", unique=True, postgresql_nulls_not_distinct=True)), "nulls_not_distinct", POSTGRESQL,
    ),
    "an enum gets values": Change(
        table(column(mood("x", "y"), server_default="x")),
        table(column(mood("w", "x", "z", "y"), server_default="x")),
        "ADD VALUE IF NOT EXISTS 'z' AFTER 'x'", POSTGRESQL,
    ),
    "an enum loses a value": Change(
        table(column(mood("x", "y"), server_default="x")), table(column(mood("x"), server_default="x")),
        "USING a::text::mood", POSTGRESQL,
    ),
    "a column of a new enum": Change(table(), table(column(mood("x", "y"))), "create_type=False", POSTGRESQL),
    "the last column of an enum goes": Change(table(column(mood("x", "y"))), table(), "DROP TYPE mood", POSTGRESQL),
    "tables are created": Change(lambda _: None, table(TEXT, check("a > 'b'"), index("a"), other=moods), "ck_v"),
    "tables are dropped": Change(table(other=moods), table(), "op.drop_table('feeling')"),
    "tables that refer to each other": Change(table(), table(other=circle), "fk_p"),
    "a sequence is added": Change(
        table(), table(other=lambda metadata: sa.Sequence("seats", metadata=metadata)), "CREATE SEQUENCE", POSTGRESQL
    ),
    "a schema is added": Change(table(), table(other=billing), "CREATE SCHEMA billing", POSTGRESQL),
}  # fmt: skip


NEWEST = [
    CHANGES[name]
    for name in (
        "a column may be NULL", "a column is computed in another way", "an identity is added", "EXCLUDE changes",
        "a column is counted no more", "the primary key gets a column", "UNIQUE covers a column",
        "a foreign key matches in full", "an enum gets values", "tables are dropped", "a schema is added",
    )
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_is_found_and_leads_there_and_back(
    change: Change, database: Backend, request: pytest.FixtureRequest
) -> None:
    """Clean right after `create_all`, clean after the script; the way back ends at the first snapshot."""
    if database.name not in change.on:
        pytest.skip("the database has no such thing")
    if "newest" in request.node.name and change not in NEWEST and "ONETRIP_CHANGES" not in os.environ:
        pytest.skip("its catalogue holds this as the one of PostgreSQL 16 does: ONETRIP_CHANGES=1 runs it")
    assert change.says in there_and_back(database, change.before, change.after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (table(NUMBER, foreign("one"), other=parent), table(NUMBER, foreign("two"), other=parent)),
        (table(TEXT, unique("a", name="one")), table(TEXT, unique("a", name="two"))),
        (table(TEXT, check("a > 'b'", "one")), table(TEXT, check("(a) > ('b')", "two"))),
    ],
)
def test_a_name_alone_is_no_difference(before: Declare, after: Declare, database: Backend) -> None:
    """What somebody else called differently is not made anew."""
    assert there_and_back(database, before, after) == ""


@pytest.mark.parametrize("computed", [True, False])
def test_a_column_that_begins_or_ceases_to_be_computed_is_refused(computed: bool, database: Backend) -> None:
    """Its values could not be kept."""
    versions = [table(column(sa.Integer, sa.Computed("id + 1", persisted=True))), table(NUMBER)]
    before, after = versions if computed else reversed(versions)
    database.create(declared(before))
    with pytest.raises(ConfigurationError, match=r"The column 't\.a' is .* give the new column another name"):
        generate(database, declared(after))


def test_what_is_not_ours_is_left_alone(database: Backend) -> None:
    """Tables that no revision created, what searching needs, parts of a table, and types of others."""
    database.create(declared(table(TEXT)))
    statements = [
        "CREATE TABLE theirs (id INTEGER PRIMARY KEY, note VARCHAR(5))",
        "CREATE VIEW seen AS SELECT 1 AS one",
    ]
    if database.name == "sqlite":
        statements += ["CREATE VIRTUAL TABLE onetrip_search_t USING fts5(c0, content='')"]
    else:
        statements += [
            "CREATE TYPE colour AS ENUM ('red')", "ALTER TABLE theirs ADD colour colour", "CREATE SEQUENCE numbers",
            "ALTER TABLE t ADD onetrip_search tsvector", "CREATE INDEX ON t USING gin (onetrip_search)",
            "CREATE TABLE parts (id INTEGER) PARTITION BY RANGE (id)",
            "CREATE TABLE part PARTITION OF parts FOR VALUES FROM (1) TO (9)",
        ]  # fmt: skip
    with database.engine().begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    assert generate(database, declared(table(TEXT)))[0].strip() == "pass"
    assert (None, "part") not in snapshot(database).tables
    up, _ = generate(database, declared(table(TEXT)), created={(None, "theirs")})
    assert "op.drop_table('theirs')" in up and "DROP TYPE" not in up.partition("drop_table")[0]


def test_what_holds_for_new_rows_only_is_validated(database: Backend) -> None:
    """A constraint that was added NOT VALID, and an index whose build broke off."""
    if database.name == "sqlite":
        pytest.skip("SQLite looks at every row at once")
    new = declared(table(TEXT, check("a > 'b'"), index("a")))
    database.create(declared(table(TEXT)))
    with database.engine().begin() as connection:
        connection.exec_driver_sql("ALTER TABLE t ADD CONSTRAINT ck CHECK (a > 'b') NOT VALID")
        connection.exec_driver_sql("CREATE INDEX ix ON t (a)")
        connection.exec_driver_sql("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix'::regclass")
    up, _ = generate(database, new)
    assert "VALIDATE CONSTRAINT ck" in up and "drop_index('ix'" in up
    run(database, up)
    assert generate(database, new)[0].strip() == "pass"


def test_the_code_is_read_without_a_lock_and_without_a_right_to_create(database: Backend) -> None:
    """Somebody who may only make temporary tables, while somebody else has a table for himself alone."""
    if database.server is None:
        pytest.skip("SQLite does it in memory")
    metadata = declared(table(TEXT, check("a > 'b'"), index("a"), column(mood("x"), name="m"), other=parent))
    database.create(metadata)
    with database.engine().begin() as owner, database.engine().connect() as reader:
        owner.exec_driver_sql("LOCK TABLE t, parent IN ACCESS EXCLUSIVE MODE")
        before = reader.exec_driver_sql("SELECT count(*) FROM pg_class").scalar()
        reader.exec_driver_sql("SET LOCAL lock_timeout = '1s'")
        reader.exec_driver_sql("SET LOCAL ROLE pg_monitor")  # may create nothing
        there = code.read(reader, [metadata])
        reader.exec_driver_sql("RESET ROLE")
        assert reader.exec_driver_sql("SELECT count(*) FROM pg_class").scalar() == before
        assert reader.exec_driver_sql("SHOW search_path").scalar() == '"$user", public'
        owner.rollback()
    assert there == snapshot(database, metadata)


def test_a_key_without_a_name_is_dropped_in_a_copy_of_the_table(tmp_path: Path) -> None:
    """SQLite keeps no name for it: the batch gives it one."""
    with sqlite_backend(tmp_path) as database:
        database.create(declared(table(TEXT, NUMBER_TOO, unique("a", name=None), unique("b", name=None))))
        new = declared(table(TEXT, NUMBER_TOO, unique("b", name=None)))
        up, down = generate(database, new)
        assert "naming_convention" in up
        run(database, up)
        assert generate(database, new)[0].strip() == "pass"
        run(database, down)
        assert [each.columns for each in snapshot(database).tables[None, "t"].constraints if each.kind == "unique"] == [
            ("a",), ("b",),
        ]  # fmt: skip
