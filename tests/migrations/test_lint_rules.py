"""Each rule: what it finds, that its safe script runs, does the same and is not found, and what it leaves alone."""

from collections.abc import Iterator
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest
import sqlalchemy as sa

from onetrip.migrations.facts import Facts
from onetrip.migrations.lint.registry import all_rules
from onetrip.migrations.lint.rule import Judged, Rule
from onetrip.migrations.snapshot.live import read
from tests.migrations.linted import findings, parts, reset, revision, rules, run, whole
from tests.support.databases import shared_backend

RULES = {rule.id: rule for rule in all_rules()}

MESSAGES = {
    "M01": "The index ix_post_author_id on post is made without CONCURRENTLY",
    "M02": "ix_post_title is concurrent, but in a transaction",
    "M03": "The index ix_post_views is dropped without CONCURRENTLY",
    "M04": "The unique constraint uq_author_email on author builds its index under a lock",
    "M05": "The foreign key fk_post_author_id_author of post to author checks all rows at once",
    "M06": "The CHECK ck_post_views of post checks all rows at once",
    "M07": "fk_post_author_id_author is made NOT VALID and validated in one transaction",
    "M08": "SET NOT NULL of post.title reads all rows",
    "M09": "post.views from INTEGER to BIGINT writes the table anew",
    "M10": "author.name is called full_name at once",
    "M11": "The column post.body is dropped, and no earlier revision calls it deprecated",
    "M12": "post.slug is NOT NULL and has no default: no row could have it",
    "M13": "The default of post.token is volatile: the table is written anew",
    "M14": "post.number counts by itself: the table is written anew",
    "M15": "post.published: a timestamp without time zone does not say which moment it is",
    "M16": "What this does is not known here: ALTER TABLE post ENABLE ROW LEVEL SECURITY",
    "M17": "Rows are changed in the transaction that changes the schema",
    "M18": "UPDATE of post has no range of keys",
    "M19": "The value 'calm' of mood is added in a transaction",
    "M20": "No index begins with comment (post_id)",
    "M21": "One transaction locks post and author against everybody",
    "M22": "The unique constraint of author has no name",
    "M23": "downgrade() does nothing, and upgrade() does",
    "M24": "r1 is a head beside r2",
    "M25": "shop.models is code of the application",
    "M26": "ix_post_body may have been begun already",
    "M27": "It is committed before the revision is done",
}
SAME = ("M01", "M03", "M04", "M05", "M06", "M07", "M08", "M12", "M13", "M17", "M18", "M19", "M21")
"""Rules whose safe script leaves the schema that their example would."""
RUN = (*SAME, "M02", "M09", "M10", "M11", "M14", "M15", "M26", "M27")
"""Rules whose safe script is made of whole revisions."""


def found(rule: Rule, folder: Path) -> Any:
    judged = Judged(revision(folder, rule.example or "pass"), heads=("r1", "r2"))
    return list(rule.find(judged))


@pytest.fixture(scope="module")
def connection(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Connection]:
    with shared_backend("postgresql", request, tmp_path_factory) as backend, backend.engine().connect() as made:
        yield made


def test_every_rule_is_there() -> None:
    assert list(RULES) == [f"M{number:02}" for number in range(1, 28)] == list(MESSAGES)


@pytest.mark.parametrize("name", MESSAGES)
def test_a_rule_finds_its_example(name: str, tmp_path: Path) -> None:
    """Once, in these words, with a safe form and its line."""
    [each] = found(RULES[name], tmp_path)
    assert each.message == MESSAGES[name]
    assert each.safe
    assert (each.line if each.step is None else each.step.line) is not None


@pytest.mark.parametrize("name", RUN)
def test_the_safe_script_is_not_found(name: str, tmp_path: Path) -> None:
    """Not by its own rule, nor by any that says error, but where a drop ends what was deprecated."""
    [each] = found(RULES[name], tmp_path)
    earlier: list[Any] = []
    for number, part in enumerate(parts(each.safe)):
        made = whole(tmp_path, part, name=f"safe{number}")
        assert made.up.error is None
        errors = [one.rule for one in findings(made, earlier=earlier) if one.level == "error" or one.rule == name]
        assert errors == []
        earlier.append(made)


@pytest.mark.parametrize("name", RUN)
def test_the_safe_script_runs(name: str, connection: sa.Connection, tmp_path: Path) -> None:
    """On tables with rows; the schema afterwards is what the example makes of empty ones."""
    rule = RULES[name]
    [each] = found(rule, tmp_path)
    reset(connection, rows=True)
    for part in parts(each.safe):
        run(connection, part.replace("SET slug = …", "SET slug = 'x'"))
    safe = read(connection)
    connection.rollback()
    if name in SAME:
        reset(connection, rows=False)
        run(connection, "def upgrade():\n" + indent(rule.example, "    "))
        assert read(connection) == safe
        connection.rollback()


