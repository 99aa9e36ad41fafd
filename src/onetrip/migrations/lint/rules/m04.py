"""M04: a unique constraint, a primary key or an EXCLUDE that builds its index under a lock."""

from collections.abc import Iterator

from alembic.ddl.postgresql import CreateExcludeConstraintOp
from alembic.operations import ops

from onetrip.migrations.lint.elements import like, uniques
from onetrip.migrations.lint.rule import Found, Judged, Rule, called
from onetrip.migrations.lint.safe import execute, index, quoted, rendered, script, table_sql
from onetrip.migrations.snapshot.model import Name


def find(judged: Judged) -> Iterator[Found]:
    """Find constraints with an index of their own, on tables that were there before."""
    for step, table in judged.existing():
        op = step.op
        if isinstance(op, CreateExcludeConstraintOp):
            message = f"The EXCLUDE constraint {op.constraint_name} on {called(table)} reads all rows under a lock"
            yield Found(message, _NONE, step, tables=(table,))
        elif isinstance(op, ops.CreatePrimaryKeyOp):
            name = str(op.constraint_name or f"pk_{op.table_name}")
            message = f"The primary key of {called(table)} builds its index under a lock"
            yield Found(message, _safe(table, name, list(op.columns), "PRIMARY KEY"), step, tables=(table,))
        for made in uniques(op):
            name = str(made.constraint_name or f"uq_{made.table_name}_{'_'.join(made.columns)}")
            column = [rendered(like(op))] if isinstance(op, ops.AddColumnOp) else []
            message = f"The unique constraint {name} on {called(table)} builds its index under a lock"
            yield Found(
                message, _safe(table, name, list(made.columns), "UNIQUE" + _deferrable(made), column), step,
                tables=(table,),
            )  # fmt: skip


def _safe(table: Name, name: str, columns: list[str], kind: str, before: list[str] | None = None) -> str:
    schema, relation = table
    kind, _, deferrable = kind.partition(" DEFER")
    later = f" DEFER{deferrable}" if deferrable else ""
    made = ops.CreateIndexOp(name, relation, columns, schema=schema, unique=True)
    use = f"ALTER TABLE {table_sql(table)} ADD CONSTRAINT {quoted(name)} {kind} USING INDEX {quoted(name)}{later}"
    return script(*(before or ()), index(made), execute(use))


def _deferrable(op: ops.CreateUniqueConstraintOp) -> str:
    if not op.kw.get("deferrable"):
        return ""
    return " DEFERRABLE" + (f" INITIALLY {op.kw['initially']}" if op.kw.get("initially") else "")


_NONE = """\
# There is no safe form of EXCLUDE: make a new table that has it, copy the rows in batches, and rename.
# On a small table: set a lock_timeout, run it when nobody writes, and say so here:
# migrate: allow M04 reason="…"\
"""

RULE = Rule(
    id="M04",
    title="Unique constraint, primary key or EXCLUDE built under a lock",
    why="The index of the constraint is built under an AccessExclusive lock: nobody reads or writes the table until "
    "all rows have been read. Make the index CONCURRENTLY, then the constraint from it, which takes a moment. (The "
    "columns of a primary key have to be NOT NULL before, as in M08, or they are checked under the lock.)",
    find=find,
    sized=True,
    example='op.create_unique_constraint("uq_author_email", "author", ["email"])',
)
