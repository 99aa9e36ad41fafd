"""M03: an index dropped while nobody may read or write."""

from collections.abc import Iterator

from alembic.operations import ops

from onetrip.migrations.lint.elements import CONCURRENTLY
from onetrip.migrations.lint.rule import Found, Judged, Rule, table_of
from onetrip.migrations.lint.safe import autocommit, execute, rendered, script


def find(judged: Judged) -> Iterator[Found]:
    """Find DROP INDEX without CONCURRENTLY, in SQL too."""
    for step in judged.steps:
        op = step.op
        if isinstance(op, ops.DropIndexOp) and not op.kw.get(CONCURRENTLY) and table_of(op) not in judged.created:
            safe = ops.DropIndexOp(
                op.index_name, op.table_name, schema=op.schema, if_exists=True, **{**op.kw, CONCURRENTLY: True}
            )
            table = table_of(op)
            message = f"The index {op.index_name} is dropped without CONCURRENTLY"
            yield Found(message, script(autocommit(rendered(safe))), step, tables=(table,) if table else ())
        for each in step.raw:
            if each.verb == "drop index" and not each.safe:
                text = execute(f"DROP INDEX CONCURRENTLY IF EXISTS {each.name}")
                yield Found(f"The index {each.name} is dropped without CONCURRENTLY", script(autocommit(text)), step)


RULE = Rule(
    id="M03",
    title="Index dropped while nobody may read",
    why="DROP INDEX takes an AccessExclusive lock: it waits for the longest query on the table, and everything that "
    "comes after waits behind it. CONCURRENTLY waits alone.",
    find=find,
    level="warning",
    sized=True,
    example='op.drop_index("ix_post_views", table_name="post")',
)