LEFT_ALONE = {
    "M01": "op.create_table('t', sa.Column('a', sa.Text()))\nop.create_index('ix_t_a', 't', ['a'])",
    "M02": "with op.get_context().autocommit_block():\n"
    "    op.execute('CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON post (id)')",
    "M03": "op.create_table('t', sa.Column('a', sa.Text()))\nop.drop_index('ix_t_a', table_name='t')",
    "M04": "op.create_table('t', sa.Column('a', sa.Text()))\nop.create_unique_constraint('uq_t_a', 't', ['a'])",
    "M05": "op.create_table('t', sa.Column('a', sa.BigInteger(), index=True))\n"
    "op.create_foreign_key('fk_t_a', 't', 'author', ['a'], ['id'])",
    "M06": "op.create_table('t', sa.Column('a', sa.Text()), sa.CheckConstraint('a > 1', name='ck_t_a'))",
    "M07": "op.create_check_constraint('ck', 'post', 'views > 0', postgresql_not_valid=True)\n"
    "with op.get_context().autocommit_block():\n    op.execute('ALTER TABLE post VALIDATE CONSTRAINT ck')",
    "M08": "op.alter_column('post', 'title', nullable=True)",
    "M09": "op.alter_column('post', 'code', type_=sa.String(40), existing_type=sa.String(20))\n"
    "op.alter_column('post', 'code', type_=sa.Text(), existing_type=sa.String())",
    "M10": "op.rename_table('post', 'text')\nop.execute('CREATE VIEW post AS SELECT * FROM text')",
    "M11": "op.create_table('t', sa.Column('a', sa.Text()))\nop.drop_table('t')",
    "M12": "op.add_column('post', sa.Column('n', sa.Integer(), server_default='0', nullable=False))",
    "M13": "op.add_column('post', sa.Column('n', sa.DateTime(True), server_default=sa.func.now()))",
    "M14": "op.add_column('post', sa.Column('n', sa.Integer(), sa.Computed('views + 1', persisted=False)))",
    "M15": "op.add_column('post', sa.Column('n', postgresql.JSONB()))\n"
    "op.create_table('onetrip_history', sa.Column('changes', sa.JSON()))",
    "M16": "op.execute(\"SET LOCAL lock_timeout = '2s'\")\nop.execute(\"COMMENT ON TABLE post IS 'a; b'\")",
    "M17": "op.create_table('t', sa.Column('a', sa.BigInteger()))\nop.execute('INSERT INTO t VALUES (1)')",
    "M18": "op.execute('UPDATE post SET views = 0 WHERE id BETWEEN 1 AND 1000')",
    "M19": "with op.get_context().autocommit_block():\n    op.execute(\"ALTER TYPE mood ADD VALUE IF NOT EXISTS 'x'\")",
    "M20": "op.create_table('t', sa.Column('a', sa.ForeignKey('author.id', name='fk_t_a'), primary_key=True))",
    "M21": "op.add_column('post', sa.Column('a', sa.Text()))\nop.add_column('post', sa.Column('b', sa.Text()))",
    "M22": "op.create_table('t', sa.Column('a', sa.Text()), sa.UniqueConstraint('a', name='uq_t_a'))",
    "M25": "import json, uuid\nfrom sqlalchemy.dialects import postgresql\nfrom sqlmodel import SQLModel",
    "M26": "with op.get_context().autocommit_block():\n"
    "    op.drop_index('ix', table_name='post', postgresql_concurrently=True, if_exists=True)\n"
    "    op.create_index('ix', 'post', ['body'], postgresql_concurrently=True)",
    "M27": "op.execute('SET LOCAL lock_timeout = 1')\nop.drop_constraint('ck', 'post', if_exists=True)\n"
    "with op.get_context().autocommit_block():\n    op.execute('VACUUM post')\nop.drop_column('post', 'body')",
}  # fmt: skip


@pytest.mark.parametrize("name", LEFT_ALONE)
def test_what_stops_nobody_is_left_alone(name: str, tmp_path: Path) -> None:
    """New tables, and the forms that are safe."""
    code = "from sqlalchemy.dialects import postgresql\n" + LEFT_ALONE[name]
    made = revision(tmp_path, code)
    assert made.up.error is None
    assert list(RULES[name].find(Judged(made))) == []


