"""M17: rows changed in a revision that also changes the schema."""

from collections.abc import Iterator

from alembic.operations import ops

from onetrip.migrations.lint.recorder import Step
from onetrip.migrations.lint.rule import BOTH, Found, Judged, Rule, table_of
from onetrip.migrations.lint.safe import script, scripts, written

_DATA = ("update", "delete", "insert")


def find(judged: Judged) -> Iterator[Found]:
    """Find data beside DDL in one transaction; rows of tables that the revision itself makes are part of them."""
    data = [step for step in judged.steps if _is_data(step, judged)]
    changing = [step for step in judged.steps if not _is_data(step, judged) and _is_schema(step, judged)]
    for step in data:
        if any(each.transaction == step.transaction is not None for each in changing):
            safe = scripts(script(*written(changing)), script(*written(data)))
            yield Found("Rows are changed in the transaction that changes the schema", safe, step)
            return


def _is_data(step: Step, judged: Judged) -> bool:
    if isinstance(step.op, ops.BulkInsertOp):
        return table_of(step.op) not in judged.created
    return any(each.verb in _DATA and not judged.is_new(each.table) for each in step.raw)


def _is_schema(step: Step, judged: Judged) -> bool:
    table = table_of(step.op)
    return table is not None and table not in judged.created and not isinstance(step.op, ops.BulkInsertOp)


RULE = Rule(
    id="M17",
    title="Rows and schema changed together",
    why="The locks of the schema change are held until all rows are changed, and one failure takes both back. Change "
    "the schema in one revision, the rows in another, in batches.",
    find=find,
    dialects=BOTH,
    example='op.add_column("post", sa.Column("state", sa.Text()))\n'
    "op.execute(\"UPDATE post SET state = 'draft' WHERE id BETWEEN 1 AND 1000\")",
)
