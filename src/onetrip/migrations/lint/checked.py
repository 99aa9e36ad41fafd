"""Columns of which a CHECK says already that they are not NULL: then SET NOT NULL reads no row."""

from collections.abc import Iterable

from alembic.operations import ops

from onetrip.migrations.lint.elements import NOT_VALID
from onetrip.migrations.lint.recorder import Step
from onetrip.migrations.lint.rule import table_of
from onetrip.migrations.lint.statements import words
from onetrip.migrations.snapshot.model import Name


def checked(steps: Iterable[Step]) -> frozenset[tuple[Name, str]]:
    """Find the columns whose CHECK was made, and validated, by some steps."""
    made: dict[str, tuple[Name, str]] = {}
    valid: set[tuple[Name, str]] = set()
    for step in steps:
        op, table = step.op, table_of(step.op)
        if isinstance(op, ops.CreateCheckConstraintOp) and table is not None:
            column = _column(str(op.condition))
            if column is not None:
                made[str(op.constraint_name)] = table, column
                valid |= set() if op.kw.get(NOT_VALID) else {(table, column)}
        valid |= {made[each.name] for each in step.raw if each.verb == "validate" and each.name in made}
    return frozenset(valid)


def _column(condition: str) -> str | None:
    """Read `column IS NOT NULL`, as it is written in SQL."""
    name, *rest = words(condition) or [""]
    if rest != ["IS", "NOT", "NULL"]:
        return None
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
