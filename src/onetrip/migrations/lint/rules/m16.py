"""M16: SQL that nobody but a person can judge, and scripts that do not come to their end."""

from collections.abc import Iterator

from onetrip.migrations.lint.rule import BOTH, Found, Judged, Rule
from onetrip.migrations.lint.safe import execute, script


def find(judged: Judged) -> Iterator[Found]:
    """Find statements that are not recognised."""
    for step in judged.steps:
        for each in step.raw:
            if each.verb == "opaque":
                short = " ".join(each.text.split())
                shown = short if len(short) <= 60 else f"{short[:57]}…"
                safe = script('# migrate: allow M16 reason="…"', execute(each.text))
                yield Found(f"What this does is not known here: {shown}", safe, step)
    for name, recording in (("upgrade", judged.revision.up), ("downgrade", judged.revision.down)):
        if recording.error is not None and not recording.error.startswith("NotImplementedError"):
            yield Found(
                f"{name}() stopped at {recording.error}: nothing after it is judged", _READABLE, line=recording.line
            )


_READABLE = """\
# Lint runs the script without a database: what it reads from one finds no rows. Guard what needs them:
if not context.is_offline_mode():
    …\
"""

RULE = Rule(
    id="M16",
    title="Raw SQL that is not understood",
    why="Which locks it takes, for how long, and what it loses can only be said by who wrote it. Say it in a comment "
    "above: the reason is what a reviewer reads.",
    find=find,
    level="warning",
    dialects=BOTH,
    example='op.execute("ALTER TABLE post ENABLE ROW LEVEL SECURITY")',
)
