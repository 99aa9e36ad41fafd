"""M24: several heads, and revisions that were edited after they ran."""

from collections.abc import Iterator

from onetrip.migrations.lint.rule import BOTH, Found, Judged, Rule


def find(judged: Judged) -> Iterator[Found]:
    """Find a head beside others, and a file that is not what was applied."""
    revision = judged.revision
    if len(judged.heads) > 1 and revision.id in judged.heads:
        others = ", ".join(head for head in judged.heads if head != revision.id)
        merge = f'# onetrip db merge -m "merge" {" ".join(judged.heads)}'
        yield Found(f"{revision.id} is a head beside {others}", merge, line=_line(revision.source))
    if revision.id in judged.edited:
        message = f"{revision.id} was applied to the database, and edited since"
        restore = f"# git checkout: the file as it was applied; what is to change is a new revision:\n# {_NEW}"
        yield Found(message, restore, line=_line(revision.source))


_NEW = 'onetrip db new -m "…"'


def _line(source: str) -> int:
    lines = source.splitlines()
    return next((number for number, line in enumerate(lines, 1) if line.startswith("revision")), 1)


RULE = Rule(
    id="M24",
    title="Several heads, or an edited revision",
    why="With two heads nobody knows which schema is the newest, and `upgrade head` refuses. A revision that was "
    "edited after it ran makes two databases that call themselves the same and are not.",
    find=find,
    dialects=BOTH,
    example="",
)