MORE = {
    "a new column with an index": ("op.add_column('post', sa.Column('n', sa.Integer(), index=True))", "M01"),
    "a new column that is unique": ("op.add_column('post', sa.Column('n', sa.Integer(), unique=True))", "M04"),
    "a new column with a foreign key": ("op.add_column('post', sa.Column('n', sa.ForeignKey('author.id')))", "M05"),
    "an index in SQL": ("op.execute('create unique index i on post (title)')", "M01"),
    "an index in a batch": ("with op.batch_alter_table('post') as b:\n    b.create_index('i', ['title'])", "M01"),
    "a dropped index in SQL": ("op.execute('DROP INDEX i')", "M03"),
    "a primary key": ("op.create_primary_key('pk', 'post', ['id'])", "M04"),
    "an exclusion": ("op.create_exclude_constraint('x', 'post', ('views', '='))", "M04"),
    "less text": ("op.alter_column('post', 'code', type_=sa.String(5), existing_type=sa.String(9))", "M09"),
    "another scale":
        ("op.alter_column('post', 'price', type_=sa.Numeric(10, 4), existing_type=sa.Numeric(10, 2))", "M09"),
    "a type from nowhere": ("op.alter_column('post', 'price', type_=sa.Text())", "M09"),
    "a time zone": ("op.alter_column('post', 'at', type_=sa.DateTime(True), existing_type=sa.DateTime())", "M09"),
    "a renamed table": ("op.rename_table('post', 'text')", "M10"),
    "a dropped table": ("op.drop_table('post')", "M11"),
    "a function of one's own":
        ("op.add_column('post', sa.Column('n', sa.Text(), server_default=sa.text('f()')))", "M13"),
    "a stored column":
        ("op.add_column('post', sa.Column('n', sa.Integer(), sa.Computed('views + 1', persisted=True)))", "M14"),
    "json": ("op.create_table('t', sa.Column('a', sa.JSON()))", "M15"),
    "an integer key": ("op.create_table('t', sa.Column('id', sa.Integer(), primary_key=True))", "M15"),
    "a broken script": ("raise ValueError('no')", "M16"),
    "DELETE": ("op.execute('DELETE FROM post WHERE title IS NULL')", "M18"),
    "an UPDATE through the connection": ("op.get_bind().execute(sa.text('UPDATE post SET views = 0'))", "M18"),
    "a renamed value": ("op.execute(\"ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'\")", "M19"),
    "a name that is too long": (f"op.create_check_constraint(op.f('ck_{'x' * 70}'), 'post', 'views > 0')", "M22"),
    "rows that are inserted": ("op.add_column('post', sa.Column('a', sa.Text()))\n"
                               "op.bulk_insert(sa.table('author', sa.column('id')), [{'id': 3}])", "M17"),
}  # fmt: skip


@pytest.mark.parametrize("code, name", MORE.values(), ids=MORE)
def test_other_forms_are_found(code: str, name: str, tmp_path: Path) -> None:
    assert name in rules(revision(tmp_path, code))


def test_a_drop_comes_after_what_is_deprecated(tmp_path: Path) -> None:
    """And a table's name covers its columns."""
    drop = revision(tmp_path, "op.drop_column('post', 'body')")
    for name in ("post.body", "post"):
        first = whole(
            tmp_path, f"deprecated = ({name!r},)\n\n\ndef upgrade(): pass", name=f"r_{name.replace('.', '_')}"
        )
        assert "M11" not in rules(drop, earlier=[first])
    other = whole(tmp_path, "deprecated = ('post.title',)\n\n\ndef upgrade(): pass", name="other")
    assert "M11" in rules(drop, earlier=[other])


def test_facts_change_what_is_found(tmp_path: Path) -> None:
    """What is small is a note; a valid CHECK, a function, the time zone and an index that are known are no finding."""
    index = revision(tmp_path, RULES["M01"].example, name="index")
    small, large = Facts(rows={(None, "post"): 9_999}), Facts(rows={(None, "post"): 10_000})
    assert [each.level for each in findings(index, small)] == ["info"]
    assert [each.level for each in findings(index, large)] == ["error"]
    required = revision(tmp_path, RULES["M08"].example, name="required")
    assert rules(required, Facts(not_null=frozenset({((None, "post"), "title")}))) == []
    code = "op.add_column('post', sa.Column('n', sa.Text(), server_default=sa.text('f()')))"
    function = revision(tmp_path, code, name="function")
    assert (rules(function, Facts(functions={"f": False})), rules(function, Facts(functions={"f": True}))) == (
        [],
        ["M13"],
    )
    zone = revision(tmp_path, MORE["a time zone"][0], name="zone")
    assert (rules(zone, Facts(utc=True)), rules(zone, Facts(utc=False))) == ([], ["M09"])
    key = "op.create_foreign_key('fk', 'post', 'author', ['author_id'], ['id'], postgresql_not_valid=True)"
    foreign = revision(tmp_path, key, name="foreign")
    indexed = Facts(indexed={(None, "post"): frozenset({("author_id", "id")})})
    assert (rules(foreign), rules(foreign, indexed)) == (["M20"], [])
    slug = revision(tmp_path, RULES["M12"].example, name="slug")
    assert (rules(slug, Facts(rows={(None, "post"): 0})), rules(slug, small)) == ([], ["M12"])


