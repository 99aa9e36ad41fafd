"""M11: a column or table that is dropped, with what is in it."""

from collections.abc import Iterator

from alembic.operations import ops

from onetrip.migrations.lint.rule import BOTH, Found, Judged, Rule, called
from onetrip.migrations.lint.safe import DEPLOYED, rendered, script, scripts
from onetrip.migrations.lint.safe import deprecated as written_off


def find(judged: Judged) -> Iterator[Found]:
    """Find drops of what no earlier revision called `deprecated`."""
    deprecated = {name for each in judged.earlier for name in each.said("deprecated") or ()}
    for step, table in judged.existing():
        op = step.op
        if isinstance(op, ops.DropColumnOp):
            name, kind = f"{called(table)}.{op.column_name}", "column"
        elif isinstance(op, ops.DropTableOp):
            name, kind = called(table), "table"
        else:
            continue
        if name in deprecated or called(table) in deprecated:
            continue
        first = written_off(name, "the application neither reads nor writes it any more")
        yield Found(
            f"The {kind} {name} is dropped, and no earlier revision calls it deprecated",
            scripts(first, script(_drop(op)), between=DEPLOYED), step,
        )  # fmt: skip


def _drop(op: ops.DropColumnOp | ops.DropTableOp) -> str:
    if isinstance(op, ops.DropColumnOp):
        return rendered(ops.DropColumnOp(op.table_name, op.column_name, schema=op.schema))
    return rendered(ops.DropTableOp(op.table_name, schema=op.schema))


RULE = Rule(
    id="M11",
    title="Dropped column or table",
    why="The application that runs still asks for it and fails; and the rows are gone for good, a downgrade brings "
    'back the empty shell. First a revision with `deprecated = ("table.column",)` beside its `upgrade()`, deployed '
    "together with code that no longer uses it (a NOT NULL column needs a default by then); the drop comes later.",
    find=find,
    dialects=BOTH,
    example='op.drop_column("post", "body")',
)
