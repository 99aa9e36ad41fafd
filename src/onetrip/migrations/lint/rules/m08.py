"""M08: SET NOT NULL, which reads all rows."""

from collections.abc import Iterator
from itertools import takewhile

from alembic.operations import ops

from onetrip.migrations.lint.checked import checked
from onetrip.migrations.lint.rule import Found, Judged, Rule, called
from onetrip.migrations.lint.safe import execute, not_null, quoted, script, scripts, shortened, table_sql, validate
from onetrip.migrations.snapshot.model import Name


def find(judged: Judged) -> Iterator[Found]:
    """Find SET NOT NULL where no valid CHECK says so already: in the database, or by what was recorded."""
    for step, table in judged.existing():
        op = step.op
        if not isinstance(op, ops.AlterColumnOp) or op.modify_nullable is not False or op.existing_nullable is False:
            continue
        before = [one for each in judged.earlier for one in each.up.steps]
        before += takewhile(lambda each, this=step: each is not this, judged.steps)  # type: ignore[misc]
        if (table, op.column_name) in judged.facts.not_null | checked(before):
            continue
        yield Found(
            f"SET NOT NULL of {called(table)}.{op.column_name} reads all rows",
            _safe(judged, table, op.column_name), step, tables=(table,),
        )  # fmt: skip


def _safe(judged: Judged, table: Name, column: str) -> str:
    if (judged.facts.version or 0) >= 180000:
        name = shortened(f"{table[1]}_{column}_not_null")
        added = f"ALTER TABLE {table_sql(table)} ADD CONSTRAINT {quoted(name)} NOT NULL {quoted(column)} NOT VALID"
        return scripts(script(execute(added)), script(validate(table, name)))
    return scripts(*(not_null(table, column)))


RULE = Rule(
    id="M08",
    title="SET NOT NULL reads all rows under a lock",
    why="SET NOT NULL holds an AccessExclusive lock while all rows are read. A CHECK (… IS NOT NULL) that is made NOT "
    "VALID and then validated lets PostgreSQL skip that; the CHECK is dropped afterwards. PostgreSQL 18 takes NOT NULL "
    "itself NOT VALID.",
    find=find,
    sized=True,
    example='op.alter_column("post", "title", nullable=False)',
)
