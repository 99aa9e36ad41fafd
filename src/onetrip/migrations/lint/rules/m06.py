"""M06: a CHECK that checks all rows at once."""

from collections.abc import Iterator

from alembic.operations import ops

from onetrip.migrations.lint.elements import NOT_VALID
from onetrip.migrations.lint.rule import Found, Judged, Rule, called
from onetrip.migrations.lint.safe import check, script, scripts, validate


def find(judged: Judged) -> Iterator[Found]:
    """Find CHECK constraints without NOT VALID."""
    for step, table in judged.existing():
        op = step.op
        if isinstance(op, ops.CreateCheckConstraintOp) and not op.kw.get(NOT_VALID):
            name = str(op.constraint_name or f"ck_{op.table_name}")
            made = ops.CreateCheckConstraintOp(name, op.table_name, op.condition, schema=op.schema)
            safe = scripts(script(check(made)), script(validate(table, name)))
            yield Found(f"The CHECK {name} of {called(table)} checks all rows at once", safe, step, tables=(table,))


RULE = Rule(
    id="M06",
    title="CHECK reads all rows under a lock",
    why="ADD CHECK holds an AccessExclusive lock while all rows are read: nobody reads or writes. With NOT VALID it "
    "holds for new rows at once; VALIDATE checks the old ones while everybody reads and writes.",
    find=find,
    sized=True,
    example='op.create_check_constraint(op.f("ck_post_views"), "post", "views >= 0")',
)
