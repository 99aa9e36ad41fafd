"""M23: a revision that cannot be taken back, without saying so."""

from collections.abc import Iterator
from typing import Any

from alembic.operations import ops

from onetrip.migrations.lint.recorder import Step
from onetrip.migrations.lint.rule import BOTH, Found, Judged, Rule, called, table_of
from onetrip.migrations.lint.safe import rendered, script


def find(judged: Judged) -> Iterator[Found]:
    """Find empty downgrades, and those that drop or bring back what has rows."""
    if judged.revision.said("irreversible") or not judged.steps or judged.revision.up.error:
        return
    down = judged.revision.down
    if not down.steps and all(_changes_nothing(step) for step in judged.steps):
        return
    if not down.steps:
        yield Found("downgrade() does nothing, and upgrade() does", _reverse(judged.steps), judged.steps[0])
        return
    added, dropped = _columns(judged.steps, ops.AddColumnOp), _columns(judged.steps, ops.DropColumnOp)
    new = set(judged.created)
    for step in down.steps:
        op, table = step.op, table_of(step.op)
        if table is None:
            continue
        if isinstance(op, ops.DropTableOp) and table not in new:
            yield Found(f"downgrade() drops {called(table)}, which upgrade() did not make", _IRREVERSIBLE, step)
        elif isinstance(op, ops.DropColumnOp) and (table, op.column_name) not in added and table not in new:
            message = f"downgrade() drops {called(table)}.{op.column_name}, which upgrade() did not add"
            yield Found(message, _IRREVERSIBLE, step)
        elif isinstance(op, ops.AddColumnOp) and (table, op.column.name) in dropped:
            message = f"downgrade() brings {called(table)}.{op.column.name} back without its values"
            yield Found(message, _IRREVERSIBLE, step)


def _changes_nothing(step: Step) -> bool:
    """Say whether a step leaves nothing to take back: rows that are checked, a setting of the session."""
    return bool(step.raw) and all(each.verb in ("validate", "set", "read") for each in step.raw)


def _columns(steps: tuple[Step, ...], kind: type[Any]) -> set[tuple[object, str]]:
    return {
        (table_of(step.op), getattr(step.op, "column_name", None) or step.op.column.name)
        for step in steps
        if isinstance(step.op, kind)
    }


def _reverse(steps: tuple[Step, ...]) -> str:
    """Write the way back; what has none is irreversible."""
    try:
        lines = [rendered(step.op.reverse()) for step in reversed(steps)]
    except (AttributeError, NotImplementedError, TypeError, ValueError):  # what a way back needs is not in the script
        return _IRREVERSIBLE
    return script(*lines).replace("def upgrade", "def downgrade", 1)


_IRREVERSIBLE = "irreversible = True  # beside upgrade(): 'onetrip db down' refuses"

RULE = Rule(
    id="M23",
    title="No way back",
    why="When a deployment goes wrong, a downgrade that does nothing leaves the schema as it is and says it went well; "
    "one that drops what has rows loses them. Write the way back, or say that there is none.",
    find=find,
    level="warning",
    dialects=BOTH,
    example='op.add_column("post", sa.Column("subtitle", sa.Text()))  # and downgrade() is empty',
)
