"""M27: what stands before an autocommit block."""

from collections.abc import Iterator

from onetrip.migrations.lint.recorder import Step
from onetrip.migrations.lint.rule import Found, Judged, Rule
from onetrip.migrations.lint.safe import autocommit, script, scripts, written


def find(judged: Judged) -> Iterator[Found]:
    """Find what is committed by a block that follows it; what can be run twice is no harm."""
    outside = [number for number, step in enumerate(judged.steps) if step.transaction is None]
    if not outside:
        return
    before = [step for step in judged.steps[: outside[-1]] if step.transaction is not None and not _can_run_twice(step)]
    if before:
        rest = [step for step in judged.steps if step not in before]
        alone = [step for step in rest if step.transaction is None]
        after = written([step for step in rest if step.transaction is not None]) if len(alone) < len(rest) else []
        safe = scripts(script(*written(before)), script(autocommit(*written(alone)), *after))
        yield Found("It is committed before the revision is done", safe, before[0])


def _can_run_twice(step: Step) -> bool:
    if getattr(step.op, "if_exists", None) or getattr(step.op, "if_not_exists", None):
        return True
    return bool(step.raw) and all(each.robust or each.verb in _AGAIN for each in step.raw)


_AGAIN = ("set", "read", "comment", "validate")


RULE = Rule(
    id="M27",
    title="Steps before an autocommit block",
    why="The block commits what stands before it, and the revision is not noted as applied until its end: who is "
    "stopped in the block begins the revision anew, and fails at its first step, which is done already. Let what is in "
    "a transaction be a revision of its own, or come after the block.",
    find=find,
    level="warning",
    example='op.add_column("post", sa.Column("subtitle", sa.Text()))\n'
    "with op.get_context().autocommit_block():\n"
    '    op.create_index("ix_post_subtitle", "post", ["subtitle"], postgresql_concurrently=True, if_not_exists=True)',
)
