"""M01: an index on a table that was there before, made while nobody may write."""

from collections.abc import Iterator

from alembic.operations import ops

from onetrip.migrations.lint.elements import CONCURRENTLY, indexes, like
from onetrip.migrations.lint.rule import Found, Judged, Rule, called
from onetrip.migrations.lint.safe import autocommit, execute, index, rendered, script


def find(judged: Judged) -> Iterator[Found]:
    """Find indexes without CONCURRENTLY, in SQL too."""
    for step, table in judged.existing():
        for made in indexes(step.op):
            if made.kw.get(CONCURRENTLY):
                continue
            column = [rendered(like(step.op))] if isinstance(step.op, ops.AddColumnOp) else []
            message = f"The index {made.index_name} on {called(table)} is made without CONCURRENTLY"
            yield Found(message, script(*column, index(made)), step, tables=(table,))
    for step in judged.steps:
        for each in step.raw:
            if each.verb == "create index" and not each.safe and not judged.is_new(each.table):
                before, _, after = each.text.partition(" INDEX ") if " INDEX " in each.text else ("", "", "")
                safe = f"{before} INDEX CONCURRENTLY {after}" if after else each.text
                drop = [execute(f"DROP INDEX CONCURRENTLY IF EXISTS {each.name}")] if each.name else []
                schema, _, name = (each.table or "").rpartition(".")
                message = f"The index {each.name or 'without a name'} on {each.table} is made without CONCURRENTLY"
                yield Found(message, script(autocommit(*drop, execute(safe))), step, tables=((schema or None, name),))


RULE = Rule(
    id="M01",
    title="Index made while nobody may write",
    why="CREATE INDEX holds a Share lock until the whole table has been read: every INSERT, UPDATE and DELETE waits "
    "for it. CONCURRENTLY lets them go on. An index that was begun and not finished is dropped first, because IF NOT "
    "EXISTS would keep it, and it is used by no query.",
    find=find,
    sized=True,
    example='op.create_index("ix_post_author_id", "post", ["author_id"])',
)