def test_postgresql_18_needs_no_check(tmp_path: Path) -> None:
    """It takes NOT NULL itself NOT VALID."""
    made = revision(tmp_path, RULES["M08"].example)
    [each] = findings(made, Facts(version=180001))
    assert "ADD CONSTRAINT post_title_not_null NOT NULL title NOT VALID" in each.safe
    assert "VALIDATE CONSTRAINT post_title_not_null" in each.safe


def test_sqlite_has_fewer_rules(tmp_path: Path) -> None:
    """It knows neither CONCURRENTLY nor NOT VALID; what loses rows or stops the application is found there too."""
    code = "\n".join(RULES[name].example for name in ("M01", "M05", "M06", "M08", "M11", "M12", "M18"))
    assert rules(revision(tmp_path, code, dialect="sqlite")) == ["M11", "M12", "M17", "M18"]


@pytest.mark.parametrize(
    "forth, back, message",
    [
        ("op.drop_column('post', 'body')", "op.add_column('post', sa.Column('body', sa.Text()))",
         "downgrade() brings post.body back without its values"),
        ("op.add_column('post', sa.Column('a', sa.Text()))", "op.drop_column('post', 'body')",
         "downgrade() drops post.body, which upgrade() did not add"),
        ("op.add_column('post', sa.Column('a', sa.Text()))", "op.drop_table('post')",
         "downgrade() drops post, which upgrade() did not make"),
        ("op.add_column('post', sa.Column('a', sa.Text()))", "op.drop_column('post', 'a')", None),
        ("op.create_table('t', sa.Column('a', sa.Text()))", "op.drop_table('t')", None),
        ("pass", "pass", None),
    ],
)  # fmt: skip
def test_the_way_back(forth: str, back: str, message: str | None, tmp_path: Path) -> None:
    """It loses what has rows, or it says nothing."""
    made = revision(tmp_path, forth, back)
    assert [each.message for each in RULES["M23"].find(Judged(made))] == ([message] if message else [])
    path = made.path
    path.write_text(path.read_text() + "\n\nirreversible = True\n")
    again = whole(tmp_path, path.read_text(), name="again")
    assert list(RULES["M23"].find(Judged(again))) == []


def test_a_foreign_key_may_get_its_index_later(tmp_path: Path) -> None:
    """In a revision that builds it CONCURRENTLY."""
    key = "op.create_foreign_key('fk', 'post', 'author', ['author_id'], ['id'], postgresql_not_valid=True)"
    index = revision(tmp_path, "op.create_index('ix', 'post', ['author_id'])", name="index")
    judged = Judged(revision(tmp_path, key, name="key"), later=[index])
    assert list(RULES["M20"].find(judged)) == []


def test_a_check_comes_before_set_not_null(tmp_path: Path) -> None:
    """Valid, of this column, and not afterwards."""
    check = "op.create_check_constraint('ck', 'post', '{} IS NOT NULL'{})"
    valid, late = check.format("title", ""), check.format("title", ", postgresql_not_valid=True")
    alter, validate = RULES["M08"].example, "op.execute('ALTER TABLE post VALIDATE CONSTRAINT ck')"

    def found(name: str, *lines: str) -> bool:
        return bool(list(RULES["M08"].find(Judged(revision(tmp_path, "\n".join(lines), name=name)))))

    assert not found("a", valid, alter)
    assert not found("b", late, validate, alter)
    assert not found("c", check.format('"title"', ""), alter)
    assert found("d", alter, valid)
    assert found("e", late, alter, validate)
    assert found("f", check.format("body", ""), alter)


def test_a_lock_timeout_makes_several_locks_a_note(tmp_path: Path) -> None:
    """Nobody waits for longer."""
    code = "op.execute(\"SET LOCAL lock_timeout = '2s'\")\n" + RULES["M21"].example
    assert [each.level for each in findings(revision(tmp_path, code)) if each.rule == "M21"] == ["info"]
