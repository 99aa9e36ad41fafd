"""M07: NOT VALID and VALIDATE in one transaction."""

from collections.abc import Iterator

from alembic.operations import ops

from onetrip.migrations.lint.elements import NOT_VALID
from onetrip.migrations.lint.recorder import Step
from onetrip.migrations.lint.rule import Found, Judged, Rule
from onetrip.migrations.lint.safe import execute, script, scripts, written


def find(judged: Judged) -> Iterator[Found]:
    """Find what is validated in the transaction that made it."""
    made: dict[str, Step] = {}
    for step in judged.steps:
        op = step.op
        if isinstance(op, ops.CreateForeignKeyOp | ops.CreateCheckConstraintOp) and op.kw.get(NOT_VALID):
            made[str(op.constraint_name)] = step
        for each in step.raw:
            if each.verb == "not valid" and each.name:
                made[each.name] = step
            first = made.get(each.name or "")
            if each.verb == "validate" and first is not None and step.transaction == first.transaction is not None:
                safe = scripts(script(*written([first])), script(execute(each.text)))
                yield Found(f"{each.name} is made NOT VALID and validated in one transaction", safe, step)


RULE = Rule(
    id="M07",
    title="NOT VALID and VALIDATE in one transaction",
    why="The lock that ADD CONSTRAINT took is held until the transaction ends, so that the rows are read under it "
    "after all. Validate in a revision of its own.",
    find=find,
    example='op.create_foreign_key("fk_post_author_id_author", "post", "author", ["author_id"], ["id"], '
    "postgresql_not_valid=True)\n"
    'op.execute("ALTER TABLE post VALIDATE CONSTRAINT fk_post_author_id_author")',
)
