"""M18: all rows of a table changed by one statement."""

from collections.abc import Iterator

from onetrip.migrations.lint.rule import BOTH, Found, Judged, Rule
from onetrip.migrations.lint.safe import backfill


def find(judged: Judged) -> Iterator[Found]:
    """Find UPDATE and DELETE without a range of keys."""
    for step in judged.steps:
        for each in step.raw:
            if each.verb not in ("update", "delete") or each.safe or judged.is_new(each.table):
                continue
            schema, _, name = (each.table or "").rpartition(".")
            table = schema or None, name
            text = each.text.rstrip()
            has_condition = " where " in f" {' '.join(text.lower().split())} "
            change = f"{text} AND" if has_condition else f"{text} WHERE"
            safe = backfill(table, judged.facts.keys.get(table, "id"), " ".join(change.split()))
            yield Found(f"{each.verb.upper()} of {each.table} has no range of keys", safe, step, tables=(table,))


RULE = Rule(
    id="M18",
    title="UPDATE or DELETE of a whole table",
    why="Every row stays locked until the last one is changed, replicas fall behind, and a failure at the end takes "
    "all of it back. Change a range of keys at a time, each in a transaction of its own.",
    find=find,
    dialects=BOTH,
    sized=True,
    example='op.execute("UPDATE post SET views = 0")',
)
