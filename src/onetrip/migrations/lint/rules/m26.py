"""M26: steps outside a transaction that cannot be run twice."""

from collections.abc import Iterator

from alembic.operations import ops

from onetrip.migrations.lint.rule import Found, Judged, Rule
from onetrip.migrations.lint.safe import autocommit, execute, index, rendered, script


def find(judged: Judged) -> Iterator[Found]:
    """Find autocommit steps without IF [NOT] EXISTS; an index that is dropped first, if it exists, is as good."""
    dropped: set[str] = set()
    for step in judged.steps:
        op = step.op
        if step.transaction is not None:
            continue
        if isinstance(op, ops.DropIndexOp):
            if op.if_exists:
                dropped.add(str(op.index_name))
            else:
                safe = ops.DropIndexOp(op.index_name, op.table_name, schema=op.schema, if_exists=True, **op.kw)
                yield Found(f"{op.index_name} may be gone already", script(autocommit(rendered(safe))), step)
        elif isinstance(op, ops.CreateIndexOp) and not op.if_not_exists and str(op.index_name) not in dropped:
            yield Found(f"{op.index_name} may have been begun already", script(index(op)), step)
        for each in step.raw:
            if each.verb == "drop index" and each.robust and each.name:
                dropped.add(each.name)
            elif each.verb in _WORDS and not each.robust and each.name not in dropped:
                text = _robust(each.text, each.verb)
                yield Found(f"{each.name} may be done already", script(autocommit(execute(text))), step)


_WORDS = {
    "create index": "IF NOT EXISTS", "drop index": "IF EXISTS", "add value": "IF NOT EXISTS",
    "create sequence": "IF NOT EXISTS", "drop view": "IF EXISTS",
}  # fmt: skip


def _robust(text: str, verb: str) -> str:
    """Write the words where PostgreSQL wants them: after CONCURRENTLY, or after what is made."""
    upper = text.upper()
    after = "CONCURRENTLY" if "CONCURRENTLY" in upper else verb.rpartition(" ")[2].upper()
    at = upper.index(after) + len(after)
    return f"{text[:at]} {_WORDS[verb]}{text[at:]}"


RULE = Rule(
    id="M26",
    title="Autocommit step that cannot run twice",
    why="Outside a transaction a revision may stop half-way and is run again from its beginning: then what is there "
    "already fails it, for good.",
    find=find,
    level="warning",
    example="with op.get_context().autocommit_block():\n"
    '    op.create_index("ix_post_body", "post", ["body"], postgresql_concurrently=True)',
)
