"""M19: values of PostgreSQL's enums."""

from collections.abc import Iterator

from onetrip.migrations.lint.rule import Found, Judged, Rule
from onetrip.migrations.lint.safe import DEPLOYED, autocommit, execute, script, scripts


def find(judged: Judged) -> Iterator[Found]:
    """Find values that are added in a transaction, and values that are renamed."""
    for step in judged.steps:
        for each in step.raw:
            if each.verb == "add value" and step.transaction is not None:
                text = each.text if each.robust else _robust(each.text)
                message = f"The value {each.name} of {each.table} is added in a transaction"
                yield Found(message, script(autocommit(execute(text))), step)
            elif each.verb == "rename value":
                message = f"The value {each.name} of {each.table} gets another name at once"
                new = each.text.rstrip().rpartition("'")[0].rpartition("'")[2]
                add = execute(f"ALTER TYPE {each.table} ADD VALUE IF NOT EXISTS '{new}'")
                later = "# change the rows in batches; PostgreSQL cannot drop the old value, so it stays"
                yield Found(message, scripts(script(autocommit(add)), script(later, "pass"), between=DEPLOYED), step)


def _robust(text: str) -> str:
    at = text.upper().index("ADD VALUE") + len("ADD VALUE")
    return f"{text[:at]} IF NOT EXISTS{text[at:]}"


RULE = Rule(
    id="M19",
    title="Enum value in a transaction, or renamed",
    why="A value that was added cannot be used before its transaction ends ('unsafe use of new value'), and before "
    "PostgreSQL 12 not be added in one at all. A value with another name breaks every application that runs. (A "
    "VARCHAR with a CHECK has none of that.)",
    find=find,
    example="op.execute(\"ALTER TYPE mood ADD VALUE 'calm'\")",
)
