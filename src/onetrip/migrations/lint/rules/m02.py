"""M02: CONCURRENTLY inside a transaction."""

from collections.abc import Iterator

from alembic.operations import ops

from onetrip.migrations.lint.elements import CONCURRENTLY
from onetrip.migrations.lint.rule import Found, Judged, Rule
from onetrip.migrations.lint.safe import autocommit, execute, index, rendered, script


def find(judged: Judged) -> Iterator[Found]:
    """Find what is concurrent and in no autocommit block."""
    for step in judged.steps:
        op = step.op
        if step.transaction is None:
            continue
        if isinstance(op, ops.CreateIndexOp | ops.DropIndexOp) and op.kw.get(CONCURRENTLY):
            safe = index(op) if isinstance(op, ops.CreateIndexOp) else autocommit(rendered(op))
            yield Found(f"{op.index_name} is concurrent, but in a transaction", script(safe), step)
        for each in step.raw:
            if each.verb in ("create index", "drop index", "reindex") and each.safe:
                message = f"{each.name or each.text} is concurrent, but in a transaction"
                yield Found(message, script(autocommit(execute(each.text))), step)


RULE = Rule(
    id="M02",
    title="CONCURRENTLY in a transaction",
    why="PostgreSQL refuses it: 'cannot run inside a transaction block'. An autocommit block commits what came before, "
    "and runs each statement by itself.",
    find=find,
    example='op.create_index("ix_post_title", "post", ["title"], postgresql_concurrently=True)',
)
