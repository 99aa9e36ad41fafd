"""M21: exclusive locks on several tables in one transaction."""

from collections.abc import Iterator, Sequence

from onetrip.migrations.lint.locks import cost
from onetrip.migrations.lint.recorder import Step
from onetrip.migrations.lint.rule import Found, Judged, Level, Rule, called
from onetrip.migrations.lint.safe import script, scripts, written
from onetrip.migrations.snapshot.model import Name


def find(judged: Judged) -> Iterator[Found]:
    """Find transactions that lock more than one table against everybody."""
    locked: dict[int, dict[Name, list[Step]]] = {}
    for step in judged.steps:
        if step.transaction is None:
            continue
        for table, lock in cost(step, judged.facts).locks.items():
            if lock == "AccessExclusive" and table not in judged.created:
                locked.setdefault(step.transaction, {}).setdefault(table, []).append(step)
    for transaction, tables in locked.items():
        if len(tables) > 1:
            level: Level = "info" if _gives_up(judged.steps, transaction) else RULE.level
            names = " and ".join(map(called, tables))
            safe = scripts(*(script(*written(steps)) for steps in tables.values()))
            yield Found(
                f"One transaction locks {names} against everybody", safe, next(iter(tables.values()))[0], level=level
            )


def _gives_up(steps: Sequence[Step], transaction: int) -> bool:
    """Say whether a transaction sets a lock_timeout: then nobody waits for longer than that."""
    raw = (each for step in steps if step.transaction == transaction for each in step.raw)
    return any(each.verb == "set" and "lock_timeout" in each.text.lower() for each in raw)


RULE = Rule(
    id="M21",
    title="Several tables locked at once",
    why="The first table stays locked while the second lock is waited for, and a request that uses both in the other "
    "order is a deadlock. One table for each revision; a lock_timeout makes it a note.",
    find=find,
    level="warning",
    example='op.add_column("post", sa.Column("note", sa.Text()))\n'
    'op.add_column("author", sa.Column("note", sa.Text()))',
)
